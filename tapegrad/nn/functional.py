"""Functions of neural networks (`torch.nn.functional`).

>>> import tapegrad as torch
>>> torch.nn.functional.relu(torch.tensor([-1.0, 2.0]))
tensor([0., 2.])
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tapegrad.functions import remembered
from tapegrad.functions.nn.activations import NN
from tapegrad.namespaces import show_public

globals().update({name: remembered(name, function, "nn.functional.") for name, function in NN.items()})
__all__ = sorted(NN)
show_public(__name__)

if TYPE_CHECKING:
    def __getattr__(name: str) -> Any: ...
