"""Special functions (`torch.special`).

>>> import tapegrad as torch
>>> torch.special.ndtr(torch.tensor([0.0, 1.0]))
tensor([0.5000, 0.8413])
"""
from __future__ import annotations

from tapegrad.functions import remembered
from tapegrad.functions.pointwise.special import SPECIAL
from tapegrad.namespaces import show_public

globals().update({name: remembered(name, function, "special.") for name, function in SPECIAL.items()})
__all__ = sorted(SPECIAL)
show_public(__name__)
