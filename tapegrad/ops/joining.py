"""Operations that put several operands side by side, one into a frame, or its elements in another order of places."""
from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tapegrad import shapes
from tapegrad.ops.declaration import REGISTRY, Builder, Operation, Value, structured
from tapegrad.ops.scalar import whole


def join(builder: Builder, *xs: Value, dim: int) -> Value:
    """Lower `cat`: each operand is copied into its part of the result."""
    shape = list(xs[0].shape)
    shape[dim] = sum(x.shape[dim] for x in xs)
    out = builder.result(builder.promoted(xs), tuple(shape))
    start = 0
    for x in xs:
        builder.copy_into(out.narrow(dim, start, x.shape[dim]), x)
        start += x.shape[dim]
    return out


def parts(g: Value, xs: Sequence[Value], dim: int) -> tuple[Value, ...]:
    sizes = [x.shape[dim] for x in xs]
    starts = itertools.accumulate(sizes, initial=0)
    return tuple(g.narrow(dim, start, size) for start, size in zip(starts, sizes))


def repeated(shape: shapes.Shape, n: int, dim: int) -> shapes.Shape:
    return *shape[:dim], n * shape[dim], *shape[dim + 1:]


structured("cat", join, lambda g, xs, dim: parts(g, xs, dim), method=False, multilinear=True,
           joins=(repeated, lambda out, i, x, dim: out.narrow(dim, i * x.shape[dim], x.shape[dim])))


def piled(shape: shapes.Shape, n: int, dim: int) -> shapes.Shape:
    return *shape[:dim], n, *shape[dim:]


def layer(out: Value, i: int, x: Value, dim: int) -> Value:
    return out.narrow(dim, i, 1).squeeze(dim)


def pile(builder: Builder, *xs: Value, dim: int) -> Value:
    """Lower `stack`: each operand is copied into its place along a new axis."""
    out = builder.result(builder.promoted(xs), piled(xs[0].shape, len(xs), dim))
    for i, x in enumerate(xs):
        builder.copy_into(layer(out, i, x, dim), x)
    return out


structured("stack", pile, lambda g, xs, dim: tuple(layer(g, i, x, dim) for i, x in enumerate(xs)),
           method=False, multilinear=True, joins=(piled, layer), column=lambda *xs, dim: np.stack(xs, dim),
           fits=lambda o, given: len({v.shape for v in o}) == 1 and 0 <= given["dim"] <= len(o[0].shape))


def frame(builder: Builder, x: Value, *, shape: shapes.Shape, of: str, given: tuple[tuple[str, Any], ...]) -> Value:
    """Lower `embed`: zeros of `shape`, with `x` added where the view `of` (its attributes `given`) looks."""
    out = builder.result(x.layout.dtype, shape)
    builder.fill(out)
    viewed, strides, offset = REGISTRY[of].forward((shape, out.layout.strides), **dict(given))
    builder.add_into(out, viewed, strides, offset, x)
    return out


def positions(view: Operation, shape: shapes.Shape, given: dict[str, Any]) -> Value:
    """Where in a row-major operand each element of a view is."""
    size, strides, offset = view.forward((shape, shapes.contiguous_strides(shape)), **given)
    grid = np.ogrid[tuple(slice(n) for n in size)]
    return np.broadcast_to(offset + sum((i * s for i, s in zip(grid, strides)), np.int64(0)), size)


def placed(x: Value, shape: shapes.Shape, of: str, given: Iterable[tuple[str, Any]] | dict[str, Any]) -> Value:
    """Zeros of `shape` with `x` added where the view looks."""
    out = np.zeros(math.prod(shape), x.dtype)
    np.add.at(out, positions(REGISTRY[of], shape, dict(given)), x)
    return out.reshape(shape)


structured("embed", frame, lambda g, of, given: g._apply_view(of, given), method=False, multilinear=True,
           column=lambda x, *, shape, of, given: placed(x, shape, of, given))
structured("diag_embed", frame, lambda g, of, given: g._apply_view(of, given), method=False, multilinear=True,
           column=lambda x, *, shape, of, given: placed(x, shape, of, given),
           samples=lambda: [(((3,),), {"shape": (3, 3), "of": "diagonal", "given": (("offset", 0), ("dim1", 0),
           ("dim2", 1))})],
           fits=lambda o, given: REGISTRY["diagonal"].forward(
               (given["shape"], (0,) * len(given["shape"])), **dict(given["given"]))[0] == o[0].shape)


# ---------------------------------------------------------------- the same elements elsewhere
# Copies over strides: written with positions of elements (an index operand) a flip took 6.9 ms a million doubles, so 2.7.


def turned_over(builder: Builder, x: Value, *, dims: tuple[int, ...]) -> Value:
    """Lower `flip`: read backwards along `dims`."""
    shape, strides = x.shape, x.layout.strides
    start = sum((shape[d] - 1) * strides[d] for d in dims)
    out = builder.result(x.dtype, shape)
    builder.read_into(out, x, tuple(-s if d in dims else s for d, s in enumerate(strides)), start)
    return out


def rolled(builder: Builder, x: Value, *, shifts: tuple[int, ...], dims: tuple[int, ...] | None) -> Value:
    """Lower `roll`: what stays in front and what comes in again, of each axis; of the flattened operand without axes."""
    out = builder.result(x.dtype, x.shape)
    to, of = out, x
    if dims is None:
        to, of, dims = out.reshape(out.layout.numel), x.reshape(x.layout.numel), (0,)
    for choice in itertools.product(*(pieces(of.shape[d], shift) for shift, d in zip(shifts, dims))):
        target, source = to, of
        for d, (start, place, length) in zip(dims, choice):
            source, target = source.narrow(d, start, length), target.narrow(d, place, length)
        builder.copy_into(target, source)
    return out


def pieces(n: int, shift: int) -> list[tuple[int, int, int]]:
    """(start, place, length) of what a roll moves along an axis of n elements."""
    by = shift % n if n else 0
    return [(0, by, n - by), (n - by, 0, by)] if by else [(0, 0, n)]


def framed(builder: Builder, x: Value, *, sides: Sequence[tuple[int, int]], value: Value) -> Value:
    """Lower `pad`: a border of `value`, narrower than nothing where `sides` are negative."""
    out = builder.result(x.dtype, tuple(n + a + b for n, (a, b) in zip(x.shape, sides)))
    to = out
    for d, (before, after) in enumerate(sides):
        length = x.shape[d] + min(before, 0) + min(after, 0)
        x, to = x.narrow(d, max(-before, 0), length), to.narrow(d, max(before, 0), length)
    if to.shape != out.shape:
        builder.fill(out, value)
    builder.copy(to.place(), x.place(), both=True)
    return out


def numpy_framed(x: Value, *, sides: Sequence[tuple[int, int]], value: Value) -> Value:
    inner = x[tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, sides))]
    return np.pad(inner, [(max(a, 0), max(b, 0)) for a, b in sides], constant_values=value)


def axes_of(o: Sequence[Any], dims: Sequence[int]) -> bool:
    return len(set(dims)) == len(dims) and all(0 <= d < len(o[0].shape) for d in dims)


structured("flip", turned_over, lambda g, dims: whole.flip(g, dims=dims), method=False, multilinear=True,
           column=lambda x, *, dims: np.flip(x, dims), samples=lambda: [(((3, 4),), {"dims": (0,)}), (((2, 3, 2),), {
               "dims": (0, 2)})], fits=lambda o, given: axes_of(o, given["dims"]))
structured("roll", rolled, lambda g, shifts, dims: whole.roll(g, shifts=tuple(-s for s in shifts), dims=dims),
           method=False, multilinear=True, column=lambda x, *, shifts, dims: np.roll(x, shifts[0] if dims is None else
                                                                                     shifts, dims),
           samples=lambda: [(((3, 4),), {"shifts": (1, -2), "dims": (0, 1)}), (((2, 3),), {"shifts": (4,), "dims": None}),
                            (((3,),), {"shifts": (0,), "dims": (0,)})],
           fits=lambda o, given: len(given["shifts"]) == 1 if given["dims"] is None else (
               axes_of(o, given["dims"]) and len(given["dims"]) == len(given["shifts"])))
structured("pad", framed, lambda g, sides: whole.pad(g, sides=tuple((-a, -b) for a, b in sides), value=0), method=False,
           grad_name="ConstantPadNdBackward0", column=numpy_framed,
           samples=lambda: [(((3, 4),), {"sides": ((1, 0), (2, 1)), "value": 0.5}),
                            (((3, 4),), {"sides": ((-1, 2), (0, -1)), "value": 0.0})],
           fits=lambda o, given: len(given["sides"]) == len(o[0].shape) and all(
               n + min(a, 0) + min(b, 0) >= 0 for n, (a, b) in zip(o[0].shape, given["sides"])))
