"""Worker processes: each takes lists of numbers from a pipe of its own, and puts batches into another.

A batch is pickled before it is sent, so that what cannot be is an error like any other. Tensors travel as their
elements. A worker ends when it is told to, and when its parent is gone.
"""
from __future__ import annotations

import io
import os
import pickle
import random
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np

import tapegrad
from tapegrad import creation
from tapegrad.tensor import Tensor
from tapegrad.utils.data._utils import info
from tapegrad.utils.data._utils.fetch import fetcher
from tapegrad.utils.data.dataset import IterableDataset

PATIENCE = 2.0  # seconds after which one who waits looks whether the other is still there
BATCH, ENDED, READY, FAILED = range(4)  # what a worker sends
NEXT, AGAIN = range(2)  # what it is sent; None is the end


@dataclass(frozen=True)
class Work:
    """What all workers of a loader have in common."""

    dataset: Any
    batched: bool
    collate_fn: Callable[[Any], Any]
    drop_last: bool
    base_seed: int
    init: Callable[[int], Any] | None
    count: int


def packed(message: Any) -> bytes:
    """A message as bytes, tensors by their elements (a view takes nothing else along)."""
    buffer = io.BytesIO()
    pickler = ForkingPickler(buffer, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = {**pickler.dispatch_table, Tensor: _elements}
    pickler.dump(message)
    return buffer.getvalue()


def _elements(x: Tensor) -> Any:
    if x.requires_grad and not x.is_leaf:
        raise RuntimeError("Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does "
                           "not support crossing process boundaries. If you just want to transfer the data, call "
                           "detach() on the tensor before serializing (e.g., putting it on the queue).")
    return _tensor, (x.detach().numpy(), x.requires_grad)


def _tensor(elements: Any, requires_grad: bool) -> Tensor:
    return creation.from_numpy(elements).requires_grad_(requires_grad)


def seeds(base_seed: int, worker: int) -> Any:
    """What NumPy's global generator is seeded with in a worker: other numbers than Python's and ours."""
    return np.random.SeedSequence([worker, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]).generate_state(4)


def failure(worker: int, error: BaseException) -> tuple[int, type[BaseException], str]:
    """An exception for the other process: its type, and the text it had here."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    where = f"Caught {type(error).__name__} in DataLoader worker process {worker}.\nOriginal {text}"
    try:
        packed(type(error))
    except Exception:
        return FAILED, RuntimeError, where
    return FAILED, type(error), where


class _Text(str):
    """A message that a KeyError shows as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def raise_again(kind: type[BaseException], text: str) -> None:
    """Raise an exception of the worker's kind with its text."""
    try:
        error: BaseException = kind(_Text(text) if kind is KeyError else text)
    except Exception:  # it takes other arguments
        error = RuntimeError(text)
    raise error


def run(worker: int, work: Work, orders: Any, results: Any) -> None:
    """The life of a worker process."""
    parent = os.getppid()
    tapegrad.set_num_threads(1)
    seed = work.base_seed + worker
    random.seed(seed)
    tapegrad.manual_seed(seed)
    np.random.seed(seeds(work.base_seed, worker))
    info.here = info.WorkerInfo(worker, work.count, seed, work.dataset)
    broken: BaseException | None = None  # what batches of this pass raise
    fetch: Any = None
    ended = False

    def begin(init: Callable[[int], Any] | None = None) -> None:
        nonlocal fetch, ended, broken
        ended, broken = False, None
        try:
            if init is not None:
                init(worker)
            fetch = fetcher(work.dataset, work.batched, work.collate_fn, work.drop_last)
        except Exception as error:
            broken = error

    begin(work.init)
    try:
        while True:
            if not orders.poll(PATIENCE):
                if os.getppid() != parent:
                    return
                continue
            order = orders.recv()
            if order is None:  # nobody reads any more: what is not sent yet is not waited for
                results.cancel_join_thread()
                break
            kind, indices = order
            if kind == AGAIN:
                begin()
                results.put(packed((READY,)))
            elif not ended:
                message, ended = _answer(worker, fetch, indices, broken, work.dataset)
                results.put(message)
    except (KeyboardInterrupt, EOFError):
        pass
    finally:
        results.close()


def _answer(worker: int, fetch: Any, indices: Any, broken: BaseException | None, dataset: Any) -> tuple[bytes, bool]:
    """A batch, or what became of it; and whether there are no more."""
    try:
        if broken is not None:
            raise broken
        return packed((BATCH, fetch(indices))), False
    except StopIteration as error:
        if isinstance(dataset, IterableDataset):
            return packed((ENDED,)), True
        return packed(failure(worker, error)), False
    except Exception as error:
        return packed(failure(worker, error)), False
