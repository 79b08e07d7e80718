"""Families of counts, choices and their relatives."""
from __future__ import annotations

import math
from typing import Any

import tapegrad as torch
from tapegrad import Size, Tensor
from tapegrad.distributions import constraints
from tapegrad.distributions.distribution import Distribution, ExponentialFamily, Family, ProbsOrLogits
from tapegrad.distributions.positive import Gamma
from tapegrad.distributions.utils import (
    broadcast_all,
    clamp_probs,
    cross_entropy_of_logits,
    lazy_property,
)

__all__ = ["Bernoulli", "Binomial", "Categorical", "ContinuousBernoulli", "Geometric", "Multinomial",
           "NegativeBinomial", "OneHotCategorical", "OneHotCategoricalStraightThrough", "Poisson"]

_BINARY = {"probs": constraints.unit_interval, "logits": constraints.real}
_CHOICES = {"probs": constraints.simplex, "logits": constraints.real_vector}


def _counts(d: Family, values: Tensor, expand: bool) -> Tensor:
    """All outcomes of a family of numbers along a first axis, for each of the batch."""
    values = values.reshape((-1,) + (1,) * len(d._batch_shape))
    return values.expand((-1, *d._batch_shape)) if expand else values


class Bernoulli(ProbsOrLogits, ExponentialFamily):
    """1 with a probability, else 0 (`torch.distributions.Bernoulli`).

    >>> Bernoulli(torch.tensor([0.25])).log_prob(torch.tensor([1.0])).exp()
    tensor([0.2500])
    """

    arg_constraints = _BINARY
    support = constraints.boolean
    has_enumerate_support = True
    _mean_carrier_measure = 0

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._take_either(validate_args, probs, logits)

    mean = property(lambda self: self.probs)
    variance = property(lambda self: self.probs * (1 - self.probs))

    @property
    def mode(self) -> Tensor:
        """The likelier of 0 and 1, NaN where there is none."""
        mode = (self.probs >= 0.5).to(self.probs.dtype)
        return torch.where(self.probs == 0.5, torch.nan, mode)

    def _sample(self, shape: Size) -> Tensor:
        return torch.bernoulli(self.probs.expand(shape))

    def _log_prob(self, value: Tensor) -> Tensor:
        return -cross_entropy_of_logits(*broadcast_all(self.logits, value))

    def entropy(self) -> Tensor:
        return cross_entropy_of_logits(self.logits, self.probs)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return _counts(self, torch.arange(2, dtype=self._param.dtype), expand)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (torch.logit(self.probs),)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        return torch.log1p(torch.exp(x))


class ContinuousBernoulli(ProbsOrLogits, ExponentialFamily):
    """A density on [0, 1] of Bernoulli's form (`torch.distributions.ContinuousBernoulli`).

    >>> ContinuousBernoulli(torch.tensor(0.9)).mean
    tensor(0.6699)

    Loaiza-Ganem and Cunningham, "The continuous Bernoulli" (2019). Near a probability of a half, between `lims`, the
    constant and the moments are Taylor polynomials.
    """

    arg_constraints = _BINARY
    support = constraints.unit_interval
    has_rsample = True
    kept = ("_lims",)
    _mean_carrier_measure = 0

    def __init__(self, probs: Any = None, logits: Any = None, lims: tuple[float, float] = (0.499, 0.501),
                 validate_args: bool | None = None) -> None:
        self._lims = lims
        if logits is None and probs is not None:
            (given,) = broadcast_all(probs)
            if validate_args and not constraints.unit_interval.check(given).all():  # clamped, all would pass
                raise ValueError("The parameter probs has invalid values")
            probs = clamp_probs(given)
        self._take_either(validate_args, probs, logits)

    def _far(self) -> Tensor:
        """Where the exact formulas serve."""
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _exact(self) -> Tensor:
        """Probabilities, and the lower limit where the exact formulas do not serve."""
        return torch.where(self._far(), self.probs, self._lims[0] * torch.ones_like(self.probs))

    def _log_constant(self) -> Tensor:
        p = self._exact()
        low = torch.where(p <= 0.5, p, torch.zeros_like(p))
        high = torch.where(p >= 0.5, p, torch.ones_like(p))
        span = torch.where(p <= 0.5, torch.log1p(-2.0 * low), torch.log(2.0 * high - 1.0))
        exact = torch.log(torch.abs(torch.log1p(-p) - torch.log(p))) - span
        x = torch.pow(self.probs - 0.5, 2)
        return torch.where(self._far(), exact, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)

    @property
    def mean(self) -> Tensor:
        """The mean."""
        p = self._exact()
        exact = p / (2.0 * p - 1.0) + 1.0 / (torch.log1p(-p) - torch.log(p))
        x = self.probs - 0.5
        return torch.where(self._far(), exact, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * torch.pow(x, 2)) * x)

    stddev = property(lambda self: torch.sqrt(self.variance))

    @property
    def variance(self) -> Tensor:
        """The variance."""
        p = self._exact()
        exact = p * (p - 1.0) / torch.pow(1.0 - 2.0 * p, 2) + 1.0 / torch.pow(torch.log1p(-p) - torch.log(p), 2)
        x = torch.pow(self.probs - 0.5, 2)
        return torch.where(self._far(), exact, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    def _rsample(self, shape: Size) -> Tensor:
        return self._icdf(torch.rand(shape, dtype=self.probs.dtype))

    def _log_prob(self, value: Tensor) -> Tensor:
        logits, value = broadcast_all(self.logits, value)
        return -cross_entropy_of_logits(logits, value) + self._log_constant()

    def _cdf(self, value: Tensor) -> Tensor:
        p = self._exact()
        exact = (torch.pow(p, value) * torch.pow(1.0 - p, 1.0 - value) + p - 1.0) / (2.0 * p - 1.0)
        inside = torch.where(self._far(), exact, value)
        return torch.where(value <= 0.0, torch.zeros_like(value),
                           torch.where(value >= 1.0, torch.ones_like(value), inside))

    def _icdf(self, value: Tensor) -> Tensor:
        p = self._exact()
        exact = (torch.log1p(-p + value * (2.0 * p - 1.0)) - torch.log1p(-p)) / (torch.log(p) - torch.log1p(-p))
        return torch.where(self._far(), exact, value)

    def entropy(self) -> Tensor:
        below = torch.log1p(-self.probs)
        return self.mean * (below - torch.log(self.probs)) - self._log_constant() - below

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        far = (x <= -1e-3) | (x >= 1e-3)
        exact_at = torch.where(far, x, torch.ones_like(x))
        exact = torch.log(torch.abs(torch.special.expm1(exact_at))) - torch.log(torch.abs(exact_at))
        return torch.where(far, exact, 0.5 * x + torch.pow(x, 2) / 24.0 - torch.pow(x, 4) / 2880.0)


class Categorical(ProbsOrLogits):
    """One of some choices, by number (`torch.distributions.Categorical`).

    >>> Categorical(torch.tensor([1.0, 3.0])).probs
    tensor([0.2500, 0.7500])
    """

    arg_constraints = _CHOICES
    is_binary = False
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        name, given = ("logits", logits) if probs is None else ("probs", probs)
        if given.ndim < 1:
            raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
        if probs is None:
            self.logits = logits - logits.logsumexp(dim=-1, keepdim=True)
        else:
            self.probs = probs / probs.sum(-1, keepdim=True)
        Distribution.__init__(self, given.shape[:-1], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def _num_events(self) -> int:
        return self._param.shape[-1]

    mean = variance = property(lambda self: torch.full(self._extended_shape(), math.nan, dtype=self.probs.dtype))
    mode = property(lambda self: self.probs.argmax(dim=-1))

    def sample(self, sample_shape: Any = Size()) -> Tensor:
        sample_shape = Size(sample_shape)
        with torch.no_grad():
            rows = self.probs.reshape(-1, self._num_events)
            drawn = torch.multinomial(rows, sample_shape.numel(), True).T
        return drawn.reshape(self._extended_shape(sample_shape))

    def _log_prob(self, value: Tensor) -> Tensor:
        index, log_pmf = torch.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return log_pmf.gather(-1, index[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        logits = torch.clamp(self.logits, min=torch.finfo(self.logits.dtype).min)
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return _counts(self, torch.arange(self._num_events), expand)


class OneHotCategorical(Family):
    """One of some choices, as a vector with a single one (`torch.distributions.OneHotCategorical`).

    >>> OneHotCategorical(torch.tensor([1.0, 3.0])).log_prob(torch.tensor([0.0, 1.0])).exp()
    tensor(0.7500)
    """

    arg_constraints = _CHOICES
    support = constraints.one_hot
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._categorical = Categorical(probs, logits)
        Distribution.__init__(self, self._categorical._batch_shape, self._categorical.param_shape[-1:], validate_args)

    probs = property(lambda self: self._categorical.probs)
    logits = property(lambda self: self._categorical.logits)
    _param = property(lambda self: self._categorical._param)
    param_shape = property(lambda self: self._categorical.param_shape)
    mean = property(lambda self: self._categorical.probs)
    variance = property(lambda self: self._categorical.probs * (1 - self._categorical.probs))

    def _hot(self, choices: Tensor) -> Tensor:
        return torch.nn.functional.one_hot(choices, self._categorical._num_events).to(self._param.dtype)

    mode = property(lambda self: self._hot(self.probs.argmax(dim=-1)))

    def _expand_parts(self, new: Any, batch_shape: Size) -> None:
        new._categorical = self._categorical.expand(batch_shape)

    def sample(self, sample_shape: Any = Size()) -> Tensor:
        return self._hot(self._categorical.sample(Size(sample_shape)))

    def _log_prob(self, value: Tensor) -> Tensor:
        return self._categorical.log_prob(value.max(-1)[1])

    def entropy(self) -> Tensor:
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        n = self.event_shape[0]
        values = torch.eye(n, dtype=self._param.dtype).reshape((n,) + (1,) * len(self._batch_shape) + (n,))
        return values.expand((n, *self._batch_shape, n)) if expand else values


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """The same with gradients as if the outcome were the probabilities.

    >>> OneHotCategoricalStraightThrough(torch.tensor([1.0, 3.0])).mean
    tensor([0.2500, 0.7500])

    Bengio et al., "Estimating or propagating gradients through stochastic neurons" (2013).
    """

    has_rsample = True

    def rsample(self, sample_shape: Any = Size()) -> Tensor:
        samples = self.sample(sample_shape)
        return samples + (self.probs - self.probs.detach())


class Multinomial(Family):
    """How often each choice was made of `total_count` times (`torch.distributions.Multinomial`).

    >>> Multinomial(4, torch.tensor([1.0, 3.0])).mean
    tensor([1., 3.])
    """

    arg_constraints = _CHOICES
    kept = ("total_count",)

    def __init__(self, total_count: int = 1, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs=probs, logits=logits)
        Distribution.__init__(self, self._categorical._batch_shape, self._categorical.param_shape[-1:], validate_args)

    probs = property(lambda self: self._categorical.probs)
    logits = property(lambda self: self._categorical.logits)
    _param = property(lambda self: self._categorical._param)
    param_shape = property(lambda self: self._categorical.param_shape)
    mean = property(lambda self: self.probs * self.total_count)
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        return constraints.multinomial(self.total_count)

    def _expand_parts(self, new: Any, batch_shape: Size) -> None:
        new._categorical = self._categorical.expand(batch_shape)

    def sample(self, sample_shape: Any = Size()) -> Tensor:
        sample_shape = Size(sample_shape)
        choices = self._categorical.sample(Size((self.total_count,)) + sample_shape).movedim(0, -1)
        counts = choices.new_zeros(self._extended_shape(sample_shape))
        return counts.scatter_add_(-1, choices, torch.ones_like(choices)).type_as(self.probs)

    def _log_prob(self, value: Tensor) -> Tensor:
        logits, value = broadcast_all(self.logits, value)
        logits = logits.masked_fill((value == 0) & (logits == -math.inf), 0)
        return (torch.lgamma(value.sum(-1) + 1) - torch.lgamma(value + 1).sum(-1)) + (logits * value).sum(-1)

    @lazy_property
    def _binomial(self) -> Any:
        return Binomial(total_count=self.total_count, probs=self.probs)

    def entropy(self) -> Tensor:
        n = torch.tensor(self.total_count)
        counts = self._binomial.enumerate_support(expand=False)[1:]
        weights = torch.exp(self._binomial.log_prob(counts))
        return (n * self._categorical.entropy() - torch.lgamma(n + 1)
                + (weights * torch.lgamma(counts + 1)).sum([0, -1]))


class Binomial(ProbsOrLogits):
    """How many of `total_count` trials succeed (`torch.distributions.Binomial`).

    >>> Binomial(4, 0.5).variance
    tensor(1.)
    """

    arg_constraints = {"total_count": constraints.nonnegative_integer, **_BINARY}
    has_enumerate_support = True

    def __init__(self, total_count: Any = 1, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        name, given = ("logits", logits) if probs is None else ("probs", probs)
        self.total_count, given = broadcast_all(total_count, given)
        self.total_count = self.total_count.type_as(given)
        setattr(self, name, given)
        Distribution.__init__(self, given.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self.total_count)

    mean = property(lambda self: self.total_count * self.probs)
    mode = property(lambda self: ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count))
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def _sample(self, shape: Size) -> Tensor:
        return torch.binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def _log_prob(self, value: Tensor) -> Tensor:
        n, logits = self.total_count, self.logits
        # n log(1 + exp(logits)) with the large part of the logits apart, so that nothing overflows
        normalizer = (n * ((logits + logits.abs()) / 2) + n * torch.log1p(torch.exp(-torch.abs(logits)))
                      - torch.lgamma(n + 1))
        return value * logits - torch.lgamma(value + 1) - torch.lgamma(n - value + 1) - normalizer

    def entropy(self) -> Tensor:
        n = int(self.total_count.max())
        if not self.total_count.min() == n:
            raise NotImplementedError("Inhomogeneous total count not supported by `entropy`.")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(torch.exp(log_prob) * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        n = int(self.total_count.max())
        if not self.total_count.min() == n:
            raise NotImplementedError("Inhomogeneous total count not supported by `enumerate_support`.")
        return _counts(self, torch.arange(1 + n, dtype=self._param.dtype), expand)


class NegativeBinomial(ProbsOrLogits):
    """How many trials succeed before `total_count` have failed (`torch.distributions.NegativeBinomial`).

    >>> NegativeBinomial(2, 0.5).mean
    tensor(2.)
    """

    arg_constraints = {"total_count": constraints.greater_than_eq(0),
                       "probs": constraints.half_open_interval(0.0, 1.0), "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(self, total_count: Any, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        name, given = ("logits", logits) if probs is None else ("probs", probs)
        self.total_count, given = broadcast_all(total_count, given)
        self.total_count = self.total_count.type_as(given)
        setattr(self, name, given)
        Distribution.__init__(self, given.shape, validate_args=validate_args)

    mean = property(lambda self: self.total_count * torch.exp(self.logits))
    mode = property(lambda self: ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0))
    variance = property(lambda self: self.mean / torch.sigmoid(-self.logits))

    def _sample(self, shape: Size) -> Tensor:
        rates = Gamma(concentration=self.total_count, rate=torch.exp(-self.logits), validate_args=False)
        return torch.poisson(rates.sample(shape[:len(shape) - len(self._batch_shape)]))

    def _log_prob(self, value: Tensor) -> Tensor:
        n, logsigmoid = self.total_count, torch.nn.functional.logsigmoid
        unnormalized = n * logsigmoid(-self.logits) + value * logsigmoid(self.logits)
        normalization = -torch.lgamma(n + value) + torch.lgamma(1.0 + value) + torch.lgamma(n)
        return unnormalized - normalization.masked_fill(n + value == 0.0, 0.0)


class Geometric(ProbsOrLogits):
    """How many trials fail before one succeeds (`torch.distributions.Geometric`).

    >>> Geometric(0.25).mean
    tensor(3.)
    """

    arg_constraints = _BINARY
    support = constraints.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._take_either(validate_args, probs, logits)
        if self._validate_args and probs is not None and not (self.probs > 0).all():
            raise ValueError(f"Expected parameter probs ({type(self.probs).__name__} of shape "
                             f"{tuple(self.probs.shape)}) of distribution {self!r} to be positive but found invalid "
                             f"values:\n{self.probs[~(self.probs > 0)]}")

    mean = property(lambda self: 1.0 / self.probs - 1.0)
    mode = property(lambda self: torch.zeros_like(self.probs))
    variance = property(lambda self: (1.0 / self.probs - 1.0) / self.probs)

    def _sample(self, shape: Size) -> Tensor:
        u = self.probs.new_empty(shape).uniform_(torch.finfo(self.probs.dtype).tiny, 1)
        return (u.log() / (-self.probs).log1p()).floor()

    def _log_prob(self, value: Tensor) -> Tensor:
        value, probs = broadcast_all(value, self.probs)
        probs = probs.masked_fill((probs == 1) & (value == 0), 0)
        return value * (-probs).log1p() + self.probs.log()

    def entropy(self) -> Tensor:
        return cross_entropy_of_logits(self.logits, self.probs) / self.probs


class Poisson(Family, ExponentialFamily):
    """Counts of events that come at a rate (`torch.distributions.Poisson`).

    >>> Poisson(3.0).log_prob(torch.tensor(2.0))
    tensor(-1.4959)
    """

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        self._take(validate_args, rate=rate)

    mean = variance = property(lambda self: self.rate)
    mode = property(lambda self: self.rate.floor())

    def _sample(self, shape: Size) -> Tensor:
        return torch.poisson(self.rate.expand(shape))

    def _log_prob(self, value: Tensor) -> Tensor:
        rate, value = broadcast_all(self.rate, value)
        return value.xlogy(rate) - rate - (value + 1).lgamma()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (torch.log(self.rate),)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        return torch.exp(x)
