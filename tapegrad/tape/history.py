"""What a write in place does to history: the written tensor moves to a new row, a view's base is rewritten with it.

A write through a view is two instructions: the operation itself, whose result is the view as it now is, and
`_copy_slices`, whose result is the base as it now is. Other views of that base learn of it when they are used next: the
version of their storage has moved on, so the machine asks `refresh` for a new history, which is `as_strided` of the
base whatever chain of views made them, as in PyTorch.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from tapegrad import errors, shapes
from tapegrad.machine import records as rec
from tapegrad.machine.live import buffers, call, layouts, machine, planner
from tapegrad.machine.planning import Attributes, Plan
from tapegrad.ops.declaration import REGISTRY
from tapegrad.tape import hooks
from tapegrad.tape.reading import STARTS, instruction_of, operands_of, output_number, plan_of

KIND_OF_VIEW = rec.KIND_OF_VIEW


def requires(x: Any) -> int:
    return int(buffers[x._buffer]["flags"]) & rec.REQUIRES_GRAD


def move(tensor: Any, row: int) -> None:
    """Let a tensor stand for a new row: hooks stay with the old one, `retain_grad` and being a view come along."""
    flags, old = buffers["flags"], tensor._buffer
    along = int(flags[old]) & (KIND_OF_VIEW | rec.RETAINS)
    if flags[old] & rec.HOOKED:
        hooks.leave(tensor, old)
    if hooks.carriers and (tangent := hooks.tangent_of(old)) is not None:
        hooks.give_tangent(row, tangent)
    flags[old] &= ~rec.RETAINS & 0xFFFFFFFF
    call.rebind(tensor, row)
    flags[row] |= along


def _new_row(tensor: Any) -> int:
    row = buffers[tensor._buffer]
    return call.fresh_row(tensor._layout, int(row["owner"]), int(row["address"]))


def _geometry(view: Any, base: Any) -> tuple[Attributes, int]:
    """`as_strided`'s attributes for the view that a tensor is of its base, from zero, and its byte offset there."""
    seen, frame = layouts.all[view._layout], layouts.all[base._layout]
    item = frame.dtype.itemsize
    offset = (int(buffers[view._buffer]["address"]) - int(buffers[base._buffer]["address"])) // item
    given = {"size": seen.shape, "stride": seen.strides, "frame": frame.strides}
    _, shift = shapes.restrided((), offset, frame.shape, frame.strides, layouts.adjoint(frame).strides)
    return STARTS["as_strided"](given), shift * item


def _teach(kind: int, base: Any, first: Any, second: Any, plan: Plan) -> None:
    """Let native code find the plan between a view and its base, where offsets in the base's adjoint are its own."""
    if layouts.adjoint(layouts.all[base._layout]) is layouts.all[base._layout]:
        planner.teach(kind, (layouts.all[first._layout], layouts.all[second._layout]), plan)


def on_base(view: Any) -> bool:
    """Whether a view still lies in its base's storage, which either may have left (`x.data = t`)."""
    base = view._base
    return base is not None and bool(buffers["owner"][view._buffer] == buffers["owner"][base._buffer])


def refresh(view: Any) -> None:
    """Give a view the history that follows from its base's.

    Where that has none, as when the view was one of a leaf that is itself a view, it has a history that leads nowhere.
    """
    _refuse(view, indirectly=True)
    follow(view)
    buffers["version"][view._buffer] = buffers["version"][int(buffers["owner"][view._buffer])]


def follow(view: Any) -> None:
    """The same for a view that may be refused when it is used."""
    base = view._base
    row = _new_row(view)
    if requires(base) or requires(view):
        attributes, shift = _geometry(view, base)
        plan = planner.plan(REGISTRY["as_strided"], (layouts.all[base._layout],), attributes)
        _teach(rec.PLAN_OF_SEEN, base, base, view, plan)
        call.record_view(plan.index, row, 1 if requires(base) else 0, shift, base._buffer)
    move(view, row)


def tell_views(base: Any, requiring: bool) -> None:
    """A leaf comes to require grad, or not to: so do the views taken of it before, whose gradients are nobody's."""
    rows = buffers[:int(machine.state["n_buffers"][0])]
    of_base = (rows["owner"] == rows["owner"][base._buffer]) & (rows["tensor"] != 0) & (rows["producer"] == 0)
    for row in np.flatnonzero(of_base & (rows["flags"] & (rec.IS_VIEW | rec.FREE) == rec.IS_VIEW)).tolist():
        view = call.tensor_of(row, machine.tensor_type)
        if view._base is base and requiring and not requires(view):
            buffers["flags"][row] |= rec.REQUIRES_GRAD
            hooks.inherit(row, None)
        elif view._base is base and not requiring and hooks.is_cut_off(row):
            buffers["flags"][row] &= ~rec.REQUIRES_GRAD & 0xFFFFFFFF
            hooks.rejoin(row)


def rewrite(self: Any, plan: Plan, needs: int, operands: list[int]) -> int:
    """Record an operation on these rows that has just been run on the memory of `self`; returns its result's row."""
    base = self._base
    with machine.pinned():
        row = _new_row(self)
        call.record_plan(plan.index, row, needs, *operands)
        old_version = int(buffers["version"][self._buffer])
        if buffers["flags"][self._buffer] & rec.IS_VIEW and on_base(self):
            attributes, shift = _geometry(self, base)
            slices = planner.plan(
                REGISTRY["_copy_slices"], (layouts.all[self._layout], layouts.all[base._layout]), attributes
            )
            _teach(rec.PLAN_OF_WRITTEN, base, self, base, slices)
            new_base = _new_row(base)
            call.record_view(slices.index, new_base, 1 | (2 if requires(base) else 0), shift, row, base._buffer)
            move(base, new_base)
        retains = buffers["flags"][self._buffer] & rec.RETAINS
        move(self, row)
    buffers["version"][row] = old_version  # a view is stale now: its history is to lead through the new base
    if retains:
        call.freshen(self)
    return row


def forget(self: Any) -> None:
    """Let a tensor go on as a leaf; backward through what kept it is refused."""
    buffers["flags"][self._buffer] |= rec.WITHDRAWN
    move(self, _new_row(self))


def check_writable(x: Any, recorded: bool, constant: bool = False) -> None:
    """Refuse an in-place write that PyTorch refuses, before anything has run; `recorded` says that it will be.

    `constant`: whatever elements share memory are given the same value.
    """
    check_no_inference(x)
    if recorded:
        check_rewritable(x)
    elif constant:
        return
    layout = layouts.all[x._layout]
    if layout.numel and any(n > 1 and s == 0 for n, s in zip(layout.shape, layout.strides)):
        raise RuntimeError(errors.WRITE_OVERLAP)


def is_inference(x: Any) -> bool:
    """Whether a tensor was made in inference mode."""
    return bool(buffers["flags"][x._buffer] & rec.INFERENCE)


def version(x: Any) -> int:
    """How often what a tensor lies in was written to."""
    return int(buffers["version"][int(buffers["owner"][x._buffer])])


def count_writes(owner: int, times: int = 1) -> None:
    """Count writes to what an owner row has, as native code does (`native.tape.count_writes`)."""
    flags = buffers["flags"]
    buffers["version"][owner] += times
    if times and not flags[owner] & rec.LENT:
        return
    borrows = bool(flags[owner] & rec.BORROWED)
    place = int(buffers["producer"][owner]) if borrows else owner
    if not flags[place] & rec.LENT:
        flags[place] |= rec.LENT
        machine.moments[place] = 0
        machine.state["lent"] = 1
    machine.moments.view("u4")[2 * place + (borrows or not times)] = machine.state["n_instructions"][0]


def check_no_inference(x: Any) -> None:
    """Refuse a write, outside of inference mode, to what was made there."""
    if is_inference(x) and not call.is_inferring(None):
        raise RuntimeError(errors.INFERENCE_WRITTEN)


def refuse_kept(*ignored: Any) -> None:
    """A tensor of inference mode is to be kept for backward."""
    raise RuntimeError(errors.INFERENCE_KEPT)


def check_rewritable(x: Any) -> None:
    """Refuse to give a tensor another history where PyTorch refuses it."""
    base = x._base
    if base is not None:
        _refuse(x, indirectly=False)
        if requires(x) and base.is_leaf:
            raise RuntimeError(errors.VIEW_OF_LEAF_INPLACE)
    if requires(x) and not buffers[x._buffer]["producer"]:
        raise RuntimeError(errors.LEAF_INPLACE)


_flags = buffers["flags"]
_GIVEN = rec.MULTI_VIEW | rec.CUSTOM_VIEW  # views of it inherit the first


def give(x: Any) -> None:
    """A view is what a function is differentiated by: its history, and that of its views, must be what it is."""
    row = x._buffer
    _flags[row] = _flags.item(row) | _GIVEN


def given_to(row: int) -> int:
    """The row, or that of which it is a view, that a function is differentiated by; 0 where there is none."""
    while buffers["flags"][row] & rec.MULTI_VIEW:
        t = instruction_of(row)
        if t is None or plan_of(t).op.kind != "view":
            break
        if buffers["flags"][row] & _GIVEN == _GIVEN:
            return row
        row = operands_of(t)[0][0]
    return 0


def let_write(x: Any) -> None:
    """Let what a function is differentiated by, and views of it, be written to, if the base may be."""
    row, base = x._buffer, x._base
    rows = buffers[:int(machine.state["n_buffers"][0])]
    alike = (rows["owner"] == rows["owner"][row]) & (rows["tensor"] != 0) & (rows["flags"] & rec.MULTI_VIEW != 0)
    free = [r for r in np.flatnonzero(alike).tolist() if given_to(r) == row]
    buffers["flags"][free] &= ~_GIVEN & 0xFFFFFFFF
    if base is not None:
        check_rewritable(x)


def pass_hooks(x: Any) -> None:
    """Before a recorded write: of a view it is to lead to the base, past the hooks on the way."""
    row, base = x._buffer, x._base
    while base is not None and on_base(x) and row != base._buffer:
        if buffers["flags"][row] & rec.HOOKED:
            refresh(x)
            return
        t = instruction_of(row)
        if t is None or not plan_of(t).op.moves_nothing:
            return
        row = operands_of(t)[0][0]


def _refuse(view: Any, indirectly: bool) -> None:
    flags = int(buffers["flags"][view._buffer])
    if flags & rec.NO_GRAD_VIEW:
        kind = "inference" if flags & rec.INFERENCE_VIEW else "no_grad"
        subject = f"A view was created in {kind} mode"
        if instruction_of(view._buffer) is not None:
            subject = f"{_described(view)} is a view of a view which was created in {kind} mode"
        remedy = "custom" if flags & rec.CUSTOM_VIEW else "multiple" if flags & rec.MULTI_VIEW else kind
        raise RuntimeError(errors.view_written(kind, subject, indirectly, remedy))
    if given := given_to(view._buffer):
        raise RuntimeError(errors.LEAF_INPLACE if given == view._buffer else errors.VIEW_OF_LEAF_INPLACE)
    if flags & rec.CUSTOM_VIEW:
        raise RuntimeError(errors.view_written("custom", f"{_described(view)} is a view", indirectly))
    if flags & rec.MULTI_VIEW:
        raise RuntimeError(errors.view_written("multiple", f"{_described(view)} is a view", indirectly))


def _described(view: Any) -> str:
    """Which output of which function a tensor is."""
    t = instruction_of(view._buffer)
    if t is None:
        return "This tensor"
    return f"Output {output_number(t)} of {plan_of(t).grad_name.removesuffix('0').removesuffix('Backward')}"


machine.set_hook("refresh_view", refresh)
machine.set_hook("refuse_inference", refuse_kept)
