"""A tensor that stands for a batch of them, and the levels that batches belong to.

The value of a `Batched` tensor is an ordinary one whose first axes are lanes, one for each of its levels, outermost
first. What the function that is being vectorised sees is its first lane: a layout without those axes, over memory that
nobody reads. Histories are those of values, so that a backward through lanes is the backward of what was computed.
"""
from __future__ import annotations

import operator
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from tapegrad import dispatch, errors, protocols
from tapegrad.autograd.blocks import Block
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import buffers, call, layouts, machine
from tapegrad.ops.declaration import REGISTRY
from tapegrad.signatures import argument_parser
from tapegrad.tensor import Tensor

_layouts, _address, _owner = layouts.all, buffers["address"], buffers["owner"]


class Level:
    """One `vmap` under way: how many lanes it has, and what random functions do in it."""

    __slots__ = ("looks", "number", "over", "randomness", "size")
    number: int
    size: int
    randomness: str
    over: bool
    looks: Any

    def __init__(self, number: int, size: int, randomness: str) -> None:
        self.number, self.size, self.randomness = number, size, randomness
        self.over = False
        self.looks = None  # what says what the program's code sees where it looks at a number (`branching`)


class Again:
    """The levels of a thread, and others that are there instead of them for a time."""

    __slots__ = ("before", "levels", "over")
    before: list[Level]
    levels: list[Level]
    over: bool

    def __init__(self, before: list[Level], levels: list[Level]) -> None:
        self.before, self.levels = before, [*levels]
        self.over = False


class _Thread(threading.local):
    def __init__(self) -> None:
        self.levels: list[Level] = []  # innermost last: their numbers count from 1
        self.opened: set[Level | Again] = set()  # what `rules` was told of, and is not closed or over


thread: _Thread = _Thread()


def _no(text: str) -> Callable[..., Any]:
    def refuse(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise errors.PerLane(text)

    return refuse


def _itself(x: Any) -> Any:
    return x


def _look(text: str, read: Callable[[Any], Any]) -> Callable[..., Any]:
    """A look at the one number of each lane: of those lanes that go the same way from there, where someone chooses.

    Library code is refused as ever: what it cannot do on lanes it does on one after the other.
    """
    def look(self: Any) -> Any:
        own = self._levels
        looks = thread.levels[own[0] - 1].looks if len(own) == 1 and own[0] <= len(thread.levels) else None
        if looks is None or capturing.is_library(sys._getframe(1).f_code.co_filename):
            raise errors.PerLane(text)
        return read(looks(self, read is bool))

    return look


_OTHER_MEMORY = "vmap: a tensor of a batch cannot be given other memory"


class Batched(Tensor):
    """What a function under `vmap` is called with; whoever asks it for elements is refused."""

    __slots__ = ()
    _stands_in = True
    _value: Any
    _levels: tuple[int, ...]

    @property
    def requires_grad(self) -> bool:
        return bool(self._value.requires_grad)

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._value.requires_grad = value

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        self._value.requires_grad_(requires_grad)
        return self

    @property
    def grad(self) -> Any:
        found = self._value.grad
        return None if found is None else batched(found, self._levels)

    @property
    def data(self) -> Any:
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        raise RuntimeError(_OTHER_MEMORY)

    def retain_grad(self) -> None:
        self._value.retain_grad()

    def register_hook(self, hook: Callable[[Any], Any]) -> Any:
        def on_value(g: Any) -> Any:
            found = hook(batched(g, self._levels))
            return None if found is None else aligned(found, self._levels, full=True)

        return self._value.register_hook(on_value)

    def detach_(self) -> Any:
        self._value.detach_()
        return self

    def backward(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError(errors.LANES_BACKWARD)

    def new_full(self, size: Any, fill_value: Any, **given: Any) -> Any:
        return like(self, Tensor.new_full(self, size, fill_value, **given))

    def new_empty(self, size: Any, **given: Any) -> Any:
        return like(self, Tensor.new_empty(self, size, **given))

    def __copy__(self) -> Any:
        return batched(self._value, self._levels)

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        inner = repr(self._value).replace("\n", "\n    ")
        for level in self._levels:
            inner = f"BatchedTensor(lvl={level}, bdim=0, value=\n    {inner}\n)"
        return inner


# What is the value's, and what is refused.
for _name in ("is_leaf", "grad_fn", "_base", "_version", "retains_grad"):
    setattr(Batched, _name, property(operator.attrgetter(f"_value.{_name}")))
for _text, _names in {
    errors.LANES_ITEM: "_scalar _number",
    errors.LANES_STORAGE: protocols.ELEMENTS,
    _OTHER_MEMORY: "resize_ set_",
}.items():
    for _name in _names.split():
        setattr(Batched, _name, _no(_text))
_READ: dict[str, Callable[[Any], Any]] = {
    "item": _itself, "__float__": float, "__int__": int, "__index__": operator.index, "__complex__": complex,
    "__bool__": bool}
for _name, _read in _READ.items():
    setattr(Batched, _name, _look(errors.LANES_BRANCH if _name == "__bool__" else errors.LANES_ITEM, _read))
argument_parser.is_tensor(Batched)


def batched(value: Any, levels: tuple[int, ...]) -> Any:
    """A value with lanes as the function under `vmap` sees it."""
    if not levels:
        return value
    layout, k, row = _layouts[value._layout], len(levels), value._buffer
    seen = layouts.intern(layout.dtype, layout.shape[k:], layout.strides[k:])
    made = call.adopt(seen.id, int(_address[row]), int(_owner[row]), machine.tensor_type)
    made.__class__ = Batched
    made._value, made._levels = value, levels
    return made


def become(x: Any, seen: Any) -> Any:
    """Let a batched tensor stand for another one."""
    from tapegrad.autograd import data_assignment

    data_assignment.lie(x, seen._layout, int(_address[seen._buffer]))
    x._value, x._levels = seen._value, seen._levels
    return x


def levels_of(given: Sequence[Any]) -> tuple[int, ...]:
    """The levels that any of some tensors has lanes of, outermost first."""
    found: tuple[int, ...] = ()
    for x in given:
        if type(x) is Batched and x._levels != found:
            found = x._levels if not found else tuple(sorted({*found, *x._levels}))
    if found and found[-1] > len(thread.levels):
        raise RuntimeError(errors.LANES_ENDED)
    return found


def sizes(levels: Sequence[int]) -> tuple[int, ...]:
    """How many lanes each level has."""
    return tuple([thread.levels[n - 1].size for n in levels])


def view(name: str, x: Any, **attributes: Any) -> Any:
    return dispatch.apply_view(REGISTRY[name], x, tuple(attributes.items()))


def in_order(value: Any, levels: tuple[int, ...], wanted: tuple[int, ...]) -> Any:
    """A value whose axes of lanes stand in another order."""
    if levels == wanted:
        return value
    return view("permute", value, dims=(*(levels.index(n) for n in wanted), *range(len(levels), _rank(value))))


def expanded(x: Any, shape: tuple[int, ...]) -> Any:
    return x if _layouts[x._layout].shape == shape else view("expand", x, size=shape)


def aligned(x: Any, levels: tuple[int, ...], rank: int | None = None, full: bool = False) -> Any:
    """The value of a tensor with an axis of lanes for each of these levels, and `rank` axes behind them.

    A level that it has no lanes of is an axis of one, or, in `full`, expanded to all lanes.
    """
    own: tuple[int, ...] = x._levels if type(x) is Batched else ()
    value = x._value if own else x
    k, plain = len(levels), _layouts[x._layout].shape
    if own != levels or (rank is not None and rank != len(plain)):
        shape = _layouts[value._layout].shape
        lanes = dict(zip(own, shape))
        wanted = (*(lanes.get(n, 1) for n in levels), *(1,) * ((rank or len(plain)) - len(plain)), *plain)
        if wanted != shape:
            for d in range(k + (rank or len(plain)) - len(plain)):
                if d >= k or levels[d] not in lanes:
                    value = view("unsqueeze", value, dim=d)
    if full:
        value = expanded(value, (*sizes(levels), *_layouts[value._layout].shape[k:]))
    return value


def like(x: Any, made: Any) -> Any:
    """What was made for one sample as a tensor for each lane of `x`, which all may be written to."""
    if type(x) is not Batched or type(made) is Batched:
        return made
    requires_grad = made.requires_grad
    value = aligned(made.detach(), x._levels, full=True).clone()
    return batched(value.requires_grad_() if requires_grad else value, x._levels)


def spread(x: Any) -> Any:
    """A tensor with lanes of every level that is open: each may have a gradient of its own."""
    levels = tuple(range(1, len(thread.levels) + 1))
    return batched(aligned(x, levels, full=True), levels)


def under(x: Any) -> Any:
    """The value of a batched tensor; any other is its own."""
    return x._value if type(x) is Batched else x


class level(Block):
    """Open a level."""

    __slots__ = ("_randomness", "_size")
    _size: int
    _randomness: str

    def __init__(self, size: int, randomness: str = "different") -> None:
        super().__init__()
        self._size, self._randomness = size, randomness

    def _entry(self) -> Level:
        return Level(len(thread.levels) + 1, self._size, self._randomness)

    def _begin(self, entry: Level) -> Level:
        from tapegrad.lanes import rules

        thread.levels = [*thread.levels, entry]
        rules.opened(entry)
        return entry

    def _end(self, entry: Level) -> None:
        from tapegrad.lanes import rules

        if entry in thread.levels:
            thread.levels = thread.levels[:thread.levels.index(entry)]
        rules.ended(entry)


class again(Block):
    """Levels as they were when a function was applied, whose backward may come after they ended; or others."""

    __slots__ = ("_levels",)
    _levels: list[Level]

    def __init__(self, levels: list[Level]) -> None:
        super().__init__()
        self._levels = levels

    def _entry(self) -> Again:
        return Again(thread.levels, self._levels)

    def _begin(self, entry: Again) -> None:
        from tapegrad.lanes import rules

        thread.levels = entry.levels
        rules.opened(entry)

    def _end(self, entry: Again) -> None:
        from tapegrad.lanes import rules

        if thread.levels is entry.levels:
            thread.levels = entry.before
        rules.ended(entry)


def entered(x: Any, dim: int, of: Level) -> Any:
    """A tensor with an axis that becomes the lanes of the innermost level."""
    own = x._levels if type(x) is Batched else ()
    value, k = under(x), len(own)
    dims = [d for d in range(_rank(value)) if d != k + dim]
    dims.insert(k, k + dim)
    if dims != sorted(dims):
        value = view("permute", value, dims=tuple(dims))
    return batched(value, (*own, of.number))


def left(x: Any, of: Level, dim: int = 0) -> Any:
    """A result with the lanes of the innermost level as an axis."""
    own = x._levels if type(x) is Batched else ()
    if of.number not in own:
        x = view("unsqueeze", x, dim=0)
        x = view("expand", x, size=(of.size, *_layouts[x._layout].shape[1:]))
        value, outer = under(x), own
    else:
        value, outer = x._value, own[:-1]
    k = len(outer)
    if dim:
        dims = [d for d in range(_rank(value)) if d != k]
        dims.insert(k + dim, k)
        value = view("permute", value, dims=tuple(dims))
    return batched(value, outer)


def _rank(x: Any) -> int:
    return len(_layouts[x._layout].shape)
