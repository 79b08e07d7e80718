"""Cycles through the tape, as Python's collector sees them.

What Python keeps for a row (hooks, a custom function's context) belongs to the tape: the tensor may die, and the hook
must run all the same. Such an object may in its turn hold tensors from which the tape leads back to it, a cycle of
which the collector sees no more than the Python half. So while it looks, the other half is there for it: every tensor
whose history leads to such an object has a *path*, which is the row's node, or a list of the paths of its operands
where there are several. A node visits the one reference that the tape has; when it is found unreachable, it gives
that up.

All of this is made when a collection starts and dropped when it stops, and counts exactly: a path is visited by the one
tensor of its row, a node by the paths that hold it. Rows of sweeps under way are reachable from outside.

What no tensor leads to any more holds objects as well: compiled functions, and with them models; contexts; NumPy's
arrays. A full collection has the tape reclaimed before it looks, so that it finds them unreachable too, and again when
it has freed something, for what its tensors led to.
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.companions import call_forsake, companion
from tapegrad.machine.native.compiled_node import call_give_up_owner, call_owner_of_node
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.marking import operands_of
from tapegrad.machine.native.tape import attached, call_reclaim, detach
from tapegrad.machine.native.trimming import call_trim

_PLAN_MASK = np.uint32(rec.PLAN_MASK)
_START_LENGTH = np.int64(len("start"))
# Below this many rows a tape is gone through in every collection, above it only in full ones: an instruction takes some
# nanoseconds, a young collection some ten microseconds.
_OFTEN = np.uint64(1 << 15)
_FULL = np.int64(2)
_NEVER = np.uint64(rec.NEVER)
REACHED = U1  # in place of a path: a live tensor leads to this row

_calloc = external("calloc", u64, u64, u64)
_free = external("free", i32, u64)


@native
def belonging(row):
    """The object that belongs to a row: the attached one, or that to which its node has a reference."""
    found = attached(row)
    return found if found != U0 else call_owner_of_node(np.uint64(row))


@native
def new_node(row):
    """The node of a row."""
    node = py.gc_new(machine().node_type)
    if node != U0:
        node_at(node).row = np.uint64(row)
        node_at(node).object = belonging(row)
        node_at(node).companion = companion(buffers()[row].tensor) if buffers()[row].tensor != U0 else U0
        py.gc_track(node)
    return node


@native
def lay(row, path):
    """Give a row its path, and show its tensor to the collector."""
    words(machine().paths)[row] = path
    tensor = buffers()[row].tensor
    if path != U0 and tensor != U0:
        py.track(tensor)


@native
def found_path(row):
    """The path of a row that instructions before made, or of one that none made."""
    path = words(machine().paths)[row]
    if path == REACHED:
        path = new_node(row) if belonging(row) != U0 else U0
        lay(row, path)
    return path


@native
def is_history(t):
    """Whether an instruction is part of what some live tensor came from."""
    out = instructions()[t].out
    return words(machine().paths)[out] == REACHED and np.uint64(buffers()[out].producer) == t + U1


@native
def find_reached():
    """Mark the rows that live tensors, or sweeps under way, lead to; False where paths cannot tell."""
    m = machine()
    paths = words(m.paths)
    at = m.workspaces
    while at != U0:
        w = workspace_at(at)
        if w.active != U0:
            for i in range(w.n_reached):
                paths[instructions()[halves(w.reached)[i]].out] = REACHED
            for i in range(w.n_leaves):
                paths[halves(w.leaves)[i]] = REACHED
        at = w.next
    inline = stack_words(2)
    t = m.n_instructions
    while t > U0:
        t -= U1
        row = instructions()[t]
        if buffers()[row.out].tensor != U0 and np.uint64(buffers()[row.out].producer) == t + U1:
            paths[row.out] = REACHED
        if is_history(t):
            operands, count, needs, versions = operands_of(row, plans()[row.plan & _PLAN_MASK], inline)
            for j in range(count):
                operand = halves(operands)[j]
                if np.uint64(buffers()[operand].producer) > t:  # it has a later history than the one that was read here
                    return False
                paths[operand] = REACHED
    return True


@native
def lay_paths():
    """Give every reached row its path: operands first."""
    m = machine()
    inline = stack_words(2)
    for t in range(m.n_instructions):
        if is_history(t):
            row = instructions()[t]
            operands, count, needs, versions = operands_of(row, plans()[row.plan & _PLAN_MASK], inline)
            path = new_node(row.out) if belonging(row.out) != U0 else U0
            several = False
            last = path
            for j in range(count):
                operand = halves(operands)[j]
                found = found_path(operand) if operand != N0 else U0
                if found == U0:
                    continue
                if found == last:
                    continue
                last = found
                if path == U0:
                    path = found
                    py.incref(path)
                    continue
                if not several:
                    several = True
                    both = py.list_new(np.int64(0))
                    py.list_append(both, path)
                    py.decref(path)
                    path = both
                py.list_append(path, found)
            lay(row.out, path)
    for i in range(m.n_attached):
        row = np.uint32(attachments_at(m.attachments)[i].row)
        if buffers()[row].tensor != U0 and buffers()[row].producer == N0 and words(m.paths)[row] == U0:
            lay(row, new_node(row))


@native
def lay_companions():
    """Give tensors with companions their paths, before others: as leaves they are what those lead to."""
    m = machine()
    for i in range(m.n_companion_slots):
        tensor = companions_at(m.companions)[i].tensor
        if tensor != U0:
            row = tensor_at(tensor).buffer
            if buffers()[row].producer == N0 and buffers()[row].tensor == tensor:
                lay(row, new_node(row))


@native
def hold_sweeps():
    """Hold the paths of what sweeps under way visit, out of the collector's sight."""
    m = machine()
    m.held = py.list_new(np.int64(0))
    py.gc_untrack(m.held)
    at = m.workspaces
    while at != U0:
        w = workspace_at(at)
        if w.active != U0:
            for i in range(w.n_reached):
                path = found_path(instructions()[halves(w.reached)[i]].out)
                if path != U0:
                    py.list_append(m.held, path)
            for i in range(w.n_leaves):
                path = found_path(halves(w.leaves)[i])
                if path != U0:
                    py.list_append(m.held, path)
        at = w.next


@native
def give_up_inner():
    """Leave the paths of rows without a tensor to the paths above them."""
    paths = words(machine().paths)
    for row in range(machine().n_paths):
        path = paths[row]
        if path > REACHED and buffers()[row].tensor == U0:
            paths[row] = U0
            py.decref(path)


@native
def drop_paths():
    """The end of a collection."""
    m = machine()
    paths = m.paths
    count = m.n_paths
    held = m.held
    m.paths = m.n_paths = m.held = U0
    for row in range(count):
        path = words(paths)[row]
        if path > REACHED:
            py.decref(path)
    _free(paths)
    if held != U0:
        py.decref(held)


@native
def reclaim_all():
    """Reclaim the tape, and once more where objects went: tensors may have died with them."""
    m = machine()
    objects = m.n_attached + m.n_nodes + U1
    while m.n_instructions != U0 and m.sweep_at != _NEVER and m.n_attached + m.n_nodes < objects:
        objects = m.n_attached + m.n_nodes
        call_reclaim()


@export(u64(u64, u64, u64))
def collecting(self, arguments, count):
    """One of `gc.callbacks`: collecting(phase, info)."""
    m = machine()
    generation = py.dict_get(words(arguments)[U1], m.generation)
    full = generation != U0 and py.long_as(generation) == _FULL
    if py.text_length(words(arguments)[U0]) != _START_LENGTH:
        if m.paths != U0:
            drop_paths()
        if full:
            collected = py.dict_get(words(arguments)[U1], m.collected)
            if collected == U0 or py.long_as(collected) != np.int64(0):
                reclaim_all()
            call_trim()
        py.incref(py.none())
        return py.none()
    if full:
        reclaim_all()
    some = (m.n_attached | m.n_nodes) != U0
    if (some or (full and m.n_companions != U0)) and m.paths == U0 and m.reclaiming == U0:
        if full or m.n_buffers + m.n_instructions < _OFTEN:
            m.paths = _calloc(m.n_buffers, np.uint64(8))
            if m.paths != U0:
                m.n_paths = m.n_buffers
                if find_reached():
                    lay_companions()
                    lay_paths()
                    hold_sweeps()
                    give_up_inner()
    py.incref(py.none())
    return py.none()


@export(i32(u64, u64, u64))
def node_traverse(node, visit, arg):
    """tp_traverse of a node."""
    obj = belonging(np.uint32(node_at(node).row))
    if obj != U0 and obj == node_at(node).object:
        status = call_visit(visit, obj, arg)
        if status:
            return status
    tensor = buffers()[node_at(node).row].tensor
    obj = node_at(node).companion
    if obj != U0 and tensor != U0 and companion(tensor) == obj:
        status = call_visit(visit, obj, arg)
        if status:
            return status
    return call_visit(visit, py.type_of(node), arg)


@export(i32(u64))
def node_clear(node):
    """tp_clear of a node: nothing that is left leads to its row."""
    row = np.uint32(node_at(node).row)
    tensor = buffers()[row].tensor
    if tensor != U0 and node_at(node).companion != U0 and companion(tensor) == node_at(node).companion:
        call_forsake(tensor)
    if attached(row) == U0:
        call_give_up_owner(np.uint64(row))
    elif attached(row) == node_at(node).object:
        py.decref(detach(row))
    return np.int32(0)


@export(i32(u64))
def node_dealloc(node):
    """tp_dealloc of a node."""
    kind = py.type_of(node)
    py.gc_untrack(node)
    py.gc_delete(node)
    py.decref(kind)
    return np.int32(0)
