"""Lists of tensors sorted by where they are and their dtype, as optimisers on lists do it."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tapegrad

Indices = list[int]
TensorListList = list[list[Any]]
_foreach_supported_types = [tapegrad.Tensor, tapegrad.nn.Parameter]


def _group_tensors_by_device_and_dtype(tensorlistlist: TensorListList, with_indices: bool = False
                                       ) -> dict[tuple[Any, Any], tuple[TensorListList, Indices]]:
    """Of each device and dtype in the first list the tensors of all lists, and with indices where they stood."""
    first, *_ = tensorlistlist
    if any(len(other) != len(first) for other in tensorlistlist):
        raise RuntimeError("Tensorlists must have the same length")
    places: dict[tuple[Any, Any], Indices] = {}
    for k, x in enumerate(first):
        places.setdefault((x.device, x.dtype), []).append(k)
    return {key: ([[column[k] for k in rows] for column in tensorlistlist], rows if with_indices else [])
            for key, rows in places.items()}


def _get_foreach_kernels_supported_devices() -> list[str]:
    """Where operations on lists are fewer kernels than tensors: nowhere here."""
    return []


def _get_fused_kernels_supported_devices() -> list[str]:
    """Where an optimiser's step is one kernel."""
    return ["cpu"]


def _device_has_foreach_support(device: Any) -> bool:
    """Whether operations on lists may be used with tensors of a device."""
    return bool(device.type == "cpu")


def _has_foreach_support(tensors: Sequence[Any], device: Any) -> bool:
    """Whether they may be used with these tensors."""
    return _device_has_foreach_support(device) and all(
        t is None or type(t) in _foreach_supported_types for t in tensors)
