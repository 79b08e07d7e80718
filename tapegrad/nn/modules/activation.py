"""Activations: elementwise functions, and those of an axis."""
from __future__ import annotations

import warnings
from typing import Any

from tapegrad import creation
from tapegrad.namespaces import show_public
from tapegrad.nn import functional as F
from tapegrad.nn import init
from tapegrad.nn.modules._layer import Layer
from tapegrad.nn.modules.module import Module
from tapegrad.nn.parameter import Parameter
from tapegrad.tensor import Tensor

show_public(__name__)


class Threshold(Layer, function="threshold"):
    """`x` where it is above `threshold`, elsewhere `value`.

    >>> import tapegrad as torch
    >>> torch.nn.Threshold(0.0, 7.0)(torch.tensor([-2.0, 0.5, 3.0]))
    tensor([7.0000, 0.5000, 3.0000])
    """

    threshold: float
    value: float
    inplace: bool = False


class ReLU(Layer, function="relu"):
    """`max(0, x)` (`torch.nn.ReLU`).

    >>> import tapegrad as torch
    >>> torch.nn.ReLU()(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    inplace: bool = False


class RReLU(Layer, function="rrelu", also="training"):
    """`x` where it is positive, elsewhere `x` times a slope: drawn for each element in training, else the mean.

    >>> import tapegrad as torch
    >>> torch.nn.RReLU().eval()(torch.tensor([-2.0, 3.0]))
    tensor([-0.4583,  3.0000])
    """

    lower: float = 1.0 / 8
    upper: float = 1.0 / 3
    inplace: bool = False


class Hardtanh(Layer, function="hardtanh", withheld="min_value max_value"):
    """`x` between `min_val` and `max_val` (`torch.nn.Hardtanh`).

    >>> import tapegrad as torch
    >>> torch.nn.Hardtanh(0, 3)(torch.tensor([-1.0, 2.0, 5.0]))
    tensor([0., 2., 3.])
    """

    min_val: float = -1.0
    max_val: float = 1.0
    inplace: bool = False
    min_value: float | None = None
    max_value: float | None = None
    _shows = "min_val={self.min_val}, max_val={self.max_val}"

    def _set(self, options: dict[str, Any]) -> None:
        for old, new in (("min_value", "min_val"), ("max_value", "max_val")):
            value = options.pop(old)
            if value is not None:
                warnings.warn(f"keyword argument `{old}` is deprecated and renamed to `{new}`", FutureWarning,
                              stacklevel=3)
                options[new] = value
        super()._set(options)
        if self.max_val <= self.min_val:
            raise AssertionError(f"max_val ({self.max_val}) must be greater than min_val ({self.min_val})")

    def extra_repr(self) -> str:
        return super().extra_repr() + ", inplace=True" * self.inplace


class ReLU6(Hardtanh):
    """`min(max(0, x), 6)` (`torch.nn.ReLU6`).

    >>> import tapegrad as torch
    >>> torch.nn.ReLU6()(torch.tensor([-2.0, 0.5, 3.0]))
    tensor([0.0000, 0.5000, 3.0000])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        return "inplace=True" * self.inplace


class Sigmoid(Layer, function="sigmoid"):
    """`1 / (1 + exp(-x))` (`torch.nn.Sigmoid`).

    >>> import tapegrad as torch
    >>> torch.nn.Sigmoid()(torch.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """


class Hardsigmoid(Layer, function="hardsigmoid"):
    """`x / 6 + 1 / 2` between 0 and 1 (`torch.nn.Hardsigmoid`).

    >>> import tapegrad as torch
    >>> torch.nn.Hardsigmoid()(torch.tensor([-2.0, 0.5, 3.0]))
    tensor([0.1667, 0.5833, 1.0000])
    """

    inplace: bool = False
    _shows = ""


class Tanh(Layer, function="tanh"):
    """The hyperbolic tangent (`torch.nn.Tanh`).

    >>> import tapegrad as torch
    >>> torch.nn.Tanh()(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """


class SiLU(Layer, function="silu"):
    """`x` times its sigmoid (`torch.nn.SiLU`).

    >>> import tapegrad as torch
    >>> torch.nn.SiLU()(torch.tensor([-2.0, 0.5, 3.0]))
    tensor([-0.2384,  0.3112,  2.8577])
    """

    inplace: bool = False


class Mish(Layer, function="mish"):
    """`x` times the tanh of its softplus (`torch.nn.Mish`).

    >>> import tapegrad as torch
    >>> torch.nn.Mish()(torch.tensor([-2.0, 0.5, 3.0]))
    tensor([-0.2525,  0.3752,  2.9865])
    """

    inplace: bool = False


class Hardswish(Layer, function="hardswish"):
    """`x` times its hardsigmoid (`torch.nn.Hardswish`).

    >>> import tapegrad as torch
    >>> torch.nn.Hardswish()(torch.tensor([-2.0, 0.5, 3.0]))
    tensor([-0.3333,  0.2917,  3.0000])
    """

    inplace: bool = False
    _shows = ""


class ELU(Layer, function="elu"):
    """`x` where it is positive, elsewhere `alpha * (exp(x) - 1)` (`torch.nn.ELU`).

    >>> import tapegrad as torch
    >>> torch.nn.ELU()(torch.tensor([-2.0, 0.5, 3.0]))
    tensor([-0.8647,  0.5000,  3.0000])
    """

    alpha: float = 1.0
    inplace: bool = False


class CELU(Layer, function="celu"):
    """`x` where it is positive, elsewhere `alpha * (exp(x / alpha) - 1)` (`torch.nn.CELU`).

    >>> import tapegrad as torch
    >>> torch.nn.CELU()(torch.tensor([-2.0, 0.5, 3.0]))
    tensor([-0.8647,  0.5000,  3.0000])
    """

    alpha: float = 1.0
    inplace: bool = False


class SELU(Layer, function="selu"):
    """The scaled exponential linear unit (`torch.nn.SELU`).

    >>> import tapegrad as torch
    >>> torch.nn.SELU()(torch.tensor([-2.0, 0.5, 3.0]))
    tensor([-1.5202,  0.5254,  3.1521])
    """

    inplace: bool = False


class GLU(Layer, function="glu"):
    """The first half of an axis times the sigmoid of the second (`torch.nn.GLU`).

    >>> import tapegrad as torch
    >>> torch.nn.GLU()(torch.tensor([1.0, 2.0, 0.0, 100.0]))
    tensor([0.5000, 2.0000])
    """

    dim: int = -1


class GELU(Layer, function="gelu"):
    """`x` times the probability that a normal number is less, exactly or by tanh (`torch.nn.GELU`).

    >>> import tapegrad as torch
    >>> torch.nn.GELU()(torch.tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])
    """

    approximate: str = "none"
    _shows = "approximate={self.approximate!r}"


class Hardshrink(Layer, function="hardshrink"):
    """`x` where it is further than `lambd` from zero, elsewhere zero (`torch.nn.Hardshrink`).

    >>> import tapegrad as torch
    >>> torch.nn.Hardshrink()(torch.tensor([-2.0, 0.5, 3.0]))
    tensor([-2.,  0.,  3.])
    """

    lambd: float = 0.5
    _shows = "{self.lambd}"


class LeakyReLU(Layer, function="leaky_relu"):
    """`x` where it is positive, elsewhere `negative_slope * x` (`torch.nn.LeakyReLU`).

    >>> import tapegrad as torch
    >>> torch.nn.LeakyReLU(0.1)(torch.tensor([-1.0, 2.0]))
    tensor([-0.1000,  2.0000])
    """

    negative_slope: float = 1e-2
    inplace: bool = False


class LogSigmoid(Layer, function="logsigmoid"):
    """The logarithm of the sigmoid (`torch.nn.LogSigmoid`).

    >>> import tapegrad as torch
    >>> torch.nn.LogSigmoid()(torch.tensor([-2.0, 0.5, 3.0]))
    tensor([-2.1269, -0.4741, -0.0486])
    """


class Softplus(Layer, function="softplus"):
    """`log(1 + exp(beta * x)) / beta`, and `x` where `beta * x` is above `threshold` (`torch.nn.Softplus`).

    >>> import tapegrad as torch
    >>> torch.nn.Softplus()(torch.tensor([-2.0, 0.5, 3.0]))
    tensor([0.1269, 0.9741, 3.0486])
    """

    beta: float = 1.0
    threshold: float = 20.0


class Softshrink(Layer, function="softshrink"):
    """`x` brought nearer to zero by `lambd` (`torch.nn.Softshrink`).

    >>> import tapegrad as torch
    >>> torch.nn.Softshrink()(torch.tensor([-2.0, 0.5, 3.0]))
    tensor([-1.5000,  0.0000,  2.5000])
    """

    lambd: float = 0.5
    _shows = "{self.lambd}"


class Softsign(Layer, function="softsign"):
    """`x / (1 + |x|)` (`torch.nn.Softsign`).

    >>> import tapegrad as torch
    >>> torch.nn.Softsign()(torch.tensor([-2.0, 0.5, 3.0]))
    tensor([-0.6667,  0.3333,  0.7500])
    """


class Tanhshrink(Layer, function="tanhshrink"):
    """`x - tanh(x)` (`torch.nn.Tanhshrink`).

    >>> import tapegrad as torch
    >>> torch.nn.Tanhshrink()(torch.tensor([-2.0, 0.5, 3.0]))
    tensor([-1.0360,  0.0379,  2.0049])
    """


class Softmin(Layer, function="softmin"):
    """Softmax of `-x` (`torch.nn.Softmin`).

    >>> import tapegrad as torch
    >>> torch.nn.Softmin(dim=0)(torch.tensor([-2.0, 0.5, 3.0]))
    tensor([0.9184, 0.0754, 0.0062])
    """

    dim: int | None = None


class Softmax(Layer, function="softmax"):
    """Exponentials that sum to one along an axis (`torch.nn.Softmax`).

    >>> import tapegrad as torch
    >>> torch.nn.Softmax(dim=0)(torch.zeros(4))
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """

    dim: int | None = None


class LogSoftmax(Layer, function="log_softmax"):
    """The logarithm of softmax (`torch.nn.LogSoftmax`).

    >>> import tapegrad as torch
    >>> torch.nn.LogSoftmax(dim=0)(torch.tensor([-2.0, 0.5, 3.0]))
    tensor([-5.0851, -2.5851, -0.0851])
    """

    dim: int | None = None


class Softmax2d(Module):
    """Softmax over the channels of images (`torch.nn.Softmax2d`).

    >>> import tapegrad as torch
    >>> torch.nn.Softmax2d()(torch.zeros(1, 2, 1, 3))[0, :, 0]
    tensor([[0.5000, 0.5000, 0.5000],
            [0.5000, 0.5000, 0.5000]])
    """

    def forward(self, input: Any) -> Any:
        if input.dim() not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead")
        return F.softmax(input, -3)


class PReLU(Module):
    """Leaky ReLU whose slopes are parameters: one, or one a channel (`torch.nn.PReLU`).

    >>> import tapegrad as torch
    >>> torch.nn.PReLU()(torch.tensor([-1.0, 2.0]))
    tensor([-0.2500,  2.0000], grad_fn=<PreluKernelBackward0>)
    """

    num_parameters: int
    weight: Tensor

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        self.num_parameters = num_parameters
        super().__init__()
        self.init = init
        self.weight = Parameter(creation.empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the slopes back."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Any) -> Any:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


def __getattr__(name: str) -> Any:
    if name == "MultiheadAttention":  # which PyTorch has here
        from tapegrad.nn.modules import attention

        return attention.MultiheadAttention
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
