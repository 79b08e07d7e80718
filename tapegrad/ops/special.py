"""Special functions that have no kernel of their own: SciPy computes them, rules state their derivatives."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapegrad.ops.declaration import Builder, Rule, Value, structured
from tapegrad.ops.scalar import scalar, whole

where = scalar.where


SHAPES = ((3, 4), (5,), ())


def by_scipy(name: str, vjp: Rule | None, low: float = -2.0, high: float = 2.0, function: Rule | None = None,
             recorded: Rule | None = None, **attributes: Any) -> None:
    """An operation on each element which SciPy knows by this name, or composes."""
    def column(x: Value, **given: Any) -> Value:
        import scipy.special

        known: Any = getattr(scipy.special, name, None) if function is None else function(scipy.special)
        return known(*given.values(), np.asarray(x, np.float64)).astype(np.asarray(x).dtype)

    def lowered(builder: Builder, x: Value) -> Value:
        return builder.called(column, x.dtype, x.shape, x)

    def lowered_n(builder: Builder, x: Value, *, n: int) -> Value:
        return builder.called(lambda v: column(v, n=n), x.dtype, x.shape, x)

    plain = name.title().replace("_", "")
    structured("special_" + name, lowered_n if attributes else lowered, vjp, method=False, accepts="f",
               column=column, domain=(low, high), samples=lambda: [((s,), dict(attributes)) for s in SHAPES],
               fits=lambda o, given: True, recorded=recorded,
               grad_name=f"{'' if name in ('i0', 'polygamma') else 'Special'}{plain}Backward0")


by_scipy("i0", lambda g, x: g * whole.special_i1(x))
by_scipy("i0e", lambda g, x, out: g * (whole.special_i1e(x) - scalar.sign(x) * out))
by_scipy("i1", lambda g, x, out: g * (whole.special_i0(x) - where(x == 0, 0.5, out / where(x == 0, 1, x))),
         recorded=lambda g, x: g * bessel_slope(x, 1))
by_scipy("i1e", lambda g, x, out: g * where(x == 0, 0.5, whole.special_i0e(x) - out * (
    scalar.sign(x) + 1 / where(x == 0, 1, x))), recorded=lambda g, x, out: g * scaled_slope(x, out, 1))
# Of any whole order: what the derivatives above are made of, without a quotient.
by_scipy("iv", lambda g, x, n: g * bessel_slope(x, n), n=2)
by_scipy("ive", lambda g, x, out, n: g * scaled_slope(x, out, n), n=2, function=lambda scipy: lambda n, x: np.where(
    np.abs(x) < 1e8, scipy.ive(n, x), np.sign(x) ** (n % 2) * scipy.i0e(x)))  # beyond SciPy gives NaN, and they are one


def bessel_slope(x: Value, n: Value) -> Value:
    return 0.5 * (whole.special_iv(x, n=n - 1) + whole.special_iv(x, n=n + 1))


def scaled_slope(x: Value, out: Value, n: Value) -> Value:
    return 0.5 * (whole.special_ive(x, n=n - 1) + whole.special_ive(x, n=n + 1)) - scalar.sign(x) * out


by_scipy("erfcx", lambda g, x, out: g * (2 * x * out - 2 / math.sqrt(math.pi)))
by_scipy("log_ndtr", lambda g, x: g * math.sqrt(2 / math.pi) / whole.special_erfcx(-x * math.sqrt(0.5)),
         recorded=lambda g, x: g * whole.special_mills(x))
by_scipy("mills", lambda g, x, out: mills_slope(g, x, out),
         function=lambda scipy: lambda x: math.sqrt(2 / math.pi) / scipy.erfcx(-x * math.sqrt(0.5)))


def mills_slope(g: Value, x: Value, out: Value) -> Value:
    """The density over the distribution, m, has the derivative -m (x + m): nearly 1 far below zero, where x + m cancels."""
    far = x < (-1000 if x.dtype.itemsize == 8 else -30)
    near = where(far, 0, out)
    beyond = where(far, x, -1)
    return -g * where(far, 1 - 1 / (beyond * beyond), near * (where(near == 0, 0, x) + near))


by_scipy("ndtri", lambda g, out: g * math.sqrt(2 * math.pi) * scalar.exp(out * out / 2), low=0.1, high=0.9)
by_scipy("polygamma", lambda g, x, n: g * whole.special_polygamma(x, n=n + 1), low=0.5, high=3.0, n=1)


# Without a derivative, as in PyTorch.
for _name, _low, _function in (
    ("airy_ai", -2.0, lambda scipy: lambda x: scipy.airy(x)[0]),
    ("bessel_j0", -2.0, lambda scipy: scipy.j0), ("bessel_j1", -2.0, lambda scipy: scipy.j1),
    ("bessel_y0", 0.5, lambda scipy: scipy.y0), ("bessel_y1", 0.5, lambda scipy: scipy.y1),
    ("modified_bessel_i0", -2.0, lambda scipy: scipy.i0), ("modified_bessel_i1", -2.0, lambda scipy: scipy.i1),
    ("modified_bessel_k0", 0.5, lambda scipy: scipy.k0), ("modified_bessel_k1", 0.5, lambda scipy: scipy.k1),
    ("scaled_modified_bessel_k0", 0.5, lambda scipy: scipy.k0e),
    ("scaled_modified_bessel_k1", 0.5, lambda scipy: scipy.k1e),
    ("spherical_bessel_j0", -2.0, lambda scipy: lambda x: scipy.spherical_jn(0, x)),
):
    by_scipy(_name, None, low=_low, function=_function)


def of_two(name: str, function: Rule, low: float = 0.3, high: float = 4.0) -> None:
    """An operation on pairs of elements that SciPy computes; the facade states its derivative, if there is one."""
    def column(x: Value, y: Value) -> Value:
        import scipy.special

        with np.errstate(all="ignore"):
            found = function(scipy.special, np.asarray(x, np.float64), np.asarray(y, np.float64))
        return found.astype(np.asarray(x).dtype)

    structured("special_" + name, lambda builder, x, y: builder.called(column, x.dtype, x.shape, x, y), method=False,
               accepts="f", column=column, domain=(low, high), samples=lambda: [((s, s), {}) for s in SHAPES],
               fits=lambda o, given: o[0].shape == o[1].shape and o[0].dtype is o[1].dtype)


def of_order(rule: Rule) -> Rule:
    """A polynomial by its whole order, which is what numbers are cut to; below zero, and of no number, there is none."""
    def function(scipy: Value, x: Value, n: Value) -> Value:
        order = np.where(np.abs(n) < 2.0 ** 63, n, -1).astype(np.int64)
        return np.where(order < 0, 0.0, np.where(order == 0, 1.0, rule(scipy, np.maximum(order, 1), x)))

    return function


of_two("gammainc", lambda scipy, x, y: scipy.gammainc(x, y))
of_two("gammaincc", lambda scipy, x, y: scipy.gammaincc(x, y))
of_two("zeta", lambda scipy, x, y: scipy.zeta(x, y), low=1.5)
POLYNOMIALS: dict[str, Rule] = {  # of a whole order n > 0 at x
    "chebyshev_polynomial_t": lambda scipy, n, x: scipy.eval_chebyt(n, x),
    "chebyshev_polynomial_u": lambda scipy, n, x: scipy.eval_chebyu(n, x),
    "chebyshev_polynomial_v": lambda scipy, n, x: scipy.eval_chebyu(n, x) - scipy.eval_chebyu(n - 1, x),
    "chebyshev_polynomial_w": lambda scipy, n, x: scipy.eval_chebyu(n, x) + scipy.eval_chebyu(n - 1, x),
    "hermite_polynomial_h": lambda scipy, n, x: scipy.eval_hermite(n, x),
    "hermite_polynomial_he": lambda scipy, n, x: scipy.eval_hermitenorm(n, x),
    "laguerre_polynomial_l": lambda scipy, n, x: scipy.eval_laguerre(n, x),
    "legendre_polynomial_p": lambda scipy, n, x: scipy.eval_legendre(n, x),
}
for _name, _rule in POLYNOMIALS.items():
    of_two(_name, of_order(_rule))


def of_whole_numbers(function: np.ufunc) -> None:
    structured(function.__name__, lambda builder, x, y: builder.called(function, x.dtype, x.shape, x, y), method=False,
               accepts="i", column=function, samples=lambda: [((s, s), {}) for s in SHAPES],
               fits=lambda o, given: o[0].shape == o[1].shape and o[0].dtype is o[1].dtype)


of_whole_numbers(np.gcd)
of_whole_numbers(np.lcm)
