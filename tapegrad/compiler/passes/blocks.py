"""Blocks: the kernel calls of a program that go over the same leading axis, run together a few hundred rows at a time.

A call over 10⁶ elements leaves its result in memory, from where the next call fetches it. Run block by block, what
passes from call to call stays in the cache, and needs no array at all where nobody else reads it; sums over the axis
are made of one partial result a block. Blocks are shared between threads, and the results do not depend on how many.

Products of many matrices take part, a matrix being a row: what is computed of each and goes into the next product, as
in attention, stays in the cache. So does the product of a matrix of many short rows, say of points, with a small one.
Another large product does not, for it does better with its operands packed as a whole.

`blocks` is the pass; `lowered` makes calls of its groups after others have worked on them. It goes by memory alone: a
call may join a group if every operand lies, unit by unit, where the others of the group have it, or is read whole and
not written by the group.
"""
from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Collection, Sequence

from tapegrad.compiler.passes.cuts import Cut, Part, Space, cuts, product_of, words_of
from tapegrad.compiler.passes.lanes import lanewise
from tapegrad.compiler.passes.work import Work, times_used
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
    Step,
    Turns,
    kernel_of,
    may_break_off,
    reads,
    space,
    uses,
    writes,
)
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import calls_functions, emitter
from tapegrad.machine.live import machine
from tapegrad.machine.planning import thread_cuts

VECTORS = 64  # elements that are whole vectors, whatever the processor and the dtype
SHORT = 1024  # of a shorter axis a unit has to be a row of so many elements, for a block to be worth its calls:
ROW = 64
FEWEST = 256  # elements of a block's largest call: with fewer, calling costs more than the cache saves
FAR = 1024  # steps without one that joins a group, after which no more are looked for
FEW = 16  # of what the largest calls have elements, this part is better computed before a group than by each block
CACHE = 160 << 10  # bytes that one block's calls may go through: they stay in the second-level cache, most in the first

def blocks(work: Work) -> Work:
    """The same program with the steps that go over a common leading axis next to each other, in groups."""
    out: list[Item] = []
    segment: list[Step] = []
    for step in work.steps:
        if isinstance(step, Step) and not may_break_off(step):
            segment.append(step)
        else:  # nothing moves over it: what was written before is what is taken back
            out += _grouped(segment)
            segment = []
            out.append(step)
    return work._replace(steps=out + _grouped(segment))


def _grouped(steps: list[Step]) -> list[Item]:
    out: list[Item] = []
    rest = deque(steps)
    work: Counter[int] = Counter()  # of the rest
    largest: dict[int, int] = {}
    short = _short_axes(steps)
    along: dict[int, dict[int, int]] = {}  # by the step
    for step in steps:
        axes = along[id(step)] = _axes(step, short)
        work.update(axes)
        product = product_of(step)
        inner = product.inner if product else 1
        largest.update({n: max(elements // max(inner, 1), largest.get(n, 0)) for n, elements in axes.items()})
    while work:
        units = max(work, key=lambda n: (work[n], n))
        if work[units] < LONG:
            break
        seen, before, group, after = _gather(rest, units, largest.get(units, 0) // FEW)
        if sum(c.elements for c in group) < LONG:
            rest.extendleft(reversed(seen))
            break
        rest.extendleft(reversed(after))
        for step in (*before, *(c.step for c in group)):
            work.subtract(along[id(step)])
        out += [*before, Group(units, tuple(c.step for c in group))]
    return [*out, *rest]


def lowered(work: Work) -> Work:
    """The same program with groups as calls that are run block by block; each is followed by what sums its parts."""
    return _Lowering(work).work() if any(isinstance(s, Group) for s in work.steps) else work


def fits(group: Group) -> bool:
    """Whether the steps of a group can still be run block by block, after others have worked on them."""
    return _chosen(group) is not None


def _chosen(group: Group) -> _Group | None:
    chosen = _Group()
    for step in group.steps:
        assert isinstance(step, Step)
        cut = next((c for c in cuts(step, group.units) if chosen.accepts(c)), None)
        if cut is None:
            return None
        chosen.add(cut)
    return chosen


class _Lowering:
    """One program whose groups are made into calls."""

    def __init__(self, work: Work) -> None:
        self.before, self.blocks = work, list(work.blocks)
        self.uses = times_used(work.steps)

    def work(self) -> Work:
        steps: list[Item] = []
        for step in self.before.steps:
            steps += self.group(step) if isinstance(step, Group) else [step]
        return self.before._replace(steps=steps, blocks=self.blocks)

    def group(self, group: Group) -> Sequence[Item]:
        if any(isinstance(s, Loop) for s in group.steps):
            return lanewise(group, self.blocks, self.before.results, self.uses)
        chosen = _chosen(group)
        if chosen is None:  # fusing changes no operand's way through memory, but a nest may grow too long to be cut
            return group.steps
        bytes_a_unit = sum(next(iter(parts)).unit if _in_step(parts) else sum(p.unit for p in parts)
                           for parts in chosen.parts.values())
        fewest = -(-FEWEST * group.units // max(max(c.elements for c in chosen.cuts), 1))
        block = max(CACHE // max(bytes_a_unit, 1), fewest, 1)
        pieces = sum(c.elements for c in chosen.cuts if product_of(c.step)) // thread_cuts.PRODUCT_GRAIN
        if pieces > 1:  # multiplications are dearer than the bytes they go through
            block = min(block, -(-group.units // pieces))
        multiple = VECTORS if block > VECTORS else _whole(chosen.cuts)
        block = min(max(block // multiple, 1) * multiple, group.units)
        n_blocks = -(-group.units // block)
        scratch, top = self.scratch(chosen, group, block)
        calls: list[Call] = []
        sums: list[Step] = []
        for cut in chosen.cuts:
            kernel, nest = cut.step.a, cut.step.b
            operands = [
                Operand(scratch[place.number].at("own", place.number, part.start), 0, 0, True)
                if place.kind == "own" and place.number in scratch
                else Operand(place, part.unit, 0, False) for part, place in zip(cut.parts, cut.step.places)
            ]
            if cut.summed:
                kernel, nest, operands[0], ending = self.summed(cut, n_blocks)
                sums.append(ending)
            n_words = 2 + len(words_of(cut.step)[2]) * (1 + len(cut.parts))
            calls.append(Call(kernel, nest, n_words, cut.axis, cut.per_unit, tuple(operands), cut.step.lines))
        return [Blocked(group.units, block, n_blocks, (Turns(1, tuple(calls)),), top), *sums]

    def scratch(self, chosen: _Group, group: Group, block: int) -> tuple[dict[int, Place], int]:
        """Where a thread's scratch has the blocks that only pass from call to call, and how long it is."""
        inside = times_used(group.steps)
        found: dict[int, Place] = {}
        top = 0
        for at, parts in chosen.parts.items():
            kind, number = at
            if kind == "own" and number not in self.before.results and inside[number] == self.uses[number] and (
                    _written_first(chosen.cuts, at)):
                found[number] = Place("own", number, top - min(p.start for p in parts))
                top += -(-next(iter(parts)).unit * block // 64) * 64
        return found, top

    def summed(self, cut: Cut, n_blocks: int) -> tuple[int, int, Operand, Step]:
        """A call that reduces the leading axis, as one that leaves a part of it a block, and the step that ends it."""
        kernel = emitter.kernels[cut.step.a]
        kept, reduced, sizes, strides = words_of(cut.step)
        parts = thread_cuts.halves(kernel.region, cut.row)
        assert parts is not None
        partial, rest = parts
        item = partial.outputs[0].itemsize
        own, slot = [0] * (kept + reduced), item
        for d in range(kept - 1, -1, -1):
            own[d], slot = slot, slot * sizes[d]
        if kept:
            slot = -(-slot // 64) * 64  # no two threads write to one cache line; a single word a block does no harm
        words = [kept, reduced, *sizes, *own, *(s for stride in strides[1:] for s in stride)]
        place = Place("own", len(self.blocks), 0)
        self.blocks.append(Block(0, slot * n_blocks))
        last = [kept, 1, *sizes[:kept], n_blocks, *strides[0][:kept], 0, *own[:kept], slot]
        ending = emitter.compile_region(rest, "0s" if kept else "0c", kernel.accumulate)
        return (emitter.compile_region(partial, kernel.pattern, (False,)), machine.keep_nest(words),
                Operand(place, 0, slot, False),
                Step(rec.KERNEL, ending, machine.keep_nest(last), (cut.step.places[0], place), b"",
                     cut.step.lines))


def _whole(cuts: Sequence[Cut]) -> int:
    """Of how many units a block is to be a multiple, for no vector to be cut in two: at the end of a row functions give
    other last bits."""
    return VECTORS // math.gcd(VECTORS, *(c.per_unit for c in cuts if _calls_along(c)))


def _calls_along(cut: Cut) -> bool:
    """Whether functions are called for vectors along the loop that is cut."""
    kernel = kernel_of(cut.step)
    if kernel is None or cut.axis != len(words_of(cut.step)[2]) - 1:
        return False
    return calls_functions([v.cast(d) for v, d in zip(kernel.region.values, kernel.region.outputs)])


def _axes(step: Step, short: Collection[int] = ()) -> dict[int, int]:
    """The lengths a step may be cut along, and its elements; of `short` ones those that divide a loop of it."""
    product = product_of(step)
    if product is not None:
        sizes = {words_of(step)[2][product.axis]}
    elif kernel_of(step) is not None:
        loops = words_of(step)[2]
        sizes = {n for n in loops if n >= SHORT} | {n for n in short if any(m % n == 0 for m in loops)}
    else:
        return {}
    return {n: cut.elements for n in sizes for cut in [next(cuts(step, n), None)] if cut is not None}


def _short_axes(steps: Sequence[Step]) -> set[int]:
    """Short leading axes, of long rows, that steps over parts of rows have in common with those over whole ones.

    None where something is summed along an axis: which parts a sum is made of shows in its last digits. Nor beside
    products, which have axes of their own.
    """
    found: Counter[int] = Counter()
    for step in steps:
        if product_of(step) is not None:
            return set()
        kernel = kernel_of(step)
        if kernel is None or kernel.pattern == "1":
            continue
        kept, reduced, sizes, _ = words_of(step)
        if reduced:
            return set()
        if kept > 1 and sizes[0] < SHORT and math.prod(sizes[1:]) >= ROW:
            found[sizes[0]] += math.prod(sizes)
    return {n for n, elements in found.most_common(2) if elements >= LONG}


class _Group:
    """Calls that go over one leading axis together."""

    def __init__(self) -> None:
        self.cuts: list[Cut] = []
        self.parts: dict[Space, dict[Part, int]] = {}  # with the reach of each
        self.written: set[Space] = set()
        self.sums: set[Space] = set()  # what is complete only when all blocks are done

    def accepts(self, cut: Cut) -> bool:
        outputs = len(writes(cut.step))
        if not cut.summed and any(p.space == q.space and p != q for p in cut.parts[:outputs] for q in cut.parts):
            return False
        for j, part in enumerate(cut.parts):
            if part.space in self.sums:
                return False
            if j < outputs and cut.summed:
                if part.space in self.parts or part.space in [p.space for p in cut.parts[outputs:]]:
                    return False
                continue
            if part.unit == 0 and part.space in self.written:
                return False
            if (j < outputs or part.space in self.written) and not _in_step(
                    {**self.parts.get(part.space, {}), part: cut.reach[j]}):
                return False
        return True

    def add(self, cut: Cut) -> None:
        outputs = len(writes(cut.step))
        self.cuts.append(cut)
        for j, part in enumerate(cut.parts):
            if j < outputs and cut.summed:
                self.sums.add(part.space)
            else:
                reach = self.parts.setdefault(part.space, {})
                reach[part] = max(cut.reach[j], reach.get(part, 0))
                if j < outputs:
                    self.written.add(part.space)


def _in_step(parts: dict[Part, int]) -> bool:
    """Whether the parts of a space go on alike and what they use of one unit no other uses: it is as if they were one,
    which may begin further on in the unit."""
    if len(parts) == 1:
        return True
    (unit, *others), first = {p.unit for p in parts}, min(p.start for p in parts)
    return unit > 0 and not others and max(p.start + reach for p, reach in parts.items()) - first <= unit


def _gather(rest: deque[Step], units: int, few: int) -> tuple[list[Step], list[Step], list[Cut], list[Step]]:
    """Take steps off the `rest`: (those, what can run before the group, the group, what has to run after it).

    Calls of few elements do not join where they can run before: those who wait for them would then wait for the group.
    The search ends where no step has joined for long: a program of many groups would be gone through for each of them.
    """
    seen: list[Step] = []
    joined = 0
    before: list[Step] = []
    after: list[Step] = []
    group = _Group()
    group_reads: set[Space] = set()
    group_writes: set[Space] = set()
    after_reads: set[Space] = set()
    after_writes: set[Space] = set()
    while rest and (not group.cuts or len(seen) - joined < FAR):
        step = rest.popleft()
        seen.append(step)
        reading, writing = {space(p) for p in reads(step)}, {space(p) for p in writes(step)}
        waits = reading & after_writes or writing & (after_reads | after_writes)
        cut = None if waits else next((c for c in cuts(step, units) if group.accepts(c)), None)
        free = not (waits or reading & group_writes or writing & (group_reads | group_writes))
        if cut is not None and (not (free and cut.elements <= few) or _fills_part(cut)) and (
                units >= 2 * VECTORS or _whole([cut]) * 2 <= units):
            group.add(cut)
            joined = len(seen)
            group_reads |= reading
            group_writes |= writing
        elif not free:
            after.append(step)
            after_reads |= reading
            after_writes |= writing
        else:
            before.append(step)
    return seen, before, group.cuts, after


def _fills_part(cut: Cut) -> bool:
    """Whether a call reads nothing, and writes a part of each unit: beside what is computed of the rest."""
    return len(cut.parts) == 1 and cut.reach[0] < cut.parts[0].unit


def _written_first(cuts: Sequence[Cut], space: Space) -> bool:
    for cut in cuts:
        n_outputs, read = uses(cut.step.kind, cut.step.a)
        outputs = [p.space for p in cut.parts[:n_outputs]]
        if space in outputs:
            return read == n_outputs and space not in [p.space for p in cut.parts[n_outputs:]]
        if space in [p.space for p in cut.parts]:
            return False
    return False
