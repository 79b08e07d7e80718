"""Parametrizations that are often wanted (`torch.nn.utils.parametrizations`)."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapegrad import creation, drawing, linalg
from tapegrad.autograd.modes import no_grad
from tapegrad.functions import PUBLIC
from tapegrad.machine.live import machine
from tapegrad.namespaces import show_public
from tapegrad.nn import functional as F
from tapegrad.nn.modules.conv import _ConvTransposeNd
from tapegrad.nn.modules.module import Module
from tapegrad.nn.utils import parametrize
from tapegrad.nn.utils.weight_norm import norm_except_dim, scaled

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]
show_public(__name__)
_MAPS = ("matrix_exp", "cayley", "householder")


def _tensor_of(module: Module, name: str) -> Any:
    found = getattr(module, name, None)
    if not isinstance(found, machine.TensorBase):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return found


# ---------------------------------------------------------------- orthogonal matrices


class _Orthogonal(Module):
    """Any matrix as an orthogonal one: the exponential or the Cayley transform of a skew one, or reflections.

    With `use_trivialization` that is around `base`, so that any orthogonal matrix can be assigned.
    """

    def __init__(self, weight: Any, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        self.shape, self.orthogonal_map = weight.shape, orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Any) -> Any:
        wide = X.size(-2) < X.size(-1)
        X = X.mT if wide else X
        n, k = X.size(-2), X.size(-1)
        if self.orthogonal_map == "householder":
            A = X.tril(-1)
            tau = 2.0 / (1.0 + (A * A).sum(-2))
            Q = linalg.householder_product(A, tau)
            Q = Q * X.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)
        else:
            X = X.tril()
            if n != k:
                X = PUBLIC["cat"]([X, X.new_zeros((*X.shape[:-1], n - k))], -1)
            A = X - X.mT
            if self.orthogonal_map == "matrix_exp":
                Q = linalg.matrix_exp(A)
            else:
                unit = creation.eye(n, dtype=A.dtype)
                Q = linalg.solve(unit - 0.5 * A, unit + 0.5 * A)
            Q = Q[..., :k] if n != k else Q
        Q = self.base @ Q if hasattr(self, "base") else Q
        return Q.mT if wide else Q

    @no_grad()
    def right_inverse(self, Q: Any) -> Any:
        if Q.shape != self.shape:
            raise ValueError(f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape "
                             f"{Q.shape}.")
        if not hasattr(self, "base") and self.orthogonal_map == "householder":
            return _reflections(Q.mT).mT if Q.size(-2) < Q.size(-1) else _reflections(Q)
        if not hasattr(self, "base"):
            raise NotImplementedError("It is not possible to assign to the matrix exponential or the Cayley "
                                      "parametrizations when use_trivialization=False.")
        given = Q
        Q = Q.mT if Q.size(-2) < Q.size(-1) else Q
        n, k = Q.size(-2), Q.size(-1)
        if n != k:
            Q = PUBLIC["cat"]([Q, drawing.randn((*Q.shape[:-1], n - k), dtype=Q.dtype)], -1)
        self.base = Q.clone() if n == k and _is_orthogonal(Q) else _made_orthogonal(Q)
        minus = creation.zeros_like(given)
        minus.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
        return minus


def _reflections(Q: Any) -> Any:
    """The matrix that the householder map makes `Q` of: below the diagonal the reflections, on it signs."""
    from scipy.linalg import qr

    rows, columns = Q.shape[-2:]
    found = np.empty((math.prod(Q.shape[:-2]), rows, columns), Q.dtype.numpy)
    for made, matrix in zip(found, Q.detach().reshape(-1, rows, columns).numpy()):
        (packed, tau), _ = qr(matrix, mode="raw")
        made[...] = packed
        signs = np.where(np.diagonal(packed) < 0, -1, 1)
        np.fill_diagonal(made, np.where(tau == 0, -signs, signs))
    return creation.tensor(found).reshape(Q.shape)


def _is_orthogonal(Q: Any) -> bool:
    unit = creation.eye(Q.size(-1), dtype=Q.dtype)
    near = 10.0 * Q.size(-2) * (1e-7 if Q.dtype.itemsize == 4 else 2e-16)
    return bool(((Q.mT @ Q - unit).abs() <= near).all())


def _made_orthogonal(A: Any) -> Any:
    Q, R = linalg.qr(A)
    return Q * R.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)


def orthogonal(module: Module, name: str = "weight", orthogonal_map: str | None = None, *,
               use_trivialization: bool = True) -> Module:
    """Keep a matrix orthogonal (`torch.nn.utils.parametrizations.orthogonal`).

    >>> import tapegrad as torch
    >>> layer = orthogonal(torch.nn.Linear(3, 3))
    >>> bool(torch.allclose(layer.weight @ layer.weight.T, torch.eye(3), atol=1e-5))
    True

    `orthogonal_map` is "matrix_exp", "cayley" or "householder"; Lezcano-Casado, 2019. ValueError for what is no matrix.
    """
    weight = _tensor_of(module, name)
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    chosen = orthogonal_map or ("matrix_exp" if weight.size(-2) == weight.size(-1) else "householder")
    if chosen not in _MAPS:
        raise ValueError('orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: '
                         f"{orthogonal_map}")
    made = _Orthogonal(weight, chosen, use_trivialization=use_trivialization)
    return parametrize.register_parametrization(module, name, made, unsafe=True)


# ---------------------------------------------------------------- weights of a length, and a direction


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Any, weight_v: Any) -> Any:
        return scaled(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Any) -> Any:
        return norm_except_dim(weight, 2, self.dim), weight


class _OldNames:
    """States that were saved with `nn.utils.weight_norm` have other names."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        old = [f"{prefix}{self.name}_{part}" for part in "gv"]
        if all(key in state_dict for key in old):
            for j, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{self.name}.original{j}"] = state_dict.pop(key)


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Train the length and the direction of weights apart (`torch.nn.utils.parametrizations.weight_norm`).

    >>> import tapegrad as torch
    >>> [name for name, _ in weight_norm(torch.nn.Linear(2, 3)).named_parameters()]
    ['bias', 'parametrizations.weight.original0', 'parametrizations.weight.original1']

    One length for each index of `dim`, or one alone where that is None. Salimans and Kingma, 2016.
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    module._register_load_state_dict_pre_hook(_OldNames(name))
    return module


# ---------------------------------------------------------------- weights that stretch nothing


class _SpectralNorm(Module):
    """A weight over its largest singular value, which a step of the power method at each forward keeps track of."""

    def __init__(self, weight: Any, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{weight.ndim}, "
                             f"{weight.ndim - 1}] but "
                             f"got {dim})")
        if n_power_iterations <= 0:
            raise ValueError("Expected n_power_iterations to be positive, but got "
                             f"n_power_iterations={n_power_iterations}")
        self.dim, self.eps = dim % weight.ndim, eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = self._as_matrix(weight)
            u, v = (matrix.new_empty(n).normal_(0, 1) for n in matrix.size())
            self.register_buffer("_u", F.normalize(u, dim=0, eps=eps))
            self.register_buffer("_v", F.normalize(v, dim=0, eps=eps))
            self._power_method(matrix, 15)

    def _as_matrix(self, weight: Any) -> Any:
        return weight.movedim(self.dim, 0).flatten(1)

    @no_grad()
    def _power_method(self, matrix: Any, n: int) -> None:
        for _ in range(n):
            self._u.copy_(F.normalize(matrix.mv(self._v), dim=0, eps=self.eps))
            self._v.copy_(F.normalize(matrix.t().mv(self._u), dim=0, eps=self.eps))

    def forward(self, weight: Any) -> Any:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._as_matrix(weight)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # they are written to in the next forward
        return weight / u.dot(matrix.mv(v))

    def right_inverse(self, value: Any) -> Any:
        return value


def spectral_norm(module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12,
                  dim: int | None = None) -> Module:
    """Keep the largest singular value of a weight at one (`torch.nn.utils.parametrizations.spectral_norm`).

    >>> import tapegrad as torch
    >>> layer = spectral_norm(torch.nn.Linear(4, 4)).eval()
    >>> bool(torch.linalg.matrix_norm(layer.weight, 2) < 1.1)
    True

    Miyato et al., 2018.
    """
    weight = _tensor_of(module, name)
    if dim is None:
        dim = 1 if isinstance(module, _ConvTransposeNd) else 0
    return parametrize.register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))
