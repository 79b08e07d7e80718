"""What programs use beside tensors and modules (`torch.utils`)."""
from __future__ import annotations

import importlib as _importlib
from typing import Any as _Any

_ROOMS = {"_pytree", "benchmark", "checkpoint", "data"}  # loaded when first asked for


def __getattr__(name: str) -> _Any:
    if name in _ROOMS:
        return _importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
