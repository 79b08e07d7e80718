"""Operations that only re-read memory: each maps (shape, strides) to (shape, strides, offset), counted in elements."""
from __future__ import annotations

from typing import Any

from tapegrad import shapes
from tapegrad.ops.declaration import rebase, view

Lying = tuple[shapes.Shape, shapes.Shape]  # shape and strides
Viewed = tuple[shapes.Shape, shapes.Shape, int]  # and how far from where the operand begins


def _view(x: Lying, *, size: shapes.Shape) -> Viewed:
    shape, strides = x
    found = shapes.view_strides(shape, strides, size)
    if found is None:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        )
    return size, found, 0


def _transpose(x: Lying, *, dim0: int, dim1: int) -> Viewed:
    shape, strides = list(x[0]), list(x[1])
    if shape:
        shape[dim0], shape[dim1] = shape[dim1], shape[dim0]
        strides[dim0], strides[dim1] = strides[dim1], strides[dim0]
    return tuple(shape), tuple(strides), 0


def _permute(x: Lying, *, dims: tuple[int, ...]) -> Viewed:
    return tuple(x[0][d] for d in dims), tuple(x[1][d] for d in dims), 0


def _expand(x: Lying, *, size: shapes.Shape) -> Viewed:
    return size, shapes.expanded_strides(*x, size), 0


def _select(x: Lying, *, dim: int, index: int) -> Viewed:
    shape, strides = x
    return shape[:dim] + shape[dim + 1:], strides[:dim] + strides[dim + 1:], index * strides[dim]


def _slice(x: Lying, *, dim: int, start: int, end: int, step: int) -> Viewed:
    shape, strides = x
    n = max(0, -((start - end) // step))
    return (*shape[:dim], n, *shape[dim + 1:]), (*strides[:dim], strides[dim] * step, *strides[dim + 1:]), \
        start * strides[dim]


def _piece(x: Lying, *, dim: int, start: int, end: int, step: int, number: int | None = None) -> Viewed:
    """`number` says which piece of how its tensor was split this is, where that does not follow from the rest."""
    return _slice(x, dim=dim, start=start, end=end, step=step)


def _unsqueeze(x: Lying, *, dim: int) -> Viewed:
    shape, strides = x
    inserted = shape[dim] * strides[dim] if dim < len(shape) else 1
    return (*shape[:dim], 1, *shape[dim:]), (*strides[:dim], inserted, *strides[dim:]), 0


def _squeeze(x: Lying, *, dim: tuple[int, ...]) -> Viewed:
    kept = [d for d in range(len(x[0])) if d not in dim]
    return tuple(x[0][d] for d in kept), tuple(x[1][d] for d in kept), 0


def _diagonal(x: Lying, *, offset: int, dim1: int, dim2: int) -> Viewed:
    shape, strides = x
    below, above = (0, offset) if offset >= 0 else (-offset, 0)
    n = max(0, min(shape[dim1] - below, shape[dim2] - above))
    kept = [d for d in range(len(shape)) if d not in (dim1, dim2)]
    start = below * strides[dim1] + above * strides[dim2] if n else 0
    return (*(shape[d] for d in kept), n), (*(strides[d] for d in kept), strides[dim1] + strides[dim2]), start


def _unfold(x: Lying, *, dimension: int, size: int, step: int) -> Viewed:
    shape, strides = x
    n = (shape[dimension] - size) // step + 1
    return (*shape[:dimension], n, *shape[dimension + 1:], size), \
        (*strides[:dimension], strides[dimension] * step, *strides[dimension + 1:], strides[dimension]), 0


def _as_strided(x: Lying, *, size: shapes.Shape, stride: shapes.Shape, storage_offset: int, frame: shapes.Shape
                ) -> Viewed:
    """`stride` and `storage_offset` are those in an operand with the strides `frame`."""
    return size, *shapes.restrided(stride, storage_offset, x[0], frame, x[1])


def readable(name: str, shape: shapes.Shape, strides: shapes.Shape, given: dict[str, Any]) -> bool:
    """Whether what lies so can be viewed: what is no view of other strides is a reading of consecutive elements."""
    return name not in ("view", "unsafe_view", "_reshape_alias") or (
        shapes.view_strides(shape, strides, given["size"]) is not None)


view("view", _view)
view("unsafe_view", _view)
view("unsafe_squeeze", _squeeze, grad_name="SqueezeBackward4")  # PyTorch squeezes in place what it just made
view("_reshape_alias", _view, grad_name="ReshapeAliasBackward0")
view("transpose", _transpose)
view("t", _transpose, grad_name="TBackward0")
view("permute", _permute)
view("expand", _expand)
view("select", _select)
view("slice", _slice)
view("unsqueeze", _unsqueeze)
view("squeeze", _squeeze, grad_name="SqueezeBackward1")
view("squeeze_multiple", _squeeze, grad_name="SqueezeBackward2")
view("squeeze_all", _squeeze, grad_name="SqueezeBackward0")
view("diagonal", _diagonal)
view("unfold", _unfold)
view("alias", lambda x: (*x, 0))
view("detach", lambda x: (*x, 0))
# What a composed function looks at, where PyTorch's is one node: recorded gradients depend on it, if by zero (`loose`: by
# nothing at all).
view("seen", lambda x, *, loose: (*x, 0), tied=("x",), grad_name="AliasBackward0")
view("unbind", _select)
view("split", _piece)
view("split_with_sizes", _piece)
# What is taken apart, a row of its own where that is recorded: it is the node whose `count` outputs the pieces are.
view("_unbind", lambda x, *, count: (*x, 0))
view("_split", lambda x, *, count: (*x, 0))
view("_split_with_sizes", lambda x, *, count: (*x, 0))
# What a composed function that is one node begins and ends with where it is recorded (`functions.several_outputs`).
view("_enter", lambda x, *, name: (*x, 0))
view("_leave", lambda x, *, name, number, count: (*x, 0))
# The same where gradients go to several tensors: what ends it is the node, with an edge for each of `count` operands.
view("_operand", lambda x, *, name, number: (*x, 0))
view("_composed", lambda x, *, name, count: (*x, 0))
view("as_strided", _as_strided)
# In place, where they are nodes of their own.
view("t_", _transpose, grad_name="TBackward1")
view("transpose_", _transpose, grad_name="TransposeBackward1")
view("unsqueeze_", _unsqueeze, grad_name="UnsqueezeBackward1")
view("squeeze_all_", _squeeze, grad_name="SqueezeBackward3")
view("squeeze_", _squeeze, grad_name="SqueezeBackward4")
view("squeeze_multiple_", _squeeze, grad_name="SqueezeBackward5")
view("as_strided_", _as_strided, grad_name="AsStridedBackward1")

# The base of a view that was written in place: the old base, with what the view then held where the view looks.
rebase("_copy_slices", lambda part, base, *, size, stride, storage_offset, frame: base, grad_name="CopySlices")
