"""Sums over partitions on a local Dask cluster: what a round costs besides computing, and what killed workers cost."""
from __future__ import annotations

import logging
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from benchmarks.harness import Measured, figure, libraries

_ROWS, _COLUMNS, _ROUNDS = 10 ** 6, 50, 100


@contextmanager
def cluster(workers: int) -> Iterator[Any]:
    """A client of a cluster of processes, of one thread each."""
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


def messages(workers: int) -> float:
    """The fastest round with next to nothing to compute: what messages take."""
    from tapegrad.interop import dask

    with cluster(workers) as client:
        return least(dask.value_and_grad(logistic, divided(workers, 64, _COLUMNS), client), _COLUMNS, 3.0)[0]


if __name__ == "__main__":  # how messages add up: python -m benchmarks.partitions
    for count in (1, 2, 4, 8, 16):
        print(f"{count} workers: {1e3 * messages(count):.2f} ms a round")
