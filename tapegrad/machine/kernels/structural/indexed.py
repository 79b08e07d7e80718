"""Reading and writing at computed places, emitted: `value[i] = base[place]`, or `base[place] ∘= value[i]`.

Two kernels share the work, so that nothing is written when any index is bad: `in_range` checks one index operand, and
after all of these are checked, the kernel of a walk goes where they say. Index operands are contiguous int64; strides
count bytes.

A walk is a nest of at least two loops. No index moves along the innermost, so that it is a row of base and of value as
it lies; where one does, that row is a single element. The second innermost is walked in blocks: first the addresses in
base are computed of a whole block, index operand by index operand, several places at once, and then the rows are moved
between there and value. The loops outside turn in the odometer that all kernels share.
"""
from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np

from tapegrad import dtypes, shapes
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import loop_helpers, loop_nests
from tapegrad.machine.kernels.instruction_writer import Writer
from tapegrad.machine.kernels.lowering import memory_type, register_type, vector_bytes

READ, MODES = "read", ("read", "write", "add", "mul", "max", "min")
SHORT = 8    # turns of the second innermost loop up to which its places are not computed beforehand
UNROLLED = 4  # single elements a turn: their loop took as long as they did
BLOCK = 512  # places computed at a time: 4 KiB of addresses stay in the first-level cache

# What `in_range` reads: how many indices there are, the allowed ones (from LOW on, SPAN of them, and from EXEMPT on,
# EXEMPTS of them), and what it leaves behind: the first offending index, and whether there was one.
COUNT, LOW, SPAN, EXEMPT, EXEMPTS, OFFENDING, FAILED = range(7)


def check_nest(count: int, size: int, wrap: bool, exempt: int | None = None) -> np.ndarray:
    """The nest of `in_range` for so many indices along an axis of `size`, from its end as well if they may `wrap`."""
    low = -size if wrap else 0
    return np.array([count, low, size - low, exempt or 0, exempt is not None, 0, 0], "i8")


def nonzero_nest(count: int) -> np.ndarray:
    """The nest of `in_range` for so many whole numbers of which none may be 0: all others are above it, unsigned."""
    return np.array([count, 1, -1, 0, 0, 0, 0], "i8")


def walk_nest(shape: shapes.Shape, strides: Sequence[Sequence[int]], axes: Sequence[tuple[int, int]]) -> np.ndarray:
    """The nest of a walk over `shape`: strides of what is written, of what is read and of the index operands.

    `axes` says for each index operand how far base moves by one, and the size of the axis it counts along.
    The words: [number of index operands, number of loops, 0, sizes…, strides, an operand after the other…, `axes`…].
    """
    kept = [d for d, n in enumerate(shape) if n != 1]
    sizes, merged = loop_nests.merge([shape[d] for d in kept], [[s[d] for d in kept] for s in strides])
    if not sizes or any(s[-1] for s in merged[2:]):  # an index moves along the last loop
        sizes, merged = [*sizes, 1], [[*s, 0] for s in merged]
    if len(sizes) < 2:
        sizes, merged = [1, *sizes], [[0, *s] for s in merged]
    if len(sizes) > loop_helpers.MAX_RANK:
        raise ValueError(f"{len(sizes)} loops, at most {loop_helpers.MAX_RANK} fit a nest")
    words = [len(axes), len(sizes), 0, *sizes]
    for row in (*merged, *axes):
        words += row
    return np.array(words, "i8")


class Loops(Writer):
    """Loops that test at their end, with what they move in registers."""

    @contextlib.contextmanager
    def loop(self, start: str, end: str, step: int | str, *moving: tuple[str, int | str]) -> Iterator[list[str]]:
        """for i in range(start, end, step), and (pointer, bytes) that move along: their registers, i first."""
        name, before = self.name(), self.block
        names = [f"%{name}.{k}" for k in range(len(moving) + 1)]
        some = self.let(f"icmp slt i64 {start}, {end}")
        self.line(f"br i1 {some}, label %{name}, label %{name}.end")
        self.label(name)
        phis = len(self.lines)
        yield names
        self.line(f"{names[0]}.next = add i64 {names[0]}, {step}")
        for p, (_, by) in zip(names[1:], moving):
            self.line(f"{p}.next = getelementptr i8, ptr {p}, i64 {by}")
        more = self.let(f"icmp slt i64 {names[0]}.next, {end}")
        self.line(f"br i1 {more}, label %{name}, label %{name}.end")
        starts = [("i64", start), *(("ptr", p) for p, _ in moving)]
        self.lines[phis:phis] = [f"  {p} = phi {t} [{first}, %{before}], [{p}.next, %{self.block}]"
                                 for p, (t, first) in zip(names, starts)]
        self.label(f"{name}.end")

    def do(self, operation: str, x: int | str, y: int | str) -> str:
        return self.let(f"{operation} i64 {x}, {y}")

    def word(self, base: str, i: int | str) -> str:
        return self.let(f"load i64, ptr {self.element(base, i)}")

    def distance(self, at: str, far: int | str, length: int | str) -> str:
        """How far along its axis an index points, to elements `far` apart; a negative one counts from the end."""
        t, i = self.vector("i64"), self.load(at, dtypes.int64)
        below = self.let(f"icmp slt {t} {i}, zeroinitializer")
        from_end = self.let(f"add {t} {i}, {length}")
        i = self.let(f"select {self.vector('i1')} {below}, {t} {from_end}, {t} {i}")
        return self.let(f"mul {t} {i}, {far}")


class _Walk(Loops):
    """The text of a walk in one mode, over elements of one dtype."""

    def __init__(self, mode: str, of: dtype) -> None:
        super().__init__()
        self.mode, self.of, self.item = mode, of, of.itemsize
        width, self.masks = vector_bytes()
        self.row_lanes, self.place_lanes = width // self.item, width // 8
        self.value, self.base = (0, 1) if mode == READ else (1, 0)  # which of the operands they are

    def text(self) -> str:
        self.label("entry")
        count, loops_ = self.word("%nest", 0), self.element("%nest", 1)
        operands = self.do("add", count, 2)
        strides = self.element(self.element(loops_, 2), self.word(loops_, 0))
        axes = self.element(strides, self.do("mul", operands, self.word(loops_, 0)))
        frame = self.let(f"alloca [{loop_helpers.words(rec.MAX_POINTERS)} x i64]")
        self.places = self.let(f"alloca [{BLOCK} x i64], align 64")
        self.repeated = self.let(f"alloca [{self.row_lanes} x {memory_type(self.of)}], align 64")
        total = self.let(f"call i64 @tapegrad_begin(ptr {frame}, i64 {operands}, ptr %pointers, ptr {loops_}, i64 0, "
                         "i64 1)")
        steps = self.element(frame, loop_helpers.STEPS)
        here = self.element(steps, operands)
        turns, self.row = self.word(frame, loop_helpers.TURNS), self.word(frame, loop_helpers.SIZE)
        self.across = [self.word(steps, o) for o in range(2)]
        self.along = [self.word(self.element(here, operands), o) for o in range(2)]
        self.prepare_rows()
        short = self.both(self.let(f"icmp sle i64 {turns}, {SHORT}"), self.let(f"icmp eq i64 {count}, 1"), self.single)
        far = [self.do("mul", step, BLOCK) for step in self.across]
        self.line(f"br i1 {self.let(f'icmp ne i64 {total}, 0')}, label %outer, label %end")
        self.label("outer")
        ends = [self.let(f"load ptr, ptr {self.element(here, o)}") for o in range(2)]
        indices, index_steps = self.element(here, 2), self.element(steps, 2)
        self.line(f"br i1 {short}, label %short, label %long")
        self.label("short")
        with self.loop("0", turns, 1, *zip(ends, self.across),
                       (self.let(f"load ptr, ptr {indices}"), self.word(index_steps, 0))) as (_, *at, index):
            moved = self.distance(index, self.word(axes, 0), self.word(axes, 1))
            at[self.base] = self.element(at[self.base], moved, "i8")
            self.move(*at)
        self.line("br label %turned")
        self.label("long")
        with self.loop("0", turns, BLOCK, *zip(ends, far)) as (done, *at):
            left = self.do("sub", turns, done)
            size = self.let(f"select i1 {self.let(f'icmp slt i64 {left}, {BLOCK}')}, i64 {left}, i64 {BLOCK}")
            self.begin(size, at[self.base])
            with self.loop("0", count, 1) as (k,):
                index = self.let(f"load ptr, ptr {self.element(indices, k)}")
                step, axis = self.word(index_steps, k), self.element(axes, self.do("shl", k, 1))
                self.add_index(size, self.element(index, self.do("mul", done, step), "i8"), step,
                               self.word(axis, 0), self.word(axis, 1))
            self.rows(size, at[self.value])
        self.jump("turned")
        many = self.let(f"load i1, ptr {self.element(frame, loop_helpers.MANY)}")
        self.line(f"br i1 {many}, label %odometer, label %end")
        self.label("odometer")
        again = self.let(f"call i1 @tapegrad_advance(ptr {frame}, i64 {operands}, ptr {loops_})")
        self.line(f"br i1 {again}, label %outer, label %end")
        self.label("end")
        self.line("ret i32 0")
        return f"{loop_helpers.DECLARATIONS}\n{self.module()}"

    # ---------------------------------------------------------------------------------------------------- the places

    def begin(self, size: str, base: str) -> None:
        """Where a block would be without an index; up to a vector's lanes beyond its end."""
        address, step = self.let(f"ptrtoint ptr {base} to i64"), self.across[self.base]
        with self.wide(self.place_lanes):
            fan = self.let(f"mul {self.vector('i64')} {self.splat(step, 'i64')}, {self.steps()}")
            with self.loop("0", size, self.lanes, (self.places, 8 * self.lanes)) as (i, to):
                first = self.splat(self.do("add", address, self.do("mul", i, step)), "i64")
                self.store(to, self.let(f"add {self.vector('i64')} {first}, {fan}"), dtypes.int64)

    def add_index(self, size: str, index: str, step: str, far: str, length: str) -> None:
        """Move a block's places along one axis: by vectors where the indices are next to each other."""
        dense = self.let(f"icmp eq i64 {step}, 8")
        main = self.let(f"select i1 {dense}, i64 {self.do('and', size, -self.place_lanes)}, i64 0")
        for lanes, start, end in ((self.place_lanes, "0", main), (1, main, size)):
            with self.wide(lanes):
                distance = self.splat(far, "i64"), self.splat(length, "i64")
                places = self.element(self.places, start), 8 * lanes
                indices = self.element(index, self.do("mul", start, step), "i8"), 8 * lanes if lanes > 1 else step
                with self.loop(start, end, lanes, places, indices) as (_, to, at):
                    moved = self.distance(at, *distance)
                    self.store(to, self.let(f"add {self.vector('i64')} {self.load(to, dtypes.int64)}, {moved}"),
                               dtypes.int64)

    # -------------------------------------------------------------------------------------------------------- the rows

    def prepare_rows(self) -> None:
        """What all rows have in common: are they elements, or vectors, maybe of one that is repeated; what is left."""
        source = self.along[1]
        self.single = self.let(f"icmp eq i64 {self.row}, 1")
        self.constant = self.let(f"icmp eq i64 {source}, 0")
        dense = [self.let(f"icmp eq i64 {step}, {self.item}") for step in self.along]
        self.plain = self.both(dense[0], self.let(f"or i1 {dense[1]}, {self.constant}"))
        self.main = self.do("and", self.row, -self.row_lanes)
        rest = self.do("sub", self.row, self.main)
        self.source_far = self.do("mul", source, self.row_lanes)
        self.beyond = [self.do("mul", self.main, step) for step in self.along]
        if self.masks:
            self.some_left = self.let(f"icmp ne i64 {rest}, 0")
            bits, t = self.do("xor", self.do("shl", -1, rest), -1), f"i{self.row_lanes}"
            bits = bits if self.row_lanes == 64 else self.let(f"trunc i64 {bits} to {t}")
            self.left = self.let(f"bitcast {t} {bits} to <{self.row_lanes} x i1>")

    def rows(self, size: str, value: str) -> None:
        """Move a block's rows between where they belong in base, and value."""
        kinds = {"element": self.move, "plain": self.plain_row, "strided": self.strided_row}
        self.line(f"br i1 {self.single}, label %element, label %several")
        self.label("several")
        self.line(f"br i1 {self.plain}, label %plain, label %strided")
        step = self.across[self.value]
        for kind, write in kinds.items():
            self.label(kind)
            many = UNROLLED if kind == "element" else 1
            main = self.do("and", size, -many)
            ends = [(many, "0", main, self.places, value)]
            if many > 1:
                ends.append((1, main, size, self.element(self.places, main),
                             self.element(value, self.do("mul", main, step), "i8")))
            for count, start, end, places, values in ends:
                far = self.do("mul", step, count)
                with self.loop(start, end, count, (places, 8 * count), (values, far)) as (_, place, at):
                    for k in range(count):
                        both = [at, at]
                        both[self.base] = self.let(f"load ptr, ptr {self.element(place, k)}")
                        write(*both)
                        at = self.element(at, step, "i8") if k + 1 < count else at
            self.line("br label %moved")
        self.label("moved")

    def plain_row(self, target: str, source: str) -> None:
        """Whole vectors, then the rest under a mask or one by one."""
        name, before = self.name(), self.block
        self.line(f"br i1 {self.constant}, label %{name}.constant, label %{name}.go")
        self.label(f"{name}.constant")
        x = self.load(source, self.of)
        with self.wide(self.row_lanes):
            self.store(self.repeated, self.splat(x, register_type(self.of)), self.of)
        self.jump(f"{name}.go")
        source = self.let(f"phi ptr [{source}, %{before}], [{self.repeated}, %{name}.constant]")
        with self.wide(self.row_lanes), self.loop(
                "0", self.main, self.lanes, (target, self.lanes * self.item), (source, self.source_far)) as (_, *at):
            self.move(*at)
        ends = [self.element(p, by, "i8") for p, by in zip((target, source), self.beyond)]
        if self.masks:
            self.line(f"br i1 {self.some_left}, label %{name}.left, label %{name}.end")
            self.label(f"{name}.left")
            with self.wide(self.row_lanes, self.left):
                self.move(*ends)
            self.jump(f"{name}.end")
        else:
            self.strided_row(ends[0], ends[1], self.main)

    def strided_row(self, target: str, source: str, start: str = "0") -> None:
        """The empty assembly keeps the steps in registers: from the stack they cost 10 % (columns of float32)."""
        along = [self.let(f'call i64 asm "", "=r,0"(i64 {step})') for step in self.along]
        with self.loop(start, self.row, 1, *zip((target, source), along)) as (_, *at):
            self.move(*at)

    def move(self, target: str, source: str) -> None:
        """One element, or a vector of them."""
        x = self.load(source, self.of)
        if self.mode not in (READ, "write"):
            x = self.combined(self.load(target, self.of), x)
        self.store(target, x, self.of)

    def combined(self, a: str, b: str) -> str:
        t, floating = self.type(self.of), self.of.category == 2
        if self.mode in ("add", "mul"):
            return self.let(f"{'f' * floating}{self.mode} {t} {a}, {b}")
        kind = "fcmp o" if floating else f"icmp {'us'[self.of.is_signed]}"
        stays = self.let(f"{kind}{'le' if self.mode == 'min' else 'ge'} {t} {a}, {b}")
        if floating:  # NaN wins
            stays = self.let(f"or {self.vector('i1')} {stays}, {self.let(f'fcmp uno {t} {a}, {a}')}")
        return self.let(f"select {self.vector('i1')} {stays}, {t} {a}, {t} {b}")

    def both(self, *conditions: str) -> str:
        first, *others = conditions
        for other in others:
            first = self.let(f"and i1 {first}, {other}")
        return first


def walk_text(mode: str, of: dtype) -> str:
    """The text of the kernel; pointers: what is written, what is read, then the index operands (its nest: `walk_nest`).

    Indices are not checked. One that is met again is combined with what is there already, in the order of the walk.
    """
    return _Walk(mode, of).text()


class _InRange(Loops):
    """The text of the check: quick vectors until something is off, and from there on one by one."""

    def text(self) -> str:
        vectors = 4  # looked at together
        self.label("entry")
        words = [self.word("%nest", i) for i in range(OFFENDING)]
        count, failed = words[COUNT], self.element("%nest", FAILED)
        self.line(f"store i64 0, ptr {failed}")
        index = self.let("load ptr, ptr %pointers")
        with self.wide(vector_bytes()[0] // 8):
            block = vectors * self.lanes
            main = self.do("and", count, -block)
            allowed = [self.splat(word, "i64") for word in words]
            with self.loop("0", main, block, (index, 8 * block)) as (done, at):
                off = [self.outside(self.element(at, v * self.lanes), allowed) for v in range(vectors)]
                while len(off) > 1:
                    off = [self.let(f"or {self.vector('i1')} {a}, {b}") for a, b in zip(off[::2], off[1::2])]
                bits = self.let(f"bitcast {self.vector('i1')} {off[0]} to i{self.lanes}")
                self.line(f"br i1 {self.let(f'icmp ne i{self.lanes} {bits}, 0')}, label %some, label %none")
                self.label("none")
        self.line("br label %rest")
        after = self.block
        self.label("some")
        self.jump("rest")
        start = self.let(f"phi i64 [{main}, %{after}], [{done}, %some]")
        with self.loop(start, count, 1, (self.element(index, start), 8)) as (_, at):
            self.line(f"br i1 {self.outside(at, words)}, label %found, label %fine")
            self.label("fine")
        self.line("ret i32 0")
        self.label("found")
        self.line(f"store i64 {self.load(at, dtypes.int64)}, ptr {self.element('%nest', OFFENDING)}")
        self.line(f"store i64 1, ptr {failed}")
        self.line(f"ret i32 {rec.OUT_OF_RANGE}")
        return self.module()

    def outside(self, at: str, allowed: Sequence[str]) -> str:
        """Whether an index is in neither range: unsigned, what lies below a range is far above it."""
        t, i = self.vector("i64"), self.load(at, dtypes.int64)
        off = [self.let(f"icmp uge {t} {self.let(f'sub {t} {i}, {allowed[low]}')}, {allowed[span]}")
               for low, span in ((LOW, SPAN), (EXEMPT, EXEMPTS))]
        return self.let(f"and {self.vector('i1')} {off[0]}, {off[1]}")


def check_text() -> str:
    """The text of the check; pointers: the index operand. It fails at the first index that is in neither range."""
    return _InRange().text()
