"""Windows for signals: numbers that rise from the ends of a stretch to its middle.

Harris, "On the use of windows for harmonic analysis with the discrete Fourier transform" (1978).
"""
from __future__ import annotations

import math
from typing import Any

from tapegrad import creation, dtypes
from tapegrad.functions.common import PUBLIC, public


def _window(name: str, window_length: int, periodic: bool, shape: Any, dtype: Any, requires_grad: bool, device: Any
            ) -> Any:
    """`shape` of positions 0 … 2π, the last of which a periodic window leaves to its next period."""
    of = dtypes.named(dtype) if dtype is not None else dtypes.default_dtype()
    if not of.is_floating_point:
        raise RuntimeError(f"{name}_window expects floating point dtypes, got: {of}")
    if window_length < 0:
        raise RuntimeError(f"{name}_window requires non-negative window_length, got window_length={window_length}")
    if window_length < 2:
        return creation.ones(window_length, dtype=of, requires_grad=requires_grad, device=device)
    period = window_length if periodic else window_length - 1
    made = shape(creation.arange(window_length, dtype=of, device=device), period)
    return made.requires_grad_(requires_grad)


@public
def hann_window(window_length: int, periodic: bool = True, *, dtype: Any = None, layout: Any = None, device: Any = None,
                pin_memory: bool = False, requires_grad: bool = False) -> Any:
    """A raised cosine (`torch.hann_window`).

    >>> import tapegrad as torch
    >>> torch.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _window("hann", window_length, periodic, lambda i, n: _cosines(i, n, 0.5, 0.5), dtype, requires_grad, device)


@public
def hamming_window(window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *,
                   dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: bool = False,
                   requires_grad: bool = False) -> Any:
    """alpha - beta cos(2πi/n) (`torch.hamming_window`).

    >>> import tapegrad as torch
    >>> torch.hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    return _window("hamming", window_length, periodic, lambda i, n: _cosines(i, n, alpha, beta), dtype, requires_grad,
                   device)


@public
def blackman_window(window_length: int, periodic: bool = True, *, dtype: Any = None, layout: Any = None,
                    device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Any:
    """0.42 - cos(2πi/n)/2 + 0.08 cos(4πi/n) (`torch.blackman_window`)."""
    return _window("blackman", window_length, periodic, lambda i, n: _cosines(i, n, 0.42, 0.5, 0.08), dtype,
                   requires_grad, device)


@public
def bartlett_window(window_length: int, periodic: bool = True, *, dtype: Any = None, layout: Any = None,
                    device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Any:
    """A triangle (`torch.bartlett_window`).

    >>> import tapegrad as torch
    >>> torch.bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _window("bartlett", window_length, periodic, lambda i, n: 1 - (i * (2 / n) - 1).abs(), dtype, requires_grad,
                   device)


@public
def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype: Any = None,
                  layout: Any = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Any:
    """I₀(beta √(1 - (2i/n - 1)²)) / I₀(beta) (`torch.kaiser_window`)."""
    def shape(i: Any, n: int) -> Any:
        inside = (1 - (i * (2 / n) - 1).pow(2)).clamp(min=0.0).sqrt() * beta
        i0 = PUBLIC["i0"]
        return i0(inside) / i0(creation.tensor(float(beta), dtype=inside.dtype))

    return _window("kaiser", window_length, periodic, shape, dtype, requires_grad, device)


def _cosines(i: Any, n: int, *weights: float) -> Any:
    """Σ (-1)ᵏ weightₖ cos(2πik/n), the constant added last, as PyTorch adds it."""
    made: Any = 0
    for k in reversed(range(1, len(weights))):
        made = made + (i * (2 * math.pi * k / n)).cos() * (weights[k] if k % 2 == 0 else -weights[k])
    return made + weights[0]
