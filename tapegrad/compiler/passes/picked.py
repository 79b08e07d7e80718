"""Picked columns: where of a matrix only some columns are read, at indices, only those are computed.

`f(x)[:, which]` computes f for all columns and takes a few, in a Jacobian for each of its lanes. Where each step on the
way goes through columns side by side, the picked ones are the same steps on what was picked of their operands: the
columns are read at their indices before, where they are fewer numbers, and not after. Each element is computed as it
was, from the same operands.

All of the matrix must be read in this way, and by indices that are there before it; functions stay where they are, for
they give other last bits at the end of a row.
"""
from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from tapegrad import dtypes
from tapegrad.compiler.passes.cuts import words_of
from tapegrad.compiler.passes.work import Work, kernel_of, reads, space, writes
from tapegrad.compiler.traced_program import Block, Item, Place, Step
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import costs_much, emitter, loop_nests, products, structural
from tapegrad.machine.live import machine
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.symbols import Sym, walk

LEAST = 1 << 13  # elements that need not be computed, from which this is worth its calls

_WORD = 8  # bytes of an index


class Pick(NamedTuple):
    """A step that reads, of each row of a block as a whole, `few` of `columns` elements, at indices."""

    of: dtype
    source: int
    indices: Place
    rows: int
    columns: int
    few: int


class _Loops(NamedTuple):
    """What a step goes through: sizes, the strides of each of its places, where columns are, and what is reduced."""

    sizes: list[int]
    strides: list[list[int]]
    axis: int
    reduced: tuple[int, ...]


def picked(work: Work) -> Work:
    """The same program, in which columns that are not read are not computed."""
    done: set[Any] = set()
    while True:
        steps = list(work.steps)
        picks = {t: p for t, step in enumerate(steps) for p in [pick(step, work.blocks)]
                 if p is not None and 4 * p.few <= 3 * p.columns and p.source not in work.results}
        together: dict[Any, list[int]] = defaultdict(list)
        for t, p in picks.items():
            together[p.of, p.indices, p.columns, p.few].append(t)
        key = next((k for k in together if k not in done), None)
        if key is None:
            return work
        done.add(key)
        work = _Columns(work, {t: picks[t] for t in together[key]}).done() or work


def pick(step: Item, blocks: Sequence[Block]) -> Pick | None:
    if not isinstance(step, Step) or step.kind != rec.KERNEL or len(step.places) != 3 or (
            any(p.stride for p in step.places)):
        return None
    of = next((d for d in (dtypes.float64, dtypes.float32) if structural.is_indexed(step.a, structural.READ, d)), None)
    if of is None:
        return None
    operands, loops = machine.memory(step.b, "i8", 2).tolist()
    if operands != 1:
        return None
    words = machine.memory(step.b, "i8", 5 + 4 * loops).tolist()
    sizes, rest = words[3:3 + loops], words[3 + loops:]
    inside = [d for d in range(loops) if sizes[d] != 1]
    own, base, index = ([rest[o * loops + d] for d in inside] for o in range(3))
    far, columns = rest[3 * loops:]
    sizes, item, source = [sizes[d] for d in inside], of.itemsize, step.places[1]
    if not 1 <= len(sizes) <= 2 or far != item or index != [*[0] * (len(sizes) - 1), _WORD] or source.kind != "own":
        return None
    rows, count = [1, *sizes][-2:]
    if own != [count * item, item][-len(sizes):] or base != [columns * item, 0][-len(sizes):] or source.offset or (
            blocks[source.number].nbytes != rows * columns * item):
        return None
    return Pick(of, source.number, step.places[2], rows, columns, count)


class _Columns:
    """A program some of whose picks, with one index, become picks of what their sources are made of."""

    def __init__(self, work: Work, picks: dict[int, Pick]) -> None:
        self.work, self.picks, self.first = work, picks, min(picks)
        self.of, _, self.indices, _, self.columns, self.few = next(iter(picks.values()))
        self.item = self.of.itemsize
        self.users: dict[int, list[int]] = defaultdict(list)
        for t, step in enumerate(work.steps):
            for n in {p.number for p in step.places if p.kind == "own"}:
                self.users[n].append(t)
        self.inside = {p.source for p in picks.values()}  # blocks of which columns are left out
        self.blocks = list(work.blocks)
        self.made: dict[Any, Place] = {}
        # Indices that are there from the start were checked before everything else: steps can stay where they are.
        self.there: bool = self.indices.kind != "own" and not any(
            p.kind != "own" for s in work.steps for p in writes(s))

    def done(self) -> Work | None:
        if not self.found():
            return None
        steps, moved = self.work.steps, sorted({t for n in self.inside for t in self.users[n]} - {*self.picks})
        if not (self.there or self.may_wait(moved)):
            return None
        saved = sum(self.blocks[n].nbytes for n in self.inside) // self.item
        saved -= saved // self.columns * self.few
        gone = {*moved}
        out: list[Item] = []
        for t, step in enumerate(steps):
            for m in ([t] if self.there else moved if t == self.first else ()):
                if m in gone:
                    out += self.rewritten(m)
            if t in self.picks:
                out.append(self.copied(step, self.picks[t]))
            elif t not in gone:
                out.append(step)
            written = {space(p) for p in writes(step)}
            outside = any(kind != "own" for kind, _ in written)
            self.made = {key: made for key, made in self.made.items()
                         if space(key[0]) not in written and not (outside and key[0].kind != "own")}
        if saved - sum(b.nbytes for b in self.blocks[len(self.work.blocks):]) // self.item < LEAST:
            return None
        for n in self.inside:
            self.blocks[n] = self.blocks[n]._replace(nbytes=self.shorter(self.blocks[n].nbytes))
        return self.work._replace(steps=out, blocks=self.blocks)

    def found(self) -> bool:
        """Find all blocks that may be without the other columns; whether the sources are among them."""
        sources = set(self.inside)
        refused: set[int] = set()
        while True:
            reached = [*sources]
            self.inside = set(sources)
            while reached:
                for t in self.users[reached.pop()]:
                    for p in self.work.steps[t].places if t not in self.picks else ():
                        if p.kind == "own" and p.number not in self.inside | refused and self.may(p.number) and (
                                self.moves(t, p)):
                            self.inside.add(p.number)
                            reached.append(p.number)
            bad = {n for n in self.inside if not all(self.fits(t) for t in self.users[n])}
            if bad <= sources:
                return not bad
            refused |= bad - sources  # for a source may be bad for what else its steps use

    def may(self, number: int) -> bool:
        return number not in self.work.results and self.blocks[number].nbytes % (self.columns * self.item) == 0 and (
            any(p.number == number for t in self.users[number] for p in writes(self.work.steps[t]) if p.kind == "own"))

    def moves(self, t: int, place: Place) -> bool:
        """Whether a step goes along the columns of an operand."""
        found = self.loops(t)
        return found is not None and any(
            p is place and s[found.axis] == self.item for p, s in zip(self.work.steps[t].places, found.strides))

    def loops(self, t: int) -> _Loops | None:
        """The loops of a step, of which one has a turn for each column."""
        step = self.work.steps[t]
        if not isinstance(step, Step) or step.kind != rec.KERNEL or any(p.stride for p in step.places):
            return None
        kernel, product = kernel_of(step), products.product(step.a)
        if product is not None:
            if not product.by_nest or product.of is not self.of or len(step.places) != 3:
                return None
            _, _, sizes, strides = words_of(step)
            return _Loops(sizes, strides, 2, ()) if sizes[2] == self.columns else None
        if kernel is None or kernel.pattern[0] in "1@~?" or kernel.region.outputs != (self.of,) or (
                costs_much([v.cast(d) for v, d in zip(kernel.region.values, kernel.region.outputs)])) or any(
                n.op in ("index", "count") for n in walk(kernel.region.values)):
            return None
        kept, reduced, sizes, strides = words_of(step)
        if bool(reduced) != kernel.region.per_row[0]:
            return None
        for d in range(kept):
            if sizes[d] % self.columns == 0 and strides[0][d] == self.item:
                over = sizes[d] // self.columns
                if over > 1:
                    sizes = [*sizes[:d], over, self.columns, *sizes[d + 1:]]
                    strides = [[*s[:d], s[d] * self.columns, *s[d:]] for s in strides]
                    kept, d = kept + 1, d + 1
                return _Loops(sizes, strides, d, tuple(range(kept, kept + reduced)))
        return None

    def kinds(self, step: Step) -> tuple[dtype, ...]:
        kernel = kernel_of(step)
        return (self.of,) * len(step.places) if kernel is None else (*kernel.region.outputs, *kernel.region.inputs)

    def fits(self, t: int) -> bool:
        """Whether a step may leave columns out."""
        step, row = self.work.steps[t], self.columns * self.item
        if t in self.picks:
            return True
        if isinstance(step, Step) and step.kind == rec.ZEROED:
            return not (step.places[0].offset % row or step.b % row or step.places[0].stride)
        found = self.loops(t)
        if found is None:
            return False
        assert isinstance(step, Step)
        for k, (place, of, strides) in enumerate(zip(step.places, self.kinds(step), found.strides)):
            if strides[found.axis] and of is not self.of:
                return False
            if place.kind == "own" and place.number in self.inside:
                if strides[found.axis] != self.item or place.offset % row or any(
                        s % row for d, (n, s) in enumerate(zip(found.sizes, strides)) if d != found.axis and n > 1):
                    return False
            elif k == 0:
                return False
        return True

    def may_wait(self, moved: Sequence[int]) -> bool:
        """Whether steps may be done right before the first pick: nothing in between writes what they read."""
        steps, here = self.work.steps, {*moved}
        if moved and moved[-1] > self.first:
            return False
        waiting: set[Any] = set()
        for t, step in enumerate(steps[:max(self.picks)]):
            if t == self.first:
                waiting.add(space(self.indices))  # which has to be the same at the last pick
            if t in here:
                waiting |= {space(p) for p in reads(step)}
                continue
            written = {space(p) for p in writes(step)}
            if written & waiting or all(any(kind != "own" for kind, _ in spaces) for spaces in (written, waiting)):
                return False  # what is not own may overlap
        return True

    def shorter(self, nbytes: int) -> int:
        return nbytes // self.columns * self.few

    def rewritten(self, t: int) -> Iterator[Step]:
        """A step on the picked columns, after those that pick them."""
        step = self.work.steps[t]
        assert isinstance(step, Step)
        if step.kind == rec.ZEROED:
            (place,) = step.places
            yield step._replace(b=self.shorter(step.b), places=(place._replace(offset=self.shorter(place.offset)),))
            return
        found = self.loops(t)
        assert found is not None
        sizes, _, axis, reduced = found
        places, strides = [], []
        for place, by in zip(step.places, found.strides):
            if place.kind == "own" and place.number in self.inside:
                place = place._replace(offset=self.shorter(place.offset))
                by = [s if d == axis else self.shorter(s) if sizes[d] > 1 else 0 for d, s in enumerate(by)]
            elif by[axis]:
                picking, place, by = self.picking(place, sizes, by, axis, step)
                yield from picking
            places.append(place)
            strides.append(by)
        sizes = [self.few if d == axis else n for d, n in enumerate(sizes)]
        kernel = kernel_of(step)
        if kernel is None:
            nest = machine.keep_nest([3, 1, *sizes, *(s for by in strides for s in by)])
            yield step._replace(b=nest, places=tuple(places))
            return
        items = [of.itemsize for of in self.kinds(step)]
        built = loop_nests.build(sizes, strides, items, reduced, kernel.region.per_row[0])
        address = emitter.compile_region(kernel.region, built.pattern, kernel.accumulate)
        yield step._replace(a=address, b=machine.keep_nest(built.words.tolist()), places=tuple(places))

    def picking(self, place: Place, sizes: Sequence[int], strides: Sequence[int], axis: int, step: Step
                ) -> tuple[list[Step], Place, list[int]]:
        """The step that picks columns of an operand, unless it was done; what it makes, and how one goes through that.
        """
        loops = [d for d, (n, s) in enumerate(zip(sizes, strides)) if d != axis and s and n > 1]
        shape = [*(sizes[d] for d in loops), self.few]
        whole = {d: self.item * math.prod(shape[i + 1:]) for i, d in enumerate([*loops, axis])}
        by = [whole.get(d, 0) for d in range(len(sizes))]
        key = place, tuple(shape), tuple(strides[d] for d in [*loops, axis])
        if key in self.made:
            return [], self.made[key], by
        self.blocks.append(Block(0, math.prod(shape) * self.item))
        made = self.made[key] = Place("own", len(self.blocks) - 1, 0)
        nest = structural.walk_nest(
            tuple(shape), [[*whole.values()], [*(strides[d] for d in loops), 0], [*[0] * len(loops), _WORD]],
            [(strides[axis], self.columns)])
        return [Step(rec.KERNEL, structural.indexed(structural.READ, self.of), machine.keep_nest(nest.tolist()),
                     (made, place, self.indices), b"", step.lines)], made, by

    def copied(self, step: Item, pick: Pick) -> Step:
        """In the place of a pick: what it reads is what it would write."""
        assert isinstance(step, Step)
        x, elements = Sym.operand(0, self.of), pick.rows * self.few
        address = emitter.compile_region(emitter.Region((self.of,), (x,), (self.of,), (False,)), "cc", (False,))
        nest = machine.keep_nest([1, 0, elements, self.item, self.item])
        return Step(rec.KERNEL, address, nest, step.places[:2], b"", step.lines)
