"""Where things are: masks, what is not zero, places in sorted sequences."""
from __future__ import annotations

from typing import Any

import numpy as np

from tapegrad import dtypes, shapes
from tapegrad.creation import from_array
from tapegrad.dispatch import apply
from tapegrad.errors import type_name
from tapegrad.functions.common import METHODS, expect_tensor, in_place, into, kind_name, method, operation, public
from tapegrad.functions.indexing.gathering import gather
from tapegrad.functions.indexing.subscripts import coordinates, read, rows_of_coordinates, write
from tapegrad.functions.several_outputs import one_node
from tapegrad.functions.shaping.views import expand
from tapegrad.tensor import Tensor


def _expect_mask(name: str, mask: Any) -> None:
    expect_tensor(name, mask, "mask", 2)
    if mask.dtype.name != "bool":
        raise RuntimeError(f"{name}: expected BoolTensor for mask")


@method
def masked_select(input: Tensor, mask: Tensor, *, out: Any = None) -> Any:
    """The elements where a mask holds, as a vector (`torch.masked_select`)."""
    _expect_mask("masked_select", mask)
    shape = shapes.broadcast((tuple(mask.shape), tuple(input.shape))) or (1,)
    places = np.flatnonzero(np.broadcast_to(mask._array(), shape))
    flat = expand(input, *shape).reshape(-1)
    return into(out, read("masked_select", flat, (from_array(places),), ("axes", (0,))), input, mask)


@method
@one_node("MaskedScatterBackward0")
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Any:
    """Elements of `source`, in order, where a mask holds (`torch.masked_scatter`)."""
    _expect_mask("masked_scatter", mask)
    if source.dtype is not input.dtype:
        raise RuntimeError("masked_scatter: expected self and source to have same dtypes but got "
                           f"{kind_name(input)} and {kind_name(source)}")
    shape = shapes.broadcast((tuple(mask.shape), tuple(input.shape)))
    places = np.flatnonzero(np.broadcast_to(mask._array(), shape))
    if len(places) > source.numel():
        raise RuntimeError("Number of elements of source < number of ones in mask")
    flat = expand(input, *shape).reshape(-1)
    found = write("masked_scatter", flat, source.reshape(-1)[:len(places)], (from_array(places),), ("axes", (0,)))
    return found.reshape(shape)


in_place("masked_scatter", masked_scatter)


@method
def nonzero(input: Tensor, *, as_tuple: bool = False, out: Any = None) -> Any:
    """The positions of elements that are not zero (`torch.nonzero`)."""
    array = input._array()
    if as_tuple:
        return tuple(from_array(i) for i in coordinates(array))
    found = rows_of_coordinates(array) if input.ndim else from_array(np.zeros((int(bool(array)), 0), np.int64))
    if out is not None and out.dtype is not dtypes.int64:
        raise RuntimeError("nonzero: Expected out tensor to have scalar type Long but got scalar type"
                           f"{kind_name(out)}")
    return into(out, found)


@method
def argwhere(input: Tensor) -> Any:
    return nonzero(input)


@public
def searchsorted(sorted_sequence: Tensor, input: Any, *, out_int32: bool = False, right: bool = False, side: Any = None,
                 sorter: Any = None, out: Any = None) -> Any:
    """Where values would be inserted into sorted rows (`torch.searchsorted`)."""
    if side is not None:
        if side not in ("left", "right"):
            raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
        if side == "left" and right:
            raise RuntimeError("torch.searchsorted(): side and right can't be set to opposites, got side of left while "
                               "right was True")
        right = side == "right"
    if not sorted_sequence.ndim:
        raise RuntimeError("torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension "
                           "is 1, "
                           "but we got boundaries tensor dim(0)")
    if sorter is not None:
        if sorter.dtype is not dtypes.int64:
            raise RuntimeError("torch.searchsorted(): sorter must be a tensor of long dtype but got dtype "
                               f"{kind_name(sorter)}")
        if tuple(sorter.shape) != tuple(sorted_sequence.shape):
            raise RuntimeError("torch.searchsorted(): boundary and sorter must have the same size")
        sorted_sequence = gather(sorted_sequence, -1, sorter)
    if not isinstance(input, Tensor):
        if sorted_sequence.ndim != 1:
            raise RuntimeError("torch.searchsorted(): input value can be a scalar only when boundaries tensor "
                               "dimension "
                               f"is 1, but we got boundaries tensor dim({sorted_sequence.ndim})")
        if not isinstance(input, (int, float, np.number)):
            raise TypeError(f"searchsorted(): argument 'input' (position 2) must be Tensor, not {type_name(input)}")
        input = from_array(np.asarray(input), sorted_sequence.dtype if isinstance(input, int) else dtypes.float64
                           if sorted_sequence.dtype is dtypes.float64 else dtypes.default_dtype())
    if sorted_sequence.ndim != 1 and tuple(sorted_sequence.shape[:-1]) != tuple(input.shape[:-1]):
        raise RuntimeError("torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 "
                           "dimensions of "
                           f"boundaries tensor and input value tensor must match, but we got boundaries tensor "
                           f"{list(sorted_sequence.shape)} and input value tensor {list(input.shape)}")
    if input.dtype is not sorted_sequence.dtype:
        dtype = dtypes.promote(input.dtype, sorted_sequence.dtype)
        sorted_sequence, input = sorted_sequence.to(dtype), input.to(dtype)
    found = apply(operation("searchsorted"), (sorted_sequence.detach(), input.detach()),
                  (("right", right), ("int32", out_int32)))
    return into(out, found)


@public
def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False, out: Any = None) -> Any:
    """Into which of the intervals between boundaries values fall (`torch.bucketize`)."""
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)


METHODS["bucketize"] = bucketize
