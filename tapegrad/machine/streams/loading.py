"""The kernels' way into the process, a family at a time: few programs draw from more than one."""
from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tapegrad.machine.llvm import Jitted, jit

# Without giving up the GIL: two threads that drew from one stream at once would leave it in pieces.
_KERNEL = ctypes.PYFUNCTYPE(ctypes.c_int32, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int64, ctypes.c_double,
                            ctypes.c_double, ctypes.c_size_t)

FAMILIES: dict[str, tuple[str, ...]] = {
    "common": ("seed", "raw", "raw64", "uniform32", "uniform64", "normal32", "normal64", "pairs", "integers",
               "permutation", "ones8", "ones32", "ones64"),
    "inversion": ("exponential", "geometric", "cauchy", "log_normal"),
    "rejection": ("poisson", "binomial32", "binomial64", "gamma32", "gamma64"),
}


def _write(parts: Sequence[str]) -> dict[str, str]:
    from tapegrad.machine.streams import kernels

    return {part: kernels.text(part) for part in parts}


_HERE, _NATIVE = Path(__file__).parent, Path(__file__).parents[1] / "native"
_SOURCES = [*(_HERE / f"{name}.py" for name in ("bulk", "inversion", "kernels", "loading", "rejection", "twister")),
            *(_NATIVE / f"{name}.py" for name in ("cells", "glue", "portable"))]
_JITTED = Jitted("streams", [*FAMILIES], _SOURCES, _write)


@functools.cache
def _family(family: str) -> dict[str, Any]:
    names = FAMILIES[family]
    found = jit.load_object(f"streams.{family}", _JITTED.code(family), [f"draw_{name}" for name in names], ())
    return {name: _KERNEL(found[f"draw_{name}"]) for name in names}


_family_of = {name: family for family, names in FAMILIES.items() for name in names}


def address(name: str) -> int:
    """Where a kernel is."""
    return int(ctypes.cast(kernel(name), ctypes.c_void_p).value or 0)


@functools.cache
def kernel(name: str) -> Any:
    """A kernel, as a function of Python."""
    with jit.BUILDING:
        return _family(_family_of[name])[name]
