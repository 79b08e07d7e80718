"""Gradient edges: places of the graph that gradients arrive at, named by a node and the number of its output."""
from __future__ import annotations

from typing import Any

from tapegrad.machine.live import machine
from tapegrad.named_tuples import NamedTuple
from tapegrad.tape import reading


class GradientEdge(NamedTuple):
    """An edge of the graph (`torch.autograd.graph.GradientEdge`): what a node's output gets in a backward.

    It serves as an input or an output of `grad` and `backward`, also when its tensor was written to since, or is gone.
    """

    node: Any
    output_nr: int
    ownership_token: Any = None



def arrived_at(x: Any) -> Any:
    """The tensor at an edge; anything else as it is."""
    if not isinstance(x, GradientEdge):
        return x
    return machine.call.tensor_of(_row(x.node._row, x.output_nr), machine.tensor_type)


def _row(row: int, number: int) -> int:
    """The row of another output of the node that a row is an output of."""
    with machine.pinned():
        return _looked_up(row, number)


def _looked_up(row: int, number: int) -> int:
    t = reading.instruction_of(row)
    if t is None:
        return row
    for other in reading.outputs_of(row):
        if reading.output_number(other) == number:
            return int(reading.instructions[other]["out"])
    plan = reading.plan_of(t)
    if number != reading.output_number(t) or plan.op.name[1:] in ("enter", *reading.PIECES):
        raise RuntimeError(f"{plan.grad_name} has no output {number} that anything came of")
    return row
