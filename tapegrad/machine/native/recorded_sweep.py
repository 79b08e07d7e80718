"""A sweep on tensors (`create_graph`): the rule of each instruction runs as a call that is recorded in its turn.

The rule is one Python function (`autograd.recorded_adjoints.rule`), which is called as functions of the facade are: its
Python runs once for each kind of instruction and gradient, and what it did then is done again (`recipes`). Gradients on
their way are tensors, whose addresses stand where another sweep has blocks.
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.marking import operands_of, refused, wants
from tapegrad.machine.native.objects import new_object
from tapegrad.machine.native.python_entry import integer, number_at
from tapegrad.machine.native.tape import kept_mask, pooled_kept

_PLAN_MASK, _PLAN_BITS = np.uint32(rec.PLAN_MASK), np.uint32(rec.PLAN_BITS)
_POOLED, _VIEW, _CALLBACK = np.uint16(rec.POOLED), np.uint16(rec.VIEW), np.uint16(rec.CALLBACK)
_ATTENDED = np.uint32(rec.HOOKED | rec.RETAINS | rec.ATTACHED)
_NUMBER = np.uint32(rec.WRAPPED | rec.IMMORTAL)
_KEEPS_OUT, _OPERANDS = np.uint8(rec.KEEPS_OUT), np.uint8(3)
_OUT = np.uint32(1 << 31)
CAPTURED, NEEDED, BEYOND, OWN = (np.uint8(i) for i in (rec.CAPTURED, rec.NEEDED, rec.BEYOND, rec.OWN))
DONE, STOPPED = np.uint64(rec.DONE), np.uint64(rec.STOPPED)
_MOST = np.uint64(rec.MOST)
PARTS = np.uint64(rec.PARTS)
ERROR = np.uint64(2 ** 64 - 1)
_GIVEN = np.uint64(4)  # the rule's arguments before the operands
_ITEMS = np.uint64(24)
call_recall: Callee = by_name("tapegrad_recall", u64, u64, u64, u64, u64)
call_replay_tensors: Callee = by_name("tapegrad_replay_tensors", u64, u64, u64, u64)
call_operator: Callee = by_name("tapegrad_operator", u64, u32, u64, u64)


@native
def gather(w, row, value, add):
    """Add a tensor to the gradient of a row, which is then nobody else's; False with a Python error set."""
    adjoints = words(w.adjoints)
    have = adjoints[row]
    if have == U0:
        py.incref(value)
        adjoints[row] = value
        return True
    total = call_operator(add, have, value)
    if total == U0:
        return False
    adjoints[row] = total
    octets(w.marks)[row] |= OWN
    py.decref(have)
    return True


@export(u64(u64, u64, u64))
def gather_tensor(self, arguments, count):
    """gather_tensor(workspace, row, tensor, opcode of `add`): the same, for Python."""
    w = workspace_at(integer(arguments, U0))
    if not gather(w, integer(arguments, U1), words(arguments)[U2], np.uint32(integer(arguments, U3))):
        return U0
    py.incref(py.none())
    return py.none()


@native
def drop_gathered(workspace):
    """Let the tensors go that a recorded sweep leaves behind."""
    w = workspace_at(workspace)
    adjoints = words(w.adjoints)
    w.tensors = U0
    for i in range(w.n_reached):
        out = np.uint64(instructions()[halves(w.reached)[i]].out)
        left = adjoints[out]
        adjoints[out] = U0
        if left != U0:
            py.decref(left)
    for i in range(w.n_leaves):
        leaf = np.uint64(halves(w.leaves)[i])
        left = adjoints[leaf]
        adjoints[leaf] = U0
        if left != U0:
            py.decref(left)


@native
def value_of(row):
    """The object that stands for a row in a rule: its tensor, or the Python number that it was made from."""
    found = buffers()[row]
    if found.flags & _NUMBER:
        return number_at(row)
    if found.tensor == U0:
        return new_object(machine().tensor_type, row)
    py.incref(found.tensor)
    return found.tensor


@native
def is_part(plan, whole):
    """Whether a view has few enough of the elements of a layout for gradients of it to be added in place."""
    return layouts()[plan.out_layout].numel * PARTS <= layouts()[whole].numel


@native
def let_go_of(given, count):
    for j in range(count):
        if words(given)[j] != U0:
            py.decref(words(given)[j])


@export(u64(u64, u64, u64))
def replay_recorded(self, arguments, count):
    """replay_recorded(workspace, rule, opcode of `add`) -> status: as `replay_reverse`, on tensors.

    It stops before what Python sees to: hooks, custom functions, writes to views, and small parts of what can be
    written to.
    """
    status = call_replay_tensors(integer(arguments, U0), words(arguments)[U1], integer(arguments, U2))
    return U0 if status == ERROR else py.long_from(np.int64(status))


@export(u64(u64, u64, u64))
def replay_tensors(workspace, rule, opcode):
    """The same for native code, whose status may be ERROR, with a Python error set."""
    w = workspace_at(workspace)
    add = np.uint32(opcode)
    adjoints = words(w.adjoints)
    marks = octets(w.marks)
    inline = stack_words(2)
    rows = stack_words(16)  # of operands: the pool may move
    given = stack_words(40)
    i = w.position
    while i < w.limit:
        t = np.uint64(halves(w.reached)[i])
        row = instructions()[t]
        out = np.uint64(row.out)
        plan = row.plan & _PLAN_MASK
        plan_row = plans()[plan]
        mark = marks[out]
        gradient = adjoints[out]
        attended = buffers()[out].flags & _ATTENDED or plan_row.flags & _CALLBACK
        if not mark & NEEDED or (gradient == U0 and not attended):
            i += U1
            continue
        operands, n, needs, versions = operands_of(row, plan_row, inline)
        stops = attended or (mark & BEYOND and mark & CAPTURED) or n > _MOST
        if plan_row.flags & _VIEW:
            stops = stops or row.b != N0 or buffers()[row.a].flags & _ATTENDED or (
                marks[row.a] & OWN and is_part(plan_row, buffers()[row.a].layout))
        if stops:
            w.position = i
            return STOPPED
        if mark & CAPTURED:
            i += U1
            continue
        status = refused(w, t, operands, n, needs, versions)
        if status != DONE:
            return status
        wanted = N0
        for j in range(n):
            operand = halves(operands)[j]
            halves(rows)[j] = operand
            if wants(needs, versions, n, j) and marks[operand] & NEEDED:
                wanted |= N1 << np.uint32(j)
        shift = U0
        kept = N0
        if plan_row.flags & _VIEW:
            shift = np.uint64(row.va) | (np.uint64(row.vb) << np.uint64(32))
        elif plan_row.flags & _POOLED:
            kept = pooled_kept(plan_row, wanted)
        else:
            mask = kept_mask(plan_row, wanted << _PLAN_BITS)
            kept = np.uint32(mask & _OPERANDS) | (_OUT if mask & _KEEPS_OUT else N0)
        adjoints[out] = U0
        arguments_of = words(given)
        arguments_of[U0] = py.long_from(np.int64(plan))
        arguments_of[U1] = py.long_from(np.int64(wanted))
        arguments_of[U2] = py.long_from(np.int64(shift))
        arguments_of[U3] = gradient
        for j in range(n):
            if (kept >> np.uint32(j)) & N1:
                arguments_of[_GIVEN + j] = value_of(halves(rows)[j])
            else:
                py.incref(py.none())
                arguments_of[_GIVEN + j] = py.none()
        if kept & _OUT:
            arguments_of[_GIVEN + n] = value_of(np.uint32(out))
        else:
            py.incref(py.none())
            arguments_of[_GIVEN + n] = py.none()
        result = call_recall(rule, given, _GIVEN + n + U1, U0)
        if result == py.none():  # it is not to be done so
            py.decref(result)
            arguments_of[U3] = U0
            adjoints[out] = gradient
            let_go_of(given, _GIVEN + n + U1)
            w.position = i
            return STOPPED
        let_go_of(given, _GIVEN + n + U1)
        if result == U0:
            return ERROR
        fine = True
        for j in range(n):
            value = words(result + _ITEMS)[j]
            if fine and (wanted >> np.uint32(j)) & N1 and value != py.none():
                fine = gather(w, np.uint64(halves(rows)[j]), value, add)
        py.decref(result)
        if not fine:
            return ERROR
        i += U1
    w.position = i
    return DONE
