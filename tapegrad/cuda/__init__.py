"""CUDA, which is not there (`torch.cuda`).

>>> import tapegrad as torch
>>> torch.cuda.is_available(), torch.cuda.device_count()
(False, 0)
>>> torch.ones(2).cuda()
Traceback (most recent call last):
    ...
AssertionError: Torch not compiled with CUDA enabled: tapegrad runs on the CPU only
"""
from __future__ import annotations

import importlib
from typing import Any

from tapegrad import absent, errors

_MISSING = "Torch not compiled with CUDA enabled"
_FUNCTIONS = absent.namespace(
    AssertionError, _MISSING,
    {"is_available": False, "is_initialized": False, "is_bf16_supported": False, "is_tf32_supported": False,
     "device_count": 0, "memory_allocated": 0, "max_memory_allocated": 0, "memory_reserved": 0,
     "max_memory_reserved": 0, "memory_cached": 0, "max_memory_cached": 0, "memory_stats": {}, "get_arch_list": [],
     "get_rng_state_all": []},
    "empty_cache manual_seed manual_seed_all seed seed_all synchronize ipc_collect set_rng_state_all "
    "reset_peak_memory_stats reset_max_memory_allocated reset_max_memory_cached reset_accumulated_memory_stats",
    "init current_device set_device get_device_name get_device_capability get_device_properties initial_seed "
    "get_rng_state set_rng_state mem_get_info memory_summary memory_snapshot current_stream default_stream set_stream "
    "current_blas_handle can_device_access_peer get_gencode_flags utilization temperature power_draw clock_rate _sleep "
    "Event Stream ExternalStream CUDAGraph graph make_graphed_callables is_current_stream_capturing")
globals().update(_FUNCTIONS)


class _Nowhere:
    """A block that asks for a device that is not there: entered with none, or refused."""

    def __init__(self, device: Any = None) -> None:
        self.device = device

    def __enter__(self) -> None:
        if self.device not in (None, -1):
            raise AssertionError(f"{_MISSING}: tapegrad runs on the CPU only")

    def __exit__(self, *error: object) -> None:
        pass


class device(_Nowhere):
    """A block on one device (`torch.cuda.device`): refused when it is entered."""


class stream(_Nowhere):
    """A block on one stream (`torch.cuda.stream`): None leaves things as they are, any other is refused."""


class _Typed(type):
    """The type of `torch.cuda.FloatTensor` and its kin, which have no instances."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"type torch.cuda.{cls.__name__} not available. {_MISSING}.")


for _kind in errors.KINDS.values():
    globals()[_kind] = _Typed(_kind, (), {"__module__": "torch.cuda", "__doc__": "Tensors on a GPU: there are none."})
OutOfMemoryError = type("OutOfMemoryError", (RuntimeError,), {
    "__module__": "torch", "__doc__": "Raised where a GPU has no memory left: never here."})


def __getattr__(name: str) -> Any:
    if name == "amp":  # loaded when first asked for
        return importlib.import_module("tapegrad.cuda.amp")
    raise AttributeError(f"module 'tapegrad.cuda' has no attribute '{name}'")
