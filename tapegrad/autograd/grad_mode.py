"""The grad modes, where programs import them from (`torch.autograd.grad_mode`)."""
from __future__ import annotations

from tapegrad.autograd.modes import (
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)
from tapegrad.namespaces import show_public

__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled", "set_multithreading_enabled"]
show_public(__name__)
