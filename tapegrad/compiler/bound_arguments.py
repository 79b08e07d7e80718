"""Models, optimisers and functions that are passed first: a call with some is one of a function that has them by name.

So whatever can be seen of a value that is reached by name is seen of these, and for each set of them there is a
compiled function of the other arguments.
"""
from __future__ import annotations

import functools
import types
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad.compiler.guards.contents import Transparent, can_be_watched, is_simple
from tapegrad.machine.live import machine

MOST = 8  # sets of objects that are held
MOST_DROPPED = 32  # sets in the place of which came others
_FUNCTIONS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, Transparent)
_OTHERS = (tuple, list, dict, set, frozenset, slice, np.ndarray)


def is_object(value: Any) -> bool:
    """Whether a value is a function, or an object with attributes, and no data."""
    if isinstance(value, _FUNCTIONS):
        return True
    return not (isinstance(value, (machine.TensorBase, type, *_OTHERS)) or is_simple(value)) and can_be_watched(value)


class Bound:
    """The compiled functions of the other arguments, by the objects that come first and those with names."""

    def __init__(self) -> None:
        self.functions: dict[Any, Any] = {}
        self._forms: list[tuple[int, tuple[str, ...]]] = []  # how many come first, and which have names
        self._dropped = 0

    def known(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any] | None:
        """What a call gives, in a tuple, if its objects were met before: they are held, and so known by address."""
        for count, names in self._forms:
            if names and not kwargs.keys() >= {*names}:
                continue
            found = self.functions.get((*map(id, args[:count]), *[id(kwargs[name]) for name in names], count, names))
            if found is not None:
                rest = {name: value for name, value in kwargs.items() if name not in names} if names else kwargs
                return (found(*args[count:], **rest),)
        return None

    def call(self, compiled: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any] | None:
        """The same for objects that are new; None where no argument is such an object, or others come all the time."""
        if self._dropped >= MOST_DROPPED:  # it gives up, and holds nothing
            self.functions.clear()
            return None
        count = next((i for i, value in enumerate(args) if not is_object(value)), len(args))
        names = tuple([name for name, value in kwargs.items() if is_object(value)])
        if not (count or names):
            return None
        if len(self.functions) >= MOST:
            self._dropped += 1
            self.functions.pop(next(iter(self.functions)), None)
        named = {name: kwargs[name] for name in names}
        made = type(compiled)(functools.partial(compiled.__wrapped__, *args[:count], **named), *compiled.options)
        made.__name__ = getattr(compiled, "__name__", "function")
        key = (*map(id, args[:count]), *map(id, named.values()), count, names)
        self.functions[key] = made
        if (count, names) not in self._forms:
            self._forms.append((count, names))
        return self.known(args, kwargs)
