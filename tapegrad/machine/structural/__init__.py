"""Kernels that are no elementwise loop: indexed reads and writes, scans, LAPACK, and Python called at execution.

`indexed`, `scan`, `lapack` and `called` give the address of a kernel with the signature of every other one,
`int32 kernel(int64* pointers, int64* nest)`; `kernels` holds the jitted ones and is imported only when the disk cache
misses. What their nests look like is said there.
"""
from __future__ import annotations

import ctypes
import functools
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tapegrad.dtypes import dtype
from tapegrad.machine import blas, cache, jit
from tapegrad.machine.late import RAISED, failure

OUT_OF_RANGE, REFUSED = 7, 9  # what a kernel may return besides 0 and RAISED
fallible: set[int] = set()  # the addresses of the kernels that may return any of these


@functools.cache
def _sources() -> str:
    here = Path(__file__).parent
    text = b"".join(p.read_bytes() for p in (*sorted(here.glob("*.py")), here.parent / "native" / "glue.py"))
    return hashlib.sha256(text).hexdigest()


@functools.cache
def _jitted(family: str, mode: str, of: str) -> int:
    key = f"structural {family} {mode} {of} {_sources()}"
    code = cache.get(key)
    if code is None:
        from tapegrad.machine.structural import kernels

        code = jit.compile_ir(kernels.build_ir(family, mode, of), 2)
        cache.put(key, code)
    return jit.load_object(f"{family}.{mode}.{of}", code, ["kernel"])["kernel"]


def indexed(mode: str, of: dtype) -> int:
    """The kernel that reads, writes, adds, multiplies, or takes extremes at computed places (see `kernels.indexed`)."""
    if of.short == "b8":
        mode = {"add": "max", "mul": "min"}.get(mode, mode)
    if mode in ("read", "write"):  # bits are bits
        return _may_fail(_jitted("indexed", mode, {1: "u8", 2: "i16", 4: "i32", 8: "i64"}[of.itemsize]))
    return _may_fail(_jitted("indexed", mode, "u8" if of.short == "b8" else of.short))


def _may_fail(address: int) -> int:
    fallible.add(address)
    return address


def scan(mode: str, of: dtype) -> int:
    """The kernel of a running sum, product, logsumexp, or position of the extreme so far (see `kernels.scan`)."""
    return _jitted("scan", mode, "u8" if of.short == "b8" else of.short)


def positions(mode: str, of: dtype) -> int:
    """The kernel that gives positions in the order of a row's elements, or of its median (see `orders.positions`)."""
    return _jitted("positions", mode, "u8" if of.short == "b8" else of.short)


def searched(of: dtype, out: dtype) -> int:
    """The kernel that finds where values belong in ordered rows (see `orders.searched`)."""
    return _jitted("searched", out.short, "u8" if of.short == "b8" else of.short)


def recurrence(lagged: bool, of: dtype) -> int:
    """The kernel of y[i] = a[i] + b[i] y[i - 1] (see `kernels.recurrence`)."""
    return _jitted("recurrence", "lagged" if lagged else "own", of.short)


def lapack(family: str, of: dtype, mode: str = "") -> int:
    """The kernel that factors matrices or solves with factors (see `factors`)."""
    blas.define_routines(of)
    return _may_fail(_jitted(family, mode, of.short))


# ---------------------------------------------------------------- Python as a kernel

_Kernel = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)
_kept: list[Any] = []  # the machine calls them for good


def called(function: Callable[..., Any],
           arrays: Sequence[tuple[np.dtype[Any], tuple[int, ...], tuple[int, ...]]]) -> int:
    """A kernel that calls `function(*inputs)` on arrays over its pointers and stores what it returns in the first.

    `arrays` gives (dtype, shape, byte strides) of the output and the inputs. The interpreter takes the GIL to run it.
    """
    spans = [int(np.dot([n - 1 for n in shape], strides)) + d.itemsize if 0 not in shape else 0
             for d, shape, strides in arrays]
    count = len(arrays)

    def memory(address: int, span: int) -> Any:
        return (ctypes.c_char * max(span, 1)).from_address(address)

    def kernel(pointers: int, nest: int) -> int:
        try:
            addresses = (ctypes.c_size_t * count).from_address(pointers)
            out, *inputs = (
                np.ndarray(shape, d, memory(address or nest, span), 0, strides)
                for (d, shape, strides), span, address in zip(arrays, spans, addresses)
            )
            with np.errstate(all="ignore"):
                out[...] = function(*inputs)
        except BaseException as error:
            failure[:] = [error]
            return RAISED
        return 0

    made = _Kernel(kernel)
    _kept.append(made)
    return _may_fail(ctypes.cast(made, ctypes.c_void_p).value or 0)
