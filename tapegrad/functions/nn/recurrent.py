"""Recurrent networks: steps of their cells, layers of steps in either direction, batches whose sequences end early.

A layer's inputs meet their weights in one product for all steps; what is left of a step is a product with the state and
one or two kernels. A layer whose sequences are equally long takes all its steps in one operation, forwards and
backwards (`ops/recurrent.py`); those of cells, of packed sequences and of projected states are composed, and so is
what second derivatives are of.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tapegrad.autograd import grad, modes
from tapegrad.autograd.function import Function
from tapegrad.dispatch import apply
from tapegrad.functions.common import PUBLIC, operation
from tapegrad.functions.nn.activations import NN, native
from tapegrad.ops.recurrent import CELLS, parts
from tapegrad.tensor import Tensor

States = tuple[Any, ...]
_cat, _stack = PUBLIC["cat"], PUBLIC["stack"]
_memory, _shown, _new, _mixed = map(native, ("_lstm_memory", "_lstm_shown", "_gru_new", "_gru_mixed"))


# ---------------------------------------------------------------- steps: (inputs met with weights, states, …) to states


def _lstm(weight: Any, bias: Any, shown: Any) -> Callable[..., States]:
    across = weight.t()
    width = weight.shape[0] // 4
    narrower = None if shown is None else shown.t()

    def step(x: Any, h: Any, c: Any) -> States:
        i, f, n, o = x.addmm(h, across).split(width, 1)
        c = _memory(i, f, n, c)
        h = _shown(o, c)
        return (h if narrower is None else h.mm(narrower)), c

    return step


def _gru(weight: Any, bias: Any, shown: Any) -> Callable[..., States]:
    width = weight.shape[0] // 3
    both, last = weight[:2 * width].t(), weight[2 * width:].t()
    own = None if bias is None else bias[2 * width:]

    def step(x: Any, h: Any) -> States:
        gates, new = x.split((2 * width, width), 1)
        r, z = gates.addmm(h, both).split(width, 1)
        n = _new(r, new, h.mm(last) if own is None else own.addmm(h, last))
        return (_mixed(z, n, h),)

    return step


def _rnn(activation: Callable[[Any], Any]) -> Callable[..., Callable[..., States]]:
    def made(weight: Any, bias: Any, shown: Any) -> Callable[..., States]:
        across = weight.t()
        return lambda x, h: (activation(x.addmm(h, across)),)

    return made


STEPS = {"LSTM": _lstm, "GRU": _gru, "RNN_TANH": _rnn(native("tanh")), "RNN_RELU": _rnn(native("relu"))}


def _inputs(mode: str, x: Any, weight: Any, bias: Any, own: Any) -> Any:
    """Inputs of all steps met with their weights; biases of the states go with them where nothing comes between."""
    if bias is not None and own is not None:
        if mode == "GRU":
            width = weight.shape[0] // 3 * 2
            bias = bias + NN["pad"](own[:width], (0, width // 2))
        else:
            bias = bias + own
    # Methods, whose Python runs once: `linear` would decide again every time, 20 us.
    flat = x if x.ndim == 2 else x.reshape(x.shape[0] * x.shape[1], x.shape[2])
    met = flat.mm(weight.t()) if bias is None else bias.addmm(flat, weight.t())
    return met if x.ndim == 2 else met.view(*x.shape[:2], weight.shape[0])


def layer(mode: str, x: Any, states: States, weights: Sequence[Any], reverse: bool, sizes: list[int] | None
          ) -> tuple[Any, States]:
    """One layer in one direction: the states shown at every step, and the last ones.

    `x` is (T, N, I), or packed with `sizes` sequences at each step; `weights` are those of inputs and states, their
    biases or None, and the projection's or None.
    """
    of_inputs, of_states, bias, own, shown = weights
    met = _inputs(mode, x, of_inputs, bias, own)
    if sizes is not None:
        return _packed(STEPS[mode](of_states, own, shown), met, states, reverse, sizes)
    if shown is None and _at_once(met, of_states, *states):
        out, *ends = RecurrentLayer.apply(mode, reverse, met, *_arranged(mode, of_states, own, states))
        return out, tuple(ends)
    return _one_by_one(STEPS[mode](of_states, own, shown), met, states, reverse)


def _one_by_one(step: Callable[..., States], met: Any, states: States, reverse: bool) -> tuple[Any, States]:
    steps = met.unbind(0)
    found = []
    for one in reversed(steps) if reverse else steps:
        states = step(one, *states)
        found.append(states[0])
    return _stack(found[::-1] if reverse else found), states


# ---------------------------------------------------------------- all steps of a layer at once

FEW = 4  # steps that take no longer one by one
SMALL = 6000  # nor do recorded ones where steps times (elements of a state + 128) are fewer: a node in Python is 0.2 ms


def _at_once(met: Any, weight: Any, *states: Any) -> bool:
    """Whether one operation for all steps can do it, and pays."""
    steps, size = met.shape[0], states[0].numel()
    return steps >= FEW and size > 0 and met.dtype.is_floating_point and all(
        x.dtype is met.dtype for x in (weight, *states)) and (
        steps * (size + 128) >= SMALL or not modes.is_grad_enabled())


def _arranged(mode: str, weight: Any, own: Any, states: States) -> tuple[Any, Any, Any]:
    """What the operation takes besides inputs: the weights, the state, and the memory or a GRU's own bias.

    What a GRU's reset is multiplied with comes first, so that what came of inputs, and what of states, is contiguous.
    """
    if mode == "GRU":
        width = weight.shape[0] // 3
        bias = weight.new_zeros(width) if own is None else own[2 * width:]
        return _cat([weight[2 * width:], weight[:2 * width]]), states[0], bias
    return weight, states[0], states[-1]


class RecurrentLayer(Function):
    """The states shown at every step, and the last ones."""

    @staticmethod
    def forward(ctx: Any, mode: str, reverse: bool, met: Any, weight: Any, state: Any, more: Any) -> Any:
        given = ("mode", mode), ("reverse", reverse)
        record = apply(operation("_recurrent_steps"), (met, weight, state, more), given)
        ctx.given, ctx.width = (mode, reverse), weight.shape[1]
        ctx.save_for_backward(met, weight, state, more, record)
        steps, batch, _ = met.shape
        _, memory, states = parts(record, mode, steps, batch, ctx.width)
        last = 0 if reverse else -1
        shown = states[:-1] if reverse else states[1:]
        return tuple(x.clone() for x in (shown, states[last], *(() if memory is None else (memory[last],))))

    @staticmethod
    def backward(ctx: Any, g: Any, *g_states: Any) -> Any:
        met, weight, state, more, record = ctx.saved_tensors
        mode, reverse = ctx.given
        if modes.is_grad_enabled():
            return (None, None, *_recorded_gradients(mode, reverse, (met, weight, state, more), (g, *g_states)))
        steps, batch, columns = met.shape
        width, cell = ctx.width, CELLS[mode]
        slopes = apply(operation("_recurrent_slopes"), (g, g_states[0], g_states[-1], record, weight),
                       (("mode", mode), ("reverse", reverse)))
        kept, memory, states = parts(slopes, mode, steps, batch, width, True)
        first = -1 if reverse else 0
        _, _, before = parts(record, mode, steps, batch, width)
        before = before[1:] if reverse else before[:-1]
        of_products = kept.reshape(steps * batch, -1)[:, :columns]
        g_weight = of_products.t() @ before.reshape(steps * batch, width) if ctx.needs_input_grad[3] else None
        if cell.reads == "c":
            g_more = memory[first]
        else:
            g_more = of_products[:, :width].sum(0) if cell.reads == "h" and ctx.needs_input_grad[5] else None
        return None, None, kept[:, :, -columns:], g_weight, states[first], g_more


def _recorded_gradients(mode: str, reverse: bool, given: tuple[Any, ...], outgoing: tuple[Any, ...]) -> list[Any]:
    """The gradients as functions of what the layer was given, and of those that arrive."""
    met, weight, state, more = own = [x.view_as(x) if x.requires_grad else x for x in given]
    bias, states = None, (state, more) if mode == "LSTM" else (state,)
    if mode == "GRU":
        width = weight.shape[1]
        weight = _cat([weight[width:], weight[:width]])
        bias = _cat([more.new_zeros(2 * width), more])
    out, ends = _one_by_one(STEPS[mode](weight, bias, None), met, states, reverse)
    wanted = [x for x in own if x.requires_grad]
    found = iter(grad((out, *ends), wanted, outgoing, create_graph=True, allow_unused=True))
    return [next(found) if x.requires_grad else None for x in own]


def _packed(step: Callable[..., States], met: Any, states: States, reverse: bool, sizes: list[int]
            ) -> tuple[Any, States]:
    parts = met.split(sizes, 0)
    found: list[Any] = [None] * len(parts)
    if reverse:  # sequences join when their last element comes
        first, running = states, tuple(s[:sizes[-1]] for s in states)
        for t in reversed(range(len(parts))):
            if sizes[t] > running[0].shape[0]:
                running = tuple(_cat([s, f[s.shape[0]:sizes[t]]]) for s, f in zip(running, first))
            running = step(parts[t], *running)
            found[t] = running[0]
        return _cat(found), running
    ended: list[States] = []
    for t, part in enumerate(parts):
        n = states[0].shape[0]
        if sizes[t] < n:  # the shortest sequences stand last, and are over
            ended.append(tuple(s[sizes[t]:] for s in states))
            states = tuple(s[:sizes[t]] for s in states)
        states = step(part, *states)
        found[t] = states[0]
    if ended:
        states = tuple(_cat([s, *(e[j] for e in reversed(ended))]) for j, s in enumerate(states))
    return _cat(found), states


def network(mode: str, x: Any, states: States, weights: Sequence[Sequence[Any]], directions: int, dropout: float,
            training: bool, sizes: list[int] | None = None) -> tuple[Any, States]:
    """Layers on layers, of one direction or two; states are (layers · directions, N, H)."""
    last: list[States] = []
    for n in range(len(weights) // directions):
        outputs = []
        for d in range(directions):
            place = n * directions + d
            out, ends = layer(mode, x, tuple(s[place] for s in states), weights[place], bool(d), sizes)
            outputs.append(out)
            last.append(ends)
        x = outputs[0] if directions == 1 else _cat(outputs, -1)
        if dropout and training and n < len(weights) // directions - 1:
            x = NN["dropout"](x, dropout)
    return x, tuple(_stack(ends) if len(ends) > 1 else ends[0].unsqueeze(0) for ends in zip(*last))


# ---------------------------------------------------------------- torch.lstm, torch.lstm_cell and their kin


def cell(mode: str, input: Any, states: States, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> States:
    """One step of a cell."""
    return STEPS[mode](w_hh, b_hh, None)(_inputs(mode, input, w_ih, b_ih, b_hh), *states)


def _cell(name: str, mode: str) -> None:
    def function(input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Any = None, b_hh: Any = None) -> Any:
        found = cell(mode, input, tuple(hx) if mode == "LSTM" else (hx,), w_ih, w_hh, b_ih, b_hh)
        return found if mode == "LSTM" else found[0]

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"One step of a recurrent cell (`torch.{name}`)."
    PUBLIC[name] = function


def grouped(mode: str, params: Sequence[Any], has_biases: bool, projected: bool = False) -> list[list[Any]]:
    """A flat list of weights by layer and direction."""
    count = 2 + 2 * has_biases + projected
    groups = [[*params[k:k + count]] for k in range(0, len(params), count)]
    return [[g[0], g[1], *(g[2:4] if has_biases else (None, None)), g[-1] if projected else None] for g in groups]


def _layers(name: str, mode: str) -> None:
    def function(input: Tensor, hx: Any, params: Any, has_biases: bool, num_layers: int, dropout: float,
                 train: bool, bidirectional: bool, batch_first: bool) -> Any:
        states = tuple(hx) if mode == "LSTM" else (hx,)
        x = input.transpose(0, 1) if batch_first else input
        projected = mode == "LSTM" and states[0].shape[-1] != states[1].shape[-1]
        weights = grouped(mode, params, has_biases, projected)
        out, ends = network(mode, x, states, weights, 1 + bidirectional, dropout, train)
        return (out.transpose(0, 1) if batch_first else out, *ends)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"A recurrent network of several layers, given its weights (`torch.{name}`)."
    PUBLIC[name] = function


for _name, _mode in (("lstm", "LSTM"), ("gru", "GRU"), ("rnn_tanh", "RNN_TANH"), ("rnn_relu", "RNN_RELU")):
    _cell(f"{_name}_cell", _mode)
    _layers(_name, _mode)
