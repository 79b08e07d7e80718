"""Products of a matrix and a vector, emitted: what `gemm` is to matrices, with the same nest, where n is 1.

They read each element of the matrix once, and nothing is packed. Where rows are contiguous, ROWS of them are multiplied
with the vector side by side, and their sums end in the lanes of one register; where columns are, a few at a time are
added to a block of the result. One thread, as a multiple of what BLAS takes (float64, float32):

    n x n, n = 16, 64, 200, 500, 1000, 2000   rows 0.8, 0.9, 1.0, 1.0, 1.0, 0.5; columns 0.8, 1.0, 0.9, 0.8, 1.0, 0.4
    200 x 3, 3 x 200, 10000 x 5, 5 x 10000    rows 1.5, 0.3, 1.1, 0.7; columns 0.7, 0.8, 1.0, 0.8

Kernels as they are emitted for any sum took 1.3-2.5 and 1.2-3 times as long as BLAS up to n = 500, and LLVM 4 ms each.
"""
from __future__ import annotations

import functools

from tapegrad.dtypes import dtype
from tapegrad.machine.kernels.products import product_writer
from tapegrad.machine.kernels.products.product_writer import Addresses, ProductWriter

__all__ = ["build", "kernels"]

ROWS = 4            # summed side by side, to hide the latency of an addition; 8 lose up to 70 % where rows are short
TERMS = 8, 4, 2, 1  # columns added at a time: an element of the result is read and written once for all of them
BLOCK = 1024        # elements of the result, or of a vector that has gaps, that are kept at hand


@functools.cache
def kernels(of: dtype) -> Addresses | None:
    """The addresses of the kernels that store and that add a product with a vector; None where BLAS has to do it."""
    found = product_writer.load("gemv", source, of)
    return None if found is None else (found["store"], found["add"])


def build(of: dtype) -> bytes | None:
    """Their object code, from the disk cache or from LLVM."""
    return product_writer.build("gemv", source, of)


def source(of: dtype, width: int) -> str:
    """The LLVM text for vectors of 32 or 64 bytes."""
    return _Source(of, width).written()


class _Source(ProductWriter):
    """The text of the kernels for one dtype and vector width."""

    def written(self) -> str:
        self.rows()
        self.columns()
        self.product()
        return self.whole()

    def fma(self, x: str, y: str, z: str) -> str:
        return self.let(f"call {self.v} @llvm.fma.{self.suffix}({self.v} {x}, {self.v} {y}, {self.v} {z})")

    def fadd(self, x: str, y: str) -> str:
        return self.let(f"fadd {self.v} {x}, {y}")

    def load_vector(self, base: str, i: str) -> str:
        return self.let(f"load {self.v}, ptr {self.element(base, i, self.t)}, align {self.item}")

    def put(self, t: str, at: str, value: str) -> None:
        """Store a value of c, or add it."""
        before = self.let(f"load {t}, ptr {at}, align {self.item}")
        added = self.let(f"fadd {t} {before}, {value}")
        self.line(f"store {t} {self.either('%adds', added, value, t)}, ptr {at}, align {self.item}")

    # ---------------------------------------------------------------------------------------------------------- rows

    def rows(self) -> None:
        """c[m] = a x, or added to c, where rows of a and the elements of x are contiguous.

        Beyond the last row that one is read again; all of c is read before it is written, so nothing is added twice.
        """
        with self.function("void @rows(ptr %a, i64 %ai, ptr %x, ptr %c, i64 %ci, i64 %m, i64 %k, i1 %adds)"):
            whole = self.do("and", self.do("sub", "%k", 1), -self.lanes)
            mask = self.lanes_of(self.first(self.do("sub", "%k", whole)))
            end = self.do("sub", "%m", 1)
            with self.loop("%m", ROWS) as first:
                numbers = [self.least(self.do("add", first, r), end) for r in range(ROWS)]
                a = [self.at("%a", (r, "%ai")) for r in numbers]
                sums = ["zeroinitializer"] * ROWS
                with self.summing(whole, self.lanes, "0", sums) as i:
                    x = self.load_vector("%x", i)
                    sums[:] = [self.fma(self.load_vector(at, i), x, total) for at, total in zip(a, sums)]
                x = self.masked_load(self.element("%x", whole, self.t), mask)
                sums = [self.fma(self.masked_load(self.element(at, whole, self.t), mask), x, total)
                        for at, total in zip(a, sums)]
                total = self.totals(sums)
                at = [self.at("%c", (r, "%ci")) for r in numbers]
                before = [self.let(f"load {self.t}, ptr {p}, align {self.item}") for p in at]
                for r in range(ROWS):
                    value = self.let(f"extractelement {self.v} {total}, i64 {r}")
                    added = self.let(f"fadd {self.t} {before[r]}, {value}")
                    self.line(f"store {self.t} {self.either('%adds', added, value, self.t)}, ptr {at[r]}, "
                              f"align {self.item}")
            self.line("ret void")

    def totals(self, sums: list[str]) -> str:
        """The sums over the lanes of each vector, in the first lanes of one: two vectors become one, and so on."""
        lanes, unit = range(self.lanes), 1
        while unit < self.lanes:
            pairs = list(zip(sums[::2], sums[1::2])) or [(sums[0], sums[0])]
            other = self.lanes if len(sums) > 1 else 0
            low = [lane - unit + other if lane & unit else lane for lane in lanes]
            high = [lane + other if lane & unit else lane + unit for lane in lanes]
            sums = [self.fadd(*(self.let(
                f"shufflevector {self.v} {x}, {self.v} {y}, <{self.lanes} x i32> <"
                + ", ".join(f"i32 {lane}" for lane in chosen) + ">") for chosen in (low, high))) for x, y in pairs]
            unit *= 2
        return sums[0]

    # ------------------------------------------------------------------------------------------------------- columns

    def columns(self) -> None:
        """c[m] = a x, or added to c, where columns of a are contiguous; a block of c at a time, kept on the stack."""
        with self.function("void @columns(ptr %a, i64 %ak, ptr %x, i64 %xk, ptr %c, i64 %ci, i64 %m, i64 %k, "
                           "i1 %adds)"):
            block = self.let(f"alloca [{BLOCK} x {self.t}], align 64")
            with self.loop("%m", BLOCK) as first:
                size = self.least(BLOCK, self.do("sub", "%m", first))
                whole = self.do("and", size, -self.lanes)
                rest = self.let(f"icmp ne i64 {whole}, {size}")
                mask = self.lanes_of(self.first(self.do("sub", size, whole)))
                a = self.element("%a", first, self.t)
                with self.loop(size, self.lanes) as i:
                    at = self.element(block, i, self.t)
                    self.line(f"store {self.v} zeroinitializer, ptr {at}, align {self.item}")
                start = "0"
                for terms in TERMS:
                    end = self.do("and", "%k", -terms)
                    with self.loop(end, terms, start) as p:
                        numbers = [self.do("add", p, j) for j in range(terms)]
                        a_at = [self.at(a, (j, "%ak")) for j in numbers]
                        x = [self.splat(self.let(f"load {self.t}, ptr {self.at('%x', (j, '%xk'))}, align {self.item}"),
                                        self.t) for j in numbers]
                        with self.loop(whole, self.lanes) as i:
                            self.terms(block, i, [self.load_vector(at, i) for at in a_at], x)
                        with self.when(rest):
                            self.terms(block, whole, [self.masked_load(self.element(at, whole, self.t), mask)
                                                      for at in a_at], x)
                    start = end
                c = self.at("%c", (first, "%ci"))
                whole = self.either(self.let(f"icmp eq i64 %ci, {self.item}"), whole, 0)
                with self.loop(whole, self.lanes) as i:
                    self.put(self.v, self.element(c, i, self.t), self.load_vector(block, i))
                with self.loop(size, 1, whole) as i:
                    value = self.let(f"load {self.t}, ptr {self.element(block, i, self.t)}, align {self.item}")
                    self.put(self.t, self.at(c, (i, "%ci")), value)
            self.line("ret void")

    def terms(self, block: str, i: str, a: list[str], x: list[str]) -> None:
        """Add the products of columns and elements of x to a vector of the block, in two chains."""
        at = self.element(block, i, self.t)
        chains = [self.let(f"load {self.v}, ptr {at}, align {self.item}")]
        if len(a) > 1:
            chains.append("zeroinitializer")
        for j, (p, q) in enumerate(zip(a, x)):
            chains[j % len(chains)] = self.fma(p, q, chains[j % len(chains)])
        total = self.fadd(*chains) if len(chains) > 1 else chains[0]
        self.line(f"store {self.v} {total}, ptr {at}, align {self.item}")

    # ------------------------------------------------------------------------------------------------------ the loops

    def product(self) -> None:
        """Columns where they are contiguous, unless rows are too (of a matrix of one row or column) and are longer.

        Rows are multiplied with parts of a vector that has gaps, BLOCK elements each, without the gaps.
        """
        with self.function("void @product(ptr %pointers, ptr %nest, i1 %add)"):
            batches, m, _, k, cb, ci, _, _, ab, ai, _, ak, bb, _, _, bk, c0, a0, b0 = self.nest()
            part = self.let(f"alloca [{BLOCK} x {self.t}], align 64")

            def either_way(along: str, size: str) -> str:
                contiguous = self.let(f"icmp eq i64 {along}, {self.item}")
                return self.let(f"or i1 {contiguous}, {self.let(f'icmp sle i64 {size}, 1')}")

            by_rows, by_columns = either_way(ak, k), either_way(ai, m)
            longer = self.let(f"icmp sge i64 {k}, {m}")
            alone = self.let(f"xor i1 {by_columns}, true")
            by_rows = self.let(f"and i1 {by_rows}, {self.let(f'or i1 {longer}, {alone}')}")
            gaps = self.let(f"icmp ne i64 {bk}, {self.item}")
            deep = self.either(gaps, BLOCK, self.let(f"call i64 @llvm.smax.i64(i64 {k}, i64 1)"))
            with self.loop(batches) as batch:
                c, a, x = self.at(c0, (batch, cb)), self.at(a0, (batch, ab)), self.at(b0, (batch, bb))
                self.line(f"br i1 {by_rows}, label %rows, label %columns")
                self.label("columns")
                self.line(f"call void @columns(ptr {a}, i64 {ak}, ptr {x}, i64 {bk}, ptr {c}, i64 {ci}, i64 {m}, "
                          f"i64 {k}, i1 %add)")
                self.line("br label %done")
                self.label("rows")
                with self.loop(k, deep) as p:
                    depth = self.least(deep, self.do("sub", k, p))
                    adds = self.let(f"or i1 %add, {self.let(f'icmp ne i64 {p}, 0')}")
                    here = self.at(x, (p, bk))
                    with self.when(gaps), self.loop(depth) as i:
                        value = self.let(f"load {self.t}, ptr {self.at(here, (i, bk))}, align {self.item}")
                        self.line(f"store {self.t} {value}, ptr {self.element(part, i, self.t)}, align {self.item}")
                    right = self.either(gaps, part, here, "ptr")
                    self.line(f"call void @rows(ptr {self.at(a, (p, ak))}, i64 {ai}, ptr {right}, ptr {c}, i64 {ci}, "
                              f"i64 {m}, i64 {depth}, i1 {adds})")
                self.jump("done")
            self.line("ret void")
