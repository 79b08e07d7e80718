"""One operation on arrays, by its rule: the slow definition that replays are compared with."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad.machine import plans
from tapegrad.machine.layouts import Layout
from tapegrad.machine.plans import Plan
from tapegrad.ops import sym
from tapegrad.ops.spec import REGISTRY

Array = np.ndarray[Any, Any]


class Cell:
    """A value in a block of memory, where a layout says from `offset` on; views share the block."""

    __slots__ = ("array", "block", "offset")

    def __init__(self, layout: Layout, block: Array | None = None, offset: int = 0) -> None:
        item = layout.dtype.itemsize
        self.block = np.zeros(layout.nbytes // item, layout.dtype.numpy) if block is None else block
        self.offset = offset
        self.array = np.lib.stride_tricks.as_strided(
            self.block[offset:], layout.shape, [s * item for s in layout.strides])

    @staticmethod
    def of(values: Any, layout: Layout) -> Cell:
        """A copy of some values."""
        cell = Cell(layout)
        cell.array[...] = values
        return cell


def evaluate(plan: Plan, operands: Sequence[Cell | bool | int | float], attributes: dict[str, Any]) -> Cell:
    """The result of one instruction: a view shares its operand's block, an in-place operation writes to it."""
    op, first = plan.op, operands[0]
    if op.kind == "view":
        assert isinstance(first, Cell)
        layout = plan.operands[0]
        offset = op.forward((layout.shape, layout.strides), **attributes)[2]
        return Cell(plan.out, first.block, first.offset + offset)
    arrays = [o.array if isinstance(o, Cell) else np.asarray(o, lay.dtype.numpy)
              for o, lay in zip(operands, plan.operands)]
    found = _structured(plan, arrays, attributes) if op.kind == "structured" else _traced(plan, arrays, attributes)
    if op.inplace_of is not None:
        assert isinstance(first, Cell)
        first.array[...] = found
        return first
    return Cell.of(found, plan.out)


def _traced(plan: Plan, arrays: Sequence[Array], attributes: dict[str, Any]) -> Array:
    """Elementwise and row rules: the graph the kernels come from, read with the NumPy columns."""
    op = plan.op
    symbols = plans._symbols(op, plan.operands, plans._compute_dtype(op, plan.operands), 0)
    value = op.forward(*symbols, **{k: attributes[k] for k in op.attributes if k in attributes}).cast(plan.out.dtype)
    dims = attributes["dim"] if op.kind == "reduction" else ()
    (found,) = sym.evaluate([value], arrays, dims)
    if op.kind == "reduction" and op.per_row:
        shape = np.broadcast_shapes(*(a.shape for a in arrays))
        rows = np.broadcast_to(found, [1 if d in dims else n for d, n in enumerate(shape)])
        return rows.reshape(plan.out.shape)
    return np.asarray(found)


def _embed(x: Array, shape: tuple[int, ...], of: str, given: Any) -> Array:
    frame = np.zeros(shape, x.dtype)
    strides = tuple(s // x.dtype.itemsize for s in frame.strides)
    seen, steps, offset = REGISTRY[of].forward((shape, strides), **dict(given))
    index = offset + sum(np.arange(n).reshape(-1, *[1] * (len(seen) - d - 1)) * s
                         for d, (n, s) in enumerate(zip(seen, steps)))
    np.add.at(frame.reshape(-1), np.broadcast_to(index, seen), x)
    return frame


def _structured(plan: Plan, arrays: Sequence[Array], attributes: dict[str, Any]) -> Array:
    name = plan.op.name
    if name in ("mm", "bmm", "mv"):
        return np.matmul(*arrays)
    if name == "cat":
        return np.concatenate(arrays, attributes["dim"])
    if name == "embed":
        return _embed(arrays[0], **attributes)
    raise NotImplementedError(f"{name} has no reference")
