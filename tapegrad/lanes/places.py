"""Reads and writes at places that index operands name, on lanes: the same with one index more for each level.

Lanes of the indices are joined to the shape that these have in common, and meet lanes of the base by an index that
counts them. A walk puts its axes in an order of its own (`ops.indexing.walked`), which is followed here by their names.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tapegrad import dispatch, shapes
from tapegrad.creation import from_array
from tapegrad.lanes.batched import Batched, aligned, sizes, view
from tapegrad.machine.live import layouts
from tapegrad.machine.planning import Attributes
from tapegrad.ops.declaration import Operation

_layouts = layouts.all


def _shape(x: Any) -> tuple[int, ...]:
    return _layouts[x._layout].shape


def result(op: Operation, given: Sequence[Any], attributes: Attributes, levels: tuple[int, ...]) -> Any:
    """The value of what an operation with a `form` gives."""
    named = dict(attributes)
    kind, dims = named["form"]
    adds = "shape" in named  # to zeros
    base = None if adds else given[0]
    value = given[0] if adds else given[1] if "value" in op.operands else None
    indices = given[1 if adds or value is None else 2:]
    frame = named["shape"] if adds else _shape(base)
    if kind == "along":
        return _in_step(op, base, value, indices[0], named, frame, levels)
    k, lanes = len(levels), sizes(levels)
    common = len(shapes.broadcast([_shape(i) for i in indices]))
    here = any(type(i) is Batched for i in indices)
    shared = here and type(base) is not Batched and value is None and op.name != "erase"  # all lanes read one base
    rest = [("axis", d) for d in range(len(frame)) if d not in dims]
    seen = _walk(dims, rest, common)
    wanted = [("lane", d) for d in range(k)] + seen
    read = [aligned(i, levels, common).contiguous() if type(i) is Batched else i for i in indices]
    if not here:
        dims = tuple([d + k for d in dims])
        walk = _walk(dims, [("lane", d) for d in range(k)] + rest, common, k)
    elif shared:
        walk = [part for axis in seen for part in ((*wanted[:k], axis) if axis == ("common", 0) else (axis,))]
        walk = walk if common else _walk(dims, rest, 0, 0, wanted[:k])
    else:
        dims = (*range(k), *[d + k for d in dims])
        walk = _walk(dims, [("axis", d) for _, d in rest], common, k, wanted[:k])
        read = [_counted(lanes, d, common) for d in range(k)] + read
    operands: list[Any] = []
    if base is not None:
        operands.append(base if shared else aligned(base, levels, full=True))
    if value is not None:
        whole = aligned(value, levels, full=True)
        operands.append(_permuted(whole, [wanted.index(axis) for axis in walk]))
    named["form"] = kind, dims
    if adds:
        named["shape"] = (*lanes, *frame)
    made = dispatch.apply(op, [*operands, *read], tuple(named.items()))
    walked = base is not None and value is None and op.name != "erase"
    return _permuted(made, [walk.index(axis) for axis in wanted]) if walked else made


def _walk(dims: Sequence[int], rest: Sequence[tuple[str, int]], common: int, k: int = 0,
          lanes: Sequence[tuple[str, int]] = ()) -> list[tuple[str, int]]:
    """The axes of a walk in its order, by name: lanes of the base (`k` of them), of the indices, what these share."""
    joined = list(dims) == list(range(dims[0], dims[0] + len(dims)))
    places = [d + (k if kind == "axis" else 0) for kind, d in rest]
    before = [axis for axis, d in zip(rest, places) if d < dims[0]] if joined else []
    after = list(rest[len(before):])
    return [*before, *lanes, *(("common", d) for d in range(common)), *after]


def _counted(lanes: Sequence[int], d: int, common: int) -> Any:
    """An index that counts the lanes of a level."""
    import numpy as np

    shape = [n if i == d else 1 for i, n in enumerate(lanes)] + [1] * common
    return from_array(np.arange(lanes[d]).reshape(shape))


def _permuted(x: Any, dims: list[int]) -> Any:
    return x if dims == sorted(dims) else view("permute", x, dims=tuple(dims))


def _in_step(op: Operation, base: Any, value: Any, index: Any, named: dict[str, Any], frame: Sequence[int],
             levels: tuple[int, ...]) -> Any:
    """Where one index is walked in step with all other axes, lanes are axes like these."""
    k, lanes = len(levels), sizes(levels)
    number = not len(frame)  # which is a vector of one
    rank = max(len(_shape(index)), 1) if number else None

    def whole(x: Any, rank: int | None) -> Any:
        return aligned(x, levels, rank, full=True)

    operands = [whole(base, 1 if number else None)] if base is not None else []
    if value is not None:
        operands.append(whole(value, rank))
    operands.append(whole(index, rank).contiguous())
    named["form"] = "along", named["form"][1] + k
    if "shape" in named:
        named["shape"] = (*lanes, *(frame or (1,)))
    made = dispatch.apply(op, operands, tuple(named.items()))
    walked = base is not None and value is None and op.name != "erase"
    if number and (not walked or not _shape(index)):
        made = view("squeeze", made, dim=(k,))
    return made
