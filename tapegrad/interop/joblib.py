"""Values and gradients of a function summed over partitions, by joblib."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tapegrad.interop import require
from tapegrad.interop.partitioned.function import OfVector, Partitioned, PartitionError
from tapegrad.interop.partitioned.pools import Joblib
from tapegrad.namespaces import show_public

require("joblib", "joblib")
__all__ = ["OfVector", "PartitionError", "Partitioned", "value_and_grad"]


def value_and_grad(f: Callable[..., Any], partitions: Iterable[Any], n_jobs: int | None = None, *, sample: Any = None,
                   prior: Callable[..., Any] | None = None, folder: Any = None, **options: Any) -> Partitioned:
    """The value and the gradient of `f(*parameters, partition)`, summed over partitions by `joblib.Parallel`.

    >>> import tapegrad as torch
    >>> parts = [torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0, 5.0])]
    >>> step = value_and_grad(lambda mean, x: ((x - mean) ** 2).sum(), parts, n_jobs=2, backend="threading")
    >>> step(torch.tensor(2.0))
    (tensor(15.), tensor(-10.))

    `n_jobs` and `options` are joblib's. Processes read partitions from files in `folder` (a temporary one), which are
    written once; a partition may be a function without arguments that loads it, in the process. `sample`, `prior` and
    what is raised are as in `interop.dask.value_and_grad`.
    """
    return Partitioned(f, Joblib(list(partitions), {"n_jobs": n_jobs, **options}, folder), sample, prior)


show_public(__name__)
