"""Automatic mixed precision (`torch.amp`): programs that use it run, in the precision of their tensors.

>>> import tapegrad as torch
>>> with torch.amp.autocast("cpu"):
...     y = torch.ones(2, 2) @ torch.ones(2, 2)
>>> y.dtype
torch.float32
"""
from tapegrad.amp.autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from tapegrad.amp.grad_scaler import GradScaler
from tapegrad.namespaces import show_public

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]
show_public(__name__, "autocast_mode", "grad_scaler")
