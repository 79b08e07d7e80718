"""Sums over partitions by joblib."""
from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.interop import futures

joblib = pytest.importorskip("joblib", reason="joblib is not installed: pip install tapegrad[joblib]")

from tapegrad.interop import joblib as ours  # noqa: E402

PARTS = [np.random.default_rng(i).normal(size=(10 + i % 2, 3)) for i in range(4)]
W = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)


def squares(w, x):
    return (x @ w).square().sum()


def failing(w, x):
    return torch.linalg.cholesky(x * w).diagonal().log().sum()


def bits(found):
    value, gradient = found
    return value.item(), gradient.tolist()


EXPECTED = bits(futures.value_and_grad(squares, PARTS, ThreadPoolExecutor(1))(W))


@pytest.mark.parametrize("options", [{"n_jobs": 2}, {"n_jobs": 2, "backend": "threading"}, {"n_jobs": 1}], ids=str)
def test_bits(options):
    with ours.value_and_grad(squares, PARTS, **options) as step:
        assert bits(step(W)) == EXPECTED
        assert [*map(bits, step.several([W, W]))] == [EXPECTED] * 2


def test_killed_processes():
    with ours.value_and_grad(squares, PARTS, 2) as step:
        assert bits(step(W)) == EXPECTED
        os.kill(joblib.Parallel(2)(joblib.delayed(os.getpid)() for _ in range(2))[0], signal.SIGKILL)
        assert bits(step(W)) == EXPECTED


def test_a_failure_names_the_partition():
    with ours.value_and_grad(failing, [np.eye(2), -np.eye(2)], 2) as step, pytest.raises(
            ours.PartitionError, match=rf"partition 1, test_joblib\.py:{failing.__code__.co_firstlineno + 1}: linalg"):
        step(torch.tensor(1.0, dtype=torch.float64))
