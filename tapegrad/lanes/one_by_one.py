"""Lanes computed one after the other, by what cannot take them together: with a warning, once for each name."""
from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tapegrad import dispatch, errors
from tapegrad.lanes.batched import Batched, aligned, batched, levels_of, sizes, thread
from tapegrad.machine.live import layouts
from tapegrad.machine.planning import Attributes
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.tensor import Tensor
from tapegrad.utils._pytree import tree_flatten, tree_unflatten

_warned: set[str] = set()


def warn(name: str) -> None:
    """Say once that something goes lane by lane."""
    if name not in _warned:
        _warned.add(name)
        dispatch.warn(errors.LANES_SLOW.format(name))


def _samples(given: Sequence[Any], levels: tuple[int, ...]) -> Iterator[list[Any]]:
    """The operands of each lane: of an empty batch, one of zeros for each."""
    lanes = sizes(levels)
    whole = [aligned(x, levels, full=True) if type(x) is Batched else x for x in given]
    if 0 in lanes:
        yield [v.new_zeros(v.shape[len(lanes):]) if type(x) is Batched else x for x, v in zip(given, whole)]
        return
    for at in itertools.product(*map(range, lanes)):
        sample = []
        for x, v in zip(given, whole):
            if type(x) is Batched:
                for i in at:
                    v = dispatch.apply_view(REGISTRY["select"], v, (("dim", 0), ("index", i)))
            sample.append(v)
        yield sample


def piled(found: Sequence[Any], levels: tuple[int, ...]) -> Any:
    """What was found for each lane, as one value."""
    lanes = sizes(levels)
    if 0 in lanes:
        return found[0].new_zeros((*lanes, *found[0].shape))
    parts, name = list(found), "stack"
    while name == "stack" or len(parts) > 1:  # an instruction takes so many operands
        parts = [dispatch.apply(REGISTRY[name], parts[i:i + dispatch.MOST], (("dim", 0),))
                 for i in range(0, len(parts), dispatch.MOST)]
        name = "cat"
    (made,) = parts
    shape = (*lanes, *layouts.all[made._layout].shape[1:])
    return made if len(lanes) == 1 else dispatch.apply_view(REGISTRY["view"], made, (("size", shape),))


def result(op: Operation, given: Sequence[Any], attributes: Attributes, levels: tuple[int, ...]) -> Any:
    """An operation out of place."""
    warn(op.name)
    return piled([dispatch.apply(op, sample, attributes) for sample in _samples(given, levels)], levels)


def write(op: Operation, given: Sequence[Any], attributes: Attributes, levels: tuple[int, ...]) -> None:
    """An operation in place."""
    warn(op.name)
    if 0 not in sizes(levels):
        for sample in _samples(given, levels):
            dispatch.apply_inplace(op, sample, attributes)


def each(function: Callable[[list[Any]], Sequence[Any]], given: Sequence[Any]) -> list[Any]:
    """What a function that reads memory by itself gives for each lane of some tensors, together."""
    levels = levels_of(given)
    found = zip(*[function(sample) for sample in _samples(given, levels)])
    return [None if column[0] is None else batched(piled(column, levels), levels) for column in found]


def call_of(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], why: errors.PerLane) -> Any:
    """A function that asked for elements, called again for each lane; as refused where its results go not together."""
    leaves, spec = tree_flatten((args, kwargs))
    levels = levels_of(leaves)
    if not levels:
        raise why
    found: list[Any] = []
    outer, thread.levels = thread.levels, _apart(thread.levels, levels)
    try:
        for sample in _samples(leaves, levels):
            given, named = tree_unflatten(sample, spec)
            got = function(*given, **named)
            found.append(next((x for x, s in zip(leaves, sample) if got is s and type(x) is Batched), got))
    finally:
        thread.levels = outer
    if type(found[0]) is Batched and all(x is found[0] for x in found):  # written in place
        return found[0]
    flat = [tree_flatten(x) for x in found]
    shape = flat[0][1]
    if any(s != shape for _, s in flat) or not all(isinstance(x, Tensor) for x in flat[0][0]):
        raise why
    warn(function.__name__)
    columns = []
    for column in zip(*(parts for parts, _ in flat)):
        if any(x.shape != column[0].shape for x in column):
            raise RuntimeError(errors.LANES_SHAPES.format(function.__name__)) from None
        columns.append(batched(piled(column, levels), levels))
    return tree_unflatten(columns, shape)


def _apart(levels: Sequence[Any], own: Sequence[int]) -> list[Any]:
    """The levels of a thread while lanes of some of them are computed one by one: these draw nothing for others."""
    found = []
    for each in levels:
        if each.number in own and each.randomness == "different":
            each = type(each)(each.number, each.size, "one by one")
        found.append(each)
    return found


