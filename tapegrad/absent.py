"""Devices that are not there, as the namespaces that programs ask before they use one (`torch.cuda`, `mps`, `xpu`).

What asks is answered as a build without the device answers, what seeds or waits does nothing, and the rest is refused
with the error people know. A function is declared by its name and parameters: `get_device_name(device=None)`.
"""
from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any


def _declared(head: str, act: Callable[[], Any], text: str, result: str) -> Callable[..., Any]:
    """The function with a name and parameters, whatever it is then to do."""
    name, _, parameters = head.rstrip(")").partition("(")
    function = eval(f"lambda {parameters}: act()", {"act": act})  # so that its signature, and what it refuses, are real
    function.__name__ = function.__qualname__ = name
    function.__doc__, function.__annotations__ = text, {"return": result}
    return function


def answering(head: str, value: Any) -> Callable[..., Any]:
    """A function that returns one value.

    >>> memory_allocated = answering("memory_allocated(device=None)", 0)
    >>> memory_allocated("cuda:0")
    0
    >>> memory_allocated(index=0)
    Traceback (most recent call last):
        ...
    TypeError: memory_allocated() got an unexpected keyword argument 'index'
    """
    text = f"There is no such device: {value!r}." if value is not None else "There is nothing to be done."
    kind = type(value).__name__ if isinstance(value, (bool, int, str)) else "None" if value is None else "Any"
    return _declared(head, lambda: value, text, kind)


def refusing(head: str, error: type[Exception], told: str) -> Callable[..., Any]:
    """A function that raises the error of a build without the device."""
    def refuse() -> Any:
        raise error(f"{told}: tapegrad runs on the CPU only")

    return _declared(head, refuse, f"There is no such device: raises {error.__name__}.", "Any")


def entered(head: str) -> Callable[..., Any]:
    """A function that opens a block, in which everything is as it was."""
    return _declared(head, contextlib.nullcontext, "A block with switches set, which change nothing here.", "Any")


def namespace(module: str, answers: dict[str, Any], nothing: str = "", blocks: str = "", refused: str = "",
              error: type[Exception] = RuntimeError, told: str = "") -> dict[str, Callable[..., Any]]:
    """The functions of a device's module, by name: what they answer, which do nothing or open blocks, which refuse."""
    made = [*(answering(head, value) for head, value in answers.items()),
            *(answering(head, None) for head in nothing.split()),
            *(entered(head) for head in blocks.split()),
            *(refusing(head, error, told) for head in refused.split())]
    for function in made:
        function.__module__ = module
    return {function.__name__: function for function in made}
