"""Gradients that a compiled step finds on parameters: call by call as written, whichever tensors these are.

A program is `make(wrap)`: it gives what runs call i, and the parameters. Compared are the result, what the parameters
and their gradients hold, how often these were written to, and whether a gradient is the object it was before the call.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from call_by_call import adds_to, agree

import tapegrad as torch
from tapegrad import nn
from tapegrad.compiler import compile

CALLS = 48
Made = tuple[Callable[[int], Any], list[Any]]
PROGRAMS: dict[str, tuple[Callable[[Any], Made], int]] = {}
X = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
program = adds_to(PROGRAMS)


def weights() -> list[Any]:
    return [torch.tensor([0.1, 0.2, 0.3], requires_grad=True), torch.tensor([0.5], requires_grad=True)]


def loss_of(parameters: Any, x: Any) -> Any:
    return ((x @ parameters[0] + parameters[1]) ** 2).mean()


def accumulating(wrap: Any, every: int = 4, counted: bool = True, to_none: bool = True, clip: bool = False,
                 kind: Any = torch.optim.SGD, schedule: Any = None, **options: Any) -> Made:
    """A step of whose gradients several are added up."""
    parameters = weights()
    optimizer, state = kind(parameters, lr=0.05, **options), {"i": 0}
    rates = schedule and schedule(optimizer)

    @wrap
    def step(x: Any, i: int) -> Any:
        loss = loss_of(parameters, x) / every
        loss.backward()
        if counted:
            state["i"] += 1
            i = state["i"] - 1
        if (i + 1) % every == 0:
            if clip:
                nn.utils.clip_grad_norm_(parameters, 0.5)
            optimizer.step()
            if rates:
                rates.step()
            optimizer.zero_grad(set_to_none=to_none)
        return loss.detach()

    return (lambda i: step(X * (1 + i / 10), 0 if counted else i)), parameters


for name, captures, options in (
        ("by a counter", 10, {}),
        ("by what is passed", 10, {"counted": False}),
        ("zeroed", 10, {"to_none": False}),
        ("zeroed, by what is passed", 9, {"to_none": False, "counted": False}),
        ("clipped", 10, {"clip": True}),
        ("clipped and zeroed", 10, {"clip": True, "to_none": False}),
        ("of two", 9, {"every": 2}),
        ("of eight", 18, {"every": 8}),
        ("with momentum", 11, {"momentum": 0.9}),
        ("with Adam", 10, {"kind": torch.optim.Adam}),
        ("with a schedule", 20, {"schedule": lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9)}),
        ("with a schedule of steps", 22, {"schedule": lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5)}),
):
    PROGRAMS[name] = (lambda wrap, options=options: accumulating(wrap, **options)), captures


@program(9)
def set_outside(wrap):
    """The step adds to what the program put there, or to nothing."""
    parameters = weights()

    @wrap
    def step(x):
        loss_of(parameters, x).backward()

    def call(i):
        if i % 3 == 0:
            parameters[0].grad = None if i % 2 else torch.full((3,), float(i))
            parameters[1].grad = None
        step(X)

    return call, parameters


@program(4)
def made_anew_each_time(wrap):
    parameters = weights()

    @wrap
    def step():
        with torch.no_grad():
            for p in parameters:
                p.sub_(p.grad, alpha=0.1)
                p.grad = None

    def call(i):
        loss_of(parameters, X).backward()
        step()

    return call, parameters


@program(4)
def read_and_returned(wrap):
    parameters = weights()

    @wrap
    def step(x):
        return parameters[0].grad, parameters[0].grad * x.sum(), parameters[1].grad[:1]

    def call(i):
        for p in parameters:
            p.grad = None
        loss_of(parameters, X * i).backward()
        found = step(X)
        return [f.tolist() for f in found] + [found[0] is parameters[0].grad, found[2]._base is parameters[1].grad]

    return call, parameters


@program(10)
def some_have_none(wrap):
    parameters = weights()

    @wrap
    def step(x):
        loss_of(parameters, x).backward()
        return len([p for p in parameters if p.grad is not None])

    def call(i):
        if i % 2:
            parameters[i % 4 // 2].grad = None
        return step(X)

    return call, parameters


@program(5)
def zeroed_by_hand(wrap):
    parameters = weights()

    @wrap
    def step(x):
        for p in parameters:
            if p.grad is not None:
                p.grad.zero_()
        loss_of(parameters, x).backward()

    def call(i):
        if i % 7 == 6:
            parameters[0].grad = torch.ones(3)
        step(X)

    return call, parameters


@program(6)
def handed_from_one_to_the_other(wrap):
    """Two functions share parameters."""
    parameters = weights()

    @wrap
    def backward(x):
        loss_of(parameters, x).backward()

    @wrap
    def update():
        with torch.no_grad():
            for p in parameters:
                p -= 0.1 * p.grad
                p.grad = None

    def call(i):
        backward(X)
        if i % 3 == 2:
            update()

    call.function = update
    return call, parameters


@program(6)
def a_loss_is_returned(wrap):
    """With its history, of which nothing is left."""
    parameters = weights()

    @wrap
    def step(x):
        loss = loss_of(parameters, x)
        loss.backward()
        return loss

    def call(i):
        if i % 4 == 0:
            for p in parameters:
                p.grad = None
        loss = step(X)
        with pytest.raises(RuntimeError, match="second time"):
            loss.backward()
        return loss.detach()

    return call, parameters


@program(CALLS)
def a_value_with_a_history(wrap):
    """Its backward may read gradients: these are then known by name."""
    parameters = weights()

    @wrap
    def step(x):
        return (loss_of(parameters, x) * parameters[0].grad).sum()

    def call(i):
        found = step(X)
        found.backward()
        if i % 5 == 4:
            parameters[0].grad = torch.ones(3)
        return found.detach()

    parameters[0].grad = torch.ones(3)
    return call, parameters


@program(20)
def frozen_half_way(wrap):
    made, parameters = accumulating(wrap, every=3)

    def call(i):
        if i == CALLS // 2:
            parameters[1].requires_grad_(False)
        return made(i)

    return call, parameters


@program(CALLS)
def of_other_kinds_now_and_then(wrap):
    """What is no plain tensor in memory of its own is known by name, or runs as it is written."""
    parameters = weights()
    base = torch.zeros(6)

    @wrap
    def step(x):
        loss_of(parameters, x).backward()

    def call(i):
        if i % 8 == 3:
            parameters[0].grad = base[:3]
        elif i % 8 == 5:
            parameters[0].grad = torch.zeros(6)[::2]
        elif i % 8 == 7:
            parameters[0].grad = torch.zeros(3)
            parameters[0].grad.note = "kept"
        step(X)
        return base

    return call, parameters


@program(CALLS)
def one_gradient_of_two(wrap):
    a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)

    @wrap
    def step():
        (a * a * b).sum().backward()

    def call(i):
        if i % 4 == 2:
            a.grad = torch.zeros(2)
            b.grad = a.grad if i % 8 == 2 else torch.zeros(2)
        step()
        return a.grad is b.grad

    return call, [a, b]


@program(CALLS)
def one_is_passed(wrap):
    """The gradient of a parameter, as an argument: it is then known by name."""
    parameters = weights()

    @wrap
    def step(x, other):
        loss_of(parameters, x).backward()
        return other * 2

    def call(i):
        if i % 6 == 0:
            for p in parameters:
                p.grad = torch.zeros_like(p)
        return step(X, parameters[0].grad if i % 3 == 1 else torch.ones(3))

    return call, parameters


@program(8)
def breaks_off(wrap):
    """What was added before the call went another way is taken back."""
    parameters = weights()

    @wrap
    def step(x):
        loss = loss_of(parameters, x)
        loss.backward()
        if loss > 3:
            for p in parameters:
                p.grad.zero_()
        return loss.detach()

    def call(i):
        if i % 5 == 0:
            for p in parameters:
                p.grad = torch.ones_like(p)
        return step(X * (i % 4))

    return call, parameters


@program(4)
def many(wrap):
    parameters = [torch.full((2,), k / 300, requires_grad=True) for k in range(300)]

    @wrap
    def step():
        torch.stack(parameters).sin().sum().backward()

    def call(i):
        if i % 4 == 0:
            for p in parameters:
                p.grad = torch.zeros(2)
        step()

    return call, parameters


def shown(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.tolist(), value.requires_grad, value._version
    return [shown(v) for v in value] if isinstance(value, (list, tuple)) else value


def seen(call: Any, i: int, parameters: Any) -> Any:
    before = [p.grad for p in parameters]
    return (shown(call(i)), [shown(p) for p in parameters], [shown(p.grad) for p in parameters],
            [p.grad is g for p, g in zip(parameters, before)])


@pytest.mark.parametrize("name", PROGRAMS)
def test_calls_are_as_written(name):
    make, captures = PROGRAMS[name]
    for function in agree(make, CALLS, seen):
        assert function.captures <= captures, function.explain()
        assert captures == CALLS or function.replays, function.explain()


def test_a_view_of_the_gradient_of_an_argument():
    f = compile(lambda x: x.grad[:2])
    for k in (0, 0, 0, 1, 2):
        x = torch.ones(3, requires_grad=True)
        x.grad = torch.full((3,), float(k))
        found = f(x)
        assert found.tolist() == [k, k] and found._base is x.grad
    assert f.replays, f.explain()


def test_a_call_that_adds_to_gradients_is_native():
    """And writes to arguments are counted."""
    w = torch.ones(2, requires_grad=True)

    @compile
    def step(x):
        x.mul_(2)
        (w * x).sum().backward()

    for _ in range(6):
        w.grad, x = torch.zeros(2), torch.ones(2)
        version = w.grad._version
        step(x)
        assert w.grad.tolist() == [2, 2] and (w.grad._version - version, x._version) == (1, 1)
    way, = step._ways
    assert way.plainly and step.replays >= 3
