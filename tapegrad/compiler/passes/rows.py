"""Long rows: a kernel that goes over its row several times, as one step a pass.

A softmax over 10⁶ elements reduces its row twice before it writes it. Each pass by itself can be run block by block and
shared between threads (`blocks`); together they cannot, since no block may go on before all have reached the same pass.
"""
from __future__ import annotations

import math

from tapegrad.compiler.passes.work import Work
from tapegrad.compiler.traced_program import LONG, Block, Item, Place, Step, kernel_of
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter, loop_nests
from tapegrad.machine.live import machine
from tapegrad.ops.symbols import Sym, compacted, walk


def rows(work: Work) -> Work:
    """The same program with the passes over long rows as steps of their own; what they leave is added to `blocks`."""
    out: list[Item] = []
    blocks = list(work.blocks)
    for step in work.steps:
        kernel = kernel_of(step)
        if not isinstance(step, Step) or kernel is None or not _divisible(kernel):
            out.append(step)
            continue
        kept, reduced = map(int, machine.memory(step.b, "i8", 2))
        loops_, count = kept + reduced, len(step.places)
        words = machine.memory(step.b, "i8", 2 + loops_ * (1 + count)).tolist()
        if math.prod(words[2 + kept:2 + loops_]) < LONG:
            out.append(step)
        else:
            out += _Passes(step, kernel, kept, words, blocks).steps
    return work._replace(steps=out, blocks=blocks)


def _divisible(kernel: emitter.Kernel) -> bool:
    nodes = list(walk(kernel.region.values))
    reduces = [n for n in nodes if n.op == "reduce"]
    if not reduces or any(n.op == "index" or str(n.value).startswith("arg") for n in nodes):
        return False
    return len(reduces) > 1 or not all(kernel.region.per_row)


class _Passes:
    """One kernel call taken apart. `operands` are what the steps read: the call's own, then what earlier steps left."""

    def __init__(self, step: Step, kernel: emitter.Kernel, kept: int, words: list[int], blocks: list[Block]) -> None:
        region, loops_ = kernel.region, int(words[0] + words[1])
        self.kept, self.sizes = kept, words[2:2 + loops_]
        strides = [words[2 + loops_ * (j + 1):2 + loops_ * (j + 2)] for j in range(len(step.places))]
        outputs = len(region.outputs)
        self.blocks = blocks
        self.steps: list[Step] = []
        self.lines = step.lines
        self.operands = list(zip(step.places[outputs:], region.inputs, strides[outputs:]))
        self.left: dict[Sym, Sym] = {}  # a node that is the same along the row, as the operand an earlier step left
        self.constant: dict[Sym, bool] = {}
        for node in walk(region.values):
            self.constant[node] = node.op in ("const", "reduce", "count") or (
                bool(node.args) and all(self.constant[a] for a in node.args))
        self.done: dict[Sym, Sym] = {}
        for value, of, place, stride, once, add in zip(
                region.values, region.outputs, step.places, strides, region.per_row, kernel.accumulate):
            self.emit(self.rewritten(value) if once else self.along(value), of, place, stride, once, add)

    def along(self, node: Sym) -> Sym:
        """A node as a pass over the row computes it: what is the same along the row was computed before."""
        if node.op in ("operand", "const"):
            return node
        if self.constant[node]:
            if node not in self.left:
                self.left[node] = self.leave(self.rewritten(node), node.dtype)
            return self.left[node]
        if node not in self.done:
            self.done[node] = Sym(node.op, tuple(self.along(a) for a in node.args), node.dtype, node.value)
        return self.done[node]

    def rewritten(self, node: Sym) -> Sym:
        """A node that is the same along the row, over what reductions left."""
        if node.op == "count":
            return Sym.const(math.prod(self.sizes[self.kept:]), node.dtype)
        if node.op == "reduce":
            if node not in self.left:
                value = Sym("reduce", (self.along(node.args[0]),), node.dtype, node.value)
                self.left[node] = self.leave(value, node.dtype)
            return self.left[node]
        if not node.args:
            return node
        return Sym(node.op, tuple(self.rewritten(a) for a in node.args), node.dtype, node.value)

    def leave(self, value: Sym, of: dtype) -> Sym:
        """A step that leaves a value of each row in a block of its own."""
        strides, size = [0] * len(self.sizes), of.itemsize
        for d in range(self.kept - 1, -1, -1):
            strides[d], size = size, size * self.sizes[d]
        place = Place("own", len(self.blocks), 0)
        self.blocks.append(Block(0, size))
        self.emit(value, of, place, strides, True, False)
        self.operands.append((place, of, strides))
        return Sym.operand(len(self.operands) - 1, of)

    def emit(self, value: Sym, of: dtype, target: Place, stride: list[int], once: bool, add: bool) -> None:
        """A step that stores `value`; over the kept loops only, where it neither reduces nor writes along the row."""
        reduces = any(n.op == "reduce" for n in walk((value,)))
        used, (compact,) = compacted((value,))
        chosen = [self.operands[u] for u in used]
        region = emitter.Region(tuple(d for _, d, _ in chosen), (compact.cast(of),), (of,), (once and reduces,))
        shape = self.sizes if reduces or not once else self.sizes[:self.kept]
        nest = loop_nests.build(shape, [s[:len(shape)] for s in (stride, *(s for _, _, s in chosen))],
                           [of.itemsize, *(d.itemsize for _, d, _ in chosen)],
                           range(self.kept, len(shape)) if reduces else (), reduces)
        kernel = emitter.compile_region(region, nest.pattern, (add,))
        self.steps.append(Step(rec.KERNEL, kernel, machine.keep_nest(nest.words.tolist()),
                               (target, *(p for p, _, _ in chosen)), b"", self.lines))
