"""How parameters start (`torch.nn.init`): each function fills a tensor in place, with PyTorch's random numbers.

>>> import tapegrad as torch
>>> _ = torch.manual_seed(0)
>>> xavier_uniform_(torch.empty(1, 2))
tensor([[-0.0106,  0.7586]])
"""
from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

from tapegrad import creation, drawing, linalg
from tapegrad.autograd.modes import no_grad
from tapegrad.functions import PUBLIC
from tapegrad.namespaces import show_public

__all__ = ["calculate_gain", "constant", "constant_", "dirac", "dirac_", "eye", "eye_", "kaiming_normal",
           "kaiming_normal_", "kaiming_uniform", "kaiming_uniform_", "normal", "normal_", "ones_", "orthogonal",
           "orthogonal_", "sparse", "sparse_", "trunc_normal_", "uniform", "uniform_", "xavier_normal",
           "xavier_normal_", "xavier_uniform", "xavier_uniform_", "zeros_"]
show_public(__name__)

_LINEAR = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
_GAINS = {**dict.fromkeys(_LINEAR, 1), "sigmoid": 1, "tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4}


def calculate_gain(nonlinearity: str, param: Any = None) -> float:
    """By how much a nonlinearity shrinks deviations (`torch.nn.init.calculate_gain`).

    >>> calculate_gain("tanh")
    1.6666666666666667
    """
    if nonlinearity == "leaky_relu":
        if isinstance(param, bool) or not isinstance(param, (int, float, type(None))):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    return _GAINS[nonlinearity]


@no_grad()
def uniform_(tensor: Any, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Any:
    """Uniform numbers between `a` and `b`.

    >>> import tapegrad as torch
    >>> w = torch.nn.init.uniform_(torch.empty(100), 2.0, 3.0)
    >>> bool((w >= 2).all()), bool((w <= 3).all())
    (True, True)
    """
    return tensor.uniform_(a, b, generator=generator)


@no_grad()
def normal_(tensor: Any, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Any:
    """Normal numbers of this mean and deviation.

    >>> import tapegrad as torch
    >>> torch.nn.init.normal_(torch.empty(100), mean=5.0, std=0.0).unique()
    tensor([5.])
    """
    return tensor.normal_(mean, std, generator=generator)


@no_grad()
def trunc_normal_(tensor: Any, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0,
                  generator: Any = None) -> Any:
    """Normal numbers, drawn again where they fall outside [a, b].

    >>> import tapegrad as torch
    >>> bool((torch.nn.init.trunc_normal_(torch.empty(100)).abs() <= 2).all())
    True
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn("mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be "
                      "incorrect.", stacklevel=3)
    likely = _below((b - mean) / std) - _below((a - mean) / std) > 0.3
    return (_redrawn if likely else _rejected)(tensor, mean, std, a, b, generator)


def _below(x: float) -> float:
    """The probability that a standard normal number is less than `x`."""
    return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0


def _redrawn(tensor: Any, mean: float, std: float, a: float, b: float, generator: Any) -> Any:
    low, high = (creation.tensor(x, dtype=tensor.dtype).item() for x in (a, b))
    found = tensor.normal_(mean, std, generator=generator)
    while (outside := (found < low) | (found > high)).any():
        again = creation.empty_like(found).normal_(mean, std, generator=generator)
        found = PUBLIC["where"](outside, again, found)
    return tensor if found is tensor else tensor.copy_(found)


def _rejected(tensor: Any, mean: float, std: float, a: float, b: float, generator: Any) -> Any:
    """Uniform numbers, each kept with the probability that the density there has of that at the mode in [a, b]."""
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    found = tensor.uniform_(a, b, generator=generator).clone()
    drawn, pending = found.clone(), None
    while True:
        log_density = drawn.sub_(mean).div_(std).pow_(2).mul_(-0.5).sub_(peak)
        refused = creation.empty_like(tensor).uniform_(generator=generator).log_() > log_density
        pending = refused if pending is None else refused & pending
        if not pending.any():
            return tensor.copy_(found)
        drawn.uniform_(a, b, generator=generator)
        found = PUBLIC["where"](pending, drawn, found)


@no_grad()
def constant_(tensor: Any, val: float) -> Any:
    """One number everywhere.

    >>> import tapegrad as torch
    >>> torch.nn.init.constant_(torch.empty(2), 7.0)
    tensor([7., 7.])
    """
    return tensor.fill_(val)


def ones_(tensor: Any) -> Any:
    """Ones, wherever there are elements.

    >>> import tapegrad as torch
    >>> torch.nn.init.ones_(torch.empty(2))
    tensor([1., 1.])
    """
    return constant_(tensor, 1.0)


def zeros_(tensor: Any) -> Any:
    """Zeros, wherever there are elements.

    >>> import tapegrad as torch
    >>> torch.nn.init.zeros_(torch.empty(2))
    tensor([0., 0.])
    """
    return constant_(tensor, 0.0)


@no_grad()
def eye_(tensor: Any) -> Any:
    """The identity matrix.

    >>> import tapegrad as torch
    >>> torch.nn.init.eye_(torch.empty(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return tensor.copy_(creation.eye(*tensor.shape, dtype=tensor.dtype))


@no_grad()
def dirac_(tensor: Any, groups: int = 1) -> Any:
    """The kernel of a convolution that hands its channels on, in each group.

    >>> import tapegrad as torch
    >>> torch.nn.init.dirac_(torch.empty(2, 2, 3))[0]
    tensor([[0., 1., 0.],
            [0., 0., 0.]])
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    outputs, inputs = tensor.shape[:2]
    if outputs % groups:
        raise ValueError("dim 0 must be divisible by groups")
    tensor.zero_()
    centre = tuple(n // 2 for n in tensor.shape[2:])
    for group in range(groups):
        for d in range(min(outputs // groups, inputs)):
            place = (group * (outputs // groups) + d, d, *centre)
            tensor[place] = 1
    return tensor


def _calculate_fan_in_and_fan_out(tensor: Any) -> tuple[int, int]:
    """How many numbers of the input one of the output depends on, and the other way round."""
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _calculate_correct_fan(tensor: Any, mode: str) -> int:
    modes = ["fan_in", "fan_out"]
    if mode.lower() not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {modes}")
    return _calculate_fan_in_and_fan_out(tensor)[modes.index(mode.lower())]


def xavier_uniform_(tensor: Any, gain: float = 1.0, generator: Any = None) -> Any:
    """Uniform numbers that keep deviations in both directions (Glorot and Bengio, 2010).

    >>> import tapegrad as torch
    >>> bool((torch.nn.init.xavier_uniform_(torch.empty(3, 3)).abs() <= 1).all())
    True
    """
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / float(sum(_calculate_fan_in_and_fan_out(tensor)))))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Any, gain: float = 1.0, generator: Any = None) -> Any:
    """Normal numbers that keep deviations in both directions (Glorot and Bengio, 2010).

    >>> import tapegrad as torch
    >>> torch.nn.init.xavier_normal_(torch.empty(3, 4)).shape
    torch.Size([3, 4])
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / float(sum(_calculate_fan_in_and_fan_out(tensor)))), generator)


def _kaiming(tensor: Any, a: float, mode: str, nonlinearity: str) -> float:
    """The deviation that keeps deviations behind a nonlinearity; None for a tensor without elements."""
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(tensor: Any, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
                     generator: Any = None) -> Any:
    """Uniform numbers that keep deviations behind ReLU and its kin (He et al., 2015).

    >>> import tapegrad as torch
    >>> bool((torch.nn.init.kaiming_uniform_(torch.empty(3, 3)).abs() <= 2).all())
    True
    """
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    bound = math.sqrt(3.0) * _kaiming(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor: Any, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
                    generator: Any = None) -> Any:
    """Normal numbers that keep deviations behind ReLU and its kin (He et al., 2015).

    >>> import tapegrad as torch
    >>> torch.nn.init.kaiming_normal_(torch.empty(3, 4)).shape
    torch.Size([3, 4])
    """
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    return normal_(tensor, 0, _kaiming(tensor, a, mode, nonlinearity), generator)


@no_grad()
def orthogonal_(tensor: Any, gain: float = 1, generator: Any = None) -> Any:
    """A matrix with orthogonal rows or columns, uniform among those (Saxe et al., 2013; Mezzadri, 2007).

    >>> import tapegrad as torch
    >>> w = torch.nn.init.orthogonal_(torch.empty(2, 2))
    >>> torch.allclose(w @ w.T, torch.eye(2), atol=1e-5)
    True
    """
    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if not tensor.numel():
        return tensor
    flat = tensor.new_empty((tensor.shape[0], tensor.numel() // tensor.shape[0])).normal_(0, 1, generator=generator)
    wide = flat.shape[0] < flat.shape[1]
    q, r = linalg.qr(flat.t() if wide else flat)
    q = q * r.diagonal().sign()
    return tensor.copy_((q.t() if wide else q).reshape(tensor.shape)).mul_(gain)


@no_grad()
def sparse_(tensor: Any, sparsity: float, std: float = 0.01, generator: Any = None) -> Any:
    """Normal numbers, of which a share in each column is zero (Martens, 2010).

    >>> import tapegrad as torch
    >>> int((torch.nn.init.sparse_(torch.empty(10, 2), sparsity=0.5) == 0).sum())
    10
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    tensor.normal_(0, std, generator=generator)
    for column in range(columns):
        tensor[drawing.randperm(rows)[:zeros], column] = 0
    return tensor


def _deprecated(function: Callable[..., Any]) -> Callable[..., Any]:
    name = function.__name__[:-1]

    @functools.wraps(function)
    def old(*args: Any, **kwargs: Any) -> Any:
        warnings.warn(f"`nn.init.{name}` is now deprecated in favor of `nn.init.{name}_`.", FutureWarning, stacklevel=2)
        return function(*args, **kwargs)

    old.__name__ = old.__qualname__ = name
    old.__doc__ = f"`{name}_` by its old name."
    return old


uniform: Callable[..., Any] = _deprecated(uniform_)
normal: Callable[..., Any] = _deprecated(normal_)
constant: Callable[..., Any] = _deprecated(constant_)
eye: Callable[..., Any] = _deprecated(eye_)
dirac: Callable[..., Any] = _deprecated(dirac_)
xavier_uniform: Callable[..., Any] = _deprecated(xavier_uniform_)
xavier_normal: Callable[..., Any] = _deprecated(xavier_normal_)
kaiming_uniform: Callable[..., Any] = _deprecated(kaiming_uniform_)
kaiming_normal: Callable[..., Any] = _deprecated(kaiming_normal_)
orthogonal: Callable[..., Any] = _deprecated(orthogonal_)
sparse: Callable[..., Any] = _deprecated(sparse_)
