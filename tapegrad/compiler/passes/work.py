"""What a pass works on, and what it may ask about a step."""
from __future__ import annotations

import functools
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


@functools.cache
def _uses(kind: int, address: int) -> tuple[int | None, int]:
    """How many of a step's places, from the first, it may write, and from which on it reads (None: all of them)."""
    kernel = emitter.kernels.get(address) if kind == rec.KERNEL else None
    if kernel is not None:
        outputs = len(kernel.region.outputs)
        return outputs, 0 if any(kernel.accumulate) else outputs
    return 0 if kind == rec.GUARD else None, 0 if kind in (rec.KERNEL, rec.GUARD) else 1 << 30


def writes(step: Step) -> Sequence[Place]:
    """The places a step may write to; of an unknown kernel all of them."""
    return step.places[:_uses(step.kind, step.a)[0]]


def reads(step: Step) -> Sequence[Place]:
    """The places a step may read."""
    return step.places[_uses(step.kind, step.a)[1]:]


def space(place: Place) -> tuple[str, int]:
    """The piece of memory a place lies in."""
    return (place.kind, place.offset) if place.kind == "fixed" else (place.kind, place.number)


def times_written(steps: Sequence[Step]) -> Counter[tuple[str, int]]:
    return Counter(space(p) for step in steps for p in writes(step))


@functools.cache
def _stores_one(address: int) -> bool:
    kernel = emitter.kernels.get(address)
    return kernel is not None and len(kernel.region.outputs) == 1 and not any(kernel.accumulate)


def is_simple(step: Step) -> bool:
    """Whether a step is a known kernel that stores one value, made of what it reads, at the start of an own block."""
    place = step.places[0] if step.places else None
    return (step.kind == rec.KERNEL and place is not None and place.kind == "own" and place.offset == 0
            and _stores_one(step.a))
