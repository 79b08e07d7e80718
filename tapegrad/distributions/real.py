"""Families on the whole line: Normal, Laplace, Cauchy, StudentT, and Uniform and VonMises on a part of it."""
from __future__ import annotations

import math
from typing import Any

import tapegrad as torch
from tapegrad import Size, Tensor
from tapegrad.distributions import constraints
from tapegrad.distributions.distribution import ExponentialFamily, Family
from tapegrad.distributions.positive import Chi2
from tapegrad.distributions.utils import _standard_normal, lazy_property

__all__ = ["Cauchy", "Laplace", "Normal", "StudentT", "Uniform", "VonMises"]

LOG_2_PI = math.log(2 * math.pi)


class Normal(Family, ExponentialFamily):
    """The normal distribution (`torch.distributions.Normal`).

    >>> Normal(0.0, torch.tensor([1.0, 2.0])).log_prob(torch.tensor(1.0))
    tensor([-1.4189, -1.7371])
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, loc=loc, scale=scale)

    mean = mode = property(lambda self: self.loc)
    stddev = property(lambda self: self.scale)
    variance = property(lambda self: self.stddev.pow(2))

    def _sample(self, shape: Size) -> Tensor:
        return torch.normal(self.loc.expand(shape), self.scale.expand(shape))

    def _rsample(self, shape: Size) -> Tensor:
        return self.loc + _standard_normal(shape, self.loc.dtype) * self.scale

    def _log_prob(self, value: Tensor) -> Tensor:
        return -((value - self.loc) ** 2) / (2 * self.scale**2) - self.scale.log() - LOG_2_PI / 2

    def _cdf(self, value: Tensor) -> Tensor:
        return 0.5 * (1 + torch.erf((value - self.loc) * self.scale.reciprocal() / math.sqrt(2)))

    def _icdf(self, value: Tensor) -> Tensor:
        return self.loc + self.scale * torch.erfinv(2 * value - 1) * math.sqrt(2)

    def entropy(self) -> Tensor:
        return 0.5 + 0.5 * LOG_2_PI + torch.log(self.scale)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self.loc / self.scale.pow(2), -0.5 * self.scale.pow(2).reciprocal()

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:
        return -0.25 * x.pow(2) / y + 0.5 * torch.log(-math.pi / y)


class Laplace(Family):
    """The Laplace distribution (`torch.distributions.Laplace`).

    >>> Laplace(0.0, 1.0).log_prob(torch.tensor(1.0))
    tensor(-1.6931)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, loc=loc, scale=scale)

    mean = mode = property(lambda self: self.loc)
    variance = property(lambda self: 2 * self.scale.pow(2))
    stddev = property(lambda self: math.sqrt(2) * self.scale)

    def _rsample(self, shape: Size) -> Tensor:
        u = self.loc.new_empty(shape).uniform_(torch.finfo(self.loc.dtype).eps - 1, 1)
        return self.loc - self.scale * u.sign() * torch.log1p(-u.abs())

    def _log_prob(self, value: Tensor) -> Tensor:
        return -torch.log(2 * self.scale) - torch.abs(value - self.loc) / self.scale

    def _cdf(self, value: Tensor) -> Tensor:
        off = value - self.loc
        return 0.5 - 0.5 * off.sign() * torch.expm1(-off.abs() / self.scale)

    def _icdf(self, value: Tensor) -> Tensor:
        off = value - 0.5
        return self.loc - self.scale * off.sign() * torch.log1p(-2 * off.abs())

    def entropy(self) -> Tensor:
        return 1 + torch.log(2 * self.scale)


class Cauchy(Family):
    """The Cauchy distribution, which has no mean (`torch.distributions.Cauchy`).

    >>> Cauchy(0.0, 1.0).cdf(torch.tensor(1.0))
    tensor(0.7500)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, loc=loc, scale=scale)

    mode = property(lambda self: self.loc)
    mean = property(lambda self: torch.full(self._extended_shape(), math.nan, dtype=self.loc.dtype))
    variance = property(lambda self: torch.full(self._extended_shape(), math.inf, dtype=self.loc.dtype))

    def _rsample(self, shape: Size) -> Tensor:
        return self.loc + self.loc.new_empty(shape).cauchy_() * self.scale

    def _log_prob(self, value: Tensor) -> Tensor:
        return -math.log(math.pi) - self.scale.log() - (((value - self.loc) / self.scale) ** 2).log1p()

    def _cdf(self, value: Tensor) -> Tensor:
        return torch.atan((value - self.loc) / self.scale) / math.pi + 0.5

    def _icdf(self, value: Tensor) -> Tensor:
        return torch.tan(math.pi * (value - 0.5)) * self.scale + self.loc

    def entropy(self) -> Tensor:
        return math.log(4 * math.pi) + self.scale.log()


class StudentT(Family):
    """Student's t distribution (`torch.distributions.StudentT`).

    >>> StudentT(3.0).variance
    tensor(3.)
    """

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self._take(validate_args, df=df, loc=loc, scale=scale)

    mode = property(lambda self: self.loc)

    @property
    def mean(self) -> Tensor:
        """The mean, NaN where there is none."""
        return torch.where(self.df <= 1, torch.nan, self.loc)

    @property
    def variance(self) -> Tensor:
        """The variance: infinite up to two degrees of freedom, NaN up to one."""
        many = torch.where(self.df > 2, self.df, 3.0)
        found = torch.where(self.df > 2, self.scale.pow(2) * many / (many - 2), torch.inf)
        return torch.where(self.df <= 1, torch.nan, found)

    def _rsample(self, shape: Size) -> Tensor:
        normal = _standard_normal(shape, self.df.dtype)
        chi2 = Chi2(self.df, validate_args=False).rsample(shape[:len(shape) - len(self._batch_shape)])
        return self.loc + self.scale * (normal * torch.rsqrt(chi2 / self.df))

    def _log_prob(self, value: Tensor) -> Tensor:
        y, half = (value - self.loc) / self.scale, 0.5 * self.df
        constant = (self.scale.log() + 0.5 * self.df.log() + 0.5 * math.log(math.pi)
                    + torch.lgamma(half) - torch.lgamma(half + 0.5))
        return -0.5 * (self.df + 1.0) * torch.log1p(y**2.0 / self.df) - constant

    def entropy(self) -> Tensor:
        half = 0.5 * self.df
        log_beta = torch.lgamma(half) + math.lgamma(0.5) - torch.lgamma(half + 0.5)
        return (self.scale.log() + (half + 0.5) * (torch.digamma(half + 0.5) - torch.digamma(half))
                + 0.5 * self.df.log() + log_beta)


class Uniform(Family):
    """Numbers from [low, high), all alike (`torch.distributions.Uniform`).

    >>> Uniform(0.0, 2.0).entropy()
    tensor(0.6931)
    """

    has_rsample = True

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, low=low, high=high)

    @property
    def arg_constraints(self) -> dict[str, Any]:
        """Each bound is one of the other."""
        return {"low": constraints.less_than(self.high), "high": constraints.greater_than(self.low)}

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        return constraints.interval(self.low, self.high)

    mode = property(lambda self: torch.nan * self.high)
    mean = property(lambda self: (self.high + self.low) / 2)
    stddev = property(lambda self: (self.high - self.low) / math.sqrt(12))
    variance = property(lambda self: (self.high - self.low).pow(2) / 12)

    def _rsample(self, shape: Size) -> Tensor:
        return self.low + torch.rand(shape, dtype=self.low.dtype) * (self.high - self.low)

    def _log_prob(self, value: Tensor) -> Tensor:
        inside = self.low.le(value) & self.high.gt(value)
        return torch.log(inside.to(self.low.dtype)) - torch.log(self.high - self.low)

    def _cdf(self, value: Tensor) -> Tensor:
        return ((value - self.low) / (self.high - self.low)).clamp(min=0, max=1)

    def _icdf(self, value: Tensor) -> Tensor:
        return value * (self.high - self.low) + self.low

    def entropy(self) -> Tensor:
        return torch.log(self.high - self.low)


class VonMises(Family):
    """The circular normal distribution on [-π, π) (`torch.distributions.VonMises`).

    >>> VonMises(0.0, 2.0).variance
    tensor(0.3022)

    Drawn by rejection: Best and Fisher, "Efficient simulation of the von Mises distribution" (1979).
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, loc=loc, concentration=concentration)

    mean = mode = property(lambda self: self.loc)

    @lazy_property
    def variance(self) -> Tensor:
        """The circular variance: one less the length of the mean direction."""
        return 1 - torch.special.i1e(self.concentration) / torch.special.i0e(self.concentration)

    def _log_prob(self, value: Tensor) -> Tensor:
        k = self.concentration
        return k * torch.cos(value - self.loc) - math.log(2 * math.pi) - (torch.special.i0e(k).log() + k)

    def _sample(self, shape: Size) -> Tensor:
        loc, k = self.loc.double(), self.concentration.double()
        tau = 1 + (1 + 4 * k**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * k)
        r = torch.where(k < 1e-5, 1 / k + k, (1 + rho**2) / (2 * rho))
        x = torch.empty(shape, dtype=torch.float64)
        done = torch.zeros(shape, dtype=torch.bool)
        while not done.all():
            u, v, w = torch.rand((3, *shape), dtype=torch.float64).unbind()
            z = torch.cos(math.pi * u)
            f = (1 + r * z) / (r + z)
            c = k * (r - f)
            fits = ((c * (2 - c) - v) > 0) | ((c / v).log() + 1 - c >= 0)
            x = torch.where(fits, (w - 0.5).sign() * f.acos(), x)
            done = done | fits
        return ((x + math.pi + loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)
