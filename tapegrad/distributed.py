"""Groups of processes, of which there are none (`torch.distributed`): programs ask, and go on alone.

>>> import tapegrad as torch
>>> torch.distributed.is_available(), torch.distributed.is_initialized()
(False, False)

Sums over partitions that are in other processes are in `tapegrad.interop`.
"""
from __future__ import annotations

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
    "reduce(tensor,dst=None,op=None,group=None,async_op=False,group_dst=None)",
    error=ValueError, told="Default process group has not been initialized")
globals().update(_FUNCTIONS)
__all__ = sorted(_FUNCTIONS)
show_public(__name__)
