"""Values and gradients of a function summed over the partitions of a Dask cluster (docs/many-machines.md)."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad.interop import require
from tapegrad.interop.partitioned.function import OfVector, Partitioned, PartitionError
from tapegrad.namespaces import show_public

require("dask", "dask", "distributed")
__all__ = ["OfVector", "PartitionError", "Partitioned", "value_and_grad"]


def value_and_grad(f: Callable[..., Any], partitions: Any, client: Any = None, *, sample: Any = None,
                   prior: Callable[..., Any] | None = None, retries: int = 10) -> Partitioned:
    """The value and the gradient of `f(*parameters, partition)`, summed over partitions that stay on Dask's workers.

    >>> import numpy as np
    >>> from distributed import Client, LocalCluster
    >>> import tapegrad as torch
    >>> with LocalCluster(n_workers=2, processes=False, dashboard_address=":0") as cluster, Client(cluster) as client:
    ...     parts = [np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0])]
    ...     step = value_and_grad(lambda mean, x: ((x - mean) ** 2).sum(), parts, client)
    ...     step(torch.tensor(2.0, dtype=torch.float64))
    (tensor(15., dtype=torch.float64), tensor(-10., dtype=torch.float64))

    `partitions` are a list of arrays (or tuples, dicts of them), of futures and delayed values of such; or a Dask
    array, divided along its first axis; or a tuple or a dict of such arrays, divided alike. `f` is called here, once
    for each shape of partitions, on made-up values (or on `sample`, a partition); workers are sent its tape. `prior` is
    a function of the parameters alone that is added once. What is lost with a worker is computed again, each partition
    up to `retries` times beyond Dask's own.

    Raises RuntimeError for a function that is more than a tape, with its line (it draws, it looks at values), and for a
    partition that fails, with its number; TypeError and ValueError for partitions that are not of one kind.
    """
    from tapegrad.interop.partitioned.dask_workers import Workers

    return Partitioned(f, Workers(partitions, client, retries), sample, prior)


show_public(__name__)
