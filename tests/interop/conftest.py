"""Processes of these tests are forked from one that has imported what they need: for each that had taken seconds."""
from __future__ import annotations

import multiprocessing

import pytest

PRELOADED = ["tapegrad.interop.partitioned.dask_workers", "tapegrad.interop.partitioned.stores"]


@pytest.fixture(scope="session")
def forked():
    """The context in which processes are started; Dask knows it by its name, and has modules of its own to preload."""
    context = multiprocessing.get_context("forkserver")
    try:
        import dask
        from distributed.utils import get_mp_context
    except ImportError:
        pass
    else:
        with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
            get_mp_context()
    context.set_forkserver_preload(PRELOADED)
    return context
