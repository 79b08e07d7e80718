"""Maps of the parts of a tensor, each by one of its own."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tapegrad as torch
from tapegrad.distributions import constraints
from tapegrad.distributions.transforms.maps import Transform
from tapegrad.distributions.utils import (
    _sum_rightmost,
    lazy_property,
)


def _check_size(x: Any, name: str, dim: int, wanted: int, of: str) -> None:
    assert -x.ndim <= dim < x.ndim, f"dim {dim} out of range for tensor with {x.ndim} dimensions"
    assert x.shape[dim] == wanted, f"{name}.size({dim}) = {x.shape[dim]} must equal {of} {wanted}"


class CatTransform(Transform):
    """Maps side by side, of so many elements each along an axis.

    >>> CatTransform([torch.distributions.ExpTransform(), torch.distributions.TanhTransform()])(torch.zeros(2))
    tensor([1., 0.])
    """

    transforms: list[Transform]

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, lengths: Sequence[int] | None = None,
                 cache_size: int = 0) -> None:
        assert all(isinstance(t, Transform) for t in tseq), "All elements of tseq must be Transform instances"
        if cache_size:
            tseq = [t.with_cache(cache_size) for t in tseq]
        super().__init__(cache_size=cache_size)
        self.transforms = list(tseq)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        assert len(self.lengths) == len(self.transforms), (
            f"lengths ({len(self.lengths)}) must match transforms ({len(self.transforms)})")
        self.dim = dim

    @lazy_property
    def event_dim(self) -> int:
        return max(t.event_dim for t in self.transforms)

    @lazy_property
    def length(self) -> int:
        """How many elements the parts have together."""
        return sum(self.lengths)

    def with_cache(self, cache_size: int = 1) -> Any:
        if self._cache_size == cache_size:
            return self
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _parts(self, x: Any, name: str = "x") -> Any:
        _check_size(x, name, self.dim, self.length, "length")
        return torch.split(x, self.lengths, self.dim)

    def _call(self, x: Any) -> Any:
        return torch.cat([t(v) for t, v in zip(self.transforms, self._parts(x))], dim=self.dim)

    def _inverse(self, y: Any) -> Any:
        return torch.cat([t.inv(v) for t, v in zip(self.transforms, self._parts(y, "y"))], dim=self.dim)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        found = []
        for t, before, after in zip(self.transforms, self._parts(x), self._parts(y, "y")):
            term = t.log_abs_det_jacobian(before, after)
            found.append(_sum_rightmost(term, self.event_dim - t.event_dim))
        dim = self.dim - x.ndim if self.dim >= 0 else self.dim
        dim += self.event_dim
        return torch.cat(found, dim=dim) if dim < 0 else sum(found)

    @property
    def bijective(self) -> bool:
        return all(t.bijective for t in self.transforms)

    @constraints.dependent_property
    def domain(self) -> Any:
        """Where values lie."""
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @constraints.dependent_property
    def codomain(self) -> Any:
        """Where images lie."""
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)


class StackTransform(Transform):
    """Maps side by side, one for each place along an axis.

    >>> StackTransform([torch.distributions.ExpTransform(), torch.distributions.TanhTransform()])(torch.zeros(2))
    tensor([1., 0.])
    """

    transforms: list[Transform]

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        assert all(isinstance(t, Transform) for t in tseq), "All elements of tseq must be Transform instances"
        if cache_size:
            tseq = [t.with_cache(cache_size) for t in tseq]
        super().__init__(cache_size=cache_size)
        self.transforms, self.dim = list(tseq), dim

    def with_cache(self, cache_size: int = 1) -> Any:
        return self if self._cache_size == cache_size else StackTransform(self.transforms, self.dim, cache_size)

    def _parts(self, x: Any, name: str = "x") -> Any:
        _check_size(x, name, self.dim, len(self.transforms), "len(transforms)")
        return [x.select(self.dim, i) for i in range(x.shape[self.dim])]

    def _call(self, x: Any) -> Any:
        return torch.stack([t(v) for t, v in zip(self.transforms, self._parts(x))], dim=self.dim)

    def _inverse(self, y: Any) -> Any:
        return torch.stack([t.inv(v) for t, v in zip(self.transforms, self._parts(y, "y"))], dim=self.dim)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return torch.stack([t.log_abs_det_jacobian(before, after) for t, before, after in
                            zip(self.transforms, self._parts(x), self._parts(y, "y"))], dim=self.dim)

    @property
    def bijective(self) -> bool:
        return all(t.bijective for t in self.transforms)

    @constraints.dependent_property
    def domain(self) -> Any:
        """Where values lie."""
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @constraints.dependent_property
    def codomain(self) -> Any:
        """Where images lie."""
        return constraints.stack([t.codomain for t in self.transforms], self.dim)
