"""Losses: how far predictions are from what they should be, as a mean, a sum or one by one."""
from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tapegrad.namespaces import show_public
from tapegrad.nn import _reduction
from tapegrad.nn import functional as F
from tapegrad.nn.modules._layer import Layer
from tapegrad.nn.modules.distance import PairwiseDistance
from tapegrad.nn.modules.linear import Linear

show_public(__name__)


class _Loss(Layer, family=True):
    """`reduction` is "mean", "sum" or "none"; `size_average` and `reduce` are how it was said once."""

    _shows = ""

    def _set(self, options: dict[str, Any]) -> None:
        flags = options.pop("size_average", None), options.pop("reduce", None)
        if flags != (None, None):
            options["reduction"] = _reduction.legacy_get_string(*flags)
        super()._set(options)


class _WeightedLoss(_Loss):
    """A loss with weights that are part of its state: buffers."""

    def _set(self, options: dict[str, Any]) -> None:
        weight = options.pop("weight")
        super()._set(options)
        self.register_buffer("weight", weight)


_OLD = "size_average reduce"  # what a loss takes and its function need not be told


class L1Loss(_Loss, function="l1_loss", operands="input, target", withheld=_OLD):
    """The differences (`torch.nn.L1Loss`).

    >>> import tapegrad as torch
    >>> torch.nn.L1Loss()(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.5, 2.0, 1.0]))
    tensor(0.8333)
    """

    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class NLLLoss(_WeightedLoss, function="nll_loss", operands="input, target", withheld=_OLD):
    """The negative log-likelihood of classes, from their log-probabilities (`torch.nn.NLLLoss`).

    >>> import tapegrad as torch
    >>> torch.nn.NLLLoss()(torch.tensor([[0.25, 0.75]]).log(), torch.tensor([1]))
    tensor(0.2877)
    """

    weight: Any = None
    size_average: Any = None
    ignore_index: int = -100
    reduce: Any = None
    reduction: str = "mean"


class PoissonNLLLoss(_Loss, function="poisson_nll_loss", operands="log_input, target", withheld=_OLD):
    """The negative log-likelihood of counts (`torch.nn.PoissonNLLLoss`).

    >>> import tapegrad as torch
    >>> torch.nn.PoissonNLLLoss()(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 2.0]))
    tensor(0.8591)
    """

    log_input: bool = True
    full: bool = False
    size_average: Any = None
    eps: float = 1e-8
    reduce: Any = None
    reduction: str = "mean"


class GaussianNLLLoss(_Loss, function="gaussian_nll_loss", operands="input, target, var", kw_only=True):
    """The negative log-likelihood of normal numbers of given variances (`torch.nn.GaussianNLLLoss`).

    >>> import tapegrad as torch
    >>> torch.nn.GaussianNLLLoss()(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]), torch.ones(2))
    tensor(1.)
    """

    full: bool = False
    eps: float = 1e-6
    reduction: str = "mean"


class KLDivLoss(_Loss, function="kl_div", operands="input, target", withheld=_OLD):
    """The divergence of Kullback and Leibler, from log-probabilities (`torch.nn.KLDivLoss`).

    >>> import tapegrad as torch
    >>> torch.nn.KLDivLoss(reduction='sum')(torch.tensor([0.5, 0.5]).log(), torch.tensor([0.25, 0.75]))
    tensor(0.1308)
    """

    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"
    log_target: bool = False


class MSELoss(_Loss, function="mse_loss", operands="input, target", withheld=_OLD):
    """The squares of differences (`torch.nn.MSELoss`).

    >>> import tapegrad as torch
    >>> torch.nn.MSELoss()(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
    tensor(2.)
    >>> torch.nn.MSELoss(reduction="none")(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
    tensor([0., 4.])
    """

    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class BCELoss(_WeightedLoss, function="binary_cross_entropy", operands="input, target", withheld=_OLD):
    """The cross entropy of two outcomes, from probabilities (`torch.nn.BCELoss`).

    >>> import tapegrad as torch
    >>> torch.nn.BCELoss()(torch.tensor([0.9, 0.2]), torch.tensor([1.0, 0.0]))
    tensor(0.1643)
    """

    weight: Any = None
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class BCEWithLogitsLoss(_WeightedLoss, function="binary_cross_entropy_with_logits", operands="input, target",
                        withheld=_OLD):
    """The cross entropy of two outcomes, from logits (`torch.nn.BCEWithLogitsLoss`).

    >>> import tapegrad as torch
    >>> torch.nn.BCEWithLogitsLoss()(torch.tensor([2.0, -1.0]), torch.tensor([1.0, 0.0]))
    tensor(0.2201)
    """

    weight: Any = None
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"
    pos_weight: Any = None

    def _set(self, options: dict[str, Any]) -> None:
        pos_weight = options.pop("pos_weight")
        super()._set(options)
        self.register_buffer("pos_weight", pos_weight)


class HingeEmbeddingLoss(_Loss, function="hinge_embedding_loss", operands="input, target", withheld=_OLD):
    """Distances of what is alike, and what others lack to `margin` (`torch.nn.HingeEmbeddingLoss`).

    >>> import tapegrad as torch
    >>> torch.nn.HingeEmbeddingLoss()(torch.tensor([0.5, 0.2]), torch.tensor([1.0, -1.0]))
    tensor(0.6500)
    """

    margin: float = 1.0
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class MultiLabelMarginLoss(_Loss, function="multilabel_margin_loss", operands="input, target", withheld=_OLD):
    """What the scores of the right classes lack to be ahead by one (`torch.nn.MultiLabelMarginLoss`).

    >>> import tapegrad as torch
    >>> torch.nn.MultiLabelMarginLoss()(torch.tensor([0.1, 0.2, 0.4]), torch.tensor([2, -1, 0]))
    tensor(0.5000)
    """

    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class SmoothL1Loss(_Loss, function="smooth_l1_loss", operands="input, target", withheld=_OLD):
    """Differences, and below `beta` their squares (`torch.nn.SmoothL1Loss`).

    >>> import tapegrad as torch
    >>> torch.nn.SmoothL1Loss()(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.5, 2.0, 1.0]))
    tensor(0.5417)
    """

    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"
    beta: float = 1.0


class HuberLoss(_Loss, function="huber_loss", operands="input, target"):
    """Squares of differences, and above `delta` the differences (`torch.nn.HuberLoss`).

    >>> import tapegrad as torch
    >>> torch.nn.HuberLoss()(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.5, 2.0, 1.0]))
    tensor(0.5417)
    """

    reduction: str = "mean"
    delta: float = 1.0

    def _set(self, options: dict[str, Any]) -> None:
        if not isinstance(options["delta"], (float, int)):
            raise TypeError(f"delta must be a float or int, got: {type(options['delta'])}")
        super()._set(options)


class SoftMarginLoss(_Loss, function="soft_margin_loss", operands="input, target", withheld=_OLD):
    """`log(1 + exp(-target * input))` (`torch.nn.SoftMarginLoss`).

    >>> import tapegrad as torch
    >>> torch.nn.SoftMarginLoss()(torch.tensor([2.0, -1.0]), torch.tensor([1.0, -1.0]))
    tensor(0.2201)
    """

    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class CrossEntropyLoss(_WeightedLoss, function="cross_entropy", operands="input, target", withheld=_OLD):
    """The cross entropy of classes, from logits (`torch.nn.CrossEntropyLoss`).

    >>> import tapegrad as torch
    >>> torch.nn.CrossEntropyLoss()(torch.zeros(1, 4), torch.tensor([2]))
    tensor(1.3863)

    The target is a class index for each sample, or the probabilities of all.
    """

    weight: Any = None
    size_average: Any = None
    ignore_index: int = -100
    reduce: Any = None
    reduction: str = "mean"
    label_smoothing: float = 0.0


class MultiLabelSoftMarginLoss(_WeightedLoss, function="multilabel_soft_margin_loss", operands="input, target",
                               withheld=_OLD):
    """The cross entropy of each class being right or not (`torch.nn.MultiLabelSoftMarginLoss`).

    >>> import tapegrad as torch
    >>> torch.nn.MultiLabelSoftMarginLoss()(torch.tensor([[1.0, -1.0]]), torch.tensor([[1.0, 0.0]]))
    tensor(0.3133)
    """

    weight: Any = None
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class CosineEmbeddingLoss(_Loss, function="cosine_embedding_loss", operands="input1, input2, target", withheld=_OLD):
    """How far the angles of pairs are from what they should be (`torch.nn.CosineEmbeddingLoss`).

    >>> import tapegrad as torch
    >>> torch.nn.CosineEmbeddingLoss()(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]), torch.tensor([1.0]))
    tensor(1.)
    """

    margin: float = 0.0
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class MarginRankingLoss(_Loss, function="margin_ranking_loss", operands="input1, input2, target", withheld=_OLD):
    """What pairs lack to the right order by `margin` (`torch.nn.MarginRankingLoss`).

    >>> import tapegrad as torch
    >>> torch.nn.MarginRankingLoss(margin=0.5)(torch.tensor([1.0]), torch.tensor([0.8]), torch.tensor([1.0]))
    tensor(0.3000)
    """

    margin: float = 0.0
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class MultiMarginLoss(_WeightedLoss, function="multi_margin_loss", operands="input, target", withheld=_OLD):
    """What the score of the right class lacks to be ahead by `margin` (`torch.nn.MultiMarginLoss`).

    >>> import tapegrad as torch
    >>> torch.nn.MultiMarginLoss()(torch.tensor([[0.1, 0.2, 0.4]]), torch.tensor([2]))
    tensor(0.5000)
    """

    p: int = 1
    margin: float = 1.0
    weight: Any = None
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"

    def _set(self, options: dict[str, Any]) -> None:
        weight = options["weight"]
        if options["p"] not in (1, 2):
            raise ValueError("only p == 1 and p == 2 supported")
        if weight is not None and weight.dim() != 1:
            raise ValueError(f"MultiMarginLoss: expected weight to be None or 1D tensor, got {weight.dim()}D instead")
        super()._set(options)


class TripletMarginLoss(_Loss, function="triplet_margin_loss", operands="anchor, positive, negative", withheld=_OLD):
    """What the negative lacks to be further away than the positive (`torch.nn.TripletMarginLoss`).

    >>> import tapegrad as torch
    >>> torch.nn.TripletMarginLoss()(torch.zeros(1, 2), torch.ones(1, 2), torch.full((1, 2), 2.0))
    tensor(0.)
    """

    margin: float = 1.0
    p: float = 2.0
    eps: float = 1e-6
    swap: bool = False
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"

    def _set(self, options: dict[str, Any]) -> None:
        _positive_margin(self, options["margin"])
        super()._set(options)


class CTCLoss(_Loss, function="ctc_loss", operands="log_probs, targets, input_lengths, target_lengths"):
    """The connectionist temporal classification loss (`torch.nn.CTCLoss`; Graves et al., 2006).

    >>> import tapegrad as torch
    >>> log_probs = torch.log_softmax(torch.zeros(4, 1, 3), dim=2)
    >>> torch.nn.CTCLoss()(log_probs, torch.tensor([[1, 2]]), torch.tensor([4]), torch.tensor([2]))
    tensor(0.8432)
    """

    blank: int = 0
    reduction: str = "mean"
    zero_infinity: bool = False


class NLLLoss2d(NLLLoss):
    """`NLLLoss` by the name it had for images (deprecated in PyTorch)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn("`NLLLoss2d` has been deprecated. Please use `NLLLoss` instead as a drop-in replacement and see "
                      "https://pytorch.org/docs/main/nn.html#torch.nn.NLLLoss for more details.", FutureWarning,
                      stacklevel=2)
        super().__init__(*args, **kwargs)


class TripletMarginWithDistanceLoss(_Loss):
    """`TripletMarginLoss` with a distance of one's own (`torch.nn.TripletMarginWithDistanceLoss`).

    >>> import tapegrad as torch
    >>> torch.nn.TripletMarginWithDistanceLoss()(torch.zeros(1, 2), torch.ones(1, 2), torch.full((1, 2), 2.0))
    tensor(0.)
    """

    def __init__(self, *, distance_function: Callable[[Any, Any], Any] | None = None, margin: float = 1.0,
                 swap: bool = False, reduction: str = "mean") -> None:
        super().__init__()
        _positive_margin(self, margin)
        self._set({"distance_function": distance_function or PairwiseDistance(), "margin": margin, "swap": swap,
                   "reduction": reduction})

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        return F.triplet_margin_with_distance_loss(
            anchor, positive, negative, distance_function=self.distance_function, margin=self.margin, swap=self.swap,
            reduction=self.reduction)


@dataclass(frozen=True)
class LinearCrossEntropyOptions:
    """How PyTorch saves memory in `LinearCrossEntropyLoss`; taken, and without effect."""

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: Any = None


class LinearCrossEntropyLoss(_WeightedLoss):
    """A linear layer and the cross entropy of its logits (`torch.nn.LinearCrossEntropyLoss`).

    >>> import tapegrad as torch
    >>> loss = torch.nn.LinearCrossEntropyLoss(4, 3)
    >>> loss(torch.ones(2, 4), torch.tensor([0, 2])).shape
    torch.Size([])
    """

    linear: Linear

    def __init__(self, in_features: int, num_classes: int, *, out_features: tuple[int, ...] = (), bias: bool = False,
                 device: Any = None, dtype: Any = None, reduction: str = "mean", weight: Any = None,
                 ignore_index: int | None = None, label_smoothing: float = 0.0, options: Any = None) -> None:
        super().__init__()
        if weight is not None and tuple(weight.shape) != (num_classes,):
            raise RuntimeError(f"expected weight shape to be {(num_classes,)}, got {tuple(weight.shape)}")
        if not 0 <= label_smoothing <= 1:
            raise RuntimeError(f"expected label_smoothing to be in range [0, 1], got {label_smoothing}")
        self._set({"weight": weight, "reduction": reduction, "num_classes": num_classes, "out_features": out_features,
                   "ignore_index": ignore_index, "label_smoothing": label_smoothing, "options": options})
        self.linear = Linear(in_features, math.prod(out_features, start=num_classes), bias, device, dtype)

    def forward(self, input: Any, target: Any) -> Any:
        shape = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return F.linear_cross_entropy(
            input, self.linear.weight.reshape(*shape, self.linear.in_features), target,
            linear_bias=None if bias is None else bias.reshape(shape), weight=self.weight, reduction=self.reduction,
            ignore_index=self.ignore_index, label_smoothing=self.label_smoothing, options=self.options)

    def extra_repr(self) -> str:
        return (f"in_features={self.linear.in_features}, num_classes={self.num_classes}, "
                f"out_features={self.out_features}, bias={self.linear.bias is not None}, reduction={self.reduction}, "
                f"ignore_index={self.ignore_index}, label_smoothing={self.label_smoothing}, options={self.options}")


def _positive_margin(loss: _Loss, margin: float) -> None:
    if margin <= 0:
        raise ValueError(f"{type(loss).__name__}: expected margin to be greater than 0, got {margin} instead")
