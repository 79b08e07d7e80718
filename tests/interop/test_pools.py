"""Sums over partitions by processes of `concurrent.futures`, which may be killed."""
from __future__ import annotations

import functools
import os
import signal
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.interop import futures

ROWS = np.random.default_rng(0).normal(size=(31, 4))
PARTS = [(ROWS[a:b, :3], ROWS[a:b, 3]) for a, b in ((0, 10), (10, 20), (20, 21), (21, 31))]
W = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)


def squares(w, batch):
    x, y = batch
    return (x @ w - y).square().sum()


def bits(found):
    value, gradient = found
    return value.item(), gradient.tolist()


@functools.cache
def expected():  # no module's constant: the processes import this file
    return bits(futures.value_and_grad(squares, PARTS, ThreadPoolExecutor(1))(W))


@pytest.fixture(scope="module")
def processes(forked):
    """A pool that is made again when it breaks: `executor=2` makes such ones, but of processes that import anew."""
    with patch("multiprocessing.get_context", lambda method: forked), futures.value_and_grad(
            squares, PARTS, 2) as step:
        yield step


def test_processes_give_the_same_bits(processes):
    assert bits(processes(W)) == expected()
    assert [*map(bits, processes.several([W, W]))] == [expected()] * 2
    assert processes.last.computing < processes.last.seconds


def failing(w, x):
    return torch.linalg.cholesky(x * w).diagonal().log().sum()


def test_partitions_that_a_process_loads(processes, tmp_path):
    executor = processes._place._executor
    for i, (x, y) in enumerate(PARTS):
        np.savez(tmp_path / f"{i}.npz", x=x, y=y)
    parts = [functools.partial(loaded, str(tmp_path / f"{i}.npz")) for i in range(4)]
    step = futures.value_and_grad(squares, parts, executor)
    assert bits(step(W)) == expected()
    factor = futures.value_and_grad(failing, [np.eye(2), -np.eye(2)], executor)
    line = failing.__code__.co_firstlineno + 1
    with pytest.raises(futures.PartitionError, match=rf"partition 1, test_pools\.py:{line}: linalg_cholesky"):
        factor(torch.tensor(1.0, dtype=torch.float64))
    gone = futures.value_and_grad(squares, [functools.partial(loaded, str(tmp_path / "none.npz"))], executor)
    with pytest.raises(futures.PartitionError, match=r"partition 0: FileNotFoundError: .*none\.npz"):
        gone(W)


def loaded(path):
    with np.load(path) as held:
        return held["x"], held["y"]


def test_a_process_that_imports_anew():
    """What a number of processes stands for: nothing is inherited."""
    with futures.value_and_grad(squares, PARTS, 1) as step:
        assert bits(step(W)) == expected()


def test_killed_processes_are_made_again(processes):
    broken = processes._place._executor
    os.kill(next(iter(broken._processes)), signal.SIGKILL)
    for _ in range(1000):
        assert bits(processes(W)) == expected()
        if processes._place._executor is not broken:
            return
    raise AssertionError


def test_an_executor_that_breaks_and_is_not_ours(processes):
    step = futures.value_and_grad(squares, PARTS, processes._place._executor)
    os.kill(next(iter(processes._place._executor._processes)), signal.SIGKILL)
    with pytest.raises(BrokenExecutor, match="function that makes the executor"):
        for _ in range(1000):
            step(W)


def test_one_that_breaks_as_it_starts_a_process():
    raised = [BrokenExecutor("broken"), OSError(9, "Bad file descriptor")]

    class Breaking(ThreadPoolExecutor):
        def submit(self, function, *call):
            raise raised.pop()

    made = [ThreadPoolExecutor(1), Breaking(1)]
    step = futures.value_and_grad(squares, PARTS, made.pop)
    assert bits(step(W)) == expected() and not made and not raised


def test_files_go_when_they_are_not_needed(tmp_path):
    step = futures.value_and_grad(squares, PARTS, ThreadPoolExecutor, folder=tmp_path)
    assert bits(step(W)) == expected() and not [*tmp_path.iterdir()]  # threads need none
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
