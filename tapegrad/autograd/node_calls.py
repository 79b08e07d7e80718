"""A node of the graph, called with the gradients of its outputs: one step of a backward, by hand."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tapegrad.autograd import engine, modes
from tapegrad.autograd.arriving_gradients import accumulate_into
from tapegrad.autograd.recorded_adjoints import gradients_of, tensor_type
from tapegrad.autograd.reverse_replay import inputs_of_node
from tapegrad.machine.live import call, instructions, machine
from tapegrad.machine.planning import Plan
from tapegrad.tape import hooks, reading


def called(row: int, given: Sequence[Any]) -> Any:
    """The gradients of a node's inputs, a tuple unless there is one; of a leaf `()`, and its `.grad` is added to.

    Hooks are not called, as in PyTorch.
    """
    with machine.pinned():
        t = reading.instruction_of(row)
        outputs = [row] if t is None else _outputs(row, t)
    if len(given) != len(outputs):
        raise TypeError(f"expected {len(outputs)} arguments, got {len(given)} instead")
    for i, g in enumerate(given):
        if g is not None and not isinstance(g, machine.TensorBase):
            raise TypeError(f"argument {i} is not a Variable")
    if t is None:
        tensor = hooks.live(row)
        if tensor is not None and given[0] is not None:
            accumulate_into(tensor, given[0])
        return ()
    found = _gradients(t, outputs, given)
    return found[0] if len(found) == 1 else found


def _outputs(row: int, t: int) -> list[int]:
    """The rows of a node's outputs, by number; 0 for those that nothing is known of any more."""
    plan = reading.plan_of(t)
    rows = {reading.output_number(other): int(instructions["out"][other]) for other in reading.outputs_of(row)}
    if plan.op.name[1:] in reading.PIECES:
        count = plan.attributes["count"]
    elif plan.op.name == "_enter" and rows:
        count = reading.plan_of(int(machine.buffers["producer"][min(rows.values())]) - 1).attributes["count"]
    else:
        return [row]
    return [rows.get(i, 0) for i in range(count)]


def _gradients(t: int, outputs: Sequence[int], given: Sequence[Any]) -> tuple[Any, ...]:
    """The gradients of the inputs of instruction t's node."""
    if not all(row or g is None for row, g in zip(outputs, given)):
        raise RuntimeError("a gradient is given of an output that nothing came of")
    with machine.pinned():
        out, plan, rows, needs, shift = (*reading.instruction(t)[:4], reading.shift_of(t))
        if plan.op.name == "_composed":
            operands = reading.composed_operands(t)
            inputs = [operands.get(i, 0) for i in range(plan.attributes["count"])]
        elif plan.op.name == "_enter" and outputs != [out]:
            inputs = [out]
        else:
            inputs = []
        ends = [(*_made(row), row, g) for row, g in zip(outputs, given) if g is not None]
    if inputs:
        return _through([(sources[0], g) for _, sources, _, _, g in ends], inputs)
    if outputs != [out]:  # what was taken apart
        parts = [gradients_of(piece, g, sources, row, 1, at)[0] for piece, sources, at, row, g in ends]
        return (sum(parts[1:], start=parts[0]) if parts else None,)
    if given[0] is None:
        return (None,) * len(inputs_of_node(plan, rows, needs))
    if plan.op.name == "div" and reading.is_number(rows[0]):  # 2 / x is 1 / x, whose node comes before this, times 2
        return given[0] * reading.number_of(rows[0]), None
    engine.check_kept(t)
    kept = hooks.find(out)
    found = gradients_of(plan, given[0], rows, out, needs, shift, kept.saved if kept else None)
    if plan.op.kind == "rebase":  # the operation on the view hides behind the base's node
        written, base = found
        at = reading.instruction_of(rows[0])
        hidden = () if at is None else _gradients(at, [rows[0]], [written])
        if at is not None and hidden and hidden[0] is not None:
            seen = _seen_from(rows[1], reading.operands_of(at)[0][0], hidden[0])
            base = seen if base is None else base if seen is None else base + seen
        return (base, *hidden[1:])
    return tuple([found[j] if needs >> j & 1 else None for j in inputs_of_node(plan, rows, needs)])


def _seen_from(base: int, row: int, g: Any) -> Any:
    """The gradient of a row for that of a view of it; None where it is no view of that."""
    while row != base:
        if reading.instruction_of(row) is None:
            return None
        plan, sources, shift = _made(row)
        if plan.op.kind != "view" and plan.op.name != "clone":  # where backward reads what was overwritten
            return None
        g, row = gradients_of(plan, g, sources, row, 1, shift)[0], sources[0]
    return g


def _made(row: int) -> tuple[Plan, list[int], int]:
    """The plan that made a row, its operands, and where a view looks."""
    t = reading.instruction_of(row)
    assert t is not None
    return (*reading.instruction(t)[1:3], reading.shift_of(t))


def _through(pairs: Sequence[tuple[int, Any]], inputs: Sequence[int]) -> tuple[Any, ...]:
    """Gradients by the rows that a composition was given, from those that its results were in it."""
    asked = [row for row in inputs if row]
    if not pairs or not asked:
        return (None,) * len(inputs)
    roots, gradients, targets = (
        [call.tensor_of(row, tensor_type()) for row, _ in pairs], [g for _, g in pairs],
        [call.tensor_of(row, tensor_type()) for row in asked])
    found = iter(engine.run(roots, gradients, True, modes.is_grad_enabled(), targets, accumulate=False,
                            allow_unused=True) or ())
    return tuple([next(found) if row else None for row in inputs])
