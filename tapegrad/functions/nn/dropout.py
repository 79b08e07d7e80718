"""Dropout in all its forms: noise that is drawn as PyTorch draws it, and multiplied with."""
from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from tapegrad import drawing
from tapegrad.functions.common import PUBLIC
from tapegrad.functions.nn.activations import NN, nn
from tapegrad.tensor import Tensor

ALPHA = 1.7580993408473766  # of SELU: what its negative side tends to, without the sign


def _check(p: float, error: type[Exception]) -> None:
    if not 0.0 <= p <= 1.0:
        raise error(f"dropout probability has to be between 0 and 1, but got {p}")


def _noise(x: Tensor, p: float, feature: bool) -> Any:
    """Ones and zeros, one an element, or one a channel of a sample."""
    if feature and x.ndim < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    like = x.new_empty((*x.shape[:2], *[1] * (x.ndim - 2))) if feature else x
    return drawing.chosen_like(like, 1 - p)


def _dropped(x: Tensor, p: float, inplace: bool, feature: bool = False, alpha: bool = False) -> Any:
    """`x` where it is kept, scaled up; with `alpha` moved as well, so that mean and deviation stay."""
    times: Callable[..., Any] = x.mul_ if inplace else x.mul
    if p == 1:
        return times(x.new_zeros(()))
    noise = _noise(x, p, feature)
    if not alpha:
        return times(noise.div_(1 - p))
    scale = 1 / math.sqrt((ALPHA * ALPHA * p + 1) * (1 - p))
    shift = noise.add(-1).mul_(ALPHA * scale).add_(ALPHA * scale * p)
    return times(noise.mul_(scale)).add_(shift)


def _form(name: str, feature: bool, alpha: bool) -> None:
    """`torch.name(input, p, train)` and `torch.name_`; `nn.functional.name` is what they are called by."""

    def plain(inplace: bool) -> Callable[..., Any]:
        def function(input: Tensor, p: float, train: bool) -> Any:
            _check(p, RuntimeError)
            if p == 0 or not train or not input.numel():
                return input
            return _dropped(input, p, inplace, feature, alpha)

        function.__name__ = function.__qualname__ = name + "_" * inplace
        function.__doc__ = f"Elements set to zero at random (`torch.{function.__name__}`)."
        return function

    PUBLIC[name], PUBLIC[name + "_"] = plain(False), plain(True)


for _name, _feature, _alpha in (("dropout", False, False), ("feature_dropout", True, False),
                                ("alpha_dropout", False, True), ("feature_alpha_dropout", True, True)):
    _form(_name, _feature, _alpha)


@nn
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Elements set to zero at random, the others scaled up (`torch.nn.functional.dropout`).

    >>> import tapegrad
    >>> _ = tapegrad.manual_seed(0)
    >>> dropout(tapegrad.ones(4), 0.5)
    tensor([0., 0., 2., 0.])
    """
    _check(p, ValueError)
    return PUBLIC["dropout" + "_" * inplace](input, p, training)


@nn
def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """Dropout that keeps mean and deviation, for SELU (`torch.nn.functional.alpha_dropout`)."""
    _check(p, ValueError)
    return PUBLIC["alpha_dropout" + "_" * inplace](input, p, training)


@nn
def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """The same by channels (`torch.nn.functional.feature_alpha_dropout`)."""
    _check(p, ValueError)
    return PUBLIC["feature_alpha_dropout" + "_" * inplace](input, p, training)


def _of_channels(axes: int) -> None:
    name = f"dropout{axes}d"

    def function(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
        _check(p, ValueError)
        ndim = input.ndim
        if ndim not in (axes + 1, axes + 2):
            if axes == 1:
                raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {ndim}D input. Note that "
                                   "dropout1d exists to provide channel-wise dropout on inputs with 1 spatial "
                                   "dimension, a channel dimension, and an optional batch dimension (i.e. 2D or 3D "
                                   "inputs).")
            warnings.warn(f"{name}: Received a {ndim}-D input to {name}, which is deprecated and will result in an "
                          "error in a future release.", stacklevel=2)
        alone = axes != 2 and ndim != axes + 2  # one sample; of images, PyTorch takes three axes for (N, C, L)
        x = (input.unsqueeze_(0) if inplace else input.unsqueeze(0)) if alone else input
        found = PUBLIC["feature_dropout" + "_" * inplace](x, p, training)
        return (found.squeeze_(0) if inplace else found.squeeze(0)) if alone else found

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Whole channels set to zero at random (`torch.nn.functional.{name}`)."
    NN[name] = function


for _axes in (1, 2, 3):
    _of_channels(_axes)
