"""Fourier transforms (`torch.fft`): their frequencies. The transforms are refused, for there are no complex tensors.

>>> import tapegrad as torch
>>> torch.fft.fftshift(torch.fft.fftfreq(5))
tensor([-0.4000, -0.2000,  0.0000,  0.2000,  0.4000])
"""
from __future__ import annotations

from tapegrad.functions import frequencies as _frequencies
from tapegrad.functions import remembered as _remembered
from tapegrad.namespaces import show_public as _show_public

__all__ = sorted([*_frequencies.FREQUENCIES, *_frequencies.TRANSFORMS])
_show_public(__name__)

globals().update(_frequencies.TRANSFORMS)
for _name, _function in _frequencies.FREQUENCIES.items():
    globals()[_name] = _remembered(_name, _function, "fft.")
