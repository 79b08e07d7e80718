"""Writes at an index that another call has elsewhere: one program for all, call by call as written.

A program is `make(wrap, data)`: what runs call i, and what else shows. Its captures are those of 40 calls, at most.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from call_by_call import adds_to, agree

import tapegrad as torch
from tapegrad.compiler import compile

CALLS = 40
PROGRAMS: dict[str, tuple[Callable[[Any, Any], tuple[Callable[[int], Any], Callable[[], Any]]], int]] = {}
program = adds_to(PROGRAMS)
ROWS = torch.randn(CALLS, 4, generator=torch.Generator().manual_seed(1))


def simple(name: str, captures: int, function: Any, number: Callable[[int], Any] = lambda i: i % 9) -> None:
    """A function of the data, reached by name, of a number, and of four others."""
    def make(wrap: Any, data: Any) -> Any:
        f = wrap(lambda i, v: function(data, i, v))
        return (lambda i: f(number(i), ROWS[i].clone())), lambda: data

    PROGRAMS[name] = make, captures


def put(x: Any, index: Any, value: Any) -> None:
    x[index] = value


def added(x: Any, index: Any, value: Any) -> None:
    x[index] += value


# the only use of the tensor
simple("a row", 3, lambda x, i, v: put(x, i, v))
simple("rows", 3, lambda x, i, v: put(x, slice(2 * i, 2 * i + 2), v))
simple("a column", 3, lambda x, i, v: put(x, (slice(2, 6), i), v), lambda i: i % 4)
simple("the last axis", 3, lambda x, i, v: put(x, (..., i), v[0]), lambda i: i % 4)
simple("with an axis more", 3, lambda x, i, v: put(x, (None, i), v))
simple("an element", 3, lambda x, i, v: put(x, (i, i % 4), v[0]))
simple("some of a row", 3, lambda x, i, v: put(x, (i, slice(1, 3)), v[:2]))
simple("a part by two numbers", 3, lambda x, i, v: put(x, (slice(i, i + 2), slice(i % 3, i % 3 + 2)), v[:2]))
simple("from the end", 3, lambda x, i, v: put(x, -i - 1, v))
simple("from both ends", 5, lambda x, i, v: put(x, i, v), lambda i: i % 19 - 9)
simple("of a view", 3, lambda x, i, v: put(x.view(10, 8), (i, slice(0, 4)), v))
simple("of a transposed view", 3, lambda x, i, v: put(x.t(), (slice(None), i), v))
simple("at indices of a row", 3, lambda x, i, v: put(x, (i, [2, 0]), v[:2]))
simple("copied", 3, lambda x, i, v: x[i].copy_(v) * 2)
simple("multiplied", 3, lambda x, i, v: x[i:i + 2].mul_(v).sum())
simple("narrowed", 3, lambda x, i, v: x.narrow(0, i, 2).add_(v).mean())
simple("selected", 3, lambda x, i, v: x.select(0, i).sub_(v).sum())
simple("added to", 3, lambda x, i, v: added(x, i, v))
simple("drawn", 3, lambda x, i, v: (x[i].normal_(), torch.rand(2))[1])
simple("a number", 3, lambda x, i, v: put(x, i, i * 0.5))
simple("a whole number", 4, lambda x, i, v: put(x, i, i % 7))
simple("a number that is taken out of a tensor", 3, lambda x, i, v: put(x, i, v.sum().item()))
simple("another if it is long", 5, lambda x, i, v: put(x, slice(3 * i, 3 * i + 3), v), lambda i: i % 7)
simple("none at all", CALLS, lambda x, i, v: put(x, slice(i + 3, i), v))
simple("every other", CALLS, lambda x, i, v: put(x, slice(i, None, 4), v))
simple("out of bounds", CALLS, lambda x, i, v: put(x, i, v), lambda i: i % 23)
simple("what does not fit", CALLS, lambda x, i, v: put(x, i, v if i % 5 else v[:3]))

# beside others
simple("beside the whole", 3, lambda x, i, v: (put(x, i, v), x.sum(0))[1])
simple("after the whole", 3, lambda x, i, v: (x.sum(0), put(x, i, v))[0])
simple("between two looks", 3, lambda x, i, v: (x.sum(0), put(x, i, v), x[i] * 2, x.mean(0))[::2])
simple("the whole is written to as well", 3, lambda x, i, v: (x.mul_(0.5), added(x, i, v), x.sub_(0.1), x[i] * 2)[3])
simple("of the whole", 3, lambda x, i, v: put(x, i, x.sum(0)))
simple("a part that stays is read", 5, lambda x, i, v: (put(x, i, v), x[3] * 2)[1])
simple("a part that stays is written to", 5, lambda x, i, v: (x[3].mul_(0.5), put(x, i, v), x[3] * 2)[2])
simple("another part is read", 3, lambda x, i, v: put(x, i, x[i + 3] + 1))
simple("parts that overlap", 3, lambda x, i, v: (put(x, slice(i, i + 3), v), added(x, slice(i + 1, i + 4), 1.0),
                                                  x[i + 2] * 2)[2])
simple("the smaller comes first", 3, lambda x, i, v: (x[i] * 1, added(x, slice(i, i + 3), v), x[i] * 1)[::2])
simple("parts that meet now and then", 8, lambda x, i, v: (put(x, i[0], v), added(x, i[1], x[i[0]]), x.sum(0))[2],
       lambda i: [i % 9, (i * 5 + i // 9) % 9])
simple("a table", 8, lambda x, i, v: put(x, (i[0], i[1]), x[i[0], i[1]] + 0.5 * (v[0] + x[i[2]].max() - x[i[0], i[1]])),
       lambda i: [i % 9, i * 7 // 3 % 4, (i + 1) % 9])
simple("a recurrence", 3, lambda x, i, v: put(x, i + 2, torch.minimum(x[i] + v, x[i + 1] * 2)))
simple("places that are exchanged", 3, lambda x, i, v: put(x, [i, i + 3], x[[i + 3, i]]) if i < 0 else (
    lambda a, b: (put(x, i, b), put(x, i + 3, a)))(x[i].clone(), x[i + 3].clone()))
simple("a row and a column", 16, lambda x, i, v: (put(x, i, v), added(x, (slice(None), i % 4), 1.0)), lambda i: i % 8)
simple("by its values", 8, lambda x, i, v: (put(x, i, v), added(x, i, 1.0) if x[i, 0] > 0 else None, x.sum())[2])
simple("it is returned", 3, lambda x, i, v: (put(x, i, v), x)[1])
simple("the part is returned", CALLS, lambda x, i, v: (put(x, i, v), x[i])[1])
simple("a part that stays is returned", CALLS, lambda x, i, v: (put(x, i, v), x[0])[1])
simple("through `data`", CALLS, lambda x, i, v: put(x.data, i, v))
simple("in a long loop", 3, lambda x, i, v: sum(added(x, i + k % 3, v) is None for k in range(60)))


@program(3)
def a_buffer_that_is_filled(wrap, data):
    class Buffer:
        def __init__(self):
            self.mem, self.at = torch.zeros(5, 4), 0

        def push(self, x):
            self.mem[self.at] = x
            self.at = (self.at + 1) % 5

    buffer = Buffer()
    push = wrap(buffer.push)
    return (lambda i: push(ROWS[i])), lambda: [buffer.mem, buffer.at]


@program(9)
def a_buffer_that_is_reset(wrap, data):
    class Buffer:
        mem, at = torch.zeros(5, 4), 0

    buffer = Buffer()
    buffer.mem = torch.zeros(5, 4)

    @wrap
    def push(x):
        buffer.mem[buffer.at] = x
        buffer.at += 1
        if buffer.at == 5:
            buffer.at = 0

    return (lambda i: push(ROWS[i])), lambda: [buffer.mem, buffer.at]


@program(14)
def transitions(wrap, data):
    state, action, reward, done = (torch.zeros(6, 4), torch.zeros(6, dtype=torch.int64), torch.zeros(6),
                                   torch.zeros(6, dtype=torch.bool))
    counts = {"at": 0, "size": 0}

    @wrap
    def push(s, a, r, d):
        at = counts["at"]
        state[at], action[at], reward[at], done[at] = s, a, r, d
        counts["at"] = (at + 1) % 6
        counts["size"] = min(counts["size"] + 1, 6)

    several = [state, action, reward, done]
    return (lambda i: push(ROWS[i], i % 4, 0.5 * i, i % 3 == 0)), lambda: [*several, *counts.values()]


@program(3)
def losses(wrap, data):
    w, history = torch.ones(4, requires_grad=True), torch.zeros(CALLS)

    @wrap
    def step(x, i):
        loss = (w * x).pow(2).sum()
        loss.backward()
        with torch.no_grad():
            w.sub_(0.01 * w.grad)
        w.grad = None
        history[i] = loss.detach()
        return history.mean()

    return (lambda i: step(ROWS[i], i)), lambda: [w.detach(), history]


@program(3)
def errors_of_minibatches(wrap, data):
    w, errors = torch.zeros(4, requires_grad=True), torch.zeros(20)
    optimizer = torch.optim.SGD([w], lr=0.1)

    @wrap
    def step(i):
        error = (data[i * 4:i * 4 + 4] @ w - 1) ** 2
        optimizer.zero_grad()
        error.mean().backward()
        optimizer.step()
        errors[i * 4:i * 4 + 4] = error.detach()

    return (lambda i: step(i % 5)), lambda: [w.detach(), errors]


@program(6)
def keys_and_values(wrap, data):
    class Attention:
        def __init__(self):
            self.k, self.v, self.t = torch.zeros(CALLS, 4), torch.zeros(CALLS, 4), 0
            self.places = torch.arange(CALLS)

        def step(self, x):
            self.k[self.t], self.v[self.t] = x.flip(0), x
            weights = (self.k @ x).masked_fill(self.places > self.t, -1e9).softmax(0)
            self.t += 1
            return weights @ self.v

    attention = Attention()
    step = wrap(attention.step)
    return (lambda i: step(ROWS[i])), lambda: [attention.k, attention.v]


@program(3)
def passed(wrap, data):
    f = wrap(lambda x, i, v: (put(x, i, v), x.sum(0), x)[1:])
    others = [data, data.clone() * 2]
    return (lambda i: f(others[i % 2], i % 20, ROWS[i])), lambda: others


@program(8)
def passed_twice(wrap, data):
    f = wrap(lambda x, y, i: (put(x, i, 1.0), added(y, i + 1, x[i]), (x * y).sum())[2])
    other = data.clone()
    return (lambda i: f(data, other if i % 3 else data, i % 19)), lambda: [data, other]


@program(CALLS)
def passed_as_a_view(wrap, data):
    f = wrap(lambda x, i: (put(x, i, 1.0), x.sum())[1])
    return (lambda i: f(data[i % 20], i % 4)), lambda: data


@program(5)
def by_three_names(wrap, data):
    flat, bare = data.view(80), data.detach()
    f = wrap(lambda i, v: (put(data, i, v), flat[i % 8] * 2, bare[i + 1] * 2)[1:])
    return (lambda i: f(i % 19, ROWS[i])), lambda: [data, flat, bare]


@program(3)
def of_several_dtypes(wrap, data):
    several = [torch.zeros(CALLS, dtype=of) for of in (
        torch.float64, torch.float16, torch.bfloat16, torch.int8, torch.int64, torch.bool)]

    @wrap
    def f(v, i):
        for one in several:
            one[i] = v

    return (lambda i: f(ROWS[i, 0] * 3, i)), lambda: several


@program(CALLS)
def numbers_that_do_not_fit(wrap, data):
    few = torch.zeros(3, dtype=torch.uint8)
    f = wrap(lambda v: (put(few, 0, v), few.sum())[1])
    given = [1.0, 2.0, 3.5, 4.9, 300.0, 2.0, -1.0, 7, 8, 9, 300, 12, -13]
    return (lambda i: f(given[i % len(given)])), lambda: few


@program(CALLS)
def an_operation_that_fails_afterwards(wrap, data):
    table = torch.arange(5.0)
    f = wrap(lambda v, i, k: (put(data, i, v), added(data, i + 1, data.sum(0)), table[k] * 2)[2])
    return (lambda i: f(ROWS[i], i % 19, torch.tensor([9 if i % 7 == 5 else i % 5]))), lambda: data


@program(CALLS)
def a_matrix_without_an_inverse(wrap, data):
    several = data.view(5, 4, 4)
    f = wrap(lambda m, i: (put(several, i, m), torch.linalg.inv(several[i]))[1])
    return (lambda i: f(torch.eye(4) * (i % 6 != 5), i % 5)), lambda: data


@program(3)
def a_gradient_of_the_whole(wrap, data):
    w = torch.ones(4, requires_grad=True)
    f = wrap(lambda v, i: (put(data, i, v), (data * w).sum())[1])

    def call(i):
        w.grad = None
        f(ROWS[i], i % 20).backward()
        return w.grad

    return call, lambda: data


@program(CALLS)
def a_gradient_of_the_part(wrap, data):
    w = torch.ones(4, requires_grad=True)
    f = wrap(lambda v, i: (put(data, i, v), (data[i] * w).sum())[1])

    def call(i):
        w.grad = None
        f(ROWS[i], i % 20).backward()
        return w.grad

    return call, lambda: data


@program(3)
def what_a_graph_outside_kept(wrap, data):
    f = wrap(lambda v, i: put(data, i, v))

    def call(i):
        w = torch.ones(20, 4, requires_grad=True)
        y = (w * data).sum()
        if i % 3:
            f(ROWS[i], i % 20)
        y.backward()
        return w.grad

    return call, lambda: data


@program(3)
def memory_of_numpys(wrap, data):
    array = np.zeros((CALLS, 4), "f4")
    x = torch.from_numpy(array)
    f = wrap(lambda v, i: (put(x, i, v), x.sum(0))[1])
    return (lambda i: f(ROWS[i], i)), lambda: array.tolist()


@program(CALLS)
def a_leaf(wrap, data):
    w = data.clone().requires_grad_()

    @wrap
    def f(v, i):
        with torch.no_grad():
            w[i] = v
        return (w * 2).sum()

    return (lambda i: f(ROWS[i], i % 20)), lambda: w.detach()


@program(CALLS)
def a_history_that_grows(wrap, data):
    w, history = torch.ones(4, requires_grad=True), torch.zeros(CALLS)
    f = wrap(lambda v, i: (put(history, i, (w * v).sum()), history.sum())[1])
    return (lambda i: f(ROWS[i], i)), lambda: [history.detach(), history.requires_grad]


def shown(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        base = None if value._base is None else tuple(value._base.shape)
        return value.tolist(), tuple(value.shape), value._version, value.requires_grad, base
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
        return make(wrap, torch.arange(80.0).reshape(20, 4) / 10)

    function = agree(made, CALLS, seen)[0]
    assert function.captures <= captures, function.explain()
    assert captures == CALLS or function.replays, function.explain()


def test_of_what_a_replay_takes_back_no_more_is_kept_than_is_written():
    memory, table = torch.zeros(1 << 16, 4), torch.arange(5.0)

    @compile
    def push(i, x, at):
        memory[i] = x
        return table[at.argsort()]

    for i in range(6):
        push(i, torch.ones(4) * i, torch.arange(5.0))
    assert push.replays >= 2
    assert push.tape.program.size < 4096
    assert sum(nbytes for _, nbytes in push.tape.captured.undo) <= 16
