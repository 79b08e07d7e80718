"""What every distribution is (`Distribution`), and what declarations of families are made of (`Family`)."""
from __future__ import annotations

import warnings
from numbers import Number
from typing import Any, ClassVar

import tapegrad as torch
from tapegrad import Size, Tensor
from tapegrad.distributions import constraints
from tapegrad.distributions.utils import broadcast_all, holds, lazy_property, logits_to_probs, probs_to_logits
from tapegrad.machine.learning import capturing
from tapegrad.namespaces import show_public

__all__ = ["Distribution", "ExponentialFamily", "Family", "ProbsOrLogits"]
show_public(__name__)


class Distribution:
    """A random variable, or a batch of independent ones (`torch.distributions.Distribution`).

    >>> isinstance(torch.distributions.Normal(0.0, 1.0), Distribution)
    True

    `batch_shape` is that of the batch, `event_shape` that of one outcome. What a subclass has not is refused with
    NotImplementedError. With `validate_args`, the default, parameters outside of `arg_constraints` and values outside
    of `support` are a ValueError.
    """

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions made without `validate_args` check what they are given."""
        if value not in (True, False):
            raise ValueError
        Distribution._validate_args = value

    def __init__(self, batch_shape: Any = Size(), event_shape: Any = Size(), validate_args: bool | None = None) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_arguments()
        super().__init__()

    def _check_arguments(self) -> None:
        try:
            constrained = self.arg_constraints
        except NotImplementedError:
            constrained = {}
            warnings.warn(f"{self.__class__} does not define `arg_constraints`. Please set `arg_constraints = {{}}` or "
                          "initialize the distribution with `validate_args=False` to turn off validation.",
                          stacklevel=4)
        for name, constraint in constrained.items():
            if constraints.is_dependent(constraint):
                continue
            if name not in self.__dict__ and isinstance(vars_of(type(self), name), lazy_property):
                continue  # the other of two ways to say the same
            value = getattr(self, name)
            if not holds(constraint.check(value)):
                raise ValueError(f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of "
                                 f"distribution {self!r} to satisfy the constraint {constraint!r}, but found invalid "
                                 f"values:\n{value}")

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same with a larger batch, of the same memory."""
        raise NotImplementedError

    @property
    def batch_shape(self) -> Size:
        """The shape of the batch."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one outcome."""
        return self._event_shape

    @property
    def arg_constraints(self) -> dict[str, Any]:
        """What the parameters must satisfy."""
        raise NotImplementedError

    @property
    def support(self) -> Any:
        """Where outcomes lie."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        """The mean of the outcomes."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """The likeliest outcome."""
        raise NotImplementedError(f"{self.__class__} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """The variance of the outcomes."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The standard deviation."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = Size()) -> Tensor:
        """Outcomes, as many for each of the batch as `sample_shape` says."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = Size()) -> Tensor:
        """Outcomes as functions of the parameters, so that gradients flow through them."""
        raise NotImplementedError

    def sample_n(self, n: int) -> Tensor:
        """The same as `sample((n,))`."""
        warnings.warn("sample_n will be deprecated. Use .sample((n,)) instead", UserWarning, stacklevel=2)
        return self.sample(Size((n,)))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density, or of the probability, at a value."""
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """The share below a value."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """Below what a share lies."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All outcomes, along a new first axis."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """The entropy, in nats."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """exp of the entropy."""
        return torch.exp(self.entropy())

    def _extended_shape(self, sample_shape: Any = Size()) -> Size:
        return Size(sample_shape) + self._batch_shape + self._event_shape

    def _validate_sample(self, value: Any) -> None:
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        cut = len(value.shape) - len(self._event_shape)
        if value.shape[cut:] != self._event_shape:
            raise ValueError("The right-most size of value must match event_shape: "
                             f"{value.shape} vs {self._event_shape}.")
        expected = self._batch_shape + self._event_shape
        for i, j in zip(reversed(value.shape), reversed(expected)):
            if i != 1 and j != 1 and i != j:
                raise ValueError("Value is not broadcastable with batch_shape+event_shape: "
                                 f"{value.shape} vs {expected}.")
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(f"{self.__class__} does not define `support` to enable sample validation. Please initialize "
                          "the distribution with `validate_args=False` to turn off validation.", stacklevel=3)
            return
        assert support is not None
        if not holds(support.check(value)):
            raise ValueError(f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) to be "
                             f"within the support ({support!r}) of the distribution {self!r}, but found invalid "
                             f"values:\n{value}")

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        """What `expand` is to fill: an object of this class, whose __init__ it leaves out."""
        if _instance is None and type(self).__init__ != cls.__init__:
            raise NotImplementedError(f"Subclass {self.__class__.__name__} of {cls.__name__} that defines a custom "
                                      "__init__ method must also define a custom .expand() method.")
        return self.__new__(type(self)) if _instance is None else _instance

    def __repr__(self) -> str:
        given = {name: self.__dict__[name] for name in self.arg_constraints if name in self.__dict__}
        listed = (f"{name}: {value if value.numel() == 1 else value.size()}" for name, value in given.items())
        return f"{self.__class__.__name__}({', '.join(listed)})"


def vars_of(cls: type, name: str) -> Any:
    """What a class or one of its bases has under a name, unbound."""
    return next((vars(c)[name] for c in cls.__mro__ if name in vars(c)), None)


def document(cls: type) -> None:
    """Give a text to properties that are expressions: that of what they override, or that they are parameters."""
    for name, value in list(vars(cls).items()):
        if type(value) is property and not value.__doc__ and name[0] != "_":
            above = next((vars(c)[name].__doc__ for c in cls.__mro__[1:] if name in vars(c)), None)
            setattr(cls, name, property(value.fget, doc=above or f"The parameter `{name}`."))


capturing.READ_BESIDES[Distribution] = lambda: ((Distribution, "_validate_args"),)


class Family(Distribution):
    """A family of distributions as a declaration: of its parameters, density, moments; the rest follows.

    A subclass names its parameters in `arg_constraints` and hands them to `_take`. It has `_rsample(shape)` (or
    `_sample`, where there is no gradient), and `_log_prob`, `_cdf`, `_icdf` of values that were checked before.
    `kept` names what else is carried over to an expanded copy.
    """

    arg_constraints: ClassVar[dict[str, Any]] = {}
    kept: ClassVar[tuple[str, ...]] = ()

    def _take(self, validate_args: bool | None, **parameters: Any) -> None:
        """Make attributes of parameters, broadcast against each other: all axes are the batch's."""
        plain = all(isinstance(p, Number) for p in parameters.values())
        for name, value in zip(parameters, broadcast_all(*parameters.values())):
            setattr(self, name, value)
        Distribution.__init__(self, Size() if plain else value.shape, validate_args=validate_args)

    @classmethod
    def _declared(cls) -> type:
        """The class of the family itself, whose __init__ this one's is."""
        return next(c for c in cls.__mro__ if "__init__" in vars(c) and c.__module__.startswith(__package__ + "."))

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(self._declared(), _instance)
        batch_shape = Size(batch_shape)
        for name, constraint in self.arg_constraints.items():
            if name in self.__dict__:
                value, kept = self.__dict__[name], _event_dim(constraint)
                new.__dict__[name] = value.expand(batch_shape + value.shape[value.ndim - kept:])
        new.__dict__.update((name, self.__dict__[name]) for name in self.kept if name in self.__dict__)
        self._expand_parts(new, batch_shape)
        Distribution.__init__(new, batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _expand_parts(self, new: Any, batch_shape: Size) -> None:
        """Give an expanded copy what is neither a parameter nor kept as it is."""

    def rsample(self, sample_shape: Any = Size()) -> Tensor:
        if not self.has_rsample:
            raise NotImplementedError
        return self._rsample(self._extended_shape(sample_shape))

    def sample(self, sample_shape: Any = Size()) -> Tensor:
        with torch.no_grad():
            return self._sample(self._extended_shape(sample_shape))

    def _rsample(self, shape: Size) -> Tensor:
        raise NotImplementedError

    def _sample(self, shape: Size) -> Tensor:
        return self._rsample(shape)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return self._log_prob(value)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args and type(self)._cdf is not Family._cdf:
            self._validate_sample(value)
        return self._cdf(value)

    def icdf(self, value: Tensor) -> Tensor:
        return self._icdf(value)

    def _log_prob(self, value: Tensor) -> Tensor:
        raise NotImplementedError

    def _cdf(self, value: Tensor) -> Tensor:
        raise NotImplementedError

    def _icdf(self, value: Tensor) -> Tensor:
        raise NotImplementedError


def _event_dim(constraint: Any) -> int:
    try:
        return constraint.event_dim
    except NotImplementedError:
        return 0


class ExponentialFamily(Distribution):
    """A family of densities exp(t(x)·θ - F(θ) + k(x)) (`torch.distributions.ExponentialFamily`).

    >>> torch.distributions.Normal(0.0, 1.0).entropy()
    tensor(1.4189)

    The entropy follows from F, `_log_normalizer`, and its gradient, the mean of t(x), where k's mean is known: Nielsen
    and Nock, "Entropies and cross-entropies of exponential families" (2010).
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> Any:
        raise NotImplementedError

    def entropy(self) -> Tensor:
        parameters = [p.detach().requires_grad_() for p in self._natural_params]
        normalizer = self._log_normalizer(*parameters)
        gradients = torch.autograd.grad(normalizer.sum(), parameters, create_graph=True)
        result = -self._mean_carrier_measure + normalizer
        for parameter, gradient in zip(parameters, gradients):
            result = result - (parameter * gradient).reshape((*self._batch_shape, -1)).sum(-1)
        return result


class ProbsOrLogits(Family):
    """A family with a parameter that may be given as probabilities or as logits: whichever is asked for is there."""

    is_binary: ClassVar[bool] = True

    def _take_either(self, validate_args: bool | None, probs: Any, logits: Any, **others: Any) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        self._take(validate_args, **others, **({"probs": probs} if logits is None else {"logits": logits}))

    @lazy_property
    def logits(self) -> Tensor:
        """Log-odds, or logarithms of probabilities."""
        return probs_to_logits(self.probs, is_binary=self.is_binary)

    @lazy_property
    def probs(self) -> Tensor:
        """Probabilities of the outcomes."""
        return logits_to_probs(self.logits, is_binary=self.is_binary)

    @property
    def _param(self) -> Tensor:
        return self.__dict__.get("probs", self.__dict__.get("logits"))

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._param.shape
