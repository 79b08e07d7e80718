"""Blocks of memory by size class: a free list each, nothing stored beside the block itself.

Blocks up to LARGE are carved from chunks. Each belongs to the arena whose chunk it lies in (one for recording, one for
each sweep, so that neither waits for the other) and returns to it whoever frees it: another arena's user, perhaps in
another thread, puts it into a second list, which its arena empties when the first has run out. Larger blocks come from
libc and are kept in the main arena's lists under a spin lock: a fresh 8 MB block costs 2,000 page faults, half a
millisecond, more than the loop that fills it.
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native.glue import *

libc_aligned_alloc: Callee = external("aligned_alloc", u64, u64, u64)
libc_free: Callee = external("free", types.int32, u64)
thread_self: Callee = external("pthread_self", u64)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_TAKEN, _GIVEN_BACK, _KERNEL, _ZEROED = (np.uint32(i) for i in (rec.TAKEN, rec.GIVEN_BACK, rec.KERNEL, rec.ZEROED))
_PRESSING, _CHECK_FIRST = np.uint64(rec.PRESSING), np.uint64(rec.CHECK_FIRST)
_SEARCHED, _MAX_ASIDE = np.uint64(4096), np.uint64(rec.MAX_ASIDE)
_machine_address = symbol("tapegrad_machine")
_blocks_taken = records(rec.BLOCK_TAKEN)
line_now: Callee = by_name("tapegrad_line_now", u64)
_LOCK = np.uint64(rec.offset_of(rec.MACHINE, "lock"))
_PROFILE = np.uint64(rec.PROFILE)
_LARGE_LIVE = np.uint64(rec.offset_of(rec.MACHINE, "large_live"))

U4, U7, U63 = (np.uint64(i) for i in (4, 7, 63))
_SMALL, _SMALL_CLASSES, _LARGE = (np.uint64(i) for i in (rec.SMALL, rec.SMALL_CLASSES, rec.LARGE))
_LISTS, _CHUNK, _CACHE = (np.uint64(i) for i in (rec.ARENA_LISTS, rec.CHUNK_BYTES, rec.LARGE_CACHE_BYTES))
_RETURNED, _HEAD, _MAX = (np.uint64(i) for i in (rec.ARENA_RETURNED, rec.CHUNK_HEAD, rec.MAX_BLOCK))
_CHUNKS = np.uint64(rec.ARENA_CHUNKS)
_OF_ARENA, _NEXT, _CARVED = (np.uint64(i) for i in (rec.CHUNK_ARENA, rec.CHUNK_NEXT, rec.CHUNK_CARVED))
_OCTAVE_OF_SMALL = np.uint64(rec.SMALL.bit_length() - 1)
_NEVER = np.uint64(rec.NEVER)


@inlined
def address_in(event):
    return np.uint64(event.low) | (np.uint64(event.high) << _HALF)


@export(u64(u32, u64, u64))
def note(kind, a, b):
    """Write an event of the capture under way, if it is this thread's; 1 when it was written."""
    m = machine()
    if kind == _TAKEN and m.watching & _PROFILE:
        k = add_atomic(m.taken, U1)
        if k < words(m.taken)[U1]:
            block = _blocks_taken(words(m.taken)[U2])[k]
            block.nbytes = b
            block.line = line_now()
            block.before = words(m.timed)[U0]
    if m.trace == U0 or thread_self() != m.trace_thread:
        return U0
    if m.n_trace < m.max_trace:
        event = events_at(m.trace)[m.n_trace]
        event.kind = np.uint8(kind)
        event.n_pointers = np.uint8(0)
        event.low = np.uint32(a & _LOW)
        event.high = np.uint16(a >> _HALF)
        event.b = b
    m.n_trace += U1
    return U1


trace: Callee = by_name("tapegrad_note", u64, u32, u64, u64)


@inlined
def clear(address, nbytes):
    """Zero a block, by words: blocks are whole words, and bytes took five times as long."""
    block = words(address)
    for i in range((nbytes + U7) >> U3):
        block[i] = U0


@native
def run_events(events, count):
    """Do what a capture wrote down and put off, from its first event on."""
    i = U0
    pointers = machine().trace_pointers
    while i < count:
        event = events_at(events)[i]
        if event.kind == _KERNEL:
            call_kernel(address_in(event), pointers, event.b)
            pointers += np.uint64(event.n_pointers) << U3
        elif event.kind == _ZEROED:
            clear(address_in(event), event.b)
        i += U1


@export(types.int32(u64, u64))
def carry_out(events, count):
    """Do what a capture has put off so far; from now on nothing is. No `events`: those of this thread's capture."""
    m = machine()
    if events != U0:
        run_events(events, count)
    elif m.postponing != U0 and thread_self() == m.trace_thread:
        m.postponing = U0
        run_events(m.trace, min(m.n_trace, m.max_trace))
    return np.int32(0)


@native
def is_to_come(address):
    """Whether what a capture has put off may write where `address` lies.

    In memory that was there before, only operations in place write. Long traces are not searched: each of their checks
    would cost more than the one before.
    """
    m = machine()
    if m.overwrote != U0 or m.n_trace > _SEARCHED:
        return True
    events = events_at(m.trace)
    start = end = U0
    for i in range(m.n_trace):
        event = events[i]
        if event.kind == _TAKEN and address_in(event) <= address < address_in(event) + max(event.b, U1):
            start, end = address_in(event), address_in(event) + max(event.b, U1)
    pointed = U0
    for i in range(m.n_trace):
        event = events[i]
        target = address_in(event)
        if event.kind == _KERNEL:
            target = words(m.trace_pointers)[pointed]
            pointed += np.uint64(event.n_pointers)
        if (event.kind == _KERNEL or event.kind == _ZEROED) and start <= target and target < end:
            return True
    return False


@native
def put_off(kernel, nest, pointers, count, haste):
    """Write a kernel call down for the capture under way; True when it is to be made later (see `carry_out`)."""
    m = machine()
    if m.postponing != U0 and (haste == _PRESSING or m.n_trace >= m.max_trace
                               or (haste == _CHECK_FIRST and is_to_come(words(pointers)[U0]))):
        carry_out(U0, U0)
    at = m.n_trace
    if trace(_KERNEL, kernel, nest) == U0 or at >= m.max_trace:
        return False
    event = events_at(m.trace)[at]
    event.n_pointers = np.uint8(count)
    words(m.trace_lines)[at] = line_now()
    for i in range(count):
        words(m.trace_pointers)[m.n_pointed + i] = words(pointers)[i]
    m.n_pointed += count
    return m.postponing != U0 and haste != _CHECK_FIRST


@export(types.int32(u64, u64, u64, u64, u64))
def run_traced(kernel, nest, pointers, count, haste):
    """Call a kernel or put it off, and write that down for the capture under way."""
    if put_off(kernel, nest, pointers, count, haste):
        return np.int32(0)
    status = call_kernel(kernel, pointers, nest)
    if status:  # this call will never be a program's
        carry_out(U0, U0)
    return status


call_run_traced: Callee = by_name("tapegrad_run_traced", types.int32, u64, u64, u64, u64, u64)


@inlined
def run_kernel(kernel, nest, pointers, count, haste):
    """Call a kernel, and write the call down while a function is captured."""
    if machine().trace != U0:
        return call_run_traced(kernel, nest, pointers, count, haste)
    return call_kernel(kernel, pointers, nest)


@native
def zero_fill(address, nbytes):
    if machine().trace != U0 and trace(_ZEROED, address, nbytes) and machine().postponing != U0:
        return
    clear(address, nbytes)


@inlined
def class_of(nbytes):
    """The size class that holds `nbytes`: steps of 8 bytes up to SMALL, then four an octave."""
    if nbytes <= _SMALL:
        return (nbytes + U7) >> U3
    top = U63 - leading_zeros(nbytes - U1)  # 2^top <= nbytes-1 < 2^(top+1)
    quarter = ((nbytes - U1) >> (top - U2)) & U3
    return _SMALL_CLASSES + (top - _OCTAVE_OF_SMALL) * U4 + quarter + U1


@inlined
def class_bytes(size_class):
    if size_class <= _SMALL_CLASSES:
        return size_class << U3
    step = size_class - _SMALL_CLASSES - U1
    top = (step >> U2) + _OCTAVE_OF_SMALL
    return (U4 + (step & U3) + U1) << (top - U2)


@inlined
def lock():
    while exchange(_machine_address() + _LOCK, U1) != U0:
        pass


@inlined
def unlock():
    exchange(_machine_address() + _LOCK, U0)


@native
def allocate_large(size_class, size):
    m = machine()
    add_atomic(_machine_address() + _LARGE_LIVE, size)
    if m.large_live > m.large_at and m.n_attached != U0:  # Python objects of dead rows may hold some of it
        reclaim_soon()
    lists = words(m.arena)
    lock()
    head = lists[_LISTS + size_class]
    if head != U0:
        lists[_LISTS + size_class] = words(head)[U0]
        m.large_bytes -= size
        unlock()
        return head
    unlock()
    block = libc_aligned_alloc(np.uint64(64), (size + U63) & ~U63)
    if block == U0:
        add_atomic(_machine_address() + _LARGE_LIVE, ~size + U1)
    return block


@export(types.int32(u64, u64))
def release_large(address, nbytes):
    m = machine()
    lists = words(m.arena)
    size_class = class_of(nbytes)
    size = class_bytes(size_class)
    add_atomic(_machine_address() + _LARGE_LIVE, ~size + U1)
    if m.large_bytes + size > _CACHE:
        libc_free(address)
        return np.int32(0)
    lock()
    words(address)[U0] = lists[_LISTS + size_class]
    lists[_LISTS + size_class] = address
    m.large_bytes += size
    unlock()
    return np.int32(0)


call_release_large: Callee = by_name("tapegrad_release_large", types.int32, u64, u64)


@inlined
def reclaim_soon():
    """Let the next operation that is recorded reclaim the tape."""
    m = machine()
    if m.sweep_at != _NEVER:
        m.sweep_at = U0


@inlined
def chunk_of(address):
    return address & ~(_CHUNK - U1)


@native
def new_chunk():
    """A spare chunk, or fresh memory; 0 when that is out."""
    m = machine()
    if m.spare != U0:
        lock()
        chunk = m.spare
        if chunk != U0:
            m.spare = words(chunk)[_NEXT]
        unlock()
        if chunk != U0:
            return chunk
    return libc_aligned_alloc(_CHUNK, _CHUNK)


@native
def refill(arena, size_class):
    """A block where the free list has none: one of those that others gave back, or a new one; 0 when memory is out."""
    lists = words(arena)
    if lists[_RETURNED + size_class] != U0:
        head = exchange(arena + ((_RETURNED + size_class) << U3), U0)
        lists[_LISTS + size_class] = words(head)[U0]
        return head
    size = class_bytes(size_class)
    start = lists[U0]
    if size > _SMALL:
        start = (start + U63) & ~U63
    if start == U0 or start + size > lists[U1]:
        chunk = new_chunk()
        if chunk == U0:
            return U0
        words(chunk)[_OF_ARENA] = arena
        words(chunk)[_NEXT] = lists[_CHUNKS]
        words(chunk)[_CARVED] = U0
        lists[_CHUNKS] = chunk
        lists[U1] = chunk + _CHUNK
        start = chunk + _HEAD
    lists[U0] = start + size
    words(chunk_of(start))[_CARVED] += size
    return start


@export(types.int32(u64, u64, u64))
def give_back(arena, address, size_class):
    """Return a block to an arena that somebody else may be using."""
    slot = arena + ((_RETURNED + size_class) << U3)
    while True:
        head = load_atomic(slot)
        words(address)[U0] = head
        if exchange_if(slot, head, address):
            return np.int32(0)


call_give_back: Callee = by_name("tapegrad_give_back", types.int32, u64, u64, u64)


@export(u64(u64, u64))
def obtain(arena, nbytes):
    """A block that no free list of the arena has; 0 when memory is out."""
    size_class = class_of(max(nbytes, U1))
    if nbytes <= _LARGE:
        return refill(arena, size_class)
    return allocate_large(size_class, class_bytes(size_class)) if nbytes <= _MAX else U0


call_obtain: Callee = by_name("tapegrad_obtain", u64, u64, u64)


@export(u64(u64, u64))
def allocate(arena, nbytes):
    """A block of at least `nbytes` bytes, or 0 when memory is out. Zero-size tensors get a real block too."""
    block = U0
    if nbytes <= _LARGE:
        lists = words(arena)
        size_class = class_of(max(nbytes, U1))
        block = lists[_LISTS + size_class]
        if block != U0:
            lists[_LISTS + size_class] = words(block)[U0]
    if block == U0:
        block = call_obtain(arena, nbytes)
    if machine().watching != U0:
        trace(_TAKEN, block, nbytes)
    return block


@export(u64(u64, u64, u64))
def withheld(arena, address, nbytes):
    """Whether a block must not be used again yet: it is part of a capture whose calls are perhaps still to be made.

    Sweeps without the GIL give back what they took themselves, to arenas of their own.
    """
    if trace(_GIVEN_BACK, address, nbytes) != U0:
        return U1
    m = machine()
    if arena != m.arena:
        return U0
    taken = m.n_trace > _SEARCHED  # a long trace is not searched, see `is_to_come`
    events = events_at(m.holding)
    for i in range(U0 if taken else m.n_trace):
        taken |= events[i].kind == _TAKEN and address_in(events[i]) == address
    if not taken:
        return U0
    if m.n_aside < _MAX_ASIDE:  # past the end they are lost, as in the capture's own table
        words(m.aside)[U2 * m.n_aside] = address
        words(m.aside)[U2 * m.n_aside + U1] = nbytes
        m.n_aside += U1
    return U1


is_withheld: Callee = by_name("tapegrad_withheld", u64, u64, u64, u64)


@inlined
def push(arena, size_class, address):
    lists = words(arena)
    words(address)[U0] = lists[_LISTS + size_class]
    lists[_LISTS + size_class] = address


@export(types.int32(u64, u64, u64))
def release(arena, address, nbytes):
    """Free a block; `arena` is the one that the caller has to itself, whichever it came from."""
    if machine().holding != U0 and is_withheld(arena, address, nbytes):
        return np.int32(0)
    if nbytes > _LARGE:
        return call_release_large(address, nbytes)
    size_class = class_of(max(nbytes, U1))
    owner = words(chunk_of(address))[_OF_ARENA]
    if owner != arena:
        return call_give_back(owner, address, size_class)
    push(arena, size_class, address)
    return np.int32(0)


call_release: Callee = by_name("tapegrad_release", types.int32, u64, u64, u64)


@export(types.int32(u64, u64))
def let_reuse(events, count):
    """A capture of these events is done with, and what it withheld is free."""
    m = machine()
    m.holding = U0
    for i in range(m.n_aside):
        release(m.arena, words(m.aside)[U2 * i], words(m.aside)[U2 * i + U1])
    m.n_aside = U0
    for i in range(count):
        event = events_at(events)[i]
        if event.kind == _GIVEN_BACK:
            release(m.arena, address_in(event), event.b)
    return np.int32(0)
