"""Numbers at equal distances, and the identity."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapegrad import dispatch, dtypes, progressions
from tapegrad.creation.arguments import checked_shape, finished, wanted
from tapegrad.creation.data import check_room, filled, from_array
from tapegrad.dtypes import dtype as Dtype
from tapegrad.machine.learning import lessons
from tapegrad.signatures import described
from tapegrad.tensor import Tensor


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
    progressions.check_range(start, end, step)
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
    return finished(from_array(values, dtype), requires_grad, device, out, flat=True)


def check_ends(name: str, start: Any, end: Any) -> None:
    """RuntimeError if one of two tensors is no number."""
    for x in (start, end):
        if isinstance(x, Tensor) and x.ndim:
            raise RuntimeError(f"{name} only supports 0-dimensional start and end tensors, but got "
                               f"{'start' if x is start else 'end'} with {x.ndim} dimension(s).")


@described
def linspace(start: Any, end: Any, steps: int, *, out: Any = None,
              dtype: Dtype | None = None, layout: Any = None, device: Any = None,
             pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """`steps` numbers from `start` to `end`, both included (`torch.linspace`).

    >>> import tapegrad as torch
    >>> torch.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    check_ends("linspace", start, end)
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    dtype = wanted(dtype, out) or dtypes.default_dtype()
    if dtype is dtypes.bool_:
        raise NotImplementedError("\"linspace_cpu\" not implemented for 'Bool'")
    kind = dtype.arithmetic.numpy.type if dtype.is_floating_point else np.float64
    start, end = (kind(float(v) if dtype.is_floating_point else dtypes.fitted(int(v), dtype)) for v in (start, end))
    check_room(dtype, (steps,))
    return finished(from_array(progressions.between(start, end, steps), dtype), requires_grad, device, out, flat=True)


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
    return finished(_identity(n, n if m is None else m, dtype), requires_grad, device, out)


@lessons.constant
def _identity(n: int, m: int, dtype: Dtype) -> Tensor:
    def write(memory: np.ndarray[Any, Any]) -> None:  # `np.eye` takes new memory, which is dearer than the matrix
        memory[...] = np.zeros((), memory.dtype)
        memory.reshape(-1)[:min(n, m) * m:m + 1] = dtypes.encoded(np.ones(1, "f4"), dtype) if (
            dtype in dtypes.HALVES) else 1

    return filled(dtype, checked_shape((n, m)), write)
