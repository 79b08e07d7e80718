"""Functions that are differentiated forwards, and write over what backward would read.

A derivative along a direction is the gradient of a gradient (`func.jvp`), and reads what operations kept once the
function has run. Tangents that are carried along need nothing of the past, so that functions may write over it. Here
what is kept makes way: before a write its rows come to lie on copies, with their versions, and the tensors that stood
for them go on as rows of their own where they were. Sweeps see no difference. A write that is not an operation's (a
custom function's, a compiled one's, an optimiser's) finds what is kept where it was, and then backward is refused.
"""
from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np

from tapegrad import dispatch
from tapegrad.autograd import data_assignment, marking
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing, lessons
from tapegrad.machine.live import buffers, call, layouts, machine, planner
from tapegrad.ops.declaration import REGISTRY
from tapegrad.tape import history


class keeping:
    """A block in which writes leave what is kept for backward, from a moment before it on, as it was.

    `leaves` are differentiated by, and may be written to as well: then their lists get tensors that nobody else has.
    """

    __slots__ = ("leaves", "own", "since")

    def __init__(self, since: tuple[int, int], *leaves: list[Any]) -> None:
        self.since: tuple[int, int] = since
        self.leaves: tuple[list[Any], ...] = leaves
        self.own: list[int] = []  # the rows of leaves that nobody else holds any more

    def __enter__(self) -> None:
        blocks = _thread.blocks
        if not blocks:  # those inside begin later
            _guard(self.since)
        blocks.append(self)

    def __exit__(self, *error: object) -> None:
        blocks = _thread.blocks
        blocks.remove(self)
        if not blocks:
            _end(self.since)

    def given(self) -> list[Any]:
        """The leaves that the function has, too."""
        return [y for y in self.leaves[0] if _value(y)._buffer not in self.own] if self.leaves else []

    def free(self, leaf: Any) -> None:
        """Let a leaf that the function has go on as a function of one that nobody else has."""
        x = _value(leaf)
        row, plan = x._buffer, planner.plan(REGISTRY["clone"], (layouts.all[x._layout],), ())
        with machine.pinned():
            history.rewrite(x, plan, 1, [row])
            own = call.tensor_of(row, machine.tensor_type)
            buffers["flags"][row] &= ~history.KIND_OF_VIEW & 0xFFFFFFFF
            if leaf is not x:  # of a batch
                value, own = own, leaf.__copy__()
                own._value = value
        self.own.append(row)
        for leaves in self.leaves:
            leaves[:] = [own if y is leaf else y for y in leaves]


class _Thread(threading.local):
    def __init__(self) -> None:
        self.blocks: list[keeping] = []
        self.aside = False


_thread = _Thread()
_lock = threading.Lock()
_starts: list[tuple[int, int]] = []  # of the first blocks of all threads
_guarded = memoryview(machine.state["guarded"])  # half the time of NumPy's


def _guard(since: tuple[int, int]) -> None:
    if dispatch.keeper is None:
        dispatch.keeper = sys.modules[__name__]
    with _lock:
        _starts.append(since)
        _guarded[0] = 1 + _first(min(_starts) if len(_starts) > 1 else since)  # an earlier one is of an earlier tape


def _end(since: tuple[int, int]) -> None:
    with _lock:
        _starts.remove(since)
        _guarded[0] = 1 + _first(min(_starts)) if _starts else 0


def _first(since: tuple[int, int]) -> int:
    """The first instruction after a moment that is still known: the tape may have been compacted."""
    return since[1] if since[0] == marking.compactions(0) else 0


def make_way(x: Any) -> None:
    """Before a tensor is written to: move what this thread's blocks keep of its memory."""
    if not _thread.blocks or _thread.aside:
        return
    _thread.aside, recording = True, call.set_recording(False)
    try:
        root = _root(x)
        for block in _thread.blocks:
            for y in block.given():
                if _root(_value(y)) is root:
                    history.let_write(_value(y))
                    block.free(y)
        start = _first(_thread.blocks[0].since)
        while found := max([call.kept_of(owner, start) for owner in _owners(int(buffers["owner"][x._buffer]))]):
            if not _move(found & 0xFFFFFFFF):
                start = (found >> 32) + 1
    finally:
        call.set_recording(recording)
        _thread.aside = False


def beside(x: Any, v: Any) -> Any:
    """What is kept of an operand of a write to `x`: in a block a copy of what lies in the same memory, which counts as
    overwritten."""
    if not _thread.blocks or isinstance(v, int) or buffers["owner"][v._buffer] != buffers["owner"][x._buffer]:
        return v
    return dispatch.apply(REGISTRY["clone"], (v,))


def _owners(owner: int) -> list[int]:
    """The rows that own the bytes of one, some of which count writes apart (`x.data`)."""
    flags, lender = buffers["flags"], buffers["producer"]
    if flags[owner] & rec.BORROWED:
        owner = int(lender[owner])
    if not flags[owner] & rec.LENT:
        return [owner]
    n = int(machine.state["n_buffers"][0])
    borrowed = (flags[:n] & (rec.BORROWED | rec.FREE) == rec.BORROWED) & (lender[:n] == owner)
    return [owner, *np.flatnonzero(borrowed).tolist()]


def _value(x: Any) -> Any:
    return x if dispatch.lanes is None else dispatch.lanes.under(x)


def _root(x: Any) -> Any:
    return x if x._base is None else x._base


def _move(row: int) -> bool:
    """Let a row of the tape lie on a copy; False of a leaf of the program's, which has to stay the one that it is."""
    capturing.refuse("it writes over what it is differentiated by, forwards")
    with machine.pinned(), lessons.aside():
        x = call.tensor_of(row, machine.tensor_type) if buffers["tensor"][row] else None
        for block in _thread.blocks:
            for y in block.given():
                if _value(y) is x and not buffers["producer"][row]:
                    block.free(y)
        if x is not None and x._buffer == row and not any(row in block.own for block in _thread.blocks):
            if history.given_to(row) or (history.requires(x) and not buffers["producer"][row]):
                return False
            _go_on(x)
        left = call.tensor_of(row, machine.tensor_type)
        data_assignment.settle_row(left, _copy(left))
    return True


def _go_on(x: Any) -> None:
    """Let a tensor stand for another row of its memory, which has the history of that which it leaves."""
    old, flags = x._buffer, buffers["flags"]
    row = call.fresh_row(x._layout, int(buffers["owner"][old]), int(buffers["address"][old]))
    if flags[old] & rec.REQUIRES_GRAD:
        call.record_view(planner.plan(REGISTRY["alias"], (layouts.all[x._layout],), ()).index, row, 1, 0, old)
    else:
        flags[row] |= int(flags[old]) & rec.VIEWED
    buffers["version"][row] = buffers["version"][old]
    history.move(x, row)


def _copy(x: Any) -> Any:
    """A copy that lies as the tensor does, gaps and all."""
    layout = layouts.all[x._layout]
    if layout.dense:
        return dispatch.apply(REGISTRY["clone"], (x,))
    span = layouts.intern(layout.dtype, (layout.nbytes // layout.dtype.itemsize,))
    made = dispatch.apply(REGISTRY["clone"], (_seen(x, span.id),))
    return _seen(made, x._layout)


def _seen(x: Any, layout: int) -> Any:
    """The memory of a tensor from where that begins, as another layout."""
    owner, address = (int(buffers[name][x._buffer]) for name in ("owner", "address"))
    return call.tensor_of(call.fresh_row(layout, owner, address), machine.tensor_type)
