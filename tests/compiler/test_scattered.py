"""Gradients that are one element a row: compiled, nothing is computed with the zeros, and nothing is lost with them."""
from __future__ import annotations

import math

import numpy as np
import pytest
from whole_steps import dumped, gradients

import tapegrad as torch
from tapegrad.compiler.passes import PASSES

K, N, D = 24, 300, 5


def data(dtype=torch.float64):
    rng = np.random.default_rng(0)
    return [torch.from_numpy(rng.normal(size=s)).to(dtype) for s in ((K, D), (N, D))]


def distances(c, p):
    return (p ** 2).sum(1)[:, None] - 2 * p @ c.T + (c ** 2).sum(1)


LOSSES = {
    "nearest": lambda c, p: distances(c, p).min(1).values.sum(),
    "nearest, turned": lambda c, p: distances(c, p).T.min(0).values.sum(),
    "nearest, other factors first": lambda c, p: (c @ p.T).min(0).values.sum(),
    "furthest, of a function": lambda c, p: (3 * (p @ c.T)).max(1).values.exp().sum(),
    "weighted": lambda c, p: ((-(p @ c.T)).min(1).values * p[:, 0]).sum(),
    "positions": lambda c, p: (lambda m: m.values.sum() + m.indices.sum())((p @ c.T).max(1)),
    "along the other axis": lambda c, p: (p @ c.T).max(0).values.sum(),
    "gathered": lambda c, p: (p @ c.T).gather(1, (p[:, :1].abs() * 3).long()).sum(),
    "gathered from the end": lambda c, p: (p @ c.T)[torch.arange(N), -1 - (p[:, 0].abs() * 3).long()].sum(),
    "of what is not linear at zero": lambda c, p: (p @ c.T).sigmoid().max(1).values.sum(),
    "read by others": lambda c, p: (lambda x: x.max(1).values.sum() + (x * x).sum())(p @ c.T),
    "points too": lambda c, p: (p @ c.T).max(1).values.sum(),
}


def check(loss, tensors, leaves=1, rtol=1e-11, passes=None):
    found, expected, compiled = gradients(loss, tensors, leaves, passes)
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)
    return compiled


@pytest.mark.parametrize("passes", [None, ["scattered"], ["extremes"], [p for p in PASSES if p != "blocks"]],
                         ids=["all", "scattered", "extremes", "no blocks"])
@pytest.mark.parametrize("name", LOSSES)
def test_values(name, passes):
    check(LOSSES[name], data(), 2 if name == "points too" else 1, passes=passes)


@pytest.mark.parametrize("name", ["nearest", "furthest, of a function", "gathered"])
def test_single_precision(name):
    check(LOSSES[name], data(torch.float32), rtol=1e-4)


def test_nothing_is_multiplied_by_the_zeros():
    compiled = check(LOSSES["nearest"], data())
    assert dumped(compiled).count("gemm") == 1  # that of the distances
    assert "in range" not in dumped(compiled) and "indexed.read" not in dumped(compiled)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("name", ["nearest", "weighted"])
def test_what_is_not_finite_spoils_no_less(name, value):
    """A row of the other matrix that is not finite makes all of its column NaN, but for where it is itself added."""
    c, p = data()
    p[7, 2] = value
    c.requires_grad_()

    def step():
        c.grad = None
        total = LOSSES[name](c, p)
        total.backward()
        return total.detach()

    with np.errstate(all="ignore"):
        total, grad = step().item(), c.grad.numpy().copy()
        compiled = torch.compile(step)
        for _ in range(6):
            found = compiled().item()
    np.testing.assert_allclose(found, total, rtol=1e-11)
    finite = np.isfinite(grad)
    np.testing.assert_allclose(c.grad.numpy()[finite], grad[finite], rtol=1e-11)
    assert not np.isfinite(c.grad.numpy()[~finite]).any()


TIES = {
    "ties": [2.0, 1.0, 1.0, 3.0], "all equal": [1.0] * 4, "NaN": [2.0, math.nan, 1.0, math.nan],
    "infinite": [math.inf, -math.inf, -math.inf, math.inf], "all infinite": [math.inf] * 4,
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.int64, torch.uint8], ids=lambda d: d.name)
@pytest.mark.parametrize("name", TIES)
@pytest.mark.parametrize("dim", [0, 1])
def test_extremes(name, dim, dtype):
    if not dtype.is_floating_point and not np.isfinite(TIES[name]).all():
        pytest.skip("no such whole numbers")
    rows = torch.tensor([np.roll(TIES[name], k).tolist() * 4 for k in range(16)], dtype=torch.float64).to(dtype)

    def step(x):
        y = x + x
        low, high = y.min(dim), y.max(dim)
        return low.values, low.indices, high.values, high.indices

    compiled = torch.compile(step)
    for _ in range(4):
        found = compiled(rows)
    for a, b in zip(found, step(rows)):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("shape", [(0, 4), (0, 0), (1, 1), (1, 64), (64, 1)])
def test_small_and_empty_ones(shape):
    x = torch.zeros(shape, dtype=torch.float64, requires_grad=True)

    def step():
        x.grad = None
        (2 * x).sum(0 if shape == (0, 0) else 1).sum().backward()
        if shape[1]:
            (3 * x).min(1).values.sum().backward()
        return x.grad.clone()

    compiled = torch.compile(step)
    for _ in range(4):
        found = compiled()
    np.testing.assert_array_equal(found.numpy(), step().numpy())
