"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar


__all__: list[str]

def compile_shader(source: Any) -> Any:
    """There is no such device: raises RuntimeError."""

def current_allocated_memory() -> int:
    """There is no such device: 0."""

def device_count() -> int:
    """There is no such device: 0."""

def driver_allocated_memory() -> int:
    """There is no such device: 0."""

def empty_cache() -> None:
    """There is nothing to be done."""

def get_rng_state(device: Any = 'mps') -> Any:
    """There is no such device: raises RuntimeError."""

def is_available() -> bool:
    """There is no such device: False."""

def manual_seed(seed: Any) -> None:
    """There is nothing to be done."""

def recommended_max_memory() -> int:
    """There is no such device: 0."""

def seed() -> None:
    """There is nothing to be done."""

def set_per_process_memory_fraction(fraction: Any) -> None:
    """There is nothing to be done."""

def set_rng_state(new_state: Any, device: Any = 'mps') -> Any:
    """There is no such device: raises RuntimeError."""

def synchronize() -> None:
    """There is nothing to be done."""

