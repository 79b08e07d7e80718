"""Objects that tensors hold where no Python can look: a compiled step, say, that was made for a model.

What leads from such an object back to its tensor is a cycle, which Python's collector sees while it looks
(`gc_cycles`). It is no field of tensors, for few have one, and every tensor would be larger and longer to make.
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.glue import *

_COMPANION, _ACCOMPANIED = np.uint64(rec.COMPANION.itemsize), np.uint32(rec.ACCOMPANIED)

_realloc = external("realloc", u64, u64, u64)


@native
def place_of(tensor):
    """1 + the place of a tensor's companion, or 0."""
    m = machine()
    for i in range(m.n_companions):
        if companions_at(m.companions)[i].tensor == tensor:
            return np.uint64(i) + U1
    return U0


@native
def companion(tensor):
    """The object that a tensor holds, or 0: a borrowed reference."""
    place = place_of(tensor)
    return companions_at(machine().companions)[place - U1].object if place != U0 else U0


@export(i32(u64))
def forsake(tensor):
    """Let a tensor's companion go: it dies, or was found unreachable with what it holds."""
    m = machine()
    place = place_of(tensor)
    if place != U0:
        m.n_companions -= U1
        entry, last = companions_at(m.companions)[place - U1], companions_at(m.companions)[m.n_companions]
        obj = entry.object
        entry.object = last.object
        entry.tensor = last.tensor
        py.decref(obj)
    return np.int32(0)


call_forsake: Callee = by_name("tapegrad_forsake", i32, u64)


@export(u64(u64, u64, u64))
def accompany(self, arguments, count):
    """accompany(tensor, object) lets a tensor that has no companion hold the object, as long as it lives."""
    m = machine()
    if m.n_companions == m.max_companions:
        room = max(m.n_companions * U2, np.uint64(16))
        block = _realloc(m.companions, room * _COMPANION)
        if block == U0:
            return py.no_memory()
        m.companions = block
        m.max_companions = room
    entry = companions_at(m.companions)[m.n_companions]
    entry.tensor = words(arguments)[U0]
    entry.object = words(arguments)[U1]
    py.incref(entry.object)
    buffers()[tensor_at(entry.tensor).buffer].flags |= _ACCOMPANIED
    m.n_companions += U1
    py.incref(py.none())
    return py.none()


@export(u64(u64, u64))
def companion_of(self, tensor):
    """companion_of(tensor) -> the object that it holds, or None."""
    found = companion(tensor)
    if found == U0:
        found = py.none()
    py.incref(found)
    return found
