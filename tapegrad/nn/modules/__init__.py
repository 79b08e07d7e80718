"""The layers (`torch.nn.modules`), a family a room."""
from __future__ import annotations

import importlib
from typing import Any

from tapegrad import nn


def __getattr__(name: str) -> Any:
    if name in nn._LAYERS:
        return importlib.import_module(f"{__name__}.{name}")
    if nn._WHERE.get(name, "").startswith("modules."):
        return getattr(nn, name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
