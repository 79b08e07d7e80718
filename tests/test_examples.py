"""The examples do what they say."""
from __future__ import annotations

import runpy
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

import tapegrad as torch

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def example(monkeypatch):
    """An example's functions, loaded without running it."""
    monkeypatch.setattr(sys, "argv", ["example"])
    return lambda name: runpy.run_path(str(EXAMPLES / f"{name}.py"))


def test_logistic_regression(example):
    run = example("logistic_regression")
    points, labels = run["data"]()
    weight, bias, losses = run["train"](points, labels)
    right = ((points @ weight + bias > 0) == (labels > 0.5)).float().mean().item()
    assert right > 0.93
    assert losses[-1] < 0.2 < 0.6 < losses[0]
    assert all(after <= before for before, after in pairwise(losses))
    assert 0.4 < (weight[0] / weight[1]).item() < 2.5  # the clouds lie on the diagonal


def test_two_layer_network(example):
    run = example("two_layer_network")
    x, y = run["data"]()
    weights = run["parameters"]()
    before = ((run["network"](x, *weights) - y) ** 2).mean().item()
    assert run["train"](x, y, weights) < 0.01 < before
    grid = torch.linspace(-1.9, 1.9, 50).unsqueeze(1)
    assert (run["network"](grid, *weights) - run["curve"](grid)).abs().max() < 0.25


def test_interpolation_table(example):
    run = example("interpolation_table")
    torch.manual_seed(3)
    x = torch.rand(2000)
    table, loss = run["fit"](x, 2 * x + 1)  # which is linear between entries
    assert loss < 1e-6
    torch.testing.assert_close(table, torch.linspace(1, 3, 17), rtol=1e-3, atol=1e-3)
    t = torch.zeros(5, requires_grad=True)
    run["read"](t, torch.tensor([0.25, 0.25, 0.375, 1.0])).sum().backward()
    assert t.grad.tolist() == [0, 2.5, 0.5, 0, 1]


def test_newton(example):
    run = example("newton")
    for start in ([-1.2, 1.0], [3.0, 2.0], [0.9, 1.1, 1.2]):
        p, values = run["newton"](run["valley"], torch.tensor(start, dtype=torch.float64))
        assert p.tolist() == pytest.approx([1.0] * len(start), abs=1e-8)
        assert len(values) < 40
        assert all(after < before for before, after in pairwise(values[:-1]))
    _, gradient, hessian = run["derivatives"](run["valley"], torch.tensor([1.0, 1.0], dtype=torch.float64))
    assert gradient.tolist() == [0, 0]
    assert hessian.tolist() == [[802, -400], [-400, 200]]


@pytest.mark.parametrize("name", sorted(p.stem for p in EXAMPLES.glob("*.py")))
def test_it_runs(name):
    done = subprocess.run([sys.executable, str(EXAMPLES / f"{name}.py")], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout
