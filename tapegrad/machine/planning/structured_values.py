"""Values of structured rules: what an operation on one gives is written down, and computed where something needs it.

A `Traced` value is somewhere already; the others are written only when something needs them: a `Product` straight
into the adjoint it ends in, an `Expression` of elementwise operations as one kernel, a `Deferred` operation as the
steps of its own plan. So a rule costs the steps that its result needs, whatever else it mentions.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tapegrad import dtypes, shapes
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.planning.layouts import Layout
from tapegrad.machine.planning.plan import Plan, Pointer, Step
from tapegrad.machine.planning.step_builder import Builder, Place, emit
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.ops.scalar import INTRINSICS
from tapegrad.ops.symbols import Sym, rewrite, used_operands
from tapegrad.ops.view import readable


class Traced:
    """A value while a structured rule is lowered: where it is and how it lies."""

    __slots__ = ("_placed", "builder", "layout")
    builder: Builder
    layout: Layout

    def __init__(self, builder: Builder, pointer: Pointer | None, layout: Layout) -> None:
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

    def permute(self, *dims: int) -> Traced:
        shape, strides = self.layout.shape, self.layout.strides
        return self.restrided(tuple(shape[d] for d in dims), tuple(strides[d] for d in dims))

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

    def reshape(self, *size: Any) -> Traced:
        size = shapes.infer_size(size[0] if size and isinstance(size[0], tuple) else size, self.layout.numel)
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
            if not readable(name, x.shape, x.layout.strides, attributes):
                x = Copy(x)
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

    __hash__: Any = object.__hash__


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
    base: Traced
    offset: int

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
        self.base: Traced = base

    def write(self, pointer: Pointer, layout: Layout, both: bool) -> int:
        self.builder.copy((pointer, layout), self.base.place(), both)
        return 0

    def sources(self) -> Iterator[int]:
        return self.base.sources()


class Expression(Traced):
    """Elementwise operations on values, to be one kernel: `value` has the `leaves` as its operands."""

    __slots__ = ("leaves", "value")
    value: Sym
    leaves: tuple[Traced, ...]

    def __init__(self, builder: Builder, value: Sym, leaves: Sequence[Traced], shape: shapes.Shape) -> None:
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
    operands: list[Traced | Expression]

    def __init__(self, op: Operation, operands: Sequence[Any], attributes: dict[str, Any]) -> None:
        builder = next(x.builder for x in operands if isinstance(x, Traced))
        first = next(x for x in operands if isinstance(x, Traced))
        self.operands = [x if isinstance(x, Traced) else Expression(builder, Sym.const(x, first.dtype), (first,), ())
                         for x in operands]
        self.plan: Plan = builder.lowered(op, tuple(x.layout for x in self.operands), tuple(attributes.items()))
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
    left: Traced
    right: Traced

    def __init__(self, builder: Builder, left: Traced, right: Traced) -> None:
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
