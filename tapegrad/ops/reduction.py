"""Operations on rows: the elements along `dim`, of which a rule sees reductions with that axis kept."""
from __future__ import annotations

import math

from .scalar import like, row, scalar
from .spec import reduction

where = scalar.where

reduction("sum", lambda x, *, dim: row.sum(x, dim), lambda g: g, result="sum", multilinear=True, identity=0,
          grad_names={"dim": "SumBackward1"})
reduction("mean", lambda x, *, dim: row.sum(x, dim) / count(x, dim), lambda g, x, dim: g / count(x, dim),
          accepts="f", multilinear=True, identity=math.nan, grad_names={"dim": "MeanBackward1"})
reduction("amax", lambda x, *, dim: row.max(x, dim),
          lambda g, x, out, dim: where(same(x, out), g / ties(x, out, dim), 0))
reduction("amin", lambda x, *, dim: row.min(x, dim),
          lambda g, x, out, dim: where(same(x, out), g / ties(x, out, dim), 0))
reduction("max", lambda x, *, dim: row.max(x, dim),
          lambda g, x, out, dim: where(same(x, out), g / ties(x, out, dim), 0), grad_name="MaxBackward1", method=False)
reduction("min", lambda x, *, dim: row.min(x, dim),
          lambda g, x, out, dim: where(same(x, out), g / ties(x, out, dim), 0), grad_name="MinBackward1", method=False)
reduction("argmax", lambda x, *, dim: row.argmax(x, dim), result="int64")
reduction("argmin", lambda x, *, dim: row.argmin(x, dim), result="int64")
reduction("any", lambda x, *, dim: row.any(x, dim), result="bool", identity=False)
reduction("all", lambda x, *, dim: row.all(x, dim), result="bool", identity=True)
reduction("logsumexp", lambda x, *, dim: shifted(x, peak(x, dim), dim), lambda g, x, out: g * scalar.exp(x - out),
          result="float", identity=-math.inf)
reduction("softmax", lambda x, *, dim: normalised(scalar.exp(x - row.max(x, dim)), dim),
          lambda g, out, dim: out * (g - row.sum(g * out, dim)), per_row=False, accepts="f")
reduction("log_softmax",
          lambda x, *, dim: x - row.max(x, dim) - scalar.log(row.sum(scalar.exp(x - row.max(x, dim)), dim)),
          lambda g, out, dim: g - scalar.exp(out) * row.sum(g, dim), per_row=False, accepts="f")
reduction("mse_loss", lambda x, y, *, dim: row.sum((x - y) * (x - y), dim) / count(x, dim),
          lambda g, x, y, dim: (g * 2 * (x - y) / count(x, dim), g * 2 * (y - x) / count(x, dim)),
          accepts="f", method=False, identity=math.nan)
reduction("dot", lambda x, y, *, dim: row.sum(x * y, dim), lambda g, x, y: (g * y, g * x), method=False,
          identity=0)


def count(x, dim):
    """The number of elements in a row, as `x`'s own kind of number."""
    return like(row.count(x, dim), x)


def same(x, out):
    """Equal, with a NaN in the row equal to a NaN result."""
    return (x == out) | (scalar.isnan(out) & scalar.isnan(x))


def ties(x, out, dim):
    """How many elements of the row share the result; they share its gradient too."""
    return row.sum(like(same(x, out), x), dim)


def peak(x, dim):
    """The row's maximum, 0 where that is infinite (inf - inf is not a number)."""
    top = row.max(x, dim)
    return where(scalar.isinf(top), 0, top)


def shifted(x, top, dim):
    return top + scalar.log(row.sum(scalar.exp(x - top), dim))


def normalised(e, dim):
    return e / row.sum(e, dim)
