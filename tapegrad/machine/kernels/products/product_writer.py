"""The text of matrix products: loops, addresses and masks, common to `gemm` and `gemv`; and their object code."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

from tapegrad.dtypes import dtype
from tapegrad.machine.kernels.instruction_writer import Writer
from tapegrad.machine.kernels.lowering import register_type, vector_bytes
from tapegrad.machine.llvm import cache, jit
from tapegrad.named_tuples import NamedTuple

__all__ = ["Addresses", "Product", "ProductWriter", "build", "known", "load", "product"]

Addresses = tuple[int, int]  # of the kernels that store and that add a product
ENTRIES = {"store": "i1 false", "add": "i1 true"}  # what is exported, and how it calls the function of all


class Product(NamedTuple):
    """What a kernel of matrix products does: it adds to what is there or stores it, and is told sizes by a nest or as
    BLAS is."""

    of: dtype
    adds: bool
    by_nest: bool


_known: dict[int, Product] = {}  # by address


def build(name: str, source: Callable[[dtype, int], str], of: dtype) -> bytes | None:
    """The object code of the kernels that `source` writes for a vector width, from the disk cache or from LLVM.

    None where vectors are shorter than 32 bytes: BLAS has to do it.
    """
    if vector_bytes()[0] < 32:
        return None
    return cache.obtain(f"{name} {of.short}",
                        lambda: jit.compile_ir(source(of, vector_bytes()[0]), 1, optimise=False))


def load(name: str, source: Callable[[dtype, int], str], of: dtype, entries: Mapping[str, str] = ENTRIES
         ) -> dict[str, int] | None:
    """The addresses of the kernels; None where BLAS has to do it."""
    code = build(name, source, of)
    if code is None:
        return None
    found = jit.load_object(name, code, [*entries], ())
    for symbol, address in found.items():
        jit.sources[address] = symbol, lambda: source(of, vector_bytes()[0])
        _known[address] = Product(of, symbol == "add", True)
    return found


def known(of: dtype, store: int, add: int) -> Addresses:
    """BLAS's kernels that store and that add a product, from now on known as such."""
    _known.update({address: Product(of, address == add, False) for address in (store, add)})
    return store, add


def product(address: int) -> Product | None:
    """What a kernel does that is one of matrix products, BLAS's or ours; None of any other."""
    return _known.get(address)


class ProductWriter(Writer):
    """The text of the kernels for one dtype and vector width."""

    item: int
    lanes: int
    t: str
    suffix: str
    v: str
    m: str
    bits: str

    def __init__(self, of: dtype, width: int) -> None:
        super().__init__()
        self.item, self.lanes = of.itemsize, width // of.itemsize
        self.t, self.suffix = register_type(of), f"v{self.lanes}{of.short}"
        self.v, self.m, self.bits = self.vector(self.t), self.vector("i1"), f"i{self.lanes}"

    def whole(self, *more: str, entries: Mapping[str, str] = ENTRIES) -> str:
        """The module: what was written, the entries, and all they refer to."""
        for name, how in entries.items():
            with self.function(f"i32 @{name}(ptr %pointers, ptr %nest)"):
                self.line(f"call void @product(ptr %pointers, ptr %nest, {how})")
                self.line("ret i32 0")
        v, m = self.v, self.m
        return "\n".join([
            *self.lines, *more,
            f"declare {v} @llvm.fma.{self.suffix}({v}, {v}, {v})",
            f"declare {v} @llvm.masked.load.{self.suffix}.p0(ptr, i32, {m}, {v})",
            f"declare void @llvm.masked.store.{self.suffix}.p0({v}, ptr, i32, {m})",
            "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)",
            "declare i64 @llvm.smin.i64(i64, i64)",
            "declare i64 @llvm.smax.i64(i64, i64)",
            "declare i64 @llvm.cttz.i64(i64, i1)",
            "declare ptr @aligned_alloc(i64, i64)",
            "declare void @free(ptr)\n",
        ])

    def nest(self) -> tuple[str, ...]:
        """The words of the nest after [3, 1], and the three pointers."""
        return (*(self.let(f"load i64, ptr {self.element('%nest', i)}") for i in range(2, 18)),
                *(self.let(f"load ptr, ptr {self.element('%pointers', i, 'ptr')}") for i in range(3)))

    # ------------------------------------------------------------------------------------------------- text pieces

    @contextlib.contextmanager
    def function(self, head: str) -> Iterator[None]:
        linkage = "" if head.startswith("i32") else "internal "
        self.lines.append(f'define {linkage}{head} nounwind "prefer-vector-width"="512" {{')
        self.label("entry")
        yield
        self.lines.append("}")

    @contextlib.contextmanager
    def loop(self, end: str, step: int | str = 1, start: str = "0") -> Iterator[str]:
        """for i in range(start, end, step)"""
        name = self.name()
        self.jump(f"{name}.before")
        self.jump(f"{name}.head")
        self.line(f"%{name} = phi i64 [{start}, %{name}.before], [%{name}.next, %{name}.latch]")
        self.line(f"%{name}.more = icmp slt i64 %{name}, {end}")
        self.line(f"br i1 %{name}.more, label %{name}.body, label %{name}.end")
        self.label(f"{name}.body")
        yield f"%{name}"
        self.jump(f"{name}.latch")
        self.line(f"%{name}.next = add i64 %{name}, {step}")
        self.line(f"br label %{name}.head")
        self.label(f"{name}.end")

    @contextlib.contextmanager
    def summing(self, end: str, step: int, start: str, sums: list[str], of: str = "") -> Iterator[str]:
        """The same loop with vectors (`of` a type) that go from turn to turn: the body replaces them in `sums`."""
        first, phis, name = list(sums), len(self.lines), ""
        with self.loop(end, step, start) as i:
            name = i[1:]
            sums[:] = [f"%{name}.{j}" for j in range(len(sums))]
            yield i
            last = list(sums)
        at = next(n for n in range(phis, len(self.lines)) if self.lines[n].lstrip().startswith(f"{i} = phi"))
        self.lines[at:at] = [f"  %{name}.{j} = phi {of or self.v} [{x}, %{name}.before], [{y}, %{name}.latch]"
                             for j, (x, y) in enumerate(zip(first, last))]
        sums[:] = [f"%{name}.{j}" for j in range(len(sums))]

    @contextlib.contextmanager
    def when(self, condition: str) -> Iterator[None]:
        name = self.name()
        self.line(f"br i1 {condition}, label %{name}.then, label %{name}.end")
        self.label(f"{name}.then")
        yield
        self.jump(f"{name}.end")

    def do(self, operation: str, x: int | str, y: int | str) -> str:
        return self.let(f"{operation} i64 {x}, {y}")

    def least(self, x: int | str, y: int | str) -> str:
        return self.let(f"call i64 @llvm.smin.i64(i64 {x}, i64 {y})")

    def either(self, condition: str, x: int | str, y: int | str, t: str = "i64") -> str:
        return self.let(f"select i1 {condition}, {t} {x}, {t} {y}")

    def at(self, base: str, *terms: tuple[int | str, int | str]) -> str:
        """base + the products of the terms, in bytes"""
        for i, stride in terms:
            base = self.element(base, self.do("mul", i, stride), "i8")
        return base

    def slot(self, base: str, v: int) -> str:
        """The v-th vector from `base` on."""
        return self.element(base, v * self.lanes * self.item, "i8")

    def prefetch(self, at: str) -> None:
        self.line(f"call void @llvm.prefetch.p0(ptr {at}, i32 0, i32 3, i32 1)")

    def masked_load(self, at: str, mask: str) -> str:
        return self.let(f"call {self.v} @llvm.masked.load.{self.suffix}.p0(ptr {at}, i32 {self.item}, {self.m} {mask}, "
                        f"{self.v} zeroinitializer)")

    def masked_store(self, value: str, at: str, mask: str) -> None:
        self.line(f"call void @llvm.masked.store.{self.suffix}.p0({self.v} {value}, ptr {at}, i32 {self.item}, "
                  f"{self.m} {mask})")

    def lanes_of(self, bits: str) -> str:
        return self.let(f"bitcast {self.bits} {bits} to {self.m}")

    def first(self, count: str) -> str:
        """The bits of the first `count` lanes; none below zero, all from `lanes` on."""
        count = self.least(self.let(f"call i64 @llvm.smax.i64(i64 {count}, i64 0)"), self.lanes)
        beyond = self.do("shl", -1, count)
        return self.let(f"trunc i64 {self.do('xor', beyond, -1)} to {self.bits}")

    def balanced(self, size: str, most: int, unit: int = 1) -> str:
        """The smallest multiple of `unit` that goes into `size` no more often, rounded up, than `most` does."""
        size = self.let(f"call i64 @llvm.smax.i64(i64 {size}, i64 1)")
        times = self.do("udiv", self.do("add", size, most - 1), most)
        times = self.do("mul", times, unit)
        return self.do("mul", self.do("udiv", self.do("add", size, self.do("sub", times, 1)), times), unit)
