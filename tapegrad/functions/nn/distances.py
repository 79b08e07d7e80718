"""Distances between points, and losses that ask for a margin."""
from __future__ import annotations

from typing import Any

import numpy as np

from tapegrad.creation import check_room, from_array
from tapegrad.functions.common import PUBLIC, expect_tensor, kind_name, public
from tapegrad.functions.linear_algebra.contractions import einsum
from tapegrad.functions.nn.activations import NN, nn
from tapegrad.functions.nn.losses import by_flags, check_reduction, pairwise_distance, reduced
from tapegrad.functions.nn.padding import tied
from tapegrad.functions.reducing.reductions import vector_norm
from tapegrad.functions.several_outputs import one_node
from tapegrad.tensor import Tensor

_MODES = (None, "use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")


@public
def cdist(x1: Any, x2: Tensor, p: float = 2.0, compute_mode: str | None = None) -> Any:
    """Distances of every point of one set to every point of another (`torch.cdist`)."""
    for name, x in (("X1", x1), ("X2", x2)):
        expect_tensor("cdist", x, name.lower())
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D")
        if not x.dtype.is_floating_point:
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {kind_name(x)}")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    if compute_mode not in _MODES:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    if x1.dtype is not x2.dtype:
        if x1.numel() and x2.numel():
            raise RuntimeError(f"expected scalar type {kind_name(x1)} but found {kind_name(x2)}")
        x2 = x2.to(x1.dtype)
    return one_node("CdistBackward0")(_between)(x1, x2, p)


def _between(x1: Any, x2: Any, p: float) -> Any:
    return vector_norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)


@public
@one_node("PdistBackward0")
def pdist(input: Tensor, p: float = 2.0) -> Any:
    """Distances of every pair of rows (`torch.nn.functional.pdist`)."""
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    if not input.dtype.is_floating_point:
        raise RuntimeError("pdist only supports floating-point dtypes")
    n, width = input.shape
    check_room(input.dtype, (n * (n - 1) // 2, width))
    first, second = (from_array(i) for i in np.triu_indices(input.shape[0], 1))
    return vector_norm(input[first] - input[second], p, -1)


@nn
def bilinear(input1: Any, input2: Tensor, weight: Tensor, bias: Any = None) -> Any:
    """x₁ᵀ W x₂ for every matrix W (`torch.nn.functional.bilinear`)."""
    if input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError("bilinear(): input batch dimensions do not match: got "
                           f"{list(input1.shape)} and {list(input2.shape)}")
    for number, x in ((1, input1), (2, input2)):
        if x.shape[-1] != weight.shape[number]:
            raise RuntimeError(f"bilinear(): input{number} size does not match weight size: got {x.shape[-1]} but "
                               f"expected {weight.shape[number]}")
    found = einsum("...i,kij,...j->...k", input1, weight, input2)
    return found if bias is None else found + bias


NN["pdist"] = pdist
PUBLIC["bilinear"] = bilinear


@nn
def triplet_margin_loss(anchor: Any, positive: Any, negative: Any, margin: float = 1.0, p: float = 2,
                        eps: float = 1e-6, swap: bool = False, size_average: Any = None, reduce: Any = None,
                        reduction: str = "mean") -> Any:
    """By how much the negative is not farther than the positive (`torch.nn.functional.triplet_margin_loss`)."""
    reduction = by_flags(size_average, reduce, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    for place, (name, x) in enumerate((("anchor", anchor), ("positive", positive), ("negative", negative)), 1):
        expect_tensor("triplet_margin_loss", x, name, place)
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError("The anchor, positive, and negative tensors are expected to have the same number of "
                           f"dimensions, but got: anchor {anchor.ndim}D, positive {positive.ndim}D, and negative "
                           f"{negative.ndim}D inputs")
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = PUBLIC["min"](far, pairwise_distance(positive, negative, p, eps))
    return reduced((near - far + margin).clamp_min(0), reduction)


@nn
def triplet_margin_with_distance_loss(anchor: Tensor, positive: Tensor, negative: Tensor, *,
                                      distance_function: Any = None, margin: float = 1.0, swap: bool = False,
                                      reduction: str = "mean") -> Any:
    """The same by any distance (`torch.nn.functional.triplet_margin_with_distance_loss`)."""
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    check_reduction(reduction)
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError("The anchor, positive, and negative tensors are expected to have the same number of "
                           "dimensions, "
                           f"but got: anchor {anchor.ndim}D, positive {positive.ndim}D, and negative {negative.ndim}D "
                           "inputs")
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))
    return reduced((near - far + margin).clamp_min(0), reduction)


def _positive(x: Any) -> Any:
    """What is above 0, which what is no number is not."""
    return PUBLIC["where"](x > 0, x, 0)


@nn
@one_node("MultiMarginLossBackward0")
def multi_margin_loss(input: Tensor, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None,
                      size_average: Any = None, reduce: Any = None, reduction: str = "mean") -> Any:
    """By how much other classes come near the right one (`torch.nn.functional.multi_margin_loss`)."""
    reduction = by_flags(size_average, reduce, reduction)
    expect_tensor("multi_margin_loss", target, "target", 2)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    check_reduction(reduction)
    if input.ndim > 2 or not all(input.shape[-1:]):
        raise RuntimeError("Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
                           f"{list(input.shape)}")
    if weight is not None and tuple(weight.shape) != tuple(input.shape[-1:]):
        raise RuntimeError(f"inconsistent weight size, expected {input.shape[-1]} but got {list(weight.shape)}")
    if weight is not None and weight.dtype is not input.dtype:
        raise RuntimeError(f"expected scalar type {kind_name(input)} but found {kind_name(weight)}")
    x, right = (tied(input), target) if input.ndim == 2 else (tied(input).reshape(1, -1), target.reshape(-1))
    if x.ndim != 2 or right.shape != x.shape[:1]:
        raise RuntimeError(f"inconsistent target size, expected {list(x.shape[:1])} but got {list(target.shape)}")
    right = right.unsqueeze(1)
    over = _positive(margin - x.gather(1, right) + x)
    over = over if p == 1 else over * over
    if weight is not None:
        over = over * weight[right]
    loss = over.scatter(1, right, 0.0).sum(1) / x.shape[1]
    return reduced(loss if input.ndim == 2 else loss.squeeze(0), reduction)


@nn
@one_node("MultilabelMarginLossBackward0")
def multilabel_margin_loss(input: Tensor, target: Any, size_average: Any = None, reduce: Any = None,
                           reduction: str = "mean") -> Any:
    """multi_margin_loss for several right classes, -1 after the last (`torch.nn.functional.multilabel_margin_loss`)."""
    reduction = by_flags(size_average, reduce, reduction)
    check_reduction(reduction)
    expect_tensor("multilabel_margin_loss", target, "target", 2)
    if input.ndim > 2 or not all(input.shape[-1:]):
        raise RuntimeError("Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
                           f"{list(input.shape)}")
    x, labels = (input, target) if input.ndim == 2 else (input.reshape(1, -1), target.reshape(1, -1))
    if labels.shape != x.shape:
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    if labels.dtype.name != "int64":
        raise RuntimeError(f"expected scalar type Long but found {kind_name(labels)}")
    if labels.numel() and not bool(((labels >= -1) & (labels < x.shape[1])).all()):
        raise RuntimeError("argument #2 'target' is out of range")
    counted = np.cumprod(labels._array() >= 0, 1, dtype=bool)  # labels count up to the first -1
    chosen = labels.clamp(min=0)
    is_label = np.zeros(tuple(x.shape), bool)
    rows, _ = np.nonzero(counted)
    is_label[rows, labels._array()[counted]] = True
    over = _positive(1 - x.gather(1, chosen).unsqueeze(2) + x.unsqueeze(1))
    used = from_array(counted[:, :, None] & ~is_label[:, None, :])
    loss = over.masked_fill(~used, 0).sum((1, 2)) / x.shape[1]
    return reduced(loss if input.ndim == 2 else loss.squeeze(0), reduction)


@nn
def multilabel_soft_margin_loss(input: Tensor, target: Any, weight: Any = None, size_average: Any = None,
                                reduce: Any = None, reduction: str = "mean") -> Any:
    """The mean over classes of their cross entropies (`torch.nn.functional.multilabel_soft_margin_loss`)."""
    reduction = by_flags(size_average, reduce, reduction)
    likely = NN["logsigmoid"]
    loss = -(target * likely(input) + (1 - target) * likely(-input))
    if weight is not None:
        loss = loss * weight
    axis = input.ndim - 1  # of what may have come to have more
    return reduced(loss.sum(axis) / input.shape[axis], reduction)


