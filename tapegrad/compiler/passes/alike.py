"""Rows that are alike: of a large array of equal rows one is computed, and one of equal numbers is not written at all.

A Jacobian's tangents have a lane for each number that it is by. What has no tangent of its own has zeros, which meet
values in products that are the same in all lanes: `elements` finds this number by number, where arrays are small. Here
arrays are followed as a whole: what is a constant all over is one where it is read, and what depends on no operand that
goes along its first axis is a row, which those who read it go through again and again. Nothing is left out that decides
a value: zero times infinity is NaN, in that row.
"""
from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from tapegrad import dtypes
from tapegrad.compiler.passes.cuts import arithmetic, words_of
from tapegrad.compiler.passes.dead import dead
from tapegrad.compiler.passes.work import Work, between_loops, kernel_of, times_used, writes
from tapegrad.compiler.superinstructions import constant_at
from tapegrad.compiler.traced_program import Block, Place, Step
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import calls_functions, emitter, loop_nests
from tapegrad.machine.live import machine
from tapegrad.ops.symbols import Sym, substitute, walk

LEAST = 1 << 16  # bytes of a block: of less, what is saved is not worth other kernels
ROW = 64         # elements of a row, at least: shorter ones take longer to go through again than all at once

_FLOATS = dtypes.float32, dtypes.float64


def alike(work: Work) -> Work:
    """The same program with such arrays as rows, or as numbers."""
    if all(b.nbytes < LEAST for b in work.blocks):
        return work
    uses, blocks = times_used(work.steps), list(work.blocks)
    made = between_loops(work, lambda line: _Line(line, uses, work.results, blocks).done())
    return work if made.steps == work.steps else dead(made._replace(blocks=blocks))


class _Line:
    """Steps without a loop between them."""

    def __init__(self, line: Sequence[Step], uses: Counter[int], results: set[int], blocks: list[Block]) -> None:
        self.line, self.blocks = [*line], blocks
        self.users: dict[int, list[int]] = defaultdict(list)
        for t, step in enumerate(line):
            for n in {p.number for p in step.places if p.kind == "own"}:
                self.users[n].append(t)
        self.inside = {n for n, users in self.users.items() if uses[n] == len(users) and n not in results}
        self.equal: dict[int, Any] = {}  # blocks of equal numbers, and these

    def done(self) -> list[Step]:
        for t in range(len(self.line)):
            step = self.line[t] = self.with_constants(self.line[t])
            value = self.constant(step)
            for place in writes(step):
                self.equal.pop(place.number if place.kind == "own" else -1, None)
            if value is not None:
                self.equal[step.places[0].number] = value
            else:
                self.shorten(t)
        return self.line

    # ---------------------------------------------------------------------------------------------- equal numbers

    def known(self, place: Place, of: dtype) -> Sym | None:
        """What an operand is, wherever it is read."""
        content = constant_at(place, {})
        if content is not None and len(content) == of.itemsize:
            return Sym.const(dtypes.number_in(content, of), of)
        found = self.equal.get(place.number) if place.kind == "own" and of in _FLOATS else None
        return None if found is None or found[1] not in (None, of) else Sym.const(found[0], of)

    def constant(self, step: Step) -> tuple[float, dtype | None] | None:
        """The number of which a step makes all of a large block, if it does, and its dtype; of zeros any."""
        if not step.places or step.places[0].kind != "own" or step.places[0].offset or step.places[0].stride:
            return None
        number = step.places[0].number
        nbytes = self.blocks[number].nbytes
        if nbytes < LEAST:
            return None
        if step.kind == rec.ZEROED:
            return (0.0, None) if step.b == nbytes else None
        kernel = kernel_of(step)
        if kernel is None or len(kernel.accumulate) != 1:
            return None
        adds, of = kernel.accumulate[0], kernel.region.outputs[0]
        plain = step if not adds else step._replace(a=emitter.compile_region(kernel.region, kernel.pattern, (False,)))
        if of not in _FLOATS or arithmetic(plain, self.blocks) is None:
            return None
        given = [self.known(p, d) for p, d in zip(step.places[1:], kernel.region.inputs)]
        before = self.known(step.places[0], of) if adds else None
        if any(x is None for x in given) or (adds and before is None):
            return None
        (value,) = substitute([kernel.region.values[0].cast(of)], {k: x for k, x in enumerate(given) if x is not None})
        if before is not None:
            both: Any = Sym("add", (Sym.operand(0, of), Sym.operand(1, of)), of, None)
            (value,) = substitute([both], {0: before, 1: value})
        return (value.value, of) if value.op == "const" else None

    def with_constants(self, step: Step) -> Step:
        """A step that reads blocks of equal numbers as one that knows them."""
        kernel = kernel_of(step)
        if kernel is None or set(kernel.pattern) - set("c0s") or any(kernel.region.per_row) or (
                len(kernel.region.outputs) != 1 or any(p.stride for p in step.places)):
            return step
        region = kernel.region
        found = {k: x for k, (p, d) in enumerate(zip(step.places[1:], region.inputs))
                 for x in [self.known(p, d) if p.kind == "own" and p.number in self.equal else None] if x is not None}
        if not found or calls_functions([region.values[0].cast(region.outputs[0])]):
            return step
        left = [k for k in range(len(region.inputs)) if k not in found]
        operands = {**found, **{k: Sym.operand(n, region.inputs[k]) for n, k in enumerate(left)}}
        values = tuple(substitute(region.values, operands))
        _, _, sizes, strides = words_of(step)
        return self.built(step, region._replace(inputs=tuple(region.inputs[k] for k in left), values=values),
                          [0, *(k + 1 for k in left)], sizes, strides)

    def built(self, step: Step, region: emitter.Region, kept: Sequence[int], sizes: Sequence[int],
              strides: Sequence[Sequence[int]]) -> Step:
        """The step with this region, over these loops, with some of its places."""
        kernel = kernel_of(step)
        assert kernel is not None
        items = [d.itemsize for d in (*region.outputs, *region.inputs)]
        nest = loop_nests.build(sizes, [strides[k] for k in kept], items)
        address = emitter.compile_region(region, nest.pattern, kernel.accumulate)
        return step._replace(a=address, b=machine.keep_nest(nest.words.tolist()),
                             places=tuple(step.places[k] for k in kept))

    # -------------------------------------------------------------------------------------------------- equal rows

    def shorten(self, t: int) -> None:
        """Compute a row alone of what a step writes, where its rows are alike, and those who read it can go by that."""
        step = self.line[t]
        found = arithmetic(step, self.blocks)
        if found is None or self.blocks[step.places[0].number].nbytes < LEAST:
            return
        number, axes = step.places[0].number, 0
        while axes < len(found.sizes) and not any(s[axes] for s in found.strides[1:]):
            axes += 1
        row = math.prod(found.sizes[axes:]) * found.of.itemsize
        users = self.users[number]
        if not axes or row < ROW * found.of.itemsize or number not in self.inside or users[0] != t or any(
                p.kind == "own" and p.number == number for p in step.places[1:]):
            return
        readers = {u: self.again(self.line[u], number, row) for u in users[1:]}
        if any(made is None for made in readers.values()):
            return
        kernel = kernel_of(step)
        assert kernel is not None
        self.blocks[number] = self.blocks[number]._replace(nbytes=row)
        self.line[t] = self.built(step, kernel.region, range(len(step.places)), found.sizes[axes:],
                                  [s[axes:] for s in found.strides])
        for u, made in readers.items():
            assert made is not None
            self.line[u] = made

    def again(self, step: Step, number: int, row: int) -> Step | None:
        """A step that goes through one row of a block wherever it went through all of them."""
        kernel = kernel_of(step)
        if kernel is None or set(kernel.pattern) - set("c0s") or any(kernel.region.per_row) or (
                len(kernel.region.outputs) != 1 or any(p.stride for p in step.places)) or (
                (step.places[0].kind, step.places[0].number) == ("own", number)) or (
                calls_functions([kernel.region.values[0].cast(kernel.region.outputs[0])])) or any(
                n.op in ("index", "count") for n in walk(kernel.region.values)):
            return None
        _, _, sizes, strides = words_of(step)
        places = list(step.places)
        for k, place in enumerate(places):
            if place.kind != "own" or place.number != number:
                continue
            d = 0
            while d < len(sizes):  # a loop that leaves a row is one of rows, or of rows and what is in one
                n, s = sizes[d], strides[k][d]
                if n > 1 and s > 0 and s < row and (n - 1) * s >= row:
                    if row % s or n * s % row:
                        return None
                    inner = row // s
                    sizes[d:d + 1] = [n // inner, inner]
                    for by in strides:
                        by[d:d + 1] = [by[d] * inner, by[d]]
                d += 1
            if any(s < 0 for s in strides[k]):
                return None
            strides[k] = [0 if s % row == 0 else s for s in strides[k]]
            places[k] = place._replace(offset=place.offset % row)
            if places[k].offset + sum((n - 1) * s for n, s in zip(sizes, strides[k])) >= row:
                return None
        made = self.built(step, kernel.region, range(len(places)), sizes, strides)
        return made._replace(places=tuple(places))
