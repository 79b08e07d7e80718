"""The Python values a function can read: what its code names, followed through closures, globals, containers, objects.

A capture is only valid for the values it saw. `Reach` finds them; `Reach.snapshot` is compared before every replay and
across a capture, so that a function that changes what it reads is found out and left as it is.
"""
from __future__ import annotations

import dis
import functools
import math
import operator
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from tapegrad import dtypes
from tapegrad.machine.live import machine

# What a replay would leave out or repeat wrongly: effects, and values from outside.
_EFFECTS = {"print", "input", "open", "exec", "eval", "next", "setattr", "delattr", "globals", "vars", "locals", "id",
            "hash"}
_MODULES = {"tapegrad", "math", "cmath", "operator", "functools", "builtins"}  # nothing in them changes
_SETTABLE = {"grad"}  # attributes whose assignment a capture understands
_HIDDEN = {"_version", "data_ptr", "_buffer", "_memory", "random", "grad_fn", "_base"}  # a replay would not renew them
_SIMPLE = (bool, int, float, str, bytes, complex, type(None), slice, range, type(...), dtypes.dtype)
_DEPTH = 6


@functools.cache
def _attributes() -> frozenset[str]:
    """The attributes whose meaning is known: those of this library, of its tensors, and of Python's own types.

    Any other may be state that somebody hung on a tensor, and that no snapshot would see.
    """
    ours = [m for name, m in sys.modules.items() if name.split(".")[0] == "tapegrad"]
    tensor = next(c for c in machine.TensorBase.__subclasses__())
    known = [*ours, math, operator, functools, tensor, dict, list, tuple, set, str, int, float, dtypes.dtype]
    return frozenset(name for thing in known for name in dir(thing))


class Unreadable(Exception):
    """Why a function's state cannot be watched."""


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from _codes(const)


class Reach:
    """Everything a function's code can read by name; raises Unreadable for what cannot be watched.

    `cells` and `names` are where values are found (a closure cell, a dict and a key), `tensors` the tensors among them,
    by identity.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.names: list[tuple[dict[str, Any], str, Any]] = []
        self.cells: list[tuple[Any, Any]] = []
        self.roots: list[Any] = []
        self.tensors: dict[int, Any] = {}
        self._seen: set[int] = set()
        self._function(function)
        for value in self.roots:
            self._value(value, _DEPTH)

    def _function(self, function: Any) -> None:
        if isinstance(function, functools.partial):
            self.roots += [function.args, function.keywords]
            return self._function(function.func)
        if isinstance(function, types.MethodType):
            self.roots.append(function.__self__)
            return self._function(function.__func__)
        if hasattr(function, "__wrapped__") and hasattr(function, "tapes"):  # a compiled function inside another
            return self._function(function.__wrapped__)
        if not isinstance(function, types.FunctionType):
            raise Unreadable(f"{function!r} is not a Python function")
        if id(function) in self._seen:
            return None
        self._seen.add(id(function))
        self.roots += [function.__defaults__, function.__kwdefaults__]
        for cell in function.__closure__ or ():
            try:
                self.cells.append((cell, cell.cell_contents))
            except ValueError:
                raise Unreadable("a variable of an enclosing function has no value yet") from None
            self._named(cell.cell_contents)
        for code in _codes(function.__code__):
            self._code(code, function.__globals__)
        return None

    def _code(self, code: types.CodeType, globals_: dict[str, Any]) -> None:
        builtins = globals_.get("__builtins__", {})
        builtins = builtins if isinstance(builtins, dict) else vars(builtins)
        for instruction in dis.get_instructions(code):
            name = instruction.argval
            if instruction.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
                raise Unreadable(f"it assigns the global {name}")
            if instruction.opname == "STORE_DEREF" and name in code.co_freevars:
                raise Unreadable(f"it assigns {name} of an enclosing function")
            if instruction.opname == "STORE_ATTR" and name not in _SETTABLE:
                raise Unreadable(f"it assigns the attribute {name}")
            if instruction.opname in ("YIELD_VALUE", "SEND", "IMPORT_NAME"):
                raise Unreadable("it is a generator or imports a module")
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                if name in globals_:
                    self.names.append((globals_, name, globals_[name]))
                    self._named(globals_[name])
                elif name in _EFFECTS and name in builtins:
                    raise Unreadable(f"it calls {name}()")
            elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and (name in _HIDDEN or name not in _attributes()):
                raise Unreadable(f"it reads the attribute {name}")

    def _named(self, value: Any) -> None:
        """A value that code names: followed if it is code itself, watched if it is data, refused if it is neither."""
        if _ours(value) and not isinstance(value, machine.TensorBase) and not hasattr(value, "tapes"):
            return
        if isinstance(value, types.ModuleType):
            if value.__name__.split(".")[0] not in _MODULES:
                raise Unreadable(f"it uses the module {value.__name__}")
        elif isinstance(value, (types.FunctionType, types.MethodType, functools.partial)) or hasattr(value, "tapes"):
            self._function(value)
        elif isinstance(value, types.BuiltinFunctionType):
            if (value.__module__ or "builtins").split(".")[0] not in _MODULES:
                raise Unreadable(f"it uses {value.__module__}.{value.__name__}")
        elif isinstance(value, type):
            if value.__module__ != "builtins":
                raise Unreadable(f"it uses the class {value.__name__}")
        else:
            self.roots.append(value)

    def _value(self, value: Any, depth: int) -> None:
        kind = type(value)
        if isinstance(value, machine.TensorBase):
            self.tensors[id(value)] = value
        elif kind in _SIMPLE or id(value) in self._seen:
            return
        elif depth == 0:
            raise Unreadable(f"a {kind.__name__} lies too deep to be watched")
        else:
            self._seen.add(id(value))
            if kind is dict:
                parts = [*value.keys(), *value.values()]
            elif kind in (list, tuple, set, frozenset) or (isinstance(value, tuple) and hasattr(value, "_fields")):
                parts = list(value)
            else:
                raise Unreadable(f"it reads a {kind.__name__}, whose content is not watched")
            for part in parts:
                self._value(part, depth - 1)

    def renew(self) -> None:
        """Take the objects found now for those to look for."""
        self.names = [(where, name, where.get(name)) for where, name, _ in self.names]
        self.cells = [(cell, cell.cell_contents) for cell, _ in self.cells]

    def snapshot(self) -> tuple[Any, ...]:
        """The values as something to compare: content of containers and objects, identity of the rest."""
        return tuple(_frozen(v, _DEPTH) for v in (*(c.cell_contents for c, _ in self.cells),
                                                  *(d.get(n) for d, n, _ in self.names), *self.roots))


def _ours(value: Any) -> bool:
    return (getattr(value, "__module__", "") or "").split(".")[0] == "tapegrad"


def _frozen(value: Any, depth: int) -> Any:
    if isinstance(value, machine.TensorBase):
        return ("tensor", id(value))
    if type(value) in _SIMPLE:
        return (type(value), repr(value) if type(value) is float else value)  # NaN is itself here, and -0.0 not 0.0
    if depth == 0:
        return id(value)
    if isinstance(value, dict):
        return ("dict", tuple((_frozen(k, depth - 1), _frozen(v, depth - 1)) for k, v in value.items()))
    if isinstance(value, (list, tuple)):
        return (type(value), tuple(_frozen(v, depth - 1) for v in value))
    if isinstance(value, (set, frozenset)):
        return (type(value), frozenset(_frozen(v, depth - 1) for v in value))
    return id(value)
