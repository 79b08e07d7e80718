"""Inference mode within compiled functions, and around them: what is of that mode is, and what is asked about it."""
from __future__ import annotations

import warnings
from typing import Any

import pytest

import tapegrad as torch
from tapegrad.compiler import compile

w = torch.ones(2, 2, requires_grad=True)
buffer = torch.zeros(2)


@torch.inference_mode()
def around(x):
    y = w @ x
    return y, y[0], y.sum().item(), x.view(-1), buffer


def block(x):
    with torch.inference_mode():
        y = w @ x
        buffer.add_(y[0])
    return y, w * x, y.mean() + x.mean()


@torch.inference_mode()
def alone(x):
    return w @ x


def part(x):
    with torch.inference_mode():
        return (w @ x)[1]


def read_out(x):
    with torch.inference_mode():
        return (w @ x).sum().item()


@torch.inference_mode()
def twice(x):
    with torch.inference_mode():
        return w @ x


MODES = [torch.enable_grad, torch.no_grad, torch.inference_mode]


def observed(result: Any) -> Any:
    if isinstance(result, tuple):
        return [*map(observed, result)]
    if not isinstance(result, torch.Tensor):
        return result
    return result.tolist(), result.is_inference(), result.requires_grad, result.is_leaf


def outcome(function: Any, *args: Any) -> Any:
    try:
        return function(*args).tolist()
    except RuntimeError as error:
        return str(error)


def history(function: Any, modes: Any) -> list[Any]:
    with torch.no_grad():
        buffer.zero_()
    found = []
    for i, mode in enumerate(modes):
        with mode():
            found.append(observed(result := function(torch.full((2, 2), float(i)))))
        first = result[0] if isinstance(result, tuple) else result
        if isinstance(first, torch.Tensor):
            found += [outcome(first.add_, 1), outcome(lambda x: (x.sum() * w).sum(), first)]
    return found


@pytest.mark.parametrize("turns", [1, 4], ids=["in turns", "one after the other"])
@pytest.mark.parametrize("first", range(3), ids=[m.__name__ for m in MODES])
@pytest.mark.parametrize("function", [around, block, alone, part, read_out, twice], ids=lambda f: f.__name__)
def test_what_is_of_inference_mode(function, first, turns):
    modes = [m for m in MODES[first:] + MODES[:first] for _ in range(turns)] * (12 // turns // 2)
    f = compile(function)
    assert history(f, modes) == history(function, modes), f.explain()
    assert f.replays > 1, f.explain()


@pytest.mark.parametrize("asks", [
    lambda x: x * 2 if torch.is_inference_mode_enabled() else x * 3,
    lambda x: x * 2 if x.is_inference() else x * 3,
    lambda x: x * 2 if torch.is_inference(x) else x * 3,
])
def test_whether_that_is_the_mode_is_asked_each_time(asks):
    with torch.inference_mode():
        made = torch.ones(1)
    f = compile(asks)
    with pytest.warns(UserWarning, match="is_inference"):
        for x in [torch.ones(1)] * 3 + [made] * 3:
            for mode in MODES:
                with mode():
                    assert f(x).tolist() == asks(x).tolist()


def test_what_leaves_the_mode_runs_as_it_is_written():
    @compile
    @torch.inference_mode()
    def f(x):
        with torch.inference_mode(False):
            return x * 2

    with pytest.warns(UserWarning, match="it leaves inference mode"):
        assert [f(torch.ones(1)).is_inference() for _ in range(4)] == [False] * 4
    assert not f.replays


def test_a_teacher_of_inference_mode():
    student = torch.ones(2, requires_grad=True)

    def step(x):
        with torch.inference_mode():
            target = (w @ x).sum(1)
        loss = (student - target).square().sum()
        student.grad = None
        loss.backward()
        return loss.detach(), loss.item()

    f = compile(step)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in range(5):
            x = torch.full((2, 2), float(i))
            found = observed(f(x)), student.grad.tolist()
            assert found == (observed(step(x)), student.grad.tolist())
    assert f.replays > 1
