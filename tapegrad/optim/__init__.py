"""Optimisers (`torch.optim`).

>>> import tapegrad as torch
>>> x = torch.tensor([3.0], requires_grad=True)
>>> optimizer = torch.optim.SGD([x], lr=0.25)
>>> for _ in range(3):
...     optimizer.zero_grad()
...     (x - 1).pow(2).sum().backward()
...     optimizer.step()
>>> x
tensor([1.2500], requires_grad=True)
"""
from __future__ import annotations

import importlib as _importlib
import sys as _sys
from typing import Any as _Any

from tapegrad.namespaces import show_public
from tapegrad.optim import matrices as _matrices
from tapegrad.optim import rules as _rules
from tapegrad.optim.lbfgs import LBFGS
from tapegrad.optim.matrices import Adafactor, Muon, SparseAdam
from tapegrad.optim.optimizer import Optimizer
from tapegrad.optim.rules import ASGD, SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, NAdam, RAdam, RMSprop, Rprop

__all__ = ["ASGD", "LBFGS", "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Muon", "NAdam",
           "Optimizer", "RAdam", "RMSprop", "Rprop", "SparseAdam"]
show_public(__name__, "lr_scheduler", "optimizer", "swa_utils")

# PyTorch has a file for each (`from torch.optim.adam import Adam`, `<class 'torch.optim.adam.Adam'>`); here each is
# what holds it.
for _held, _names in ((_rules, "adadelta adagrad adam adamax adamw asgd nadam radam rmsprop rprop sgd"),
                      (_matrices, "_adafactor _muon sparse_adam")):
    for _name in _names.split():
        _sys.modules[f"{__name__}.{_name}"] = _held
        for _class in vars(_held).values():
            if isinstance(_class, type) and _class.__name__.lower() == _name.replace("_", ""):
                _class.__module__ = f"{__name__}.{_name}"


def __getattr__(name: str) -> _Any:
    if name in ("lr_scheduler", "swa_utils"):  # loaded when first asked for
        return _importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
