"""The jitted kernel that makes the same kernel calls turn by turn, each on what the turn before left."""
from __future__ import annotations

from typing import Any

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.kernels.structural.sorting import free, malloc
from tapegrad.machine.kernels.structural.turn_words import BUT_LAST, HEAD, KEY, NO_ROWS, SCRATCH
from tapegrad.machine.native.glue import (
    U0,
    U1,
    U2,
    U3,
    Callee,
    call_kernel,
    external,
    i32,
    stack_words,
    symbol,
    u64,
    words,
)
from tapegrad.machine.native.portable import promise

_FOUR, _FIVE, _EIGHT, _LINE, _LINES = (np.uint64(i) for i in (4, 5, 8, 64, 256))
_HEAD = np.uint64(8 * HEAD)  # bytes before the first call
_BUT_LAST = np.uint64(BUT_LAST)
_SCRATCH, _NO_ROWS, _NONE = np.uint64(SCRATCH), np.uint64(NO_ROWS), np.int32(0)
_OUT_OF_MEMORY = np.int32(rec.OUT_OF_MEMORY)
_KEPT = np.uint64(1 << 22)  # bytes, at most, that a thread keeps
promise(KEY)
key_at: Callee = symbol(KEY)
get_specific: Callee = external("pthread_getspecific", u64, u64)
set_specific: Callee = external("pthread_setspecific", i32, u64, u64)
memset: Callee = external("memset", u64, u64, i32, u64)
memcpy: Callee = external("memcpy", u64, u64, u64, u64)


def turns(mode: str, of: str) -> Any:
    """Calls of other kernels, over and over, with pointers that move from turn to turn.

    Nest: [3, 0, rows, turns, address of the calls, (bytes a row, bytes a turn, 0) for each pointer]: threads cut it
    along the rows, as any loop that is kept, and go through all turns on rows of their own, some at once. The calls are
    [how many, rows at once (0: all), bytes of scratch, turns of a span, how much of the scratch is zero at first, bytes
    of the calls, then of each: kernel, words of this call, which word of its nest says how many rows, how many
    pointers, kernel of the first span, (which pointer, bytes beyond it, bytes a row) for each, its nest]. Scratch is
    each thread's own. What has a kernel of the first span is called where a span ends, on the rows of all its turns;
    they lie side by side in the parts of the scratch that have bytes a row.

    A thread goes by a copy of the calls, behind its scratch, in which it says how many rows there are. (To copy each
    nest at every call, and to clear all of the scratch, took 2 % of an LSTM's steps.) It keeps the memory for both for
    the next time: libc's is seldom the same, where others take some meanwhile, and then in none of this core's caches
    (50 steps of 8 x 256 back: up to 45 us of 530).
    """
    def kernel(pointers, nest):
        n = words(nest)
        rows, count, head = n[U2], n[U3], words(n[_FOUR])
        own = stack_words(32)
        status = _NONE
        calls, size, span, length = head[U0], head[U2], head[U3], head[_FIVE]
        together = head[U1] if head[U1] != U0 else rows
        key = words(key_at())[U0]
        block = get_specific(key)
        needed = size + length + _LINE + _LINES
        if block == U0 or words(block)[U0] < needed:
            free(block)
            block = malloc(needed)
            if block == U0:
                set_specific(key, U0)
                return _OUT_OF_MEMORY
            words(block)[U0] = needed
        set_specific(key, U0)  # until it is not in use
        # As far beyond a multiple of some lines as what is written: a load from a line beyond the place of a store that
        # is under way, but for the upper bits, waits for it (the gates of an LSTM: 62 cycles a vector, else up to 87).
        scratch = block + _LINE
        scratch += ((words(pointers)[U0] & (_LINES - _LINE)) - scratch) & (_LINES - U1)
        first = scratch + size
        memset(scratch, _NONE, head[_FOUR])
        memcpy(first, n[_FOUR] + _HEAD, length - _HEAD)
        row = U0
        while row < rows:
            taken = min(together, rows - row)
            at = first
            for _ in range(calls):
                call = words(at)
                if call[U2] != _NO_ROWS:
                    call[_FIVE + U3 * call[U3] + call[U2]] = taken
                at += call[U1] * _EIGHT
            before = U0  # rows of the span's turns so far
            for turn in range(count):
                last = turn + U1 == count
                ends = before + taken == span * taken or last
                at = first
                for _ in range(calls):
                    call = words(at)
                    begin = _FIVE + U3 * call[U3]
                    late = call[_FOUR] > _BUT_LAST
                    if ends if late else not (last and call[_FOUR] == _BUT_LAST):
                        for i in range(call[U3]):
                            place = _FIVE + U3 * i
                            which = call[place]
                            base = scratch
                            if which != _SCRATCH:
                                steps = _FIVE + U3 * which
                                base = words(pointers)[which] + row * n[steps] + turn * n[steps + U1]
                            elif not late:
                                base += before * call[place + U2]
                            words(own)[i] = base + call[place + U1]
                        if late:
                            call[begin + call[U2]] = before + taken
                        address = call[_FOUR] if late and turn < span else call[U0]
                        status |= call_kernel(address, own, at + begin * _EIGHT)
                    at += call[U1] * _EIGHT
                before = U0 if ends else before + taken
            row += taken
        if words(block)[U0] > _KEPT or set_specific(key, block) != _NONE:
            free(block)
        return status

    return kernel


FAMILIES = {"turns": turns}
