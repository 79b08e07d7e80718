"""What depends on the order along an axis: running reductions, sorting, ranks, neighbours."""
from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tapegrad import dtypes, shapes
from tapegrad.autograd.made_nodes import without_derivative
from tapegrad.creation import from_array
from tapegrad.dispatch import apply, differentiated
from tapegrad.functions.common import (
    METHODS,
    PUBLIC,
    in_place,
    into,
    into_each,
    kind_name,
    method,
    named,
    operation,
    public,
)
from tapegrad.functions.indexing.subscripts import read
from tapegrad.functions.reducing.reductions import axis_of, expect_elements, picked, widened
from tapegrad.functions.several_outputs import one_node, one_node_where, without_axes
from tapegrad.functions.shaping.views import unsafe_view
from tapegrad.tensor import Tensor

# ---------------------------------------------------------------- running reductions


def _running(name: str, *extra: tuple[str, Any], whole_numbers: bool = True) -> Callable[..., Any]:
    def running(input: Tensor, dim: int, *, dtype: Any = None, out: Any = None) -> Any:
        if not whole_numbers and not input.dtype.is_floating_point:
            raise NotImplementedError(f'"{name}_out_cpu" not implemented for \'{kind_name(input)}\'')
        x = widened(input, out.dtype if dtype is None and out is not None and whole_numbers else dtype)
        if x.dtype.category == 0 and not x.ndim:
            return into(out, x.clone())
        if x.dtype.category == 0:
            raise NotImplementedError(f'"{name}_out_cpu" not implemented for \'Bool\'')
        d = shapes.wrap_dim(dim, x.ndim)
        if not x.ndim:  # of one element the product is the sum, whose derivative is a constant
            one, given = ("cumsum", (("reverse", False),)) if name == "cumprod" else (name, extra)
            return into(out, unsafe_view(apply(operation(one), (x.reshape(1),), (("dim", 0), *given)), ()))
        return into(out, apply(operation(name), (x,), (("dim", d), *extra)))

    running.__name__ = name
    return one_node_where(without_axes, f"{name.capitalize()}Backward0")(running)


for _name, _made in (("cumsum", _running("cumsum", ("reverse", False))), ("cumprod", _running("cumprod")),
                     ("logcumsumexp", _running("logcumsumexp", ("reverse", False), whole_numbers=False))):
    PUBLIC[_name] = METHODS[_name] = _made
for _name in ("cumsum", "cumprod"):
    in_place(_name, METHODS[_name])


def _running_extreme(name: str) -> Callable[..., Any]:
    def running(input: Tensor, dim: int, *, out: Any = None) -> Any:
        d = shapes.wrap_dim(dim, input.ndim)
        if not input.numel():
            values, indices = input.clone(), from_array(np.zeros(tuple(input.shape), np.int64))
        else:
            indices = apply(operation(f"{name}_positions"), (input.detach(),), (
                ("dim", d),)) if input.ndim else _first()
            values = read(f"{name}_values", input, (indices,), ("along", d))
        values, indices = into_each(out, (values, indices))
        return named(name, values=values, indices=indices)

    return running


for _name in ("cummax", "cummin"):
    PUBLIC[_name] = METHODS[_name] = _running_extreme(_name)


@method
def diff(input: Tensor, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None, *, out: Any = None) -> Any:
    """Differences of neighbours, `n` times over (`torch.diff`)."""
    from tapegrad.functions.shaping.joining import cat

    if not input.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    parts = [p for p in (prepend, input, append) if p is not None]
    x = cat(parts, dim) if len(parts) > 1 else input
    d = shapes.wrap_dim(dim, x.ndim)
    if n == 0:
        return into(out, apply(operation("clone"), (input,), node="CopyBackwards"))
    for _ in range(min(n, x.shape[d])):
        size = x.shape[d]
        later, earlier = x.narrow(d, 1, size - 1), x.narrow(d, 0, size - 1)
        x = later ^ earlier if x.dtype.category == 0 else later - earlier
    return into(out, x)


@public
def trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Any:
    """The integral by the trapezoid rule (`torch.trapezoid`)."""
    d = shapes.axis_there(dim, y.ndim)
    refuse_conditions("trapezoid", y)
    if y.shape[d] == 0:
        return y.detach().sum(d) * 0.0
    if x is None:
        inside = y.sum(d) - (y.select(d, 0) + y.select(d, -1)) * 0.5
        return apply(operation("mul"), (inside, 1 if dx is None else dx), node="MulBackward1")
    return apply(operation("div"), ((pairs(y, d) * widths("trapezoid", y, x, d)).sum(d), 2.0), node="DivBackward1")


def refuse_conditions(name: str, y: Any) -> None:
    if y.dtype.category == 0:
        raise RuntimeError(f"{name}: received a bool input for `y`, but bool is not supported")


def pairs(y: Any, d: int) -> Any:
    """The sums of neighbours."""
    n = y.shape[d]
    return y.narrow(d, 0, n - 1) + y.narrow(d, 1, n - 1) if n else y


def widths(name: str, y: Any, x: Any, d: int) -> Any:
    """How far apart sample points are, to go with `y`; `d` is an axis of both, whatever the number of others."""
    if x.ndim == 1:
        if x.shape[0] != y.shape[d]:
            raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
        x = x.reshape((1,) * d + (-1,) + (1,) * (y.ndim - d - 1))
    elif x.ndim < y.ndim:
        x = x.reshape((1,) * (y.ndim - x.ndim) + tuple(x.shape))
    n = x.shape[d]
    return x.narrow(d, 1, n - 1) - x.narrow(d, 0, n - 1) if n else x.narrow(d, 0, 0)


PUBLIC["trapz"] = trapezoid


# ---------------------------------------------------------------- sorting


def _sorted(name: str, x: Any, dim: int, descending: bool) -> tuple[Any, Any]:
    d = shapes.wrap_dim(dim, x.ndim)
    if not x.ndim:
        return apply(operation("clone"), (x,), node="SortBackward0"), _first()
    places = apply(operation("sorted_positions"), (x.detach(),), (("dim", d), ("descending", bool(descending))))
    return read(f"{name}_values", x, (places,), ("along", d)), places


@method
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False, *, out: Any = None) -> Any:
    """Values in order, and where they were (`torch.sort`)."""
    values, indices = _sorted("sort", input, dim, descending)
    values, indices = into_each(out, (values, indices))
    return named("sort", values=values, indices=indices)


@method
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    return sort(input.detach(), dim, descending).indices


@method
def msort(input: Tensor, *, out: Any = None) -> Any:
    return into(out, sort(input, 0).values)


@method
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, out: Any = None) -> Any:
    """The `k` largest or smallest values, in order (`torch.topk`)."""
    d = shapes.wrap_dim(dim, input.ndim)
    n = input.shape[d] if input.ndim else 1
    if not 0 <= k <= n:
        raise RuntimeError("selected index k out of range")
    if not input.ndim:
        values, places = apply(operation("clone"), (input,), node="TopkBackward0"), _first()
    else:
        places = apply(operation("first_positions"), (input.detach(),), (
            ("dim", d), ("descending", bool(largest)), ("count", k)))
        values = read("topk_values", input, (places,), ("along", d))
    values, places = into_each(out, (values, places))
    return named("topk", values=values, indices=places)


@method
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> Any:
    """The k-th smallest value (`torch.kthvalue`)."""
    dims = axis_of(input, dim)
    n = input.shape[dims[0]] if dims else 1
    if not 1 <= k <= n:
        raise RuntimeError("kthvalue(): selected number k out of range for dimension " + str(dims[0] if dims else 0))
    if not dims:
        return picked("kthvalue", input, _first(), dims, out)
    places = apply(operation("sorted_positions"), (input.detach(),), (("dim", dims[0]), ("descending", False)))
    return picked("kthvalue", input, _of_row(places.narrow(dims[0], k - 1, 1), dims, keepdim), dims, out)


def _first() -> Any:
    return from_array(np.zeros((), np.int64))


def _of_row(places: Any, dims: shapes.Shape, keepdim: bool) -> Any:
    """Places that an axis of length one was kept of, as a caller wants them."""
    return (places if keepdim else places.squeeze(dims[0])).clone()


def _median(name: str, ignore_nan: bool) -> Callable[..., Any]:
    def median(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
        if input.dtype is dtypes.bool_ and (dim is not None or input.numel()):
            raise NotImplementedError(f"\"median_{'cpu' if dim is None else 'out'}\" not implemented for 'Bool'")
        if dim is None:
            return into(out, one_node(f"{name.capitalize()}Backward0")(_median_of_all)(input, ignore_nan))
        dims = axis_of(input, dim)
        expect_elements(f"{name.removeprefix('nan')}()", input, dims)
        if not dims:
            return picked(name, input, _first(), dims, out)
        places = apply(operation("median_position"), (input.detach(),), (("dim", dims[0]), ("ignore_nan", ignore_nan)))
        return picked(name, input, _of_row(places, dims, keepdim), dims, out)

    median.__name__ = name
    return median


_CONVERTED_NAN = {"bool": 1, "int32": -1 << 31, "int64": -1 << 63}  # what the processor makes of it


def _median_of_all(x: Any, ignore_nan: bool) -> Any:
    """The median of every element; equal ones share its gradient."""
    flat = x.reshape(-1)
    if not flat.numel():
        whole = not x.dtype.is_floating_point
        return x.new_full((), _CONVERTED_NAN.get(x.dtype.name, 0)) if whole else flat.sum() * math.nan
    place = apply(operation("median_position"), (flat.detach(),), (("dim", 0), ("ignore_nan", ignore_nan))).squeeze(0)
    if not differentiated(x):
        return read("median_values", flat, (place,), ("along", 0))
    array = flat.detach()._array()
    value = array[int(place)]
    same = np.flatnonzero(np.isnan(array) if value != value else array == value)
    if len(same) == 1:
        return read("median_values", flat, (place,), ("along", 0))
    return read("median_values", flat, (from_array(same),), ("axes", (0,))).mean()


PUBLIC["median"] = METHODS["median"] = _median("median", False)
PUBLIC["nanmedian"] = METHODS["nanmedian"] = _median("nanmedian", True)


@method
def mode(input: Tensor, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> Any:
    """The most frequent value of each row (`torch.mode`)."""
    dims = axis_of(input, dim)
    expect_elements("mode()", input, dims)
    if not dims:
        return picked("mode", input, _first(), dims, out)
    places = apply(operation("mode_position"), (input.detach(),), (("dim", dims[0]),))
    return picked("mode", input, _of_row(places, dims, keepdim), dims, out)


@method
def unique(input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
           dim: int | None = None) -> Any:
    """Distinct elements, or distinct slices along `dim` (`torch.unique`)."""
    array = input._array()
    if dim is None and not return_inverse and not return_counts:  # np.unique takes three times as long for few elements
        array = np.sort(array, None)
        values = array[np.concatenate(([True], array[1:] != array[:-1]))] if array.size else array
        return _several("_unique2", input, values, None, None)
    if dim is not None:
        dim = shapes.wrap_dim(dim, input.ndim)
        if 0 in input.shape and input.shape[dim] != 0:
            raise RuntimeError("There are 0 sized dimensions, and they aren't selected by `dim`, so unique cannot be "
                               "applied")
        if not input.ndim:
            array, dim = array.reshape(1), 0
    if dim is not None and input.dtype.is_floating_point and np.isnan(array).any():
        values, inverse, counts = _distinct_with_nan(array, dim)
    else:
        values, inverse, counts = np.unique(array, return_inverse=True, return_counts=True, axis=dim, equal_nan=False)
    inverse = inverse.reshape(array.shape if dim is None else -1)
    return _several("_unique2" if dim is None else "unique_dim", input, values, inverse if return_inverse else None,
                    counts if return_counts else None)


def _distinct_with_nan(array: Any, dim: int) -> tuple[Any, Any, Any]:
    """Slices in the order of their first elements of which one is smaller: NaN is beside every number, and no equal."""
    rows = np.moveaxis(array, dim, 0)
    flat = rows.reshape(len(rows), -1)

    def compared(i: int, j: int) -> int:
        less, more = flat[i] < flat[j], flat[i] > flat[j]
        told = np.flatnonzero(less | more)
        return 0 if not told.size else -1 if less[told[0]] else 1

    order = np.array(sorted(range(len(rows)), key=functools.cmp_to_key(compared)))
    fresh = np.concatenate(([True], (flat[order[1:]] != flat[order[:-1]]).any(1)))
    inverse = np.empty(len(rows), np.int64)
    inverse[order] = np.cumsum(fresh) - 1
    return np.moveaxis(rows[order[fresh]], 0, dim), inverse, np.bincount(inverse)


def _several(name: str, input: Tensor, values: Any, inverse: Any, counts: Any) -> Any:
    """Values, and what else was asked for; they come from `input` by a node that refuses its backward."""
    node = "".join(part.capitalize() for part in name.split("_")) + "Backward0"
    distinct = from_array(np.ascontiguousarray(values), input.dtype)
    found = [without_derivative(distinct, node, input, refusal=NotImplementedError(
        f"the derivative for '{name}' is not implemented."))]
    if inverse is not None:
        found.append(from_array(np.asarray(inverse, np.int64, order="C")))
    if counts is not None:
        found.append(from_array(counts.astype(np.int64)))
    return found[0] if len(found) == 1 else tuple(found)


@method
def unique_consecutive(input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
                       ) -> Any:
    """The first of each run of equal elements, or equal slices (`torch.unique_consecutive`)."""
    array, dim = input._array(), dim if dim is None else shapes.wrap_dim(dim, input.ndim)
    rows = array.reshape(-1, 1) if dim is None else np.moveaxis(np.atleast_1d(array), dim, 0)
    n = len(rows)
    starts = np.ones(n, bool)
    if n > 1:
        starts[1:] = (rows[1:] != rows[:-1]).reshape(n - 1, -1).any(1)
    places = np.flatnonzero(starts)
    values = array.reshape(-1)[places] if dim is None else np.moveaxis(rows[places], 0, dim)
    inverse = np.cumsum(starts) - 1
    counts = np.diff(np.append(places, n))
    return _several("unique_consecutive", input, values,
                    inverse.reshape(array.shape if dim is None else -1) if return_inverse else None,
                    counts if return_counts else None)
