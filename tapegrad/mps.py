"""Apple's GPUs, which are not used (`torch.mps`).

>>> import tapegrad as torch
>>> torch.mps.is_available()
False
"""
from tapegrad import absent

globals().update(absent.namespace(
    RuntimeError, "PyTorch is not linked with support for mps devices",
    {"is_available": False, "device_count": 0, "current_allocated_memory": 0, "driver_allocated_memory": 0,
     "recommended_max_memory": 0},
    "manual_seed seed synchronize empty_cache set_per_process_memory_fraction",
    "get_rng_state set_rng_state compile_shader"))
