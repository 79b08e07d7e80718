"""The sampler of one of several processes that train together."""
from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sized
from typing import Any

import tapegrad
from tapegrad.namespaces import show_public
from tapegrad.random import Generator
from tapegrad.utils.data.dataset import Dataset
from tapegrad.utils.data.sampler import Sampler

__all__ = ["DistributedSampler"]
show_public(__name__)


class DistributedSampler(Sampler[int]):
    """The share of one of several processes (`torch.utils.data.DistributedSampler`).

    >>> from tapegrad.utils.data import DistributedSampler
    >>> list(DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
    [1, 3, 0]

    `set_epoch` gives each epoch an order of its own. How many processes there are, and which this is, has to be said.
    """

    dataset: Any
    num_replicas: int
    rank: int
    shuffle: bool
    seed: int
    epoch: int
    drop_last: bool
    num_samples: int
    total_size: int

    def __init__(self, dataset: Dataset[Any] | Sized, num_replicas: int | None = None, rank: int | None = None,
                 shuffle: bool = True, seed: int = 0, drop_last: bool = False) -> None:
        if num_replicas is None or rank is None:
            raise RuntimeError("Requires distributed package to be available")
        if not 0 <= rank < num_replicas:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset, self.num_replicas, self.rank = dataset, num_replicas, rank
        self.shuffle, self.seed, self.epoch, self.drop_last = shuffle, seed, 0, drop_last
        n = len(dataset)  # type: ignore[arg-type]
        self.num_samples = n // num_replicas if drop_last else math.ceil(n / num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)
        order: list[int] = list(range(n))
        if self.shuffle:
            order = tapegrad.randperm(n, generator=Generator().manual_seed(self.seed + self.epoch)).tolist()
        again = itertools.cycle(order)  # from the start, where there are too few for all to have as many
        return iter([next(again) for _ in range(self.total_size)][self.rank::self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch it is, for another random order."""
        self.epoch = epoch
