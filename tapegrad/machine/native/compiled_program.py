"""Running a compiled program: conditions first, then its steps, with no Python between them."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.tape import count_writes
from tapegrad.machine.native.threads import share

compiled_at: Callee = records(rec.COMPILED)
_steps = records(rec.PROGRAM_STEP)
_conditions, _writes = records(rec.CONDITION), records(rec.WRITE)
_blocked, _calls, _operands = records(rec.BLOCKED), records(rec.BLOCKED_CALL), records(rec.BLOCKED_OPERAND)
_looped = records(rec.LOOPED)
_RUN, _CLEAR, _COPY, _BLOCKS, _LOOP = (np.uint32(i) for i in (rec.RUN, rec.CLEAR, rec.COPY, rec.BLOCKS, rec.LOOP))
ITEMS = np.uint64(24)  # where a tuple's items begin; its length is the word before
_WORD = np.uint64(8)
_memcpy, _memset = external("memcpy", u64, u64, u64, u64), external("memset", u64, u64, i32, u64)
_memcmp = external("memcmp", i32, u64, u64, u64)
UNMET, PASSED, BROKEN = np.uint64(rec.UNMET), np.uint64(rec.PASSED), np.uint64(rec.BROKEN)


@inlined
def copy_bytes(to, source, count):
    if count == _WORD:
        words(to)[U0] = words(source)[U0]
    else:
        _memcpy(to, source, count)


@inlined
def differ(left, right, count):
    return _memcmp(left, right, count) != i32(0)


@export(i32(u64, u64, u64, u64))
def block(job, number, thread, unused):
    """One block of the calls of a BLOCKS step, on one thread."""
    b = _blocked(job)[U0]
    first = number * b.block
    size = min(b.block, b.units - first)
    own = stack_words(80)
    pointers = stack_words(28)
    calls = _calls(b.calls)
    first_of_run = U0
    while first_of_run < b.n_calls:
        run = calls[first_of_run]
        for turn in range(run.turns):
            for i in range(first_of_run, first_of_run + run.together):
                call = calls[i]
                nest = words(call.nest)
                for j in range(call.n_words):
                    words(own)[j] = nest[j]
                words(own)[U2 + call.axis] = size * call.per_unit
                operands = _operands(call.operands)
                for j in range(call.count):
                    at = operands[j]
                    words(pointers)[j] = (at.base + first * at.unit + number * at.slot + thread * at.own
                                          + turn * at.stride)
                if call_kernel(call.kernel, pointers, own):
                    b.status = U1
        first_of_run += run.together
    return np.int32(0)


@inlined
def clear_bytes(at, count):
    if count == _WORD:
        words(at)[U0] = U0
    else:
        _memset(at, i32(0), count)


@native
def run_loop(loop):
    """Every turn of a LOOP step; nonzero when a kernel failed."""
    p = _looped(loop)[U0]
    pointers = words(p.pointers)
    starts = words(p.starts)
    strides = words(p.strides)
    steps = _steps(p.steps)
    for j in range(p.n_pointers):
        pointers[j] = starts[j]
    for _ in range(p.turns):
        for i in range(p.n_steps):
            step = steps[i]
            if step.kind == _RUN:
                if call_kernel(step.a, step.b, step.c):
                    return U1
            elif step.kind == _COPY:
                copy_bytes(words(step.a)[U0], step.b, step.c)
            else:
                clear_bytes(words(step.a)[U0], step.b)
        for j in range(p.n_pointers):
            pointers[j] += strides[j]
    return U0


@inlined
def run_step(step):
    """One step of a program; nonzero when a kernel or a check failed."""
    if step.kind == _RUN:
        return np.uint64(call_kernel(step.a, step.b, step.c))
    if step.kind == _COPY:
        copy_bytes(step.a, step.b, step.c)
    elif step.kind == _CLEAR:
        clear_bytes(step.a, step.b)
    elif step.kind == _LOOP:
        return run_loop(step.a)
    elif step.kind == _BLOCKS:
        b = _blocked(step.a)[U0]
        b.status = U0
        share(machine().block, step.a, b.n_blocks, b.limit)
        return b.status
    elif differ(step.a, step.b, step.c):
        return U1
    return U0


@export(i32(u64, u64))
def program_step(step, ignored):
    """A step as a kernel, for a profile to time."""
    return np.int32(run_step(_steps(step)[U0]))


@native
def run_steps(program):
    p = compiled_at(program)[U0]
    conditions = _conditions(p.conditions)
    for i in range(p.n_conditions):
        if words(conditions[i].address)[U0] & conditions[i].mask != conditions[i].value:
            return UNMET
    steps = _steps(p.steps)
    for i in range(p.n_steps):
        if run_step(steps[i]):
            return BROKEN
    writes = _writes(p.writes)
    for i in range(p.n_writes):
        count_writes(writes[i].row, writes[i].times)
    return PASSED


@native
def run_compiled(program):
    """UNMET before anything has run, BROKEN when a check fails on the way, else PASSED."""
    status = run_steps(program)
    if status == BROKEN:
        p = compiled_at(program)[U0]
        for i in range(p.n_undo):
            step = _steps(p.undo)[i]
            copy_bytes(step.b, step.a, step.c)
    return status


@inlined
def point_targets(p):
    """Let the steps that repeat a pointer have it as it is in its cell."""
    targets = words(p.targets)
    for i in range(p.n_targets):
        words(targets[i * U2])[U0] = words(targets[i * U2 + U1])[U0]


@inlined
def point(cells, count, numbers):
    """Write addresses, which are Python's numbers, into the cells that want them."""
    table = words(cells)
    for i in range(count):
        start = np.uint64(py.long_as(words(numbers + ITEMS)[table[i * U3 + U1]]))
        words(table[i * U3])[U0] = start + table[i * U3 + U2]


@export(u64(u64, u64, u64))
def launch(self, arguments, count):
    """launch(program, starts, fresh, drawn) -> UNMET, PASSED or BROKEN.

    Tuples of addresses: of the arguments, and of the results' memory; of random numbers addresses and bytes in turn.
    A program's memory is for one run at a time. So everything that differs between runs is put into it here: from there
    to the last step no Python runs, and the GIL is not let go.
    """
    given = words(arguments)
    program = np.uint64(py.long_as(given[U0]))
    p = compiled_at(program)[U0]
    point(p.argument_cells, p.n_argument_cells, given[U1])
    point(p.fresh_cells, p.n_fresh_cells, given[U2])
    point_targets(p)
    numbers = words(given[U3] + ITEMS)
    for i in range(p.n_drawn):
        to = words(words(p.drawn)[i])[U0]
        copy_bytes(to, np.uint64(py.long_as(numbers[i * U2])), np.uint64(py.long_as(numbers[i * U2 + U1])))
    return py.long_from(np.int64(run_compiled(program)))
