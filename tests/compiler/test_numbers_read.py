"""Numbers that `item()` takes out of tensors, as operands and in conditions: the program computes them as it goes.

Each program is run call by call as written and compiled, and must do the same to the last bit. `captures` is how often
it may be captured in all calls: twice for each way that its conditions come out, and once before that is known.
"""
from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

import pytest
from call_by_call import adds_to, agree, with_errors

import tapegrad as torch
from tapegrad import nn

CALLS = 16
X = torch.tensor([0.25, -0.5, 1.25])
PROGRAMS: dict[str, tuple[Callable[[Any], Any], int]] = {}
program = adds_to(PROGRAMS)


def of_values(name: str, captures: int, step: Callable[..., Any], scale: Callable[[int], float] = lambda i: i - 5.0
              ) -> None:
    """A function of a tensor whose values are others at each call."""
    def make(wrap: Any) -> Any:
        f = wrap(step)
        return lambda i: f(X * scale(i)), lambda: None

    PROGRAMS[name] = make, captures


of_values("a factor", 3, lambda x: x * x.sum().item())
of_values("what is made of it", 3, lambda x: (x - 2 * abs(-x.sum().item() / 3)) * (1 - x.mean().item()))
of_values("of another dtype", 3, lambda x: [x.to(dtype) * x.sum().item() for dtype in (
    torch.float64, torch.float16, torch.bfloat16, torch.int32)])
of_values("in other places", 3, lambda x: (
    torch.where(x > 0, x.sum().item(), x), x.clamp(max=x.mean().item()), torch.add(x, x, alpha=x.norm().item()),
    torch.lerp(x, -x, x.mean().item()), x.masked_fill(x < 0, x.max().item()), x.clone().fill_(x.min().item())))
of_values("a power", 3, lambda x: x.abs() ** x.mean().item())
of_values("beside what is returned", 3, lambda x: (x * x.sum().item(), x.sum().item() * 2))
of_values("which is larger", 5, lambda x: x * max(x.sum().item(), 1 - x.sum().item()))
of_values("a threshold", 5, lambda x: x * 2 if x.sum().item() > 2.5 else x)
of_values("two of them", 5, lambda x: x * 2 if x[0].item() < x[1].item() else x)
of_values("what is infinite", 7, lambda x: (x, "inf") if not math.isfinite(x.sum().item()) else (x * 2, "fine"),
          lambda i: math.inf if i % 5 == 4 else math.nan if i == 8 else 1.0 + i)
of_values("what is no number", 5, lambda x: x if math.isnan(x.sum().item()) else x * x.sum().item(),
          lambda i: math.nan if i % 5 == 4 else 1.0 + i)
of_values("another than itself", 5, lambda x: x if (v := x.sum().item()) != v else x * v,
          lambda i: math.nan if i % 5 == 4 else 1.0 + i)
of_values("what may fail", 7, lambda x: x * (1 / x.sum().item()), lambda i: float(i % 4))
of_values("a whole number", CALLS, lambda x: x / x.int().sum().item(), lambda i: 4.0 * (i + 1))
of_values("its text", CALLS, lambda x: (f"{x.sum().item():.1f}", x * x.sum().item()))


@program(5)
def mixed_up(wrap):
    torch.manual_seed(0)
    model, criterion = nn.Linear(3, 2), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    mixing = torch.distributions.Beta(0.4, 0.4)

    @wrap
    def step(x, y):
        share, order = mixing.sample().item(), torch.randperm(len(x))
        share = max(share, 1 - share)
        optimizer.zero_grad()
        result = model(share * x + (1 - share) * x[order])
        loss = share * criterion(result, y) + (1 - share) * criterion(result, y[order])
        loss.backward()
        optimizer.step()
        return loss.item()

    x, y = torch.randn(4, 3), torch.tensor([0, 1, 1, 0])
    return lambda i: step(x, y), lambda: list(model.parameters())


@program(4)
def averages_of_weights_and_of_batches(wrap):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4, bias=False), nn.BatchNorm1d(4, momentum=None), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    averaged = torch.optim.swa_utils.AveragedModel(model, use_buffers=True)

    @wrap
    def step(x):
        optimizer.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        averaged.update_parameters(model)
        return loss.item()

    x = torch.randn(5, 3)
    return lambda i: step(x * (i + 1)), lambda: [*model.state_dict().values(), *averaged.state_dict().values()]


@program(3)
def advantages(wrap):
    weight = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)

    @wrap
    def step(x, reward):
        weight.grad = None
        value = (weight * x).sum()
        advantage = reward - value.item()
        (-value * advantage).backward()
        with torch.no_grad():
            weight.sub_(weight.grad, alpha=0.01)
        return advantage

    return lambda i: step(X, 0.5 * i), lambda: (weight, weight.grad)


@program(8)
def the_best_so_far(wrap):
    weight, state = X.clone().requires_grad_(), {"best": math.inf, "since": 0}

    @wrap
    def step(x):
        weight.grad = None
        loss = (weight * x).square().sum()
        loss.backward()
        with torch.no_grad():
            weight.sub_(0.01 * weight.grad)
        if loss.item() < state["best"]:
            state["best"], state["since"] = loss.item(), 0
        else:
            state["since"] += 1

    return lambda i: step(X * (1 + i % 3)), lambda: (weight, state)


@program(4)
def an_average_that_is_used(wrap):
    state = {"mean": 0.0}

    @wrap
    def step(x):
        state["mean"] = 0.9 * state["mean"] + 0.1 * x.mean().item()
        return x - state["mean"]

    return lambda i: step(X * i), lambda: state


@program(3)
def with_a_history(wrap):
    weight = torch.ones(3, requires_grad=True)

    @wrap
    def loss(x):
        share = x.sum().item()
        return (share * weight * x).sum() + (1 - share) * weight.square().sum()

    def call(i):
        weight.grad = None
        found = loss(X * i)
        found.backward()
        return found

    return call, lambda: weight.grad


@program(4)
def what_breaks_off_behind_it(wrap):
    kept, which = torch.zeros(3), torch.tensor([0])

    @wrap
    def step(x):
        kept.mul_(x.sum().item()).add_(1)
        return x[which]

    def call(i):
        which.fill_(9 if i % 6 == 5 else 1)
        return step(X)

    return call, lambda: kept


def shown(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return str(value.dtype), value.requires_grad, [shown(x) for x in value.detach().double().flatten().tolist()]
    if isinstance(value, dict):
        return [(key, shown(x)) for key, x in value.items()]
    if isinstance(value, (list, tuple)):
        return [shown(x) for x in value]
    return (struct.pack("d", value) if value == value else "nan") if type(value) is float else (type(value), value)


@pytest.mark.parametrize("name", PROGRAMS)
def test_calls_are_as_written(name):
    make, captures = PROGRAMS[name]
    for function in agree(make, CALLS, with_errors(shown, IndexError, ZeroDivisionError)):
        assert function.captures <= captures, function.explain()
        assert captures == CALLS or function.replays, function.explain()
