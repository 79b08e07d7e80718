"""Derivatives inside of what is differentiated, in every nesting: what depends on what, and what is recorded."""
from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from typing import Any

import pytest
from own_functions import Cube

import tapegrad as torch
from tapegrad.machine.live import call, machine

P, Q = torch.tensor([1.5, 0.5], dtype=torch.float64), torch.tensor([2.0, 3.0], dtype=torch.float64)
MODES = {"r": torch.func.grad, "f": torch.func.jacfwd}
NESTINGS = list(itertools.product("rf", repeat=2))


def compacted(x: Any) -> Any:
    """The same tensor, while the tape is compacted."""
    call.reclaim()
    return x


def through_parts(p: Any, q: Any) -> Any:
    return torch.stack([p[0] * q[0] ** 3, p[1] * q[1] ** 3]).sum()


# An inner function of p and q, where it is differentiated, and what of that is differentiated by p; the derivative.
INSIDE: dict[str, tuple[Callable[..., Any], Callable[[Any], Any], Callable[..., Any], Callable[[Any], Any]]] = {
    "closes over": (lambda p, q: (p * q ** 3).sum(), lambda p: Q, lambda p, g: (g * p).sum(), lambda p: 6 * p * Q ** 2),
    "at what depends": (lambda p, q: (q ** 3).sum(), lambda p: p * Q, lambda p, g: g.sum(),
                        lambda p: 6 * p * Q ** 2),
    "both": (lambda p, q: (p * q ** 2).sum(), lambda p: p.sin(), lambda p, g: g.sum(),
             lambda p: 2 * p.sin() + 2 * p * p.cos()),
    "neither": (lambda p, q: (q ** 3).sum(), lambda p: Q, lambda p, g: (g * p).sum(), lambda p: 3 * Q ** 2),
    "value alone depends": (lambda p, q: (p * p).sum() - (q * q).sum(), lambda p: Q, lambda p, g: (g * p).sum(),
                            lambda p: -2 * Q),
    "behind a history": (lambda p, q: ((p.exp() - p).log() * q).sum(), lambda p: Q, lambda p, g: g.sum(),
                         lambda p: (p.exp() - 1) / (p.exp() - p)),
    "parts": (through_parts, lambda p: Q, lambda p, g: (g * p).sum(), lambda p: 6 * p * Q ** 2),
    "compacted": (lambda p, q: compacted((p * compacted(q * 1) ** 3).sum()), lambda p: Q,
                  lambda p, g: compacted((g * p).sum()), lambda p: 6 * p * Q ** 2),
}


@pytest.mark.parametrize("modes", NESTINGS, ids="".join)
@pytest.mark.parametrize("case", INSIDE)
def test_a_derivative_of_what_has_one_inside_is_right_in_every_nesting(case: str, modes: tuple[str, str]) -> None:
    function, at, outside, expected = INSIDE[case]
    outer, inner = (MODES[m] for m in modes)

    def whole(p: Any) -> Any:
        return outside(p, inner(lambda q: function(p, q))(at(p)))

    for _ in range(3):  # the first is learnt from
        found = outer(whole)(P)
        torch.testing.assert_close(found, expected(P))
    assert not found.requires_grad


@pytest.mark.parametrize("modes", NESTINGS, ids="".join)
@pytest.mark.parametrize("case", [case for case in INSIDE if case != "compacted"])
def test_it_is_captured_as_it_runs(case: str, modes: tuple[str, str]) -> None:
    function, at, outside, expected = INSIDE[case]
    outer, inner = (MODES[m] for m in modes)
    run = torch.compile(outer(lambda p: outside(p, inner(lambda q: function(p, q))(at(p)))))
    for n in range(1, 6):
        torch.testing.assert_close(run(P * n), expected(P * n))
    assert run.replays


def test_what_is_captured_is_differentiated_natively() -> None:
    """Captured first, for it is long: with Python's steps a capture took ten times as long as a run."""
    def descended(q: Any, steps: int) -> Any:
        for _ in range(steps):
            q = q - 0.017 * torch.func.grad(lambda q: (P * q ** 2).sum().exp())(q)
            x = q.detach().requires_grad_()
            q = q - 0.018 * torch.autograd.grad((P * x).sum().sin(), x, create_graph=True)[0].detach()
        return q

    def pythons(steps: int) -> int:
        found = 0

        def look(frame: Any, event: str, argument: Any) -> None:
            nonlocal found
            found += event == "call" and frame.f_code.co_name in ("_run", "by_rule", "replay_recorded")

        run = torch.compile(lambda q: descended(q, steps))
        sys.setprofile(look)
        try:
            run(Q / 10)
        finally:
            sys.setprofile(None)
        return found

    pythons(3)  # is learnt from
    assert pythons(30) == pythons(5) == 0


def test_whether_a_derivative_is_recorded_does_not_depend_on_when_the_tape_is_compacted() -> None:
    p = P.clone().requires_grad_()
    derivative = torch.func.grad(lambda q: (p * p).sum() - (q * q).sum())
    for later in range(20):
        machine.state["sweep_at"] = machine.state["n_instructions"] + later
        assert not derivative(Q).requires_grad


@pytest.mark.parametrize("mode", MODES)
def test_what_does_not_depend_on_others_leaves_a_level_without_a_history(mode: str) -> None:
    p = P.clone().requires_grad_()
    assert not MODES[mode](lambda q: (q * q).sum())(Q).requires_grad
    assert not MODES[mode](lambda q: (p * p).sum() - (q * q).sum())(Q).requires_grad
    assert MODES[mode](lambda q: (p * q).sum())(Q).requires_grad
    older = p * 2
    assert MODES[mode](lambda q: older.sum() * q.sum())(Q).requires_grad
    assert torch.func.grad_and_value(lambda q: older.sum() + q.sum())(Q)[1].requires_grad


@pytest.mark.parametrize("modes", list(itertools.product("rf", repeat=3)), ids="".join)
def test_three_levels(modes: tuple[str, ...]) -> None:
    third, second, first = (MODES[m] for m in modes)
    found = third(lambda x: second(lambda y: first(lambda z: x ** 2 * y ** 3 * z ** 4)(x * y))(x))(P[0])
    torch.testing.assert_close(found, 240 * P[0] ** 9)  # by z at xy: 4 x⁵ y⁶; by y at x: 24 x¹⁰; by x


def hooked(x: Any) -> Any:
    y = x * x
    y.register_hook(lambda g: g * g)
    return y.sin()


def retained(x: Any) -> Any:
    y = x * x
    y.retain_grad()
    return y.sin()


def written(x: Any) -> Any:
    y = x * 1
    y[0] = x[1] * x[0]
    return y * x


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "custom": lambda x: Cube.apply(x * x), "hook": hooked, "retain": retained, "write": written,
    "parts": lambda x: x[0] * x + x[1] * x.flip(0), "itself": lambda x: x * 1,
    "unbind": lambda x: torch.stack([a * b for a, b in zip(x.unbind(), x.exp().unbind())]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_where_python_takes_a_step_a_recorded_gradient_goes_on(name: str) -> None:
    def derivatives() -> list[Any]:
        x = P.clone().requires_grad_()
        y = FUNCTIONS[name](x)
        seed = torch.ones_like(y).requires_grad_()
        g, h = torch.autograd.grad(y, (x, x), seed, create_graph=True)
        assert g is h
        return [g, *torch.autograd.grad(g.sum(), (seed,), create_graph=True)]

    with torch.autograd.detect_anomaly(check_nan=False):
        expected = derivatives()
    for _ in range(2):
        for found, wanted in zip(derivatives(), expected):
            torch.testing.assert_close(found, wanted, rtol=0, atol=0)


def test_a_recorded_gradient_of_several_roots_and_inputs() -> None:
    x, y, z = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (2.0, 3.0, 4.0))
    first, second = x * y * y, x.sin()
    found = torch.autograd.grad((first, second, first), (x, first, y, z), (None, y * 1, y), create_graph=True,
                                allow_unused=True)
    assert found[3] is None
    torch.testing.assert_close(found[0], (1 + y) * y * y + y * x.cos())
    torch.testing.assert_close(found[1], 1 + y)
    torch.testing.assert_close(found[2], (1 + y) * 2 * x * y)
    with pytest.raises(RuntimeError, match="appears to not have been used"):
        torch.autograd.grad(first, (x, z), create_graph=True)
    with torch.no_grad():
        assert torch.autograd.grad(x * y if torch.is_grad_enabled() else first, x, create_graph=True)[0].requires_grad


def test_what_is_refused_leaves_everything_as_before() -> None:
    x = P.clone().requires_grad_()

    def refused(y: Any, message: str) -> None:
        with pytest.raises((RuntimeError, ValueError), match=message):
            torch.autograd.grad(y.sum(), x, create_graph=True)
        torch.testing.assert_close(torch.autograd.grad((x ** 3).sum(), x, create_graph=True)[0], 3 * x * x)

    z = x.exp()
    y = z * z
    with torch.no_grad():
        z.mul_(2)
    refused(y, "modified by an inplace operation")
    y = (x * x).sin()
    y.sum().backward()
    refused(y, "second time")
    x.grad = None

    class Fails(Cube):
        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            raise ValueError("as it was told to")

    refused(Fails.apply(x * x) * x, "as it was told to")
