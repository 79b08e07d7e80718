"""Several tensors made one."""
from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from tapegrad import creation, dtypes, errors, shapes
from tapegrad.dispatch import MOST, MOST_ALIKE, apply
from tapegrad.functions.common import PUBLIC, expect_tensor, expect_tensors, into, kind_name, operation, public
from tapegrad.functions.queries import common_dtype
from tapegrad.functions.several_outputs import one_node
from tapegrad.functions.shaping.views import reshape
from tapegrad.tensor import Tensor


def _at_once(tensors: Sequence[Any]) -> int:
    """How many of them one instruction can have for operands: many, where all lie alike."""
    return MOST_ALIKE if len({x._layout for x in tensors}) == 1 else MOST


@public
def cat(tensors: Sequence[Any], dim: int = 0, *, out: Any = None) -> Any:
    """Tensors one after another along an axis (`torch.cat`)."""
    if isinstance(tensors, Tensor) or not isinstance(tensors, Sequence):
        raise TypeError("cat(): argument 'tensors' (position 1) must be tuple of Tensors, not "
                        f"{errors.type_name(tensors)}")
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    expect_tensors(tensors)
    for i, x in enumerate(tensors):
        if not x.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    kept = [x for x in tensors if tuple(x.shape) != (0,)] or list(tensors[:1])
    first = tuple(kept[0].shape)
    dim = shapes.wrap_dim(dim, len(first))
    if any(x.requires_grad for x in tensors) and not any(x.requires_grad for x in kept):
        empty = (*first[:dim], 0, *first[dim + 1:])
        kept = [x.reshape(empty) if tuple(x.shape) == (0,) else x for x in tensors]  # the result depends on them
    for i, x in enumerate(tensors):
        if tuple(x.shape) == (0,):  # goes with any
            continue
        if x.ndim != len(first):
            raise RuntimeError(f"Tensors must have same number of dimensions: got {len(first)} and {x.ndim}")
        for d, (n, m) in enumerate(zip(first, x.shape)):
            if d != dim and n != m:
                raise RuntimeError(f"Sizes of tensors must match except in dimension {dim}. Expected size {n} but got "
                                   f"size {m} for tensor number {i} in the list.")
    while len(kept) > MOST and len(kept) > (most := _at_once(kept)):
        kept = [apply(operation("cat"), kept[i:i + most], (("dim", dim),)) for i in range(0, len(kept), most)]
    found = apply(operation("cat"), kept, (("dim", dim),))
    if len(kept) < len(tensors):  # what is left out for its shape still has a say in the dtype
        found = found.to(functools.reduce(dtypes.promote, (x.dtype for x in tensors)))
    if out is not None and found.dtype.category > out.dtype.category:
        raise TypeError(f"torch.cat(): input types can't be cast to the desired output type {kind_name(out)}")
    return into(out, found, *tensors)


PUBLIC["concat"] = PUBLIC["concatenate"] = cat


@public
def stack(tensors: Sequence[Any], dim: int = 0, *, out: Any = None) -> Any:
    """Tensors of one shape along a new axis (`torch.stack`).

    >>> import tapegrad
    >>> tapegrad.stack([tapegrad.zeros(2), tapegrad.ones(2)], dim=1)
    tensor([[0., 1.],
            [0., 1.]])
    """
    _expect_several("stack", tensors)
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    for i, x in enumerate(tensors):
        expect_tensor("stack", x, "tensors", 1)
        if x.shape != tensors[0].shape:
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at "
                               f"entry 0 and {list(x.shape)} at entry {i}")
    dim = shapes.wrap_dim(dim, tensors[0].ndim + 1)
    if len(tensors) > MOST and len(tensors) > (most := _at_once(tensors)):
        return cat([apply(operation("stack"), tensors[i:i + most], (("dim", dim),))
                    for i in range(0, len(tensors), most)], dim, out=out)
    return into(out, apply(operation("stack"), tensors, (("dim", dim),)), *tensors)


def _expect_several(name: str, tensors: Any) -> None:
    if isinstance(tensors, Tensor) or not isinstance(tensors, Sequence):
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not "
                        f"{errors.type_name(tensors)}")


def _stacked(name: str, ndim: int, dim: int) -> None:
    def function(tensors: Sequence[Any], *, out: Any = None) -> Any:
        _expect_several(name, tensors)
        if not tensors:
            raise RuntimeError(f"{name} expects a non-empty TensorList")
        parts = PUBLIC[f"atleast_{ndim}d"](list(tensors))
        return cat(parts, 0 if name == "hstack" and parts[0].ndim == 1 else dim, out=out)

    function.__name__ = name
    public(function)


_stacked("hstack", 1, 1)
_stacked("vstack", 2, 0)
_stacked("dstack", 3, 2)
PUBLIC["row_stack"] = PUBLIC["vstack"]


@public
def column_stack(tensors: Sequence[Any], *, out: Any = None) -> Any:
    """Vectors as columns, beside matrices (`torch.column_stack`)."""
    _expect_several("column_stack", tensors)
    if not tensors:
        raise RuntimeError("column_stack expects a non-empty TensorList")
    return cat([x if x.ndim > 1 else reshape(x, x.numel(), 1) for x in tensors], 1, out=out)


@public
@one_node("BlockDiagBackward0")
def block_diag(*tensors: Any) -> Any:
    """Matrices along a diagonal (`torch.block_diag`)."""
    if not tensors:
        return creation.zeros(1, 0)
    expect_tensors(tensors)
    parts = [PUBLIC["atleast_2d"](x) for x in tensors]
    for i, x in enumerate(tensors):
        if x.ndim > 2:
            raise RuntimeError(f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has "
                               f"{x.ndim} "
                               "dimensions")
    common = common_dtype(*tensors)
    parts = [x if x.dtype is common else x.to(common) for x in parts]
    width = sum(x.shape[1] for x in parts)
    rows, start = [], 0
    for x in parts:
        n, m = x.shape
        rows.append(cat([x.new_zeros(n, start), x, x.new_zeros(n, width - start - m)], 1))
        start += m
    return cat(rows, 0)
