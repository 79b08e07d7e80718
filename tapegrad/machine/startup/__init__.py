"""What a machine is made of when it starts: `runtime.py`, beside this room, puts it together.

`object_code` finds the code; `trampolines` is the text of what CPython calls, `python_objects` makes functions and
types of it; `memory` reserves address space; `frames` says where CPython has the frame that runs.
"""
from __future__ import annotations

from tapegrad.machine.startup import frames, object_code, python_objects, trampolines
from tapegrad.machine.startup.memory import (
    MAX_LAYOUTS,
    MAX_PLANS,
    address_of,
    bytes_from,
    map_pages,
    require_memory,
    reserve,
    reserve_tables,
    trim_heap,
)
from tapegrad.machine.startup.python_objects import METH_FASTCALL, METH_KEYWORDS, METH_NOARGS, METH_O, call_by_vector
from tapegrad.machine.startup.trampolines import Slots

__all__ = ["MAX_LAYOUTS", "MAX_PLANS", "METH_FASTCALL", "METH_KEYWORDS", "METH_NOARGS", "METH_O", "Slots", "address_of",
           "bytes_from", "call_by_vector", "frames", "map_pages", "object_code", "python_objects", "require_memory",
           "reserve", "reserve_tables", "trampolines", "trim_heap"]
