"""Large matrix products in pieces, for several threads: as calls that are run block by block, of one call each."""
from __future__ import annotations

from typing import Any

from tapegrad.compiler.passes.cuts import words_of
from tapegrad.compiler.passes.work import Work
from tapegrad.compiler.traced_program import Blocked, Call, Operand, Step, Turns
from tapegrad.machine import records as rec
from tapegrad.machine.kernels.products import product
from tapegrad.machine.live import machine
from tapegrad.machine.planning import thread_cuts


def products(work: Work) -> Work:
    """The same program with large products cut along their longer side, or along their batches."""
    return work._replace(steps=[_cut(s) for s in work.steps])


def _cut(step: Any) -> Any:
    known = product(step.a) if isinstance(step, Step) and step.kind == rec.KERNEL else None
    if known is None or not known.by_nest:
        return step
    _, _, sizes, strides = words_of(step)
    words = 2 + len(sizes) * (1 + len(strides))
    cut = thread_cuts.cut_product(machine.memory(step.b, "i8", words))
    if cut is None:
        return step
    axis, pieces, unit = (int(cut[field][0]) for field in ("axis", "pieces", "unit"))
    size = sizes[axis]
    block = -(-size // (pieces * unit)) * unit
    operands = tuple(Operand(place, own[axis], 0, False) for place, own in zip(step.places, strides))
    call = Call(step.a, step.b, words, axis, 1, operands, step.lines)
    return Blocked(size, block, -(-size // block), (Turns(1, (call,)),), 0)
