"""Weighted sums of products, emitted: c = Σ over m of w[m] (a[m] b), whose products are added where they are made.

Each product is what `gemm` makes of it, each sum what the kernel of a sum does: FMAs along `depth` from zero on, a
multiplication, an addition to float64. So the result is, to the last bit, that of the three steps one after the other.

The nest is [3, 2, lanes, rows, columns, many, depth] and then five byte strides for each of c, a, b and w. Columns of
c, b and w are contiguous, and rows of a.

Where all of a[m] is zero, as it is in most lanes of a Jacobian, its products are zeros and change no sum, if b and w
are finite: that is looked at first, which takes 1 µs of 25. With other values nothing is left out.
"""
from __future__ import annotations

import functools

from tapegrad.dtypes import dtype
from tapegrad.machine.kernels.lowering import vector_bytes
from tapegrad.machine.kernels.products import product_writer
from tapegrad.machine.kernels.products.product_writer import ENTRIES, Addresses, ProductWriter
from tapegrad.machine.llvm import jit

__all__ = ["kernels"]

VECTORS = 2  # of a row at once: 3 rows of sums and products, and what is loaded, fit 16 registers
SUMS = 4     # side by side, where it is seen whether all is finite


@functools.cache
def kernels(of: dtype, rows: int, depth: int) -> Addresses | None:
    """The addresses of the kernels that store and that add such a sum; None where BLAS multiplies."""
    name = f"weighted.{rows}.{depth}.{of.short}"
    code = product_writer.build(name, lambda of, width: source(of, width, rows, depth), of)
    if code is None:
        return None
    found = jit.load_object(name, code, [*ENTRIES], ())
    for symbol, address in found.items():
        jit.sources[address] = symbol, lambda: source(of, vector_bytes()[0], rows, depth)
    return found["store"], found["add"]


def source(of: dtype, width: int, rows: int, depth: int) -> str:
    """The LLVM text for vectors of 32 or 64 bytes."""
    return _Source(of, width, rows, depth).written()


class _Source(ProductWriter):
    """The text of the kernels for one dtype and vector width, so many rows and terms of a product."""

    def __init__(self, of: dtype, width: int, rows: int, depth: int) -> None:
        super().__init__(of, width * of.itemsize // 8)  # as many lanes as there are sums in a register
        self.rows, self.depth = rows, depth
        self.sum = self.vector("double")

    def written(self) -> str:
        self.finite()
        self.listed()
        for vectors, masked in ((VECTORS, False), (1, True)):
            self.columns(vectors, masked)
        self.product()
        return self.whole()

    def finite(self) -> None:
        """Whether all of a matrix is: times zero it is zero, everywhere. A few sums do not wait for each other."""
        with self.function("i1 @finite(ptr %from, i64 %stride, i64 %rows, i64 %columns)"):
            several, some = self.do("and", "%columns", -SUMS * self.lanes), self.do("and", "%columns", -self.lanes)
            mask = self.lanes_of(self.first(self.do("sub", "%columns", some)))
            sums = ["zeroinitializer"] * SUMS
            with self.summing("%rows", 1, "0", sums) as r:
                start = self.at("%from", (r, "%stride"))
                with self.summing(several, SUMS * self.lanes, "0", sums) as j:
                    at = self.element(start, j, self.t)
                    sums[:] = [self.plus_nothing(total, self.vector_at(self.slot(at, v)))
                               for v, total in enumerate(sums)]
                with self.summing(some, self.lanes, several, sums) as j:
                    sums[0] = self.plus_nothing(sums[0], self.vector_at(self.element(start, j, self.t)))
                sums[1] = self.plus_nothing(sums[1], self.masked_load(self.element(start, some, self.t), mask))
            total = functools.reduce(lambda x, y: self.let(f"fadd {self.v} {x}, {y}"), sums)
            nan = self.let(f"fcmp uno {self.v} {total}, zeroinitializer")
            bits = self.let(f"bitcast {self.m} {nan} to {self.bits}")
            self.line(f"ret i1 {self.let(f'icmp eq {self.bits} {bits}, 0')}")

    def plus_nothing(self, total: str, x: str) -> str:
        return self.let(f"fadd {self.v} {total}, {self.let(f'fmul {self.v} {x}, zeroinitializer')}")

    def vector_at(self, at: str) -> str:
        return self.let(f"load {self.v}, ptr {at}, align {self.item}")

    def listed(self) -> None:
        """Which of the matrices of a lane are not all zero, or all of them; and how many."""
        t, bits = f"<{self.depth} x {self.t}>", f"<{self.depth} x i{8 * self.item}>"
        twice = f"<{', '.join([f'i{8 * self.item} 1'] * self.depth)}>"
        with self.function("i64 @listed(ptr %a, i64 %am, i64 %ai, i64 %many, i1 %all, ptr %list)"):
            count = ["0"]
            with self.summing("%many", 1, "0", count, "i64") as m:
                start, some = self.at("%a", (m, "%am")), "zeroinitializer"
                for r in range(self.rows):
                    row = self.let(f"load {t}, ptr {self.at(start, (r, '%ai'))}, align {self.item}")
                    some = self.let(f"or {bits} {some}, {self.let(f'bitcast {t} {row} to {bits}')}")
                some = self.let(f"shl {bits} {some}, {twice}")  # a negative zero is one
                some = self.let(f"icmp ne {bits} {some}, zeroinitializer")
                some = self.let(f"bitcast <{self.depth} x i1> {some} to i{self.depth}")
                some = self.let(f"or i1 %all, {self.let(f'icmp ne i{self.depth} {some}, 0')}")
                self.line(f"store i64 {m}, ptr {self.element('%list', count[0])}")
                count[0] = self.do("add", count[0], self.let(f"zext i1 {some} to i64"))
            self.line(f"ret i64 {count[0]}")

    def columns(self, vectors: int, masked: bool) -> None:
        """The rows of one lane, from `start` on so many vectors of each at once, and what a mask keeps of the last."""
        tiles = [(r, v) for r in range(self.rows) for v in range(vectors)]
        with self.function(f"void @columns{vectors}(ptr %a, i64 %am, i64 %ai, ptr %b, i64 %bm, i64 %bk, ptr %w, "
                           f"i64 %wm, ptr %c, i64 %ci, ptr %list, i64 %count, i64 %start, i64 %end, i1 %adds)"):
            with self.loop("%end", vectors * self.lanes, "%start") as j:
                mask = self.lanes_of(self.first(self.do("sub", "%end", j))) if masked else ""
                here = {x: self.element(f"%{x}", j, self.t) for x in "bwc"} | {"a": "%a"}
                sums = ["zeroinitializer"] * len(tiles)
                with self.summing("%count", 1, "0", sums, self.sum) as i:
                    m = self.let(f"load i64, ptr {self.element('%list', i)}")
                    sums[:] = self.added(sums, tiles, [self.at(here[x], (m, f"%{x}m")) for x in "abw"], mask)
                for (r, v), total in zip(tiles, sums):
                    if self.sum != self.v:
                        total = self.let(f"fptrunc {self.sum} {total} to {self.v}")
                    at = self.slot(self.at(here["c"], (r, "%ci")), v)
                    name = self.name()
                    self.line(f"br i1 %adds, label %{name}.add, label %{name}.store")
                    self.label(f"{name}.add")
                    self.put(self.let(f"fadd {self.v} {self.read(at, mask)}, {total}"), at, mask)
                    self.line(f"br label %{name}.end")
                    self.label(f"{name}.store")
                    self.put(total, at, mask)
                    self.jump(f"{name}.end")
            self.line("ret void")

    def added(self, sums: list[str], tiles: list[tuple[int, int]], starts: list[str], mask: str) -> list[str]:
        """The sums with the products of one matrix, weighted."""
        (a, b, w), vectors = starts, tiles[-1][1] + 1
        made = dict.fromkeys(tiles, "zeroinitializer")
        rows = [self.at(a, (r, "%ai")) for r in range(self.rows)]
        for k in range(self.depth):
            row = self.at(b, (k, "%bk"))
            right = [self.read(self.slot(row, v), mask) for v in range(vectors)]
            for r in range(self.rows):
                x = self.let(f"load {self.t}, ptr {self.element(rows[r], k, self.t)}, align {self.item}")
                x = self.splat(x, self.t)
                for v in range(vectors):
                    made[r, v] = self.let(f"call {self.v} @llvm.fma.{self.suffix}({self.v} {x}, {self.v} {right[v]}, "
                                          f"{self.v} {made[r, v]})")
        by = [self.read(self.slot(w, v), mask) for v in range(vectors)]
        found = []
        for (r, v), total in zip(tiles, sums):
            term = self.let(f"fmul {self.v} {made[r, v]}, {by[v]}")
            if self.sum != self.v:
                term = self.let(f"fpext {self.v} {term} to {self.sum}")
            found.append(self.let(f"fadd {self.sum} {total}, {term}"))
        return found

    def read(self, at: str, mask: str) -> str:
        return self.masked_load(at, mask) if mask else self.vector_at(at)

    def put(self, value: str, at: str, mask: str) -> None:
        if mask:
            self.masked_store(value, at, mask)
        else:
            self.line(f"store {self.v} {value}, ptr {at}, align {self.item}")

    def product(self) -> None:
        with self.function("void @product(ptr %pointers, ptr %nest, i1 %adds)"):
            lanes, _, width, many, _ = (self.let(f"load i64, ptr {self.element('%nest', 2 + i)}") for i in range(5))
            strides = [[self.let(f"load i64, ptr {self.element('%nest', 7 + 5 * o + d)}") for d in range(5)]
                       for o in range(4)]
            c0, a0, b0, w0 = (self.let(f"load ptr, ptr {self.element('%pointers', i, 'ptr')}") for i in range(4))
            (cl, ci, *_), (al, ai, _, am, _), (*_, bm, bk), (*_, wm, _) = strides
            listed = self.let(f"alloca i64, i64 {many}")
            one = self.let(f"icmp eq i64 {bm}, 0")
            matrices = self.either(one, 1, many)
            all_ = self.let("alloca i1")
            weights = self.let(f"call i1 @finite(ptr {w0}, i64 {wm}, i64 {many}, i64 {width})")
            self.line(f"store i1 {self.let(f'xor i1 {weights}, true')}, ptr {all_}")
            with self.loop(matrices) as m:
                b = self.at(b0, (m, bm))
                right = self.let(f"call i1 @finite(ptr {b}, i64 {bk}, i64 {self.depth}, i64 {width})")
                other = self.let(f"xor i1 {right}, true")
                before = self.let(f"load i1, ptr {all_}")
                self.line(f"store i1 {self.let(f'or i1 {before}, {other}')}, ptr {all_}")
            every = self.let(f"load i1, ptr {all_}")
            panel = VECTORS * self.lanes
            whole = self.do("sub", width, self.do("urem", width, panel))
            with self.loop(lanes) as lane:
                a, c = self.at(a0, (lane, al)), self.at(c0, (lane, cl))
                count = self.let(f"call i64 @listed(ptr {a}, i64 {am}, i64 {ai}, i64 {many}, i1 {every}, ptr {listed})")
                for vectors, start, end in ((VECTORS, "0", whole), (1, whole, width)):
                    self.line(f"call void @columns{vectors}(ptr {a}, i64 {am}, i64 {ai}, ptr {b0}, i64 {bm}, i64 {bk}, "
                              f"ptr {w0}, i64 {wm}, ptr {c}, i64 {ci}, ptr {listed}, i64 {count}, i64 {start}, "
                              f"i64 {end}, i1 %adds)")
            self.line("ret void")
