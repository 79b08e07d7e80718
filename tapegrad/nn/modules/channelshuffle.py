"""Channels in another order."""
from __future__ import annotations

from tapegrad.namespaces import show_public
from tapegrad.nn.modules._layer import Layer

show_public(__name__)


class ChannelShuffle(Layer, function="channel_shuffle"):
    """The channels of several groups taken in turn (`torch.nn.ChannelShuffle`).

    >>> import tapegrad as torch
    >>> torch.nn.ChannelShuffle(2)(torch.arange(4.0).reshape(1, 4, 1, 1)).flatten()
    tensor([0., 2., 1., 3.])
    """

    groups: int
