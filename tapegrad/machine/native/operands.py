"""What an operation is called with, as rows of the buffer table: tensors brought up to date, Python numbers wrapped."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.arena import allocate, call_release, trace
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.in_place_history import call_refresh
from tapegrad.machine.native.objects import call_python, flags_of
from tapegrad.machine.native.tape import drop_tensor, new_row
from tapegrad.machine.native.thread_modes import recording

_REQUIRES_GRAD, _VIEW, _WRAPPED, _WORD = (
    np.uint32(i) for i in (rec.REQUIRES_GRAD, rec.IS_VIEW, rec.WRAPPED, rec.WORD)
)
_LAST = np.uint64(rec.MOST - 1)
LITERAL_LOW, LITERAL_HIGH = np.int64(rec.LITERALS[0]), np.int64(rec.LITERALS[-1])
# Layout ids 1..3 are those of wrapped bool, int and float scalars; the literals follow (see machine.layouts).
BOOL_SCALAR, INT_SCALAR, FLOAT_SCALAR = (np.uint32(i) for i in (1, 2, 3))


@native
def is_stale(obj):
    """Whether a tensor is a view whose base's history was rewritten since its own was recorded."""
    t = tensor_at(obj)
    rows = buffers()
    row = rows[t.buffer]
    version = rows[row.owner].version
    if not row.flags & _VIEW or row.version == version or t.base == U0:
        return False
    if rows[tensor_at(t.base).buffer].owner != row.owner:
        return False  # the base lies elsewhere by now
    own = row.flags if row.producer != N0 else N0  # a leaf stays one while its base has no history
    return (flags_of(t.base) | own) & _REQUIRES_GRAD != N0


@export(u64(u64))
def freshen_stale(obj):
    """Give a stale view its new history; 0, with a Python error set, where that is refused."""
    if call_refresh(obj) != U0:
        return U1
    result = call_python(machine().refresh_view, obj, U0, U1)
    if result == U0:
        return U0
    py.decref(result)
    return U1


call_freshen_stale: Callee = by_name("tapegrad_freshen_stale", u64, u64)


@native
def freshen_history(obj):
    """Give a view its new history if it is stale; False, with a Python error set, where that is refused."""
    return not flags_of(obj) & _VIEW or not is_stale(obj) or call_freshen_stale(obj) != U0


@native
def current_row(obj):
    """The row of a tensor that is about to be read; 0 with a Python error set where its history is refused."""
    if flags_of(obj) & _VIEW and is_stale(obj) and recording() and not freshen_history(obj):
        return N0
    return tensor_at(obj).buffer


@native
def is_tensor(obj):
    m = machine()
    kind = py.type_of(obj)
    return kind == m.tensor_type or kind == m.parameter_type


@native
def new_number(layout):
    """A row of one call for a number, which is not written yet; 0 when memory is out."""
    m = machine()
    address = allocate(m.arena, np.uint64(8))
    if address == U0:
        return N0
    row = new_row(layout, N0, address)
    if row == N0:
        call_release(m.arena, address, np.uint64(8))
        return row
    buffers()[row].flags |= _WRAPPED
    buffers()[row].refs += N1
    return row


@inlined
def tell_number(row):
    """Tell a capture under way what was written there."""
    if machine().trace != U0:
        address = buffers()[row].address
        trace(_WORD, address, words(address)[U0])


@native
def own_number(row):
    """A row of one call for a recipe's number, which is what a capture sees of Python's; the row itself if it is none.
    """
    if buffers()[row].layout > FLOAT_SCALAR:
        return row
    own = new_number(buffers()[row].layout)
    if own == N0:
        return row
    words(buffers()[own].address)[U0] = words(buffers()[row].address)[U0]
    tell_number(own)
    return own


@native
def wrap_number(obj):
    """The row of a Python number: a permanent one for the literals rules specialise on; 0 if `obj` is no number.

    A fresh row has no tensor and no reference, so `drop_number` frees it when the operation did not record it.
    """
    m = machine()
    kind = py.type_of(obj)
    value = np.int64(0)
    if kind == py.float_type():
        layout = FLOAT_SCALAR
    elif kind == py.long_type():
        layout = INT_SCALAR
        value = py.long_as(obj)
        if value == -1 and py.error_occurred() != U0:
            py.error_clear()
            return N0
        if LITERAL_LOW <= value <= LITERAL_HIGH:
            return halves(m.literals)[value - LITERAL_LOW]
    elif kind == py.bool_type():
        layout = BOOL_SCALAR
        value = np.int64(1) if obj == py.true() else value
    else:
        return N0
    row = new_number(layout)
    if row != N0:
        address = buffers()[row].address
        if layout == FLOAT_SCALAR:
            doubles(address)[U0] = py.float_as_double(obj)
        else:
            signed_words(address)[U0] = value  # the whole word, for that is what a capture notes
        tell_number(row)
    return row


@inlined
def operand_row(obj):
    """The row of an operand, or 0 when only Python can tell what it is."""
    if is_tensor(obj):
        row = current_row(obj)
        if row == N0:
            py.error_clear()  # Python will meet the same error, and raise it
        return row
    return wrap_number(obj)


@inlined
def drop_number(row):
    """End the call's own reference to a wrapped number; a recorded one lives on through what the tape keeps."""
    r = buffers()[row]
    if r.flags & _WRAPPED and r.tensor == U0:
        drop_tensor(row)


@native
def needs_of(operands, count):
    """Which operands require grad, as bits from 0 (of more than 32 operands, whether any does); the flags they have."""
    rows = buffers()
    needs = N0
    flags = N0
    for j in range(count):
        own = rows[halves(operands)[j]].flags
        flags |= own
        if own & _REQUIRES_GRAD:
            needs |= N1 << np.uint32(min(j, _LAST))
    return needs, flags
