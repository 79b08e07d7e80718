"""Memory that arrays lie in for good: address space is reserved, and pages are touched as they are written."""
from __future__ import annotations

import ctypes
import functools
import mmap
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import errors
from tapegrad.machine.llvm import jit

_MAP_NORESERVE = 0x4000 if sys.platform.startswith("linux") else 0
MAX_PLANS = 1 << 20
MAX_LAYOUTS = 1 << 22


@functools.cache
def _there_is() -> int:
    """How many bytes of memory this machine has, what it swaps to included."""
    try:
        with open("/proc/meminfo") as f:
            known = dict(line.split(":") for line in f)
        return sum(int(known[name].split()[0]) << 10 for name in ("MemTotal", "SwapTotal"))
    except (OSError, KeyError, ValueError):  # no such file, on other systems
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def require_memory(nbytes: int) -> None:
    """Refuse before anything runs what this machine cannot have memory for."""
    if nbytes > 1 << 30 and nbytes > _there_is():
        raise errors.OutOfMemoryError(errors.NO_MEMORY.format(nbytes))


def map_pages(nbytes: int) -> mmap.mmap:
    return mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE)


def reserve(dtype: np.dtype[Any] | str, count: int) -> np.ndarray[Any, Any]:
    """A zeroed array of which only the pages that are written take memory."""
    dtype = np.dtype(dtype)
    try:
        block = map_pages(dtype.itemsize * count)
    except OSError:
        raise MemoryError(f"no address space for {dtype.itemsize * count} bytes") from None
    jit.keep(block)
    return np.frombuffer(block, dtype, count)


def reserve_tables(rows: int, dtypes: Sequence[np.dtype[Any]]) -> list[np.ndarray[Any, Any]]:
    return [reserve(dtype, rows) for dtype in dtypes]


# The bytes from an address on, for an array to be made of the first of them. One type for all of memory: of a type for
# each length, ctypes forgets those that are not in use, and each that is made anew wears Python's table of names out.
bytes_from: Callable[[int], Any] = (ctypes.c_char * (1 << 62)).from_address


def trim_heap() -> None:
    """Give back to the system what was freed between values that live: glibc keeps it, be it 100 MB."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(ctypes.c_size_t(0))


def address_of(array: np.ndarray[Any, Any]) -> int:
    return int(array.ctypes.data)  # `__array_interface__` would describe every field first
