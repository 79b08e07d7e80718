"""Nodes that no user wrote: where a value goes on elsewhere, and where it has no derivative."""
from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from tapegrad import dispatch, shapes
from tapegrad.autograd.function import Function, FunctionCtx, give_history, lies
from tapegrad.machine import records as rec
from tapegrad.machine.live import buffers, call, layouts, machine, planner
from tapegrad.machine.planning import Plan
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.tape import history, hooks


class _Onwards(Function):
    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (was,), (now,) = ctx._inputs, ctx._outputs
        if g is not None and shapes.differ_in_leading_ones(was.shape, now.shape):
            return g.reshape(was.shape)
        return g


@functools.cache
def _node(name: str, function: type[Function]) -> type[FunctionCtx]:
    """A function's node under another name."""
    named = {"name": lambda self: f"torch::autograd::{name}"} if name == "NotImplemented" else {}
    return type(name, (FunctionCtx,), {"_forward_cls": function, **named})


class _Constant(Function):
    """What has no derivative: the gradient is zero, or it is refused."""

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        if ctx.refusal is not None:
            raise ctx.refusal
        if g is None:
            return (None,) * len(ctx._inputs)
        return tuple(call.empty(layouts.adjoint(layout).id).zero_() if needed else None
                     for layout, needed in zip(ctx._inputs, ctx.needs_input_grad))


def _constant(x: Any, op: Operation, values: Sequence[Any], needs: int) -> None:
    """Give a tensor that was just written its history."""
    rows = [v if isinstance(v, int) else v._buffer for v in values]
    ctx, plan = _constant_node(op.grad_name if isinstance(values[-1], int) else f"{op.grad_name[:-1]}1", x, needs, rows)
    with machine.pinned():
        ctx._row = history.rewrite(x, plan, needs, rows)
        hooks.attached(ctx._row).callback = ctx


def _constant_node(name: str, x: Any, needs: int, rows: Sequence[int], refusal: Exception | None = None
                   ) -> tuple[Any, Plan]:
    ctx: Any = _node(name, _Constant)()
    ctx.refusal, ctx.materialize_grads = refusal, False
    ctx._inputs = [layouts.all[int(buffers["layout"][row])] for row in rows]
    ctx._outputs = ctx._tensors = [layouts.all[x._layout]]
    ctx.needs_input_grad = tuple(bool(needs >> j & 1) for j in range(len(rows)))
    given = {"name": name, **lies(ctx._outputs[0])}
    return ctx, planner.plan(REGISTRY["_function"], tuple(ctx._inputs), tuple(given.items()))


def without_derivative(x: Any, name: str, *given: Any, refusal: Exception | None = None) -> Any:
    """A tensor that Python made of others, as the result of a node: its gradients are zero, or refused."""
    if not call.is_recording(None):
        return x
    rows = [a._buffer for a in given if isinstance(a, machine.TensorBase)]
    needs = sum(1 << j for j, row in enumerate(rows) if buffers["flags"][row] & rec.REQUIRES_GRAD)
    if needs:
        ctx, plan = _constant_node(name, x, needs, rows, refusal)
        with machine.pinned():
            ctx._row = give_history(ctx, x, plan, needs, rows)
            hooks.attached(ctx._row).callback = ctx
    return x


dispatch.constant = _constant


def onwards(row: int, before: int, name: str) -> None:
    """Record that a value goes on from a row, whose layout or memory may be another, by a node that nobody sees.

    What arrives there has to fit what was `before`; `name` is that of the node that made it.
    """
    ctx = _node(name, _Onwards)()
    ctx._shows = ctx.materialize_grads = False
    was, now = (layouts.all[int(buffers["layout"][r])] for r in (before, row))
    ctx._row, ctx._inputs, ctx._outputs, ctx._tensors, ctx.needs_input_grad = row, [was], [now], [now], (True,)
    plan = planner.plan(REGISTRY["_function"], (was,), tuple({"name": name, **lies(now)}.items()))
    call.record_plan(plan.index, row, 1, before)
    hooks.attached(row).callback = ctx
