"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar

from tapegrad import Size, Tensor
from tapegrad.distributions.distribution import ExponentialFamily, Family, ProbsOrLogits

__all__: list[str]

class Bernoulli(ProbsOrLogits, ExponentialFamily):
    r"""1 with a probability, else 0 (`torch.distributions.Bernoulli`).

    >>> Bernoulli(torch.tensor([0.25])).log_prob(torch.tensor([1.0])).exp()
    tensor([0.2500])"""
    probs: Tensor
    logits: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    has_enumerate_support: bool
    def __init__(self, probs: Any=None, logits: Any=None, validate_args: bool | None=None) -> None: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor:
        r"""The likelier of 0 and 1, NaN where there is none."""

    def entropy(self) -> Tensor: ...
    def enumerate_support(self, expand: bool=True) -> Tensor: ...

class ContinuousBernoulli(ProbsOrLogits, ExponentialFamily):
    r"""A density on [0, 1] of Bernoulli's form (`torch.distributions.ContinuousBernoulli`).

    >>> ContinuousBernoulli(torch.tensor(0.9)).mean
    tensor(0.6699)

    Loaiza-Ganem and Cunningham, "The continuous Bernoulli" (2019). Near a probability of a half, between `lims`, the
    constant and the moments are Taylor polynomials."""
    probs: Tensor
    logits: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    has_rsample: bool
    kept: ClassVar[tuple[str, ...]]
    def __init__(self, probs: Any=None, logits: Any=None, lims: tuple[float, float]=(0.499, 0.501), validate_args: bool | None=None) -> None: ...
    @property
    def mean(self) -> Tensor:
        r"""The mean."""

    @property
    def stddev(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor:
        r"""The variance."""

    def entropy(self) -> Tensor: ...

class Categorical(ProbsOrLogits):
    r"""One of some choices, by number (`torch.distributions.Categorical`).

    >>> Categorical(torch.tensor([1.0, 3.0])).probs
    tensor([0.2500, 0.7500])"""
    probs: Tensor
    logits: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    is_binary: ClassVar[bool]
    has_enumerate_support: bool
    def __init__(self, probs: Any=None, logits: Any=None, validate_args: bool | None=None) -> None: ...
    @property
    def support(self) -> Any: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor: ...
    def sample(self, sample_shape: Any=Size()) -> Tensor: ...
    def entropy(self) -> Tensor: ...
    def enumerate_support(self, expand: bool=True) -> Tensor: ...

class OneHotCategorical(Family):
    r"""One of some choices, as a vector with a single one (`torch.distributions.OneHotCategorical`).

    >>> OneHotCategorical(torch.tensor([1.0, 3.0])).log_prob(torch.tensor([0.0, 1.0])).exp()
    tensor(0.7500)"""
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    has_enumerate_support: bool
    def __init__(self, probs: Any=None, logits: Any=None, validate_args: bool | None=None) -> None: ...
    @property
    def probs(self) -> Tensor: ...
    @property
    def logits(self) -> Tensor: ...
    @property
    def param_shape(self) -> Any: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor: ...
    def sample(self, sample_shape: Any=Size()) -> Tensor: ...
    def entropy(self) -> Tensor: ...
    def enumerate_support(self, expand: bool=True) -> Tensor: ...

class OneHotCategoricalStraightThrough(OneHotCategorical):
    r"""The same with gradients as if the outcome were the probabilities.

    >>> OneHotCategoricalStraightThrough(torch.tensor([1.0, 3.0])).mean
    tensor([0.2500, 0.7500])

    Bengio et al., "Estimating or propagating gradients through stochastic neurons" (2013)."""
    has_rsample: bool
    def rsample(self, sample_shape: Any=Size()) -> Tensor: ...

class Multinomial(Family):
    r"""How often each choice was made of `total_count` times (`torch.distributions.Multinomial`).

    >>> Multinomial(4, torch.tensor([1.0, 3.0])).mean
    tensor([1., 3.])"""
    total_count: int
    arg_constraints: ClassVar[dict[str, Any]]
    kept: ClassVar[tuple[str, ...]]
    def __init__(self, total_count: int=1, probs: Any=None, logits: Any=None, validate_args: bool | None=None) -> None: ...
    @property
    def probs(self) -> Tensor: ...
    @property
    def logits(self) -> Tensor: ...
    @property
    def param_shape(self) -> Any: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor: ...
    @property
    def support(self) -> Any: ...
    def sample(self, sample_shape: Any=Size()) -> Tensor: ...
    def entropy(self) -> Tensor: ...

class Binomial(ProbsOrLogits):
    r"""How many of `total_count` trials succeed (`torch.distributions.Binomial`).

    >>> Binomial(4, 0.5).variance
    tensor(1.)"""
    total_count: Tensor
    probs: Tensor
    logits: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    has_enumerate_support: bool
    def __init__(self, total_count: Any=1, probs: Any=None, logits: Any=None, validate_args: bool | None=None) -> None: ...
    @property
    def support(self) -> Any: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor: ...
    def entropy(self) -> Tensor: ...
    def enumerate_support(self, expand: bool=True) -> Tensor: ...

class NegativeBinomial(ProbsOrLogits):
    r"""How many trials succeed before `total_count` have failed (`torch.distributions.NegativeBinomial`).

    >>> NegativeBinomial(2, 0.5).mean
    tensor(2.)"""
    total_count: Tensor
    probs: Tensor
    logits: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    def __init__(self, total_count: Any, probs: Any=None, logits: Any=None, validate_args: bool | None=None) -> None: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor: ...

class Geometric(ProbsOrLogits):
    r"""How many trials fail before one succeeds (`torch.distributions.Geometric`).

    >>> Geometric(0.25).mean
    tensor(3.)"""
    probs: Tensor
    logits: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    def __init__(self, probs: Any=None, logits: Any=None, validate_args: bool | None=None) -> None: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor: ...
    def entropy(self) -> Tensor: ...

class Poisson(Family, ExponentialFamily):
    r"""Counts of events that come at a rate (`torch.distributions.Poisson`).

    >>> Poisson(3.0).log_prob(torch.tensor(2.0))
    tensor(-1.4959)"""
    rate: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    def __init__(self, rate: Any, validate_args: bool | None=None) -> None: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor: ...

