"""Hooks on what is saved for backward (`torch.autograd.graph.saved_tensors_hooks`).

While there are some, every call goes through Python (`calls_through_python`). There, an
operation that keeps something for backward then runs as a `Function`, which saves tensors one by one and lets the hooks
have each of them. What keeps nothing is recorded as ever.
"""
from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from tapegrad import dispatch, dtypes, errors
from tapegrad.autograd import calls_through_python, engine, function
from tapegrad.autograd.blocks import Block
from tapegrad.autograd.recorded_adjoints import ShapeOnly, by_rule
from tapegrad.autograd.saved_values import SAVED
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import machine, planner
from tapegrad.machine.planning import KEEPS_RESULT, Attributes, Plan
from tapegrad.ops.declaration import REGISTRY, Operation

Hooks = tuple[Callable[[Any], Any], Callable[[Any], Any]]


class _Thread(threading.local):
    def __init__(self) -> None:
        self.hooks: list[Hooks] = []
        self.refusals: dict[object, str] = {}
        self.number = object()


_thread = _Thread()
_lock = threading.Lock()
_hooked: set[object] = set()  # threads that have hooks


def _settle() -> None:
    """Look at every call while a thread has hooks, and only then."""
    capturing.refuse("it changes the hooks on what is saved")
    with _lock:
        if _thread.hooks:
            _hooked.add(_thread.number)
            dispatch.saver = _run
            calls_through_python.hold(_thread.number)
        else:
            calls_through_python.drop(_thread.number)
            if _hooked <= {_thread.number}:
                dispatch.saver = None
            _hooked.discard(_thread.number)  # last, so that who is interrupted does it again


class saved_tensors_hooks(Block):
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
    by_hand = True

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        super().__init__()
        self.hooks = pack_hook, unpack_hook

    def __exit__(self, *error: object) -> None:
        if _thread.hooks:  # the innermost, whoever they are: in a sweep some may be entered, or left, that it knows not
            self._end(_thread.hooks[-1])
        del self._entries[-1:]

    def _entry(self) -> Hooks:
        return self.hooks[0], self.hooks[1]  # another pair each time, which is found again

    def _begin(self, entry: Hooks) -> None:
        if _thread.refusals:
            raise RuntimeError([*_thread.refusals.values()][-1])
        _thread.hooks.append(entry)
        _settle()

    def _end(self, entry: Hooks) -> None:
        for depth, hooks in enumerate(_thread.hooks):  # where a sweep that they were left in has not ended since
            if hooks is entry:
                del _thread.hooks[depth:]
                break
        if bool(_thread.hooks) != (_thread.number in _hooked):
            _settle()


class own_hooks(saved_tensors_hooks):
    """Hooks of the library's own, which keeps a reference to each block that it enters."""

    by_hand = False


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


class _Handle:
    """What is kept in place of a tensor that may be written to."""

    __slots__ = ("__weakref__", "row", "tensor", "version")
    tensor: Any
    version: int
    row: int

    def __init__(self, tensor: Any) -> None:
        self.tensor, self.version, self.row = tensor.detach(), tensor._version, tensor._buffer


class _Mutation(threading.local):
    """The context of this thread in which saved tensors may be written to."""

    context: MutationContext | None = None


_mutation = _Mutation()


class MutationContext:
    """What was saved in one `allow_mutation_on_saved_tensors`; `cloned` are the copies that had to be made."""

    def __init__(self) -> None:
        self.handles: WeakSet[_Handle] = WeakSet()
        self.cloned: WeakKeyDictionary[_Handle, Any] = WeakKeyDictionary()
        self.hooks: Any = own_hooks(self.pack, self.unpack)

    def pack(self, x: Any) -> _Handle:
        for known in self.handles:  # of a tensor that is saved twice there is one
            if known.row == x._buffer and known.version == x._version:
                return known
        handle = _Handle(x)
        self.handles.add(handle)
        return handle

    def unpack(self, handle: _Handle) -> Any:
        if _mutation.context is not self:
            raise AssertionError("Trying to backward outside of the 'allow_mutation_on_saved_tensors' context in which "
                                 "the graph was originally recorded.")
        if handle in self.cloned:
            return self.cloned[handle]
        x = handle.tensor
        if x._version != handle.version:  # by what does not go through operations, such as another thread
            raise RuntimeError(errors.MODIFIED.format(kind=errors.KINDS[x.dtype.name], shape=list(x.shape), output="",
                                                      found=x._version, expected=handle.version))
        return x

    def before_write(self, x: Any) -> None:
        """Copy what is saved of the memory of a tensor that is about to be written to."""
        owner = machine.buffers["owner"]
        if any(owner[handle.row] == owner[x._buffer] for handle in self.handles):
            machine.reclaim()  # what no tensor leads to any more is not saved, either
        for handle in list(self.handles):
            saved = handle.tensor
            same = owner[saved._buffer] == owner[x._buffer] and saved._version == handle.version
            if same and handle not in self.cloned:
                recording = machine.call.set_recording(False)
                try:
                    self.cloned[handle] = dispatch.apply(REGISTRY["clone"], (saved,))
                finally:
                    machine.call.set_recording(recording)

    def clear(self) -> None:
        """Forget what was saved."""
        self.handles.clear()
        self.cloned.clear()


def _before_write(x: Any) -> None:
    if _mutation.context is not None:
        _mutation.context.before_write(x)


class allow_mutation_on_saved_tensors(Block):
    """Let tensors that are saved for backward be written to: they are copied before (`torch.autograd.graph`).

    >>> import tapegrad as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> with torch.autograd.graph.allow_mutation_on_saved_tensors():
    ...     y = x.clone()
    ...     z = (y * y).sum()
    ...     _ = y.zero_()
    ...     z.backward()
    >>> x.grad
    tensor([2., 4.])

    Backward has to run in the same block (AssertionError elsewhere); blocks are not nested (RuntimeError).
    """

    _entry = MutationContext

    def _begin(self, entry: MutationContext) -> MutationContext:
        if _mutation.context is not None:
            raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
        _mutation.context = entry
        dispatch.before_write = _before_write
        entry.hooks.__enter__()
        return entry

    def _end(self, entry: MutationContext) -> None:
        if _mutation.context is entry:
            _mutation.context = None
        if entry.hooks is not None:
            entry.hooks.leave()
            entry.hooks = None  # which refers to it
        entry.clear()


class disable_saved_tensors_hooks(Block):
    """Refuse hooks in a block, with a message (`torch.autograd.graph.disable_saved_tensors_hooks`).

    >>> import tapegrad as torch
    >>> with torch.autograd.graph.disable_saved_tensors_hooks('not here'):
    ...     pass
    """

    by_hand = True

    def __init__(self, error_message: str) -> None:
        super().__init__()
        self.message = error_message

    def _begin(self, entry: object) -> None:
        if _thread.hooks:
            raise RuntimeError(self.message)
        _thread.refusals[entry] = self.message

    def _end(self, entry: object) -> None:
        _thread.refusals.pop(entry, None)


def current() -> Hooks | None:
    """The innermost hooks of this thread."""
    return _thread.hooks[-1] if _thread.hooks else None


def _enter_again(before: tuple[Hooks, ...], late: bool) -> None:
    """Let the hooks of this thread be those of before; `late`, but for those that have been left since."""
    _thread.hooks[:] = [h for h in _thread.hooks if any(h is b for b in before)] if late else before
    if bool(_thread.hooks) != (_thread.number in _hooked):
        _settle()


function.current_hooks = current
engine.entered, engine.enter_again = (lambda: tuple(_thread.hooks)), _enter_again


def _run(op: Operation, given: Sequence[Any], attributes: Attributes) -> Any:
    """An operation that saves something, as a Function; None for any other."""
    if not _thread.hooks or calls_through_python.looked_into:
        return None
    if not op.differentiable or not machine.call.is_recording(None):
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


class _Node(function.FunctionCtx):
    """The node of an operation: what it saved can be asked for by the names that it has elsewhere."""

    def __getattr__(self, name: str) -> Any:
        position = SAVED.get(name.removeprefix("_raw"))
        kept = () if position is None or "plan" not in vars(self) else self._kept
        if kept is None:
            raise RuntimeError(errors.SECOND_BACKWARD)
        place = len(kept) - 1 if position == KEEPS_RESULT else position
        if place is None or not kept or place >= len(kept) - (position != KEEPS_RESULT):
            return super().__getattr__(name)
        saved = kept[place]
        return None if saved is None else self._place_of(saved) if name.startswith("_raw") else self._unpacked(saved)


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
        found._backward_cls = type(name, (_Node,), {"_forward_cls": found})
    return found


