"""Layers as functions: linear maps, tables looked up by number, classes as ones and zeros, rows of one norm."""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapegrad import dtypes, shapes
from tapegrad.creation import filled, from_array
from tapegrad.dispatch import differentiated
from tapegrad.functions.common import PUBLIC, expect_tensor, kind_name
from tapegrad.functions.indexing.subscripts import read
from tapegrad.functions.linear_algebra.products import matmul
from tapegrad.functions.nn.activations import nn
from tapegrad.functions.reducing.reductions import vector_norm
from tapegrad.machine.live import machine
from tapegrad.tensor import Tensor


@nn
def linear(input: Tensor, weight: Tensor, bias: Any = None) -> Any:
    """`input @ weight.T + bias` (`torch.nn.functional.linear`)."""
    expect_tensor("linear", weight, "weight", 2)
    if not input.ndim or not weight.ndim:
        raise RuntimeError(f"both arguments to linear need to be at least 1D, but they are {input.ndim}D and "
                           f"{weight.ndim}D")
    turned = weight.t()
    if bias is None:
        return matmul(input, turned)
    if input.ndim == 2:
        return PUBLIC["addmm"](bias, input, turned)
    if weight.ndim == 2 and bias.ndim == 1 and input.is_contiguous():
        rows = input.view(math.prod(input.shape[:-1]), input.shape[-1])
        return PUBLIC["addmm"](bias, rows, turned).view(*input.shape[:-1], weight.shape[0])
    if input.dtype is not weight.dtype:
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {kind_name(input)} and "
                           f"{kind_name(weight)}")
    found = matmul(input, turned)
    if bias.ndim == 2 and bias.shape[0] == found.ndim == 1:
        bias = bias[0]
    shape = shapes.broadcast((tuple(found.shape), tuple(bias.shape)))
    if shape != tuple(found.shape):
        raise RuntimeError(f"output with shape {list(found.shape)} doesn't match the broadcast shape {list(shape)}")
    return found + bias


@nn
def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None,
              norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False) -> Any:
    """The rows of a table (`torch.nn.functional.embedding`)."""
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    if input.dtype.name not in ("int64", "int32"):
        raise RuntimeError("Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, "
                           f"Int; but got {input.type()} instead (while checking arguments for embedding)")
    if padding_idx is not None:
        if not -weight.shape[0] <= padding_idx < weight.shape[0]:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= weight.shape[0]
    if max_norm is not None:
        rows = np.unique(input._array())
        norms = np.linalg.norm(weight._array()[rows], norm_type, -1)
        from tapegrad.autograd import modes

        with modes.no_grad():
            for r, size in zip(rows, norms):
                if size > max_norm:
                    weight[int(r)] *= max_norm / (size + 1e-7)
    table = weight
    if padding_idx is not None and differentiated(weight):
        keep = from_array((np.arange(weight.shape[0]) != padding_idx)[:, None])
        table = PUBLIC["where"](keep, weight, weight.detach())
    if scale_grad_by_freq:
        counts = np.bincount(input._array().reshape(-1), minlength=weight.shape[0])
        share = from_array((1 / np.maximum(counts, 1))[:, None], weight.dtype)
        table = table * share + (table * (1 - share)).detach()
    return read("embedding", table, (input,), ("axes", (0,)))


def _embedding(weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False,
               sparse: bool = False) -> Any:
    """Rows of a table, looked up by their numbers (`torch.embedding`)."""
    return embedding(indices, weight, padding_idx if padding_idx >= 0 else None, None, 2.0, scale_grad_by_freq, sparse)


PUBLIC["embedding"] = _embedding


@nn
def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """Ones where a class is (`torch.nn.functional.one_hot`)."""
    if tensor.dtype.name != "int64":
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    array = np.asarray(tensor._array(), order="C")
    if not array.size:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return from_array(np.zeros((*array.shape, num_classes), np.int64))
    if num_classes == -1:
        num_classes = max(int(array.max()) + 1, 1)
    status = 0

    def write(found: np.ndarray[Any, Any]) -> None:
        nonlocal status
        status = machine.call.write_classes(array, found, array.size, num_classes)

    hot = filled(dtypes.int64, (*array.shape, max(num_classes, 0)), write)
    if status:
        raise RuntimeError(f"Class values must be {'non-negative' if status == 1 else 'smaller than num_classes'}.")
    return hot


@nn
def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Any = None) -> Any:
    """Rows divided by their norm (`torch.nn.functional.normalize`)."""
    return input / vector_norm(input, p, dim, True).clamp(min=eps).expand_as(input)
