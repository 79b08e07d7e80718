"""The numbers that some functions multiply an operand by: `alpha`, `beta`, `value`."""
from __future__ import annotations

from typing import Any

from tapegrad import dtypes
from tapegrad.functions.queries import common_dtype
from tapegrad.tensor import Tensor


def scaled(x: Any, factor: Any, name: str, *others: Any, strict: bool = True) -> Any:
    """`factor * x` in the dtype that `x` has in common with the other operands.

    >>> import tapegrad
    >>> scaled(tapegrad.tensor([100], dtype=tapegrad.int8), 2, "alpha", tapegrad.ones(1))
    tensor([200.])

    RuntimeError for a factor that does not fit this dtype; unless `strict`, a fraction is cut off first.
    """
    if type(factor) is float and type(x) is Tensor and x.dtype.is_floating_point and all(
            x._layout == getattr(y, "_layout", 0) for y in others):  # as optimisers call it
        return x * factor
    if isinstance(factor, Tensor):
        factor = factor.item()
    if not isinstance(x, Tensor) and not any(isinstance(y, Tensor) for y in others):
        return x * factor
    same = isinstance(x, Tensor) and all(isinstance(y, Tensor) and y.dtype is x.dtype for y in others)
    dtype = x.dtype if same else common_dtype(x, *others)
    if strict and isinstance(factor, float) and not dtype.is_floating_point:
        raise RuntimeError(f"For integral input tensors, argument {name} must not be a floating point number.")
    if strict and isinstance(factor, bool) and dtype is not dtypes.bool_:
        raise RuntimeError(f"Boolean {name} only supported for Boolean results.")
    factor = dtypes.fitted(factor, dtype)
    if not isinstance(x, Tensor):
        return x * factor
    if dtype is dtypes.bool_:
        return x if factor else x.logical_and(x.new_zeros(()))
    return x if factor == 1 else (x if same else x.to(dtype)) * factor
