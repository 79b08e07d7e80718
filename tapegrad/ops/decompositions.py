"""Decompositions of matrices.

The factors of one decomposition come from one call of LAPACK, and so they are one value: for each matrix a row, with
one factor after another. Singular values and eigenvalues are operations on these factors. Derivatives are stated in the
factors themselves, and hold to any order where the singular values or eigenvalues differ.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad.ops.declaration import Builder, Rule, Value, structured
from tapegrad.ops.scalar import row, scalar, whole

where = scalar.where


def matrices(o: Sequence[Any], given: dict[str, Any]) -> bool:
    return len(o[0].shape) > 1


def square(o: Sequence[Any], given: dict[str, Any]) -> bool:
    return matrices(o, given) and o[0].shape[-1] == o[0].shape[-2]


def tall(shapes: Sequence[tuple[int, ...]]) -> Rule:
    return lambda: [((s,), {}) for s in shapes]


def gaps(values: Value) -> Value:
    """1 / (vⱼ - vᵢ), and 0 where they are equal."""
    apart = values.unsqueeze(values.ndim - 1) - values.unsqueeze(values.ndim)
    return where(apart == 0, 0, 1 / where(apart == 0, 1, apart))


def block(x: Value, start: int, m: int, n: int) -> Value:
    """The m by n matrix that starts somewhere in rows of factors."""
    return x.narrow(len(x.shape) - 1, start, m * n).reshape(*x.shape[:-1], m, n)


def laid(*factors: Value) -> Value:
    """Factors as a decomposition leaves them."""
    batch = factors[0].shape[:factors[0].ndim - 2]
    return np.concatenate([f.reshape(*batch, -1) for f in factors], -1)


# ---------------------------------------------------------------- singular values: x = U diag(s) Vᵀ

def svd(x: Value, complete: bool) -> Value:
    """What LAPACK makes of xᵀ, for signs are its choice."""
    import scipy.linalg

    found = [scipy.linalg.svd(x[i].T, full_matrices=complete) for i in np.ndindex(x.shape[:-2])]
    rows = [np.concatenate([u.T.ravel(), v.T.ravel(), s]) for v, s, u in found]
    return np.reshape(rows, (*x.shape[:-2], len(rows[0])))


def singular_vectors(factors: Value, m: int, n: int) -> tuple[Value, ...]:
    """U and Vᵀ in rows of factors [U, Vᵀ, s]."""
    k = min(m, n)
    p, q = (k, k) if factors.shape[-1] == m * k + k * n + k else (m, n)
    return block(factors, 0, m, p), block(factors, m * p, q, n)


def thin_vectors(factors: Value, m: int, n: int) -> tuple[Value, ...]:
    """Those of them that belong to singular values."""
    (u, vt), k = singular_vectors(factors, m, n), min(m, n)
    return u.narrow(len(u.shape) - 1, 0, k), vt.narrow(len(vt.shape) - 2, 0, k)


def diagonal(values: Value) -> Value:
    """Square matrices with these on their diagonals."""
    *batch, n = values.shape
    return whole.diag_embed(values, shape=(*batch, n, n), of="diagonal", given=(
        ("offset", 0), ("dim1", len(batch)), ("dim2", len(batch) + 1)))


def last(factors: Value, k: int) -> Value:
    return factors.narrow(len(factors.shape) - 1, factors.shape[-1] - k, k)


def is_decomposed(o: Sequence[Any], given: dict[str, Any]) -> bool:
    """Whether the last operand may be the factors of the first: their number is not looked at twice."""
    return matrices(o, given) and o[0].dtype is o[1].dtype and tuple(o[1].shape[:-1]) == tuple(o[0].shape[:-2]) and (
        o[1].shape[-1] in lengths(*o[0].shape[-2:]))


def lengths(m: int, n: int) -> tuple[int, ...]:
    """How long rows of factors of an m by n matrix can be: of singular vectors, all or not, and of eigenvectors."""
    k = min(m, n)
    return (m * k + k * n + k, m * m + n * n + k, n * n + n)


structured("linalg_svdvals", lambda builder, x: builder.singular(x, "N"), None, method=False, accepts="f",
           column=lambda x: np.linalg.svd(x, compute_uv=False), samples=tall([(1, 1), (2, 1, 1), (3, 2), (2, 3)]),
           fits=matrices)
structured("linalg_svd_values", lambda builder, x, factors: last(factors, min(x.shape[-2:])),
           lambda g, x, factors: (svdvals_slope(g, x, factors), None), method=False, accepts="f",
           column=lambda x, factors: np.linalg.svd(x, compute_uv=False),
           samples=lambda: [((s, (*s[:-2], lengths(*s[-2:])[0])), {}) for s in ((1, 1), (2, 1, 1), (3, 2), (2, 3))],
           fits=is_decomposed, grad_name="LinalgSvdBackward0")
structured("linalg_svd_factors", lambda builder, x, *, complete: builder.singular(x, "A" if complete else "S"),
           lambda g, x, out: svd_slope(g, x, out), method=False, accepts="f",
           column=lambda x, *, complete: svd(x, complete), fits=matrices, grad_name="LinalgSvdBackward0",
           samples=lambda: [((s,), {"complete": False}) for s in ((2, 2), (3, 2), (2, 3))])


def svdvals_slope(g: Value, x: Value, factors: Value) -> Value:
    u, vt = thin_vectors(factors, *x.shape[-2:])
    return (u * g.unsqueeze(g.ndim - 1)) @ vt


def svd_slope(g: Value, x: Value, out: Value) -> Value:
    """The vectors that only a complete decomposition has are constants."""
    m, n = x.shape[-2:]
    (u, vt), (du, dvt) = (thin_vectors(f, m, n) for f in (out, g))
    s, ds, v, dv = last(out, min(m, n)), last(g, min(m, n)), vt.mT, dvt.mT
    across, down = s.unsqueeze(s.ndim - 1), s.unsqueeze(s.ndim)
    f, pu, pv = gaps(s * s), u.mT @ du, v.mT @ dv
    found = u @ (f * (pu - pu.mT) * across + down * (f * (pv - pv.mT)) + diagonal(ds)) @ v.mT
    if m > n:  # U spans part of the space only
        found = found + ((du - u @ pu) / across) @ v.mT
    if n > m:
        found = found + u @ ((dv - v @ pv) / across).mT
    return found


# ---------------------------------------------------------------- eigenvalues of symmetric matrices: x = V diag(w) Vᵀ

def eigh(x: Value, upper: bool) -> Value:
    w, v = np.linalg.eigh(x, "U" if upper else "L")
    return laid(np.swapaxes(v, -1, -2), w)


def eigvalsh(x: Value, upper: bool) -> Value:
    return np.linalg.eigvalsh(x, "U" if upper else "L")


def eigenvectors(factors: Value, n: int) -> Value:
    return block(factors, 0, n, n).mT


def triangles(*shapes: tuple[int, ...]) -> Rule:
    return lambda: [((s,), {"upper": upper}) for s in shapes for upper in (False, True)]


structured("linalg_eigvalsh", lambda builder, x, *, upper: builder.symmetric(x, upper, False), None, method=False,
           accepts="f", column=lambda x, *, upper: eigvalsh(x, upper), samples=triangles((1, 1), (2, 1, 1)),
           fits=square)
structured("linalg_eigh_values", lambda builder, x, factors, *, upper: last(factors, x.shape[-1]),
           lambda g, x, factors, upper: (eigvalsh_slope(g, x, factors), None), method=False, accepts="f",
           column=lambda x, factors, *, upper: eigvalsh(x, upper), fits=is_decomposed,
           samples=lambda: [((s, (*s[:-2], 2)), {"upper": upper}) for s in ((1, 1), (2, 1, 1)) for upper in (False, True)],
           grad_name="LinalgEighBackward0")
structured("linalg_eigh_factors", lambda builder, x, *, upper: builder.symmetric(x, upper, True),
           lambda g, x, out, upper: eigh_slope(g, x, out), method=False, accepts="f",
           column=lambda x, *, upper: eigh(x, upper), samples=triangles((1, 1), (2, 1, 1)), fits=square,
           grad_name="LinalgEighBackward0")


def eigvalsh_slope(g: Value, x: Value, factors: Value) -> Value:
    vectors = eigenvectors(factors, x.shape[-1])
    return (vectors * g.unsqueeze(g.ndim - 1)) @ vectors.mT


def eigh_slope(g: Value, x: Value, out: Value) -> Value:
    n = x.shape[-1]
    vectors, slope = eigenvectors(out, n), eigenvectors(g, n)
    turn = vectors.mT @ slope
    turn = (turn - turn.mT) * 0.5  # vectors can only turn; so the gradient is as symmetric as x
    return vectors @ (gaps(last(out, n)) * turn + diagonal(last(g, n))) @ vectors.mT


# ---------------------------------------------------------------- x = Q R, R upper triangular

def qr(x: Value, complete: bool) -> Value:
    return laid(*(np.swapaxes(f, -1, -2) for f in np.linalg.qr(x, "complete" if complete else "reduced")))


def triangular_factors(factors: Value, m: int, n: int, complete: bool = False) -> tuple[Value, ...]:
    """Q and R in rows of factors [Qᵀ, Rᵀ]."""
    c = m if complete else min(m, n)
    return block(factors, 0, c, m).mT, block(factors, c * m, n, c).mT


structured("linalg_qr_factors", lambda builder, x, *, complete: builder.orthogonal(x, complete),
           lambda g, x, out: qr_slope(g, x, out), method=False, accepts="f",
           column=lambda x, *, complete: qr(x, complete), fits=matrices, grad_name="LinalgQrBackward0",
           samples=lambda: [((s,), {"complete": False}) for s in ((2, 2), (3, 2), (2, 3))])


def qr_slope(g: Value, x: Value, out: Value) -> Value:
    """With more columns than rows, R is [T S], x is [A B] with A = Q T, and S = Qᵀ B."""
    m, n = x.shape[-2:]
    k, axis = min(m, n), len(x.shape) - 2
    (q, r), (dq, dr) = (triangular_factors(f, m, n) for f in (out, g))
    t, dt = r.narrow(axis + 1, 0, k), dr.narrow(axis + 1, 0, k)
    if n > m:
        rest = dr.narrow(axis + 1, k, n - k)
        dq = dq + x.narrow(axis + 1, k, n - k) @ rest.mT
    both = t @ dt.mT - dq.mT @ q
    low = whole.triangle(both, diagonal=0.5, upper=False)
    found = whole.linalg_solve_triangular(t, (dq + q @ (low + low.mT)).mT, upper=True, unitriangular=False).mT
    if n <= m:
        return found
    return placed_columns(found, x, 0) + placed_columns(q @ rest, x, k)


def placed_columns(part: Value, x: Value, start: int) -> Value:
    return whole.embed(part, shape=tuple(x.shape), of="slice", given=(
        ("dim", len(x.shape) - 1), ("start", start), ("end", start + part.shape[-1]), ("step", 1)))


# ---------------------------------------------------------------- functions of matrices

def pinv(x: Value, atol: float, rtol: float) -> Value:
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    kept = s > np.maximum(atol, rtol * s.max(-1, initial=0, keepdims=True))
    inverse = np.where(kept, 1 / np.where(kept, s, 1), 0).astype(x.dtype)
    return np.swapaxes(vt, -1, -2) @ (inverse[..., None] * np.swapaxes(u, -1, -2))


def expm(x: Value) -> Value:
    import scipy.linalg

    return scipy.linalg.expm(x.astype(np.float64)).astype(x.dtype) if x.size else x


def inverted(builder: Builder, x: Value, *, atol: float, rtol: float) -> Value:
    """Lower `linalg_pinv`: V diag(1 / s) Uᵀ, without the singular values that count as zero."""
    m, n = x.shape[-2:]
    k = min(m, n)
    if not k:
        return builder.result(x.dtype, (*x.shape[:-2], n, m))
    factors = whole.linalg_svd_factors(x, complete=False)
    (u, vt), s = singular_vectors(factors, m, n), last(factors, k)
    kept = s > scalar.maximum(s.narrow(s.ndim - 1, 0, 1) * rtol, atol)
    inverse = where(kept, 1 / where(kept, s, 1), 0)
    return (vt.mT * inverse.unsqueeze(inverse.ndim - 1)) @ u.mT


structured("linalg_pinv", inverted,
           lambda g, x, out: pinv_slope(g, x, out), method=False, accepts="f",
           column=lambda x, *, atol, rtol: pinv(x, atol, rtol),
           samples=lambda: [((s,), {"atol": 0.0, "rtol": 1e-6}) for s in ((2, 2), (3, 2), (2, 2, 3))], fits=matrices)
structured("linalg_matrix_exp", lambda builder, x: builder.called(expm, x.dtype, x.shape, x),
           lambda g, x: expm_slope(g, x), method=False, accepts="f", column=lambda x: expm(x), domain=(-1, 1),
           samples=tall([(1, 1), (2, 2), (2, 1, 1)]), fits=square)


def pinv_slope(g: Value, x: Value, p: Value) -> Value:
    """As for an inverse, and what the null spaces turn by: (I - X P) gᵀ P Pᵀ + Pᵀ P gᵀ (I - P X)."""
    turned = g.mT - x @ (p @ g.mT)
    other = g.mT - (g.mT @ p) @ x
    return turned @ (p @ p.mT) + (p.mT @ p) @ other - p.mT @ g @ p.mT


def expm_slope(g: Value, x: Value) -> Value:
    """The upper right block of exp([[Xᵀ, g], [0, Xᵀ]]), which is linear in g: a power of two brings that near to one.

    As it is, the largest element of both decides what is rounded away: of 10¹⁰ six digits are left of those of X.
    """
    n = x.shape[-1]
    largest = row.max(scalar.abs(g), (len(x.shape) - 2, len(x.shape) - 1)) if n else g
    scale = scalar.exp2(scalar.floor(scalar.log2(where(largest > 0, largest, 1))))
    block = corner(x.mT, 0, 0) + corner(g / scale, 0, n) + corner(x.mT, n, n)
    found = whole.linalg_matrix_exp(block)
    return found.narrow(len(x.shape) - 2, 0, n).narrow(len(x.shape) - 1, n, n) * scale


def corner(x: Value, row: int, column: int) -> Value:
    """A square matrix in one of twice the size."""
    n, axis = x.shape[-1], len(x.shape) - 2
    wide = whole.embed(x, shape=(*x.shape[:-1], 2 * n), of="slice", given=(
        ("dim", axis + 1), ("start", column), ("end", column + n), ("step", 1)))
    return whole.embed(wide, shape=(*x.shape[:-2], 2 * n, 2 * n), of="slice", given=(
        ("dim", axis), ("start", row), ("end", row + n), ("step", 1)))
