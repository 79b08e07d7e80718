"""Arguments and results: nested tuples, lists and dicts of tensors, taken apart and put together again."""
from __future__ import annotations

import collections
import itertools
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from tapegrad import dtypes
from tapegrad.compiler.guards.memory_words import WATCHED, has_attributes
from tapegrad.compiler.refusals import Refused
from tapegrad.compiler.traced_program import addresses, owner_of
from tapegrad.machine import records as rec
from tapegrad.machine.learning import following
from tapegrad.machine.live import buffers, call, layouts, machine
from tapegrad.machine.planning import Layout
from tapegrad.named_tuples import NamedTuple
from tapegrad.tape import hooks
from tapegrad.tensor import Tensor

# Containers that a result may be, or hold, beside lists, dicts and tuples: with what else one is made of.
MADE_WITH: dict[type, Callable[[Any], Any]] = {
    collections.OrderedDict: lambda value: (), collections.defaultdict: lambda value: (value.default_factory,),
    collections.deque: lambda value: ((), value.maxlen), types.SimpleNamespace: lambda value: ()}
SIMPLE = frozenset((bool, int, float, str, bytes, complex, type(None), type(...), type(NotImplemented), range,
                    dtypes.dtype))
_CONTAINERS = frozenset((list, dict, tuple))
Records = Callable[[type], bool]
Structure = Any  # Tensor, Same, or (type, …): compares equal for values that are built alike
_flags, _layouts = buffers["flags"], buffers["layout"]


class Masked(NamedTuple):
    """In a structure: a number that is another each time, `which` of those that were collected."""

    which: int


class Same(NamedTuple):
    """In a structure: the container met as number `which` once more, by identity."""

    which: int


class Numbers:
    """The numbers met in a structure, in order: those of the `masked` places are collected, and their values left out.

    `masked` is None for all of them.
    """

    masked: frozenset[int] | None
    count: int

    def __init__(self, masked: frozenset[int] | None = None) -> None:
        self.masked, self.count = masked, 0
        self.found: list[Any] = []

    def mask(self, value: Any) -> Masked | None:
        """The place in the structure of the next number, if it is one that varies."""
        self.count += 1
        if self.masked is not None and self.count - 1 not in self.masked:
            return None
        self.found.append(value)
        return Masked(len(self.found) - 1)


def flatten(value: Any, leaves: list[Any], containers: list[Any] | None = None, identity: bool = False,
            varying: Numbers | None = None, records: Records | None = None) -> Structure:
    """The structure of nested tuples, lists and dicts, its tensors collected; Refused for what else there is.

    `containers` collects the tuples, lists and dicts, numbered in the order they are met. One of them met again, or one
    that is among `containers` already, is that number, so that which containers are one and the same object is part of
    the structure. With `identity` so is which object a number or a string is. Numbers that are `varying` are collected;
    in a result those that a capture followed. An object of a class that is said to be one of `records` is a container;
    so are those of `MADE_WITH` then.
    """
    containers = [] if containers is None else containers
    return _flatten(value, leaves, containers, {id(c): i for i, c in enumerate(containers)}, identity, varying, records)


def _flatten(value: Any, leaves: list[Any], containers: list[Any], numbers: dict[int, int], identity: bool,
             varying: Numbers | None, records: Records | None) -> Structure:
    if isinstance(value, Tensor):
        leaves.append(value)
        return Tensor
    kind = type(value)
    if varying is not None:
        if kind is float or kind is int:
            masked = varying.mask(value)
            if masked is not None:
                return kind, masked, None
        elif kind in following.KINDS:
            varying.found.append(value)
            return value.__class__, Masked(len(varying.found) - 1), None
    if kind in SIMPLE:
        told = value if kind in (int, str, bool, bytes, type(None)) else repr(value)  # range(0) is not range(1, 1)
        return (kind, told, value, id(value)) if identity else (kind, told, value)
    rest = leaves, containers, numbers, identity, varying, records
    if kind is slice:
        return kind, None, tuple([_flatten(v, *rest) for v in (value.start, value.stop, value.step)])
    more = MADE_WITH.get(kind) if records is not None else None
    record = records is not None and more is None and kind not in _CONTAINERS and records(kind)
    known = record or more is not None or kind in _CONTAINERS
    if not known and not (issubclass(kind, tuple) and kind.__dictoffset__ == 0):
        raise Refused(f"a {kind.__name__} is passed or returned")
    met = numbers.get(id(value))
    if met is not None:
        if met < 0:
            raise Refused("a tuple that holds itself is passed or returned")
        return Same(met)
    if kind is tuple and not value:  # there is but one
        return kind, None, ()
    number = len(containers)
    containers.append(value)
    numbers[id(value)] = -1 if issubclass(kind, tuple) else number
    table = value if issubclass(kind, dict) else vars(value) if record or kind is types.SimpleNamespace else None
    keys = None if table is None else tuple([_flatten(k, *rest) for k in table])
    parts = tuple([_flatten(v, *rest) for v in (value if table is None else table.values())])
    numbers[id(value)] = number
    return (kind, keys, parts) if more is None else (kind, keys, parts, *more(value))


def unflatten(structure: Structure, leaves: Iterator[Any], containers: Iterable[Any] = (), numbers: Sequence[Any] = ()
              ) -> Any:
    """A value of this structure; `containers` are those there were before it, for parts that are one of them, `numbers`
    those that vary."""
    return _unflatten(structure, leaves, [*containers], numbers)


def _unflatten(structure: Structure, leaves: Iterator[Any], containers: list[Any], numbers: Sequence[Any]) -> Any:
    if structure is Tensor:
        return next(leaves)
    if type(structure) is Same:
        return containers[structure.which]
    kind, keys, parts, *others = structure
    if kind in SIMPLE:
        return numbers[keys.which] if type(keys) is Masked else parts
    if kind is slice or (kind is tuple and not parts):
        return kind(*[_unflatten(p, leaves, containers, numbers) for p in parts])
    number = len(containers)
    made: Any = None if issubclass(kind, tuple) else (
        kind(*others) if kind in _CONTAINERS or kind in MADE_WITH else object.__new__(kind))
    containers.append(made)
    names = [_unflatten(k, leaves, containers, numbers) for k in keys or ()]
    items = [_unflatten(p, leaves, containers, numbers) for p in parts]
    if keys is not None:
        (made if issubclass(kind, dict) else vars(made)).update(zip(names, items))
    elif not issubclass(kind, tuple):
        made += items
    else:
        containers[number] = made = tuple.__new__(kind, items)
    return made


def kinds_in(structure: Structure) -> set[type]:
    """The types of the tuples in a structure that are more than tuples: they may have code of their own."""
    if structure is None or structure is Tensor or type(structure) is Same or structure[0] in SIMPLE:
        return set()
    own = {structure[0]} - {list, dict, tuple, slice}
    return own.union(*(kinds_in(s) for part in structure[1:] if part for s in part))


def has_masked(structure: Structure) -> bool:
    """Whether a number in a structure is another each time."""
    if structure is None or structure is Tensor or type(structure) is Same:
        return False
    if structure[0] in SIMPLE:
        return type(structure[1]) is Masked
    return any(has_masked(s) for part in structure[1:] if part for s in part)


def is_fixed(structure: Structure) -> bool:
    """Whether a result without tensors is one that may be returned again: it holds nothing that can be written to."""
    if type(structure) is Same or structure is Tensor:
        return False
    if structure[0] in SIMPLE:
        return type(structure[1]) is not Masked
    return (structure[0] is slice or issubclass(structure[0], tuple)) and all(map(is_fixed, structure[2]))


class Loose(NamedTuple):
    """The kind of a view that may begin anywhere in its base."""

    layout: Layout


Kind = Layout | Loose | tuple[Any, ...]


class OfInference(Exception):
    """A tensor of inference mode is passed outside of it, where it may be neither kept nor written to."""


def kind_of(tensor: Any, loose: bool = False) -> Kind:
    """What programs are chosen by, of a tensor that is passed: its layout, and whatever is not plain about it.

    If `loose`, a view with no more to it than its layout is known by that: it may begin anywhere in its base.
    """
    row, layout = tensor._buffer, layouts.all[tensor._layout]
    owner, flags = owner_of(tensor), _flags.item(row)
    if flags & rec.INFERENCE and not call.is_inferring(None):
        raise OfInference
    if owner == row and not flags & (WATCHED | rec.IS_VIEW) and tensor.grad is None and type(tensor) is Tensor:
        return layout
    if loose and owner != row and not flags & WATCHED and type(tensor) is Tensor and not tensor.requires_grad and (
            tensor.grad is None and not (flags | _flags.item(owner)) & (rec.EXTERNAL | rec.BORROWED)):
        return Loose(layout)
    grad = tensor.grad if tensor.is_leaf else None
    offset = addresses.item(row) - addresses.item(owner)
    whole = layouts.all[_layouts.item(owner)]
    return (layout, flags & (WATCHED | rec.IS_VIEW), tensor.requires_grad, tensor.is_leaf, whole, offset,
            None if grad is None else (kind_of(grad), grad is tensor), type(tensor),
            hooks.kinds(tensor) if flags & rec.HOOKED else None)


def plain_layout(tensor: Any) -> Layout | None:
    """How a tensor lies that has memory of its own, no history, gradient or attributes; None for others."""
    try:
        kind = kind_of(tensor)
    except OfInference:
        return None
    return kind if isinstance(kind, Layout) and not has_attributes(tensor) else None


def is_loose(kind: Kind) -> bool:
    """Whether this is a kind of views that may begin anywhere."""
    return type(kind) is Loose


def lies(kind: Kind) -> Layout:
    """The layout of a tensor of this kind."""
    return kind if isinstance(kind, Layout) else kind[0]


def number_of(kind: Kind) -> int | None:
    """How native code knows a kind, if it does: what is no more than a layout, or requires grad besides."""
    if isinstance(kind, Layout):
        return kind.id
    if type(kind) is Loose:
        return kind.layout.id | rec.LOOSE
    layout, flags, requires_grad, is_leaf, whole, offset, grad, cls, hooked = kind
    is_view = bool(flags & rec.IS_VIEW)
    if (flags & WATCHED, requires_grad, offset, grad, hooked) != (rec.REQUIRES_GRAD, True, 0, None, None) or (
            whole is not layout or cls is not Tensor or (is_view and not is_leaf)):
        return None
    return layout.id | rec.NEEDS | (rec.NEEDS_AS_VIEW if is_view else rec.NEEDS_AS_LEAF if is_leaf else 0)


def sharing(owners: Sequence[int]) -> tuple[int, ...] | None:
    """Which arguments lie in the same memory: the place of the first that does, for each; None where none do."""
    if len(owners) < 2 or len(set(owners)) == len(owners):
        return None
    return tuple([owners.index(o) for o in owners])


def overlapping(owners: Iterable[int]) -> bool:
    """Whether two of these storages lie, in part at least, in the same memory, which is NumPy's or another tensor's."""
    owners = set(owners)
    if not any(_flags.item(o) & (rec.EXTERNAL | rec.BORROWED) for o in owners):
        return False
    ranges = sorted((addresses.item(o), machine.layouts["nbytes"].item(_layouts.item(o))) for o in owners)
    return any(start + nbytes > following for (start, nbytes), (following, _) in itertools.pairwise(ranges))


def with_gradients(leaves: Sequence[Any]) -> list[Any]:
    """The arguments, and after them the gradients that leaves among them have: memory a call may read or write."""
    return [*leaves, *(t.grad for t in leaves if t.is_leaf and t.grad is not None)]
