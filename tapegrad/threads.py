"""How many threads the machine's kernels and BLAS use (`torch.set_num_threads`)."""
from __future__ import annotations

import os

from tapegrad import config
from tapegrad.machine.kernels.products import blas
from tapegrad.machine.live import machine


def set_num_threads(num: int) -> None:
    """Set how many threads large operations are shared between (`torch.set_num_threads`).

    >>> import tapegrad
    >>> before = tapegrad.get_num_threads()
    >>> tapegrad.set_num_threads(1)
    >>> tapegrad.get_num_threads()
    1
    >>> tapegrad.set_num_threads(before)

    It counts for the whole process, BLAS included. Raises RuntimeError below one.
    """
    if isinstance(num, bool) or not isinstance(num, int):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(num).__name__}")
    if num < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    machine.state["threads"] = num
    blas.set_num_threads(num)


def get_num_threads() -> int:
    """How many threads large operations are shared between (`torch.get_num_threads`).

    >>> import tapegrad as torch
    >>> torch.get_num_threads() > 0
    True
    """
    return int(machine.state["threads"][0])


set_num_threads(config.threads())
if hasattr(os, "register_at_fork"):
    machine.survive_forks()
