"""Short programs that build and use something and then forget it: `program(t, wrap)` -> (objects, what outlives them).

`t` is the library, `wrap` compiles a function or leaves it as it is. Nothing of the objects is to be alive once their
names and a collection are gone.
"""
from __future__ import annotations

import contextlib
import copy
import gc
import importlib
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

PROGRAMS: dict[str, Callable[[Any, Any], Any]] = {}
CALLS = 6  # captured, built, and replayed


class Array(np.ndarray):
    """Of which there are weak references."""


class Big:
    """Something that a context holds."""


def alive(make: Callable[[Any, Any], Any], t: Any, wrap: Any, collect: bool = True) -> list[str]:
    """The classes of what is left of a program's objects, after a collection or before."""
    gc.collect()
    gc.disable()  # so that collections in the middle prove nothing
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            objects, kept = make(t, wrap)
        refs = [(type(o).__name__, weakref.ref(o)) for o in objects]
        del objects
        if collect:
            gc.collect()
        found = [name for name, r in refs if r() is not None]
    finally:
        gc.enable()
    del kept
    return found


def program(make):
    PROGRAMS[make.__name__] = make
    return make


def net(t):
    return t.nn.Sequential(t.nn.Linear(8, 16), t.nn.ReLU(), t.nn.Linear(16, 4))


def lines(t):
    return t.ones(4, 8)


def last(function, *args):
    for _ in range(CALLS):
        result = function(*args)
    return result


def of_model(t, wrap, loss_of, use=lambda loss: loss.backward(), make=net, x=lines):
    """A model, its loss as a function, and its loss as it is used call by call."""
    m = make(t)
    f = wrap(lambda x: loss_of(m, x))
    for _ in range(CALLS):
        y = f(x(t))
        use(y)
    return [m, y, *m.parameters()], ()


def total(m, x):
    return m(x).sum()


@program
def not_differentiated(t, wrap):
    return of_model(t, wrap, total, lambda y: None)


@program
def differentiated(t, wrap):
    return of_model(t, wrap, total)


@program
def retained(t, wrap):
    return of_model(t, wrap, total, lambda y: y.backward(retain_graph=True))


@program
def a_value_outlives_it(t, wrap):
    objects, _ = of_model(t, wrap, total)
    return objects, objects[1].detach()


@program
def a_graph_of_gradients(t, wrap):
    return of_model(t, wrap, lambda m, x: m(x).square().sum(),
                    lambda y: y.backward(create_graph=True))


@program
def in_place(t, wrap):
    def loss_of(m, x):
        z = m(x)
        z.mul_(2)
        z[0] = 1
        return z.sum()

    return of_model(t, wrap, loss_of)


@program
def views(t, wrap):
    return of_model(t, wrap, lambda m, x: m(x)[0], lambda y: y[1:].sum().backward())


@program
def looked_at(t, wrap):
    return of_model(t, wrap, total, lambda y: y.grad_fn.next_functions)


@program
def hooks_on_results(t, wrap):
    return of_model(t, wrap, total, lambda y: y.register_hook(lambda g: g))


@program
def the_module_itself(t, wrap):
    m = net(t)
    f = wrap(m)
    for _ in range(CALLS):
        y = f(lines(t)).sum()
        y.backward()
    return [m, y, *m.parameters()], ()


@program
def in_place_of_forward(t, wrap):
    m = net(t)
    m.forward = wrap(m.forward)
    y = last(lambda: m(lines(t)).sum())
    y.backward()
    return [m, y, *m.parameters()], ()


@program
def a_method(t, wrap):
    class Model(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = t.nn.Linear(8, 4)
            self.step = wrap(self.loss)

        def loss(self, x):
            return self.inner(x).sum()

    m = Model()
    y = last(m.step, lines(t))
    return [m, y, *m.parameters()], ()


@program
def its_last_loss(t, wrap):
    m = net(t)
    f = wrap(lambda x: m(x).sum())
    for _ in range(CALLS):
        m.loss = f(lines(t))
    return [m, m.loss, *m.parameters()], ()


@program
def a_step(t, wrap):
    m = net(t)
    o = t.optim.Adam(m.parameters())

    def step(x):
        o.zero_grad()
        loss = m(x).sum()
        loss.backward()
        o.step()
        return loss

    loss = last(wrap(step), lines(t))
    return [m, o, loss, *m.parameters()], ()


@program
def a_step_that_outlives_what_it_is_passed(t, wrap):
    m = net(t)
    o = t.optim.SGD(m.parameters(), lr=0.1, momentum=0.9)

    def step(m, o, loss_of, x):
        o.zero_grad()
        loss = loss_of(m(x), lines(t)[:, :4])
        loss.backward()
        o.step()
        return loss

    f = wrap(step)
    loss = last(f, m, o, t.nn.MSELoss(), lines(t))
    return [m, o, loss, *m.parameters(), *(s["momentum_buffer"] for s in o.state.values())], f


@program
def a_schedule(t, wrap):
    m = net(t)
    o = t.optim.SGD(m.parameters(), lr=0.1)
    s = t.optim.lr_scheduler.StepLR(o, 2)

    def step(x):
        o.zero_grad()
        loss = m(x).sum()
        loss.backward()
        o.step()
        return loss.item()

    f = wrap(step)
    last(lambda: (f(lines(t)), s.step()))
    return [m, o, s, *m.parameters()], ()


@program
def an_epoch(t, wrap):
    data = importlib.import_module(f"{t.__name__}.utils.data")
    a, b = t.ones(16, 8), t.ones(16, 4)
    d = data.TensorDataset(a, b)
    loader = data.DataLoader(d, batch_size=4, shuffle=True)
    m = net(t)
    o = t.optim.SGD(m.parameters(), lr=0.1)

    def step(x, y):
        o.zero_grad()
        loss = (m(x) - y).square().mean()
        loss.backward()
        o.step()
        return loss

    f = wrap(step)
    for _ in range(2):
        for x, y in loader:
            loss = f(x, y)
    it = iter(loader)  # that nobody ends
    next(it)
    return [m, o, d, loader, it, a, b, x, loss, *m.parameters()], ()


@program
def hooks_that_hold_the_model(t, wrap):
    m = net(t)
    for p in m.parameters():
        p.register_hook(lambda g, m=m: g)
    m.register_full_backward_hook(lambda module, got, gave, m=m: None)
    m[0].register_forward_hook(lambda module, got, gave, m=m: None)
    y = last(wrap(lambda x: m(x).sum()), lines(t))
    y.backward()
    return [m, y, *m.parameters()], ()


def function(t, save):
    class Doubled(t.autograd.Function):
        @staticmethod
        def forward(ctx, x, big):
            y = x * 2
            ctx.big = big
            save(ctx, x, y)
            return y

        @staticmethod
        def backward(ctx, g):
            return g * 2, None

    return Doubled


@program
def a_context(t, wrap):
    f, big = function(t, lambda ctx, x, y: ctx.save_for_backward(x)), Big()
    objects, _ = of_model(t, wrap, lambda m, x: f.apply(m(x), big).sum())
    return [*objects, f, big], ()


@program
def a_context_of_no_backward(t, wrap):
    f, big = function(t, lambda ctx, x, y: ctx.save_for_backward(x, y)), Big()
    objects, _ = of_model(t, wrap, lambda m, x: f.apply(m(x), big).sum(), lambda y: None)
    return [*objects, f, big], ()


@program
def a_context_that_holds_its_result(t, wrap):
    f = function(t, lambda ctx, x, y: setattr(ctx, "y", y))
    objects, _ = of_model(t, wrap, lambda m, x: f.apply(m(x), None), lambda y: None)
    return [*objects, f], ()


@program
def what_hooks_pack(t, wrap):
    big = Big()
    with t.autograd.graph.saved_tensors_hooks(lambda x: (big, x.detach()), lambda x: x[1]):
        objects, _ = of_model(t, wrap, total, lambda y: None)
    return [*objects, big], ()


@program
def checkpointed(t, wrap):
    checkpoint = importlib.import_module(f"{t.__name__}.utils.checkpoint").checkpoint
    return of_model(t, wrap, lambda m, x: checkpoint(m, x, use_reentrant=False).sum())


@program
def a_checkpoint_of_no_backward(t, wrap):
    checkpoint = importlib.import_module(f"{t.__name__}.utils.checkpoint").checkpoint
    return of_model(t, wrap, lambda m, x: checkpoint(m, x, use_reentrant=False).sum(), lambda y: None)


@program
def second_order(t, wrap):
    m = net(t)

    def penalty(x):
        x = x.clone().requires_grad_()
        g, = t.autograd.grad(m(x).square().sum(), x, create_graph=True)
        return g.square().sum()

    y = last(wrap(penalty), lines(t))
    y.backward()
    return [m, y, *m.parameters()], ()


@program
def second_order_outside(t, wrap):
    m = net(t)
    f = wrap(lambda x: m(x).square().sum())

    def penalty():
        x = lines(t).requires_grad_()
        g, = t.autograd.grad(f(x), x, create_graph=True)
        g.square().sum().backward()
        return x, g

    return [m, *last(penalty), *m.parameters()], ()


@program
def transforms(t, wrap):
    m = net(t)
    given = {k: v.detach().clone() for k, v in m.named_parameters()}
    f = wrap(t.func.grad(lambda p, x: t.func.functional_call(m, p, (x,)).sum()))
    found = last(f, given, lines(t))
    lanes = last(wrap(t.func.vmap(lambda x: m(x).sum())), lines(t))
    slope = last(wrap(lambda x: t.func.jvp(m, (x,), (x,))[1]), lines(t))
    return [m, lanes, slope, *given.values(), *found.values(), *m.parameters()], ()


@program
def a_state_that_goes_on(t, wrap):
    m = t.nn.GRUCell(8, 8)
    f = wrap(lambda x, h: m(x, h))
    h = t.zeros(4, 8)
    for _ in range(CALLS):
        h = f(lines(t), h)
    return [m, h, *m.parameters()], ()


@program
def a_recurrent_layer(t, wrap):
    return of_model(t, wrap, lambda m, x: m(x)[0].sum(), make=lambda t: t.nn.LSTM(8, 8))


@program
def copies(t, wrap):
    m = net(t)
    other = copy.deepcopy(m)
    y = last(wrap(lambda x: m(x).sum() + other(x).sum()), lines(t))
    y.backward()
    return [m, other, y, *m.parameters(), *other.parameters()], ()


@program
def an_error(t, wrap):
    m = net(t)

    def fails(x):
        if m(x).sum().dim() == 0:
            raise ValueError

    f = wrap(fails)
    for _ in range(CALLS):
        with contextlib.suppress(ValueError):
            f(lines(t))
    return [m, *m.parameters()], ()


@program
def arrays(t, wrap):
    a, b = (np.ones((4, 8), "f4").view(Array) for _ in range(2))
    x, y = t.from_numpy(a), t.from_numpy(b).requires_grad_()
    m = net(t)
    loss = last(wrap(lambda x: (m(x) * y.sum()).sum()), x)
    return [m, x, y, a, b, loss, *m.parameters()], ()
