"""Short vectors in loops: a body of a few elements here and there becomes one of scalars, which stays in registers.

A step on four elements is a call, and leaves them in memory, where the next one finds them. As scalars, all that a turn
does is one kernel, slices and `cat` are names, and what passes to the next turn stays where it is.
"""
from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

from tapegrad.compiler.passes.work import dtypes_of
from tapegrad.compiler.superinstructions import CHUNK
from tapegrad.compiler.traced_program import Place, Step, kernel_of
from tapegrad.dtypes import dtype, number_in
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import accumulator, costs_much, emitter
from tapegrad.machine.live import machine
from tapegrad.ops.scalar import scalar
from tapegrad.ops.symbols import Sym, compacted, rewrite, walk

SHORT = 8  # elements: registers hold a few such vectors
PAIR = 2  # of so many the sum is the same in whatever order a kernel adds


def as_scalars(steps: Sequence[Step]) -> Sequence[Step]:
    """The steps of a loop's body as steps on scalars, if all of them can be, and are few enough for one kernel."""
    lengths = [_length(s) for s in steps]
    if 0 in lengths or max(lengths, default=1) == 1 or sum(lengths) > CHUNK:
        return steps
    of_blocks = dtypes_of(steps)
    found: list[Step] = []
    for step, length in zip(steps, lengths):
        if step.kind != rec.KERNEL:
            numbers = _numbers(step, of_blocks.get(step.places[0].number))
            if not numbers:
                return steps
            found += numbers
        else:
            found += _elements(step, length)
    return found if len(found) <= CHUNK else steps


def _length(step: Step) -> int:
    """How many elements a step computes, each by itself and as a scalar's kernel would; 0 if it does anything else."""
    if step.kind in (rec.ZEROED, rec.CONSTANT):
        return 1
    kernel = kernel_of(step)
    if kernel is None or len(kernel.region.outputs) != 1:
        return 0
    region, pattern, _ = kernel
    reduces = _sums(region)
    if not reduces and (any(region.per_row) or any(n.op in ("reduce", "index", "count") for n in walk(region.values))):
        return 0
    if pattern == "1":
        return not reduces
    if set(pattern) - set("c0") or (pattern[0] != "c" and not reduces) or costs_much(
            [v.cast(d) for v, d in zip(region.values, region.outputs)]):
        return 0  # functions give vectors other last bits
    kept, reduced, count = map(int, machine.memory(step.b, "i8", 3))
    if reduces:
        return count if (kept, reduced) == (0, 1) and 0 < count <= PAIR else 0
    return count if (kept, reduced) == (1, 0) and count <= SHORT else 0


def _sums(region: emitter.Region) -> bool:
    """Whether a kernel does nothing but add up each row."""
    nodes = walk(region.values)
    return all(region.per_row) and [n.value for n in nodes if n.op == "reduce"] == ["sum"] and not any(
        n.op == "index" for n in walk(region.values))


def _elements(step: Step, length: int) -> Iterator[Step]:
    kernel = emitter.kernels[step.a]
    if kernel.pattern == "1":
        yield step
        return
    region = kernel.region
    nest = machine.keep_nest([0, 0])
    by = [d.itemsize if c == "c" else 0 for c, d in zip(kernel.pattern, (*region.outputs, *region.inputs))]
    turns = [tuple([_on(p, i * b) for p, b in zip(step.places, by)]) for i in range(length)]
    if _sums(region):
        used, written_out = _written_out(region, length)
        places = [place for turn in turns for place in turn[1:]]
        turns = [(step.places[0], *(places[u] for u in used))]
        region = written_out
    one = emitter.compile_region(region, "1", kernel.accumulate)
    for turn in turns:
        yield Step(rec.KERNEL, one, nest, turn, b"", step.lines)


def _written_out(region: emitter.Region, count: int) -> tuple[list[int], emitter.Region]:
    """The sum of a row of so many elements as a kernel of scalars, and which it reads of all operands of all elements.
    """
    inputs = region.inputs

    def of_element(i: int, node: Sym) -> Sym | None:
        return Sym.operand(node.value + i * len(inputs), node.dtype) if node.op == "operand" else replaced(node)

    def replaced(node: Sym) -> Sym | None:
        if node.op == "count":
            return Sym.const(count, node.dtype)
        if node.op != "reduce":
            return None
        of, start, _ = accumulator(node)
        total = Sym.const(start, of)
        for i in range(count):
            (term,) = rewrite(node.args, functools.partial(of_element, i))
            total = scalar.add(total, term.cast(of))
        return total.cast(node.dtype)

    used, values = compacted(rewrite(region.values, replaced))
    return used, emitter.Region(tuple([inputs[u % len(inputs)] for u in used]), tuple(values), region.outputs, (False,))


def _numbers(step: Step, of: dtype | None) -> list[Step]:
    """The steps that write constants one by one; none if that cannot be, for it is not known what they are."""
    (place,) = step.places
    nbytes = step.b if step.kind == rec.ZEROED else len(step.content)
    if place.kind != "own" or of is None or nbytes % of.itemsize or nbytes // of.itemsize > SHORT:
        return []
    found, nest = [], machine.keep_nest([0, 0])
    for i in range(0, nbytes, of.itemsize):
        number = number_in(step.content[i:i + of.itemsize], of) if step.kind == rec.CONSTANT else 0
        if number != number:
            return []
        region = emitter.Region((), (Sym.const(number, of),), (of,), (False,))
        kernel = emitter.compile_region(region, "1", (False,))
        found.append(Step(rec.KERNEL, kernel, nest, (_on(place, i),), b""))
    return found


def _on(place: Place, by: int) -> Place:
    """The place so many bytes further on."""
    if place.kind == "fixed":
        return place._replace(number=place.number + by)
    return place._replace(offset=place.offset + by)
