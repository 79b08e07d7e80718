"""Matrix products: rules in terms of `@` and transposes, kernels from BLAS."""
from __future__ import annotations

import numpy as np

from .scalar import row, whole
from .spec import structured

structured("mm", lambda builder, x, y: x @ y, lambda g, x, y: (g @ y.mT, x.mT @ g), multilinear=True)
structured("bmm", lambda builder, x, y: x @ y, lambda g, x, y: (g @ y.mT, x.mT @ g), multilinear=True)
structured("mv", lambda builder, x, y: x @ y, lambda g, x, y: (g.unsqueeze(1) @ y.unsqueeze(0), x.mT @ g),
           multilinear=True)


def affine(builder, x, a, b, *, beta, alpha):
    """Lower `addmm`: BLAS adds the product to a copy of the first operand."""
    if beta == 1 and alpha == 1 and a.dtype.is_floating_point and a.shape[1]:
        return builder.added(x, a @ b)
    product = a @ b
    total = product if alpha == 1 else product * alpha
    return total if beta == 0 else total + (x if beta == 1 else x * beta)


def scaled(x, factor):
    return x if factor == 1 else x * factor


structured("addmm", affine, lambda g, a, b, beta, alpha: (
               scaled(g, beta), scaled(g @ b.mT, alpha), scaled(a.mT @ g, alpha)), method=False, accepts="if",
           column=lambda x, a, b, *, beta, alpha: beta * x + alpha * (a @ b),
           samples=lambda: [(((3, 2), (3, 4), (4, 2)), {"beta": 1, "alpha": 1}),
                            (((2,), (3, 4), (4, 2)), {"beta": 1, "alpha": 1}),
                            (((3, 2), (3, 4), (4, 2)), {"beta": 2, "alpha": 3})],
           fits=lambda o, given: len({v.dtype for v in o}) == 1 and len(o[1].shape) == len(o[2].shape) == 2
           and o[1].shape[1] == o[2].shape[0])

# ---------------------------------------------------------------- LAPACK, through NumPy and SciPy


def square_samples(*more):
    return lambda: [(((3, 3), *more), {}), (((2, 2, 2), *((2, *m) for m in more)), {})]


def is_square(o, given):
    return len(o[0].shape) > 1 and o[0].shape[-1] == o[0].shape[-2]


def singular(function, name):
    """Call LAPACK; its refusal is told in PyTorch's words."""
    def call(*arrays):
        try:
            return function(*arrays)
        except np.linalg.LinAlgError:
            raise LinAlgError(
                f"{name}: The diagonal element 1 is zero, the inversion could not be completed because the "
                "input matrix is singular.") from None
    return call


class LinAlgError(RuntimeError):
    """What linear algebra refuses (`torch.linalg.LinAlgError`)."""


structured("linalg_inv", lambda builder, x: builder.called(singular(np.linalg.inv, "linalg.inv"), x.dtype, x.shape, x),
           lambda g, out: -(out.mT @ g @ out.mT), method=False, accepts="f", column=np.linalg.inv,
           samples=square_samples(), fits=is_square, grad_name="LinalgInvExBackward0")
structured("linalg_solve", lambda builder, a, b: builder.called(
               singular(np.linalg.solve, "linalg.solve"), a.dtype, b.shape, a, b),
           lambda g, a, out: (-(whole.linalg_solve(a.mT, g) @ out.mT), whole.linalg_solve(a.mT, g)), method=False,
           accepts="f", column=np.linalg.solve, samples=lambda: [(((2, 2), (2, 3)), {})], fits=is_square,
           grad_name="LinalgSolveExBackward0")
structured("linalg_det", lambda builder, x: builder.called(np.linalg.det, x.dtype, x.shape[:-2], x),
           lambda g, x: g.unsqueeze(-1).unsqueeze(-1) * whole.cofactor(x), method=False, accepts="f",
           column=np.linalg.det, samples=square_samples(), fits=is_square, grad_name="LinalgDetBackward0")
structured("cofactor", lambda builder, x: builder.called(cofactors, x.dtype, x.shape, x),
           lambda g, x: turned(g, x), method=False, accepts="f", column=lambda x: cofactors(x),
           samples=square_samples(), fits=is_square)
structured("linalg_logabsdet", lambda builder, x: builder.called(
               lambda a: np.linalg.slogdet(a)[1], x.dtype, x.shape[:-2], x),
           lambda g, x: g.unsqueeze(-1).unsqueeze(-1) * whole.linalg_inv(x).mT, method=False, accepts="f",
           column=lambda x: np.linalg.slogdet(x)[1], samples=square_samples(), fits=is_square,
           grad_name="LinalgSlogdetBackward0")
structured("linalg_detsign", lambda builder, x: builder.called(
               lambda a: np.linalg.slogdet(a)[0], x.dtype, x.shape[:-2], x),
           lambda g, x: g.unsqueeze(-1).unsqueeze(-1) * (x * 0), method=False, accepts="f",
           column=lambda x: np.linalg.slogdet(x)[0], samples=square_samples(), fits=is_square)


def cofactors(x):
    """The derivative of the determinant: by the inverse of a matrix far from singular, else by singular values.

    Of a matrix of 1,000 columns they took eight times as long as the inverse.
    """
    try:
        inverse = np.linalg.inv(x)
    except np.linalg.LinAlgError:
        return cofactors_of_any(x)
    if not x.size or np.any(sums(x) * sums(inverse) > np.finfo(x.dtype).eps ** -0.5):
        return cofactors_of_any(x)
    return np.linalg.det(x)[..., None, None] * np.swapaxes(inverse, -1, -2)


def sums(x):
    """The norm of matrices whose product bounds their condition: the largest sum of a column."""
    return np.abs(x).sum(-2).max(-1)


def cofactors_of_any(x):
    """The cofactors from the singular values, right for singular matrices too."""
    u, s, vt = np.linalg.svd(x)
    n = s.shape[-1]
    others = np.stack([np.prod(np.delete(s, i, -1), -1) for i in range(n)], -1) if n else s
    sign = np.linalg.det(u) * np.linalg.det(vt)
    return (sign[..., None, None] * ((u * others[..., None, :]) @ vt)).astype(x.dtype) if n else np.zeros_like(x)


def turned(g, x):
    """The cofactors' derivative, for invertible matrices: det (tr(gᵀ B) B − B gᵀ B), B the inverse transposed."""
    b = whole.linalg_inv(x).mT
    inner = row.sum(g * b, (x.ndim - 2, x.ndim - 1))
    return whole.linalg_det(x).unsqueeze(-1).unsqueeze(-1) * (inner * b - b @ g.mT @ b)



def lower_factor(x):
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        raise LinAlgError("linalg.cholesky: The factorization could not be completed because the input is not "
                          "positive-definite (the leading minor of order 1 is not positive-definite).") from None


def halved(x):
    """The lower triangle with half of the diagonal."""
    return np.tril(x) - 0.5 * x * np.eye(x.shape[-1], dtype=x.dtype)


structured("linalg_cholesky", lambda builder, x: builder.called(lower_factor, x.dtype, x.shape, x),
           lambda g, out: cholesky_slope(g, out), method=False, accepts="f",
           column=lower_factor, samples=lambda: [(((1, 1),), {}), (((2, 1, 1),), {})], domain=(0.5, 3),
           fits=is_square, grad_name="LinalgCholeskyExBackward0")
structured("halved", lambda builder, x: builder.called(halved, x.dtype, x.shape, x), lambda g: whole.halved(g),
           method=False, accepts="f", multilinear=True, column=lambda x: halved(x), samples=square_samples(),
           fits=is_square)


def cholesky_slope(g, out):
    """L⁻ᵀ Φ(Lᵀ g) L⁻¹ made symmetric; Φ keeps the lower triangle and half of the diagonal."""
    inverse = whole.linalg_inv(out)
    s = inverse.mT @ whole.halved(out.mT @ g) @ inverse
    return 0.5 * (s + s.mT)
