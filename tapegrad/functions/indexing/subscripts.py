"""Indexing: basic indices are views; tensors, lists and masks read and write at the places they name."""
from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapegrad import dispatch, dtypes, errors, shapes
from tapegrad.creation import filled, from_array, tensor
from tapegrad.dispatch import apply, apply_inplace, apply_view
from tapegrad.functions.common import METHODS, PUBLIC, kind_name, method, operation, warn
from tapegrad.functions.several_outputs import one_node
from tapegrad.functions.shaping.views import alias, expand, slice_, unsafe_view, unsqueeze
from tapegrad.machine.learning import following, lessons, parts
from tapegrad.machine.live import machine
from tapegrad.machine.startup import require_memory
from tapegrad.signatures import overriding
from tapegrad.tensor import Tensor

Form = tuple[str, Any]


def _options(form: Form, wrap: bool) -> tuple[tuple[str, Any], ...]:
    return (("form", form), ("wrap", wrap))


def read(name: str, x: Any, indices: Sequence[Any], form: Form, wrap: bool = False) -> Any:
    """Run a read of `ops.indexing`; index operands become contiguous int64."""
    return apply(operation(name), (x, *map(_plain, indices)), _options(form, wrap))


def write(name: str, x: Any, value: Any, indices: Sequence[Any], form: Form, wrap: bool = False) -> Any:
    """Run a write of `ops.indexing`, in place where the name ends with `_`."""
    run = apply_inplace if name.endswith("_") else apply
    return run(operation(name), (x, value, *map(_plain, indices)), _options(form, wrap))


def _plain(index: Any) -> Any:
    return (index if index.dtype is dtypes.int64 else index.to(dtypes.int64)).contiguous()


# ---------------------------------------------------------------- basic indexing


def basic_index(x: Any, index: Any) -> Any:
    """Index with integers, slices, None and `...`: a chain of views."""
    items = index if isinstance(index, tuple) else (index,)
    found, pending = _views(x, items, isinstance(index, slice))
    assert not pending
    return alias(found) if found is x else found


def _views(x: Any, items: Sequence[Any], alone: bool = False) -> tuple[Any, list[tuple[int, Any]]]:
    """Apply what is a view; returns the result and the (axis, index tensor) pairs left to do.

    A slice of everything is a view only where it stands `alone` between the brackets, of what is read.
    """
    used = sum(_consumes(i) for i in items)
    if used > x.ndim:
        if not x.ndim and isinstance(items[0], slice):
            raise IndexError("slice() cannot be applied to a 0-dim tensor.")
        raise IndexError(f"too many indices for tensor of dimension {x.ndim}")
    dim = 0  # of the view so far
    pending: list[tuple[int, Any]] = []
    ndim = x.ndim
    for place, item in enumerate(items):  # what PyTorch calls the dimension of an index that is too large
        if item is Ellipsis:
            dim += ndim - used
        elif item is None:
            x = unsqueeze(x, dim)
            dim += 1
        elif isinstance(item, bool):
            x = unsqueeze(x, dim)
            pending.append((dim, from_array(np.zeros(int(item), np.int64))))
            dim += 1
        elif isinstance(item, slice):
            n = x.shape[dim]
            first, last, step = item.indices(n)
            if step <= 0:
                raise ValueError("step must be greater than zero")
            if alone or (first, last, step) != (0, n, 1):
                x = slice_(x, dim, first, max(first, last), step)
            dim += 1
        elif isinstance(item, Tensor) and (item.ndim or item.dtype.category != 1 or item.dtype is dtypes.uint8
                                           or (dispatch.lanes is not None and dispatch.lanes.has(item))):
            if item.dtype.name in ("bool", "uint8"):
                _check_mask(item, x, dim)
                if not item.ndim:
                    x = unsqueeze(x, dim)
                    pending.append((dim, from_array(np.zeros(int(bool(item)), np.int64))))
                    dim += 1
                    continue
                if dispatch.lanes is not None and dispatch.lanes.has(item):
                    raise errors.PerLane(errors.LANES_MASK)
                for d, places in enumerate(coordinates(item._array())):
                    pending.append((dim + d, from_array(places)))
                dim += item.ndim
            elif item.dtype.name in ("int64", "int32"):
                pending.append((dim, item))
                dim += 1
            else:
                raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        else:
            i, n = operator.index(item), x.shape[dim]
            if not -n <= i < n:
                raise IndexError(f"index {i} is out of bounds for dimension {place} with size {n}")
            x = apply_view(operation("select"), x, (("dim", dim), ("index", i % n)))
    return x, pending


def _check_mask(mask: Any, x: Any, dim: int) -> None:
    """Raise IndexError for a mask that is not of the lengths of the axes from `dim` on."""
    for d, (n, m) in enumerate(zip(mask.shape, x.shape[dim:])):
        if n != m:
            raise IndexError(f"The shape of the mask {list(mask.shape)} at index {d} does not match the shape of the "
                             f"indexed tensor {list(x.shape)} at index {dim + d}")


def coordinates(array: np.ndarray[Any, Any]) -> Sequence[np.ndarray[Any, Any]]:
    """Where an array is not zero, an index array for each axis (of no axes: for one)."""
    if array.ndim < 2:
        require_memory(array.nbytes)
        return [np.flatnonzero(array)]
    mask, n = _mask(array)
    found = np.empty((array.ndim, n), np.int64)
    machine.call.write_places(mask, found, n, 8, 8 * n, *mask.shape)
    return [*found]


def rows_of_coordinates(array: np.ndarray[Any, Any]) -> Tensor:
    """The same as a tensor, a row for each element."""
    mask, n = _mask(array)
    return filled(dtypes.int64, (n, array.ndim),
                  lambda found: machine.call.write_places(mask, found, n, 8 * array.ndim, 8, *mask.shape))


def _mask(array: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], int]:
    """What is not zero, contiguously, and how much that is."""
    require_memory(array.nbytes)  # NumPy 1 crashes over a view of more
    mask = np.asarray(array if array.dtype == np.bool_ else array != 0, order="C")
    return mask, int(np.count_nonzero(mask))


def _consumes(item: Any) -> int:
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    if isinstance(item, Tensor) and item.dtype.name in ("bool", "uint8"):
        return item.ndim
    return 1


def _normalised(index: Any) -> tuple[Any, ...]:
    """An index as a tuple of ints, slices, None, `...`, bools and tensors."""
    parts = (slice, Tensor, np.ndarray, list, tuple, range, type(None), type(Ellipsis))
    if isinstance(index, list) and len(index) < 32 and any(isinstance(i, parts) for i in index):
        warn(errors.SEQUENCE_AS_INDEX)
        index = tuple(index)  # a list of anything but numbers stands for a tuple
    items = index if isinstance(index, tuple) else (index,)
    out = []
    for item in items:
        if isinstance(item, (list, range)) or (isinstance(item, tuple) and not isinstance(item, slice)):
            item = _from_list(item)
        elif isinstance(item, np.ndarray):
            whole = item.dtype.kind in "iuf" and item.dtype != np.uint8  # uint8 is a mask, as bool is
            item = from_array(np.asarray(item, np.int64 if whole else None, order="C"))
        elif isinstance(item, (str, bytes)):
            raise TypeError(f"new(): invalid data type '{type(item).__name__}'")
        elif isinstance(item, np.bool_) or not (
                item is None or item is Ellipsis or isinstance(item, (slice, int, np.integer, Tensor))
                or hasattr(item, "__index__")):
            name = type(item).__name__
            raise IndexError("only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
                             f"indices (got {'numpy.' * isinstance(item, np.generic)}{name})")
        if isinstance(item, Tensor) and item.dtype is dtypes.uint8:
            warn(errors.BYTES_AS_MASK)
        out.append(item)
    return tuple(out)


def _from_list(items: Any) -> Any:
    for item in items:
        if isinstance(item, Tensor):
            operator.index(item)  # fractions are cut off, but not those of tensors
    found = tensor(items)
    return found if found.dtype is dtypes.bool_ else found.to(dtypes.int64)


def _common(pending: list[tuple[int, Any]]) -> tuple[tuple[int, ...], list[Any]]:
    try:
        several = {i.shape for _, i in pending}
        if len(several) > 1:
            shapes.broadcast(tuple(i.shape) for _, i in pending)
    except RuntimeError:
        found = ", ".join(str(list(i.shape)) for _, i in pending)
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {found}") from None
    return tuple(d for d, _ in pending), [i for _, i in pending]


def getitem(self: Any, index: Any) -> Any:
    if following.active is not None:
        index = parts.indexed(following.active, self, index)
    if type(index) is int and self.ndim:
        n = self.shape[0]
        if not -n <= index < n:
            raise IndexError(f"index {index} is out of bounds for dimension 0 with size {n}")
        return apply_view(operation("select"), self, (("dim", 0), ("index", index % n)))
    if type(index) is Tensor and index.dtype is dtypes.bool_ and 0 < index.ndim <= self.ndim and dispatch.lanes is None:
        _check_mask(index, self, 0)  # what comes out below too, after a third more time: 30 us of 12 elements, and 21
        places = [from_array(at) for at in coordinates(index._array())]
        return read("index", self, places, ("axes", tuple(range(len(places)))), wrap=True)
    items = _normalised(index)
    if not self.ndim and any(isinstance(i, (int, np.integer)) and not isinstance(i, bool) for i in items):
        raise IndexError("invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in "
                         "C++ to convert a 0-dim tensor to a number")
    found, pending = _views(self, items, isinstance(index, slice))
    if not pending:
        return alias(found) if found is self else found
    dims, indices = _common(pending)
    return read("index", found, indices, ("axes", dims), wrap=True)


def _selects(mask: Any, x: Any, value: Any) -> bool:
    """Whether x[mask] = value can be said of each element by itself: the value does not depend on the places."""
    if not (isinstance(mask, Tensor) and mask.dtype.name == "bool" and mask.ndim and x.dtype.is_floating_point
            and tuple(mask.shape) == tuple(x.shape[:mask.ndim])):
        return False
    if isinstance(value, Tensor):
        return value.dtype is x.dtype and (value.numel() == 1 or (
            tuple(value.shape) == tuple(x.shape[x.ndim - value.ndim:]) and value.ndim <= x.ndim - mask.ndim))
    return type(value) in (int, float, bool)


def _masked(x: Any, mask: Any, value: Any) -> None:
    if isinstance(value, Tensor) and value.ndim and value.numel() == 1:
        value = value.reshape(())
    condition = mask if mask.ndim == x.ndim else mask.reshape(*mask.shape, *(1,) * (x.ndim - mask.ndim))
    apply_inplace(operation("mask_put_"), (x, condition, value))


_ASSIGNED = (Tensor, int, float, complex, np.integer)


def setitem(self: Any, index: Any, value: Any) -> None:
    if not isinstance(value, _ASSIGNED) and type(value) not in following.KINDS:
        raise TypeError(f"can't assign a {errors.type_name(value)} to a {self.type()}")
    if isinstance(value, complex):
        raise errors.beyond(errors.C_FIXED.get(self.dtype.name, errors.C_NAMES[self.dtype.name]))
    if following.active is not None:
        index = parts.indexed(following.active, self, index)
    items = _normalised(index)
    if len(items) == 1 and items[0] is False:  # nothing is written
        return
    if len(items) == 1 and _selects(items[0], self, value):
        _masked(self, items[0], value)
        return
    target, pending = _views(self, items)
    if pending and isinstance(value, Tensor) and value.numel() == 1 and value.dtype is not target.dtype:
        value = value.to(target.dtype)
    if not pending:
        if isinstance(value, Tensor):
            while value.ndim > target.ndim and value.shape[0] == 1:
                value = value.squeeze(0)
        if type(value) in following.KINDS:
            # Of uint8 whole numbers that are negative are taken, as no fractions are.
            target.fill_(value if target.dtype is dtypes.uint8 else following.fraction(value))
            return
        try:
            target.copy_(value)
        except RuntimeError:
            if isinstance(value, Tensor):
                expand(value, tuple(target.shape))  # what does not fit is said in its words
            raise
        return
    dims, indices = _common(pending)
    if not isinstance(value, Tensor):
        value = _filled(target, value)
    _put(target, indices, dims, value, False, True)


def _filled(target: Any, value: Any) -> Any:
    """A number as a tensor of no axes, for places in `target`; Python sees whether it fits where it might not."""
    if not (target.dtype.is_floating_point or (target.dtype is dtypes.int64 and isinstance(value, int))):
        return target.new_full((), value)
    return apply(operation("fill"), (_nothing(target.dtype), value))


@lessons.constant
def _nothing(dtype: Any) -> Any:
    return from_array(np.zeros(()), dtype)


METHODS["__getitem__"] = overriding.special("__getitem__", getitem)
METHODS["__setitem__"] = overriding.special("__setitem__", setitem)


def delitem(self: Any, index: Any) -> None:
    raise TypeError("Tensor does not support deleting items")


METHODS["__delitem__"] = delitem


def _put(x: Any, indices: Sequence[Any], dims: tuple[int, ...], value: Any, accumulate: bool, inplace: bool) -> Any:
    if value.dtype is not x.dtype:
        raise RuntimeError("Index put requires the source and destination dtypes match, got "
                           f"{kind_name(x)} for the destination and {kind_name(value)} for the source.")
    from tapegrad.ops.indexing import walked

    form = ("axes", dims)
    sizes, _, _ = walked(form, tuple(x.shape), (0,) * x.ndim, [tuple(i.shape) for i in indices])
    if tuple(value.shape) != sizes:
        while value.ndim > len(sizes) and value.shape[0] == 1:
            value = value.squeeze(0)
        try:
            value = expand(value, *sizes)
        except RuntimeError:
            raise RuntimeError(f"shape mismatch: value tensor of shape {list(value.shape)} cannot be broadcast to "
                               f"indexing result of shape {list(sizes)}") from None
    return write("index_put" + "_add" * accumulate + "_" * inplace, x, value, indices, form, wrap=True)


def _index_put(inplace: bool) -> Callable[..., Any]:
    def index_put(input: Tensor, indices: Any, values: Any, accumulate: bool = False) -> Any:
        given = tuple([slice(None) if i is None else i.reshape(1) if isinstance(i, Tensor) and not i.ndim
                       and i.dtype.category == 1 and i.dtype is not dtypes.uint8 else i for i in indices])
        found, pending = _views(input, _normalised(given))
        if not pending:
            raise RuntimeError("index_put: no index tensor was given")
        return _put(found, [i for _, i in pending], tuple(d for d, _ in pending), values, accumulate, inplace)

    return index_put


PUBLIC["index_put"] = METHODS["index_put"] = _index_put(False)
PUBLIC["index_put_"] = METHODS["index_put_"] = _index_put(True)


# ---------------------------------------------------------------- a view written


def _written(x: Any, view: Callable[[Any], Any], name: str, src: Any) -> Any:
    out = x.clone()
    target = view(out.detach())
    if tuple(src.shape) != tuple(target.shape):
        raise RuntimeError(f"{name}(): expected src to have a size equal to the slice of self. src size = "
                           f"{list(src.shape)}, slice size = {list(target.shape)}")
    places = view(from_array(np.arange(x.numel()).reshape(tuple(x.shape)))).reshape(-1)
    if src.dtype is not x.dtype:
        src = src.to(x.dtype)
    flat = write("index_put", x.reshape(-1), src.reshape(-1), (places,), ("axes", (0,)))
    return unsafe_view(flat, x.shape)


@method
@one_node("SelectScatterBackward0")
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Any:
    """A copy with one slice replaced (`torch.select_scatter`)."""
    return _written(input, lambda x: x.select(dim, index), "select_scatter", src)


@method
@one_node("SliceScatterBackward0")
def slice_scatter(input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None,
                  step: int = 1) -> Any:
    """A copy with a stretch replaced (`torch.slice_scatter`)."""
    d = shapes.wrap_dim(dim, input.ndim)
    index = (*[slice(None)] * d, slice(start, end, step))
    return _written(input, lambda x: basic_index(x, index), "slice_scatter", src)


@method
@one_node("DiagonalScatterBackward0")
def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """A copy with a diagonal replaced (`torch.diagonal_scatter`)."""
    return _written(input, lambda x: x.diagonal(offset, dim1, dim2), "diagonal_scatter", src)


def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Any:
    """One value on the main diagonal, in place (`torch.Tensor.fill_diagonal_`).

    >>> import tapegrad as torch
    >>> torch.zeros(2, 3).fill_diagonal_(5)
    tensor([[5., 0., 0.],
            [0., 5., 0.]])

    With `wrap`, the diagonal of a tall matrix begins again below, one row after its end.
    """
    if self.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if self.ndim > 2 and len(set(self.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    again = self.shape[1] + 1
    for first in range(0, self.shape[0], again) if wrap and self.ndim == 2 else (0,):
        seen = self[first:first + again] if wrap and self.ndim == 2 else self
        while seen.ndim > 1:
            seen = seen.diagonal(0, 0, -1)
        seen.fill_(fill_value)
    return self


METHODS["fill_diagonal_"] = fill_diagonal_
