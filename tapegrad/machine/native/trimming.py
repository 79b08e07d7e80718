"""What is free goes back to the system: chunks without a block in use, and the large blocks that are kept for later.

A program that once held much would hold it for good otherwise. It is done where Python's collector has gone through
everything, which is rare, and the moment when most has just died.
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native.arena import chunk_of, class_bytes, libc_free, lock, unlock
from tapegrad.machine.native.glue import *

_LISTS, _RETURNED, _CHUNKS = (np.uint64(i) for i in (rec.ARENA_LISTS, rec.ARENA_RETURNED, rec.ARENA_CHUNKS))
_CLASSES, _CHUNK, _HEAD = (np.uint64(i) for i in (rec.N_CLASSES, rec.CHUNK_BYTES, rec.CHUNK_HEAD))
_OF_ARENA, _NEXT, _CARVED, _FREE = (
    np.uint64(i) for i in (rec.CHUNK_ARENA, rec.CHUNK_NEXT, rec.CHUNK_CARVED, rec.CHUNK_FREE)
)
_SMALLER = np.uint64(rec.LARGE)
_PAGE = np.uint64(1 << 14)  # at least: some systems have such
_DONTNEED = np.int32(4)

_madvise = external("madvise", i32, u64, u64, i32)


@native
def take_back(arena, size_class):
    """Put the blocks that others gave back among those that are free."""
    slot = arena + ((_RETURNED + size_class) << U3)
    if words(slot)[U0] == U0:
        return
    block = exchange(slot, U0)
    lists = words(arena)
    while block != U0:
        following = words(block)[U0]
        words(block)[U0] = lists[_LISTS + size_class]
        lists[_LISTS + size_class] = block
        block = following


@inlined
def is_empty(chunk):
    """Whether blocks were carved from a chunk, and none of them is in use."""
    head = words(chunk)
    return head[_FREE] == head[_CARVED] and head[_CARVED] != U0


@native
def count_free(arena):
    """Note in each chunk how much of it is free; returns whether one is empty."""
    lists = words(arena)
    chunk = lists[_CHUNKS]
    while chunk != U0:
        words(chunk)[_FREE] = U0
        chunk = words(chunk)[_NEXT]
    for size_class in range(_CLASSES):
        size = class_bytes(size_class)
        if size > _SMALLER:
            break
        take_back(arena, size_class)
        block = lists[_LISTS + size_class]
        while block != U0:
            words(chunk_of(block))[_FREE] += size
            block = words(block)[U0]
    chunk = lists[_CHUNKS]
    found = False
    while chunk != U0 and not found:
        found = is_empty(chunk)
        chunk = words(chunk)[_NEXT]
    return found


@native
def forget_blocks(arena):
    """Take the blocks of empty chunks out of the free lists."""
    for size_class in range(_CLASSES):
        if class_bytes(size_class) > _SMALLER:
            break
        before = arena + ((_LISTS + size_class) << U3)
        block = words(before)[U0]
        while block != U0:
            following = words(block)[U0]
            if is_empty(chunk_of(block)):
                words(before)[U0] = following
            else:
                before = block
            block = following


@native
def trim_arena(arena):
    """Let an arena's empty chunks go; the one that blocks are carved from stays, bare. Nobody else uses it now."""
    if not count_free(arena):
        return
    forget_blocks(arena)
    m = machine()
    lists = words(arena)
    before = arena + (_CHUNKS << U3)
    chunk = words(before)[U0]
    while chunk != U0:
        following = words(chunk)[_NEXT]
        empty = is_empty(chunk)
        if empty:
            _madvise(chunk + _PAGE, _CHUNK - _PAGE, _DONTNEED)
        if empty and chunk + _CHUNK == lists[U1]:
            lists[U0] = chunk + _HEAD
            words(chunk)[_CARVED] = U0
            before = chunk + (_NEXT << U3)
        elif empty:
            words(before)[U0] = following
            lock()
            words(chunk)[_NEXT] = m.spare
            m.spare = chunk
            unlock()
        else:
            before = chunk + (_NEXT << U3)
        chunk = following


@native
def drop_large():
    """Free the large blocks that are kept for later."""
    m = machine()
    lists = words(m.arena)
    for size_class in range(_CLASSES):
        size = class_bytes(size_class)
        if size > _SMALLER and lists[_LISTS + size_class] != U0:
            lock()
            block = lists[_LISTS + size_class]
            lists[_LISTS + size_class] = U0
            unlock()
            while block != U0:
                following = words(block)[U0]
                libc_free(block)
                lock()
                m.large_bytes -= size
                unlock()
                block = following


@export(i32())
def trim():
    """Give the system back what is free: of the recording's arena, and of sweeps' that are not under way."""
    m = machine()
    if m.trace == U0 and m.holding == U0:
        trim_arena(m.arena)
        at = m.workspaces
        while at != U0:
            w = workspace_at(at)
            if w.active == U0:
                trim_arena(w.arena)
            at = w.next
        drop_large()
    return i32(0)


call_trim: Callee = by_name("tapegrad_trim", i32)
