"""What goes between processes: data as arrays, and how they are built; functions as tapes; failures with their line.

Nothing of it is code. A tape is the bytes of its file (`Tape.save`), which is verified where it arrives.
"""
from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np

from tapegrad import dtypes
from tapegrad.tape import Tape
from tapegrad.utils._pytree import TreeSpec, tree_flatten

Array = np.ndarray[Any, Any]
_KNOWN = frozenset(d.numpy for d in dtypes.BY_SHORT.values() if d not in dtypes.HALVES)


class Data(NamedTuple):
    """One partition, as programs take it: contiguous arrays, and the containers that they were in."""

    arrays: tuple[Array, ...]
    spec: TreeSpec

    def signature(self) -> Signature:
        return Signature(self.spec, tuple((a.dtype.str, a.shape) for a in self.arrays))


class Signature(NamedTuple):
    """What partitions must have in common to share a tape."""

    spec: TreeSpec
    kinds: tuple[tuple[str, tuple[int, ...]], ...]

    def __str__(self) -> str:
        return ", ".join(f"{np.dtype(kind)}[{', '.join(map(str, shape))}]" for kind, shape in self.kinds)


class Failure(NamedTuple):
    """What went wrong where a partition was worked on."""

    text: str
    source: str = ""


class Answer(NamedTuple):
    """Of each point the value, and after it all gradients, as float64; how long that took, in which process, and what
    digits may depend on (`machine.llvm.cache.fingerprint`)."""

    numbers: Array
    seconds: float
    process: str
    fingerprint: str


def data(value: Any) -> Data:
    """A partition as arrays: of tensors, arrays and numbers, alone or in tuples, lists and dicts.

    TypeError for anything else, and for arrays of other than numbers.
    """
    leaves, spec = tree_flatten(value)
    return Data(_apart([_array(leaf) for leaf in leaves]), spec)


def _array(leaf: Any) -> Array:
    if hasattr(leaf, "detach"):
        leaf = leaf.detach().numpy()
    found = np.asarray(leaf)
    if found.dtype not in _KNOWN:
        raise TypeError(f"holds {found.dtype}, of which there are no tensors: give it "
                        "bool, uint8, int8, int16, int32, int64, float32 or float64")
    return np.ascontiguousarray(found).reshape(found.shape)  # of a number it makes an axis


def _apart(arrays: list[Array]) -> tuple[Array, ...]:
    """No two in the same memory, which is what programs are made for."""
    return tuple(a.copy() if any(np.may_share_memory(a, b) for b in arrays[:i]) else a for i, a in enumerate(arrays))


def written(tape: Tape) -> bytes:
    """A tape as the bytes of its file."""
    buffer = io.BytesIO()
    tape.save(buffer)
    return buffer.getvalue()


def read(content: bytes) -> Tape:
    """A tape from the bytes of its file, verified; TapeError for a damaged one."""
    return Tape.load(io.BytesIO(content))
