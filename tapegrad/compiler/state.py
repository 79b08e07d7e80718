"""The Python values a function can read: what its code names, followed through closures, globals, objects and classes.

A capture is only valid for the values it saw. `Reach` finds them: it reads the bytecode of the function and of whatever
that may call, and collects every cell, global, attribute of a class or module, container and object on the way.
`Reach.unchanged` is asked before every replay and after every capture, so that a function that changes what it reads is
found out; `Reach.content` says whether other objects hold equal values.

What is reached is either watched by content or refused (`watching.py`), so that no attribute has to be known by name.
"""
from __future__ import annotations

import dis
import functools
import math
import operator
import os
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from tapegrad import dtypes
from tapegrad.autograd.function import Function
from tapegrad.compiler.watching import (
    HEAP_TYPE,
    MISSING,
    Transparent,
    Unreadable,
    Watched,
    by_value,
    can_be_watched,
    is_opaque,
    is_simple,
)
from tapegrad.machine import tracing
from tapegrad.machine.live import machine

__all__ = ["Reach", "Unreadable"]

# What a replay would leave out or repeat wrongly: effects, and values from outside.
_EFFECTS = {"print", "input", "open", "exec", "eval", "setattr", "delattr", "globals", "vars", "locals", "id", "hash",
            "breakpoint", "__import__", "compile"}
# Nothing in these changes, and what they offer has no effect but on what it is given.
_PURE = {"tapegrad", "math", "cmath", "operator", "_operator", "functools", "_functools", "builtins", "itertools",
         "collections", "_collections", "copy", "dataclasses", "enum", "typing", "numbers", "abc", "types",
         "contextlib", "numpy"}
# Their meaning is not in memory that a replay renews, or they reach outside.
_HIDDEN = {"_version", "data_ptr", "_buffer", "_memory", "random", "grad_fn", "_base", "set_printoptions"}
_FILES = {"load", "save", "savez", "savez_compressed", "savetxt", "loadtxt", "genfromtxt", "fromfile", "tofile",
          "memmap", "seterr", "seterrcall", "errstate", "datetime64"}
_UNUSED = {"__repr__", "__str__", "__init__", "__new__", "__post_init__", "__del__", "__init_subclass__", "__reduce__",
           "__class_getitem__", "__format__", "__getstate__", "__setstate__", "__reduce_ex__", "__sizeof__", "__dir__",
           "__subclasshook__", "__deepcopy__", "__copy__", "__replace__"}
MAX_VALUES = 4096


@functools.cache
def _known() -> frozenset[str]:
    """The attributes of this library, of its tensors and of Python's own types: they are not state hung on a tensor."""
    ours = [m for name, m in sys.modules.items() if name.split(".")[0] == "tapegrad"]
    tensor = next(c for c in machine.TensorBase.__subclasses__())
    known = [*ours, math, operator, functools, tensor, dict, list, tuple, set, str, int, float, dtypes.dtype]
    return frozenset(name for thing in known for name in dir(thing))


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from _codes(const)


def _line(instruction: Any, last: int) -> int:
    position = getattr(instruction, "positions", None)
    found = position.lineno if position else instruction.starts_line
    return found or last


def _package(value: Any) -> str:
    return (getattr(value, "__module__", None) or "builtins").split(".")[0]


class Reach:
    """Everything a function's code can read by name; raises Unreadable for what cannot be watched.

    `cells` and `names` are where values are found (a closure cell; a dict and a key), `tensors` the tensors among them,
    by identity; `reads` are the attributes that code asks for, `foreign` those that no library defines.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.names: list[tuple[Any, str, Any]] = []
        self.cells: list[tuple[Any, Any]] = []
        self.tensors: dict[int, Any] = {}
        self.watched: list[Watched] = []
        self.functions: list[tuple[Any, ...]] = []
        self.reads: set[str] = set()
        self._stores: set[str] = set()
        self._numbers: dict[int, int] = {}  # of what was met, in order: equal values elsewhere are numbered alike
        self._keep: list[Any] = []
        self._entries: list[Any] = []
        self._classes: dict[type, bool] = {}  # and whether code may make instances
        self._modules: dict[str, types.ModuleType] = {}
        self._members: set[tuple[Any, str]] = set()
        self.function = function
        self._numpy = False
        self._dynamic = ""
        self._where = ""
        self._meet(function)
        self._close()
        self.foreign = frozenset((self.reads | self._stores) - _known())
        self.any_attribute = bool(self._dynamic)  # whatever is hung on a tensor may be read
        if self.foreign or self.any_attribute:
            for tensor in list(self.tensors.values()):
                self._watch(tensor)
            self._close()
        if self._dynamic and (self._modules or any(self._classes.values())):
            raise Unreadable(f"it asks for attributes by computed names{self._dynamic} where modules or classes can be "
                             "reached")
        self.content = tuple(self._entries)

    def unchanged(self, cells: bool = True) -> bool:
        """Whether every name stands for the object it stood for, and every container holds what it held."""
        for where, name, value in self.names:
            if where.get(name, MISSING) is not value:
                return False
        if cells:
            for cell, content in self.cells:
                if cell.cell_contents is not content:
                    return False
        for function, *parts in self.functions:
            if any(a is not b for a, b in zip(parts, (
                    function.__code__, function.__defaults__, function.__kwdefaults__))):
                return False
        return all(w.unchanged() for w in self.watched)

    def changed(self) -> str:
        """Which name or value is another now, for a message."""
        for where, name, value in self.names:
            if where.get(name, MISSING) is not value:
                return f": {name}"
        for name, (cell, content) in zip(_free(self.function), self.cells):
            if cell.cell_contents is not content:
                return f": {name}"
        return next((f": a {type(w.value).__name__}" for w in self.watched if not w.unchanged()), "")

    # ------------------------------------------------------------ values

    def _meet(self, value: Any) -> None:
        """A value that code can get at: its entry in `content`, and whatever lies behind it."""
        if is_simple(value):
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
        elif isinstance(value, functools.partial):
            self._entries.append("partial")
            for part in (value.func, value.args, value.keywords):
                self._meet(part)
        elif is_opaque(value) or isinstance(value, functools._lru_cache_wrapper):
            self._code(value)
        elif not can_be_watched(value):
            raise Unreadable(f"it reads a {type(value).__name__}, whose content cannot be watched{self._where}")
        else:
            self._watch(value)

    def _watch(self, value: Any) -> None:
        watched = Watched(value)
        self.watched.append(watched)
        self._entries.append((type(value), tuple([k if type(k) is str else None for k in watched.keys])))
        if _package(type(value)) not in _PURE and not isinstance(value, machine.TensorBase):
            self._class(type(value), False)
        for part in (*(k for k in watched.keys if type(k) is not str), *watched.parts):
            self._meet(part)

    def _named(self, where: Any, name: str) -> None:
        """What a name in a dict stands for, now and at every call."""
        value = where.get(name, MISSING)
        self.names.append((where, name, value))
        self._meet(value)

    # ------------------------------------------------------------ code

    def _code(self, value: Any) -> None:
        """A function, method, class, module: its own entry is what it runs, since closures are made anew."""
        if isinstance(value, (Transparent, functools._lru_cache_wrapper)):
            return self._meet(value.__wrapped__)
        if isinstance(value, types.MethodType):
            self._entries.append("method")
            self._meet(value.__self__)
            return self._meet(value.__func__)
        if isinstance(value, types.FunctionType):
            return self._function(value)
        self._entries.append(id(value))
        if isinstance(value, types.ModuleType):
            if value.__name__.split(".")[0] not in _PURE:
                if not getattr(value, "__file__", None) or not _is_users(value.__file__ or ""):
                    raise Unreadable(f"it uses the module {value.__name__}{self._where}")
                self._modules[value.__name__] = value
            self._numpy |= value.__name__ == "numpy"
        elif isinstance(value, types.BuiltinFunctionType):
            bound = getattr(value, "__self__", None)
            if bound is not None and not isinstance(bound, types.ModuleType):
                return self._meet(bound)
            if _package(value) not in _PURE:
                raise Unreadable(f"it uses {value.__module__}.{value.__name__}{self._where}")
        elif isinstance(value, type):
            if _package(value) not in _PURE:
                self._class(value, True)
        elif isinstance(value, (staticmethod, classmethod)):
            self._meet(value.__func__)
        elif isinstance(value, property):
            for part in (value.fget, value.fset):
                if part is not None:
                    self._meet(part)
        return None

    def _function(self, function: Any) -> None:
        if function is not self.function and tracing.is_library(function.__code__.co_filename):
            self._entries.append(id(function.__code__))
            for cell in function.__closure__ or ():  # a decorator around a user's function, perhaps
                if isinstance(cell.cell_contents, types.FunctionType):
                    self._meet(cell.cell_contents)
            return
        self._entries.append(("code", id(function.__code__)))
        self.functions.append((function, function.__code__, function.__defaults__, function.__kwdefaults__))
        for part in (function.__defaults__, function.__kwdefaults__, function.__dict__ or None):
            self._meet(part)
        for cell in function.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:
                raise Unreadable("a variable of an enclosing function has no value yet") from None
            self.cells.append((cell, content))
            self._meet(content)
        for code in _codes(function.__code__):
            self._read(code, function.__globals__)

    def _read(self, code: types.CodeType, globals_: dict[str, Any]) -> None:
        """What a piece of bytecode names."""
        builtins = globals_.get("__builtins__", {})
        builtins = builtins if isinstance(builtins, dict) else vars(builtins)
        line, file, seen = code.co_firstlineno, os.path.basename(code.co_filename), set()
        for instruction in dis.get_instructions(code):
            line = _line(instruction, line)
            self._where = f" ({file}:{line})"
            kind, name = instruction.opname, instruction.argval
            if kind in ("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL"):
                if name not in globals_ and name in builtins and kind.startswith("LOAD"):
                    if name in _EFFECTS:
                        raise Unreadable(f"it calls {name}(){self._where}")
                    self._dynamic = self._where if name in ("getattr", "hasattr") else self._dynamic
                if name not in seen:
                    seen.add(name)
                    self._named(globals_, name)
            elif kind in ("LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM", "LOAD_SUPER_ATTR"):
                if name in _HIDDEN or (name in _FILES and self._numpy):
                    raise Unreadable(f"it reads {name}{self._where}")
                self.reads.add(name)
                self._dynamic = self._where if name in ("attrgetter", "methodcaller") else self._dynamic
            elif kind in ("STORE_ATTR", "DELETE_ATTR"):
                self._stores.add(name)
            elif kind == "IMPORT_NAME":
                if name not in sys.modules:
                    raise Unreadable(f"it imports {name}{self._where}")
                self._meet(sys.modules[name])

    # ------------------------------------------------------------ classes and modules

    def _class(self, cls: type, made: bool) -> None:
        if not cls.__flags__ & HEAP_TYPE:
            raise Unreadable(f"it uses the class {cls.__module__}.{cls.__name__}{self._where}")
        self._classes[cls] = made or self._classes.get(cls, False)

    def _close(self) -> None:
        """Follow attributes of classes and modules until nothing new is met."""
        while True:
            before = len(self._members)
            for module in list(self._modules.values()):
                for name in sorted(self.reads | self._stores):
                    if name in vars(module) or name in self._stores:
                        self._member(vars(module), name, module)
            for cls, made in list(self._classes.items()):
                self._follow_class(cls, made)
            if len(self._members) == before:
                return

    def _follow_class(self, cls: type, made: bool) -> None:
        wanted = self.reads | self._stores
        if issubclass(cls, Function):  # `apply` calls these
            wanted |= {"forward", "backward", "vjp", "setup_context"}
        theirs = [c for c in cls.__mro__ if _package(c) not in _PURE]
        for depth, c in enumerate(theirs):
            for name in list(vars(c)):
                special = name.startswith("__") and name.endswith("__") and callable(vars(c)[name])
                if name in wanted and not special:
                    for nearer in theirs[:depth + 1]:  # who is asked first, and may come to have it
                        self._member(vars(nearer), name, nearer)
                # Not what a library put into a class, as enum does.
                elif special and _package(vars(c)[name]) not in _PURE and (
                        name not in _UNUSED or (made and name in ("__init__", "__new__", "__post_init__"))):
                    self._member(vars(c), name, c)
        if made:
            for name in self._stores:
                self._member(vars(cls), name, cls)

    def _member(self, where: Any, name: str, owner: Any) -> None:
        if (owner, name) not in self._members:
            self._members.add((owner, name))
            self._where = f" (of {owner.__name__})"
            value = where.get(name, MISSING)
            if isinstance(value, functools.cached_property):
                self._meet(value.func)
            elif not isinstance(value, (types.MemberDescriptorType, types.GetSetDescriptorType)) and (
                    type(value).__module__ not in ("_collections", "collections")):
                self._named(where, name)


def _free(function: Any) -> tuple[str, ...]:
    code = getattr(function, "__code__", None)
    return code.co_freevars if code else ()


def _is_users(file: str) -> bool:
    """Whether a module is a program's own code, which can be read, and no installed library."""
    return file.endswith(".py") and "site-packages" not in file and os.path.dirname(os.__file__) not in file
