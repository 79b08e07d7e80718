"""An operation on lanes as that operation on larger operands, read from its declaration.

Lanes are the first axes of every value, so that what an attribute says of an axis holds for one further on, and what
it says of a shape for one with the lanes before it: `_MOVED` knows attributes by name, not operations. Elementwise
operations and reductions broadcast over lanes. A structured operation whose `fits` takes the larger operands is done on
them; what computes with axes that it counts (products, convolutions) has a line in `products`, and for the rest each
lane is computed by itself (`one_by_one`).
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tapegrad import dispatch
from tapegrad.lanes import one_by_one, places, products
from tapegrad.lanes.batched import Batched, aligned, batched, view
from tapegrad.machine.live import layouts, machine, planner
from tapegrad.machine.planning import Attributes, Layout, compute_dtype
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.ops.view import readable
from tapegrad.shapes import contiguous_strides

_layouts = layouts.all
TensorBase: Any = machine.TensorBase
Lanes = tuple[int, ...]  # how many there are, for each level


def _axes(value: Any, k: int) -> Any:
    """Axes further on."""
    if isinstance(value, int):
        return value + k
    return value if value is None else tuple([d + k for d in value])


def _axis(value: Any, lanes: Lanes) -> Any:
    return _axes(value, len(lanes))


def _shape(value: Any, lanes: Lanes) -> Any:
    return value if isinstance(value, int) else (*lanes, *value)


def _sides(value: Any, lanes: Lanes) -> Any:
    return (*[(0, 0)] * len(lanes), *value)


# What an attribute of each name becomes where there are lanes before the axes that it speaks of.
_MOVED: dict[str, Callable[[Any, Lanes], Any]] = {
    **dict.fromkeys(("dim", "dims", "dim0", "dim1", "dim2", "dimension"), _axis),
    **dict.fromkeys(("size", "shape"), _shape), "sides": _sides,
}


def moved(attributes: Attributes, lanes: Lanes) -> Attributes:
    """Attributes as they are said of larger operands."""
    return tuple([(name, _MOVED[name](value, lanes) if name in _MOVED else value) for name, value in attributes])


def lanes_of(values: Sequence[Any], k: int) -> Lanes:
    """How many lanes values have, of which some have one for all."""
    return tuple([max([_layouts[v._layout].shape[d] for v in values]) if all(
        _layouts[v._layout].shape[d] for v in values) else 0 for d in range(k)])


def _ranks(given: Sequence[Any]) -> list[int]:
    return [len(_layouts[x._layout].shape) for x in given if isinstance(x, TensorBase)]


# ---------------------------------------------------------------- elementwise operations and reductions


def broadcast(op: Operation, given: Sequence[Any], levels: tuple[int, ...], rank: int | None = None) -> list[Any]:
    """Operands whose lanes, and whose axes, stand under each other."""
    ranks = _ranks(given)
    most = max(ranks) if rank is None else rank
    values = [aligned(x, levels, most) if type(x) is Batched else x for x in given]
    if min(ranks) == 0 or any(r > most for r in ranks):
        values = _promoted(op, given, values, len(levels) + most)
    return values


def _promoted(op: Operation, given: Sequence[Any], values: list[Any], rank: int) -> list[Any]:
    """Operands that promote as if they had no lanes: those without axes weigh less than others."""
    wanted = compute_dtype(op, layouts_of(op, given))
    if compute_dtype(op, layouts_of(op, values)) is wanted:
        return values
    changed = []
    for x, v in zip(given, values):
        if isinstance(x, TensorBase):
            if not _layouts[v._layout].shape:
                for _ in range(rank):
                    v = view("unsqueeze", v, dim=0)
            if v.dtype is not wanted and v.dtype.name != "bool":
                v = v.to(wanted)
        changed.append(v)
    return changed


def layouts_of(op: Operation, given: Sequence[Any]) -> list[Layout]:
    """How operands lie as the function sees them, numbers as the tensors that they are taken for."""
    found = []
    for x in given:
        if isinstance(x, TensorBase):
            found.append(_layouts[x._layout])
        else:
            operands = dispatch.Operands(op, (x,))
            found += operands.layouts
            operands.release()
    return found


# ---------------------------------------------------------------- views


def seen(op: Operation, x: Any, attributes: Attributes) -> tuple[Any, Attributes]:
    """What is looked at in the value of a batched tensor, and how."""
    value, k = x._value, len(x._levels)
    layout = _layouts[value._layout]
    lanes, strides = layout.shape[:k], layout.strides[:k]
    if op.name == "expand":
        value = aligned(x, x._levels, len(dict(attributes)["size"]))
    if dict(attributes).get("frame", layout.strides[k:]) != layout.strides[k:]:
        strides = _beyond(dict(attributes)["frame"], layout.shape[k:], lanes)
    larger = of_view(op.name, attributes, lanes, strides, len(layout.shape) - k)
    if op.name == "unsafe_view" and not readable(op.name, layout.shape, layout.strides, dict(larger)):
        value = value.contiguous()  # of a result that lies by rows for one sample, and for lanes otherwise
    return value, larger


def _beyond(frame: Sequence[int], shape: Sequence[int], lanes: Lanes) -> Lanes:
    """How far apart lanes are where no step within one of them reaches."""
    found: list[int] = []
    far = 1 + sum([abs(s) * n for s, n in zip(frame, shape)])
    for n in reversed(lanes):
        found.insert(0, far)
        far *= max(n, 1)
    return tuple(found)


def of_view(name: str, attributes: Attributes, lanes: Lanes, strides: Lanes, rank: int) -> Attributes:
    """The attributes of a view of a value whose lanes are so far apart, and which has `rank` axes behind them."""
    given, k = dict(attributes), len(lanes)
    if name == "permute":
        return (("dims", (*range(k), *_axes(given["dims"], k))),)
    if name.startswith("as_strided"):
        return (("size", (*lanes, *given["size"])), ("stride", (*strides, *given["stride"])),
                ("storage_offset", given["storage_offset"]), ("frame", (*strides, *given["frame"])))
    if not rank and "dim0" in given:  # of no axes, which stays as it is
        return (("dim0", 0), ("dim1", 0))
    return moved(attributes, lanes)


# ---------------------------------------------------------------- all of them


def result(op: Operation, given: Sequence[Any], attributes: Attributes, levels: tuple[int, ...]) -> Any:
    """The value of an operation's result."""
    if op.kind == "elementwise":
        return dispatch.apply(op, broadcast(op, given, levels), attributes)
    if op.kind == "reduction":
        values = broadcast(op, given, levels)
        if len(values) > 1:  # whose adjoints are not summed over what an operand lacks
            most = max(_ranks(given))
            values = [aligned(x, levels, most, full=True) if isinstance(x, TensorBase) else x for x in given]
        return dispatch.apply(op, values, moved(attributes, (0,) * len(levels)))
    by_hand = products.RULES.get(op.name)
    if by_hand is not None:
        found = by_hand(op, given, attributes, levels)
        if found is not None:
            return found
    if "form" in op.attributes:
        return places.result(op, given, attributes, levels)
    if "of" in op.attributes:
        return _embedded(op, given, attributes, levels)
    if op.kind == "structured":
        found = _larger(op, given, attributes, levels)
        if found is not None:
            return found
    return one_by_one.result(op, given, attributes, levels)


def _larger(op: Operation, given: Sequence[Any], attributes: Attributes, levels: tuple[int, ...]) -> Any:
    """A structured operation on operands that all have lanes, if it fits them."""
    values = [aligned(x, levels, full=True) if isinstance(x, TensorBase) else x for x in given]
    if not all(isinstance(v, TensorBase) for v in values):
        return None
    lanes = _layouts[values[0]._layout].shape[:len(levels)]
    larger = moved(attributes, lanes)
    if op.fits is not None and not op.fits([_layouts[v._layout] for v in values], dict(larger)):
        return None
    return dispatch.apply(op, values, larger)


# Views of all elements in their order, or of axes in another one.
_SAME_ORDER = {"unsqueeze", "squeeze", "squeeze_multiple", "squeeze_all", "unsafe_squeeze", "view", "unsafe_view",
               "_reshape_alias", "alias", "seen"}


def _turned_back(of: str, value: Any, given: dict[str, Any], frame: tuple[int, ...], k: int) -> Any:
    """What is put where such a view looks is the view turned back, without a copy; None where it is a copy."""
    if of in _SAME_ORDER:
        layout = _layouts[value._layout]
        if readable("view", layout.shape, layout.strides, {"size": frame}):
            return view("view", value, size=frame)
    elif of in ("transpose", "t") and len(frame) > k:
        return view("transpose", value, dim0=given["dim0"] + k, dim1=given["dim1"] + k)
    elif of == "permute":
        back = [d for _, d in sorted((d, i) for i, d in enumerate(given["dims"]))]
        return view("permute", value, dims=(*range(k), *_axes(back, k)))
    return None


def _embedded(op: Operation, given: Sequence[Any], attributes: Attributes, levels: tuple[int, ...]) -> Any:
    """A part put where a view looks, which has lanes, too."""
    named: dict[str, Any] = dict(attributes)
    shape, of = named["shape"], named["of"]
    value = aligned(given[0], levels, full=True)
    lanes = _layouts[value._layout].shape[:len(levels)]
    turned = _turned_back(of, value, dict(named["given"]), (*lanes, *shape), len(lanes))
    if turned is not None:
        return turned
    missing = max(len(dict(named["given"])["size"]) - len(shape), 0) if of == "expand" else 0
    frame = (*lanes, *(1,) * missing, *shape)
    named["given"] = of_view(of, named["given"], lanes, contiguous_strides(frame)[:len(lanes)], len(shape))
    named["shape"] = frame
    made = dispatch.apply(op, (value,), tuple(named.items()))
    return view("view", made, size=(*lanes, *shape)) if missing else made


def write(op: Operation, given: Sequence[Any], attributes: Attributes, levels: tuple[int, ...]) -> None:
    """An operation in place, on the value of a tensor that has lanes of all levels."""
    target = given[0]
    if op.kind == "elementwise":
        rank = len(_layouts[target._layout].shape)
        if max(_ranks(given)) > rank:  # which is refused, of what the function sees
            planner.plan(op, tuple(layouts_of(op, given)), attributes)
        dispatch.apply_inplace(op, broadcast(op, given, levels, rank), attributes)
    elif op.inplace_of is not None:
        made = batched(result(op.inplace_of, given, attributes, levels), levels)
        dispatch.apply_inplace(REGISTRY["copy_"], (target, made))
    else:
        one_by_one.write(op, given, attributes, levels)
