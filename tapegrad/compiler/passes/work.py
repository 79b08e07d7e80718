"""What a pass works on, and what it may ask about a step."""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from tapegrad.compiler.capture import Block, Place, Step
from tapegrad.machine import emitter
from tapegrad.machine import records as rec


class Work(NamedTuple):
    """A program: steps over blocks, of which the `results` are read after it."""

    steps: list[Step]
    blocks: Sequence[Block]
    results: set[int]


def kernel_of(step: Step) -> emitter.Kernel | None:
    """What a step computes, if that is known: a kernel that was emitted from a rule."""
    return emitter.kernels.get(step.a) if step.kind == rec.KERNEL else None


def writes(step: Step) -> Sequence[Place]:
    """The places a step may write to; of an unknown kernel all of them."""
    kernel = kernel_of(step)
    if kernel is not None:
        return step.places[:len(kernel.region.outputs)]
    return () if step.kind == rec.GUARD else step.places


def reads(step: Step) -> Sequence[Place]:
    """The places a step may read."""
    kernel = kernel_of(step)
    if kernel is not None:
        outputs = len(kernel.region.outputs)
        return step.places if any(kernel.accumulate) else step.places[outputs:]
    return step.places if step.kind in (rec.KERNEL, rec.GUARD) else ()


def space(place: Place) -> tuple[str, int]:
    """The piece of memory a place lies in."""
    return (place.kind, place.offset) if place.kind == "fixed" else (place.kind, place.number)


def times_written(steps: Sequence[Step]) -> Counter[tuple[str, int]]:
    return Counter(space(p) for step in steps for p in writes(step))


def is_simple(step: Step) -> bool:
    """Whether a step is a known kernel that stores one value, made of what it reads, at the start of an own block."""
    kernel = kernel_of(step)
    return (kernel is not None and len(kernel.region.outputs) == 1 and not any(kernel.accumulate)
            and step.places[0].kind == "own" and step.places[0].offset == 0)
