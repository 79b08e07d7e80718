"""The memory that tensors lie in, as one row of elements or of bytes (`torch.storage`).

A storage here is a flat tensor over the whole of that memory; it has no memory of its own, and cannot be resized.
"""
from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np

from tapegrad import creation, dtypes, errors, shapes
from tapegrad.autograd import data_assignment
from tapegrad.functions.common import METHODS, public
from tapegrad.machine import records as rec
from tapegrad.machine.learning import lessons
from tapegrad.machine.live import buffers, layouts, machine
from tapegrad.named_tuples import NamedTuple
from tapegrad.tensor import Tensor


class _Storage:
    """What both kinds are: elements at whole positions, which are read and written one by one, or by a slice."""

    is_cuda = False

    def __init__(self, of: Tensor) -> None:
        owner = int(buffers["owner"][of._buffer])
        elements = layouts.all[int(buffers["layout"][owner])].nbytes // of.itemsize
        version = int(buffers["version"][owner])
        self._flat = of.detach()
        data_assignment.lie(self._flat, layouts.intern(of.dtype, (elements,)).id, int(buffers["address"][owner]))
        buffers["version"][owner] = buffers["version"][self._flat._buffer] = version  # who looks has not written

    def __len__(self) -> int:
        """How many elements there are."""
        return self._flat.numel()

    size = __len__

    def nbytes(self) -> int:
        """How many bytes the memory is."""
        return len(self) * self.element_size()

    def __sizeof__(self) -> int:
        """What `sys.getsizeof` counts, by which programs sum up what a model takes."""
        return object.__sizeof__(self) + self.nbytes()

    def element_size(self) -> int:
        """How many bytes an element takes."""
        return self._flat.element_size()

    def data_ptr(self) -> int:
        """Where the memory begins."""
        return self._flat.data_ptr()

    @property
    def device(self) -> Any:
        """Where the memory is: on the CPU."""
        return self._flat.device

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, int):
            return type(self)(self._flat[index].clone())
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} out of range for storage of size {len(self)}")
        return self._flat[index].item()

    def __setitem__(self, index: Any, value: Any) -> None:
        self._flat[index] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def tolist(self) -> list[Any]:
        """The elements as Python's numbers."""
        found: list[Any] = self._flat.tolist()
        return found

    def fill_(self, value: Any) -> Any:
        """Write one value to all elements."""
        self._flat.fill_(value)
        return self

    def clone(self) -> Any:
        """The same elements in memory of their own."""
        return type(self)(self._flat.clone())

    def cpu(self) -> Any:
        """This one: it is on the CPU."""
        return self

    def is_shared(self) -> bool:
        """Whether processes that are forked see what is written to it (`Tensor.share_memory_`)."""
        return is_shared(self._flat)

    def share_memory_(self) -> Any:
        """Move to memory that processes share (`Tensor.share_memory_`)."""
        share_memory_(self._flat)
        return self

    def is_pinned(self, device: Any = None) -> bool:
        """Whether it is pinned for a device: never."""
        return False

    def _shown(self, kind: str) -> str:
        rows = "".join(f" {x}\n" for x in self)
        return f"{rows}[torch.storage.{type(self).__name__}({kind}) of size {len(self)}]"


class TypedStorage(_Storage):
    """Memory as elements of one dtype, as `Tensor.storage()` gives it (`torch.TypedStorage`).

    >>> import tapegrad as torch
    >>> torch.ones(2, 2)[0].storage().tolist()
    [1.0, 1.0, 1.0, 1.0]
    """

    @property
    def dtype(self) -> Any:
        """What the elements are."""
        return self._flat.dtype

    def type(self) -> str:
        """The kind of storage it is, in words."""
        return f"torch.{errors.KINDS[self.dtype.name].removesuffix('Tensor')}Storage"

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return UntypedStorage(self._flat)

    def __repr__(self) -> str:
        return self._shown(f"dtype={self.dtype}, device={self.device}")


class UntypedStorage(_Storage):
    """Memory as bytes, as `Tensor.untyped_storage()` gives it (`torch.UntypedStorage`).

    >>> import tapegrad as torch
    >>> torch.ones(2, 2)[0].untyped_storage().nbytes()
    16
    """

    def __init__(self, of: Tensor) -> None:
        super().__init__(of)
        self._flat = self._flat.view(dtypes.uint8)

    def __repr__(self) -> str:
        return self._shown(f"device={self.device}")


def storage(self: Tensor) -> TypedStorage:
    """The memory that a tensor lies in, as elements (`torch.Tensor.storage`).

    >>> import tapegrad as torch
    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x[1].storage()[0], x.t().storage().data_ptr() == x.storage().data_ptr()
    (1.0, True)
    """
    lessons.refuse()
    return TypedStorage(self)


def untyped_storage(self: Tensor) -> UntypedStorage:
    """The memory that a tensor lies in, as bytes (`torch.Tensor.untyped_storage`).

    >>> import tapegrad as torch
    >>> torch.ones(3)[:2].untyped_storage().nbytes()
    12
    """
    lessons.refuse()
    return UntypedStorage(self)


def looked_at(self: Tensor, source: Any, offset: Any, size: Any, stride: Any) -> Tensor:
    """What `self.set_(source, offset, size, stride)` is to lie on, as a tensor."""
    if source is None and offset is None and size is None:
        return self.new_empty(0)
    whole = offset is None and size is None and isinstance(source, _Storage)
    if not whole and (not isinstance(source, (_Storage, Tensor)) or type(offset) is not int or size is None):
        given = ", ".join(type(x).__name__ for x in (source, offset, size, stride) if x is not None)
        raise TypeError(f"set_() received an invalid combination of arguments - got ({given})")
    memory = source if isinstance(source, Tensor) else source._flat
    if isinstance(source, UntypedStorage):
        memory = memory[:len(memory) // self.itemsize * self.itemsize].view(self.dtype)
    elif isinstance(source, TypedStorage) and memory.dtype is not self.dtype:
        own, other = (errors.KINDS[t.dtype.name].removesuffix("Tensor") for t in (self, memory))
        raise RuntimeError(f"Expected a Storage of type {own.lower()} or an UntypedStorage, but got type {other} for "
                           "argument 1 'storage'")
    if whole:
        return memory
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    size = (size,) if isinstance(size, int) else tuple(size)
    stride = shapes.contiguous_strides(size) if stride is None else stride
    stride = (stride,) if isinstance(stride, int) else tuple(stride)
    if len(size) != len(stride):
        raise RuntimeError(f"unequal size length ({len(size)}) and stride length ({len(stride)})")
    return memory.detach().as_strided(size, stride, offset)


@public
def is_storage(obj: Any, /) -> bool:
    """Whether an object is a storage (`torch.is_storage`).

    >>> import tapegrad as torch
    >>> torch.is_storage(torch.ones(1).storage()), torch.is_storage(torch.ones(1))
    (True, False)
    """
    return isinstance(obj, _Storage)


METHODS.update(storage=storage, untyped_storage=untyped_storage)


# ---------------------------------------------------------------- memory that processes share

class _Shared(NamedTuple):
    """What keeps memory alive that processes share, and that from before: NumPy's arrays may lie there."""

    pages: Any
    before: Tensor


def _owner(x: Tensor) -> int:
    """The row that owns a tensor's memory: of bytes that are borrowed (`x.data`), the one whose they are."""
    row = int(buffers["owner"][x._buffer])
    while buffers["flags"][row] & rec.BORROWED:
        row = int(buffers["producer"][row])
    return row


def is_shared(self: Any) -> bool:
    """Whether processes that are forked see what is written to it (`torch.Tensor.is_shared`)."""
    return isinstance(machine.keepers.get(_owner(self)), _Shared)


def share_memory_(self: Any) -> Any:
    """Move to memory that processes which are forked from then on share (`torch.Tensor.share_memory_`).

    >>> import tapegrad as torch
    >>> x = torch.ones(2)
    >>> x.is_shared(), x[0].share_memory_(), x.is_shared()
    (False, tensor(1.), True)

    All tensors on its memory move with it.
    """
    if is_shared(self):
        return self
    owner, rows = _owner(self), buffers[:int(machine.state["n_buffers"][0])]
    size, start = layouts.all[int(rows["layout"][owner])].nbytes, int(rows["address"][owner])
    pages = np.frombuffer(mmap.mmap(-1, max(size, 1)), np.uint8, size)
    pages[:] = machine.memory(start, "u1", size)[:size]
    before = creation.on_array(pages)  # trades places with the owner
    rows = buffers[:int(machine.state["n_buffers"][0])]
    live, borrowed = rows["flags"] & rec.FREE == 0, rows["flags"] & rec.BORROWED != 0
    owners = np.zeros(len(rows), bool)
    owners[owner] = True
    while (more := live & borrowed & ~owners & owners[np.where(borrowed, rows["producer"], 0)]).any():
        owners |= more
    rows["address"][live & owners[rows["owner"]]] += np.uint64((int(rows["address"][before._buffer]) - start) % 2 ** 64)
    rows["address"][before._buffer] = start
    keeper, keepers = _Shared(pages, before), machine.keepers
    del keepers[before._buffer]
    if rows["flags"][owner] & rec.EXTERNAL:
        keepers[before._buffer] = keepers[owner]
    else:
        rows["flags"][before._buffer] &= ~rec.EXTERNAL & 0xFFFFFFFF
        rows["flags"][owner] |= rec.EXTERNAL
    keepers[owner] = keeper
    return self


for _function in (is_shared, share_memory_):
    METHODS[_function.__name__] = _function
