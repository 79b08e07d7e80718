"""The loops of a kernel, and the elements it loads and stores in them."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from ..dtypes import dtype
from ..ops.sym import Sym
from .lowering import accumulator, column, memory_type, register_type
from .writer import Writer

BLOCK = 256  # columns reduced side by side: accumulators of a few KiB stay in the first-level cache

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
    nests: dict[str, tuple[str, str]]
    stride: dict[int, str]
    at: list[str]  # where each operand is, in the loops written so far
    here: list[str]  # the same, in the innermost loop
    slots: dict[tuple[Sym, int], str]  # accumulators, by lanes; 0 for a block of columns

    @contextlib.contextmanager
    def nest(self, nest: str) -> Iterator[None]:
        """The loops of `self.nests[nest]` around what is written inside; none of them may be empty.

        The innermost of them is written out, the others turn in an odometer, a call that all kernels share: written
        out it would double the time LLVM takes, and it turns seldom.
        """
        first, _ = self.nests[nest]
        outside, label, count = self.at, self.name(), len(self.dtypes)
        for k, p in enumerate(outside):
            self.line(f"store ptr {p}, ptr {self.element(f'%{nest}.walk', k, 'ptr')}")
        self.jump(f"{label}.outer")
        start = [self.let(f"load ptr, ptr {self.element(f'%{nest}.walk', k, 'ptr')}") for k in range(count)]
        self.jump(label)
        self.line(f"%{label}.i = phi i64 [0, %{label}.outer], [%{label}.next, %{label}.last]")
        self.at = [f"%{label}.p{k}" for k in range(count)]
        for k, p in enumerate(self.at):
            self.line(f"{p} = phi ptr [{start[k]}, %{label}.outer], [{p}.next, %{label}.last]")
        yield
        self.jump(f"{label}.last")
        for k, p in enumerate(self.at):
            self.line(f"{p}.next = getelementptr i8, ptr {p}, i64 %{nest}.step.{k}")
        self.line(f"%{label}.next = add nuw nsw i64 %{label}.i, 1")
        self.line(f"%{label}.more = icmp slt i64 %{label}.next, %{nest}.turns")
        self.line(f"br i1 %{label}.more, label %{label}, label %{label}.round")
        self.label(f"{label}.round")
        self.line(f"br i1 %{nest}.many, label %{label}.odometer, label %{label}.end")
        self.label(f"{label}.odometer")
        again = self.let(f"call i1 @tapegrad_advance(ptr %{nest}.walk, i64 {count}, ptr %counters, ptr %nest, "
                         f"i64 {first}, i64 %{nest}.last)")
        self.line(f"br i1 {again}, label %{label}.outer, label %{label}.end")
        self.label(f"{label}.end")
        self.at = outside

    @contextlib.contextmanager
    def blocks(self) -> Iterator[None]:
        """The innermost kept loop in blocks of columns; `%block` is the first column and `%width` their number."""
        self.jump("blocks.begin")
        self.jump("blocks")
        self.line("%block = phi i64 [0, %blocks.begin], [%block.next, %blocks.last]")
        left = self.let("sub nsw i64 %n, %block")
        full = self.let(f"icmp sgt i64 {left}, {BLOCK}")
        self.line(f"%width = select i1 {full}, i64 {BLOCK}, i64 {left}")
        yield
        self.jump("blocks.last")
        self.line(f"%block.next = add nuw nsw i64 %block, {BLOCK}")
        self.line("%blocks.more = icmp slt i64 %block.next, %n")
        self.line("br i1 %blocks.more, label %blocks, label %blocks.end")
        self.label("blocks.end")

    @contextlib.contextmanager
    def row_loops(self) -> Iterator[None]:
        """The reduced loops around the innermost one, skipped when the row is empty."""
        label = self.name()
        self.line("store i64 0, ptr %position")
        self.line(f"br i1 %no_row, label %{label}.skip, label %{label}")
        self.label(label)
        with self.nest("row"):
            yield
            position = self.let("load i64, ptr %position")
            moved = self.let(f"add nuw nsw i64 {position}, {'1' if self.columns else '%n'}")
            self.line(f"store i64 {moved}, ptr %position")
        self.jump(f"{label}.skip")

    def inner(self, prepare: Callable[[], Scope], body: Callable[[str, Scope, list[str]], list[str]],
              carried: Sequence[Sym] = ()) -> None:
        """The innermost loop: whole vectors, then the rest under a mask, or one by one where there are no masks.

        `prepare` writes what is the same for all elements, `body` what is done for one vector; `carried` reductions go
        from turn to turn in registers.
        """
        label, end = self.name(), "%width" if self.columns else "%n"
        main = "0"
        self.jump(f"{label}.begin")
        if self.width > 1:
            with self.wide(self.width):
                scope = prepare()
                main = self.let(f"and i64 {end}, {-self.width}")
                none = self.let(f"icmp eq i64 {main}, 0")
                self.line(f"br i1 {none}, label %{label}.rest, label %{label}.main")
                self.label(f"{label}.main")
                self.turns(f"{label}.vectors", f"{label}.main", "0", main, scope, body, carried)
                self.jump(f"{label}.rest")
                done = self.let(f"icmp eq i64 {main}, {end}")
                self.line(f"br i1 {done}, label %{label}.end, label %{label}.tail")
                self.label(f"{label}.tail")
            if self.masked:
                with self.wide(self.width):
                    left = self.splat(self.let(f"sub nsw i64 {end}, {main}"), "i64")
                    self.mask = self.let(f"icmp ult {self.vector('i64')} {self.steps()}, {left}")
                    old = self.accumulators(carried)
                    for r, before, after in zip(carried, old, body(main, dict(scope), old)):
                        t = self.type(accumulator(r)[0])
                        kept = self.let(f"select {self.vector('i1')} {self.mask}, {t} {after}, {t} {before}")
                        self.store_slot(r, kept)
                    self.jump(f"{label}.end")
                return
        scope = prepare()
        before = self.name()
        self.jump(before)
        self.turns(f"{label}.elements", before, main, end, scope, body, carried)
        self.jump(f"{label}.end")

    def turns(self, label: str, before: str, start: str, end: str, scope: Scope,
              body: Callable[[str, Scope, list[str]], list[str]], carried: Sequence[Sym]) -> None:
        """One loop from `start` to `end`, at least one turn, entered from the block `before`."""
        old = self.accumulators(carried)
        self.line(f"br label %{label}")
        self.label(label)
        i = f"%{label}.i"
        self.line(f"{i} = phi i64 [{start}, %{before}], [{i}.next, %{label}]")
        phis = len(self.lines)
        names = [f"%{label}.acc{k}" for k in range(len(carried))]
        new = body(i, dict(scope), names)
        self.lines[phis:phis] = [
            f"  {name} = phi {self.type(accumulator(r)[0])} [{o}, %{before}], [{n}, %{label}]"
            for r, name, o, n in zip(carried, names, old, new)]
        self.line(f"{i}.next = add nuw nsw i64 {i}, {self.lanes}")
        self.line(f"{i}.more = icmp slt i64 {i}.next, {end}")
        self.line(f"br i1 {i}.more, label %{label}, label %{label}.end")
        self.label(f"{label}.end")
        for r, n in zip(carried, new):
            self.store_slot(r, n)

    def accumulators(self, reduces: Sequence[Sym]) -> list[str]:
        return [self.load(self.slots[r, self.lanes], accumulator(r)[0], whole=True) for r in reduces]

    def store_slot(self, r: Sym, value: str) -> None:
        self.store(self.slots[r, self.lanes], value, accumulator(r)[0], whole=True)

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
        for lane in range(self.lanes):
            with self.wide(1):
                x = self.load(self.lane_address(k, i, lane), d)
            value = self.let(f"insertelement {self.vector(t)} {value}, {t} {x}, i64 {lane}")
        return value

    def store_element(self, k: int, i: str, value: str) -> None:
        d = self.dtypes[k]
        if self.lanes == 1 or self.pattern[k] == "c":
            self.store(self.address(k, self.here[k], i), value, d)
            return
        for lane in range(self.lanes):
            x = self.let(f"extractelement {self.type(d)} {value}, i64 {lane}")
            with self.wide(1):
                self.store(self.lane_address(k, i, lane), x, d)

    def lane_address(self, k: int, i: str, lane: int) -> str:
        return self.address(k, self.here[k], self.let(f"add nuw nsw i64 {i}, {lane}"))

    def store_all(self, outputs: Sequence[int], scope: Scope, at: dict[str, str]) -> None:
        """Every load of an element precedes its first store: outputs may overlap inputs exactly."""
        values = []
        for j in outputs:
            d, value = self.dtypes[j], scope[self.values[j]]
            if self.accumulate[j]:
                old = self.load_element(j, at["i"]) if at else self.load(self.at[j], d)
                value = self.let(f"{column('add', d)} {self.type(d)} {old}, {value}")
            values.append(value)
        for j, value in zip(outputs, values):
            if at:
                self.store_element(j, at["i"], value)
            else:
                self.store(self.at[j], value, self.dtypes[j])
