"""Losses: of numbers against numbers, of logits against classes."""
from __future__ import annotations

import math
from typing import Any

from tapegrad.creation import arange, ones
from tapegrad.dispatch import apply
from tapegrad.functions.common import PUBLIC, expect_tensor, kind_name, operation, public, warn
from tapegrad.functions.indexing.subscripts import read
from tapegrad.functions.nn.activations import nn
from tapegrad.functions.nn.layers import linear
from tapegrad.functions.pointwise.arithmetic import where
from tapegrad.functions.queries import result_type
from tapegrad.functions.reducing.reductions import vector_norm
from tapegrad.functions.several_outputs import called, one_node
from tapegrad.functions.shaping.views import broadcast_tensors
from tapegrad.machine.live import planner
from tapegrad.tensor import Tensor


def reduced(loss: Any, reduction: str) -> Any:
    """A loss an element as its mean, its sum, or as it is."""
    if reduction == "none":
        return loss
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    raise ValueError(f"{reduction} is not a valid value for reduction")


def check_reduction(reduction: str) -> None:
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")


def by_flags(size_average: Any, reduce: Any, reduction: str) -> str:
    """The deprecated pair of flags as a reduction."""
    if size_average is None and reduce is None:
        return reduction
    if reduce is not None and not reduce:
        return "none"
    return "sum" if size_average is not None and not size_average else "mean"


def _paired(name: str, input: Tensor, target: Any) -> tuple[Any, Any]:
    if tuple(input.shape) == tuple(target.shape):
        return input, target
    warn(f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). This will likely "
         "lead to incorrect results due to broadcasting. Please ensure they have the same size.")
    return broadcast_tensors(input, target)


@nn
def mse_loss(input: Tensor, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
             weight: Any = None) -> Any:
    """The mean squared difference (`torch.nn.functional.mse_loss`)."""
    input, target = _paired("mse_loss", input, target)
    reduction = by_flags(size_average, reduce, reduction)
    if weight is not None:
        return _weighted((input - target) ** 2, weight, reduction)
    common = result_type(input, target)
    if not common.is_floating_point:
        raise NotImplementedError(f"\"mse_cpu\" not implemented for '{planner.name_of(common)}'")
    input, target = (x if x.dtype is common else x.to(common) for x in (input, target))
    if reduction == "mean":
        return apply(operation("mse_loss"), (input, target), (("dim", tuple(range(input.ndim))),))
    return one_node("MseLossBackward0")(_squared)(input, target, reduction)


def _squared(input: Any, target: Any, reduction: str) -> Any:
    return reduced((input - target) ** 2, reduction)


def _weighted(loss: Any, weight: Any, reduction: str) -> Any:
    if tuple(weight.shape) != tuple(loss.shape):
        raise ValueError("Inputs and weight must have the same size.")
    total = loss * weight
    return total.sum() / weight.sum() if reduction == "mean" else reduced(total, reduction)


@nn
def l1_loss(input: Tensor, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
            weight: Any = None) -> Any:
    """The mean absolute difference (`torch.nn.functional.l1_loss`)."""
    input, target = _paired("l1_loss", input, target)
    reduction = by_flags(size_average, reduce, reduction)
    loss = abs(input - target)
    return reduced(loss, reduction) if weight is None else _weighted(loss, weight, reduction)


@nn
@one_node("SmoothL1LossBackward0", 1)
def smooth_l1_loss(input: Tensor, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
                   beta: float = 1.0) -> Any:
    """Squared where the difference is below `beta`, absolute beyond (`torch.nn.functional.smooth_l1_loss`)."""
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    input, target = _paired("smooth_l1_loss", input, target)
    reduction = by_flags(size_average, reduce, reduction)
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    return reduced(apply(operation("smooth_l1"), (input, target), (("beta", float(beta)),)), reduction)


@nn
@one_node("HuberLossBackward0", 1)
def huber_loss(input: Tensor, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Any:
    """Squared near zero, linear beyond `delta` (`torch.nn.functional.huber_loss`)."""
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    input, target = _paired("huber_loss", input, target)
    loss = apply(operation("huber"), (input, target), (("delta", float(delta)),))
    if not input.dtype.is_floating_point:
        raise RuntimeError(f"result type {kind_name(loss)} can't be cast to the desired output type {kind_name(input)}")
    loss = loss if loss.dtype is input.dtype else loss.to(input.dtype)
    return reduced(loss, reduction) if weight is None else _weighted(loss, weight, reduction)


@nn
@one_node("BinaryCrossEntropyBackward0", 1)
def binary_cross_entropy(input: Tensor, target: Any, weight: Any = None, size_average: Any = None, reduce: Any = None,
                         reduction: str = "mean") -> Any:
    """The cross entropy of probabilities (`torch.nn.functional.binary_cross_entropy`)."""
    if tuple(input.shape) != tuple(target.shape):
        raise ValueError(f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is "
                         "deprecated. Please ensure they have the same size.")
    if target.dtype is not input.dtype:
        raise RuntimeError(f"Found dtype {kind_name(target)} but expected {kind_name(input)}")
    loss = apply(operation("bce"), (input, target))
    if weight is not None:
        loss = (loss * weight).to(input.dtype)
    return reduced(loss, by_flags(size_average, reduce, reduction))


@nn
@one_node("BinaryCrossEntropyWithLogitsBackward0", 1)
def binary_cross_entropy_with_logits(input: Tensor, target: Any, weight: Any = None, size_average: Any = None,
                                     reduce: Any = None, reduction: str = "mean", pos_weight: Any = None) -> Any:
    """The cross entropy of the sigmoid of `input` (`torch.nn.functional.binary_cross_entropy_with_logits`)."""
    if tuple(input.shape) != tuple(target.shape):
        raise ValueError(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"log_sigmoid_cpu\" not implemented for '{kind_name(input)}'")
    if not target.dtype.is_floating_point:
        _ = target - target  # of masks, this is refused
        raise RuntimeError(f"result type {kind_name(input)} can't be cast to the desired output type "
                           f"{kind_name(target)}")
    if pos_weight is None:
        loss = apply(operation("bce_logits"), (input, target))
    else:
        loss = apply(operation("bce_logits_weighted"), (input, target, pos_weight))
    if weight is not None:
        loss = loss * weight
    if target.dtype.is_floating_point and loss.dtype is not target.dtype:
        loss = loss.to(target.dtype)
    return reduced(loss, by_flags(size_average, reduce, reduction))


@nn
def kl_div(input: Tensor, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
           log_target: bool = False) -> Any:
    """The Kullback-Leibler divergence from log-probabilities (`torch.nn.functional.kl_div`)."""
    expect_tensor("kl_div", target, "target", 2)
    if not (input.dtype.is_floating_point and target.dtype.is_floating_point):
        raise RuntimeError("kl_div: Integral inputs not supported.")
    if reduction == "mean" and size_average is None and reduce is None:
        warn("reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides "
             "only by the batch size, and aligns with the KL div math definition.'mean' will be changed to behave the "
             "same as 'batchmean' in the next major release.")
    loss = target.exp() * (target - input) if log_target else target.xlogy(target) - target * input
    if reduction == "batchmean":
        return loss.sum() / input.shape[0] if input.ndim else loss.sum()
    return reduced(loss, by_flags(size_average, reduce, reduction))


@nn
def poisson_nll_loss(input: Tensor, target: Any, log_input: bool = True, full: bool = False, size_average: Any = None,
                     eps: float = 1e-8, reduce: Any = None, reduction: str = "mean") -> Any:
    """The negative log-likelihood of a Poisson distribution (`torch.nn.functional.poisson_nll_loss`)."""
    reduction = by_flags(size_average, reduce, reduction)
    check_reduction(reduction)
    expect_tensor("poisson_nll_loss", target, "target", 2)
    loss = input.exp() - target * input if log_input else input - target * input.add(eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return reduced(loss, reduction)


@nn
def gaussian_nll_loss(input: Tensor, target: Any, var: Any, full: bool = False, eps: float = 1e-6,
                      reduction: str = "mean") -> Any:
    """The negative log-likelihood of a normal distribution (`torch.nn.functional.gaussian_nll_loss`)."""
    if not hasattr(var, "shape"):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = var * input.new_ones(tuple(input.shape))
    elif bool((var < 0).any()):
        raise ValueError("var has negative entry/entries")
    if tuple(var.shape) != tuple(input.shape):
        if tuple(input.shape[:-1]) == tuple(var.shape):
            var = var.unsqueeze(-1)
        elif not (tuple(input.shape[:-1]) == tuple(var.shape[:-1]) and var.shape[-1] == 1) and any(
                n not in (m, 1) for n, m in zip(var.shape, input.shape)):
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    kept = var.detach().clamp(min=eps)
    var = var + (kept - var.detach())  # the gradient passes the bound
    loss = 0.5 * (var.log() + (input - target) ** 2 / var)
    return reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)


@nn
def hinge_embedding_loss(input: Tensor, target: Any, margin: float = 1.0, size_average: Any = None, reduce: Any = None,
                         reduction: str = "mean") -> Any:
    expect_tensor("hinge_embedding_loss", target, "target", 2)
    far = input.neg().add(margin).to(input.dtype).clamp_min(0)
    zero = input.new_zeros(())
    loss = PUBLIC["where"](target != 1, far, zero) + PUBLIC["where"](target != -1, input, zero)
    return reduced(loss, by_flags(size_average, reduce, reduction))


@nn
def margin_ranking_loss(input1: Any, input2: Any, target: Any, margin: float = 0, size_average: Any = None,
                        reduce: Any = None, reduction: str = "mean") -> Any:
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError("margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
                           f"{input1.shape}, input2: {input2.shape}, target: {target.shape} ")
    return reduced((-target * (input1 - input2) + margin * 1.0).clamp_min(0), by_flags(size_average, reduce, reduction))


@nn
@one_node("SoftMarginLossBackward0", 1)
def soft_margin_loss(input: Tensor, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
                     ) -> Any:
    expect_tensor("soft_margin_loss", target, "target", 2)
    loss = (-input * target).exp().log1p()
    if loss.shape != input.shape:  # which PyTorch writes over the product's first factor
        raise RuntimeError(f"output with shape {list(input.shape)} doesn't match the broadcast shape "
                           f"{list(loss.shape)}")
    if not input.dtype.is_floating_point:
        raise RuntimeError(f"result type {kind_name(loss)} can't be cast to the desired output type "
                           f"{kind_name(input)}")
    if loss.dtype is not input.dtype:
        loss = loss.to(input.dtype)
    return reduced(loss, by_flags(size_average, reduce, reduction))


@public
@nn
def cosine_similarity(x1: Any, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between vectors (`torch.nn.functional.cosine_similarity`)."""
    common = result_type(x1, x2)
    if eps < 0:
        raise RuntimeError(f"eps must be non-negative, got: {eps:g}")
    if not common.is_floating_point:
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {kind_name(x1)}")
    x1, x2 = broadcast_tensors(*(x if x.dtype.is_floating_point else x.to(common) for x in (x1, x2)))
    a, b = (x / vector_norm(x, 2, dim, True).clamp(min=eps) for x in (x1, x2))
    return (a * b).sum(dim)


@nn
def cosine_embedding_loss(input1: Any, input2: Any, target: Any, margin: float = 0, size_average: Any = None,
                          reduce: Any = None, reduction: str = "mean") -> Any:
    for place, (name, x) in enumerate({"input1": input1, "input2": input2, "target": target}.items(), 1):
        expect_tensor("cosine_embedding_loss", x, name, place)
    if target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if not input1.ndim == input2.ndim == target.ndim + 1:
        raise RuntimeError(f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found inputs "
                           f"with sizes {list(input1.shape)} and {list(input2.shape)}.")
    dim = input1.ndim - 1
    eps = 1e-12
    product = (input1 * input2).sum(dim)
    cosine = product / (((input1 * input1).sum(dim) + eps) * ((input2 * input2).sum(dim) + eps)).sqrt()
    zero = cosine.new_zeros(tuple(cosine.shape))
    loss = PUBLIC["where"](target == 1, 1 - cosine, zero) + PUBLIC["where"](
        target == -1, (cosine - float(margin)).clamp_min(0), zero)
    return reduced(loss, by_flags(size_average, reduce, reduction))


@public
@nn
def pairwise_distance(x1: Any, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """The norms of differences (`torch.nn.functional.pairwise_distance`)."""
    return called("NormBackward1", vector_norm(x1 - x2 + eps, p, -1, keepdim))


# ---------------------------------------------------------------- classes


def _classes(input: Tensor) -> tuple[int, int]:
    """(the axis of classes, how many there are)."""
    axis = 0 if input.ndim == 1 else 1
    return axis, input.shape[axis]


def _expect_classes(input: Tensor, target: Any) -> Any:
    """The target, if it has a class for each row of an input."""
    batch = target.shape[0] if target.ndim else 0
    if input.ndim > 1 and input.shape[0] != batch:
        raise ValueError(f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({batch}).")
    if input.ndim < 3 and target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if input.ndim == 1:
        if target.numel() != 1:
            raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {target.numel()}")
        return target.reshape(())
    expected = [input.shape[0], *input.shape[2:]]
    if input.ndim == 4 and target.ndim != 3:
        raise RuntimeError("only batches of spatial targets supported (3D tensors) but got targets of dimension: "
                           f"{target.ndim}")
    if input.ndim > 2 and list(target.shape) != expected:
        raise RuntimeError(f"Expected target size {expected}, got {list(target.shape)}")
    return target


@nn
def nll_loss(input: Tensor, target: Any, weight: Any = None, size_average: Any = None, ignore_index: int = -100,
             reduce: Any = None, reduction: str = "mean") -> Any:
    """The negative log-likelihood of classes (`torch.nn.functional.nll_loss`)."""
    reduction = by_flags(size_average, reduce, reduction)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    expect_tensor("nll_loss_nd", target, "target", 2)
    if not input.ndim:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    axis, n = _classes(input)
    target = _expect_classes(input, target)
    if target.dtype.name not in ("int64", "uint8"):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {kind_name(target)}")
    target = target.long()
    if weight is not None and tuple(weight.shape) != (n,):
        raise RuntimeError(f"weight tensor should be defined either for all {n} classes or no classes but got weight "
                           f"tensor of shape: {list(weight.shape)}")
    if weight is not None and weight.dtype is not input.dtype:
        raise RuntimeError(f"expected scalar type {kind_name(input)} but found {kind_name(weight)}")
    shape = [1] * axis + [n] + [1] * (input.ndim - axis - 1)
    classes = apply(operation("checked_class"), (target,), (("size", n), ("ignored", ignore_index)))
    kept = target != ignore_index
    factor = ones(shape, dtype=input.dtype) if weight is None else weight.reshape(shape)
    operands = (input, classes.unsqueeze(axis), arange(n).reshape(shape), factor)
    if reduction == "mean" and not target.numel():
        return input.sum() * math.nan
    if reduction == "mean":
        total = kept.sum() if weight is None else where(kept, weight[where(kept, target, 0)], 0).sum()
        return apply(operation("nll_loss_mean"), (*operands, 1 / total.to(input.dtype)), (
            ("dim", tuple(range(input.ndim))), ("keepdim", False)))
    dims = (axis,) if reduction == "none" else tuple(range(input.ndim))
    return apply(operation("nll_loss"), operands, (("dim", dims), ("keepdim", False)))


@nn
def cross_entropy(input: Tensor, target: Any, weight: Any = None, size_average: Any = None, ignore_index: int = -100,
                  reduce: Any = None, reduction: str = "mean", label_smoothing: float = 0.0) -> Any:
    """The cross entropy of classes, or of class probabilities (`torch.nn.functional.cross_entropy`)."""
    reduction = by_flags(size_average, reduce, reduction)
    expect_tensor("cross_entropy_loss", target, "target", 2)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    if tuple(input.shape) == tuple(target.shape) and not target.dtype.is_floating_point:
        raise RuntimeError(f"Expected floating point type for target with class probabilities, got {kind_name(target)}")
    axis, n = _classes(input)
    logs = input.log_softmax(axis)
    if tuple(input.shape) == tuple(target.shape):
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        if label_smoothing:
            target = target * (1 - label_smoothing) + label_smoothing / n
        if weight is not None:
            logs = logs * weight.reshape([1] * axis + [n] + [1] * (input.ndim - axis - 1))
        if reduction == "mean":
            return apply(operation("div"), (-(logs * target).sum(), input.numel() / n), node="DivBackward1")
        check_reduction(reduction)
        return -((logs * target).sum() if reduction == "sum" else (logs * target).sum(axis))
    if not label_smoothing:
        return nll_loss(logs, target, weight, ignore_index=ignore_index, reduction=reduction)
    plain = nll_loss(logs, target, weight, ignore_index=ignore_index, reduction=reduction)
    kept = target != ignore_index
    if weight is not None:
        smooth = -(logs * weight.reshape([1] * axis + [n] + [1] * (input.ndim - axis - 1))).sum(axis)
    else:
        smooth = -logs.sum(axis)
    smooth = smooth.masked_fill(~kept, 0)
    if reduction == "mean":
        if weight is None:
            smooth = smooth.sum() / kept.sum()
        else:
            safe = target.masked_fill(~kept, 0)
            factor = read("index_select", weight, (safe.reshape(-1),), ("axes", (0,))).reshape(tuple(safe.shape))
            smooth = smooth.sum() / (factor * kept.to(input.dtype)).sum()
    else:
        smooth = reduced(smooth, reduction)
    return (1 - label_smoothing) * plain + label_smoothing / n * smooth


@nn
def linear_cross_entropy(input: Tensor, linear_weight: Tensor, target: Tensor, *, linear_bias: Any = None,
                         weight: Any = None, reduction: str = "mean", ignore_index: int | None = None,
                         label_smoothing: float = 0.0, options: Any = None) -> Any:
    """The cross entropy of a linear layer's logits (`torch.nn.functional.linear_cross_entropy`).

    The layer's weight is (classes, …, features); `options`, which save memory in PyTorch, are taken and not needed.
    """
    classes, *places, features = linear_weight.shape
    bias = None if linear_bias is None else linear_bias.reshape(-1)
    logits = linear(input, linear_weight.reshape(-1, features), bias).reshape(*input.shape[:-1], classes, *places)
    return cross_entropy(logits, target, weight, ignore_index=-100 if ignore_index is None else ignore_index,
                         reduction=reduction, label_smoothing=label_smoothing)
