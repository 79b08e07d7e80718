"""Running a function so that its tape can be looked into: as written, with lines of source, and every input kept."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest import mock

from tapegrad import autograd, dispatch
from tapegrad.autograd import anomaly
from tapegrad.machine.live import machine
from tapegrad.tape import reading
from tapegrad.tape.naming import called
from tapegrad.tape.tape import Tape


@contextlib.contextmanager
def as_written() -> Iterator[list[Any]]:
    """Nodes know their lines, and inputs are held that else only the tape would read: gives the list that holds them.

    Anomaly detection is on meanwhile, so compiled functions run as they are written.
    """
    held: list[Any] = []

    def hold(result: Any) -> None:
        note(result)
        t = reading.instruction_of(result._buffer)
        if t is not None:
            held.extend(reading.detached(row) for row in reading.operands_of(t)[0]
                        if reading.instruction_of(row) is None and not reading.is_number(row) and reading.is_alive(row))

    with autograd.set_detect_anomaly(True, check_nan=False):
        note: Any = dispatch.witness
        with mock.patch.object(dispatch, "witness", hold):
            yield held


def tape_of_call(function: Callable[..., Any], arguments: tuple[Any, ...], named: Mapping[str, Any], frame: Any
                 ) -> Tape:
    """The tape of what a call returns."""
    with as_written():
        results = function(*arguments, **named)
        return Tape._of(_tensors(results), None, None, called(None, frame), anomaly.line_of)


def _tensors(results: Any) -> tuple[Any, ...]:
    """The tensors that a function returned, alone or in containers."""
    if isinstance(results, machine.TensorBase):
        return (results,)
    parts = results.values() if isinstance(results, dict) else results if isinstance(results, (list, tuple)) else ()
    return tuple(tensor for part in parts for tensor in _tensors(part))
