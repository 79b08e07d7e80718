"""Copies into parts: who computes what `cat` and the like would copy writes it where it is to lie.

Only a block takes part that one kernel writes and one copy reads. Between the two nobody may use what the copy writes:
then it may as well be there sooner.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tapegrad import dtypes
from tapegrad.compiler.passes.work import Work, between_loops, kernel_of, space, times_used
from tapegrad.compiler.traced_program import Place, Step
from tapegrad.machine import records as rec
from tapegrad.machine.live import machine
from tapegrad.named_tuples import NamedTuple


class _Row(NamedTuple):
    """A kernel call that writes so many bytes from the start of its first place on; `copies` if it does just that."""

    nbytes: int
    copies: bool


def placed(work: Work) -> Work:
    """The same program without such copies."""
    uses = times_used(work.steps)
    return between_loops(work, lambda steps: _placed(steps, uses, work.results))


def _placed(steps: Sequence[Step], uses: Counter[int], results: set[int]) -> list[Step]:
    found = list(steps)
    writers: dict[int, int] = {}  # the step that wrote a block which is used twice
    gone: set[int] = set()
    for t, step in enumerate(steps):
        row = _row(step)
        if row is None:
            continue
        target = step.places[0]
        if row.copies and target.kind == "own":
            source = step.places[1]
            at = writers.pop(source.number, -1) if source.kind == "own" else -1
            if at >= 0 and _may_move(found, at, t, target, row.nbytes):
                found[at] = found[at]._replace(places=(target, *found[at].places[1:]))
                gone.add(t)
                continue
        if target.kind == "own" and uses[target.number] == 2 and target.number not in results:
            writers[target.number] = t
    return [s for t, s in enumerate(found) if t not in gone]


def _may_move(steps: Sequence[Step], at: int, t: int, target: Place, nbytes: int) -> bool:
    """Whether step `at` may write to the target of the copy `t`, which copies all that it wrote, and just that."""
    writer, copy = steps[at], steps[t]
    row = _row(writer)
    if row is None or row.nbytes != nbytes or writer.places[0] != copy.places[1] or any(
            space(p) == space(target) for p in writer.places[1:]):
        return False
    for step in steps[at + 1:t]:
        between = _row(step)
        for k, place in enumerate(step.places):
            if space(place) != space(target):
                continue
            apart = between is not None and k == 0 and place.stride == target.stride and (
                place.offset + between.nbytes <= target.offset or target.offset + nbytes <= place.offset)
            if not apart:
                return False
    return True


def _row(step: Step) -> _Row | None:
    kernel = kernel_of(step)
    if step.kind != rec.KERNEL or kernel is None or len(kernel.region.outputs) != 1 or any(kernel.region.per_row) or (
            any(kernel.accumulate)):
        return None
    (of,), (value,) = kernel.region.outputs, kernel.region.values
    copies = (value.op == "operand" and kernel.region.inputs == (of,) and kernel.pattern in ("cc", "1")
              and of is not dtypes.bool_)  # see `is_copy`
    if kernel.pattern == "1":
        return _Row(of.itemsize, copies)
    if set(kernel.pattern) - set("c0") or kernel.pattern[0] != "c":
        return None
    kept, reduced, count = map(int, machine.memory(step.b, "i8", 3))
    return _Row(count * of.itemsize, copies) if (kept, reduced) == (1, 0) else None
