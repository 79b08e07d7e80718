"""What Python keeps for a row: hooks of tensors and nodes, and custom functions' contexts.

It belongs to the row, and lives for as long as the tape names that: a tensor may die, or move to another row (a write
in place), and its hooks run all the same. How the collector sees cycles through it is `machine.native.gc_cycles`'s
affair. A tensor's attributes hold the same dicts of hooks, so that they come along where the tensor itself goes on,
elsewhere (`x.data = ...`).
"""
from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet, WeakValueDictionary

from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import buffers, machine
from tapegrad.tape import reading

Hook = Callable[..., Any]
Hooks = dict[int, Hook]

_flags, _tensors = buffers["flags"], buffers["tensor"]
NAME = "_backward_hooks"
POST_ACCUMULATE = "_post_accumulate_grad_hooks"


_NONE: WeakValueDictionary[int, Attached] = WeakValueDictionary()


class Attached:
    """All that is kept for one row."""

    __slots__ = ("__weakref__", "callback", "end", "heir", "metadata", "outputs", "post_accumulate", "posthooks",
                 "prehooks", "saved", "tangent", "tensor_hooks")

    def __init__(self) -> None:
        self.tensor_hooks: Hooks = {}
        self.post_accumulate: Hooks = {}
        self.prehooks: Hooks = {}
        self.posthooks: Hooks = {}
        self.callback: Any = None
        # Of a node's several outputs, by number, those with hooks, which are called where there is no gradient too.
        self.outputs: WeakValueDictionary[int, Attached] = _NONE
        self.end: Attached | None = None  # where this is what a composed node goes on from: what is kept for that
        self.heir: Callable[[], Any] | None = None
        self.metadata: dict[Any, Any] = {}
        self.tangent: Any = None
        # What hooks keep of operands (by position) and of the result: (the hook's inverse, what it made, the row).
        self.saved: dict[int, tuple[Any, Any, int]] | None = None

    @property
    def gathers(self) -> bool:
        """Whether the node here waits for the gradients of all of its outputs, for hooks to be told."""
        return bool(self.prehooks or self.posthooks or self.outputs)


class RemovableHandle:
    """What registering a hook returns (`torch.utils.hooks.RemovableHandle`): `remove()` takes the hook out again.

    >>> import tapegrad
    >>> x = tapegrad.tensor(2.0, requires_grad=True)
    >>> handle = x.register_hook(lambda g: 10 * g)
    >>> handle.remove()
    >>> (x * 3).backward(); x.grad
    tensor(3.)

    In a `with` the hook is removed at the end. The number `id` is taken out of `marks` too.
    """

    __slots__ = {"_hooks": None, "_marks": None, "id": "A number of its own: hooks run in the order of theirs."}
    __module__ = "tapegrad.utils.hooks"
    id: int
    _numbers = itertools.count()

    def __init__(self, hooks: Hooks, hook: Hook, marks: Sequence[dict[int, Any]] = ()) -> None:
        capturing.refuse("it registers a hook")
        self._hooks, self._marks, self.id = hooks, marks, next(RemovableHandle._numbers)
        hooks[self.id] = hook
        for mark in marks:
            mark[self.id] = True

    def remove(self) -> None:
        """Take the hook out; nothing happens if it is out already."""
        capturing.refuse("it removes a hook")
        for held in (self._hooks, *self._marks):
            held.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


find: Callable[[int], Attached | None] = machine.call.attached_to  # what is kept for a row, if anything


def attached(row: int) -> Attached:
    """What is kept for a row, for adding to it."""
    found = find(row)
    if found is None:
        found = Attached()
        machine.call.attach_to(row, found)
    return found


def watch(row: int) -> None:
    """Let sweeps stop at a node, and at what its gradient is gathered from."""
    flags = buffers["flags"]
    flags[row] |= rec.HOOKED
    for t in reading.outputs_of(row):
        if reading.plan_of(t).op.kind == "view":
            out = int(reading.instructions["out"][t])
            flags[out] |= rec.HOOKED
            if reading.plan_of(t).op.name == "_leave":
                attached(out)  # so that it is seen without a gradient, too: the last of them runs the node


def watch_operands(row: int) -> None:
    """Let sweeps stop where a composed node of several tensors goes on to them: its hooks are called there."""
    t, end = reading.instruction_of(row), attached(row)
    for other in reading.composed_operands(t).values() if t is not None else ():
        buffers["flags"][other] |= rec.HOOKED
        attached(other).end = end


def gathers(row: int) -> bool:
    """Whether the node of this row waits for the gradients of all of its outputs, for hooks to be told."""
    kept = find(row)
    return kept is not None and kept.gathers


def saves(row: int) -> bool:
    """Whether hooks keep what the node of this row saved."""
    kept = find(row)
    return kept is not None and kept.saved is not None


def metadata_of(row: int) -> dict[Any, Any]:
    """What the node of a row was told to remember."""
    return attached(row).metadata


carriers: WeakSet[Attached] = WeakSet()  # what has a tangent


def give_tangent(row: int, tangent: Any) -> None:
    """Let a row have a tangent."""
    kept = attached(row)
    kept.tangent = tangent
    carriers.add(kept)


def tangent_of(row: int) -> Any:
    """The tangent of a row, or None."""
    kept = find(row)
    return None if kept is None else kept.tangent


# What is kept for rows whose gradients are not of the tensor there: that goes on elsewhere, or they are nobody's.
_left: WeakValueDictionary[int, Attached] = WeakValueDictionary()


def inherit(row: int, tensor: Any) -> None:
    """The leaf at a row goes on under another one: the gradients that arrive here are its own all the same.

    Without a tensor they are dropped.
    """
    kept = _left[row] = attached(row)
    kept.heir = _nobody if tensor is None else weakref.ref(tensor)
    buffers["flags"][row] |= rec.HOOKED  # so that native code leaves it to Python


def _nobody() -> None:
    return None


def _heir(row: int) -> Callable[[], Any] | None:
    kept = _left.get(row) if _left else None  # and not `find`: that makes an object for a node that native code has
    return None if kept is None else kept.heir


def is_cut_off(row: int) -> bool:
    """Whether the gradients of a leaf are dropped."""
    return _heir(row) is _nobody


def rejoin(row: int) -> None:
    """The gradients of a leaf are its own again."""
    if _left and is_cut_off(row):
        _left.pop(row).heir = None


def live(row: int) -> Any:
    """The tensor that gets the gradients of a row, or None where there is none."""
    heir = _heir(row)
    if heir is not None:
        return heir()
    return machine.call.tensor_of(row, machine.TensorBase) if _tensors.item(row) else None


def leaves_gone_on() -> bool:
    """Whether any leaf goes on under another row than that where gradients arrive."""
    return bool(_left)


def rows_of(tensor: Any) -> list[int]:
    """The rows whose gradients are a tensor's when asked for: its own, and those where it was a leaf of this dtype."""
    if not _left:
        return [tensor._buffer]
    kind, own = reading.layout_of(tensor._buffer).dtype, [] if is_cut_off(tensor._buffer) else [tensor._buffer]
    return [*own, *(row for row in list(_left) if (heir := _heir(row)) is not None and heir() is tensor
                              and reading.layout_of(row).dtype is kind)]


def add_tensor_hook(tensor: Any, hook: Hook) -> RemovableHandle:
    """A hook on the gradient of a tensor."""
    kept = attached(tensor._buffer)
    kept.tensor_hooks = _own(tensor, NAME, kept.tensor_hooks)
    t = reading.instruction_of(tensor._buffer)
    row = tensor._buffer if t is None else reading.node_row(t)
    if t is not None and row != tensor._buffer:
        node = attached(row)
        if node.outputs is _NONE:
            node.outputs = WeakValueDictionary()
        node.outputs[reading.output_number(t)] = kept
        watch(row)
    return RemovableHandle(kept.tensor_hooks, hook)


def add_post_accumulate_hook(tensor: Any, hook: Hook) -> RemovableHandle:
    """A hook on a leaf whose `.grad` was added to."""
    kept = attached(tensor._buffer)
    kept.post_accumulate = _own(tensor, POST_ACCUMULATE, kept.post_accumulate)
    return RemovableHandle(kept.post_accumulate, hook)


def _own(tensor: Any, name: str, kept: Hooks) -> Hooks:
    """The dict that a tensor shares with its row: its own if it came from another row, else the row's."""
    own: Hooks = vars(tensor).setdefault(name, kept)
    if own is not kept:
        own.update(kept)
    buffers["flags"][tensor._buffer] |= rec.HOOKED
    return own


def tensor_hooks(row: int) -> list[Hook]:
    """The hooks on the gradient of a row, first come first."""
    return _hooks(row, NAME, "tensor_hooks")


def post_accumulate_hooks(row: int) -> list[Hook]:
    """The hooks on a leaf's row, first come first."""
    return _hooks(row, POST_ACCUMULATE, "post_accumulate")


def kinds(tensor: Any) -> tuple[bool, bool]:
    """Which kinds of hooks a tensor has: on its gradient, and after that is accumulated. One flag stands for both."""
    return bool(tensor_hooks(tensor._buffer)), bool(post_accumulate_hooks(tensor._buffer))


def _hooks(row: int, name: str, slot: str) -> list[Hook]:
    if not _flags.item(row) & rec.HOOKED:
        return []
    kept = find(row)
    found: Hooks = {} if kept is None else getattr(kept, slot)
    tensor = live(row)
    own = None if tensor is None else vars(tensor).get(name)
    if own is not None and own is not found:
        found = {**found, **own}
    return list(found.values())


def leave(tensor: Any, row: int) -> None:
    """A tensor is about to leave its row for the result of a write: its hooks stay with the row."""
    own = vars(tensor).pop(NAME, None)
    if own and buffers["flags"][row] & rec.RECORDED:
        attached(row).tensor_hooks = own  # the very dict: handles go on removing from it
