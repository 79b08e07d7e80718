"""What Python keeps under the number of a row: hooks of tensors and nodes, and custom functions' contexts.

A tensor's own hooks live in its `__dict__` while it does, where the collector sees them. When the tensor dies or moves
to another row (a write in place) and the tape still names the old one, they move here; the machine says when a row is
freed.
"""
from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

from tapegrad.machine import records as rec
from tapegrad.machine import tracing
from tapegrad.machine.live import machine

Hook = Callable[..., Any]
Hooks = dict[int, Hook]

buffers = machine.buffers
NAME = "_backward_hooks"
POST_ACCUMULATE = "_post_accumulate_grad_hooks"


class Attached:
    """All that is kept under one row."""

    __slots__ = ("callback", "metadata", "posthooks", "prehooks", "tensor_hooks")

    def __init__(self) -> None:
        self.tensor_hooks: Hooks = {}
        self.prehooks: Hooks = {}
        self.posthooks: Hooks = {}
        self.callback: Any = None
        self.metadata: dict[Any, Any] = {}


_attached: dict[int, Attached] = {}
# Whose the gradients of some leaves' rows are: of the tensor that was there, and goes on elsewhere, or of nobody.
_heirs: dict[int, Callable[[], Any]] = {}
_graveyard: list[Attached] = []  # what was kept under rows that the machine is freeing


class RemovableHandle:
    """What registering a hook returns: `remove()` takes the hook out again."""

    __slots__ = ("_hooks", "id")
    _numbers = itertools.count(1)

    def __init__(self, hooks: Hooks, hook: Hook) -> None:
        tracing.refuse("it registers a hook")
        self._hooks, self.id = hooks, next(RemovableHandle._numbers)
        hooks[self.id] = hook

    def remove(self) -> None:
        tracing.refuse("it removes a hook")
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def attached(row: int) -> Attached:
    """What is kept under a row, for adding to it."""
    found = _attached.get(row)
    if found is None:
        found = _attached[row] = Attached()
        buffers["flags"][row] |= rec.ATTACHED
    return found


def metadata_of(row: int) -> dict[Any, Any]:
    """What the node of a row was told to remember."""
    return attached(row).metadata


def find(row: int) -> Attached | None:
    """What is kept under a row, if anything."""
    return _attached.get(row) if buffers["flags"][row] & rec.ATTACHED else None


def inherit(row: int, tensor: Any) -> None:
    """The leaf at a row goes on under another one: the gradients that arrive here are its own all the same.

    Without a tensor they are dropped.
    """
    attached(row)
    buffers["flags"][row] |= rec.HOOKED  # so that native code leaves it to Python
    _heirs[row] = _nobody if tensor is None else weakref.ref(tensor)


def _nobody() -> None:
    return None


def is_cut_off(row: int) -> bool:
    """Whether the gradients of a leaf are dropped."""
    return _heirs.get(row) is _nobody


def rejoin(row: int) -> None:
    """The gradients of a leaf are its own again."""
    if is_cut_off(row):
        del _heirs[row]


def live(row: int) -> Any:
    """The tensor that gets the gradients of a row, or None where there is none."""
    if row in _heirs:
        return _heirs[row]()
    return machine.call.tensor_of(row, machine.TensorBase) if buffers["tensor"][row] else None


def rows_of(tensor: Any) -> list[int]:
    """The rows whose gradients are a tensor's: its own, and those where it was a leaf before."""
    return [tensor._buffer, *(row for row, heir in _heirs.items() if heir() is tensor)]


def add_tensor_hook(tensor: Any, hook: Hook) -> RemovableHandle:
    own = vars(tensor).setdefault(NAME, {})
    buffers["flags"][tensor._buffer] |= rec.HOOKED
    return RemovableHandle(own, hook)


def tensor_hooks(row: int) -> list[Hook]:
    """The hooks on the gradient of a row, first come first."""
    if not buffers["flags"][row] & rec.HOOKED:
        return []
    kept = find(row)
    hooks = list(kept.tensor_hooks.values()) if kept else []
    tensor = live(row)
    if tensor is not None:
        hooks += vars(tensor).get(NAME, {}).values()
    return hooks


def orphan(attributes: dict[str, Any], row: int) -> None:
    """The tensor with these attributes is about to leave its row: its hooks stay with the row."""
    own = attributes.pop(NAME, None)
    if own and buffers["flags"][row] & rec.RECORDED:
        attached(row).tensor_hooks = own  # the very dict: handles go on removing from it


def _released(row: int) -> None:
    """The machine frees a row; it calls with 0 as soon as what was kept under it may die."""
    if row:
        _heirs.pop(row, None)
        _graveyard.append(_attached.pop(row))
    else:
        dying = _graveyard[:]
        del _graveyard[:len(dying)]


machine.set_hook("orphan_hooks", orphan)
machine.set_hook("release_row", _released)
