"""Lanes go through a graph: those that are at one node, or on one edge, are done together, as a smaller batch.

Of several places where lanes wait, the one that was met first in the program is done first, so that lanes which come
later catch up with others that wait behind a loop. Where lanes want to go a way that none has been seen to go, the
function is run for one of them, which shows it.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import creation, dtypes
from tapegrad.functions import PUBLIC
from tapegrad.lanes.batched import Batched, batched, left, level
from tapegrad.lanes.branching.flow import Flow, Node, Segment, computed
from tapegrad.tape import reading

Explore = Callable[[int], bool]


class Tensors:
    """Slots as tensors with the lanes as their first axis: of any shape, recorded where they require grad."""

    def truth(self, x: Any, node: Node) -> np.ndarray[Any, Any]:
        array = reading.array_of(x.detach()).reshape(-1)
        return (dtypes.decoded(array, x.dtype) if x.dtype.arithmetic is not x.dtype else array).astype(bool)

    def take(self, slots: Sequence[Any], which: np.ndarray[Any, Any]) -> list[Any]:
        index = creation.from_numpy(which)
        return [PUBLIC["index_select"](x, 0, index) for x in slots]

    def join(self, parts: Sequence[Sequence[Any]]) -> list[Any]:
        return [PUBLIC["cat"](list(column)) for column in zip(*parts)] if len(parts) > 1 else list(parts[0])

    def run(self, segment: Segment, source: Node | None, slots: Sequence[Any], lanes: np.ndarray[Any, Any]
            ) -> list[Any]:
        """What a segment computes for some lanes."""
        count = len(lanes)
        with level(count) as of:
            found = computed(segment, [batched(x, (of.number,)) for x in slots])
            return [left(x, of) if type(x) is Batched else x.unsqueeze(0).expand(count, *x.shape) for x in found]


def walked(flow: Flow, engine: Any, inputs: Sequence[Any], count: int, explore: Explore) -> list[Any] | None:
    """What is returned for so many lanes, in their order; None where a way cannot be shown."""
    lanes = np.arange(count)
    if flow.start is None and not explore(0):
        return None
    waiting: dict[Node, list[tuple[np.ndarray[Any, Any], list[Any]]]] = {}
    done: list[tuple[np.ndarray[Any, Any], list[Any]]] = []

    def go(segment: Segment, source: Node | None, lanes: np.ndarray[Any, Any], slots: Sequence[Any]) -> None:
        found = engine.run(segment, source, slots, lanes)
        if segment.target is None:
            done.append((lanes, found))
        else:
            waiting.setdefault(segment.target, []).append((lanes, found))

    assert flow.start is not None
    go(flow.start, None, lanes, inputs)
    while waiting:
        node = min(waiting, key=lambda n: n.number)
        parts = waiting.pop(node)
        lanes = np.concatenate([p[0] for p in parts]) if len(parts) > 1 else parts[0][0]
        slots = engine.join([p[1] for p in parts])
        truth = engine.truth(slots[0], node)
        trues = int(np.count_nonzero(truth))
        for answer, many in ((True, trues), (False, len(lanes) - trues)):
            if not many:
                continue
            which = np.flatnonzero(truth == answer) if many < len(lanes) else lanes
            all_of_them = many == len(lanes)
            if answer not in node.edges and (
                    not explore(int(lanes[0 if all_of_them else which[0]])) or answer not in node.edges):
                return None
            go(node.edges[answer], node, lanes if all_of_them else lanes[which],
               slots if all_of_them else engine.take(slots, which))
    joined = engine.join([found for _, found in done])
    if len(done) == 1:
        return joined if (done[0][0] == np.arange(count)).all() else engine.take(joined, np.argsort(done[0][0]))
    return engine.take(joined, np.argsort(np.concatenate([lanes for lanes, _ in done])))
