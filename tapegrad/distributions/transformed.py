"""Families that are another family under maps: each says which, and of what parameters."""
from __future__ import annotations

import math
from typing import Any, ClassVar

import tapegrad as torch
from tapegrad import Size, Tensor
from tapegrad.distributions import constraints
from tapegrad.distributions.composed import TransformedDistribution
from tapegrad.distributions.discrete import Categorical
from tapegrad.distributions.distribution import Distribution, Family, ProbsOrLogits
from tapegrad.distributions.positive import Exponential, Gamma
from tapegrad.distributions.real import Cauchy, Normal, Uniform
from tapegrad.distributions.transforms import (
    AbsTransform,
    AffineTransform,
    ExpTransform,
    PowerTransform,
    SigmoidTransform,
    StickBreakingTransform,
)
from tapegrad.distributions.utils import broadcast_all, clamp_probs, euler_constant

__all__ = ["ExpRelaxedCategorical", "Gumbel", "HalfCauchy", "HalfNormal", "InverseGamma", "Kumaraswamy", "LogNormal",
           "LogisticNormal", "LogitRelaxedBernoulli", "Pareto", "RelaxedBernoulli", "RelaxedOneHotCategorical",
           "Weibull"]


class _Mapped(TransformedDistribution):
    """A family that `_of(*parameters)` says in other words: a distribution, and maps of it."""

    has_rsample = True
    parameters: ClassVar[tuple[str, ...]] = ()
    _checks: bool | None = None  # what was given as `validate_args`

    def _map(self, validate_args: bool | None, *given: Any) -> None:
        self._checks = validate_args
        base, maps = self._of(*given)
        super().__init__(base, maps, validate_args=validate_args)

    def _of(self, *given: Any) -> tuple[Distribution, Any]:
        raise NotImplementedError

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(Family._declared.__func__(type(self)), _instance)
        given = []
        for name in self.parameters:
            value = self.__dict__[name].expand(batch_shape)
            setattr(new, name, value)
            given.append(value)
        if not self.parameters:
            return super().expand(batch_shape, _instance=new)
        new._checks = self._checks
        base, maps = new._of(*given)
        TransformedDistribution.__init__(new, base, maps, validate_args=False)
        new._validate_args = self._validate_args
        return new


class LogNormal(_Mapped):
    """exp of a normal number (`torch.distributions.LogNormal`).

    >>> LogNormal(0.0, 1.0).mean
    tensor(1.6487)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.positive

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self._map(validate_args, loc, scale)

    def _of(self, loc: Any, scale: Any) -> Any:
        return Normal(loc, scale, validate_args=self._checks), ExpTransform()

    loc = property(lambda self: self.base_dist.loc)
    scale = property(lambda self: self.base_dist.scale)
    mean = property(lambda self: (self.loc + self.scale.pow(2) / 2).exp())
    mode = property(lambda self: (self.loc - self.scale.square()).exp())
    variance = property(lambda self: self.scale.pow(2).expm1() * (2 * self.loc + self.scale.pow(2)).exp())

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() + self.loc


class LogisticNormal(_Mapped):
    """Sticks broken by a normal vector: points of the simplex (`torch.distributions.LogisticNormal`).

    >>> LogisticNormal(torch.zeros(2), 1.0).event_shape
    torch.Size([3])
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self._map(validate_args, loc, scale)

    def _of(self, loc: Any, scale: Any) -> Any:
        base = Normal(loc, scale, validate_args=self._checks)
        return base if base.batch_shape else base.expand([1]), StickBreakingTransform()

    loc = property(lambda self: self.base_dist.base_dist.loc)
    scale = property(lambda self: self.base_dist.base_dist.scale)


class HalfNormal(_Mapped):
    """The size of a normal number (`torch.distributions.HalfNormal`).

    >>> HalfNormal(1.0).mean
    tensor(0.7979)
    """

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        self._map(validate_args, scale)

    def _of(self, scale: Any) -> Any:
        return Normal(0, scale, validate_args=False), AbsTransform()

    scale = property(lambda self: self.base_dist.scale)
    mean = property(lambda self: self.scale * math.sqrt(2 / math.pi))
    mode = property(lambda self: torch.zeros_like(self.scale))
    variance = property(lambda self: self.scale.pow(2) * (1 - 2 / math.pi))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        found = self.base_dist.log_prob(value) + math.log(2)
        return torch.where(torch.as_tensor(value) >= 0, found, -math.inf)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, prob: Tensor) -> Tensor:
        return self.base_dist.icdf((prob + 1) / 2)

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() - math.log(2)


class HalfCauchy(_Mapped):
    """The size of a Cauchy number (`torch.distributions.HalfCauchy`).

    >>> HalfCauchy(1.0).mean
    tensor(inf)
    """

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        self._map(validate_args, scale)

    def _of(self, scale: Any) -> Any:
        return Cauchy(0, scale, validate_args=False), AbsTransform()

    scale = property(lambda self: self.base_dist.scale)
    mean = property(lambda self: torch.full(self._extended_shape(), math.inf, dtype=self.scale.dtype))
    mode = property(lambda self: torch.zeros_like(self.scale))
    variance = property(lambda self: self.base_dist.variance)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        value = torch.as_tensor(value, dtype=self.base_dist.scale.dtype)
        found = self.base_dist.log_prob(value) + math.log(2)
        return torch.where(value >= 0, found, -math.inf)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, prob: Tensor) -> Tensor:
        return self.base_dist.icdf((prob + 1) / 2)

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() - math.log(2)


class InverseGamma(_Mapped):
    """One over a gamma number (`torch.distributions.InverseGamma`).

    >>> InverseGamma(3.0, 1.0).mean
    tensor(0.5000)
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self._map(validate_args, concentration, rate)

    def _of(self, concentration: Any, rate: Any) -> Any:
        base = Gamma(concentration, rate, validate_args=self._checks)
        return base, PowerTransform(-base.rate.new_ones(()))

    concentration = property(lambda self: self.base_dist.concentration)
    rate = property(lambda self: self.base_dist.rate)
    mode = property(lambda self: self.rate / (self.concentration + 1))

    @property
    def mean(self) -> Tensor:
        """The mean, infinite up to a concentration of 1."""
        found = self.rate / (self.concentration - 1)
        return torch.where(self.concentration > 1, found, torch.inf)

    @property
    def variance(self) -> Tensor:
        """The variance, infinite up to a concentration of 2."""
        found = self.rate.square() / ((self.concentration - 1).square() * (self.concentration - 2))
        return torch.where(self.concentration > 2, found, torch.inf)

    def entropy(self) -> Tensor:
        return (self.concentration + self.rate.log() + self.concentration.lgamma()
                - (1 + self.concentration) * self.concentration.digamma())


class Gumbel(_Mapped):
    """The largest of many (`torch.distributions.Gumbel`).

    >>> Gumbel(0.0, 1.0).mean
    tensor(0.5772)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    parameters = ("loc", "scale")

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        self._map(validate_args, self.loc, self.scale)

    def _of(self, loc: Tensor, scale: Tensor) -> Any:
        finfo = torch.finfo(loc.dtype)
        base = Uniform(torch.full_like(loc, finfo.tiny), torch.full_like(loc, 1 - finfo.eps), validate_args=False)
        log = ExpTransform().inv
        return base, [log, AffineTransform(loc=0, scale=-torch.ones_like(scale)), log, AffineTransform(loc, -scale)]

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        y = (self.loc - value) / self.scale
        return (y - y.exp()) - self.scale.log()

    mean = property(lambda self: self.loc + self.scale * euler_constant)
    mode = property(lambda self: self.loc)
    stddev = property(lambda self: (math.pi / math.sqrt(6)) * self.scale)
    variance = property(lambda self: self.stddev.pow(2))

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + euler_constant)


class Weibull(_Mapped):
    """A power of a waiting time (`torch.distributions.Weibull`).

    >>> Weibull(1.0, 2.0).mean
    tensor(0.8862)
    """

    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive
    parameters = ("scale", "concentration")

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        self._map(validate_args, self.scale, self.concentration)

    def _of(self, scale: Tensor, concentration: Tensor) -> Any:
        base = Exponential(torch.ones_like(scale), validate_args=False)
        return base, [PowerTransform(exponent=concentration.reciprocal()), AffineTransform(loc=0, scale=scale)]

    concentration_reciprocal = property(lambda self: self.concentration.reciprocal())

    @property
    def mean(self) -> Tensor:
        """The mean."""
        return self.scale * torch.exp(torch.lgamma(1 + self.concentration_reciprocal))

    @property
    def mode(self) -> Tensor:
        """The likeliest time."""
        return self.scale * ((self.concentration - 1) / self.concentration) ** self.concentration.reciprocal()

    @property
    def variance(self) -> Tensor:
        """The variance."""
        of = self.concentration_reciprocal
        return self.scale.pow(2) * (torch.exp(torch.lgamma(1 + 2 * of)) - torch.exp(2 * torch.lgamma(1 + of)))

    def entropy(self) -> Tensor:
        of = self.concentration_reciprocal
        return euler_constant * (1 - of) + torch.log(self.scale * of) + 1


class Pareto(_Mapped):
    """exp of a waiting time (`torch.distributions.Pareto`).

    >>> Pareto(1.0, 2.0).mean
    tensor(2.)
    """

    arg_constraints = {"alpha": constraints.positive, "scale": constraints.positive}
    parameters = ("scale", "alpha")

    def __init__(self, scale: Any, alpha: Any, validate_args: bool | None = None) -> None:
        self.scale, self.alpha = broadcast_all(scale, alpha)
        self._map(validate_args, self.scale, self.alpha)

    def _of(self, scale: Tensor, alpha: Tensor) -> Any:
        return Exponential(alpha, validate_args=False), [ExpTransform(), AffineTransform(loc=0, scale=scale)]

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self) -> Tensor:
        """The mean, infinite up to alpha 1."""
        a = self.alpha.clamp(min=1)
        return a * self.scale / (a - 1)

    mode = property(lambda self: self.scale)

    @property
    def variance(self) -> Tensor:
        """The variance, infinite up to alpha 2."""
        a = self.alpha.clamp(min=2)
        return self.scale.pow(2) * a / ((a - 1).pow(2) * (a - 2))

    def entropy(self) -> Tensor:
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())


class Kumaraswamy(_Mapped):
    """Nearly a beta distribution, with a distribution function in closed form (`torch.distributions.Kumaraswamy`).

    >>> Kumaraswamy(1.0, 3.0).mean
    tensor(0.2500)
    """

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    parameters = ("concentration1", "concentration0")

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        self._map(validate_args, self.concentration1, self.concentration0)

    def _of(self, one: Tensor, zero: Tensor) -> Any:
        base = Uniform(torch.full_like(zero, 0), torch.full_like(zero, 1), validate_args=False)
        return base, [PowerTransform(exponent=zero.reciprocal()), AffineTransform(loc=1.0, scale=-1.0),
                      PowerTransform(exponent=one.reciprocal())]

    def _moment(self, n: int) -> Tensor:
        a, b = self.concentration1, self.concentration0
        arg = 1 + n / a
        return torch.exp(b.log() + torch.lgamma(arg) + torch.lgamma(b) - torch.lgamma(arg + b))

    mean = property(lambda self: self._moment(1))
    variance = property(lambda self: self._moment(2) - torch.pow(self.mean, 2))

    @property
    def mode(self) -> Tensor:
        """The likeliest share, NaN where there is none inside."""
        a, b = self.concentration1, self.concentration0
        log_mode = a.reciprocal() * ((a - 1) / (a * b - 1)).log()
        return torch.where((a < 1) | (b < 1), torch.nan, log_mode.exp())

    def entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        harmonic = torch.digamma(b + 1) + euler_constant
        return (1 - b.reciprocal()) + (1 - a.reciprocal()) * harmonic - torch.log(a) - torch.log(b)


# --------------------------------------------------------------------------- choices made smooth by a temperature
# Maddison, Mnih and Teh, "The concrete distribution" (2017); Jang, Gu and Poole, "Categorical reparameterization with
# Gumbel-softmax" (2017).

class LogitRelaxedBernoulli(ProbsOrLogits):
    """The log-odds of a RelaxedBernoulli (`torch.distributions.relaxed_bernoulli.LogitRelaxedBernoulli`).

    >>> LogitRelaxedBernoulli(torch.tensor(0.5), 0.5).log_prob(torch.tensor(0.0))
    tensor(-2.0794)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real
    kept = ("temperature",)

    def __init__(self, temperature: Tensor, probs: Any = None, logits: Any = None, validate_args: bool | None = None
                 ) -> None:
        self.temperature = temperature
        self._take_either(validate_args, probs, logits)

    has_rsample = True

    def _rsample(self, shape: Size) -> Tensor:
        probs = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(torch.rand(shape, dtype=probs.dtype))
        return (u.log() - (-u).log1p() + probs.log() - (-probs).log1p()) / self.temperature

    def _log_prob(self, value: Tensor) -> Tensor:
        logits, value = broadcast_all(self.logits, value)
        off = logits - value.mul(self.temperature)
        return self.temperature.log() + off - 2 * off.exp().log1p()


class RelaxedBernoulli(_Mapped):
    """A smooth Bernoulli number (`torch.distributions.RelaxedBernoulli`).

    >>> RelaxedBernoulli(torch.tensor(0.5), 0.5).support
    Interval(lower_bound=0.0, upper_bound=1.0)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval

    def __init__(self, temperature: Tensor, probs: Any = None, logits: Any = None, validate_args: bool | None = None
                 ) -> None:
        self._map(validate_args, temperature, probs, logits)

    def _of(self, temperature: Any, probs: Any, logits: Any) -> Any:
        return LogitRelaxedBernoulli(temperature, probs, logits), SigmoidTransform()

    temperature = property(lambda self: self.base_dist.temperature)
    probs = property(lambda self: self.base_dist.probs)
    logits = property(lambda self: self.base_dist.logits)


class ExpRelaxedCategorical(Family):
    """The logarithm of a RelaxedOneHotCategorical (`torch.distributions.relaxed_categorical`).

    >>> ExpRelaxedCategorical(torch.tensor(0.5), torch.ones(3)).event_shape
    torch.Size([3])
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.real_vector
    has_rsample = True
    kept = ("temperature",)

    def __init__(self, temperature: Tensor, probs: Any = None, logits: Any = None, validate_args: bool | None = None
                 ) -> None:
        self._categorical, self.temperature = Categorical(probs, logits), temperature
        Distribution.__init__(self, self._categorical._batch_shape, self._categorical.param_shape[-1:], validate_args)

    probs = property(lambda self: self._categorical.probs)
    logits = property(lambda self: self._categorical.logits)
    param_shape = property(lambda self: self._categorical.param_shape)

    def _expand_parts(self, new: Any, batch_shape: Size) -> None:
        new._categorical = self._categorical.expand(batch_shape)

    def _rsample(self, shape: Size) -> Tensor:
        u = clamp_probs(torch.rand(shape, dtype=self.logits.dtype))
        scores = (self.logits - (-u.log()).log()) / self.temperature
        return scores - scores.logsumexp(dim=-1, keepdim=True)

    def _log_prob(self, value: Tensor) -> Tensor:
        k = self._categorical._num_events
        logits, value = broadcast_all(self.logits, value)
        scale = (torch.full_like(self.temperature, float(k)).lgamma() - self.temperature.log().mul(-(k - 1)))
        score = logits - value.mul(self.temperature)
        return (score - score.logsumexp(dim=-1, keepdim=True)).sum(-1) + scale


class RelaxedOneHotCategorical(_Mapped):
    """A smooth one-hot vector (`torch.distributions.RelaxedOneHotCategorical`).

    >>> RelaxedOneHotCategorical(torch.tensor(0.5), torch.ones(3)).event_shape
    torch.Size([3])
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex

    def __init__(self, temperature: Tensor, probs: Any = None, logits: Any = None, validate_args: bool | None = None
                 ) -> None:
        self._map(validate_args, temperature, probs, logits)

    def _of(self, temperature: Any, probs: Any, logits: Any) -> Any:
        return ExpRelaxedCategorical(temperature, probs, logits, validate_args=False), ExpTransform()

    temperature = property(lambda self: self.base_dist.temperature)
    probs = property(lambda self: self.base_dist.probs)
    logits = property(lambda self: self.base_dist.logits)
