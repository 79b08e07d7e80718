"""`record`: everything that a block of code records, with the lines of source that did it.

Nothing hooks into recording. The lines come from Python's own tracing, on for the length of the block alone: whenever a
line of the program begins or ends, the instructions that are new since then are its.
"""
from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.live import machine
from tapegrad.tape.naming import called
from tapegrad.tape.notation import TapeError
from tapegrad.tape.tape import Tape

_PACKAGE = str(Path(__file__).parent.parent)
_DEMO = str(Path(_PACKAGE) / "demo.py")
_TRIGGERS = ("sweep_at", "sweep_bytes")


def _is_ours(file: str) -> bool:
    """Whether a file is this package's (the demonstration counts as a program that uses it)."""
    return file.startswith(_PACKAGE) and file != _DEMO


def program_frame(frame: FrameType | None) -> FrameType | None:
    """This frame or the nearest of its callers that runs a program's code, not this package's."""
    while frame is not None and _is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


class SourceLines:
    """By row, the line of source that recorded it (`train.py:14`); between `start` and `stop`.

    Code of this package counts as the line that called it. A debugger or a coverage measurement is put aside meanwhile.
    """

    def __init__(self) -> None:
        self.of_row: dict[int, str] = {}
        self._state = machine.state
        self._line: tuple[str, int] | None = None
        self._seen = self._sweeps = 0
        self._traced: list[tuple[FrameType, Any]] = []

    def start(self, frame: FrameType | None) -> None:
        """Begin, in a frame that is running already and the calls it makes."""
        self._seen, self._sweeps = int(self._state["n_instructions"][0]), int(self._state["sweeps"][0])
        self._previous = sys.gettrace()
        if frame is not None:
            self._line = (frame.f_code.co_filename, frame.f_lineno)
            self._traced.append((frame, frame.f_trace))
            frame.f_trace = self._event
        sys.settrace(self._call)

    def stop(self) -> None:
        sys.settrace(self._previous)
        for frame, trace in self._traced:
            frame.f_trace = trace
        self._traced.clear()
        self.now()

    def now(self) -> None:
        """What was recorded since the last event belongs to the line that was running."""
        n, sweeps = int(self._state["n_instructions"][0]), int(self._state["sweeps"][0])
        if sweeps == self._sweeps and self._line is not None:
            if n > self._seen:
                named = f"{Path(self._line[0]).name}:{self._line[1]}"
                for row in machine.instructions["out"][self._seen:n]:
                    self.of_row[int(row)] = named
        elif sweeps != self._sweeps:  # the tape was compacted in between: nobody knows what is new, and rows were freed
            flags = machine.buffers["flags"]
            self.of_row = {row: line for row, line in self.of_row.items() if not flags[row] & rec.FREE}
        self._seen, self._sweeps = n, sweeps

    def _call(self, frame: FrameType, event: str, argument: Any) -> Any:
        file = frame.f_code.co_filename
        if _is_ours(file):
            return None
        self.now()
        self._line = (file, frame.f_lineno)
        return self._event

    def _event(self, frame: FrameType, event: str, argument: Any) -> Any:
        self.now()
        running = program_frame(frame.f_back) if event == "return" else frame
        self._line = None if running is None else (running.f_code.co_filename, running.f_lineno)
        return self._event


class record:
    """Record a block of code as a tape, with source lines.

    >>> import tapegrad as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> with record("step") as tape:
    ...     loss = (w * 3).sum()
    >>> tape
    <tape "step": 2 instructions>

    The tape is empty until the block ends. Its results are the values that no instruction of the block reads. Only what
    autograd records is on it: operations that no input with `requires_grad` reaches are not. `lines=False` leaves the
    source out and costs nothing while the block runs; with lines, Python code in the block runs as under a tracer.
    While the block runs the machine's tape is not compacted, so a block is for one step, not for a training. Raises
    TapeError when it was compacted all the same.
    """

    def __init__(self, name: str | None = None, *, lines: bool = True,
                 names: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None) -> None:
        self._names = names
        self._lines = SourceLines() if lines else None
        self._tape = Tape(name or "tape", (), (), (), (), (), ())

    def __enter__(self) -> Tape:
        self._held = [int(machine.state[field][0]) for field in _TRIGGERS]
        machine.state["sweep_at"] = machine.state["sweep_bytes"] = rec.NEVER  # the block is a range of instructions
        self._sweeps = int(machine.state["sweeps"][0])
        self._first = int(machine.state["n_instructions"][0])
        if self._lines is not None:
            self._lines.start(sys._getframe(1))
        return self._tape

    def __exit__(self, *error: object) -> None:
        if self._lines is not None:
            self._lines.stop()
        for field, value in zip(_TRIGGERS, self._held):
            machine.state[field] = value
        recorded = np.arange(self._first, int(machine.state["n_instructions"][0]))
        if int(machine.state["sweeps"][0]) != self._sweeps:
            raise TapeError("the machine's tape was compacted while the block ran, what it recorded is not known")
        self._tape._become(Tape._snapshot(
            self._tape.name, recorded, (), None,
            called(self._names, sys._getframe(1)), self._lines.of_row.get if self._lines is not None else None,
        ))
