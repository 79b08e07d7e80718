"""Families on the positive numbers and on the simplex that gamma numbers are behind, and Exponential."""
from __future__ import annotations

import math
from typing import Any

import tapegrad as torch
from tapegrad import Size, Tensor
from tapegrad.distributions import constraints
from tapegrad.distributions.distribution import Distribution, ExponentialFamily, Family
from tapegrad.distributions.utils import broadcast_all, holds

__all__ = ["Beta", "Chi2", "Dirichlet", "Exponential", "FisherSnedecor", "Gamma", "GeneralizedPareto"]


class Exponential(Family, ExponentialFamily):
    """Waiting times at a rate (`torch.distributions.Exponential`).

    >>> Exponential(2.0).mean
    tensor(0.5000)
    """

    arg_constraints = {"rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, rate=rate)

    mean = stddev = property(lambda self: self.rate.reciprocal())
    mode = property(lambda self: torch.zeros_like(self.rate))
    variance = property(lambda self: self.rate.pow(-2))

    def _rsample(self, shape: Size) -> Tensor:
        return self.rate.new_empty(shape).exponential_() / self.rate

    def _log_prob(self, value: Tensor) -> Tensor:
        return self.rate.log() - self.rate * value

    def _cdf(self, value: Tensor) -> Tensor:
        return 1 - torch.exp(-self.rate * value)

    def _icdf(self, value: Tensor) -> Tensor:
        return -torch.log1p(-value) / self.rate

    def entropy(self) -> Tensor:
        return 1.0 - torch.log(self.rate)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (-self.rate,)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        return -torch.log(-x)


class Gamma(Family, ExponentialFamily):
    """The gamma distribution (`torch.distributions.Gamma`).

    >>> Gamma(2.0, 0.5).mean
    tensor(4.)
    """

    arg_constraints: Any = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, concentration=concentration, rate=rate)

    mean = property(lambda self: self.concentration / self.rate)
    mode = property(lambda self: ((self.concentration - 1) / self.rate).clamp(min=0))
    variance = property(lambda self: self.concentration / self.rate.pow(2))

    def _rsample(self, shape: Size) -> Tensor:
        value = torch._standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        value.detach().clamp_(min=torch.finfo(value.dtype).tiny)  # no gradient stops at it
        return value

    def log_prob(self, value: Any) -> Tensor:
        return super().log_prob(torch.as_tensor(value, dtype=self.rate.dtype))

    def _log_prob(self, value: Tensor) -> Tensor:
        return (torch.xlogy(self.concentration, self.rate) + torch.xlogy(self.concentration - 1, value)
                - self.rate * value - torch.lgamma(self.concentration))

    def _cdf(self, value: Tensor) -> Tensor:
        return torch.special.gammainc(self.concentration, self.rate * value)

    def entropy(self) -> Tensor:
        return (self.concentration - torch.log(self.rate) + torch.lgamma(self.concentration)
                + (1.0 - self.concentration) * torch.digamma(self.concentration))

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.lgamma(x + 1) + (x + 1) * torch.log(-y.reciprocal())


class Chi2(Gamma):
    """The sum of `df` squares of normal numbers (`torch.distributions.Chi2`).

    >>> Chi2(3.0).variance
    tensor(6.)
    """

    arg_constraints = {"df": constraints.positive}

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    def _check_arguments(self) -> None:
        if not holds(constraints.positive.check(self.df)):
            super()._check_arguments()

    df = property(lambda self: self.concentration * 2)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(Chi2, _instance)
        new.concentration, new.rate = (p.expand(batch_shape) for p in (self.concentration, self.rate))
        Distribution.__init__(new, batch_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new


class Dirichlet(Family, ExponentialFamily):
    """Points of the simplex (`torch.distributions.Dirichlet`).

    >>> Dirichlet(torch.tensor([0.5, 1.5])).mean
    tensor([0.2500, 0.7500])
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.ndim < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        Distribution.__init__(self, concentration.shape[:-1], concentration.shape[-1:], validate_args)

    @property
    def mean(self) -> Tensor:
        """The mean."""
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Tensor:
        """The likeliest point; where no concentration is above 1, the corner of the largest."""
        above = (self.concentration - 1).clamp(min=0.0)
        mode = above / above.sum(-1, True)
        corner = torch.nn.functional.one_hot(self.concentration.argmax(-1), self.concentration.shape[-1]).to(mode.dtype)
        return torch.where((self.concentration < 1).all(-1, keepdim=True), corner, mode)

    @property
    def variance(self) -> Tensor:
        """The variance of each coordinate."""
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))

    def _rsample(self, shape: Size) -> Tensor:
        return torch._sample_dirichlet(self.concentration.expand(shape))

    def _log_prob(self, value: Tensor) -> Tensor:
        return (torch.xlogy(self.concentration - 1.0, value).sum(-1) + torch.lgamma(self.concentration.sum(-1))
                - torch.lgamma(self.concentration).sum(-1))

    def entropy(self) -> Tensor:
        k, total = self.concentration.shape[-1], self.concentration.sum(-1)
        return (torch.lgamma(self.concentration).sum(-1) - torch.lgamma(total) - (k - total) * torch.digamma(total)
                - ((self.concentration - 1.0) * torch.digamma(self.concentration)).sum(-1))

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.concentration,)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        return x.lgamma().sum(-1) - torch.lgamma(x.sum(-1))


class Beta(Family, ExponentialFamily):
    """Shares between 0 and 1: the first of two coordinates of a Dirichlet (`torch.distributions.Beta`).

    >>> Beta(1.0, 3.0).mean
    tensor(0.2500)
    """

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        one, zero = broadcast_all(concentration1, concentration0)
        if not (isinstance(concentration1, Tensor) or isinstance(concentration0, Tensor)):
            one, zero = (torch.tensor(float(c)) for c in (concentration1, concentration0))
        self._dirichlet = Dirichlet(torch.stack([one, zero], -1), validate_args=validate_args)
        Distribution.__init__(self, self._dirichlet._batch_shape, validate_args=validate_args)

    concentration1 = property(lambda self: self._dirichlet.concentration[..., 0])
    concentration0 = property(lambda self: self._dirichlet.concentration[..., 1])
    mean = property(lambda self: self.concentration1 / (self.concentration1 + self.concentration0))
    mode = property(lambda self: self._dirichlet.mode[..., 0])

    @property
    def variance(self) -> Tensor:
        """The variance."""
        total = self.concentration1 + self.concentration0
        return self.concentration1 * self.concentration0 / (total.pow(2) * (total + 1))

    def _expand_parts(self, new: Any, batch_shape: Size) -> None:
        new._dirichlet = self._dirichlet.expand(batch_shape)

    def rsample(self, sample_shape: Any = Size()) -> Tensor:
        return self._dirichlet.rsample(sample_shape).select(-1, 0)

    def sample(self, sample_shape: Any = Size()) -> Tensor:
        with torch.no_grad():
            return self.rsample(sample_shape)

    def _log_prob(self, value: Tensor) -> Tensor:
        return self._dirichlet.log_prob(torch.stack([value, 1.0 - value], -1))

    def entropy(self) -> Tensor:
        return self._dirichlet.entropy()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self.concentration1, self.concentration0

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.lgamma(x) + torch.lgamma(y) - torch.lgamma(x + y)


class FisherSnedecor(Family):
    """The ratio of two mean squares (`torch.distributions.FisherSnedecor`).

    >>> FisherSnedecor(3.0, 6.0).mean
    tensor(1.5000)
    """

    arg_constraints = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, df1=df1, df2=df2)

    @property
    def mean(self) -> Tensor:
        """The mean, NaN up to two degrees of freedom below."""
        df2 = torch.where(self.df2 <= 2, torch.nan, self.df2)
        return df2 / (df2 - 2)

    @property
    def mode(self) -> Tensor:
        """The likeliest ratio, NaN up to two degrees of freedom above."""
        mode = (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)
        return torch.where(self.df1 <= 2, torch.nan, mode)

    @property
    def variance(self) -> Tensor:
        """The variance, NaN up to four degrees of freedom below."""
        df2 = torch.where(self.df2 <= 4, torch.nan, self.df2)
        return 2 * df2.pow(2) * (self.df1 + df2 - 2) / (self.df1 * (df2 - 2).pow(2) * (df2 - 4))

    def _rsample(self, shape: Size) -> Tensor:
        wanted = shape[:len(shape) - len(self._batch_shape)]
        above, below = (Gamma(df * 0.5, df, validate_args=False).rsample(wanted) for df in (self.df1, self.df2))
        tiny = torch.finfo(above.dtype).tiny
        return (above / below.clamp(min=tiny)).clamp(min=tiny)

    def _log_prob(self, value: Tensor) -> Tensor:
        half1, half2, ratio = self.df1 * 0.5, self.df2 * 0.5, self.df1 / self.df2
        constant = (half1 + half2).lgamma() - half1.lgamma() - half2.lgamma()
        return (constant + half1 * ratio.log() + (half1 - 1) * torch.log(value)
                - (half1 + half2) * torch.log1p(ratio * value))


class GeneralizedPareto(Family):
    """What is above a threshold (`torch.distributions.GeneralizedPareto`).

    >>> GeneralizedPareto(0.0, 1.0, 0.5).mean
    tensor(2.)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, loc=loc, scale=scale, concentration=concentration)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        below = self.loc
        above = self.loc - self.scale / self.concentration
        infinite = torch.full_like(below, math.inf)
        return constraints.interval(below, torch.where(self.concentration < 0, above, infinite))

    mode = property(lambda self: self.loc)

    @property
    def mean(self) -> Tensor:
        """The mean, infinite from a concentration of 1 on."""
        finite = self.concentration < 1
        c = torch.where(finite, self.concentration, 0.5)
        return torch.where(finite, self.loc + self.scale / (1 - c), torch.inf)

    @property
    def variance(self) -> Tensor:
        """The variance, infinite from a concentration of a half on."""
        finite = self.concentration < 0.5
        c = torch.where(finite, self.concentration, 0.25)
        return torch.where(finite, self.scale**2 / ((1 - c) ** 2 * (1 - 2 * c)), torch.inf)

    def _nearly_exponential(self) -> Tensor:
        return torch.isclose(self.concentration, torch.zeros_like(self.concentration))

    def _rsample(self, shape: Size) -> Tensor:
        return self._icdf(torch.rand(shape, dtype=self.loc.dtype))

    def _log_survival(self, z: Tensor) -> Tensor:
        """The logarithm of the share above, z scales away from the threshold."""
        plain = self._nearly_exponential()
        c = torch.where(plain, torch.ones_like(self.concentration), self.concentration)
        return torch.where(plain, -z, -torch.log1p(c * z) / c)

    def _log_prob(self, value: Tensor) -> Tensor:
        z = (value - self.loc) / self.scale
        plain = self._nearly_exponential()
        c = torch.where(plain, torch.ones_like(self.concentration), self.concentration)
        exponent = torch.where(plain, z, (1 + 1 / c) * torch.log1p(c * z))
        return torch.where(z >= 0, -self.scale.log() - exponent, -torch.inf)

    def log_survival_function(self, value: Tensor) -> Tensor:
        """The logarithm of the share above a value."""
        return self._log_survival((value - self.loc) / self.scale)

    def log_cdf(self, value: Tensor) -> Tensor:
        """The logarithm of the share below a value."""
        return torch.log1p(-torch.exp(self.log_survival_function(value)))

    def _cdf(self, value: Tensor) -> Tensor:
        return torch.exp(self.log_cdf(value))

    def _icdf(self, value: Tensor) -> Tensor:
        plain = self._nearly_exponential()
        c = torch.where(plain, torch.ones_like(self.concentration), self.concentration)
        left = torch.log1p(-value)
        return torch.where(plain, self.loc - self.scale * left, self.loc + self.scale * torch.expm1(-c * left) / c)

    def entropy(self) -> Tensor:
        return (torch.log(self.scale) + self.concentration + 1).expand(self._batch_shape)
