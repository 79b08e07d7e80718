"""Functions whose result is a tensor of its own, though their Python ends with a view: a table, and what reads it.

A view follows its base: with every write to that memory it gets its history anew, and hooks stay with the old one. What
is a view of nothing but a temporary has no base that anyone could write to, so it is to be no view (as in PyTorch).
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tapegrad.functions.several_outputs import called
from tapegrad.functions.shaping.views import unsafe_view
from tapegrad.tensor import Tensor

# By name: what PyTorch calls the node of such a result, where that is no view of its own.
ENDING_WITH_A_VIEW = {
    **dict.fromkeys(("cholesky", "cholesky_ex"), "LinalgCholeskyExBackward0"), "lstsq": "LinalgLstsqBackward0",
    **dict.fromkeys(("quantile", "nanquantile"), "SqueezeBackward4"), "group_norm": "NativeGroupNormBackward0",
    "solve": "LinalgSolveExBackward0", "solve_triangular": "LinalgSolveTriangularBackward0",
    "svd": "TransposeBackward0", "triangular_solve": "TriangularSolveBackward0",
    **dict.fromkeys((
    "eigh", "lu", "lu_solve", "lu_unpack", "matrix_norm", "qr",
    "masked_scatter", "index_add", "index_copy", "index_fill", "index_reduce", "put",
    "unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes",
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
    "adaptive_max_pool3d", "fractional_max_pool2d", "fractional_max_pool3d", "max_unpool1d", "max_unpool2d",
    "max_unpool3d", "interpolate", "upsample", "upsample_bilinear", "pixel_shuffle", "pixel_unshuffle",
    "channel_shuffle", "native_channel_shuffle", "fold"), ""),
}


def apart(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of that name with no view for a result."""
    if name not in ENDING_WITH_A_VIEW:
        return function

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return _apart(function(*args, **kwargs), node)

    node = ENDING_WITH_A_VIEW[name]
    return call


def _apart(x: Any, node: str) -> Any:
    if isinstance(x, (list, tuple)):
        parts = [_apart(part, node) for part in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    if not isinstance(x, Tensor) or not x._is_view():
        return x
    found = called(node, x) if node else x
    return found if found is not x else unsafe_view(x, x.shape)
