"""Operations that count their axes, on lanes: what is folded into which of them. The one table written by hand."""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from tapegrad import dispatch
from tapegrad.lanes.batched import Batched, aligned, sizes, view
from tapegrad.machine.live import layouts
from tapegrad.machine.planning import Attributes
from tapegrad.ops.declaration import REGISTRY, Operation

_layouts = layouts.all
Rule = Callable[[Operation, Sequence[Any], Attributes, tuple[int, ...]], Any]


def _shape(x: Any) -> tuple[int, ...]:
    return _layouts[x._layout].shape


def _reshaped(x: Any, *shape: int) -> Any:
    if -1 in shape:  # which a value without elements does not tell
        of, known = _shape(x), [n for n in shape if n != -1]
        shape = (*known, math.prod(of[len(known):]))
    return x if _shape(x) == shape else x.reshape(shape)


def _count(levels: tuple[int, ...]) -> int:
    n = 1
    for size in sizes(levels):
        n *= size
    return n


# Of operations that are linear in two operands: of each the axis that its lanes are folded into, and which axis of the
# result that becomes.
FOLDS: dict[str, tuple[tuple[int, int] | None, tuple[int, int] | None]] = {
    "mm": ((0, 0), (1, 1)), "mv": ((0, 0), None), "_convolve": ((0, 0), (0, 1)), "_convolve_back": ((0, 0), (1, 1)),
    "_convolve_weights": ((1, 0), (1, 1)),
}


# Columns from which a matrix meets those of each lane by themselves: side by side they are copied, before and after.
WIDE = 64


def _folded(op: Operation, given: Sequence[Any], attributes: Attributes, levels: tuple[int, ...]) -> Any:
    """Lanes of one operand as more of its rows, where both do not have them."""
    which = [j for j, x in enumerate(given) if type(x) is Batched]
    place = FOLDS[op.name][which[0]] if len(which) == 1 else None
    if place is None:
        return _matrices(op, given, levels) if op.name in ("mm", "mv") else None
    (j,), (axis, where) = which, place
    if op.name == "mm" and axis and _shape(given[1])[1] >= WIDE:
        return _matrices(op, given, levels)
    lanes, k = sizes(levels), len(levels)
    value = given[j]._value
    if axis:
        value = view("permute", value, dims=(*range(k, k + axis), *range(k), *range(k + axis, len(_shape(value)))))
    shape = _shape(given[j])
    operands = list(given)
    operands[j] = _reshaped(value, *shape[:axis], _count(levels) * shape[axis], *shape[axis + 1:])
    made = dispatch.apply(op, operands, attributes)
    out = _shape(made)
    made = _reshaped(made, *out[:where], *lanes, shape[axis], *out[where + 1:])
    if not where:
        return made
    made = view("permute", made, dims=(*range(where, where + k), *range(where), *range(where + k, len(out) + k)))
    return made.contiguous()  # as the function may take a result to lie


def _matrices(op: Operation, given: Sequence[Any], levels: tuple[int, ...]) -> Any:
    """Matrices of all lanes as one batch."""
    x, y = given
    lanes, n = sizes(levels), _count(levels)
    rows, depth = _shape(x)
    columns = () if op.name == "mv" else _shape(y)[-1:]
    left = _reshaped(aligned(x, levels, full=True), n, rows, depth)
    right = _reshaped(aligned(y, levels, full=True), n, depth, *(columns or (1,)))
    return _reshaped(dispatch.apply(REGISTRY["bmm"], (left, right), ()), *lanes, rows, *columns)


# Of operations that have a batch of their own: its axis in each operand, and in the result.
BATCHES: dict[str, tuple[tuple[int, ...], int]] = {
    "bmm": ((0, 0), 0), "_attention_weights": ((1,), 0), "_attention": ((1, 0), 0), "_attention_slopes": ((0, 1, 0), 1),
}


def _batched(op: Operation, given: Sequence[Any], attributes: Attributes, levels: tuple[int, ...]) -> Any:
    """Lanes as more of the batch."""
    axes, where = BATCHES[op.name]
    lanes, k, n = sizes(levels), len(levels), _count(levels)
    operands = []
    for x, axis in zip(given, axes):
        shape = _shape(x)
        value = aligned(x, levels, full=True)
        if axis:
            value = view("permute", value, dims=(*range(k, k + axis), *range(k), *range(k + axis, k + len(shape))))
        operands.append(_reshaped(value, *shape[:axis], n * shape[axis], *shape[axis + 1:]))
    made = dispatch.apply(op, operands, attributes)
    out = _shape(made)
    made = _reshaped(made, *out[:where], *lanes, out[where] // n if n else _shape(given[0])[axes[0]], *out[where + 1:])
    if where:
        made = view("permute", made, dims=(*range(where, where + k), *range(where), *range(where + k, k + len(out))))
    return made


def _rolled(op: Operation, given: Sequence[Any], attributes: Attributes, levels: tuple[int, ...]) -> Any:
    """A roll of all elements in a row, which has a row for each lane."""
    named = dict(attributes)
    if named["dims"] is not None:
        return None
    (x,) = given
    value = _reshaped(x._value, *sizes(levels), -1)
    made = dispatch.apply(op, (value,), (("shifts", named["shifts"]), ("dims", (len(levels),))))
    return _reshaped(made, *sizes(levels), *_shape(x))


def _added_product(op: Operation, given: Sequence[Any], attributes: Attributes, levels: tuple[int, ...]) -> Any:
    """A product of lanes, and what is added to it."""
    x, a, b = given
    scale = dict(attributes)
    if type(x) is not Batched and type(b) is not Batched and len(_shape(x)) < 2:
        lanes, n = sizes(levels), _count(levels)
        left = _reshaped(aligned(a, levels, full=True), n * _shape(a)[0], _shape(a)[1])
        return _reshaped(dispatch.apply(op, (x, left, b), attributes), *lanes, _shape(a)[0], _shape(b)[1])
    product = dispatch.apply(REGISTRY["mm"], (a, b), ())
    if scale["alpha"] != 1:
        product = product * scale["alpha"]
    if scale["beta"] != 0:
        product = product + (x if scale["beta"] == 1 else x * scale["beta"])
    return aligned(product, levels, full=True)


def _joined(op: Operation, given: Sequence[Any], attributes: Attributes, levels: tuple[int, ...]) -> Any:
    """Parts that all have lanes."""
    values = [aligned(x, levels, full=True) for x in given]
    axis = dict(attributes)["dim"] + len(levels)
    return dispatch.apply(op, values, (("dim", axis),))


def _searched(op: Operation, given: Sequence[Any], attributes: Attributes, levels: tuple[int, ...]) -> Any:
    """Rows of edges, each for the values of its lane; one row for all values stays alone."""
    edges, values = given
    k, shape = len(levels), _shape(values)
    if type(edges) is not Batched and len(_shape(edges)) == 1:
        return dispatch.apply(op, (edges, aligned(values, levels, full=True).contiguous()), attributes)
    rows = aligned(edges, levels, full=True).contiguous()
    sought = aligned(values, levels, full=True).contiguous()
    if len(_shape(edges)) == 1:
        sought = _reshaped(sought, *sizes(levels), -1)
    return _reshaped(dispatch.apply(op, (rows, sought), attributes), *_shape(sought)[:k], *shape)


RULES: dict[str, Rule] = {
    **dict.fromkeys(FOLDS, _folded), **dict.fromkeys(BATCHES, _batched), "addmm": _added_product, "cat": _joined,
    "stack": _joined, "roll": _rolled, "searchsorted": _searched,
}
