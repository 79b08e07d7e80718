"""Loaders: batches of a dataset's samples, made in this process or ahead of time in others."""
from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import pickle
import queue
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from typing import Any, Generic, TypeVar

from tapegrad.utils.data._utils import worker as workers
from tapegrad.utils.data._utils.collate import default_collate, default_convert
from tapegrad.utils.data._utils.fetch import fetcher
from tapegrad.utils.data.dataset import IterableDataset
from tapegrad.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler, drawn

T_co = TypeVar("T_co", covariant=True)

_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class _Forever:
    """The sampler of what has no numbers."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


class DataLoader(Generic[T_co]):
    """Batches of samples (`torch.utils.data.DataLoader`).

    >>> import tapegrad as torch
    >>> from tapegrad.utils.data import DataLoader, TensorDataset
    >>> torch.manual_seed(0)
    <...Generator object at ...>
    >>> data = TensorDataset(torch.arange(5), torch.arange(5) ** 2)
    >>> for x, y in DataLoader(data, batch_size=2, shuffle=True):
    ...     print(x.tolist(), y.tolist())
    [1, 4] [1, 16]
    [2, 3] [4, 9]
    [0] [0]

    For a seed the samples come in PyTorch's order: a pass over a loader draws one number of the default generator, and
    one more if it shuffles without a generator of its own. With `num_workers` the batches are made by so many
    processes, each seeded by itself, `prefetch_factor` of them ahead; exceptions there are raised here, with their
    traceback. RuntimeError where a worker dies, or takes longer than `timeout` seconds.
    """

    _initialized = False

    def __init__(self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None,
                 sampler: Iterable[Any] | None = None, batch_sampler: Iterable[Any] | None = None,
                 num_workers: int = 0, collate_fn: Callable[[Any], Any] | None = None, pin_memory: bool = False,
                 drop_last: bool = False, timeout: float = 0, worker_init_fn: Callable[[int], Any] | None = None,
                 multiprocessing_context: Any = None, generator: Any = None, *, prefetch_factor: int | None = None,
                 persistent_workers: bool = False, pin_memory_device: str = "", in_order: bool = True) -> None:
        if num_workers < 0:
            raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if num_workers == 0 and prefetch_factor is not None:
            raise ValueError("prefetch_factor option could only be specified in multiprocessing.let num_workers > 0 to "
                             "enable multiprocessing, otherwise set prefetch_factor to None.")
        if prefetch_factor is not None and prefetch_factor < 0:
            raise ValueError("prefetch_factor option should be non-negative")
        if persistent_workers and num_workers == 0:
            raise ValueError("persistent_workers option needs num_workers > 0")
        if isinstance(dataset, IterableDataset):
            for name, given in (("shuffle", shuffle or None), ("sampler", sampler), ("batch_sampler", batch_sampler)):
                if given is not None:
                    raise ValueError(f"DataLoader with IterableDataset: expected unspecified {name} option, but got "
                                     f"{name}={given}")
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError("batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and "
                                 "drop_last")
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        if sampler is None:
            sampler = (_Forever() if isinstance(dataset, IterableDataset)
                       else RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset))
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)  # type: ignore[arg-type]
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.sampler, self.batch_sampler, self.generator = sampler, batch_sampler, generator
        self.num_workers, self.timeout, self.worker_init_fn = num_workers, timeout, worker_init_fn
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.multiprocessing_context = _context(multiprocessing_context, num_workers)
        self.pin_memory, self.pin_memory_device, self.in_order = pin_memory, pin_memory_device, in_order
        self.persistent_workers = persistent_workers
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self._iterator: Any = None
        self._said_length: int | None = None
        self._initialized = True
        self.check_worker_number_rationality()

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in _FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __iter__(self) -> Any:
        if not self.num_workers:
            return _Here(self)
        if not self.persistent_workers:
            return _InWorkers(self)
        if self._iterator is None:
            self._iterator = _InWorkers(self)
        else:
            self._iterator.begin_again()
        return self._iterator

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            return len(self._index_sampler)
        length = self._said_length = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else -(-length // self.batch_size)

    def check_worker_number_rationality(self) -> None:
        """Warn where there would be more workers than processors."""
        most = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        if self.num_workers > most:
            warnings.warn(f"This DataLoader will create {self.num_workers} worker processes in total. Our suggested "
                          f"max number of worker in current system is {most}, which is smaller than what this "
                          "DataLoader is going to create. Please be aware that excessive worker creation might get "
                          "DataLoader running slow or even freeze, lower the worker number to avoid potential "
                          "slowness/freeze if necessary.", stacklevel=3)


def _context(given: Any, num_workers: int) -> Any:
    if given is None:
        return None
    if num_workers == 0:
        raise ValueError("multiprocessing_context can only be used with multi-process loading (num_workers > 0), but "
                         f"got num_workers={num_workers}")
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


class _Pass:
    """One pass over a loader."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        self._loader = loader
        self._indices = iter(loader._index_sampler)
        if loader.pin_memory:
            warnings.warn("'pin_memory' argument is set as true but no accelerator is found, then device pinned memory "
                          "won't be used.", stacklevel=3)
        self._base_seed = drawn(loader.generator)
        self._promised = loader._said_length if isinstance(loader.dataset, IterableDataset) else None
        self._yielded = 0

    def __iter__(self) -> _Pass:
        return self

    def _next(self) -> Any:
        raise NotImplementedError

    def __next__(self) -> Any:
        batch = self._next()
        if self._promised is not None:
            self._count()
        return batch

    def _count(self) -> None:
        """Warn where an iterable dataset has more than its length says."""
        assert self._promised is not None
        self._yielded += 1
        if self._yielded > self._promised:
            warnings.warn(f"Length of IterableDataset {self._loader.dataset} was reported to be {self._promised}(when "
                          f"accessing len(dataloader)), but {self._yielded} samples have been fetched.", stacklevel=3)

    def __len__(self) -> int:
        return len(self._loader._index_sampler)

    def __getstate__(self) -> Any:
        raise NotImplementedError("{} cannot be pickled", type(self).__name__)


class _Here(_Pass):
    """In this process."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        if loader.timeout:
            raise AssertionError("a timeout needs num_workers > 0")
        self._fetch = fetcher(loader.dataset, loader._auto_collation, loader.collate_fn, loader.drop_last)

    def _next(self) -> Any:
        return self._fetch(next(self._indices))


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

    def order(self, kind: int, indices: Any = None) -> None:
        self.orders.send((kind, indices))

    def end(self) -> None:
        self.active = False
        with contextlib.suppress(OSError, ValueError):  # it may be gone
            self.orders.send(None)


class _InWorkers(_Pass):
    """In worker processes, a few batches ahead: the tasks go round, and the results come in the same order."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        work = workers.Work(loader.dataset, loader._auto_collation, loader.collate_fn, loader.drop_last,
                            self._base_seed, loader.worker_init_fn, loader.num_workers)
        context = loader.multiprocessing_context or multiprocessing
        self._workers: list[_Worker] = []
        try:
            for number in range(loader.num_workers):
                self._workers.append(_Worker(number, work, context))
        except BaseException:
            self._shut_down()
            raise
        self._fill()

    def begin_again(self) -> None:
        """Another pass, by the same processes."""
        self._indices = iter(self._loader._index_sampler)
        self._promised, self._yielded = self._loader._said_length if self._promised is not None else None, 0
        for worker in self._workers:
            worker.order(workers.AGAIN)
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
        worker.order(workers.NEXT, indices)
        worker.tasks += 1
        self._pending.append(worker)

    def _receive(self, among: list[_Worker]) -> tuple[_Worker, Any]:
        """The next message of one of these workers, as soon as there is one."""
        limit = self._loader.timeout or None
        by_reader = {worker.results._reader: worker for worker in among}
        ends = {worker.process.sentinel: worker for worker in self._workers if worker.active or worker in among}
        ready = wait([*by_reader, *ends], limit)
        if not ready:
            raise RuntimeError(f"DataLoader timed out after {self._loader.timeout} seconds")
        dead = {worker.process.pid for end, worker in ends.items() if end in ready}
        for reader, worker in by_reader.items():
            if reader in ready:
                try:
                    return worker, pickle.loads(worker.results.get(timeout=limit or workers.PATIENCE))
                except (queue.Empty, EOFError, pickle.UnpicklingError):  # it died while it wrote
                    dead.add(worker.process.pid)
                    break
        self._shut_down()
        raise RuntimeError(f"DataLoader worker (pid(s) {', '.join(map(str, sorted(dead)))}) exited unexpectedly")

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
        if getattr(self, "_workers", None):
            self._shut_down()
