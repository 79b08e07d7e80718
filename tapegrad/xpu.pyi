"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar


__all__: list[str]

def Event(enable_timing: Any = False) -> Any:
    """There is no such device: raises AssertionError."""

def Stream(device: Any = None, priority: Any = 0, **kwargs: Any) -> Any:
    """There is no such device: raises AssertionError."""

def current_device() -> Any:
    """There is no such device: raises AssertionError."""

def current_stream(device: Any = None) -> Any:
    """There is no such device: raises AssertionError."""

def device(device: Any) -> Any:
    """There is no such device: raises AssertionError."""

def device_count() -> int:
    """There is no such device: 0."""

def empty_cache() -> None:
    """There is nothing to be done."""

def get_device_capability(device: Any = None) -> Any:
    """There is no such device: raises AssertionError."""

def get_device_name(device: Any = None) -> Any:
    """There is no such device: raises AssertionError."""

def get_device_properties(device: Any = None) -> Any:
    """There is no such device: raises AssertionError."""

def get_rng_state(device: Any = 'xpu') -> Any:
    """There is no such device: raises AssertionError."""

def init() -> Any:
    """There is no such device: raises AssertionError."""

def initial_seed() -> Any:
    """There is no such device: raises AssertionError."""

def is_available() -> bool:
    """There is no such device: False."""

def is_bf16_supported(including_emulation: Any = True) -> bool:
    """There is no such device: False."""

def is_initialized() -> bool:
    """There is no such device: False."""

def manual_seed(seed: Any) -> None:
    """There is nothing to be done."""

def manual_seed_all(seed: Any) -> None:
    """There is nothing to be done."""

def max_memory_allocated(device: Any = None) -> int:
    """There is no such device: 0."""

def max_memory_reserved(device: Any = None) -> int:
    """There is no such device: 0."""

def memory_allocated(device: Any = None) -> int:
    """There is no such device: 0."""

def memory_reserved(device: Any = None) -> int:
    """There is no such device: 0."""

def reset_peak_memory_stats(device: Any = None) -> None:
    """There is nothing to be done."""

def seed() -> None:
    """There is nothing to be done."""

def seed_all() -> None:
    """There is nothing to be done."""

def set_device(device: Any) -> Any:
    """There is no such device: raises AssertionError."""

def set_rng_state(new_state: Any, device: Any = 'xpu') -> Any:
    """There is no such device: raises AssertionError."""

def stream(stream: Any) -> Any:
    """There is no such device: raises AssertionError."""

def synchronize(device: Any = None) -> None:
    """There is nothing to be done."""

