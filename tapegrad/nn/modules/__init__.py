"""The layers (`torch.nn.modules`), a family a room."""
from __future__ import annotations

import importlib
from typing import Any

from tapegrad import nn
from tapegrad.namespaces import show_public

__all__ = [name for name, where in nn._WHERE.items() if where.startswith("modules.")]
show_public(__name__, *nn._LAYERS)


def __getattr__(name: str) -> Any:
    if name in nn._LAYERS:
        return importlib.import_module(f"{__name__}.{name}")
    if nn._WHERE.get(name, "").startswith("modules."):
        return getattr(nn, name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
