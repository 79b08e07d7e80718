"""Results that native code computed of lanes, with their history: one node, whose backward goes back lane by lane."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tapegrad.autograd.function import Function, once_differentiable
from tapegrad.lanes.branching.kernels import Numbers, arrays_of, tensor_on


class BranchingLanes(Function):
    """What lanes went through, each its own way."""

    @staticmethod
    def forward(ctx: Any, engine: Numbers, results: Sequence[Any], *inputs: Any) -> Any:
        ctx.engine, ctx.dtypes, ctx.count = engine, [x.dtype for x in inputs], len(inputs[0])
        return tuple(results)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *cotangents: Any) -> Any:
        found = ctx.engine.back([arrays_of(g.contiguous()) for g in cotangents], ctx.count)
        return None, None, *(None if x is None else tensor_on(x, d) for x, d in zip(found, ctx.dtypes))


def with_history(engine: Numbers, inputs: Sequence[Any], results: Sequence[Any]) -> Sequence[Any]:
    """Results as functions of the inputs."""
    made: Any = BranchingLanes.apply(engine, results, *inputs)
    return made if isinstance(made, tuple) else (made,)
