"""The Python functions behind what users call, under names that pickle finds them by."""
from __future__ import annotations

from typing import Any

_held: dict[str, Any] = {}


def keep(function: Any, path: str) -> None:
    """Hold a function as the one that `tapegrad.path` is or calls."""
    function.__module__, function.__qualname__ = __name__, path.replace(".", "_")
    _held[function.__qualname__] = function


def __getattr__(name: str) -> Any:
    if name in _held:
        return _held[name]
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
