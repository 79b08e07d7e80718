"""Loops: what a turn leaves for none other is kept for none, and a body of scalars turns by itself.

They are found when a call is captured (`compiler/loops.py`). Here blocks that each turn has one slot of, and that
nobody else looks at, become that one slot; so do those that only hand something on to the next turn: a slot for each of
1,000 turns is memory that no cache holds (an LSTM of 14 by hand takes 0.8 of its memory without, and 0.85 of the time).
A body that is a single kernel of scalars becomes a kernel that loops (`turns_writer`): what passes from turn to turn
stays in registers. Numbers that a turn leaves for others lie side by side, in a record a turn: with an array for each,
every one of them takes a pointer that no register is left for.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tapegrad.compiler.passes.work import Work, kernel_of, passed_on, slot_of, times_used
from tapegrad.compiler.superinstructions import Access, access
from tapegrad.compiler.traced_program import Block, Group, Item, Loop, Place, Plain, Step, moved
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter
from tapegrad.machine.live import machine

_NUMBER = 8  # bytes of a slot that holds one


def loops(work: Work) -> Work:
    """The same program with loops that keep what they must."""
    uses = times_used(work.steps)
    blocks = [*work.blocks]

    def slim(item: Plain) -> Plain:
        if not isinstance(item, Loop):
            return item
        here = times_used([item])
        seen = passed_on(item.steps, blocks) | work.results | {n for n, times in here.items() if times != uses[n]}
        return _slim(item, here.keys() - seen, blocks)

    def turning(item: Plain) -> Plain:
        return (_turning(item) or item) if isinstance(item, Loop) else item

    def each(rule: Callable[[Plain], Plain], steps: Sequence[Any]) -> list[Any]:
        return [item._replace(steps=tuple(map(rule, item.steps))) if isinstance(item, Group) else rule(item)
                for item in steps]

    steps = _carried(each(slim, work.steps), blocks, work.results)
    steps = each(turning, _side_by_side(steps, blocks, work.results))
    return work._replace(steps=steps, blocks=blocks)


def _side_by_side(steps: Sequence[Item], blocks: list[Block], results: set[int]) -> list[Item]:
    """The same steps, where blocks of which the same loops use a number a turn, in the same order, are one."""
    moves: dict[int, dict[int, int]] = {}  # of a block: in which loop it goes by how much
    barred = set(results)
    for i, item in enumerate(steps):
        if isinstance(item, Group):
            barred |= {p.number for p in item.places if p.kind == "own"}
            continue
        for step in item.steps if isinstance(item, Loop) else (item,):
            for place, nbytes in zip(step.places, _widths(step)):
                if place.kind != "own":
                    continue
                number, stride = place.number, place.stride
                one = blocks[number].slot == _NUMBER and stride % _NUMBER == 0 and (
                    place.offset % _NUMBER + nbytes <= _NUMBER)
                alike = not isinstance(item, Loop) or moves.setdefault(number, {}).setdefault(i, stride) == stride
                if not (one and alike):
                    barred.add(number)
    together: dict[tuple[tuple[int, int], ...], list[int]] = {}
    for number, ways in moves.items():
        if number not in barred and any(ways.values()):
            together.setdefault(tuple(sorted(ways.items())), []).append(number)
    new: dict[int, tuple[int, int, int]] = {}  # the block, how far its numbers are apart, and which of each it is
    for numbers in together.values():
        if len(numbers) > 1:
            apart = _NUMBER * len(numbers)
            new.update((number, (len(blocks), apart, k)) for k, number in enumerate(numbers))
            blocks.append(Block(0, max(blocks[n].nbytes for n in numbers) * len(numbers), apart))

    def to(place: Place) -> Place:
        if place.kind != "own" or place.number not in new:
            return place
        block, apart, k = new[place.number]
        turn, rest = divmod(place.offset, _NUMBER)
        return Place("own", block, turn * apart + k * _NUMBER + rest, place.stride // _NUMBER * apart)

    return [item if isinstance(item, Group) else moved(item, to) for item in steps] if new else [*steps]


def _widths(step: Any) -> list[int]:
    """How many bytes a step uses of each place, as far as that is known to be a number at most."""
    kernel = kernel_of(step)
    if kernel is not None and kernel.pattern == "1":
        return [d.itemsize for d in (*kernel.region.outputs, *kernel.region.inputs)]
    return [step.b if step.kind == rec.ZEROED else _NUMBER + 1] * len(step.places)


def _slim(loop: Loop, local: set[int], blocks: list[Block]) -> Loop:
    """A loop whose turns all use the same slot of these blocks."""
    def first(place: Place) -> Place:
        if place.kind != "own" or place.number not in local:
            return place
        blocks[place.number] = Block(0, abs(place.stride))
        return Place("own", place.number, place.offset - slot_of(place) * abs(place.stride))

    return moved(loop, first) if local else loop


def _carried(steps: list[Item], blocks: list[Block], results: set[int]) -> list[Item]:
    """The same steps, where blocks that only take something from a turn to the next have one slot.

    That is so where a turn is done with what the last one left before it writes what it leaves itself, and who looks
    before the loop or after it looks at the first slot or at the last. Numbers are left alone: registers hold them.
    """
    within: dict[int, list[tuple[int, Place]]] = {}  # of a block: the places where it is used, and by which item
    barred = set(results)
    for i, item in enumerate(steps):
        for place in item.places:
            if place.kind == "own":
                within.setdefault(place.number, []).append((i, place))
                if isinstance(item, Group):
                    barred.add(place.number)
    moves: dict[int, dict[int, int]] = {}  # of a block: in which item it lies how much further on
    for number in within.keys() - barred:
        inside = {i for i, place in within[number] if place.stride}
        loop = steps[min(inside)] if len(inside) == 1 else None
        slot = blocks[number].slot
        if not isinstance(loop, Loop) or len(loop.steps) == 1 or slot <= _NUMBER:
            continue
        (at,) = inside
        last = _handed_on(loop, number, slot)
        if last is None:
            continue
        first = {i: 0 if i == at else last if i < at else last + loop.turns for i, _ in within[number]}
        if all(place.offset // slot == first[i] for i, place in within[number] if i != at):
            moves[number] = {i: slot * k for i, k in first.items()}
            blocks[number] = Block(0, slot)

    def on(i: int) -> Callable[[Place], Place]:
        def to(place: Place) -> Place:
            if place.kind != "own" or place.number not in moves:
                return place
            by = slot_of(place) * place.stride if place.stride else moves[place.number][i]
            return Place("own", place.number, place.offset - by)

        return to

    return [item if isinstance(item, Group) else moved(item, on(i)) for i, item in enumerate(steps)] if moves else steps


def _handed_on(loop: Loop, number: int, slot: int) -> int | None:
    """Which slot of a block the first turn finds what it needs in, if it uses the next one only when it is done."""
    uses = [(k, place.stride == slot, place.offset // slot)
            for k, step in enumerate(loop.steps) for place in step.places
            if place.kind == "own" and place.number == number]
    old = min(s for _, _, s in uses)
    if not all(alike and s in (old, old + 1) for _, alike, s in uses):
        return None
    done, begun = (({k for k, _, s in uses if s == which}) for which in (old, old + 1))
    return old if begun and max(done) < min(begun) else None


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
    letters = "".join("0" if not a.stride else "w" if k < outputs and a not in places[outputs:] else "m"
                      for k, a in enumerate(places))
    beside = _beside(places, {k for k, a in enumerate(places) if a in ahead})
    pattern = f"@{letters}:{','.join(back)}:{','.join(beside)}"
    address = emitter.compile_region(region, pattern, kernel.accumulate)
    nest = machine.keep_nest([loop.turns, *(a.stride for a in places)])
    return Step(rec.KERNEL, address, nest, step.places, b"", step.lines)


def _beside(places: Sequence[Access], registers: set[int]) -> Iterator[str]:
    """Which places are as far from another one in all turns, but for what comes back in `registers`."""
    first: dict[tuple[Any, int], int] = {}
    for k, a in enumerate(places):
        if a.stride and k not in registers:
            j = first.setdefault((a.space, a.stride), k)
            if j != k:
                yield f"{k}={j}+{a.start - places[j].start}"


def _next(a: Access) -> Access:
    """Where one reads in the first turn who finds in the next what this one wrote."""
    return a._replace(start=a.start - a.stride, end=a.end - a.stride)
