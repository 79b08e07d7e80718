"""Sums over partitions on a local Dask cluster: what a round costs besides computing, and what killed workers cost."""
from __future__ import annotations

import logging
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

from benchmarks.harness import Measured, figure, libraries

_ROWS, _COLUMNS, _ROUNDS = 10 ** 6, 50, 100


@contextmanager
def cluster(workers: int) -> Iterator[Any]:
    """A client of a cluster of processes, of one thread each: forked from one that has imported what they need."""
    import dask
    from distributed.utils import get_mp_context

    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        get_mp_context().set_forkserver_preload(["tapegrad.interop.partitioned.dask_workers"])  # after Dask's own
        yield from _clients(workers)


def _clients(workers: int) -> Iterator[Any]:
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0",
                      silence_logs=logging.CRITICAL) as local, Client(local) as client:
        yield client


def logistic(w: Any, batch: Any) -> Any:
    T = libraries()[0]
    x, y = batch
    z = x @ w
    return (T.nn.functional.softplus(z) - y * z).sum()


def divided(parts: int, rows: int, columns: int) -> list[Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    return [(rng.normal(size=(rows // parts + i, columns)), (rng.random(rows // parts + i) < 0.5).astype(float))
            for i in range(parts)]


def least(step: Any, columns: int, seconds: float = 8.0) -> tuple[float, float]:
    """The fastest round, and the fastest computing of the worker that computed longest."""
    import numpy as np

    rounds: list[Any] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(rounds) < 10:
        step(np.full(columns, 1e-3 * len(rounds)))
        rounds.append(step.last)
    return min(r.seconds for r in rounds[2:]), min(r.computing for r in rounds[2:])


@figure("Dask, two local workers, a round over 10⁶ × 50 float64 ÷ the slower worker's own computing (the peer)", "s",
        must=1.15, aim=1.03)
def dask_round() -> Measured:
    from tapegrad.interop import dask

    with cluster(2) as client:
        return Measured(*least(dask.value_and_grad(logistic, divided(2, _ROWS, _COLUMNS), client), _COLUMNS))


@figure("Dask, 8 workers of which 1 to 7 are killed in 100 rounds: rounds lost, or that differ in a bit", "", must=0,
        aim=0, by="value")
def dask_killed() -> Measured:
    import numpy as np

    from tapegrad.interop import dask, futures

    parts = divided(16, 100_000, 10)
    points = np.random.default_rng(1).normal(size=(_ROUNDS, 10))
    chance = random.Random(2)
    alone = futures.value_and_grad(logistic, parts, ThreadPoolExecutor(1))
    expected = [alone(w) for w in points]
    wrong = 0
    with cluster(8) as client:
        for kills in range(1, 8):
            step = dask.value_and_grad(logistic, parts, client)
            when = chance.sample(range(1, _ROUNDS), kills)
            for k, w in enumerate(points):
                if k in when:
                    pid = chance.choice([*client.run(os.getpid, on_error="ignore").values()])
                    threading.Timer(0.02 * chance.random(), os.kill, (pid, signal.SIGKILL)).start()
                value, gradient = step(w)
                wrong += value != expected[k][0] or gradient.tobytes() != expected[k][1].tobytes()
            wrong += step.rounds != _ROUNDS
    return Measured(wrong)


def scaling(counts: Sequence[int]) -> Iterator[tuple[int, float, float]]:
    """For each number of workers, of one partition each: a round, and the slowest worker's computing."""
    from tapegrad.interop import dask

    for workers in counts:
        with cluster(workers) as client:
            yield workers, *least(dask.value_and_grad(logistic, divided(workers, _ROWS, _COLUMNS), client), _COLUMNS)


def messages(workers: int, rounds: int = 200) -> tuple[float, float]:
    """With next to nothing to compute: the fastest round, and what this process computes in one, for messages and sums.

    The first has what workers do to take a message and answer in it too: together here, on machines of their own there.
    """
    import numpy as np

    from tapegrad.interop import dask

    with cluster(workers) as client:
        parts = [part for part in divided(1, 8, _COLUMNS) for _ in range(workers)]
        step, fastest = dask.value_and_grad(logistic, parts, client), np.inf
        for _ in range(5):
            step(np.zeros(_COLUMNS))
        begin = time.process_time()
        for k in range(rounds):
            step(np.full(_COLUMNS, 1e-3 * k))
            assert step.last is not None
            fastest = min(fastest, step.last.seconds)
        return fastest, (time.process_time() - begin) / rounds


def adding(partitions: int) -> float:
    """What the tree of so many values and gradients takes, here."""
    import numpy as np

    from tapegrad.interop.partitioned.sums import tree_sum

    parts = [np.ones((1, 1 + _COLUMNS)) for _ in range(partitions)]
    times = []
    for _ in range(50):
        begin = time.perf_counter()
        tree_sum(np.stack(parts))
        times.append(time.perf_counter() - begin)
    return min(times)


class Model(NamedTuple):
    """What a round takes: each worker computes its rows, then come what there is once, and what there is for each."""

    row: float  # seconds of computing a row
    once: float
    worker: float
    partition: float

    def round(self, rows: int, workers: int) -> float:
        """Of workers that have a partition each."""
        return self.row * rows / workers + self.once + (self.worker + self.partition) * workers

    @classmethod
    def fitted(cls, row: float, took: dict[int, float]) -> Model:
        """Straight lines through what was measured: of what this process computes for messages, and of the tree."""
        import numpy as np

        partition = (adding(3000) - adding(100)) / 2900
        worker, once = np.polyfit([*took], [*took.values()], 1)
        return cls(row, float(once), float(worker) - partition, partition)


def main(counts: Sequence[int]) -> None:
    """Measure, and say what follows for a thousand workers."""
    row = 0.0
    for workers, seconds, computing in scaling(counts):
        row = row or computing * workers / _ROWS
        print(f"{workers} workers, {_ROWS} rows: {1e3 * seconds:.1f} ms a round, {1e3 * computing:.1f} of them "
              f"computing, {(seconds - computing) / seconds:.1%} communication", flush=True)
    took = {}
    for workers in (1, 2, 4, 8, 16):
        fastest, took[workers] = messages(workers)
        print(f"{workers} workers, next to no rows: {1e3 * fastest:.2f} ms a round, {1e3 * took[workers]:.2f} of them "
              "computing in the client", flush=True)
    model = Model.fitted(row, took)
    print(f"{1e9 * model.row:.0f} ns a row, {1e3 * model.once:.2f} ms once, {1e6 * model.worker:.0f} us a worker, "
          f"{1e6 * model.partition:.1f} us a partition's sum")
    for rows in (10 ** 8, 10 ** 9, 10 ** 10):
        best = min(range(1, 20_000), key=lambda w: model.round(rows, w))
        for workers in (100, 1000, best):
            seconds = model.round(rows, workers)
            print(f"predicted, {rows:.0e} rows, {workers} workers: {1e3 * seconds:.1f} ms a round, "
                  f"{model.row * rows / workers / seconds:.0%} of it computing")


if __name__ == "__main__":  # python -m benchmarks.partitions [numbers of workers]
    main([*map(int, sys.argv[1:])] or [1, 2])
