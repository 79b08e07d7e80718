"""The one LLVM emitter: from the mathematics of a rule to the address of a kernel.

A `Region` is a loop nest over operands: it maps elements, or reduces rows, or both (softmax is three passes over a
row). `kernel_source` writes it as LLVM text; start at `_Kernel.emit`. A kernel is `int32_t kernel(int64_t *pointers,
int64_t *nest)`:

    pointers  the data addresses, outputs first, then inputs
    nest      K, R, the sizes of K kept loops (outermost first), the sizes of R reduced loops, then for each operand
              (outputs first) K + R byte strides

The reduced loops make up the row. Sizes and strides are read at run time, so one kernel serves all shapes; only what
decides whether the innermost loop becomes SIMD code is compiled in: its `pattern`, a letter an operand (c contiguous,
0 the same element throughout, s any stride). Two patterns change the shape of the code:

    1      every loop has size one: straight-line code that does not look at `nest`
    |cc0   the letters describe the innermost *kept* loop: blocks of columns are reduced side by side, so that memory
           is read along its cache lines when the row itself is strided (a sum over axis 0)

Outputs may be inputs as well when they overlap exactly. Aliasing is therefore told to LLVM by marking loops parallel
and not by `noalias`, which would be a lie. Arithmetic is strict IEEE, element by element what NumPy and PyTorch
compute; only reductions are reordered, and floats are summed in double precision.
"""
from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from .. import dtypes
from ..dtypes import dtype
from ..ops.scalar import INTRINSICS
from ..ops.sym import Sym, key, walk
from . import cache, jit
from .lowering import REDUCES, accumulator, column, is_call, lower, memory_type, register_type, vector_bytes
from .writer import Writer

__all__ = ["MAX_RANK", "Region", "compile_region", "kernel_source", "region_key"]

MAX_RANK = 32   # loops in a nest
_BLOCK = 256    # columns reduced side by side: accumulators of a few KiB stay in the first-level cache


class Region(NamedTuple):
    """What a kernel computes: `values`, in terms of operands of dtypes `inputs`, stored as `outputs`.

    `per_row[j]` says that output j is written once a row (its value is constant along the row), not for each element.
    """

    inputs: tuple[dtype, ...]
    values: tuple[Sym, ...]
    outputs: tuple[dtype, ...]
    per_row: tuple[bool, ...]


def region_key(region: Region, pattern: str, accumulate: tuple[bool, ...]) -> str:
    """The text that names a kernel: equal texts mean equal code."""
    def short(ds: tuple[dtype, ...]) -> str:
        return ",".join(d.short for d in ds)
    flags = "".join("er"[r] for r in region.per_row) + "/" + "".join("=+"[a] for a in accumulate)
    return f"{pattern} {short(region.inputs)} > {short(region.outputs)} {flags} {key(region.values)}"


class Kernel(NamedTuple):
    """What `compile_region` was asked for."""

    region: Region
    pattern: str
    accumulate: tuple[bool, ...]


_addresses: dict[str, int] = {}
kernels: dict[int, Kernel] = {}  # what the kernel at an address computes, for those who fuse several into one


def compile_region(region: Region, pattern: str, accumulate: tuple[bool, ...]) -> int:
    """The address of the kernel for `region`, from this process, the disk cache or LLVM, in this order.

    >>> x = Sym.operand(0, dtypes.float64)
    >>> twice = Region((dtypes.float64,), (x + x,), (dtypes.float64,), (False,))
    >>> compile_region(twice, "cc", (False,)) == compile_region(twice, "cc", (False,))
    True
    """
    name = region_key(region, pattern, accumulate)
    address = _addresses.get(name)
    if address is None:
        with jit.BUILDING:
            code = cache.get(name)
            if code is None:
                code = jit.compile_ir(kernel_source(region, pattern, accumulate), 1, optimise=False)
                cache.put(name, code)
            _load_helpers()
            address = _addresses[name] = jit.load_object("kernel", code, ("kernel",), _HELPER_NAMES)["kernel"]
            kernels[address] = Kernel(region, pattern, accumulate)
    return address


def kernel_source(region: Region, pattern: str, accumulate: tuple[bool, ...]) -> str:
    """The LLVM text of the kernel that `compile_region` compiles."""
    return _Kernel(region, pattern, accumulate).emit()


# -------------------------------------------------------------------------------------------------------- the kernel

Scope = dict[Sym, str]  # node -> register; identity is equality, so a plain dict serves


class _Kernel(Writer):
    """The text of one kernel under construction.

    Vectors are written out, `lanes` elements a register, and not left to LLVM's vectoriser: that takes more time than
    all of code generation (13 ms a kernel became 4), leaves a scalar loop for the last elements, where most of the time
    of a short array goes, and gives them other bits than the rest.
    """

    def __init__(self, region: Region, pattern: str, accumulate: tuple[bool, ...]) -> None:
        super().__init__()
        self.region, self.accumulate = region, accumulate
        self.columns = pattern.startswith("|")
        self.pattern = pattern.lstrip("|")
        self.straight = pattern == "1"
        self.dtypes = (*region.outputs, *region.inputs)
        if not self.straight and len(self.pattern) != len(self.dtypes):
            raise ValueError(f"pattern {pattern!r} does not describe {len(self.dtypes)} operands")
        self.values = lower([v.cast(d) for v, d in zip(region.values, region.outputs)])
        nodes = list(walk(self.values))
        reduces = [n for n in nodes if n.op == "reduce"]
        self.by_row = any(n.op in REDUCES for n in nodes) or any(region.per_row)
        if self.columns and not self.by_row:
            raise ValueError("a column pattern needs a reduction")
        self.row_constant: dict[Sym, bool] = {}
        level: dict[Sym, int] = {}  # how many passes over the row come before the node can be computed
        for n in nodes:
            self.row_constant[n] = n.op in ("const", "reduce", "count") or (
                bool(n.args) and all(self.row_constant[a] for a in n.args))
            level[n] = max((level[a] for a in n.args), default=0) + (n.op == "reduce")
        self.passes = [[r for r in reduces if level[r] == k] for k in range(1, max(level.values()) + 1)]
        self.width = 1  # elements a whole vector in the pass that is being written
        self.masked = "s" not in self.pattern and vector_bytes()[1]

    def choose_width(self, roots: Sequence[Sym], reduces: Sequence[Sym] = (),
                     cut: AbstractSet[Sym] = frozenset()) -> int:
        """Elements a vector in one pass: one register of the widest type, or four to hide a reduction's latency.

        Two or four registers at a time lost up to 50 % in loops that store, where operands are not aligned to a cache
        line (1e5 float32, adjoint of tanh: 14.0, 21.3, 20.7 us; 12.0, 13.3, 12.3 us where they are).
        """
        if any(letter == "0" and not row for letter, row in zip(self.pattern, self.region.per_row)):
            return 1
        nodes = self.needed(roots, cut)
        widest = max(d.itemsize for d in (*(accumulator(r)[0] for r in reduces), *(n.dtype for n in (*roots, *nodes))))
        native = vector_bytes()[0] // widest
        calls = [(form, n) for n in nodes if n.op in INTRINSICS for form in [self.form(n)] if is_call(form)]
        for form, n in calls:
            name, _, function = form.partition(" ")
            variants = jit.vector_functions(function, len(n.args), n.args[0].dtype is dtypes.float32)
            if name != "libm" or not any(native % lanes == 0 for lanes, _ in variants):
                return 1
        if "s" in self.pattern:
            return min(native, 8)
        return min(native * 4, 64) if reduces and not self.columns and not calls else native

    # -------------------------------------------------------------------------------------------------- the skeleton

    def emit(self) -> str:
        if self.straight:
            self.emit_straight()
        else:
            self.declarations[_HELPER_DECLARATIONS] = None
            self.emit_entry()
            with self.nest("kept"):
                if self.columns:
                    with self.blocks():
                        self.emit_rows()
                elif self.by_row:
                    self.emit_rows()
                else:
                    self.final_pass(range(len(self.values)), {})
        self.line("ret i32 0")
        return self.module()

    def emit_straight(self) -> None:
        self.label("entry")
        self.at = [self.let(f"load ptr, ptr {self.element('%pointers', k, 'ptr')}") for k in range(len(self.dtypes))]
        scope: Scope = {}
        self.compute(self.values, scope, lambda k: self.load(self.at[k], self.dtypes[k]))
        self.store_all(range(len(self.values)), scope, {})

    def emit_entry(self) -> None:
        """Read the nest, leave if there is nothing to do, and prepare what the loops share."""
        count = len(self.dtypes)
        self.label("entry")
        self.line(f"%counters = alloca [{MAX_RANK} x i64]")
        self.line(f"call void @llvm.memset.p0.i64(ptr %counters, i8 0, i64 {8 * MAX_RANK}, i1 false)")
        self.line("%position = alloca i64")
        self.slots: dict[tuple[Sym, int], str] = {}  # accumulators, by lanes; 0 for a block of columns
        for reduces in self.passes:
            for r in reduces:
                t = memory_type(accumulator(r)[0])
                if self.columns:
                    self.slots[r, 0] = self.let(f"alloca [{_BLOCK} x {t}], align 64")
                else:
                    for lanes in sorted({1, self.choose_width([r.args[0] for r in reduces], reduces)}):
                        with self.wide(lanes):
                            self.slots[r, lanes] = self.let(f"alloca {self.vector(t)}, align 64")
        self.line("%K = load i64, ptr %nest")
        self.line(f"%R = load i64, ptr {self.element('%nest', 1)}")
        self.line("%D = add nsw i64 %K, %R")
        self.line("%sizes = getelementptr i64, ptr %nest, i64 2")
        self.line("%strides = getelementptr i64, ptr %sizes, i64 %D")
        self.line("%K1 = sub nsw i64 %K, 1")
        self.line("%D1 = sub nsw i64 %D, 1")
        rows = self.by_row and not self.columns
        self.nests = {"kept": ("0", "%K" if rows else "%K1"), "row": ("%K", "%D" if self.columns else "%D1")}
        if not self.by_row:
            del self.nests["row"]
        for nest, (first, end) in self.nests.items():
            self.line(f"%{nest}.walk = alloca [{count} x ptr]")
            self.line(f"%{nest}.last = sub nsw i64 {end}, 1")
            self.line(f"%{nest}.some = icmp sgt i64 {end}, {first}")
            self.line(f"%{nest}.many = icmp sgt i64 %{nest}.last, {first}")
            self.line(f"%{nest}.loop = select i1 %{nest}.some, i64 %{nest}.last, i64 0")
            size = self.let(f"load i64, ptr {self.element('%sizes', f'%{nest}.loop')}")
            self.line(f"%{nest}.turns = select i1 %{nest}.some, i64 {size}, i64 1")
            for k in range(count):
                self.line(f"%{nest}.step.{k} = load i64, ptr {self.stride_of(k, f'%{nest}.loop')}")
        inner = "%D1" if rows else "%K1"
        self.line(f"%n = load i64, ptr {self.element('%sizes', inner)}")
        self.stride = {k: self.let(f"load i64, ptr {self.stride_of(k, inner)}")
                       for k, letter in enumerate(self.pattern) if letter == "s"}
        self.at = [self.let(f"load ptr, ptr {self.element('%pointers', k, 'ptr')}") for k in range(count)]
        if self.by_row:
            self.line("%count = call i64 @tapegrad_extent(ptr %sizes, i64 %K, i64 %D)")
            self.line("%no_row = icmp eq i64 %count, 0")
        self.line("%kept = call i64 @tapegrad_extent(ptr %sizes, i64 0, i64 %K)")
        self.line("%nothing = icmp eq i64 %kept, 0")
        self.line("br i1 %nothing, label %return, label %begin")
        self.label("return")
        self.line("ret i32 0")
        self.label("begin")

    def stride_of(self, k: int, d: str) -> str:
        at = self.element("%strides", self.let(f"mul nsw i64 %D, {k}"))
        return self.element(at, d)

    def emit_rows(self) -> None:
        """One row, or one block of columns: passes that reduce, then the outputs."""
        scope: Scope = {}
        self.stash = self.choose_stash()
        for reduces in self.passes:
            self.reducing_pass(reduces, scope, self.stash if reduces is self.passes[-1] else None)
        once = [j for j, flag in enumerate(self.region.per_row) if flag]
        each = [j for j, flag in enumerate(self.region.per_row) if not flag]
        late: Scope = {}
        if once and not self.columns:  # computed before the pass that may overwrite what they read, stored after it
            late = dict(scope)
            self.compute([self.values[j] for j in once], late, lambda k: self.load(self.at[k], self.dtypes[k]))
        if each:
            with self.row_loops():
                self.final_pass(each, scope)
        if once and self.columns:
            self.final_pass(once, scope)
        elif once:
            self.store_all(once, late, {})

    def choose_stash(self) -> tuple[Sym, int] | None:
        """A costly term of the last reduction that the only output needs again, to be left there in the meantime.

        Softmax computes its exponentials once. The output may be one of the inputs, so nothing else may be read again.
        """
        if len(self.values) != 1 or self.accumulate[0] or not self.passes or self.region.per_row[0]:
            return None
        shared = {n for r in self.passes[-1] for n in self.needed([r.args[0]])}
        for n in self.needed(self.values):
            if n in shared and n.dtype is self.region.outputs[0] and self.is_slow([n]) and not self.row_constant[n]:
                rest = self.needed(self.values, {n})
                if not any(m.op == "operand" for m in rest):
                    return n, 0
        return None

    # -------------------------------------------------------------------------------------------------------- loops

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
        full = self.let(f"icmp sgt i64 {left}, {_BLOCK}")
        self.line(f"%width = select i1 {full}, i64 {_BLOCK}, i64 {left}")
        yield
        self.jump("blocks.last")
        self.line(f"%block.next = add nuw nsw i64 %block, {_BLOCK}")
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

    # ------------------------------------------------------------------------------------------------------- passes

    def reducing_pass(self, reduces: list[Sym], scope: Scope, stash: tuple[Sym, int] | None) -> None:
        roots = [r.args[0] for r in reduces]
        self.width = self.choose_width(roots, reduces)
        if self.columns:
            def begin(i: str, _: Scope, __: list[str]) -> list[str]:
                for r in reduces:
                    self.store_column(r, i, self.const(accumulator(r)[1], accumulator(r)[0]))
                return []

            self.inner(dict, begin)
        else:
            for r in reduces:
                d, start, _ = accumulator(r)
                for lanes in sorted({1, self.width}):
                    with self.wide(lanes):
                        self.store(self.slots[r, lanes], self.const(start, d), d)
            self.row_constants(roots, scope)

        def body(i: str, inside: Scope, old: list[str]) -> list[str]:
            self.compute(roots, inside, lambda k: self.load_element(k, i), i)
            if stash:
                self.store_element(stash[1], i, inside[stash[0]])
            new = []
            for k, r in enumerate(reduces):
                x = self.cast(inside[r.args[0]], r.args[0].dtype, accumulator(r)[0])
                if self.columns:
                    self.store_column(r, i, self.step(r, self.load_column(r, i), x))
                else:
                    new.append(self.step(r, old[k], x))
            return new

        with self.row_loops():
            self.inner(lambda: self.prepare(roots, scope), body, () if self.columns else reduces)
        if not self.columns:
            for r in reduces:
                scope[r] = self.cast(self.combined(r), accumulator(r)[0], r.dtype)

    def final_pass(self, outputs: Sequence[int], scope: Scope) -> None:
        """The innermost loop that stores `outputs`."""
        roots = [self.values[j] for j in outputs]
        stash = getattr(self, "stash", None)
        cut = {stash[0]} if stash else set()
        self.width = self.choose_width(roots, (), cut)
        if self.by_row and not self.columns:
            self.row_constants(roots, scope, cut)

        def body(i: str, inside: Scope, _: list[str]) -> list[str]:
            if stash:
                inside[stash[0]] = self.load_element(stash[1], i)
            self.compute(roots, inside, lambda k: self.load_element(k, i), i)
            self.store_all(outputs, inside, {"i": i})
            return []

        self.inner(lambda: self.prepare(roots, scope, cut), body)

    def prepare(self, roots: Sequence[Sym], scope: Scope, cut: AbstractSet[Sym] = frozenset()) -> Scope:
        """What a pass needs that is the same for all elements of the innermost loop, one copy a lane."""
        self.here = [self.address(k, p, "%block") if self.columns else p for k, p in enumerate(self.at)]
        inside: Scope = {}
        for n in self.needed(roots, cut):
            if n.op == "operand":
                k = len(self.region.outputs) + n.value
                if self.pattern[k] == "0":
                    with self.wide(1):
                        x = self.load(self.here[k], n.dtype)
                    inside[n] = self.splat(x, register_type(n.dtype))
            elif n.op == "index":
                inside[n] = self.splat(self.let("load i64, ptr %position"), "i64")
            elif n in scope and n.op != "const":
                inside[n] = self.splat(scope[n], register_type(n.dtype))
        return inside

    def row_constants(self, roots: Sequence[Sym], scope: Scope, cut: AbstractSet[Sym] = frozenset()) -> None:
        self.compute([n for n in self.needed(roots, cut) if self.row_constant[n]], scope, None)

    def needed(self, roots: Sequence[Sym], cut: AbstractSet[Sym] = frozenset()) -> list[Sym]:
        """What one pass computes for `roots`: the graph below them, cut at reductions and at `cut`."""
        found: dict[Sym, None] = {}
        stack = [(r, False) for r in reversed(roots)]
        while stack:
            n, ready = stack.pop()
            if n in found or n in cut:
                continue
            if ready or not n.args or (n.op == "reduce" and not self.straight):
                found[n] = None
            else:
                stack.append((n, True))
                stack.extend((a, False) for a in reversed(n.args))
        return list(found)

    def is_slow(self, roots: Sequence[Sym]) -> bool:
        """Whether computing `roots` calls functions."""
        return any(n.op in INTRINSICS and is_call(self.form(n)) for n in self.needed(roots))

    # ------------------------------------------------------------------------------------------------- accumulators

    def accumulators(self, reduces: Sequence[Sym]) -> list[str]:
        return [self.load(self.slots[r, self.lanes], accumulator(r)[0], whole=True) for r in reduces]

    def store_slot(self, r: Sym, value: str) -> None:
        self.store(self.slots[r, self.lanes], value, accumulator(r)[0], whole=True)

    def load_column(self, r: Sym, i: str) -> str:
        d = accumulator(r)[0]
        return self.load(self.element(self.slots[r, 0], i, memory_type(d)), d, whole=True)

    def store_column(self, r: Sym, i: str, value: str) -> None:
        d = accumulator(r)[0]
        self.store(self.element(self.slots[r, 0], i, memory_type(d)), value, d, whole=True)

    def step(self, r: Sym, a: str, x: str) -> str:
        d, _, form = accumulator(r)
        if form.startswith("@"):
            call = self.intrinsic(form, d, d, [a, x])
            return self.let(call.replace("call", "call nsz", 1) if d.category == 2 else call)  # whichever zero comes
        return self.let(f"{form} {self.type(d)} {a}, {x}")

    def combined(self, r: Sym) -> str:
        """The result of a finished pass: the vector's halves combined until one lane is left, and the scalar rest."""
        d = accumulator(r)[0]
        with self.wide(self.width):
            x, = self.accumulators([r])
            while self.lanes > 1:
                whole, half = self.type(d), self.lanes // 2
                low, high = (self.let(f"shufflevector {whole} {x}, {whole} poison, <{half} x i32> <" + ", ".join(
                    f"i32 {lane}" for lane in range(start, start + half)) + ">") for start in (0, half))
                self.lanes = half
                if half == 1:
                    low, high = (self.let(f"extractelement <1 x {register_type(d)}> {v}, i64 0") for v in (low, high))
                x = self.step(r, low, high)
        if self.width > 1 and not self.masked:
            x = self.step(r, x, self.load(self.slots[r, 1], d))
        return x

    # ------------------------------------------------------------------------------------------------------- memory

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

    # -------------------------------------------------------------------------------------------------- mathematics

    def compute(self, roots: Sequence[Sym], scope: Scope, load: Callable[[int], str] | None, i: str = "0") -> None:
        """Write the instructions for `roots` and all they need that `scope` does not hold yet."""
        outputs = len(self.region.outputs)
        for n in self.needed(roots, {m for m in scope if m.args and m.op != "reduce"}):
            if n in scope and n.op != "index":
                continue
            if n.op == "operand":
                assert load is not None
                scope[n] = load(outputs + n.value)
            elif n.op == "const":
                scope[n] = self.const(n.value, n.dtype)
            elif n.op == "cast":
                scope[n] = self.cast(scope[n.args[0]], n.args[0].dtype, n.dtype)
            elif n.op == "reduce":
                scope[n] = scope[n.args[0]] if self.straight else self.cast(
                    self.load_column(n, i), accumulator(n)[0], n.dtype)
            elif n.op == "index":
                scope[n] = "0" if self.straight else scope[n] if self.columns else self.position(scope[n], i)
            elif n.op == "count":
                scope[n] = "1" if self.straight else "%count" if self.lanes == 1 else self.splat("%count", "i64")
            else:
                scope[n] = self.let(self.instruction(n, [scope[a] for a in n.args]))

    def position(self, start: str, i: str) -> str:
        t = self.vector("i64")
        at = self.let(f"add {t} {start}, {self.splat(i, 'i64')}")
        return at if self.lanes == 1 else self.let(f"add {t} {at}, {self.steps()}")

# ----------------------------------------------------------------------------------------------------------- helpers

_HELPER_NAMES = ("tapegrad_extent", "tapegrad_advance")

_HELPER_DECLARATIONS = """\
declare i1 @tapegrad_advance(ptr, i64, ptr, ptr, i64, i64)
declare i64 @tapegrad_extent(ptr, i64, i64)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)"""

_HELPERS = """\
; The product of sizes[first], ..., sizes[end - 1].
define i64 @tapegrad_extent(ptr %sizes, i64 %first, i64 %end) {
entry:
  br label %loop
loop:
  %d = phi i64 [%first, %entry], [%d.next, %turn]
  %p = phi i64 [1, %entry], [%p.next, %turn]
  %more = icmp slt i64 %d, %end
  br i1 %more, label %turn, label %done
turn:
  %at = getelementptr i64, ptr %sizes, i64 %d
  %size = load i64, ptr %at
  %p.next = mul i64 %p, %size
  %d.next = add i64 %d, 1
  br label %loop
done:
  ret i64 %p
}

; One step of the odometer over loops [first, end): false when it has come round, all as it was at the start.
define i1 @tapegrad_advance(ptr %walk, i64 %n, ptr %counters, ptr %nest, i64 %first, i64 %end) {
entry:
  %K = load i64, ptr %nest
  %at.R = getelementptr i64, ptr %nest, i64 1
  %R = load i64, ptr %at.R
  %D = add i64 %K, %R
  %sizes = getelementptr i64, ptr %nest, i64 2
  %strides = getelementptr i64, ptr %sizes, i64 %D
  br label %loop
loop:
  %d.above = phi i64 [%end, %entry], [%d, %carry]
  %d = sub i64 %d.above, 1
  %over = icmp slt i64 %d, %first
  br i1 %over, label %no, label %step
step:
  %at.counter = getelementptr i64, ptr %counters, i64 %d
  %counter = load i64, ptr %at.counter
  %counter.next = add i64 %counter, 1
  %at.size = getelementptr i64, ptr %sizes, i64 %d
  %size = load i64, ptr %at.size
  %wrap = icmp sge i64 %counter.next, %size
  %back = mul i64 %counter, -1
  %turns = select i1 %wrap, i64 %back, i64 1
  %counter.new = select i1 %wrap, i64 0, i64 %counter.next
  store i64 %counter.new, ptr %at.counter
  %row = getelementptr i64, ptr %strides, i64 %d
  br label %move
move:
  %k = phi i64 [0, %step], [%k.next, %move]
  %at.stride = phi ptr [%row, %step], [%at.stride.next, %move]
  %stride = load i64, ptr %at.stride
  %by = mul i64 %stride, %turns
  %at.p = getelementptr ptr, ptr %walk, i64 %k
  %p = load ptr, ptr %at.p
  %p.next = getelementptr i8, ptr %p, i64 %by
  store ptr %p.next, ptr %at.p
  %at.stride.next = getelementptr i64, ptr %at.stride, i64 %D
  %k.next = add i64 %k, 1
  %k.more = icmp slt i64 %k.next, %n
  br i1 %k.more, label %move, label %carry.or.yes
carry.or.yes:
  br i1 %wrap, label %carry, label %yes
carry:
  br label %loop
yes:
  ret i1 true
no:
  ret i1 false
}
"""


@functools.cache
def _load_helpers() -> None:
    code = cache.get("helpers")
    if code is None:
        code = jit.compile_ir(_HELPERS, 2)
        cache.put("helpers", code)
    for name, address in jit.load_object("helpers", code, _HELPER_NAMES, ()).items():
        jit.define_symbol(name, address)
