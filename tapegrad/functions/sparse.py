"""Sparse tensors: indices and values, and operations on them that are operations on their values.

A `SparseTensor` is a tensor object with a shape, a dtype and no elements. What it is made of are two ordinary tensors:
`_places`, a row for each sparse axis and a column for each number, and `_numbers`, whose first axis goes along those
columns. Every operation comes to `does`, by its name: what is linear, or keeps zeros, is done to the numbers; products
gather rows and add them up with `index_add`. So histories, derivatives and compiled functions are those of the dense
operations, and of a sparse tensor's own row on the tape nothing is ever recorded or read.

PyTorch has compressed layouts too (CSR, CSC, blocks); nothing here needs them.
"""
from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tapegrad import creation, devices, dtypes, errors, formats, printing, protocols, shapes
from tapegrad.functions.common import PUBLIC
from tapegrad.machine.live import buffers, call, layouts, machine
from tapegrad.machine.planning import Attributes
from tapegrad.ops.declaration import Operation
from tapegrad.tensor import Tensor

# Operations on numbers that can be done to each summand, and others that leave zero zero (PyTorch has the same).
_LINEAR = {"neg", "positive", "to_copy", "clone", "deg2rad", "rad2deg"}
_KEEPS_ZERO = {
    "abs", "asin", "asinh", "atan", "atanh", "ceil", "erf", "erfinv", "expm1", "floor", "frac", "isinf", "isnan",
    "isneginf", "isposinf", "log1p", "nan_to_num", "relu", "round", "sgn", "sign", "signbit", "sin", "sinh", "sqrt",
    "square", "tan", "tanh", "trunc",
}
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
        numbers = numbers.expand(places.shape[1])
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


def does(op: Operation, given: Sequence[Any], attributes: Attributes = ()) -> Any:
    """The result of an operation that has a sparse operand."""
    x = given[0]
    if len(given) == 1 and op.name in _LINEAR | _KEEPS_ZERO and op.kind != "view":
        x = x if op.name in _LINEAR else x.coalesce()
        from tapegrad import dispatch

        return x._with(dispatch.apply(op, (x._numbers,), attributes))
    rule = _RULES.get(op.name)
    found = NotImplemented if rule is None else rule(*given, **dict(attributes))
    if found is NotImplemented:
        raise NotImplementedError(errors.NO_SPARSE.format(op.name))
    return found


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

    def _with(self, numbers: Any) -> SparseTensor:
        """Other numbers at the same places."""
        return made(self._places, numbers, self.shape, self._sorted)

    # ------------------------------------------------------------ its parts

    def coalesce(self) -> SparseTensor:
        """Places once each, in order, with the sums of their numbers (`torch.Tensor.coalesce`)."""
        if self._sorted:
            return self
        k = len(self._places)
        flat, place = PUBLIC["unique"](_flat(self._places, self.shape), return_inverse=True)
        sums = self._numbers.new_zeros((len(flat), *self._numbers.shape[1:])).index_add(0, place, self._numbers)
        return made(PUBLIC["stack"](PUBLIC["unravel_index"](flat, tuple(self.shape[:k]))), sums, self.shape, True)

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
        return dense.index_add(0, _flat(self._places, self.shape), numbers).view(tuple(self.shape))

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
        return iter([_select(self, dim=0, index=i) for i in range(self.shape[0])])

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


def _flat(places: Any, size: Sequence[int]) -> Any:
    """Each place as one number, counted by rows."""
    flat = places[0] if len(places) else creation.zeros((places.shape[1],), dtype=dtypes.int64)
    for row, n in zip(places[1:], size[1:]):
        flat = flat * n + row
    return flat


# ---------------------------------------------------------------- rules, by the name of an operation


def _mm(a: Any, b: Any) -> Any:
    """Rows of `b`, scaled and added; a dense matrix by a sparse one is its transpose's product."""
    if not isinstance(a, SparseTensor):
        return _mm(b.t(), a.t()).t()
    if a._numbers.ndim > 1:
        return NotImplemented
    if isinstance(b, SparseTensor):
        return NotImplemented if b._numbers.ndim > 1 else _sparse_mm(a, b)
    rows, columns = a._places
    terms = a._numbers[:, None] * b.index_select(0, columns)
    return terms.new_zeros((a.shape[0], b.shape[1])).index_add(0, rows, terms)


def _sparse_mm(a: Any, b: Any) -> SparseTensor:
    """Every number of `a` meets the numbers of one row of `b`."""
    b = b.coalesce()
    counts = PUBLIC["bincount"](b._places[0], minlength=b.shape[0])
    begins = counts.cumsum(0) - counts
    rows, inner = a._places
    n = counts[inner]
    mine = PUBLIC["repeat_interleave"](n)
    step = creation.arange(len(mine)) - PUBLIC["repeat_interleave"](n.cumsum(0) - n, n)
    theirs = begins[inner[mine]] + step
    places = PUBLIC["stack"]([rows[mine], b._places[1][theirs]])
    return made(places, a._numbers[mine] * b._numbers[theirs], (a.shape[0], b.shape[1])).coalesce()


def _mv(a: Any, v: Any) -> Any:
    return _mm(a, v[:, None])[:, 0] if isinstance(a, SparseTensor) and not isinstance(v, SparseTensor) else (
        NotImplemented)


def _bmm(a: Any, b: Any) -> Any:
    """Matrices of a batch stand along the diagonal of one."""
    if not isinstance(a, SparseTensor) or isinstance(b, SparseTensor) or len(a._places) != 3:
        return NotImplemented
    batch, rows, columns = a._places
    n, m, k = a.shape[1], a.shape[2], b.shape[2]
    of = made(PUBLIC["stack"]([batch * n + rows, batch * m + columns]), a._numbers, (a.shape[0] * n, a.shape[0] * m))
    return _mm(of, b.reshape(-1, k)).view(a.shape[0], n, k)


def _addmm(input: Any, a: Any, b: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    if not isinstance(a, SparseTensor) and not isinstance(b, SparseTensor):
        return NotImplemented
    product = _mm(a, b)
    if product is NotImplemented or isinstance(input, SparseTensor) != isinstance(product, SparseTensor):
        return NotImplemented
    return input * beta + product * alpha


def _add(a: Any, b: Any, alpha: Any = 1) -> Any:
    if not isinstance(b, SparseTensor):
        raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")
    if not isinstance(a, Tensor) or a.shape != b.shape:
        size = list(a.shape) if isinstance(a, Tensor) else []
        raise RuntimeError(f"add: expected 'self' and 'other' to have same size, but self has size {size} while other "
                           f"has size {list(b.shape)} (FYI: dense-sparse addition does not currently support "
                           "broadcasting)")
    b = b if alpha == 1 else b * alpha
    if not isinstance(a, SparseTensor):
        return a + b.to_dense()
    if len(a._places) != len(b._places):
        return NotImplemented
    places, numbers = PUBLIC["cat"]([a._places, b._places], 1), PUBLIC["cat"]([a._numbers, b._numbers])
    return made(places, numbers, a.shape).coalesce()


def _sub(a: Any, b: Any, alpha: Any = 1) -> Any:
    return _add(a, b, -alpha)


def _scalar(x: Any) -> bool:
    return not isinstance(x, Tensor) or (not x.ndim and not isinstance(x, SparseTensor))


def _mul(a: Any, b: Any) -> Any:
    if not isinstance(a, SparseTensor):
        a, b = b, a
    if _scalar(b):
        return a._with(a._numbers * b)
    if a.shape != b.shape and (isinstance(b, SparseTensor) or b.ndim > a.ndim):
        return NotImplemented
    if not isinstance(b, SparseTensor):
        return a._with(a._numbers * b.expand(a.shape)[tuple(a._places.unbind(0))])
    a, b = a.coalesce(), b.coalesce()
    if len(a._places) != len(b._places):
        return NotImplemented
    if not b._nnz():
        a, b = b, a
    keys, others = _flat(a._places, a.shape), _flat(b._places, b.shape)
    at = PUBLIC["searchsorted"](others, keys).clamp(max=max(b._nnz() - 1, 0))
    mine = (others[at] == keys).nonzero()[:, 0]
    theirs = at[mine]
    return made(a._places[:, mine], a._numbers[mine] * b._numbers[theirs], a.shape, True)


def _div(a: Any, b: Any) -> Any:
    if not isinstance(a, SparseTensor) or not _scalar(b):
        shape = list(b.shape) if isinstance(b, Tensor) else []
        raise RuntimeError("Sparse division requires a scalar or zero-dim dense tensor divisor (got shape "
                           f"{shape} for divisor)")
    return a._with(a._numbers / b)


def _pow(a: Any, exponent: Any) -> Any:
    if not isinstance(a, SparseTensor) or not _scalar(exponent) or not exponent > 0:
        return NotImplemented
    a = a.coalesce()
    return a._with(a._numbers ** exponent)


def _sum(x: Any, dim: Any = None, keepdim: bool = False, **more: Any) -> Any:
    k = len(x._places)
    dims = {shapes.wrap_dim(d, x.ndim) for d in (range(x.ndim) if dim is None or dim == () else dim)}
    if keepdim and dims:
        return NotImplemented
    numbers = x._numbers.sum([d - k + 1 for d in dims if d >= k]) if max(dims, default=-1) >= k else x._numbers
    kept = [d for d in range(k) if d not in dims]
    if not kept:
        return numbers.sum(0)
    size = [n for d, n in enumerate(x.shape) if d not in dims]
    return made(x._places[kept], numbers, size, x._sorted and len(kept) == k).coalesce()


def _permute(x: Any, dims: Sequence[int]) -> Any:
    k = len(x._places)
    dims = [shapes.wrap_dim(d, x.ndim) for d in dims]
    if any(d >= k for d in dims[:k]):
        return NotImplemented
    numbers = x._numbers.permute(0, *[d - k + 1 for d in dims[k:]])
    same = dims[:k] == [*range(k)]
    return made(x._places[dims[:k]], numbers, [x.shape[d] for d in dims], x._sorted and same)


def _transpose(x: Any, dim0: int, dim1: int) -> Any:
    dims = [*range(x.ndim)]
    a, b = shapes.wrap_dim(dim0, x.ndim), shapes.wrap_dim(dim1, x.ndim)
    dims[a], dims[b] = b, a
    return _permute(x, dims)


def _select(x: Any, dim: int, index: int) -> Any:
    k, d = len(x._places), shapes.wrap_dim(dim, x.ndim)
    n = x.shape[d]
    if not -n <= index < n:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(x.shape)} at dimension {d}")
    if d >= k:
        return made(x._places, x._numbers.select(d - k + 1, index), [*x.shape[:d], *x.shape[d + 1:]], x._sorted)
    here = (x._places[d] == index % n).nonzero()[:, 0]
    numbers = x._numbers[here]
    kept = [j for j in range(k) if j != d]
    if not kept:
        return numbers.sum(0)
    return made(x._places[kept][:, here], numbers, [*x.shape[:d], *x.shape[d + 1:]], x._sorted)


def _unsqueeze(x: Any, dim: int) -> Any:
    k, d = len(x._places), shapes.wrap_dim(dim, x.ndim + 1)
    size = [*x.shape[:d], 1, *x.shape[d:]]
    if d > k:
        return made(x._places, x._numbers.unsqueeze(d - k + 1), size, x._sorted)
    row = x._places.new_zeros((1, x._nnz()))
    return made(PUBLIC["cat"]([x._places[:d], row, x._places[d:]]), x._numbers, size, x._sorted)


def _cat(*given: Any, dim: int = 0) -> Any:
    d = shapes.wrap_dim(dim, given[0].ndim)
    if not all(isinstance(x, SparseTensor) and len(x._places) == len(given[0]._places) > d for x in given):
        return NotImplemented
    places, at = [], 0
    for x in given:
        moved = x._places.clone()
        moved[d] += at
        at += x.shape[d]
        places.append(moved)
    size = [*given[0].shape]
    size[d] = at
    return made(PUBLIC["cat"](places, 1), PUBLIC["cat"]([x._numbers for x in given]), size,
                d == 0 and all(x._sorted for x in given))


def _stack(*given: Any, dim: int = 0) -> Any:
    return _cat(*(_unsqueeze(x, dim) if isinstance(x, SparseTensor) else x for x in given), dim=dim)


def _into(a: Any, b: Any) -> Any:
    """A write in place: the tensor is given other parts."""
    if not isinstance(a, SparseTensor) or not isinstance(b, SparseTensor) or a.shape != b.shape:
        return NotImplemented
    a._places, a._numbers, a._sorted = b._places, b._numbers.to(a.dtype), b._sorted
    return a


def _add_(a: Any, b: Any, alpha: Any = 1) -> Any:
    return _into(a, _add(a, b, alpha)) if isinstance(a, SparseTensor) else a.add_(b.to_dense(), alpha=alpha)


def _zero_(a: Any) -> Any:
    return _into(a, made(a._places[:, :0], a._numbers[:0], a.shape))


def _written(rule: Callable[..., Any]) -> Callable[..., Any]:
    def write(a: Any, *others: Any, **attributes: Any) -> Any:
        return _into(a, rule(a, *others, **attributes)) if isinstance(a, SparseTensor) else NotImplemented

    return write


_RULES: dict[str, Callable[..., Any]] = {
    "mm": _mm, "mv": _mv, "bmm": _bmm, "addmm": _addmm, "add": _add, "sub": _sub, "mul": _mul, "div": _div, "pow": _pow,
    "sum": _sum, "permute": _permute, "transpose": _transpose, "t": _transpose, "select": _select,
    "unsqueeze": _unsqueeze, "cat": _cat, "stack": _stack, "copy_": _into, "add_": _add_,
    "sub_": lambda a, b, alpha=1: _add_(a, b, -alpha), "zero_": _zero_, "mul_": _written(_mul), "div_": _written(_div),
    "index_select": lambda x, index, form, wrap: x.index_select(form[1][0], index),
    "alias": lambda x: x._with(x._numbers), "detach": lambda x: x.detach(),
}


# ---------------------------------------------------------------- functions of `torch.sparse`


def softmax(x: Any, dim: int, logarithm: bool = False) -> SparseTensor:
    """Of the numbers that are there along one axis, the others being minus infinity."""
    d, x = shapes.wrap_dim(dim, x.ndim), x.coalesce()
    if d >= len(x._places):
        return x._with(PUBLIC["log_softmax" if logarithm else "softmax"](x._numbers, d - len(x._places) + 1))
    kept = [j for j in range(len(x._places)) if j != d]
    _, row = PUBLIC["unique"](_flat(x._places[kept], [x.shape[j] for j in kept]), return_inverse=True)
    numbers = x._numbers
    n = int(row.max()) + 1 if len(row) else 0
    index = row.reshape(-1, *[1] * (numbers.ndim - 1)).expand(numbers.shape)
    most = numbers.detach().new_full((n, *numbers.shape[1:]), -math.inf).scatter_reduce(
        0, index, numbers.detach(), "amax")
    shifted = numbers - most[row]
    total = shifted.new_zeros((n, *numbers.shape[1:])).index_add(0, row, shifted.exp())[row]
    return x._with(shifted - total.log() if logarithm else shifted.exp() / total)
