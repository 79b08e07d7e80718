"""Scattered rows: of a matrix that is zeros but for one element a row, only those elements are computed with.

It is the gradient of `min(dim)`, `max(dim)`, and of all else that takes one element of each row. What the backward does
with it is mostly zeros as well: a function that leaves zeros alone is that of the elements, a sum over the rows adds
each element where its index says, and a product adds rows of the other matrix there, as many multiplications as one of
its columns takes. Products with what is skipped are zeros, or NaN where the other matrix is not finite: zero times all
of its rows is what the others are added to, so that none of those gets lost.

Sums are of doubles, which need no wider ones. A matrix that is read by anything else stays as it is.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes
from tapegrad.compiler.passes.cuts import words_of
from tapegrad.compiler.passes.work import Work, between_loops, is_simple, kernel_of, space, times_used, writes
from tapegrad.compiler.traced_program import Block, Place, Step
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter, loop_nests, products, structural
from tapegrad.machine.live import machine
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.scalar import row
from tapegrad.ops.symbols import Sym, substitute

LEAST = 1 << 12  # elements of a matrix from which this is worth its calls
WIDTH = 8        # and of a row

_OF = dtypes.float64
_X: Any = Sym.operand(0, _OF)
_Y: Any = Sym.operand(1, _OF)


class _Scattered(NamedTuple):
    """A matrix with an element a row: the elements and their indices, one after the other; where that puts them."""

    elements: Place
    indices: Place
    rows: int
    size: int
    across: int  # bytes from row to row
    far: int     # bytes by one index


def scattered(work: Work) -> Work:
    """The same program without such matrices, where nobody reads more of one than its elements."""
    uses, blocks = times_used(work.steps), list(work.blocks)
    steps = between_loops(work, lambda line: _Line(line, uses, work.results, blocks).steps).steps
    return work._replace(steps=steps, blocks=blocks)


class _Line:
    """A straight line of steps. What computes new values does so in new `blocks`."""

    def __init__(self, steps: Sequence[Step], uses: Counter[int], results: set[int], blocks: list[Block]) -> None:
        self.uses, self.results, self.blocks = uses, results, blocks
        self.steps = list(steps)
        zeroed: dict[int, int] = {}
        t = 0
        while t < len(self.steps):
            step = self.steps[t]
            zeros = zeroed.pop(step.places[0].number, None) if step.places else None
            found = None if zeros is None else _elements(step, blocks)
            for place in step.places:
                zeroed.pop(place.number, None)
            if step.kind == rec.ZEROED and step.places[0].kind == "own" and (
                    step.places[0].offset == 0 and step.b == blocks[step.places[0].number].nbytes):
                zeroed[step.places[0].number] = t
            if found is not None and zeros is not None:
                before = len(blocks)
                rewritten = self.rewritten(t, step.places[0].number, found)
                if rewritten is None:
                    del blocks[before:]
                else:
                    self.steps = [*self.steps[:zeros], *self.steps[zeros + 1:t], *rewritten]
                    t -= 2
            t += 1

    def rewritten(self, t: int, number: int, found: _Scattered) -> list[Step] | None:
        """The steps after number t without the matrix that is written there, and without those that are made of it."""
        matrices, seen = {number: found}, Counter({number: 2})
        read = {space(found.elements), space(found.indices)}
        out: list[Step] = []
        for step in self.steps[t + 1:]:
            here = {p.number for p in step.places if p.kind == "own"} & matrices.keys()
            seen.update(here)
            if not here:
                if any(space(p) in read for p in writes(step)) and any(seen[n] < self.uses[n] for n in matrices):
                    return None
                out.append(step)
                continue
            if len(here) > 1 or [p.number for p in step.places if p.kind == "own"].count(*here) > 1:
                return None
            (matrix,), known = here, len(matrices)
            new = self.mapped(step, matrices) or self.summed(step, matrices[matrix]) or (
                self.multiplied(step, matrices[matrix], matrix))
            if new is None:
                return None
            if len(matrices) > known:
                seen[step.places[0].number] += 1
            out += new
        kept = [n for n in matrices if n in self.results or seen[n] != self.uses[n]]
        return None if kept else out

    def own(self, count: int) -> Place:
        self.blocks.append(Block(0, count * _OF.itemsize))
        return Place("own", len(self.blocks) - 1, 0)

    def mapped(self, step: Step, matrices: dict[int, _Scattered]) -> list[Step] | None:
        """A function of each element, as one of those that are no zeros."""
        kernel = kernel_of(step)
        if kernel is None or kernel.pattern != "cc" or not is_simple(step) or kernel.region.outputs != (_OF,) or (
                kernel.region.inputs != (_OF,) or any(kernel.region.per_row)):
            return None
        target, source = step.places
        matrix = matrices[source.number]
        if machine.memory(step.b, "i8", 3).tolist() != [1, 0, matrix.rows * matrix.size] or source.offset or (
                self.blocks[target.number].nbytes != self.blocks[source.number].nbytes):
            return None
        (of_zero,) = substitute(kernel.region.values, {0: Sym.const(0.0, _OF)})
        if of_zero.op != "const" or of_zero.value != 0:
            return None
        elements = self.own(matrix.rows)
        matrices[target.number] = matrix._replace(elements=elements)
        nest = machine.keep_nest([1, 0, matrix.rows, _OF.itemsize, _OF.itemsize])
        return [step._replace(b=nest, places=(elements, matrix.elements))]

    def summed(self, step: Step, matrix: _Scattered) -> list[Step] | None:
        """A sum over the rows, as an addition of each element where it belongs."""
        kernel = kernel_of(step)
        if kernel is None or kernel.region.values[0] is not row.sum(_X, ()) or kernel.region.outputs != (_OF,):
            return None
        kept, reduced, sizes, (own, source) = words_of(step)
        if (kept, reduced) != (1, 1) or sizes != [matrix.size, matrix.rows] or own[0] != _OF.itemsize or (
                source != [matrix.far, matrix.across] or step.places[1].offset):
            return None
        target, nbytes = step.places[0], matrix.size * _OF.itemsize
        start = [] if kernel.accumulate[0] else [Step(rec.ZEROED, 0, nbytes, (target,), b"")]
        nest = structural.walk_nest((matrix.rows,), [[0], [_OF.itemsize], [8]], [(_OF.itemsize, matrix.size)])
        return [*start, self.added(target, matrix.elements, matrix, nest, step)]

    def multiplied(self, step: Step, matrix: _Scattered, number: int) -> list[Step] | None:
        """A product over the rows, as an addition of the other matrix' rows, each times an element."""
        product = products.product(step.a) if step.kind == rec.KERNEL else None
        if product is None or not product.by_nest or product.of is not _OF:
            return None
        _, _, (batches, m, n, k), strides = words_of(step)
        target, *factors = step.places
        if batches != 1 or k != matrix.rows or (target.kind, target.number) == ("own", number):
            return None
        for which, (size, length, axis, other) in enumerate(((m, n, 1, 2), (n, m, 2, 1))):
            mine, theirs = strides[1 + which], strides[2 - which]
            if factors[which].kind != "own" or factors[which].number != number or factors[which].offset or (
                    size != matrix.size or (mine[axis], mine[3]) != (matrix.far, matrix.across)):
                continue
            terms, none = self.own(k * length), self.own(length)
            item, place = _OF.itemsize, factors[1 - which]
            far, apart = strides[0][axis], strides[0][other]
            nest = structural.walk_nest((k, length), [[0, apart], [length * item, item], [8, 0]], [(far, size)])
            return [
                _kernel((k, length), [[length * item, item], [item, 0], [theirs[3], theirs[other]]], _X * _Y,
                        (terms, matrix.elements, place), step),
                _kernel((length, k), [[item, 0], [theirs[other], theirs[3]]], row.sum(_X * 0, ()), (none, place), step,
                        (1,)),
                _kernel((size, length), [[far, apart], [0, item]], _X, (target, none), step, (), product.adds),
                self.added(target, terms, matrix, nest, step),
            ]
        return None

    def added(self, target: Place, terms: Place, matrix: _Scattered, nest: np.ndarray, step: Step) -> Step:
        words = machine.keep_nest(nest.tolist())
        return Step(rec.KERNEL, structural.indexed("add", _OF), words, (target, terms, matrix.indices), b"", step.lines)


def _elements(step: Step, blocks: Sequence[Block]) -> _Scattered | None:
    """What a step adds to zeros, if that is one element a row of a matrix which is all there is of the block."""
    if step.kind != rec.KERNEL or not structural.is_indexed(step.a, "add", _OF) or len(step.places) != 3 or (
            any(p.stride for p in step.places)):
        return None
    words = machine.memory(step.b, "i8", 13).tolist()
    target, elements, index = step.places
    if words[:3] != [1, 2, 0] or words[4] != 1 or target.offset or elements.kind != "own" or index.kind != "own":
        return None
    rows, (across, value, along), (far, size) = words[3], words[5:11:2], words[11:]
    item = _OF.itemsize
    if (value, along) != (item, 8) or (across, far) not in ((size * item, item), (item, rows * item)) or (
            rows * size * item != blocks[target.number].nbytes or size < WIDTH or rows * size < LEAST):
        return None
    return _Scattered(elements, index, rows, size, across, far)


def _kernel(shape: Sequence[int], strides: Sequence[Sequence[int]], value: Sym, places: tuple[Place, ...], like: Step,
            reduced: Sequence[int] = (), adds: bool = False) -> Step:
    nest = loop_nests.build(shape, strides, [_OF.itemsize] * len(places), reduced, bool(reduced))
    region = emitter.Region((_OF,) * (len(places) - 1), (value,), (_OF,), (bool(reduced),))
    address = emitter.compile_region(region, nest.pattern, (adds,))
    return Step(rec.KERNEL, address, machine.keep_nest(nest.words.tolist()), places, b"", like.lines)
