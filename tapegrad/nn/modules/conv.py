"""Convolutions and transposed convolutions over one, two and three axes."""
from __future__ import annotations

import math
from typing import Any

from tapegrad import creation
from tapegrad.namespaces import show_public
from tapegrad.nn import functional as F
from tapegrad.nn import init
from tapegrad.nn.modules.lazy import LazyLayer
from tapegrad.nn.modules.module import Module
from tapegrad.nn.modules.utils import _ntuple, _reverse_repeat_tuple
from tapegrad.nn.parameter import Parameter
from tapegrad.tensor import Tensor

show_public(__name__)

_MODES = {"zeros", "reflect", "replicate", "circular"}
_PADDINGS = {"same", "valid"}


class _ConvNd(Module):
    """What all of them have in common: sizes, parameters and how these start."""

    stride: tuple[int, ...]
    padding: str | tuple[int, ...]
    dilation: tuple[int, ...]
    transposed: bool
    output_padding: tuple[int, ...]
    groups: int
    padding_mode: str
    weight: Tensor

    _axes = 0
    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]
    bias: Any

    def _build(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any,
               output_padding: Any, groups: int, bias: bool, padding_mode: str, device: Any, dtype: Any,
               transposed: bool = False) -> None:
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ValueError(f"{name} must be divisible by groups")
        several = _ntuple(self._axes)
        stride = several(stride)
        if isinstance(padding, str):
            if padding not in _PADDINGS:
                raise ValueError(f"Invalid padding string {padding!r}, should be one of {_PADDINGS}")
            if padding == "same" and any(s != 1 for s in stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if padding_mode not in _MODES:
            raise ValueError(f"padding_mode must be one of {_MODES}, but got padding_mode='{padding_mode}'")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride = several(kernel_size), stride
        self.padding = padding if isinstance(padding, str) else several(padding)
        self.dilation, self.transposed, self.output_padding = several(dilation), transposed, several(output_padding)
        self.groups, self.padding_mode = groups, padding_mode
        self._reversed_padding_repeated_twice = self._both_ends()
        self.weight = Parameter(creation.empty(self._shape_of("weight"), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(creation.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _shape_of(self, name: str) -> tuple[int, ...]:
        if name == "bias":
            return (self.out_channels,)
        if self.in_channels % self.groups:
            raise ValueError("in_channels must be divisible by groups")
        outer, inner = (self.in_channels, self.out_channels) if self.transposed else (self.out_channels,
                                                                                      self.in_channels)
        return outer, inner // self.groups, *self.kernel_size

    def _both_ends(self) -> Any:
        """The padding as `F.pad` takes it, for modes that pad before they convolve."""
        if not isinstance(self.padding, str):
            return _reverse_repeat_tuple(self.padding, 2)
        total = [d * (k - 1) * (self.padding == "same") for d, k in zip(self.dilation, self.kernel_size)]
        return [n for t in reversed(total) for n in (t // 2, t - t // 2)]

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        shown = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        for name, usual in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            value = getattr(self, name)
            if value != (usual,) * len(value):
                shown += f", {name}={value}"
        shown += f", groups={self.groups}" if self.groups != 1 else ""
        shown += ", bias=False" if self.bias is None else ""
        return shown + (f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else "")


class _Conv(_ConvNd):
    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
                 dilation: Any = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros", device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        self._build(in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias, padding_mode,
                    device, dtype)

    def _conv_forward(self, input: Any, weight: Any, bias: Any) -> Any:
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = (0,) * self._axes
        return self._function(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    def _function(self, *args: Any) -> Any:
        raise NotImplementedError

    def forward(self, input: Any) -> Any:
        return self._conv_forward(input, self.weight, self.bias)


class Conv1d(_Conv):
    """A convolution over one axis (`torch.nn.Conv1d`): (N, channels, length) to (N, channels, length).

    >>> import tapegrad as torch
    >>> torch.nn.Conv1d(2, 3, kernel_size=2)(torch.ones(1, 2, 5)).shape
    torch.Size([1, 3, 4])
    """

    _axes = 1

    def _function(self, *args: Any) -> Any:
        return F.conv1d(*args)


class Conv2d(_Conv):
    """A convolution over two axes (`torch.nn.Conv2d`).

    >>> import tapegrad as torch
    >>> torch.nn.Conv2d(3, 8, 3, padding=1)(torch.ones(2, 3, 5, 5)).shape
    torch.Size([2, 8, 5, 5])

    `padding` may be "same" or "valid"; `padding_mode` says what lies there. `weight` is
    (out_channels, in_channels / groups, *kernel_size).
    """

    _axes = 2

    def _function(self, *args: Any) -> Any:
        return F.conv2d(*args)


class Conv3d(_Conv):
    """A convolution over three axes (`torch.nn.Conv3d`).

    >>> import tapegrad as torch
    >>> torch.nn.Conv3d(2, 3, kernel_size=2)(torch.ones(1, 2, 4, 4, 4)).shape
    torch.Size([1, 3, 3, 3, 3])
    """

    _axes = 3

    def _function(self, *args: Any) -> Any:
        return F.conv3d(*args)


class _ConvTransposeNd(_ConvNd):
    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
                 output_padding: Any = 0, groups: int = 1, bias: bool = True, dilation: Any = 1,
                 padding_mode: str = "zeros", device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        self._build(in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias,
                    padding_mode, device, dtype, transposed=True)

    def forward(self, input: Any, output_size: Any = None) -> Any:
        function = getattr(F, f"conv_transpose{self._axes}d")
        return function(input, self.weight, self.bias, self.stride, self.padding,
                        self._output_padding(input, output_size), self.groups, self.dilation)

    def _output_padding(self, input: Any, output_size: Any) -> Any:
        """How much longer than the least the output is to be, along each axis."""
        if output_size is None:
            return self.output_padding
        axes = self._axes
        before = 2 if input.dim() == axes + 2 else 1
        asked = list(output_size)
        if len(asked) == before + axes:
            asked = asked[before:]
        if len(asked) != axes:
            raise ValueError(f"ConvTranspose{axes}D: for {input.dim()}D input, output_size must have {axes} or "
                             f"{before + axes} elements (got {len(asked)})")
        least = [(input.shape[before + d] - 1) * self.stride[d] - 2 * self.padding[d]
                 + self.dilation[d] * (self.kernel_size[d] - 1) + 1 for d in range(axes)]
        most = [n + self.stride[d] - 1 for d, n in enumerate(least)]
        if not all(a <= n <= b for a, n, b in zip(least, asked, most)):
            raise ValueError(f"requested an output size of {asked}, but valid sizes range from {least} to {most} "
                             f"(for an "
                             f"input of {input.shape[2:]})")
        return [n - a for n, a in zip(asked, least)]


class ConvTranspose1d(_ConvTransposeNd):
    """The transpose of a convolution over one axis (`torch.nn.ConvTranspose1d`).

    >>> import tapegrad as torch
    >>> torch.nn.ConvTranspose1d(2, 3, kernel_size=2)(torch.ones(1, 2, 5)).shape
    torch.Size([1, 3, 6])
    """

    _axes = 1


class ConvTranspose2d(_ConvTransposeNd):
    """The transpose of a convolution over two axes (`torch.nn.ConvTranspose2d`).

    >>> import tapegrad as torch
    >>> torch.nn.ConvTranspose2d(3, 8, 2, stride=2)(torch.ones(2, 3, 5, 5)).shape
    torch.Size([2, 8, 10, 10])

    `forward` takes an `output_size`, where a stride leaves several possible. `weight` is
    (in_channels, out_channels / groups, *kernel_size).
    """

    _axes = 2


class ConvTranspose3d(_ConvTransposeNd):
    """The transpose of a convolution over three axes (`torch.nn.ConvTranspose3d`).

    >>> import tapegrad as torch
    >>> torch.nn.ConvTranspose3d(2, 3, kernel_size=2)(torch.ones(1, 2, 4, 4, 4)).shape
    torch.Size([1, 3, 5, 5, 5])
    """

    _axes = 3


class _LazyConv(LazyLayer):
    """A convolution that learns `in_channels` from its first input."""

    _axes: int

    def _size_in(self, input: Any) -> int:
        alone, batched = self._axes + 1, self._axes + 2
        if input.dim() not in (alone, batched):
            raise RuntimeError(f"Expected {alone}D (unbatched) or {batched}D (batched) input to {type(self).__name__}, "
                               f"but got input of size: {input.shape}")
        return input.shape[-self._axes - 1]


class LazyConv1d(_LazyConv, Conv1d, becomes=Conv1d): ...
class LazyConv2d(_LazyConv, Conv2d, becomes=Conv2d): ...
class LazyConv3d(_LazyConv, Conv3d, becomes=Conv3d): ...
class LazyConvTranspose1d(_LazyConv, ConvTranspose1d, becomes=ConvTranspose1d): ...
class LazyConvTranspose2d(_LazyConv, ConvTranspose2d, becomes=ConvTranspose2d): ...
class LazyConvTranspose3d(_LazyConv, ConvTranspose3d, becomes=ConvTranspose3d): ...
