"""The tutorial's regression with its training step compiled: the same lines, and the same numbers, many times faster.

    python examples/compiled_tutorial.py
"""
from __future__ import annotations

import time

import tapegrad as torch


def data():
    torch.manual_seed(42)
    b = torch.randn(1, requires_grad=True)
    w = torch.randn(1, requires_grad=True)
    x = torch.randn(120)
    return b, w, x, 2 * x + 3


def training_step(b, w, x, y, rate=0.1):
    """One epoch as a function without arguments: what it reads, it reads by name."""

    def step():
        error = y - (b + w * x)
        loss = (error ** 2).mean()
        loss.backward()
        with torch.no_grad():
            b.sub_(rate * b.grad)
            w.sub_(rate * w.grad)
        b.grad.zero_()
        w.grad.zero_()
        return loss.detach()

    return step


def train(step, epochs=200):
    """Run a step; returns the losses and the seconds per epoch over the last half."""
    losses = [step().item() for _ in range(epochs // 2)]
    start = time.perf_counter()
    losses += [step() for _ in range(epochs // 2)]
    seconds = (time.perf_counter() - start) / (epochs // 2)
    return [float(v) for v in losses], seconds


def main():
    for name, wrap in (("as written", lambda f: f), ("compiled", torch.compile)):
        b, w, x, y = data()
        step = wrap(training_step(b, w, x, y))
        losses, seconds = train(step)
        print(f"{name}: w {w.item():.6f}, b {b.item():.6f}, loss {losses[-1]:.3g}, {seconds * 1e6:.1f} µs an epoch")
    print(step.explain())
    print(step.tape.dump())


if __name__ == "__main__":
    main()
