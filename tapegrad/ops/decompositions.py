"""Decompositions of matrices, through NumPy's LAPACK.

The factors of one decomposition come from one call, and so they are one value: on top of each other, with a row an
element of the shared axis. Their derivatives are stated in the factors themselves, and hold to any order where the
singular values or eigenvalues differ.
"""
from __future__ import annotations

import numpy as np

from .scalar import scalar, whole
from .spec import structured

where = scalar.where


def matrices(o, given):
    return len(o[0].shape) > 1


def square(o, given):
    return matrices(o, given) and o[0].shape[-1] == o[0].shape[-2]


def tall(shapes):
    return lambda: [((s,), {}) for s in shapes]


def gaps(values):
    """1 / (vⱼ - vᵢ), and 0 where they are equal."""
    apart = values.unsqueeze(values.ndim - 1) - values.unsqueeze(values.ndim)
    return where(apart == 0, 0, 1 / where(apart == 0, 1, apart))


def rows(x, start, count):
    return x.narrow(len(x.shape) - 2, start, count)


# ---------------------------------------------------------------- singular values: x = U diag(s) Vᵀ

def svd(x):
    u, _, vt = np.linalg.svd(x, full_matrices=False)
    return np.concatenate([u, np.swapaxes(vt, -1, -2)], -2)


def svd_shape(x):
    return *x.shape[:-2], x.shape[-2] + x.shape[-1], min(x.shape[-2:])


structured("linalg_svdvals", lambda builder, x: builder.called(
               lambda a: np.linalg.svd(a, compute_uv=False), x.dtype, (*x.shape[:-2], min(x.shape[-2:])), x),
           lambda g, x: svdvals_slope(g, x, whole.linalg_svd_factors(x)), method=False, accepts="f",
           column=lambda x: np.linalg.svd(x, compute_uv=False), samples=tall([(1, 1), (2, 1, 1), (3, 2), (2, 3)]),
           fits=matrices, grad_name="LinalgSvdBackward0")
structured("linalg_svd_factors", lambda builder, x: builder.called(svd, x.dtype, svd_shape(x), x),
           lambda g, x, out: svd_slope(g, x, out, whole.linalg_svdvals(x)), method=False, accepts="f",
           column=lambda x: svd(x), samples=tall([(2, 2), (3, 2), (2, 3)]), fits=matrices,
           grad_name="LinalgSvdBackward0")


def svdvals_slope(g, x, factors):
    m, n = x.shape[-2:]
    return (rows(factors, 0, m) * g.unsqueeze(g.ndim - 1)) @ rows(factors, m, n).mT


def svd_slope(g, x, out, s):
    m, n = x.shape[-2:]
    u, v, du, dv = rows(out, 0, m), rows(out, m, n), rows(g, 0, m), rows(g, m, n)
    across, down = s.unsqueeze(s.ndim - 1), s.unsqueeze(s.ndim)
    f, pu, pv = gaps(s * s), u.mT @ du, v.mT @ dv
    found = u @ (f * (pu - pu.mT) * across + down * (f * (pv - pv.mT))) @ v.mT
    if m > n:  # U spans part of the space only
        found = found + ((du - u @ pu) / across) @ v.mT
    if n > m:
        found = found + u @ ((dv - v @ pv) / across).mT
    return found


# ---------------------------------------------------------------- eigenvalues of symmetric matrices: x = V diag(w) Vᵀ

def eigh(x, upper):
    return np.linalg.eigh(x, "U" if upper else "L")[1]


def eigvalsh(x, upper):
    return np.linalg.eigvalsh(x, "U" if upper else "L")


def triangles(*shapes):
    return lambda: [((s,), {"upper": upper}) for s in shapes for upper in (False, True)]


structured("linalg_eigvalsh", lambda builder, x, *, upper: builder.called(
               lambda a: eigvalsh(a, upper), x.dtype, x.shape[:-1], x),
           lambda g, x, upper: eigvalsh_slope(g, whole.linalg_eigh_vectors(x, upper=upper)), method=False, accepts="f",
           column=lambda x, *, upper: eigvalsh(x, upper), samples=triangles((1, 1), (2, 1, 1)), fits=square,
           grad_name="LinalgEighBackward0")
structured("linalg_eigh_vectors", lambda builder, x, *, upper: builder.called(
               lambda a: eigh(a, upper), x.dtype, x.shape, x),
           lambda g, x, out, upper: out @ (
               gaps(whole.linalg_eigvalsh(x, upper=upper)) * (out.mT @ g)) @ out.mT, method=False, accepts="f",
           column=lambda x, *, upper: eigh(x, upper), samples=triangles((1, 1), (2, 1, 1)), fits=square,
           grad_name="LinalgEighBackward0")


def eigvalsh_slope(g, vectors):
    return (vectors * g.unsqueeze(g.ndim - 1)) @ vectors.mT


# ---------------------------------------------------------------- x = Q R, R upper triangular

def qr(x):
    q, r = np.linalg.qr(x)
    return np.concatenate([q, np.swapaxes(r, -1, -2)], -2)


structured("linalg_qr_factors", lambda builder, x: builder.called(qr, x.dtype, svd_shape(x), x),
           lambda g, x, out: qr_slope(g, x, out), method=False, accepts="f", column=lambda x: qr(x),
           samples=tall([(2, 2), (3, 2), (2, 3)]), fits=matrices, grad_name="LinalgQrBackward0")


def qr_slope(g, x, out):
    """With more columns than rows, R is [T S], x is [A B] with A = Q T, and S = Qᵀ B."""
    m, n = x.shape[-2:]
    k, axis = min(m, n), len(x.shape) - 2
    q, dq = rows(out, 0, m), rows(g, 0, m)
    t, dt = rows(out, m, k).mT, rows(g, m, k).mT
    if n > m:
        rest = rows(g, m + k, n - k).mT
        dq = dq + x.narrow(axis + 1, k, n - k) @ rest.mT
    both = t @ dt.mT - dq.mT @ q
    low = whole.triangle(both, diagonal=0.5, upper=False)
    found = whole.linalg_solve_triangular(t, (dq + q @ (low + low.mT)).mT, upper=True, unitriangular=False).mT
    if n <= m:
        return found
    return placed_columns(found, x, 0) + placed_columns(q @ rest, x, k)


def placed_columns(part, x, start):
    return whole.embed(part, shape=tuple(x.shape), of="slice", given=(
        ("dim", len(x.shape) - 1), ("start", start), ("end", start + part.shape[-1]), ("step", 1)))


# ---------------------------------------------------------------- functions of matrices

def pinv(x, atol, rtol):
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    kept = s > np.maximum(atol, rtol * s.max(-1, initial=0, keepdims=True))
    inverse = np.where(kept, 1 / np.where(kept, s, 1), 0).astype(x.dtype)
    return np.swapaxes(vt, -1, -2) @ (inverse[..., None] * np.swapaxes(u, -1, -2))


def expm(x):
    import scipy.linalg

    return scipy.linalg.expm(x.astype(np.float64)).astype(x.dtype) if x.size else x


structured("linalg_pinv", lambda builder, x, *, atol, rtol: builder.called(
               lambda a: pinv(a, atol, rtol), x.dtype, (*x.shape[:-2], x.shape[-1], x.shape[-2]), x),
           lambda g, x, out: pinv_slope(g, x, out), method=False, accepts="f",
           column=lambda x, *, atol, rtol: pinv(x, atol, rtol),
           samples=lambda: [((s,), {"atol": 0.0, "rtol": 1e-6}) for s in ((2, 2), (3, 2), (2, 2, 3))], fits=matrices)
structured("linalg_matrix_exp", lambda builder, x: builder.called(expm, x.dtype, x.shape, x),
           lambda g, x: expm_slope(g, x), method=False, accepts="f", column=lambda x: expm(x), domain=(-1, 1),
           samples=tall([(1, 1), (2, 2), (2, 1, 1)]), fits=square)


def pinv_slope(g, x, p):
    """As for an inverse, and what the null spaces turn by: (I - X P) gᵀ P Pᵀ + Pᵀ P gᵀ (I - P X)."""
    turned = g.mT - x @ (p @ g.mT)
    other = g.mT - (g.mT @ p) @ x
    return turned @ (p @ p.mT) + (p.mT @ p) @ other - p.mT @ g @ p.mT


def expm_slope(g, x):
    """The upper right block of exp([[Xᵀ, g], [0, Xᵀ]])."""
    n = x.shape[-1]
    block = corner(x.mT, 0, 0) + corner(g, 0, n) + corner(x.mT, n, n)
    found = whole.linalg_matrix_exp(block)
    return found.narrow(len(x.shape) - 2, 0, n).narrow(len(x.shape) - 1, n, n)


def corner(x, row, column):
    """A square matrix in one of twice the size."""
    n, axis = x.shape[-1], len(x.shape) - 2
    wide = whole.embed(x, shape=(*x.shape[:-1], 2 * n), of="slice", given=(
        ("dim", axis + 1), ("start", column), ("end", column + n), ("step", 1)))
    return whole.embed(wide, shape=(*x.shape[:-2], 2 * n, 2 * n), of="slice", given=(
        ("dim", axis), ("start", row), ("end", row + n), ("step", 1)))
