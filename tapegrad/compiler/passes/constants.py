"""Constants: a scalar that depends on constants alone is computed now, by its own kernel, so that no digit changes.

Whole arrays are left as they are: one that is filled with a number is better filled in a register, where it is used.
"""
from __future__ import annotations

import numpy as np

from tapegrad.compiler.passes.work import Work, is_simple, space, times_written
from tapegrad.compiler.program import Program
from tapegrad.compiler.superinstructions import constant_blocks, fuse
from tapegrad.compiler.traced_program import Step
from tapegrad.machine import records as rec
from tapegrad.machine.startup import address_of

SCALAR = 8  # bytes


def constants(work: Work) -> Work:
    """The program with scalars of constants as constants."""
    known = set(constant_blocks(work.steps, work.results))
    counts = times_written(work.steps)
    folded: dict[int, Step] = {}
    given: list[Step] = []
    for step in work.steps:
        place = step.places[0] if step.places else None
        if step.kind == rec.CONSTANT and place and place.number in known:
            given.append(step)
        elif (place and is_simple(step) and work.blocks[place.number].nbytes <= SCALAR
              and counts[space(place)] == 1 and place.number not in work.results
              and all(p.kind == "own" and p.number in known for p in step.places[1:])):
            known.add(place.number)
            folded[place.number] = step
    if not folded:
        return work
    memory = np.zeros(len(folded), "u8")
    computed = fuse([*folded.values()], set(folded), {})  # one kernel to compile, for what are a handful of scalars
    program = Program([*given, *computed], work.blocks, list(folded), [], [], [])
    if program.launch(fresh=[address_of(memory) + 8 * i for i in range(len(folded))]) != rec.PASSED:
        return work
    content = dict(zip(folded, memory))

    def constant(step: Step) -> Step:
        number = step.places[0].number if step.places and step.places[0].kind == "own" else -1
        if folded.get(number) is not step:
            return step
        return Step(rec.CONSTANT, 0, 0, step.places[:1], content[number].tobytes()[:work.blocks[number].nbytes])

    return work._replace(steps=[constant(s) for s in work.steps])
