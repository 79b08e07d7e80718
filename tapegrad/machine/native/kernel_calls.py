"""Running steps: the one loop that calls kernels, forwards and backwards."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native.arena import allocate, release, run_kernel
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.threads import call_run_cut

_SLOPE, _TEMPORARY, _OPERAND, _SHIFTED = (np.uint32(i) for i in (rec.SLOPE, rec.TEMPORARY, rec.OPERAND, rec.SHIFTED))
_ALIKE, _TARGET_ITSELF = np.uint16(rec.ALIKE), np.uint32(rec.TARGET_ITSELF)
OUT_OF_MEMORY = np.int32(rec.OUT_OF_MEMORY)
_TARGET, _ADJOINT = np.uint32(rec.TARGET), np.uint32(rec.ADJOINT)


@inlined
def source_address(code, operands, result, gradient, target, shift, temporaries):
    """Where a step's pointer starts from (see `records.STEP`)."""
    kind = code & ~_SHIFTED
    base = gradient
    if kind >= _OPERAND:
        base = buffers()[halves(operands)[kind - _OPERAND]].address
    elif kind >= _TEMPORARY:
        base = words(temporaries)[kind - _TEMPORARY]
    elif kind == _TARGET:
        base = target
    elif kind >= _SLOPE:
        base = words(target)[kind - _SLOPE]
    elif kind != _ADJOINT:
        base = result
    if code & _SHIFTED:
        base += shift
    return base


@native
def run_steps(arena, program, count, operands, result, gradient, target, shift, add):
    """Run `count` steps; those that write `target` store there, or add to it. Nonzero when one failed: the last.

    Where they write several, `target` is the address of a word for each.
    """
    pointers = stack_words(12)
    temporaries = stack_words(24)
    steps = steps_at(program)
    made = U0
    status = np.int32(0)
    for s in range(count):
        step = steps[s]
        if step.temporary != N0:
            if step.temporary == _TARGET_ITSELF and not add:
                words(temporaries)[made] = target
            else:
                words(temporaries)[made] = allocate(arena, step.temporary_bytes)
            if words(temporaries)[made] == U0:
                status = OUT_OF_MEMORY
            made += U1
        if status:  # a check that failed: what comes after must not be done
            continue
        for i in range(np.uint64(step.n_pointers)):
            base = source_address(step.sources[i], operands, result, gradient, target, shift, temporaries)
            words(pointers)[i] = base + np.uint64(step.offsets[i])
        final = add and step.add != U0 and (step.sources[U0] & ~_SHIFTED) == _TARGET
        if step.store == U0 and not final:
            continue
        if step.cut != U0 and machine().threads > U1 and machine().trace == U0:
            status = call_run_cut(step.cut, step.store, step.add if final else U0, step.nest, pointers,
                                  np.uint64(step.n_pointers))
        else:
            status = run_kernel(step.add if final else step.store, step.nest, pointers, np.uint64(step.n_pointers),
                                np.uint64(step.haste))
    if made != U0:
        made = U0
        for s in range(count):
            step = steps[s]
            if step.temporary != N0 and (words(temporaries)[made] == U0 or words(temporaries)[made] == target):
                made += U1
            elif step.temporary != N0:
                release(arena, words(temporaries)[made], step.temporary_bytes)
                made += U1
    return status


@inlined
def run_program(arena, program, operands, result, gradient, target, shift, add):
    """Run one operand's adjoint program."""
    return run_steps(arena, program.steps, np.uint64(program.n_steps), operands, result, gradient, target, shift, add)


@export(i32(u32, u64, u64))
def run_alike(plan, target, operands):
    """Run the steps of the first operand for every one."""
    plan_row = plans()[plan]
    status = np.int32(0)
    for j in range(np.uint64(plan_row.arity)):
        if status == np.int32(0):
            status = run_steps(machine().arena, plan_row.forward, np.uint64(plan_row.n_forward),
                               operands + j * np.uint64(4), target, U0, target, j * plan_row.stride, False)
    return status


call_run_alike: Callee = by_name("tapegrad_run_alike", i32, u32, u64, u64)


@native
def run_forward(plan, target, operands):
    """Run a plan's forward program; `operands` is the address of u4 rows, `target` what it writes."""
    plan_row = plans()[plan]
    if plan_row.flags & _ALIKE:
        return call_run_alike(plan, target, operands)
    return run_steps(machine().arena, plan_row.forward, np.uint64(plan_row.n_forward), operands, target, U0, target, U0,
                     False)
