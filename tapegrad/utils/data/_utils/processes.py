"""A pass over a loader whose batches are made by worker processes: what goes on in this one."""
from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import pickle
import queue
from collections import deque
from collections.abc import Iterable
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from typing import Any

from tapegrad.utils.data._utils import worker as workers
from tapegrad.utils.data._utils.passes import Pass


def context_of(given: Any) -> Any:
    """The context that an option names, or is."""
    if isinstance(given, str):
        known = multiprocessing.get_all_start_methods()
        if given not in known:
            raise ValueError("multiprocessing_context option should specify a valid start method in "
                             f"{known!r}, but got multiprocessing_context={given!r}")
        return multiprocessing.get_context(given)
    if not isinstance(given, BaseContext):
        raise TypeError("multiprocessing_context option should be a valid context object or a string specifying the "
                        f"start method, but got multiprocessing_context={given}")
    return given


class _Worker:
    """A worker process as the loader sees it."""

    def __init__(self, number: int, work: workers.Work, context: Any) -> None:
        self.number, self.tasks, self.active = number, 0, True
        self.results = context.Queue()
        theirs, self.orders = context.Pipe(duplex=False)
        self.process = context.Process(target=workers.run, args=(number, work, theirs, self.results), daemon=True)
        self.process.start()
        theirs.close()
        self.results._writer.close()  # with its own end gone, a message that breaks off ends

    def end(self) -> None:
        self.active = False
        with contextlib.suppress(OSError, ValueError):  # it may be gone
            self.orders.send(None)


class InWorkers(Pass):
    """In worker processes, a few batches ahead: the tasks go round, and the results come in the same order."""

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        work = workers.Work(loader.dataset, loader._auto_collation, loader.collate_fn, loader.drop_last,
                            self._base_seed, loader.worker_init_fn, loader.num_workers)
        context = loader.multiprocessing_context or multiprocessing
        self._workers: list[_Worker] = []
        self._process = os.getpid()
        try:
            for number in range(loader.num_workers):
                self._workers.append(_Worker(number, work, context))
        except BaseException:
            self._shut_down()
            raise
        self._fill()

    @property
    def is_over(self) -> bool:
        """Whether there are no workers any more: all is done, or one has died."""
        return not self._workers

    def begin_again(self) -> None:
        """Another pass, by the same processes."""
        self._indices = iter(self._loader._index_sampler)
        self._promised, self._yielded = self._loader._said_length if self._promised is not None else None, 0
        for worker in self._workers:
            self._send(worker, workers.AGAIN)
            while self._receive([worker])[1][0] != workers.READY:
                pass  # what is left of a pass that was broken off
            worker.active = True
        self._fill()

    def _fill(self) -> None:
        self._turns = itertools.cycle(self._workers)
        self._pending: deque[_Worker] = deque()  # who has the tasks under way, in their order
        for worker in self._workers:
            worker.tasks = 0
        self._most = (self._loader.prefetch_factor or 1) * len(self._workers)
        for _ in range(self._most):
            self._order()

    def _order(self) -> None:
        """Give the next task to the worker whose turn it is."""
        active = [worker for worker in self._workers if worker.active]
        if not active:
            return
        try:
            indices = next(self._indices)
        except StopIteration:
            return
        while True:
            worker = next(self._turns)
            if worker.active and (self._loader.in_order or worker.tasks < max(self._most // len(active), 1)):
                break
        self._send(worker, workers.NEXT, indices)
        worker.tasks += 1
        self._pending.append(worker)

    def _send(self, worker: _Worker, kind: int, indices: Any = None) -> None:
        try:
            worker.orders.send((kind, indices))
        except BrokenPipeError:  # nobody has looked since it died
            raise self._died([worker]) from None

    def _died(self, dead: Iterable[_Worker]) -> RuntimeError:
        pids = sorted({worker.process.pid for worker in dead})
        self._shut_down()
        return RuntimeError(f"DataLoader worker (pid(s) {', '.join(map(str, pids))}) exited unexpectedly")

    def _receive(self, among: list[_Worker]) -> tuple[_Worker, Any]:
        """The next message of one of these workers, as soon as there is one."""
        limit = self._loader.timeout or None
        by_reader = {worker.results._reader: worker for worker in among}
        ends = {worker.process.sentinel: worker for worker in self._workers if worker.active or worker in among}
        ready = wait([*by_reader, *ends], limit)
        if not ready:
            raise RuntimeError(f"DataLoader timed out after {self._loader.timeout} seconds")
        dead = [worker for end, worker in ends.items() if end in ready]
        for reader, worker in by_reader.items():
            if reader in ready:
                try:
                    return worker, pickle.loads(worker.results.get(timeout=limit or workers.PATIENCE))
                except (queue.Empty, OSError, EOFError, pickle.UnpicklingError):  # it died while it wrote
                    dead.append(worker)
                    break
        raise self._died(dead)

    def _next(self) -> Any:
        while self._pending:
            among = [self._pending[0]] if self._loader.in_order else list(dict.fromkeys(self._pending))
            worker, (kind, *content) = self._receive(among)
            self._pending.remove(worker)
            worker.tasks -= 1
            if kind == workers.ENDED:
                self._pending = deque(other for other in self._pending if other is not worker)
                worker.active = False
                if not self._loader.persistent_workers:
                    worker.end()
                self._order()
                continue
            self._order()
            if kind == workers.FAILED:
                workers.raise_again(*content)
            return content[0]
        if not self._loader.persistent_workers:
            self._shut_down()
        raise StopIteration

    def _shut_down(self) -> None:
        for worker in self._workers:
            worker.end()
        for worker in self._workers:
            worker.results.close()
            worker.process.join(workers.PATIENCE)
            if worker.process.is_alive():
                worker.process.terminate()
                worker.process.join()
        self._workers = []
        self._pending = deque()

    def __del__(self) -> None:
        if getattr(self, "_workers", None) and self._process == os.getpid():  # of a forked child they are none
            self._shut_down()
