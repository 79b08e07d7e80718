"""Functions on each element: arithmetic with options, choices and bounds."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapegrad import dtypes, errors, fallbacks, shapes
from tapegrad.creation import from_array
from tapegrad.dispatch import apply, apply_inplace, touch
from tapegrad.functions.common import (
    METHODS,
    PUBLIC,
    expect_tensor,
    in_place,
    into,
    into_each,
    kind_name,
    method,
    named,
    operation,
    overrides,
    public,
)
from tapegrad.functions.pointwise.scaling import scaled
from tapegrad.functions.queries import common_dtype
from tapegrad.functions.several_outputs import one_node
from tapegrad.machine import records as rec
from tapegrad.signatures import Number, Text
from tapegrad.tensor import Tensor


def _scaled(name: str) -> None:
    """add and sub: `x + alpha * y`."""

    one = 1  # what a call without a factor has, and True is not

    def out_of_place(input: Any, other: Any, *, alpha: Number = one, out: Any = None) -> Any:
        result = apply(operation(name), (input, other if alpha is one else scaled(other, alpha, "alpha", input)),
                       teach=True)
        return into(out, result)

    def over(self: Any, other: Any, *, alpha: Number = one) -> Any:
        return apply_inplace(operation(name + "_"), (
            self, other if alpha is one else scaled(other, alpha, "alpha", self)), teach=True)

    fallbacks.set_function(operation(name), out_of_place)
    fallbacks.set_function(operation(name + "_"), over)


_scaled("add")
_scaled("sub")


_QUOTIENTS = {None: "div", "floor": "floor_quotient", "trunc": "trunc_divide"}


def _quotient(rounding_mode: Any) -> str:
    if rounding_mode not in _QUOTIENTS:
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    return _QUOTIENTS[rounding_mode]


@overrides("div")
def div(input: Any, other: Any, *, rounding_mode: Text | None = None, out: Any = None) -> Any:
    return into(out, apply(operation(_quotient(rounding_mode)), (input, other), teach=rounding_mode is None))


@overrides("div_")
def div_(self: Any, other: Any, *, rounding_mode: Text | None = None) -> Any:
    return apply_inplace(operation(_quotient(rounding_mode) + "_"), (self, other), teach=rounding_mode is None)


@overrides("pow")
def pow(input: Any, exponent: Any, *, out: Any = None) -> Any:
    if not isinstance(input, Tensor) and not isinstance(exponent, Tensor):
        raise TypeError("pow() received an invalid combination of arguments - got "
                        f"({type(input).__name__}, {type(exponent).__name__})")
    if isinstance(exponent, bool) and isinstance(input, Tensor) and input.dtype is dtypes.bool_:
        return into(out, input | (not exponent))
    result = apply(operation("pow"), (input, exponent), teach=_expect_power(input, exponent))
    return into(out, result)


@overrides("pow_")
def pow_(self: Any, exponent: Any) -> Any:
    if isinstance(exponent, bool) and self.dtype is dtypes.bool_:
        return apply_inplace(operation("bitwise_or_"), (self, not exponent))
    return apply_inplace(operation("pow_"), (self, exponent), teach=_expect_power(self, exponent))


def _expect_power(x: Any, exponent: Any) -> bool:
    """Refuse what has no whole power; returns whether native code may be taught, which does not look at numbers."""
    if not isinstance(exponent, (int, np.integer)) or not isinstance(x, Tensor) or x.dtype.is_floating_point:
        return True
    if exponent < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return exponent in rec.LITERALS  # of which each has a layout of its own


def _expect_ends(input: Any, end: Any, weight: Any) -> None:
    for name, x in (("end", end), ("weight", weight)):
        if isinstance(x, Tensor) and x.dtype is not input.dtype and (x.ndim or x is end):
            raise RuntimeError(f"expected dtype {errors.C_NAMES[input.dtype.name]} for `{name}` but got dtype "
                               f"{errors.C_NAMES[x.dtype.name]}")


@overrides("lerp")
def lerp(input: Any, end: Any, weight: Any, *, out: Any = None) -> Any:
    _expect_ends(input, end, weight)
    return into(out, apply(operation("lerp"), (input, end, weight), teach=True))


@overrides("lerp_")
def lerp_(self: Any, end: Any, weight: Any) -> Any:
    _expect_ends(self, end, weight)
    return apply_inplace(operation("lerp_"), (self, end, weight), teach=True)


# ---------------------------------------------------------------- where, clamp


@public
def where(condition: Tensor, input: Any = None, other: Any = None, *, out: Any = None) -> Any:
    """Elements of `input` where `condition` holds, of `other` elsewhere (`torch.where`)."""
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if condition.dtype.name not in ("bool", "uint8"):
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype "
                           f"{kind_name(condition)}")
    return into(out, apply(operation("where"), (condition, input, other), teach=True))


def _where_method(self: Tensor, condition: Any, other: Any) -> Any:
    return where(condition, self, other)


METHODS["where"] = _where_method


def _clamped(suffix: str, run: Callable[..., Any]) -> Callable[..., Any]:
    def clamp(input: Tensor, min: Any = None, max: Any = None, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        if min is None and max is None:
            raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
        if max is None:
            result = run(operation("_clamp_min" + suffix), (input, min))
        elif min is None:
            result = run(operation("_clamp_max" + suffix), (input, max))
        else:
            result = run(operation("clamp" + suffix), (input, min, max))
        return into(out, result)

    return clamp


clamp: Callable[..., Any] = _clamped("", apply)
METHODS["clamp"] = METHODS["clip"] = PUBLIC["clamp"] = PUBLIC["clip"] = clamp
METHODS["clamp_"] = METHODS["clip_"] = PUBLIC["clamp_"] = PUBLIC["clip_"] = _clamped("_", apply_inplace)


# ---------------------------------------------------------------- compositions


def _forms(name: str, function: Callable[..., Any]) -> None:
    """A function, its method, and its in-place method `name_`, which writes the result over its first operand."""
    PUBLIC[name] = METHODS[name] = function
    in_place(name, function)


@public
def rsub(input: Tensor, other: Any, *, alpha: Number = 1) -> Any:
    """`other - alpha * input` (`torch.rsub`)."""
    return _rsub(input, other, alpha, "RsubBackward0" if isinstance(other, Tensor) else "")


def _rsub(input: Tensor, other: Any, alpha: Any, node: str = "") -> Any:
    return apply(operation("sub"), (
        other, input if input.dtype is dtypes.bool_ else scaled(input, alpha, "alpha", other)), node=node)


def _with_value(name: str) -> None:
    """addcmul and addcdiv: `input + value * (tensor1 ∘ tensor2)`."""

    def out_of_place(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1, out: Any = None) -> Any:
        _refuse_integers(name, tensor1, tensor2)
        first = scaled(tensor1, value, "value", tensor2, input, strict=False)
        return into(out, apply(operation(name), (input, first, tensor2), teach=True))

    def over(self: Any, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Any:
        _refuse_integers(name, tensor1, tensor2)
        first = scaled(tensor1, value, "value", tensor2, self, strict=False)
        return apply_inplace(operation(name + "_"), (self, first, tensor2), teach=True)

    fallbacks.set_function(operation(name), out_of_place)
    PUBLIC[name] = METHODS[name] = out_of_place
    over.__name__ = name + "_"
    METHODS[name + "_"] = over


def _refuse_integers(name: str, tensor1: Any, tensor2: Any) -> None:
    if name == "addcdiv" and not tensor1.dtype.is_floating_point and not tensor2.dtype.is_floating_point:
        raise RuntimeError("Integer division with addcdiv is no longer supported, and in a future release addcdiv will "
                           "perform a true division of tensor1 and tensor2.")


_with_value("addcmul")
_with_value("addcdiv")


def _masked_fill(run: Callable[..., Any], suffix: str) -> Callable[..., Any]:
    def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Any:
        if mask.dtype.name != "bool":
            raise RuntimeError("masked_fill_ only supports boolean masks, but got mask with dtype "
                               f"{errors.C_NAMES[mask.dtype.name]}")
        if isinstance(value, Tensor) and value.ndim:
            raise RuntimeError("masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                               f"{value.ndim} dimension(s).")
        if isinstance(value, complex):
            raise RuntimeError(errors.BEYOND.format(errors.C_NAMES[input.dtype.name]))
        if type(value) is Tensor and value.dtype is not input.dtype and input.dtype.category == 1:
            value = value.item()  # a number, which has to fit
        elif isinstance(value, Tensor) and value.dtype.category > input.dtype.category:
            value = value.to(input.dtype)
        if not suffix:
            shapes.broadcast((tuple(mask.shape), tuple(input.shape)))  # which is refused in this order
        return run(operation("masked_fill" + suffix), (input, mask, value), teach=True)

    return masked_fill


PUBLIC["masked_fill"] = METHODS["masked_fill"] = _masked_fill(apply, "")
METHODS["masked_fill_"] = _masked_fill(apply_inplace, "_")


def _check_decimals(x: Any, decimals: int) -> None:
    if decimals and not x.dtype.is_floating_point:
        raise NotImplementedError(f"\"round_cpu\" not implemented for '{kind_name(x)}'")


@overrides("round")
def _round(input: Tensor, *, decimals: int = 0, out: Any = None) -> Any:
    _check_decimals(input, decimals)
    given = (("decimals", decimals),) if decimals else ()
    return into(out, apply(operation("round"), (input,), given, teach=not decimals))


@overrides("round_")
def _round_(self: Any, *, decimals: int = 0) -> Any:
    _check_decimals(self, decimals)
    return apply_inplace(operation("round_"), (self,), (("decimals", decimals),) if decimals else ())


@overrides("logit")
def logit(input: Tensor, eps: float | None = None, *, out: Any = None) -> Any:
    return into(out, apply(operation("logit"), (input,), (("eps", eps),), teach=eps is None))


def _bounds_of(x: Any, nan: Any, posinf: Any, neginf: Any) -> tuple[tuple[str, float], ...]:
    limits = dtypes.finfo(x.dtype)
    return (("nan", float(nan or 0)), ("posinf", limits.max if posinf is None else float(posinf)),
            ("neginf", limits.min if neginf is None else float(neginf)))


@overrides("nan_to_num")
def nan_to_num(input: Tensor, nan: Any = None, posinf: Any = None, neginf: Any = None, *, out: Any = None) -> Any:
    if not input.dtype.is_floating_point:
        return into(out, input.clone())
    plain = nan is posinf is neginf is None
    return into(out, apply(operation("nan_to_num"), (input,), _bounds_of(input, nan, posinf, neginf), teach=plain))


@overrides("nan_to_num_")
def nan_to_num_(self: Any, nan: Any = None, posinf: Any = None, neginf: Any = None) -> Any:
    if not self.dtype.is_floating_point:
        return touch(self)
    return apply_inplace(operation("nan_to_num_"), (self,), _bounds_of(self, nan, posinf, neginf))


@overrides("square")
def square(input: Tensor, *, out: Any = None) -> Any:
    if input.dtype.name == "bool":
        return into(out, input.pow(2))
    return into(out, apply(operation("square"), (input,), teach=True))


def _check_filling(value: Any) -> None:
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError("fill_ only supports 0-dimension value tensor but got tensor with "
                           f"{value.ndim} dimensions.")


@overrides("fill")
def fill(input: Tensor, value: Any) -> Any:
    _check_filling(value)
    return apply(operation("fill"), (input, value), teach=True)


@overrides("fill_")
def fill_(self: Any, value: Any) -> Any:
    _check_filling(value)
    return apply_inplace(operation("fill_"), (self, value), teach=True)


@overrides("heaviside")
def heaviside(input: Tensor, values: Tensor, *, out: Any = None) -> Any:
    if input.dtype is not values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    if isinstance(out, Tensor) and out.dtype is not input.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    return into(out, apply(operation("heaviside"), (input, values), teach=True))


@method
def positive(input: Tensor) -> Any:
    """The tensor itself (`torch.positive`)."""
    if input.dtype.name == "bool":
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


METHODS["__pos__"] = positive


@one_node("LdexpBackward0")
def _ldexp(input: Tensor, other: Any, *, out: Any = None) -> Any:
    """`input * 2 ** other` (`torch.ldexp`)."""
    expect_tensor("ldexp", other, "other", 2)
    if isinstance(other, Tensor) and not (other.ndim and other.dtype.is_floating_point):
        common = common_dtype(input, other)
        other = other.to(common if common.is_floating_point else dtypes.default_dtype())
    return into(out, input * 2.0 ** other)


# Of a dtype: whole numbers as wide, how many bits a mantissa has there, those of an exponent, and that of a half.
_PARTS: dict[Any, tuple[Any, int, int, int]] = {
    dtypes.float32: (dtypes.int32, 23, 255, 126), dtypes.float64: (dtypes.int64, 52, 2047, 1022)}


@method
@one_node("FrexpBackward0", 1)
def frexp(input: Tensor, *, out: Any = None) -> Any:
    """Mantissas from a half to one, and exponents of two, of which it is the product (`torch.frexp`).

    >>> import tapegrad as torch
    >>> torch.frexp(torch.tensor([6.0, -0.25]))
    torch.return_types.frexp(
    mantissa=tensor([ 0.7500, -0.5000]),
    exponent=tensor([ 3, -1], dtype=torch.int32))

    Exponents are 0 for 0 and what is not finite. RuntimeError for whole numbers.
    """
    if not input.dtype.is_floating_point:
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    wide = input.float() if input.dtype in dtypes.HALVES else input
    whole, bits, mask, bias = _PARTS[wide.dtype]
    x = wide.detach()
    small = x.abs() < dtypes.finfo(wide.dtype).tiny  # whose exponent shows in none of its bits
    shown = (apply(operation("where"), (small, x * 2.0 ** 64, x)).view(whole) >> bits) & mask
    exponent = apply(operation("where"), (x.isfinite() & (x != 0), shown - bias - 64 * small, 0)).int()

    def power(n: Any) -> Any:
        return ((n.to(whole) + (bias + 1)) << bits).view(wide.dtype)

    half = exponent // 2  # in two steps, of which none is infinite
    mantissa = (wide * power(-half) * power(half - exponent)).to(input.dtype)
    mantissa, exponent = into_each(out, (mantissa, exponent), exact=True)
    return named("frexp", mantissa=mantissa, exponent=exponent)


def _float_power(input: Any, exponent: Any, *, out: Any = None) -> Any:
    """A power in double precision (`torch.float_power`)."""
    base = input.double() if isinstance(input, Tensor) else float(input)
    if isinstance(out, Tensor) and out.dtype is not dtypes.float64:
        raise RuntimeError(f"the output given to float_power has dtype {kind_name(out)} but the operation's result "
                           "requires dtype Double")
    return into(out, pow(base, exponent.double() if isinstance(exponent, Tensor) else float(exponent)))


def _true_divide(input: Any, other: Any, *, out: Any = None) -> Any:
    return div(input, other, out=out)


_forms("ldexp", _ldexp)
def _float_power_(self: Any, exponent: Any) -> Any:
    if self.dtype is not dtypes.float64:
        raise RuntimeError(f"the base given to float_power_ has dtype {kind_name(self)} but the operation's result "
                           "requires dtype Double")
    return self.pow_(exponent)


_forms("float_power", _float_power)
METHODS["float_power_"] = _float_power_
PUBLIC["true_divide"] = METHODS["true_divide"] = _true_divide
METHODS["true_divide_"] = lambda self, other: self.div_(other)


@method
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether shapes and all elements agree (`torch.equal`)."""
    expect_tensor("equal", other, "other", 2)
    return input.shape == other.shape and bool((input == other).all())


@method
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close (`torch.allclose`)."""
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


@overrides("isclose")
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    expect_tensor("isclose", other, "other", 2)
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{kind_name(input)} did not match {kind_name(other)}")
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"{'rtol' if rtol < 0 else 'atol'} must be greater than or equal to zero, but got "
                           f"{rtol if rtol < 0 else atol:g}")
    plain = (rtol, atol, equal_nan) == (1e-05, 1e-08, False)
    return apply(operation("isclose"), (input, other),
                 (("rtol", float(rtol)), ("atol", float(atol)), ("equal_nan", bool(equal_nan))), teach=plain)


@public
def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Any:
    """Which elements occur among `test_elements` (`torch.isin`)."""
    if any(isinstance(x, bool) or (isinstance(x, Tensor) and x.dtype.category == 0) for x in (elements, test_elements)):
        raise RuntimeError("Unsupported input type encountered for isin(): Bool")
    ours, theirs = (x._array() if isinstance(x, Tensor) else np.asarray(x) for x in (elements, test_elements))
    return from_array(np.asarray(np.isin(ours, theirs, invert=invert)))


OTHER_NAMES = {  # of operations
    "absolute": "abs", "arccos": "acos", "arcsin": "asin", "arctan": "atan", "arctan2": "atan2", "arccosh": "acosh",
    "arcsinh": "asinh", "arctanh": "atanh", "fix": "trunc", "negative": "neg", "subtract": "sub", "multiply": "mul",
    "divide": "div", "greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le", "not_equal": "ne",
    "bitwise_left_shift": "left_shift", "bitwise_right_shift": "right_shift",
}
METHODS["__rdiv__"] = lambda self, other: self.reciprocal() * other
