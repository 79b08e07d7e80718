"""PyTorch's functions: those that are operations with something to decide, and those composed of operations.

A module a family. `common.PUBLIC` lists what `tapegrad` offers by name, `common.METHODS` what `Tensor` does. An
operation with nothing to decide but its operands needs no line here: the registry's own function serves.
"""
from __future__ import annotations

from tapegrad.functions import (
    activations,
    contractions,
    decompositions,
    gathering,
    grids,
    indexing,
    joining,
    linalg,
    losses,
    margins,
    matrix,
    neighbours,
    normalisation,
    padding,
    pointwise,
    queries,
    rearranging,
    reductions,
    rows,
    searching,
    special,
    splitting,
    statistics,
    views,
    windows,
)
from tapegrad.functions.common import METHODS, PUBLIC
from tapegrad.tensor import Tensor

FAMILIES = (pointwise, reductions, rows, views, splitting, rearranging, indexing, gathering, searching, joining, matrix,
            contractions, linalg, decompositions, activations, losses, margins,
            neighbours, padding, windows, normalisation, special, statistics,
            grids, queries)

for _name, _function in METHODS.items():
    setattr(Tensor, _name, _function)
globals().update(PUBLIC)
__all__ = list(PUBLIC)
