"""Which line of the program recorded an instruction: a word beside each, read off CPython's frames as it is appended.

The word is the number of a code object and, in its lower half, how far into the object the frame was; Python makes a
line of it when one is printed (`tape.lines`). Where things are in a frame depends on the version of CPython
(`startup.frames`); where that is not known, no table of words is there and nothing is read.

Always on, for lines that have to be asked for before are not there when they are needed; a chain of multiplications of
one element takes 1.02 times as long. CPython's own functions for the running frame make an object of it first.
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.arena import thread_self
from tapegrad.machine.native.glue import *

_CODE_BITS = ~np.uint64(3)  # from 3.14 on the lowest bits of the pointer to a code object are a tag
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_SLOTS_MASK = np.uint64(rec.CODE_SLOTS - 1)
_MOST = np.uint64(rec.MAX_CODES)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(40)
_EVERYTHING = np.int64(1 << 62)
_HIDDEN = U1


@inlined
def place_in(frame, code):
    """How far into a code object a frame is, as CPython counts in this version; the code's head may be included."""
    m = machine()
    return ((words(frame + m.frame_place)[U0] & m.place_bits) - (code & m.code_counts)) & _LOW


@inlined
def code_of(frame):
    return words(frame + machine().frame_code)[U0] & _CODE_BITS


@inlined
def running_frame():
    m = machine()
    at = py.thread_state() + m.frame_at
    if m.frame_by_way:
        at = words(at)[U0] + m.frame_further
    return words(at)[U0]


@inlined
def note_line(t):
    """Note where the program is for an instruction that is appended."""
    m = machine()
    if m.lines != U0:
        frame = running_frame()
        if frame != U0 and code_of(frame) == m.last_code:  # a thread may run what is C's and have no frame
            words(m.lines)[t] = m.last_number | place_in(frame, m.last_code)
        else:
            call_note_other(t, frame)


@native
def begins_with(name, beginning):
    return py.tail_match(name, beginning, np.int64(0), _EVERYTHING, np.int32(-1)) == np.int64(1)


@native
def is_hidden(code):
    """Whether code is no program's: this package's, or what CPython has between its frames."""
    m = machine()
    if py.type_of(code) != py.code_type():
        return True
    name = py.get_attribute(code, m.filename)
    if name == U0:
        py.error_clear()
        return True
    ours = begins_with(name, m.hidden_files) and not begins_with(name, m.shown_file)
    between = begins_with(name, m.shim)
    py.decref(name)
    return ours or between


@native
def number_of(code):
    """The number of a code object, twice, plus one where it is hidden; it is kept. All ones: no room."""
    m = machine()
    slots = words(m.codes)
    at = ((code * _MULTIPLIER) >> _SHIFT) & _SLOTS_MASK
    while slots[U2 * at] != U0:
        if slots[U2 * at] == code:
            return slots[U2 * at + U1]
        at = (at + U1) & _SLOTS_MASK
    if m.n_codes - m.n_forgotten == _MOST:
        return ~U0
    found = m.n_codes * U2 + (_HIDDEN if is_hidden(code) else U0)
    if py.list_append(m.code_list, code):
        py.error_clear()
        return ~U0
    m.n_codes += U1
    slots[U2 * at] = code
    slots[U2 * at + U1] = found
    return found


@native
def word_of(frame):
    """The word of the innermost frame of the program, from a frame on; 0 where there is none."""
    m = machine()
    first = frame
    while frame != U0:
        code = code_of(frame)
        number = number_of(code)
        if number == ~U0:
            return U0
        if not number & _HIDDEN:
            word = ((number >> U1) + U1) << _HALF
            if frame == first:
                m.last_code = code
                m.last_number = word
            return word | place_in(frame, code)
        frame = words(frame + m.frame_previous)[U0]
    return U0


@export(types.int32(u64, u64))
def note_other(t, frame):
    """`note_line` in code that is not the last one."""
    words(machine().lines)[t] = word_of(frame)
    return np.int32(0)


call_note_other: Callee = by_name("tapegrad_note_other", types.int32, u64, u64)


@export(types.int32(u64))
def forget_codes(ignored):
    """Let go of code objects: programs that make code as they run have no end of them. Their numbers stay theirs."""
    m = machine()
    m.last_code = U0
    m.n_forgotten = m.n_codes
    for i in range(U2 * np.uint64(rec.CODE_SLOTS)):
        words(m.codes)[i] = U0
    if py.list_set_slice(m.code_list, np.int64(0), _EVERYTHING, U0):
        py.error_clear()
    return np.int32(0)


call_forget_codes: Callee = by_name("tapegrad_forget_codes", types.int32, u64)


@export(u64())
def line_now():
    """The word of the line that a kernel runs for: in a sweep, of the line that recorded what is differentiated."""
    m = machine()
    if m.lines == U0:
        return U0
    at = m.workspaces
    while at != U0:
        w = workspace_at(at)
        if w.running == thread_self():
            return words(m.lines)[halves(w.reached)[w.position]]
        at = w.next
    return word_of(running_frame()) if py.holds_gil() else U0
