"""Conditions that are words of memory: where CPython and this library keep what may change, and what they hold there.

Each is an address, a mask and a value, and is compared by native code before a replay. Whoever makes one sees to it
that the object at the address, and the one that the value stands for, live as long.
"""
from __future__ import annotations

import collections
import ctypes
import functools
import sys
from collections.abc import Collection
from typing import Any

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.live import machine

Word = tuple[int, int, int]
_WHOLE, _LOW = (1 << 64) - 1, (1 << 32) - 1
# ob_type; of a dict the number of its keys, of a list that of its items, of a cell what it holds; where a list's items
# are; how far before an object the dict of its attributes.
_KIND, _LENGTH, _ITEMS, _BEFORE = 8, 16, 24, 24
_buffers = machine.buffers
_ROW, _ROWS = _buffers.dtype.itemsize, int(machine.state["buffers"][0])
# Whole words: with the flags comes the producer, with the owner the layout.
_FLAGS, _ADDRESS, _OWNER = (rec.offset_of(rec.BUFFER, field) for field in ("producer", "address", "layout"))
_GRAD, _STORAGE, _DICT = (rec.offset_of(rec.TENSOR, field) for field in ("grad", "buffer", "dict"))
WATCHED = rec.REQUIRES_GRAD | rec.HOOKED | rec.RETAINS


_word = ctypes.c_uint64.from_address  # three times as fast as `string_at` of eight bytes


def read(address: int, nbytes: int = 8) -> int:
    return _word(address).value if nbytes == 8 else int.from_bytes(ctypes.string_at(address, nbytes), "little")


def hold(words: list[Word]) -> bool:
    """Whether all of these are as they were; those after one that is not are not looked at."""
    return all(_word(address).value & mask == value for address, mask, value in words)


def kind(value: Any) -> Word:
    """The class of an object, which may be assigned."""
    return id(value) + _KIND, _WHOLE, id(type(value))


def cell(cell: Any) -> Word:
    """What a variable of an enclosing function stands for."""
    return id(cell) + _LENGTH, _WHOLE, id(cell.cell_contents)


def storage(tensor: Any, requires_grad: bool | None = None) -> list[Word]:
    """A tensor's class, row and layout, where and on whose storage it lies, whether it requires grad and has hooks.

    Whether it is to require grad may be given, where it does not say so now.
    """
    row = tensor._buffer
    flags = int(_buffers["flags"][row]) & WATCHED
    if requires_grad is not None:
        flags = flags & ~rec.REQUIRES_GRAD | (rec.REQUIRES_GRAD if requires_grad else 0)
    at = _ROWS + row * _ROW
    return [kind(tensor), (id(tensor) + _STORAGE, _WHOLE, row | tensor._layout << 32),
            (at + _ADDRESS, _WHOLE, int(_buffers["address"][row])),
            (at + _OWNER, _WHOLE & ~_LOW, int(_buffers["owner"][row]) << 32),
            (at + _FLAGS, WATCHED << 32, flags << 32)]


def is_hooked(tensor: Any) -> bool:
    return bool(int(_buffers["flags"][tensor._buffer]) & rec.HOOKED)


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


def _place(value: Any, part: Any) -> int:
    """Where in an object, such as a function, another one is found; 0 where it is not."""
    size: Any = type(value).__basicsize__
    held = np.frombuffer(ctypes.string_at(id(value), size), "u8").tolist()
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


def _dict_version() -> int:
    """Where a dict has the number that is another after every change, and nowhere else; 0 if there is no such place."""
    class Probe:
        pass

    def look(table: dict[str, Any]) -> Any:
        size: Any = dict.__basicsize__
        return np.frombuffer(ctypes.string_at(id(table), size), "u8")[1:]

    def changes(table: dict[str, Any], change: Any) -> Any:
        before = look(table)
        change()
        return look(table) != before

    one, probe = {"a": 1, "b": 2}, Probe()
    probe.a, probe.b = 1, 2  # type: ignore[attr-defined]
    seen = [changes(one, lambda: one.update(a=3)), changes(vars(probe), lambda: setattr(probe, "a", 3))]
    (at,) = np.nonzero(seen[0])
    if len(at) != 1 or not all(s[at[0]] for s in seen):
        return 0
    for value in range(64):  # in a loop Python takes shorter ways
        before = look(vars(probe))
        probe.b = value  # type: ignore[attr-defined]
        if look(vars(probe))[at[0]] == before[at[0]]:
            return 0
    return 8 * int(at[0]) + 8


def _lists_are_known() -> bool:
    one = [_probe, _dict_version]
    return read(id(one) + _LENGTH) == 2 and [read(read(id(one) + _ITEMS) + 8 * i) for i in range(2)] == [*map(id, one)]


_DICT_VERSION, _LISTS = _dict_version(), _lists_are_known()

# Where Python counts no changes of dicts, each key and value is a word. Of a dict: where its keys are, and its values
# if it shares its keys with the attributes of other objects.
_KEYS, _VALUES = 32, 40
# Of keys: the logarithm of how many bytes of indices stand before them, of which form they are, how many there are.
_INDEX, _FORM, _COUNT, _INDICES = 9, 10, 24, 32
_HASHED = 0  # the form that has a hash before each key
# Of values apart from their keys: room for how many there is, how many there are, where the first is; behind the last
# one's room, a byte each, in which order they were set. Before 3.13, going down from the first: how long that is, how
# many there are, and the order.
_ROOM, _SET, _FIRST = 0, 1, 8
_ENTRIES = (3, 11) <= sys.version_info[:2] <= (3, 13)  # no later Python is known to keep them there
_DOWN = sys.version_info[:2] < (3, 13)


def _entries(table: dict[Any, Any], left_out: Collection[int] = ()) -> list[Word] | None:
    """What a dict holds, word by word, some apart; None where that is not what Python says it holds."""
    at = id(table)
    keys, values = read(at + _KEYS), read(at + _VALUES)
    count, form = read(keys + _COUNT), read(keys + _FORM, 1)
    words = [(at + _LENGTH, _WHOLE, len(table)), (at + _KEYS, _WHOLE, keys), (at + _VALUES, _WHOLE, values)]
    if values and _DOWN:
        several = read(values - 2, 1)
        words += [(at, _WHOLE, read(at)) for at in range(values - 8, values - 10 - several, -8)]
        places = [values + 8 * i for i in reversed(ctypes.string_at(values - 2 - several, several))]
    elif values:
        first, order = values + _FIRST, values + _FIRST + 8 * read(values + _ROOM, 1)
        several = read(values + _SET, 1)
        words.append((values, 0xFFFF, read(values) & 0xFFFF))
        for i in range(0, several, 8):
            mask = (1 << 8 * min(several - i, 8)) - 1
            words.append((order + i, mask, read(order + i) & mask))
        places = [first + 8 * i for i in ctypes.string_at(order, several)]
    else:
        size = 16 + 8 * (form == _HASHED)
        first = keys + _INDICES + (1 << read(keys + _INDEX, 1)) + size - 16
        words.append((keys + _COUNT, _WHOLE, count))
        words += [(first + size * i, _WHOLE, read(first + size * i)) for i in range(count)]
        places = [first + 8 + size * i for i in range(count)]
    held = [(place, _WHOLE, read(place)) for place in places]
    if [value for _, _, value in held if value] != [*map(id, table.values())]:
        return None
    out = {place for i, place in enumerate(place for place, _, value in held if value) if i in left_out}
    return words + [word for word in held if word[0] not in out]


def table(table: dict[Any, Any], left_out: Collection[int] = ()) -> list[Word] | None:
    """What a dict holds: how often Python counts it as changed, or all of it; None where neither is known.

    Some of its values may be `left_out`, by their numbers.
    """
    if left_out or not _DICT_VERSION:
        return _entries(table, left_out) if _ENTRIES else None
    at = id(table) + _DICT_VERSION
    return [(at, _WHOLE, read(at))]


def attributed(value: Any, held: dict[Any, Any], left_out: Collection[int] = ()) -> list[Word] | None:
    """An object's class and attributes, which are in this dict; None where it is not known how that is found."""
    offset: Any = type(value).__dictoffset__
    at = id(value) + (offset if offset > 0 else -_BEFORE)
    found = table(held, left_out)
    return None if found is None or read(at) != id(held) else [kind(value), (at, _WHOLE, id(held)), *found]


_FACTORY: Any = dict.__basicsize__  # where a defaultdict has its factory, if it is where it is looked for


def _factories_are_known() -> bool:
    one: collections.defaultdict[str, list[Any]] = collections.defaultdict(list)
    return read(id(one) + _FACTORY) == id(list)


_FACTORIES = _factories_are_known()


def with_default(held: collections.defaultdict[Any, Any]) -> list[Word] | None:
    """What a `defaultdict` holds, and what makes what it does not."""
    found = table(held)
    factory = held.default_factory
    return (found and _FACTORIES and [kind(held), (id(held) + _FACTORY, _WHOLE, 0 if factory is None else id(factory)),
                                     *found]) or None


_USED = 24  # where a set has the number of its elements, if it is where it is looked for


def _sets_are_known() -> bool:
    one = {1, 2, 3}
    one.discard(1)
    return read(id(one) + _USED) == 2 and read(id({4}) + _USED) == 1


_SETS = _sets_are_known()


def no_elements(held: set[Any]) -> list[Word] | None:
    """That there is nothing in a set, where that is so: changes of one that holds something are not counted."""
    return [kind(held), (id(held) + _USED, _WHOLE, 0)] if _SETS and not held else None


def nothing_in_order(held: collections.OrderedDict[Any, Any]) -> list[Word] | None:
    """That there is nothing in an `OrderedDict`, where that is so: of one that holds something Python does not count
    all changes."""
    at: Any = type(held).__dictoffset__
    return None if held or at <= 0 else [kind(held), (id(held) + _LENGTH, _WHOLE, 0), *_nothing(id(held) + at)]


def _places_in_partial() -> dict[str, int]:
    one = functools.partial(_probe, 1, other=2)
    return {name: _place(one, getattr(one, name)) for name in ("func", "args", "keywords")}


_IN_PARTIAL = _places_in_partial()


def partial(held: functools.partial[Any]) -> list[Word] | None:
    """What a `partial` is made of, and that it has no attributes, where it has none."""
    at: Any = functools.partial.__dictoffset__
    if at <= 0 or not all(_IN_PARTIAL.values()) or vars(held):
        return None
    return [kind(held), *((id(held) + place, _WHOLE, id(getattr(held, name))) for name, place in _IN_PARTIAL.items()),
            *_nothing(id(held) + at)]


def items(several: list[Any], held: list[Any]) -> list[Word] | None:
    """What a list holds: first where that is, for there may be something else by then."""
    start = read(id(several) + _ITEMS)
    return [(id(several) + _LENGTH, _WHOLE, len(held)), (id(several) + _ITEMS, _WHOLE, start),
            *((start + 8 * i, _WHOLE, id(item)) for i, item in enumerate(held))] if _LISTS else None


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
