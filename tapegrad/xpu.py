"""Intel's GPUs, which are not used (`torch.xpu`).

>>> import tapegrad as torch
>>> torch.xpu.is_available()
False
"""
from __future__ import annotations

from tapegrad import absent
from tapegrad.namespaces import show_public

_FUNCTIONS = absent.namespace(
    __name__,
    {"is_available": False, "is_initialized": False, "is_bf16_supported(including_emulation=True)": False,
     "device_count": 0, "memory_allocated(device=None)": 0, "max_memory_allocated(device=None)": 0,
     "memory_reserved(device=None)": 0, "max_memory_reserved(device=None)": 0},
    nothing="empty_cache manual_seed(seed) manual_seed_all(seed) seed seed_all synchronize(device=None) "
    "reset_peak_memory_stats(device=None)",
    refused="init current_device set_device(device) get_device_name(device=None) get_device_capability(device=None) "
    "get_device_properties(device=None) initial_seed get_rng_state(device='xpu') "
    "set_rng_state(new_state,device='xpu') current_stream(device=None) Event(enable_timing=False) "
    "Stream(device=None,priority=0,**kwargs) device(device) stream(stream)",
    error=AssertionError, told="Torch not compiled with XPU enabled")
globals().update(_FUNCTIONS)
__all__ = sorted(_FUNCTIONS)
show_public(__name__)
