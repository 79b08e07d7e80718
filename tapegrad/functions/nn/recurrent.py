"""Recurrent networks: steps of their cells, layers of steps in either direction, batches whose sequences end early.

A layer's inputs meet their weights in one product for all steps; what is left of a step is a product with the state and
one or two kernels. A layer whose sequences are equally long takes all its steps in one kernel, forwards and backwards
(`ops/recurrent_layers.py`); those of cells, of packed sequences and of projected states are composed, and so is what
second derivatives are of.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tapegrad.autograd import grad
from tapegrad.autograd.modes import enable_grad, is_grad_enabled
from tapegrad.dispatch import apply, differentiated
from tapegrad.functions.common import PUBLIC, operation
from tapegrad.functions.nn.activations import NN, native
from tapegrad.functions.shaping.views import unsafe_view
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


STEPS: dict[str, Callable[..., Any]] = {
    "LSTM": _lstm, "GRU": _gru, "RNN_TANH": _rnn(native("tanh")), "RNN_RELU": _rnn(native("relu"))}


def _bias(mode: str, weight: Any, bias: Any, own: Any) -> Any:
    """What is added to inputs that met their weights: with the biases of the states where nothing comes between."""
    if bias is None or own is None:
        return weight.new_zeros(weight.shape[0]) if bias is None else bias
    if mode == "GRU":
        width = weight.shape[0] // 3 * 2
        return bias + NN["pad"](own[:width], (0, width // 2))
    return bias + own


def _inputs(mode: str, x: Any, weight: Any, bias: Any, own: Any) -> Any:
    """Inputs of all steps met with their weights."""
    bias = None if bias is None else _bias(mode, weight, bias, own)
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
    if sizes is None and shown is None and _at_once(x, of_inputs, of_states, *states):
        return _whole(mode, x, states, weights, reverse)
    met = _inputs(mode, x, of_inputs, bias, own)
    step = STEPS[mode](of_states, own, shown)
    return _one_by_one(step, met, states, reverse) if sizes is None else _packed(step, met, states, reverse, sizes)


def _one_by_one(step: Callable[..., States], met: Any, states: States, reverse: bool) -> tuple[Any, States]:
    steps = met.unbind(0)
    found = []
    for one in reversed(steps) if reverse else steps:
        states = step(one, *states)
        found.append(states[0])
    return _stack(found[::-1] if reverse else found), states


# ---------------------------------------------------------------- all steps of a layer at once

FEW = 2  # steps that take no longer one by one


def _at_once(x: Any, *others: Any) -> bool:
    """Whether operations on all steps can do it, and pay."""
    return x.shape[0] >= FEW and others[-1].numel() > 0 and x.dtype.is_floating_point and all(
        o.dtype is x.dtype for o in others)


def _whole(mode: str, x: Any, states: States, weights: Sequence[Any], reverse: bool) -> tuple[Any, States]:
    of_inputs, of_states, bias, own, _ = weights
    (steps, batch, wide), width = x.shape, of_states.shape[1]
    flat = x.reshape(steps * batch, wide)
    given = flat, states[0], states[-1], of_inputs, _biases(mode, of_states, bias, own), of_states
    way, (onward, to_states) = ("reverse", reverse), (
        any(v.requires_grad or differentiated(v) for v in values) for values in ((x,), states))
    sizes = ("steps", steps), ("batch", batch), ("wide", wide), ("width", width)
    record = apply(_STEPS, given, (("mode", mode), way, *sizes))
    found = apply(_SHOWN, (*given, record), (
        ("mode", mode), way, ("onward", onward), ("to_states", to_states), *sizes))
    out = unsafe_view(found.narrow(0, 0, steps), (steps, batch, width)) if mode == "LSTM" else found
    ends = [out[0 if reverse else -1], *([found[-1]] if mode == "LSTM" else [])]
    return out, tuple(x.clone() for x in ends)


def _biases(mode: str, weight: Any, bias: Any, own: Any) -> Any:
    """Those of all sums: a GRU's last gate takes the states' bias apart, and before that of the inputs."""
    if mode != "GRU":
        return _bias(mode, weight, bias, own)
    if bias is None or own is None:
        return weight.new_zeros(weight.shape[0] // 3 * 4)
    width = weight.shape[0] // 3
    return _cat([bias[:2 * width] + own[:2 * width], own[2 * width:], bias[2 * width:]])


def _recorded_gradients(g: Any, x: Any, state: Any, memory: Any, w: Any, bias: Any, weight: Any, mode: str, steps: int,
                        batch: int, wide: int, width: int, reverse: bool) -> tuple[Any, ...]:
    """The gradients of what was given as functions of that, and of the one that arrives: of steps taken one by one."""
    recording = is_grad_enabled()  # it is not where a sweep goes through Python for a hook
    given = [x, state, memory if mode == "LSTM" else None, w, bias, weight]
    wanted = [v is not None and v.requires_grad for v in given]
    own = [v if not asked else v.view_as(v) if recording else v.detach().requires_grad_()
           for v, asked in zip(given, wanted)]
    with enable_grad():
        x, state, memory, w, bias, weight = own
        states, at_states = (state,) if memory is None else (state, memory), None
        if mode == "GRU":
            at_states = _cat([bias.new_zeros(2 * width), bias[2 * width:3 * width]])
            bias = _cat([bias[:2 * width], bias[3 * width:]])
        met = _inputs(mode, x.reshape(steps, batch, wide), w, bias, None)
        out, ends = _one_by_one(STEPS[mode](weight, at_states, None), met, states, reverse)
        if mode == "LSTM":
            out = _cat([out, ends[-1].unsqueeze(0)])
        found = iter(grad(out, [v for v, asked in zip(own, wanted) if asked], g, create_graph=recording))
    return *(next(found) if asked else None for asked in wanted), None


_STEPS, _SHOWN = (operation(f"_recurrent_{name}") for name in ("steps", "shown"))
_SHOWN.recorded = _recorded_gradients  # here, since it is composed of tensors' functions


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
    if b_ih is None and b_hh is not None:
        b_ih = b_hh.new_zeros(b_hh.shape)
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
