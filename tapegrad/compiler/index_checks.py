"""Checks of indices, before everything else: a replay that ends at one of them has done nothing that others see.

A check reads one index operand and writes nothing, so it may come earlier, up to where the operand was last written,
and it says nothing new the second time. Of a constant it says the same at every call: what it said in the capture.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tapegrad.compiler.superinstructions import constant_blocks
from tapegrad.compiler.traced_program import Step, is_check, space, writes
from tapegrad.machine.kernels.structural import OFFENDING
from tapegrad.machine.live import machine


def checks_first(steps: Sequence[Step]) -> list[Step]:
    """The same steps with each check once, and those of memory that was there before the call in front."""
    if not any(is_check(s) for s in steps):
        return list(steps)
    constants = constant_blocks(steps, set())
    versions: Counter[tuple[str, int]] = Counter()
    seen: set[tuple[object, ...]] = set()
    first: list[Step] = []
    rest: list[Step] = []
    for step in steps:
        if not is_check(step):
            rest.append(step)
            versions.update(space(p) for p in writes(step))
            continue
        (place,) = step.places
        if place.kind == "own" and place.number in constants:
            continue
        key = (place, versions[space(place)], machine.memory(step.b, "i8", OFFENDING).tobytes())
        if key not in seen:
            seen.add(key)
            (rest if place.kind == "own" or versions[space(place)] else first).append(step)
    return first + rest
