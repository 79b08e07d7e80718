"""What a plan is: an operation with its operand layouts decided, and the kernel calls that run it."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.llvm import late_binding
from tapegrad.machine.planning.layouts import Layout
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.declaration import Operation

Attributes = tuple[tuple[str, Any], ...]
NODE = "node"  # among attributes asked for: no attribute, but what the node is called
KEEPS_RESULT = 31


class Pointer(NamedTuple):
    """What a step's pointer starts from, plus a byte offset."""

    source: int
    offset: int = 0


class Hollow(np.ndarray[Any, Any]):
    """The nest of a step of which some pointers, a bit each in `nothing`, are read and written nowhere.

    They are those to values without elements, which may lie where a storage ends, and another begins.
    """

    nothing: int


class Step(NamedTuple):
    """One kernel call, before it is written into native memory."""

    store: int
    add: int
    nest: np.ndarray
    pointers: tuple[Pointer, ...]
    checks: tuple[int, int] | None = None  # of one that writes nothing and may fail: (axis, size) it checks indices for
    cut: np.ndarray[Any, Any] | None = None  # how several threads share it (`records.CUT`)
    patient: bool = False  # it cannot fail, so that a capture may put it off

    def adding(self) -> Step:
        """The same step, always adding to what is there."""
        cut = self.cut
        if cut is not None and cut["partial"][0]:
            cut = cut.copy()
            cut["store"] = cut["add"]
        return self._replace(store=self.add, cut=cut)

    def late(self) -> int:
        """Which of the kernels that threads share are bound when first called (`late` of `records.CUT`)."""
        partial = 0 if self.cut is None else int(self.cut["partial"][0])
        kernels = (rec.LATE_STORE, self.store), (rec.LATE_ADD, self.add), (rec.LATE_PARTIAL, partial)
        return sum(bit for bit, kernel in kernels if late_binding.is_late(kernel))


class Plan:
    """One row of the plan table as Python sees it; `keeps[j]` is what backward reads when operand j needs a gradient.

    A kept operand is its position, the result is `KEEPS_RESULT`.
    """

    __slots__ = ("adjoint_steps", "attributes", "built", "gradients", "index", "keeps", "node", "op", "operands", "out",
                 "pooled", "returns_view", "rooms", "slopes", "steps", "stride", "temporaries", "turn")
    steps: list[Step]
    temporaries: dict[int, int]
    stride: int
    pooled: bool  # whether a record of it has its operands in the pool
    turn: int  # of the planner's table, when it was last asked for
    index: int
    node: str  # what its node is called where that is not what the operation's is
    op: Operation
    attributes: dict[str, Any]
    operands: tuple[Layout, ...]
    out: Layout

    def __init__(self, index: int, op: Operation, attributes: dict[str, Any], operands: tuple[Layout, ...],
                 out: Layout) -> None:
        self.index, self.op, self.attributes, self.operands, self.out = index, op, attributes, operands, out
        self.node = ""
        self.keeps: list[frozenset[int]] = []
        self.gradients: tuple[Any, ...] | None = None
        self.slopes: dict[int, Operation | None] = {}
        self.built: bool = False
        self.rooms: list[Any] = []  # what native code points into

    @property
    def asked(self) -> dict[str, Any]:
        """The attributes that it was asked for with: the operation's, and what its node is called."""
        return {**self.attributes, NODE: self.node} if self.node else dict(self.attributes)

    @property
    def grad_name(self) -> str:
        """The name of the node that a record of this plan is."""
        if self.node:
            return self.node
        if self.op.kind == "callback":
            name: str = self.attributes["name"]  # an operation's own where hooks made it a custom function
            return name if name[:-1].endswith("Backward") or name == "NotImplemented" else f"{name}Backward"
        for name, layout in zip(self.op.operands, self.operands):
            if layout.weak and name in self.op.grad_names:
                return self.op.grad_names[name]
        given = self.attributes
        if self.op.kind == "view" and "name" in given:
            return str(given["name"])
        if "decimals" in given and "decimals" in self.op.grad_names:
            return self.op.grad_names["decimals"]
        if "dim" in self.op.grad_names and (
                given.get("keepdim") or "given" in given or len(given["dim"]) < len(self.operands[0].shape)):
            return self.op.grad_names["dim"]
        if "2d" in self.op.grad_names and len(self.operands[0].shape) > 2:
            return self.op.grad_names["2d"]
        return self.op.grad_name

    def __repr__(self) -> str:
        given = "".join(f" {k}={v}" for k, v in self.attributes.items())
        return f"{self.op.name}({', '.join(map(repr, self.operands))}){given} -> {self.out!r}"


def byte_strides(layout: Layout, strides: Sequence[int]) -> list[int]:
    return [s * layout.dtype.itemsize for s in strides]
