"""Apple's GPUs, which are not used (`torch.mps`).

>>> import tapegrad as torch
>>> torch.mps.is_available()
False
"""
from __future__ import annotations

from tapegrad import absent
from tapegrad.namespaces import show_public

_FUNCTIONS = absent.namespace(
    __name__,
    {"is_available": False, "device_count": 0, "current_allocated_memory": 0, "driver_allocated_memory": 0,
     "recommended_max_memory": 0},
    nothing="manual_seed(seed) seed synchronize empty_cache set_per_process_memory_fraction(fraction)",
    refused="get_rng_state(device='mps') set_rng_state(new_state,device='mps') compile_shader(source)",
    error=RuntimeError, told="PyTorch is not linked with support for mps devices")
globals().update(_FUNCTIONS)
__all__ = sorted(_FUNCTIONS)
show_public(__name__)
