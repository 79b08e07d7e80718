"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar

from tapegrad import Size, Tensor
from tapegrad.distributions.distribution import ExponentialFamily, Family

__all__: list[str]

class MultivariateNormal(Family):
    r"""Normal vectors (`torch.distributions.MultivariateNormal`): of a covariance, a precision, or a Cholesky factor.

    >>> MultivariateNormal(torch.zeros(2), torch.eye(2)).log_prob(torch.ones(2))
    tensor(-2.8379)"""
    loc: Tensor
    covariance_matrix: Tensor
    precision_matrix: Tensor
    scale_tril: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    has_rsample: bool
    def __init__(self, loc: Tensor, covariance_matrix: Any=None, precision_matrix: Any=None, scale_tril: Any=None, validate_args: bool | None=None) -> None: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor:
        r"""The variance of each coordinate."""

    def entropy(self) -> Tensor: ...

class LowRankMultivariateNormal(Family):
    r"""Normal vectors with the covariance W Wᵀ + D (`torch.distributions.LowRankMultivariateNormal`).

    >>> LowRankMultivariateNormal(torch.zeros(2), torch.ones(2, 1), torch.ones(2)).covariance_matrix
    tensor([[2., 1.],
            [1., 2.]])

    The determinant and the inverse are had through the small matrix I + Wᵀ D⁻¹ W (Woodbury)."""
    loc: Tensor
    cov_factor: Tensor
    cov_diag: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    has_rsample: bool
    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None=None) -> None: ...
    kept: ClassVar[tuple[str, ...]]
    @property
    def mean(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor: ...
    @property
    def variance(self) -> Tensor:
        r"""The variance of each coordinate."""

    @property
    def covariance_matrix(self) -> Tensor:
        r"""The matrix of covariances."""

    @property
    def precision_matrix(self) -> Tensor:
        r"""The inverse of the covariance."""

    @property
    def scale_tril(self) -> Tensor:
        r"""The Cholesky factor of the covariance."""

    def entropy(self) -> Tensor: ...

class LKJCholesky(Family):
    r"""Cholesky factors of correlation matrices (`torch.distributions.LKJCholesky`).

    >>> LKJCholesky(2).log_prob(torch.eye(2))
    tensor(-0.6931)

    Drawn by the onion method of Lewandowski, Kurowicka, Joe, "Generating random correlation matrices based on vines and
    extended onion method" (2009)."""
    concentration: Tensor
    dim: int
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    kept: ClassVar[tuple[str, ...]]
    def __init__(self, dim: int, concentration: Any=1.0, validate_args: bool | None=None) -> None: ...
    def sample(self, sample_shape: Any=Size()) -> Tensor: ...

class Wishart(Family, ExponentialFamily):
    r"""Scatter matrices of normal vectors (`torch.distributions.Wishart`).

    >>> Wishart(3.0, torch.eye(2)).mean
    tensor([[3., 0.],
            [0., 3.]])

    Drawn as Bartlett has it, by a triangular factor of chi and normal numbers."""
    covariance_matrix: Tensor
    precision_matrix: Tensor
    scale_tril: Tensor
    df: Tensor
    arg_constraints: ClassVar[dict[str, Any]]
    support: Any
    has_rsample: bool
    def __init__(self, df: Any, covariance_matrix: Any=None, precision_matrix: Any=None, scale_tril: Any=None, validate_args: bool | None=None) -> None: ...
    def expand(self, batch_shape: Any, _instance: Any=None) -> Any: ...
    @property
    def mean(self) -> Tensor: ...
    @property
    def mode(self) -> Tensor:
        r"""The likeliest matrix, NaN where there is none."""

    @property
    def variance(self) -> Tensor:
        r"""The variance of each element."""

    def rsample(self, sample_shape: Any=Size(), max_try_correction: Any=None) -> Tensor:
        r"""Matrices. As in PyTorch all are drawn a second time, and what is singular then, again."""

    def sample(self, sample_shape: Any=Size()) -> Tensor: ...
    def entropy(self) -> Tensor: ...

