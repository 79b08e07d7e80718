"""Matrix products, emitted: a register-blocked micro-kernel and the loops around it, as LLVM text.

A product is a loop nest like any other, so that threads share it as they share any: `nest` is [3, 1, batches, m, n, k]
and then four byte strides for each of c[m, n] (+)= a[m, k] b[k, n]. A row of c is contiguous; a and b are contiguous
along one axis, whichever. Everything is read at run time: one object of code serves every shape. It takes LLVM 80 ms
(at level 0 it would be 45 ms, and products 20-30 % slower), when the machine itself is built.

From the inside out (the design is Goto's, http://doi.acm.org/10.1145/1356052.1356053):

    tile     the micro-kernel: up to 14 x 2 vectors of c stay in registers while it goes through k, two vectors of a row
             of b at a time, and of each row of a one element, broadcast. It reads a by any strides.
    panel    tiles down a block of rows, so that two vectors' width of b, KC deep, stays in the first-level cache
    product  blocks; and packing, where it pays: a and b are read where they lie when few rows or columns share the cost
    copy, transpose    packing, in pieces as wide as a tile

LLVM may contract nothing by itself; only these sums are made of FMAs, as BLAS makes them.
"""
from __future__ import annotations

import functools

from tapegrad.dtypes import dtype
from tapegrad.machine.kernels.products import product_writer
from tapegrad.machine.kernels.products.product_writer import Addresses, ProductWriter

__all__ = ["Addresses", "build", "kernels"]

KC = 384     # depth of a block: 256 writes c more often (1000 x 1000: 5 %), 512 leaves the first-level cache
ROWS = 112   # rows of a block of a: 110-440 KiB packed, so that the second-level cache has room for what is streamed
COLUMNS = 1024      # of b packed at a time
PACK_B = 96         # rows of a from which packing b pays; below, prefetching it is as good (64 rows: 5-10 % better)
PACK_A = 128, 300   # rows of a and columns of b from which packing a pays
AHEAD = 8           # steps along k by which a and b are prefetched: b not packed is a new cache line each


@functools.cache
def kernels(of: dtype) -> Addresses | None:
    """The addresses of the kernels that store and that add a matrix product; None where BLAS has to do it."""
    return product_writer.load("gemm", source, of)


def build(of: dtype) -> bytes | None:
    """Their object code, from the disk cache or from LLVM."""
    return product_writer.build("gemm", source, of)


def source(of: dtype, width: int) -> str:
    """The LLVM text for vectors of 32 or 64 bytes."""
    return _Source(of, width).written()


# How row r of a is reached: a row that has a pointer of its own, and a multiple of the stride that x86 can address.
_REACH = [(0, 0), (0, 1), (0, 2), (3, 0), (0, 4), (5, 0), (5, 1), (3, 4), (0, 8), (5, 4), (10, 0), (3, 8), (10, 2),
          (5, 8)]
_PACKING = "ptr %to, i64 %piece, i64 %row, ptr %from, i64 %stride, i64 %along, i64 %count, i64 %width, i64 %depth"


class _Source(ProductWriter):
    """The text of the kernels for one dtype and vector width."""

    def __init__(self, of: dtype, width: int) -> None:
        super().__init__(of, width)
        self.tallest = 14 if width == 64 else 6  # rows of two vectors that fit the registers
        self.heights = [1, *range(2, self.tallest + 1, 2)]  # every second, for each takes 3 ms to compile
        self.panel = 2 * self.lanes
        self.b_row = self.panel * self.item
        self.a_row = -(-self.tallest * self.item // width) * width

    def written(self) -> str:
        for vectors in (1, 2):
            for rows in self.heights:
                self.tile(rows, vectors)
        self.panels()
        self.copy()
        self.transpose()
        self.product()
        tiles = [f"ptr @tile{rows}x{vectors}" for vectors in (1, 2) for rows in self.heights]
        return self.whole(f"@tiles = internal constant [{len(tiles)} x ptr] [{', '.join(tiles)}]")

    # --------------------------------------------------------------------------------------------- the micro-kernel

    def tile(self, rows: int, vectors: int) -> None:
        """c[rows, vectors] = a b, or added to c; `keep` are the lanes of a row's last vector.

        The empty assembly keeps LLVM from seeing through the pointers: it would reach one row from the other, a chain
        of additions as long as the FMAs take (6 x 2 vectors: 154 GFlop/s instead of 178), or keep 14 of them.
        c is read at the end: fetched first it is waited for (512 x 512: 3-5 %), and where it is not added, not at all.
        """
        reach, last = _REACH[:rows], vectors - 1
        bases = sorted({base for base, _ in reach})
        tiles = [(r, v) for r in range(rows) for v in range(vectors)]
        with self.function(f"void @tile{rows}x{vectors}(ptr %a, i64 %ai, i64 %ak, ptr %b, i64 %bk, i64 %k, ptr %c, "
                           f"i64 %ci, {self.bits} %keep, i1 %adds)"):
            at, row = {}, "%c"
            for r in range(rows):
                row = self.element(row, "%ci", "i8") if r else row
                for v in range(vectors):
                    at[r, v] = self.slot(row, v)
            for base in bases:
                self.line(f'%a{base}.0 = call ptr asm "", "=r,0"(ptr {self.at("%a", ("%ai", base))})')
            self.jump("loop")
            self.line("%i = phi i64 [%k, %entry], [%i.next, %loop]")
            self.line("%b.row = phi ptr [%b, %entry], [%b.next, %loop]")
            for base in bases:
                self.line(f"%a{base} = phi ptr [%a{base}.0, %entry], [%a{base}.next, %loop]")
            for r, v in tiles:
                self.line(f"%c{r}.{v} = phi {self.v} [zeroinitializer, %entry], [%c{r}.{v}.next, %loop]")
            b = [self.let(f"load {self.v}, ptr {self.slot('%b.row', v)}, align {self.item}") for v in range(vectors)]
            for r, (base, times) in enumerate(reach):
                x = self.let(f"load {self.t}, ptr {self.at(f'%a{base}', ('%ai', times))}, align {self.item}")
                x = self.splat(x, self.t)
                for v in range(vectors):
                    self.line(f"%c{r}.{v}.next = call {self.v} @llvm.fma.{self.suffix}({self.v} {x}, {self.v} {b[v]}, "
                              f"{self.v} %c{r}.{v})")
            for v in range(vectors):
                self.prefetch(self.slot(self.at("%b.row", ("%bk", AHEAD)), v))
            for line in range(0, rows * self.item, 64):  # as it is packed
                self.prefetch(self.element(self.at("%a0", ("%ak", AHEAD)), line, "i8"))
            self.line("%b.next = getelementptr i8, ptr %b.row, i64 %bk")
            for base in bases:
                further = self.element(f"%a{base}", "%ak", "i8")
                self.line(f'%a{base}.next = call ptr asm "", "=r,0"(ptr {further})')
            self.line("%i.next = sub i64 %i, 1")
            self.line("%more = icmp ne i64 %i.next, 0")
            self.line("br i1 %more, label %loop, label %end")
            self.label("end")
            keep = self.lanes_of("%keep")
            self.line("br i1 %adds, label %add, label %store")
            self.label("add")  # all loads before the first store: where rows are short, vectors reach into the next one
            sums = {}
            for r, v in tiles:
                before = self.masked_load(at[r, v], keep) if v == last else self.let(
                    f"load {self.v}, ptr {at[r, v]}, align {self.item}")
                sums[r, v] = self.let(f"fadd {self.v} {before}, %c{r}.{v}.next")
            self.jump("store")
            for r, v in tiles:
                self.line(f"%c{r}.{v}.end = phi {self.v} [%c{r}.{v}.next, %end], [{sums[r, v]}, %add]")
            for r, v in tiles:
                if v == last:
                    self.masked_store(f"%c{r}.{v}.end", at[r, v], keep)
                else:
                    self.line(f"store {self.v} %c{r}.{v}.end, ptr {at[r, v]}, align {self.item}")
            self.line("ret void")

    def panels(self) -> None:
        """Tiles of at most `high` rows down a panel of at most two vectors' width; each begins `step` bytes further."""
        with self.function("void @panel(ptr %a, i64 %ai, i64 %ak, i64 %step, ptr %b, i64 %bk, i64 %depth, ptr %c, "
                           "i64 %ci, i64 %rows, i64 %high, i64 %columns, i1 %adds)"):
            two = self.let(f"icmp sgt i64 %columns, {self.lanes}")
            keep = self.first(self.do("sub", "%columns", self.either(two, self.lanes, 0)))
            table = self.element("@tiles", self.either(two, len(self.heights), 0), "ptr")
            with self.loop("%rows", "%high") as i:
                rows = self.least("%high", self.do("sub", "%rows", i))
                a = self.at("%a", (self.do("udiv", i, "%high"), "%step"))
                c = self.at("%c", (i, "%ci"))
                even = self.do("and", rows, -2)
                for count, done in ((even, "0"), ("1", even)):
                    some = "slt i64 0," if done == "0" else f"slt i64 {even},"
                    with self.when(self.let(f"icmp {some} {rows if done == even else even}")):
                        tile = self.element(table, self.do("lshr", count, 1), "ptr")
                        tile = self.let(f"load ptr, ptr {tile}")
                        self.line(f"call void {tile}(ptr {self.at(a, (done, '%ai'))}, i64 %ai, i64 %ak, ptr %b, "
                                  f"i64 %bk, i64 %depth, ptr {self.at(c, (done, '%ci'))}, i64 %ci, "
                                  f"{self.bits} {keep}, i1 %adds)")
            self.line("ret void")

    # -------------------------------------------------------------------------------------------------------- packing

    def copy(self) -> None:
        """Pieces of `width` columns whose rows are contiguous; all of a row before the next, for the TLB's sake.

        Lanes without a column are zeroed: what they hold is computed with, and denormal rubbish is 100 times slower.
        """
        with self.function(f"void @copy({_PACKING})"):
            room = self.do("udiv", "%row", self.item)
            fits = [self.lanes_of(self.first(self.do("sub", room, v * self.lanes))) for v in range(2)]
            rest = self.do("urem", "%count", "%width")
            whole = self.do("sub", "%count", rest)
            for start, end, width in (("0", whole, "%width"), (whole, "%count", rest)):
                masks = [self.lanes_of(self.first(width)), self.lanes_of(self.first(self.do("sub", width, self.lanes)))]
                with self.when(self.let(f"icmp slt i64 {start}, {end}")), self.loop("%depth") as i:
                    source, to = self.at("%from", (i, "%along")), self.at("%to", (i, "%row"))
                    with self.loop(end, "%width", start) as j:
                        piece = self.at(to, (self.do("udiv", j, "%width"), "%piece"))
                        columns = self.element(source, j, self.t)
                        for v, mask in enumerate(masks):
                            value = self.masked_load(self.slot(columns, v), mask)
                            self.masked_store(value, self.slot(piece, v), fits[v])
            self.line("ret void")

    def transpose(self) -> None:
        """Pieces of `width` columns that are contiguous themselves, `stride` apart: squares of vectors are turned."""
        with self.function(f"void @transpose({_PACKING})"):
            low, high = (", ".join(f"i32 {start + lane // 2 + lane % 2 * self.lanes}" for lane in range(self.lanes))
                         for start in (0, self.lanes // 2))
            with self.loop("%count", "%width") as first:
                end = self.least("%count", self.do("add", first, "%width"))
                piece = self.at("%to", (self.do("udiv", first, "%width"), "%piece"))
                with self.loop(end, self.lanes, first) as j:
                    starts = []
                    for lane in range(self.lanes):  # beyond the last column, that one again
                        column = self.least(self.do("add", j, lane), self.do("sub", end, 1))
                        starts.append(self.at("%from", (column, "%stride")))
                    with self.loop("%depth", self.lanes) as i:
                        mask = self.lanes_of(self.first(self.do("sub", "%depth", i)))
                        x = [self.masked_load(self.element(start, i, self.t), mask) for start in starts]
                        for _ in range(self.lanes.bit_length() - 1):  # a perfect shuffle a bit of the lanes' numbers
                            half = [(x[r // 2], x[r // 2 + self.lanes // 2]) for r in range(self.lanes)]
                            x = [self.let(f"shufflevector {self.v} {p}, {self.v} {q}, <{self.lanes} x i32> "
                                          f"<{high if r % 2 else low}>") for r, (p, q) in enumerate(half)]
                        to = self.at(piece, (i, "%row"), (self.do("sub", j, first), self.item))
                        for row in x:
                            self.line(f"store {self.v} {row}, ptr {to}, align {self.item}")
                            to = self.element(to, "%row", "i8")
            self.line("ret void")

    def pack(self, to: str, row: int, source: str, stride: str, along: str, count: str, width: int | str,
             depth: str) -> None:
        turned = self.let(f"icmp ne i64 {stride}, {self.item}")
        function = self.either(turned, "@transpose", "@copy", "ptr")
        self.line(f"call void {function}(ptr {to}, i64 {KC * row}, i64 {row}, ptr {source}, i64 {stride}, i64 {along}, "
                  f"i64 {count}, i64 {width}, i64 {depth})")

    # ------------------------------------------------------------------------------------------------------ the loops

    def product(self) -> None:
        """Blocks of b, COLUMNS wide or just a panel, KC deep; then blocks of a; then panels."""
        block_rows = ROWS // self.tallest * self.tallest
        a_room, b_room = (block_rows // self.tallest + 1) * KC * self.a_row, COLUMNS // self.panel * KC * self.b_row
        with self.function("void @product(ptr %pointers, ptr %nest, i1 %add)"):
            batches, m, n, k, cb, ci, _, _, ab, ai, _, ak, bb, _, bj, bk, c0, a0, b0 = self.nest()
            one_panel = self.let(f"alloca [{KC * self.b_row} x i8], align 64")
            scratch = self.let("alloca ptr")
            self.line(f"store ptr null, ptr {scratch}")
            large = self.let(f"icmp sge i64 {m}, {PACK_A[0]}")
            large = self.let(f"and i1 {large}, {self.let(f'icmp sge i64 {n}, {PACK_A[1]}')}")
            with self.when(large):
                room = self.let(f"call ptr @aligned_alloc(i64 64, i64 {a_room + b_room})")
                self.line(f"store ptr {room}, ptr {scratch}")
            a_packed = self.let(f"load ptr, ptr {scratch}")
            large = self.let(f"icmp ne ptr {a_packed}, null")
            b_packed = self.either(large, self.element(a_packed, a_room, "i8"), one_panel, "ptr")
            b_columns = self.either(large, COLUMNS, self.panel)
            turned = self.let(f"icmp ne i64 {bj}, {self.item}")
            pays = self.let(f"or i1 {turned}, {self.let(f'icmp sge i64 {m}, {PACK_B}')}")
            deep, high = self.balanced(k, KC), self.balanced(m, self.tallest, 2)
            a_step = self.either(large, KC * self.a_row, self.do("mul", ai, high))
            row, along = self.either(large, self.item, ai), self.either(large, self.a_row, ak)
            with self.loop(batches) as batch, self.loop(n, b_columns) as q, self.loop(k, deep) as p:
                depth, columns = self.least(deep, self.do("sub", k, p)), self.least(b_columns, self.do("sub", n, q))
                adds = self.let(f"or i1 %add, {self.let(f'icmp ne i64 {p}, 0')}")
                b = self.at(b0, (batch, bb), (q, bj), (p, bk))
                packs = self.let(f"or i1 {pays}, {self.let(f'icmp slt i64 {columns}, {b_columns}')}")
                with self.when(packs):
                    self.pack(b_packed, self.b_row, b, bj, bk, columns, self.panel, depth)
                b = self.either(packs, b_packed, b, "ptr")
                b_row = self.either(packs, self.b_row, bk)
                b_step = self.either(packs, KC * self.b_row, self.b_row)
                with self.loop(m, block_rows) as i:
                    rows = self.least(block_rows, self.do("sub", m, i))
                    a = self.at(a0, (batch, ab), (i, ai), (p, ak))
                    with self.when(large):
                        self.pack(a_packed, self.a_row, a, ai, ak, rows, high, depth)
                    a = self.either(large, a_packed, a, "ptr")
                    with self.loop(columns, self.panel) as j:
                        c = self.at(c0, (batch, cb), (i, ci), (self.do("add", q, j), self.item))
                        width = self.least(self.panel, self.do("sub", columns, j))
                        right = self.at(b, (self.do("udiv", j, self.panel), b_step))
                        self.line(f"call void @panel(ptr {a}, i64 {row}, i64 {along}, i64 {a_step}, ptr {right}, "
                                  f"i64 {b_row}, i64 {depth}, ptr {c}, i64 {ci}, i64 {rows}, i64 {high}, i64 {width}, "
                                  f"i1 {adds})")
            self.line(f"call void @free(ptr {a_packed})")
            self.line("ret void")
