"""How a tensor is read: other shapes, axes and windows of the same memory, and a copy where no view can be."""
from __future__ import annotations

import math
import operator
from typing import Any

from tapegrad import dtypes, errors, formats, shapes
from tapegrad.dispatch import apply, apply_inplace, apply_view, layout_of
from tapegrad.functions.common import (
    METHODS,
    PUBLIC,
    expect_tensors,
    invalid_combination,
    kind_name,
    method,
    operation,
    overrides,
    public,
    warn,
)
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import call, planner
from tapegrad.protocols import reread
from tapegrad.signatures import Ints, Text
from tapegrad.tape import history
from tapegrad.tensor import Tensor, shape_of


@method
def view(self: Any, *size: Any, **named: Any) -> Any:
    """The same memory in another shape, or read as another dtype (`torch.Tensor.view`).

    >>> import tapegrad
    >>> x = tapegrad.arange(4.0); x.view(2, -1)
    tensor([[0., 1.],
            [2., 3.]])
    >>> x.view(tapegrad.int32)[2]
    tensor(1073741824, dtype=torch.int32)

    `view(dtype)` has no gradient. Where the sizes of elements differ, the last axis shrinks or grows; RuntimeError
    says which size, stride or offset stands in the way.
    """
    if len(size) + len(named) != 1 and (named or not size):
        raise invalid_combination("view", *size, **named)
    given = size or tuple(named.values())
    if "dtype" in named or isinstance(given[0], dtypes.dtype):
        if len(given) != 1 or not isinstance(given[0], dtypes.dtype):
            raise invalid_combination("view", *size, **named)
        return _view_dtype(self, given[0])
    if named and "size" not in named:
        raise invalid_combination("view", **named)
    layout = layout_of(self)
    return apply_view(operation("view"), self, (("size", shapes.infer_size(shape_of(given), layout.numel)),))


def _view_dtype(self: Any, dtype: dtypes.dtype) -> Any:
    """The bytes of a tensor as elements of another dtype. As in PyTorch, nobody's view, and without history."""
    layout = layout_of(self)
    if dtype in dtypes.NAMES:
        raise NotImplementedError((errors.COMPLEX if dtype.is_complex else errors.NAME_ONLY).format(dtype))
    have, want = layout.dtype.itemsize, dtype.itemsize
    shape, strides = list(layout.shape), list(layout.strides)
    if have != want:
        between = f"to view {kind_name(self)} as {planner.name_of(dtype)} (different element sizes)"
        if not shape:
            raise RuntimeError(f"self.dim() cannot be 0 {between}")
        n = max(want // have, 1)
        for name, value in (("size(-1)", shape[-1]), ("stride(-1)", strides[-1]),
                            ("storage_offset()", self.storage_offset()),
                            *((f"stride({d})", s) for d, s in enumerate(strides[:-1]))):
            if name == "stride(-1)" and value != 1:
                raise RuntimeError(f"self.stride(-1) must be 1 {between}, but got {value}")
            if name != "stride(-1)" and value % n:
                raise RuntimeError(f"self.{name} must be divisible by {n} {between}, but got {value}")
        if have < want:
            shape[-1], strides[:-1] = shape[-1] // n, [s // n for s in strides[:-1]]
        else:
            n = have // want
            shape[-1], strides[:-1] = shape[-1] * n, [s * n for s in strides[:-1]]
    return reread(self, dtype, tuple(shape), tuple(strides))


@method
def reshape(input: Tensor, *shape: Any) -> Any:
    """The same elements in another shape; a view where it can be (`torch.reshape`)."""
    layout = layout_of(input)
    size = shapes.infer_size(shape_of(shape), layout.numel)
    if shapes.view_strides(layout.shape, layout.strides, size) is None:
        return unsafe_view(input.contiguous(), size)
    return apply_view(operation("view" if layout.contiguous else "_reshape_alias"), input, (("size", size),))


def unsafe_view(x: Any, size: Any) -> Any:
    """The same elements in another shape, for a result that nobody else holds: it is no view of `x`."""
    return apply_view(operation("unsafe_view"), x, (("size", tuple(size)),))


@method
def view_as(self: Any, other: Tensor) -> Any:
    return view(self, tuple(other.shape))


@method
def reshape_as(self: Any, other: Tensor) -> Any:
    return reshape(self, tuple(other.shape))


@method
def contiguous(self: Any, *, memory_format: Any = None) -> Any:
    """Itself if it lies as the format asks, by rows unless one is given, else a copy (`torch.Tensor.contiguous`)."""
    layout = layout_of(self)
    order = formats.order(memory_format, len(layout.shape))
    if order is None:
        return self if layout.contiguous else apply(operation("contiguous"), (self,))
    return formatted(self, order)


@overrides("copy_")
def copy_(self: Any, src: Any, non_blocking: bool = False) -> Any:
    """Another tensor's values, written here (`torch.Tensor.copy_`)."""
    return apply_inplace(operation("copy_"), (self, src))


def formatted(x: Any, order: tuple[int, ...]) -> Any:
    """A tensor whose axes lie in this order, from the outermost: itself, or a copy."""
    turned = permute(x, order)
    found = contiguous(turned)
    return x if found is turned else permute(found, sorted(range(x.ndim), key=order.__getitem__))


@overrides("clone")
def clone(input: Tensor, *, memory_format: Any = None) -> Any:
    """A copy, which lies as the format asks (`torch.clone`): as the tensor does, unless one is given."""
    if memory_format is None or memory_format is formats.preserve_format:
        return apply(operation("clone"), (input,), teach=True)
    order = formats.order(memory_format, input.ndim)
    if order is None:
        return apply(operation("contiguous"), (input,))
    return permute(apply(operation("contiguous"), (permute(input, order),)), sorted(
        range(input.ndim), key=order.__getitem__))


@method
def transpose(input: Tensor, dim0: int, dim1: int) -> Any:
    """Two axes swapped (`torch.transpose`)."""
    first, second = shapes.wrap_dim(dim0, input.ndim), shapes.wrap_dim(dim1, input.ndim)
    return apply_view(operation("transpose"), input, (("dim0", first), ("dim1", second)))


@method
def t(input: Tensor) -> Any:
    """A matrix transposed (`torch.t`)."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return apply_view(operation("t"), input, (("dim0", 0), ("dim1", max(input.ndim - 1, 0))))


@method
def permute(input: Tensor, *dims: Any) -> Any:
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
    size = list(wanted)
    for d, n in reversed(list(enumerate(wanted))):
        own = have[d - missing] if d >= missing else 1
        if n == -1:
            if d < missing:
                raise RuntimeError("The expanded size of the tensor (-1) isn't allowed in a leading, non-existing "
                                   f"dimension {d}")
            size[d] = own
        elif own not in (1, n):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({own}) at non-singleton "
                f"dimension {d}.  Target sizes: {list(wanted)}.  Tensor sizes: {list(have)}"
            )
    return apply_view(operation("expand"), self, (("size", tuple(size)),))


@method
def expand_as(self: Any, other: Tensor) -> Any:
    return expand(self, tuple(other.shape))


@method
def unsqueeze(input: Tensor, dim: int) -> Any:
    """An axis of size one put in (`torch.unsqueeze`)."""
    return apply_view(operation("unsqueeze"), input, (("dim", shapes.wrap_dim(dim, input.ndim + 1)),))


@method
def squeeze(input: Tensor, dim: Ints | None = None) -> Any:
    """Axes of size one left out (`torch.squeeze`)."""
    if dim is None:
        dims = tuple(d for d, n in enumerate(input.shape) if n == 1)
        return apply_view(operation("squeeze_all"), input, (("dim", dims),))
    dims = tuple(d for d in shapes.wrap_dims(dim, input.ndim) if input.shape[d] == 1) if dim != () else ()
    name = "squeeze" if isinstance(dim, int) else "squeeze_multiple"
    return apply_view(operation(name), input, (("dim", dims),))


@method
def select(input: Tensor, dim: int, index: int) -> Any:
    """One position along an axis, which goes away (`torch.select`)."""
    if not input.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim, n = shapes.wrap_dim(dim, input.ndim), input.shape[shapes.wrap_dim(dim, input.ndim)]
    if not -n <= index < n:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension "
                         f"{dim}")
    return apply_view(operation("select"), input, (("dim", dim), ("index", index % n)))


@method
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Any:
    """A stretch along an axis (`torch.narrow`)."""
    if not input.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if isinstance(start, Tensor) and (start.ndim or start.dtype.category != 1):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
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


def slice_(input: Tensor, dim: int, start: int, end: int, step: int = 1) -> Any:
    end = max(end, start)
    return apply_view(operation("slice"), input, (("dim", dim), ("start", start), ("end", end), ("step", step)))


@method
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Neighbouring axes merged (`torch.flatten`)."""
    first, last = shapes.wrap_dim(start_dim, input.ndim), shapes.wrap_dim(end_dim, input.ndim)
    if not input.ndim:
        return reshape(input, 1)
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if first == last:
        return input
    shape = tuple(input.shape)
    return reshape(input, *shape[:first], math.prod(shape[first:last + 1]), *shape[last + 1:])


@method
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The diagonal of two axes as the last axis (`torch.diagonal`)."""
    d1, d2 = shapes.wrap_dim(dim1, input.ndim), shapes.wrap_dim(dim2, input.ndim)
    if d1 == d2:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return apply_view(operation("diagonal"), input, (("offset", offset), ("dim1", d1), ("dim2", d2)))


@public
def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """Tensors expanded to their common shape (`torch.broadcast_tensors`)."""
    expect_tensors(tensors)
    shape = shapes.broadcast(tuple(x.shape) for x in tensors)
    return tuple(x if tuple(x.shape) == shape else expand(x, *shape) for x in tensors)


@method
def broadcast_to(input: Tensor, size: Ints) -> Any:
    return expand(input, size)


@method
def as_strided(input: Tensor, size: Ints, stride: Ints, storage_offset: int | None = None) -> Any:
    """The memory of a tensor read with other sizes, strides and start (`torch.as_strided`)."""
    layout, size, stride = layout_of(input), tuple(size), tuple(stride)
    offset = 0 if storage_offset is None else storage_offset - input.storage_offset()
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    if offset < 0 or (offset + shapes.extent(size, stride)) * layout.dtype.itemsize > layout.nbytes:
        if input._base is not None and history.on_base(input) and not (input.requires_grad and call.is_recording(None)):
            capturing.refuse("it reads memory of what an argument is a view of")
            return as_strided(input._base, size, stride, input.storage_offset() + offset)
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset "
            f"{input.storage_offset() + offset}, and itemsize {layout.dtype.itemsize} requiring a storage size of "
            f"{(input.storage_offset() + offset + shapes.extent(size, stride)) * layout.dtype.itemsize} are out of "
            f"bounds for storage of size {input.untyped_storage().nbytes()}"
        )
    if input.requires_grad and not layout.dense and call.is_recording(None):
        raise RuntimeError("as_strided: not differentiable for a tensor with gaps in its memory; clone() it first")
    return apply_view(operation("as_strided"), input, (
        ("size", size), ("stride", stride), ("storage_offset", offset), ("frame", layout.strides)))


@method
def alias(input: Tensor) -> Any:
    return apply_view(operation("alias"), input, ())


def _mT(self: Any) -> Any:
    """The last two axes exchanged (`torch.Tensor.mT`)."""
    if not self.ndim:
        warn("Tensor.mT is deprecated on 0-D tensors. This function is the identity in these cases.")
        return self
    if self.ndim < 2:
        raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor.")
    return transpose(self, -2, -1)


def _T(self: Any) -> Any:
    """All axes in reverse order (`torch.Tensor.T`)."""
    if not self.ndim:
        warn("Tensor.T is deprecated on 0-D tensors. This function is the identity in these cases.")
    elif self.ndim != 2:
        warn("The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will "
             "throw an error in a future release. Consider `x.mT` to transpose batches of matrices or "
             "`x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor.")
    return permute(self, *range(self.ndim - 1, -1, -1))


def _H(self: Any) -> Any:
    """A matrix transposed, which is its adjoint where nothing is complex (`torch.Tensor.H`)."""
    if self.ndim not in (0, 2):
        raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor."
                           + " For batches of matrices, consider using tensor.mH" * (self.ndim > 2))
    return _mT(self)


@method
def adjoint(input: Tensor) -> Any:
    """Matrices with rows and columns exchanged (`torch.adjoint`)."""
    if not input.ndim:
        warn("adjoint() is deprecated on 0-D tensors. Consider using x.conj().")
        return input
    if input.ndim < 2:
        raise RuntimeError("tensor.adjoint() is only supported on matrices or batches of matrices. Got "
                           f"{input.ndim}-D tensor.")
    return transpose(input, -2, -1)


for _name, _transposed in (("T", _T), ("mT", _mT), ("H", _H), ("mH", _mT)):
    METHODS[_name] = property(_transposed)  # type: ignore[assignment]


@method
def movedim(input: Tensor, source: Ints, destination: Ints) -> Any:
    """Axes moved to other places (`torch.movedim`)."""
    s, d = ((v,) if isinstance(v, int) else tuple(v) for v in (source, destination))
    if len(s) != len(d):
        raise RuntimeError(f"movedim: Invalid source or destination dims: source ({list(s)} dims) should contain "
                           "the same "
                           f"number of dims as destination ({list(d)} dims)")
    s, d = (tuple(shapes.wrap_dim(i, input.ndim) for i in v) for v in (s, d))
    for name, v in (("source", s), ("destination", d)):
        if len(set(v)) != len(v):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({v})")
    if not input.ndim:
        return alias(input)
    order: list[Any] = [None] * input.ndim
    for a, b in zip(s, d):
        order[b] = a
    rest = iter(i for i in range(input.ndim) if i not in s)
    return permute(input, *(next(rest) if o is None else o for o in order))


@method
def unflatten(input: Tensor, dim: int, sizes: Ints) -> Any:
    """An axis split into several (`torch.unflatten`)."""
    d = shapes.wrap_dim(dim, input.ndim)
    if not len(sizes):
        raise RuntimeError("unflatten: sizes must be non-empty")
    if not input.ndim:
        raise RuntimeError("unflatten: a tensor without axes has none to split")
    n = input.shape[d]
    try:
        inner = shapes.infer_size(tuple(sizes), n)
    except RuntimeError:
        raise RuntimeError(f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {d} ({n}) in "
                           "the input tensor") from None
    return view(input, *input.shape[:d], *inner, *input.shape[d + 1:])


@method
def ravel(input: Tensor) -> Any:
    return reshape(input.contiguous(), -1)


@method
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Any:
    return transpose(input, axis0, axis1)


METHODS["swapdims"] = PUBLIC["swapdims"] = swapaxes
METHODS["moveaxis"] = PUBLIC["moveaxis"] = movedim


@method
def unfold(self: Any, dimension: int, size: int, step: int) -> Any:
    """Overlapping stretches along an axis, as a last axis (`torch.Tensor.unfold`)."""
    d = shapes.wrap_dim(dimension, self.ndim)
    n = self.shape[d] if self.ndim else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > n:
        raise RuntimeError(f"maximum size for tensor at dimension {d} is {n} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if not self.ndim:
        return reshape(self, 1).narrow(0, 0, size)
    return apply_view(operation("unfold"), self, (("dimension", d), ("size", size), ("step", step)))


def linalg_diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    return diagonal(A, offset, dim1, dim2)


def _at_least(ndim: int) -> None:
    def one(x: Any) -> Any:
        if x.ndim >= ndim:
            return x
        if ndim == 1:
            return reshape(x, 1)
        if not x.ndim:
            return reshape(x, (1,) * ndim)
        if ndim == 2:
            return unsqueeze(x, 0)
        if x.ndim == 2:
            return unsqueeze(x, 2)
        return unsqueeze(unsqueeze(x, 0), 2)

    def atleast(*tensors: Any) -> Any:
        if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
            expect_tensors(tensors[0])
            return tuple(map(one, tensors[0]))
        expect_tensors(tensors)
        return one(tensors[0]) if len(tensors) == 1 else tuple(map(one, tensors))

    PUBLIC[f"atleast_{ndim}d"] = atleast


for _n in (1, 2, 3):
    _at_least(_n)


@public
def meshgrid(*tensors: Any, indexing: Text | None = None) -> tuple[Any, ...]:
    """Coordinates of a grid, an axis a tensor (`torch.meshgrid`)."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    expect_tensors(tensors)
    for x in tensors:
        if x.ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {x.ndim}D")
        if x.dtype is not tensors[0].dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError("torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but received: " + indexing)
    if indexing is None:
        warn("torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.")
    if indexing == "xy" and len(tensors) > 1:
        found = meshgrid(tensors[1], tensors[0], *tensors[2:], indexing="ij")
        return found[1], found[0], *found[2:]
    size = tuple(x.numel() for x in tensors)
    return tuple(expand(reshape(x, (1,) * i + (-1,) + (1,) * (len(size) - i - 1)), *size)
                 for i, x in enumerate(tensors))
