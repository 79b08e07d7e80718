"""Reading the machine's tape: what an instruction is, which rows it reads, where a view looks.

These take row numbers and instruction indices, which the next reclaiming of the tape may change: read at once.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import shapes
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import buffers, instructions, layouts, machine, planner
from tapegrad.machine.planning import Attributes, Layout, Plan
from tapegrad.machine.startup import bytes_from

# Columns, from which an item is read in a third of the time that a record's field takes.
_producer, _layout, _flags, _owner, _address = (
    buffers[name].item for name in ("producer", "layout", "flags", "owner", "address"))
_plan = instructions["plan"].item


def instruction_of(row: int) -> int | None:
    """The index of the instruction that made a row; None for a leaf."""
    producer = _producer(row)
    return producer - 1 if producer else None


def plan_of(t: int) -> Plan:
    """The plan an instruction runs."""
    found = planner.all[_plan(t) & rec.PLAN_MASK]
    assert found is not None
    return found


def operands_of(t: int) -> tuple[list[int], int]:
    """The operand rows of an instruction, and which of them a gradient flows on to, as bits."""
    return instruction(t)[2:4]


Instruction = tuple[int, Plan, list[int], int, int]


def instruction(t: int) -> Instruction:
    """(row of the result, plan, operand rows, which of them a gradient flows on to, what `shift_of` says)"""
    return _read(*instructions[t].item())


def several(where: Sequence[int]) -> list[Instruction]:
    """Some instructions, read in half the time that they take one by one."""
    return [_read(*code) for code in instructions[where].tolist()]


def _read(word: int, out: int, a: int, b: int, va: int, vb: int) -> Instruction:
    plan = planner.all[word & rec.PLAN_MASK]
    assert plan is not None
    if not plan.pooled:
        return out, plan, [a, b] if b else [a], word >> rec.PLAN_BITS & 3, va | vb << 32
    entry = a | b << 32
    count, needs, _ = machine.pool[entry:entry + rec.POOL_HEADER].tolist()
    start = entry + rec.POOL_HEADER
    if count > rec.MOST:
        wanted = machine.pool[start + count:start + 2 * count] & 1
        needs = sum(1 << j for j in np.flatnonzero(wanted).tolist())
    return out, plan, machine.pool[start:start + count].tolist(), needs, 0


def shift_of(t: int) -> int:
    """Where a recorded view looks: its byte offset in the operand's adjoint."""
    code = instructions[t]
    return int(code["va"]) | int(code["vb"]) << 32


# ---------------------------------------------------------------- views that share a plan


def _slice_from_zero(given: dict[str, Any]) -> Attributes:
    return (("dim", given["dim"]), ("start", 0), ("end", given["end"] - given["start"]), ("step", given["step"]))


def _piece_from_zero(given: dict[str, Any]) -> Attributes:
    return (*_slice_from_zero(given), *((name, value) for name, value in given.items() if name == "number"))


def _select_zero(given: dict[str, Any]) -> Attributes:
    return (("dim", given["dim"]), ("index", 0))


def _strided_from_zero(given: dict[str, Any]) -> Attributes:
    return (("size", given["size"]), ("stride", given["stride"]), ("storage_offset", 0), ("frame", given["frame"]))


# Where these start is the instruction's affair, not the plan's: x[0], x[1], … share one plan, that of x[0].
STARTS: dict[str, Callable[[dict[str, Any]], Attributes]] = {
    "select": _select_zero, "unbind": _select_zero, "slice": _slice_from_zero,
    "split": _piece_from_zero, "split_with_sizes": _piece_from_zero,
    **dict.fromkeys(("as_strided", "as_strided_", "_copy_slices"), _strided_from_zero),
}


def with_start(plan: Plan, shift: int) -> dict[str, Any]:
    """The attributes of a recorded view, with its true start: `shift` is its byte offset in the operand's adjoint."""
    given = dict(plan.attributes)
    if plan.op.name not in STARTS:
        return given
    layout = layouts.adjoint(plan.operands[-1])
    if "frame" in given:
        strides, _ = shapes.restrided(given["stride"], 0, layout.shape, given["frame"], layout.strides)
        return {**given, "stride": strides, "storage_offset": shift // layout.dtype.itemsize, "frame": layout.strides}
    stride = layout.strides[given["dim"]] * layout.dtype.itemsize
    start = shift // stride if stride else 0
    if "index" in given:
        return {**given, "index": start}
    return {**given, "start": start, "end": given["end"] + start}


PIECES = ("unbind", "split", "split_with_sizes")  # several views from one call
_OUTPUTS = ("_output", "_leave", *PIECES)


def whole_of(plan: Plan, rows: Sequence[int]) -> int:
    """The row of the node that a result is one of the outputs of, or 0: most are a node of their own."""
    if plan.op.name == "_output":
        return rows[0]
    if plan.op.name in PIECES:
        whole = instruction_of(rows[0])
        if whole is not None and plan_of(whole).op.name == f"_{plan.op.name}":
            return rows[0]
    if plan.op.name == "_leave":
        return _entered(plan.attributes["name"], rows[0])
    return 0


def _entered(name: str, row: int) -> int:
    """The row that a composed function began with, of which it computed another."""
    while True:
        t = instruction_of(row)
        if t is None:
            return 0
        _, plan, rows, needs, _ = instruction(t)
        if plan.op.name == "_enter" and plan.attributes["name"] == name:
            return row
        if plan.op.name == "_leave" and plan.attributes["name"] == name:  # another call, within: on before it
            row = _entered(name, rows[0])
            t = instruction_of(row)
            if t is None:
                return 0
            rows, needs = operands_of(t)
        row = next((rows[j] for j in range(len(rows)) if needs >> j & 1), 0)


def composed_operands(t: int) -> dict[int, int]:
    """The rows that a composed function of several tensors goes on from where a gradient goes, by operand's number."""
    _, plan, pending, _, _ = instruction(t)
    found: dict[int, int] = {}
    name, seen = plan.attributes["name"], set(pending)
    while pending:
        t = (producer := _producer(row := pending.pop())) - 1
        if not producer:
            continue
        _, plan, rows, needs, _ = instruction(t)
        if plan.op.name == "_operand" and plan.attributes["name"] == name:
            found[plan.attributes["number"]] = row
            continue
        if plan.op.name == "_composed" and plan.attributes["name"] == name:  # another call, within: on before it
            rows = [operands_of(_producer(row) - 1)[0][0] for row in composed_operands(t).values()]
            needs = (1 << len(rows)) - 1
        fresh = [row for j, row in enumerate(rows) if needs >> j & 1 and row not in seen]
        seen.update(fresh)
        pending += fresh
    return found


def composed_of(t: int) -> list[int]:
    """The rows that a composed function of several tensors was given, by number; 0 where no gradient goes."""
    count: int = plan_of(t).attributes["count"]
    found = composed_operands(t)
    return [operands_of(_producer(found[i]) - 1)[0][0] if i in found else 0 for i in range(count)]


def node_row(t: int) -> int:
    """The row of the node that an instruction's result is an output of: its own, unless there are several."""
    out, plan, rows, *_ = instruction(t)
    return whole_of(plan, rows) or out


def outputs_of(row: int) -> list[int]:
    """The instructions whose results are outputs of a node that may have several."""
    t, n = instruction_of(row), int(machine.state["n_instructions"][0])
    if t is None:
        return []
    op = plan_of(t).op
    later: Any = range(t + 1, n)
    if op.name == "_enter":
        plans = instructions["plan"][t + 1:n] & rec.PLAN_MASK
        leaving = [p for p in np.unique(plans).tolist() if (plan := planner.all[p]) and plan.op.name == "_leave"]
        later = (t + 1 + np.flatnonzero(np.isin(plans, leaving))).tolist()
    elif op.kind != "callback":  # the outputs of a callback have their operands in the pool
        later = (t + 1 + np.flatnonzero(instructions["a"][t + 1:n] == row)).tolist()
    return [other for other in later if plan_of(other).op.name in _OUTPUTS and node_row(other) == row]


def output_number(t: int) -> int:
    """Which output of its node an instruction's result is: of a custom function's, or of one that takes apart."""
    return output_at(plan_of(t), shift_of(t))


def output_at(plan: Plan, shift: int) -> int:
    """The same by its plan, and where a view looks."""
    if plan.op.name == "_leave":
        return int(plan.attributes["number"])
    given = with_start(plan, shift)
    if plan.op.name in ("_output", "unbind"):
        return int(given["index"])
    if plan.op.name in PIECES:
        return int(given.get("number", number_of_piece(given["start"], given["end"])))
    return 0


def number_of_piece(start: int, end: int) -> int:
    """Which piece of its tensor lies here if all before it are as long."""
    return -(-start // (end - start)) if end > start else 0


# ---------------------------------------------------------------- rows


def layout_of(row: int) -> Layout:
    return layouts[_layout(row)]


def requires_grad(row: int) -> bool:
    return bool(_flags(row) & rec.REQUIRES_GRAD)


def is_number(row: int) -> bool:
    """Whether a row holds a Python number that was among the operands."""
    return bool(_flags(row) & (rec.WRAPPED | rec.IMMORTAL))


def number_of(row: int) -> bool | int | float:
    """The Python number of such a row."""
    value = machine.memory(_address(row), layout_of(row).dtype.numpy, 1)[0].item()
    assert isinstance(value, (bool, int, float))
    return value


def is_alive(row: int) -> bool:
    """Whether the memory of a row is still there."""
    return bool(_address(_owner(row)))


def detached(row: int) -> Any:
    """A new tensor on the memory of a row, without history."""
    found = buffers[row]
    return machine.call.adopt(int(found["layout"]), int(found["address"]), int(found["owner"]), tensor_type())


def tensor_type() -> type:
    """The class of the machine's tensors, which lives on a floor above."""
    return type(machine.call.empty(1))


def array_of(tensor: Any) -> np.ndarray[Any, Any]:
    """A tensor's elements as an array over its own memory; the caller keeps the tensor while it looks."""
    layout = layouts[tensor._layout]
    item = layout.dtype.itemsize
    if not layout.nbytes:
        return np.empty(layout.shape, layout.dtype.numpy)
    return np.ndarray(layout.shape, layout.dtype.numpy, bytes_from(_address(tensor._buffer)), 0,
                      [s * item for s in layout.strides])


def tensor_from(array: Any, layout: Layout) -> Any:
    """A new tensor of a layout with the elements of an array."""
    capturing.refuse("an array is written to a tensor")
    tensor = machine.call.empty(layout.id)
    array_of(tensor)[...] = array
    return tensor
