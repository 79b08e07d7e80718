"""Finer or coarser signals."""
from __future__ import annotations

from typing import Any

from tapegrad.namespaces import show_public
from tapegrad.nn.modules._layer import Layer

show_public(__name__)


class Upsample(Layer, function="interpolate"):
    """A signal of another size, its values repeated or interpolated (`torch.nn.Upsample`).

    >>> import tapegrad as torch
    >>> torch.nn.Upsample(scale_factor=2)(torch.ones(1, 1, 3, 3)).shape
    torch.Size([1, 1, 6, 6])
    """

    size: Any = None
    scale_factor: Any = None
    mode: str = "nearest"
    align_corners: bool | None = None
    recompute_scale_factor: bool | None = None

    def _set(self, options: dict[str, Any]) -> None:
        factor = options["scale_factor"]
        if factor is not None:
            options["scale_factor"] = tuple(map(float, factor)) if isinstance(factor, tuple) else float(factor)
        super()._set(options)

    def extra_repr(self) -> str:
        asked = "size" if self.scale_factor is None else "scale_factor"
        return f"{asked}={getattr(self, asked)!r}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """`Upsample(mode="nearest")` by its old name.

    >>> import tapegrad as torch
    >>> torch.nn.UpsamplingNearest2d(scale_factor=2)(torch.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1., 1., 2., 2.],
              [1., 1., 2., 2.]]]])
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """`Upsample(mode="bilinear", align_corners=True)` by its old name.

    >>> import tapegrad as torch
    >>> torch.nn.UpsamplingBilinear2d(size=(1, 3))(torch.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1.0000, 1.5000, 2.0000]]]])
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
