"""Arguments and results: nested tuples, lists and dicts of tensors, taken apart and put together again."""
from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tapegrad import dtypes
from tapegrad.compiler.capture import Refused, addresses, owner_of
from tapegrad.machine import records as rec
from tapegrad.machine.live import machine
from tapegrad.tensor import Tensor

buffers = machine.buffers
SIMPLE = (bool, int, float, str, bytes, complex, type(None), type(...), slice, range, dtypes.dtype)
Structure = Any  # Tensor, or (type, …): compares equal for values that are built alike
WATCHED = rec.REQUIRES_GRAD | rec.HOOKED | rec.RETAINS
_flags, _layouts = buffers["flags"], buffers["layout"]


def flatten(value: Any, leaves: list[Any], containers: list[Any] | None = None) -> Structure:
    """The structure of nested tuples, lists and dicts, its tensors collected; Refused for what else there is."""
    if isinstance(value, Tensor):
        leaves.append(value)
        return Tensor
    if isinstance(value, (tuple, list)):
        if containers is not None and isinstance(value, list):
            containers.append(value)
        return type(value), getattr(value, "_fields", None), tuple([flatten(v, leaves, containers) for v in value])
    if isinstance(value, dict):
        if containers is not None:
            containers.append(value)
        if type(value) is not dict:
            raise Refused(f"a {type(value).__name__} is passed or returned")
        return dict, tuple(value), tuple([flatten(v, leaves, containers) for v in value.values()])
    if type(value) in SIMPLE:
        return type(value), repr(value) if isinstance(value, (float, complex, slice)) else value, value
    raise Refused(f"a {type(value).__name__} is passed or returned")


def unflatten(structure: Structure, leaves: Iterator[Any]) -> Any:
    if structure is Tensor:
        return next(leaves)
    kind, *rest = structure
    if kind is dict:
        return {k: unflatten(s, leaves) for k, s in zip(*rest)}
    if issubclass(kind, (tuple, list)):
        fields, parts = rest
        items = [unflatten(s, leaves) for s in parts]
        return kind(*items) if fields else kind(items)
    return rest[1]


def kind_of(tensor: Any) -> tuple[Any, ...] | int:
    """What programs are chosen by, of a tensor that is passed: its layout, and whatever is not plain about it."""
    row, layout = tensor._buffer, tensor._layout
    owner, flags = owner_of(tensor), _flags.item(row)
    if owner == row and not flags & (WATCHED | rec.IS_VIEW) and tensor.grad is None and type(tensor) is Tensor:
        return layout
    grad = tensor.grad if tensor.is_leaf else None
    offset = addresses.item(row) - addresses.item(owner)
    return (layout, flags & (WATCHED | rec.IS_VIEW), tensor.requires_grad, tensor.is_leaf, _layouts.item(owner), offset,
            None if grad is None else (kind_of(grad), grad is tensor), type(tensor))


def sharing(owners: Sequence[int]) -> tuple[int, ...] | None:
    """Which arguments lie in the same memory: the place of the first that does, for each; None where none do."""
    if len(owners) < 2 or len(set(owners)) == len(owners):
        return None
    return tuple([owners.index(o) for o in owners])


def overlapping(owners: Iterable[int]) -> bool:
    """Whether two of these storages lie, in part at least, in the same memory, which is somebody else's (NumPy's)."""
    foreign = sorted((addresses.item(o), machine.layouts["nbytes"].item(_layouts.item(o)))
                     for o in set(owners) if _flags.item(o) & rec.EXTERNAL)
    return any(start + nbytes > following for (start, nbytes), (following, _) in itertools.pairwise(foreign))


def with_gradients(leaves: Sequence[Any]) -> list[Any]:
    """The arguments, and after them the gradients that leaves among them have: memory a call may read or write."""
    return [*leaves, *(t.grad for t in leaves if t.is_leaf and t.grad is not None)]
