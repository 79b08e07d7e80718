"""Lanes: the loops of a program over a batch (`vmap`), and what is around them, a few samples at a time.

Where each step of some loops goes over the same axis, and no sample uses what is another's, samples may be done in any
order. Step by step for all of them, what a turn keeps for the backward goes to memory and comes back: 160 MB for each
number that 2,000 turns of 10⁴ samples keep. Block by block it stays in the cache, and threads share the blocks.

Steps that are the same for all samples, and short, take part where nobody else reads what they write: each block does
them again.
"""
from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from tapegrad import dtypes
from tapegrad.compiler.passes.cuts import Space, cuts, words_of
from tapegrad.compiler.passes.work import Work, dtypes_of, kernel_of, single, space, times_used, writes
from tapegrad.compiler.superinstructions import constant_blocks
from tapegrad.compiler.traced_program import (
    LONG,
    Block,
    Blocked,
    Call,
    Group,
    Item,
    Loop,
    Operand,
    Place,
    Plain,
    Step,
    Turns,
)
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter
from tapegrad.machine.live import machine
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.symbols import Sym

LEAST = 128  # samples
BLOCK = 64   # samples at a time, or a multiple of it: what vectors do at the end of a row is done where it was
CACHE = 160 << 10  # bytes that more samples at a time may go through
_ALIGN = 64


def lanes(work: Work) -> Work:
    """The same program with loops over a batch, and what is around them, in groups."""
    if not any(isinstance(item, Loop) for item in work.steps):
        return work
    constants = constant_blocks(work.steps, work.results)
    ready: list[Plain] = []  # before the program starts
    steps: list[Plain] = []
    for item in work.steps:
        (ready if _is_ready(item, constants) else steps).append(item)
    whole = _Whole(work, times_used(work.steps))
    out: list[Item] = []
    at = 0
    for t, item in enumerate(steps):
        if t < at or not isinstance(item, Loop):
            continue
        found = next((f for f in (_around(steps, at, t, units, whole) for units in _sizes(item.steps)) if f), None)
        if found is not None:
            start, end, group = found
            out += [*steps[at:start], group]
            at = end
    return work._replace(steps=[*ready, *out, *steps[at:]])


def takes(body: Sequence[Step], turns: int, blocks: Sequence[Block]) -> bool:
    """Whether a loop is one over a batch."""
    whole = _Whole(Work([], blocks, set()), Counter())
    constants = constant_blocks([Loop(turns, tuple(body))], set())
    loop = Loop(turns, tuple([s for s in body if not _is_ready(s, constants)]))
    return any(_Lanes(units, whole).add(loop) for units in _sizes(loop.steps))


def _is_ready(item: Plain, constants: Collection[int]) -> bool:
    return isinstance(item, Step) and item.kind == rec.CONSTANT and item.places[0].number in constants


def _sizes(steps: Sequence[Step]) -> list[int]:
    """How many samples there may be, the most first."""
    found = {n for s in steps if _has_loops(s) for n in words_of(s)[2]}
    return sorted((n for n in found if n >= LEAST), reverse=True)


def _has_loops(step: Step) -> bool:
    kernel = kernel_of(step)
    return kernel is not None and kernel.pattern[0] not in "1@~"


class _Whole(NamedTuple):
    """The program that samples are looked for in, and how often its blocks are used."""

    work: Work
    uses: Counter[int]


class _Access(NamedTuple):
    """How a step uses memory in `turns`: of each sample `reach` bytes, one sample `unit` bytes after the other."""

    place: Place
    unit: int
    reach: int
    writes: bool
    turns: int

    def within(self, row: int) -> tuple[int, int]:
        """From where to where it uses a row of all samples for the first of them: in each turn the next row, or else in
        all turns together."""
        start = self.place.number if self.place.kind == "fixed" else self.place.offset
        far = 0 if self.place.stride % row == 0 else (self.turns - 1) * self.place.stride
        start, end = start + min(far, 0), start + max(far, 0) + self.reach
        return start % row, start % row + end - start


class _Lanes:
    """Items that go over the same axis of so many samples, and how they use memory."""

    def __init__(self, units: int, whole: _Whole) -> None:
        self.units, self.whole = units, whole
        self.used: dict[Space, frozenset[_Access]] = {}
        self.axes: dict[Step, tuple[int, int, tuple[int, ...]]] = {}  # of each step: axis, elements a sample, units

    def add(self, item: Plain) -> bool:
        """Take an item in, if no sample then uses what is another's."""
        before = self.used.copy()
        turns, steps = (item.turns, item.steps) if isinstance(item, Loop) else (1, (item,))
        if all(self._add(s, turns) for s in steps) and (
                not isinstance(item, Loop) or any(self.axes[s][1] for s in steps)):
            return True
        self.used = before
        return False

    def _add(self, step: Step, turns: int) -> bool:
        written = len(writes(step))
        for cut in cuts(step, self.units):
            if not cut.summed and self._use([
                    _Access(place, part.unit, reach, j < written, turns)
                    for j, (place, part, reach) in enumerate(zip(step.places, cut.parts, cut.reach))]):
                self.axes[step] = cut.axis, cut.per_unit, tuple([p.unit for p in cut.parts])
                return True
        again = math.prod(words_of(step)[2]) <= BLOCK if _has_loops(step) else kernel_of(step) is not None
        if not again or not self._use([_Access(p, 0, 0, j < written, turns) for j, p in enumerate(step.places)]):
            return False
        self.axes[step] = 0, 0, (0,) * len(step.places)
        return True

    def _use(self, accesses: Sequence[_Access]) -> bool:
        found: dict[Space, frozenset[_Access]] = {}
        for access in accesses:
            at = space(access.place)
            found[at] = found.get(at, self.used.get(at, frozenset())) | {access}
        if not all(self._apart(of) for of in found.values()):
            return False
        self.used |= found
        return True

    def _apart(self, accesses: Collection[_Access]) -> bool:
        """Whether a piece of memory is not written, or of each sample a part of its own, or scratch of all of them."""
        if not any(a.writes for a in accesses):
            return True
        first = next(iter(accesses))
        unit, own = first.unit, first.place.kind == "own"
        if any(a.unit != unit for a in accesses):
            return False
        if unit == 0:
            return own and first.place.number not in self.whole.work.results
        row = self.row(first.place, unit)
        found = [a.within(row) for a in accesses]
        if own:
            return all(end <= unit for _, end in found)
        low = found[0][0]  # where samples begin is not known: all must use what is close together
        near = [((start - low + row // 2) % row - row // 2, end - start) for start, end in found]
        return max(n + far for n, far in near) - min(n for n, _ in near) <= unit

    def row(self, place: Place, unit: int) -> int:
        """How far apart the rows of all samples are in a piece of memory."""
        slot = self.whole.work.blocks[place.number].slot if place.kind == "own" else 0
        return slot or unit * self.units

    def unit(self, at: Space) -> int | None:
        """The bytes of a sample in a piece of memory that is written, 0 where it is the same for all of them."""
        accesses = self.used[at]
        return next(iter(accesses)).unit if any(a.writes for a in accesses) else None

    def private(self, steps: Sequence[Plain]) -> dict[int, int]:
        """The blocks that nobody else uses, with the bytes of a sample."""
        inside = times_used(steps)
        found = {}
        for at in self.used:
            kind, number = at
            unit = self.unit(at)
            if kind == "own" and unit is not None and number not in self.whole.work.results and (
                    inside[number] == self.whole.uses[number]):
                found[number] = unit
        return found

    def shares(self, private: Collection[int]) -> bool:
        """Whether what is the same for all samples, and written, is seen by nobody else."""
        return all(at[1] in private for at in self.used if self.unit(at) == 0)


def _around(steps: Sequence[Plain], at: int, t: int, units: int, whole: _Whole) -> tuple[int, int, Group] | None:
    """The group of the loop `t` and what is next to it, not before step `at`: its first step, where it ends, itself."""
    chosen = _Lanes(units, whole)
    if not chosen.add(steps[t]):
        return None
    of = dtypes_of(single(steps))
    start, end = t, t + 1
    taken = [_filling(steps[t], of)]
    while end < len(steps) and chosen.add(item := _filling(steps[end], of)):
        taken.append(item)
        end += 1
    while start > at and chosen.add(item := _filling(steps[start - 1], of)):
        taken.insert(0, item)
        start -= 1
    moving = [k for k, item in enumerate(taken) if isinstance(item, Loop) or chosen.axes[item][1]]
    last = moving[-1] + 1
    for first in (0, moving[0]):  # what comes before may be for the group alone, or for others too
        group = Group(units, tuple(taken[first:last]))
        again = _Lanes(units, whole)
        if all(again.add(item) for item in group.steps) and again.shares(again.private(group.steps)):
            return (start + first, start + last, group) if _elements(group.steps) >= LONG else None
    return None


def _elements(items: Sequence[Plain]) -> int:
    return sum(item.turns * _elements(item.steps) if isinstance(item, Loop) else
               math.prod(words_of(item)[2]) if _has_loops(item) else 1 for item in items)


def _filling(item: Plain, of: dict[int, dtype | None]) -> Plain:
    """A step that clears memory as one that fills it with zeros, which can be cut."""
    if isinstance(item, Loop):
        return item._replace(steps=tuple([_filled(s, of) for s in item.steps]))
    return _filled(item, of)


def _filled(item: Step, of: dict[int, dtype | None]) -> Step:
    if item.kind != rec.ZEROED or item.places[0].kind != "own":
        return item
    kind = of.get(item.places[0].number) or dtypes.uint8
    count, rest = divmod(item.b, kind.itemsize)
    if rest:
        return item
    region = emitter.Region((), (Sym.const(0, kind),), (kind,), (False,))
    nest = [0, 0] if count == 1 else [1, 0, count, kind.itemsize]
    kernel = emitter.compile_region(region, "1" if count == 1 else "c", (False,))
    return Step(rec.KERNEL, kernel, machine.keep_nest(nest), item.places, b"", item.lines)


def lanewise(group: Group, blocks: Sequence[Block], results: set[int], uses: Counter[int]) -> Sequence[Item]:
    """A group as calls for some samples at a time; as it was, where other passes left what cannot be cut."""
    chosen = _Lanes(group.units, _Whole(Work([], blocks, results), uses))
    if not all(chosen.add(item) for item in group.steps):
        return group.steps
    private = chosen.private(group.steps)
    if not chosen.shares(private):
        return group.steps
    rows = {n: -(-blocks[n].nbytes // chosen.row(Place("own", n, 0), unit)) for n, unit in private.items() if unit}
    bytes_a_sample = sum(rows[n] * unit for n, unit in private.items() if unit)
    block = min(max(CACHE // max(bytes_a_sample, 1) // BLOCK, 1) * BLOCK, group.units)
    at: dict[int, int] = {}
    top = 0
    for number, unit in private.items():
        at[number] = top
        top += rows[number] * _aligned(unit * block) if unit else _aligned(blocks[number].nbytes)

    def operand(place: Place, unit: int) -> Operand:
        if place.kind != "own" or place.number not in at:
            return Operand(place, unit, 0, False)
        if unit == 0:
            return Operand(place._replace(offset=at[place.number] + place.offset), 0, 0, True)
        row, own = chosen.row(place, unit), _aligned(unit * block)
        offset = at[place.number] + place.offset // row * own + place.offset % row
        stride = place.stride // row * own if place.stride % row == 0 else place.stride
        return Operand(place._replace(offset=offset, stride=stride), 0, 0, True)

    def call(step: Step) -> Call:
        axis, per_unit, units = chosen.axes[step]
        kernel = kernel_of(step)
        assert kernel is not None
        n_words = 2 + (len(words_of(step)[2]) * (1 + len(step.places)) if _has_loops(step) else 0)
        return Call(step.a, step.b, n_words, axis if per_unit else n_words, per_unit,
                    tuple([operand(p, u) for p, u in zip(step.places, units)]), step.lines)

    runs = [Turns(turns, tuple(map(call, steps))) for turns, steps in _runs(group.steps)]
    return [Blocked(group.units, block, -(-group.units // block), tuple(runs), top)]


def _runs(items: Sequence[Plain]) -> Iterator[tuple[int, Sequence[Step]]]:
    for item in items:
        yield (item.turns, item.steps) if isinstance(item, Loop) else (1, (item,))


def _aligned(nbytes: int) -> int:
    return -(-nbytes // _ALIGN) * _ALIGN
