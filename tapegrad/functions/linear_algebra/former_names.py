"""What had another name before `linalg`, in the order of arguments of then; a warning points to the other."""
from __future__ import annotations

from typing import Any

import numpy as np

from tapegrad import creation, dtypes
from tapegrad.functions.common import (
    METHODS,
    PUBLIC,
    expect_tensors,
    into,
    into_each,
    method,
    named,
    public,
    warn,
)
from tapegrad.functions.linear_algebra import decompositions, factorisations, solving
from tapegrad.functions.linear_algebra.contractions import multi_dot
from tapegrad.functions.linear_algebra.solving import (
    expect_former_system,
    expect_kernel,
    expect_square,
    matrix_norm,
    solve_triangular,
)
from tapegrad.functions.reducing.statistics import vector_norm
from tapegrad.functions.several_outputs import one_node
from tapegrad.ops.linalg import LinAlgError, permutations
from tapegrad.signatures import Ints
from tapegrad.tensor import Tensor


def _former(name: str, instead: str) -> None:
    warn(f"torch.{name} is deprecated in favor of torch.linalg.{instead} and will be removed in a future PyTorch "
         "release.")


def qr(input: Tensor, some: bool = True, *, out: Any = None) -> Any:
    """Q with orthonormal columns and upper triangular R, input = Q R (`torch.qr`)."""
    _former("qr", "qr")
    found = decompositions.qr(input, "reduced" if some else "complete")
    q, r = into_each(out, found)
    return named("qr", Q=q, R=r)


METHODS["qr"] = PUBLIC["qr"] = qr


@method
@one_node("CholeskyBackward0")
def cholesky(input: Tensor, upper: bool = False, *, out: Any = None) -> Tensor:
    _former("cholesky", "cholesky")
    if input.ndim > 1 and not input.numel() and input.shape[-1] != input.shape[-2]:
        return into(out, input.clone())
    expect_square("cholesky", input, whole=True)
    expect_kernel("cholesky_cpu", input)
    try:
        return solving.cholesky(input, upper=upper, out=out)
    except LinAlgError as error:
        raise LinAlgError(str(error).removeprefix("linalg.")) from None


@method
@one_node("TriangularSolveBackward0", 2)
def triangular_solve(input: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False,
                     *, out: Any = None) -> Any:
    """The X of A X = input for a triangular A, and a copy of A (`torch.triangular_solve`)."""
    _former("triangular_solve", "solve_triangular")
    for name, x in (("b", input), ("A", A)):
        if x.ndim < 2:
            raise RuntimeError(f"torch.triangular_solve: Expected {name} to have at least 2 dimensions, but it has "
                               f"{x.ndim} dimensions instead")
    expect_former_system("triangular_solve", input, A)
    x = solve_triangular(A.mT if transpose else A, input, upper=upper != transpose, unitriangular=unitriangular)
    x, A = into_each(out, (x, A.clone()))
    return named("triangular_solve", solution=x, cloned_coefficient=A)


@public
def chain_matmul(*matrices: Any, out: Any = None) -> Any:
    """The product of matrices in the cheapest order (`torch.chain_matmul`).

    >>> import tapegrad as torch
    >>> torch.chain_matmul(torch.ones(1, 2), torch.ones(2, 2), torch.ones(2, 1))
    tensor([[4.]])
    """
    _former("chain_matmul", "multi_dot")
    expect_tensors(matrices)
    for x in matrices:
        if x.ndim != 2:
            raise RuntimeError(f"Tensor dimension is {x.ndim}, expected 2 instead.")
    return multi_dot(matrices, out=out) if len(matrices) > 1 else into(out, matrices[0])


@public
def nuclear_norm(input: Tensor, dim: Ints = (-2, -1), keepdim: bool = False, *, out: Any = None) -> Any:
    """The sum of a matrix's singular values (`torch.nuclear_norm`)."""
    return matrix_norm(input, "nuc", dim, keepdim, out=out)


@public
def frobenius_norm(input: Tensor, dim: Ints, keepdim: bool = False, *, out: Any = None) -> Any:
    """The root of the sum of squares along axes (`torch.frobenius_norm`)."""
    return vector_norm(input, 2, dim, keepdim, out=out)


@method
def lu(A: Tensor, pivot: bool = True, get_infos: bool = False, *, out: Any = None) -> Any:
    """L and U in one matrix, and pivots from 1 (`torch.lu`); with `get_infos`, where U is singular, or 0.

    >>> import tapegrad as torch
    >>> torch.lu(torch.tensor([[1.0, 2.0], [2.0, 2.0]]))[1]
    tensor([2, 2], dtype=torch.int32)
    """
    _former("lu", "lu_factor")
    results = factorisations.lu_factor_ex(A, pivot=pivot)[:2 + get_infos]
    return into_each(out, results)


@method
def lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Any = None) -> Any:
    """X with A X = input, by what `linalg.lu_factor` gave for A (`torch.lu_solve`)."""
    return factorisations.lu_solve(LU_data, LU_pivots, input, out=out)


@method
def orgqr(input: Tensor, input2: Tensor, *, out: Any = None) -> Any:
    """The first columns of a product of reflections, as `linalg.householder_product` gives them (`torch.orgqr`)."""
    return factorisations.householder_product(input, input2, out=out)


@public
@one_node("LuUnpackBackward0", 2)
def lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True, *,
              out: Any = None) -> Any:
    """P, L and U of what `linalg.lu_factor` gives (`torch.lu_unpack`); empty where it is not asked for.

    >>> import tapegrad as torch
    >>> P, L, U = torch.lu_unpack(*torch.linalg.lu_factor(torch.tensor([[1.0, 2.0], [2.0, 2.0]])))
    >>> P @ L @ U
    tensor([[1., 2.],
            [2., 2.]])
    """
    if LU_pivots.dtype is not dtypes.int32:
        raise RuntimeError("torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\n"
                           "Note: this function is intended to be used with the output produced by "
                           "torch.linalg.lu_factor")
    m, n = LU_data.shape[-2:]
    k, d = min(m, n), LU_data.dtype
    nothing = creation.empty(0, dtype=d)
    P = L = U = nothing
    if unpack_data:
        L = LU_data.narrow(-1, 0, k).tril(-1) + creation.eye(m, k, dtype=d)
        U = LU_data.narrow(-2, 0, k).triu()
    if unpack_pivots:
        order = permutations(LU_pivots._array(), m)
        P = creation.eye(m, dtype=d)[creation.from_array(np.ascontiguousarray(order))].mT.contiguous()
    P, L, U = into_each(out, (P, L, U))
    return named("lu_unpack", P=P, L=L, U=U)


# ---------------------------------------------------------------- what is no more


def _gone(instead: str) -> RuntimeError:
    return RuntimeError(f"This function was deprecated since version 1.9 and is now removed. {instead}")


@public
def solve(input: Tensor, A: Tensor, *, out: Any = None) -> Any:
    """RuntimeError: `linalg.solve` takes these operands in the other order (`torch.solve`)."""
    raise _gone("`torch.solve` is deprecated in favor of `torch.linalg.solve`: X = torch.solve(B, A).solution should "
                "be replaced with X = torch.linalg.solve(A, B)")


@public
def lstsq(input: Tensor, A: Tensor, *, out: Any = None) -> Any:
    """RuntimeError: `linalg.lstsq` takes these operands in the other order (`torch.lstsq`)."""
    raise _gone("`torch.lstsq` is deprecated in favor of `torch.linalg.lstsq`: X = torch.lstsq(B, A).solution should "
                "be replaced with X = torch.linalg.lstsq(A, B).solution")


@public
def symeig(input: Tensor, eigenvectors: bool = False, upper: bool = True, *, out: Any = None) -> Any:
    """RuntimeError: see `linalg.eigh` and `linalg.eigvalsh` (`torch.symeig`)."""
    raise _gone("L, V = torch.symeig(A, eigenvectors=True) should be replaced with "
                "L, V = torch.linalg.eigh(A, UPLO='U')")


@public
def eig(input: Tensor, eigenvectors: bool = False, *, e: Any = None, v: Any = None) -> Any:
    """RuntimeError: there are no complex tensors; of symmetric matrices see `linalg.eigh` (`torch.eig`)."""
    raise _gone("`torch.linalg.eig` returns complex tensors, which are not there; see `torch.linalg.eigh`")


@public
def matrix_rank(input: Tensor, tol: Any = None, symmetric: bool = False, *, out: Any = None) -> Any:
    """RuntimeError: see `linalg.matrix_rank` (`torch.matrix_rank`)."""
    raise _gone("Please use the `torch.linalg.matrix_rank` function instead.")
