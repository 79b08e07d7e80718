"""Functions that change how a tensor is read: views, and copies where a view cannot be."""
from __future__ import annotations

import math
import operator
from typing import Any

from tapegrad import shapes
from tapegrad.dispatch import apply, apply_view, layout_of
from tapegrad.functions.common import METHODS, method, operation, public
from tapegrad.tensor import shape_of


@method
def view(self: Any, *size: Any) -> Any:
    """The same memory in another shape (`torch.Tensor.view`)."""
    layout = layout_of(self)
    return apply_view(operation("view"), self, (("size", shapes.infer_size(shape_of(size), layout.numel)),))


@method
def reshape(input: Any, *shape: Any) -> Any:
    """The same elements in another shape; a view where it can be (`torch.reshape`)."""
    layout = layout_of(input)
    size = shapes.infer_size(shape_of(shape), layout.numel)
    if shapes.view_strides(layout.shape, layout.strides, size) is None:
        return apply_view(operation("unsafe_view"), input.contiguous(), (("size", size),))
    return apply_view(operation("view"), input, (("size", size),))


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
    return self if layout.contiguous else apply(operation("contiguous"), (self,))


@method
def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """Two axes swapped (`torch.transpose`)."""
    first, second = shapes.wrap_dim(dim0, input.ndim), shapes.wrap_dim(dim1, input.ndim)
    return apply_view(operation("transpose"), input, (("dim0", first), ("dim1", second)))


@method
def t(input: Any) -> Any:
    """A matrix transposed (`torch.t`)."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return apply_view(operation("t"), input, (("dim0", 0), ("dim1", max(input.ndim - 1, 0))))


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
    return apply_view(operation("permute"), input, (("dims", wrapped),))


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
                f"The expanded size of the tensor ({n}) must match the existing size ({own}) at non-singleton "
                f"dimension {d}.  Target sizes: {list(wanted)}.  Tensor sizes: {list(have)}"
            )
        size.append(n)
    return apply_view(operation("expand"), self, (("size", tuple(size)),))


@method
def expand_as(self: Any, other: Any) -> Any:
    return expand(self, *other.shape)


@method
def unsqueeze(input: Any, dim: int) -> Any:
    """An axis of size one put in (`torch.unsqueeze`)."""
    return apply_view(operation("unsqueeze"), input, (("dim", shapes.wrap_dim(dim, input.ndim + 1)),))


@method
def squeeze(input: Any, dim: Any = None) -> Any:
    """Axes of size one left out (`torch.squeeze`)."""
    if dim is None:
        dims = tuple(d for d, n in enumerate(input.shape) if n == 1)
        return apply_view(operation("squeeze_all"), input, (("dim", dims),))
    dims = tuple(d for d in shapes.wrap_dims(dim, input.ndim) if input.shape[d] == 1) if dim != () else ()
    return apply_view(operation("squeeze"), input, (("dim", dims),))


@method
def select(input: Any, dim: int, index: int) -> Any:
    """One position along an axis, which goes away (`torch.select`)."""
    if not input.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim, n = shapes.wrap_dim(dim, input.ndim), input.shape[shapes.wrap_dim(dim, input.ndim)]
    if not -n <= index < n:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension "
                         f"{dim}")
    return apply_view(operation("select"), input, (("dim", dim), ("index", index % n)))


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
    end = max(end, start)
    return apply_view(operation("slice"), input, (("dim", dim), ("start", start), ("end", end), ("step", step)))


@method
def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """The slices along an axis (`torch.unbind`)."""
    dim = shapes.wrap_dim(dim, input.ndim)
    if not input.ndim:
        raise RuntimeError("Dimension specified as 0 but tensor has no dimensions")
    op = operation("unbind")
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
        if sum(lengths) != n:
            raise RuntimeError(f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at "
                               f"dimension {dim}), but got split_sizes={lengths}")
    out, start = [], 0
    for length in lengths:
        out.append(apply_view(operation("split"), tensor, (("dim", dim), ("start", start), ("end", start + length),
                                                     ("step", 1))))
        start += length
    return tuple(out)


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
    return apply_view(operation("diagonal"), input, (("offset", offset), ("dim1", d1), ("dim2", d2)))


@method
def unfold(self: Any, dimension: int, size: int, step: int) -> Any:
    """Windows of `size` along an axis, `step` apart, as a new last axis (`torch.Tensor.unfold`)."""
    d = shapes.wrap_dim(dimension, self.ndim)
    longest = self.shape[d] if self.ndim else 1
    if size > longest:
        raise RuntimeError(f"maximum size for tensor at dimension {d} is {longest} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    return apply_view(operation("unfold"), self, (("dimension", d), ("size", size), ("step", step)))


@public
def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """Tensors expanded to their common shape (`torch.broadcast_tensors`)."""
    shape = shapes.broadcast(tuple(x.shape) for x in tensors)
    return tuple(expand(x, *shape) for x in tensors)


@method
def broadcast_to(input: Any, size: Any) -> Any:
    return expand(input, *size)


@method
def as_strided(input: Any, size: Any, stride: Any, storage_offset: int | None = None) -> Any:
    """The memory of a tensor read with other sizes, strides and start (`torch.as_strided`)."""
    layout, size, stride = layout_of(input), tuple(size), tuple(stride)
    offset = 0 if storage_offset is None else storage_offset - input.storage_offset()
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    if offset < 0 or (offset + shapes.extent(size, stride)) * layout.dtype.itemsize > layout.nbytes:
        raise RuntimeError(
            f"as_strided: sizes {list(size)} and strides {list(stride)} with storage offset "
            f"{input.storage_offset() + offset} reach beyond the tensor, which has {layout.numel} elements"
        )
    if input.requires_grad and not layout.dense:
        raise RuntimeError("as_strided: not differentiable for a tensor with gaps in its memory; clone() it first")
    return apply_view(operation("as_strided"), input, (
        ("size", size), ("stride", stride), ("storage_offset", offset), ("frame", layout.strides)))


@method
def alias(input: Any) -> Any:
    return apply_view(operation("alias"), input, ())


def _mT(self: Any) -> Any:
    if self.ndim < 2:
        raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor.")
    return transpose(self, -2, -1)


def _T(self: Any) -> Any:
    return permute(self, *range(self.ndim - 1, -1, -1))


for _name, _transposed in (("T", _T), ("mT", _mT), ("H", _mT)):
    METHODS[_name] = property(_transposed)  # type: ignore[assignment]
