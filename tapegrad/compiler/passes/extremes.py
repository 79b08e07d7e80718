"""Extremes: the element at the position of a row's minimum or maximum is that minimum or maximum.

`x.min(1)` looks for positions, checks them as any indices, and reads x at these. Without the read x need be no array,
and without the check, which they cannot fail, what made x runs with what comes after. Of zeros of both signs any may be
the one, as in `amin`.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tapegrad.compiler.passes.cuts import words_of
from tapegrad.compiler.passes.work import Work, between_loops, kernel_of, single, space, times_written, writes
from tapegrad.compiler.traced_program import Step
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter, loop_nests, structural
from tapegrad.machine.live import machine
from tapegrad.ops.scalar import row
from tapegrad.ops.symbols import Sym


def extremes(work: Work) -> Work:
    """The same program with such reads as reductions, and without the checks of such positions."""
    if not any(step.a in structural.effects for step in single(work.steps)):  # nothing is read at indices
        return work
    written = times_written(work.steps)
    return between_loops(work, lambda steps: _reduced(steps, written))


def _reduced(steps: Sequence[Step], written: Counter[tuple[str, int]]) -> list[Step]:
    out: list[Step] = []
    positions: dict[int, Step] = {}  # of the blocks that hold some, what looked for them where that still lies
    for step in steps:
        at = positions.get(step.places[-1].number) if step.kind == rec.KERNEL and step.places and (
            step.places[-1].kind == "own" and not step.places[-1].offset) else None
        if at is not None and step.a == structural.in_range() and _are_in_range(step, at):
            continue
        new = None if at is None else _read(step, at)
        out.append(new or step)
        changed = [space(p) for p in writes(step)]
        outside = any(kind != "own" for kind, _ in changed)
        positions = {n: s for n, s in positions.items() if space(s.places[1]) not in changed and not (
            outside and s.places[1].kind != "own")}
        if _looks(step) and written[space(step.places[0])] == 1:
            positions[step.places[0].number] = step
    return out


def _looks(step: Step) -> bool:
    kernel = kernel_of(step)
    if kernel is None or len(kernel.region.inputs) != 1 or len(kernel.region.values) != 1 or kernel.pattern == "1":
        return False
    x = Sym.operand(0, kernel.region.inputs[0])
    target = step.places[0]
    if not any(kernel.region.values[0] is found for found in (row.argmin(x, ()), row.argmax(x, ()))) or (
            target.kind != "own" or target.offset):
        return False
    kept, reduced, sizes, (own, _) = words_of(step)
    return (kept, reduced) == (1, 1) and sizes[1] > 0 and own[0] == 8


def _are_in_range(check: Step, looks: Step) -> bool:
    count, low, span = machine.memory(check.b, "i8", 3).tolist()
    _, _, (rows, size), _ = words_of(looks)
    return count <= rows and low <= 0 and size <= low + span


def _read(step: Step, looks: Step) -> Step | None:
    """The reduction that gives what a step reads at the positions that another looked for."""
    of = emitter.kernels[looks.a].region.inputs[0]
    if not structural.is_indexed(step.a, structural.READ, of) or len(step.places) != 3:
        return None
    words = machine.memory(step.b, "i8", 13).tolist()
    _, _, (rows, size), (_, source) = words_of(looks)
    if words != [1, 2, 0, rows, 1, of.itemsize, 0, source[0], 0, 8, 0, source[1], size] or (
            step.places[1] != looks.places[1] or any(p.stride for p in step.places)):
        return None
    x = Sym.operand(0, of)
    kind = emitter.kernels[looks.a].region.values[0].value[3:]
    nest = loop_nests.build((rows, size), [[of.itemsize, 0], source], [of.itemsize] * 2, (1,), True)
    region = emitter.Region((of,), (getattr(row, kind)(x, ()),), (of,), (True,))
    address = emitter.compile_region(region, nest.pattern, (False,))
    return Step(rec.KERNEL, address, machine.keep_nest(nest.words.tolist()), step.places[:2], b"", step.lines)
