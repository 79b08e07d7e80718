"""Composed functions that are one node of the graph, as PyTorch has them: their results are its outputs.

What such a function computes lies on the tape between two kinds of views, which move nothing: one of what it is given,
whose row is the node, and one for each result. Who looks at the graph sees the node alone (`tape.reading`), and what is
hooked there waits for the gradients of all results (`autograd.reverse_replay`).
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from tapegrad import dispatch
from tapegrad.functions.common import operation
from tapegrad.machine.live import call
from tapegrad.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])


def one_node(name: str, count: int = 0, first: int = 0) -> Callable[[F], F]:
    """Let a function of one tensor be a node of this name.

    It has as many outputs as there are results with a gradient, or `count`; the first of the results is the output
    `first`. With other tensors that require grad it is no node: its edges would not show them.
    """
    def decorate(function: F) -> F:
        @functools.wraps(function)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            key = None if args else "input" if "input" in kwargs else next(iter(kwargs))
            x = args[0] if key is None else kwargs[key]
            if not (isinstance(x, Tensor) and x.requires_grad and call.is_recording(None)) or (
                    dispatch.lanes is not None or dispatch.tangents is not None) or any(
                    isinstance(y, Tensor) and y.requires_grad and y is not x for y in (*args, *kwargs.values())):
                return function(*args, **kwargs)
            whole = dispatch.apply_view(operation("_enter"), x, (("name", name),))
            if key is None:
                return _left(name, count, first, function(whole, *args[1:], **kwargs))
            return _left(name, count, first, function(**{**kwargs, key: whole}))

        return recorded  # type: ignore[return-value]

    return decorate


def _left(name: str, count: int, number: int, found: Any) -> Any:
    results = found if isinstance(found, tuple) else (found,)
    count = count or sum(x.requires_grad for x in results)
    made = []
    for x in results:
        if x.requires_grad:
            x = dispatch.apply_view(operation("_leave"), x, (("name", name), ("number", number), ("count", count)))
            number += 1
        made.append(x)
    if found is not results:
        return made[0]
    return type(found)(*made) if hasattr(found, "_fields") else tuple(made)
