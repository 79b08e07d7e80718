"""Which kernel calls are worth several threads, and along which loop they are cut.

A loop that is kept is cut as it is. A row that is all there is (a sum over everything) is cut when it is reduced once:
each piece reduces its part with the kernel `partial`, and a last kernel reduces those.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.kernels import accumulator, costs_much, emitter, structural
from tapegrad.machine.kernels.products import gemm
from tapegrad.ops.symbols import Sym, rewrite, walk

GRAIN = 32768  # elements a thread at the least: below it waking the others costs more than they save
AWAKE = 4  # where they are awake it is a grain's part
PRODUCT_GRAIN = 1 << 20  # multiplications of a matrix product, 13 us of them
VECTOR_GRAIN = 1 << 17   # with a vector: they wait for the matrix, 15 us where it is in the second-level cache
LONG, LINE, VECTOR = 4096, 64, 16  # elements
_CALL_WEIGHT = 8  # elements of an exponential or a power are so much dearer than those of an addition


def cut(region: emitter.Region, pattern: str, nest: np.ndarray[Any, Any], both: bool) -> np.ndarray[Any, Any] | None:
    """The CUT record of a step, or None for a step that stays whole."""
    kept, reduced = int(nest[0]), int(nest[1])
    sizes = [int(n) for n in nest[2:2 + kept + reduced]]
    elements = int(np.prod(sizes, dtype=np.float64))
    if elements < 2 * GRAIN // AWAKE // _CALL_WEIGHT or len(nest) > rec.CUT_NEST_WORDS:
        return None
    pieces, eager = _pieces(elements * (_CALL_WEIGHT if costs_much(region.values) else 1))
    if pieces < 2 or (eager and not kept):
        return None
    found = np.zeros(1, rec.CUT)
    found["eager"] = eager
    long = [d for d in range(kept) if sizes[d] >= pieces]
    if long:
        in_line = nest[2 + len(sizes) + long[0]] == region.outputs[0].itemsize
        found["axis"], found["pieces"], found["unit"] = long[0], pieces, _unit(sizes[long[0]], pieces, in_line)
        return found
    if kept or reduced == 0 or not any(region.per_row):
        return None
    parts = halves(region, elements)
    if parts is None:
        return None
    partial, rest = parts
    found["axis"], found["pieces"], found["unit"] = int(np.argmax(sizes)), pieces, _unit(max(sizes), pieces, True)
    found["partial"] = emitter.compile_region(partial, pattern, (False,))
    words = "0c" if rest.inputs[0].itemsize == 8 else "0s"
    found["store"] = emitter.compile_region(rest, words, (False,))
    if both:
        found["add"] = emitter.compile_region(rest, words, (True,))
    return found


def cut_copy(nest: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """As `cut`, for the nest of a kernel that copies, along its outermost loop."""
    pieces, eager = _pieces(int(np.prod(nest[2:2 + nest[0]])))
    if pieces < 2 or nest[2] < pieces:
        return None
    found = np.zeros(1, rec.CUT)
    found["pieces"], found["unit"], found["eager"] = pieces, 1, eager
    return found


def _pieces(elements: int) -> tuple[int, bool]:
    """Into how many pieces so many elements are cut; and whether only threads that are awake get any."""
    eager = elements < 2 * GRAIN
    return min(elements * (AWAKE if eager else 1) // GRAIN, rec.MAX_PIECES), eager


def _unit(size: int, pieces: int, in_line: bool) -> int:
    """What pieces of a loop begin at multiples of: on a cache line where they are long, so that no two threads write to
    the same one; with a vector where the loop's elements lie side by side."""
    return LINE if size > LONG else VECTOR if in_line and size >= 2 * VECTOR * pieces else 1


def halves(region: emitter.Region, row: int) -> tuple[emitter.Region, emitter.Region] | None:
    """A reduction of `row` elements as one of parts and one of their results; None where that is not the same."""
    nodes = list(walk(region.values))
    reduces = [n for n in nodes if n.op == "reduce"]
    if len(region.values) != 1 or len(reduces) != 1 or any(n.op == "index" for n in nodes):
        return None
    (reduce,) = reduces
    if reduce.value.startswith("arg") or any(n.op == "count" for n in walk(reduce.args)):
        return None
    wide = accumulator(reduce)[0]
    again = Sym("reduce", (Sym.operand(0, wide),), wide, reduce.value)

    def change(node: Sym) -> Sym | None:
        if node is reduce:
            return again.cast(node.dtype)
        return Sym.const(row, node.dtype) if node.op == "count" else None

    (value,) = rewrite(region.values, change)
    if any(n.op == "operand" and n is not again.args[0] for n in walk((value,))):
        return None
    return (emitter.Region(region.inputs, (Sym("reduce", reduce.args, wide, reduce.value),), (wide,), (True,)),
            emitter.Region((wide,), (value,), region.outputs, (True,)))


def cut_product(nest: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """As `cut`, for the nest of a matrix product: along the batches if they are many, else its longer side.

    Pieces of a side are 128 long where there is so much of it: of 64 columns, packing the left operand does not pay.
    """
    batches, m, n, k = (int(size) for size in nest[2:6])
    pieces = min(batches * m * n * k // (VECTOR_GRAIN if n == 1 else PRODUCT_GRAIN), rec.MAX_PIECES)
    if pieces < 2:
        return None
    found = np.zeros(1, rec.CUT)
    axis = 0 if batches >= pieces else 1 if m >= n else 2
    found["axis"], found["pieces"] = axis, pieces if axis == 0 else min(pieces, max(m // 128, n // 128, 2))
    rows, columns = gemm.tile()
    found["unit"] = _unit(max(m, n), pieces, False) if 1 in (m, n) else (1, rows, columns // int(nest[8]))[axis]
    return found


def cut_weighted(nest: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """As `cut`, for the nest of a weighted sum of products: along the columns, for lanes may be mostly zero."""
    return _cut_columns(int(nest[4]), int(np.prod(nest[2:7], dtype=np.float64)) // PRODUCT_GRAIN)


def cut_gathered(nest: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """As `cut`, for the nest of arithmetic on picked columns: along these, for what rows share is worked out first."""
    return _cut_columns(int(nest[4]), int(np.prod(nest[2:5], dtype=np.float64)) // GRAIN)


def cut_abreast(nest: np.ndarray[Any, Any], rows: int) -> np.ndarray[Any, Any] | None:
    """As `cut`, where so many rows share a register, of which each piece makes copies: along blocks of columns, for
    which they are made anyway, or along these rows."""
    pieces, columns = int(np.prod(nest[2:5], dtype=np.float64)) // GRAIN, int(nest[4])
    unit, axis = (structural.COLUMNS_ABREAST, 2) if columns > structural.COLUMNS_ABREAST else (rows, 0)
    pieces = min(pieces, -(-int(nest[2 + axis]) // unit), rec.MAX_PIECES)
    if pieces < 2:
        return None
    found = np.zeros(1, rec.CUT)
    found["axis"], found["pieces"], found["unit"] = axis, pieces, unit
    return found


def _cut_columns(columns: int, pieces: int) -> np.ndarray[Any, Any] | None:
    unit = gemm.tile()[1]  # bytes, of whatever elements: whole vectors
    pieces = min(pieces, columns // unit, rec.MAX_PIECES)
    if pieces < 2:
        return None
    found = np.zeros(1, rec.CUT)
    found["axis"], found["pieces"], found["unit"] = 2, pieces, unit
    return found


def cut_calls(nest: np.ndarray[Any, Any], elements: int) -> np.ndarray[Any, Any] | None:
    """As `cut`, for the nest of a function of arrays, each call of which has so many elements."""
    sizes = nest[2:2 + nest[0]]
    pieces = min(int(np.prod(sizes, dtype=np.float64)) * elements // GRAIN, max(sizes, default=0), rec.MAX_PIECES)
    if pieces < 2 or len(nest) > rec.CUT_NEST_WORDS:
        return None
    found = np.zeros(1, rec.CUT)
    found["axis"], found["pieces"], found["unit"] = np.argmax(sizes), pieces, 1
    return found
