"""Rings of slots: what a loop writes another part of in each turn, as much of it as a segment uses."""
from __future__ import annotations

from collections.abc import Iterable, Sequence

from tapegrad.compiler.checkpointing.touched import Use
from tapegrad.compiler.traced_program import Block
from tapegrad.named_tuples import NamedTuple

FAR = 64  # slots beside those of a segment that its ring may have


class Unsafe(Exception):
    """Why a loop is not run again."""


class Ring:
    """A family of slots of which one loop writes the next in each turn, as the part of it that a segment uses.

    Slots are numbered as they are in turn 0: the loop uses those from `low` to `high`, and writes those from `final`,
    which no later turn writes again, to `written`.
    """

    number: int
    slot: int
    walk: int
    low: int
    high: int
    final: int
    written: int

    def __init__(self, number: int, block: Block, walks: Sequence[Use]) -> None:
        self.number, self.slot = number, block.slot
        strides = {u.place.stride for u in walks}
        self.walk = 1 if min(strides) > 0 else -1
        if not self.slot or strides != {self.walk * self.slot}:
            raise Unsafe("it goes through a block in several ways")
        self.final = min(self.of(u)[0] for u in walks if u.written)
        self.written = max(self.of(u)[1] for u in walks if u.written)
        self.low = min(self.of(u)[0] for u in walks)
        if max(self.of(u)[1] for u in walks) > self.written:
            raise Unsafe("it reads what it writes later")
        self.high = self.written

    def of(self, use: Use, turns: int = 1) -> tuple[int, int]:
        first, last = use.slots(self.slot, turns)
        return (first, last) if self.walk > 0 else (-last, -first)

    def is_written_once(self, walks: Sequence[Use]) -> bool:
        """Whether each slot is written in one turn alone, which does not read it before."""
        return self.final == self.written and not reads_first([u for u in walks if self.of(u)[1] == self.written])

    @property
    def head(self) -> int:
        """How many slots a turn may find that those before it left."""
        return self.written - self.low

    def reach(self, low: int) -> None:
        self.low = min(self.low, low)
        if self.head > FAR:
            raise Unsafe("what it keeps is used far from where it is written")

    def base(self, turn: int, turns: int) -> int:
        """Where the ring begins, of the family as it was, for a segment of at most so many turns that begins here."""
        return self.low + turn if self.walk > 0 else -(self.high + turn + turns - 1)

    def slots(self, turns: int) -> int:
        return self.high - self.low + turns

    def offset(self, turn: int, base: int) -> int:
        """Where in the ring of this base is what passes on to this turn, in bytes."""
        return ((self.low + turn if self.walk > 0 else -(self.written + turn - 1)) - base) * self.slot


class State(NamedTuple):
    """A block of which every turn uses the same bytes, and finds what another left there."""

    number: int
    nbytes: int


def reads_first(walks: Iterable[Use]) -> bool:
    """Whether a turn that uses a block so may read of it what it has not written before."""
    covered: list[tuple[int, int]] = []
    for use in walks:
        start, end = use.place.offset + use.start, use.place.offset + use.end
        if use.read and not _is_covered(start, end, covered):
            return True
        if use.written and use.dense:
            covered.append((start, end))
    return False


def _is_covered(start: int, end: int, pieces: Iterable[tuple[int, int]]) -> bool:
    for first, last in sorted(pieces):
        if first <= start < last:
            start = last
    return start >= end
