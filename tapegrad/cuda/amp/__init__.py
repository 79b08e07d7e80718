"""The old names of `torch.amp` for CUDA (`torch.cuda.amp`): they do nothing here, as CUDA is not there."""
from __future__ import annotations

import warnings
from typing import Any

from tapegrad import amp, dtypes
from tapegrad.amp.autocast_mode import custom_bwd, custom_fwd
from tapegrad.namespaces import show_public

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]
show_public(__name__)


def _old(name: str) -> None:
    warnings.warn(f"`torch.cuda.amp.{name}(args...)` is deprecated. Please use `torch.amp.{name}('cuda', args...)` "
                  "instead.", FutureWarning, stacklevel=3)


class autocast(amp.autocast):
    """`torch.amp.autocast("cuda", …)`, by its old name."""

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        _old("autocast")
        super().__init__("cuda", dtype or dtypes.BY_NAME.get("float16"), enabled, cache_enabled)


class GradScaler(amp.GradScaler):
    """`torch.amp.GradScaler("cuda", …)`, by its old name."""

    def __init__(self, init_scale: float = 65536.0, growth_factor: float = 2.0, backoff_factor: float = 0.5,
                 growth_interval: int = 2000, enabled: bool = True) -> None:
        _old("GradScaler")
        super().__init__("cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled)
