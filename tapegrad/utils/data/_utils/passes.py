"""One pass over a loader: in this process, or as a base for others."""
from __future__ import annotations

import warnings
from typing import Any

from tapegrad.utils.data._utils.fetch import fetcher
from tapegrad.utils.data.dataset import IterableDataset
from tapegrad.utils.data.sampler import drawn


class Pass:
    """One pass over a loader."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._indices = iter(loader._index_sampler)
        if loader.pin_memory:
            warnings.warn("'pin_memory' argument is set as true but no accelerator is found, then device pinned memory "
                          "won't be used.", stacklevel=3)
        self._base_seed = drawn(loader.generator)
        self._promised = loader._said_length if isinstance(loader.dataset, IterableDataset) else None
        self._yielded = 0

    def __iter__(self) -> Pass:
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
        raise NotImplementedError(f"{type(self).__name__} cannot be pickled")


class Here(Pass):
    """In this process."""

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        if loader.timeout:
            raise AssertionError("a timeout needs num_workers > 0")
        self._fetch = fetcher(loader.dataset, loader._auto_collation, loader.collate_fn, loader.drop_last)

    def _next(self) -> Any:
        return self._fetch(next(self._indices))
