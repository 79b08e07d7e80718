"""Recurrent networks: what gates do to a state, a step in one kernel; and what `recurrent_layers` is told of a layer."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.declaration import Rule, Value, elementwise
from tapegrad.ops.scalar import scalar

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


# ---------------------------------------------------------------- what a layer is

class Cell(NamedTuple):
    """A cell, by what it does with one element of everything.

    `step` is given the sums of what inputs and states gave to the gates, their biases, and what it `reads` besides; it
    returns what is kept for backward, and the states afterwards. `slope` is given what was kept, what it `reads`, the
    gradient that arrives, and returns the gradients of all sums, and of what it read. Where there is `shown`, `step`
    ends with the memory, and that, given the last gate and the memory, returns what else is kept, and the state.
    """

    gates: int  # rows of the weights, in units of the state's width
    sums: int   # one for each gate; two for a last gate that takes what states and what inputs give apart
    kept: int   # columns kept; where there are none, the sum is written where the state is to be
    reads: str  # "c", the memory; "h", the state itself; or nothing
    step: Callable[..., tuple[Any, ...]]
    slope: Callable[..., tuple[Any, ...]]
    shown: Callable[..., tuple[Any, ...]] | None = None

    @property
    def alike(self) -> int:
        """Gates that take what inputs and states give together."""
        return 2 * self.gates - self.sums


def _lstm_step(i: Value, f: Value, n: Value, o: Value, bi: Value, bf: Value, bn: Value, bo: Value, c: Value
              ) -> tuple[Value, ...]:
    i, f, n, o = sigmoid(i + bi), sigmoid(f + bf), tanh(n + bn), sigmoid(o + bo)
    return i, f, n, o, f * c + i * n


def _lstm_shown(o: Value, c: Value) -> tuple[Value, ...]:
    """In a pass of its own: a processor has several of short chains under way (8 x 64: 1.9 us in one, 1.6 in two)."""
    shown = tanh(c)
    return shown, o * shown


def _lstm_slope(i: Value, f: Value, n: Value, o: Value, shown: Value, before: Value, later: Value, g: Value,
                later_c: Value) -> tuple[Value, ...]:
    g_o = (later + g) * o
    g_c = later_c + g_o * (1 - shown * shown)
    g_i, g_f = g_c * i, g_c * f
    return g_i * n * (1 - i), g_f * before * (1 - f), g_i * (1 - n * n), g_o * shown * (1 - o), g_f


def _gru_step(r: Value, z: Value, own: Value, n: Value, br: Value, bz: Value, b_own: Value, bn: Value, h: Value
             ) -> tuple[Value, ...]:
    r, z, own = sigmoid(r + br), sigmoid(z + bz), own + b_own
    n = tanh(n + bn + r * own)
    return r, z, own, n, n + z * (h - n)


def _gru_slope(r: Value, z: Value, own: Value, n: Value, before: Value, later: Value, g: Value) -> tuple[Value, ...]:
    g = later + g
    g_n, g_z = g * (1 - z) * (1 - n * n), g * z
    g_r = g_n * r
    return g_r * own * (1 - r), g_z * (before - n) * (1 - z), g_r, g_n, g_z


CELLS = {
    "LSTM": Cell(4, 4, 5, "c", _lstm_step, _lstm_slope, _lstm_shown),
    "GRU": Cell(3, 4, 4, "h", _gru_step, _gru_slope),
    "RNN_TANH": Cell(1, 1, 0, "", lambda x, b: (tanh(x + b),), lambda h, later, g: ((later + g) * (1 - h * h),)),
    "RNN_RELU": Cell(1, 1, 0, "", lambda x, b: (scalar.maximum(x + b, 0),),
                     lambda h, later, g: (scalar.where(h <= 0, 0, later + g),)),
}


class Given(NamedTuple):
    """What a layer is given: inputs (steps, batch, wide), the state to begin with, the memory if there is one, the
    weights that inputs meet, the biases of all sums, and the weights that states meet. Or their gradients, of which
    that of the inputs may be missing."""

    inputs: Any
    state: Any
    memory: Any
    of_inputs: Any
    bias: Any
    of_states: Any


class Record(NamedTuple):
    """A layer's steps, each (steps, batch, width): what was kept; the memories, and the states, from before the first
    step to after the last."""

    kept: Any
    memory: Any
    state: Any


Shapes = list[tuple[int, ...] | None]
# Bytes of weights up to which all that a thread needs for its part of a batch stays in a second-level cache: inputs
# meet their weights step by step, and gradients of weights are added up a span of steps at a time. Beyond it these are
# products of all steps.
SMALL = 1 << 18
FEW_ROWS = 32  # of a batch, up to which a record has all steps of a row together
_ALIKE = 1 << 16  # bytes: rows so many apart, or a multiple, lie in the same places of a cache


class Sizes(NamedTuple):
    """A layer, as its operations are told of it."""

    mode: str
    steps: int
    batch: int
    wide: int
    width: int

    @property
    def cell(self) -> Cell:
        return CELLS[self.mode]

    @property
    def rows(self) -> int:
        """Rows of the weights."""
        return self.cell.gates * self.width

    def given(self) -> Shapes:
        state = self.batch, self.width
        return [(self.steps, self.batch, self.wide), state, state if self.cell.reads == "c" else None, *self.weights()]

    def weights(self) -> list[tuple[int, ...]]:
        """The last that is given: weights, and biases."""
        return [(self.rows, self.wide), (self.cell.sums * self.width,), (self.rows, self.width)]

    def work(self, onto_inputs: bool = True) -> int:
        """Multiplications of all steps, or but for those of the inputs."""
        return self.steps * self.batch * self.rows * (self.width + self.wide * onto_inputs)

    def record(self) -> Shapes:
        states = self.steps + 1, self.batch, self.width
        return [(self.steps, self.batch, self.cell.kept * self.width) if self.cell.kept else None,
                states if self.cell.reads == "c" else None, states]

    def small(self, item: int) -> bool:
        """Whether the weights are, of so many bytes an element."""
        return self.rows * (self.wide + self.width) * item <= SMALL

    def by_rows(self, item: int) -> bool:
        """Whether a record has all steps of a row of the batch together, and memories beside states.

        What a thread writes then lies apart from what others do, whose caches fetch ahead: 1.5 % of a training step of
        an LSTM (50 of 16 x 64), up to 5 % of others. With many rows, or such as lie in few places of a cache, one
        thread would take 3 % longer.
        """
        row = self.steps * max(self.cell.kept, 1) * self.width * item
        return self.small(item) and self.batch <= FEW_ROWS and row % _ALIKE != 0

    def shown(self) -> tuple[int, ...]:
        return self.steps + (self.cell.reads == "c"), self.batch, self.width

    def met(self) -> list[tuple[int, int, int]]:
        """Rows of the weights of inputs, and columns of the sums that they give to: where both start, how many."""
        alike, rows = self.cell.alike * self.width, self.rows
        return [(0, 0, rows)] if alike == rows else [(0, 0, alike), (alike, rows, rows - alike)]


def _parts(x: Any, sizes: Shapes) -> list[Any]:
    found, start = [], 0
    for size in sizes:
        found.append(None if size is None else x.narrow(0, start, math.prod(size)).reshape(*size))
        start += 0 if size is None else math.prod(size)
    return found


def length(sizes: Shapes) -> int:
    return sum(math.prod(size) for size in sizes if size is not None)


def slope_parts(packed: Any, mode: str, steps: int, batch: int, wide: int, width: int) -> Given:
    """The parts of what `_recurrent_slopes` returns."""
    return Given(*_parts(packed, Sizes(mode, steps, batch, wide, width).given()))


def record_parts(record: Any, mode: str, steps: int, batch: int, wide: int, width: int) -> Record:
    """The parts of what `_recurrent_steps` returns."""
    sizes = Sizes(mode, steps, batch, wide, width)
    if not sizes.by_rows(record.dtype.itemsize):
        return Record(*_parts(record, sizes.record()))
    kept, memory, _ = sizes.record()
    states = 1 if memory is None else 2
    values, both = _parts(record, [kept and (batch, steps, kept[2]), (batch, steps + 1, states * width)])
    *memories, state = (both.permute(1, 0, 2).narrow(2, k * width, width) for k in range(states))
    return Record(None if values is None else values.permute(1, 0, 2), memories[0] if memories else None, state)
