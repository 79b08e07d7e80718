"""Parts that move of tensors that a call writes to: whoever rearranges its steps has to see what lies in what.

A part counts as memory of its own, which is right where nothing else of its tensor is used. Where more is, each step
works on a copy of the part, and what copies it there and back names the tensor as well.
"""
from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from tapegrad.compiler.refusals import Still
from tapegrad.compiler.superinstructions import contiguous_bytes
from tapegrad.compiler.traced_program import Block, Loop, Place, Step, reads, space, targets
from tapegrad.compiler.waves import is_wave
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import structural
from tapegrad.machine.learning import parts as moving_parts
from tapegrad.machine.live import machine
from tapegrad.named_tuples import NamedTuple


class _Span(NamedTuple):
    """What overlapping parts cover together: from argument number `argument` on, copied to a block."""

    argument: int
    nbytes: int
    block: int
    whole: Place


def apart(steps: Sequence[Any], blocks: list[Block], parts: Sequence[moving_parts.Part], first: int,
          written: Collection[int], whole: Callable[[int], Place]) -> list[Any]:
    """The steps of a call that has these parts as its arguments from `first` on, and has `written` to some tensors.

    Tensors are told by their owner rows; `whole` is the place where such a storage begins. Blocks of the program's own
    are put after the others. Still where this cannot be done.
    """
    spaces = {space(p) for s in steps for p in s.places}
    used = [part.row for k, part in enumerate(parts) if ("argument", first + k) in spaces and part.row in written]
    spans: dict[int, tuple[_Span, int]] = {}  # by the part, with how far in it begins
    for row in dict.fromkeys(used):
        if used.count(row) == 1 and space(whole(row)) not in spaces:
            continue
        # In the order in which they were taken: which lies first is another at the next call.
        for together in sorted(_overlapping([k for k, part in enumerate(parts) if part.row == row], parts), key=min):
            begin, end = parts[together[0]].first, max(parts[k].end for k in together)
            span = _Span(first + together[0], end - begin, len(blocks), whole(row))
            blocks.append(Block(0, span.nbytes))
            spans.update((k, (span, parts[k].first - begin)) for k in together)
    return [*_on_copies(steps, spans, first)] if spans else list(steps)


def _overlapping(which: Sequence[int], parts: Sequence[moving_parts.Part]) -> Iterator[list[int]]:
    """Parts of one tensor, in the order of their addresses, in groups that overlap: these move together."""
    group: list[int] = []
    for k in sorted(which, key=lambda k: parts[k].first):
        if group and parts[k].first >= max(parts[j].end for j in group):
            yield group
            group = []
        group.append(k)
    if group:
        yield group


def _on_copies(steps: Sequence[Step | Loop], spans: dict[int, tuple[_Span, int]], first: int) -> Iterator[Step | Loop]:
    def found(place: Place) -> tuple[_Span, int] | None:
        return spans.get(place.number - first) if place.kind == "argument" else None

    def copied(place: Place) -> Place:
        at = found(place)
        return place if at is None else place.at("own", at[0].block, at[1])

    for step in steps:
        met = dict.fromkeys(at[0] for at in map(found, step.places) if at is not None)
        if not met:
            yield step
            continue
        if isinstance(step, Loop) or is_wave(step) or step.kind == rec.DRAWN:
            raise Still("it writes to a tensor that it takes a part of")
        now = step._replace(places=tuple(map(copied, step.places)))
        to = {place.number for place in targets(now) if place.kind == "own"}
        read = {place.number for place in reads(now) if place.kind == "own"}
        for span in met:
            if span.block in read or not _fills(now, span):
                yield _moved(span, True)
        yield now
        for span in met:
            if span.block in to:
                yield _moved(span, False)


def _fills(step: Step, span: _Span) -> bool:
    """Whether a step writes all of a copy."""
    nbytes = step.b if step.kind == rec.ZEROED else len(step.content) if step.kind == rec.CONSTANT else (
        contiguous_bytes(step))
    return step.places[0] == Place("own", span.block, 0) and nbytes == span.nbytes


def _moved(span: _Span, there: bool) -> Step:
    """What copies a part to its block, or back."""
    part, block = Place("argument", span.argument, 0), Place("own", span.block, 0)
    places = (block, part, span.whole) if there else (part, span.whole, block)
    return Step(rec.KERNEL, structural.moved(there), machine.keep_nest([span.nbytes]), places, b"")


def put_back(step: Step | Loop) -> int:
    """How many bytes a step copies back to a part, to its first place; 0 if it is another step."""
    if isinstance(step, Loop) or step.kind != rec.KERNEL or step.a != structural.moved(False):
        return 0
    return int(machine.memory(step.b, "i8", 1)[0])
