"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar


__all__: list[str]

def all_gather(tensor_list: Any, tensor: Any, group: Any = None, async_op: Any = False) -> Any:
    """There is no such device: raises ValueError."""

def all_reduce(tensor: Any, op: Any = None, group: Any = None, async_op: Any = False) -> Any:
    """There is no such device: raises ValueError."""

def barrier(group: Any = None, async_op: Any = False, device_ids: Any = None, timeout: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def broadcast(tensor: Any, src: Any = None, group: Any = None, async_op: Any = False, group_src: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def destroy_process_group(group: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def get_backend(group: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def get_rank(group: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def get_world_size(group: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def init_process_group(backend: Any = None, init_method: Any = None, timeout: Any = None, world_size: Any = -1, rank: Any = -1, store: Any = None, group_name: Any = '', pg_options: Any = None, device_id: Any = None, _ranks: Any = None) -> Any:
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

def reduce(tensor: Any, dst: Any = None, op: Any = None, group: Any = None, async_op: Any = False, group_dst: Any = None) -> Any:
    """There is no such device: raises ValueError."""

