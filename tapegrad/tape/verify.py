"""Checking a tape before it runs: nothing a text or a file can say makes a replay read memory it should not.

`check` walks the tape once. The operations' own shape and dtype rules are asked by planning every instruction again;
what the planner leaves to its callers (axes in range, operands that fit each other) is in `_FITS`, or said where an
operation is declared.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapegrad import dtypes, shapes
from tapegrad.machine.planning import NODE, Layout
from tapegrad.ops.declaration import REGISTRY, Operation
from tapegrad.tape.instructions import Instructions
from tapegrad.tape.notation import TapeError
from tapegrad.tape.text import operation_text, type_text

NEIGHBOURS = 4  # entries shown on each side of the culprit


def check(tape: Instructions) -> None:
    """Raise TapeError for the first thing that is wrong."""
    n = len(tape.layouts)
    lengths = {len(tape.operands), len(tape.results), len(tape.attributes), len(tape.operations), len(tape.sources)}
    if len(lengths) != 1:
        raise TapeError(f"the arrays of the tape differ in length: {sorted(lengths)}")
    for b in (*tape.inputs, *tape.requires, *tape.outputs, *tape.names, *tape.values):
        if not _is_index(b, n):
            raise TapeError(f"there is no buffer %{b}: the tape has {n}")
    for value in tape.constants:
        if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
            raise TapeError(f"the number {value} does not fit in 64 bits")
    if len(set(tape.inputs)) != len(tape.inputs):
        raise TapeError(f"an input is listed twice: {_listed(tape.inputs)}")
    for b in sorted(tape.requires):
        if b not in tape.inputs:
            raise TapeError(f"%{b} is marked ∂ and is no input")
        if not tape.layouts[b].dtype.is_floating_point:
            raise TapeError(f"input %{b} is {type_text(tape.layouts[b])} and cannot require grad")
    walk = _Walk(tape)
    for t in range(len(tape)):
        walk.instruction(t)
    for b in tape.outputs:
        if b not in walk.owner:
            raise TapeError(f"result %{b} is never computed" + _around(tape, len(tape) - 1, mark=False))
    unused = [b for b in range(n) if b not in walk.owner]
    if unused:
        raise TapeError(f"{_listed(unused)}: neither an input nor computed")


class _Walk:
    """What is defined so far, and where in whose memory it lies."""

    def __init__(self, tape: Instructions) -> None:
        self.tape = tape
        self.owner = {b: b for b in tape.inputs}
        self.offset = dict.fromkeys(tape.inputs, 0)

    def instruction(self, t: int) -> None:
        tape, op, operands, result = self.tape, self.tape.operations[t], self.tape.operands[t], self.tape.results[t]

        def refuse(why: str) -> TapeError:
            name = op.name if isinstance(op, Operation) else repr(op)
            return TapeError(f"instruction {t} ({name}): {why}" + _around(tape, t))

        if not isinstance(op, Operation) or REGISTRY.get(op.name) is not op:
            raise refuse("no such operation")
        if op.variadic:
            if not operands:
                raise refuse("takes at least one operand, has none")
        elif len(operands) != op.arity:
            raise refuse(f"takes {op.arity} operand{'s' * (op.arity != 1)}, has {len(operands)}")
        for b in operands:
            if not isinstance(b, int) or not -len(tape.constants) <= b < len(tape.layouts):
                raise refuse(f"there is no operand {_operand(b)}")
            if b >= 0 and b not in self.owner:
                raise refuse(f"reads %{b} before it is computed")
        if not _is_index(result, len(tape.layouts)):
            raise refuse(f"there is no buffer %{result}")
        if result in self.owner:
            raise refuse(f"computes %{result} a second time")
        given, known = {*tape.attributes[t]} - {NODE}, {*op.attributes}
        if op.kind == "reduction":
            known.add("keepdim")
            given.discard("given")  # dim=(0,) and no dim at all are the same sum, and two names of a node
        if given - known or set(op.attributes) - given - set(op.defaults):
            raise refuse(f"has the attributes {sorted(given)}, takes {sorted(known)}")
        try:
            wrong = self.misfit(t)
            found = None if wrong else tape.plan(t).out
        except Exception as error:  # the rules raise what PyTorch raises, and on nonsense what Python does
            raise refuse(f"{type(error).__name__}: {error}") from error
        if wrong:
            raise refuse(wrong)
        if found is not tape.layouts[result]:
            raise refuse(f"computes {found and type_text(found)}, the tape has {type_text(tape.layouts[result])}")
        try:
            self.define(t, refuse)
        except TypeError as error:  # 1.0 for 1, which finds the plan that is there for 1
            raise refuse(f"TypeError: {error}") from error

    def misfit(self, t: int) -> str | None:
        """Why operands and attributes do not fit each other, as far as the planner takes it for granted."""
        op, operands, attributes = self.tape.operations[t], self.tape.operand_layouts(t), self.tape.attributes[t]
        if op.kind in ("view", "rebase", "structured") and any(b < 0 for b in self.tape.operands[t]):
            return "takes no numbers"
        if op.kind == "reduction":
            dims, ndim = attributes["dim"], len(shapes.broadcast(o.shape for o in operands))
            if not isinstance(dims, tuple) or any(not _is_index(d, ndim) for d in dims) or len(set(dims)) < len(dims):
                return f"dim={dims} are not axes of an operand of {ndim} axes"
            if not isinstance(attributes.get("keepdim", False), bool):
                return "keepdim is neither True nor False"
        if NODE in attributes and (op.moves_nothing or not isinstance(attributes[NODE], str) or not attributes[NODE]):
            return f"node={attributes[NODE]!r} is no name of its node"
        if not isinstance(attributes.get("dtype", dtypes.bool_), dtypes.dtype):
            return f"dtype={attributes['dtype']!r} is no dtype"
        fits = _FITS.get(op.name) or op.fits
        return None if fits is None or fits(operands, attributes) else "the operands do not fit each other"

    def define(self, t: int, refuse: Callable[[str], TapeError]) -> None:
        """Place the result in memory: its own, its operand's, or a part of that which must lie inside."""
        tape, op, operands, result = self.tape, self.tape.operations[t], self.tape.operands[t], self.tape.results[t]
        self.owner[result], self.offset[result] = result, 0
        if op.kind == "view":
            layout, (base,) = tape.operand_layouts(t)[0], operands
            shape, strides, offset = op.forward((layout.shape, layout.strides), **tape.attributes[t])
            owner, start = self.owner[base], self.offset[base] + offset
            room = tape.layouts[owner].nbytes // layout.dtype.itemsize
            inside = all(n >= 0 for n in shape) and all(s >= 0 for s in strides) and start >= 0 and (
                0 in shape or start + shapes.extent(shape, strides) <= room)
            if not inside:
                raise refuse(f"looks outside the {room} elements of %{owner}")
            self.owner[result], self.offset[result] = owner, start
        elif op.kind == "rebase":
            if operands[1] in tape.requires:
                raise refuse(f"writes to %{operands[1]}, an input that requires grad")
            self.owner[result], self.offset[result] = self.owner[operands[1]], self.offset[operands[1]]
        elif op.inplace_of is not None:
            layout = tape.operand_layouts(t)[0]
            if operands[0] < 0:
                raise refuse("writes to a number")
            if operands[0] in tape.requires:
                raise refuse(f"writes to %{operands[0]}, an input that requires grad")
            if layout.numel and any(n > 1 and s == 0 for n, s in zip(layout.shape, layout.strides)):
                raise refuse(f"writes to %{operands[0]}, several elements of which are one place in memory")
            self.owner[result], self.offset[result] = self.owner[operands[0]], self.offset[operands[0]]


def _is_index(b: Any, n: int) -> bool:
    return isinstance(b, int) and not isinstance(b, bool) and 0 <= b < n


def _operand(b: Any) -> str:
    return f"%{b}" if isinstance(b, int) and b >= 0 else f"number {~b}" if isinstance(b, int) else repr(b)


def _listed(buffers: Any) -> str:
    return ", ".join(f"%{b}" for b in buffers)


def _around(tape: Instructions, t: int, mark: bool = True) -> str:
    """The entries around instruction t, an arrow at it."""
    lines = [""]
    for i in range(max(0, t - NEIGHBOURS), min(len(tape), t + NEIGHBOURS + 1)):
        try:
            told = operation_text(tape, i)
        except Exception:
            told = f"{' '.join(map(_operand, tape.operands[i]))} {tape.attributes[i]}"
        layout = tape.layouts[tape.results[i]] if _is_index(tape.results[i], len(tape.layouts)) else None
        arrow = "→" if i == t and mark else " "
        lines.append(f"{arrow} {i:>4}  %{tape.results[i]}  {layout and type_text(layout)}  "
                     f"{getattr(tape.operations[i], 'name', '?')}  {told}")
    return "\n".join(lines)


# ---------------------------------------------------------------- operands that fit each other

Fits = Callable[[tuple[Layout, ...], dict[str, Any]], bool]


def _product(x: tuple[int, ...], y: tuple[int, ...], axes: int) -> bool:
    return len(x) == axes and len(y) >= 1 and x[:axes - 2] == y[:axes - 2] and x[-1] == y[axes - 2]


def _fits_cat(xs: tuple[Layout, ...], given: dict[str, Any]) -> bool:
    dim, first = given["dim"], xs[0].shape
    return _is_index(dim, len(first)) and all(
        len(x.shape) == len(first) and all(n == m for d, (n, m) in enumerate(zip(x.shape, first)) if d != dim)
        for x in xs)


def _fits_embed(xs: tuple[Layout, ...], given: dict[str, Any]) -> bool:
    frame, view = given["shape"], REGISTRY[given["of"]]
    strides = shapes.contiguous_strides(frame)
    seen, steps, offset = view.forward((frame, strides), **dict(given["given"]))
    room = shapes.extent(frame, strides)
    return view.kind == "view" and seen == xs[0].shape and min((*steps, offset), default=0) >= 0 and (
        0 in seen or offset + shapes.extent(seen, steps) <= room)


def _fits_slices(xs: tuple[Layout, ...], given: dict[str, Any]) -> bool:
    """The written view is of the base's dtype and looks inside it."""
    part, base = xs
    seen, steps, offset = REGISTRY["as_strided"].forward((base.shape, base.strides), **given)
    return part.dtype is base.dtype and seen == part.shape and min((*steps, offset), default=0) >= 0 and (
        0 in seen or (offset + shapes.extent(seen, steps)) * base.dtype.itemsize <= base.nbytes)


_FITS: dict[str, Fits] = {
    "_copy_slices": _fits_slices,
    "mm": lambda o, given: o[0].dtype is o[1].dtype and len(o[1].shape) == 2 and _product(o[0].shape, o[1].shape, 2),
    "bmm": lambda o, given: o[0].dtype is o[1].dtype and len(o[1].shape) == 3 and _product(o[0].shape, o[1].shape, 3),
    "mv": lambda o, given: o[0].dtype is o[1].dtype and len(o[1].shape) == 1 and _product(o[0].shape, o[1].shape, 2),
    "cat": _fits_cat,
    "embed": _fits_embed,
    "view": lambda o, given: shapes.infer_size(given["size"], o[0].numel) == given["size"],
    "unsafe_view": lambda o, given: shapes.infer_size(given["size"], o[0].numel) == given["size"],
    "expand": lambda o, given: shapes.broadcast((o[0].shape, given["size"])) == given["size"],
}
