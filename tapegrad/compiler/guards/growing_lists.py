"""Lists and deques that code appends to and does not look at: what they hold is no condition, and they may grow.

Where a list is, is a name, an attribute (of any object) or an item of a dict under a text. What code does with what it
finds there is read off its bytecode, everywhere: where all it does is to ask for `append` and `extend`, or to hand it
to a function that does no more, it cannot see what the list holds. An object's attributes, and a dict's items, are got
at by these names alone, or none is trusted; of a dict's items, also under keys that are computed, to append to these.
"""
from __future__ import annotations

import collections
import functools
import sys
import types
from collections.abc import Iterable, Sequence
from typing import Any

from tapegrad.compiler.guards import trusted_values
from tapegrad.compiler.guards.bytecode import Code, read
from tapegrad.compiler.guards.contents import Watched, is_python
from tapegrad.compiler.guards.value_uses import uses_of_argument
from tapegrad.machine.learning import capturing

Held = tuple[str, ...]  # "name", "attribute" or "item", and which; of an item also where its dict is
Log = Any  # a list or a deque
LOGS = (list, collections.deque)
_DICTS = (dict, collections.defaultdict, collections.OrderedDict)
_TWICE = 3  # references to what a deque has, and a list, and who asks
_ELSE = ("", "")
_APPENDS = {("attribute", "append"), ("attribute", "extend")}
# What asks for all that an object holds, or for the list that a method is of.
LOOKING = {"__self__", "__getstate__", "__reduce__", "__reduce_ex__", "asdict", "astuple", "copy", "deepcopy",
           "pformat", "replace", "save", "state_dict"}


class GrowingLists:
    """The lists that a function reaches at some `places`, as `logs` by identity, if code does nothing but append."""

    places: frozenset[Held]

    def __init__(self, places: frozenset[Held]) -> None:
        self.places = places
        self.logs: dict[int, Log] = {}
        self._lists: list[tuple[Held, Any, Log]] = []  # where lists are found, in what, and they themselves
        self._named: dict[str, list[Any]] = {}  # what stands under names
        self._holders: dict[int, set[Held | None]] = {}  # where dicts are found
        self._uses: dict[Held, set[tuple[str, ...]]] = {}

    def read(self, pieces: Iterable[Code]) -> None:
        """Note what code does with what it finds."""
        for use in frozenset().union(*(piece.uses for piece in pieces)):
            self._uses.setdefault(use[:2], set()).add(use[2:] if use.then in ("item", "any") else use[2:4])

    def asked_for(self, name: str) -> None:
        """Code asks for an attribute in another way, as by `getattr`."""
        self._uses.setdefault(("attribute", name), set()).add(_ELSE)

    def found(self, value: Any, held: Held | None, owner: Any) -> bool:
        """A value was found there: whether it is a list of those."""
        if type(value) in _DICTS:
            self._holders.setdefault(id(value), set()).add(held)
        if held is not None and held[0] == "name":
            self._named.setdefault(held[1], []).append(value)
        if type(value) not in LOGS or held is None:
            return False
        if held[0] == "item":
            holders = [h for h in self._holders[id(owner)] if h is not None]
            if len(holders) < len(self._holders[id(owner)]):
                return False
            held = (*held, *min(holders))
        self._lists.append((held, owner, value))
        if held in self.places:
            self.logs[id(value)] = value
        return held in self.places

    def called(self, value: Any) -> str:
        """What a list is called, for a message."""
        return next((f" ({held[1]})" for held, _, several in self._lists if several is value), "")

    def are_seen(self) -> bool:
        """Whether code may look at any of them."""
        return any(held in self.places and not self._only_appended(held, owner) for held, owner, _ in self._lists)

    def grown(self, watched: Iterable[Watched]) -> frozenset[Held]:
        """Where lists are that hold more than they did, and to which code does nothing but append."""
        parts = {id(w.value): w.parts for w in watched if w.kind in LOGS}
        return frozenset(held for held, owner, several in self._lists if id(several) in parts
                         and _may_have_grown(parts[id(several)], several) and self._only_appended(held, owner))

    def _only_appended(self, held: Held, owner: Any) -> bool:
        if held[0] != "item":
            return self._append(self._uses.get(held, {_ELSE}))
        found = []
        for h in self._holders.get(id(owner), {None}):
            if h is None or h[0] == "item":
                return False
            for use in self._uses.get(h, {_ELSE}):
                if use[0] == "any" or use[:2] == held[:2]:
                    found.append(use[2:])
                elif use[0] != "item" and (use[0] != "change" or use[1] == held[1]):
                    return False
        return bool(found) and self._append(found)

    def _append(self, uses: Iterable[tuple[str, ...]], met: frozenset[Any] = frozenset()) -> bool:
        """Whether code only appends: all that some uses of a value are, and those of what it is passed as."""
        for use in uses:
            if use in _APPENDS:
                continue
            name, _, position = use[1].partition(" ")
            functions = self._named.get(name, []) if use[0] == "passed" else []
            if not functions or any(not _is_users(f) for f in functions):
                return False
            for one in {(f.__code__, int(position)) for f in functions} - met:
                if not self._append(uses_of_argument(*one), met | {one}):
                    return False
        return True


def _is_users(function: Any) -> bool:
    return type(function) is types.FunctionType and not capturing.is_library(function.__code__.co_filename)


def _may_have_grown(had: Sequence[Any], log: Log) -> bool:
    if type(log) is list:
        return len(log) > len(had) and all(a is b for a, b in zip(log, had))
    return [*map(id, log)] != [*map(id, had)]  # nothing is done to it but that


class Growth:
    """What a list held before a call, by which what is appended to it is found."""

    log: Log
    had: list[Any]

    def __init__(self, log: Log) -> None:
        # A deque that is full drops what it held, and may be given the same things again. Its last item tells how many
        # are new, if nobody else has it who could append it: of a fraction there is another object of the same value.
        drops = type(log) is not list and log.maxlen is not None and len(log) > 0
        fraction = drops and type(log[-1]) is float
        if fraction:
            log[-1] *= 1.0
        self.log, self.had = log, [*log]
        self.is_known: bool = not drops or fraction or sys.getrefcount(log[-1]) == _TWICE

    def items(self) -> list[Any] | None:
        """What is appended; None where more has happened to it."""
        now, had = [*self.log], self.had
        end = len(had)
        if had and getattr(self.log, "maxlen", None) is not None:
            end = next((i for i, item in enumerate(now) if item is had[-1]), -1) + 1
            had = had[len(had) - end:]
        return now[end:] if len(now) >= end and all(a is b for a, b in zip(now, had)) else None

    def take_back(self) -> None:
        """It holds what it held."""
        if type(self.log) is list:
            del self.log[len(self.had):]
        else:
            self.log.clear()
            self.log.extend(self.had)


def place_of(watched: Watched, i: int) -> Held | None:
    """Where part `i` of an object or a dict is, if only code that has been read gets at it."""
    if watched.kind in _DICTS:
        return ("item", watched.keys[i]) if i < len(watched.keys) and type(watched.keys[i]) is str else None
    place = watched.place(i)
    if place is None or type(place[1]) is not str or watched.kind is list:
        return None
    bases = [c for c in watched.kind.__mro__ if c is not object]
    library = [c for c in bases if trusted_values.is_class(c)]
    if watched.kind in library or not all(map(is_python, bases)) or any(place[1] in _names_in(c) for c in library):
        return None
    return "attribute", place[1]


@functools.cache
def _names_in(cls: type) -> frozenset[str]:
    """The names that the methods of a class of a library ask for."""
    functions = [getattr(m, "fget", None) or getattr(m, "__func__", m) for m in vars(cls).values()]
    return frozenset().union(*(
        piece.code.co_names for f in functions if isinstance(f, types.FunctionType) for piece in read(f.__code__)))
