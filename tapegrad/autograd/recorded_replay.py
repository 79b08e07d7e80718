"""A backward that is recorded (`create_graph`): every rule is run on tensors, so that it can be differentiated.

Native code goes from one instruction to the next (`machine.native.recorded_sweep`); what is hooked, custom functions,
and gradients that are put together in place have their steps here.
"""
from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from tapegrad import dispatch
from tapegrad.autograd import anomaly, modes, recorded_adjoints
from tapegrad.autograd.arriving_gradients import accumulate_into, arrive, call_hooks, late_hooks, of_targets
from tapegrad.autograd.marking import check_marked
from tapegrad.autograd.recorded_adjoints import tensor_type
from tapegrad.autograd.reverse_replay import (
    complete_leaf,
    completing,
    is_gathered,
    is_one_of_several,
    through_node,
    visited,
)
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import buffers, call, machine
from tapegrad.machine.runtime import Workspace
from tapegrad.ops.declaration import REGISTRY
from tapegrad.tape import hooks, reading
from tapegrad.tape.hooks import tensor_hooks


class _Cotangents:
    """Gradients on their way through a recorded sweep: tensors, whose addresses native code keeps by row.

    Those that are marked OWN nobody else can see: parts are added to them in place. As a tensor for each part, full of
    zeros, the gradient of n rows of a matrix would take n matrices.
    """

    __slots__ = ("_at", "marks", "workspace")
    workspace: Workspace
    marks: Any

    def __init__(self, workspace: Workspace) -> None:
        workspace.record["tensors"] = 1
        self.workspace, self.marks, self._at = workspace, workspace.marks, workspace.adjoints

    def pop(self, row: int) -> Any:
        address = self._at.item(row)
        if not address:
            return None
        self._at[row] = 0
        return call.steal(address)

    def get(self, row: int) -> Any:
        found = self.pop(row)
        if found is not None:
            self.gather(row, found)
        return found

    def put(self, row: int, value: Any) -> None:
        self.pop(row)
        self.gather(row, value)

    def gather(self, row: int, value: Any, fresh: bool = False) -> None:
        call.gather_tensor(self.workspace.address, row, value, _ADD)
        if fresh:
            self.marks[row] |= rec.OWN

    def are_own(self, row: int) -> bool:
        return bool(self.marks[row] & rec.OWN)


_ADD = REGISTRY["add"].opcode


def replay_recorded(workspace: Workspace, roots: Sequence[Any], seeds: Sequence[Any], accumulate: bool, partial: bool,
                    record: bool = True) -> _Cotangents:
    """The sweep on tensors: every rule is run as ordinary operations, so that its result can be differentiated.

    Unless it is to `record`: then they are run for what the tensors stand for (`lanes`).
    """
    adjoints = _Cotangents(workspace)
    for root, seed in zip(roots, seeds):
        adjoints.gather(root._buffer, seed)
    due = {} if partial else completing(workspace)
    if not record and not due and dispatch.lanes is not None:
        with machine.pinned():  # all before the tape moves on
            steps = [reading.instruction(t) for t in workspace.reached[:int(workspace.record["n_reached"][0])].tolist()]
        if _is_calm(steps):
            pinned = [call.tensor_of(out, tensor_type()) for out, *_ in steps]
            _replay_calmly(workspace, steps, adjoints)
            del pinned
            return adjoints
    # Where results are looked at, on lanes, and in a capture, whose notes are Python's, each step is Python's.
    natively = not anomaly.enabled and dispatch.lanes is None and capturing.mine() is None
    with modes.set_grad_enabled(record):
        for limit in sorted({*due, int(workspace.record["n_reached"][0])}):
            workspace.record["limit"] = limit
            if natively:
                _replay_on(workspace, adjoints)
            else:
                for position in range(int(workspace.record["position"][0]), limit):
                    _step(workspace, position, adjoints)
                workspace.record["position"] = limit
            for row in due.get(limit, ()):
                complete_leaf(workspace, row, adjoints.pop(row), accumulate)
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
        g, mark = adjoints.pop(out), marks.item(out)
        if g is None or not mark & rec.NEEDED:
            continue
        if mark & rec.CAPTURED:
            adjoints.gather(out, g)
            if not mark & rec.BEYOND:
                continue
            workspace.captured[out] = g
        if recorded_adjoints.looks_at_part(plan) and adjoints.are_own(rows[0]):
            total = adjoints.get(rows[0])
            if dispatch.lanes.writable(g, total):
                recorded_adjoints.add_part(plan, g, shift, total)
                continue
        wanted = sum([1 << j for j, row in enumerate(rows) if needs >> j & 1 and marks.item(row) & rec.NEEDED])
        found = dispatch.lanes.gradients(plan, g, rows, out, wanted, shift)
        for j, (row, value) in enumerate(zip(rows, found)):
            if value is not None and wanted >> j & 1:
                adjoints.gather(row, value)


def _replay_on(workspace: Workspace, adjoints: _Cotangents) -> None:
    """Replay up to the limit, with Python's steps where native code stops."""
    while status := call.replay_recorded(workspace.address, recorded_adjoints.rule, _ADD):
        if status != rec.STOPPED:
            check_marked(workspace, status)
        position = int(workspace.record["position"][0])
        _step(workspace, position, adjoints)
        workspace.record["position"] = position + 1


def _step(workspace: Workspace, position: int, adjoints: _Cotangents) -> None:
    """One instruction, whatever may be hooked there."""
    out, plan, rows, needs, shift = visited(workspace, position)
    g, marks = adjoints.get(out), int(workspace.marks[out])
    if not marks & rec.NEEDED or (g is None and hooks.find(out) is None):
        return
    if marks & rec.CAPTURED and marks & rec.BEYOND and g is not None:
        workspace.captured[out] = g
    watched = tensor_hooks(out)
    with anomaly.blaming(out) if anomaly.enabled else contextlib.nullcontext():
        if g is not None or not is_one_of_several(out):
            g = call_hooks(watched, g)
        retains = g is not None and bool(buffers["flags"][out] & rec.RETAINS)
        if retains:
            accumulate_into(call.tensor_of(out, tensor_type()), g)
        if marks & rec.CAPTURED and not marks & rec.BEYOND:
            if g is not None:
                adjoints.put(out, g)
            return
        if marks & rec.CAPTURED:
            if g is not None:
                adjoints.put(out, g)
        else:
            adjoints.pop(out)
        unseen = hooks.find(out) is None and not anomaly.enabled and not is_gathered(plan, rows)
        if unseen and recorded_adjoints.looks_at_part(plan) and adjoints.are_own(rows[0]):
            total = adjoints.get(rows[0])
            if dispatch.lanes is None or dispatch.lanes.writable(g, total):
                if workspace.marks[rows[0]] & rec.NEEDED:
                    recorded_adjoints.add_part(plan, g, shift, total)
                return
        if unseen and plan.op.kind == "rebase" and adjoints.are_own(out) and not (
                watched or retains or marks & rec.CAPTURED):
            found: Sequence[Any] = recorded_adjoints.take_part(plan, g, shift)
        else:
            found = through_node(workspace, plan, g, rows, out, needs, shift)
    for j, (row, value) in enumerate(zip(rows, found)):
        if value is not None and needs >> j & 1 and workspace.marks[row] & rec.NEEDED:
            adjoints.gather(row, value, unseen and plan.op.kind == "rebase" and j == 1)


def collect_recorded(workspace: Workspace, adjoints: _Cotangents, targets: list[Any] | None, accumulate: bool,
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
