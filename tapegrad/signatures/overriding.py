"""Arguments that answer for themselves: `__torch_function__`, PyTorch's form of NumPy's NEP 18.

A call of a function on an object whose class defines it is answered by that class, which is told the function, the
classes concerned and the arguments. Only what native code does not know comes here, so that tensors pay nothing.
"""
from __future__ import annotations

import functools
import operator
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from tapegrad.machine.live import machine

NO_ANSWER = object()

silent: set[type] = {type(None), bool, int, float, str}  # types that answer for nothing: what most arguments are
_OURS = {"builtins", "numpy", "tapegrad"}  # where classes come from that never will


def disabled(func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """What a subclass of Tensor sets `__torch_function__` to so as to answer for nothing: results are plain tensors."""
    with quiet(dresses=False):
        return func(*args, **(kwargs or {}))


class _Thread(threading.local):
    """Whether this thread's calls ask arguments, and whether results are of their operands' subclass."""

    asks = True
    dresses = True


thread: _Thread = _Thread()
_asking: Any = None  # `Tensor.__torch_function__`, which asks nobody


def default(function: Any) -> Any:
    """Declare the method that a class has which does not answer."""
    global _asking
    _asking = function
    return classmethod(function)


def overrides(kind: type) -> bool:
    """Whether instances of a class answer for themselves."""
    found = getattr(kind, "__torch_function__", None)
    answers = found is not None and getattr(found, "__func__", found) not in (_asking, disabled)
    if not answers and kind not in (list, tuple) and kind.__module__.partition(".")[0] in _OURS:
        silent.add(kind)
    return answers


def answering(given: Iterable[Any]) -> list[Any]:
    """Those of some arguments, or of the elements of lists among them, that answer: one a class, subclasses first."""
    found: list[Any] = []
    for x in given:
        kind = type(x)
        if kind in silent:
            continue
        for e in x if kind in (list, tuple) else (x,):
            kind = type(e)
            if kind not in silent and overrides(kind) and all(type(f) is not kind for f in found):
                place = next((i for i, f in enumerate(found) if issubclass(kind, type(f))), len(found))
                found.insert(place, e)
    return found


_KNOWN_AS = {"left_shift": "bitwise_left_shift", "right_shift": "bitwise_right_shift",
             "log_sigmoid": "nn.functional.logsigmoid"}


@functools.cache
def public(path: str) -> Any:
    """What users find under a path of the package, or as a method; None for what only the package calls."""
    package = sys.modules["tapegrad"]
    for space in ("", "Tensor.", "special."):
        try:
            return operator.attrgetter(space + _KNOWN_AS.get(path, path))(package)
        except AttributeError:
            continue
    return None


# What makes tensors of anything, or asks what something is.
_ASKS_NOBODY = {"asarray", "as_tensor", "broadcast_shapes", "from_dlpack", "frombuffer", "is_storage", "is_tensor",
                "range", "tensor", "to_dlpack", "typename"}


def answer(path: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What arguments say that a call of the function at `path` gives; NO_ANSWER if none of them has a say."""
    if not thread.asks:
        return NO_ANSWER
    found = answering((*args, *kwargs.values()))
    function = public(path) if found and path not in _ASKS_NOBODY else None
    return NO_ANSWER if function is None else ask(function, found, args, kwargs)


def ask(function: Any, found: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The first answer of these arguments; TypeError where none of them has one."""
    result = first_answer(function, found, args, kwargs)
    if result is NO_ANSWER:
        names = "".join(f"  - tensor subclass {type(x)}\n" for x in found)
        raise TypeError(f"Multiple dispatch failed for 'torch.{name_of(function)}'; all __torch_function__ handlers "
                        f"returned NotImplemented:\n\n{names}\n")
    return result


def first_answer(function: Any, found: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What the first of these arguments that knows it says a call gives, or NO_ANSWER."""
    types = tuple(map(type, found))
    for x in found:
        asked = type(x).__torch_function__
        result = asked(function, types, args, kwargs) if kwargs else asked(function, types, args)
        if result is not NotImplemented:
            return result
    return NO_ANSWER


def special(name: str, function: Any) -> Any:
    """A method that Python calls for its syntax, and whose other arguments are asked for `Tensor.name`."""

    @functools.wraps(function)
    def method(self: Any, *others: Any) -> Any:
        if thread.asks and (found := answering((self, *others))):
            return ask(public(f"Tensor.{name}"), found, (self, *others), {})
        return function(self, *others)

    return method


def asked_first(function: Any) -> Any:
    """A function whose first argument is asked; for those whose arguments are not put in place by others."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if args and type(args[0]) not in silent:
            found = answer(function.__name__, args, kwargs)
            if found is not NO_ANSWER:
                return found
        return function(*args, **kwargs)

    return call


def name_of(function: Any) -> str:
    """Where users find a function, in PyTorch's namespace below `torch`."""
    package = sys.modules["tapegrad"]
    name = getattr(function, "__name__", "")
    if name in ("__get__", "__set__", "__delete__"):
        attribute = next(n for cls in package.Tensor.__mro__ for n, x in vars(cls).items() if x is function.__self__)
        return f"Tensor.{attribute}.{name}"
    for space in ("", "Tensor", "nn.functional", "linalg", "special"):
        within = operator.attrgetter(space)(package) if space else package
        if getattr(within, name, None) is function:
            return f"{space}.{name}".lstrip(".")
    return name


@contextmanager
def quiet(dresses: bool) -> Iterator[None]:
    """A block whose calls ask nobody; unless it `dresses` them, results are plain tensors."""
    before = thread.asks, thread.dresses
    thread.asks, thread.dresses = False, dresses
    try:
        yield
    finally:
        thread.asks, thread.dresses = before


def DisableTorchFunctionSubclass() -> AbstractContextManager[None]:
    """A block in which no class is asked by `__torch_function__` (`torch.DisableTorchFunctionSubclass`).

    >>> import tapegrad as torch
    >>> class Kept(torch.Tensor):
    ...     pass
    >>> with torch.DisableTorchFunctionSubclass():
    ...     type(torch.ones(2).as_subclass(Kept) + 1)
    <class 'tapegrad.Tensor'>

    Results in it are plain tensors.
    """
    return quiet(dresses=False)


DisableTorchFunction = DisableTorchFunctionSubclass


@functools.cache
def undressed() -> set[Any]:
    """What gives tensors that are not of the subclass of the one they are asked of."""
    tensor = machine.tensor_type
    return {tensor.grad.__get__, tensor._grad.__get__, tensor._base.__get__}


def dressed(found: Any, kind: Any) -> Any:
    """Tensors as instances of a subclass, also those in lists."""
    if kind is machine.tensor_type:
        return found
    if isinstance(found, machine.TensorBase):
        return found if isinstance(found, kind) else found.as_subclass(kind)
    if isinstance(found, (tuple, list)):
        each = [dressed(x, kind) for x in found]
        return type(found)(*each) if hasattr(found, "_fields") else type(found)(each)
    return found


# ------------------------------------------------------------------------------- methods and attributes of subclasses

# What is no question to a tensor, or answered before anybody is asked, in PyTorch as well.
_OWN = {"as_subclass", "unflatten"}
_SPECIAL = {"__repr__", "__len__", "__getitem__", "__setitem__", "__bool__", "__float__", "__int__", "__index__",
            "__complex__", "__contains__", "__format__", "__array__", "__deepcopy__", "__reduce_ex__", "__array_wrap__"}


def ask_for_methods(kind: type, base: type) -> None:
    """Let what a subclass inherits from `base` and above ask `__torch_function__`; what it defines itself stays."""
    inherited = kind.__mro__[kind.__mro__.index(base):]
    own = {name for cls in kind.__mro__[:kind.__mro__.index(base)] for name in vars(cls)}
    for name in {name for cls in inherited for name in vars(cls) if name[0] != "_" or name in _SPECIAL} - own - _OWN:
        found = next(vars(cls)[name] for cls in inherited if name in vars(cls))
        if isinstance(found, (classmethod, staticmethod, type)) or not hasattr(found, "__get__"):
            continue
        setattr(kind, name, _attribute(found) if hasattr(found, "__set__") else _method(getattr(base, name)))


def _method(function: Any) -> Any:
    @functools.wraps(function, updated=())
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not thread.asks:
            return function(self, *args, **kwargs)
        given = (self, *args)
        return ask(function, answering((*given, *kwargs.values())), given, kwargs)

    return method


def _attribute(descriptor: Any) -> property:
    def of(name: str) -> Any:
        function = getattr(descriptor, name)

        def access(self: Any, *args: Any) -> Any:
            if not thread.asks:
                return function(self, *args)
            return ask(function, answering((self, *args)), (self, *args), {})

        return access

    return property(of("__get__"), of("__set__"), of("__delete__") if hasattr(descriptor, "__delete__") else None,
                    getattr(descriptor, "__doc__", None))
