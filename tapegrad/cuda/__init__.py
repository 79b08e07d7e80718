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
from tapegrad.namespaces import show_public

_MISSING = "Torch not compiled with CUDA enabled"
_FUNCTIONS = absent.namespace(
    __name__,
    {"is_available": False, "is_initialized": False, "is_bf16_supported(including_emulation=True)": False,
     "is_tf32_supported": False, "device_count": 0, "memory_stats(device=None)": {}, "get_arch_list": [],
     "get_rng_state_all": [],
     **{f"{most}memory_{kind}(device=None)": 0 for kind in ("allocated", "reserved", "cached")
        for most in ("", "max_")}},
    nothing="empty_cache manual_seed(seed) manual_seed_all(seed) seed seed_all synchronize(device=None) ipc_collect "
    "set_rng_state_all(new_states) reset_peak_memory_stats(device=None) reset_max_memory_allocated(device=None) "
    "reset_max_memory_cached(device=None) reset_accumulated_memory_stats(device=None)",
    refused="init current_device set_device(device) get_device_name(device=None) get_device_capability(device=None) "
    "get_device_properties(device=None) initial_seed get_rng_state(device='cuda') "
    "set_rng_state(new_state,device='cuda') mem_get_info(device=None) memory_summary(device=None,abbreviated=False) "
    "memory_snapshot(mempool_id=None,include_traces=True) current_stream(device=None) default_stream(device=None) "
    "set_stream(stream) current_blas_handle can_device_access_peer(device,peer_device) get_gencode_flags "
    "set_per_process_memory_fraction(fraction,device=None) "
    "utilization(device=None) temperature(device=None) power_draw(device=None) clock_rate(device=None) _sleep(cycles) "
    "Event(enable_timing=False,blocking=False,interprocess=False,external=False) "
    "Stream(device=None,priority=0,**kwargs) ExternalStream(stream_ptr,device=None,**kwargs) "
    "CUDAGraph(keep_graph=False) "
    "graph(cuda_graph,pool=None,stream=None,capture_error_mode='global',enable_annotations=False,"
    "check_input_liveness=False) "
    "make_graphed_callables(callables,sample_args,num_warmup_iters=3,allow_unused_input=False,pool=None) "
    "is_current_stream_capturing _lazy_init",
    error=AssertionError, told=_MISSING)
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
    """A block on one device (`torch.cuda.device`): refused when it is entered.

    >>> import tapegrad as torch
    >>> with torch.cuda.device(None):
    ...     pass
    """


class device_of(_Nowhere):
    """A block on the device of a tensor (`torch.cuda.device_of`): tensors on the CPU leave things as they are.

    >>> import tapegrad as torch
    >>> with torch.cuda.device_of(torch.ones(2)):
    ...     pass
    """

    def __init__(self, obj: Any) -> None:
        super().__init__()


class stream(_Nowhere):
    """A block on one stream (`torch.cuda.stream`): None leaves things as they are, any other is refused.

    >>> import tapegrad as torch
    >>> with torch.cuda.stream(None):
    ...     pass
    """

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)


class _Typed(type):
    """The type of `torch.cuda.FloatTensor` and its kin, which have no instances."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"type torch.cuda.{cls.__name__} not available. {_MISSING}.")


for _kind in errors.KINDS.values():
    globals()[_kind] = _Typed(_kind, (), {"__module__": "torch.cuda", "__doc__": "Tensors on a GPU: there are none."})


class OutOfMemoryError(RuntimeError):
    """Raised where a GPU has no memory left: never here."""


OutOfMemoryError.__module__ = "torch"
__all__ = sorted([*(name for name in _FUNCTIONS if name[0] != "_"), *errors.KINDS.values(), "OutOfMemoryError",
                  "device", "device_of", "stream"])
_ROOMS = ("amp", "nvtx")  # loaded when first asked for
show_public(__name__, *_ROOMS)


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'tapegrad.cuda' has no attribute '{name}'")
