"""Checkpointing: a loop whose records would take more memory than there is keeps few of them, and is run again.

A loop that was found leaves a record a turn, which its backward reads in reverse. Here its turns become segments. The
records of one segment lie in a ring; the others' are computed anew when the backward comes to them, from snapshots of
what passes from turn to turn, by the binomial schedule (Griewank and Walther, Algorithm 799: revolve). It is the same
kernels on the same values, so that the gradient is the same to the last bit.

A segment is run again only where that computes the same: nothing that the loop reads may be written before its backward
is done. What is not known to be so is left as it is, with the reason.

Turns are counted from 0. A family of slots is numbered in the direction in which its loop walks, so that a place that
lies in slot n in turn 0 lies in n + t in turn t.
"""
from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from tapegrad.compiler.loops import copy
from tapegrad.compiler.passes.cuts import words_of
from tapegrad.compiler.passes.work import Work, kernel_of
from tapegrad.compiler.program import lay_out
from tapegrad.compiler.superinstructions import constant_blocks
from tapegrad.compiler.traced_program import Block, Blocked, Item, Loop, Place, Step, moved, space, uses
from tapegrad.machine import records as rec
from tapegrad.machine.kernels.products import product
from tapegrad.machine.live import machine

RUNS = 1 << 13  # of a segment, at most: each is a few steps of the program
FAR = 64  # slots beside those of a segment that its ring may have
NOTHING = "it would take as much memory"
_ALIGN = 64
_ALL = 1 << 62  # bytes before and after a place of which nobody knows how much is used


class _Unsafe(Exception):
    """Why a loop is not run again."""


# ---------------------------------------------------------------------------------------------------------- schedules


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


# --------------------------------------------------------------------------------------------------- what a step uses


class _Use(NamedTuple):
    """What a step does with one place: from `start` to `end`, in bytes from there; `dense` if it writes all of that."""

    place: Place
    start: int
    end: int
    dense: bool
    written: bool
    read: bool

    def slots(self, slot: int, turns: int = 1) -> tuple[int, int]:
        """The first and the last slot, in all turns together."""
        far = (turns - 1) * self.place.stride
        start, end = self.place.offset + self.start + min(far, 0), self.place.offset + self.end + max(far, 0)
        return start // slot, (end - 1) // slot


def _turns_of(item: Item) -> int:
    """The turns of a loop; 0 for what is none."""
    if isinstance(item, Loop):
        return item.turns
    kernel = kernel_of(item)
    if not isinstance(item, Step) or kernel is None or kernel.pattern[0] != "@":
        return 0
    return int(machine.memory(item.b, "i8", 1)[0])


def _uses(item: Item) -> Iterator[tuple[_Use, int]]:
    """What the calls of an item use, each in how many turns."""
    if isinstance(item, Blocked):
        for run in item.runs:
            for call in run.calls:
                alone = Step(rec.KERNEL, call.kernel, call.nest, tuple([o.place for o in call.operands]), b"")
                yield from ((use, run.turns) for use, o in zip(_used(alone), call.operands) if not o.private)
        return
    turns = max(_turns_of(item), 1)
    steps: Any = item.steps if isinstance(item, Loop) else (item,)
    for step in steps:
        yield from ((use, turns) for use in _used(step))


def _moving(loop: Item) -> set[int]:
    """The blocks of which a loop writes another part in each turn."""
    return {u.place.number for u, _ in _uses(loop) if u.written and u.place.kind == "own" and u.place.stride}


def _used(step: Any) -> list[_Use]:
    written, first_read = uses(step.kind, step.a)
    extents = _extents(step)
    found = [_Use(place, start, end, dense, written is None or j < written, first_read is None or j >= first_read)
             for j, (place, (start, end, dense)) in enumerate(zip(step.places, extents))]
    return sorted(found, key=lambda use: use.written)  # it reads before it writes


def _extents(step: Step) -> list[tuple[int, int, bool]]:
    kernel, known = kernel_of(step), product(step.a) if step.kind == rec.KERNEL else None
    nbytes = {rec.ZEROED: step.b, rec.CONSTANT: len(step.content), rec.GUARD: len(step.content)}.get(step.kind)
    if nbytes is not None:
        return [(0, nbytes, True)] * len(step.places)
    if kernel is not None and kernel.pattern[0] in "1@":
        return [(0, d.itemsize, True) for d in (*kernel.region.outputs, *kernel.region.inputs)]
    if kernel is not None and kernel.pattern[0] != "~":
        items = [d.itemsize for d in (*kernel.region.outputs, *kernel.region.inputs)]
    elif known is not None and known.by_nest:
        items = [known.of.itemsize] * len(step.places)
    else:
        return [(-_ALL, _ALL, False)] * len(step.places)
    kept, _, sizes, strides = words_of(step)
    found = []
    for item, by in zip(items, strides):
        far = [(n - 1) * s for n, s in zip(sizes, by)]
        start, end = sum(min(f, 0) for f in far), sum(max(f, 0) for f in far) + item
        found.append((start, end, math.prod(sizes[:kept]) * item == end - start))
    return found


# ------------------------------------------------------------------------------------------------------- rings of slots


class _Ring:
    """A family of slots of which one loop writes the next in each turn, as the part of it that a segment uses.

    Slots are numbered as they are in turn 0: the loop uses those from `low` to `high`, and writes those from `final`,
    which no later turn writes again, to `written`.
    """

    def __init__(self, number: int, block: Block, walks: Sequence[_Use]) -> None:
        self.number, self.slot = number, block.slot
        strides = {u.place.stride for u in walks}
        self.walk = 1 if min(strides) > 0 else -1
        if not self.slot or strides != {self.walk * self.slot}:
            raise _Unsafe("it goes through a block in several ways")
        self.final = min(self.of(u)[0] for u in walks if u.written)
        self.written = max(self.of(u)[1] for u in walks if u.written)
        self.low = min(self.of(u)[0] for u in walks)
        if max(self.of(u)[1] for u in walks) > self.written:
            raise _Unsafe("it reads what it writes later")
        self.high = self.written

    def of(self, use: _Use, turns: int = 1) -> tuple[int, int]:
        first, last = use.slots(self.slot, turns)
        return (first, last) if self.walk > 0 else (-last, -first)

    def is_written_once(self, walks: Sequence[_Use]) -> bool:
        """Whether each slot is written in one turn alone, which does not read it before."""
        return self.final == self.written and not _reads_first([u for u in walks if self.of(u)[1] == self.written])

    @property
    def head(self) -> int:
        """How many slots a turn may find that those before it left."""
        return self.written - self.low

    def reach(self, low: int) -> None:
        self.low = min(self.low, low)
        if self.head > FAR:
            raise _Unsafe("what it keeps is used far from where it is written")

    def base(self, turn: int, turns: int) -> int:
        """Where the ring begins, of the family as it was, for a segment of at most so many turns that begins here."""
        return self.low + turn if self.walk > 0 else -(self.high + turn + turns - 1)

    def slots(self, turns: int) -> int:
        return self.high - self.low + turns

    def offset(self, turn: int, base: int) -> int:
        """Where in the ring of this base is what passes on to this turn, in bytes."""
        return ((self.low + turn if self.walk > 0 else -(self.written + turn - 1)) - base) * self.slot


class _State(NamedTuple):
    """A block of which every turn uses the same bytes, and finds what another left there."""

    number: int
    nbytes: int


def _reads_first(walks: Iterable[_Use]) -> bool:
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


class _Pair:
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

    def __init__(self, work: Work, first: int, second: int) -> None:
        self.work, self.first, self.second = work, first, second
        self.loop, self.reverse = work.steps[first], work.steps[second]
        self.turns, self.reversed = _turns_of(self.loop), _turns_of(self.reverse)
        self.least = 1  # turns that a segment must have
        self.rings: dict[int, _Ring] = {}
        self.back: dict[int, _Ring] = {}
        written = {space(u.place) for u, _ in _uses(self.loop) if u.written}
        read = {space(u.place) for u, _ in _uses(self.loop)} - written
        if any(kind != "own" for kind, _ in written):
            raise _Unsafe("it writes to memory that others see")
        later = [u for item in work.steps[first + 1:second + 1] for u, _ in _uses(item) if u.written]
        if any(space(u.place) in read for u in later):
            raise _Unsafe("something that it reads is written before its backward")
        self._states(written)
        self._rings(written, {space(u.place) for u in later})
        self._backs()
        self.least = max(self.least, 1 + max(0, self.turns - 1 - self.dual), self.dual - self.reversed + 2,
                         *(r.head for r in self.rings.values()),
                         *(r.head + max(0, self.turns - 1 - self.dual) for r in self.back.values()))
        if self.turns < 2 * self.least:
            raise _Unsafe("it has too few turns")

    def _walks(self, item: Item, number: int) -> list[_Use]:
        return [u for u, _ in _uses(item) if u.place.kind == "own" and u.place.number == number]

    def _elsewhere(self, number: int) -> Iterator[tuple[int, _Use, int]]:
        """The uses of a block by other steps: which step, how, and in how many turns."""
        for at, item in enumerate(self.work.steps):
            if at not in (self.first, self.second) and any(p.kind == "own" and p.number == number for p in item.places):
                yield from ((at, u, turns) for u, turns in _uses(item)
                            if u.place.kind == "own" and u.place.number == number)

    def _states(self, written: set[tuple[str, int]]) -> None:
        self.states: list[_State] = []
        self.private: list[int] = []  # blocks of the loop's own that are another's later: it has others when run again
        for _, number in sorted(written):
            walks = self._walks(self.loop, number)
            if any(u.place.stride for u in walks):
                continue
            if _reads_first(walks):
                self.states.append(_State(number, self.work.blocks[number].nbytes))
            if number in self.work.results or self._walks(self.reverse, number) or any(
                    at > self.second for at, _, _ in self._elsewhere(number)):
                self.private.append(number)

    def _rings(self, written: set[tuple[str, int]], later: set[tuple[str, int]]) -> None:
        found: dict[int, tuple[_Ring, list[tuple[int, int]]]] = {}
        for _, number in sorted(written):
            walks = self._walks(self.loop, number)
            if not any(u.place.stride for u in walks):
                continue
            ring = _Ring(number, self.work.blocks[number], walks)
            back = self._walks(self.reverse, number)
            try:
                if number in self.work.results:
                    raise _Unsafe("what it keeps is a result")
                if any(u.written or u.place.stride != -ring.walk * ring.slot for u in back):
                    raise _Unsafe("its backward does not go back through what it keeps")
                self._beside(ring)
                found[number] = ring, [ring.of(u) for u in back]
            except _Unsafe:
                # It stays a whole, and is computed anew where it is: there every turn must find what it found.
                if ("own", number) in later or not ring.is_written_once(walks):
                    raise
        # in the turn t of the loop the backward is at its turn `dual` - t
        self.dual = max((last - ring.final for ring, places in found.values() for _, last in places), default=-1)
        if self.dual < 0:
            raise _Unsafe("all that it keeps is used as a whole")
        for number, (ring, places) in found.items():
            for first, last in places:
                ring.reach(min(first - self.dual, first - (self.reversed - 1)))
                ring.high = max(ring.high, last - (self.turns - 1))
            self.rings[number] = ring

    def _beside(self, ring: _Ring) -> None:
        """See to it that other steps find what they use in the ring: before the loop, after it, after its backward."""
        for at, use, turns in self._elsewhere(ring.number):
            first, last = ring.of(use, turns)
            if at < self.first:
                if last >= ring.written:
                    raise _Unsafe("what it writes is written before")
                ring.reach(first)
            elif at < self.second:
                if use.written and first <= ring.written + self.turns - 1:
                    raise _Unsafe("what it keeps is changed before its backward")
                self._need(self.turns + ring.low - first)
                ring.high = max(ring.high, last - (self.turns - 1))
            else:
                if use.written:
                    raise _Unsafe("what it keeps is changed after its backward")
                ring.reach(first)
                self._need(last - ring.final + 1)
        if ring.high - ring.written > FAR:
            raise _Unsafe("what it keeps is used far from where it is written")

    def _need(self, turns: int) -> None:
        if turns > FAR:
            raise _Unsafe("what it keeps is used far from where it is written")
        self.least = max(self.least, turns)

    def _backs(self) -> None:
        """The families of the backward's own: what does not fit stays as a whole."""
        for number in sorted(_moving(self.reverse) - self.rings.keys()):
            least = self.least
            try:
                block = self.work.blocks[number]
                if number in self.work.results or not block.slot or self._walks(self.loop, number):
                    continue
                ring = _Ring(number, block, self._walks(self.reverse, number))
                for at, use, turns in self._elsewhere(number):
                    first, last = ring.of(use, turns)
                    if at < self.second:
                        if last >= ring.written:
                            raise _Unsafe("")
                        ring.reach(first)
                    else:
                        self._need(ring.low - first + self.dual + 1)
                        ring.high = max(ring.high, last - (self.reversed - 1))
                if ring.high - ring.written > FAR:
                    raise _Unsafe("")
                self.back[number] = ring
            except _Unsafe:
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
        return sum(map(_rounded, heads + [s.nbytes for s in self.states]))

    def needs(self, segments: int, snapshots: int) -> int:
        """The bytes that the loops take with so many."""
        turns = -(-self.turns // segments)
        rings = [r.slots(turns) * r.slot for r in self.rings.values()]
        back = [r.slots(self.most_back(segments)) * r.slot for r in self.back.values()]
        return sum(map(_rounded, rings + back)) + snapshots * self.passed_on

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


def _rounded(nbytes: int) -> int:
    return -(-nbytes // _ALIGN) * _ALIGN


# --------------------------------------------------------------------------------------------------------------- plans


class Plan(NamedTuple):
    """Into how many segments the turns are cut, and how many snapshots there may be."""

    segments: int
    snapshots: int


def plans(pair: _Pair) -> list[tuple[int, float, Plan]]:
    """What may be done, each with the bytes that it takes and how many turns are computed."""
    found = []
    most = pair.turns // pair.least
    few = {*range(2, min(most, 64) + 1)}
    more = {round(64 * 1.1 ** k) for k in range(200) if 64 * 1.1 ** k <= most}
    for segments in sorted(few | more | {most}):
        counts = {*range(1, min(segments - 1, 16) + 1), segments - 1,
                  *(round(16 * 1.2 ** k) for k in range(100) if 16 * 1.2 ** k < segments)}
        records = pair.needs(segments, 0)
        for snapshots in sorted(counts):
            runs = advances(segments, snapshots) + segments
            if runs <= RUNS:
                cost = runs * (pair.turns / segments + 8)  # a run costs about as much as a few turns, beside its own
                found.append((records + snapshots * pair.passed_on, cost, Plan(segments, snapshots)))
    return found


def _twice(found: Sequence[tuple[int, float, Plan]]) -> Plan:
    """The smallest plan that computes no turn more than twice."""
    return min([p for p in found if p[2].snapshots == p[2].segments - 1], default=min(found))[2]


def _fastest(found: Sequence[tuple[int, float, Plan]], budget: float) -> Plan:
    """The fastest plan within a budget, or the smallest of all."""
    fit = [(cost, nbytes, plan) for nbytes, cost, plan in found if nbytes <= budget]
    return min(fit)[2] if fit else min(found)[2]


# ------------------------------------------------------------------------------------------------------------- the pass


def _pairs(work: Work) -> tuple[list[_Pair], str]:
    """The loops that can be run again, and why others cannot."""
    loops = [i for i, item in enumerate(work.steps) if _turns_of(item)]
    found: list[_Pair] = []
    why = "no loop was found in it that keeps anything for its backward"
    if any(isinstance(s, Blocked) and any(r.turns > 1 for r in s.runs) for s in work.steps):
        why = "its loop goes over a batch"
    for i in loops:
        moving = _moving(work.steps[i])
        back = [j for j in loops if j > i and any(
            u.place.number in moving and u.place.kind == "own" and u.place.stride and u.read
            for u, _ in _uses(work.steps[j]))]
        if not back:
            continue
        if len(back) > 1:
            why = "several loops read what one keeps"
            continue
        try:
            if any({i, back[0]} & {p.first, p.second} for p in found):
                raise _Unsafe("one loop goes back through another that does so itself")
            pair = _Pair(work, i, back[0])
            if any(not pair.changed.isdisjoint(p.changed) for p in found):
                raise _Unsafe("two loops keep what they do in one place")
            found.append(pair)
        except _Unsafe as reason:
            why = str(reason)
    return found, why


def size_of(work: Work) -> int:
    """The memory of its own that a program takes, in bytes."""
    apart = constant_blocks(work.steps, work.results).keys() | work.results
    return lay_out(work.blocks, work.steps, set(apart), True)[1]


class Checkpointed(NamedTuple):
    """A program, and a line for each loop that is run again; `why` none is."""

    work: Work
    said: tuple[str, ...] = ()
    why: str = ""


def checkpointed(work: Work, memory: int | None) -> Checkpointed:
    """The same program with loops that are run again, so that it takes no more `memory`; ValueError if it must.

    Without a limit each turn is computed twice at most, and what is kept grows with the root of their count.
    """
    full = size_of(work)
    if memory is not None and full <= memory:
        return Checkpointed(work)
    found, why = _pairs(work)
    ways = [(p, several) for p in found for several in [plans(p)] if several and min(several)[0] < p.needs(1, 0)]
    if not ways:
        return Checkpointed(work, why=NOTHING if found else why)
    if memory is None:
        made = _rewritten(work, [(p, _twice(several)) for p, several in ways])
        return made if size_of(made.work) < full else Checkpointed(work, why=NOTHING)
    least = [min(several)[0] for _, several in ways]
    shares = [p.needs(1, 0) - nbytes for (p, _), nbytes in zip(ways, least)]
    extra: float = memory - (full - sum(shares))
    for _ in range(8):  # blocks of one size share memory, and those of other sizes not: what it comes to, one sees
        made = _rewritten(work, [(p, _fastest(several, nbytes + extra * share / sum(shares)))
                                 for (p, several), nbytes, share in zip(ways, least, shares)])
        over = size_of(made.work) - memory
        if over <= 0:
            return made
        if extra <= 0:
            break
        extra -= max(over, extra / 8)
    smallest = _rewritten(work, [(p, min(several)[2]) for p, several in ways])
    if size_of(smallest.work) > memory:
        raise ValueError(f"memory={memory} is too little: it needs at least {size_of(smallest.work)} bytes of its own")
    return smallest


def _rewritten(work: Work, chosen: Sequence[tuple[_Pair, Plan]]) -> Checkpointed:
    blocks = [*work.blocks]
    at: dict[int, list[Item]] = {i: [item] for i, item in enumerate(work.steps)}
    said = []
    for pair, plan in chosen:
        _Writer(pair, plan, blocks).into(at)
        runs = advances(*plan) + plan.segments
        said.append(f"a loop of {pair.turns} turns in {plan.segments} segments, {plan.snapshots} "
                    f"snapshot{'s' * (plan.snapshots > 1)}: each turn is computed {runs / plan.segments:.2f} times")
    return Checkpointed(Work([s for i in sorted(at) for s in at[i]], blocks, work.results), tuple(said))


class _Writer:
    """One pair of loops as the actions of a schedule; `blocks` are the program's, and become more."""

    def __init__(self, pair: _Pair, plan: Plan, blocks: list[Block]) -> None:
        self.pair, self.plan, self.blocks = pair, plan, blocks
        self.loop: Any
        self.reverse: Any
        self.begins = pair.begins(plan.segments)
        self.longest = max(b - a for a, b in zip(self.begins, self.begins[1:]))
        self.longest_back = pair.most_back(plan.segments)
        self.actions = [*schedule(*plan)]
        for ring, turns in ((r, t) for rings, t in ((pair.rings, self.longest), (pair.back, self.longest_back))
                            for r in rings.values()):
            blocks[ring.number] = Block(0, ring.slots(turns) * ring.slot, ring.slot)
        self.private = {n: self._block(blocks[n].nbytes) for n in pair.private}
        self.snapshots = [self._block(pair.passed_on) for _ in range(1 + max(
            (a.snapshot for a in self.actions if a.kind == "store"), default=-1))]

    def _block(self, nbytes: int) -> int:
        self.blocks.append(Block(0, nbytes))
        return len(self.blocks) - 1

    def into(self, at: dict[int, list[Item]]) -> None:
        """Put the steps where the loops were, and have the others use the rings as they are then."""
        pair, last = self.pair, self.plan.segments - 1
        first_back = [k for k in range(self.plan.segments) for part in [self._back_part(k)] if part[0] < part[1]]
        rings = {n: r.base(0, self.longest) for n, r in pair.rings.items()}
        ends = {n: r.base(self.begins[last], self.longest) for n, r in pair.rings.items()}
        back = {n: r.base(0, self.longest_back) for n, r in pair.back.items()}
        back_ends = {n: r.base(self._back_part(first_back[0])[0], self.longest_back) for n, r in pair.back.items()}
        before, between, after = rings | back, ends | back, rings | back_ends
        for i, items in at.items():
            bases = before if i < pair.first else between if i < pair.second else after
            if i not in (pair.first, pair.second):
                at[i] = [_shifted(item, bases, pair) for item in items]
        (self.loop,), (self.reverse,) = at[pair.first], at[pair.second]
        done = next(i for i, a in enumerate(self.actions) if a.kind == "reverse")
        at[pair.first] = [s for a in self.actions[:done] for s in self._steps(a, False)]
        at[pair.second] = [s for a in self.actions[done:] for s in self._steps(a, True)]

    def _back_part(self, k: int) -> tuple[int, int]:
        return self.pair.back_part(self.begins, k)

    def _steps(self, action: Action, again: bool) -> Iterator[Item]:
        pair, (kind, k, which) = self.pair, action
        if kind in ("store", "restore"):
            snapshot = 0
            for place, nbytes in self._passed_on(k, k, again):
                kept = Place("own", self.snapshots[which], snapshot)
                yield copy(kept, place, nbytes) if kind == "store" else copy(place, kept, nbytes)
                snapshot += _rounded(nbytes)
        elif kind == "reverse":
            start, end = self._back_part(k)
            if start == end:
                return
            bases = {n: r.base(self.begins[k], self.longest) for n, r in pair.rings.items()}
            bases |= {n: r.base(start, self.longest_back) for n, r in pair.back.items()}
            yield _part(self.reverse, start, end - start, bases, pair, {})
            if k:
                yield from self._moved_on(pair.back.values(), start, end, self.longest_back)
        else:
            start, end = self.begins[k], self.begins[k + 1]
            bases = {n: r.base(start, self.longest) for n, r in pair.rings.items()}
            yield _part(self.loop, start, end - start, bases, pair, self.private if again else {})
            if kind == "advance":
                yield from self._moved_on(pair.rings.values(), start, end, self.longest)

    def _passed_on(self, k: int, base: int, again: bool) -> Iterator[tuple[Place, int]]:
        """Where what passes on to a segment lies at its beginning, and its bytes."""
        for ring in self.pair.rings.values():
            if ring.head:
                start = self.begins[k]
                yield (Place("own", ring.number, ring.offset(start, ring.base(start, self.longest))),
                       ring.head * ring.slot)
        for state in self.pair.states:
            yield Place("own", self.private.get(state.number, state.number) if again else state.number, 0), state.nbytes

    def _moved_on(self, rings: Iterable[_Ring], start: int, end: int, turns: int) -> Iterator[Step]:
        """From the end of a segment to the beginning of the next."""
        for ring in rings:
            if ring.head:
                source, target = (Place("own", ring.number, ring.offset(end, ring.base(at, turns)))
                                  for at in (start, end))
                yield copy(target, source, ring.head * ring.slot)


def _shifted(item: Any, bases: dict[int, int], pair: _Pair) -> Any:
    """An item with places in rings that begin at these slots."""
    def to(place: Place) -> Place:
        if place.kind != "own" or place.number not in bases:
            return place
        ring = pair.rings.get(place.number) or pair.back[place.number]
        return place._replace(offset=place.offset - bases[place.number] * ring.slot)

    if isinstance(item, Blocked):
        return item._replace(runs=tuple([run._replace(calls=tuple([
            call._replace(operands=tuple([o if o.private else o._replace(place=to(o.place)) for o in call.operands]))
            for call in run.calls])) for run in item.runs]))
    return moved(item, to)


def _part(loop: Any, start: int, turns: int, bases: dict[int, int], pair: _Pair, private: dict[int, int]) -> Any:
    """So many turns of a loop, from this one on."""
    def to(place: Place) -> Place:
        if place.kind == "fixed":
            return place._replace(number=place.number + start * place.stride)
        number = private.get(place.number, place.number) if place.kind == "own" else place.number
        return place._replace(number=number, offset=place.offset + start * place.stride)

    if isinstance(loop, Loop):
        return _shifted(moved(loop._replace(turns=turns), to), bases, pair)
    step = moved(loop, to)
    nest = machine.keep_nest([turns, *(p.stride for p in loop.places)])
    return _shifted(step._replace(b=nest), bases, pair)
