"""Options of functions that are others at each call, as a schedule sets them: the rate of a dropout, label smoothing.

What is drawn with such a number is drawn with it at each replay, from the same place in the stream.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from call_by_call import adds_to, agree, with_errors

import tapegrad as torch
from tapegrad import nn

CALLS = 16
F = nn.functional
X = torch.ones(3, 20)
LOGITS, CLASSES = torch.arange(12.0).reshape(3, 4).sin(), torch.tensor([0, -100, 3])
PROGRAMS: dict[str, tuple[Callable[[Any], Any], int]] = {}
program = adds_to(PROGRAMS)


def rate(i: int) -> float:
    return 0.05 + 0.05 * i


def of_rates(name: str, captures: int, step: Callable[..., Any], rates: Callable[[int], Any] = rate) -> None:
    def make(wrap: Any) -> Any:
        f = wrap(step)
        return lambda i: f(X + i, rates(i)), lambda: None

    PROGRAMS[name] = make, captures


of_rates("dropout", 3, F.dropout)
of_rates("of all kinds", 3, lambda x, p: (
    F.alpha_dropout(x, p, True), F.dropout1d(x, p), F.feature_alpha_dropout(x, p, True), torch.dropout(x, p, True),
    F.dropout2d(x[..., None, None], p), F.dropout(x.double(), p), F.dropout(x.half(), p)))
of_rates("in place", 3, lambda x, p: (F.dropout(x, p, inplace=True), x * 2)[1])
of_rates("between other draws", 3, lambda x, p: (torch.rand(3), F.dropout(x, p), F.dropout(x, 0.3), torch.randn(2)))
of_rates("what is made of it", 6, lambda x, p: F.dropout(x, min(0.5, p * p)))
of_rates("at its ends", 9, F.dropout, lambda i: 0.0 if i % 5 == 3 else 1.0 if i % 5 == 4 else rate(i))
of_rates("beyond them", 9, F.dropout, lambda i: 1.5 if i % 5 == 3 else -0.5 if i % 5 == 4 else rate(i))
of_rates("out of a tensor", CALLS, lambda x, p: F.dropout(x, (x[0, 0] / 40).item()))
of_rates("smoothing", 3, lambda x, p: [
    F.cross_entropy(LOGITS, target, weight, reduction=reduction, label_smoothing=p)
    for target in (CLASSES, LOGITS.softmax(1)) for weight in (None, X[0, :4] / 3) for reduction in ("mean", "none")])
of_rates("smoothing at its ends", 9, lambda x, p: F.cross_entropy(LOGITS, CLASSES, label_smoothing=p),
         lambda i: (0.0, 1.0, 1.5, 0.2, 0.3)[i % 5])


@program(6)
def a_schedule_of_both(wrap):
    model = nn.Sequential(nn.Linear(20, 8), nn.Dropout(0.5), nn.Linear(8, 4))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    @wrap
    def step(x, y):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    def call(i):
        model[1].p, criterion.label_smoothing = rate(i), 0.2 - i / 100
        return step(X, CLASSES)

    return call, lambda: list(model.parameters())


@program(3)
def with_a_history(wrap):
    weight = torch.ones(20, requires_grad=True)
    loss = wrap(lambda x, p: F.dropout(x * weight, p).pow(3).sum())

    def call(i):
        weight.grad = None
        again = i % 6 == 5  # which draws the same numbers once more
        slope, = torch.autograd.grad(loss(X, rate(i)), weight, create_graph=again)
        if again:
            slope.sum().backward()
        return slope, weight.grad

    return call, lambda: None


@program(4)
def what_breaks_off_behind_it(wrap):
    which = torch.tensor([0])
    step = wrap(lambda x, p: F.dropout(x, p)[which])

    def call(i):
        which.fill_(9 if i % 6 == 5 else 1)
        return step(X, rate(i))

    return call, lambda: None


def shown(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return str(value.dtype), value.tolist()
    return [shown(x) for x in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("name", PROGRAMS)
def test_calls_are_as_written(name):
    make, captures = PROGRAMS[name]

    def made(wrap: Any) -> Any:
        torch.manual_seed(0)
        call, state = make(wrap)
        return call, lambda: (state(), torch.get_rng_state())

    for function in agree(made, CALLS, with_errors(shown, IndexError, ValueError, RuntimeError)):
        assert function.captures <= captures, function.explain()
        assert captures == CALLS or function.replays, function.explain()
