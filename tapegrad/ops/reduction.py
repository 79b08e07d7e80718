"""Operations on rows: the elements along `dim`, of which a rule sees reductions with that axis kept."""
from __future__ import annotations

import math

from tapegrad.ops import products
from tapegrad.ops.declaration import Value, reduction
from tapegrad.ops.scalar import like, row, scalar, wide

where = scalar.where
Axes = tuple[int, ...]

reduction("sum", lambda x, *, dim: row.sum(x, dim), lambda g: g, result="sum", multilinear=True, identity=0,
          grad_names={"dim": "SumBackward1"})
reduction("mean", lambda x, *, dim: middle(wide(x), dim), lambda g, x, dim: g / count(x, dim),
          accepts="f", multilinear=True, identity=math.nan, grad_names={"dim": "MeanBackward1"})
reduction("amax", lambda x, *, dim: row.max(x, dim), lambda g, x, out, dim: shared(g, x == out, dim))
reduction("amin", lambda x, *, dim: row.min(x, dim), lambda g, x, out, dim: shared(g, x == out, dim))
reduction("max", lambda x, *, dim: row.max(x, dim),
          lambda g, x, out, dim: shared(g, same(x, out), dim), grad_name="MaxBackward1", method=False)
reduction("min", lambda x, *, dim: row.min(x, dim),
          lambda g, x, out, dim: shared(g, same(x, out), dim), grad_name="MinBackward1", method=False)
reduction("argmax", lambda x, *, dim: row.argmax(x, dim), result="int64")
reduction("argmin", lambda x, *, dim: row.argmin(x, dim), result="int64")
reduction("any", lambda x, *, dim: row.any(x, dim), result="truth", identity=False)
reduction("all", lambda x, *, dim: row.all(x, dim), result="truth", identity=True)
reduction("logsumexp", lambda x, *, dim: shifted(x, peak(x, dim), dim), lambda g, x, out: g * scalar.exp(x - out),
          result="float", identity=-math.inf)
reduction("softmax", lambda x, *, dim: normalised(scalar.exp(x - row.max(x, dim)), dim),
          lambda g, out, dim: out * (g - row.sum(g * out, dim)), per_row=False, accepts="f")
reduction("log_softmax",
          lambda x, *, dim: x - row.max(x, dim) - scalar.log(row.sum(scalar.exp(x - row.max(x, dim)), dim)),
          lambda g, out, dim: g - scalar.exp(out) * row.sum(g, dim), per_row=False, accepts="f")
reduction("standardised", lambda x, *, dim, eps=1e-05: (x - middle(x, dim)) * precision(x, dim, eps),
          lambda g, x, out, dim, eps: precision(x, dim, eps) * (
              g - middle(g, dim) - out * (row.sum(g * out, dim) / count(x, dim))),
          per_row=False, accepts="f", method=False, grad_name="NativeLayerNormBackward0")
reduction("mse_loss", lambda x, y, *, dim: row.sum((x - y) * (x - y), dim) / count(x, dim),
          lambda g, x, y, dim: (g * 2 * (x - y) / count(x, dim), g * 2 * (y - x) / count(x, dim)),
          accepts="f", method=False, identity=math.nan)
# `classes` numbers the classes along their axis, `target` is a class there or none of them. Reading the whole row for
# one element costs no more than the softmax before it, needs no index, and joins it in one kernel.
reduction("nll_loss", lambda x, target, classes, weight, *, dim: row.sum(where(target == classes, -x * weight, 0), dim),
          lambda g, x, target, classes, weight: (where(target == classes, -g * weight, 0), None, None,
                                                 where(target == classes, -g * x, 0)),
          accepts="f", method=False, identity=0, tied=("x",), grad_names={"2d": "NllLoss2DBackward0"})
reduction("nll_loss_mean",  # `share` is 1 over the sum of the chosen weights, infinite if there is none: 0 times it is NaN
          lambda x, target, classes, weight, share, *, dim: row.sum(
              where(target == classes, -x * weight, 0) * share, dim),
          lambda g, x, target, classes, weight, share: (
              where(target == classes, -g * weight * share, 0), None, None,
              where(target == classes, -g * x * share, 0), where(target == classes, -x * weight, 0) * g),
          accepts="f", method=False, identity=math.nan, tied=("x",), grad_name="NllLossBackward0",
          grad_names={"2d": "NllLoss2DBackward0"})
reduction("dot", lambda x, y, *, dim: row.sum(x * y, dim), lambda g, x, y: (g * y, g * x), method=False,
          identity=0)


reduction("prod", lambda x, *, dim: row.prod(x, dim),
          lambda g, x, out, dim: g * where(
              zeros(x, dim) == 0, out / where(x == 0, 1, x),
              where((zeros(x, dim) == 1) & (x == 0), row.prod(where(x == 0, 1, x), dim), 0)),
          recorded=lambda g, x, dim: g * products.others(x, dim) if x.ndim else g,
          result="sum", identity=1, special=(0.0,), grad_names={"dim": "ProdBackward1"})
reduction("nansum", lambda x, *, dim: row.sum(where(scalar.isnan(x), 0, x), dim),
          lambda g, x: where(scalar.isnan(x), g * 0, g), result="sum", identity=0)
reduction("count_nonzero", lambda x, *, dim: row.sum(where(x != 0, like(1, x), like(0, x)), dim), result="int64",
          computes="float64", identity=0)
reduction("var", lambda x, *, dim, correction=1: variance(x, dim, correction),
          lambda g, x, dim, correction: variance_slope(g * 2, x, dim, correction), accepts="f",
          identity=math.nan)
reduction("std", lambda x, *, dim, correction=1: scalar.sqrt(variance(x, dim, correction)),
          lambda g, x, out, dim, correction: variance_slope(
              where(out == 0, 0, g) / where(out == 0, 1, out), x, dim, correction), accepts="f", identity=math.nan)
reduction("vector_norm", lambda x, *, dim, ord=2.0: normed(x, dim, ord),
          lambda g, x, out, dim, ord: norm_slope(g, x, out, dim, ord), accepts="f", method=False, identity=0,
          grad_name="LinalgVectorNormBackward0")


def zeros(x: Value, dim: Axes) -> Value:
    return row.sum(where(x == 0, like(1, x), like(0, x)), dim)


def middle(x: Value, dim: Axes) -> Value:
    return row.sum(x, dim) / count(x, dim)


def spread(x: Value, dim: Axes) -> Value:
    return row.sum((x - middle(x, dim)) * (x - middle(x, dim)), dim)


def variance(x: Value, dim: Axes, correction: float) -> Value:
    """Equal elements spread by 0, though their rounded mean is not quite one of them: what it is off by is taken out.

    The mean of float32 and of halves is exact enough in double precision. Squares beyond it are infinite, and stay so.
    """
    if x.dtype.itemsize < 8:
        return spread(wide(x), dim) / freedom(wide(x), dim, correction)
    squares, off = spread(x, dim), row.sum(x - middle(x, dim), dim)
    true = squares - where(scalar.isinf(squares), 0, off * off / count(x, dim))
    return where(true < squares * 1e-12, 0, true) / freedom(x, dim, correction)


def variance_slope(g: Value, x: Value, dim: Axes, correction: float) -> Value:
    return g / freedom(x, dim, correction) * (x - like(middle(wide(x), dim), x))


def precision(x: Value, dim: Axes, eps: float) -> Value:
    return scalar.rsqrt(spread(x, dim) / count(x, dim) + eps)


def freedom(x: Value, dim: Axes, correction: float) -> Value:
    return scalar.maximum(count(x, dim) - correction, 0)


def normed(x: Value, dim: Axes, ord: float) -> Value:
    """The norm of a row; the limits of p at 0 and at both infinities have formulas of their own."""
    size = scalar.abs(x)
    if ord == 2:
        return scalar.sqrt(row.sum(wide(x) * wide(x), dim))
    if ord == 1:
        return row.sum(size, dim)
    if ord == 0:
        return row.sum(where(x == 0, like(0, x), like(1, x)), dim)
    if math.isinf(ord):
        return row.max(size, dim) if ord > 0 else row.min(size, dim)
    return scalar.pow(row.sum(scalar.pow(size, ord), dim), 1 / ord)


def norm_slope(g: Value, x: Value, out: Value, dim: Axes, ord: float) -> Value:
    least = where(out == 0, 1, out)  # where it is 0 the slope is 0, and so are its derivatives
    if ord == 2:
        return g * where(out == 0, 0, x / least)
    if ord == 1:
        return g * scalar.sign(x)
    if ord == 0:
        return like(0, x) * g
    if math.isinf(ord):
        hit = same(scalar.abs(x), out)
        return g * where(hit, scalar.sign(x) / row.sum(like(hit, x), dim), 0)
    size = where(x == 0, 1, scalar.abs(x))
    if ord < 1:
        size_slope = scalar.pow(size, ord - 1) * scalar.pow(least, 1 - ord)
    else:
        size_slope = scalar.pow(size / least, ord - 1)
    slope = where(x == 0, where(scalar.isnan(out), out, 0), scalar.sign(x) * size_slope)
    if 0 < ord < 1:
        return g * slope
    return where(out == 0, 0, g * slope)  # of a negative order, one zero in the row makes the norm 0


def count(x: Value, dim: Axes) -> Value:
    """The number of elements in a row, as `x`'s own kind of number."""
    return like(row.count(x, dim), x)


def same(x: Value, out: Value) -> Value:
    """Equal, with a NaN in the row equal to a NaN result."""
    return (x == out) | (scalar.isnan(out) & scalar.isnan(x))


def shared(g: Value, hit: Value, dim: Axes) -> Value:
    """The gradient in equal parts to all that equal the result; nothing does where that is NaN, and 0 / 0 is NaN too."""
    return where(hit, g, 0) / row.sum(like(hit, g), dim)


def peak(x: Value, dim: Axes) -> Value:
    """The row's maximum, 0 where that is infinite (inf - inf is not a number)."""
    top = row.max(x, dim)
    return where(scalar.isinf(top), 0, top)


def shifted(x: Value, top: Value, dim: Axes) -> Value:
    return top + scalar.log(row.sum(scalar.exp(x - top), dim))


def normalised(e: Value, dim: Axes) -> Value:
    return e / row.sum(e, dim)
