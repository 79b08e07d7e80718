"""How the machine comes to run: `machine` maps its tables, loads its code and holds both (start there).

`object_code` finds the code; `trampolines` is the text of what CPython calls, `python_objects` makes functions and
types of it; `memory` reserves address space.
"""
from __future__ import annotations

from tapegrad.machine.startup import object_code
from tapegrad.machine.startup.machine import Machine, Workspace
from tapegrad.machine.startup.memory import MAX_LAYOUTS, MAX_PLANS, address_of, require_memory, reserve
from tapegrad.machine.startup.trampolines import Slots

__all__ = ["MAX_LAYOUTS", "MAX_PLANS", "Machine", "Slots", "Workspace", "address_of", "object_code", "require_memory",
           "reserve"]
