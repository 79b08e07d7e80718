"""The loops of a kernel, and the elements it loads and stores in them."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tapegrad.dtypes import dtype
from tapegrad.machine.kernels import loop_helpers
from tapegrad.machine.kernels.instruction_writer import Writer
from tapegrad.machine.kernels.interleaving import interleaved
from tapegrad.machine.kernels.lowering import accumulator, column, memory_type, register_type, vector_bytes
from tapegrad.ops.symbols import Sym

BLOCK = 256  # columns reduced side by side: accumulators of a few KiB stay in the first-level cache

Carried = tuple[Any, ...]  # a reduction, how many lanes, and in short columns the first of them
Scope = dict[Sym, str]  # node -> register; identity is equality, so a plain dict serves


class LoopWriter(Writer):
    """What a kernel's text is made of, below the mathematics: see `emitter` for what it reads and writes."""

    dtypes: tuple[dtype, ...]  # of the outputs, then the inputs
    pattern: str
    columns: bool  # blocks of columns are reduced side by side
    masked: bool  # the last, incomplete vector is done under a mask
    values: list[Sym]
    accumulate: tuple[bool, ...]
    width: int  # elements a whole vector in the pass that is being written
    between: int  # elements of a shorter one, for what whole ones leave, where functions make the difference
    counted: bool  # positions in the row matter
    chains: int = 0  # of instructions, each of which waits for the one before, in the pass that is being written
    stride: dict[int, str]
    beginning: list[str]  # lines to come where the loops begin
    extents: dict[tuple[int, str], tuple[str, str]]
    at: list[str]  # where each operand is, in the loops written so far
    here: list[str]  # the same, in the innermost loop
    exactly: int  # elements of the innermost loop, where it is written out for so many
    carry: dict[Carried, str]  # accumulators of the pass that is being written, by lanes
    lines: list[str]
    mask: str

    def read_nest(self, nest: str, inside: bool) -> None:
        """Read the kept loops or those of the row into a frame; `inside`: the innermost is not the frame's to turn."""
        count = len(self.dtypes)
        self.line(f"%{nest} = alloca [{loop_helpers.words(count)} x i64]")
        self.line(f"%{nest}.count = call i64 @tapegrad_begin(ptr %{nest}, i64 {count}, ptr %pointers, ptr %nest, "
                  f"i64 {int(nest == 'row')}, i64 {int(inside)})")

    @contextlib.contextmanager
    def nest(self, nest: str) -> Iterator[None]:
        """The loops of a frame around what is written inside; none of them may be empty.

        The innermost of them is written out, the others turn in an odometer, a call that all kernels share: written
        out it would double the time LLVM takes, and it turns seldom.
        """
        outside, label, frame, count = self.at, self.name(), f"%{nest}", len(self.dtypes)
        walk = loop_helpers.STEPS + count
        for k, p in enumerate(outside):  # there are none around the kept loops, whose frame knows where to begin
            self.line(f"store ptr {p}, ptr {self.element(frame, walk + k)}")
        before, carry = self.block, dict(self.carry)
        self.jump(f"{label}.outer")
        phis = len(self.lines)
        self.carry = {key: f"%{label}.outer.{k}" for k, key in enumerate(carry)}
        around = dict(self.carry)
        start = [self.let(f"load ptr, ptr {self.element(frame, walk + k)}") for k in range(count)]
        self.jump(label)
        inner_phis = len(self.lines)
        self.at = [f"%{label}.p{k}" for k in range(count)]
        self.carry = {key: f"%{label}.{k}" for k, key in enumerate(carry)}
        yield
        after = self.block
        for k, p in enumerate(self.at):
            step = self.let(f"load i64, ptr {self.element(frame, loop_helpers.STEPS + k)}")
            self.line(f"{p}.next = getelementptr i8, ptr {p}, i64 {step}")
        self.lines[inner_phis:inner_phis] = [
            f"  %{label}.i = phi i64 [0, %{label}.outer], [%{label}.next, %{after}]",
            *(f"  {p} = phi ptr [{at}, %{label}.outer], [{p}.next, %{after}]" for p, at in zip(self.at, start)),
            *(f"  %{label}.{k} = {self.phi(key, around[key], f'{label}.outer', x, after)}"
              for k, (key, x) in enumerate(self.carry.items()))]
        self.lines[phis:phis] = [
            f"  {around[key]} = {self.phi(key, x, before, self.carry[key], f'{label}.odometer')}"
            for key, x in carry.items()]
        self.line(f"%{label}.next = add nuw nsw i64 %{label}.i, 1")
        turns = self.let(f"load i64, ptr {self.element(frame, loop_helpers.TURNS)}")
        self.line(f"%{label}.more = icmp slt i64 %{label}.next, {turns}")
        self.line(f"br i1 %{label}.more, label %{label}, label %{label}.round")
        self.label(f"{label}.round")
        many = self.let(f"load i1, ptr {self.element(frame, loop_helpers.MANY)}")
        self.line(f"br i1 {many}, label %{label}.odometer, label %{label}.end")
        self.label(f"{label}.odometer")
        again = self.let(f"call i1 @tapegrad_advance(ptr {frame}, i64 {count}, ptr %nest)")
        self.line(f"br i1 {again}, label %{label}.outer, label %{label}.end")
        self.label(f"{label}.end")
        self.at = outside

    @contextlib.contextmanager
    def blocks(self) -> Iterator[None]:
        """The innermost kept loop in blocks of columns; `%block` is the first column and `%width` their number."""
        before = self.block
        self.jump("blocks")
        phi = len(self.lines)
        left = self.let("sub nsw i64 %n, %block")
        full = self.let(f"icmp sgt i64 {left}, {BLOCK}")
        self.line(f"%width = select i1 {full}, i64 {BLOCK}, i64 {left}")
        yield
        self.lines.insert(phi, f"  %block = phi i64 [0, %{before}], [%block.next, %{self.block}]")
        self.line(f"%block.next = add nuw nsw i64 %block, {BLOCK}")
        self.line("%blocks.more = icmp slt i64 %block.next, %n")
        self.line("br i1 %blocks.more, label %blocks, label %blocks.end")
        self.label("blocks.end")

    @contextlib.contextmanager
    def row_loops(self) -> Iterator[None]:
        """The reduced loops around the innermost one, skipped when the row is empty."""
        label = self.name()
        if self.counted:
            self.line("store i64 0, ptr %position")
        before, carry = self.block, dict(self.carry)
        self.line(f"br i1 %no_row, label %{label}.skip, label %{label}")
        self.label(label)
        with self.nest("row"):
            yield
            if self.counted:
                position = self.let("load i64, ptr %position")
                moved = self.let(f"add nuw nsw i64 {position}, {'1' if self.columns else '%n'}")
                self.line(f"store i64 {moved}, ptr %position")
        self.join(f"{label}.skip", before, carry)

    def inner(self, prepare: Callable[[], Scope], body: Callable[[str, Scope, list[str]], list[str]],
              carried: Sequence[Sym] = ()) -> None:
        """The innermost loop: whole vectors, then the rest under a mask, or one by one where there are no masks.

        `prepare` writes what is the same for all elements, `body` what is done for one vector; `carried` reductions go
        from turn to turn in registers.
        """
        if self.exactly:
            for start, lanes in self.pieces(self.width, self.exactly):
                with self.wide(lanes):
                    body(str(start), dict(prepare()), [])
            return
        label, end = self.name(), "%width" if self.columns else "%n"
        main = "0"
        if self.width > 1:
            with self.wide(self.width):
                scope = prepare()
                main, bits = self.extent(self.width, end)
                some = self.let(f"icmp ne i64 {main}, 0")
                self.turns(f"{label}.vectors", "0", main, scope, body, carried, some)
                done = self.let(f"icmp eq i64 {main}, {end}")
                self.line(f"br i1 {done}, label %{label}.end, label %{label}.tail")
            before, carry = self.block, dict(self.carry)
            self.label(f"{label}.tail")
            some = ""
            if self.between:
                with self.wide(self.between):
                    scope, wide, (main, bits) = prepare(), main, self.extent(self.between, end)
                    some = self.let(f"icmp slt i64 {wide}, {main}")
                    self.turns(f"{label}.between", wide, main, scope, body, carried, some)
                some = self.let(f"icmp slt i64 {main}, {end}")
            if self.masked:
                around, carry_around = self.block, dict(self.carry)
                if some:
                    self.line(f"br i1 {some}, label %{label}.rest, label %{label}.whole")
                    self.label(f"{label}.rest")
                with self.wide(self.between or self.width):
                    self.mask = self.let(f"bitcast i{self.lanes} {bits} to {self.vector('i1')}")
                    old = [self.carry[r, self.lanes] for r in carried]
                    for r, x, new in zip(carried, old, body(main, dict(scope), old)):
                        t = self.type(accumulator(r)[0])
                        self.carry[r, self.lanes] = self.let(
                            f"select {self.vector('i1')} {self.mask}, {t} {new}, {t} {x}")
                if some:
                    self.join(f"{label}.whole", around, carry_around)
            else:
                self.turns(f"{label}.elements", main, end, prepare(), body, carried, some)
            self.join(f"{label}.end", before, carry)
        else:
            self.turns(f"{label}.elements", main, end, prepare(), body, carried)

    @property
    def register(self) -> int:
        """Elements of the widest type here that one register holds."""
        return max(vector_bytes()[0] // max(d.itemsize for d in self.dtypes), 1)

    def pieces(self, width: int, count: int) -> Iterator[tuple[int, int]]:
        """So many elements as vectors of at most `width`, each of a power of two: where they start, and their lanes."""
        start = 0
        while start < count:
            while start + width > count:
                width //= 2
            yield start, width
            start += width

    def extent(self, width: int, end: str) -> tuple[str, str]:
        """How many of `end` elements are in whole vectors, and the mask of the rest in bits; once a kernel for `%n`."""
        if (width, end) in self.extents:
            return self.extents[width, end]
        elsewhere = self.lines
        if end == "%n":
            self.lines = self.beginning
        main = self.let(f"and i64 {end}, {-width}")
        bits = ""
        if self.masked:
            beyond = self.let(f"shl nsw i64 -1, {self.let(f'sub nsw i64 {end}, {main}')}")
            bits = self.let(f"xor i64 {beyond}, -1")
            if width < 64:
                bits = self.let(f"trunc i64 {bits} to i{width}")
        if end == "%n":
            self.lines = elsewhere
            self.extents[width, end] = main, bits
        return main, bits

    def turns(self, label: str, start: str, end: str, scope: Scope,
              body: Callable[[str, Scope, list[str]], list[str]], carried: Sequence[Sym], some: str = "") -> None:
        """One loop from `start` to `end`: at least one turn, or none unless `some`."""
        old, before = [self.carry[r, self.lanes] for r in carried], self.block
        self.line(f"br i1 {some}, label %{label}, label %{label}.end" if some else f"br label %{label}")
        self.label(label)
        i = f"%{label}.i"
        self.line(f"{i} = phi i64 [{start}, %{before}], [{i}.next, %{label}]")
        phis = len(self.lines)
        names = [f"%{label}.acc{k}" for k in range(len(carried))]
        new = body(i, dict(scope), names)
        if self.chains > 1:
            self.lines[phis:] = interleaved(self.lines[phis:])
        self.lines[phis:phis] = [
            f"  {name} = {self.phi((r, self.lanes), o, before, n, label)}"
            for r, name, o, n in zip(carried, names, old, new)]
        self.line(f"{i}.next = add nuw nsw i64 {i}, {self.lanes}")
        self.line(f"{i}.more = icmp slt i64 {i}.next, {end}")
        self.line(f"br i1 {i}.more, label %{label}, label %{label}.end")
        self.label(f"{label}.end")
        if some:
            new = [self.let(self.phi((r, self.lanes), o, before, n, label)) for r, o, n in zip(carried, old, new)]
        self.carry.update({(r, self.lanes): n for r, n in zip(carried, new)})

    def phi(self, key: Carried, x: str, before: str, y: str, after: str) -> str:
        """An accumulator that is `x` when we come from one block and `y` from another."""
        with self.wide(key[1]):
            return f"phi {self.type(accumulator(key[0])[0])} [{x}, %{before}], [{y}, %{after}]"

    def join(self, label: str, before: str, carry: dict[Carried, str]) -> None:
        """Begin the block that is reached from here, and from the block `before` with accumulators `carry`."""
        after = self.block
        self.jump(label)
        self.carry = {key: x if x == carry[key] else self.let(self.phi(key, carry[key], before, x, after))
                      for key, x in self.carry.items()}

    # ----------------------------------------------------------------------------------------------------------- memory

    def address(self, k: int, base: str, i: str) -> str:
        letter = self.pattern[k]
        if letter == "c":
            return self.element(base, i, memory_type(self.dtypes[k]))
        return base if letter == "0" else self.element(base, self.let(f"mul nsw i64 {i}, {self.stride[k]}"), "i8")

    def load_element(self, k: int, i: str) -> str:
        """Operand `k` at counter `i`, and at the lanes after it."""
        d = self.dtypes[k]
        if self.lanes == 1 or self.pattern[k] == "c":
            return self.load(self.address(k, self.here[k], i), d)
        t, value = register_type(d), "poison"
        for lane, at in enumerate(self.lane_addresses(k, i)):
            with self.wide(1):
                x = self.load(at, d)
            value = self.let(f"insertelement {self.vector(t)} {value}, {t} {x}, i64 {lane}")
        return value

    def store_element(self, k: int, i: str, value: str) -> None:
        d = self.dtypes[k]
        if self.lanes == 1 or self.pattern[k] == "c":
            self.store(self.address(k, self.here[k], i), value, d)
            return
        for lane, at in enumerate(self.lane_addresses(k, i)):
            x = self.let(f"extractelement {self.type(d)} {value}, i64 {lane}")
            with self.wide(1):
                self.store(at, x, d)

    def lane_addresses(self, k: int, i: str) -> list[str]:
        found = [self.address(k, self.here[k], i)]
        for _ in range(1, self.lanes):
            found.append(self.element(found[-1], self.stride[k], "i8"))
        return found

    def store_all(self, outputs: Sequence[int], scope: Scope, at: dict[str, str]) -> None:
        """Every load of an element precedes its first store: outputs may overlap inputs exactly."""
        values = []
        for j in outputs:
            d, value = self.dtypes[j], scope[self.values[j]]
            if self.accumulate[j]:
                old = self.load_element(j, at["i"]) if at else self.load(self.at[j], d)
                of = d.arithmetic
                old, value = self.cast(old, d, of), self.cast(value, d, of)
                value = self.cast(self.let(f"{column('add', of)} {self.type(of)} {old}, {value}"), of, d)
            values.append(value)
        for j, value in zip(outputs, values):
            if at:
                self.store_element(j, at["i"], value)
            else:
                self.store(self.at[j], value, self.dtypes[j])
