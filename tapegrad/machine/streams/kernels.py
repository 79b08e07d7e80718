"""All kernels by name, and the text of a family of them. Importing this imports numba."""
from __future__ import annotations

from typing import Any

from numba.core import types

from tapegrad.machine.native import build
from tapegrad.machine.streams import bulk, inversion, rejection, twister
from tapegrad.machine.streams.loading import FAMILIES

SIGNATURE = types.int32(types.uint64, types.uint64, types.int64, types.float64, types.float64, types.uint64)


def text(family: str) -> str:
    """The LLVM text of a family's kernels."""
    return build.module_text([(f"draw_{name}", SIGNATURE, _named(name)) for name in FAMILIES[family]])


def _named(name: str) -> Any:
    return next(getattr(room, name) for room in (twister, bulk, inversion, rejection) if hasattr(room, name))
