"""Tensors from nothing: from Python data, from NumPy, and filled."""
from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from tapegrad import dispatch, dtypes, errors, formats, progressions, shapes
from tapegrad.autograd import modes
from tapegrad.devices import required
from tapegrad.dtypes import dtype as Dtype
from tapegrad.machine.learning import capturing, lessons
from tapegrad.machine.live import buffers, call, layouts, machine
from tapegrad.ops.declaration import REGISTRY
from tapegrad.signatures import Sizes, described, overriding
from tapegrad.tensor import Tensor

MUCH = 1 << 32  # bytes that may not be there


def wanted(dtype: Any, out: Any = None) -> Dtype | None:
    """The dtype that was asked for, which is that of `out` where one is given."""
    dtype = None if dtype is None else dtypes.named(dtype)
    if dtype is not None and dtype.is_complex:  # here, for not all that ask come to make a layout of it
        raise NotImplementedError(errors.COMPLEX.format(dtype))
    if out is None:
        return dtype
    if dtype is not None and out.dtype is not dtype:
        raise RuntimeError(f"dtype {errors.KINDS[dtype.name][:-6]} does not match dtype of out parameter "
                           f"({errors.KINDS[out.dtype.name][:-6]})")
    return out.dtype


def _finish(made: Tensor, requires_grad: bool, where: Any = None, out: Any = None, flat: bool = False) -> Tensor:
    if where is not None:
        required(where)
    if out is not None:  # of as many elements as a series, it keeps its shape
        kept = flat and out.numel() == made.numel()
        return dispatch.into(out, made.reshape(tuple(out.shape)) if kept else made, warned=False)
    if requires_grad and not made.dtype.is_floating_point:
        raise RuntimeError(errors.REQUIRES_GRAD_FLOAT)
    return made.requires_grad_() if requires_grad else made


def copied(array: np.ndarray[Any, Any], dtype: Dtype | None = None) -> Tensor:
    """A tensor with a copy of an array's values, of which a capture under way is told elsewhere."""
    if dtype is None:
        dtype = dtypes.from_numpy_dtype(array.dtype)
    made = call.empty(layouts.intern(dtype, array.shape).id)
    if dtype in dtypes.HALVES and array.dtype != dtype.numpy:
        array = dtypes.encoded(array, dtype)
    if isinstance(array, np.ndarray) and array.dtype == dtype.numpy and array.flags.c_contiguous:  # no NumPy scalar
        call.fill_from(made, array)
    elif array.size:
        with np.errstate(all="ignore"):
            made._memory()[...] = array
    return made


@lessons.constant
def from_array(array: np.ndarray[Any, Any], dtype: Dtype | None = None) -> Tensor:
    """A tensor with a copy of an array's values."""
    made = copied(array, dtype)
    if capturing.mine() is not None and array.size:
        capturing.constant(made.data_ptr(), made.nbytes)
    return made


def filled(dtype: Dtype, shape: shapes.Shape, write: Callable[[np.ndarray[Any, Any]], Any]) -> Tensor:
    """A tensor with what a function writes to its memory, of which a capture under way is told here."""
    made = call.empty(layouts.intern(dtype, shape).id)
    write(made._memory())
    if capturing.mine() is not None and made.numel():
        capturing.constant(made.data_ptr(), made.nbytes)
    return made


def check_room(dtype: Dtype, shape: shapes.Shape) -> None:
    """Raise what making such a tensor raises, before NumPy is asked for values that there is no memory for."""
    layout = layouts.intern(dtype, checked_shape(shape))
    if layout.nbytes > MUCH:
        call.empty(layout.id)


def tensor(data: Any, *, dtype: Dtype | None = None, device: Any = None, requires_grad: bool = False,
           pin_memory: bool = False) -> Tensor:
    """A new leaf with a copy of `data`: numbers, nested sequences, arrays or tensors (`torch.tensor`).

    >>> tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])

    Floats become the default dtype, integers int64. Raises ValueError for ragged sequences, TypeError for what is no
    number, RuntimeError for integers that require grad.
    """
    if isinstance(data, Tensor):
        dispatch.warn(errors.TENSOR_OF_TENSOR.format("torch.tensor"))
    return tensor_of(data, dtype, device, requires_grad)


def tensor_of(data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """What `tensor` makes, of other tensors without a word."""
    dtype = wanted(dtype)
    if isinstance(data, Tensor):
        made = from_array(data._array(), dtype or data.dtype)
    elif isinstance(data, (np.ndarray, np.generic)):
        _check_array(array := np.asarray(data))
        made = from_array(array, dtype)
    else:
        made = from_array(*_from_python(data, dtype))
    return _finish(made, requires_grad, device)


def _shape_of_nested(data: Any) -> shapes.Shape:
    """The lengths of nested sequences, found along their first elements."""
    shape = []
    while _is_sequence(data):
        shape.append(len(data))
        if not len(data):
            break
        data = data[0]
    return tuple(shape)


def _is_sequence(x: Any) -> bool:
    """Whether an object is a row of numbers; a tensor in one stands for a number."""
    if isinstance(x, np.ndarray):
        return bool(x.ndim)
    return isinstance(x, (list, tuple, range)) or (
        hasattr(x, "__getitem__") and hasattr(x, "__len__") and not isinstance(x, (str, bytes, dict, Tensor)))


def _flatten(data: Any, shape: shapes.Shape, depth: int, into: list[Any], typed: list[Dtype]) -> None:
    """Python numbers in order, and the dtypes of those elements that have one."""
    if depth == len(shape):
        if isinstance(data, (Tensor, np.ndarray, np.generic)):
            if isinstance(data, Tensor) and data.numel() != 1:
                raise ValueError("only one element tensors can be converted to Python scalars")
            typed.append(data.dtype if isinstance(data, Tensor) else dtypes.from_numpy_dtype(data.dtype))
            data = data.item()
        elif isinstance(data, (int, float)):
            data = dtypes.number(data)
        elif _is_sequence(data):
            raise TypeError(f"'{type(data).__name__}' object cannot be interpreted as a number: the nested sequences "
                            "are not of equal depth")
        into.append(data)
        return
    if not _is_sequence(data):
        raise TypeError(f"not a sequence at dim {depth}: {data!r}")
    if len(data) != shape[depth]:
        raise ValueError(f"expected sequence of length {shape[depth]} at dim {depth} (got {len(data)})")
    if depth == len(shape) - 1 and _PLAIN.issuperset(map(type, data)):  # a row of numbers, as most are
        into.extend(data)
        return
    for item in data:
        _flatten(item, shape, depth + 1, into, typed)


_PLAIN = frozenset((bool, int, float))


def _from_python(data: Any, dtype: Dtype | None) -> tuple[np.ndarray[Any, Any], Dtype]:
    shape = _shape_of_nested(data)
    flat: list[Any] = []
    typed: list[Dtype] = []
    _flatten(data, shape, 0, flat, typed)
    kinds = set(map(type, flat))
    for kind in kinds - _PLAIN:
        if issubclass(kind, str):
            raise ValueError("too many dimensions 'str'") if shape else TypeError("new(): invalid data type 'str'")
        if issubclass(kind, complex):
            raise NotImplementedError(errors.COMPLEX.format(dtypes.complex64))
        raise RuntimeError(f"Could not infer dtype of {kind.__name__}")
    if dtype is None:
        whole = dtypes.int64 if int in kinds else dtypes.bool_
        dtype = dtypes.default_dtype() if float in kinds or not kinds else whole
        if typed:
            dtype = functools.reduce(dtypes.promote, typed if len(typed) == len(flat) else [*typed, dtype])
        if int in kinds and not _fit_int64(flat, kinds) and any(
                type(x) is int and not -2 ** 63 <= x < 2 ** 63 for x in flat):
            raise ValueError("Overflow when unpacking long long")
    if not dtype.is_floating_point and not (dtype is dtypes.int64 and _fit_int64(flat, kinds)):
        flat = [dtypes.fitted(x, dtype) for x in flat]
    return dtypes.encoded(flat, dtype).reshape(shape), dtype


def _fit_int64(flat: list[Any], kinds: set[type]) -> bool:
    """Whether all are whole numbers that an int64 holds."""
    return int in kinds and float not in kinds and min(flat) >= -2 ** 63 and max(flat) < 2 ** 63


def as_tensor(data: Any, dtype: Dtype | None = None, device: Any = None) -> Tensor:
    """`data` as a tensor, shared where it can be (`torch.as_tensor`).

    >>> import tapegrad as torch
    >>> torch.as_tensor([1.0, 2.0])
    tensor([1., 2.])
    """
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    if isinstance(data, np.ndarray):
        made = from_numpy(data)
        return made if dtype is None else made.to(dtype)
    return tensor(data, dtype=dtype, device=device)


@described
def asarray(obj: Any, *, dtype: Dtype | None = None, device: Any = None, copy: bool | None = None,
            requires_grad: bool | None = None) -> Tensor:
    """`obj` as a tensor, sharing its memory unless `copy`, which may also forbid copying (`torch.asarray`).

    A tensor keeps its history, unless `requires_grad` is said to be False.

    >>> a = np.zeros(2)
    >>> t = asarray(a); a[0] = 1; t
    tensor([1., 0.], dtype=torch.float64)
    """
    if isinstance(obj, (Tensor, np.ndarray)):
        made = obj if isinstance(obj, Tensor) else from_numpy(obj)
        wanted = made if dtype is None else made.to(dtype)
        if copy is False and wanted is not made:
            raise ValueError("can't alias tensor with dtype different from the one that was asked for")
        made = wanted.clone() if copy and wanted is made else wanted
        if isinstance(obj, Tensor) and requires_grad is False and made.requires_grad:
            made = made.detach()
    elif copy is False:
        raise ValueError(f"can't alias arbitrary sequence '{type(obj).__name__}' into a tensor")
    else:
        made = tensor(obj, dtype=dtype)
    return _finish(made, bool(requires_grad), device)


def _check_array(array: np.ndarray[Any, Any]) -> Dtype:
    """The dtype of an array whose memory a tensor could share; PyTorch asks as much of one it copies."""
    dtype = dtypes.from_numpy_dtype(array.dtype)
    if not array.dtype.isnative:
        raise ValueError("given numpy array has byte order different from the native byte order. Conversion between "
                         "byte orders is currently not supported.")
    for step in array.strides:
        if step < 0:
            raise ValueError("At least one stride in the given numpy array is negative, and tensors with negative "
                             "strides are not currently supported. (You can probably work around this by making a copy "
                             "of your array  with array.copy().)")
        if step % dtype.itemsize:
            raise ValueError("given numpy array strides not a multiple of the element byte size. Copy the numpy array "
                             "to reallocate the memory.")
    return dtype


def on_array(array: np.ndarray[Any, Any]) -> Tensor:
    """A tensor on an array's memory, whether or not that is meant to be written."""
    dtype = _check_array(array)
    capturing.carry_out()  # the array may be written or freed before a call that is put off
    strides = tuple([s // dtype.itemsize for s in array.strides])
    made = call.adopt(layouts.intern(dtype, array.shape, strides).id, call.content_of(array), 0, Tensor)
    machine.keepers[made._buffer] = array
    return made


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """A tensor on an array's memory: a write to either is seen by both (`torch.from_numpy`).

    >>> a = np.zeros(2)
    >>> t = from_numpy(a); a[0] = 1; t
    tensor([1., 0.], dtype=torch.float64)

    Raises TypeError for what is no array or has an unsupported dtype, ValueError for negative strides and for bytes in
    the other order. Warns of a read-only array: a tensor cannot be kept from writing to it.
    """
    if not isinstance(ndarray, np.ndarray):
        kind = type(ndarray)
        name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
        raise TypeError(f"expected np.ndarray (got {name})")
    made = on_array(ndarray)
    if not ndarray.flags.writeable:
        warnings.warn(errors.READ_ONLY_ARRAY, UserWarning, stacklevel=2)
    return made


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
    return _finish(call.empty(layouts.intern(dtype, shape, lies).id), requires_grad, device)


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
    return _finish(flat.as_strided(shape, strides).detach(), requires_grad, device)


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
    return _finish(call.empty(layouts.intern(dtype, shape, tuple(strides)).id), requires_grad, device)


@described
def frombuffer(buffer: Any, *, dtype: Dtype, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A tensor of one dimension on the memory of an object with the buffer protocol (`torch.frombuffer`).

    >>> import array
    >>> import tapegrad as torch
    >>> torch.frombuffer(array.array("i", [1, 2, 3]), dtype=torch.int32, offset=4)
    tensor([2, 3], dtype=torch.int32)

    ValueError where the buffer has not so many elements from there on, or none; memory that is not to be written to is
    warned of.
    """
    try:
        with memoryview(buffer) as seen:
            nbytes, readonly = seen.nbytes, seen.readonly
    except TypeError:
        raise ValueError("object does not implement Python buffer protocol.") from None
    item = dtype.itemsize
    if not nbytes or not count:
        raise ValueError(f"both buffer length ({nbytes}) and count ({count}) must not be 0")
    if not 0 <= offset < nbytes:
        raise ValueError(f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({nbytes} "
                         "bytes) minus 1")
    if count < 0 and (nbytes - offset) % item:
        raise ValueError(f"buffer length ({nbytes - offset} bytes) after offset ({offset} bytes) must be a multiple of "
                         f"element size ({item})")
    if count > 0 and offset + count * item > nbytes:
        raise ValueError(f"requested buffer length ({count} * {item} bytes) after offset ({offset} bytes) must not be "
                         f"greater than actual buffer length ({nbytes} bytes)")
    if readonly:
        dispatch.warn("The given buffer is not writable, and PyTorch does not support non-writable tensors. This means "
                      "you can write to the underlying (supposedly non-writable) buffer using the tensor.")
    made = on_array(np.frombuffer(buffer, dtype.numpy, count, offset))
    return made.requires_grad_() if requires_grad else made


def legacy(dtype: Dtype, args: tuple[Any, ...]) -> Tensor:
    """What `Tensor(…)`, `FloatTensor(…)` and `x.new(…)` make: of sizes an empty tensor, else one of data."""
    if len(args) == 1 and not isinstance(args[0], shapes.Size):
        data = args[0]
        if isinstance(data, Tensor):
            if data.dtype is not dtype:
                raise TypeError(f"expected a tensor of dtype {dtype!r}, got {data.dtype!r}")
            return dispatch.apply_view(REGISTRY["alias"], data, ())
        if _is_sequence(data):
            return tensor(data, dtype=dtype)
        if isinstance(data, bool) or not hasattr(data, "__index__"):
            raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
    return empty(*(args or (0,)), dtype=dtype)


def checked_shape(shape: shapes.Shape) -> shapes.Shape:
    for n in shape:
        if n < 0:
            raise RuntimeError(errors.NEGATIVE_SIZE.format(n, list(shape)))
    return shape


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
    return _finish(made, requires_grad, device, out)


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


@overriding.asked_first
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
    return _finish(made if (lanes := dispatch.lanes) is None else lanes.like(input, made), requires_grad, device)


def layout_like(name: str, input: Any, dtype: Any, memory_format: Any = None) -> Any:
    """The layout of what is made like a tensor: its axes in their order of memory, unless a format is given."""
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    like = layouts.all[input._layout]
    kept = memory_format is None or memory_format is formats.preserve_format
    strides = shapes.kept_strides(like.shape, like.strides) if kept else formats.strides(memory_format, like.shape)
    return layouts.intern(wanted(dtype) or like.dtype, like.shape, strides)


@overriding.asked_first
def zeros_like(input: Tensor, *, memory_format: Any = None, dtype: Dtype | None = None, layout: Any = None,
               device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Zeros shaped like another tensor (`torch.zeros_like`).

    >>> zeros_like(ones(2))
    tensor([0., 0.])
    """
    return full_like(input, 0, memory_format=memory_format, dtype=dtype, device=device, requires_grad=requires_grad)


@overriding.asked_first
def ones_like(input: Tensor, *, memory_format: Any = None, dtype: Dtype | None = None, layout: Any = None,
              device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Ones shaped like another tensor (`torch.ones_like`).

    >>> ones_like(zeros(2))
    tensor([1., 1.])
    """
    return full_like(input, 1, memory_format=memory_format, dtype=dtype, device=device, requires_grad=requires_grad)


@overriding.asked_first
@lessons.uninitialised
def empty_like(input: Tensor, *, memory_format: Any = None, dtype: Dtype | None = None, layout: Any = None,
               device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """A tensor shaped like another, not initialised (`torch.empty_like`).

    >>> import tapegrad as torch
    >>> torch.empty_like(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """
    made = call.empty(layout_like("empty_like", input, dtype, memory_format).id)
    return _finish(made if (lanes := dispatch.lanes) is None else lanes.like(input, made), requires_grad, device)


@described
def arange(start: Any = None, end: Any = None, step: Any = 1, *, out: Any = None,
            dtype: Dtype | None = None, layout: Any = None, device: Any = None,
           pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """Numbers from `start` up to `end`, exclusive (`torch.arange`).

    >>> arange(3)
    tensor([0, 1, 2])
    """
    start, end = (0, start) if end is None else (0 if start is None else start, end)
    dtype = wanted(dtype, out)
    if dtype is dtypes.bool_:
        raise NotImplementedError("\"arange_cpu\" not implemented for 'Bool'")
    start, end, step = (dtypes.number(x) for x in (start, end, step))
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) / step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if dtype is None:
        whole = all(isinstance(x, int) for x in (start, end, step))
        dtype = dtypes.int64 if whole else dtypes.default_dtype()
    first, by = start, step
    if not dtype.is_floating_point:
        first, by = int(start), int(step)
        if dtype is dtypes.int64:  # the others are counted before fractions are cut off
            if by == 0:
                raise ValueError("step must be nonzero")
            start, end, step = first, int(end), by
    count = max(math.ceil((end - start) / step), 0)
    if out is not None and out.numel() not in (0, count):
        dispatch.warn(f"The number of elements in the out tensor of shape {list(out.shape)} is {out.numel()} which "
                      f"does not match the computed number of elements {count}. Note that this may occur as a result "
                      f"of rounding error. The out tensor will be resized to a tensor of shape ({count},).")
    check_room(dtype, (count,))
    values = (progressions.progression(count, first, by, dtype.arithmetic.numpy) if dtype.is_floating_point
              else np.arange(count) * by + first)
    return _finish(from_array(values, dtype), requires_grad, device, out, flat=True)


@described
def linspace(start: Any, end: Any, steps: int, *, out: Any = None,
              dtype: Dtype | None = None, layout: Any = None, device: Any = None,
             pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """`steps` numbers from `start` to `end`, both included (`torch.linspace`).

    >>> import tapegrad as torch
    >>> torch.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    for x in (start, end):
        if isinstance(x, Tensor) and x.ndim:
            raise RuntimeError("linspace only supports 0-dimensional start and end tensors, but got "
                               f"{'start' if x is start else 'end'} with {x.ndim} dimension(s).")
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    dtype = wanted(dtype, out) or dtypes.default_dtype()
    if dtype is dtypes.bool_:
        raise NotImplementedError("\"linspace_cpu\" not implemented for 'Bool'")
    kind = dtype.arithmetic.numpy.type if dtype.is_floating_point else np.float64
    start, end = (kind(float(v) if dtype.is_floating_point else dtypes.fitted(int(v), dtype)) for v in (start, end))
    check_room(dtype, (steps,))
    return _finish(from_array(progressions.between(start, end, steps), dtype), requires_grad, device, out, flat=True)


@described
def eye(n: int, m: int | None = None, *, out: Any = None,
         dtype: Dtype | None = None, layout: Any = None, device: Any = None,
        pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """The identity matrix (`torch.eye`).

    >>> import tapegrad as torch
    >>> torch.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    for name, size in (("n", n), ("m", m)):
        if size is not None and size < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {size}")
    dtype = wanted(dtype, out) or dtypes.default_dtype()
    return _finish(_identity(n, n if m is None else m, dtype), requires_grad, device, out)


@lessons.constant
def _identity(n: int, m: int, dtype: Dtype) -> Tensor:
    def write(memory: np.ndarray[Any, Any]) -> None:  # `np.eye` takes new memory, which is dearer than the matrix
        memory[...] = np.zeros((), memory.dtype)
        memory.reshape(-1)[:min(n, m) * m:m + 1] = dtypes.encoded(np.ones(1, "f4"), dtype) if (
            dtype in dtypes.HALVES) else 1

    return filled(dtype, checked_shape((n, m)), write)


@described
def scalar_tensor(s: Any, *, dtype: Dtype | None = None, layout: Any = None, device: Any = None,
                  pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """A 0-d tensor of the default dtype (`torch.scalar_tensor`).

    >>> scalar_tensor(2)
    tensor(2.)
    """
    return _full((), s, dtype=dtype or dtypes.default_dtype(), device=device, requires_grad=requires_grad)


_full: Any = full.__wrapped__  # type: ignore[attr-defined]
