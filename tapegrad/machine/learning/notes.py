"""What is noted of a call while native code is taught: its steps, and where their operands came from."""
from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes
from tapegrad.machine import records as rec
from tapegrad.machine.live import machine, planner
from tapegrad.machine.startup import address_of
from tapegrad.named_tuples import NamedTuple

MOST_NUMBERS = 1 << 14
_numbers: dict[tuple[type, Any], int] = {}
_values = np.zeros(MOST_NUMBERS, "u8")  # theirs, in no arena: what a capture takes from one is the capture's


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
