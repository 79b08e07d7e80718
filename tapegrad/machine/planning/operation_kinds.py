"""How operations of each kind are lowered: forward, one operand's adjoint, and what each adjoint reads again.

Elementwise rules and row rules are traced with `Sym` into one kernel an operand. `structured` has a kind whose
rules are run on values, every operation that they name being a step.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from tapegrad import dtypes, errors, shapes
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import structural
from tapegrad.machine.kernels.structural import check_nest, nonzero_nest
from tapegrad.machine.planning import thread_cuts
from tapegrad.machine.planning.layouts import Layout
from tapegrad.machine.planning.plan import KEEPS_RESULT, Plan, Pointer, Step
from tapegrad.machine.planning.rule_tracing import (
    by_value,
    compute_dtype,
    result_dtype,
    scalar_name,
    symbols,
    trace,
)
from tapegrad.machine.planning.step_builder import Builder, emit
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.ops.scalar import like, row, scalar
from tapegrad.ops.symbols import Sym, used_operands, walk


def _operands(operands: Sequence[Layout], shape: shapes.Shape) -> list[tuple[Pointer, dtype, shapes.Shape]]:
    """An instruction's operands as a rule over `shape` may read them."""
    return [(Pointer(rec.OPERAND + j), o.dtype, shapes.expanded_strides(o.shape, o.strides, shape))
            for j, o in enumerate(operands)]


# ---------------------------------------------------------------- elementwise


def _like_strides(shape: shapes.Shape, operands: Sequence[Layout]) -> shapes.Shape:
    return shapes.result_strides(shape, [(o.shape, o.strides) for o in operands])


_ROW_MAJOR = ("contiguous", "masked_fill", "tril", "triu")  # whatever the operand's strides


def _lower_elementwise(builder: Builder, op: Operation, operands: tuple[Layout, ...], attributes: dict[str, Any]
                       ) -> Layout:
    compute = compute_dtype(op, operands)
    (value,) = by_value([op.forward(*symbols(op, operands, compute, 0), **attributes)], op, operands, compute, 0)
    shape = shapes.broadcast(o.shape for o in operands)
    result = attributes.get("dtype") or result_dtype(op, compute)
    if op.inplace_of is not None:
        target = operands[0]
        if shape != target.shape:
            raise RuntimeError(
                f"output with shape {list(target.shape)} doesn't match the broadcast shape {list(shape)}"
            )
        if result.category > target.dtype.category and op.name not in ("copy_", "fill_", "zero_"):
            raise RuntimeError(f"result type {scalar_name(result)} can't be cast to the desired output type "
                               f"{scalar_name(target.dtype)}")
        out = target
    else:
        plain = op.name in _ROW_MAJOR
        out = builder.layouts.intern(result, shape, None if plain else _like_strides(shape, operands))
    if op.nonzero and not compute.is_floating_point and 0 not in shape:
        j = op.operands.index(op.nonzero)
        _refuse_zeros(builder, Pointer(rec.OPERAND + j), operands[j], compute)
    for name in op.fitting if out.dtype.category == 1 else ():
        j = op.operands.index(name)
        _refuse_beyond(builder, operands[j], j, out.dtype)
    for name in op.unit if 0 not in shape else ():
        j = op.operands.index(name)
        x: Any = Sym.operand(0, operands[j].dtype)
        _refuse(builder, scalar.logical_not((x >= 0) & (x <= 1)), Pointer(rec.OPERAND + j), operands[j], j)
    emit(builder, value, shape, (Pointer(rec.TARGET), out.dtype, out.strides), _operands(operands, shape), (), False)
    return out


def _refuse(builder: Builder, wrong: Any, operand: Pointer, layout: Layout, which: int = 0, size: int = 0) -> None:
    """A step that fails where an element of an operand is wrong."""
    found = builder.layouts.intern(dtypes.int64, ())
    at = Pointer(builder.temporary(found))
    axes = range(len(layout.shape))
    emit(builder, row.max(like(wrong, Sym.const(0, dtypes.int64)), ()), layout.shape,
         (at, found.dtype, (0,) * len(layout.shape)), [(operand, layout.dtype, layout.strides)], axes, True)
    builder.steps.append(Step(structural.in_range(), 0, check_nest(1, 1, False), (at,), (which, size)))


def _refuse_beyond(builder: Builder, layout: Layout, which: int, dtype: dtype) -> None:
    """A step that fails where a number given as an operand is beyond a dtype of whole numbers."""
    if not layout.weak or layout.literal is not None or layout.dtype is dtypes.bool_ or layout.dtype is dtype:
        return
    low, high = dtypes.bounds(dtype, layout.dtype)
    x: Any = Sym.operand(0, layout.dtype)
    wrong = scalar.logical_not((x >= low) & (x <= high))
    _refuse(builder, wrong, Pointer(rec.OPERAND + which), layout, which, dtype.id)


def _refuse_zeros(builder: Builder, divisor: Pointer, layout: Layout, compute: dtype) -> None:
    """A step that fails where a divisor is zero, ahead of the loop, which has no way out: nothing is half-done.

    A divisor is looked at as it is divided by: 256 is zero where bytes are divided. Numbers that have a layout of their
    own are looked at here, once and for all.
    """
    if layout.literal is not None:
        if layout.literal == 0:
            raise RuntimeError(errors.ZERO_DIVISION)
        return
    if layout.dtype is compute is dtypes.int64 and layout.dense:  # the check reads int64 side by side
        builder.steps.append(Step(structural.in_range(), 0, nonzero_nest(layout.numel), (divisor,), (0, 0)))
    else:
        _refuse(builder, Sym.operand(0, layout.dtype).cast(compute) == 0, divisor, layout)


def _adjoint_elementwise(builder: Builder, plan: Plan, j: int) -> int:
    value = trace(plan)[j]
    if value is None:
        return 0
    builder.both = True
    shape, operand = plan.out.shape, plan.operands[j]
    target, incoming = builder.layouts.adjoint(operand), builder.layouts.adjoint(plan.out)
    flags = rec.IDENTITY if value.op == "operand" and value.value == 0 and target is incoming else 0
    strides = shapes.expanded_strides(target.shape, target.strides, shape)
    missing = len(shape) - len(target.shape)
    reduced = [d for d, n in enumerate(shape) if n != 1 and (d < missing or target.shape[d - missing] == 1)]
    if reduced:
        value = row.sum(value, ())
    available = [(Pointer(rec.ADJOINT), incoming.dtype, incoming.strides)]
    available += _operands(plan.operands, shape)
    available.append((Pointer(rec.RESULT), plan.out.dtype, plan.out.strides))
    emit(builder, value, shape, (Pointer(rec.TARGET), target.dtype, strides), available, reduced, bool(reduced))
    if target is incoming and len(builder.steps) == 1 and not reduced and not builder.temporaries:
        flags |= rec.IN_PLACE
    return flags


# ---------------------------------------------------------------- rows


def _kept_form(layout: Layout, shape: shapes.Shape, dims: Sequence[int], keepdim: bool) -> shapes.Shape:
    """The strides of a reduced value over the operand's shape: zero along the row."""
    if keepdim:
        return tuple(0 if d in dims else s for d, s in enumerate(layout.strides))
    left = iter(layout.strides)
    return tuple(0 if d in dims else next(left) for d in range(len(shape)))


def _lower_reduction(builder: Builder, op: Operation, operands: tuple[Layout, ...], attributes: dict[str, Any]
                     ) -> Layout:
    compute = compute_dtype(op, operands)
    dims, keepdim = attributes["dim"], attributes.get("keepdim", False)
    value = op.forward(*symbols(op, operands, compute, 0), **{k: attributes[k] for k in op.attributes})
    shape = shapes.broadcast(o.shape for o in operands)
    result = result_dtype(op, compute)
    if op.per_row:
        out = builder.layouts.intern(
            result, tuple(1 if d in dims else n for d, n in enumerate(shape) if keepdim or d not in dims)
        )
        strides = _kept_form(out, shape, dims, keepdim)
    else:
        out = builder.layouts.intern(result, shape)
        strides = out.strides
    emit(builder, value, shape, (Pointer(rec.TARGET), out.dtype, strides), _operands(operands, shape), dims, op.per_row)
    return out


def _adjoint_reduction(builder: Builder, plan: Plan, j: int) -> int:
    value = trace(plan)[j]
    if value is None:
        return 0
    op, operand = plan.op, plan.operands[j]
    dims, keepdim = plan.attributes["dim"], plan.attributes.get("keepdim", False)
    shape = shapes.broadcast(o.shape for o in plan.operands)
    target, incoming = builder.layouts.adjoint(operand), builder.layouts.adjoint(plan.out)
    if op.per_row:
        seen, result = _kept_form(incoming, shape, dims, keepdim), _kept_form(plan.out, shape, dims, keepdim)
    else:
        seen, result = incoming.strides, plan.out.strides
    available = [(Pointer(rec.ADJOINT), incoming.dtype, seen)]
    available += _operands(plan.operands, shape)
    available.append((Pointer(rec.RESULT), plan.out.dtype, result))
    nodes = [*walk((value,))]
    rows = any(n.op in ("reduce", "index", "count") for n in nodes)
    strides = shapes.expanded_strides(target.shape, target.strides, shape)
    if rows and op.per_row and math.prod(shape) >= thread_cuts.GRAIN // thread_cuts.AWAKE and all(
            n.op not in ("reduce", "index") and (n.op != "operand" or n.value == 0) for n in nodes):
        # A mean's: one number a row, which is then written to all of it, as a sum's is, by several threads.
        number = builder.layouts.intern(target.dtype, incoming.shape)
        at = Pointer(builder.temporary(number))
        seen = _kept_form(number, shape, dims, keepdim)
        emit(builder, value, shape, (at, number.dtype, seen), available, dims, True)
        value, available, rows = Sym.operand(0, number.dtype), [(at, number.dtype, seen)], False
    builder.both = True
    emit(builder, value, shape, (Pointer(rec.TARGET), target.dtype, strides), available, dims if rows else (), False)
    return 0


# ---------------------------------------------------------------- views


def _lower_view(builder: Builder, op: Operation, operands: tuple[Layout, ...], attributes: dict[str, Any]) -> Layout:
    (x,) = operands
    shape, strides, _ = op.forward((x.shape, x.strides), **attributes)
    return builder.layouts.intern(x.dtype, shape, strides)


def _adjoint_view(builder: Builder, plan: Plan, j: int) -> int:
    """The same view of the operand's adjoint takes the gradient; its byte offset is the instruction's."""
    builder.both = True
    (operand,) = plan.operands
    target, incoming = builder.layouts.adjoint(operand), builder.layouts.adjoint(plan.out)
    _, strides, _ = plan.op.forward((target.shape, target.strides), **plan.attributes)
    reduced = [d for d, (n, s) in enumerate(zip(plan.out.shape, strides)) if n > 1 and s == 0]
    g = Sym.operand(0, incoming.dtype)
    value = row.sum(g, ()) if reduced else g
    emit(builder, value, plan.out.shape, (Pointer(rec.TARGET | rec.SHIFTED), target.dtype, strides),
          [(Pointer(rec.ADJOINT), incoming.dtype, incoming.strides)], reduced, bool(reduced))
    own = [d for d in range(len(plan.out.shape)) if d not in reduced]
    sizes, steps = [plan.out.shape[d] for d in own], [strides[d] for d in own]
    # As many elements, and yet overlapping: a window's neighbours.
    one_run = not reduced and math.prod(sizes) > 0 and shapes.is_dense(sizes, steps)  # what is empty may lie beyond
    whole = math.prod(sizes) == target.numel and shapes.is_dense(sizes, steps)
    alike = strides == incoming.strides or (target.contiguous and incoming.contiguous and shapes.is_contiguous(
        plan.out.shape, strides))
    flags = 0 if whole else rec.NEEDS_ZERO | one_run * (rec.ONE_RUN | rec.LIES_ALIKE * alike)
    if whole and not reduced and alike:
        flags |= rec.IDENTITY
    return flags


def _lower_rebase(builder: Builder, op: Operation, operands: tuple[Layout, ...], attributes: dict[str, Any]) -> Layout:
    return operands[1]


def _lower_callback(builder: Builder, op: Operation, operands: tuple[Layout, ...], attributes: dict[str, Any]
                    ) -> Layout:
    return builder.layouts.intern(attributes["dtype"], attributes["shape"], attributes["strides"])


def _no_adjoint(builder: Builder, plan: Plan, j: int) -> int:
    return 0


def _part(builder: Builder, plan: Plan) -> tuple[dtype, shapes.Shape, shapes.Shape]:
    """The part of a base's adjoint that its written view looked at: (dtype, shape, strides)."""
    frame = builder.layouts.adjoint(plan.operands[1])
    size, strides, _ = REGISTRY["as_strided"].forward((frame.shape, frame.strides), **plan.attributes)
    return frame.dtype, size, strides


def carve(builder: Builder, plan: Plan, source: int) -> None:
    """Zero that part of the adjoint in `source`."""
    d, size, strides = _part(builder, plan)
    builder.region(size, (), Sym.const(0, d), d, [[s * d.itemsize for s in strides]], [Pointer(source | rec.SHIFTED)])


def _adjoint_rebase(builder: Builder, plan: Plan, j: int) -> int:
    """The written view takes its part of the gradient; the old base takes the rest, usually where it lies."""
    frame = builder.layouts.adjoint(plan.operands[1])
    if j == 0:
        builder.both = True
        d, size, strides = _part(builder, plan)
        target = builder.layouts.adjoint(plan.operands[0])
        emit(builder, Sym.operand(0, d), size, (Pointer(rec.TARGET), target.dtype, target.strides),
              [(Pointer(rec.ADJOINT | rec.SHIFTED), d, strides)], (), False)
        return 0
    rest = builder.temporary(frame)
    builder.copy((Pointer(rest), frame), (Pointer(rec.ADJOINT), frame))
    carve(builder, plan, rest)
    builder.copy((Pointer(rec.TARGET), frame), (Pointer(rest), frame), both=True)
    return rec.IDENTITY | rec.CARVES


# ---------------------------------------------------------------- what is kept


def _keeps(builder: Builder, plan: Plan) -> list[frozenset[int]]:
    """What each operand's adjoint reads again: derived from the rule, never declared."""
    n = len(plan.operands)
    if plan.op.moves_nothing or plan.op.kind == "callback":
        return [frozenset()] * n
    tied = frozenset(j for j, name in enumerate(plan.op.operands) if name in plan.op.tied)
    return [
        frozenset() if value is None else tied | frozenset(
            KEEPS_RESULT if u == n + 1 else u - 1 for u in used_operands((value,)) if u > 0
        ) for value in trace(plan)
    ]


class Kind(NamedTuple):
    """How operations of one kind are lowered: forward, one operand's adjoint, what each adjoint reads; and the adjoint
    of all operands, of those that have one."""

    lower: Callable[..., Layout]
    adjoint: Callable[..., int]
    keeps: Callable[..., list[frozenset[int]]] = _keeps
    joint: Callable[..., None] | None = None


KINDS = {  # `planner` adds that of structured operations
    "elementwise": Kind(_lower_elementwise, _adjoint_elementwise),
    "reduction": Kind(_lower_reduction, _adjoint_reduction),
    "view": Kind(_lower_view, _adjoint_view),
    "rebase": Kind(_lower_rebase, _adjoint_rebase),
    "callback": Kind(_lower_callback, _no_adjoint),
}
