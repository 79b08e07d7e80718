"""Padding at the edges: with a number, or with what lies there mirrored, repeated or wrapped around.

>>> import tapegrad as torch
>>> torch.nn.ReflectionPad1d(1)(torch.tensor([[1.0, 2.0, 3.0]]))
tensor([[2., 1., 2., 3., 2.]])
>>> torch.nn.ConstantPad1d((0, 2), 9.0)(torch.tensor([[1.0, 2.0]]))
tensor([[1., 2., 9., 9.]])
"""
from __future__ import annotations

from typing import Any

from tapegrad.namespaces import show_public
from tapegrad.nn import functional as F
from tapegrad.nn.modules.module import Module
from tapegrad.nn.modules.utils import _ntuple

show_public(__name__)


class _Padding(Module):
    """`padding` is the number of elements at the start and the end of each of the last axes, the last axis first."""

    _axes = 0
    _mode = "constant"
    _about, _example = "", "1"
    padding: tuple[int, ...]

    def __init_subclass__(cls, axes: int = 0, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if axes:
            cls._axes = axes
            cls.__doc__ = f"""The last {('axis', 'two axes', 'three axes')[axes - 1]} with {cls._about} at both ends.

            >>> import tapegrad as torch
            >>> torch.nn.{cls.__name__}({cls._example})(torch.ones(1, 1{', 3' * axes})).shape
            torch.Size([1, 1{', 5' * axes}])

            Of PyTorch it is `torch.nn.{cls.__name__}`.
            """

    def __init__(self, padding: int | tuple[int, ...]) -> None:
        super().__init__()
        self.padding = _ntuple(2 * self._axes)(padding)

    def forward(self, input: Any) -> Any:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPadNd(_Padding):
    _about, _example = "`value`", "1, value=7.0"

    def __init__(self, padding: int | tuple[int, ...], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Any) -> Any:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _ZeroPadNd(_ConstantPadNd):
    _about, _example = "zeros", "1"

    def __init__(self, padding: int | tuple[int, ...]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ReflectionPadNd(_Padding):
    _mode, _about = "reflect", "what lies there, mirrored,"


class _ReplicationPadNd(_Padding):
    _mode, _about = "replicate", "the outermost values, repeated,"


class _CircularPadNd(_Padding):
    _mode, _about = "circular", "what lies at the other end"

    def forward(self, input: Any) -> Any:
        axes = self._axes
        if input.dim() not in (axes + 1, axes + 2):
            raise ValueError(f"expected {axes + 1}D or {axes + 2}D input (got {input.dim()}D input)")
        return super().forward(input)


class ConstantPad1d(_ConstantPadNd, axes=1): ...
class ConstantPad2d(_ConstantPadNd, axes=2): ...
class ConstantPad3d(_ConstantPadNd, axes=3): ...
class ZeroPad1d(_ZeroPadNd, ConstantPad1d, axes=1): ...
class ZeroPad2d(_ZeroPadNd, ConstantPad2d, axes=2): ...
class ZeroPad3d(_ZeroPadNd, ConstantPad3d, axes=3): ...
class ReflectionPad1d(_ReflectionPadNd, axes=1): ...
class ReflectionPad2d(_ReflectionPadNd, axes=2): ...
class ReflectionPad3d(_ReflectionPadNd, axes=3): ...
class ReplicationPad1d(_ReplicationPadNd, axes=1): ...
class ReplicationPad2d(_ReplicationPadNd, axes=2): ...
class ReplicationPad3d(_ReplicationPadNd, axes=3): ...
class CircularPad1d(_CircularPadNd, axes=1): ...
class CircularPad2d(_CircularPadNd, axes=2): ...
class CircularPad3d(_CircularPadNd, axes=3): ...
