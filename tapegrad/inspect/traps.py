"""The known ways to a value that is not finite, and what cures each: a table, asked by `why_nan`.

A trap is met by what the operands are where it happens. The first that fits is told, so one that fits anything is last.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np


class Trap(NamedTuple):
    """`meets` is asked of the operands' values; `backward` says in which pass it lies in wait, None for either."""

    operations: str
    backward: bool | None
    meets: Callable[..., Any]
    cure: str


def _any(*values: Any) -> bool:
    return True


def _zero(x: Any, *others: Any) -> bool:
    return bool((x == 0).any())


def _negative(x: Any, *others: Any) -> bool:
    return bool((x < 0).any())


def _large(x: Any, *others: Any) -> bool:
    return bool((x > 80).any())


def _infinite(*values: Any) -> bool:
    return any(np.isinf(v).any() for v in values)


def _divisor_zero(a: Any, b: Any) -> bool:
    return bool((b == 0).any())


def _edge(x: Any, *others: Any) -> bool:
    return bool((np.abs(x) >= 1).any())


BEHIND_WHERE = """\
the gradient that arrives is 0, as behind a `where` that took the other branch, and 0 times infinity is nan: choose a
harmless operand first, `where(ok, f(where(ok, x, 1)), other)`, or let `inspect.safe_where(ok, f, other, x)` do it"""
OVERFLOW = "the sum is too large for its dtype: scale the loss down, or compute in a wider one"
TRAPS = (
    Trap("sqrt rsqrt", False, _negative, "the operand is below zero: `x.clamp(min=0).sqrt()`, or find out why"),
    Trap("sqrt", True, _zero, "the slope of sqrt at 0 is infinite: `(x + eps).sqrt()`, or `x.clamp(min=eps).sqrt()`"),
    Trap("rsqrt reciprocal", None, _zero, "it divides by zero: add a small eps inside, `(x + eps).rsqrt()`"),
    Trap("log log2 log10", False, _zero, """\
log of 0: `x.clamp(min=eps).log()`; of probabilities, `log_softmax`, `logsigmoid` or the loss that takes logits; of
x log x, `torch.xlogy`"""),
    Trap("log log2 log10", False, _negative, "log of a number below zero: find out why, or `x.clamp(min=eps).log()`"),
    Trap("log log2 log10 log1p", True, _any, """\
its slope is infinite there: `x.clamp(min=eps).log()`, or a loss that takes logits"""),
    Trap("log1p", False, _any, "log1p of -1 or less: `x.clamp(min=-1 + eps).log1p()`"),
    Trap("exp exp2 expm1 sinh cosh", None, _large, """\
exp overflows: subtract the largest first, as `logsumexp`, `softmax`, `log_softmax`, `logsigmoid` and `softplus` do"""),
    Trap("div remainder fmod", None, _divisor_zero, """\
it divides by zero: `a / (b + eps)`, or choose the divisor first, `a / where(b == 0, 1, b)`; of a mean, is there nothing
to average?"""),
    Trap("sub add", False, _infinite, """\
infinity minus infinity: find what overflowed; keep the largest apart, as `logsumexp` does"""),
    Trap("mul", False, _infinite, """\
0 times infinity: a mask that multiplies does not remove what is infinite, `where(mask, x, 0)` does"""),
    Trap("pow", False, _negative, """\
a number below zero to a power that is not whole: `x.abs().pow(p)`, or find out why"""),
    Trap("pow", None, _zero, "the power of 0 has an infinite slope (or value) there: `(x + eps).pow(p)`"),
    Trap("acos asin acosh atanh", None, _edge, """\
outside of its domain, or at its edge, where the slope is infinite: `x.clamp(-1 + eps, 1 - eps)`"""),
    Trap("softmax log_softmax logsumexp", False, _infinite, """\
a row holds an infinity, or -inf only (all of it masked): keep one entry of each row, or fill with a large finite
number"""),
    Trap("norm linalg_vector_norm cdist dist std var", True, _any, """\
the slope of a norm or a deviation at 0 is not defined: `(x.square().sum() + eps).sqrt()`"""),
    Trap("std var mean", False, _any, "too few elements: a mean of none, or a deviation of one with correction=1"),
    Trap("atan2", None, _zero, "the angle at the origin is not defined: move it, `atan2(y, x + eps)`"),
    Trap("mm bmm mv addmm square mul sum prod cumsum cumprod pow", False, _any, """\
it overflows: scale what goes in, or compute in float64"""),
)


def cure_of(operation: str, backward: bool, operands: Sequence[Any], cotangent: float | None) -> str:
    """What helps where an operation met these operands; empty where nothing is known to."""
    if backward and cotangent == 0:
        return BEHIND_WHERE.replace("\n", " ")
    for trap in TRAPS:
        if operation.rstrip("_") in trap.operations.split() and trap.backward in (None, backward):
            try:
                if trap.meets(*operands):
                    return trap.cure.replace("\n", " ")
            except TypeError:  # asked of another number of operands
                continue
    return ""
