"""Types of what native code defines, written by `python -m tapegrad stubs`."""
from __future__ import annotations

# Under names of their own: `tapegrad.int` is a dtype, and `Tensor.float` a method.
from builtins import bool as _bool, float as _float, int as _int, str as _str
from collections.abc import Sequence
from typing import Any, NamedTuple, overload

from tapegrad.dtypes import dtype as _dtype

from tapegrad.random import Generator
from tapegrad.tensor import Tensor

__all__: list[_str]

def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """Means of as many windows as asked for (`torch.nn.functional.adaptive_avg_pool1d`).

    >>> torch.nn.functional.adaptive_avg_pool1d(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
    tensor([[1.5000],
            [3.5000]])"""
def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Means of as many windows as asked for (`torch.nn.functional.adaptive_avg_pool2d`).

    >>> torch.nn.functional.adaptive_avg_pool2d(torch.ones(1, 1, 4), 1)
    tensor([[[1.]]])"""
def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """Means of as many windows as asked for (`torch.nn.functional.adaptive_avg_pool3d`).

    >>> torch.nn.functional.adaptive_avg_pool3d(torch.ones(1, 1, 2, 2), 1)
    tensor([[[[1.]]]])"""
def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: _bool = False) -> Tensor:
    """The largest elements of as many windows as asked for (`torch.nn.functional.adaptive_max_pool1d`).

    >>> torch.nn.functional.adaptive_max_pool1d(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
    tensor([[2.],
            [4.]])"""
def adaptive_max_pool1d_with_indices(input: Tensor, output_size: Any, return_indices: _bool = False) -> tuple[Tensor, ...]:
    """`adaptive_max_pool1d`, with the places of its values.

    >>> torch.nn.functional.adaptive_max_pool1d_with_indices(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
    (tensor([[2.],
            [4.]]), tensor([[1],
            [1]]))"""
def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: _bool = False) -> Tensor:
    """The largest elements of as many windows as asked for (`torch.nn.functional.adaptive_max_pool2d`).

    >>> torch.nn.functional.adaptive_max_pool2d(torch.ones(1, 1, 4), 1)
    tensor([[[1.]]])"""
def adaptive_max_pool2d_with_indices(input: Tensor, output_size: Any, return_indices: _bool = False) -> tuple[Tensor, ...]:
    """`adaptive_max_pool2d`, with the places of its values.

    >>> torch.nn.functional.adaptive_max_pool2d_with_indices(torch.ones(1, 1, 4), 1)
    (tensor([[[1.]]]), tensor([[[0]]]))"""
def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: _bool = False) -> Tensor:
    """The largest elements of as many windows as asked for (`torch.nn.functional.adaptive_max_pool3d`).

    >>> torch.nn.functional.adaptive_max_pool3d(torch.ones(1, 1, 2, 2), 1)
    tensor([[[[1.]]]])"""
def adaptive_max_pool3d_with_indices(input: Tensor, output_size: Any, return_indices: _bool = False) -> tuple[Tensor, ...]:
    """`adaptive_max_pool3d`, with the places of its values.

    >>> torch.nn.functional.adaptive_max_pool3d_with_indices(torch.ones(1, 1, 2, 2), 1)
    (tensor([[[[1.]]]]), tensor([[[[0]]]]))"""
def affine_grid(theta: Tensor, size: Any, align_corners: _bool | None = None) -> Any:
    """Where an affine map reads, for each element of its result (`torch.nn.functional.affine_grid`).

    >>> import tapegrad
    >>> affine_grid(tapegrad.eye(2, 3).unsqueeze(0), (1, 1, 1, 2))
    tensor([[[[-0.5000,  0.0000],
              [ 0.5000,  0.0000]]]])

    `theta` is (N, 2, 3) for a `size` of (N, C, H, W), (N, 3, 4) for (N, C, D, H, W). Raises ValueError for others."""
def alpha_dropout(input: Tensor, p: _float = 0.5, training: _bool = False, inplace: _bool = False) -> Tensor:
    """Dropout that keeps mean and deviation, for SELU (`torch.nn.functional.alpha_dropout`).

    >>> torch.nn.functional.alpha_dropout(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def avg_pool1d(input: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = (), padding: _int | Sequence[_int] = 0, ceil_mode: _bool = False, count_include_pad: _bool = True) -> Tensor:
    """The mean of every window (`torch.nn.functional.avg_pool1d`).

    >>> torch.nn.functional.avg_pool1d(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2)
    tensor([[1.5000],
            [3.5000]])"""
def avg_pool2d(input: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = (), padding: _int | Sequence[_int] = 0, ceil_mode: _bool = False, count_include_pad: _bool = True, divisor_override: _int | None = None, *, out: Any = None) -> Tensor:
    """The mean of every window (`torch.nn.functional.avg_pool2d`).

    >>> torch.nn.functional.avg_pool2d(torch.ones(1, 2, 2), 2)
    tensor([[[1.]]])"""
def avg_pool3d(input: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = (), padding: _int | Sequence[_int] = 0, ceil_mode: _bool = False, count_include_pad: _bool = True, divisor_override: _int | None = None, *, out: Any = None) -> Tensor:
    """The mean of every window (`torch.nn.functional.avg_pool3d`).

    >>> torch.nn.functional.avg_pool3d(torch.ones(1, 1, 2, 2, 2), 2)
    tensor([[[[[1.]]]]])"""
def batch_norm(input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None, bias: Tensor | None = None, training: _bool = False, momentum: _float = 0.1, eps: _float = 1e-05) -> Tensor:
    """Each channel with mean zero and deviation one over the batch (`torch.nn.functional.batch_norm`).

    >>> x = torch.ones(1, 3)
    >>> torch.nn.functional.batch_norm(x, x, x)
    tensor([[0., 0., 0.]])"""
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x₁ᵀ W x₂ for every matrix W (`torch.nn.functional.bilinear`).

    >>> torch.nn.functional.bilinear(torch.ones(1, 2), torch.ones(1, 3), torch.ones(1, 2, 3))
    tensor([[6.]])"""
def binary_cross_entropy(input: Tensor, target: Any, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None, reduction: _str = 'mean') -> Tensor:
    """The cross entropy of probabilities (`torch.nn.functional.binary_cross_entropy`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.nn.functional.binary_cross_entropy(x, x)
    tensor(0.4185)"""
def binary_cross_entropy_with_logits(input: Tensor, target: Any, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None, reduction: _str = 'mean', pos_weight: Tensor | None = None) -> Tensor:
    """The cross entropy of the sigmoid of `input` (`torch.nn.functional.binary_cross_entropy_with_logits`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.nn.functional.binary_cross_entropy_with_logits(x, x)
    tensor(0.6003)"""
def celu(input: Tensor, alpha: _float = 1.0, inplace: _bool = False) -> Tensor:
    """`max(0, input) + min(0, alpha * (exp(input / alpha) - 1))` (`torch.nn.functional.celu`).

    >>> torch.nn.functional.celu(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def celu_(input: Tensor, alpha: _float = 1.0) -> Tensor:
    """`max(0, input) + min(0, alpha * (exp(input / alpha) - 1))`, in place (`torch.nn.functional.celu_`).

    >>> torch.nn.functional.celu_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def channel_shuffle(input: Tensor, groups: _int) -> Tensor:
    """Channels of several groups dealt out in turn (`torch.nn.functional.channel_shuffle`).

    >>> torch.nn.functional.channel_shuffle(torch.ones(1, 1, 4), 1)
    tensor([[[1., 1., 1., 1.]]])"""
@overload
def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _int | Sequence[_int] = 1, padding: _int | Sequence[_int] = 0, dilation: _int | Sequence[_int] = 1, groups: _int = 1) -> Tensor:
    """Kernels applied at every place of 1 axes (`torch.nn.functional.conv1d`).

    Called as

        conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)
        conv1d(input, weight, bias=None, stride=1, padding='valid', dilation=1, groups=1)

    >>> torch.nn.functional.conv1d(torch.ones(1, 1, 3), torch.ones(1, 1, 2))
    tensor([[[2., 2.]]])"""
@overload
def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _int | Sequence[_int] = 1, padding: str = 'valid', dilation: _int | Sequence[_int] = 1, groups: _int = 1) -> Tensor:
    ...
@overload
def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _int | Sequence[_int] = 1, padding: _int | Sequence[_int] = 0, dilation: _int | Sequence[_int] = 1, groups: _int = 1) -> Tensor:
    """Kernels applied at every place of 2 axes (`torch.nn.functional.conv2d`).

    Called as

        conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)
        conv2d(input, weight, bias=None, stride=1, padding='valid', dilation=1, groups=1)

    >>> torch.nn.functional.conv2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
    tensor([[[[4.]]]])"""
@overload
def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _int | Sequence[_int] = 1, padding: str = 'valid', dilation: _int | Sequence[_int] = 1, groups: _int = 1) -> Tensor:
    ...
@overload
def conv3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _int | Sequence[_int] = 1, padding: _int | Sequence[_int] = 0, dilation: _int | Sequence[_int] = 1, groups: _int = 1) -> Tensor:
    """Kernels applied at every place of 3 axes (`torch.nn.functional.conv3d`).

    Called as

        conv3d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)
        conv3d(input, weight, bias=None, stride=1, padding='valid', dilation=1, groups=1)

    >>> torch.nn.functional.conv3d(torch.ones(1, 1, 2, 2, 2), torch.ones(1, 1, 2, 2, 2))
    tensor([[[[[8.]]]]])"""
@overload
def conv3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _int | Sequence[_int] = 1, padding: str = 'valid', dilation: _int | Sequence[_int] = 1, groups: _int = 1) -> Tensor:
    ...
def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: _int = 0) -> Tensor:
    """A convolution in one axis of (time, batch, channel) (`torch.nn.functional.conv_tbc`).

    >>> torch.nn.functional.conv_tbc(torch.ones(3, 1, 1), torch.ones(2, 1, 1), torch.zeros(1))
    tensor([[[2.]],
    <BLANKLINE>
            [[2.]]])"""
def conv_transpose1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _int | Sequence[_int] = 1, padding: _int | Sequence[_int] = 0, output_padding: _int | Sequence[_int] = 0, groups: _int = 1, dilation: _int | Sequence[_int] = 1) -> Tensor:
    """The adjoint of a convolution in 1 axes (`torch.nn.functional.conv_transpose1d`).

    >>> torch.nn.functional.conv_transpose1d(torch.ones(1, 1, 3), torch.ones(1, 1, 2))
    tensor([[[1., 2., 2., 1.]]])"""
def conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _int | Sequence[_int] = 1, padding: _int | Sequence[_int] = 0, output_padding: _int | Sequence[_int] = 0, groups: _int = 1, dilation: _int | Sequence[_int] = 1) -> Tensor:
    """The adjoint of a convolution in 2 axes (`torch.nn.functional.conv_transpose2d`).

    >>> torch.nn.functional.conv_transpose2d(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])"""
def conv_transpose3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: _int | Sequence[_int] = 1, padding: _int | Sequence[_int] = 0, output_padding: _int | Sequence[_int] = 0, groups: _int = 1, dilation: _int | Sequence[_int] = 1) -> Tensor:
    """The adjoint of a convolution in 3 axes (`torch.nn.functional.conv_transpose3d`).

    >>> torch.nn.functional.conv_transpose3d(torch.ones(1, 1, 2, 2, 2), torch.ones(1, 1, 2, 2, 2))
    tensor([[[[[1., 2., 1.],
               [2., 4., 2.],
               [1., 2., 1.]],
    <BLANKLINE>
              [[2., 4., 2.],
               [4., 8., 4.],
               [2., 4., 2.]],
    <BLANKLINE>
              [[1., 2., 1.],
               [2., 4., 2.],
               [1., 2., 1.]]]]])"""
def cosine_embedding_loss(input1: Tensor, input2: Any, target: Any, margin: _float = 0, size_average: Any = None, reduce: Any = None, reduction: _str = 'mean') -> Any:
    """How far pairs are from being alike (target 1) or not (-1), by the cosine of their angle (`torch.nn.functional.cosine_embedding_loss`)."""
def cosine_similarity(x1: Tensor, x2: Tensor, dim: _int = 1, eps: _float = 1e-08) -> Tensor:
    """The cosine of the angle between vectors (`torch.nn.functional.cosine_similarity`).

    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> torch.nn.functional.cosine_similarity(x, x)
    tensor([1.0000, 1.0000])"""
def cross_entropy(input: Tensor, target: Any, weight: Tensor | None = None, size_average: Any = None, ignore_index: _int = -100, reduce: Any = None, reduction: _str = 'mean', label_smoothing: _float = 0.0) -> Tensor:
    """The cross entropy of classes, or of class probabilities (`torch.nn.functional.cross_entropy`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.nn.functional.cross_entropy(x, x)
    tensor(1.7182)"""
def ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: _int = 0, reduction: _str = 'mean', zero_infinity: _bool = False) -> Any:
    """Minus the log-likelihood of texts, over all alignments (`torch.nn.functional.ctc_loss`).

    >>> import tapegrad
    >>> ctc_loss(tapegrad.zeros(2, 1, 3).log_softmax(2), tapegrad.tensor([[1]]), [2], [1])
    tensor(1.0986)

    `log_probs` is (T, N, C) or (T, C), `targets` (N, S) or all texts one after the other. `mean` divides each by its
    length. The gradient is that of the probabilities that `log_probs` are logarithms of, as PyTorch's: it is to go on
    through `log_softmax`. From Graves et al. (2006)."""
def dropout(input: Tensor, p: _float = 0.5, training: _bool = True, inplace: _bool = False) -> Any:
    """Elements set to zero at random, the others scaled up (`torch.nn.functional.dropout`).

    >>> import tapegrad
    >>> _ = tapegrad.manual_seed(0)
    >>> dropout(tapegrad.ones(4), 0.5)
    tensor([0., 0., 2., 0.])"""
def dropout1d(input: Tensor, p: _float = 0.5, training: _bool = True, inplace: _bool = False) -> Any:
    """Whole channels set to zero at random (`torch.nn.functional.dropout1d`)."""
def dropout2d(input: Tensor, p: _float = 0.5, training: _bool = True, inplace: _bool = False) -> Any:
    """Whole channels set to zero at random (`torch.nn.functional.dropout2d`)."""
def dropout3d(input: Tensor, p: _float = 0.5, training: _bool = True, inplace: _bool = False) -> Any:
    """Whole channels set to zero at random (`torch.nn.functional.dropout3d`)."""
def elu(input: Tensor, alpha: _float = 1.0, inplace: _bool = False) -> Tensor:
    """Each element; where it is negative, `alpha * (exp(input) - 1)` (`torch.nn.functional.elu`).

    >>> torch.nn.functional.elu(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def elu_(input: Tensor, alpha: _float = 1.0) -> Tensor:
    """Each element; where it is negative, `alpha * (exp(input) - 1)`, in place (`torch.nn.functional.elu_`).

    >>> torch.nn.functional.elu_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def embedding(input: Tensor, weight: Tensor, padding_idx: _int | None = None, max_norm: _float | None = None, norm_type: _float = 2.0, scale_grad_by_freq: _bool = False, sparse: _bool = False) -> Tensor:
    """The rows of a table (`torch.nn.functional.embedding`).

    >>> torch.nn.functional.embedding(torch.tensor([1, 0]), torch.tensor([[1.0], [3.0]]))
    tensor([[3.],
            [1.]])"""
def embedding_bag(input: Tensor, weight: Tensor, offsets: Tensor | None = None, max_norm: _float | None = None, norm_type: _float = 2, scale_grad_by_freq: _bool = False, mode: _str = 'mean', sparse: _bool = False, per_sample_weights: Any = None, include_last_offset: _bool = False, padding_idx: _int | None = None) -> Any:
    """Rows of a table put together by bags (`torch.nn.functional.embedding_bag`).

    >>> import tapegrad
    >>> embedding_bag(tapegrad.tensor([1, 2, 0]), tapegrad.eye(3), tapegrad.tensor([0, 2]), mode="sum")
    tensor([[0., 1., 1.],
            [1., 0., 0.]])

    `input` is (B, N), a bag a row, or flat with the `offsets` of the bags. Rows at `padding_idx` do not count, and a
    bag of none is zero. Raises ValueError, RuntimeError for indices and offsets that do not fit."""
def feature_alpha_dropout(input: Tensor, p: _float = 0.5, training: _bool = False, inplace: _bool = False) -> Tensor:
    """The same by channels (`torch.nn.functional.feature_alpha_dropout`).

    >>> torch.nn.functional.feature_alpha_dropout(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def fold(input: Tensor, output_size: Any, kernel_size: _int | Sequence[_int], dilation: _int | Sequence[_int] = 1, padding: _int | Sequence[_int] = 0, stride: _int | Sequence[_int] = 1) -> Tensor:
    """Columns added up where their windows lie: the adjoint of `unfold` (`torch.nn.functional.fold`).

    >>> torch.nn.functional.fold(torch.ones(1, 4, 1), output_size=(2, 2), kernel_size=(2, 2))
    tensor([[[[1., 1.],
              [1., 1.]]]])"""
def fractional_max_pool2d(input: Tensor, kernel_size: _int | Sequence[_int], output_size: Any = None, output_ratio: Any = None, return_indices: _bool = False, _random_samples: Any = None) -> Any:
    """The largest elements of windows that lie at random (`torch.nn.functional.fractional_max_pool2d`)."""
def fractional_max_pool2d_with_indices(input: Tensor, kernel_size: _int | Sequence[_int], output_size: Any = None, output_ratio: Any = None, return_indices: _bool = False, _random_samples: Any = None) -> Any:
    """`fractional_max_pool2d`, with the places of its values."""
def fractional_max_pool3d(input: Tensor, kernel_size: _int | Sequence[_int], output_size: Any = None, output_ratio: Any = None, return_indices: _bool = False, _random_samples: Any = None) -> Any:
    """The largest elements of windows that lie at random (`torch.nn.functional.fractional_max_pool3d`)."""
def fractional_max_pool3d_with_indices(input: Tensor, kernel_size: _int | Sequence[_int], output_size: Any = None, output_ratio: Any = None, return_indices: _bool = False, _random_samples: Any = None) -> Any:
    """`fractional_max_pool3d`, with the places of its values."""
def gaussian_nll_loss(input: Tensor, target: Any, var: Any, full: _bool = False, eps: _float = 1e-06, reduction: _str = 'mean') -> Tensor:
    """The negative log-likelihood of a normal distribution (`torch.nn.functional.gaussian_nll_loss`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.nn.functional.gaussian_nll_loss(x, x, x)
    tensor(-0.3466)"""
def gelu(input: Tensor, *, approximate: str = 'none', out: Any = None) -> Tensor:
    """The Gaussian error linear unit (`torch.nn.functional.gelu`).

    >>> torch.nn.functional.gelu(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.1497, 0.3457, 0.8413])"""
def glu(input: Tensor, dim: _int = -1) -> Tensor:
    """The first half times the sigmoid of the second (`torch.nn.functional.glu`).

    >>> torch.nn.functional.glu(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[0.8808],
            [2.9460]])"""
def grid_sample(input: Tensor, grid: Tensor, mode: _str = 'bilinear', padding_mode: _str = 'zeros', align_corners: _bool | None = None) -> Tensor:
    """Images read at places between -1 and 1 (`torch.nn.functional.grid_sample`).

    >>> import tapegrad
    >>> image = tapegrad.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
    >>> grid_sample(image, tapegrad.zeros(1, 1, 1, 2))
    tensor([[[[1.5000]]]])

    `input` is (N, C, H, W), `grid` (N, H', W', 2) with x before y, or both with a depth. `mode` is `bilinear`,
    `nearest` or, of images, `bicubic`; outside there is zero, the border, or a reflection.

    Raises ValueError for a mode that is none, RuntimeError for shapes and dtypes that do not fit."""
def group_norm(input: Tensor, num_groups: _int, weight: Tensor | None = None, bias: Tensor | None = None, eps: _float = 1e-05) -> Tensor:
    """Channels normalised in groups (`torch.nn.functional.group_norm`).

    >>> torch.nn.functional.group_norm(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])"""
def gumbel_softmax(logits: Tensor, tau: _float = 1, hard: _bool = False, eps: _float = 1e-10, dim: _int = -1) -> Tensor:
    """A softmax of noisy logits: a category that gradients go through (`torch.nn.functional.gumbel_softmax`).

    >>> import tapegrad
    >>> _ = tapegrad.manual_seed(0)
    >>> gumbel_softmax(tapegrad.zeros(3), hard=True)
    tensor([0., 0., 1.])

    `hard` gives the category alone, with the gradient of the soft one. From Jang et al. (2017), and Maddison et al.
    (2017)."""
def hardshrink(input: Tensor, lambd: _float = 0.5, *, out: Any = None) -> Tensor:
    """Each element, or zero where it is within `lambd` of it (`torch.nn.functional.hardshrink`).

    >>> torch.nn.functional.hardshrink(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0., 0., 1.])"""
def hardsigmoid(input: Tensor, inplace: _bool = False) -> Tensor:
    """`relu6(input + 3) / 6` (`torch.nn.functional.hardsigmoid`).

    >>> torch.nn.functional.hardsigmoid(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.5417, 0.5833, 0.6667])"""
def hardsigmoid_(input: Tensor, inplace: _bool = False) -> Tensor:
    """`relu6(input + 3) / 6`, in place (`torch.nn.functional.hardsigmoid_`).

    >>> torch.nn.functional.hardsigmoid_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.5417, 0.5833, 0.6667])"""
def hardswish(input: Tensor, inplace: _bool = False) -> Tensor:
    """`input * relu6(input + 3) / 6` (`torch.nn.functional.hardswish`).

    >>> torch.nn.functional.hardswish(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.1354, 0.2917, 0.6667])"""
def hardswish_(input: Tensor, inplace: _bool = False) -> Tensor:
    """`input * relu6(input + 3) / 6`, in place (`torch.nn.functional.hardswish_`).

    >>> torch.nn.functional.hardswish_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.1354, 0.2917, 0.6667])"""
def hardtanh(input: Tensor, min_val: _float = -1.0, max_val: _float = 1.0, inplace: _bool = False) -> Tensor:
    """Each element kept between `min_val` and `max_val` (`torch.nn.functional.hardtanh`).

    >>> torch.nn.functional.hardtanh(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def hardtanh_(input: Tensor, min_val: _float = -1.0, max_val: _float = 1.0) -> Tensor:
    """Each element kept between `min_val` and `max_val`, in place (`torch.nn.functional.hardtanh_`).

    >>> torch.nn.functional.hardtanh_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def hinge_embedding_loss(input: Tensor, target: Any, margin: _float = 1.0, size_average: Any = None, reduce: Any = None, reduction: _str = 'mean') -> Tensor:
    """`input` where the target is 1, `max(0, margin - input)` where it is -1 (`torch.nn.functional.hinge_embedding_loss`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.nn.functional.hinge_embedding_loss(x, x)
    tensor(1.)"""
def huber_loss(input: Tensor, target: Any, reduction: _str = 'mean', delta: _float = 1.0, weight: Tensor | None = None) -> Tensor:
    """Squared near zero, linear beyond `delta` (`torch.nn.functional.huber_loss`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.nn.functional.huber_loss(x, x)
    tensor(0.)"""
def instance_norm(input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None, weight: Tensor | None = None, bias: Tensor | None = None, use_input_stats: _bool = True, momentum: _float = 0.1, eps: _float = 1e-05) -> Tensor:
    """Each channel of each sample by itself (`torch.nn.functional.instance_norm`).

    >>> torch.nn.functional.instance_norm(torch.ones(1, 1, 4))
    tensor([[[0., 0., 0., 0.]]])"""
def interpolate(input: Tensor, size: Any = None, scale_factor: Any = None, mode: _str = 'nearest', align_corners: _bool | None = None, recompute_scale_factor: _bool | None = None, antialias: _bool = False) -> Tensor:
    """An image in another size (`torch.nn.functional.interpolate`).

    `mode` is "nearest", "nearest-exact" or "area", or "linear", "bilinear" and "bicubic", "trilinear" for one, two,
    three axes. With `antialias` an image that becomes smaller is smoothed as it needs. Raises NotImplementedError for a
    mode that the input has not the axes for, ValueError for options that do not go with it.

    >>> torch.nn.functional.interpolate(torch.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])"""
def kl_div(input: Tensor, target: Any, size_average: Any = None, reduce: Any = None, reduction: _str = 'mean', log_target: _bool = False) -> Tensor:
    """The Kullback-Leibler divergence from log-probabilities (`torch.nn.functional.kl_div`).

    >>> torch.nn.functional.kl_div(torch.zeros(1, 2), torch.ones(1, 2), reduction='batchmean')
    tensor(0.)"""
def l1_loss(input: Tensor, target: Any, size_average: Any = None, reduce: Any = None, reduction: _str = 'mean', weight: Tensor | None = None) -> Tensor:
    """The mean absolute difference (`torch.nn.functional.l1_loss`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.nn.functional.l1_loss(x, x)
    tensor(0.)"""
def layer_norm(input: Tensor, normalized_shape: Sequence[_int], weight: Tensor | None = None, bias: Tensor | None = None, eps: _float = 1e-05) -> Tensor:
    """Rows brought to mean 0 and variance 1, scaled and shifted (`torch.nn.functional.layer_norm`).

    >>> torch.nn.functional.layer_norm(torch.tensor([0.25, 0.5, 1.0]), (3,))
    tensor([-1.0690, -0.2672,  1.3362])"""
def leaky_relu(input: Tensor, negative_slope: _float = 0.01, inplace: _bool = False) -> Tensor:
    """Each element, times `negative_slope` where it is negative (`torch.nn.functional.leaky_relu`).

    >>> torch.nn.functional.leaky_relu(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def leaky_relu_(input: Tensor, negative_slope: _float = 0.01) -> Tensor:
    """Each element, times `negative_slope` where it is negative, in place (`torch.nn.functional.leaky_relu_`).

    >>> torch.nn.functional.leaky_relu_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def linear(input: Tensor, weight: Tensor | None, bias: Tensor | None = None, *, out: Any = None) -> Tensor:
    """`input @ weight.T + bias` (`torch.nn.functional.linear`).

    >>> torch.nn.functional.linear(torch.tensor([1.0, 2.0]), torch.ones(1, 2), torch.ones(1))
    tensor([4.])"""
def linear_cross_entropy(input: Tensor, linear_weight: Tensor, target: Tensor, *, linear_bias: Tensor | None = None, weight: Tensor | None = None, reduction: _str = 'mean', ignore_index: _int | None = None, label_smoothing: _float = 0.0, options: Any = None) -> Tensor:
    """The cross entropy of a linear layer's logits (`torch.nn.functional.linear_cross_entropy`).

    The layer's weight is (classes, …, features); `options`, which save memory in PyTorch, are taken and not needed.

    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> torch.nn.functional.linear_cross_entropy(x, x, x)
    tensor(24.0037)"""
def local_response_norm(input: Tensor, size: _int, alpha: _float = 0.0001, beta: _float = 0.75, k: _float = 1.0) -> Tensor:
    """Each element divided by what its neighbouring channels hold (`torch.nn.functional.local_response_norm`).

    >>> torch.nn.functional.local_response_norm(torch.ones(1, 1, 2), size=2)
    tensor([[[1.0000, 1.0000]]])"""
def log_softmax(input: Tensor, dim: _int | None = None, _stacklevel: _int = 3, dtype: _dtype | type | None = None) -> Tensor:
    """The logarithm of softmax, in one step (`torch.nn.functional.log_softmax`).

    >>> torch.nn.functional.log_softmax(torch.tensor([0.25, 0.5, 1.0]), dim=0)
    tensor([-1.4818, -1.2318, -0.7318])"""
def logsigmoid(input: Tensor) -> Tensor:
    """The logarithm of the sigmoid (`torch.nn.functional.logsigmoid`).

    >>> torch.nn.functional.logsigmoid(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-0.5759, -0.4741, -0.3133])"""
def lp_pool1d(input: Tensor, norm_type: _float, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = None, ceil_mode: _bool = False) -> Tensor:
    """The norm of every window (`torch.nn.functional.lp_pool1d`).

    >>> torch.nn.functional.lp_pool1d(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2.0, 2)
    tensor([[2.2361],
            [5.0000]])"""
def lp_pool2d(input: Tensor, norm_type: _float, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = None, ceil_mode: _bool = False) -> Tensor:
    """The norm of every window (`torch.nn.functional.lp_pool2d`).

    >>> torch.nn.functional.lp_pool2d(torch.ones(1, 2, 2), 2.0, 2)
    tensor([[[2.]]])"""
def lp_pool3d(input: Tensor, norm_type: _float, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = None, ceil_mode: _bool = False) -> Tensor:
    """The norm of every window (`torch.nn.functional.lp_pool3d`).

    >>> torch.nn.functional.lp_pool3d(torch.ones(1, 1, 2, 2, 2), 2.0, 2)
    tensor([[[[[2.8284]]]]])"""
def margin_ranking_loss(input1: Tensor, input2: Any, target: Any, margin: _float = 0, size_average: Any = None, reduce: Any = None, reduction: _str = 'mean') -> Tensor:
    """By how much the first is not above the second where the target is 1, below where it is -1 (`torch.nn.functional.margin_ranking_loss`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.nn.functional.margin_ranking_loss(x, x, x)
    tensor(0.)"""
def max_pool1d(input: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = None, padding: _int | Sequence[_int] = 0, dilation: _int | Sequence[_int] = 1, ceil_mode: _bool = False, return_indices: _bool = False) -> Tensor:
    """The largest element of every window (`torch.nn.functional.max_pool1d`).

    >>> torch.nn.functional.max_pool1d(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2)
    tensor([[2.],
            [4.]])"""
def max_pool1d_with_indices(input: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = None, padding: _int | Sequence[_int] = 0, dilation: _int | Sequence[_int] = 1, ceil_mode: _bool = False, return_indices: _bool = False) -> tuple[Tensor, ...]:
    """The largest element of every window, and its place (`torch.nn.functional.max_pool1d_with_indices`).

    >>> torch.nn.functional.max_pool1d_with_indices(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2)
    (tensor([[2.],
            [4.]]), tensor([[1],
            [1]]))"""
def max_pool2d(input: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = None, padding: _int | Sequence[_int] = 0, dilation: _int | Sequence[_int] = 1, ceil_mode: _bool = False, return_indices: _bool = False) -> Tensor:
    """The largest element of every window (`torch.nn.functional.max_pool2d`).

    >>> torch.nn.functional.max_pool2d(torch.ones(1, 2, 2), 2)
    tensor([[[1.]]])"""
def max_pool2d_with_indices(input: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = None, padding: _int | Sequence[_int] = 0, dilation: _int | Sequence[_int] = 1, ceil_mode: _bool = False, return_indices: _bool = False) -> tuple[Tensor, ...]:
    """The largest element of every window, and its place (`torch.nn.functional.max_pool2d_with_indices`).

    >>> torch.nn.functional.max_pool2d_with_indices(torch.ones(1, 2, 2), 2)
    (tensor([[[1.]]]), tensor([[[0]]]))"""
def max_pool3d(input: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = None, padding: _int | Sequence[_int] = 0, dilation: _int | Sequence[_int] = 1, ceil_mode: _bool = False, return_indices: _bool = False) -> Tensor:
    """The largest element of every window (`torch.nn.functional.max_pool3d`).

    >>> torch.nn.functional.max_pool3d(torch.ones(1, 1, 2, 2, 2), 2)
    tensor([[[[[1.]]]]])"""
def max_pool3d_with_indices(input: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = None, padding: _int | Sequence[_int] = 0, dilation: _int | Sequence[_int] = 1, ceil_mode: _bool = False, return_indices: _bool = False) -> tuple[Tensor, ...]:
    """The largest element of every window, and its place (`torch.nn.functional.max_pool3d_with_indices`).

    >>> torch.nn.functional.max_pool3d_with_indices(torch.ones(1, 1, 2, 2, 2), 2)
    (tensor([[[[[1.]]]]]), tensor([[[[[0]]]]]))"""
def max_unpool1d(input: Tensor, indices: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = None, padding: _int | Sequence[_int] = 0, output_size: Any = None) -> Tensor:
    """(`torch.nn.functional.max_unpool1d`).

    >>> torch.nn.functional.max_unpool1d(torch.ones(1, 1, 1), torch.zeros(1, 1, 1, dtype=torch.int64), 2)
    tensor([[[1., 0.]]])"""
def max_unpool2d(input: Tensor, indices: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = None, padding: _int | Sequence[_int] = 0, output_size: Any = None) -> Tensor:
    """(`torch.nn.functional.max_unpool2d`).

    >>> torch.nn.functional.max_unpool2d(torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1, dtype=torch.int64), 2)
    tensor([[[[1., 0.],
              [0., 0.]]]])"""
def max_unpool3d(input: Tensor, indices: Tensor, kernel_size: _int | Sequence[_int], stride: _int | Sequence[_int] | None = None, padding: _int | Sequence[_int] = 0, output_size: Any = None) -> Tensor:
    """(`torch.nn.functional.max_unpool3d`).

    >>> torch.nn.functional.max_unpool3d(torch.ones(1, 1, 1, 1, 1), torch.zeros(1, 1, 1, 1, 1, dtype=torch.int64), 2)
    tensor([[[[[1., 0.],
               [0., 0.]],
    <BLANKLINE>
              [[0., 0.],
               [0., 0.]]]]])"""
def mish(input: Tensor, inplace: _bool = False) -> Tensor:
    """`input * tanh(softplus(input))` (`torch.nn.functional.mish`).

    >>> torch.nn.functional.mish(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.1696, 0.3752, 0.8651])"""
def mish_(input: Tensor, inplace: _bool = False) -> Tensor:
    """`input * tanh(softplus(input))`, in place (`torch.nn.functional.mish_`).

    >>> torch.nn.functional.mish_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.1696, 0.3752, 0.8651])"""
def mse_loss(input: Tensor, target: Any, size_average: Any = None, reduce: Any = None, reduction: _str = 'mean', weight: Tensor | None = None) -> Tensor:
    """The mean squared difference (`torch.nn.functional.mse_loss`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.nn.functional.mse_loss(x, x)
    tensor(0.)"""
def multi_head_attention_forward(query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: _int, num_heads: _int, in_proj_weight: Any, in_proj_bias: Any, bias_k: Any, bias_v: Any, add_zero_attn: _bool, dropout_p: _float, out_proj_weight: Tensor, out_proj_bias: Any, training: _bool = True, key_padding_mask: Any = None, need_weights: _bool = True, attn_mask: Tensor | None = None, use_separate_proj_weight: _bool = False, q_proj_weight: Any = None, k_proj_weight: Any = None, v_proj_weight: Any = None, static_k: Any = None, static_v: Any = None, average_attn_weights: _bool = True, is_causal: _bool = False) -> Any:
    """What `nn.MultiheadAttention` computes (`torch.nn.functional.multi_head_attention_forward`).

    Queries are (L, N, E) or (L, E), keys and values (S, N, …) or (S, …). The result, and the weights, of each head or
    their mean, unless `need_weights` is False."""
def multi_margin_loss(input: Tensor, target: Any, p: _int = 1, margin: _float = 1.0, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None, reduction: _str = 'mean') -> Tensor:
    """By how much other classes come near the right one (`torch.nn.functional.multi_margin_loss`).

    >>> torch.nn.functional.multi_margin_loss(torch.tensor([[0.1, 0.9]]), torch.tensor([1]))
    tensor(0.1000)"""
def multilabel_margin_loss(input: Tensor, target: Any, size_average: Any = None, reduce: Any = None, reduction: _str = 'mean') -> Tensor:
    """multi_margin_loss for several right classes, -1 after the last (`torch.nn.functional.multilabel_margin_loss`).

    >>> torch.nn.functional.multilabel_margin_loss(torch.tensor([0.1, 0.9]), torch.tensor([1, -1]))
    tensor(0.1000)"""
def multilabel_soft_margin_loss(input: Tensor, target: Any, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None, reduction: _str = 'mean') -> Tensor:
    """The mean over classes of their cross entropies (`torch.nn.functional.multilabel_soft_margin_loss`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.nn.functional.multilabel_soft_margin_loss(x, x)
    tensor(0.6003)"""
def native_channel_shuffle(input: Tensor, groups: _int) -> Tensor:
    """Channels of several groups dealt out in turn (`torch.nn.functional.channel_shuffle`).

    >>> torch.nn.functional.native_channel_shuffle(torch.ones(1, 1, 4), 1)
    tensor([[[1., 1., 1., 1.]]])"""
def nll_loss(input: Tensor, target: Any, weight: Tensor | None = None, size_average: Any = None, ignore_index: _int = -100, reduce: Any = None, reduction: _str = 'mean') -> Tensor:
    """The negative log-likelihood of classes (`torch.nn.functional.nll_loss`).

    >>> torch.nn.functional.nll_loss(torch.tensor([[-0.5, -1.0]]), torch.tensor([0]))
    tensor(0.5000)"""
def normalize(input: Tensor, p: _float = 2.0, dim: Any = 1, eps: _float = 1e-12, out: Any = None) -> Tensor:
    """Rows divided by their norm (`torch.nn.functional.normalize`).

    >>> torch.nn.functional.normalize(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[0.4472, 0.8944],
            [0.6000, 0.8000]])"""
def one_hot(input: Tensor, num_classes: _int = -1) -> Tensor:
    """Ones where a class is (`torch.nn.functional.one_hot`).

    >>> torch.nn.functional.one_hot(torch.tensor([1, 2, 3]))
    tensor([[0, 1, 0, 0],
            [0, 0, 1, 0],
            [0, 0, 0, 1]])"""
def pad(input: Tensor, pad: Any, mode: _str = 'constant', value: _float | None = None) -> Tensor:
    """An array with a border (`torch.nn.functional.pad`).

    >>> import tapegrad
    >>> x = tapegrad.arange(3.0).reshape(1, 3)
    >>> tapegrad.nn.functional.pad(x, (2, 1), mode="reflect")
    tensor([[2., 1., 0., 1., 2., 1.]])

    `pad` has two numbers an axis, the last axis first; negative ones cut. `mode` is "constant", "reflect",
    "replicate" or "circular"; all but the first take two or three axes, four, or five, as PyTorch does. Raises
    RuntimeError for a border that does not fit the axis, NotImplementedError for shapes that a mode does not take."""
def pairwise_distance(x1: Tensor, x2: Tensor, p: _float = 2.0, eps: _float = 1e-06, keepdim: _bool = False) -> Tensor:
    """The norms of differences (`torch.nn.functional.pairwise_distance`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.nn.functional.pairwise_distance(x, x)
    tensor(1.7321e-06)"""
def pdist(input: Tensor, p: _float = 2.0) -> Tensor:
    """Distances of every pair of rows (`torch.nn.functional.pdist`).

    >>> torch.nn.functional.pdist(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([2.8284])"""
def pixel_shuffle(input: Tensor, upscale_factor: _int) -> Tensor:
    """Channels spread over finer rows and columns (`torch.nn.functional.pixel_shuffle`).

    >>> torch.nn.functional.pixel_shuffle(torch.ones(1, 1, 4), 1)
    tensor([[[1., 1., 1., 1.]]])"""
def pixel_unshuffle(input: Tensor, downscale_factor: _int) -> Tensor:
    """Blocks of rows and columns as channels (`torch.nn.functional.pixel_unshuffle`).

    >>> torch.nn.functional.pixel_unshuffle(torch.ones(1, 1, 4), 1)
    tensor([[[1., 1., 1., 1.]]])"""
def poisson_nll_loss(input: Tensor, target: Any, log_input: _bool = True, full: _bool = False, size_average: Any = None, eps: _float = 1e-08, reduce: Any = None, reduction: _str = 'mean') -> Tensor:
    """The negative log-likelihood of a Poisson distribution (`torch.nn.functional.poisson_nll_loss`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.nn.functional.poisson_nll_loss(x, x)
    tensor(1.4462)"""
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Leaky ReLU with a slope a channel (`torch.nn.functional.prelu`).

    >>> torch.nn.functional.prelu(torch.tensor([-1.0, 2.0]), torch.tensor([0.25]))
    tensor([-0.2500,  2.0000])"""
def relu(input: Tensor, inplace: _bool = False) -> Tensor:
    """Each element, or zero where it is negative (`torch.nn.functional.relu`).

    >>> torch.nn.functional.relu(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def relu6(input: Tensor, inplace: _bool = False) -> Tensor:
    """Each element kept between 0 and 6 (`torch.nn.functional.relu6`).

    >>> torch.nn.functional.relu6(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def relu6_(input: Tensor, inplace: _bool = False) -> Tensor:
    """Each element kept between 0 and 6, in place (`torch.nn.functional.relu6_`).

    >>> torch.nn.functional.relu6_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def relu_(input: Tensor) -> Tensor:
    """Each element, or zero where it is negative, in place (`torch.nn.functional.relu_`).

    >>> torch.nn.functional.relu_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def rms_norm(input: Tensor, normalized_shape: Sequence[_int], weight: Tensor | None = None, eps: _float | None = None) -> Tensor:
    """The last axes divided by their root mean square (`torch.nn.functional.rms_norm`).

    >>> torch.nn.functional.rms_norm(torch.tensor([0.25, 0.5, 1.0]), (3,))
    tensor([0.3780, 0.7559, 1.5119])"""
def rrelu(input: Tensor, lower: _float = 0.125, upper: _float = 0.3333333333333333, training: _bool = False, inplace: _bool = False) -> Tensor:
    """Leaky, with a slope drawn for each element (`torch.nn.functional.rrelu`); their mean when not training.

    >>> torch.nn.functional.rrelu(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def rrelu_(input: Tensor, lower: Any = 0.125, upper: Any = 0.3333333333333333, training: Any = False) -> Tensor:
    """Leaky ReLU with slopes drawn between `lower` and `upper`, in place (`torch.nn.functional.rrelu_`).

    >>> torch.nn.functional.rrelu_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2500, 0.5000, 1.0000])"""
def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: _float = 0.0, is_causal: _bool = False, scale: _float | None = None, enable_gqa: _bool = False) -> Any:
    """`softmax(query @ key.mT · scale + mask) @ value` (`torch.nn.functional.scaled_dot_product_attention`).

    >>> import tapegrad
    >>> q = tapegrad.tensor([[1.0, 0.0]])
    >>> scaled_dot_product_attention(q, tapegrad.eye(2), tapegrad.tensor([[1.0], [0.0]]), scale=0.0)
    tensor([[0.5000]])

    Queries are (…, L, E), keys (…, S, E), values (…, S, Ev); `scale` is 1/√E. A mask of bools says where to look, one
    of floats is added; `is_causal` looks at the keys up to the query's own place. Where nothing may be looked at the
    result is zero. Under `enable_gqa` some heads of keys and values serve several of queries.

    Raises RuntimeError for dtypes or shapes that do not fit."""
def selu(input: Tensor, inplace: _bool = False) -> Tensor:
    """ELU with the constants that keep mean and variance through many layers (`torch.nn.functional.selu`).

    >>> torch.nn.functional.selu(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2627, 0.5254, 1.0507])"""
def selu_(input: Tensor) -> Tensor:
    """ELU with the constants that keep mean and variance through many layers, in place (`torch.nn.functional.selu_`).

    >>> torch.nn.functional.selu_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2627, 0.5254, 1.0507])"""
def sigmoid(input: Tensor) -> Tensor:
    """`1 / (1 + exp(-input))` (`torch.nn.functional.sigmoid`).

    >>> torch.nn.functional.sigmoid(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.5622, 0.6225, 0.7311])"""
def sigmoid_(input: Tensor) -> Tensor:
    """`1 / (1 + exp(-input))`, in place (`torch.nn.functional.sigmoid_`).

    >>> torch.nn.functional.sigmoid_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.5622, 0.6225, 0.7311])"""
def silu(input: Tensor, inplace: _bool = False) -> Tensor:
    """`input * sigmoid(input)` (`torch.nn.functional.silu`).

    >>> torch.nn.functional.silu(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.1405, 0.3112, 0.7311])"""
def silu_(input: Tensor, inplace: _bool = False) -> Tensor:
    """`input * sigmoid(input)`, in place (`torch.nn.functional.silu_`).

    >>> torch.nn.functional.silu_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.1405, 0.3112, 0.7311])"""
def smooth_l1_loss(input: Tensor, target: Any, size_average: Any = None, reduce: Any = None, reduction: _str = 'mean', beta: _float = 1.0) -> Tensor:
    """Squared where the difference is below `beta`, absolute beyond (`torch.nn.functional.smooth_l1_loss`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.nn.functional.smooth_l1_loss(x, x)
    tensor(0.)"""
def soft_margin_loss(input: Tensor, target: Any, size_average: Any = None, reduce: Any = None, reduction: _str = 'mean') -> Tensor:
    """`log(1 + exp(-target * input))` (`torch.nn.functional.soft_margin_loss`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.nn.functional.soft_margin_loss(x, x)
    tensor(0.5172)"""
def softmax(input: Tensor, dim: _int | None = None, _stacklevel: _int = 3, dtype: _dtype | type | None = None) -> Tensor:
    """Exponentials along an axis, scaled so that they add up to one (`torch.nn.functional.softmax`).

    >>> torch.nn.functional.softmax(torch.tensor([0.25, 0.5, 1.0]), dim=0)
    tensor([0.2272, 0.2918, 0.4810])"""
def softmin(input: Tensor, dim: _int | None = None, _stacklevel: _int = 3, dtype: _dtype | type | None = None) -> Tensor:
    """softmax of the negative (`torch.nn.functional.softmin`).

    >>> torch.nn.functional.softmin(torch.tensor([0.25, 0.5, 1.0]), dim=0)
    tensor([0.4442, 0.3460, 0.2098])"""
def softplus(input: Tensor, beta: _float = 1, threshold: _float = 20, *, out: Any = None) -> Tensor:
    """`log(1 + exp(beta * input)) / beta`; the element itself above `threshold` (`torch.nn.functional.softplus`).

    >>> torch.nn.functional.softplus(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.8259, 0.9741, 1.3133])"""
def softshrink(input: Tensor, lambd: _float = 0.5, *, out: Any = None) -> Tensor:
    """Each element moved by `lambd` towards zero (`torch.nn.functional.softshrink`).

    >>> torch.nn.functional.softshrink(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.0000, 0.0000, 0.5000])"""
def softsign(input: Tensor) -> Tensor:
    """`input / (1 + |input|)` (`torch.nn.functional.softsign`).

    >>> torch.nn.functional.softsign(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2000, 0.3333, 0.5000])"""
def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent of each element (`torch.nn.functional.tanh`).

    >>> torch.nn.functional.tanh(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2449, 0.4621, 0.7616])"""
def tanh_(input: Tensor) -> Tensor:
    """The hyperbolic tangent of each element, in place (`torch.nn.functional.tanh_`).

    >>> torch.nn.functional.tanh_(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2449, 0.4621, 0.7616])"""
def tanhshrink(input: Tensor) -> Tensor:
    """`input - tanh(input)` (`torch.nn.functional.tanhshrink`).

    >>> torch.nn.functional.tanhshrink(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.0051, 0.0379, 0.2384])"""
def threshold(input: Tensor, threshold: _float, value: _float, inplace: _bool = False) -> Tensor:
    """Each element, or `value` where it is not above `threshold` (`torch.nn.functional.threshold`).

    >>> torch.nn.functional.threshold(torch.tensor([0.25, 0.5, 1.0]), 0.5, 2.0)
    tensor([2., 2., 1.])"""
def threshold_(input: Tensor, threshold: _float, value: _float) -> Tensor:
    """Each element, or `value` where it is not above `threshold`, in place (`torch.nn.functional.threshold_`).

    >>> torch.nn.functional.threshold_(torch.tensor([0.25, 0.5, 1.0]), 0.5, 2.0)
    tensor([2., 2., 1.])"""
def triplet_margin_loss(anchor: Any, positive: Any, negative: Any, margin: _float = 1.0, p: _float = 2, eps: _float = 1e-06, swap: _bool = False, size_average: Any = None, reduce: Any = None, reduction: _str = 'mean') -> Tensor:
    """By how much the negative is not farther than the positive (`torch.nn.functional.triplet_margin_loss`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.nn.functional.triplet_margin_loss(x, x, x)
    tensor(1.)"""
def triplet_margin_with_distance_loss(anchor: Tensor, positive: Tensor, negative: Tensor, *, distance_function: Any = None, margin: _float = 1.0, swap: _bool = False, reduction: _str = 'mean') -> Tensor:
    """The same by any distance (`torch.nn.functional.triplet_margin_with_distance_loss`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.nn.functional.triplet_margin_with_distance_loss(x, x, x)
    tensor(1.)"""
def unfold(input: Tensor, kernel_size: _int | Sequence[_int], dilation: _int | Sequence[_int] = 1, padding: _int | Sequence[_int] = 0, stride: _int | Sequence[_int] = 1) -> Tensor:
    """Every window as a column (`torch.nn.functional.unfold`).

    >>> torch.nn.functional.unfold(torch.ones(1, 2, 2), 2)
    tensor([[1.],
            [1.],
            [1.],
            [1.]])"""
def upsample(input: Tensor, size: Any = None, scale_factor: Any = None, mode: Any = 'nearest', align_corners: Any = None) -> Tensor:
    """An image in another size (`torch.nn.functional.interpolate`).

    `mode` is "nearest", "nearest-exact" or "area", or "linear", "bilinear" and "bicubic", "trilinear" for one, two,
    three axes. With `antialias` an image that becomes smaller is smoothed as it needs. Raises NotImplementedError for a
    mode that the input has not the axes for, ValueError for options that do not go with it.

    >>> torch.nn.functional.upsample(torch.tensor([[[1.0, 2.0]]]), 4)
    tensor([[[1., 1., 2., 2.]]])"""
def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` of one mode (`torch.nn.functional.upsample_bilinear`).

    >>> torch.nn.functional.upsample_bilinear(torch.ones(1, 1, 1, 1), (1, 2))
    tensor([[[[1., 1.]]]])"""
def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` of one mode (`torch.nn.functional.upsample_nearest`).

    >>> torch.nn.functional.upsample_nearest(torch.tensor([[[1.0, 2.0]]]), 4)
    tensor([[[1., 1., 2., 2.]]])"""
