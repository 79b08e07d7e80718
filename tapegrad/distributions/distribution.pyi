"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar

from tapegrad import Size, Tensor

__all__: list[str]

class Distribution():
    r"""A random variable, or a batch of independent ones (`torch.distributions.Distribution`).

    >>> isinstance(torch.distributions.Normal(0.0, 1.0), Distribution)
    True

    `batch_shape` is that of the batch, `event_shape` that of one outcome. What a subclass has not is refused with
    NotImplementedError. With `validate_args`, the default, parameters outside of `arg_constraints` and values outside
    of `support` are a ValueError."""
    has_rsample: bool
    has_enumerate_support: bool
    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        r"""Whether distributions made without `validate_args` check what they are given."""

    def __init__(self, batch_shape: Any=Size(), event_shape: Any=Size(), validate_args: bool | None=None) -> None: ...
    def expand(self, batch_shape: Any, _instance: Any=None) -> Any:
        r"""The same with a larger batch, of the same memory."""

    @property
    def batch_shape(self) -> Size:
        r"""The shape of the batch."""

    @property
    def event_shape(self) -> Size:
        r"""The shape of one outcome."""

    @property
    def arg_constraints(self) -> dict[str, Any]:
        r"""What the parameters must satisfy."""

    @property
    def support(self) -> Any:
        r"""Where outcomes lie."""

    @property
    def mean(self) -> Tensor:
        r"""The mean of the outcomes."""

    @property
    def mode(self) -> Tensor:
        r"""The likeliest outcome."""

    @property
    def variance(self) -> Tensor:
        r"""The variance of the outcomes."""

    @property
    def stddev(self) -> Tensor:
        r"""The standard deviation."""

    def sample(self, sample_shape: Any=Size()) -> Tensor:
        r"""Outcomes, as many for each of the batch as `sample_shape` says."""

    def rsample(self, sample_shape: Any=Size()) -> Tensor:
        r"""Outcomes as functions of the parameters, so that gradients flow through them."""

    def sample_n(self, n: int) -> Tensor:
        r"""The same as `sample((n,))`."""

    def log_prob(self, value: Tensor) -> Tensor:
        r"""The logarithm of the density, or of the probability, at a value."""

    def cdf(self, value: Tensor) -> Tensor:
        r"""The share below a value."""

    def icdf(self, value: Tensor) -> Tensor:
        r"""Below what a share lies."""

    def enumerate_support(self, expand: bool=True) -> Tensor:
        r"""All outcomes, along a new first axis."""

    def entropy(self) -> Tensor:
        r"""The entropy, in nats."""

    def perplexity(self) -> Tensor:
        r"""exp of the entropy."""

    def __repr__(self) -> str: ...

def vars_of(cls: type, name: str) -> Any:
    r"""What a class or one of its bases has under a name, unbound."""

def document(cls: type) -> None:
    r"""Give a text to properties that are expressions: that of what they override, or that they are parameters."""

class Family(Distribution):
    r"""A family of distributions as a declaration: of its parameters, density, moments; the rest follows.

    A subclass names its parameters in `arg_constraints` and hands them to `_take`. It has `_rsample(shape)` (or
    `_sample`, where there is no gradient), and `_log_prob`, `_cdf`, `_icdf` of values that were checked before.
    `kept` names what else is carried over to an expanded copy."""
    arg_constraints: ClassVar[dict[str, Any]]
    kept: ClassVar[tuple[str, ...]]
    def expand(self, batch_shape: Any, _instance: Any=None) -> Any: ...
    def rsample(self, sample_shape: Any=Size()) -> Tensor: ...
    def sample(self, sample_shape: Any=Size()) -> Tensor: ...
    def log_prob(self, value: Tensor) -> Tensor: ...
    def cdf(self, value: Tensor) -> Tensor: ...
    def icdf(self, value: Tensor) -> Tensor: ...

class ExponentialFamily(Distribution):
    r"""A family of densities exp(t(x)·θ - F(θ) + k(x)) (`torch.distributions.ExponentialFamily`).

    >>> torch.distributions.Normal(0.0, 1.0).entropy()
    tensor(1.4189)

    The entropy follows from F, `_log_normalizer`, and its gradient, the mean of t(x), where k's mean is known: Nielsen
    and Nock, "Entropies and cross-entropies of exponential families" (2010)."""
    def entropy(self) -> Tensor: ...

class ProbsOrLogits(Family):
    r"""A family with a parameter that may be given as probabilities or as logits: whichever is asked for is there."""
    is_binary: ClassVar[bool]
    @property
    def logits(self) -> Tensor:
        r"""Log-odds, or logarithms of probabilities."""

    @property
    def probs(self) -> Tensor:
        r"""Probabilities of the outcomes."""

    @property
    def param_shape(self) -> Size:
        r"""The shape of the parameter."""


