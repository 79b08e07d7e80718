"""What moves batches and modules between devices (`torch.nn.parallel.scatter_gather`): refused, for there is one."""
from __future__ import annotations

from tapegrad import absent
from tapegrad.namespaces import show_public

_MOVING = absent.namespace(
    "tapegrad.nn.parallel", {}, refused="gather(outputs,target_device,dim=0) replicate(network,devices,detach=False) "
    "scatter(inputs,target_gpus,dim=0) parallel_apply(modules,inputs,kwargs_tup=None,devices=None)",
    told="there are no other devices")
globals().update(_MOVING)
__all__ = sorted(_MOVING)
show_public(__name__)
