"""Objects that tensors hold where no Python can look: a compiled step, say, that was made for a model.

What leads from such an object back to its tensor is a cycle, which Python's collector sees while it looks
(`gc_cycles`). It is no field of tensors, for few have one, and every tensor would be larger and longer to make: a table
has them by address, in the next free slot from where that hashes to.
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.glue import *

_COMPANION, _ACCOMPANIED = np.uint64(rec.COMPANION.itemsize), np.uint32(rec.ACCOMPANIED)
_LEAST = np.uint64(16)  # slots

_calloc = external("calloc", u64, u64, u64)
_free = external("free", i32, u64)


@inlined
def home_of(tensor):
    """Where in the table a tensor's entry is, unless others were there before: then in one of the next slots."""
    return hashed(tensor) & (machine().n_companion_slots - U1)


@native
def slot_of(tensor):
    """The slot that has a tensor's entry, or the empty one that would."""
    slot = home_of(tensor)
    entries = companions_at(machine().companions)
    while entries[slot].tensor != U0 and entries[slot].tensor != tensor:
        slot = (slot + U1) & (machine().n_companion_slots - U1)
    return slot


@native
def companion(tensor):
    """The object that a tensor holds, or 0: a borrowed reference."""
    if machine().n_companions == U0:
        return U0
    entry = companions_at(machine().companions)[slot_of(tensor)]
    return entry.object if entry.tensor != U0 else U0


@native
def close_gap(gap):
    """Empty a slot: what lies behind it, for want of another, moves up."""
    m = machine()
    entries, mask = companions_at(m.companions), m.n_companion_slots - U1
    at = (gap + U1) & mask
    while entries[at].tensor != U0:
        if (at - home_of(entries[at].tensor)) & mask >= (at - gap) & mask:
            entries[gap].tensor = entries[at].tensor
            entries[gap].object = entries[at].object
            gap = at
        at = (at + U1) & mask
    entries[gap].tensor = U0


@export(i32(u64))
def forsake(tensor):
    """Let a tensor's companion go: it dies, or was found unreachable with what it holds."""
    obj = companion(tensor)
    if obj != U0:
        close_gap(slot_of(tensor))
        machine().n_companions -= U1
        py.decref(obj)
    return np.int32(0)


call_forsake: Callee = by_name("tapegrad_forsake", i32, u64)


@native
def put_companion(tensor, obj):
    entry = companions_at(machine().companions)[slot_of(tensor)]
    entry.tensor = tensor
    entry.object = obj


@native
def more_slots():
    """Have twice as many slots; whether there is memory for them."""
    m = machine()
    before, count = m.companions, m.n_companion_slots
    slots = max(count * U2, _LEAST)
    block = _calloc(slots, _COMPANION)
    if block == U0:
        return False
    m.companions = block
    m.n_companion_slots = slots
    for i in range(count):
        entry = companions_at(before)[i]
        if entry.tensor != U0:
            put_companion(entry.tensor, entry.object)
    _free(before)
    return True


@export(u64(u64, u64, u64))
def accompany(self, arguments, count):
    """accompany(tensor, object) lets a tensor that has no companion hold the object, as long as it lives."""
    m = machine()
    tensor = words(arguments)[U0]
    obj = words(arguments)[U1]
    if m.n_companions * U2 >= m.n_companion_slots and not more_slots():
        return py.no_memory()
    put_companion(tensor, obj)
    py.incref(obj)
    buffers()[tensor_at(tensor).buffer].flags |= _ACCOMPANIED
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
