"""What had another name before `linalg`, in the order of arguments of then; a warning points to the other."""
from __future__ import annotations

import warnings
from typing import Any

from tapegrad.functions.common import METHODS, PUBLIC, into, method, named, public
from tapegrad.functions.linear_algebra import decompositions
from tapegrad.functions.linear_algebra.contractions import multi_dot
from tapegrad.functions.linear_algebra.solving import matrix_norm, solve_triangular
from tapegrad.functions.reducing.statistics import vector_norm
from tapegrad.signatures import Ints
from tapegrad.tensor import Tensor


def _former(name: str, instead: str) -> None:
    warnings.warn(f"torch.{name} is deprecated in favor of torch.linalg.{instead} and will be removed in a future "
                  "PyTorch release.", UserWarning, stacklevel=4)


def qr(input: Tensor, some: bool = True, *, out: Any = None) -> Any:
    """Q with orthonormal columns and upper triangular R, input = Q R (`torch.qr`)."""
    _former("qr", "qr")
    found = decompositions.qr(input, "reduced" if some else "complete")
    q, r = (found.Q, found.R) if out is None else (into(to, x) for to, x in zip(out, found))
    return named("qr", Q=q, R=r)


METHODS["qr"] = PUBLIC["qr"] = qr


@method
def triangular_solve(b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False, *,
                     out: Any = None) -> Any:
    """The X of A X = b for a triangular A, and a copy of A (`torch.triangular_solve`)."""
    _former("triangular_solve", "solve_triangular")
    x = solve_triangular(A.mT if transpose else A, b, upper=upper != transpose, unitriangular=unitriangular)
    results = x, A.clone()
    if out is not None:
        results = tuple(into(to, x) for to, x in zip(out, results))
    return named("triangular_solve", solution=results[0], cloned_coefficient=results[1])


@public
def chain_matmul(*matrices: Any, out: Any = None) -> Any:
    """The product of matrices in the cheapest order (`torch.chain_matmul`).

    >>> import tapegrad as torch
    >>> torch.chain_matmul(torch.ones(1, 2), torch.ones(2, 2), torch.ones(2, 1))
    tensor([[4.]])
    """
    _former("chain_matmul", "multi_dot")
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
