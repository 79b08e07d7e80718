"""Arguments put in place: what users write, by any of a function's forms, becomes what the function takes.

All of it is on the slow path: of a call that native code has learnt, nothing here runs. What fits no form is a
TypeError in PyTorch's words.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from tapegrad.documents.texts import TEXTS
from tapegrad.errors import OutOfMemoryError, PerLane
from tapegrad.machine.learning import following, parts
from tapegrad.machine.live import machine
from tapegrad.signatures import overriding
from tapegrad.signatures.kinds import Beginning, Unpacked, alone, is_vast, type_name
from tapegrad.signatures.older_orders import formerly, had_another_order
from tapegrad.signatures.overloads import Form, Parameter, forms_of, is_general
from tapegrad.signatures.table import ASKED, ELSEWHERE, IN_C, IN_PYTHON

if TYPE_CHECKING:
    from tapegrad.ops.declaration import Operation

R = TypeVar("R")
Given = tuple[tuple[Any, ...], dict[str, Any]]
# NumPy's names, which PyTorch takes for its own.
_ALIASES = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"}
_NUMPYS = {name: tuple(a for a, n in _ALIASES.items() if n == name) for name in _ALIASES.values()}


per_lane: Callable[..., Any] | None = None  # while a `vmap` is under way: calls a function for each lane
made: dict[str, Callable[..., Any]] = {}  # every function that is checked, by its path


_tensors: list[type] = []  # what is a tensor as it is, beside the class itself
_quick: list[set[type]] = []  # the types that pass as they are, of every parameter that is a tensor


def as_it_is(others: tuple[type, ...]) -> set[type]:
    """The types that a parameter takes as they are which takes tensors, or these others."""
    _quick.append({*others, machine.tensor_type, *_tensors})
    return _quick[-1]


def is_tensor(kind: type) -> None:
    """Let a subclass of Tensor pass as it is, wherever a tensor does."""
    _tensors.append(kind)
    for types in _quick:
        if machine.tensor_type in types:
            types.add(kind)


def checked(function: Callable[..., Any], path: str, op: Operation | None = None) -> Callable[..., Any]:
    """A function whose arguments are put in place first; `path` is where users find it (`max`, `Tensor.max`).

    >>> def halves(input: Tensor, dim: int = 0): return input, dim
    >>> checked(halves, "halves")(1)
    Traceback (most recent call last):
        ...
    TypeError: halves(): argument 'input' (position 1) must be Tensor, not int
    """
    lane: _Lane | None = None
    placed = parts.PLACED.get(path)
    passes = path.removeprefix("Tensor.").removeprefix("nn.functional.") in following.PASSES

    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal lane
        if following.active is not None and not passes:
            args = following.plain(args) if placed is None else placed(following.active, args)
            kwargs = following.plain(kwargs)
        if lane is None:  # not when this is made: a thousand functions are, and a program calls a few
            lane = _Lane(function, path, op)
        n = len(args)
        try:
            if n in lane.counts:
                for x, plain in zip(args, lane.kinds):
                    if type(x) not in plain or is_vast(x):
                        break
                else:
                    if not kwargs or lane.has(n, kwargs):
                        return function(*args, **kwargs)
            found = overriding.answer(path, args, kwargs)
            if found is not overriding.NO_ANSWER:
                return found
            args, kwargs = lane.fit(args, kwargs)
            return function(*args, **kwargs)
        except PerLane as why:
            if per_lane is None:
                raise
            return per_lane(call, args, kwargs, why)
        except MemoryError as error:
            if isinstance(error, OutOfMemoryError):
                raise
            raise OutOfMemoryError(f"DefaultCPUAllocator: can't allocate memory: {error}") from error  # NumPy's

    made[path] = call
    call.__wrapped__ = function  # type: ignore[attr-defined]
    call.__name__ = call.__qualname__ = path.rpartition(".")[2]
    call.__doc__ = TEXTS.get(path) or function.__doc__
    return call


def described(function: Callable[..., R]) -> Callable[..., R]:
    """`checked`, of a function that `tapegrad` offers under its own name."""
    return checked(function, function.__name__)


def unwrapped(function: Any) -> Any:
    """A function as it was written."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


class _Lane:
    """How the arguments of calls of one function are put in place.

    A call goes through as it is that has `counts` arguments by position, each of the very types in `kinds` (or what
    answers for nothing, where any type will do), and others under the function's own names.
    """

    __slots__ = ("asked", "bound", "called", "counts", "elsewhere", "forms", "kinds", "named", "op", "python",
                 "spreads", "ways", "written")

    def __init__(self, function: Callable[..., Any], path: str, op: Operation | None) -> None:
        written = unwrapped(function)
        self.bound = int(path.startswith("Tensor."))  # where a method's message counts from
        self.forms, self.written, self.op = forms_of(path, written, op), written, op
        space, _, name = path.rpartition(".")
        self.called = f"{space}_{name}" if space in ("linalg", "special") else name
        self.asked = ASKED.get(path, {})
        self.elsewhere = [Form.of_text(ELSEWHERE[path])] if path in ELSEWHERE else []
        self.python = name in IN_PYTHON.get(space, ()) or (space in IN_C and name not in IN_C[space])
        self.ways = [self.way(form) for form in self.forms]
        first = self.ways[0]
        self.counts, self.kinds, self.named = first.counts, first.quick, first.named
        self.spreads = first.spreads and first.straight[self.bound] and len(first.required) == self.bound + 1

    def way(self, form: Form) -> _Way:
        return _Way(form, self.written, self.bound, self.op, self.python, self.asked)

    def has(self, n: int, kwargs: dict[str, Any]) -> bool:
        """Whether arguments by name, after `n` by position, are ones that the function takes as they are."""
        for name, x in kwargs.items():
            place, plain = self.named.get(name, (0, overriding.silent))
            if place < n or type(x) not in plain or is_vast(x):
                return False
        return True

    def fit(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Given:
        """The arguments as the function takes them; TypeError where they fit none of its forms."""
        ways, bound = self.ways, self.bound
        if self.spreads and len(args) > bound and {*map(type, args[bound:])} == {int} and not any(
                map(is_vast, args[bound:])) and (not kwargs or self.has(bound + 1, kwargs)):
            return (*args[:bound], args[bound:]), kwargs
        lanes: PerLane | None = None  # a tensor of a batch is no number, and may be a tensor in another form
        for way in ways:
            try:
                found = way.fit(args, kwargs)
            except Unpacked as said:
                raise TypeError(f"{said}".format(f"{self.called}()")) from None
            except PerLane as why:
                lanes = lanes or why
                continue
            if isinstance(found, tuple):
                return found
        if lanes is not None:
            raise lanes
        for form in self.elsewhere:
            if isinstance(self.way(form).fit(args, kwargs), tuple):
                raise NotImplementedError(f"Could not run 'aten::{self.called}.dtype' with arguments from the 'CPU' "
                                          "backend.")
        former = formerly(self.called, args, kwargs)
        if former is not None:
            return self.fit(*former)
        if bound and not self.python and not any(form.parameters for form in self.forms):
            what = "keyword arguments" if kwargs else f"arguments ({len(args) - bound} given)"
            raise TypeError(f"TensorBase.{self.called}() takes no {what}")
        ways = [self.way(each) for form in (*self.forms, *self.elsewhere) for each in form.spelled_out(bound)]
        failed = [way.fit(args, kwargs) for way in ways]
        count = len(args) + len(kwargs)
        plausible = [j for j, way in enumerate(ways) if way.may_have(count)]
        if (len(ways) == 1 and not had_another_order(self.called)) or len(plausible) == 1:
            wrong = failed[plausible[0] if len(ways) > 1 else 0]
            told = _missing(wrong, self.python) if isinstance(wrong, list) else wrong
            at = "Tensor." * (bound and self.python and told[0] != ":")
            raise TypeError(f"{at}{self.called}(){told}")
        unknown = [name for name in kwargs if len(ways) == 1 and name not in ways[0].places]
        if unknown:
            raise TypeError(f"{self.called}() received an invalid combination of arguments - got unrecognized keyword "
                            f"arguments: {', '.join(unknown)}")
        given = [type_name(a) for a in args[bound:]] + [f"{k}={type_name(a)}" for k, a in reversed(kwargs.items())]
        got = ", ".join(given) + ", " * (len(given) == len(kwargs) > 0)
        shown = "one of:\n" + "".join(f" * {way.shown}\n" for way in ways) if len(ways) > 1 else f"{ways[0].shown}\n"
        raise TypeError(f"{self.called}() received an invalid combination of arguments - got ({got}), but expected "
                        f"{shown}")


def _missing(names: list[str], in_python: bool) -> str:
    """What Python says of arguments that are not given, or PyTorch's parser."""
    if not in_python:
        listed = ", ".join(f'"{name}"' for name in names)
        return f" missing {len(names)} required positional argument{'s' * (len(names) == 1)}: {listed}"  # so it is
    *first, last = [f"'{name}'" for name in names]
    listed = f"{', '.join(first)}{',' * (len(first) > 1)} and {last}" if first else last
    return f" missing {len(names)} required positional argument{'s' * bool(first)}: {listed}"


class _Way:
    """One form of a function, ready for calls."""

    def __init__(self, form: Form, function: Any, bound: int, op: Operation | None, python: bool,
                 asked: dict[str, str]) -> None:
        self.shown, self.bound, self.python, self.asked = form, bound, python, asked
        self.parameters = parameters = (*[Parameter("self")] * bound, *form.parameters)
        self.kinds = [p.kind for p in parameters]
        self.count = sum(not p.keyword and not p.rest for p in parameters)
        self.rest = any(p.rest for p in parameters)
        self.spreads = self.count == bound + 1 and parameters[bound].annotation.startswith("Sizes")
        self.required = [j for j, p in enumerate(parameters) if not p.optional]
        self.places = {p.name: j for j, p in enumerate(parameters) if not p.rest and j >= bound}
        for j, p in enumerate(parameters[bound:], bound):
            for alias in _NUMPYS.get(p.name, ()):
                self.places.setdefault(alias, j)
        code = function.__code__
        positional = code.co_varnames[:code.co_argcount]
        alone = code.co_varnames[code.co_argcount:code.co_argcount + code.co_kwonlyargcount]
        # A function that is written for many operations takes all that their declarations list, by position.
        self.complete = is_general(op, function)
        self.several = self.complete or bool(code.co_flags & inspect.CO_VARARGS)
        # What is given by position stays so, unless the function takes it by name alone. What is given by name goes by
        # the name that the function has for it, or for what is in its place.
        self.straight = [not p.keyword and p.name not in alone and (j < len(positional) or self.several)
                         for j, p in enumerate(parameters)]
        self.keys = [p.name if p.keyword or p.name in (*positional, *alone) or j >= len(positional) else positional[j]
                     for j, p in enumerate(parameters)]
        through = not (self.complete or self.spreads or self.rest) and all(self.straight[:self.count])
        through = through and not any(j >= self.count for j in self.required)
        self.counts = range(len(self.required), self.count + 1) if through else range(0)
        plain = [overriding.silent if kind is None else as_it_is(kind.plain) if kind.name == "Tensor" else {*kind.plain}
                 for kind in self.kinds]
        self.quick = plain[:self.count]
        self.named = {p.name: (j, plain[j]) for j, p in enumerate(parameters)
                      if p.name == self.keys[j] and not p.rest and not self.complete and j >= bound}

    def may_have(self, count: int) -> bool:
        """Whether so many arguments could be this form's."""
        return len(self.required) <= count and (self.rest or count <= len(self.parameters))

    def fit(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Given | str | list[str]:
        """The arguments as the function takes them, what PyTorch says that is wrong with them, or what is missing."""
        n, bound = len(args), self.bound
        if self.spreads and n > bound and hasattr(args[bound], "__index__") and not getattr(
                alone(args[bound]), "ndim", 0):
            args, n = (*args[:bound], args[bound:]), bound + 1
        if n > self.count and not self.rest:
            unseen = 0 if self.python else bound
            most, least, n = self.count - unseen, len(self.required) - unseen, n - unseen
            if least != most:
                return f" takes from {least} to {most} positional arguments but {n} were given"
            return (f" takes {most} positional argument{'s' * (most != 1)} but {n} "
                    f"{'was' if n == 1 else 'were'} given")
        given: dict[int, Any] = dict(enumerate(args[:self.count]))
        places = [*range(bound, min(n, self.count))]
        names = {p.name for p in self.parameters}
        wrong = ""
        for name, x in kwargs.items():
            j = self.places.get(name, -1)
            if j in given:
                other = self.parameters[j].name
                wrong = wrong or (f" got multiple values for argument '{name}'" if other == name else
                                  f" got an unexpected keyword argument '{name}'")
            elif j < 0 or (self.parameters[j].name != name and self.parameters[j].name in kwargs):
                first = next((k for k in kwargs if k not in names), name)  # another name of one is no better then
                wrong = wrong or f" got an unexpected keyword argument '{first}'"
            else:
                given[j] = x
                places.append(j)
        missing = [self.parameters[j].name for j in self.required if j not in given]
        if self.python and (wrong or missing):  # Python binds arguments before anybody looks at them
            return wrong or missing
        for j in places:
            kind, x = self.kinds[j], given[j]
            if kind is not None and (type(x) not in kind.plain or is_vast(x)) and x is not self.parameters[j].default:
                try:
                    given[j] = kind.taken(x)
                except Unpacked as said:
                    if missing:  # it is of another form then
                        break
                    raise Unpacked(f"{said}".format(j - bound) if f"{said}".startswith("expected") else (
                        f"{{}}: argument '{self.parameters[j].name}' {said}")) from None
                except TypeError as said:
                    attribute = self.asked.get(self.parameters[j].name)
                    if attribute is not None and not hasattr(x, attribute):
                        raise AttributeError(f"'{type_name(x)}' object has no attribute '{attribute}'") from None
                    place = f" (position {j + 1 - bound})" if j < n else ""
                    found = f"{said}" if isinstance(said, Beginning) else f", not {type_name(x)}"
                    return f": argument '{self.parameters[j].name}'{place} must be {kind.name}{found}"
        if missing:
            return missing
        return wrong or self._placed(given, n, args[self.count:])

    def _placed(self, given: dict[int, Any], n: int, rest: tuple[Any, ...]) -> Given:
        by_place: list[Any] = []
        j = 0
        while j < self.count and self.straight[j] and (j < n or self.complete or (self.several and j in given)):
            by_place.append(given[j] if j in given else self.parameters[j].default)
            j += 1
        return (*by_place, *rest), {self.keys[k]: x for k, x in given.items() if k >= j}
