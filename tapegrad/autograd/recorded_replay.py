"""A backward that is recorded (`create_graph`): every rule is run on tensors, so that it can be differentiated."""
from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from tapegrad import dispatch
from tapegrad.autograd import anomaly, modes, recorded_adjoints
from tapegrad.autograd.arriving_gradients import accumulate_into, arrive, call_hooks, late_hooks, of_targets
from tapegrad.autograd.recorded_adjoints import tensor_type
from tapegrad.autograd.reverse_replay import complete_leaf, completing, is_gathered, is_one_of_several, through_node
from tapegrad.machine import records as rec
from tapegrad.machine.live import buffers, call, machine
from tapegrad.machine.runtime import Workspace
from tapegrad.tape import hooks, reading
from tapegrad.tape.hooks import tensor_hooks


class _Cotangents(dict[int, Any]):
    """Gradients on their way through a recorded sweep, by row.

    Those that are `own` nobody else can see: parts are added to them in place. As a tensor for each part, full of
    zeros, the gradient of n rows of a matrix would take n matrices.
    """

    def __init__(self) -> None:
        self.own: set[int] = set()

    def gather(self, row: int, value: Any, fresh: bool) -> None:
        if row in self:
            self[row], fresh = self[row] + value, True
        else:
            self[row] = value
        if fresh:
            self.own.add(row)


def replay_recorded(workspace: Workspace, roots: Sequence[Any], seeds: Sequence[Any], accumulate: bool, partial: bool,
                    record: bool = True) -> dict[int, Any]:
    """The sweep on tensors: every rule is run as ordinary operations, so that its result can be differentiated.

    Unless it is to `record`: then they are run for what the tensors stand for (`lanes`).
    """
    adjoints = _Cotangents()
    for root, seed in zip(roots, seeds):
        adjoints.gather(root._buffer, seed, False)
    with machine.pinned():  # all before the tape moves on
        steps = [reading.instruction(t) for t in workspace.reached[:int(workspace.record["n_reached"][0])].tolist()]
    pinned = [call.tensor_of(out, tensor_type()) for out, *_ in steps]
    due = {} if partial else completing(workspace)
    if not record and not due and _is_calm(steps):
        _replay_calmly(workspace, steps, adjoints)
        return adjoints

    def settle(position: int) -> None:
        for row in due.get(position, ()):
            complete_leaf(workspace, row, adjoints.pop(row, None), accumulate)

    with modes.set_grad_enabled(record):
        for position, (out, plan, rows, needs, shift) in enumerate(steps):
            settle(position)
            g, marks = adjoints.get(out), int(workspace.marks[out])
            if not marks & rec.NEEDED or (g is None and hooks.find(out) is None):
                continue
            if marks & rec.CAPTURED and marks & rec.BEYOND and g is not None:
                workspace.captured[out] = g
            watched = tensor_hooks(out)
            with anomaly.blaming(out) if anomaly.enabled else contextlib.nullcontext():
                if g is not None or not is_one_of_several(out):
                    g = call_hooks(watched, g)
                retains = g is not None and bool(buffers["flags"][out] & rec.RETAINS)
                if retains:
                    accumulate_into(call.tensor_of(out, tensor_type()), g)
                if g is not None:
                    adjoints[out] = g
                if marks & rec.CAPTURED and not marks & rec.BEYOND:
                    continue
                if not marks & rec.CAPTURED:
                    adjoints.pop(out, None)
                unseen = hooks.find(out) is None and not anomaly.enabled and not is_gathered(plan, rows)
                if unseen and recorded_adjoints.looks_at_part(plan) and rows[0] in adjoints.own and (
                        dispatch.lanes is None or dispatch.lanes.writable(g, adjoints[rows[0]])):
                    if workspace.marks[rows[0]] & rec.NEEDED:
                        recorded_adjoints.add_part(plan, g, shift, adjoints[rows[0]])
                    continue
                if unseen and plan.op.kind == "rebase" and out in adjoints.own and not (
                        watched or retains or marks & rec.CAPTURED):
                    found: Sequence[Any] = recorded_adjoints.take_part(plan, g, shift)
                else:
                    found = through_node(workspace, plan, g, rows, out, needs, shift)
            for j, (row, value) in enumerate(zip(rows, found)):
                if value is not None and needs >> j & 1 and workspace.marks[row] & rec.NEEDED:
                    adjoints.gather(row, value, unseen and plan.op.kind == "rebase" and j == 1)
        settle(len(steps))
    del pinned
    return adjoints


Steps = Sequence[tuple[int, Any, list[int], int, int]]


def _is_calm(steps: Steps) -> bool:
    """Whether nobody but rules has anything to do in a sweep: no hook, no custom function, no gradient to retain."""
    if anomaly.enabled or any(plan.op.kind == "callback" or hooks.find(out) is not None for out, plan, *_ in steps):
        return False
    return not (buffers["flags"][[out for out, *_ in steps]] & rec.RETAINS).any()


def _replay_calmly(workspace: Workspace, steps: Steps, adjoints: _Cotangents) -> None:
    """The same sweep where it is the rules' alone."""
    marks = workspace.marks
    for out, plan, rows, needs, shift in steps:
        g, mark = adjoints.get(out), marks.item(out)
        if g is None or not mark & rec.NEEDED:
            continue
        if mark & rec.CAPTURED:
            if not mark & rec.BEYOND:
                continue
            workspace.captured[out] = g
        else:
            del adjoints[out]
        if recorded_adjoints.looks_at_part(plan) and rows[0] in adjoints.own and dispatch.lanes.writable(
                g, adjoints[rows[0]]):
            recorded_adjoints.add_part(plan, g, shift, adjoints[rows[0]])
            continue
        wanted = sum([1 << j for j, row in enumerate(rows) if needs >> j & 1 and marks.item(row) & rec.NEEDED])
        found = dispatch.lanes.gradients(plan, g, rows, out, wanted, shift)
        for j, (row, value) in enumerate(zip(rows, found)):
            if value is not None and wanted >> j & 1:
                adjoints.gather(row, value, False)


def collect_recorded(workspace: Workspace, adjoints: dict[int, Any], targets: list[Any] | None, accumulate: bool,
                     partial: bool) -> list[Any] | None:
    def gathered(row: int) -> Any:
        found = workspace.captured.get(row)
        return late_hooks(row, adjoints.get(row), partial) if found is None else found

    if targets is not None:
        return of_targets(targets, accumulate, gathered)
    for row in workspace.leaves[:int(workspace.record["n_leaves"][0])].tolist():
        g = gathered(row)
        if g is not None and hooks.live(row) is not None and buffers[row]["flags"] & rec.REQUIRES_GRAD:
            arrive(row, g)
    return None
