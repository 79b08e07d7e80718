"""Plain Python functions of numbers as rules: what they call of `math` and NumPy is looked up in the table of scalars.

`traceable(fn)` is the function with other globals, so that it may be called with symbols, tensors, duals and arrays
alike. Its code is the same; what it does with a truth value (`if`, `and`, `while`) no symbol can follow.
"""
from __future__ import annotations

import builtins
import functools
import math
from collections.abc import Callable, Sequence
from types import CellType, FunctionType, ModuleType
from typing import Any

import numpy as np

from tapegrad import dtypes
from tapegrad.ops.adjoint_operations import Dual
from tapegrad.ops.declaration import Operation
from tapegrad.ops.scalar import INTRINSICS, like, scalar
from tapegrad.ops.symbols import Sym, walk


def _largest(first: Any, *others: Any) -> Any:  # as Python's, of which a NaN is never found larger
    return functools.reduce(lambda a, b: scalar.where(b > a, b, a) if _follows(a, b) else max(a, b), others, first)


def _smallest(first: Any, *others: Any) -> Any:
    return functools.reduce(lambda a, b: scalar.where(b < a, b, a) if _follows(a, b) else min(a, b), others, first)


def _follows(*values: Any) -> bool:
    return any(hasattr(type(v), "__scalar__") or isinstance(v, np.ndarray) for v in values)


def _named(name: str) -> Callable[..., Any]:
    """A function of the table, of numbers alone as Python has it."""
    def call(*args: Any) -> Any:
        return getattr(scalar, name)(*args) if _follows(*args) else getattr(np, _NUMPY.get(name, name))(*args)

    call.__name__ = name
    return call


_first: list[Any] = []  # the first operand of the call that is being followed, whose dtype bare numbers take


def _where(condition: Any, x: Any, y: Any) -> Any:
    if not _follows(condition, x, y):
        return x if condition else y
    if not _follows(x, y):
        x = like(x, _first[-1])
    return scalar.where(condition, x, y)


_NUMPY = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "asinh": "arcsinh",
          "acosh": "arccosh", "atanh": "arctanh"}
_SAME = ("sqrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan",
         "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "hypot", "copysign", "floor", "ceil", "trunc",
         "isnan", "isinf")
_MATH: dict[str, Any] = {name: _named(name) for name in _SAME} | {
    "erf": scalar.erf, "erfc": scalar.erfc, "lgamma": scalar.lgamma, "fabs": abs, "pow": lambda x, y: x ** y,
    "pi": math.pi, "e": math.e, "tau": math.tau, "inf": math.inf, "nan": math.nan}
_ARRAYS: dict[str, Any] = {_NUMPY.get(name, name): _MATH[name] for name in _SAME} | {
    "abs": abs, "absolute": abs, "fabs": abs, "maximum": lambda x, y: scalar.maximum(x, y), "sign": scalar.sign,
    "minimum": lambda x, y: scalar.minimum(x, y), "where": _where, "square": lambda x: x * x,
    "power": _MATH["pow"], "pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan}
_BUILTINS = {"max": _largest, "min": _smallest, "abs": abs, "pow": _MATH["pow"], "float": lambda x: x if _follows(x) else
             float(x), "range": range, "len": len, "int": int, "enumerate": enumerate, "zip": zip}


_OF_CONDITIONS = {"where", "eq", "ne", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not"}


class NotTraceable(TypeError):
    """Why a function cannot be followed on symbols."""


class _Offered:
    """What stands for a module."""

    def __init__(self, name: str, offered: dict[str, Any]) -> None:
        self._name, self._offered = name, offered

    def __getattr__(self, name: str) -> Any:
        if name not in self._offered:
            raise NotTraceable(f"{self._name}.{name} is no function that can be followed")
        return self._offered[name]


_MODULES = {"math": _Offered("math", _MATH), "numpy": _Offered("numpy", _ARRAYS)}
_BY_IDENTITY = {id(getattr(math, n)): f for n, f in _MATH.items()} | {id(getattr(np, n)): f for n, f in _ARRAYS.items()}


def traceable(function: Any) -> FunctionType:
    """The same function, where what it calls takes symbols; NotTraceable for what is known to take none."""
    return _traceable(function, {})


def rule_of(function: Any, names: Sequence[str]) -> Callable[..., Any]:
    """A traceable function as a rule with parameters of these names, of which every result has a dtype."""
    followed = traceable(function)

    def rule(*values: Any) -> Any:
        _first.append(values[0])
        try:
            found = followed(*values)
        finally:
            _first.pop()
        _refuse_arithmetic_on_conditions([f for f in (found if isinstance(found, tuple) else (found,))
                                          if isinstance(f, Sym)])
        if isinstance(found, tuple):
            return tuple([f if _follows(f) else like(f, values[0]) for f in found])
        return found if _follows(found) else like(found, values[0])

    return with_parameters(rule, names)


def _refuse_arithmetic_on_conditions(roots: Sequence[Sym]) -> None:
    """To Python a condition is the number 0 or 1, of which `(x > 0) * 3` makes 3; to the table it stays a condition."""
    for node in walk(roots):
        if node.op in INTRINSICS:
            for kind, a in zip(INTRINSICS[node.op].takes, node.args):
                if kind != "b" and a.dtype is dtypes.bool_ and (a.op == "const" or node.op not in _OF_CONDITIONS):
                    raise NotTraceable("a comparison is used as a number: numpy.where(comparison, 1.0, 0.0) is one")


def _traceable(function: Any, made: dict[int, FunctionType]) -> FunctionType:
    function = getattr(function, "py_func", function)  # a dispatcher of Numba's
    if not isinstance(function, FunctionType):
        raise NotTraceable(f"a {type(function).__name__} is no Python function")
    if id(function) in made:
        return made[id(function)]
    code = function.__code__
    known: dict[str, Any] = {"__builtins__": {"abs": abs}}
    found = made[id(function)] = FunctionType(
        code, known, function.__name__, function.__defaults__,
        tuple(_cell(name, cell, made) for name, cell in zip(code.co_freevars, function.__closure__ or ())) or None)
    found.__kwdefaults__ = function.__kwdefaults__
    for name in code.co_names:
        if name in function.__globals__:
            known[name] = _value(name, function.__globals__[name], made)
        elif name in _BUILTINS:
            known[name] = _BUILTINS[name]
        elif hasattr(builtins, name):
            raise NotTraceable(f"{name}() cannot be followed")
    return found


def _cell(name: str, cell: Any, made: dict[int, FunctionType]) -> CellType:
    return CellType(_value(name, cell.cell_contents, made))


def _value(name: str, value: Any, made: dict[int, FunctionType]) -> Any:
    if isinstance(value, ModuleType):
        if value.__name__ not in _MODULES:
            raise NotTraceable(f"{value.__name__} is no module that can be followed")
        return _MODULES[value.__name__]
    if id(value) in _BY_IDENTITY:
        return _BY_IDENTITY[id(value)]
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(getattr(value, "operation", None), Operation):  # another such function
        return value.operation.forward
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple):
        return tuple(_value(name, v, made) for v in value)
    return _traceable(value, made)


def derived(forward: Callable[..., Any], operands: Sequence[str]) -> Callable[..., Any]:
    """The adjoint of a rule: the rule itself, run on dual numbers."""
    def gradients(g: Any, *values: Any) -> Any:
        found = []
        for k in range(len(values)):
            result = forward(*[Dual(x, g if i == k else None) for i, x in enumerate(values)])
            tangent = result.tangent if isinstance(result, Dual) else None
            found.append(like(0, g) if tangent is None else tangent)
        return tuple(found) if len(found) > 1 else found[0]

    return with_parameters(gradients, ["g", *operands])


def with_parameters(function: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
    """A function whose parameters have these names: rules are asked for what they name."""
    made: dict[str, Any] = {"function": function}
    exec(f"def rule({', '.join(names)}): return function({', '.join(names)})", made)
    return made["rule"]


__all__ = ["NotTraceable", "derived", "rule_of", "traceable", "with_parameters"]
