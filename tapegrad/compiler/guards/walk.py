"""The walk over what a function's code can read: names, and what they stand for, and whatever lies behind that.

It reads the bytecode of the function and of whatever that may call, and collects every cell, global, attribute of a
class or module, container and object on the way. What `Reach` compares is what it comes by.
"""
from __future__ import annotations

import abc
import builtins
import collections
import functools
import operator
import os
import sys
import types
from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tapegrad import signatures
from tapegrad.compiler.guards import memory_words, trusted_values
from tapegrad.compiler.guards.bytecode import Asked, constant_argument, read
from tapegrad.compiler.guards.class_members import HIDDEN, OF_ARRAYS, TEXT, is_option, members
from tapegrad.compiler.guards.contents import (
    MISSING,
    Transparent,
    Unreadable,
    Watched,
    attributes,
    by_value,
    can_be_watched,
    content_of,
    is_itself,
    is_opaque,
    is_python,
    is_simple,
)
from tapegrad.compiler.guards.growing_lists import LOOKING, GrowingLists, Held, Log, place_of
from tapegrad.compiler.numbers.places import PLAIN, Place
from tapegrad.compiler.replaced_tensors import WithReplaced
from tapegrad.machine.learning import capturing, following
from tapegrad.machine.live import machine
from tapegrad.tape import hooks

_BY_NAME = {getattr: 1, hasattr: 1, operator.attrgetter: 0, operator.methodcaller: 0}  # and which argument is the name
_CHECKED: Any = next(iter(signatures.made.values())).__code__
_TUPLE_FIELD = type(vars(namedtuple("_", "a"))["a"])
MAX_VALUES = 4096


class Walk:
    """What the code of a function reaches; raises Unreadable for what cannot be watched."""

    function: Callable[..., Any]
    kinds: tuple[type, ...]

    def __init__(self, function: Callable[..., Any], kinds: Iterable[type] = (),
                 varying: frozenset[int] = frozenset(), growing: frozenset[Held] = frozenset()) -> None:
        if trusted_values.builtins_are_patched():
            raise Unreadable("a builtin is patched")
        self.function, self.kinds = function, tuple(kinds)
        self.places: list[Place] = []
        self.varying = varying
        self.growing: GrowingLists = GrowingLists(growing)
        self.logs: dict[int, Log] = self.growing.logs
        # Where tensors are that it replaces, which it is passed besides (`replaced_tensors.py`), and those it came by.
        self._given: dict[tuple[int, Any], Place] = {
            (id(p.owner), p.key): p for p in (function.places if isinstance(function, WithReplaced) else ())}
        self.replaces: dict[tuple[int, Any], Place] = {}
        self._place_numbers: dict[tuple[int, Any], int] = {}
        self._entries_of_numbers: dict[int, int] = {}
        self.tells: bool = False  # whether code may tell a number from what stands for it
        self.names: list[tuple[Any, str, Any]] = []
        self.cells: list[tuple[Any, Any]] = []
        self.tensors: dict[int, Any] = {}
        self.watched: list[Watched] = []
        self.without_words: list[Watched] = self.watched
        self.with_words: list[tuple[Watched, int]] = []
        self.probes: list[tuple[Callable[[], Any], Any]] = []
        self.identity: bool = False
        self.stand_ins: int = 0  # for numbers that were met
        self.reads: set[str] = set()
        self._stores: set[str] = set()
        self._strings: set[str] = set()
        self._numbers: dict[int, int] = {}  # of what was met, in order: equal values elsewhere are numbered alike
        self._keep: list[Any] = []
        self._simple: list[Any] = []  # numbers, text and their like, which may be one object or another
        self._entries: list[Any] = []
        self._words: list[memory_words.Word] = []
        self._classes: dict[type, bool] = {}  # and whether code may make instances
        self._modules: dict[int, types.ModuleType] = {}  # those of which any attribute may be asked for
        self._seen: set[Any] = set()
        self._computed = ""  # where it asks for attributes by computed names
        self._text = self._makes = self._hashes = self._numpy = False
        self._where = ""
        if not memory_words.are_known():
            raise Unreadable("this Python does not keep things where they could be watched")
        try:
            self._look()
        except Unreadable:
            raise
        except Exception as error:  # classes of a program may answer anything
            raise Unreadable(f"what it reads cannot be looked at ({type(error).__name__}: {error}){self._where}"
                             ) from error
        if self._hashes:  # which may be of addresses
            self._entries += self._numbers
        if self.identity:
            self._entries.append(tuple(map(id, self._simple)))
        self.content: tuple[Any, ...] = tuple(self._entries)
        self.tells |= self._numpy or self.identity

    def _look(self) -> None:
        """Follow the function and the types of its arguments."""
        for kind in (machine.tensor_type, *self.kinds):
            self._class(kind, True)
        self._meet(self.function)
        self._close()
        self.reads |= self._stores
        self.any_attribute: bool = bool(self._computed)
        self._attributes_of_tensors()
        if "__annotations__" in self.reads or self.any_attribute:
            for function in [f for f in self._keep if type(f) is types.FunctionType]:
                self._keep += function.__annotations__.values()
                self._probe(functools.partial(_annotations, function))
        if self._numpy and self.reads & OF_ARRAYS:
            raise Unreadable(f"it reads {min(self.reads & OF_ARRAYS)}")
        if self.logs and (self._looks() or self.growing.are_seen()):
            raise Unreadable("it appends to a list that it also looks at")
        if self._computed and self._strings & HIDDEN:
            raise Unreadable(f"it may read {min(self._strings & HIDDEN)}{self._computed}")

    def _looks(self) -> bool:
        """Whether code may look at all that an object holds."""
        return self.any_attribute or not LOOKING.isdisjoint((*self.reads, *(name for _, name, _ in self.names)))

    # ------------------------------------------------------------ values

    def _meet(self, value: Any, held: Held | None = None, owner: Any = None) -> None:
        """A value that code can get at: its entry in `content`, and whatever lies behind it; where it is `held`."""
        if self.growing.found(value, held, owner):
            self._keep.append(value)
            self._entries.append(("log", id(value)))
            return
        if type(value) in following.KINDS:  # the call that was captured left it here
            self.stand_ins += 1
            value = value._value
        if is_simple(value):
            self._simple.append(value)
            self.tells |= isinstance(value, np.generic)
            if type(value) is str:
                self._strings.add(value)
            self._entries.append(by_value(value))
            return
        if id(value) in self._numbers:
            self._entries.append(self._numbers[id(value)])
            return
        if value is MISSING:
            self._entries.append("missing")
            return
        if len(self._numbers) > MAX_VALUES:
            raise Unreadable("it can reach more values than could be compared at every call")
        self._numbers[id(value)] = len(self._numbers)
        self._keep.append(value)
        if isinstance(value, machine.TensorBase):
            self.tensors[id(value)] = value
            self._entries.append(("tensor", id(value)))
            self._class(type(value), False)
        elif isinstance(value, functools._lru_cache_wrapper):
            raise Unreadable(f"it uses a cache, that of {value.__wrapped__.__name__}{self._where}")
        elif is_opaque(value):
            self._code(value)
        elif isinstance(value, slice):
            self._entries.append("slice")
            self._several((value.start, value.stop, value.step))
        elif not can_be_watched(value):
            raise Unreadable(f"it reads a {type(value).__name__}, whose content cannot be watched{self._where}")
        else:
            self._watch(value)

    def _several(self, values: Iterable[Any]) -> None:
        for value in values:
            self._meet(value)

    def _watch(self, value: Any) -> None:
        watched = Watched(value)
        self.watched.append(watched)
        self._numpy |= isinstance(value, np.ndarray)
        self._entries.append((type(value), tuple(watched.facts),
                              tuple([k if type(k) is str else None for k in watched.keys])))
        self._class(type(value), False)
        self._several(k for k in watched.keys if type(k) is not str)
        for i, part in enumerate(watched.parts):
            place = watched.place(i) if type(part) in PLAIN or self._given else None
            if place is not None and self._is_given(*place):
                self._entries.append("given")
                watched.leave_out(i, held=False)
            elif place is None or type(part) not in PLAIN:
                self._meet(part, place_of(watched, i), value)
            elif self._number(part, *place):
                watched.leave_out(i)

    def _is_given(self, owner: Any, key: Any = None) -> bool:
        """Whether what stands at a place is an argument as well: it may be another at each call."""
        place = self._given.get((id(owner), key))
        if place is not None:
            self.replaces[id(owner), key] = place
        return place is not None

    def _is_known(self, where: Any, name: str) -> bool:
        """Whether there is an entry already for what a name stands for, or there is to be none."""
        return (id(where), name) in self._place_numbers or (id(where), name) in self.replaces

    def _number(self, value: Any, owner: Any, key: Any = None) -> bool:
        """A number that stands where it could be put; returns whether it varies."""
        number = self._place_numbers.setdefault((id(owner), key), len(self.places))
        if number == len(self.places):
            self.places.append(Place(owner, key))
        self._entries_of_numbers[len(self._entries)] = number
        self._simple.append(value)
        self._entries.append(("number", type(value)) if number in self.varying else by_value(value))
        return number in self.varying

    def _named(self, where: Any, name: str) -> Any:
        """What a name in a dict stands for, now and at every call."""
        value = where.get(name, MISSING)
        if (id(where), name) not in self._seen:
            self._seen.add((id(where), name))
            if not (self._is_given(where, name) or (
                    type(value) in PLAIN and type(where) is dict and self._number(value, where, name))):
                self.names.append((where, name, value))
        return value

    def _meet_named(self, where: Any, name: str) -> None:
        """What a name in a dict stands for, followed; of a number there is an entry already."""
        value = self._named(where, name)
        if not self._is_known(where, name):
            self._meet(value, ("name", name) if type(where) is dict else None)

    def _probe(self, ask: Callable[[], Any], needed: bool = True) -> None:
        if needed and ask not in self._seen:
            self._seen.add(ask)
            self.probes.append((ask, ask()))
            self._entries.append(repr(self.probes[-1][1]))

    # ------------------------------------------------------------ code

    def _code(self, value: Any) -> None:
        """A function, method, class, module: its own entry is what it runs, since closures are made anew."""
        if isinstance(value, Transparent):
            self._meet(value.__wrapped__)
        elif isinstance(value, types.MethodType):
            self._entries.append("method")
            self._several((value.__self__, value.__func__))
        elif isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, types.ModuleType):
            self._module(value, True)
        elif isinstance(value, type):
            self._entries.append(id(value))
            self._named_class(value)
        elif isinstance(value, types.BuiltinFunctionType):
            self._native(value)
        elif isinstance(value, (staticmethod, classmethod)):
            self._entries.append(type(value).__name__)
            self._meet(value.__func__)
        elif isinstance(value, property):
            self._entries.append("property")
            self._several(f for f in (value.fget, value.fset, value.fdel) if f is not None)
        elif isinstance(value, (np.ufunc, type(np.sum))) and not trusted_values.is_numpy(value):
            raise Unreadable(f"it uses numpy.{value.__name__}{self._where}")
        else:
            self._entries.append(id(value))

    def _named_class(self, cls: type) -> None:
        self._class(cls, True)
        if trusted_values.package(cls) == "numpy" and not trusted_values.is_numpy_class(cls):
            raise Unreadable(f"it uses the class numpy.{cls.__name__}{self._where}")
        ours = trusted_values.package(cls) == "tapegrad"
        if cls.__flags__ & trusted_values.HEAP_TYPE and trusted_values.is_class(cls) and not ours:
            self.reads |= trusted_values.asks(cls)  # of what instances are given, as `closing` is
        self._makes |= cls is type
        self.tells |= cls is type or cls is collections.deque  # whose `maxlen` has to be an int
        self._text |= cls is str or cls is bytes
        if cls in _BY_NAME:
            self._computed = self._where

    def _native(self, value: Any) -> None:
        """A function that is written in C."""
        bound = value.__self__
        if bound is not None and not isinstance(bound, types.ModuleType):  # a method, of a list say
            self._entries.append(("method", value.__name__))
            return self._meet(bound)
        if not trusted_values.is_function(value):
            of = "" if value.__module__ == "builtins" else f"{value.__module__}."
            raise Unreadable(f"it uses {of}{value.__name__}{self._where}" if of else
                             f"it calls {value.__name__}(){self._where}")
        self._entries.append(id(value))
        if value in _BY_NAME:
            self._computed = self._where
        self._text |= value in (repr, ascii, format)
        self._hashes |= value is hash
        self.tells |= value is pow  # of three numbers, it asks the first alone
        self.identity |= value in (operator.is_, operator.is_not)
        return None

    def _function(self, function: Any) -> None:
        ours = capturing.is_library(function.__code__.co_filename)
        if ours and (function is not self.function or hasattr(function, "operation")):  # of `custom_op`
            if is_option(function):
                raise Unreadable(f"it uses {function.__name__}{self._where}")
            if function.__code__ is _CHECKED:  # each stands for what it does; the rest is found at its first call
                self._entries.append(id(function))
                self._besides(function)
                return
            self._entries.append(id(function.__code__))
            self._besides(function)
            for cell in function.__closure__ or ():  # a decorator around a user's function, perhaps
                if trusted_values.package(type(cell.cell_contents)) != "tapegrad":
                    self._meet(cell.cell_contents)
            return
        self._entries.append(("code", id(function.__code__)))
        self._words += memory_words.function(function)
        self._several((function.__defaults__, function.__kwdefaults__))
        if function.__dict__:
            self._meet(function.__dict__)
        pieces = read(function.__code__)
        self.growing.read(pieces)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            content = content_of(cell)
            if content is MISSING:
                raise Unreadable("a variable of an enclosing function has no value yet")
            self.cells.append((cell, content))
            if self._is_given(cell):
                continue
            if type(content) in PLAIN:
                if not self._number(content, cell):
                    self._words.append(memory_words.cell(cell))
                continue
            self._words.append(memory_words.cell(cell))
            chains = [a.then for a in pieces[0].asked if a.kind == "cell" and a.name == name]
            inside = any(name in piece.code.co_freevars for piece in pieces[1:])
            if isinstance(content, types.ModuleType) and chains and all(chains) and not inside:
                self._module(content, False)
            else:
                self._meet(content, ("name", name))
        values = dict(zip(function.__code__.co_freevars, (c.cell_contents for c in function.__closure__ or ())))
        for code, listing, asked, _ in pieces:
            file = os.path.basename(code.co_filename)
            for one in asked:
                self._where = f" ({file}:{one.line})"
                self._ask(one, listing, function, values if code is function.__code__ else {})

    def _ask(self, one: Asked, listing: Sequence[Any], function: Any, cells: dict[str, Any]) -> None:
        """One thing that a function's code asks for."""
        kind, name = one.kind, one.name
        if kind in ("attribute", "store"):
            self._attribute(name, kind == "store")
        elif kind == "global":
            value, where = self._global(function, name)
            self._chain(value, one, listing, self._is_known(where, name), ("name", name))
        elif kind == "cell":
            if one.then:
                self._chain(cells.get(name, MISSING), one, listing, met=True)
        elif kind == "import":
            if name not in sys.modules or vars(builtins)["__import__"] is not _IMPORT:
                raise Unreadable(f"it imports {name}{self._where}")
            self._meet(self._named(sys.modules, name))
        elif kind == "text":
            self._text = True
        elif kind == "identity":
            self.identity = True
        elif kind == "class":
            self.reads.add(name)
        elif kind == "unseen":
            raise Unreadable(f"it {name}{self._where}")

    def _global(self, function: Any, name: str) -> tuple[Any, Any]:
        """What a global name stands for, and in which dict."""
        value = self._named(function.__globals__, name)
        if value is MISSING:
            return self._named(function.__builtins__, name), function.__builtins__
        return value, function.__globals__

    def _chain(self, value: Any, one: Asked, listing: Sequence[Any], met: bool = False, held: Held | None = None
               ) -> None:
        """A value that was loaded, and the attributes asked for right after: of modules, only these are read."""
        then = list(one.then)
        while then and isinstance(value, types.ModuleType):
            self._module(value, False)
            name = then.pop(0)
            if name in HIDDEN:
                raise Unreadable(f"it reads {name}{self._where}")
            if name not in vars(value) and trusted_values.package_of(value) == "tapegrad":
                getattr(value, name, None)  # what it loads when it is first asked for is there from now on
            where, value = vars(value), self._named(vars(value), name)
            held = None
            met = self._is_known(where, name)
        for name in then:
            self._attribute(name)
        self.tells |= (value is int or value is float) and bool(then)  # `float.hex(x)` takes floats alone
        if isinstance(value, (types.BuiltinFunctionType, type)) and value in _BY_NAME and not then:
            found = constant_argument(listing, one.at, _BY_NAME[value])
            if found is not None:
                self._entries.append(found)
                for name in found.split("."):
                    self._attribute(name)
                    self.growing.asked_for(name)
                return
        if not met:
            self._meet(value, held)

    def _attribute(self, name: str, stored: bool = False) -> None:
        if name in HIDDEN:
            raise Unreadable(f"it reads {name}{self._where}")
        (self._stores if stored else self.reads).add(name)
        self._makes |= name in ("__class__", "_make", "_replace")
        self._text |= name in ("format", "format_map", *TEXT)
        if name in ("__dict__", "__getattribute__", "__getattr__", "format", "format_map"):  # "{0.name}"
            self._computed = self._where

    # ------------------------------------------------------------ classes and modules

    def _class(self, cls: type, made: bool) -> None:
        """A class of which there are instances, or of which code may make some."""
        if not all(map(is_itself, cls.__mro__)):
            raise Unreadable(f"it uses the class {_name(cls)}, which says when it is equal to others{self._where}")
        if self._classes.get(cls, False) or (cls in self._classes and not made):
            return
        known = trusted_values.is_class(cls)
        if not known and not all(is_python(c) or trusted_values.is_class(c) for c in cls.__mro__):
            raise Unreadable(f"it uses the class {trusted_values.module_of(cls)}.{_name(cls)}{self._where}")
        if made and not known and vars(cls).get("_is_protocol"):
            raise Unreadable(f"it uses the protocol {_name(cls)}{self._where}")
        if cls not in self._classes and cls.__flags__ & trusted_values.HEAP_TYPE:
            version = memory_words.version(cls)
            if version is None:
                raise Unreadable(f"it uses the class {_name(cls)}, whose changes Python does not count{self._where}")
            self._words.append(version)
            if not known:
                self._words.append(memory_words.kind(cls))
                self._entries.append(tuple(map(id, cls.__mro__)))
            if type(cls) is not type:
                self._class(type(cls), True)
        if made and isinstance(cls, abc.ABCMeta):
            self._probe(abc.get_cache_token)
        self._classes[cls] = made
        for base in cls.__mro__:
            self._besides(base)

    def _besides(self, value: Any) -> None:
        """What a class or function of this library reads that it is not given."""
        for held in capturing.READ_BESIDES.get(value, tuple)():
            if not isinstance(held, tuple):
                self._meet(held)
            elif isinstance(held[0], dict):
                self._meet_named(*held)
            else:
                self._member(*held)

    def _module(self, module: types.ModuleType, escapes: bool) -> None:
        """A module of which code reads attributes: some, or, where it `escapes`, any that code asks for."""
        if module not in self._seen:
            self._seen.add(module)
            self._keep.append(module)
            self._entries.append(id(module))
            self._words.append(memory_words.kind(module))
            name = vars(module).get("__name__")
            if not trusted_values.is_module(module):
                if not _is_users(module) or self._named(vars(module), "__getattr__") is not MISSING:
                    raise Unreadable(f"it uses the module {name}{self._where}")
            elif name == "numpy":
                self._numpy = True
                self._probe(np.geterr)
        if escapes:
            self._modules[id(module)] = module

    def _close(self) -> None:
        """Follow attributes of classes and modules until nothing new is met."""
        before: Any = None
        while before != (before := (len(self._seen), len(self._classes), self.reads.copy(), self._stores.copy(),
                                    self._text, self._makes, self._computed)):
            for module in list(self._modules.values()):
                if self._computed:
                    self._whole(module)
                for name in sorted(self.reads | self._stores):
                    self._where = f" (of {module.__name__})"
                    if (id(vars(module)), name) not in self._seen:
                        self._meet_named(vars(module), name)
            for cls, made in list(self._classes.items()):
                self._follow(cls, made or self._makes)

    def _whole(self, module: types.ModuleType) -> None:
        """Any attribute of a module may be asked for: all of it is compared."""
        if not trusted_values.is_module(module) or module.__name__.split(".")[0] == "numpy":
            raise Unreadable(f"it asks for attributes by computed names{self._computed} where modules can be reached")
        if ("whole", id(module)) not in self._seen:
            self._seen.add(("whole", id(module)))
            self.watched.append(Watched(vars(module)))
            self._entries.append(tuple(map(id, vars(module).values())))
            for value in list(vars(module).values()):
                if isinstance(value, types.FunctionType) and not trusted_values.is_theirs(value):
                    self._meet(value)

    def _follow(self, cls: type, made: bool) -> None:
        wanted = self.reads | self._stores
        for owner, name in members(cls, wanted, made, self._text, bool(self._computed)):
            self._member(owner, name)

    def _member(self, cls: type, name: str) -> None:
        if (cls, name) in self._seen:
            return
        self._seen.add((cls, name))
        self._where = f" (of {_name(cls)})"
        self._entries.append(name)
        value = vars(cls)[name]
        if isinstance(value, functools.cached_property):
            self._meet(value.func)
        elif trusted_values.belongs(value):
            self._entries.append(id(value))
        elif not isinstance(value, (types.MemberDescriptorType, types.GetSetDescriptorType, _TUPLE_FIELD)):
            self._meet(value)

    def _attributes_of_tensors(self) -> None:
        """What is hung on the tensors, where code asks for it; that nothing is, is a word of memory."""
        for tensor in list(self.tensors.values()):
            self._probe(functools.partial(hooks.kinds, tensor), memory_words.is_hooked(tensor))
            if memory_words.has_attributes(tensor):
                watched = Watched(tensor)
                self.watched.append(watched)
                asked_for = [k for k in attributes(tensor) if self.any_attribute or k in self.reads]
                self._entries.append(tuple(asked_for))
                self._several(vars(tensor)[k] for k in asked_for)
        self._close()
        for tensor in self.tensors.values():
            if not memory_words.has_attributes(tensor):
                self._words += memory_words.attributes(tensor)


_IMPORT = vars(builtins)["__import__"]


def _annotations(function: Any) -> tuple[Any, ...]:
    return tuple([(name, id(value)) for name, value in function.__annotations__.items()])


def _name(cls: type) -> str:
    return str(type.__getattribute__(cls, "__name__"))


def _is_users(module: types.ModuleType) -> bool:
    """Whether a module is a program's own code, which can be read, and no installed library."""
    file = vars(module).get("__file__")
    return type(module) is types.ModuleType and type(file) is str and file.endswith(".py") and (
        "site-packages" not in file and os.path.dirname(os.__file__) not in file)
