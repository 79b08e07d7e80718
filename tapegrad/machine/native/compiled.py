"""Running a compiled program: conditions first, then its steps, with no Python between them."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native.glue import U0, buffers, call_kernel, export, inlined, octets, records, u64, words

_programs, _steps = records(rec.COMPILED), records(rec.PROGRAM_STEP)
_conditions, _writes = records(rec.CONDITION), records(rec.WRITE)
_RUN, _CLEAR, _COPY = np.uint32(rec.RUN), np.uint32(rec.CLEAR), np.uint32(rec.COPY)
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
        elif differ(step.a, step.b, step.c):
            return BROKEN
    writes = _writes(p.writes)
    for i in range(p.n_writes):
        buffers()[writes[i].row].version += writes[i].times
    return PASSED
