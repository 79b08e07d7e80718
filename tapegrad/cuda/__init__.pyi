"""Types of what is made as a module runs, written by `python -m tapegrad stubs`."""
from typing import Any, ClassVar


__all__: list[str]

class _Nowhere():
    r"""A block that asks for a device that is not there: entered with none, or refused."""
    device: Any
    def __init__(self, device: Any=None) -> None: ...
    def __enter__(self) -> None: ...
    def __exit__(self, *error: object) -> None: ...

class device(_Nowhere):
    r"""A block on one device (`torch.cuda.device`): refused when it is entered.

    >>> import tapegrad as torch
    >>> with torch.cuda.device(None):
    ...     pass"""


class device_of(_Nowhere):
    r"""A block on the device of a tensor (`torch.cuda.device_of`): tensors on the CPU leave things as they are.

    >>> import tapegrad as torch
    >>> with torch.cuda.device_of(torch.ones(2)):
    ...     pass"""
    def __init__(self, obj: Any) -> None: ...

class stream(_Nowhere):
    r"""A block on one stream (`torch.cuda.stream`): None leaves things as they are, any other is refused.

    >>> import tapegrad as torch
    >>> with torch.cuda.stream(None):
    ...     pass"""
    def __init__(self, stream: Any) -> None: ...

class _Typed(type):
    r"""The type of `torch.cuda.FloatTensor` and its kin, which have no instances."""
    def __call__(cls, *args: Any, **kwargs: Any) -> Any: ...

class OutOfMemoryError(RuntimeError):
    r"""Raised where a GPU has no memory left: never here."""


class BFloat16Tensor:
    """Tensors on a GPU: there are none."""

class BoolTensor:
    """Tensors on a GPU: there are none."""

class ByteTensor:
    """Tensors on a GPU: there are none."""

def CUDAGraph(keep_graph: Any = False) -> Any:
    """There is no such device: raises AssertionError."""

class CharTensor:
    """Tensors on a GPU: there are none."""

class DoubleTensor:
    """Tensors on a GPU: there are none."""

def Event(enable_timing: Any = False, blocking: Any = False, interprocess: Any = False, external: Any = False) -> Any:
    """There is no such device: raises AssertionError."""

def ExternalStream(stream_ptr: Any, device: Any = None, **kwargs: Any) -> Any:
    """There is no such device: raises AssertionError."""

class FloatTensor:
    """Tensors on a GPU: there are none."""

class HalfTensor:
    """Tensors on a GPU: there are none."""

class IntTensor:
    """Tensors on a GPU: there are none."""

class LongTensor:
    """Tensors on a GPU: there are none."""

class ShortTensor:
    """Tensors on a GPU: there are none."""

def Stream(device: Any = None, priority: Any = 0, **kwargs: Any) -> Any:
    """There is no such device: raises AssertionError."""

def can_device_access_peer(device: Any, peer_device: Any) -> Any:
    """There is no such device: raises AssertionError."""

def clock_rate(device: Any = None) -> Any:
    """There is no such device: raises AssertionError."""

def current_blas_handle() -> Any:
    """There is no such device: raises AssertionError."""

def current_device() -> Any:
    """There is no such device: raises AssertionError."""

def current_stream(device: Any = None) -> Any:
    """There is no such device: raises AssertionError."""

def default_stream(device: Any = None) -> Any:
    """There is no such device: raises AssertionError."""

def device_count() -> int:
    """There is no such device: 0."""

def empty_cache() -> None:
    """There is nothing to be done."""

def get_arch_list() -> Any:
    """There is no such device: []."""

def get_device_capability(device: Any = None) -> Any:
    """There is no such device: raises AssertionError."""

def get_device_name(device: Any = None) -> Any:
    """There is no such device: raises AssertionError."""

def get_device_properties(device: Any = None) -> Any:
    """There is no such device: raises AssertionError."""

def get_gencode_flags() -> Any:
    """There is no such device: raises AssertionError."""

def get_rng_state(device: Any = 'cuda') -> Any:
    """There is no such device: raises AssertionError."""

def get_rng_state_all() -> Any:
    """There is no such device: []."""

def graph(cuda_graph: Any, pool: Any = None, stream: Any = None, capture_error_mode: Any = 'global', enable_annotations: Any = False, check_input_liveness: Any = False) -> Any:
    """There is no such device: raises AssertionError."""

def init() -> Any:
    """There is no such device: raises AssertionError."""

def initial_seed() -> Any:
    """There is no such device: raises AssertionError."""

def ipc_collect() -> None:
    """There is nothing to be done."""

def is_available() -> bool:
    """There is no such device: False."""

def is_bf16_supported(including_emulation: Any = True) -> bool:
    """There is no such device: False."""

def is_current_stream_capturing() -> Any:
    """There is no such device: raises AssertionError."""

def is_initialized() -> bool:
    """There is no such device: False."""

def is_tf32_supported() -> bool:
    """There is no such device: False."""

def make_graphed_callables(callables: Any, sample_args: Any, num_warmup_iters: Any = 3, allow_unused_input: Any = False, pool: Any = None) -> Any:
    """There is no such device: raises AssertionError."""

def manual_seed(seed: Any) -> None:
    """There is nothing to be done."""

def manual_seed_all(seed: Any) -> None:
    """There is nothing to be done."""

def max_memory_allocated(device: Any = None) -> int:
    """There is no such device: 0."""

def max_memory_cached(device: Any = None) -> int:
    """There is no such device: 0."""

def max_memory_reserved(device: Any = None) -> int:
    """There is no such device: 0."""

def mem_get_info(device: Any = None) -> Any:
    """There is no such device: raises AssertionError."""

def memory_allocated(device: Any = None) -> int:
    """There is no such device: 0."""

def memory_cached(device: Any = None) -> int:
    """There is no such device: 0."""

def memory_reserved(device: Any = None) -> int:
    """There is no such device: 0."""

def memory_snapshot(mempool_id: Any = None, include_traces: Any = True) -> Any:
    """There is no such device: raises AssertionError."""

def memory_stats(device: Any = None) -> Any:
    """There is no such device: {}."""

def memory_summary(device: Any = None, abbreviated: Any = False) -> Any:
    """There is no such device: raises AssertionError."""

def power_draw(device: Any = None) -> Any:
    """There is no such device: raises AssertionError."""

def reset_accumulated_memory_stats(device: Any = None) -> None:
    """There is nothing to be done."""

def reset_max_memory_allocated(device: Any = None) -> None:
    """There is nothing to be done."""

def reset_max_memory_cached(device: Any = None) -> None:
    """There is nothing to be done."""

def reset_peak_memory_stats(device: Any = None) -> None:
    """There is nothing to be done."""

def seed() -> None:
    """There is nothing to be done."""

def seed_all() -> None:
    """There is nothing to be done."""

def set_device(device: Any) -> Any:
    """There is no such device: raises AssertionError."""

def set_per_process_memory_fraction(fraction: Any, device: Any = None) -> Any:
    """There is no such device: raises AssertionError."""

def set_rng_state(new_state: Any, device: Any = 'cuda') -> Any:
    """There is no such device: raises AssertionError."""

def set_rng_state_all(new_states: Any) -> None:
    """There is nothing to be done."""

def set_stream(stream: Any) -> Any:
    """There is no such device: raises AssertionError."""

def synchronize(device: Any = None) -> None:
    """There is nothing to be done."""

def temperature(device: Any = None) -> Any:
    """There is no such device: raises AssertionError."""

def utilization(device: Any = None) -> Any:
    """There is no such device: raises AssertionError."""

