"""Linear algebra beyond products: inverses, systems, determinants, factors, norms of matrices."""
from __future__ import annotations

import math
from typing import Any

from tapegrad import shapes
from tapegrad.dispatch import apply, differentiated
from tapegrad.functions.common import (
    METHODS,
    PUBLIC,
    expect_tensor,
    into,
    into_each,
    kind_name,
    method,
    named,
    operation,
)
from tapegrad.functions.pointwise.arithmetic import where
from tapegrad.functions.reducing.reductions import vector_norm
from tapegrad.functions.several_outputs import one_node
from tapegrad.functions.shaping.views import expand
from tapegrad.ops.linalg import LinAlgError, refusal
from tapegrad.signatures import Ints
from tapegrad.tensor import Tensor


def expect_square(name: str, x: Any, whole: bool = False) -> None:
    """Refuse what is no square matrix, and numbers that are not floating unless they may be `whole`."""
    expect_tensor(name, x, "A")
    if x.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions.")
    if x.shape[-1] != x.shape[-2]:
        raise RuntimeError(f"{name}: A must be batches of square matrices, but they are {x.shape[-2]} by {x.shape[-1]} "
                           "matrices")
    if not whole:
        expect_floating(name, x)


def expect_former_system(name: str, b: Any, A: Any) -> None:
    """RuntimeError for what is no system A X = b, as functions say it that are older than `linalg`."""
    if b.dtype is not A.dtype:
        raise RuntimeError(f"Expected b and A to have the same dtype, but found b of type {kind_name(b)} and A of type "
                           f"{kind_name(A)} instead.")
    if A.shape[-1] != A.shape[-2]:
        raise RuntimeError(f"A must be batches of square matrices, but they are {A.shape[-2]} by {A.shape[-1]} "
                           "matrices")
    if b.shape[-2] != A.shape[-1]:
        raise RuntimeError(f"Incompatible matrix sizes for {name}: each A matrix is {A.shape[-1]} by {A.shape[-1]} but "
                           f"each b matrix is {b.shape[-2]} by {b.shape[-1]}")


def expect_kernel(kernel: str, x: Any) -> None:
    if not x.dtype.is_floating_point:
        raise NotImplementedError(f'"{kernel}" not implemented for \'{kind_name(x)}\'')


def first_where(found: Any) -> Any:
    """For each matrix, which diagonal element is the first that was found, from 1, or 0."""
    if not found.shape[-1]:
        return found.sum(-1).int()
    return where(found.any(-1), found.int().argmax(-1) + 1, 0).int()


def refused(name: str, info: Any, kind: type[RuntimeError] = LinAlgError) -> None:
    """An error where a matrix is refused, of the first that is."""
    if not bool((info != 0).any()):
        return
    found = info._array().reshape(-1)
    which = int(found.nonzero()[0][0])
    said = refusal(name.removesuffix("_ex"), which, int(found[which]), info.ndim > 0)
    raise kind(said.replace(":", "_ex:", 1) if name.endswith("_ex") else said)


def expect_floating(name: str, x: Any) -> None:
    if not x.dtype.is_floating_point:
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {kind_name(x)}")


def inv(A: Any, *, out: Any = None) -> Any:
    """The inverse of a square matrix (`torch.linalg.inv`)."""
    expect_square("linalg.inv", A)
    return into(out, apply(operation("linalg_inv"), (A, factors(A)), (("strict", True),)))


def factors(A: Any) -> Any:
    """What operations on a matrix share: it is factored once."""
    return apply(operation("linalg_lu"), (A.detach(),))


def batched(x: Any, batch: tuple[int, ...]) -> Any:
    """Matrices for each of a batch."""
    return x if tuple(x.shape[:-2]) == batch else expand(x, *batch, *x.shape[-2:])


@method
def inverse(input: Tensor, *, out: Any = None) -> Any:
    return inv(input, out=out)


def solve(A: Any, B: Any, *, left: bool = True, out: Any = None) -> Any:
    """The solution of a linear system (`torch.linalg.solve`)."""
    vector = expect_system(A, B, left)
    b = B.unsqueeze(-1) if vector else B
    if not left:
        return into(out, solve(A.mT, b.mT).mT)
    batch = shapes.broadcast((tuple(A.shape[:-2]), tuple(b.shape[:-2])))
    operands = tuple(batched(x, batch) for x in (A, b, factors(A)))
    found = apply(operation("linalg_solve"), operands, (("turned", False),))
    return into(out, found.squeeze(-1) if vector else found)


def expect_sides(name: str, A: Any, B: Any, left: bool) -> None:
    """RuntimeError for a B that is no matrix of as many rows (or columns) as A."""
    if B.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor B must have at least 2 dimensions.")
    if B.shape[-2 if left else -1] != A.shape[-1]:
        raise RuntimeError(f"{name}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
                           f"({A.shape[-2]}x{A.shape[-1]} and {B.shape[-2]}x{B.shape[-1]})")


def expect_system(A: Any, B: Any, left: bool) -> bool:
    """RuntimeError for what is no system A X = B, or X A = B; whether B is a vector."""
    expect_square("linalg.solve", A)
    if A.dtype is not B.dtype:
        raise RuntimeError("linalg.solve: Expected A and B to have the same dtype, but found A of type "
                           f"{kind_name(A)} and "
                           f"B of type {kind_name(B)} instead")
    vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and tuple(B.shape) == tuple(A.shape[:-1]))
    rows, columns = (B.shape[-1], 1) if vector else B.shape[-2:]
    if (rows if left else columns) != A.shape[-1]:
        raise RuntimeError("linalg.solve: Incompatible shapes of A and B for the equation "
                           f"{'AX = B' if left else 'XA = B'}"
                           f" ({A.shape[-2]}x{A.shape[-1]} and {rows}x{columns})")
    if vector and not left:
        raise RuntimeError("linalg.solve: Vector broadcasting of the left hand side is not supported for "
                           "left=False. In "
                           "this case linalg.solve is equivalent to B / A.squeeze(-1)")
    return vector


def det(A: Any, *, out: Any = None) -> Any:
    """The determinant (`torch.linalg.det`)."""
    expect_square("linalg.det", A)
    return into(out, apply(operation("linalg_det"), (A, factors(A))))


@method
def logdet(input: Tensor) -> Any:
    """The logarithm of the determinant, NaN where that is negative (`torch.logdet`)."""
    expect_square("logdet", input)
    sign, size = slogdet(input)
    return apply(operation("where"), (sign < 0, math.nan, size))


@one_node("LinalgSlogdetBackward0", 2)
def slogdet(A: Any, *, out: Any = None) -> Any:
    """Sign and logarithm of the determinant (`torch.linalg.slogdet`)."""
    expect_square("linalg.slogdet", A)
    both = A, factors(A)
    sign, size = (apply(operation(name), both) for name in ("linalg_detsign", "linalg_logabsdet"))
    sign, size = into_each(out, (sign, size))
    return named("linalg_slogdet", sign=sign, logabsdet=size)



def cholesky(A: Any, *, upper: bool = False, out: Any = None) -> Any:
    """The triangular factor of a positive-definite matrix (`torch.linalg.cholesky`)."""
    expect_square("linalg.cholesky", A)
    found = apply(operation("linalg_cholesky"), (A.mT if upper else A,), (("strict", True),))
    return into(out, found.mT if upper else found)


def solve_triangular(A: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False, out: Any = None
                     ) -> Any:
    """The solution of a triangular system (`torch.linalg.solve_triangular`)."""
    expect_square("linalg.solve_triangular", A)
    expect_sides("linalg.solve_triangular", A, B, left)
    if B.dtype is not A.dtype:
        B = B.to(A.dtype)
    if not left:
        return into(out, solve_triangular(A.mT, B.mT, upper=not upper, unitriangular=unitriangular).mT)
    batch = shapes.broadcast((tuple(A.shape[:-2]), tuple(B.shape[:-2])))
    given = (("upper", bool(upper)), ("unitriangular", bool(unitriangular)))
    return into(out, apply(operation("linalg_solve_triangular"), (batched(A, batch), batched(B, batch)), given))


def singular_values(A: Any) -> Any:
    """The singular values of matrices; with the vectors that their derivative is made of where there may be one."""
    if not differentiated(A):
        return apply(operation("linalg_svdvals"), (A,))
    factors = apply(operation("linalg_svd_factors"), (A,), (("complete", False),))
    return apply(operation("linalg_svd_values"), (A, factors))


def matrix_norm(A: Any, ord: Any = "fro", dim: Ints = (-2, -1), keepdim: bool = False, *, dtype: Any = None,
                out: Any = None) -> Any:
    """A norm of matrices (`torch.linalg.matrix_norm`)."""
    expect_tensor("linalg.matrix_norm", A, "A")
    expect_floating("linalg.matrix_norm", A)
    if A.ndim < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    if dtype is not None:
        A = A.to(dtype)
    if len(dim) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {' '.join(map(str, dim))}")
    rows, columns = (shapes.wrap_dim(d, A.ndim) for d in dim)
    if rows == columns:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    if ord == "fro":
        return into(out, vector_norm(A, 2, (rows, columns), keepdim))
    if ord in (1, -1, math.inf, -math.inf):
        summed, other = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = vector_norm(A, 1, summed, keepdim)
        other -= not keepdim and other > summed
        most = sums.amax if sums.shape[other] else sums.sum  # of no sums the greatest is 0
        return into(out, sums.amin(other, keepdim) if ord < 0 else most(other, keepdim))
    if ord in ("nuc", 2, -2):
        matrix = A.movedim((rows, columns), (-2, -1))
        values = singular_values(matrix)
        summed = ord == "nuc" or (ord == 2 and not values.shape[-1])  # of no values the greatest is 0
        found = values.sum(-1) if summed else values.amax(-1) if ord == 2 else values.amin(-1)
        if keepdim:
            found = found.unsqueeze(min(rows, columns)).unsqueeze(max(rows, columns))
        return into(out, found)
    raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")


def linalg_norm(A: Any, ord: Any = None, dim: Ints | None = None, keepdim: bool = False, *, out: Any = None,
                dtype: Any = None) -> Any:
    """A vector or matrix norm (`torch.linalg.norm`)."""
    if isinstance(dim, int):
        dim = (dim,)
    if ord is not None:
        if not (dim is None or len(dim) in (1, 2)):
            raise RuntimeError("linalg.norm: If dim is specified, it must be of length 1 or 2. Got " + str(list(dim)))
        if dim is None and A.ndim not in (1, 2):
            raise RuntimeError("linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
                               f"{A.ndim}D.")
    expect_floating("linalg.norm", A)
    if ord is not None and ((dim is not None and len(dim) == 2) or (dim is None and A.ndim == 2)):
        return matrix_norm(A, ord, (0, 1) if dim is None else dim, keepdim, dtype=dtype, out=out)
    if isinstance(ord, str):
        raise RuntimeError(f"linalg.norm: Order {ord} needs a matrix")
    return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype, out=out)


@method
def norm(input: Tensor, p: Any = "fro", dim: Ints | None = None, keepdim: bool = False, out: Any = None,
         dtype: Any = None) -> Any:
    """A vector norm, or for `p="nuc"` a matrix norm (`torch.norm`)."""
    if not (input.dtype if dtype is None else dtype).is_floating_point:
        raise RuntimeError("linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
                           f"{kind_name(input)}")
    if p in ("fro", None) or not isinstance(p, str):
        return into(out, vector_norm(input, 2 if p in ("fro", None) else p, dim, keepdim, dtype=dtype))
    axes = tuple(range(max(input.ndim, 2))) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    return matrix_norm(input, p, axes, keepdim, dtype=dtype, out=out)


PUBLIC["det"] = METHODS["det"] = det
PUBLIC["slogdet"] = METHODS["slogdet"] = slogdet
