"""Structured operations: rules run on `traced` values, every operation they name becoming steps of one program.

`Lowering` is the builder as such a rule sees it: results to fill, and the kernels that fill them.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes, shapes
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter, loop_nests, structural
from tapegrad.machine.kernels.structural import READ, check_nest, walk_nest
from tapegrad.machine.planning import thread_cuts
from tapegrad.machine.planning.layouts import Layout
from tapegrad.machine.planning.operation_kinds import Kind
from tapegrad.machine.planning.plan import KEEPS_RESULT, Plan, Pointer, Step, byte_strides
from tapegrad.machine.planning.rule_tracing import result_type
from tapegrad.machine.planning.step_builder import Builder, emit, is_sum
from tapegrad.machine.planning.structured_factoring import Factoring
from tapegrad.machine.planning.structured_loops import Looping
from tapegrad.machine.planning.structured_values import Copy, Deferred, Expression, Product, Traced
from tapegrad.machine.startup import require_memory
from tapegrad.ops.declaration import Operation
from tapegrad.ops.scalar import row
from tapegrad.ops.symbols import Sym


class Lowering(Looping, Factoring):
    """The builder as a structured rule sees it: results to fill, and the kernels that fill them."""

    both: bool

    def result_like(self, x: Traced) -> Traced:
        """A result that starts as a copy of `x`; the memory of `x` itself in the in-place form."""
        if self.inplace:
            return Traced(self, Pointer(rec.TARGET), x.layout)
        out = self.blank_like(x)
        self.copy_into(out, x)
        return out

    def constant(self, value: Any, x: Traced) -> Traced:
        """A number in the dtype of `x`."""
        return Expression(self, Sym.const(value, x.dtype), (), ())

    def added(self, x: Traced, product: Product) -> Traced:
        """x + product, the product added by its own kernel where x was copied to, if it has one."""
        if is_sum(product.layout, product.left.shape[-1]):
            return Expression.of("add", (x, product))
        out = self.result(x.dtype, product.shape)
        self.added_into(out, x, product)
        return out

    def added_into(self, out: Traced, x: Traced, product: Product) -> None:
        """The same where a part of the result is."""
        if is_sum(product.layout, product.left.shape[-1]):
            self.copy_into(out, Expression.of("add", (x, product)))
            return
        if not product.squeezed and self.product_onto(out.place(), x.place(), product.left.place(),
                                                      product.right.place()):
            return
        self.copy(out.place(), x.place())
        before = len(self.steps)
        product.write(*out.place(), False)
        for i in range(before, len(self.steps)):
            step = self.steps[i]
            if step.pointers[0].source == rec.TARGET:
                self.steps[i] = step.adding()

    def write(self, target: Traced, value: Traced) -> None:
        """Compute a value where it is to be."""
        value.write(*target.place(), False)

    @staticmethod
    def promoted(values: Sequence[Traced]) -> dtype:
        return result_type([v.layout for v in values])

    def room_for(self, of: dtype, shape: Sequence[int]) -> Traced:
        """Room for an intermediate value that the rule fills itself."""
        layout = self.layouts.intern(of, tuple(shape))
        return Traced(self, Pointer(self.temporary(layout)), layout)

    def elements(self, outputs: Sequence[Traced], inputs: Sequence[Traced], rule: Callable[..., Sequence[Any]],
                 adds: bool = False) -> None:
        """One kernel for several outputs of one shape: what `rule` says of the inputs' elements, stored or added."""
        types, made = (tuple(x.dtype for x in xs) for xs in (inputs, outputs))
        values = rule(*(Sym.operand(j, d) for j, d in enumerate(types)))
        shape, no = outputs[0].shape, (False,) * len(outputs)
        strides = [byte_strides(x.layout, shapes.expanded_strides(x.shape, x.layout.strides, shape))
                   for x in (*outputs, *inputs)]
        nest = loop_nests.build(shape, strides, [d.itemsize for d in (*made, *types)])
        region = emitter.Region(types, tuple(v.cast(d) for v, d in zip(values, made)), made, no)
        store, add = (emitter.compile_region(region, nest.pattern, (a,) * len(outputs)) for a in (adds, True))
        cut = thread_cuts.cut(region, nest.pattern, nest.words, True)
        self.steps.append(Step(store, add, nest.words, tuple(x.pointer for x in (*outputs, *inputs)), cut=cut,
                               patient=True))

    def read_into(self, target: Traced, source: Traced, strides: shapes.Shape, offset: int) -> None:
        """Copy what (strides, offset) reads of `source`, backwards where a stride is negative."""
        at, how = source.place()
        pointer = Pointer(at.source, at.offset + offset * how.dtype.itemsize)
        before, self.both = self.both, True
        emit(self, Sym.operand(0, how.dtype), target.shape, (target.pointer, target.dtype, target.layout.strides),
             [(pointer, how.dtype, strides)], (), False)
        self.both = before

    def add_into(self, target: Traced, shape: shapes.Shape, strides: shapes.Shape, offset: int, source: Traced) -> None:
        """Add `source` to the part of `target` that (shape, strides, offset) views, summing where it repeats."""
        d = target.dtype
        reduced = [i for i, (n, s) in enumerate(zip(shape, strides)) if n > 1 and s == 0]
        value = Sym.operand(0, source.dtype)
        before, self.both = self.both, True
        emit(self, row.sum(value, ()) if reduced else value, shape,
             (Pointer(target.pointer.source, target.pointer.offset + offset * d.itemsize), d, strides),
             [(source.pointer, source.dtype, source.layout.strides)], reduced, bool(reduced))
        self.both = before
        self.steps.append(self.steps.pop().adding())

    def indexed(self, mode: str, base: Traced, base_strides: shapes.Shape, value: Traced, shape: shapes.Shape,
                indices: Sequence[tuple[Traced, shapes.Shape, int]], wrap: bool = False) -> None:
        """Read `value` from `base`, or combine it into `base`, at places that index operands move along axes.

        `shape` is what is walked; `base_strides` has a stride an axis of it (0 along axes that an index moves on), and
        each index is (operand, its strides over `shape`, the axis of `base` it counts along).
        """
        indices = [(i if i.layout.contiguous else Copy(i), strides, axis) for i, strides, axis in indices]
        item = base.dtype.itemsize
        own = shapes.expanded_strides(value.shape, value.layout.strides, shape)
        ends = ((value.pointer, [s * item for s in own]), (base.pointer, [s * item for s in base_strides]))
        if mode != READ:
            ends = ends[::-1]
        nest = walk_nest(shape, [*(strides for _, strides in ends), *([s * 8 for s in own] for _, own, _ in indices)],
                         [(base.layout.strides[axis] * item, base.shape[axis]) for _, _, axis in indices])
        for i, _, axis in indices:
            self.require(i, axis, base.shape[axis], wrap)
        kernel = structural.indexed(mode, base.dtype)
        self.steps.append(Step(kernel, 0 if mode == READ else kernel, nest,
                               (*(pointer for pointer, _ in ends), *(i.pointer for i, _, _ in indices)), patient=True))

    def require(self, indices: Traced, axis: int, size: int, wrap: bool = False, exempt: int | None = None) -> None:
        """Refuse indices along an axis that lie outside of it, but for one value that is `exempt`."""
        indices = indices if indices.layout.contiguous else Copy(indices)
        nest = check_nest(indices.layout.numel, size, wrap, exempt)
        self.steps.append(Step(structural.in_range(), 0, nest, (indices.pointer,), (axis, size)))

    def scan(self, mode: str, x: Traced, dim: int, of: dtype, reverse: bool = False) -> Traced:
        """A running reduction along `dim`, from its end when `reverse`."""
        return self._along(structural.scan(mode, x.dtype), dim, of, reverse, x)

    def recurrence(self, a: Traced, b: Traced, dim: int, reverse: bool, lag: bool) -> Traced:
        """y[i] = a[i] + b[i] y[i - 1] along `dim`, from its end when `reverse`; b of the one before with `lag`."""
        return self._along(structural.recurrence(lag, a.dtype), dim, a.dtype, reverse, a, b)

    def _along(self, kernel: int, dim: int, of: dtype, reverse: bool, *xs: Traced) -> Traced:
        """A step whose kernel goes along `dim` of the operands and the result, which have one shape."""
        x = xs[0]
        out = self.result(of, x.shape)
        order = [d for d in range(x.ndim) if d != dim] + [dim]
        n = x.shape[dim]
        words: list[int] = [x.ndim, *(x.shape[d] for d in order)]
        pointers = []
        for t in (out, *xs):
            sign = -1 if reverse else 1
            item = t.dtype.itemsize
            at, layout = t.place()
            words += [layout.strides[d] * item * (sign if d == dim else 1) for d in order]
            start = (n - 1) * layout.strides[dim] * item if reverse and n else 0
            pointers.append(Pointer(at.source, at.offset + start))
        self.steps.append(Step(kernel, 0, np.array(words, "i8"), tuple(pointers), patient=True))
        return out

    def positions(self, mode: str, x: Traced, dim: int, take: int, flag: bool) -> Traced:
        """Positions along `dim` in the order of its elements, of which `take` are wanted."""
        out = self.result(dtypes.int64, (*x.shape[:dim], take, *x.shape[dim + 1:]))
        order = [d for d in range(x.ndim) if d != dim] + [dim]
        words = [x.ndim, x.shape[dim], take, int(flag), *(x.shape[d] for d in order[:-1])]
        for t in (out, x):
            words += [t.layout.strides[d] * t.dtype.itemsize for d in order]
        scratch = rec.POSITIONS_SCRATCH * x.shape[dim]
        require_memory(scratch)
        self.steps.append(Step(structural.positions(mode, x.dtype), 0, np.array(words, "i8"), (out.pointer, x.pointer),
                               patient=scratch <= rec.LARGE))
        return out

    def searched(self, edges: Traced, values: Traced, right: bool, of: dtype) -> Traced:
        """Where values belong in ordered edges: one row of them, or one for each row of values."""
        out = self.result(of, values.shape)
        edges, values = (t if t.layout.contiguous else Copy(t) for t in (edges, values))
        own = edges.ndim > 1
        n, count = edges.shape[-1], values.shape[-1] if own else values.layout.numel
        rows = values.layout.numel // count if count else 0
        self.steps.append(Step(structural.searched(edges.dtype, of), 0, np.array([rows, n, count, own, right], "i8"),
                               (out.pointer, edges.pointer, values.pointer), patient=True))
        return out

    def called(self, function: Callable[..., Any], of: dtype, shape: Sequence[int], *operands: Traced) -> Layout:
        """A result that Python computes when the operation runs: `function` is given arrays and returns one."""
        out = self.result(of, shape)
        places = [out.place(), *(x.place() for x in operands)]
        address = structural.called(function, [
            (how.dtype.numpy, how.shape, tuple(byte_strides(how, how.strides))) for _, how in places])
        self.steps.append(Step(address, 0, np.zeros(1, "i8"), tuple(at for at, _ in places)))
        return out.layout


# ---------------------------------------------------------------- the kind


def _lower(builder: Builder, op: Operation, operands: tuple[Layout, ...], attributes: dict[str, Any]) -> Layout:
    lowering = _lowering(builder)
    lowering.inplace = op.inplace_of is not None
    if len(operands) > rec.MOST:
        return _lower_alike(lowering, op, operands, attributes)
    traced = [Traced(lowering, Pointer(rec.OPERAND + j), o) for j, o in enumerate(operands)]
    if op.joins is None and any(o.dtype in dtypes.HALVES for o in operands):  # what joins copies, and casts on the way
        return _lower_wide(lowering, op, traced, attributes)
    value = op.forward(lowering, *traced, **attributes)
    if isinstance(value, Layout):
        return value
    if value._placed is None or value._placed[0].source != rec.TARGET:
        value.write(Pointer(rec.TARGET), value.layout, False)
    return value.layout


def _lower_wide(lowering: Lowering, op: Operation, operands: Sequence[Traced], attributes: dict[str, Any]) -> Layout:
    """An operation on what is stored in halves: the one on float32, its result rounded."""
    common = result_type([x.layout for x in operands if x.dtype.is_floating_point])
    found = Deferred(op.inplace_of or op, [_wide(x) for x in operands], attributes)
    value = Expression.cast(found, common) if found.dtype is common.arithmetic else found
    target = operands[0].layout if op.inplace_of is not None else lowering.layouts.intern(
        value.dtype, found.shape, found.layout.strides)
    value.write(Pointer(rec.TARGET), target, False)
    return target


def _wide(x: Traced) -> Traced:
    return Expression.cast(x, x.dtype.arithmetic) if x.dtype in dtypes.HALVES else x


def _lower_alike(lowering: Lowering, op: Operation, operands: tuple[Layout, ...], attributes: dict[str, Any]) -> Layout:
    """What an operation on many operands of one layout does to the first, wherever the result is said to begin."""
    assert op.joins is not None
    x = Traced(lowering, Pointer(rec.OPERAND), operands[0])
    shape, part = op.joins
    out = Traced(lowering, Pointer(rec.TARGET | rec.SHIFTED), lowering.layouts.intern(
        x.dtype, tuple(shape(x.shape, len(operands), **attributes))))
    lowering.stride = part(out, 1, x, **attributes).pointer.offset
    lowering.copy_into(part(out, 0, x, **attributes), x)
    return out.layout


def _adjoint_alike(lowering: Lowering, plan: Plan) -> int:
    assert plan.op.joins is not None
    x = plan.operands[0]
    g = Traced(lowering, Pointer(rec.ADJOINT | rec.SHIFTED), lowering.layouts.adjoint(plan.out))
    value = plan.op.joins[1](g, 0, x, **plan.attributes)
    return value.write(Pointer(rec.TARGET), lowering.layouts.adjoint(x), True)


def _lowering(builder: Builder) -> Lowering:
    builder.__class__ = Lowering
    return builder  # type: ignore[return-value]


def _gradients(lowering: Lowering, plan: Plan) -> tuple[Any, ...]:
    traced = [Traced(lowering, Pointer(rec.OPERAND + j), o) for j, o in enumerate(plan.operands)]
    g = Traced(lowering, Pointer(rec.ADJOINT), lowering.layouts.adjoint(plan.out))
    out = Traced(lowering, Pointer(rec.RESULT), plan.out)
    found = plan.op.gradients(_wide(g), [_wide(x) for x in traced], _wide(out), plan.attributes)
    return tuple(x if x is None or o.dtype not in dtypes.HALVES else Expression.cast(x, o.dtype)
                 for x, o in zip(found, plan.operands))


def _adjoint(builder: Builder, plan: Plan, j: int) -> int:
    lowering = _lowering(builder)
    lowering.both = True
    if len(plan.operands) > rec.MOST:
        return _adjoint_alike(lowering, plan)
    value = _gradients(lowering, plan)[j]
    if value is None:
        return 0
    value, target = _fitted(value, plan.operands[j].shape), lowering.layouts.adjoint(plan.operands[j])
    flags = value.write(Pointer(rec.TARGET), target, True)
    if value._placed is not None and value.layout is target:
        _end_in(lowering, value._placed[0], target.nbytes)
    return flags


def _end_in(lowering: Lowering, made: Pointer, nbytes: int) -> None:
    """Where the last step only copies what was `made` in a room, that is made in the target where it is stored."""
    last, number = lowering.steps[-1], made.source - rec.TEMPORARY
    if last.pointers == (Pointer(rec.TARGET), made) and lowering.temporaries.get(number) == nbytes:
        lowering.steps[-1], lowering.ends_in = last._replace(store=0), number


def _fitted(value: Traced, shape: shapes.Shape) -> Traced:
    """A gradient in the shape of its operand: summed where the operand was broadcast."""
    if value.shape == shape:
        return value
    missing = value.ndim - len(shape)
    dims = [d for d, n in enumerate(value.shape) if d < missing or (n != 1 and shape[d - missing] == 1)]
    return (value.sum(dims, True) if dims else value).reshape(*shape)


def _kept(builder: Builder, plan: Plan) -> list[frozenset[int]]:
    if len(plan.operands) > rec.MOST:
        return [frozenset()] * len(plan.operands)
    found: list[frozenset[int]] = []
    for value in _gradients(_lowering(builder), plan):
        found.append(frozenset(
            KEEPS_RESULT if s == rec.RESULT else s - rec.OPERAND
            for s in (() if value is None else value.sources()) if s != rec.ADJOINT
        ))
    return found + [frozenset()] * (len(plan.operands) - len(found))


def _joint(builder: Builder, plan: Plan) -> None:
    """The gradients of all operands that have one, each where it is to be."""
    lowering, rule = _lowering(builder), plan.op.joint
    assert rule is not None and len(plan.operands) <= rec.MAX_SLOPES
    parts: list[Traced | None] = []
    for j, (o, kept) in enumerate(zip(plan.operands, plan.keeps)):
        own = lowering.layouts.adjoint(o)
        if not kept:
            parts.append(None)
        elif own.contiguous and o.dtype not in dtypes.HALVES:
            parts.append(Traced(lowering, Pointer(rec.SLOPE + j), own))
        else:  # computed where a rule can write to, and with digits enough
            room = lowering.room_for(o.dtype.arithmetic, o.shape)
            lowering.fill(room)
            parts.append(room)
    traced = [_wide(Traced(lowering, Pointer(rec.OPERAND + j), o)) for j, o in enumerate(plan.operands)]
    g = _wide(Traced(lowering, Pointer(rec.ADJOINT), lowering.layouts.adjoint(plan.out)))
    rule(lowering, parts, g, *traced, **plan.attributes)
    for j, (o, part) in enumerate(zip(plan.operands, parts)):
        if part is not None and part.pointer.source != rec.SLOPE + j:
            lowering.copy((Pointer(rec.SLOPE + j), lowering.layouts.adjoint(o)), part.place())


STRUCTURED = Kind(_lower, _adjoint, _kept, _joint)
