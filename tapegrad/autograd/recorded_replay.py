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
    gathering,
    through_node,
    visited,
    waits,
)
from tapegrad.machine import records as rec
from tapegrad.machine.learning import following
from tapegrad.machine.live import buffers, call
from tapegrad.machine.runtime import Workspace
from tapegrad.ops.declaration import REGISTRY
from tapegrad.tape import hooks
from tapegrad.tape.hooks import tensor_hooks


class _Cotangents:
    """Gradients on their way through a recorded sweep: tensors, whose addresses native code keeps by row.

    Those that are marked OWN nobody else can see: parts are added to them in place. As a tensor for each part, full of
    zeros, the gradient of n rows of a matrix would take n matrices. Of gradients that have lanes (`levels`), native
    code sees the values.
    """

    __slots__ = ("_at", "levels", "marks", "rule", "workspace")
    workspace: Workspace
    marks: Any
    levels: tuple[int, ...]

    def __init__(self, workspace: Workspace, seeds: Sequence[Any]) -> None:
        workspace.record["tensors"] = 1
        self.workspace, self.marks, self._at = workspace, workspace.marks, workspace.adjoints
        self.levels = () if dispatch.lanes is None else dispatch.lanes.levels_of(seeds)
        self.rule: Any = dispatch.lanes.rule(self.levels) if self.levels else recorded_adjoints.rule

    def replayed(self) -> int:
        """What native code comes to, on values alone."""
        with contextlib.nullcontext() if dispatch.lanes is None else dispatch.lanes.closed():
            status: int = call.replay_recorded(self.workspace.address, self.rule, ADD)
        return status

    def pop(self, row: int) -> Any:
        address = self._at.item(row)
        if not address:
            return None
        self._at[row] = 0
        found = call.steal(address)
        return dispatch.lanes.batched(found, self.levels) if self.levels else found

    def get(self, row: int) -> Any:
        found = self.pop(row)
        if found is not None:
            self.gather(row, found)
        return found

    def put(self, row: int, value: Any) -> None:
        self.pop(row)
        self.gather(row, value)

    def gather(self, row: int, value: Any, fresh: bool = False) -> None:
        if self.levels:
            value = dispatch.lanes.aligned(value, self.levels, full=True)
        call.gather_tensor(self.workspace.address, row, value, ADD)
        if fresh:
            self.marks[row] |= rec.OWN

    def are_own(self, row: int) -> bool:
        return bool(self.marks[row] & rec.OWN)


ADD = REGISTRY["add"].opcode


def replay_recorded(workspace: Workspace, roots: Sequence[Any], seeds: Sequence[Any], accumulate: bool, partial: bool,
                    record: bool = True) -> _Cotangents:
    """The sweep on tensors: every rule is run as ordinary operations, so that its result can be differentiated.

    Unless it is to `record`: then they are run for what the tensors stand for (`lanes`).
    """
    adjoints = _Cotangents(workspace, seeds)
    for root, seed in zip(roots, seeds):
        adjoints.gather(root._buffer, seed)
    due = {} if partial else completing(workspace)
    # Each step is Python's where results are looked at, and where numbers are followed: to native code they are values.
    natively = not anomaly.enabled and following.active is None
    with modes.set_grad_enabled(bool(record)):
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


def _replay_on(workspace: Workspace, adjoints: _Cotangents) -> None:
    """Replay up to the limit, with Python's steps where native code stops."""
    while status := adjoints.replayed():
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
    watched, retains = tensor_hooks(out), bool(buffers["flags"][out] & rec.RETAINS)
    late = (watched or retains) and waits(workspace, out)

    def pass_on(row: int, value: Any) -> None:
        if workspace.marks[row] & rec.NEEDED:
            adjoints.gather(row, value)

    with anomaly.blaming(out) if anomaly.enabled else contextlib.nullcontext():
        if not late:
            g = call_hooks(watched, g)
        if retains and not late and g is not None:
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
        unseen = hooks.find(out) is None and not anomaly.enabled and not gathering(plan, rows)
        if unseen and recorded_adjoints.looks_at_part(plan) and adjoints.are_own(rows[0]):
            if workspace.marks[rows[0]] & rec.NEEDED:
                recorded_adjoints.add_part(plan, g, shift, adjoints.get(rows[0]))
            return
        if unseen and plan.op.kind == "rebase" and adjoints.are_own(out) and not (
                watched or retains or marks & rec.CAPTURED):
            found: Sequence[Any] = recorded_adjoints.take_part(plan, g, shift)
        else:
            found = through_node(workspace, plan, g, rows, out, needs, shift, adjoints.pop, pass_on)
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
