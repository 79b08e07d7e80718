"""The largest singular values, by products with a few random vectors (Halko, Martinsson and Tropp 2011)."""
from __future__ import annotations

from typing import Any

from tapegrad import drawing, dtypes
from tapegrad.functions.common import public
from tapegrad.functions.linear_algebra.decompositions import qr, svd


def _basis(A: Any, count: int, turns: int) -> Any:
    """Orthonormal columns that span nearly what the products of A do: their algorithm 4.4."""
    of = A.dtype if A.dtype.is_floating_point else dtypes.float32
    found = qr(A @ drawing.randn((A.shape[-1], count), dtype=of)).Q
    for _ in range(turns):
        found = qr(A @ qr(A.mT @ found).Q).Q
    return found


@public
def svd_lowrank(A: Any, q: int | None = 6, niter: Any = 2, M: Any = None) -> Any:
    """U, S and V of the `q` largest singular values, nearly: A - M = U diag(S) Vᵀ (`torch.svd_lowrank`).

    >>> import tapegrad as torch
    >>> A = torch.tensor([[1.0], [2.0]]) @ torch.tensor([[2.0, 0.0, 1.0]])
    >>> U, S, V = torch.svd_lowrank(A, q=1)
    >>> torch.allclose(U * S @ V.T, A), U.shape, V.shape
    (True, torch.Size([2, 1]), torch.Size([3, 1]))

    It draws from the default generator; `niter` products with A and Aᵀ come after, each of which adds digits.
    """
    return _svd(A if M is None else A - M.expand(*A.shape), 6 if q is None else q, 2 if niter is None else niter)


def _svd(A: Any, q: int, niter: int) -> Any:
    m, n = A.shape[-2:]
    wide = m < n
    A = A.mT if wide else A
    basis = _basis(A, q, niter)
    found = svd(basis.mT @ A, full_matrices=False)
    U, V = basis @ found.U, found.Vh.mT
    return (V, found.S, U) if wide else (U, found.S, V)


@public
def pca_lowrank(A: Any, q: int | None = None, center: Any = True, niter: Any = 2) -> Any:
    """The first `q` principal components of the rows of A, nearly, as its U, S and V (`torch.pca_lowrank`).

    >>> import tapegrad as torch
    >>> U, S, V = torch.pca_lowrank(torch.tensor([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]]), q=1)
    >>> S, V.abs().round()
    (tensor([2.8284]), tensor([[1.],
            [0.]]))

    Columns are centred before, unless `center` is False. It draws from the default generator.
    """
    m, n = A.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return _svd(A - A.mean(-2, keepdim=True) if center else A, q, niter)
