"""Linear algebra (`torch.linalg`)."""
from __future__ import annotations

from tapegrad.functions.linalg import (
    cholesky,
    det,
    inv,
    matrix_norm,
    norm,
    slogdet,
    solve,
    solve_triangular,
)
from tapegrad.functions.matrix import linalg_cross as cross
from tapegrad.functions.matrix import matmul, matrix_power, multi_dot, vecdot
from tapegrad.functions.reductions import vector_norm
from tapegrad.functions.shape import linalg_diagonal as diagonal
from tapegrad.ops.linalg import LinAlgError

__all__ = [
    "LinAlgError", "cholesky", "cross", "det", "diagonal", "inv", "matmul", "matrix_norm", "matrix_power", "multi_dot",
    "norm", "slogdet", "solve", "solve_triangular", "vecdot", "vector_norm",
]
