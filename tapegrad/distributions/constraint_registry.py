"""Maps from all vectors of numbers to what satisfies a constraint (`torch.distributions.constraint_registry`).

`biject_to(c)` is one-to-one; `transform_to(c)` need not be, and is what optimisers like better.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad.distributions import constraints, transforms
from tapegrad.namespaces import show_public

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]
show_public(__name__)


class ConstraintRegistry:
    """Which map leads to which kind of constraint.

    >>> transform_to(constraints.unit_interval)
    SigmoidTransform()
    """

    def __init__(self) -> None:
        self._registry: dict[type, Callable[[Any], Any]] = {}
        super().__init__()

    def register(self, constraint: Any, factory: Any = None) -> Any:
        """Say what makes the map for constraints of a kind; without a `factory`, as a decorator of one."""
        if factory is None:
            return lambda made: self.register(constraint, made)
        kind = type(constraint) if isinstance(constraint, constraints.Constraint) else constraint
        if not (isinstance(kind, type) and issubclass(kind, constraints.Constraint)):
            raise TypeError("Expected constraint to be either a Constraint subclass or instance, "
                            f"but got {constraint}")
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint: Any) -> Any:
        try:
            factory = self._registry[type(constraint)]
        except KeyError:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints") from None
        return factory(constraint)


biject_to, transform_to = ConstraintRegistry(), ConstraintRegistry()


def _between(c: Any) -> Any:
    if c.lower_bound == 0 and c.upper_bound == 1:
        return transforms.SigmoidTransform()
    scaled = transforms.AffineTransform(c.lower_bound, c.upper_bound - c.lower_bound)
    return transforms.ComposeTransform([transforms.SigmoidTransform(), scaled])


def _above(c: Any) -> Any:
    return transforms.ComposeTransform([transforms.ExpTransform(), transforms.AffineTransform(c.lower_bound, 1)])


def _below(c: Any) -> Any:
    return transforms.ComposeTransform([transforms.ExpTransform(), transforms.AffineTransform(c.upper_bound, -1)])


_BOTH: dict[Any, Callable[[Any], Any]] = {
    constraints._Real: lambda c: transforms.identity_transform,
    constraints._GreaterThan: _above,
    constraints._GreaterThanEq: _above,
    constraints._LessThan: _below,
    constraints._Interval: _between,
    constraints._HalfOpenInterval: _between,
    constraints._CorrCholesky: lambda c: transforms.CorrCholeskyTransform(),
}
for _kind, _factory in _BOTH.items():
    biject_to.register(_kind, _factory)
    transform_to.register(_kind, _factory)
biject_to.register(constraints._Simplex, lambda c: transforms.StickBreakingTransform())
transform_to.register(constraints._Simplex, lambda c: transforms.SoftmaxTransform())
transform_to.register(constraints._LowerCholesky, lambda c: transforms.LowerCholeskyTransform())
for _kind in (constraints._PositiveDefinite, constraints._PositiveSemidefinite):
    transform_to.register(_kind, lambda c: transforms.PositiveDefiniteTransform())


def _of_parts(registry: ConstraintRegistry) -> None:
    registry.register(constraints._IndependentConstraint, lambda c: transforms.IndependentTransform(
        registry(c.base_constraint), c.reinterpreted_batch_ndims))
    registry.register(constraints._Cat, lambda c: transforms.CatTransform(
        [registry(part) for part in c.cseq], c.dim, c.lengths))
    registry.register(constraints._Stack, lambda c: transforms.StackTransform(
        [registry(part) for part in c.cseq], c.dim))


for _registry in (biject_to, transform_to):
    _of_parts(_registry)
