"""Switches of PyTorch's that programs set at their start: kept and given back; what is computed here stays the same.

Products are always of full precision, and every operation here gives the same bits again.
"""
from __future__ import annotations

import warnings
from typing import Any

from tapegrad import dtypes, errors
from tapegrad.tensor import Tensor

_state: dict[str, Any] = {"precision": "highest", "deterministic": 0, "warn always": False, "interop threads": 1}
_DEBUG_MODES = ("default", "warn", "error")


def set_float32_matmul_precision(precision: str) -> None:
    """Allow products of less precision (`torch.set_float32_matmul_precision`), of which no use is made.

    >>> set_float32_matmul_precision("high"); get_float32_matmul_precision()
    'high'
    >>> set_float32_matmul_precision("highest")

    One of `highest`, `high`, `medium`; anything else warns, and is not kept.
    """
    if not isinstance(precision, str):
        raise TypeError(f"set_float32_matmul_precision expects a str, but got {type(precision).__name__}")
    if precision not in ("highest", "high", "medium"):
        warnings.warn(f"{precision} is not one of 'highest', 'high', or 'medium'; the current "
                      "setFloat32MatmulPrecision call has no effect.", UserWarning, stacklevel=2)
        return
    _state["precision"] = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was given (`torch.get_float32_matmul_precision`).

    >>> import tapegrad as torch
    >>> torch.get_float32_matmul_precision()
    'highest'
    """
    return _state["precision"]


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for results that are the same each time (`torch.use_deterministic_algorithms`), which they are anyway.

    >>> use_deterministic_algorithms(True); are_deterministic_algorithms_enabled()
    True
    >>> use_deterministic_algorithms(False)
    """
    for name, value in (("mode", mode), ("warn_only", warn_only)):
        if not isinstance(value, bool):
            raise TypeError(f"use_deterministic_algorithms(): argument '{name}' must be bool, not "
                            f"{type(value).__name__}")
    _state["deterministic"] = 0 if not mode else 1 if warn_only else 2


def are_deterministic_algorithms_enabled() -> bool:
    """Whether `use_deterministic_algorithms` asked for them (`torch.are_deterministic_algorithms_enabled`).

    >>> import tapegrad as torch
    >>> torch.are_deterministic_algorithms_enabled()
    False
    """
    return _state["deterministic"] > 0


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether it asked for warnings only (`torch.is_deterministic_algorithms_warn_only_enabled`).

    >>> import tapegrad as torch
    >>> torch.is_deterministic_algorithms_warn_only_enabled()
    False
    """
    return _state["deterministic"] == 1


def set_deterministic_debug_mode(debug_mode: Any) -> None:
    """The same by number or name (`torch.set_deterministic_debug_mode`): `default`, `warn`, `error`.

    >>> import tapegrad as torch
    >>> torch.set_deterministic_debug_mode('default')
    >>> torch.get_deterministic_debug_mode()
    0
    """
    if isinstance(debug_mode, bool) or not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        if debug_mode not in _DEBUG_MODES:
            raise RuntimeError("invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got "
                               f"{debug_mode}")
        debug_mode = _DEBUG_MODES.index(debug_mode)
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    _state["deterministic"] = debug_mode


def get_deterministic_debug_mode() -> int:
    """What is asked for, as a number (`torch.get_deterministic_debug_mode`).

    >>> import tapegrad as torch
    >>> torch.get_deterministic_debug_mode()
    0
    """
    return _state["deterministic"]


def set_warn_always(b: bool) -> None:
    """Kept, and given back by `is_warn_always_enabled` (`torch.set_warn_always`).

    >>> import tapegrad as torch
    >>> torch.set_warn_always(False)
    >>> torch.is_warn_always_enabled()
    False
    """
    _state["warn always"] = bool(b)


def is_warn_always_enabled() -> bool:
    """What `set_warn_always` was given (`torch.is_warn_always_enabled`).

    >>> import tapegrad as torch
    >>> torch.is_warn_always_enabled()
    False
    """
    return _state["warn always"]


def set_num_interop_threads(number: int) -> None:
    """Kept, and given back (`torch.set_num_interop_threads`): operations are never run beside each other."""
    if isinstance(number, bool) or not isinstance(number, int):
        raise RuntimeError(f"set_num_interop_threads expects an int, but got {type(number).__name__}")
    if number < 1:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    _state["interop threads"] = number


def get_num_interop_threads() -> int:
    """What `set_num_interop_threads` was given (`torch.get_num_interop_threads`).

    >>> import tapegrad as torch
    >>> torch.get_num_interop_threads() > 0
    True
    """
    return _state["interop threads"]


def set_flush_denormal(mode: bool) -> bool:
    """False: denormal numbers stay as they are (`torch.set_flush_denormal`).

    >>> import tapegrad as torch
    >>> torch.set_flush_denormal(False)
    False
    """
    return False


def set_default_tensor_type(t: Any) -> None:
    """Make a type's dtype that of floating-point literals (`torch.set_default_tensor_type`).

    >>> import tapegrad
    >>> set_default_tensor_type("torch.DoubleTensor"); tapegrad.get_default_dtype()
    torch.float64
    >>> set_default_tensor_type(tapegrad.FloatTensor)
    """
    name = t if isinstance(t, str) else f"torch.{t.__name__}" if isinstance(t, type) else None
    named = {f"torch.{kind}": dtypes.BY_NAME[d] for d, kind in errors.KINDS.items()}
    if getattr(t, "__module__", "") == "torch.cuda" or str(name).startswith("torch.cuda."):
        raise TypeError(f"type torch.cuda.{str(name).rsplit('.')[-1]} not available. Torch not compiled with CUDA "
                        "enabled.")
    if name is None:
        raise TypeError("invalid type object")
    if name not in named:
        raise ValueError(f"invalid type: '{name}'" if isinstance(t, str) else "invalid type object")
    dtypes.set_default_dtype(named[name])


def typename(obj: Any, /) -> str:
    """The name of an object's type, of a tensor with its dtype (`torch.typename`).

    >>> import tapegrad
    >>> typename(tapegrad.ones(2)), typename(3)
    ('torch.FloatTensor', 'int')
    """
    if isinstance(obj, Tensor):
        return str(obj.type())
    of = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(of, "__module__", None) or ""
    name = of.__qualname__
    return name if module in ("", "builtins") else f"{module}.{name}"
