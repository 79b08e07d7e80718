"""How the machine comes to run: its tables mapped, its object code loaded, the native tensor type made."""
from __future__ import annotations

from tapegrad.machine.startup import object_code
from tapegrad.machine.startup.machine import Machine, Slots, Workspace, address_of, reserve

__all__ = ["Machine", "Slots", "Workspace", "address_of", "object_code", "reserve"]
