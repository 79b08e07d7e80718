"""Sums over partitions by processes of `concurrent.futures`, which may be killed."""
from __future__ import annotations

import functools
import os
import signal
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.interop import futures

ROWS = np.random.default_rng(0).normal(size=(500, 4))
PARTS = [(ROWS[a:b, :3], ROWS[a:b, 3]) for a, b in ((0, 100), (100, 350), (350, 351), (351, 500))]
W = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)


def squares(w, batch):
    x, y = batch
    return (x @ w - y).square().sum()


def bits(found):
    value, gradient = found
    return value.item(), gradient.tolist()


EXPECTED = bits(futures.value_and_grad(squares, PARTS, ThreadPoolExecutor(1))(W))


def pool():
    return ProcessPoolExecutor(2, get_context("spawn"))


@pytest.fixture(scope="module")
def processes():
    with futures.value_and_grad(squares, PARTS, 2) as step:
        yield step


def test_processes_give_the_same_bits(processes):
    assert bits(processes(W)) == EXPECTED
    assert [*map(bits, processes.several([W, W]))] == [EXPECTED] * 2
    assert processes.last.computing < processes.last.seconds


def test_killed_processes_are_made_again(processes):
    os.kill(next(iter(processes._place._executor._processes)), signal.SIGKILL)
    assert bits(processes(W)) == EXPECTED


def failing(w, x):
    return torch.linalg.cholesky(x * w).diagonal().log().sum()


def test_partitions_that_a_process_loads(tmp_path):
    for i, (x, y) in enumerate(PARTS):
        np.savez(tmp_path / f"{i}.npz", x=x, y=y)
    with pool() as executor:
        parts = [functools.partial(loaded, str(tmp_path / f"{i}.npz")) for i in range(4)]
        step = futures.value_and_grad(squares, parts, executor)
        assert bits(step(W)) == EXPECTED
        for i in range(4):
            (tmp_path / f"{i}.npz").unlink()
        factor = futures.value_and_grad(failing, [np.eye(2), -np.eye(2)], executor)
        line = failing.__code__.co_firstlineno + 1
        with pytest.raises(futures.PartitionError, match=rf"partition 1, test_pools\.py:{line}: linalg_cholesky"):
            factor(torch.tensor(1.0, dtype=torch.float64))
        gone = futures.value_and_grad(squares, [functools.partial(loaded, str(tmp_path / "none.npz"))], executor)
        with pytest.raises(futures.PartitionError, match=r"partition 0: FileNotFoundError: .*none\.npz"):
            gone(W)
        os.kill(next(iter(executor._processes)), signal.SIGKILL)
        with pytest.raises(BrokenExecutor, match="function that makes the executor"):
            for _ in range(1000):
                step(W)


def loaded(path):
    with np.load(path) as held:
        return held["x"], held["y"]


def test_files_go_when_they_are_not_needed(tmp_path):
    step = futures.value_and_grad(squares, PARTS, ThreadPoolExecutor, folder=tmp_path)
    assert bits(step(W)) == EXPECTED and not [*tmp_path.iterdir()]  # threads need none
    from tapegrad.interop.partitioned.stores import Store, found

    store = Store(tmp_path)
    kept = store.partition(PARTS[0])
    assert all(Path(p).is_file() for p in kept.paths)
    for a, b in zip(found(kept).arrays, PARTS[0]):
        assert a.tolist() == b.tolist() and not a.flags.writeable
    store.close()
    assert not [*tmp_path.iterdir()]


def test_what_is_no_executor():
    with pytest.raises(TypeError, match="executor must be"):
        futures.value_and_grad(squares, PARTS, "two")
