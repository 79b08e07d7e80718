"""Python values by content: what a container or an object holds, taken down once and compared before every replay."""
from __future__ import annotations

import collections
import collections.abc
import operator
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from tapegrad.compiler.structure import SIMPLE
from tapegrad.machine.live import machine
from tapegrad.random import Generator
from tapegrad.tape import hooks

MAX_ARRAY = 1 << 14  # bytes of a NumPy array that are compared before every replay
MISSING = object()
HEAP_TYPE = 1 << 9  # of a class that Python code made
_OWN = {hooks.NAME, hooks.POST_ACCUMULATE}  # what this library hangs on tensors: their flags tell of it


class Unreadable(Exception):
    """Why a value or a function cannot be watched."""


class Transparent:
    """What stands for the function it wraps: compiled functions."""

    __wrapped__: Any


def is_simple(value: Any) -> bool:
    return type(value) in SIMPLE or isinstance(value, np.generic)


def by_value(value: Any) -> Any:
    """A simple value as something to compare: NaN is itself, -0.0 is not 0.0, and True is not 1."""
    if isinstance(value, np.generic):
        return type(value), value.tobytes()
    return type(value), value if type(value) in (int, str, bool, type(None)) else repr(value)


def is_opaque(value: Any) -> bool:
    """Whether a value matters by its identity alone: tensors, streams of numbers, code."""
    return isinstance(value, (machine.TensorBase, Generator, Transparent, *CODE))


CODE = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.ModuleType, type,
        types.MethodDescriptorType, types.WrapperDescriptorType, types.CodeType, property, staticmethod, classmethod,
        np.ufunc)


def slots(value: Any) -> Iterator[str]:
    for cls in type(value).__mro__:
        names = vars(cls).get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            if name not in ("__dict__", "__weakref__"):
                yield f"_{cls.__name__.lstrip('_')}{name}" if name[:2] == "__" and name[-2:] != "__" else name


def attributes(tensor: Any) -> dict[str, Any]:
    """What somebody hung on a tensor."""
    return {k: v for k, v in vars(tensor).items() if k not in _OWN}


class Watched:
    """One container or object: `parts` are what it held, in order, and `keys` what they are called."""

    __slots__ = ("_ids", "_table", "keys", "parts", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.keys, self.parts = self._look()
        self._ids = [*map(id, self.parts)]
        # The one dict that holds everything, if there is one: most objects are looked at in this way.
        self._table: dict[Any, Any] | None = None
        if type(value) is dict:
            self._table = value
        elif not isinstance(value, (dict, list, tuple, set, frozenset, collections.deque, machine.TensorBase)) and (
                next(slots(value), None) is None):
            self._table = getattr(value, "__dict__", None)

    def _look(self) -> tuple[list[Any], list[Any]]:
        value = self.value
        if isinstance(value, np.ndarray):
            if value.nbytes > MAX_ARRAY or value.dtype.hasobject:
                raise Unreadable("it reads a large NumPy array, which would be compared at every call")
            return [value.dtype.str, repr(value.shape), value.tobytes()], []
        if isinstance(value, dict):
            keys, parts = list(value), list(value.values())
        elif isinstance(value, (list, tuple, collections.deque)):
            keys, parts = [], list(value)
        elif isinstance(value, (set, frozenset)):
            keys, parts = [], sorted(value, key=id)
        else:
            keys, parts = [], []
        own = getattr(value, "__dict__", None)
        if own is not None:
            held = attributes(value) if isinstance(value, machine.TensorBase) else own
            keys, parts = [*keys, *held], [*parts, *held.values()]
        if not isinstance(value, (tuple, machine.TensorBase)):
            for name in slots(value):
                part = getattr(value, name, MISSING)
                keys.append(name)
                parts.append(part)
        return keys, parts

    def unchanged(self) -> bool:
        """Whether it holds the very objects it held."""
        value = self.value
        if type(value) is list:
            return [*map(id, value)] == self._ids
        table = self._table
        if table is not None and (value is table or value.__dict__ is table):
            return [*map(id, table.values())] == self._ids and [*table] == self.keys
        if not self.parts and isinstance(value, machine.TensorBase) and not value.__dict__:
            return True
        keys, parts = self._look()
        return [*map(id, parts)] == self._ids and keys == self.keys


def can_be_watched(value: Any) -> bool:
    """Whether looking at a value's content shows every change of it."""
    if isinstance(value, (dict, list, tuple, set, frozenset, collections.deque, np.ndarray)):
        return True
    kind = type(value)
    if kind is operator.itemgetter:  # which never changes
        return True
    if not kind.__flags__ & HEAP_TYPE or isinstance(value, (collections.abc.Iterator, types.GeneratorType)):
        return False
    return hasattr(value, "__dict__") or any("__slots__" in vars(c) for c in kind.__mro__)
