"""Hooks on tensors and nodes, and what the engine says to bad calls, beside PyTorch."""
from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from both import outcome, plain, programs, refusal

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


def calls_of_nodes(t, x, w):
    y, parts = (x * x).exp(), x.unbind()
    node = (x * 2).grad_fn.next_functions[0][0]
    written = x * 1
    written[1:3].mul_(w)
    return (y.grad_fn(x), (x * x).grad_fn(x), (x * 2).grad_fn(x), (x * 2).grad_fn(None), (2 / x).grad_fn(x),
            x.max(0)[0].grad_fn(t.tensor(1.0)), parts[0].grad_fn(*[t.tensor(2.0), None, t.tensor(1.0), None]),
            node(x), x.grad, node(x), x.grad, t.nn.functional.mse_loss(x, y).grad_fn(t.tensor(1.0)),
            t.lerp(x, y, 0.5).grad_fn(x), t.nn.functional.glu(x, 0).grad_fn(w), written.grad_fn(x))


def calls_of_nodes_refused(t, x, w):
    class Twice(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    y, z = x * x, x.exp()
    y.sum().backward()
    late = z * z
    with t.no_grad():
        z.add_(1)
    return [refusal(call) for call in (
        lambda: (x * 2).grad_fn(), lambda: (x * 2).grad_fn(x, x), lambda: (x * 2).grad_fn(3.0),
        lambda: (x * 2).grad_fn(g=x), lambda: y.grad_fn(x), lambda: late.grad_fn(x), lambda: Twice.apply(x).grad_fn(x))]


def calls_of_nodes_call_no_hooks(t, x, w):
    seen, y = [], x * x
    y.grad_fn.register_hook(lambda gi, go: seen.append(1))
    y.register_hook(seen.append)
    z, (part, *_), u = t.nn.functional.huber_loss(x, y), x.unbind(), t.nn.functional.glu(x, 0)
    for other in (z, part, u):
        other.grad_fn.register_hook(lambda gi, go: seen.append(2))
        other.grad_fn.register_prehook(lambda go: seen.append(3))
        other.register_hook(lambda g: seen.append(4))
    one = t.tensor(1.0)
    with t.no_grad():
        return y.grad_fn(x), z.grad_fn(one), part.grad_fn(one, None, one, None), u.grad_fn(w), seen


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


# ---------------------------------------------------------------- what a hook may return


RETURNED = [
    lambda t, g: g.double(), lambda t, g: g.long(), lambda t, g: g[:2], lambda t, g: g.view(1, 4),
    lambda t, g: t.tensor(1.0), lambda t, g: g.expand(2, 4), lambda t, g: 3.0, lambda t, g: [g], lambda t, g: True,
    lambda t, g: t.ones(1).expand(4), lambda t, g: g.clone().requires_grad_(), lambda t, g: g, lambda t, g: None,
    lambda t, g: g.mul_(2),
]


def tensor_hooks_return(t, x, w):
    def swept(change, leaf, sweep):
        x.grad = None
        y = x * 2
        handle = (x if leaf else y).register_hook(lambda g: change(t, g))
        with handle:
            found = refusal(lambda: sweep((y * 3).sum()))
        return found, x.grad, None if x.grad is None else (str(x.grad.dtype), x.grad.stride())

    return [swept(change, leaf, sweep) for change in RETURNED for leaf in (True, False) for sweep in (
        lambda y: y.backward(), lambda y: t.autograd.grad(y, x),
        lambda y: t.autograd.grad(y * y, x, create_graph=True))]


def node_hooks_return(t, x, w):
    def swept(change, pre):
        x.grad = None
        y = x.exp()
        if pre:
            y.grad_fn.register_prehook(lambda o: change(o))
        else:
            y.grad_fn.register_hook(lambda i, o: change(i))
        return refusal(lambda: (y * 3).sum().backward()), x.grad

    return [swept(change, pre) for pre in (True, False) for change in (
        *(lambda g, f=f: (f(t, g[0]),) for f in RETURNED), lambda g: g[0] * 2, lambda g: [g[0]], lambda g: (),
        lambda g: (g[0], g[0]), lambda g: (None,))]


def accumulator_hooks_return(t, x, w):
    node, found = (x * 2).grad_fn.next_functions[0][0], []
    for change in RETURNED:
        x.grad = None
        with node.register_prehook(lambda o, f=change: (f(t, o[0]),)):
            found.append((refusal((x * 3).sum().backward), x.grad))
    return found


def a_gradient_that_a_hook_keeps(t, x, w):
    seen, ones = [], t.ones(2)
    x.register_hook(lambda g: seen.append(g))
    w.register_hook(lambda g: ones)
    for _ in range(2):
        ((x * 3).sum() + w.sum()).backward()
    return seen, x.grad, w.grad, ones


# ---------------------------------------------------------------- in which order, and of which nodes


def leaves_as_soon_as_complete(t, x, w):
    def swept(sweep):
        seen, a = [], x * x
        b = a * w.sum()
        c = b + x
        for name, y in (("x", x), ("w", w), ("a", a), ("b", b), ("c", c)):
            y.register_hook(lambda g, name=name: seen.append(name))
        sweep(c.sum())
        return seen

    return [swept(sweep) for sweep in (
        lambda y: y.backward(), lambda y: y.backward(inputs=[x, w]), lambda y: y.backward(create_graph=True),
        lambda y: t.autograd.grad(y, [x, w]))]


def steps_while_it_runs(t, x, w):
    def step(p):
        with t.no_grad():
            p.sub_(p.grad * 0.1)
        p.grad = None

    layers, seen = [t.full((2, 2), 0.5, requires_grad=True) for _ in range(3)], []
    for i, p in enumerate(layers):
        p.register_post_accumulate_grad_hook(step)
        p.register_post_accumulate_grad_hook(lambda p, i=i: seen.append(i))
    for _ in range(3):
        h = w.detach()
        for p in layers:
            h = t.tanh(p @ h)
            h.register_hook(lambda g: seen.append("h"))
        h.sum().backward()
    return layers, seen


def _watched(t, x, seen):
    y = x * 2
    for name, node in (("y", y.grad_fn), ("x", y.grad_fn.next_functions[0][0])):
        node.register_hook(lambda i, o, name=name: seen.append((name, "post", i, o)))
        node.register_prehook(lambda o, name=name: seen.append((name, "pre", o)))
    y.register_hook(lambda g: seen.append(("y", g)))
    return y


def node_hooks_of_inputs(t, x, w):
    found = []
    for sweep in (lambda z, y: z.backward(inputs=[x]), lambda z, y: z.backward(inputs=[y]),
                  lambda z, y: z.backward(inputs=[y, x]), lambda z, y: z.backward(inputs=[x], create_graph=True),
                  lambda z, y: t.autograd.grad(z, y), lambda z, y: t.autograd.grad(z, (y, x))):
        x.grad, seen = None, []
        y = _watched(t, x, seen)
        sweep((y * 3).sum(), y)
        found.append((seen, x.grad, y.grad, y.retains_grad))
    return found


def inputs_that_are_results(t, x, w):
    y = x * x
    z = y.sum()
    z.backward(inputs=[y])
    root = (x * 2).sum()
    root.backward(inputs=[root])
    return y.grad, y.retains_grad, refusal(lambda: y.sum().backward())[:1], root.grad, x.grad, refusal(
        lambda: x.sum().backward(inputs=[t.ones(1)]))


def what_accumulating_hooks_return(t, x, w):
    handle = x.register_post_accumulate_grad_hook(lambda p: p.grad.mul_(3))
    found = [refusal((x * x).sum().backward), x.grad.clone()]
    handle.remove()
    return found, refusal((x * x).sum().backward), x.grad


def next_functions_of_numbers(t, x, w):
    return [y.grad_fn.next_functions for y in (2 * x, x * 2, 2 + x, x + 2, 2 - x, x - 2, x / 2, 2 ** x, x ** 2, -x,
                                               x.detach() * x, x * x.detach(), 3 * x.view(2, 2), t.where(x > 1, x, 1.0),
                                               t.where(x > 1, 1.0, x), t.where(x > 1, x, x.detach()))]


def what_nodes_remember(t, x, w):
    y = (x * 2) + 1
    y.grad_fn.metadata["a"] = 1
    y.grad_fn.next_functions[0][0].metadata["b"] = 2
    (y * 1).sum().grad_fn.metadata["c"] = 3
    return [dict(n.metadata) for n in (y.grad_fn, y.grad_fn.next_functions[0][0], (y * 1).grad_fn)]


def hooks_on_several(t, x, w):
    seen, first = [], []
    register = t.autograd.graph.register_multi_grad_hook
    handle = register((x, w), lambda gs: seen.append(gs))
    register((x, w), lambda g: first.append(g.shape[0]), mode="any")
    (x.sum() * w.sum()).backward()
    x.sum().backward()
    handle.remove()
    x.sum().backward()
    return seen, first, refusal(lambda: register((x,), print, mode="some"))


def hooks_on_outputs_of_which_one_is_used(t, x, w):
    seen = []
    for used in (0, 1, 2, 3):
        several = [*t.var_mean(x), *x.reshape(-1)[:2].unbind(), w * 2]
        t.autograd.graph.register_multi_grad_hook(several, seen.append)
        several[used].sum().backward(retain_graph=True)
        t.autograd.grad(several[used].sum(), x, create_graph=True)
        (several[0] * several[3]).backward()
    return seen


def counted_writes_and_numbers(t, x, w):
    t.autograd.graph.increment_version(x)
    t.autograd.graph.increment_version([x, w])
    m = x.view(2, 2)
    return (x._version, w._version, [y.output_nr for y in (*m.unbind(1), *x.split(1), *x.chunk(2), m)])


# ---------------------------------------------------------------- create_graph and `.grad`


def recorded_gradients(t, x, w):
    """They are accumulated out of place, and never share memory with anything, nor with themselves."""
    found = []
    for loss in (lambda: x.sum(), lambda: x.mean(), lambda: (x * x).sum(), lambda: x.expand(3, 4).sum(),
                 lambda: x[1:].sum(), lambda: x.view(2, 2).t().sum(0).sum()):
        for first, second in ((True, True), (True, False), (False, True), (False, False)):
            x.grad = None
            loss().backward(create_graph=first)
            had = x.grad
            stride, kept = had.stride(), had.detach().clone()
            loss().backward(create_graph=second)
            found += [stride, kept, had, had is x.grad, x.grad, x.grad.stride(), x.grad.requires_grad]
            x.grad.detach().zero_()
    return found


def given_gradients(t, x, w):
    found = []
    for recorded in (True, False):
        for make in (lambda g: x, lambda g: x * 1, lambda g: x + w.sum()):
            x.grad, g = None, t.ones(4, requires_grad=True)
            make(g).backward(g, create_graph=recorded)
            found += [x.grad is g, x.grad.data_ptr() == g.data_ptr(), x.grad, x.grad.requires_grad]
    return found


def gradients_of_a_sum(t, x, w):
    v = t.ones(4, requires_grad=True)
    (x + v).sum().backward(create_graph=True)
    (x * v).sum().backward(create_graph=True)
    return x.grad.data_ptr() == v.grad.data_ptr(), x.grad, v.grad, x.grad.stride(), v.grad.stride()


def gradients_in_other_orders(t, x, w):
    m = t.ones(2, 3, requires_grad=True)
    m.grad = t.zeros(3, 2).t()
    had = m.grad
    (m * 2).sum().backward()
    first = m.grad is had, m.grad.stride(), m.grad
    m.grad = None
    (m.t() * t.ones(3, 2)).sum().backward(create_graph=True)
    x.grad = t.ones(1).expand(4)
    return first, m.grad, m.grad.stride(), refusal((x * 2).sum().backward)[:1], x.grad


def _stops(t):
    """A function whose backward has no gradient, one that is given zeros for that, and one that is given None."""
    class Stop(t.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            return a * 1

        @staticmethod
        def backward(ctx, g):
            return None

    class Zeros(Stop):
        @staticmethod
        def backward(ctx, g):
            return g

    class Nothing(Zeros):
        @staticmethod
        def forward(ctx, a):
            ctx.set_materialize_grads(False)
            return a * 1

    return Stop, Zeros, Nothing


def where_no_gradient_comes(t, x, w):
    Stop, Zeros, Nothing = _stops(t)
    seen: list[Any] = []

    def watched(y):
        y.register_hook(lambda g: seen.append(("hook", g)))
        y.grad_fn.register_hook(lambda given, got: seen.append(("node", given, got)))
        y.grad_fn.register_prehook(lambda got: seen.append(("before", got)))
        return y

    x.register_hook(lambda g: seen.append(("leaf", g)))
    x.register_post_accumulate_grad_hook(lambda p: seen.append(("after", p.grad)))
    for recorded in (False, True):
        for anomalies in (False, True):
            with t.autograd.set_detect_anomaly(anomalies):
                Stop.apply(watched(x * 2)).sum().backward(create_graph=recorded)
        seen.append(x.grad)
        for kind in (Zeros, Nothing):
            x.grad = None
            Stop.apply(kind.apply(watched(x * 3))).sum().backward(create_graph=recorded)
            seen.append(x.grad)
            y = x * 3
            (Stop.apply(kind.apply(watched(y))) + y).sum().backward(create_graph=recorded)
            seen.append(x.grad.detach())
            x.grad = None
        y = watched(x * 2)
        y.retain_grad()
        seen.append(t.autograd.grad(Stop.apply(y).sum(), [x, y], allow_unused=True, create_graph=recorded))
        seen.append(t.autograd.grad(Stop.apply(watched(x * 2)).sum(), [x], allow_unused=True, create_graph=recorded))
        Stop.apply(y.sin()).sum().backward(inputs=[x, y], create_graph=recorded)
        seen.append((x.grad, y.grad))
        z = watched(Zeros.apply(x * 2)).sin()
        z.grad_fn.register_prehook(lambda got: (None,))
        z.sum().backward(create_graph=recorded)
        seen.append(x.grad)
        x.grad = None
    y = x * 2
    y.register_hook(lambda g: t.ones(4))
    return seen, refusal(Stop.apply(y).sum().backward)


def outputs_that_nothing_came_of(t, x, w):
    class Two(t.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            return a.sin(), a.cos(), a > 0

        @staticmethod
        def backward(ctx, g, h, nothing):
            return g + 2 * h

    seen: list[Any] = []
    for recorded in (False, True):
        for anomalies in (False, True):
            with t.autograd.set_detect_anomaly(anomalies):
                y, z, _ = Two.apply(x)
                y.register_hook(lambda g: seen.append(("y", g)))
                z.register_hook(lambda g: seen.append(("z", g)))
                z.retain_grad()
                y.sum().backward(create_graph=recorded)
                seen.append((x.grad.detach(), z.grad))
                y, z, _ = Two.apply(x)
                handle = z.register_hook(lambda g: seen.append(("z", g)))
                y.sum().backward(create_graph=recorded, retain_graph=True)
                handle.remove()
                (y + z).sum().backward(create_graph=recorded)
                x.grad = None
    y, z, _ = Two.apply(x)
    z.register_hook(lambda g: t.ones(4))
    return seen, refusal(y.sum().backward)


def leaves_that_gave_up_their_gradient(t, x, w):
    """Hooks of a leaf run, and nothing is accumulated."""
    found = []
    for recorded in (False, True):
        for kind in range(4):
            seen: list[Any] = []
            v = t.ones(2, requires_grad=True)
            y = v * v
            if kind == 1:
                v.register_hook(seen.append)
            elif kind == 2:
                v.register_post_accumulate_grad_hook(lambda p, seen=seen: seen.append("after"))
            elif kind == 3:
                y.grad_fn.next_functions[0][0].register_prehook(lambda g, seen=seen: seen.append("before"))
            v.requires_grad = False
            y.sum().backward(create_graph=recorded)
            found.append((seen, v.grad))
    return found


def gradients_of_what_a_function_overwrites(t, x, w):
    class Doubled(t.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.mark_dirty(a)
            return a.mul_(2)

        @staticmethod
        def backward(ctx, g):
            return g * 2

    y = x * 1
    y.retain_grad()
    (y * y).sum().backward()
    found = [y.grad.clone()]
    z = Doubled.apply(y)
    found += [z is y, y.retains_grad, y.grad]
    z.sum().backward()
    return found, y.grad, x.grad


def roots_from_which_nothing_goes_on(t, x, w):
    seen = []
    for recorded in (False, True):
        y = x * 2
        s = y.sum()
        for v in (y, s):
            v.retain_grad()
            v.register_hook(lambda g: seen.append(g) or g * 3)
            v.grad_fn.register_hook(lambda *g: seen.append("node"))
        seen.append(t.autograd.grad(s, w, allow_unused=True, retain_graph=True, create_graph=recorded))
        seen.append((y.grad, s.grad))
        s.backward(inputs=[w], create_graph=recorded)
        seen.append((w.grad, y.grad, s.grad.detach()))
    return seen


WRITES = [
    lambda b, v, w, c: v.mul_(2), lambda b, v, w, c: v.copy_(c), lambda b, v, w, c: v.zero_(),
    lambda b, v, w, c: v[0].mul_(2), lambda b, v, w, c: v[:].add_(c), lambda b, v, w, c: v.view(-1)[1:].copy_(c[1:]),
    lambda b, v, w, c: v.__setitem__(0, 3.0), lambda b, v, w, c: v.__setitem__([0], c[:1]),
    lambda b, v, w, c: b.mul_(2), lambda b, v, w, c: b[0].mul_(3), lambda b, v, w, c: v.relu_(),
    lambda b, v, w, c: v.unsqueeze_(0), lambda b, v, w, c: w.masked_fill_(c > 6, 1.0), lambda b, v, w, c: w.mul_(2),
]


def _written(t, x, write, viewed):
    seen: list[Any] = []

    def watch(name, y):
        y.register_hook(lambda g: seen.append((name, g)) or g * 2)
        y.grad_fn.register_hook(lambda g, h: seen.append((name, "node", h)))

    b = x * 2
    v, w = viewed(b), b[:3]
    before = (v * 5).sum()
    for name, y in (("b", b), ("v", v), ("w", w)):
        watch(name, y)
    found = [refusal(lambda: write(b, v, w, t.tensor([5.0, 7.0, 1.0, 2.0])[:v.numel()]) is None)]
    found += [refusal((y * 3).sum().backward) for y in (v, b, w)]
    before.backward()
    found.append((seen, x.grad))
    x.grad = None
    return found


def hooks_of_views_that_are_written(t, x, w):
    """What is written through a view leads to its base, past the hooks that the view had."""
    views = (lambda b: b.view(4), lambda b: b[1:3], lambda b: b[1:][:2], lambda b: b)
    # The second time native code knows the plans.
    return [_written(t, x, write, viewed) for write in WRITES for viewed in views for _ in range(2)]


# ---------------------------------------------------------------- anomalies


@pytest.mark.parametrize("case", ["nan", "not recorded so", "raises", "written", "in a hook", "induced"])
def test_warnings_of_anomalies(case: str) -> None:
    """The warning names the node and shows the line that recorded it, in PyTorch's words."""

    def said(t):
        class Fails(t.autograd.Function):
            @staticmethod
            def forward(ctx, a):
                return a * 2

            @staticmethod
            def backward(ctx, g):
                raise ValueError("mine")

        class Induces(t.autograd.Function):
            @staticmethod
            def forward(ctx, a):
                return a * 2

            @staticmethod
            def backward(ctx, g):
                return Fails.apply(g * 1)

        x = t.zeros(2, requires_grad=True)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with t.autograd.set_detect_anomaly(case != "not recorded so"):
                y = Fails.apply(x) if case == "raises" else Induces.apply(x) if case == "induced" else x.sqrt()
                z = y * y
                if case == "written":
                    y.add_(1)
                if case == "in a hook":
                    y.register_hook(lambda g: 1 / 0)
            with t.autograd.set_detect_anomaly(True):
                if case == "induced":
                    g, = t.autograd.grad(y, x, t.ones(2, requires_grad=True), create_graph=True)
                    error = refusal(lambda: g.sum().backward())
                else:
                    error = refusal(lambda: (z * 0).sum().backward())
        lines = [str(w.message).split("\n") for w in caught if "autograd/graph" in w.filename or t is tapegrad]
        return error, [[text for text in message if text.startswith(("Error", "Previous")) or "y = Fails" in text
                        or "z = y" in text or "Fails.apply(g" in text] for message in lines]

    def plainly(found):
        return re.sub(r" \(Triggered internally[^)]*\)", "", repr(found))

    assert plainly(said(tapegrad)) == plainly(said(torch))


def nodes_that_read_and_write_at_indices(t, x, w):
    places, two = t.tensor([0, 1]), t.ones(2)
    found = []
    for made in (lambda v: v.index_add(0, places, two), lambda v: v.index_copy(0, places, two), lambda v: v[[0, 1]],
                 lambda v: v.scatter(0, places, two), lambda v: v.scatter_add(0, places, v[:2]), lambda v: v.max(0)[0],
                 lambda v: v.index_put((places,), two), lambda v: v.gather(0, places), lambda v: v.sort()[0],
                 lambda v: t.where(v > 1, v, 2 * v), lambda v: v.masked_fill(v > 1, 2.0), lambda v: v.take(places)):
        y = made(x * 2)
        y.grad_fn.register_prehook(lambda g: found.append(len(g)))
        y.grad_fn.register_hook(lambda g, h: found.append([None if v is None else v.tolist() for v in (*g, *h)]))
        (y * y).sum().backward(retain_graph=True)
        found.append(len(y.grad_fn.next_functions))
        (first,) = t.autograd.grad((y * y).sum(), x, create_graph=True)
        found.extend([first.tolist(), t.autograd.grad(first.sum(), x)[0].tolist()])
    return found, x.grad


def inputs_that_are_no_leaves(t, x, w):
    v = x * 2
    y = (v * v).sum()
    y.backward(inputs=[v, x], retain_graph=True)
    found = [v.retains_grad, v.grad.clone(), x.grad.clone()]
    y.backward(retain_graph=True)
    found += [v.grad.clone(), x.grad.clone()]
    y.backward(inputs=[v, v, x, x])
    return [*found, v.grad, x.grad]


def hooks_that_a_hook_adds(t, x, w):
    """A hook that is added while a sweep runs is part of it, where the gradient of its leaf has not arrived yet."""
    found = []
    for ask in (lambda r, v, u: r.backward(), lambda r, v, u: r.backward(inputs=[v]),
                lambda r, v, u: r.backward(create_graph=True),
                lambda r, v, u: t.autograd.grad(r, [v, u], retain_graph=True),
                lambda r, v, u: [g.detach() for g in t.autograd.grad(r, [v, u], create_graph=True)]):
        v, u = ((1.0 * each.detach()).requires_grad_() for each in (x, w))
        y = v * 2
        y.register_hook(lambda g, v=v: (v.register_hook(lambda h: h * 7), None)[1])
        found.append(ask((y * v).sum() * u.sum(), v, u))
        found += [each.grad if each.grad is None else each.grad.detach() for each in (v, u)]
    return found


def hooks_that_write_to_what_is_asked_for(t, x, w):
    y = x * 2
    z = y * y
    y.register_hook(lambda g: (g.mul_(3), None)[1])
    z.register_hook(lambda g: (g.mul_(5), None)[1])
    return [t.autograd.grad((z * z).sum(), asked, retain_graph=True) for asked in ([x, y, z], [y], [z], [z, x])]


def what_hooks_after_accumulating_return(t, x, w):
    found = []
    for value in (5, "a", x.detach(), (None,), None):
        with x.register_post_accumulate_grad_hook(lambda p, value=value: value):
            found.append(refusal((x * 3).sum().backward))
    return found


def hooks_of_writes_through_views(t, x, w):
    """What the base was comes first, as among the next functions."""
    found = []
    y = t.zeros(3)
    y[1] = (x * x).sum()
    y.grad_fn.register_hook(lambda g, h: found.append([None if v is None else v.tolist() for v in (*g, *h)]))
    y.sum().backward()
    return found, y.grad_fn.next_functions, x.grad


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", programs(globals()), ids=lambda f: f.__name__)
def test_same_as_pytorch(program: Callable[..., Any]) -> None:
    assert outcome(program, tapegrad) == outcome(program, torch)


TAKEN_APART = {
    "split": lambda t, x: x.split(1, -1), "lengths": lambda t, x: x.split([1, 2], 1),
    "chunk": lambda t, x: x.chunk(2, 1), "unbind": lambda t, x: x.unbind(), "rows": lambda t, x: list(x),
    "empty": lambda t, x: x.split([0, 3, 0], 1), "tensor_split": lambda t, x: x.tensor_split(2),
    "nested": lambda t, x: x.unbind()[1].split(2), "unsafe": lambda t, x: t.unsafe_split(x, 2, 1),
    "unsafe chunk": lambda t, x: x.unsafe_chunk(3, 1),
    "var": lambda t, x: t.var_mean(x), "std": lambda t, x: t.std_mean(x, 1, keepdim=True),
    "extremes": lambda t, x: t.aminmax(x, dim=1), "largest": lambda t, x: x.topk(2)[:1],
    "svd": lambda t, x: t.linalg.svd(x, full_matrices=False), "singular": lambda t, x: [t.linalg.svdvals(x)],
    "qr": lambda t, x: t.linalg.qr(x.mT), "former": lambda t, x: t.qr(x.mT),
    "eigh": lambda t, x: t.linalg.eigh(x @ x.mT),
    "upper": lambda t, x: t.linalg.eigh(x @ x.mT, UPLO="U"), "eigvalsh": lambda t, x: [t.linalg.eigvalsh(x @ x.mT)],
    "lu": lambda t, x: t.linalg.lu(x)[1:], "slogdet": lambda t, x: t.slogdet(x[:, 1:])[1:],
    "given by name": lambda t, x: t.linalg.slogdet(A=x[:, 1:])[1:],
    "method": lambda t, x: x[:, :2].slogdet()[1:],
    "two": lambda t, x: [*t.var_mean(x, 0), *t.linalg.qr(x)][::2],
}
# Of these a second derivative goes through what they are composed of, where hooks are not told of it.
FACTORED = {"svd", "singular", "qr", "former", "eigh", "upper", "eigvalsh", "lu", "slogdet", "given by name", "method",
            "two"}
USED = {"all": slice(None), "first": slice(1), "last": slice(-1, None)}


def rounded(value, signs=True):
    """Values to the digits in which two libraries of linear algebra agree; the signs of singular vectors are theirs."""
    if isinstance(value, (list, tuple)):
        return [rounded(v, signs) for v in value]
    return round(value if signs else abs(value), 6) + 0.0 if isinstance(value, float) else value


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("used", USED)
@pytest.mark.parametrize("name", TAKEN_APART)
def test_pieces_are_outputs_of_one_node(name, used, create_graph):
    """Hooks of the node are told of all pieces at once, and those of a piece that nothing comes of of None."""
    def run(t, kinds):
        x = t.tensor([[1.0, 2.0, -1.5], [0.5, -1.0, 3.0]], dtype=t.float64, requires_grad=True)
        pieces, seen = TAKEN_APART[name](t, x), []
        nodes = [p.grad_fn for p in pieces]
        seen.append([len(n._input_metadata) == len(pieces) or len(pieces) == 1 for n in nodes])
        seen.append([(None if n is None else n.name(), i) for node in nodes for n, i in node.next_functions])
        nodes[0].metadata["made"] = True
        seen.append([(n is nodes[0], p.output_nr, n.name(), dict(n.metadata)) for n, p in zip(nodes, pieces)])
        if "pre" in kinds:
            nodes[-1].register_prehook(lambda go: seen.append(("pre", go)) or tuple(
                None if g is None else g * (i + 2) for i, g in enumerate(go)))
        if "post" in kinds:
            nodes[-1].register_hook(lambda gi, go: seen.append(("post", gi, go)) or tuple(g - 1 for g in gi))
        if "tensor" in kinds:
            pieces[-1].register_hook(lambda g: seen.append(("tensor", g)))
        y = sum((p * p * (i + 2)).sum() for i, p in enumerate(pieces[USED[used]])) + x.sum()
        (g,) = t.autograd.grad(y, x, create_graph=create_graph)
        edge = t.autograd.graph.get_gradient_edge(pieces[-1])
        if create_graph:
            return [*seen], g, None if kinds and name in FACTORED else t.autograd.grad(g.sum(), x)
        again = [] if "tensor" in kinds else [
            t.autograd.grad((p * p).sum(), place, retain_graph=True)
            for p in pieces for place in (p, t.autograd.graph.get_gradient_edge(p))]
        return seen, g, edge.output_nr, edge.node is nodes[0], again

    for kinds in (("pre",), ("post",), ("tensor",), ("pre", "post", "tensor"), ()):
        ours, theirs = (rounded(plain(run(t, kinds)), name != "svd") for t in (tapegrad, torch))
        assert ours == theirs, kinds


@pytest.mark.parametrize("t", [torch, tapegrad])
def test_inputs_that_require_no_grad_are_told_of(t):
    layer, seen = t.nn.Linear(2, 1), []
    layer.register_full_backward_hook(lambda module, at_inputs, at_outputs: seen.append(at_inputs))
    with pytest.warns(UserWarning, match="since no inputs require gradients"):
        layer(t.ones(1, 2)).sum().backward()
    assert seen == [(None,)]
