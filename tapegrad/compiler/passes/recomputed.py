"""Rematerialisation: a large value that little memory gives is computed again by the blocks that read it later.

`points - means[:, None]` is read by the forward's product and by the backward's, long after it has left the cache; what
it is made of has not. Made again where it is read, block by block, it passes through the cache both times, and needs no
array at all. Each computation is the same kernel on the same values, so that the answer is too.

It pays only between groups of `blocks`: within one, values are in the cache already.
"""
from __future__ import annotations

import math
from collections.abc import Sequence

from tapegrad.compiler.passes.blocks import fits
from tapegrad.compiler.passes.cuts import words_of
from tapegrad.compiler.passes.work import Work, is_simple, kernel_of, space, times_written, writes
from tapegrad.compiler.traced_program import Block, Group, Item, Loop, Place, Step, moved
from tapegrad.machine.kernels import costs_much
from tapegrad.ops.symbols import walk

LARGE = 1 << 19     # bytes that leave the second-level cache
LESS = 4            # times smaller than the value are its operands
OPERATIONS = 4      # that a value may take


def recomputed(work: Work) -> Work:
    """The same program with cheap large values computed in each group that reads them."""
    if sum(isinstance(item, Group) for item in work.steps) < 2:
        return work
    users: dict[int, list[int]] = {}
    for at, item in enumerate(work.steps):
        for number in {p.number for p in item.places if p.kind == "own"}:
            users.setdefault(number, []).append(at)
    written, blocks, steps = times_written(work.steps), list(work.blocks), list(work.steps)
    for first in range(len(steps)):  # as they are by now: what is made again within a group is read by no other
        for step in steps[first].steps if _is_plain(steps[first]) else ():
            place = step.places[0]
            if not is_simple(step) or blocks[place.number].nbytes < LARGE or place.number in work.results or (
                    written[space(place)] != 1 or users[place.number][0] != first or not _is_cheap(step)):
                continue
            later = users[place.number][1:]
            if not all(_is_plain(steps[at]) for at in later) or not later or _changes(step, steps[first:later[-1] + 1]):
                continue
            made = {at: _with(steps[at], step, len(blocks) + n) for n, at in enumerate(later)}
            if all(fits(g) for g in made.values()):
                blocks += [Block(0, blocks[place.number].nbytes)] * len(made)
                for at, new in made.items():
                    steps[at] = new
    return work._replace(steps=steps, blocks=blocks)


def _is_plain(item: Item) -> bool:
    return isinstance(item, Group) and not any(isinstance(s, Loop) for s in item.steps)


def _is_cheap(step: Step) -> bool:
    """Whether a step takes a few instructions an element, and reads much less than it writes."""
    kernel = kernel_of(step)
    assert kernel is not None
    nodes = [n for n in walk(kernel.region.values) if n.args]
    if len(nodes) > OPERATIONS or any(n.op in ("reduce", "index") for n in nodes) or costs_much(
            kernel.region.values):
        return False
    _, _, sizes, strides = words_of(step)
    read = sum(math.prod(n for n, s in zip(sizes, own) if s) * of.itemsize
               for own, of in zip(strides[1:], kernel.region.inputs))
    return LESS * read <= math.prod(sizes) * kernel.region.outputs[0].itemsize


def _changes(step: Step, items: Sequence[Item]) -> bool:
    """Whether one of some items may write what a step reads; what is not the program's own may overlap."""
    operands = {space(p) for p in step.places[1:]}
    outside = any(kind != "own" for kind, _ in operands)
    return any(p.stride for p in step.places) or any(
        space(p) in operands or (outside and p.kind != "own") for item in items for p in writes(item))


def _with(group: Group, step: Step, number: int) -> Group:
    """A group that computes what it read, in a block of this number, before all else."""
    before = step.places[0].number

    def renamed(place: Place) -> Place:
        return place._replace(number=number) if place.kind == "own" and place.number == before else place

    return group._replace(steps=(moved(step, renamed), *(moved(s, renamed) for s in group.steps)))
