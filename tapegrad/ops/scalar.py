"""The closed tables of scalar intrinsics and row reductions: what a rule may say.

`scalar.exp(x)` and `row.sum(x, dim)` ask the type of `x` what to do. NumPy arrays and Python numbers use the NumPy
column; a class that defines `__scalar__(name, args)` and `__row__(name, x, dim)` builds its own nodes: `Sym` traces,
`Tensor` records. Start with `INTRINSICS`: one row an intrinsic.

The LLVM column is read by the emitter. It holds one entry for each category, floating | integer | bool (the last one
serves the rest), each of them

    "fadd"          an instruction; "sdiv/udiv" where signed and unsigned differ
    "@floor"        an LLVM intrinsic, overloaded on its operand type
    "libm exp"      a function of the C library, with the vector variants that libmvec has
    "power pow"     the same, where the exponent has no product or root of its own (`POWERS`)
    "call ipow"     a helper that the emitter defines
    "linked f"      a function that is somewhere in this process (f, and ff of floats), see `linked`
    a function      rewrites the call in terms of other intrinsics

Integer division by zero gives 0 in every column: an exception would have to leave the middle of a loop, and the
processor's own answer is a signal that ends the process. Whoever wants ZeroDivisionError looks at the divisor first.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tapegrad import dtypes
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops import numpy_column as column

__all__ = ["INTRINSICS", "POWERS", "REDUCTIONS", "Intrinsic", "like", "linked", "row", "scalar", "whole", "wide"]


class Intrinsic(NamedTuple):
    """One row of the table: `takes` has one letter an operand and `gives` one for the result.

    f floating · i integer or bool · b bool · n anything, all `n` operands of one dtype (which is also the result's)
    """

    name: str
    takes: str
    gives: str
    numpy: Callable[..., Any]
    llvm: tuple[Any, ...]

    @property
    def arity(self) -> int:
        return len(self.takes)


INTRINSICS: dict[str, Intrinsic] = {}


class _Namespace:
    """Attribute access to one closed table; a misspelt name is an AttributeError where the rule is declared."""


class _Scalar(_Namespace):
    """The scalar intrinsics, by name.

    >>> scalar.maximum(np.array([1.0, 3.0]), 2)
    array([2., 3.])
    """


class _Row(_Namespace):
    """Reductions over `dim`, a tuple of axes that stay with size one, and the position within them.

    >>> row.sum(np.ones((2, 3)), (1,))
    array([[3.],
           [3.]])
    """


scalar: Any = _Scalar()
row: Any = _Row()


class _Whole(_Namespace):
    """Operations on whole values by name, for the rules of structured operations: `whole.cumsum(g, dim=0)`.

    A class takes part by defining `__operation__(name, operands, attributes)`.
    """

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*operands: Any, **attributes: Any) -> Any:
            for x in operands:
                handler = getattr(type(x), "__operation__", None)
                if handler is not None:
                    return handler(name, operands, attributes)
            from tapegrad.ops.declaration import REGISTRY

            column = REGISTRY[name].column
            if column is None:
                raise TypeError(f"whole.{name}: has no NumPy column")
            return np.asarray(column(*operands, **attributes)).view(type(operands[0]))
        return call


whole: Any = _Whole()


def like(value: Any, x: Any) -> Any:
    """`value`, a number or an operand, in the dtype of `x`; a class takes part by defining `__like__(value, x)`.

    >>> like(np.array([0.5, 2.0]), np.int64(1))
    array([0, 2])
    """
    handler = getattr(type(x), "__like__", None)
    return np.asanyarray(value).astype(np.asarray(x).dtype)[()] if handler is None else handler(value, x)


class _Double:
    """What `like` takes the dtype of, for `wide`."""

    dtype = dtypes.float64


def wide(x: Any) -> Any:
    """`x` in double precision: float32 squares leave their range long before their mean or root does.

    >>> wide(np.ones(1, np.float32)).dtype
    dtype('float64')
    """
    handler = getattr(type(x), "__like__", None)
    return np.asanyarray(x).astype(np.float64)[()] if handler is None else handler(x, _Double)


def _intrinsic(name: str, signature: str, numpy: Callable[..., Any], *llvm: Any) -> None:
    takes, _, gives = signature.partition(">")
    INTRINSICS[name] = Intrinsic(name, takes, gives or "n", numpy, llvm)

    def call(*args: Any) -> Any:
        if len(args) != len(takes):
            raise TypeError(f"scalar.{name} takes {len(takes)} operands, got {len(args)}")
        for a in args:
            handler = getattr(type(a), "__scalar__", None)
            if handler is not None:
                return handler(name, args)
        with np.errstate(all="ignore"):
            return numpy(*args)

    call.__name__ = call.__qualname__ = name
    setattr(_Scalar, name, staticmethod(call))


# ---------------------------------------------------------------------------------------- compositions (LLVM column)

def _integer_abs(x: Any) -> Any:
    return scalar.maximum(x, -x) if x.dtype.is_signed else x


def _pow(x: Any, y: Any) -> Any:
    """Small constant exponents become the products that PyTorch also computes; anything else is libm's `pow`."""
    exponent = y.number()
    return POWERS[exponent](x) if exponent in POWERS else scalar._pow(x, y)


POWERS: dict[float, Callable[[Any], Any]] = {
    0.0: lambda x: like(1, x),
    0.5: lambda x: scalar.sqrt(x),
    1.0: lambda x: x,
    2.0: lambda x: x * x,
    3.0: lambda x: x * x * x,
    -0.5: lambda x: 1 / scalar.sqrt(x),
    -1.0: lambda x: 1 / x,
    -2.0: lambda x: 1 / (x * x),
}


def _integer_pow(x: Any, y: Any) -> Any:
    exponent = y.number()
    return POWERS[exponent](x) if exponent in (0, 1, 2, 3) else scalar._pow(x, y)


def _sign(x: Any) -> Any:  # PyTorch: the sign of NaN is 0
    return scalar.where(x > 0, like(1, x), scalar.where(x < 0, like(-1 if x.dtype.is_signed else 0, x), like(0, x)))


def _quotient(a: Any, b: Any) -> Any:
    """Integer a / b towards zero; the divisors that trap (0, and -1 under the smallest integer) never reach `sdiv`."""
    zero = b == 0
    if not a.dtype.is_signed:
        return scalar.where(zero, 0, scalar._quotient(a, scalar.where(zero, 1, b)))
    minus = b == -1
    return scalar.where(zero, 0, scalar.where(minus, -a, scalar._quotient(a, scalar.where(zero | minus, 1, b))))


def _integer_fmod(a: Any, b: Any) -> Any:
    return scalar.where(b == 0, 0, a - scalar.trunc_divide(a, b) * b)


def _integer_remainder(a: Any, b: Any) -> Any:
    rest = scalar.fmod(a, b)
    return scalar.where((rest != 0) & ((rest < 0) ^ (b < 0)), rest + b, rest) if a.dtype.is_signed else rest


def _integer_floor_divide(a: Any, b: Any) -> Any:
    q = scalar.trunc_divide(a, b)
    return scalar.where((b != 0) & (q * b != a) & ((a < 0) ^ (b < 0)), q - 1, q) if a.dtype.is_signed else q


def _remainder(a: Any, b: Any) -> Any:
    rest = scalar.fmod(a, b)
    return scalar.where((rest != 0) & ((rest < 0) ^ (b < 0)), rest + b, rest)


def _floor_divide(a: Any, b: Any) -> Any:
    """PyTorch's `div_floor`: through `fmod`, since floor(a / b) is one too high where a / b rounds up to an integer."""
    rest = scalar.fmod(a, b)
    q = (a - rest) / b
    q = scalar.where((rest != 0) & ((b < 0) ^ (rest < 0)), q - 1, q)
    whole = scalar.floor(q)
    whole = scalar.where(q - whole > 0.5, whole + 1, whole)
    return scalar.where(b == 0, a / b, scalar.where(q != 0, whole, scalar.copysign(like(0, a), a / b)))


def _shift(name: str) -> Callable[[Any, Any], Any]:
    def shift(a: Any, n: Any) -> Any:
        """An amount outside [0, bits) is undefined in LLVM; PyTorch shifts everything out."""
        bits = a.dtype.itemsize * 8
        inside = (n >= 0) & (n < bits)
        shifted = getattr(scalar, name)(a, scalar.where(inside, n, bits - 1))
        return shifted if name == "_right" and a.dtype.is_signed else scalar.where(inside, shifted, 0)
    return shift


def _digamma(x: Any) -> Any:
    """Reflection below zero, ten steps of the recurrence, then the asymptotic series: one expression, no loop."""
    if x.dtype is dtypes.float32:  # near its zeros the terms cancel
        return _digamma(x.cast(dtypes.float64)).cast(dtypes.float32)
    pi = math.pi
    z = scalar.where(x < 0, 1 - x, x)
    steps = like(0, x)
    for k in range(10):
        steps = steps + 1 / (z + k)
    w = z + 10
    v = 1 / (w * w)
    series = v * (1 / 12 - v * (1 / 120 - v * (1 / 252 - v * (1 / 240 - v * (1 / 132 - v * (691 / 32760))))))
    positive = scalar.log(w) - 0.5 / w - series - steps
    fraction = x - scalar.round(x)  # tan has period pi: reduced before multiplying, the poles stay where they are
    reflected = scalar.where(fraction == 0, math.nan, positive - pi / scalar.tan(pi * fraction))
    return scalar.where(x == 0, scalar.copysign(like(math.inf, x), -x), scalar.where(x < 0, reflected, positive))


# --------------------------------------------------------------------------------------------------------- the table

_TABLE: list[tuple[Any, ...]] = [
    # arithmetic
    ("add",           "nn",   np.add,                "fadd", "add", "or"),
    ("sub",           "nn",   np.subtract,           "fsub", "sub"),
    ("mul",           "nn",   np.multiply,           "fmul", "mul", "and"),
    ("div",           "ff",   np.true_divide,        "fdiv"),
    ("neg",           "n",    np.negative,           "fneg", lambda x: 0 - x),
    ("abs",           "n",    np.abs,                "@fabs", _integer_abs, lambda x: x),
    ("sign",          "n",    column.sign,           _sign, _sign, lambda x: x),
    ("pow",           "nn",   column.power,    _pow, _integer_pow),
    ("_pow",          "nn",   column.power,    "libm pow", "call ipow"),
    ("_pow_by_value", "nn",   column.power,    "power pow", _integer_pow),
    ("floor_divide",  "nn",   np.floor_divide,       _floor_divide, _integer_floor_divide),
    ("trunc_divide",  "nn",   column.trunc_divide,   lambda a, b: scalar.trunc(a / b), _quotient),
    ("_quotient",     "ii",   column.trunc_divide,   None, "sdiv/udiv"),
    ("remainder",     "nn",   np.remainder,          _remainder, _integer_remainder),
    ("fmod",          "nn",   np.fmod,               "frem", _integer_fmod),
    ("maximum",       "nn",   np.maximum,            "@maximum", "@smax/@umax", "or"),
    ("minimum",       "nn",   np.minimum,            "@minimum", "@smin/@umin", "and"),
    ("fmax",          "nn",   np.fmax,               "@maxnum", "@smax/@umax", "or"),
    ("fmin",          "nn",   np.fmin,               "@minnum", "@smin/@umin", "and"),
    ("copysign",      "ff",   np.copysign,           "@copysign"),
    ("nextafter",     "ff",   np.nextafter,          "libm nextafter"),
    ("hypot",         "ff",   np.hypot,              "libm hypot"),
    # exponentials and their relatives
    ("exp",           "f",    np.exp,                "libm exp"),
    ("exp2",          "f",    np.exp2,               "libm exp2"),
    ("expm1",         "f",    np.expm1,              "libm expm1"),
    ("log",           "f",    np.log,                "libm log"),
    ("log2",          "f",    np.log2,               "libm log2"),
    ("log10",         "f",    np.log10,              "libm log10"),
    ("log1p",         "f",    np.log1p,              "libm log1p"),
    ("sqrt",          "f",    np.sqrt,               "@sqrt"),
    ("rsqrt",         "f",    lambda x: 1 / np.sqrt(x), lambda x: 1 / scalar.sqrt(x)),
    ("sigmoid",       "f",    column.sigmoid,        lambda x: 1 / (1 + scalar.exp(-x))),
    # trigonometry
    ("sin",           "f",    np.sin,                "libm sin"),
    ("cos",           "f",    np.cos,                "libm cos"),
    ("tan",           "f",    np.tan,                "libm tan"),
    ("asin",          "f",    np.arcsin,             "libm asin"),
    ("acos",          "f",    np.arccos,             "libm acos"),
    ("atan",          "f",    np.arctan,             "libm atan"),
    ("atan2",         "ff",   np.arctan2,            "libm atan2"),
    ("sinh",          "f",    np.sinh,               "libm sinh"),
    ("cosh",          "f",    np.cosh,               "libm cosh"),
    ("tanh",          "f",    np.tanh,               "libm tanh"),
    ("asinh",         "f",    np.arcsinh,            "libm asinh"),
    ("acosh",         "f",    np.arccosh,            "libm acosh"),
    ("atanh",         "f",    np.arctanh,            "libm atanh"),
    # special functions
    ("erf",           "f",    column.by_element(math.erf),     "libm erf"),
    ("erfc",          "f",    column.by_element(math.erfc),    "libm erfc"),
    ("lgamma",        "f",    column.by_element(column.lgamma), "libm lgamma"),
    ("digamma",       "f",    column.by_element(column.digamma), _digamma),
    # rounding
    ("floor",         "n",    np.floor,              "@floor", lambda x: x),
    ("ceil",          "n",    np.ceil,               "@ceil", lambda x: x),
    ("trunc",         "n",    np.trunc,              "@trunc", lambda x: x),
    ("round",         "n",    np.round,              "@roundeven", lambda x: x),
    # questions
    ("isnan",         "n>b",  np.isnan,              lambda x: x != x),
    ("isinf",         "n>b",  np.isinf,              lambda x: scalar.abs(x) == math.inf, lambda x: x != x),
    ("signbit",       "n>b",  np.signbit,            lambda x: scalar.copysign(like(1, x), x) < 0, lambda x: x < 0),
    ("eq",            "nn>b", np.equal,              "fcmp oeq", "icmp eq"),
    ("ne",            "nn>b", np.not_equal,          "fcmp une", "icmp ne"),
    ("lt",            "nn>b", np.less,               "fcmp olt", "icmp slt/icmp ult"),
    ("le",            "nn>b", np.less_equal,         "fcmp ole", "icmp sle/icmp ule"),
    ("gt",            "nn>b", np.greater,            "fcmp ogt", "icmp sgt/icmp ugt"),
    ("ge",            "nn>b", np.greater_equal,      "fcmp oge", "icmp sge/icmp uge"),
    # choice and logic
    ("where",         "bnn",  np.where,              "select"),
    ("logical_and",   "bb>b", np.logical_and,        None, None, "and"),
    ("logical_or",    "bb>b", np.logical_or,         None, None, "or"),
    ("logical_xor",   "bb>b", np.logical_xor,        None, None, "xor"),
    ("logical_not",   "b>b",  np.logical_not,        None, None, lambda x: x ^ True),
    ("bitwise_and",   "ii",   np.bitwise_and,        None, "and", "and"),
    ("bitwise_or",    "ii",   np.bitwise_or,         None, "or", "or"),
    ("bitwise_xor",   "ii",   np.bitwise_xor,        None, "xor", "xor"),
    ("bitwise_not",   "i",    np.bitwise_not,        None, lambda x: x ^ -1, lambda x: x ^ True),
    ("left_shift",    "ii",   column.shifting(np.left_shift),  None, _shift("_left")),
    ("right_shift",   "ii",   column.shifting(np.right_shift), None, _shift("_right")),
    ("_fma",          "fff",  lambda x, y, z: x * y + z, "@fma"),
    ("_left",         "ii",   np.left_shift,         None, "shl"),
    ("_right",        "ii",   np.right_shift,        None, "ashr/lshr"),
]

for _entry in _TABLE:
    _intrinsic(*_entry)


def linked(name: str, symbol: str, arity: int, numpy: Callable[..., Any]) -> Callable[..., Any]:
    """A function of floating-point numbers that object code calls by a symbol of this process, as a row of the table."""
    _intrinsic(name, "f" * arity, numpy, f"linked {symbol}")
    return getattr(scalar, name)


# -------------------------------------------------------------------------------------------------------------- rows

def _axes(x: Any, dim: Any) -> tuple[int, ...]:
    dims = dim if isinstance(dim, (tuple, list)) else range(x.ndim) if dim is None else (dim,)
    return tuple(d % x.ndim for d in dims) if x.ndim else ()


def _sum(x: Any, axes: tuple[int, ...]) -> Any:
    return np.sum(x, axes, dtype=np.float64 if x.dtype.kind == "f" else None, keepdims=True).astype(x.dtype)


def _prod(x: Any, axes: tuple[int, ...]) -> Any:
    return np.prod(x, axes, dtype=np.float64 if x.dtype.kind == "f" else None, keepdims=True).astype(x.dtype)


def _position(x: Any, axes: tuple[int, ...]) -> Any:
    kept = tuple(n if d in axes else 1 for d, n in enumerate(x.shape))
    return np.broadcast_to(np.arange(math.prod(kept), dtype=np.int64).reshape(kept), x.shape)


def _argument(choose: Callable[..., Any]) -> Callable[..., Any]:
    def call(x: Any, axes: tuple[int, ...]) -> Any:
        kept = tuple(1 if d in axes else n for d, n in enumerate(x.shape))
        rows = np.moveaxis(x, sorted(axes), range(x.ndim - len(axes), x.ndim))
        rows = rows.reshape(math.prod(kept), math.prod(x.shape[d] for d in axes))
        return choose(rows, -1).astype(np.int64).reshape(kept)
    return call


def _limit(dtype: Any, choose: Callable[..., Any]) -> Any:
    """The smallest or largest value of a dtype: the extreme of no elements."""
    if dtype.kind == "f":
        return choose([-math.inf, math.inf])
    return choose([False, True]) if dtype.kind == "b" else choose([np.iinfo(dtype).min, np.iinfo(dtype).max])


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum":    _sum,
    "prod":   _prod,
    "max":    lambda x, axes: np.max(x, axes, keepdims=True, initial=_limit(x.dtype, np.min)),
    "min":    lambda x, axes: np.min(x, axes, keepdims=True, initial=_limit(x.dtype, np.max)),
    "any":    lambda x, axes: np.any(x, axes, keepdims=True),
    "all":    lambda x, axes: np.all(x, axes, keepdims=True),
    "argmax": _argument(np.argmax),
    "argmin": _argument(np.argmin),
    "index":  _position,
    "count":  lambda x, axes: np.full(tuple(1 if d in axes else n for d, n in enumerate(x.shape)),
                                      math.prod(x.shape[d] for d in axes), np.int64),
}


def _reduction(name: str, numpy: Callable[..., Any]) -> None:
    def call(x: Any, dim: Any = None) -> Any:
        handler = getattr(type(x), "__row__", None)
        if handler is not None:
            return handler(name, x, dim)
        x = np.asarray(x)
        return numpy(x, _axes(x, dim))

    call.__name__ = call.__qualname__ = name
    setattr(_Row, name, staticmethod(call))


for _name, _numpy in REDUCTIONS.items():
    _reduction(_name, _numpy)
