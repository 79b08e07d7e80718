"""A backward's replay, where Python has to act: hooks, custom functions, a look at every gradient."""
from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

from tapegrad import kernel_errors
from tapegrad.autograd import anomaly, modes
from tapegrad.autograd.arriving_gradients import accumulate_into, arrive, call_hooks, replaced
from tapegrad.autograd.marking import asked_for, check_marked
from tapegrad.autograd.recorded_adjoints import gradients_of
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import buffers, call, layouts, machine, planner
from tapegrad.machine.llvm import late_binding
from tapegrad.machine.planning import Layout, Plan
from tapegrad.machine.runtime import Workspace
from tapegrad.named_tuples import NamedTuple
from tapegrad.tape import hooks, reading
from tapegrad.tape.hooks import tensor_hooks


def adjoint_layout(row: int) -> Layout:
    return layouts.adjoint(layouts.all[buffers["layout"].item(row)])


def _counted(value: Any) -> int:
    return sys.getrefcount(value)


def _ours() -> int:
    """How many references there are to a value that a function and the one it calls have alone."""
    value = object()
    return _counted(value)


_OURS = _ours()


def add_adjoint(workspace: Workspace, row: int, value: Any, references: int = 0) -> None:
    """Add a tensor to the gradient gathered for a row: it becomes that where nobody has more `references` to it."""
    layout = adjoint_layout(row)
    block = workspace.adjoints.item(row)
    if block:
        workspace.adjoints[row] = 0  # whoever breaks this off loses the block, and does not free it twice
        have = call.adopt_block(layout.id, block)
        with modes.no_grad():
            have.add_(value)
        workspace.adjoints[row] = call.disown(have)
        return
    if sys.getrefcount(value) <= references and _is_bare(value, layout.id):
        workspace.adjoints[row] = call.disown(value)
        return
    with modes.no_grad():
        fresh = call.empty(layout.id)
        fresh.copy_(value)
    workspace.adjoints[row] = call.disown(fresh)


def _is_bare(value: Any, layout: int) -> bool:
    """Whether a tensor lies like this on memory of its own, which nothing else uses."""
    own = buffers[value._buffer]
    return bool(value._layout == layout and own["owner"] == value._buffer and own["refs"] == 1 and not own["flags"])


def _handed_over(workspace: Workspace, rows: list[int], found: list[Any]) -> bool:
    """Let gradients be those of their rows as they are, if each is the first, lies as it should, and is nobody else's.

    What `add_adjoint` does one by one, for nodes of many operands.
    """
    adjoints, kind, known = workspace.adjoints, machine.tensor_type, layouts.all
    if len(found) != len(rows) or len({*rows}) < len(rows):
        return False
    for row, value in zip(rows, found):
        if type(value) is not kind or sys.getrefcount(value) > _IN_A_LIST or adjoints.item(row):
            return False
        own, lies = value._buffer, _lies.item(row)
        if value._layout != lies or _owners.item(own) != own or _refs.item(own) != 1 or _flags.item(own) or (
                not known[lies].dense):
            return False
    for row, value in zip(rows, found):
        adjoints[row] = call.disown(value)
    return True


_owners, _refs, _flags, _lies = (buffers[field] for field in ("owner", "refs", "flags", "layout"))


def _in_a_list() -> int:
    """How many references there are to a value that is in a list, and looked at in a loop over it and another."""
    found = 0
    for _, value in zip([0], [object()]):
        found = sys.getrefcount(value)
    return found


_IN_A_LIST = _in_a_list()


def take(workspace: Workspace, row: int) -> Any:
    """The gradient gathered for a row as a tensor that owns it, or None."""
    address = call.take_gradient(workspace.address, row)
    if not address and workspace.adjoints[row]:
        kernel_errors.out_of_memory(0)
    return _owned(address) if address else None


def _owned(address: int) -> Any:
    """The object at an address of which native code handed us the one reference."""
    return call.steal(address)


def replay(workspace: Workspace, accumulate: bool = True, partial: bool = False) -> None:
    """Replay in reverse, attending to hooks and callbacks at each stop.

    A leaf with hooks gets its gradient as soon as that is complete, as in PyTorch.
    """
    due = {} if partial else completing(workspace)
    end = int(workspace.record["n_reached"][0])
    for limit in sorted({*due, end}):
        workspace.record["limit"] = limit
        if anomaly.enabled:
            _replay_checked(workspace)
        else:
            _replay_on(workspace)
        for row in due.get(limit, ()):
            workspace.record["watchful"] = 1
            complete_leaf(workspace, row, take(workspace, row), accumulate)


def complete_leaf(workspace: Workspace, row: int, gradient: Any, accumulate: bool) -> None:
    """A leaf that Python waits for has all of its gradient, or (None) there is none."""
    gradient = call_hooks(tensor_hooks(row), gradient)
    if accumulate:
        arrive(row, gradient)
    elif gradient is not None:
        workspace.captured[row] = gradient


def completing(workspace: Workspace) -> dict[int, list[int]]:
    """The leaves that Python waits for, by the number of instructions after which their gradients are complete."""
    if not workspace.record["watched"][0]:
        return {}
    pairs, address = workspace.pairs(workspace.record["n_leaves"].item(0))
    found: dict[int, list[int]] = {}
    for position, row in pairs[:call.last_uses(workspace.address, address)].tolist():
        found.setdefault(position, []).append(row)
    return found


def _replay_on(workspace: Workspace) -> None:
    """Replay up to the limit, attending to hooks and callbacks at each stop."""
    while True:
        status = call.replay_unlocked(workspace.address, 0)
        if status == rec.DONE:
            return
        if status in (rec.STALE, rec.GONE):
            check_marked(workspace, status)
        position = int(workspace.record["position"][0])
        row, plan, rows, *_ = visited(workspace, position)
        if status == rec.NO_MEMORY:
            kernel_errors.out_of_memory(int(workspace.record["bottom"][0]))
        if status == rec.FAILED:
            kernel_errors.kernel_failed(plan.index, rec.RAISED if late_binding.failure else rec.REFUSED)
        _run_tensor_hooks(workspace, row)
        if plan.op.kind == "callback" or hooks.gathers(row) or hooks.saves(row) or gathering(plan, rows) or (
                plan.op.name == "_operand"):
            _run_node(workspace, position)
            workspace.record["position"] = position + 1
        else:
            workspace.record["resumed"] = 1


def _replay_checked(workspace: Workspace) -> None:
    """The same, an instruction at a time on tensors, and a look at every gradient (`detect_anomaly`)."""
    start, limit = int(workspace.record["position"][0]), int(workspace.record["limit"][0])
    for position in range(start, limit):
        row = visited(workspace, position)[0]
        if workspace.marks[row] & rec.NEEDED and (workspace.adjoints[row] or hooks.find(row) is not None):
            with anomaly.blaming(row):
                _run_tensor_hooks(workspace, row)
                _run_node(workspace, position)
    workspace.record["position"] = limit


def visited(workspace: Workspace, position: int) -> tuple[int, Plan, list[int], int, int]:
    """The result's row, plan, operand rows, needs and shift of an instruction that a sweep visits.

    Instructions move when the tape is compacted, which any other thread may do between two lines of Python; rows do
    not.
    """
    with machine.pinned():
        return reading.instruction(int(workspace.reached[position]))


def _run_node(workspace: Workspace, position: int) -> None:
    """One instruction on tensors instead of kernels, for what may be hooked there."""
    out, plan, rows, needs, shift = visited(workspace, position)
    gradient = take(workspace, out)
    if workspace.marks[out] & rec.CAPTURED:
        if gradient is not None:
            add_adjoint(workspace, out, gradient)
        if not workspace.marks[out] & rec.BEYOND:
            return
    def pass_on(row: int, value: Any) -> None:
        if workspace.marks[row] & rec.NEEDED:
            add_adjoint(workspace, row, value)

    found = [*through_node(workspace, plan, gradient, rows, out, needs, shift, functools.partial(take, workspace),
                           pass_on)]
    needed = (workspace.marks[rows] & rec.NEEDED).tolist()
    if all(needed) and _handed_over(workspace, rows, found):
        return
    for row, wanted in zip(rows, needed):
        value = found.pop(0)
        if value is not None and wanted:
            add_adjoint(workspace, row, value, _OURS)


class Arrived(NamedTuple):
    """A gradient that waits for those of the other outputs of its node."""

    gradient: Any
    plan: Plan
    shift: int
    row: int
    source: int


def through_node(workspace: Workspace, plan: Plan, g: Any, rows: Sequence[int], out: int, needs: int, shift: int,
                 taken: Callable[[int], Any], pass_on: Callable[[int, Any], None]) -> Sequence[Any]:
    """The gradients of a node's operands, None where there is none, with the node's own hooks run before and after.

    A node runs without a gradient, too, if what it leads to gave none: its hooks, and those of its operands, are told.
    What ends a composed function that is hooked gives the last of its outputs to come all of their gradients to
    `pass_on`. One of several tensors has the gradients of its inputs where a sweep comes to the last of these, and
    recorded first: there they are `taken`, and its hooks called.
    """
    whole = gathering(plan, rows)
    if whole:
        arrived, number = workspace.arrived.setdefault(whole, {}), reading.output_at(plan, shift)
        if g is not None:
            have = arrived.get(number)
            arrived[number] = Arrived(g if have is None else have.gradient + g, plan, shift, out, rows[0])
        if plan.op.name == "_leave" and _is_last(workspace, whole, out):
            outgoing = workspace.left[whole] = _outgoing(hooks.find(whole), None, workspace.arrived.pop(whole),
                                                         plan.attributes["count"])
            for i, there in arrived.items():
                if outgoing[i] is not None:
                    pass_on(there.source, outgoing[i])
        if plan.op.name != "_output" or g is None:
            return [None]
        return [call.empty(layouts[int(buffers[whole]["layout"])].id).zero_()]  # word to the node that there is some
    kept, pieces = hooks.find(out), workspace.arrived.pop(out, {})
    end = kept.end if plan.op.name == "_operand" and kept else None
    if end is not None and end in workspace.ending:
        outgoing, inputs = workspace.ending.pop(end)
        given = [g if row == out else taken(row) if row else None for row in inputs]
        for row, value in zip(inputs, _after(end, given, outgoing)):
            if row == out:
                g = value
            elif value is not None:
                pass_on(row, value)
    composed = plan.op.name == "_enter" and out in workspace.left
    if composed:
        outgoing = workspace.left.pop(out)
    else:
        outgoing = _outgoing(kept, g, pieces, len(kept.callback._tensors) if kept and kept.callback else
                             plan.attributes["count"] if pieces else 1)
    with machine.pinned():
        status = call.check_again(workspace.address, int(buffers["producer"][out]) - 1)
    if status in (rec.STALE, rec.GONE):
        check_marked(workspace, status)
    if plan.op.kind == "callback":
        assert kept is not None
        if kept.callback._capture is not capturing.mine():
            capturing.refuse("a custom function's backward runs that was recorded before")
        workspace.callbacks.append(kept.callback)
        kept.callback._wanted = asked_for(workspace, rows)
        found = kept.callback.gradients(outgoing)
    elif composed:
        found = [g]
    elif pieces:
        found = [_joined(pieces, outgoing, g, rows, out)]
    elif outgoing[0] is None:
        found = [None] * len(rows)
    else:
        wanted = needs & asked_for(workspace, rows)
        found = gradients_of(plan, outgoing[0], rows, out, wanted, shift, kept.saved if kept else None)
        found = [value if workspace.marks[row] & rec.NEEDED else None for row, value in zip(rows, found)]
    if anomaly.enabled and anomaly.check_nan:
        anomaly.check(plan.grad_name, found)
    if kept and kept.posthooks and plan.op.name == "_composed":
        if outgoing[0] is not None:
            with machine.pinned():
                t = int(buffers["producer"][out]) - 1
                operands = reading.composed_operands(t)
            inputs = [operands.get(i, 0) for i in range(plan.attributes["count"])]
            workspace.ending[kept] = outgoing, [row if workspace.marks[row] & rec.NEEDED else 0 for row in inputs]
    elif kept and kept.posthooks:
        shown = inputs_of_node(plan, rows, needs)
        incoming = _after(kept, [found[j] for j in shown], outgoing)
        found = [None] * len(rows)
        for j, value in zip(shown, incoming):
            found[j] = value
    return found


def _after(kept: hooks.Attached, incoming: Sequence[Any], outgoing: tuple[Any, ...]) -> tuple[Any, ...]:
    """The gradients of a node's inputs, after the hooks that are called when it is done."""
    found = tuple(incoming)
    for hook in list(kept.posthooks.values()):
        found = replaced(hook, hook(found, outgoing), found)
    return found


def _is_last(workspace: Workspace, whole: int, out: int) -> bool:
    """Whether none of a node's outputs is still to come that the sweep goes through."""
    for t in reading.outputs_of(whole):
        row = int(reading.instructions["out"][t])
        if row == out:
            return True
        marks = workspace.marks[row]
        if marks & rec.NEEDED and (not marks & rec.CAPTURED or marks & rec.BEYOND):
            return False
    return True


def _joined(pieces: dict[int, Arrived], outgoing: Sequence[Any], total: Any, rows: Sequence[int], out: int) -> Any:
    """The gradient of what was taken apart, by those of its pieces; `total` came before there were hooks."""
    for i, there in pieces.items():
        if outgoing[i] is not None:
            (part,) = gradients_of(there.plan, outgoing[i], rows, out, 1, there.shift)
            total = part if total is None else total + part
    return total


def _outgoing(kept: hooks.Attached | None, g: Any, arrived: dict[int, Arrived], count: int) -> tuple[Any, ...]:
    """The gradients of a node's outputs, after their hooks and then those of the node."""
    found = [arrived[i].gradient if i in arrived else None for i in range(count)] if arrived or count > 1 else [g]
    if kept is None or not kept.gathers:
        return tuple(found)
    for i, there in list(kept.outputs.items()):
        found[i] = call_hooks(list(there.tensor_hooks.values()), found[i])
    for i, one in sorted(arrived.items()):
        tensor = hooks.live(one.row) if buffers["flags"].item(one.row) & rec.RETAINS else None
        if tensor is not None and found[i] is not None:
            accumulate_into(tensor, found[i])
    outgoing = tuple(found)
    if kept.prehooks or kept.posthooks:
        capturing.refuse("a hook runs")
    for hook in list(kept.prehooks.values()):
        outgoing = replaced(hook, hook(outgoing), outgoing)
    return outgoing


_BESIDE = ("factors", "condition", "*indices", "classes", "target", "share", "edges", "quantized")


def inputs_of_node(plan: Plan, rows: Sequence[int], needs: int) -> list[int]:
    """The operands that a node has an edge for: in arithmetic and `where` PyTorch makes tensors of numbers.

    Conditions and indices, and the factors of a matrix, are what PyTorch keeps beside them. `2 * b` is `b * 2`.
    """
    arithmetic = plan.op.name.rstrip("_") in ("add", "sub", "mul", "div") and plan.grad_name == plan.op.grad_name
    number = buffers["flags"]
    names = plan.op.operands
    shown = [j for j, row in enumerate(rows) if names[min(j, len(names) - 1)] not in _BESIDE and (
             needs >> j & 1 or arithmetic or plan.op.name == "where" or not number[row] & (rec.WRAPPED | rec.IMMORTAL))]
    if plan.op.kind == "rebase":
        return shown[::-1]  # the base before what was written to it
    return shown[::-1] if arithmetic and number[rows[0]] & (rec.WRAPPED | rec.IMMORTAL) else shown


def gathering(plan: Plan, rows: Sequence[int]) -> int:
    """The row of the node, if any, at which the gradient of a result waits for those of its other outputs.

    Those of a custom function always do, others where there are hooks.
    """
    whole = reading.whole_of(plan, rows)
    return whole if whole and (plan.op.name == "_output" or hooks.gathers(whole)) else 0


def waits(workspace: Workspace, row: int) -> bool:
    """Whether the hooks of a row are called when its node has the gradients of all of its outputs."""
    marks = workspace.marks[row]
    if marks & rec.CAPTURED and not marks & rec.BEYOND:
        return False
    with machine.pinned():
        t = reading.instruction_of(row)
        whole = 0 if t is None else reading.node_row(t)
        return whole not in (0, row) and hooks.gathers(whole)


def _run_tensor_hooks(workspace: Workspace, row: int) -> None:
    found = tensor_hooks(row)
    retains = bool(buffers["flags"].item(row) & rec.RETAINS)
    if (found or retains) and waits(workspace, row):
        if workspace.marks[row] & rec.CAPTURED and (gradient := take(workspace, row)) is not None:
            workspace.captured[row] = gradient
            add_adjoint(workspace, row, gradient)
        return
    if found:
        gradient = take(workspace, row)
        if gradient is None:
            call_hooks(found, None)
        else:
            if workspace.marks[row] & rec.CAPTURED and workspace.marks[row] & rec.BEYOND:
                workspace.captured[row] = gradient  # what hooks return is for what lies beyond, as in PyTorch
            gradient = call_hooks(found, gradient)
            add_adjoint(workspace, row, gradient, _OURS)
    if retains and workspace.adjoints[row]:
        tensor = hooks.live(row)
        if tensor is not None:
            gradient = take(workspace, row)
            accumulate_into(tensor, gradient)
            add_adjoint(workspace, row, gradient, _OURS)


def settle(workspace: Workspace, left: int) -> None:
    """The leaves that native code left to Python: hooks, and `.grad`s of other layouts."""
    for i in range(_taught(workspace, left)):
        row = int(workspace.leaves[i])
        gradient = take(workspace, row)
        if gradient is None:
            continue
        arrive(row, call_hooks(tensor_hooks(row), gradient))


def _taught(workspace: Workspace, left: int) -> int:
    """How many are still left when native code can add gradients of their layouts, and has."""
    unknown = [layout for layout in (adjoint_layout(int(row)) for row in workspace.leaves[:left])
               if not machine.layouts[layout.id]["accumulate"]]
    if unknown:
        for layout in unknown:
            planner.teach_accumulate(layout)
        count = int(workspace.record["n_leaves"][0])
        workspace.record["n_leaves"] = left  # of the others the gradients are where they belong
        left = call.settle(workspace.address)
        workspace.record["n_leaves"] = count
    return left
