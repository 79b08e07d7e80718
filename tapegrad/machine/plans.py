"""Plans: an operation with its operand layouts decided, lowered from its rule to the kernel calls that run it.

`Planner.plan` answers "which plan" (the slow path of every operation, taken once per combination of layouts);
`Builder` lowers a rule. Elementwise rules and row rules are traced with `Sym` into one kernel an operand; the rules of
structured operations are run on `Traced` values, and every operation they name becomes a step.
Adjoint kernels are compiled when a backward first needs them, since most plans of a forward-only program never do.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tapegrad import dtypes, shapes
from tapegrad.dtypes import dtype
from tapegrad.machine import blas, cutting, emitter, gemm, loops
from tapegrad.machine import records as rec
from tapegrad.machine.jit import BUILDING
from tapegrad.machine.layouts import Layout, Layouts
from tapegrad.machine.runtime import Machine, address_of
from tapegrad.ops.scalar import row
from tapegrad.ops.spec import REGISTRY, Operation
from tapegrad.ops.sym import Sym, compacted, used_operands, walk

Attributes = tuple[tuple[str, Any], ...]


class Pointer(NamedTuple):
    """What a step's pointer starts from, plus a byte offset."""

    source: int
    offset: int = 0


class Step(NamedTuple):
    """One kernel call, before it is written into native memory."""

    store: int
    add: int
    nest: np.ndarray
    pointers: tuple[Pointer, ...]
    checks: tuple[tuple[int, int], ...] | None = None  # of an indexed kernel: (axis, size) for each index operand
    cut: np.ndarray[Any, Any] | None = None  # how several threads share it (`records.CUT`)


def result_type(layouts: Sequence[Layout]) -> dtype:
    """The dtype that operands promote to (`torch.result_type`): axes outweigh none, tensors outweigh numbers."""
    found: list[dtype | None] = [None, None, None]
    for layout in layouts:
        own = dtypes.default_dtype() if layout.weak and layout.dtype.is_floating_point else layout.dtype
        have = found[layout.tier]
        found[layout.tier] = own if have is None else dtypes.promote(have, own)
    out: dtype | None = None
    for d in found:
        if d is None:
            continue
        if out is None or d.is_floating_point or (d.category >= out.category and d.category > 0):
            out = d
        elif d.category == 0 or out.is_floating_point:
            out = dtypes.promote(d, out)
        else:
            out = d
    assert out is not None
    return out


class Plan:
    """One row of the plan table as Python sees it; `keeps[j]` is what backward reads when operand j needs a gradient.

    A kept operand is its position, the result is `KEEPS_RESULT`.
    """

    __slots__ = ("adjoint_steps", "attributes", "built", "gradients", "index", "keeps", "op", "operands", "out",
                 "returns_view", "steps", "temporaries")
    steps: list[Step]
    temporaries: dict[int, int]

    def __init__(self, index: int, op: Operation, attributes: dict[str, Any], operands: tuple[Layout, ...],
                 out: Layout) -> None:
        self.index, self.op, self.attributes, self.operands, self.out = index, op, attributes, operands, out
        self.keeps: list[frozenset[int]] = []
        self.gradients: tuple[Any, ...] | None = None
        self.built = False

    @property
    def grad_name(self) -> str:
        """The name of the node that a record of this plan is."""
        if self.op.kind == "callback":
            name = self.attributes["name"]  # an operation's own where hooks made it a custom function
            return name if name[:-1].endswith("Backward") else f"{name}Backward"
        for name, layout in zip(self.op.operands, self.operands):
            if layout.weak and name in self.op.grad_names:
                return self.op.grad_names[name]
        given = self.attributes
        if "dim" in self.op.grad_names and (
                given.get("keepdim") or "given" in given or len(given["dim"]) < len(self.operands[0].shape)):
            return self.op.grad_names["dim"]
        return self.op.grad_name

    def __repr__(self) -> str:
        given = "".join(f" {k}={v}" for k, v in self.attributes.items())
        return f"{self.op.name}({', '.join(map(repr, self.operands))}){given} -> {self.out!r}"


KEEPS_RESULT = 31


def byte_strides(layout: Layout, strides: Sequence[int]) -> list[int]:
    return [s * layout.dtype.itemsize for s in strides]


class Planner:
    """The plan table and what fills it."""

    def __init__(self, machine: Machine, layouts: Layouts) -> None:
        self.machine, self.layouts = machine, layouts
        self.all: list[Plan | None] = [None]
        self._found: dict[tuple[Any, ...], Plan] = {}
        self._kept_alive: list[Any] = []

    # ------------------------------------------------------------ lookup

    def plan(self, op: Operation, operands: tuple[Layout, ...], attributes: Attributes = ()) -> Plan:
        """The plan of `op` on these layouts; raises what PyTorch raises when there is none."""
        key = (op, operands, attributes, dtypes.default_dtype())
        found = self._found.get(key)
        if found is None:
            with BUILDING:
                found = self._found.get(key) or self._make(op, operands, dict(attributes))
                self._found[key] = found
        return found

    def _make(self, op: Operation, operands: tuple[Layout, ...], attributes: dict[str, Any]) -> Plan:
        if len(operands) > 32:  # an instruction has 32 bits to say which operands a gradient flows on to
            raise ValueError(f"{op.name}: {len(operands)} operands, at most 32 fit an instruction")
        plan = self.lowered(op, operands, tuple(attributes.items()))
        plan.index = len(self.all)
        out = plan.out
        if op.differentiable and (out.dtype.is_floating_point or op.moves_nothing):
            plan.keeps = KINDS[op.kind].keeps(Builder(self), plan)
        self.all.append(plan)
        self._write(plan, plan.steps, plan.temporaries)
        return plan

    def lowered(self, op: Operation, operands: tuple[Layout, ...], attributes: Attributes) -> Plan:
        """A plan's forward steps alone, not in the table: what another operation's rule is made of."""
        given = dict(attributes)
        builder = Builder(self)
        plan = Plan(0, op, given, operands, KINDS[op.kind].lower(builder, op, operands, given))
        plan.steps, plan.temporaries = builder.steps, builder.temporaries
        return plan

    def _write(self, plan: Plan, steps: list[Step], temporaries: dict[int, int]) -> None:
        op = plan.op
        native = self.machine.plans[plan.index]
        native["opcode"], native["arity"], native["out_layout"] = op.opcode, len(plan.operands), plan.out.id
        native["out_bytes"] = self.layouts.adjoint(plan.out).nbytes
        native["forward"], native["n_forward"] = self._write_steps(steps, temporaries), len(steps)
        flags = 0
        if plan.keeps:
            flags |= rec.DIFFERENTIABLE
        if op.moves_nothing:
            flags |= rec.VIEW
        if op.inplace_of is not None:
            flags |= rec.INPLACE
        if op.kind == "callback":
            flags |= rec.CALLBACK
        if len(plan.operands) > 2 or op.inplace_of is not None or op.kind == "callback":
            flags |= rec.POOLED
            masks = np.array([sum(1 << k for k in kept) for kept in plan.keeps] or [0], "u4")
            self._kept_alive.append(masks)
            native["kept"] = address_of(masks)
        else:
            for name, kept in zip(("kept_a", "kept_b"), plan.keeps):
                native[name] = sum(1 << min(k, 7) for k in kept)
        native["flags"] = flags

    def _write_steps(self, steps: Sequence[Step], temporaries: dict[int, int]) -> int:
        native = np.zeros(max(len(steps), 1), rec.STEP)
        order: dict[int, int] = {}  # native code numbers intermediate values as they are first written
        for record, step in zip(native, steps):
            record["store"], record["add"] = step.store, step.add
            record["nest"] = address_of(step.nest)
            record["n_pointers"] = len(step.pointers)
            record["cut"] = 0 if step.cut is None else address_of(step.cut)
            target = step.pointers[0].source - rec.TEMPORARY
            if target in temporaries and target not in order:
                order[target] = len(order)
                record["temporary"], record["temporary_bytes"] = 1, temporaries[target]
            for i, (source, offset) in enumerate(step.pointers):
                number = source - rec.TEMPORARY
                record["sources"][i] = rec.TEMPORARY + order[number] if number in temporaries else source
                record["offsets"][i] = offset
        self._kept_alive.append((native, [(s.nest, s.cut) for s in steps]))
        return address_of(native)

    @staticmethod
    def name_of(d: dtype) -> str:
        """A dtype as PyTorch's errors name it (Float, Long, …)."""
        return _scalar_name(d)

    # ------------------------------------------------------------ adjoints

    def build_adjoint(self, plan: Plan) -> None:
        """Compile the adjoint of a plan; after this a sweep may run over it."""
        with BUILDING:
            if not plan.built:
                self._build_adjoint(plan)

    def _build_adjoint(self, plan: Plan) -> None:
        programs = np.zeros(len(plan.operands) + 1, rec.PROGRAM)
        for j in range(len(plan.operands)):
            if self.differentiable_operand(plan, j):
                builder = Builder(self)
                flags = KINDS[plan.op.kind].adjoint(builder, plan, j)
                programs[j]["steps"] = self._write_steps(builder.steps, builder.temporaries)
                programs[j]["n_steps"], programs[j]["flags"] = len(builder.steps), flags
                programs[j]["bytes"] = self.layouts.adjoint(plan.operands[j]).nbytes
        if plan.op.kind == "rebase":
            builder = Builder(self)
            _carve(builder, plan, rec.TARGET)
            programs[-1]["steps"], programs[-1]["n_steps"] = self._write_steps(builder.steps, {}), len(builder.steps)
        self._kept_alive.append(programs)
        self.machine.plans[plan.index]["adjoints"] = address_of(programs)
        plan.built = True

    @staticmethod
    def differentiable_operand(plan: Plan, j: int) -> bool:
        return bool(plan.keeps) and plan.operands[j].dtype.is_floating_point

    def teach_accumulate(self, layout: Layout) -> None:
        """Let native code add one block in an adjoint layout to another (`.grad += gradient`)."""
        native = self.machine.layouts[layout.id]
        with BUILDING:
            if not native["accumulate"]:
                builder = Builder(self)
                strides = byte_strides(layout, layout.strides)
                builder.region(layout.shape, (layout.dtype,), Sym.operand(0, layout.dtype), layout.dtype,
                               [strides, strides], (Pointer(rec.TARGET), Pointer(rec.ADJOINT)), both=True)
                native["accumulate"] = self._write_steps(builder.steps, {})


class Builder:
    """Collects the steps of one program."""

    def __init__(self, planner: Planner, inplace: bool = False) -> None:
        self.planner, self.layouts = planner, planner.layouts
        self.steps: list[Step] = []
        self.temporaries: dict[int, int] = {}
        self.both = False
        self.inplace = inplace  # the target is the first operand's own memory

    def region(self, shape: Sequence[int], inputs: Sequence[dtype], value: Sym, output: dtype,
               strides: Sequence[Sequence[int]], pointers: Sequence[Pointer], reduced: Sequence[int] = (),
               per_row: bool = False, both: bool | None = None) -> None:
        """A step that evaluates `value` over `shape`; strides in bytes and pointers start with the output's."""
        rows = per_row or any(n.op in ("reduce", "index", "count") for n in walk((value,)))
        ordered = any(n.op == "index" or str(n.value).startswith("arg") for n in walk((value,)))
        itemsizes = [output.itemsize, *(d.itemsize for d in inputs)]
        nest = loops.build(shape, strides, itemsizes, reduced, rows, ordered)
        region = emitter.Region(tuple(inputs), (value.cast(output),), (output,), (per_row,))
        store = emitter.compile_region(region, nest.pattern, (False,))
        both = self.both if both is None else both
        add = emitter.compile_region(region, nest.pattern, (True,)) if both else 0
        self.last_region = (region, nest.pattern)
        cut = cutting.cut(region, nest.pattern, nest.words, both)
        self.steps.append(Step(store, add, nest.words, tuple(pointers), cut=cut))

    def temporary(self, layout: Layout) -> int:
        """Room for an intermediate value; returns its source code."""
        return self.room(layout.nbytes)

    def room(self, nbytes: int) -> int:
        """As `temporary`, for so many bytes."""
        number = len(self.temporaries)
        if number >= rec.MAX_TEMPORARIES:
            raise RuntimeError("a rule needs too many intermediate values; declare it as two operations")
        self.temporaries[number] = nbytes
        return rec.TEMPORARY + number

    def gemm(self, target: tuple[Pointer, Layout], a: tuple[Pointer, Layout], b: tuple[Pointer, Layout]) -> None:
        """target = a @ b over the last two axes, of floating dtype; batch axes are equal (expanded where repeated)."""
        (tp, tl), (ap, al), (bp, bl) = target, self._blas_ready(*a), self._blas_ready(*b)
        m, n = tl.shape[-2:]
        k = al.shape[-1]
        item = tl.dtype.itemsize
        if not _writable_by_blas(tl) and not _writable_by_blas(self.transposed(tl)):
            plain = self.layouts.intern(tl.dtype, tl.shape)
            product = Pointer(self.temporary(plain)), plain
            self.gemm(product, (ap, al), (bp, bl))
            self.copy(target, product, both=True)
            return
        if not _writable_by_blas(tl):  # write the transpose: c' = b' a'
            tl, al, bl = self.transposed(tl), self.transposed(bl), self.transposed(al)
            ap, bp = bp, ap
            m, n = n, m
        batch = tl.shape[:-2]
        merged, batch_strides = loops.merge(
            list(batch), [[s * item for s in layout.strides[:-2]] for layout in (tl, al, bl)]
        ) if batch else ([1], [[0], [0], [0]])
        emitted = gemm.kernels(tl.dtype) if min(m, n) > 1 and k > 0 else None  # BLAS knows vectors better
        store, add = emitted or blas.gemm(tl.dtype)
        for at in np.ndindex(*merged[:-1]):
            offsets = [sum(i * s for i, s in zip(at, strides)) for strides in batch_strides]
            cp, lp, rp = (Pointer(p.source, p.offset + offset) for p, offset in zip((tp, ap, bp), offsets))
            cs, as_, bs = (strides[-1] for strides in batch_strides)
            if emitted:
                (ci, cj), (ai, ak), (bk, bj) = (byte_strides(layout, layout.strides[-2:]) for layout in (tl, al, bl))
                nest = np.array([3, 1, merged[-1], m, n, k, cs, ci, cj, 0, as_, ai, 0, ak, bs, 0, bj, bk], "i8")
                self.steps.append(Step(store, add, nest, (cp, lp, rp), cut=cutting.cut_product(nest)))
            else:
                (trans_a, lda), (trans_b, ldb) = _leading(al), _leading(bl)
                ldc = max(tl.strides[-2] if m > 1 else n, n, 1)
                words = [merged[-1], n, m, k, trans_b, trans_a, ldb, lda, ldc, cs, bs, as_]
                self.steps.append(Step(store, add, np.array(words, "i8"), (cp, rp, lp)))

    def _blas_ready(self, pointer: Pointer, layout: Layout) -> tuple[Pointer, Layout]:
        """The operand itself if BLAS can stride over it, else a contiguous copy."""
        rows, columns = layout.shape[-2:]
        r, c = layout.strides[-2:]
        if (c == 1 or columns == 1) and (r >= max(columns, 1) or rows == 1):
            return pointer, layout
        if (r == 1 or rows == 1) and (c >= max(rows, 1) or columns == 1):
            return pointer, layout
        plain = self.layouts.intern(layout.dtype, layout.shape)
        copy = Pointer(self.temporary(plain))
        self.copy((copy, plain), (pointer, layout))
        return copy, plain

    def copy(self, target: tuple[Pointer, Layout], source: tuple[Pointer, Layout], both: bool = False) -> None:
        (tp, tl), (sp, sl) = target, source
        strides = shapes.expanded_strides(sl.shape, sl.strides, tl.shape)
        self.region(tl.shape, (sl.dtype,), Sym.operand(0, sl.dtype), tl.dtype,
                    [byte_strides(tl, tl.strides), byte_strides(sl, strides)], (tp, sp), both=both)

    def transposed(self, layout: Layout) -> Layout:
        shape, strides = layout.shape, layout.strides
        return self.layouts.intern(
            layout.dtype, (*shape[:-2], shape[-1], shape[-2]), (*strides[:-2], strides[-1], strides[-2])
        )


def _writable_by_blas(layout: Layout) -> bool:
    """Whether BLAS can write such a row-major matrix."""
    (rows, columns), (r, c) = layout.shape[-2:], layout.strides[-2:]
    return (c == 1 or columns == 1) and (r >= max(columns, 1) or rows == 1)


def _leading(layout: Layout) -> tuple[int, int]:
    """BLAS's view of a row-major matrix: (is it transposed, leading dimension)."""
    rows, columns = layout.shape[-2:]
    r, c = layout.strides[-2:]
    if (c == 1 or columns == 1) and (r >= max(columns, 1) or rows == 1):
        return 0, max(r if rows > 1 else columns, columns, 1)
    return 1, max(c if columns > 1 else rows, rows, 1)


# ---------------------------------------------------------------- elementwise


def _compute_dtype(op: Operation, operands: Sequence[Layout]) -> dtype:
    weighed = [o for o, name in zip(operands, op.operands) if name != "condition"]
    common = result_type(weighed) if op.result != "first" else operands[0].dtype
    if op.result == "float" and not common.is_floating_point:
        common = dtypes.default_dtype()
    if op.computes == "float64" and not common.is_floating_point:
        common = dtypes.float64
    if op.result == "sum" and not common.is_floating_point:
        common = dtypes.int64
    if "bif"[common.category] not in op.accepts:
        raise _unsupported(op, common)
    if op.name.rstrip("_") == "sub" and any(o.dtype is dtypes.bool_ for o in operands):
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, "
            "use the `~` or `logical_not()` operator instead."
        )
    return common


def _unsupported(op: Operation, d: dtype) -> Exception:
    if op.name.startswith("sub") and d is dtypes.bool_:
        return RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
            "operator instead."
        )
    if op.name == "neg":
        return RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use "
            "the `~` or `logical_not()` operator instead."
        )
    if op.name == "mean":
        return RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {_scalar_name(d)}"
        )
    return NotImplementedError(f'"{op.name.rstrip("_")}_cpu" not implemented for \'{_scalar_name(d)}\'')


def _scalar_name(d: dtype) -> str:
    return {"bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long",
            "float32": "Float", "float64": "Double"}[d.name]


def _symbols(op: Operation, operands: Sequence[Layout], compute: dtype, first: int) -> list[Sym]:
    """The rule's operands, loaded as they are stored and cast to what the operation computes in."""
    found = []
    for j, layout in enumerate(operands):
        if layout.literal is not None and op.specialise:
            found.append(Sym.const(layout.literal, compute))
            continue
        loaded = Sym.operand(first + j, layout.dtype)
        found.append(loaded.cast(dtypes.bool_ if op.operands[j] == "condition" else compute))
    return found


def emit(builder: Builder, value: Sym, shape: Sequence[int], target: tuple[Pointer, dtype, Sequence[int]],
          available: Sequence[tuple[Pointer, dtype, Sequence[int]]], reduced: Sequence[int], per_row: bool) -> None:
    """A region step for `value` over those of the `available` (pointer, dtype, element strides) that it reads."""
    used, (compact,) = compacted((value,))
    chosen = [available[i] for i in used]
    strides = [[s * d.itemsize for s in st] for _, d, st in (target, *chosen)]
    builder.region(shape, [d for _, d, _ in chosen], compact, target[1], strides,
                   [target[0], *(p for p, _, _ in chosen)], reduced, per_row)


def _like_strides(shape: shapes.Shape, operands: Sequence[Layout]) -> shapes.Shape:
    """The strides of a fresh result: those of the first operand that fills the shape densely, else contiguous."""
    for o in operands:
        if o.shape == shape and o.dense:
            return o.strides
    return shapes.contiguous_strides(shape)


def _lower_elementwise(builder: Builder, op: Operation, operands: tuple[Layout, ...], attributes: dict[str, Any]
                       ) -> Layout:
    compute = _compute_dtype(op, operands)
    value = op.forward(*_symbols(op, operands, compute, 0), **attributes)
    shape = shapes.broadcast(o.shape for o in operands)
    result = dtypes.bool_ if op.result == "bool" else compute
    if "dtype" in attributes:
        result = attributes["dtype"]
    if op.inplace_of is not None:
        target = operands[0]
        if shape != target.shape:
            raise RuntimeError(
                f"output with shape {list(target.shape)} doesn't match the broadcast shape {list(shape)}"
            )
        if result.category > target.dtype.category and op.name not in ("copy_", "fill_", "zero_"):
            raise RuntimeError(f"result type {_scalar_name(result)} can't be cast to the desired output type "
                               f"{_scalar_name(target.dtype)}")
        out = target
    else:
        plain = op.name == "contiguous"
        out = builder.layouts.intern(result, shape, None if plain else _like_strides(shape, operands))
    emit(builder, value, shape, (Pointer(rec.TARGET), out.dtype, out.strides), [
        (Pointer(rec.OPERAND + j), o.dtype, shapes.expanded_strides(o.shape, o.strides, shape))
        for j, o in enumerate(operands)
    ], (), False)
    return out


def _trace(plan: Plan) -> tuple[Any, ...]:
    """The adjoint rule on symbols: operand 0 is the cotangent, 1… the operands, the last the result."""
    if plan.gradients is None:
        op, operands = plan.op, plan.operands
        compute = _compute_dtype(op, operands)
        n = len(operands)
        g = Sym.operand(0, plan.out.dtype).cast(compute)
        out = Sym.operand(n + 1, plan.out.dtype).cast(compute)
        attributes = {k: v for k, v in plan.attributes.items() if k in op.attributes}
        plan.gradients = op.gradients(g, _symbols(op, operands, compute, 1), out, attributes)
    return plan.gradients


def _adjoint_elementwise(builder: Builder, plan: Plan, j: int) -> int:
    value = _trace(plan)[j]
    if value is None:
        return 0
    builder.both = True
    shape, operand = plan.out.shape, plan.operands[j]
    target, incoming = builder.layouts.adjoint(operand), builder.layouts.adjoint(plan.out)
    flags = rec.IDENTITY if value.op == "operand" and value.value == 0 and target is incoming else 0
    strides = shapes.expanded_strides(target.shape, target.strides, shape)
    missing = len(shape) - len(target.shape)
    reduced = [d for d, n in enumerate(shape) if n != 1 and (d < missing or target.shape[d - missing] == 1)]
    if reduced:
        value = row.sum(value, ())
    available = [(Pointer(rec.ADJOINT), incoming.dtype, incoming.strides)]
    available += [(Pointer(rec.OPERAND + i), o.dtype, shapes.expanded_strides(o.shape, o.strides, shape))
                  for i, o in enumerate(plan.operands)]
    available.append((Pointer(rec.RESULT), plan.out.dtype, plan.out.strides))
    emit(builder, value, shape, (Pointer(rec.TARGET), target.dtype, strides), available, reduced, bool(reduced))
    return flags


# ---------------------------------------------------------------- rows


def _kept_form(layout: Layout, shape: shapes.Shape, dims: Sequence[int], keepdim: bool) -> shapes.Shape:
    """The strides of a reduced value over the operand's shape: zero along the row."""
    if keepdim:
        return tuple(0 if d in dims else s for d, s in enumerate(layout.strides))
    left = iter(layout.strides)
    return tuple(0 if d in dims else next(left) for d in range(len(shape)))


def _lower_reduction(builder: Builder, op: Operation, operands: tuple[Layout, ...], attributes: dict[str, Any]
                     ) -> Layout:
    compute = _compute_dtype(op, operands)
    dims, keepdim = attributes["dim"], attributes.get("keepdim", False)
    value = op.forward(*_symbols(op, operands, compute, 0), **{k: attributes[k] for k in op.attributes})
    shape = shapes.broadcast(o.shape for o in operands)
    result = {"bool": dtypes.bool_, "int64": dtypes.int64}.get(op.result, compute)
    if op.per_row:
        out = builder.layouts.intern(
            result, tuple(1 if d in dims else n for d, n in enumerate(shape) if keepdim or d not in dims)
        )
        strides = _kept_form(out, shape, dims, keepdim)
    else:
        out = builder.layouts.intern(result, shape, _like_strides(shape, operands))
        strides = out.strides
    emit(builder, value, shape, (Pointer(rec.TARGET), out.dtype, strides), [
        (Pointer(rec.OPERAND + j), o.dtype, shapes.expanded_strides(o.shape, o.strides, shape))
        for j, o in enumerate(operands)
    ], dims, op.per_row)
    return out


def _adjoint_reduction(builder: Builder, plan: Plan, j: int) -> int:
    value = _trace(plan)[j]
    if value is None:
        return 0
    builder.both = True
    op, operand = plan.op, plan.operands[j]
    dims, keepdim = plan.attributes["dim"], plan.attributes.get("keepdim", False)
    shape = shapes.broadcast(o.shape for o in plan.operands)
    target, incoming = builder.layouts.adjoint(operand), builder.layouts.adjoint(plan.out)
    if op.per_row:
        seen, result = _kept_form(incoming, shape, dims, keepdim), _kept_form(plan.out, shape, dims, keepdim)
    else:
        seen, result = incoming.strides, plan.out.strides
    available = [(Pointer(rec.ADJOINT), incoming.dtype, seen)]
    available += [(Pointer(rec.OPERAND + i), o.dtype, shapes.expanded_strides(o.shape, o.strides, shape))
                  for i, o in enumerate(plan.operands)]
    available.append((Pointer(rec.RESULT), plan.out.dtype, result))
    rows = any(n.op in ("reduce", "index", "count") for n in walk((value,)))
    strides = shapes.expanded_strides(target.shape, target.strides, shape)
    emit(builder, value, shape, (Pointer(rec.TARGET), target.dtype, strides), available, dims if rows else (), False)
    return 0


# ---------------------------------------------------------------- views


def _lower_view(builder: Builder, op: Operation, operands: tuple[Layout, ...], attributes: dict[str, Any]) -> Layout:
    (x,) = operands
    shape, strides, _ = op.forward((x.shape, x.strides), **attributes)
    return builder.layouts.intern(x.dtype, shape, strides)


def _adjoint_view(builder: Builder, plan: Plan, j: int) -> int:
    """The same view of the operand's adjoint takes the gradient; its byte offset is the instruction's."""
    builder.both = True
    (operand,) = plan.operands
    target, incoming = builder.layouts.adjoint(operand), builder.layouts.adjoint(plan.out)
    _, strides, _ = plan.op.forward((target.shape, target.strides), **plan.attributes)
    reduced = [d for d, (n, s) in enumerate(zip(plan.out.shape, strides)) if n > 1 and s == 0]
    g = Sym.operand(0, incoming.dtype)
    value = row.sum(g, ()) if reduced else g
    emit(builder, value, plan.out.shape, (Pointer(rec.TARGET | rec.SHIFTED), target.dtype, strides),
          [(Pointer(rec.ADJOINT), incoming.dtype, incoming.strides)], reduced, bool(reduced))
    own = [d for d in range(len(plan.out.shape)) if d not in reduced]
    sizes, steps = [plan.out.shape[d] for d in own], [strides[d] for d in own]
    # As many elements, and yet overlapping: a window's neighbours.
    whole = math.prod(sizes) == target.numel and shapes.is_dense(sizes, steps)
    flags = 0 if whole else rec.NEEDS_ZERO
    if whole and not reduced and target.contiguous and incoming.contiguous and shapes.is_contiguous(
            plan.out.shape, strides):
        flags |= rec.IDENTITY
    return flags


def _lower_rebase(builder: Builder, op: Operation, operands: tuple[Layout, ...], attributes: dict[str, Any]) -> Layout:
    return operands[1]


def _lower_callback(builder: Builder, op: Operation, operands: tuple[Layout, ...], attributes: dict[str, Any]
                    ) -> Layout:
    return builder.layouts.intern(attributes["dtype"], attributes["shape"], attributes["strides"])


def _no_adjoint(builder: Builder, plan: Plan, j: int) -> int:
    return 0


def _part(builder: Builder, plan: Plan) -> tuple[dtype, shapes.Shape, shapes.Shape]:
    """The part of a base's adjoint that its written view looked at: (dtype, shape, strides)."""
    frame = builder.layouts.adjoint(plan.operands[1])
    size, strides, _ = REGISTRY["as_strided"].forward((frame.shape, frame.strides), **plan.attributes)
    return frame.dtype, size, strides


def _carve(builder: Builder, plan: Plan, source: int) -> None:
    """Zero that part of the adjoint in `source`."""
    d, size, strides = _part(builder, plan)
    builder.region(size, (), Sym.const(0, d), d, [[s * d.itemsize for s in strides]], [Pointer(source | rec.SHIFTED)])


def _adjoint_rebase(builder: Builder, plan: Plan, j: int) -> int:
    """The written view takes its part of the gradient; the old base takes the rest, usually where it lies."""
    frame = builder.layouts.adjoint(plan.operands[1])
    if j == 0:
        builder.both = True
        d, size, strides = _part(builder, plan)
        target = builder.layouts.adjoint(plan.operands[0])
        emit(builder, Sym.operand(0, d), size, (Pointer(rec.TARGET), target.dtype, target.strides),
              [(Pointer(rec.ADJOINT | rec.SHIFTED), d, strides)], (), False)
        return 0
    rest = builder.temporary(frame)
    builder.copy((Pointer(rest), frame), (Pointer(rec.ADJOINT), frame))
    _carve(builder, plan, rest)
    builder.copy((Pointer(rec.TARGET), frame), (Pointer(rest), frame), both=True)
    return rec.IDENTITY | rec.CARVES


# ---------------------------------------------------------------- what is kept


def _keeps(builder: Builder, plan: Plan) -> list[frozenset[int]]:
    """What each operand's adjoint reads again: derived from the rule, never declared."""
    n = len(plan.operands)
    if plan.op.moves_nothing or plan.op.kind == "callback":
        return [frozenset()] * n
    return [
        frozenset() if value is None else frozenset(
            KEEPS_RESULT if u == n + 1 else u - 1 for u in used_operands((value,)) if u > 0
        ) for value in _trace(plan)
    ]


class Kind(NamedTuple):
    """How operations of one kind are lowered: forward, one operand's adjoint, and what each adjoint reads."""

    lower: Callable[..., Layout]
    adjoint: Callable[..., int]
    keeps: Callable[..., list[frozenset[int]]] = _keeps


KINDS: dict[str, Kind] = {  # `machine.structured` adds its own
    "elementwise": Kind(_lower_elementwise, _adjoint_elementwise),
    "reduction": Kind(_lower_reduction, _adjoint_reduction),
    "view": Kind(_lower_view, _adjoint_view),
    "rebase": Kind(_lower_rebase, _adjoint_rebase),
    "callback": Kind(_lower_callback, _no_adjoint),
}
