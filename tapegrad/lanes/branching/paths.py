"""A function called once for each way that lanes go through it: right for whatever a function under `vmap` may do.

A call is given a group of lanes. What its Python sees, where it looks at a number, is that of the first of them; lanes
that have another there are followed no more, and are the group of a later call. So no lane's result is one that another
lane's way led to, and there are as many calls as there are ways.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tapegrad import creation, dtypes, errors
from tapegrad.compiler.guards.reachable import Reach
from tapegrad.functions import PUBLIC
from tapegrad.lanes.samples import Samples
from tapegrad.machine.live import buffers
from tapegrad.tape import reading
from tapegrad.tensor import Tensor


class Followed:
    """The lanes of a group that have seen the same so far; called with a tensor that Python looks at, at its `truth` or
    its number.
    """

    def __init__(self, size: int) -> None:
        self.going: np.ndarray[Any, Any] = np.ones(size, bool)

    def __call__(self, x: Any, truth: bool) -> Any:
        """The number that the first of them has; others are left for another call."""
        value = x._value
        if x.numel() != 1 or not value.numel():
            raise errors.PerLane(errors.LANES_BRANCH)
        numbers = reading.array_of(value.detach()).reshape(-1)
        if x.dtype.arithmetic is not x.dtype:
            numbers = dtypes.decoded(numbers, x.dtype)
        first = int(self.going.argmax())
        seen = numbers.astype(bool) if truth else _bits(numbers)
        self.going &= seen == seen[first]
        return dtypes.number(numbers[first])


def _bits(numbers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Numbers to compare: a NaN is itself, and zeros of two signs are two."""
    return np.ascontiguousarray(numbers).view(f"u{numbers.itemsize}")


def _versions(tensors: Iterable[Any]) -> list[int]:
    return [int(buffers["version"][int(buffers["owner"][x._buffer])]) for x in tensors]


def by_paths(func: Callable[..., Any], reach: Reach, samples: Samples, leaves: Sequence[Any], name: str, out_dims: Any
             ) -> tuple[int, Any]:
    """How many calls it took, and what `Samples.of` gives for a function that every lane goes through in one way."""
    groups: list[np.ndarray[Any, Any] | None] = [None]  # None: all lanes
    found: list[tuple[np.ndarray[Any, Any], Any]] = []
    size = next(x.shape[d] for x, d in zip(leaves, samples.dims) if d is not None)
    calls = 0
    while groups:
        group = groups.pop()
        lanes = np.arange(size) if group is None else group
        given = [x if not isinstance(x, Tensor) else x.clone() if group is None or d is None else
                 PUBLIC["index_select"](x, d, creation.from_numpy(group)) for x, d in zip(leaves, samples.dims)]
        watched = [*(x for x in given if isinstance(x, Tensor)), *reach.tensors.values()]
        before = _versions(watched)
        looks, calls = Followed(len(lanes)), calls + 1
        try:
            made = samples.of(func, "error", list(given), name, out_dims, looks)
        except errors.PerLane:
            raise
        except Exception:
            if looks.going.all():
                raise
            groups += [lanes[~looks.going], lanes[looks.going]]  # it may be a lane's that has left which fails
            continue
        if _versions(watched) != before or not reach.unchanged():
            raise RuntimeError(
                f"vmap({name}, ...): lanes that see different values are grouped, and `{name}` is called for each "
                "group: it must not write to its arguments, or change what it reads")
        if looks.going.all():
            found.append((lanes, made))
            continue
        parts, dims, spec = made
        kept = creation.from_numpy(np.flatnonzero(looks.going))
        found.append((lanes[looks.going], ([x if d is None else PUBLIC["index_select"](x, d, kept)
                                            for x, d in zip(parts, dims)], dims, spec)))
        groups.append(lanes[~looks.going])
    return calls, joined(name, found)


def joined(name: str, found: Sequence[tuple[np.ndarray[Any, Any], Any]]) -> Any:
    """What lanes have got, group by group, in the order of the lanes."""
    _, (first, dims, spec) = found[0]
    if len(found) == 1:
        return first, dims, spec
    for _, (parts, _, other) in found[1:]:
        for x, y, d in zip(first, parts, dims):
            if other != spec or x.dtype is not y.dtype or _sample(x, d) != _sample(y, d):
                raise RuntimeError(f"vmap({name}, ...): `{name}` must return the same structure, dtypes and shapes for "
                                   "each lane")
    order = creation.from_numpy(np.argsort(np.concatenate([lanes for lanes, _ in found])))
    columns = zip(*(parts for _, (parts, _, _) in found))
    return [one_for_all(column) if d is None else PUBLIC["index_select"](PUBLIC["cat"](list(column), d), d, order)
            for column, d in zip(columns, dims)], dims, spec


def _sample(x: Any, d: int | None) -> tuple[int, ...]:
    shape = tuple(x.shape)
    return shape if d is None else shape[:d] + shape[d + 1:]


def one_for_all(column: Sequence[Any]) -> Any:
    """A result without lanes, which is to be the same whichever way they went."""
    first = column[0]
    for x in column[1:]:
        if x is not first and not (x.dtype is first.dtype and PUBLIC["equal"](x, first)):
            raise RuntimeError("vmap: a result whose out_dim is None must be the same for each lane")
    return first
