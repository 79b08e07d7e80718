"""Hooks on what is saved for backward (`torch.autograd.graph.saved_tensors_hooks`).

While there are some, every call goes through Python (`calls_through_python`). There, an
operation that keeps something for backward then runs as a `Function`, which saves tensors one by one and lets the hooks
have each of them. What keeps nothing is recorded as ever.
"""
from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from tapegrad import dispatch, dtypes
from tapegrad.autograd import calls_through_python, function
from tapegrad.autograd.recorded_adjoints import ShapeOnly, by_rule
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import machine, planner
from tapegrad.machine.planning import KEEPS_RESULT, Attributes, Plan
from tapegrad.ops.declaration import Operation

Hooks = tuple[Callable[[Any], Any], Callable[[Any], Any]]


class _Thread(threading.local):
    def __init__(self) -> None:
        self.hooks: list[Hooks] = []
        self.refusal: str | None = None


_thread = _Thread()
_lock = threading.Lock()
_active = 0  # contexts entered and not left, of all threads


def _show(step: int) -> None:
    """Count a context in or out, and look at every call only while there is one."""
    global _active
    capturing.refuse("it changes the hooks on what is saved")
    calls_through_python.count(step)
    with _lock:
        _active += step
        dispatch.saver = _run if _active else None


class saved_tensors_hooks:
    """Let functions decide how tensors are kept for backward (`torch.autograd.graph.saved_tensors_hooks`).

    >>> import tapegrad
    >>> x = tapegrad.tensor([1.0, 2.0], requires_grad=True)
    >>> with saved_tensors_hooks(lambda t: t.tolist(), lambda kept: tapegrad.tensor(kept)):
    ...     y = (x * x).sum()
    >>> y.backward(); x.grad
    tensor([2., 4.])

    `pack_hook` is given every tensor that an operation in the block saves; `unpack_hook` is given what that returned,
    when backward needs it, and returns a tensor. A second derivative through a result that was packed is a RuntimeError
    unless that result is still alive.
    """

    hooks: tuple[Callable[[Any], Any], Callable[[Any], Any]]

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        self.hooks = pack_hook, unpack_hook

    def __enter__(self) -> None:
        if _thread.refusal is not None:
            raise RuntimeError(_thread.refusal)
        _thread.hooks.append(self.hooks)
        _show(1)

    def __exit__(self, *error: object) -> None:
        _thread.hooks.pop()
        _show(-1)


class save_on_cpu(saved_tensors_hooks):
    """Keep what is saved on the CPU, where everything is: a copy (`torch.autograd.graph.save_on_cpu`).

    >>> import tapegrad as torch
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> with torch.autograd.graph.save_on_cpu():
    ...     y = x * x
    >>> y.backward(); x.grad
    tensor(6.)
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda x: x.detach().clone(), lambda kept: kept)


class disable_saved_tensors_hooks:
    """Refuse hooks in a block, with a message (`torch.autograd.graph.disable_saved_tensors_hooks`).

    >>> import tapegrad as torch
    >>> with torch.autograd.graph.disable_saved_tensors_hooks('not here'):
    ...     pass
    """

    before: str | None

    def __init__(self, error_message: str) -> None:
        self.message = error_message

    def __enter__(self) -> None:
        if _thread.hooks:
            raise RuntimeError(self.message)
        self.before, _thread.refusal = _thread.refusal, self.message

    def __exit__(self, *error: object) -> None:
        _thread.refusal = self.before


def current() -> Hooks | None:
    """The innermost hooks of this thread."""
    return _thread.hooks[-1] if _thread.hooks else None


function.current_hooks = current


def _run(op: Operation, given: Sequence[Any], attributes: Attributes) -> Any:
    """An operation that saves something, as a Function; None for any other."""
    if not _thread.hooks or not op.differentiable or not machine.call.is_recording(None):
        return None
    needs = sum(1 << j for j, x in enumerate(given) if isinstance(x, machine.TensorBase) and x.requires_grad)
    if not needs:
        return None
    operands = dispatch.Operands(op, given)
    try:
        plan = planner.plan(op, tuple(operands.layouts), attributes)
    finally:
        operands.release()
    if not plan.out.dtype.is_floating_point:
        return None
    kept = set().union(*(plan.keeps[j] for j in range(len(given)) if needs >> j & 1))
    return _node(plan.grad_name).apply(plan, attributes, kept, *given) if kept else None


class _Saving(function.Function):
    @staticmethod
    def forward(ctx: Any, plan: Plan, attributes: Attributes, kept: set[int], *given: Any) -> Any:
        result = dispatch.apply(plan.op, given, attributes)
        ctx.plan, ctx.kept = plan, kept
        ctx.numbers = [None if isinstance(x, machine.TensorBase) else x for x in given]
        ctx.save_for_backward(*(x if j in kept and isinstance(x, machine.TensorBase) else None
                                for j, x in enumerate(given)), result if KEEPS_RESULT in kept else None)
        return result

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        *saved, result = ctx.saved_tensors
        plan = ctx.plan
        operands: list[Any] = [
            ShapeOnly(layout) if j not in ctx.kept else dtypes.number(ctx.numbers[j]) if x is None else x
            for j, (x, layout) in enumerate(zip(saved, plan.operands))
        ]
        needs = sum(1 << j for j, needed in enumerate(ctx.needs_input_grad[3:]) if needed)
        found = by_rule(plan, g, operands, ShapeOnly(plan.out) if result is None else result, needs)
        return None, None, None, *found


_nodes: dict[str, type[function.Function]] = {}


def _node(name: str) -> type[function.Function]:
    """The Function that shows as a node of that name."""
    found = _nodes.get(name)
    if found is None:
        found = _nodes[name] = type(name, (_Saving,), {})
        found._backward_cls = type(name, (function.FunctionCtx,), {"_forward_cls": found})
    return found


