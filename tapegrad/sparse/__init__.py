"""Derivatives that are mostly zero, as SciPy's sparse matrices: found, coloured, and computed compressed.

Start with `matrices.py`: what a function's recorded program reads (`patterns.py`, from `relations.py`) says where its
derivatives can be other than zero, and `colouring.py` which of them one sweep gives together.
"""
from __future__ import annotations

from tapegrad.namespaces import show_public
from tapegrad.sparse.matrices import SparseDerivative, hessian, jacobian

__all__ = ["SparseDerivative", "hessian", "jacobian"]
show_public(__name__)
