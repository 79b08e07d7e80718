"""Types of what native code defines, written by `python -m tapegrad stubs`."""
from __future__ import annotations

# Under names of their own: `tapegrad.int` is a dtype, and `Tensor.float` a method.
from builtins import bool as _bool, float as _float, int as _int, str as _str
from collections.abc import Sequence
from typing import Any, NamedTuple, overload

from tapegrad.dtypes import dtype as _dtype

from tapegrad.random import Generator
from tapegrad.tensor import Tensor

__all__: list[_str]

def airy_ai(x: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.airy_ai`, computed by SciPy.

    >>> torch.special.airy_ai(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2912, 0.2317, 0.1353])"""
def bessel_j0(input: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.bessel_j0`, computed by SciPy.

    >>> torch.special.bessel_j0(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.9844, 0.9385, 0.7652])"""
def bessel_j1(input: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.bessel_j1`, computed by SciPy.

    >>> torch.special.bessel_j1(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.1240, 0.2423, 0.4401])"""
def bessel_y0(input: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.bessel_y0`, computed by SciPy.

    >>> torch.special.bessel_y0(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-0.9316, -0.4445,  0.0883])"""
def bessel_y1(input: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.bessel_y1`, computed by SciPy.

    >>> torch.special.bessel_y1(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-2.7041, -1.4715, -0.7812])"""
@overload
def chebyshev_polynomial_t(x: Tensor, n: Tensor, *, out: Any = None) -> Tensor:
    """The polynomial Chebyshev T of order `n` at `x` (`torch.special.chebyshev_polynomial_t`), computed by SciPy.

    Called as

        chebyshev_polynomial_t(x, n, *, out=None)
        chebyshev_polynomial_t(x, n, *, out=None)
        chebyshev_polynomial_t(x, n, *, out=None)

    >>> torch.special.chebyshev_polynomial_t(torch.tensor([0.25, 0.5, 1.0]), 2)
    tensor([-0.8750, -0.5000,  1.0000])"""
@overload
def chebyshev_polynomial_t(x: _float, n: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def chebyshev_polynomial_t(x: Tensor, n: _float, *, out: Any = None) -> Tensor:
    ...
@overload
def chebyshev_polynomial_u(x: Tensor, n: Tensor, *, out: Any = None) -> Tensor:
    """The polynomial Chebyshev U of order `n` at `x` (`torch.special.chebyshev_polynomial_u`), computed by SciPy.

    Called as

        chebyshev_polynomial_u(x, n, *, out=None)
        chebyshev_polynomial_u(x, n, *, out=None)
        chebyshev_polynomial_u(x, n, *, out=None)

    >>> torch.special.chebyshev_polynomial_u(torch.tensor([0.25, 0.5, 1.0]), 2)
    tensor([-0.7500,  0.0000,  3.0000])"""
@overload
def chebyshev_polynomial_u(x: _float, n: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def chebyshev_polynomial_u(x: Tensor, n: _float, *, out: Any = None) -> Tensor:
    ...
@overload
def chebyshev_polynomial_v(x: Tensor, n: Tensor, *, out: Any = None) -> Tensor:
    """The polynomial Chebyshev V of order `n` at `x` (`torch.special.chebyshev_polynomial_v`), computed by SciPy.

    Called as

        chebyshev_polynomial_v(x, n, *, out=None)
        chebyshev_polynomial_v(x, n, *, out=None)
        chebyshev_polynomial_v(x, n, *, out=None)

    >>> torch.special.chebyshev_polynomial_v(torch.tensor([0.25, 0.5, 1.0]), 2)
    tensor([-1.2500, -1.0000,  1.0000])"""
@overload
def chebyshev_polynomial_v(x: _float, n: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def chebyshev_polynomial_v(x: Tensor, n: _float, *, out: Any = None) -> Tensor:
    ...
@overload
def chebyshev_polynomial_w(x: Tensor, n: Tensor, *, out: Any = None) -> Tensor:
    """The polynomial Chebyshev W of order `n` at `x` (`torch.special.chebyshev_polynomial_w`), computed by SciPy.

    Called as

        chebyshev_polynomial_w(x, n, *, out=None)
        chebyshev_polynomial_w(x, n, *, out=None)
        chebyshev_polynomial_w(x, n, *, out=None)

    >>> torch.special.chebyshev_polynomial_w(torch.tensor([0.25, 0.5, 1.0]), 2)
    tensor([-0.2500,  1.0000,  5.0000])"""
@overload
def chebyshev_polynomial_w(x: _float, n: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def chebyshev_polynomial_w(x: Tensor, n: _float, *, out: Any = None) -> Tensor:
    ...
def digamma(input: Tensor, *, out: Any = None) -> Tensor:
    """The derivative of the logarithm of the gamma function (`torch.special.digamma`).

    >>> torch.special.digamma(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-4.2275, -1.9635, -0.5772])"""
def entr(input: Tensor, *, out: Any = None) -> Tensor:
    """The entropy of each element: `-input * log(input)` (`torch.special.entr`).

    >>> torch.special.entr(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.3466, 0.3466, -0.0000])"""
def erf(input: Tensor, *, out: Any = None) -> Tensor:
    """The error function of each element (`torch.special.erf`).

    >>> torch.special.erf(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2763, 0.5205, 0.8427])"""
def erfc(input: Tensor, *, out: Any = None) -> Tensor:
    """One minus the error function of each element (`torch.special.erfc`).

    >>> torch.special.erfc(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.7237, 0.4795, 0.1573])"""
def erfcx(input: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.erfcx`, computed by SciPy.

    >>> torch.special.erfcx(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.7703, 0.6157, 0.4276])"""
def erfinv(input: Tensor, *, out: Any = None) -> Tensor:
    """The inverse of the error function (`torch.special.erfinv`).

    >>> torch.special.erfinv(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2253, 0.4769,    inf])"""
def exp2(input: Tensor, *, out: Any = None) -> Tensor:
    """2 to the power of each element (`torch.special.exp2`).

    >>> torch.special.exp2(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.1892, 1.4142, 2.0000])"""
def expit(input: Tensor, *, out: Any = None) -> Tensor:
    """`1 / (1 + exp(-input))` (`torch.special.expit`).

    >>> torch.special.expit(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.5622, 0.6225, 0.7311])"""
def expm1(input: Tensor, *, out: Any = None) -> Tensor:
    """`exp(input) - 1`, exact for small elements (`torch.special.expm1`).

    >>> torch.special.expm1(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2840, 0.6487, 1.7183])"""
def gammainc(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The incomplete gamma function of shape `input` (`torch.special.gammainc`), computed by SciPy.

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.special.gammainc(x, x)
    tensor([0.7437, 0.6827, 0.6321])"""
def gammaincc(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The incomplete gamma function of shape `input` (`torch.special.gammaincc`), computed by SciPy.

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.special.gammaincc(x, x)
    tensor([0.2563, 0.3173, 0.3679])"""
def gammaln(input: Tensor, *, out: Any = None) -> Tensor:
    """The logarithm of the absolute gamma function of each element (`torch.special.gammaln`).

    >>> torch.special.gammaln(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.2880, 0.5724, 0.0000])"""
@overload
def hermite_polynomial_h(x: Tensor, n: Tensor, *, out: Any = None) -> Tensor:
    """The polynomial Hermite H of order `n` at `x` (`torch.special.hermite_polynomial_h`), computed by SciPy.

    Called as

        hermite_polynomial_h(x, n, *, out=None)
        hermite_polynomial_h(x, n, *, out=None)
        hermite_polynomial_h(x, n, *, out=None)

    >>> torch.special.hermite_polynomial_h(torch.tensor([0.25, 0.5, 1.0]), 2)
    tensor([-1.7500, -1.0000,  2.0000])"""
@overload
def hermite_polynomial_h(x: _float, n: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def hermite_polynomial_h(x: Tensor, n: _float, *, out: Any = None) -> Tensor:
    ...
@overload
def hermite_polynomial_he(x: Tensor, n: Tensor, *, out: Any = None) -> Tensor:
    """The polynomial Hermite He of order `n` at `x` (`torch.special.hermite_polynomial_he`), computed by SciPy.

    Called as

        hermite_polynomial_he(x, n, *, out=None)
        hermite_polynomial_he(x, n, *, out=None)
        hermite_polynomial_he(x, n, *, out=None)

    >>> torch.special.hermite_polynomial_he(torch.tensor([0.25, 0.5, 1.0]), 2)
    tensor([-0.9375, -0.7500,  0.0000])"""
@overload
def hermite_polynomial_he(x: _float, n: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def hermite_polynomial_he(x: Tensor, n: _float, *, out: Any = None) -> Tensor:
    ...
def i0(input: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.i0`, computed by SciPy.

    >>> torch.special.i0(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.0157, 1.0635, 1.2661])"""
def i0e(input: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.i0e`, computed by SciPy.

    >>> torch.special.i0e(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.7910, 0.6450, 0.4658])"""
def i1(input: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.i1`, computed by SciPy.

    >>> torch.special.i1(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.1260, 0.2579, 0.5652])"""
def i1e(input: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.i1e`, computed by SciPy.

    >>> torch.special.i1e(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.0981, 0.1564, 0.2079])"""
@overload
def laguerre_polynomial_l(x: Tensor, n: Tensor, *, out: Any = None) -> Tensor:
    """The polynomial Laguerre L of order `n` at `x` (`torch.special.laguerre_polynomial_l`), computed by SciPy.

    Called as

        laguerre_polynomial_l(x, n, *, out=None)
        laguerre_polynomial_l(x, n, *, out=None)
        laguerre_polynomial_l(x, n, *, out=None)

    >>> torch.special.laguerre_polynomial_l(torch.tensor([0.25, 0.5, 1.0]), 2)
    tensor([ 0.5312,  0.1250, -0.5000])"""
@overload
def laguerre_polynomial_l(x: _float, n: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def laguerre_polynomial_l(x: Tensor, n: _float, *, out: Any = None) -> Tensor:
    ...
@overload
def legendre_polynomial_p(x: Tensor, n: Tensor, *, out: Any = None) -> Tensor:
    """The polynomial Legendre P of order `n` at `x` (`torch.special.legendre_polynomial_p`), computed by SciPy.

    Called as

        legendre_polynomial_p(x, n, *, out=None)
        legendre_polynomial_p(x, n, *, out=None)
        legendre_polynomial_p(x, n, *, out=None)

    >>> torch.special.legendre_polynomial_p(torch.tensor([0.25, 0.5, 1.0]), 2)
    tensor([-0.4062, -0.1250,  1.0000])"""
@overload
def legendre_polynomial_p(x: _float, n: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def legendre_polynomial_p(x: Tensor, n: _float, *, out: Any = None) -> Tensor:
    ...
def log1p(input: Tensor, *, out: Any = None) -> Tensor:
    """`log(1 + input)`, exact for small elements (`torch.special.log1p`).

    >>> torch.special.log1p(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2231, 0.4055, 0.6931])"""
def log_ndtr(input: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.log_ndtr`, computed by SciPy.

    >>> torch.special.log_ndtr(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-0.5130, -0.3689, -0.1728])"""
def log_softmax(input: Tensor, dim: _int, *, dtype: _dtype | type | None = None) -> Tensor:
    """The logarithm of softmax, in one step (`torch.special.log_softmax`).

    >>> torch.special.log_softmax(torch.tensor([0.25, 0.5, 1.0]), 0)
    tensor([-1.4818, -1.2318, -0.7318])"""
def logit(input: Tensor, eps: _float | None = None, *, out: Any = None) -> Tensor:
    """`log(input / (1 - input))`, of elements kept `eps` from 0 and 1 (`torch.special.logit`).

    >>> torch.special.logit(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-1.0986,  0.0000,     inf])"""
def logsumexp(input: Tensor, dim: _int | Sequence[_int], keepdim: _bool = False, *, out: Any = None) -> Tensor:
    """`log(sum(exp(input)))` along axes, without overflow (`torch.special.logsumexp`).

    >>> torch.special.logsumexp(torch.tensor([0.25, 0.5, 1.0]), 0)
    tensor(1.7318)"""
def modified_bessel_i0(input: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.modified_bessel_i0`, computed by SciPy.

    >>> torch.special.modified_bessel_i0(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.0157, 1.0635, 1.2661])"""
def modified_bessel_i1(input: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.modified_bessel_i1`, computed by SciPy.

    >>> torch.special.modified_bessel_i1(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.1260, 0.2579, 0.5652])"""
def modified_bessel_k0(input: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.modified_bessel_k0`, computed by SciPy.

    >>> torch.special.modified_bessel_k0(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.5415, 0.9244, 0.4210])"""
def modified_bessel_k1(input: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.modified_bessel_k1`, computed by SciPy.

    >>> torch.special.modified_bessel_k1(torch.tensor([0.25, 0.5, 1.0]))
    tensor([3.7470, 1.6564, 0.6019])"""
def multigammaln(input: Tensor, p: _int, *, out: Any = None) -> Tensor:
    """The logarithm of the multivariate gamma function (`torch.special.multigammaln`).

    >>> torch.special.multigammaln(torch.tensor([0.25, 0.5, 1.0]), 2)
    tensor([3.4500,    inf, 1.1447])"""
def ndtr(input: Tensor, *, out: Any = None) -> Tensor:
    """The normal distribution's share below (`torch.special.ndtr`).

    >>> torch.special.ndtr(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.5987, 0.6915, 0.8413])"""
def ndtri(input: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.ndtri`, computed by SciPy.

    >>> torch.special.ndtri(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-0.6745,  0.0000,     inf])"""
def polygamma(n: _int, input: Tensor, *, out: Any = None) -> Tensor:
    """The n-th derivative of the digamma function (`torch.special.polygamma`).

    >>> torch.special.polygamma(2, torch.tensor([0.25, 0.5, 1.0]))
    tensor([-129.3277,  -16.8288,   -2.4041])"""
def psi(input: Tensor, *, out: Any = None) -> Tensor:
    """The derivative of the logarithm of the gamma function (`torch.special.psi`).

    >>> torch.special.psi(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-4.2275, -1.9635, -0.5772])"""
def round(input: Tensor, *, decimals: _int = 0, out: Any = None) -> Tensor:
    """Each element rounded to `decimals` places, halves to even numbers (`torch.special.round`).

    >>> torch.special.round(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0., 0., 1.])"""
def scaled_modified_bessel_k0(x: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.scaled_modified_bessel_k0`, computed by SciPy.

    >>> torch.special.scaled_modified_bessel_k0(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.9793, 1.5241, 1.1445])"""
def scaled_modified_bessel_k1(x: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.scaled_modified_bessel_k1`, computed by SciPy.

    >>> torch.special.scaled_modified_bessel_k1(torch.tensor([0.25, 0.5, 1.0]))
    tensor([4.8113, 2.7310, 1.6362])"""
@overload
def shifted_chebyshev_polynomial_t(x: Tensor, n: Tensor, *, out: Any = None) -> Tensor:
    """The polynomial Chebyshev T of order `n` at `2 x - 1` (`torch.special.shifted_chebyshev_polynomial_t`), computed by SciPy.

    Called as

        shifted_chebyshev_polynomial_t(x, n, *, out=None)
        shifted_chebyshev_polynomial_t(x, n, *, out=None)
        shifted_chebyshev_polynomial_t(x, n, *, out=None)

    >>> torch.special.shifted_chebyshev_polynomial_t(torch.tensor([0.25, 0.5, 1.0]), 2)
    tensor([-0.5000, -1.0000,  1.0000])"""
@overload
def shifted_chebyshev_polynomial_t(x: _float, n: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def shifted_chebyshev_polynomial_t(x: Tensor, n: _float, *, out: Any = None) -> Tensor:
    ...
@overload
def shifted_chebyshev_polynomial_u(x: Tensor, n: Tensor, *, out: Any = None) -> Tensor:
    """The polynomial Chebyshev U of order `n` at `2 x - 1` (`torch.special.shifted_chebyshev_polynomial_u`), computed by SciPy.

    Called as

        shifted_chebyshev_polynomial_u(x, n, *, out=None)
        shifted_chebyshev_polynomial_u(x, n, *, out=None)
        shifted_chebyshev_polynomial_u(x, n, *, out=None)

    >>> torch.special.shifted_chebyshev_polynomial_u(torch.tensor([0.25, 0.5, 1.0]), 2)
    tensor([ 0., -1.,  3.])"""
@overload
def shifted_chebyshev_polynomial_u(x: _float, n: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def shifted_chebyshev_polynomial_u(x: Tensor, n: _float, *, out: Any = None) -> Tensor:
    ...
@overload
def shifted_chebyshev_polynomial_v(x: Tensor, n: Tensor, *, out: Any = None) -> Tensor:
    """The polynomial Chebyshev V of order `n` at `2 x - 1` (`torch.special.shifted_chebyshev_polynomial_v`), computed by SciPy.

    Called as

        shifted_chebyshev_polynomial_v(x, n, *, out=None)
        shifted_chebyshev_polynomial_v(x, n, *, out=None)
        shifted_chebyshev_polynomial_v(x, n, *, out=None)

    >>> torch.special.shifted_chebyshev_polynomial_v(torch.tensor([0.25, 0.5, 1.0]), 2)
    tensor([ 1., -1.,  1.])"""
@overload
def shifted_chebyshev_polynomial_v(x: _float, n: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def shifted_chebyshev_polynomial_v(x: Tensor, n: _float, *, out: Any = None) -> Tensor:
    ...
@overload
def shifted_chebyshev_polynomial_w(x: Tensor, n: Tensor, *, out: Any = None) -> Tensor:
    """The polynomial Chebyshev W of order `n` at `2 x - 1` (`torch.special.shifted_chebyshev_polynomial_w`), computed by SciPy.

    Called as

        shifted_chebyshev_polynomial_w(x, n, *, out=None)
        shifted_chebyshev_polynomial_w(x, n, *, out=None)
        shifted_chebyshev_polynomial_w(x, n, *, out=None)

    >>> torch.special.shifted_chebyshev_polynomial_w(torch.tensor([0.25, 0.5, 1.0]), 2)
    tensor([-1., -1.,  5.])"""
@overload
def shifted_chebyshev_polynomial_w(x: _float, n: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def shifted_chebyshev_polynomial_w(x: Tensor, n: _float, *, out: Any = None) -> Tensor:
    ...
def sinc(input: Tensor, *, out: Any = None) -> Tensor:
    """`sin(pi * input) / (pi * input)`, and 1 at zero (`torch.special.sinc`).

    >>> torch.special.sinc(torch.tensor([0.25, 0.5, 1.0]))
    tensor([ 9.0032e-01,  6.3662e-01, -2.7828e-08])"""
def softmax(input: Tensor, dim: _int, dtype: _dtype | type | None = None) -> Tensor:
    """Exponentials along an axis, scaled so that they add up to one (`torch.special.softmax`).

    >>> torch.special.softmax(torch.tensor([0.25, 0.5, 1.0]), 0)
    tensor([0.2272, 0.2918, 0.4810])"""
def spherical_bessel_j0(x: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.spherical_bessel_j0`, computed by SciPy.

    >>> torch.special.spherical_bessel_j0(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.9896, 0.9589, 0.8415])"""
@overload
def xlog1py(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """`input * log1p(other)`, and zero where `input` is (`torch.special.xlog1py`).

    Called as

        xlog1py(input, other, *, out=None)
        xlog1py(self, other, *, out=None)
        xlog1py(input, other, *, out=None)

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.special.xlog1py(x, x)
    tensor([0.0558, 0.2027, 0.6931])"""
@overload
def xlog1py(self: _float, other: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def xlog1py(input: Tensor, other: _float, *, out: Any = None) -> Tensor:
    ...
@overload
def xlogy(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """`input * log(other)`, and zero where `input` is (`torch.special.xlogy`).

    Called as

        xlogy(input, other, *, out=None)
        xlogy(self, other, *, out=None)
        xlogy(input, other, *, out=None)

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.special.xlogy(x, x)
    tensor([-0.3466, -0.3466,  0.0000])"""
@overload
def xlogy(self: _float, other: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def xlogy(input: Tensor, other: _float, *, out: Any = None) -> Tensor:
    ...
@overload
def zeta(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """Hurwitz's zeta function, the sum of `(other + k) ** -input` over k = 0, 1, … (`torch.special.zeta`).

    >>> import tapegrad as torch
    >>> torch.special.zeta(torch.tensor([2.0, 4.0]), 1)
    tensor([1.6449, 1.0823])

    Called as

        zeta(input, other, *, out=None)
        zeta(self, other, *, out=None)
        zeta(input, other, *, out=None)"""
@overload
def zeta(self: _float, other: Tensor, *, out: Any = None) -> Tensor:
    ...
@overload
def zeta(input: Tensor, other: _float, *, out: Any = None) -> Tensor:
    ...
