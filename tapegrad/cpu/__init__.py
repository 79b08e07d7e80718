"""The CPU as one device among others (`torch.cpu`): code that is written for any device asks it too.

>>> import tapegrad as torch
>>> torch.cpu.is_available(), torch.cpu.device_count(), torch.cpu.current_device()
(True, 1, 'cpu')
"""
from __future__ import annotations

import importlib
from typing import Any

from tapegrad import absent

globals().update({name: absent.answering(name, value) for name, value in {
    "is_available": True, "is_initialized": True, "device_count": 1, "current_device": "cpu", "synchronize": None,
    "set_device": None, "current_stream": None}.items()})
for _function in ("is_available", "is_initialized", "device_count", "current_device", "current_stream", "set_device"):
    globals()[_function].__doc__ = f"What there is to know of the one CPU (`torch.cpu.{_function}`)."


def __getattr__(name: str) -> Any:
    if name == "amp":  # loaded when first asked for
        return importlib.import_module("tapegrad.cpu.amp")
    raise AttributeError(f"module 'tapegrad.cpu' has no attribute '{name}'")
