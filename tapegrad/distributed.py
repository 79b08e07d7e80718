"""Groups of processes, of which there are none (`torch.distributed`): programs ask, and go on alone.

>>> import tapegrad as torch
>>> torch.distributed.is_available(), torch.distributed.is_initialized()
(False, False)

Sums over partitions that are in other processes are in `tapegrad.interop`.
"""
from __future__ import annotations

from typing import Any

from tapegrad import absent
from tapegrad.namespaces import show_public

_FUNCTIONS = absent.namespace(
    __name__,
    {"is_available": False, "is_initialized": False, "is_gloo_available": False, "is_mpi_available": False,
     "is_nccl_available": False, "is_torchelastic_launched": False},
    refused="init_process_group(backend=None,init_method=None,timeout=None,world_size=-1,rank=-1,store=None,group_name='',"
    "pg_options=None,device_id=None,_ranks=None) destroy_process_group(group=None) get_rank(group=None) "
    "get_world_size(group=None) get_backend(group=None) "
    "barrier(group=None,async_op=False,device_ids=None,timeout=None) "
    "all_reduce(tensor,op=None,group=None,async_op=False) all_gather(tensor_list,tensor,group=None,async_op=False) "
    "broadcast(tensor,src=None,group=None,async_op=False,group_src=None) "
    "reduce(tensor,dst=None,op=None,group=None,async_op=False,group_dst=None) "
    "all_gather_object(object_list,obj,group=None) "
    "all_gather_into_tensor(output_tensor,input_tensor,group=None,async_op=False) "
    "all_to_all(output_tensor_list,input_tensor_list,group=None,async_op=False) "
    "broadcast_object_list(object_list,src=None,group=None,device=None,group_src=None) "
    "gather(tensor,gather_list=None,dst=None,group=None,async_op=False,group_dst=None) "
    "reduce_scatter(output,input_list,op=None,group=None,async_op=False) "
    "reduce_scatter_tensor(output,input,op=None,group=None,async_op=False) "
    "scatter(tensor,scatter_list=None,src=None,group=None,async_op=False,group_src=None) "
    "send(tensor,dst=None,group=None,tag=0,group_dst=None) recv(tensor,src=None,group=None,tag=0,group_src=None) "
    "isend(tensor,dst=None,group=None,tag=0,group_dst=None) irecv(tensor,src=None,group=None,tag=0,group_src=None) "
    "new_group(ranks=None,timeout=None,backend=None,pg_options=None,use_local_synchronization=False,group_desc=None,"
    "device_id=None,sort_ranks=True) get_process_group_ranks(group)",
    error=ValueError, told="Default process group has not been initialized")
globals().update(_FUNCTIONS)


class ReduceOp:
    """How values of a group become one (`torch.distributed.ReduceOp`): names, for there is no group.

    >>> import tapegrad as torch
    >>> torch.distributed.ReduceOp.SUM
    'SUM'
    """

    SUM: str = "SUM"
    AVG: str = "AVG"
    PRODUCT: str = "PRODUCT"
    MIN: str = "MIN"
    MAX: str = "MAX"
    BAND: str = "BAND"
    BOR: str = "BOR"
    BXOR: str = "BXOR"
    PREMUL_SUM: str = "PREMUL_SUM"


class ProcessGroup:
    """A group of processes (`torch.distributed.ProcessGroup`): a name for annotations. ValueError when one is made.

    >>> import tapegrad as torch
    >>> isinstance(torch.ones(2), torch.distributed.ProcessGroup)
    False
    """

    def __init__(self, *args: Any) -> None:
        raise ValueError("Default process group has not been initialized: tapegrad runs on the CPU only")


class group:
    """Where programs look for the group of all processes (`torch.distributed.group`).

    >>> import tapegrad as torch
    >>> torch.distributed.group.WORLD is None
    True
    """

    WORLD: ProcessGroup | None = None


__all__ = sorted([*_FUNCTIONS, "ProcessGroup", "ReduceOp", "group"])
show_public(__name__)
