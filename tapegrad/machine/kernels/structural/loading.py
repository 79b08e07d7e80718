"""The addresses of structural kernels, from this process, the disk cache, LLVM or numba, in this order.

`indexed`, `scan`, `lapack` and `called` give the address of a kernel with the signature of every other one,
`int32 kernel(int64* pointers, int64* nest)`. Indexed reads and writes, and calls of a single LAPACK routine, are
emitted as LLVM text (see `indexed.py` and `lapack_calls.py`). `scans` has numba write the others, and is imported only
where what is shipped of them does not fit. What their nests look like is said there.
"""
from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tapegrad import dtypes
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import loop_helpers
from tapegrad.machine.kernels.products import blas, gemm
from tapegrad.machine.kernels.products import weighted as weighted_products
from tapegrad.machine.kernels.structural.abreast_writer import Abreast, abreast_text, rows
from tapegrad.machine.kernels.structural.gathering import Gathering, gathering_text
from tapegrad.machine.kernels.structural.indexed import READ, check_text, walk_text
from tapegrad.machine.kernels.structural.lapack_calls import CHECKED, GUARDED, POINTER, ROUTINES, STATUS, call_text
from tapegrad.machine.kernels.structural.turn_words import KEY
from tapegrad.machine.llvm import Jitted, cache, jit, late_binding
from tapegrad.machine.startup import address_of, bytes_from
from tapegrad.named_tuples import NamedTuple


class Effects(NamedTuple):
    """What a kernel does to its pointers: the first `writes` are written, those from `reads` on are read."""

    writes: int = 1
    reads: int = 1
    fails: bool = False  # it may return something else than 0
    pure: bool = False  # what it writes, from the start of its one output, follows from its nest and what it reads


effects: dict[int, Effects] = {}  # by address


def fails(address: int) -> bool:
    """Whether a kernel may return something else than 0."""
    return address in effects and effects[address].fails


def _with(found: Effects, address: int) -> int:
    effects[address] = found
    return address


def _all(modes: Sequence[str], of: Sequence[str]) -> list[str]:
    return [f"{mode}.{o}" for mode in modes for o in of]


_FLOATS = "f32", "f64"
_REALS = "u8", "i8", "i16", "i32", "i64", *_FLOATS
_FAMILIES = {  # what `scans` has numba write: the modes and dtypes there are
    "scan": _all(("sum", "prod", "argmax", "argmin"), _REALS) + _all(("logsumexp",), _FLOATS),
    "recurrence": _all(("own", "lagged"), _FLOATS),
    "positions": _all(("sort", "median"), _REALS),
    "searched": _all(("i32", "i64"), _REALS),
    "lu": _all(("",), _FLOATS),
    "solve": _all(("", "inverse"), _FLOATS),
    "cholesky": _all(("",), _FLOATS),
    "turns": _all(("",), ("i64",)),
}


def _write(family: str, parts: Sequence[str]) -> dict[str, str]:
    from tapegrad.machine.kernels.structural import scans

    return {part: scans.text(family, *part.split(".")) for part in parts}


_HERE, _ROOMS = Path(__file__).parent, Path(__file__).parents[2]
_SOURCES = [*(_HERE / f"{name}.py" for name in (
    "elements", "factorisations", "loops", "scans", "sorting", "turn_words")),
    *(_ROOMS / "native" / f"{name}.py" for name in ("cells", "glue", "portable")), _ROOMS / "records.py"]
_JITTED = {family: Jitted(family, parts, _SOURCES, functools.partial(_write, family))
           for family, parts in _FAMILIES.items()}


@functools.cache
def _jitted(family: str, mode: str, of: str) -> int:
    code = _JITTED[family].code(f"{mode}.{of}")
    return jit.load_object(f"{family}.{mode}.{of}", code, ["kernel"])["kernel"]


_BITS = {d.itemsize: d for d in (dtypes.uint8, dtypes.int16, dtypes.int32, dtypes.int64)}


@functools.cache
def _emitted(family: str, text: str, quick: bool = True) -> int:
    code = cache.obtain(f"structural {family} {text}",
                        lambda: jit.compile_ir(text, 0 if quick and jit.quick() else 1, optimise=False))
    loop_helpers.load()
    address = jit.load_object(family, code, ["kernel"], loop_helpers.NAMES)["kernel"]
    jit.sources[address] = "kernel", lambda: text
    return address


def _at_places(mode: str, of: dtype) -> tuple[str, dtype]:
    """The mode and the dtype of the kernel that does what is asked of `indexed`."""
    if of is dtypes.bool_:
        mode = {"add": "max", "mul": "min"}.get(mode, mode)
        of = dtypes.uint8
    return (mode, _BITS[of.itemsize]) if mode in (READ, "write") else (mode, of)  # bits are bits


def is_indexed(address: int, mode: str, of: dtype) -> bool:
    """Whether a kernel is the one that `indexed` gives, which is not made for the asking."""
    mode, of = _at_places(mode, of)
    return jit.loaded.get(address) == f"indexed.{mode}.{of.short}.kernel"


@functools.cache
def indexed(mode: str, of: dtype) -> int:
    """The kernel that reads, writes, adds, multiplies, or takes extremes at computed places (see `indexed.py`).

    It cannot fail: the indices were checked before.
    """
    mode, of = _at_places(mode, of)
    address = _emitted(f"indexed.{mode}.{of.short}", walk_text(mode, of))
    return _with(Effects(reads=1 if mode == READ else 0), address)  # what is written to keeps its other elements


@functools.cache
def in_range() -> int:
    """The kernel that checks one index operand (see `indexed.py`); OUT_OF_RANGE when an index is in neither range."""
    return _with(Effects(writes=0, reads=0, fails=True), _emitted("in_range", check_text()))


@functools.cache
def moved(there: bool) -> int:
    """The kernel that copies bytes, as many as its nest's one word says: its first pointer's from its second's, or its
    first's from its third's. The other lies in the same memory as what is copied from, or to."""
    source = 1 if there else 2
    text = f"""
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
define i32 @kernel(ptr %pointers, ptr %nest) {{
  %to = load ptr, ptr %pointers
  %at = getelementptr ptr, ptr %pointers, i64 {source}
  %from = load ptr, ptr %at
  %count = load i64, ptr %nest
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %count, i1 false)
  ret i32 0
}}
"""
    return _with(Effects() if there else Effects(writes=2, reads=0), _emitted(f"moved.{there}", text))


@functools.cache
def turned(of: dtype) -> int | None:
    """The kernel that writes columns as rows, piece by piece (see `gemm.turned_source`); None where there is none."""
    address = gemm.turned(of)
    return None if address is None else _with(Effects(reads=0), address)  # between its rows others may lie


@functools.cache
def weighted(of: dtype, rows: int, depth: int, adds: bool) -> int | None:
    """The kernel of weighted sums of products (see `products/weighted.py`), which stores or adds; None where BLAS
    multiplies."""
    found = weighted_products.kernels(of, rows, depth)
    if found is None:
        return None
    weighted_sums.add(found[adds])
    return _with(Effects(reads=0 if adds else 1), found[adds])


@functools.cache
def gathered(given: Gathering) -> int:
    """The kernel of arithmetic on rows of which elements are picked (see `gathering.py`)."""
    address = _emitted("gathered", gathering_text(given))
    gatherings.add(address)
    return _with(Effects(), address)


@functools.cache
def abreast(given: Abreast) -> int:
    """The same with several rows in a register (see `abreast_writer.py`)."""
    address = _emitted("abreast", abreast_text(given), quick=False)
    rows_abreast[address] = rows(given.of)
    return _with(Effects(), address)


weighted_sums: set[int] = set()  # the addresses of these
gatherings: set[int] = set()
rows_abreast: dict[int, int] = {}  # how many are computed at once, by the address


def packed(text: str, written: int) -> int:
    """The kernel of a text (see `packed_writer.py`) which writes to the first of its pointers, and reads the others."""
    return _with(Effects(written, written), _emitted("elements", text))


def scan(mode: str, of: dtype) -> int:
    """The kernel of a running sum, product, logsumexp, or position of the extreme so far (see `scans.scan`)."""
    return _with(Effects(), _jitted("scan", mode, "u8" if of.short == "b8" else of.short))


def positions(mode: str, of: dtype) -> int:
    """The kernel that gives positions in the order of a row's elements, or of its median (see `sorting.positions`)."""
    return _with(Effects(), _jitted("positions", mode, "u8" if of.short == "b8" else of.short))


def searched(of: dtype, out: dtype) -> int:
    """The kernel that finds where values belong in ordered rows (see `sorting.searched`)."""
    return _with(Effects(), _jitted("searched", out.short, "u8" if of.short == "b8" else of.short))


def recurrence(lagged: bool, of: dtype) -> int:
    """The kernel of y[i] = a[i] + b[i] y[i - 1] (see `scans.recurrence`)."""
    return _with(Effects(), _jitted("recurrence", "lagged" if lagged else "own", of.short))


@functools.cache
def _define_key() -> None:
    """Let threads keep memory between turns, until they end."""
    libc, key = ctypes.pythonapi, np.zeros(1, "u8")
    if libc.pthread_key_create(ctypes.c_void_p(address_of(key)), ctypes.cast(libc.free, ctypes.c_void_p)):
        raise MemoryError("no key for what threads keep is left")
    jit.keep(key)
    jit.define_symbol(KEY, address_of(key))


@functools.cache
def turns(written: int) -> int:
    """The kernel that makes kernel calls turn by turn; of its pointers the first `written` are written."""
    _define_key()
    return _with(Effects(written, 0), jit.load_object("turns", _JITTED["turns"].code(".i64"), ["kernel"])["kernel"])


def lapack(family: str, of: dtype, mode: str = "") -> int:
    """The kernel that factors matrices or solves with factors (see `factorisations`)."""
    blas.define_routines(of)
    return _with(Effects(reads=0, fails=True), _jitted(family, mode, of.short))


@functools.cache
def lapack_call(routine: str, of: dtype) -> int:
    """The kernel that calls a LAPACK routine for each of a batch (see `lapack_calls.py`)."""
    takes = ROUTINES[routine]
    element = "double" if of is dtypes.float64 else "float"
    text = call_text(blas.define_routine(routine, of), takes, element, blas.counts_threads(), GUARDED.get(routine),
                     CHECKED.get(routine))
    code = cache.obtain(f"structural {routine} {text}", lambda: jit.compile_ir(text, 0, optimise=False))
    address = jit.load_object(f"{routine}.{of.short}", code, ["kernel"])["kernel"]
    return _with(Effects(takes.count(POINTER), 0, STATUS in takes), address)


def array_function(jitted: Any, name: str, fills: bool, ranks: Sequence[int], operands: Sequence[tuple[dtype, int]],
                   slope: bool) -> tuple[int, dtype, bool]:
    """The kernel that calls a function of Numba's, the dtype of its results, and whether threads may share its loops
    (see `array_functions.compiled`).

    A `slope`, called once for each operand that needs it, is pure by what it is; others may draw random numbers.
    """
    from tapegrad.machine.kernels.structural import array_functions

    address, of, shared = array_functions.compiled(jitted, name, fills, ranks, operands, slope)
    return _with(Effects(fails=True, pure=slope), address), of, shared


# ---------------------------------------------------------------- Python as a kernel

_Kernel = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)


def called(function: Callable[..., Any],
           arrays: Sequence[tuple[np.dtype[Any], tuple[int, ...], tuple[int, ...]]]) -> int:
    """A kernel that calls `function(*inputs)` on arrays over its pointers and stores what it returns in the first.

    `arrays` gives (dtype, shape, byte strides) of the output and the inputs. The interpreter takes the GIL to run it.
    """
    addresses_from = (ctypes.c_size_t * len(arrays)).from_address

    def kernel(pointers: int, nest: int) -> int:
        try:
            out, *inputs = (
                np.ndarray(shape, d, bytes_from(address or nest), 0, strides)
                for (d, shape, strides), address in zip(arrays, addresses_from(pointers))
            )
            with np.errstate(all="ignore"):
                out[...] = function(*inputs)
        except BaseException as error:
            late_binding.failure[:] = [error]
            return rec.RAISED
        return 0

    made = _Kernel(kernel)
    jit.keep(made)
    return _with(Effects(fails=True), ctypes.cast(made, ctypes.c_void_p).value or 0)
