"""Recurrent layers: all steps in one operation, and the way back over them.

Two operations. `_recurrent_steps` goes through the steps and writes a record of them, and `_recurrent_shown` reads from
the record what the layer returns, and keeps it for backward, where one sweep over the steps is the gradients of all
that was given. The record says nothing that what was given does not, so that no gradient flows through it.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad.ops import recurrent
from tapegrad.ops.declaration import Builder, Rule, Value, structured
from tapegrad.ops.recurrent import CELLS, Given, Sizes, length, record_parts, slope_parts
from tapegrad.ops.scalar import whole

PIECE = 32  # columns of the weights that lie together: two vectors, or a multiple, as wide as a tile of products


def _span(builder: Builder, sizes: Sizes, item: int) -> tuple[int, int]:
    """Rows of the batch that are taken at once, and steps whose gradients of weights are added up at once: of as many
    rows as inputs and states have elements, or some more, so that sums are not read and written more often than those
    rows are, nor for the few steps that are left (50 steps in 3 spans instead of 4: 1 % of all of an LSTM's back)."""
    at_once, across = builder.block(sizes.batch), sizes.wide + sizes.width
    most = recurrent.SMALL // ((sizes.cell.sums * sizes.width + across) * item)
    usual = max(-(-min(across, most) // at_once), 1)
    longest = max(most // at_once, usual)
    return at_once, -(-sizes.steps // max(sizes.steps // usual, -(-sizes.steps // longest)))


def _pieces(builder: Builder, sizes: Sizes, *weights: Value) -> Value:
    """The transpose of weights, one below the other, PIECE columns at a time: whole, its rows would lie on few of a
    cache's lines. Threads wake for it that are to share the steps, and do some of it where they come in time."""
    columns, start = weights[0].shape[0], 0
    piece = columns if columns % PIECE else PIECE
    found = builder.room_for(weights[0].dtype, (columns // piece, sum(w.shape[1] for w in weights), piece))
    for w in weights:
        width = w.shape[1]
        builder.turned_into(found.narrow(1, start, width), w)
        builder.rouse(sizes.batch, sizes.work())
        start += width
    return builder.still(found)


def _directions(builder: Builder, reverse: bool, steps: int) -> tuple[int, int, Rule]:
    """Where states lie before and after a step, and parts of a record as steps go through them."""
    before, after = (1, 0) if reverse else (0, 1)
    return before, after, lambda part, at, back=reverse: builder.moving(part, back, at, steps)


def _steps(builder: Builder, x: Value, state: Value, memory: Value, w: Value, bias: Value, weight: Value, *, mode: str,
           reverse: bool, steps: int, batch: int, wide: int, width: int) -> Value:
    sizes = Sizes(mode, steps, batch, wide, width)
    cell, of = sizes.cell, x.dtype
    small = sizes.small(of.itemsize)
    out = builder.result(of, (length(sizes.record()),))
    x = builder.by_rows(x)
    inputs, (kept, memories, states) = x.reshape(steps, batch, wide), record_parts(out, *sizes)
    before, after, moving = _directions(builder, reverse, steps)
    across = _pieces(builder, sizes, w, weight) if small and wide and cell.alike == cell.gates else None
    for part, start in ((states, state), (memories, memory)):
        if part is not None:
            builder.copy_into(part.narrow(0, before * steps, 1), start.unsqueeze(0))
    turns = builder.in_turns(batch, steps)
    earlier, later = moving(states, before), moving(states, after)
    row, rows = (later, states.narrow(0, after, steps)) if kept is None else (moving(kept, 0), kept)
    # Sums are where the step before had them, in a cache, and not where what is kept of them is to be, which is in none
    # (50 steps of 8 x 256: 295 to 300 us instead of 300 to 320).
    scratch = small and kept is not None and batch * cell.sums * width * of.itemsize <= recurrent.SMALL
    sums = turns.blank(of, (batch, cell.sums * width)) if scratch else row
    if across is not None:
        # Inputs and states side by side: one product, whose sums are written once (8 x 256 x 128: 10 % less).
        both = turns.scratch(of, (batch, wide + width))
        turns.copies([both.columns(0, wide), both.columns(wide, width)], [moving(inputs, 0), earlier])
        turns.product(sums, both, across)
    else:
        for start, column, n in sizes.met():
            part = w.narrow(0, start, n)
            if small:
                turns.product(sums.columns(column, n), moving(inputs, 0), _pieces(builder, sizes, part))
            else:
                builder.write(rows.reshape(steps * batch, rows.shape[-1]).narrow(1, column, n), x @ part.mT)
        for start, n in ((0, cell.alike * width), (cell.alike * width, sizes.rows - cell.alike * width)):
            if n:
                part = weight.narrow(0, start, n)
                turns.product(sums.columns(start, n), earlier, _pieces(builder, sizes, part), add=start == 0)
    read = [m.columns(k * width, width) for m in (sums, builder.still(bias)) for k in range(cell.sums)]
    made = [row.columns(k * width, width) for k in range(cell.kept)]
    if memories is not None:
        read.append(moving(memories, before))
        made.append(moving(memories, after))
    elif cell.reads:
        read.append(earlier)
    if cell.shown is None:
        turns.elements([*made, later], read, cell.step)
    else:
        *gates, shown, now = made
        turns.elements([*gates, now], read, cell.step)
        turns.elements([shown, later], [gates[-1], now], cell.shown)
    turns.end(sizes.work(small))
    return out.layout


def _shown(builder: Builder, x: Value, state: Value, memory: Value, w: Value, bias: Value, weight: Value, record: Value,
           *, mode: str, reverse: bool, onward: bool, to_states: bool, steps: int, batch: int, wide: int, width: int
           ) -> Value:
    """The states after every step, and the last memory behind them."""
    sizes = Sizes(mode, steps, batch, wide, width)
    _, memories, states = record_parts(record, *sizes)
    out = builder.result(record.dtype, sizes.shown())
    after = int(not reverse)
    builder.copy_into(out.narrow(0, 0, steps), states.narrow(0, after, steps))
    if memories is not None:
        builder.copy_into(out.narrow(0, steps, 1), memories.narrow(0, after * steps, 1))
    return out


def _shown_slopes(g: Value, x: Value, state: Value, memory: Value, w: Value, bias: Value, weight: Value, record: Value,
                  mode: str, reverse: bool, onward: bool, to_states: bool, steps: int, batch: int, wide: int, width: int
                  ) -> tuple[Value | None, ...]:
    sizes = Sizes(mode, steps, batch, wide, width)
    found = slope_parts(whole._recurrent_slopes(
        g, x, state, memory, w, bias, weight, record, reverse=reverse, onward=onward, to_states=to_states,
        **sizes._asdict()), *sizes)
    states = found[1:3] if to_states else (None, None)
    return found.inputs.reshape(*x.shape) if onward else None, *states, *found[3:], None


def _slopes(builder: Builder, g: Value, x: Value, state: Value, memory: Value, w: Value, bias: Value, weight: Value,
            record: Value, *, mode: str, reverse: bool, onward: bool, to_states: bool, steps: int, batch: int, wide: int,
            width: int) -> Value:
    """The gradients of all that was given, side by side; those of inputs are zero unless it goes `onward`, and those of
    states unless it goes there."""
    sizes = Sizes(mode, steps, batch, wide, width)
    out = builder.result(g.dtype, (length(sizes.given()),))
    found = slope_parts(out, *sizes)
    unwanted = [name for name, wanted in (("inputs", onward), ("state", to_states), ("memory", to_states)) if not wanted]
    for name in unwanted:
        if getattr(found, name) is not None:
            builder.fill(getattr(found, name))
    found = found._replace(**dict.fromkeys(unwanted))
    _sweep(builder, found, g, x, w, weight, record, sizes, reverse)
    return out.layout


def _swept(builder: Builder, found: list[Value | None], g: Value, x: Value, state: Value, memory: Value, w: Value,
           bias: Value, weight: Value, record: Value, *, mode: str, reverse: bool, onward: bool, to_states: bool, **rest: int
           ) -> None:
    """The same, each where it is to be."""
    sizes, (inputs, *others) = Sizes(mode, **rest), found[:-1]
    inputs = inputs.reshape(sizes.steps, sizes.batch, sizes.wide) if inputs is not None else None
    _sweep(builder, Given(inputs, *others), g, x, w, weight, record, sizes, reverse)


def _sweep(builder: Builder, found: Given, g: Value, x: Value, w: Value, weight: Value, record: Value, sizes: Sizes,
           reverse: bool) -> None:
    """The gradients of what was given, from that of what is shown.

    Inputs and weights are read where they lie, so that backward is refused once they were written to.
    """
    (_, steps, batch, wide, width), of = sizes, g.dtype
    cell, small, onward = sizes.cell, sizes.small(of.itemsize), found.inputs is not None
    kept, memory, state = record_parts(record, *sizes)
    after, before, moving = _directions(builder, not reverse, steps)
    of_state = builder.room_for(of, (batch, width)) if found.state is None else found.state
    builder.fill(of_state)
    if memory is not None:
        of_memory = builder.room_for(of, (batch, width)) if found.memory is None else found.memory
        builder.copy_into(of_memory, g.narrow(0, steps, 1).squeeze(0))
    columns = cell.sums * width
    turns = builder.in_turns(batch, steps, *(_span(builder, sizes, of.itemsize) if small else ()))
    if small:
        row, rows = turns.spanned(of, columns)
    else:
        rows = builder.room_for(of, (steps, batch, columns))
        row = moving(rows, 0)
    later = builder.running(of_state)
    outputs = [row.columns(k * width, width) for k in range(cell.sums)]
    inputs = [moving(kept, 0).columns(k * width, width) for k in range(cell.kept)] or [moving(state, after)]
    arriving = [later, moving(g, 0)]
    if memory is not None:
        inputs.append(moving(memory, before))
        outputs.append(builder.running(of_memory))
        arriving.append(builder.running(of_memory))
    elif cell.reads:
        inputs.append(moving(state, before))
        outputs.append(later)
    # What the next turn reads is not told ahead: told, it took 1-2 % longer, wherever it lay.
    turns.elements(outputs, [*inputs, *arriving], cell.slope)
    x = x.reshape(steps, batch, wide)
    turns.product(later, row.columns(0, sizes.rows), builder.still(weight), cell.reads == "h",
                  but_last=found.state is None)
    if small:
        if onward:
            for start, column, n in sizes.met():
                turns.product(moving(found.inputs, 0), row.columns(column, n), builder.still(w.narrow(0, start, n)),
                              add=start > 0)
        _sums(builder, turns, sizes, found[-3:], rows, (moving(x, 0), moving(state, before)))
        return
    turns.end(sizes.work(False))
    rows, x = (v.reshape(steps * batch, v.shape[-1]) for v in (rows, x))
    for start, column, n in sizes.met():
        met, part = rows.narrow(1, column, n), w.narrow(0, start, n)
        builder.write(found.of_inputs.narrow(0, start, n), met.mT @ x)
        if onward:
            to = found.inputs.reshape(steps * batch, wide)
            if start == 0:
                builder.write(to, met @ part)
            else:
                builder.added_into(to, to, met @ part)
    seen = state.narrow(0, before, steps).reshape(steps * batch, width)
    builder.write(found.of_states, rows.narrow(1, 0, sizes.rows).mT @ seen)
    builder.write(found.bias, rows.sum((0,)))


def _sums(builder: Builder, turns: Value, sizes: Sizes, found: Sequence[Value], rows: Value, seen: tuple[Value, Value]
          ) -> None:
    """Gradients of weights and biases, added up at the end of every span, for each block of a batch; then of all."""
    of, shapes, blocks = found[0].dtype, sizes.weights(), -(-sizes.batch // turns.at_once)
    length, unit = sum(map(math.prod, shapes)), 16 * turns.at_once
    room = builder.room_for(of, (blocks, -(-length // unit) * unit))  # one pointer, of the few that there are
    own, parts, start = [], [], 0
    for size in shapes:
        own.append(room.narrow(1, start, math.prod(size)))
        first = own[-1].narrow(0, 0, 1).reshape(math.prod(size[:-1]), size[-1])
        parts.append(turns.summed(first, room.shape[1]))
        start += math.prod(size)
    of_inputs, bias, of_states = parts
    copies, spans = zip(*(turns.spanned(of, value.value.shape[1]) for value in seen))
    turns.copies(copies, seen)
    for start, column, n in sizes.met():
        to = of_inputs._replace(value=of_inputs.value.narrow(0, start, n))
        turns.product(to, rows.columns(column, n).mT, spans[0], spans=True)
    turns.product(of_states, rows.columns(0, sizes.rows).mT, spans[1], spans=True)
    ones = builder.constant(1, found[0]).expand(1, rows.value.shape[0])
    turns.product(bias, builder.still(ones), rows, spans=True)
    turns.end(sizes.work() * 2)
    for to, part in zip(found, own):
        if blocks == 2:  # two rows are added quicker than an axis of two is summed (33,024 numbers: 3.6 us, not 6.1)
            first, second = (part.narrow(0, k, 1).reshape(*to.shape) for k in range(2))
            builder.write(to, first + second)
        else:
            builder.write(to, (part.sum((0,)) if blocks > 1 else part).reshape(*to.shape))


# ---------------------------------------------------------------- the same in NumPy

def _split(columns: Any, width: int) -> list[Any]:
    return [columns[:, k:k + width] for k in range(0, columns.shape[1], width)]


def _order(steps: int, reverse: bool) -> list[tuple[int, int, int]]:
    """The places of inputs, in the order of their steps, and of the states before and after each."""
    return [(t, t + 1, t) for t in reversed(range(steps))] if reverse else [(t, t, t + 1) for t in range(steps)]


class _Array(np.ndarray[Any, Any]):
    """An array that is narrowed and turned as a tensor is."""

    def narrow(self, dim: int, start: int, length: int) -> Any:
        return self[(slice(None),) * dim + (slice(start, start + length),)]

    def permute(self, *dims: int) -> Any:
        return self.transpose(dims)


def steps_column(x: Value, state: Value, memory: Value, w: Value, bias: Value, weight: Value, *, mode: str,
                 reverse: bool, **rest: int) -> Value:
    sizes = Sizes(mode, **rest)
    cell, width = sizes.cell, sizes.width
    out = np.zeros(length(sizes.record()), x.dtype).view(_Array)
    inputs, (kept, memories, states) = x.reshape(sizes.steps, sizes.batch, sizes.wide), record_parts(out, *sizes)
    start = sizes.steps if reverse else 0
    states[start] = state
    if memories is not None:
        memories[start] = memory
    for t, before, after in _order(sizes.steps, reverse):
        sums = np.zeros((sizes.batch, cell.sums * width), x.dtype)
        sums[:, :sizes.rows] = states[before] @ weight.T
        for first, column, n in sizes.met():
            sums[:, column:column + n] += inputs[t] @ w[first:first + n].T
        read = {"c": memories, "h": states}.get(cell.reads)
        *found, states[after] = cell.step(*_split(sums, width), *_split(bias[None], width),
                                          *([] if read is None else [read[before]]))
        if memories is not None and cell.shown is not None:
            memories[after] = states[after]
            shown, states[after] = cell.shown(found[-1], memories[after])
            found.append(shown)
        if kept is not None:
            kept[t] = np.concatenate(found, 1)
    return np.asarray(out)


def shown_column(x: Value, state: Value, memory: Value, w: Value, bias: Value, weight: Value, record: Value, *,
                 mode: str, reverse: bool, onward: bool, to_states: bool, **rest: int) -> Value:
    _, memories, states = record_parts(np.asarray(record).view(_Array), *Sizes(mode, **rest))
    shown = states[:-1] if reverse else states[1:]
    return np.asarray(shown if memories is None else np.concatenate([shown, memories[:1] if reverse else memories[-1:]]))


def slopes_column(g: Value, x: Value, state: Value, memory: Value, w: Value, bias: Value, weight: Value, record: Value,
                  *, mode: str, reverse: bool, onward: bool, to_states: bool, **rest: int) -> Value:
    sizes = Sizes(mode, **rest)
    cell, width = sizes.cell, sizes.width
    out = np.zeros(length(sizes.given()), g.dtype).view(_Array)
    found, (kept, memories, states) = slope_parts(out, *sizes), record_parts(np.asarray(record).view(_Array), *sizes)
    x = x.reshape(sizes.steps, sizes.batch, sizes.wide)
    if memories is not None:
        found.memory[:] = g[sizes.steps]
    for t, before, after in reversed(_order(sizes.steps, reverse)):
        seen = [states[after]] if kept is None else _split(kept[t], width)
        arriving = [found.state, g[t]]
        if memories is not None:
            seen, arriving = [*seen, memories[before]], [*arriving, found.memory.copy()]
        elif cell.reads:
            seen.append(states[before])
        slopes = [*cell.slope(*seen, *arriving)]
        rest_of = slopes.pop() if cell.reads else 0
        sums = np.concatenate(slopes, 1)
        for first, column, n in sizes.met():
            met = sums[:, column:column + n]
            found.of_inputs[first:first + n] += met.T @ x[t]
            if onward:
                found.inputs[t] += met @ w[first:first + n]
        found.bias[:] += sums.sum(0)
        of_state = sums[:, :sizes.rows]
        found.of_states[:] += of_state.T @ states[before]
        found.state[:] = of_state @ weight + (rest_of if cell.reads == "h" else 0)
        if memories is not None:
            found.memory[:] = rest_of
    for part in (found.state, found.memory):
        if part is not None and not to_states:
            part[:] = 0
    return out


def _operand_shapes(which: int, sizes: Sizes) -> list[tuple[int, ...]]:
    """Of the operands of what goes through the steps, shows them, and goes back."""
    _, state, memory, *weights = sizes.given()
    given = [(sizes.steps * sizes.batch, sizes.wide), state, memory or state, *weights]
    record = (length(sizes.record()),)
    return [given, [*given, record], [sizes.shown(), *given, record]][which]  # type: ignore[return-value]


def _samples(which: int) -> Callable[[], list[Any]]:
    def made() -> list[Any]:
        found: list[Any] = []
        for mode in CELLS:
            for (steps, batch, wide, width), reverse in (((3, 2, 3, 4), False), ((2, 3, 2, 1), True), ((1, 1, 2, 3), False)):
                sizes = Sizes(mode, steps, batch, wide, width)
                given = {"mode": mode, "reverse": reverse, **({"onward": True, "to_states": True} if which else {}), **sizes._asdict()}
                found.append((_operand_shapes(which, sizes), given))
        return found

    return made


def _fits(which: int) -> Callable[[Any, dict[str, Any]], bool]:
    def fits(operands: Any, given: dict[str, Any]) -> bool:
        sizes = Sizes(*(given[name] for name in Sizes._fields))
        if sizes.mode not in CELLS or not all(type(given[name]) is bool for name in ("reverse", "onward", "to_states")[:1 + 2 * (which > 0)]) or (
                len({o.dtype for o in operands}) > 1) or not all(type(n) is int for n in sizes[1:]):
            return False
        return min(sizes.steps, sizes.batch, sizes.width) > 0 <= sizes.wide and [
            o.shape for o in operands] == _operand_shapes(which, sizes)

    return fits


SIZED: dict[str, Any] = {"accepts": "f", "method": False}
structured("_recurrent_steps", _steps, None, column=steps_column, samples=_samples(0), fits=_fits(0), **SIZED)
structured("_recurrent_shown", _shown, _shown_slopes, grad_name="StackBackward0", column=shown_column, joint=_swept,
           samples=_samples(1), fits=_fits(1), **SIZED)
structured("_recurrent_slopes", _slopes, None, column=slopes_column, samples=_samples(2), fits=_fits(2), **SIZED)
