"""Which way attention is computed (`torch.nn.attention`): there is one here, which counts as two of PyTorch's.

>>> import tapegrad as torch
>>> from tapegrad.nn.attention import SDPBackend, sdpa_kernel
>>> q = torch.ones(1, 2, 2)
>>> with sdpa_kernel(SDPBackend.MATH):
...     torch.nn.functional.scaled_dot_product_attention(q, q, q)
tensor([[[1., 1.],
         [1., 1.]]])
"""
from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator
from typing import Any

from tapegrad.namespaces import show_public

__all__ = ["WARN_FOR_UNFUSED_KERNELS", "SDPBackend", "sdpa_kernel"]
show_public(__name__)
WARN_FOR_UNFUSED_KERNELS = False


class SDPBackend(enum.IntEnum):
    """Ways to compute attention (`torch.nn.attention.SDPBackend`).

    >>> import tapegrad as torch
    >>> torch.nn.attention.SDPBackend.MATH.name
    'MATH'
    """

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4

    __repr__ = enum.Enum.__repr__
    __str__ = enum.Enum.__str__


_THERE = {SDPBackend.MATH, SDPBackend.FLASH_ATTENTION}  # those of PyTorch's on CPUs


@contextlib.contextmanager
def sdpa_kernel(backends: Any, set_priority: bool = False) -> Iterator[dict[str, Any]]:
    """Allow some ways to compute attention, as a context or a decorator (`torch.nn.attention.sdpa_kernel`).

    Raises AssertionError for what is no way, RuntimeError on entry where none of those allowed is there (PyTorch: when
    attention is computed).
    """
    if not isinstance(backends, (list, SDPBackend)):
        raise AssertionError("Backend must be an instance of SDPBackend or a list of SDPBackend instances, got "
                             f"{type(backends).__name__}")
    allowed = [backends] if isinstance(backends, SDPBackend) else backends
    if not _THERE.intersection(allowed):
        raise RuntimeError("No viable backend for scaled_dot_product_attention was found. This is likely due to "
                           "turning off both the math kernel and the fused kernels.")
    yield {}
