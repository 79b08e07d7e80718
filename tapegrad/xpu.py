"""Intel's GPUs, which are not used (`torch.xpu`).

>>> import tapegrad as torch
>>> torch.xpu.is_available()
False
"""
from tapegrad import absent

globals().update(absent.namespace(
    AssertionError, "Torch not compiled with XPU enabled",
    {"is_available": False, "is_initialized": False, "is_bf16_supported": False, "device_count": 0,
     "memory_allocated": 0, "max_memory_allocated": 0, "memory_reserved": 0, "max_memory_reserved": 0},
    "empty_cache manual_seed manual_seed_all seed seed_all synchronize reset_peak_memory_stats",
    "init current_device set_device get_device_name get_device_capability get_device_properties initial_seed "
    "get_rng_state set_rng_state current_stream Event Stream device stream"))
