"""What a pass works on, and what it may ask about a step."""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from tapegrad.compiler.capture import Block, Group, Item, Step, kernel_of, reads, space, writes

__all__ = ["Work", "is_simple", "kernel_of", "reads", "space", "times_used", "times_written", "writes"]


class Work(NamedTuple):
    """A program: steps over blocks, of which the `results` are read after it."""

    steps: list[Any]  # Step; after `blocks` Group as well, after `lowered` Blocked
    blocks: Sequence[Block]
    results: set[int]


def times_written(steps: Sequence[Item]) -> Counter[tuple[str, int]]:
    return Counter(space(p) for step in steps for p in writes(step))


def is_simple(step: Step) -> bool:
    """Whether a step is a known kernel that stores one value, made of what it reads, at the start of an own block."""
    kernel = kernel_of(step)
    return (kernel is not None and len(kernel.region.outputs) == 1 and not any(kernel.accumulate)
            and step.places[0].kind == "own" and step.places[0].offset == 0)


def times_used(items: Sequence[Item]) -> Counter[int]:
    """How many steps use each block of the program's own."""
    steps = [s for item in items for s in (item.steps if isinstance(item, Group) else (item,))]
    return Counter(n for step in steps for n in {p.number for p in step.places if p.kind == "own"})
