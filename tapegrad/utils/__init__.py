"""What programs use beside tensors and modules (`torch.utils`)."""
from __future__ import annotations

import importlib as _importlib
from typing import Any as _Any

from tapegrad.namespaces import show_public

_ROOMS = ("_pytree", "benchmark", "checkpoint", "data", "dlpack", "hooks", "model_zoo")  # loaded when first asked for
__all__: list[str] = []
show_public(__name__, *(room for room in _ROOMS if room[0] != "_"))


def __getattr__(name: str) -> _Any:
    if name in _ROOMS:
        return _importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
