"""Copies of a tensor in another order, repeated, or with part of it left out."""
from __future__ import annotations

import operator
from typing import Any

import numpy as np

from tapegrad import dtypes, errors, shapes
from tapegrad.creation import check_room, from_array
from tapegrad.dispatch import apply
from tapegrad.functions.common import in_place, into, invalid_combination, kind_name, method, operation
from tapegrad.functions.several_outputs import one_node
from tapegrad.functions.shaping.views import diagonal as main_diagonal
from tapegrad.functions.shaping.views import expand, ravel, reshape, unsafe_view
from tapegrad.signatures import Ints
from tapegrad.tensor import Tensor, shape_of


def _rearranged(name: str, x: Any, places: Any) -> Any:
    """The elements of the flattened tensor at `places` (an array of positions)."""
    return apply(operation(name), (reshape(x, -1), from_array(np.array(places, np.int64, order="C"))),
                 (("form", ("axes", (0,))), ("wrap", False)))


def _positions(x: Any) -> np.ndarray[Any, Any]:
    return np.arange(x.numel()).reshape(tuple(x.shape))


@method
def flip(input: Tensor, *args: Any, dims: Any = None) -> Any:
    """Axes reversed, as a copy (`torch.flip`)."""
    given = args if dims is None else dims
    if len(given) == 1 and isinstance(given[0], (tuple, list)):
        given = given[0]
    wrapped = [shapes.wrap_dim(d, input.ndim) for d in given]
    for d in wrapped:
        if wrapped.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    if not input.ndim or not wrapped:
        return apply(operation("clone"), (input,), node="FlipBackward0")
    return apply(operation("flip"), (input,), (("dims", tuple(wrapped)),))


@method
def fliplr(input: Tensor) -> Any:
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


@method
def flipud(input: Tensor) -> Any:
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


@method
def roll(input: Tensor, shifts: Ints, dims: Ints | None = ()) -> Any:
    """Elements moved along axes, coming in again at the other end (`torch.roll`)."""
    shifts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    dims = (dims,) if isinstance(dims, int) else tuple(() if dims is None else dims)
    if not shifts:
        raise RuntimeError("`shifts` required")
    if not dims and len(shifts) == 1:
        return apply(operation("roll"), (input,), (("shifts", shifts), ("dims", None)))
    if len(shifts) != len(dims):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    if not input.numel():
        return apply(operation("clone"), (input,), node="RollBackward0")  # whatever the axes are
    total: dict[int, int] = {}
    for shift, d in zip(shifts, dims):
        axis = shapes.axis_there(d, input.ndim)
        total[axis] = total.get(axis, 0) + shift
    return apply(operation("roll"), (input,), (("shifts", tuple(total.values())), ("dims", tuple(total))))


@method
def rot90(input: Tensor, k: int = 1, dims: Ints = (0, 1)) -> Any:
    """A quarter turn, `k` times (`torch.rot90`)."""
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.ndim}")
    if dims[0] == dims[1] or abs(dims[0] - dims[1]) == input.ndim:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    for d in dims:
        if not -input.ndim <= d < input.ndim:
            raise RuntimeError(f"Rotation dim{list(dims).index(d)} out of range, dim{list(dims).index(d)} = {d}")
    return _rearranged("rot90", input, np.rot90(_positions(input), k, tuple(dims)))


@method
@one_node("RepeatBackward0")
def repeat(self: Any, *sizes: Any) -> Any:
    """Copies side by side (`torch.Tensor.repeat`)."""
    if not sizes:
        raise TypeError('repeat() missing 1 required positional arguments: "repeats"')
    times = shape_of(sizes)
    if len(times) < self.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    for n in times:
        if n < 0:
            raise RuntimeError(errors.NEGATIVE_SIZE.format(n, list(times)))
    x = reshape(self, (1,) * (len(times) - self.ndim) + tuple(self.shape))
    wide = [n for pair in zip(times, x.shape) for n in pair]
    grid = expand(reshape(x, [n for m in x.shape for n in (1, m)]), wide) if times else x
    copy = apply(operation("contiguous"), (grid,))  # even where a view would do
    return unsafe_view(copy, [t * n for t, n in zip(times, x.shape)])


@method
def tile(input: Tensor, *dims: Any) -> Any:
    """repeat with missing leading counts (`torch.tile`)."""
    times = shape_of(dims)
    return repeat(input, (1,) * (input.ndim - len(times)) + times)


@method
def repeat_interleave(input: Any = None, repeats: Any = None, dim: int | None = None, *, output_size: Any = None
                      ) -> Any:
    """Each slice repeated in place (`torch.repeat_interleave`); of `repeats` alone, its places repeated."""
    if input is None or repeats is None:
        repeats = repeats if input is None else input
        if repeats.ndim != 1:
            raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
        counts = _counts(repeats)
        _expect_size(output_size, counts, 1)
        return from_array(np.repeat(np.arange(counts.size), counts), repeats.dtype)
    if not isinstance(repeats, Tensor):
        try:
            repeats = operator.index(repeats)
        except TypeError:
            raise invalid_combination("repeat_interleave", repeats) from None
    elif repeats.ndim > 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    x = reshape(input, -1) if dim is None else input
    d = 0 if dim is None else shapes.wrap_dim(dim, x.ndim)
    x = x if x.ndim else reshape(x, 1)
    n = x.shape[d]
    counts = _counts(repeats) if isinstance(repeats, Tensor) else repeats
    if np.any(np.asarray(counts) < 0):
        raise RuntimeError("repeats can not be negative")
    if isinstance(repeats, Tensor):
        _expect_size(output_size, counts, n if np.size(counts) == 1 else 1)
    elif output_size is not None and output_size != repeats * n:
        raise RuntimeError(f"repeat_interleave: Invalid output_size, expected {repeats * n} but got {output_size}")
    if np.size(counts) not in (1, n):
        raise RuntimeError(f"repeats must have the same size as input along dim, but got repeats.size(0) = "
                           f"{np.size(counts)} and input.size({d}) = {n}")
    flat = np.asarray(counts).reshape(-1)
    check_room(dtypes.int64, (int(flat.sum()) * (1 if flat.size == n else n),))
    places = np.repeat(np.arange(n), flat if flat.size == n else int(flat[0]))
    return apply(operation("index_select"), (x, from_array(places)), (("form", ("axes", (d,))), ("wrap", False)))


def _counts(repeats: Tensor) -> Any:
    if repeats.dtype not in (dtypes.int32, dtypes.int64):
        raise NotImplementedError(f"\"repeat_interleave_cpu\" not implemented for '{kind_name(repeats)}'")
    counts = repeats._array()
    if (counts < 0).any():
        raise RuntimeError("repeats can not be negative")
    return counts


def _expect_size(size: Any, counts: Any, times: int) -> None:
    if size is not None and size != int(counts.sum()) * times:
        raise RuntimeError("allocated size does not match required size")


def _triangle(name: str, keep: Any) -> None:
    def triangle(input: Tensor, diagonal: int = 0, *, out: Any = None) -> Any:
        if input.ndim < 2:
            raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")
        mask = from_array(keep(np.ones(tuple(input.shape[-2:]), bool), diagonal))
        return into(out, apply(operation(name), (input, mask)))

    triangle.__name__ = name
    method(triangle)
    in_place(name, triangle)


_triangle("tril", np.tril)
_triangle("triu", np.triu)


@method
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """The last axis as a diagonal of two new ones (`torch.diag_embed`)."""
    ndim = input.ndim + 1
    d1, d2 = shapes.wrap_dim(dim1, ndim), shapes.wrap_dim(dim2, ndim)
    if d1 == d2:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    n = input.shape[-1] + abs(offset)
    shape = list(input.shape[:-1])
    for d in sorted((d1, d2)):
        shape.insert(d, n)
    return apply(operation("diag_embed"), (input,), (("shape", tuple(shape)), ("of", "diagonal"), (
        "given", (("offset", offset), ("dim1", d1), ("dim2", d2)))))


@method
def diag(input: Tensor, diagonal: int = 0, *, out: Any = None) -> Any:
    """A matrix's diagonal, or the matrix of a diagonal (`torch.diag`)."""
    if input.ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    if input.ndim == 1:
        return into(out, diag_embed(input, diagonal))
    return into(out, apply(operation("clone"), (main_diagonal(input, diagonal),), node="DiagonalBackward0_copy"))


@method
def diagflat(input: Tensor, offset: int = 0) -> Any:
    return diag_embed(ravel(input), offset)
