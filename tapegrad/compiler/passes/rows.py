"""Long rows: a kernel that goes over its row several times, as one step a pass.

A softmax over 10⁶ elements reduces its row twice before it writes it. Each pass by itself can be run block by block and
shared between threads (`blocks`); together they cannot, since no block may go on before all have reached the same pass.

The gradient of `logsumexp` is exp(x - result), and to get the result exp(x - peak) was computed: the one is the other
times exp(peak - result), a number a row. Those are kept, in the gradient's own place if nobody uses it in between.
"""
from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from tapegrad import dtypes
from tapegrad.compiler.passes.cuts import words_of
from tapegrad.compiler.passes.work import Work
from tapegrad.compiler.traced_program import LONG, Block, Item, Place, Step, kernel_of, space, writes
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter, loop_nests
from tapegrad.machine.live import machine
from tapegrad.ops.reduction import peak, shifted
from tapegrad.ops.scalar import row, scalar
from tapegrad.ops.symbols import Sym, compacted, rewrite, walk

_LARGEST = {d: dtypes.finfo(d).max for d in (dtypes.float32, dtypes.float64)}


def rows(work: Work) -> Work:
    """The same program with the passes over long rows as steps of their own; what they leave is added to `blocks`."""
    out: list[Item] = []
    blocks, steps = list(work.blocks), list(work.steps)
    for t, step in enumerate(steps):
        kernel = kernel_of(step)
        if not isinstance(step, Step) or kernel is None or not _divisible(kernel):
            out.append(step)
            continue
        kept, reduced = map(int, machine.memory(step.b, "i8", 2))
        loops_, count = kept + reduced, len(step.places)
        words = machine.memory(step.b, "i8", 2 + loops_ * (1 + count)).tolist()
        if math.prod(words[2 + kept:2 + loops_]) < LONG:
            out.append(step)
            continue
        passes = _Passes(step, kernel, kept, words, blocks)
        at = _gradient(steps, t, passes)
        if at is None:
            passes.all()
        else:
            steps[at] = passes.with_gradient(steps[at], steps[t + 1:at])
        out += passes.steps
    return work._replace(steps=out, blocks=blocks)


def _gradient(steps: Sequence[Item], t: int, passes: _Passes) -> int | None:
    """The step after the `logsumexp` of number t that computes exp(x - result) of the same x and result."""
    kernel = passes.kernel
    x = Sym.operand(0, kernel.region.inputs[0])
    if len(kernel.region.outputs) > 1 or kernel.region.values[0] is not shifted(x, peak(x, ()), ()) or (
            kernel.accumulate[0] or x.dtype not in _LARGEST):
        return None
    result, operand = steps[t].places
    read = {space(result), space(operand)}
    for at, step in enumerate(steps[t + 1:], t + 1):
        if isinstance(step, Step) and _weights(step, passes) is not None:
            return at
        if any(space(p) in read or (p.kind != "own" and operand.kind != "own") for p in writes(step)):
            return None
    return None


def _weights(step: Step, passes: _Passes) -> Sym | None:
    """exp(x - result) where a step computes just that for each x of the passes, or that and more."""
    kernel = kernel_of(step)
    if kernel is None or len(kernel.region.outputs) != 1 or kernel.region.per_row[0]:
        return None
    _, _, sizes, strides = words_of(step)
    given = list(zip(step.places[1:], kernel.region.inputs, strides[1:]))
    if sizes != passes.sizes or any(n.op in ("reduce", "index", "count") for n in walk(kernel.region.values)):
        return None
    wanted = [passes.operands[0], passes.target]
    return next((n for n in walk(kernel.region.values) if n.op == "exp" and n.args[0].op == "sub" and all(
        a.op == "operand" and given[a.value] == w for a, w in zip(n.args[0].args, wanted))), None)


def _divisible(kernel: emitter.Kernel) -> bool:
    nodes = list(walk(kernel.region.values))
    reduces = [n for n in nodes if n.op == "reduce"]
    if not reduces or any(n.op == "index" or str(n.value).startswith("arg") for n in nodes):
        return False
    return len(reduces) > 1 or not all(kernel.region.per_row)


class _Passes:
    """One kernel call that is taken apart. `operands` are what steps read: its own, then what earlier ones left."""

    def __init__(self, step: Step, kernel: emitter.Kernel, kept: int, words: list[int], blocks: list[Block]) -> None:
        region, loops_ = kernel.region, int(words[0] + words[1])
        self.step, self.kernel = step, kernel
        self.kept, self.sizes = kept, words[2:2 + loops_]
        self.strides = [words[2 + loops_ * (j + 1):2 + loops_ * (j + 2)] for j in range(len(step.places))]
        outputs = len(region.outputs)
        self.target = step.places[0], region.outputs[0], self.strides[0]
        self.blocks = blocks
        self.steps: list[Step] = []
        self.lines = step.lines
        self.operands = list(zip(step.places[outputs:], region.inputs, self.strides[outputs:]))
        self.left: dict[Sym, Sym] = {}  # a node that is the same along the row, as the operand an earlier step left
        self.constant: dict[Sym, bool] = {}
        self.done: dict[Sym, Sym] = {}

    def all(self) -> None:
        region = self.kernel.region
        for value, of, place, stride, once, add in zip(
                region.values, region.outputs, self.step.places, self.strides, region.per_row, self.kernel.accumulate):
            self.output(value, of, place, stride, once, add)

    def output(self, value: Sym, of: dtype, place: Place, stride: list[int], once: bool, add: bool) -> None:
        for node in walk((value,)):
            self.constant[node] = node.op in ("const", "reduce", "count") or (
                bool(node.args) and all(self.constant[a] for a in node.args))
        self.emit(self.rewritten(value) if once else self.along(value), of, place, stride, once, add)

    def with_gradient(self, gradient: Step, between: Sequence[Item]) -> Step:
        """A `logsumexp` whose exponentials stay, and the step that computed them again as one that takes these."""
        of = self.kernel.region.inputs[0]
        x: Any = Sym.operand(0, of)
        top = row.max(x, ())
        # With an infinity in the row all other exponentials are 0 that way, as they are of x - result.
        top = scalar.where(top == -math.inf, 0, scalar.minimum(top, _LARGEST[of]))
        weight, result = scalar.exp(x - top), shifted(x, top, ())
        strides = [math.prod(self.sizes[d + 1:]) * of.itemsize for d in range(len(self.sizes))]
        kernel, (_, _, _, own) = kernel_of(gradient), words_of(gradient)
        assert kernel is not None
        target = gradient.places[0]
        others = [*gradient.places[1:], *(p for s in between for p in s.places)]
        if target.kind != "own" or own[0] != strides or kernel.accumulate[0] or (
                kernel.region.outputs[0] is not of or any(space(p) == space(target) for p in others)):
            target = Place("own", len(self.blocks), 0)
            self.blocks.append(Block(0, math.prod(self.sizes) * of.itemsize))
        self.output(weight, of, target, strides, False, False)
        self.operands.append((target, of, strides))
        self.done[weight] = Sym.operand(len(self.operands) - 1, of)
        self.output(result, *self.target[1::-1], self.target[2], True, False)
        for node in walk((scalar.exp(top - result),)):
            self.constant[node] = True
        scale = self.operands[self.leave(self.rewritten(node), of).value]
        again, given = _weights(gradient, self), list(zip(gradient.places[1:], kernel.region.inputs, own[1:]))
        assert again is not None
        operands: list[Any] = [Sym.operand(len(given) + j, of) for j in range(2)]
        made = _Passes(gradient, kernel, len(self.sizes), [len(self.sizes), 0, *self.sizes, *itertools.chain(*own)], [])
        made.operands += [(target, of, strides), scale]
        (value,) = rewrite(kernel.region.values, {again: operands[0] * operands[1]}.get)
        made.emit(value, kernel.region.outputs[0], gradient.places[0], own[0], False, kernel.accumulate[0])
        return made.steps[0]

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
