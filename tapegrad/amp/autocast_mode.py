"""Autocasting: the mode can be entered and asked about; on the CPU it changes no dtype."""
from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable
from typing import Any

from tapegrad import dtypes
from tapegrad.namespaces import show_public

__all__ = ["autocast", "clear_autocast_cache", "custom_bwd", "custom_fwd", "get_autocast_dtype",
           "is_autocast_available", "is_autocast_cache_enabled", "is_autocast_enabled", "set_autocast_cache_enabled",
           "set_autocast_dtype", "set_autocast_enabled"]
show_public(__name__)

_DEVICES = ("cpu", "cuda", "mtia", "maia", "xpu", "ipu", "hpu", "xla", "privateuseone", "mps")


class _Modes(threading.local):
    """What is on in this thread: per device whether it is and its dtype; and whether casts are kept."""

    def __init__(self) -> None:
        self.enabled: dict[str, bool] = {}
        self.dtypes: dict[str, Any] = {}
        self.cache = True


_modes = _Modes()


def is_autocast_available(device_type: str) -> bool:
    """Whether the name is one of a device that there could be autocasting on.

    >>> is_autocast_available("cpu")
    True
    """
    return device_type in _DEVICES


def _known(device_type: str) -> str:
    if not is_autocast_available(device_type):
        raise RuntimeError(f"unknown device type for autocast: {device_type}")
    return device_type


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether a block of `autocast` for this device is entered.

    >>> import tapegrad as torch
    >>> torch.is_autocast_enabled('cpu')
    False
    """
    return _modes.enabled.get(_known(device_type), False)


def set_autocast_enabled(device_type: Any, enabled: bool | None = None) -> None:
    """Switch autocasting on or off, for a device (or, with one argument, for CUDA).

    >>> import tapegrad as torch
    >>> torch.set_autocast_enabled('cpu', False)
    """
    if enabled is None:
        device_type, enabled = "cuda", device_type
    _modes.enabled[_known(device_type)] = bool(enabled)


def get_autocast_dtype(device_type: str) -> Any:
    """The dtype that a block of `autocast` is for: bfloat16 on the CPU, unless it says otherwise.

    >>> import tapegrad as torch
    >>> torch.get_autocast_dtype('cpu')
    torch.bfloat16
    """
    found = _modes.dtypes.get(_known(device_type))
    name = "bfloat16" if device_type in ("cpu", "xla", "hpu") else "float16"
    return dtypes.BY_NAME.get(name, dtypes.float32) if found is None else found


def set_autocast_dtype(device_type: str, dtype: Any) -> None:
    """Have blocks of `autocast` for a device be for this dtype."""
    _modes.dtypes[_known(device_type)] = dtype


def is_autocast_cache_enabled() -> bool:
    """Whether casts of parameters would be kept.

    >>> import tapegrad as torch
    >>> torch.is_autocast_cache_enabled()
    True
    """
    return _modes.cache


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Say whether casts of parameters would be kept.

    >>> import tapegrad as torch
    >>> torch.set_autocast_cache_enabled(True)
    """
    _modes.cache = bool(enabled)


def clear_autocast_cache() -> None:
    """Forget casts that were kept: there are none.

    >>> import tapegrad as torch
    >>> torch.clear_autocast_cache()
    """


class autocast:
    """A block in which PyTorch computes in a shorter dtype (`torch.autocast`), and tapegrad as outside of it.

    >>> import tapegrad as torch
    >>> with torch.autocast("cpu", dtype=torch.float32, enabled=False):
    ...     torch.is_autocast_enabled("cpu")
    False

    It is a decorator as well. ValueError or RuntimeError for what is not the name of a device; a warning where there is
    no such device here.
    """

    device: str
    fast_dtype: Any

    def __init__(self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
                 ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if not is_autocast_available(device_type):
            raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
        self.device, self.fast_dtype = device_type, get_autocast_dtype(device_type) if dtype is None else dtype
        self._cache_enabled = is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
        if enabled and device_type == "cuda":
            warnings.warn("CUDA is not available or torch_xla is imported. Disabling autocast.", stacklevel=2)
            enabled = False
        elif enabled and dtype is not None and str(dtype) not in ("torch.bfloat16", "torch.float16"):
            name = device_type.upper()
            warnings.warn(f"In {name} autocast, but the target dtype is not supported. Disabling autocast.\n{name} "
                          "Autocast only supports dtypes of torch.bfloat16, torch.float16 currently.", stacklevel=2)
            enabled = False
        self._enabled = enabled

    def __enter__(self) -> autocast:
        device = self.device
        self._before = is_autocast_enabled(device), _modes.dtypes.get(device), is_autocast_cache_enabled()
        set_autocast_enabled(device, self._enabled)
        set_autocast_dtype(device, self.fast_dtype)
        set_autocast_cache_enabled(self._cache_enabled)
        return self

    def __exit__(self, *error: object) -> None:
        enabled, dtype, cache = self._before
        set_autocast_enabled(self.device, enabled)
        set_autocast_dtype(self.device, dtype)
        set_autocast_cache_enabled(cache)

    def __call__(self, func: Any) -> Any:
        if not callable(func):
            raise TypeError(f"autocast()(func) requires a callable, but got {type(func).__name__}. Did you mean to use "
                            "autocast as a context manager?")

        @functools.wraps(func)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self:
                return func(*args, **kwargs)

        return inside


def custom_fwd(fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: Any = None) -> Any:
    """Decorate the forward of a custom function for autocasting, which leaves its inputs as they are.

    >>> import tapegrad as torch
    >>> class Twice(torch.autograd.Function):
    ...     @staticmethod
    ...     @torch.amp.custom_fwd(device_type="cpu")
    ...     def forward(ctx, x):
    ...         return x * 2
    ...
    ...     @staticmethod
    ...     @torch.amp.custom_bwd(device_type="cpu")
    ...     def backward(ctx, g):
    ...         return g * 2
    >>> Twice.apply(torch.ones(1))
    tensor([2.])
    """
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)
    return _as_called(fwd)


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Any:
    """Decorate the backward of a custom function whose forward was decorated with `custom_fwd`."""
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    return functools.partial(custom_bwd, device_type=device_type) if bwd is None else _as_called(bwd)


def _as_called(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return decorated
