"""Samplers: in which order the numbers of samples come, and in which batches; at random, in PyTorch's order."""
from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import tapegrad
from tapegrad import creation, dtypes
from tapegrad.namespaces import show_public
from tapegrad.random import Generator
from tapegrad.tensor import Tensor

__all__ = ["BatchSampler", "RandomSampler", "Sampler", "SequentialSampler", "SubsetRandomSampler",
           "WeightedRandomSampler"]
show_public(__name__)

T_co = TypeVar("T_co", covariant=True)


def drawn(generator: Generator | None = None) -> int:
    """One random number, for a seed."""
    return int(creation.empty((), dtype=dtypes.int64).random_(generator=generator).item())


class Sampler(Generic[T_co]):
    """The numbers of samples in some order, for subclasses that define `__iter__` (`torch.utils.data.Sampler`).

    >>> from tapegrad.utils.data import DataLoader, Sampler
    >>> class Even(Sampler):
    ...     def __iter__(self):
    ...         return iter((0, 2))
    >>> list(DataLoader("abcd", sampler=Even()))
    [['a'], ['c']]
    """

    def __init__(self, data_source: Any = None) -> None:
        pass

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError


class SequentialSampler(Sampler[int]):
    """One after the other (`torch.utils.data.SequentialSampler`).

    >>> from tapegrad.utils.data import SequentialSampler
    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


def _flag(name: str, value: Any, error: type[Exception] = ValueError) -> None:
    if not isinstance(value, bool):
        raise error(f"{name} should be a boolean value, but got {name}={value}")


def _count(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")


class RandomSampler(Sampler[int]):
    """In random order, or at random with replacement (`torch.utils.data.RandomSampler`).

    >>> import tapegrad as torch
    >>> from tapegrad.utils.data import RandomSampler
    >>> list(RandomSampler("abcd", generator=torch.Generator().manual_seed(0)))
    [0, 1, 3, 2]

    Without a generator each pass over it has one of its own, whose seed is drawn from the default one.
    """

    data_source: Sized
    replacement: bool

    def __init__(self, data_source: Sized, replacement: bool = False, num_samples: int | None = None,
                 generator: Generator | None = None) -> None:
        self.data_source, self.replacement, self._num_samples = data_source, replacement, num_samples
        self.generator = generator
        _flag("replacement", replacement, TypeError)
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={self.num_samples}")

    @property
    def num_samples(self) -> int:
        """How many numbers a pass has; by default, as many as there are samples."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, wanted = len(self.data_source), self.num_samples
        g = Generator().manual_seed(drawn()) if self.generator is None else self.generator
        if self.replacement:
            for size in (*[32] * (wanted // 32), wanted % 32):
                yield from tapegrad.randint(n, (size,), generator=g).tolist()
            return
        for size in (*[n] * (wanted // n), wanted % n):
            yield from tapegrad.randperm(n, generator=g).tolist()[:size]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """Given numbers in random order (`torch.utils.data.SubsetRandomSampler`).

    >>> import tapegrad as torch
    >>> from tapegrad.utils.data import SubsetRandomSampler
    >>> list(SubsetRandomSampler([5, 7, 9], generator=torch.Generator().manual_seed(0)))
    [9, 5, 7]
    """

    indices: Sequence[int]
    generator: Generator | None

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        for i in tapegrad.randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Numbers at random, each as often as its weight says (`torch.utils.data.WeightedRandomSampler`).

    >>> from tapegrad.utils.data import WeightedRandomSampler
    >>> list(WeightedRandomSampler([0.0, 1.0], 3))
    [1, 1, 1]
    """

    weights: Tensor
    num_samples: int
    replacement: bool
    generator: Generator | None

    def __init__(self, weights: Sequence[float], num_samples: int, replacement: bool = True,
                 generator: Generator | None = None) -> None:
        _count("num_samples", num_samples)
        _flag("replacement", replacement)
        self.weights = creation.as_tensor(weights, dtype=dtypes.float64)
        if self.weights.dim() != 1:
            raise ValueError("weights should be a 1d sequence but given weights have shape "
                             f"{tuple(self.weights.shape)}")
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        found = tapegrad.multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        yield from found.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The numbers of another sampler, in lists of `batch_size` (`torch.utils.data.BatchSampler`).

    >>> from tapegrad.utils.data import BatchSampler
    >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    sampler: Iterable[int]
    batch_size: int
    drop_last: bool

    def __init__(self, sampler: Iterable[int] | Sampler[int], batch_size: int, drop_last: bool) -> None:
        _count("batch_size", batch_size)
        _flag("drop_last", drop_last)
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        numbers = iter(self.sampler)
        while True:
            batch = list(itertools.islice(numbers, self.batch_size))
            if not batch or (self.drop_last and len(batch) < self.batch_size):
                return
            yield batch

    def __len__(self) -> int:
        n = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else (n + self.batch_size - 1) // self.batch_size
