"""From a rule's graph to what LLVM knows: compositions rewritten, types and constants as text, reductions as steps."""
from __future__ import annotations

import functools
import math
import struct
import sys
from collections.abc import Callable, Sequence

from tapegrad import dtypes
from tapegrad.dtypes import dtype
from tapegrad.machine.llvm import jit
from tapegrad.ops.scalar import INTRINSICS
from tapegrad.ops.symbols import Sym, row, same_over, scalar, walk

# ---------------------------------------------------------------------------------------------------------- lowering

INLINE = ("sigmoid", "tanh")
SERIES = ("exp", "tanh")
REDUCES = ("reduce", "index", "count")


def lower(roots: Sequence[Sym]) -> list[Sym]:
    """Rewrite compositions until every node is an instruction, an LLVM intrinsic, a call or a reduction."""
    done: dict[Sym, Sym] = {}
    for node in walk(roots):
        args = tuple(done[a] for a in node.args)
        if node.op == "reduce" and node.value.startswith("arg"):
            done[node] = lower([_position_of(node.value[3:], args[0])])[0]
            continue
        form = column(node.op, args[0].dtype if node.op != "where" else node.dtype) if node.op in INTRINSICS else ""
        if callable(form):
            done[node] = lower([form(*args)])[0]
        else:
            done[node] = same_over(node, args)
    return [done[r] for r in roots]


def _position_of(extreme: str, x: Sym) -> Sym:
    """The first position of the row's extreme, or of its first NaN: two passes of vectors beat one of scalars."""
    x = x.cast(dtypes.uint8) if x.dtype is dtypes.bool_ else x
    hit = (x == getattr(row, extreme)(x)) | scalar.isnan(x)
    return row.min(scalar.where(hit, row.index(x), Sym.const((1 << 63) - 1, dtypes.int64)))


def column(op: str, d: dtype) -> str | Callable[..., Sym]:
    """The entry of the table's LLVM column for operands of dtype `d`; "inline" and "series" where the writer has
    instructions, of which only the latter give a single number the same digits."""
    if op in INLINE and d is dtypes.float32 and jit.fuses():
        return f"inline {op}"
    entries = INTRINSICS[op].llvm
    found = entries[min(2 - d.category, len(entries) - 1)]
    if found is None:
        raise TypeError(f"scalar.{op} is not defined for {d!r}")
    if isinstance(found, str) and "/" in found:
        return found.split("/")[not d.is_signed]
    if op in SERIES and d is dtypes.float64 and jit.fuses():
        return f"series {op}"
    return found


# --------------------------------------------------------------------------------------------------- types and text

_REGISTER = {"b8": "i1", "u8": "i8", "f32": "float", "f64": "double", "f16": "i16", "bf16": "i16"}  # halves are bits


def register_type(d: dtype) -> str:
    return _REGISTER.get(d.short, d.short)


def memory_type(d: dtype) -> str:
    return "i8" if d is dtypes.bool_ else register_type(d)


def literal(value: float, d: dtype) -> str:
    if d.arithmetic is not d:
        return str(int.from_bytes(dtypes.encoded(value, d).tobytes(), sys.byteorder))
    if d.category == 2:
        if value != value:
            return "0x7FF8000000000000"
        if d is dtypes.float32:  # LLVM writes floats as the doubles that hold them exactly
            value = float(d.numpy.type(value)) if abs(value) < 3.5e38 else math.copysign(math.inf, value)
        return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
    return str(int(value)) if d is not dtypes.bool_ else "true" if value else "false"


def accumulator(node: Sym) -> tuple[dtype, float, str]:
    """How a reduction runs: the dtype of its accumulator, where it starts, and its step (as in the LLVM column)."""
    d = node.args[0].dtype
    if node.value in ("sum", "prod"):
        wide = dtypes.float64 if d.category == 2 else dtypes.int64
        step = {"sum": "add", "prod": "mul"}[node.value]
        return wide, int(node.value == "prod"), f"f{step}" if d.category == 2 else step
    if d is dtypes.bool_:
        return d, node.value in ("all", "min"), "and" if node.value in ("all", "min") else "or"
    largest = node.value == "max"
    if d.category == 2:
        return d, -math.inf if largest else math.inf, f"@{node.value}imum"
    limits = dtypes.iinfo(d)
    return d, limits.min if largest else limits.max, f"@{'us'[d.is_signed]}{node.value}"


def is_call(form: str) -> bool:
    return form.startswith(("libm ", "power ", "call ", "linked ", "frem"))


def is_costly(form: str) -> bool:
    """Whether it takes many instructions, here or in a function."""
    return form.startswith(("series ", "inline ")) or is_call(form)


def calls_functions(values: Sequence[Sym]) -> bool:
    """Whether computing some values takes functions of a library, and not just instructions."""
    return any(_kinds_of(value)[0] for value in values)


def costs_much(values: Sequence[Sym]) -> bool:
    """Whether computing some values takes functions, of a library or written out."""
    return any(_kinds_of(value)[1] for value in values)


@functools.lru_cache(maxsize=1 << 12)
def _kinds_of(value: Sym) -> tuple[bool, bool]:
    """Whether a value takes functions of a library, and whether any: passes ask time and again."""
    forms = [column(n.op, n.dtype if n.op == "where" else n.args[0].dtype)
             for n in walk(lower([value])) if n.op in INTRINSICS]
    named = [form for form in forms if isinstance(form, str)]
    return any(is_call(form) or form.startswith("inline ") for form in named), any(map(is_costly, named))


def type_suffix(d: dtype) -> str:
    return d.short if d in dtypes.FLOATING else register_type(d)


@functools.cache
def vector_bytes() -> tuple[int, bool]:
    """The width of the host's vector registers, and whether it has masks for every element size."""
    features = jit.host()[2].split(",")
    if "+avx512bw" in features and "+avx512vl" in features:
        return 64, True
    return (32 if "+avx2" in features else 16), False
