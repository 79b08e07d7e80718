"""A call of a compiled function on plain tensors: what must hold, its results' memory, the program; no Python."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.arena import thread_self
from tapegrad.machine.native.compiled_program import (
    ITEMS,
    PASSED,
    UNMET,
    compiled_at,
    copy_bytes,
    point_targets,
    run_compiled,
)
from tapegrad.machine.native.compiled_results import leave
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.objects import flags_of, new_tensor
from tapegrad.machine.native.operands import recording

_replays = records(rec.REPLAY)
_tuple_new = external("PyTuple_New", u64, u64)
_WATCHED = np.uint32(rec.REQUIRES_GRAD | rec.HOOKED | rec.RETAINS)
_NOT_PLAIN = np.uint32(rec.REQUIRES_GRAD | rec.HOOKED | rec.RETAINS | rec.IS_VIEW | rec.EXTERNAL)
_VIEW, _OUTSIDE, _LOOSE = np.uint32(rec.IS_VIEW), np.uint32(rec.EXTERNAL | rec.BORROWED), np.uint32(rec.LOOSE)
_AS_TAKEN, _ONE_TAKEN = np.uint64(rec.AS_TAKEN), np.uint64(rec.ONE_TAKEN)
_BYTES = np.uint64(32)  # where the content of a `bytes` object begins


@native
def is_plain(obj, layout):
    """Whether an argument is a tensor of this layout with storage of its own, no history, gradient or attributes."""
    if py.type_of(obj) != machine().tensor_type:
        return False
    t = tensor_at(obj)
    row = buffers()[t.buffer]
    bare = t.dict == U0 or words(t.dict)[U2] == U0  # the number of a dict's keys
    return bare and t.layout == layout and row.owner == t.buffer and not row.flags & _NOT_PLAIN and t.grad == U0


@native
def is_plain_view(obj, layout):
    """Whether an argument is a view of this layout, of memory that is no one else's, and nothing more."""
    if py.type_of(obj) != machine().tensor_type:
        return False
    t = tensor_at(obj)
    row = buffers()[t.buffer]
    bare = t.dict == U0 or words(t.dict)[U2] == U0
    if not bare or t.layout != layout or t.grad != U0 or not row.flags & _VIEW or row.owner == t.buffer:
        return False
    if t.base != U0 and flags_of(t.base) & _WATCHED:
        return False
    return not row.flags & _WATCHED and not (row.flags | buffers()[row.owner].flags) & _OUTSIDE


@native
def is_wanted(obj, layout):
    """Whether an argument lies as it did."""
    if layout & _LOOSE:
        return is_plain_view(obj, layout & ~_LOOSE)
    return is_plain(obj, layout)


@native
def fits(replay, given):
    """Whether a call may be replayed, as far as its names and arguments tell."""
    names = words(replay.names)
    for i in range(replay.n_names):
        if py.dict_get(names[i * U3], names[i * U3 + U1]) != names[i * U3 + U2]:
            return False
    for i in range(replay.n_arguments):
        obj = words(given + ITEMS)[i]
        if not is_wanted(obj, halves(replay.layouts)[i]):
            return False
        owner = buffers()[tensor_at(obj).buffer].owner
        for j in range(replay.n_known):
            if halves(replay.known)[j] == owner:
                return False
        for j in range(i):
            if buffers()[tensor_at(words(given + ITEMS)[j]).buffer].owner == owner:
                return False
    return True


@inlined
def place(cells, count, objects):
    """Write the addresses of tensors into the cells that want them."""
    table = words(cells)
    for i in range(count):
        start = buffers()[tensor_at(words(objects)[table[i * U3 + U1]]).buffer].address
        words(table[i * U3])[U0] = start + table[i * U3 + U2]


@inlined
def drop(objects, count):
    for i in range(count):
        py.decref(words(objects)[i])


@inlined
def fill_in(p, replay, numbers):
    """Put numbers that vary, and drawn ones, where the program wants them."""
    for i in range(replay.n_numbers):
        to = words(words(p.drawn)[i])[U0]
        word = words(numbers)[words(replay.numbers)[i * U2]]
        count = words(replay.numbers)[i * U2 + U1]
        if count == U0:
            words(to)[U0] = word
        else:
            copy_bytes(to, word, count)


@export(u64(u64, u64, u64))
def replay(self, arguments, count):
    """replay(record, arguments, words) -> what is given, None if unmet, False if broken off, see `results_of`.

    `words` are the numbers that vary, and where drawn ones are, as bytes.
    """
    r = _replays(np.uint64(py.long_as(words(arguments)[U0])))[U0]
    given = words(arguments)[U1]
    m = machine()
    p = compiled_at(r.program)[U0]
    wanted = recording() == (r.recording != U0) and m.default_dtype == r.default_dtype and m.as_written == U0
    if m.trace != U0 and thread_self() == m.trace_thread:
        wanted = False
    if not wanted or words(given)[U2] != r.n_arguments or not fits(r, given):
        py.incref(py.none())
        return py.none()
    fresh = stack_words(256)  # MAX_FRESH
    for i in range(r.n_fresh):
        made = new_tensor(halves(r.fresh)[i])
        if made == U0:
            drop(fresh, i)
            return U0
        words(fresh)[i] = made
    place(p.argument_cells, p.n_argument_cells, given + ITEMS)
    place(p.fresh_cells, p.n_fresh_cells, fresh)
    point_targets(p)
    fill_in(p, r, words(arguments)[U2] + _BYTES)
    status = run_compiled(r.program)
    if status != PASSED:
        drop(fresh, r.n_fresh)
        result = py.none() if status == UNMET else py.false()
        py.incref(result)
        return result
    if r.form == _ONE_TAKEN:
        return words(fresh)[U0]
    if r.form != _AS_TAKEN:
        return leave(r, given, fresh)
    result = _tuple_new(r.n_fresh)
    if result == U0:
        drop(fresh, r.n_fresh)
        return U0
    for i in range(r.n_fresh):
        words(result + ITEMS)[i] = words(fresh)[i]
    return result
