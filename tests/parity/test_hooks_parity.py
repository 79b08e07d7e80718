"""Hooks on tensors and nodes, and what the engine says to bad calls, beside PyTorch."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from both import outcome, programs, refusal

import tapegrad

torch = pytest.importorskip("torch")


def tensor_hooks_in_order(t, x, w):
    seen = []
    y = x * 2
    first = y.register_hook(lambda g: seen.append(("first", g)) or g * 2)
    y.retain_grad()
    y.register_hook(lambda g: seen.append(("second", g)))
    x.register_hook(lambda g: seen.append(("leaf", g)) or g + 1)
    y.sum().backward(retain_graph=True)
    first.remove()
    y.sum().backward()
    return seen, y.grad, x.grad


def a_hook_on_the_root(t, x, w):
    seen = []
    y = x.sum()
    y.register_hook(lambda g: seen.append(g) or g * 3)
    y.backward()
    return seen, x.grad


def hook_of_a_tensor_that_is_gone(t, x, w):
    seen = []
    y = x * 2
    y.register_hook(lambda g: seen.append(g))
    z = y.sum()
    del y
    z.backward()
    return seen


def hook_handle_as_context(t, x, w):
    seen = []
    y = x * 2
    with y.register_hook(lambda g: seen.append(g)):
        y.sum().backward(retain_graph=True)
    y.sum().backward()
    return seen


def bad_tensor_hooks(t, x, w):
    def with_hook(hook):
        y = x * 2
        y.register_hook(hook)
        return refusal(lambda: y.sum().backward())

    def small(g):
        return t.ones(1)

    return (with_hook(lambda g: "a"), with_hook(small), refusal(lambda: t.ones(1).register_hook(small)),
            refusal(lambda: t.ones(1).retain_grad()), x.grad)


def hooks_run_without_recording(t, x, w):
    modes = []
    y = x * 2
    y.register_hook(lambda g: modes.append(t.is_grad_enabled()))
    y.sum().backward(retain_graph=True)
    t.autograd.grad(y.sum(), x, create_graph=True)
    return modes


def grad_runs_hooks_of_what_it_is_asked_for(t, x, w):
    seen = []
    y = x * 2
    x.register_hook(lambda g: seen.append(("x", g)) or g * 10)
    y.register_hook(lambda g: seen.append(("y", g)) or g * 3)
    return t.autograd.grad(y.sum(), (x, y)), seen, t.autograd.grad((x * 2).sum(), x), len(seen)


def post_accumulate(t, x, w):
    seen = []
    handle = x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.clone()))
    (x * 2).sum().backward()
    (x * 2).sum().backward(inputs=[x])
    t.autograd.grad(x.sum(), x)
    handle.remove()
    (x * 2).sum().backward()
    return (seen, x.grad, refusal(lambda: (x * 2).register_post_accumulate_grad_hook(print)),
            refusal(lambda: t.ones(1).register_post_accumulate_grad_hook(print)))


def step_in_a_hook(t, x, w):
    def step(p):
        with t.no_grad():
            p.sub_(p.grad)
        p.grad = None

    x.register_post_accumulate_grad_hook(step)
    for _ in range(3):
        (x * x).sum().backward()
    return x, x.grad


def node_hooks(t, x, w):
    seen = []
    y = x * 2
    y.grad_fn.register_hook(lambda gi, go: seen.append(("post", gi, go)))
    y.grad_fn.register_prehook(lambda go: seen.append(("pre", go)) or (go[0] * 5,))
    y.register_hook(lambda g: seen.append(("tensor", g)))
    y.sum().backward()
    return seen, x.grad


def node_hooks_replace(t, x, w):
    y = x * x
    y.grad_fn.register_hook(lambda gi, go: tuple(g * 7 for g in gi))
    h = y.grad_fn.register_hook(lambda gi, go: tuple(None for g in gi))
    h.remove()
    y.sum().backward()
    return x.grad


def node_hooks_recorded(t, x, w):
    y = x * x
    y.grad_fn.register_prehook(lambda go: (go[0] * x,))
    g, = t.autograd.grad(y.sum(), x, create_graph=True)
    g.sum().backward()
    return g, x.grad


def bad_node_hooks(t, x, w):
    def with_hook(register, hook):
        y = x * 2
        getattr(y.grad_fn, register)(hook)
        return refusal(lambda: y.sum().backward())

    def one(*given):
        return (given[0][0],)

    return with_hook("register_hook", lambda gi, go: 3), with_hook("register_hook", one), with_hook(
        "register_prehook", lambda go: 3)


def accumulator_hooks(t, x, w):
    seen = []
    node = (x * 2).grad_fn.next_functions[0][0]
    node.register_hook(lambda gi, go: seen.append(("post", gi, go)))
    node.register_prehook(lambda go: seen.append(("pre", go)))
    x.register_hook(lambda g: seen.append(("tensor", g)))
    x.register_post_accumulate_grad_hook(lambda p: seen.append(("accumulated", p.grad)))
    (x * 1).sum().backward()
    t.autograd.grad(x.sum(), x)
    return seen, node.variable is x


def hook_that_runs_a_backward(t, x, w):
    y = x * x
    inner = []

    def hook(g):
        with t.enable_grad():
            z = (w * w).sum()
            z.backward()
            for _ in range(50):
                (x.detach().requires_grad_() * 2).sum().backward()
        inner.append(w.grad.clone())

    y.register_hook(hook)
    (y * y).sum().backward()
    return inner, x.grad, w.grad


def hook_that_raises_leaves_the_graph(t, x, w):
    y = x * x
    failing = [True]

    def hook(g):
        if failing[0]:
            raise ValueError("stop")

    y.register_hook(hook)
    z = (y * y).sum()
    first = refusal(lambda: z.backward(retain_graph=True))
    failing[0] = False
    z.backward()
    return first[:1], x.grad


def saved_values(t, x, w):
    y = x * x
    e = x.exp()
    found = y.grad_fn._saved_self is x, y.grad_fn._saved_other is x, e.grad_fn._saved_result, refusal(
        lambda: y.grad_fn._saved_anything), (x * 2).grad_fn._saved_self
    y.sum().backward()
    return found, refusal(lambda: y.grad_fn._saved_self)


def next_functions(t, x, w):
    y = (x * 2 + 1).exp()
    node, names = y.grad_fn, []
    while node is not None:
        names.append((node.name(), len(node.next_functions)))
        node = node.next_functions[0][0] if node.next_functions else None
    return names


def bad_calls(t, x, w):
    y = x * 2
    return [refusal(f) for f in (
        lambda: t.autograd.grad(x.sum(), []), lambda: t.autograd.grad(x.sum(), t.ones(1)),
        lambda: x.sum().backward(inputs=[]), lambda: x.sum().backward(t.ones(2)), lambda: y.backward(),
        lambda: t.autograd.grad(y, x, grad_outputs=t.ones(2)), lambda: t.autograd.backward([]),
        lambda: t.autograd.grad(y.sum(), t.ones(1, requires_grad=True)), lambda: t.ones(1).backward(),
        lambda: t.autograd.grad(y.sum(), (x, w)), lambda: t.autograd.grad(y.sum(), (x, w), allow_unused=True),
        lambda: t.autograd.grad(y.sum(), (x, w), materialize_grads=True),
        lambda: t.autograd.grad(y.sum(), (x, w), materialize_grads=True, allow_unused=False),
    )]


def several_roots(t, x, w):
    t.autograd.backward([x * 2, (w * w).sum()], [t.ones(4), None])
    t.autograd.backward((x * x).sum(), inputs=[x])
    return x.grad, w.grad


def anomaly(t, x, w):
    z = t.zeros(1, requires_grad=True)
    with t.autograd.set_detect_anomaly(True):
        first = refusal(lambda: (z.sqrt() * 0).sum().backward())
        (x * x).sum().backward()
        second = refusal(lambda: t.autograd.grad((z.sqrt() * 0).sum(), z))
    (z.sqrt() * 0).sum().backward()
    return first, second, x.grad, bool(z.grad.isnan().item())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", programs(globals()), ids=lambda f: f.__name__)
def test_same_as_pytorch(program: Callable[..., Any]) -> None:
    assert outcome(program, tapegrad) == outcome(program, torch)


def inputs_that_are_no_leaves(t, x, w):
    v = x * 2
    y = (v * v).sum()
    y.backward(inputs=[v, x], retain_graph=True)
    found = [v.retains_grad, v.grad.clone(), x.grad.clone()]
    y.backward(retain_graph=True)
    found += [v.grad.clone(), x.grad.clone()]
    y.backward(inputs=[v, v, x, x])
    return [*found, v.grad, x.grad]
