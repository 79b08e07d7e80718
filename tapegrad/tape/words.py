"""Columns of words: what is read, counted and followed for all instructions of a tape at once."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

Words = np.ndarray[Any, Any]
T = TypeVar("T")
_ROUNDS = 16  # looks at all edges; what is longer undecided is followed edge by edge


def beginnings(counts: Words) -> Words:
    """Where each of some stretches begins that lie one after the other, and where the last ends."""
    return np.concatenate([np.zeros(1, "i8"), np.cumsum(counts, dtype="i8")])


def within(counts: Words) -> Words:
    """0, 1, … for each of some stretches."""
    return np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)


def distinct(numbers: Words) -> tuple[Words, Words]:
    """(the different ones of some numbers of 0 and above, in order; which of them each is): `np.unique`.

    >>> [found.tolist() for found in distinct(np.array([7, 2, 7]))]
    [[2, 7], [1, 0, 1]]

    Small ones are looked up in a table, in a fifth of the time that sorting takes.
    """
    size = int(numbers.max(initial=-1)) + 1
    if size > 4 * len(numbers) + 1024:
        found, which = np.unique(numbers, return_inverse=True)
        return found, which
    there = np.zeros(size, bool)
    there[numbers] = True
    found = np.flatnonzero(there)
    places = np.empty(size, "i8")
    places[found] = np.arange(len(found))
    return found, places[numbers]


def picked(kinds: Sequence[T], which: Words) -> list[T]:
    """`[kinds[i] for i in which]`, in a tenth of the time."""
    table = np.empty(len(kinds), object)
    for i, kind in enumerate(kinds):  # one by one: NumPy would take sequences apart
        table[i] = kind
    found: list[T] = table[which].tolist()
    return found


def tuples(flat: Words, begins: Words) -> list[tuple[int, ...]]:
    """Stretches that lie one after the other, as tuples.

    >>> tuples(np.array([5, 6, 7]), np.array([0, 2, 2, 3]))
    [(5, 6), (), (7,)]
    """
    counts = np.diff(begins)
    found = np.empty(len(counts), object)
    for count in np.flatnonzero(np.bincount(counts, minlength=1)).tolist():
        at = np.flatnonzero(counts == count)
        columns = flat[begins[at, None] + np.arange(count)].T.tolist()
        found[at] = np.fromiter(zip(*columns) if count else iter([()] * len(at)), object, len(at))
    made: list[tuple[int, ...]] = found.tolist()
    return made


def reached(start: Words, sources: Words, targets: Words) -> Words:
    """What can be reached from some places along edges, of which none leads to where an earlier one begins.

    >>> reached(np.array([True, False, False, False]), np.array([0, 2, 1]), np.array([1, 3, 3])).tolist()
    [True, True, False, True]

    On a tape nearly all is reached. So all is taken to be, and what no edge from there leads to is dropped, until
    nothing is: edges go one way, and no circle can hold itself up. What takes many rounds, a long chain that is not
    reached, is followed edge by edge.
    """
    found = np.ones(len(start), bool)
    for _ in range(_ROUNDS):
        left = start.copy()
        left[targets[found[sources]]] = True
        if np.array_equal(left, found):
            return found
        found = left
    followed = bytearray(start)
    for source, target in zip(sources.tolist(), targets.tolist()):
        if followed[source]:
            followed[target] = 1
    return np.frombuffer(followed, bool).copy()
