"""Losses."""
from __future__ import annotations

from typing import Any

from tapegrad.dispatch import apply
from tapegrad.functions.activations import nn
from tapegrad.functions.common import operation
from tapegrad.functions.shape import broadcast_tensors


@nn
def mse_loss(input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean") -> Any:
    """The mean squared difference (`torch.nn.functional.mse_loss`)."""
    if tuple(input.shape) != tuple(target.shape):
        input, target = broadcast_tensors(input, target)
    if reduction == "mean":
        return apply(operation("mse_loss"), (input, target), (("dim", tuple(range(input.ndim))),))
    if reduction not in ("none", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    squared = (input - target) ** 2
    return squared if reduction == "none" else squared.sum()
