"""Loops: what a turn leaves for none other is kept for none, and a body of scalars turns by itself.

They are found when a call is captured (`compiler/loops.py`). Here blocks that each turn has one slot of, and that
nobody else looks at, become that one slot. A body that is a single kernel of scalars becomes a kernel that loops
(`turns_writer`): what passes from turn to turn stays in registers.
"""
from __future__ import annotations

from tapegrad.compiler.passes.work import Work, kernel_of, passed_on, slot_of, times_used
from tapegrad.compiler.superinstructions import Access, access
from tapegrad.compiler.traced_program import Block, Group, Loop, Place, Plain, Step, moved
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter
from tapegrad.machine.live import machine


def loops(work: Work) -> Work:
    """The same program with loops that keep what they must."""
    uses = times_used(work.steps)
    blocks = [*work.blocks]

    def slim(item: Plain) -> Plain:
        if not isinstance(item, Loop):
            return item
        here = times_used([item])
        seen = passed_on(item.steps, blocks) | work.results | {n for n, times in here.items() if times != uses[n]}
        item = _slim(item, here.keys() - seen, blocks)
        return _turning(item) or item

    steps = [item._replace(steps=tuple(map(slim, item.steps))) if isinstance(item, Group) else slim(item)
             for item in work.steps]
    return work._replace(steps=steps, blocks=blocks)


def _slim(loop: Loop, local: set[int], blocks: list[Block]) -> Loop:
    """A loop whose turns all use the same slot of these blocks."""
    def first(place: Place) -> Place:
        if place.kind != "own" or place.number not in local:
            return place
        blocks[place.number] = Block(0, abs(place.stride))
        return Place("own", place.number, place.offset - slot_of(place) * abs(place.stride))

    return moved(loop, first) if local else loop


def _turning(loop: Loop) -> Step | None:
    """A loop of one kernel of scalars, as one kernel."""
    step, *more = loop.steps
    kernel = kernel_of(step)
    if more or kernel is None or kernel.pattern != "1" or any(kernel.accumulate):
        return None
    region, outputs = kernel.region, len(kernel.region.outputs)
    places = [access(p, of, "c", 1) for p, of in zip(step.places, (*region.outputs, *region.inputs))]
    if any(a != b and a.overlaps(b, loop.turns) for a in places[:outputs] for b in places):
        return None
    ahead = {_next(b): j for j, b in enumerate(places[:outputs])}
    back = [f"{k}>{ahead[a]}" for k, a in enumerate(places) if k >= outputs and a in ahead]
    if any(a != b and a == b._replace(of=a.of) for a in places[outputs:] for b in ahead):
        return None  # what passes on is read as other numbers than were written
    pattern = "@" + "".join("m" if a.stride else "0" for a in places) + ":" + ",".join(back)
    address = emitter.compile_region(region, pattern, kernel.accumulate)
    nest = machine.keep_nest([loop.turns, *(a.stride for a in places)])
    return Step(rec.KERNEL, address, nest, step.places, b"")


def _next(a: Access) -> Access:
    """Where one reads in the first turn who finds in the next what this one wrote."""
    return a._replace(start=a.start - a.stride, end=a.end - a.stride)
