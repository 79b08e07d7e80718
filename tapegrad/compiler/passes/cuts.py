"""Ways to cut a kernel call along one of its loops, so that the pieces can be run one by one."""
from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence

from tapegrad.compiler.passes.work import kernel_of, space, writes
from tapegrad.compiler.traced_program import Block, Item, Place, Step
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import calls_functions, products
from tapegrad.machine.live import machine
from tapegrad.machine.planning import thread_cuts
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.symbols import walk

MATRICES, MATRIX = 8, 1 << 19  # products of at least so many, of which each moves at most so many bytes
ROWS, DEPTH, SMALL = 512, 64, 1 << 14  # or of a matrix of at least so many short rows with one of at most so many bytes

Space = tuple[str, int]


class Part(NamedTuple):
    """How one operand follows the leading axis: from `start`, `unit` bytes each; unit 0 stands for all of it."""

    space: Space
    start: int
    unit: int


class Cut(NamedTuple):
    """A call that can be cut along the leading axis; `summed` if that is a loop it reduces.

    Each operand uses so many bytes of a unit as its `reach`.
    """

    step: Step
    axis: int
    per_unit: int
    parts: tuple[Part, ...]
    summed: bool
    row: int  # elements that are reduced to one
    elements: int
    reach: tuple[int, ...]


class Products(NamedTuple):
    """A step that is products of matrices, which can be run one after the other along an axis."""

    of: dtype
    axis: int
    inner: int  # elements that are summed for one of the result


def product_of(step: Step) -> Products | None:
    """Many products of matrices, each a part; or one of many short rows, each a part, with a small matrix.

    Such a product is no better done as a whole: the small matrix is what is packed, and it is for each block.
    """
    found = products.product(step.a) if step.kind == rec.KERNEL else None
    if found is None or not found.by_nest:
        return None
    batches, m, n, k = words_of(step)[2]
    if batches >= MATRICES and (m * k + k * n + m * n) * found.of.itemsize <= MATRIX:
        return Products(found.of, 0, k)
    if batches == 1 and m >= ROWS and n > 1 and k <= DEPTH and k * n * found.of.itemsize <= SMALL:
        return Products(found.of, 1, k)
    return None


def words_of(step: Step) -> tuple[int, int, list[int], list[list[int]]]:
    """Kept and reduced loops of a step's nest, their sizes, and each operand's strides."""
    kept, reduced, sizes, strides = _words(step.b, len(step.places))
    return kept, reduced, [*sizes], [[*s] for s in strides]


@functools.lru_cache(maxsize=1 << 12)  # which holds on to nests of plans
def _words(nest: int, count: int) -> tuple[int, int, list[int], list[list[int]]]:
    kept, reduced = machine.memory(nest, "i8", 2).tolist()
    loops = kept + reduced
    words = machine.memory(nest, "i8", 2 + loops + count * loops).tolist()
    return kept, reduced, words[2:2 + loops], [words[2 + loops * (j + 1):2 + loops * (j + 2)] for j in range(count)]


class Arithmetic(NamedTuple):
    """A step that computes all of an own block, element by element: its loops, with the strides of its places."""

    of: dtype
    sizes: list[int]
    strides: list[list[int]]


def arithmetic(step: Item, blocks: Sequence[Block]) -> Arithmetic | None:
    """What a step goes over that stores a block as a whole, each element by instructions alone: no functions."""
    kernel = kernel_of(step)
    if kernel is None or not isinstance(step, Step) or set(kernel.pattern) - set("c0s") or (
            any(kernel.accumulate) or any(kernel.region.per_row) or any(p.stride for p in step.places)):
        return None
    (of, *more), values, target = kernel.region.outputs, kernel.region.values, step.places[0]
    if more or target.kind != "own" or target.offset or calls_functions([values[0].cast(of)]) or any(
            n.op in ("index", "count", "reduce") for n in walk(values)):
        return None
    _, _, sizes, strides = words_of(step)
    whole = strides[0] == contiguous(sizes, of.itemsize) and (
        math.prod(sizes) * of.itemsize == blocks[target.number].nbytes)
    return Arithmetic(of, sizes, strides) if whole else None


def contiguous(sizes: Sequence[int], item: int) -> list[int]:
    """The strides of elements of so many bytes, one after the other."""
    return [math.prod(sizes[d + 1:]) * item for d in range(len(sizes))]


def cuts(step: Step, units: int) -> Iterator[Cut]:
    """The ways to cut a call into `units` along one of its loops."""
    kernel, product = kernel_of(step), product_of(step)
    if product is not None:
        dtypes = [product.of] * len(step.places)
    elif kernel is not None and kernel.pattern != "1":
        dtypes = [*kernel.region.outputs, *kernel.region.inputs]
    else:
        return
    kept, _, sizes, strides = words_of(step)
    elements, row = math.prod(sizes), math.prod(sizes[kept:])
    if 2 + len(sizes) * (1 + len(strides)) > rec.CUT_NEST_WORDS or len(strides) > 28:
        return
    outputs = len(writes(step))
    itemsizes = [d.itemsize for d in dtypes]
    written_out = inmost(kernel.pattern, kept, len(sizes)) if kernel is not None and "#" in kernel.pattern else -1
    for axis, size in enumerate(sizes):
        if (product and axis != product.axis) or size % units or size < units or axis == written_out:
            continue
        per_unit, parts, reach = size // units, [], []
        for place, item, stride in zip(step.places, itemsizes, strides):
            unit = per_unit * stride[axis]
            inside = (per_unit - 1) * stride[axis] + item + sum(
                (n - 1) * abs(s) for d, (n, s) in enumerate(zip(sizes, stride)) if d != axis)
            if unit < 0 or (unit and inside > unit):
                break
            parts.append(_part(place, unit))
            reach.append(inside)
        else:
            summed = axis >= kept
            if summed and (kernel is None or outputs > 1 or not kernel.region.per_row[0]
                           or thread_cuts.halves(kernel.region, row) is None):
                continue
            if not summed and any(p.unit == 0 for p in parts[:outputs]):
                continue
            yield Cut(step, axis, per_unit, tuple(parts), summed, row, elements, tuple(reach))


def inmost(pattern: str, kept: int, loops: int) -> int:
    """The loop that a kernel of this pattern goes through innermost."""
    return kept - 1 if "|" in pattern else loops - 1


def _part(place: Place, unit: int) -> Part:
    return Part(space(place), place.number if place.kind == "fixed" else place.offset, unit)
