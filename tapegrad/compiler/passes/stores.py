"""Stores: zeros that a kernel stores over at once are not written; those it adds to are added to in a register.

The gradient of a part (`x[1:]`) is zeros, and that part stored or, of some kinds, added. The zeros that are left are
those beside it: `0 + x` is what an addition computed, a negative zero included.
"""
from __future__ import annotations

from collections.abc import Collection, Sequence

from tapegrad import dtypes
from tapegrad.compiler.passes.work import Work, between_loops, kernel_of, space
from tapegrad.compiler.superinstructions import constant_blocks
from tapegrad.compiler.traced_program import Place, Step
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter
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
    zeroed: dict[tuple[str, int], int] = {}  # the step that wrote zeros, which nobody has used yet
    for t, step in enumerate(steps):
        spaces = {space(p) for p in step.places}
        for at in [zeroed.pop(s) for s in spaces if s in zeroed]:
            (zeros,) = found[at]
            added = _added(step, zeros)
            if added is not None and len(spaces & {space(zeros.places[0])}) == 1:
                found[t], found[at] = [added[0]], added[1]
        if _is_zeros(step, constants):
            zeroed[space(step.places[0])] = t
            found[t] = [Step(rec.ZEROED, 0, len(step.content) or step.b, step.places, b"")]
    return [s for several in found for s in several]


def _is_zeros(step: Step, constants: Collection[int]) -> bool:
    """Whether a step writes zeros to memory of the program's own, which is no constant."""
    if step.kind == rec.CONSTANT:
        place = step.places[0]
        return (place.kind == "own" and place.number not in constants and len(step.content) > SCALAR
                and not any(step.content))
    return step.kind == rec.ZEROED and step.places[0].kind == "own"


def _added(step: Step, zeros: Step) -> tuple[Step, list[Step]] | None:
    """A step that writes a part of these zeros, and nothing else, as one that stores; and the zeros beside it."""
    kernel = kernel_of(step)
    if kernel is None or len(kernel.accumulate) != 1 or any(kernel.region.per_row):
        return None
    (of,), (value,) = kernel.region.outputs, kernel.region.values
    whole, target = zeros.places[0], step.places[0]
    if of not in _ADDED or target.stride != whole.stride or space(target) != space(whole) or any(
            space(p) == space(whole) for p in step.places[1:]):
        return None
    count = 1
    if kernel.pattern != "1":
        if set(kernel.pattern) - set("c0") or kernel.pattern[0] != "c":
            return None
        kept, reduced, count = map(int, machine.memory(step.b, "i8", 3))
        if (kept, reduced) != (1, 0):
            return None
    before, nbytes = target.offset - whole.offset, count * of.itemsize
    after = zeros.b - before - nbytes
    if before < 0 or after < 0 or nbytes < before + after:  # many zeros are written sooner in one go
        return None
    address = step.a
    if kernel.accumulate[0]:
        region = kernel.region._replace(values=(scalar.add(Sym.const(0.0, of), value).cast(of),))
        address = emitter.compile_region(region, kernel.pattern, (False,))
    beside = [(whole, before), (target._replace(offset=target.offset + nbytes), after)]
    return step._replace(a=address), [_zeros(place, n) for place, n in beside if n]


def _zeros(place: Place, nbytes: int) -> Step:
    return Step(rec.ZEROED, 0, nbytes, (place,), b"")
