"""What `nn.functional` calls in the root, with numbers where it has words (`torch.layer_norm`, `torch.kl_div`, …)."""
from __future__ import annotations

from typing import Any

from tapegrad import dtypes
from tapegrad.autograd.function import Function
from tapegrad.creation import ones_like
from tapegrad.drawing import chosen_like
from tapegrad.functions.common import public
from tapegrad.functions.nn.activations import NN
from tapegrad.functions.nn.normalisation import over_batch
from tapegrad.signatures import Number, Sizes
from tapegrad.tensor import Tensor


def _reduction(number: int) -> str:
    """What `nn.functional` calls it; where the number is left out PyTorch reduces nothing, whatever its schemas say."""
    return {1: "mean", 2: "sum"}.get(number, "none")


@public
def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Any = None, pos_weight: Any = None,
                                     reduction: int = 0) -> Any:
    """Binary cross entropy of logits, reduced by number (`torch.binary_cross_entropy_with_logits`)."""
    return NN["binary_cross_entropy_with_logits"](input, target, weight, pos_weight=pos_weight,
                                                  reduction=_reduction(reduction))


@public
def cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
                          ) -> Any:
    """`nn.functional.cosine_embedding_loss`, reduced by number (`torch.cosine_embedding_loss`)."""
    return NN["cosine_embedding_loss"](input1, input2, target, margin, reduction=_reduction(reduction))


@public
def ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0,
             reduction: int = 0, zero_infinity: bool = False) -> Any:
    """`nn.functional.ctc_loss`, reduced by number (`torch.ctc_loss`)."""
    return NN["ctc_loss"](log_probs, targets, input_lengths, target_lengths, blank, _reduction(reduction),
                          zero_infinity)


@public
def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 0) -> Any:
    """`nn.functional.hinge_embedding_loss`, reduced by number (`torch.hinge_embedding_loss`)."""
    return NN["hinge_embedding_loss"](input, target, margin, reduction=_reduction(reduction))


@public
def kl_div(input: Tensor, target: Tensor, reduction: int = 0, *, log_target: bool = False) -> Any:
    """`nn.functional.kl_div`, reduced by number: 0 for none, 1 for the mean, 2 for the sum (`torch.kl_div`).

    >>> import tapegrad as torch
    >>> torch.kl_div(torch.tensor([0.0, 0.0]), torch.tensor([0.5, 0.5]), 2)
    tensor(-0.6931)
    """
    how = _reduction(reduction)
    loss = NN["kl_div"](input, target, reduction="none" if how == "mean" else how, log_target=log_target)
    return loss.mean() if how == "mean" else loss  # without the warning that the mean has there


@public
def margin_ranking_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0) -> Any:
    """`nn.functional.margin_ranking_loss`, reduced by number (`torch.margin_ranking_loss`)."""
    return NN["margin_ranking_loss"](input1, input2, target, margin, reduction=_reduction(reduction))


@public
def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int) -> Any:
    """`nn.functional.poisson_nll_loss`, reduced by number (`torch.poisson_nll_loss`)."""
    return NN["poisson_nll_loss"](input, target, log_input, full, eps=eps, reduction=_reduction(reduction))


@public
def triplet_margin_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2.0,
                        eps: float = 1e-06, swap: bool = False, reduction: int = 0) -> Any:
    """`nn.functional.triplet_margin_loss`, reduced by number (`torch.triplet_margin_loss`)."""
    return NN["triplet_margin_loss"](anchor, positive, negative, margin, p, eps, swap, reduction=_reduction(reduction))


@public
def layer_norm(input: Tensor, normalized_shape: Sizes, weight: Any = None, bias: Any = None, eps: float = 1e-05,
               cudnn_enable: bool = True) -> Any:
    """`nn.functional.layer_norm`; the last argument is of no consequence here (`torch.layer_norm`)."""
    return NN["layer_norm"](input, normalized_shape, weight, bias, eps)


@public
def batch_norm(input: Tensor, weight: Any, bias: Any, running_mean: Any, running_var: Any, training: bool,
               momentum: float, eps: float, cudnn_enabled: bool) -> Any:
    """`nn.functional.batch_norm`, in another order of arguments (`torch.batch_norm`)."""
    return over_batch(input, running_mean, running_var, weight, bias, training, momentum, eps)


@public
def instance_norm(input: Tensor, weight: Any, bias: Any, running_mean: Any, running_var: Any, use_input_stats: bool,
                  momentum: float, eps: float, cudnn_enabled: bool) -> Any:
    """`nn.functional.instance_norm`, in another order of arguments (`torch.instance_norm`)."""
    return NN["instance_norm"](input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


@public
def rrelu(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, generator: Any = None
          ) -> Any:
    """What `nn.functional.rrelu` gives (`torch.rrelu`)."""
    return NN["rrelu"](input, lower, upper, training)


@public
def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, generator: Any = None
           ) -> Any:
    """`nn.functional.rrelu` in place (`torch.rrelu_`)."""
    return NN["rrelu"](input, lower, upper, training, True)


@public
def threshold_(input: Tensor, threshold: float, value: float) -> Any:
    """`nn.functional.threshold` in place (`torch.threshold_`)."""
    return NN["threshold"](input, threshold, value, True)


@public
def constant_pad_nd(input: Tensor, pad: Sizes, value: Number = 0) -> Any:
    """`nn.functional.pad` with a value (`torch.constant_pad_nd`)."""
    return NN["pad"](input, pad, "constant", value)


@public
def affine_grid_generator(theta: Tensor, size: Sizes, align_corners: bool) -> Any:
    """What `nn.functional.affine_grid` gives (`torch.affine_grid_generator`)."""
    return NN["affine_grid"](theta, size, align_corners)


@public
def grid_sampler(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Any:
    """`nn.functional.grid_sample`, with its modes by number (`torch.grid_sampler`)."""
    return NN["grid_sample"](input, grid, ("bilinear", "nearest", "bicubic")[interpolation_mode],
                             ("zeros", "border", "reflection")[padding_mode], align_corners)


@public
def convolution(input: Tensor, weight: Tensor, bias: Any, stride: Any, padding: Any, dilation: Any, transposed: bool,
                output_padding: Any, groups: int) -> Any:
    """A convolution in as many axes as the weight says, or its adjoint (`torch.convolution`)."""
    name = f"conv{'_transpose' * transposed}{weight.ndim - 2}d"
    if name not in NN:
        raise RuntimeError(f"Expected 3D, 4D or 5D weight for convolution, but got a weight of size {[*weight.shape]}")
    if transposed:
        return NN[name](input, weight, bias, stride, padding, output_padding, groups, dilation)
    return NN[name](input, weight, bias, stride, padding, dilation, groups)


class NativeDropout(Function):
    """Elements that are kept, scaled up, and which they are."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, p: float) -> Any:
        kept = chosen_like(input, 1 - p)
        mask = kept.to(dtypes.bool_)
        ctx.mark_non_differentiable(mask)
        ctx.save_for_backward(kept)
        ctx.scale = 0.0 if p == 1 else 1 / (1 - p)
        return input * kept * ctx.scale, mask

    @staticmethod
    def backward(ctx: Any, g: Any, _: Any) -> Any:
        (kept,) = ctx.saved_tensors
        return g * kept * ctx.scale, None


@public
def native_dropout(input: Tensor, p: float, train: bool | None) -> Any:
    """Elements set to zero at random, and a mask of those that are not (`torch.native_dropout`).

    >>> import tapegrad as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.native_dropout(torch.ones(3), 0.5, True)
    (tensor([0., 0., 2.]), tensor([False, False,  True]))
    """
    if not input.numel():
        return input, ones_like(input)
    if train is False:
        return input.clone(), ones_like(input, dtype=dtypes.bool_)
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={1 - p:g}")
    return NativeDropout.apply(input, p)
