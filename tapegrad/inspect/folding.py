"""Loops found again in the instructions of a tape, so that a long one can be shown short.

A stretch repeats if the same operations come again, on the same types, with whole numbers (buffers and attributes) that
move on by the same step from one turn to the next.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tapegrad.tape.derived import Derived
from tapegrad.tape.instructions import Instructions
from tapegrad.tape.words import Words, beginnings, distinct, within

LONGEST = 4096  # instructions of a turn
_FEWEST = 3  # turns: of two, any step is the same
_TRIES = 8  # turns tried at a place: the nearest repetitions of its instruction


class Run(NamedTuple):
    """Some turns of `length` instructions each, from `start` on."""

    start: int
    length: int
    turns: int

    @property
    def end(self) -> int:
        return self.start + self.length * self.turns


def runs(tape: Instructions) -> list[Run]:
    """The repetitions in a tape, in order.

    >>> import tapegrad as torch
    >>> from tapegrad.tape import Tape
    >>> w = torch.ones(3, requires_grad=True)
    >>> h = w
    >>> for _ in range(100):
    ...     h = (h * w).tanh()
    >>> runs(Tape.of(h.sum()))
    [Run(start=0, length=2, turns=100)]
    """
    kinds, words, places = _read(tape)
    following = _next_of_kind(kinds)
    found: list[Run] = []
    t, n = 0, len(kinds)
    while t < n:
        best = None
        other = t
        for _ in range(_TRIES):
            other = int(following[other])
            length = other - t
            if other >= n or length > LONGEST:
                break
            count = _turns(kinds, words, places, t, length)
            if count >= _FEWEST and (best is None or length * count > best.length * best.turns):
                best = Run(t, length, count)
        if best is not None:
            found.append(best)
            t = best.end
        else:
            t += 1
    return found


def _read(tape: Instructions) -> tuple[Words, Words, Words]:
    """(what kind each instruction is, the whole numbers of all, where those of each begin)"""
    of = Derived(tape)
    kinds = of.which  # of the plan, which has the types and all attributes but where a view starts
    constant = of.operands < 0
    positions = within(of.counts)
    for j in np.unique(positions[constant]).tolist():
        at = np.flatnonzero(constant & (positions == j))
        numbers = np.zeros(len(kinds), np.int64)
        numbers[of.readers[at]] = ~of.operands[at] + 1
        kinds = distinct(kinds * (len(tape.constants) + 1) + numbers)[1]
    starts: dict[int, list[int]] = {}
    for t in np.flatnonzero(np.array([plan.op.moves_nothing for plan in of.plans], bool)[of.which]).tolist():
        starts[t] = [v for v in tape.attributes[t].values() if type(v) is int]
    counts = 1 + of.counts
    counts[list(starts)] += np.fromiter(map(len, starts.values()), "i8", len(starts))
    places = beginnings(counts)
    words = np.empty(int(places[-1]), np.int64)
    words[places[:-1]] = of.results
    words[places[of.readers] + 1 + positions] = of.operands
    for t, numbers_of in starts.items():
        words[places[t + 1] - len(numbers_of):places[t + 1]] = numbers_of
    return kinds, words, places


def _next_of_kind(kinds: Words) -> Words:
    """For every instruction, the next one of its kind; the end where there is none."""
    following = np.full(len(kinds), len(kinds), np.int64)
    order = np.argsort(kinds, kind="stable")
    same = kinds[order[1:]] == kinds[order[:-1]]
    following[order[:-1][same]] = order[1:][same]
    return following


def _turns(kinds: Words, words: Words, places: Words, start: int, length: int) -> int:
    """How often `length` instructions come from `start` on, each time with the same step."""
    ahead = 2 * length
    while True:  # twice as far each time: what ends early costs little
        a, b = kinds[start:start + ahead], kinds[start + length:start + length + ahead]
        same = a[:len(b)] == b
        if not same.all() or len(b) < ahead:
            break
        ahead *= 2
    alike = int(same.argmin()) if not same.all() else len(same)
    count = alike // length + 1
    if count < 2:
        return 1
    first, last = places[start], places[start + length * count]
    turns = words[first:last].reshape(count, -1)
    steady = (np.diff(turns, 2, axis=0) == 0).all(1)
    return 2 + (int(steady.argmin()) if not steady.all() else len(steady))
