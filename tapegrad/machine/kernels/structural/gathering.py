"""Arithmetic on rows of which elements are picked, emitted: out[…, i] = f(x[…, index[i]], y[…, i], …).

The nest is [3, 0, A, B, C] and then three byte strides for each pointer: what is written, the operands, and the index
operands, which go along C. The bytes from a row's beginning that indices mean are worked out once for all rows of a
block of columns, and so are copied the operands that are the same for all rows and not contiguous.

A few rows (B) are computed side by side, for they share the places. Elements are fetched one by one and put together:
gather instructions take as long on most processors, and many times as long on some.
"""
from __future__ import annotations

from collections.abc import Sequence

from tapegrad import dtypes
from tapegrad.dtypes import dtype
from tapegrad.machine.kernels.lowering import memory_type, vector_bytes
from tapegrad.machine.kernels.structural.indexed import Loops
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.symbols import Sym

BLOCK = 512  # columns

# What an operand is: COLUMNS that are contiguous, ROWS that have one element, one row that is STAGED; picked ones are
# the number of their index operand, from 0 on.
COLUMNS, ROWS, STAGED = -1, -2, -3


class Gathering(NamedTuple):
    """What such a kernel computes: a value of operands of one dtype, which are of these kinds; how many rows at once;
    and for each index operand the length of the axis that it counts along."""

    of: dtype
    value: Sym
    kinds: tuple[int, ...]
    together: int
    lengths: tuple[int, ...]


class _Gathering(Loops):
    """The text of the kernel."""

    def __init__(self, given: Gathering) -> None:
        super().__init__()
        self.given, self.of, self.item = given, given.of, given.of.itemsize
        self.wide_lanes = vector_bytes()[0] // self.item
        self.pointers = 1 + len(given.kinds) + len(given.lengths)

    def text(self) -> str:
        given, item = self.given, self.item
        self.label("entry")
        outer, rows, columns = (self.word("%nest", 2 + d) for d in range(3))
        strides = [[self.word("%nest", 5 + 3 * o + d) for d in range(3)] for o in range(self.pointers)]
        bases = [self.let(f"load ptr, ptr {self.element('%pointers', o, 'ptr')}") for o in range(self.pointers)]
        self.places = [self.let(f"alloca [{BLOCK} x i64], align 64") for _ in given.lengths]
        staged = {o: self.let(f"alloca [{BLOCK} x {memory_type(self.of)}], align 64")
                  for o, kind in enumerate(given.kinds, 1) if kind == STAGED}
        with self.loop("0", columns, BLOCK) as (first,):
            left = self.do("sub", columns, first)
            size = self.let(f"select i1 {self.let(f'icmp slt i64 {left}, {BLOCK}')}, i64 {left}, i64 {BLOCK}")
            begin = [self.element(p, self.do("mul", first, by[2]), "i8") for p, by in zip(bases, strides)]
            indices = range(1 + len(given.kinds), self.pointers)
            for o, to, length in zip(indices, self.places, given.lengths):
                with self.loop("0", size, 1, (to, 8), (begin[o], strides[o][2])) as (_, place, at):
                    self.store(place, self.distance(at, self.item, length), dtypes.int64)
            for o, to in staged.items():
                with self.loop("0", size, 1, (to, item), (begin[o], strides[o][2])) as (_, place, at):
                    self.store(place, self.load(at, self.of), self.of)
            operands = range(1 + len(given.kinds))
            with self.loop("0", outer, 1, *((begin[o], strides[o][0]) for o in operands)) as (_, *at):
                far = [self.do("mul", strides[o][1], given.together) for o in operands]
                with self.loop("0", rows, given.together, *zip(at, far)) as (_, *starts):
                    self.row(starts, [strides[o][1] for o in operands], staged, size)
        self.line("ret i32 0")
        return self.module()

    def row(self, starts: Sequence[str], apart: Sequence[str], staged: dict[int, str], size: str) -> None:
        """A few rows, which begin at `starts` and lie `apart`: vectors, then single elements."""
        rows = [list(starts)]
        for _ in range(1, self.given.together):
            rows.append([self.element(p, by, "i8") for p, by in zip(rows[-1], apart)])
        same = {(r, o): self.load(rows[r][o], self.of)
                for r in range(len(rows)) for o, kind in enumerate(self.given.kinds, 1) if kind == ROWS}
        main = self.do("and", size, -self.wide_lanes)
        for lanes, start, end in ((self.wide_lanes, "0", main), (1, main, size)):
            with self.wide(lanes):
                each = {key: self.splat(x, memory_type(self.of)) for key, x in same.items()}
            with self.loop(start, end, lanes) as (i,), self.wide(lanes):
                picked = self.picked(rows, i)
                for r, at in enumerate(rows):
                    values = []
                    for o, kind in enumerate(self.given.kinds, 1):
                        if kind == ROWS:
                            values.append(each[r, o])
                        elif kind < 0:
                            source = staged[o] if kind == STAGED else at[o]
                            values.append(self.load(self.element(source, i, memory_type(self.of)), self.of))
                        else:
                            values.append(picked[r, o])
                    (value,) = self.straight_line([self.given.value], values)
                    self.store(self.element(at[0], i, memory_type(self.of)), value, self.of)

    def picked(self, rows: Sequence[Sequence[str]], i: str) -> dict[tuple[int, int], str]:
        """The picked elements of all rows: each place is read once."""
        found: dict[tuple[int, int], str] = {}
        t, lanes = memory_type(self.of), self.lanes
        for n, places in enumerate(self.places):
            start = self.element(places, i)
            with self.wide(1):
                far = [self.word(start, lane) for lane in range(lanes)]
            for r, at in enumerate(rows):
                for o in (o for o, kind in enumerate(self.given.kinds, 1) if kind == n):
                    with self.wide(1):
                        each = [self.load(self.element(at[o], by, "i8"), self.of) for by in far]
                    vector = "poison"
                    for lane, x in enumerate(each if lanes > 1 else ()):
                        vector = self.let(f"insertelement <{lanes} x {t}> {vector}, {t} {x}, i64 {lane}")
                    found[r, o] = vector if lanes > 1 else each[0]
        return found


def gathering_text(given: Gathering) -> str:
    """The text of the kernel: indices are not checked."""
    return _Gathering(given).text()
