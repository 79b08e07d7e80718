"""Writes in place, with the history that they leave: `dispatch.apply_inplace` without its refusals."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.borrowed_rows import kept_row
from tapegrad.machine.native.execution import execute, kernel_failed, record_operation
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.in_place_history import find_plan, is_apart, may_rewrite, rewrite, row_like
from tapegrad.machine.native.kernel_calls import run_forward
from tapegrad.machine.native.objects import flags_of
from tapegrad.machine.native.operands import needs_of
from tapegrad.machine.native.tape import count_writes, make_room, pooled_kept
from tapegrad.machine.native.thread_modes import inferring, recording

_REQUIRES_GRAD, _INFERENCE = np.uint32(rec.REQUIRES_GRAD), np.uint32(rec.INFERENCE)
_OF_SEVERAL = np.uint32(rec.BORROWED | rec.LENT)
_DIFFERENTIABLE = np.uint16(rec.DIFFERENTIABLE)
_COPIED = np.uint64(rec.PLAN_OF_COPIED)
OUT_OF_RANGE = np.int32(rec.OUT_OF_RANGE)
FIRST_FLOAT = np.uint32(6)
# How a write ended: done, with an error set, left to Python, or not begun, for its plan is not known.
WRITTEN, RAISED, LEFT, UNKNOWN = (np.uint64(i) for i in range(4))


@native
def views_history(obj):
    """Whether a tensor is a view, perhaps made where nothing is recorded, of one that has a history."""
    base = tensor_at(obj).base
    return base != U0 and flags_of(base) & _REQUIRES_GRAD != N0


@native
def reads_first(plan, needs):
    """Whether backward will read the operand that is written to."""
    return pooled_kept(plans()[plan], needs) & N1 != N0


@native
def is_guarded(self, operands, count):
    """Whether what a write overwrites, or reads of its own target, has to be kept for a derivative taken forwards."""
    rows = buffers()
    source = halves(operands)
    owner = rows[source[U0]].owner
    if not recording() or rows[owner].flags & _OF_SEVERAL:  # views learn when they are used next; `x.data` never does
        return True
    for j in range(U1, count):
        if rows[source[j]].owner == owner:
            return True
    if rows[owner].refs <= (N1 if tensor_at(self).base == U0 else np.uint32(2)):
        return False  # of the tensor and its base
    return kept_row(owner, machine().guarded - U1) != U0


@export(u64(u32, u64, u64, u64))
def write(plan, self, operands, count):
    """Run an in-place plan on rows, the first of them that of `self`; the array of rows may be changed.

    Where backward reads what is overwritten, the tape keeps a copy, through which the gradient flows.
    """
    rows = buffers()
    source = halves(operands)
    target = source[U0]
    if rows[target].flags & _INFERENCE and not inferring():
        return LEFT
    for j in range(U1, count):
        if not is_apart(target, source[j]):
            return LEFT
    if machine().guarded != U0 and is_guarded(self, operands, count):
        return LEFT
    needs = N0
    slices = N0
    before = U0
    if recording():
        if layouts()[rows[target].layout].dtype >= FIRST_FLOAT:
            needs, flags = needs_of(operands, count)
            if needs != N0 and (flags & _INFERENCE or not plans()[plan].flags & _DIFFERENTIABLE):
                return LEFT
        if needs != N0:
            allowed, slices = may_rewrite(self)
            if not allowed or not make_room():
                return LEFT
            if reads_first(plan, needs):
                copied = find_plan(_COPIED, operands, U1)
                if copied == N0:
                    return LEFT
                before = execute(copied, operands, U1)
                if before == U0:
                    return RAISED
        elif views_history(self):
            return LEFT
    status = run_forward(plan, rows[target].address, operands)
    if status != OUT_OF_RANGE:  # of which nothing was written
        count_writes(rows[target].owner, N1)
    machine().overwrote = U1
    if status:
        kernel_failed(plan, status)
    elif needs != N0:
        if before != U0:
            source[U0] = tensor_at(before).buffer
        row = row_like(target)
        record_operation(plan, row, operands, count, needs, U0)
        rewrite(self, row, slices)
    if before != U0:
        py.decref(before)
    return RAISED if status else WRITTEN


call_write: Callee = by_name("tapegrad_write", u64, u32, u64, u64, u64)
