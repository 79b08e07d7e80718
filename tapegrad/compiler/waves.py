"""Waves: long runs of scalars that no loop was found in, as kernels that go through tables of places.

A recursion leaves 10^5 scalar steps in no order that repeats. Compiled as straight-line code they would take LLVM
seconds, and each value its own pointer. But many of them do the same, and few wait for each other: those that are
computed by one kernel, of what is there by then, are a wave, which is one call of a kernel that reads where its
operands lie from a table (`machine.kernels.gather_writer`). Values lie in one array, each wave's one after the other.
Short vectors take part as the scalars that they are made of.

Which values there are is worked out natively (`machine.dataflow`): equal ones are one, and what nobody needs is left
out. Each is computed by the kernel's own rule, so that the answers are the same.
"""
from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes
from tapegrad.compiler import traced_program as cap
from tapegrad.compiler.trace_table import ARGUMENT, FIXED, OWN, Steps, Table
from tapegrad.compiler.traced_program import Block, Place, Step, kernel_of
from tapegrad.machine import dataflow
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import SLOT, costs_much, emitter
from tapegrad.machine.live import machine
from tapegrad.machine.llvm import late_binding
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.scalar import scalar
from tapegrad.ops.symbols import Sym, substitute, walk

LEAST = 4096  # rows that a run must have: LLVM compiles fewer in no time
WIDE = 8  # values that a wave must have, taken together: each is a call
SHORT = 64  # elements of a vector that is as good as so many scalars
_ZEROS = 2048  # bytes that are cleared as scalars
_OPERANDS = 8
_CELLS = 1 << 28
_BITS = {d.itemsize: d for d in (dtypes.uint8, dtypes.int16, dtypes.int32, dtypes.int64)}


class _Kernel(NamedTuple):
    """A kernel of the trace whose calls may take part: as the rule of one element."""

    region: emitter.Region
    rule: int
    adds: bool
    letters: str  # of its places: 0 for one that is the same for all elements

    @property
    def itemsizes(self) -> list[int]:
        return [d.itemsize for d in (*self.region.outputs, *self.region.inputs)]

    def gathering(self) -> int:
        """The address of the kernel that computes the same at places of a table, one value after the other."""
        inputs, (value,), (out,), per_row = self.region
        if self.adds:
            inputs = (out, *inputs)
            (value,) = substitute((value,), {i: Sym.operand(i + 1, d) for i, d in enumerate(inputs[1:])})
            value = scalar.add(Sym.operand(0, out), value).cast(out)
        return emitter.compile_region(emitter.Region(inputs, (value,), (out,), per_row), "~m" + "i" * len(inputs),
                                      (False,))


def _known(address: int) -> _Kernel | None:
    """What a kernel computes for each element by itself, if it is one that does."""
    kernel = emitter.kernels.get(address)
    if kernel is None or len(kernel.region.outputs) != 1 or any(kernel.region.per_row):
        return None
    region, pattern, (adds,) = kernel
    (value,), (out,) = region.values, region.outputs
    everything = (*region.inputs, out)
    if len(everything) > _OPERANDS or any(d.itemsize > SLOT or d.category > 2 for d in everything) or any(
            n.op in ("reduce", "index", "count") for n in walk((value,))):
        return None
    letters = pattern
    if pattern == "1":
        letters = "c" * len(everything)
    elif set(pattern) - set("c0") or pattern[0] != "c" or costs_much([value.cast(out)]):
        return None  # functions give vectors other last bits
    rule = dataflow.ANY
    if value.op == "operand" and region.inputs == (out,) and out is not dtypes.bool_:  # whose copies hold 0 and 1 alone
        rule = dataflow.COPY if not adds else (
            dataflow.ADD if out in (dtypes.float32, dtypes.float64) else
            dataflow.ADD_WHOLE if out.category == 1 else dataflow.ANY)
    return _Kernel(region, rule, adds, letters)


class _Trace:
    """A table's rows as `dataflow` takes them: what each does, to how many elements. `fit` are those that may."""

    def __init__(self, table: Table, contents: Sequence[bytes]) -> None:
        self.table = table
        rows = len(table.kind)
        self.fit = np.zeros(rows, bool)
        self.act, self.kernel = np.zeros(rows, "u1"), np.zeros(rows, "u4")
        self.count, self.word = np.ones(rows, "u4"), np.zeros(rows, "u8")
        self.kernels: list[_Kernel] = []
        calls = np.flatnonzero(table.kind == rec.KERNEL)
        self.act[calls] = dataflow.CALL
        kernels = table.kernel[calls]
        for number, address in enumerate(table.kernels):
            known = _known(address)
            if known is None:
                continue
            here = calls[kernels == number]
            self.kernel[here] = len(self.kernels)
            self.kernels.append(known)
            self._counted(here, emitter.kernels[address].pattern)
        zeroed = table.kind == rec.ZEROED
        self.fit |= zeroed & (table.b <= _ZEROS)
        self._written(np.flatnonzero((table.kind == rec.WORD) | (table.kind == rec.CONSTANT)), contents)

    def _counted(self, here: Any, pattern: str) -> None:
        if pattern == "1":
            self.fit[here] = True
            return
        nests = self.table.b[here]
        for nest in np.unique(nests).tolist():
            kept, reduced, count = map(int, machine.memory(nest, "i8", 3))
            if (kept, reduced) == (1, 0) and count <= SHORT:
                same = here[nests == nest]
                self.fit[same], self.count[same] = True, count

    def _written(self, here: Any, contents: Sequence[bytes]) -> None:
        """Constants that are one element."""
        table = self.table
        self.act[here] = dataflow.LITERAL
        self.nbytes = np.zeros(len(self.fit), "i8")  # that are written
        words = here[table.kind[here] == rec.WORD]
        self.nbytes[words] = table.nbytes[words]
        self.word[words] = table.b[words].astype("u8") & (~np.uint64(0) >> (64 - 8 * self.nbytes[words]).astype("u8"))
        for row in here[table.kind[here] == rec.CONSTANT].tolist():
            content = contents[int(table.b[row])]
            if len(content) <= SLOT:
                self.nbytes[row], self.word[row] = len(content), int.from_bytes(content, "little")
        self.fit[here] = np.isin(self.nbytes[here], [*_BITS])

    def runs(self) -> Iterator[tuple[int, int]]:
        """From where to where there are enough rows of one part that fit, one after the other."""
        changes = np.diff(self.fit, prepend=False, append=False)
        changes[1:-1] |= np.diff(self.table.part) != 0
        for start, end in itertools.pairwise(np.flatnonzero(changes).tolist()):
            if end - start >= LEAST and self.fit[start]:
                yield start, end


class _Memory:
    """The memory that a run of rows uses: spaces, and in each the cells of `unit` bytes from the lowest on."""

    def __init__(self, trace: _Trace, start: int, end: int, elsewhere: Any) -> None:
        run = slice(start, end)
        table = trace.table.rows(run)
        row, at = np.nonzero(table.used)
        space, number, offset = table.space[row, at], table.number[row, at], table.offset[row, at]
        where = offset.astype("i8")
        blocks, others = len(elsewhere), np.flatnonzero(space != OWN)  # spaces are blocks, and after them the others
        named, which = np.unique(number[others].astype("i8") * 3 + space[others], return_inverse=True)
        self.of = number.astype("i8")
        self.of[others] = blocks + which
        self.names = np.append(np.arange(blocks), named // 3)
        self.kinds = np.append(np.full(blocks, OWN), named % 3)
        self.outside = np.append(elsewhere, np.ones(len(named), bool))
        act, count = trace.act[run], trace.count[run]
        itemsize, walks = _by_place(trace.kernels, table.used.shape[1])
        kernel = trace.kernel[run]
        size = np.where(act[row] == dataflow.CALL, itemsize[kernel[row], at], trace.nbytes[run][row])
        self.step = (walks[kernel[row], at] & (act[row] == dataflow.CALL)).astype("u4")
        # An element is what kernels take for one; a word that is written may be longer than the element that is read.
        called, literal = act[row] == dataflow.CALL, act[row] == dataflow.LITERAL
        unit, most = np.full(len(self.names), 1 << 62), np.zeros(len(self.names), "i8")
        for kind in (called, literal):
            some = kind & ((unit == 1 << 62)[self.of] if kind is literal else True)
            np.minimum.at(unit, self.of[some], size[some])
            np.maximum.at(most, self.of[some], size[some])
        unit = np.where(most == 0, 1, unit)
        self.unit, each = unit, unit[self.of]
        span = np.where(literal, each, np.where(called, size * (1 + (count[row].astype("i8") - 1) * self.step),
                                                table.b[row].astype("i8")))
        self.low, high = np.full(len(self.names), 1 << 62), np.zeros(len(self.names), "i8")
        np.minimum.at(self.low, self.of, where)
        np.maximum.at(high, self.of, where + span)
        high = np.maximum(high, self.low)  # of blocks that the run does not use
        cells = -(-(high - self.low) // unit)
        far = where - self.low[self.of]
        longer = literal & (size != each)
        self.fits = bool(((most == 0) | (most == unit)).all() and not (far % each).any() and not (span % each).any()
                         and (size >= each)[longer].all() and (cells[self.of[longer]] == 1).all()
                         and cells.sum() < _CELLS and (high - self.low).max(initial=0) < 1 << 32)
        self.shared = self.outside[:blocks] & (cells[:blocks] > 0)  # blocks that others use too
        self.starts = np.cumsum(cells) - cells
        self.cell = self.starts[self.of] + far // unit[self.of]
        self.cells = cells
        zeroed = np.flatnonzero(act == dataflow.ZERO)
        firsts = np.searchsorted(row, np.arange(end - start))
        count = count.copy()
        count[zeroed] = (table.b[zeroed].astype("i8") // unit[self.of[firsts[zeroed]]]).astype("u4")
        word = trace.word[run].copy()
        word[row[literal]] &= ~np.uint64(0) >> (64 - 8 * np.minimum(each[literal], SLOT)).astype("u8")
        self.rows = dataflow.Rows(act, kernel, count, firsts.astype("u4"), word, self.cell.astype("u4"), self.step)

    def place(self, space: int, numbers: Any) -> Place:
        """Where a space's cells begin."""
        kind, name, low = int(self.kinds[space]), int(self.names[space]), int(self.low[space])
        if kind == FIXED:
            return Place("fixed", cap.addresses.item(name) + low, name)
        return Place("argument", name, low) if kind == ARGUMENT else Place("own", int(numbers[name]), low)

    def by_space(self, cells: Any) -> Iterator[tuple[int, Any, Any]]:
        """Cells by the space that they lie in: it, which of the cells, and how many bytes from its first."""
        space = np.searchsorted(self.starts, cells, "right") - 1
        order = np.argsort(space, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(space[order])) + 1) if len(order) else ():
            one = int(space[group[0]])
            yield one, group, (cells[group] - self.starts[one]) * self.unit[one]


def _by_place(kernels: Sequence[_Kernel], most: int) -> tuple[Any, Any]:
    """For each kernel the bytes of an element of each place, and whether it goes from element to element."""
    itemsize, walks = np.zeros((len(kernels) + 1, most), "i8"), np.zeros((len(kernels) + 1, most), bool)
    for k, kernel in enumerate(kernels):
        itemsize[k, :len(kernel.letters)] = kernel.itemsizes
        walks[k, :len(kernel.letters)] = [letter == "c" for letter in kernel.letters]
    return itemsize, walks


def is_wave(step: Any) -> bool:
    """Whether a step is one of a wave's."""
    kernel = kernel_of(step)
    return kernel is not None and kernel.pattern.startswith("~")


class Woven:
    """A table with its waves: the steps of each of its parts, over the blocks that are `kept`, and that were `made`."""

    def __init__(self, table: Table, drawn: Table, steps: Steps, lasting: Any, made: Sequence[_Run], parts: int
                 ) -> None:
        kept = lasting | _touched(drawn, len(lasting))
        rest = np.ones(len(table.kind), bool)
        for run in made:
            rest[run.start:run.end] = False
            kept |= run.memory.shared
        kept |= _touched(table.rows(rest), len(lasting))
        self.kept: np.ndarray[Any, Any] = np.flatnonzero(kept)
        numbers = np.cumsum(kept) - 1
        self.made: list[Block] = []  # those of the waves, at no address of the capture's
        self.parts: list[list[Any]] = []
        runs = [*made]
        for at, end in itertools.pairwise(np.searchsorted(table.part, np.arange(parts + 1)).tolist()):
            found = [] if self.parts else steps(_renumbered(drawn, numbers))
            while runs and runs[0].start < end:
                run = runs.pop(0)
                found += steps(_renumbered(table.rows(slice(at, run.start)), numbers))
                found += run.steps(numbers, len(self.kept) + len(self.made))
                self.made += run.blocks
                at = run.end
            self.parts.append(found + steps(_renumbered(table.rows(slice(at, end)), numbers)))


def found(table: Table, drawn: Table, steps: Steps, lasting: Any, parts: int) -> Woven | None:
    """The table, of so many parts, with its waves, if there are any; `lasting` says which blocks outlive the call."""
    if len(table.kind) < LEAST:
        return None
    trace = _Trace(table, steps.contents)
    made = []
    for start, end in trace.runs():
        run = _Run.of(trace, drawn, start, end, lasting)
        if run is not None:
            made.append(run)
    return Woven(table, drawn, steps, lasting, made, parts) if made else None


def _touched(table: Table, count: int) -> Any:
    found = np.zeros(count, bool)
    found[table.number[table.own]] = True
    return found


def _renumbered(table: Table, numbers: Any) -> Table:
    own = table.own
    number = table.number.copy()
    number[own] = numbers[number[own]]
    return table._replace(number=number)


class _Run:
    """Rows of a table, from `start` to `end`, as waves: two blocks, of values and of tables, and steps over them."""

    def __init__(self, start: int, end: int, memory: _Memory, values: dataflow.Values, kernels: Sequence[_Kernel],
                 lines: Any) -> None:
        self.start, self.end = start, end
        self.lines: tuple[int, ...] = tuple(np.unique(lines[lines != 0]).tolist())
        self.memory, self.values, self.kernels = memory, values, kernels
        needed = np.flatnonzero(values.needed)
        key = values.wave[needed].astype("i8") * (len(kernels) + dataflow.KERNEL) + values.kind[needed]
        order = np.argsort(key.astype("u2") if key.max(initial=0) < 1 << 16 else key, kind="stable")
        edges = np.flatnonzero(np.diff(key[order])) + 1
        self.groups: list[Any] = np.split(needed[order], edges) if len(order) else []
        self.blocks: list[Block] = []
        self.wide = len(needed) >= WIDE * len(self.groups)

    @classmethod
    def of(cls, trace: _Trace, drawn: Table, start: int, end: int, lasting: Any) -> _Run | None:
        count = len(lasting)
        elsewhere = lasting | _touched(drawn, count)
        for rows in (trace.table.rows(slice(0, start)), trace.table.rows(slice(end, None))):
            elsewhere = elsewhere | _touched(rows, count)
        memory = _Memory(trace, start, end, elsewhere)
        if not memory.fits:
            return None
        kernels = dataflow.Kernels(*(np.array(column, "u1") for column in zip(
            *((k.rule, len(k.region.inputs) + k.adds, k.adds) for k in trace.kernels))))
        values = dataflow.trace_values(memory.rows, kernels, np.repeat(memory.outside, memory.cells))
        run = None if values is None else cls(start, end, memory, values, trace.kernels,
                                                  trace.table.line[start:end])
        return run if run is not None and run.wide else None

    def steps(self, numbers: Any, first: int) -> list[Step]:
        """The steps, with blocks by their new `numbers`, of which the run's own are the `first` and the next."""
        values, memory = self.values, self.memory
        at = np.zeros(len(values.kind), "i8")  # where each value lies
        top = 0
        found: list[Step] = []
        tables: list[Any] = []
        words = 0

        def call(kernel: int, target: Place, sources: Sequence[Place], table: Any) -> None:
            nonlocal words
            nest = machine.keep_nest([0, 0, len(table)])
            found.append(Step(rec.KERNEL, kernel, nest, (target, *sources, Place("own", first + 1, 4 * words)), b"",
                              self.lines))
            tables.append(np.ascontiguousarray(table, "u4"))
            words += table.size

        late_binding.want(1)
        try:
            gathering = [k.gathering() for k in self.kernels]
            for group in self.groups:
                kind = int(values.kind[group[0]])
                here = Place("own", first, top)
                if kind == dataflow.WORD:
                    halves = np.ascontiguousarray(values.operands[group, :2])
                    found.append(Step(rec.CONSTANT, 0, 0, (here,), halves.tobytes()))
                    at[group] = top + SLOT * np.arange(len(group))
                    top += SLOT * len(group)
                elif kind == dataflow.LOAD:
                    for space, some, offsets in memory.by_space(values.operands[group, 0].astype("i8")):
                        call(_moving(int(memory.unit[space]), "~mi"), Place("own", first, top),
                             [memory.place(space, numbers)], offsets[:, None])
                        at[group[some]] = top + SLOT * np.arange(len(some))
                        top += SLOT * len(some)
                else:
                    at[group] = top + SLOT * np.arange(len(group))
                    top += SLOT * len(group)
                    kernel = kind - dataflow.KERNEL
                    operands = values.operands[group, :len(self.kernels[kernel].region.inputs)
                                               + self.kernels[kernel].adds]
                    call(gathering[kernel], here, [Place("own", first, 0)] * operands.shape[1], at[operands])
            for space, some, offsets in memory.by_space(values.into.astype("i8")):
                call(_moving(int(memory.unit[space]), "~ii"), memory.place(space, numbers), [Place("own", first, 0)],
                     np.stack([offsets, at[values.stored[some]]], 1))
        finally:
            late_binding.want(-1)
        content = b"".join([t.tobytes() for t in tables])
        self.blocks = [Block(0, max(top, SLOT)), Block(0, len(content))]
        return [Step(rec.CONSTANT, 0, 0, (Place("own", first + 1, 0),), content), *found]


def _moving(nbytes: int, pattern: str) -> int:
    """The kernel that moves elements of so many bytes."""
    of = _BITS[nbytes]
    return emitter.compile_region(emitter.Region((of,), (Sym.operand(0, of),), (of,), (False,)), pattern, (False,))
