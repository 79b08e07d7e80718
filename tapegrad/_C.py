"""What programs take from PyTorch's C++ side: the sweep under way, counts of writes, names that are public as well."""
from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import tapegrad
from tapegrad.autograd import engine
from tapegrad.machine.live import buffers
from tapegrad.ops.linalg import LinAlgError
from tapegrad.signatures import overriding

_LinAlgError = LinAlgError
_disabled_torch_function_impl = overriding.disabled


def __getattr__(name: str) -> Any:
    if name in tapegrad.__all__:  # from torch._C import device
        return getattr(tapegrad, name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def _get_tracing_state() -> None:
    """What TorchScript is tracing: nothing."""


def _is_tracing() -> bool:
    """Whether TorchScript traces: never."""
    return False


def _set_grad_enabled(mode: bool) -> None:
    """What `torch.set_grad_enabled` does outside of a block."""
    tapegrad.set_grad_enabled(mode)


def _jit_set_profiling_executor(setting: bool) -> bool:
    """A switch of TorchScript, which is not here: it was as it is set."""
    return setting


def _jit_set_texpr_fuser_enabled(setting: bool) -> None:
    """A switch of TorchScript, which is not here."""


_jit_set_profiling_mode = _jit_set_profiling_executor
_jit_override_can_fuse_on_cpu = _jit_override_can_fuse_on_gpu = _jit_set_texpr_fuser_enabled


def _log_api_usage_once(event: str) -> None:
    """Nobody counts."""


def _current_graph_task_id() -> int:
    """The number of the backward under way in this thread, or -1."""
    number = engine.sweep_number()
    return -1 if number is None else number


def _unsafe_set_version_counter(tensors: Sequence[Any], versions: Sequence[int]) -> None:
    """Let tensors have been written to so many times."""
    if len(tensors) != len(versions):
        raise RuntimeError(f"tensors_len={len(tensors)}, versions_len={len(versions)}")
    if any(version < 0 for version in versions):
        raise RuntimeError(f"Cannot set a version_counter to a value below 0: {min(versions)}")
    for x, version in zip(tensors, versions):
        buffers["version"][int(buffers["owner"][x._buffer])] = version


_autograd = SimpleNamespace(_unsafe_set_version_counter=_unsafe_set_version_counter)


def _parse_to(*args: Any, **kwargs: Any) -> tuple[Any, Any, bool, Any]:
    """The device, dtype, `non_blocking` and memory format that a `to` was asked for, as copies of it take them."""
    names = ("dtype",) if args and isinstance(args[0], tapegrad.dtype) else ("device", "dtype")
    if args and isinstance(args[0], tapegrad.Tensor):
        args, names = (args[0].device, args[0].dtype, *args[1:]), ("device", "dtype")
    given = {**dict(zip((*names, "non_blocking", "copy"), args)), **kwargs}
    device = given.get("device")
    dtype = given.get("dtype")
    if dtype is not None and not isinstance(dtype, tapegrad.dtype):
        raise TypeError(f"to(): argument 'dtype' must be torch.dtype, not {type(dtype).__name__}")
    return (None if device is None else tapegrad.device(device), dtype, bool(given.get("non_blocking", False)),
            given.get("memory_format"))


class _Functions:
    """Where PyTorch keeps functions of layers (`torch._C._nn.softplus`)."""

    _parse_to = staticmethod(_parse_to)

    def __getattr__(self, name: str) -> Any:
        return getattr(tapegrad.nn.functional, name)


_nn = _Functions()
