"""Every call through Python, which has something to do with each: hooks on what is saved, or a note of where it was.

Meanwhile no call finds its plan or its recipe by itself: the machine is shown empty tables.
"""
from __future__ import annotations

import threading

from tapegrad.machine.learning import lessons
from tapegrad.machine.live import machine
from tapegrad.machine.startup import address_of, reserve

_lock = threading.Lock()
_active = 0  # reasons, of all threads
_no_plans = reserve("u8", len(machine.table))
_TABLES = {"table": address_of(machine.table), "recipes": address_of(machine.recipes)}
_EMPTY = address_of(_no_plans)


def count(step: int) -> None:
    """Count a reason in or out, and let the machine find plans only where there is none."""
    global _active
    machine.keep_as_written(step)
    with _lock:
        _active += step
        for name, address in _TABLES.items():
            machine.state[name] = _EMPTY if _active else address
        machine.state["teach"] = 0 if _active else id(lessons.teach)
