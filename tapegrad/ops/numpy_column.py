"""Scalar functions on NumPy arrays, where NumPy has none that does the same: what `scalar`'s table names beside its own."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np


def by_element(function: Callable[[float], float]) -> Callable[[Any], Any]:
    vectorized = np.vectorize(function, otypes=[np.float64])

    def call(x: Any) -> Any:
        x = np.asarray(x)
        return vectorized(x).astype(x.dtype if x.dtype.kind == "f" else np.float64)[()]
    return call


def lgamma(x: float) -> float:
    try:
        return math.lgamma(x)
    except ValueError:  # a pole
        return math.inf


def digamma(x: float) -> float:
    if x == 0:
        return math.copysign(math.inf, -x)
    if x < 0:
        fraction = x - round(x) if math.isfinite(x) else 0.0
        return math.nan if fraction == 0 else digamma(1 - x) - math.pi / math.tan(math.pi * fraction)
    steps = 0.0
    while x < 12:
        steps, x = steps + 1 / x, x + 1
    v = 1 / (x * x)
    series = v * (1 / 12 - v * (1 / 120 - v * (1 / 252 - v * (1 / 240 - v * (1 / 132 - v * (691 / 32760))))))
    return math.log(x) - 0.5 / x - series - steps


def sign(x: Any) -> Any:
    return np.where(np.greater(x, 0), 1, np.where(np.less(x, 0), -1, 0)).astype(np.asarray(x).dtype)[()]


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def trunc_divide(a: Any, b: Any) -> Any:
    a, b = np.asarray(a), np.asarray(b)
    if np.result_type(a, b).kind == "f":
        return np.trunc(a / b)
    q = (a - np.fmod(a, b)) // b
    return np.where(b == 0, q.dtype.type(0), q)[()]


def shifting(shift: Callable[..., Any]) -> Callable[..., Any]:
    def call(a: Any, n: Any) -> Any:
        a = np.asarray(a)
        bits = a.dtype.itemsize * 8
        inside = (np.asarray(n) >= 0) & (np.asarray(n) < bits)
        shifted = shift(a, np.where(inside, n, bits - 1).astype(a.dtype)).astype(a.dtype)
        if shift is np.right_shift and a.dtype.kind == "i":
            return shifted
        return np.where(inside, shifted, a.dtype.type(0))[()]
    return call


def power(x: Any, y: Any) -> Any:
    if np.asarray(x).dtype.kind in "iu" and np.any(np.asarray(y) < 0):  # NumPy refuses; PyTorch truncates 1 / x**-y
        return np.where(y < 0, np.where(x == 1, 1, np.where(x == -1, 1 - 2 * (y & 1), 0)),
                        np.power(x, np.maximum(y, 0))).astype(np.asarray(x).dtype)[()]
    return np.power(x, y)
