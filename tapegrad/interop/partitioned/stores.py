"""Partitions and tapes where the processes of one machine find them: in files, which each maps into memory once.

A pool gives a task to whatever process is free, so that data would go to every one of them, and again to each that is
started anew. Of a file there is one copy in memory, whoever reads it.
"""
from __future__ import annotations

import hashlib
import itertools
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tapegrad.interop.partitioned import programs
from tapegrad.interop.partitioned.messages import Answer, Array, Data, Failure, Signature
from tapegrad.utils._pytree import TreeSpec

_MOST = 256  # partitions that a process has mapped; another one is mapped in 0.1 ms
_mapped: dict[tuple[str, ...], Data] = {}
_loaded: dict[str, Data | Failure] = {}
_contents: dict[str, bytes] = {}
_numbers = itertools.count()


class Kept(NamedTuple):
    """A partition in files, an array each."""

    paths: tuple[str, ...]
    spec: TreeSpec


class Loader(NamedTuple):
    """A partition that a process makes for itself, the first time that it is asked for it."""

    key: str
    load: Callable[[], Any]


Stored = Kept | Loader | Data | Failure


class Store:
    """A folder of this program's, which goes when it does."""

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self._held = tempfile.TemporaryDirectory(prefix="tapegrad-", dir=folder)

    def partition(self, part: Any) -> Stored:
        """What to send in the place of a partition."""
        if callable(part) and not hasattr(part, "detach"):
            return Loader(f"{self._held.name}-{next(_numbers)}", part)
        found = programs.prepared(part)
        if isinstance(found, Failure):
            return found
        paths = []
        for array in found.arrays:
            paths.append(str(Path(self._held.name) / f"{next(_numbers)}.npy"))
            np.save(paths[-1], array, allow_pickle=False)
        return Kept(tuple(paths), found.spec)

    def tape(self, content: bytes) -> str:
        """The file of a tape."""
        path = Path(self._held.name) / f"{hashlib.sha256(content).hexdigest()}.tape"
        if not path.exists():
            path.write_bytes(content)
        return str(path)

    def close(self) -> None:
        self._held.cleanup()


# ---------------------------------------------------------------- what workers do


def found(stored: Stored) -> Data | Failure:
    """The partition itself."""
    if isinstance(stored, Loader):
        if stored.key not in _loaded:
            try:
                _loaded[stored.key] = programs.prepared(stored.load())
            except Exception as why:
                return Failure(f"{type(why).__name__}: {why}")
        return _loaded[stored.key]
    if not isinstance(stored, Kept):
        return stored
    data = _mapped.get(stored.paths)
    if data is None:
        while len(_mapped) >= _MOST:
            _mapped.pop(next(iter(_mapped)), None)
        arrays = tuple(np.asarray(np.load(path, "r", allow_pickle=False)) for path in stored.paths)
        data = _mapped[stored.paths] = Data(arrays, stored.spec)
    return data


def signature(stored: Stored) -> Signature | Failure:
    """As `programs.signature`."""
    return programs.signature(found(stored))


def evaluate(tape: str, default: str, stored: Stored, points: Array) -> Answer | Failure:
    """As `programs.evaluate`, of a tape in a file."""
    content = _contents.get(tape)
    if content is None:
        _contents.clear()
        content = _contents[tape] = Path(tape).read_bytes()
    return programs.evaluate(content, default, found(stored), points)
