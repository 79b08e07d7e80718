"""Parts of tensors that begin where a number says which varies: the minibatch of a step that is told which, or counts.

`x[i * 64:(i + 1) * 64]` is the view that it is. While a capture follows `i`, where that begins is noted as a value of
the graph, with conditions for all else: that it is as long, and lies within the tensor. Nothing else is known of it
here; whether a program may have its part begin elsewhere is found where what the call did is analysed.
"""
from __future__ import annotations

import functools
import math
import operator
from collections.abc import Iterator, Sequence
from typing import Any

from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.learning.following import KINDS, FollowedInt, Graph, plain
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
    found = {} if KINDS.isdisjoint(map(type, _numbers_in(items))) else _placed(graph, x, _along(items, x))
    if not found:
        return plain(index)
    items = tuple([found[k] if k in found else plain(item) for k, item in enumerate(items)])
    return items if type(index) is tuple else items[0]


def _numbers_in(items: Sequence[Any]) -> Iterator[Any]:
    for item in items:
        if type(item) is slice:
            yield from (item.start, item.stop)
        else:
            yield item


def _along(items: Sequence[Any], x: Any) -> list[tuple[int, int, Any]]:
    """The numbers and slices of an index: (which item, along which axis, the item); those before anything else."""
    found = []
    dim = 0
    for k, item in enumerate(items):
        if item is Ellipsis and all(type(other) in _TAKE_ONE for other in items[k + 1:]):
            dim = x.ndim - (len(items) - k - 1)
        elif type(item) in _TAKE_ONE:
            found.append((k, dim, item))
            dim += 1
        elif item is not None:
            break
    return found


def narrowed(graph: Graph, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments of `x.narrow(dim, start, length)`."""
    if len(args) == 4 and type(args[1]) is int and type(args[3]) is int:
        x, dim, start, length = args
        if _is_followed(start) and start >= 0:
            found = _placed(graph, x, [(0, dim, slice(start, start + length))])
            if found and found[0].stop - found[0].start == length:
                return x, dim, found[0].start, length
    return plain(args)


def selected(graph: Graph, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same of `x.select(dim, index)`."""
    if len(args) == 3 and type(args[1]) is int:
        found = _placed(graph, args[0], [(0, args[1], args[2])])
        if found:
            return args[0], args[1], found[0]
    return plain(args)


PLACED = {"narrow": narrowed, "Tensor.narrow": narrowed, "select": selected,
          "Tensor.select": selected}


def _is_followed(x: Any) -> bool:
    return type(x) is FollowedInt


_TAKE_ONE = frozenset((int, slice, FollowedInt))  # axis


def _placed(graph: Graph, x: Any, items: Sequence[tuple[int, int, Any]]) -> dict[int, Any]:
    """Of numbers and slices along axes those as they are, by the first of their numbers, that may be others at the next
    call; none where not all may be.
    """
    trace = capturing.mine()
    if trace is None or trace.parts or not graph.follows() or type(x) is not machine.tensor_type or not (
            all(0 <= dim < x.ndim for _, dim, _ in items) and _may_move(graph, x)):
        return {}
    found: dict[int, Any] = {}
    moved: list[tuple[int, Any, int]] = []
    for k, dim, item in items:
        if KINDS.isdisjoint(map(type, _numbers_in((item,)))):
            continue
        span = _span(item, x.shape[dim])
        if span is None or graph.after(span[:1]):
            return {}
        start, length, moves = span
        first = start._value
        found[k] = slice(first, first + length) if type(item) is slice else first
        if moves:
            moved.append((dim, start, length))
    return found if not moved or _note(graph, x, moved) else {}


def _span(item: Any, n: int) -> tuple[Any, int, bool] | None:
    """Where a number or a slice begins along an axis of `n`, how far it goes, and whether it may begin elsewhere.

    None where that is not followed.
    """
    if _is_followed(item):
        start = item + n if item < 0 else item
        return (start, 1, True) if start >= 0 and start < n else None
    if item.step not in (None, 1):
        return None
    start, stop = item.start, item.stop
    if not (_is_followed(start) and _is_followed(stop) and start._value >= 0 and stop._value <= n
            and start >= 0 and stop <= n):  # which is all there is to say of most
        start, stop = _bound(start, n, 0), _bound(stop, n, n)
    if not _is_followed(start):
        return None
    length = (stop._value if _is_followed(stop) else stop) - start._value
    # An end that is not followed says where it begins.
    return (start, length, _is_followed(stop)) if length > 0 and stop - start == length else None


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


def _note(graph: Graph, x: Any, moved: Sequence[tuple[int, Any, int]]) -> bool:
    """Note a part, by where it begins along some axes, and how far it goes there.

    Of two that overlap, one is where the other is, and so much further on.
    """
    size, strides = x.element_size(), x.stride()
    lengths = {dim: length for dim, _, length in moved}
    sizes = [lengths.get(d, n) for d, n in enumerate(x.shape)]
    if 0 in sizes:
        return False
    unit = math.gcd(*(strides[dim] for dim, _, _ in moved))
    if not unit:  # the same elements, wherever that is
        return True
    start = functools.reduce(operator.add, [
        start if strides[dim] == unit else start * (strides[dim] // unit) for dim, start, _ in moved])
    if (start._number, start._value) in graph.stays:
        graph.expect(start._number, start._value, False)
        return True
    first = int(_ROWS["address"][x._buffer]) + start._value * unit * size
    part = Part(int(_ROWS["owner"][x._buffer]), start._number, start._value, unit * size, first,
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
