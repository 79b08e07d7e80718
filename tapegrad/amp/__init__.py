"""Automatic mixed precision (`torch.amp`): programs that use it run, in the precision of their tensors.

>>> import tapegrad as torch
>>> with torch.amp.autocast("cpu"):
...     y = torch.ones(2, 2) @ torch.ones(2, 2)
>>> y.dtype
torch.float32
"""
from tapegrad.amp.autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from tapegrad.amp.grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]
