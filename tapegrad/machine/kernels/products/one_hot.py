"""Products whose left matrix has no more than one number in a row: each row of the result is a multiple of one of b's.

Such are the cotangents of a Jacobian (the rows of an identity), diagonal matrices, permutations, and classes written as
rows. Looked at are the values, each time: of any other matrix one load and a comparison tell (16 x 16 x 16: no
difference), and of one with a second number far down, a pass over a.

What is left out are products with zeros, which are zeros where b is finite. Where it is not they are NaN, and the
product is computed like any other.
"""
from __future__ import annotations

from tapegrad.machine.kernels.products.product_writer import ProductWriter

FEWEST = 16  # rows, columns and depth from which it is looked at a


def write(text: ProductWriter) -> None:
    """The function @one_hot, which says whether it did one batch's product: c = d + a b, or a b."""
    _only(text)
    _finite(text)
    _multiple(text)
    with text.function("i1 @one_hot(ptr %a, i64 %ai, i64 %ak, ptr %b, i64 %bk, i64 %bj, ptr %c, i64 %ci, ptr %d, "
                       "i64 %di, i1 %add, i64 %m, i64 %n, i64 %k)"):
        large = text.let(f"icmp sge i64 {text.least(text.least('%m', '%n'), '%k')}, {FEWEST}")
        by_rows = text.let(f"icmp eq i64 %ak, {text.item}")
        text.line(f"br i1 {text.let(f'and i1 {large}, {by_rows}')}, label %look, label %no")
        text.label("look")
        with text.loop("%m") as i:
            place = text.let(f"call i64 @only(ptr {text.at('%a', (i, '%ai'))}, i64 %k)")
            text.line(f"br i1 {text.let(f'icmp slt i64 {place}, 0')}, label %no, label %on")
            text.label("on")
        along = text.let(f"icmp eq i64 %bj, {text.item}")
        stride = text.either(along, "%bk", "%bj")
        rows, length = text.either(along, "%k", "%n"), text.either(along, "%n", "%k")
        finite = text.let(f"call i1 @finite(ptr %b, i64 {stride}, i64 {rows}, i64 {length})")
        text.line(f"br i1 {finite}, label %pick, label %no")
        text.label("pick")
        with text.loop("%m") as i:
            row = text.at("%a", (i, "%ai"))
            place = text.let(f"call i64 @only(ptr {row}, i64 %k)")
            factor = text.let(f"load {text.t}, ptr {text.element(row, place, text.t)}, align {text.item}")
            text.line(f"call void @multiple({text.t} {factor}, ptr {text.at('%b', (place, '%bk'))}, i64 %bj, "
                      f"ptr {text.at('%c', (i, '%ci'))}, ptr {text.at('%d', (i, '%di'))}, i1 %add, i64 %n)")
        text.line("ret i1 true")
        text.label("no")
        text.line("ret i1 false")


def _only(text: ProductWriter) -> None:
    """Where the one number of a row is that is not zero; 0 in a row of zeros, -1 where there are several."""
    zeros = "zeroinitializer"
    with text.function("i64 @only(ptr %row, i64 %k)"):
        found = ["-1"]
        with text.summing("%k", text.lanes, "0", found, "i64") as i:
            (before,) = found
            mask = text.lanes_of(text.first(text.do("sub", "%k", i)))
            x = text.masked_load(text.element("%row", i, text.t), mask)
            there = text.let(f"fcmp une {text.v} {x}, {zeros}")
            bits = text.let(f"zext {text.bits} {text.let(f'bitcast {text.m} {there} to {text.bits}')} to i64")
            rest = text.do("and", bits, text.do("sub", bits, 1))  # without the first
            some, more = (text.let(f"icmp ne i64 {x}, 0") for x in (bits, rest))
            again = text.let(f"and i1 {some}, {text.let(f'icmp sge i64 {before}, 0')}")
            text.line(f"br i1 {text.let(f'or i1 {more}, {again}')}, label %several, label %on")
            text.label("on")
            first = text.let(f"call i64 @llvm.cttz.i64(i64 {bits}, i1 false)")
            found[:] = [text.either(some, text.do("add", i, first), before)]
        text.line(f"ret i64 {text.let(f'call i64 @llvm.smax.i64(i64 {found[0]}, i64 0)')}")
        text.label("several")
        text.line("ret i64 -1")


def _finite(text: ProductWriter) -> None:
    """Whether all numbers of some rows, which are contiguous, are finite: of others, x - x is NaN."""
    with text.function("i1 @finite(ptr %from, i64 %stride, i64 %rows, i64 %length)"):
        outer = ["zeroinitializer"]
        with text.summing("%rows", 1, "0", outer) as i:
            row, inner = text.at("%from", (i, "%stride")), list(outer)
            with text.summing("%length", text.lanes, "0", inner) as j:
                mask = text.lanes_of(text.first(text.do("sub", "%length", j)))
                x = text.masked_load(text.element(row, j, text.t), mask)
                inner[:] = [text.let(f"fadd {text.v} {inner[0]}, {text.let(f'fsub {text.v} {x}, {x}')}")]
            outer[:] = inner
        bad = text.let(f"fcmp uno {text.v} {outer[0]}, {outer[0]}")
        bits = text.let(f"bitcast {text.m} {bad} to {text.bits}")
        text.line(f"ret i1 {text.let(f'icmp eq {text.bits} {bits}, 0')}")


def _multiple(text: ProductWriter) -> None:
    """c = d + x b, or x b, of rows. To products zero is added, as FMAs from zero on do: that makes -0 a 0."""
    with text.function("void @multiple(%t %x, ptr %b, i64 %bj, ptr %c, ptr %d, i1 %add, i64 %n)".replace(
            "%t", text.t)):
        along = text.let(f"icmp eq i64 %bj, {text.item}")
        x = text.splat("%x", text.t)
        text.line(f"br i1 {along}, label %rows, label %columns")
        text.label("rows")
        with text.loop("%n", text.lanes) as j:
            mask = text.lanes_of(text.first(text.do("sub", "%n", j)))
            y = text.masked_load(text.element("%b", j, text.t), mask)
            z = text.let(f"fadd {text.v} {text.let(f'fmul {text.v} {x}, {y}')}, zeroinitializer")
            d = text.masked_load(text.element("%d", j, text.t),
                                 text.let(f"select i1 %add, {text.m} {mask}, {text.m} zeroinitializer"))
            z = text.either("%add", text.let(f"fadd {text.v} {d}, {z}"), z, text.v)
            text.masked_store(z, text.element("%c", j, text.t), mask)
        text.line("ret void")
        text.label("columns")
        with text.loop("%n") as j:
            y = text.let(f"load {text.t}, ptr {text.at('%b', (j, '%bj'))}, align {text.item}")
            z = text.let(f"fadd {text.t} {text.let(f'fmul {text.t} %x, {y}')}, 0.0")
            c = text.element("%c", j, text.t)
            d = text.either("%add", text.element("%d", j, text.t), c, "ptr")
            d = text.let(f"load {text.t}, ptr {d}, align {text.item}")
            z = text.either("%add", text.let(f"fadd {text.t} {d}, {z}"), z, text.t)
            text.line(f"store {text.t} {z}, ptr {c}, align {text.item}")
        text.line("ret void")
