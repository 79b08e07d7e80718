"""Partitions on Dask's workers, and the two ways in which they are asked.

Data are pure tasks, which Dask does again where a worker is lost. A round asks each worker directly, by a message of
its own (`_Asked`), for all its partitions at once: as two tasks of the scheduler's a round took 17 ms more than
computing on a busy machine of two cores, this way 5. Whatever comes to nothing like that is asked for again as a task.
"""
from __future__ import annotations

import asyncio
import hashlib
import importlib
import itertools
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import CancelledError
from typing import Any

import dask
from dask.base import is_dask_collection
from distributed import Future, Worker, get_client
from distributed.diagnostics.plugin import WorkerPlugin
from distributed.protocol import to_serialize
from distributed.worker import get_worker

import tapegrad
from tapegrad.interop.partitioned import programs
from tapegrad.interop.partitioned.function import PartitionError, Place
from tapegrad.interop.partitioned.messages import Answer, Array, Data, Failure, Signature
from tapegrad.utils._pytree import tree_flatten, tree_unflatten

_LONG = 1 << 16  # bytes of parameters that are sent once, and not with each task
_PATIENCE = 600  # seconds until there is a worker, if all are gone
_numbers = itertools.count()
_contents: dict[str, bytes] = {}  # of a worker: the tapes that it was sent
_threads: list[int] = []


class Workers(Place):
    """Partitions as futures of `Data`."""

    count: int

    def __init__(self, partitions: Any, client: Any, retries: int) -> None:
        self._client = client or get_client()
        self._retries = retries
        self._parts = _listed(partitions)
        self.count = len(self._parts)
        self._name = f"tapegrad-{id(self):x}-{next(_numbers)}"
        self._sent_once: dict[bytes, Any] = {}  # tapes, and long parameters, as futures
        self._where: dict[int, str] | None = None  # which worker has a partition; None: to be asked
        self._sent: set[tuple[str, str]] = set()  # which tapes to which workers
        self._check_workers()
        self._client.register_plugin(_Asked(), name="tapegrad")
        self._placed = [self._place(i) for i in range(self.count)]

    def _check_workers(self) -> None:
        """Have every worker import what it needs, or say which cannot."""
        for worker, found in self._client.run(importlib.import_module, __name__, on_error="return").items():
            if isinstance(found, BaseException):
                raise RuntimeError(f"worker {worker} cannot import tapegrad and what it needs: {found}")

    # ------------------------------------------------------------ data

    def _place(self, number: int) -> Any:
        """A partition as a future: the result of a task, of what is on the cluster already or is sent there."""
        part, key = self._parts[number], f"{self._name}-data-{number}-{next(_numbers)}"
        leaves = tree_flatten(part)[0]
        for leaf in leaves:
            if isinstance(leaf, Future) and leaf.cancelled():
                raise PartitionError(number, "its future was cancelled")
            if isinstance(leaf, Future) and leaf.status == "error":  # it was tried on workers that are gone
                leaf.retry()
        if any(map(is_dask_collection, leaves)):
            return self._client.compute(dask.delayed(programs.prepared, pure=False)(part))
        if not self._is_remote(part):
            part = self._client.scatter([part], hash=False, timeout=_PATIENCE)[0]
        return self._client.submit(programs.prepared, part, key=key)

    def _is_remote(self, part: Any) -> bool:
        return any(is_dask_collection(leaf) or isinstance(leaf, Future) for leaf in tree_flatten(part)[0])

    def signatures(self) -> list[Signature | Failure]:
        return self._by_tasks(range(self.count), lambda i: self._client.submit(
            programs.signature, self._placed[i], key=f"{self._name}-signature-{i}-{next(_numbers)}"))

    def sample(self, number: int) -> Data | None:
        if self._is_remote(self._parts[number]):
            return None
        found = programs.prepared(self._parts[number])
        return None if isinstance(found, Failure) else found

    def close(self) -> None:
        self._placed, self._sent_once = [], {}

    # ------------------------------------------------------------ a round

    def run(self, tapes: Sequence[bytes], default: str, points: Array) -> list[Answer | Failure]:
        answers = self._directly(tapes, default, points)
        missing = [i for i in range(self.count) if i not in answers]
        if missing:
            self._where = None
            row = points.tobytes() if points.nbytes > _LONG else b""
            answers.update(zip(missing, self._by_tasks(missing, lambda i: self._client.submit(
                _evaluated, self._once(tapes[i], tapes[i]), default, self._placed[i],
                self._once(row, points) if row else points, key=f"{self._name}-{i}-{next(_numbers)}"))))
            self._sent_once.pop(row, None)
        return [answers[i] for i in range(self.count)]

    def _directly(self, tapes: Sequence[bytes], default: str, points: Array) -> dict[int, Any]:
        """The answers of workers to a message to each that has partitions."""
        if self._where is None:
            self._where = self._holders()
        by_worker: dict[str, list[int]] = {}
        for i, worker in self._where.items():
            by_worker.setdefault(worker, []).append(i)
        keys = {content: _key(content) for content in {*tapes}}

        async def ask(worker: str, numbers: list[int]) -> dict[int, Any]:
            new = {keys[tapes[i]]: tapes[i] for i in numbers if (worker, keys[tapes[i]]) not in self._sent}
            try:
                reply = await self._client.rpc(worker).tapegrad_evaluate(
                    new=to_serialize(new), tapes=[keys[tapes[i]] for i in numbers], default=default,
                    data=[self._placed[i].key for i in numbers], points=to_serialize(points))
            except Exception:  # it is gone, or never heard of this: tasks will do, and say what is wrong
                return {}
            if reply.get("status") != "OK":
                return {}
            self._sent.update((worker, key) for key in new)
            return {i: answer for i, answer in zip(numbers, reply["answers"]) if answer is not None}

        async def ask_all() -> dict[int, Any]:
            several = await asyncio.gather(*[ask(worker, numbers) for worker, numbers in by_worker.items()])
            return {i: answer for found in several for i, answer in found.items()}

        found: dict[int, Any] = self._client.sync(ask_all)
        return found

    def _holders(self) -> dict[int, str]:
        """A worker that has it, for each partition that is somewhere."""
        try:  # Dask refuses to be asked for what it gave up
            holders = self._client.who_has([future for future in self._placed if _is_there(future)])
        except CancelledError:  # given up since
            return {}
        return {i: holders[future.key][0] for i, future in enumerate(self._placed) if holders.get(future.key)}

    def _once(self, content: bytes, value: Any) -> Any:
        """Something as a task's result, which workers fetch once, from one another; made anew where it was lost."""
        found = self._sent_once.get(content)
        if found is None or not _is_there(found):
            found = self._sent_once[content] = self._client.submit(_same, value, key=f"{self._name}-{next(_numbers)}")
        return found

    def _by_tasks(self, numbers: Iterable[int], submit: Callable[[int], Any]) -> list[Any]:
        """The results of a task for each partition; of those that are lost, of new ones."""
        futures = {i: submit(i) for i in numbers}
        try:
            return list(self._client.gather([*futures.values()]))
        except Exception:  # some are lost: one by one
            return [self._result(i, future, submit) for i, future in futures.items()]

    def _result(self, number: int, future: Any, submit: Callable[[int], Any]) -> Any:
        last: Exception | None = None
        for _ in range(1 + self._retries):
            try:
                return future.result()
            except ImportError as why:
                raise PartitionError(number, f"a worker cannot import tapegrad: {why}") from None
            except Exception as why:  # what a tape does comes back as a Failure: these are Dask's, or of making data
                last = why
                if not (_is_dasks(why) or isinstance(why, OSError)):
                    break
                if not _is_there(self._placed[number]):
                    self._placed[number] = self._place(number)
                future = submit(number)
        assert last is not None
        what = (f"was lost {1 + self._retries} times, with its workers ({last})" if _is_dasks(last) else
                f"cannot be made: {type(last).__name__}: {last}")
        raise PartitionError(number, what) from last


def _is_dasks(error: Exception) -> bool:
    """Whether a task is lost, rather than failed."""
    return isinstance(error, CancelledError) or type(error).__module__.startswith(("distributed", "asyncio"))


def _is_there(future: Any) -> bool:
    return future.status in ("finished", "pending")


def _key(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _listed(partitions: Any) -> list[Any]:
    """Partitions one by one: what a list holds, or the blocks of arrays that are divided alike."""
    if not isinstance(partitions, (tuple, dict)) and not is_dask_collection(partitions):
        return list(partitions)
    leaves, spec = tree_flatten(partitions)
    blocks = []
    for leaf in leaves:
        if not hasattr(leaf, "numblocks"):
            raise TypeError(f"expected Dask arrays, got {type(leaf).__name__}: partitions one by one come in a list")
        if not leaf.ndim or any(n != 1 for n in leaf.numblocks[1:]):
            raise ValueError(f"an array must be divided along its first axis only, not in blocks {leaf.chunks}: "
                             "rechunk({0: 'auto', 1: -1})")
        if leaf.chunks[0] != leaves[0].chunks[0]:
            raise ValueError(f"the arrays must be divided alike, not in {leaf.chunks[0]} and {leaves[0].chunks[0]} "
                             "rows")
        blocks.append(leaf.to_delayed().reshape(-1).tolist())
    return [tree_unflatten(several, spec) for several in zip(*blocks)]


# ---------------------------------------------------------------- what workers do


def _same(content: Any) -> Any:
    return content


def _evaluated(content: bytes, default: str, partition: Data | Failure, points: Array) -> Answer | Failure:
    """As a task."""
    _use_threads(get_worker())
    return programs.evaluate(content, default, partition, points)


def _use_threads(worker: Any) -> None:
    """As many threads as the worker has, on which programs give the same results; not in the process of the client."""
    if not _threads:
        _threads.append(worker.state.nthreads)
        if worker.nanny is not None:
            tapegrad.set_num_threads(worker.state.nthreads)


class _Asked(WorkerPlugin):
    """Has a worker answer for all partitions that it is asked for: None for one that it has not, or not the tape of."""

    def setup(self, worker: Worker) -> None:
        """Offer that, as an operation of the worker's."""
        async def tapegrad_evaluate(new: Any, tapes: list[str], default: str, data: list[str], points: Any
                                    ) -> dict[str, Any]:
            _contents.update(new)

            def evaluated() -> list[Any]:
                _use_threads(worker)
                held: Any = worker.data
                return [None if key not in held or tape not in _contents else programs.evaluate(
                    _contents[tape], default, held[key], points) for tape, key in zip(tapes, data)]

            found = await asyncio.get_running_loop().run_in_executor(worker.executors["default"], evaluated)
            return {"status": "OK", "answers": to_serialize(found)}

        worker.handlers["tapegrad_evaluate"] = tapegrad_evaluate
