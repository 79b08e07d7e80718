"""Which elements of an operand each element of a result depends on, read from what the operation is.

A relation is a list of matrices of bits, whose product has a row for each element of the result and a column for each
of the operand: two where every element of a class is read by every element of another. It may say too much, never too
little: an operation that no rule here knows reads all of its operand.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from tapegrad import shapes
from tapegrad.machine import reference
from tapegrad.machine.live import layouts
from tapegrad.machine.planning import Plan
from tapegrad.ops import indexing, joining
from tapegrad.ops.declaration import REGISTRY
from tapegrad.tape.reading import with_start

Bits = Any  # a csr_array of bool
Array = np.ndarray[Any, Any]
Relation = list[Bits]
Rule = Callable[..., "Relation | None"]  # (plan, which operand, shift, values of index operands); None: all of it


def pairs(targets: Array, sources: Array, rows: int, columns: int) -> Bits:
    """The bits at some places."""
    targets, sources = np.ravel(targets), np.ravel(sources)
    return sparse.csr_array((np.ones(len(targets), bool), (targets, sources)), shape=(rows, columns))


def each(sources: Array, columns: int) -> Bits:
    """One bit a row."""
    sources = np.ravel(sources)
    n = len(sources)
    return sparse.csr_array((np.ones(n, bool), sources, np.arange(n + 1)), shape=(n, columns))


def classes(of_result: Array, of_operand: Array, count: int) -> Relation:
    """All elements of a class read all of the class of that number."""
    return [each(of_result, count), pairs(of_operand, np.arange(np.size(of_operand)), count, np.size(of_operand))]


def dense(rows: int, columns: int) -> Relation:
    return classes(np.zeros(rows, np.int64), np.zeros(columns, np.int64), 1)


def numbers(shape: Sequence[int]) -> Array:
    return np.arange(math.prod(shape)).reshape(tuple(shape))


def along(shape: Sequence[int], axes: Sequence[int]) -> Array:
    """For each element a number that tells where it is along some axes."""
    found, step = np.zeros(tuple(shape), np.int64), 1
    for d in reversed(axes):
        found += (np.arange(shape[d]) * step).reshape((-1,) + (1,) * (len(shape) - d - 1))
        step *= shape[d]
    return found


def _spread(shape: shapes.Shape, over: shapes.Shape) -> Array | None:
    """The numbers of an operand's elements, broadcast; None where they are not."""
    try:
        fits = shapes.broadcast((shape, over)) == tuple(over)
    except (RuntimeError, ValueError):
        return None
    return np.broadcast_to(numbers(shape), over) if fits else None


# ---------------------------------------------------------------- kinds


def elementwise(plan: Plan, j: int, *ignored: Any) -> Relation | None:
    sources = _spread(plan.operands[j].shape, plan.out.shape)
    return None if sources is None else [each(sources, plan.operands[j].numel)]


def reduction(plan: Plan, j: int, *ignored: Any) -> Relation | None:
    """Rows: each element of the result reads one, or each of a row all of it."""
    common = shapes.broadcast([o.shape for o in plan.operands])
    reduced = {d % max(len(common), 1) for d in plan.attributes["dim"]}
    kept = [d for d in range(len(common)) if d not in reduced]
    rows, count = along(common, kept), math.prod(common[d] for d in kept)
    sources = _spread(plan.operands[j].shape, common)
    if sources is None:
        return None
    read = pairs(rows, sources, count, plan.operands[j].numel)
    if plan.op.per_row and plan.out.numel == count:
        return [read]
    return [each(rows, count), read] if plan.out.shape == common else None


def view(plan: Plan, j: int, shift: int, *ignored: Any) -> Relation | None:
    operand = plan.operands[j]
    if plan.out.dtype is not operand.dtype or ("frame" in plan.attributes and not layouts.adjoint(operand).contiguous):
        return None
    places = joining.positions(plan.op, operand.shape, with_start(plan, shift))
    return [each(places, operand.numel)] if places.shape == plan.out.shape else None


def rebase(plan: Plan, j: int, shift: int, *ignored: Any) -> Relation | None:
    """A part put into a base where a view looks, and what is left of the base."""
    part, base = plan.operands
    if not layouts.adjoint(base).contiguous:
        return None
    given = {name: value for name, value in with_start(plan, shift).items() if name in plan.op.attributes}
    places = np.ravel(joining.positions(REGISTRY["as_strided"], base.shape, given))
    if j == 0:
        return [pairs(places, np.arange(part.numel), base.numel, part.numel)] if places.size == part.numel else None
    left = np.delete(np.arange(base.numel), places)
    return [pairs(left, left, base.numel, base.numel)]


# ---------------------------------------------------------------- operations with kernels of their own


def product(plan: Plan, j: int, *ignored: Any) -> Relation | None:
    """Rows of the left operand, columns of the right one."""
    operands, out = plan.operands, plan.out.shape
    if plan.op.name == "addmm":
        if j == 0:
            return elementwise(plan, 0)
        operands, j = operands[1:], j - 1
    batch = list(range(len(operands[0].shape) - 2))
    own = operands[j].shape
    if j == 0:  # the axis of rows is the one behind the batch
        axes = [*batch, len(batch)]
        return classes(along(out, axes), along(own, axes), math.prod(own[d] for d in axes))
    if len(own) == 1:
        return None
    last = len(own) - 1
    return classes(along(out, [*batch, last]), along(own, [*batch, last]), math.prod(own[d] for d in (*batch, last)))


def joined(plan: Plan, j: int, *ignored: Any) -> Relation | None:
    dim, places = plan.attributes["dim"], numbers(plan.out.shape)
    if plan.op.name == "stack":
        part = places.take(j, dim)
    else:
        start = sum(o.shape[dim] for o in plan.operands[:j])
        part = places[(slice(None),) * dim + (slice(start, start + plan.operands[j].shape[dim]),)]
    n = plan.operands[j].numel
    return [pairs(part, np.arange(n), plan.out.numel, n)] if part.shape == plan.operands[j].shape else None


def moved(plan: Plan, j: int, *ignored: Any) -> Relation | None:
    """The operation on the numbers of elements: 0 is none of them."""
    n = plan.operands[0].numel
    given = {**plan.attributes, **({"value": 0} if "value" in plan.attributes else {})}
    found = np.ravel(reference.forward(plan.op, [numbers(plan.operands[0].shape) + 1], given))
    there = np.flatnonzero(found)
    return [pairs(there, found[there] - 1, len(found), n)]


def placed(plan: Plan, j: int, *ignored: Any) -> Relation | None:
    """The operand put where a view looks."""
    named = plan.attributes
    places = joining.positions(REGISTRY[named["of"]], named["shape"], dict(named["given"]))
    n = plan.operands[0].numel
    return [pairs(places, np.arange(n), plan.out.numel, n)] if places.size == n else None


def scan(plan: Plan, j: int, *ignored: Any) -> Relation | None:
    """Lines, of which each element may read all."""
    shape = plan.out.shape
    if not shape or plan.operands[j].shape != shape:
        return None
    axes = [d for d in range(len(shape)) if d != plan.attributes["dim"] % len(shape)]
    lines = along(shape, axes)
    return classes(lines, lines, math.prod(shape[d] for d in axes))


def read(plan: Plan, j: int, shift: int, indices: Sequence[Array]) -> Relation | None:
    """What indices say is read."""
    x = plan.operands[0]
    if j or not x.shape or not indices:
        return None
    return [each(indexing.positions(plan.attributes["form"], x.shape, indices), x.numel)]


def added(plan: Plan, j: int, shift: int, indices: Sequence[Array]) -> Relation | None:
    """Put where a read looks."""
    shape, n = plan.attributes["shape"], plan.operands[0].numel
    if j or not shape or not indices:
        return None
    places = indexing.positions(plan.attributes["form"], shape, indices)
    return [pairs(places, np.arange(n), plan.out.numel, n)] if places.size == n else None


def written(plan: Plan, j: int, shift: int, indices: Sequence[Array]) -> Relation | None:
    """The same put into another operand."""
    x, value = plan.operands[:2]
    if j == 0:
        return elementwise(plan, 0)
    if j != 1 or not x.shape or not indices:
        return None
    places = indexing.positions(plan.attributes["form"], x.shape, indices)
    sources = _spread(value.shape, places.shape)
    return None if sources is None else [pairs(places, sources, x.numel, value.numel)]


KINDS: dict[str, Rule] = {"elementwise": elementwise, "reduction": reduction, "view": view, "rebase": rebase}
_NAMES: dict[Rule, str] = {
    product: "mm bmm mv addmm", joined: "cat stack", moved: "flip roll pad", placed: "embed diag_embed",
    added: "spread", scan: "cumsum cumprod logcumsumexp recurrence",
    read: "index index_select gather take embedding masked_select max_values min_values sort_values topk_values "
          "kthvalue_values median_values nanmedian_values mode_values cummax_values cummin_values rot90 collect",
    written: "index_put scatter scatter_value index_copy index_fill put index_put_add scatter_add index_add put_add",
    elementwise: "erase triangle special_gammainc special_gammaincc special_i0 special_i0e special_i1 special_i1e "
                 "special_iv special_ive special_erfcx special_log_ndtr special_mills special_ndtri special_polygamma",
}
STRUCTURED: dict[str, Rule] = {name: rule for rule, names in _NAMES.items() for name in names.split()}

# The first of the operands that are indices, and which other one needs them.
_LOOKED_UP = {read: (1, 0), added: (1, 0), written: (2, 1)}


def indices_of(plan: Plan, j: int) -> range:
    """Which operands say where the `j`th is read or put."""
    rule = STRUCTURED.get((plan.op.inplace_of or plan.op).name)
    first, of = _LOOKED_UP.get(rule, (0, -1))  # type: ignore[arg-type]
    return range(first, len(plan.operands)) if j == of else range(0)


def relation(plan: Plan, j: int, shift: int, indices: Sequence[Array]) -> Relation | None:
    """How a plan's result depends on its operand `j`; None where nothing better is known than: on all of it."""
    op = plan.op.inplace_of or plan.op
    rule = STRUCTURED.get(op.name) if op.kind == "structured" else KINDS.get(op.kind)
    return None if rule is None else rule(plan, j, shift, indices)
