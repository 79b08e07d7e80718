"""Reading and writing at positions along an axis: gather, scatter, index_select and their kin."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tapegrad import dtypes, shapes
from tapegrad.creation import from_array
from tapegrad.dispatch import touch
from tapegrad.functions.common import METHODS, PUBLIC, expect_tensor, in_place, into, kind_name, method, public, warn
from tapegrad.functions.indexing.subscripts import read, write
from tapegrad.functions.pointwise.scaling import scaled
from tapegrad.functions.several_outputs import one_node, one_node_where, without_axes
from tapegrad.functions.shaping.views import expand, unsafe_view
from tapegrad.signatures import Number, Text
from tapegrad.tensor import Tensor

# ---------------------------------------------------------------- along an axis


def _expect_index(name: str, index: Any, kinds: tuple[str, ...] = ("int32", "int64")) -> None:
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
    if source is not None and (max(index.ndim, 1) < source.ndim or (index.ndim > 1 and not source.ndim)):
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    for d in range(index.ndim):
        if d != dim and index.shape[d] > (x.shape[d] if x.ndim else 1):
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than self "
                f"{list(x.shape)} apart from dimension {dim}")
        there = source.shape[shapes.wrap_dim(d, source.ndim)] if source is not None and source.ndim else 1
        if source is not None and index.shape[d] > there:
            raise RuntimeError(
                f"Expected index {list(index.shape)} to be no larger than self {list(x.shape)} apart from dimension "
                f"{dim} and to be no larger size than src {list(source.shape)}")
    return dim


def _gathers_little(input: Tensor, dim: int, index: Tensor, **given: Any) -> bool:
    return not (input.ndim and isinstance(index, Tensor) and index.ndim and index.numel())


@method
@one_node_where(_gathers_little, "GatherBackward0")
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False, out: Any = None) -> Any:
    """Elements at given positions along an axis (`torch.gather`)."""
    _expect_index("gather", index)
    dim = _along("gather", input, dim, index)
    if not index.numel():
        return into(out, input.reshape(-1)[:0].reshape(tuple(index.shape)).clone(), input, index, exact=True)
    x, i = (t if t.ndim else t.reshape(1) for t in (input, index))
    found = read("gather", x, (i,), ("along", dim))
    return into(out, found if index.ndim else unsafe_view(found, ()), input, index, exact=True)


@method
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None, *, out: Any = None) -> Any:
    """gather with broadcasting (`torch.take_along_dim`)."""
    if indices.dtype is not dtypes.int64 and (dim is not None or indices.dtype is not dtypes.int32):
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

    def scatter(input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
                ) -> Any:
        _expect_index("scatter", index)
        given = value if src is None else src
        if reduce is not None:
            if reduce not in ("add", "multiply"):
                raise RuntimeError("reduce argument must be either add or multiply.")
            if isinstance(given, Tensor):
                warn("The reduce argument of torch.scatter with Tensor src is deprecated and will be removed in a "
                     "future PyTorch release. Use torch.scatter_reduce instead for more reduction options.")
            source = given if isinstance(given, Tensor) else input.new_full(tuple(index.shape), given)
            combine = METHODS["scatter_reduce" + tail]
            return combine(input, dim, index, source, {"add": "sum", "multiply": "prod"}[reduce])
        if not isinstance(given, Tensor):
            dim = _along("scatter", input, dim, index)
            if not index.numel():
                return touch(input) if inplace else input.clone()
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
    if not index.numel():  # nothing is written, and yet the result depends on both
        none = tuple(0 if d == dim else n for d, n in enumerate(x.shape)) or (0,)
        index, source = index.reshape(none), source.reshape(-1)[:0].reshape(none)
        if not x.ndim:
            return touch(x, source) if tail else x.clone()
    index = _as(index, x)
    if source.ndim != index.ndim:
        if source.ndim and not index.ndim:
            source = source.narrow(0, 0, 1)  # all that an index of no axes takes
        source = source.reshape(tuple(index.shape))
    for d in range(index.ndim):
        if source.shape[d] != index.shape[d]:
            source = source.narrow(d, 0, index.shape[d])
    return write(name + tail, x, source, (index,), ("along", dim))


METHODS["scatter"] = PUBLIC["scatter"] = _scatter(False)
METHODS["scatter_"] = _scatter(True)


@method
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Any:
    """Elements added at given positions along an axis (`torch.scatter_add`)."""
    _expect_index("scatter", index)
    return _into_places("scatter_add", input, dim, index, src, "")


def _scatter_add_(self: Any, dim: int, index: Tensor, src: Tensor) -> Any:
    _expect_index("scatter", index)
    return _into_places("scatter_add", self, dim, index, src, "_")


METHODS["scatter_add_"] = _scatter_add_


_STARTS: dict[str, Callable[[Any], Any]] = {
    "sum": lambda d: 0, "mean": lambda d: 0, "prod": lambda d: 1,
    "amax": lambda d: -math.inf if d.is_floating_point else False if d.category == 0 else dtypes.iinfo(d).min,
    "amin": lambda d: math.inf if d.is_floating_point else True if d.category == 0 else dtypes.iinfo(d).max,
}


@method
@one_node("ScatterReduceBackward0")
def scatter_reduce(input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *,
                   include_self: bool = True) -> Any:
    """Elements combined at given positions along an axis (`torch.scatter_reduce`)."""
    _expect_index("scatter_reduce", index)
    reduce = {"max": "amax", "min": "amin"}.get(reduce, reduce)
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


in_place("scatter_reduce", scatter_reduce)


@method
def index_reduce(input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *,
                 include_self: bool = True) -> Any:
    """Slices combined into those that an index names (`torch.index_reduce`)."""
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError("index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got "
                           f"{reduce}.")
    warn("index_reduce() is in beta and the API may change at any time.")
    return reduced_at(input, dim, index, source, reduce, include_self=include_self)


@one_node("IndexReduceBackward0")
def reduced_at(input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *,
                 include_self: bool = True) -> Any:
    dim, i = _vector("index_reduce", input, dim, index)
    _check_source("index_reduce", input, dim, i, source)
    places = i._array()
    if i.numel() and not 0 <= places.min() <= places.max() < (tuple(input.shape) or (1,))[dim]:
        raise IndexError("index out of range in self")
    if not input.ndim:
        return reduced_at(input.reshape(1), 0, i, source.reshape(1), reduce, include_self=include_self).reshape(())
    places = i.reshape([-1 if d == dim else 1 for d in range(source.ndim)]).expand(source.shape)
    return scatter_reduce(input, dim, places, source, reduce, include_self=include_self)


in_place("index_reduce", index_reduce)


@public
@one_node("SegmentReduceBackward0")
def segment_reduce(data: Tensor, reduce: Text, *, lengths: Any = None, indices: Tensor | None = None,
                   offsets: Any = None, axis: int = 0, unsafe: bool = False, initial: Any = None) -> Any:
    """Neighbours along an axis combined, so many at a time (`torch.segment_reduce`).

    >>> import tapegrad as torch
    >>> torch.segment_reduce(torch.arange(6.0), "max", lengths=torch.tensor([2, 3, 1]))
    tensor([1., 4., 5.])

    `reduce` is "sum", "mean", "prod", "max" or "min". Of no elements it is `initial`: 0, NaN, 1, -inf and inf if that
    is not given. `offsets` are where segments begin, and where the last one ends. Raises RuntimeError for lengths that
    do not add up.
    """
    if lengths is None and offsets is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    kind = {"max": "amax", "min": "amin"}.get(reduce, reduce)
    if kind not in _STARTS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    if not data.dtype.is_floating_point:
        raise NotImplementedError(f"\"_segment_reduce_cpu\" not implemented for '{kind_name(data)}'")
    given, kernel = (offsets, "offsets_cpu") if lengths is None else (lengths, "lengths_cpu_kernel1")
    if given.dtype.name not in ("int64", "int32"):
        raise NotImplementedError(f"\"_segment_reduce_{kernel}\" not implemented for '{kind_name(given)}'")
    counts = np.diff(given._array()) if lengths is None else given._array()
    axis, n = shapes.wrap_dim(axis, data.ndim), data.shape[axis]
    if axis != counts.ndim - 1:
        raise RuntimeError("segment_reduce(): Expected axis to be the last dimension of lengths but got "
                           f"{axis}.")
    if (counts < 0).any():
        raise RuntimeError("lengths contains negative value!")
    if (counts.sum(-1) != n).any():
        raise RuntimeError("segment_reduce(): Expected all rows of lengths along axis to sum to "
                           "data.size(lengths.dim()-1) when !unsafe.")
    wide = (1,) * (data.ndim - axis - 1)
    rows = [np.repeat(np.arange(counts.shape[-1]), row) for row in counts.reshape(-1, counts.shape[-1])]
    index = from_array(np.asarray(rows, np.int64).reshape(*counts.shape[:-1], n, *wide)).expand(tuple(data.shape))
    shape = (*counts.shape, *data.shape[axis + 1:])
    extreme = kind in ("amax", "amin")
    start = data.new_full(shape, _STARTS[kind](data.dtype) if initial is None or extreme else initial)
    found = scatter_reduce(start, axis, index, data, "sum" if kind == "mean" else kind)
    if extreme and initial is not None:  # as large as `initial`, an element has the gradient
        beyond = found < initial if kind == "amax" else found > initial
        return found.masked_fill(beyond, initial)
    if kind != "mean":
        return found
    sizes = from_array(counts.reshape(*counts.shape, *wide))
    found = found / sizes.clamp(min=1)
    return found if initial is not None else found.masked_fill(sizes.expand(shape) == 0, math.nan)


# ---------------------------------------------------------------- a vector of positions


def _vector(name: str, x: Any, dim: Any, index: Any, kinds: tuple[str, ...] = ("int64", "int32")) -> tuple[int, Any]:
    expect_tensor(name, x)
    expect_tensor(name, index, "index", 3)
    dim = shapes.wrap_dim(dim, x.ndim)
    if index.ndim > 1:
        if name == "index_fill":
            raise RuntimeError("Index has to be a vector/scalar")
        raise IndexError(f"index_copy_(): Index should have dimension 1 or 0 (got {index.ndim})" if name == "index_copy"
                         else f"{name}(): Index is supposed to be a vector" if name == "index_select" else
                         f"{name}_(): Index is supposed to be a vector, but got dim: {index.ndim} with type: "
                         f"{kind_name(index)} and size: {list(index.shape)}")
    if index.dtype.name not in kinds:
        if name == "index_fill":
            raise IndexError("index_fill_(): Expected dtype int64 for index.")
        raise RuntimeError(f"index_copy_(): Expected a long tensor for index, but got {kind_name(index)}"
                           if name == "index_copy" else
                           f"{name}(): Expected dtype int32 or int64 for index" if name == "index_select" else
                           f"{name}_(): Expected dtype int32/int64 for index but got: {kind_name(index)}")
    return dim, index.reshape(-1)


@method
@one_node_where(without_axes, "IndexSelectBackward0")
def index_select(input: Tensor, dim: int, index: Tensor, *, out: Any = None) -> Any:
    """The slices at given positions along an axis (`torch.index_select`)."""
    dim, i = _vector("index_select", input, dim, index)
    if not input.ndim:
        if i.numel() != 1:
            raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {i.numel()} value(s)")
        return into(out, unsafe_view(read("index_select", input.reshape(1), (i,), ("axes", (0,))), ()))
    return into(out, read("index_select", input, (i,), ("axes", (dim,))), input, index)


def _index_write(name: str) -> Callable[[bool], Callable[..., Any]]:
    def made(inplace: bool) -> Callable[..., Any]:
        def function(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1, out: Any = None
                     ) -> Any:
            dim, i = _vector(name, input, dim, index, ("int64", "int32") if name == "index_add" else ("int64",))
            _check_source(name, input, dim, i, source)
            source = scaled(source, alpha, "alpha", strict=False)
            x, value = (input, source) if input.ndim else (input.reshape(1), source.reshape(-1))
            if input.ndim and not source.ndim:
                value = source.reshape(1)
            found = write(name + "_" * inplace, x, value, (i,), ("axes", (dim,)))
            return into(out, found if input.ndim else input if inplace else found.reshape(()))

        function.__name__ = name
        node = "".join(part.capitalize() for part in name.split("_")) + "Backward0"
        return function if inplace else one_node_where(without_axes, node)(function)

    return made


def _check_source(name: str, x: Any, dim: int, index: Any, source: Any) -> None:
    expect_tensor(name, source, "source", 4)
    if source.dtype is not x.dtype:
        raise RuntimeError(f"index_copy_(): self and source expected to have the same dtype, but got (self) "
                           f"{kind_name(x)} and (source) {kind_name(source)}" if name == "index_copy" else
                           f"{name}_(): self ({kind_name(x)}) and source ({kind_name(source)}) must have the same "
                           "scalar type")
    if max(source.ndim, 1) != max(x.ndim, 1) and name == "index_copy" and source.ndim and x.ndim:
        raise IndexError(f"{name}(): When source and destination are not scalars, their dimensionality must match. "
                         f"Source dimensionality ({source.ndim}), destination dimensionality ({x.ndim})")
    if not source.ndim and index.numel() != 1:
        if name == "index_copy":
            raise IndexError(f"{name}_(): When source is scalar, index should have one element (got {index.numel()})")
        shapes.axis_there(dim, 0)
    if name != "index_copy" and source.ndim != x.ndim:
        raise RuntimeError("source tensor shape must match self tensor shape, excluding the specified dimension. Got "
                           f"self.shape = {list(x.shape)} source.shape = {list(source.shape)}")
    own = tuple(source.shape) or (1,)
    wanted = tuple(index.numel() if d == dim else n for d, n in enumerate(x.shape)) or (index.numel(),)
    if own != wanted:
        there, several = own[dim] if dim < len(own) else 1, f"{name}_(): Number of indices ({index.numel()}) should be"
        if name != "index_copy" and there != index.numel():
            raise RuntimeError(f"{several} equal to source.size(dim): ({there}), for dim: {dim}")
        if name != "index_copy":
            raise RuntimeError("source tensor shape must match self tensor shape, excluding the specified dimension. "
                               f"Got self.shape = {list(x.shape)} source.shape = {list(source.shape)}")
        if all(a == b for d, (a, b) in enumerate(zip(own, wanted)) if d != dim):
            raise IndexError(f"{several} equal to source.size(dim) ({there})")
        ours, theirs = (" ".join(str(n) for d, n in enumerate(t.shape) if d != dim) for t in (x, source))
        raise RuntimeError(f"{name}_(): Source/destination tensor must have same slice shapes. Destination slice "
                           f"shape: {ours} at dimension {dim} and source slice shape: {theirs} at dimension 0.")


for _name in ("index_add", "index_copy"):
    PUBLIC[_name] = METHODS[_name] = _index_write(_name)(False)
    METHODS[_name + "_"] = _index_write(_name)(True)


def _index_fill(inplace: bool) -> Callable[..., Any]:
    def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Any:
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


def _index_filled(input: Tensor, dim: int, index: Tensor, value: Any) -> Any:
    """The slices at given positions along an axis set to a number (`torch.index_fill`)."""
    node = f"IndexFillBackward{int(isinstance(value, Tensor))}"
    return one_node_where(without_axes, node)(_index_fill(False))(input, dim, index, value)


_index_filled.__name__ = "index_fill"
PUBLIC["index_fill"] = METHODS["index_fill"] = _index_filled
METHODS["index_fill_"] = _index_fill(True)


# ---------------------------------------------------------------- the tensor as a vector


@method
def take(input: Tensor, index: Tensor, *, out: Any = None) -> Any:
    """Elements at positions in the flattened tensor (`torch.take`)."""
    if index.dtype is not dtypes.int64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {kind_name(index)}")
    if not input.numel() and index.numel():
        raise IndexError("take(): tried to take from an empty tensor")
    return into(out, read("take", input.reshape(-1), (index,), ("axes", (0,)), wrap=True), input, index)


@one_node("PutBackward0")
def _put_flat(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Any:
    """Elements written at positions in the flattened tensor (`torch.put`)."""
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
    flat = write("put_add" if accumulate else "put", input.reshape(-1), source.reshape(-1), (index.reshape(-1),),
                 ("axes", (0,)), wrap=True)
    return flat.reshape(tuple(input.shape))


PUBLIC["put"] = METHODS["put"] = _put_flat
in_place("put", _put_flat)
