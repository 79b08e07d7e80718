"""Python values by content: what a container or an object holds, taken down once and compared before every replay.

The kinds of values that can be watched are a closed list (`can_be_watched`): those of which it is known that nothing is
kept where nobody looks. State that C code keeps is of a type written in C; so a class counts as written in Python, and
its instances as nothing but their attributes, where none of its members are C's.
"""
from __future__ import annotations

import collections
import dataclasses
import functools
import operator
import types
import typing
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from tapegrad.compiler.guards import memory_words
from tapegrad.compiler.guards.trusted_values import HEAP_TYPE
from tapegrad.compiler.pytrees import SIMPLE
from tapegrad.machine.live import machine
from tapegrad.random import Generator
from tapegrad.tape import hooks
from tapegrad.tensor import Tensor

MAX_ARRAY = 1 << 14  # bytes of a NumPy array that are compared before every replay
MISSING = object()
SWITCHES = frozenset((bool, type(None)))  # of what a call may set attributes to, besides numbers: texts may be any
_OWN = {hooks.NAME, hooks.POST_ACCUMULATE}  # what this library hangs on tensors: their flags tell of it
_SCALARS = (np.bool_, np.number, np.str_, np.bytes_, np.datetime64, np.timedelta64)
# Types written in C of which all that can be seen is looked at, in a class that builds on one too.
_BASES = {object, dict, list, tuple, set, frozenset, int, float, str, bytes, complex, np.ndarray, collections.deque,
          collections.OrderedDict, collections.defaultdict, types.SimpleNamespace, functools.partial, typing.Generic}
_VALUES = (int, float, str, bytes, complex)
_ITERATED = (list, tuple, set, frozenset, collections.deque)


class Unreadable(Exception):
    """Why a value or a function cannot be watched."""


class Transparent:
    """What stands for the function it wraps: compiled functions."""

    __slots__ = ()
    __wrapped__: Any


def is_simple(value: Any) -> bool:
    """Whether a value never changes, and is known by its type and what it prints."""
    return type(value) in SIMPLE or (isinstance(value, _SCALARS) and not type(value).__flags__ & HEAP_TYPE)


def by_value(value: Any) -> Any:
    """A simple value as something to compare: -0.0 is not 0.0, True is not 1, and NaN is known by its identity."""
    if isinstance(value, np.generic):
        return type(value), value.tobytes()
    if value != value:
        return type(value), id(value)
    return type(value), value if type(value) in (int, str, bool, bytes, type(None)) else repr(value)


def is_replaceable(value: Any) -> bool:
    """Whether a value may be another at each call where a function replaces it: a tensor, None, or a tuple of such."""
    return value is None or type(value) is Tensor or (type(value) is tuple and all(map(is_replaceable, value)))


def is_opaque(value: Any) -> bool:
    """Whether a value matters by its identity alone: tensors, streams of numbers, code."""
    return isinstance(value, (machine.TensorBase, Generator, Transparent, *CODE))


CODE: tuple[Any, ...] = (
    types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.ModuleType, type,
    types.MethodDescriptorType, types.WrapperDescriptorType, types.CodeType, property, staticmethod, classmethod,
    np.ufunc, type(np.sum),
)


def attributes(tensor: Any) -> dict[str, Any]:
    """What somebody hung on a tensor."""
    return {k: v for k, v in vars(tensor).items() if k not in _OWN}


class Watched:
    """One container or object: `parts` are what it held, in order, `keys` what they are called, `facts` the rest."""

    __slots__ = ("_holes", "_ids", "_keys", "_table", "facts", "keys", "kind", "parts", "value")
    value: Any
    kind: type[Any]
    facts: list[Any]
    keys: list[Any]
    parts: list[Any]

    def __init__(self, value: Any) -> None:
        self.value, self.kind = value, type(value)
        self.facts, self.keys, self.parts = _look(value)
        self._ids, self._keys = [*map(id, self.parts)], [*map(id, self.keys)]
        self._holes: list[int] = []
        # The one dict that holds everything, if there is one: most objects are looked at in this way.
        self._table: dict[Any, Any] | None = None
        if self.kind is dict:
            self._table = value
        elif isinstance(value, machine.TensorBase) or not any(
                c is not object and (c in _BASES or "__slots__" in vars(c) or "__getattribute__" in vars(c))
                for c in self.kind.__mro__):
            self._table = getattr(value, "__dict__", None)

    def place(self, i: int) -> tuple[Any, Any] | None:
        """The list or dict, and the key, where part `i` is, if it can be put there."""
        if self.kind is list:
            return self.value, i
        if self._table is None or type(self.keys[i]) is not str or isinstance(self.value, machine.TensorBase):
            return None
        return self._table, self.keys[i]

    def leave_out(self, i: int, held: bool = True) -> None:
        """Part `i` may be another at each call; whether it is held, to be shown."""
        self._holes.append(i)
        self._ids[i] = 0
        if not held:
            self.parts[i] = None

    def switched(self) -> list[tuple[dict[Any, Any], Any, Any]] | None:
        """The truth values and Nones that are others by now, each with its dict and key; None if more is."""
        table = self._table
        if table is None or isinstance(self.value, machine.TensorBase) or type(self.value) is not self.kind or (
                self.value is not table and self.value.__dict__ is not table) or [*map(id, table)] != self._keys:
            return None
        found = []
        for i, (key, was, now) in enumerate(zip(self.keys, self.parts, [*table.values()])):
            if i in self._holes or was is now or (is_simple(was) and is_simple(now) and by_value(was) == by_value(now)):
                continue
            if type(was) not in SWITCHES or type(now) not in SWITCHES:
                return None
            found.append((table, key, now))
        return found

    def replaced(self) -> list[int]:
        """The parts in whose places are other tensors by now; None is one of those."""
        table = self._table
        if type(self.value) is not self.kind or isinstance(self.value, machine.TensorBase):
            return []
        if self.kind is list:
            now = self.value[:]
        elif table is None or (self.value is not table and self.value.__dict__ is not table) or (
                [*map(id, table)] != self._keys):
            return []
        else:
            now = [*table.values()]
        return [i for i, (was, found) in enumerate(zip(self.parts, now)) if i not in self._holes and was is not found
                and is_replaceable(was) and is_replaceable(found)] if len(now) == len(self.parts) else []

    def differs(self) -> bool:
        """Whether a simple value is another by now, so that what it holds is no equal content; often it is not known.
        """
        table = self._table
        if table is not None and [*map(id, table)] == self._keys:
            now = [*table.values()]
        elif self.kind is list and len(self.value) == len(self.parts):
            now = self.value[:]
        else:
            return False
        return any(a is not b and i not in self._holes and is_simple(a) and is_simple(b) and by_value(a) != by_value(b)
                   for i, (a, b) in enumerate(zip(self.parts, now)))

    def _same(self, parts: list[Any]) -> bool:
        ids = [*map(id, parts)]
        for i in self._holes:
            if i < len(ids):
                ids[i] = 0
        return ids == self._ids

    def words(self) -> list[memory_words.Word] | None:
        """Words of memory that show that nothing has changed since they were read; None where there are none.

        They may differ for no reason: a dict counts changes.
        """
        if self.kind is tuple or self.kind is frozenset:
            return []
        if self._holes and (self._table is None or isinstance(self.value, machine.TensorBase)):
            return None
        if self.kind is list:
            return memory_words.items(self.value, self.parts)
        if self.kind is set:
            return memory_words.no_elements(self.value)
        if self.kind is collections.OrderedDict:
            return memory_words.nothing_in_order(self.value)
        if self.kind is collections.defaultdict:
            return memory_words.with_default(self.value)
        if self.kind is functools.partial:
            return memory_words.partial(self.value)
        if self._table is None or isinstance(self.value, machine.TensorBase):
            return None
        return memory_words.table(self.value, self._holes) if self._table is self.value else (
            memory_words.attributed(self.value, self._table, self._holes))

    def asked(self, k: int, names: dict[str, Any]) -> str:
        """`unchanged` as an expression for code with these names, to which it adds; k tells them from those of others.

        Where numbers are left out no words of memory tell, and this is asked before each replay.
        """
        names[f"u{k}"] = self.unchanged
        table = self._table
        if not self._holes or (table is None and self.kind is not list):
            return f"u{k}()"
        names.update({f"c{k}": self.value, f"i{k}": self._keys, f"t{k}": self.value if table is None else table,
                      f"q{k}": self.kind})
        parts = [(i, part) for i, part in enumerate(self.parts) if i not in self._holes]
        names.update((f"p{k}_{i}", part) for i, part in parts)
        if table is None:
            first = f"len(t{k}) == {len(self.parts)}"
            places = [f"t{k}[{i}]" for i, _ in parts]
        else:
            first = f"[*map(id, t{k})] == i{k}" + (
                f" and type(c{k}) is q{k} and c{k}.__dict__ is t{k}" if table is not self.value else "")
            places = [f"t{k}[{self.keys[i]!r}]" for i, _ in parts]
            if any(type(self.keys[i]) is not str for i, _ in parts):
                return f"u{k}()"
        same = [f" and {place} is p{k}_{i}" for place, (i, _) in zip(places, parts)]
        return f"({first}{''.join(same)} or u{k}())"

    def unchanged(self) -> bool:
        """Whether it holds the very objects it held."""
        value = self.value
        if type(value) is not self.kind:
            return False
        if self.kind is list:
            return self._same(value)
        table = self._table
        if table is not None and (value is table or value.__dict__ is table):
            if self._same([*table.values()]) and [*map(id, table)] == self._keys:
                return True
        elif self._holes:  # what is left out would be looked for in the dict that it had
            return False
        facts, keys, parts = _look(value)
        return self._same(parts) and [*map(id, keys)] == self._keys and facts == self.facts


def _look(value: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """All there is to see of a value: what is compared as it is, and keys and parts, which are by identity.

    Without asking methods that its class may have of its own.
    """
    facts: list[Any] = []
    keys: list[Any] = []
    parts: list[Any] = []
    if isinstance(value, np.ndarray):
        facts += _array(value)
    elif isinstance(value, dict):
        kind: Any = collections.OrderedDict if isinstance(value, collections.OrderedDict) else dict
        keys += kind.__iter__(value)
        parts += [dict.__getitem__(value, k) for k in keys]
        if isinstance(value, collections.defaultdict):
            parts.append(_part(value, collections.defaultdict, "default_factory"))
    elif isinstance(value, types.MappingProxyType):
        keys, parts = list(value), list(value.values())
    elif isinstance(value, _ITERATED):
        kind = next(k for k in _ITERATED if isinstance(value, k))
        parts += kind.__iter__(value)
        if kind is collections.deque:
            facts.append(_part(value, kind, "maxlen"))
    elif isinstance(value, functools.partial):
        parts += [_part(value, functools.partial, name) for name in ("func", "args", "keywords")]
    elif isinstance(value, operator.itemgetter):
        parts += value.__reduce__()[1]
    elif isinstance(value, _VALUES):
        kind = next(k for k in _VALUES if isinstance(value, k))
        facts.append(by_value(kind.__getitem__(value, slice(None)) if kind in (str, bytes) else kind.__pos__(value)))
    if not isinstance(value, machine.TensorBase):
        for cls, name in slots(type(value)):
            keys.append(name)
            parts.append(_part(value, cls, name))
    own = dict_of(value)
    if own is not None:
        held = attributes(value) if isinstance(value, machine.TensorBase) else own
        keys += held
        parts += held.values()
    return facts, keys, parts


def _array(array: Any) -> list[Any]:
    own = np.ndarray
    dtype, nbytes = _part(array, own, "dtype"), _part(array, own, "nbytes")
    if nbytes > MAX_ARRAY or dtype.hasobject:
        raise Unreadable("it reads a large NumPy array, which would be compared at every call")
    if dtype.names or dtype.metadata:
        raise Unreadable("it reads a NumPy array of records")
    return [dtype.str, _part(array, own, "shape"), _part(array, own, "strides"), _part(array, own, "flags").num,
            own.tobytes(array)]


def _part(value: Any, cls: type, name: str) -> Any:
    try:
        return vars(cls)[name].__get__(value)
    except AttributeError:  # a slot that was never filled
        return MISSING


def content_of(cell: Any) -> Any:
    """What a closure's cell holds; MISSING where the variable has no value."""
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING


def dict_of(value: Any) -> Any:
    """The dict of an object's attributes, if it has one, without asking methods of its class."""
    if isinstance(value, machine.TensorBase):
        return vars(value)
    if isinstance(value, types.MappingProxyType):
        return None
    try:
        return object.__getattribute__(value, "__dict__")
    except AttributeError:
        return None


def slots(kind: type) -> Iterator[tuple[type, str]]:
    """The slots of a class and its bases, by the class that has them."""
    for cls in kind.__mro__:
        if "__slots__" in vars(cls):
            for name, member in vars(cls).items():
                if isinstance(member, types.MemberDescriptorType) and member.__objclass__ is cls:
                    yield cls, name


_C_MEMBERS = (types.MethodDescriptorType, types.WrapperDescriptorType, types.GetSetDescriptorType,
              types.MemberDescriptorType, types.ClassMethodDescriptorType)
_python: weakref.WeakKeyDictionary[type, bool] = weakref.WeakKeyDictionary()


def is_python(cls: type) -> bool:
    """Whether a class is written in Python: it has no member that C code gave it, besides its dict and its slots."""
    known = _python.get(cls)
    if known is None:
        known = _python[cls] = bool(cls.__flags__ & HEAP_TYPE) and not any(
            (isinstance(m, types.BuiltinFunctionType) and m.__self__ is cls)
            or (isinstance(m, _C_MEMBERS) and m.__objclass__ is cls and name not in ("__dict__", "__weakref__")
            and not (isinstance(m, types.MemberDescriptorType) and "__slots__" in vars(cls)))
            for name, m in vars(cls).items())
    return known


def is_record(cls: type) -> bool:
    """Whether an object of a class is its attributes and no more, so that it can be made anew: of dataclasses it is."""
    return dataclasses.is_dataclass(cls) and type(cls) is type and cls.__dictoffset__ != 0 and all(
        c is object or (is_python(c) and _OF_THEIR_OWN.isdisjoint(vars(c))) for c in cls.__mro__)


_OF_THEIR_OWN = frozenset(("__slots__", "__new__", "__del__", "__getattribute__", "__class__"))


def is_itself(cls: type) -> bool:
    """Whether a class is equal to itself alone: what is known of classes is kept by class."""
    meta: Any = type(cls)
    return meta.__eq__ is type.__eq__ and meta.__hash__ is type.__hash__


def can_be_watched(value: Any) -> bool:
    """Whether looking at a value's content shows every change of it."""
    kind = type(value)
    if not all(map(is_itself, kind.__mro__)):
        return False
    if kind is operator.itemgetter or kind is types.MappingProxyType:
        return True
    return all(c in _BASES or is_python(c) for c in kind.__mro__)

