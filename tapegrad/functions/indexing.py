"""Indexing: basic indices are views; tensors, lists and masks read and write at the places they name."""
from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes, shapes
from tapegrad.creation import from_array
from tapegrad.dispatch import apply, apply_inplace, apply_view
from tapegrad.functions.common import (
    METHODS,
    PUBLIC,
    expect_tensor,
    into,
    kind_name,
    method,
    operation,
    public,
)
from tapegrad.functions.shape import alias, expand, slice_, unsqueeze
from tapegrad.tensor import Tensor

Form = tuple[str, Any]


def _options(form: Form, wrap: bool) -> tuple[tuple[str, Any], ...]:
    return (("form", form), ("wrap", wrap))


def read(name: str, x: Any, indices: Sequence[Any], form: Form, wrap: bool = False) -> Any:
    """Run a read of `ops.indexing`; index operands become contiguous int64."""
    return apply(operation(name), (x, *map(_plain, indices)), _options(form, wrap))


def write(name: str, x: Any, value: Any, indices: Sequence[Any], form: Form, wrap: bool = False) -> Any:
    """Run a write of `ops.indexing`, in place where the name ends with `_`."""
    run = apply_inplace if name.endswith("_") else apply
    return run(operation(name), (x, value, *map(_plain, indices)), _options(form, wrap))


def _plain(index: Any) -> Any:
    return (index if index.dtype is dtypes.int64 else index.to(dtypes.int64)).contiguous()


# ---------------------------------------------------------------- basic indexing


def basic_index(x: Any, index: Any) -> Any:
    """Index with integers, slices, None and `...`: a chain of views."""
    items = index if isinstance(index, tuple) else (index,)
    found, pending = _views(x, items)
    assert not pending
    return alias(found) if found is x else found


def _views(x: Any, items: Sequence[Any]) -> tuple[Any, list[tuple[int, Any]]]:
    """Apply what is a view; returns the result and the (axis, index tensor) pairs left to do."""
    used = sum(_consumes(i) for i in items)
    if used > x.ndim:
        raise IndexError(f"too many indices for tensor of dimension {x.ndim}")
    dim, axis = 0, 0  # of the view so far; of the tensor, for messages
    pending: list[tuple[int, Any]] = []
    ndim = x.ndim
    for item in items:
        if item is Ellipsis:
            skipped = ndim - used
            dim += skipped
            axis += skipped
        elif item is None:
            x = unsqueeze(x, dim)
            dim += 1
        elif isinstance(item, (bool, np.bool_)):
            x = unsqueeze(x, dim)
            pending.append((dim, from_array(np.zeros(int(item), np.int64))))
            dim += 1
        elif isinstance(item, slice):
            n = x.shape[dim]
            if item.step is not None and operator.index(item.step) <= 0:
                raise ValueError("step must be greater than zero")
            first, last, step = slice(*(None if i is None else operator.index(i) for i in (
                item.start, item.stop, item.step))).indices(n)
            if (first, last, step) != (0, n, 1):
                x = slice_(x, dim, first, max(first, last), step)
            dim += 1
            axis += 1
        elif isinstance(item, Tensor) and (item.ndim or item.dtype.category == 0):
            if item.dtype.name in ("bool", "uint8"):
                for d, n in enumerate(item.shape):
                    if x.shape[dim + d] != n:
                        raise IndexError(
                            f"The shape of the mask {list(item.shape)} at index {d} does not match the shape of the "
                            f"indexed tensor {list(x.shape)} at index {dim + d}")
                if not item.ndim:
                    x = unsqueeze(x, dim)
                    pending.append((dim, from_array(np.zeros(int(bool(item)), np.int64))))
                    dim += 1
                    continue
                for d, places in enumerate(np.nonzero(item._array())):
                    pending.append((dim + d, from_array(places)))
                dim += item.ndim
                axis += item.ndim
            elif item.dtype.category == 1:
                pending.append((dim, item))
                dim += 1
                axis += 1
            else:
                raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        else:
            i, n = operator.index(item), x.shape[dim]
            if not -n <= i < n:
                raise IndexError(f"index {i} is out of bounds for dimension {axis} with size {n}")
            x = apply_view(operation("select"), x, (("dim", dim), ("index", i % n)))
            axis += 1
    return x, pending


def _consumes(item: Any) -> int:
    if item is None or item is Ellipsis or isinstance(item, (bool, np.bool_)):
        return 0
    if isinstance(item, Tensor) and item.dtype.name in ("bool", "uint8"):
        return item.ndim
    return 1


def _normalised(index: Any) -> tuple[Any, ...]:
    """An index as a tuple of ints, slices, None, `...`, bools and tensors."""
    parts = (slice, Tensor, list, type(None), type(Ellipsis))
    if isinstance(index, list) and any(isinstance(i, parts) for i in index) \
            and not all(isinstance(i, (list, int)) for i in index):
        index = tuple(index)
    items = index if isinstance(index, tuple) else (index,)
    if sum(i is Ellipsis for i in items) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    out = []
    for item in items:
        if isinstance(item, (list, range)) or (isinstance(item, tuple) and not isinstance(item, slice)):
            item = _from_list(item)
        elif isinstance(item, np.ndarray):
            item = from_array(np.ascontiguousarray(item))
        elif not (item is None or item is Ellipsis or isinstance(item, (slice, int, np.integer, np.bool_, Tensor))
                  or hasattr(item, "__index__")):
            raise IndexError("only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
                             f"indices (got {type(item).__name__})")
        out.append(item)
    return tuple(out)


def _from_list(items: Any) -> Any:
    array = np.array([i.tolist() if isinstance(i, Tensor) else i for i in items])
    if array.dtype.kind == "f" and array.size:
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    return from_array(array if array.dtype.kind == "b" else array.astype(np.int64))


def _common(pending: list[tuple[int, Any]]) -> tuple[tuple[int, ...], list[Any]]:
    try:
        shapes.broadcast(tuple(i.shape) for _, i in pending)
    except RuntimeError:
        found = ", ".join(str(list(i.shape)) for _, i in pending)
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {found}") from None
    return tuple(d for d, _ in pending), [i for _, i in pending]


def getitem(self: Any, index: Any) -> Any:
    if type(index) is int and self.ndim:
        n = self.shape[0]
        if not -n <= index < n:
            raise IndexError(f"index {index} is out of bounds for dimension 0 with size {n}")
        return apply_view(operation("select"), self, (("dim", 0), ("index", index % n)))
    items = _normalised(index)
    if not self.ndim and any(isinstance(i, (int, np.integer)) and not isinstance(i, bool) for i in items):
        raise IndexError("invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in "
                         "C++ to convert a 0-dim tensor to a number")
    found, pending = _views(self, items)
    if not pending:
        return alias(found) if found is self else found
    dims, indices = _common(pending)
    return read("index", found, indices, ("axes", dims), wrap=True)


def setitem(self: Any, index: Any, value: Any) -> None:
    target, pending = _views(self, _normalised(index))
    if isinstance(value, (list, np.ndarray, np.generic)):
        value = target.new_tensor(value)
    if not pending:
        if isinstance(value, Tensor):
            while value.ndim > target.ndim and value.shape[0] == 1:
                value = value.squeeze(0)
        target.copy_(value)
        return
    dims, indices = _common(pending)
    if not isinstance(value, Tensor):
        value = target.new_full((), value)
    _put(target, indices, dims, value, False, True)


METHODS["__getitem__"], METHODS["__setitem__"] = getitem, setitem


def _put(x: Any, indices: Sequence[Any], dims: tuple[int, ...], value: Any, accumulate: bool, inplace: bool) -> Any:
    if value.dtype is not x.dtype:
        raise RuntimeError("Index put requires the source and destination dtypes match, got "
                           f"{kind_name(x)} for the destination and {kind_name(value)} for the source.")
    from tapegrad.ops.indexing import walked

    form = ("axes", dims)
    sizes, _, _ = walked(form, tuple(x.shape), (0,) * x.ndim, [tuple(i.shape) for i in indices])
    if tuple(value.shape) != sizes:
        while value.ndim > len(sizes) and value.shape[0] == 1:
            value = value.squeeze(0)
        try:
            value = expand(value, *sizes)
        except RuntimeError:
            raise RuntimeError(f"shape mismatch: value tensor of shape {list(value.shape)} cannot be broadcast to "
                               f"indexing result of shape {list(sizes)}") from None
    return write("index_put" + "_add" * accumulate + "_" * inplace, x, value, indices, form, wrap=True)


def _index_put(inplace: bool) -> Callable[..., Any]:
    def index_put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
        expect_tensor("index_put", input)
        found, pending = _views(input, _normalised(tuple(slice(None) if i is None else i for i in indices)))
        if not pending:
            raise RuntimeError("index_put: no index tensor was given")
        return _put(found, [i for _, i in pending], tuple(d for d, _ in pending), values, accumulate, inplace)

    return index_put


PUBLIC["index_put"] = METHODS["index_put"] = _index_put(False)
PUBLIC["index_put_"] = METHODS["index_put_"] = _index_put(True)


# ---------------------------------------------------------------- along an axis


def _expect_index(name: str, index: Any, kinds: tuple[str, ...] = ("int64", "int32")) -> None:
    expect_tensor(name, index, "index", 3)
    if index.dtype.name not in kinds and index.numel():
        raise RuntimeError(f"{name}(): Expected dtype {'/'.join(kinds)} for index")


def _along(name: str, x: Any, dim: Any, index: Any, source: Any = None) -> int:
    """Check gather's and scatter's arguments; returns the axis."""
    dim = shapes.wrap_dim(dim, x.ndim)
    if not index.numel():
        return dim
    if max(index.ndim, 1) != max(x.ndim, 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as "
                           f"{'input' if name == 'gather' else 'self'} tensor")
    if source is not None and max(index.ndim, 1) != max(source.ndim, 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    for d in range(index.ndim):
        if d != dim and index.shape[d] > (x.shape[d] if x.ndim else 1):
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than self "
                f"{list(x.shape)} apart from dimension {dim}")
        if source is not None and index.shape[d] > (source.shape[d] if source.ndim else 1):
            raise RuntimeError(
                f"Expected index {list(index.shape)} to be no larger than self {list(x.shape)} apart from dimension "
                f"{dim} and to be no larger size than src {list(source.shape)}")
    return dim


@method
def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False, out: Any = None) -> Any:
    """Elements at given positions along an axis (`torch.gather`)."""
    expect_tensor("gather", input)
    _expect_index("gather", index)
    dim = _along("gather", input, dim, index)
    if not index.numel():
        return into(out, input.reshape(-1)[:0].reshape(tuple(index.shape)), input, index, exact=True)
    x = input if input.ndim == index.ndim else input.reshape(tuple(index.shape) if not index.ndim else (1,))
    i = index if index.ndim or not input.ndim else index.reshape(1)
    found = read("gather", x, (i,), ("along", dim))
    return into(out, found if i is index else found.reshape(()), input, index, exact=True)


@method
def take_along_dim(input: Any, indices: Any, dim: int | None = None, *, out: Any = None) -> Any:
    """gather with broadcasting (`torch.take_along_dim`)."""
    if indices.dtype is not dtypes.int64:
        raise RuntimeError(f"torch.take_along_dim(): dtype of indices should be Long but got {kind_name(indices)}")
    if dim is None:
        return into(out, gather(input.reshape(-1), 0, indices.reshape(-1)))
    if input.ndim != indices.ndim:
        raise RuntimeError("torch.take_along_dim(): input and indices should have the same number of dimensions, "
                           "but got "
                           f"{input.ndim} dimensions for input, and {indices.ndim} dimensions for indices")
    dim = shapes.wrap_dim(dim, input.ndim)
    common = shapes.broadcast(tuple(n for d, n in enumerate(x.shape) if d != dim) for x in (input, indices))
    def fit(x: Any) -> Any:
        return expand(x, *common[:dim], x.shape[dim], *common[dim:]) if x.ndim else x
    i = fit(indices)
    n = input.shape[dim] if input.ndim else 1
    return into(out, gather(fit(input), dim, (i + (i < 0) * n) if i.numel() else i))


def _scatter(inplace: bool) -> Callable[..., Any]:
    tail = "_" * inplace

    def scatter(input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None
                ) -> Any:
        expect_tensor("scatter", input)
        _expect_index("scatter", index)
        given = value if src is None else src
        if reduce is not None:
            if reduce not in ("add", "multiply"):
                raise RuntimeError("reduce argument must be either add or multiply.")
            source = given if isinstance(given, Tensor) else input.new_full(tuple(index.shape), given)
            return scatter_reduce(input, dim, index, source, {"add": "sum", "multiply": "prod"}[reduce])
        if not isinstance(given, Tensor):
            dim = _along("scatter", input, dim, index)
            if not index.numel():
                return input if inplace else input.clone()
            filled = expand(input.new_full((), given), *index.shape)
            return write("scatter_value" + tail, input, filled, (_as(index, input),), ("along", dim))
        return _into_places("scatter", input, dim, index, given, tail)

    return scatter


def _as(index: Any, x: Any) -> Any:
    return index.reshape(1) if x.ndim and not index.ndim else index


def _into_places(name: str, x: Any, dim: Any, index: Any, source: Any, tail: str) -> Any:
    dim = _along(name, x, dim, index, source)
    if source.dtype is not x.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if not index.numel():
        return x if tail else x.clone()
    index = _as(index, x)
    if source.ndim != index.ndim:
        source = source.reshape(tuple(index.shape))
    for d in range(index.ndim):
        if source.shape[d] != index.shape[d]:
            source = source.narrow(d, 0, index.shape[d])
    return write(name + tail, x, source, (index,), ("along", dim))


METHODS["scatter"] = PUBLIC["scatter"] = _scatter(False)
METHODS["scatter_"] = _scatter(True)


@method
def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """Elements added at given positions along an axis (`torch.scatter_add`)."""
    expect_tensor("scatter_add", input)
    _expect_index("scatter", index)
    return _into_places("scatter_add", input, dim, index, src, "")


def _scatter_add_(self: Any, dim: int, index: Any, src: Any) -> Any:
    _expect_index("scatter", index)
    return _into_places("scatter_add", self, dim, index, src, "_")


METHODS["scatter_add_"] = _scatter_add_
_STARTS: dict[str, Callable[[Any], Any]] = {
    "sum": lambda d: 0, "mean": lambda d: 0, "prod": lambda d: 1,
    "amax": lambda d: -math.inf if d.is_floating_point else False if d.category == 0 else dtypes.iinfo(d).min,
    "amin": lambda d: math.inf if d.is_floating_point else True if d.category == 0 else dtypes.iinfo(d).max,
}


@method
def scatter_reduce(input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True) -> Any:
    """Elements combined at given positions along an axis (`torch.scatter_reduce`)."""
    expect_tensor("scatter_reduce", input)
    _expect_index("scatter_reduce", index)
    if reduce not in _STARTS:
        raise RuntimeError("reduce argument must be either sum, prod, mean, amax or amin, got " + str(reduce))
    x = input if include_self else METHODS["scatter"](input, dim, index, value=_STARTS[reduce](input.dtype))
    name = {"prod": "scatter_multiply", "amax": "scatter_amax", "amin": "scatter_amin"}.get(reduce, "scatter_add")
    total = _into_places(name, x, dim, index, src, "")
    if reduce != "mean":
        return total
    count = (input.new_ones if include_self else input.new_zeros)(tuple(input.shape))
    count = scatter_add(count, dim, index, src.new_ones(tuple(src.shape)))
    count = count.masked_fill(count == 0, 1)
    return total / count if input.dtype.is_floating_point else total.div(count, rounding_mode="floor")


METHODS["scatter_reduce_"] = lambda self, *args, **kwargs: self.copy_(scatter_reduce(self, *args, **kwargs))


# ---------------------------------------------------------------- a vector of positions


def _vector(name: str, x: Any, dim: Any, index: Any, kinds: tuple[str, ...] = ("int64", "int32")) -> tuple[int, Any]:
    expect_tensor(name, x)
    expect_tensor(name, index, "index", 3)
    dim = shapes.wrap_dim(dim, x.ndim)
    if index.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector")
    if index.dtype.name not in kinds:
        raise RuntimeError(f"{name}(): Expected dtype int32 or int64 for index")
    return dim, index.reshape(-1)


@method
def index_select(input: Any, dim: int, index: Any, *, out: Any = None) -> Any:
    """The slices at given positions along an axis (`torch.index_select`)."""
    dim, i = _vector("index_select", input, dim, index)
    if not input.ndim:
        return into(out, read("index_select", input.reshape(1), (i,), ("axes", (0,))).reshape(()))
    return into(out, read("index_select", input, (i,), ("axes", (dim,))), input, index)


def _index_write(name: str) -> Callable[[bool], Callable[..., Any]]:
    def made(inplace: bool) -> Callable[..., Any]:
        def function(input: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1, out: Any = None) -> Any:
            dim, i = _vector(name, input, dim, index, ("int64", "int32") if name == "index_add" else ("int64",))
            _check_source(name, input, dim, i, source)
            if alpha != 1:
                source = source * alpha
            x, value = (input, source) if input.ndim else (input.reshape(1), source.reshape(1))
            if input.ndim and not source.ndim:
                value = source.reshape(1)
            found = write(name + "_" * inplace, x, value, (i,), ("axes", (dim,)))
            return into(out, found if input.ndim else input if inplace else found.reshape(()))

        function.__name__ = name
        return function

    return made


def _check_source(name: str, x: Any, dim: int, index: Any, source: Any) -> None:
    expect_tensor(name, source, "source", 4)
    if source.dtype is not x.dtype:
        raise RuntimeError(f"{name}(): self ({kind_name(x)}) and source ({kind_name(source)}) must have the same "
                           "scalar "
                           "type")
    if max(source.ndim, 1) != max(x.ndim, 1) and name == "index_copy" and source.ndim and x.ndim:
        raise IndexError(f"{name}(): When source and destination are not scalars, their dimensionality must match. "
                         f"Source dimensionality ({source.ndim}), destination dimensionality ({x.ndim})")
    own = tuple(source.shape) or (1,)
    wanted = tuple(index.numel() if d == dim else n for d, n in enumerate(x.shape)) or (1,)
    if own != wanted:
        kind = IndexError if name == "index_copy" and own[dim:dim + 1] != wanted[dim:dim + 1] else RuntimeError
        raise kind(f"{name}(): Number of indices ({index.numel()}) should be equal to source.size(dim): "
                   f"({own[dim] if dim < len(own) else 1}), for dim: {dim}; slices have to match in shape")


for _name in ("index_add", "index_copy"):
    PUBLIC[_name] = METHODS[_name] = _index_write(_name)(False)
    METHODS[_name + "_"] = _index_write(_name)(True)


def _index_fill(inplace: bool) -> Callable[..., Any]:
    def index_fill(input: Any, dim: int, index: Any, value: Any) -> Any:
        dim, i = _vector("index_fill", input, dim, index, ("int64",))
        if isinstance(value, Tensor):
            if value.ndim:
                raise RuntimeError("index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                                   f"{value.ndim} dimension(s).")
            value = value.to(input.dtype)
            i = from_array(np.unique(i._array()))  # each place takes its share of the gradient once
        else:
            value = input.new_full((), value)
        x = input if input.ndim else input.reshape(1)
        sizes = tuple(i.numel() if d == dim else n for d, n in enumerate(x.shape))
        found = write("index_fill" + "_" * inplace, x, expand(value, *sizes), (i,), ("axes", (dim,)))
        return found if input.ndim else input if inplace else found.reshape(())

    return index_fill


PUBLIC["index_fill"] = METHODS["index_fill"] = _index_fill(False)
METHODS["index_fill_"] = _index_fill(True)


# ---------------------------------------------------------------- the tensor as a vector


@method
def take(input: Any, index: Any, *, out: Any = None) -> Any:
    """Elements at positions in the flattened tensor (`torch.take`)."""
    expect_tensor("take", input)
    if index.dtype is not dtypes.int64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {kind_name(index)}")
    if not input.numel() and index.numel():
        raise IndexError("take(): tried to take from an empty tensor")
    return into(out, read("take", input.reshape(-1), (index,), ("axes", (0,)), wrap=True), input, index)


def _put_flat(input: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    """Elements written at positions in the flattened tensor (`torch.put`)."""
    expect_tensor("put", input)
    if index.dtype is not dtypes.int64:
        raise RuntimeError(f"put_(): Expected a long tensor for index, but got {kind_name(index)}")
    if source.dtype is not input.dtype:
        raise RuntimeError(f"put_(): self and source expected to have the same dtype, but got self.dtype = "
                           f"{kind_name(input)} and source.dtype = {kind_name(source)}")
    if index.numel() != source.numel():
        raise IndexError("put_(): Expected source and index to have the same number of elements, but got "
                         "source.numel() "
                         f"= {source.numel()}, index.numel() = {index.numel()}")
    if not input.numel() and index.numel():
        raise IndexError("put_(): tried to put elements into an empty tensor")
    if not index.numel():
        return input.clone()
    flat = write("put_add" if accumulate else "put", input.reshape(-1), source.reshape(-1), (index.reshape(-1),),
                 ("axes", (0,)), wrap=True)
    return flat.reshape(tuple(input.shape))


PUBLIC["put"] = METHODS["put"] = _put_flat
METHODS["put_"] = lambda self, *args, **kwargs: self.copy_(_put_flat(self, *args, **kwargs))


def _expect_mask(name: str, mask: Any) -> None:
    expect_tensor(name, mask, "mask", 2)
    if mask.dtype.name != "bool":
        raise RuntimeError(f"{name}: expected BoolTensor for mask")


@method
def masked_select(input: Any, mask: Any, *, out: Any = None) -> Any:
    """The elements where a mask holds, as a vector (`torch.masked_select`)."""
    expect_tensor("masked_select", input)
    _expect_mask("masked_select", mask)
    shape = shapes.broadcast((tuple(input.shape), tuple(mask.shape))) or (1,)
    places = np.flatnonzero(np.broadcast_to(mask._array(), shape))
    flat = expand(input, *shape).reshape(-1)
    return into(out, read("masked_select", flat, (from_array(places),), ("axes", (0,))), input, mask)


@method
def masked_scatter(input: Any, mask: Any, source: Any) -> Any:
    """Elements of `source`, in order, where a mask holds (`torch.masked_scatter`)."""
    expect_tensor("masked_scatter", input)
    _expect_mask("masked_scatter", mask)
    if source.dtype is not input.dtype:
        raise RuntimeError("masked_scatter: expected self and source to have same dtypes but got "
                           f"{kind_name(input)} and {kind_name(source)}")
    shape = shapes.broadcast((tuple(input.shape), tuple(mask.shape)))
    places = np.flatnonzero(np.broadcast_to(mask._array(), shape))
    if len(places) > source.numel():
        raise RuntimeError("masked_scatter: expected self to have at least as many elements as the mask is true in "
                           "source")
    flat = expand(input, *shape).reshape(-1)
    found = write("masked_scatter", flat, source.reshape(-1)[:len(places)], (from_array(places),), ("axes", (0,)))
    return found.reshape(shape)


METHODS["masked_scatter_"] = lambda self, mask, source: self.copy_(masked_scatter(self, mask, source))


@method
def nonzero(input: Any, *, as_tuple: bool = False, out: Any = None) -> Any:
    """The positions of elements that are not zero (`torch.nonzero`)."""
    expect_tensor("nonzero", input)
    array = input._array()
    if as_tuple:
        return tuple(from_array(i) for i in np.nonzero(array if input.ndim else array.reshape(1)))
    found = np.argwhere(array) if input.ndim else np.zeros((int(bool(array)), 0), np.int64)
    if out is not None and out.dtype is not dtypes.int64:
        raise RuntimeError("nonzero: Expected out tensor to have scalar type Long but got scalar type"
                           f"{kind_name(out)}")
    return into(out, from_array(found.astype(np.int64)))


@method
def argwhere(input: Any) -> Any:
    return nonzero(input)


# ---------------------------------------------------------------- a view written


def _written(x: Any, view: Callable[[Any], Any], name: str, src: Any) -> Any:
    out = x.clone()
    target = view(out.detach())
    if tuple(src.shape) != tuple(target.shape):
        raise RuntimeError(f"{name}(): expected src to have a size equal to the slice of self. src size = "
                           f"{list(src.shape)}, slice size = {list(target.shape)}")
    places = view(from_array(np.arange(x.numel()).reshape(tuple(x.shape)))).reshape(-1)
    if src.dtype is not x.dtype:
        src = src.to(x.dtype)
    flat = write("index_put", x.reshape(-1), src.reshape(-1), (places,), ("axes", (0,)))
    return flat.reshape(tuple(x.shape))


@method
def select_scatter(input: Any, src: Any, dim: int, index: int) -> Any:
    """A copy with one slice replaced (`torch.select_scatter`)."""
    return _written(input, lambda x: x.select(dim, index), "select_scatter", src)


@method
def slice_scatter(input: Any, src: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
                  ) -> Any:
    """A copy with a stretch replaced (`torch.slice_scatter`)."""
    d = shapes.wrap_dim(dim, input.ndim)
    index = (*[slice(None)] * d, slice(start, end, step))
    return _written(input, lambda x: basic_index(x, index), "slice_scatter", src)


@method
def diagonal_scatter(input: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """A copy with a diagonal replaced (`torch.diagonal_scatter`)."""
    return _written(input, lambda x: x.diagonal(offset, dim1, dim2), "diagonal_scatter", src)


@public
def searchsorted(sorted_sequence: Any, input: Any, *, out_int32: bool = False, right: bool = False, side: Any = None,
                 sorter: Any = None, out: Any = None) -> Any:
    """Where values would be inserted into sorted rows (`torch.searchsorted`)."""
    expect_tensor("searchsorted", sorted_sequence, "sorted_sequence")
    if side is not None:
        if side not in ("left", "right"):
            raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
        if side == "left" and right:
            raise RuntimeError("torch.searchsorted(): side and right can't be set to opposites, got side of left while "
                               "right was True")
        right = side == "right"
    if not sorted_sequence.ndim:
        raise RuntimeError("torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension "
                           "is 1, "
                           "but we got boundaries tensor dim(0)")
    if sorter is not None:
        if sorter.dtype is not dtypes.int64:
            raise RuntimeError("torch.searchsorted(): sorter must be a tensor of long dtype but got dtype "
                               f"{kind_name(sorter)}")
        if tuple(sorter.shape) != tuple(sorted_sequence.shape):
            raise RuntimeError("torch.searchsorted(): boundary and sorter must have the same size")
        sorted_sequence = gather(sorted_sequence, -1, sorter)
    number = not isinstance(input, Tensor)
    if number:
        if sorted_sequence.ndim != 1:
            raise RuntimeError("torch.searchsorted(): input value can be a scalar only when boundaries tensor "
                               "dimension "
                               f"is 1, but we got boundaries tensor dim({sorted_sequence.ndim})")
        input = from_array(np.asarray(input), sorted_sequence.dtype if isinstance(input, int) else dtypes.float64
                           if sorted_sequence.dtype is dtypes.float64 else dtypes.default_dtype())
    if sorted_sequence.ndim != 1 and tuple(sorted_sequence.shape[:-1]) != tuple(input.shape[:-1]):
        raise RuntimeError("torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 "
                           "dimensions of "
                           f"boundaries tensor and input value tensor must match, but we got boundaries tensor "
                           f"{list(sorted_sequence.shape)} and input value tensor {list(input.shape)}")
    if input.dtype is not sorted_sequence.dtype and not number:
        raise RuntimeError("torch.searchsorted(): boundary tensor and input value tensor should have same dtype, "
                           "but got "
                           f"boundary tensor dtype {kind_name(sorted_sequence)} and input value tensor dtype "
                           f"{kind_name(input)}")
    found = apply(operation("searchsorted"), (sorted_sequence.detach(), input.detach()),
                  (("right", right), ("int32", out_int32)))
    return into(out, found)


@public
def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False, out: Any = None) -> Any:
    """Into which of the intervals between boundaries values fall (`torch.bucketize`)."""
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)


METHODS["bucketize"] = bucketize
