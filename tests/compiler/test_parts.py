"""Parts of tensors that begin where a number says which varies: one program for all, call by call as written.

A program is `make(wrap, data)`: what runs call i, and what else shows. Its captures are those of 40 calls, at most.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from call_by_call import adds_to, agree

import tapegrad as torch
from tapegrad.compiler import compile

CALLS = 40
PROGRAMS: dict[str, tuple[Callable[[Any, Any], tuple[Callable[[int], Any], Callable[[], Any]]], int]] = {}
program = adds_to(PROGRAMS)


def simple(name: str, captures: int, function: Any, number: Callable[[int], Any] = lambda i: i % 9) -> None:
    """A function of the data, reached by name, and a number."""
    def make(wrap: Any, data: Any) -> Any:
        f = wrap(lambda i: function(data, i))
        return (lambda i: f(number(i))), lambda: data

    PROGRAMS[name] = make, captures


simple("minibatches", 3, lambda x, i: x[i * 2:(i + 1) * 2].sum(0))
simple("from a start", 3, lambda x, i: x[i:i + 4].exp().sum(0))
simple("one row", 3, lambda x, i: x[i] * 2)
simple("one row of a few columns", 3, lambda x, i: x[i, 1:] * 2)
simple("columns", 3, lambda x, i: x[:, i:i + 2].sum(1), lambda i: i % 3)
simple("one column", 3, lambda x, i: x[:, i] + 1, lambda i: i % 4)
simple("rows of some columns", 3, lambda x, i: x[i:i + 4, ::2].sum(0))
simple("a column of some rows", 3, lambda x, i: x[2:7, i] * 2, lambda i: i % 4)
simple("of an inner axis", 3, lambda x, i: x.view(5, 4, 4)[2, i:i + 2].sum(1), lambda i: i % 3)
simple("with an axis more", 3, lambda x, i: (x[i:i + 2, None] * 2).sum(0))
simple("with indices", 3, lambda x, i: x[i:i + 4, torch.tensor([2, 0])] * 2)
simple("narrow", 3, lambda x, i: x.narrow(0, i, 3).sum(0))
simple("select", 3, lambda x, i: x.select(0, i) + x.select(0, i + 1))
simple("of a view", 3, lambda x, i: x.view(-1)[i * 4:i * 4 + 4] * 2)
simple("of a transposed view", 3, lambda x, i: x.t()[1:, i:i + 3].sum(0))
simple("of a part that stays", 3, lambda x, i: x[4:][i:i + 3].sum(0))
simple("to the end", 5, lambda x, i: x[i:].sum(0), lambda i: 12 + i % 2)
simple("the last is smaller", 5, lambda x, i: x[i * 3:(i + 1) * 3].mean(0), lambda i: i % 7)
simple("beyond the end", CALLS, lambda x, i: x[i * 8:i * 8 + 8].sum(), lambda i: i % 4)
simple("from the end", 3, lambda x, i: x[-i - 4:-i - 1].sum(0))
simple("a row from the end", 3, lambda x, i: x[-i - 1] * 2)
simple("from both ends", 5, lambda x, i: x[i] * 2, lambda i: i % 19 - 9)
simple("two that overlap", 3, lambda x, i: x[i:i + 4] * x[i + 1:i + 5])
simple("two that overlap, by two numbers", 8, lambda x, i: x[i[0]:i[0] + 4] * x[i[1]:i[1] + 4],
       lambda i: [i % 9, (i + i // 3) % 9])
simple("two that are apart", 3, lambda x, i: x[i:i + 4] * x[i + 10:i + 14])
simple("beside the whole", 3, lambda x, i: x[i:i + 4] - x.mean(0))
simple("beside a part that stays", 6, lambda x, i: x[i:i + 4] * x[3:7])
simple("every other", CALLS, lambda x, i: x[i::2][:3].sum(0))
simple("a row of a part", CALLS, lambda x, i: x[i * 2:i * 2 + 4][i % 3] * 2)
simple("four at once", 4, lambda x, i: sum(x[4 * i + k].sum() * (k + 1) for k in range(4)), lambda i: i % 4)
simple("more than are followed", CALLS, lambda x, i: sum(x[i + k].sum() * k for k in range(17)), lambda i: i % 3)
simple("in a long loop", 3, lambda x, i: sum((x[i][k % 4] * x[i + 1][1] for k in range(300)), x[0, 0]))
simple("a branch on its values", 8, lambda x, i: x[i] * 2 if x[i, 0] > 3 else x[i] - 1)
simple("its length matters", 4, lambda x, i: x[i:i + 3].sum() * len(x[i:i + 3]))
simple("none at all", CALLS, lambda x, i: x[i + 3:i].sum())
simple("it is returned", CALLS, lambda x, i: x[i:i + 2])
simple("a view of it is returned", CALLS, lambda x, i: x[i].view(2, 2))
simple("it is written to", 3, lambda x, i: x[i:i + 2].mul_(0.5).sum())
simple("another part is written to", 5, lambda x, i: (x[0].add_(1), x[i:i + 2].sum())[1])
simple("it is assigned", 3, lambda x, i: x.__setitem__(i, 1.5))
simple("where it begins is asked for", CALLS, lambda x, i: x[i:i + 2] * x[i:i + 2].storage_offset())
simple("what is computed in the call", CALLS, lambda x, i: (x * 2)[i:i + 2].sum(0))
simple("a number out of bounds", CALLS, lambda x, i: x[i] * 2, lambda i: i % 22)
simple("a fraction", CALLS, lambda x, i: x[i / 2] * 2)
simple("a start that stays", 7, lambda x, i: x[min(i, 2):min(i, 2) + 2].sum(0) * (i + 0.5), lambda i: i)
simple("one that stays and one that moves", 12, lambda x, i: x[i // 8] * x[i], lambda i: i % 16)


@program(3)
def passed(wrap, data):
    f = wrap(lambda x, i: x[i:i + 4].sum(0) * 2)
    others = [data, data.clone(), data * 2]
    return (lambda i: f(others[i % 3], i % 9)), lambda: others


@program(3)
def passed_as_a_view(wrap, data):
    f = wrap(lambda x, i: x[i:i + 4].sum(0) * 2)
    return (lambda i: f(data[i % 3:i % 3 + 15], i % 9)), lambda: data


@program(3)
def in_an_attribute(wrap, data):
    class Data:
        x, i = data, 0

    held = Data()
    held.x, held.i = data, 0

    @wrap
    def step():
        found = held.x[held.i * 2:held.i * 2 + 2].sum(0)
        held.i = (held.i + 1) % 9
        return found

    return (lambda i: (step(), held.i)), lambda: data


@program(3)
def permuted(wrap, data):
    """Indices that are a part of others."""
    order = torch.tensor([3, 1, 4, 15, 9, 2, 6, 5, 8, 7, 0, 19, 10, 11, 12, 13, 14, 16, 17, 18])

    @wrap
    def step(i):
        return data[order[i * 4:(i + 1) * 4]].sum(0)

    def call(i):
        if i % 10 == 9:
            order.copy_(order.flip(0))
        return step(i % 5)

    return call, lambda: order


@program(3)
def indices_that_fail(wrap, data):
    order = torch.arange(20)
    step = wrap(lambda i: data[order[i * 4:(i + 1) * 4]].sum(0))

    def call(i):
        order[11] = 99 if 20 <= i < 24 else 11
        return step(i % 5)

    return call, lambda: order


@program(3)
def tokens(wrap, data):
    """What follows is what is to be found."""
    text, weights = (data.view(-1) * 7).long() % 5, torch.ones(5, 5, requires_grad=True)

    @wrap
    def step(i):
        x, y = text[i:i + 8], text[i + 1:i + 9]
        weights.grad = None
        loss = torch.nn.functional.cross_entropy(weights[x], y)
        loss.backward()
        return loss.item()

    return (lambda i: step(i * 3 % 50)), lambda: weights.grad


@program(4)
def training(wrap, data):
    w = torch.zeros(4, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.001, momentum=0.5)
    y, state = data.sum(1), {"i": 0}

    @wrap
    def step():
        start = state["i"] % 5 * 4
        state["i"] += 1
        optimizer.zero_grad()
        loss = ((data[start:start + 4] @ w - y[start:start + 4]) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return (lambda i: (step(), state["i"])), lambda: w


def with_a_history(name: str, captures: int, function: Any, backward: Any = lambda y, w: y.sum().backward()) -> None:
    """A function of the data, a number and a weight, whose backward is outside."""
    def make(wrap: Any, data: Any) -> Any:
        w = torch.ones(4, requires_grad=True)
        f = wrap(lambda i: function(data, i, w))

        def call(i: int) -> Any:
            w.grad = None
            y = f(i % 9)
            return [t.detach() for t in (y if type(y) is tuple else (y,))], backward(y, w)

        return call, lambda: (w.grad, data)

    PROGRAMS[f"with a history: {name}"] = make, captures


def twice(y: Any, w: Any) -> Any:
    first, = torch.autograd.grad(y.sum(), w, create_graph=True)
    return torch.autograd.grad(first.sum(), w)[0]


def written_between(y: Any, w: Any) -> None:
    """Which its backward refuses, where it reads what was written to."""
    DATA[0].mul_(1.5)
    y.sum().backward()


with_a_history("rows", 3, lambda x, i, w: x[i:i + 4] @ w)
with_a_history("squares", 3, lambda x, i, w: ((x[i:i + 4] @ w) ** 2).sum())
with_a_history("one row", 3, lambda x, i, w: x[i] * w)
with_a_history("columns", 3, lambda x, i, w: x[:, i % 3:i % 3 + 2] * w[:2])
with_a_history("of a view", 3, lambda x, i, w: x[2:].view(-1)[i * 4:i * 4 + 4] * w)
with_a_history("two parts", 3, lambda x, i, w: x[i:i + 4] @ w + x[i + 5:i + 9] @ (w * 2))
with_a_history("beside the whole", 3, lambda x, i, w: x[i:i + 4] @ w * (x @ w).sum())
with_a_history("nothing is read of it", 3, lambda x, i, w: x[i:i + 4].sum() + w)
with_a_history("two results", 3, lambda x, i, w: (x[i:i + 4] @ w, (x[i] * w).exp()), lambda y, w: y[1].sum().backward())
with_a_history("indices", 3, lambda x, i, w: w[INDICES[i:i + 4]].exp() * x[i])
with_a_history("differentiated twice", 11, lambda x, i, w: (x[i:i + 4] @ w).exp() * (i + 1), twice)
with_a_history("random numbers", 3, lambda x, i, w: x[i:i + 4] @ w * torch.rand(4))
with_a_history("written between", 3, lambda x, i, w: (x[i:i + 4] @ w).exp(), written_between)
with_a_history("kept", 3, lambda x, i, w: x[i:i + 4] @ w,
               lambda y, w: (y.sum().backward(retain_graph=True), y[0].backward()))
with_a_history("it is returned", CALLS, lambda x, i, w: (x[i:i + 4], x[i] * w), lambda y, w: y[1].sum().backward())


@program(6)
def passed_with_a_history(wrap, data):
    """Several calls have one backward."""
    w = torch.ones(4, requires_grad=True)
    f = wrap(lambda x, i: (x[i:i + 4] @ w).exp().sum())
    others = [data, data.clone(), data[3:]]

    def call(i):
        w.grad = None
        sum(f(others[k], (i + k) % 9) * (k + 1) for k in range(3)).backward()

    return call, lambda: w.grad


@program(3)
def a_layer(wrap, data):
    torch.manual_seed(0)
    layer = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    f = wrap(lambda i: layer(data[i:i + 4]))

    def call(i):
        layer.zero_grad()
        f(i % 9).sum().backward()

    return call, lambda: [p.grad for p in layer.parameters()]


@program(CALLS)
def a_leaf(wrap, data):
    w = data.clone().requires_grad_()

    @wrap
    def step(i):
        w.grad = None
        (w[i:i + 4] ** 2).sum().backward()

    return (lambda i: step(i % 9)), lambda: w.grad


@program(18)
def what_it_is_of_changes(wrap, data):
    """Values, another tensor, another size, a view, in other memory, one that requires grad."""
    held = {"x": data}
    f = wrap(lambda i: (held["x"][i:i + 3] * 2).sum(0).detach())

    def call(i):
        if i == 8:
            data.mul_(2)
        elif i == 12:
            held["x"] = data * 3
        elif i == 17:
            held["x"] = torch.cat([data, data])
        elif i == 22:
            held["x"] = data[2:]
        elif i == 27:
            held["x"] = data[:, ::2]
        elif i == 31:
            data.data = data.data.clone()
        elif i == 35:
            held["x"].requires_grad_()
        return f(i % 9)

    return call, lambda: data


@program(3)
def memory_of_numpys(wrap, data):
    array = data.numpy().copy()
    x = torch.from_numpy(array)
    f = wrap(lambda i: x[i:i + 3].sum(0))

    def call(i):
        array[i % 20] += 1
        return f(i % 9)

    return call, lambda: x


INDICES = torch.tensor([3, 1, 0, 2, 2, 1, 3, 0, 1, 2, 0, 3])
DATA: list[Any] = []


def shown(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.tolist(), tuple(value.shape), value._version, None if value._base is None else (
            tuple(value._base.shape))
    return [shown(v) for v in value] if isinstance(value, (list, tuple)) else value


def seen(call: Any, i: int, state: Any) -> Any:
    try:
        result = shown(call(i))
    except (IndexError, RuntimeError) as error:
        result = type(error), str(error).split(":")[0]
    return result, shown(state())


@pytest.mark.parametrize("name", PROGRAMS)
def test_calls_are_as_written(name):
    make, captures = PROGRAMS[name]

    def made(wrap: Any) -> Any:
        torch.manual_seed(0)
        DATA[:] = [torch.arange(80.0).reshape(20, 4) / 10]
        return make(wrap, *DATA)

    function = agree(made, CALLS, seen)[0]
    assert function.captures <= captures, function.explain()
    assert captures == CALLS or function.replays, function.explain()


def test_a_program_says_which_part_it_takes():
    x = torch.arange(20.0)
    f = compile(lambda i: x[i:i + 2] * 2)
    for i in range(6):
        f(i)
    assert "= x[t:] * " in f.tape.dump()
    with pytest.raises(RuntimeError, match="which part it takes"):
        f.native  # noqa: B018
