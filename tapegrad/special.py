"""Special functions (`torch.special`).

>>> import tapegrad as torch
>>> torch.special.ndtr(torch.tensor([0.0, 1.0]))
tensor([0.5000, 0.8413])
"""
from __future__ import annotations

from tapegrad.functions.pointwise.special import SPECIAL

globals().update(SPECIAL)
__all__ = sorted(SPECIAL)
