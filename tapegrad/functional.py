"""PyTorch's functions: those that are operations, and those composed of them.

`METHODS` lists what is a method of `Tensor` too. An operation with nothing to decide but its operands needs no line
here: the registry's own function serves.
"""
from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import dispatch, shapes
from tapegrad.dispatch import apply, apply_inplace, apply_view, layout_of
from tapegrad.machine.live import layouts, machine, planner
from tapegrad.ops.spec import REGISTRY
from tapegrad.tensor import Tensor, shape_of

METHODS: dict[str, Callable[..., Any]] = {}


def method(function: Callable[..., Any]) -> Callable[..., Any]:
    """Offer a function as a method of its first argument as well."""
    METHODS[function.__name__] = function
    return function


def _op(name: str) -> Any:
    return REGISTRY[name]


def overrides(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a function the Python side of an operation, instead of the one derived from its kind."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        dispatch.set_function(_op(name), function)
        return function

    return register


def expect_tensor(name: str, x: Any, argument: str = "input", position: int = 1) -> None:
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}(): argument '{argument}' (position {position}) must be Tensor, not {type(x).__name__}")


# ---------------------------------------------------------------- arithmetic with a factor


def _scaled(name: str) -> None:
    """add and sub: `x + alpha * y`."""

    def out_of_place(input: Any, other: Any, *, alpha: Any = 1, out: Any = None) -> Any:
        expect = input if isinstance(input, Tensor) else other
        expect_tensor(name, expect)
        if alpha != 1:
            other = other * alpha
        result = apply(_op(name), (input, other), teach=True)
        return result if out is None else dispatch.into(out, result)

    def in_place(self: Any, other: Any, *, alpha: Any = 1) -> Any:
        return apply_inplace(_op(name + "_"), (self, other * alpha if alpha != 1 else other), teach=True)

    dispatch.set_function(_op(name), out_of_place)
    dispatch.set_function(_op(name + "_"), in_place)


_scaled("add")
_scaled("sub")


@overrides("div")
def div(input: Any, other: Any, *, rounding_mode: str | None = None, out: Any = None) -> Any:
    if rounding_mode is None:
        result = apply(_op("div"), (input, other), teach=True)
    elif rounding_mode == "floor":
        result = apply(_op("floor_divide"), (input, other))
    elif rounding_mode == "trunc":
        result = apply(_op("trunc_divide"), (input, other))
    else:
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    return result if out is None else dispatch.into(out, result)


@overrides("pow")
def pow(input: Any, exponent: Any, *, out: Any = None) -> Any:
    if isinstance(exponent, (int, np.integer)) and exponent < 0 and isinstance(input, Tensor) \
            and not input.dtype.is_floating_point:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    result = apply(_op("pow"), (input, exponent), teach=True)
    return result if out is None else dispatch.into(out, result)


# ---------------------------------------------------------------- where, clamp


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """Elements of `input` where `condition` holds, of `other` elsewhere (`torch.where`)."""
    expect_tensor("where", condition, "condition")
    if input is None and other is None:
        return tuple(_from_numpy(i) for i in np.nonzero(condition._array()))
    if condition.dtype.name not in ("bool", "uint8"):
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype "
                           f"{planner.name_of(condition.dtype)}")
    return apply(_op("where"), (condition, input, other), teach=True)


def _where_method(self: Tensor, condition: Any, other: Any) -> Any:
    return where(condition, self, other)


METHODS["where"] = _where_method


def _clamped(suffix: str, run: Callable[..., Any]) -> Callable[..., Any]:
    def clamp(input: Any, min: Any = None, max: Any = None, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        if min is None and max is None:
            raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
        if max is None:
            result = run(_op("clamp_min" + suffix), (input, min))
        elif min is None:
            result = run(_op("clamp_max" + suffix), (input, max))
        else:
            result = run(_op("clamp" + suffix), (input, min, max))
        return result if out is None else dispatch.into(out, result)

    return clamp


clamp = _clamped("", apply)
METHODS["clamp"] = METHODS["clip"] = clamp
METHODS["clamp_"] = METHODS["clip_"] = _clamped("_", apply_inplace)


# ---------------------------------------------------------------- reductions


def _extreme(name: str, argument: str) -> Callable[..., Any]:
    """max and min: over everything, of two tensors, or with positions along `dim`."""

    def extreme(input: Any, *args: Any, **kwargs: Any) -> Any:
        expect_tensor(name, input)
        other = kwargs.pop("other", args[0] if args and isinstance(args[0], Tensor) else None)
        if other is not None:
            return apply(_op(name + "imum"), (input, other))
        if not args and "dim" not in kwargs:
            if 0 in input.shape:
                raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify "
                                   "the reduction dim with the 'dim' argument.")
            return apply(_op(name), (input,), (("dim", tuple(range(input.ndim))), ("keepdim", False)), teach=True)
        dim, keepdim = (*args, *[kwargs[k] for k in ("dim", "keepdim") if k in kwargs], False)[:2]
        indices = apply(_op(argument), (input,), (("dim", (shapes.wrap_dim(dim, input.ndim),)[:input.ndim]),
                                                  ("keepdim", True)))
        values = apply(_op("pick"), (input, indices), (("dim", shapes.wrap_dim(dim, input.ndim)),
                                                       ("named", name))) if input.ndim else input.clone()
        if not keepdim and input.ndim:
            values, indices = values.squeeze(dim), indices.squeeze(dim)
        return _named(name, values, indices)

    extreme.__name__ = name
    return extreme


def _named(name: str, values: Any, indices: Any) -> Any:
    from collections import namedtuple

    return namedtuple(name, ("values", "indices"))(values, indices)


def _argument(name: str) -> None:
    def function(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
        expect_tensor(name, input)
        if dim is None and 0 in input.shape:
            raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        dims = tuple(range(input.ndim)) if dim is None else (shapes.wrap_dim(dim, input.ndim),)[:input.ndim]
        return apply(_op(name), (input,), (("dim", dims), ("keepdim", keepdim)), teach=dim is None and not keepdim)

    dispatch.set_function(_op(name), function)


_argument("argmax")
_argument("argmin")


def _softmax(name: str) -> None:
    def function(input: Any, dim: Any = None, dtype: Any = None, _stacklevel: int = 3) -> Any:
        expect_tensor(name, input)
        if dim is None:
            raise TypeError(f"{name}() missing 1 required positional arguments: \"dim\"")
        if dtype is not None:
            input = input.to(dtype)
        if not input.dtype.is_floating_point:
            raise RuntimeError(f'"{name}_lastdim_kernel_impl" not implemented for \'{planner.name_of(input.dtype)}\'')
        return apply(_op(name), (input,), (("dim", (shapes.wrap_dim(dim, input.ndim),)[:input.ndim]),))

    dispatch.set_function(_op(name), function)


_softmax("softmax")
_softmax("log_softmax")


def mse_loss(input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean") -> Any:
    """The mean squared difference (`torch.nn.functional.mse_loss`)."""
    if tuple(input.shape) != tuple(target.shape):
        input, target = broadcast_tensors(input, target)
    if reduction == "mean":
        return apply(_op("mse_loss"), (input, target), (("dim", tuple(range(input.ndim))),))
    if reduction not in ("none", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    squared = (input - target) ** 2
    return squared if reduction == "none" else squared.sum()


# ---------------------------------------------------------------- views


@method
def view(self: Any, *size: Any) -> Any:
    """The same memory in another shape (`torch.Tensor.view`)."""
    layout = layout_of(self)
    return apply_view(_op("view"), self, (("size", shapes.infer_size(shape_of(size), layout.numel)),))


@method
def reshape(input: Any, *shape: Any) -> Any:
    """The same elements in another shape; a view where it can be (`torch.reshape`)."""
    layout = layout_of(input)
    size = shapes.infer_size(shape_of(shape), layout.numel)
    if shapes.view_strides(layout.shape, layout.strides, size) is None:
        return apply_view(_op("unsafe_view"), input.contiguous(), (("size", size),))
    return apply_view(_op("view"), input, (("size", size),))


@method
def view_as(self: Any, other: Any) -> Any:
    return view(self, *other.shape)


@method
def reshape_as(self: Any, other: Any) -> Any:
    return reshape(self, *other.shape)


@method
def contiguous(self: Any) -> Any:
    """Itself if row-major, else a row-major copy (`torch.Tensor.contiguous`)."""
    layout = layout_of(self)
    return self if layout.contiguous else apply(_op("contiguous"), (self,))


@method
def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """Two axes swapped (`torch.transpose`)."""
    n = input.ndim
    return apply_view(_op("transpose"), input, (("dim0", shapes.wrap_dim(dim0, n)), ("dim1", shapes.wrap_dim(dim1, n))))


@method
def t(input: Any) -> Any:
    """A matrix transposed (`torch.t`)."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return apply_view(_op("t"), input, (("dim0", 0), ("dim1", max(input.ndim - 1, 0))))


@method
def permute(input: Any, *dims: Any) -> Any:
    """Axes in another order (`torch.permute`)."""
    order = shape_of(dims)
    if len(order) != input.ndim:
        raise RuntimeError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {input.ndim} is not equal to len(dims) = {len(order)}"
        )
    wrapped = tuple(shapes.wrap_dim(d, input.ndim) for d in order)
    if len(set(wrapped)) != len(wrapped):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return apply_view(_op("permute"), input, (("dims", wrapped),))


@method
def expand(self: Any, *sizes: Any) -> Any:
    """Axes of size one repeated without copying (`torch.Tensor.expand`)."""
    wanted, have = shape_of(sizes), tuple(self.shape)
    if len(wanted) < len(have):
        raise RuntimeError(
            f"expand({self.type()}{{{list(have)}}}, size={list(wanted)}): the number of sizes provided "
            f"({len(wanted)}) must be greater or equal to the number of dimensions in the tensor ({len(have)})"
        )
    missing = len(wanted) - len(have)
    size = []
    for d, n in enumerate(wanted):
        own = have[d - missing] if d >= missing else 1
        if n == -1:
            if d < missing:
                raise RuntimeError(f"expand: the requested shape has -1 in a leading, non-existing dimension {d}")
            n = own
        elif own not in (1, n):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({own}) at non-singleton dimension "
                f"{d}.  Target sizes: {list(wanted)}.  Tensor sizes: {list(have)}"
            )
        size.append(n)
    return apply_view(_op("expand"), self, (("size", tuple(size)),))


@method
def expand_as(self: Any, other: Any) -> Any:
    return expand(self, *other.shape)


@method
def unsqueeze(input: Any, dim: int) -> Any:
    """An axis of size one put in (`torch.unsqueeze`)."""
    return apply_view(_op("unsqueeze"), input, (("dim", shapes.wrap_dim(dim, input.ndim + 1)),))


@method
def squeeze(input: Any, dim: Any = None) -> Any:
    """Axes of size one left out (`torch.squeeze`)."""
    if dim is None:
        dims = tuple(d for d, n in enumerate(input.shape) if n == 1)
        return apply_view(_op("squeeze_all"), input, (("dim", dims),))
    dims = tuple(d for d in shapes.wrap_dims(dim, input.ndim) if input.shape[d] == 1) if dim != () else ()
    return apply_view(_op("squeeze"), input, (("dim", dims),))


@method
def select(input: Any, dim: int, index: int) -> Any:
    """One position along an axis, which goes away (`torch.select`)."""
    if not input.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim, n = shapes.wrap_dim(dim, input.ndim), input.shape[shapes.wrap_dim(dim, input.ndim)]
    if not -n <= index < n:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension "
                         f"{dim}")
    return apply_view(_op("select"), input, (("dim", dim), ("index", index % n)))


@method
def narrow(input: Any, dim: int, start: Any, length: int) -> Any:
    """A stretch along an axis (`torch.narrow`)."""
    dim = shapes.wrap_dim(dim, input.ndim)
    n, start = input.shape[dim], operator.index(start)
    if not -n <= start <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {start})")
    start += n if start < 0 else 0
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if start + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return slice_(input, dim, start, start + length)


def slice_(input: Any, dim: int, start: int, end: int, step: int = 1) -> Any:
    return apply_view(_op("slice"), input, (("dim", dim), ("start", start), ("end", max(end, start)), ("step", step)))


@method
def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """The slices along an axis (`torch.unbind`)."""
    dim = shapes.wrap_dim(dim, input.ndim)
    if not input.ndim:
        raise RuntimeError("Dimension specified as 0 but tensor has no dimensions")
    op = _op("unbind")
    return tuple(apply_view(op, input, (("dim", dim), ("index", i))) for i in range(input.shape[dim]))


@method
def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Pieces of equal or given lengths along an axis (`torch.split`)."""
    dim = shapes.wrap_dim(dim, tensor.ndim)
    n = tensor.shape[dim]
    if isinstance(split_size_or_sections, int):
        size = split_size_or_sections
        if size < 0 or (size == 0 and n):
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
        lengths = [min(size, n - i) for i in range(0, n, size)] if n else [0]
    else:
        lengths = list(split_size_or_sections)
        if builtins_sum(lengths) != n:
            raise RuntimeError(f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at "
                               f"dimension {dim}), but got split_sizes={lengths}")
    out, start = [], 0
    for length in lengths:
        out.append(apply_view(_op("split"), tensor, (("dim", dim), ("start", start), ("end", start + length),
                                                     ("step", 1))))
        start += length
    return tuple(out)


builtins_sum = sum


@method
def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """At most `chunks` pieces of equal length (`torch.chunk`)."""
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = input.shape[shapes.wrap_dim(dim, input.ndim)]
    return split(input, -(-n // chunks) if n else [0] * chunks, dim)


@method
def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Neighbouring axes merged (`torch.flatten`)."""
    if not input.ndim:
        return reshape(input, 1)
    first, last = shapes.wrap_dim(start_dim, input.ndim), shapes.wrap_dim(end_dim, input.ndim)
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if first == last:
        return input
    shape = tuple(input.shape)
    return reshape(input, *shape[:first], math.prod(shape[first:last + 1]), *shape[last + 1:])


@method
def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The diagonal of two axes as the last axis (`torch.diagonal`)."""
    d1, d2 = shapes.wrap_dim(dim1, input.ndim), shapes.wrap_dim(dim2, input.ndim)
    if d1 == d2:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return apply_view(_op("diagonal"), input, (("offset", offset), ("dim1", d1), ("dim2", d2)))


def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """Tensors expanded to their common shape (`torch.broadcast_tensors`)."""
    shape = shapes.broadcast(tuple(x.shape) for x in tensors)
    return tuple(expand(x, *shape) for x in tensors)


@method
def broadcast_to(input: Any, size: Any) -> Any:
    return expand(input, *size)


@method
def alias(input: Any) -> Any:
    return apply_view(_op("alias"), input, ())


# ---------------------------------------------------------------- indexing


def _from_numpy(array: np.ndarray[Any, Any]) -> Any:
    from tapegrad import creation

    return creation.from_array(np.ascontiguousarray(array))


def basic_index(x: Any, index: Any) -> Any:
    """Index with integers, slices, None and `...`: a chain of views."""
    items = index if isinstance(index, tuple) else (index,)
    used = builtins_sum(1 for i in items if i is not None and i is not Ellipsis)
    if used > x.ndim:
        raise IndexError(f"too many indices for tensor of dimension {x.ndim}")
    dim = 0
    start = x
    for item in items:
        if item is Ellipsis:
            dim += x.ndim - (dim + builtins_sum(1 for i in items[items.index(Ellipsis) + 1:] if i is not None))
        elif item is None:
            x = unsqueeze(x, dim)
            dim += 1
        elif isinstance(item, slice):
            n = x.shape[dim]
            if item.step is not None and item.step <= 0:
                raise ValueError("step must be greater than zero")
            first, last, step = item.indices(n)
            if (first, last, step) != (0, n, 1):
                x = slice_(x, dim, first, max(first, last), step)
            dim += 1
        else:
            i, n = operator.index(item), x.shape[dim]
            if not -n <= i < n:
                raise IndexError(f"index {i} is out of bounds for dimension {dim} with size {n}")
            x = apply_view(_op("select"), x, (("dim", dim), ("index", i % n)))
    return alias(x) if x is start else x


def _is_basic(index: Any) -> bool:
    items = index if isinstance(index, tuple) else (index,)
    for item in items:
        if item is None or item is Ellipsis or isinstance(item, slice):
            continue
        if isinstance(item, (bool, np.bool_)):
            return False
        if isinstance(item, (int, np.integer)):
            continue
        if isinstance(item, Tensor) and item.ndim == 0 and item.dtype.category == 1:
            continue
        return False
    return True


def getitem(self: Any, index: Any) -> Any:
    if type(index) is int and self.ndim:
        n = self.shape[0]
        if not -n <= index < n:
            raise IndexError(f"index {index} is out of bounds for dimension 0 with size {n}")
        return apply_view(_op("select"), self, (("dim", 0), ("index", index % n)))
    if _is_basic(index):
        if not self.ndim and isinstance(index, int):
            raise IndexError("invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in "
                             "C++ to convert a 0-dim tensor to a number")
        return basic_index(self, index)
    raise NotImplementedError("indexing with tensors, lists and masks is not supported yet")


def setitem(self: Any, index: Any, value: Any) -> None:
    if not _is_basic(index):
        raise NotImplementedError("indexing with tensors, lists and masks is not supported yet")
    target = basic_index(self, index)
    if isinstance(value, (list, np.ndarray)):
        value = target.new_tensor(value)
    if isinstance(value, Tensor):
        while value.ndim > target.ndim and value.shape[0] == 1:
            value = value.squeeze(0)
    target.copy_(value)


METHODS["__getitem__"], METHODS["__setitem__"] = getitem, setitem


# ---------------------------------------------------------------- joining


def cat(tensors: Sequence[Any], dim: int = 0, *, out: Any = None) -> Any:
    """Tensors one after another along an axis (`torch.cat`)."""
    if isinstance(tensors, Tensor) or not isinstance(tensors, Sequence):
        raise TypeError("cat(): argument 'tensors' (position 1) must be tuple of Tensors, not "
                        f"{type(tensors).__name__}")
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for i, x in enumerate(tensors):
        expect_tensor("cat", x, "tensors", 1)
        if not x.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    kept = [x for x in tensors if tuple(x.shape) != (0,)] or list(tensors[:1])
    first = tuple(kept[0].shape)
    dim = shapes.wrap_dim(dim, len(first))
    for x in kept:
        if x.ndim != len(first):
            raise RuntimeError(f"Tensors must have same number of dimensions: got {len(first)} and {x.ndim}")
        for d, (n, m) in enumerate(zip(first, x.shape)):
            if d != dim and n != m:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {n} but got size {m} for "
                    f"tensor number {tensors.index(x) if False else kept.index(x) if len(kept) < 2 else 1} in the list."
                )
    result = apply(_op("cat"), kept, (("dim", dim),))
    return result if out is None else dispatch.into(out, result)


concat = concatenate = cat


def stack(tensors: Sequence[Any], dim: int = 0, *, out: Any = None) -> Any:
    """Tensors of one shape along a new axis (`torch.stack`)."""
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = tensors[0].shape
    for i, x in enumerate(tensors):
        if x.shape != shape:
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                               f"{list(x.shape)} at entry {i}")
    dim = shapes.wrap_dim(dim, len(shape) + 1)
    return cat([unsqueeze(x, dim) for x in tensors], dim, out=out)


# ---------------------------------------------------------------- matrix products


def _same_dtype(name: str, a: Any, b: Any) -> None:
    if a.dtype is not b.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {_c_name(a)} != {_c_name(b)}")


def _c_name(x: Any) -> str:
    return {"float32": "float", "float64": "double", "int64": "long long", "int32": "int"}.get(x.dtype.name, x.dtype.name)


@overrides("mm")
def mm(input: Any, mat2: Any, *, out: Any = None) -> Any:
    expect_tensor("mm", input)
    expect_tensor("mm", mat2, "mat2", 2)
    if input.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if mat2.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    if input.shape[1] != mat2.shape[0]:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({input.shape[0]}x{input.shape[1]} and "
                           f"{mat2.shape[0]}x{mat2.shape[1]})")
    _same_dtype("mm", input, mat2)
    result = apply(_op("mm"), (input, mat2), teach=True)
    return result if out is None else dispatch.into(out, result)


@overrides("bmm")
def bmm(input: Any, mat2: Any, *, out: Any = None) -> Any:
    expect_tensor("bmm", input)
    if input.ndim != 3 or mat2.ndim != 3:
        raise RuntimeError(f"batch{1 if input.ndim != 3 else 2} must be a 3D tensor")
    if input.shape[0] != mat2.shape[0] or input.shape[2] != mat2.shape[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{input.shape[0]}, {input.shape[2]}] but "
            f"got: [{mat2.shape[0]}, {mat2.shape[1]}]."
        )
    _same_dtype("bmm", input, mat2)
    result = apply(_op("bmm"), (input, mat2), teach=True)
    return result if out is None else dispatch.into(out, result)


@overrides("mv")
def mv(input: Any, vec: Any, *, out: Any = None) -> Any:
    expect_tensor("mv", input)
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {vec.ndim}, {input.ndim}, {vec.ndim}")
    if input.shape[1] != vec.shape[0]:
        raise RuntimeError(f"size mismatch, got input ({input.shape[0]}), mat ({input.shape[0]}x{input.shape[1]}), vec "
                           f"({vec.shape[0]})")
    _same_dtype("mv", input, vec)
    result = apply(_op("mv"), (input, vec), teach=True)
    return result if out is None else dispatch.into(out, result)


@method
def dot(input: Any, tensor: Any, *, out: Any = None) -> Any:
    """The sum of products of two vectors (`torch.dot`)."""
    expect_tensor("dot", input)
    expect_tensor("dot", tensor, "tensor", 2)
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    if input.dtype is not tensor.dtype:
        raise RuntimeError(f"dot : expected both vectors to have same dtype, but found {planner.name_of(input.dtype)} "
                           f"and {planner.name_of(tensor.dtype)}")
    if input.shape != tensor.shape:
        raise RuntimeError(f"inconsistent tensor size, expected tensor [{input.shape[0]}] and src [{tensor.shape[0]}] "
                           "to have the same number of elements, but got "
                           f"{input.shape[0]} and {tensor.shape[0]} elements respectively")
    result = apply(_op("dot"), (input, tensor), (("dim", (0,)), ("keepdim", False)))
    return result if out is None else dispatch.into(out, result)


@method
def matmul(input: Any, other: Any, *, out: Any = None) -> Any:
    """The matrix product of the last two axes, batches broadcast (`torch.matmul`)."""
    expect_tensor("matmul", input)
    expect_tensor("matmul", other, "other", 2)
    result = _matmul(input, other)
    return result if out is None else dispatch.into(out, result)


def _matmul(a: Any, b: Any) -> Any:
    if not a.ndim or not b.ndim:
        raise RuntimeError("both arguments to matmul need to be at least 1D, but they are "
                           f"{a.ndim}D and {b.ndim}D")
    if a.ndim == 1 and b.ndim == 1:
        return dot(a, b)
    if a.ndim == 2 and b.ndim == 2:
        return mm(a, b)
    if a.ndim == 2 and b.ndim == 1:
        return mv(a, b)
    if a.ndim == 1:
        return _matmul(a.unsqueeze(0), b).squeeze(-2)
    if b.ndim == 1:
        return _matmul(a, b.unsqueeze(-1)).squeeze(-1)
    if b.ndim == 2:  # one product of all batches at once
        flat = mm(reshape(a, -1, a.shape[-1]) if a.numel() else reshape(a, math.prod(a.shape[:-1]), a.shape[-1]), b)
        return apply_view(_op("unsafe_view"), flat, (("size", (*a.shape[:-1], b.shape[-1])),))
    batch = shapes.broadcast((tuple(a.shape[:-2]), tuple(b.shape[:-2])))
    n = math.prod(batch)
    left = reshape(expand(a, *batch, *a.shape[-2:]), n, *a.shape[-2:])
    right = reshape(expand(b, *batch, *b.shape[-2:]), n, *b.shape[-2:])
    product = bmm(left, right)
    if len(batch) == 1:
        return product
    return apply_view(_op("unsafe_view"), product, (("size", (*batch, a.shape[-2], b.shape[-1])),))


def _matmul_operator(self: Any, other: Any) -> Any:
    return matmul(self, other) if isinstance(other, Tensor) else NotImplemented


METHODS["__matmul__"] = _matmul_operator


# ---------------------------------------------------------------- attached to Tensor


def _attach() -> None:
    for name, function in METHODS.items():
        setattr(Tensor, name, function)
    for name in ("T", "mT", "H"):
        setattr(Tensor, name, property(_TRANSPOSES[name]))
    Tensor.max = _extreme("max", "argmax")  # type: ignore[attr-defined]
    Tensor.min = _extreme("min", "argmin")  # type: ignore[attr-defined]


def _mT(self: Any) -> Any:
    if self.ndim < 2:
        raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor.")
    return transpose(self, -2, -1)


def _T(self: Any) -> Any:
    return permute(self, *range(self.ndim - 1, -1, -1))


_TRANSPOSES = {"T": _T, "mT": _mT, "H": _mT}
_attach()
max, min = Tensor.max, Tensor.min  # type: ignore[attr-defined]
assert machine is not None and layouts is not None
