"""Nests: steps over the same loops, several of them, become one kernel, whatever their operands are broadcast along.

`fusion` goes through one contiguous loop. Here the loops of a step are split where another's end, so that a step over
250,000 elements, one over 25 × 1,000 × 10 and the sums of 25,000 rows of 10 go over the same: what one writes is a
value for the next, as there. What is the same along a row is computed once a row; what is reduced along a row, or down
a column, ends a pass over it, after which the elements are computed again: they lie in the first-level cache.

A step that meets another in memory otherwise than element by element stays apart; one that is in nobody's way is done
before, or waits. Functions are not computed row by row, nor beside sums: they would have other last bits.

An innermost loop of a few elements is written out, for a row of ten costs more to begin and to end than to go through.
"""
from __future__ import annotations

import copy
import functools
import math
from collections import deque
from collections.abc import Callable, Sequence

from tapegrad import dtypes
from tapegrad.compiler.passes.blocks import CACHE, fits
from tapegrad.compiler.passes.cuts import Space
from tapegrad.compiler.passes.nest_loops import Access, access_of, loops_of_both, strides_over
from tapegrad.compiler.passes.work import Work, space, times_used
from tapegrad.compiler.superinstructions import CHUNK, MAX_REDUCED, MAX_STREAMS, constant_at, constant_blocks
from tapegrad.compiler.traced_program import (
    Group,
    Item,
    Loop,
    Place,
    Step,
    lines_of,
    may_break_off,
    reads,
    writes,
)
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import calls_functions, costs_much, emitter, loop_nests
from tapegrad.machine.live import machine
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.scalar import scalar
from tapegrad.ops.symbols import Sym, compacted, rewrite, substitute, walk

LEAST = 512         # elements: of fewer, a kernel takes longer to compile than it ever saves
LONGEST = 4096      # elements of a row that is gone through again: it stays in the first-level cache, or the second
SHORT = 64          # elements of an innermost loop that may be written out
WRITTEN_OUT = 1024  # elements times nodes of a kernel that is: more takes too long to compile
MAKERS = 4          # steps that compute operands of one that joins a run, and join it with that
FAR = 32            # steps without one that joins a run, after which no more are looked for
SELDOM = 8          # turns of a loop around rows: of fewer, another is there
VECTORS = 8         # elements of whole vectors: the rest is done one by one where functions are called


def nests(work: Work) -> Work:
    """The same program with runs of steps over the same loops as single kernels."""
    constants = constant_blocks(work.steps, work.results)
    uses = times_used(work.steps)
    out: list[Item] = []
    line: list[Step] = []

    def nested(steps: Sequence[Step], units: int = 0) -> list[Step]:
        here = times_used(steps)
        kept = work.results | {n for n, times in here.items() if times != uses[n]}
        return _Line(steps, kept, constants, units).nested()

    for item in work.steps:
        if isinstance(item, Step):
            line.append(item)
            continue
        out += nested(line)
        line = []
        if isinstance(item, Group) and not any(isinstance(s, Loop) for s in item.steps):
            steps = [s for s in item.steps if isinstance(s, Step)]
            group = item._replace(steps=tuple(nested(steps, item.units)))
            item = group if fits(group) else item
        out.append(item)
    return work._replace(steps=out + nested(line))


class _Shape(NamedTuple):
    """What a step computes, and the loops it goes over in the order of memory, with each operand's strides.

    `reduced` is how many elements are inside of the loop that it reduces, and how often that turns.
    """

    region: emitter.Region
    accumulates: bool
    sizes: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]
    reduced: tuple[int, int] | None
    calls: bool  # functions
    costly: bool  # functions, or as many instructions
    rounds: bool  # the order in which it reduces shows in the last digits


def _shape_of(step: Step) -> _Shape | None:
    if step.kind != rec.KERNEL or any(p.stride for p in step.places):
        return None
    return _shape(step.a, step.b)


def _is_several(step: Step) -> bool:
    """Whether a step is a kernel call over several loops, and enough elements to be worth a kernel; quickly told."""
    return step.kind == rec.KERNEL and _goes_over_several(step.a, step.b)


@functools.lru_cache(maxsize=1 << 12)
def _goes_over_several(address: int, nest: int) -> bool:
    kernel = emitter.kernels.get(address)
    if kernel is None or set(kernel.pattern.lstrip("|")) - set("c0"):
        return False
    kept, reduced = map(int, machine.memory(nest, "i8", 2))
    return kept + reduced > 1 and math.prod(machine.memory(nest, "i8", 2 + kept + reduced).tolist()[2:]) >= LEAST


@functools.lru_cache(maxsize=1 << 12)
def _shape(address: int, nest: int) -> _Shape | None:
    kernel = emitter.kernels.get(address)
    if kernel is None or len(kernel.region.outputs) != 1 or set(kernel.pattern.lstrip("|")) - set("c0"):
        return None
    region, pattern, (accumulates,) = kernel
    operands = {k: Sym.operand(k, of) for k, of in enumerate(region.inputs)}
    region = region._replace(values=tuple(substitute(region.values, operands)))
    nodes = list(walk(region.values))
    reductions = [n for n in nodes if n.op == "reduce"]
    kept, reduced = map(int, machine.memory(nest, "i8", 2))
    loops, count = kept + reduced, 1 + len(region.inputs)
    words = machine.memory(nest, "i8", 2 + loops * (1 + count)).tolist()
    sizes = words[2:2 + loops]
    strides = [words[2 + loops * (j + 1):2 + loops * (j + 2)] for j in range(count)]
    if math.prod(sizes) < 1 or any(n.op == "index" for n in nodes):
        return None
    results = [region.values[0].cast(region.outputs[0])]
    calls, costly = calls_functions(results), costs_much(results)
    if not reductions:
        if reduced or region.per_row[0] or pattern[0] != "c" or any(
                n.op == "count" for n in nodes) or any(n > 1 and not s for n, s in zip(sizes, strides[0])):
            return None
        return _Shape(region, accumulates, tuple(sizes), tuple(map(tuple, strides)), None, calls, costly, False)
    if len(reductions) > 1 or reduced != 1 or not kept or not region.per_row[0] or calls or any(
            n > 1 and not s for n, s in zip(sizes[:kept], strides[0])):
        return None
    (reduction,), turns = reductions, sizes[-1]
    order = list(range(loops))
    if pattern[0] == "|":
        whole = next((s for s in strides[1:] if all(s)), None)
        if whole is None or reduction.value.startswith("arg"):
            return None
        order.sort(key=lambda d: -abs(whole[d]))
        if order[-1] == kept:
            return None
    inside = math.prod(sizes[d] for d in order[order.index(kept) + 1:])
    region = region._replace(values=tuple(rewrite(
        region.values, lambda n: Sym.const(turns, n.dtype) if n.op == "count" else None)))
    rounds = reduction.value in ("sum", "prod") and reduction.dtype.category == 2
    return _Shape(region, accumulates, tuple([sizes[d] for d in order]),
                  tuple([tuple([s[d] for d in order]) for s in strides]), (inside, turns), False, costly, rounds)


def _beside(shape: _Shape, inside: int, turns: int) -> _Shape | None:
    """The shape of a step that does the same in all turns of another loop, with so many elements inside of it."""
    sizes, strides, within, at = list(shape.sizes), [list(s) for s in shape.strides], 1, len(shape.sizes)
    while at and within < inside:
        at -= 1
        within *= sizes[at]
    if within % inside:
        return None
    if within > inside:  # in the midst of a loop: it becomes two
        inner = sizes[at] // (within // inside)
        if sizes[at] % inner:
            return None
        sizes[at:at + 1] = [sizes[at] // inner, inner]
        for s in strides:
            s[at:at + 1] = [s[at] * inner, s[at]]
        at += 1
    sizes.insert(at, turns)
    for s in strides:
        s.insert(at, 0)
    return shape._replace(sizes=tuple(sizes), strides=tuple(map(tuple, strides)))


def _accesses(step: Step, shape: _Shape) -> list[Access]:
    kinds = (shape.region.outputs[0], *shape.region.inputs)
    return [access_of(p, of, shape.sizes, s) for p, of, s in zip(step.places, kinds, shape.strides)]


class _Run:
    """Steps that become one kernel. `lives` says of a place whether others read what is written there."""

    def __init__(self, constants: dict[int, bytes], units: int, lives: Callable[[Space, _Run], bool]) -> None:
        self.constants, self.units, self.lives = constants, units, lives
        self.numbers: list[int] = []
        self.steps: list[tuple[Step, _Shape, bool]] = []  # whether what it writes is the same along the row
        self.sizes: list[int] = []
        self.row: tuple[int, int] | None = None  # the loop that is reduced, as in a shape
        self.seen: dict[Access, bool] = {}  # whether it is written
        self.given: set[Access] = set()  # what is read before, or always the same
        self.spaces: dict[Space, bool] = {}

    def takes(self, number: int, step: Step, shape: _Shape) -> bool:
        """Take a step in, if it goes over the same loops and meets no other in memory but at the same elements."""
        found = self._joined(step, shape)
        if found is None:
            return False
        steps, sizes, row = found
        again = row != self.row and bool(self.steps)  # a loop was put into those that were here
        accesses = [_accesses(*steps[-1][:2])] if not again else [_accesses(t, s) for t, s, _ in steps]
        seen, given = ({}, set()) if again else (dict(self.seen), set(self.given))
        new: set[Access] = set()
        for used, (_, of, _) in zip(accesses, steps if again else steps[-1:]):
            given.update(a for a in (used if of.accumulates else used[1:]) if a not in seen)
            for j, access in enumerate(used):
                if not seen.get(access, False) and (j == 0 or access not in seen):
                    seen[access] = j == 0
                    new.add(access)
        for a in new:
            if any(a.space == m.space and a != m and (seen[a] or seen[m]) and a.overlaps(m) for m in seen):
                return False
        before = self.numbers, self.sizes
        self.numbers, self.sizes = [*self.numbers, number], sizes
        if not self.has_room(len(seen)) and not self.has_room(sum(self._is_stream(a, a in given) for a in seen)):
            self.numbers, self.sizes = before
            return False
        self.steps, self.row, self.seen, self.given = steps, row, seen, given
        self.spaces = {**dict.fromkeys(map(space, step.places), False), **self.spaces, space(step.places[0]): True}
        return True

    def _is_stream(self, access: Access, given: bool) -> bool:
        """Whether the kernel goes through a piece of memory: what only passes from step to step is in a register."""
        kind, number = access.space
        if given:
            return kind != "own" or len(self.constants.get(number, b"")) != access.of.itemsize
        return self.lives(access.space, self)

    def has_room(self, streams: int) -> bool:
        """Whether a kernel may go through so many pieces of memory."""
        return streams <= MAX_STREAMS and 2 + len(self.sizes) * (1 + streams) <= rec.CUT_NEST_WORDS

    def _joined(self, step: Step, shape: _Shape
                ) -> tuple[list[tuple[Step, _Shape, bool]], list[int], tuple[int, int] | None] | None:
        steps, sizes, row = self.steps, self.sizes, self.row
        total, own = math.prod(sizes), math.prod(shape.sizes)
        by_row = shape.reduced is not None
        if not steps:
            sizes, row = [n for n in shape.sizes if n > 1], shape.reduced
        elif own != total and not self._meets(step, shape):
            return None
        elif own == total:
            if row is not None and shape.reduced not in (None, row):
                return None
            row = row or shape.reduced
        elif row is not None and own * row[1] == total:
            wider = None if shape.calls or shape.reduced else _beside(shape, *row)
            if wider is None:
                return None
            shape, by_row = wider, True
        elif row is None and own % total == 0 and shape.reduced in (None, (1, own // total)):
            row = 1, own // total
            if any(s.calls for _, s, _ in steps):
                return None
            wider_steps = [(t, _beside(s, *row), True) for t, s, _ in steps]
            steps = [(t, s, r) for t, s, r in wider_steps if s is not None]
            sizes = [*sizes, row[1]]
        else:
            return None
        refined = loops_of_both(sizes, shape.sizes)
        if refined is None or len(steps) >= CHUNK // 4:
            return None
        steps = [*steps, (step, shape, by_row)]
        return (steps, refined, row) if self._allowed(steps, refined, row) else None

    def _meets(self, step: Step, shape: _Shape) -> bool:
        """Whether a step uses more than single numbers of what is used here.

        Loops are not split for those that have but a rate in common: 2,304 elements of one parameter would be 768 rows
        of 3 beside the 768 of another, at 12 times the time.
        """
        used, here = ([a for a in some if any(s for _, s in a.loops)] for some in (_accesses(step, shape), self.seen))
        return any(a.overlaps(b) for a in used for b in here)

    def _allowed(self, steps: Sequence[tuple[Step, _Shape, bool]], sizes: list[int], row: tuple[int, int] | None
                 ) -> bool:
        inner = sizes[-1] if sizes else 1
        if row is not None:
            ends = [math.prod(sizes[d + 1:]) for d in range(len(sizes))]
            if row[0] not in ends or sizes[ends.index(row[0])] != row[1] or row[1] > LONGEST:
                return False
            if self.units and ends.index(row[0]) == 0:
                return False
        if self.units and sizes[0] % self.units:
            return False
        reductions = [s for _, s, _ in steps if s.reduced]
        if len(reductions) > MAX_REDUCED:
            return False
        if any(s.calls for _, s, _ in steps) and any(s.rounds for s in reductions):
            return False  # sums beside functions are made of other vectors
        # A function takes as long for few elements as for many: in rows of 3 doubles exp took 2.7 times as long.
        return all(inner in (s.sizes[-1], s.sizes[-1] // VECTORS * VECTORS) or inner % VECTORS == 0 or inner >= SHORT
                   for _, s, _ in steps if s.costly)

    @property
    def is_nest(self) -> bool:
        """Whether this is more than `fusion` does."""
        return any(len(s.sizes) > 1 for _, s, _ in self.steps)

    def shorter(self) -> Step:
        """Give the last step back."""
        (step, _, _), self.steps = self.steps[-1], self.steps[:-1]
        self.numbers.pop()
        return step

    def kernel(self, alive: Sequence[bool]) -> Step | None:
        """The steps as one, which stores what those that are `alive` write; None where that is no kernel to have."""
        values: dict[Access, Sym] = {}
        inputs: dict[Access, tuple[Place, Sym]] = {}
        outputs: dict[Access, tuple[Place, Sym, bool, bool]] = {}

        def read(access: Access, place: Place) -> Sym:
            if access in values:
                return values[access]
            if access not in inputs:
                content = constant_at(place, self.constants)
                if content is not None and len(content) == access.of.itemsize:
                    return Sym.const(dtypes.number_in(content, access.of), access.of)
                inputs[access] = place, Sym.operand(len(inputs), access.of)
            return inputs[access][1]

        for (step, shape, by_row), lives in zip(self.steps, alive):
            accesses = _accesses(step, shape)
            operands = [read(a, p) for a, p in zip(accesses[1:], step.places[1:])]
            (value,) = substitute(shape.region.values, dict(enumerate(operands)))
            target, of = accesses[0], shape.region.outputs[0]
            value = value.cast(of)
            if shape.accumulates:
                value = scalar.add(read(target, step.places[0]), value).cast(of)
            values[target] = value
            outputs[target] = step.places[0], value, by_row, lives
        kept = [(a, p, v, r) for a, (p, v, r, lives) in outputs.items() if lives]
        if not kept:
            kept = [(a, p, v, r) for a, (p, v, r, _) in list(outputs.items())[-1:]]
        used, compact = compacted([v for _, _, v, _ in kept])
        given = list(inputs.items())
        chosen = [*((a, p) for a, p, _, _ in kept), *((given[u][0], given[u][1][0]) for u in used)]
        if not self.has_room(len(chosen)):
            return None
        per_row = tuple([r for _, _, _, r in kept])
        reduces = any(per_row) or any(n.op == "reduce" for n in walk(compact))
        region = emitter.Region(tuple([given[u][0].of for u in used]), tuple(compact),
                                tuple([a.of for a, _, _, _ in kept]), per_row)
        ends = [math.prod(self.sizes[d + 1:]) for d in range(len(self.sizes))]
        reduced = [ends.index(self.row[0])] if reduces and self.row is not None else []
        columns = bool(reduced) and reduced[0] < len(self.sizes) - 1
        if columns and any(n.op == "reduce" for n in walk([v for v, r in zip(compact, per_row) if not r])):
            return None  # that would take another pass, over what no cache holds
        nest = loop_nests.build(self.sizes, [strides_over(a.loops, self.sizes) for a, _ in chosen],
                                [a.of.itemsize for a, _ in chosen], reduced, reduces)
        letters = nest.pattern.lstrip("|")
        if set(letters) - set("c0") or (nest.pattern[0] == "|") != columns or any(
                c != "c" for c, r in zip(letters, per_row) if columns or not r):
            return None
        pattern = nest.pattern
        if not costs_much([v.cast(of) for v, of in zip(region.values, region.outputs)]):
            loops = int(nest.words[0] + nest.words[1])
            inner = int(nest.words[1 + (int(nest.words[0]) if columns else loops)])
            if loops > 1 and inner <= SHORT and inner * len(list(walk(compact))) <= WRITTEN_OUT:
                pattern = f"{pattern}#{inner}"
        words = nest.words.tolist()
        size = math.prod(self.sizes) * sum(a.of.itemsize for a, _ in chosen)
        if not columns and (self.units or size <= CACHE):
            words = _turned(words, words[0] - int(not reduces))
        address = emitter.compile_region(region, pattern, (False,) * len(kept))
        return Step(rec.KERNEL, address, machine.keep_nest(words), tuple([p for _, p in chosen]), b"",
                    lines_of([s for s, _, _ in self.steps]))


def _turned(words: list[int], around: int) -> list[int]:
    """The nest with its longest loop innermost of those `around` rows, or vectors, where that one turns but seldom.

    The odometer, which goes on when it ends, takes as long as two rows of 5 doubles: a mixture of 3 Gaussians took 1.4
    times as long. It is for what lies in a cache, whichever way one goes through it.
    """
    sizes = words[2:2 + around]
    if around < 2 or sizes[-1] >= SELDOM or max(sizes) < 4 * sizes[-1]:
        return words
    longest, loops = sizes.index(max(sizes)), words[0] + words[1]
    order = [*(d for d in range(around) if d != longest), longest, *range(around, loops)]
    return [*words[:2], *(words[start + d] for start in range(2, len(words), loops) for d in order)]


class _Line:
    """A straight line of steps. `kept` are the blocks that others read too."""

    def __init__(self, steps: Sequence[Step], kept: set[int], constants: dict[int, bytes], units: int) -> None:
        self.kept, self.constants, self.units = kept, constants, units
        self.steps = steps
        self.reading: list[set[Space]] = []  # by the number of a step, what that may read, and write
        self.writing: list[set[Space]] = []
        self.readers: dict[int, list[int]] = {}
        self.done: set[int] = set()

    def nested(self) -> list[Step]:
        if not any(map(_is_several, self.steps)):
            return [*self.steps]
        for number, step in enumerate(self.steps):
            self.reading.append({space(p) for p in reads(step)})
            self.writing.append({space(p) for p in writes(step)})
            for kind, block in self.reading[-1]:
                if kind == "own":
                    self.readers.setdefault(block, []).append(number)
        return self._nested(deque(enumerate(self.steps)))

    def _nested(self, rest: deque[tuple[int, Step]]) -> list[Step]:
        out: list[Step] = []
        while rest:
            number, step = rest.popleft()
            shape = _shape_of(step)
            run = _Run(self.constants, self.units, self._lives)
            if shape is None or math.prod(shape.sizes) < LEAST or not run.takes(number, step, shape):
                out.append(step)
                self.done.add(number)
                continue
            before, after, seen = self._gathered(run, rest)
            if run.is_nest:
                rest.extendleft(reversed(after))
                out += self._nested(deque(before))
                out += self._written(run, rest)
                continue
            # Left to `fusion`, in the order that they have: up to where another run may begin.
            seen = [(number, step), *seen]
            end = next((k for k, (n, s) in enumerate(seen) if n not in run.numbers and _is_several(s)), len(seen))
            rest.extendleft(reversed(seen[end:]))
            self.done.update(n for n, _ in seen[:end])
            out += [s for _, s in seen[:end]]
        return out

    def _gathered(self, run: _Run, rest: deque[tuple[int, Step]]
                  ) -> tuple[list[tuple[int, Step]], list[tuple[int, Step]], list[tuple[int, Step]]]:
        """Give a run what it takes of the next steps: what of the others can run before it, what waits, and all."""
        seen: list[tuple[int, Step]] = []
        before: list[tuple[int, Step]] = []
        after: list[tuple[int, Step]] = []
        later: dict[Space, bool] = {}  # what those that wait use, and whether they write it
        joined = 0, 0, 0
        while rest and len(seen) - joined[2] < FAR:
            number, step = rest.popleft()
            if may_break_off(step):
                rest.appendleft((number, step))
                break
            seen.append((number, step))
            reading, writing = self.reading[number], self.writing[number]
            waits = bool(writing & later.keys()) or any(later.get(s) for s in reading)
            shape = None if waits or run.spaces.keys().isdisjoint(reading | writing) else _shape_of(step)
            if shape is not None and (self._takes_makers(run, before, number, step, shape) or run.takes(
                    number, step, shape)):
                joined = len(before), len(after), len(seen)
                continue
            if waits or writing & run.spaces.keys() or any(run.spaces.get(s) for s in reading):
                after.append((number, step))
                for s in reading:
                    later.setdefault(s, False)
                later.update(dict.fromkeys(writing, True))
            else:
                before.append((number, step))
        rest.extendleft(reversed(seen[joined[2]:]))  # they stay where they are
        return before[:joined[0]], after[:joined[1]], seen[:joined[2]]

    def _takes_makers(self, run: _Run, before: list[tuple[int, Step]], number: int, step: Step, shape: _Shape) -> bool:
        """Take a step in with those that compute its operands, if these were to be done before a run and may be in it.

        Nothing that stays before the run, and nothing in it, may have to do with what they write, or write what they
        read.
        """
        wanted = self.reading[number] - run.spaces.keys()
        makers: list[tuple[int, Step]] = []
        used: set[Space] = set()  # by those that stay
        written: set[Space] = {s for s, w in run.spaces.items() if w}
        for other in reversed(before):
            reading, writing = self.reading[other[0]], self.writing[other[0]]
            if writing & wanted:
                if len(makers) == MAKERS or (writing & (used | run.spaces.keys())) or reading & written:
                    return False
                makers.append(other)
                wanted |= reading - run.spaces.keys()
            else:
                used |= reading | writing
                written |= writing
        kept = copy.copy(run)
        for n, maker in [*reversed(makers), (number, step)] if makers else ():
            of = shape if n == number else _shape_of(maker)
            if of is None or not run.takes(n, maker, of):
                run.__dict__.update(kept.__dict__)
                return False
        before[:] = [b for b in before if b not in makers]
        return bool(makers)

    def _written(self, run: _Run, rest: deque[tuple[int, Step]]) -> list[Step]:
        """A run as one kernel, or as it was; of one that cannot be, the last steps go back to the `rest`."""
        while run.is_nest:
            steps = [s for s, _, _ in run.steps]
            found = run.kernel([self._lives(space(s.places[0]), run) for s in steps])
            if found is not None or len(steps) == 1:
                self.done.update(run.numbers)
                return steps if found is None else [found]
            number = run.numbers[-1]
            rest.appendleft((number, run.shorter()))
        self.done.update(run.numbers)
        return [s for s, _, _ in run.steps]

    def _lives(self, written: Space, run: _Run) -> bool:
        """Whether what a step of a run writes is read by one that comes after it."""
        kind, number = written
        return kind != "own" or number in self.kept or any(
            n not in self.done and n not in run.numbers for n in self.readers.get(number, ()))
