"""Lists that code appends to and does not look at: what they hold is no condition, and they may grow.

Where a list is, is a name, an attribute (of any object) or an item of a dict under a text. What code does with what it
finds there is read off its bytecode, everywhere: where all it does is to ask for `append` and `extend`, it cannot see
what the list holds. An object's attributes, and a dict's items, are got at by these names alone, or none is trusted.
"""
from __future__ import annotations

import functools
import types
from collections.abc import Iterable
from typing import Any

from tapegrad.compiler.guards import trusted_values
from tapegrad.compiler.guards.bytecode import Code, read
from tapegrad.compiler.guards.contents import Watched, is_python

Held = tuple[str, str]  # "name", "attribute" or "item", and which
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
        self.logs: dict[int, list[Any]] = {}
        self._lists: list[tuple[Held, Any, list[Any]]] = []  # where lists are found, in what, and they themselves
        self._holders: dict[int, set[Held | None]] = {}  # where dicts are found
        self._uses: dict[Held, set[tuple[str, str]]] = {}

    def read(self, pieces: Iterable[Code]) -> None:
        """Note what code does with what it finds."""
        for use in frozenset().union(*(piece.uses for piece in pieces)):
            self._uses.setdefault(use[:2], set()).add(use[2:])

    def asked_for(self, name: str) -> None:
        """Code asks for an attribute in another way, as by `getattr`."""
        self._uses.setdefault(("attribute", name), set()).add(_ELSE)

    def found(self, value: Any, held: Held | None, owner: Any) -> bool:
        """A list or dict was found there: whether it is a list of those."""
        if type(value) is dict:
            self._holders.setdefault(id(value), set()).add(held)
        if type(value) is not list or held is None:
            return False
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
        parts = {id(w.value): w.parts for w in watched if w.kind is list}
        return frozenset(
            held for held, owner, several in self._lists if id(several) in parts
            and len(several) > len(parts[id(several)]) and all(a is b for a, b in zip(several, parts[id(several)]))
            and self._only_appended(held, owner))

    def _only_appended(self, held: Held, owner: Any) -> bool:
        if not self._uses.get(held, {_ELSE}) <= _APPENDS:
            return False
        return held[0] != "item" or all(
            h is not None and h[0] != "item" and all(then == "item" or (then == "change" and what != held[1])
                                                     for then, what in self._uses.get(h, {_ELSE}))
            for h in self._holders.get(id(owner), {None}))


def place_of(watched: Watched, i: int) -> Held | None:
    """Where part `i` of an object or a dict is, if only code that has been read gets at it."""
    place = watched.place(i)
    if place is None or type(place[1]) is not str or watched.kind is list:
        return None
    if watched.kind is dict:
        return "item", place[1]
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
