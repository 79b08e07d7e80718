"""Where the derivatives of a recorded program can be other than zero."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from tapegrad.autograd import engine
from tapegrad.machine.live import call, machine
from tapegrad.machine.planning import Plan
from tapegrad.sparse.relations import Bits, dense, each, indices_of, relation
from tapegrad.tape import reading


class Program(NamedTuple):
    """Plans in the order they ran, and of each what it was run on: values by the order in which they came up.

    A step is ((which operand, which value) of those that a derivative goes on to, where a view looks); its result is
    the next value. The value 0 is the input, and the last one the output. `indices` are of operands of steps. `rows`
    are those of a step's operands and of its result: as long as the output is there, and not the same in another run.
    """

    plans: list[Plan]
    steps: list[tuple[tuple[tuple[int, int], ...], int]]
    indices: dict[tuple[int, int], list[np.ndarray[Any, Any]]]
    ended: bool  # whether the output depends on the input at all
    rows: list[list[int]]

    def same(self, other: Program) -> bool:
        return self.plans == other.plans and self.steps == other.steps and self.ended == other.ended and all(
            np.array_equal(a, b) for at, arrays in self.indices.items() for a, b in zip(arrays, other.indices[at]))


NOTHING = Program([], [], {}, False, [])


def recorded(y: Any, x: Any) -> Program:
    """What was recorded from one tensor to another."""
    for tensor in (y, x):
        call.freshen(tensor)
    found = Program([], [], {}, True, [])
    with machine.pinned():
        ended = _read_into(found, y, x)
    if ended is None:
        return found._replace(ended=False)
    if ended != len(found.plans):
        raise RuntimeError("sparse: the output is not what was recorded last")
    return found


def _read_into(found: Program, y: Any, x: Any) -> int | None:
    """Write down the instructions between two tensors, and return the number of the later one's value."""
    values: dict[int, int] = {x._buffer: 0}
    for out, plan, rows, needs, shift in reversed(reading.several(engine.visited(y, [x], checked=False))):
        operands = tuple([(j, values[row]) for j, row in enumerate(rows) if needs >> j & 1 and row in values])
        if not operands or not values.get(out, 1):
            continue
        if plan.op.kind == "structured":
            for j, _ in operands:
                which = indices_of(plan, j)
                if which and all(k in plan.keeps[j] for k in which):
                    found.indices[len(found.plans), j] = [
                        np.array(call.tensor_of(rows[k], machine.tensor_type)._array()) for k in which]
        found.plans.append(plan)
        found.steps.append((operands, shift))
        found.rows.append([*rows, out])
        values[out] = len(found.plans)
    return values.get(y._buffer)


def pattern(program: Program, rows: int, columns: int) -> Bits:
    """The bits of the output's derivatives by the input."""
    if not program.ended:
        return sparse.csr_array((rows, columns), dtype=bool)
    bits: dict[int, Bits] = {0: each(np.arange(columns), columns)}
    last = {value: i for i, (operands, _) in enumerate(program.steps) for _, value in operands}
    for i, (operands, _) in enumerate(program.steps):
        bits[i + 1] = _step(program, i, bits)
        for _, value in operands:
            if last[value] == i:
                bits.pop(value, None)
    return bits[len(program.steps)]


def _step(program: Program, i: int, bits: dict[int, Bits]) -> Bits:
    plan, (operands, shift) = program.plans[i], program.steps[i]
    custom = plan.op.kind == "callback"
    rows = max(plan.out.numel, custom)  # a node of several results may stand in a row without elements
    total: Bits = None
    for j, value in operands:
        part = bits[value]
        found = None if custom else relation(plan, j, shift, program.indices.get((i, j), []))
        if found is None or not _fits(found, rows, part.shape[0]):
            found = dense(rows, part.shape[0])
        for matrix in reversed(found):
            if not _is_identity(matrix):
                part = matrix @ part
        total = part if total is None or total is part else total + part
    return total


def _fits(found: Sequence[Bits], rows: int, columns: int) -> bool:
    return bool(found[0].shape[0] == rows and found[-1].shape[1] == columns)


def _is_identity(matrix: Bits) -> bool:
    rows, columns = matrix.shape
    return rows == columns == matrix.nnz and np.array_equal(matrix.indices, np.arange(rows)) and np.array_equal(
        matrix.indptr, np.arange(rows + 1))
