"""An operation's rules on symbols: the dtype it computes in, its operands as it sees them, its adjoint traced."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tapegrad import dtypes
from tapegrad.dtypes import dtype
from tapegrad.machine.planning.layouts import Layout
from tapegrad.machine.planning.plan import Plan
from tapegrad.ops.declaration import Operation
from tapegrad.ops.symbols import Sym, used_operands, walk


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


def compute_dtype(op: Operation, operands: Sequence[Layout]) -> dtype:
    weighed = [o for o, name in zip(operands, op.operands) if name != "condition"]
    common = result_type(weighed) if op.result != "first" else operands[0].dtype
    if op.result == "float" and not common.is_floating_point:
        common = dtypes.default_dtype()
    if op.computes == "float64" and not common.is_floating_point:
        common = dtypes.float64
    if op.result == "sum" and not common.is_floating_point:
        common = dtypes.int64
    if "bif"[common.category] not in op.accepts:
        if op.inplace_of is not None and common.category > operands[0].dtype.category:
            raise RuntimeError(f"result type {scalar_name(common)} can't be cast to the desired output type "
                               f"{scalar_name(operands[0].dtype)}")
        raise _unsupported(op, common)
    if op.name.rstrip("_") == "sub" and any(o.dtype is dtypes.bool_ for o in operands):
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, "
            "use the `~` or `logical_not()` operator instead."
        )
    return common


def result_dtype(op: Operation, computed: dtype) -> dtype:
    """The dtype of what an operation that computes in this one returns."""
    truth = dtypes.uint8 if computed is dtypes.uint8 else dtypes.bool_
    return {"bool": dtypes.bool_, "int64": dtypes.int64, "truth": truth}.get(op.result, computed)


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
            f"Got: {scalar_name(d)}"
        )
    name = op.name.rstrip("_")
    if name == "relu":
        return RuntimeError("Boolean inputs not supported for relu")
    return NotImplementedError(f'"{_KERNELS.get(name, f"{name}_cpu")}" not implemented for \'{scalar_name(d)}\'')


# What PyTorch calls the kernels that it misses, where that is not the operation's own name.
_KERNELS = {"left_shift": "lshift_cpu", "right_shift": "rshift_cpu", "floor_divide": "div_floor_cpu", "pow": "pow",
            "ceil": "ceil_vml_cpu", "floor": "floor_vml_cpu", "round": "round_vml_cpu", "trunc": "trunc_vml_cpu"}


def scalar_name(d: dtype) -> str:
    return {"bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long",
            "float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16"}[d.name]


# Of an operation on halves, a number is rounded to one first; not so what these multiply and divide by.
_EXACT = frozenset(("mul", "mul_", "div", "div_"))


def symbols(op: Operation, operands: Sequence[Layout], compute: dtype, first: int) -> list[Sym]:
    """The rule's operands, loaded as they are stored and cast to what the operation computes in."""
    found = []
    for j, layout in enumerate(operands):
        if layout.literal is not None and op.specialise:
            found.append(Sym.const(layout.literal, compute))
            continue
        loaded = Sym.operand(first + j, layout.dtype)
        exact = layout.tier < 2 and op.name in _EXACT
        wanted = compute.arithmetic if exact else compute
        found.append(loaded.cast(dtypes.bool_ if op.operands[j] == "condition" else wanted))
    return found


def by_value(values: Sequence[Any], op: Operation, operands: Sequence[Layout], compute: dtype, first: int
             ) -> list[Any]:
    """What a rule gave on `symbols`: powers by a number that is no literal are chosen by what it is when they run.

    So `x ** 2.0` is `x * x`, as in PyTorch, and needs no plan but that of `x ** 2.5`. A float16 is raised by libm.
    """
    numbers = {first + j for j, layout in enumerate(operands) if layout.weak}
    if not op.specialise or not numbers or not compute.is_floating_point:
        return [*values]

    def raised(node: Sym) -> str:
        used = set(used_operands(node.args[1:]))
        return "_pow" if compute is dtypes.float16 else "_pow_by_value" if used and used <= numbers else "pow"

    done: dict[Sym, Sym] = {}
    for node in walk([v for v in values if v is not None]):
        name = raised(node) if node.op == "pow" else node.op
        done[node] = Sym(name, tuple([done[a] for a in node.args]), node.dtype, node.value)
    return [done.get(v) for v in values]


_TRACED: dict[tuple[Any, ...], tuple[Any, ...]] = {}
_MOST_TRACED = 1024  # then all are forgotten: what a program keeps asking for is soon there again


def trace(plan: Plan) -> tuple[Any, ...]:
    """The adjoint rule on symbols: operand 0 is the cotangent, 1… the operands, the last the result.

    Shapes are none of its business, so that plans of many shapes share one: that of an adjoint's adjoint takes longer
    than all else that a plan needs.
    """
    if plan.gradients is None:
        op, operands, out = plan.op, plan.operands, plan.out.dtype
        compute = compute_dtype(op, operands)
        attributes = {k: v for k, v in plan.attributes.items() if k in op.attributes}
        # As text, for numbers that are equal may be of two types, or zeros of two signs.
        key = op, compute, out, repr(attributes), tuple([(o.dtype, o.tier, o.literal) for o in operands])
        found = _TRACED.get(key)
        if found is None:
            n = len(operands)
            gradients = op.gradients(Sym.operand(0, out).cast(compute), symbols(op, operands, compute, 1),
                                     Sym.operand(n + 1, out).cast(compute), attributes)
            if len(_TRACED) >= _MOST_TRACED:
                _TRACED.clear()
            found = _TRACED[key] = tuple(by_value(gradients, op, operands, compute, 1))
        plan.gradients = found
    return plan.gradients
