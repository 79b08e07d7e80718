"""Functions whose result is a tensor of its own, though their Python ends with a view: a table, and what reads it.

A view follows its base: with every write to that memory it gets its history anew, and hooks stay with the old one. What
is a view of nothing but a temporary has no base that anyone could write to, so it is to be no view (as in PyTorch).
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tapegrad.functions.shaping.views import unsafe_view
from tapegrad.tensor import Tensor

ENDING_WITH_A_VIEW = {
    "cholesky", "cholesky_ex", "eigh", "lstsq", "lu", "lu_solve", "lu_unpack", "matrix_norm", "qr", "solve",
    "solve_triangular", "svd", "triangular_solve",
    "masked_scatter", "index_add", "index_copy", "index_fill", "index_reduce", "put", "quantile", "nanquantile",
    "unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes",
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
    "adaptive_max_pool3d", "fractional_max_pool2d", "fractional_max_pool3d", "max_unpool1d", "max_unpool2d",
    "max_unpool3d", "group_norm", "interpolate", "upsample", "upsample_bilinear", "pixel_shuffle", "pixel_unshuffle",
    "channel_shuffle", "native_channel_shuffle", "fold",
}


def apart(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of that name with no view for a result."""
    if name not in ENDING_WITH_A_VIEW:
        return function

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return _apart(function(*args, **kwargs))

    return call


def _apart(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        parts = map(_apart, x)
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    return unsafe_view(x, x.shape) if isinstance(x, Tensor) and x._is_view() else x
