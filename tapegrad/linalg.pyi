"""Types of what native code defines, written by `python -m tapegrad stubs`."""
from __future__ import annotations

# Under names of their own: `tapegrad.int` is a dtype, and `Tensor.float` a method.
from builtins import bool as _bool, float as _float, int as _int, str as _str
from collections.abc import Sequence
from typing import Any, NamedTuple, overload

from tapegrad.dtypes import dtype as _dtype

from tapegrad.random import Generator
from tapegrad.tensor import Tensor
from tapegrad._C import LinAlgError as LinAlgError

__all__: list[_str]

class _linalg_cholesky_ex(NamedTuple):
    L: Tensor
    info: Tensor

class _linalg_eigh(NamedTuple):
    eigenvalues: Tensor
    eigenvectors: Tensor

class _linalg_inv_ex(NamedTuple):
    inverse: Tensor
    info: Tensor

class _linalg_ldl_factor(NamedTuple):
    LD: Tensor
    pivots: Tensor

class _linalg_ldl_factor_ex(NamedTuple):
    LD: Tensor
    pivots: Tensor
    info: Tensor

class _linalg_lstsq(NamedTuple):
    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor

class _linalg_lu(NamedTuple):
    P: Tensor
    L: Tensor
    U: Tensor

class _linalg_lu_factor(NamedTuple):
    LU: Tensor
    pivots: Tensor

class _linalg_lu_factor_ex(NamedTuple):
    LU: Tensor
    pivots: Tensor
    info: Tensor

class _linalg_qr(NamedTuple):
    Q: Tensor
    R: Tensor

class _linalg_slogdet(NamedTuple):
    sign: Tensor
    logabsdet: Tensor

class _linalg_solve_ex(NamedTuple):
    result: Tensor
    info: Tensor

class _linalg_svd(NamedTuple):
    U: Tensor
    S: Tensor
    Vh: Tensor

def cholesky(input: Tensor, *, upper: _bool = False, out: Any = None) -> Tensor:
    """The triangular factor of a positive-definite matrix (`torch.linalg.cholesky`).

    >>> torch.linalg.cholesky(torch.tensor([[2.0, 1.0], [1.0, 3.0]]))
    tensor([[1.4142, 0.0000],
            [0.7071, 1.5811]])"""
def cholesky_ex(input: Tensor, *, upper: _bool = False, check_errors: _bool = False, out: Any = None) -> _linalg_cholesky_ex:
    """The triangular factor, and for each matrix the minor that is not positive or 0 (`torch.linalg.cholesky_ex`).

    >>> torch.linalg.cholesky_ex(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    torch.return_types.linalg_cholesky_ex(
    L=tensor([[1., 0.],
            [3., nan]]),
    info=tensor(2, dtype=torch.int32))"""
def cond(input: Tensor, p: Any = None, *, out: Any = None) -> Tensor:
    """The condition number with respect to a norm (`torch.linalg.cond`).

    >>> torch.linalg.cond(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(14.9330)"""
def cross(input: Tensor, other: Tensor, *, dim: _int = -1, out: Any = None) -> Tensor:
    """The cross product of 3-vectors along an axis (`torch.linalg.cross`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.linalg.cross(x, x)
    tensor([0., 0., 0.])"""
def det(A: Tensor, *, out: Any = None) -> Tensor:
    """The determinant (`torch.linalg.det`).

    >>> torch.linalg.det(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(-2.)"""
def diagonal(A: Tensor, *, offset: _int = 0, dim1: _int = -2, dim2: _int = -1) -> Tensor:
    """The diagonals of matrices (`torch.linalg.diagonal`).

    >>> torch.linalg.diagonal(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1., 4.])"""
def eig(input: Tensor, *, out: Any = None) -> Any:
    """NotImplementedError: what it returns is complex (`torch.linalg.eig`); of symmetric matrices see `eigh`."""
def eigh(input: Tensor, UPLO: str = 'L', *, out: Any = None) -> _linalg_eigh:
    """Eigenvalues in order and eigenvectors of symmetric matrices (`torch.linalg.eigh`).

    >>> torch.linalg.eigh(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    torch.return_types.linalg_eigh(
    eigenvalues=tensor([-0.8541,  5.8541]),
    eigenvectors=tensor([[-0.8507,  0.5257],
            [ 0.5257,  0.8507]]))"""
def eigvals(input: Tensor, *, out: Any = None) -> Any:
    """NotImplementedError: what it returns is complex (`torch.linalg.eigvals`); of symmetric ones see `eigvalsh`."""
def eigvalsh(input: Tensor, UPLO: str = 'L', *, out: Any = None) -> Tensor:
    """Eigenvalues of symmetric matrices, in order (`torch.linalg.eigvalsh`).

    >>> torch.linalg.eigvalsh(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([-0.8541,  5.8541])"""
def householder_product(input: Tensor, tau: Tensor, *, out: Any = None) -> Any:
    """The first columns of a product of reflections by columns of A and `tau` (`torch.linalg.householder_product`)."""
def inv(A: Tensor, *, out: Any = None) -> Tensor:
    """The inverse of a square matrix (`torch.linalg.inv`).

    >>> torch.linalg.inv(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[-2.0000,  1.0000],
            [ 1.5000, -0.5000]])"""
def inv_ex(A: Tensor, *, check_errors: _bool = False, out: Any = None) -> _linalg_inv_ex:
    """The inverse, and for each matrix the diagonal element that makes it singular or 0 (`torch.linalg.inv_ex`).

    >>> torch.linalg.inv_ex(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    torch.return_types.linalg_inv_ex(
    inverse=tensor([[-2.0000,  1.0000],
            [ 1.5000, -0.5000]]),
    info=tensor(0, dtype=torch.int32))"""
def ldl_factor(input: Tensor, *, hermitian: _bool = False, out: Any = None) -> _linalg_ldl_factor:
    """L D Lᵀ of a symmetric matrix, of which the lower triangle is read (`torch.linalg.ldl_factor`).

    >>> import tapegrad
    >>> LD, pivots = tapegrad.linalg.ldl_factor(tapegrad.tensor([[2.0, 1.0], [1.0, 0.0]]))
    >>> LD, pivots
    (tensor([[ 2.0000,  0.0000],
            [ 0.5000, -0.5000]]), tensor([1, 2], dtype=torch.int32))"""
def ldl_factor_ex(input: Tensor, *, hermitian: _bool = False, check_errors: _bool = False, out: Any = None) -> _linalg_ldl_factor_ex:
    """L and D in one matrix, the rows that were exchanged (two negative numbers are a block of D), and for each matrix
    where D is singular or 0 (`torch.linalg.ldl_factor_ex`).

    >>> torch.linalg.ldl_factor_ex(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    torch.return_types.linalg_ldl_factor_ex(
    LD=tensor([[ 4.0000,  0.0000],
            [ 0.7500, -1.2500]]),
    pivots=tensor([2, 2], dtype=torch.int32),
    info=tensor(0, dtype=torch.int32))"""
def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: _bool = False, out: Any = None) -> Any:
    """X with A X = B, by what `ldl_factor` gave for A (`torch.linalg.ldl_solve`).

    >>> import tapegrad
    >>> factors = tapegrad.linalg.ldl_factor(tapegrad.tensor([[2.0, 1.0], [1.0, 0.0]]))
    >>> tapegrad.linalg.ldl_solve(*factors, tapegrad.tensor([[3.0], [1.0]]))
    tensor([[1.],
            [1.]])"""
def lstsq(input: Tensor, b: Tensor, rcond: _float | None = None, *, driver: str | None = None, out: Any = None) -> _linalg_lstsq:
    """X that makes A X - B least, residuals, ranks, singular values (`torch.linalg.lstsq`).

    >>> torch.linalg.lstsq(2 * torch.eye(2), torch.ones(2, 1))
    torch.return_types.linalg_lstsq(
    solution=tensor([[0.5000],
            [0.5000]]),
    residuals=tensor([]),
    rank=tensor(2),
    singular_values=tensor([]))"""
def lu(A: Tensor, *, pivot: _bool = True, out: Any = None) -> _linalg_lu:
    """P, L and U with A = P L U (`torch.linalg.lu`).

    >>> torch.linalg.lu(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    torch.return_types.linalg_lu(
    P=tensor([[0., 1.],
            [1., 0.]]),
    L=tensor([[1.0000, 0.0000],
            [0.3333, 1.0000]]),
    U=tensor([[3.0000, 4.0000],
            [0.0000, 0.6667]]))"""
def lu_factor(A: Tensor, *, pivot: _bool = True, out: Any = None) -> _linalg_lu_factor:
    """L and U in one matrix, and the row each was exchanged with, from 1 (`torch.linalg.lu_factor`).

    >>> import tapegrad
    >>> LU, pivots = tapegrad.linalg.lu_factor(tapegrad.tensor([[1.0, 2.0], [2.0, 2.0]]))
    >>> LU, pivots
    (tensor([[2.0000, 2.0000],
            [0.5000, 1.0000]]), tensor([2, 2], dtype=torch.int32))"""
def lu_factor_ex(A: Tensor, *, pivot: _bool = True, check_errors: _bool = False, out: Any = None) -> _linalg_lu_factor_ex:
    """The same, and for each matrix where U's diagonal is zero or 0 (`torch.linalg.lu_factor_ex`).

    >>> torch.linalg.lu_factor_ex(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    torch.return_types.linalg_lu_factor_ex(
    LU=tensor([[3.0000, 4.0000],
            [0.3333, 0.6667]]),
    pivots=tensor([2, 2], dtype=torch.int32),
    info=tensor(0, dtype=torch.int32))"""
def lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, *, left: _bool = True, adjoint: _bool = False, out: Any = None) -> Tensor:
    """X with A X = B, by what `lu_factor` gave for A (`torch.linalg.lu_solve`).

    >>> torch.linalg.lu_solve(*torch.linalg.lu_factor(2 * torch.eye(2)), torch.ones(2, 1))
    tensor([[0.5000],
            [0.5000]])"""
def matmul(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The matrix product of the last two axes, batches broadcast (`torch.matmul`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.linalg.matmul(x, x)
    tensor(1.3125)"""
def matrix_exp(input: Tensor, *, out: Any = None) -> Tensor:
    """The exponential of square matrices (`torch.linalg.matrix_exp`).

    >>> torch.linalg.matrix_exp(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[ 51.9690,  74.7366],
            [112.1048, 164.0738]])"""
def matrix_norm(input: Tensor, ord: Any = 'fro', dim: _int | Sequence[_int] = (-2, -1), keepdim: _bool = False, *, dtype: _dtype | type | None = None, out: Any = None) -> Tensor:
    """A norm of matrices (`torch.linalg.matrix_norm`).

    >>> torch.linalg.matrix_norm(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.4772)"""
def matrix_power(input: Tensor, n: _int, *, out: Any = None) -> Tensor:
    """A square matrix to a whole power (`torch.linalg.matrix_power`).

    >>> torch.linalg.matrix_power(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2)
    tensor([[ 7., 10.],
            [15., 22.]])"""
@overload
def matrix_rank(input: Tensor, *, atol: Tensor | None = None, rtol: Tensor | None = None, hermitian: _bool = False, out: Any = None) -> Tensor:
    """How many singular values are above the tolerance (`torch.linalg.matrix_rank`).

    Called as

        matrix_rank(input, *, atol=None, rtol=None, hermitian=False, out=None)
        matrix_rank(input, *, atol=None, rtol=None, hermitian=False, out=None)
        matrix_rank(input, tol, hermitian=False, *, out=None)

    >>> torch.linalg.matrix_rank(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(2)"""
@overload
def matrix_rank(input: Tensor, *, atol: _float | None = None, rtol: _float | None = None, hermitian: _bool = False, out: Any = None) -> Tensor:
    ...
@overload
def matrix_rank(input: Tensor, tol: Tensor | _float, hermitian: _bool = False, *, out: Any = None) -> Tensor:
    ...
def multi_dot(tensors: Sequence[Tensor], *, out: Any = None) -> Tensor:
    """A chain of matrix products in the cheapest order (`torch.linalg.multi_dot`).

    >>> torch.linalg.multi_dot([torch.tensor([1.0]), torch.tensor([2.0])])
    tensor(2.)"""
def norm(input: Tensor, ord: Any = None, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, dtype: _dtype | type | None = None, out: Any = None) -> Tensor:
    """A vector or matrix norm (`torch.linalg.norm`).

    >>> torch.linalg.norm(torch.tensor([0.25, 0.5, 1.0]))
    tensor(1.1456)"""
@overload
def pinv(input: Tensor, *, atol: Tensor | None = None, rtol: Tensor | None = None, hermitian: _bool = False, out: Any = None) -> Tensor:
    """The pseudo-inverse (`torch.linalg.pinv`); singular values up to max(atol, rtol · largest) count as zero.

    Called as

        pinv(input, *, atol=None, rtol=None, hermitian=False, out=None)
        pinv(input, *, atol=None, rtol=None, hermitian=False, out=None)
        pinv(input, rcond, hermitian=False, *, out=None)

    >>> torch.linalg.pinv(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[-2.0000,  1.0000],
            [ 1.5000, -0.5000]])"""
@overload
def pinv(input: Tensor, *, atol: _float | None = None, rtol: _float | None = None, hermitian: _bool = False, out: Any = None) -> Tensor:
    ...
@overload
def pinv(input: Tensor, rcond: Tensor | _float, hermitian: _bool = False, *, out: Any = None) -> Tensor:
    ...
def qr(A: Tensor, mode: str = 'reduced', *, out: Any = None) -> _linalg_qr:
    """Q with orthonormal columns and upper triangular R, A = Q R (`torch.linalg.qr`).

    >>> torch.linalg.qr(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    torch.return_types.linalg_qr(
    Q=tensor([[-0.3162, -0.9487],
            [-0.9487,  0.3162]]),
    R=tensor([[-3.1623, -4.4272],
            [ 0.0000, -0.6325]]))"""
def slogdet(A: Tensor, *, out: Any = None) -> _linalg_slogdet:
    """Sign and logarithm of the determinant (`torch.linalg.slogdet`).

    >>> torch.linalg.slogdet(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    torch.return_types.linalg_slogdet(
    sign=tensor(-1.),
    logabsdet=tensor(0.6931))"""
def solve(A: Tensor, B: Tensor, *, left: _bool = True, out: Any = None) -> Tensor:
    """The solution of a linear system (`torch.linalg.solve`).

    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> torch.linalg.solve(x, x)
    tensor([[1., 0.],
            [0., 1.]])"""
def solve_ex(A: Tensor, B: Tensor, *, left: _bool = True, check_errors: _bool = False, out: Any = None) -> _linalg_solve_ex:
    """The solution of a linear system, and for each matrix the diagonal element that makes it singular or 0
    (`torch.linalg.solve_ex`).

    >>> torch.linalg.solve_ex(2 * torch.eye(2), torch.ones(2, 1))
    torch.return_types.linalg_solve_ex(
    result=tensor([[0.5000],
            [0.5000]]),
    info=tensor(0, dtype=torch.int32))"""
def solve_triangular(input: Tensor, B: Tensor, *, upper: _bool, left: _bool = True, unitriangular: _bool = False, out: Any = None) -> Tensor:
    """The solution of a triangular system (`torch.linalg.solve_triangular`).

    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> torch.linalg.solve_triangular(x, x, upper=True)
    tensor([[-0.5000,  0.0000],
            [ 0.7500,  1.0000]])"""
def svd(A: Tensor, full_matrices: _bool = True, *, driver: str | None = None, out: Any = None) -> _linalg_svd:
    """U, S and Vᵀ with A = U diag(S) Vᵀ (`torch.linalg.svd`).

    >>> import tapegrad
    >>> U, S, Vh = tapegrad.linalg.svd(tapegrad.tensor([[3.0, 0.0], [0.0, -2.0]]), full_matrices=False)
    >>> S
    tensor([3., 2.])

    Signs of vectors are a matter of convention. The vectors that only `full_matrices` has are constants to
    differentiation."""
def svdvals(A: Tensor, *, driver: str | None = None, out: Any = None) -> Tensor:
    """Singular values, largest first (`torch.linalg.svdvals`).

    >>> torch.linalg.svdvals(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([5.4650, 0.3660])"""
def tensorinv(input: Tensor, ind: _int = 2, *, out: Any = None) -> Tensor:
    """The inverse for `tensordot` over the first `ind` axes (`torch.linalg.tensorinv`).

    >>> torch.linalg.tensorinv(torch.eye(2).reshape(2, 1, 2), ind=2)
    tensor([[[1.],
             [0.]],
    <BLANKLINE>
            [[0.],
             [1.]]])"""
def tensorsolve(input: Tensor, other: Tensor, dims: _int | Sequence[_int] | None = None, *, out: Any = None) -> Tensor:
    """X with `tensordot(A, X, X.ndim) = B` (`torch.linalg.tensorsolve`).

    >>> torch.linalg.tensorsolve(2 * torch.eye(2), torch.ones(2))
    tensor([0.5000, 0.5000])"""
def vander(x: Tensor, *, N: _int | None = None) -> Tensor:
    """Powers 0, 1, … of a vector's elements (`torch.linalg.vander`).

    >>> torch.linalg.vander(torch.tensor([0.25, 0.5, 1.0]))
    tensor([[1.0000, 0.2500, 0.0625],
            [1.0000, 0.5000, 0.2500],
            [1.0000, 1.0000, 1.0000]])"""
def vecdot(x: Tensor, y: Tensor, *, dim: _int = -1, out: Any = None) -> Tensor:
    """The dot products of vectors along an axis (`torch.linalg.vecdot`).

    >>> x = torch.tensor([0.25, 0.5, 1.0])
    >>> torch.linalg.vecdot(x, x)
    tensor(1.3125)"""
def vector_norm(input: Tensor, ord: _float = 2, dim: _int | Sequence[_int] | None = None, keepdim: _bool = False, *, dtype: _dtype | type | None = None, out: Any = None) -> Tensor:
    """The p-norm of rows (`torch.linalg.vector_norm`).

    >>> torch.linalg.vector_norm(torch.tensor([0.25, 0.5, 1.0]))
    tensor(1.1456)"""
