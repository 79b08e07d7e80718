"""Adjoint rules run on tensors, so that what they compute is recorded in its turn."""
from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad import dispatch, shapes
from tapegrad.machine import records as rec
from tapegrad.machine.learning import lessons
from tapegrad.machine.live import call, layouts, machine, planner
from tapegrad.machine.planning import KEEPS_RESULT, Layout, Plan, trace
from tapegrad.ops import adjoint_operations
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.tape.reading import STARTS, with_start


class Count:
    """The length of a row in a rule run on tensors: becomes a Python number of the right kind."""

    __slots__ = ("n",)

    def __init__(self, n: int) -> None:
        self.n: int = n


class ShapeOnly:
    """Stands for an operand whose values no wanted gradient reads: it has a shape and a dtype.

    A rule states every operand's gradient at once, so it may well compute with this one; whatever it computes is a
    gradient that nobody wants, and stays without values.
    """

    __slots__ = ("layout",)

    def __init__(self, layout: Layout) -> None:
        self.layout: Layout = layout

    @property
    def shape(self) -> shapes.Shape:
        return self.layout.shape

    @property
    def dtype(self) -> Any:
        return self.layout.dtype

    @property
    def mT(self) -> ShapeOnly:
        return self

    def _absorb(self, *operands: Any) -> ShapeOnly:
        return self

    unsqueeze = _absorb
    squeeze = _absorb
    narrow = _absorb
    expand = _absorb
    sum = _absorb
    to = _absorb
    _apply_view = _absorb

    @classmethod
    def __scalar__(cls, name: str, args: tuple[Any, ...]) -> Any:
        return next(a for a in args if isinstance(a, cls))

    @classmethod
    def __operation__(cls, name: str, operands: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
        return next(x for x in operands if isinstance(x, cls))

    @staticmethod
    def __row__(name: str, x: ShapeOnly, dim: Any) -> Any:
        return Count(math.prod(x.shape[d] for d in dim)) if name == "count" else x

    @staticmethod
    def __like__(value: Any, x: Any) -> Any:
        if not isinstance(x, ShapeOnly):
            return value
        made = call.empty(x.layout.id)
        return type(made).__like__(value, made)


for _operator in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor"):
    setattr(ShapeOnly, f"__{_operator}__", ShapeOnly._absorb)
    setattr(ShapeOnly, f"__r{_operator}__", ShapeOnly._absorb)
for _operator in ("neg", "abs", "invert", "lt", "le", "eq", "ne", "gt", "ge"):
    setattr(ShapeOnly, f"__{_operator}__", ShapeOnly._absorb)


def tensor_type() -> Any:
    return machine.tensor_type


def unpacked(unpack: Any, packed: Any, row: int) -> Any:
    """What a hook gives back of what stood at a row, with the history that it had there."""
    found = unpack(packed)
    if not isinstance(found, machine.TensorBase):
        raise TypeError("Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                        f"{type(found).__name__}")
    if not machine.buffers["flags"][row] & rec.REQUIRES_GRAD or not call.is_recording(None):
        return found
    made = found.detach()
    plan = planner.plan(REGISTRY["clone"], (layouts[int(machine.buffers["layout"][row])],), ())
    call.record_plan(plan.index, made._buffer, 1, row)
    return made


def gradients_of(plan: Plan, g: Any, rows: Sequence[int], out: int, needs: int, shift: int,
                 saved: dict[int, tuple[Any, Any, int]] | None = None) -> list[Any]:
    """One instruction's adjoint rule, run on tensors; `saved` are those that hooks keep in its place."""
    op = plan.op
    if op.kind == "view":
        part = _view_gradient(plan, g, shift)
        if op.tied and call.is_recording(None) and not part.requires_grad:
            part = _hung(part, rows[0], "tied_loosely" if plan.attributes["loose"] else "tied")
        return [part]
    if op.kind == "rebase":
        return _rebase_gradients(plan, g, shift)
    kept = set().union(*(plan.keeps[j] for j in range(len(rows)) if needs >> j & 1))

    def value(position: int, row: int, layout: Layout) -> Any:
        if position not in kept:
            return ShapeOnly(layout)
        by_hooks = None if saved is None else saved.get(position)
        return call.tensor_of(row, tensor_type()) if by_hooks is None else unpacked(*by_hooks)

    operands: list[Any] = [value(j, row, plan.operands[j]) for j, row in enumerate(rows)]
    # Numbers are numbers again: as a tensor, log(0.5) would be of the default dtype and not of the result's.
    operands = [+o.item() if layout.weak and j in kept else o
                for j, (o, layout) in enumerate(zip(operands, plan.operands))]
    result = value(KEEPS_RESULT, out, plan.out)
    return by_rule(plan, g, operands, result, needs)


def rule(number: int, needs: int, shift: int, g: Any, *values: Any) -> tuple[Any, ...] | None:
    """The same as native code asks for it: a plan by its number, None for what it does not keep, the result last.

    None where it depends on more than that.
    """
    plan = planner.all[number]
    assert plan is not None
    if plan.op.kind == "view":
        return None if plan.op.tied else (_view_gradient(plan, g, shift),)
    *operands, result = [ShapeOnly(layout) if value is None else +value if isinstance(value, (bool, int, float)) else
                         value for value, layout in zip(values, (*plan.operands, plan.out))]
    return tuple(by_rule(plan, g, operands, result, needs))


lessons.several.add(rule)  # of each plan


def by_rule(plan: Plan, g: Any, operands: list[Any], result: Any, needs: int) -> list[Any]:
    """What an operation's rule gives for the operands that need a gradient; `ShapeOnly` stands for what is not kept."""
    op = plan.op
    attributes = {k: v for k, v in plan.attributes.items() if k in op.attributes}
    if op.kind == "reduction" and op.per_row and not plan.attributes.get("keepdim", False):
        for d in plan.attributes["dim"]:
            g = g.unsqueeze(d)
            if not isinstance(result, ShapeOnly):
                result = result.unsqueeze(d)
    if op.specialise:
        operands = [o if layout.literal is None else layout.literal for o, layout in zip(operands, plan.operands)]
    found: list[Any] = [None] * len(operands)
    for j in range(len(operands)):
        if needs >> j & 1 and (slope := _slope(plan, j)) is not None:
            given = {"out": result, **dict(zip(op.operands, operands)), slope.operands[0]: g}
            values = [given[name] for name in slope.operands]
            # Of an operand whose values the rule turned out not to read for this plan any number will do.
            found[j] = dispatch.apply(slope, [0.0 if isinstance(v, ShapeOnly) else v for v in values],
                                      tuple(attributes.items()))
    if any(needs >> j & 1 and value is None for j, value in enumerate(found)):
        try:
            others = op.gradients(g, operands, result, attributes, recorded=True)  # need not mention index operands
        except ArithmeticError:  # of numbers, of which Python refuses what is infinite
            with np.errstate(all="ignore"):
                others = op.gradients(g, [np.float64(o) if isinstance(o, (int, float)) else o for o in operands],
                                      result, attributes, recorded=True)
        found = [value if have is None else have for have, value in itertools.zip_longest(found, others)]
    tied = [o for o, name in zip(operands, op.operands) if name in op.tied and getattr(o, "requires_grad", False)]
    return [None if value is None or not needs >> j & 1 else fit(_tied(value, tied), plan.operands[j])
            for j, value in enumerate(found)]


def _hung(value: Any, row: int, name: str) -> Any:
    """A constant as a function of what a row of the tape stands for; the values there may be gone."""
    made = value.detach()
    plan = planner.plan(REGISTRY[name], (dispatch.layout_of(value), layouts[int(machine.buffers[row]["layout"])]))
    call.record_plan(plan.index, made._buffer, 2, value, row)
    return made


def _tied(value: Any, sources: Sequence[Any]) -> Any:
    for source in () if value.requires_grad else sources:
        value = dispatch.apply(REGISTRY["tied"], (value, source))
    return value


def _slope(plan: Plan, j: int) -> Operation | None:
    """The operation that operand j's adjoint is recorded as, where its rule chooses."""
    if j not in plan.slopes:
        op = plan.op.inplace_of or plan.op
        plain = op.kind != "elementwise" or op.recorded is not None or op.masks
        value = None if plain else trace(plan)[j]
        numbers = frozenset(i + 1 for i, layout in enumerate(plan.operands) if layout.weak)
        plan.slopes[j] = adjoint_operations.slope(op, j) if value is not None and (
            isinstance(op, adjoint_operations.Slope) or adjoint_operations.chooses(value, numbers)) else None
    return plan.slopes[j]


def _view_gradient(plan: Plan, g: Any, shift: int) -> Any:
    """The cotangent in the frame of the operand: `embed` puts it where the view looked."""
    (operand,) = plan.operands
    attributes = with_start(plan, shift)
    frame = layouts.adjoint(operand)
    if "frame" in attributes and not frame.contiguous:  # its elements are counted along memory, so they are put there
        flat = dispatch.apply(REGISTRY["embed"], (g,), (
            ("shape", (frame.numel,)), ("of", plan.op.name), ("given", tuple({**attributes, "frame": (1,)}.items()))
        ))
        return dispatch.apply_view(REGISTRY["as_strided"], flat, (
            ("size", frame.shape), ("stride", frame.strides), ("storage_offset", 0), ("frame", (1,))
        ))
    return dispatch.apply(REGISTRY["embed"], (g,), (
        ("shape", operand.shape), ("of", plan.op.name), ("given", tuple(attributes.items()))
    ))


# The same as views that may be written to.
_SINGLE = {"unbind": "select", "split": "slice", "split_with_sizes": "slice"}


def looks_at_part(plan: Plan) -> bool:
    """Whether a plan is a view of a few of its operand's elements, of which a gradient is added in place."""
    if plan.op.kind != "view" or plan.op.name not in STARTS:
        return False
    frame = layouts.adjoint(plan.operands[0])
    return frame.contiguous and plan.out.numel * rec.PARTS <= frame.numel


def add_part(plan: Plan, g: Any, shift: int, total: Any) -> None:
    """Add a view's cotangent to that of its operand, in place where the view looked."""
    op = REGISTRY[_SINGLE.get(plan.op.name, plan.op.name)]
    given = tuple((name, value) for name, value in with_start(plan, shift).items() if name != "number")
    dispatch.apply_view(op, total, given).add_(g)


def add_part_of(number: int, g: Any, shift: int, total: Any) -> None:
    """The same of a plan by its number."""
    plan = planner.all[number]
    assert plan is not None
    add_part(plan, g, shift, total)


def take_part(plan: Plan, g: Any, shift: int) -> list[Any]:
    """`_rebase_gradients` where the cotangent may be written to: what is left of it is itself."""
    given = tuple(with_start(plan, shift).items())
    part = dispatch.apply_view(REGISTRY["as_strided"], g, given).clone()
    dispatch.apply_view(REGISTRY["as_strided"], g, given).zero_()
    return [part, g]


def _rebase_gradients(plan: Plan, g: Any, shift: int) -> list[Any]:
    """The written view's part of the cotangent, and what is left of it for the base as it was."""
    given = tuple(with_start(plan, shift).items())
    rest = g.clone()
    dispatch.apply_view(REGISTRY["as_strided"], rest, given).zero_()
    return [dispatch.apply_view(REGISTRY["as_strided"], g, given), rest]


def fit(value: Any, layout: Layout) -> Any:
    """A gradient as its operand lies: summed where the operand was broadcast, expanded where a row was reduced."""
    shape = layout.shape
    if value.dtype is not layout.dtype:
        value = value.to(layout.dtype)
    if tuple(value.shape) == shape:
        return value
    common = shapes.broadcast((tuple(value.shape), shape))
    missing = len(common) - len(shape)
    value = value.expand(common)
    dims = [d for d, n in enumerate(common) if d < missing or (n != 1 and shape[d - missing] == 1)]
    if dims:
        value = value.sum(dims, keepdim=True).reshape(shape)
    return value
