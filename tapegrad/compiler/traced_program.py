"""From a trace to a program: what every address in it was, and what the call left behind.

Blocks taken during the capture become parts of the program's own memory, or results; blocks that were there before
belong to arguments, which may lie elsewhere at the next call, or to tensors the function reaches by name.
"""
from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter, products, structural
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import buffers
from tapegrad.named_tuples import NamedTuple

LONG = 1 << 15  # elements from which a loop, or a row, is worth several threads and their bookkeeping


class Place(NamedTuple):
    """Where a pointer of the trace pointed.

    `kind` is own (`number` of a block of the capture, and an offset in it), argument (likewise), or fixed (an address,
    and the owner row it belongs to). In a loop that is the place of the first turn, from which each goes on by `stride`
    bytes.
    """

    kind: str
    number: int
    offset: int
    stride: int = 0

    def at(self, kind: str, number: int, offset: int = 0) -> Place:
        """The same place, where what it lies in begins at this other one."""
        return Place(kind, number, offset + self.offset, self.stride)


class Step(NamedTuple):
    """One event that a replay repeats; `a` and `b` are a kernel and its nest, or sizes.

    `lines` are words that say which lines of the program it comes from (see `tape.lines`).
    """

    kind: int
    a: int
    b: int
    places: tuple[Place, ...]
    content: bytes
    lines: tuple[int, ...] = ()


class Operand(NamedTuple):
    """A place as a blocked call uses it: so many bytes further on for each unit, or one `slot` for each block.

    `private` is scratch, a place in which each thread has for itself. In loops the place goes on by its stride.
    """

    place: Place
    unit: int
    slot: int
    private: bool


class Call(NamedTuple):
    """A kernel of a blocked group; its loop `axis` has `per_unit` elements for each unit of the leading axis."""

    kernel: int
    nest: int
    n_words: int
    axis: int
    per_unit: int
    operands: tuple[Operand, ...]
    lines: tuple[int, ...] = ()


class Turns(NamedTuple):
    """Calls of a blocked group that are done `turns` times for each block."""

    turns: int
    calls: tuple[Call, ...]


class Blocked(NamedTuple):
    """A step that runs calls block by block over a leading axis of `units`; `scratch` bytes are each thread's own."""

    units: int
    block: int
    n_blocks: int
    runs: tuple[Turns, ...]
    scratch: int
    kind: int = rec.BLOCKS

    @property
    def calls(self) -> tuple[Call, ...]:
        return tuple(c for run in self.runs for c in run.calls)

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple(o.place for c in self.calls for o in c.operands if not o.private)


class Group(NamedTuple):
    """Steps, and loops of them, that go over the same leading axis of `units`, before they become a `Blocked`."""

    units: int
    steps: tuple[Step | Loop, ...]
    kind: int = rec.BLOCKS

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple(p for s in self.steps for p in s.places)


class Loop(NamedTuple):
    """Steps that are done `turns` times, each time at the next places."""

    turns: int
    steps: tuple[Step, ...]
    kind: int = rec.LOOP

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple(p for s in self.steps for p in s.places)


Plain = Step | Loop
Item = Plain | Group | Blocked


def lines_of(items: Iterable[Step | Call]) -> tuple[int, ...]:
    """The lines that some steps come from together, each once."""
    return tuple(dict.fromkeys(itertools.chain.from_iterable(item.lines for item in items)))


def does(step: Plain) -> tuple[Any, ...]:
    """What a step does, wherever it is written: Python specialises instructions, and their places differ then."""
    return (step.turns, *map(does, step.steps)) if isinstance(step, Loop) else step[:-1]


def moved(step: Any, to: Callable[[Place], Place]) -> Any:
    """A step, or the steps of a loop, with other places."""
    if isinstance(step, Loop):
        return step._replace(steps=tuple([moved(s, to) for s in step.steps]))
    return step._replace(places=tuple([to(p) for p in step.places]))


def kernel_of(step: Item) -> emitter.Kernel | None:
    """What a step computes, if that is known: a kernel that was emitted from a rule."""
    return emitter.kernels.get(step.a) if isinstance(step, Step) and step.kind == rec.KERNEL else None


@functools.cache
def uses(kind: int, address: int) -> tuple[int | None, int | None]:
    """Up to which of its places a step may write, and from which on it may read; None: the last.

    Long programs ask this some 10^5 times, of few kernels.
    """
    found = structural.effects.get(address) if kind == rec.KERNEL else None
    if found is not None:
        return found.writes, found.reads
    product = products.product(address) if kind == rec.KERNEL else None
    if product is not None:
        return 1, 0 if product.adds else 1
    kernel = emitter.kernels.get(address) if kind == rec.KERNEL else None
    if kernel is not None:
        outputs = len(kernel.region.outputs)
        return outputs, 0 if any(kernel.accumulate) else outputs
    return 0 if kind == rec.GUARD else None, 0 if kind in (rec.KERNEL, rec.GUARD) else 1 << 30


def writes(step: Item) -> Sequence[Place]:
    """The places a step may write to; of an unknown kernel all of them."""
    if isinstance(step, Step):
        return step.places[:uses(step.kind, step.a)[0]]
    if isinstance(step, (Group, Loop)):
        return [p for s in step.steps for p in writes(s)]
    return step.places


def reads(step: Item) -> Sequence[Place]:
    """The places a step may read."""
    return step.places[uses(step.kind, step.a)[1]:] if isinstance(step, Step) else step.places


def may_break_off(step: Item) -> bool:
    """Whether a replay may end at this step: what it did before, where others see it, is then taken back."""
    return isinstance(step, Step) and (step.kind == rec.GUARD or fails(step))


def fails(step: Step) -> bool:
    """Whether a step is a kernel call that may fail."""
    return step.kind == rec.KERNEL and step.a in structural.effects and structural.effects[step.a].fails


def is_check(step: Step) -> bool:
    """Whether a step is a kernel call that does nothing but fail or not."""
    return fails(step) and not structural.effects[step.a].writes


def targets(step: Step | Loop) -> Sequence[Place]:
    """The places that a step of a capture writes to: of an unknown kernel the first, as all kernels of rules do."""
    if isinstance(step, Loop):
        return [p for s in step.steps for p in targets(s)]
    written = uses(step.kind, step.a)[0]
    return step.places[:1 if written is None else written]


def space(place: Place) -> tuple[str, int]:
    """The piece of memory a place lies in."""
    return (place.kind, place.offset) if place.kind == "fixed" else (place.kind, place.number)


class Block(NamedTuple):
    """Memory that a program takes: where the capture had it, and how much; `slot` bytes a turn if it is of loops."""

    address: int
    nbytes: int
    slot: int = 0


_owners = buffers["owner"]
addresses: np.ndarray[Any, Any] = buffers["address"]


def owner_of(tensor: Any) -> int:
    return _owners.item(tensor._buffer)


def starts(arguments: Sequence[Any], owners: Sequence[int], loose: Collection[int]) -> list[int]:
    """Where a program's arguments begin: their storages, and of those that are `loose` they themselves."""
    if not loose:
        return [addresses.item(o) for o in owners]
    return [addresses.item(a._buffer if i in loose else o) for i, (a, o) in enumerate(zip(arguments, owners))]


def first_looks(events: Any) -> dict[int, bool]:
    """The tensor objects whose `.grad` mattered: whether the first thing done to it was a look, and not a new value."""
    found: dict[int, bool] = {}
    looks = events[events["kind"] == rec.GRADIENT]
    for tensor, put in zip(capturing.addresses(looks).tolist(), looks["b"].tolist()):
        found.setdefault(tensor, not put)
    return found


def storage_key(tensor: Any) -> tuple[int, ...]:
    """What a replay must find unchanged of a tensor it holds: row, layout, whose storage it lies on and where."""
    row = buffers[tensor._buffer]
    return tensor._buffer, tensor._layout, int(row["owner"]), int(row["address"]), int(row["flags"]) & (
        rec.REQUIRES_GRAD | rec.HOOKED | rec.RETAINS)
