"""Pooling: the maximum, the mean or a norm of windows."""
from __future__ import annotations

from typing import Any

from tapegrad.namespaces import show_public
from tapegrad.nn import functional as F
from tapegrad.nn.modules._layer import Layer
from tapegrad.nn.modules.module import Module
from tapegrad.nn.modules.utils import _ntuple, _single

show_public(__name__)


class _Pool(Layer, family=True):
    """The windows of a pooling step on by their own size, unless told otherwise."""

    def _set(self, options: dict[str, Any]) -> None:
        if options["stride"] is None:
            options["stride"] = options["kernel_size"]
        super()._set(options)


class _MaxPoolNd(_Pool, family=True):
    """The maxima of windows; with `return_indices`, and where they lie."""

    kernel_size: Any
    stride: Any = None
    padding: Any = 0
    dilation: Any = 1
    return_indices: bool = False
    ceil_mode: bool = False
    _shows = ("kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
              "ceil_mode={self.ceil_mode}")


class MaxPool1d(_MaxPoolNd, function="max_pool1d"):
    """The maxima of windows of sequences (`torch.nn.MaxPool1d`).

    >>> import tapegrad as torch
    >>> torch.nn.MaxPool1d(2)(torch.arange(6.0).reshape(1, 1, 6))
    tensor([[[1., 3., 5.]]])
    """


class MaxPool2d(_MaxPoolNd, function="max_pool2d"):
    """The maxima of windows of images (`torch.nn.MaxPool2d`).

    >>> import tapegrad as torch
    >>> torch.nn.MaxPool2d(2)(torch.arange(16.0).reshape(1, 4, 4))
    tensor([[[ 5.,  7.],
             [13., 15.]]])
    """


class MaxPool3d(_MaxPoolNd, function="max_pool3d"):
    """The maxima of windows of volumes (`torch.nn.MaxPool3d`).

    >>> import tapegrad as torch
    >>> torch.nn.MaxPool3d(2)(torch.arange(8.0).reshape(1, 1, 2, 2, 2)).item()
    7.0
    """


class _MaxUnpoolNd(Module):
    """Maxima put back where they lay, among zeros."""

    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    _axes = 0
    _shows = "kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        several = _ntuple(self._axes)
        self.kernel_size, self.padding = several(kernel_size), several(padding)
        self.stride = several(kernel_size if stride is None else stride)

    def forward(self, input: Any, indices: Any, output_size: Any = None) -> Any:
        unpool = getattr(F, f"max_unpool{self._axes}d")
        return unpool(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return self._shows.format(self=self)


class MaxUnpool1d(_MaxUnpoolNd):
    """The inverse of `MaxPool1d`, with zeros where there was no maximum (`torch.nn.MaxUnpool1d`).

    >>> import tapegrad as torch
    >>> y, places = torch.nn.MaxPool1d(2, return_indices=True)(torch.arange(6.0).reshape(1, 1, 6))
    >>> torch.nn.MaxUnpool1d(2)(y, places)
    tensor([[[0., 1., 0., 3., 0., 5.]]])
    """

    _axes = 1


class MaxUnpool2d(_MaxUnpoolNd):
    """The inverse of `MaxPool2d`, with zeros where there was no maximum (`torch.nn.MaxUnpool2d`).

    >>> import tapegrad as torch
    >>> y, places = torch.nn.MaxPool2d(2, return_indices=True)(torch.arange(8.0).reshape(1, 1, 2, 4))
    >>> torch.nn.MaxUnpool2d(2)(y, places)
    tensor([[[[0., 0., 0., 0.],
              [0., 5., 0., 7.]]]])
    """

    _axes = 2


class MaxUnpool3d(_MaxUnpoolNd):
    """The inverse of `MaxPool3d`, with zeros where there was no maximum (`torch.nn.MaxUnpool3d`).

    >>> import tapegrad as torch
    >>> y, places = torch.nn.MaxPool3d(2, return_indices=True)(torch.arange(8.0).reshape(1, 1, 2, 2, 2))
    >>> torch.nn.MaxUnpool3d(2)(y, places).flatten()
    tensor([0., 0., 0., 0., 0., 0., 0., 7.])
    """

    _axes = 3


class _AvgPoolNd(_Pool, family=True):
    """The means of windows; padding counts, unless told otherwise."""

    kernel_size: Any
    stride: Any = None
    padding: Any = 0
    ceil_mode: bool = False
    count_include_pad: bool = True
    _shows = "kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPoolNd, function="avg_pool1d"):
    """The means of windows of sequences (`torch.nn.AvgPool1d`).

    >>> import tapegrad as torch
    >>> torch.nn.AvgPool1d(2)(torch.arange(6.0).reshape(1, 1, 6))
    tensor([[[0.5000, 2.5000, 4.5000]]])
    """

    def _set(self, options: dict[str, Any]) -> None:
        super()._set(options)
        for name in ("kernel_size", "stride", "padding"):
            setattr(self, name, _single(getattr(self, name)))


class AvgPool2d(_AvgPoolNd, function="avg_pool2d"):
    """The means of windows of images (`torch.nn.AvgPool2d`).

    >>> import tapegrad as torch
    >>> torch.nn.AvgPool2d(2)(torch.arange(16.0).reshape(1, 4, 4))
    tensor([[[ 2.5000,  4.5000],
             [10.5000, 12.5000]]])
    """

    divisor_override: int | None = None


class AvgPool3d(_AvgPoolNd, function="avg_pool3d"):
    """The means of windows of volumes (`torch.nn.AvgPool3d`).

    >>> import tapegrad as torch
    >>> torch.nn.AvgPool3d(2)(torch.arange(8.0).reshape(1, 1, 2, 2, 2)).item()
    3.5
    """

    divisor_override: int | None = None


class _LPPoolNd(Layer, family=True):
    norm_type: float
    kernel_size: Any
    stride: Any = None
    ceil_mode: bool = False
    _shows = ("norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
              "ceil_mode={self.ceil_mode}")


class LPPool1d(_LPPoolNd, function="lp_pool1d"):
    """The norms of windows of sequences (`torch.nn.LPPool1d`).

    >>> import tapegrad as torch
    >>> torch.nn.LPPool1d(2.0, 3)(torch.arange(6.0).reshape(1, 1, 6))
    tensor([[[2.2361, 7.0711]]])
    """


class LPPool2d(_LPPoolNd, function="lp_pool2d"):
    """The norms of windows of images (`torch.nn.LPPool2d`).

    >>> import tapegrad as torch
    >>> torch.nn.LPPool2d(1.0, 2)(torch.ones(1, 1, 2, 4))
    tensor([[[[4., 4.]]]])
    """


class LPPool3d(_LPPoolNd, function="lp_pool3d"):
    """The norms of windows of volumes (`torch.nn.LPPool3d`).

    >>> import tapegrad as torch
    >>> torch.nn.LPPool3d(1.0, 2)(torch.ones(1, 1, 2, 2, 2)).item()
    8.0
    """


class _AdaptivePool(Layer, family=True):
    output_size: Any
    _shows = "output_size={self.output_size}"


class _AdaptiveAvgPoolNd(_AdaptivePool, family=True):
    """Means."""


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd, function="adaptive_avg_pool1d"):
    """The means of as many windows as asked for (`torch.nn.AdaptiveAvgPool1d`).

    >>> import tapegrad as torch
    >>> torch.nn.AdaptiveAvgPool1d(2)(torch.arange(6.0).reshape(1, 1, 6))
    tensor([[[1., 4.]]])
    """


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd, function="adaptive_avg_pool2d"):
    """The means of as many windows as asked for (`torch.nn.AdaptiveAvgPool2d`).

    >>> import tapegrad as torch
    >>> torch.nn.AdaptiveAvgPool2d(1)(torch.arange(16.0).reshape(1, 4, 4))
    tensor([[[7.5000]]])
    """


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd, function="adaptive_avg_pool3d"):
    """The means of as many windows as asked for (`torch.nn.AdaptiveAvgPool3d`).

    >>> import tapegrad as torch
    >>> torch.nn.AdaptiveAvgPool3d(1)(torch.arange(8.0).reshape(1, 1, 2, 2, 2)).item()
    3.5
    """


class _AdaptiveMaxPoolNd(_AdaptivePool, family=True):
    return_indices: bool = False


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd, function="adaptive_max_pool1d"):
    """The maxima of as many windows as asked for (`torch.nn.AdaptiveMaxPool1d`).

    >>> import tapegrad as torch
    >>> torch.nn.AdaptiveMaxPool1d(2)(torch.arange(6.0).reshape(1, 1, 6))
    tensor([[[2., 5.]]])
    """


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd, function="adaptive_max_pool2d"):
    """The maxima of as many windows as asked for (`torch.nn.AdaptiveMaxPool2d`).

    >>> import tapegrad as torch
    >>> torch.nn.AdaptiveMaxPool2d(2)(torch.arange(16.0).reshape(1, 1, 4, 4))
    tensor([[[[ 5.,  7.],
              [13., 15.]]]])
    """


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd, function="adaptive_max_pool3d"):
    """The maxima of as many windows as asked for (`torch.nn.AdaptiveMaxPool3d`).

    >>> import tapegrad as torch
    >>> torch.nn.AdaptiveMaxPool3d(1)(torch.arange(8.0).reshape(1, 1, 2, 2, 2)).item()
    7.0
    """


class _FractionalMaxPool(Layer, family=True):
    """The maxima of windows whose places are drawn (Graham, 2014)."""

    kernel_size: Any
    output_size: Any = None
    output_ratio: Any = None
    return_indices: bool = False
    _random_samples: Any = None
    _axes = 0
    _shows = ""

    def _set(self, options: dict[str, Any]) -> None:
        name, several = type(self).__name__, _ntuple(self._axes)
        size, ratio = options["output_size"], options["output_ratio"]
        if any(k <= 0 for k in several(options["kernel_size"])) and self._axes == 3:
            raise ValueError(f"kernel_size must be greater than 0, but got {options['kernel_size']}")
        if size is None and ratio is None:
            raise ValueError(f"{name} requires specifying either an output size, or a pooling ratio")
        if size is not None and ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if ratio is not None and not all(0 < r < 1 for r in several(ratio)):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {ratio})")
        samples = options.pop("_random_samples")
        super()._set({k: v if v is None or isinstance(v, bool) else several(v) for k, v in options.items()})
        self.register_buffer("_random_samples", samples)


class FractionalMaxPool2d(_FractionalMaxPool, function="fractional_max_pool2d"):
    """The maxima of windows of images whose places are drawn (`torch.nn.FractionalMaxPool2d`; Graham, 2014).

    >>> import tapegrad as torch
    >>> torch.nn.FractionalMaxPool2d(2, output_size=3)(torch.ones(1, 1, 5, 5)).shape
    torch.Size([1, 1, 3, 3])
    """

    _axes = 2


class FractionalMaxPool3d(_FractionalMaxPool, function="fractional_max_pool3d"):
    """The maxima of windows of volumes whose places are drawn (`torch.nn.FractionalMaxPool3d`; Graham, 2014).

    >>> import tapegrad as torch
    >>> torch.nn.FractionalMaxPool3d(2, output_ratio=0.5)(torch.ones(1, 1, 6, 6, 6)).shape
    torch.Size([1, 1, 3, 3, 3])
    """

    _axes = 3
