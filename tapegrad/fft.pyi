"""Types of what native code defines, written by `python -m tapegrad stubs`."""
from __future__ import annotations

# Under names of their own: `tapegrad.int` is a dtype, and `Tensor.float` a method.
from builtins import bool as _bool, float as _float, int as _int, str as _str
from collections.abc import Sequence
from typing import Any, NamedTuple, overload

from tapegrad.dtypes import dtype as _dtype

from tapegrad.random import Generator
from tapegrad.tensor import Tensor

__all__: list[_str]

def fft(input: Tensor, n: Any = None, dim: Any = -1, norm: Any = None, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.fft.fft`)."""
def fft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: Any = None, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.fft.fft2`)."""
def fftfreq(n: _int, d: _float = 1.0, *, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, requires_grad: _bool | None = False) -> Tensor:
    """The frequencies of a transform of n samples that lie d apart (`torch.fft.fftfreq`).

    >>> torch.fft.fftfreq(2)
    tensor([ 0.0000, -0.5000])"""
def fftn(input: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.fft.fftn`)."""
def fftshift(input: Tensor, dim: _int | Sequence[_int] | None = None) -> Tensor:
    """Rolled so that frequency zero is in the middle (`torch.fft.fftshift`).

    >>> torch.fft.fftshift(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.0000, 0.2500, 0.5000])"""
def hfft(input: Tensor, n: Any = None, dim: Any = -1, norm: Any = None, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.fft.hfft`)."""
def hfft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: Any = None, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.fft.hfft2`)."""
def hfftn(input: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.fft.hfftn`)."""
def ifft(input: Tensor, n: Any = None, dim: Any = -1, norm: Any = None, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.fft.ifft`)."""
def ifft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: Any = None, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.fft.ifft2`)."""
def ifftn(input: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.fft.ifftn`)."""
def ifftshift(input: Tensor, dim: _int | Sequence[_int] | None = None) -> Tensor:
    """Rolled back (`torch.fft.ifftshift`).

    >>> torch.fft.ifftshift(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.5000, 1.0000, 0.2500])"""
def ihfft(input: Tensor, n: Any = None, dim: Any = -1, norm: Any = None, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.fft.ihfft`)."""
def ihfft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: Any = None, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.fft.ihfft2`)."""
def ihfftn(input: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.fft.ihfftn`)."""
def irfft(input: Tensor, n: Any = None, dim: Any = -1, norm: Any = None, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.fft.irfft`)."""
def irfft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: Any = None, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.fft.irfft2`)."""
def irfftn(input: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.fft.irfftn`)."""
def rfft(input: Tensor, n: Any = None, dim: Any = -1, norm: Any = None, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.fft.rfft`)."""
def rfft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: Any = None, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.fft.rfft2`)."""
def rfftfreq(n: _int, d: _float = 1.0, *, out: Any = None, dtype: _dtype | type | None = None, layout: Any = None, device: Any = None, requires_grad: _bool | None = False) -> Tensor:
    """The same for a transform of real samples, none of which is negative (`torch.fft.rfftfreq`).

    >>> torch.fft.rfftfreq(2)
    tensor([0.0000, 0.5000])"""
def rfftn(input: Tensor, s: Any = None, dim: Any = None, norm: Any = None, *, out: Any = None) -> Any:
    """NotImplementedError: there are no complex tensors (`torch.fft.rfftn`)."""
