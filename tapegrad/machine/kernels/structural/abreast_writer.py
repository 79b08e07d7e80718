"""Arithmetic on rows of which elements are picked, emitted, with several rows in a register.

As in `gathering.py`, out[a, b, i] = f(x[a, b, index[i]], y[b, i], …), for as many a as fit into registers at once: rows
of x are copied first, element by element side by side, so that what an index picks of them is one vector. Where f reads
other operands along i, these are the same for all a. What is computed is turned, a few columns at a time, and written
to its rows. An element picked by itself takes as long as the arithmetic on four: a Jacobian's 78 rows of 1,000 columns
of three picked elements each took 83 us, and take 48.

The nest is [3, 0, A, B, C] and then three byte strides for each pointer: what is written, the operands, and the index
operands, which go along C. Where the last rows do not fill the registers, the last one is computed several times; for
half of them or fewer, the registers are half as many, or as wide.
"""
from __future__ import annotations

from collections.abc import Sequence

from tapegrad import dtypes
from tapegrad.dtypes import dtype
from tapegrad.machine.kernels.lowering import memory_type, vector_bytes
from tapegrad.machine.kernels.structural.indexed import Loops
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.symbols import Sym

BLOCK = 4096  # columns whose places are worked out at once
LINE = 64     # bytes of a copy's column: a cache line

ALIKE, ROWS = -1, -2  # operands that are no picked ones: the same for all a; with one element for each row


class Abreast(NamedTuple):
    """What such a kernel computes: a value of operands of one dtype.

    Of each operand it knows which index picks it, or what else it is; how many bytes it is from column to column; and
    if it is picked, the first operand of which the same rows are. Of each index, that many bytes, and the length of the
    axis that it counts along.
    """

    of: dtype
    value: Sym
    kinds: tuple[int, ...]
    steps: tuple[int, ...]
    first: tuple[int, ...]
    index_steps: tuple[int, ...]
    lengths: tuple[int, ...]
    halves: bool  # whether the last rows are that few


def rows(of: dtype) -> int:
    """Rows that are computed at once."""
    return LINE // of.itemsize


def computed(of: dtype, count: int) -> tuple[int, bool]:
    """Of so many rows how many are computed, and whether the last ones are half of those at once, or fewer."""
    once = rows(of)
    halves = 0 < count % once <= once // 2
    return -(-count // once) * once - halves * (once // 2), halves


class _Abreast(Loops):
    """The text of the kernel."""

    def __init__(self, given: Abreast) -> None:
        super().__init__()
        self.given, self.of, self.item = given, given.of, given.of.itemsize
        self.quick = False  # folding loads into instructions, and their order, are worth 15 % of three picked operands
        self.apart = rows(given.of)  # elements from a copy's column to the next
        self.take(self.apart)
        self.t = memory_type(given.of)

    def take(self, rows: int) -> None:
        """Compute so many rows at once."""
        self.rows, self.side = rows, min(vector_bytes()[0] // self.item, rows)
        self.registers = rows // self.side

    def text(self) -> str:
        given = self.given
        operands = range(1 + len(given.kinds))
        self.label("entry")
        self.outer, turns, columns = (self.word("%nest", 2 + d) for d in range(3))
        strides = [[self.word("%nest", 5 + 3 * o + d) for d in range(2)] for o in operands]
        pointers = len(operands) + len(given.lengths)
        bases = [self.let(f"load ptr, ptr {self.element('%pointers', o, 'ptr')}") for o in range(pointers)]
        self.places = [self.let(f"alloca [{BLOCK} x i32], align 64") for _ in given.lengths]
        self.beside = {o: self.let(f"alloca [{self.apart * given.lengths[kind]} x {self.t}], align 64")
                       for o, kind in enumerate(given.kinds) if kind >= 0 and given.first[o] == o}
        steps = (self.item, *given.steps, *given.index_steps)
        self.last = self.do("sub", self.outer, 1)
        ends = [(self.apart, "0", self.outer)]
        if given.halves:
            main = self.do("and", self.do("add", self.outer, self.apart // 2 - 1), -self.apart)
            ends = [(self.apart, "0", main), (self.apart // 2, main, self.outer)]
        with self.loop("0", columns, BLOCK) as (before,):
            left = self.do("sub", columns, before)
            size = self.let(f"select i1 {self.let(f'icmp slt i64 {left}, {BLOCK}')}, i64 {left}, i64 {BLOCK}")
            begin = [self.element(p, self.do("mul", before, by), "i8") if by else p for p, by in zip(bases, steps)]
            for to, start, by, length in zip(self.places, begin[len(operands):], given.index_steps, given.lengths):
                with self.loop("0", size, 1, (to, 4), (start, by)) as (_, place, index):
                    moved = self.distance(index, self.apart * self.item, length)
                    self.store(place, self.let(f"trunc i64 {moved} to i32"), dtypes.int32)
            with self.loop("0", turns, 1, *((begin[o], strides[o][1]) for o in operands)) as (_, *at):
                for count, first, end in ends:
                    self.take(count)
                    with self.loop(first, end, count) as (a,):
                        self.group(a, at, [by[0] for by in strides], size)
        self.line("ret i32 0")
        return self.module()

    def group(self, first: str, starts: Sequence[str], strides: Sequence[str], size: str) -> None:
        """All columns of the rows from the first one on: several columns at a time, then one by one."""
        numbers = [self.do("add", first, k) for k in range(self.rows)]
        within = [self.let(f"select i1 {self.let(f'icmp slt i64 {n}, {self.last}')}, i64 {n}, i64 {self.last}")
                  for n in numbers]
        targets, *at = ([self.element(start, self.do("mul", n, by), "i8") for n in within]
                        if o == 0 or self.given.kinds[o - 1] != ALIKE else [start]
                        for o, (start, by) in enumerate(zip(starts, strides)))
        for o, to in self.beside.items():
            self.copy(to, at[o], self.given.lengths[self.given.kinds[o]])
        same = {o: [self.packed([self.load(p, self.of) for p in at[o][k:k + self.side]])
                    for k in range(0, self.rows, self.side)]
                for o, kind in enumerate(self.given.kinds) if kind == ROWS}
        main = self.do("and", size, -self.side)
        alike = [o for o, kind in enumerate(self.given.kinds) if kind == ALIKE]
        with self.loop("0", main, self.side,
                       *((at[o][0], self.side * self.given.steps[o]) for o in alike)) as (i, *along):
            found = [self.column(i, k, dict(zip(alike, along)), same) for k in range(self.side)]
            for r in range(self.registers):
                with self.wide(self.side):
                    for k, row in enumerate(self.turned([column[r] for column in found])):
                        self.store(self.element(targets[r * self.side + k], i, self.t), row, self.of)
        beyond = [self.element(at[o][0], self.do("mul", main, self.given.steps[o]), "i8") for o in alike]
        with self.loop(main, size, 1, *((p, self.given.steps[o]) for o, p in zip(alike, beyond))) as (i, *along):
            for r, x in enumerate(self.column(i, 0, dict(zip(alike, along)), same)):
                for k in range(self.side):
                    element = self.let(f"extractelement <{self.side} x {self.t}> {x}, i64 {k}")
                    self.store(self.element(targets[r * self.side + k], i, self.t), element, self.of)

    def copy(self, to: str, at: Sequence[str], length: int) -> None:
        """Rows, side by side: the elements of a column become neighbours."""
        main = length - length % self.side
        with self.loop("0", str(main), self.side) as (i,), self.wide(self.side):
            first = self.element(to, self.do("mul", i, self.apart), self.t)
            for r in range(0, self.rows, self.side):
                vectors = [self.load(self.element(p, i, self.t), self.of) for p in at[r:r + self.side]]
                for k, column in enumerate(self.turned(vectors)):
                    self.store(self.element(first, k * self.apart + r, self.t), column, self.of)
        for k in range(main, length):
            for r, p in enumerate(at):
                self.store(self.element(to, k * self.apart + r, self.t), self.load(self.element(p, k, self.t), self.of),
                           self.of)

    def column(self, i: str, k: int, alike: dict[int, str], same: dict[int, list[str]]) -> list[str]:
        """The values of all rows in column i + k; `alike`: where operands have column i."""
        given = self.given
        far = [self.let(f"zext i32 {self.load(self.element(self.element(p, i, 'i32'), k, 'i32'), dtypes.int32)} to i64")
               for p in self.places]
        each = {}
        for o, p in alike.items():
            x = self.load(self.element(p, k * given.steps[o], "i8"), self.of)
            with self.wide(self.side):
                each[o] = self.splat(x, self.t)
        found = []
        for r in range(self.registers):
            values = []
            with self.wide(self.side):
                for o, kind in enumerate(given.kinds):
                    if kind < 0:
                        values.append(each[o] if kind == ALIKE else same[o][r])
                        continue
                    start = self.element(self.beside[given.first[o]], far[kind], "i8")
                    values.append(self.load(self.element(start, r * self.side, self.t), self.of))
                found += self.straight_line([given.value], values)
        return found

    def packed(self, elements: Sequence[str]) -> str:
        """Elements as one vector."""
        vector = "poison"
        for k, x in enumerate(elements):
            vector = self.let(f"insertelement <{self.side} x {self.t}> {vector}, {self.t} {x}, i64 {k}")
        return vector

    def turned(self, vectors: Sequence[str]) -> list[str]:
        """The columns of a square of rows: squares of 1, 2, 4, … in it change places across the diagonal."""
        found, by = [*vectors], 1
        while by < self.side:
            for k in (k for k in range(self.side) if not k & by):
                a, b = found[k], found[k + by]
                low = [j if not j & by else self.side + j - by for j in range(self.side)]
                found[k], found[k + by] = self.mixed(a, b, low), self.mixed(a, b, [j + by for j in low])
            by *= 2
        return found

    def mixed(self, a: str, b: str, order: Sequence[int]) -> str:
        t = f"<{self.side} x {self.t}>"
        mask = ", ".join(f"i32 {j}" for j in order)
        return self.let(f"shufflevector {t} {a}, {t} {b}, <{self.side} x i32> <{mask}>")


def abreast_text(given: Abreast) -> str:
    """The text of the kernel: indices are not checked."""
    return _Abreast(given).text()
