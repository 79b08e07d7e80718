"""A program rewritten: which loops are run again, in how many segments, and the steps that do it."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tapegrad.compiler.checkpointing.pairs import Pair, rounded
from tapegrad.compiler.checkpointing.rings import Ring, Unsafe
from tapegrad.compiler.checkpointing.schedules import Action, advances, schedule
from tapegrad.compiler.checkpointing.touched import moving_in, turns_of, uses_of
from tapegrad.compiler.loops import copy
from tapegrad.compiler.passes.work import Work
from tapegrad.compiler.program import lay_out
from tapegrad.compiler.superinstructions import constant_blocks
from tapegrad.compiler.traced_program import Block, Blocked, Item, Loop, Place, Step, moved
from tapegrad.machine.live import machine
from tapegrad.named_tuples import NamedTuple

RUNS = 1 << 13  # of a segment, at most: each is a few steps of the program
NOTHING = "it would take as much memory"


# --------------------------------------------------------------------------------------------------------------- plans


class Plan(NamedTuple):
    """Into how many segments the turns are cut, and how many snapshots there may be."""

    segments: int
    snapshots: int


def plans(pair: Pair) -> list[tuple[int, float, Plan]]:
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


def _pairs(work: Work) -> tuple[list[Pair], str]:
    """The loops that can be run again, and why others cannot."""
    loops = [i for i, item in enumerate(work.steps) if turns_of(item)]
    found: list[Pair] = []
    why = "no loop was found in it that keeps anything for its backward"
    if any(isinstance(s, Blocked) and any(r.turns > 1 for r in s.runs) for s in work.steps):
        why = "its loop goes over a batch"
    for i in loops:
        moving = moving_in(work.steps[i])
        back = [j for j in loops if j > i and any(
            u.place.number in moving and u.place.kind == "own" and u.place.stride and u.read
            for u, _ in uses_of(work.steps[j]))]
        if not back:
            continue
        if len(back) > 1:
            why = "several loops read what one keeps"
            continue
        try:
            if any({i, back[0]} & {p.first, p.second} for p in found):
                raise Unsafe("one loop goes back through another that does so itself")
            pair = Pair(work, i, back[0])
            if any(not pair.changed.isdisjoint(p.changed) for p in found):
                raise Unsafe("two loops keep what they do in one place")
            found.append(pair)
        except Unsafe as reason:
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


def _rewritten(work: Work, chosen: Sequence[tuple[Pair, Plan]]) -> Checkpointed:
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

    def __init__(self, pair: Pair, plan: Plan, blocks: list[Block]) -> None:
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
                snapshot += rounded(nbytes)
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

    def _moved_on(self, rings: Iterable[Ring], start: int, end: int, turns: int) -> Iterator[Step]:
        """From the end of a segment to the beginning of the next."""
        for ring in rings:
            if ring.head:
                source, target = (Place("own", ring.number, ring.offset(end, ring.base(at, turns)))
                                  for at in (start, end))
                yield copy(target, source, ring.head * ring.slot)


def _shifted(item: Any, bases: dict[int, int], pair: Pair) -> Any:
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


def _part(loop: Any, start: int, turns: int, bases: dict[int, int], pair: Pair, private: dict[int, int]) -> Any:
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
