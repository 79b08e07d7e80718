"""Where CPython keeps the frame that runs, its code object, and its place in the code: by version, and looked at.

CPython offers functions for it, which make an object of the frame first. That takes as long as recording, and may start
a garbage collection.
"""
from __future__ import annotations

import ctypes
import sys
from types import CodeType

from tapegrad.named_tuples import NamedTuple


class Frames(NamedTuple):
    """Offsets in bytes: of the frame in a thread's state, or `further` in what that points to; the rest in a frame.

    `place` is that of the instruction, as an address in the code object, or (`counts`) as a number.
    """

    frame: int
    further: int | None
    code: int
    previous: int
    place: int
    counts: bool = False


_KNOWN = {
    (3, 10): Frames(24, None, 32, 24, 96, counts=True),
    (3, 11): Frames(56, 8, 32, 48, 56),
    (3, 12): Frames(56, 0, 0, 8, 56),
    (3, 13): Frames(72, None, 0, 8, 56),
    (3, 14): Frames(64, None, 0, 8, 56),
}
_OF_OBJECT = 24  # where the object of a frame says which frame it is, from 3.11 on
TAG = 3  # bits of a pointer to a code object that may be set, from 3.14 on


def _word(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value


def found() -> Frames | None:
    """Where things are, or None where that is not known: a look at this very frame must find them there."""
    known = _KNOWN.get(sys.version_info[:2])
    if known is None:
        return None
    get = ctypes.pythonapi.PyThreadState_Get
    get.restype = ctypes.c_size_t
    frame = sys._getframe()
    outer, code = frame.f_back, frame.f_code
    assert outer is not None
    # Nothing is read but the beginning of objects that are there.
    at = id(frame) if known.counts else _word(id(frame) + _OF_OBJECT)
    above = id(outer) if known.counts else _word(id(outer) + _OF_OBJECT)
    running = get() + known.frame
    if known.further is not None:
        running = _word(running) + known.further
    now = ctypes.c_uint64.from_address(running).value  # a call of `_word` would have a frame of its own
    if now != at or _word(at + known.previous) != above or _word(at + known.code) & ~TAG != id(code):
        return None
    place = _word(at + known.place)
    place = place & 0xFFFFFFFF if known.counts else place - id(code) - CodeType.__basicsize__
    return known if 0 <= place < len(code.co_code) else None
