"""Running a compiled program: conditions first, then its steps, with no Python between them."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native.glue import (
    U0,
    U1,
    U2,
    buffers,
    call_kernel,
    export,
    i32,
    inlined,
    machine,
    octets,
    records,
    stack_words,
    u64,
    words,
)
from tapegrad.machine.native.threads import share

_programs, _steps = records(rec.COMPILED), records(rec.PROGRAM_STEP)
_conditions, _writes = records(rec.CONDITION), records(rec.WRITE)
_blocked, _calls, _operands = records(rec.BLOCKED), records(rec.BLOCKED_CALL), records(rec.BLOCKED_OPERAND)
_RUN, _CLEAR, _COPY, _BLOCKS = (np.uint32(i) for i in (rec.RUN, rec.CLEAR, rec.COPY, rec.BLOCKS))
UNMET, PASSED, BROKEN = np.uint64(rec.UNMET), np.uint64(rec.PASSED), np.uint64(rec.BROKEN)


@inlined
def copy_bytes(to, source, count):
    target = octets(to)
    origin = octets(source)
    for i in range(count):
        target[i] = origin[i]


@inlined
def differ(left, right, count):
    a = octets(left)
    b = octets(right)
    different = False
    for i in range(count):
        different |= a[i] != b[i]
    return different


@export(i32(u64, u64, u64, u64))
def block(job, number, thread, unused):
    """One block of the calls of a BLOCKS step, on one thread."""
    b = _blocked(job)[U0]
    first = number * b.block
    size = min(b.block, b.units - first)
    own = stack_words(80)
    pointers = stack_words(28)
    calls = _calls(b.calls)
    for i in range(b.n_calls):
        call = calls[i]
        nest = words(call.nest)
        for j in range(call.n_words):
            words(own)[j] = nest[j]
        words(own)[U2 + call.axis] = size * call.per_unit
        operands = _operands(call.operands)
        for j in range(call.count):
            at = operands[j]
            words(pointers)[j] = at.base + first * at.unit + number * at.slot + thread * at.own
        if call_kernel(call.kernel, pointers, own):
            b.status = U1
    return np.int32(0)


@export(u64(u64))
def run_compiled(program):
    """UNMET before anything has run, BROKEN when a check fails on the way, else PASSED."""
    p = _programs(program)[U0]
    conditions = _conditions(p.conditions)
    for i in range(p.n_conditions):
        if words(conditions[i].address)[U0] & conditions[i].mask != conditions[i].value:
            return UNMET
    steps = _steps(p.steps)
    for i in range(p.n_steps):
        step = steps[i]
        if step.kind == _RUN:
            if call_kernel(step.a, step.b, step.c):
                return BROKEN
        elif step.kind == _COPY:
            copy_bytes(step.a, step.b, step.c)
        elif step.kind == _CLEAR:
            target = octets(step.a)
            for j in range(step.b):
                target[j] = np.uint8(0)
        elif step.kind == _BLOCKS:
            b = _blocked(step.a)[U0]
            b.status = U0
            share(machine().block, step.a, b.n_blocks, b.limit)
            if b.status != U0:
                return BROKEN
        elif differ(step.a, step.b, step.c):
            return BROKEN
    writes = _writes(p.writes)
    for i in range(p.n_writes):
        buffers()[writes[i].row].version += writes[i].times
    return PASSED
