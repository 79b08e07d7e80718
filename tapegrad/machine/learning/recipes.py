"""From a lesson to a recipe: what native code follows at the next call of the kind, or that it is to ask Python."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.learning.notes import Lesson, Noted
from tapegrad.machine.live import machine, planner
from tapegrad.machine.llvm import jit
from tapegrad.machine.startup import address_of

LARGEST_COPIED, MOST_COPIED = 1 << 15, 1 << 22  # bytes of one constant that is copied for callers, and of all of them
MOST_ASKED = 1024
_kept: list[Any] = []  # what native code points into
_left: list[Any] = []  # the same of recipes that are not to be found any more: a call may be following one
_copied = 0  # bytes of constants that are copied
_asked: set[bytes] = set()  # keys of calls that would be answered with a copy, had they come before


def remember(lesson: Lesson, result: Any, n_starts: int, args: Sequence[Any]) -> None:
    """Write the recipe of a lesson, or that there is none, where native code finds it."""
    results = _results(lesson, result)
    if lesson.again:
        return
    starts: list[tuple[int, int, int]] = []
    steps = lesson.steps
    if results is not None and n_starts:
        found = _starts(args[0], args[1], steps)
        if found is None or len(found[0]) != n_starts:
            results = None
        else:
            starts, steps = found
    recipe = np.zeros(1, rec.RECIPE)
    recipe["words"], recipe["n_words"] = address_of(lesson.key), len(lesson.key)
    if lesson.factors and (not lesson.used or sum(x is lesson.given for x in lesson.factors) > 1):
        results = None  # it goes into the result in some other way
    if results is None:
        recipe["flags"] = rec.OF_ONE_FACTOR if lesson.factors else rec.LEFT_TO_PYTHON
        _kept.append((recipe, lesson.key))
    else:
        kind = type(result)
        arrays = [_array(np.array([r & 0xFFFFFFFF for r in s.operands], "u4")) for s in steps]
        rows = np.zeros(max(len(steps), 1), rec.RECIPE_STEP)
        for native, step, operands in zip(rows, steps, arrays):
            native["plan"], native["layout"], native["mode"] = step.plan, step.layout, step.mode
            native["count"] = len(step.operands)
            native["operands"] = address_of(operands if step.draw is None else step.draw[0])
            native["offset"], native["shift"], native["start"] = step.offset, step.shift, step.start
            native["stride"], native["adjoint_stride"] = (n & (1 << 64) - 1 for n in step.along)
        ends, limits = np.array(results, "u4"), np.array(starts or [(0, 0, 0)], rec.START)
        recipe["steps"], recipe["n_steps"] = address_of(rows), len(steps)
        recipe["results"], recipe["n_results"] = address_of(ends), len(results)
        recipe["starts"], recipe["n_starts"] = address_of(limits), len(starts)
        recipe["kind"] = id(kind) if isinstance(result, tuple) else 0
        recipe["flags"] = rec.HAS_CONSTANTS if lesson.constants else 0
        recipe["stream"] = lesson.stream
        _kept.append((recipe, lesson.key, rows, arrays, ends, limits, kind, lesson.constants, steps))
    with jit.BUILDING:
        if lesson.turn == planner.turns:
            machine.insert_recipe(lesson.key, address_of(recipe))


def _forget() -> None:
    """Forget all recipes."""
    global _copied
    _copied = 0
    _left[:] = _kept
    _kept.clear()


planner.when_forgetting.append(_forget)


def _array(a: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return a if a.size else np.zeros(1, a.dtype)


def _results(lesson: Lesson, result: Any) -> list[int] | None:
    """References to what the call returned; None where it cannot be done again.

    A kept tensor is not given away, but copies of it, nor is a view of one: the caller may write to what it gets.
    """
    if not lesson.wrote and _writes(lesson.function.__name__):
        return None  # what it did instead was not noted
    if result is None and lesson.fits and lesson.wrote:
        return []
    found = result if isinstance(result, tuple) else (result,)
    if not lesson.fits or not any(isinstance(x, machine.TensorBase) for x in found) or not all(
            x is None or isinstance(x, machine.TensorBase) for x in found):
        return None
    for x in found:
        if id(x) in lesson.kept and id(x) not in lesson.references and _may_copy(lesson, x):
            like = machine.call.empty(x._layout)
            machine.call.fill_from(like, x._memory())
            lesson.constants.append(like)
            lesson.references[id(x)] = rec.STEP_RESULT + len(lesson.steps)
            flags = rec.REQUIRES_GRAD if x.requires_grad else 0
            lesson.steps.append(Noted(flags, (rec.FIXED | int(like._buffer),), x._layout, rec.COPIES))
    references = [rec.NOTHING if x is None else lesson.references.get(id(x)) for x in found]
    for reference in references:
        if reference is None:
            return None
        while reference >= rec.STEP_RESULT and lesson.steps[reference - rec.STEP_RESULT].layout \
                and lesson.steps[reference - rec.STEP_RESULT].mode not in (rec.COPIES, rec.DRAWS):
            reference = lesson.steps[reference - rec.STEP_RESULT].operands[0]
            if reference & rec.FIXED:
                return None
    return [r for r in references if r is not None]


def _may_copy(lesson: Lesson, x: Any) -> bool:
    """Whether a tensor can be kept, to be copied for who asks for one like it.

    Not for the first who does: where each call has another size, each would be kept, and the block it lies in with it.
    """
    global _copied
    layout = planner.layouts.all[x._layout]
    if not layout.dense or not layout.nbytes <= LARGEST_COPIED or _copied + layout.nbytes > MOST_COPIED:
        return False
    key = lesson.key.tobytes()
    if key not in _asked:
        if len(_asked) > MOST_ASKED:
            _asked.clear()
        _asked.add(key)
        lesson.again = True
        return False
    _copied += layout.nbytes
    return True


def _writes(name: str) -> bool:
    """Whether a function of that name writes in place."""
    return name.endswith("_") and not name.endswith("__")


def _starts(x: Any, index: Any, steps: list[Noted]) -> tuple[list[tuple[int, int, int]], list[Noted]] | None:
    """How the start numbers of `x[index]` move the views it is made of; None where there is more than views.

    A write follows them where something is assigned. The items are gone through as the facade goes through them: one
    view for each int, None, and slice of less than all.
    """
    items = index if isinstance(index, tuple) else (index,)
    if any(i is not None and i is not Ellipsis and type(i) not in (int, slice) for i in items) or (
            items.count(Ellipsis) > 1):
        return None
    shape = list(x.shape)
    used = sum(i is not None and i is not Ellipsis for i in items)
    dim = at = 0
    limits: list[tuple[int, int, int]] = []
    moved = list(steps)
    assigned = bool(steps) and steps[-1].mode == rec.WRITES
    for item in items:
        if item is Ellipsis:
            dim += len(x.shape) - used
        elif item is None:
            shape.insert(dim, 1)
            dim, at = dim + 1, at + 1
        elif isinstance(item, int):
            n = shape.pop(dim)
            limits.append((-n, n, n))
            moved[at] = _moved(moved[at], len(limits))
            at += 1
        else:
            n = shape[dim]
            first, last, step = item.indices(n)
            shape[dim] = length = len(range(first, last, step))
            whole = (first, last, step) == (0, n, 1) and (assigned or item is not index)
            if _is_start(item):
                limits.append((0, n - length + 1, 0))
                if not whole:
                    moved[at] = _moved(moved[at], len(limits))
            at += not whole
            dim += 1
    if assigned:
        return (limits, moved) if all(s.layout for s in moved[:at]) and at < len(moved) else None
    if all(s.layout for s in moved) and (at == len(moved) or (at == 0 and len(moved) == 1)):
        return limits, moved
    return None


def _is_start(item: slice) -> bool:
    """Whether native code took a slice as a start and a length (`call_keys.put_place`)."""
    return item.step is None and all(
        end is None or (type(end) is int and -1 << 63 <= end < 1 << 63) for end in (item.start, item.stop))


def _moved(step: Noted, start: int) -> Noted:
    """A view that starts where start number `start` - 1 says."""
    return step._replace(offset=0, shift=0, start=start)
