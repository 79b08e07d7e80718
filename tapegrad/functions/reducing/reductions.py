"""Reductions: extremes, sums, products, moments, norms; softmax."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tapegrad import dispatch, dtypes, fallbacks, shapes
from tapegrad.dispatch import apply
from tapegrad.functions.common import (
    METHODS,
    PUBLIC,
    expect_tensor,
    into,
    into_each,
    kind_name,
    method,
    named,
    operation,
    overrides,
    warn,
)
from tapegrad.functions.indexing.subscripts import read
from tapegrad.functions.several_outputs import one_node
from tapegrad.signatures import Ints, Number
from tapegrad.tensor import Tensor


def _axes(dim: Any, ndim: int) -> shapes.Shape:
    """Distinct axes, all of them for None and for ()."""
    return shapes.wrap_dims(dim, ndim)


def axis_of(x: Any, dim: Any) -> shapes.Shape:
    return (shapes.wrap_dim(dim, x.ndim),)[:x.ndim]


def _reduce(name: str, x: Any, dims: shapes.Shape, keepdim: bool = False, **more: Any) -> Any:
    shapes.check_rank(x.ndim)
    given = (("dim", dims), ("keepdim", bool(keepdim)), *more.items())
    return apply(operation(name), (x,), given)


# ---------------------------------------------------------------- extremes


def expect_elements(name: str, x: Any, dims: shapes.Shape) -> None:
    for d in dims:
        if x.shape[d] == 0:
            raise IndexError(f"{name}: Expected reduction dim {d} to have non-zero size.")


def _extreme(name: str, argument: str) -> Callable[..., Any]:
    """max and min: over everything, of two tensors, or with positions along `dim`."""

    def extreme(input: Tensor, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        other = kwargs.pop("other", args[0] if args and isinstance(args[0], Tensor) else None)
        if other is not None:
            return into(out, apply(operation(name + "imum"), (input, other)))
        if not args and "dim" not in kwargs:
            if 0 in input.shape:
                raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify "
                                   "the reduction dim with the 'dim' argument.")
            whole = tuple(range(input.ndim))
            found = apply(operation(name), (input,), (("dim", whole), ("keepdim", False)), teach=True)
            return into(out, found)
        dim, keepdim = (*args, *[kwargs[k] for k in ("dim", "keepdim") if k in kwargs], False)[:2]
        dims = axis_of(input, dim)
        expect_elements(f"{name}()", input, dims)
        indices = apply(operation(argument), (input,), (("dim", dims), ("keepdim", bool(keepdim))))
        return picked(name, input, indices, dims, out)

    extreme.__name__ = name
    return extreme


def picked(name: str, x: Any, indices: Any, dims: shapes.Shape, out: Any = None) -> Any:
    """(values, indices) of one element a row; the indices have the axis, of length one, or do not."""
    values = read(f"{name}_values", x, (indices,), ("along", dims[0] if dims else 0))
    values, indices = into_each(out, (values, indices), x)
    return named(name, values=values, indices=indices)


PUBLIC["max"] = METHODS["max"] = _extreme("max", "argmax")
PUBLIC["min"] = METHODS["min"] = _extreme("min", "argmin")


def _argument(name: str) -> None:
    def function(input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: Any = None) -> Any:
        if input.dtype.category == 0:
            raise RuntimeError(f"{name}(): does not support bool input")
        if dim is None and 0 in input.shape:
            raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        dims = tuple(range(input.ndim)) if dim is None else axis_of(input, dim)
        expect_elements(f"{name}()", input, dims)
        found = apply(operation(name), (input,), (("dim", dims), ("keepdim", keepdim)),
                      teach=dim is None and not keepdim)
        return into(out, found)

    fallbacks.set_function(operation(name), function)


_argument("argmax")
_argument("argmin")


@method
@one_node("AminmaxBackward0", 2)
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False, out: Any = None) -> Any:
    """Both extremes (`torch.aminmax`)."""
    dims = tuple(range(input.ndim)) if dim is None else axis_of(input, dim)
    if dim is None and 0 in input.shape:
        raise RuntimeError("aminmax(): cannot compute aminmax over an empty dimension as the operation has no "
                           "identity.")
    expect_elements("aminmax", input, dims)
    least, most = _reduce("amin", input, dims, keepdim), _reduce("amax", input, dims, keepdim)
    least, most = into_each(out, (least, most), exact=True)
    return named("aminmax", min=least, max=most)


# ---------------------------------------------------------------- sums, products, moments


def widened(x: Any, dtype: Any) -> Any:
    """An operand in the asked-for dtype; whole numbers otherwise become int64."""
    if dtype is not None:
        return x.to(dtype)
    return x if x.dtype.is_floating_point else x.to(dtypes.int64)


@overrides("prod")
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None, out: Any = None) -> Any:
    dtype = out.dtype if dtype is None and out is not None else dtype
    if dtype is dtypes.bool_:
        return into(out, input.ne(0).all() if dim is None else input.ne(0).all(dim, keepdim))
    x = widened(input, dtype)
    plain = dim is None and dtype is None and not keepdim
    dims = tuple(range(x.ndim)) if dim is None else axis_of(x, dim)
    found = apply(operation("prod"), (x,), fallbacks.axes_of(
        operation("prod"), dispatch.layout_of(x), dims, keepdim, dim), teach=plain)
    return into(out, found if dtype is None or found.dtype is dtype else found.to(dtype))


@overrides("count_nonzero")
def count_nonzero(input: Tensor, dim: Ints | None = None) -> Any:
    return _reduce("count_nonzero", input, _axes(dim, input.ndim))


@method
def nanmean(input: Tensor, dim: Ints | None = None, keepdim: bool = False, *, dtype: Any = None,
            out: Any = None) -> Any:
    """The mean of what is not NaN (`torch.nanmean`)."""
    if not input.dtype.is_floating_point:
        raise RuntimeError("nanmean(): expected input to have floating point or complex dtype but got "
                           f"{kind_name(input)}")
    total = _nansum(input, dim, keepdim, dtype=dtype)
    count = (~input.isnan()).sum(dim, keepdim)
    return into(out, total / count)


def _nansum(x: Any, dim: Any, keepdim: bool, dtype: Any = None) -> Any:
    return _reduce("nansum", x if dtype is None else x.to(dtype), _axes(dim, x.ndim), keepdim)


def _moment_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, bool]:
    """(dim, correction, keepdim) from the two signatures: (unbiased) or (dim, unbiased, keepdim), and correction=."""
    given = dict(kwargs)
    names = ("unbiased",) if args and isinstance(args[0], bool) else ("dim", "unbiased", "keepdim")
    given.update(zip(names, args))
    correction = given.get("correction")
    if correction is None:
        correction = 1 if given.get("unbiased", True) else 0
    return given.get("dim", given.get("axis")), correction, bool(given.get("keepdim", False))


def _moment(name: str, with_mean: bool) -> Callable[..., Any]:
    def moment(input: Tensor, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        if not input.dtype.is_floating_point:
            named_so = name if with_mean else "std and var"
            raise RuntimeError(f"{named_so} only support floating point and complex dtypes")
        dim, correction, keepdim = _moment_arguments(args, kwargs)
        dims = _axes(dim, input.ndim)
        if math.prod(input.shape[d] for d in dims) <= correction:
            warn(f"{moment.__name__}(): degrees of freedom is <= 0. Correction should be strictly less than the "
                 "reduction factor (input numel divided by output numel).")
        found = _reduce(name, input, dims, keepdim, correction=float(correction))
        if not with_mean:
            return into(out, found)
        return found, _reduce("mean", input, dims, keepdim)

    moment.__name__ = name + "_mean" * with_mean
    return moment


for _name in ("var", "std"):
    fallbacks.set_function(operation(_name), _moment(_name, False))
    PUBLIC[_name] = METHODS[_name] = _moment(_name, False)
    PUBLIC[_name + "_mean"] = METHODS[_name + "_mean"] = one_node(f"{_name.capitalize()}MeanBackward0", 2)(
        _moment(_name, True))


def vector_norm(x: Any, ord: float = 2, dim: Ints | None = None, keepdim: bool = False, *, dtype: Any = None,
                out: Any = None) -> Any:
    """The p-norm of rows (`torch.linalg.vector_norm`)."""
    expect_tensor("linalg.vector_norm", x)
    if dtype is not None:
        x = x.to(dtype)
    if not x.dtype.is_floating_point:
        raise RuntimeError("linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
                           f"{kind_name(x)}")
    dims = _axes(dim, x.ndim)
    ord = float(ord)
    if ord and all(x.shape[d] == 1 for d in dims):  # a power may overflow
        ord = 1.0
    if (ord < 0 or math.isinf(ord)) and any(x.shape[d] == 0 for d in dims):
        raise RuntimeError(f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor because the operation "
                           "does not have an identity")
    return into(out, _reduce("vector_norm", x, dims, keepdim, ord=ord))


@method
@one_node("DistBackward0", 1)
def dist(input: Tensor, other: Tensor, p: Number = 2) -> Any:
    """The norm of a difference (`torch.dist`)."""
    return vector_norm(input - other, p)


@method
@one_node("TraceBackward0", 1)
def trace(input: Tensor) -> Any:
    """The sum of a matrix's diagonal (`torch.trace`)."""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return input.diagonal().sum()


@method
def sum_to_size(self: Any, *size: Any) -> Any:
    """Summed to a shape that broadcasts to this one (`torch.Tensor.sum_to_size`)."""
    from tapegrad.tensor import shape_of

    shape = shape_of(size)
    missing = self.ndim - len(shape)
    if not shape:
        return self.sum()
    if missing < 0 or any(n not in (1, m) for n, m in zip(shape, self.shape[missing:])):
        raise RuntimeError(f"size {{{list(shape)}}} is not expandable to size {{{list(self.shape)}}}.")
    dims = [d for d in range(self.ndim) if d < missing or (shape[d - missing] == 1 and self.shape[d] != 1)]
    if not dims:
        return self
    found = self.sum(dims, keepdim=True)
    return found.reshape(shape) if missing else found


# ---------------------------------------------------------------- softmax


def _softmax(name: str) -> None:
    def function(input: Tensor, dim: int | None = None, dtype: Any = None, _stacklevel: int = 3) -> Any:
        if dim is None:
            raise TypeError(f"{name}() missing 1 required positional arguments: \"dim\"")
        if dtype is not None:
            input = input.to(dtype)
        axis = axis_of(input, dim)
        if not input.dtype.is_floating_point:
            raise NotImplementedError(f'"{name}_lastdim_kernel_impl" not implemented for \'{kind_name(input)}\'')
        return apply(operation(name), (input,), (("dim", axis),))

    fallbacks.set_function(operation(name), function)


_softmax("softmax")
_softmax("log_softmax")
