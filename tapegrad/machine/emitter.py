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
import math
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from .. import dtypes
from ..dtypes import dtype
from ..ops.scalar import INTRINSICS
from ..ops.sym import Sym, key, row, scalar, walk
from . import cache, jit

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


_addresses: dict[str, int] = {}


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
        code = cache.get(name)
        if code is None:
            code = jit.compile_ir(kernel_source(region, pattern, accumulate), 1 if pattern == "1" else 3)
            cache.put(name, code)
        _load_helpers()
        address = _addresses[name] = jit.load_object("kernel", code, ("kernel",))["kernel"]
    return address


def kernel_source(region: Region, pattern: str, accumulate: tuple[bool, ...]) -> str:
    """The LLVM text of the kernel that `compile_region` compiles."""
    return _Kernel(region, pattern, accumulate).emit()


# ---------------------------------------------------------------------------------------------------------- lowering

_REDUCES = ("reduce", "index", "count")


def _lower(roots: Sequence[Sym]) -> list[Sym]:
    """Rewrite compositions until every node is an instruction, an LLVM intrinsic, a call or a reduction."""
    done: dict[Sym, Sym] = {}
    for node in walk(roots):
        args = tuple(done[a] for a in node.args)
        if node.op == "reduce" and node.value.startswith("arg"):
            done[node] = _lower([_position_of(node.value[3:], args[0])])[0]
            continue
        column = _column(node.op, args[0].dtype if node.op != "where" else node.dtype) if node.op in INTRINSICS else ""
        if callable(column):
            done[node] = _lower([column(*args)])[0]
        else:
            done[node] = Sym(node.op, args, node.dtype, node.value)
    return [done[r] for r in roots]


def _position_of(extreme: str, x: Sym) -> Sym:
    """The first position of the row's extreme, or of its first NaN: two passes that LLVM vectorises, not one it can't."""
    x = x.cast(dtypes.uint8) if x.dtype is dtypes.bool_ else x
    hit = (x == getattr(row, extreme)(x)) | scalar.isnan(x)
    return row.min(scalar.where(hit, row.index(x), Sym.const((1 << 63) - 1, dtypes.int64)))


def _column(op: str, d: dtype) -> str | Callable[..., Sym]:
    """The entry of the table's LLVM column for operands of dtype `d`."""
    column = INTRINSICS[op].llvm
    found = column[min(2 - d.category, len(column) - 1)]
    if found is None:
        raise TypeError(f"scalar.{op} is not defined for {d!r}")
    if isinstance(found, str) and "/" in found:
        return found.split("/")[not d.is_signed]
    return found


# --------------------------------------------------------------------------------------------------- types and text

_REGISTER = {"b8": "i1", "u8": "i8", "f32": "float", "f64": "double"}


def _type(d: dtype) -> str:
    return _REGISTER.get(d.short, d.short)


def _memory_type(d: dtype) -> str:
    return "i8" if d is dtypes.bool_ else _type(d)


def _literal(value: float, d: dtype) -> str:
    if d.category == 2:
        if value != value:
            return "0x7FF8000000000000"
        if d is dtypes.float32:  # LLVM writes floats as the doubles that hold them exactly
            value = float(d.numpy.type(value)) if abs(value) < 3.5e38 else math.copysign(math.inf, value)
        return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
    return str(int(value)) if d is not dtypes.bool_ else "true" if value else "false"


def _accumulator(node: Sym) -> tuple[dtype, str, str]:
    """How a reduction runs: the dtype of its accumulator, where it starts, and its step as text."""
    d = node.args[0].dtype
    if node.value in ("sum", "prod"):
        wide = dtypes.float64 if d.category == 2 else dtypes.int64
        step = {"sum": ("add i64", "fadd reassoc double"), "prod": ("mul i64", "fmul reassoc double")}[node.value]
        return wide, _literal(node.value == "prod", wide), step[d.category == 2] + " {a}, {x}"
    if d is dtypes.bool_:
        return d, *{"any": ("false", "or i1 {a}, {x}"), "max": ("false", "or i1 {a}, {x}"),
                    "all": ("true", "and i1 {a}, {x}"), "min": ("true", "and i1 {a}, {x}")}[node.value]
    t = _type(d)
    if d.category == 2:
        start = _literal(-math.inf if node.value == "max" else math.inf, d)
        return d, start, f"call nsz {t} @llvm.{node.value}imum.{d.short}({t} {{a}}, {t} {{x}})"
    limits = dtypes.iinfo(d)
    start = str(limits.min if node.value == "max" else limits.max)
    return d, start, f"call {t} @llvm.{'us'[d.is_signed]}{node.value}.{t}({t} {{a}}, {t} {{x}})"


# -------------------------------------------------------------------------------------------------------- the kernel

class _Kernel:
    """The text of one kernel under construction."""

    def __init__(self, region: Region, pattern: str, accumulate: tuple[bool, ...]) -> None:
        self.region, self.accumulate = region, accumulate
        self.columns = pattern.startswith("|")
        self.pattern = pattern.lstrip("|")
        self.straight = pattern == "1"
        self.dtypes = (*region.outputs, *region.inputs)
        if not self.straight and len(self.pattern) != len(self.dtypes):
            raise ValueError(f"pattern {pattern!r} does not describe {len(self.dtypes)} operands")
        self.values = _lower([v.cast(d) for v, d in zip(region.values, region.outputs)])
        self.lines: list[str] = []
        self.declarations: dict[str, None] = {}
        self.attributes: dict[str, int] = {}
        self.vector_symbols: dict[str, None] = {}
        self.metadata: list[str] = []
        self.names = 0
        self.access = ""  # metadata of the loads and stores of the loop being written
        self.helpers: dict[str, str] = {}
        nodes = list(walk(self.values))
        self.reduces = [n for n in nodes if n.op == "reduce"]
        self.by_row = any(n.op in _REDUCES for n in nodes) or any(region.per_row)
        self.row_constant: dict[Sym, bool] = {}
        self.level: dict[Sym, int] = {}  # how many passes over the row come before the node can be computed
        for n in nodes:
            self.row_constant[n] = n.op in ("const", "reduce", "count") or (
                bool(n.args) and all(self.row_constant[a] for a in n.args))
            self.level[n] = max((self.level[a] for a in n.args), default=0) + (n.op == "reduce")
        if self.columns and not self.by_row:
            raise ValueError("a column pattern needs a reduction")

    # -------------------------------------------------------------------------------------------------- text pieces

    def line(self, text: str) -> None:
        self.lines.append("  " + text)

    def name(self) -> str:
        self.names += 1
        return f"t{self.names}"

    def let(self, text: str) -> str:
        name = "%" + self.name()
        self.line(f"{name} = {text}")
        return name

    def label(self, name: str) -> None:
        self.lines.append(f"{name}:")

    def note(self, text: str) -> str:
        self.metadata.append(text)
        return f"!{len(self.metadata) - 1}"

    def element(self, base: str, i: int | str, t: str = "i64") -> str:
        return self.let(f"getelementptr {t}, ptr {base}, i64 {i}")

    # -------------------------------------------------------------------------------------------------- the skeleton

    def emit(self) -> str:
        if self.straight:
            self.emit_straight()
        else:
            self.emit_entry()
            with self.nest("0", self.kept_end):
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
        scope: dict[Sym, str] = {}
        self.pointers = [self.let(f"load ptr, ptr {self.element('%pointers', i, 'ptr')}")
                         for i in range(len(self.dtypes))]
        self.compute(self.values, scope, self.load_at_base)
        self.store_all(range(len(self.values)), scope, lambda k: self.pointers[k])

    def emit_entry(self) -> None:
        """Read the nest, leave if there is nothing to do, and set the walking pointers and counters up."""
        n = len(self.dtypes)
        self.label("entry")
        self.line(f"%walk = alloca [{n} x ptr]")
        self.line(f"%counters = alloca [{MAX_RANK} x i64]")
        self.line(f"call void @llvm.memcpy.p0.p0.i64(ptr %walk, ptr %pointers, i64 {8 * n}, i1 false)")
        self.line(f"call void @llvm.memset.p0.i64(ptr %counters, i8 0, i64 {8 * MAX_RANK}, i1 false)")
        self.accumulators: dict[Sym, str] = {}
        for r in self.reduces:
            t = _memory_type(_accumulator(r)[0])
            self.accumulators[r] = self.let(f"alloca [{_BLOCK} x {t}], align 64" if self.columns else f"alloca {t}")
        self.line("%position = alloca i64")
        self.line("%K = load i64, ptr %nest")
        self.line(f"%R = load i64, ptr {self.element('%nest', 1)}")
        self.line("%D = add nsw i64 %K, %R")
        self.line("%sizes = getelementptr i64, ptr %nest, i64 2")
        self.line("%strides = getelementptr i64, ptr %sizes, i64 %D")
        self.line("%kept = call i64 @tapegrad_extent(ptr %sizes, i64 0, i64 %K)")
        self.line("%K1 = sub nsw i64 %K, 1")
        self.line("%D1 = sub nsw i64 %D, 1")
        rows = self.by_row and not self.columns
        inner = "%D1" if rows else "%K1"
        self.kept_end = "%K" if rows else "%K1"
        self.row_end = "%D" if self.columns else "%D1"
        if self.by_row:
            self.line("%count = call i64 @tapegrad_extent(ptr %sizes, i64 %K, i64 %D)")
            self.line("%no_row = icmp eq i64 %count, 0")
        self.line("%nothing = icmp eq i64 %kept, 0")
        self.line("br i1 %nothing, label %return, label %begin")
        self.label("return")
        self.line("ret i32 0")
        self.label("begin")
        self.line(f"%n = load i64, ptr {self.element('%sizes', inner)}")
        self.stride = {}
        for i, letter in enumerate(self.pattern):
            if letter == "s":
                at = self.let(f"mul nsw i64 %D, {i}")
                at = self.let(f"add nsw i64 {at}, {inner}")
                self.stride[i] = self.let(f"load i64, ptr {self.element('%strides', at)}")

    def emit_rows(self) -> None:
        """One row, or one block of columns: passes that reduce, then the outputs."""
        scope: dict[Sym, str] = {}
        for level in range(1, max((self.level[r] for r in self.reduces), default=0) + 1):
            self.reducing_pass([r for r in self.reduces if self.level[r] == level], scope)
        once = [j for j, flag in enumerate(self.region.per_row) if flag]
        each = [j for j, flag in enumerate(self.region.per_row) if not flag]
        late: dict[Sym, str] = {}
        if once and not self.columns:  # computed before the pass that may overwrite what they read, stored after it
            pointers = self.load_pointers()
            late = dict(scope)
            self.compute([self.values[j] for j in once], late, lambda i: self.load_from(i, pointers[i]))
        if each:
            with self.row_loop(scope):
                self.final_pass(each, scope)
        if once and self.columns:
            self.final_pass(once, scope)
        elif once:
            self.store_all(once, late, lambda j: pointers[j])

    # -------------------------------------------------------------------------------------------------------- loops

    @contextlib.contextmanager
    def nest(self, first: str, end: str) -> Iterator[None]:
        """The loops [first, end) around what is written inside; none of them may be empty.

        The odometer is a call, the same for all kernels: written out here it would double the time LLVM takes.
        """
        label = self.name()
        self.line(f"br label %{label}")
        self.label(label)
        yield
        more = self.let(f"call i1 @tapegrad_advance(ptr %walk, i64 {len(self.dtypes)}, ptr %counters, ptr %nest, "
                        f"i64 {first}, i64 {end})")
        self.line(f"br i1 {more}, label %{label}, label %{label}.end")
        self.label(f"{label}.end")

    @contextlib.contextmanager
    def blocks(self) -> Iterator[None]:
        """The innermost kept loop in blocks of columns; `%block` is the first column and `%width` their number."""
        self.line("br label %blocks.begin")
        self.label("blocks.begin")
        self.line("br label %blocks")
        self.label("blocks")
        self.line("%block = phi i64 [0, %blocks.begin], [%block.next, %blocks.last]")
        self.line("%left = sub nsw i64 %n, %block")
        width = f"call i64 @llvm.smin.i64(i64 %left, i64 {_BLOCK})"
        self.declare(width)
        self.line(f"%width = {width}")
        yield
        self.line("br label %blocks.last")
        self.label("blocks.last")
        self.line(f"%block.next = add nuw nsw i64 %block, {_BLOCK}")
        self.line("%blocks.more = icmp slt i64 %block.next, %n")
        self.line("br i1 %blocks.more, label %blocks, label %blocks.end")
        self.label("blocks.end")

    @contextlib.contextmanager
    def row_loop(self, scope: dict[Sym, str]) -> Iterator[None]:
        """The reduced loops around the innermost one, skipped when the row is empty."""
        label = self.name()
        self.line("store i64 0, ptr %position")
        self.line(f"br i1 %no_row, label %{label}.skip, label %{label}")
        self.label(label)
        with self.nest("%K", self.row_end):
            yield
            at = self.let("load i64, ptr %position")
            self.line(f"store i64 {self.let(f'add nuw nsw i64 {at}, {1 if self.columns else chr(37) + chr(110)}')}, "
                      "ptr %position")
        self.line(f"br label %{label}.skip")
        self.label(f"{label}.skip")

    @contextlib.contextmanager
    def inner(self, slow: bool, parallel: bool) -> Iterator[str]:
        """The innermost loop, of at least one turn; gives the register of its counter."""
        label = self.name()
        end = "%width" if self.columns else "%n"
        self.line(f"br label %{label}.begin")
        self.label(f"{label}.begin")
        self.line(f"br label %{label}")
        self.label(label)
        self.line(f"%{label}.i = phi i64 [0, %{label}.begin], [%{label}.next, %{label}]")
        group = self.note("distinct !{}") if parallel else ""
        self.access = f", !llvm.access.group {group}" if parallel else ""
        yield f"%{label}.i"
        hints = [self.note(f'!{{!"llvm.loop.parallel_accesses", {group}}}')] if parallel else []
        if slow:  # several vectors in flight gain nothing around calls, and cost registers, code and compile time
            hints.append(self.note('!{!"llvm.loop.interleave.count", i32 1}'))
        loop = self.note("")
        self.metadata[int(loop[1:])] = f"distinct !{{{', '.join([loop, *hints])}}}"
        self.line(f"%{label}.next = add nuw nsw i64 %{label}.i, 1")
        self.line(f"%{label}.more = icmp slt i64 %{label}.next, {end}")
        self.line(f"br i1 %{label}.more, label %{label}, label %{label}.end, !llvm.loop {loop}")
        self.label(f"{label}.end")
        self.access = ""

    # ------------------------------------------------------------------------------------------------------- passes

    def reducing_pass(self, reduces: list[Sym], scope: dict[Sym, str]) -> None:
        kinds = {r: _accumulator(r) for r in reduces}
        roots = [r.args[0] for r in reduces]
        if self.columns:
            with self.inner(slow=False, parallel=True) as i:
                for r, (d, start, _) in kinds.items():
                    self.store(self.accumulator_at(r, i), start, d)
        else:
            for r, (d, start, _) in kinds.items():
                self.store(self.accumulators[r], start, d)
            self.row_constants(roots, scope)
        with self.row_loop(scope):
            pointers, body, begin = self.before_inner(roots, scope)
            with self.inner(self.is_slow(roots), parallel=self.columns) as i:
                self.compute(roots, body, lambda k: self.load_element(k, pointers, begin, i), i)
                for r, (d, _, step) in kinds.items():
                    at = self.accumulator_at(r, i)
                    x = self.cast(body[r.args[0]], r.args[0].dtype, d)
                    self.declare(step)
                    self.store(at, self.let(step.format(a=self.load(at, d), x=x)), d)
        if not self.columns:
            for r, (d, _, _) in kinds.items():
                scope[r] = self.cast(self.load(self.accumulators[r], d), d, r.dtype)

    def final_pass(self, outputs: Sequence[int], scope: dict[Sym, str]) -> None:
        """The innermost loop that stores `outputs`."""
        roots = [self.values[j] for j in outputs]
        if self.by_row and not self.columns:
            self.row_constants(roots, scope)
        pointers, body, begin = self.before_inner(roots, scope, outputs)
        parallel = all(self.pattern[j] != "0" for j in outputs)
        with self.inner(self.is_slow(roots), parallel) as i:
            self.compute(roots, body, lambda k: self.load_element(k, pointers, begin, i), i)
            self.store_all(outputs, body, lambda j: self.address(j, pointers[j], i))

    def before_inner(self, roots: Sequence[Sym], scope: dict[Sym, str], outputs: Sequence[int] = ()
                     ) -> tuple[dict[int, str], dict[Sym, str], dict[int, str]]:
        """The pointers of the operands used, a scope for the loop's body, and the elements that stay the same in it."""
        m = len(self.region.outputs)
        used = sorted({m + n.value for n in self.needed(roots) if n.op == "operand"})
        pointers = {k: self.pointer(k) for k in [*outputs, *used]}
        fixed = {k: self.load(pointers[k], self.dtypes[k]) for k in used if self.pattern[k] == "0"}
        if any(n.op == "index" for n in self.needed(roots)):
            self.row_start = self.let("load i64, ptr %position")
        return pointers, dict(scope), fixed

    def row_constants(self, roots: Sequence[Sym], scope: dict[Sym, str]) -> None:
        self.compute([n for n in self.needed(roots) if self.row_constant[n]], scope, None)

    def pointer(self, k: int) -> str:
        base = self.let(f"load ptr, ptr {self.element('%walk', k, 'ptr')}")
        return self.address(k, base, "%block") if self.columns else base

    def load_pointers(self) -> dict[int, str]:
        return {k: self.pointer(k) for k in range(len(self.dtypes))}

    def needed(self, roots: Sequence[Sym]) -> list[Sym]:
        """What one pass computes for `roots`: the graph below them, cut at reductions."""
        found: dict[Sym, None] = {}
        stack = [(r, False) for r in reversed(roots)]
        while stack:
            n, ready = stack.pop()
            if n in found:
                continue
            if ready or not n.args or (n.op == "reduce" and not self.straight):
                found[n] = None
            else:
                stack.append((n, True))
                stack.extend((a, False) for a in reversed(n.args))
        return list(found)

    def is_slow(self, roots: Sequence[Sym]) -> bool:
        """Whether a pass calls functions."""
        return any(n.op in INTRINSICS and self.form(n).startswith(("libm", "call", "frem")) for n in self.needed(roots))

    # ------------------------------------------------------------------------------------------------------- memory

    def address(self, k: int, base: str, i: str) -> str:
        letter = self.pattern[k]
        if letter == "c":
            return self.element(base, i, _memory_type(self.dtypes[k]))
        return base if letter == "0" else self.element(base, self.let(f"mul nsw i64 {i}, {self.stride[k]}"), "i8")

    def load(self, at: str, d: dtype) -> str:
        value = self.let(f"load {_memory_type(d)}, ptr {at}{self.access}")
        return self.let(f"icmp ne i8 {value}, 0") if d is dtypes.bool_ else value

    def store(self, at: str, value: str, d: dtype) -> None:
        if d is dtypes.bool_:
            value = self.let(f"zext i1 {value} to i8")
        self.line(f"store {_memory_type(d)} {value}, ptr {at}{self.access}")

    def load_at_base(self, k: int) -> str:
        return self.load(self.pointers[k], self.dtypes[k])

    def load_from(self, k: int, pointer: str) -> str:
        return self.load(pointer, self.dtypes[k])

    def load_element(self, k: int, pointers: dict[int, str], fixed: dict[int, str], i: str) -> str:
        return fixed[k] if k in fixed else self.load(self.address(k, pointers[k], i), self.dtypes[k])

    def accumulator_at(self, r: Sym, i: str) -> str:
        base = self.accumulators[r]
        return self.element(base, i, _memory_type(_accumulator(r)[0])) if self.columns else base

    def store_all(self, outputs: Sequence[int], scope: dict[Sym, str], at: Callable[[int], str]) -> None:
        """Every load of an element precedes its first store: outputs may overlap inputs exactly."""
        writes = []
        for j in outputs:
            d, value, place = self.dtypes[j], scope[self.values[j]], at(j)
            if self.accumulate[j]:
                add = _column("add", d)
                value = self.let(f"{add} {_type(d)} {self.load(place, d)}, {value}")
            writes.append((place, value, d))
        for write in writes:
            self.store(*write)

    # -------------------------------------------------------------------------------------------------- mathematics

    def form(self, n: Sym) -> str:
        form = _column(n.op, n.dtype if n.op == "where" else n.args[0].dtype)
        assert isinstance(form, str), n.op
        return form

    def compute(self, roots: Sequence[Sym], scope: dict[Sym, str], load: Callable[[int], str] | None,
                i: str = "0") -> None:
        """Write the instructions for `roots` and all they need that `scope` does not hold yet."""
        m = len(self.region.outputs)
        for n in self.needed(roots):
            if n in scope:
                continue
            t = _type(n.dtype)
            args = [scope[a] for a in n.args] if n.op != "reduce" or self.straight else []
            if n.op == "operand":
                assert load is not None
                scope[n] = load(m + n.value)
            elif n.op == "const":
                scope[n] = _literal(n.value, n.dtype)
            elif n.op == "cast":
                scope[n] = self.cast(args[0], n.args[0].dtype, n.dtype)
            elif n.op == "reduce":
                if self.straight:
                    scope[n] = args[0]
                else:
                    d = _accumulator(n)[0]
                    scope[n] = self.cast(self.load(self.accumulator_at(n, i), d), d, n.dtype)
            elif n.op == "index":
                scope[n] = "0" if self.straight else self.row_start if self.columns else self.let(
                    f"add nuw nsw i64 {self.row_start}, {i}")
            elif n.op == "count":
                scope[n] = "1" if self.straight else "%count"
            else:
                scope[n] = self.let(self.instruction(n, t, args))

    def instruction(self, n: Sym, t: str, args: list[str]) -> str:
        form = self.form(n)
        operand_dtype = n.args[0].dtype
        u = _type(operand_dtype)
        typed = ", ".join(f"{_type(a.dtype)} {x}" for a, x in zip(n.args, args))
        if form == "select":
            return f"select {typed}"
        if form.startswith("@"):
            suffix = operand_dtype.short if operand_dtype.category == 2 else u
            call = f"call {t} @llvm.{form[1:]}.{suffix}({typed})"
            self.declare(call)
            return call
        if form.startswith("libm "):
            return self.libm_call(form[5:], operand_dtype, len(args), typed)
        if form == "call ipow":
            name = f"ipow.{operand_dtype.short}"
            self.helpers[name] = _IPOW.format(name=name, t=u, signed="true" if operand_dtype.is_signed else "false")
            return f"call {t} @{name}({typed})"
        return f"{form} {u} {', '.join(args)}"

    def libm_call(self, name: str, d: dtype, arity: int, typed: str) -> str:
        t, single = _type(d), d is dtypes.float32
        symbol = name + "f" * single
        variants = jit.vector_functions(name, arity, single)
        mapped = ",".join(f"_ZGV_LLVM_N{lanes}{'v' * arity}_{symbol}({vector})" for lanes, vector in variants)
        attribute = "nounwind willreturn memory(none)" + (f' "vector-function-abi-variant"="{mapped}"' if mapped else "")
        number = self.attributes.setdefault(attribute, len(self.attributes))
        self.declarations[f"declare {t} @{symbol}({', '.join([t] * arity)}) #{number}"] = None
        for lanes, vector in variants:
            v = f"<{lanes} x {t}>"
            self.declarations[f"declare {v} @{vector}({', '.join([v] * arity)})"] = None
            self.vector_symbols[vector] = None
        return f"call {t} @{symbol}({typed}) #{number}"

    def declare(self, call: str) -> None:
        """Declare the intrinsic that a call's text names."""
        if call.startswith("call ") and "@llvm." in call:
            head, _, arguments = call.removeprefix("call ").removeprefix("nsz ").partition("(")
            types = ", ".join(a.split()[0] for a in arguments.rstrip(")").split(", "))
            self.declarations[f"declare {head}({types})"] = None

    def cast(self, x: str, a: dtype, b: dtype) -> str:
        if a is b:
            return x
        s, t = _type(a), _type(b)
        if b is dtypes.bool_:
            return self.let(f"fcmp une {s} {x}, {_literal(0, a)}" if a.category == 2 else f"icmp ne {s} {x}, 0")
        if a.category == 2:
            if b.category == 2:
                return self.let(f"{'fpext' if b is dtypes.float64 else 'fptrunc'} {s} {x} to {t}")
            # Out of range is poison to LLVM: frozen, it is whatever the processor's conversion gives, as in PyTorch.
            wide = "i64" if b is dtypes.int64 else "i32"
            value = self.let(f"freeze {wide} {self.let(f'fptosi {s} {x} to {wide}')}")
            return value if wide == t else self.let(f"trunc {wide} {value} to {t}")
        if b.category == 2:
            return self.let(f"{'sitofp' if a.is_signed else 'uitofp'} {s} {x} to {t}")
        if a is not dtypes.bool_ and a.itemsize >= b.itemsize:
            return x if a.itemsize == b.itemsize else self.let(f"trunc {s} {x} to {t}")
        return self.let(f"{'sext' if a.is_signed else 'zext'} {s} {x} to {t}")

    # --------------------------------------------------------------------------------------------------- the module

    def module(self) -> str:
        parts = [f"define i32 @kernel(ptr %pointers, ptr %nest) {_WIDE} {{", *self.lines, "}"]
        parts += self.helpers.values()
        parts += self.declarations
        if not self.straight:
            parts.append(_HELPER_DECLARATIONS)
        if self.vector_symbols:
            kept = ", ".join(f"ptr @{s}" for s in self.vector_symbols)
            parts.append(f"@llvm.compiler.used = appending global [{len(self.vector_symbols)} x ptr] [{kept}], "
                         'section "llvm.metadata"')
        parts += [f"attributes #{number} = {{ {text} }}" for text, number in self.attributes.items()]
        parts += [f"!{number} = {text}" for number, text in enumerate(self.metadata)]
        return "\n".join(parts) + "\n"


# ----------------------------------------------------------------------------------------------------------- helpers

# LLVM avoids 512-bit vectors by default, for fear of lower clock rates. Here they are 1.2-2x faster than 256 bits on
# whatever computes (exp 405 -> 294 us, tanh 743 -> 352 us, 1e6 float32) and equal on what waits for memory.
_WIDE = '"prefer-vector-width"="512"'

_HELPER_DECLARATIONS = """\
declare i1 @tapegrad_advance(ptr, i64, ptr, ptr, i64, i64)
declare i64 @tapegrad_extent(ptr, i64, i64)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)"""

_IPOW = """\
define internal {t} @{name}({t} %x, {t} %y) noinline nounwind willreturn memory(none) {{
entry:
  %below = icmp slt {t} %y, 0
  %negative = and i1 %below, {signed}
  br i1 %negative, label %inverse, label %loop
inverse:  ; 1 / x**-y towards zero: only 1 and -1 leave anything
  %one = icmp eq {t} %x, 1
  %minus = icmp eq {t} %x, -1
  %bit = and {t} %y, 1
  %twice = shl {t} %bit, 1
  %sign = sub {t} 1, %twice
  %either = select i1 %minus, {t} %sign, {t} 0
  %unit = select i1 %one, {t} 1, {t} %either
  ret {t} %unit
loop:
  %r = phi {t} [1, %entry], [%r.next, %turn]
  %b = phi {t} [%x, %entry], [%b.next, %turn]
  %e = phi {t} [%y, %entry], [%e.next, %turn]
  %done = icmp eq {t} %e, 0
  br i1 %done, label %end, label %turn
turn:
  %low = and {t} %e, 1
  %odd = icmp ne {t} %low, 0
  %rb = mul {t} %r, %b
  %r.next = select i1 %odd, {t} %rb, {t} %r
  %b.next = mul {t} %b, %b
  %e.next = lshr {t} %e, 1
  br label %loop
end:
  ret {t} %r
}}"""

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
    for name, address in jit.load_object("helpers", code, ("tapegrad_extent", "tapegrad_advance")).items():
        jit.define_symbol(name, address)
