"""What all that makes tensors is asked: dtype, sizes, `out`, `requires_grad`, and where."""
from __future__ import annotations

from typing import Any

from tapegrad import dispatch, dtypes, errors, shapes
from tapegrad.devices import required
from tapegrad.dtypes import dtype as Dtype
from tapegrad.tensor import Tensor


def wanted(dtype: Any, out: Any = None) -> Dtype | None:
    """The dtype that was asked for, which is that of `out` where one is given."""
    dtype = None if dtype is None else dtypes.named(dtype)
    if dtype in dtypes.NAMES:  # here, for not all that ask come to make a layout of it
        raise NotImplementedError((errors.COMPLEX if dtype.is_complex else errors.NAME_ONLY).format(dtype))
    if out is None:
        return dtype
    if dtype is not None and out.dtype is not dtype:
        raise RuntimeError(f"dtype {errors.KINDS[dtype.name][:-6]} does not match dtype of out parameter "
                           f"({errors.KINDS[out.dtype.name][:-6]})")
    return out.dtype


def checked_shape(shape: shapes.Shape) -> shapes.Shape:
    for n in shape:
        if n < 0:
            raise RuntimeError(errors.NEGATIVE_SIZE.format(n, list(shape)))
    return shape


def finished(made: Tensor, requires_grad: bool, where: Any = None, out: Any = None, flat: bool = False) -> Tensor:
    if where is not None:
        required(where)
    if out is not None:  # of as many elements as a series, it keeps its shape
        kept = flat and out.numel() == made.numel()
        return dispatch.into(out, made.reshape(tuple(out.shape)) if kept else made, warned=False)
    if requires_grad and not made.dtype.is_floating_point:
        raise RuntimeError(errors.REQUIRES_GRAD_FLOAT)
    return made.requires_grad_() if requires_grad else made
