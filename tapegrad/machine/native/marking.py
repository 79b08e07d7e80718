"""Marking: which instructions a backward visits, and whether it may.

`mark` walks the tape once from the roots and lists the instructions to visit; what is refused (a stale operand, a part
that was freed) is refused here, before anything has run.
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native.arena import thread_self, trace
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.tape import kept_mask, pool_entry, pooled_kept, version_of

_PLAN_MASK, _RELEASED = np.uint32(rec.PLAN_MASK), np.uint32(rec.RELEASED)
_POOLED, _VIEW, _CALLBACK = np.uint16(rec.POOLED), np.uint16(rec.VIEW), np.uint16(rec.CALLBACK)
_KEEPS_OUT, _WITHDRAWN = np.uint8(rec.KEEPS_OUT), np.uint32(rec.WITHDRAWN)
_STOPS = np.uint32(rec.HOOKED | rec.RETAINS)
REACHED, CAPTURED, NEEDED, BEYOND, END, DUE = (
    np.uint8(i) for i in (rec.REACHED, rec.CAPTURED, rec.NEEDED, rec.BEYOND, rec.END, rec.DUE)
)
_OUTSIDE = np.uint32(rec.OUTSIDE)
DONE, STOPPED, STALE, GONE, FAILED = (np.uint64(i) for i in (rec.DONE, rec.STOPPED, rec.STALE, rec.GONE, rec.FAILED))
UNBUILT, NOT_STARTED = np.uint64(rec.UNBUILT), np.uint64(rec.NOT_STARTED)
_HEADER, _MOST = np.uint64(rec.POOL_HEADER), np.uint64(rec.MOST)
_STEP, _HALF = np.uint64(3), np.uint64(32)


@inlined
def operands_of(row, plan_row, inline):
    """Operand rows of an instruction as (address of u4s, count, needs bits, address of versions)."""
    if plan_row.flags & _POOLED:
        entry = pool_entry(row)
        base = machine().pool + entry * np.uint64(4)
        p = halves(base)
        count = np.uint64(p[U0])
        return base + _HEADER * np.uint64(4), count, p[U1], base + (_HEADER + count) * np.uint64(4)
    halves(inline)[U0] = row.a
    halves(inline)[U1] = row.b
    halves(inline)[U2] = row.va
    halves(inline)[3] = row.vb
    count = U2 if row.b != N0 else U1
    return inline, count, (row.plan >> np.uint32(rec.PLAN_BITS)) & np.uint32(3), inline + np.uint64(8)


@inlined
def wants(needs, versions, count, j):
    """Whether the gradient flows on to an operand."""
    if count > _MOST:
        return halves(versions)[j] & N1 != N0
    return (needs >> np.uint32(j)) & N1 != N0


@native
def stale_operand(row, plan_row, operands, count, needs, versions):
    """1 + the position of a kept operand that was written, or detached, since it was read, else 0.

    The result's position is `count`.
    """
    if plan_row.flags & _VIEW:
        return U0
    if plan_row.flags & _POOLED:
        kept = pooled_kept(plan_row, needs)
        keeps_out = (kept >> np.uint32(31)) != N0
        version = halves(machine().pool)[pool_entry(row) + U2]
    else:
        mask = kept_mask(plan_row, row.plan)
        kept = np.uint32(mask & np.uint8(3))
        keeps_out = (mask & _KEEPS_OUT) != np.uint8(0)
        version = N0
    for j in range(count if kept != N0 else U0):
        if (kept >> np.uint32(j)) & N1:
            operand = halves(operands)[j]
            if version_of(operand) != halves(versions)[j] or buffers()[operand].flags & _WITHDRAWN:
                return j + U1
    if keeps_out and version_of(row.out) != version:
        return count + U1
    return U0


@native
def unmark(workspace, roots, n_roots):
    """Undo a walk that broke off, whose last operands were marked and not reached."""
    w = workspace_at(workspace)
    marks = octets(w.marks)
    inline = stack_words(2)
    for i in range(w.n_reached):
        row = instructions()[halves(w.reached)[i]]
        operands, count, needs, versions = operands_of(row, plans()[row.plan & _PLAN_MASK], inline)
        for j in range(count):
            marks[halves(operands)[j]] = np.uint8(0)
    for i in range(n_roots):
        marks[halves(roots)[i]] = np.uint8(0)
    w.n_reached = U0
    w.n_leaves = U0


@inlined
def note_outside(t):
    """A sweep runs instructions from `t` on: a capture is told if it did not see the first of them recorded."""
    if machine().trace != U0 and t < machine().trace_start:
        trace(_OUTSIDE, t, U0)


@export(i32(u64, u64, u64))
def end_at(workspace, rows, n_rows):
    """Before `mark`: these rows are leaves, whatever lies beyond them."""
    w = workspace_at(workspace)
    marks = octets(w.marks)
    for i in range(n_rows):
        row = halves(rows)[i]
        if marks[row] == np.uint8(0):
            marks[row] = END
            halves(w.leaves)[w.n_leaves] = row
            w.n_leaves += U1
    return np.int32(0)


@export(i32(u64, u64, u64))
def stop_below(workspace, rows, n_rows):
    """Before `mark`: these rows are all that is asked for, so that nothing recorded before them matters."""
    w = workspace_at(workspace)
    floor = ~N0
    for i in range(n_rows):
        floor = min(floor, buffers()[halves(rows)[i]].producer)
    w.floor = np.uint64(floor - N1 if floor else floor)
    return np.int32(0)


@native
def refused(w, t, operands, count, needs, versions):
    """DONE if instruction t can be run in reverse; else why not, with the culprit noted."""
    row = instructions()[t]
    plan_row = plans()[row.plan & _PLAN_MASK]
    w.culprit = t
    if row.plan & _RELEASED:
        return GONE
    if plan_row.adjoints == U0 and not plan_row.flags & _CALLBACK:
        return UNBUILT
    wrong = stale_operand(row, plan_row, operands, count, needs, versions)
    if wrong != U0:
        w.position = wrong - U1
        return STALE
    return DONE


@export(u64(u64, u64, u64, u64))
def mark(workspace, roots, n_roots, checked):
    """List the instructions that the root rows depend on, latest first, and the leaves.

    `checked` refuses (STALE, GONE, UNBUILT) what cannot be run; without it `narrow` and `check` are to follow. What was
    made before the instruction `floor` counts as a leaf: none of the inputs asked for lies beyond.
    """
    w = workspace_at(workspace)
    rows = buffers()
    marks = octets(w.marks)
    reached = halves(w.reached)
    leaves = halves(w.leaves)
    inline = stack_words(2)
    t = U0
    pending = U0
    floor = np.uint32(w.floor)
    w.floor = U0
    w.active = U1
    w.thread = thread_self()
    w.position = U0
    w.resumed = U0
    w.watchful = U0
    w.watched = U0
    w.culprit = U0
    for i in range(n_roots):
        root = np.uint64(halves(roots)[i])
        if marks[root] == np.uint8(0):
            marks[root] = REACHED | NEEDED
            if rows[root].producer > floor:
                pending += U1
                t = max(t, np.uint64(rows[root].producer))
            else:
                w.watched |= np.uint64(rows[root].flags & _STOPS)
                leaves[w.n_leaves] = np.uint32(root)
                w.n_leaves += U1
    while pending != U0:
        t -= U1
        row = instructions()[t]
        if marks[row.out] & REACHED and np.uint64(rows[row.out].producer) == t + U1:
            pending -= U1
            reached[w.n_reached] = np.uint32(t)
            w.n_reached += U1
            operands, count, needs, versions = operands_of(row, plans()[row.plan & _PLAN_MASK], inline)
            if checked:
                status = refused(w, t, operands, count, needs, versions)
                if status != DONE:
                    unmark(workspace, roots, n_roots)
                    return status
            for j in range(count):
                operand = np.uint64(halves(operands)[j])
                if wants(needs, versions, count, j) and marks[operand] == np.uint8(0):
                    marks[operand] = REACHED | NEEDED
                    if rows[operand].producer > floor:
                        pending += U1
                    else:
                        w.watched |= np.uint64(rows[operand].flags & _STOPS)
                        leaves[w.n_leaves] = np.uint32(operand)
                        w.n_leaves += U1
    w.limit = w.n_reached
    if checked and w.n_reached:
        note_outside(t)
    return DONE


@export(u64(u64, u64))
def last_uses(workspace, positions):
    """Write for each leaf that Python waits for where its gradient is complete, as pairs of position and leaf.

    Returns how many there are. A position is that of the last instruction to run of those that read the leaf, plus
    one; 0 for a root.
    """
    w = workspace_at(workspace)
    rows = buffers()
    marks = octets(w.marks)
    inline = stack_words(2)
    found = U0
    left = U0
    for i in range(w.n_leaves):
        leaf = halves(w.leaves)[i]
        if rows[leaf].flags & _STOPS and marks[leaf] & NEEDED:
            marks[leaf] |= DUE
            left += U1
    i = w.n_reached
    while i > U0 and left != U0:
        i -= U1
        row = instructions()[halves(w.reached)[i]]
        operands, count, needs, versions = operands_of(row, plans()[row.plan & _PLAN_MASK], inline)
        for j in range(count):
            operand = np.uint64(halves(operands)[j])
            if wants(needs, versions, count, j) and marks[operand] & DUE:
                marks[operand] &= ~DUE
                words(positions)[U2 * found] = i + U1
                words(positions)[U2 * found + U1] = operand
                found += U1
                left -= U1
    for i in range(w.n_leaves):
        leaf = np.uint64(halves(w.leaves)[i])
        if marks[leaf] & DUE:
            marks[leaf] &= ~DUE
            words(positions)[U2 * found] = U0
            words(positions)[U2 * found + U1] = leaf
            found += U1
    return found


@export(i32(u64, u64, u64))
def narrow(workspace, inputs, n_inputs):
    """Keep only what leads to the `inputs` rows (`backward(inputs=…)`, `autograd.grad`): marks become NEEDED again."""
    w = workspace_at(workspace)
    rows = buffers()
    marks = octets(w.marks)
    inline = stack_words(2)
    for i in range(w.n_reached):
        out = np.uint64(instructions()[halves(w.reached)[i]].out)
        marks[out] = REACHED
    for i in range(w.n_leaves):
        marks[halves(w.leaves)[i]] = REACHED
    for i in range(n_inputs):
        row = np.uint64(halves(inputs)[i])
        if marks[row] & REACHED:
            marks[row] |= CAPTURED | NEEDED
    i = w.n_reached
    while i > U0:
        i -= U1
        row = instructions()[halves(w.reached)[i]]
        plan_row = plans()[row.plan & _PLAN_MASK]
        operands, count, needs, versions = operands_of(row, plan_row, inline)
        for j in range(count):
            if wants(needs, versions, count, j) and marks[halves(operands)[j]] & NEEDED:
                marks[row.out] |= NEEDED | BEYOND
    return np.int32(rows[U0].refs)


@export(u64(u64, u64))
def check_again(workspace, t):
    """What `mark` refuses, of one instruction that is about to run: Python may have written since."""
    row = instructions()[t]
    operands, count, needs, versions = operands_of(row, plans()[row.plan & _PLAN_MASK], stack_words(2))
    return refused(workspace_at(workspace), t, operands, count, needs, versions)


@export(u64(u64))
def check(workspace):
    """What `mark` refuses, of the instructions that `narrow` left to run."""
    w = workspace_at(workspace)
    marks = octets(w.marks)
    inline = stack_words(2)
    earliest = ~U0
    for i in range(w.n_reached):
        t = np.uint64(halves(w.reached)[i])
        row = instructions()[t]
        if marks[row.out] & NEEDED and (not marks[row.out] & CAPTURED or marks[row.out] & BEYOND):
            operands, count, needs, versions = operands_of(row, plans()[row.plan & _PLAN_MASK], inline)
            status = refused(w, t, operands, count, needs, versions)
            if status != DONE:
                return status
            earliest = t
    note_outside(earliest)
    return DONE


@export(u64(u64, u64, u64, u64, u64))
def describe(workspace, source, steps, rows, room):
    """Write down what `narrow` left of the ways from one row, the first instruction first; see `autograd.described`.

    As many words as fit into `room` each: of each step its plan, where a view looks, how many operands a gradient goes
    on to, and of each its number and which value it is; and the rows of its operands and of its result, after what all
    their flags are together. A value is the number of the step that it is of, from 1 on; that of `source` is 0. Returns
    how many words the steps are, or 0 where they do not fit.
    """
    w = workspace_at(workspace)
    marks = octets(w.marks)
    values = words(w.adjoints)  # and one more
    inline = stack_words(2)
    values[source] = U1
    number = U1
    at = U0
    place = U1
    flags = N0
    fits = True
    i = w.n_reached
    while i > U0:
        i -= U1
        row = instructions()[halves(w.reached)[i]]
        out = np.uint64(row.out)
        if fits and marks[out] & NEEDED and values[out] == U0:
            plan_row = plans()[row.plan & _PLAN_MASK]
            operands, count, needs, versions = operands_of(row, plan_row, inline)
            taken = U0
            fits = at + _STEP + U2 * count <= room and place + count + U1 <= room
            for j in range(count if fits else U0):
                operand = np.uint64(halves(operands)[j])
                value = values[operand]
                if value != U0 and wants(needs, versions, count, j):
                    words(steps)[at + _STEP + U2 * taken] = np.uint64(j)
                    words(steps)[at + _STEP + U2 * taken + U1] = value - U1
                    taken += U1
            if taken != U0:
                words(steps)[at] = np.uint64(row.plan & _PLAN_MASK)
                looks = plan_row.flags & _VIEW
                words(steps)[at + U1] = np.uint64(row.va) | np.uint64(row.vb) << _HALF if looks else U0
                words(steps)[at + U2] = taken
                at += _STEP + U2 * taken
                for j in range(count):
                    operand = np.uint64(halves(operands)[j])
                    words(rows)[place + j] = operand
                    flags |= buffers()[operand].flags
                words(rows)[place + count] = out
                flags |= buffers()[out].flags
                place += count + U1
                number += U1
                values[out] = number
    values[source] = U0
    for i in range(w.n_reached):
        values[np.uint64(instructions()[halves(w.reached)[i]].out)] = U0
    words(rows)[U0] = np.uint64(flags)
    return at if fits else U0
