"""What a write in place does to history, as `tapegrad.tape.history` has it, for tensors that nothing is hung on.

A function here does all of what Python would do, or nothing at all, and then Python does it: refuses, mostly.
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.tape import drop_tensor, make_room, new_row, record

_REQUIRES_GRAD, _IS_VIEW = np.uint32(rec.REQUIRES_GRAD), np.uint32(rec.IS_VIEW)
_RESTRICTED = np.uint32(rec.NO_GRAD_VIEW | rec.INFERENCE_VIEW | rec.MULTI_VIEW | rec.CUSTOM_VIEW)
_ACCOMPANIED = np.uint32(rec.ACCOMPANIED)
_HOOKED, _PLAN_MASK, _VIEW = np.uint32(rec.HOOKED), np.uint32(rec.PLAN_MASK), np.uint16(rec.VIEW)
_NOT_ITS_OWN = np.uint32(rec.EXTERNAL | rec.BORROWED)
_LADEN = np.uint32(rec.HOOKED | rec.RETAINS | rec.INFERENCE)
_NEEDS_A, _NEEDS_B = np.uint32(rec.NEEDS_A), np.uint32(rec.NEEDS_B)
_SEEN, _WRITTEN = np.uint64(rec.PLAN_OF_SEEN), np.uint64(rec.PLAN_OF_WRITTEN)
MAX_KEYED_LAYOUT = np.uint64(1 << 18)


@native
def find_plan(opcode, operands, count):
    """The plan of (opcode, operand layouts), or 0. Entries are pairs (key, plan); layout ids stay below 2^18."""
    m = machine()
    rows = buffers()
    key = (np.uint64(opcode) << np.uint64(54)) | (m.default_dtype << np.uint64(63))
    for j in range(count):
        layout = np.uint64(rows[halves(operands)[j]].layout)
        if layout >= MAX_KEYED_LAYOUT:
            return N0
        key |= layout << (np.uint64(36) - np.uint64(18) * j)
    table = words(m.table)
    slot = hashed(key) & m.table_mask
    while True:
        found = table[slot * U2]
        if found == key:
            return np.uint32(table[slot * U2 + U1])
        if found == U0:
            return N0
        slot = (slot + U1) & m.table_mask


@native
def plan_between(opcode, first, second):
    """The plan between two rows: of a view's write into its base, or of a view that follows from its base."""
    pair = stack_words(1)
    halves(pair)[U0] = first
    halves(pair)[U1] = second
    return find_plan(opcode, pair, U2)


@native
def move(obj, index):
    """Let a tensor with no hooks stand for a new row; that it is a view comes along."""
    t = tensor_at(obj)
    rows = buffers()
    old = t.buffer
    row = rows[index]
    row.flags |= rows[old].flags & (_IS_VIEW | _RESTRICTED | _ACCOMPANIED)
    row.tensor = obj
    rows[row.owner].refs += N1
    t.buffer = index
    t.layout = row.layout
    drop_tensor(old)


@inlined
def row_like(index):
    """A fresh row for the same memory."""
    row = buffers()[index]
    return new_row(row.layout, row.owner, row.address)


@export(u64(u64))
def refresh(view):
    """Give a stale view the history that follows from its base's; 0 where that is left to Python."""
    t = tensor_at(view)
    rows = buffers()
    row, base = rows[t.buffer], rows[tensor_at(t.base).buffer]
    if row.flags & (_RESTRICTED | _LADEN) or not base.flags & _REQUIRES_GRAD:
        return U0
    plan = plan_between(_SEEN, tensor_at(t.base).buffer, t.buffer)
    if plan == N0 or not make_room():
        return U0
    fresh = row_like(t.buffer)
    if fresh == N0:
        return U0
    record(plan, fresh, tensor_at(t.base).buffer, N0, _NEEDS_A, row.address - base.address)
    move(view, fresh)
    rows[fresh].version = rows[rows[fresh].owner].version
    return U1


call_refresh: Callee = by_name("tapegrad_refresh", u64, u64)


@inlined
def is_watched(row, base):
    """Whether there are hooks on the way from a view to its base."""
    rows = buffers()
    while row != base and rows[row].producer != N0:
        made = instructions()[rows[row].producer - N1]
        if rows[row].flags & _HOOKED or not plans()[made.plan & _PLAN_MASK].flags & _VIEW:
            break
        row = made.a
    return rows[row].flags & _HOOKED != N0


@native
def may_rewrite(self):
    """(whether this tensor's history may be rewritten here, the plan of writing a view into its base or 0)"""
    t = tensor_at(self)
    rows = buffers()
    row = rows[t.buffer]
    if row.flags & (_RESTRICTED | _LADEN):
        return False, N0
    if t.base == U0:
        return not row.flags & _REQUIRES_GRAD or row.producer != N0, N0
    base = rows[tensor_at(t.base).buffer]
    if not row.flags & _IS_VIEW or base.flags & _LADEN or row.owner != base.owner:
        return False, N0
    if row.flags & _REQUIRES_GRAD and (row.producer == N0 or base.producer == N0):
        return False, N0
    if is_watched(t.buffer, tensor_at(t.base).buffer):
        return False, N0
    slices = plan_between(_WRITTEN, t.buffer, tensor_at(t.base).buffer)
    return slices != N0, slices


@native
def rewrite(self, row, slices):
    """Let a tensor that was written to go on as `row`, and its base as what the plan `slices` makes of it."""
    t = tensor_at(self)
    rows = buffers()
    version = rows[t.buffer].version
    if slices != N0:
        base = tensor_at(t.base).buffer
        fresh = row_like(base)
        needs = _NEEDS_A | _NEEDS_B if rows[base].flags & _REQUIRES_GRAD else _NEEDS_A
        record(slices, fresh, row, base, needs, rows[row].address - rows[base].address)
        move(t.base, fresh)
    move(self, row)
    rows[row].version = version  # a view is stale now: its history is to lead through the new base


@inlined
def is_apart(first, second):
    """Whether two rows lie so that writing one while reading the other is safe: elsewhere, or in the same place."""
    rows = buffers()
    a, b = rows[first], rows[second]
    if a.address == b.address and a.layout == b.layout:
        return True
    if a.owner != b.owner and not (rows[a.owner].flags | rows[b.owner].flags) & _NOT_ITS_OWN:
        return True
    first_end, second_end = a.address + layouts()[a.layout].nbytes, b.address + layouts()[b.layout].nbytes
    return first_end <= b.address or second_end <= a.address
