"""How native code learns what a facade function does: the first call of a kind is written down while Python runs it.

Native code asks (`teach`) when it finds no recipe for the key of a call. While the lesson lasts every operation goes
through Python, where `dispatch` notes it: plans that were run, views that were made, and at last a write in place, each
with where its operands came from. If that was all, it becomes the key's recipe, and the next call of the kind runs
without Python; if the function looked at elements, went on after a write, or drew random numbers, the key is marked as
Python's.

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

from tapegrad import dtypes
from tapegrad.machine import records as rec
from tapegrad.machine.live import machine, planner
from tapegrad.machine.llvm import jit
from tapegrad.machine.startup import address_of
from tapegrad.named_tuples import NamedTuple

MOST_NUMBERS = 1 << 14
LARGEST_COPIED, MOST_COPIED = 1 << 15, 1 << 22  # bytes of one constant that is copied for callers, and of all of them
MOST = 1024  # recipes of one function; a function called with ever other numbers is left to Python then
F = TypeVar("F", bound=Callable[..., Any])


class Noted(NamedTuple):
    """One step of a lesson; of a view, `layout` is that of its result and `start` which start number moves it."""

    plan: int
    operands: tuple[int, ...]
    layout: int = 0
    mode: int = 0
    offset: int = 0
    shift: int = 0
    along: tuple[int, int] = (0, 0)  # how many bytes, here and in the adjoint, the view moves for each step of its axis
    start: int = 0
    draw: Any = None  # of numbers that are drawn: the DRAW record, and what it names


class Lesson:
    """One call being watched: what it did so far, and whether that can be done again."""

    again: bool
    keeps_nothing: bool

    key: np.ndarray[Any, Any]
    thread: int
    function: Callable[..., Any]
    count: int

    def __init__(self, key: np.ndarray[Any, Any], function: Callable[..., Any], count: int, tensors: Sequence[Any],
                 given: Any = None) -> None:
        self.key, self.thread = key, threading.get_ident()
        self.function, self.count = function, count  # of positional arguments; -1 where there are others
        self.steps: list[Noted] = []
        self.fits: bool = True  # whether all of it can be done again without Python
        self.learnt = False  # a plan was taught to the table of plans: there is nothing to add
        self.aside = 0
        self.recording: Any = machine.call.is_recording(None)
        self.references: dict[int, int] = {id(x): k for k, x in enumerate(tensors)}
        self.held: list[Any] = list(tensors)  # so that no other object gets their ids
        self.constants: list[Any] = []
        self.kept: dict[int, Any] = {}
        self.given = given  # the number or the list of many tensors that is left out of the key
        self.factors: list[float] = []  # the arguments that are fractions, if the first of them is what is left out
        self.used: bool = False  # whether some operand was that one
        self.wrote: bool = False
        self.again = False  # the next call of the kind is a lesson too
        self.stream = 0  # the address of that which numbers were drawn from
        self.turn: int = planner.turns  # whose plans it names
        # While a call is captured, constants that a recipe would keep would be the capture's.
        self.keeps_nothing = bool(machine.state["trace"])

    def reference(self, x: Any) -> int:
        """Where a tensor came from, or a number's own row."""
        if not isinstance(x, machine.TensorBase):
            if x is self.given:
                self.used = True
                return rec.VALUE
            if self.keeps_nothing and type(x) not in (bool, int, float):  # one that the capture follows, perhaps
                self.again = True
                return 0
            if isinstance(self.given, (int, float)) and all(x is not n for n in self.factors):  # made of it, perhaps
                self.fits = False
            row = number_row(x)
            self.fits &= row != 0
            return rec.FIXED | row
        found = self.references.get(id(x))
        if found is not None:
            return found
        if id(x) in self.kept:
            if all(c is not x for c in self.constants):
                self.constants.append(x)
            return rec.FIXED | int(x._buffer)
        self.fits = False
        return 0

    @property
    def may_be_remembered(self) -> bool:
        """Whether what native code needs for it can be made now: in a capture not even that it is left to Python."""
        return not (self.learnt or (self.keeps_nothing and (self.again or self.kept or self.stream or not self.fits)))

    def is_made(self, reference: int) -> bool:
        """Whether a tensor is one that the function made, or a view of one: nobody else sees what is written there."""
        while rec.STEP_RESULT <= reference < rec.FIXED:
            step = self.steps[reference - rec.STEP_RESULT]
            if not step.layout or step.mode == rec.DRAWS:
                return True
            reference = step.operands[0]
        return False

    def note(self, step: Noted, result: Any) -> None:
        if self.aside or not self.fits or self.again:
            return
        if self.wrote or machine.call.is_recording(None) is not self.recording or \
                len(self.steps) >= rec.MAX_RECIPE_STEPS or len(step.operands) > rec.MAX_RECIPE_TENSORS:
            self.fits = False
            return
        self.held.append(result)
        if step.mode == rec.WRITES:
            if self.is_made(step.operands[0]):
                self.steps.append(step)
                return
            self.wrote = True
            self.fits = not step.operands[0] & rec.FIXED  # what is kept stays as it is
            self.steps.append(step)
            return
        if step.operands and all(r & rec.FIXED for r in step.operands):  # made of what is kept: so is this
            self.kept[id(result)] = result
            return
        self.references[id(result)] = rec.STEP_RESULT + len(self.steps)
        self.steps.append(step)


active: Lesson | None = None
_choosing = threading.Lock()
_teacher = 0  # the thread whose lesson there is, or was: it may have been interrupted, and have ended
_counts: dict[Any, int] = {}
several: set[Callable[..., Any]] = set()  # functions that are another for each first argument
_kept: list[Any] = []  # what native code points into
_left: list[Any] = []  # the same of recipes that are not to be found any more: a call may be following one
_numbers: dict[tuple[type, Any], int] = {}
_values = np.zeros(MOST_NUMBERS, "u8")  # theirs, in no arena: what a capture takes from one is the capture's
_copied = 0  # bytes of constants that are copied
_put_off: set[bytes] = set()  # keys of calls that are taught when they are not captured
_asked: set[bytes] = set()  # keys of calls that would be answered with a copy, had they come before


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
        _remember(lesson, result, int(known[2]), args)
    elif captured and len(_put_off) < MOST:
        _put_off.add(key.tobytes())
    return result


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


# ---------------------------------------------------------------- from a lesson to a recipe


def number_row(value: Any) -> int:
    """The row of a Python number, which stays for good; 0 where there are too many of them."""
    value = dtypes.number(value)
    if type(value) is int and value in rec.LITERALS:
        return int(machine.literals[value - rec.LITERALS[0]])
    key = (type(value), value.hex() if isinstance(value, float) else value)
    row = _numbers.get(key, 0)
    if not row and len(_numbers) < MOST_NUMBERS:
        word = _values[len(_numbers):][:1]
        word.view("f8" if type(value) is float else "i8")[0] = value
        row = machine.call.fresh_row(planner.layouts.of_number(value).id, 0, address_of(word))
        machine.buffers[row]["flags"] = rec.IMMORTAL
        _numbers[key] = row
    return row


def _remember(lesson: Lesson, result: Any, n_starts: int, args: Sequence[Any]) -> None:
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
    _put_off.clear()
    _left[:] = _kept
    _kept.clear()
    _counts.clear()


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
        if len(_asked) > MOST:
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


def _tell_geometry(x: Any) -> None:
    planner.layouts.tell_geometry(planner.layouts.all[x._layout])


machine.set_hook("teach", teach)
machine.set_hook("tell_geometry", _tell_geometry)
