"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar

from tapegrad import Tensor
from tapegrad.distributions.composed import TransformedDistribution
from tapegrad.distributions.distribution import Family, ProbsOrLogits

__all__: list[str]

class _Mapped(TransformedDistribution):
    r"""A family that `_of(*parameters)` says in other words: a distribution, and maps of it."""
    parameters: ClassVar[tuple[str, ...]]
    has_rsample: bool
    def expand(self, batch_shape: Any, _instance: Any=None) -> Any: ...

class LogNormal(_Mapped):
    r"""exp of a normal number (`torch.distributions.LogNormal`).

    >>> LogNormal(0.0, 1.0).mean
    tensor(1.6487)"""
    arg_constraints: Any
    support: Any
    def __init__(self, loc: Any, scale: Any, validate_args: bool | None=None) -> None: ...
    @property
    def loc(self) -> Tensor: ...
    @property
    def scale(self) -> Tensor: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor: ...
    def entropy(self) -> Tensor: ...

class LogisticNormal(_Mapped):
    r"""Sticks broken by a normal vector: points of the simplex (`torch.distributions.LogisticNormal`).

    >>> LogisticNormal(torch.zeros(2), 1.0).event_shape
    torch.Size([3])"""
    arg_constraints: Any
    support: Any
    def __init__(self, loc: Any, scale: Any, validate_args: bool | None=None) -> None: ...
    @property
    def loc(self) -> Tensor: ...
    @property
    def scale(self) -> Tensor: ...

class HalfNormal(_Mapped):
    r"""The size of a normal number (`torch.distributions.HalfNormal`).

    >>> HalfNormal(1.0).mean
    tensor(0.7979)"""
    arg_constraints: Any
    support: Any
    def __init__(self, scale: Any, validate_args: bool | None=None) -> None: ...
    @property
    def scale(self) -> Tensor: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor: ...
    def log_prob(self, value: Tensor) -> Tensor: ...
    def cdf(self, value: Tensor) -> Tensor: ...
    def icdf(self, prob: Tensor) -> Tensor: ...
    def entropy(self) -> Tensor: ...

class HalfCauchy(_Mapped):
    r"""The size of a Cauchy number (`torch.distributions.HalfCauchy`).

    >>> HalfCauchy(1.0).mean
    tensor(inf)"""
    arg_constraints: Any
    support: Any
    def __init__(self, scale: Any, validate_args: bool | None=None) -> None: ...
    @property
    def scale(self) -> Tensor: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor: ...
    def log_prob(self, value: Tensor) -> Tensor: ...
    def cdf(self, value: Tensor) -> Tensor: ...
    def icdf(self, prob: Tensor) -> Tensor: ...
    def entropy(self) -> Tensor: ...

class InverseGamma(_Mapped):
    r"""One over a gamma number (`torch.distributions.InverseGamma`).

    >>> InverseGamma(3.0, 1.0).mean
    tensor(0.5000)"""
    arg_constraints: Any
    support: Any
    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None=None) -> None: ...
    @property
    def concentration(self) -> Tensor: ...
    @property
    def rate(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def mean(self) -> Tensor:
        r"""The mean, infinite up to a concentration of 1."""

    @property
    def variance(self) -> Tensor:
        r"""The variance, infinite up to a concentration of 2."""

    def entropy(self) -> Tensor: ...

class Gumbel(_Mapped):
    r"""The largest of many (`torch.distributions.Gumbel`).

    >>> Gumbel(0.0, 1.0).mean
    tensor(0.5772)"""
    loc: Tensor
    scale: Tensor
    arg_constraints: Any
    support: Any
    parameters: ClassVar[tuple[str, ...]]
    def __init__(self, loc: Any, scale: Any, validate_args: bool | None=None) -> None: ...
    def log_prob(self, value: Tensor) -> Tensor: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def stddev(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor: ...
    def entropy(self) -> Tensor: ...

class Weibull(_Mapped):
    r"""A power of a waiting time (`torch.distributions.Weibull`).

    >>> Weibull(1.0, 2.0).mean
    tensor(0.8862)"""
    scale: Tensor
    concentration: Tensor
    arg_constraints: Any
    support: Any
    parameters: ClassVar[tuple[str, ...]]
    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None=None) -> None: ...
    @property
    def concentration_reciprocal(self) -> Any: ...
    @property
    def mean(self) -> Tensor:
        r"""The mean."""

    @property
    def mode(self) -> Tensor:
        r"""The likeliest time."""

    @property
    def variance(self) -> Tensor:
        r"""The variance."""

    def entropy(self) -> Tensor: ...

class Pareto(_Mapped):
    r"""exp of a waiting time (`torch.distributions.Pareto`).

    >>> Pareto(1.0, 2.0).mean
    tensor(2.)"""
    alpha: Tensor
    scale: Tensor
    arg_constraints: Any
    parameters: ClassVar[tuple[str, ...]]
    def __init__(self, scale: Any, alpha: Any, validate_args: bool | None=None) -> None: ...
    @property
    def support(self) -> Any: ...
    @property
    def mean(self) -> Tensor:
        r"""The mean, infinite up to alpha 1."""

    @property
    def mode(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor:
        r"""The variance, infinite up to alpha 2."""

    def entropy(self) -> Tensor: ...

class Kumaraswamy(_Mapped):
    r"""Nearly a beta distribution, with a distribution function in closed form (`torch.distributions.Kumaraswamy`).

    >>> Kumaraswamy(1.0, 3.0).mean
    tensor(0.2500)"""
    concentration1: Tensor
    concentration0: Tensor
    arg_constraints: Any
    support: Any
    parameters: ClassVar[tuple[str, ...]]
    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None=None) -> None: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor:
        r"""The likeliest share, NaN where there is none inside."""

    def entropy(self) -> Tensor: ...

class LogitRelaxedBernoulli(ProbsOrLogits):
    r"""The log-odds of a RelaxedBernoulli (`torch.distributions.relaxed_bernoulli.LogitRelaxedBernoulli`).

    >>> LogitRelaxedBernoulli(torch.tensor(0.5), 0.5).log_prob(torch.tensor(0.0))
    tensor(-2.0794)"""
    probs: Tensor
    logits: Tensor
    temperature: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    kept: ClassVar[tuple[str, ...]]
    def __init__(self, temperature: Tensor, probs: Any=None, logits: Any=None, validate_args: bool | None=None) -> None: ...
    has_rsample: bool

class RelaxedBernoulli(_Mapped):
    r"""A smooth Bernoulli number (`torch.distributions.RelaxedBernoulli`).

    >>> RelaxedBernoulli(torch.tensor(0.5), 0.5).support
    Interval(lower_bound=0.0, upper_bound=1.0)"""
    arg_constraints: Any
    support: Any
    def __init__(self, temperature: Tensor, probs: Any=None, logits: Any=None, validate_args: bool | None=None) -> None: ...
    @property
    def temperature(self) -> Any: ...
    @property
    def probs(self) -> Tensor: ...
    @property
    def logits(self) -> Tensor: ...

class ExpRelaxedCategorical(Family):
    r"""The logarithm of a RelaxedOneHotCategorical (`torch.distributions.relaxed_categorical`).

    >>> ExpRelaxedCategorical(torch.tensor(0.5), torch.ones(3)).event_shape
    torch.Size([3])"""
    temperature: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    has_rsample: bool
    kept: ClassVar[tuple[str, ...]]
    def __init__(self, temperature: Tensor, probs: Any=None, logits: Any=None, validate_args: bool | None=None) -> None: ...
    @property
    def probs(self) -> Tensor: ...
    @property
    def logits(self) -> Tensor: ...
    @property
    def param_shape(self) -> Any: ...

class RelaxedOneHotCategorical(_Mapped):
    r"""A smooth one-hot vector (`torch.distributions.RelaxedOneHotCategorical`).

    >>> RelaxedOneHotCategorical(torch.tensor(0.5), torch.ones(3)).event_shape
    torch.Size([3])"""
    arg_constraints: Any
    support: Any
    def __init__(self, temperature: Tensor, probs: Any=None, logits: Any=None, validate_args: bool | None=None) -> None: ...
    @property
    def temperature(self) -> Any: ...
    @property
    def probs(self) -> Tensor: ...
    @property
    def logits(self) -> Tensor: ...

