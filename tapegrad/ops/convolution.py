"""Convolutions, sample by sample: a window's elements as a column, and one matrix product of kernels and columns.

The three operations are each other's derivatives: what kernels make of x, what that asks of x, and of the kernels. All are
linear in both operands. Columns of one sample fit a cache where those of a batch do not. Where windows are next to each
other a row of columns is a stretch of memory, rows of an image one after the other with what lies between them.
"""
from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from tapegrad import shapes
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.declaration import Builder, Value, structured
from tapegrad.ops.scalar import whole
from tapegrad.ops.windows import views

PARTS = 8  # sums over parts of a batch that gradients of kernels are added up in: threads share these
ROOM = 1 << 25  # bytes for them, unless one is larger


class Geometry(NamedTuple):
    """Columns of one sample (channels, *sizes), which is contiguous."""

    channels: int
    kernel: tuple[int, ...]
    places: tuple[int, ...]
    length: int  # of a row of columns
    dense: bool  # whether rows are stretches of memory, with something between the places
    strides: tuple[int, ...]  # of the sample over (channels, *kernel) and what a row goes over
    row: tuple[int, ...]  # what a row goes over
    apart: tuple[int, ...]  # how far places are from each other in a row

    @property
    def taps(self) -> int:
        return math.prod(self.kernel)


def counts(sizes: shapes.Shape, kernel: shapes.Shape, stride: shapes.Shape, dilation: shapes.Shape
           ) -> shapes.Shape:
    return tuple((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(sizes, kernel, stride, dilation))


def geometry(channels: int, sizes: shapes.Shape, kernel: shapes.Shape, stride: shapes.Shape, dilation: shapes.Shape
             ) -> Geometry:
    places, own = counts(sizes, kernel, stride, dilation), shapes.contiguous_strides(sizes)
    taps = (math.prod(sizes), *(d * s for d, s in zip(dilation, own)))
    if set(stride) == {1}:
        length = 1 + sum((p - 1) * s for p, s in zip(places, own))
        return Geometry(channels, kernel, places, length, True, (*taps, 1), (length,), own)
    return Geometry(channels, kernel, places, math.prod(places), False, (*taps, *(k * s for k, s in zip(stride, own))),
                    places, shapes.contiguous_strides(places))


def _columns_of(x: Value, of: Geometry) -> Value:
    """A sample as its columns see it."""
    return x.value.restrided((of.channels, *of.kernel, *of.row), of.strides)


def _spread(rows: Value, of: Geometry) -> Value:
    """Rows as long as those of columns, at the places only."""
    return rows.restrided((rows.shape[0], *of.places), (of.length, *of.apart))


def _columns(turns: Builder, x: Value, of: Geometry) -> Value:
    """The matrix (channels · taps, length) of a sample's columns; the sample itself where it is that."""
    size = of.channels * of.taps, of.length
    if of.taps == 1 and of.dense and of.length == of.strides[0]:
        return x._replace(value=x.value.restrided(size, (of.length, 1)))
    made = turns.scratch(x.value.dtype, size)
    shape = (of.channels, *of.kernel, *of.row)
    turns.copy(made._replace(value=made.value.reshape(*shape)), x._replace(value=_columns_of(x, of)))
    return made


def _rows(turns: Builder, v: Value, of: Geometry) -> Value:
    """What belongs to the places, (outputs, *places), as rows as long as those of columns; zero in between."""
    outputs = v.value.shape[0]
    if of.length == math.prod(of.places):
        return v._replace(value=v.value.reshape(outputs, of.length))
    made = turns.scratch(v.value.dtype, (outputs, of.length))
    turns.copy(made._replace(value=_spread(made.value, of)), v)
    return made


def _work(count: int, w: Value, of: Geometry) -> int:
    return count * w.layout.numel * of.length


def convolve(builder: Builder, x: Value, w: Value, *, stride: shapes.Shape, dilation: shapes.Shape) -> Value:
    x, w = builder.plain(x), builder.plain(w)
    outputs, channels, *kernel = w.shape
    of = geometry(channels, x.shape[2:], tuple(kernel), stride, dilation)
    out = builder.result(x.dtype, (x.shape[0], outputs, *of.places))
    turns = builder.in_turns(x.shape[0], 1, at_once=1)
    columns = _columns(turns, builder.one_by_one(x, 1), of)
    target, kernels = builder.one_by_one(out, 1), builder.still(w.reshape(outputs, channels * of.taps))
    if of.length == math.prod(of.places):
        turns.product(target._replace(value=target.value.reshape(outputs, of.length)), kernels, columns)
    else:
        made = turns.scratch(x.dtype, (outputs, of.length))
        turns.product(made, kernels, columns)
        turns.copy(target, made._replace(value=_spread(made.value, of)))
    turns.end(_work(x.shape[0], w, of))
    return out


def convolve_back(builder: Builder, v: Value, w: Value, *, sizes: shapes.Shape, stride: shapes.Shape,
                  dilation: shapes.Shape) -> Value:
    v, w = builder.plain(v), builder.plain(w)
    outputs, channels, *kernel = w.shape
    of = geometry(channels, sizes, tuple(kernel), stride, dilation)
    out = builder.result(v.dtype, (v.shape[0], channels, *sizes))
    builder.fill(out)
    turns = builder.in_turns(v.shape[0], 1, at_once=1)
    rows = _rows(turns, builder.one_by_one(v, 1), of)
    made = turns.scratch(v.dtype, (channels * of.taps, of.length))
    kernels = builder.still(w.reshape(outputs, channels * of.taps))
    turns.product(made, kernels._replace(value=kernels.value.mT), rows)
    target = builder.one_by_one(out, 1)
    seen, own = _columns_of(target, of), made.value.reshape(channels, *of.kernel, *of.row)
    for tap in itertools.product(*map(range, of.kernel)):
        parts = []
        for value in (seen, own):
            for place in tap:
                value = value.narrow(1, place, 1).squeeze(1)
            parts.append(value)
        turns.copy(target._replace(value=parts[0]), made._replace(value=parts[1]), add=True)
    turns.end(_work(v.shape[0], w, of))
    return out


def convolve_weights(builder: Builder, v: Value, x: Value, *, kernel: shapes.Shape, stride: shapes.Shape,
                     dilation: shapes.Shape) -> Value:
    v, x = builder.plain(v), builder.plain(x)
    samples, outputs, channels = x.shape[0], v.shape[1], x.shape[1]
    of = geometry(channels, x.shape[2:], kernel, stride, dilation)
    rows = channels * of.taps
    out = builder.result(x.dtype, (outputs, channels, *kernel))
    several = max(min(PARTS, samples, ROOM // (rows * outputs * x.dtype.itemsize)), 1)
    each, rest = divmod(samples, several)
    sums = builder.room_for(x.dtype, (several + rest, rows, outputs))
    builder.fill(sums)
    for start, first, parts, count in ((0, 0, several, each), (several * each, several, rest, 1)):
        if parts:
            turns = builder.in_turns(parts, count, at_once=1)
            columns = _columns(turns, builder.one_by_one(x, count, start), of)
            arriving = _rows(turns, builder.one_by_one(v, count, start), of)
            total = builder.one_by_one(sums, 1, first)._replace(turn=0)
            turns.product(total, columns, arriving._replace(value=arriving.value.mT), add=True)
            turns.end(parts * count * rows * outputs * of.length)
    found = sums.sum((0,)) if several + rest > 1 else sums.squeeze(0)
    builder.copy_into(out.reshape(outputs, rows), found.mT)
    return out


# ---------------------------------------------------------------- the same in NumPy

def _taps(x: Any, kernel: Any, stride: Any, dilation: Any) -> Any:
    """Where each tap of kernels is in them, and a view of what it meets of an array."""
    windows = kernel, stride, dilation, counts(x.shape[2:], kernel, stride, dilation)
    taps = itertools.product(*map(range, kernel))
    strides = tuple(s // x.itemsize for s in x.strides)
    for tap, (shape, steps, offset) in zip(taps, views(x.shape, strides, windows)):
        at = (slice(None), slice(None), *tap)
        yield at, np.lib.stride_tricks.as_strided(x.ravel()[offset:], shape, [s * x.itemsize for s in steps])


def convolve_column(x: Value, w: Value, *, stride: shapes.Shape, dilation: shapes.Shape) -> Value:
    return sum(np.einsum("nc...,oc->no...", seen, w[at])
               for at, seen in _taps(np.ascontiguousarray(x), w.shape[2:], stride, dilation))


def back_column(v: Value, w: Value, *, sizes: shapes.Shape, stride: shapes.Shape, dilation: shapes.Shape) -> Value:
    out = np.zeros((v.shape[0], w.shape[1], *sizes), v.dtype)
    for at, seen in _taps(out, w.shape[2:], stride, dilation):
        seen += np.einsum("no...,oc->nc...", v, w[at])
    return out


def weights_column(v: Value, x: Value, *, kernel: shapes.Shape, stride: shapes.Shape, dilation: shapes.Shape) -> Value:
    out = np.zeros((v.shape[1], x.shape[1], *kernel), v.dtype)
    flat = np.reshape(v, (*v.shape[:2], -1))
    for at, seen in _taps(np.ascontiguousarray(x), kernel, stride, dilation):
        out[at] = np.einsum("nop,ncp->oc", flat, seen.reshape(*seen.shape[:2], -1))
    return out


def _samples(which: int) -> Any:
    def made() -> list[Any]:
        found: list[Any] = []
        for n, channels, outputs, sizes, kernel, stride, dilation in (
                (2, 2, 3, (5, 6), (2, 3), (1, 1), (1, 1)), (1, 1, 2, (7,), (3,), (2,), (1,)),
                (10, 3, 1, (4, 5), (2, 2), (1, 1), (2, 1)), (2, 3, 2, (3, 3), (1, 1), (1, 1), (1, 1)),
                (1, 2, 2, (4, 5, 3), (2, 1, 2), (2, 1, 1), (1, 1, 1))):
            x, w = (n, channels, *sizes), (outputs, channels, *kernel)
            v = (n, outputs, *counts(sizes, kernel, stride, dilation))
            given, more = [((x, w), {}), ((v, w), {"sizes": sizes}), ((v, x), {"kernel": kernel})][which]
            found.append((given, {**more, "stride": stride, "dilation": dilation}))
        return found

    return made


def _fits(which: int) -> Any:
    def fits(operands: Any, given: dict[str, Any]) -> bool:
        (v, w), (first, second) = (o.shape for o in operands), operands
        stride, dilation, n = given["stride"], given["dilation"], len(v) - 2
        if first.dtype is not second.dtype or n < 1 or len(w) != n + 2:
            return False
        x = (v, (v[0], w[1], *given.get("sizes", ())), w)[which]
        kernels = (w, w, (v[1], w[1], *given.get("kernel", ())))[which]
        if {len(x), len(kernels), len(stride) + 2, len(dilation) + 2} != {n + 2} or x[1] != kernels[1] or not all(
                type(m) is int and m > 0 for m in (*x, *kernels, *stride, *dilation)):
            return False
        places = counts(x[2:], kernels[2:], stride, dilation)
        return min(places) > 0 and (which == 0 or v == (x[0], kernels[0], *places))

    return fits


SHARED: dict[str, Any] = {"accepts": "f", "method": False, "multilinear": True}
structured("_convolve", convolve, lambda g, x, w, stride, dilation: (
    whole._convolve_back(g, w, sizes=tuple(x.shape[2:]), stride=stride, dilation=dilation),
    whole._convolve_weights(g, x, kernel=tuple(w.shape[2:]), stride=stride, dilation=dilation)),
    grad_name="ConvolutionBackward0", column=convolve_column, samples=_samples(0), fits=_fits(0),
    **SHARED)
structured("_convolve_back", convolve_back, lambda g, v, w, stride, dilation: (
    whole._convolve(g, w, stride=stride, dilation=dilation),
    whole._convolve_weights(v, g, kernel=tuple(w.shape[2:]), stride=stride, dilation=dilation)),
    accumulates=True, grad_name="ConvolutionBackward0", column=back_column, samples=_samples(1), fits=_fits(1),
    **SHARED)
structured("_convolve_weights", convolve_weights, lambda g, v, x, stride, dilation: (
    whole._convolve(x, g, stride=stride, dilation=dilation),
    whole._convolve_back(v, g, sizes=tuple(x.shape[2:]), stride=stride, dilation=dilation)),
    grad_name="ConvolutionBackwardBackward0", column=weights_column, samples=_samples(2), fits=_fits(2),
    **SHARED)
