"""What a step of a program is called in a profile, how many bytes it goes through, and how much it computes."""
from __future__ import annotations

import math
from collections import Counter
from typing import Any

from tapegrad.compiler.passes.cuts import words_of
from tapegrad.compiler.traced_program import Blocked, Loop, Step, lines_of
from tapegrad.compiler.waves import is_wave
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter, products
from tapegrad.machine.live import machine
from tapegrad.machine.llvm import jit
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.symbols import Sym, walk

_NAMES = 4  # operations that a name tells
_KINDS = {rec.ZEROED: "zeros", rec.CONSTANT: "constant", rec.GUARD: "check"}
_NO_OPERATION = {"operand", "const", "cast", "index", "count"}


class Cost(NamedTuple):
    """A step: its operations, the most frequent first; the type that it goes over; bytes moved, operations, lines.

    Bytes are those of each element of an operand once, scratch left out. Every arithmetic operation and function counts
    as one, a product's multiplications and additions each. Both are 0 where that is not known: sorting, LAPACK, Python.
    """

    name: str
    over: str
    moved: int
    flops: int
    lines: tuple[int, ...]


def cost_of(item: Step | Loop | Blocked | None) -> Cost:
    """The cost of one of `Program.items`; None copies what a run that breaks off takes back."""
    if item is None:
        return Cost("keep", "", 0, 0, ())
    if isinstance(item, Step):
        return _of_step(item, [True] * len(item.places))
    if isinstance(item, Loop):
        inner = [(item.turns, cost_of(step)) for step in item.steps]
        name, lines = f"loop {item.turns} ×", lines_of(item.steps)
    else:
        inner = [(run.turns, _of_step(Step(rec.KERNEL, call.kernel, call.nest, tuple(o.place for o in call.operands),
                                           b""), [not o.private for o in call.operands]))
                 for run in item.runs for call in run.calls]
        name, lines = f"{item.n_blocks} blocks", lines_of(item.calls)
    counts: Counter[str] = Counter()
    for turns, cost in inner:
        counts.update(dict.fromkeys(cost.name.removesuffix(" …").split(" "), turns))
    return Cost(f"{name} {_named(counts)}", max((c.over for _, c in inner), key=len, default=""),
                sum(turns * c.moved for turns, c in inner), sum(turns * c.flops for turns, c in inner), lines)


def _named(counts: Counter[str]) -> str:
    return " ".join([name for name, _ in counts.most_common(_NAMES)] + ["…"] * (len(counts) > _NAMES))


def _of_step(step: Step, counted: list[bool]) -> Cost:
    """The cost of a plain step, to whose bytes some of its operands count."""
    if step.kind in _KINDS:
        nbytes = step.b if step.kind == rec.ZEROED else len(step.content)
        return Cost(_KINDS[step.kind], "", nbytes, 0, step.lines)
    kernel, product = emitter.kernels.get(step.a), products.product(step.a)
    if kernel is not None:
        return _of_region(step, kernel, counted)
    if product is not None and product.by_nest:
        _, _, sizes, strides = words_of(step)
        flops = 2 * math.prod(sizes)
        moved = _moved(sizes, strides, [product.of] * len(strides), counted)
        return Cost("mm", _over(product.of, sizes), moved, flops, step.lines)
    name = jit.loaded.get(step.a, "Python").removesuffix(".kernel")
    return Cost("mm" if product is not None else name, "", 0, 0, step.lines)


def _of_region(step: Step, kernel: emitter.Kernel, counted: list[bool]) -> Cost:
    region, pattern, accumulate = kernel
    dtypes = [*region.outputs, *region.inputs]
    rows = 1
    sizes: list[int] = []
    strides: list[list[int]] = [[] for _ in dtypes]
    if pattern[0] == "@":
        turns, *by = machine.memory(step.b, "i8", 1 + len(dtypes)).tolist()
        sizes, strides = [turns], [[s] for s in by]
    elif is_wave(step):
        sizes = [int(machine.memory(step.b, "i8", 3)[2])]
        strides = [[of.itemsize] for of in dtypes]
    elif pattern != "1":
        kept, _, sizes, strides = words_of(step)
        rows = math.prod(sizes[:kept])
    elements = math.prod(sizes)
    # A value that is the same along a row is computed once for each.
    same: dict[Sym, bool] = {}
    for node in walk(region.values):
        same[node] = node.op in ("const", "reduce", "count") or (
            bool(node.args) and all(same[a] for a in node.args))
    nodes = [n for n in same if n.op not in _NO_OPERATION]
    flops = sum(rows if same[n] and n.op != "reduce" and len(sizes) else elements for n in nodes)
    names = Counter(f"{n.value}" if n.op == "reduce" else n.op for n in nodes)
    moved = _moved(sizes, strides, dtypes, counted)
    added = [a and c for a, c in zip(accumulate, counted)]
    moved += _moved(sizes, strides[:len(added)], dtypes[:len(added)], added)
    return Cost(_named(names) or "copy", _over(region.outputs[0], sizes), moved, flops + elements * sum(accumulate),
                step.lines)


def _moved(sizes: list[int], strides: list[list[int]], dtypes: list[dtype], counted: list[bool]) -> int:
    """The bytes of so many operands, each element once."""
    return sum(of.itemsize * math.prod(n for n, s in zip(sizes, stride) if s)
               for stride, of, here in zip(strides, dtypes, counted) if here)


def _over(of: dtype, sizes: list[Any]) -> str:
    return f"{of.short}[{','.join(map(str, sizes))}]"
