"""The text of the functions that CPython calls: two lines each, which call the machine with an opcode."""
from __future__ import annotations

from collections.abc import Sequence

from tapegrad.machine import records as rec
from tapegrad.named_tuples import NamedTuple

RECALLED, MAX_RECALLED = 4096, 512  # methods with recipes: where their Python functions are in the table, and how many


class Slots(NamedTuple):
    """What an operation's trampolines are called with: its opcode, method name, and operator slots."""

    opcode: int
    name: str
    methods: Sequence[str]
    operators: Sequence[str]
    doc: str
    inplace: bool = False


COMPARISONS = ("lt", "le", "eq", "ne", "gt", "ge")  # in the order of Py_LT … Py_GE
C_ONLY = {
    "allocate": "u(uu)", "release": "i(uuu)", "reclaim": "u()", "mark": "u(uuuu)", "narrow": "i(uuu)", "check": "u(u)",
    "check_again": "u(uu)", "last_uses": "u(uu)", "describe": "u(uuuuu)",
    "replay_unlocked": "u(uu)", "finish": "i(uu)", "take_gradient": "u(uI)", "settle": "u(u)",
    "replay_forward": "u(uuu)",
    "end_at": "i(uuu)", "stop_below": "i(uuu)", "let_reuse": "i(uu)", "carry_out": "i(uu)", "unit_seed": "u(uI)",
}
_LLVM = {"u": "i64", "i": "i32", "I": "i32"}


def _boxed(name: str, kind: str) -> str:
    """A METH_FASTCALL function of integers around a native one: ints in, an int out."""
    result, arguments = kind[0], kind[2:-1]
    lines = [f"define internal ptr @box_{name}(ptr %self, ptr %args, i64 %n) nounwind {{"]
    passed = []
    for i, a in enumerate(arguments):
        lines += [
            f"  %p{i} = getelementptr ptr, ptr %args, i64 {i}",
            f"  %o{i} = load ptr, ptr %p{i}",
            f"  %l{i} = call i64 @PyLong_AsUnsignedLongLong(ptr %o{i})",
        ]
        if _LLVM[a] == "i32":
            lines.append(f"  %t{i} = trunc i64 %l{i} to i32")
            passed.append(f"i32 %t{i}")
        else:
            passed.append(f"i64 %l{i}")
    lines.append(f"  %r = call {_LLVM[result]} @tapegrad_{name}({', '.join(passed)})")
    if _LLVM[result] == "i32":
        lines.append("  %w = zext i32 %r to i64")
    value = "%w" if _LLVM[result] == "i32" else "%r"
    lines += [f"  %b = call ptr @PyLong_FromUnsignedLongLong(i64 {value})", "  ret ptr %b", "}"]
    declared = ", ".join(_LLVM[a] for a in arguments)
    return f"declare {_LLVM[result]} @tapegrad_{name}({declared})\n" + "\n".join(lines) + "\n"


_PREAMBLE = """
declare i64 @PyLong_AsUnsignedLongLong(ptr)
declare ptr @PyLong_FromUnsignedLongLong(i64)
declare i64 @tapegrad_invoke(i32, i32, i64, i64, i64)
declare i64 @tapegrad_invoke_method(i32, i32, i64, i64, i64, i64)
declare i64 @tapegrad_invoke_inplace(i32, i32, i64, i64, i64)
declare i64 @tapegrad_invoke_inplace_method(i32, i32, i64, i64, i64, i64)
declare i64 @tapegrad_invoke_alias(i32, i64, i64, i64)
declare i64 @tapegrad_invoke_alias_method(i32, i64, i64, i64, i64)
declare i64 @tapegrad_recall_method(i64, i64, i64, i64, i64)
declare i64 @tapegrad_operator(i32, i64, i64)
declare i64 @tapegrad_unary_operator(i32, i64)
declare i64 @tapegrad_inplace(i32, i64, i64)
declare void @Py_IncRef(ptr)
@_Py_NoneStruct = external global i8
@_Py_NotImplementedStruct = external global i8
"""
# pow() hands over a third operand, None unless there is one.
_POWER = """define internal i64 @nb_power(i64 %a, i64 %b, i64 %mod) nounwind {{
  %none = ptrtoint ptr @_Py_NoneStruct to i64
  %plain = icmp eq i64 %mod, %none
  br i1 %plain, label %power, label %refuse
power:
  %r = tail call i64 @tapegrad_operator(i32 {opcode}, i64 %a, i64 %b)
  ret i64 %r
refuse:
  call void @Py_IncRef(ptr @_Py_NotImplementedStruct)
  %no = ptrtoint ptr @_Py_NotImplementedStruct to i64
  ret i64 %no
}}
"""


def text_of(operations: Sequence[Slots]) -> tuple[str, list[str]]:
    """The functions CPython calls, an opcode each; they differ in nothing but that number."""
    out = [_PREAMBLE]
    names = []
    compare: dict[str, int] = {}

    def define(name: str, signature: str, body: str) -> None:
        out.append(f"define internal i64 @{name}({signature}) nounwind {{\n"
                   f"  %r = tail call i64 {body}\n  ret i64 %r\n}}\n")
        names.append(name)

    for o in operations:
        invoke = "invoke_inplace" if o.inplace else "invoke"
        define(f"function_{o.opcode}", "i64 %m, i64 %args, i64 %n, i64 %kw",
               f"@tapegrad_{invoke}(i32 {o.opcode}, i32 {o.opcode}, i64 %args, i64 %n, i64 %kw)")
        if o.methods:
            define(f"method_{o.opcode}", "i64 %self, i64 %args, i64 %n, i64 %kw",
                   f"@tapegrad_{invoke}_method(i32 {o.opcode}, i32 {o.opcode + rec.METHODS}, i64 %self, i64 %args, "
                   "i64 %n, i64 %kw)")
        for slot in o.operators:
            if slot in COMPARISONS:
                compare[slot] = o.opcode
            elif slot.startswith("nb_inplace"):
                extra = ", i64 %mod" if slot == "nb_inplace_power" else ""
                define(slot, f"i64 %a, i64 %b{extra}", f"@tapegrad_inplace(i32 {o.opcode}, i64 %a, i64 %b)")
            elif slot in ("nb_absolute", "nb_invert", "nb_negative"):
                define(slot, "i64 %a", f"@tapegrad_unary_operator(i32 {o.opcode}, i64 %a)")
            elif slot == "nb_power":
                out.append(_POWER.format(opcode=o.opcode))
                names.append(slot)
            else:
                define(slot, "i64 %a, i64 %b", f"@tapegrad_operator(i32 {o.opcode}, i64 %a, i64 %b)")
    if compare:
        codes = ", ".join(f"i32 {compare[c]}" for c in COMPARISONS)
        out.append(f"@comparisons = internal constant [6 x i32] [{codes}]\n")
        out.append("define internal i64 @tp_richcompare(i64 %a, i64 %b, i32 %op) nounwind {\n"
                   "  %p = getelementptr [6 x i32], ptr @comparisons, i32 0, i32 %op\n"
                   "  %code = load i32, ptr %p\n"
                   "  %r = tail call i64 @tapegrad_operator(i32 %code, i64 %a, i64 %b)\n  ret i64 %r\n}\n")
        names.append("tp_richcompare")
    for k in range(MAX_RECALLED):
        define(f"recalled_{k}", "i64 %self, i64 %args, i64 %n, i64 %kw",
               f"@tapegrad_recall_method(i64 {RECALLED + k}, i64 %self, i64 %args, i64 %n, i64 %kw)")
    for k in range(rec.MAX_ALIASED):
        define(f"alias_{k}", "i64 %m, i64 %args, i64 %n, i64 %kw",
               f"@tapegrad_invoke_alias(i32 {rec.ALIASED + k}, i64 %args, i64 %n, i64 %kw)")
        define(f"alias_method_{k}", "i64 %self, i64 %args, i64 %n, i64 %kw",
               f"@tapegrad_invoke_alias_method(i32 {rec.ALIASED + k}, i64 %self, i64 %args, i64 %n, i64 %kw)")
    for name, kind in C_ONLY.items():
        out.append(_boxed(name, kind))
        names.append(f"box_{name}")
    # One table, for a symbol takes as long to look up as all its entries to read.
    out.append(f"@trampolines = constant [{len(names)} x ptr] [{', '.join(f'ptr @{name}' for name in names)}]\n")
    return "".join(out), names
