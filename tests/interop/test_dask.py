"""Sums over partitions on Dask's workers: the same bits whatever happens to these."""
from __future__ import annotations

import contextlib
import itertools
import logging
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tapegrad as torch
from tapegrad.interop import futures, scipy

distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install tapegrad[dask]")

import dask  # noqa: E402
import dask.array  # noqa: E402

from tapegrad.interop import dask as ours  # noqa: E402

ROWS = np.random.default_rng(0).normal(size=(50, 4))
CUTS = [0, 10, 20, 30, 31, 40, 50]  # a program is compiled for each size: three of them
PARTS = [(ROWS[a:b, :3], ROWS[a:b, 3]) for a, b in itertools.pairwise(CUTS)]
POINTS = np.random.default_rng(1).normal(size=(12, 3))


def squares(w, batch):
    x, y = batch
    return (x @ w - y).square().sum()


def bits(found):
    value, gradient = found
    return value, gradient.tolist()


EXPECTED = [bits(futures.value_and_grad(squares, PARTS, ThreadPoolExecutor(1))(w)) for w in POINTS]


@pytest.fixture(scope="module")
def here():
    """A cluster in this process."""
    with distributed.LocalCluster(
            n_workers=2, processes=False, dashboard_address=":0") as cluster, distributed.Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def processes(forked):
    """One of processes, which are started again when they are killed: Dask gives up what was lost once."""
    options = {"scheduler.allowed-failures": 0, "worker.multiprocessing-method": forked.get_start_method()}
    with dask.config.set({f"distributed.{name}": value for name, value in options.items()}), distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=logging.CRITICAL
    ) as cluster, distributed.Client(cluster) as client:
        yield client


def delayed(part):
    return dask.delayed(lambda: part)()


GIVEN = {
    "arrays": lambda client: PARTS,
    "futures": lambda client: [client.submit(tuple, part) for part in PARTS],
    "scattered": lambda client: [tuple(client.scatter([*part])) for part in PARTS],
    "delayed": lambda client: [delayed(part) for part in PARTS],
    "dask arrays": lambda client: tuple(dask.array.from_array(a, chunks=(tuple(np.diff(CUTS)), *[-1] * (a.ndim - 1)))
                                        for a in (ROWS[:, :3], ROWS[:, 3])),
    "persisted": lambda client: tuple(client.persist([*GIVEN["dask arrays"](client)])),
}


@pytest.mark.parametrize("how", GIVEN)
def test_partitions_however_they_come(here, how):
    step = ours.value_and_grad(squares, GIVEN[how](here), here)
    assert [bits(step(w)) for w in POINTS[:3]] == EXPECTED[:3]
    assert [*map(bits, step.several(POINTS[:3]))] == EXPECTED[:3]
    assert repr(step) == "<squares, summed over 6 partitions, and its gradient>"
    step.close()


def test_one_array_is_divided_by_rows(here):
    whole = dask.array.from_array(ROWS, chunks=(20, -1))
    step = ours.value_and_grad(lambda w, x: (x * w).sum(), whole, here)
    np.testing.assert_allclose(step(np.ones(4))[1], ROWS.sum(0))
    named = ours.value_and_grad(lambda w, batch: (batch["rows"] * w).sum(), {"rows": whole}, here)
    assert bits(named(np.ones(4))) == bits(step(np.ones(4)))


@pytest.mark.parametrize(("partitions", "why"), [
    (lambda: dask.array.ones((4, 4), chunks=2), "first axis only"),
    (lambda: (dask.array.ones(4, chunks=2), dask.array.ones(4, chunks=3)), "divided alike"),
    (lambda: (dask.array.ones(4, chunks=2), np.ones(4)), "expected Dask arrays"),
])
def test_arrays_that_are_divided_otherwise(here, partitions, why):
    with pytest.raises((TypeError, ValueError), match=why):
        ours.value_and_grad(squares, partitions(), here)


def test_partitions_of_other_dtypes(here):
    parts = [here.submit(np.ones, 3, dtype) for dtype in ("f8", "f8", "f4")]
    with pytest.raises(ours.PartitionError, match=r"partition 2: it is float32\[3\], and partition 0 is float64\[3\]"):
        ours.value_and_grad(lambda w, x: (w * x).sum(), parts, here)(np.ones(3))
    with pytest.raises(ours.PartitionError, match="partition 1: holds complex128"):
        ours.value_and_grad(lambda w, x: (w * x).sum(), [np.ones(3), here.submit(np.ones, 3, "c16")], here)(np.ones(3))


def test_partitions_that_cannot_be_made(here):
    with pytest.raises(ours.PartitionError, match=r"partition 1.*no such file") as raised:
        ours.value_and_grad(squares, [PARTS[0], dask.delayed(unreadable)()], here, retries=2)(POINTS[0])
    assert raised.value.partition == 1


    for part, why in ((here.submit(divided, 1, 0), "cannot be made: ZeroDivisionError"),
                      (cancelled(here.submit(divided, 1, 1)), "its future was cancelled")):
        with pytest.raises(ours.PartitionError, match=f"partition 1: {why}"):
            ours.value_and_grad(squares, [PARTS[0], part], here)(POINTS[0])


def unreadable():
    raise OSError("no such file")


def divided(a, b):
    return a / b


def cancelled(future):
    future.cancel()
    return future


def test_failures_name_the_partition_and_the_line(processes):
    def factor(w, x):
        return torch.linalg.cholesky(x * w).diagonal().log().sum()

    step = ours.value_and_grad(factor, [np.eye(2), np.eye(2), -np.eye(2)], processes)
    line = factor.__code__.co_firstlineno + 1
    for _ in range(2):
        with pytest.raises(ours.PartitionError, match=rf"partition 2, test_dask\.py:{line}: linalg_cholesky"):
            step(np.array(1.0))
    assert step.rounds == 0


def test_a_function_that_needs_python(here):
    step = ours.value_and_grad(lambda w, x: (w * x).sum() * torch.rand(()), [np.ones(3)], here)
    with pytest.raises(RuntimeError, match=r"cannot be sent to workers: it draws random numbers \(test_dask\.py"):
        step(np.ones(3))


def test_a_fit_by_scipy_and_by_an_optimiser(here):
    step = ours.value_and_grad(squares, PARTS, here)
    expected = np.linalg.lstsq(ROWS[:, :3], ROWS[:, 3], rcond=None)[0]
    np.testing.assert_allclose(scipy.minimize(step, np.zeros(3), jac=True).x, expected, atol=1e-5)
    w = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([w], line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        return step.backward(w)

    for _ in range(3):
        optimiser.step(closure)
    np.testing.assert_allclose(w.detach().numpy(), expected, atol=1e-5)


def pids(client):
    client.wait_for_workers(2, timeout=60)
    return [*client.run(os.getpid, on_error="ignore").values()]


def kill(pid):
    with contextlib.suppress(ProcessLookupError):  # Dask may have ended it before
        os.kill(pid, signal.SIGKILL)


def test_killed_workers_cost_no_round_and_no_bit(processes):
    """One is killed while a round is under way, then what is left, so that nothing is where it was."""
    step = ours.value_and_grad(squares, PARTS, processes)
    one, other = pids(processes)
    kills = {3: one, 4: other}
    for k, w in enumerate(POINTS):
        if k in kills:
            threading.Timer(0.001 * k, kill, (kills[k],)).start()
        assert bits(step(w)) == EXPECTED[k]
    assert step.rounds == len(POINTS)


def test_data_that_dask_gave_up_between_rounds_are_made_again(here):
    """As it gives up what was on workers that are gone: some of them, then all."""
    step = ours.value_and_grad(squares, PARTS, here)
    assert bits(step(POINTS[0])) == EXPECTED[0]
    for k, lost in ((1, slice(1, None, 2)), (2, slice(None))):
        mine = [future for future in map(distributed.Future, here.futures) if "-data-" in future.key]
        here.cancel(mine[lost], force=True)
        step._place._where = None  # as it is after a round in which a worker was lost
        assert bits(step(POINTS[k])) == EXPECTED[k]


def test_workers_that_are_lost_again_and_again(processes):
    """What kills its worker whenever it is asked for is given up in the end, and named."""
    fatal = dask.delayed(os._exit)(1)
    step = ours.value_and_grad(squares, [processes.submit(tuple, PARTS[0]), fatal], processes, retries=1)
    with pytest.raises(ours.PartitionError, match="partition 1: was lost 2 times, with its workers") as raised:
        step(POINTS[0])
    assert raised.value.partition == 1


def test_a_worker_without_the_package(processes):
    name = "tapegrad.interop.partitioned.dask_workers"
    worker = next(iter(processes.run(os.getpid)))
    processes.run(exec, f"import sys; sys.held = sys.modules.pop({name!r}, None); sys.modules[{name!r}] = None", {},
                  workers=[worker])
    try:
        with pytest.raises(RuntimeError, match=rf"worker {worker} cannot import tapegrad"):
            ours.value_and_grad(squares, PARTS, processes)
    finally:
        processes.run(exec, f"import sys; del sys.modules[{name!r}]; "
                            f"sys.modules.update({{{name!r}: sys.held}} if sys.held else {{}})", {}, workers=[worker])
    assert bits(ours.value_and_grad(squares, PARTS, processes)(POINTS[0])) == EXPECTED[0]


ALONE = """
import importlib.util, sys
import tapegrad.interop.dask, tapegrad.interop.futures, tapegrad.interop.joblib
assert not {"dask", "distributed", "joblib"} & {*sys.modules}  # not before they are asked for
there = importlib.util.find_spec
for missing, room in (("dask", "dask"), ("distributed", "dask"), ("joblib", "joblib"), ("safetensors", "safetensors")):
    importlib.util.find_spec = lambda name, *more: None if name == missing else there(name, *more)
    sys.modules.pop(f"tapegrad.interop.{room}", None)
    try:
        importlib.import_module(f"tapegrad.interop.{room}")
    except ModuleNotFoundError as why:
        assert why.name == missing and f"needs {missing}" in str(why) and f"tapegrad[{room}]" in str(why), why
    else:
        raise AssertionError(missing)
"""


def test_what_is_not_there_is_named_and_nothing_is_imported_before_it_is_asked_for():
    subprocess.run([sys.executable, "-c", ALONE], check=True)
