"""Composed functions that are one node of the graph, as PyTorch has them: their results are its outputs.

What such a function computes lies on the tape between two kinds of views, which move nothing: one of what it is given,
whose row is the node, and one for each result. Who looks at the graph sees the node alone (`tape.reading`), and what is
hooked there waits for the gradients of all results (`autograd.reverse_replay`). Where gradients go to several tensors
and there is one result, the row of that is the node.
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


def one_node(name: str, count: int = 0, first: int = 0, beside: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Let a function be a node of this name.

    Of one tensor, it has as many outputs as there are results with a gradient, or `count`; the first of the results is
    the output `first`. Where several tensors require grad it is a node if it has one result. The parameters `beside`
    have no edge.
    """
    def decorate(function: F) -> F:
        @functools.wraps(function)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            if not (args or kwargs) or not call.is_recording(None) or dispatch.lanes is not None or (
                    dispatch.tangents is not None):
                return function(*args, **kwargs)
            key = None if args else "input" if "input" in kwargs else next(iter(kwargs))
            x = args[0] if key is None else kwargs[key]
            others = [y for y in (*args, *kwargs.values()) if y is not x and _requires_grad(y)]
            if not (others or isinstance(x, Tensor)):
                others = [x] * _requires_grad(x)
            if others:
                return _of_several(name, function, args, kwargs, beside)
            if not _requires_grad(x):
                return function(*args, **kwargs)
            whole = dispatch.apply_view(operation("_enter"), x, (("name", name),))
            if key is None:
                return _left(name, count, first, function(whole, *args[1:], **kwargs))
            return _left(name, count, first, function(**{**kwargs, key: whole}))

        return recorded  # type: ignore[return-value]

    return decorate


def one_node_where(odd: Callable[..., bool], name: str) -> Callable[[F], F]:
    """Let a function be a node of this name for arguments of which it is `odd`: elsewhere it is one operation."""
    def decorate(function: F) -> F:
        node = one_node(name)(function)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            return (node if odd(*args, **kwargs) else function)(*args, **kwargs)

        return call  # type: ignore[return-value]

    return decorate


def without_axes(input: Any = None, *args: Any, **kwargs: Any) -> bool:
    """Whether a function is given a tensor of one element that has no axes: it is told to be of one axis, and back."""
    return isinstance(input, Tensor) and not input.ndim


def called(name: str, x: Any) -> Any:
    """The result of a composed function, with a node of this name before those that it is composed of."""
    if not _requires_grad(x) or not call.is_recording(None) or (
            dispatch.lanes is not None or dispatch.tangents is not None):
        return x
    return dispatch.apply_view(operation("_leave"), x, (("name", name), ("number", 0), ("count", 1)))


def _requires_grad(x: Any) -> bool:
    return x.requires_grad if isinstance(x, Tensor) else type(x) in (list, tuple) and any(map(_requires_grad, x))


def _of_several(name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], beside: tuple[str, ...]
                ) -> Any:
    """The result of a function of several tensors; the node has an edge for each that could have a gradient."""
    edges = 0

    def given(x: Any) -> Any:
        nonlocal edges
        if type(x) in (list, tuple):
            return type(x)(map(given, x))
        if not isinstance(x, Tensor) or not x.dtype.is_floating_point:
            return x
        edges += 1
        if not x.requires_grad:
            return x
        return dispatch.apply_view(operation("_operand"), x, (("name", name), ("number", edges - 1)))

    args = tuple(map(given, args))
    found = function(*args, **{k: v if k in beside else given(v) for k, v in kwargs.items()})
    if not isinstance(found, Tensor) or not found.requires_grad:
        return found
    return dispatch.apply_view(operation("_composed"), found, (("name", name), ("count", edges)))


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
