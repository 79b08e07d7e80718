"""Families of vectors and matrices: MultivariateNormal and its low-rank form, Wishart, LKJCholesky."""
from __future__ import annotations

import math
import warnings
from typing import Any

import tapegrad as torch
from tapegrad import Size, Tensor
from tapegrad.distributions import constraints
from tapegrad.distributions.distribution import Distribution, ExponentialFamily, Family
from tapegrad.distributions.positive import Beta, Chi2
from tapegrad.distributions.utils import _standard_normal, lazy_property

__all__ = ["LKJCholesky", "LowRankMultivariateNormal", "MultivariateNormal", "Wishart"]

LOG_2_PI = math.log(2 * math.pi)


def _batch_mv(matrix: Tensor, vector: Tensor) -> Tensor:
    """Products of matrices and vectors, of batches that broadcast."""
    return torch.matmul(matrix, vector.unsqueeze(-1)).squeeze(-1)


def _batch_mahalanobis(factor: Tensor, x: Tensor) -> Tensor:
    """xᵀ M⁻¹ x for M with the Cholesky factor `factor`."""
    return torch.linalg.solve_triangular(factor, x.unsqueeze(-1), upper=False).square().sum(-2).squeeze(-1)


def _half_log_det(factor: Tensor) -> Tensor:
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def _precision_to_scale_tril(precision: Tensor) -> Tensor:
    """The Cholesky factor of a precision's inverse, by way of the factor of the precision turned round."""
    flipped = torch.linalg.cholesky(torch.flip(precision, (-2, -1)))
    inverse = torch.transpose(torch.flip(flipped, (-2, -1)), -2, -1)
    eye = torch.eye(precision.shape[-1], dtype=precision.dtype)
    return torch.linalg.solve_triangular(inverse, eye, upper=False)


class MultivariateNormal(Family):
    """Normal vectors (`torch.distributions.MultivariateNormal`): of a covariance, a precision, or a Cholesky factor.

    >>> MultivariateNormal(torch.zeros(2), torch.eye(2)).log_prob(torch.ones(2))
    tensor(-2.8379)
    """

    arg_constraints = {"loc": constraints.real_vector, "covariance_matrix": constraints.positive_definite,
                       "precision_matrix": constraints.positive_definite, "scale_tril": constraints.lower_cholesky}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Tensor, covariance_matrix: Any = None, precision_matrix: Any = None,
                 scale_tril: Any = None, validate_args: bool | None = None) -> None:
        if loc.ndim < 1:
            raise ValueError("loc must be at least one-dimensional.")
        given = {name: matrix for name, matrix in (("covariance_matrix", covariance_matrix),
                 ("scale_tril", scale_tril), ("precision_matrix", precision_matrix)) if matrix is not None}
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given.items()
        if matrix.ndim < 2:
            matrix = "scale_tril matrix" if name == "scale_tril" else name
            raise ValueError(f"{matrix} must be at least two-dimensional, with optional leading batch dimensions")
        batch_shape = torch.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        setattr(self, name, matrix.expand((*batch_shape, -1, -1)))
        self.loc = loc.expand((*batch_shape, -1))
        Distribution.__init__(self, batch_shape, self.loc.shape[-1:], validate_args=validate_args)
        self._unbroadcasted_scale_tril = (
            scale_tril if name == "scale_tril" else torch.linalg.cholesky(matrix) if name == "covariance_matrix"
            else _precision_to_scale_tril(matrix))

    def _expand_parts(self, new: Any, batch_shape: Size) -> None:
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance."""
        return self._unbroadcasted_scale_tril.expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The matrix of covariances."""
        factor = self._unbroadcasted_scale_tril
        return torch.matmul(factor, factor.mT).expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        return torch.cholesky_inverse(self._unbroadcasted_scale_tril).expand(
            self._batch_shape + self._event_shape + self._event_shape)

    mean = mode = property(lambda self: self.loc)

    @property
    def variance(self) -> Tensor:
        """The variance of each coordinate."""
        return self._unbroadcasted_scale_tril.pow(2).sum(-1).expand(self._batch_shape + self._event_shape)

    def _rsample(self, shape: Size) -> Tensor:
        return self.loc + _batch_mv(self._unbroadcasted_scale_tril, _standard_normal(shape, self.loc.dtype))

    def _log_prob(self, value: Tensor) -> Tensor:
        factor = self._unbroadcasted_scale_tril
        distance = _batch_mahalanobis(factor, value - self.loc)
        return -0.5 * (self._event_shape[0] * LOG_2_PI + distance) - _half_log_det(factor)

    def entropy(self) -> Tensor:
        found = 0.5 * self._event_shape[0] * (1.0 + LOG_2_PI) + _half_log_det(self._unbroadcasted_scale_tril)
        return found.expand(self._batch_shape)


class LowRankMultivariateNormal(Family):
    """Normal vectors with the covariance W Wᵀ + D (`torch.distributions.LowRankMultivariateNormal`).

    >>> LowRankMultivariateNormal(torch.zeros(2), torch.ones(2, 1), torch.ones(2)).covariance_matrix
    tensor([[2., 1.],
            [1., 2.]])

    The determinant and the inverse are had through the small matrix I + Wᵀ D⁻¹ W (Woodbury).
    """

    arg_constraints = {"loc": constraints.real_vector, "cov_factor": constraints.independent(constraints.real, 2),
                       "cov_diag": constraints.independent(constraints.positive, 1)}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None) -> None:
        if loc.ndim < 1:
            raise ValueError("loc must be at least one-dimensional.")
        if cov_factor.ndim < 2:
            raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
        event_shape = loc.shape[-1:]
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m")
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}")
        try:
            batch_shape = torch.broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        except RuntimeError:
            raise ValueError(f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag "
                             f"{cov_diag.shape}") from None
        self.loc, self.cov_diag = (v.expand((*batch_shape, *event_shape)) for v in (loc, cov_diag))
        self.cov_factor = cov_factor.expand((*batch_shape, *cov_factor.shape[-2:]))
        self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag = cov_factor, cov_diag
        weighted = cov_factor.mT / cov_diag.unsqueeze(-2)
        small = torch.matmul(weighted, cov_factor)
        self._capacitance_tril = torch.linalg.cholesky(small + torch.eye(small.shape[-1], dtype=small.dtype))
        Distribution.__init__(self, batch_shape, event_shape, validate_args=validate_args)

    kept = ("_unbroadcasted_cov_factor", "_unbroadcasted_cov_diag", "_capacitance_tril")
    mean = mode = property(lambda self: self.loc)

    @lazy_property
    def variance(self) -> Tensor:
        """The variance of each coordinate."""
        found = self._unbroadcasted_cov_factor.pow(2).sum(-1) + self._unbroadcasted_cov_diag
        return found.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The matrix of covariances."""
        factor = self._unbroadcasted_cov_factor
        found = torch.matmul(factor, factor.mT) + torch.diag_embed(self._unbroadcasted_cov_diag)
        return found.expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        weighted = self._unbroadcasted_cov_factor.mT / self._unbroadcasted_cov_diag.unsqueeze(-2)
        a = torch.linalg.solve_triangular(self._capacitance_tril, weighted, upper=False)
        found = torch.diag_embed(self._unbroadcasted_cov_diag.reciprocal()) - a.mT @ a
        return found.expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance."""
        root = self._unbroadcasted_cov_diag.sqrt().unsqueeze(-1)
        scaled = self._unbroadcasted_cov_factor / root
        k = torch.matmul(scaled, scaled.mT) + torch.eye(self._event_shape[0], dtype=scaled.dtype)
        found = root * torch.linalg.cholesky(k)
        return found.expand(self._batch_shape + self._event_shape + self._event_shape)

    def _rsample(self, shape: Size) -> Tensor:
        common = _standard_normal(shape[:-1] + self.cov_factor.shape[-1:], self.loc.dtype)
        own = _standard_normal(shape, self.loc.dtype)
        return (self.loc + _batch_mv(self._unbroadcasted_cov_factor, common)
                + self._unbroadcasted_cov_diag.sqrt() * own)

    def _log_det(self) -> Tensor:
        return 2 * _half_log_det(self._capacitance_tril) + self._unbroadcasted_cov_diag.log().sum(-1)

    def _mahalanobis(self, x: Tensor) -> Tensor:
        weighted = self._unbroadcasted_cov_factor.mT / self._unbroadcasted_cov_diag.unsqueeze(-2)
        whole = (x.pow(2) / self._unbroadcasted_cov_diag).sum(-1)
        return whole - _batch_mahalanobis(self._capacitance_tril, _batch_mv(weighted, x))

    def _log_prob(self, value: Tensor) -> Tensor:
        off = self._mahalanobis(value - self.loc)
        return -0.5 * (self._event_shape[0] * LOG_2_PI + self._log_det() + off)

    def entropy(self) -> Tensor:
        found = 0.5 * (self._event_shape[0] * (1.0 + LOG_2_PI) + self._log_det())
        return found.expand(self._batch_shape)


class LKJCholesky(Family):
    """Cholesky factors of correlation matrices (`torch.distributions.LKJCholesky`).

    >>> LKJCholesky(2).log_prob(torch.eye(2))
    tensor(-0.6931)

    Drawn by the onion method of Lewandowski, Kurowicka, Joe, "Generating random correlation matrices based on vines and
    extended onion method" (2009).
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky
    kept = ("dim",)

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        concentration = torch.as_tensor(concentration)
        self.concentration = concentration
        self._make_beta()
        Distribution.__init__(self, concentration.shape, Size((dim, dim)), validate_args)

    def _make_beta(self) -> None:
        offset = torch.cat([torch.zeros(1), torch.arange(self.dim - 1, dtype=self.concentration.dtype)])
        offset = offset.to(self.concentration.dtype)
        most = self.concentration.unsqueeze(-1) + 0.5 * (self.dim - 2)
        self._beta = Beta(offset + 0.5, most - 0.5 * offset, validate_args=False)

    def _expand_parts(self, new: Any, batch_shape: Size) -> None:
        new._beta = self._beta.expand((*batch_shape, self.dim))

    def sample(self, sample_shape: Any = Size()) -> Tensor:
        with torch.no_grad():
            y = self._beta.sample(sample_shape).unsqueeze(-1)
            normal = torch.randn(self._extended_shape(sample_shape), dtype=y.dtype).tril(-1)
            sphere = normal / normal.norm(dim=-1, keepdim=True)
            sphere[..., 0, :] = 0.0
            w = torch.sqrt(y) * sphere
            rest = torch.clamp(1 - torch.sum(w**2, dim=-1), min=torch.finfo(w.dtype).tiny).sqrt()
            return w + torch.diag_embed(rest)

    def _log_prob(self, value: Tensor) -> Tensor:
        diagonal = value.diagonal(dim1=-1, dim2=-2)[..., 1:]
        order = torch.arange(2, self.dim + 1, dtype=self.concentration.dtype)
        order = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - order
        unnormalized = torch.sum(order * diagonal.log(), dim=-1)
        rows = self.dim - 1
        alpha = self.concentration + 0.5 * rows
        above = torch.special.multigammaln(alpha - 0.5, rows)
        constant = 0.5 * rows * math.log(math.pi) + above - torch.lgamma(alpha) * rows
        return unnormalized - constant


class Wishart(Family, ExponentialFamily):
    """Scatter matrices of normal vectors (`torch.distributions.Wishart`).

    >>> Wishart(3.0, torch.eye(2)).mean
    tensor([[3., 0.],
            [0., 3.]])

    Drawn as Bartlett has it, by a triangular factor of chi and normal numbers.
    """

    arg_constraints = {"covariance_matrix": constraints.positive_definite,
                       "precision_matrix": constraints.positive_definite,
                       "scale_tril": constraints.lower_cholesky, "df": constraints.greater_than(0)}
    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, df: Any, covariance_matrix: Any = None, precision_matrix: Any = None, scale_tril: Any = None,
                 validate_args: bool | None = None) -> None:
        given = {name: matrix for name, matrix in (("covariance_matrix", covariance_matrix),
                 ("precision_matrix", precision_matrix), ("scale_tril", scale_tril)) if matrix is not None}
        if len(given) != 1:
            raise AssertionError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given.items()
        if matrix.ndim < 2:
            raise ValueError("scale_tril must be at least two-dimensional, with optional leading batch dimensions")
        df = df if isinstance(df, Tensor) else torch.tensor(df, dtype=matrix.dtype)
        batch_shape = torch.broadcast_shapes(df.shape, matrix.shape[:-2])
        event_shape = matrix.shape[-2:]
        self.df = df.expand(batch_shape)
        if self.df.le(event_shape[-1] - 1).any():
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {event_shape[-1] - 1}.")
        setattr(self, name, matrix.expand((*batch_shape, -1, -1)))
        # The density wants more degrees of freedom than the matrix has rows, less one.
        self.arg_constraints = {**type(self).arg_constraints, "df": constraints.greater_than(event_shape[-1] - 1)}
        Distribution.__init__(self, batch_shape, event_shape, validate_args=validate_args)
        if self.df.lt(event_shape[-1]).any():
            warnings.warn("Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < "
                          "ndim.", stacklevel=2)
        self._unbroadcasted_scale_tril = (
            scale_tril if name == "scale_tril" else torch.linalg.cholesky(matrix) if name == "covariance_matrix"
            else _precision_to_scale_tril(matrix))
        self._make_chi2()

    def _make_chi2(self) -> None:
        p = self._event_shape[-1]
        rows = torch.arange(p, dtype=self._unbroadcasted_scale_tril.dtype).expand((*self._batch_shape, p))
        self._dist_chi2 = Chi2(df=self.df.unsqueeze(-1) - rows)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(Wishart, _instance)
        batch_shape, matrix = Size(batch_shape), Size(batch_shape) + self.event_shape
        for name in ("covariance_matrix", "precision_matrix", "scale_tril"):
            if name in self.__dict__:
                new.__dict__[name] = self.__dict__[name].expand(matrix)
        new.df, new.arg_constraints = self.df.expand(batch_shape), self.arg_constraints
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril.expand(matrix)
        Distribution.__init__(new, batch_shape, self.event_shape, validate_args=False)
        new._make_chi2()
        new._validate_args = self._validate_args
        return new

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the scale."""
        return self._unbroadcasted_scale_tril.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The matrix of scales."""
        factor = self._unbroadcasted_scale_tril
        return (factor @ factor.mT).expand(self._batch_shape + self._event_shape)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the scale."""
        return torch.cholesky_inverse(self._unbroadcasted_scale_tril).expand(self._batch_shape + self._event_shape)

    def _over(self) -> Tensor:
        return self.df.reshape((*self._batch_shape, 1, 1))

    mean = property(lambda self: self._over() * self.covariance_matrix)

    @property
    def mode(self) -> Tensor:
        """The likeliest matrix, NaN where there is none."""
        factor = self.df - self.covariance_matrix.shape[-1] - 1
        factor = torch.where(factor <= 0, torch.nan, factor)
        return factor.reshape((*self._batch_shape, 1, 1)) * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        """The variance of each element."""
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        return self._over() * (v.pow(2) + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def _bartlett_sampling(self, sample_shape: Any = Size()) -> Tensor:
        p = self._event_shape[-1]
        noise = self._dist_chi2.rsample(sample_shape).sqrt().diag_embed(dim1=-2, dim2=-1)
        i, j = torch.tril_indices(p, p, offset=-1)
        below = torch.randn(Size(sample_shape) + self._batch_shape + (p * (p - 1) // 2,), dtype=noise.dtype)
        noise[..., i, j] = below
        factor = self._unbroadcasted_scale_tril @ noise
        return factor @ factor.mT

    def rsample(self, sample_shape: Any = Size(), max_try_correction: Any = None) -> Tensor:
        """Matrices. As in PyTorch all are drawn a second time, and what is singular then, again."""
        tries = 10 if max_try_correction is None else max_try_correction
        sample_shape = Size(sample_shape)
        matrix = self._batch_shape + self._event_shape
        sample = self._bartlett_sampling(sample_shape).reshape((-1, *matrix))
        again = self._any_of_batch(constraints.positive_definite.check(sample))
        for _ in range(tries):
            if not again.any():
                break
            new = self._bartlett_sampling(Size((int(again.sum()),)))
            sample = sample.index_put((again,), new)
            singular = torch.zeros_like(again)
            singular[again] = self._any_of_batch(~constraints.positive_definite.check(new))
            again = singular
        return sample.reshape(sample_shape + matrix)

    def _any_of_batch(self, found: Tensor) -> Tensor:
        """Whether something is so of any of a batch."""
        return found.reshape((found.shape[0], -1)).any(-1)

    def sample(self, sample_shape: Any = Size()) -> Tensor:
        with torch.no_grad():
            return self.rsample(sample_shape)

    def _log_prob(self, value: Tensor) -> Tensor:
        nu, p = self.df, self._event_shape[-1]
        spread = torch.cholesky_solve(value, self._unbroadcasted_scale_tril).diagonal(dim1=-2, dim2=-1).sum(dim=-1)
        return (-nu * (p * math.log(2.0) / 2.0 + _half_log_det(self._unbroadcasted_scale_tril))
                - torch.mvlgamma(nu / 2.0, p=p) + (nu - p - 1) / 2.0 * torch.linalg.slogdet(value).logabsdet
                - spread / 2.0)

    def entropy(self) -> Tensor:
        nu, p = self.df, self._event_shape[-1]
        return ((p + 1) * (p * math.log(2.0) / 2.0 + _half_log_det(self._unbroadcasted_scale_tril))
                + torch.mvlgamma(nu / 2.0, p=p) - (nu - p - 1) / 2.0 * _mvdigamma(nu / 2.0, p=p) + nu * p / 2.0)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        nu, p = self.df, self._event_shape[-1]
        return -self.precision_matrix / 2.0, (nu - p - 1.0) / 2.0

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:
        p = self._event_shape[-1]
        return (y + (p + 1) / 2) * (-torch.linalg.slogdet(-2 * x).logabsdet + math.log(2.0) * p) + torch.mvlgamma(
            y + (p + 1) / 2, p=p)


def _mvdigamma(x: Tensor, p: int) -> Tensor:
    """The derivative of the logarithm of the multivariate gamma function."""
    steps = torch.arange(p, dtype=x.dtype)
    return torch.digamma(x.unsqueeze(-1) - steps / 2).sum(-1)
