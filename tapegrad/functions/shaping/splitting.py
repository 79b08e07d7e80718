"""One tensor as several views of it: slices, pieces, halves."""
from __future__ import annotations

import itertools
from typing import Any

from tapegrad import shapes
from tapegrad.dispatch import apply_view
from tapegrad.functions.common import METHODS, PUBLIC, method, operation
from tapegrad.functions.several_outputs import one_node
from tapegrad.functions.shaping.views import slice_
from tapegrad.machine.live import call
from tapegrad.machine.planning import Attributes
from tapegrad.signatures import Ints
from tapegrad.tape.reading import number_of_piece
from tapegrad.tensor import Tensor


def _whole(name: str, x: Any, count: int) -> Any:
    """What pieces are views of: their node, where there is one."""
    if x.requires_grad and call.is_recording(None):
        return apply_view(operation(f"_{name}"), x, (("count", count),))
    return x


@method
def unbind(input: Tensor, dim: int = 0) -> tuple[Any, ...]:
    """The slices along an axis (`torch.unbind`)."""
    dim = shapes.wrap_dim(dim, input.ndim)
    if not input.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    op, whole = operation("unbind"), _whole("unbind", input, input.shape[dim])
    return tuple(apply_view(op, whole, (("dim", dim), ("index", i))) for i in range(input.shape[dim]))


def _expect_axis(name: str, x: Any) -> None:
    if not x.ndim:
        raise RuntimeError(f"{name} expects at least a 1-dimensional tensor")


@method
def split(tensor: Tensor, split_size_or_sections: Ints, dim: int = 0) -> tuple[Any, ...]:
    """Pieces of equal or given lengths along an axis (`torch.split`)."""
    _expect_axis("split", tensor)
    dim = shapes.wrap_dim(dim, tensor.ndim)
    n = tensor.shape[dim]
    if isinstance(split_size_or_sections, int):
        size = split_size_or_sections
        if size < 0:
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
        if size == 0 and n:
            raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
        lengths = [min(size, n - i) for i in range(0, n, size)] if n else [0]
    else:
        lengths = list(split_size_or_sections)
        if any(length < 0 for length in lengths):
            raise RuntimeError("split_with_sizes expects split_sizes have only non-negative entries, but got "
                               f"split_sizes={lengths}")
        if sum(lengths) != n:
            raise RuntimeError(f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at "
                               f"dimension {dim}), but got split_sizes={lengths}")
    op = operation("split" if isinstance(split_size_or_sections, int) else "split_with_sizes")
    whole, out, start = _whole(op.name, tensor, len(lengths)), [], 0
    for number, length in enumerate(lengths):
        end = start + length
        given: Attributes = (("dim", dim), ("start", start), ("end", end), ("step", 1))
        if number != number_of_piece(start, end):
            given = (*given, ("number", number))
        out.append(apply_view(op, whole, given))
        start = end
    return tuple(out)


@method
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """At most `chunks` pieces of equal length (`torch.chunk`)."""
    _expect_axis("chunk", input)
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = input.shape[shapes.wrap_dim(dim, input.ndim)]
    return split(input, -(-n // chunks) if n else [0] * chunks, dim)


@method
def split_with_sizes(input: Tensor, split_sizes: Ints, dim: int = 0) -> Any:
    return split(input, list(split_sizes), dim)


PUBLIC["unsafe_split"] = METHODS["unsafe_split"] = one_node("UnsafeSplitBackward0")(split)
PUBLIC["unsafe_chunk"] = METHODS["unsafe_chunk"] = one_node("UnsafeSplitBackward0")(chunk)


@method
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> Any:
    """Nearly equal pieces, or pieces that end at given places (`torch.tensor_split`)."""
    if not input.ndim:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    d = shapes.wrap_dim(dim, input.ndim)
    n = input.shape[d]
    given = indices_or_sections
    if isinstance(given, Tensor):
        if given.dtype.name != "int64":
            raise RuntimeError("tensor_split expected tensor_indices_or_sections to have dtype of long, but got "
                               f"{given.dtype.name}")
        if given.ndim > 1:
            raise RuntimeError("tensor_split expected tensor_indices_or_sections to be a zero-dimensional or "
                               f"one-dimensional tensor, but got a tensor with {given.ndim} dims")
        given = given.tolist()
    if isinstance(given, int):
        if given <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {given}")
        size, more = divmod(n, given)
        ends = [size * (i + 1) + min(i + 1, more) for i in range(given - 1)]
    else:
        ends = list(given)
    edges = [0, *(slice(None, e).indices(n)[1] for e in ends), n]
    return tuple(slice_(input, d, a, max(a, b)) for a, b in itertools.pairwise(edges))


def _sides(name: str, dim: int, least: int) -> None:
    def split_along(input: Tensor, indices_or_sections: Any) -> Any:
        if input.ndim < least:
            raise RuntimeError(f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor with "
                               f"{input.ndim} dimensions!")
        d = 0 if name == "hsplit" and input.ndim == 1 else dim
        if isinstance(indices_or_sections, int):
            n = indices_or_sections
            if n <= 0 or input.shape[d] % n:
                raise RuntimeError(f"torch.{name} attempted to split along dimension {d}, but the size of the "
                                   "dimension "
                                   f"{input.shape[d]} is not divisible by the split_size {n}!")
        return tensor_split(input, indices_or_sections, d)

    split_along.__name__ = name
    method(split_along)


_sides("hsplit", 1, 1)
_sides("vsplit", 0, 2)
_sides("dsplit", 2, 3)
