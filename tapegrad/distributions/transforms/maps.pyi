"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar

from collections.abc import Sequence


class Transform():
    r"""A map that may be inverted, from `domain` to `codomain` (`torch.distributions.transforms.Transform`).

    A subclass has `_call`, `_inverse` and `log_abs_det_jacobian`; `sign` where it is monotone. With a `cache_size` of 1
    the last pair of value and image is remembered, so that inverting an image costs nothing and loses nothing.

    >>> t = torch.distributions.ExpTransform()
    >>> t(torch.tensor(0.0)), t.inv(torch.tensor(1.0))
    (tensor(1.), tensor(0.))"""
    domain: Any
    codomain: Any
    bijective: bool
    def __init__(self, cache_size: int=0) -> None: ...
    def __getstate__(self) -> dict[str, Any]: ...
    @property
    def event_dim(self) -> int:
        r"""How many of the last axes are one value."""

    @property
    def inv(self) -> Any:
        r"""The inverse map: its inverse is this one."""

    @property
    def sign(self) -> Any:
        r"""1 or -1 where the map is monotone: it grows or falls."""

    def with_cache(self, cache_size: int=1) -> Any:
        r"""The same map with a cache of this size."""

    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...
    def __call__(self, x: Any) -> Any: ...
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        r"""The logarithm of how much volume grows at x, whose image is y."""

    def __repr__(self) -> str: ...
    def forward_shape(self, shape: Any) -> Any:
        r"""The shape of what values of a shape become."""

    def inverse_shape(self, shape: Any) -> Any:
        r"""The shape of what values of a shape come from."""


class _Plain(Transform):
    r"""A map without parameters: all of its kind are equal."""
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

class _InverseTransform(Transform):
    r"""The inverse of a map, as `inv` gives it."""
    def __init__(self, transform: Transform) -> None: ...
    @property
    def domain(self) -> Any:
        r"""Where values lie."""

    @property
    def codomain(self) -> Any:
        r"""Where images lie."""

    @property
    def bijective(self) -> bool: ...
    @property
    def sign(self) -> Any: ...
    @property
    def inv(self) -> Any: ...
    def __getstate__(self) -> dict[str, Any]: ...
    def with_cache(self, cache_size: int=1) -> Any: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...
    def __repr__(self) -> str: ...
    def __call__(self, x: Any) -> Any: ...
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...
    def forward_shape(self, shape: Any) -> Any: ...
    def inverse_shape(self, shape: Any) -> Any: ...

class ComposeTransform(Transform):
    r"""Maps one after the other (`torch.distributions.transforms.ComposeTransform`).

    >>> exp = torch.distributions.ExpTransform()
    >>> ComposeTransform([exp, exp.inv])(torch.tensor(0.5))
    tensor(0.5000)"""
    parts: Sequence[Transform]
    def __init__(self, parts: Sequence[Transform], cache_size: int=0) -> None: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...
    @property
    def domain(self) -> Any:
        r"""Where values lie."""

    @property
    def codomain(self) -> Any:
        r"""Where images lie."""

    @property
    def bijective(self) -> bool: ...
    @property
    def sign(self) -> Any: ...
    @property
    def inv(self) -> Any: ...
    def with_cache(self, cache_size: int=1) -> Any: ...
    def __call__(self, x: Any) -> Any: ...
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...
    def forward_shape(self, shape: Any) -> Any: ...
    def inverse_shape(self, shape: Any) -> Any: ...
    def __repr__(self) -> str: ...

class IndependentTransform(Transform):
    r"""A map whose last axes are one value: volumes are multiplied over them.

    >>> IndependentTransform(torch.distributions.ExpTransform(), 1).log_abs_det_jacobian(torch.ones(3), torch.ones(3))
    tensor(3.)"""
    base_transform: Transform
    reinterpreted_batch_ndims: int
    def __init__(self, base_transform: Transform, reinterpreted_batch_ndims: int, cache_size: int=0) -> None: ...
    def with_cache(self, cache_size: int=1) -> Any: ...
    @property
    def domain(self) -> Any:
        r"""Where values lie."""

    @property
    def codomain(self) -> Any:
        r"""Where images lie."""

    @property
    def bijective(self) -> bool: ...
    @property
    def sign(self) -> Any: ...
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...
    def __repr__(self) -> str: ...
    def forward_shape(self, shape: Any) -> Any: ...
    def inverse_shape(self, shape: Any) -> Any: ...

class ReshapeTransform(Transform):
    r"""The last axes in another shape of as many elements.

    >>> ReshapeTransform((4,), (2, 2))(torch.arange(4.0))
    tensor([[0., 1.],
            [2., 3.]])"""
    in_shape: Any
    out_shape: Any
    bijective: bool
    def __init__(self, in_shape: Any, out_shape: Any, cache_size: int=0) -> None: ...
    @property
    def domain(self) -> Any:
        r"""Where values lie."""

    @property
    def codomain(self) -> Any:
        r"""Where images lie."""

    def with_cache(self, cache_size: int=1) -> Any: ...
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...
    def forward_shape(self, shape: Any) -> Any: ...
    def inverse_shape(self, shape: Any) -> Any: ...

