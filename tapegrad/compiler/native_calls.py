"""The native way through a call: for functions of plain tensors, numbers that vary, and random draws.

What it leaves out goes the longer way in `variant.py`: arguments with histories. What Python has to look at before
(`slow` containers, the formula of numbers that vary) and to draw it does here.
"""
from __future__ import annotations

import struct
from typing import Any

import numpy as np

from tapegrad import dtypes
from tapegrad.compiler.captured_call import Output
from tapegrad.compiler.guards.contents import MISSING, Watched
from tapegrad.compiler.numbers.formula import Formula
from tapegrad.compiler.numbers.places import Place
from tapegrad.compiler.program import Program
from tapegrad.compiler.pytrees import SIMPLE, Masked, number_of, unflatten
from tapegrad.compiler.traced_program import addresses
from tapegrad.compiler.variant import Variant
from tapegrad.machine import records as rec
from tapegrad.machine.live import layouts, machine
from tapegrad.machine.startup import address_of
from tapegrad.tensor import Tensor

_replay, _empty = machine.call.replay, machine.call.empty
_KINDS = {"fresh": rec.OF_FRESH, "part": rec.OF_PART, "argument": rec.OF_ARGUMENT, "held": rec.OF_HELD}


class Quick:
    """A variant as one native record; `address` is what the native call takes."""

    variant: Variant
    program: Program
    passed: list[int]
    count: int

    def __init__(self, variant: Variant, lies: tuple[int, ...], recording: bool, passed: list[int]) -> None:
        captured, program = variant.captured, variant.program
        self.variant, self.program = variant, program
        self.formula: Formula | None = captured.formula
        self.slow: list[Watched] = variant.reach.without_words
        self.passed, self.count = passed, len(passed) + len(lies)  # which arguments are numbers
        self.tensors: list[int] = [i for i in range(self.count) if i not in passed]
        # What `flatten` met of the arguments, where some are numbers: the pair that they are, a tuple and a dict.
        self.containers: tuple[None, ...] = (None,) * 3 if passed else ()
        self.places: list[Place] = variant.reach.varying_places()
        self.leaves: bool = self.formula is not None and bool(self.formula.writes or self.formula.outputs)
        # whether it is all native
        self.plainly: bool = self.formula is None and not self.slow and not captured.draws
        self._keep: list[Any] = []
        self._record = record = np.zeros(1, rec.REPLAY)
        record["program"], record["recording"] = program.address, recording
        record["default_dtype"] = machine.state["default_dtype"]
        names = [(id(where), id(name), 0 if value is MISSING else id(value)) for where, name, value in
                 variant.reach.names]
        self._keep.append(variant.reach)
        self._draws, drawn = self._drawing()
        self.streams: list[Any] = [*{id(d.stream): d.stream for d in captured.draws}.values()]
        self._table("names", names)
        self._table("layouts", lies, "u4", "n_arguments")
        self._table("known", sorted(captured.known), "u4")
        self._table("fresh", variant.layouts, "u4")
        self._table("numbers", drawn)
        self.form: int = self._results()
        record["form"] = self.form
        # Whether what the native call gives is the result.
        self.whole: bool = self.form in (rec.ONE_TAKEN, rec.ONE_RESULT) or (
            self.form == rec.SEVERAL_RESULTS and not captured.reads
            and captured.structure == (tuple, None, (Tensor,) * len(captured.returned)))
        self.address: int = address_of(record)

    def _table(self, field: str, values: Any, dtype: str = "u8", count: str = "") -> None:
        array = np.array(values, dtype).reshape(-1)
        self._keep.append(array)
        self._record[field], self._record[count or f"n_{field}"] = address_of(array), len(values)

    def _drawing(self) -> tuple[list[tuple[Any, int]], list[tuple[int, int]]]:
        """The call's draws, each with the layout of memory for its numbers (0: none are wanted); for each number that
        the program wants, which word it is, and how many bytes are drawn."""
        computed = len(self.formula.graph.uses) if self.formula else 0
        draws: list[tuple[Any, int]] = []
        wanted = []
        for number, used in self.program.draws:
            if number < 0:
                wanted.append((-1 - number, 0))
                continue
            draw, layout = self.variant.captured.draws[number], None
            if used:
                n, of, *_ = draw.given
                layout = layouts.intern(dtypes.uint8, (n * of.itemsize,))
                self._keep.append(layout)  # whose number native code has
                wanted.append((computed + sum(lies != 0 for _, lies in draws), layout.nbytes))
            draws.append((draw, layout.id if layout else 0))
        return draws, wanted

    def _results(self) -> int:
        """Lay down what a run leaves behind; the form of what the native call gives."""
        variant, captured = self.variant, self.variant.captured
        if captured.roots or any(o.kind not in _KINDS for o in captured.outputs) or (
                any(type(left.leaf) is int for left in captured.gradients)):
            return rec.AS_TAKEN
        outputs = [captured.outputs[i] for i in captured.returned] + [Output("fresh", i) for i in captured.reads]
        self._table("results", [(_KINDS[o.kind], o.which if type(o.which) is int else id(o.which),
                                 o.layout.id if o.layout else 0, o.offset) for o in outputs])
        self._table("left", [(id(left.leaf), rec.NO_GRADIENT if left.number is None else left.number)
                             for left in captured.gradients])
        self._table("versions", captured.fresh_versions)
        if variant.fixed and not outputs:
            return rec.CONSTANT_RESULT
        if variant.plain and len(variant.layouts) == 1:
            return rec.ONE_TAKEN
        return rec.ONE_RESULT if captured.structure is Tensor and not captured.reads else rec.SEVERAL_RESULTS

    def is_current(self) -> bool:
        """Whether this is the way through what the variant runs by now."""
        return self.variant.native_way is self and self.program is self.variant.program

    def call(self, args: Any) -> Any:
        """What the native call gives, with numbers that vary or are drawn; the call's result where it passed."""
        if self.plainly:
            found = _replay(self.address, args, b"")
            return found if found is None or found is False else (self.finish(args, found),)
        if len(args) != self.count or self.variant.native_way is not self:  # other containers hold the same by now
            return None
        if self.slow and not all(watched.unchanged() for watched in self.slow):
            return None
        numbers: Any = ()
        computed: Any = (b"",)
        if self.formula is not None:
            numbers = [args[i] for i in self.passed] if self.passed else []
            if self.places:
                numbers += [place.get() for place in self.places]
            computed = self.formula(numbers)
            if computed is None:
                return None
        given = tuple([args[i] for i in self.tensors]) if self.passed else args
        if not self.streams:
            found = _replay(self.address, given, computed[0])
            return found if found is None or found is False else (self.finish(given, found, numbers, computed),)
        marks = [stream.mark() for stream in self.streams]
        drawn = [draw.method(draw.stream, *draw.given) if not layout else self._draw(draw, layout)
                 for draw, layout in self._draws]
        words = [addresses.item(t._buffer) for t, (_, layout) in zip(drawn, self._draws) if layout]
        found = _replay(self.address, given, computed[0] + struct.pack(f"={len(words)}Q", *words))
        if found is not None and found is not False:
            return (self.finish(given, found, numbers, computed, marks),)
        for stream, mark in zip(self.streams, marks):
            stream.back_to(mark)
        return found

    @staticmethod
    def _draw(draw: Any, layout: int) -> Any:
        """A tensor of a draw's numbers: threads may share a program, and it is for each to keep its own until then."""
        made = _empty(layout)
        draw.method(draw.stream, *draw.given, out=addresses.item(made._buffer))
        return made

    def finish(self, leaves: Any, found: Any, numbers: Any = (), computed: Any = (b"",), marks: Any = ()) -> Any:
        """The result of a run that passed."""
        variant, captured = self.variant, self.variant.captured
        returned: Any = ()
        reads: Any = ()
        if self.form == rec.AS_TAKEN:
            if self.leaves:
                reads = [found[i] for i in captured.reads]
                returned = variant.leave(computed, reads, self.places, len(self.passed))
            return variant.finish(leaves, leaves, found, marks, self.containers, numbers, returned)
        variant.runs += 1
        if self.leaves:
            if captured.reads:
                reads = found[len(captured.returned):]
            returned = variant.leave(computed, reads, self.places, len(self.passed))
        if self.whole:
            return found
        if self.form == rec.CONSTANT_RESULT:
            return variant.constant
        return unflatten(captured.structure, iter(found), self.containers, returned)


def way_of(variant: Variant, key: Any) -> Quick | None:
    """The native way through a variant, if there is one; looked for once for each of its programs."""
    if variant.native_way is False:
        variant.native_way = _quick(variant, key)
    return variant.native_way


def _quick(variant: Variant, key: Any) -> Quick | None:
    """The native way for these arguments, if there is one."""
    structure, kinds, shared, recording, _ = key
    captured, reach = variant.captured, variant.reach
    passed = _numbers_in(structure)
    if (passed is None or shared is not None or any(type(k) is tuple for k in kinds)
            or reach.probes or captured.argument_versions
            or captured.expected  # an argument lay where the function reads by name
            or len(variant.layouts) > rec.MAX_FRESH or any(type(where) is not dict for where, _, _ in reach.names)):
        return None
    return Quick(variant, tuple(map(number_of, kinds)), recording, passed)


def _numbers_in(structure: Any) -> list[int] | None:
    """Which arguments are numbers that vary; None where some are neither that nor tensors."""
    if structure is None:
        return []
    args, named = structure[2]
    parts = args[2]
    if named[1] or not all(p is Tensor or (p[0] in SIMPLE and type(p[1]) is Masked) for p in parts):
        return None
    return [i for i, p in enumerate(parts) if p is not Tensor]
