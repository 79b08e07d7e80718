"""From the events of a capture to steps: every pointer becomes a place, and what repeats a loop.

All of it goes by whole columns: a long trace has millions of events.
"""
from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tapegrad.compiler import loops, waves
from tapegrad.compiler.refusals import Refused, Strict
from tapegrad.compiler.trace_table import ARGUMENT, FIXED, Steps, Table
from tapegrad.compiler.traced_program import Block, uses
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import structural
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import buffers, machine
from tapegrad.machine.startup import trim_heap
from tapegrad.named_tuples import NamedTuple

LONG = 512  # steps from which a trace is not analysed twice
_NO_STEP = 62  # in place of the kind of what does nothing
_VARIES = 63  # in place of the kind of a word that varies, until it is known whether anyone needs it
_HALF = np.uint64(32)  # of a word
_IS_STEP = np.zeros(64, bool)  # by an event's kind
_IS_STEP[[rec.KERNEL, rec.ZEROED, rec.DRAWN, rec.WORD, rec.CONSTANT, rec.GUARD]] = True


def _whole(most: int) -> str:
    """The type of whole numbers up to this one."""
    return "i4" if most < 1 << 31 else "i8"


class Storages:
    """Pieces of memory in the order of their addresses, and which of them addresses lie in.

    The starts are put in order where they are. `what` says which each is: the how manieth that was passed, unless told.
    """

    starts: np.ndarray[Any, Any]
    nbytes: np.ndarray[Any, Any]
    what: np.ndarray[Any, Any]

    def __init__(self, starts: Any, nbytes: Any, what: Any = None) -> None:
        order = _put_in_order(starts)
        self.starts, self.nbytes = starts, _at(nbytes, order)
        self.what = order if what is None else what[order]

    def numbered(self, column: Any, numbers: Any) -> Any:
        """One of the columns, in the order of the numbers that the pieces have as they were passed; -1 has none."""
        found = np.empty(int(numbers.max(initial=-1)) + 1, column.dtype)
        for some in _slices(len(column)):
            at = numbers[self.what[some]]
            found[at[at >= 0]] = column[some][at >= 0]
        return found

    def beginning(self, addresses: Iterable[int]) -> Any:
        """Which of them begin at one of few addresses, in the order in which they were passed."""
        found = np.zeros(len(self.starts), bool)
        few = np.array([*addresses], "u8")
        for first, last in zip(*(np.searchsorted(self.starts, few, side).tolist() for side in ("left", "right"))):
            found[self.what[first:last]] = True
        return found

    def find(self, addresses: Any) -> tuple[Any, Any]:
        """Of each address what it lies in, -1 for nothing, and how far from its beginning."""
        if not len(self.starts):
            return np.full(len(addresses), -1), np.zeros(len(addresses), "i8")
        at = np.searchsorted(self.starts, addresses, "right") - 1
        offsets = addresses.astype("i8") - self.starts[at].astype("i8")
        inside = (at >= 0) & ((offsets < self.nbytes[at].astype("i8")) | (offsets == 0))
        return np.where(inside, self.what[at], -1), offsets


def _slices(count: int) -> Iterator[slice]:
    """Some of so many, then the next: NumPy makes whole words of all that it is to index with."""
    for first in range(0, count, capturing.AT_ONCE):
        yield slice(first, first + capturing.AT_ONCE)


def _at(column: Any, places: Any) -> Any:
    found = np.empty_like(column)
    for some in _slices(len(places)):
        found[some] = column[places[some]]
    return found


def _put_in_order(addresses: Any) -> Any:
    """Sort addresses where they are; which of them each is, of equal ones first the first.

    Many are sorted with their places beside them: that takes half the memory and half the time. There is room for these
    where one says by number which 4 GB an address lies in, for there are few that any does.
    """
    count = len(addresses)
    seen = np.zeros(1 << 16 if count > capturing.AT_ONCE else 0, bool)
    for some in _slices(count) if len(seen) else ():
        seen[addresses[some] >> _HALF] = True
    bits, parts = np.uint64(count.bit_length()), np.flatnonzero(seen).astype("u8")
    if not len(parts) or len(parts).bit_length() + 32 + int(bits) > 64:
        places = np.argsort(addresses, kind="stable").astype(_whole(count))
        addresses[:] = _at(addresses, places)
        return places
    number = np.cumsum(seen).astype("u8") - np.uint64(1)
    for some in _slices(count):
        part = addresses[some] >> _HALF
        addresses[some] += number[part] - part << _HALF
        addresses[some] <<= bits
        addresses[some] |= np.arange(some.start, min(some.stop, count), dtype="u8")
    addresses.sort(kind="stable")  # most of them lie in order
    places = np.empty(count, _whole(count))
    for some in _slices(count):
        places[some] = addresses[some] & ((np.uint64(1) << bits) - np.uint64(1))
        addresses[some] >>= bits
        part = addresses[some] >> _HALF
        addresses[some] += parts[part] - part << _HALF
    return places


def live_storages(held: set[int]) -> Storages:
    """The memory of every value there is, by owner row: of several on the same bytes by that which is among `held`."""
    n = int(machine.state["n_buffers"][0])
    rows = buffers[:n]
    owners = np.concatenate([np.zeros(0, "i8"), *(_owners(rows, some) for some in _slices(n))])
    borrowed = owners[rows["flags"][owners] & rec.BORROWED != 0].tolist()
    hidden = {r for r in borrowed if r not in held} | {int(rows["producer"][r]) for r in borrowed if r in held}
    if hidden:
        owners = owners[[r not in hidden for r in owners.tolist()]]
    return Storages(rows["address"][owners], machine.layouts["nbytes"][rows["layout"][owners]], owners)


def _owners(rows: Any, some: slice) -> Any:
    """Which of some rows own memory."""
    those = rows[some]
    alive = (those["address"] != 0) & (those["flags"] & rec.FREE == 0)
    return some.start + np.flatnonzero(alive & (those["owner"] == some.start + np.arange(len(those))))


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


def analyse(trace: capturing.Trace, events: Any, before: Storages, arguments: list[int], known: set[int],
            left: set[int], varying: Mapping[int, int], loose: dict[int, tuple[int, int]],
            moving: Sequence[tuple[int, int, int]] = (), roll: bool = False, earlier: Iterable[Analysed] = (),
            of_large: bool = False) -> tuple[Analysed, list[Block], set[int]]:
    """Steps with their pointers resolved, the blocks taken, and the rows of outside memory used.

    `before` are the storages there were, `arguments` the owner rows of the arguments' storages in order, `known` those
    of the tensors that the function reaches by name: memory of both kinds counts as the latter. `left` are the
    addresses of what the call leaves behind; `varying`, by the event, are words that vary. Of the arguments that are
    `loose`, by number, only the bytes between two offsets may be used, and places count from the first. What is
    `moving` (an owner row, and two addresses) are arguments too, after the others, whatever else they lie in. Raises
    Refused for memory that is nobody's. Random draws come first, in their order, and the words that vary: they depend
    on nothing that the call computes. With `roll`, loops are found (those `of_large` kernel calls too), and where there
    are none waves. What was analysed `earlier` is not again.
    """
    taken = _taken(events)
    ends = np.concatenate([np.zeros(0, "i8"), *(
        first + np.flatnonzero(some["kind"] == rec.PART) for first, some in _pieces(events))])
    parts = len(ends) + 1
    lasting = taken.beginning(left)
    if trace.settled:
        trim_heap()  # before there are columns of all steps
    places = _Places(trace, events, ends, taken, before, _Outside(arguments, known, loose, moving), varying)
    used = places.blocks_used | lasting
    numbers = _numbers(used)
    starts, sizes = (taken.numbered(column, numbers) for column in (taken.starts, taken.nbytes))
    lasting, sizes = lasting[used], sizes.astype(_whole(int(sizes.max(initial=0))))
    del taken  # a third of what the table takes
    table = places.table(numbers, sizes)
    del numbers
    if trace.settled:
        trim_heap()
    draws = table.kind == rec.DRAWN
    drawn, rest = table.rows(draws), table.rows(~draws) if draws.any() else table
    digest = _digest(rest, drawn, sizes, lasting, trace.contents, parts) if roll and len(rest.kind) >= LONG else b""
    found = next((a for a in earlier if digest and a.digest == digest), None)
    if found is None:
        found = Analysed(digest, *_as_steps(rest, drawn, sizes, lasting, Steps(trace.contents), parts, roll, of_large))
    starts, sizes = np.append(starts, np.zeros(len(found.copied), "u8")), np.append(sizes, found.copied)
    blocks = [*map(Block, starts[found.taken].tolist(), sizes[found.taken].tolist()), *found.made]
    return found, blocks, places.outside


def _as_steps(rest: Table, drawn: Table, sizes: Any, lasting: Any, steps: Steps, parts: int, roll: bool, of_large: bool
              ) -> tuple[list[list[Any]], Any, list[Block], Any]:
    none = np.zeros(0, "i8")
    rolled = loops.found(rest, drawn, sizes, lasting, steps.contents, parts, of_large) if roll else None
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


def _digest(rest: Table, drawn: Table, sizes: Any, lasting: Any, contents: Sequence[bytes], parts: int) -> bytes:
    """What is equal for traces that do the same to the same places, of blocks of the same sizes."""
    found = hashlib.blake2b(repr((rest.kernels, parts)).encode())
    ready = np.array([*map(len, contents)], "i8"), np.frombuffer(b"".join(contents), "u1")
    for column in (*rest[1:-1], *drawn[1:-1], sizes, lasting, *ready):
        found.update(f"{column.dtype}{column.shape}".encode())
        found.update(np.ascontiguousarray(column).data)
    return found.digest()


class _Outside:
    """Memory that was there before the call: as places, where that may be used."""

    def __init__(self, arguments: list[int], known: set[int], loose: dict[int, tuple[int, int]],
                 moving: Sequence[tuple[int, int, int]]) -> None:
        self.numbers = {row: i for i, row in reversed([*enumerate(arguments)]) if row not in known}
        self.known, self.loose = known, loose
        self._parts: dict[int, list[tuple[int, int, int]]] = {}
        for k, (row, first, end) in enumerate(moving):
            start = int(buffers["address"][row])
            self._parts.setdefault(row, []).append((first - start, end - start, len(arguments) + k))

    def parts(self, row: int, offsets: Any) -> tuple[Any, Any]:
        """Of offsets in a storage: the number of the argument that is a part of it, or -1; how far in that they are."""
        numbers, begins = np.full(len(offsets), -1), np.zeros(len(offsets), "i8")
        for first, end, number in self._parts.get(row, ()):
            inside = (numbers < 0) & (offsets >= first) & (offsets < end)
            numbers[inside], begins[inside] = number, first
        return numbers, offsets - begins

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


def _pieces(events: Any) -> Iterator[tuple[int, Any]]:
    """Events, many at once and each piece with the number of its first: what is computed of one stays small."""
    for some in _slices(len(events)):
        yield some.start, events[some]


def _taken(events: Any) -> Storages:
    """The blocks that were taken during a capture, by which it was."""
    if len(events) <= capturing.AT_ONCE:
        those = events["kind"] == rec.TAKEN
        return Storages(capturing.addresses(events, those), events["b"][those])
    count = most = 0
    for _, some in _pieces(events):
        sizes = some["b"][some["kind"] == rec.TAKEN]
        count, most = count + len(sizes), max(most, int(sizes.max(initial=0)))
    starts, nbytes, found = np.empty(count, "u8"), np.empty(count, np.min_scalar_type(most)), 0
    for _, some in _pieces(events):
        those = some["kind"] == rec.TAKEN
        here = capturing.addresses(some, those)
        starts[found:found + len(here)], nbytes[found:found + len(here)] = here, some["b"][those]
        found += len(here)
    return Storages(starts, nbytes)


def _numbers(which: Any) -> Any:
    """By the block its number among those that are wanted, -1 for others; so has the one that comes last, for none."""
    found = np.full(len(which) + 1, -1, "i4")
    np.cumsum(which, dtype="i4", out=found[:-1])
    found[:-1] -= 1
    found[:-1][~which] = -1
    return found


class _Places:
    """The places of those events that are steps, row by row; they are looked for piece by piece.

    `blocks_used` are those that a step reads or computes. The others are the scratch of the ways that an operation
    goes: those of a first call would make it another. `outside` are the rows of outside memory that are used.
    """

    def __init__(self, trace: capturing.Trace, events: Any, ends: Any, taken: Storages, before: Storages,
                 outside: _Outside, varying: Mapping[int, int]) -> None:
        count = sum(int(np.count_nonzero(_IS_STEP[some["kind"]])) for _, some in _pieces(events))
        shape = count, max(int(events["n_pointers"].max(initial=1)), 1)
        far = max(int(s.nbytes.max(initial=0)) for s in (taken, before))
        self.outside: set[int] = set()
        self._kernels = np.zeros(0, "u8")  # in the order of their addresses
        self._number_of = np.zeros(0, "u2")
        self._used = np.zeros(len(taken.starts) + 1, bool)
        self._tags = np.array(sorted(varying), "i8"), np.array([varying[e] for e in sorted(varying)], "i8")
        self._table = Table([], np.zeros(count, "u1"), np.zeros(count, "u4"), np.zeros(count, "u8"),
                            np.zeros(count, np.min_scalar_type(len(ends))), np.zeros(count, "u1"),
                            np.zeros(count, "u1"), np.zeros(shape, "i1"), np.zeros(shape, "i4"),
                            np.zeros(shape, _whole(far)), np.zeros(count, "u8"))
        pointers, lines, row, pointer, call = capturing.pointers(), capturing.lines(trace, events), 0, 0, 0
        for first, piece in _pieces(events):
            at = first + np.flatnonzero(_IS_STEP[piece["kind"]])
            some = self._table.rows(slice(row, row + len(at)))
            pointer += self._piece(events[at], at, pointers[pointer:], some, taken, before, outside)
            some.part[:] = np.searchsorted(ends, at)
            calls = some.kind == rec.KERNEL
            count = int(np.count_nonzero(calls))
            some.line[calls] = lines[call:call + count]
            row, call = row + len(at), call + count
            trace.forget(first + len(piece), pointer, call)

    def _piece(self, events: Any, at: Any, pointers: Any, rows: Table, taken: Storages, before: Storages,
               outside: _Outside) -> int:
        """Fill some rows of the table; returns how many of the kernels' pointers they used."""
        rows.kind[:], rows.b[:] = events["kind"], events["b"]
        kernels, a = rows.kind == rec.KERNEL, capturing.addresses(events)
        rows.count[:] = np.where(kernels, events["n_pointers"], (rows.kind != rec.DRAWN) | (a != 0))
        rows.kernel[kernels] = self._kernel(a[kernels])
        used = rows.used
        addresses = np.zeros(used.shape, "u8")
        addresses[~kernels, 0] = a[~kernels]
        here = used & kernels[:, None]
        length = int(np.count_nonzero(here))
        addresses[here] = pointers[:length]
        nothing = self._nothing(rows)
        used &= ~nothing
        number, offset = np.full(used.shape, -1, "i8"), np.zeros(used.shape, "i8")
        number[used], offset[used] = taken.find(addresses[used])
        ready = (rows.kind == rec.WORD) | (rows.kind == rec.CONSTANT)
        self._used[number[~ready]] = True
        elsewhere = np.nonzero(used & (number < 0) & ~ready[:, None])
        self._lie_outside(elsewhere, *before.find(addresses[elsewhere]), outside, rows.space, number, offset)
        rows.space[nothing] = FIXED
        rows.number[:], rows.offset[:] = np.where(used, number, np.where(nothing, machine.literals[0], 0)), offset
        events_of, tags = self._tags
        if len(tags):
            which = np.minimum(np.searchsorted(events_of, at), len(tags) - 1)
            varies = events_of[which] == at
            rows.kind[varies], rows.b[varies] = _VARIES, (-1 - tags[which][varies]).astype("u8")
        return length

    def _nothing(self, rows: Table) -> Any:
        """Which places of some rows nothing is done to; what does nothing else, and cannot fail, is no step.

        They count as a number's: what has no elements may seem to lie in another storage, or in none.
        """
        found = np.zeros(rows.space.shape, bool)
        found[rows.kind == rec.ZEROED, 0] = rows.b[rows.kind == rec.ZEROED] == 0
        hollow = {at: nest.nothing for at, nest in [*machine.hollow.items()]}
        if hollow:
            for i in np.flatnonzero((rows.kind == rec.KERNEL) & np.isin(rows.b, [*hollow])).tolist():
                count = int(rows.count[i])
                found[i, :count] = [hollow[int(rows.b[i])] >> k & 1 for k in range(count)]
        for i in np.flatnonzero(found.any(1)).tolist():
            kernel = self._table.kernels[rows.kernel[i]] if rows.kind[i] == rec.KERNEL else 0
            effects = structural.effects.get(kernel)
            if found[i, :uses(rows.kind[i], kernel)[0]].all() and (effects is None or not effects.fails):
                rows.kind[i] = _NO_STEP
        return found

    def _kernel(self, addresses: Any) -> Any:
        """The numbers of kernels, in the order in which they are met."""
        known = np.append(self._kernels, ~np.uint64(0))
        new = addresses[known[np.searchsorted(self._kernels, addresses)] != addresses]
        if len(new):
            self._table.kernels.extend(dict.fromkeys(new.tolist()))
            order = np.argsort(np.array(self._table.kernels, "u8"))
            self._kernels, self._number_of = np.array(self._table.kernels, "u8")[order], order
        return self._number_of[np.searchsorted(self._kernels, addresses)]

    def _lie_outside(self, elsewhere: Any, rows: Any, far: Any, outside: _Outside, space: Any, number: Any, offset: Any
                     ) -> None:
        """Places in memory that was there before: in the `rows`, so `far` from where these begin."""
        order = np.argsort(rows, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(rows[order])) + 1) if len(order) else ():
            row, here = int(rows[group[0]]), (elsewhere[0][group], elsewhere[1][group])
            parts, offsets = outside.parts(row, far[group])
            rest = parts < 0
            if not rest.all():
                space[here], number[here], offset[here] = ARGUMENT, parts, offsets
                self.outside.add(row)
                group = group[rest]
                here = elsewhere[0][group], elsewhere[1][group]
                if not len(group):
                    continue
            argument, start = outside.place(row, far[group])
            self.outside.add(row)
            space[here], number[here] = (FIXED, row) if argument < 0 else (ARGUMENT, argument)
            offset[here] = far[group] - start

    @property
    def blocks_used(self) -> Any:
        return self._used[:-1]

    def table(self, numbers: Any, sizes: Any) -> Table:
        """The rows, over the blocks that have numbers alone, of these sizes; what was written into others is nobody's.
        """
        short = np.zeros(len(sizes) + 1, "u1")
        np.minimum(sizes, 8, out=short[:-1], casting="unsafe")
        table, kept = self._table, 0
        for _, some in table.pieces():
            own = some.own
            some.number[own] = numbers[some.number[own]]
            stays = (some.number[:, 0] >= 0) | ~np.isin(some.kind, (rec.WORD, rec.CONSTANT, _VARIES))
            stays &= some.kind != _NO_STEP
            words = some.kind == rec.WORD
            some.nbytes[words] = short[some.number[words, 0]]
            some.kind[some.kind == _VARIES] = rec.DRAWN
            those = slice(kept, kept + int(np.count_nonzero(stays)))
            for column, new in zip(table[1:-1], some.rows(stays)[1:-1]):
                column[those] = new
            kept = those.stop
        return table.rows(slice(0, kept))
