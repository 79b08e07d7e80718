"""Updates of parameters: of each a few tensors that lie alike, read and written by one kernel in one pass."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.compiled_program import ITEMS
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.in_place_history import is_apart
from tapegrad.machine.native.operands import is_tensor
from tapegrad.machine.native.python_entry import integer
from tapegrad.machine.native.tape import count_writes
from tapegrad.machine.native.thread_modes import inferring
from tapegrad.machine.native.threads import call_run_cut

_INFERENCE = np.uint32(rec.INFERENCE)
_CUT_WORDS = rec.CUT.itemsize // 8
_EIGHT, _GRAIN, _LENGTH, _LINE = np.uint64(8), np.uint64(rec.UPDATE_GRAIN), np.uint64(16), np.uint64(64)
_MAX_PIECES = np.uint64(rec.MAX_PIECES)


@native
def lie_alike(tensors, each, written, kind):
    """Whether one loop goes through all of them: plain tensors, dense, of one layout, none in another's way."""
    rows = buffers()
    if not is_tensor(words(tensors)[U0]):
        return False
    layout = tensor_at(words(tensors)[U0]).layout
    if layouts()[layout].dtype != kind or layouts()[layout].adjoint != layout:
        return False
    for j in range(each):
        obj = words(tensors)[j]
        if not is_tensor(obj) or tensor_at(obj).layout != layout:
            return False
        own = tensor_at(obj).buffer
        if j < written and rows[own].flags & _INFERENCE != N0 and not inferring():
            return False
        for i in range(min(j, written)):
            if not is_apart(tensor_at(words(tensors)[i]).buffer, own):
                return False
    return True


@export(u64(u64, u64, u64))
def update(self, arguments, count):
    """update(kernel, dtype, item size, each, written, tensors, numbers, first, times) -> how many tensors are done.

    The list holds `each` for every parameter, of which the first `written` are outputs of the kernel too; `numbers` is
    a tuple of at most `MAX_NUMBERS`, its last inputs. Those before `first` were done earlier. Of each, the first counts
    as written so many `times`. It stops where tensors do not lie alike, and does nothing while a function is captured.
    """
    given = words(arguments)
    kernel = integer(arguments, U0)
    kind = np.uint32(integer(arguments, U1))
    size = integer(arguments, U2)
    each = integer(arguments, U3)
    written = integer(arguments, np.uint64(4))
    tensors = given[np.uint64(5)]
    numbers = given[np.uint64(6)]
    first = integer(arguments, np.uint64(7))
    times = np.uint32(integer(arguments, np.uint64(8)))
    length = words(tensors + _LENGTH)[U0]
    values = stack_words(16)
    pointers = stack_words(32)
    nest = stack_words(40)
    cut = stack_words(_CUT_WORDS)
    n = words(numbers + _LENGTH)[U0]
    loops = written + each
    for i in range(n):
        value = py.float_as_double(words(numbers + ITEMS)[i])
        if size == _EIGHT:
            doubles(values)[i] = value
        else:
            floats(values + i * _EIGHT)[U0] = np.float32(value)
        words(pointers)[loops + i] = values + i * _EIGHT
    if py.error_occurred() != U0:
        return U0
    words(nest)[U0] = U1
    words(nest)[U1] = U0
    for i in range(loops + n):
        words(nest)[U3 + i] = size if i < loops else U0
    items = words(tensors + ITEMS)[U0]
    rows = buffers()
    while first + each <= length and machine().trace == U0:
        chunk = items + first * _EIGHT
        if not lie_alike(chunk, each, written, kind):
            break
        elements = layouts()[tensor_at(words(chunk)[U0]).layout].numel
        for j in range(each):
            address = rows[tensor_at(words(chunk)[j]).buffer].address
            if j < written:
                words(pointers)[j] = address
            words(pointers)[written + j] = address
        words(nest)[U2] = elements
        if elements >= U2 * _GRAIN and machine().threads > U1:
            share = cuts_at(cut)[U0]
            share.axis = U0
            share.pieces = min(elements // _GRAIN, _MAX_PIECES)
            share.unit = _LINE
            share.partial = U0
            share.late = U0
            share.eager = U0
            call_run_cut(cut, kernel, U0, nest, pointers, loops + n)
        else:
            call_kernel(kernel, pointers, nest)
        for j in range(written):
            owner = rows[tensor_at(words(chunk)[j]).buffer].owner
            count_writes(owner, times if j == 0 else N1)
        machine().overwrote = U1
        first += each
    return py.long_from(np.int64(first))
