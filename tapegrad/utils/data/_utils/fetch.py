"""From the numbers of a batch to the batch."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapegrad import creation
from tapegrad.utils.data._utils.collate import default_collate
from tapegrad.utils.data.dataset import IterableDataset, Subset, TensorDataset, many

Fetch = Callable[[Any], Any]


def fetcher(dataset: Any, batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool) -> Fetch:
    """A function from what a sampler gives to what a loader yields; StopIteration at an iterable's end.

    >>> from tapegrad.utils.data._utils.fetch import fetcher
    >>> fetcher("abcd", True, "".join, False)([2, 0])
    'ca'
    """
    if isinstance(dataset, IterableDataset):
        return _of_iterable(dataset, batched, collate_fn, drop_last)
    if not batched:
        return lambda index: collate_fn(dataset[index])
    if collate_fn is default_collate:
        rows = _rows(dataset)
        if rows is not None:
            return rows
    return lambda indices: collate_fn(many(dataset, indices))


def _of_iterable(dataset: Any, batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool) -> Fetch:
    samples = iter(dataset)
    ended = False

    def fetch(indices: Any) -> Any:
        nonlocal ended
        if ended:
            raise StopIteration
        if not batched:
            return collate_fn(next(samples))
        batch = []
        for _ in indices:
            try:
                batch.append(next(samples))
            except StopIteration:
                ended = True
                break
        if not batch or (drop_last and len(batch) < len(indices)):
            raise StopIteration
        return collate_fn(batch)

    return fetch


def _rows(dataset: Any) -> Fetch | None:
    """Whole batches of rows of tensors at once: what stacking them one by one comes to, in one read a tensor."""
    if type(dataset) is TensorDataset:
        tensors = dataset.tensors
        if any(tensor.requires_grad for tensor in tensors):  # whose batches have a history
            return None
        return lambda indices: [tensor[at] for at in [creation.from_numpy(np.array(indices))] for tensor in tensors]
    if type(dataset) is Subset and isinstance(dataset.indices, (list, tuple, range)):
        inner = _rows(dataset.dataset)
        numbers = dataset.indices
        return None if inner is None else lambda indices: inner([numbers[i] for i in indices])
    return None
