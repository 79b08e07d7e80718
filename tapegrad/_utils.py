"""Helpers of programs that send many tensors at once (`torch._utils`)."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tapegrad


def _flatten_dense_tensors(tensors: Sequence[Any]) -> Any:
    """The elements of all of them, one after the other."""
    return tapegrad.cat([x.reshape(-1) for x in tensors])


def _unflatten_dense_tensors(flat: Any, tensors: Sequence[Any]) -> tuple[Any, ...]:
    """Views of what was flattened, in the shapes of the tensors."""
    parts = flat.split([x.numel() for x in tensors])
    return tuple([part.view(x.shape) for part, x in zip(parts, tensors)])
