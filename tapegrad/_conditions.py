"""Conditions that programs state for PyTorch's compiler, and that are checked here (`torch._check` and its kin)."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad.tensor import Tensor

_UNTOLD = ("Expected cond to be True, but got False. (Could this error message be improved? If so, please report an "
           "enhancement request to PyTorch.)")


def _check_with(error_type: type[Exception], cond: Any, message: Callable[[], Any] | None = None) -> None:
    """Raise an error of this type, with the message that is made then, unless a bool is true."""
    if isinstance(cond, Tensor):
        raise TypeError("cond must be a bool, but got a Tensor. For tensor conditions, use torch._check_tensor_all() "
                        "to assert that all elements are true.")
    if not isinstance(cond, bool):
        raise TypeError(f"cond must be a bool, but got {type(cond)}")
    if cond:
        return
    if message is None:
        raise error_type(_UNTOLD)
    if not callable(message):
        raise TypeError("message must be a callable")
    raise error_type(str(message()))


def _check(cond: Any, message: Callable[[], Any] | None = None) -> None:
    """RuntimeError unless a bool is true."""
    _check_with(RuntimeError, cond, message)


def _check_value(cond: Any, message: Callable[[], Any] | None = None) -> None:
    """ValueError unless a bool is true."""
    _check_with(ValueError, cond, message)


def _check_type(cond: Any, message: Callable[[], Any] | None = None) -> None:
    """TypeError unless a bool is true."""
    _check_with(TypeError, cond, message)


def _check_index(cond: Any, message: Callable[[], Any] | None = None) -> None:
    """IndexError unless a bool is true."""
    _check_with(IndexError, cond, message)


def _check_not_implemented(cond: Any, message: Callable[[], Any] | None = None) -> None:
    """NotImplementedError unless a bool is true."""
    _check_with(NotImplementedError, cond, message)


def _check_is_size(i: Any, message: Callable[[], Any] | None = None, *, max: Any = None) -> None:
    """RuntimeError unless a number can be a size."""
    _check(i >= 0 if not isinstance(i, Tensor) else i, message)
    if max is not None:
        _check(i <= max, message)


def _check_tensor_all_with(error_type: type[Exception], cond: Any, message: Callable[[], Any] | None = None) -> None:
    """The same for all elements of a tensor."""
    if not isinstance(cond, Tensor):
        raise TypeError(f"cond must be a tensor, but got {type(cond)}")
    _check_with(error_type, bool(cond.all()), message)


def _check_tensor_all(cond: Any, message: Callable[[], Any] | None = None) -> None:
    """RuntimeError unless all elements of a tensor are true."""
    _check_tensor_all_with(RuntimeError, cond, message)


def _assert(condition: Any, message: Any) -> None:
    """AssertionError unless something is true."""
    assert condition, message


def _assert_async(input: Any, assert_msg: str | None = None) -> None:
    """RuntimeError unless the one element of a tensor is not zero."""
    if not isinstance(input, Tensor):
        raise TypeError(f"_assert_async(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    if assert_msg is not None and not isinstance(assert_msg, str):
        raise TypeError("_assert_async(): argument 'assert_msg' (position 2) must be str, not "
                        f"{type(assert_msg).__name__}")
    if input.numel() != 1:
        raise RuntimeError("Boolean value of Tensor with " + ("no values" if not input.numel() else
                           "more than one value") + " is ambiguous")
    if not input.item():
        raise RuntimeError(assert_msg or "Expected Tensor with single nonzero value, but got zero")


CONDITIONS = [_assert, _assert_async, _check, _check_index, _check_is_size, _check_not_implemented, _check_tensor_all,
              _check_tensor_all_with, _check_type, _check_value, _check_with]
