"""The backward of a compiled call's node: its program, run where one whole sweep goes through it."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native.arena import allocate, release, run_kernel
from tapegrad.machine.native.compiled_node import call_at, calls_at, kept_by, segment_of, segments_at, word_of
from tapegrad.machine.native.compiled_program import PASSED, compiled_at, copy_bytes, point_targets, run_compiled
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.marking import operands_of
from tapegrad.machine.native.tape import version_of

_PLAN_MASK = np.uint32(rec.PLAN_MASK)
_STOPS = np.uint32(rec.HOOKED | rec.RETAINS | rec.ATTACHED)
CAPTURED, NEEDED = np.uint8(rec.CAPTURED), np.uint8(rec.NEEDED)
DONE, STOPPED = np.uint64(rec.DONE), np.uint64(rec.STOPPED)
_NATIVE = np.uint32(rec.IS_NATIVE)
_SEED, _LOOSE = np.uint64(rec.SEED), np.uint64(rec.LOOSE)
_LET_GO, _OWNED = np.uint64(rec.LET_GO), np.uint64(rec.OWNED)
_FEW = np.uint64(16)


@native
def may_run(w, out, word, segment, operands, count):
    """Whether a node's backward is all native: one whole sweep, nothing written since."""
    marks = octets(w.marks)
    if machine().trace != U0 or word & _LET_GO or not segment.flags & _NATIVE or marks[out] & CAPTURED:
        return False
    if buffers()[out].flags & _STOPS:
        return False
    for j in range(count):
        operand = halves(operands)[j]
        if not marks[operand] & NEEDED:
            return False
    kept, n_kept = kept_by(word), np.uint64(calls_at(call_at(word))[U0].n_kept)
    for i in range(segment.n_reads):
        which = np.uint64(halves(segment.reads)[i])
        if version_of(kept[which]) != kept[n_kept + which]:
            return False
    return True


@native
def point_kept(segment, word, seed):
    """Write the addresses of what is kept, and of the seed, where the program wants them."""
    kept = kept_by(word)
    table = words(segment.cells)
    rows = buffers()
    for i in range(segment.n_cells):
        which = table[i * U3 + U1]
        start = seed
        if which != _SEED:
            row = kept[which & ~_LOOSE]
            start = rows[row if which & _LOOSE else rows[row].owner].address
        words(table[i * U3])[U0] = start + table[i * U3 + U2]


@native
def hand_out(w, segment, operands, blocks):
    """Let blocks be the gradients of the operands, or add them to what is there."""
    adjoints = words(w.adjoints)
    for j in range(segment.n_inputs):
        operand = halves(operands)[j]
        block = words(blocks)[j]
        if adjoints[operand] == U0:
            adjoints[operand] = block
            continue
        step = steps_at(layouts()[layouts()[buffers()[operand].layout].adjoint].accumulate)[U0]
        pointers = stack_words(3)
        words(pointers)[U0] = adjoints[operand]
        words(pointers)[U1] = block
        run_kernel(step.add, step.nest, pointers, U2, U1)
        release(w.arena, block, words(segment.sizes)[j])


@native
def run_segment(w, segment, word, seed, operands):
    """Run a node's program and hand its gradients out; False where it failed, with nothing done."""
    count = segment.n_inputs
    few = stack_words(16)
    blocks = few if count <= _FEW else allocate(w.arena, count * np.uint64(8))
    made = U0
    good = blocks != U0
    while good and made < count:
        words(blocks)[made] = allocate(w.arena, words(segment.sizes)[made])
        good = words(blocks)[made] != U0
        if good:
            made += U1
    if good:
        point_kept(segment, word, seed)
        table = words(segment.blocks)
        for i in range(segment.n_blocks):
            words(table[i * U3])[U0] = words(blocks)[table[i * U3 + U1]] + table[i * U3 + U2]
        point_targets(compiled_at(segment.program)[U0])
        good = run_compiled(segment.program) == PASSED
    if good:
        for j in range(count):
            first = np.uint64(halves(segment.same)[j])
            if first != j:
                copy_bytes(words(blocks)[j], words(blocks)[first], words(segment.sizes)[j])
        hand_out(w, segment, operands, blocks)
    else:
        for j in range(made):
            release(w.arena, words(blocks)[j], words(segment.sizes)[j])
    if blocks != U0 and blocks != few:
        release(w.arena, blocks, count * np.uint64(8))
    return good


@export(u64(u64))
def run_node(workspace):
    """Run the node that a sweep has come to: DONE, or STOPPED where that is Python's affair. The GIL is held."""
    w = workspace_at(workspace)
    t = np.uint64(halves(w.reached)[w.position])
    row = instructions()[t]
    out = row.out
    plan_row = plans()[row.plan & _PLAN_MASK]
    operands, count, needs, versions = operands_of(row, plan_row, stack_words(2))
    word = word_of(t)
    if not word & _OWNED:  # an object of Python's stands for it, or stood, and its program may be gone with it
        return STOPPED
    segment = segments_at(segment_of(word))[U0]
    if not may_run(w, out, word, segment, operands, count):
        return STOPPED
    seed = words(w.adjoints)[out]
    if seed != U0:
        machine().pins += U1  # the first call of a kernel may run Python, and the operands must not move
        good = run_segment(w, segment, word, seed, operands)
        machine().pins -= U1
        if not good:
            return STOPPED
        release(w.arena, seed, plan_row.out_bytes)
        words(w.adjoints)[out] = U0
    w.position += U1
    return DONE


call_run_node: Callee = by_name("tapegrad_run_node", u64, u64)
