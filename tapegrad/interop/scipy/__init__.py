"""SciPy's solvers on functions of tensors, and what they want of such functions: values, gradients, Jacobians.

`minimize`, `least_squares`, `root`, `root_scalar`, `solve_ivp`, `quad`, `approx_fprime` and `differential_evolution`
are SciPy's, with derivatives filled in; `value_and_grad` and the other objectives are for calls of SciPy's own. A
function is compiled together with its gradient, so that an evaluation is one replay. SciPy is imported when a solver
is called.
"""
from __future__ import annotations

from tapegrad.interop.scipy.objectives import dense_jac, evaluated, hess, hessp, jac, sparse_jac, value_and_grad
from tapegrad.interop.scipy.solvers import (
    approx_fprime,
    differential_evolution,
    least_squares,
    minimize,
    quad,
    root,
    root_scalar,
    solve_ivp,
)
from tapegrad.namespaces import show_public

__all__ = [
    "approx_fprime", "dense_jac", "differential_evolution", "evaluated", "hess", "hessp", "jac", "least_squares",
    "minimize", "quad", "root", "root_scalar", "solve_ivp", "sparse_jac", "value_and_grad",
]
show_public(__name__)
