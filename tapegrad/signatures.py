"""What arguments a function of the facade takes: read from its annotations, in one place for all of them.

A parameter annotated `int`, `float`, `bool`, `Ints` or `Tensor` (or one of these `| None`) gets just that. As in
PyTorch a tensor without axes serves as a number, NumPy's names (`axis`, `keepdims`) serve as keywords, and what does
not fit is a TypeError that says which argument it is. `dtype` may be one of Python's types, and `Any` is left to the
function. All of it is on the slow path: of a call that native code has learnt, nothing here runs.
"""
from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tapegrad import dtypes
from tapegrad.machine.instance import machine

Ints = Any  # one whole number, or several
TensorBase = machine.TensorBase
_ALIASES = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"}


class Kind(NamedTuple):
    """What an annotation stands for: types that pass unseen, how it is called, and what becomes of anything else."""

    plain: tuple[type, ...]
    name: str
    taken: Callable[[Any], Any]  # raises TypeError


def _number(x: Any, categories: tuple[int, ...]) -> Any:
    """The number in a tensor without axes, if it is of these kinds; a gradient could not flow through it."""
    if x.ndim or x.dtype.category not in categories or x.requires_grad:
        raise TypeError
    return x.item()


def _int(x: Any) -> int:
    if isinstance(x, TensorBase):
        return _number(x, (1,))
    if isinstance(x, (bool, np.bool_)):
        raise TypeError
    return operator.index(x)


def _float(x: Any) -> Any:
    if isinstance(x, TensorBase):
        return _number(x, (0, 1, 2))
    if isinstance(x, (int, float)):
        return x
    if isinstance(x, (np.integer, np.floating, np.bool_)):
        return x.item()
    raise TypeError


def _bool(x: Any) -> bool:
    if isinstance(x, np.bool_):
        return bool(x)
    raise TypeError


def _ints(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return x if all(type(n) is int for n in x) else tuple(map(_int, x))
    return _int(x.reshape(()) if isinstance(x, TensorBase) and x.numel() == 1 else x)


def _tensor(x: Any) -> Any:
    if isinstance(x, TensorBase):
        return x
    raise TypeError


_KINDS = {
    "int": Kind((int,), "int", _int),
    "float": Kind((float, int, bool), "float", _float),
    "bool": Kind((bool,), "bool", _bool),
    "Ints": Kind((int,), "tuple of ints", _ints),
    "Tensor": Kind((), "Tensor", _tensor),
    "dtype": Kind((dtypes.dtype,), "torch.dtype", dtypes.named),
}
_KINDS |= {f"{name} | None": kind._replace(plain=(*kind.plain, type(None))) for name, kind in _KINDS.items()}


def checked(function: Callable[..., Any], bound: int = 0) -> Callable[..., Any]:
    """A function whose arguments are looked at first; of a method, the first `bound` are not counted in messages.

    >>> def halves(input: Tensor, dim: int = 0): return input, dim
    >>> checked(halves)(1)
    Traceback (most recent call last):
        ...
    TypeError: halves(): argument 'input' (position 1) must be Tensor, not int
    """
    code = inspect.unwrap(function).__code__  # a wrapper takes what it wraps does
    names = code.co_varnames[:code.co_argcount + code.co_kwonlyargcount]
    kinds = {name: _KINDS[a] for name, a in function.__annotations__.items() if a in _KINDS and name != "return"}
    if "dtype" in names:
        kinds["dtype"] = _KINDS["dtype | None"]
    if not kinds:
        return function
    positional = [(j, name, kinds[name]) for j, name in enumerate(names[:code.co_argcount]) if name in kinds]

    def fit(name: str, kind: Kind, x: Any, place: str) -> Any:
        try:
            return kind.taken(x)
        except TypeError:
            raise TypeError(f"{function.__name__}(): argument '{name}'{place} must be {kind.name}, not "
                            f"{type(x).__name__}") from None

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for j, name, kind in positional:
            if j >= len(args):
                break
            x = args[j]
            if type(x) not in kind.plain:
                y = fit(name, kind, x, f" (position {j + 1 - bound})")
                if y is not x:
                    args = (*args[:j], y, *args[j + 1:])
        if kwargs:
            for name in [*kwargs]:
                own = name if name in names else _ALIASES.get(name, name)
                x = kwargs.pop(name) if own in names and own not in kwargs else kwargs.get(name)
                known = kinds.get(own)
                if known is not None and type(x) not in known.plain:
                    x = fit(own, known, x, "")
                kwargs[own if own in names else name] = x
        return function(*args, **kwargs)

    return call
