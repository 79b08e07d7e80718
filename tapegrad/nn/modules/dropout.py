"""Dropout, in all its forms; in evaluation they do nothing."""
from __future__ import annotations

from typing import Any

from tapegrad.namespaces import show_public
from tapegrad.nn.modules._layer import Layer

show_public(__name__)


class _DropoutNd(Layer, family=True):
    p: float = 0.5
    inplace: bool = False
    _shows = "p={self.p}, inplace={self.inplace}"

    def _set(self, options: dict[str, Any]) -> None:
        if not 0 <= options["p"] <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {options['p']}")
        super()._set(options)


class Dropout(_DropoutNd, function="dropout", also="training"):
    """Elements set to zero with probability `p`, the others scaled up (`torch.nn.Dropout`).

    >>> import tapegrad as torch
    >>> torch.nn.Dropout(0.5).eval()(torch.ones(3))
    tensor([1., 1., 1.])
    """


class Dropout1d(_DropoutNd, function="dropout1d", also="training"):
    """Whole channels of sequences set to zero (`torch.nn.Dropout1d`).

    >>> import tapegrad as torch
    >>> torch.nn.Dropout1d(0.5).eval()(torch.ones(2, 3, 4)).shape
    torch.Size([2, 3, 4])
    """


class Dropout2d(_DropoutNd, function="dropout2d", also="training"):
    """Whole channels of images set to zero (`torch.nn.Dropout2d`).

    >>> import tapegrad as torch
    >>> torch.nn.Dropout2d(0.5).eval()(torch.ones(2, 3, 4, 4)).shape
    torch.Size([2, 3, 4, 4])
    """


class Dropout3d(_DropoutNd, function="dropout3d", also="training"):
    """Whole channels of volumes set to zero (`torch.nn.Dropout3d`).

    >>> import tapegrad as torch
    >>> torch.nn.Dropout3d(0.5).eval()(torch.ones(2, 3, 4, 4, 4)).shape
    torch.Size([2, 3, 4, 4, 4])
    """


class AlphaDropout(_DropoutNd, function="alpha_dropout", also="training", withheld="inplace"):
    """Dropout that keeps mean and deviation, for SELU (`torch.nn.AlphaDropout`).

    >>> import tapegrad as torch
    >>> torch.nn.AlphaDropout(0.5).eval()(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """


class FeatureAlphaDropout(_DropoutNd, function="feature_alpha_dropout", also="training", withheld="inplace"):
    """The same by channels (`torch.nn.FeatureAlphaDropout`).

    >>> import tapegrad as torch
    >>> torch.nn.FeatureAlphaDropout(0.5).eval()(torch.ones(2, 3, 4)).shape
    torch.Size([2, 3, 4])
    """
