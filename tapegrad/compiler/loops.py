"""Loops found again: rows of a trace that repeat, turn after turn, become one body and a count.

A Python loop leaves the same kernel calls again and again, at other places. Where every place lies as far from that of
the turn before as that one did from the turn before it, the turns are a loop: its body is analysed and compiled once,
and what a turn leaves for others (the backward reads it in reverse) lies in an array, a slot a turn.

`found` looks for loops in a table of steps (`repeats.py` says which rows repeat). Blocks that a loop steps through
become one: a `_Family`. What does not fit stays as it is, and the steps of a turn are done in their order: the answers
are the same.

Values that Python looked at in each turn (`while error > tol`) are kept, and compared when the loop has ended, all at
once: a body with a check in it is no single kernel. Turns that should not have been are then done for nothing, but to
memory that nobody else sees, or that is put back. None of their kernels can fail, and where they write does not depend
on what they read.
"""
from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes
from tapegrad.compiler import repeats
from tapegrad.compiler.passes.lanes import takes
from tapegrad.compiler.repeats import NUMBERS, Region
from tapegrad.compiler.trace_table import FIXED, OWN, Steps, Table, word, written
from tapegrad.compiler.traced_program import Block, Loop, Place, Step
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter
from tapegrad.machine.live import machine
from tapegrad.machine.llvm import late_binding
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.symbols import Sym

FEW, SMALL, SEVERAL = 64, 4096, 32  # uses of a tensor that a copy is made of, its bytes, and how many there must be
_ALIGN = 64


class _Family(NamedTuple):
    """Blocks that loops step through: every `step`th from `first` to `last`, of one size."""

    step: int
    first: int
    last: int

    @property
    def blocks(self) -> slice:
        return slice(self.first, self.last + 1, self.step)


def found(table: Table, drawn: Table, sizes: Any, lasting: Any, contents: Sequence[bytes], parts: int = 1,
          of_large: bool = False) -> Rolled | None:
    """The table with its loops, if there are any; `sizes` are those of the blocks, `lasting` says which outlive it.

    The blocks of the result may be more: copies of tensors of which a loop goes through one a turn. Loops `of_large`
    kernel calls too are wanted where memory counts for more than threads.
    """
    if len(table.kind) < repeats.LEAST:
        return None
    barred, large = repeats.barred_rows(table, contents)
    rolled = _found(table, drawn, sizes, lasting, contents, parts, barred)
    if rolled is None or of_large or not any(
            large[r.start:r.end].any() and not rolled.is_of_lanes(r) for r in rolled.regions):
        return rolled
    return _found(table, drawn, sizes, lasting, contents, parts, barred | large)


def _found(table: Table, drawn: Table, sizes: Any, lasting: Any, contents: Sequence[bytes], parts: int, barred: Any
           ) -> Rolled | None:
    copies = _copied(table, len(sizes)) if parts == 1 else None
    if copies is not None:
        none = np.zeros(len(copies.owners), bool)
        all_sizes = np.append(sizes, copies.sizes)
        rolled = _rolled(copies.table, drawn, all_sizes, np.append(lasting, none), contents, barred)
        if rolled is not None:
            rolled.copies = copies
            return rolled
    return _rolled(table, drawn, sizes, lasting, contents, barred)


def _rolled(table: Table, drawn: Table, sizes: Any, lasting: Any, contents: Sequence[bytes], barred: Any
            ) -> Rolled | None:
    regions = repeats.regions(table, sizes, lasting, barred)
    while regions:
        families, clash = _families(table, regions, sizes, lasting)
        if not clash:
            rolled = Rolled(table, drawn, sizes, regions, families, contents)
            if not rolled.refused:
                return rolled
            clash = rolled.refused
        regions = [r for r in regions if r not in clash]
    return None


class _Copies(NamedTuple):
    """A table whose blocks from the `first` on are copies of the tensors in these rows."""

    table: Table
    first: int
    owners: Any
    sizes: Any


def _copied(table: Table, first: int) -> _Copies | None:
    """The table with copies of what it reads here and there, and never writes, in place of many small tensors.

    A list of inputs lies anywhere in memory, and no loop goes through it; one through copies does, in the order in
    which they are first read.
    """
    uses = np.zeros(0, "i8")
    for _, some in table.pieces():
        here = np.bincount(some.number[some.used & (some.space == FIXED)], minlength=len(uses))
        here[:len(uses)] += uses
        uses = here
    if np.count_nonzero((uses > 0) & (uses <= FEW)) < SEVERAL:
        return None
    fixed = table.used & (table.space == FIXED)
    owners, at, times = np.unique(table.number[fixed], return_index=True, return_counts=True)
    nbytes = machine.layouts["nbytes"][machine.buffers["layout"][owners]].astype("i8")
    changed = np.isin(owners, table.number[fixed & written(table)])
    few = (times <= FEW) & (nbytes <= SMALL) & (nbytes > 0) & ~changed
    if np.count_nonzero(few) < SEVERAL:
        return None
    order = np.argsort(at[few], kind="stable")
    chosen, sizes = owners[few][order], nbytes[few][order]
    which = np.full(len(owners), -1)
    which[np.flatnonzero(few)[order]] = np.arange(len(order))
    number, space = table.number.copy(), table.space.copy()
    block = which[np.searchsorted(owners, table.number[fixed])]
    number[fixed] = np.where(block < 0, number[fixed], first + block)
    space[fixed] = np.where(block < 0, FIXED, OWN)
    return _Copies(table._replace(number=number, space=space), first, chosen, sizes)


# ------------------------------------------------------------------------------------------------ blocks by the turn


def _families(table: Table, regions: Sequence[Region], sizes: Any, lasting: Any
              ) -> tuple[list[_Family], set[Region]]:
    """The blocks that loops step through, and the loops that do so in ways that do not go together."""
    ways: dict[tuple[int, int], list[tuple[int, int, Region]]] = {}
    for region in regions:
        body, second = table.rows(region.body), table.rows(region.second)
        by = second.number - body.number
        moving = body.own & (by != 0)
        for start, step in {*zip(body.number[moving].tolist(), by[moving].tolist())}:
            ends = start, start + step * (region.turns - 1)
            ways.setdefault((abs(step), start % abs(step)), []).append((min(ends), max(ends), region))
    families: list[_Family] = []
    of = np.full(len(sizes), -1, "i4")
    clash: set[Region] = set()
    for (step, _), several in sorted(ways.items(), key=lambda item: item[0]):
        several.sort(key=lambda way: way[:2])
        while several:
            low, high, region = several.pop(0)
            together = [region]
            while several and several[0][0] <= high:
                high = max(high, several[0][1])
                together.append(several.pop(0)[2])
            family = _Family(step, low, high)
            there = of[family.blocks]
            if (there >= 0).all():
                other = families[there[0]]
                if (there == there[0]).all() and step % other.step == 0:
                    continue
            if (there >= 0).any() or lasting[family.blocks].any() or (sizes[family.blocks] != sizes[low]).any():
                clash.update(together)
                continue
            of[family.blocks] = len(families)
            families.append(family)
    return families, clash


class Rolled:
    """A table with its loops, over the blocks that are `single` and, `made` of them, one for each family.

    `refused` are loops that cannot be kept.
    """

    families: Sequence[_Family]
    contents: Sequence[bytes]
    left_out: np.ndarray[Any, Any]
    number: np.ndarray[Any, Any]
    offset: np.ndarray[Any, Any]
    table: Table
    drawn: Table

    copies: _Copies | None = None

    def __init__(self, table: Table, drawn: Table, sizes: Any, regions: Sequence[Region],
                 families: Sequence[_Family], contents: Sequence[bytes]) -> None:
        self.regions: list[Region] = sorted(regions)
        self.families, self.contents = families, contents
        single = np.ones(len(sizes), bool)
        for family in families:
            single[family.blocks] = False
        self.single: np.ndarray[Any, Any] = np.flatnonzero(single)
        self.number, self.offset = np.cumsum(single, dtype="i4") - 1, np.zeros(len(sizes), "i8")
        self.made: list[Block] = []
        self.constants: list[Step] = []
        self.left_out = np.zeros(len(table.kind), bool)  # rows of constants that lie ready instead
        writers = self._writers(table, drawn, len(sizes))
        for number, family in enumerate(families, len(self.single)):
            nbytes = int(sizes[family.first])
            slot = 8 if nbytes <= 8 else -(-nbytes // _ALIGN) * _ALIGN  # whole words: some are written as such
            ready = self._ready(table, writers[family.blocks], number, nbytes, slot)
            count = len(range(*family.blocks.indices(len(sizes))))
            self.number[family.blocks] = number
            self.offset[family.blocks] = np.arange(count) * (0 if ready == nbytes else slot)
            self.made.append(Block(0, ready or count * slot, slot))
        self.table, self.drawn = table, drawn
        self.refused: set[Region] = {r for r in self.regions if not self._same_constants(table, r)}
        self.checks: dict[Region, list[Step]] = {r: [*self._checks(r)] for r in self.regions}

    @staticmethod
    def _writers(table: Table, drawn: Table, count: int) -> Any:
        """For each block the row of the constant that it is, -1 if it is anything else."""
        times = np.zeros(count, "i4")
        for _, some in table.pieces():
            np.add.at(times, some.number[written(some) & (some.space == OWN)], 1)
        np.add.at(times, drawn.number[drawn.own], 1)
        rows = np.flatnonzero(((table.kind == rec.WORD) | (table.kind == rec.CONSTANT)) & (table.offset[:, 0] == 0))
        found = np.full(count, -1, "i4")
        found[table.number[rows, 0]] = rows
        found[times != 1] = -1
        return found

    def _ready(self, table: Table, rows: Any, number: int, nbytes: int, slot: int) -> int:
        """Have a family of constants lie ready as one: its bytes, those of a single one where all are the same."""
        if (rows < 0).any():
            return 0
        parts = self._content(table, rows)
        if any(len(p) != nbytes for p in parts):
            return 0
        self.left_out[rows] = True
        same = len({*parts}) == 1
        content = parts[0] if same else b"".join([p.ljust(slot, b"\0") for p in parts])
        self.constants.append(Step(rec.CONSTANT, 0, 0, (Place("own", number, 0),), content))
        return len(content)

    def _content(self, table: Table, rows: Any) -> list[bytes]:
        """What the constants of some rows are."""
        columns = (column[rows].tolist() for column in (table.kind, table.b, table.nbytes))
        return [word(b, nbytes) if kind == rec.WORD else self.contents[b] for kind, b, nbytes in zip(*columns)]

    def _at_new_places(self, table: Table) -> Table:
        """The same rows, over the blocks of families: of a long table only the few that become steps."""
        own = table.own
        number, offset = table.number.copy(), table.offset.astype("i8")
        number[own] = self.number[table.number[own]]
        offset[own] += self.offset[table.number[own]]
        return table._replace(number=number, offset=offset)

    def _same_constants(self, table: Table, region: Region) -> bool:
        """Whether the constants that a loop writes anew each turn are the same in all."""
        kinds = table.kind[region.body]
        body = np.flatnonzero(((kinds == rec.WORD) | (kinds == rec.CONSTANT)) & ~self.left_out[region.body])
        turns = region.start + region.period * np.arange(region.turns)
        return all(len({*self._content(table, row + turns)}) == 1 for row in body)

    def _checks(self, region: Region) -> Iterator[Step]:
        """The steps that compare, when a loop has ended, what Python looked at in its turns; the loop is left without.
        """
        steps = Steps([*self.contents])
        for first in region.start + np.flatnonzero(self.table.kind[region.body] == rec.GUARD):
            rows = first + region.period * np.arange(region.turns)
            self.left_out[rows] = True
            values = [self.contents[b] for b in self.table.b[rows].tolist()]
            (place,), (second,) = (s.places for s in steps(self._at_new_places(self.table.rows(rows[:2]))))
            width = len(values[0])
            by = (second.number - place.number if place.kind == "fixed" else 0) or second.offset - place.offset
            if by == 0:  # nobody writes there
                values = values[:1]
            elif by != width:
                together = Place("own", len(self.single) + len(self.made), 0)
                self.made.append(Block(0, region.turns * width))
                yield copy(together, place, width, region.turns, by)
                place = together
            yield Step(rec.GUARD, len(values), 0, (place,), b"".join(values))

    def parts(self, steps: Steps, count: int) -> list[list[Any]]:
        """The steps of each part, loops among them."""
        found: list[list[Any]] = []
        regions = [*self.regions]
        ends = np.searchsorted(self.table.part, np.arange(count + 1)).tolist()
        for at, end in itertools.pairwise(ends):
            items: list[Any] = [] if found else [
                *steps(self._at_new_places(self.drawn)), *self.constants, *self._copying()]
            while regions and regions[0].start < end:
                region = regions.pop(0)
                items += steps(self._rows(at, region.start))
                body = self._body(steps, region)
                if body:
                    items.append(Loop(region.turns, tuple(body)))
                items += self.checks[region]
                at = region.end
            found.append(items + steps(self._rows(at, end)))
        return found

    def is_of_lanes(self, region: Region) -> bool:
        """Whether a loop goes over a batch, of which a few samples are done at a time."""
        blocks = [*(Block(0, 0) for _ in self.single), *self.made]
        return takes(self._body(Steps([*self.contents]), region), region.turns, blocks)

    def _copying(self) -> Iterator[Step]:
        """The steps that make the copies."""
        copies = self.copies
        if copies is None:
            return
        numbers = np.arange(len(copies.owners)) + copies.first
        addresses = machine.buffers["address"][copies.owners]
        for number, offset, owner, address, nbytes in zip(*(column.tolist() for column in (
                self.number[numbers], self.offset[numbers], copies.owners, addresses, copies.sizes))):
            yield copy(Place("own", number, offset), Place("fixed", address, owner), nbytes)

    def _rows(self, start: int, end: int) -> Table:
        return self._at_new_places(self.table.rows(start + np.flatnonzero(~self.left_out[start:end])))

    def _body(self, steps: Steps, region: Region) -> list[Step]:
        body, second = (self._at_new_places(self.table.rows(r)) for r in (region.body, region.second))
        return steps(body._replace(stride=second.offset - body.offset).rows(~self.left_out[region.body]))


def copy(target: Place, source: Place, nbytes: int, times: int = 1, by: int = 0) -> Step:
    """The step that copies so many bytes, which lie one after the other; or a number `times`, each `by` further on."""
    of = next(d for d in [*NUMBERS.values()][::-1] if nbytes % d.itemsize == 0)
    nest = machine.keep_nest([1, 0, nbytes // of.itemsize * times, of.itemsize, by or of.itemsize])
    return Step(rec.KERNEL, _copying(of, "s" if by else "c"), nest, (target, source), b"")


@functools.cache
def _copying(of: dtypes.dtype, letter: str) -> int:
    """The kernel that copies numbers of some width."""
    region = emitter.Region((of,), (Sym.operand(0, of),), (of,), (False,))
    late_binding.want(1)
    try:
        return emitter.compile_region(region, f"c{letter}", (False,))
    finally:
        late_binding.want(-1)
