"""Dead steps: what a known kernel writes where nobody looks afterwards need not be computed.

Kernels of unknown content (LAPACK, Python) and checks of indices are kept: they may fail, and a call that fails
must go on failing. A training step whose loss nobody returns loses its last sum to this.
"""
from __future__ import annotations

from collections.abc import Collection, Sequence

from tapegrad.compiler.passes.work import Work, kernel_of, reads, writes
from tapegrad.compiler.traced_program import Item, Loop, Step, fails
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import products, structural


def dead(work: Work) -> Work:
    """The program without steps whose writes nobody reads."""
    alive = set(work.results)
    kept: list[Item] = []
    for step in reversed(work.steps):
        if isinstance(step, Loop):
            if step := _living(step, alive):
                kept.append(step)
            continue
        if _is_idle(step, alive):
            continue
        kept.append(step)
        alive.update(p.number for p in reads(step) if p.kind == "own")
    return work._replace(steps=kept[::-1])


def _living(loop: Loop, alive: set[int]) -> Loop | None:
    """A loop without such steps: one that another needs, in this turn or in the next, is alive."""
    steps: Sequence[Step] = ()
    while True:
        before, found = len(steps), []
        for step in reversed(loop.steps):
            if not _is_idle(step, alive):
                found.append(step)
                alive.update(p.number for p in reads(step) if p.kind == "own")
        steps = found[::-1]
        if len(steps) == before:
            return loop._replace(steps=tuple(steps)) if steps else None


def _is_idle(step: Step, alive: Collection[int]) -> bool:
    return not any(p.kind != "own" or p.number in alive for p in writes(step)) and (
        step.kind in (rec.CONSTANT, rec.ZEROED) or kernel_of(step) is not None or _only_computes(step))


def _only_computes(step: Step) -> bool:
    return isinstance(step, Step) and step.kind == rec.KERNEL and not fails(step) and (
        step.a in structural.effects or products.product(step.a) is not None)
