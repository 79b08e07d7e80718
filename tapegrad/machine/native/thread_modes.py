"""What holds in a thread: whether it records, and whether it is in inference mode."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.glue import *

_UNRECORDED, _INFERRING = np.uint8(rec.UNRECORDED), np.uint8(rec.INFERRING)


@inlined
def thread_number():
    """This thread's place in `unrecorded`: CPython counts threads up, far beyond what a process ever has at once."""
    return py.thread_id(py.thread_state()) & machine().unrecorded_mask


@inlined
def recording():
    """Whether this thread records: each has a byte of its own, by the number CPython gave it."""
    return octets(machine().unrecorded)[thread_number()] == np.uint8(0)


@inlined
def grad_mode():
    """Whether this thread would record outside of inference mode."""
    return octets(machine().unrecorded)[thread_number()] & _UNRECORDED == np.uint8(0)


@inlined
def set_recorded(mode):
    """Whether this thread records from now on."""
    modes = octets(machine().unrecorded)
    thread = thread_number()
    modes[thread] = modes[thread] & _INFERRING | (np.uint8(0) if mode else _UNRECORDED)


@inlined
def inferring():
    """Whether this thread is in inference mode; while no thread is, that is one look at a word."""
    m = machine()
    return m.inferring != U0 and octets(m.unrecorded)[thread_number()] & _INFERRING != np.uint8(0)


@native
def set_inferring(mode):
    """Whether this thread is in inference mode from now on."""
    m = machine()
    if mode != inferring():
        m.inferring += U1 if mode else ~U0
        octets(m.unrecorded)[thread_number()] ^= _INFERRING
