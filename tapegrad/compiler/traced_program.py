"""From a trace to a program: what every address in it was, and what the call left behind.

Blocks taken during the capture become parts of the program's own memory, or results; blocks that were there before
belong to arguments, which may lie elsewhere at the next call, or to tensors the function reaches by name.
"""
from __future__ import annotations

import bisect
import functools
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter, structural
from tapegrad.machine.live import buffers, machine

LONG = 1 << 15  # elements from which a loop, or a row, is worth several threads and their bookkeeping


class Refused(Exception):
    """Why a capture cannot be kept."""


class Strict(Refused):
    """A capture depends on where in its base an argument begins."""


class Nest(int):
    """The address of a plan's loop nest, which is there for as long as this is."""

    words: Any


def _nest(address: int) -> int:
    words = machine.nests.get(address)
    if words is None:  # kept for good
        return address
    found = Nest(address)
    found.words = words
    return found


class Place(NamedTuple):
    """Where a pointer of the trace pointed.

    `kind` is own (`number` of a block of the capture, and an offset in it), argument (likewise), or fixed (an address,
    and the owner row it belongs to).
    """

    kind: str
    number: int
    offset: int


class Step(NamedTuple):
    """One event that a replay repeats; `a` and `b` are a kernel and its nest, or sizes."""

    kind: int
    a: int
    b: int
    places: tuple[Place, ...]
    content: bytes


class Operand(NamedTuple):
    """A place as a blocked call uses it: so many bytes further on for each unit, or one `slot` for each block.

    `private` is scratch, a place in which each thread has for itself.
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


class Blocked(NamedTuple):
    """A step that runs calls block by block over a leading axis of `units`; `scratch` bytes are each thread's own."""

    units: int
    block: int
    n_blocks: int
    calls: tuple[Call, ...]
    scratch: int
    kind: int = rec.BLOCKS

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple(o.place for c in self.calls for o in c.operands if not o.private)


class Group(NamedTuple):
    """Steps that go over the same leading axis of `units`, before they become a `Blocked`."""

    units: int
    steps: tuple[Step, ...]
    kind: int = rec.BLOCKS

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple(p for s in self.steps for p in s.places)


Item = Step | Group | Blocked


def kernel_of(step: Item) -> emitter.Kernel | None:
    """What a step computes, if that is known: a kernel that was emitted from a rule."""
    return emitter.kernels.get(step.a) if isinstance(step, Step) and step.kind == rec.KERNEL else None


@functools.cache
def _uses(kind: int, address: int) -> tuple[int | None, int | None]:
    """Up to which of its places a step may write, and from which on it may read; None: the last.

    Long programs ask this some 10^5 times, of few kernels.
    """
    found = structural.effects.get(address) if kind == rec.KERNEL else None
    if found is not None:
        return found.writes, found.reads
    kernel = emitter.kernels.get(address) if kind == rec.KERNEL else None
    if kernel is not None:
        outputs = len(kernel.region.outputs)
        return outputs, 0 if any(kernel.accumulate) else outputs
    return 0 if kind == rec.GUARD else None, 0 if kind in (rec.KERNEL, rec.GUARD) else 1 << 30


def writes(step: Item) -> Sequence[Place]:
    """The places a step may write to; of an unknown kernel all of them."""
    if isinstance(step, Step):
        return step.places[:_uses(step.kind, step.a)[0]]
    if isinstance(step, Group):
        return [p for s in step.steps for p in writes(s)]
    return step.places


def reads(step: Item) -> Sequence[Place]:
    """The places a step may read."""
    return step.places[_uses(step.kind, step.a)[1]:] if isinstance(step, Step) else step.places


def may_break_off(step: Item) -> bool:
    """Whether a replay may end at this step: what it did before, where others see it, is then taken back."""
    return isinstance(step, Step) and (step.kind == rec.GUARD or fails(step))


def fails(step: Step) -> bool:
    """Whether a step is a kernel call that may fail."""
    return step.kind == rec.KERNEL and step.a in structural.effects and structural.effects[step.a].fails


def is_check(step: Step) -> bool:
    """Whether a step is a kernel call that does nothing but fail or not."""
    return fails(step) and not structural.effects[step.a].writes


def targets(step: Step) -> Sequence[Place]:
    """The places that a step of a capture writes to: of an unknown kernel the first, as all kernels of rules do."""
    written = _uses(step.kind, step.a)[0]
    return step.places[:1 if written is None else written]


def space(place: Place) -> tuple[str, int]:
    """The piece of memory a place lies in."""
    return (place.kind, place.offset) if place.kind == "fixed" else (place.kind, place.number)


class Block(NamedTuple):
    address: int
    nbytes: int


_owners = buffers["owner"]
addresses: np.ndarray[Any, Any] = buffers["address"]


def owner_of(tensor: Any) -> int:
    return _owners.item(tensor._buffer)


def starts(arguments: Sequence[Any], owners: Sequence[int], loose: Collection[int]) -> list[int]:
    """Where a program's arguments begin: their storages, and of those that are `loose` they themselves."""
    if not loose:
        return [addresses.item(o) for o in owners]
    return [addresses.item(a._buffer if i in loose else o) for i, (a, o) in enumerate(zip(arguments, owners))]


class Ranges:
    """Which of some memory ranges an address lies in."""

    def __init__(self, ranges: list[tuple[int, int, int]]) -> None:
        self.sorted: list[tuple[int, int, int]] = sorted(ranges)
        self.starts: list[int] = [r[0] for r in self.sorted]

    def find(self, address: int) -> tuple[int, int] | None:
        """(what the range stands for, offset in it)"""
        at = bisect.bisect_right(self.starts, address) - 1
        if at >= 0:
            start, nbytes, what = self.sorted[at]
            if address < start + max(nbytes, 1):
                return what, address - start
        return None


def live_storages(held: set[int]) -> Ranges:
    """The memory of every value there is, by owner row: of several on the same bytes by that which is among `held`."""
    n = int(machine.state["n_buffers"][0])
    rows = buffers[:n]
    owners = np.flatnonzero((rows["owner"] == np.arange(n)) & (rows["address"] != 0) & (rows["flags"] & rec.FREE == 0))
    borrowed = owners[rows["flags"][owners] & rec.BORROWED != 0].tolist()
    hidden = {r for r in borrowed if r not in held} | {int(rows["producer"][r]) for r in borrowed if r in held}
    nbytes = machine.layouts["nbytes"]
    return Ranges([(int(rows["address"][r]), int(nbytes[rows["layout"][r]]), int(r)) for r in owners
                    if r not in hidden])


def analyse(events: Any, contents: list[bytes], before: Ranges, arguments: list[int], known: set[int], left: set[int],
            varying: dict[int, int], loose: dict[int, tuple[int, int]]
            ) -> tuple[list[list[Step]], list[Block], set[int]]:
    """Steps with their pointers resolved, part by part, the blocks taken, and the rows of outside memory used.

    `before` are the storages there were, `arguments` the owner rows of the arguments' storages in order, `known` those
    of the tensors that the function reaches by name: memory of both kinds counts as the latter. `left` are the
    addresses of what the call leaves behind; `varying`, by the event, are words that vary. Of the arguments that are
    `loose`, by number, only the bytes between two offsets may be used, and places count from the first. Raises Refused
    for memory that is nobody's. Random draws come first, in their order, and the words that vary: they depend on
    nothing that the call computes.
    """
    blocks: list[Block] = []
    taken: list[tuple[int, int, int]] = []
    starts = events[events["kind"] == rec.TAKEN]
    passed = _pointers(events)
    starts = starts[_in_use(events, starts, passed, left)]
    for address, nbytes in zip(starts["a"].tolist(), starts["b"].tolist()):
        taken.append((address, nbytes, len(blocks)))
        blocks.append(Block(address, nbytes))
    own = Ranges(taken)
    numbers = {row: i for i, row in reversed([*enumerate(arguments)]) if row not in known}
    used: set[int] = set()

    @functools.cache
    def place(address: int) -> Place:
        found = own.find(address)
        if found is not None:
            return Place("own", *found)
        outside = before.find(address)
        if outside is None:
            raise Refused("a kernel used memory that belongs to no tensor")
        row, offset = outside
        used.add(row)
        if row in numbers:
            number = numbers[row]
            if number in loose:
                start, end = loose[number]
                if not start <= offset < end:
                    raise Strict("it uses more of an argument's base than the argument")
                offset -= start
            return Place("argument", number, offset)
        if row not in known and not buffers[row]["flags"] & rec.IMMORTAL:
            raise Refused("it uses a tensor that is neither an argument nor reached by name")
        return Place("fixed", address, row)

    places = _inside(passed, starts)
    draws: list[Step] = []
    steps: list[Step] = []
    parts = [steps]
    # As lists: a field of a structured array's row costs ten times a list's element.
    nests = functools.cache(_nest)
    columns = (events[name].tolist() for name in ("kind", "a", "b", "n_pointers", "pointers"))
    for at_event, (kind, a, b, count, pointers) in enumerate(zip(*columns)):
        if kind in (rec.TAKEN, rec.GIVEN_BACK, rec.GRADIENT):
            continue
        if kind == rec.KERNEL:
            steps.append(Step(kind, a, nests(b), tuple([places.get(p) or place(p) for p in pointers[:count]]), b""))
        elif kind == rec.ZEROED:
            steps.append(Step(kind, 0, b, (place(a),), b""))
        elif kind == rec.DRAWN:
            draws.append(Step(kind, b, 0, (place(a),) if a else (), b""))
        elif kind == rec.PART:
            steps = []
            parts.append(steps)
        elif kind in (rec.WORD, rec.CONSTANT) and own.find(a) is None:
            continue
        elif at_event in varying:
            draws.append(Step(rec.DRAWN, -1 - varying[at_event], 0, (place(a),), b""))
        elif kind == rec.WORD:
            at = place(a)
            steps.append(Step(rec.CONSTANT, 0, 0, (at,), b.to_bytes(8, "little")[:blocks[at.number].nbytes]))
        else:
            steps.append(Step(kind, 0, 0, (place(a),), contents[b]))
    parts[0][:0] = draws
    return parts, blocks, used


def _pointers(events: Any) -> Any:
    """The addresses that kernels were passed."""
    kernels = events[events["kind"] == rec.KERNEL]
    pointers = kernels["pointers"]
    each = pointers[np.arange(pointers.shape[1]) < kernels["n_pointers"][:, None]]
    return np.array(sorted({*each.tolist()}), "u8")  # np.unique and np.isin import numpy.ma, 14 ms the first time


def _within(addresses: Any, taken: Any) -> tuple[Any, Any, Any]:
    """Of these addresses those that lie in a block, the blocks' numbers, and the offsets in them."""
    order = np.argsort(taken["a"])
    first, nbytes = taken["a"][order], np.maximum(taken["b"][order], 1)
    if not len(first):
        return addresses[:0], order, first
    at = np.searchsorted(first, addresses, "right").astype("i8") - 1
    inside = (at >= 0) & (addresses < first[at] + nbytes[at])
    addresses, at = addresses[inside], at[inside]
    return addresses, order[at], addresses - first[at]


def _in_use(events: Any, taken: Any, pointers: Any, left: set[int]) -> Any:
    """Which blocks a step reads or computes, or are left behind.

    The others are the scratch of the ways that an operation goes: those of a first call would make it another.
    """
    kinds = events["kind"]
    used = np.array([address in left for address in taken["a"].tolist()], bool)
    others = events["a"][(kinds == rec.ZEROED) | (kinds == rec.DRAWN) | (kinds == rec.GUARD)]
    for addresses in (pointers, others):
        used[_within(addresses, taken)[1]] = True
    return used


def _inside(pointers: Any, taken: Any) -> dict[int, Place]:
    """The places of all the pointers that kernels had into blocks of the capture, found at once.

    One by one they took a third of an analysis.
    """
    return {address: Place("own", number, offset) for address, number, offset in zip(
        *(found.tolist() for found in _within(pointers, taken)))}


def first_looks(events: Any) -> dict[int, bool]:
    """The tensor objects whose `.grad` mattered: whether the first thing done to it was a look, and not a new value."""
    found: dict[int, bool] = {}
    looks = events[events["kind"] == rec.GRADIENT]
    for tensor, put in zip(looks["a"].tolist(), looks["b"].tolist()):
        found.setdefault(tensor, not put)
    return found


def storage_key(tensor: Any) -> tuple[int, ...]:
    """What a replay must find unchanged of a tensor it holds: row, layout, whose storage it lies on and where."""
    row = buffers[tensor._buffer]
    return tensor._buffer, tensor._layout, int(row["owner"]), int(row["address"]), int(row["flags"]) & (
        rec.REQUIRES_GRAD | rec.HOOKED | rec.RETAINS)
