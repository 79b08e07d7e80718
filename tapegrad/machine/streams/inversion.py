"""Kernels of distributions whose function can be inverted: a uniform number each, in double precision."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapegrad.machine.native.glue import Callee, native
from tapegrad.machine.streams.bulk import gauss
from tapegrad.machine.streams.twister import f64s, fma64, units_into

I0 = np.int32(0)


def inverse(function: Any) -> Any:
    """The kernel that writes `function(u, a, b)` for uniform numbers u."""
    of = native(function)

    def kernel(stream, out, n, a, b, given):
        units_into(stream, out, n)
        x = f64s(out)
        for i in range(n):
            x[i] = of(x[i], a, b)
        return I0

    return native(kernel)


exponential: Callee = inverse(lambda u, rate, _: (-1.0 / rate) * math.log1p(-u))
geometric: Callee = inverse(lambda u, p, _: math.ceil(math.log(u) / math.log1p(-p)))
cauchy: Callee = inverse(lambda u, median, sigma: fma64(math.tan(math.pi * (u - 0.5)), sigma, median))


@native
def log_normal(stream, out, n, a, b, given):
    """Numbers whose logarithm is normal: of no inverse, but of a pair's halves."""
    x = f64s(out)
    for i in range(n):
        x[i] = math.exp(fma64(gauss(stream), b, a))
    return I0
