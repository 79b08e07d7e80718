"""Where a gradient arrives: the hooks that may replace it, and `.grad`."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tapegrad import dispatch, errors, shapes
from tapegrad.autograd import modes
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import buffers, call, layouts, machine
from tapegrad.tape import hooks
from tapegrad.tape.hooks import Hook, tensor_hooks


def call_hooks(found: Sequence[Hook], gradient: Any) -> Any:
    """A gradient after the hooks of its tensor; None where there is none, which they may not replace."""
    if found:
        capturing.refuse("a hook runs")
    for hook in found:
        gradient = _accepted(hook, hook(gradient), gradient)
    return gradient


def late_hooks(row: int, gradient: Any, partial: bool = False) -> Any:
    """A gradient after the hooks of its leaf: those that had any when the sweep began have had theirs by now."""
    if gradient is None or partial or buffers["producer"][row]:
        return gradient
    return call_hooks(tensor_hooks(row), gradient)


def replaced(hook: Hook, result: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a node's hook returned, or what it was given if that is None."""
    if result is None:
        return given
    if not isinstance(result, tuple):
        raise TypeError(f"expected tuple, but hook returned '{type(result).__name__}'")
    if len(result) != len(given):
        raise RuntimeError(f"hook '{_name(hook)}' has returned an incorrect number of values (got {len(result)}, but "
                           f"expected {len(given)})")
    return tuple([None if new is None else _accepted(hook, new, old) for new, old in zip(result, given)])


def _accepted(hook: Hook, new: Any, old: Any) -> Any:
    """A gradient as a hook returned it, which has to be like the one that it was given."""
    if new is None:
        return old
    if not isinstance(new, machine.TensorBase):
        raise TypeError(f"expected Variable, but hook returned '{type(new).__name__}'")
    if old is None:
        raise RuntimeError("can't replace a None gradient with a non-None value")
    if new.dtype is not old.dtype:
        was, got = (errors.KINDS[x.dtype.name] for x in (old, new))
        raise RuntimeError(f"hook '{_name(hook)}' has changed the type of value (was torch.{was} got torch.{got})")
    if new.shape != old.shape:
        raise RuntimeError(f"hook '{_name(hook)}' has changed the size of value")
    return dispatch.strided(new)


def _name(hook: Hook) -> str:
    return getattr(hook, "__name__", "<unknown>")


def arrive(row: int, gradient: Any) -> None:
    """A gradient, or None, at the end of the graph: the accumulator's hooks, and `.grad` between them."""
    kept, tensor = hooks.find(row), hooks.live(row)
    if tensor is None and kept and kept.post_accumulate and kept.heir is None:
        tensor = call.tensor_of(row, machine.tensor_type)  # the leaf is dead, and its hooks are to be given one
    if kept and (kept.prehooks or kept.posthooks):
        capturing.refuse("a hook runs")
    outgoing = (gradient,)
    for hook in list(kept.prehooks.values()) if kept else ():
        outgoing = replaced(hook, hook(outgoing), outgoing)
    if tensor is not None:
        if outgoing[0] is not None and tensor.requires_grad:  # a leaf may have given that up since
            accumulate_into(tensor, outgoing[0])
        after = hooks.post_accumulate_hooks(row)
        if after:
            capturing.refuse("a hook runs")
        for hook in after:
            returned = hook(tensor)
            if isinstance(returned, machine.TensorBase):
                raise RuntimeError("Tensor post accumulate grad hooks should return None.")
            if returned is not None:
                raise TypeError(f"expected Variable, but hook returned '{type(returned).__name__}'")
    for hook in list(kept.posthooks.values()) if kept else ():
        hook((), outgoing)


def accumulate_into(tensor: Any, gradient: Any) -> None:
    """`.grad += gradient`: in place for a leaf, unless the sweep is recorded.

    A first one is copied, for others may hold it.
    """
    have = tensor.grad if tensor.is_leaf or tensor.retains_grad else None
    if have is None:
        have = _lies_like(tensor, gradient)
    elif modes.is_grad_enabled() or not tensor.is_leaf:
        have = have + gradient
    else:
        if shapes.differ_in_leading_ones(have.shape, gradient.shape):  # the leaf was reshaped since under `no_grad`
            gradient = gradient.reshape(have.shape)
        with modes.no_grad():
            have.add_(gradient)
        return
    call.put_grad(tensor, have)


def _lies_like(tensor: Any, gradient: Any) -> Any:
    """A copy of a gradient that lies in memory as its tensor does, if that is dense, and row-major otherwise."""
    like, found = layouts.adjoint(dispatch.layout_of(tensor)), dispatch.layout_of(gradient)
    if all(n == 1 or s == t for n, s, t in zip(found.shape, found.strides, like.strides)):
        dense = found.dense and len(found.shape) == len(like.shape)
        like = found if dense else layouts.intern(found.dtype, found.shape)
    return call.empty(layouts.intern(found.dtype, like.shape, like.strides).id).copy_(gradient)


def of_targets(targets: list[Any], accumulate: bool, gathered: Callable[[int], Any]) -> list[Any] | None:
    """The gradients of the inputs that were asked for, or, to be accumulated, those of the leaves among them.

    Leaves with hooks have had theirs; where what is no leaf is to accumulate, it has retained its own.
    """
    taken: dict[int, Any] = {}
    for target in {id(t): t for t in targets}.values():
        leaf, total = target.is_leaf, None
        for row in hooks.rows_of(target):
            gradient = gathered(row)
            if gradient is None or (accumulate and not leaf):
                continue
            if accumulate:
                arrive(row, gradient)
            else:
                total = gradient if total is None else total + gradient
        taken[id(target)] = total
    return None if accumulate else [taken[id(t)] for t in targets]
