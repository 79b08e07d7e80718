"""Devices that are not there, as the namespaces that programs ask before they use one (`torch.cuda`, `mps`, `xpu`).

What asks is answered as a build without the device answers, what seeds or waits does nothing, and the rest is refused
with the error people know.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any


def answering(name: str, value: Any) -> Callable[..., Any]:
    """A function that takes anything and returns one value.

    >>> answering("device_count", 0)()
    0
    """
    def function(*args: Any, **kwargs: Any) -> Any:
        return value

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"There is no such device: {value!r}." if value is not None else "There is nothing to be done."
    return function


def refusing(name: str, error: type[Exception], told: str) -> Callable[..., Any]:
    """A function that takes anything and raises the error of a build without the device."""
    def function(*args: Any, **kwargs: Any) -> Any:
        raise error(f"{told}: tapegrad runs on the CPU only")

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"There is no such device: raises {error.__name__}."
    return function


def namespace(error: type[Exception], told: str, answers: dict[str, Any], nothing: str, refused: str
              ) -> dict[str, Callable[..., Any]]:
    """The functions of a device's module, by name: what they answer, which do nothing, which are refused."""
    return {name: answering(name, value) for name, value in answers.items()} | {
        name: answering(name, None) for name in nothing.split()} | {
        name: refusing(name, error, told) for name in refused.split()}
