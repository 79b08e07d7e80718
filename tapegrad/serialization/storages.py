"""The memory of tensors on its way into a file and back: each block once, however many tensors lie in it."""
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tapegrad import dtypes, protocols
from tapegrad.machine.live import machine


class Block(NamedTuple):
    """The memory that tensors lie in, as it is written."""

    key: str
    dtype: dtypes.dtype
    content: np.ndarray[Any, Any]

    @property
    def numel(self) -> int:
        return len(self.content) // self.dtype.itemsize


class Place(NamedTuple):
    """Where in its block a tensor lies: everything counts elements."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int


class Writer:
    """Gathers the blocks of the tensors that are being saved."""

    def __init__(self) -> None:
        self.blocks: dict[int, Block] = {}

    def place(self, x: Any) -> tuple[Block, Place]:
        """The block of a tensor, and its place there.

        RuntimeError for memory that another tensor reads as another dtype, as in PyTorch.
        """
        start, nbytes = protocols.storage(x)
        block = self.blocks.get(start)
        if block is None or not nbytes:
            block = Block(str(len(self.blocks)), x.dtype, np.array(machine.memory(start, "u1", nbytes)))
            self.blocks[start if nbytes else -len(self.blocks) - 1] = block
        elif block.dtype is not x.dtype:
            raise RuntimeError("Cannot save multiple tensors or storages that view the same data as different types")
        dtype, shape, strides, offset = x._place()
        return block, Place(shape, strides, offset // dtype.itemsize)


class Loaded:
    """A block that was read: the bytes stay, and every tensor on it shares them."""

    dtype: dtypes.dtype
    numel: int

    def __init__(self, dtype: dtypes.dtype, content: bytes, numel: int) -> None:
        if len(content) < numel * dtype.itemsize:
            raise RuntimeError(f"a storage of {numel} elements of {dtype} needs {numel * dtype.itemsize} bytes, and "
                               f"there are {len(content)}")
        self.dtype, self.numel = dtype, numel
        self._bytes = protocols.copied(np.frombuffer(content, np.uint8, numel * dtype.itemsize))

    def tensor(self, shape: Any, strides: Any, offset: Any, kind: type | None = None) -> Any:
        """A tensor on this block; RuntimeError where it would reach beyond."""
        if type(offset) is not int or not all(
                type(part) is tuple and all(type(n) is int for n in part) for part in (shape, strides)):
            raise RuntimeError("sizes, strides and the offset of a saved tensor must be whole numbers")
        if len(shape) != len(strides) or len(shape) > 64 or min((*shape, *strides, offset)) < 0:
            raise RuntimeError(f"no tensor has sizes {list(shape)}, strides {list(strides)} and offset {offset}")
        last = offset + sum((n - 1) * s for n, s in zip(shape, strides)) if 0 not in shape else offset - 1
        if last >= self.numel or max((*shape, *strides), default=0) >= 1 << 62:
            raise RuntimeError(f"setStorage: sizes {list(shape)}, strides {list(strides)}, storage offset {offset} are "
                               f"out of bounds for storage of {self.numel} elements")
        return protocols.reread(self._bytes, self.dtype, shape, strides, offset * self.dtype.itemsize, kind)
