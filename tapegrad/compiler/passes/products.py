"""Large matrix products in pieces, for several threads: as calls that are run block by block, of one call each."""
from __future__ import annotations

import functools
from typing import Any

from tapegrad.compiler.passes.cuts import words_of
from tapegrad.compiler.passes.work import Work
from tapegrad.compiler.traced_program import Blocked, Call, Operand, Step, Turns
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import structural
from tapegrad.machine.kernels.products import product
from tapegrad.machine.live import machine
from tapegrad.machine.planning import thread_cuts


def products(work: Work) -> Work:
    """The same program with large products cut along their longer side, or along their batches.

    Along columns are cut weighted sums of products, and arithmetic on picked columns.
    """
    return work._replace(steps=[_cut(s) for s in work.steps])


def _cut(step: Any) -> Any:
    if not isinstance(step, Step) or step.kind != rec.KERNEL:
        return step
    known, cut = product(step.a), thread_cuts.cut_product
    if step.a in structural.weighted_sums:
        cut = thread_cuts.cut_weighted
    elif step.a in structural.gatherings:
        cut = thread_cuts.cut_gathered
    elif step.a in structural.rows_abreast:
        cut = functools.partial(thread_cuts.cut_abreast, rows=structural.rows_abreast[step.a])
    elif known is None or not known.by_nest:
        return step
    _, _, sizes, strides = words_of(step)
    words = 2 + len(sizes) * (1 + len(strides))
    found = cut(machine.memory(step.b, "i8", words))
    if found is None:
        return step
    axis, pieces, unit = (int(found[field][0]) for field in ("axis", "pieces", "unit"))
    size = sizes[axis]
    block = -(-size // (pieces * unit)) * unit
    operands = tuple(Operand(place, own[axis], 0, False) for place, own in zip(step.places, strides))
    call = Call(step.a, step.b, words, axis, 1, operands, step.lines)
    return Blocked(size, block, -(-size // block), (Turns(1, (call,)),), 0)
