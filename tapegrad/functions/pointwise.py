"""Functions on each element: arithmetic with options, choices and bounds."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapegrad import dispatch
from tapegrad.creation import from_array
from tapegrad.dispatch import apply, apply_inplace
from tapegrad.functions.common import METHODS, PUBLIC, expect_tensor, into, kind_name, operation, overrides, public
from tapegrad.tensor import Tensor


def _scaled(name: str) -> None:
    """add and sub: `x + alpha * y`."""

    def out_of_place(input: Any, other: Any, *, alpha: Any = 1, out: Any = None) -> Any:
        expect = input if isinstance(input, Tensor) else other
        expect_tensor(name, expect)
        if alpha != 1:
            other = other * alpha
        result = apply(operation(name), (input, other), teach=True)
        return into(out, result)

    def in_place(self: Any, other: Any, *, alpha: Any = 1) -> Any:
        return apply_inplace(operation(name + "_"), (self, other * alpha if alpha != 1 else other), teach=True)

    dispatch.set_function(operation(name), out_of_place)
    dispatch.set_function(operation(name + "_"), in_place)


_scaled("add")
_scaled("sub")


@overrides("div")
def div(input: Any, other: Any, *, rounding_mode: str | None = None, out: Any = None) -> Any:
    if rounding_mode is None:
        result = apply(operation("div"), (input, other), teach=True)
    elif rounding_mode == "floor":
        result = apply(operation("floor_divide"), (input, other))
    elif rounding_mode == "trunc":
        result = apply(operation("trunc_divide"), (input, other))
    else:
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    return into(out, result)


@overrides("pow")
def pow(input: Any, exponent: Any, *, out: Any = None) -> Any:
    if isinstance(exponent, (int, np.integer)) and exponent < 0 and isinstance(input, Tensor) \
            and not input.dtype.is_floating_point:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    result = apply(operation("pow"), (input, exponent), teach=True)
    return into(out, result)


# ---------------------------------------------------------------- where, clamp


@public
def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """Elements of `input` where `condition` holds, of `other` elsewhere (`torch.where`)."""
    expect_tensor("where", condition, "condition")
    if input is None and other is None:
        return tuple(from_array(np.ascontiguousarray(i)) for i in np.nonzero(condition._array()))
    if condition.dtype.name not in ("bool", "uint8"):
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype "
                           f"{kind_name(condition)}")
    return apply(operation("where"), (condition, input, other), teach=True)


def _where_method(self: Tensor, condition: Any, other: Any) -> Any:
    return where(condition, self, other)


METHODS["where"] = _where_method


def _clamped(suffix: str, run: Callable[..., Any]) -> Callable[..., Any]:
    def clamp(input: Any, min: Any = None, max: Any = None, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        if min is None and max is None:
            raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
        if max is None:
            result = run(operation("clamp_min" + suffix), (input, min))
        elif min is None:
            result = run(operation("clamp_max" + suffix), (input, max))
        else:
            result = run(operation("clamp" + suffix), (input, min, max))
        return into(out, result)

    return clamp


clamp = _clamped("", apply)
METHODS["clamp"] = METHODS["clip"] = PUBLIC["clamp"] = PUBLIC["clip"] = clamp
METHODS["clamp_"] = METHODS["clip_"] = _clamped("_", apply_inplace)
