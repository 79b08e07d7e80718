"""Recurrent networks: what gates do to a state, a step in one kernel; and all steps of a layer in one operation."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tapegrad.ops.declaration import Builder, Rule, Value, elementwise, structured
from tapegrad.ops.scalar import scalar, whole

sigmoid: Rule = scalar.sigmoid
tanh: Rule = scalar.tanh


def _memory_vjp(g: Value, i: Value, f: Value, n: Value, c: Value) -> tuple[Value, ...]:
    """Of c · σ(f) + σ(i) · tanh(n)."""
    entry, keep, new = sigmoid(i), sigmoid(f), tanh(n)
    return (g * new * entry * (1 - entry), g * c * keep * (1 - keep), g * entry * (1 - new * new), g * keep)


def _shown_vjp(g: Value, o: Value, c: Value) -> tuple[Value, ...]:
    """Of σ(o) · tanh(c)."""
    shown, value = sigmoid(o), tanh(c)
    return g * value * shown * (1 - shown), g * shown * (1 - value * value)


def _new_vjp(g: Value, r: Value, x: Value, h: Value, out: Value) -> tuple[Value, ...]:
    """Of tanh(x + σ(r) · h)."""
    slope, reset = g * (1 - out * out), sigmoid(r)
    return slope * h * reset * (1 - reset), slope, slope * reset


def _mixed_vjp(g: Value, z: Value, n: Value, h: Value) -> tuple[Value, ...]:
    """Of n + σ(z) · (h - n)."""
    keep = sigmoid(z)
    return g * (h - n) * keep * (1 - keep), g * (1 - keep), g * keep


SHARED: dict[str, Any] = {"accepts": "f", "method": False, "inplace": False}
elementwise("_lstm_memory", lambda i, f, n, c: sigmoid(f) * c + sigmoid(i) * tanh(n), _memory_vjp,
            grad_name="AddBackward0", **SHARED)
elementwise("_lstm_shown", lambda o, c: sigmoid(o) * tanh(c), _shown_vjp, grad_name="MulBackward0", **SHARED)
elementwise("_gru_new", lambda r, x, h: tanh(x + sigmoid(r) * h), _new_vjp, grad_name="TanhBackward0", **SHARED)
elementwise("_gru_mixed", lambda z, n, h: n + sigmoid(z) * (h - n), _mixed_vjp, grad_name="AddBackward0", **SHARED)


# ---------------------------------------------------------------- all steps of a layer
# Three operations. `_recurrent_given` puts what a layer is given side by side, so that one sweep back over the steps is
# the gradient of one operand. `_recurrent_steps` goes through the steps and writes a record of them, and
# `_recurrent_shown` reads from the record what the layer returns, and keeps it for backward. The record says nothing
# that what was given does not, so that no gradient flows through it.

class Cell(NamedTuple):
    """A cell, by what it does with one element of everything.

    `step` is given what inputs gave, what the product of state and weights gave, and what it `reads` besides; it returns
    what is kept for backward, and the states afterwards. `slope` is given what was kept, what it `reads`, the gradient
    that arrives, and returns the gradients of all that is kept, and of what it read.
    """

    gates: int  # columns of the products, in units of the state's width
    kept: int   # columns kept; where there are none, the product is written where the state is to be
    reads: str  # "c", the memory; "h", the state itself, and a bias of the last gate's own; or nothing
    step: Callable[..., tuple[Any, ...]]
    slope: Callable[..., tuple[Any, ...]]


def _lstm_step(xi: Value, xf: Value, xn: Value, xo: Value, ri: Value, rf: Value, rn: Value, ro: Value, c: Value
              ) -> tuple[Value, ...]:
    i, f, n, o = sigmoid(xi + ri), sigmoid(xf + rf), tanh(xn + rn), sigmoid(xo + ro)
    c = f * c + i * n
    shown = tanh(c)
    return i, f, n, o, shown, c, o * shown


def _lstm_slope(i: Value, f: Value, n: Value, o: Value, shown: Value, before: Value, later: Value, g: Value,
                later_c: Value) -> tuple[Value, ...]:
    g = later + g
    g_c = later_c + g * o * (1 - shown * shown)
    return (g_c * n * i * (1 - i), g_c * before * f * (1 - f), g_c * i * (1 - n * n), g * shown * o * (1 - o), g_c * f)


def _gru_step(xr: Value, xz: Value, xn: Value, rr: Value, rz: Value, own: Value, h: Value, b: Value
             ) -> tuple[Value, ...]:
    r, z, own = sigmoid(xr + rr), sigmoid(xz + rz), own + b
    n = tanh(xn + r * own)
    return r, z, own, n, n + z * (h - n)


def _gru_slope(r: Value, z: Value, own: Value, n: Value, before: Value, later: Value, g: Value) -> tuple[Value, ...]:
    g = later + g
    g_n = g * (1 - z) * (1 - n * n)
    return g_n * own * r * (1 - r), g * (before - n) * z * (1 - z), g_n * r, g_n, g * z


CELLS = {
    "LSTM": Cell(4, 5, "c", _lstm_step, _lstm_slope),
    "GRU": Cell(3, 4, "h", _gru_step, _gru_slope),
    "RNN_TANH": Cell(1, 0, "", lambda x, r: (tanh(x + r),), lambda h, later, g: ((later + g) * (1 - h * h),)),
    "RNN_RELU": Cell(1, 0, "", lambda x, r: (scalar.maximum(x + r, 0),),
                     lambda h, later, g: (scalar.where(h <= 0, 0, later + g),)),
}


class Given(NamedTuple):
    """What a layer is given: inputs met with their weights (steps, batch, gates), the state to begin with, the memory to
    begin with or a GRU's own bias, and the weights that states meet."""

    met: Any
    state: Any
    more: Any
    weight: Any


class Record(NamedTuple):
    """A layer's steps, each (steps, batch, width): what was kept; the memories, and the states, from before the first
    step to after the last."""

    kept: Any
    memory: Any
    state: Any


def _parts(x: Any, sizes: list[tuple[int, ...] | None]) -> list[Any]:
    found, start = [], 0
    for size in sizes:
        found.append(None if size is None else x.narrow(0, start, math.prod(size)).reshape(*size))
        start += 0 if size is None else math.prod(size)
    return found


def _length(sizes: list[tuple[int, ...] | None]) -> int:
    return sum(math.prod(size) for size in sizes if size is not None)


def _given_sizes(mode: str, steps: int, batch: int, width: int) -> list[tuple[int, ...] | None]:
    cell, state = CELLS[mode], (batch, width)
    columns = cell.gates * width
    return [(steps, batch, columns), state, {"c": state, "h": (width,)}.get(cell.reads), (columns, width)]


def _record_sizes(mode: str, steps: int, batch: int, width: int) -> list[tuple[int, ...] | None]:
    cell, states = CELLS[mode], (steps + 1, batch, width)
    return [(steps, batch, cell.kept * width) if cell.kept else None, states if cell.reads == "c" else None, states]


def given_parts(packed: Any, mode: str, steps: int, batch: int, width: int) -> Given:
    """The parts of what `_recurrent_given` returns, or of its gradient."""
    return Given(*_parts(packed, _given_sizes(mode, steps, batch, width)))


def record_parts(record: Any, mode: str, steps: int, batch: int, width: int) -> Record:
    """The parts of what `_recurrent_steps` returns."""
    return Record(*_parts(record, _record_sizes(mode, steps, batch, width)))


def _pack(builder: Builder, x: Value, w: Value, bias: Value, state: Value, more: Value, weight: Value, *, mode: str
         ) -> Value:
    (rows, _), (batch, width), columns = x.shape, state.shape, w.shape[0]
    sizes = mode, rows // batch, batch, width
    out = builder.result(x.dtype, (_length(_given_sizes(*sizes)),))
    parts = given_parts(out, *sizes)
    builder.added_into(parts.met.reshape(rows, columns), bias, x @ w.mT)
    for part, value in zip(parts[1:], (state, more, weight)):
        if part is not None:
            builder.copy_into(part, value)
    return out.layout


def _pack_vjp(g: Value, x: Value, w: Value, bias: Value, state: Value, more: Value, weight: Value, mode: str
             ) -> tuple[Value, ...]:
    batch, width = state.shape
    parts = given_parts(g, mode, x.shape[0] // batch, batch, width)
    met = parts.met.reshape(x.shape[0], w.shape[0])
    return met @ w, met.mT @ x, met.sum((0,)), parts.state, parts.more, parts.weight


PIECE = 32  # columns of the weights that lie together: two vectors, or a multiple, as wide as a tile of products


def _pieces(builder: Builder, w: Value) -> Value:
    """The transpose of weights, PIECE columns at a time: whole, its rows would lie on few of a cache's lines."""
    columns, width = w.shape
    piece = columns if columns % PIECE else PIECE
    return builder.plain(w.reshape(columns // piece, piece, width).mT)


def _directions(builder: Builder, reverse: bool, steps: int) -> tuple[int, int, Rule]:
    """Where states lie before and after a step, and parts of a record as steps go through them."""
    before, after = (1, 0) if reverse else (0, 1)
    return before, after, lambda part, at, back=reverse: builder.moving(part, back, at, steps)


def _steps(builder: Builder, packed: Value, *, mode: str, reverse: bool, steps: int, batch: int, width: int) -> Value:
    cell, sizes = CELLS[mode], (mode, steps, batch, width)
    out = builder.result(packed.dtype, (_length(_record_sizes(*sizes)),))
    (met, first, more, w), (kept, memory, state) = given_parts(packed, *sizes), record_parts(out, *sizes)
    before, after, moving = _directions(builder, reverse, steps)
    for part, start in ((state, first), (memory, more)):
        if part is not None:
            builder.copy_into(part.narrow(0, before * steps, 1), start.unsqueeze(0))
    turns = builder.in_turns(batch, steps)
    earlier, later, x = moving(state, before), moving(state, after), moving(met, 0)
    row = later if kept is None else moving(kept, 0)
    product = row.columns(0, cell.gates * width)
    turns.product(product, earlier, builder.still(_pieces(builder, w)))
    inputs = [m.columns(k * width, width) for m in (x, product) for k in range(cell.gates)]
    outputs = [row.columns(k * width, width) for k in range(cell.kept)]
    if memory is not None:
        inputs.append(moving(memory, before))
        outputs.append(moving(memory, after))
    elif cell.reads:
        inputs += [earlier, builder.still(more)]
    turns.elements([*outputs, later], inputs, cell.step)
    turns.end(steps * batch * math.prod(w.shape))
    return out.layout


def _shown(builder: Builder, packed: Value, weight: Value, record: Value, *, mode: str, reverse: bool, steps: int,
           batch: int, width: int) -> Value:
    """The states after every step, and the last memory behind them."""
    _, memory, state = record_parts(record, mode, steps, batch, width)
    out = builder.result(record.dtype, (steps + (memory is not None), batch, width))
    after = int(not reverse)
    builder.copy_into(out.narrow(0, 0, steps), state.narrow(0, after, steps))
    if memory is not None:
        builder.copy_into(out.narrow(0, steps, 1), memory.narrow(0, after * steps, 1))
    return out


def _slopes(builder: Builder, g: Value, packed: Value, weight: Value, record: Value, *, mode: str, reverse: bool,
            steps: int, batch: int, width: int) -> Value:
    """The gradient of what was given, from that of what is shown.

    The weights are read where they lie, so that backward is refused once they were written to.
    """
    cell, sizes = CELLS[mode], (mode, steps, batch, width)
    out = builder.result(g.dtype, packed.shape)
    (kept, memory, state), found = record_parts(record, *sizes), given_parts(out, *sizes)
    before, after, moving = _directions(builder, reverse, steps)
    builder.fill(found.state)
    if memory is not None:
        builder.copy_into(found.more, g.narrow(0, steps, 1).squeeze(0))
    back = not reverse
    turns = builder.in_turns(batch, steps)
    later, row = builder.running(found.state), moving(found.met, 0, back)
    outputs = [row.columns(k * width, width) for k in range(cell.gates)]
    inputs = [moving(kept, 0, back).columns(k * width, width) for k in range(cell.kept)] or [moving(state, after, back)]
    arriving = [later, moving(g, 0, back)]
    met, across = found.met.reshape(steps * batch, cell.gates * width), cell.gates * width
    own = None
    if memory is not None:
        inputs.append(moving(memory, before, back))
        outputs.append(builder.running(found.more))
        arriving.append(builder.running(found.more))
    elif cell.reads:  # what the state gave to the last gate has a gradient of its own
        own, across = builder.room_for(g.dtype, (steps, batch, width)), across - width
        inputs.append(moving(state, before, back))
        outputs[-1:] = [moving(own, 0, back), outputs[-1], later]
    turns.elements(outputs, [*inputs, *arriving], cell.slope)
    turns.product(later, row.columns(0, across), builder.still(weight.narrow(0, 0, across)), add=own is not None)
    seen = state.narrow(0, before, steps).reshape(steps * batch, width)
    if own is not None:
        turns.product(later, moving(own, 0, back), builder.still(weight.narrow(0, across, width)), add=True)
    turns.end(steps * batch * math.prod(weight.shape))
    builder.write(found.weight.narrow(0, 0, across), met.narrow(1, 0, across).mT @ seen)
    if own is not None:
        own = own.reshape(steps * batch, width)
        builder.write(found.weight.narrow(0, across, width), own.mT @ seen)
        builder.write(found.more, own.sum((0,)))
    return out.layout


# ---------------------------------------------------------------- the same in NumPy

def _split(columns: Any, width: int) -> list[Any]:
    return [columns[:, k:k + width] for k in range(0, columns.shape[1], width)]


def _order(steps: int, reverse: bool) -> list[tuple[int, int, int]]:
    """The places of inputs, in the order of their steps, and of the states before and after each."""
    return [(t, t + 1, t) for t in reversed(range(steps))] if reverse else [(t, t, t + 1) for t in range(steps)]


class _Array(np.ndarray[Any, Any]):
    """An array that is narrowed as a tensor is."""

    def narrow(self, dim: int, start: int, length: int) -> Any:
        return self[start:start + length]


def pack_column(x: Value, w: Value, bias: Value, state: Value, more: Value, weight: Value, *, mode: str) -> Value:
    parts = [x @ w.T + bias, state, *((more,) if CELLS[mode].reads else ()), weight]
    return np.concatenate([np.ravel(part) for part in parts])


def steps_column(packed: Value, *, mode: str, reverse: bool, steps: int, batch: int, width: int) -> Value:
    cell, sizes = CELLS[mode], (mode, steps, batch, width)
    out = np.zeros(_length(_record_sizes(*sizes)), packed.dtype).view(_Array)
    met, first, more, w = given_parts(np.asarray(packed).view(_Array), *sizes)
    kept, memory, state = record_parts(out, *sizes)
    start = steps if reverse else 0
    state[start] = first
    if memory is not None:
        memory[start] = more
    for t, before, after in _order(steps, reverse):
        read = [memory[before]] if memory is not None else [state[before], more] if cell.reads else []
        *found, last = cell.step(*_split(met[t], width), *_split(state[before] @ w.T, width), *read)
        state[after] = last
        if memory is not None:
            memory[after] = found.pop()
        if kept is not None:
            kept[t] = np.concatenate(found, 1)
    return np.asarray(out)


def shown_column(packed: Value, weight: Value, record: Value, *, mode: str, reverse: bool, steps: int, batch: int,
                 width: int) -> Value:
    _, memory, state = record_parts(np.asarray(record).view(_Array), mode, steps, batch, width)
    shown = state[:-1] if reverse else state[1:]
    return np.asarray(shown if memory is None else np.concatenate([shown, memory[:1] if reverse else memory[-1:]]))


def slopes_column(g: Value, packed: Value, weight: Value, record: Value, *, mode: str, reverse: bool, steps: int,
                  batch: int, width: int) -> Value:
    cell, sizes = CELLS[mode], (mode, steps, batch, width)
    out = np.zeros(packed.shape, g.dtype).view(_Array)
    found, (kept, memory, state) = given_parts(out, *sizes), record_parts(np.asarray(record).view(_Array), *sizes)
    if memory is not None:
        found.more[:] = g[steps]
    for t, before, after in reversed(_order(steps, reverse)):
        seen = [state[after]] if kept is None else _split(kept[t], width)
        arriving = [found.state, g[t]]
        if memory is not None:
            seen, arriving = [*seen, memory[before]], [*arriving, found.more.copy()]
        elif cell.reads:
            seen.append(state[before])
        slopes = [*cell.slope(*seen, *arriving)]
        rest = slopes.pop() if cell.reads else 0
        met = [*slopes[:2], slopes[3]] if cell.reads == "h" else slopes
        of_state = np.concatenate(slopes[:cell.gates], 1)
        found.met[t] = np.concatenate(met, 1)
        found.weight[:] += of_state.T @ state[before]
        found.state[:] = of_state @ weight + (rest if cell.reads == "h" else 0)
        if memory is not None:
            found.more[:] = rest
        elif cell.reads:
            found.more[:] += slopes[2].sum(0)
    return np.asarray(out)


_SIZES = ("mode", "steps", "batch", "width")


def _samples(which: int) -> Callable[[], list[Any]]:
    def made() -> list[Any]:
        found: list[Any] = []
        for mode, cell in CELLS.items():
            for (steps, batch, width), reverse in (((3, 2, 4), False), ((2, 3, 1), True), ((1, 1, 3), False)):
                sizes = mode, steps, batch, width
                packed, record = ((_length(f(*sizes)),) for f in (_given_sizes, _record_sizes))
                if which == 0:
                    s, columns = (batch, width), cell.gates * width
                    shapes: Any = ((steps * batch, 2), (columns, 2), (columns,), s,
                                   (width,) if cell.reads == "h" else s, (columns, width))
                    found.append((shapes, {"mode": mode}))
                    continue
                shown = (steps + (cell.reads == "c"), batch, width)
                w = (cell.gates * width, width)
                shapes = ((packed,), (packed, w, record), (shown, packed, w, record))[which - 1]
                found.append((shapes, {"mode": mode, "reverse": reverse, "steps": steps, "batch": batch, "width": width}))
        return found

    return made


def _pack_fits(operands: Any, given: dict[str, Any]) -> bool:
    cell, shapes = CELLS.get(given["mode"]), [o.shape for o in operands]
    if cell is None or len({o.dtype for o in operands}) > 1 or [len(s) for s in shapes[:4]] != [2, 2, 1, 2]:
        return False
    (rows, wide), (columns, _), _, state = shapes[:4]
    return 0 not in (rows, *state) and rows % state[0] == 0 and columns == cell.gates * state[1] and shapes[1:] == [
        (columns, wide), (columns,), state, state[1:] if cell.reads == "h" else state, (columns, state[1])]


def _fits(which: int) -> Callable[[Any, dict[str, Any]], bool]:
    def fits(operands: Any, given: dict[str, Any]) -> bool:
        cell, sizes = CELLS.get(given["mode"]), [given[name] for name in _SIZES]
        if cell is None or type(given["reverse"]) is not bool or len({o.dtype for o in operands}) > 1 or not all(
                type(n) is int and n > 0 for n in sizes[1:]):
            return False
        packed, record = ((_length(f(*sizes)),) for f in (_given_sizes, _record_sizes))
        shown, w = (sizes[1] + (cell.reads == "c"), *sizes[2:]), (cell.gates * sizes[3], sizes[3])
        return [o.shape for o in operands] == [[packed], [packed, w, record], [shown, packed, w, record]][which - 1]

    return fits


SIZED: dict[str, Any] = {"accepts": "f", "method": False}
structured("_recurrent_given", _pack, _pack_vjp, grad_name="AddmmBackward0", column=pack_column, samples=_samples(0),
           fits=_pack_fits, **SIZED)
structured("_recurrent_steps", _steps, None, column=steps_column, samples=_samples(1), fits=_fits(1), **SIZED)
structured("_recurrent_shown", _shown, lambda g, packed, weight, record, mode, reverse, steps, batch, width: (
    whole._recurrent_slopes(g, packed, weight, record, mode=mode, reverse=reverse, steps=steps, batch=batch, width=width),
    None, None), grad_name="StackBackward0", column=shown_column, samples=_samples(2), fits=_fits(2), **SIZED)
structured("_recurrent_slopes", _slopes, None, column=slopes_column, samples=_samples(3), fits=_fits(3), **SIZED)
