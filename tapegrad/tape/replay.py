"""Running a tape again: through the machine, or by the rules' NumPy columns."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine import reference
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import call, layouts, machine, planner
from tapegrad.machine.planning import NODE, Layout, Plan
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.tape import history, reading, verify
from tapegrad.tape.derived import Derived
from tapegrad.tape.instructions import Instructions
from tapegrad.tape.notation import TapeError, plan_attributes
from tapegrad.tape.taking import READ_NOTHING
from tapegrad.tape.text import plain, type_text


def run(tape: Instructions, inputs: Sequence[Any]) -> Any:
    """The tape's results on other inputs; an operation is recorded if an operand requires grad, as anywhere else."""
    verify.check(tape)
    _check_runs(tape)
    values: list[Any] = [None] * len(tape.layouts)
    for b, given in zip(tape.inputs, checked(tape, inputs)):
        values[b] = held(given, tape.layouts[b])
    for b in _written_inputs(tape):
        values[b] = _copy(values[b], tape.layouts[b])
    dying, staying = _dying(tape), _staying(tape)
    with wrapped(tape.constants) as numbers:
        for t in range(len(tape)):
            operands = [numbers[~b] if b < 0 else values[b] for b in tape.operands[t]]
            if t in staying:
                operands[0] = _copy(operands[0], tape.operand_layouts(t)[0])
            values[tape.results[t]] = step(tape, t, operands)
            del operands
            for b in dying.get(t, ()):
                values[b] = None
    results = tuple(values[b] for b in tape.outputs)
    return results[0] if len(results) == 1 else results


def run_reference(tape: Instructions, inputs: Sequence[Any]) -> Any:
    """The tape's results as arrays, by the rules' NumPy columns."""
    capturing.refuse("a tape's values are read")
    verify.check(tape)
    _check_runs(tape)
    values: list[Any] = [None] * len(tape.layouts)
    for b, given in zip(tape.inputs, checked(tape, inputs)):
        array = reading.array_of(given) if isinstance(given, machine.TensorBase) else given
        values[b] = Cell.of(array, tape.layouts[b])
    dying, staying = _dying(tape), _staying(tape)
    for t in range(len(tape)):
        operands: list[Any] = [tape.constants[~b] if b < 0 else values[b] for b in tape.operands[t]]
        if t in staying:
            operands[0] = Cell.of(operands[0].array, tape.operand_layouts(t)[0])
        values[tape.results[t]] = _reference_step(tape, t, operands)
        del operands
        for b in dying.get(t, ()):
            values[b] = None
    results = tuple(values[b].array for b in tape.outputs)
    return results[0] if len(results) == 1 else results


def _check_runs(tape: Instructions) -> None:
    """Refuse what is Python code, of which a tape keeps the name alone."""
    for t, op in enumerate(tape.operations):
        if op.kind == "callback":
            what = tape.attributes[t]["name"]
            raise TapeError(f"instruction {t} ({what}): a custom function is Python code, which a tape does not keep; "
                            "it cannot be replayed")


def held(given: Any, layout: Layout) -> Any:
    """An input as a tensor."""
    return given if isinstance(given, machine.TensorBase) else reading.tensor_from(given, layout)


def checked(tape: Instructions, given: Sequence[Any]) -> list[Any]:
    """The inputs to run on, checked: tensors, or arrays of the right shape and dtype."""
    if not given:
        if tape.written is not None:
            raise TapeError(f"{_called(tape, tape.written)} was written since the tape read it (in place, or by "
                            f"x.data), what was there before is gone: replay needs {len(tape.inputs)} inputs")
        gone = [b for b in tape.inputs if b not in tape.values]
        if gone:
            raise TapeError(f"the values of {_called(tape, gone[0])} are gone: replay needs {len(tape.inputs)} inputs")
        if stale := overwritten(tape):
            raise TapeError(f"the tape overwrites what it reads of {_called(tape, stale[0])}, what was there before is "
                            f"gone: replay needs {len(tape.inputs)} inputs")
        return [tape.values[b] for b in tape.inputs]
    if len(given) != len(tape.inputs):
        wanted = ", ".join(_called(tape, b) for b in tape.inputs)
        raise TapeError(f"replay takes {len(tape.inputs)} inputs ({wanted}), got {len(given)}")
    return [_fitting(tape, b, x) for b, x in zip(tape.inputs, given)]


def _fitting(tape: Instructions, b: int, x: Any) -> Any:
    wanted: Layout = tape.layouts[b]
    if isinstance(x, machine.TensorBase):
        found = layouts[x._layout]
        if found is not wanted:
            raise TapeError(f"replay: {_called(tape, b)} is {type_text(wanted)} on the tape, got {type_text(found)}")
        return x
    array = np.asarray(x)
    if not isinstance(x, np.ndarray) and array.shape == () == wanted.shape:  # a Python number takes the input's dtype
        array = array.astype(wanted.dtype.numpy)
    if array.shape != wanted.shape or array.dtype != wanted.dtype.numpy:
        raise TapeError(f"replay: {_called(tape, b)} is {type_text(wanted)} on the tape, got an array of "
                        f"{array.dtype}{list(array.shape)}")
    return array


def _called(tape: Instructions, b: int) -> str:
    return f"%{b}" + (f" ({plain(tape.names[b])})" if b in tape.names else "")


def _last_uses(tape: Instructions) -> dict[int, int]:
    """By buffer, the last instruction that reads or makes it."""
    last: dict[int, int] = {}
    for t, (operands, result) in enumerate(zip(tape.operands, tape.results)):
        last.update(dict.fromkeys((*operands, result), t))
    return last


def _dying(tape: Instructions) -> dict[int, list[int]]:
    """By instruction, the buffers that nothing reads after it."""
    dying: dict[int, list[int]] = {}
    for b, t in _last_uses(tape).items():
        if b >= 0 and b not in tape.outputs:
            dying.setdefault(t, []).append(b)
    return dying


def _staying(tape: Instructions) -> set[int]:
    """The instructions in place after which what they write over is read: they write to a copy.

    It was a copy that backward kept, and the operation wrote to what that was of.
    """
    last = _last_uses(tape)
    return {t for t, (op, operands) in enumerate(zip(tape.operations, tape.operands))
            if op.inplace_of is not None and (last[operands[0]] > t or operands[0] in tape.outputs)}


def _written_inputs(tape: Instructions) -> list[int]:
    """Inputs that an in-place operation writes to: a replay works on copies of them."""
    owner = Derived(tape).owners
    written = {owner[tape.operands[t][op.kind == "rebase"]] for t, op in enumerate(tape.operations)
               if op.inplace_of is not None or op.kind == "rebase"}
    return [b for b in tape.inputs if b in written]


def overwritten(tape: Instructions) -> list[int]:
    """Inputs of which the tape reads elements and writes over them later: they hold other values since it ran.

    Where it fills one (`out[i] = …`), and reads what it wrote, a replay finds nothing that it would miss.
    """
    cells = {b: Cell(tape.layouts[b], np.arange(tape.layouts[b].nbytes // tape.layouts[b].dtype.itemsize))
             for b in _written_inputs(tape)}
    marks = {b: np.zeros((2, cell.block.size), bool) for b, cell in cells.items()}  # what was read first, and written
    of_block = {id(cells[b].block): mark for b, mark in marks.items()}

    def read(cell: Cell | None) -> None:
        if cell is not None:
            first, written = of_block[id(cell.block)]
            first[cell.array] |= ~written[cell.array]

    for t, op in enumerate(tape.operations if cells else ()):
        operands, out = [cells.get(b) for b in tape.operands[t]], tape.results[t]
        target = operands[0] if op.inplace_of is not None else None
        if op.kind == "view":
            if operands[0] is not None:
                cells[out] = _seen(tape, t, operands[0])
        elif op.kind == "rebase":
            part, base = operands
            if base is None or part is None or part.block is not base.block:
                read(part)
            if base is not None:
                cells[out] = base
                target = _part(tape, t, base)
        else:
            for cell in operands[op.name in READ_NOTHING:]:
                read(cell)
            if target is not None:
                cells[out] = target
        if target is not None:
            of_block[id(target.block)][1][target.array] = True
    return [b for b, mark in marks.items() if mark.all(0).any()]


def _copy(tensor: Any, layout: Layout) -> Any:
    if layout.dense:
        return call.run_plan(planner.plan(REGISTRY["clone"], (layout,)).index, tensor)
    return reading.tensor_from(reading.array_of(tensor), layout)


@contextlib.contextmanager
def wrapped(operands: Sequence[Any]) -> Iterator[list[Any]]:
    """Operands as the machine takes them: tensors, and rows in place of numbers for as long as this lasts."""
    taken = [x if isinstance(x, machine.TensorBase) else call.wrapped(x) for x in operands]
    try:
        yield taken
    finally:
        for given, row in zip(operands, taken):
            if row is not given:
                call.unwrap(row)


def apply(op: Operation, operands: Sequence[Any], of: Sequence[Layout], attributes: dict[str, Any]) -> Any:
    """An operation on tensors and numbers of these layouts."""
    plan = planner.plan(op, tuple(of), plan_attributes(op, attributes))
    with wrapped(operands) as taken:
        return call.run_plan(plan.index, *taken)


def step(tape: Instructions, t: int, operands: list[Any]) -> Any:
    """Run one instruction; operands are tensors or rows of numbers."""
    op, plan = tape.operations[t], tape.plan(t)
    if op.kind == "view":
        return _view(op, plan, tape.attributes[t], operands[0])
    if op.kind == "rebase":
        return _rebased(tape.attributes[t], *operands)
    if op.inplace_of is not None:
        return _write(plan, operands)
    return call.run_plan(plan.index, *operands)


def _view(op: Operation, plan: Plan, given: dict[str, Any], x: Any) -> Any:
    (layout,) = plan.operands
    target = layouts.adjoint(layout)
    offset, shift = (op.forward((lay.shape, lay.strides), **given)[2] * layout.dtype.itemsize
                     for lay in (layout, target))
    return call.make_view(plan.index, x, plan.out.id, offset, shift, rec.LINK | layout.dtype.is_floating_point)


def _rebased(given: dict[str, Any], part: Any, base: Any) -> Any:
    """The base after a write through a view, which has rewritten its history if it was to the base's memory.

    Where backward reads what was overwritten, the tape has the write on a copy of that: the base is still to be told.
    """
    owner = machine.buffers["owner"]
    if owner[part._buffer] != owner[base._buffer]:
        op = REGISTRY["as_strided"]
        view = _view(op, planner.plan(op, (layouts[base._layout],), plan_attributes(op, given)), given, base)
        _write(planner.plan(REGISTRY["copy_"], (layouts[view._layout], layouts[part._layout])), [view, part])
    return base


def _write(plan: Plan, operands: list[Any]) -> Any:
    """An in-place operation: the kernels write to the first operand, which then stands for the result."""
    target = operands[0]
    rows = [v if isinstance(v, int) else v._buffer for v in operands]
    needs = sum(1 << j for j, row in enumerate(rows) if reading.requires_grad(row))
    recorded = needs and plan.keeps and call.is_recording(None)
    before = None
    if recorded and any(needs >> j & 1 and 0 in kept for j, kept in enumerate(plan.keeps)):
        copied = planner.plan(REGISTRY["clone"], plan.operands[:1])
        if copied.out is plan.operands[0]:  # backward reads what is overwritten: a copy of that
            before = call.run_plan(copied.index, target)
            rows[0] = before._buffer
    call.run_inplace(plan.index, target._buffer, *operands)
    if recorded:
        history.rewrite(target, plan, needs, rows)
    return target


# ---------------------------------------------------------------- by the reference


class Cell:
    """A value in a block of memory, where a layout says from `offset` on; views share the block."""

    __slots__ = ("array", "block", "offset")
    block: np.ndarray[Any, Any]

    def __init__(self, layout: Layout, block: np.ndarray[Any, Any] | None = None, offset: int = 0) -> None:
        self.block = np.zeros(layout.nbytes // layout.dtype.itemsize, layout.dtype.numpy) if block is None else block
        self.offset: int = offset
        self.array: np.ndarray[Any, Any] = np.lib.stride_tricks.as_strided(
            self.block[offset:], layout.shape, [s * self.block.itemsize for s in layout.strides])

    @staticmethod
    def of(values: Any, layout: Layout) -> Cell:
        """A copy of some values."""
        cell = Cell(layout)
        cell.array[...] = values
        return cell


def _reference_step(tape: Instructions, t: int, operands: list[Any]) -> Any:
    """One instruction on cells and numbers: a view shares its operand's block, an in-place operation writes to it."""
    op, given, out = tape.operations[t], tape.attributes[t], tape.layouts[tape.results[t]]
    first = operands[0]
    if op.kind == "view":
        return _seen(tape, t, first)
    if op.kind == "rebase":
        base = operands[1]
        if base.block is not first.block:
            _part(tape, t, base).array[...] = first.array
        return base
    of_rule = {name: value for name, value in given.items() if name != NODE}
    found = reference.forward(op, [x.array if isinstance(x, Cell) else x for x in operands], of_rule)
    if op.inplace_of is not None:
        first.array[...] = found
        return first
    return Cell.of(found, out)


def _seen(tape: Instructions, t: int, cell: Cell) -> Cell:
    """What a view shows of a value."""
    layout = tape.operand_layouts(t)[0]
    offset = tape.operations[t].forward((layout.shape, layout.strides), **tape.attributes[t])[2]
    return Cell(tape.layouts[tape.results[t]], cell.block, cell.offset + offset)


def _part(tape: Instructions, t: int, base: Cell) -> Cell:
    """The part of a base that a view wrote to."""
    layout = tape.operand_layouts(t)[1]
    shape, strides, offset = REGISTRY["as_strided"].forward((layout.shape, layout.strides), **tape.attributes[t])
    return Cell(layouts.intern(layout.dtype, shape, strides), base.block, base.offset + offset)
