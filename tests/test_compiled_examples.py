"""The compiled examples do what they say, and do it compiled."""
from __future__ import annotations

import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest

import tapegrad as torch

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def example():
    """An example's functions, loaded without running it; whatever runs as it is written is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield lambda name: runpy.run_path(str(EXAMPLES / f"{name}.py"))


def test_compiled_tutorial(example):
    run = example("compiled_tutorial")
    losses, weights = [], []
    for wrap in (lambda f: f, torch.compile):
        b, w, x, y = run["data"]()
        step = wrap(run["training_step"](b, w, x, y))
        losses.append(run["train"](step)[0])
        weights.append((b.item(), w.item()))
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-3, atol=1e-12)
    np.testing.assert_allclose(weights, [(3, 2)] * 2, rtol=1e-5)
    assert step.replays > 190


def test_weibull(example):
    run = example("weibull")
    covariates, times, seen = run["data"]()
    args = tuple(torch.from_numpy(a) for a in (covariates, np.log(times), seen))
    differences, _ = run["fit"](run["value_alone"](run["loss"]), np.zeros(4), args)
    objective = run["value_and_grad"](run["loss"])
    gradients, _ = run["fit"](objective, np.zeros(4), args, jac=True)
    np.testing.assert_allclose(gradients.x, run["TRUE"], atol=0.2)
    np.testing.assert_allclose(gradients.x, differences.x, atol=1e-4)
    assert gradients.success and gradients.nfev * 4 < differences.nfev
    assert np.abs(gradients.jac).max() < 1e-4 and objective.evaluation.step.replays > 10


def test_ode_fit(example):
    run = example("ode_fit")
    rates, found, objective = run["fit"]()
    np.testing.assert_allclose(rates, run["TRUE"], rtol=0.05)
    assert found.fun < 1e-3 and objective.evaluation.step.replays > 10


def test_compiled_network(example):
    run = example("compiled_network")
    network, step, losses = run["train"](600)
    x, y = run["spirals"]()
    assert ((network(x) > 0) == (y > 0.5)).all()
    assert losses[-1] < 0.05 < 0.5 < losses[0]
    assert len([v for several in step.tapes.values() for v in several]) == 2  # one for each learning rate
    assert step.replays > 580
