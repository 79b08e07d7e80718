"""What a call leaves behind without Python: its result, gradients, versions, and the numbers that it draws."""
from __future__ import annotations

import threading
import weakref
from typing import Any

import pytest
import test_compile as base

import tapegrad as torch
from tapegrad.compiler import compile

CALLS = 8


def both(make: Any, argument: Any = lambda i: (torch.ones(3) * i,)) -> tuple[Any, list[Any]]:
    """A function compiled, and what its calls gave; asserted to be what they give as it is written."""
    found = []
    for wrap in (lambda f: f, compile):
        torch.manual_seed(5)
        function = wrap(make())
        found.append([base.observed(function(*argument(i))) for i in range(CALLS)] + [base.observed(torch.rand(2))])
    assert found[0] == found[1]
    assert function.captures <= 3 and function._ways, function.explain()
    return function, found[1]


def returning(result: Any) -> Any:
    return lambda: lambda x: result(x, x * 2)


W = torch.tensor([1.0, 2.0, 3.0])


@pytest.mark.parametrize("result", [
    lambda x, y: y, lambda x, y: x, lambda x, y: W, lambda x, y: y.detach(), lambda x, y: y[1:],
    lambda x, y: y[1:].sum(),
    lambda x, y: None, lambda x, y: False, lambda x, y: True, lambda x, y: 3, lambda x, y: (), lambda x, y: (1, "a"),
    lambda x, y: [], lambda x, y: {}, lambda x, y: (y,), lambda x, y: (y, y), lambda x, y: (y, y.view(3, 1)),
    lambda x, y: (x, y, W), lambda x, y: [y, (x, {"w": W})], lambda x, y: (y[:1], y[1:]), lambda x, y: (y.sum(), y[0]),
    lambda x, y: (y, 3), lambda x, y: y.unsqueeze(0), lambda x, y: y.expand(2, 3), lambda x, y: y.add_(1),
    lambda x, y: y.sum().item(), lambda x, y: (y, y.sum().item()), lambda x, y: torch.ones(2),
])
def test_results_are_as_written(result):
    both(returning(result))


def test_which_objects_are_one_is_kept():
    def f(x: Any, rate: float) -> Any:
        several = [x * rate, x]
        return several, {"again": several, "rate": rate * 2}

    function = compile(f)
    for i in range(CALLS):
        x = torch.ones(2)
        first, rest = function(x, 0.5 * i)
        assert rest["again"] is first and first[1] is x and rest["rate"] == i and first[0].tolist() == [0.5 * i] * 2
    assert function.captures <= 4


def test_gradients_are_put_on_leaves_and_taken_away():
    w, v, z = (torch.ones(2, requires_grad=True) for _ in range(3))
    z.grad = torch.ones(2)

    @compile
    def step(x: Any) -> Any:
        w.grad = v.grad = None
        loss = (w * x).sum() * v.sum()
        loss.backward()
        v.grad = None
        return loss.detach()

    old: list[Any] = []
    for i in range(CALLS):
        v.grad = torch.ones(2)
        before = w.grad
        assert step(torch.ones(2) * i).item() == 4.0 * i
        assert w.grad.tolist() == [2.0 * i] * 2 and v.grad is None and w.grad is not before
        assert w.grad.is_leaf and not w.grad.requires_grad
        old.append(weakref.ref(w.grad))
        del before
    assert step._ways and z.grad.tolist() == [1.0, 1.0]
    assert [r() is not None for r in old] == [False] * (CALLS - 1) + [True]


def test_how_often_a_result_was_written_to_is_told():
    def f(x: Any) -> Any:
        y = x * 2
        y.add_(1)
        y.mul_(3)
        return y

    function = compile(f)
    assert {function(torch.ones(2))._version for _ in range(CALLS)} == {f(torch.ones(2))._version}


def test_results_do_not_share_memory_between_calls():
    function = compile(lambda x: ((x * 2).detach(), (x + 1)[1:]))
    kept = [function(torch.ones(3) * i) for i in range(CALLS)]
    assert [(a.tolist(), b.tolist()) for a, b in kept] == [([2.0 * i] * 3, [i + 1.0] * 2) for i in range(CALLS)]


def test_results_are_let_go():
    held = torch.ones(100_000)
    function = compile(lambda x: (x * held, held, (x + 1)[1:]))
    for _ in range(CALLS):
        function(held * 2)
    refs = [weakref.ref(t) for _ in range(20) for t in function(held * 2) if t is not held]
    assert len(refs) == 40 and all(r() is None for r in refs)


DRAWS = [
    lambda x: x + torch.randn(3), lambda x: x + torch.rand(3) + torch.randn(40)[:3], lambda x: torch.rand(3),
    lambda x: (x * torch.randn_like(x), torch.randint(0, 9, (4,)), torch.randperm(5)),
    lambda x: torch.nn.functional.dropout(x, 0.5), lambda x: torch.bernoulli(torch.ones(3) * 0.5) + x,
    lambda x: x + torch.normal(x * 0, 2.0), lambda x: torch.empty(3).exponential_() + x, lambda x: torch.randn(()) * x,
    lambda x: (torch.randn(3), x.sum().item()), lambda x: (torch.manual_seed(3), torch.rand(2) + x[:2])[1],
    lambda x: torch.multinomial(torch.ones(4), 2) + x[:2],
]


@pytest.mark.parametrize("draw", DRAWS)
def test_draws_are_those_of_the_function_as_written(draw):
    torch.manual_seed(1)
    expected = [base.observed(draw(torch.ones(3) * i)) for i in range(CALLS)] + [base.observed(torch.rand(2))]
    torch.manual_seed(1)
    function = compile(draw)
    found = [base.observed(function(torch.ones(3) * i)) for i in range(CALLS)] + [base.observed(torch.rand(2))]
    assert found == expected


def test_draws_are_native():
    function, _ = both(lambda: lambda x: x + torch.randn(3))
    assert function._ways[0].plainly and function.fallbacks == 0


def test_a_draw_before_a_branch_is_drawn_once():
    def make() -> Any:
        return lambda x: x * 2 if torch.rand(()) < 0.5 else x + torch.rand(3)

    found = []
    for wrap in (lambda f: f, compile):
        torch.manual_seed(5)
        function = wrap(make())
        found.append([base.observed(function(torch.ones(3))) for _ in range(60)] + [base.observed(torch.rand(2))])
    assert found[0] == found[1] and function.replays > 40 and len(function._ways) == 2


def test_numbers_that_vary_beside_draws():
    both(lambda: lambda x, rate: (x * rate + torch.randn(3), rate / 3), lambda i: (torch.ones(3), 0.25 + i))


def test_sizes_that_take_turns_are_all_native():
    w = torch.ones(4, requires_grad=True)

    @compile
    def step(x: Any) -> Any:
        w.grad = None
        loss = (x @ w).sum()
        loss.backward()
        return loss.detach()

    data = torch.arange(40.0).reshape(10, 4)
    for _ in range(6):
        for i in range(0, 10, 4):
            x = data[i:i + 4]
            assert step(x).item() == x.sum().item() and w.grad.tolist() == x.sum(0).tolist()
    assert len(step._ways) == 2 and step.captures == 4


def test_threads_share_a_function_that_draws():
    noise = compile(lambda x: (x, torch.randn(500) * 0 + x[0]))
    for _ in range(4):
        noise(torch.ones(2))
    wrong: list[Any] = []

    def work(k: int) -> None:
        for i in range(300):
            given = torch.ones(2) * (k * 1000 + i)
            x, found = noise(given)
            if x is not given or found.tolist() != [float(k * 1000 + i)] * 500:
                wrong.append((k, i))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong and noise._ways
