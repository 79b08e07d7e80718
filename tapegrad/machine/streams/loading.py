"""The kernels' way into the process: from the disk cache, or through numba and LLVM.

What nearly every program draws from is made with the machine itself, so that nothing waits for it; the other
distributions when one of them is first asked for.
"""
from __future__ import annotations

import ctypes
import functools
import hashlib
from pathlib import Path
from typing import Any

from tapegrad.machine.llvm import cache, jit

# Without giving up the GIL: two threads that drew from one stream at once would leave it in pieces.
_KERNEL = ctypes.PYFUNCTYPE(ctypes.c_int32, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int64, ctypes.c_double,
                            ctypes.c_double, ctypes.c_size_t)


@functools.cache
def _sources() -> str:
    here = Path(__file__).parent
    native = [here.parent / "native" / name for name in ("glue.py", "cells.py")]
    return hashlib.sha256(b"".join(p.read_bytes() for p in (*sorted(here.glob("*.py")), *native))).hexdigest()


def build(family: str) -> bytes:
    """The object code of a family of kernels."""
    key = f"streams {family} {_sources()}"
    code = cache.get(key)
    if code is None:
        from tapegrad.machine.streams import kernels

        code = jit.compile_ir(kernels.build_ir(family), 2, optimise=False)
        cache.put(key, code)
    return code


@functools.cache
def _family(family: str) -> dict[str, Any]:
    names = FAMILIES[family]
    found = jit.load_object(f"streams.{family}", build(family), [f"draw_{name}" for name in names], ())
    return {name: _KERNEL(found[f"draw_{name}"]) for name in names}


FAMILIES = {
    "common": ("seed", "raw", "raw64", "uniform32", "uniform64", "normal32", "normal64", "pairs", "integers",
               "permutation", "ones8", "ones32", "ones64", "chances32", "chances64"),
    "inversion": ("exponential", "geometric", "cauchy", "log_normal"),
    "rejection": ("poisson", "binomial32", "binomial64", "gamma32", "gamma64"),
}
_family_of = {name: family for family, names in FAMILIES.items() for name in names}


@functools.cache
def kernel(name: str) -> Any:
    """A kernel, as a function of Python."""
    with jit.BUILDING:
        return _family(_family_of[name])[name]
