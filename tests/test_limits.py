"""Sizes that no machine has are errors, and a tape may be full for a while."""
from __future__ import annotations

import pytest

import tapegrad as torch
from tapegrad import errors

one = torch.ones(1)
HUGE = 2 ** 52


@pytest.mark.parametrize("make", [
    lambda: torch.empty(HUGE), lambda: torch.ones(2 ** 58), lambda: torch.zeros(2 ** 60), lambda: torch.rand(HUGE),
    lambda: torch.randn(HUGE), lambda: torch.arange(HUGE), lambda: torch.eye(2 ** 30), lambda: torch.randperm(HUGE),
    lambda: one.expand(HUGE).clone(), lambda: one.expand(HUGE) + 1, lambda: one.repeat(HUGE),
    lambda: torch.cat([one.expand(HUGE)] * 2), lambda: one.new_empty(HUGE), lambda: torch.linspace(0, 1, HUGE),
    lambda: torch.outer(one.expand(2 ** 30), one.expand(2 ** 30)),
    lambda: one.clone().requires_grad_().expand(HUGE).exp(),
])
def test_no_memory(make):
    with pytest.raises(RuntimeError, match="can't allocate memory: you tried to allocate") as caught:
        make()
    assert isinstance(caught.value, MemoryError) and isinstance(caught.value, errors.OutOfMemoryError)


@pytest.mark.parametrize("make, words", [
    (lambda: torch.empty(2 ** 61), "Storage size calculation overflowed"),
    (lambda: torch.zeros(2 ** 40, 2 ** 40), "Storage size calculation overflowed"),
    (lambda: one.expand(2 ** 40, 2 ** 40), "numel: integer multiplication overflow"),
    (lambda: torch.empty(-1), "negative dimension"), (lambda: torch.rand(2, -1), "negative dimension"),
])
def test_sizes_that_are_none(make, words):
    with pytest.raises(RuntimeError, match=words):
        make()


def test_what_failed_leaves_the_rest_right():
    for _ in range(20):
        with pytest.raises(MemoryError):
            torch.empty(HUGE)
    x = torch.ones(2, requires_grad=True)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]
