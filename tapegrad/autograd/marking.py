"""Marking: what a backward visits, and what it is refused for.

Native code walks the tape; here is which ways it walks, and what its refusals say.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from tapegrad import errors
from tapegrad.autograd import anomaly
from tapegrad.machine import records as rec
from tapegrad.machine.live import buffers, call, instructions, layouts, machine, planner
from tapegrad.machine.runtime import Workspace
from tapegrad.tape import hooks
from tapegrad.tape.reading import instruction_of, operands_of, output_number, plan_of

compactions: Callable[[int], int]
compactions, _instructions = (machine.state[name].item for name in ("sweeps", "n_instructions"))


def mark(workspace: Workspace, roots: Sequence[int], targets: Sequence[Any] | None, accumulate: bool = False,
         partial: bool = False, checked: bool = True, since: tuple[int, int] = (0, 0)) -> None:
    """List what a sweep visits, of the ways to the `targets` if these are given: what lies below is not looked at.

    Nor is what was recorded before there were any, where that is known (`since`).

    The nodes of targets that accumulate run, hooks and all, though nothing comes of them.
    """
    ends = [row for x in targets or () for row in hooks.rows_of(x)]
    start, at = workspace.ask(roots, ends)
    if targets is None:
        while status := call.mark(workspace.address, start, len(roots), 1):
            check_marked(workspace, status)
        return
    workspace.narrowed = True
    with machine.pinned():  # between the two, nothing moves
        (call.end_at if partial else call.stop_below)(workspace.address, at, len(ends))
        if since[1] and since[0] == compactions(0):
            floor = workspace.record["floor"]
            floor[0] = max(floor.item(0), since[1])
        call.mark(workspace.address, start, len(roots), 0)
    call.narrow(workspace.address, at, len(ends))
    if accumulate:
        workspace.marks[[row for row in ends if instruction_of(row) is not None]] &= ~rec.CAPTURED & 0xFF
    while checked and (status := call.check(workspace.address)):
        check_marked(workspace, status)


def now() -> tuple[int, int]:
    """How often the tape was compacted, and how long it is: what is recorded later comes after."""
    return compactions(0), _instructions(0)


def reaches_beyond(tensor: Any, inputs: Sequence[Any], since: tuple[int, int]) -> bool:
    """Whether a tensor depends on more than these leaves, which were made after `since`.

    Whatever is older and requires grad depends on others, so that the walk ends there. A leaf whose tensor is gone,
    as those of a derivative inside are, nobody differentiates by.
    """
    while (found := call.reaches_beyond(*since, tensor, *inputs)) is None:
        machine.give_back(machine.workspace())  # all are in use: one more
    return bool(found)


def keeps(t: int) -> bool:
    """Whether an instruction keeps something for its backward."""
    plan = plan_of(t)
    if plan.op.kind == "callback":
        kept = hooks.find(int(instructions[t]["out"]))
        return kept is not None and bool(kept.callback._kept)
    needs = operands_of(t)[1]
    return any(kept for j, kept in enumerate(plan.keeps) if needs >> j & 1)


def check_marked(workspace: Workspace, status: int) -> None:
    """Raise for what `mark` refuses; an adjoint that is not compiled yet is compiled instead."""
    with machine.pinned():
        _check_culprit(workspace, status)


def _check_culprit(workspace: Workspace, status: int) -> None:
    t = int(workspace.record["culprit"][0])
    if status == rec.UNBUILT:
        planner.build_adjoint(plan_of(t))
        return
    rows, _ = operands_of(t)
    if status == rec.GONE:
        kept = hooks.find(int(instructions[t]["out"]))
        if kept is not None and kept.callback is not None and not kept.callback.is_gone(asked_for(workspace, rows)):
            instructions["plan"][t] &= ~rec.RELEASED & 0xFFFFFFFF
            return
        raise RuntimeError(errors.SECOND_BACKWARD)
    position = int(workspace.record["position"][0])
    workspace.record["position"] = 0
    row = rows[position] if position < len(rows) else int(instructions[t]["out"])
    layout = layouts[int(buffers[row]["layout"])]
    producer = instruction_of(row)
    latest = _latest(row) if position < len(rows) else t  # a result is that of its node, whatever came after
    found = int(buffers[int(buffers[row]["owner"])]["version"])
    flags = int(buffers["flags"][row])
    if flags & rec.WITHDRAWN:
        given = flags & rec.GIVEN_DATA or producer is None
        raise RuntimeError(errors.OTHER_DATA.format(layout) if given else errors.DETACHED)
    culprit = int(instructions[t]["out"])
    if anomaly.enabled and not anomaly.is_blaming(culprit):
        anomaly.explain(culprit)
    raise RuntimeError((errors.MODIFIED_BELOW if anomaly.enabled else errors.MODIFIED).format(
        kind=errors.KINDS[layout.dtype.name], shape=list(layout.shape),
        output="" if latest is None else f", which is output {output_number(latest)} of {_forward_name(latest)},",
        found=found, expected=_expected_version(t, position),
    ))


def asked_for(workspace: Workspace, rows: Sequence[int]) -> int:
    """Which operands of a node a sweep wants the gradients of, as bits; all of them are -1."""
    return -1 if not workspace.narrowed else sum(
        1 << j for j, row in enumerate(rows) if workspace.marks[row] & rec.NEEDED)


def _latest(row: int) -> int | None:
    """The instruction that last wrote what lies at a row: the tensor there has moved on with each write in place."""
    rows, own = buffers[:int(machine.state["n_buffers"][0])], buffers[row]
    same = (rows["tensor"] != 0) & (rows["flags"] & rec.IS_VIEW == own["flags"] & rec.IS_VIEW)
    for field in ("owner", "layout", "address"):
        same &= rows[field] == own[field]
    return max((int(p) - 1 for p in rows["producer"][same] if p), default=instruction_of(row))


def _forward_name(t: int) -> str:
    plan = plan_of(t)
    return f"torch::autograd::{plan.grad_name}" if plan.op.kind == "rebase" else re.sub(
        "Backward[0-9]*$", "", plan.grad_name)


def _expected_version(t: int, position: int) -> int:
    code = instructions[t]
    if machine.plans[plan_of(t).index]["flags"] & rec.POOLED:
        entry = int(code["a"]) | int(code["b"]) << 32
        count = int(machine.pool[entry])
        return int(machine.pool[entry + 2 if position == count else entry + rec.POOL_HEADER + count + position])
    return int(code[("va", "vb")[position]]) if position < len(operands_of(t)[0]) else 0
