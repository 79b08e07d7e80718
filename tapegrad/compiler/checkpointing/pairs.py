"""Pairs of loops: one that leaves records, and the one that goes back through them."""
from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

from tapegrad.compiler.checkpointing.rings import FAR, Ring, State, Unsafe, reads_first
from tapegrad.compiler.checkpointing.touched import Use, moving_in, turns_of, uses_of
from tapegrad.compiler.passes.work import Work
from tapegrad.compiler.traced_program import Item, space

_ALIGN = 64


class Pair:
    """A loop of a program and the one that goes back through what it leaves, and what is known of both.

    `rings` are the families that the first keeps for the second, or passes on, `back` those of the second.
    """

    work: Work
    first: int
    second: int
    loop: Item
    reverse: Item
    turns: int
    reversed: int
    dual: int
    least: int  # turns that a segment must have

    def __init__(self, work: Work, first: int, second: int) -> None:
        self.work, self.first, self.second = work, first, second
        self.loop, self.reverse = work.steps[first], work.steps[second]
        self.turns, self.reversed = turns_of(self.loop), turns_of(self.reverse)
        self.least = 1
        self.rings: dict[int, Ring] = {}
        self.back: dict[int, Ring] = {}
        written = {space(u.place) for u, _ in uses_of(self.loop) if u.written}
        read = {space(u.place) for u, _ in uses_of(self.loop)} - written
        if any(kind != "own" for kind, _ in written):
            raise Unsafe("it writes to memory that others see")
        later = [u for item in work.steps[first + 1:second + 1] for u, _ in uses_of(item) if u.written]
        if any(space(u.place) in read for u in later):
            raise Unsafe("something that it reads is written before its backward")
        self._states(written)
        self._rings(written, {space(u.place) for u in later})
        self._backs()
        self.least = max(self.least, 1 + max(0, self.turns - 1 - self.dual), self.dual - self.reversed + 2,
                         *(r.head for r in self.rings.values()),
                         *(r.head + max(0, self.turns - 1 - self.dual) for r in self.back.values()))
        if self.turns < 2 * self.least:
            raise Unsafe("it has too few turns")

    def _walks(self, item: Item, number: int) -> list[Use]:
        return [u for u, _ in uses_of(item) if u.place.kind == "own" and u.place.number == number]

    def _elsewhere(self, number: int) -> Iterator[tuple[int, Use, int]]:
        """The uses of a block by other steps: which step, how, and in how many turns."""
        for at, item in enumerate(self.work.steps):
            if at not in (self.first, self.second) and any(p.kind == "own" and p.number == number for p in item.places):
                yield from ((at, u, turns) for u, turns in uses_of(item)
                            if u.place.kind == "own" and u.place.number == number)

    def _states(self, written: set[tuple[str, int]]) -> None:
        self.states: list[State] = []
        self.private: list[int] = []  # blocks of the loop's own that are another's later: it has others when run again
        for _, number in sorted(written):
            walks = self._walks(self.loop, number)
            if any(u.place.stride for u in walks):
                continue
            if reads_first(walks):
                self.states.append(State(number, self.work.blocks[number].nbytes))
            if number in self.work.results or self._walks(self.reverse, number) or any(
                    at > self.second for at, _, _ in self._elsewhere(number)):
                self.private.append(number)

    def _rings(self, written: set[tuple[str, int]], later: set[tuple[str, int]]) -> None:
        found: dict[int, tuple[Ring, list[tuple[int, int]]]] = {}
        for _, number in sorted(written):
            walks = self._walks(self.loop, number)
            if not any(u.place.stride for u in walks):
                continue
            ring = Ring(number, self.work.blocks[number], walks)
            back = self._walks(self.reverse, number)
            try:
                if number in self.work.results:
                    raise Unsafe("what it keeps is a result")
                if any(u.written or u.place.stride != -ring.walk * ring.slot for u in back):
                    raise Unsafe("its backward does not go back through what it keeps")
                self._beside(ring)
                found[number] = ring, [ring.of(u) for u in back]
            except Unsafe:
                # It stays a whole, and is computed anew where it is: there every turn must find what it found.
                if ("own", number) in later or not ring.is_written_once(walks):
                    raise
        # in the turn t of the loop the backward is at its turn `dual` - t
        self.dual = max((last - ring.final for ring, places in found.values() for _, last in places), default=-1)
        if self.dual < 0:
            raise Unsafe("all that it keeps is used as a whole")
        for number, (ring, places) in found.items():
            for first, last in places:
                ring.reach(min(first - self.dual, first - (self.reversed - 1)))
                ring.high = max(ring.high, last - (self.turns - 1))
            self.rings[number] = ring

    def _beside(self, ring: Ring) -> None:
        """See to it that other steps find what they use in the ring: before the loop, after it, after its backward."""
        for at, use, turns in self._elsewhere(ring.number):
            first, last = ring.of(use, turns)
            if at < self.first:
                if last >= ring.written:
                    raise Unsafe("what it writes is written before")
                ring.reach(first)
            elif at < self.second:
                if use.written and first <= ring.written + self.turns - 1:
                    raise Unsafe("what it keeps is changed before its backward")
                self._need(self.turns + ring.low - first)
                ring.high = max(ring.high, last - (self.turns - 1))
            else:
                if use.written:
                    raise Unsafe("what it keeps is changed after its backward")
                ring.reach(first)
                self._need(last - ring.final + 1)
        if ring.high - ring.written > FAR:
            raise Unsafe("what it keeps is used far from where it is written")

    def _need(self, turns: int) -> None:
        if turns > FAR:
            raise Unsafe("what it keeps is used far from where it is written")
        self.least = max(self.least, turns)

    def _backs(self) -> None:
        """The families of the backward's own: what does not fit stays as a whole."""
        for number in sorted(moving_in(self.reverse) - self.rings.keys()):
            least = self.least
            try:
                block = self.work.blocks[number]
                if number in self.work.results or not block.slot or self._walks(self.loop, number):
                    continue
                ring = Ring(number, block, self._walks(self.reverse, number))
                for at, use, turns in self._elsewhere(number):
                    first, last = ring.of(use, turns)
                    if at < self.second:
                        if last >= ring.written:
                            raise Unsafe("")
                        ring.reach(first)
                    else:
                        self._need(ring.low - first + self.dual + 1)
                        ring.high = max(ring.high, last - (self.reversed - 1))
                if ring.high - ring.written > FAR:
                    raise Unsafe("")
                self.back[number] = ring
            except Unsafe:
                self.least = least

    # -------------------------------------------------------------------------------------------------------- memory

    @property
    def changed(self) -> set[int]:
        """The blocks that lie elsewhere, or are saved and put back."""
        return {*self.rings, *self.back, *self.private, *(s.number for s in self.states)}

    @functools.cached_property
    def passed_on(self) -> int:
        """The bytes of a snapshot."""
        heads = [r.head * r.slot for r in self.rings.values()]
        return sum(map(rounded, heads + [s.nbytes for s in self.states]))

    def needs(self, segments: int, snapshots: int) -> int:
        """The bytes that the loops take with so many."""
        turns = -(-self.turns // segments)
        rings = [r.slots(turns) * r.slot for r in self.rings.values()]
        back = [r.slots(self.most_back(segments)) * r.slot for r in self.back.values()]
        return sum(map(rounded, rings + back)) + snapshots * self.passed_on

    def begins(self, segments: int) -> list[int]:
        """The first turn of each segment, and the end."""
        return [self.turns * k // segments for k in range(segments + 1)]

    def back_part(self, begins: Sequence[int], k: int) -> tuple[int, int]:
        """The turns of the backward that read the records of a segment: from, to."""
        last = k == len(begins) - 2
        return (0 if last else max(0, self.dual - begins[k + 1] + 1),
                self.reversed if k == 0 else min(self.reversed, self.dual - begins[k] + 1))

    def most_back(self, segments: int) -> int:
        begins = self.begins(segments)
        parts = [self.back_part(begins, k) for k in {0, 1, segments - 2, segments - 1} & {*range(segments)}]
        return max(-(-self.turns // segments), *(end - start for start, end in parts))


def rounded(nbytes: int) -> int:
    return -(-nbytes // _ALIGN) * _ALIGN
