"""Decompositions of matrices, and what is made of them: singular values, eigenvalues, Q R, pseudo-inverses, ranks."""
from __future__ import annotations

import math
from typing import Any

from tapegrad import creation, dispatch, dtypes, errors, shapes
from tapegrad.dispatch import apply, differentiated
from tapegrad.functions.common import METHODS, PUBLIC, expect_tensor, into, method, named, operation, public
from tapegrad.functions.linear_algebra.solving import (
    expect_floating,
    expect_former_system,
    expect_kernel,
    expect_square,
    first_where,
    inv,
    linalg_norm,
    refused,
    singular_values,
    slogdet,
    solve,
    solve_triangular,
)
from tapegrad.functions.pointwise.arithmetic import where
from tapegrad.functions.several_outputs import called, one_node
from tapegrad.functions.shaping.joining import cat, stack
from tapegrad.machine.live import machine
from tapegrad.ops.declaration import REGISTRY
from tapegrad.ops.decompositions import eigenvectors, singular_vectors, triangular_factors
from tapegrad.tensor import Tensor

maximum = machine.functions[REGISTRY["maximum"].opcode]


def _matrix(name: str, A: Any) -> None:
    expect_tensor(name, A, "A")
    if A.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    expect_floating(name, A)


def _no_driver(driver: str | None) -> None:
    if driver is not None:
        raise RuntimeError("torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with "
                           "cuSOLVER backend.")


@one_node("LinalgSvdBackward0", 3)
def svd(A: Any, full_matrices: bool = True, *, driver: str | None = None, out: Any = None) -> Any:
    """U, S and Vᵀ with A = U diag(S) Vᵀ (`torch.linalg.svd`).

    >>> import tapegrad
    >>> U, S, Vh = tapegrad.linalg.svd(tapegrad.tensor([[3.0, 0.0], [0.0, -2.0]]), full_matrices=False)
    >>> S
    tensor([3., 2.])

    Signs of vectors are a matter of convention. The vectors that only `full_matrices` has are constants to
    differentiation.
    """
    _matrix("linalg.svd", A)
    _no_driver(driver)
    factors = apply(operation("linalg_svd_factors"), (A,), (("complete", bool(full_matrices)),))
    u, vt = singular_vectors(factors, *A.shape[-2:])
    return named("linalg_svd", U=u, S=apply(operation("linalg_svd_values"), (A, factors)), Vh=vt)


def torch_svd(input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Any = None) -> Any:
    """U, S and V with input = U diag(S) Vᵀ (`torch.svd`)."""
    u, s, vt = svd(input, not some)
    return named("svd", U=u, S=s, V=vt.mT)


METHODS["svd"] = PUBLIC["svd"] = torch_svd


@one_node("LinalgSvdBackward0", 3, first=1)
def svdvals(A: Any, *, driver: str | None = None, out: Any = None) -> Any:
    """Singular values, largest first (`torch.linalg.svdvals`)."""
    _matrix("linalg.svd", A)
    _no_driver(driver)
    return into(out, singular_values(A))


def _triangle(name: str, A: Any, UPLO: str) -> tuple[tuple[str, bool]]:
    """Which triangle is read; the gradient stays whole, as in PyTorch."""
    expect_square(name, A)
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return (("upper", UPLO.upper() == "U"),)


@one_node("LinalgEighBackward0", 2)
def eigh(A: Any, UPLO: str = "L", *, out: Any = None) -> Any:
    """Eigenvalues in order and eigenvectors of symmetric matrices (`torch.linalg.eigh`)."""
    upper = _triangle("linalg.eigh", A, UPLO)
    factors = apply(operation("linalg_eigh_factors"), (A,), upper)
    return named("linalg_eigh", eigenvalues=apply(operation("linalg_eigh_values"), (A, factors), upper),
                 eigenvectors=eigenvectors(factors, A.shape[-1]))


@one_node("LinalgEighBackward0", 2)
def eigvalsh(A: Any, UPLO: str = "L", *, out: Any = None) -> Any:
    """Eigenvalues of symmetric matrices, in order (`torch.linalg.eigvalsh`)."""
    upper = _triangle("linalg.eigh", A, UPLO)
    if not differentiated(A):
        return into(out, apply(operation("linalg_eigvalsh"), (A,), upper))
    factors = apply(operation("linalg_eigh_factors"), (A,), upper)
    return into(out, apply(operation("linalg_eigh_values"), (A, factors), upper))


@one_node("LinalgQrBackward0", 2)
def qr(A: Any, mode: str = "reduced", *, out: Any = None) -> Any:
    """Q with orthonormal columns and upper triangular R, A = Q R (`torch.linalg.qr`)."""
    _matrix("linalg.qr", A)
    if mode not in ("reduced", "r", "complete"):
        raise RuntimeError(f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or "
                           "'complete'")
    m, n = A.shape[-2:]
    complete = mode == "complete" and m > n
    if complete and differentiated(A):
        raise RuntimeError("linalg_qr_backward: The QR decomposition is not differentiable when mode='complete' and "
                           "nrows > ncols")
    if mode == "r" and differentiated(A):
        raise RuntimeError("linalg_qr_backward: The derivative of linalg.qr depends on Q, which is not computed when "
                           "mode='r'. Please use linalg.qr(A, mode='reduced') if you are going to require gradients")
    q, r = triangular_factors(apply(operation("linalg_qr_factors"), (A,), (("complete", complete),)), m, n, complete)
    return named("linalg_qr", Q=creation.empty(0, dtype=A.dtype) if mode == "r" else q,
                 R=r.contiguous() if mode == "r" else r)


def _tolerances(x: Any, atol: Any, rtol: Any) -> tuple[Any, Any]:
    """Numbers or tensors; without either, as many ulps as the longer side has elements."""
    if rtol is None:
        precision = max(x.shape[-2:]) * dtypes.finfo(x.dtype).eps
        rtol = precision if atol is None else where(atol > 0, 0.0, precision) if isinstance(atol, Tensor) else (
            0.0 if atol > 0 else precision)
    return 0.0 if atol is None else atol, rtol


def pinv(A: Any, *, atol: Any = None, rtol: Any = None, rcond: Any = None, hermitian: bool = False, out: Any = None
         ) -> Any:
    """The pseudo-inverse (`torch.linalg.pinv`); singular values up to max(atol, rtol · largest) count as zero."""
    _matrix("linalg.pinv", A)
    atol, rtol = _tolerances(A, atol, rcond if rtol is None else rtol)
    if hermitian and A.numel():
        expect_square("linalg.eigh", A)
        A = A + (A.tril() + A.tril(-1).mT - A).detach()  # half of it is read; the gradient stays whole, as in PyTorch
    if any(isinstance(v, Tensor) and v.ndim for v in (atol, rtol)):
        return into(out, _pinv_each(A, atol, rtol))
    return into(out, apply(operation("linalg_pinv"), (A,), (("atol", float(atol)), ("rtol", float(rtol)))))


def _pinv_each(A: Any, atol: Any, rtol: Any) -> Any:
    """Pseudo-inverses of matrices that have a tolerance each."""
    batch = shapes.broadcast((tuple(A.shape[:-2]), *(tuple(v.shape) for v in (atol, rtol) if isinstance(v, Tensor))))
    many = A.expand(*batch, *A.shape[-2:]).reshape(math.prod(batch), *A.shape[-2:])
    least = [v.expand(batch).reshape(-1).tolist() if isinstance(v, Tensor) else [v] * len(many) for v in (atol, rtol)]
    each = [apply(operation("linalg_pinv"), (x,), (("atol", float(a)), ("rtol", float(r))))
            for x, a, r in zip(many, *least)]
    found = stack(each) if each else many.mT
    return found.reshape(*batch, A.shape[-1], A.shape[-2])


@method
def pinverse(input: Tensor, rcond: float = 1e-15) -> Any:
    """The pseudo-inverse (`torch.pinverse`)."""
    return pinv(input, rtol=rcond)


def matrix_rank(A: Any, tol: Any = None, *, atol: Any = None, rtol: Any = None, hermitian: bool = False,
                out: Any = None) -> Any:
    """How many singular values are above the tolerance (`torch.linalg.matrix_rank`)."""
    _matrix("linalg.matrix_rank", A)
    atol, rtol = (tol, 0.0) if tol is not None else _tolerances(A, atol, rtol)
    if not A.numel():
        return into(out, A.new_zeros(A.shape[:-2], dtype=dtypes.int64))
    values = eigvalsh(A.detach()).abs() if hermitian else svdvals(A.detach())
    atol, rtol = (v.unsqueeze(-1) if isinstance(v, Tensor) else v for v in (atol, rtol))
    least = values.amax(-1, True) * rtol
    return into(out, (values > maximum(least, atol if isinstance(atol, Tensor) else least.new_full((), atol))).sum(-1))


def cond(A: Any, p: Any = None, *, out: Any = None) -> Any:
    """The condition number with respect to a norm (`torch.linalg.cond`)."""
    if p in ("fro", "nuc"):
        expect_square(f"linalg.cond(ord={p})", A)
    if A.numel() == 0 and A.ndim > 1:
        return into(out, A.new_zeros(A.shape[:-2]))
    _matrix("linalg.cond", A)
    if p in (None, 2, -2):
        values = svdvals(A)
        large, small = values[..., 0], values[..., -1]
        return into(out, called("SqueezeBackward1", small / large if p == -2 else large / small))
    if p == "nuc":
        values = svdvals(A)
        return into(out, values.sum(-1) * values.reciprocal().sum(-1))
    expect_square(f"linalg.cond(ord={p if isinstance(p, str) else format(p, 'g')})", A)
    singular = slogdet(A.detach())[0] == 0
    inverse = inv(where(singular[..., None, None], creation.eye(A.shape[-1], dtype=A.dtype), A))
    found = linalg_norm(A, p, (-2, -1)) * linalg_norm(inverse, p, (-2, -1))
    return into(out, found.masked_fill(singular | found.isnan(), math.inf))


@method
def matrix_exp(A: Any) -> Any:
    """The exponential of square matrices (`torch.linalg.matrix_exp`)."""
    expect_square("linalg.matrix_exp", A)
    return apply(operation("linalg_matrix_exp"), (A,))


def tensorinv(A: Any, ind: int = 2, *, out: Any = None) -> Any:
    """The inverse for `tensordot` over the first `ind` axes (`torch.linalg.tensorinv`)."""
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    rows, columns = A.shape[:ind], A.shape[ind:]
    if math.prod(rows) != math.prod(columns):
        raise RuntimeError(f"Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]),"
                           f" but got {math.prod(columns)} != {math.prod(rows)}")
    return into(out, inv(A.reshape(math.prod(rows), math.prod(columns))).reshape((*columns, *rows)))


def tensorsolve(A: Any, B: Any, dims: Any = None, *, out: Any = None) -> Any:
    """X with `tensordot(A, X, X.ndim) = B` (`torch.linalg.tensorsolve`)."""
    if dims is not None:
        A = A.movedim(tuple(dims), tuple(range(A.ndim - len(dims), A.ndim)))
    shape = A.shape[B.ndim:]
    if math.prod(shape) != B.numel():
        raise RuntimeError("Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
                           f"prod(self.shape[:other.ndim]), but got {math.prod(shape)} != {B.numel()}")
    return into(out, solve(A.reshape(B.numel(), math.prod(shape)), B.reshape(-1)).reshape(shape))


def _no_eigenvalues(name: str) -> NotImplementedError:
    return NotImplementedError(f"linalg.{name}(): {errors.COMPLEX.format(dtypes.complex64)}; of symmetric matrices see "
                               "linalg.eigh")


def linalg_eig(input: Tensor, *, out: Any = None) -> Any:
    """NotImplementedError: what it returns is complex (`torch.linalg.eig`); of symmetric matrices see `eigh`."""
    raise _no_eigenvalues("eig")


def linalg_eigvals(input: Tensor, *, out: Any = None) -> Any:
    """NotImplementedError: what it returns is complex (`torch.linalg.eigvals`); of symmetric ones see `eigvalsh`."""
    raise _no_eigenvalues("eigvals")


def linalg_vander(x: Any, *, N: int | None = None) -> Any:
    """Powers 0, 1, … of a vector's elements (`torch.linalg.vander`)."""
    x = x if x.ndim else x.unsqueeze(0)
    n = x.shape[-1] if N is None else N
    if n <= 1:
        raise RuntimeError("N must be greater than 1.")
    return cat((creation.ones_like(x).unsqueeze(-1), x.unsqueeze(-1).expand(*x.shape, n - 1).cumprod(-1)), -1)


@public
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """Powers of a vector's elements, the highest first (`torch.vander`)."""
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    n = x.shape[0] if N is None else N
    if n < 0:
        raise RuntimeError("N must be non-negative.")
    if n <= 1:
        return x.new_ones((x.shape[0], n))  # which do not depend on it
    found = linalg_vander(x, N=n)
    return found if increasing else found.flip(-1)


@method
@one_node("CholeskySolveBackward0")
def cholesky_solve(B: Any, L: Any, upper: bool = False, *, out: Any = None) -> Any:
    """X with A X = B, where L is A's triangular factor (`torch.cholesky_solve`)."""
    for name, x in (("b", B), ("A", L)):
        if x.ndim < 2:
            raise RuntimeError(f"{name} should have at least 2 dimensions, but has {x.ndim} dimensions instead")
    expect_former_system("cholesky_solve", B, L)
    expect_kernel("cholesky_solve_cpu", B)
    low = L.mT if upper else L
    if not differentiated(low):
        return into(out, solve_triangular(low.mT, solve_triangular(low, B, upper=False), upper=True))
    other = low.triu(1)  # of no value, be it finite or not; PyTorch's gradient has both halves
    other = other.where(other.isfinite(), 0)
    low = low.tril() + (other - other.detach())
    return into(out, solve(low.mT, solve(low, B)))


@method
@one_node("CholeskyInverseBackward0")
def cholesky_inverse(input: Tensor, upper: bool = False, *, out: Any = None) -> Any:
    """The inverse of the matrix that a triangular factor stands for (`torch.cholesky_inverse`)."""
    expect_square("cholesky_inverse", input, whole=True)
    expect_kernel("cholesky_inverse_out_cpu", input)
    if dispatch.lanes is None:  # a batch of tensors has no one matrix to name
        refused("cholesky_inverse", first_where(input.detach().diagonal(dim1=-2, dim2=-1) == 0))
    eye = creation.eye(input.shape[-1], dtype=input.dtype).expand(*input.shape)
    return cholesky_solve(eye, input, upper, out=out)
