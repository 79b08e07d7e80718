"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar

from tapegrad import Size, Tensor
from tapegrad.distributions.distribution import ExponentialFamily, Family

__all__: list[str]

class Exponential(Family, ExponentialFamily):
    r"""Waiting times at a rate (`torch.distributions.Exponential`).

    >>> Exponential(2.0).mean
    tensor(0.5000)"""
    rate: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    has_rsample: bool
    def __init__(self, rate: Any, validate_args: bool | None=None) -> None: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def stddev(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor: ...
    def entropy(self) -> Tensor: ...

class Gamma(Family, ExponentialFamily):
    r"""The gamma distribution (`torch.distributions.Gamma`).

    >>> Gamma(2.0, 0.5).mean
    tensor(4.)"""
    arg_constraints: Any
    concentration: Tensor
    rate: Tensor
    support: Any
    has_rsample: bool
    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None=None) -> None: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor: ...
    def log_prob(self, value: Any) -> Tensor: ...
    def entropy(self) -> Tensor: ...

class Chi2(Gamma):
    r"""The sum of `df` squares of normal numbers (`torch.distributions.Chi2`).

    >>> Chi2(3.0).variance
    tensor(6.)"""
    arg_constraints: Any
    def __init__(self, df: Any, validate_args: bool | None=None) -> None: ...
    @property
    def df(self) -> Tensor: ...
    def expand(self, batch_shape: Any, _instance: Any=None) -> Any: ...

class Dirichlet(Family, ExponentialFamily):
    r"""Points of the simplex (`torch.distributions.Dirichlet`).

    >>> Dirichlet(torch.tensor([0.5, 1.5])).mean
    tensor([0.2500, 0.7500])"""
    concentration: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    has_rsample: bool
    def __init__(self, concentration: Tensor, validate_args: bool | None=None) -> None: ...
    @property
    def mean(self) -> Tensor:
        r"""The mean."""

    @property
    def mode(self) -> Tensor:
        r"""The likeliest point; where no concentration is above 1, the corner of the largest."""

    @property
    def variance(self) -> Tensor:
        r"""The variance of each coordinate."""

    def entropy(self) -> Tensor: ...

class Beta(Family, ExponentialFamily):
    r"""Shares between 0 and 1: the first of two coordinates of a Dirichlet (`torch.distributions.Beta`).

    >>> Beta(1.0, 3.0).mean
    tensor(0.2500)"""
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    has_rsample: bool
    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None=None) -> None: ...
    @property
    def concentration1(self) -> Tensor: ...
    @property
    def concentration0(self) -> Tensor: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor:
        r"""The variance."""

    def rsample(self, sample_shape: Any=Size()) -> Tensor: ...
    def sample(self, sample_shape: Any=Size()) -> Tensor: ...
    def entropy(self) -> Tensor: ...

class FisherSnedecor(Family):
    r"""The ratio of two mean squares (`torch.distributions.FisherSnedecor`).

    >>> FisherSnedecor(3.0, 6.0).mean
    tensor(1.5000)"""
    df1: Tensor
    df2: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    has_rsample: bool
    def __init__(self, df1: Any, df2: Any, validate_args: bool | None=None) -> None: ...
    @property
    def mean(self) -> Tensor:
        r"""The mean, NaN up to two degrees of freedom below."""

    @property
    def mode(self) -> Tensor:
        r"""The likeliest ratio, NaN up to two degrees of freedom above."""

    @property
    def variance(self) -> Tensor:
        r"""The variance, NaN up to four degrees of freedom below."""


class GeneralizedPareto(Family):
    r"""What is above a threshold (`torch.distributions.GeneralizedPareto`).

    >>> GeneralizedPareto(0.0, 1.0, 0.5).mean
    tensor(2.)"""
    loc: Tensor
    scale: Tensor
    concentration: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    has_rsample: bool
    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None=None) -> None: ...
    @property
    def support(self) -> Any: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def mean(self) -> Tensor:
        r"""The mean, infinite from a concentration of 1 on."""

    @property
    def variance(self) -> Tensor:
        r"""The variance, infinite from a concentration of a half on."""

    def log_survival_function(self, value: Tensor) -> Tensor:
        r"""The logarithm of the share above a value."""

    def log_cdf(self, value: Tensor) -> Tensor:
        r"""The logarithm of the share below a value."""

    def entropy(self) -> Tensor: ...

