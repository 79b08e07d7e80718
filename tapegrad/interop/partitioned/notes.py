"""A function taken down as a tape: all that it does to tensors, not only what autograd records.

`taken_down` calls a function once while every operation goes through Python, and notes each with its operands. What it
did is then a `Tape`, of which parameters (those that require grad), data and constants are the inputs, and which
`run` repeats: with autograd's history where the function had one, and without where it had none (`detach`).

A tape is the function only if what the function does is the same for other values. So what looks at values, draws, or
leaves something behind is refused with the line that does; and `taken_down` is called twice, on different values, and
gives the same tape, or what differs is refused (see `capture`).
"""
from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tapegrad import creation, dispatch, dtypes
from tapegrad.autograd import calls_through_python
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import buffers, call, layouts, machine
from tapegrad.machine.planning import NODE
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.tape import Tape, lines, reading
from tapegrad.tape.instructions import Code
from tapegrad.tape.notation import canonical

TensorBase: Any = machine.TensorBase
_lock = threading.Lock()
_OVERWRITE = ("fill_", "zero_", "copy_")  # what was there before does not count


class NotSendable(RuntimeError):
    """Why a function cannot be sent to other processes as a tape."""


class Step:
    """One operation as it was noted; operands are buffers, or below zero numbers."""

    __slots__ = ("attributes", "op", "operands", "result", "source")
    op: Operation
    operands: tuple[int, ...]
    attributes: dict[str, Any]
    result: int
    source: str

    def __init__(self, op: Operation, operands: tuple[int, ...], attributes: dict[str, Any], result: int, source: str
                 ) -> None:
        self.op, self.operands, self.attributes, self.result, self.source = op, operands, attributes, result, source


class Notes:
    """What `dispatch` tells of the operations of one thread; `inputs` are the tensors that the function is given.

    Leaves that it reaches, and that require grad, are constants like any other tensor, or `parameters` if it keeps
    these.
    """

    thread: int
    inputs: list[int]

    def __init__(self, inputs: Sequence[Any], keeps_parameters: bool = False) -> None:
        self.parameters: dict[int, Any] = {}
        self.kept: dict[int, Any] = {}  # those that the tape has, by its inputs
        self._keeps_parameters = keeps_parameters
        self.thread = threading.get_ident()
        self.layouts: list[Any] = []
        self.steps: list[Step] = []
        self.numbers: list[Any] = []
        self.constants: dict[int, np.ndarray[Any, Any]] = {}
        self._number_of: dict[str, int] = {}
        self._of_object: dict[int, int] = {}
        self._of_row: dict[int, tuple[int, Any]] = {}
        self._read: set[int] = set()
        self._held: list[Any] = []  # so that no object is another's meanwhile
        self._made: set[int] = set()  # where blocks of memory begin that were taken since
        self._events = 0
        self.inputs = [self._new(x) for x in inputs]

    def _new(self, x: Any) -> int:
        self.layouts.append(layouts.all[x._layout])
        self._stands_for(x, len(self.layouts) - 1)
        return len(self.layouts) - 1

    def _stands_for(self, x: Any, buffer: int) -> None:
        self._held.append(x)
        self._of_object[id(x)], self._of_row[x._buffer] = buffer, (buffer, x)

    def buffer_of(self, x: Any) -> int | None:
        """The buffer that a tensor is, if it is known: by its row, unless that was another's, or by the object."""
        by_row = self._of_row.get(x._buffer)
        if by_row is not None and by_row[1]._buffer == x._buffer:
            return by_row[0]
        buffer = self._of_object.get(id(x))
        if buffer is not None and self.layouts[buffer] is not layouts.all[x._layout]:
            raise NotSendable(f"it gives a tensor another shape in place{_at(_line())}")
        return buffer

    # ------------------------------------------------------------ what dispatch tells

    def before(self, given: Sequence[Any]) -> None:
        """Operands that nothing is known of are constants, with the values that they have now."""
        if threading.get_ident() != self.thread:
            return
        for x in given:
            if isinstance(x, TensorBase) and self.buffer_of(x) is None:
                buffer = self._new(x)
                self.constants[buffer] = np.array(reading.array_of(x), order="C")
                if self._keeps_parameters and x.requires_grad:
                    if not x.is_leaf:
                        raise NotSendable(f"it reads a tensor that was computed before the call{_at(_line())}")
                    self.parameters[buffer] = x

    def after(self, op: Operation, given: Sequence[Any], attributes: Any, result: Any) -> None:
        """An operation was done."""
        if threading.get_ident() != self.thread:
            return
        source = _line()
        if op.kind == "callback" or op.name.startswith("custom."):
            raise NotSendable(f"it uses {op.name}, which is this program's own{_at(source)}")
        tensors = [x for x in given if isinstance(x, TensorBase)]
        differentiated = any(x.requires_grad for x in tensors)
        if op.inplace_of is not None:
            if self._is_older(result):
                raise NotSendable(f"it writes to a tensor that was there before the call{_at(source)}")
            if differentiated and not call.is_recording(None):
                raise NotSendable(f"it writes where gradients are not recorded{_at(source)}")
        operands = [self._operand(x) for x in given]
        if differentiated and not result.requires_grad and result.dtype.is_floating_point and op.name != "detach":
            operands = [b if not isinstance(x, TensorBase) or not x.requires_grad else self._detached(b, source)
                        for b, x in zip(operands, given)]
        if op.name in _OVERWRITE and operands[0] in self.constants and operands[0] not in self._read:
            self.constants[operands[0]][...] = 0
        self._read.update(operands)
        self.layouts.append(layouts.all[result._layout])
        number = len(self.layouts) - 1
        self._stands_for(result, number)
        self.steps.append(Step(op, tuple(operands), canonical(op, dict(attributes)), number, source))

    def _is_older(self, x: Any) -> bool:
        """Whether a tensor's memory was there before the call."""
        events = capturing.so_far()[self._events:]
        self._events += len(events)
        self._made.update(capturing.addresses(events, events["kind"] == rec.TAKEN).tolist())
        return bool(x.numel()) and int(buffers["address"][int(buffers["owner"][x._buffer])]) not in self._made

    def _operand(self, x: Any) -> int:
        found = self.buffer_of(x) if isinstance(x, TensorBase) else self._number(x)
        assert found is not None  # `before` has seen it
        return found

    def _detached(self, buffer: int, source: str) -> int:
        self.layouts.append(self.layouts[buffer])
        self.steps.append(Step(REGISTRY["detach"], (buffer,), {}, len(self.layouts) - 1, source))
        return len(self.layouts) - 1

    def _number(self, value: Any) -> int:
        plain = dtypes.number(value)
        found = self._number_of.setdefault(repr(plain), len(self.numbers))
        if found == len(self.numbers):
            self.numbers.append(plain)
        return ~found

    # ------------------------------------------------------------ as a tape

    def tape(self, name: str, results: Sequence[Any], requires: Sequence[int], names: Sequence[str]) -> Tape:
        """What leads to results, numbered anew: the inputs, the constants that are read, and what is computed.

        `requires` says which of the inputs require grad, beside parameters.
        """
        self.before(results)
        outs = [self._operand(r) for r in results]
        steps = self._needed(outs)
        used = {b for s in steps for b in s.operands} | {*outs}
        given = [*self.inputs, *(b for b in self.constants if b in used)]
        renumbered = {b: i for i, b in enumerate([*given, *(s.result for s in steps)])}
        self.kept = {renumbered[b]: x for b, x in self.parameters.items() if b in used}
        numbers: dict[int, int] = {}
        for s in steps:
            for b in s.operands:
                if b < 0:
                    numbers.setdefault(b, ~len(numbers))
        code = Code.of((s.op, tuple(numbers[b] if b < 0 else renumbered[b] for b in s.operands), s.attributes,
                        renumbered[s.result]) for s in steps)
        made = Tape(name, [self.layouts[b] for b in renumbered], range(len(given)),
                    [*requires, *self.kept], code,
                    [self.numbers[~b] for b in numbers], [renumbered[b] for b in outs], dict(enumerate(names)),
                    [s.source for s in steps])
        made.values = {renumbered[b]: reading.tensor_from(self.constants[b], self.layouts[b])
                       for b in self.constants if b in used}
        return made

    def _needed(self, outs: Sequence[int]) -> list[Step]:
        """The steps that results depend on: those that made what they are made of, and all writes to that."""
        owner: dict[int, int] = {}
        for s in self.steps:
            if s.op.kind == "view" or s.op.inplace_of is not None:
                owner[s.result] = owner.get(s.operands[0], s.operands[0])
        wanted, kept, more = {*outs}, [False] * len(self.steps), True
        while more:
            more = False
            storages = {owner.get(b, b) for b in wanted}
            for t in range(len(self.steps) - 1, -1, -1):
                s = self.steps[t]
                writes = s.op.inplace_of is not None and owner[s.result] in storages
                if not kept[t] and (s.result in wanted or writes):
                    kept[t] = more = True
                    wanted.update(b for b in s.operands if b >= 0)
        return [s for s, keep in zip(self.steps, kept) if keep]


def _line() -> str:
    frame = lines.program_frame(sys._getframe(2))
    return "" if frame is None else lines.shown(frame.f_code.co_filename, frame.f_lineno)


def _at(source: str) -> str:
    return f" ({source})" if source else ""


@contextmanager
def _noting(notes: Notes) -> Iterator[None]:
    with _lock:
        try:
            dispatch.notes = notes
            calls_through_python.hold(notes)
            yield
        finally:
            dispatch.notes = None
            calls_through_python.drop(notes)


def taken_down(function: Any, name: str, args: Sequence[Any], inputs: Sequence[Any], requires: int,
               names: Sequence[str]) -> tuple[Tape, Any]:
    """A call as a tape, and what it gave; `inputs` are the tensors in `args`, the first `requires` of them parameters.

    NotSendable, with the line, where the call does what no tape can.
    """
    notes, result = noted(lambda: function(*args), Notes(inputs))
    if not isinstance(result, TensorBase) or result.numel() != 1 or not result.dtype.is_floating_point:
        told = f"a tensor of shape {tuple(result.shape)} and {result.dtype}" if isinstance(
            result, TensorBase) else f"a {type(result).__name__}"
        raise NotSendable(f"it must return one floating-point number as a tensor, not {told}")
    return notes.tape(name, [result], range(requires), names), result


def noted(called: Callable[[], Any], notes: Notes) -> tuple[Notes, Any]:
    """The notes of a call, and what it gave; NotSendable where it does what no tape can."""
    claim = capturing.Claim()
    try:
        if not claim.taken():
            raise NotSendable("another thread captures a call now")
        trace = capturing.begin()
        trace.lines = []
        capturing.carry_out()  # constants are read as they come: nothing is put off
        try:
            with _noting(notes):
                result = called()
        finally:
            events = capturing.end()
            looks = (events["kind"] == rec.GRADIENT).any()
            capturing.release(trace, events)
    finally:
        claim.give_up()
    if looks:
        raise NotSendable("it looks at gradients of tensors, or leaves some there")
    if trace.lines or trace.refusals:
        raise NotSendable([*trace.lines, *trace.refusals][0])
    return notes, result


# ---------------------------------------------------------------- running it


class Failed(Exception):
    """An operation failed; `source` is the line of the function that it came from."""

    source: str
    operation: str
    error: Exception

    def __init__(self, source: str, operation: str, error: Exception) -> None:
        self.source, self.operation, self.error = source, operation, error
        super().__init__(f"{source or operation}: {error}")


def run(tape: Tape, inputs: Sequence[Any]) -> Any:
    """The one result of a tape that was taken down, as the function would compute it of these inputs."""
    return run_all(tape, inputs)[0]


def run_all(tape: Tape, inputs: Sequence[Any]) -> list[Any]:
    """All results of such a tape."""
    values: list[Any] = [None] * len(tape.layouts)
    values[:len(inputs)] = inputs
    for b in _written(tape):
        values[b] = dispatch.apply(REGISTRY["clone"], (values[b],))
    for t, op in enumerate(tape.operations):
        operands = [tape.constants[~b] if b < 0 else values[b] for b in tape.operands[t]]
        attributes = tuple((name, value) for name, value in tape.attributes[t].items() if name != NODE)
        try:
            if op.kind == "view":
                made = dispatch.apply_view(op, operands[0], attributes, record=op.name != "detach")
            elif op.inplace_of is not None:
                made = dispatch.apply_inplace(op, operands, attributes)
            else:
                made = dispatch.apply(op, operands, attributes, node=tape.attributes[t].get(NODE, ""))
        except Exception as error:
            raise Failed(tape.sources[t], op.name, error) from error
        values[tape.results[t]] = made
    return [values[b] for b in tape.outputs]


def _written(tape: Tape) -> set[int]:
    """Inputs that an operation in place writes to, all of them constants: each run has a copy."""
    owner = {b: b for b in tape.inputs}
    written = set()
    for op, operands, result in zip(tape.operations, tape.operands, tape.results):
        owner[result] = result
        if op.kind == "view" or op.inplace_of is not None:
            owner[result] = owner[operands[0]]
        if op.inplace_of is not None and owner[result] in tape.inputs:
            written.add(owner[result])
    return written


def tensor_on(array: np.ndarray[Any, Any]) -> Any:
    """A tensor on a contiguous array that nobody writes to: it may be read-only.

    Axes of no or one element, which may have any strides, have the usual ones.
    """
    return creation.on_array(np.ndarray(array.shape, array.dtype, array))
