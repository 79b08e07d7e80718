"""Checkpoints, the same programs run by both: gradients, how often a function runs, what is refused."""
from __future__ import annotations

import gc
import importlib
import warnings
import weakref

import pytest
from both import refusal

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402


class Counted:
    """A function that counts its calls and follows a plan for each."""

    def __init__(self, *plans):
        self.plans, self.calls = plans, 0

    def __call__(self, *args, **kwargs):
        self.calls += 1
        return self.plans[min(self.calls, len(self.plans)) - 1](*args, **kwargs)


def C(t):
    return importlib.import_module(f"{t.__name__}.utils.checkpoint")


def gradients(t, function, *shapes, steps=1, **options):
    xs = [t.arange(1.0, 1 + n, dtype=t.float64).div(4).requires_grad_() for n in shapes]
    counted = Counted(function)
    out = C(t).checkpoint(counted, *xs, **options)
    out = out if isinstance(out, tuple) else (out,)
    for _ in range(steps):
        sum(o.sum() for o in out).backward(retain_graph=steps > 1)
    return [x.grad for x in xs], counted.calls


def nested(t, **options):
    c = C(t).checkpoint

    def inner(x):
        return c(lambda z: (z * z).sin(), x, **options).exp()

    return gradients(t, lambda x: c(inner, x, **options) * x, 3, **options)


def drawn(t, **options):
    t.manual_seed(4)
    x = t.ones(5, dtype=t.float64, requires_grad=True)
    C(t).checkpoint(lambda v: v * t.rand(5, dtype=t.float64) * v, x, **options).sum().backward()
    return x.grad, t.rand(1)


def of_parameters(t, **options):
    w = t.tensor([2.0, 3.0], requires_grad=True)
    x = t.ones(2, requires_grad=True)
    C(t).checkpoint(lambda v: (v * w).tanh(), x, **options).sum().backward()
    return w.grad, x.grad


def sequence(t, **options):
    x = t.linspace(-1, 1, 4, dtype=t.float64).requires_grad_()
    C(t).checkpoint_sequential([t.sin, t.exp, t.tanh, t.cos, t.sin], 2, x, **options).sum().backward()
    return x.grad


def double(t):
    x = t.tensor([0.5, 1.5], dtype=t.float64, requires_grad=True)
    y = C(t).checkpoint(lambda v: (v * v).sin(), x, use_reentrant=False)
    (g,) = t.autograd.grad(y.sum(), x, create_graph=True)
    return t.autograd.grad(g.sum(), x)


BOTH = {
    "plain": lambda t, **o: gradients(t, lambda x: (x * x).sin(), 3, **o),
    "two of each": lambda t, **o: gradients(t, lambda x, y: (x * y, (x + y).exp()), 3, 3, **o),
    "nested": nested, "random numbers": drawn, "parameters": of_parameters, "sequence": sequence,
    "other numbers": lambda t, **o: drawn(t, preserve_rng_state=False, **o)[0] is None,
    "nothing saved": lambda t, **o: gradients(t, lambda x: x + 1, 3, **o)[0],
    "under no_grad": lambda t, **o: t.no_grad()(C(t).checkpoint)(lambda v: v * 2, t.ones(2, requires_grad=True), **o),
    "a mistake": lambda t, **o: C(t).checkpoint(lambda v: v * t.ones(3), t.ones(2, requires_grad=True), **o),
    "keywords": lambda t, **o: C(t).checkpoint(lambda v, k=1: v * k, t.ones(2, requires_grad=True), k=3, **o),
}


@pytest.mark.parametrize("reentrant", [True, False])
@pytest.mark.parametrize("what", BOTH)
def test_programs(what, reentrant):
    def run(t):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return refusal(lambda: BOTH[what](t, use_reentrant=reentrant))

    assert run(tapegrad) == run(torch)


ONE = {
    "again and again": lambda t: gradients(t, lambda x: (x * x).sin(), 3, steps=2, use_reentrant=False),
    "twice, released": lambda t: [
        y.backward() for y in [C(t).checkpoint(t.sin, t.ones(2, requires_grad=True), use_reentrant=False).sum()] * 2],
    "grad": lambda t: t.autograd.grad(
        C(t).checkpoint(t.sin, *[x := t.ones(2, requires_grad=True)], use_reentrant=False).sum(), x),
    "second derivative": double,
    "saves less": lambda t: C(t).checkpoint(Counted(lambda x: (x * x).sin(), lambda x: x + 1), t.ones(
        3, requires_grad=True), use_reentrant=False).sum().backward(),
    "saves other shapes": lambda t: C(t).checkpoint(
        Counted(lambda x: (x * x).sin(), lambda x: (x[:2] * x[:2]).sin()), t.ones(3, requires_grad=True),
        use_reentrant=False).sum().backward(),
    "determinism": lambda t: C(t).checkpoint(t.sin, t.ones(2), use_reentrant=False, determinism_check="foo"),
    "contexts": lambda t: C(t).checkpoint(t.sin, t.ones(2), use_reentrant=True, context_fn=lambda: None),
}


@pytest.mark.parametrize("what", ONE)
def test_without_reentry(what):
    found = []
    for t in (tapegrad, torch):
        outcome = refusal(lambda: ONE[what](t))  # noqa: B023
        found.append((outcome[0], outcome[1][:90]) if isinstance(outcome, tuple) else outcome)
    assert found[0] == found[1]


def test_nothing_is_kept():
    seen = []

    def function(x):
        y = x.exp()
        seen.append(weakref.ref(y))
        return (y * y).sin()

    out = tapegrad.utils.checkpoint.checkpoint(function, tapegrad.ones(1000, requires_grad=True), use_reentrant=False)
    gc.collect()
    assert seen[0]() is None
    out.sum().backward()
    assert len(seen) == 2


@pytest.mark.parametrize("enable", [True, False])
def test_early_stop(enable):
    def run(t):
        calls = []

        def function(x):
            y = (x * x).exp()
            calls.append("before")
            z = y + 1
            calls.append("after")
            return z

        with C(t).set_checkpoint_early_stop(enable):
            C(t).checkpoint(function, t.ones(2, requires_grad=True), use_reentrant=False).sum().backward()
        return calls

    assert run(tapegrad) == run(torch)
