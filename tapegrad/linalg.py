"""Linear algebra (`torch.linalg`)."""
from __future__ import annotations

from tapegrad.functions.reductions import vector_norm
from tapegrad.functions.shape import linalg_diagonal as diagonal

__all__ = ["diagonal", "vector_norm"]
