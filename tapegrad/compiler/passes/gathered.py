"""Gathered elements: what is done with picked columns is done where they are picked.

`f(x)[:, which]` reads elements one by one, which takes longer than the arithmetic that follows, and writes them in rows
that are read once. Where nothing else reads these, and all that arithmetic ends in one array, it is one kernel, whose
operands are picked. Each element is computed as it was, from the same operands.
"""
from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from tapegrad.compiler.passes.cuts import Arithmetic, arithmetic, contiguous
from tapegrad.compiler.passes.picked import Pick, pick
from tapegrad.compiler.passes.weighted import along, changed
from tapegrad.compiler.passes.work import Work, between_loops, kernel_of, single, space, times_used
from tapegrad.compiler.superinstructions import CHUNK, MAX_STREAMS
from tapegrad.compiler.traced_program import Place, Step
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import structural
from tapegrad.machine.live import machine
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.symbols import Sym, substitute, walk

LEAST = 1 << 12  # elements that are computed: below, the kernel takes longer to compile than it ever saves
ROW = 64         # of a row
TOGETHER = 4     # rows that are computed side by side, at most
MOST = 48        # operations in such a kernel that has rows in registers, for it has them once for each register
COPIES = 1 << 16  # bytes of rows that it copies: they stay in the second-level cache, and fit on a thread's stack, as
PLACES = 4        # so many indices' places do

_WORD = 8  # bytes of an index


def gathered(work: Work) -> Work:
    """The same program, in which such arithmetic picks its operands."""
    if not any(pick(step, work.blocks) for step in single(work.steps)):
        return work
    uses = times_used(work.steps)
    return between_loops(work, lambda line: _Line(line, work, uses).done())


class _Operand(NamedTuple):
    """Where it is, its strides along three loops, and what it is to the kernel that picks element by element."""

    place: Place
    strides: tuple[int, int, int]
    kind: int


class _Index(NamedTuple):
    """Where it is, the bytes from one to the next, and the length of the axis that it counts along."""

    place: Place
    step: int
    length: int


class _Line:
    """Steps without a loop between them."""

    def __init__(self, line: Sequence[Step], work: Work, uses: Counter[int]) -> None:
        self.line, self.work, self.blocks = line, work, work.blocks
        self.users: dict[int, list[int]] = defaultdict(list)
        for t, step in enumerate(line):
            for n in {p.number for p in step.places if p.kind == "own"}:
                self.users[n].append(t)
        self.inside = {n for n, users in self.users.items() if uses[n] == len(users) and n not in work.results}

    def done(self) -> list[Step]:
        out: list[Step | None] = [*self.line]
        picks = {t: found for t, step in enumerate(self.line) for found in [pick(step, self.blocks)] if found}
        taken: set[int] = set()
        for t, found in picks.items():
            made = None if t in taken else self.together(t, found, picks)
            if made is not None and taken.isdisjoint(made[2]):  # else that arithmetic is another kernel's already
                last, step, gone = made
                for k in gone:
                    out[k] = None
                out[last] = step
                taken |= gone
        return [s for s in out if s is not None]

    def arithmetic(self, t: int, pick_: Pick) -> Arithmetic | None:
        """What a step goes over that is arithmetic in the dtype of what is picked."""
        kernel, found = kernel_of(self.line[t]), arithmetic(self.line[t], self.blocks)
        if found is None or kernel is None or any(d is not pick_.of for d in (found.of, *kernel.region.inputs)):
            return None
        return found

    def together(self, first: int, pick_: Pick, picks: dict[int, Pick]) -> tuple[int, Step, set[int]] | None:
        """The last step of the arithmetic on what is picked at `first`, what takes its place, and which steps go."""
        number = self.line[first].places[0].number
        if number not in self.inside or self.users[number][0] != first:
            return None
        steps, waiting = dict[int, Arithmetic](), self.users[number][1:]
        elements = 0
        while waiting:
            t = waiting.pop()
            found = self.arithmetic(t, pick_)
            if found is None or (elements and math.prod(found.sizes) != elements):
                return None
            elements, steps[t] = math.prod(found.sizes), found
            made = self.line[t].places[0].number
            users = self.users[made]
            if made in self.inside and users[0] == t and len(users) > 1 and all(
                    u in steps or self.arithmetic(u, pick_) is not None for u in users[1:]):
                waiting += [u for u in users[1:] if u not in steps]
        if not steps or elements < LEAST:
            return None
        *before, _ = sorted(steps)
        within = {self.line[t].places[0].number for t in before}
        if not all(n in self.inside and {*self.users[n]} <= {*steps} and self.begins(n) for n in within):
            return None
        loops = self.loops(steps, elements, pick_)
        return None if loops is None else self.one(first, pick_, picks, steps, loops)

    def begins(self, number: int) -> bool:
        """Whether a block is written before it is read: in the turn of a loop, it may be for the next turn."""
        _, *reads = self.line[self.users[number][0]].places
        return all(p.kind != "own" or p.number != number for p in reads)

    def loops(self, steps: dict[int, Arithmetic], elements: int, pick_: Pick) -> tuple[int, int, int] | None:
        """Three loops that all steps can be seen to go over, of which the last goes along rows of what is picked."""
        if elements % pick_.rows:
            return None
        row = elements // pick_.rows
        ends = {row, elements} | {math.prod(s.sizes[d:]) for s in steps.values() for d in range(len(s.sizes))} - {1}
        inner, *outer = sorted(ends)
        if inner != row or row < ROW or len(outer) > 2 or any(b % a for a, b in zip([row, *outer], outer)):
            return None
        if len(outer) == 2:
            return elements // outer[0], outer[0] // row, row
        few = next(n for n in range(TOGETHER, 0, -1) if elements // row % n == 0)
        return elements // row // few, few, row

    def one(self, first: int, pick_: Pick, picks: dict[int, Pick], steps: dict[int, Arithmetic],
            loops: tuple[int, int, int]) -> tuple[int, Step, set[int]] | None:
        last = max(steps)
        values: dict[int, Sym] = {}
        operands: list[_Operand] = []
        indices: list[_Index] = []
        known: dict[tuple[Place, tuple[int, ...]], Sym] = {}
        gone = {*steps}
        for t in sorted(steps):
            kernel = kernel_of(self.line[t])
            assert kernel is not None
            given: dict[int, Sym] = {}
            for k, (place, by) in enumerate(zip(self.line[t].places[1:], steps[t].strides[1:])):
                if place.kind == "own" and place.number in values:
                    if place.offset or by != steps[t].strides[0]:
                        return None
                    given[k] = values[place.number]
                    continue
                strides = along(steps[t].sizes, by, loops)
                if strides is None:
                    return None
                key = place, tuple(strides)
                if key not in known:
                    made = self.operand(place, strides, loops[2], steps, picks, pick_, indices, gone)
                    if made is None:
                        return None
                    operands.append(made)
                    known[key] = Sym.operand(len(operands) - 1, pick_.of)
                given[k] = known[key]
            (values[self.line[t].places[0].number],) = substitute([kernel.region.values[0].cast(pick_.of)], given)
        target = self.line[last].places[0]
        value = values[target.number]
        if any(space(p) == space(target) for p, *_ in operands):
            return None  # it may be read elsewhere than it is written
        if len([*walk([value])]) > CHUNK or len(operands) + len(indices) >= MAX_STREAMS or any(
                k not in gone and changed([self.line[k]], [p]) for t in gone for k in range(t + 1, last)
                for p in self.line[t].places[1:]):
            return None
        kernel_nest = self.abreast(value, loops, operands, indices) or self.side_by_side(
            value, loops, operands, indices)
        if kernel_nest is None:
            return None
        address, words = kernel_nest
        places = target, *(p for p, *_ in operands), *(p for p, *_ in indices)
        lines = tuple(dict.fromkeys(line for t in sorted(gone) for line in self.line[t].lines))
        return last, Step(rec.KERNEL, address, machine.keep_nest(words), places, b"", lines), gone

    def side_by_side(self, value: Sym, loops: tuple[int, int, int], operands: Sequence[_Operand],
                     indices: Sequence[_Index]) -> tuple[int, list[int]] | None:
        """The kernel that picks element by element, and its nest."""
        if any(o.kind == structural.STAGED and any(o.strides[:2]) for o in operands):
            return None
        together = loops[1] if loops[1] <= TOGETHER else 1
        of = value.dtype
        address = structural.gathered(structural.Gathering(
            of, value, tuple(o.kind for o in operands), together, tuple(i.length for i in indices)))
        return address, _nest(loops, contiguous(loops, of.itemsize), operands, indices)

    def abreast(self, value: Sym, loops: tuple[int, int, int], operands: Sequence[_Operand],
                indices: Sequence[_Index]) -> tuple[int, list[int]] | None:
        """The kernel that has rows in registers, and its nest; None where few of them fit, or copies do not pay."""
        of = value.dtype
        copies = [(o.place, o.strides, indices[o.kind].length) if o.kind >= 0 else None for o in operands]
        copied = sum(c[2] for c in {*copies} if c)
        if len([*walk([value])]) > MOST or len(indices) > PLACES or (
                3 * copied > 2 * loops[2] * sum(map(bool, copies))) or (
                copied * structural.rows_at_once(of) * of.itemsize > COPIES):
            return None
        found = _abreast(loops, operands, of)
        if found is None:
            return None
        over, (written, *strides) = found
        kinds = tuple(o.kind if o.kind >= 0 else structural.ALIKE if by[2] else structural.ROWS
                      for o, by in zip(operands, strides))
        address = structural.abreast(structural.Abreast(
            of, value, kinds, tuple(by[2] for by in strides), tuple(copies.index(c) if c else 0 for c in copies),
            tuple(i.step for i in indices), tuple(i.length for i in indices), structural.rows_computed(of, over[0])[1]))
        return address, _nest(over, written, [o._replace(strides=by) for o, by in zip(operands, strides)], indices)

    def operand(self, place: Place, strides: Sequence[int], columns: int, steps: dict[int, Arithmetic],
                picks: dict[int, Pick], pick_: Pick, indices: list[_Index], gone: set[int]) -> _Operand | None:
        """An operand of the whole: picked, where that is what its block holds and nobody else reads it."""
        item = pick_.of.itemsize
        outer, rows, inner = strides
        users = self.users[place.number] if place.kind == "own" else []
        found = picks.get(users[0]) if users and place.number in self.inside else None
        if found is not None and found.of is pick_.of and {*users[1:]} <= {*steps}:
            row = found.few * item
            step = self.line[users[0]]
            before, at = divmod(place.offset, row)
            if outer % row or rows % row or inner <= 0 or inner % item or at % item or (
                    at + (columns - 1) * inner >= row):
                return None
            gone.add(users[0])
            base = step.places[1]
            width = found.columns * item
            index = found.indices
            offset = at // item * _WORD
            index = index._replace(number=index.number + offset) if index.kind == "fixed" else index._replace(
                offset=index.offset + offset)
            key = _Index(index, inner // item * _WORD, found.columns)
            if key not in indices:
                indices.append(key)
            return _Operand(base._replace(offset=base.offset + before * width),
                            (outer // row * width, rows // row * width, 0), indices.index(key))
        kind = structural.ROWS if inner == 0 else structural.COLUMNS if inner == item else structural.STAGED
        return _Operand(place, (outer, rows, inner), kind)


def _abreast(loops: tuple[int, int, int], operands: Sequence[_Operand], of: dtype
             ) -> tuple[tuple[int, int, int], list[tuple[int, int, int]]] | None:
    """Loops of which the first goes along rows that are computed together, and the strides of what is written and of
    the operands: the two over rows in either order, or as one.

    None where operands that are not picked change with it from column to column, or too many rows would be computed
    twice.
    """
    a, b, row = loops
    x, y, z = contiguous(loops, of.itemsize)
    strides = [(x, y, z), *(o.strides for o in operands)]
    ways = [(loops, strides), ((b, a, row), [(y, x, z) for x, y, z in strides])]
    if 1 not in (a, b) and all(x == b * y for x, y, _ in strides):
        ways.append(((a * b, 1, row), [(y, 0, z) for _, y, z in strides]))
    ways = [way for way in ways if not any(o.kind < 0 and x and z for o, (x, _, z) in zip(operands, way[1][1:]))]
    computed = [structural.rows_computed(of, rows)[0] * times for (rows, times, _), _ in ways]
    if not ways or 2 * min(computed) > 3 * a * b:
        return None
    return ways[computed.index(min(computed))]


def _nest(loops: Sequence[int], written: Sequence[int], operands: Sequence[_Operand], indices: Sequence[_Index]
          ) -> list[int]:
    words = [3, 0, *loops, *written]
    for o in operands:
        words += o.strides
    for i in indices:
        words += [0, 0, i.step]
    return words
