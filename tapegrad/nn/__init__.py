"""Layers and what goes with them (`torch.nn`); each room is loaded when something in it is first asked for.

>>> import tapegrad as torch
>>> torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Flatten())
Sequential(
  (0): Linear(in_features=2, out_features=3, bias=True)
  (1): Flatten(start_dim=1, end_dim=-1)
)
"""
from __future__ import annotations

import importlib
from typing import Any

_LAYERS = {
    "module": "Module",
    "container": "Container ModuleDict ModuleList ParameterDict ParameterList Sequential",
    "flatten": "Flatten Unflatten",
    "lazy": "",
    "linear": "Bilinear Identity LazyLinear Linear",
}
_ROOMS = ("functional", "init", "modules", "parameter")
_PARAMETERS = ("Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter")
_WHERE = {name: f"modules.{room}" for room, names in _LAYERS.items() for name in names.split()}
_WHERE |= dict.fromkeys(_PARAMETERS, "parameter")

__all__ = [*_WHERE, *_ROOMS]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _WHERE:
        found = getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
