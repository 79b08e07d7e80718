"""Operations that put several operands side by side, or one into a larger frame."""
from __future__ import annotations

import itertools
import math

import numpy as np

from tapegrad import shapes

from .spec import REGISTRY, structured


def join(builder, *xs, dim):
    """Lower `cat`: each operand is copied into its part of the result."""
    shape = list(xs[0].shape)
    shape[dim] = sum(x.shape[dim] for x in xs)
    out = builder.result(builder.promoted(xs), tuple(shape))
    start = 0
    for x in xs:
        builder.copy_into(out.narrow(dim, start, x.shape[dim]), x)
        start += x.shape[dim]
    return out


def parts(g, xs, dim):
    sizes = [x.shape[dim] for x in xs]
    starts = itertools.accumulate(sizes, initial=0)
    return tuple(g.narrow(dim, start, size) for start, size in zip(starts, sizes))


structured("cat", join, lambda g, xs, dim: parts(g, xs, dim), method=False, multilinear=True)


def pile(builder, *xs, dim):
    """Lower `stack`: each operand is copied into its place along a new axis."""
    shape = xs[0].shape
    out = builder.result(builder.promoted(xs), (*shape[:dim], len(xs), *shape[dim:]))
    for i, x in enumerate(xs):
        builder.copy_into(out.narrow(dim, i, 1).squeeze(dim), x)
    return out


structured("stack", pile, lambda g, xs, dim: tuple(g.narrow(dim, i, 1).squeeze(dim) for i in range(len(xs))),
           method=False, multilinear=True, column=lambda *xs, dim: np.stack(xs, dim),
           fits=lambda o, given: len({v.shape for v in o}) == 1 and 0 <= given["dim"] <= len(o[0].shape))


def frame(builder, x, *, shape, of, given):
    """Lower `embed`: zeros of `shape`, with `x` added where the view `of` (its attributes `given`) looks."""
    out = builder.result(x.layout.dtype, shape)
    builder.fill(out)
    viewed, strides, offset = REGISTRY[of].forward((shape, out.layout.strides), **dict(given))
    builder.add_into(out, viewed, strides, offset, x)
    return out


def positions(view, shape, given):
    """Where in a row-major operand each element of a view is."""
    size, strides, offset = view.forward((shape, shapes.contiguous_strides(shape)), **given)
    grid = np.ogrid[tuple(slice(n) for n in size)]
    return np.broadcast_to(offset + sum((i * s for i, s in zip(grid, strides)), np.int64(0)), size)


def placed(x, shape, of, given):
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
