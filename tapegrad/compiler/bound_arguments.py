"""Models, optimisers and functions that are passed: a call with some is one of a function that has them by name.

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
from tapegrad.named_tuples import NamedTuple
from tapegrad.tensor import Tensor

MOST = 8  # sets of objects that are known
MOST_SEEN = 1000  # objects, on the way to a leaf
MOST_DROPPED = 32  # sets in the place of which came others
_FUNCTIONS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, Transparent)
_OTHERS = (tuple, list, dict, set, frozenset, slice, np.ndarray)
_DATA = frozenset((Tensor, bool, int, float, str, type(None)))


def is_object(value: Any) -> bool:
    """Whether a value is a function, or an object with attributes, and no data."""
    if isinstance(value, _FUNCTIONS):
        return True
    return not (isinstance(value, (machine.TensorBase, type, *_OTHERS)) or is_simple(value)) and can_be_watched(value)


def by_place(function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, ...] | None:
    """The arguments without names, which have a native way; None where these are not those of the next parameters, or
    name objects."""
    first = len(args)
    if type(function) is not types.FunctionType:
        return None
    code = function.__code__
    names = code.co_varnames[first:min(first + len(kwargs), code.co_argcount)]
    if len(names) < len(kwargs) or code.co_posonlyargcount > first:
        return None
    if any(name not in kwargs or type(kwargs[name]) not in _DATA for name in names):
        return None
    return (*args, *(kwargs[name] for name in names))


def objects_of(bound: Any) -> list[Any]:
    """The objects that are bound in a function that `Form.bound` made."""
    if isinstance(bound, functools.partial):
        return [*bound.args, *bound.keywords.values()]
    function, *objects = (cell.cell_contents for cell in bound.__closure__)  # its variables, by their names in order
    return objects + (objects_of(function) if isinstance(function, functools.partial) else [])


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


class Form(NamedTuple):
    """Where objects are among arguments: so many come first, or at these `places` of those without names; and by name.

    `others` are the places of the rest where objects do not come first: then there are as many arguments as these say.
    """

    places: tuple[int, ...]
    names: tuple[str, ...]
    others: tuple[int, ...] | None = None

    def divided(self, args: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]] | None:
        """The objects among arguments without names, and the rest; None where there are others."""
        count = len(self.places)
        if self.others is None:
            return args[:count], args[count:]
        if len(args) != count + len(self.others):
            return None
        return [args[i] for i in self.places], [args[i] for i in self.others]

    def bound(self, function: Any, objects: Sequence[Any], named: dict[str, Any]) -> Any:
        """The function of the other arguments."""
        if self.others is None:
            return functools.partial(function, *objects, **named)
        # With the objects in variables of its own: `partial` would have the arguments after them come by name.
        given = ", ".join(f"o{i}" if i in self.places else f"a{i}" for i in range(len(self.places) + len(self.others)))
        rest = "".join(f"a{i}, " for i in self.others)
        code = getattr(function, "__code__", None)
        file, line = ("<arguments>", 1) if code is None else (code.co_filename, code.co_firstlineno)
        found: dict[str, Any] = {}
        exec(compile("\n" * (line - 1) + f"def made(function, {', '.join(f'o{i}' for i in self.places)}): "
                     f"return lambda {rest}**named: function({given}, **named)", file, "exec"), {}, found)
        return found["made"](functools.partial(function, **named) if named else function, *objects)


class Bound:
    """The compiled functions of the other arguments, by the objects that are passed."""

    def __init__(self) -> None:
        self._found: dict[Any, ReferenceType[Any]] = {}
        self._places: dict[Any, ReferenceType[_Kept]] = {}  # where they are kept
        self._kept = _Kept()  # those of objects that lead to no leaf
        self.forms: list[Form] = []
        self._dropped = 0

    @property
    def functions(self) -> list[Any]:
        """Those there are."""
        return [function for found in list(self._found.values()) if (function := found()) is not None]

    def known(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any] | None:
        """What a call gives, in a tuple, if its objects were met before.

        They are known by address, for the function that is found holds them.
        """
        for form in self.forms:
            names = form.names
            divided = None if names and not kwargs.keys() >= {*names} else form.divided(args)
            if divided is None:
                continue
            objects, others = divided
            found = self._found.get((*map(id, objects), *[id(kwargs[name]) for name in names], form))
            if found is not None and (function := found()) is not None:
                rest = {name: value for name, value in kwargs.items() if name not in names} if names else kwargs
                return (function(*others, **rest),)
        return None

    def call(self, compiled: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any] | None:
        """The same for objects that are new; None where no argument is such an object, or others come all the time."""
        if self._dropped >= MOST_DROPPED:  # it gives up, and holds nothing
            self._drop(*self._found)
            return None
        names = tuple([name for name, value in kwargs.items() if is_object(value)])
        places = tuple([i for i, value in enumerate(args) if is_object(value)])
        if not (places or names):
            return None
        form = Form(places, names)
        if places != (*range(len(places)),):
            form = Form(places, names, tuple([i for i in range(len(args)) if i not in places]))
        self._drop(*[key for key, found in self._found.items() if found() is None])
        if len(self._found) >= MOST:
            self._dropped += 1
            self._drop(next(iter(self._found)))
        named = {name: kwargs[name] for name in names}
        objects = *[args[i] for i in places], *named.values()
        made = type(compiled)(form.bound(compiled.__wrapped__, objects[:len(places)], named), *compiled.options)
        made.__name__ = getattr(compiled, "__name__", "function")
        key = (*map(id, objects), form)
        kept = self._kept_by(_anchor(objects))
        kept[key], self._found[key], self._places[key] = made, ref(made), ref(kept)
        if form not in self.forms:
            self.forms.append(form)
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
