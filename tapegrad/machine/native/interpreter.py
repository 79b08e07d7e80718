"""The interpreter: forward replay, and the reverse sweep that is backward.

`mark` walks the tape once from the roots and lists the instructions to visit, refusing stale operands before anything
has run; `replay_reverse` executes that list without the GIL; `settle` hands the leaves their gradients.
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.arena import allocate, release, repay, run_kernel, trace
from tapegrad.machine.native.glue import (
    buffers,
    export,
    halves,
    i32,
    inlined,
    instructions,
    layouts,
    leading_zeros,
    machine,
    native,
    octets,
    plans,
    programs_at,
    stack_words,
    steps_at,
    tensor_at,
    u32,
    u64,
    words,
    workspace_at,
)
from tapegrad.machine.native.objects import freshen_history, is_tensor, new_object
from tapegrad.machine.native.tape import kept_mask, new_row, pool_entry, pooled_kept, release_kept, version_of

U0, U1, U2, U3 = (np.uint64(i) for i in range(4))
U63 = np.uint64(63)
N0, N1 = np.uint32(0), np.uint32(1)
_PLAN_MASK, _RELEASED = np.uint32(rec.PLAN_MASK), np.uint32(rec.RELEASED)
_POOLED, _VIEW, _CALLBACK = np.uint16(rec.POOLED), np.uint16(rec.VIEW), np.uint16(rec.CALLBACK)
_HOOKED, _RETAINS, _REQUIRES_GRAD = np.uint32(rec.HOOKED), np.uint32(rec.RETAINS), np.uint32(rec.REQUIRES_GRAD)
_STOPS = _HOOKED | _RETAINS
_TEMPORARY, _OPERAND = np.uint32(rec.TEMPORARY), np.uint32(rec.OPERAND)
_SHIFTED = np.uint32(rec.SHIFTED)
_TARGET, _ADJOINT = np.uint32(rec.TARGET), np.uint32(rec.ADJOINT)
_IDENTITY, _NEEDS_ZERO, _CARVES = np.uint32(rec.IDENTITY), np.uint32(rec.NEEDS_ZERO), np.uint32(rec.CARVES)
_KEEPS_OUT = np.uint8(rec.KEEPS_OUT)
REACHED, CAPTURED, NEEDED, BEYOND = (
    np.uint8(i) for i in (rec.REACHED, rec.CAPTURED, rec.NEEDED, rec.BEYOND)
)
DONE, STOPPED, STALE, GONE, FAILED = (np.uint64(i) for i in (rec.DONE, rec.STOPPED, rec.STALE, rec.GONE, rec.FAILED))
UNBUILT, NOT_STARTED = np.uint64(rec.UNBUILT), np.uint64(rec.NOT_STARTED)
_ZEROED, _WORD = np.uint32(rec.ZEROED), np.uint32(rec.WORD)
_HEADER = np.uint64(rec.POOL_HEADER)


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


@native
def stale_operand(row, plan_row, operands, count, needs, versions):
    """1 + the position of a kept operand that was written since it was read (1 + count for the result), else 0."""
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
    for j in range(count):
        if (kept >> np.uint32(j)) & N1 and version_of(halves(operands)[j]) != halves(versions)[j]:
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


@export(u64(u64, u64, u64))
def mark(workspace, roots, n_roots):
    """List the instructions that the root rows depend on, latest first, and the leaves; returns DONE, STALE or GONE."""
    w = workspace_at(workspace)
    rows = buffers()
    marks = octets(w.marks)
    reached = halves(w.reached)
    leaves = halves(w.leaves)
    inline = stack_words(2)
    t = U0
    pending = U0
    w.n_reached = U0
    w.n_leaves = U0
    w.position = U0
    w.resumed = U0
    for i in range(n_roots):
        root = np.uint64(halves(roots)[i])
        if marks[root] == np.uint8(0):
            marks[root] = REACHED | NEEDED
            if rows[root].producer:
                pending += U1
                t = max(t, np.uint64(rows[root].producer))
            else:
                leaves[w.n_leaves] = np.uint32(root)
                w.n_leaves += U1
    while pending != U0:
        t -= U1
        row = instructions()[t]
        if marks[row.out] != np.uint8(0) and np.uint64(rows[row.out].producer) == t + U1:
            pending -= U1
            reached[w.n_reached] = np.uint32(t)
            w.n_reached += U1
            if row.plan & _RELEASED:
                w.culprit = t
                unmark(workspace, roots, n_roots)
                return GONE
            plan_row = plans()[row.plan & _PLAN_MASK]
            if plan_row.adjoints == U0 and not plan_row.flags & _CALLBACK:
                w.culprit = t
                unmark(workspace, roots, n_roots)
                return UNBUILT
            operands, count, needs, versions = operands_of(row, plan_row, inline)
            wrong = stale_operand(row, plan_row, operands, count, needs, versions)
            if wrong != U0:
                w.culprit = t
                w.position = wrong - U1
                unmark(workspace, roots, n_roots)
                return STALE
            for j in range(count):
                operand = np.uint64(halves(operands)[j])
                if (needs >> np.uint32(j)) & N1 and marks[operand] == np.uint8(0):
                    marks[operand] = REACHED | NEEDED
                    if rows[operand].producer:
                        pending += U1
                    else:
                        leaves[w.n_leaves] = np.uint32(operand)
                        w.n_leaves += U1
    return DONE


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
            if (needs >> np.uint32(j)) & N1 and marks[halves(operands)[j]] & NEEDED:
                marks[row.out] |= NEEDED | BEYOND
    return np.int32(rows[U0].refs)


@native
def zero_fill(address, nbytes):
    if machine().trace != U0:
        trace(_ZEROED, address, nbytes)
    block = octets(address)
    for i in range(nbytes):
        block[i] = np.uint8(0)


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
    elif kind != _ADJOINT:
        base = result
    if code & _SHIFTED:
        base += shift
    return base


@native
def run_adjoint(w, operands, result, gradient, target, shift, program, add):
    """Run the steps of one operand's adjoint; those that write `target` add to it or store there."""
    pointers = stack_words(12)
    temporaries = stack_words(24)
    steps = steps_at(program.steps)
    count = np.uint64(program.n_steps)
    made = U0
    status = np.int32(0)
    for s in range(count):
        step = steps[s]
        if step.temporary != N0:
            words(temporaries)[made] = allocate(w.arena, step.temporary_bytes)
            made += U1
        for i in range(np.uint64(step.n_pointers)):
            base = source_address(step.sources[i], operands, result, gradient, target, shift, temporaries)
            words(pointers)[i] = base + np.uint64(step.offsets[i])
        final = add and step.add != U0 and (step.sources[U0] & ~_SHIFTED) == _TARGET
        status |= run_kernel(step.add if final else step.store, step.nest, pointers, np.uint64(step.n_pointers))
    if made != U0:
        made = U0
        for s in range(count):
            step = steps[s]
            if step.temporary != N0:
                release(w.arena, words(temporaries)[made], step.temporary_bytes)
                made += U1
    return status


@inlined
def adjoint_bytes(index):
    layout = layouts()[buffers()[index].layout]
    return layouts()[layout.adjoint].nbytes


@export(u64(u64))
def replay_reverse(workspace):
    """Execute the marked instructions, latest first, from `position` on; stops where Python has to act."""
    w = workspace_at(workspace)
    rows = buffers()
    adjoints = words(w.adjoints)
    marks = octets(w.marks)
    inline = stack_words(2)
    i = w.position
    while i < w.n_reached:
        row = instructions()[halves(w.reached)[i]]
        out = np.uint64(row.out)
        gradient = adjoints[out]
        if gradient != U0 and marks[out] & NEEDED:
            plan_row = plans()[row.plan & _PLAN_MASK]
            if (rows[out].flags & _STOPS or plan_row.flags & _CALLBACK) and w.resumed == U0:
                w.position = i
                return STOPPED
            w.resumed = U0
            operands, count, needs, versions = operands_of(row, plan_row, inline)
            shift = U0
            if plan_row.flags & _VIEW:
                shift = np.uint64(row.va) | (np.uint64(row.vb) << np.uint64(32))
            held = (marks[out] & CAPTURED) != np.uint8(0)
            last = U63 - leading_zeros(np.uint64(needs))
            for j in range(count):
                operand = np.uint64(halves(operands)[j])
                if (needs >> np.uint32(j)) & N1 and marks[operand] & NEEDED:
                    program = programs_at(plan_row.adjoints)[j]
                    target = adjoints[operand]
                    if target == U0 and program.flags & _IDENTITY and j == last and not held:
                        if program.flags & _CARVES:
                            carve = programs_at(plan_row.adjoints)[count]
                            run_adjoint(w, operands, rows[out].address, gradient, gradient, shift, carve, False)
                        adjoints[operand] = gradient
                        gradient = U0
                        continue
                    if program.n_steps == N0:
                        continue
                    add = target != U0
                    if not add:
                        target = allocate(w.arena, program.bytes)
                        adjoints[operand] = target
                        if program.flags & _NEEDS_ZERO:
                            zero_fill(target, program.bytes)
                            add = True
                    if run_adjoint(w, operands, rows[out].address, gradient, target, shift, program, add):
                        w.position = i
                        return FAILED
            if not held:
                if gradient != U0:
                    release(w.arena, gradient, plan_row.out_bytes)
                adjoints[out] = U0
        i += U1
    w.position = i
    return DONE


@native
def leads_on(t, marks):
    """Whether an instruction ran: a gradient flowed on to one of its operands, which still have their marks."""
    row = instructions()[t]
    operands, count, needs, versions = operands_of(row, plans()[row.plan & _PLAN_MASK], stack_words(2))
    found = N0
    for j in range(count):
        if marks[halves(operands)[j]] & NEEDED:
            found |= (needs >> np.uint32(j)) & N1
    return found != N0


@export(i32(u64, u64))
def finish(workspace, retain):
    """Clear the marks (and gradients nobody took); unless `retain`, free what the visited instructions kept.

    While another sweep is under way (in another thread, or in this one, whose hook we are) nothing is freed, since it
    may read the same operands; reclaiming frees it once no tensor can reach it.
    """
    w = workspace_at(workspace)
    if machine().replays != U0 or machine().pins != U0:
        retain = U1
    adjoints = words(w.adjoints)
    marks = octets(w.marks)
    for i in range(w.n_reached):
        t = np.uint64(halves(w.reached)[i])
        out = np.uint64(instructions()[t].out)
        if adjoints[out] != U0:
            release(w.arena, adjoints[out], adjoint_bytes(np.uint32(out)))
            adjoints[out] = U0
        if retain == U0 and marks[out] & NEEDED and (not marks[out] & CAPTURED or leads_on(t, marks)):
            release_kept(t)
        marks[out] = np.uint8(0)
    for i in range(w.n_leaves):
        leaf = np.uint64(halves(w.leaves)[i])
        if adjoints[leaf] != U0:
            release(w.arena, adjoints[leaf], adjoint_bytes(np.uint32(leaf)))
            adjoints[leaf] = U0
        marks[leaf] = np.uint8(0)
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
    repay(w.arena, m.arena, layouts()[layout].nbytes)
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
        owner = tensor_at(row.tensor)
        if owner.grad == U0:
            owner.grad = take_gradient(workspace, leaf)
            py.track(row.tensor)
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
                run_kernel(step.add, step.nest, pointers, U2)
                rows[grad_row.owner].version += N1
                continue
        leaves[i] = leaves[left]
        leaves[left] = leaf
        left += U1
    return left


@export(u64(u64, u64))
def replay_unlocked(workspace, ignored):
    """`replay_reverse` with the GIL released; the tape is not compacted while it runs."""
    machine().replays += U1
    state = py.save_thread()
    status = replay_reverse(workspace)
    py.restore_thread(state)
    machine().replays -= U1
    return status


@export(u64(u64, u64, u64))
def replay_forward(first, last, ignored):
    """Run the forward kernels of instructions [first, last) again, on the memory their rows name; 0 or 1 + the failed.

    Views need nothing: their rows share the storage that the earlier instructions just wrote.
    """
    rows = buffers()
    inline = stack_words(2)
    pointers = stack_words(12)
    temporaries = stack_words(24)
    t = first
    while t < last:
        row = instructions()[t]
        plan_row = plans()[row.plan & _PLAN_MASK]
        operands, count, needs, versions = operands_of(row, plan_row, inline)
        steps = steps_at(plan_row.forward)
        made = U0
        for s in range(np.uint64(plan_row.n_forward)):
            step = steps[s]
            if step.temporary != N0:
                words(temporaries)[made] = allocate(machine().arena, step.temporary_bytes)
                made += U1
            for i in range(np.uint64(step.n_pointers)):
                code = step.sources[i]
                base = rows[row.out].address
                if code >= _OPERAND:
                    base = rows[halves(operands)[code - _OPERAND]].address
                elif code >= _TEMPORARY:
                    base = words(temporaries)[code - _TEMPORARY]
                words(pointers)[i] = base + np.uint64(step.offsets[i])
            if run_kernel(step.store, step.nest, pointers, np.uint64(step.n_pointers)):
                return t + U1
        made = U0
        for s in range(np.uint64(plan_row.n_forward)):
            step = steps[s]
            if step.temporary != N0:
                release(machine().arena, words(temporaries)[made], step.temporary_bytes)
                made += U1
        t += U1
    return U0


@export(u64(u64, u64))
def backward_scalar(workspace, tensor):
    """The common backward: one scalar root, seed one, no hooks; status as `mark` and `replay_reverse` return it.

    The tape is pinned until it is finished, be it by Python: other threads must not move the instructions listed.

    `position` tells Python how far it came when the status is STOPPED; `settle`'s remainder is left in `bottom`.
    """
    w = workspace_at(workspace)
    roots = stack_words(1)
    machine().pins += U1
    root = tensor_at(tensor).buffer
    halves(roots)[U0] = root
    status = mark(workspace, roots, U1)
    if status != DONE:
        return status
    seed = allocate(w.arena, np.uint64(8))
    dtype = layouts()[buffers()[root].layout].dtype
    if dtype == np.uint32(7):
        words(seed)[U0] = np.uint64(0x3FF0000000000000)
    else:
        halves(seed)[U0] = np.uint32(0x3F800000)
    if machine().trace != U0:
        trace(_WORD, seed, words(seed)[U0])
    words(w.adjoints)[root] = seed
    status = replay_unlocked(workspace, U0)
    if status == DONE:
        w.bottom = settle(workspace)
        if w.bottom == U0:
            machine().pins -= U1
            finish(workspace, U0)
    return status


@export(u64(u64, u64, u64, u64))
def backward_method(self, arguments, count, keywords):
    """`Tensor.backward`: natively for one scalar root with nothing asked for, else (or where that stops) in Python."""
    m = machine()
    if not freshen_history(self):
        return U0
    workspace = m.workspace
    status = NOT_STARTED
    if count == U0 and keywords == U0 and workspace != U0:
        row = buffers()[tensor_at(self).buffer]
        if row.producer != N0 and layouts()[row.layout].numel == U1:
            m.workspace = U0
            status = backward_scalar(workspace, self)
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
    result = py.vectorcall(m.continue_backward, block, count + U3, keywords)
    py.decref(words(block)[U0])
    py.decref(words(block)[U1])
    release(m.arena, block, total * np.uint64(8))
    return result
