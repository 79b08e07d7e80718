"""A part of the live tape read in bulk: of 10^6 instructions columns are read, not one after the other."""
from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.live import buffers, instructions, layouts, machine, planner
from tapegrad.machine.planning import Layout, Plan
from tapegrad.ops.declaration import Operation
from tapegrad.tape import reading
from tapegrad.tape.notation import Number, canonical

Words = np.ndarray[Any, Any]
_LEAST, _MOST = 64, 1 << 16  # instructions that are looked at in one go, more each time


class Columns(NamedTuple):
    """Some instructions: `plans[which[t]]` makes row `out[t]` of the rows `operands[begins[t]:begins[t + 1]]`.

    `shifts` are what `reading.shift_of` says.
    """

    plans: list[Plan]
    which: Words
    out: Words
    operands: Words
    begins: Words
    shifts: Words

    @classmethod
    def of(cls, indices: Words) -> Columns:
        """Of the instructions with these indices."""
        code = instructions[indices]
        numbers, which = np.unique(code["plan"] & rec.PLAN_MASK, return_inverse=True)
        plans = [planner.all[i] for i in numbers.tolist()]
        a, b = code["a"].astype("i8"), code["b"].astype("i8")
        pooled = np.array([plan.pooled for plan in plans], bool)[which]
        entries = a[pooled] | b[pooled] << 32
        counts = 1 + (b != 0)
        counts[pooled] = machine.pool[entries]
        begins = beginnings(counts)
        operands = np.empty(int(begins[-1]), "i8")
        operands[begins[:-1][~pooled]] = a[~pooled]
        two = ~pooled & (b != 0)
        operands[begins[:-1][two] + 1] = b[two]
        spread = within(counts[pooled])
        of_pooled = np.repeat(np.flatnonzero(pooled), counts[pooled])
        operands[begins[of_pooled] + spread] = machine.pool[
            np.repeat(entries + rec.POOL_HEADER, counts[pooled]) + spread]
        shifts = np.where(pooled, 0, code["va"].astype("i8") | code["vb"].astype("i8") << 32)
        return cls(plans, which, code["out"].astype("i8"), operands, begins, shifts)


def beginnings(counts: Words) -> Words:
    """Where each of some stretches begins that lie one after the other, and where the last ends."""
    return np.concatenate([np.zeros(1, "i8"), np.cumsum(counts, dtype="i8")])


def within(counts: Words) -> Words:
    """0, 1, … for each of some stretches."""
    return np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)


def leading_to(rows: Sequence[int], inputs: Sequence[int]) -> Words:
    """The instructions that rows depend on, as they were recorded; from the inputs on.

    What an instruction reads was made before it, so one look at each, from the latest down, is enough.
    """
    made_by = [buffers["producer"].item(row) - 1 for row in rows if row not in inputs]
    end = max(made_by, default=-1) + 1
    wanted = bytearray(end + 1)  # the one too many stands for what no instruction made, number -1
    for t in made_by:
        wanted[t] = 1
    size = _LEAST
    while (end := wanted.rfind(1, 0, end) + 1) > 0:
        begin = max(end - size, 0)
        size = min(2 * size, _MOST)
        read = Columns.of(np.arange(begin, end))
        makers = buffers["producer"][read.operands].astype("i8") - 1
        if inputs:
            makers[np.isin(read.operands, inputs)] = -1
        of, begins = makers.tolist(), read.begins.tolist()
        for t in range(end - 1, begin - 1, -1):
            if wanted[t]:
                for maker in of[begins[t - begin]:begins[t - begin + 1]]:
                    wanted[maker] = 1
        end = begin
    return np.flatnonzero(np.frombuffer(wanted, "u1", len(wanted) - 1))


class Taken(NamedTuple):
    """What `Instructions` holds, and the row of each buffer: inputs come first, then the results."""

    rows: list[int]
    inputs: int
    layouts: list[Layout]
    operations: list[Operation]
    operands: list[tuple[int, ...]]
    attributes: list[dict[str, Any]]
    constants: list[Number]
    outputs: list[int]
    plans: list[Plan]


def taken(indices: Words, inputs: Sequence[int], outputs: Sequence[int] | None) -> Taken:
    """Instructions of the live tape, numbered anew; without `outputs` these are what no instruction reads."""
    read = Columns.of(indices)
    if outputs is None:
        outputs = read.out[~np.isin(read.out, read.operands)].tolist()
    size = 1 + max((int(rows.max()) for rows in (read.out, read.operands, np.array([*inputs, *outputs])) if len(rows)),
                   default=0)
    made = np.zeros(size, bool)
    made[read.out] = True
    of_row = np.zeros(size, "i8")  # the number of a row's buffer plus one, or that of its constant, below zero
    found = _in_order(read.operands[~made[read.operands]])
    found = found[~np.isin(found, list(inputs))] if inputs else found
    numeric = (buffers["flags"][found] & (rec.WRAPPED | rec.IMMORTAL)) != 0
    constants = _numbered(found[numeric], of_row)
    given = [*dict.fromkeys([*inputs, *found[~numeric].tolist(), *(r for r in outputs if not made[r])])]
    of_row[given] = np.arange(1, len(given) + 1)
    of_row[read.out] = np.arange(len(given) + 1, len(given) + len(indices) + 1)

    kinds = [canonical(plan.op, dict(plan.attributes)) for plan in read.plans]
    which = read.which.tolist()
    attributes = [kinds[k] for k in which]
    moving = np.array([plan.op.moves_nothing for plan in read.plans], bool)[read.which]
    for t in np.flatnonzero(moving).tolist():
        plan = read.plans[which[t]]
        attributes[t] = canonical(plan.op, reading.with_start(plan, int(read.shifts[t])))
    numbers = of_row[read.operands]
    flat, begins = np.where(numbers > 0, numbers - 1, numbers).tolist(), read.begins.tolist()
    rows = np.concatenate([np.array(given, "i8"), read.out])
    ids, lie = np.unique(buffers["layout"][rows], return_inverse=True)
    known = [layouts[i] for i in ids.tolist()]
    return Taken(
        rows.tolist(), len(given), [known[i] for i in lie.tolist()], [read.plans[k].op for k in which],
        [tuple(flat[i:j]) for i, j in pairwise(begins)], attributes, constants,
        (of_row[list(outputs)] - 1).tolist(), [read.plans[k] for k in which],
    )


def _in_order(rows: Words) -> Words:
    """Each row once, in the order in which they come first."""
    found, first = np.unique(rows, return_index=True)
    return found[np.argsort(first)]


def _numbered(rows: Words, of_row: Words) -> list[Number]:
    """The distinct Python numbers that rows hold, in order; `of_row` is told which each is."""
    values: list[Number | None] = [None] * len(rows)
    lie, addresses = buffers["layout"][rows], buffers["address"][rows]
    for layout in np.unique(lie).tolist():
        places = np.flatnonzero(lie == layout)
        numpy = layouts[layout].dtype.numpy
        least = int(addresses[places].min())
        at = (addresses[places] - np.uint64(least)) // np.uint64(numpy.itemsize)
        held = machine.memory(least, numpy, int(at.max()) + 1)[at]
        for place, value in zip(places.tolist(), held.tolist()):
            values[place] = value
    known: dict[str, int] = {}
    constants: list[Number] = []
    for row, value in zip(rows.tolist(), values):
        assert isinstance(value, (bool, int, float))
        number = known.setdefault(repr(value), len(constants))
        if number == len(constants):
            constants.append(value)
        of_row[row] = ~number
    return constants
