"""Sparse tensors: indices and values, and operations on them that are operations on their values.

A `SparseTensor` is a tensor object with a shape, a dtype and no elements. What it is made of are two ordinary tensors:
`_places`, a row for each sparse axis and a column for each number, and `_numbers`, whose first axis goes along those
columns. Every operation comes to a rule by its name (`sparse_rules.py`). So histories, derivatives and compiled
functions are those of the dense operations, and of a sparse tensor's own row on the tape nothing is ever recorded or
read.

PyTorch has compressed layouts too (CSR, CSC, blocks); nothing here needs them.
"""
from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tapegrad import creation, devices, dtypes, errors, formats, printing, protocols, shapes
from tapegrad.functions.common import PUBLIC
from tapegrad.functions.sparse_rules import does, flat
from tapegrad.machine.live import buffers, call, layouts, machine
from tapegrad.tensor import Tensor

_NOWHERE: list[Any] = []  # memory of no elements: what would be read there is no number


def made(places: Any, numbers: Any, size: Sequence[int], coalesced: bool = False) -> SparseTensor:
    """The tensor of numbers at places, which are right."""
    if not _NOWHERE:
        _NOWHERE.append(creation.from_array(np.full(2, np.nan)))
    row = buffers[_NOWHERE[0]._buffer]
    layout = layouts.intern(numbers.dtype, tuple(size), (0,) * len(size))
    self = call.adopt(layout.id, int(row["address"]), int(row["owner"]), machine.tensor_type)
    self.__class__ = SparseTensor
    self._places, self._numbers, self._sorted = places, numbers, coalesced or places.shape[1] < 2
    self._node = None
    return self


def from_parts(indices: Any, values: Any, size: Any, dtype: Any, device: Any, requires_grad: bool,
               coalesced: bool = False) -> SparseTensor:
    """`torch.sparse_coo_tensor`: parts that users give."""
    if device is not None:
        devices.required(device)
    if values is None:
        if indices is not None and size is None:  # of a size alone
            size, indices = indices, None
        size = tuple(size)
        indices = creation.zeros((len(size), 0), dtype=dtypes.int64)
        values = creation.zeros((0,), dtype=dtype)
    places = creation.as_tensor(indices).to(dtypes.int64).detach()
    numbers = creation.as_tensor(values)
    numbers = numbers if dtype is None else numbers.to(dtype)
    if isinstance(places, SparseTensor) or isinstance(numbers, SparseTensor):
        raise RuntimeError("indices and values of a sparse tensor must be dense")
    if places.ndim != 2:
        raise RuntimeError(f"indices must be sparse_dim x nnz, but got: {list(places.shape)}")
    if not numbers.ndim:
        numbers = numbers.reshape(1)
    if places.shape[1] != numbers.shape[0]:
        raise RuntimeError("indices and values must have same nnz, but got nnz from indices: "
                           f"{places.shape[1]}, nnz from values: {numbers.shape[0]}")
    bounds = places._array()
    ends = (bounds.max(1, initial=-1) + 1).tolist()
    size = (*ends, *numbers.shape[1:]) if size is None else shapes.Size(size)
    if len(size) != len(ends) + numbers.ndim - 1:
        raise RuntimeError(f"'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = {len(size)}, "
                           f"sparse_dim = {len(ends)}, dense_dim = {numbers.ndim - 1}")
    if tuple(size[len(ends):]) != tuple(numbers.shape[1:]):
        raise RuntimeError(f"values has incorrect size, expected {[numbers.shape[0], *size[len(ends):]]}, got "
                           f"{list(numbers.shape)}")
    if bounds.size and bounds.min() < 0:
        raise RuntimeError(f"found negative index {bounds.min()} for dim {int(bounds.min(1).argmin())}")
    for d, (end, n) in enumerate(zip(ends, size)):
        if end > n:
            raise RuntimeError(f"size is inconsistent with indices: for dim {d}, size is {n} but found index {end - 1}")
    if requires_grad:
        numbers = numbers.detach().requires_grad_()
    found = made(places, numbers, size, coalesced)
    if numbers.requires_grad and not requires_grad:
        found._node = "SparseCooTensorWithDimsAndTensorsBackward0"
    return found


def from_dense(x: Any, sparse_dim: Any = None, layout: Any = None) -> SparseTensor:
    """`torch.Tensor.to_sparse`."""
    if layout not in (None, formats.sparse_coo):
        raise RuntimeError(f"to_sparse: there is one sparse layout, torch.sparse_coo, and not {layout}")
    if isinstance(x, SparseTensor):
        return x
    k = x.ndim if sparse_dim is None else int(sparse_dim)
    if not 0 <= k <= x.ndim:
        raise IndexError(f"Dimension out of range (expected to be in range of [0, {x.ndim}], but got {k})")
    there = x.detach() != 0
    places = (there.reshape(*x.shape[:k], -1).any(-1) if k < x.ndim else there).nonzero().t()
    return made(places, x[tuple(places.unbind(0))], x.shape, True)


def masked(x: Any, mask: Any) -> SparseTensor:
    """`torch.Tensor.sparse_mask`."""
    if not isinstance(mask, SparseTensor):
        raise RuntimeError(errors.NOT_SPARSE.format("sparse_mask", "sparse coordinate"))
    if x.shape != mask.shape:
        raise RuntimeError("sparse_mask(): operands have incompatible sizes; self has size "
                           f"{list(x.shape)} but mask has size {list(mask.shape)}")
    dense = x.to_dense() if isinstance(x, SparseTensor) else x
    return made(mask._places, dense[tuple(mask._places.unbind(0))], mask.shape, mask._sorted)


class SparseTensor(Tensor):
    """A tensor whose elements are zero, but for numbers at places (`torch.sparse_coo_tensor`)."""

    __slots__ = ()
    layout: formats.layout = formats.sparse_coo
    is_sparse: bool = True
    _does = staticmethod(does)
    _places: Any
    _numbers: Any
    _sorted: bool
    _node: str | None  # what made it of parts with a history

    _made = staticmethod(made)

    def _with(self, numbers: Any) -> SparseTensor:
        """Other numbers at the same places."""
        return made(self._places, numbers, self.shape, self._sorted)

    # ------------------------------------------------------------ its parts

    def coalesce(self) -> SparseTensor:
        """Places once each, in order, with the sums of their numbers (`torch.Tensor.coalesce`)."""
        if self._sorted:
            return self
        k = len(self._places)
        once, place = PUBLIC["unique"](flat(self._places, self.shape), return_inverse=True)
        sums = self._numbers.new_zeros((len(once), *self._numbers.shape[1:])).index_add(0, place, self._numbers)
        return made(PUBLIC["stack"](PUBLIC["unravel_index"](once, tuple(self.shape[:k]))), sums, self.shape, True)

    def is_coalesced(self) -> bool:
        return self._sorted

    def indices(self) -> Any:
        if not self._sorted:
            raise RuntimeError("Cannot get indices on an uncoalesced tensor, please call .coalesce() first")
        return self._places

    def values(self) -> Any:
        if not self._sorted:
            raise RuntimeError("Cannot get values on an uncoalesced tensor, please call .coalesce() first")
        return self._numbers

    def _indices(self) -> Any:
        return self._places

    def _values(self) -> Any:
        return self._numbers.detach()

    def _nnz(self) -> int:
        return self._places.shape[1]

    def sparse_dim(self) -> int:
        return self._places.shape[0]

    def dense_dim(self) -> int:
        return self._numbers.ndim - 1

    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Any:
        """All elements (`torch.Tensor.to_dense`)."""
        k, n = len(self._places), math.prod(self.shape[:len(self._places)])
        numbers = self._numbers if dtype is None else self._numbers.to(dtype)
        dense = numbers.new_zeros((n, *numbers.shape[1:]))
        if not k:  # one place
            return numbers.sum(0)
        return dense.index_add(0, flat(self._places, self.shape), numbers).view(tuple(self.shape))

    def to_sparse(self, *args: Any, **kwargs: Any) -> SparseTensor:
        return from_dense(self, *args, **kwargs)

    to_sparse_coo = to_sparse

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        return Tensor.type(self).replace("torch.", "torch.sparse.") if dtype is None else Tensor.type(self, dtype)

    # ------------------------------------------------------------ gradients: those of its values

    @property
    def requires_grad(self) -> bool:
        return bool(self._numbers.requires_grad)

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        if self._numbers.is_leaf and self._numbers.requires_grad != requires_grad:
            self._numbers = self._numbers.detach()  # the flag is not for who gave the values
        self._numbers.requires_grad_(requires_grad)
        return self

    @property
    def grad(self) -> Any:
        found = self._numbers.grad
        return None if found is None else self._with(found)

    @grad.setter
    def grad(self, value: Any) -> None:
        self._numbers.grad = value if value is None else masked(value, self)._numbers

    @property
    def is_leaf(self) -> bool:
        return self._node is None and bool(self._numbers.is_leaf)

    @property
    def grad_fn(self) -> Any:
        return self._numbers.grad_fn

    def retain_grad(self) -> None:
        self._numbers.retain_grad()

    def detach(self) -> Any:
        return self._with(self._numbers.detach())

    def detach_(self) -> Any:
        self._numbers = self._numbers.detach()
        return self

    @property
    def data(self) -> Any:
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        raise NotImplementedError(errors.NO_SPARSE.format("set_data"))

    # ------------------------------------------------------------ as a Python object

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return printing.format_sparse(
            self._places._array(), self._numbers.detach()._array(), self.dtype, size=tuple(self.shape),
            default_dtype=dtypes.default_dtype(), requires_grad=self.requires_grad,
            grad_fn_name=None if self.is_leaf else self._node or type(self.grad_fn).__name__)

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter([self.select(0, i) for i in range(self.shape[0])])

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError("Cannot assign to a sparse tensor")

    def __copy__(self) -> Any:
        return self._with(self._numbers)

    def __deepcopy__(self, memo: dict[Any, Any]) -> Any:
        return memo.setdefault(id(self), self._with(copy.deepcopy(self._numbers, memo)))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return made, (self._places, self._numbers, tuple(self.shape), self._sorted)

    def cpu(self, memory_format: Any = None) -> Any:
        return self

    def norm(self, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
        """The norm of all elements (`torch.Tensor.norm`)."""
        if dim is not None or keepdim:
            raise NotImplementedError(errors.NO_SPARSE.format("norm.dim"))
        return self.coalesce()._numbers.norm(p, dtype=dtype)

    def index_select(self, dim: int, index: Any) -> SparseTensor:
        """Rows by their numbers (`torch.Tensor.index_select`)."""
        d = shapes.wrap_dim(dim, self.ndim)
        x = self.coalesce()
        if d >= len(x._places):
            return x._with(x._numbers.index_select(d - len(x._places) + 1, index))
        wanted, entry = PUBLIC["where"](index[:, None] == x._places[d])
        places = x._places.index_select(1, entry).clone()
        places[d] = wanted
        size = (*x.shape[:d], len(index), *x.shape[d + 1:])
        return made(places, x._numbers.index_select(0, entry), size, d == 0)


def _refuses(error: type[Exception], text: str) -> Any:
    def refuse(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise error(text)

    return refuse


for _name in ("numpy", "__array__"):
    setattr(SparseTensor, _name, _refuses(TypeError, errors.SPARSE_NUMPY))
for _name in protocols.ELEMENTS.split():
    if _name not in vars(SparseTensor):
        setattr(SparseTensor, _name, _refuses(RuntimeError, errors.NO_STORAGE))
for _name in ("register_hook", "register_post_accumulate_grad_hook", "resize_", "set_", "as_subclass", "t_",
              "transpose_", "swapaxes_", "swapdims_", "squeeze_", "unsqueeze_", "as_strided_"):
    setattr(SparseTensor, _name, _refuses(NotImplementedError, errors.NO_SPARSE.format(_name)))
