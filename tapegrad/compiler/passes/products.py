"""Large matrix products in pieces, for several threads: as calls that are run block by block, of one call each."""
from __future__ import annotations

from typing import Any

from tapegrad.compiler.passes.work import Work
from tapegrad.compiler.traced_program import Blocked, Call, Operand, Step, Turns
from tapegrad.machine import records as rec
from tapegrad.machine.kernels.products import product
from tapegrad.machine.live import machine
from tapegrad.machine.planning import thread_cuts

_HEAD, _AXES = 6, 4  # a product's nest: [3, 1, batches, m, n, k], then four strides of each operand
_TILE = 32   # a block begins where a tile of the micro-kernel does, or near it


def products(work: Work) -> Work:
    """The same program with large products cut along their longer side, or along their batches."""
    return work._replace(steps=[_cut(s) for s in work.steps])


def _cut(step: Any) -> Any:
    known = product(step.a) if isinstance(step, Step) and step.kind == rec.KERNEL else None
    if known is None or not known.by_nest:
        return step
    words = _HEAD + _AXES * len(step.places)
    nest = machine.memory(step.b, "i8", words)
    cut = thread_cuts.cut_product(nest)
    if cut is None:
        return step
    axis, pieces = int(cut["axis"][0]), int(cut["pieces"][0])
    size = int(nest[2 + axis])
    block = -(-size // pieces)
    if block > _TILE:
        block = -(-block // _TILE) * _TILE
    operands = tuple(Operand(place, int(nest[_HEAD + _AXES * j + axis]), 0, False)
                     for j, place in enumerate(step.places))
    return Blocked(size, block, -(-size // block), (Turns(1, (Call(step.a, step.b, words, axis, 1, operands),)),), 0)
