"""Whether a call's arguments are those that a program is for: how they lie, what tuples, lists and dicts hold."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.compiled_program import ITEMS
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.objects import flags_of
from tapegrad.machine.native.thread_modes import inferring

_WATCHED = np.uint32(rec.REQUIRES_GRAD | rec.HOOKED | rec.RETAINS)
_NOT_PLAIN = np.uint32(rec.REQUIRES_GRAD | rec.HOOKED | rec.RETAINS | rec.IS_VIEW)
_VIEW, _OUTSIDE, _LOOSE = np.uint32(rec.IS_VIEW), np.uint32(rec.EXTERNAL | rec.BORROWED), np.uint32(rec.LOOSE)
_INFERENCE = np.uint64(rec.INFERENCE)
_NEEDS, _LEAF, _REQUIRES_GRAD = np.uint32(rec.NEEDS), np.uint32(rec.NEEDS_AS_LEAF), np.uint32(rec.REQUIRES_GRAD)
_OF_WHOLE = np.uint32(rec.NEEDS_AS_VIEW)
_HISTORY = _NEEDS | _LEAF | _OF_WHOLE
_TENSOR, _OBJECT, _INT, _FLOAT, _KIND, _TUPLE, _LIST, _DICT, _END = (np.uint64(i) for i in (
    rec.IS_TENSOR, rec.IS_OBJECT, rec.IS_INT, rec.IS_FLOAT, rec.IS_OF_KIND, rec.IS_TUPLE, rec.IS_LIST, rec.IS_DICT,
    rec.IS_END))
_LENGTH = U2  # the word of a tuple, list or dict that says how many items it has
_found = records(rec.GRADIENT_FOUND)
_list_type, _dict_type = symbol("PyList_Type"), symbol("PyDict_Type")
_dict_next = external("PyDict_Next", i32, u64, u64, u64, u64)


@native
def is_plain(obj, layout, history):
    """Whether an argument is a tensor of this layout with storage of its own, no gradient or attributes; with a
    `history`, or as a leaf that requires grad (which may be a view of all of another tensor), where it was that."""
    if py.type_of(obj) != machine().tensor_type:
        return False
    t = tensor_at(obj)
    row = buffers()[t.buffer]
    bare = t.dict == U0 or words(t.dict)[_LENGTH] == U0
    if not bare or t.layout != layout or t.grad != U0:
        return False
    if history & (_OF_WHOLE | _LEAF):
        owner = buffers()[row.owner]  # of what was detached, another
        flags = _REQUIRES_GRAD | _VIEW if history & _OF_WHOLE else _REQUIRES_GRAD
        return (row.flags & _NOT_PLAIN == flags and row.producer == N0 and owner.layout == layout
                and row.address == owner.address and (t.base == U0 or not flags_of(t.base) & _WATCHED))
    if row.owner != t.buffer:
        return False
    if history == N0:
        return not row.flags & _NOT_PLAIN
    return row.flags & _NOT_PLAIN == _REQUIRES_GRAD and row.producer != N0


@native
def is_plain_view(obj, layout):
    """Whether an argument is a view of this layout, of memory that is no one else's, and nothing more."""
    if py.type_of(obj) != machine().tensor_type:
        return False
    t = tensor_at(obj)
    row = buffers()[t.buffer]
    bare = t.dict == U0 or words(t.dict)[_LENGTH] == U0
    if not bare or t.layout != layout or t.grad != U0 or row.owner == t.buffer:
        return False
    if t.base != U0 and flags_of(t.base) & _WATCHED:
        return False
    return not row.flags & _WATCHED and not (row.flags | buffers()[row.owner].flags) & _OUTSIDE


@native
def is_wanted(obj, layout):
    """Whether an argument lies as it did."""
    if layout & _LOOSE:
        return is_plain_view(obj, layout & ~_LOOSE)
    return is_plain(obj, layout & ~_HISTORY, layout & _HISTORY)


@native
def overlap(first, second):
    """Whether two owners' storages lie, in part at least, in the same memory."""
    a = buffers()[first]
    b = buffers()[second]
    return a.address < b.address + layouts()[b.layout].nbytes and b.address < a.address + layouts()[a.layout].nbytes


@native
def owner_of(objects, i):
    return buffers()[tensor_at(words(objects)[i]).buffer].owner


@native
def are_apart(replay, objects):
    """Whether no argument lies in the memory of another, or of what the function reaches; some may be NumPy's."""
    for i in range(replay.n_arguments + replay.n_found):
        owner = owner_of(objects, i)
        for j in range(replay.n_known):
            if overlap(halves(replay.known)[j], owner):
                return False
        for j in range(i):
            if overlap(owner_of(objects, j), owner):
                return False
    return True


@native
def is_known(replay, row):
    """Whether the function reaches the storage of this owner row by name."""
    low = U0
    high = replay.n_known
    while low < high:
        middle = (low + high) >> U1
        if halves(replay.known)[middle] < row:
            low = middle + U1
        else:
            high = middle
    return low < replay.n_known and halves(replay.known)[low] == row


@native
def find_gradients(replay, objects):
    """Put the gradients of leaves after the arguments; whether they lie as they did, in memory of their own."""
    rows = stack_words(512)  # MAX_FOUND halves
    met = stack_words(64)  # bits: rows that differ in the last twelve are others
    for i in range(64):
        words(met)[i] = U0
    first = replay.n_arguments
    for i in range(replay.n_found):
        one = _found(replay.found)[i]
        gradient = tensor_at(one.leaf).grad
        if gradient == U0 or not is_plain(gradient, np.uint32(one.layout), N0):
            return False
        words(objects)[first + i] = gradient
        row = tensor_at(gradient).buffer
        halves(rows)[i] = row
        if is_known(replay, row):
            return False
        for j in range(first):
            if owner_of(objects, j) == row:
                return False
        word = np.uint64(row >> np.uint32(6)) & np.uint64(63)
        bit = U1 << (np.uint64(row) & np.uint64(63))
        if words(met)[word] & bit != U0:
            for j in range(i):
                if halves(rows)[j] == row:
                    return False
        words(met)[word] |= bit
    return True


@native
def are_found_still(replay, objects):
    """Whether the gradients are still on their leaves: a collection, as of the making of results, runs any Python."""
    for i in range(replay.n_found):
        if tensor_at(_found(replay.found)[i].leaf).grad != words(objects)[replay.n_arguments + i]:
            return False
    return True


@native
def fits(replay, objects):
    """Whether a call may be replayed, as far as its names and arguments (tensors, from an address on) tell.

    Gradients that it finds on leaves are put after these.
    """
    names = words(replay.names)
    for i in range(replay.n_names):
        if py.dict_get(names[i * U3], names[i * U3 + U1]) != names[i * U3 + U2]:
            return False
    flags = U0
    for i in range(replay.n_arguments):
        if not is_wanted(words(objects)[i], halves(replay.layouts)[i]):
            return False
        owner = owner_of(objects, i)
        flags |= np.uint64(buffers()[owner].flags)
        for j in range(replay.n_known):
            if halves(replay.known)[j] == owner:
                return False
        for j in range(i):
            if owner_of(objects, j) == owner:
                return False
    if replay.n_found != U0:
        if not find_gradients(replay, objects):
            return False
        for i in range(replay.n_found):
            flags |= np.uint64(buffers()[owner_of(objects, replay.n_arguments + i)].flags)
    if flags & _INFERENCE and not inferring():
        return False
    return (replay.outside | flags) & np.uint64(_OUTSIDE) == U0 or are_apart(replay, objects)


@inlined
def is_container(obj, kind, count):
    """Whether an object is a tuple, list or dict of so many items."""
    wanted = py.tuple_type() if kind == _TUPLE else _list_type() if kind == _LIST else _dict_type()
    return py.type_of(obj) == wanted and words(obj)[_LENGTH] == count


@native
def is_same_value(obj, kind, value):
    """Whether an object that is no tensor is what it was."""
    if kind == _OBJECT:
        return obj == value
    if kind == _KIND:
        return py.type_of(obj) == value
    if kind == _FLOAT:
        return py.type_of(obj) == py.float_type() and words(obj)[U2] == value
    if kind != _INT or py.type_of(obj) != py.long_type():
        return False
    found = py.long_as(obj)
    if found == -1 and py.error_occurred() != U0:
        py.error_clear()
        return False
    return np.uint64(found) == value


@native
def gather(parts, n_parts, arguments, tensors):
    """Write the tensors among nested arguments, if these are built as they were; how many, or all ones where not.

    `parts` are pairs: what comes next, in the order of `flatten`. No tuple, list or dict may be met twice.
    """
    frames = stack_words(48)  # of each container that is open: itself, the next place in it, its kind
    met = stack_words(16)
    item, key, position = stack_words(1), stack_words(1), stack_words(1)
    depth = U0
    n_met = U0
    found = U0
    i = U0
    while i < n_parts:
        kind = words(parts)[U2 * i]
        value = words(parts)[U2 * i + U1]
        i += U1
        if kind == _END:
            depth -= U1
            continue
        obj = arguments
        if depth != U0:
            frame = words(frames + (depth - U1) * np.uint64(24))
            if frame[U2] == _DICT:
                words(position)[U0] = frame[U1]
                if not _dict_next(frame[U0], position, key, item) or words(key)[U0] != value:
                    return ~U0
                frame[U1] = words(position)[U0]
                obj = words(item)[U0]
                kind = words(parts)[U2 * i]
                value = words(parts)[U2 * i + U1]
                i += U1
            else:
                start = frame[U0] + ITEMS
                obj = words(start if frame[U2] == _TUPLE else words(start)[U0])[frame[U1]]
                frame[U1] += U1
        if kind == _TENSOR:
            words(tensors)[found] = obj
            found += U1
        elif _TUPLE <= kind <= _DICT:
            if not is_container(obj, kind, value):
                return ~U0
            for j in range(n_met):
                if words(met)[j] == obj:
                    return ~U0
            words(met)[n_met] = obj
            n_met += U1
            frame = words(frames + depth * np.uint64(24))
            frame[U0] = obj
            frame[U1] = U0
            frame[U2] = kind
            depth += U1
        elif not is_same_value(obj, kind, value):
            return ~U0
    return found
