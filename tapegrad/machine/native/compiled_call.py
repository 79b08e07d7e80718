"""A call of a compiled function, all of it native: what must hold, its results' memory, the program; no Python."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.arena import allocate, release, thread_self
from tapegrad.machine.native.compiled_arguments import are_found_still, fits, gather, owner_of
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
from tapegrad.machine.native.objects import new_tensor, out_of_memory
from tapegrad.machine.native.recipes import KEYED, STREAM_BYTES, call_draw, memmove
from tapegrad.machine.native.tape import count_writes, drop_storage, make_row
from tapegrad.machine.native.thread_modes import recording

_replays, _functions, _written = records(rec.REPLAY), records(rec.COMPILED_FUNCTION), records(rec.TIMES_WRITTEN)
program_draws_at: Callee = records(rec.PROGRAM_DRAW)
_moving = records(rec.MOVING_PART)
_FROM_NOWHERE = np.uint64(rec.FROM_NOWHERE)
_DRAWN_HERE = np.uint64(rec.DRAWN_HERE)
_tuple_new, _dict_new = external("PyTuple_New", u64, u64), external("PyDict_New", u64)
_dict_set = external("PyDict_SetItem", i32, u64, u64, u64)
_AS_TAKEN, _ONE_TAKEN = np.uint64(rec.AS_TAKEN), np.uint64(rec.ONE_TAKEN)
_BYTES = np.uint64(32)  # where the content of a `bytes` object begins
_COUNT = np.uint64((1 << 63) - 1)  # but for a flag: whether the word before the arguments may be written to
_LENGTH = U2  # the word of a tuple or dict that says how many items it has


@inlined
def start_of(objects, number):
    """Where a tensor begins."""
    return buffers()[tensor_at(words(objects)[number]).buffer].address


@inlined
def place(cells, count, objects, n_objects, parts):
    """Write the addresses of tensors, and of parts of some, into the cells that want them."""
    table = words(cells)
    for i in range(count):
        number = table[i * U3 + U1]
        start = start_of(objects, number) if number < n_objects else words(parts)[number - n_objects]
        words(table[i * U3])[U0] = start + table[i * U3 + U2]


@native
def find_parts(replay, objects, numbers, parts):
    """Where the parts of tensors begin that move."""
    for i in range(replay.n_moving):
        part = _moving(replay.moving)[i]
        start = U0 if part.number == _FROM_NOWHERE else start_of(objects, part.number)
        words(parts)[i] = start + part.offset + words(numbers)[part.word] * part.unit


@native
def draw_number(replay, k, to):
    """Draw number `k` of a program, to where it wants it (0: nowhere); False where there is no memory in between."""
    draw = program_draws_at(replay.draws)[k]
    at = to if draw.bytes == U0 else allocate(machine().arena, draw.bytes)
    if at == U0:
        return False
    call_draw(draw.kernel, replay.stream, at, draw.n, draw.a, draw.b, draw.given)
    if draw.bytes != U0:
        for i in range(draw.n if to != U0 else 0):
            floats(to)[i] = np.float32(doubles(at)[i])
        release(machine().arena, at, draw.bytes)
    return True


@native
def fill_in(p, replay, numbers):
    """Put numbers that vary, and drawn ones, where the program wants them; False where memory is out.

    In their order: what nobody reads may lie where the next one goes.
    """
    drawn = U0
    fine = True
    for i in range(replay.n_numbers):
        to = words(words(p.drawn)[i])[U0]
        word = words(replay.numbers)[i * U2]
        count = words(replay.numbers)[i * U2 + U1]
        if count == _DRAWN_HERE:
            while fine and drawn <= word:
                fine = draw_number(replay, drawn, to if drawn == word else U0)
                drawn += U1
        elif count == U0:
            words(to)[U0] = words(numbers)[word]
        else:
            copy_bytes(to, words(numbers)[word], count)
    while fine and drawn < replay.n_draws:
        fine = draw_number(replay, drawn, U0)
        drawn += U1
    return fine


@native
def new_block(layout):
    """A row without a tensor that owns a fresh block; 0 with a Python error set."""
    nbytes = layouts()[layout].nbytes
    address = allocate(machine().arena, nbytes)
    if address == U0:
        out_of_memory(nbytes)
        return N0
    row = make_row(layout, N0, address)
    if row == N0:
        release(machine().arena, address, nbytes)
        out_of_memory(U0)
        return N0
    buffers()[row].refs += N1
    return row


@native
def give_back(fresh, count, saved):
    """Let what a call took anew go."""
    for i in range(count):
        py.decref(words(fresh)[i])
    if saved != N0:
        drop_storage(saved)


@native
def run_replay(record, items, count, given, numbers, extra):
    """What `replay` says, of the addresses of a record, the arguments, the numbers' words and an object.

    The arguments are `given` as a tuple too, if more than tensors are wanted.
    """
    r = _replays(record)[U0]
    m = machine()
    p = compiled_at(r.program)[U0]
    wanted = recording() == (r.recording != U0) and m.default_dtype == r.default_dtype and m.as_written == U0
    if m.trace != U0 and thread_self() == m.trace_thread:
        wanted = False
    objects = items
    if wanted and (r.parts != U0 or r.n_found != U0):
        objects = stack_words(1088)  # MAX_GATHERED, MAX_FOUND
    if wanted and r.parts != U0:
        wanted = gather(r.parts, r.n_parts, given, objects) == r.n_arguments
    elif count != r.n_arguments:
        wanted = False
    elif wanted and r.n_found != U0:
        for i in range(count):
            words(objects)[i] = words(items)[i]
    if r.n_draws != U0 and words(r.stream + KEYED)[U0] == U0:  # Python derives the key from the seed
        wanted = False
    if not wanted or not fits(r, objects):
        py.incref(py.none())
        return py.none()
    fresh = stack_words(256)  # MAX_FRESH
    at = stack_words(256)
    n_fresh = r.n_fresh
    saved = N0
    if r.saved != U0:
        n_fresh -= U1
        saved = new_block(halves(r.fresh)[n_fresh])
        if saved == N0:
            return U0
        words(at)[n_fresh] = buffers()[saved].address
    for i in range(n_fresh):
        made = new_tensor(halves(r.fresh)[i])
        if made == U0:
            give_back(fresh, np.uint64(i), saved)
            return U0
        words(fresh)[i] = made
        words(at)[i] = buffers()[tensor_at(made).buffer].address
    if not are_found_still(r, objects):
        give_back(fresh, n_fresh, saved)
        py.incref(py.none())
        return py.none()
    parts = stack_words(16)  # MAX_MOVING
    find_parts(r, objects, numbers, parts)
    place(p.argument_cells, p.n_argument_cells, objects, r.n_arguments + r.n_found, parts)
    cells = words(p.fresh_cells)
    for i in range(p.n_fresh_cells):
        words(cells[i * U3])[U0] = words(at)[cells[i * U3 + U1]] + cells[i * U3 + U2]
    point_targets(p)
    before = U0
    if r.n_draws != U0:
        before = allocate(m.arena, STREAM_BYTES)
        if before != U0:
            memmove(before, r.stream, STREAM_BYTES)
    if (before == U0 and r.n_draws != U0) or not fill_in(p, r, numbers):
        if before != U0:
            memmove(r.stream, before, STREAM_BYTES)
            release(m.arena, before, STREAM_BYTES)
        give_back(fresh, n_fresh, saved)
        return out_of_memory(STREAM_BYTES)
    status = run_compiled(r.program)
    if before != U0:
        if status != PASSED:  # whoever does the call now draws the same
            memmove(r.stream, before, STREAM_BYTES)
        release(m.arena, before, STREAM_BYTES)
    if status != PASSED:
        give_back(fresh, n_fresh, saved)
        result = py.none() if status == UNMET else py.false()
        py.incref(result)
        return result
    words(r.runs)[U0] += U1
    for i in range(r.n_written):
        one = _written(r.written)[i]
        count_writes(owner_of(objects, one.number), np.uint32(one.version))
    if r.form == _ONE_TAKEN:
        return words(fresh)[U0]
    if r.form != _AS_TAKEN:
        return leave(r, objects, fresh, n_fresh, saved, extra)
    result = _tuple_new(n_fresh)
    if result == U0:
        give_back(fresh, n_fresh, saved)
        return U0
    for i in range(n_fresh):
        words(result + ITEMS)[i] = words(fresh)[i]
    return result


@export(u64(u64, u64, u64))
def replay(self, arguments, count):
    """replay(record, arguments, words, extra) -> what is given, None if unmet, False if broken off, see `results_of`.

    `words` are the numbers that vary, and where drawn ones are, as bytes; `extra` is what the history of the result is
    to hold of Python's, or None.
    """
    given = words(arguments)
    return run_replay(np.uint64(py.long_as(given[U0])), given[U1] + ITEMS, words(given[U1])[_LENGTH], given[U1],
                      given[U2] + _BYTES, given[U3])


@native
def packed(items, count):
    """A tuple of objects; 0 with a Python error set."""
    made = _tuple_new(count)
    if made != U0:
        for i in range(count):
            py.incref(words(items)[i])
            words(made + ITEMS)[i] = words(items)[i]
    return made


@native
def named(names, items):
    """A dict of the arguments that were given by name; 0 with a Python error set."""
    made = _dict_new()
    i = U0
    while made != U0 and i < words(names)[_LENGTH]:
        if _dict_set(made, words(names + ITEMS)[i], words(items)[i]) != i32(0):
            py.decref(made)
            made = U0
        i += U1
    return made


@native
def work_out(compute, arguments):
    """What Python works out of the numbers of a call: words, and what it is given back if the way passes; or None."""
    block = stack_words(1)
    words(block)[U0] = arguments
    return py.vectorcall(compute, block, U1, U0)


@native
def ask_python(self, arguments, keywords, way, found, computed):
    """What is left to do is Python's: after the way that `found` something, of what was `computed`, if one did."""
    block = stack_words(6)
    words(block)[U0] = self
    words(block)[U1] = arguments
    words(block)[U2] = keywords
    words(block)[U3] = way if found != py.none() else found
    words(block)[np.uint64(4)] = found
    words(block)[np.uint64(5)] = computed
    return py.vectorcall(machine().call_compiled, block, np.uint64(6), U0)


@native
def call_ways(self, items, count, given, keywords, names):
    """Try the ways that are native, but for numbers that vary, then Python; `given` are the arguments as a tuple, or 0.
    """
    ways = _functions(self)[U0].ways
    py.incref(ways)  # making results may run the collector, and that any Python
    n = words(ways)[_LENGTH]
    if (keywords != U0 and words(keywords)[_LENGTH] != U0) or names != U0:
        n = U0
    made, made_names = U0, U0
    way = found = py.none()
    py.incref(found)
    computed = py.none()
    py.incref(computed)
    done = False
    constant = U0
    i = U0
    while i < n and found == py.none() and not done:
        py.decref(found)
        way, record = words(ways + ITEMS)[i], words(words(ways + ITEMS)[i + U1] + _BYTES)[U0]
        compute = words(ways + ITEMS)[i + U2]
        i += U3
        wants_tuple = _replays(record)[U0].parts != U0 or compute != py.none()
        if given == U0 and wants_tuple:
            given = made = packed(items, count)
        found = U0
        if given != U0 or not wants_tuple:
            numbers = U0
            if compute != py.none():
                py.decref(computed)
                computed = work_out(compute, given)
                if computed != U0 and computed != py.none():
                    numbers = words(computed + ITEMS)[U0] + _BYTES
            if computed == U0:
                computed = py.none()
                py.incref(computed)
            elif compute != py.none() and computed == py.none():
                found = py.none()
                py.incref(found)
            else:
                found = run_replay(record, items, count, given, numbers, py.none())
        constant = _replays(record)[U0].constant
        whole = _replays(record)[U0].whole != U0 or constant != U0
        done = found == U0 or (whole and found != py.none() and found != py.false())
    result = found
    if done and found != U0 and constant != U0:
        result = constant
        py.incref(result)
        py.decref(found)
    if not done:
        result = U0
        if given == U0:
            given = made = packed(items, count)
        if names != U0:
            keywords = made_names = named(names, items + count * np.uint64(8))
        if given != U0 and (names == U0 or keywords != U0):
            result = ask_python(self, given, keywords if keywords != U0 else py.none(), way, found, computed)
        py.decref(found)
    py.decref(computed)
    if made != U0:
        py.decref(made)
    if made_names != U0:
        py.decref(made_names)
    py.decref(ways)
    return result


@export(u64(u64, u64, u64, u64))
def call_vector(self, arguments, count, names):
    """How CPython calls a compiled function that was called before, with no tuple made."""
    if names != U0 and words(names)[_LENGTH] == U0:
        names = U0
    return call_ways(self, arguments, count & _COUNT, U0, U0, names)


@export(u64(u64, u64, u64))
def call_compiled(self, arguments, keywords):
    """`tp_call` of compiled functions."""
    _functions(self)[U0].vectorcall = machine().call_vector
    return call_ways(self, arguments + ITEMS, words(arguments)[_LENGTH], arguments, keywords, U0)
