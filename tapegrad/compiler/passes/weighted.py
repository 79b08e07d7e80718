"""Weighted sums of products: one kernel, which holds no product longer than it takes to add it.

Where many matrices meet one (or one each), their products are scaled column by column, and summed over the matrices, as
in the skinning of a body's vertices by its bones, `(frames @ points * weights[:, None]).sum(0)`: what was written and
read again, a product for each matrix (and each lane, in a Jacobian), is never there.

Each number is computed as it was, in the same order. (As one product, of the matrices side by side with the others,
scaled, one below the other, it would take two thirds of the multiplications; but weights may overflow with what they
scale where the products are small, and most matrices of a Jacobian's lanes are zero, which the kernel leaves out.)
"""
from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from tapegrad import dtypes
from tapegrad.compiler.passes.cuts import contiguous, words_of
from tapegrad.compiler.passes.stores import zeros_of
from tapegrad.compiler.passes.work import Work, between_loops, kernel_of, single, space, times_used, writes
from tapegrad.compiler.superinstructions import constant_blocks
from tapegrad.compiler.traced_program import Place, Step
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import products, structural
from tapegrad.machine.live import machine
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.scalar import row
from tapegrad.ops.symbols import Sym

LEAST = 4096     # elements of the products: below, the kernel takes longer to compile than it ever saves
ROWS, DEPTH = 4, 8  # of a matrix, at most: sums and products of all rows are in registers, and all is written out
MANY = 1 << 12   # matrices that are summed, at most: which of them are not zero is noted on the stack


class _Found(NamedTuple):
    """What is summed: `lanes` × `many` × `rows` rows of `width`, each over `depth`, and the strides of operands.

    `left` is over lanes, many and rows, `right` over many and depth, `by` over many; `target` is from row to row of
    what is written.
    """

    of: dtype
    lanes: int
    many: int
    rows: int
    width: int
    depth: int
    left: tuple[int, int, int]
    right: tuple[int, int]
    by: int
    target: int


def weighted(work: Work) -> Work:
    """The same program with such sums as single steps."""
    if not any(products.product(step.a) for step in single(work.steps)):
        return work
    uses, constants = times_used(work.steps), constant_blocks(work.steps, work.results).keys()
    return between_loops(work, lambda line: _onto_nothing(_gathered(line, uses, work.results), constants))


def _gathered(line: Sequence[Step], uses: Counter[int], results: set[int]) -> list[Step]:
    out: list[Step | None] = [*line]
    makers: dict[int, int] = {}  # of blocks that one step writes and one reads
    for t, step in enumerate(line):
        target = step.places[0] if step.places else None
        if target is not None and target.kind == "own" and not target.offset and uses[target.number] == 2 and (
                target.number not in results):
            makers[target.number] = t
        source = step.places[1] if len(step.places) == 2 else None
        by = makers.get(source.number) if source is not None and source.kind == "own" else None
        if by is None or len(line[by].places) != 3:
            continue
        first = next((p for p in line[by].places[1:] if p.kind == "own" and p.number in makers and products.product(
            line[makers[p.number]].a)), None)
        if first is None:
            continue
        at = makers[first.number]
        found = _found(line[at], line[by], step, first)
        other = line[by].places[1 + (line[by].places[1] is first)]
        if found is not None and not (changed(line[at + 1:t], line[at].places[1:]) or changed(
                line[by + 1:t], [other])):
            made = _one(found, line[at].places[1:], other, step)
            if made is not None:
                out[at], out[by], out[t] = None, None, made
    return [s for s in out if s is not None]


def _onto_nothing(line: Sequence[Step], constants: Collection[int]) -> list[Step]:
    """The same steps, in which no sum is added to zeros: in float64 it is no negative zero itself."""
    out: list[Step | None] = [*line]
    last: dict[tuple[str, int], int] = {}  # step that used a block
    for t, step in enumerate(line):
        target = step.places[0] if step.places else None
        if target is not None and step.a in structural.weighted_sums and structural.effects[step.a].reads == 0:
            _, _, sizes, (into, *_) = words_of(step)
            before, nbytes = last.get(space(target), -1), math.prod(sizes[:3]) * into[2]
            store = structural.weighted(dtypes.float64, sizes[1], sizes[4], False)
            if before >= 0 and store is not None and into[2] == dtypes.float64.itemsize and (
                    into[1] == sizes[2] * into[2] and zeros_of(line[before], constants) == nbytes
                    and line[before].places[0] == target and space(target) not in map(space, step.places[1:])):
                out[before], out[t] = None, step._replace(a=store)
        last.update((space(p), t) for p in step.places)
    return [s for s in out if s is not None]


def changed(between: Sequence[Step], places: Sequence[Place]) -> bool:
    """Whether what was read may be written before it is read; what is not own may overlap."""
    read = {space(p) for p in places}
    outside = any(kind != "own" for kind, _ in read)
    return any(space(p) in read or (outside and p.kind != "own") for s in between for p in writes(s))


def _found(product: Step, scale: Step, total: Step, place: Place) -> _Found | None:
    known, scaling, summing = products.product(product.a), kernel_of(scale), kernel_of(total)
    gemm = None if known is None else products.gemm.kernels(known.of)
    if known is None or gemm is None or product.a != gemm[0] or len(product.places) != 3 or place.offset or (
            total.places[1].offset or any(p.stride for s in (product, scale, total) for p in s.places)):
        return None
    of, item = known.of, known.of.itemsize
    x: Any = Sym.operand(0, of)
    y: Any = Sym.operand(1, of)
    if scaling is None or summing is None or scaling.accumulate[0] or scaling.pattern == "1" or (
            summing.pattern[0] != "|") or not all(
            len(k.region.values) == 1 and k.region.values[0] is value and k.region.outputs == (of,)
            for k, value in ((scaling, x * y), (summing, row.sum(x, ())))):
        return None
    _, _, (batches, height, width, depth), (own, left, right) = words_of(product)
    elements = batches * height * width
    if of not in (dtypes.float64, dtypes.float32) or elements < LEAST or (
            along((batches, height, width), own[:3], (elements,)) != [item]):
        return None
    # The sum goes through its operand in some order, each element once: lanes, what is summed, the rest of a product.
    kept, reduced, sizes, (into, source) = words_of(total)
    if reduced != 1:
        return None
    order = sorted(range(len(sizes)), key=lambda d: -source[d])
    sizes, into, source = ([given[d] for d in order] for given in (sizes, into, source))
    if source != contiguous(sizes, item) or math.prod(sizes) != elements:
        return None
    at = order.index(kept)
    rest = math.prod(sizes[at + 1:])
    if rest % width:
        return None
    lanes, many, rows = math.prod(sizes[:at]), sizes[at], rest // width
    over = lanes, many, rows, width
    written = along(sizes[:at] + sizes[at + 1:], into[:at] + into[at + 1:], (lanes * rows, width))
    _, _, sizes, strides = words_of(scale)
    if math.prod(sizes) != elements:
        return None
    ours = 1 + scale.places[1:].index(place)
    by = along(sizes, strides[3 - ours], over)
    if written is None or by is None or any(
            strides[k] != contiguous(sizes, item) for k in (0, ours)):
        return None
    mine, theirs = (along((batches, height), s[:2], over[:3]) for s in (left, right))
    if mine is None or theirs is None or theirs[0] or theirs[2] or by[0] or by[2] or rows > ROWS or depth > DEPTH or (
            many > MANY or any(s != item for s in (left[3], right[2], by[3], written[1]))):
        return None
    return _Found(of, *over, depth, (mine[0], mine[1], mine[2]), (theirs[1], right[3]), by[1], written[0])


def _one(found: _Found, factors: Sequence[Place], weights: Place, total: Step) -> Step | None:
    of, lanes, many, rows, width, depth, left, right, by, target = found
    item, kernel = of.itemsize, kernel_of(total)
    assert kernel is not None
    address = structural.weighted(of, rows, depth, kernel.accumulate[0])
    if address is None:
        return None
    words = [3, 2, lanes, rows, width, many, depth, rows * target, target, item, 0, 0,
             left[0], left[2], 0, left[1], item, 0, 0, item, *right, 0, 0, item, by, 0]
    return Step(rec.KERNEL, address, machine.keep_nest(words), (total.places[0], *factors, weights), b"", total.lines)


def along(sizes: Sequence[int], strides: Sequence[int], over: Sequence[int]) -> list[int] | None:
    """The strides of an access over other loops that go through the same elements; None where they end elsewhere."""
    found, left = [], [(n, s) for n, s in zip(sizes, strides) if n > 1]
    for size in reversed(over):
        if size == 1:
            found.append(0)
            continue
        if not left:
            return None
        n, stride = left.pop()
        while n < size and left and left[-1][1] == n * stride:
            n *= left.pop()[0]
        if n % size:
            return None
        found.append(stride)
        if n > size:
            left.append((n // size, stride * size))
    return found[::-1]
