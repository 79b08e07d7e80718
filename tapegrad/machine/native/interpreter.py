"""The interpreter: `replay_reverse` is backward, `replay_forward` runs instructions again."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native.arena import allocate, class_of, release, zero_fill
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.kernel_calls import OUT_OF_MEMORY, run_forward, run_program
from tapegrad.machine.native.marking import operands_of, refused, wants

U7, U63 = np.uint64(7), np.uint64(63)
_PLAN_MASK, _RELEASED = np.uint32(rec.PLAN_MASK), np.uint32(rec.RELEASED)
_VIEW, _CALLBACK, _ALIKE, _JOINT = (np.uint16(i) for i in (rec.VIEW, rec.CALLBACK, rec.ALIKE, rec.JOINT))
_STOPS = np.uint32(rec.HOOKED | rec.RETAINS)
_IDENTITY, _NEEDS_ZERO, _ONE_RUN, _LIES_ALIKE, _CARVES, _IN_PLACE = (
    np.uint32(i) for i in (rec.IDENTITY, rec.NEEDS_ZERO, rec.ONE_RUN, rec.LIES_ALIKE, rec.CARVES, rec.IN_PLACE)
)
REACHED, CAPTURED, NEEDED, BEYOND = (
    np.uint8(i) for i in (rec.REACHED, rec.CAPTURED, rec.NEEDED, rec.BEYOND)
)
DONE, STOPPED, FAILED, PAUSED, NO_MEMORY, AT_NODE = (
    np.uint64(i) for i in (rec.DONE, rec.STOPPED, rec.FAILED, rec.PAUSED, rec.NO_MEMORY, rec.AT_NODE)
)


@inlined
def has_room_for(nbytes, more):
    """Whether a block of whole words is as large as one of `more` bytes: 50 of 51 rows need not be copied. A capture
    has no room but what it took."""
    return class_of(nbytes) == class_of(more) and nbytes & U7 == U0 and machine().trace == U0


@native
def run_joint(w, plan_row, operands, count, needs, versions, result, gradient):
    """Compute the gradients of all operands at once; DONE, or why not."""
    adjoints = words(w.adjoints)
    marks = octets(w.marks)
    programs = programs_at(plan_row.adjoints)
    made = stack_words(12)
    status = DONE
    for j in range(count):
        words(made)[j] = U0
        if programs[j].n_steps != N0 and status == DONE:
            words(made)[j] = allocate(w.arena, programs[j].bytes)
            if words(made)[j] == U0:
                w.bottom = programs[j].bytes
                status = NO_MEMORY
    if status == DONE:
        failed = run_program(w.arena, programs[count], operands, result, gradient, made, U0, False)
        if failed:
            w.bottom = U0
            status = NO_MEMORY if failed == OUT_OF_MEMORY else FAILED
    for j in range(count):
        block = words(made)[j]
        if block == U0:
            continue
        operand = np.uint64(halves(operands)[j])
        if status == DONE and wants(needs, versions, count, j) and marks[operand] & NEEDED:
            target = adjoints[operand]
            if target == U0:
                adjoints[operand] = block
                continue
            run_program(w.arena, programs[j], operands, result, block, target, U0, True)
        release(w.arena, block, programs[j].bytes)
    return status


@export(u64(u64))
def replay_reverse(workspace):
    """Execute the marked instructions, latest first, from `position` to `limit`.

    It stops where Python has to act and at nodes of compiled calls, and pauses where the tape is to be compacted.
    """
    w = workspace_at(workspace)
    rows = buffers()
    adjoints = words(w.adjoints)
    marks = octets(w.marks)
    inline = stack_words(2)
    i = w.position
    while i < w.limit:
        w.position = i
        if machine().halt != U0:
            return PAUSED
        row = instructions()[halves(w.reached)[i]]
        out = np.uint64(row.out)
        gradient = adjoints[out]
        if marks[out] & NEEDED:
            plan_row = plans()[row.plan & _PLAN_MASK]
            if (rows[out].flags & _STOPS or plan_row.flags & _CALLBACK) and w.resumed == U0:
                if plan_row.flags & _CALLBACK and (row.va | row.vb) != np.uint32(0):
                    return AT_NODE
                w.watchful = U1
                return STOPPED  # without a gradient too, for hooks are told that there is none
            w.resumed = U0
            if gradient == U0:
                i += U1
                continue
            operands, count, needs, versions = operands_of(row, plan_row, inline)
            # Once Python has acted it may have written, so that what runs is checked again.
            if w.watchful != U0 and (marks[out] & CAPTURED == np.uint8(0) or marks[out] & BEYOND):
                status = refused(w, np.uint64(halves(w.reached)[i]), operands, count, needs, versions)
                if status != DONE:
                    return status
            shift = U0
            if plan_row.flags & _VIEW:
                shift = np.uint64(row.va) | (np.uint64(row.vb) << np.uint64(32))
            alike = plan_row.flags & _ALIKE != np.uint16(0)
            held = (marks[out] & CAPTURED) != np.uint8(0)
            last = U63 - leading_zeros(np.uint64(needs))
            if plan_row.flags & _JOINT:
                status = run_joint(w, plan_row, operands, count, needs, versions, rows[out].address, gradient)
                if status != DONE:
                    return status
                count = U0
            for j in range(count):
                operand = np.uint64(halves(operands)[j])
                if wants(needs, versions, count, j) and marks[operand] & NEEDED:
                    program = programs_at(plan_row.adjoints)[U0 if alike else j]
                    if alike:
                        shift = j * plan_row.stride
                    target = adjoints[operand]
                    if target == U0 and program.flags & _IDENTITY and j == last and not held:
                        if program.flags & _CARVES:
                            carve = programs_at(plan_row.adjoints)[count]
                            run_program(w.arena, carve, operands, rows[out].address, gradient, gradient, shift, False)
                        adjoints[operand] = gradient
                        gradient = U0
                        continue
                    if program.n_steps == N0:
                        continue
                    if target == U0 and program.flags & _LIES_ALIKE and shift == U0 and not held and (
                            has_room_for(plan_row.out_bytes, program.bytes)):
                        zero_fill(gradient + plan_row.out_bytes, program.bytes - plan_row.out_bytes)
                        adjoints[operand] = gradient
                        gradient = U0
                        continue
                    add = target != U0
                    if not add and program.flags & _IN_PLACE and j == last and not held and machine().trace == U0:
                        target = gradient
                        adjoints[operand] = target
                    elif not add:
                        target = allocate(w.arena, program.bytes)
                        adjoints[operand] = target
                        if target == U0:
                            w.bottom = program.bytes
                            return NO_MEMORY
                        if program.flags & _ONE_RUN and machine().trace == U0:
                            end = (shift + plan_row.out_bytes) & ~U7  # whole words; the run is written after that
                            zero_fill(target, shift)
                            zero_fill(target + end, program.bytes - end)
                        elif program.flags & _NEEDS_ZERO:
                            zero_fill(target, program.bytes)  # all of it in a capture, which clears whole blocks
                            add = not program.flags & _ONE_RUN
                    status = run_program(w.arena, program, operands, rows[out].address, gradient, target, shift, add)
                    if target == gradient:
                        gradient = U0
                    if status:
                        w.bottom = U0
                        return NO_MEMORY if status == OUT_OF_MEMORY else FAILED
            if not held:
                if gradient != U0:
                    release(w.arena, gradient, plan_row.out_bytes)
                adjoints[out] = U0
        i += U1
    w.position = i
    return DONE


@export(u64(u64, u64, u64))
def replay_forward(first, last, ignored):
    """Run the forward kernels of instructions [first, last) again, on the memory their rows name; 0 or 1 + the failed.

    Views need nothing: their rows share the storage that the earlier instructions just wrote.
    """
    inline = stack_words(2)
    t = first
    while t < last:
        row = instructions()[t]
        operands, count, needs, versions = operands_of(row, plans()[row.plan & _PLAN_MASK], inline)
        if run_forward(row.plan & _PLAN_MASK, buffers()[row.out].address, operands):
            return t + U1
        t += U1
    return U0
