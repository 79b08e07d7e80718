"""Backward from its beginning to its end: `backward_method` is what `Tensor.backward` enters by.

`finish` cleans up after a sweep, `settle` hands the leaves their gradients.
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.arena import allocate, release, run_kernel, trace
from tapegrad.machine.native.compiled_node_backward import call_run_node
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.interpreter import replay_reverse
from tapegrad.machine.native.marking import mark, operands_of, wants
from tapegrad.machine.native.objects import new_object
from tapegrad.machine.native.operands import freshen_history, is_tensor
from tapegrad.machine.native.recorded_sweep import drop_gathered
from tapegrad.machine.native.tape import call_reclaim, count_writes, new_row, release_kept
from tapegrad.machine.native.thread_modes import recording, set_recorded
from tapegrad.machine.native.threads import usleep

_PLAN_MASK, _REQUIRES_GRAD = np.uint32(rec.PLAN_MASK), np.uint32(rec.REQUIRES_GRAD)
_STOPS, _WORD = np.uint32(rec.HOOKED | rec.RETAINS), np.uint32(rec.WORD)
_GRADIENT = np.uint32(rec.GRADIENT)
CAPTURED, NEEDED = np.uint8(rec.CAPTURED), np.uint8(rec.NEEDED)
DONE, STOPPED, NOT_STARTED, PAUSED, NO_MEMORY, AT_NODE = (
    np.uint64(i) for i in (rec.DONE, rec.STOPPED, rec.NOT_STARTED, rec.PAUSED, rec.NO_MEMORY, rec.AT_NODE)
)
_SHORT = np.uint32(20)  # microseconds


@inlined
def adjoint_bytes(index):
    layout = layouts()[buffers()[index].layout]
    return layouts()[layout.adjoint].nbytes


@native
def leads_on(t, marks):
    """Whether an instruction ran: a gradient flowed on to one of its operands, which still have their marks."""
    row = instructions()[t]
    operands, count, needs, versions = operands_of(row, plans()[row.plan & _PLAN_MASK], stack_words(2))
    found = False
    for j in range(count):
        found |= wants(needs, versions, count, j) and marks[halves(operands)[j]] & NEEDED != np.uint8(0)
    return found


@native
def is_another_active(workspace):
    """Whether another sweep is under way."""
    at = machine().workspaces
    while at != U0:
        if at != workspace and workspace_at(at).active != U0:
            return True
        at = workspace_at(at).next
    return False


@native
def is_visited_by_another(row, workspace):
    """Whether another sweep under way visits a row."""
    at = machine().workspaces
    while at != U0:
        w = workspace_at(at)
        if at != workspace and w.active != U0 and octets(w.marks)[row] != np.uint8(0):
            return True
        at = w.next
    return False


@export(i32(u64, u64))
def finish(workspace, retain):
    """Clear the marks (and gradients nobody took); unless `retain`, free what the visited instructions kept.

    What another sweep under way (in another thread, or in this one, whose hook we are) is to read is left to that one,
    or to reclaiming.
    """
    w = workspace_at(workspace)
    if w.tensors != U0:
        drop_gathered(workspace)
    others = is_another_active(workspace)
    adjoints = words(w.adjoints)
    marks = octets(w.marks)
    for i in range(w.n_reached):
        t = np.uint64(halves(w.reached)[i])
        out = np.uint64(instructions()[t].out)
        if adjoints[out] != U0:
            release(w.arena, adjoints[out], adjoint_bytes(np.uint32(out)))
            adjoints[out] = U0
        if retain == U0 and marks[out] & NEEDED and (not marks[out] & CAPTURED or leads_on(t, marks)):
            if not others or not is_visited_by_another(out, workspace):
                release_kept(t)
        marks[out] = np.uint8(0)
    for i in range(w.n_leaves):
        leaf = np.uint64(halves(w.leaves)[i])
        if adjoints[leaf] != U0:
            release(w.arena, adjoints[leaf], adjoint_bytes(np.uint32(leaf)))
            adjoints[leaf] = U0
        marks[leaf] = np.uint8(0)
    w.n_reached = U0
    w.n_leaves = U0
    w.active = U0
    return np.int32(0)


@export(u64(u64, u32))
def take_gradient(workspace, index):
    """A new tensor that owns the gradient gathered for a row (contiguous in the row's adjoint layout), or 0."""
    w = workspace_at(workspace)
    m = machine()
    block = words(w.adjoints)[index]
    if block == U0:
        return U0
    layout = layouts()[buffers()[index].layout].adjoint
    row = new_row(layout, N0, block)
    if row == N0:
        return U0
    words(w.adjoints)[index] = U0
    return new_object(m.tensor_type, row)


@export(u64(u64))
def settle(workspace):
    """Give the leaves their gradients; returns how many were left to Python (moved to the front of `leaves`)."""
    w = workspace_at(workspace)
    rows = buffers()
    adjoints = words(w.adjoints)
    leaves = halves(w.leaves)
    left = U0
    for i in range(w.n_leaves):
        leaf = leaves[i]
        row = rows[leaf]
        block = adjoints[leaf]
        if block == U0 or not row.flags & _REQUIRES_GRAD:
            continue
        if row.flags & _STOPS:
            leaves[i] = leaves[left]
            leaves[left] = leaf
            left += U1
            continue
        if row.tensor == U0:
            continue
        if machine().trace != U0:
            trace(_GRADIENT, row.tensor, U0)
        owner = tensor_at(row.tensor)
        if owner.grad == U0:
            owner.grad = take_gradient(workspace, leaf)
            py.track(row.tensor)
            if owner.grad == U0:  # the tape is full
                leaves[i] = leaves[left]
                leaves[left] = leaf
                left += U1
            continue
        layout = layouts()[row.layout].adjoint
        if is_tensor(owner.grad):
            grad_row = rows[tensor_at(owner.grad).buffer]
            accumulate = layouts()[layout].accumulate
            if grad_row.layout == layout and accumulate != U0 and not grad_row.flags & _REQUIRES_GRAD:
                step = steps_at(accumulate)[U0]
                pointers = stack_words(3)
                words(pointers)[U0] = grad_row.address
                words(pointers)[U1] = block
                run_kernel(step.add, step.nest, pointers, U2, U1)
                count_writes(grad_row.owner, N1)
                continue
        leaves[i] = leaves[left]
        leaves[left] = leaf
        left += U1
    return left


@export(u64(u64, u64))
def replay_unlocked(workspace, ignored):
    """`replay_reverse` with the GIL released; nodes of compiled calls run with it: their program's memory is shared.

    The tape is compacted when no sweep runs so: who wants to sets `halt`, and the last to pause does it.
    """
    m = machine()
    while True:
        while m.halt != U0 and m.replays != U0:
            state = py.save_thread()
            usleep(_SHORT)
            py.restore_thread(state)
        m.replays += U1
        state = py.save_thread()
        w = workspace_at(workspace)
        w.running = w.thread
        status = replay_reverse(workspace)
        w.running = U0
        py.restore_thread(state)
        m.replays -= U1
        if m.halt != U0 and m.replays == U0:
            m.halt = U0
            call_reclaim()
        if status == AT_NODE:
            status = call_run_node(workspace)
            if status == STOPPED:
                w.watchful = U1
                return STOPPED
            if w.position == w.limit:
                return DONE
        elif status != PAUSED:
            return status


@export(u64(u64, u32))
def unit_seed(arena, dtype):
    """A block that holds the number one, which a scalar's backward begins with."""
    seed = allocate(arena, np.uint64(8))
    if dtype == np.uint32(7):
        words(seed)[U0] = np.uint64(0x3FF0000000000000)
    elif dtype == np.uint32(8):
        words(seed)[U0] = np.uint64(0x3C00)
    elif dtype == np.uint32(9):
        words(seed)[U0] = np.uint64(0x3F80)
    else:
        words(seed)[U0] = np.uint64(0x3F800000)
    if machine().trace != U0:
        trace(_WORD, seed, words(seed)[U0])
    return seed


@native
def copied_seed(arena, layout, gradient):
    """A copy of the gradient that the caller gave, which lies as adjoints of the root do."""
    seed = allocate(arena, layouts()[layout].nbytes)
    if seed == U0:
        return seed
    step = steps_at(layouts()[layout].accumulate)[U0]
    pointers = stack_words(3)
    words(pointers)[U0] = seed
    words(pointers)[U1] = buffers()[tensor_at(gradient).buffer].address
    run_kernel(step.store, step.nest, pointers, U2, U1)
    return seed


@export(u64(u64, u64, u64))
def backward_seeded(workspace, tensor, gradient):
    """The common backward: one root, its seed `gradient` or (0) one, no hooks; status as `mark` and `replay_reverse`.

    `position` tells Python how far it came when the status is STOPPED (nowhere if it waits for the gradients of
    leaves); `settle`'s remainder is left in `bottom`.
    """
    w = workspace_at(workspace)
    roots = stack_words(1)
    root = tensor_at(tensor).buffer
    halves(roots)[U0] = root
    status = mark(workspace, roots, U1, U1)
    if status != DONE:
        return status
    layout = layouts()[buffers()[root].layout]
    if gradient == U0:
        words(w.adjoints)[root] = unit_seed(w.arena, layout.dtype)
    else:
        words(w.adjoints)[root] = copied_seed(w.arena, layout.adjoint, gradient)
        if words(w.adjoints)[root] == U0:
            w.bottom = adjoint_bytes(root)
            return NO_MEMORY
    status = replay_unlocked(workspace, U0) if w.watched == U0 else STOPPED
    if status == DONE:
        w.bottom = settle(workspace)
        if w.bottom == U0:
            finish(workspace, U0)
    return status


@native
def seed_fits(root, arguments, count):
    """Whether a call's arguments say no more than what to begin with, and that lies as it has to."""
    layout = layouts()[buffers()[tensor_at(root).buffer].layout]
    if count == U0:
        return layout.numel == U1
    gradient = words(arguments)[U0]
    if count != U1 or not is_tensor(gradient):
        return False
    return tensor_at(gradient).layout == layout.adjoint and layouts()[layout.adjoint].accumulate != U0


@export(u64(u64, u64, u64, u64))
def backward_method(self, arguments, count, keywords):
    """`Tensor.backward`: natively for one root and at most its gradient, else (or where that stops) in Python."""
    m = machine()
    if not freshen_history(self):
        return U0
    workspace = m.workspace
    status = NOT_STARTED
    if keywords == U0 and workspace != U0 and seed_fits(self, arguments, count):
        if buffers()[tensor_at(self).buffer].producer != N0:
            m.workspace = U0
            status = backward_seeded(workspace, self, words(arguments)[U0] if count else U0)
            if status == DONE and workspace_at(workspace).bottom == U0:
                m.workspace = workspace
                py.incref(py.none())
                return py.none()
    total = count + U3
    if keywords != U0:
        total += words(keywords + U2 * np.uint64(8))[U0]
    block = allocate(m.arena, total * np.uint64(8))
    words(block)[U0] = py.long_from(np.int64(status))
    words(block)[U1] = py.long_from(np.int64(workspace))
    words(block)[U2] = self
    for j in range(total - U3):
        words(block)[j + U3] = words(arguments)[j]
    recorded = recording()
    result = py.vectorcall(m.continue_backward, block, count + U3, keywords)
    set_recorded(recorded)  # whatever interrupt came where a `with` ended
    py.decref(words(block)[U0])
    py.decref(words(block)[U1])
    release(m.arena, block, total * np.uint64(8))
    if status != NOT_STARTED and result == U0 and workspace_at(workspace).active != U0:
        finish(workspace, U1)  # an interrupt came before Python had taken over
    return result
