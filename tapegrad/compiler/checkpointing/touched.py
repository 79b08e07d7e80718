"""What a step uses: from which byte to which of every place, and in how many turns."""
from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tapegrad.compiler.passes.cuts import words_of
from tapegrad.compiler.passes.work import kernel_of
from tapegrad.compiler.traced_program import Blocked, Item, Loop, Place, Step, uses
from tapegrad.machine import records as rec
from tapegrad.machine.kernels.products import product
from tapegrad.machine.live import machine
from tapegrad.named_tuples import NamedTuple

_ALL = 1 << 62  # bytes before and after a place of which nobody knows how much is used


class Use(NamedTuple):
    """What a step does with one place: from `start` to `end`, in bytes from there; `dense` if it writes all of that."""

    place: Place
    start: int
    end: int
    dense: bool
    written: bool
    read: bool

    def slots(self, slot: int, turns: int = 1) -> tuple[int, int]:
        """The first and the last slot, in all turns together."""
        far = (turns - 1) * self.place.stride
        start, end = self.place.offset + self.start + min(far, 0), self.place.offset + self.end + max(far, 0)
        return start // slot, (end - 1) // slot


def turns_of(item: Item) -> int:
    """The turns of a loop; 0 for what is none."""
    if isinstance(item, Loop):
        return item.turns
    kernel = kernel_of(item)
    if not isinstance(item, Step) or kernel is None or kernel.pattern[0] != "@":
        return 0
    return int(machine.memory(item.b, "i8", 1)[0])


def uses_of(item: Item) -> Iterator[tuple[Use, int]]:
    """What the calls of an item use, each in how many turns."""
    if isinstance(item, Blocked):
        for run in item.runs:
            for call in run.calls:
                alone = Step(rec.KERNEL, call.kernel, call.nest, tuple([o.place for o in call.operands]), b"")
                yield from ((use, run.turns) for use, o in zip(used_by(alone), call.operands) if not o.private)
        return
    turns = max(turns_of(item), 1)
    steps: Any = item.steps if isinstance(item, Loop) else (item,)
    for step in steps:
        yield from ((use, turns) for use in used_by(step))


def moving_in(loop: Item) -> set[int]:
    """The blocks of which a loop writes another part in each turn."""
    return {u.place.number for u, _ in uses_of(loop) if u.written and u.place.kind == "own" and u.place.stride}


def used_by(step: Any) -> list[Use]:
    written, first_read = uses(step.kind, step.a)
    extents = _extents(step)
    found = [Use(place, start, end, dense, written is None or j < written, first_read is None or j >= first_read)
             for j, (place, (start, end, dense)) in enumerate(zip(step.places, extents))]
    return sorted(found, key=lambda use: use.written)  # it reads before it writes


def _extents(step: Step) -> list[tuple[int, int, bool]]:
    kernel, known = kernel_of(step), product(step.a) if step.kind == rec.KERNEL else None
    nbytes = {rec.ZEROED: step.b, rec.CONSTANT: len(step.content), rec.GUARD: len(step.content)}.get(step.kind)
    if nbytes is not None:
        return [(0, nbytes, True)] * len(step.places)
    if kernel is not None and kernel.pattern[0] in "1@":
        return [(0, d.itemsize, True) for d in (*kernel.region.outputs, *kernel.region.inputs)]
    if kernel is not None and kernel.pattern[0] != "~":
        items = [d.itemsize for d in (*kernel.region.outputs, *kernel.region.inputs)]
    elif known is not None and known.by_nest:
        items = [known.of.itemsize] * len(step.places)
    else:
        return [(-_ALL, _ALL, False)] * len(step.places)
    kept, _, sizes, strides = words_of(step)
    found = []
    for item, by in zip(items, strides):
        far = [(n - 1) * s for n, s in zip(sizes, by)]
        start, end = sum(min(f, 0) for f in far), sum(max(f, 0) for f in far) + item
        found.append((start, end, math.prod(sizes[:kept]) * item == end - start))
    return found
