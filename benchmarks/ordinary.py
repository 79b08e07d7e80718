"""Ordinary programs, compiled: the programs people write, with classes, lists, optimisers, schedules and counters.

A program is `make(torch, step, model)`: it wraps its step with the one, its model with the other, and returns what runs
one step, or one epoch. `compile` in the place of either, against neither, by tapegrad alone.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from benchmarks.harness import Function, Measured, fastest, figure, libraries

Wrap = Callable[[Any], Any]
PROGRAMS: dict[str, Callable[[Any, Wrap, Wrap], Function]] = {}
WARM = 12  # calls after which whatever can be a program is one


def program(make: Callable[[Any, Wrap, Wrap], Function]) -> Callable[[Any, Wrap, Wrap], Function]:
    """Register a program, and its figures: the whole step compiled, and the model alone."""
    name, said = make.__name__, (make.__doc__ or "").split("\n")[0].rstrip(".")
    PROGRAMS[name] = make
    for step in (True, False):
        def measure(step: bool = step) -> Measured:
            return ratio(name, step)

        measure.__name__, measure.__module__ = f"ordinary_{name}" + "_model" * (not step), make.__module__
        what = "a whole step" if step else "the model alone"
        title = f"{said if said[1:2].isupper() else said[0].lower() + said[1:]}: {what} compiled ÷ as written"
        figure(title, "s", must=1.0, aim=0.7 if step else 0.6)(measure)
    return make


@program
def linear(torch: Any, step: Wrap, model: Wrap) -> Function:
    """Linear regression by hand, a rate that decays."""
    x, w, b = torch.randn(256, 8), torch.zeros(8, requires_grad=True), torch.zeros(1, requires_grad=True)
    y = x @ torch.arange(8.0) + 0.5
    predict = model(lambda x: x @ w + b)

    @step
    def train(rate: float) -> Any:
        loss = ((predict(x) - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            for p in (w, b):
                p -= rate * p.grad
                p.grad = None
        return loss.detach()

    count = 0

    def run() -> Any:
        nonlocal count
        count += 1
        return train(0.05 / (1 + 1e-4 * count))

    return run


@program
def logistic(torch: Any, step: Wrap, model: Wrap) -> Function:
    """Logistic regression with minibatches, the last of which is smaller; an epoch."""
    x = torch.randn(500, 20)
    y = (x.sum(1) > 0).float()
    w, b = torch.zeros(20, requires_grad=True), torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w, b], lr=0.1)
    logits = model(lambda x: x @ w + b)

    @step
    def train(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits(x), y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    def run() -> Any:
        for i in range(0, 500, 64):
            loss = train(x[i:i + 64], y[i:i + 64])
        return loss

    return run


class Mlp:
    """A network as a class with lists of weights."""

    def __init__(self, torch: Any, sizes: list[int]) -> None:
        self.weights = [(torch.randn(n, m) / math.sqrt(n)).requires_grad_() for n, m in pairwise(sizes)]
        self.biases = [torch.zeros(m, requires_grad=True) for m in sizes[1:]]

    def parameters(self) -> list[Any]:
        return [*self.weights, *self.biases]

    def __call__(self, x: Any) -> Any:
        for i in range(len(self.weights)):
            x = x @ self.weights[i] + self.biases[i]
            if i < len(self.weights) - 1:
                x = x.tanh()
        return x


def mlp(torch: Any, step: Wrap, model: Wrap, layers: int, make_optimizer: Callable[[Any], Any], decays: bool
        ) -> Function:
    net = Mlp(torch, [16, *[32] * (layers - 1), 4])
    x, y = torch.randn(32, 16), torch.randn(32, 4)
    optimizer = make_optimizer(net.parameters())
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9999) if decays else None
    predict = model(lambda x: net(x))

    @step
    def train(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(predict(x), y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    def run() -> Any:
        loss = train(x, y)
        if schedule is not None:
            schedule.step()
        return loss

    return run


@program
def mlp_momentum(torch: Any, step: Wrap, model: Wrap) -> Function:
    """A network in a class, SGD with momentum."""
    return mlp(torch, step, model, 5, lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9), False)


@program
def mlp_schedule(torch: Any, step: Wrap, model: Wrap) -> Function:
    """The same with Adam and a schedule."""
    return mlp(torch, step, model, 5, lambda p: torch.optim.Adam(p, lr=1e-3), True)


@program
def mlp_deep(torch: Any, step: Wrap, model: Wrap) -> Function:
    """The same with 20 layers, which are 40 parameters."""
    return mlp(torch, step, model, 20, lambda p: torch.optim.SGD(p, lr=1e-3), False)


@program
def rnn(torch: Any, step: Wrap, model: Wrap) -> Function:
    """A recurrent network from scratch, with an optimiser from scratch that counts its steps."""
    wx, wh, wo = ((torch.randn(*s) * 0.2).requires_grad_() for s in ((8, 24), (24, 24), (24, 4)))
    x, y = torch.randn(12, 8, 8), torch.randn(8, 4)

    class Adam:
        def __init__(self, parameters: list[Any], lr: float) -> None:
            self.parameters, self.lr, self.t = parameters, lr, 0
            self.m, self.v = ([torch.zeros_like(p) for p in parameters] for _ in range(2))

        def step(self) -> None:
            self.t += 1
            rate = self.lr * math.sqrt(1 - 0.999 ** self.t) / (1 - 0.9 ** self.t)
            with torch.no_grad():
                for p, m, v in zip(self.parameters, self.m, self.v):
                    m.mul_(0.9).add_(p.grad, alpha=0.1)
                    v.mul_(0.999).addcmul_(p.grad, p.grad, value=0.001)
                    p.addcdiv_(m, v.sqrt().add_(1e-8), value=-rate)
                    p.grad = None

    optimizer = Adam([wx, wh, wo], 1e-3)

    @model
    def predict(x: Any) -> Any:
        h = torch.zeros(8, 24)
        for t in range(12):
            h = torch.tanh(x[t] @ wx + h @ wh)
        return h @ wo

    @step
    def train() -> Any:
        loss = ((predict(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return train


@program
def pinn(torch: Any, step: Wrap, model: Wrap) -> Function:
    """A physics-informed network: second derivatives."""
    net = Mlp(torch, [1, 20, 20, 1])
    x = torch.linspace(0, 1, 64).reshape(-1, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

    @model
    def residual(x: Any) -> Any:
        x = x.clone().requires_grad_()
        u = net(x)
        first, = torch.autograd.grad(u.sum(), x, create_graph=True)
        second, = torch.autograd.grad(first.sum(), x, create_graph=True)
        return second + math.pi ** 2 * torch.sin(math.pi * x.detach())

    @step
    def train() -> Any:
        optimizer.zero_grad()
        loss = residual(x).pow(2).mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return train


@program
def attention(torch: Any, step: Wrap, model: Wrap) -> Function:
    """One attention block with its feed-forward, as modules, Adam."""
    width, heads = 32, 4

    class Block(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv, self.out = torch.nn.Linear(width, 3 * width), torch.nn.Linear(width, width)
            self.norm, self.feed = torch.nn.LayerNorm(width), torch.nn.Sequential(
                torch.nn.Linear(width, 2 * width), torch.nn.GELU(), torch.nn.Linear(2 * width, width))

        def forward(self, x: Any) -> Any:
            n, t, _ = x.shape
            q, k, v = (y.view(n, t, heads, -1).transpose(1, 2) for y in self.qkv(self.norm(x)).chunk(3, -1))
            weights = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(width / heads), -1)
            x = x + self.out((weights @ v).transpose(1, 2).reshape(n, t, width))
            return x + self.feed(x)

    block = Block()
    x, y = torch.randn(4, 16, width), torch.randn(4, 16, width)
    optimizer = torch.optim.Adam(block.parameters(), lr=1e-3)
    predict = model(lambda x: block(x))

    @step
    def train(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(predict(x), y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return lambda: train(x, y)


def as_written(f: Any) -> Any:
    return f


def ratio(name: str, step: bool, seconds: float = 0.7) -> Measured:
    """One program compiled, as a whole step or its model alone, and as written."""
    import tapegrad

    ours, *_ = libraries()

    def compiled(f: Any) -> Any:
        return tapegrad.compile(f, eager_build=True)

    functions = []
    for wrap in (compiled, as_written):
        ours.manual_seed(0)
        made = PROGRAMS[name](ours, wrap if step else as_written, as_written if step else wrap)
        for _ in range(WARM):
            made()
        functions.append(made)
    return Measured(*fastest(functions, seconds))

