"""Tensors of Python data, of arrays and of buffers: copies, and on their memory."""
from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from tapegrad import dispatch, dtypes, errors, shapes
from tapegrad.creation.arguments import checked_shape, finished, wanted
from tapegrad.dtypes import dtype as Dtype
from tapegrad.machine.learning import capturing, lessons
from tapegrad.machine.live import call, layouts, machine
from tapegrad.signatures import described
from tapegrad.tensor import Tensor

MUCH = 1 << 32  # bytes that may not be there


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
    if requires_grad is not True and requires_grad is not False:
        raise TypeError(f"tensor(): argument 'requires_grad' must be bool, not {type(requires_grad).__name__}")
    return tensor_of(data, dtype, device, requires_grad)


def tensor_of(data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """What `tensor` makes, of other tensors without a word."""
    dtype = wanted(dtype)
    if isinstance(data, Tensor):
        made = from_array(data._array(), dtype or data.dtype)
    elif isinstance(data, (np.ndarray, np.generic)):
        check_array(array := np.asarray(data))
        made = from_array(array, dtype)
    else:
        made = from_array(*_from_python(data, dtype))
    return finished(made, requires_grad, device)


def _shape_of_nested(data: Any) -> shapes.Shape:
    """The lengths of nested sequences, found along their first elements."""
    shape = []
    while is_sequence(data):
        shape.append(len(data))
        if not len(data):
            break
        data = data[0]
    return tuple(shape)


def is_sequence(x: Any) -> bool:
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
            data = dtypes.number(data.item())
        elif isinstance(data, (int, float)):
            data = dtypes.number(data)
        elif is_sequence(data):
            given = type(data).__name__
            raise TypeError(f"must be real number, not {given}" if any(isinstance(x, float) for x in into) else
                            f"'{given}' object cannot be interpreted as an integer")
        into.append(data)
        return
    if not is_sequence(data):
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
            raise ValueError("too many dimensions 'str'") if shape and isinstance(flat[0], str) else TypeError(
                "new(): invalid data type 'str'")
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


def as_tensor(data: Any, *, dtype: Dtype | None = None, device: Any = None) -> Tensor:
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
    return finished(made, bool(requires_grad), device)


def check_array(array: np.ndarray[Any, Any]) -> Dtype:
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
    dtype = check_array(array)
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
