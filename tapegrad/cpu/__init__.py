"""The CPU as one device among others (`torch.cpu`): code that is written for any device asks it too.

>>> import tapegrad as torch
>>> torch.cpu.is_available(), torch.cpu.device_count(), torch.cpu.current_device()
(True, 1, 'cpu')
"""
from __future__ import annotations

import importlib
from typing import Any

from tapegrad import absent
from tapegrad.namespaces import show_public

_FUNCTIONS = absent.namespace(
    __name__, {"is_available": True, "is_initialized": True, "device_count": 1, "current_device": "cpu"},
    nothing="synchronize(device=None) set_device(device) current_stream(device=None)")
for _name, _function in _FUNCTIONS.items():
    if _name != "synchronize":
        _function.__doc__ = f"What there is to know of the one CPU (`torch.cpu.{_name}`)."
globals().update(_FUNCTIONS)
__all__ = sorted(_FUNCTIONS)
show_public(__name__, "amp")


def __getattr__(name: str) -> Any:
    if name == "amp":  # loaded when first asked for
        return importlib.import_module("tapegrad.cpu.amp")
    raise AttributeError(f"module 'tapegrad.cpu' has no attribute '{name}'")
