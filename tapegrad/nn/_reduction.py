"""How losses are reduced, as it was said once (`torch.nn._reduction`)."""
from __future__ import annotations

import warnings
from typing import Any

_NUMBERS = {"none": 0, "mean": 1, "elementwise_mean": 1, "sum": 2}


def get_enum(reduction: str) -> int:
    """The number of a reduction; ValueError for what is none."""
    if reduction not in _NUMBERS:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return _NUMBERS[reduction]


def legacy_get_string(size_average: Any, reduce: Any, emit_warning: bool = True) -> str:
    """The reduction that two flags stand for."""
    found = "none" if reduce is not None and not reduce else "mean" if size_average is None or size_average else "sum"
    if emit_warning:
        warnings.warn("size_average and reduce args will be deprecated, please use "
                      f"reduction='{found}' instead.", stacklevel=2)
    return found


def legacy_get_enum(size_average: Any, reduce: Any, emit_warning: bool = True) -> int:
    """Its number."""
    return get_enum(legacy_get_string(size_average, reduce, emit_warning))
