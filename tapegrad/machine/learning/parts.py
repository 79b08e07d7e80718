"""Parts of tensors that begin where a number says which varies: the minibatch of a step that is told which, or counts.

`x[i * 64:(i + 1) * 64]` is the view that it is. While a capture follows `i`, where that begins is noted as a value of
the graph, with conditions for all else: that it is as long, and lies within the tensor. Nothing else is known of it
here; whether a program may have its part begin elsewhere is found where what the call did is analysed.
"""
from __future__ import annotations

from typing import Any

from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.learning.following import FollowedInt, Graph, plain
from tapegrad.machine.live import machine
from tapegrad.named_tuples import NamedTuple

MOST = 16  # in one call
_ROWS = machine.buffers
_NOT_PLAIN = rec.REQUIRES_GRAD | rec.HOOKED | rec.RETAINS | rec.INFERENCE


class Part(NamedTuple):
    """What lies between two addresses, in the storage of an owner row: elements of a dtype.

    It is `start` times `unit` bytes from where one would be that begins at 0; that is value `number` of the graph.
    """

    row: int
    number: int
    start: int
    unit: int
    first: int
    end: int
    of: dtype


def indexed(graph: Graph, x: Any, index: Any) -> Any:
    """The index of `x[index]`, with plain numbers."""
    items = index if type(index) is tuple else (index,)
    dim = next((d for d, item in enumerate(items) if type(item) is not int and not _is_plain_slice(item)), 0)
    found = _placed(graph, x, dim, items[dim]) if items else None
    if found is None:
        return plain(index)
    return (*items[:dim], found, *plain(items[dim + 1:])) if type(index) is tuple else found


def narrowed(graph: Graph, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments of `x.narrow(dim, start, length)`."""
    if len(args) == 4 and type(args[1]) is int and type(args[3]) is int:
        x, dim, start, length = args
        if _is_followed(start) and start >= 0:
            found = _placed(graph, x, dim, slice(start, start + length))
            if found is not None and found.stop - found.start == length:
                return x, dim, found.start, length
    return plain(args)


def selected(graph: Graph, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same of `x.select(dim, index)`."""
    if len(args) == 3 and type(args[1]) is int:
        found = _placed(graph, args[0], args[1], args[2])
        if found is not None:
            return args[0], args[1], found
    return plain(args)


PLACED = {"narrow": narrowed, "Tensor.narrow": narrowed, "select": selected,
          "Tensor.select": selected}


def _is_followed(x: Any) -> bool:
    return type(x) is FollowedInt


def _is_plain_slice(item: Any) -> bool:
    return type(item) is slice and not any(map(_is_followed, (item.start, item.stop, item.step)))


def _placed(graph: Graph, x: Any, dim: int, item: Any) -> Any:
    """A number or a slice as it is, if it may be another at the next call."""
    trace = capturing.mine()
    if trace is None or trace.parts or not graph.follows() or type(x) is not machine.tensor_type or not (
            0 <= dim < x.ndim and _may_move(graph, x)):
        return None
    n = x.shape[dim]
    if _is_followed(item):
        start, length = item + n if item < 0 else item, 1
        if not (start >= 0 and start < n):
            return None
    elif type(item) is slice and type(item.step) in (int, type(None)) and item.step in (None, 1):
        start, stop = item.start, item.stop
        if not (_is_followed(start) and _is_followed(stop) and start._value >= 0 and stop._value <= n
                and start >= 0 and stop <= n):  # which is all there is to say of most
            start, stop = _bound(start, n, 0), _bound(stop, n, n)
        if not _is_followed(start):
            return None
        first, length = start._value, (stop._value if _is_followed(stop) else stop) - start._value
        if length <= 0 or stop - start != length:
            return None
        if not _is_followed(stop):  # which says where it begins
            return slice(first, stop)
    else:
        return None
    if graph.after((start,)) or start._number in graph.stays or not _note(graph, x, dim, start, length):
        return None
    first = start._value
    return first if _is_followed(item) else slice(first, first + length)


def _bound(x: Any, n: int, otherwise: int) -> Any:
    """Where a slice begins or ends, as `slice.indices` says it; how it comes to that is a condition."""
    if x is None:
        return otherwise
    if type(x) is not int and not _is_followed(x):
        return 0  # which is no stand-in, or no length
    if x < 0:
        x = x + n
        if x < 0:
            return 0
    return n if x > n else x


def _may_move(graph: Graph, x: Any) -> bool:
    """Whether a tensor is data that was there before the call, and no part that moves itself."""
    owner = int(_ROWS["owner"][x._buffer])
    if owner not in graph.movable or int(_ROWS["flags"][x._buffer]) & _NOT_PLAIN or x.requires_grad or (
            int(_ROWS["flags"][owner]) & rec.BORROWED or any(s < 0 for s in x.stride())):
        return False
    at = int(_ROWS["address"][x._buffer])
    return id(x) in graph.movable[owner] or not any(p.first <= at < p.end for p in graph.parts)


def _note(graph: Graph, x: Any, dim: int, start: Any, length: int) -> bool:
    """Note a part. Of two that overlap, one is where the other is, and so much further on."""
    size, strides = x.element_size(), x.stride()
    first = int(_ROWS["address"][x._buffer]) + start._value * strides[dim] * size
    sizes = [length if d == dim else n for d, n in enumerate(x.shape)]
    if 0 in sizes:
        return False
    part = Part(int(_ROWS["owner"][x._buffer]), start._number, start._value, strides[dim] * size, first,
                first + (sum((n - 1) * s for n, s in zip(sizes, strides)) + 1) * size, x.dtype)
    for other in graph.parts:
        if other.first < part.end and part.first < other.end:
            apart = start - graph.stand_in(other.number, other.start)
            if other.unit != part.unit or apart != part.start - other.start:
                return False
    if part not in graph.parts:
        if len(graph.parts) >= MOST:
            return False
        graph.parts.append(part)
    return True
