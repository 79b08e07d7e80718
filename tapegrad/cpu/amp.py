"""The old names of `torch.amp` for the CPU (`torch.cpu.amp`)."""
from __future__ import annotations

import warnings
from typing import Any

from tapegrad import amp
from tapegrad.namespaces import show_public

__all__ = ["GradScaler", "autocast"]
show_public(__name__)


def _old(name: str) -> None:
    warnings.warn(f"`torch.cpu.amp.{name}(args...)` is deprecated. Please use `torch.amp.{name}('cpu', args...)` "
                  "instead.", FutureWarning, stacklevel=3)


class autocast(amp.autocast):
    """`torch.amp.autocast("cpu", …)`, by its old name."""

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        _old("autocast")
        super().__init__("cpu", dtype, enabled, cache_enabled)


class GradScaler(amp.GradScaler):
    """`torch.amp.GradScaler("cpu", …)`, by its old name."""

    def __init__(self, init_scale: float = 65536.0, growth_factor: float = 2.0, backoff_factor: float = 0.5,
                 growth_interval: int = 2000, enabled: bool = True) -> None:
        _old("GradScaler")
        super().__init__("cpu", init_scale, growth_factor, backoff_factor, growth_interval, enabled)
