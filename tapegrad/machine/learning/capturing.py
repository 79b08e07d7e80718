"""What happens during a capture that native code does not see: Python writing constants, Python looking at values.

Native code writes the rest of the trace (`records.EVENT`). Whatever can be captured in no other way is refused with its
reason, so that the function goes on running as it is written. All of it costs one test while nothing is captured.

A capture puts kernel calls off: it notes them, and what runs in the end is the program made of them, or they
themselves (`carry_out`). Before Python looks at a value, and before a call that may fail, all that is put off is done,
and nothing from there on is put off.

There is one capture at a time, which is one thread's: what other threads do meanwhile is not noted, and a call that
would be captured there runs as it is written (`Claim`). To wait would be a deadlock where the one waits for the other.
"""
from __future__ import annotations

import ctypes
import mmap
import os
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter
from tapegrad.machine.live import machine
from tapegrad.machine.llvm import late_binding
from tapegrad.machine.startup import address_of, map_pages, trim_heap
from tapegrad.named_tuples import NamedTuple

MAX_EVENTS, _FEWEST = 1 << 24, 1 << 14
MANY = 1 << 18  # events whose memory goes back to the system as they are analysed
AT_ONCE = 1 << 17  # events that are worked on together: what is worked out on the way stays small
MAX_LOOKED_AT = 1 << 16  # bytes of one tensor that are compared before a replay goes on


_LIBRARY = tuple(f"{Path(file).parents[2]}{os.sep}" for file in (__file__, os.path.abspath(__file__)))


# What classes and functions of this library read that they are not given: containers, and names, as (where, name).
READ_BESIDES: dict[Any, Callable[[], tuple[Any, ...]]] = {}


class Parameter(NamedTuple):
    """A float among what a draw is given that is another at each replay: the word of that number."""

    word: int


class Draw(NamedTuple):
    """Something done to a random stream: `method(stream, *given)`, whose numbers, if any, fill a block."""

    stream: Any
    method: Callable[..., Any]
    given: tuple[Any, ...]

    @property
    def varies(self) -> bool:
        return any(type(a) is Parameter for a in self.given)

    def run(self, words: bytes, **to: Any) -> Any:
        """Draw again; `words` are the numbers that vary."""
        return self.method(self.stream, *[
            struct.unpack_from("=d", words, 8 * a.word)[0] if type(a) is Parameter else a for a in self.given], **to)

    def key(self) -> tuple[Any, ...]:
        """Something to compare: draws with equal keys take the same from a stream in the same state."""
        given = [(a.dtype.str, a.shape, a.tobytes()) if isinstance(a, np.ndarray) else a for a in self.given]
        return id(self.stream), self.method, tuple(given)


class Trace:
    """One capture: its events, the bytes Python wrote or looked at, and why it cannot be kept, if it cannot."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []
        self.draws: list[Draw] = []
        self.refusals: list[str] = []
        self.thread: int = threading.get_ident()
        self.start = 0  # the first instruction that it may have recorded, when it ended
        self.failed = False  # whether an operation failed, for reasons that are in tensors' values
        self.put_off = False  # when it ended, its kernel calls were still to be made
        self.parts = 0  # how many have ended
        self.switched: set[int] = set()  # tensors, by identity, of which it set that they require grad, or no longer do
        self.infers = False  # whether it entered inference mode
        self.asked = False  # whether Python asked a tensor for its one number
        self.settled = False  # nothing but the analysis needs its events any more
        self.on_refusal: Callable[[], None] = lambda: None  # done once: code that nobody has read may run next
        self.lines: list[str] | None = None  # where Python looked at a value, or drew, for who asks

    def forget(self, events: int, pointers: int, calls: int) -> None:
        """So many events, pointers, and lines of calls are analysed: give their memory back."""
        for pages, nbytes in zip(_pages, (events * rec.EVENT.itemsize, pointers * 8, calls * 8)):
            if self.settled:
                _give_back(pages, 0, nbytes)


def _give_back(pages: mmap.mmap, first: int, end: int) -> None:
    """Give the memory between two bytes back, but for the rest of a page."""
    first = -(-first // mmap.PAGESIZE) * mmap.PAGESIZE
    if end - first >= mmap.PAGESIZE:
        pages.madvise(mmap.MADV_DONTNEED, first, (end - first) // mmap.PAGESIZE * mmap.PAGESIZE)


def no_clocks(events: Any) -> None:
    """`restore_kernels` while no kernel has a clock."""


restore_kernels: Callable[[Any], None] = no_clocks  # puts kernels in place of what times them, in a capture's events
active: Trace | None = None
_ended: Trace | None = None  # one that nobody has released yet
_events: Any = None
_words: Any = None  # the same memory
_length, _postponing = (machine.state[name] for name in ("n_trace", "postponing"))
_pointers: Any = None  # of kernel calls: one after the other
_lines: Any = None  # an event, a word: which line called a kernel
_pages: list[mmap.mmap] = []
_most = MAX_EVENTS  # how many fit where address space is limited
_claims: dict[str, Claim] = {}  # one, or none


class Claim:
    """A thread's right to capture a call, of which there is one: what it wrote down is its own until it gives that up.

    It is made before there is anything to give up, and taken in one step: an interrupt comes before that, or after.
    """

    def __init__(self) -> None:
        self.thread: int = threading.get_ident()

    def taken(self) -> bool:
        """Whether this thread may capture a call now."""
        return _claims.setdefault("one", self) is self

    def give_up(self) -> None:
        """Let others capture, if it was taken. A capture that an interrupt left open is ended, and what it put off is
        done.
        """
        if _claims.get("one") is not self:
            return
        try:
            trace = active or _ended
            if trace is not None or machine.state["holding"][0]:
                events = end() if active is not None else so_far()
                try:
                    if trace is not None and trace.put_off:
                        carry_out(events)
                finally:
                    release(trace or Trace(), events)
        finally:
            _claims.clear()


def _after_fork() -> None:
    """In a child the capture of another thread has no end: it never began."""
    global active
    if any(c.thread != threading.get_ident() for c in _claims.values()):
        active = None
        _claims.clear()
        machine.state["trace"] = machine.state["postponing"] = machine.state["holding"] = 0
        machine.state["watching"] &= ~np.uint64(rec.CAPTURE)


os.register_at_fork(after_in_child=_after_fork)


def mine() -> Trace | None:
    """The capture under way, if it is this thread's."""
    trace = active  # read once: other threads' captures begin and end
    return trace if trace is not None and trace.thread == threading.get_ident() else None


def begin() -> Trace:
    """Start writing down what this thread does to memory, and put the kernel calls off."""
    global active
    if _events is None:
        _reserve()
    late_binding.want(1)
    active = Trace()
    state = machine.state
    state["n_trace"], state["max_trace"], state["trace_thread"] = 0, _most, threading.get_ident()
    state["trace_start"], state["overwrote"] = state["n_instructions"], 0
    state["trace_pointers"], state["n_pointed"] = address_of(_pointers), 0
    state["trace_lines"] = address_of(_lines)
    state["postponing"] = 1
    state["watching"] |= rec.CAPTURE
    state["trace"] = state["holding"] = address_of(_events)  # last: other threads see all of it, or nothing
    return active


def _reserve() -> None:
    """Tables for events, pointers and lines, of at most half of the address space there is."""
    global _events, _words, _pointers, _lines, _most
    each = rec.EVENT.itemsize, 8 * rec.MAX_POINTERS, 8
    while _most > _FEWEST:
        try:
            map_pages(2 * _most * sum(each)).close()
            break
        except OSError:
            _most //= 2
    try:
        _pages[:] = [map_pages(_most * n) for n in each]
    except OSError:
        raise MemoryError("no address space to note what a function does") from None
    _events = np.frombuffer(_pages[0], rec.EVENT)
    _words, _pointers, _lines = (np.frombuffer(pages, "u8") for pages in _pages)


def end() -> Any:
    """Stop; returns the events, for `carry_out` if the calls are still put off, and for `release`.

    They stay where they are, as their `pointers` do: until its claim is given up, no other capture writes there.
    """
    global active, _ended
    assert active is not None
    active.put_off = bool(machine.state["postponing"][0])
    active.start = int(machine.state["trace_start"][0])
    machine.state["trace"] = machine.state["postponing"] = 0
    machine.state["watching"] &= ~np.uint64(rec.CAPTURE)
    trace, _ended, active = active, active, None
    late_binding.want(-1)
    count = int(machine.state["n_trace"][0])
    if count > _most:
        # Blocks given back past the end of the table are lost to the arena: a leak, where reuse would be corruption.
        count = _most
        trace.refusals.append(f"it does more than {_most} things to memory")
    restore_kernels(_events[:count])
    return _events[:count]


def addresses(events: Any, which: Any = slice(None)) -> Any:
    """Of events that lie one after the other, what those happened to of which it is wanted."""
    found = np.array(events.view("u8")[::2][which], copy=isinstance(which, slice))
    found &= (1 << 48) - 1
    return found


def lines(trace: Trace, events: Any) -> Any:
    """Of a capture that ended the words of the lines that called kernels (see `tape.lines`), one after the other."""
    return _lines if trace.settled else _lines[np.flatnonzero(events["kind"] == rec.KERNEL)]


def pointers() -> Any:
    """What the kernels of the capture that just ended were passed: as many for each as its event says."""
    return _pointers[:int(machine.state["n_pointed"][0])]


def carry_out(events: Any = None) -> None:
    """Make the kernel calls that a capture noted and put off: these of one that ended, or those under way so far."""
    if events is not None:
        parts = np.flatnonzero(events["kind"] == rec.PART)  # what comes after is the backward of a result
        events = events[:parts[0]] if len(parts) else events
        pieces = (events[i:i + AT_ONCE] for i in range(0, len(events), AT_ONCE))
        # Sets, not np.unique: that imports numpy.ma at its first use, 17 ms.
        try:
            emitter.bind({a for some in pieces for a in {*addresses(some, some["kind"] == rec.KERNEL).tolist()}})
        finally:  # also after an interrupt: kernels that are not there yet are made when they are called
            machine.call.carry_out(address_of(events), len(events))
    elif mine() is not None:
        machine.call.carry_out(0, 0)


def settle(trace: Trace, events: Any) -> None:
    """Make the calls of a long capture that are put off, and free its blocks: its events may then be forgotten."""
    if trace.put_off:
        carry_out(events)
        trace.put_off = False
    machine.call.let_reuse(address_of(events), len(events))
    calls = 0
    for first in range(0, len(events), AT_ONCE):  # only one event in three has a line
        found = _lines[first + np.flatnonzero(events["kind"][first:first + AT_ONCE] == rec.KERNEL)]
        _lines[calls:calls + len(found)] = found
        calls += len(found)
    _give_back(_pages[-1], calls * 8, len(events) * 8)
    trim_heap()
    trace.settled = True


def release(trace: Trace, events: Any) -> None:
    """A capture is done with: the blocks that were given back during it are free from now on."""
    global _ended
    _ended = None
    if not trace.settled:
        machine.call.let_reuse(address_of(events), len(events))
        return
    trace.forget(len(events), len(pointers()), len(events))
    machine.reclaim()  # so that the next call records where this one did
    trim_heap()


def is_library(file: str) -> bool:
    """Whether code of this file is part of tapegrad."""
    return file.startswith(_LIBRARY)


def here() -> str:
    """The file and line, outside this library, that is running now."""
    frame: Any = sys._getframe(1)
    while frame is not None and is_library(frame.f_code.co_filename):
        frame = frame.f_back
    return "" if frame is None else f" ({os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno})"


def refuse(reason: str) -> None:
    """Say why what runs now cannot be captured."""
    trace = mine()
    if trace is not None:
        trace.refusals.append(reason + here())
        carry_out()
        if len(trace.refusals) == 1:
            trace.on_refusal()


def infers() -> None:
    """Inference mode begins."""
    trace = mine()
    if trace is not None:
        trace.infers = True


def is_refused() -> bool:
    """Whether what is captured now is known to be of no use."""
    trace = mine()
    return trace is not None and bool(trace.refusals)


def failed() -> None:
    """An operation fails for what its operands hold: if its error is caught, nothing a program does would show that."""
    trace = mine()
    if trace is not None:
        trace.failed = True


def _note(kind: int, address: int, number: int) -> None:
    n = _length.item()
    if n < _most:
        _words[2 * n], _words[2 * n + 1] = address | kind << 48, number  # a `records.EVENT`, as words
    _length[0] = n + 1


def _content(kind: int, address: int, nbytes: int) -> None:
    trace = mine()
    if trace is not None:
        if kind == rec.GUARD:
            if _postponing.item():
                carry_out()
            if trace.lines is not None:
                trace.lines.append("what it does depends on a value" + here())
        trace.contents.append(ctypes.string_at(address, nbytes))
        _note(kind, address, len(trace.contents) - 1)


def constant(address: int, nbytes: int) -> None:
    """Python wrote these bytes into a fresh block."""
    _content(rec.CONSTANT, address, nbytes)


def guard(address: int, nbytes: int) -> None:
    """Python looked at these bytes: a replay that finds others must not go on."""
    _content(rec.GUARD, address, nbytes)


def looked_at(tensor: Any) -> None:
    """Python looked at all of a tensor's values: that is a guard as well, unless they are many."""
    if tensor.nbytes > MAX_LOOKED_AT or not tensor.is_contiguous():
        refuse("values of a tensor reach Python or NumPy as a whole")
    elif tensor.nbytes:
        guard(tensor.data_ptr(), tensor.nbytes)


def drawn(address: int, draw: Draw) -> None:
    """A random stream was used; what it gave was written to a fresh block (0: it gave nothing)."""
    trace = mine()
    if trace is not None:
        if trace.lines is not None:
            trace.lines.append("it draws random numbers" + here())
        trace.draws.append(draw)
        _note(rec.DRAWN, address, len(trace.draws) - 1)


def so_far() -> Any:
    """The events of the capture under way."""
    return _events[:min(int(machine.state["n_trace"][0]), _most)]


def cut() -> None:
    """One part of the capture ends here."""
    _note(rec.PART, 0, 0)
    if active is not None:
        active.parts += 1


def last_word() -> int | None:
    """The number of the event that was just noted, if that is a word which was written."""
    n = int(machine.state["n_trace"][0]) - 1
    return n if 0 <= n < _most and _events[n]["kind"] == rec.WORD else None
