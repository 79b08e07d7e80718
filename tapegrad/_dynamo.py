"""Where programs look for PyTorch's compiler (`torch._dynamo`): switches that are kept, and what `compiler` offers."""
from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from tapegrad.compiler import allow_in_graph, assume_constant_result, compile, disable, is_compiling, reset

__all__ = ["allow_in_graph", "assume_constant_result", "config", "disable", "graph_break", "is_compiling",
           "mark_dynamic", "mark_static", "maybe_mark_dynamic", "optimize", "reset"]

# Switches that programs set, as PyTorch has them at first: they change nothing.
config = SimpleNamespace(
    accumulated_cache_size_limit=256, assume_static_by_default=True, automatic_dynamic_shapes=True, cache_size_limit=8,
    capture_dynamic_output_shape_ops=False, capture_scalar_outputs=False, dynamic_shapes=True, recompile_limit=8,
    suppress_errors=False, verbose=False)


def optimize(*args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], Any]:
    """`compile` under its first name; what it is told of backends is not looked at."""
    return compile


def graph_break(msg: str = "") -> None:
    """Nothing: what is captured is a whole call."""


def mark_dynamic(t: Any, index: Any, *args: Any, **kwargs: Any) -> None:
    """Nothing: every shape is captured by itself."""


mark_static = maybe_mark_dynamic = mark_dynamic
