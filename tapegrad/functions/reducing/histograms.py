"""Histograms: how many elements, or points of several coordinates, lie between edges."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes, errors
from tapegrad.autograd.made_nodes import without_derivative
from tapegrad.creation import from_array, linspace
from tapegrad.functions.common import into_each, invalid_combination, kind_name, method, named, public
from tapegrad.tensor import Tensor

Array = np.ndarray[Any, Any]


@method
def histogram(input: Tensor, bins: int | Tensor = 100, *, range: tuple[float, float] | None = None,
              weight: Tensor | None = None, density: bool = False, out: Any = None) -> Any:
    """How many elements lie between each edge and the next, and the edges (`torch.histogram`).

    >>> import tapegrad as torch
    >>> torch.histogram(torch.tensor([1.0, 2.0, 1.0]), bins=2, range=(0.0, 3.0)).hist
    tensor([2., 1.])

    `bins` are equal ones between the extremes, or within a `range`, or a tensor of edges in order; the last edge
    belongs to the last bin. With a `weight` for each element, these are added up; `density=True` has the area be 1.
    """
    if isinstance(bins, Tensor) and range is not None:
        raise invalid_combination("histogram", input, bins, range=range)
    if weight is not None and tuple(weight.shape) != tuple(input.shape):
        raise _other_weights([input.numel(), 1], weight)
    flat = None if weight is None else weight.reshape(-1)
    hist, edges = _histogram(input.reshape(-1, 1), [bins], range, flat, density)
    return named("histogram", **dict(zip(("hist", "bin_edges"), (
        _constant(x, input, "histogram") for x in into_each(out, [hist, edges[0]])))))


@public
def histogramdd(input: Tensor, bins: Any, range: Any = None, weight: Tensor | None = None, density: bool = False
                ) -> Any:
    """How many points lie in each cell of a grid, and the edges along each axis (`torch.histogramdd`).

    >>> import tapegrad as torch
    >>> hist, edges = torch.histogramdd(torch.tensor([[0.0, 1.0], [2.0, 2.0], [2.0, 1.5]]), bins=[2, 2])
    >>> hist
    tensor([[1., 0.],
            [0., 2.]])
    >>> edges
    (tensor([0., 1., 2.]), tensor([1.0000, 1.5000, 2.0000]))

    Points are along the last axis of `input`. `bins` are equal ones (a number, or one for each axis) between the
    extremes or within a `range` (two numbers an axis), or tensors of edges.
    """
    if input.ndim < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    if not isinstance(bins, (int, list, tuple)):
        raise invalid_combination("histogramdd", input, bins)
    axes = input.shape[-1]
    each = [bins] * axes if isinstance(bins, int) else list(bins)
    given = bool(each) and isinstance(each[0], Tensor)
    if len(each) != axes:
        raise RuntimeError(f"torch.histogramdd: expected {axes} sequences of bin edges for a {axes}-dimensional "
                           f"histogram but got {len(each)}" if given else
                           "histogramdd: The size of bins must be equal to the innermost dimension of the input.")
    for k, b in enumerate(each):
        if isinstance(b, Tensor) is not given or not isinstance(b, (Tensor, int)):
            wanted = "Tensor" if given else "int"
            raise TypeError(f"expected {wanted} as element {k} in argument 1, but got {errors.type_name(b)}")
    if weight is not None and tuple(weight.shape) != tuple(input.shape[:-1]):
        raise _other_weights([*input.shape], weight)
    flat = None if weight is None else weight.reshape(-1)
    hist, edges = _histogram(input.reshape(-1, axes), each, range, flat, density)
    kind = "_histogramdd_from_bin_tensors" if given else "_histogramdd_from_bin_cts"
    return named("histogramdd", hist=_constant(hist, input, kind), bin_edges=tuple(
        _constant(e, input, kind) for e in edges))


def _histogram(points: Tensor, bins: Sequence[Any], range: Any, weight: Any, density: bool) -> tuple[Any, list[Any]]:
    """Of points in rows: the histogram, and the edges along each axis."""
    for k, b in enumerate(bins):
        if isinstance(b, Tensor):
            _expect_edges(b, points, k)
        count = b.numel() - 1 if isinstance(b, Tensor) else int(b)
        if count <= 0:
            raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {count} for dimension {k}")
    if weight is not None and weight.dtype is not points.dtype:
        raise RuntimeError("torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should "
                           f"have the same dtype, but got input({_c_name(points)}), and weight({_c_name(weight)})")
    if points.dtype not in dtypes.FLOATING:
        raise NotImplementedError(f"\"histogramdd\" not implemented for '{kind_name(points)}'")
    if range is not None and len(range) != 2 * len(bins):
        raise RuntimeError(f"torch.histogramdd: for a {len(bins)}-dimensional histogram range should have "
                           f"{2 * len(bins)} elements, but got {len(range)}")
    columns = list(points._array().T)
    edges = [b.detach() if isinstance(b, Tensor) else linspace(
        *_ends(x, None if range is None else range[2 * k:2 * k + 2], k), int(b) + 1, dtype=points.dtype)
        for k, (b, x) in enumerate(zip(bins, columns))]
    found = _counted(columns, [e._array() for e in edges], None if weight is None else weight._array(), density)
    return from_array(found, points.dtype), edges


def _counted(columns: list[Array], edges: list[Array], weight: Array | None, density: bool) -> Array:
    places, inside = [], np.ones(len(columns[0]) if columns else 0, bool)
    for x, given in zip(columns, edges):
        at = np.searchsorted(given, x, "right") - 1
        at[x == given[-1]] = len(given) - 2
        places.append(at)
        inside &= (x >= given[0]) & (x <= given[-1])  # NaN is not
    shape = tuple(len(given) - 1 for given in edges)
    flat = np.zeros(int(inside.sum()), np.int64)
    for at, n in zip(places, shape):
        flat = flat * n + at[inside]
    weights = None if weight is None else weight[inside].astype(np.float64)
    found = np.bincount(flat, weights, minlength=math.prod(shape)).reshape(shape)
    if density:
        size = np.ones(())
        for given in edges:
            size = np.multiply.outer(size, np.diff(given.astype(np.float64)))
        found = found / (found.sum() * size)
    return found


def _expect_edges(edges: Tensor, points: Tensor, axis: int) -> None:
    if edges.ndim != 1:
        raise RuntimeError(f"torch.histogramdd: bins tensor should have one dimension, but got {edges.ndim} dimensions "
                           f"in the bins tensor for dimension {axis}")
    if not edges.numel():
        raise RuntimeError("torch.histogramdd: bins tensor should have at least 1 element, but got 0 elements in the "
                           f"bins tensor for dimension {axis}")
    if edges.dtype is not points.dtype:
        raise RuntimeError("torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input "
                           f"with dtype {_c_name(points)} and bins for dimension {axis} with dtype {_c_name(edges)}")


def _ends(x: Array, range: Any, axis: int) -> tuple[float, float]:
    """Where the first bin begins and the last one ends."""
    low, high = range if range is not None else (x.min(), x.max()) if x.size else (0.0, 1.0)
    low, high = float(low), float(high)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"torch.histogramdd: dimension {axis}'s range [{low:g}, {high:g}] is not finite")
    if low > high:
        raise RuntimeError(f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for "
                           f"dimension {axis}")
    return (low - 0.5, high + 0.5) if low == high else (low, high)


def _other_weights(shape: list[int], weight: Tensor) -> RuntimeError:
    return RuntimeError("torch.histogramdd: if weight tensor is provided it should have the same shape as the input "
                        f"tensor excluding its innermost dimension, but got input with shape {shape} and weight with "
                        f"shape {[*weight.shape]}")


def _c_name(x: Tensor) -> str:
    return errors.C_NAMES[x.dtype.name]


def _constant(x: Any, input: Tensor, kind: str) -> Any:
    return without_derivative(x, "NotImplemented", input, refusal=RuntimeError(
        f"derivative for aten::{kind} is not implemented"))
