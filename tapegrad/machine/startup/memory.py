"""Memory that arrays lie in for good: address space is reserved, and pages are touched as they are written."""
from __future__ import annotations

import mmap
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

_MAP_NORESERVE = 0x4000 if sys.platform.startswith("linux") else 0
_reserved: list[Any] = []


def map_pages(nbytes: int) -> mmap.mmap:
    return mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE)


def reserve(dtype: np.dtype[Any] | str, count: int) -> np.ndarray[Any, Any]:
    """A zeroed array of which only the pages that are written take memory."""
    dtype = np.dtype(dtype)
    try:
        block = map_pages(dtype.itemsize * count)
    except OSError:
        raise MemoryError(f"no address space for {dtype.itemsize * count} bytes") from None
    _reserved.append(block)
    return np.frombuffer(block, dtype, count)


def reserve_tables(rows: int, dtypes: Sequence[np.dtype[Any]]) -> list[np.ndarray[Any, Any]]:
    return [reserve(dtype, rows) for dtype in dtypes]


def address_of(array: np.ndarray[Any, Any]) -> int:
    return int(array.ctypes.data)  # `__array_interface__` would describe every field first
