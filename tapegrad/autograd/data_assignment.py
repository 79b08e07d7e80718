"""A tensor that goes on elsewhere: `x.data = t`, views in place where nothing is recorded, two that change places.

It keeps its history, its hooks, its gradient and its count of writes. As long as it lies alike, its row stays and only
its place is another: what kept the row for backward reads what is there by then, as in PyTorch. Otherwise it gets a new
row, for what is on the tape relies on the layout of the old one. Gradients that arrive at the old row of a leaf are
the tensor's all the same (`tape.hooks`); of what is no leaf they are those of a node, which nobody sees, in between.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from tapegrad import dispatch
from tapegrad.autograd.made_nodes import onwards
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import buffers, call, machine
from tapegrad.machine.planning import KEEPS_RESULT
from tapegrad.tape import history, hooks
from tapegrad.tape.reading import instruction_of, operands_of, plan_of


def settle(x: Any, source: Any) -> None:
    """Let a tensor lie where another one does, on whose storage it counts writes on from its own (`x.data = t`)."""
    row, flags = x._buffer, buffers["flags"]
    flags[row] &= ~history.KIND_OF_VIEW & 0xFFFFFFFF
    if x._layout == source._layout and buffers["address"][row] == buffers["address"][source._buffer]:
        return  # it lies there
    itself = keeps_itself(row)
    if not itself and (x._layout == source._layout or not flags[row] & rec.RECORDED):
        settle_row(x, source)
        return
    if not itself:
        flags[row] |= rec.WITHDRAWN | rec.GIVEN_DATA
    owner = call.borrowed(source)
    buffers["version"][owner] = history.version(x)
    _go_on(x, call.fresh_row(source._layout, owner, int(buffers["address"][source._buffer])))


def settle_row(x: Any, source: Any) -> None:
    """Let a tensor's row lie where another tensor does."""
    row = x._buffer
    owner = call.borrowed(source)
    if buffers["owner"][row] == row:
        heir = call.part(x)
        if buffers["flags"][heir] & rec.EXTERNAL:
            machine.keepers[heir] = machine.keepers.pop(row)
    call.settle_on_row(x, owner, int(buffers["address"][source._buffer]), source._layout)


def lie(x: Any, layout: int, address: int) -> None:
    """Let a tensor lie otherwise on its own storage, which counts as a write to it."""
    if dispatch.keeper is not None:
        dispatch.keeper.make_way(x)
    old, flags = x._buffer, buffers["flags"]
    owner = int(buffers["owner"][old])
    kind = int(flags[old]) & history.KIND_OF_VIEW
    row = call.fresh_row(layout, owner, address)
    flags[row] |= kind
    buffers["version"][row] = buffers["version"][owner]
    buffers["version"][owner] += 1
    if kind and history.on_base(x) and (history.requires(x._base) or instruction_of(old) is not None):
        flags[row] |= history.requires(x)
        history.move(x, row)  # a view's history is what follows from its base's, and stale with the write
        if not history.requires(x._base):
            history.follow(x)
            restricted = kind & ~rec.IS_VIEW
            buffers["version"][x._buffer] = int(buffers["version"][owner]) - bool(restricted)
        return
    _go_on(x, row)


def is_looked_at(x: Any) -> bool:
    """Whether there are views of a tensor, which have the tensor itself for their base."""
    rows = buffers[:int(machine.state["n_buffers"][0])]
    views = (rows["owner"] == rows["owner"][x._buffer]) & (rows["tensor"] != 0)
    return any(call.tensor_of(row, machine.tensor_type)._base is x for row in np.flatnonzero(views).tolist())


def exchange(x: Any, y: Any) -> None:
    """Let two tensors stand for each other's rows, with gradients and bases; nothing but them may refer to them."""
    capturing.refuse("it swaps tensors")
    one, other = (machine.memory(id(tensor), rec.TENSOR, 1)[0] for tensor in (x, y))
    for row, heir in ((x._buffer, y), (y._buffer, x)):
        buffers["tensor"][row] = id(heir)
    for field in ("buffer", "layout", "grad", "base"):
        one[field], other[field] = other[field], one[field].copy()
    flags = buffers["flags"]
    if (differs := (flags[x._buffer] ^ flags[y._buffer]) & rec.ACCOMPANIED):  # what goes with an object stays with it
        flags[[x._buffer, y._buffer]] ^= differs


def keeps_itself(row: int) -> bool:
    """Whether the instruction that made a row reads it again in backward: that has to find it as it was."""
    t = instruction_of(row)
    if t is None:
        return False
    _, needs = operands_of(t)
    return any(KEEPS_RESULT in kept for j, kept in enumerate(plan_of(t).keeps) if needs >> j & 1)


def _go_on(x: Any, row: int) -> None:
    """Let a tensor stand for a new row, from which gradients go on to what it was."""
    old, flags = x._buffer, buffers["flags"]
    t = instruction_of(old)
    if t is not None:
        with machine.pinned():
            onwards(row, old, plan_of(t).grad_name)
            history.move(x, row)
        return
    if flags[old] & rec.RECORDED and flags[old] & rec.REQUIRES_GRAD:
        hooks.inherit(old, x)
    flags[row] |= int(flags[old]) & (rec.REQUIRES_GRAD | rec.HOOKED | rec.VIEWED)
    call.rebind(x, row)
