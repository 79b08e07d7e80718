"""Structured operations: rules run on `Traced` values, every operation they name becoming steps of one program.

A `Traced` value is somewhere already; the others are written only when something needs them: a `Product` straight
into the adjoint it ends in, an `Expression` of elementwise operations as one kernel, a `Deferred` operation as the
steps of its own plan. So a rule costs the steps that its result needs, whatever else it mentions.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes, shapes
from tapegrad.dtypes import dtype
from tapegrad.machine import emitter, structural
from tapegrad.machine import records as rec
from tapegrad.machine.builder import Builder, Place, emit, is_sum
from tapegrad.machine.kinds import KINDS, Kind
from tapegrad.machine.layouts import Layout
from tapegrad.machine.plan import KEEPS_RESULT, Plan, Pointer, Step, byte_strides
from tapegrad.machine.rules import result_type
from tapegrad.machine.structural.indexed import READ, check_nest, walk_nest
from tapegrad.ops.scalar import INTRINSICS, row
from tapegrad.ops.spec import REGISTRY, Operation
from tapegrad.ops.sym import Sym, rewrite, used_operands


class Traced:
    """A value while a structured rule is lowered: where it is and how it lies."""

    __slots__ = ("_placed", "builder", "layout")

    def __init__(self, builder: Lowering, pointer: Pointer | None, layout: Layout) -> None:
        self.builder, self.layout = builder, layout
        self._placed: Place | None = None if pointer is None else (pointer, layout)

    @property
    def shape(self) -> shapes.Shape:
        return self.layout.shape

    @property
    def ndim(self) -> int:
        return len(self.layout.shape)

    @property
    def dtype(self) -> dtype:
        return self.layout.dtype

    @property
    def pointer(self) -> Pointer:
        return self.place()[0]

    def place(self) -> Place:
        """Where the value is, written now if it was not yet."""
        if self._placed is None:
            pointer = Pointer(self.builder.temporary(self.layout))
            self.write(pointer, self.layout, False)
            self._placed = pointer, self.layout
        return self._placed

    def write(self, pointer: Pointer, layout: Layout, both: bool) -> int:
        """Write the value somewhere; returns the flags of a program that ends so."""
        self.builder.copy((pointer, layout), self.place(), both)
        return 0

    def sources(self) -> Iterator[int]:
        """The operands, result and cotangent of the instruction that the value is computed from."""
        if self._placed is not None:
            yield self._placed[0].source

    # ------------------------------------------------------------ views

    def restrided(self, shape: shapes.Shape, strides: shapes.Shape, offset: int = 0) -> Traced:
        return Viewed(self, shape, strides, offset)

    @property
    def mT(self) -> Traced:
        turned = self.builder.transposed(self.layout)
        return self.restrided(turned.shape, turned.strides)

    def unsqueeze(self, dim: int) -> Traced:
        shape, strides = self.layout.shape, self.layout.strides
        dim %= len(shape) + 1
        return self.restrided((*shape[:dim], 1, *shape[dim:]), (*strides[:dim], 1, *strides[dim:]))

    def squeeze(self, dim: int) -> Traced:
        shape, strides = self.layout.shape, self.layout.strides
        dim %= len(shape)
        return self.restrided(shape[:dim] + shape[dim + 1:], strides[:dim] + strides[dim + 1:])

    def narrow(self, dim: int, start: int, length: int) -> Traced:
        shape, strides = list(self.layout.shape), self.layout.strides
        shape[dim] = length
        return self.restrided(tuple(shape), strides, start * strides[dim])

    def expand(self, *size: int) -> Traced:
        return self.restrided(tuple(size), shapes.expanded_strides(self.shape, self.layout.strides, size))

    def reshape(self, *size: int) -> Traced:
        size = shapes.infer_size(size, self.layout.numel)
        strides = shapes.view_strides(self.shape, self.layout.strides, size)
        if strides is None:
            return Copy(self).reshape(*size)
        return self.restrided(size, strides)

    def _apply_view(self, name: str, given: tuple[tuple[str, Any], ...]) -> Traced:
        return self.__operation__(name, (self,), dict(given))

    # ------------------------------------------------------------ operations

    @classmethod
    def __operation__(cls, name: str, operands: tuple[Any, ...], attributes: dict[str, Any]) -> Traced:
        op = REGISTRY[name]
        if op.kind == "view":
            (x,) = operands
            return x.restrided(*op.forward((x.shape, x.layout.strides), **attributes))
        return Deferred(op, operands, attributes)

    @classmethod
    def __scalar__(cls, name: str, args: tuple[Any, ...]) -> Traced:
        return Expression.of(name, args)

    @classmethod
    def __row__(cls, name: str, x: Traced, dim: Any) -> Traced:
        if name == "count":
            n = 1
            for d in dim:
                n *= x.shape[d]
            return n  # type: ignore[return-value]
        found = {"max": "amax", "min": "amin"}.get(name, name)
        return Deferred(REGISTRY[found], (x,), {"dim": tuple(dim), "keepdim": True})

    @staticmethod
    def __like__(value: Any, x: Traced) -> Any:
        if isinstance(value, Traced):
            return value if value.dtype is x.dtype else Expression.cast(value, x.dtype)
        return Expression(x.builder, Sym.const(value, x.dtype), (x,), x.shape)

    def sum(self, dim: Sequence[int], keepdim: bool = False) -> Traced:
        return Deferred(REGISTRY["sum"], (self,), {"dim": tuple(d % self.ndim for d in dim), "keepdim": keepdim})

    def __matmul__(self, other: Traced) -> Traced:
        return Product(self.builder, self, other)

    __hash__ = object.__hash__


def _operators() -> None:
    for python, name in (("add", "add"), ("sub", "sub"), ("mul", "mul"), ("truediv", "div"), ("pow", "pow"),
                         ("and", "bitwise_and"), ("or", "bitwise_or")):
        setattr(Traced, f"__{python}__", lambda a, b, name=name: Expression.of(name, (a, b)))
        setattr(Traced, f"__r{python}__", lambda a, b, name=name: Expression.of(name, (b, a)))
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        setattr(Traced, f"__{name}__", lambda a, b, name=name: Expression.of(name, (a, b)))
    setattr(Traced, "__neg__", lambda a: Expression.of("neg", (a,)))  # noqa: B010 - mypy knows no such method


_operators()


class Viewed(Traced):
    """Another reading of a value's memory."""

    __slots__ = ("base", "offset")

    def __init__(self, base: Traced, shape: shapes.Shape, strides: shapes.Shape, offset: int) -> None:
        super().__init__(base.builder, None, base.builder.layouts.intern(base.dtype, tuple(shape), tuple(strides)))
        self.base, self.offset = base, offset

    def place(self) -> Place:
        pointer, _ = self.base.place()
        return Pointer(pointer.source, pointer.offset + self.offset * self.dtype.itemsize), self.layout

    def sources(self) -> Iterator[int]:
        return self.base.sources()


class Copy(Traced):
    """A contiguous copy."""

    __slots__ = ("base",)

    def __init__(self, base: Traced) -> None:
        super().__init__(base.builder, None, base.builder.layouts.intern(base.dtype, base.shape))
        self.base = base

    def write(self, pointer: Pointer, layout: Layout, both: bool) -> int:
        self.builder.copy((pointer, layout), self.base.place(), both)
        return 0

    def sources(self) -> Iterator[int]:
        return self.base.sources()


class Expression(Traced):
    """Elementwise operations on values, to be one kernel: `value` has the `leaves` as its operands."""

    __slots__ = ("leaves", "value")

    def __init__(self, builder: Lowering, value: Sym, leaves: Sequence[Traced], shape: shapes.Shape) -> None:
        super().__init__(builder, None, builder.layouts.intern(value.dtype, shape))
        self.value, self.leaves = value, tuple(leaves)

    @staticmethod
    def of(name: str, args: Sequence[Any]) -> Expression:
        """The intrinsic `name` of values and numbers, which broadcast and promote."""
        values = [a for a in args if isinstance(a, Traced)]
        builder = values[0].builder
        leaves: list[Traced] = []
        symbols: list[Any] = []
        for a in args:
            symbols.append(Expression._symbol(a, leaves) if isinstance(a, Traced) else a)
        takes = INTRINSICS[name].takes
        common: dtype | None = None
        for kind, s in zip(takes, symbols):
            if isinstance(s, Sym) and kind != "b":
                common = s.dtype if common is None else dtypes.promote(common, s.dtype)
        if common is not None:
            if any(isinstance(s, float) for s in symbols) and not common.is_floating_point:
                common = dtypes.default_dtype()
            symbols = [s.cast(common) if isinstance(s, Sym) and kind != "b" else s for kind, s in zip(takes, symbols)]
        value = Sym.__scalar__(name, tuple(symbols))
        return Expression(builder, value, leaves, shapes.broadcast(v.shape for v in values))

    @staticmethod
    def cast(x: Traced, to: dtype) -> Expression:
        leaves: list[Traced] = []
        value = Expression._symbol(x, leaves).cast(to)
        return Expression(x.builder, value, leaves, x.shape)

    @staticmethod
    def _symbol(x: Traced, leaves: list[Traced]) -> Sym:
        """The symbol of a value among the operands of a larger expression."""
        def leaf(v: Traced) -> Sym:
            for k, have in enumerate(leaves):
                if have is v:
                    return Sym.operand(k, v.dtype)
            leaves.append(v)
            return Sym.operand(len(leaves) - 1, v.dtype)

        if not isinstance(x, Expression) or x._placed is not None:
            return leaf(x)
        return rewrite((x.value,), lambda n: leaf(x.leaves[n.value]) if n.op == "operand" else None)[0]

    def write(self, pointer: Pointer, layout: Layout, both: bool) -> int:
        used = set(used_operands((self.value,)))
        available: list[Any] = []
        for k, v in enumerate(self.leaves):
            if k not in used:
                available.append((Pointer(0), v.dtype, ()))
                continue
            at, how = v.place()
            available.append((at, how.dtype, shapes.expanded_strides(how.shape, how.strides, layout.shape)))
        before, self.builder.both = self.builder.both, both
        emit(self.builder, self.value, layout.shape, (pointer, layout.dtype, layout.strides), available, (), False)
        self.builder.both = before
        return 0

    def sources(self) -> Iterator[int]:
        for k in used_operands((self.value,)):
            yield from self.leaves[k].sources()


class Deferred(Traced):
    """An operation on values: its own plan's steps, with these operands."""

    __slots__ = ("operands", "plan")

    def __init__(self, op: Operation, operands: Sequence[Any], attributes: dict[str, Any]) -> None:
        builder = next(x.builder for x in operands if isinstance(x, Traced))
        first = next(x for x in operands if isinstance(x, Traced))
        self.operands = [x if isinstance(x, Traced) else Expression(builder, Sym.const(x, first.dtype), (first,), ())
                         for x in operands]
        self.plan: Plan = builder.planner.lowered(op, tuple(x.layout for x in self.operands), tuple(attributes.items()))
        super().__init__(builder, None, self.plan.out)

    def write(self, pointer: Pointer, layout: Layout, both: bool) -> int:
        if layout is not self.layout:
            return super().write(pointer, layout, both)
        adds = len(self.plan.steps) == 1 and self.plan.steps[0].add
        if both and not self.plan.op.accumulates and not adds:
            return super().write(pointer, layout, both)
        steps = self.plan.steps[1:] if both and self.plan.op.accumulates else self.plan.steps
        self._splice(steps, pointer)
        return rec.NEEDS_ZERO if both and self.plan.op.accumulates else 0

    def _splice(self, steps: Sequence[Step], target: Pointer) -> None:
        places = [x.place()[0] for x in self.operands]
        room = {rec.TEMPORARY + k: self.builder.room(n) for k, n in self.plan.temporaries.items()}
        for step in steps:
            pointers = []
            for p in step.pointers:
                base = (target if p.source == rec.TARGET else Pointer(room[p.source]) if p.source in room
                        else places[p.source - rec.OPERAND])
                pointers.append(Pointer(base.source, base.offset + p.offset))
            self.builder.steps.append(step._replace(pointers=tuple(pointers)))

    def sources(self) -> Iterator[int]:
        for x in self.operands:
            yield from x.sources()


class Product(Traced):
    """A matrix product: the adjoint it ends in takes it without a temporary."""

    __slots__ = ("left", "right", "squeezed")

    def __init__(self, builder: Lowering, left: Traced, right: Traced) -> None:
        self.left, self.right = left, right
        self.squeezed: list[int] = []
        if left.ndim == 1:
            self.left, self.squeezed = left.unsqueeze(0), [-2]
        if right.ndim == 1:
            self.right = right.unsqueeze(-1)
            self.squeezed = [*self.squeezed, -1]
        batch = shapes.broadcast((self.left.shape[:-2], self.right.shape[:-2]))
        shape = [*batch, self.left.shape[-2], self.right.shape[-1]]
        for d in self.squeezed:
            del shape[d]
        super().__init__(builder, None, builder.layouts.intern(left.dtype, tuple(shape)))

    def write(self, pointer: Pointer, layout: Layout, both: bool) -> int:
        target: Traced = Traced(self.builder, pointer, layout)
        if self.squeezed == [-2]:
            target = target.unsqueeze(-2)
        elif self.squeezed == [-1]:
            target = target.unsqueeze(-1)
        elif self.squeezed:
            target = target.unsqueeze(-1).unsqueeze(-1)
        batch = target.shape[:-2]
        operands = []
        for t in (self.left, self.right):
            at, how = t.place()
            shape = (*batch, *t.shape[-2:])
            strides = shapes.expanded_strides(t.shape, how.strides, shape)
            operands.append((at, self.builder.layouts.intern(t.dtype, shape, strides)))
        self.builder.product(target.place(), *operands)
        return 0

    def sources(self) -> Iterator[int]:
        yield from self.left.sources()
        yield from self.right.sources()


class Lowering(Builder):
    """The builder as a structured rule sees it: results to fill, and the kernels that fill them."""

    def result(self, of: dtype, shape: Sequence[int]) -> Traced:
        """A fresh contiguous result, for the rule to fill part by part."""
        return Traced(self, Pointer(rec.TARGET), self.layouts.intern(of, tuple(shape)))

    def result_like(self, x: Traced) -> Traced:
        """A result that starts as a copy of `x`; the memory of `x` itself in the in-place form."""
        if self.inplace:
            return Traced(self, Pointer(rec.TARGET), x.layout)
        strides = x.layout.strides if x.layout.dense else None
        out = Traced(self, Pointer(rec.TARGET), self.layouts.intern(x.dtype, x.shape, strides))
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
        self.copy(out.place(), x.place())
        before = len(self.steps)
        product.write(*out.place(), False)
        for i in range(before, len(self.steps)):
            step = self.steps[i]
            if step.pointers[0].source == rec.TARGET:
                self.steps[i] = step._replace(store=step.add)
        return out

    @staticmethod
    def promoted(values: Sequence[Traced]) -> dtype:
        return result_type([v.layout for v in values])

    def copy_into(self, target: Traced, source: Traced) -> None:
        self.copy(target.place(), source.place())

    def read_into(self, target: Traced, source: Traced, strides: shapes.Shape, offset: int) -> None:
        """Copy what (strides, offset) reads of `source`, backwards where a stride is negative."""
        at, how = source.place()
        pointer = Pointer(at.source, at.offset + offset * how.dtype.itemsize)
        before, self.both = self.both, True
        emit(self, Sym.operand(0, how.dtype), target.shape, (target.pointer, target.dtype, target.layout.strides),
             [(pointer, how.dtype, strides)], (), False)
        self.both = before

    def fill(self, target: Traced, value: Any = 0) -> None:
        d = target.dtype
        self.region(target.shape, (), Sym.const(value, d), d, [byte_strides(target.layout, target.layout.strides)],
                    [target.pointer])

    def add_into(self, target: Traced, shape: shapes.Shape, strides: shapes.Shape, offset: int, source: Traced) -> None:
        """Add `source` to the part of `target` that (shape, strides, offset) views, summing where it repeats."""
        d = target.dtype
        reduced = [i for i, (n, s) in enumerate(zip(shape, strides)) if n > 1 and s == 0]
        value = Sym.operand(0, source.dtype)
        emit(self, row.sum(value, ()) if reduced else value, shape,
             (Pointer(target.pointer.source, target.pointer.offset + offset * d.itemsize), d, strides),
             [(source.pointer, source.dtype, source.layout.strides)], reduced, bool(reduced))
        last = self.steps.pop()
        region, pattern = self.last_region
        self.steps.append(last._replace(store=emitter.compile_region(region, pattern, (True,))))

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
        self.steps.append(Step(structural.positions(mode, x.dtype), 0, np.array(words, "i8"), (out.pointer, x.pointer),
                               patient=True))
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

    def factors(self, x: Traced) -> Traced:
        """L, U and exchanges of square matrices (see `structural.factors`)."""
        x = x if x.layout.contiguous else Copy(x)
        *batch, n, _ = x.shape
        out = self.result(x.dtype, (*batch, n + 1, n))
        self._factored("lu", [math.prod(batch), n], out, x)
        return out

    def solved(self, factors: Traced, b: Traced | None, turned: bool = False, strict: bool = True) -> Traced:
        """A⁻¹ b by the factors of A, or its inverse; of Aᵀ when `turned`, and refusing a singular A when `strict`."""
        factors = factors if factors.layout.contiguous else Copy(factors)
        *batch, _, n = factors.shape
        out = self._filled(b) if b is not None else self.result(factors.dtype, (*batch, n, n))
        words = [math.prod(batch), n, out.shape[-1], int(turned), int(strict), 0, 0]
        self._factored("solve", words, out, factors, mode="inverse" if b is None else "")
        return out

    def solved_triangular(self, a: Traced, b: Traced, upper: bool, unitriangular: bool) -> Traced:
        """A⁻¹ b, where only the triangle of A is read."""
        columns = not a.layout.contiguous and self.transposed(a.layout).contiguous
        a = a if columns or a.layout.contiguous else Copy(a)
        out = self._filled(b)
        *batch, n, k = out.shape
        self._factored("triangular", [math.prod(batch), n, k, int(columns), int(upper), int(unitriangular)], out, a)
        return out

    def cholesky(self, x: Traced, strict: bool) -> Traced:
        """The lower triangular factor of positive-definite matrices, of which only the lower triangle is read.

        Unless `strict`, the factor of another has NaN where its diagonal ends.
        """
        out = self._filled(x)
        *batch, n, _ = out.shape
        self._factored("cholesky", [math.prod(batch), n, int(strict), 0, 0], out)
        return out

    def triangle(self, x: Traced, diagonal: float, upper: bool) -> Traced:
        """One triangle of square matrices and a multiple of their diagonal."""
        out = self._filled(x)
        *batch, n, _ = out.shape
        factor = int(np.float64(diagonal).view("i8"))
        self._factored("triangle", [math.prod(batch), n, int(upper), factor], out)
        return out

    def _filled(self, x: Traced) -> Traced:
        """A contiguous result that starts as a copy of `x`."""
        out = self.result(x.dtype, x.shape)
        self.copy_into(out, x)
        return out

    def _factored(self, family: str, nest: list[int], *values: Traced, mode: str = "") -> None:
        address = structural.lapack(family, values[0].dtype, mode)
        self.steps.append(Step(address, 0, np.array(nest, "i8"), tuple(v.pointer for v in values)))

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
    traced = [Traced(lowering, Pointer(rec.OPERAND + j), o) for j, o in enumerate(operands)]
    value = op.forward(lowering, *traced, **attributes)
    if isinstance(value, Layout):
        return value
    if value._placed is None or value._placed[0].source != rec.TARGET:
        value.write(Pointer(rec.TARGET), value.layout, False)
    return value.layout


def _lowering(builder: Builder) -> Lowering:
    builder.__class__ = Lowering
    return builder  # type: ignore[return-value]


def _gradients(lowering: Lowering, plan: Plan) -> tuple[Any, ...]:
    traced = [Traced(lowering, Pointer(rec.OPERAND + j), o) for j, o in enumerate(plan.operands)]
    g = Traced(lowering, Pointer(rec.ADJOINT), lowering.layouts.adjoint(plan.out))
    out = Traced(lowering, Pointer(rec.RESULT), plan.out)
    return plan.op.gradients(g, traced, out, plan.attributes)


def _adjoint(builder: Builder, plan: Plan, j: int) -> int:
    lowering = _lowering(builder)
    lowering.both = True
    value = _gradients(lowering, plan)[j]
    if value is None:
        return 0
    value = _fitted(value, plan.operands[j].shape)
    return value.write(Pointer(rec.TARGET), lowering.layouts.adjoint(plan.operands[j]), True)


def _fitted(value: Traced, shape: shapes.Shape) -> Traced:
    """A gradient in the shape of its operand: summed where the operand was broadcast."""
    if value.shape == shape:
        return value
    missing = value.ndim - len(shape)
    dims = [d for d, n in enumerate(value.shape) if d < missing or (n != 1 and shape[d - missing] == 1)]
    return (value.sum(dims, True) if dims else value).reshape(*shape)


def _kept(builder: Builder, plan: Plan) -> list[frozenset[int]]:
    found: list[frozenset[int]] = []
    for value in _gradients(_lowering(builder), plan):
        found.append(frozenset(
            KEEPS_RESULT if s == rec.RESULT else s - rec.OPERAND
            for s in (() if value is None else value.sources()) if s != rec.ADJOINT
        ))
    return found + [frozenset()] * (len(plan.operands) - len(found))


def install() -> None:
    """Let the planner lower structured operations."""
    KINDS["structured"] = Kind(_lower, _adjoint, _kept)
