"""Channels as finer images, and back."""
from __future__ import annotations

from tapegrad.namespaces import show_public
from tapegrad.nn.modules._layer import Layer

show_public(__name__)


class PixelShuffle(Layer, function="pixel_shuffle"):
    """Channels laid out as finer images (`torch.nn.PixelShuffle`).

    >>> import tapegrad as torch
    >>> torch.nn.PixelShuffle(2)(torch.ones(1, 8, 3, 3)).shape
    torch.Size([1, 2, 6, 6])
    """

    upscale_factor: int


class PixelUnshuffle(Layer, function="pixel_unshuffle"):
    """Images laid out as coarser ones with more channels (`torch.nn.PixelUnshuffle`).

    >>> import tapegrad as torch
    >>> torch.nn.PixelUnshuffle(2)(torch.arange(4.0).reshape(1, 1, 2, 2)).flatten()
    tensor([0., 1., 2., 3.])
    """

    downscale_factor: int
