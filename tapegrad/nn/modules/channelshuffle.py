"""Channels in another order."""
from __future__ import annotations

from tapegrad.nn.modules._layer import Layer


class ChannelShuffle(Layer, function="channel_shuffle"):
    """The channels of several groups taken in turn (`torch.nn.ChannelShuffle`)."""

    groups: int
