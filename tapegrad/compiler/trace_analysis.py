"""From the events of a capture to steps: every pointer becomes a place, and what repeats a loop.

All of it goes by whole columns: a long trace has millions of events.
"""
from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tapegrad.compiler import loops, waves
from tapegrad.compiler.trace_table import ARGUMENT, FIXED, OWN, Steps, Table
from tapegrad.compiler.traced_program import Block, Refused, Strict
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import buffers, machine

LONG = 512  # steps from which a trace is not analysed twice
_AT_ONCE = 1 << 17  # rows whose pointers are looked for together: what is worked out on the way stays small
_IS_STEP = np.zeros(64, bool)  # by an event's kind
_IS_STEP[[rec.KERNEL, rec.ZEROED, rec.DRAWN, rec.WORD, rec.CONSTANT, rec.GUARD]] = True


class Storages:
    """Pieces of memory, and which of them addresses lie in."""

    starts: np.ndarray[Any, Any]
    nbytes: np.ndarray[Any, Any]
    what: np.ndarray[Any, Any]

    def __init__(self, starts: Any, nbytes: Any, what: Any) -> None:
        order = np.argsort(starts, kind="stable")
        self.starts, self.nbytes, self.what = starts[order], np.maximum(nbytes[order], 1), what[order]

    def find(self, addresses: Any) -> tuple[Any, Any]:
        """Of each address what it lies in, -1 for nothing, and how far from its beginning."""
        if not len(self.starts):
            return np.full(len(addresses), -1), np.zeros(len(addresses), "i8")
        at = np.searchsorted(self.starts, addresses, "right") - 1
        offsets = addresses.astype("i8") - self.starts[at].astype("i8")
        inside = (at >= 0) & (offsets < self.nbytes[at].astype("i8"))
        return np.where(inside, self.what[at], -1), offsets


def live_storages(held: set[int]) -> Storages:
    """The memory of every value there is, by owner row: of several on the same bytes by that which is among `held`."""
    n = int(machine.state["n_buffers"][0])
    rows = buffers[:n]
    owners = np.flatnonzero((rows["owner"] == np.arange(n)) & (rows["address"] != 0) & (rows["flags"] & rec.FREE == 0))
    borrowed = owners[rows["flags"][owners] & rec.BORROWED != 0].tolist()
    hidden = {r for r in borrowed if r not in held} | {int(rows["producer"][r]) for r in borrowed if r in held}
    if hidden:
        owners = owners[[r not in hidden for r in owners.tolist()]]
    return Storages(rows["address"][owners], machine.layouts["nbytes"][rows["layout"][owners]], owners)


class Analysed(NamedTuple):
    """What became of a trace: its steps, part by part, which of the blocks they take, and blocks of their own.

    Blocks are those of the trace, then copies of these `copied` bytes each. A trace of the same `digest` becomes the
    same.
    """

    digest: bytes
    parts: list[list[Any]]
    taken: Any
    made: list[Block]
    copied: Any


def analyse(events: Any, contents: list[bytes], before: Storages, arguments: list[int], known: set[int],
            left: set[int], varying: Mapping[int, int], loose: dict[int, tuple[int, int]], roll: bool = False,
            earlier: Iterable[Analysed] = ()) -> tuple[Analysed, list[Block], set[int]]:
    """Steps with their pointers resolved, the blocks taken, and the rows of outside memory used.

    `before` are the storages there were, `arguments` the owner rows of the arguments' storages in order, `known` those
    of the tensors that the function reaches by name: memory of both kinds counts as the latter. `left` are the
    addresses of what the call leaves behind; `varying`, by the event, are words that vary. Of the arguments that are
    `loose`, by number, only the bytes between two offsets may be used, and places count from the first. Raises Refused
    for memory that is nobody's. Random draws come first, in their order, and the words that vary: they depend on
    nothing that the call computes. With `roll`, loops are found, and where there are none waves. What was analysed
    `earlier` is not again.
    """
    kinds = events["kind"]
    taken = kinds == rec.TAKEN
    starts, sizes = events["a"][taken], events["b"][taken].astype("i8")
    pointers = _Pointers(events, np.flatnonzero(_IS_STEP[kinds]).astype("i4"))
    pointers.lie_in(Storages(starts, sizes, np.arange(len(starts), dtype="i4")))
    used = pointers.blocks_used(len(starts)) | _among(starts, left)
    pointers.keep(used)
    starts, sizes = starts[used], sizes[used]
    rows = pointers.lie_outside(before, _Outside(arguments, known, loose))
    table = pointers.table(sizes)
    draws = table.kind == rec.DRAWN
    if varying:
        draws |= [e in varying for e in table.event.tolist()]
    drawn, rest = table.rows(draws), table.rows(~draws) if draws.any() else table
    lasting = _among(starts, left)
    parts = int(np.count_nonzero(kinds == rec.PART)) + 1
    digest = _digest(rest, drawn, sizes, lasting, contents, varying, parts) if roll and len(rest.kind) >= LONG else b""
    found = next((a for a in earlier if digest and a.digest == digest), None)
    if found is None:
        found = Analysed(digest, *_as_steps(rest, drawn, sizes, lasting, Steps(contents, varying), parts, roll))
    starts, sizes = np.append(starts, np.zeros(len(found.copied), "u8")), np.append(sizes, found.copied)
    return found, [*map(Block, starts[found.taken].tolist(), sizes[found.taken].tolist()), *found.made], rows


def _as_steps(rest: Table, drawn: Table, sizes: Any, lasting: Any, steps: Steps, parts: int, roll: bool
              ) -> tuple[list[list[Any]], Any, list[Block], Any]:
    none = np.zeros(0, "i8")
    rolled = loops.found(rest, drawn, sizes, lasting, steps.contents, parts) if roll else None
    if rolled is not None:
        copied = none if rolled.copies is None else rolled.copies.sizes
        return rolled.parts(steps, parts), rolled.single, rolled.made, copied
    woven = waves.found(rest, drawn, steps, lasting, parts) if roll else None
    if woven is not None:
        return woven.parts, woven.kept, woven.made, none
    ends = np.searchsorted(rest.part, np.arange(parts + 1)).tolist()
    found: list[list[Any]] = [[*steps(rest.rows(slice(*pair)))] for pair in itertools.pairwise(ends)]
    found[0][:0] = steps(drawn)
    return found, slice(None), [], none


def _digest(rest: Table, drawn: Table, sizes: Any, lasting: Any, contents: Sequence[bytes], varying: Mapping[int, int],
            parts: int) -> bytes:
    """What is equal for traces that do the same to the same places, of blocks of the same sizes."""
    found = hashlib.blake2b()
    ready = [np.frombuffer(c, "u1") for c in contents]
    for column in (*_said(rest)[1:], *_said(drawn), sizes, lasting, *ready):
        found.update(f"{column.dtype}{column.shape}".encode())
        found.update(np.ascontiguousarray(column).data)
    found.update(repr((parts, sorted(varying.items()))).encode())
    return found.digest()


def _said(table: Table) -> Sequence[Any]:
    """The columns of a table, without what becomes part of no step: addresses of other events than calls."""
    return table._replace(a=np.where(table.kind == rec.KERNEL, table.a, 0), stride=np.zeros(0))


class _Outside:
    """Memory that was there before the call: as places, where that may be used."""

    def __init__(self, arguments: list[int], known: set[int], loose: dict[int, tuple[int, int]]) -> None:
        self.numbers = {row: i for i, row in reversed([*enumerate(arguments)]) if row not in known}
        self.known, self.loose = known, loose

    def place(self, row: int, offsets: Any) -> tuple[int, int]:
        """The number of the argument that an owner row is, or -1, and where in it places begin to count."""
        if row < 0:
            raise Refused("a kernel used memory that belongs to no tensor")
        number = self.numbers.get(row)
        if number is None:
            if row not in self.known and not buffers[row]["flags"] & rec.IMMORTAL:
                raise Refused("it uses a tensor that is neither an argument nor reached by name")
            return -1, 0
        start, end = self.loose.get(number, (0, 0))
        if number in self.loose and ((offsets < start) | (offsets >= end)).any():
            raise Strict("it uses more of an argument's base than the argument")
        return number, start


def _among(addresses: Any, few: set[int]) -> Any:
    """Which addresses are among a few."""
    ordered = np.array(sorted(few), "u8")
    return np.append(ordered, 0)[np.searchsorted(ordered, addresses)] == addresses if few else (
        np.zeros(len(addresses), bool))


class _Pointers:
    """The pointers of those events that are steps, row by row, and the places that they are."""

    def __init__(self, events: Any, at: Any) -> None:
        self.events, self.at = events, at
        self.kind = events["kind"][at]
        kernels, a = self.kind == rec.KERNEL, events["a"][at]
        counts = np.where(kernels, events["n_pointers"][at], (self.kind != rec.DRAWN) | (a != 0))
        self.used = np.arange(max(int(counts.max(initial=1)), 1)) < counts[:, None]
        self.pointers = np.zeros(self.used.shape, "u8")
        self.pointers[~kernels, 0] = a[~kernels]
        self.pointers[self.used & kernels[:, None]] = capturing.pointers()

    def lie_in(self, taken: Storages) -> None:
        """Find those in blocks that the capture took."""
        self.space, self.number = np.zeros(self.used.shape, "i1"), np.full(self.used.shape, -1)
        self.offset = np.zeros(self.used.shape, "i8")
        for first in range(0, len(self.at), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            used = self.used[some]
            self.number[some][used], self.offset[some][used] = taken.find(self.pointers[some][used])

    def blocks_used(self, count: int) -> Any:
        """Which blocks a step reads or computes.

        The others are the scratch of the ways that an operation goes: those of a first call would make it another.
        """
        found = np.zeros(count + 1, bool)
        found[self.number[(self.kind != rec.WORD) & (self.kind != rec.CONSTANT)]] = True
        return found[:count]

    def keep(self, blocks: Any) -> None:
        """Number these blocks alone; what was written into others is nobody's."""
        self.number = np.append(np.where(blocks, np.cumsum(blocks) - 1, -1), -1)[self.number]
        rows = (self.number[:, 0] >= 0) | ((self.kind != rec.WORD) & (self.kind != rec.CONSTANT))
        if not rows.all():
            for name in ("at", "kind", "pointers", "used", "space", "number", "offset"):
                setattr(self, name, getattr(self, name)[rows])

    def lie_outside(self, before: Storages, outside: _Outside) -> set[int]:
        """Find the others in memory that was there before; the rows of that which are used."""
        elsewhere = np.nonzero(self.used & (self.number < 0))
        self.number[~self.used] = 0
        addresses = self.pointers[elsewhere]
        row, far = before.find(addresses)
        order = np.argsort(row, kind="stable")
        rows: set[int] = set()
        for group in np.split(order, np.flatnonzero(np.diff(row[order])) + 1) if len(order) else ():
            one, here = int(row[group[0]]), (elsewhere[0][group], elsewhere[1][group])
            number, start = outside.place(one, far[group])
            rows.add(one)
            if number < 0:
                self.space[here], self.number[here], self.offset[here] = FIXED, addresses[group].astype("i8"), one
            else:
                self.space[here], self.number[here], self.offset[here] = ARGUMENT, number, far[group] - start
        del self.pointers
        return rows

    def table(self, sizes: Any) -> Table:
        ends = np.flatnonzero(self.events["kind"] == rec.PART)
        part = np.searchsorted(ends, self.at).astype("i4")
        stays = np.broadcast_to(np.int64(0), self.used.shape)
        first = np.where(self.used[:, 0] & (self.space[:, 0] == OWN), self.number[:, 0], len(sizes))
        return Table(self.at, self.kind, self.events["a"][self.at], self.events["b"][self.at], part, self.used,
                     self.space, self.number, self.offset, stays,
                     np.append(sizes, 0)[first])
