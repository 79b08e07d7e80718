"""Views that are passed: a program for all that lie alike, wherever they begin, if their elements alone matter."""
from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from call_by_call import adds_to

import tapegrad as torch
from tapegrad.compiler import compile
from tapegrad.compiler.argument_keys import sort_arguments

CALLS = 12
PROGRAMS: dict[str, tuple[Callable[[Any], tuple[Any, Callable[[int], tuple[Any, ...]], Callable[[], Any]]], int]] = {}
program = adds_to(PROGRAMS)  # `make(data)` returns a function, its arguments at call i, and what else shows


def simple(name: str, captures: int, function: Any, given: Callable[[Any, int], tuple[Any, ...]]) -> None:
    PROGRAMS[name] = lambda data: (function, lambda i: given(data, i), lambda: data), captures


def rows(data: Any, i: int) -> tuple[Any, ...]:
    return (data[i:i + 4],)


simple("rows", 2, lambda x: (x * 2).sum(0), rows)
simple("columns", 2, lambda x: x @ torch.ones(2), lambda d, i: (d[:, i % 3:i % 3 + 2],))
simple("every other", 2, lambda x: x.exp().sum(), lambda d, i: (d[i::2][:3],))
simple("a product", 2, lambda x: x @ x.t(), rows)
simple("one row", 2, lambda x: x.softmax(-1), lambda d, i: (d[i],))
simple("elements", 2, lambda x, y: x * y, lambda d, i: (d[i, 0], torch.ones(2)))
simple("turned", 2, lambda x: x.sum(-1), lambda d, i: (d[i:i + 3].t(),))
simple("the last is smaller", 4, lambda x: x.mean(), lambda d, i: (d[i % 4 * 5:i % 4 * 5 + 5],))
simple("two of one base", CALLS, lambda x, y: x * y, lambda d, i: (d[i:i + 4], d[i + 1:i + 5]))
simple("with its base", CALLS, lambda x, y: x.sum() * y, lambda d, i: (d[i:i + 4], d))
simple("a view of it is made", 2, lambda x: x[1:].t() @ x[:-1], rows)
simple("a view of it is returned", CALLS, lambda x: x[1], rows)
simple("it is returned", 2, lambda x: x, rows)
simple("an alias is returned", CALLS, lambda x: x.detach(), rows)
simple("it is written to", CALLS, lambda x: x.mul_(0.5).sum(), rows)
simple("a part of it is written to", CALLS, lambda x: x[0].add_(1).sum(), rows)
simple("where it begins is asked for", CALLS, lambda x: x * x.storage_offset(), rows)
simple("the base is reached", CALLS, lambda x: x.as_strided((2, 2), (1, 1)) * 1, rows)
simple("values are looked at", CALLS, lambda x: x * 2 if x[0, 0] > 10 else x, rows)
simple("indices", 2, lambda x: torch.arange(10.0)[x], lambda d, i: ((d[i:i + 2, 0] * 0.1).long()[1:],))
simple("now and then the base", 4, lambda x: x.sum(), lambda d, i: (d if i % 3 == 0 else d[i:i + 4],))
simple("now and then a copy", 4, lambda x: x.sum(), lambda d, i: (d[i:i + 4].clone() if i % 3 == 0 else d[i:i + 4],))
simple("an empty one", 2, lambda x: x.sum(), lambda d, i: (d[i:i],))


@program(4)
def a_training_step(data):
    w = torch.zeros(4, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.001, momentum=0.5)

    def step(x, y):
        optimizer.zero_grad()
        loss = ((x @ w - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    y = data.sum(1)
    return step, lambda i: (data[i:i + 4], y[i:i + 4]), lambda: w


@program(CALLS)
def the_base_is_read_by_name(data):
    return lambda x: x * data[0], lambda i: (data[i:i + 4],), lambda: data


@program(CALLS)
def the_base_requires_grad(data):
    data = data.clone().requires_grad_()

    def f(x):
        return (x ** 2).sum()

    def given(i):
        data.grad = None
        return (data[i:i + 4],)

    return f, given, lambda: data


def told(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        base = None if value._base is None else tuple(value._base.shape)
        return value.tolist(), str(value.dtype), value.requires_grad, base, None if value.grad is None else (
            value.grad.tolist())
    return [told(v) for v in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("name", PROGRAMS)
def test_calls_are_as_written(name):
    make, captures = PROGRAMS[name]
    found = []
    for wrap in (lambda f: f, compile):
        function, given, state = make(torch.arange(80.0).reshape(20, 4) / 10)
        function = wrap(function)
        answers = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for i in range(CALLS):
                result = function(*given(i))
                if isinstance(result, torch.Tensor) and result.requires_grad and result.dim() == 0:
                    result.backward()
                answers.append((told(result), told(state())))
        found.append(answers)
    assert found[0] == found[1], function.explain()
    assert function.captures <= captures, function.explain()


def test_the_backward_outside_reads_the_batch_it_was_given():
    data, w = torch.arange(40.0).reshape(10, 4), torch.ones(4, requires_grad=True)
    f = compile(lambda x: (x @ w).sin().sum())
    for i in range(8):
        w.grad = None
        first, second = f(data[i:i + 2]), f(data[i + 1:i + 3])
        second.backward()
        first.backward()
        expected, = torch.autograd.grad((data[i:i + 2] @ w).sin().sum() + (data[i + 1:i + 3] @ w).sin().sum(), w)
        assert torch.allclose(w.grad, expected, rtol=1e-4, atol=1e-4)
    y = f(data[:2])
    data[0] = 5.0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()
    assert f.captures == 2 and f.replays, f.explain()


def test_a_call_with_a_slice_is_native():
    data = torch.arange(40.0).reshape(10, 4)
    f = compile(lambda x: x * 2)
    for i in range(8):
        assert f(data[i:i + 2]).tolist() == (data[i:i + 2] * 2).tolist()
    assert f._ways and f.captures == 2


def test_a_step_that_is_told_which_of_eight_batches_it_takes():
    """A program for each, all of which are tried before the call is taken apart."""
    batches, w = [torch.randn(4, 2) for _ in range(8)], torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.01)

    def step(i):
        loss = (batches[i % 8] @ w).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    function, python = compile(step), 0

    def look(frame: Any, event: str, argument: Any) -> None:
        nonlocal python
        python += event == "call" and frame.f_code.co_name == sort_arguments.__name__

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # for it is captured again and again
        for i in range(32):
            function(i)
    captures = function.captures
    sys.setprofile(look)
    try:
        for i in range(32, 48):
            function(i)
    finally:
        sys.setprofile(None)
    assert function.captures == captures <= 18 and len([v for vs in function.tapes.values() for v in vs]) == 8
    assert python == 0  # the arguments are not looked at one by one
