"""Numbers at equal distances, rounded as PyTorch's loops over vectors of 256 bits round them."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

SPLIT = np.float64((1 << 27) + 1)
BITS = 256


def fused(a: Any, b: Any, c: Any) -> Any:
    """a * b + c of doubles, rounded once: PyTorch's compiler contracts the two operations.

    The product's and the sum's errors are found by Dekker's and Knuth's transformations, which NumPy can do. Where
    `8.0 = 80 * 0.1` is what one starts from, what is left is 4e-16, and zero without.
    """
    product = a * b
    high = a * SPLIT - (a * SPLIT - a)
    top = b * SPLIT - (b * SPLIT - b)
    low, bottom = a - high, b - top
    lost = ((high * top - product) + high * bottom + low * top) + low * bottom
    total = product + c
    part = total - product
    return total + ((product - (total - part)) + (c - part) + lost)


def check_range(start: float, end: float, step: float) -> None:
    """Raise RuntimeError for steps that do not lead from the start to the end."""
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start:g} -> {end:g}")
    if (end - start) / step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


def progression(count: int, start: float, step: float, dtype: Any) -> np.ndarray[Any, Any]:
    """start, start + step, …: the first of each vector is rounded, and the others counted from it."""
    i = np.arange(count)
    if float(start).is_integer() and float(step).is_integer():
        return i * step + start
    lanes = BITS // 8 // dtype.itemsize
    first = i // lanes * lanes
    rest = count - count % (2 * lanes)  # two vectors a turn, and the rest one by one
    first[rest:] = i[rest:]
    base = fused(np.float64(step), first.astype(np.float64), np.float64(start)).astype(dtype).astype(np.float64)
    return fused((i - first).astype(np.float64), np.float64(step), base).astype(dtype)


def between(start: Any, end: Any, steps: int) -> np.ndarray[Any, Any]:
    """From both ends towards the middle, so that both are met exactly; of the dtype of the ends."""
    if steps == 1:
        return np.array([start])
    kind = type(start)
    step, i = (end - start) / kind(max(steps - 1, 1)), np.arange(steps)
    up = i < steps // 2
    by, at = np.where(up, step, -step).astype(np.float64), np.where(up, i, steps - 1 - i).astype(np.float64)
    origin = np.where(up, start, end).astype(np.float64)
    if kind is np.float32:  # the product is exact
        return (by * at + origin).astype(kind)
    return fused(by, at, origin)
