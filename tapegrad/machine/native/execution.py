"""Running a plan on rows: its steps, and its record on the tape."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.kernel_calls import run_forward
from tapegrad.machine.native.objects import call_python, flags_of, new_object, new_tensor, out_of_memory
from tapegrad.machine.native.operands import current_row, needs_of
from tapegrad.machine.native.tape import kept_mask, make_room, make_row, pooled_kept, record, record_pooled
from tapegrad.machine.native.thread_modes import inferring, recording

_POOLED, _DIFFERENTIABLE = np.uint16(rec.POOLED), np.uint16(rec.DIFFERENTIABLE)
_REQUIRES_GRAD, _IS_VIEW, _NO_GRAD_VIEW, _MULTI_VIEW, _VIEWED = (
    np.uint32(i) for i in (rec.REQUIRES_GRAD, rec.IS_VIEW, rec.NO_GRAD_VIEW, rec.MULTI_VIEW, rec.VIEWED)
)
_INFERENCE, _INFERENCE_VIEW = np.uint32(rec.INFERENCE), np.uint32(rec.INFERENCE_VIEW)
_NEEDS_A = np.uint32(rec.NEEDS_A)
REFUSED, RECORDED, UNRECORDED = U0, U1, U2
_RECORD, _LINK, _MULTIPLE = U1, np.uint64(rec.LINK), np.uint64(rec.MULTIPLE)


@native
def record_operation(plan, out, operands, count, needs, shift):
    source = halves(operands)
    if plans()[plan].flags & _POOLED:
        record_pooled(plan, out, operands, count, needs)
    else:
        b = source[U1] if count > U1 else N0
        record(plan, out, source[U0], b, needs << np.uint32(rec.PLAN_BITS), shift)


@native
def kernel_failed(plan, status):
    """Let Python raise: function 0 is called with the plan and the kernel's status."""
    arguments = stack_words(2)
    words(arguments)[U0] = py.long_from(np.int64(plan))
    words(arguments)[U1] = py.long_from(np.int64(status))
    result = py.vectorcall(words(machine().functions)[U0], arguments, U2, U0)
    py.decref(words(arguments)[U0])
    py.decref(words(arguments)[U1])
    return result


@export(u64(u32, u64, u64, u32))
def decide_inference(plan, operands, count, needs):
    """Whether an operation on tensors of inference mode, outside of it, is recorded: not if all its operands are.

    REFUSED, with a Python error set, where one would be kept for backward.
    """
    plan_row = plans()[plan]
    every = _INFERENCE
    for j in range(count):
        every &= buffers()[halves(operands)[j]].flags
    if every:
        return UNRECORDED
    if plan_row.flags & _POOLED:
        kept = pooled_kept(plan_row, needs)
    else:
        kept = np.uint32(kept_mask(plan_row, needs << np.uint32(rec.PLAN_BITS)) & np.uint8(3))
    for j in range(count if kept != N0 else U0):
        if (kept >> np.uint32(j)) & N1 and buffers()[halves(operands)[j]].flags & _INFERENCE:
            call_python(machine().refuse_inference, py.none(), U0, U1)
            return REFUSED
    return RECORDED


call_decide_inference: Callee = by_name("tapegrad_decide_inference", u64, u32, u64, u64, u32)


@native
def execute(plan, operands, count):
    """Run a plan on operand rows: a new tensor, recorded if need be. 0 with a Python error set on failure."""
    plan_row = plans()[plan]
    if not make_room():
        return out_of_memory(U0)
    result = new_tensor(plan_row.out_layout)
    if result == U0:
        return result
    out = tensor_at(result).buffer
    status = run_forward(plan, buffers()[out].address, operands)
    if status:
        py.decref(result)
        return kernel_failed(plan, status)
    if plan_row.flags & _DIFFERENTIABLE:
        needs, flags = needs_of(operands, count)
        if needs != N0 and recording():
            decision = RECORDED
            if flags & _INFERENCE:
                decision = call_decide_inference(plan, operands, count, needs)
            if decision == REFUSED:
                py.decref(result)
                return U0
            if decision == RECORDED:
                record_operation(plan, out, operands, count, needs, U0)
    return result


@native
def view_of(plan, viewed, layout, offset, shift, mode):
    """A tensor of `layout` on the storage of another, `offset` bytes into it (`shift` into its adjoint).

    `mode` says whether to record, and whether (and how) the result is a view in the eyes of differentiation.
    """
    if mode != U0 and flags_of(viewed) & _INFERENCE:
        mode = U0
    base = current_row(viewed) if mode != U0 else tensor_at(viewed).buffer  # of which no history is asked
    if base == N0:
        return U0
    rows = buffers()
    if not make_room():
        return out_of_memory(U0)
    row = make_row(layout, rows[base].owner, rows[base].address + offset)
    if row == N0:
        return out_of_memory(U0)
    result = new_object(machine().tensor_type, row)
    if mode & _LINK:
        first = tensor_at(viewed).base
        if first == U0 or not rows[base].flags & _IS_VIEW:  # it may have left its base (`x.data = t`)
            first = viewed
        py.incref(first)
        rows[tensor_at(first).buffer].flags |= _VIEWED
        tensor_at(result).base = first
        made = rows[row]
        made.flags |= _IS_VIEW | (rows[base].flags & (_NO_GRAD_VIEW | _INFERENCE_VIEW | _MULTI_VIEW))
        made.version = rows[made.owner].version
        if not recording():
            made.flags |= _NO_GRAD_VIEW | (_INFERENCE_VIEW if inferring() else N0)
        elif mode & _MULTIPLE:
            made.flags |= _MULTI_VIEW
    if mode & _RECORD and rows[base].flags & _REQUIRES_GRAD and recording():
        record(plan, row, base, N0, _NEEDS_A, shift)
    return result
