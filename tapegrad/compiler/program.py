"""A program in memory: its blocks laid out by liveness, its steps as native records, and the call that runs it."""
from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tapegrad import config
from tapegrad.compiler.superinstructions import constant_blocks
from tapegrad.compiler.traced_program import Block, Blocked, Loop, Place, Step
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter
from tapegrad.machine.live import machine
from tapegrad.machine.llvm import jit, late_binding
from tapegrad.machine.startup import address_of

_launch = machine.call.launch
_ALIGN = 64
_WORD = 8
_ALL_BITS = (1 << 64) - 1
_SMALL = 16 << 20
programs: weakref.WeakSet[Program] = weakref.WeakSet()  # those there are
on_made: Callable[[Program], None] | None = None  # told of each new one


def lay_out(blocks: Sequence[Block], steps: Sequence[Step | Blocked | Loop], apart: set[int], reuse: bool
             ) -> tuple[dict[int, int], int]:
    """Offsets of the blocks in one piece of memory, reused once a block was used for the last time.

    Blocks `apart` (constants, results) get no offset, or one of their own. Without `reuse`, for a program that will not
    run for long, small blocks simply follow each other.
    """
    if not reuse and sum(b.nbytes for b in blocks) < _SMALL:
        follow, end = {}, 0
        for number, block in enumerate(blocks):
            if number not in apart:
                follow[number], end = end, end - (-max(block.nbytes, 1) // _ALIGN) * _ALIGN
        return follow, end
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for t, step in enumerate(steps):
        for place in step.places:
            if place.kind == "own":
                first.setdefault(place.number, t)
                last[place.number] = t
    ends: dict[int, list[int]] = {}
    for index, t in last.items():
        ends.setdefault(t, []).append(index)
    starts: dict[int, list[int]] = {}
    for index, t in first.items():
        starts.setdefault(t, []).append(index)
    offsets: dict[int, int] = {}
    free: dict[int, list[int]] = {}  # by rounded size: programs use few sizes, over and over
    top = 0
    for t in range(len(steps)):
        for index in starts.get(t, ()):
            if index in apart:
                continue
            size = -(-max(blocks[index].nbytes, 1) // _ALIGN) * _ALIGN
            if free.get(size):
                offsets[index] = free[size].pop()
            else:
                offsets[index], top = top, top + size
        for index in ends.get(t, ()):
            if index in offsets:
                free.setdefault(-(-max(blocks[index].nbytes, 1) // _ALIGN) * _ALIGN, []).append(offsets[index])
    return offsets, top


class Program:
    """Steps that run with no Python between them.

    `results` are the blocks that leave the program; each call puts them into fresh memory. `undo` lists outside memory
    that is written before the last check, as (place, bytes): a call that breaks off restores it. `conditions` are
    words of memory as (address, mask, value), `writes` how often each storage that others see is written. Threads may
    share a program: `launch` is one native call, which the GIL makes whole. It is a program of `function`, or of its
    `backward`.
    """

    steps: np.ndarray[Any, Any]
    conditions: np.ndarray[Any, Any]

    def __init__(self, steps: Sequence[Step | Blocked | Loop], blocks: Sequence[Block], results: Sequence[int],
                 undo: Sequence[tuple[Place, int]], conditions: Any,
                 writes: Sequence[tuple[int, int]], reuse: bool = True, function: str = "", backward: bool = False
                 ) -> None:
        self.function: str = function
        self.backward: bool = backward
        self.results: list[int] = list(results)
        self._steps = steps  # and with them the loop nests
        kernels = _kernels(steps)
        emitter.bind(kernels)
        bound = {address: late_binding.bound(address) for address in kernels}
        fixed = set(constant_blocks(steps, set(results)))  # written now, once
        offsets, size = lay_out(blocks, steps, fixed | set(results), reuse)
        self._memory = np.zeros(size + _ALIGN, "u1")
        base = -(-address_of(self._memory) // _ALIGN) * _ALIGN
        self._constants = {i: np.zeros(max(blocks[i].nbytes, 8), "u1") for i in fixed}
        self._keep: list[Any] = []
        # where an address goes, of which argument, or result, and the offset
        self.argument_cells: list[tuple[int, int, int]] = []
        self.fresh_cells: list[tuple[int, int, int]] = []

        results_at = {number: i for i, number in reversed([*enumerate(self.results)])}
        constants_at = {number: address_of(content) for number, content in self._constants.items()}

        def resolve(place: Place, cell: int) -> int:
            """The address of a place; 0 where each run has another, which goes into the cell at this address."""
            if place.kind == "fixed":
                return place.number
            if place.kind == "argument":
                self.argument_cells.append((cell, place.number, place.offset))
                return 0
            if place.number in constants_at:
                return constants_at[place.number] + place.offset
            if place.number in offsets:
                return base + offsets[place.number] + place.offset
            self.fresh_cells.append((cell, results_at[place.number], place.offset))
            return 0

        # The pointers of all steps one after the other: an array for each cost more than all the rest.
        cells = np.zeros(len(undo) + sum(len(s.places) for s in steps if isinstance(s, Step)), "u8")
        values: list[int] = []
        start = address_of(cells)
        self._keep.append(cells)

        def pointed(places: Sequence[Place]) -> int:
            """Have the pointers to these places in cells that follow each other; the address of the first."""
            first = start + _WORD * len(values)
            values.extend([resolve(p, cell) for cell, p in _by_cell(first, places)])
            return first

        records: list[tuple[int, int, Any, Any, Any]] = []
        # What Python draws before a run, and whether it is used: which draw; below zero, a number that varies.
        self.draws: list[tuple[int, bool]] = []
        drawn_cells: list[int] = []
        # fields of steps that are an address, which comes from a pointer cell
        targets: list[tuple[int, str, int]] = []
        for place, nbytes in undo:
            saved = np.zeros(nbytes, "u1")
            self._keep.append(saved)
            targets.append((len(records), "b", pointed([place])))
            records.append((rec.COPY, 0, address_of(saved), 0, nbytes))
        for step in steps:
            if isinstance(step, Blocked):
                records.append((rec.BLOCKS, 0, self._blocked(step, resolve), 0, 0))
                continue
            if isinstance(step, Loop):
                records.append((rec.LOOP, 0, self._looped(step, resolve), 0, 0))
                continue
            if self._lies_ready(step):
                first, content = step.places[0], np.frombuffer(step.content, "u1")
                self._constants[first.number][first.offset:first.offset + len(content)] = content
                continue
            pointers = pointed(step.places)
            if step.kind == rec.DRAWN:
                self.draws.append((step.a, bool(step.places)))
                drawn_cells += [cell for cell, _ in _by_cell(pointers, step.places)]
                continue
            if step.kind == rec.KERNEL:
                records.append((rec.RUN, 0, bound[step.a], pointers, step.b))
                continue
            targets.append((len(records), "a", pointers))
            if step.kind == rec.ZEROED:
                records.append((rec.CLEAR, 0, 0, step.b, 0))
                continue
            content = np.frombuffer(step.content, "u1").copy()
            self._keep.append(content)
            kind = rec.COPY if step.kind == rec.CONSTANT else rec.CHECK
            records.append((kind, 0, 0, address_of(content), len(content)))
        self.steps = np.array(records, rec.PROGRAM_STEP) if records else np.zeros(0, rec.PROGRAM_STEP)
        cells[:len(values)] = values
        for index, field, cell in targets:
            self.steps[index][field] = values[(cell - start) // _WORD]
        first_step = address_of(self.steps)
        target_cells = [(first_step + index * rec.PROGRAM_STEP.itemsize + rec.offset_of(rec.PROGRAM_STEP, field), cell)
                        for index, field, cell in targets]
        self.conditions = conditions if isinstance(conditions, np.ndarray) else np.array(conditions, rec.CONDITION)
        self._writes = np.array(list(writes), rec.WRITE)
        self._record = np.zeros(1, rec.COMPILED)
        self._record["steps"] = self._record["undo"] = address_of(self.steps)
        self._record["n_steps"] = len(self.steps)
        self._record["conditions"] = address_of(self.conditions)
        self._record["n_conditions"] = len(self.conditions)
        self._record["writes"], self._record["n_writes"] = address_of(self._writes), len(self._writes)
        self._record["n_undo"] = len(undo)
        for field, rows in (("argument_cells", self.argument_cells), ("fresh_cells", self.fresh_cells),
                            ("targets", target_cells if self.argument_cells or self.fresh_cells else []),
                            ("drawn", drawn_cells)):
            table = np.array(rows, "u8").reshape(-1)
            self._keep.append(table)
            self._record[field], self._record[f"n_{field}"] = address_of(table), len(rows)
        self.address: int = address_of(self._record)
        self.size = size
        with jit.BUILDING:
            programs.add(self)
            if on_made is not None:
                on_made(self)

    def _lies_ready(self, step: Step | Blocked | Loop) -> bool:
        return step.kind == rec.CONSTANT and step.places[0].kind == "own" and step.places[0].number in self._constants

    @property
    def items(self) -> list[tuple[int, Step | Blocked | Loop | None]]:
        """What each of the native steps does, and its number; -1 and None for those that copy what a run that breaks
        off takes back."""
        undo = [(-1, None)] * int(self._record["n_undo"][0])
        return [*undo, *((t, s) for t, s in enumerate(self._steps)
                         if s.kind != rec.DRAWN and not self._lies_ready(s))]

    def run_through(self, kernel: int, first: int) -> None:
        """Have each step run by this kernel, which is given its address and its number, from `first` on."""
        steps = np.zeros_like(self.steps)
        numbers = np.arange(len(steps), dtype="u8")
        steps["kind"], steps["a"] = rec.RUN, kernel
        steps["b"], steps["c"] = address_of(self.steps) + numbers * steps.itemsize, first + numbers
        self._record["steps"], self._through = address_of(steps), steps

    def run_plainly(self) -> None:
        """The end of that."""
        self._record["steps"] = address_of(self.steps)

    def _blocked(self, step: Blocked, resolve: Any) -> int:
        """A BLOCKED record and all it refers to."""
        limit = max(int(machine.state["threads"][0]), config.threads())
        scratch = np.zeros(limit * step.scratch + _ALIGN, "u1")
        start = -(-address_of(scratch) // _ALIGN) * _ALIGN
        calls = np.zeros(len(step.calls), rec.BLOCKED_CALL)
        first = 0
        for run in step.runs:
            calls[first]["together"], calls[first]["turns"] = len(run.calls), run.turns
            first += len(run.calls)
        for record, call in zip(calls, step.calls):
            operands = np.zeros(len(call.operands), rec.BLOCKED_OPERAND)
            for j, operand in enumerate(call.operands):
                operands[j]["unit"], operands[j]["slot"] = operand.unit, operand.slot
                operands[j]["stride"] = operand.place.stride & _ALL_BITS
                if operand.private:
                    operands[j]["base"], operands[j]["own"] = start + operand.place.offset, step.scratch
                else:
                    cell = address_of(operands) + j * operands.itemsize + rec.offset_of(rec.BLOCKED_OPERAND, "base")
                    operands[j]["base"] = resolve(operand.place, cell)
            record["kernel"] = late_binding.bound(call.kernel)
            record["nest"], record["n_words"] = call.nest, call.n_words
            record["axis"], record["per_unit"], record["count"] = call.axis, call.per_unit, len(operands)
            record["operands"] = address_of(operands)
            self._keep.append(operands)
        blocked = np.zeros(1, rec.BLOCKED)
        blocked["calls"], blocked["n_calls"] = address_of(calls), len(calls)
        blocked["units"], blocked["block"], blocked["n_blocks"] = step.units, step.block, step.n_blocks
        blocked["limit"] = limit
        self._keep += [scratch, calls, blocked]
        return address_of(blocked)

    def _looped(self, step: Loop, resolve: Any) -> int:
        """A LOOPED record and all it refers to."""
        starts = np.zeros(len(step.places), "u8")
        pointers, strides = np.zeros_like(starts), np.array([p.stride for p in step.places], "i8")
        records = np.zeros(len(step.steps), rec.PROGRAM_STEP)
        starts[:] = [resolve(p, cell) for cell, p in _by_cell(address_of(starts), step.places)]
        cell = address_of(pointers)
        for record, inner in zip(records, step.steps):
            if inner.kind == rec.KERNEL:
                record["kind"], record["a"], record["b"], record["c"] = (
                    rec.RUN, late_binding.bound(inner.a), cell, inner.b)
            elif inner.kind == rec.ZEROED:
                record["kind"], record["a"], record["b"] = rec.CLEAR, cell, inner.b
            else:
                content = np.frombuffer(inner.content, "u1").copy()
                self._keep.append(content)
                record["kind"], record["a"], record["b"], record["c"] = (
                    rec.COPY, cell, address_of(content), len(content))
            cell += _WORD * len(inner.places)
        looped = np.zeros(1, rec.LOOPED)
        looped["turns"], looped["steps"], looped["n_steps"] = step.turns, address_of(records), len(records)
        looped["starts"], looped["pointers"], looped["strides"] = map(address_of, (starts, pointers, strides))
        looped["n_pointers"] = len(starts)
        self._keep += [starts, pointers, strides, records, looped]
        return address_of(looped)

    def launch(self, starts: Iterable[int] = (), fresh: Iterable[int] = (), drawn: Iterable[int] = ()) -> int:
        """Run on arguments, into results' memory, and with random numbers at these addresses; the status.

        A run that breaks off takes back what it wrote where others see it. Of each drawn array: its address, its bytes.
        """
        return _launch(self.address, tuple(starts), tuple(fresh), tuple(drawn))


def _kernels(steps: Sequence[Step | Blocked | Loop]) -> set[int]:
    calls = [c for s in steps if isinstance(s, Blocked) for c in s.calls]
    plain = [t for s in steps for t in (s.steps if isinstance(s, Loop) else (s,)) if isinstance(t, Step)]
    return {s.a for s in plain if s.kind == rec.KERNEL} | {c.kernel for c in calls}


def _by_cell(first: int, places: Sequence[Place]) -> Iterator[tuple[int, Place]]:
    """Places with the addresses of words that follow each other."""
    return zip(itertools.count(first, _WORD), places)
