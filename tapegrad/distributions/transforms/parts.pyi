"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar

from collections.abc import Sequence
from tapegrad.distributions.transforms.maps import Transform


class CatTransform(Transform):
    r"""Maps side by side, of so many elements each along an axis.

    >>> CatTransform([torch.distributions.ExpTransform(), torch.distributions.TanhTransform()])(torch.zeros(2))
    tensor([1., 0.])"""
    transforms: list[Transform]
    lengths: Sequence[int] | None
    dim: int
    def __init__(self, tseq: Sequence[Transform], dim: int=0, lengths: Sequence[int] | None=None, cache_size: int=0) -> None: ...
    @property
    def event_dim(self) -> int: ...
    @property
    def length(self) -> int:
        r"""How many elements the parts have together."""

    def with_cache(self, cache_size: int=1) -> Any: ...
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...
    @property
    def bijective(self) -> bool: ...
    @property
    def domain(self) -> Any:
        r"""Where values lie."""

    @property
    def codomain(self) -> Any:
        r"""Where images lie."""


class StackTransform(Transform):
    r"""Maps side by side, one for each place along an axis.

    >>> StackTransform([torch.distributions.ExpTransform(), torch.distributions.TanhTransform()])(torch.zeros(2))
    tensor([1., 0.])"""
    transforms: list[Transform]
    dim: int
    def __init__(self, tseq: Sequence[Transform], dim: int=0, cache_size: int=0) -> None: ...
    def with_cache(self, cache_size: int=1) -> Any: ...
    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any: ...
    @property
    def bijective(self) -> bool: ...
    @property
    def domain(self) -> Any:
        r"""Where values lie."""

    @property
    def codomain(self) -> Any:
        r"""Where images lie."""


