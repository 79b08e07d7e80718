"""Matrix products: rules in terms of `@` and transposes."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes
from tapegrad.ops.declaration import Builder, Rule, Value, structured
from tapegrad.ops.scalar import row, scalar, whole

structured("mm", lambda builder, x, y: x @ y, lambda g, x, y: (g @ y.mT, x.mT @ g), multilinear=True)
structured("bmm", lambda builder, x, y: x @ y, lambda g, x, y: (g @ y.mT, x.mT @ g), multilinear=True)
structured("mv", lambda builder, x, y: x @ y, lambda g, x, y: (g.unsqueeze(1) @ y.unsqueeze(0), x.mT @ g),
           multilinear=True)


def affine(builder: Builder, x: Value, a: Value, b: Value, *, beta: float, alpha: float) -> Value:
    """Lower `addmm`: the product's kernel adds it to a copy of the first operand."""
    if beta == 1 and alpha == 1 and a.dtype.is_floating_point and a.shape[1]:
        return builder.added(x, a @ b)
    product = a @ b
    total = product if alpha == 1 else product * alpha
    return total if beta == 0 else total + (x if beta == 1 else x * beta)


def scaled(x: Value, factor: float) -> Value:
    return x if factor == 1 else x * factor


structured("addmm", affine, lambda g, a, b, beta, alpha: (
               scaled(g, beta), scaled(g @ b.mT, alpha), scaled(a.mT @ g, alpha)), method=False, accepts="if",
           column=lambda x, a, b, *, beta, alpha: beta * x + alpha * (a @ b),
           samples=lambda: [(((3, 2), (3, 4), (4, 2)), {"beta": 1, "alpha": 1}),
                            (((2,), (3, 4), (4, 2)), {"beta": 1, "alpha": 1}),
                            (((3, 2), (3, 4), (4, 2)), {"beta": 2, "alpha": 3})],
           fits=lambda o, given: len({v.dtype for v in o}) == 1 and len(o[1].shape) == len(o[2].shape) == 2
           and o[1].shape[1] == o[2].shape[0])

# ---------------------------------------------------------------- LAPACK
# A matrix is factored once: functions hand its factors to the operations that need them, and those keep them for
# backward. They say nothing that the matrix does not, so that no gradient flows through them.


def square_samples(**given: Any) -> Rule:
    return lambda: [(((3, 3),), given), (((2, 2, 2),), given)]


def factored_samples(**given: Any) -> Rule:
    return lambda: [(((3, 3), (4, 3)), given), (((2, 2, 2), (2, 3, 2)), given)]


def is_square(o: Sequence[Any], given: dict[str, Any]) -> bool:
    return len(o[0].shape) > 1 and o[0].shape[-1] == o[0].shape[-2]


def is_factored(o: Sequence[Any], given: dict[str, Any]) -> bool:
    a, factors = o[0], o[-1]
    return is_square(o, given) and a.dtype is factors.dtype and tuple(factors.shape) == (
        *a.shape[:-2], a.shape[-1] + 1, a.shape[-1])


def is_system(o: Sequence[Any], given: dict[str, Any]) -> bool:
    return is_square(o, given) and o[0].dtype is o[1].dtype and tuple(o[1].shape[:-1]) == tuple(o[0].shape[:-1])


class LinAlgError(RuntimeError):
    """What linear algebra refuses (`torch.linalg.LinAlgError`)."""


# So it is called where it is shown, and found again by a pickle.
LinAlgError.__module__, LinAlgError.__name__, LinAlgError.__qualname__ = "tapegrad._C", "_LinAlgError", "_LinAlgError"


_DIVERGED = "{batch}The algorithm failed to converge because the input matrix is ill-conditioned or has too many " \
            "repeated {of} (error code: {element})."
_NOT_FINITE = "{name}: {batch}The algorithm failed to converge because the input matrix contained non-finite values."
REFUSALS = {
    "linalg_inv": "linalg.inv: {batch}The diagonal element {element} is zero, the inversion could not be completed "
                  "because the input matrix is singular.",
    "linalg_lu_factor": "torch.linalg.lu_factor: {batch}U[{element},{element}] is zero and using it on lu_solve would "
                        "result in a division by zero. If you still want to perform the factorization, consider "
                        "calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)",
    "linalg_solve": "torch.linalg.solve: {batch}The solver failed because the input matrix is singular.",
    "cholesky_inverse": "cholesky_inverse: {batch}The diagonal element {element} is zero, the inversion could not be "
                        "completed because the input matrix is singular.",
    "linalg_lstsq": "torch.linalg.lstsq: {batch}The least squares solution could not be computed because the input "
                    "matrix does not have full rank (error code: {element}).",
    "linalg_ldl_factor": "torch.linalg.ldl_factor: {batch}D[{element},{element}] is zero and using it on ldl_solve would "
                         "result in a division by zero.",
    "linalg_cholesky": "linalg.cholesky: {batch}The factorization could not be completed because the input is not "
                       "positive-definite (the leading minor of order {element} is not positive-definite).",
    **dict.fromkeys(("linalg_svdvals", "linalg_svd_factors", "linalg_pinv"),
                    "linalg.svd: " + _DIVERGED.replace("{of}", "singular values")),
    **dict.fromkeys(("linalg_eigvalsh", "linalg_eigh_factors"),
                    "linalg.eigh: " + _DIVERGED.replace("{of}", "eigenvalues")),
}


def refusal(name: str, which: int, element: int, batched: bool) -> str:
    """What LAPACK's refusal of one matrix of a batch means; a negative `element` is an argument that it cannot take."""
    batch = f"(Batch element {which}): " if batched else ""
    if element < 0:
        return _NOT_FINITE.format(name=REFUSALS[name].partition(":")[0], batch=batch)
    return REFUSALS[name].format(batch=batch, element=element)


def factors_of(x: Value) -> Value:
    """What `structural.factors` computes, with LAPACK as SciPy has it."""
    found = np.empty((*x.shape[:-2], x.shape[-1] + 1, x.shape[-1]), x.dtype)
    for i in np.ndindex(x.shape[:-2]):
        lu, pivots = getrf(x[i].T)
        found[i] = [*lu.T, pivots - np.arange(len(pivots))]
    return found


def diagonal(factors: Value) -> Value:
    """U's diagonal, whose product is the determinant but for its sign."""
    *batch, _, n = factors.shape
    *outer, down, across = factors.layout.strides
    return factors.restrided((*batch, n), (*outer, down + across))


def signs(factors: Value) -> Value:
    """What each exchange of rows does to the determinant's sign."""
    axis, n = factors.ndim - 2, factors.shape[-1]
    return 1 - 2 * scalar.minimum(factors.narrow(axis, n, 1).squeeze(axis), 1)


def whole_row(x: Value, reduce: Rule) -> Value:
    return reduce(x, (x.ndim - 1,)).squeeze(x.ndim - 1)


structured("linalg_lu", lambda builder, x: builder.factors(x), method=False, accepts="f", column=factors_of,
           samples=square_samples(), fits=is_square)
structured("linalg_inv", lambda builder, x, factors, *, strict: builder.solved(factors, None, strict=strict),
           lambda g, out: (-(out.mT @ g @ out.mT), None), method=False, accepts="f",
           column=lambda x, factors, *, strict: np.linalg.inv(x), samples=factored_samples(strict=True),
           fits=is_factored, grad_name="LinalgInvExBackward0")
structured("linalg_solve", lambda builder, a, b, factors, *, turned: builder.solved(factors, b, turned),
           lambda g, a, factors, out, turned: solve_slope(
               out, whole.linalg_solve(a, g, factors, turned=not turned), turned),
           method=False, accepts="f",
           column=lambda a, b, factors, *, turned: np.linalg.solve(np.swapaxes(a, -1, -2) if turned else a, b),
           samples=lambda: [(((2, 2), (2, 3), (3, 2)), {"turned": turned}) for turned in (False, True)],
           fits=lambda o, given: is_factored(o, given) and is_system(o, given), grad_name="LinalgSolveExBackward0")
structured("linalg_det", lambda builder, x, factors: whole_row(diagonal(factors) * signs(factors), row.prod),
           lambda g, x, factors: (across(g) * whole.cofactor(x, factors), None), method=False, accepts="f",
           column=lambda x, factors: np.linalg.det(x), samples=factored_samples(), fits=is_factored,
           grad_name="LinalgDetBackward0")
structured("cofactor", lambda builder, x, factors: builder.called(
               cofactors, x.dtype, x.shape, x, whole.linalg_inv(x, factors, strict=False),
               whole.linalg_det(x, factors)),
           lambda g, x, factors: (turned(g, x, factors), None), method=False, accepts="f",
           column=lambda x, factors: cofactors_of_any(x), samples=factored_samples(), fits=is_factored)
structured("linalg_logabsdet", lambda builder, x, factors: whole_row(
               scalar.log(scalar.abs(diagonal(factors))), row.sum),
           lambda g, x, factors: (across(g) * whole.linalg_inv(x, factors, strict=False).mT, None), method=False,
           accepts="f", column=lambda x, factors: np.linalg.slogdet(x)[1], samples=factored_samples(),
           fits=is_factored, grad_name="LinalgSlogdetBackward0")
structured("linalg_detsign", lambda builder, x, factors: whole_row(
               scalar.sign(diagonal(factors)) * signs(factors), row.prod),
           lambda g, x: (across(g) * (x * 0), None), method=False, accepts="f",
           column=lambda x, factors: np.linalg.slogdet(x)[0], samples=factored_samples(), fits=is_factored)


def across(g: Value) -> Value:
    """A number a matrix, to be multiplied with it."""
    return g.unsqueeze(-1).unsqueeze(-1)


def solve_slope(out: Value, w: Value, turned: bool) -> tuple[Value, ...]:
    return -(out @ w.mT if turned else w @ out.mT), w, None


def cofactors(x: Value, inverse: Value, det: Value) -> Value:
    """The derivative of the determinant: by the inverse of a matrix far from singular, else by singular values.

    Of a matrix of 1,000 columns they took eight times as long as the inverse.
    """
    if not x.size or not np.all(sums(x) * sums(inverse) <= np.finfo(x.dtype).eps ** -0.5):
        return cofactors_of_any(x)
    return det[..., None, None] * np.swapaxes(inverse, -1, -2)


def sums(x: Value) -> Value:
    """The norm of matrices whose product bounds their condition: the largest sum of a column."""
    return np.abs(x).sum(-2).max(-1)


def cofactors_of_any(x: Value) -> Value:
    """The cofactors from the singular values, right for singular matrices too; LAPACK hangs on what is not finite."""
    finite = np.isfinite(x).all((-2, -1), keepdims=True)
    if not finite.all():
        return np.where(finite, cofactors_of_any(np.where(finite, x, 0)), np.nan).astype(x.dtype)
    u, s, vt = np.linalg.svd(x)
    n = s.shape[-1]
    others = np.stack([np.prod(np.delete(s, i, -1), -1) for i in range(n)], -1) if n else s
    sign = np.linalg.det(u) * np.linalg.det(vt)
    return (sign[..., None, None] * ((u * others[..., None, :]) @ vt)).astype(x.dtype) if n else np.zeros_like(x)


def turned(g: Value, x: Value, factors: Value) -> Value:
    """The cofactors' derivative, for invertible matrices: det (tr(gᵀ B) B − B gᵀ B), B the inverse transposed."""
    b = whole.linalg_inv(x, factors, strict=True).mT
    inner = row.sum(g * b, (x.ndim - 2, x.ndim - 1))
    return across(whole.linalg_det(x, factors)) * (inner * b - b @ g.mT @ b)


def triangle(x: Value, diagonal: int, upper: bool) -> Value:
    found = np.triu(x, 1) if upper else np.tril(x, -1)
    return found + diagonal * x * np.eye(x.shape[-1], dtype=x.dtype)


def triangular_column(a: Value, b: Value, *, upper: bool, unitriangular: bool) -> Value:
    eye = np.eye(a.shape[-1], dtype=a.dtype)
    return np.linalg.solve(triangle(a, 0, upper) + eye if unitriangular else triangle(a, 1, upper), b)


# One triangle, and so much of the diagonal.
structured("triangle", lambda builder, x, *, diagonal, upper: builder.triangle(x, diagonal, upper),
           lambda g, diagonal, upper: whole.triangle(g, diagonal=diagonal, upper=upper), method=False, accepts="f",
           multilinear=True, column=lambda x, *, diagonal, upper: triangle(x, diagonal, upper), fits=is_square,
           samples=lambda: [s for upper in (False, True) for s in square_samples(diagonal=0.5, upper=upper)()])
structured("linalg_solve_triangular", lambda builder, a, b, *, upper, unitriangular: builder.solved_triangular(
               a, b, upper, unitriangular),
           lambda g, a, out, upper, unitriangular: triangular_slope(out, whole.linalg_solve_triangular(
               a.mT, g, upper=not upper, unitriangular=unitriangular), upper, unitriangular),
           method=False, accepts="f", column=triangular_column, fits=is_system,
           samples=lambda: [(((2, 2), (2, 3)), {"upper": upper, "unitriangular": ones})
                            for upper in (False, True) for ones in (False, True)])
structured("linalg_cholesky", lambda builder, x, *, strict: builder.cholesky(x, strict), lambda g, out: cholesky_slope(g, out),
           method=False, accepts="f", column=lambda x, *, strict: np.linalg.cholesky(x),
           samples=lambda: [(((1, 1),), {"strict": True}), (((2, 1, 1),), {"strict": False})],
           domain=(0.5, 3), fits=is_square, grad_name="LinalgCholeskyExBackward0")


def triangular_slope(out: Value, w: Value, upper: bool, unitriangular: bool) -> tuple[Value, ...]:
    return -whole.triangle(w @ out.mT, diagonal=1 - int(unitriangular), upper=upper), w


def cholesky_slope(g: Value, out: Value) -> Value:
    """L⁻ᵀ Φ(Lᵀ g) L⁻¹ made symmetric; Φ keeps the lower triangle and half of the diagonal."""
    half = over_lower(out, whole.triangle(out.mT @ g, diagonal=0.5, upper=False))
    s = over_lower(out, half.mT)
    return 0.5 * (s + s.mT)


def over_lower(lower: Value, x: Value) -> Value:
    return whole.linalg_solve_triangular(lower.mT, x, upper=True, unitriangular=False)


# ---------------------------------------------------------------- L and U as results


def permutations(pivots: Value, m: int) -> Value:
    """The row that comes to each place, for exchanges with `pivots` (from 1) one after another."""
    found = np.broadcast_to(np.arange(m), (*pivots.shape[:-1], m)).copy()
    for i in np.ndindex(pivots.shape[:-1]):
        for k, pivot in enumerate(pivots[i] - 1):
            found[i][[k, pivot]] = found[i][[pivot, k]]
    return found


def getrf(x: Value) -> tuple[Value, ...]:
    """L U of one matrix and its pivots, as LAPACK has them; it refuses matrices without elements."""
    from scipy.linalg import lapack

    lu, pivots, _ = (lapack.dgetrf if x.dtype == np.float64 else lapack.sgetrf)(x) if x.size else (x, np.arange(0), 0)
    return lu, pivots


def lu_order(x: Value) -> Value:
    """Pivots from 1, then the rows in their order."""
    k = min(x.shape[-2:])
    pivots = np.zeros((*x.shape[:-2], k), np.int64)
    for i in np.ndindex(x.shape[:-2]):
        pivots[i] = getrf(x[i])[1] + 1
    return np.concatenate([pivots, permutations(pivots, x.shape[-2])], -1)


def lu_compact(x: Value) -> Value:
    """L below and U on and above the diagonal, of matrices whose rows stay where they are."""
    found = np.empty_like(x)
    for i in np.ndindex(x.shape[:-2]):
        found[i], pivots = getrf(x[i])
        if np.any(pivots != np.arange(len(pivots))) or np.isnan(found[i].diagonal()).any():  # see the kernel `lu`
            found[i] = without_exchanges(x[i].copy())
    return found


def without_exchanges(x: Value) -> Value:
    for k in range(len(x)):
        x[k + 1:, k] /= x[k, k]
        x[k + 1:, k + 1:] -= np.outer(x[k + 1:, k], x[k, k + 1:])
    return x


structured("linalg_lu_order", lambda builder, x: builder.called(
               lu_order, dtypes.int64, (*x.shape[:-2], min(x.shape[-2:]) + x.shape[-2]), x), method=False, accepts="f",
           column=lambda x: lu_order(x), samples=square_samples(), fits=lambda o, given: len(o[0].shape) > 1)
structured("linalg_lu_compact", lambda builder, x: builder.called(lu_compact, x.dtype, x.shape, x),
           lambda g, out: lu_slope(g, out), method=False, accepts="f", column=lambda x: lu_compact(x),
           samples=square_samples(), fits=is_square, grad_name="LinalgLuFactorExBackward0")


def lu_slope(g: Value, out: Value) -> Value:
    """L⁻ᵀ (tril(Lᵀ dL) + triu(dU Uᵀ)) U⁻ᵀ, the lower triangle without its diagonal."""
    lower, upper = (whole.triangle(out, diagonal=int(up), upper=up) for up in (False, True))
    dl, du = (whole.triangle(g, diagonal=int(up), upper=up) for up in (False, True))
    inner = whole.triangle(lower.mT @ dl + dl, diagonal=0, upper=False) + whole.triangle(
        du @ upper.mT, diagonal=1, upper=True)
    left = whole.linalg_solve_triangular(out.mT, inner, upper=True, unitriangular=True)
    return whole.linalg_solve_triangular(out, left.mT, upper=True, unitriangular=False).mT
