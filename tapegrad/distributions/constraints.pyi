"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar

from collections.abc import Callable, Sequence
from tapegrad import Tensor

__all__: list[str]

class Constraint():
    r"""A set of values: `check` says of each value whether it is in it (`torch.distributions.constraints.Constraint`).

    >>> positive.check(torch.tensor([-1.0, 2.0]))
    tensor([False,  True])"""
    is_discrete: bool
    event_dim: int
    def check(self, value: Tensor) -> Tensor:
        r"""Whether each value is in the set."""

    def __repr__(self) -> str: ...

class _Dependent(Constraint):
    r"""Stands for a constraint that depends on other values, which `check` cannot see."""
    def __init__(self, *, is_discrete: Any=NotImplemented, event_dim: Any=NotImplemented) -> None: ...
    @property
    def is_discrete(self) -> bool: ...
    @property
    def event_dim(self) -> int: ...
    def __call__(self, *, is_discrete: Any=NotImplemented, event_dim: Any=NotImplemented) -> _Dependent: ...
    def check(self, value: Tensor) -> Tensor: ...

def is_dependent(constraint: Any) -> bool:
    r"""Whether a constraint depends on other values.

    >>> import tapegrad as torch
    >>> constraints = torch.distributions.constraints
    >>> constraints.is_dependent(constraints.dependent), constraints.is_dependent(constraints.real)
    (True, False)"""

class _DependentProperty(property, _Dependent):
    r"""A property that gives a constraint: of the class it is a dependent one, of an instance what it gives."""
    def __init__(self, fn: Callable[..., Any] | None=None, *, is_discrete: Any=NotImplemented, event_dim: Any=NotImplemented) -> None: ...
    def __call__(self, fn: Callable[..., Any]) -> _DependentProperty: ...

class _IndependentConstraint(Constraint):
    r"""The last axes of a constraint taken together: all of their values must be in it.

    >>> independent(positive, 1).check(torch.tensor([1.0, -2.0]))
    tensor(False)"""
    base_constraint: Constraint
    reinterpreted_batch_ndims: int
    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None: ...
    @property
    def is_discrete(self) -> bool: ...
    @property
    def event_dim(self) -> int: ...
    def check(self, value: Tensor) -> Tensor: ...
    def __repr__(self) -> str: ...

class MixtureSameFamilyConstraint(Constraint):
    r"""What the components of a mixture have in common: a value must be in each of theirs."""
    base_constraint: Constraint
    def __init__(self, base_constraint: Constraint) -> None: ...
    @property
    def is_discrete(self) -> bool: ...
    @property
    def event_dim(self) -> int: ...
    def check(self, value: Tensor) -> Tensor: ...
    def __repr__(self) -> str: ...

class _Bounded(Constraint):
    r"""A constraint with bounds, which its text names."""
    def __repr__(self) -> str: ...

class _Above(_Bounded):
    lower_bound: Any
    def __init__(self, lower_bound: Any) -> None: ...

class _Below(_Bounded):
    upper_bound: Any
    def __init__(self, upper_bound: Any) -> None: ...

class _Between(_Bounded):
    lower_bound: Any
    upper_bound: Any
    def __init__(self, lower_bound: Any, upper_bound: Any) -> None: ...

class _Interval(_Between):
    r"""Numbers from one bound to another, both included.

    >>> interval(0, 1).check(torch.tensor([0.5, 1.5]))
    tensor([ True, False])"""
    def check(self, value: Tensor) -> Tensor: ...

class _HalfOpenInterval(_Between):
    r"""Numbers from one bound, included, to another, excluded.

    >>> half_open_interval(0, 1).check(torch.tensor([0.0, 1.0]))
    tensor([ True, False])"""
    def check(self, value: Tensor) -> Tensor: ...

class _GreaterThan(_Above):
    r"""Numbers above a bound.

    >>> greater_than(0).check(torch.tensor([0.0, 1.0]))
    tensor([False,  True])"""
    def check(self, value: Tensor) -> Tensor: ...

class _GreaterThanEq(_Above):
    r"""Numbers from a bound on.

    >>> greater_than_eq(0).check(torch.tensor([0.0, 1.0]))
    tensor([True, True])"""
    def check(self, value: Tensor) -> Tensor: ...

class _LessThan(_Below):
    r"""Numbers below a bound.

    >>> less_than(1).check(torch.tensor([0.0, 1.0]))
    tensor([ True, False])"""
    def check(self, value: Tensor) -> Tensor: ...

class _IntegerInterval(_Between):
    r"""Whole numbers between two bounds, both included.

    >>> integer_interval(0, 2).check(torch.tensor([0.5, 1.0]))
    tensor([False,  True])"""
    is_discrete: bool
    def check(self, value: Tensor) -> Tensor: ...

class _IntegerGreaterThan(_Above):
    r"""Whole numbers from a bound on."""
    is_discrete: bool
    def check(self, value: Tensor) -> Tensor: ...

class _Boolean(Constraint):
    r"""0 and 1."""
    is_discrete: bool
    def check(self, value: Tensor) -> Tensor: ...

class _Real(Constraint):
    r"""All numbers but NaN."""
    def check(self, value: Tensor) -> Tensor: ...

class _OneHot(Constraint):
    r"""Vectors of zeros and a single one."""
    is_discrete: bool
    event_dim: int
    def check(self, value: Tensor) -> Tensor: ...

class _Simplex(Constraint):
    r"""Vectors of nonnegative numbers whose sum is 1, within 1e-6."""
    event_dim: int
    def check(self, value: Tensor) -> Tensor: ...

class _Multinomial(Constraint):
    r"""Vectors of nonnegative whole numbers whose sum is at most a bound.

    >>> multinomial(3).check(torch.tensor([1.0, 2.0]))
    tensor(True)"""
    upper_bound: Any
    is_discrete: bool
    event_dim: int
    def __init__(self, upper_bound: Any) -> None: ...
    def check(self, value: Tensor) -> Tensor: ...

class _LowerTriangular(Constraint):
    r"""Matrices with zeros above the diagonal."""
    event_dim: int
    def check(self, value: Tensor) -> Tensor: ...

class _LowerCholesky(Constraint):
    r"""Lower triangular matrices with a positive diagonal."""
    event_dim: int
    def check(self, value: Tensor) -> Tensor: ...

class _CorrCholesky(Constraint):
    r"""Cholesky factors of correlation matrices: lower triangular, rows of length 1, a positive diagonal."""
    event_dim: int
    def check(self, value: Tensor) -> Tensor: ...

class _Square(Constraint):
    r"""Square matrices."""
    event_dim: int
    def check(self, value: Tensor) -> Tensor: ...

class _Symmetric(_Square):
    r"""Symmetric matrices."""
    def check(self, value: Tensor) -> Tensor: ...

class _PositiveSemidefinite(_Symmetric):
    r"""Symmetric matrices without negative eigenvalues."""
    def check(self, value: Tensor) -> Tensor: ...

class _PositiveDefinite(_Symmetric):
    r"""Symmetric matrices with positive eigenvalues."""
    def check(self, value: Tensor) -> Tensor: ...

class _Cat(Constraint):
    r"""Values put together along an axis, a constraint each.

    >>> cat([positive, unit_interval]).check(torch.tensor([2.0, 2.0]))
    tensor([ True, False])"""
    cseq: Sequence[Constraint]
    lengths: Sequence[int] | None
    dim: int
    def __init__(self, cseq: Sequence[Constraint], dim: int=0, lengths: Sequence[int] | None=None) -> None: ...
    @property
    def is_discrete(self) -> bool: ...
    @property
    def event_dim(self) -> int: ...
    def check(self, value: Tensor) -> Tensor: ...

class _Stack(Constraint):
    r"""Values side by side along an axis, a constraint each.

    >>> stack([positive, unit_interval]).check(torch.tensor([2.0, 2.0]))
    tensor([ True, False])"""
    cseq: Sequence[Constraint]
    dim: int
    def __init__(self, cseq: Sequence[Constraint], dim: int=0) -> None: ...
    @property
    def is_discrete(self) -> bool: ...
    @property
    def event_dim(self) -> int: ...
    def check(self, value: Tensor) -> Tensor: ...

boolean: _Boolean
cat = _Cat
corr_cholesky: _CorrCholesky
dependent: _Dependent
dependent_property = _DependentProperty
greater_than = _GreaterThan
greater_than_eq = _GreaterThanEq
half_open_interval = _HalfOpenInterval
independent = _IndependentConstraint
integer_interval = _IntegerInterval
interval = _Interval
less_than = _LessThan
lower_cholesky: _LowerCholesky
lower_triangular: _LowerTriangular
multinomial = _Multinomial
nonnegative: _GreaterThanEq
nonnegative_integer: _IntegerGreaterThan
one_hot: _OneHot
positive: _GreaterThan
positive_definite: _PositiveDefinite
positive_integer: _IntegerGreaterThan
positive_semidefinite: _PositiveSemidefinite
real: _Real
real_vector: _IndependentConstraint
simplex: _Simplex
square: _Square
stack = _Stack
symmetric: _Symmetric
unit_interval: _Interval
