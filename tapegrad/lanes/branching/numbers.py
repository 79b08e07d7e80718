"""Segments of a graph whose values are all numbers, as expressions: for kernels, forwards and back.

An operation's expression is that of its own kernel, and what flows back through it that of its adjoint, so that every
value is rounded where it is without a graph.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tapegrad import dispatch, dtypes
from tapegrad.lanes.branching.flow import Segment, Unseen
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter
from tapegrad.machine.live import layouts, planner
from tapegrad.machine.planning import trace
from tapegrad.ops.scalar import scalar
from tapegrad.ops.symbols import Sym, rewrite, substitute
from tapegrad.tape import reading
from tapegrad.tensor import Tensor


def dtype_of(layout: int) -> dtypes.dtype:
    """The dtype of a number; Unseen for what has axes."""
    found = layouts.all[layout]
    if found.shape:
        raise Unseen("not all of its values are numbers")
    return found.dtype


class Expressions:
    """A segment as expressions of its slots: `values` are all that it computes, `results` what it leaves."""

    values: list[Sym]
    constants: list[Sym]
    results: list[Sym]

    def __init__(self, segment: Segment, slots: Sequence[int]) -> None:
        self.segment = segment
        self.values = [Sym.operand(k, dtype_of(layout)) for k, layout in enumerate(slots)]
        self.constants = [_constant(c) for c in segment.constants]
        self.plans: list[Any] = []
        for op, operands, attributes, layout in segment.code:
            of = [self._layout(b, op) for b in operands]
            plan = planner.plan(op, tuple(of), attributes) if op.kind == "elementwise" else None
            self.plans.append(plan)
            given = [self.value(b) for b in operands]
            if op.kind == "view":
                if dtype_of(layout) is not given[0].dtype:
                    raise Unseen(f"{op.name} is not read as numbers")
                self.values.append(given[0])
                continue
            if plan is None or len(plan.steps) != 1 or plan.out.dtype is not dtype_of(layout):
                raise Unseen(f"{op.name} is not read as numbers")
            self.values.append(_kernel(plan, given))
        self.results = [self.value(b) for b in segment.results]

    def _layout(self, b: int, op: Any) -> Any:
        if b >= 0:
            return layouts.intern(self.values[b].dtype, (), ())
        x = self.segment.constants[~b]
        if isinstance(x, Tensor):
            return layouts.all[x._layout]
        given = dispatch.Operands(op, (x,))
        (found,) = given.layouts
        given.release()
        return found

    def value(self, b: int) -> Sym:
        return self.values[b] if b >= 0 else self.constants[~b]

    def back(self, cotangents: Sequence[Sym | None]) -> list[Sym | None]:
        """The adjoints of slots, from those of results; None where nothing flows.

        What flows to one value from several is added up in the order of a sweep: from the last operation to the first.
        """
        if any(v.dtype.is_floating_point and v.dtype.arithmetic is not v.dtype for v in self.values):
            raise Unseen("adjoints of halves are no halves")
        adjoints: list[Sym | None] = [None] * len(self.values)

        def add(b: int, x: Sym) -> None:
            d = self.values[b].dtype
            before = adjoints[b]
            adjoints[b] = x.cast(d) if before is None else scalar.add(before, x.cast(d)).cast(d)

        for b, g in zip(self.segment.results, cotangents):
            if g is not None and b >= 0 and self.values[b].dtype.is_floating_point:
                add(b, g)
        for t in range(len(self.segment.code) - 1, -1, -1):
            op, operands, _, _ = self.segment.code[t]
            result = self.segment.slots + t
            g = adjoints[result]
            if g is None or op.name == "detach":
                continue
            if op.kind == "view":
                add(operands[0], g)
                continue
            plan = self.plans[t]
            if not op.differentiable:
                continue
            gradients = trace(plan)
            known = {0: g, **{j + 1: self.value(b) for j, b in enumerate(operands)},
                     len(operands) + 1: self.values[result]}
            for j, b in enumerate(operands):
                if b >= 0 and gradients[j] is not None and self.values[b].dtype.is_floating_point:
                    (flows,) = substitute([gradients[j]], known)
                    add(b, flows)
        return adjoints[:self.segment.slots]


def _constant(x: Any) -> Sym:
    if isinstance(x, Tensor):
        layout = layouts.all[x._layout]
        if layout.shape:
            raise Unseen("not all of its constants are numbers")
        array = reading.array_of(x.detach()).reshape(1)
        number = dtypes.decoded(array, layout.dtype) if layout.dtype.arithmetic is not layout.dtype else array
        return Sym.const(number[0].item(), layout.dtype)
    of = dtypes.bool_ if type(x) is bool else dtypes.int64 if type(x) is int else dtypes.float64
    if of is dtypes.int64 and not -1 << 63 <= x < 1 << 63:
        raise Unseen("a number is beyond int64")
    return Sym.const(x, of)


def _kernel(plan: Any, given: Sequence[Sym]) -> Sym:
    """What a plan's one kernel computes, of these operands."""
    (step,) = plan.steps
    kernel = emitter.kernels.get(step.store)
    if kernel is None or kernel.pattern != "1" or len(kernel.region.values) != 1:
        raise Unseen(f"{plan.op.name} is not read as numbers")
    (value,) = rewrite(kernel.region.values, _alone)
    operands = {}
    for k, pointer in enumerate(step.pointers[1:]):
        if pointer.source < rec.OPERAND or pointer.offset:
            raise Unseen(f"{plan.op.name} is not read as numbers")
        operands[k] = given[pointer.source - rec.OPERAND]
    (found,) = substitute([value], operands)
    return found.cast(plan.out.dtype)


def _alone(n: Sym) -> Sym | None:
    if n.op in ("reduce", "index", "count"):
        raise Unseen("it reduces")
    return None


def number_layouts(inputs: Sequence[Any]) -> list[int]:
    """The layouts of one lane's arguments, if all are numbers."""
    found = []
    for x in inputs:
        if x.ndim != 1:
            raise Unseen("not all of its arguments are numbers")
        found.append(layouts.intern(x.dtype, (), ()).id)
    return found
