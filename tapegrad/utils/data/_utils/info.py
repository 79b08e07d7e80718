"""What a worker process may know of itself."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker process may know of itself (`get_worker_info`)."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


here: WorkerInfo | None = None  # of this process


def get_worker_info() -> WorkerInfo | None:
    """The id, seed and dataset of the worker process this is, and how many there are; None outside of workers.

    >>> from tapegrad.utils.data import get_worker_info
    >>> get_worker_info() is None
    True
    """
    return here
