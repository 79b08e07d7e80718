"""Linear algebra (`torch.linalg`)."""
from __future__ import annotations

from tapegrad.functions import remembered
from tapegrad.functions.linear_algebra.contractions import linalg_cross as cross
from tapegrad.functions.linear_algebra.contractions import matrix_power, multi_dot, vecdot
from tapegrad.functions.linear_algebra.decompositions import (
    cond,
    eigh,
    eigvalsh,
    matrix_exp,
    matrix_rank,
    pinv,
    qr,
    svd,
    svdvals,
    tensorinv,
    tensorsolve,
)
from tapegrad.functions.linear_algebra.decompositions import linalg_eig as eig
from tapegrad.functions.linear_algebra.decompositions import linalg_eigvals as eigvals
from tapegrad.functions.linear_algebra.decompositions import linalg_vander as vander
from tapegrad.functions.linear_algebra.factorisations import (
    cholesky_ex,
    householder_product,
    inv_ex,
    lstsq,
    lu,
    lu_factor,
    lu_factor_ex,
    lu_solve,
    solve_ex,
)
from tapegrad.functions.linear_algebra.products import matmul
from tapegrad.functions.linear_algebra.solving import (
    cholesky,
    det,
    inv,
    matrix_norm,
    slogdet,
    solve,
    solve_triangular,
)
from tapegrad.functions.linear_algebra.solving import linalg_norm as norm
from tapegrad.functions.linear_algebra.symmetric_factors import ldl_factor, ldl_factor_ex, ldl_solve
from tapegrad.functions.reducing.reductions import vector_norm
from tapegrad.functions.shaping.views import linalg_diagonal as diagonal
from tapegrad.namespaces import show_public
from tapegrad.ops.linalg import LinAlgError

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals",
    "eigvalsh", "householder_product", "inv", "inv_ex", "ldl_factor", "ldl_factor_ex", "ldl_solve", "lstsq", "lu",
    "lu_factor", "lu_factor_ex", "lu_solve", "matmul", "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank",
    "multi_dot", "norm", "pinv", "qr", "slogdet", "solve", "solve_ex", "solve_triangular", "svd", "svdvals",
    "tensorinv", "tensorsolve", "vander", "vecdot", "vector_norm",
]
show_public(__name__)

for _name in __all__[1:]:
    globals()[_name] = remembered(_name, globals()[_name], "linalg.")
