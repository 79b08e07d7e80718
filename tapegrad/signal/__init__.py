"""Signals (`torch.signal`): windows to weigh them with."""
from __future__ import annotations

from tapegrad.namespaces import show_public
from tapegrad.signal import windows as windows

__all__ = ["windows"]
show_public(__name__)
