"""Whatever accelerator there is, which is none (`torch.accelerator`).

>>> import tapegrad as torch
>>> torch.accelerator.is_available(), torch.accelerator.current_accelerator()
(False, None)
"""
from __future__ import annotations

from typing import Any

from tapegrad import absent, devices
from tapegrad.namespaces import show_public

_FUNCTIONS = absent.namespace(
    __name__,
    {"is_available": False, "device_count": 0, "current_accelerator(check_available=False)": None,
     **{f"{name}(device_index=None,/)": 0 for name in ("memory_allocated", "max_memory_allocated", "memory_reserved",
                                                       "max_memory_reserved")}},
    nothing="synchronize(device=None,/) empty_cache reset_peak_memory_stats(device_index=None,/) "
    "reset_accumulated_memory_stats(device_index=None,/)",
    refused="set_device_index(device,/) set_device_idx(device,/) current_device_index current_device_idx "
    "current_stream(device=None,/) set_stream(stream) memory_stats(device_index=None,/) "
    "get_memory_info(device_index=None,/) get_device_capability(device=None,/)",
    error=RuntimeError, told=devices.NO_ACCELERATOR.rstrip("."))
globals().update(_FUNCTIONS)
__all__ = sorted([*_FUNCTIONS, "device_index"])
show_public(__name__)


class device_index:
    """A block on one device (`torch.accelerator.device_index`): None leaves things as they are.

    >>> import tapegrad as torch
    >>> with torch.accelerator.device_index(None):
    ...     pass
    """

    def __init__(self, device: int | None, /) -> None:
        self.idx = device

    def __enter__(self) -> None:
        if self.idx is not None:
            raise RuntimeError(devices.NO_ACCELERATOR)

    def __exit__(self, *error: Any) -> None:
        pass
