"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar


__all__: list[str]

def all_gather(*args: Any, **kwargs: Any) -> Any:
    """There is no such device: raises ValueError."""

def all_reduce(*args: Any, **kwargs: Any) -> Any:
    """There is no such device: raises ValueError."""

def barrier(*args: Any, **kwargs: Any) -> Any:
    """There is no such device: raises ValueError."""

def broadcast(*args: Any, **kwargs: Any) -> Any:
    """There is no such device: raises ValueError."""

def destroy_process_group(group: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def get_backend(group: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def get_rank(group: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def get_world_size(group: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def init_process_group(*args: Any, **kwargs: Any) -> Any:
    """There is no such device: raises ValueError."""

def is_available() -> bool:
    """There is no such device: False."""

def is_gloo_available() -> bool:
    """There is no such device: False."""

def is_initialized() -> bool:
    """There is no such device: False."""

def is_mpi_available() -> bool:
    """There is no such device: False."""

def is_nccl_available() -> bool:
    """There is no such device: False."""

def is_torchelastic_launched() -> bool:
    """There is no such device: False."""

def reduce(*args: Any, **kwargs: Any) -> Any:
    """There is no such device: raises ValueError."""

