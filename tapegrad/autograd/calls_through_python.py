"""Every call through Python, which has something to do with each: hooks on what is saved, or a note of where it was.

Meanwhile no call finds its plan or its recipe by itself: the machine is shown empty tables.
"""
from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from tapegrad.machine.learning import lessons
from tapegrad.machine.live import machine
from tapegrad.machine.startup import address_of, reserve

# Whether somebody wants to see every operation (`inspect.running`): then nothing is packed, and nothing run again.
looked_into = False
_lock = threading.Lock()
_active = 0  # reasons, of all threads
_no_plans = reserve("u8", len(machine.table))
_EMPTY = address_of(_no_plans)
_WORDS = [  # what they hold where there is no reason, and where there is one
    (machine.state["table"], address_of(machine.table), _EMPTY),
    (machine.state["recipes"], address_of(machine.recipes), _EMPTY),
    (machine.state["teach"], id(lessons.teach), 0),
]


class _Thread(threading.local):
    as_written = 0


thread: _Thread = _Thread()


@contextlib.contextmanager
def compiled_as_written() -> Iterator[None]:
    """Compiled functions that this thread calls meanwhile run as they are written, each operation by itself."""
    machine.keep_as_written(1)
    thread.as_written += 1
    try:
        yield
    finally:
        thread.as_written -= 1
        machine.keep_as_written(-1)


def count(step: int) -> None:
    """Count a reason in or out, and let the machine find plans only where there is none."""
    global _active
    machine.keep_as_written(step)
    with _lock:
        before, _active = _active, _active + step
        if bool(before) != bool(_active):
            for word, plain, meanwhile in _WORDS:
                word[0] = meanwhile if _active else plain
