"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar

from tapegrad import Tensor
from tapegrad.distributions.distribution import ExponentialFamily, Family

__all__: list[str]

class Normal(Family, ExponentialFamily):
    r"""The normal distribution (`torch.distributions.Normal`).

    >>> Normal(0.0, torch.tensor([1.0, 2.0])).log_prob(torch.tensor(1.0))
    tensor([-1.4189, -1.7371])"""
    loc: Tensor
    scale: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    has_rsample: bool
    def __init__(self, loc: Any, scale: Any, validate_args: bool | None=None) -> None: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def stddev(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor: ...
    def entropy(self) -> Tensor: ...

class Laplace(Family):
    r"""The Laplace distribution (`torch.distributions.Laplace`).

    >>> Laplace(0.0, 1.0).log_prob(torch.tensor(1.0))
    tensor(-1.6931)"""
    loc: Tensor
    scale: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    has_rsample: bool
    def __init__(self, loc: Any, scale: Any, validate_args: bool | None=None) -> None: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor: ...
    @property
    def stddev(self) -> Tensor: ...
    def entropy(self) -> Tensor: ...

class Cauchy(Family):
    r"""The Cauchy distribution, which has no mean (`torch.distributions.Cauchy`).

    >>> Cauchy(0.0, 1.0).cdf(torch.tensor(1.0))
    tensor(0.7500)"""
    loc: Tensor
    scale: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    has_rsample: bool
    def __init__(self, loc: Any, scale: Any, validate_args: bool | None=None) -> None: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor: ...
    def entropy(self) -> Tensor: ...

class StudentT(Family):
    r"""Student's t distribution (`torch.distributions.StudentT`).

    >>> StudentT(3.0).variance
    tensor(3.)"""
    df: Tensor
    loc: Tensor
    scale: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    has_rsample: bool
    def __init__(self, df: Any, loc: Any=0.0, scale: Any=1.0, validate_args: bool | None=None) -> None: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def mean(self) -> Tensor:
        r"""The mean, NaN where there is none."""

    @property
    def variance(self) -> Tensor:
        r"""The variance: infinite up to two degrees of freedom, NaN up to one."""

    def entropy(self) -> Tensor: ...

class Uniform(Family):
    r"""Numbers from [low, high), all alike (`torch.distributions.Uniform`).

    >>> Uniform(0.0, 2.0).entropy()
    tensor(0.6931)"""
    has_rsample: bool
    def __init__(self, low: Any, high: Any, validate_args: bool | None=None) -> None: ...
    @property
    def arg_constraints(self) -> dict[str, Any]:
        r"""Each bound is one of the other."""

    @property
    def support(self) -> Any: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def stddev(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor: ...
    def entropy(self) -> Tensor: ...

class VonMises(Family):
    r"""The circular normal distribution on [-π, π) (`torch.distributions.VonMises`).

    >>> VonMises(0.0, 2.0).variance
    tensor(0.3022)

    Drawn by rejection: Best and Fisher, "Efficient simulation of the von Mises distribution" (1979)."""
    loc: Tensor
    concentration: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None=None) -> None: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor:
        r"""The circular variance: one less the length of the mean direction."""


