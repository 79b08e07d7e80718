"""Rows of a trace that repeat, turn after turn, at places that lie equally far from those of the turn before.

Each row has a word, equal for rows that do the same at other places. Equal runs of words say which periods a loop may
have; where rows are in step with those one and two turns on, they are one, and of loops that overlap those are taken
that save most rows. `loops.py` makes them loops.
"""
from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes
from tapegrad.compiler.superinstructions import CHUNK
from tapegrad.compiler.trace_table import OWN, Table, written
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter, structural
from tapegrad.machine.kernels.products import product
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import machine
from tapegrad.named_tuples import NamedTuple

LEAST = 512  # rows that a loop must save: shorter programs are as well off without
TURNS = 4  # and so many turns it must have
UNROLLED = 8  # turns of a long loop whose steps are not too many for a program, if it is left for loops within
# Elements of a kernel call from which it is worth more to run block by block, on several threads; but in loops over a
# batch, of which a few samples are done at a time (`passes/lanes.py`).
LARGE = 4096
NUMBERS = {of.itemsize: of for of in (dtypes.uint8, dtypes.int16, dtypes.int32, dtypes.int64)}  # by their bytes
_MIX, _SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)


class Region(NamedTuple):
    """A loop: the first of its rows, how many there are in a turn, and the turns."""

    start: int
    period: int
    turns: int

    @property
    def end(self) -> int:
        return self.start + self.period * self.turns

    @property
    def body(self) -> slice:
        return slice(self.start, self.start + self.period)

    @property
    def second(self) -> slice:
        return slice(self.start + self.period, self.start + 2 * self.period)


class _Stretch(NamedTuple):
    """Rows from `start` to `end` that repeat: a loop, which may begin a few rows later."""

    start: int
    period: int
    end: int

    @property
    def turns(self) -> int:
        return (self.end - self.start) // self.period


_Runs = dict[int, tuple[Any, Any]]  # by the period: from where to where rows are in step


def barred_rows(table: Table, contents: Sequence[bytes]) -> tuple[Any, Any]:
    """The rows that are in no loop: where a replay must end, kernels that nobody knows; and those that are large."""
    barred, large = _must_end(table, contents), np.zeros(len(table.kind), bool)
    calls = table.kind == rec.KERNEL
    for number, address in enumerate(table.kernels):
        kernel, effects = emitter.kernels.get(address), structural.effects.get(address)
        known = product(address)
        if kernel is None and not (known and known.by_nest) and (effects is None or effects.fails):
            barred[calls & (table.kernel == number)] = True
        elif (kernel is None and effects is not None) or (kernel is not None and kernel.pattern == "1"):
            continue
        else:
            here = np.flatnonzero(calls & (table.kernel == number))
            nests = table.b[here]
            for nest in {*nests.tolist()}:
                kept, reduced = map(int, machine.memory(nest, "i8", 2))
                if math.prod(machine.memory(nest, "i8", 2 + kept + reduced)[2:].tolist()) >= LARGE:
                    large[here[nests == nest]] = True
    return barred, large


def regions(table: Table, sizes: Any, lasting: Any, barred: Any) -> list[Region]:
    """The loops of a table, of rows that may be in one."""
    likely = [*_regions(table, _words(table, sizes, lasting, barred), lasting)]
    return [r for r in likely if not barred[r.start:r.end].any() and _repeats(table, r)]


def _must_end(table: Table, contents: Sequence[bytes]) -> Any:
    """The rows of values that Python looked at, and that are not there any more later on, or are no single number."""
    guards = np.flatnonzero(table.kind == rec.GUARD)
    barred = np.zeros(len(table.kind), bool)
    if not len(guards):
        return barred
    seen, which = np.unique(_where(table.space[guards, 0], table.number[guards, 0]), return_inverse=True)
    last = np.full(len(seen), -1)  # row in which some memory is written
    for first, some in table.pieces():
        rows, j = np.nonzero(written(some))
        where = _where(some.space[rows, j], some.number[rows, j])
        at = np.minimum(np.searchsorted(seen, where), len(seen) - 1)
        looked_at = seen[at] == where
        np.maximum.at(last, at[looked_at], first + rows[looked_at])
    widths = np.array([*map(len, contents)])[table.b[guards].astype("i8")]
    numbers = np.isin(widths, [*NUMBERS])
    table.nbytes[guards] = np.where(numbers, widths, 0)
    barred[guards] = ~numbers | (last[which] > guards)
    return barred


def _where(space: Any, number: Any) -> Any:
    """Which memory some places lie in, as a number each."""
    return space.astype("i8") << 32 | number


def _mix(words: Any, column: Any) -> None:
    """Mix a column into words: it may be the words themselves, further on."""
    for first in range(0, len(words), capturing.AT_ONCE):
        some, mixed_in = (all_[first:first + capturing.AT_ONCE] for all_ in (words, column))
        mixed_in = mixed_in.astype("u8")
        some *= _MIX
        some += mixed_in
        some ^= some >> _SHIFT


def _words(table: Table, sizes: Any, lasting: Any, barred: Any) -> Any:
    """A word for each row, equal for rows that do the same at other places."""
    found = np.zeros(len(table.kind), "u8")
    kinds = np.zeros(len(sizes) + 1, sizes.dtype)  # sums of whole columns would each be another
    kinds[:-1] = sizes
    kinds *= 2
    kinds[:-1] += lasting
    for first, rows in table.pieces():
        some = slice(first, first + len(rows.kind))
        words = found[some]
        for column in (rows.kind, rows.kernel, rows.b * np.isin(rows.kind, (rec.KERNEL, rec.ZEROED)), rows.part):
            _mix(words, column)
        used, own = rows.used, rows.own
        for j in range(used.shape[1]):
            what = np.where(own[:, j], kinds[np.where(own[:, j], rows.number[:, j], len(sizes))], rows.number[:, j])
            _mix(words, np.where(used[:, j], what, 0))
            _mix(words, rows.space[:, j] + 4 * used[:, j])
        own_word = words.copy()
        _mix(own_word, first + np.arange(len(words)))
        words[barred[some]] = own_word[barred[some]]
    return found


def _distances(words: Any) -> list[int]:
    """How far apart equal runs of a few rows are, the most frequent first: among these the periods are."""
    found: dict[int, None] = {}
    for length in (4, 32):
        grams, mixed = words.copy(), 1
        while mixed < length and len(grams) > mixed:
            _mix(grams[:-mixed], grams[mixed:])
            grams = grams[:-mixed]
            mixed *= 2
        if mixed < length:
            break
        # In order, with the row that each is of in place of its last bits: two that differ are seldom equal then.
        bits = np.uint64(len(grams).bit_length())
        grams >>= bits
        grams <<= bits
        for first in range(0, len(grams), capturing.AT_ONCE):
            some = grams[first:first + capturing.AT_ONCE]
            some += np.arange(first, first + len(some), dtype="u8")
        grams.sort(kind="stable")
        counts = np.zeros(len(words) // TURNS + 1, "i4")
        for first in range(0, len(grams), capturing.AT_ONCE):
            some = grams[first:first + capturing.AT_ONCE + 1]
            run = some >> bits
            far = np.diff(some)[run[1:] == run[:-1]].astype("i8")
            far = far[far < len(counts)]
            counts[:far.max(initial=-1) + 1] += np.bincount(far)
        if counts.any():
            found.update(dict.fromkeys(d for d in np.argsort(counts, kind="stable")[:-9:-1].tolist() if counts[d]))
        del grams, some, run  # before there are others
    return [*found]


def _regions(table: Table, words: Any, lasting: Any) -> Iterator[Region]:
    """Loops that do not overlap, those that save most rows first."""
    runs = {period: found for period in _distances(words) for found in [_runs(table, words, lasting, period)]
            if len(found[0])}
    if not runs:
        return
    first, last = _touches(table, len(lasting))
    todo = [(0, len(words))]
    while todo:
        low, high = todo.pop()
        best = _longest(runs, low, high)
        while best is not None and best.period > CHUNK and _is_made_of_loops(runs, best):
            best = _longest(runs, low, high, best.period)
        if best is not None:
            region = _turned(best.start, best.end, best.period, first, last)
            yield region
            todo += [(low, region.start), (region.end, high)]


def _longest(runs: _Runs, low: int, high: int, below: int = 1 << 62) -> _Stretch | None:
    """The loop that saves most rows between two rows, of those whose turns are shorter than that."""
    best: _Stretch | None = None
    most = LEAST - 1
    for period, (starts, ends) in runs.items():
        if period < below:
            start, end = np.maximum(starts, low), np.minimum(ends, high - 2 * period)
            turns = np.where(end > start, (end - start) // period + 2, 0)
            at = int(turns.argmax())
            gain = (int(turns[at]) - 1) * period
            if turns[at] >= TURNS and gain > most:
                best, most = _Stretch(int(start[at]), period, int(end[at]) + 2 * period), gain
    return best


def _is_made_of_loops(runs: _Runs, outer: _Stretch) -> bool:
    """Whether a turn is hardly more than loops itself: each of these can be a kernel, its long body is many.

    What is left of all turns beside them must be few steps, for each is analysed by itself.
    """
    rest, todo = outer.period, [(outer.start, outer.start + outer.period)]
    while todo:
        low, high = todo.pop()
        inner = _longest(runs, low, high, outer.period)
        if inner is not None:
            rest -= inner.period * (inner.turns - 1)
            todo += [(low, inner.start), (inner.end, high)]
    return rest * outer.turns <= UNROLLED * outer.period


def _runs(table: Table, words: Any, lasting: Any, period: int) -> tuple[Any, Any]:
    """From where to where each row is like those one and two turns on, at places that are equally far apart."""
    alike = words[:-period] == words[period:]
    likely = _long(alike[:-period] & alike[period:], period, 0)
    found = [_long(_in_step(table.rows(slice(start, end + 2 * period)), lasting, period), period, start)
             for start, end in zip(*(edges.tolist() for edges in likely))]
    starts, ends = ([pair[k] for pair in found] for k in range(2))
    return (np.concatenate(starts), np.concatenate(ends)) if found else likely


def _long(alike: Any, period: int, first: int) -> tuple[Any, Any]:
    """From where to where all are alike, of `first` and those after it, for as long as a loop must be."""
    edges = np.flatnonzero(np.diff(alike, prepend=False, append=False)) + first
    starts, ends = edges[::2], edges[1::2]
    enough = ends - starts >= max((TURNS - 2) * period, LEAST - 2 * period)
    return starts[enough], ends[enough]


def _in_step(table: Table, lasting: Any, period: int) -> Any:
    """Which rows lie as far from those one turn on as these from those two turns on."""
    alike = np.ones(len(table.kind) - 2 * period, bool)
    for j in range(table.used.shape[1]):
        for column in (table.number[:, j], table.offset[:, j]):
            by = column[period:] - column[:-period]
            alike &= by[:-period] == by[period:]
        number, own = table.number[:, j], (table.count > j) & (table.space[:, j] == OWN)
        stays = number[period:] == number[:-period]
        outlives = own & np.append(lasting, False)[np.where(own, number, len(lasting))]
        alike &= (stays | ~outlives[:-period])[:-period]
    return alike


def _touches(table: Table, count: int) -> tuple[Any, Any]:
    """The first and the last row that each block is used in."""
    first, last = np.full(count, len(table.kind), "i4"), np.full(count, -1, "i4")
    for before, some in table.pieces():
        rows, j = np.nonzero(some.own)
        number, rows = some.number[rows, j], (before + rows).astype("i4")
        np.minimum.at(first, number, rows)
        np.maximum.at(last, number, rows)
    return first, last


def _turned(start: int, end: int, period: int, first: Any, last: Any) -> Region:
    """A loop that begins where the fewest blocks pass from one turn to the next: they need not be kept then."""
    turns = (end - start) // period
    middle = start + turns // 2 * period
    inside = (first >= start) & (last < end) & (last > first)
    low, high = np.maximum(first[inside] + 1, middle), np.minimum(last[inside] + 1, middle + period)
    low, high = low[low < high], high[low < high]
    passing = np.cumsum(np.bincount(low - middle, minlength=period + 1) - np.bincount(high - middle,
                                                                                     minlength=period + 1))
    shift = int(passing[:period].argmin())
    turns = (end - start - shift) // period
    return Region(start + shift, period, turns)


def _repeats(table: Table, region: Region) -> bool:
    """Whether the rows are what their words say: no two that differ had the same by chance."""
    if region.turns < TURNS:
        return False
    rows = table.rows(slice(region.start, region.end))
    kernels = rows.kind == rec.KERNEL
    columns = (rows.kind, rows.kernel, rows.b * (kernels | (rows.kind == rec.ZEROED)), rows.part, rows.nbytes,
               rows.count, rows.space)
    by_turn = [c.reshape(region.turns, region.period, *c.shape[1:]) for c in columns]
    number, offset = (c.reshape(region.turns, region.period, -1) for c in (rows.number, rows.offset))
    elsewhere = rows.space[:region.period] != OWN
    return all((c == c[0]).all() for c in by_turn) and all(
        (c[1:] - c[:-1] == c[1] - c[0]).all() for c in (number, offset)) and (number[0] == number[1])[elsewhere].all()
