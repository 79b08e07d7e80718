"""Sparse tensors, and derivatives that are mostly zero, as SciPy's sparse matrices: found, coloured, and compressed.

Start with `matrices.py`: what a function's recorded program reads (`patterns.py`, from `relations.py`) says where its
derivatives can be other than zero, and `colouring.py` which of them one sweep gives together.
"""
from __future__ import annotations

from tapegrad.namespaces import show_public
from tapegrad.sparse.matrices import SparseDerivative, hessian, jacobian
from tapegrad.sparse.tensors import *  # noqa: F403
from tapegrad.sparse.tensors import __all__ as _tensors

__all__ = ["SparseDerivative", "hessian", "jacobian", *_tensors]
show_public(__name__)
