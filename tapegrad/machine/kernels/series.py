"""Functions of numbers that kernels call and that are no library's: exp and tanh of float64, by a series.

They give each lane the same digits, whatever the others hold, and a single number too. Kernels share them, as they do
a library's: written out in each, a kernel of eight took LLVM five times as long. Those of the widths that most kernels
have are compiled with the machine, others when the first kernel that calls them is loaded.
"""
from __future__ import annotations

import functools
import re

from tapegrad.dtypes import BY_SHORT, float64
from tapegrad.machine.kernels import lowering
from tapegrad.machine.kernels.instruction_writer import SERIES, series_symbol, series_text
from tapegrad.machine.llvm import cache, jit

_SYMBOL = re.compile(rf"{SERIES}(\w+?)_(\w+?)x(\d+)\b")


def usual() -> list[str]:
    """Those that most kernels call: of a number, of a register and of four."""
    register = lowering.vector_bytes()[0] // float64.itemsize
    return [series_symbol(name, float64, lanes) for name in lowering.SERIES if jit.fuses()
            for lanes in (1, register, 4 * register)]


def called(text: str) -> list[str]:
    """The functions that some text calls."""
    return sorted({m[0] for m in _SYMBOL.finditer(text)})


def called_by_object(code: bytes) -> list[str]:
    """Those that object code refers to."""
    return called(code.decode("latin-1")) if SERIES.encode() in code else []


def source(symbol: str) -> str:
    """The LLVM text of one of them."""
    found = _SYMBOL.fullmatch(symbol)
    assert found is not None
    return series_text(found[1], BY_SHORT[found[2]], int(found[3]))


@functools.cache
def code(symbol: str) -> bytes:
    """The object code of one of them: LLVM's passes would change nothing, and take as long again."""
    return cache.obtain(symbol, lambda: jit.compile_ir(source(symbol), 2, optimise=False))


@functools.cache
def load(symbol: str) -> None:
    """Have one of them at hand before the first kernel that calls it is loaded."""
    jit.define_symbol(symbol, jit.load_object("series", code(symbol), [symbol], ())[symbol])
