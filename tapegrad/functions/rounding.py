"""Functions that round once where they are given halves: a table, and what reads it.

An operation on float16 or bfloat16 is computed in float32 by itself. What is composed of several would round after each
of them, and overflow where the result does not (the square of 300 is no float16).
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad import dispatch, dtypes
from tapegrad.functions.several_outputs import called
from tapegrad.tensor import Tensor

COMPOSED = {
    "conv1d", "conv2d", "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
    "batch_norm", "instance_norm", "group_norm", "layer_norm", "rms_norm", "local_response_norm",
    "interpolate", "upsample", "upsample_nearest", "upsample_bilinear", "grid_sample",
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d",
    "linear", "bilinear", "scaled_dot_product_attention", "cdist", "pdist", "cosine_similarity", "pairwise_distance",
    "normalize", "binary_cross_entropy_with_logits", "cross_entropy", "kl_div", "poisson_nll_loss", "gaussian_nll_loss",
    "triplet_margin_loss", "cosine_embedding_loss", "multi_margin_loss", "multilabel_margin_loss",
    "multilabel_soft_margin_loss", "ctc_loss",
    "addbmm", "baddbmm", "addr", "addmv", "addcmul", "addcdiv", "ldexp", "gradient", "dist", "cov", "corrcoef",
    "renorm", "trapezoid", "cumulative_trapezoid",
}
# Of these, whose parameters and statistics are of the input's dtype, or float32 beside halves.
ALIKE = {"batch_norm", "instance_norm", "group_norm", "layer_norm"}


def rounded_once(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of that name computed in float32 where it is given halves, if it is composed of several operations."""
    if name not in COMPOSED:
        return function
    code = function.__code__
    names = code.co_varnames[:code.co_argcount]

    def call(*args: Any, **kwargs: Any) -> Any:
        of = next((x.dtype for x in args if isinstance(x, Tensor)), None)
        if of is not None and name in ALIKE and (of.is_floating_point or name not in ("batch_norm", "instance_norm")):
            _expect_alike(of, {x.dtype for x in (*args, *kwargs.values()) if isinstance(x, Tensor)} - {of})
        if of not in dtypes.HALVES:
            return function(*args, **kwargs)
        others = {x.dtype for x in args if isinstance(x, Tensor) and x.dtype.is_floating_point} - {of}
        if others and not name.endswith("_norm"):
            return function(*args, **kwargs)  # which promotes them, or says what has to be the same
        given = [_wide(x, argument) for argument, x in zip((*names, *("",) * len(args)), args)]
        return _rounded(function(*given, **{argument: _wide(x, argument) for argument, x in kwargs.items()}), of,
                        name != "scaled_dot_product_attention")  # which PyTorch casts as it is

    call.__wrapped__ = function  # type: ignore[attr-defined]
    call.__name__, call.__doc__ = function.__name__, function.__doc__
    return call


def _expect_alike(of: dtypes.dtype, others: set[dtypes.dtype]) -> None:
    if others - {dtypes.float32}:
        raise RuntimeError("mixed dtype (CPU): expect parameter to have scalar type of Float")
    if others and of not in dtypes.HALVES:
        raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")


def _wide(x: Any, argument: str) -> Any:
    """An argument in float32; what is written (the statistics of batches) stays where it is."""
    half = isinstance(x, Tensor) and x.dtype in dtypes.HALVES and not argument.startswith("running_")
    return x.to(dtypes.float32) if half else x


def _rounded(x: Any, of: dtypes.dtype, one: bool) -> Any:
    """What was computed in float32 in another dtype; its node is called as it was, where the function is `one`."""
    if isinstance(x, (list, tuple)):
        return type(x)(_rounded(part, of, one) for part in x)
    if not isinstance(x, Tensor) or x.dtype is not dtypes.float32:
        return x
    node = x.grad_fn if one and x.requires_grad and dispatch.lanes is None else None
    return x.to(of) if node is None else called(type(node).__name__, x.to(of))
