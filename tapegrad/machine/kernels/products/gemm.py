"""Matrix products, emitted: a register-blocked micro-kernel and the loops around it, as LLVM text.

A product is a loop nest like any other, so that threads share it as they share any: `nest` is [3, 1, batches, m, n, k]
and then four byte strides for each of c[m, n] (+)= a[m, k] b[k, n]; or of c = d + a b, where d, a bias, comes fourth.
A row of c and of d is contiguous; a and b are contiguous along one axis, whichever. Everything is read at run time: one
object of code serves every shape. It takes LLVM 80 ms (at level 0 it would be 45 ms, and products 20-30 % slower), when
the machine itself is built.

From the inside out (the design is Goto's, http://doi.acm.org/10.1145/1356052.1356053):

    tile     the micro-kernel: up to 14 x 2 vectors of c stay in registers while it goes through k, two vectors of a row
             of b at a time, and of each row of a one element, broadcast. It reads a by any strides. Columns that two
             vectors and part of a third would hold are one tile, of fewer rows.
    panel    tiles down a block of rows, so that two vectors' width of b, KC deep, stays in the first-level cache
    product  blocks; and packing, where it pays: a and b are read where they lie when few rows or columns share the cost
             (of so few rows that one tile has them all, that goes along the columns, and nothing else is decided)
    copy, transpose    packing, in pieces as wide as a tile
    one_hot  what is done instead, where a has no more than one number in a row (see there)

LLVM may contract nothing by itself; only these sums are made of FMAs, as BLAS makes them.
"""
from __future__ import annotations

import functools

from tapegrad.dtypes import dtype
from tapegrad.machine.kernels.lowering import vector_bytes
from tapegrad.machine.kernels.products import one_hot, product_writer
from tapegrad.machine.kernels.products.product_writer import Addresses, ProductWriter
from tapegrad.machine.llvm import jit

__all__ = ["Addresses", "build", "kernels", "onto", "tile", "turned"]

KC = 384     # depth of a block: 256 writes c more often (1000 x 1000: 5 %), 512 leaves the first-level cache
ROWS = 112   # rows of a block of a: 110-440 KiB packed, so that the second-level cache has room for what is streamed
COLUMNS = 1024      # of b packed at a time
# Rows of a from which packing b pays. Below, prefetching it is as good (64 rows: 5-10 % better; with long vectors, of
# which a tile has fewer rows, 2-4 % up to 256, and 1 % at 500).
PACK_B = {64: 512, 32: 96}
PACK_A = 128, 300   # rows of a and columns of b from which packing a pays
# Up to so many rows, and from so many steps along k on, where a column of c lies is on its way while k is gone through:
# most results are in no cache yet. Of more rows stores wait less; told in each tile, shallow products took 3-5 %
# longer. Nor where one tile has all rows: the steps of an LSTM took 0.5 % longer, whose results are in a cache.
FETCHED = 16, 48
# Steps along k by which a is prefetched; and b, which is a new cache line each where it is not packed, by processors
# with long vectors. Those with short ones see its rows coming, and are slower when told (64 x 1024 x 1024: 28 instead
# of 50 GFlop/s).
AHEAD = 8


def kernels(of: dtype) -> Addresses | None:
    """The addresses of the kernels that store and that add a matrix product; None where BLAS has to do it."""
    found = loaded(of)
    return None if found is None else (found["store"], found["add"])


def onto(of: dtype) -> int | None:
    """The address of the kernel that stores a sum with a matrix product; None where BLAS has to do it."""
    found = loaded(of)
    return None if found is None else found["onto"]


@functools.cache
def loaded(of: dtype) -> dict[str, int] | None:
    """The addresses of all kernels by their names."""
    return product_writer.load("gemm", source, of, ENTRIES)


@functools.cache
def turned(of: dtype) -> int | None:
    """The address of the kernel that writes columns as rows, in pieces (see `turned_source`); None without AVX2."""
    code = product_writer.build("turned", turned_source, of)
    if code is None:
        return None
    address = jit.load_object(f"turned.{of.short}", code, ["kernel"], ())["kernel"]
    jit.sources[address] = "kernel", lambda: turned_source(of, max(vector_bytes()[0], 32))
    return address


def build(of: dtype) -> bytes | None:
    """Their object code, from the disk cache or from LLVM."""
    return product_writer.build("gemm", source, of)


def tile() -> tuple[int, int]:
    """Rows and bytes of a row of what the micro-kernel does at once on this machine."""
    width = max(vector_bytes()[0], 32)
    return _TALLEST[width], 2 * width


def source(of: dtype, width: int) -> str:
    """The LLVM text for vectors of 32 or 64 bytes."""
    return _Source(of, width).written()


def turned_source(of: dtype, width: int) -> str:
    """What turns columns for packing, as a kernel of its own, for sizes that are multiples of the lanes.

    Its nest is that of a copy: [3, 0, pieces, columns of each, their length, (bytes along each) of both], so that
    threads share the pieces.
    """
    text = _Source(of, width)
    text.transpose()
    with text.function("i32 @kernel(ptr %pointers, ptr %nest)"):
        pieces, columns, depth, piece, row, stride = (
            text.let(f"load i64, ptr {text.element('%nest', i)}") for i in (2, 3, 4, 5, 7, 9))
        count = text.do("mul", pieces, columns)
        to, start = (text.let(f"load ptr, ptr {text.element('%pointers', i, 'ptr')}") for i in range(2))
        text.line(f"call void @transpose(ptr {to}, i64 {piece}, i64 {row}, ptr {start}, i64 {stride}, i64 {text.item}, "
                  f"i64 {count}, i64 {columns}, i64 {depth})")
        text.line("ret i32 0")
    return text.whole(entries={})


ENTRIES = {"store": "i1 false, i1 false", "add": "i1 true, i1 false", "onto": "i1 true, i1 true"}

# Steps along k a turn: where a tile is small their end is often mispredicted (16 x 256 x 64: 10 %, 800 x 64 x 256: 3).
# The large tile takes LLVM six times as long for it.
_UNROLLED = {64: 1, 32: 4}
_TALLEST = {64: 14, 32: 6}  # rows of two vectors that fit the registers
_WIDE = {64: 8, 32: 4}      # and of three

# How row r of a is reached: a row that has a pointer of its own, and a multiple of the stride that x86 can address.
_REACH = [(0, 0), (0, 1), (0, 2), (3, 0), (0, 4), (5, 0), (5, 1), (3, 4), (0, 8), (5, 4), (10, 0), (3, 8), (10, 2),
          (5, 8)]
_PACKING = "ptr %to, i64 %piece, i64 %row, ptr %from, i64 %stride, i64 %along, i64 %count, i64 %width, i64 %depth"


class _Source(ProductWriter):
    """The text of the kernels for one dtype and vector width."""

    def __init__(self, of: dtype, width: int) -> None:
        super().__init__(of, width)
        self.tallest, self.unrolled = _TALLEST[width], _UNROLLED[width]
        self.low = _WIDE[width]
        self.panel = 2 * self.lanes
        self.b_row, self.wide_row = self.panel * self.item, (self.panel + self.lanes) * self.item
        self.a_row = -(-self.tallest * self.item // width) * width

    def written(self) -> str:
        tiles = [(rows, vectors) for vectors in (1, 2, 3) for rows in self.heights(vectors)]
        for rows, vectors in tiles:
            self.tile(rows, vectors)
        self.panels()
        self.copy()
        self.transpose()
        one_hot.write(self)
        self.product()
        names = [f"ptr @tile{rows}x{vectors}" for rows, vectors in tiles]
        return self.whole(f"@tiles = internal constant [{len(names)} x ptr] [{', '.join(names)}]", entries=ENTRIES)

    def heights(self, vectors: int) -> list[int]:
        """The rows of tiles: every second number, for each takes 3 ms to compile."""
        return [1, *range(2, (self.low if vectors == 3 else self.tallest) + 1, 2)]

    # --------------------------------------------------------------------------------------------- the micro-kernel

    def tile(self, rows: int, vectors: int) -> None:
        """c[rows, vectors] = a b, or d + a b where there is a d; `turns` times, each so many bytes further of each.

        To call them one by one takes shallow ones longer (1000 x 10 x 10: 10 %).

        Of several vectors the last ends where the row does, `last` bytes from its beginning: it repeats some columns of
        the one before, which get the same values twice. Of a single one `keep` are the lanes.

        The empty assembly keeps LLVM from seeing through the pointers: it would reach one row from the other, a chain
        of additions as long as the FMAs take (6 x 2 vectors: 154 GFlop/s instead of 178), or keep 14 of them. Between
        two tiles each instruction tells, for no FMA is under way by then: rows of c are found as they are stored.
        d is read at the end: fetched first it is waited for (512 x 512: 3-5 %). Stores of whole vectors are not masked:
        processors without mask registers take 12 cycles for one that is (800 x 64 x 256: 14 %).
        """
        reach, single = _REACH[:rows], vectors == 1
        bases = sorted({base for base, _ in reach})
        tiles = [(r, v) for r in range(rows) for v in range(vectors)]
        with self.function(f"void @tile{rows}x{vectors}(i64 %turns, ptr %a0, i64 %ai, i64 %ak, i64 %a.step, ptr %b0, "
                           f"i64 %bk, i64 %b.step, i64 %k, ptr %c0, i64 %ci, i64 %c.step, ptr %d0, i64 %di, "
                           f"i64 %d.step, i64 %last, {self.bits} %keep)"):
            self.line("%adds = icmp ne ptr %d0, null")
            whole, rest = self.do("udiv", "%k", self.unrolled), self.do("urem", "%k", self.unrolled)
            self.jump("tile")
            self.line("%left = phi i64 [%turns, %entry], [%left.next, %done]")
            for x in "abcd":
                self.line(f"%{x} = phi ptr [%{x}0, %entry], [%{x}.next, %done]")
            state = {"b": "%b"}
            for base in bases:
                state[f"a{base}"] = self.hidden(self.at("%a", ("%ai", base)))
            state.update({f"c{r}.{v}": "zeroinitializer" for r, v in tiles})
            state = self.along_k("turn", state, reach, vectors, whole, self.unrolled, "tile", "rest")
            state = self.along_k("one", state, reach, vectors, rest, 1, "rest", "end")
            keep = self.lanes_of("%keep")
            self.line("br i1 %adds, label %add, label %store")
            self.label("add")  # all loads before the first store: where rows are short, vectors reach into the next one
            sums, before = {}, self.rows("%d", "%di", tiles)
            for r, v in tiles:
                value = self.masked_load(before[r, v], keep) if single else self.let(
                    f"load {self.v}, ptr {before[r, v]}, align {self.item}")
                sums[r, v] = self.let(f"fadd {self.v} {value}, {state[f'c{r}.{v}']}")
            self.jump("store")
            for r, v in tiles:
                self.line(f"%c{r}.{v}.end = phi {self.v} [{state[f'c{r}.{v}']}, %end], [{sums[r, v]}, %add]")
            if single:
                self.line(f"%whole = icmp eq {self.bits} %keep, -1")
                self.line("br i1 %whole, label %plain, label %masked")
            else:
                self.line("br label %plain")
            for how in ("plain", "masked")[:1 + single]:
                self.label(how)
                row = "%c"
                for r in range(rows):
                    for v in range(vectors):
                        at = self.vector_of(row, v, vectors)
                        if how == "masked":
                            self.masked_store(f"%c{r}.{v}.end", at, keep)
                        else:
                            self.line(f"store {self.v} %c{r}.{v}.end, ptr {at}, align {self.item}")
                    row = self.hidden(self.element(row, "%ci", "i8"))
                self.line("br label %done")
            self.label("done")
            for x in "abcd":
                self.line(f"%{x}.next = getelementptr i8, ptr %{x}, i64 %{x}.step")
            self.line("%left.next = sub i64 %left, 1")
            self.line("%again = icmp ne i64 %left.next, 0")
            self.line("br i1 %again, label %tile, label %end.of.all")
            self.label("end.of.all")
            self.line("ret void")

    def along_k(self, name: str, state: dict[str, str], reach: list[tuple[int, int]], vectors: int, turns: str,
                count: int, before: str, after: str) -> dict[str, str]:
        """A loop along k, of `count` steps a turn; returns the state (pointers, sums) after it."""
        self.line(f"%{name}.any = icmp ne i64 {turns}, 0")
        self.line(f"br i1 %{name}.any, label %{name}, label %{after}")
        self.label(name)
        begin, state = state, {key: f"%{name}.{key}" for key in state}
        phis = len(self.lines)
        for _ in range(count):
            state = self.step(state, reach, vectors)
        self.line(f"%{name}.next = sub i64 %{name}.left, 1")
        self.line(f"%{name}.more = icmp ne i64 %{name}.next, 0")
        self.line(f"br i1 %{name}.more, label %{name}, label %{after}")
        types = {key: self.v if key[0] == "c" else "ptr" for key in state}
        self.lines[phis:phis] = [
            f"  %{name}.left = phi i64 [{turns}, %{before}], [%{name}.next, %{name}]",
            *(f"  %{name}.{key} = phi {types[key]} [{begin[key]}, %{before}], [{value}, %{name}]"
              for key, value in state.items())]
        self.label(after)
        for key, value in state.items():
            self.line(f"%{after}.{key} = phi {types[key]} [{begin[key]}, %{before}], [{value}, %{name}]")
        return {key: f"%{after}.{key}" for key in state}

    def step(self, state: dict[str, str], reach: list[tuple[int, int]], vectors: int) -> dict[str, str]:
        """One step along k."""
        after, row = dict(state), state["b"]
        b = [self.let(f"load {self.v}, ptr {self.vector_of(row, v, vectors)}, align {self.item}")
             for v in range(vectors)]
        for r, (base, times) in enumerate(reach):
            x = self.let(f"load {self.t}, ptr {self.at(state[f'a{base}'], ('%ai', times))}, align {self.item}")
            x = self.splat(x, self.t)
            for v in range(vectors):
                after[f"c{r}.{v}"] = self.let(f"call {self.v} @llvm.fma.{self.suffix}({self.v} {x}, {self.v} {b[v]}, "
                                              f"{self.v} {state[f'c{r}.{v}']})")
        for v in range(vectors if self.lanes * self.item == 64 else 0):
            self.prefetch(self.slot(self.at(row, ("%bk", AHEAD)), v))
        base, times = reach[-1]
        self.prefetch(self.at(state[f"a{base}"], ("%ai", times), ("%ak", AHEAD)))
        after["b"] = self.element(row, "%bk", "i8")
        for base in {base for base, _ in reach}:
            after[f"a{base}"] = self.hidden(self.element(state[f"a{base}"], "%ak", "i8"))
        return after

    def hidden(self, pointer: str) -> str:
        """A pointer that LLVM does not know the origin of."""
        return self.let(f'call ptr asm "", "=r,0"(ptr {pointer})')

    def rows(self, start: str, stride: str, tiles: list[tuple[int, int]]) -> dict[tuple[int, int], str]:
        """Where the vectors of a tile are."""
        starts = [start]
        for _ in range(tiles[-1][0]):
            starts.append(self.element(starts[-1], stride, "i8"))
        return {(r, v): self.vector_of(starts[r], v, tiles[-1][1] + 1) for r, v in tiles}

    def vector_of(self, row: str, v: int, vectors: int) -> str:
        """Where a vector of a row begins."""
        return self.element(row, "%last", "i8") if v and v == vectors - 1 else self.slot(row, v)

    def panels(self) -> None:
        """Tiles of at most `high` rows down a panel, which is up to three vectors wide; each begins `step` bytes on."""
        with self.function("void @panel(ptr %a, i64 %ai, i64 %ak, i64 %step, ptr %b, i64 %bk, i64 %depth, ptr %c, "
                           "i64 %ci, ptr %d, i64 %di, i64 %rows, i64 %high, i64 %columns)"):
            vectors = self.do("udiv", self.do("sub", "%columns", 1), self.lanes)
            table = self.element("@tiles", self.do("mul", vectors, len(self.heights(1))), "ptr")
            last = self.let(f"call i64 @llvm.smax.i64(i64 {self.do('sub', '%columns', self.lanes)}, i64 0)")
            last = self.do("mul", last, self.item)
            keep = self.first("%columns")
            turns = self.do("udiv", "%rows", "%high")
            whole = self.do("mul", turns, "%high")
            rest = self.do("sub", "%rows", whole)
            even = self.do("and", rest, -2)
            below, odd = self.at("%a", (turns, "%step")), self.do("and", rest, 1)
            for count, rows, times, first, a in (
                    (turns, "%high", turns, "0", "%a"), (even, even, "1", whole, below),
                    (odd, "1", "1", self.do("add", whole, even), self.at(below, (even, "%ai")))):
                with self.when(self.let(f"icmp ne i64 {count}, 0")):
                    tile = self.element(table, self.do("lshr", rows, 1), "ptr")
                    tile = self.let(f"load ptr, ptr {tile}")
                    self.line(f"call void {tile}(i64 {times}, ptr {a}, i64 %ai, i64 %ak, i64 %step, ptr %b, i64 %bk, "
                              f"i64 0, i64 %depth, ptr {self.at('%c', (first, '%ci'))}, i64 %ci, "
                              f"i64 {self.do('mul', '%ci', '%high')}, ptr {self.at('%d', (first, '%di'))}, i64 %di, "
                              f"i64 {self.do('mul', '%di', '%high')}, i64 {last}, {self.bits} {keep})")
            self.line("ret void")

    # -------------------------------------------------------------------------------------------------------- packing

    def copy(self) -> None:
        """Pieces of `width` columns whose rows are contiguous; all of a row before the next, for the TLB's sake.

        A row of a piece is up to three vectors. Lanes without a column are zeroed: what they hold is computed with, and
        denormal rubbish is 100 times slower.
        """
        with self.function(f"void @copy({_PACKING})"):
            more = [self.let(f"icmp ugt i64 %row, {v * self.lanes * self.item}") for v in (1, 2)]
            rest = self.do("urem", "%count", "%width")
            whole = self.do("sub", "%count", rest)
            for start, end, width in (("0", whole, "%width"), (whole, "%count", rest)):
                masks = [self.lanes_of(self.first(self.do("sub", width, v * self.lanes))) for v in range(3)]
                with self.when(self.let(f"icmp slt i64 {start}, {end}")), self.loop("%depth") as i:
                    source, to = self.at("%from", (i, "%along")), self.at("%to", (i, "%row"))
                    with self.loop(end, "%width", start) as j:
                        piece = self.at(to, (self.do("udiv", j, "%width"), "%piece"))
                        columns = self.element(source, j, self.t)
                        self.copy_vector(columns, masks[0], piece, 0)
                        with self.when(more[0]):
                            self.copy_vector(columns, masks[1], piece, 1)
                        with self.when(more[1]):
                            self.copy_vector(columns, masks[2], piece, 2)
            self.line("ret void")

    def copy_vector(self, source: str, mask: str, to: str, v: int) -> None:
        value = self.masked_load(self.slot(source, v), mask)
        self.line(f"store {self.v} {value}, ptr {self.slot(to, v)}, align {self.item}")

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

    def pack(self, to: str, row: int | str, source: str, stride: str, along: str, count: str, width: int | str,
             depth: str) -> None:
        turned = self.let(f"icmp ne i64 {stride}, {self.item}")
        function = self.either(turned, "@transpose", "@copy", "ptr")
        piece = self.do("mul", row, KC)
        self.line(f"call void {function}(ptr {to}, i64 {piece}, i64 {row}, ptr {source}, i64 {stride}, i64 {along}, "
                  f"i64 {count}, i64 {width}, i64 {depth})")

    # ------------------------------------------------------------------------------------------------------ the loops

    def few(self, batches: str, m: str, n: str, k: str, bj: str) -> str:
        """Whether one tile has all rows, and all columns are in tiles of two vectors, which read b where it lies."""
        odd = self.do("and", m, self.let(f"zext i1 {self.let(f'icmp ne i64 {m}, 1')} to i64"))
        found = "true"
        least = self.least(self.least(batches, m), self.least(n, k))
        for condition in (f"sgt i64 {least}, 0", f"sle i64 {m}, {self.tallest}", f"sle i64 {k}, {KC}",
                          f"eq i64 {bj}, {self.item}", f"eq i64 {odd}, 0",
                          f"eq i64 {self.do('urem', n, self.panel)}, 0"):
            found = self.let(f"and i1 {found}, {self.let('icmp ' + condition)}")
        return found

    def product(self) -> None:
        """Blocks of b, COLUMNS wide or just a panel, KC deep; then blocks of a; then panels.

        Where it is just a panel, up to one vector's width that is left after the last is part of that.
        """
        block_rows = ROWS // self.tallest * self.tallest
        a_room, b_room = (block_rows // self.tallest + 1) * KC * self.a_row, COLUMNS // self.panel * KC * self.b_row
        with self.function("void @product(ptr %pointers, ptr %nest, i1 %add, i1 %onto)"):
            batches, m, n, k, cb, ci, _, _, ab, ai, _, ak, bb, _, bj, bk, c0, a0, b0 = self.nest()
            own = [self.let(f"load i64, ptr {self.element('%nest', self.either('%onto', 18 + i, 6 + i))}")
                   for i in range(2)]
            db, di = (self.either("%add", stride, 0) for stride in own)  # null + 0, where nothing is added
            dj = self.either("%add", self.item, 0)
            d0 = self.let(f"load ptr, ptr {self.element('%pointers', self.either('%onto', 3, 0), 'ptr')}")
            d0 = self.either("%add", d0, "null", "ptr")
            one_panel = self.let(f"alloca [{KC * self.wide_row} x i8], align 64")
            scratch = self.let("alloca ptr")
            with self.when(self.few(batches, m, n, k, bj)):
                # Columns one beside the other; or the one that each of a batch is, with its own a.
                narrow = self.let(f"icmp eq i64 {n}, {self.panel}")
                times, turns = (self.either(narrow, *both) for both in (
                    (1, batches), (batches, self.do("udiv", n, self.panel))))
                a_step, b_step, c_step, d_step = (self.either(narrow, *both) for both in (
                    (ab, 0), (bb, self.b_row), (cb, self.b_row), (db, self.do("mul", dj, self.panel))))
                tile = self.element("@tiles", self.do("add", len(self.heights(1)), self.do("lshr", m, 1)), "ptr")
                tile = self.let(f"load ptr, ptr {tile}")
                with self.loop(times) as batch:
                    c = self.at(c0, (batch, cb))
                    a, b, d = self.at(a0, (batch, ab)), self.at(b0, (batch, bb)), self.at(d0, (batch, db))
                    self.line(f"call void {tile}(i64 {turns}, ptr {a}, i64 {ai}, i64 {ak}, i64 {a_step}, ptr {b}, "
                              f"i64 {bk}, i64 {b_step}, i64 {k}, ptr {c}, i64 {ci}, i64 {c_step}, ptr {d}, i64 {di}, "
                              f"i64 {d_step}, i64 {self.lanes * self.item}, {self.bits} -1)")
                self.line("ret void")
                self.label(self.name())
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
            pays = self.let(f"or i1 {turned}, {self.let(f'icmp sge i64 {m}, {PACK_B[self.lanes * self.item]}')}")
            beyond = self.do("sub", self.do("urem", n, self.panel), 1)
            short = self.let(f"icmp ult i64 {beyond}, {self.lanes - 1}")  # a vector would reach beyond a row
            pays = self.let(f"or i1 {pays}, {self.let(f'and i1 {large}, {short}')}")
            deep, tall, low = self.balanced(k, KC), self.balanced(m, self.tallest, 2), self.balanced(m, self.low, 2)
            rest = self.do("urem", n, self.panel)
            joins = self.let(f"and i1 {self.let(f'icmp sle i64 {rest}, {self.lanes}')}, "
                             f"{self.let(f'icmp sgt i64 {n}, {self.panel}')}")
            rest = self.either(self.let(f"select i1 {large}, i1 false, i1 {joins}"), rest, 0)
            narrow = self.do("sub", n, rest)
            row, along = self.either(large, self.item, ai), self.either(large, self.a_row, ak)

            fetches = self.let(f"icmp sle i64 {m}, {FETCHED[0]}")
            fetches = self.let(f"and i1 {fetches}, {self.let(f'icmp sge i64 {k}, {FETCHED[1]}')}")

            def to_do(batch: str) -> str:
                done = self.let(
                    f"call i1 @one_hot(ptr {self.at(a0, (batch, ab))}, i64 {ai}, i64 {ak}, "
                    f"ptr {self.at(b0, (batch, bb))}, i64 {bk}, i64 {bj}, ptr {self.at(c0, (batch, cb))}, i64 {ci}, "
                    f"ptr {self.at(d0, (batch, db))}, i64 {di}, i1 %add, i64 {m}, i64 {n}, i64 {k})")
                return self.either(done, 0, narrow)

            with self.loop(batches) as batch, self.loop(to_do(batch), b_columns) as q, self.loop(k, deep) as p:
                depth, left = self.least(deep, self.do("sub", k, p)), self.do("sub", narrow, q)
                more = self.either(self.let(f"icmp sle i64 {left}, {b_columns}"), rest, 0)
                columns, wide = self.do("add", self.least(b_columns, left), more), self.let(f"icmp ne i64 {more}, 0")
                panel, b_packed_row = self.do("add", self.panel, more), self.either(wide, self.wide_row, self.b_row)
                high = self.either(wide, low, tall)
                a_step = self.either(large, KC * self.a_row, self.do("mul", ai, high))
                again = self.let(f"icmp ne i64 {p}, 0")
                d_start = self.either(again, self.at(c0, (batch, cb)), self.at(d0, (batch, db)), "ptr")
                d_row, d_column = self.either(again, ci, di), self.either(again, self.item, dj)
                b = self.at(b0, (batch, bb), (q, bj), (p, bk))
                packs = self.let(f"or i1 {pays}, {self.let(f'icmp slt i64 {columns}, {self.lanes}')}")
                with self.when(packs):
                    self.pack(b_packed, b_packed_row, b, bj, bk, columns, panel, depth)
                b = self.either(packs, b_packed, b, "ptr")
                b_row = self.either(packs, b_packed_row, bk)
                b_step = self.either(packs, KC * self.b_row, self.b_row)
                with self.loop(m, block_rows) as i:
                    rows = self.least(block_rows, self.do("sub", m, i))
                    a = self.at(a0, (batch, ab), (i, ai), (p, ak))
                    with self.when(large):
                        self.pack(a_packed, self.a_row, a, ai, ak, rows, high, depth)
                    a = self.either(large, a_packed, a, "ptr")
                    with self.loop(columns, panel) as j:
                        c = self.at(c0, (batch, cb), (i, ci), (self.do("add", q, j), self.item))
                        d = self.at(d_start, (i, d_row), (self.do("add", q, j), d_column))
                        width = self.least(panel, self.do("sub", columns, j))
                        with self.when(fetches), self.loop(rows) as r:
                            self.prefetch(self.at(c, (r, ci)))
                        right = self.at(b, (self.do("udiv", j, self.panel), b_step))
                        self.line(f"call void @panel(ptr {a}, i64 {row}, i64 {along}, i64 {a_step}, ptr {right}, "
                                  f"i64 {b_row}, i64 {depth}, ptr {c}, i64 {ci}, ptr {d}, i64 {d_row}, i64 {rows}, "
                                  f"i64 {high}, i64 {width})")
            self.line(f"call void @free(ptr {a_packed})")
            self.line("ret void")
