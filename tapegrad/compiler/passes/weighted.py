"""Weighted sums of products: one product, over all of what is summed.

Where many matrices meet one (or one each), their products are scaled column by column, and summed over the matrices, as
in the skinning of a body's vertices by its bones, `(frames @ points * weights[:, None]).sum(0)`: that is the product of
the matrices side by side with the other ones, scaled, one below the other. What was written and read again, a product
for each matrix (and each lane, in a Jacobian), is never there.

It is another order of multiplications: other last digits, and weights that overflow with what they scale give infinity,
and NaN where a frame is zero, though the products would have been small. So it is done where it is asked for.
"""
from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from tapegrad import dtypes
from tapegrad.compiler.passes.cuts import words_of
from tapegrad.compiler.passes.work import Work, between_loops, kernel_of, space, times_used, writes
from tapegrad.compiler.traced_program import Block, Place, Step
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter, loop_nests, products
from tapegrad.machine.live import machine
from tapegrad.ops.scalar import row
from tapegrad.ops.symbols import Sym

LEAST = 4096  # elements of the products: below, kernels take longer to compile than they ever save


class _Found(NamedTuple):
    """What is summed: `lanes` × `many` × `rows` rows of `width`, each over `depth`, and the strides of operands.

    `left` is over lanes, many, rows and depth; `right` over many, depth and columns, `by` over many and columns;
    `target` is from row to row of what is written.
    """

    of: dtype
    lanes: int
    many: int
    rows: int
    width: int
    depth: int
    left: tuple[int, ...]
    right: tuple[int, int, int]
    by: tuple[int, int]
    target: int


def weighted(work: Work) -> Work:
    """The same program with such sums as single products, whose operands are added to `blocks`."""
    uses, blocks = times_used(work.steps), list(work.blocks)
    steps = between_loops(work, lambda line: _gathered(line, uses, work.results, blocks)).steps
    return work._replace(steps=steps, blocks=blocks)


def _gathered(line: Sequence[Step], uses: Counter[int], results: set[int], blocks: list[Block]) -> list[Step]:
    out: list[list[Step]] = [[s] for s in line]
    makers: dict[int, int] = {}  # of blocks that one step writes and one reads
    scaled: dict[Any, tuple[int, Place]] = {}
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
        if found is not None and not _changed(line[at:t], [*line[at].places[1:], *line[by].places[1:]]):
            other = line[by].places[1 + (line[by].places[1] is first)]
            out[at], out[by] = [], []
            out[t] = _one(found, line[at].places[1:], other, step, t, line, scaled, blocks)
    return [s for steps in out for s in steps]


def _changed(between: Sequence[Step], places: Sequence[Place]) -> bool:
    """Whether what is read may be written meanwhile; what is not own may overlap."""
    made = {space(s.places[0]) for s in between[:1]}
    read = {space(p) for p in places} - made
    outside = any(kind != "own" for kind, _ in read)
    return any(space(p) in read or (outside and p.kind != "own") for s in between[1:] for p in writes(s))


def _found(product: Step, scale: Step, total: Step, place: Place) -> _Found | None:
    known, scaling, summing = products.product(product.a), kernel_of(scale), kernel_of(total)
    if known is None or known.adds or not known.by_nest or len(product.places) != 3 or place.offset or (
            total.places[1].offset or any(p.stride for s in (product, scale, total) for p in s.places)):
        return None
    of, item = known.of, known.of.itemsize
    x: Any = Sym.operand(0, of)
    y: Any = Sym.operand(1, of)
    if scaling is None or summing is None or scaling.accumulate[0] or not all(
            len(k.region.values) == 1 and k.region.values[0] is value and k.region.outputs == (of,)
            for k, value in ((scaling, x * y), (summing, row.sum(x, ())))):
        return None
    _, _, (batches, height, width, depth), (own, left, right) = words_of(product)
    elements = batches * height * width
    if of not in (dtypes.float64, dtypes.float32) or elements < LEAST or (
            _along((batches, height, width), own[:3], (elements,)) != [item]):
        return None
    # The sum goes through its operand in some order, each element once: lanes, what is summed, the rest of a product.
    kept, reduced, sizes, (into, source) = words_of(total)
    if reduced != 1:
        return None
    order = sorted(range(len(sizes)), key=lambda d: -source[d])
    sizes, into, source = ([given[d] for d in order] for given in (sizes, into, source))
    if source != _contiguous(sizes, item) or math.prod(sizes) != elements:
        return None
    at = order.index(kept)
    rest = math.prod(sizes[at + 1:])
    if rest % width:
        return None
    lanes, many, rows = math.prod(sizes[:at]), sizes[at], rest // width
    over = lanes, many, rows, width
    written = _along(sizes[:at] + sizes[at + 1:], into[:at] + into[at + 1:], (lanes * rows, width))
    _, _, sizes, strides = words_of(scale)
    if math.prod(sizes) != elements:
        return None
    ours = 1 + scale.places[1:].index(place)
    by = _along(sizes, strides[3 - ours], over)
    if written is None or written[1] not in (item, 0) or by is None or any(
            strides[k] != _contiguous(sizes, item) for k in (0, ours)):
        return None
    mine, theirs = (_along((batches, height), s[:2], over[:3]) for s in (left, right))
    if mine is None or theirs is None or theirs[0] or theirs[2] or by[0] or by[2] or depth > 2 * lanes * rows:
        return None
    return _Found(of, *over, depth, (*mine, left[3]), (theirs[1], right[3], right[2]), (by[1], by[3]), written[0])


def _one(found: _Found, factors: Sequence[Place], weights: Place, total: Step, t: int, line: Sequence[Step],
         scaled: dict[Any, tuple[int, Place]], blocks: list[Block]) -> list[Step]:
    of, lanes, many, rows, width, depth, left, right, by, target = found
    item, x = of.itemsize, Sym.operand(0, of)
    y: Any = Sym.operand(1, of)
    steps, deep = [], many * depth
    key = of, many, depth, width, weights, by, factors[1], right
    since, matrix = scaled.get(key, (0, None))
    if matrix is None or _changed(line[since:t], [weights, factors[1]]):
        matrix = _own(deep * width * item, blocks)
        scaled[key] = t, matrix
        steps.append(_kernel(of, (many, depth, width), [_contiguous((many, depth, width), item), (by[0], 0, by[1]),
                                                         right], x * y, (matrix, weights, factors[1]), total))
    beside = _own(lanes * rows * deep * item, blocks)
    shape = lanes, rows, many, depth
    steps.append(_kernel(of, shape, [_contiguous(shape, item), (left[0], left[2], left[1], left[3])], x,
                         (beside, factors[0]), total))
    kernel, addresses = kernel_of(total), products.gemm.kernels(of)
    assert kernel is not None and addresses is not None
    address = addresses[kernel.accumulate[0]]
    words = [3, 1, 1, lanes * rows, width, deep, 0, target, item, 0, 0, deep * item, 0, item, 0, 0, item, width * item]
    return [*steps, Step(rec.KERNEL, address, machine.keep_nest(words), (total.places[0], beside, matrix), b"",
                         total.lines)]


def _along(sizes: Sequence[int], strides: Sequence[int], over: Sequence[int]) -> list[int] | None:
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


def _contiguous(sizes: Sequence[int], item: int) -> list[int]:
    return [math.prod(sizes[d + 1:]) * item for d in range(len(sizes))]


def _own(nbytes: int, blocks: list[Block]) -> Place:
    blocks.append(Block(0, nbytes))
    return Place("own", len(blocks) - 1, 0)


def _kernel(of: dtype, shape: Sequence[int], strides: Sequence[Sequence[int]], value: Sym, places: tuple[Place, ...],
            like: Step) -> Step:
    nest = loop_nests.build(shape, strides, [of.itemsize] * len(places))
    region = emitter.Region((of,) * (len(places) - 1), (value,), (of,), (False,))
    address = emitter.compile_region(region, nest.pattern, (False,))
    return Step(rec.KERNEL, address, machine.keep_nest(nest.words.tolist()), places, b"", like.lines)
