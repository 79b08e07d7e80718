"""Stores: zeros that a kernel stores over at once are not written; those it adds to are added to in a register.

The gradient of a part (`x[1:]`, or in a batch of them `x[:, 1:]`) is zeros, and that part stored or, of some kinds,
added. The zeros that are left are those beside it: `0 + x` is what an addition computed, a negative zero included.
"""
from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from tapegrad import dtypes
from tapegrad.compiler.passes.work import Work, between_loops, kernel_of, space
from tapegrad.compiler.superinstructions import constant_blocks
from tapegrad.compiler.traced_program import Place, Step
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter, loop_nests
from tapegrad.machine.live import machine
from tapegrad.ops.scalar import scalar
from tapegrad.ops.symbols import Sym

SCALAR = 8  # bytes: what is no longer is better off as a constant
_ADDED = dtypes.float32, dtypes.float64


def stores(work: Work) -> Work:
    """The same program with first additions to zeros as stores."""
    constants = constant_blocks(work.steps, work.results).keys()
    return between_loops(work, lambda steps: _stored(steps, constants))


def _stored(steps: Sequence[Step], constants: Collection[int]) -> list[Step]:
    found: list[list[Step]] = [[s] for s in steps]
    zeroed: dict[tuple[str, int], tuple[int, int]] = {}  # the step that wrote so many zeros, which nobody has used yet
    for t, step in enumerate(steps):
        spaces = {space(p) for p in step.places}
        for at, nbytes in [zeroed.pop(s) for s in spaces if s in zeroed]:
            (zeros,) = found[at]
            added = _added(step, zeros.places[0], nbytes)
            if added is not None and len(spaces & {space(zeros.places[0])}) == 1:
                found[t], found[at] = [added[0]], added[1]
        nbytes = zeros_of(step, constants)
        if nbytes:
            zeroed[space(step.places[0])] = t, nbytes
            if step.kind != rec.KERNEL:
                found[t] = [_zeros(step.places[0], nbytes)]
    return [s for several in found for s in several]


def zeros_of(step: Step, constants: Collection[int]) -> int:
    """How many bytes of zeros a step writes to memory of the program's own, which is no constant."""
    if not step.places or step.places[0].kind != "own":
        return 0
    if step.kind == rec.CONSTANT:
        plain = step.places[0].number not in constants and len(step.content) > SCALAR and not any(step.content)
        return len(step.content) if plain else 0
    if step.kind == rec.ZEROED:
        return step.b
    kernel = kernel_of(step)
    if kernel is None or kernel.region.inputs or kernel.pattern != "c" or any(kernel.accumulate):
        return 0
    (value, *more), of = kernel.region.values, kernel.region.outputs[0]
    kept, reduced, count = map(int, machine.memory(step.b, "i8", 3))
    plain = not more and value.op == "const" and not np.array(value.value, of.numpy).tobytes().strip(b"\0")
    return count * of.itemsize if plain and (kept, reduced) == (1, 0) else 0


def _added(step: Step, whole: Place, nbytes: int) -> tuple[Step, list[Step]] | None:
    """A step that writes a part of these zeros, and nothing else, as one that stores; and the zeros beside it."""
    kernel = kernel_of(step)
    if kernel is None or len(kernel.accumulate) != 1 or any(kernel.region.per_row):
        return None
    (of,), (value,) = kernel.region.outputs, kernel.region.values
    target = step.places[0]
    if of not in _ADDED or target.stride != whole.stride or space(target) != space(whole) or any(
            space(p) == space(whole) for p in step.places[1:]):
        return None
    rows, row, apart = 1, of.itemsize, nbytes
    if kernel.pattern != "1":
        if set(kernel.pattern) - set("c0") or kernel.pattern[0] != "c":
            return None
        kept, reduced, *sizes = map(int, machine.memory(step.b, "i8", 4))
        if reduced or kept > 2:
            return None
        row = sizes[kept - 1] * of.itemsize
        if kept == 2:
            rows, apart = sizes[0], int(machine.memory(step.b, "i8", 5)[4])
    before, inside = target.offset - whole.offset, rows * row
    if before < 0 or apart < row or before + (rows - 1) * apart + row > nbytes or 2 * inside < nbytes:
        return None  # many zeros are written sooner in one go
    if rows > 1 and (rows * apart != nbytes or before + row > apart or (apart - row) % of.itemsize):
        return None
    address = step.a
    if kernel.accumulate[0]:
        region = kernel.region._replace(values=(scalar.add(Sym.const(0.0, of), value).cast(of),))
        address = emitter.compile_region(region, kernel.pattern, (False,))
    beside = [(whole, before), (target._replace(offset=target.offset + row), apart - before - row)]
    return step._replace(a=address), [
        _zeros(place, n) if rows == 1 else _columns(place, of, rows, apart, n // of.itemsize, step.lines)
        for place, n in beside if n]


def _zeros(place: Place, nbytes: int) -> Step:
    return Step(rec.ZEROED, 0, nbytes, (place,), b"")


def _columns(place: Place, of: dtype, rows: int, apart: int, count: int, lines: tuple[int, ...]) -> Step:
    """Zeros in so many columns; a kernel, for it may be run with what computes the rest of each row."""
    nest = loop_nests.build([rows, count], [[apart, of.itemsize]], [of.itemsize])
    region = emitter.Region((), (Sym.const(0.0, of),), (of,), (False,))
    address = emitter.compile_region(region, nest.pattern, (False,))
    return Step(rec.KERNEL, address, machine.keep_nest(nest.words.tolist()), (place,), b"", lines)
