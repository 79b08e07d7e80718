"""The binomial schedule: how a chain of segments is reversed with few snapshots of what passes between them."""
from __future__ import annotations

import math
from collections.abc import Iterator

from tapegrad.named_tuples import NamedTuple


class Action(NamedTuple):
    """`advance` runs a segment, whose end is where the next begins; `store` and `restore` copy what passes on to and
    from a `snapshot`; `record` runs a segment and leaves its records, which `reverse` reads."""

    kind: str
    segment: int
    snapshot: int = 0


def repetitions(segments: int, snapshots: int) -> int:
    """How often some segment is advanced through, at most."""
    r = 0
    while math.comb(snapshots + r, snapshots) < segments:
        r += 1
    return r


def advances(segments: int, snapshots: int) -> int:
    """How many segments the schedule advances through, beside those that it records: the least there can be."""
    r = repetitions(segments, snapshots)
    return r * segments - math.comb(snapshots + r, r - 1) if r else 0


def schedule(segments: int, snapshots: int) -> Iterator[Action]:
    """The actions that reverse a chain, with the fewest advances that so many snapshots allow.

    >>> [(a.kind, a.segment) for a in schedule(2, 1)][:4]
    [('store', 0), ('advance', 0), ('record', 1), ('reverse', 1)]
    """
    at: int | None = 0  # the segment at whose beginning the loop stands
    todo = [(0, segments, 0)]
    stored: dict[int, int] = {}
    while todo:
        low, high, used = todo.pop()
        if high - low > 1 and stored.get(used) != low:
            yield Action("store", low, used)
            stored[used] = low
        if at != low:
            yield Action("restore", low, used)
            at = low
        if high - low == 1:
            yield Action("record", low)
            yield Action("reverse", low)
            at = None
            continue
        middle = low + _split(high - low, snapshots - used)
        for segment in range(low, middle):
            yield Action("advance", segment)
        at = middle
        todo += [(low, middle, used), (middle, high, used + 1)]


def _split(segments: int, snapshots: int) -> int:
    """How many of the segments come before the next snapshot; with one snapshot, before the one that is recorded."""
    if snapshots == 1:
        return segments - 1
    r = repetitions(segments, snapshots)
    return min(math.comb(snapshots + r - 1, snapshots), segments - math.comb(snapshots + r - 2, snapshots - 1))
