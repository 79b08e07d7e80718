"""Sums over the rows of a product: the product of the sum, a row where there were a thousand.

What is subtracted from all rows before a product (`(x - mean) @ w`, a bias before a layer) has the sum of its rows'
gradients for its own, and these are a product that nobody else reads. A sum of terms, of products and of what is the
same for all rows times what is not, is summed term by term.

In digits it is another order of additions. Where w is not finite, zeros and signs of single rows matter: such a result
is NaN.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tapegrad import dtypes
from tapegrad.compiler.passes.cuts import words_of
from tapegrad.compiler.passes.work import Work, between_loops, kernel_of, single, space, times_used, writes
from tapegrad.compiler.traced_program import Block, Place, Step
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter, loop_nests, products
from tapegrad.machine.live import machine
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.scalar import row
from tapegrad.ops.symbols import Sym

LEAST = 64  # rows from which this is worth its calls


class _Sum(NamedTuple):
    """A step that sums the rows of a block of matrices: how many of them, of what size, and how they lie there."""

    of: dtype
    batches: int
    rows: int
    width: int
    strides: tuple[int, int, int]
    target: tuple[int, int]  # strides over matrices and along a row of what is written


def row_sums(work: Work) -> Work:
    """The same program with such sums taken before products; their operands are added to `blocks`."""
    if not any(products.product(step.a) for step in single(work.steps)):
        return work
    uses, blocks = times_used(work.steps), list(work.blocks)
    steps = between_loops(work, lambda line: _summed(line, uses, work.results, blocks)).steps
    return work._replace(steps=steps, blocks=blocks)


def _summed(line: Sequence[Step], uses: Counter[int], results: set[int], blocks: list[Block]) -> list[Step]:
    users: dict[int, list[int]] = {}
    for t, step in enumerate(line):
        for number in {p.number for p in step.places if p.kind == "own"}:
            users.setdefault(number, []).append(t)
    out: list[list[Step]] = [[s] for s in line]
    for t, step in enumerate(line):
        found = _sum(step)
        if found is None:
            continue
        number = step.places[1].number
        *makers, last = users[number]
        if last != t or uses[number] != len(makers) + 1 or number in results or not makers or not any(
                products.product(line[m].a) for m in makers) or _changes(line[makers[0]:t], makers, line):
            continue
        before, place = len(blocks), Place("own", len(blocks), 0)
        blocks.append(Block(0, found.batches * found.width * found.of.itemsize))
        sums: dict[Any, Place] = {}
        new = [_term(line[m], found, number, place, blocks, sums, m == makers[0]) for m in makers]
        if all(n is not None for n in new):
            for m, steps in zip(makers, new):
                out[m] = steps or []
            out[t] = [_moved(step, found, place)]
        else:
            del blocks[before:]
    return [s for steps in out for s in steps]


def _changes(between: Sequence[Step], makers: Sequence[int], line: Sequence[Step]) -> bool:
    """Whether what the makers of a block read may be written while they make it; what is not own may overlap."""
    read = {space(p) for m in makers for p in line[m].places[1:]}
    outside = any(kind != "own" for kind, _ in read)
    return any(space(p) in read or (outside and p.kind != "own") for s in between for p in writes(s))


def _sum(step: Step) -> _Sum | None:
    kernel = kernel_of(step)
    if kernel is None or len(kernel.region.values) != 1 or len(kernel.region.inputs) != 1 or any(
            p.stride for p in step.places) or step.places[1].kind != "own" or step.places[1].offset:
        return None
    of = kernel.region.inputs[0]
    x: Any = Sym.operand(0, of)
    if of not in (dtypes.float64, dtypes.float32) or kernel.region.outputs != (of,) or not any(
            kernel.region.values[0] is row.sum(term, ()) for term in (x, -x)):
        return None
    kept, reduced, sizes, (target, source) = words_of(step)
    if reduced != 1 or kept not in (1, 2) or sizes[-1] < LEAST:
        return None
    if kept == 1:
        sizes, target, source = [1, *sizes], [0, *target], [0, *source]
    batches, width, rows = sizes
    return _Sum(of, batches, rows, width, (source[0], source[2], source[1]), (target[0], target[1]))


def _term(step: Step, found: _Sum, number: int, place: Place, blocks: list[Block],
          sums: dict[Any, Place], first: bool) -> list[Step] | None:
    """What adds to the rows as what adds to their sum: at `place`, a row for each matrix."""
    if step.places[0] != Place("own", number, 0) or any(
            p.stride or (p.kind, p.number) == ("own", number) for p in step.places[1:]):
        return None
    return (_product if products.product(step.a) else _scaled)(step, found, place, blocks, sums, first)


def _product(step: Step, found: _Sum, place: Place, blocks: list[Block],
          sums: dict[Any, Place], first: bool) -> list[Step] | None:
    product = products.product(step.a)
    assert product is not None
    if product.of is not found.of or product.adds == first or not product.by_nest or len(step.places) != 3:
        return None
    _, _, sizes, (own, left, right) = words_of(step)
    batches, rows, width, depth = sizes
    if (batches, rows, width) != (found.batches, found.rows, found.width) or not _alike(own[:3], found):
        return None
    item = found.of.itemsize
    none = _own(batches * width * item, blocks)
    summed, total = _total(step, step.places[1], (left[0], left[3], left[1]), depth, found, blocks, sums)
    words = [3, 1, batches, 1, width, depth, width * item, width * item, item, 0,
             depth * item, depth * item, 0, item, *right]
    x: Any = Sym.operand(0, found.of)
    return [
        *summed,
        step._replace(b=machine.keep_nest(words), places=(place, total, step.places[2])),
        _kernel(found, (batches, width, depth), [[width * item, item, 0], [right[0], right[2], right[3]]],
                row.sum(x * 0, ()), (none, step.places[2]), step, (2,)),
        _kernel(found, (batches * width,), [[item], [item]], x, (place, none), step, (), True),
    ]


def _scaled(step: Step, found: _Sum, place: Place, blocks: list[Block],
          sums: dict[Any, Place], first: bool) -> list[Step] | None:
    """What is not the same for all rows, times what is."""
    kernel = kernel_of(step)
    x: Any = Sym.operand(0, found.of)
    y: Any = Sym.operand(1, found.of)
    if kernel is None or len(kernel.region.values) != 1 or kernel.accumulate[0] == first or (
            kernel.region.values[0] is not x * y or kernel.region.outputs != (found.of,) or kernel.pattern == "1"):
        return None
    kept, reduced, sizes, strides = words_of(step)
    if (kept, reduced) == (2, 0):
        sizes, strides = [1, *sizes], [[0, *s] for s in strides]
    if reduced or sizes != [found.batches, found.rows, found.width] or not _alike(strides[0], found):
        return None
    same = [k for k in (1, 2) if not strides[k][1]]
    if len(same) != 1:
        return None
    (fixed,), item = same, found.of.itemsize
    moving, own = 3 - fixed, [found.width * item, item]
    over = strides[moving]
    summed, total = _total(step, step.places[moving], (over[0], over[2], over[1]), found.width, found, blocks, sums)
    return [
        *summed,
        _kernel(found, (found.batches, found.width), [own, own, [strides[fixed][0], strides[fixed][2]]], x * y + y * 0,
                (place, total, step.places[fixed]), step, (), not first),
    ]


def _total(step: Step, place: Place, strides: tuple[int, ...], width: int, found: _Sum, blocks: list[Block],
           sums: dict[Any, Place]) -> tuple[list[Step], Place]:
    """The sum of an operand's rows: the step that takes it, unless one did, and where it is."""
    item, key = found.of.itemsize, (place, strides, width)
    if key in sums:
        return [], sums[key]
    total = sums[key] = _own(found.batches * width * item, blocks)
    x = Sym.operand(0, found.of)
    return [_kernel(found, (found.batches, width, found.rows), [[width * item, item, 0], strides], row.sum(x, ()),
                    (total, place), step, (2,))], total


def _moved(step: Step, found: _Sum, place: Place) -> Step:
    """The sum itself: what is left of it is a copy."""
    kernel = emitter.kernels[step.a]
    (value,) = kernel.region.values
    item = found.of.itemsize
    return _kernel(found, (found.batches, found.width), [[*found.target], [found.width * item, item]], value.args[0],
                   (step.places[0], place), step, (), kernel.accumulate[0])


def _alike(strides: Sequence[int], found: _Sum) -> bool:
    return all(a == b for a, b, n in zip(strides, found.strides, (found.batches, found.rows, found.width)) if n > 1)


def _own(nbytes: int, blocks: list[Block]) -> Place:
    blocks.append(Block(0, nbytes))
    return Place("own", len(blocks) - 1, 0)


def _kernel(found: _Sum, shape: Sequence[int], strides: Sequence[Sequence[int]], value: Sym, places: tuple[Place, ...],
            like: Step, reduced: Sequence[int] = (), adds: bool = False) -> Step:
    nest = loop_nests.build(shape, strides, [found.of.itemsize] * len(places), reduced, bool(reduced))
    region = emitter.Region((found.of,) * (len(places) - 1), (value,), (found.of,), (bool(reduced),))
    address = emitter.compile_region(region, nest.pattern, (adds,))
    return Step(rec.KERNEL, address, machine.keep_nest(nest.words.tolist()), places, b"", like.lines)
