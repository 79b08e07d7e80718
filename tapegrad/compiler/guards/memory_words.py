"""Conditions that are words of memory: where CPython and this library keep what may change, and what they hold there.

Each is an address, a mask and a value, and is compared by native code before a replay. Whoever makes one sees to it
that the object at the address, and the one that the value stands for, live as long.
"""
from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.instance import machine

Word = tuple[int, int, int]
_WHOLE, _LOW = (1 << 64) - 1, (1 << 32) - 1
_KIND, _LENGTH = 8, 16  # ob_type; of a dict the number of its keys, of a cell what it holds
_buffers = machine.buffers
_ROW, _ROWS = _buffers.dtype.itemsize, int(machine.state["buffers"][0])
# Whole words: with the flags comes the producer, with the owner the layout.
_FLAGS, _ADDRESS, _OWNER = (rec.offset_of(rec.BUFFER, field) for field in ("producer", "address", "layout"))
_GRAD, _STORAGE, _DICT = (rec.offset_of(rec.TENSOR, field) for field in ("grad", "buffer", "dict"))
WATCHED = rec.REQUIRES_GRAD | rec.HOOKED | rec.RETAINS


def read(address: int, nbytes: int = 8) -> int:
    return int.from_bytes(ctypes.string_at(address, nbytes), "little")


def hold(words: list[Word]) -> bool:
    """Whether all of these are as they were; those after one that is not are not looked at."""
    return all(read(address) & mask == value for address, mask, value in words)


def kind(value: Any) -> Word:
    """The class of an object, which may be assigned."""
    return id(value) + _KIND, _WHOLE, id(type(value))


def cell(cell: Any) -> Word:
    """What a variable of an enclosing function stands for."""
    return id(cell) + _LENGTH, _WHOLE, id(cell.cell_contents)


def storage(tensor: Any) -> list[Word]:
    """A tensor's class, row and layout, where and on whose storage it lies, whether it requires grad and has hooks."""
    row = tensor._buffer
    at = _ROWS + row * _ROW
    return [kind(tensor), (id(tensor) + _STORAGE, _WHOLE, row | tensor._layout << 32),
            (at + _ADDRESS, _WHOLE, int(_buffers["address"][row])),
            (at + _OWNER, _WHOLE & ~_LOW, int(_buffers["owner"][row]) << 32),
            (at + _FLAGS, WATCHED << 32, (int(_buffers["flags"][row]) & WATCHED) << 32)]


def attributes(tensor: Any) -> list[Word]:
    """A tensor's attributes, where it has none."""
    return _nothing(id(tensor) + _DICT)


def has_attributes(tensor: Any) -> bool:
    """Whether anything is hung on a tensor."""
    held = read(id(tensor) + _DICT)
    return bool(held and read(held + _LENGTH))


def _nothing(where: int) -> list[Word]:
    """That there is no dict where one may be, or an empty one."""
    held = read(where)
    return [(where, _WHOLE, held), *([(held + _LENGTH, _WHOLE, 0)] if held else [])]


def gradient(tensor: Any, found: Any) -> list[Word]:
    """Which object is a tensor's gradient, and where that lies."""
    word = (id(tensor) + _GRAD, _WHOLE, 0 if found is None else id(found))
    return [word] if found is None else [word, *storage(found)]


def _place(function: Any, part: Any) -> int:
    """Where in a function object another one is found; 0 where it is not."""
    size: Any = type(function).__basicsize__
    held = np.frombuffer(ctypes.string_at(id(function), size), "u8").tolist()
    return 8 * held.index(id(part)) if id(part) in held else 0


def _probe(one: int = 1, *, other: int = 2) -> None:
    """A function to look for the parts of."""


_PARTS = {name: _place(_probe, getattr(_probe, name)) for name in ("__code__", "__defaults__", "__kwdefaults__")}
_ATTRIBUTES = _place(_probe, _probe.__dict__)


def function(function: Any) -> list[Word]:
    """A function's code and defaults, and that it has no attributes, where it has none."""
    parts = {name: getattr(function, name) for name in _PARTS}
    found = [(id(function) + _PARTS[name], _WHOLE, 0 if part is None else id(part)) for name, part in parts.items()]
    attributed = read(id(function) + _ATTRIBUTES) and function.__dict__
    return found if attributed else found + _nothing(id(function) + _ATTRIBUTES)


def are_known() -> bool:
    """Whether this Python keeps things where they are looked for here."""
    return bool(_VERSION and _ATTRIBUTES and all(_PARTS.values()))


def _lookup(cls: type) -> None:
    """Ask for an attribute, which makes Python number the class if it has no number."""
    type.__getattribute__(cls, "__init__")


def _version_offset() -> int:
    """Where a class has the number that it loses when it or one of its bases changes; 0 if there is no such place."""
    class Probe:
        pass

    def look() -> Any:
        size: Any = type.__basicsize__
        return np.frombuffer(ctypes.string_at(id(Probe), size), "u4")

    _lookup(Probe)
    before = look()
    Probe.changed = True  # type: ignore[attr-defined]
    (lost,) = np.nonzero((before != 0) & (look() == 0))
    return 4 * int(lost[0]) if len(lost) == 1 else 0


_VERSION = _version_offset()


def version(cls: type) -> Word | None:
    """A class with its bases, as far as Python counts their changes; None where it does not."""
    _lookup(cls)
    at = id(cls) + _VERSION
    found = read(at) & _LOW
    return (at, _LOW, found) if found else None
