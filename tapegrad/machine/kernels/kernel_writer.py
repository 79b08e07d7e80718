"""The text of one kernel: which passes over a row it takes, and what each of them computes."""
from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet

from tapegrad import dtypes
from tapegrad.machine.kernels import loop_helpers
from tapegrad.machine.kernels.loop_writer import BLOCK, Carried, Scope
from tapegrad.machine.kernels.lowering import (
    REDUCES,
    accumulator,
    is_call,
    memory_type,
    register_type,
    vector_bytes,
)
from tapegrad.machine.kernels.region_writer import Region, RegionWriter
from tapegrad.machine.llvm import jit
from tapegrad.ops.scalar import INTRINSICS
from tapegrad.ops.symbols import Sym, walk


class KernelWriter(RegionWriter):
    """The text of one kernel under construction.

    Vectors are written out, `lanes` elements a register, and not left to LLVM's vectoriser: that takes more time than
    all of code generation (13 ms a kernel became 4), leaves a scalar loop for the last elements, where most of the time
    of a short array goes, and gives them other bits than the rest.
    """

    passes: list[list[Sym]]
    slow: bool

    def __init__(self, region: Region, pattern: str, accumulate: tuple[bool, ...]) -> None:
        super().__init__(region, pattern, accumulate)
        pattern, _, short = pattern.partition("#")
        self.exactly: int = int(short or 0)
        self.columns: bool = pattern.startswith("|")
        self.pattern: str = pattern.lstrip("|")
        if len(self.pattern) != len(self.dtypes):
            raise ValueError(f"pattern {pattern!r} does not describe {len(self.dtypes)} operands")
        nodes = list(walk(self.values))
        reduces = [n for n in nodes if n.op == "reduce"]
        self.by_row: bool = any(n.op in REDUCES for n in nodes) or any(region.per_row)
        if self.columns and not self.by_row:
            raise ValueError("a column pattern needs a reduction")
        self.row_constant: dict[Sym, bool] = {}
        level: dict[Sym, int] = {}  # how many passes over the row come before the node can be computed
        for n in nodes:
            self.row_constant[n] = n.op in ("const", "reduce", "count") or (
                bool(n.args) and all(self.row_constant[a] for a in n.args))
            level[n] = max((level[a] for a in n.args), default=0) + (n.op == "reduce")
        self.passes = [[r for r in reduces if level[r] == k] for k in range(1, max(level.values()) + 1)]
        self.carry: dict[Carried, str] = {}
        self.beginning: list[str] = []
        self.extents: dict[tuple[int, str], tuple[str, str]] = {}
        self.width: int = 1  # elements a whole vector in the pass that is being written
        self.between: int = 0
        self.counted: bool = any(n.op == "index" for n in nodes)
        # AVX2's masks are for words only, and slow to store by: taken where functions are called, which have other last
        # bits on single elements than on vectors, so that an element has the same wherever it stands.
        size, masks = vector_bytes()
        calls = size >= 32 and {d.itemsize for d in self.dtypes} <= {4, 8} and any(
            n.op in INTRINSICS and is_call(self.form(n)) for n in nodes)
        self.masked: bool = "s" not in self.pattern and (masks or calls)

    def choose_width(self, roots: Sequence[Sym], reduces: Sequence[Sym] = (),
                     cut: AbstractSet[Sym] = frozenset()) -> int:
        """Elements a vector in one pass: one register of the widest type, or four to hide a reduction's latency.

        Two or four registers at a time lost up to 50 % in loops that store, where operands are not aligned to a cache
        line (1e5 float32, adjoint of tanh: 14.0, 21.3, 20.7 us; 12.0, 13.3, 12.3 us where they are).
        """
        self.between = 0
        if any(letter == "0" and (self.columns or not row) for letter, row in zip(self.pattern, self.region.per_row)):
            return 1  # an output that all lanes would write to: of columns, because there are none
        nodes = self.needed(roots, cut)
        forms = [(self.form(n), n) for n in nodes if n.op in INTRINSICS]
        calls = [(form, n) for form, n in forms if is_call(form)]
        types = {n.dtype for n in (*roots, *nodes)}
        if not calls:  # functions cost more than a sum in two registers: they get vectors as wide as their own type's
            types |= {accumulator(r)[0] for r in reduces}
        native = vector_bytes()[0] // max(d.itemsize for d in types)
        for form, n in calls:
            name, _, function = form.partition(" ")
            variants = jit.vector_functions(function, len(n.args), n.args[0].dtype is dtypes.float32)
            if name not in ("libm", "power") or not variants:
                return 1
            # Beside another type two registers, if need be: on single elements functions have other last bits.
            native = max(native, min(lanes for lanes, _ in variants))
        if "s" in self.pattern:
            return min(native, 8)
        if calls or self.columns:
            return native
        series = sum(form.startswith("series ") for form, _ in forms)
        if series == 1:  # each step of it waits for the one before, and of several one has others' to do meanwhile
            self.between = 0 if self.exactly else native
            return native * 4
        return min(native * 4, 64) if reduces and not series else native

    # -------------------------------------------------------------------------------------------------- the skeleton

    def write(self) -> None:
        self.declarations[loop_helpers.DECLARATIONS] = None
        self.emit_entry()
        begin = len(self.lines)
        with self.nest("kept"):
            if self.columns:
                with self.blocks():
                    self.emit_rows()
            elif self.by_row:
                self.emit_rows()
            else:
                self.final_pass(range(len(self.values)), {})
        self.lines[begin:begin] = self.beginning

    def emit_entry(self) -> None:
        """Read the nest, leave if there is nothing to do, and prepare what the loops share."""
        self.label("entry")
        if self.counted:
            self.line("%position = alloca i64")
        self.slots: dict[Sym, str] = {}  # accumulators of a block of columns
        if self.columns:
            for r in itertools.chain(*self.passes):
                t = memory_type(accumulator(r)[0])
                self.slots[r] = self.let(f"alloca [{BLOCK} x {t}], align 64")
        rows = self.by_row and not self.columns
        self.read_nest("kept", inside=not rows)
        if self.by_row:
            self.read_nest("row", inside=rows)
            self.line("%no_row = icmp eq i64 %row.count, 0")
        inner = "%row" if rows else "%kept"
        self.line(f"%n = load i64, ptr {self.element(inner, loop_helpers.SIZE)}")
        strides = loop_helpers.STEPS + 2 * len(self.dtypes)
        self.stride: dict[int, str] = {k: self.let(f"load i64, ptr {self.element(inner, strides + k)}")
                                       for k, letter in enumerate(self.pattern) if letter == "s"}
        self.line("%nothing = icmp eq i64 %kept.count, 0")
        self.line("br i1 %nothing, label %return, label %begin")
        self.label("return")
        self.line("ret i32 0")
        self.label("begin")

    def emit_rows(self) -> None:
        """One row, or one block of columns: passes that reduce, then the outputs."""
        scope: Scope = {}
        self.stash: tuple[Sym, int] | None = self.choose_stash()
        once = [j for j, flag in enumerate(self.region.per_row) if flag]
        each = [j for j, flag in enumerate(self.region.per_row) if not flag]
        late: Scope = {}
        at_once = len(self.passes) == 1 and each and not any(
            n.op == "reduce" for n in walk([self.values[j] for j in each]))
        if at_once and self.columns:
            self.reducing_pass(self.passes[0], scope, None, each)
            self.final_pass(once, scope)
            return
        if at_once:
            outside = [n for j in once for n in self.needed([self.values[j]]) if n.op == "operand"]
            self.compute(outside, scope, lambda k: self.load(self.at[k], self.dtypes[k]))
            self.reducing_pass(self.passes[0], scope, None, each)
            self.compute([self.values[j] for j in once], scope, None)
            self.store_all(once, scope, {})
            return
        for reduces in self.passes:
            self.reducing_pass(reduces, scope, self.stash if reduces is self.passes[-1] else None)
        if once and not self.columns:  # computed before the pass that may overwrite what they read, stored after it
            late = dict(scope)
            self.compute([self.values[j] for j in once], late, lambda k: self.load(self.at[k], self.dtypes[k]))
        if each and self.exactly and not self.columns:
            self.final_pass(each, scope)
        elif each:
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

    # -------------------------------------------------------------------------------------------------------- passes

    def reducing_pass(self, reduces: list[Sym], scope: Scope, stash: tuple[Sym, int] | None, outputs: Sequence[int] = ()
                      ) -> None:
        """A pass that reduces, and stores `outputs` on its way."""
        roots = [*(r.args[0] for r in reduces), *(self.values[j] for j in outputs)]
        self.width, self.slow = self.choose_width(roots, reduces), self.is_slow(roots)
        while self.masked and not self.between and self.width >= 2 * self.exactly > 0:
            self.width //= 2  # all that would be in the other lanes is what accumulators begin with
        if self.columns and self.exactly:
            pass
        elif self.columns:
            def begin(i: str, _: Scope, __: list[str]) -> list[str]:
                for r in reduces:
                    self.store_column(r, i, self.const(accumulator(r)[1], accumulator(r)[0]))
                return []

            self.inner(dict, begin)
        else:
            for r in reduces:
                d, start, _ = accumulator(r)
                for lanes in {self.width, self.between or self.width, self.width if self.masked else 1}:
                    with self.wide(lanes):
                        self.carry[r, lanes] = self.const(start, d)
            self.row_constants(roots, scope)

        def terms(i: str, inside: Scope) -> list[str]:
            self.compute(roots, inside, lambda k: self.load_element(k, i), i)
            if stash:
                self.store_element(stash[1], i, inside[stash[0]])
            if outputs:
                self.store_all(outputs, inside, {"i": i})
            return [self.cast(inside[r.args[0]], r.args[0].dtype, accumulator(r)[0]) for r in reduces]

        def body(i: str, inside: Scope, old: list[str]) -> list[str]:
            found = terms(i, inside)
            if not self.columns:
                return [self.step(r, x, y) for r, x, y in zip(reduces, old, found)]
            for r, x in zip(reduces, found):
                self.store_column(r, i, self.step(r, self.load_column(r, i), x))
            return []

        if self.exactly:
            add_up = self.short_columns if self.columns else self.short_row
            add_up(reduces, lambda: self.prepare(roots, scope), terms)
        else:
            with self.row_loops():
                self.inner(lambda: self.prepare(roots, scope), body, () if self.columns else reduces)
        if not self.columns:
            for r in reduces:
                scope[r] = self.cast(self.combined(r), accumulator(r)[0], r.dtype)
            self.carry = {}

    def short_row(self, reduces: list[Sym], prepare: Callable[[], Scope],
                  terms: Callable[[str, Scope], list[str]]) -> None:
        """A row that is short enough to be written out: each accumulator is given what the loops would give it."""
        whole = self.exactly // self.width * self.width
        for start, lanes in self.pieces(self.width if whole else 0, whole):
            with self.wide(lanes):
                for r, x in zip(reduces, terms(str(start), prepare())):
                    self.carry[r, lanes] = self.step(r, self.carry[r, lanes], x)
        rest = self.exactly - whole
        for start, lanes in self.pieces(self.register, rest):
            with self.wide(lanes):
                found = terms(str(whole + start), prepare())
                for r, x in zip(reduces, found):
                    if self.masked:
                        old = self.part(r, start)
                        self.put_part(r, start, self.step(r, old, x))
                    else:
                        self.one_by_one(r, x)

    def one_by_one(self, r: Sym, x: str) -> None:
        """Give the scalar accumulator each lane of a vector, the first one first."""
        whole, lanes = self.type(accumulator(r)[0]), self.lanes
        with self.wide(1):
            for lane in range(lanes):
                one = x if lanes == 1 else self.let(f"extractelement {whole} {x}, i64 {lane}")
                self.carry[r, 1] = self.step(r, self.carry[r, 1], one)

    def part(self, r: Sym, start: int) -> str:
        """So many lanes of an accumulator as are being written, from this one on."""
        of = register_type(accumulator(r)[0])
        whole, picked = f"<{self.width} x {of}>", ", ".join(f"i32 {start + lane}" for lane in range(self.lanes))
        if self.lanes == 1:
            return self.let(f"extractelement {whole} {self.carry[r, self.width]}, i64 {start}")
        return self.let(f"shufflevector {whole} {self.carry[r, self.width]}, {whole} poison, "
                        f"<{self.lanes} x i32> <{picked}>")

    def put_part(self, r: Sym, start: int, x: str) -> None:
        of, lanes = register_type(accumulator(r)[0]), self.lanes
        whole = f"<{self.width} x {of}>"
        if lanes == 1:
            new = self.let(f"insertelement {whole} {self.carry[r, self.width]}, {of} {x}, i64 {start}")
        else:
            spread = ", ".join(f"i32 {lane % lanes}" for lane in range(self.width))
            wide = self.let(f"shufflevector <{lanes} x {of}> {x}, <{lanes} x {of}> poison, "
                            f"<{self.width} x i32> <{spread}>")
            picked = ", ".join(f"i32 {self.width + lane - start if start <= lane < start + lanes else lane}"
                               for lane in range(self.width))
            new = self.let(f"shufflevector {whole} {self.carry[r, self.width]}, {whole} {wide}, "
                           f"<{self.width} x i32> <{picked}>")
        self.carry[r, self.width] = new

    def short_columns(self, reduces: list[Sym], prepare: Callable[[], Scope],
                      terms: Callable[[str, Scope], list[str]]) -> None:
        """Few enough columns for their accumulators to stay in registers."""
        pieces = list(self.pieces(self.width, self.exactly))
        for r in reduces:
            d, begin, _ = accumulator(r)
            for start, lanes in pieces:
                with self.wide(lanes):
                    self.carry[r, lanes, start] = self.const(begin, d)
        with self.row_loops():
            for start, lanes in pieces:
                with self.wide(lanes):
                    for r, x in zip(reduces, terms(str(start), prepare())):
                        self.carry[r, lanes, start] = self.step(r, self.carry[r, lanes, start], x)
        for (r, lanes, start), x in self.carry.items():
            with self.wide(lanes):
                self.store_column(r, str(start), x)
        self.carry = {}

    def final_pass(self, outputs: Sequence[int], scope: Scope) -> None:
        """The innermost loop that stores `outputs`."""
        roots = [self.values[j] for j in outputs]
        stash = getattr(self, "stash", None)
        cut = {stash[0]} if stash else set()
        self.width, self.slow = self.choose_width(roots, (), cut), self.is_slow(roots)
        if self.by_row and not self.columns:
            self.row_constants(roots, scope, cut)

        def body(i: str, inside: Scope, _: list[str]) -> list[str]:
            if stash:
                inside[stash[0]] = self.load_element(stash[1], i)
            self.compute(roots, inside, lambda k: self.load_element(k, i), i)
            self.store_all(outputs, inside, {"i": i})
            return []

        forms = [self.form(n) for n in self.needed(roots, cut) if n.op in INTRINSICS]
        self.chains: int = sum(form.startswith("inline ") for form in forms)
        self.inner(lambda: self.prepare(roots, scope, cut), body)
        self.chains = 0

    def prepare(self, roots: Sequence[Sym], scope: Scope, cut: AbstractSet[Sym] = frozenset()) -> Scope:
        """What a pass needs that is the same for all elements of the innermost loop, one copy a lane.

        LLVM moves nothing out of loops at the level that kernels are compiled at: bounds of a `clamp` were converted
        for each vector (51200 float32: 66 us, and 13 without that; the adjoint of a mean, a division: 19 and 11).
        """
        self.here: list[str] = [self.address(k, p, "%block") if self.columns else p for k, p in enumerate(self.at)]
        inside: Scope = {}
        moving = set(cut)  # what each element has its own of
        for n in self.needed(roots, cut):
            if n.op == "operand":
                k = len(self.region.outputs) + n.value
                if self.pattern[k] == "0":
                    with self.wide(1):
                        x = self.load(self.here[k], n.dtype)
                    inside[n] = self.splat(x, register_type(n.dtype))
                else:
                    moving.add(n)
            elif n.op == "index":
                inside[n] = self.splat("0" if self.exactly else self.let("load i64, ptr %position"), "i64")
                moving.add(n)
            elif n in scope and n.op != "const":
                inside[n] = self.splat(scope[n], register_type(n.dtype))
            elif n.op == "reduce" or not moving.isdisjoint(n.args):
                moving.add(n)
            elif n.args:
                self.compute([n], inside, None)
        return inside

    def row_constants(self, roots: Sequence[Sym], scope: Scope, cut: AbstractSet[Sym] = frozenset()) -> None:
        self.compute([n for n in self.needed(roots, cut) if self.row_constant[n]], scope, None)

    # -------------------------------------------------------------------------------------------------- accumulators

    def load_column(self, r: Sym, i: str) -> str:
        d = accumulator(r)[0]
        return self.load(self.element(self.slots[r], i, memory_type(d)), d, whole=True)

    def store_column(self, r: Sym, i: str, value: str) -> None:
        d = accumulator(r)[0]
        self.store(self.element(self.slots[r], i, memory_type(d)), value, d, whole=True)

    def step(self, r: Sym, a: str, x: str) -> str:
        d, _, form = accumulator(r)
        if form.startswith("@"):
            call = self.intrinsic(form, d, d, [a, x])
            return self.let(call.replace("call", "call nsz", 1) if d.category == 2 else call)  # whichever zero comes
        return self.let(f"{form} {self.type(d)} {a}, {x}")

    def combined(self, r: Sym) -> str:
        """The result of a finished pass: the vector's halves combined until one lane is left, and the scalar rest."""
        d, narrow = accumulator(r)[0], self.between
        with self.wide(self.width):
            x = self.carry[r, self.lanes]
            while self.lanes > 1:
                whole, half = self.type(d), self.lanes // 2
                low, high = (self.let(
                    f"extractelement {whole} {x}, i64 {start}" if half == 1 else
                    f"shufflevector {whole} {x}, {whole} poison, <{half} x i32> <" + ", ".join(
                        f"i32 {lane}" for lane in range(start, start + half)) + ">") for start in (0, half))
                self.lanes = half
                x = self.step(r, low, high)
                if half == narrow:
                    x = self.step(r, x, self.carry[r, narrow])
        if self.width > 1 and not self.masked:
            x = self.step(r, x, self.carry[r, 1])
        return x

    def of_row(self, n: Sym, scope: Scope, i: str) -> str:
        if n.op == "reduce":
            return self.cast(self.load_column(n, i), accumulator(n)[0], n.dtype)
        if n.op == "count":
            return self.splat("%row.count", "i64")
        return scope[n] if self.columns else self.position(scope[n], i)

    def position(self, start: str, i: str) -> str:
        t = self.vector("i64")
        at = self.let(f"add {t} {start}, {self.splat(i, 'i64')}")
        return at if self.lanes == 1 else self.let(f"add {t} {at}, {self.steps()}")
