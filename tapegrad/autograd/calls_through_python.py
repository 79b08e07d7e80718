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


def count(step: int) -> None:
    """Count a reason in or out, and let the machine find plans only where there is none."""
    global _active
    machine.keep_as_written(step)
    with _lock:
        _active += step
        machine.state["table"] = address_of(_no_plans if _active else machine.table)
        machine.state["recipes"] = address_of(_no_plans if _active else machine.recipes)
        machine.state["teach"] = 0 if _active else id(lessons.teach)
