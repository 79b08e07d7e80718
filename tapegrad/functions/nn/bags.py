"""Sums, means and maxima of rows of a table, bag by bag (`embedding_bag`)."""
from __future__ import annotations

from typing import Any

import numpy as np

from tapegrad import creation, dtypes
from tapegrad.functions.common import kind_name
from tapegrad.functions.indexing.gathering import reduced_at
from tapegrad.functions.nn.activations import NN, nn
from tapegrad.functions.several_outputs import one_node
from tapegrad.tensor import Tensor


def _starts(input: Any, offsets: Any, include_last: bool) -> Any:
    """Where each bag begins, and where the last one ends."""
    if offsets is None or offsets.ndim != 1:
        found = "None" if offsets is None else f"{offsets.ndim}D Tensor"
        raise ValueError(f"offsets has to be a 1D Tensor but got {found}")
    if offsets.dtype not in (dtypes.int64, dtypes.int32):
        raise RuntimeError("Expected tensor for argument #1 'indices' to have one of the following scalar types: "
                           f"Long, Int; but got torch.{kind_name(offsets)}Tensor instead (while checking arguments for "
                           "embedding_bag)")
    starts = offsets._array().astype(np.int64)
    n = input.numel()
    if include_last and not len(starts):
        raise RuntimeError("include_last_offset: number of offset should be at least 1")
    if len(starts) and starts[0]:
        raise RuntimeError("offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from "
                           "position 0. "
                           f"However, got {starts[0]}")
    if len(starts) and starts[-1] > n:
        raise RuntimeError(f"offsets[-1] can not be greater than input's length {n} but got offsets[-1] of "
                           f"{starts[-1]}")
    return starts if include_last else np.append(starts, n)


def _beyond(indices: Any, rows: int, mode: str) -> Exception:
    place = np.flatnonzero((indices < 0) | (indices >= rows))[0]
    return RuntimeError(
        f"embedding_bag: Expected idx >= 0 && idx < num_embeddings but found idx to be {indices[place]}"
        if mode == "max" else
        f"Index {place} of input takes value {indices[place]} which is not in the valid range [0, {rows})")


@nn
def embedding_bag(input: Tensor, weight: Tensor, offsets: Any = None, max_norm: float | None = None,
                  norm_type: float = 2, scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
                  per_sample_weights: Any = None, include_last_offset: bool = False, padding_idx: int | None = None
                  ) -> Any:
    """Rows of a table put together by bags (`torch.nn.functional.embedding_bag`).

    >>> import tapegrad
    >>> embedding_bag(tapegrad.tensor([1, 2, 0]), tapegrad.eye(3), tapegrad.tensor([0, 2]), mode="sum")
    tensor([[0., 1., 1.],
            [1., 0., 0.]])

    `input` is (B, N), a bag a row, or flat with the `offsets` of the bags. Rows at `padding_idx` do not count, and a
    bag of none is zero. Raises ValueError, RuntimeError for indices and offsets that do not fit.
    """
    if per_sample_weights is not None and per_sample_weights.shape != input.shape:
        raise ValueError(f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then "
                         f"it must have the same shape as the input ({input.shape})")
    if weight.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.ndim}")
    if input.dtype not in (dtypes.int64, dtypes.int32):
        raise RuntimeError("Expected tensor for argument #1 'indices' to have one of the following scalar types: "
                           f"Long, Int; but got torch.{kind_name(input)}Tensor instead (while checking arguments for "
                           "embedding_bag)")
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError("if input is 2D, then offsets has to be None, as input is treated is a mini-batch of "
                             "fixed "
                             f"length sequences. However, found offsets of type {type(offsets)}")
        starts = np.arange(input.shape[0] + 1) * input.shape[1]
    elif input.ndim == 1:
        starts = _starts(input, offsets, include_last_offset)
    else:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and (scale_grad_by_freq or sparse):
        what = "scaling the gradient by the frequency" if scale_grad_by_freq else "sparse weights"
        raise ValueError(f"max mode does not support {what}")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError("embedding_bag: per_sample_weights was not None. per_sample_weights is only "
                                  "supported for "
                                  f"mode='sum' (got mode='{mode}'). Please open a feature request on GitHub.")
    rows = weight.shape[0]
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise RuntimeError(f"padding_idx must be within the number of embeddings, {-rows} through {rows - 1}, but got "
                           f"{padding_idx}")
    flat = per_sample_weights is None or per_sample_weights.ndim == 1
    counted = per_sample_weights if flat else per_sample_weights.reshape(-1)
    try:
        return _bagged(weight, counted, input.reshape(-1), starts, mode, padding_idx, max_norm, norm_type,
                       scale_grad_by_freq)
    except IndexError:
        raise _beyond(input._array().reshape(-1), rows, mode) from None


@one_node("EmbeddingBagBackward0")
def _bagged(weight: Tensor, counted: Tensor | None, index: Tensor, starts: Any, mode: str, padding_idx: int | None,
            max_norm: float | None, norm_type: float, scale_grad_by_freq: bool) -> Any:
    """Of flat indices, whose bags begin at `starts`."""
    bags = len(starts) - 1
    where = np.repeat(np.arange(bags), np.diff(starts))
    if padding_idx is not None:
        kept = index._array() != padding_idx % weight.shape[0]
        where, chosen = where[kept], creation.from_array(np.flatnonzero(kept))
        index = index.index_select(0, chosen)
        counted = None if counted is None else counted.index_select(0, chosen)
    found = NN["embedding"](index, weight, None, max_norm, norm_type, scale_grad_by_freq)
    if counted is not None:
        found = found * counted.unsqueeze(1)
    to = creation.from_array(where)
    empty = weight.new_zeros((bags, weight.shape[1]))
    if mode == "max":
        return reduced_at(empty, 0, to, found, "amax", include_self=False)
    total = empty.index_add(0, to, found)
    if mode == "sum":
        return total
    counts = np.maximum(np.bincount(where, minlength=bags), 1)
    return total / creation.from_array(counts, weight.dtype).unsqueeze(1)
