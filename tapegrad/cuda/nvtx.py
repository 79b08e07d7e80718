"""Marks for NVIDIA's profilers (`torch.cuda.nvtx`), which are refused as PyTorch's build for the CPU refuses them.

>>> import tapegrad as torch
>>> torch.cuda.nvtx.range_push("step")
Traceback (most recent call last):
    ...
RuntimeError: NVTX functions not installed. Are you sure you have a CUDA build?: tapegrad runs on the CPU only
"""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NoReturn

from tapegrad.namespaces import show_public

__all__ = ["mark", "range", "range_pop", "range_push"]
show_public(__name__)


def _refuse() -> NoReturn:
    raise RuntimeError("NVTX functions not installed. Are you sure you have a CUDA build?: tapegrad runs on the CPU "
                       "only")


def range_push(msg: str) -> int:
    """There is no such device: raises RuntimeError."""
    _refuse()


def range_pop() -> int:
    """There is no such device: raises RuntimeError."""
    _refuse()


def mark(msg: str) -> int:
    """There is no such device: raises RuntimeError."""
    _refuse()


@contextlib.contextmanager
def range(msg: str, *args: Any, **kwargs: Any) -> Iterator[None]:
    """A block that raises RuntimeError when it is entered: there is no such device."""
    _refuse()
    yield
