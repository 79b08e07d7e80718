"""Sums of many parts that come out the same, to the last bit, whoever computed the parts and in whatever order.

A pairwise tree over the parts' numbers fixes the order. Each node is a pair of numbers, the sum and what rounding took
from it, so that how rows are divided into parts hardly shows either: of n parts the error is that of one rounding, as
long as they do not cancel to less than 10⁻¹⁶ of themselves. Sources: Knuth, TAOCP 2, 4.2.2 (TwoSum); Dekker 1971.
"""
from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """The rounded sum, and its error: together they are a + b exactly; of what is not finite there is no error."""
    total = a + b
    part = total - a
    error = (a - (total - part)) + (b - part)
    return total, np.where(np.isfinite(total), error, 0.0)


def added(high: Array, low: Array, other_high: Array, other_low: Array) -> tuple[Array, Array]:
    """The sum of two pairs as a pair."""
    total, error = two_sum(high, other_high)
    return two_sum(total, error + (low + other_low))


def tree_sum(parts: Array) -> Array:
    """The sum along the first axis, in the order of a tree that depends on how many there are and on nothing else.

    >>> tree_sum(np.array([1e16, 1.0, -1e16, 1.0]))
    array(2.)
    """
    high = np.asarray(parts, "f8")
    low = np.zeros_like(high)
    with np.errstate(invalid="ignore", over="ignore"):
        while len(high) > 1:
            odd = slice(len(high) & ~1, None)  # what has no partner goes up a level as it is
            sums = added(high[:odd.start:2], low[:odd.start:2], high[1:odd.start:2], low[1:odd.start:2])
            high, low = (np.concatenate([s, rest[odd]]) for s, rest in zip(sums, (high, low)))
        return np.asarray(high[0] + low[0])
