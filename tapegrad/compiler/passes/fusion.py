"""Superinstructions (`compiler/superinstructions.py`), in runs of plain steps and within groups."""
from __future__ import annotations

from collections.abc import Sequence

from tapegrad.compiler.passes.short_vectors import as_scalars
from tapegrad.compiler.passes.work import Work, passed_on, times_used
from tapegrad.compiler.superinstructions import Known, constant_blocks, fuse
from tapegrad.compiler.traced_program import Group, Item, Loop, Plain, Step
from tapegrad.machine import records as rec


def fusion(work: Work) -> Work:
    """The same program with runs of compatible steps as single kernels."""
    constants = constant_blocks(work.steps, work.results)
    # What is written once and only read lies ready before the program starts, and breaks no run in two.
    ready = [isinstance(s, Step) and s.kind == rec.CONSTANT and s.places[0].number in constants for s in work.steps]
    uses = times_used(work.steps)
    out: list[Item] = [s for s, r in zip(work.steps, ready) if r]
    run: list[Step] = []
    known: Known = {}

    def fused(steps: Sequence[Step], reduced: bool = True, turns: int = 1) -> list[Step]:
        kept = {n for n, times in times_used(steps).items() if n in work.results or times != uses[n]}
        if turns > 1:
            kept |= passed_on(steps, work.blocks)
            steps = as_scalars(steps)
        return fuse(steps, kept, constants, reduced, turns, known)

    def turning(loop: Loop) -> Loop:
        return loop._replace(steps=tuple(fused(loop.steps, turns=loop.turns)))

    def grouped(group: Group) -> Group:
        found: list[Plain] = []
        line: list[Step] = []
        for item in group.steps:
            if isinstance(item, Step):
                line.append(item)
                continue
            found += [*fused(line, False), turning(item)]
            line = []
        return group._replace(steps=(*found, *fused(line, False)))

    for item, r in zip(work.steps, ready):
        if isinstance(item, Step):
            if not r:
                run.append(item)
            continue
        out += fused(run)
        run = []
        out.append(turning(item) if isinstance(item, Loop) else grouped(item) if isinstance(item, Group) else item)
    return work._replace(steps=out + fused(run))
