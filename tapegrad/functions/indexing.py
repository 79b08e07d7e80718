"""Indexing: integers, slices, `None` and `...` as views."""
from __future__ import annotations

import operator
from typing import Any

import numpy as np

from tapegrad.dispatch import apply_view
from tapegrad.functions.common import METHODS, operation
from tapegrad.functions.shape import alias, slice_, unsqueeze
from tapegrad.tensor import Tensor


def basic_index(x: Any, index: Any) -> Any:
    """Index with integers, slices, None and `...`: a chain of views."""
    items = index if isinstance(index, tuple) else (index,)
    used = sum(1 for i in items if i is not None and i is not Ellipsis)
    if used > x.ndim:
        raise IndexError(f"too many indices for tensor of dimension {x.ndim}")
    dim = 0
    start = x
    for item in items:
        if item is Ellipsis:
            dim += x.ndim - (dim + sum(1 for i in items[items.index(Ellipsis) + 1:] if i is not None))
        elif item is None:
            x = unsqueeze(x, dim)
            dim += 1
        elif isinstance(item, slice):
            n = x.shape[dim]
            if item.step is not None and item.step <= 0:
                raise ValueError("step must be greater than zero")
            first, last, step = item.indices(n)
            if (first, last, step) != (0, n, 1):
                x = slice_(x, dim, first, max(first, last), step)
            dim += 1
        else:
            i, n = operator.index(item), x.shape[dim]
            if not -n <= i < n:
                raise IndexError(f"index {i} is out of bounds for dimension {dim} with size {n}")
            x = apply_view(operation("select"), x, (("dim", dim), ("index", i % n)))
    return alias(x) if x is start else x


def _is_basic(index: Any) -> bool:
    items = index if isinstance(index, tuple) else (index,)
    for item in items:
        if item is None or item is Ellipsis or isinstance(item, slice):
            continue
        if isinstance(item, (bool, np.bool_)):
            return False
        if isinstance(item, (int, np.integer)):
            continue
        if isinstance(item, Tensor) and item.ndim == 0 and item.dtype.category == 1:
            continue
        return False
    return True


def getitem(self: Any, index: Any) -> Any:
    if type(index) is int and self.ndim:
        n = self.shape[0]
        if not -n <= index < n:
            raise IndexError(f"index {index} is out of bounds for dimension 0 with size {n}")
        return apply_view(operation("select"), self, (("dim", 0), ("index", index % n)))
    if _is_basic(index):
        if not self.ndim and isinstance(index, int):
            raise IndexError("invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in "
                             "C++ to convert a 0-dim tensor to a number")
        return basic_index(self, index)
    raise NotImplementedError("indexing with tensors, lists and masks is not supported yet")


def setitem(self: Any, index: Any, value: Any) -> None:
    if not _is_basic(index):
        raise NotImplementedError("indexing with tensors, lists and masks is not supported yet")
    target = basic_index(self, index)
    if isinstance(value, (list, np.ndarray)):
        value = target.new_tensor(value)
    if isinstance(value, Tensor):
        while value.ndim > target.ndim and value.shape[0] == 1:
            value = value.squeeze(0)
    target.copy_(value)


METHODS["__getitem__"], METHODS["__setitem__"] = getitem, setitem
