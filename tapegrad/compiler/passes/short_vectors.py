"""Short vectors in loops: a body of a few elements here and there becomes one of scalars, which stays in registers.

A step on four elements is a call, and leaves them in memory, where the next one finds them. As scalars, all that a turn
does is one kernel, slices and `cat` are names, and what passes to the next turn stays where it is.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from tapegrad.compiler.passes.work import dtypes_of
from tapegrad.compiler.superinstructions import CHUNK
from tapegrad.compiler.traced_program import Place, Step, kernel_of
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import calls_functions, emitter
from tapegrad.machine.live import machine
from tapegrad.ops.symbols import Sym, walk

SHORT = 8  # elements: registers hold a few such vectors


def as_scalars(steps: Sequence[Step]) -> Sequence[Step]:
    """The steps of a loop's body as steps on scalars, if all of them can be, and are few enough for one kernel."""
    lengths = [_length(s) for s in steps]
    if 0 in lengths or max(lengths, default=1) == 1 or sum(lengths) > CHUNK:
        return steps
    cleared = dtypes_of(steps)
    found: list[Step] = []
    for step, length in zip(steps, lengths):
        if step.kind == rec.ZEROED:
            (place,) = step.places
            of = cleared.get(place.number)
            if place.kind != "own" or of is None or step.b % of.itemsize or step.b // of.itemsize > SHORT:
                return steps
            found += _zeros(place, of, step.b // of.itemsize)
        else:
            found += _elements(step, length)
    return found if len(found) <= CHUNK else steps


def _length(step: Step) -> int:
    """How many elements a step computes, each by itself and as a scalar's kernel would; 0 if it does anything else."""
    if step.kind == rec.ZEROED:
        return 1
    kernel = kernel_of(step)
    if kernel is None or len(kernel.region.outputs) != 1 or any(kernel.region.per_row) or any(
            n.op in ("reduce", "index", "count") for n in walk(kernel.region.values)):
        return 0
    if kernel.pattern == "1":
        return 1
    if set(kernel.pattern) - set("c0") or kernel.pattern[0] != "c" or calls_functions(
            [v.cast(d) for v, d in zip(kernel.region.values, kernel.region.outputs)]):
        return 0  # functions give vectors other last bits
    kept, reduced, count = map(int, machine.memory(step.b, "i8", 3))
    return count if (kept, reduced) == (1, 0) and count <= SHORT else 0


def _elements(step: Step, length: int) -> Iterator[Step]:
    kernel = emitter.kernels[step.a]
    if kernel.pattern == "1":
        yield step
        return
    region = kernel.region
    scalar = emitter.compile_region(region, "1", kernel.accumulate)
    nest = machine.keep_nest([0, 0])
    by = [d.itemsize if c == "c" else 0 for c, d in zip(kernel.pattern, (*region.outputs, *region.inputs))]
    for i in range(length):
        yield Step(rec.KERNEL, scalar, nest, tuple([_on(p, i * b) for p, b in zip(step.places, by)]), b"", step.lines)


def _zeros(place: Place, of: dtype, count: int) -> Iterator[Step]:
    kernel = emitter.compile_region(emitter.Region((), (Sym.const(0, of),), (of,), (False,)), "1", (False,))
    nest = machine.keep_nest([0, 0])
    for i in range(count):
        yield Step(rec.KERNEL, kernel, nest, (_on(place, i * of.itemsize),), b"")


def _on(place: Place, by: int) -> Place:
    """The place so many bytes further on."""
    if place.kind == "fixed":
        return place._replace(number=place.number + by)
    return place._replace(offset=place.offset + by)
