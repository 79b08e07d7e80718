"""Recurrent layers and cells: parameters, results, states, gradients and refusals of the same calls."""
from __future__ import annotations

import warnings

import pytest
from both import refusal

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402

LAYERS = {
    f"{kind} {options}": (kind, options) for kind in ("RNN", "LSTM", "GRU") for options in (
        {}, {"num_layers": 2}, {"bias": False}, {"bidirectional": True}, {"batch_first": True},
        {"num_layers": 2, "bidirectional": True, "batch_first": True},
        *([{"nonlinearity": "relu"}] if kind == "RNN" else ()),
        *([{"proj_size": 2}, {"proj_size": 2, "num_layers": 2, "bidirectional": True}] if kind == "LSTM" else ()))
}


def made(t, kind, options):
    t.manual_seed(3)
    return getattr(t.nn, kind)(3, 4, **options, dtype=t.float64)


def told(t, module, x, *states):
    out, ends = module(x, *states)
    data = out.data if isinstance(out, t.nn.utils.rnn.PackedSequence) else out
    ends = ends if isinstance(ends, tuple) else (ends,)
    total = sum((s * t.linspace(0.5, 2, s.numel(), dtype=s.dtype).view(s.shape)).sum() for s in (data, *ends))
    leaves = [*module.parameters(), *(s for s in (states[0] if states and isinstance(states[0], tuple) else states))]
    gradients = t.autograd.grad(total, [s for s in leaves if s.requires_grad])
    return [(list(s.shape), s.flatten().tolist()) for s in (data, *ends, *gradients)]


def same(ours, theirs):
    assert [shape for shape, _ in ours] == [shape for shape, _ in theirs]
    for (_, one), (_, other) in zip(ours, theirs):
        assert one == pytest.approx(other, rel=1e-8, abs=1e-11)


def operands(t, kind, options, form):
    t.manual_seed(5)
    x = t.randn(5, 2, 3, dtype=t.float64)
    if options.get("batch_first"):
        x = x.transpose(0, 1)
    if form == "one sequence":
        x = x[0] if options.get("batch_first") else x[:, 0]
    if form == "packed":
        x = t.nn.utils.rnn.pack_padded_sequence(
            t.randn(5, 4, 3, dtype=t.float64), [2, 5, 3, 3], enforce_sorted=False)
    count = options.get("num_layers", 1) * (1 + options.get("bidirectional", False))
    batch = {"one sequence": (), "packed": (4,)}.get(form, (2,))
    widths = (options.get("proj_size", 4), 4)[:1 + (kind == "LSTM")]
    states = tuple(t.randn(count, *batch, n, dtype=t.float64, requires_grad=True) for n in widths)
    return x, (states if kind == "LSTM" else states[0])


@pytest.mark.parametrize("form", ["batch", "one sequence", "packed", "no states"])
@pytest.mark.parametrize("layer", LAYERS)
def test_layers(layer, form):
    def run(t):
        module = made(t, *LAYERS[layer])
        x, states = operands(t, *LAYERS[layer], form)
        return told(t, module, x, *([] if form == "no states" else [states]))

    same(run(tapegrad), run(torch))


@pytest.mark.parametrize("kind, options", [("RNNCell", {}), ("RNNCell", {"nonlinearity": "relu"}), ("LSTMCell", {}),
                                           ("GRUCell", {}), ("GRUCell", {"bias": False})])
@pytest.mark.parametrize("batch", [(), (2,)])
def test_cells(kind, options, batch):
    def run(t):
        t.manual_seed(3)
        cell = getattr(t.nn, kind)(3, 4, **options, dtype=t.float64)
        x, state = t.randn(*batch, 3, dtype=t.float64), None
        for _ in range(3):
            state = cell(x, state)
        ends = state if isinstance(state, tuple) else (state,)
        gradients = t.autograd.grad(sum(s.sum() for s in ends), [*cell.parameters()])
        return [(list(s.shape), s.flatten().tolist()) for s in (*ends, *gradients)]

    same(run(tapegrad), run(torch))


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
def test_functions(kind):
    def run(t):
        t.manual_seed(1)
        module = getattr(t.nn, {"lstm": "LSTM", "gru": "GRU"}.get(kind, "RNN"))(
            3, 4, 2, **({"nonlinearity": kind[4:]} if kind[:3] == "rnn" else {}))
        x, h = t.randn(5, 2, 3), t.randn(2, 2, 4)
        states = [h, h] if kind == "lstm" else h
        found = getattr(t, kind)(x, states, module._flat_weights, True, 2, 0.0, False, False, False)
        weights = module._flat_weights[:4]
        one = getattr(t, f"{kind}_cell")(x[0], [h[0], h[1]] if kind == "lstm" else h[0], *weights)
        return [(list(s.shape), s.detach().flatten().tolist()) for s in (*found, *(one if kind == "lstm" else [one]))]

    for (shape, one), (other_shape, other) in zip(run(tapegrad), run(torch)):
        assert shape == other_shape and one == pytest.approx(other, rel=1e-4, abs=1e-6)


def test_dropout_between_layers_draws_the_same_numbers():
    def run(t):
        t.manual_seed(2)
        module = t.nn.GRU(3, 4, 3, dropout=0.5)
        return module(t.ones(5, 2, 3))[0].flatten().tolist()

    assert run(tapegrad) == pytest.approx(run(torch), rel=1e-4, abs=1e-6)


N = {"x": (5, 2, 3)}
CALLS = """
N.LSTM(3,4,dropout=2.)
N.LSTM(3,4,dropout=.5)
N.LSTM(3,4,num_layers=0)
N.LSTM(3,0)
N.LSTM(3,4,proj_size=4)
N.LSTM(3,4,proj_size=-1)
N.GRU(3,4,proj_size=2)
N.RNN(3,4,nonlinearity='foo')
N.RNN(3,4,2,'relu')
N.LSTM('a',4)
N.LSTM(3,'b')
N.RNNBase('LSTM',3,4)
N.RNNBase('foo',3,4)
l(t.ones(5,2,4))
l(t.ones(3))
l(t.ones(5,2,3,1))
l(x,(t.zeros(1,3,4),t.zeros(1,3,4)))
l(x,(t.zeros(2,4),t.zeros(2,4)))
l(x.double())
g(x,t.zeros(1,3,4))
g(x,t.zeros(2,4))
g(t.ones(5,3),t.zeros(1,2,4))
c(t.ones(2,4))
c(t.ones(2,2,3))
c(t.ones(2,3),(t.zeros(3,4),t.zeros(3,4)))
c(t.ones(2,3),(t.zeros(2,5),t.zeros(2,5)))
gc(t.ones(2,3),t.zeros(2,5))
gc(t.ones(2,4))
gc(t.ones(2,2,3))
l(t.ones(0,2,3))
l(t.ones(5,0,3))[0].shape
N.LSTM(3,4,2,bidirectional=True,proj_size=2,dropout=0.1,batch_first=True)
N.RNN(3,4,nonlinearity='relu')
N.GRUCell(3,4,bias=False)
N.RNNCell(3,4,nonlinearity='relu')
N.LSTMCell(3,4)
[n for n,_ in N.LSTM(3,4,2,bidirectional=True,proj_size=2).named_parameters()]
N.LSTM(3,4,2,bidirectional=True)._all_weights
l.flatten_parameters()
"""


@pytest.mark.parametrize("text", CALLS.strip().splitlines())
def test_calls(text):
    def outcome(t):
        known = {"t": t, "N": t.nn, "x": t.ones(5, 2, 3), "l": t.nn.LSTM(3, 4), "g": t.nn.GRU(3, 4),
                 "c": t.nn.LSTMCell(3, 4), "gc": t.nn.GRUCell(3, 4)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return refusal(lambda: repr(eval(text, known)))

    assert outcome(tapegrad) == outcome(torch)
