"""The way of the walk over a trace into the process, and what it is passed."""
from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tapegrad.machine.llvm import Jitted, jit
from tapegrad.machine.startup import address_of

# What a row of a trace does: fills with zeros, writes one word, or calls a kernel.
ZERO, LITERAL, CALL = range(3)
# What is known of a kernel: nothing but its operands; that it copies; from ADD on, that it adds its operand to what is
# there, which of whole numbers is exact.
ANY, COPY, ADD, ADD_WHOLE = range(4)
# Kinds of values; those from KERNEL on are of the kernels in their order.
WORD, LOAD, KERNEL = range(3)

_SIGNATURE = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_size_t, ctypes.c_size_t)
_NATIVE = Path(__file__).parents[1] / "native"


def _write(parts: Sequence[str]) -> dict[str, str]:
    from tapegrad.machine.dataflow import values

    return {part: values.text() for part in parts}


_JITTED = Jitted("dataflow", ["values"], [
    *(Path(__file__).with_name(f"{name}.py") for name in ("loading", "values")),
    *(_NATIVE / f"{name}.py" for name in ("cells", "glue", "portable"))], _write)


@functools.cache
def _walk() -> Any:
    with jit.BUILDING:
        return _SIGNATURE(jit.load_object("dataflow", _JITTED.code("values"), ["values"], ())["values"])


class Rows(NamedTuple):
    """Rows of a trace. Places lie one after the other from `first` on, of a call the written one first.

    A place is the first of `count` cells, `step` cells apart; a cell is an element of memory. `word` is what a LITERAL
    writes.
    """

    act: Any      # u1
    kernel: Any   # u4
    count: Any    # u4
    first: Any    # u4
    word: Any     # u8
    cell: Any     # u4, by place
    step: Any     # u4, by place


class Kernels(NamedTuple):
    """What is known of each kernel, how many values it takes, and whether the first is what it adds to."""

    rule: Any     # u1
    arity: Any    # u1
    adds: Any     # u1


class Values(NamedTuple):
    """Values in the order they are computed in: the first is zero.

    `needed` says which of them lead to something that is stored: `stored` values, into the cells `into`. A value of a
    `wave` needs no value of a later wave, and in its own none of a kind that comes later.
    """

    kind: Any
    operands: Any
    wave: Any
    needed: Any
    into: Any
    stored: Any


def trace_values(rows: Rows, kernels: Kernels, outside: Any) -> Values | None:
    """The values that rows of a trace compute; None if one reads what was never written.

    `outside` says of each cell whether it was there before, and is there afterwards.
    """
    most = int(rows.count[rows.act != ZERO].sum()) + len(outside) + 1
    width = max(2, int(kernels.arity.max(initial=0)))
    slots = 1 << (2 * most).bit_length()
    kind, wave, raw = np.empty(most, "u4"), np.zeros(most, "u4"), np.empty(most, "u4")
    operands = np.empty((most, width), "u4")
    flags, needed = np.zeros(most, "u1"), np.zeros(most, "u1")
    current, table = np.zeros(len(outside), "u4"), np.zeros(slots, "u4")
    into, stored = np.empty(len(outside), "u4"), np.empty(len(outside), "u4")
    counts = np.zeros(2, "u8")
    arrays = [*rows, *kernels, outside, current, table, kind, operands, wave, raw, flags, needed, into, stored, counts]
    pointers = np.array([address_of(a) for a in arrays], "u8")
    nest = np.array([len(rows.act), len(outside), slots - 1, width], "u8")
    if _walk()(address_of(pointers), address_of(nest)):
        return None
    n, m = map(int, counts)
    return Values(kind[:n], operands[:n], wave[:n], needed[:n].view(bool), into[:m], stored[:m])
