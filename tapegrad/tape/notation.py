"""What several files of this room need: the error, and how numbers and attributes are put."""
from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator, Mapping
from typing import Any

from tapegrad.ops.declaration import Operation
from tapegrad.tape import reading

Number = bool | int | float


@contextlib.contextmanager
def no_collections() -> Iterator[None]:
    """The cyclic collector waits: a long tape is 10^6 tuples, none of them garbage, and it took a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class TapeError(ValueError):
    """A tape that cannot be: the message shows the entries around the culprit."""


class TapeFormatError(TapeError):
    """A file that holds no tape: the message names the part of it that is wrong."""


def canonical(op: Operation, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes in the order of the declaration, without `keepdim=False`, which is how reductions are when unsaid."""
    given = {k: v for k, v in attributes.items() if not (k == "keepdim" and v is False)}
    order = [*(k for k in op.attributes if k in given), *sorted(k for k in given if k not in op.attributes)]
    return {k: given[k] for k in order}


def plan_attributes(op: Operation, attributes: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """The attributes that the machine's plan has: views start at zero there."""
    starts = reading.STARTS.get(op.name)
    return starts(attributes) if starts else tuple(attributes.items())
