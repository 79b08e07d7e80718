"""What a compiled function hangs on tensors, or takes away, is there after each call."""
from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

import tapegrad as torch
from tapegrad.compiler import compile

LEAF = torch.ones(1, requires_grad=True)


def on_an_argument(x: Any) -> Any:
    x.mark = 5
    return x * 2, x


def by_the_dict(x: Any) -> Any:
    x.__dict__["mark"] = 5
    return x * 2, x


def another_of_an_equal_value(x: Any) -> Any:
    x.mark = [1]
    return x * 2, x


def taken_away(x: Any) -> Any:
    del x.mark
    return x * 2, x


def on_a_result(x: Any) -> Any:
    y = x * 2
    y.mark = 5
    return x, y


def on_the_gradient_of_an_argument(x: Any) -> Any:
    x.grad.mark = 5
    return x * 2, x.grad


def on_a_new_gradient(x: Any) -> Any:
    LEAF.grad = None
    (LEAF * x).sum().backward()
    LEAF.grad.mark = 5
    return x * 2, LEAF.grad


@pytest.mark.parametrize("function", [
    on_an_argument, by_the_dict, another_of_an_equal_value, taken_away, on_a_result, on_the_gradient_of_an_argument,
    on_a_new_gradient], ids=lambda f: f.__name__)
def test_attributes(function: Callable[[Any], Any]) -> None:
    def call(f: Callable[[Any], Any]) -> Any:
        x = torch.ones(1)
        x.grad = torch.ones(1)
        if function is taken_away or function is another_of_an_equal_value:
            x.mark = [2]
        result, marked = f(x)
        return result.item(), getattr(marked, "mark", "none")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = compile(function)
        for _ in range(5):
            assert call(compiled) == call(function)
