"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar

from tapegrad import Tensor
from tapegrad.distributions.transforms.maps import Transform, _Plain


class ExpTransform(_Plain):
    r"""y = exp(x).

    >>> ExpTransform()(torch.tensor(0.5))
    tensor(1.6487)"""
    domain: Any
    codomain: Any
    bijective: bool
    sign: int
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...

class PowerTransform(Transform):
    r"""y = x ** exponent.

    >>> PowerTransform(2.0)(torch.tensor(0.5))
    tensor(0.2500)"""
    exponent: Tensor
    domain: Any
    codomain: Any
    bijective: bool
    def __init__(self, exponent: Any, cache_size: int=0) -> None: ...
    def with_cache(self, cache_size: int=1) -> Any: ...
    @property
    def sign(self) -> Any: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...
    def forward_shape(self, shape: Any) -> Any: ...
    def inverse_shape(self, shape: Any) -> Any: ...

class SigmoidTransform(_Plain):
    r"""y = 1 / (1 + exp(-x)), kept off 0 and 1.

    >>> SigmoidTransform()(torch.tensor(0.5))
    tensor(0.6225)"""
    domain: Any
    codomain: Any
    bijective: bool
    sign: int
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...

class SoftplusTransform(_Plain):
    r"""y = log(1 + exp(x)), and x itself from 20 on.

    >>> SoftplusTransform()(torch.tensor(0.5))
    tensor(0.9741)"""
    domain: Any
    codomain: Any
    bijective: bool
    sign: int
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...

class TanhTransform(_Plain):
    r"""y = tanh(x).

    >>> TanhTransform()(torch.tensor(0.5))
    tensor(0.4621)"""
    domain: Any
    codomain: Any
    bijective: bool
    sign: int
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...

class AbsTransform(_Plain):
    r"""y = |x|, of whose two inverses the positive one is taken.

    >>> AbsTransform()(torch.tensor(0.5))
    tensor(0.5000)"""
    domain: Any
    codomain: Any

class AffineTransform(Transform):
    r"""y = loc + scale x.

    >>> AffineTransform(1.0, 2.0)(torch.tensor(0.5))
    tensor(2.)"""
    loc: Any
    scale: Any
    bijective: bool
    def __init__(self, loc: Any, scale: Any, event_dim: int=0, cache_size: int=0) -> None: ...
    @property
    def event_dim(self) -> int: ...
    @property
    def domain(self) -> Any:
        r"""Where values lie."""

    @property
    def codomain(self) -> Any: ...
    def with_cache(self, cache_size: int=1) -> Any: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...
    @property
    def sign(self) -> Any: ...
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...
    def forward_shape(self, shape: Any) -> Any: ...
    def inverse_shape(self, shape: Any) -> Any: ...

class CumulativeDistributionTransform(Transform):
    r"""y = the share of a distribution below x.

    >>> CumulativeDistributionTransform(torch.distributions.Uniform(0.0, 2.0))(torch.tensor(0.5))
    tensor(0.2500)"""
    distribution: Any
    bijective: bool
    codomain: Any
    sign: int
    def __init__(self, distribution: Any, cache_size: int=0) -> None: ...
    @property
    def domain(self) -> Any:
        r"""Where values lie."""

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...
    def with_cache(self, cache_size: int=1) -> Any: ...

