"""The element types, PyTorch's promotion rules, and `finfo`/`iinfo`.

Start with `promote`: everything else is a table it reads.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tapegrad import errors

__all__ = [
    "bfloat16", "bool_", "complex64", "complex128", "default_dtype", "dtype", "finfo", "float16", "float32", "float64",
    "from_numpy_dtype", "get_default_dtype", "iinfo", "int8", "int16", "int32", "int64", "promote", "set_default_dtype",
    "uint8", "uint16", "uint32", "uint64",
]


class dtype:
    """An element type; one instance each, compared by identity.

    >>> float32
    torch.float32
    >>> float32.itemsize, float32.is_floating_point
    (4, True)

    `category` orders the kinds that promotion compares: 0 bool, 1 integer, 2 floating point, 3 complex. The printed
    name is PyTorch's (`torch.dtype`). What is stored in a half is computed in `arithmetic`, and every result rounded;
    of all others that is the dtype itself. `numpy` is how elements lie in arrays: NumPy has no numbers for bfloat16,
    and refuses to compute with what it is given instead.
    """

    __slots__ = {
        "arithmetic": "What it is computed in: float32 for what is stored in a half, else the dtype itself.",
        "category": "What promotion compares: 0 for bool, 1 for whole numbers, 2 for floating point, 3 for complex.",
        "id": "Its number in native tables.",
        "is_complex": "Whether it is of complex numbers, of which there is the name only.",
        "is_floating_point": "Whether it holds numbers with a fraction.",
        "is_signed": "Whether it holds numbers below zero.",
        "itemsize": "How many bytes an element takes.",
        "name": "What PyTorch calls it.",
        "numpy": "How NumPy's arrays hold it.",
        "short": "What tapes call it.",
    }
    arithmetic: dtype
    category: int
    id: int
    is_complex: bool
    is_floating_point: bool
    is_signed: bool
    itemsize: int
    name: str
    numpy: np.dtype[Any]
    short: str

    def __init__(self, id: int, name: str, short: str) -> None:
        self.id, self.name, self.short = id, name, short
        self.numpy = np.dtype("V2" if name == "bfloat16" else name)
        self.itemsize = self.numpy.itemsize
        self.category = "bifc".index({"u": "i", "V": "f"}.get(self.numpy.kind, self.numpy.kind))
        self.is_floating_point, self.is_complex = self.category == 2, self.category == 3
        self.is_signed = self.numpy.kind in "ifVc"
        self.arithmetic = float32 if self.itemsize == 2 and self.is_floating_point else self

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> Any:
        return _by_name, (self.name,)


bool_: dtype = dtype(0, "bool", "b8")
uint8: dtype = dtype(1, "uint8", "u8")
int8: dtype = dtype(2, "int8", "i8")
int16: dtype = dtype(3, "int16", "i16")
int32: dtype = dtype(4, "int32", "i32")
int64: dtype = dtype(5, "int64", "i64")
float32: dtype = dtype(6, "float32", "f32")
float64: dtype = dtype(7, "float64", "f64")
float16: dtype = dtype(8, "float16", "f16")
bfloat16: dtype = dtype(9, "bfloat16", "bf16")

FLOATING = (float32, float64)  # what is computed in
HALVES = (float16, bfloat16)  # what is stored only
LARGEST = float(np.finfo(np.float32).max)
ALL: tuple[dtype, ...] = (bool_, uint8, int8, int16, int32, int64, *FLOATING, *HALVES)
complex64: dtype = dtype(10, "complex64", "c64")
complex128: dtype = dtype(11, "complex128", "c128")
uint16: dtype = dtype(12, "uint16", "u16")
uint32: dtype = dtype(13, "uint32", "u32")
uint64: dtype = dtype(14, "uint64", "u64")
NAMES = complex64, complex128, uint16, uint32, uint64  # and no more
BY_NAME = {d.name: d for d in ALL}
BY_SHORT = {d.short: d for d in ALL}
_BY_PYTHON = {float: float64, int: int64, bool: bool_}
_BY_NUMPY = {d.numpy: d for d in ALL if d is not bfloat16}


def _by_name(name: str) -> dtype:
    return {**BY_NAME, **{d.name: d for d in NAMES}}[name]


def from_numpy_dtype(numpy_dtype: Any) -> dtype:
    """The dtype that holds a NumPy dtype's values; TypeError names those supported when there is none."""
    found = _BY_NUMPY.get(numpy_dtype) or _BY_NUMPY.get(np.dtype(numpy_dtype).newbyteorder("="))
    if found is None:
        raise TypeError(
            f"can't convert np.ndarray of type numpy.{np.dtype(numpy_dtype).type.__name__}. The only supported "
            "types are: float64, float32, float16, int64, int32, int16, int8, uint8, and bool."
        )
    return found


def named(x: Any) -> dtype:
    """The dtype that an argument stands for: itself, or what Python's own `float`, `int` and `bool` are.

    >>> named(float)
    torch.float64
    """
    found = x if isinstance(x, dtype) else _BY_PYTHON.get(x) if isinstance(x, type) else None
    if found is None:
        raise TypeError(f"argument 'dtype' must be torch.dtype, not {type(x).__name__}")
    return found


def promote(a: dtype, b: dtype) -> dtype:
    """The dtype two operands of equal weight are computed in (`torch.promote_types`).

    >>> promote(uint8, int8), promote(int64, float32)
    (torch.int16, torch.float32)
    """
    for position, given in enumerate((a, b), 1):
        if not isinstance(given, dtype):
            raise TypeError(f"promote_types(): argument 'type{position}' (position {position}) must be torch.dtype, "
                            f"not {type(given).__name__}")
    if a is b:
        return a
    if a.is_complex or b.is_complex:
        return complex128 if {a, b} & {float64, complex128} else complex64
    if (a in NAMES or b in NAMES) and max(a.category, b.category) < 2:
        raise RuntimeError("Promotion for uint16, uint32, uint64 types is not supported, attempted to promote "
                           f"{errors.C_NAMES.get(a.name, a.name)} and {errors.C_NAMES.get(b.name, b.name)}")
    if a.category != b.category:
        return a if a.category > b.category else b
    if uint8 in (a, b):  # the one pair in which neither holds the other's values
        other = b if a is uint8 else a
        return int16 if other is int8 else other
    if a.itemsize == b.itemsize:  # the halves: one has the range, the other the digits
        return float32
    return a if a.itemsize > b.itemsize else b


def number(x: Any) -> Any:
    """The plain Python number in one of NumPy's or of a subclass; anything else as it is.

    >>> number(np.float32(0.5)), number(np.int64(2)), number("2")
    (0.5, 2, '2')
    """
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, int) and type(x) is not bool:
        return int.__index__(x) if issubclass(type(x), int) else x.__index__()
    if isinstance(x, float):
        return float.__float__(x) if issubclass(type(x), float) else x.__float__()  # what stands for one in a capture
    return x


def bounds(d: dtype, of: dtype) -> tuple[float, float]:
    """The least and the largest number of dtype `of` that PyTorch converts to the whole dtype `d`.

    A whole number below zero wraps where there are no signs.

    >>> bounds(uint8, int64), bounds(uint8, float64)
    ((-255, 255), (0, 255))
    """
    top = 2 ** (8 * d.itemsize - d.is_signed) - 1
    if not of.is_floating_point:
        return -top - d.is_signed, top
    return -top - 1 if d.is_signed else 0, min(top, 2 ** 63 - 1024)  # the last double that int64 can hold


def fitted(value: Any, d: dtype) -> Any:
    """A Python number as one of `d`: a fraction is cut off, a negative one wraps where there are no signs.

    >>> fitted(2.7, int8), fitted(-1, uint8), fitted(2, bool_)
    (2, 255, True)

    RuntimeError for what lies beyond, as wherever PyTorch converts a number.
    """
    if d.is_floating_point:
        return value
    if d.category == 0:
        return bool(value)
    low, high = bounds(d, int64 if isinstance(value, (int, np.integer)) else float64)
    if not low <= value <= high:  # NaN is neither
        raise errors.beyond(d.name)
    return int(value) if d.is_signed else int(value) % (1 << 8 * d.itemsize)


_default = float32


when_default_changes: list[Callable[[dtype], None]] = []  # who else has to know


def default_dtype() -> dtype:
    """The dtype of floating-point literals (`torch.get_default_dtype`).

    >>> get_default_dtype()
    torch.float32
    """
    return _default


get_default_dtype = default_dtype


def set_default_dtype(d: dtype) -> None:
    """Make `d` the dtype of floating-point literals (`torch.set_default_dtype`).

    >>> set_default_dtype(float64); get_default_dtype()
    torch.float64
    >>> set_default_dtype(float32)

    Raises TypeError for anything but a floating-point dtype.
    """
    global _default
    if not isinstance(d, dtype) or d not in FLOATING:
        raise TypeError("invalid dtype object: " * (not isinstance(d, dtype)) +
                        "only floating-point types are supported as the default type" + (
            f", and of these float32 and float64, not {d!r}" if d in HALVES else ""))
    _default = d
    for tell in when_default_changes:
        tell(d)


_DIGITS = {"float16": (11, 15), "bfloat16": (8, 127), "float32": (24, 127), "float64": (53, 1023)}


def decoded(array: Any, d: dtype) -> Any:
    """What lies in an array as numbers that NumPy computes with: float32 for what it has no numbers for."""
    if d is not bfloat16:
        return array
    bits = np.ascontiguousarray(array).view(np.uint16).astype(np.uint32) << 16
    return bits.view(np.float32).reshape(np.shape(array))


def encoded(values: Any, d: dtype) -> np.ndarray[Any, Any]:
    """Numbers as they lie in arrays of a dtype; to the halves they are rounded from float32, as in PyTorch."""
    if d not in HALVES and (d is not float32 or _are_within_float32(values)):
        return np.asarray(values, d.numpy)
    with np.errstate(all="ignore"):
        if d not in HALVES:
            return np.asarray(values, d.numpy)
        exact = np.asarray(values, np.float32)
        if d is float16:
            return exact.astype(np.float16)
        bits = np.ascontiguousarray(exact).view(np.uint32)
        rounded = (bits + (((bits >> 16) & 1) + 0x7FFF)) >> 16  # to the nearest, of two as near to the even one
        found = np.where(np.isnan(exact), 0x7FC0, rounded).astype(np.uint16)
        return found.view(bfloat16.numpy).reshape(exact.shape)


def _are_within_float32(values: Any) -> bool:
    """Whether NumPy has nothing to warn of: to silence it costs 2 us, as much as all else that a short list does."""
    return type(values) is list and 0 < len(values) <= 100 and max(values) <= LARGEST and min(values) >= -LARGEST


def number_in(content: bytes, d: dtype) -> Any:
    """The Python number that the bytes of one element stand for."""
    return decoded(np.frombuffer(content, d.numpy), d)[0].item()


class finfo:
    """The limits of a floating-point dtype (`torch.finfo`).

    >>> finfo(float32).eps
    1.1920928955078125e-07
    """

    def __init__(self, type: Any = None) -> None:
        d = _default if type is None else named(type)
        if not d.is_floating_point:
            raise TypeError(f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle '{d!r}'")
        self.bits: int = 8 * d.itemsize
        self.dtype: str = d.name
        digits, top = _DIGITS[d.name]  # of the significand, and of the largest exponent
        self.eps: float = 2.0 ** (1 - digits)
        self.max: float = 2.0 ** top * (2 - self.eps)
        self.min: float = -self.max
        self.tiny: float = 2.0 ** (1 - top)
        self.smallest_normal: float = self.tiny
        self.resolution: float = float(f"1e-{int((digits - 1) * math.log10(2))}")

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        return "finfo(" + ", ".join(f"{n}={getattr(self, n):g}" for n in names) + f", dtype={self.dtype})"


class iinfo:
    """The limits of an integer dtype (`torch.iinfo`).

    >>> iinfo(uint8).max
    255
    """

    def __init__(self, type: Any) -> None:
        d = named(type)
        if d.category != 1:
            raise TypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{d!r}'")
        info = np.iinfo(d.numpy)
        self.bits: int = info.bits
        self.dtype: str = d.name
        self.min: int = int(info.min)
        self.max: int = int(info.max)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
