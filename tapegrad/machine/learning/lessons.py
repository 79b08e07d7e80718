"""How native code learns what a facade function does: the first call of a kind is written down while Python runs it.

Native code asks (`teach`) when it finds no recipe for the key of a call. While the lesson lasts every operation goes
through Python, where `dispatch` notes it: plans that were run, views that were made, and at last a write in place, each
with where its operands came from (`notes`). If that was all, it becomes the key's recipe (`recipes`), and the next call
of the kind runs without Python; if the function looked at elements, went on after a write, or drew from two streams,
the key is marked as Python's.

Tensors that the function made of nothing but its arguments' shapes and numbers (a mask, positions) are kept with the
recipe, and are so made once.
"""
from __future__ import annotations

import contextlib
import functools
import inspect
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from operator import is_
from typing import Any, TypeVar

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.learning.notes import Lesson, Noted
from tapegrad.machine.learning.recipes import remember
from tapegrad.machine.live import machine, planner
from tapegrad.machine.startup import address_of

MOST = 1024  # recipes of one function; a function called with ever other numbers is left to Python then
F = TypeVar("F", bound=Callable[..., Any])

active: Lesson | None = None
_choosing = threading.Lock()
_teacher = 0  # the thread whose lesson there is, or was: it may have been interrupted, and have ended
_counts: dict[Any, int] = {}
several: set[Callable[..., Any]] = set()  # functions that are another for each first argument
_put_off: set[bytes] = set()  # keys of calls that are taught when they are not captured


def current() -> Lesson | None:
    """The lesson under way in this thread."""
    lesson = active  # read once: other threads' lessons begin and end
    return lesson if lesson is not None and lesson.thread == threading.get_ident() else None


def teach(address: int, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a facade function and leave what it did for native code; `address` is where the call's key was gathered."""
    global _teacher
    kind = (id(function), args[0]) if function in several else id(function)
    count = _counts.get(kind, 0)
    if count >= MOST or not _is_free():
        return function(*args, **kwargs)
    try:
        return _taught(address, kind, count, function, *args, **kwargs)
    finally:
        _teacher = 0


def _is_free() -> bool:
    """Whether this thread may begin a lesson, while there is no other in whatever thread; no other begins then."""
    global _teacher
    me = threading.get_ident()
    with _choosing:
        if (_teacher == me and current() is not None) or (
                _teacher not in (0, me) and _teacher in sys._current_frames()):
            return False
        _teacher = me
    return True


def _taught(address: int, kind: Any, count: int, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The lesson itself, while there is no other, in whatever thread."""
    global active
    known = machine.memory(address, "u8", rec.KEY_WORDS + rec.MAX_KEY)
    key = known[rec.KEY_WORDS:rec.KEY_WORDS + int(known[0])].copy()
    captured = machine.state["trace"] != 0
    if captured and key.tobytes() in _put_off:
        return function(*args, **kwargs)
    given = next((a for a in (*args, *kwargs.values()) if id(a) == int(known[rec.KEY_GIVEN])), None)
    lesson = Lesson(key, function, -1 if kwargs else len(args), _tensors((args, kwargs), given), given)
    if type(given) is float and id(function) != machine.state["assigning"]:
        lesson.factors = [a for a in (*args, *kwargs.values()) if type(a) is float]
    active = lesson
    machine.state["teaching"] = 1
    try:
        result = function(*args, **kwargs)
    finally:
        active = None
        machine.state["teaching"] = 0
    if lesson.may_be_remembered:
        _counts[kind] = count + 1
        remember(lesson, result, int(known[2]), args)
    elif captured and len(_put_off) < MOST:
        _put_off.add(key.tobytes())
    return result


def _forget() -> None:
    """All recipes are forgotten."""
    _put_off.clear()
    _counts.clear()


planner.when_forgetting.append(_forget)


def _after_fork() -> None:
    """In a child the lesson of another thread has no end: it never began."""
    global active, _choosing, _teacher
    _choosing = threading.Lock()
    if current() is None:
        active, _teacher = None, 0
        machine.state["teaching"] = 0


os.register_at_fork(after_in_child=_after_fork)


def _tensors(arguments: Any, without: Any) -> list[Any]:
    """The tensors among arguments, in the order in which native code counts them: each once.

    Those in the list `without` it does not count.
    """
    return [*{id(x): x for x in _walked(arguments, without)}.values()]


def _walked(x: Any, without: Any) -> Iterator[Any]:
    # No function within another: one that calls itself would keep what it found until a collection.
    if isinstance(x, machine.TensorBase):
        yield x
    elif x is not without and isinstance(x, (tuple, list, dict, slice)):
        items = x.values() if isinstance(x, dict) else (x.start, x.stop, x.step) if isinstance(x, slice) else x
        for item in items:
            yield from _walked(item, without)


# ---------------------------------------------------------------- what Python reports


def ran(plan: int, given: Sequence[Any], result: Any) -> None:
    """A plan was run on tensors and numbers."""
    lesson = current()
    if lesson is None or lesson.aside:
        return
    many = lesson.given if isinstance(lesson.given, (tuple, list)) else ()
    if many and len(given) == len(many) and all(map(is_, given, many)):
        lesson.note(Noted(plan, (), mode=rec.SPREADS), result)
    else:
        lesson.note(Noted(plan, tuple(map(lesson.reference, given))), result)


def viewed(plan: int, x: Any, layout: int, offset: int, shift: int, mode: int, along: tuple[int, int], result: Any
           ) -> None:
    """A view was made."""
    lesson = current()
    if lesson is not None and not lesson.aside:
        lesson.note(Noted(plan, (lesson.reference(x),), layout, mode, offset, shift, along), result)


@contextlib.contextmanager
def aside() -> Iterator[None]:
    """What is done meanwhile is part of what is noted after it."""
    lesson = current()
    if lesson is not None:
        lesson.aside += 1
    try:
        yield
    finally:
        if lesson is not None:
            lesson.aside -= 1


def wrote(plan: int, given: Sequence[Any]) -> None:
    """A plan was run on the memory of the first of `given`."""
    lesson = current()
    if lesson is not None and not lesson.aside:
        lesson.note(Noted(plan, tuple(map(lesson.reference, given)), mode=rec.WRITES), given[0])


def drew(stream: int, kernel: int, n: int, a: float, b: float, given: Any, layout: int, result: Any) -> None:
    """A kernel wrote numbers from a stream to a new tensor, or (None) to what is made such a tensor of."""
    lesson = current()
    if lesson is None:
        return
    if lesson.aside or lesson.stream not in (0, stream):
        lesson.fits = False
        return
    lesson.stream = stream
    draw = np.array([(kernel, n, a, b, 0 if given is None else address_of(given))], rec.DRAW)
    lesson.note(Noted(0, (), layout, rec.DRAWS, draw=(draw, given)), result)


def refuse() -> None:
    """What the function does next depends on more than its arguments' layouts and numbers."""
    lesson = current()
    if lesson is not None and not lesson.aside:
        lesson.fits = False


def learnt(opcode: int, count: int) -> None:
    """The table of plans has an operation on `count` operands now: if that is what was called, nothing is to add."""
    lesson = current()
    if lesson is not None and count == lesson.count and machine.functions_table[opcode] == id(lesson.function):
        lesson.learnt = True


def constant(make: F) -> F:
    """For a function that makes a tensor of what it is given, numbers and shapes: a recipe may keep the tensor."""

    @functools.wraps(make)
    def made(*args: Any, **kwargs: Any) -> Any:
        lesson = current()
        if lesson is None or lesson.aside:
            return make(*args, **kwargs)
        others = (*args[1:], *kwargs.values())
        if any(isinstance(a, machine.TensorBase) for a in others):
            lesson.fits = False
        if isinstance(lesson.given, (int, float)) and any(isinstance(a, (int, float)) for a in others):
            lesson.fits = False  # made of what is left out of the key, perhaps
        with aside():
            result = make(*args, **kwargs)
        lesson.kept[id(result)] = result
        return result

    return made  # type: ignore[return-value]


def uninitialised(make: F) -> F:
    """The same for a tensor that holds nothing yet, where that is all that was asked for: others write to it."""

    @functools.wraps(make)
    def made(*args: Any, **kwargs: Any) -> Any:
        result = make(*args, **kwargs)
        lesson = current()
        if lesson is not None and not lesson.aside and inspect.unwrap(lesson.function) is make:
            lesson.kept[id(result)] = result
        return result

    return made  # type: ignore[return-value]


def _tell_geometry(x: Any) -> None:
    planner.layouts.tell_geometry(planner.layouts.all[x._layout])


machine.set_hook("teach", teach)
machine.set_hook("tell_geometry", _tell_geometry)
