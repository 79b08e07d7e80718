"""Whatever accelerator there is, which is none (`torch.accelerator`).

>>> import tapegrad as torch
>>> torch.accelerator.is_available(), torch.accelerator.current_accelerator()
(False, None)
"""
from __future__ import annotations

from typing import Any

from tapegrad import absent, devices

globals().update(absent.namespace(
    RuntimeError, devices.NO_ACCELERATOR.rstrip("."),
    {"is_available": False, "device_count": 0, "current_accelerator": None, "memory_allocated": 0,
     "max_memory_allocated": 0, "memory_reserved": 0, "max_memory_reserved": 0},
    "synchronize empty_cache reset_peak_memory_stats reset_accumulated_memory_stats",
    "set_device_index set_device_idx current_device_index current_device_idx current_stream set_stream memory_stats "
    "get_memory_info get_device_capability"))


class device_index:
    """A block on one device (`torch.accelerator.device_index`): None leaves things as they are."""

    def __init__(self, device: int | None) -> None:
        self.idx = device

    def __enter__(self) -> None:
        if self.idx is not None:
            raise RuntimeError(devices.NO_ACCELERATOR)

    def __exit__(self, *error: Any) -> None:
        pass
