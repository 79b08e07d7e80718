"""Where programs look for PyTorch's compiler (`torch._dynamo`): switches that are kept, and what `compiler` offers."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad._dynamo import config
from tapegrad.compiler import allow_in_graph, assume_constant_result, compile, disable, is_compiling, reset

__all__ = ["allow_in_graph", "assume_constant_result", "config", "disable", "graph_break", "is_compiling",
           "list_backends", "mark_dynamic", "mark_static", "mark_static_address", "maybe_mark_dynamic", "optimize",
           "reset"]


def optimize(*args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], Any]:
    """`compile` under its first name; what it is told of backends is not looked at."""
    return compile


def graph_break(msg: str = "") -> None:
    """Nothing: what is captured is a whole call."""


def mark_dynamic(t: Any, index: Any, *args: Any, **kwargs: Any) -> None:
    """Nothing: every shape is captured by itself."""


def mark_static(t: Any, index: Any = None) -> None:
    """Nothing: every shape is captured by itself."""


maybe_mark_dynamic, mark_static_address = mark_dynamic, mark_static


def list_backends(exclude_tags: Any = ("debug", "experimental")) -> list[str]:
    """Which compilers there are."""
    return ["inductor"]
