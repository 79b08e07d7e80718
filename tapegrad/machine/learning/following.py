"""Python numbers that a capture follows: what a call makes of them, written down while Python does it.

A number that is another at each call (a rate, a count) is passed to Python as a stand-in for it, `FollowedInt` or
`FollowedFloat`. Arithmetic on stand-ins gives stand-ins, and a line of the `Graph`. One that reaches an operation on
tensors is an operand that is computed anew before each replay. Whatever else is asked of it (a comparison, its hash,
its text, itself as an index) is answered, and the answer becomes a condition.

Stand-ins are no subclasses of `int` and `float`: of one C code would read the value, and nobody would know. They say
that they are (`__class__`), which `isinstance` believes. `type(x)` tells the truth, and `compiler/guards` sees to it
that no code asks for that.
"""
from __future__ import annotations

import functools
import math
import operator
import threading
from collections.abc import Callable, Collection, Sequence
from typing import Any

from tapegrad.machine.learning import capturing
from tapegrad.machine.live import machine

MOST = 2000  # lines of one graph
EXACT = 1 << 53  # up to which a double is any whole number
_FLOAT_SCALAR = 3  # the layout of a Python float (`machine.planning.layouts`)
FAR = 1 << 1000  # where whole numbers begin that are not followed: Python does not write down the longest


class Read:
    """A number that Python took out of a tensor (`item`), of which this is a copy.

    Nobody need know it before the program has run: what is computed with it, or compared, the program does itself, in
    doubles as Python would. Where anything else depends on it, it is `pinned`, and the program looks at it.
    """

    copy: Any
    value: Any
    pinned: bool

    def __init__(self, copy: Any, value: Any) -> None:
        self.copy, self.value, self.pinned = copy, value, False


class Graph:
    """What a call computed from the numbers it was given, as lines of Python: `v2 = v0 * (0.5)`.

    `lines` are these, numbers that were read, and conditions, in their order: (number of the value, its text), (number,
    `Read`) and (number, what it must be). `uses` are the values that were operands, with their types; `tags` say which
    event of the trace is which use.
    """

    def __init__(self, given: int) -> None:
        self.given = given
        self.count: int = given
        self.lines: list[tuple[int, Any]] = []
        self.uses: list[tuple[int, type]] = []
        self.tags: dict[int, int] = {}
        self.pinned: set[int] = set()  # of the given numbers those that must be what they are
        self.goes_on: bool = False  # whether what comes after it depends on a fraction that was read
        self.wavers = False  # whether a value is of another type where it is another number
        self.reads: dict[int, Read] = {}
        # parts of tensors that begin where a number says (`parts.py`); which tensors these may be of, by owner row
        self.parts: list[Any] = []
        self.movable: dict[int, set[int]] = {}
        self.stays: Collection[tuple[int, int]] = ()  # numbers that parts begin at, where that is a condition
        self.stand_ins: dict[int, Any] = {}
        self._after: dict[int, frozenset[int]] = {}  # the reads that a value depends on
        self._made: dict[int, tuple[Callable[..., Any], Sequence[Any]]] = {}  # how it is computed of its operands
        self.computed: dict[int, Any] = {}  # these values as tensors
        self._known: dict[str, int] = {}
        self._expected: dict[int, Any] = {}
        self._thread = threading.get_ident()
        self.is_open = True

    def follows(self) -> bool:
        """Whether what this thread does now is written down."""
        return self.is_open and self._thread == threading.get_ident()

    def stand_in(self, number: int, value: Any) -> Any:
        found = self.stand_ins.get(number)
        if found is None:
            kind = FollowedFloat if type(value) is float else FollowedInt
            found = self.stand_ins[number] = kind(self, number, value)
        return found

    def line(self, text: str, compute: Callable[..., Any], operands: Sequence[Any]) -> int:
        """The number of the value of an expression."""
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = self._next(text)
            after = self.after(operands)
            if after:
                self._after[found], self._made[found] = after, (compute, operands)
        return found

    def _next(self, what: Any) -> int:
        number, self.count = self.count, self.count + 1
        self.lines.append((number, what))
        return number

    def after(self, operands: Sequence[Any]) -> frozenset[int]:
        """The reads that some numbers depend on."""
        return frozenset().union(*(self._after.get(x._number, ()) for x in operands if type(x) in KINDS))

    def read(self, tensor: Any) -> Any:
        """The one number in a tensor."""
        trace = capturing.mine()
        if not self.follows() or trace is None or trace.parts or len(self.lines) >= MOST:
            return tensor._scalar()
        copy = tensor.detach().clone()
        capturing.carry_out()
        value = machine.call.item(copy)
        number = self._next(Read(copy, value))
        self.reads[number] = self.lines[-1][1]
        self._after[number] = frozenset((number,))
        return self.stand_in(number, value)

    def pin_reads(self, number: int, value: Any) -> None:
        """Something that the program does depends on a value, and so on what was read for it."""
        self.goes_on |= type(value) is float and number in self._after
        for one in self._after.get(number, ()):
            read = self.reads[one]
            if not read.pinned and self.follows():
                read.pinned = True
                capturing.guard(read.copy.data_ptr(), read.copy.nbytes)

    def in_program(self, number: int, value: Any) -> Any:
        """A value that depends on what was read as a tensor of one double, which the program computes as it goes.

        None for what is no float, or is computed in a way that tensors might not follow to the last bit.
        """
        found = self.computed.get(number)
        if found is None and number in self._after and type(value) is float and self.may_compute():
            read = self.reads.get(number)
            found = read.copy.double() if read else self._of_operands(*self._made[number])
            if found is None or repr(machine.call.item(found)) != repr(value):
                return None
            self.computed[number] = found
        return found

    def may_compute(self) -> bool:
        """Whether the program may compute more than the function does, here and now."""
        trace = capturing.mine()
        return self.follows() and trace is not None and not trace.parts

    def _of_operands(self, compute: Callable[..., Any], operands: Sequence[Any]) -> Any:
        on_tensors = _EXACT.get(compute)
        if on_tensors is None:
            return None
        given = []
        for x in operands:
            if type(x) in KINDS and x._number in self._after:
                x = self.in_program(x._number, x._value)
            elif type(x) is int:  # of small ones each has rules of its own
                x = float(x) if -EXACT <= x <= EXACT else None
            elif type(x) is bool:
                x = None
            if x is None:
                return None
            given.append(x)
        return on_tensors(*given)

    def decided(self, number: int, value: bool, compute: Callable[..., Any], operands: Sequence[Any]) -> bool:
        """Whether it is left to the program to compare: what was read may be another number, if that comes out alike.
        """
        if number not in self._after or not self.may_compute():
            return False
        found = self._of_operands(compute, operands)
        return found is not None and bool(found) is value

    def expect(self, number: int, value: Any, pins: bool = True) -> None:
        """The call went as it did because a value was what it was; `pins` says that it always will."""
        if self.follows() and number not in self._expected:
            self.pin_reads(number, value)
            self._expected[number] = value
            self.lines.append((number, (value,)))
            if pins and number < self.given:
                self.pinned.add(number)

    def use(self, number: int, value: Any) -> int:
        """The row of a number that is an operand."""
        trace = capturing.mine()
        if not self.follows() or trace is None or trace.parts:
            self.expect(number, value)
            return machine.call.wrapped(value)
        self.pin_reads(number, value)
        row: int = machine.call.wrapped(value)
        event = capturing.last_word()
        if event is None or event in self.tags:  # a row of its own, whose plans are for that number
            self.expect(number, value, False)
        else:
            use = number, type(value)
            if use not in self.uses:
                self.uses.append(use)
            self.tags[event] = self.uses.index(use)
        return row

    def parameter(self, x: Any) -> Any:
        """What a draw is given in place of a stand-in: the word that its number is in, or the number as it is."""
        if type(x) is not FollowedFloat or x._number in self._after or not self.may_compute():
            return x.plain()
        if (use := (x._number, float)) not in self.uses:
            self.uses.append(use)
        return capturing.Parameter(self.uses.index(use))

    def key(self) -> tuple[Any, ...]:
        """Something to compare: graphs with equal keys compute the same."""
        parts = tuple([(p.number, p.unit) for p in self.parts])
        return self.given, tuple([(n, _told(what)) for n, what in self.lines]), tuple(self.uses), parts


def _told(what: Any) -> Any:
    """What a line says, as something to compare."""
    if type(what) is str:
        return what
    if type(what) is Read:
        return (type(what.value), repr(what.value)) if what.pinned else type(what.value)
    return type(what[0]), repr(what[0])


def _shown(x: Any) -> str:
    return f"v{x._number}" if type(x) in KINDS else f"({x!r})"


def _value(x: Any) -> Any:
    return x._value if type(x) in KINDS else x


class Followed:
    """What `FollowedInt` and `FollowedFloat` have in common."""

    __slots__ = ("_graph", "_number", "_value")

    def __init__(self, graph: Graph, number: int, value: Any) -> None:
        self._graph, self._number, self._value = graph, number, value

    def plain(self) -> Any:
        """The number itself, which it has to be at every replay."""
        self._graph.expect(self._number, self._value)
        return self._value

    def operand(self) -> Any:
        """Its row as an operand, or a tensor of the program's own that counts as a number.

        What rules specialise on has to be that number.
        """
        own = self._graph.in_program(self._number, self._value)
        if own is None:
            return self._graph.use(self._number, self._value)
        return machine.call.adopt(_FLOAT_SCALAR, own.data_ptr(), own._buffer, machine.tensor_type)

    def __getattr__(self, name: str) -> Any:
        kind = type(self._value)
        if not hasattr(kind, name):  # which depends on no value
            raise AttributeError(f"'{kind.__name__}' object has no attribute '{name}'")
        return getattr(self.plain(), name)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self._value), (self.plain(),)

    def __pow__(self, other: Any, modulus: Any = None) -> Any:
        if modulus is not None:
            return pow(self.plain(), _plain(other), _plain(modulus))
        return _power(self, other)


def _plain(x: Any) -> Any:
    return x.plain() if type(x) in KINDS else x


def given(numbers: Sequence[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """What a draw is given at each replay, of numbers and stand-ins, and now."""
    return tuple([x._graph.parameter(x) if type(x) in KINDS else x for x in numbers]), tuple(map(_value, numbers))


def _followed(compute: Callable[..., Any], text: str, *operands: Any) -> Any:
    """The value of an expression in which some operands are stand-ins, as a stand-in."""
    graph = next(x._graph for x in operands if type(x) in KINDS)
    values = [_value(x) for x in operands]
    if not graph.follows():
        return compute(*values)
    fits = len(graph.lines) < MOST and all(type(x) in _NUMBERS and (
        x._graph is graph if type(x) in KINDS else -FAR < x < FAR or type(x) is float) for x in operands)
    if fits and graph.after(operands):
        fits = _never_fails(graph, text, operands)
    try:
        value = compute(*values)
    except Exception:
        fits = False
        raise
    finally:
        if not fits:
            for x in operands:
                _plain(x)
    if not fits or type(value) not in _NUMBERS or (type(value) is int and not -FAR < value < FAR):
        for x in operands:
            _plain(x)
        return value
    number = graph.line(text.format(*map(_shown, operands)), compute, operands)
    if type(value) is bool:
        if not graph.decided(number, value, compute, operands):
            graph.expect(number, value)
        return value
    return graph.stand_in(number, value)


def _never_fails(graph: Graph, text: str, operands: Sequence[Any]) -> bool:
    """Whether what is made of a number that was read can wait until the program has run: it must not fail then."""
    if text in ("{} + {}", "{} - {}", "{} * {}", "-{}", "+{}", "abs({})", *_NEVER_FAIL):
        return True
    if text == "round({}, {})":
        return type(operands[1]) is int and operands[1] >= 0
    if text != "{} / {}" or not _value(operands[1]):
        return False
    return type(operands[1]) not in KINDS or operands[1] != 0  # a condition


def _binary(compute: Callable[..., Any], symbol: str, swapped: bool) -> Callable[[Any, Any], Any]:
    text = f"{{}} {symbol} {{}}"

    def method(self: Any, other: Any) -> Any:
        if type(other) not in _NUMBERS and type(other) is not complex:
            return NotImplemented
        return _followed(compute, text, other, self) if swapped else _followed(compute, text, self, other)

    return method


def _unary(compute: Callable[..., Any], text: str) -> Callable[[Any], Any]:
    return lambda self: _followed(compute, text, self)


def _asked(compute: Callable[..., Any]) -> Callable[..., Any]:
    """What depends on the number and is none: it is answered for this one."""
    return lambda self, *others: compute(self.plain(), *map(_plain, others))


def _whole(compute: Callable[..., Any], swapped: bool) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        if type(other) not in _NUMBERS:
            return NotImplemented
        a, b = self.plain(), _plain(other)
        return compute(b, a) if swapped else compute(a, b)

    return method


def _power(self: Any, other: Any) -> Any:
    for x in (self, other):
        if type(x) in KINDS and type(_value(self)) is not float and type(_value(other)) is not float:
            x._graph.wavers = True
    return _raised(self, other)


_raised = _binary(operator.pow, "**", False)


class FollowedFloat(Followed):
    """A float that a capture follows."""

    __slots__ = ()
    __class__ = property(lambda self: float)


class FollowedInt(Followed):
    """An int that a capture follows."""

    __slots__ = ()
    __class__ = property(lambda self: int)

    def __index__(self) -> int:
        return self.plain()


KINDS = frozenset((FollowedInt, FollowedFloat))
_NUMBERS = frozenset((int, float, bool, *KINDS))
_ARITHMETIC = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%"}
_COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_BITS = ("and_", "or_", "xor", "lshift", "rshift")
# What doubles in tensors give as Python's do, and how it is asked of them.
_EXACT: dict[Callable[..., Any], Callable[..., Any]] = {
    f: f for f in (operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, operator.abs,
                   *(getattr(operator, name) for name in _COMPARISONS))}
_EXACT |= {math.isfinite: lambda x: abs(x) < math.inf, math.isinf: lambda x: abs(x) == math.inf,
           math.isnan: lambda x: x != x}
_NEVER_FAIL = [f"{{}} {symbol} {{}}" for symbol in _COMPARISONS.values()] + ["isfinite({})", "isinf({})", "isnan({})"]


def _members() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, symbol in _ARITHMETIC.items():
        compute = getattr(operator, name)
        found[f"__{name}__"], found[f"__r{name}__"] = _binary(compute, symbol, False), _binary(compute, symbol, True)
    for name, symbol in _COMPARISONS.items():
        found[f"__{name}__"] = _binary(getattr(operator, name), symbol, False)
    found["__rpow__"] = lambda self, other: _power(other, self) if type(other) in KINDS else _from_right(self, other)
    for name, text in (("neg", "-{}"), ("pos", "+{}"), ("abs", "abs({})")):
        found[f"__{name}__"] = _unary(getattr(operator, name), text)
    found["__bool__"] = _unary(bool, "bool({})")
    found["__round__"] = lambda self, digits=None: _followed(
        round, "round({})", self) if digits is None else _followed(round, "round({}, {})", self, digits)
    for name in ("floor", "ceil", "trunc"):
        found[f"__{name}__"] = _unary(getattr(math, name), f"{name}({{}})")
    for name, compute in (("int", int), ("float", float), ("hash", hash), ("repr", repr), ("str", str),
                          ("format", format)):
        found[f"__{name}__"] = _asked(compute)
    found["__divmod__"] = lambda self, other: NotImplemented if type(other) not in _NUMBERS else (
        self // other, self % other)
    found["__rdivmod__"] = lambda self, other: NotImplemented if type(other) not in _NUMBERS else (
        other // self, other % self)
    return found


def _from_right(self: Any, other: Any) -> Any:
    if type(self._value) is not float and type(other) is not float:
        self._graph.wavers = True
    return _binary(operator.pow, "**", True)(self, other)


for _name, _member in _members().items():
    setattr(Followed, _name, _member)
for _name in _BITS:
    _of = getattr(operator, _name)
    setattr(FollowedInt, f"__{_name.rstrip('_')}__", _whole(_of, False))
    setattr(FollowedInt, f"__r{_name.rstrip('_')}__", _whole(_of, True))
setattr(FollowedInt, "__invert__", _asked(operator.invert))  # noqa: B010


def plain(value: Any) -> Any:
    """A number, or numbers in tuples, lists, dicts and slices, with every stand-in as the number itself."""
    kind = type(value)
    if kind in KINDS:
        return value.plain()
    if kind is list or kind is tuple:
        return kind(map(plain, value)) if any(_has(v) for v in value) else value
    if kind is dict:
        return {k: plain(v) for k, v in value.items()} if any(map(_has, value.values())) else value
    return slice(plain(value.start), plain(value.stop), plain(value.step)) if kind is slice else value


def _has(value: Any) -> bool:
    kind = type(value)
    if kind is slice:
        return any(map(_has, (value.start, value.stop, value.step)))
    return kind in KINDS or ((kind is list or kind is tuple) and any(map(_has, value))) or (
        kind is dict and any(map(_has, value.values())))


def fraction(x: Any) -> Any:
    """A number that is assigned as a float of the same value, if it is one: of whole numbers each has its own rules."""
    whole = type(x) is FollowedInt
    return x * 1.0 if whole and -EXACT <= x <= EXACT else x


# Functions of numbers that give numbers and truth values; `math.floor` and its like ask the number itself.
_FUNCTIONS_TEXT = """
    acos acosh asin asinh atan atan2 atanh cbrt cos cosh degrees erf erfc exp expm1 fabs fmod hypot isfinite isinf isnan
    ldexp log log10 log1p log2 pow radians sin sinh sqrt tan tanh
"""
FUNCTIONS = {name: getattr(math, name) for name in _FUNCTIONS_TEXT.split() if hasattr(math, name)}


def _stand_in_for(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*given: Any) -> Any:
        if KINDS.isdisjoint(map(type, given)):
            return function(*given)
        return _followed(function, f"{name}({', '.join(['{}'] * len(given))})", *given)

    return call


# What is in the place of a function of `math` while numbers are followed, by the function.
STAND_INS = {id(function): _stand_in_for(name, function) for name, function in FUNCTIONS.items()}


active: Graph | None = None  # of the capture under way, if it follows numbers
# The functions that take a stand-in as it is: an operand like any other, or what others are made of by arithmetic.
_OUT_OF_PLACE = """
    add addcdiv addcmul batch_norm clamp clamp_max clamp_min clip cross_entropy div divide eq fill floor_divide
    fmod ge greater greater_equal gt gumbel_softmax instance_norm le lerp less less_equal lt masked_fill mul
    multiply ne not_equal pow remainder rsub sub subtract true_divide where
"""
# And those that draw with it.
_DROPPING = "alpha_dropout dropout dropout1d dropout2d dropout3d feature_alpha_dropout feature_dropout"
PASSES = frozenset(n for name in (*_OUT_OF_PLACE.split(), *_DROPPING.split()) for n in (name, name + "_"))
