"""Hooks on saved tensors, the same programs run by both: what is packed, how often, and what comes back."""
from __future__ import annotations

import functools
import gc
import threading
import weakref

import pytest
from both import refusal

torch = pytest.importorskip("torch")

import tapegrad  # noqa: E402


def shown(x):
    return str((x.detach() * 1000).round().tolist())


def watched(t, function, *values):
    """What was packed, the node's name, and the gradients through tensors that went through lists and back."""
    leaves = [t.tensor(v, requires_grad=True) for v in values]
    packed, unpacked = [], []

    def pack(x):
        packed.append(shown(x))
        return x.detach().clone()

    def unpack(kept):
        unpacked.append(shown(kept))
        return kept

    with t.autograd.graph.saved_tensors_hooks(pack, unpack):
        y = function(t, *leaves)
    y.sum().backward()
    return sorted(packed), sorted(unpacked), y.grad_fn.name(), [x.grad for x in leaves]


X, Y = [1.0, 2.0], [3.0, 0.5]
FUNCTIONS = {
    "mul": (lambda t, x, y: x * y, X, Y), "mul by a number": (lambda t, x: x * 3.0, X),
    "div": (lambda t, x, y: x / y, X, Y),
    "exp": (lambda t, x: x.exp(), X), "tanh": (lambda t, x: x.tanh(), X), "add": (lambda t, x, y: x + y, X, Y),
    "square": (lambda t, x: x ** 2, X), "sum": (lambda t, x: x.sum(), X), "sqrt": (lambda t, x: x.sqrt(), X),
    "matrix": (lambda t, x, y: x @ y, [[1.0, 2.0], [3.0, 4.0]], [[0.5, 1.0], [1.5, 2.0]]),
    "chain": (lambda t, x, y: (x * y).sin() * x, X, Y), "softmax": (lambda t, x: x.softmax(0) + 0, X),
    "one needs none": (lambda t, x: x * t.tensor([5.0, 6.0]), X), "views": (lambda t, x: x.reshape(2, 1).t()[0] + 1, X),
    "relu": (lambda t, x: (x - 1.5).relu(), X), "amax": (lambda t, x: x.amax(0), X),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_packed(name):
    function, *values = FUNCTIONS[name]
    theirs, ours = (refusal(functools.partial(watched, t, function, *values)) for t in (torch, tapegrad))
    # How much is kept is each library's own affair, above what the derivative needs.
    assert ours[2:] == theirs[2:]
    assert set(ours[0]) <= set(theirs[0]) or name in ("softmax", "sqrt", "relu")
    assert ours[1] == ours[0]


def in_place(t):
    x = t.tensor(X, requires_grad=True)
    with t.autograd.graph.saved_tensors_hooks(lambda v: v.clone(), lambda v: v):
        y = x * 2
        y.mul_(y)
        y.sin_()
    y.sum().backward()
    return y, x.grad


def second_order(t):
    x = t.tensor(X, requires_grad=True)
    with t.autograd.graph.saved_tensors_hooks(lambda v: v, lambda v: v):
        y = x * x * x
        z = x.exp()
    (g,) = t.autograd.grad((y + z).sum(), x, create_graph=True)
    g.sum().backward()
    return g, x.grad


def second_order_of_copies(t):
    """What hooks give back has the history of what they were given, operands and results alike."""
    x = t.tensor(X, requires_grad=True)
    with t.autograd.graph.saved_tensors_hooks(lambda v: v.detach().clone(), lambda v: v):
        y = (x * x).sin() * x.exp() + (x * x).exp().tanh()
    (g,) = t.autograd.grad(y.sum(), x, create_graph=True)
    (h,) = t.autograd.grad((g * g).sum() + y.sum(), x, create_graph=True)
    h.sum().backward()
    return g, h, x.grad


def second_order_of_a_function(t):
    class Twice(t.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            first, second = a * b, a + b
            ctx.save_for_backward(a, b, first)
            return first, second

        @staticmethod
        def backward(ctx, g, h):
            a, b, first = ctx.saved_tensors
            return g * b + h + 0 * first, g * a + h

    x = t.tensor(X, requires_grad=True)
    with t.autograd.graph.saved_tensors_hooks(lambda v: v.detach().clone(), lambda v: v):
        first, second = Twice.apply(x, x.sin())
    (g,) = t.autograd.grad((first * second).sum(), x, create_graph=True)
    g.sum().backward()
    return g, x.grad


def nested(t):
    x = t.tensor(X, requires_grad=True)
    said = []
    hooks = t.autograd.graph.saved_tensors_hooks
    with hooks(lambda v: said.append("outer") or v, lambda v: v):
        a = x * x
        with hooks(lambda v: said.append("inner") or v, lambda v: v):
            b = x * x
        c = x * x
    d = x * x
    (a + b + c + d).sum().backward()
    return sorted(said), x.grad


def custom_function(t):
    class Cube(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x ** 3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * x ** 2 * g

    x = t.tensor(X, requires_grad=True)
    with t.autograd.graph.saved_tensors_hooks(lambda v: v + 1, lambda v: v - 1):
        y = Cube.apply(x)
    y.sum().backward()
    return x.grad


def wrong_inverse(t):
    x = t.tensor(X, requires_grad=True)
    with t.autograd.graph.saved_tensors_hooks(lambda v: v, lambda v: 3):
        y = x * x
    y.sum().backward()


def doubled(t):
    x = t.tensor(X, requires_grad=True)
    with t.autograd.graph.saved_tensors_hooks(lambda v: v * 2, lambda v: v):
        y = x.sin() * x
    y.sum().backward()
    return x.grad


def disabled(t):
    graph = t.autograd.graph
    with graph.disable_saved_tensors_hooks("not now"), graph.saved_tensors_hooks(lambda v: v, lambda v: v):
        pass


def on_cpu(t):
    x = t.tensor(X, requires_grad=True)
    with t.autograd.graph.save_on_cpu():
        y = x * x
    y.sum().backward()
    return x.grad


def raising(t):
    x = t.tensor(X, requires_grad=True)
    try:
        with t.autograd.graph.saved_tensors_hooks(lambda v: 1 / 0, lambda v: v):
            x * x
    except ZeroDivisionError:
        y = x * x
        y.sum().backward()
        return x.grad


def other_threads(t):
    said, found = [], []

    def work():
        x = t.tensor(X, requires_grad=True)
        (x * x).sum().backward()
        found.append(x.grad)

    with t.autograd.graph.saved_tensors_hooks(lambda v: said.append(1) or v, lambda v: v):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    return said, found


PROGRAMS = [in_place, second_order, second_order_of_copies, second_order_of_a_function, nested, custom_function,
            wrong_inverse, doubled, disabled, on_cpu, raising, other_threads]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_programs(program):
    assert refusal(lambda: program(tapegrad)) == refusal(lambda: program(torch))


def test_what_is_packed_away_is_freed():
    x = tapegrad.ones(1000, requires_grad=True)
    with tapegrad.autograd.graph.saved_tensors_hooks(lambda v: v.tolist(), tapegrad.tensor):
        middle = x.sin()
        y = middle.cos()
    gone = weakref.ref(middle)
    del middle
    gc.collect()
    assert gone() is None
    y.sum().backward()
    assert x.grad[0].item() == pytest.approx(-0.4031, abs=1e-3)


def test_afterwards_calls_are_native_again():
    from tapegrad.machine.live import machine
    from tapegrad.machine.startup import address_of

    with tapegrad.autograd.graph.saved_tensors_hooks(lambda v: v, lambda v: v):
        assert int(machine.state["table"][0]) != address_of(machine.table)
    assert int(machine.state["table"][0]) == address_of(machine.table)
    assert tapegrad.dispatch.saver is None
