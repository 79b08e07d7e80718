"""Running a function so that its tape can be looked into: as written, with lines of source, and every input kept."""
from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest import mock

from tapegrad import autograd, dispatch
from tapegrad.autograd import calls_through_python
from tapegrad.tape import reading
from tapegrad.tape.naming import called, tensors_in
from tapegrad.tape.tape import Tape

_lock = threading.Lock()
_open: list[list[Any]] = []  # a list for each that is under way, in whatever thread
_modes = contextlib.ExitStack()


@contextlib.contextmanager
def as_written() -> Iterator[list[Any]]:
    """Nodes know their lines, and inputs are held that else only the tape would read: gives the list that holds them.

    Anomaly detection is on meanwhile, so compiled functions run as they are written, and so do checkpoints; hooks on
    what is saved wait. It is one for all threads: the
    first of several switches it on, the last off.
    """
    held: list[Any] = []
    with _lock:
        if not _open:
            _modes.enter_context(autograd.set_detect_anomaly(True, check_nan=False))
            _modes.enter_context(mock.patch.object(dispatch, "witness", _holding(dispatch.witness)))
            _modes.enter_context(mock.patch.object(calls_through_python, "looked_into", True))
        _open.append(held)
    try:
        yield held
    finally:
        with _lock:
            _open[:] = filter(lambda other: other is not held, _open)
            if not _open:
                _modes.close()


def _holding(note: Any) -> Callable[[Any], None]:
    """A witness that sees to it that inputs are kept."""
    def hold(result: Any) -> None:
        note(result)
        t = reading.instruction_of(result._buffer)
        if t is not None:
            found = [reading.detached(row) for row in reading.operands_of(t)[0]
                     if reading.instruction_of(row) is None and not reading.is_number(row) and reading.is_alive(row)]
            for held in tuple(_open):
                held.extend(found)

    return hold


def tape_of_call(function: Callable[..., Any], arguments: tuple[Any, ...], named: Mapping[str, Any], frame: Any
                 ) -> Tape:
    """The tape of what a call returns: tensors, alone or in containers and objects."""
    with as_written():
        results = function(*arguments, **named)
        found = list(tensors_in(results))
        if not found:
            raise TypeError(f"expected a function that returns tensors, got {type(results).__name__} from it")
        return Tape._of(found, None, None, called(None, frame), True)
