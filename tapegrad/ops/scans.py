"""Operations along an axis whose results depend on the order of elements: running reductions, sorting, positions."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from tapegrad import dtypes
from tapegrad.ops.declaration import Rule, Value, structured
from tapegrad.ops.scalar import like, row, scalar, whole

where = scalar.where

# ---------------------------------------------------------------- running reductions


def flipped(run: Rule) -> Rule:
    """A running reduction in NumPy, from the end where `reverse`."""
    def call(x: Value, *, dim: int, reverse: bool = False) -> Value:
        if not np.ndim(x):
            return np.array(x)
        return np.flip(run(np.flip(x, dim), dim), dim) if reverse else run(x, dim)
    return call


def position_so_far(largest: bool) -> Rule:
    """The position of the extreme so far, the last of equal ones; the last NaN once there is one."""
    def call(x: Value, *, dim: int) -> Value:
        def one(v: Value) -> Value:
            out, best = np.zeros(len(v), np.int64), 0
            for i, e in enumerate(v):
                if np.isnan(e) or (not np.isnan(v[best]) and (e >= v[best] if largest else e <= v[best])):
                    best = i
                out[i] = best
            return out
        return np.apply_along_axis(one, dim, x) if np.size(x) else np.zeros(np.shape(x), np.int64)
    return call


def has_axis(o: Sequence[Any], given: dict[str, Any]) -> bool:
    return 0 <= given["dim"] < len(o[0].shape)


def dim_samples() -> list[Any]:
    return [(((3, 4),), {"dim": 1}), (((2, 3, 4),), {"dim": 1}), (((5,),), {"dim": 0}), (((3, 0),), {"dim": 0})]


def some(**options: Any) -> Rule:
    return lambda: [(s, {**given, **options}) for s, given in dim_samples() if 0 not in s[0]]


structured("cumsum", lambda builder, x, *, dim, reverse: builder.scan("sum", x, dim, x.dtype, reverse),
           lambda g, dim, reverse: whole.cumsum(g, dim=dim, reverse=not reverse), method=False, multilinear=True,
           accepts="if", column=flipped(lambda x, dim: np.cumsum(x, dim, dtype=x.dtype)), samples=some(reverse=True),
           fits=has_axis)
structured("cumprod", lambda builder, x, *, dim: builder.scan("prod", x, dim, x.dtype),
           lambda g, x, out, dim: (shifted(out, dim) + 1 - shifted(ones(out), dim))
           * whole.recurrence(g, x, dim=dim, reverse=True, lag=True), method=False, accepts="if",
           column=flipped(lambda x, dim: np.cumprod(x, dim, dtype=x.dtype)), samples=dim_samples, fits=has_axis)
structured("logcumsumexp", lambda builder, x, *, dim, reverse: builder.scan("logsumexp", x, dim, x.dtype, reverse),
           lambda g, x, out, dim, reverse: shares(g, x, out, dim, reverse),
           method=False, accepts="f", column=flipped(np.logaddexp.accumulate), samples=some(reverse=False),
           fits=has_axis)
structured("cummax_positions", lambda builder, x, *, dim: builder.scan("argmax", x, dim, dtypes.int64), method=False,
           column=position_so_far(True), samples=some(), fits=has_axis)
structured("cummin_positions", lambda builder, x, *, dim: builder.scan("argmin", x, dim, dtypes.int64), method=False,
           column=position_so_far(False), samples=some(), fits=has_axis)


def shares(g: Value, x: Value, out: Value, dim: int, reverse: bool) -> Value:
    """The sum of g exp(x - out): directly where a row's exponentials fit, in logarithms where they do not."""
    top = row.max(out, (dim,))
    low = row.min(where(scalar.isinf(out), top, out), (dim,))
    direct = whole.cumsum(g * scalar.exp(scalar.minimum(top - out, 60.0)), dim=dim, reverse=not reverse)
    return where((top - low < 60.0) & (top > -math.inf), scalar.exp(x - top) * direct,
                 gathered(g, x, out, dim, reverse) - gathered(-g, x, out, dim, reverse))


def gathered(g: Value, x: Value, out: Value, dim: int, reverse: bool) -> Value:
    """What positive cotangents bring, in logarithms, where nothing overflows."""
    weight = where((g > 0) & (out != -math.inf), scalar.log(where(g > 0, g, 1)) - out, -math.inf)
    return scalar.exp(x + whole.logcumsumexp(weight, dim=dim, reverse=not reverse))


# What cumprod's gradient is made of, with no division: (product of those before i) × (gᵢ + xᵢ₊₁ (gᵢ₊₁ + xᵢ₊₂ (…))).
structured("recurrence", lambda builder, a, b, *, dim, reverse, lag: builder.recurrence(a, b, dim, reverse, lag),
           lambda g, b, out, dim, reverse, lag: recurrence_slopes(g, b, out, dim, reverse, lag), method=False,
           accepts="f", column=lambda a, b, *, dim, reverse, lag: recurrence(a, b, dim, reverse, lag),
           samples=lambda: [((s, s), {**given, "reverse": r, "lag": lag}) for (s,), given in dim_samples() if 0 not in s
                            for r in (False, True) for lag in (False, True)],
           fits=lambda o, given: has_axis(o, given) and o[0].shape == o[1].shape and o[0].dtype is o[1].dtype)


def ones(x: Value) -> Value:
    return like((x == x) | (x != x), x)


def shifted(x: Value, dim: int, reverse: bool = False) -> Value:
    """Each element in the next one's place, and 0 in the first's; the other way round when `reverse`."""
    n = x.shape[dim]
    kept, start = max(n - 1, 0), 0 if reverse else 1
    return whole.embed(x.narrow(dim, 1 - start if n else 0, kept), shape=tuple(x.shape), of="slice", given=(
        ("dim", dim), ("start", start if n else 0), ("end", start + kept if n else 0), ("step", 1)))


def recurrence(a: Value, b: Value, dim: int, reverse: bool, lag: bool) -> Value:
    a, b = (np.moveaxis(np.flip(v, dim) if reverse else v, dim, 0) for v in (a, b))
    out = np.array(a)
    for i in range(1, len(out)):
        out[i] += b[i - 1 if lag else i] * out[i - 1]
    out = np.moveaxis(out, 0, dim)
    return np.flip(out, dim) if reverse else out


def recurrence_slopes(g: Value, b: Value, out: Value, dim: int, reverse: bool, lag: bool) -> tuple[Value, ...]:
    back = whole.recurrence(g, b, dim=dim, reverse=not reverse, lag=not lag)
    return back, shifted(back, dim, not reverse) * out if lag else back * shifted(out, dim, reverse)


# ---------------------------------------------------------------- positions


def ordered(x: Value, dim: int, descending: bool) -> Value:
    """Stable positions in order, NaN above everything."""
    if not x.ndim:
        return np.zeros((), np.int64)
    if not descending:
        return np.argsort(x, axis=dim, kind="stable")
    last = x.shape[dim] - 1
    return last - np.flip(np.argsort(np.flip(x, dim), axis=dim, kind="stable"), dim)


def middle(x: Value, dim: int, ignore_nan: bool) -> Value:
    """The position of the lower median; of the first NaN where NaN counts."""
    order = np.argsort(x, axis=dim, kind="stable")
    n = x.shape[dim]
    if x.dtype.kind != "f":
        return np.take(order, [(n - 1) // 2], dim)
    nans = np.isnan(x)
    valid = n - nans.sum(dim, keepdims=True)
    place = np.maximum(valid - 1, 0) // 2 if ignore_nan else np.where(valid < n, valid, (n - 1) // 2)
    return np.take_along_axis(order, place.astype(np.int64), dim)


def most_frequent(x: Value, dim: int) -> Value:
    """The last position of the most frequent value, the first in order among equally frequent ones.

    A NaN equals nothing, so that each of them is met once.
    """
    def one(v: Value) -> Value:
        order = among_nans(v) if v.dtype.kind == "f" and np.isnan(v).any() else np.argsort(v, kind="stable")
        ends = np.flatnonzero(np.append(v[order[1:]] != v[order[:-1]], True))
        return order[ends[np.diff(ends, prepend=-1).argmax()]]
    if not x.size:
        return np.zeros(_kept(x, dim), np.int64)
    return np.expand_dims(np.apply_along_axis(one, dim, x), dim)


def among_nans(v: Value) -> Value:
    """Positions in the order that PyTorch's sort leaves, for which nothing is less than NaN: by insertion, if few."""
    if len(v) > 16:
        return np.argsort(v, kind="stable")
    order: list[int] = []
    for i, x in enumerate(v):
        at = 0 if order and x < v[order[0]] else next((k for k in range(i, 0, -1) if not x < v[order[k - 1]]), 0)
        order.insert(at, i)
    return np.array(order)


def _kept(x: Value, dim: int) -> tuple[int, ...]:
    return tuple(1 if d == dim else n for d, n in enumerate(x.shape))


structured("sorted_positions", lambda builder, x, *, dim, descending: builder.positions(
    "sort", x, dim, x.shape[dim], descending), method=False,
    column=lambda x, *, dim, descending: ordered(x, dim, descending), samples=some(descending=True), fits=has_axis)
structured("first_positions", lambda builder, x, *, dim, descending, count: builder.positions(
    "sort", x, dim, count, descending), method=False,
    column=lambda x, *, dim, descending, count: np.take(ordered(x, dim, descending), range(count), dim),
    samples=some(descending=True, count=2), fits=lambda o, given: has_axis(o, given) and (
        0 <= given["count"] <= o[0].shape[given["dim"]]))
structured("median_position", lambda builder, x, *, dim, ignore_nan: builder.positions(
    "median", x, dim, 1, ignore_nan), method=False,
    column=lambda x, *, dim, ignore_nan: middle(x, dim, ignore_nan), samples=some(ignore_nan=False), fits=has_axis)
structured("mode_position", lambda builder, x, *, dim: builder.called(
    lambda a: most_frequent(a, dim), dtypes.int64, _kept(x, dim), x), method=False,
    column=lambda x, *, dim: most_frequent(x, dim), samples=some(), fits=has_axis)
structured("searchsorted", lambda builder, edges, values, *, right, int32: builder.searched(
    edges, values, right, dtypes.int32 if int32 else dtypes.int64),
    method=False, column=lambda edges, values, *, right, int32: places(edges, values, right),
    samples=lambda: [(((1,), (3, 4)), {"right": True, "int32": False})],
    fits=lambda o, given: len(o[0].shape) == 1 or o[0].shape[:-1] == o[1].shape[:-1])


def places(edges: Value, values: Value, right: bool) -> Value:
    side: Literal["left", "right"] = "right" if right else "left"
    if edges.ndim == 1:
        return np.searchsorted(edges, values, side)
    flat, out = edges.reshape(-1, edges.shape[-1]), np.empty(values.shape, np.int64)
    rows = out.reshape(len(flat), -1)
    for i, (e, v) in enumerate(zip(flat, values.reshape(len(flat), -1))):
        rows[i] = np.searchsorted(e, v, side)
    return rows.reshape(values.shape)
