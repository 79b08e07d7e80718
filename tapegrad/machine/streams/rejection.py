"""Kernels that draw until what they drew fits: Poisson, binomial and gamma numbers, one parameter a number.

Hoermann, "The transformed rejection method for generating Poisson random variables" (1993) and "The generation of
binomial random variates" (1993); Marsaglia and Tsang, "A simple method for generating gamma variables" (2000). Where
PyTorch computes in floats for float parameters, so does this: which draw is the last depends on it.
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapegrad.machine.native.glue import Callee, external, native, types
from tapegrad.machine.streams.bulk import gauss
from tapegrad.machine.streams.twister import f32s, f64s, unit

I0 = np.int32(0)
log_gamma: Callee = external("lgamma", types.float64, types.float64)


@native
def poisson_by_product(stream, rate):
    """How many uniform factors it takes to come below exp(-rate)."""
    bound, product, count = math.exp(-rate), 1.0, 0
    while True:
        product *= unit(stream)
        if product <= bound:
            return count
        count += 1


@native
def poisson_by_rejection(stream, rate):
    """Hoermann's PTRS."""
    root, log_rate = math.sqrt(rate), math.log(rate)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    easy = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u = unit(stream) - 0.5
        v = unit(stream)
        edge = 0.5 - abs(u)
        k = math.floor((2.0 * a / edge + b) * u + rate + 0.43)
        if edge >= 0.07 and v <= easy:
            return k
        if k < 0 or (edge < 0.013 and v > edge):
            continue
        if (math.log(v) + math.log(inverse_alpha) - math.log(a / (edge * edge) + b)
                <= -rate + k * log_rate - log_gamma(k + 1.0)):
            return k


@native
def poisson(stream, out, n, a, b, given):
    x, rates = f64s(out), f64s(given)
    for i in range(n):
        rate = rates[i]
        if rate >= 10.0:
            x[i] = poisson_by_rejection(stream, rate)
        elif rate == 0.0:
            x[i] = 0.0
        else:
            x[i] = poisson_by_product(stream, rate)
    return I0


def binomial(R: Any, view: Any) -> Any:
    """Binomial numbers of n pairs (count, probability), all counts first; R is their type."""
    one = R(1)

    @native
    def tail(k):
        """What Stirling's series for log k! leaves out, from its third term on: by the series itself, or shifted."""
        if k <= 9:
            n = np.float64(k)
            shifted = n + 1.0
            return type_of(log_gamma(n + 1.0) - ((n + 0.5) * math.log(shifted) - shifted + 0.9189385332046727))
        square = (k + one) * (k + one)
        return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + one)

    @native
    def by_waiting(stream, count, p):
        """How many geometric waiting times fit in so many trials."""
        scale, total, found = np.float64(math.log1p(-p)), 0.0, 0
        while True:
            total += math.ceil(math.log(unit(stream)) / scale)
            if total > count:
                return R(found)
            found += 1

    @native
    def by_rejection(stream, count, p):
        """Hoermann's BTRS."""
        deviation = np.float64(math.sqrt(count * p * (one - p)))
        b = 1.15 + 2.53 * deviation
        a = -0.0873 + 0.0248 * b + 0.01 * p
        centre = count * p + 0.5
        easy = 0.92 - 4.2 / b
        odds = np.float64(p / (one - p))
        alpha = (2.83 + 5.1 / b) * deviation
        mode = np.float64(math.floor((count + one) * p))
        while True:
            u = unit(stream) - 0.5
            v = unit(stream)
            edge = 0.5 - abs(u)
            k = R(math.floor((2.0 * a / edge + b) * u + centre))
            if edge >= 0.07 and v <= easy:
                return k
            if k < 0 or k > count:
                continue
            v = math.log(v * alpha / (a / (edge * edge) + b))
            most = ((mode + 0.5) * math.log((mode + 1.0) / (odds * (count - mode + 1.0)))
                    + (count + one) * math.log((count - mode + 1.0) / (count - k + one))
                    + (k + 0.5) * math.log(odds * (count - k + one) / (k + one))
                    + tail(mode) + tail(count - mode) - tail(k) - tail(count - k))
            if v <= most:
                return k

    @native
    def one_of(stream, count, p):
        return by_rejection(stream, count, p) if count * p >= 10.0 else by_waiting(stream, count, p)

    def kernel(stream, out, n, a, b, given):
        x, parameters = view(out), view(given)
        for i in range(n):
            count, p = parameters[i], parameters[n + i]
            if count <= 0 or p <= 0:
                x[i] = R(0)
            elif p >= one:
                x[i] = count
            elif p <= 0.5:
                x[i] = one_of(stream, count, p)
            elif p > 0.5:
                x[i] = count - one_of(stream, count, one - p)
            else:
                x[i] = R(np.nan)
        return I0

    type_of = np.float64
    return native(kernel)


def gamma(R: Any, view: Any) -> Any:
    """Gamma numbers of n shapes; shapes below 1 are raised by one, and the number scaled down."""
    third, steep, one = np.float32(1) / np.float32(3), np.float64(np.float32(0.0331)), R(1)
    least = R(np.finfo(R).tiny)

    def kernel(stream, out, n, a, b, given):
        x, shapes = view(out), view(given)
        for i in range(n):
            shape, scale = shapes[i], 1.0
            if shape == 0:
                x[i] = least
                continue
            if shape < one:
                scale = math.pow(1.0 - unit(stream), np.float64(one / shape))
                shape = shape + one
            d = np.float64(shape - third)
            c = 1.0 / math.sqrt(9.0 * d)
            while True:
                z = gauss(stream)
                v = 1.0 + c * z
                if v <= 0.0:
                    continue
                v = v * v * v
                u = 1.0 - unit(stream)
                zz = z * z
                if u < 1.0 - steep * zz * zz or math.log(u) < 0.5 * zz + d * (1.0 - v + math.log(v)):
                    break
            x[i] = max(R(scale * d * v), least)
        return I0

    return native(kernel)



binomial32: Callee = binomial(np.float32, f32s)
binomial64: Callee = binomial(np.float64, f64s)
gamma32: Callee = gamma(np.float32, f32s)
gamma64: Callee = gamma(np.float64, f64s)
