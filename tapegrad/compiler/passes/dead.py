"""Dead steps: what a known kernel writes where nobody looks afterwards need not be computed.

Kernels of unknown content (BLAS, LAPACK, Python) and checks of indices are kept: they may fail, and a call that fails
must go on failing. A training step whose loss nobody returns loses its last sum to this.
"""
from __future__ import annotations

from tapegrad.compiler.passes.work import Work, kernel_of, reads, writes
from tapegrad.compiler.traced_program import Step, fails
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import structural


def dead(work: Work) -> Work:
    """The program without steps whose writes nobody reads."""
    alive = set(work.results)
    kept = []
    for step in reversed(work.steps):
        if not any(p.kind != "own" or p.number in alive for p in writes(step)) and (
                step.kind in (rec.CONSTANT, rec.ZEROED) or kernel_of(step) is not None or _only_computes(step)):
            continue
        kept.append(step)
        alive.update(p.number for p in reads(step) if p.kind == "own")
    return work._replace(steps=kept[::-1])


def _only_computes(step: Step) -> bool:
    return isinstance(step, Step) and step.kind == rec.KERNEL and step.a in structural.effects and not fails(step)
