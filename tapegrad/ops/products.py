"""The product of all the others: what the gradient of a product is, without the quotient that zeros spoil.

Kernels divide, and look at zeros apart. What is recorded multiplies running products from both sides, so that its own
derivatives, to any order, are those of a polynomial.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tapegrad import dtypes
from tapegrad.ops.declaration import Value
from tapegrad.ops.scalar import like, scalar, whole
from tapegrad.ops.scans import ones, shifted

where = scalar.where


def others(x: Value, dim: tuple[int, ...]) -> Value:
    """For each element of a tensor the product of the others in its row, the axes `dim`."""
    kept = [d for d in range(x.ndim) if d not in dim]
    order = [*kept, *(d for d in range(x.ndim) if d in dim)]
    rows = x.permute(*order)
    flat = rows.reshape(*(x.shape[d] for d in kept), -1) if x.numel() else rows
    last = flat.ndim - 1
    first, final = 1 - shifted(ones(flat), last), 1 - shifted(ones(flat), last, True)
    found = both_sides(flat, flat, first, final, last)
    return found.reshape(rows.shape).permute(*(order.index(d) for d in range(x.ndim)))


def both_sides(before: Value, after: Value, first: Value, final: Value, dim: int) -> Value:
    """The products of those before and of those after, which begin with the `first` and end with the `final` ones."""
    return whole.recurrence(first, before, dim=dim, reverse=False, lag=True) * whole.recurrence(
        final, after, dim=dim, reverse=True, lag=True)


def scattered(g: Value, x: Value, value: Value, indices: Sequence[Any], form: tuple[str, Any], wrap: bool
              ) -> tuple[Value, ...]:
    """The gradients of elements of `x` multiplied by all the `value`s that go there: put side by side, group by group."""
    n, m = x.numel(), value.numel()
    numbers = whole.cumsum(x.new_ones((n,), dtype=dtypes.int64), dim=0, reverse=False) - 1
    places = whole.collect(numbers.reshape(x.shape), *indices, form=form, wrap=wrap)
    target = whole.cat(numbers, places.reshape(m), dim=0)
    order = whole.sorted_positions(target, dim=0, descending=False)
    back = whole.sorted_positions(order, dim=0, descending=False)
    group = taken(target, order) + 1
    begins, ends = shifted(group, 0) != group, shifted(group, 0, True) != group
    factors = taken(whole.cat(x.reshape(n), value.reshape(m), dim=0), order)
    found = both_sides(where(ends, 0, factors), where(begins, 0, factors), like(begins, factors), like(ends, factors), 0)
    found = taken(found, back) * taken(g.reshape(n), target)
    return found.narrow(0, 0, n).reshape(x.shape), found.narrow(0, n, m).reshape(value.shape)


def taken(x: Value, order: Value) -> Value:
    return whole.collect(x, order, form=("axes", (0,)), wrap=False)
