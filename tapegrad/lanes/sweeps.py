"""Gradients where tensors have lanes: a sweep of what was computed with their values."""
from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from tapegrad import errors
from tapegrad.autograd import recorded_adjoints
from tapegrad.functions import PUBLIC
from tapegrad.lanes.batched import (
    Batched,
    Level,
    again,
    aligned,
    batched,
    entered,
    in_order,
    left,
    level,
    levels_of,
    sizes,
    under,
    view,
)
from tapegrad.machine.learning import lessons
from tapegrad.machine.live import layouts


def _levels(x: Any) -> tuple[int, ...]:
    return x._levels if type(x) is Batched else ()


def swept(run: Any, roots: Sequence[Any], gradients: Sequence[Any], retain_graph: bool, create_graph: bool,
          targets: Any, accumulate: bool, allow_unused: bool, partial: bool) -> Any:
    """The gradients of tensors, some of which have lanes; None where none has.

    A gradient that has lanes of a level which its root has not goes through the sweep as a batch.
    """
    alone = not isinstance(targets, (tuple, list))
    inputs = [] if targets is None else [targets] if alone else list(targets)
    if not levels_of((*roots, *inputs)):
        return None
    if accumulate:
        raise RuntimeError(errors.LANES_BACKWARD)
    of_roots = levels_of(roots)
    for x in inputs:
        if not set(of_roots) <= set(_levels(x)):
            raise RuntimeError("vmap: a gradient is asked for with respect to a tensor that all of a batch have in "
                               "common: use functorch.grad or functorch.vjp, or call grad() outside of vmap")
    seeds = []
    for root, g in zip(roots, gradients):
        own = _levels(root)
        if g is None:
            if layouts.all[root._layout].numel != 1:
                raise RuntimeError(errors.NON_SCALAR)
            value = under(root)
            seeds.append(value.new_ones(value.shape))
            continue
        if tuple(g.shape) != tuple(root.shape):
            seeds.append(g)  # which is refused
            continue
        seeds.append(_among(g, own))
    found = run([under(r) for r in roots], seeds, retain_graph, create_graph, [under(x) for x in inputs], False,
                allow_unused, partial)
    return [None if g is None else _returned(g, _levels(x)) for g, x in zip(found, inputs)]


def _among(g: Any, own: tuple[int, ...]) -> Any:
    """A cotangent for a value with lanes: one of these levels has axes of the function's, any other stays a level."""
    levels = levels_of((g,))
    union = tuple(sorted({*levels, *own}))
    value = aligned(g, union)
    extra = tuple(n for n in union if n not in own)
    value = in_order(value, union, (*extra, *own))
    k = len(extra)
    shape = layouts.all[value._layout].shape
    wanted = (*shape[:k], *sizes(own), *shape[k + len(own):])
    if wanted != shape:
        value = view("expand", value, size=wanted)
    return batched(value, extra)


def _returned(g: Any, own: tuple[int, ...]) -> Any:
    """A gradient of a value, as one of the tensor with lanes."""
    extra = _levels(g)
    union = tuple(sorted((*extra, *own)))
    return batched(in_order(under(g), (*extra, *own), union), union)


@functools.cache
def _rule(k: int) -> Callable[..., Any]:
    def rule_on_lanes(number: int, needs: int, shift: int, g: Any, *values: Any) -> tuple[Any, ...] | None:
        levels = tuple(range(1, k + 1))
        with again([Level(n, size, "error") for n, size in zip(levels, g.shape)]):
            found = recorded_adjoints.rule(number, needs, shift, batched(g, levels), *values)
            return None if found is None else tuple(
                [None if x is None else aligned(x, levels, full=True) for x in found])

    lessons.several.add(rule_on_lanes)
    return rule_on_lanes


def rule(levels: tuple[int, ...]) -> Callable[..., Any]:
    """`recorded_adjoints.rule` where a cotangent has lanes: given its value, it gives values that have them."""
    return _rule(len(levels))


def together(grad: Callable[[list[Any]], Sequence[Any]], cotangents: Sequence[Any], chunk_size: int | None = None
             ) -> list[Any]:
    """One sweep for many cotangents, which are along the first axis of each of some; so are the gradients."""
    n = cotangents[0].shape[0]
    found = []
    for start in range(0, n, chunk_size or max(n, 1)) if n else (0,):
        size = min(chunk_size or n, n - start)
        with level(size) as of:
            given = [entered(c if size == n else c.narrow(0, start, size), 0, of) for c in cotangents]
            found.append([None if g is None else left(g, of) for g in grad(given)])
    if len(found) == 1:
        return found[0]
    return [None if parts[0] is None else PUBLIC["cat"](list(parts)) for parts in zip(*found)]
