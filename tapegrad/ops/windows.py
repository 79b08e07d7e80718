"""The largest elements of windows, where a gradient goes from there, and what else stands at these places.

Windows are given as (sizes, strides, dilations, counts) along the last axes. The elements at one place of every window
are a view, so that a window is met place by place, side by side with all others.
"""
from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tapegrad import dtypes, shapes
from tapegrad.ops.declaration import Builder, Value, structured
from tapegrad.ops.scalar import like, scalar, whole

where = scalar.where
FEW = 5
MOST = 10  # places that one kernel reads, and writes two values
Windows = tuple[shapes.Shape, shapes.Shape, shapes.Shape, shapes.Shape]


def views(shape: shapes.Shape, strides: shapes.Shape, windows: Windows) -> Iterator[tuple[shapes.Shape, shapes.Shape, int]]:
    """(shape, strides, offset) of the elements at each place of the windows."""
    size, stride, dilation, counts = windows
    n = len(size)
    lead, steps = shape[:len(shape) - n], strides[len(shape) - n:]
    for place in itertools.product(*map(range, size)):
        offset = sum(p * d * s for p, d, s in zip(place, dilation, steps))
        yield (*lead, *counts), (*strides[:len(lead)], *(s * step for s, step in zip(steps, stride))), offset


def seen(x: Value, windows: Windows) -> list[Any]:
    return [x.restrided(*view) for view in views(x.shape, x.layout.strides, windows)]


def winner(values: Sequence[Value]) -> tuple[Value, ...]:
    """The largest of some elements, as PyTorch finds it (NaN is larger, the last one the largest), and its number."""
    return winner_after(values[0], like(0, values[0]), values[1:], 1)


def winner_after(best: Value, number: Value, values: Sequence[Value], first: int) -> tuple[Value, Value]:
    """The same where some elements, up to number `first`, have been seen."""
    for k, value in enumerate(values, first):
        better = (value > best) | (value != value)
        best, number = where(better, value, best), where(better, like(k, number), number)
    return best, number


def size_of(x: Value, windows: Windows) -> shapes.Shape:
    counts = windows[-1]
    return (*x.shape[:len(x.shape) - len(counts)], *counts)


def largest(builder: Builder, x: Value, *, windows: Windows) -> Value:
    out = builder.result(x.dtype, size_of(x, windows))
    if math.prod(windows[0]) <= MOST:
        builder.elements([out], seen(x, windows), lambda *values: (winner(values)[0],))
    else:
        _compare(builder, x, windows, out, builder.room_for(x.dtype, out.shape))
    return out


def places(builder: Builder, x: Value, *, windows: Windows) -> Value:
    """Which place of every window has the largest element."""
    return _numbers(builder, x, windows, builder.result(dtypes.int64, size_of(x, windows)))


def _numbers(builder: Builder, x: Value, windows: Windows, out: Value | None = None) -> Value:
    """The same, where it is put; by itself as numbers of the dtype of `x`, which kernels compare faster."""
    out = builder.room_for(x.dtype, size_of(x, windows)) if out is None else out
    if math.prod(windows[0]) <= MOST:
        builder.elements([out], seen(x, windows), lambda *values: (winner(values)[1],))
    else:
        _compare(builder, x, windows, builder.room_for(x.dtype, out.shape), out)
    return out


def _compare(builder: Builder, x: Value, windows: Windows, best: Value, number: Value) -> None:
    """The largest elements and their numbers, a few places at a time."""
    parts = seen(x, windows)
    for value in (best, number):  # a step makes room for one value at most
        builder.fill(value)
    builder.elements([best, number], parts[:MOST], lambda *values: winner(values))
    for start in range(MOST, len(parts), MOST - 2):
        builder.elements([best, number], [best, number, *parts[start:start + MOST - 2]],
                         lambda best, number, *values, start=start: winner_after(best, number, values, start))


def scattered(builder: Builder, v: Value, x: Value, *, windows: Windows) -> Value:
    """Zeros like `x`, with `v` added where the largest elements of `x` stand."""
    out = builder.result(x.dtype, x.shape)
    builder.fill(out)
    numbers = _numbers(builder, x, windows)
    for k, part in enumerate(seen(out, windows)):
        builder.elements([part], [numbers, v], lambda number, v, k=k: (where(number == k, v, 0),), adds=True)
    return out


def scattered_in_tiles(builder: Builder, v: Value, x: Value, *, windows: Windows) -> Value:
    """The same where windows neither overlap nor leave anything out: each element is written once."""
    out = builder.result(x.dtype, x.shape)

    def rule(v: Value, *values: Value) -> tuple[Value, ...]:
        number = winner(values)[1]
        return tuple(where(number == k, v, 0) for k in range(len(values)))

    builder.elements(seen(out, windows), [v, *seen(x, windows)], rule)
    return out


def gathered(builder: Builder, x: Value, by: Value, *, windows: Windows) -> Value:
    """What stands in `x` where the largest elements of `by` are."""
    out = builder.result(x.dtype, size_of(x, windows))
    builder.fill(out)
    numbers = _numbers(builder, by, windows)
    for k, part in enumerate(seen(x, windows)):
        builder.elements([out], [numbers, part], lambda number, v, k=k: (where(number == k, v, 0),), adds=True)
    return out


def tile(shape: shapes.Shape, windows: Windows) -> bool:
    """Whether windows cover all, once, and are so small that one kernel reads and writes all their places."""
    size, stride, dilation, counts = windows
    return math.prod(size) <= FEW and size == stride and set(dilation) == {1} and all(
        n == s * c for n, s, c in zip(shape[len(shape) - len(size):], size, counts))


def spread(g: Value, x: Value, windows: Windows) -> Value:
    scatter = whole._max_scattered_in_tiles if tile(tuple(x.shape), windows) else whole._max_scattered
    return scatter(g, x, windows=windows)


# ---------------------------------------------------------------- the same in NumPy

def _seen(x: Any, windows: Any) -> list[Any]:
    return [as_strided(x.ravel()[offset:], shape, [s * x.itemsize for s in strides]) for shape, strides, offset in views(
        x.shape, tuple(s // x.itemsize for s in x.strides), windows)]


def _scattered(v: Any, x: Any, *, windows: Any) -> Any:
    x = np.ascontiguousarray(x)
    out = np.zeros_like(x)
    number = winner(_seen(x, windows))[1]
    for k, part in enumerate(_seen(out, windows)):
        part += np.where(number == k, v, 0)
    return out


def _gathered(x: Any, by: Any, *, windows: Any) -> Any:
    number = winner(_seen(np.ascontiguousarray(by), windows))[1]
    return np.choose(number.astype(int), _seen(np.ascontiguousarray(x), windows))


def _samples(kind: str) -> Any:
    def made() -> list[Any]:
        found: list[Any] = []
        for shape, windows in (
                ((2, 4, 6), ((2, 2), (2, 2), (1, 1), (2, 3))), ((3, 6), ((3,), (3,), (1,), (2,))),
                ((2, 7), ((3,), (1,), (2,), (3,))), ((5, 5), ((2, 3), (2, 1), (1, 1), (2, 3)))):
            out = (*shape[:len(shape) - len(windows[0])], *windows[-1])
            if kind != "tiles" or tile(shape, windows):
                found.append(({"of x": (shape,), "by": (shape, shape)}.get(kind, (out, shape)), {"windows": windows}))
        return found

    return made


def _fits(kind: str) -> Any:
    def fits(operands: Any, given: dict[str, Any]) -> bool:
        windows, seen = given["windows"], operands[-1]
        if len({o.dtype for o in operands}) > 1 or len({len(part) for part in windows}) > 1 or not all(
                type(m) is int and m > 0 for part in windows for m in part):
            return False
        sizes = seen.shape[len(seen.shape) - len(windows[0]):]
        inside = 0 < len(windows[0]) == len(sizes) and all(
            (count - 1) * stride + (size - 1) * dilation < n for n, size, stride, dilation, count in zip(sizes, *windows))
        other = {"by": seen.shape, "of x": seen.shape}.get(kind, size_of(seen, windows))
        return inside and operands[0].shape == other and (kind != "tiles" or tile(seen.shape, windows))

    return fits


SHARED: dict[str, Any] = {"accepts": "f", "method": False}
structured("_max_of_windows", largest, spread, grad_name="MaxPool2DWithIndicesBackward0", samples=_samples("of x"),
           fits=_fits("of x"),
           column=lambda x, *, windows: winner(_seen(np.ascontiguousarray(x), windows))[0], **SHARED)
structured("_places_of_maxima", places, samples=_samples("of x"), fits=_fits("of x"),
           column=lambda x, *, windows: winner(_seen(np.ascontiguousarray(x), windows))[1].astype(np.int64), **SHARED)
for _name, _scatter, _kind in (("_max_scattered", scattered, "of g"),
                               ("_max_scattered_in_tiles", scattered_in_tiles, "tiles")):
    structured(_name, _scatter, lambda g, x, windows: (whole._max_gathered(g, x, windows=windows), like(0, x)),
               accumulates=_scatter is scattered, column=_scattered, samples=_samples(_kind), fits=_fits(_kind),
               grad_name="MaxPool2DWithIndicesBackwardBackward0", **SHARED)
structured("_max_gathered", gathered, lambda g, by, windows: (spread(g, by, windows), None), column=_gathered,
           grad_name="GatherBackward0", samples=_samples("by"), fits=_fits("by"), **SHARED)
