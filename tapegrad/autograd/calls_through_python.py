"""Every call through Python, which has something to do with each: hooks on what is saved, or a note of where it was.

Meanwhile no call finds its plan or its recipe by itself: the machine is shown empty tables.
"""
from __future__ import annotations

import threading

from tapegrad.autograd.blocks import Block
from tapegrad.machine.learning import lessons
from tapegrad.machine.live import machine
from tapegrad.machine.startup import address_of, reserve

# Whether somebody wants to see every operation (`inspect.running`): then nothing is packed, and nothing run again.
looked_into = False
_lock = threading.Lock()
_reasons: set[object] = set()  # of all threads
_as_written: set[object] = set()  # blocks of all threads in which compiled functions run as they are written
_no_plans = reserve("u8", len(machine.table))
_EMPTY = address_of(_no_plans)
_WORDS = [  # what they hold where there is no reason, and where there is one
    (machine.state["table"], address_of(machine.table), _EMPTY),
    (machine.state["recipes"], address_of(machine.recipes), _EMPTY),
    (machine.state["teach"], id(lessons.teach), 0),
]


class _Thread(threading.local):
    as_written: frozenset[object] = frozenset()


thread: _Thread = _Thread()


class compiled_as_written(Block):
    """Compiled functions that this thread calls meanwhile run as they are written, each operation by itself."""

    __slots__ = ()

    def _begin(self, entry: object) -> None:
        thread.as_written |= {entry}
        _as_written.add(entry)
        _settle()

    def _end(self, entry: object) -> None:
        thread.as_written -= {entry}
        _as_written.discard(entry)
        _settle()


def hold(reason: object) -> None:
    """Have every call go through Python for a reason, which there may be already."""
    _reasons.add(reason)
    _settle()


def drop(reason: object) -> None:
    """A reason less, if there was that; the machine finds plans only where there is none."""
    _reasons.discard(reason)
    _settle()


def _settle() -> None:
    with _lock:
        for word, plain, meanwhile in _WORDS:
            word[0] = meanwhile if _reasons else plain
        machine.keep_as_written(bool(_reasons or _as_written))
