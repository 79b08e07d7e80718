"""Factors of matrices as results: L U and solutions by it, inverses and factors that refuse nothing, reflections."""
from __future__ import annotations

from typing import Any

import numpy as np

from tapegrad import creation, dtypes, shapes
from tapegrad.creation import from_array
from tapegrad.dispatch import apply
from tapegrad.functions.common import expect_tensor, into, kind_name, named, operation
from tapegrad.functions.linear_algebra.decompositions import matrix_rank, pinv, qr, svdvals
from tapegrad.functions.linear_algebra.solving import (
    batched,
    expect_sides,
    expect_square,
    expect_system,
    factors,
    first_where,
    refused,
    solve_triangular,
)
from tapegrad.functions.several_outputs import one_node
from tapegrad.functions.shaping.joining import cat
from tapegrad.ops.linalg import permutations


def inv_ex(A: Any, *, check_errors: bool = False, out: Any = None) -> Any:
    """The inverse, and for each matrix the diagonal element that makes it singular or 0 (`torch.linalg.inv_ex`)."""
    expect_square("linalg.inv", A)
    both = A, factors(A)
    info = _singular(both[1].narrow(-2, 0, A.shape[-1]))
    if check_errors:
        refused("linalg_inv_ex", info)
    return named("linalg_inv_ex", inverse=apply(operation("linalg_inv"), both, (("strict", False),)), info=info)


def cholesky_ex(A: Any, *, upper: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """The triangular factor, and for each matrix the minor that is not positive or 0 (`torch.linalg.cholesky_ex`)."""
    expect_square("linalg.cholesky", A)
    found = apply(operation("linalg_cholesky"), (A.mT if upper else A,), (("strict", False),))
    info = first_where(found.detach().diagonal(dim1=-2, dim2=-1).isnan())
    if check_errors:
        refused("linalg_cholesky_ex", info)
    return named("linalg_cholesky_ex", L=found.mT if upper else found, info=info)


def _lu(name: str, A: Any, pivot: bool) -> tuple[Any, Any, Any]:
    """L and U in one matrix, pivots, and the row of A that each of their rows stands for.

    The square part is one operation on rows in order; what a longer side has beyond it follows by substitution.
    """
    expect_tensor(name, A, "A")
    if A.ndim < 2:
        called = "linalg.lu" if name == "linalg.lu" else "torch.lu_factor"
        raise RuntimeError(f"{called}: Expected tensor with 2 or more dimensions. Got size: {[*A.shape]} instead")
    if not A.dtype.is_floating_point:
        raise NotImplementedError(f"\"lu_cpu\" not implemented for '{kind_name(A)}'")
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    m, n = A.shape[-2:]
    k = min(m, n)
    order = apply(operation("linalg_lu_order"), (A.detach(),))
    rows = order.narrow(-1, k, m)
    x = A.take_along_dim(rows.unsqueeze(-1), -2)
    found = apply(operation("linalg_lu_compact"), (x.narrow(-2, 0, k).narrow(-1, 0, k),))
    if n > k:
        found = cat((found, solve_triangular(found, x.narrow(-1, k, n - k), upper=False, unitriangular=True)), -1)
    elif m > k:
        # Where the largest number that was left of a column is nought, all are, and nothing is divided by it.
        nought = (found.detach().diagonal(dim1=-2, dim2=-1) == 0).to(found.dtype).diag_embed()
        found = cat((found, solve_triangular(found + nought, x.narrow(-2, k, m - k), upper=True, left=False)), -2)
    return found, order.narrow(-1, 0, k).int(), rows


@one_node("LinalgLuFactorExBackward0", 1)
def lu_factor(A: Any, *, pivot: bool = True, out: Any = None) -> Any:
    """L and U in one matrix, and the row each was exchanged with, from 1 (`torch.linalg.lu_factor`).

    >>> import tapegrad
    >>> LU, pivots = tapegrad.linalg.lu_factor(tapegrad.tensor([[1.0, 2.0], [2.0, 2.0]]))
    >>> LU, pivots
    (tensor([[2.0000, 2.0000],
            [0.5000, 1.0000]]), tensor([2, 2], dtype=torch.int32))
    """
    found, pivots, _ = _lu("linalg.lu_factor", A, pivot)
    refused("linalg_lu_factor", _singular(found), RuntimeError)
    return named("linalg_lu_factor", LU=found, pivots=pivots)


@one_node("LinalgLuFactorExBackward0", 1)
def lu_factor_ex(A: Any, *, pivot: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """The same, and for each matrix where U's diagonal is zero or 0 (`torch.linalg.lu_factor_ex`)."""
    found, pivots, _ = _lu("linalg.lu_factor", A, pivot)
    info = _singular(found)
    if check_errors:
        refused("linalg_lu_factor_ex", info, RuntimeError)
    return named("linalg_lu_factor_ex", LU=found, pivots=pivots, info=info)


def _singular(found: Any) -> Any:
    """Where U is zero first on its diagonal, from 1, or 0."""
    return first_where(found.detach().diagonal(dim1=-2, dim2=-1) == 0)


@one_node("LinalgLuBackward0", 2)
def lu(A: Any, *, pivot: bool = True, out: Any = None) -> Any:
    """P, L and U with A = P L U (`torch.linalg.lu`)."""
    found, _, rows = _lu("linalg.lu", A, pivot)
    m, n = A.shape[-2:]
    k = min(m, n)
    lower = found.narrow(-1, 0, k).tril(-1) + creation.eye(m, k, dtype=A.dtype)
    return named("linalg_lu", P=creation.eye(m, dtype=A.dtype)[rows].mT, L=lower, U=found.narrow(-2, 0, k).triu())


@one_node("LinalgLuSolveBackward0")
def lu_solve(LU: Any, pivots: Any, B: Any, *, left: bool = True, adjoint: bool = False, out: Any = None) -> Any:
    """X with A X = B, by what `lu_factor` gave for A (`torch.linalg.lu_solve`)."""
    expect_square("torch.linalg.lu_solve", LU)
    if pivots.dtype is not dtypes.int32:
        raise RuntimeError("linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32")
    if LU.dtype is not B.dtype:
        raise RuntimeError("linalg.lu_solve: Expected LU and B to have the same dtype, but found LU of type "
                           f"{kind_name(LU)} and B of type {kind_name(B)} instead")
    expect_sides("linalg.lu_solve", LU, B, left)
    if pivots.shape[-1:] != LU.shape[-1:]:
        raise RuntimeError("linalg.lu_solve: Number of pivots per batch should be same as the dimension of the matrix")
    if not left:
        return into(out, lu_solve(LU, pivots, B.mT, adjoint=not adjoint).mT)
    order = permutations(pivots._array(), LU.shape[-1])
    batch = shapes.broadcast((tuple(LU.shape[:-2]), tuple(B.shape[:-2])))
    rows = from_array(np.argsort(order, -1) if adjoint else order).unsqueeze(-1)
    rows, x = batched(rows, batch), batched(B, batch)
    if not adjoint:
        x = solve_triangular(LU, x.take_along_dim(rows, -2), upper=False, unitriangular=True)
        return into(out, solve_triangular(LU, x, upper=True))
    x = solve_triangular(LU.mT, solve_triangular(LU.mT, x, upper=False), upper=True, unitriangular=True)
    return into(out, x.take_along_dim(rows, -2))


@one_node("LinalgSolveExBackward0", 1)
def solve_ex(A: Any, B: Any, *, left: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """The solution of a linear system, and for each matrix the diagonal element that makes it singular or 0
    (`torch.linalg.solve_ex`)."""
    vector = expect_system(A, B, left)
    found, pivots, info = lu_factor_ex(A)
    if check_errors:
        refused("linalg_solve_ex", info)
    solution = lu_solve(found, pivots, B.unsqueeze(-1) if vector else B, left=left)
    return named("linalg_solve_ex", result=solution.squeeze(-1) if vector else solution, info=info)


@one_node("LinalgHouseholderProductBackward0")
def householder_product(A: Any, tau: Any, *, out: Any = None) -> Any:
    """The first columns of a product of reflections by columns of A and `tau` (`torch.linalg.householder_product`)."""
    name = "torch.linalg.householder_product"
    if A.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    m, n = A.shape[-2:]
    if m < n:
        raise RuntimeError(f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if tau.shape[-1:] and n < tau.shape[-1]:
        raise RuntimeError(f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if A.ndim - tau.ndim != 1:
        raise RuntimeError(f"{name}: Expected tau to have one dimension less than input, but got tau.ndim equal to "
                           f"{tau.ndim} and input.ndim is equal to {A.ndim}")
    if tuple(tau.shape[:-1]) != tuple(A.shape[:-2]):
        raise RuntimeError(f"{name}: Expected batch of tau to be equal to input.shape[:-2], but got "
                           f"{list(tau.shape[:-1])}")
    if tau.dtype is not A.dtype:
        raise RuntimeError(f"{name}: tau dtype {kind_name(tau)} does not match input dtype {kind_name(A)}")
    if not A.dtype.is_floating_point:
        raise NotImplementedError(f"\"orgqr_cpu\" not implemented for '{kind_name(A)}'")
    below = A.tril(-1) + creation.eye(m, n, dtype=A.dtype)
    found = creation.eye(m, n, dtype=A.dtype).expand(*A.shape) + 0 * tau.sum()  # recorded, be there no reflection
    for i in reversed(range(tau.shape[-1])):
        v = below.narrow(-1, i, 1)
        found = found - tau.narrow(-1, i, 1).unsqueeze(-1) * (v @ (v.mT @ found))
    return into(out, found)


def _of_full_rank(A: Any, b: Any) -> Any:
    """What LAPACK's `gels` finds: by Q and R, refused where R is singular, and zero of a matrix that is."""
    m, n = A.shape[-2:]
    if not A.numel():
        return A.new_zeros((*A.shape[:-2], n, b.shape[-1]))
    q, r = qr(A if m >= n else A.mT)
    none = (A.detach() == 0).all(-1).all(-1)
    refused("linalg_lstsq", first_where((r.detach().diagonal(dim1=-2, dim2=-1) == 0) & ~none.unsqueeze(-1)))
    none = none[..., None, None]
    r = r + none * creation.eye(min(m, n), dtype=A.dtype)
    if m >= n:
        return solve_triangular(r, q.mT @ b, upper=True).masked_fill(none, 0)
    return (q @ solve_triangular(r.mT, b, upper=False)).masked_fill(none, 0)


@one_node("LinalgLstsqBackward0")
def lstsq(A: Any, B: Any, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """X that makes A X - B least, residuals, ranks, singular values (`torch.linalg.lstsq`)."""
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError("torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    expect_tensor("linalg_lstsq", A, "input")
    expect_tensor("linalg_lstsq", B, "b", 2)
    for name, x, least in (("input", A, 2), ("other", B, 1)):
        if x.ndim < least:
            raise RuntimeError(f"torch.linalg.lstsq: {name} must have at least {least} dimensions.")
    if not 0 <= A.ndim - B.ndim <= 1:
        raise RuntimeError("torch.linalg.lstsq: input.dim() must be greater or equal to other.dim() and (input.dim() - "
                           "other.dim()) <= 1")
    vector = B.ndim == A.ndim - 1
    b = B.unsqueeze(-1) if vector else B
    if b.shape[-2] != A.shape[-2]:
        raise RuntimeError("torch.linalg.lstsq: input.size(-2) should match other.size("
                           f"{-1 if vector else -2})")
    if A.dtype is not B.dtype:
        raise RuntimeError("torch.linalg.lstsq: Expected input and other to have the same dtype, but got input's dtype "
                           f"{kind_name(A)} and other's dtype {kind_name(B)}")
    if not A.dtype.is_floating_point:
        raise RuntimeError("This function doesn't handle types other than float and double")
    rtol = dtypes.finfo(A.dtype).eps * max(A.shape[-2:]) if rcond is None else rcond
    m, n = A.shape[-2:]
    driver = driver or "gelsy"
    solution = _of_full_rank(A, b) if driver == "gels" else pinv(A, rtol=rtol) @ b
    rank = creation.empty(0, dtype=dtypes.int64) if driver == "gels" else matrix_rank(A, rtol=rtol)
    known = m > n and driver != "gelsy" and (driver == "gels" or bool((rank == n).all()))
    residuals = ((A @ solution - b) ** 2).sum(-2) if known else solution.reshape(-1)[:0]
    values = svdvals(A.detach()) if driver in ("gelsd", "gelss") else creation.empty(0, dtype=A.dtype)
    return named("linalg_lstsq", solution=solution.squeeze(-1) if vector else solution, residuals=residuals, rank=rank,
                 singular_values=values)
