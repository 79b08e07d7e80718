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

def digamma(input: Tensor, *, out: Any = None) -> Tensor:
    """The derivative of the logarithm of the gamma function (`torch.digamma`).

    >>> torch.digamma(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-4.2275, -1.9635, -0.5772])"""
def entr(input: Tensor, *, out: Any = None) -> Tensor:
    """The entropy of each element: `-input * log(input)` (`torch.special.entr`).

    >>> torch.special.entr(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.3466, 0.3466, -0.0000])"""
def erf(input: Tensor, *, out: Any = None) -> Tensor:
    """The error function of each element (`torch.erf`).

    >>> torch.erf(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2763, 0.5205, 0.8427])"""
def erfc(input: Tensor, *, out: Any = None) -> Tensor:
    """One minus the error function of each element (`torch.erfc`).

    >>> torch.erfc(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.7237, 0.4795, 0.1573])"""
def erfcx(input: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.erfcx`, computed by SciPy.

    >>> torch.special.erfcx(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.7703, 0.6157, 0.4276])"""
def erfinv(input: Tensor, *, out: Any = None) -> Tensor:
    """The inverse of the error function (`torch.erfinv`).

    >>> torch.erfinv(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2253, 0.4769,    inf])"""
def exp2(input: Tensor, *, out: Any = None) -> Tensor:
    """2 to the power of each element (`torch.exp2`).

    >>> torch.exp2(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.1892, 1.4142, 2.0000])"""
def expit(input: Tensor, *, out: Any = None) -> Tensor:
    """`1 / (1 + exp(-input))` (`torch.sigmoid`).

    >>> torch.sigmoid(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.5622, 0.6225, 0.7311])"""
def expm1(input: Tensor, *, out: Any = None) -> Tensor:
    """`exp(input) - 1`, exact for small elements (`torch.expm1`).

    >>> torch.expm1(torch.tensor([0.25, 0.5, 1.0]))
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
    """The logarithm of the absolute gamma function of each element (`torch.lgamma`).

    >>> torch.lgamma(torch.tensor([0.25, 0.5, 1.0]))
    tensor([1.2880, 0.5724, 0.0000])"""
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
def log1p(input: Tensor, *, out: Any = None) -> Tensor:
    """`log(1 + input)`, exact for small elements (`torch.log1p`).

    >>> torch.log1p(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0.2231, 0.4055, 0.6931])"""
def log_ndtr(input: Tensor, *, out: Any = None) -> Tensor:
    """`torch.special.log_ndtr`, computed by SciPy.

    >>> torch.special.log_ndtr(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-0.5130, -0.3689, -0.1728])"""
def log_softmax(input: Tensor, dim: _int, *, dtype: _dtype | type | None = None) -> Tensor:
    """The logarithm of softmax, in one step (`torch.log_softmax`).

    >>> torch.log_softmax(torch.tensor([0.25, 0.5, 1.0]), 0)
    tensor([-1.4818, -1.2318, -0.7318])"""
def logit(input: Tensor, eps: _float | None = None, *, out: Any = None) -> Tensor:
    """`log(input / (1 - input))`, of elements kept `eps` from 0 and 1 (`torch.logit`).

    >>> torch.logit(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-1.0986,  0.0000,     inf])"""
def logsumexp(input: Tensor, dim: _int | Sequence[_int], keepdim: _bool = False, *, out: Any = None) -> Tensor:
    """`log(sum(exp(input)))` along axes, without overflow (`torch.logsumexp`).

    >>> torch.logsumexp(torch.tensor([0.25, 0.5, 1.0]), 0)
    tensor(1.7318)"""
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
    """The derivative of the logarithm of the gamma function (`torch.digamma`).

    >>> torch.digamma(torch.tensor([0.25, 0.5, 1.0]))
    tensor([-4.2275, -1.9635, -0.5772])"""
def round(input: Tensor, *, decimals: _int = 0, out: Any = None) -> Tensor:
    """Each element rounded to `decimals` places, halves to even numbers (`torch.round`).

    Called as

        round(input, *, out=None)
        round(input, *, decimals, out=None)

    >>> torch.round(torch.tensor([0.25, 0.5, 1.0]))
    tensor([0., 0., 1.])"""
def sinc(input: Tensor, *, out: Any = None) -> Tensor:
    """`sin(pi * input) / (pi * input)`, and 1 at zero (`torch.sinc`).

    >>> torch.sinc(torch.tensor([0.25, 0.5, 1.0]))
    tensor([ 9.0032e-01,  6.3662e-01, -2.7828e-08])"""
def softmax(input: Tensor, dim: _int, dtype: _dtype | type | None = None) -> Tensor:
    """Exponentials along an axis, scaled so that they add up to one (`torch.softmax`).

    >>> torch.softmax(torch.tensor([0.25, 0.5, 1.0]), 0)
    tensor([0.2272, 0.2918, 0.4810])"""
def xlog1py(input: Tensor, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """`input * log1p(other)`, and zero where `input` is (`torch.special.xlog1py`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.special.xlog1py(x, x)
    tensor([0.0558, 0.2027, 0.6931])"""
def xlogy(input: Tensor, other: Tensor | _float, *, out: Any = None) -> Tensor:
    """`input * log(other)`, and zero where `input` is (`torch.xlogy`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.xlogy(x, x)
    tensor([-0.3466, -0.3466,  0.0000])"""
