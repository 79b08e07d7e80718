"""Attributes that a compiled step sets to truth values or None, and reads: call by call as written.

`model.train()` in a step and `model.eval()` in a check are two programs each, for how they find the model. A program is
`make(wrap)`: what runs call i, and what shows the state. Its captures are those of 30 calls, at most.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from call_by_call import adds_to, agree, with_errors

import tapegrad as torch
from tapegrad import nn
from tapegrad.compiler import compile

CALLS = 30
X = torch.arange(12.0).reshape(4, 3) / 10
PROGRAMS: dict[str, tuple[Callable[[Any], tuple[Callable[[int], Any], Callable[[], Any]]], int]] = {}
program = adds_to(PROGRAMS)


class Held:
    def __init__(self) -> None:
        self.flag, self.mode, self.last, self.count = False, "a", None, 0
        self.log: list[Any] = []


def switches(name: str, captures: int, step: Callable[..., Any], between: Any = None) -> None:
    """A step of an object, the data and the number of the call."""
    def make(wrap: Any) -> Any:
        held = Held()
        f = wrap(lambda x, i: step(held, x, i))

        def call(i: int) -> Any:
            if between is not None:
                between(held, i)
            return f(X * (i + 1), i)

        return call, lambda: vars(held)

    PROGRAMS[name] = make, captures


def set_to(held: Any, flag: Any = None, mode: Any = None, count: int = 0) -> None:
    """What is passed as None stays as it is."""
    if flag is not None:
        held.flag = flag
    if mode is not None:
        held.mode = mode
    held.count += count


def last(held: Any, value: Any) -> None:
    held.last = value


TURN = {"a": "b", "b": "c", "c": "a"}
switches("a flag that is set", 4, lambda h, x, i: (set_to(h, True), x * 2)[1])
switches("to and fro", 6, lambda h, x, i: (set_to(h, not h.flag), x * (2 if h.flag else 3))[1])
switches("round and round", CALLS, lambda h, x, i: (set_to(h, mode=TURN[h.mode]), x * (2 if h.mode == "a" else 3))[1])
switches("it is put back between", 3, lambda h, x, i: (set_to(h, True), x.sum())[1],
         lambda h, i: set_to(h, False))
switches("now and then", 8, lambda h, x, i: (set_to(h, i % 3 == 0), x * (2 if h.flag else 3))[1])
switches("by a value", 8, lambda h, x, i: (set_to(h, bool(x.sum() > 100)), x * (2 if h.flag else 3))[1])
switches("by a number that varies", 8, lambda h, x, i: (set_to(h, h.count > 10, count=1), x * (h.count + 20))[1])
switches("to None and back", 6, lambda h, x, i: (last(h, None if h.last is True else True), x * 2)[1])
switches("with what it appends", 9, lambda h, x, i: (h.log.append(x.sum().item()), set_to(h, not h.flag), x * 2)[2])
switches("a number is returned", 6, lambda h, x, i: (set_to(h, not h.flag), x.sum().item())[1])
switches("an error on the way", 12, lambda h, x, i: (set_to(h, not h.flag), x[4 if i % 10 == 9 else 0] * 2)[1])
switches("a part of its argument", 6, lambda h, x, i: (set_to(h, not h.flag), x[1:])[1])
switches("a text of a value", CALLS, lambda h, x, i: set_to(h, mode=f"{x.sum().item():.2f}"))
switches("a tensor in its place", CALLS, lambda h, x, i: last(h, x.sum()))


@program(10)
def training_and_evaluation(wrap):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    @wrap
    def step(x):
        model.train()
        optimizer.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    @wrap
    def check(x):
        model.eval()
        with torch.no_grad():
            return model(x).mean().item()

    def call(i):
        loss = step(X * (i + 1))
        return (loss, check(X)) if i % 4 == 3 else loss

    return call, lambda: (*model.state_dict().values(), [m.training for m in model.modules()])


@program(6)
def with_a_history(wrap):
    model = nn.Sequential(nn.Linear(3, 1), nn.Dropout(0.5))

    @wrap
    def forward(x, training):
        model.train(training)
        return model(x).sum()

    def call(i):
        model.zero_grad()
        forward(X, i % 4 != 3).backward()

    return call, lambda: [model.training, *(p.grad for p in model.parameters())]


@program(14)
def one_of_several(wrap):
    """Which is in a dict; what else is reached changes now and then, and back."""
    several, state = [Held(), Held(), Held()], {"which": 0}
    for i, held in enumerate(several):
        held.mode = "abc"[i]

    @wrap
    def step(x):
        held = several[state["which"]]
        return x * (2 if held.mode == "a" else 3 if held.flag else 4)

    def call(i):
        state["which"] = i % 3
        if i in (14, 15, 20, 25):
            several[2].flag = not several[2].flag
            several[1].mode = several[1].mode + ""
        return step(X)

    return call, lambda: [vars(h) for h in several]


def adversaries() -> Any:
    torch.manual_seed(0)
    generator, critic = nn.Linear(3, 2), nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    both = [torch.optim.RMSprop(m.parameters(), lr=0.01) for m in (generator, critic)]
    return generator, critic, *both, lambda: [(p, p.requires_grad) for m in (generator, critic) for p in m.parameters()]


def criticise(generator, critic, optimizer, noise, x):
    for p in critic.parameters():
        p.requires_grad = True
    optimizer.zero_grad()
    loss = critic(generator(noise).detach()).mean() - critic(x).mean()
    loss.backward()
    optimizer.step()
    for p in critic.parameters():
        p.data.clamp_(-0.1, 0.1)
    return loss.detach()


def generate(generator, critic, optimizer, noise):
    critic.requires_grad_(False)
    optimizer.zero_grad()
    loss = -critic(generator(noise)).mean()
    loss.backward()
    optimizer.step()
    return loss.detach()


@program(11)
def a_critic_that_is_frozen_in_the_same_step(wrap):
    generator, critic, first, second, state = adversaries()

    @wrap
    def step(noise, x, i):
        loss = criticise(generator, critic, second, noise, x)
        return (loss, generate(generator, critic, first, noise)) if i % 5 == 4 else loss

    return lambda i: step(X * (i + 1), X[:, :2], i), state


@program(6)
def a_critic_that_is_frozen_in_another_step(wrap):
    generator, critic, first, second, state = adversaries()
    learn = wrap(lambda noise, x: criticise(generator, critic, second, noise, x))
    make = wrap(lambda noise: generate(generator, critic, first, noise))

    def call(i):
        loss = learn(X * (i + 1), X[:, :2])
        return (loss, make(X * i)) if i % 3 == 2 else loss

    return call, state


@program(11)
def layers_that_thaw(wrap):
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))

    @wrap
    def step(x, thawed):
        model[0].requires_grad_(thawed)
        model.zero_grad()
        model(x).square().mean().backward()

    return lambda i: step(X, i % 8 > 4), lambda: [(p.requires_grad, p.grad) for p in model.parameters()]


@program(CALLS)
def one_that_is_returned_with_a_history(wrap):
    weight = torch.ones(3, requires_grad=True)

    @wrap
    def forward(x):
        result = (x * weight).sum()
        weight.requires_grad_(False)
        return result

    def call(i):
        weight.grad = None
        weight.requires_grad_(True)
        result = forward(X * i)
        result.backward()
        return result

    return call, lambda: weight


@program(5)
def with_views_of_it(wrap):
    weight = torch.ones(3)
    view = weight[:2]

    @wrap
    def switch(x):
        weight.requires_grad_(not weight.requires_grad)
        return x + 1

    return lambda i: switch(X), lambda: (weight.requires_grad, view.requires_grad, view.is_leaf)


@program(CALLS)
def a_view_of_it_is_returned(wrap):
    weight = torch.ones(3)

    @wrap
    def switch(x):
        weight.requires_grad_(not weight.requires_grad)
        return weight[:2]

    return lambda i: switch(X), lambda: weight


@program(CALLS)
def a_view_of_what_required_grad_for_a_while(wrap):
    weight = torch.ones(3)

    @wrap
    def switch(x):
        weight.requires_grad_()
        view = weight[:2]
        weight.requires_grad_(False)
        return view

    def call(i):
        view = switch(X)
        return view, view.is_leaf

    return call, lambda: weight


@program(CALLS)
def a_history_of_what_required_grad_for_a_while(wrap):
    weight = torch.ones(3)

    @wrap
    def switch(x):
        weight.requires_grad_()
        result = (x * weight).sum()
        weight.requires_grad_(False)
        return result

    def call(i):
        weight.grad = None
        result = switch(X * i)
        result.backward()
        return result

    return call, lambda: (weight, weight.grad)


@program(CALLS)
def an_argument_that_required_grad_for_a_while(wrap):
    @wrap
    def switch(x):
        x.requires_grad_()
        result = (x * 2).sum()
        x.requires_grad_(False)
        return result

    def call(i):
        x = X.clone()
        result = switch(x)
        result.backward()
        return result, x.grad

    return call, lambda: None


@program(CALLS)
def a_view_that_is_read_as_well(wrap):
    weight = torch.ones(3)
    view = weight[:2]

    @wrap
    def switch(x):
        weight.requires_grad_(not weight.requires_grad)
        return (view * 2).detach()

    return lambda i: switch(X), lambda: (weight.requires_grad, view.requires_grad, view.is_leaf)


@program(6)
def a_leaf_of_its_own(wrap):
    weight = torch.ones(3, requires_grad=True)

    @wrap
    def penalised(x):
        inner = x.detach().requires_grad_()
        slope, = torch.autograd.grad((inner * weight).square().sum(), inner, create_graph=True)
        return slope.norm()

    def call(i):
        weight.grad = None
        result = penalised(X * (i + 1))
        result.backward()
        return result

    return call, lambda: weight.grad


@program(5)
def one_that_breaks_off(wrap):
    weight, which = torch.ones(3), torch.tensor([0])

    @wrap
    def switch(x):
        weight.requires_grad_(not weight.requires_grad)
        return x[which]

    def call(i):
        which.fill_(9 if i % 7 == 6 else 1)
        return switch(X)

    return call, lambda: weight.requires_grad


def shown(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().mul(1e4).round().tolist(), value.requires_grad
    if isinstance(value, dict):
        return [(k, shown(v)) for k, v in value.items()]
    return [*map(shown, value)] if isinstance(value, (list, tuple)) else (
        round(value, 4) if isinstance(value, float) else (type(value), value))


@pytest.mark.parametrize("name", PROGRAMS)
def test_calls_are_as_written(name):
    make, captures = PROGRAMS[name]

    def made(wrap: Any) -> Any:
        torch.manual_seed(0)
        return make(wrap)

    functions = agree(made, CALLS, with_errors(shown, IndexError))
    for function in functions:
        assert function.captures <= captures, function.explain()
        assert captures == CALLS or function.replays, function.explain()


def test_gradients_that_are_required_anew_are_in_no_native_function():
    weight = torch.ones(3)
    f = compile(lambda x: (weight.requires_grad_(), x * 2)[1])
    for _ in range(3):
        weight.requires_grad_(False)
        f(X)
    assert f.replays and weight.requires_grad
    weight.requires_grad_(False)
    with pytest.raises(RuntimeError, match="sets which tensors require grad"):
        f.native  # noqa: B018


def test_it_is_no_native_function():
    held = Held()
    f = compile(lambda x: (set_to(held, True), x * 2)[1])
    for _ in range(3):
        set_to(held, False)
        f(X)
    assert f.replays and held.flag
    set_to(held, False)
    with pytest.raises(RuntimeError, match="sets attributes that it reads"):
        f.native  # noqa: B018
