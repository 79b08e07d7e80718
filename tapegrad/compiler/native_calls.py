"""The native way through a call: for functions of tensors in tuples, lists and dicts, of numbers, and random draws.

What it leaves out goes the longer way in `variant.py`: arguments with gradients or hooks, keywords. What Python has to
look at before (`slow` containers, the formula of numbers that vary) and to draw it does here.
"""
from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes
from tapegrad.compiler.backward_node import Recorder
from tapegrad.compiler.captured_call import Output
from tapegrad.compiler.guards import memory_words
from tapegrad.compiler.guards.contents import MISSING, Watched
from tapegrad.compiler.numbers.formula import Formula
from tapegrad.compiler.numbers.places import Place
from tapegrad.compiler.program import Program
from tapegrad.compiler.pytrees import SIMPLE, Masked, Same, flatten, number_of, unflatten
from tapegrad.compiler.traced_program import addresses, owner_of, starts
from tapegrad.compiler.variant import Variant
from tapegrad.machine import records as rec
from tapegrad.machine.live import layouts, machine
from tapegrad.machine.startup import address_of
from tapegrad.machine.streams import Run, runs_of
from tapegrad.named_tuples import NamedTuple
from tapegrad.tensor import Tensor

_replay, _empty, _flags = machine.call.replay, machine.call.empty, machine.buffers["flags"]
MANY = 1 << 14  # random numbers
_KINDS = {"fresh": rec.OF_FRESH, "part": rec.OF_PART, "argument": rec.OF_ARGUMENT, "held": rec.OF_HELD,
          "seen": rec.OF_RESULT}


def run_of(draw: Any) -> tuple[Run, bool] | None:
    """The one kernel call that gives the numbers of a draw, and whether as doubles that are to be narrowed.

    None where it takes more, or a number that varies, and for many: their draw takes long enough, whoever asks for it.
    """
    if draw.varies or (draw.given and isinstance(draw.given[0], int) and draw.given[0] > MANY):
        return None
    stream = draw.stream.clone_state()
    again, found = stream.clone_state(), list[Any]()
    runs = runs_of(lambda: found.append(draw.method(stream, *draw.given)))
    (numbers,) = found
    if len(runs) != 1 or not isinstance(numbers, np.ndarray) or not 0 < runs[0].n == numbers.size:
        return None
    (run,) = runs
    if run.made != numbers.dtype and (run.made, numbers.dtype) != (np.float64, np.float32):
        return None
    made = np.empty(run.n, run.made)
    again.run(run.kernel, address_of(made), run.n, run.a, run.b, 0 if run.given is None else address_of(run.given))
    same = made.astype(numbers.dtype).tobytes() == numbers.tobytes() and again.mark() == stream.mark()
    return (run, run.made != numbers.dtype) if same else None


class Quick:
    """A variant as one native record; `address` is what the native call takes."""

    variant: Variant
    program: Program
    passed: list[int]
    count: int

    def __init__(self, variant: Variant, lies: Sequence[int], recording: bool, arguments: Arguments) -> None:
        captured, program = variant.captured, variant.program
        self.variant, self.program = variant, program
        self.formula: Formula | None = captured.formula
        self.recorder: Recorder | None = variant.recorder if captured.roots else None
        self.slow: list[Watched] = variant.reach.without_words
        self.passed = arguments.numbers
        self.count = len(lies) if arguments.length is None else arguments.length
        self.nested: bool = bool(arguments.parts)  # whether the arguments are more than tensors
        self.containers: tuple[None, ...] = (None,) * arguments.containers
        self.places: list[Place] = variant.reach.varying_places()
        self.leaves: bool = self.formula is not None and bool(self.formula.writes or self.formula.outputs)
        # whether it is all native
        self._keep: list[Any] = []
        self._record = record = np.zeros(1, rec.REPLAY)
        self.streams: list[Any] = [*{id(d.stream): d.stream for d in captured.draws}.values()]
        natively = self._native_draws()
        self.plainly: bool = self.formula is None and not self.slow and (natively or not captured.draws)
        record["program"], record["recording"] = program.address, recording
        record["default_dtype"] = machine.state["default_dtype"]
        names = [(id(where), id(name), 0 if value is MISSING else id(value)) for where, name, value in
                 variant.reach.names]
        self._keep.append(variant.reach)
        self._draws, drawn = self._drawing(natively)
        self._table("names", names)
        self._table("layouts", lies, "u4", "n_arguments")
        self._table("known", sorted(captured.known), "u4")
        self._table("fresh", variant.layouts, "u4")
        self._table("found", [(id(leaf), layout.id) for leaf, layout in captured.found])
        self._table("written", captured.argument_versions)
        self._table("moving", self._moving())
        self._table("numbers", drawn)
        self._keep.append(variant.structure)  # what is in it is known by address
        if arguments.parts:
            self._table("parts", arguments.parts)
        record["outside"] = any(_flags.item(row) & (rec.EXTERNAL | rec.BORROWED) for row in variant.owners)
        self.form: int = self._results(recording)
        record["form"] = self.form
        # Whether what the native call gives is the result.
        self.whole: bool = self.form in (rec.ONE_TAKEN, rec.ONE_RESULT) or (
            self.form == rec.SEVERAL_RESULTS and not captured.reads and not captured.logs
            and captured.structure == (tuple, None, (Tensor,) * len(captured.returned)))
        record["n_hidden"] = len(captured.bases) * self.whole
        record["whole"], record["runs"] = self.whole and not self.leaves, address_of(variant.counter)
        # What works out the numbers that vary for native code, and whether that tries this way.
        self.compute: Any = None
        if self.formula is not None and not captured.roots and not self.streams:
            self.compute = self.formula.of_call(self.passed, self.places, self.slow)
        self.leave: Any = self.leaves and self.formula is not None and self.formula.leaving(
            len(self.passed), self.places, captured.reads if self.form == rec.AS_TAKEN else range(
                len(captured.recorded), len(captured.recorded) + len(captured.reads)))
        self.returns: int = _one_number(captured.structure)
        self.natively: bool = self.plainly or self.compute is not None
        if self.form == rec.CONSTANT_RESULT and self.natively and not self.leaves:
            record["constant"] = id(variant.constant)
        self._keep.append(variant.counter)
        self.address: int = address_of(record)
        self.packed: bytes = struct.pack("=Q", self.address)  # which native code reads without unpacking a number

    def _table(self, field: str, values: Any, dtype: str = "u8", count: str = "") -> None:
        array = np.array(values, dtype).reshape(-1)
        self._keep.append(array)
        self._record[field], self._record[count or f"n_{field}"] = address_of(array), len(values)

    def _native_draws(self) -> bool:
        """Lay down what is drawn, and say whether that is all native.

        It is where kernels do it, of one stream, and nobody holds on to how that was before.
        """
        draws = self.variant.captured.draws
        if not draws or self.recorder is not None or len(self.streams) > 1:
            return False
        rows, runs = [], []
        for number, used in self.program.draws:
            if number >= 0:
                known = run_of(draws[number])
                if known is None:
                    return False
                run, narrows = known
                runs.append(run)
                rows.append((run.address, run.n, run.a, run.b, 0 if run.given is None else address_of(run.given),
                             run.n * run.made.itemsize if narrows or not used else 0))
        found = np.array(rows, rec.PROGRAM_DRAW)
        self._keep += [found, runs, self.streams]
        self._record["draws"], self._record["n_draws"] = address_of(found), len(found)
        self._record["stream"] = self.streams[0].at
        self.streams = []
        return True

    def _moving(self) -> list[tuple[int, int, int, int]]:
        """Where parts of tensors begin that move, by the words that say so."""
        captured = self.variant.captured
        words = len(self.formula.graph.uses) if self.formula else 0
        return [(rec.FROM_NOWHERE if number < 0 else number, at & rec.FROM_NOWHERE, part.unit, words + k)
                for k, ((number, at), part) in enumerate(zip(captured.origins, captured.parts))]

    def _drawing(self, natively: bool) -> tuple[list[tuple[Any, int]], list[tuple[int, int]]]:
        """The call's draws, each with the layout of memory for its numbers (0: none are wanted); for each number that
        the program wants, which word it is, and how many bytes are drawn."""
        computed = len(self.formula.graph.uses) + len(self.formula.graph.parts) if self.formula else 0
        draws: list[tuple[Any, int]] = []
        wanted, drawn = [], 0
        for number, used in self.program.draws:
            if number < 0:
                wanted.append((-1 - number, 0))
                continue
            draw, layout = self.variant.captured.draws[number], None
            if natively:
                wanted += [(drawn, rec.DRAWN_HERE)] if used else []
                drawn += 1
                continue
            if used:
                n, of, *_ = draw.given
                layout = layouts.intern(dtypes.uint8, (n * of.itemsize,))
                self._keep.append(layout)  # whose number native code has
                wanted.append((computed + sum(lies != 0 for _, lies in draws), layout.nbytes))
            draws.append((draw, layout.id if layout else 0))
        return draws, wanted

    def _results(self, recording: bool) -> int:
        """Lay down what a run leaves behind; the form of what the native call gives."""
        variant, captured = self.variant, self.variant.captured
        recorder = self.recorder
        if captured.sets or (captured.roots and (recorder is None or captured.parts)) or any(
                o.kind not in _KINDS for o in captured.outputs) or (
                any(type(left.leaf) is int for left in captured.gradients)) or (  # one object is given several times
                any(captured.outputs[i].kind in ("part", "seen")
                    for i in captured.returned if captured.returned.count(i) > 1)) or (
                not recording and any(o.kind == "seen" for o in captured.outputs)):
            return rec.AS_TAKEN
        outputs = [captured.outputs[i] for i in captured.recorded] + [Output("fresh", i) for i in captured.reads]
        rows: list[tuple[int, ...]] = []
        links: list[tuple[int, ...]] = []
        for o in outputs:
            if o.kind == "seen":
                rows.append((rec.OF_RESULT, captured.recorded.index(o.which), len(links), len(o.links), o.flags))
                links += [(link.plan.index, link.layout.id, link.offset, link.shift) for link in o.links if link.plan]
            else:
                rows.append((_KINDS[o.kind], o.which if type(o.which) is int else id(o.which),
                             o.layout.id if o.layout else 0, o.offset, o.flags))
        self._table("results", rows)
        self._table("links", links)
        self._table("left", [(id(left.leaf), rec.NO_GRADIENT if left.number is None else left.number)
                             for left in captured.gradients])
        self._table("versions", captured.fresh_versions)
        if captured.roots and recorder is not None:
            self._record["nodes"], self._record["saved"] = recorder.address, variant.saves
        if variant.fixed and not outputs:
            return rec.CONSTANT_RESULT
        if variant.plain and len(variant.layouts) == 1 and not captured.roots:
            return rec.ONE_TAKEN
        return rec.ONE_RESULT if captured.structure is Tensor and not captured.reads else rec.SEVERAL_RESULTS

    def is_current(self) -> bool:
        """Whether this is the way through what the variant runs by now."""
        return self.variant.native_way is self and self.program is self.variant.program

    def call(self, args: Any) -> Any:
        """What the native call gives, with numbers that vary or are drawn; the call's result where it passed."""
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
        if not self.streams:
            found = _replay(self.address, args, computed[0], self._extra((), numbers))
            return found if found is None or found is False else (self.finish(args, found, numbers, computed),)
        marks = [stream.mark() for stream in self.streams]
        drawn = [draw.run(computed[0]) if not layout else self._draw(draw, layout, computed[0])
                 for draw, layout in self._draws]
        words = [addresses.item(t._buffer) for t, (_, layout) in zip(drawn, self._draws) if layout]
        found = _replay(self.address, args, computed[0] + struct.pack(f"={len(words)}Q", *words),
                        self._extra(marks, numbers))
        if found is not None and found is not False:
            return (self.finish(args, found, numbers, computed, marks),)
        for stream, mark in zip(self.streams, marks):
            stream.back_to(mark)
        return found

    def _extra(self, marks: Any, numbers: Any) -> Any:
        """What the result's history is to hold of Python's, if it has any."""
        return self.recorder and self.recorder.extra(marks, numbers, ())

    @staticmethod
    def _draw(draw: Any, layout: int, words: bytes) -> Any:
        """A tensor of a draw's numbers: threads may share a program, and it is for each to keep its own until then."""
        made = _empty(layout)
        draw.run(words, out=addresses.item(made._buffer))
        return made

    def finish(self, args: Any, found: Any, numbers: Any = (), computed: Any = (b"",), marks: Any = ()) -> Any:
        """The result of a run that passed."""
        variant, captured = self.variant, self.variant.captured
        returned: Any = self.leave(computed, found) if self.leaves else ()
        if self.returns >= 0 and self.form == rec.SEVERAL_RESULTS:
            return returned[self.returns]
        if self.form == rec.AS_TAKEN:
            leaves = args
            if self.nested:
                flatten(args, leaves := [])
            arguments = [*leaves, *(leaf.grad for leaf, _ in captured.found)] if captured.found else leaves
            parts = variant.parts_of(starts(arguments, [*map(owner_of, arguments)], captured.loose), computed)
            return variant.finish(leaves, arguments, found, marks, self.containers, numbers, returned, parts)
        if self.whole:
            return found
        if self.form == rec.CONSTANT_RESULT:
            return variant.constant
        return captured.given(unflatten(captured.structure, iter(found), self.containers, returned))


def _one_number(structure: Any) -> int:
    """Which of the numbers that a call returns is its result, if it is that and no more; else -1."""
    is_one = type(structure) is tuple and structure[0] in SIMPLE and type(structure[1]) is Masked
    return structure[1].which if is_one else -1


def way_of(variant: Variant, key: Any) -> Quick | None:
    """The native way through a variant, if there is one; looked for once for each of its programs."""
    if variant.native_way is False:
        variant.native_way = _quick(variant, key)
    return variant.native_way


def _quick(variant: Variant, key: Any) -> Quick | None:
    """The native way for these arguments, if there is one."""
    structure, kinds, shared, recording, _ = key
    captured, reach = variant.captured, variant.reach
    arguments = _arguments(structure, captured.structure)
    lies = [n for n in map(number_of, kinds) if n is not None]
    if (arguments is None or shared is not None or len(lies) < len(kinds)
            or reach.probes or len(captured.found) > rec.MAX_FOUND or (captured.found and len(lies) > rec.MAX_GATHERED)
            or (reach.logs and any(kind == rec.IS_LIST for kind, _ in arguments.parts))  # it may be one of these
            or captured.expected  # an argument lay where the function reads by name
            or len(variant.layouts) > rec.MAX_FRESH or any(type(where) is not dict for where, _, _ in reach.names)):
        return None
    return Quick(variant, lies, recording, arguments)


class Arguments(NamedTuple):
    """How arguments are built: the pairs that native code compares (none for tensors alone), which of them are numbers
    that vary, how many there are (None for tensors alone), and how many tuples, lists and dicts `flatten` met."""

    parts: list[tuple[int, int]]
    numbers: list[int]
    length: int | None
    containers: int


def _arguments(structure: Any, result: Any) -> Arguments | None:
    """How native code knows arguments; None where it does not, or where the result may be one of their containers."""
    if structure is None:
        return Arguments([], [], None, 0)
    args, named = structure[2]
    parts: list[tuple[int, int]] = []
    numbers = [i for i, p in enumerate(args[2]) if p is not Tensor and type(p) is not Same and type(p[1]) is Masked]
    if named[1] or not args[2] or _names_a_container(result) or not all(_lay(p, parts, True) for p in args[2]):
        return None
    parts = [(rec.IS_TUPLE, len(args[2])), *parts, (rec.IS_END, 0)]
    opened = sum(kind in (rec.IS_TUPLE, rec.IS_LIST, rec.IS_DICT) for kind, _ in parts)
    if opened > rec.MAX_OPEN or sum(kind == rec.IS_TENSOR for kind, _ in parts) > rec.MAX_GATHERED:
        return None
    # Of an empty tuple there is but one, which counts for none; the arguments are a pair, and there is a dict of names.
    return Arguments(parts, numbers, len(args[2]), opened + 2 - parts.count((rec.IS_TUPLE, 0)))


def _names_a_container(structure: Any) -> bool:
    """Whether a part of a result is a container that there was before."""
    if type(structure) is Same:
        return True
    return structure is not Tensor and structure[0] not in SIMPLE and any(map(_names_a_container, structure[2]))


def _lay(part: Any, parts: list[tuple[int, int]], outermost: bool = False) -> bool:
    """Write one argument, or part of one, as pairs; whether native code can compare that."""
    if part is Tensor:
        parts.append((rec.IS_TENSOR, 0))
        return True
    if type(part) is Same:
        return False
    kind, told, value, *identity = part
    if kind in SIMPLE:
        if type(told) is Masked:
            parts.append((rec.IS_OF_KIND, id(kind)))
            return outermost
        if kind is int and abs(value) < 1 << 62:
            parts.append((rec.IS_INT, value & (1 << 64) - 1))
        elif kind is float and value == value:  # one that is not a number may be found again, but is like no other
            parts.append((rec.IS_FLOAT, struct.unpack("=Q", struct.pack("=d", value))[0]))
        else:
            parts.append((rec.IS_OBJECT, id(value)))
        return not identity
    if kind not in _CONTAINERS:
        return False
    parts.append((_CONTAINERS[kind], len(value)))
    for i, one in enumerate(value):
        if kind is dict:
            key = told[i]
            if key is Tensor or type(key) is Same or key[0] is not str:
                return False
            parts.append((rec.IS_KEY, id(key[2])))
        if not _lay(one, parts):
            return False
    parts.append((rec.IS_END, 0))
    return True


_CONTAINERS = {tuple: rec.IS_TUPLE, dict: rec.IS_DICT}
if memory_words.items([], []) is not None:  # it is known where a list has what it holds
    _CONTAINERS[list] = rec.IS_LIST
