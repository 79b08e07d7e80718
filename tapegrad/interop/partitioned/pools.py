"""Partitions for the processes, or threads, of one machine: executors of `concurrent.futures`, and joblib."""
from __future__ import annotations

import multiprocessing
import os
from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import tapegrad
from tapegrad.interop.partitioned import programs, stores
from tapegrad.interop.partitioned.function import PartitionError, Place
from tapegrad.interop.partitioned.messages import Answer, Array, Data, Failure, Signature

RETRIES = 10


class Pool(Place):
    """Partitions in a store; each is evaluated by a task of its own."""

    count: int

    def __init__(self, partitions: Sequence[Any], store: stores.Store | None) -> None:
        self._store = store
        self._parts = [programs.prepared(p) if store is None else store.partition(p) for p in partitions]
        self.count = len(self._parts)

    @abstractmethod
    def _map(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """What a function gives for each of these arguments; where a process is lost, it is called again."""

    def signatures(self) -> list[Signature | Failure]:
        elsewhere = [i for i, p in enumerate(self._parts) if isinstance(p, stores.Loader)]
        known = dict(zip(elsewhere, self._map(stores.signature, [(self._parts[i],) for i in elsewhere])))
        return [known[i] if i in known else stores.signature(p) for i, p in enumerate(self._parts)]

    def sample(self, number: int) -> Data | None:
        part = self._parts[number]
        given = None if isinstance(part, stores.Loader) else stores.found(part)
        return None if isinstance(given, Failure) else given

    def run(self, tapes: Sequence[bytes], default: str, points: Array) -> list[Answer | Failure]:
        if self._store is None:
            return self._map(programs.evaluate, [(t, default, p, points) for t, p in zip(tapes, self._parts)])
        paths = {content: self._store.tape(content) for content in {*tapes}}
        return self._map(stores.evaluate, [(paths[t], default, p, points) for t, p in zip(tapes, self._parts)])

    def close(self) -> None:
        if self._store is not None:
            self._store.close()


class Executors(Pool):
    """On an executor; one that breaks is made again, if it is known how."""

    def __init__(self, partitions: Sequence[Any], executor: Any, folder: Any) -> None:
        self._make: Callable[[], Executor] | None = None
        self._own = False
        if not isinstance(executor, Executor):
            if executor is None or isinstance(executor, int):
                self._make, self._own = _Processes(executor), True
            elif callable(executor):
                self._make, self._own = executor, True
            else:
                raise TypeError(f"executor must be an Executor, a function that makes one, or a number of processes, "
                                f"not {type(executor).__name__}")
            executor = self._make()
        self._executor: Executor = executor
        threads = isinstance(executor, ThreadPoolExecutor)
        super().__init__(partitions, None if threads else stores.Store(folder))

    def _map(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        results: dict[int, Any] = {}
        lost: Exception | None = None
        for _ in range(RETRIES):
            pending: dict[int, Future[Any]] = {}
            try:
                for i, call in enumerate(calls):
                    if i not in results:
                        pending[i] = self._submit(function, call)
                for i, future in pending.items():
                    results[i] = future.result()
                return [results[i] for i in range(len(calls))]
            except BrokenExecutor as why:
                lost = why
                results.update((i, f.result()) for i, f in pending.items()
                               if f.done() and not f.cancelled() and f.exception() is None)
                if self._make is None:
                    raise type(why)(f"{why} Give a function that makes the executor, and a broken one is made again."
                                    ) from why
                self._executor.shutdown(wait=False)
                self._executor = self._make()
        number = next(i for i in range(len(calls)) if i not in results)
        raise PartitionError(number, f"was lost {RETRIES} times, with its process ({lost})") from lost

    def _submit(self, function: Callable[..., Any], call: tuple[Any, ...]) -> Future[Any]:
        try:
            return self._executor.submit(function, *call)
        except OSError:  # it breaks at this moment, and closed what a new process was to have: asked again, it says so
            return self._executor.submit(function, *call)

    def close(self) -> None:
        if self._own:
            self._executor.shutdown()
        super().close()


class _Processes:
    """Makes a pool of processes, which share this machine's processors."""

    def __init__(self, count: int | None) -> None:
        available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._count = count or available
        self._threads = max(1, available // self._count)

    def __call__(self) -> Executor:
        # Spawned: what this process holds, threads among it, is not theirs.
        return ProcessPoolExecutor(self._count, multiprocessing.get_context("spawn"), _begin, (self._threads,))


def _begin(threads: int) -> None:
    tapegrad.set_num_threads(threads)


class Joblib(Pool):
    """On joblib, which makes lost processes anew at the next call."""

    def __init__(self, partitions: Sequence[Any], options: dict[str, Any], folder: Any) -> None:
        import joblib

        self._parallel, self._delayed = joblib.Parallel(**options), joblib.delayed
        super().__init__(partitions, stores.Store(folder))

    def _map(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        if not calls:
            return []
        for attempt in range(RETRIES):
            try:
                return list(self._parallel(self._delayed(function)(*call) for call in calls))
            except BrokenExecutor:
                if attempt == RETRIES - 1:
                    raise
        raise AssertionError
