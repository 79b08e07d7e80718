"""L D Lᵀ of symmetric matrices that need not be definite, and solutions by it; neither has a derivative in PyTorch."""
from __future__ import annotations

from typing import Any

import numpy as np

from tapegrad import shapes
from tapegrad.autograd.made_nodes import without_derivative
from tapegrad.creation import from_array
from tapegrad.functions.common import into, into_each, kind_name, named
from tapegrad.functions.linear_algebra.solving import expect_former_system, expect_square, refused

Array = np.ndarray[Any, Any]


def ldl_factor_ex(A: Any, *, hermitian: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """L and D in one matrix, the rows that were exchanged (two negative numbers are a block of D), and for each matrix
    where D is singular or 0 (`torch.linalg.ldl_factor_ex`)."""
    found = _factored("torch.linalg.ldl_factor_ex", A)
    if check_errors:
        refused("linalg_ldl_factor_ex", found[2], RuntimeError)
    LD, pivots, info = into_each(out, found)
    return named("linalg_ldl_factor_ex", LD=LD, pivots=pivots, info=info)


def ldl_factor(A: Any, *, hermitian: bool = False, out: Any = None) -> Any:
    """L D Lᵀ of a symmetric matrix, of which the lower triangle is read (`torch.linalg.ldl_factor`).

    >>> import tapegrad
    >>> LD, pivots = tapegrad.linalg.ldl_factor(tapegrad.tensor([[2.0, 1.0], [1.0, 0.0]]))
    >>> LD, pivots
    (tensor([[ 2.0000,  0.0000],
            [ 0.5000, -0.5000]]), tensor([1, 2], dtype=torch.int32))
    """
    found = _factored("torch.linalg.ldl_factor_ex", A)
    refused("linalg_ldl_factor", found[2], RuntimeError)
    LD, pivots = into_each(out, found[:2])
    return named("linalg_ldl_factor", LD=LD, pivots=pivots)


def ldl_solve(LD: Any, pivots: Any, B: Any, *, hermitian: bool = False, out: Any = None) -> Any:
    """X with A X = B, by what `ldl_factor` gave for A (`torch.linalg.ldl_solve`).

    >>> import tapegrad
    >>> factors = tapegrad.linalg.ldl_factor(tapegrad.tensor([[2.0, 1.0], [1.0, 0.0]]))
    >>> tapegrad.linalg.ldl_solve(*factors, tapegrad.tensor([[3.0], [1.0]]))
    tensor([[1.],
            [1.]])
    """
    expect_square("torch.linalg.ldl_solve", LD)
    if B.ndim < 2:
        raise IndexError("Dimension out of range (expected to be in range of [-1, 0], but got -2)")
    expect_former_system("torch.linalg.ldl_solve", B, LD)
    if tuple(pivots.shape) != tuple(LD.shape[:-1]):
        raise RuntimeError("torch.linalg.ldl_solve: Expected LD.shape[:-1] and pivots.shape to be the same, but got "
                           f"pivots with shape {[*pivots.shape]} instead")
    if pivots.dtype.category != 1:
        raise RuntimeError(f"torch.linalg.ldl_solve: Expected pivots to be integers. Got {kind_name(pivots)}")
    batch = shapes.broadcast((tuple(LD.shape[:-2]), tuple(B.shape[:-2])))
    ld, order = np.broadcast_to(LD._array(), (*batch, *LD.shape[-2:])), np.broadcast_to(
        pivots._array(), (*batch, LD.shape[-1]))
    x = np.array(np.broadcast_to(B._array(), (*batch, *B.shape[-2:])))
    for i in np.ndindex(batch):
        _solve(ld[i], order[i], x[i])
    of = LD if LD.requires_grad else B
    return into(out, _constant(from_array(x, LD.dtype), of, "linalg_ldl_solve"))


def _factored(name: str, A: Any) -> list[Any]:
    expect_square(name, A)
    x = A._array()
    ld, pivots, info = np.zeros_like(x), np.zeros(x.shape[:-1], np.int32), np.zeros(x.shape[:-2], np.int32)
    if x.size:
        from scipy.linalg import lapack

        routine = lapack.dsytrf if x.dtype == np.float64 else lapack.ssytrf
        for i in np.ndindex(x.shape[:-2]):
            found, pivots[i], info[i] = routine(x[i], lower=1)
            ld[i] = np.tril(found)
    return [_constant(from_array(ld, A.dtype), A, "linalg_ldl_factor_ex"), from_array(pivots), from_array(info)]


def _solve(ld: Array, pivots: Array, x: Array) -> None:
    """In place: with L from the top, D as it comes, with Lᵀ from the bottom; exchanges as LAPACK made them."""
    n, k = len(ld), 0
    while k < n:
        wide = 1 + int(pivots[k] < 0)
        last = k + wide - 1
        _exchange(x, last, abs(int(pivots[k])) - 1)
        x[last + 1:] -= ld[last + 1:, k:last + 1] @ x[k:last + 1]
        block = ld[k:last + 1, k:last + 1]
        with np.errstate(all="ignore"):
            x[k:last + 1] = x[k] / block[0, 0] if wide == 1 else np.linalg.solve(
                block + np.tril(block, -1).T, x[k:last + 1])
        k += wide
    k = n - 1
    while k >= 0:
        first = k - int(pivots[k] < 0)
        x[first:k + 1] -= ld[k + 1:, first:k + 1].T @ x[k + 1:]
        _exchange(x, k, abs(int(pivots[k])) - 1)
        k = first - 1


def _exchange(x: Array, i: int, j: int) -> None:
    if i != j:
        x[[i, j]] = x[[j, i]]


def _constant(x: Any, of: Any, kind: str) -> Any:
    return without_derivative(x, "NotImplemented", of, refusal=RuntimeError(
        f"derivative for aten::{kind} is not implemented"))
