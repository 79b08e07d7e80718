"""What a pass works on, and what it may ask about a step."""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from tapegrad import dtypes
from tapegrad.compiler.traced_program import Block, Group, Item, Loop, Place, Step, kernel_of, reads, space, writes
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import structural
from tapegrad.machine.live import machine
from tapegrad.named_tuples import NamedTuple

__all__ = ["Work", "between_loops", "dtypes_of", "is_copy", "is_pure", "is_simple", "kernel_of", "passed_on", "reads",
           "single", "space", "times_used", "times_written", "writes"]


class Work(NamedTuple):
    """A program: steps over blocks, of which the `results` are read after it."""

    steps: list[Any]  # Step; after `blocks` Group as well, after `lowered` Blocked
    blocks: Sequence[Block]
    results: set[int]


def between_loops(work: Work, rule: Callable[[Sequence[Step]], list[Step]]) -> Work:
    """The same program after a rule for straight lines of steps: those between loops, and the turn of each loop."""
    out: list[Any] = []
    line: list[Step] = []
    for item in work.steps:
        if isinstance(item, Step):
            line.append(item)
            continue
        out += rule(line)
        line = []
        out.append(item._replace(steps=tuple(rule(item.steps))) if isinstance(item, Loop) else item)
    return work._replace(steps=out + rule(line))


def times_written(steps: Sequence[Item]) -> Counter[tuple[str, int]]:
    return Counter(space(p) for step in steps for p in writes(step))


def is_simple(step: Step) -> bool:
    """Whether a step is a known kernel that stores one value, made of what it reads, at the start of an own block."""
    kernel = kernel_of(step)
    return (kernel is not None and len(kernel.region.outputs) == 1 and not any(kernel.accumulate)
            and step.places[0].kind == "own" and step.places[0].offset == 0)


def is_pure(step: Step) -> bool:
    """Whether a step is a kernel of no rule that writes the start of an own block, and does so again if run again."""
    found = structural.effects.get(step.a) if step.kind == rec.KERNEL else None
    return found is not None and found.pure and step.places[0].kind == "own" and step.places[0].offset == 0


def is_copy(step: Step, blocks: Sequence[Block]) -> bool:
    """Whether a simple step copies one block to another, byte by byte and as a whole.

    One of truth values does not: a byte that is neither 0 nor 1, seen through `view(torch.bool)`, becomes 1.
    """
    kernel = kernel_of(step)
    if kernel is None or len(step.places) != 2 or step.places[1].kind != "own" or step.places[1].offset:
        return False
    (value,), (given,), (of,) = kernel.region.values, kernel.region.inputs, kernel.region.outputs
    target, source = (blocks[p.number].nbytes for p in step.places)
    if value.op != "operand" or given is not of or of is dtypes.bool_ or target != source:
        return False
    if kernel.pattern == "1":
        return target == of.itemsize
    kept, reduced, count = (int(n) for n in machine.memory(step.b, "i8", 3))
    return kernel.pattern == "cc" and (kept, reduced) == (1, 0) and count * of.itemsize == target


def times_used(items: Sequence[Item]) -> Counter[int]:
    """How many steps use each block of the program's own."""
    return Counter(n for step in single(items) for n in {p.number for p in step.places if p.kind == "own"})


def single(items: Sequence[Item]) -> Iterator[Any]:
    """Steps one by one, those of groups and loops too."""
    for item in items:
        if isinstance(item, (Group, Loop)):
            yield from single(item.steps)
        else:
            yield item


def dtypes_of(steps: Iterable[Step]) -> dict[int, dtype | None]:
    """Of what dtype each block is that kernels use as of one."""
    found: dict[int, dtype | None] = {}
    for step in steps:
        kernel = kernel_of(step)
        for place, of in zip(step.places, (*kernel.region.outputs, *kernel.region.inputs) if kernel else ()):
            if place.kind == "own":
                found[place.number] = of if found.get(place.number, of) is of else None
    return found


def passed_on(steps: Sequence[Step], blocks: Sequence[Block]) -> set[int]:
    """Of the blocks that the steps of a loop use those of which a turn may see what another left there."""
    slots: dict[int, set[tuple[int, int]]] = {}
    for step in steps:
        for place in step.places:
            if place.kind == "own":
                slots.setdefault(place.number, set()).add((place.stride, slot_of(place)))

    def apart(number: int, stride: int) -> bool:
        return bool(stride and blocks[number].slot) and stride % blocks[number].slot == 0

    return {n for n, found in slots.items() if len(found) > 1 or not apart(n, next(iter(found))[0])}


def slot_of(place: Place) -> int:
    """Which part of its block, of as many bytes as it moves, a place of a loop lies in in the first turn."""
    return place.offset // abs(place.stride) if place.stride else 0
