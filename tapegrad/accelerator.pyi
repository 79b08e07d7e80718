"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar


__all__: list[str]

class device_index():
    r"""A block on one device (`torch.accelerator.device_index`): None leaves things as they are.

    >>> import tapegrad as torch
    >>> with torch.accelerator.device_index(None):
    ...     pass"""
    idx: Any
    def __init__(self, device: int | None, /) -> None: ...
    def __enter__(self) -> None: ...
    def __exit__(self, *error: Any) -> None: ...

def current_accelerator(check_available: Any = False) -> None:
    """There is nothing to be done."""

def current_device_idx() -> Any:
    """There is no such device: raises RuntimeError."""

def current_device_index() -> Any:
    """There is no such device: raises RuntimeError."""

def current_stream(device: Any = None, /) -> Any:
    """There is no such device: raises RuntimeError."""

def device_count() -> int:
    """There is no such device: 0."""

def empty_cache() -> None:
    """There is nothing to be done."""

def get_device_capability(device: Any = None, /) -> Any:
    """There is no such device: raises RuntimeError."""

def get_memory_info(device_index: Any = None, /) -> Any:
    """There is no such device: raises RuntimeError."""

def is_available() -> bool:
    """There is no such device: False."""

def max_memory_allocated(device_index: Any = None, /) -> int:
    """There is no such device: 0."""

def max_memory_reserved(device_index: Any = None, /) -> int:
    """There is no such device: 0."""

def memory_allocated(device_index: Any = None, /) -> int:
    """There is no such device: 0."""

def memory_reserved(device_index: Any = None, /) -> int:
    """There is no such device: 0."""

def memory_stats(device_index: Any = None, /) -> Any:
    """There is no such device: raises RuntimeError."""

def reset_accumulated_memory_stats(device_index: Any = None, /) -> None:
    """There is nothing to be done."""

def reset_peak_memory_stats(device_index: Any = None, /) -> None:
    """There is nothing to be done."""

def set_device_idx(device: Any, /) -> Any:
    """There is no such device: raises RuntimeError."""

def set_device_index(device: Any, /) -> Any:
    """There is no such device: raises RuntimeError."""

def set_stream(stream: Any) -> Any:
    """There is no such device: raises RuntimeError."""

def synchronize(device: Any = None, /) -> None:
    """There is nothing to be done."""

