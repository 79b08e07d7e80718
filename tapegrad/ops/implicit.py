"""How gamma and beta numbers move with their parameters: what gradients through drawn numbers are made of.

A number z of the distribution function P(z; a) that keeps its share while a changes moves by -(∂P/∂a) / p(z): Figurnov,
Mohamed, Mnih, "Implicit reparameterization gradients" (2018). With ∂ log p/∂a = log t - c, that is the integral of
p(t)/p(z) (c - log t) over what is below z, or of its negative over what is above: on one of the two sides all has one
sign, and there it is computed, in the logarithm of t, as far as the ratio is above exp(-40).
"""
from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad.ops.declaration import Rule, Value, structured

FAR = 40.0
SHAPES = ((3, 4), (5,), ())
AT_ONCE = 384  # then what is computed at all places stays in cache


@functools.cache
def _nodes() -> tuple[Any, ...]:
    """Places and weights of the double exponential rule on [0, 1]: Takahasi and Mori (1974)."""
    steps = np.linspace(-3.1, 3.1, 37)
    places = 1 / (1 + np.exp(-np.pi * np.sinh(steps)))
    weights = np.pi * np.cosh(steps) * places * (1 - places) * (steps[1] - steps[0])
    return places, weights


def _integral(integrand: Rule, end: Value) -> Value:
    """Of a function from 0 to `end`, for arrays; the rule's places are a first axis."""
    places, weights = _nodes()
    s = places.reshape(-1, *[1] * end.ndim) * end
    return end * np.tensordot(weights, integrand(s), 1)


def _series(a: Value, z: Value) -> Value:
    """For small z, from the power series of the distribution function."""
    import scipy.special

    psi, term, total = scipy.special.digamma(a + 1), z / a, 0.0
    for n in range(1, 22):
        total = total + term * (psi - np.log(z))
        psi, term = psi + 1 / (a + n), term * z / (a + n)
    return total


def _gamma_integral(a: Value, z: Value) -> Value:
    import scipy.special

    c = scipy.special.digamma(a)
    side = np.where(np.log(z) < c, -1.0, 1.0)
    end = np.where(side < 0, (FAR + z) / a, 2 * FAR / (z - a + np.sqrt((z - a) ** 2 + 2 * FAR * z)))
    for _ in range(7):  # Newton's method, from beyond
        grown = z * np.expm1(side * end)
        end = end - (grown - side * a * end - FAR) / (side * (grown + z - a))

    def integrand(s: Value) -> Value:
        return np.exp(side * a * s - z * np.expm1(side * s)) * (side * (np.log(z) - c) + s)

    return z * _integral(integrand, end)


def gamma_slope(a: Value, z: Value) -> Value:
    """How a gamma number z moves with its shape a."""
    a, z = np.broadcast_arrays(a, z)
    out = np.empty(a.shape)
    small = z <= 2
    with np.errstate(all="ignore"):
        out[small] = np.where(z[small] == 0, 0.0, _series(a[small], z[small]))
        out[~small] = _gamma_integral(a[~small], z[~small])
    return out


def beta_slope(x: Value, a: Value, b: Value) -> Value:
    """How a beta number x moves with its first parameter, over 1 - x."""
    import scipy.special

    c = scipy.special.digamma(a) - scipy.special.digamma(a + b)
    log_x, log_rest = np.log(x), np.log1p(-x)
    below = log_x < c
    # How fast the ratio falls, and the power of what grows meanwhile.
    rate: Any = np.where(below, a, b)
    power: Any = np.where(below, b - 1, a - 1)
    share, most = np.where(below, x, 1 - x), np.where(below, -log_rest, -log_x)

    def grown(s: Value) -> Value:
        return np.log1p(-share * np.exp(-s)) + most

    far = FAR + np.maximum(power, 0) * most
    end = far / rate
    convex = power > 0
    for _ in range(8):
        with_s = share * np.exp(-end)
        step = (rate * end - power * grown(end) - FAR) / (rate - power * with_s / (1 - with_s))
        end = np.where(convex, end - step, end)

    def integrand(s: Value) -> Value:
        left = np.log1p(-share * np.exp(-s))
        return np.exp(power * (left + most) - rate * s) * np.where(below, c - log_x + s, left - c)

    return np.where(below, x / (1 - x), 1.0) * _integral(integrand, end)


def _by_parts(function: Rule) -> Rule:
    """A function on arrays that are gone through a part at a time, in double precision."""

    def column(first: Value, *others: Value) -> Value:
        kind = np.asarray(first).dtype
        arrays = [np.asarray(v, np.float64) for v in np.broadcast_arrays(first, *others)]
        flat = [np.ascontiguousarray(v).reshape(-1) for v in arrays]
        out = np.empty(arrays[0].size)
        with np.errstate(all="ignore"):
            for i in range(0, out.size, AT_ONCE):
                out[i:i + AT_ONCE] = function(*(v[i:i + AT_ONCE] for v in flat))
        return out.reshape(arrays[0].shape).astype(kind)

    return column


_gamma, _beta = _by_parts(gamma_slope), _by_parts(lambda x, a, total: beta_slope(x, a, total - a))


def _together(o: Sequence[Any], given: dict[str, Any]) -> bool:
    """Whether operands are alike."""
    return all(p.shape == o[0].shape and p.dtype is o[0].dtype for p in o)


structured("_standard_gamma_grad", lambda builder, x, y: builder.called(_gamma, x.dtype, x.shape, x, y), method=False,
           accepts="f", column=_gamma, domain=(0.3, 4.0), samples=lambda: [((s, s), {}) for s in SHAPES],
           fits=_together, doc="How gamma numbers y move with their shapes x.")
structured("_dirichlet_grad", lambda builder, x, y, z: builder.called(_beta, x.dtype, x.shape, x, y, z), method=False,
           accepts="f", column=lambda x, y, z: _beta(x, y, z), domain=(0.1, 0.9),
           samples=lambda: [((s, s, s), {}) for s in SHAPES],
           fits=_together, doc="How coordinates x of a simplex move with their concentrations y, of the sum z.")
