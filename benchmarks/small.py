"""Small tensors: what recording and replaying costs when the arithmetic costs nothing."""
from __future__ import annotations

import functools
import time
from typing import Any

from benchmarks.harness import Function, Measured, compare, fastest, figure, libraries

ROUNDS = 333  # of three operations


def chain(torch: Any, n: int) -> Function:
    """999 recorded operations on n float64 elements, one after another, and their backward."""
    x = torch.full((n,), 0.5, dtype=torch.float64, requires_grad=True)
    w = torch.full((n,), 0.9, dtype=torch.float64, requires_grad=True)
    seed = torch.ones(n, dtype=torch.float64)

    def run() -> Any:
        y = x
        for _ in range(ROUNDS):
            y = y * w
            y = y + x
            y = torch.sin(y)
        y.backward(seed)
        gradient, x.grad, w.grad = x.grad, None, None
        return gradient

    return run


@figure("recorded operation, forward + backward, 1 element", "s", must=0.25, aim=0.08)
def chain_1() -> Measured:
    return compare(lambda torch: chain(torch, 1), per=3 * ROUNDS)


@figure("recorded operation, forward + backward, 100 elements", "s", must=0.25, aim=0.08)
def chain_100() -> Measured:
    return compare(lambda torch: chain(torch, 100), per=3 * ROUNDS)


def regression(torch: Any, epochs: int = 50) -> Function:
    """The tutorial's straight line through 120 points, by gradient descent."""
    torch.manual_seed(42)
    xs = torch.randn(120)
    ys = 2 * xs + 3
    rate = 0.1

    def run() -> Any:
        b = torch.zeros(1, requires_grad=True)
        w = torch.zeros(1, requires_grad=True)
        for _ in range(epochs):
            error = ys - (b + w * xs)
            loss = (error ** 2).mean()
            loss.backward()
            with torch.no_grad():
                b -= rate * b.grad
                w -= rate * w.grad
            b.grad.zero_()
            w.grad.zero_()
        return w

    return run


@figure("tutorial's regression, an epoch", "s", must=0.20, aim=0.08)
def regression_epoch() -> Measured:
    return compare(regression, per=50)


@figure("reverse replay alone, a scalar instruction", "s", must=60e-9, aim=12e-9, by="value")
def replay() -> Measured:
    """The chain's operations without recording, marking and settling; PyTorch's `backward` does not come apart."""
    n = 3 * 33_333
    found = [_replay_seconds() / n]
    for torch in libraries()[1:]:
        backward = functools.partial(_recorded(torch).backward, retain_graph=True)
        found.append(fastest([backward], seconds=1.0)[0] / n)
    return Measured(*found)


def _recorded(torch: Any) -> Any:
    x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    w = torch.tensor(0.9, dtype=torch.float64, requires_grad=True)
    y = x
    for _ in range(33_333):
        y = y * w
        y = y + x
        y = torch.sin(y)
    return y


def _replay_seconds() -> float:
    import tapegrad
    from tapegrad.autograd import engine

    y = _recorded(tapegrad)
    y.backward(retain_graph=True)  # compiles the adjoints
    workspace = engine.machine.workspace()
    best = float("inf")
    for _ in range(50):
        engine.mark(workspace, [y._buffer], None)
        engine.add_adjoint(workspace, y._buffer, tapegrad.ones((), dtype=tapegrad.float64))
        start = time.perf_counter()
        engine.call.replay_unlocked(workspace.address, 0)
        best = min(best, time.perf_counter() - start)
        engine.call.finish(workspace.address, 1)
    engine.machine.give_back(workspace)
    return best
