"""`record`: everything that a block of code records."""
from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.live import machine
from tapegrad.tape.instructions import Code
from tapegrad.tape.naming import called
from tapegrad.tape.notation import TapeError
from tapegrad.tape.tape import Tape

_TRIGGERS = ("sweep_at", "sweep_bytes")


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
    source out. While the block runs the machine's tape is not compacted, so a block is for one step, not for a
    training. Raises TapeError when it was compacted all the same.
    """

    def __init__(self, name: str | None = None, *, lines: bool = True,
                 names: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None) -> None:
        self._names = names
        self._with_lines = lines
        self._tape = Tape(name or "tape", (), (), (), Code(), (), ())

    def __enter__(self) -> Tape:
        self._held = [int(machine.state[field][0]) for field in _TRIGGERS]
        machine.state["sweep_at"] = machine.state["sweep_bytes"] = rec.NEVER  # the block is a range of instructions
        self._sweeps = int(machine.state["sweeps"][0])
        self._first = int(machine.state["n_instructions"][0])
        return self._tape

    def __exit__(self, *error: object) -> None:
        for field, value in zip(_TRIGGERS, self._held):
            machine.state[field] = value
        recorded = np.arange(self._first, int(machine.state["n_instructions"][0]))
        if int(machine.state["sweeps"][0]) != self._sweeps:
            raise TapeError("the machine's tape was compacted while the block ran, what it recorded is not known")
        self._tape._become(Tape._snapshot(
            self._tape.name, recorded, (), None,
            called(self._names, sys._getframe(1)), self._with_lines,
        ))
