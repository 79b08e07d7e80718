"""The nodes of compiled calls: how a call is recorded, and when what it kept is let go.

A node is an instruction of a callback's plan whose word leads to the CALL record. As long as nobody asks for more than
one sweep through all of it, no Python takes part. Who does ask (hooks, second derivatives, a part of the gradients)
meets the node as an object of Python's (`meet_node`), which is attached to its row and goes by the same record.
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.arena import allocate, release
from tapegrad.machine.native.compiled_program import ITEMS
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.objects import new_object, out_of_memory
from tapegrad.machine.native.operands import current_row
from tapegrad.machine.native.tape import (
    attach,
    attached,
    drop_storage,
    free_row,
    make_room,
    new_row,
    record_pooled,
    version_of,
)

nodes_at: Callee = records(rec.NODES)
segments_at: Callee = records(rec.SEGMENT)
calls_at: Callee = records(rec.CALL)
_PLAN_MASK, _RELEASED = np.uint32(rec.PLAN_MASK), np.uint32(rec.RELEASED)
_CALLBACK = np.uint16(rec.CALLBACK)
_GONE, _ONCE = np.uint32(rec.IS_GONE), np.uint32(rec.IS_ONCE)
_REACHED, _ARGUMENT = np.uint64(rec.FROM_REACHED), np.uint64(rec.FROM_ARGUMENT)
_AT, _BITS, _NUMBER = np.uint64((1 << rec.AT_BITS) - 1), np.uint64(rec.AT_BITS), np.uint64(rec.NUMBER_MASK)
_LET_GO, _OWNED = np.uint64(rec.LET_GO), np.uint64(rec.OWNED)
_HEAD = np.uint64(rec.CALL.itemsize)
_SEGMENT = np.uint64(rec.SEGMENT.itemsize)
_LOW = np.uint64(0xFFFFFFFF)
_FOUR, _HALF = np.uint64(4), np.uint64(32)
_bytes_from = external("PyBytes_FromStringAndSize", u64, u64, i64)
_tuple_new = external("PyTuple_New", u64, i64)


@inlined
def word_of(t):
    row = instructions()[t]
    return np.uint64(row.va) | (np.uint64(row.vb) << _HALF)


@inlined
def set_word(t, word):
    row = instructions()[t]
    row.va = np.uint32(word & _LOW)
    row.vb = np.uint32(word >> _HALF)


@inlined
def call_at(word):
    return word & _AT


@inlined
def segment_of(word):
    """The address of a node's SEGMENT."""
    n = nodes_at(calls_at(word & _AT)[U0].nodes)[U0]
    return n.segments + ((word >> _BITS) & _NUMBER) * _SEGMENT


@inlined
def kept_by(word):
    """The rows of what a node's call keeps."""
    return halves(call_at(word) + _HEAD + np.uint64(calls_at(call_at(word))[U0].n_values) * _FOUR)


@inlined
def n_values(n):
    return n.n_inputs + n.n_roots + n.n_hidden


@inlined
def n_kept(n):
    return n.n_arguments + n.n_held + n.n_results + (U1 if n.saved != U0 else U0)


@native
def node_at_row(row):
    """1 + the instruction that made a row, if that is a node of a compiled call, else 0."""
    producer = np.uint64(buffers()[row].producer)
    if producer == U0:
        return U0
    made = instructions()[producer - U1]
    if plans()[made.plan & _PLAN_MASK].flags & _CALLBACK and word_of(producer - U1) != U0:
        return producer
    return U0


# ---------------------------------------------------------------- recording


@native
def alias(index):
    """A row of its own on the memory of another, which it keeps."""
    row = buffers()[index]
    made = new_row(row.layout, row.owner, row.address)
    buffers()[row.owner].refs += N1
    return made


@native
def drop_alias(index):
    owner = buffers()[index].owner
    drop_storage(owner)
    if owner != index:
        free_row(index)


@native
def has_space(count):
    """Whether there are so many rows."""
    m = machine()
    found = m.max_buffers - m.n_buffers
    row = m.free_buffer
    while row != U0 and found < count:
        found += U1
        row = np.uint64(buffers()[row].owner)
    return found >= count


@native
def has_space_for(n):
    """Whether rows, instructions and pool have room for a call."""
    m = machine()
    return (make_room() and has_space(n_values(n) + n_kept(n) + n.n_segments)
            and m.n_instructions + n.n_instructions < m.max_instructions and m.n_pool + n.n_pool < m.max_pool)


call_reclaim: Callee = by_name("tapegrad_reclaim", types.uint64)


@native
def keep_all(n, rows, arguments, fresh, saved):
    """Write the rows of what a call keeps, and after them their versions; returns how many bytes that is."""
    kept = halves(rows)
    k = U0
    nbytes = U0
    for i in range(n.n_arguments):
        kept[k] = alias(tensor_at(words(arguments)[i]).buffer)
        nbytes += layouts()[buffers()[kept[k]].layout].nbytes
        k += U1
    for i in range(n.n_held):
        kept[k] = alias(tensor_at(words(n.held)[i]).buffer)
        k += U1
    for i in range(n.n_results):
        kept[k] = alias(tensor_at(words(fresh)[halves(n.results)[i]]).buffer)
        nbytes += layouts()[buffers()[kept[k]].layout].nbytes
        k += U1
    if n.saved != U0:
        kept[k] = saved
        nbytes += layouts()[buffers()[saved].layout].nbytes
        k += U1
    for i in range(k):
        kept[k + i] = version_of(kept[i])
    for i in range(n.n_reached):
        kept[U2 * k + i] = buffers()[halves(n.reached)[i]].version
    return nbytes


@native
def record_nodes(nodes, arguments, results, fresh, saved, extra):
    """Give results of a call their history: a node for each segment. False with a Python error set.

    `arguments`, `results` and `fresh` are addresses of tensors; `saved` is a row without a tensor, which becomes the
    call's; `extra` an object of Python's that belongs to it, or 0.
    """
    m = machine()
    n = nodes_at(nodes)[U0]
    size = _HEAD + (n_values(n) + U2 * n_kept(n) + n.n_reached + n.widest) * _FOUR
    call = allocate(m.arena, size)
    ready = call != U0
    values = halves(call + _HEAD)
    if ready:
        for i in range(n.n_inputs):
            kind = words(n.inputs)[U2 * i]
            which = words(n.inputs)[U2 * i + U1]
            obj = which if kind == _REACHED else words(arguments if kind == _ARGUMENT else results)[which]
            values[i] = current_row(obj)  # which may run Python: nothing is begun yet
            if values[i] == N0:
                release(m.arena, call, size)
                return False
        ready = has_space_for(n)
        if not ready:
            call_reclaim()
            ready = has_space_for(n)
    if not ready:
        out_of_memory(size if call == U0 else U0)
        if call != U0:
            release(m.arena, call, size)
        return False
    k = n.n_inputs
    for i in range(n.n_roots):
        values[k] = tensor_at(words(results)[halves(n.roots)[i]]).buffer
        k += U1
    for i in range(n.n_hidden):
        values[k] = new_row(halves(n.hidden)[i], N0, U0)
        k += U1
    c = calls_at(call)[U0]
    c.nodes = nodes
    c.owner = n.owner
    c.extra = extra
    if extra != U0:
        py.incref(extra)
    c.left = np.uint32(n.n_segments)
    c.holding = np.uint32(n.living)
    c.n_values, c.n_kept = np.uint32(n_values(n)), np.uint32(n_kept(n))
    c.size = size
    c.nbytes = keep_all(n, call + _HEAD + k * _FOUR, arguments, fresh, saved)
    m.kept_bytes += c.nbytes
    operands = call + size - n.widest * _FOUR
    for s in range(n.n_segments):
        segment = segments_at(n.segments)[s]
        for i in range(segment.n_inputs):
            halves(operands)[i] = values[halves(segment.inputs)[i]]
        needs = (N1 << np.uint32(segment.n_inputs & np.uint64(31))) - N1
        if segment.n_inputs > np.uint64(31):
            needs = ~N0
        out = values[halves(segment.outputs)[U0]]
        if segment.node != N0:
            out = new_row(segment.node, N0, U0)
        t = m.n_instructions
        record_pooled(segment.plan, out, operands, segment.n_inputs, needs)
        word = call | (s << _BITS) | _OWNED
        if segment.flags & _GONE:
            word |= _LET_GO
            instructions()[t].plan |= _RELEASED
        set_word(t, word)
        py.incref(n.owner)
        m.n_nodes += U1
        if segment.node != N0:
            halves(operands)[U0] = out
            for i in range(np.uint64(segment.n_outputs)):
                record_pooled(halves(segment.output_plans)[i], values[halves(segment.outputs)[i]], operands, U1, N1)
    return True


@export(u64(u64, u64, u64))
def record_call(self, arguments, count):
    """record_call(nodes, arguments, results, fresh, extra): give results of a call that ran their history.

    Tuples of tensors; the last of the fresh ones is what was saved, if anything was.
    """
    given = words(arguments)
    nodes = np.uint64(py.long_as(given[U0]))
    n = nodes_at(nodes)[U0]
    fresh = given[U3]
    saved = N0
    if n.saved != U0:
        if not has_space(U1):
            call_reclaim()
        if not has_space(U1):
            return out_of_memory(U0)
        saved = alias(tensor_at(words(fresh + ITEMS)[words(fresh)[U2] - U1]).buffer)
    if not record_nodes(nodes, given[U1] + ITEMS, given[U2] + ITEMS, fresh + ITEMS, saved, given[_FOUR]):
        if saved != N0:
            drop_alias(saved)
        return U0
    py.incref(py.none())
    return py.none()


# ---------------------------------------------------------------- letting go


@inlined
def bury_object(obj):
    """Let an object go once the tables are whole; at once where others hold it, for then no Python runs."""
    if halves(obj)[U0] > N1:  # its count of references
        py.decref(obj)
        return
    m = machine()
    py.list_append(m.graveyard, obj)
    py.decref(obj)
    m.let_go = U1


@native
def let_go_of(t):
    """A node reads what its call keeps no more; the last one's going frees that."""
    word = word_of(t)
    c = calls_at(call_at(word))[U0]
    set_word(t, word | _LET_GO)
    c.holding -= N1
    if c.holding == N0:
        kept = kept_by(word)
        for i in range(c.n_kept):
            drop_alias(kept[i])
        machine().kept_bytes -= c.nbytes


@export(i32(u64))
def release_node(t):
    """What `release_kept` does for a node that only native code knows: a whole sweep went through it."""
    row = instructions()[t]
    word = word_of(t)
    if word & _LET_GO or not word & _OWNED:
        return np.int32(0)
    if segments_at(segment_of(word))[U0].flags & _ONCE:
        row.plan |= _RELEASED
        let_go_of(t)
    return np.int32(0)


@export(i32(u64))
def drop_node(t):
    """The instruction goes."""
    m = machine()
    word = word_of(t)
    if word == U0:
        return np.int32(0)
    if not word & _LET_GO:
        let_go_of(t)
    c = calls_at(call_at(word))[U0]
    if word & _OWNED:
        m.n_nodes -= U1
        bury_object(c.owner)
    c.left -= N1
    if c.left == N0:
        if c.extra != U0:
            bury_object(c.extra)
        release(m.arena, call_at(word), c.size)
    set_word(t, U0)
    return np.int32(0)


@export(u64(u64, u64))
def let_go_node(self, row):
    """let_go_node(row): a node that Python knows is used up."""
    t = node_at_row(np.uint32(py.long_as(row)))
    if t != U0 and not word_of(t - U1) & _LET_GO:
        let_go_of(t - U1)
    py.incref(py.none())
    return py.none()


# ---------------------------------------------------------------- as Python sees it


@export(u64(u64))
def owner_of_node(row):
    """The object to which a row's node has a reference, or 0."""
    t = node_at_row(np.uint32(row))
    if t == U0 or not word_of(t - U1) & _OWNED:
        return U0
    return calls_at(call_at(word_of(t - U1)))[U0].owner


@export(i32(u64))
def give_up_owner(row):
    """Drop that reference."""
    t = node_at_row(np.uint32(row))
    if t != U0 and word_of(t - U1) & _OWNED:
        owner = calls_at(call_at(word_of(t - U1)))[U0].owner
        set_word(t - U1, word_of(t - U1) & ~_OWNED)
        machine().n_nodes -= U1
        py.decref(owner)
    return np.int32(0)


call_give_up_owner: Callee = by_name("tapegrad_give_up_owner", i32, u64)
call_owner_of_node: Callee = by_name("tapegrad_owner_of_node", u64, u64)


@export(u64(u64, u64))
def attached_to(self, row):
    """attached_to(row) -> the object that belongs to it, or None; of a node of a compiled call that is made now."""
    index = np.uint32(py.long_as(row))
    found = attached(index)
    if found == U0:
        owner = call_owner_of_node(np.uint64(index))
        if owner != U0:
            number = (word_of(np.uint64(buffers()[index].producer) - U1) >> _BITS) & _NUMBER
            arguments = stack_words(3)
            words(arguments)[U0] = owner
            words(arguments)[U1] = row
            words(arguments)[U2] = py.long_from(np.int64(number))
            py.incref(owner)
            found = py.vectorcall(machine().meet_node, arguments, U3, U0)
            py.decref(owner)
            py.decref(words(arguments)[U2])
            return found
        found = py.none()
    py.incref(found)
    return found


@export(u64(u64, u64, u64))
def attach_node(self, arguments, count):
    """attach_node(row, object): let an object of Python's stand for a node from now on, in the owner's place."""
    index = np.uint32(py.long_as(words(arguments)[U0]))
    if attached(index) == U0:
        if not attach(index, words(arguments)[U1]):
            return py.no_memory()
        call_give_up_owner(np.uint64(index))
    found = attached(index)
    py.incref(found)
    return found


@export(u64(u64, u64))
def node_content(self, row):
    """node_content(row) -> what a node's call has: (numbers as bytes, what is kept as new tensors, extra).

    The numbers are those behind the CALL record; instead of what is kept and was let go there is None.
    """
    t = node_at_row(np.uint32(py.long_as(row)))
    if t == U0:
        py.incref(py.none())
        return py.none()
    word = word_of(t - U1)
    c = calls_at(call_at(word))[U0]
    count, n_kept = np.uint64(c.n_values), np.uint64(c.n_kept)
    result = _tuple_new(np.int64(3))
    kept = py.none()
    if word & _LET_GO:
        py.incref(kept)
    else:
        kept = _tuple_new(np.int64(n_kept))
        rows = kept_by(word)
        for i in range(n_kept):
            made = new_object(machine().tensor_type, alias(rows[i]))
            buffers()[buffers()[rows[i]].owner].refs -= N1  # the tensor counts itself
            words(kept + ITEMS)[i] = made
    extra = c.extra if c.extra != U0 else py.none()
    py.incref(extra)
    words(result + ITEMS)[U0] = _bytes_from(call_at(word) + _HEAD, np.int64(
        (count + U2 * n_kept + nodes_at(c.nodes)[U0].n_reached) * _FOUR))
    words(result + ITEMS)[U1] = kept
    words(result + ITEMS)[U2] = extra
    return result
