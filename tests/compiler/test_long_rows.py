"""logsumexp of long rows, compiled: its gradient takes the exponentials that its value took."""
from __future__ import annotations

import math

import numpy as np
import pytest

import tapegrad as torch

N = 40_003
LARGEST = {torch.float64: 1.7976931348623157e308, torch.float32: 3.4028234663852886e38}
PUT = {
    "plain": [], "one infinity": [math.inf], "what overflows beside it": [math.inf, 800.0, -math.inf],
    "below all": [-math.inf], "not a number": [math.nan], "both": [math.nan, math.inf], "far up": [800.0, 801.0],
    "the largest": ["largest", "largest"], "the largest and more": ["largest", math.inf],
}


def exponentials(step):
    """How often the program of a compiled step computes exp of whole rows."""
    (variants,) = step.tapes.values()
    return sum(line.count("exp(") for line in variants[-1].dump().splitlines() if f"[{N}]" in line)


def check(make, rtol, calls=None):
    """A compiled step returns and leaves what the same step as it is written does."""
    step, leaf = make()
    with np.errstate(all="ignore"):
        expected = [t.numpy().copy() for t in (*step(), leaf.grad)]
        compiled = torch.compile(step)
        for _ in range(5):
            compiled()
        (variants,) = compiled.tapes.values()
        variants[-1].wait()
        found = [t.numpy() for t in (*compiled(), leaf.grad)]
    assert compiled.replays
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=np.finfo(b.dtype).tiny)
    if calls is not None:
        assert exponentials(compiled) == calls


def gradient(loss, x):
    def make():
        leaf = x.clone().requires_grad_()

        def step():
            leaf.grad = None
            value = loss(leaf)
            value.sum().backward()
            return value.detach(),

        return step, leaf
    return make


def numbers(dtype, put=()):
    x = np.random.default_rng(0).normal(size=N) * 3
    x[5:5 + len(put)] = [LARGEST[dtype] if p == "largest" else p for p in put]
    return torch.from_numpy(x).to(dtype)


@pytest.mark.parametrize("dtype, rtol", [(torch.float64, 1e-13), (torch.float32, 4e-6)], ids=["f64", "f32"])
@pytest.mark.parametrize("name", PUT)
def test_values(name, dtype, rtol):
    check(gradient(lambda x: x.logsumexp(0), numbers(dtype, PUT[name])), rtol, 1)


@pytest.mark.parametrize("fill", [math.inf, -math.inf, math.nan])
def test_rows_of_one_value(fill):
    check(gradient(lambda x: x.logsumexp(0), torch.full((N,), fill, dtype=torch.float64)), 1e-13, 1)


LOSSES = {  # and how many times exp is computed of whole rows
    "scaled": (lambda x: 2 * x.logsumexp(0), 1),
    "of a product": (lambda x: (x * 1.5).logsumexp(0), 1),
    "twice": (lambda x: x.logsumexp(0) * x.logsumexp(0), None),
    "and more of x": (lambda x: x.logsumexp(0) + (x * x).sum(), None),
    "two rows": (lambda x: torch.stack([x, x / 2]).logsumexp(1), None),
    "columns": (lambda x: torch.stack([x, x / 2], 1).logsumexp(0), None),
    "log_softmax": (lambda x: x.log_softmax(0)[3], None),
}


@pytest.mark.parametrize("name", LOSSES)
def test_forms(name):
    loss, calls = LOSSES[name]
    check(gradient(loss, numbers(torch.float64)), 1e-12, calls)


def test_an_operand_that_is_written_in_between():
    """The sweep is refused then; a value taken before, with the exponentials of x as it was, is not mistaken for it."""
    x = numbers(torch.float64)

    def step(scale):
        total = x.logsumexp(0)
        x.mul_(scale)
        return torch.exp(x - total)

    compiled, scale = torch.compile(step), torch.tensor(0.99, dtype=torch.float64)
    for _ in range(5):
        before = x.clone()
        found = compiled(scale)
        wanted = (before * 0.99 - before.logsumexp(0)).exp()
        np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-12)
