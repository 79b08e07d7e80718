"""The jitted kernel that makes the same kernel calls turn by turn, each on what the turn before left."""
from __future__ import annotations

from typing import Any

import numpy as np

from tapegrad.machine.native.glue import U0, U1, U2, U3, call_kernel, stack_words, words

_FOUR, _FIVE, _EIGHT = (np.uint64(i) for i in (4, 5, 8))
_HEAD = np.uint64(8)  # bytes before the first call


def turns(mode: str, of: str) -> Any:
    """Calls of other kernels, over and over, with pointers that move from turn to turn.

    Nest: [3, 0, rows, turns, address of the calls, (bytes a row, bytes a turn, 0) for each pointer]: threads cut it
    along the rows, as any loop that is kept, and go through all turns on rows of their own. The calls are
    [how many, then of each: kernel, words of this call, which word of its nest says how many rows, how many pointers,
    (which pointer, bytes beyond it) for each, its nest].
    """
    def kernel(pointers, nest):
        n = words(nest)
        rows, count, calls = n[U2], n[U3], n[_FOUR]
        own = stack_words(32)
        room = stack_words(96)
        status = np.int32(0)
        for turn in range(count):
            at = calls + _HEAD
            for _ in range(words(calls)[U0]):
                call = words(at)
                taken = call[U3]
                for i in range(taken):
                    which = call[_FOUR + U2 * i]
                    moved = turn * n[_FIVE + U3 * which + U1]
                    words(own)[i] = words(pointers)[which] + call[_FIVE + U2 * i] + moved
                begin = _FOUR + U2 * taken
                for i in range(call[U1] - begin):
                    words(room)[i] = call[begin + i]
                words(room)[call[U2]] = rows
                status |= call_kernel(call[U0], own, room)
                at += call[U1] * _EIGHT
        return status

    return kernel


FAMILIES = {"turns": turns}
