"""The tape as something to read: snapshots of it, their text, checks, files and replays.

Start with `Tape` in `tape.tape`; `reading` is what the engine shares with it.
"""
from __future__ import annotations

from typing import Any

_HOMES = {"Tape": "tape", "TapeError": "notation",
          "TapeFormatError": "notation", "ParseError": "text", "record": "recorder", "live": "summary"}
__all__ = ["ParseError", "Tape", "TapeError", "TapeFormatError", "live", "record"]


def __getattr__(name: str) -> Any:
    """Loaded when first asked for: the engine needs `reading` alone."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tapegrad.tape' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"tapegrad.tape.{_HOMES[name]}"), name)
