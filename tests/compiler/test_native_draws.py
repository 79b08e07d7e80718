"""Random numbers of compiled functions: drawn by native code where it can, as eager code draws them to the last bit."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tapegrad as torch
from tapegrad.compiler import compile

F = torch.nn.functional
f64 = torch.float64
P = torch.tensor([0.1, 0.5, 0.9])
# What is drawn, and whether native code draws it.
DRAWS: dict[str, tuple[Callable[[Any], Any], bool]] = {
    "few normal": (lambda x: x + torch.randn(3), True),
    "one normal": (lambda x: x + torch.randn(1), True),
    "no normal": (lambda x: x.sum() + torch.randn(0).sum(), True),
    "many normal": (lambda x: x + torch.randn(40, 3), True),
    "normal doubles": (lambda x: x + torch.randn(3, dtype=f64), True),
    "of a mean": (lambda x: x + torch.empty(3).normal_(2.0, 0.5), True),
    "like": (lambda x: x + torch.randn_like(x), True),
    "uniform": (lambda x: x + torch.rand(3), True),
    "uniform doubles": (lambda x: x + torch.rand(20, 3, dtype=f64), True),
    "whole numbers": (lambda x: x + torch.randint(0, 5, (3,)), True),
    "an index": (lambda x: x[torch.randint(0, 3, (7,))], True),
    "a permutation": (lambda x: x[torch.randperm(3)], True),
    "dropout": (lambda x: F.dropout(x + 1, 0.5), True),
    "exponential": (lambda x: x + torch.empty(3).exponential_(), True),
    "of probabilities": (lambda x: x + torch.bernoulli(P), True),
    "categories": (lambda x: x + torch.multinomial(P, 2).sum(), True),
    "not used": (lambda x: (torch.randn(5), x * 2)[1], True),
    "several": (lambda x: x * torch.randn(5)[:3] + torch.rand(3) - torch.randn(20)[:3], True),
    "beside a number": (lambda x: x + torch.randn(3), True),
    "so many": (lambda x: x + torch.randn(20000)[:3], False),
    "after a seed": (lambda x: (torch.manual_seed(7), x + torch.randn(3))[1], False),
    "recorded": (lambda x: (W * torch.randn(3) * x).sum(), False),
}
W = torch.ones(3, requires_grad=True)


def played(function: Callable[[Any], Any], between: Callable[[int], None]) -> list[Any]:
    """What calls give, and how they leave the generator."""
    torch.manual_seed(5)
    found = []
    for i in range(12):
        between(i)
        result = function(torch.full((3,), float(i)))
        found.append((result.tolist(), torch.get_rng_state().tolist() if i % 5 == 0 else None))
    return found


def _reseed(i: int) -> None:
    if i in (6, 9):
        torch.manual_seed(i)


BETWEEN: dict[str, Callable[[int], None]] = {
    "": lambda i: None, "seeded": _reseed, "drawn": lambda i: torch.randn(i % 3).sum() and None}


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("name", DRAWS)
def test_they_are_as_written(name: str, between: str) -> None:
    function, natively = DRAWS[name]
    made = compile(function)
    assert played(made, BETWEEN[between]) == played(function, BETWEEN[between])
    assert made.replays, made.explain()
    assert any(way.plainly for way in made._ways) == natively or not made._ways


def test_a_replay_that_is_not_to_be_takes_nothing_from_the_stream() -> None:
    """What it depends on is seen once all was drawn."""
    def step(x: Any) -> Any:
        noise = torch.randn(3)
        return x + noise if x.sum() > 10 else x - noise * 2

    made = compile(step)
    for between in BETWEEN.values():
        assert played(made, between) == played(step, between)
    assert len([v for vs in made.tapes.values() for v in vs]) == 2


def test_probabilities_that_change() -> None:
    """They are numbers that the program has looked at."""
    def played(function: Any) -> Any:
        torch.manual_seed(2)
        P.copy_(torch.tensor([0.1, 0.5, 0.9]))
        found = []
        for i in range(16):
            if i in (6, 11):
                P.mul_(0.5)
            found.append(function(torch.ones(3)).tolist())
        return found, torch.get_rng_state().tolist()

    def step(x: Any) -> Any:
        return x + torch.bernoulli(P) + torch.randn(3)

    assert played(compile(step)) == played(step)


def test_numbers_that_vary_beside_them() -> None:
    def played(function: Any) -> Any:
        torch.manual_seed(2)
        return [function(torch.ones(3), 0.9 ** i).tolist() for i in range(10)], torch.get_rng_state().tolist()

    def step(x: Any, rate: float) -> Any:
        return x * rate + torch.randn(3) * rate + torch.rand(3)

    made = compile(step)
    assert played(made) == played(step)
    assert made.replays >= 7


@pytest.mark.parametrize("step", [
    lambda x, rate: (torch.rand(4), x * rate + torch.rand(5).sum())[1],
    lambda x, rate: (torch.rand(4), x * rate + torch.randint(0, 9, (2, 16)).float().sum() * rate)[1],
    lambda x, rate: (x * rate, torch.randn(3), torch.rand(3), x - rate)[0] + torch.randn(20)[:3] * rate,
    lambda x, rate: torch.where(torch.rand(3) < rate, torch.randn(3), x * rate) + (torch.randn(2), rate)[1],
])
def test_what_nobody_reads_may_lie_where_a_number_goes(step: Any) -> None:
    def played(function: Any) -> Any:
        torch.manual_seed(2)
        return [function(torch.ones(3), 0.9 ** i).tolist() for i in range(10)], torch.get_rng_state().tolist()

    assert played(compile(step)) == played(step)


def test_a_generator_of_ones_own() -> None:
    def played(function: Any) -> Any:
        return [function(torch.ones(3)).tolist() for _ in range(8)]

    def step(generator: Any) -> Any:
        return lambda x: x + torch.randn(3, generator=generator)

    one, other = torch.Generator().manual_seed(3), torch.Generator().manual_seed(3)
    assert played(compile(step(one))) == played(step(other))
    assert one.get_state().tolist() == other.get_state().tolist()
