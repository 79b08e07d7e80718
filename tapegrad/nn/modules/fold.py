"""Windows of images as columns, and back."""
from __future__ import annotations

from typing import Any

from tapegrad.namespaces import show_public
from tapegrad.nn.modules._layer import Layer

show_public(__name__)


class Fold(Layer, function="fold"):
    """Columns added up to images where their windows overlap (`torch.nn.Fold`).

    >>> import tapegrad as torch
    >>> torch.nn.Fold(output_size=(2, 3), kernel_size=2)(torch.ones(1, 4, 2))
    tensor([[[[1., 2., 1.],
              [1., 2., 1.]]]])
    """

    output_size: Any
    kernel_size: Any
    dilation: Any = 1
    padding: Any = 0
    stride: Any = 1


class Unfold(Layer, function="unfold"):
    """The windows of images as columns (`torch.nn.Unfold`).

    >>> import tapegrad as torch
    >>> torch.nn.Unfold(2)(torch.ones(1, 1, 3, 3)).shape
    torch.Size([1, 4, 4])
    """

    kernel_size: Any
    dilation: Any = 1
    padding: Any = 0
    stride: Any = 1
