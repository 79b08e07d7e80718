"""Functions of functions: derivatives, batches, and modules as functions of their parameters (`torch.func`).

Start with `derivatives.py`: `_Level` is one differentiation. Batches are in `vectorisation.py`.
"""
from __future__ import annotations

from tapegrad.batching import vmap
from tapegrad.func.derivatives import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, linearize, vjp
from tapegrad.namespaces import show_public
from tapegrad.nn.utils.stateless import functional_call, stack_module_state

__all__ = ["functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize",
           "stack_module_state", "vjp", "vmap"]
show_public(__name__)
