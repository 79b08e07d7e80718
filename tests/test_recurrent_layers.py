"""Layers that take all their steps in one operation, beside the same composed of single steps."""
from __future__ import annotations

import itertools

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.functions.nn import recurrent
from tapegrad.machine.kernels.products import gemm
from tapegrad.machine.planning.structured_loops import Looping
from tapegrad.ops import recurrent as rules
from tapegrad.ops import recurrent_layers

KINDS = {"LSTM": {}, "GRU": {}, "RNN": {}, "RNN relu": {"nonlinearity": "relu"}}
WHOLE, STEPWISE = 1, 1 << 60  # the fewest steps that are taken at once


def layer(kind: str, *sizes: int, **options: object) -> torch.nn.Module:
    return getattr(torch.nn, kind.split()[0])(*sizes, **KINDS[kind], **options)


def results(module: torch.nn.Module, x: torch.Tensor, states: list[torch.Tensor]) -> list[np.ndarray]:
    """What a layer returns, and the gradients of all that it was given."""
    leaves = [x, *states, *module.parameters()]
    for leaf in leaves:
        leaf.grad = None
    out, ends = module(x, tuple(states) if len(states) > 1 else states[0])
    found = [out, *(ends if isinstance(ends, tuple) else (ends,))]
    sum((v * torch.linspace(-1, 1, v.numel(), dtype=v.dtype).view(v.shape)).sum() for v in found).backward()
    return [v.detach().numpy().copy() for v in (*found, *(leaf.grad for leaf in leaves))]


def given(kind: str, module: torch.nn.Module, steps: int, batch: int) -> tuple[torch.Tensor, list[torch.Tensor]]:
    dtype = next(module.parameters()).dtype
    shape = (batch, steps) if module.batch_first else (steps, batch)
    x = torch.randn(*shape, module.input_size, dtype=dtype, requires_grad=True)
    places = module.num_layers * (1 + module.bidirectional)
    states = [torch.randn(places, batch, module.hidden_size, dtype=dtype, requires_grad=True)
              for _ in range(1 + (kind == "LSTM"))]
    return x, states


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_as_composed(kind, dtype, monkeypatch):
    for (sizes, steps, batch), both, bias, first in itertools.product(
            [((4, 5), 6, 16), ((3, 1, 2), 4, 1), ((3, 33), 5, 17)], (False, True), (False, True), (False, True)):
        torch.manual_seed(0)
        module = layer(kind, *sizes, bias=bias, bidirectional=both, batch_first=first, dtype=dtype)
        x, states = given(kind, module, steps, batch)
        found = []
        for few in (WHOLE, STEPWISE):
            monkeypatch.setattr(recurrent, "FEW", few)
            found.append(results(module, x, states))
        for a, b in zip(*found):
            np.testing.assert_allclose(a, b, rtol=0, atol=(2e-5 if dtype is torch.float32 else 1e-12) * (
                1 + np.abs(b).max()))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bound", ["SMALL", "FEW_ROWS"])
def test_layers_too_large_for_a_cache(kind, bound, monkeypatch):
    """Where weights are, what is done step by step, and span by span, is then done for all steps; where the batch is, a
    record has its steps one after the other: to the same end."""
    torch.manual_seed(0)
    found = []
    for least, dtype in ((getattr(rules, bound), torch.float64), (0, torch.float32)):  # each has a plan of its own
        monkeypatch.setattr(rules, bound, least)
        module = layer(kind, 7, 6, dtype=dtype)
        torch.manual_seed(1)
        for p in module.parameters():
            p.data.copy_(torch.rand(p.shape) - 0.5)
        x, *states = (torch.rand(*shape).to(dtype).requires_grad_() for shape in (
            (41, 19, 7), *[(1, 19, 6)] * (1 + (kind == "LSTM"))))
        found.append(results(module, x, states))
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-5 * (1 + np.abs(b).max()))


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_that_need_no_gradient(kind):
    """Whether they do is decided anew at every call, also where the last one recorded nothing."""
    torch.manual_seed(0)
    module = layer(kind, 5, 6)
    x, states = given(kind, module, 7, 9)
    plain = x.detach()
    whole = results(module, x, states)
    for _ in range(3):
        with torch.no_grad():
            module(x)
            module(plain)
        leaves = [*module.parameters()]
        out, ends = module(plain, tuple(states) if len(states) > 1 else states[0])
        shown = [out, *(ends if isinstance(ends, tuple) else (ends,))]
        loss = sum((v * torch.linspace(-1, 1, v.numel()).view(v.shape)).sum() for v in shown)
        for a, b in zip(torch.autograd.grad(loss, leaves), whole[-len(leaves):]):
            np.testing.assert_array_equal(a.numpy(), b)
        again = results(module, x, states)
        for a, b in zip(again, whole):
            np.testing.assert_array_equal(a, b)
    tangent = torch.randn_like(plain)
    with torch.autograd.forward_ad.dual_level():
        out, _ = module(torch.autograd.forward_ad.make_dual(plain, tangent))
        found = torch.autograd.forward_ad.unpack_dual(out).tangent
    x.grad = None
    g = torch.randn_like(found)
    module(x)[0].backward(g)
    assert (found * g).sum().item() == pytest.approx((x.grad * tangent).sum().item(), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_no_states_are_zeros(kind):
    for layers, both, first, steps, options in itertools.product((1, 2), (False, True), (False, True), (1, 4), (
            {}, {"proj_size": 2})[:1 + (kind == "LSTM")]):
        module = layer(kind, 3, 5, layers, bidirectional=both, batch_first=first, **options)
        for shape in ((steps, 3), (2, steps, 3) if first else (steps, 2, 3)):
            x = torch.randn(*shape)
            places = (layers * (1 + both), *[2] * (len(shape) == 3))
            states = [torch.zeros(*places, options.get("proj_size", 5)), torch.zeros(*places, 5)]
            wanted, wanted_ends = module(x, tuple(states) if kind == "LSTM" else states[0])
            for _ in range(2):
                out, ends = module(x)
                assert torch.equal(out, wanted) and out.stride() == wanted.stride()
                assert all(map(torch.equal, ends, wanted_ends)) and type(ends) is type(wanted_ends)


@pytest.mark.parametrize("x, error, said", [
    (torch.ones(2, 3, 4), RuntimeError, "Expected 3, got 4"), (torch.ones(3), ValueError, "2D or 3D, got 1D"),
    (torch.ones(2, 3, dtype=torch.float64), ValueError, "does not match weight dtype"),
    (torch.ones(0, 2, 3), RuntimeError, "larger than 0"), (torch.ones(1, 2, 3, 3), ValueError, "got 4D")])
def test_inputs_that_are_refused(x, error, said):
    module = torch.nn.LSTM(3, 5)
    for _ in range(2):
        with pytest.raises(error, match=said):
            module(x)
    assert module(torch.ones(1, 2, 3))[0].shape == (1, 2, 5)


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives(kind, monkeypatch):
    monkeypatch.setattr(recurrent, "FEW", WHOLE)
    torch.manual_seed(1)
    module = layer(kind, 1, 2, dtype=torch.float64)
    x, states = given(kind, module, 3, 1)
    names = [name for name, _ in module.named_parameters()]

    def function(x, *rest):
        own = dict(zip(names, rest[len(states):]))
        out, ends = torch.nn.utils.stateless.functional_call(
            module, own, (x, rest[:len(states)] if len(states) > 1 else rest[0]))
        return (out, *(ends if isinstance(ends, tuple) else (ends,)))

    leaves = (x, *states, *(p.detach().clone().requires_grad_() for p in module.parameters()))
    assert torch.autograd.gradcheck(function, leaves)
    assert torch.autograd.gradgradcheck(function, leaves)


@pytest.mark.parametrize("kind", KINDS)
def test_compiled(kind):
    torch.manual_seed(0)
    module = layer(kind, 32, 32)
    x, y = (given(kind, module, 30, 16)[0] for _ in range(2))
    parameters = [*module.parameters()]

    def step(x):
        for p in parameters:
            p.grad = None
        loss = module(x.detach())[0].square().mean()
        loss.backward()
        return loss

    wanted = []
    for v in (x, y):
        loss = step(v).item()
        wanted.append([loss, *(p.grad.numpy().copy() for p in parameters)])
    compiled = torch.compile(step)
    for _ in range(4):
        for v, (loss, *gradients) in zip((x, y), wanted):
            assert compiled(v).item() == pytest.approx(loss, rel=1e-6)
            for p, g in zip(parameters, gradients):
                np.testing.assert_allclose(p.grad.numpy(), g, rtol=0, atol=1e-7)
    assert len(compiled.tapes) == 1


def test_threads_share_a_batch():
    """Each goes through all steps with sequences of its own: bits are the same, where products are not BLAS's."""
    module = layer("LSTM", 64, 64)
    x, states = given("LSTM", module, 40, 33)
    before, found = torch.get_num_threads(), []
    try:
        for n in (1, 2, 3):
            torch.set_num_threads(n)
            found.append(results(module, x, states))
    finally:
        torch.set_num_threads(before)
    for more in found[1:]:
        for a, b in zip(found[0], more):
            np.testing.assert_allclose(a, b, **({"rtol": 0} if gemm.kernels(x.dtype) else {"rtol": 1e-5, "atol": 1e-5}))


def test_spans_of_steps():
    """Gradients of weights are added up for as many steps as stay in a cache, and never for a few that are left."""
    for steps in range(1, 130):
        rows, span = recurrent_layers._span(Looping, rules.Sizes("LSTM", steps, 16, 64, 64), 4)
        assert rows * span * (4 * 64 + 128) * 4 <= rules.SMALL
        assert span <= steps and (steps % span or span) > span // 2, steps


def test_what_is_shown_may_be_written_to():
    """Backward reads a record of its own."""
    torch.manual_seed(0)
    module = layer("LSTM", 16, 64)
    x, _ = given("LSTM", module, 50, 4)
    (module(x)[0] * 2).sum().backward()
    expected, x.grad = x.grad, None
    out, _ = module(x)
    assert out._base is None
    out.mul_(2)
    out.sum().backward(retain_graph=True)
    assert torch.equal(x.grad, expected)
    out.sum().backward()
    assert torch.allclose(x.grad, 2 * expected)
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        out.sum().backward()


@pytest.mark.parametrize("name", ["weight_hh_l0", "weight_ih_l0", "input"])
def test_what_was_written_to_is_refused(name):
    module = layer("LSTM", 16, 64)
    x = given("LSTM", module, 50, 4)[0]
    out, _ = module(x)
    with torch.no_grad():
        (x if name == "input" else getattr(module, name)).mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


@pytest.mark.parametrize("kind", KINDS)
def test_hooks_and_a_look_at_every_gradient(kind):
    """Where a sweep goes through Python, the gradients are those of one that does not."""
    torch.manual_seed(0)
    module = layer(kind, 3, 4)
    x, states = given(kind, module, 5, 2)
    expected = results(module, x, states)
    with torch.autograd.set_detect_anomaly(True):
        for a, b in zip(results(module, x, states), expected):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    seen, found = [], []
    for hooked in (False, True):
        x.grad = None
        out, ends = module(x, tuple(states) if len(states) > 1 else states[0])
        shown = [out, *(ends if isinstance(ends, tuple) else (ends,))]
        for y in shown if hooked else ():
            y.grad_fn.register_hook(lambda inputs, outputs: seen.append(len(inputs)))
        sum((y * y).sum() for y in shown).backward()
        found.append(x.grad)
    assert torch.allclose(*found, atol=1e-5)
    assert len(seen) == len(shown)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_gradients_of_some_of_what_was_given(kind, dtype, monkeypatch):
    """One sweep makes all of them, each where it is to be: also of weights that lie otherwise, or serve twice."""
    torch.manual_seed(0)
    mode = {"RNN": "rnn_tanh", "RNN relu": "rnn_relu"}.get(kind, kind.lower())
    rows = {"LSTM": 12, "GRU": 9}.get(kind, 3)
    stack, square = torch.randn(5, 2, 3, dtype=dtype), torch.randn(3, rows, dtype=dtype)
    bias, state = torch.randn(rows, dtype=dtype), torch.randn(1, 2, 3, dtype=dtype)
    leaves = stack, square, bias, state
    for asked in itertools.product((False, True), repeat=4):
        found = []
        for few in (WHOLE, STEPWISE):
            monkeypatch.setattr(recurrent, "FEW", few)
            x, w, b, h = (v.clone().requires_grad_(asks) for v, asks in zip(leaves, asked))
            out, *_ = getattr(torch, mode)(
                x, (h, h) if kind == "LSTM" else h, (w.t(), w.t(), b, b), True, 1, 0.0, True, False, False)
            if any(asked):
                (out.sum() + (x * x).sum() + (w * w).sum()).backward()
            found.append([v.grad for v in (x, w, b, h)])
        for a, b, asks in zip(*found, asked):
            assert (a is None and b is None) if not asks else torch.allclose(
                a.float(), b.float(), **({"rtol": 0.1, "atol": 0.1} if dtype is torch.bfloat16 else {}))


@pytest.mark.parametrize("kind", KINDS)
def test_states_that_need_no_gradient(kind):
    """There is a product less, and the other gradients are the same."""
    torch.manual_seed(0)
    for width, steps, batch in ((4, 2, 3), (64, 5, 16), (16, 40, 33)):
        module = layer(kind, 3, width)
        x, states = given(kind, module, steps, batch)
        whole = results(module, x, states)
        for v in states:
            v.requires_grad_(False)
        out, ends = module(x, tuple(states) if len(states) > 1 else states[0])
        shown = [out, *(ends if isinstance(ends, tuple) else (ends,))]
        loss = sum((v * torch.linspace(-1, 1, v.numel()).view(v.shape)).sum() for v in shown)
        leaves = [x, *module.parameters()]
        expected = [whole[-len(leaves) - len(states)], *whole[1 - len(leaves):]]
        for a, b in zip(torch.autograd.grad(loss, leaves), expected):
            np.testing.assert_array_equal(a.numpy(), b)
