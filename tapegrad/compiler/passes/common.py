"""Common subexpressions: the same kernel over the same values is run once, and who read the second reads the first.
Who read a copy of a whole block reads the block.

Only blocks that are written once take part: then what they hold is one value, and no order of writes matters. Inside a
superinstruction equal expressions are one node anyway; this pass finds them across superinstructions, for instance
where the backward of two branches expands the same gradient.
"""
from __future__ import annotations

from collections import Counter

from tapegrad.compiler.passes.work import Work, is_copy, is_pure, is_simple, space, times_written, writes
from tapegrad.compiler.traced_program import Place, Step, moved


def common(work: Work) -> Work:
    """The program with equal computations done once."""
    counts = times_written(work.steps)
    versions: Counter[tuple[str, int]] = Counter()
    seen: dict[tuple[object, ...], int] = {}
    instead: dict[int, int] = {}
    kept: list[Step] = []

    def renamed(place: Place) -> Place:
        if place.kind == "own" and place.number in instead:
            return place._replace(number=instead[place.number])
        return place

    def renamed_copy(step: Step) -> int | None:
        """The block that this step copies, if it does nothing else and the block is written once too."""
        source = step.places[-1]
        if source.kind == "own" and is_copy(step, work.blocks) and counts[space(source)] == 1:
            return source.number
        return None

    for step in work.steps:
        if instead and any(p.number in instead for p in step.places):
            step = moved(step, renamed)
        if (is_simple(step) or is_pure(step)) and counts[space(step.places[0])] == 1:
            number = step.places[0].number
            source = renamed_copy(step)
            if source is not None and number not in work.results:
                instead[number] = source
                continue
            key = (step.a, step.b, work.blocks[number].nbytes, step.places[1:],
                   tuple([versions.get(space(p), 0) for p in step.places[1:]]))
            first = seen.setdefault(key, number)
            if first != number and number not in work.results:
                instead[number] = first
                continue
        kept.append(step)
        for place in writes(step):
            if place.kind != "own" or counts[space(place)] > 1:  # else there is one version: nobody reads before it
                versions[space(place)] += 1
    return work._replace(steps=kept)
