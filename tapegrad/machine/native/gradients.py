"""Gradients of some inputs from end to end, recorded (`create_graph`) or not: `autograd.grad`, and what derivatives of
functions ask for again and again; and what else a value depends on, by which these see whether to record.

Where something is hooked, and where a step is Python's, `autograd.engine` takes over.
"""
from __future__ import annotations

import numpy as np

from tapegrad.dtypes import float32, float64
from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.arena import release, run_kernel
from tapegrad.machine.native.backward import copied_seed, unit_seed
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.marking import DUE, END, NEEDED, REACHED, operands_of, wants
from tapegrad.machine.native.objects import boolean, flags_of, new_object, out_of_memory
from tapegrad.machine.native.operands import freshen_history, is_tensor
from tapegrad.machine.native.python_entry import integer
from tapegrad.machine.native.recorded_sweep import ERROR, call_replay_tensors, gather
from tapegrad.machine.native.tape import make_row
from tapegrad.machine.native.thread_modes import recording

_PLAN_MASK, _REQUIRES_GRAD = np.uint32(rec.PLAN_MASK), np.uint32(rec.REQUIRES_GRAD)
_ATTENDED = np.uint32(rec.HOOKED | rec.RETAINS | rec.ATTACHED)
DONE, NOT_STARTED, NO_MEMORY = (np.uint64(i) for i in (rec.DONE, rec.NOT_STARTED, rec.NO_MEMORY))
U8, _ITEMS = np.uint64(8), np.uint64(24)
_GIVEN = np.uint64(6)  # arguments of `gradients` before the roots
_OUTSIDE = np.uint64(4)  # where `slope` has the first that `gradients` has not
_SEEN = np.uint32(rec.INFERENCE | rec.VIEWED | rec.HOOKED | rec.RETAINS | rec.ATTACHED)
_F32, _F64 = np.uint32(float32.id), np.uint32(float64.id)
call_mark: Callee = by_name("tapegrad_mark", u64, u64, u64, u64, u64)
call_stop_below: Callee = by_name("tapegrad_stop_below", i32, u64, u64, u64)
call_narrow: Callee = by_name("tapegrad_narrow", i32, u64, u64, u64)
call_check: Callee = by_name("tapegrad_check", u64, u64)
call_replay_unlocked: Callee = by_name("tapegrad_replay_unlocked", u64, u64, u64)
call_finish: Callee = by_name("tapegrad_finish", i32, u64, u64)
call_take_gradient: Callee = by_name("tapegrad_take_gradient", u64, u64, u32)


@inlined
def nothing():
    py.incref(py.none())
    return py.none()


@native
def floor_of(arguments, position):
    """From two arguments (`autograd.marking.now`): what is above so many instructions came later, if nothing moved."""
    return integer(arguments, position + U1) if integer(arguments, position) == machine().sweeps else U0


@native
def idle_workspace():
    """A workspace that nobody has begun with, or 0."""
    at = machine().workspaces
    while at != U0 and (workspace_at(at).active != U0 or workspace_at(at).n_leaves != U0):
        at = workspace_at(at).next
    return at


@native
def depends_on_others(w, root, floor):
    """Whether a row depends on leaves that are not marked, or on what is not younger than the instruction `floor`."""
    rows = buffers()
    marks = octets(w.marks)
    seen = halves(w.reached)
    inline = stack_words(2)
    found = False
    n = U0
    if rows[root].flags & _REQUIRES_GRAD and marks[root] == np.uint8(0):
        marks[root] = REACHED
        seen[U0] = root
        n = U1
    i = U0
    while i < n and not found:
        row = rows[seen[i]]
        if row.producer == N0:
            found = row.tensor != U0 or row.flags & _ATTENDED != N0
        elif row.producer <= floor:
            found = True
        else:
            made = instructions()[np.uint64(row.producer - N1)]
            operands, count, needs, versions = operands_of(made, plans()[made.plan & _PLAN_MASK], inline)
            for j in range(count):
                operand = halves(operands)[j]
                if wants(needs, versions, count, j) and marks[operand] == np.uint8(0):
                    marks[operand] = REACHED
                    seen[n] = operand
                    n += U1
        i += U1
    for j in range(n):
        marks[seen[j]] = np.uint8(0)
    return found


@export(u64(u64, u64, u64))
def reaches_beyond(self, arguments, count):
    """reaches_beyond(compactions, instructions, tensor, *inputs) -> whether it depends on more than these leaves.

    They were made when the tape had been compacted so often, and was so long: whatever is older and requires grad
    depends on others. A leaf whose tensor is gone nobody differentiates by. None if no workspace is idle.
    """
    given = words(arguments)
    if not freshen_history(given[U2]):
        return U0
    at = idle_workspace()
    if at == U0:
        return nothing()
    w = workspace_at(at)
    marks = octets(w.marks)
    for j in range(U3, count):
        marks[tensor_at(given[j]).buffer] = END
    found = depends_on_others(w, tensor_at(given[U2]).buffer, np.uint32(floor_of(arguments, U0)))
    for j in range(U3, count):
        marks[tensor_at(given[j]).buffer] = np.uint8(0)
    return boolean(found)


@native
def is_plain(obj):
    """Whether gradients go to a tensor that nothing is hung on."""
    return flags_of(obj) & (_REQUIRES_GRAD | _ATTENDED) == _REQUIRES_GRAD


@native
def is_seed(gradient, root, alone, recorded):
    """Whether a sweep can begin at a root with a gradient as it is, or (None) with the number one.

    A block is copied, or added to one, by the kernel that adds to a `.grad`, of which there is one when it was needed.
    """
    layout = layouts()[tensor_at(root).layout]
    known = recorded or layouts()[layout.adjoint].accumulate != U0
    if gradient == py.none():
        return layout.numel == U1 and (alone or known)
    if not is_tensor(gradient):
        return False
    given = tensor_at(gradient).layout
    return known and (given == layout.adjoint or (recorded and given == tensor_at(root).layout))


@native
def one_like(root):
    """The number one as the gradient of a root; 0 with a Python error set."""
    m = machine()
    layout = layouts()[tensor_at(root).layout]
    row = make_row(layout.adjoint, N0, unit_seed(m.arena, layout.dtype))
    return out_of_memory(U0) if row == N0 else new_object(m.tensor_type, row)


@native
def begin_with_tensors(workspace, roots, gradients, n, add):
    """Let gradients be those of the roots; False with a Python error set."""
    w = workspace_at(workspace)
    w.tensors = U1
    for i in range(n):
        root, seed = words(roots)[i], words(gradients)[i]
        if seed == py.none():
            seed = one_like(root)
            if seed == U0:
                return False
        else:
            py.incref(seed)
        fine = gather(w, np.uint64(tensor_at(root).buffer), seed, add)
        py.decref(seed)
        if not fine:
            return False
    return True


@native
def begin_with_blocks(workspace, roots, gradients, n):
    """The same with copies of them; False where there is no memory for one."""
    w = workspace_at(workspace)
    adjoints = words(w.adjoints)
    for i in range(n):
        root, given = words(roots)[i], words(gradients)[i]
        row = np.uint64(tensor_at(root).buffer)
        layout = layouts()[tensor_at(root).layout]
        seed = unit_seed(w.arena, layout.dtype) if given == py.none() else copied_seed(w.arena, layout.adjoint, given)
        if seed == U0:
            w.bottom = layouts()[layout.adjoint].nbytes
            return False
        if adjoints[row] == U0:
            adjoints[row] = seed
        else:
            step = steps_at(layouts()[layout.adjoint].accumulate)[U0]
            pointers = stack_words(3)
            words(pointers)[U0] = adjoints[row]
            words(pointers)[U1] = seed
            run_kernel(step.add, step.nest, pointers, U2, U1)
            release(w.arena, seed, layouts()[layout.adjoint].nbytes)
    return True


@native
def are_apart(workspace, rows, n):
    """Whether no row that is reached is among these twice."""
    marks = octets(workspace_at(workspace).marks)
    apart = True
    for i in range(n):
        mark = marks[halves(rows)[i]]
        if mark & NEEDED:
            apart = apart and mark & DUE == np.uint8(0)
            marks[halves(rows)[i]] = mark | DUE
    for i in range(n):
        marks[halves(rows)[i]] &= ~DUE
    return apart


@native
def gradients_in(workspace, inputs, count, recorded):
    """A tuple of what was gathered for the inputs, None where that is nothing; 0 with a Python error set."""
    adjoints = words(workspace_at(workspace).adjoints)
    result = py.tuple_new(np.int64(count))
    if result == U0:
        return U0
    for i in range(count):
        row = tensor_at(words(inputs)[i]).buffer
        found = adjoints[row]
        if found == U0:
            found = nothing()
        elif recorded:
            py.incref(found)
        else:
            found = call_take_gradient(workspace, row)
            if found == U0:
                py.decref(result)
                return out_of_memory(U0)
        words(result + _ITEMS)[i] = found
    return result


@native
def mark_between(workspace, roots, n, inputs, n_inputs, floor, recorded):
    """Mark what leads from the roots to the inputs; False where Python is to look into it."""
    w = workspace_at(workspace)
    rows = w.asked
    ends = rows + np.uint64(4) * n
    for i in range(n):
        halves(rows)[i] = tensor_at(words(roots)[i]).buffer
    for i in range(n_inputs):
        halves(ends)[i] = tensor_at(words(inputs)[i]).buffer
    call_stop_below(workspace, ends, n_inputs)
    w.floor = max(w.floor, floor)
    call_mark(workspace, rows, n, U0)
    call_narrow(workspace, ends, n_inputs)
    fine = w.watched == U0 and call_check(workspace) == DONE
    if not recorded:  # a block is one tensor's
        fine = fine and are_apart(workspace, ends, n_inputs)
    return fine


@export(u64(u64, u64, u64))
def gradients(self, arguments, count):
    """gradients(workspace, rule or None, `add`, compactions, instructions, n, *n roots, *their gradients, *inputs) -> …

    a tuple of gradients, or None if Python is to begin anew, or the status with which the sweep stopped on its way. The
    caller finishes the workspace. With a rule the sweep is recorded. Nothing that is older than a tape of so many
    instructions leads to an input, where it was not compacted since.
    """
    given = words(arguments)
    workspace = integer(arguments, U0)
    recorded = given[U1] != py.none()
    n = integer(arguments, _GIVEN - U1)
    roots = arguments + U8 * _GIVEN
    cotangents = roots + U8 * n
    inputs = cotangents + U8 * n
    n_inputs = count - _GIVEN - U2 * n
    fits = recording() or not recorded
    for i in range(count - _GIVEN):
        x = words(roots)[i]
        if is_tensor(x):
            if not freshen_history(x):
                return U0
        else:
            fits = fits and x == py.none() and n <= i and i < U2 * n
    for i in range(n if fits else U0):
        fits = fits and is_plain(words(roots)[i]) and is_seed(words(cotangents)[i], words(roots)[i], n == U1, recorded)
    for i in range(n_inputs if fits else U0):
        fits = fits and is_plain(words(inputs)[i])
    if fits:
        fits = mark_between(workspace, roots, n, inputs, n_inputs, floor_of(arguments, U3), recorded)
    if not fits:
        return nothing()
    status = ERROR
    if recorded:
        add = np.uint32(integer(arguments, U2))
        if begin_with_tensors(workspace, roots, cotangents, n, add):
            status = call_replay_tensors(workspace, given[U1], integer(arguments, U2))
    elif begin_with_blocks(workspace, roots, cotangents, n):
        status = call_replay_unlocked(workspace, U0)
    else:
        return out_of_memory(workspace_at(workspace).bottom)
    if status == ERROR:
        return U0
    return gradients_in(workspace, inputs, n_inputs, recorded) if status == DONE else py.long_from(np.int64(status))


@export(u64(u64, u64))
def leaf_on(self, obj):
    """leaf_on(tensor without history or anything hung on it) -> whether it requires grad now; else that is Python's."""
    row = buffers()[tensor_at(obj).buffer]
    kind = layouts()[row.layout].dtype
    fits = machine().teaching == U0 and row.flags & _SEEN == N0 and (kind == _F32 or kind == _F64)
    if fits:
        row.flags |= _REQUIRES_GRAD
    return boolean(fits)


@export(u64(u64, u64, u64))
def slope(self, arguments, count):
    """slope(rule, `add`, compactions, instructions, outside, value, input) -> (gradient or None, others) or None.

    One number is derived by what it was computed from, which is a leaf, or a view of what others differentiate by. The
    gradient is recorded if the value depends on more than the input, and somebody `outside` records. `others` has bit 0
    where that is so, and bit 1 where the gradient depends on more. None where Python is to begin anew.
    """
    m = machine()
    given = words(arguments)
    workspace, outside = m.workspace, given[_OUTSIDE] == py.true()
    value, x = given[_OUTSIDE + U1], given[_OUTSIDE + U2]
    if workspace == U0 or not recording() or not is_tensor(value) or not is_tensor(x):
        return nothing()
    if not freshen_history(value) or not freshen_history(x):
        return U0
    fits = is_plain(value) and is_plain(x) and layouts()[tensor_at(value).layout].numel == U1
    w = workspace_at(workspace)
    if not fits or w.active != U0 or w.n_leaves != U0:
        return nothing()
    floor = floor_of(arguments, U2)
    recorded = outside and depends_on_more(w, value, x, floor)
    m.workspace = U0
    roots, inputs = arguments + U8 * (_OUTSIDE + U1), arguments + U8 * (_OUTSIDE + U2)
    none = stack_words(1)
    words(none)[U0] = py.none()
    found, others = U0, U1 if recorded else U0
    fine = mark_between(workspace, roots, U1, inputs, U1, floor, recorded)
    failed = False
    if fine and recorded:
        failed = not begin_with_tensors(workspace, roots, none, U1, np.uint32(integer(arguments, U1)))
        if not failed:
            status = call_replay_tensors(workspace, given[U0], integer(arguments, U1))
            failed, fine = status == ERROR, status == DONE
    elif fine:
        fine = begin_with_blocks(workspace, roots, none, U1) and call_replay_unlocked(workspace, U0) == DONE
    if fine and not failed:
        found = gradients_in(workspace, inputs, U1, recorded)
        failed = found == U0
    call_finish(workspace, U0 if fine and not recorded else U1)
    m.workspace = workspace
    if failed:
        return U0
    if not fine:
        return nothing()
    gradient = words(found + _ITEMS)[U0]
    if recorded and gradient != py.none() and flags_of(gradient) & _REQUIRES_GRAD and \
            depends_on_more(w, gradient, x, floor_of(arguments, U2)):  # the tape may have been compacted meanwhile
        others |= U2
    result = py.tuple_new(np.int64(2))
    if result != U0:
        py.incref(gradient)
        words(result + _ITEMS)[U0] = gradient
        words(result + _ITEMS)[U1] = py.long_from(np.int64(others))
    py.decref(found)
    return result


@native
def depends_on_more(w, y, x, floor):
    """Whether a value that requires grad depends on more than a leaf; always, if that is a view of others' inputs."""
    row = tensor_at(x).buffer
    if buffers()[row].producer != N0:
        return True
    octets(w.marks)[row] = END
    found = depends_on_others(w, tensor_at(y).buffer, np.uint32(floor))
    octets(w.marks)[row] = np.uint8(0)
    return found
