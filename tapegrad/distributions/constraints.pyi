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
    def check(self, value: Tensor) -> Tensor: ...
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
    r"""Whether a constraint depends on other values."""

class _DependentProperty(property, _Dependent):
    r"""A property that gives a constraint: of the class it is a dependent one, of an instance what it gives."""
    def __init__(self, fn: Callable[..., Any] | None=None, *, is_discrete: Any=NotImplemented, event_dim: Any=NotImplemented) -> None: ...
    def __call__(self, fn: Callable[..., Any]) -> _DependentProperty: ...

class _IndependentConstraint(Constraint):
    r"""The last axes of a constraint taken together: all of their values must be in it."""
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
    bounds: tuple[str, ...]
    def __init__(self, *bounds: Any, **named: Any) -> None: ...
    def __repr__(self) -> str: ...

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
    r"""Vectors of nonnegative whole numbers whose sum is at most a bound."""
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
    r"""Values put together along an axis, a constraint each."""
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
    r"""Values side by side along an axis, a constraint each."""
    cseq: Sequence[Constraint]
    dim: int
    def __init__(self, cseq: Sequence[Constraint], dim: int=0) -> None: ...
    @property
    def is_discrete(self) -> bool: ...
    @property
    def event_dim(self) -> int: ...
    def check(self, value: Tensor) -> Tensor: ...

boolean: Any
class cat:
    """Values put together along an axis, a constraint each."""

corr_cholesky: Any
dependent: Any
class dependent_property:
    """A property that gives a constraint: of the class it is a dependent one, of an instance what it gives."""

class greater_than:
    """Numbers above a bound."""

class greater_than_eq:
    """Numbers from a bound on."""

class half_open_interval:
    """Numbers from one bound, included, to another, excluded."""

class independent:
    """The last axes of a constraint taken together: all of their values must be in it."""

class integer_interval:
    """Whole numbers between two bounds, both included."""

class interval:
    """Numbers from one bound to another, both included."""

class less_than:
    """Numbers below a bound."""

lower_cholesky: Any
lower_triangular: Any
class multinomial:
    """Vectors of nonnegative whole numbers whose sum is at most a bound."""

nonnegative: Any
nonnegative_integer: Any
one_hot: Any
positive: Any
positive_definite: Any
positive_integer: Any
positive_semidefinite: Any
real: Any
real_vector: Any
simplex: Any
square: Any
class stack:
    """Values side by side along an axis, a constraint each."""

symmetric: Any
unit_interval: Any
