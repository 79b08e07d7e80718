"""Tensors of some sizes: not initialised, or of one number throughout."""
from __future__ import annotations

from typing import Any

from tapegrad import dispatch, dtypes, errors, formats, shapes
from tapegrad.autograd import modes
from tapegrad.creation.arguments import checked_shape, finished, wanted
from tapegrad.creation.data import is_sequence, tensor
from tapegrad.dtypes import dtype as Dtype
from tapegrad.machine.learning import lessons
from tapegrad.machine.live import buffers, call, layouts
from tapegrad.ops.declaration import REGISTRY
from tapegrad.signatures import Sizes, described
from tapegrad.tensor import Tensor


@described
@lessons.uninitialised
def empty(size: Sizes, *, memory_format: Any = None, out: Any = None,
           dtype: Dtype | None = None, layout: Any = None, device: Any = None,
          pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """A tensor that is not initialised (`torch.empty`).

    >>> import tapegrad as torch
    >>> torch.empty(2, 3).shape
    torch.Size([2, 3])
    """
    shape = checked_shape(size)
    dtype = wanted(dtype, out) or dtypes.default_dtype()
    if out is not None:
        return out.resize_(shape)
    lies = None if memory_format is None else formats.strides(memory_format, shape)
    return finished(call.empty(layouts.intern(dtype, shape, lies).id), requires_grad, device)


@described
def empty_strided(size: Sizes, stride: Any, *, dtype: Dtype | None = None, layout: Any = None, device: Any = None,
                  requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """A tensor that is not initialised and lies with these strides (`torch.empty_strided`).

    >>> import tapegrad as torch
    >>> torch.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)

    RuntimeError where there are not as many strides as sizes, or one is negative.
    """
    shape, strides = checked_shape(size), tuple(int(s) for s in stride)
    if len(shape) != len(strides):
        raise RuntimeError(f"dimensionality of sizes ({len(shape)}) must match dimensionality of strides "
                           f"({len(strides)})")
    if any(s < 0 for s in strides):
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)} and strides={list(strides)}")
    dtype = dtype or dtypes.default_dtype()
    length = 1 + sum((n - 1) * s for n, s in zip(shape, strides)) if all(shape) else 0
    flat = call.empty(layouts.intern(dtype, (length,)).id)
    return finished(flat.as_strided(shape, strides).detach(), requires_grad, device)


@described
def empty_permuted(size: Sizes, physical_layout: Any, *, dtype: Dtype | None = None, layout: Any = None,
                   device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """A tensor that is not initialised, dense, whose dimensions lie in this order, outermost first.

    >>> import tapegrad as torch
    >>> torch.empty_permuted((2, 3, 4), (0, 2, 1)).stride()
    (12, 1, 3)

    RuntimeError where that is no order of the dimensions (`torch.empty_permuted`).
    """
    shape, order = checked_shape(size), [int(d) for d in physical_layout]
    if len(order) != len(shape):
        raise RuntimeError("Number of dimensions in size does not match the length of the physical_layout; i.e. "
                           f"len(size) = {len(shape)} is not equal to len(physical_layout) = {len(order)}")
    for d in order:
        if not 0 <= d < len(shape):
            raise RuntimeError(f"Dimension out of range (expected to be between 0 and {len(shape) - 1}, but got {d} at "
                               f"index {order.index(d)}).")
        if order.count(d) > 1:
            raise RuntimeError("Duplicate dim not allowed")
    strides, step = [0] * len(shape), 1
    for d in reversed(order):
        strides[d], step = step, step * max(shape[d], 1)
    dtype = dtype or dtypes.default_dtype()
    return finished(call.empty(layouts.intern(dtype, shape, tuple(strides)).id), requires_grad, device)


def legacy(dtype: Dtype, args: tuple[Any, ...]) -> Tensor:
    """What `Tensor(…)`, `FloatTensor(…)` and `x.new(…)` make: of sizes an empty tensor, else one of data."""
    if len(args) == 1 and not isinstance(args[0], shapes.Size):
        data = args[0]
        if isinstance(data, Tensor):
            if data.dtype is not dtype:
                raise TypeError(f"expected a tensor of dtype {dtype!r}, got {data.dtype!r}")
            return dispatch.apply_view(REGISTRY["alias"], data, ())
        if is_sequence(data):
            return tensor(data, dtype=dtype)
        if isinstance(data, bool) or not hasattr(data, "__index__"):
            raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
    return empty(*(args or (0,)), dtype=dtype)


def _of(layout: Any, value: Any) -> Tensor:
    """A tensor of one number, cut to what its dtype has."""
    value = dtypes.fitted(value, layout.dtype)
    made = call.filled(layout.id, value)
    if made is None:
        with modes.no_grad():
            made = call.empty(layout.id).fill_(value)
        buffers["version"][made._buffer] = 0  # filling it was part of making it: nobody has written to it yet
    return made


@described
@lessons.constant
def full(size: Sizes, fill_value: Any, *, out: Any = None, dtype: Dtype | None = None, layout: Any = None,
         device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """A tensor filled with one number, of that number's dtype unless another is given (`torch.full`).

    >>> full((2,), 7)
    tensor([7, 7])
    """
    fill_value = dtypes.number(fill_value)
    dtype = wanted(dtype, out) or {bool: dtypes.bool_, int: dtypes.int64}.get(type(fill_value), dtypes.default_dtype())
    made = _of(layouts.intern(dtype, checked_shape(size)), fill_value)
    return finished(made, requires_grad, device, out)


def _filled(value: int, size: shapes.Shape, out: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    if value == 0 and any(n < 0 for n in size):
        raise RuntimeError("zeros: Dimension size must be non-negative.")
    if dtype is None and out is None:
        dtype = dtypes.default_dtype()
    return _full(size, value, dtype=dtype, out=out, device=device, requires_grad=requires_grad)


@described
def zeros(size: Sizes, *, out: Any = None, dtype: Dtype | None = None, layout: Any = None, device: Any = None,
          pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros (`torch.zeros`).

    >>> zeros(2)
    tensor([0., 0.])
    """
    return _filled(0, size, out, dtype, device, requires_grad)


@described
def ones(size: Sizes, *, out: Any = None, dtype: Dtype | None = None, layout: Any = None,
         device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """A tensor of ones (`torch.ones`).

    >>> ones(2)
    tensor([1., 1.])
    """
    return _filled(1, size, out, dtype, device, requires_grad)


# These say themselves how they are called: of a call that makes so little, putting arguments in place is much.


@described
@lessons.constant
def full_like(input: Tensor, fill_value: Any, *, memory_format: Any = None, dtype: Dtype | None = None,
              layout: Any = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """A tensor shaped like another, filled with one number (`torch.full_like`).

    >>> full_like(ones(2), 7)
    tensor([7., 7.])
    """
    if isinstance(fill_value, Tensor):
        if fill_value.ndim or fill_value.requires_grad:
            raise TypeError("full_like(): argument 'fill_value' (position 2) must be Number, not Tensor")
        fill_value = fill_value.item()
    made = _of(layout_like("full_like", input, dtype, memory_format), fill_value)
    return finished(made if (lanes := dispatch.lanes) is None else lanes.like(input, made), requires_grad, device)


def layout_like(name: str, input: Any, dtype: Any, memory_format: Any = None) -> Any:
    """The layout of what is made like a tensor: its axes in their order of memory, unless a format is given."""
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {errors.type_name(input)}")
    like = layouts.all[input._layout]
    kept = memory_format is None or memory_format is formats.preserve_format
    strides = shapes.kept_strides(like.shape, like.strides) if kept else formats.strides(memory_format, like.shape)
    return layouts.intern(wanted(dtype) or like.dtype, like.shape, strides)


@described
def zeros_like(input: Tensor, *, memory_format: Any = None, dtype: Dtype | None = None, layout: Any = None,
               device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Zeros shaped like another tensor (`torch.zeros_like`).

    >>> zeros_like(ones(2))
    tensor([0., 0.])
    """
    return full_like(input, 0, memory_format=memory_format, dtype=dtype, device=device, requires_grad=requires_grad)


@described
def ones_like(input: Tensor, *, memory_format: Any = None, dtype: Dtype | None = None, layout: Any = None,
              device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Ones shaped like another tensor (`torch.ones_like`).

    >>> ones_like(zeros(2))
    tensor([1., 1.])
    """
    return full_like(input, 1, memory_format=memory_format, dtype=dtype, device=device, requires_grad=requires_grad)


@described
@lessons.uninitialised
def empty_like(input: Tensor, *, memory_format: Any = None, dtype: Dtype | None = None, layout: Any = None,
               device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """A tensor shaped like another, not initialised (`torch.empty_like`).

    >>> import tapegrad as torch
    >>> torch.empty_like(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    made = call.empty(layout_like("empty_like", input, dtype, memory_format).id)
    return finished(made if (lanes := dispatch.lanes) is None else lanes.like(input, made), requires_grad, device)


@described
def scalar_tensor(s: Any, *, dtype: Dtype | None = None, layout: Any = None, device: Any = None,
                  pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """A 0-d tensor of the default dtype (`torch.scalar_tensor`).

    >>> scalar_tensor(2)
    tensor(2.)
    """
    return _full((), s, dtype=dtype or dtypes.default_dtype(), device=device, requires_grad=requires_grad)


_full: Any = full.__wrapped__  # type: ignore[attr-defined]
