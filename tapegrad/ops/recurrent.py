"""Recurrent networks: what gates do to a state, a step in one kernel; and all steps of a layer in one operation."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tapegrad.ops.declaration import elementwise, structured
from tapegrad.ops.scalar import scalar

sigmoid, tanh = scalar.sigmoid, scalar.tanh


def _memory_vjp(g, i, f, n, c):
    """Of c · σ(f) + σ(i) · tanh(n)."""
    entry, keep, new = sigmoid(i), sigmoid(f), tanh(n)
    return (g * new * entry * (1 - entry), g * c * keep * (1 - keep), g * entry * (1 - new * new), g * keep)


def _shown_vjp(g, o, c):
    """Of σ(o) · tanh(c)."""
    shown, value = sigmoid(o), tanh(c)
    return g * value * shown * (1 - shown), g * shown * (1 - value * value)


def _new_vjp(g, r, x, h, out):
    """Of tanh(x + σ(r) · h)."""
    slope, reset = g * (1 - out * out), sigmoid(r)
    return slope * h * reset * (1 - reset), slope, slope * reset


def _mixed_vjp(g, z, n, h):
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

class Cell(NamedTuple):
    """A cell, by what it does with one element of everything.

    `step` is given what inputs gave, what the product of state and weights gave, and what it `reads` besides; it returns
    what is kept for backward, and the states afterwards. `slope` is given what was kept, what it `returns` to, the
    gradient that arrives, and returns the gradients of all that a product gave (and, the last `kept - gates` of them, of
    what only inputs gave), and of the state that `step` reads.
    """

    gates: int  # columns of the products, in units of the state's width
    kept: int   # columns kept; where there are none, the product is written where the state is to be
    reads: str  # "c", the memory; "h", the state itself, and a bias of the first gate's own; or nothing
    step: Callable[..., tuple[Any, ...]]
    slope: Callable[..., tuple[Any, ...]]


def _lstm_step(xi, xf, xn, xo, ri, rf, rn, ro, c):
    i, f, n, o = sigmoid(xi + ri), sigmoid(xf + rf), tanh(xn + rn), sigmoid(xo + ro)
    c = f * c + i * n
    return i, f, n, o, c, o * tanh(c)


def _lstm_slope(i, f, n, o, before, c, later, g, later_c):
    g, shown = later + g, tanh(c)
    g_c = later_c + g * o * (1 - shown * shown)
    return (g_c * n * i * (1 - i), g_c * before * f * (1 - f), g_c * i * (1 - n * n), g * shown * o * (1 - o), g_c * f)


def _gru_step(xr, xz, xn, own, rr, rz, h, b):
    own, r, z = own + b, sigmoid(xr + rr), sigmoid(xz + rz)
    n = tanh(xn + r * own)
    return own, r, z, n, n + z * (h - n)


def _gru_slope(own, r, z, n, before, h, later, g):
    g = later + g
    g_n = g * (1 - z) * (1 - n * n)
    return g_n * r, g_n * own * r * (1 - r), g * (before - n) * z * (1 - z), g_n, g * z


CELLS = {
    "LSTM": Cell(4, 4, "c", _lstm_step, _lstm_slope),
    "GRU": Cell(3, 4, "h", _gru_step, _gru_slope),
    "RNN_TANH": Cell(1, 0, "", lambda x, r: (tanh(x + r),), lambda h, later, g: ((later + g) * (1 - h * h),)),
    "RNN_RELU": Cell(1, 0, "", lambda x, r: (scalar.maximum(x + r, 0),),
                     lambda h, later, g: (scalar.where(h <= 0, 0, later + g),)),
}


class Parts(NamedTuple):
    """The parts of a layer's record, each (steps, batch, width): what was kept; the memories, and the states, from
    before the first step to after the last."""

    kept: Any
    memory: Any
    state: Any


def parts(record: Any, mode: str, steps: int, batch: int, width: int, slopes: bool = False) -> Parts:
    """The parts of a record that lie one after the other; or, `slopes`, those of the gradients of one."""
    cell, unit = CELLS[mode], batch * width
    columns = max(cell.kept, slopes)  # the gradient of a state is not that of what a product gave
    found, start = [], 0
    for length, there, wide in ((steps, columns > 0, columns * width), (steps + 1, cell.reads == "c", width),
                                (steps + 1, True, width)):
        size = there * length * batch * wide
        found.append(record.narrow(0, start, size).reshape(length, batch, wide) if there else None)
        start += size
    assert start == record_length(mode, steps, unit, slopes)
    return Parts(*found)


def record_length(mode: str, steps: int, unit: int, slopes: bool = False) -> int:
    cell = CELLS[mode]
    return unit * (steps * max(cell.kept, slopes) + (steps + 1) * (1 + (cell.reads == "c")))


def _steps(builder, x, w, h, more, *, mode, reverse):
    """The record of a layer's steps; `more` is the memory to start with, or the own bias of a GRU's new state."""
    cell, (steps, batch, _), width = CELLS[mode], x.shape, w.shape[1]
    out = builder.result(x.dtype, (record_length(mode, steps, batch * width),))
    kept, memory, state = parts(out, mode, steps, batch, width)
    first = steps if reverse else 0
    for part, start in ((state, h), (memory, more)):
        if part is not None:
            builder.copy_into(part.narrow(0, first, 1), start.reshape(1, batch, width))
    before, after = (1, 0) if reverse else (0, 1)
    moving = builder.moving
    turns = builder.in_turns(batch, steps)
    earlier, later = (moving(state, reverse, s, steps) for s in (before, after))
    row = later if kept is None else moving(kept, reverse)
    product = row.columns(0, cell.gates * width)
    turns.product(product, earlier, builder.still(w.mT))
    x = moving(x, reverse)
    inputs = [m.columns(k * width, width) for m in (x, product) for k in range(cell.gates)]
    outputs = [row.columns(k * width, width) for k in range(cell.kept)]
    if memory is not None:
        inputs.append(moving(memory, reverse, before, steps))
        outputs.append(moving(memory, reverse, after, steps))
    elif cell.reads:
        inputs += [earlier, builder.still(more)]
    turns.elements([*outputs, later], inputs, cell.step)
    turns.end(steps * batch * w.layout.numel)
    return out.layout


def _slopes(builder, g, g_state, g_memory, record, w, *, mode, reverse):
    """The record of the gradients, from those of all states shown, the last state and the last memory."""
    cell, (steps, batch, width) = CELLS[mode], g.shape
    out = builder.result(g.dtype, (record_length(mode, steps, batch * width, True),))
    kept, memory, state = parts(record, mode, steps, batch, width)
    g_kept, g_memories, g_states = parts(out, mode, steps, batch, width, True)
    last = 0 if reverse else steps
    for part, start in ((g_states, g_state), (g_memories, g_memory)):
        if part is not None:
            builder.copy_into(part.narrow(0, last, 1), start.reshape(1, batch, width))
    before, after = (1, 0) if reverse else (0, 1)
    back, moving = not reverse, builder.moving
    turns = builder.in_turns(batch, steps)

    def both(part: Any) -> list[Any]:
        return [moving(part, back, s, steps) for s in (before, after)]

    earlier, later = both(g_states)
    row = moving(g_kept, back)
    outputs = [row.columns(k * width, width) for k in range(max(cell.kept, 1))]
    inputs = [moving(kept, back).columns(k * width, width) for k in range(cell.kept)] or both(state)[1:]
    arriving = [later, moving(g, back)]
    if memory is not None:
        inputs += both(memory)
        outputs.append(both(g_memories)[0])
        arriving.append(both(g_memories)[1])
    elif cell.reads:
        inputs += both(state)
        outputs.append(earlier)
    turns.elements(outputs, [*inputs, *arriving], cell.slope)
    turns.product(earlier, row.columns(0, cell.gates * width), builder.still(w), add=cell.reads == "h")
    turns.end(steps * batch * w.layout.numel)
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


def steps_column(x, w, h, more, *, mode, reverse):
    cell, (steps, batch, _), width = CELLS[mode], x.shape, w.shape[1]
    out = np.zeros(record_length(mode, steps, batch * width), x.dtype).view(_Array)
    kept, memory, state = parts(out, mode, steps, batch, width)
    first = steps if reverse else 0
    state[first] = h
    if memory is not None:
        memory[first] = more
    for t, before, after in _order(steps, reverse):
        read = [memory[before]] if memory is not None else [state[before], more] if cell.reads else []
        *found, last = cell.step(*_split(x[t], width), *_split(state[before] @ w.T, width), *read)
        state[after] = last
        if memory is not None:
            memory[after] = found.pop()
        if kept is not None:
            kept[t] = np.concatenate(found, 1)
    return np.asarray(out)


def slopes_column(g, g_state, g_memory, record, w, *, mode, reverse):
    cell, (steps, batch, width) = CELLS[mode], g.shape
    out = np.zeros(record_length(mode, steps, batch * width, True), g.dtype).view(_Array)
    kept, memory, state = parts(np.asarray(record).view(_Array), mode, steps, batch, width)
    g_kept, g_memories, g_states = parts(out, mode, steps, batch, width, True)
    last = 0 if reverse else steps
    g_states[last] = g_state
    if memory is not None:
        g_memories[last] = g_memory
    for t, before, after in reversed(_order(steps, reverse)):
        seen = [state[after]] if kept is None else _split(kept[t], width)
        arriving = [g_states[after], g[t]]
        if memory is not None:
            seen, arriving = [*seen, memory[before], memory[after]], [*arriving, g_memories[after]]
        elif cell.reads:
            seen += [state[before], state[after]]
        found = [*cell.slope(*seen, *arriving)]
        rest = found.pop() if cell.reads else 0
        g_kept[t] = np.concatenate(found, 1)
        g_states[before] = g_kept[t][:, :cell.gates * width] @ w + (rest if cell.reads == "h" else 0)
        if memory is not None:
            g_memories[before] = rest
    return np.asarray(out)


def _samples(back: bool) -> Callable[[], list[Any]]:
    def made() -> list[Any]:
        found: list[Any] = []
        for mode, cell in CELLS.items():
            for (steps, batch, width), reverse in (((3, 2, 4), False), ((2, 3, 1), True), ((1, 1, 3), False)):
                w, s = (cell.gates * width, width), (batch, width)
                shapes = ((steps, *s), s, s, (record_length(mode, steps, math.prod(s)),), w) if back else (
                    (steps, batch, cell.gates * width), w, s, (width,) if cell.reads == "h" else s)
                found.append((shapes, {"mode": mode, "reverse": reverse}))
        return found

    return made


def _fits(back: bool) -> Callable[[Any, dict[str, Any]], bool]:
    def fits(operands: Any, given: dict[str, Any]) -> bool:
        cell, first, w = CELLS.get(given["mode"]), operands[0].shape, operands[4 if back else 1].shape
        if cell is None or type(given["reverse"]) is not bool or len({o.dtype for o in operands}) > 1 or len(first) != 3 \
                or len(w) != 2 or w[0] != cell.gates * w[1] or 0 in first or 0 in w:
            return False
        (steps, batch, columns), width = first, w[1]
        s = (batch, width)
        shapes = [o.shape for o in operands]
        if back:
            return shapes[:4] == [(steps, *s), s, s, (record_length(given["mode"], steps, math.prod(s)),)]
        return columns == w[0] and shapes[2] == s and shapes[3] == ((width,) if cell.reads == "h" else s)

    return fits


structured("_recurrent_steps", _steps, None, method=False, accepts="f", column=steps_column, samples=_samples(False),
           fits=_fits(False))
structured("_recurrent_slopes", _slopes, None, method=False, accepts="f", column=slopes_column, samples=_samples(True),
           fits=_fits(True))
