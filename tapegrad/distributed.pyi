"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar


__all__: list[str]

class ReduceOp():
    r"""How values of a group become one (`torch.distributed.ReduceOp`): names, for there is no group.

    >>> import tapegrad as torch
    >>> torch.distributed.ReduceOp.SUM
    'SUM'"""
    SUM: str
    AVG: str
    PRODUCT: str
    MIN: str
    MAX: str
    BAND: str
    BOR: str
    BXOR: str
    PREMUL_SUM: str

class ProcessGroup():
    r"""A group of processes (`torch.distributed.ProcessGroup`): a name for annotations. ValueError when one is made.

    >>> import tapegrad as torch
    >>> isinstance(torch.ones(2), torch.distributed.ProcessGroup)
    False"""
    def __init__(self, *args: Any) -> None: ...

class group():
    r"""Where programs look for the group of all processes (`torch.distributed.group`).

    >>> import tapegrad as torch
    >>> torch.distributed.group.WORLD is None
    True"""
    WORLD: ProcessGroup | None

def all_gather(tensor_list: Any, tensor: Any, group: Any = None, async_op: Any = False) -> Any:
    """There is no such device: raises ValueError."""

def all_gather_into_tensor(output_tensor: Any, input_tensor: Any, group: Any = None, async_op: Any = False) -> Any:
    """There is no such device: raises ValueError."""

def all_gather_object(object_list: Any, obj: Any, group: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def all_reduce(tensor: Any, op: Any = None, group: Any = None, async_op: Any = False) -> Any:
    """There is no such device: raises ValueError."""

def all_to_all(output_tensor_list: Any, input_tensor_list: Any, group: Any = None, async_op: Any = False) -> Any:
    """There is no such device: raises ValueError."""

def barrier(group: Any = None, async_op: Any = False, device_ids: Any = None, timeout: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def broadcast(tensor: Any, src: Any = None, group: Any = None, async_op: Any = False, group_src: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def broadcast_object_list(object_list: Any, src: Any = None, group: Any = None, device: Any = None, group_src: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def destroy_process_group(group: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def gather(tensor: Any, gather_list: Any = None, dst: Any = None, group: Any = None, async_op: Any = False, group_dst: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def get_backend(group: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def get_process_group_ranks(group: Any) -> Any:
    """There is no such device: raises ValueError."""

def get_rank(group: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def get_world_size(group: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def init_process_group(backend: Any = None, init_method: Any = None, timeout: Any = None, world_size: Any = -1, rank: Any = -1, store: Any = None, group_name: Any = '', pg_options: Any = None, device_id: Any = None, _ranks: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def irecv(tensor: Any, src: Any = None, group: Any = None, tag: Any = 0, group_src: Any = None) -> Any:
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

def isend(tensor: Any, dst: Any = None, group: Any = None, tag: Any = 0, group_dst: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def new_group(ranks: Any = None, timeout: Any = None, backend: Any = None, pg_options: Any = None, use_local_synchronization: Any = False, group_desc: Any = None, device_id: Any = None, sort_ranks: Any = True) -> Any:
    """There is no such device: raises ValueError."""

def recv(tensor: Any, src: Any = None, group: Any = None, tag: Any = 0, group_src: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def reduce(tensor: Any, dst: Any = None, op: Any = None, group: Any = None, async_op: Any = False, group_dst: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def reduce_scatter(output: Any, input_list: Any, op: Any = None, group: Any = None, async_op: Any = False) -> Any:
    """There is no such device: raises ValueError."""

def reduce_scatter_tensor(output: Any, input: Any, op: Any = None, group: Any = None, async_op: Any = False) -> Any:
    """There is no such device: raises ValueError."""

def scatter(tensor: Any, scatter_list: Any = None, src: Any = None, group: Any = None, async_op: Any = False, group_src: Any = None) -> Any:
    """There is no such device: raises ValueError."""

def send(tensor: Any, dst: Any = None, group: Any = None, tag: Any = 0, group_dst: Any = None) -> Any:
    """There is no such device: raises ValueError."""

