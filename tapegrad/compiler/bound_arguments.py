"""Models, optimisers and functions that are passed first: a call with some is one of a function that has them by name.

So whatever can be seen of a value that is reached by name is seen of these, and for each set of them there is a
compiled function of the other arguments.

That function holds its objects, and is held by a parameter of theirs, where they lead to one: a cycle, which goes when
nobody else holds the objects. Were it held here, a model would live as long as the step that it was passed to; in a
weak table as well, for what that holds leads back to its keys.
"""
from __future__ import annotations

import functools
import types
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

import numpy as np

from tapegrad.compiler.guards.contents import MISSING, Transparent, can_be_watched, content_of, dict_of, is_simple
from tapegrad.machine.live import machine

MOST = 8  # sets of objects that are known
MOST_SEEN = 1000  # objects, on the way to a leaf
MOST_DROPPED = 32  # sets in the place of which came others
_FUNCTIONS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, Transparent)
_OTHERS = (tuple, list, dict, set, frozenset, slice, np.ndarray)


def is_object(value: Any) -> bool:
    """Whether a value is a function, or an object with attributes, and no data."""
    if isinstance(value, _FUNCTIONS):
        return True
    return not (isinstance(value, (machine.TensorBase, type, *_OTHERS)) or is_simple(value)) and can_be_watched(value)


def _parts(value: Any) -> Iterable[Any]:
    """What an object, a function or a container leads to."""
    if isinstance(value, types.MethodType):
        return value.__self__, value.__func__
    if isinstance(value, functools.partial):
        return value.func, *value.args, *value.keywords.values()
    if isinstance(value, types.FunctionType):
        return [cell for cell in map(content_of, value.__closure__ or ()) if cell is not MISSING]
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, (tuple, list, set, frozenset)):
        return value
    if isinstance(value, Transparent):
        return (value.__wrapped__,)
    return (dict_of(value) or {}).values() if is_object(value) else ()


def _anchor(objects: Sequence[Any]) -> Any:
    """The first leaf that objects lead to, as a parameter of a model; None if none is near."""
    waiting, seen = deque(objects), {*map(id, objects)}
    while waiting and len(seen) < MOST_SEEN:
        value = waiting.popleft()
        if isinstance(value, machine.TensorBase):
            if value.is_leaf:
                return value
            continue
        for part in _parts(value):
            if not is_simple(part) and id(part) not in seen:
                seen.add(id(part))
                waiting.append(part)
    return None


class _Kept(dict[Any, Any]):
    """Functions by their objects, where a leaf keeps them."""

    __slots__ = ("__weakref__",)


class Bound:
    """The compiled functions of the other arguments, by the objects that come first and those with names."""

    def __init__(self) -> None:
        self._found: dict[Any, ReferenceType[Any]] = {}
        self._places: dict[Any, ReferenceType[_Kept]] = {}  # where they are kept
        self._kept = _Kept()  # those of objects that lead to no leaf
        self.forms: list[tuple[int, tuple[str, ...]]] = []  # how many come first, and which have names
        self._dropped = 0

    @property
    def functions(self) -> list[Any]:
        """Those there are."""
        return [function for found in list(self._found.values()) if (function := found()) is not None]

    def known(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any] | None:
        """What a call gives, in a tuple, if its objects were met before.

        They are known by address, for the function that is found holds them.
        """
        for count, names in self.forms:
            if names and not kwargs.keys() >= {*names}:
                continue
            found = self._found.get((*map(id, args[:count]), *[id(kwargs[name]) for name in names], count, names))
            if found is not None and (function := found()) is not None:
                rest = {name: value for name, value in kwargs.items() if name not in names} if names else kwargs
                return (function(*args[count:], **rest),)
        return None

    def call(self, compiled: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any] | None:
        """The same for objects that are new; None where no argument is such an object, or others come all the time."""
        if self._dropped >= MOST_DROPPED:  # it gives up, and holds nothing
            self._drop(*self._found)
            return None
        count = next((i for i, value in enumerate(args) if not is_object(value)), len(args))
        names = tuple([name for name, value in kwargs.items() if is_object(value)])
        if not (count or names):
            return None
        self._drop(*[key for key, found in self._found.items() if found() is None])
        if len(self._found) >= MOST:
            self._dropped += 1
            self._drop(next(iter(self._found)))
        objects = *args[:count], *[kwargs[name] for name in names]
        made = type(compiled)(functools.partial(compiled.__wrapped__, *args[:count], **{n: kwargs[n] for n in names}),
                              *compiled.options)
        made.__name__ = getattr(compiled, "__name__", "function")
        key = (*map(id, objects), count, names)
        kept = self._kept_by(_anchor(objects))
        kept[key], self._found[key], self._places[key] = made, ref(made), ref(kept)
        if (count, names) not in self.forms:
            self.forms.append((count, names))
        return self.known(args, kwargs)

    def _kept_by(self, leaf: Any) -> _Kept:
        """Where a leaf keeps functions for this, as long as both live."""
        if leaf is None:
            return self._kept
        by_owner = machine.call.companion_of(leaf)
        if by_owner is None:
            by_owner = WeakKeyDictionary()
            machine.call.accompany(leaf, by_owner)
        kept: _Kept = by_owner.setdefault(self, _Kept())
        return kept

    def _drop(self, *keys: Any) -> None:
        for key in keys:
            self._found.pop(key, None)
            place = self._places.pop(key, None)
            if place is not None and (kept := place()) is not None:
                kept.pop(key, None)
