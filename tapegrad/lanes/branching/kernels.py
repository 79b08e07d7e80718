"""Lanes of numbers go through a graph in native code: a kernel for each segment, and one for each loop of one segment.

A slot is an array with a number a lane. A loop's kernel has a register of lanes go round until each has left
(`machine/kernels/while_writer.py`). What the way back needs is kept in a `Trail`: of a segment what it began with, of a
loop that for each turn.
"""
from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad import dtypes
from tapegrad.lanes.branching.flow import Flow, Node, Segment, Unseen
from tapegrad.lanes.branching.numbers import Expressions, dtype_of
from tapegrad.lanes.branching.walks import walked
from tapegrad.machine.kernels import emitter, lanes_together
from tapegrad.machine.live import layouts
from tapegrad.machine.startup import address_of
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.scalar import scalar
from tapegrad.ops.symbols import Sym, compacted, rewrite, substitute, walk
from tapegrad.tape import reading

Array = np.ndarray[Any, Any]
_Kernel = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)
AT_ONCE = 1 << 22  # turns of one call, after which Python may interrupt
_FIRST_TURNS = 1 << 10  # that room is made for; then twice as many
_NOTHING = -0.0  # which changes nothing that is added to it


class Kernel:
    """A kernel that maps columns to columns; those that are passed on, or constant, are not computed."""

    values: list[Sym]
    of: list[dtypes.dtype]
    made: list[int]
    used: list[int]
    address: int
    call: Any
    steps: list[int]

    def __init__(self, values: Sequence[Sym], inputs: Sequence[dtypes.dtype]) -> None:
        self.values, self.of = list(values), [v.dtype for v in values]
        self.made = [k for k, v in enumerate(values) if v.op not in ("operand", "const")]
        self.used, compact = compacted([values[k] for k in self.made])
        self.address = 0
        if self.made:
            region = emitter.Region(tuple([inputs[u] for u in self.used]), tuple(compact),
                                    tuple([self.of[k] for k in self.made]), (False,) * len(self.made))
            letters = "c" * (len(self.made) + len(self.used))
            self.address = emitter.compile_region(region, letters, (False,) * len(self.made))
            self.call = _Kernel(self.address)
            self.steps = [d.itemsize for d in (*region.outputs, *region.inputs)]

    def __call__(self, given: Sequence[Array], count: int) -> list[Array]:
        found: list[Any] = [None] * len(self.values)
        for k, v in enumerate(self.values):
            if v.op == "operand":
                found[k] = given[v.value]
            elif v.op == "const":
                found[k] = np.empty(count, v.dtype.numpy)
                found[k].view(f"V{v.dtype.itemsize}")[...] = dtypes.encoded(v.value, v.dtype).tobytes()
            else:
                found[k] = np.empty(count, v.dtype.numpy)
        if self.made and count:
            self.call(_pointers([*(found[k] for k in self.made), *(given[u] for u in self.used)]),
                      _Words([1, 0, count, *self.steps]))
        return found


class Turns(NamedTuple):
    """What a loop's kernel left for the way back, of the lanes that took part in one call."""

    kept: list[Array]
    places: list[Array]
    nest: Any


class Loop:
    """A segment from a node to itself, as a kernel that lanes leave one by one."""

    slots: int
    begin: Kernel
    values: list[Sym]
    of: list[dtypes.dtype]
    width: int
    region: emitter.Region

    def __init__(self, values: Sequence[Sym], answer: bool) -> None:
        self.answer = answer
        of = [v.dtype for v in values]
        if not answer:  # the loop goes on where what is looked at is not true
            shifted = _moved(values, 1)
            values = [scalar.logical_not(shifted[0].cast(dtypes.bool_)), *shifted]
            of = [dtypes.bool_, *of]
        self.slots = len(of)
        again, values = _found_again(values)
        self.begin = Kernel(again, of)
        of = [*of, *(n.dtype for n in again)]
        self.values, self.of = list(values), of
        self.width = lanes_together(values)
        self.region = emitter.Region(tuple(of), tuple(values), tuple(of), (False,) * len(of))
        self._calls: dict[tuple[int, ...], Any] = {}
        self.free: list[list[Array]] = []  # room for turns that a way back has been through: pages that are there

    def call(self, kept: tuple[int, ...]) -> Any:
        found = self._calls.get(kept)
        if found is None:
            pattern = f"?{self.width}" + (f":{','.join(map(str, kept))}" if kept else "")
            found = self._calls[kept] = _Kernel(
                emitter.compile_region(self.region, pattern, (False,) * len(self.of)))
        return found

    def __call__(self, slots: Sequence[Array], count: int, kept: tuple[int, ...] | None = None
                 ) -> tuple[list[Array], list[tuple[Any, Turns]]]:
        """The slots when all lanes have left; for the way back which lanes took part in each call, and what it left."""
        given = [np.ascontiguousarray(x) for x in slots]
        if not self.answer:
            given.insert(0, np.ones(count, bool))
        given += self.begin(given, count)
        outs = [np.empty(count, d.numpy) for d in self.of]
        waiting: Any = None  # those that are not done, None: all
        turns: list[tuple[Any, Turns]] = []
        room = _FIRST_TURNS
        kept_here = tuple([k + (not self.answer) for k in kept or ()])
        call = self.call(kept_here)
        while True:
            n = count if waiting is None else len(waiting)
            some = given if waiting is None else [x[waiting] for x in given]
            into = outs if waiting is None else [np.empty(n, d.numpy) for d in self.of]
            places = [np.empty(n, np.int64) for _ in range(4)]
            most = AT_ONCE if kept is None else room
            keeping = self._room(kept_here, room) if kept is not None else []
            most = len(keeping[0]) if keeping else most
            nest = _Words([n, most, 0, 0])
            call(_pointers([*into, *some, *places, *keeping]), nest)
            gone, made = int(nest[2]), int(nest[3])
            order = places[3][:gone]
            if kept is not None:
                turns.append((waiting, Turns(keeping, places, nest)))
                room = min(2 * most, AT_ONCE)
            if made < most:
                if waiting is not None:
                    for x, y in zip(outs, into):
                        x[waiting] = y
                return outs[not self.answer:self.slots], turns
            # Some go on, or have not begun: from where they are.
            begun = np.zeros(n, bool)
            begun[order] = True
            for x, y in zip(some, into):
                y[~begun] = x[~begun]
            lanes = np.arange(count) if waiting is None else waiting
            if waiting is not None:
                for x, y in zip(outs, into):
                    x[waiting] = y
            waiting = lanes[_truth(into[0], self.of[0]) | ~begun]
            given = outs
            if not len(waiting):
                return outs[not self.answer:self.slots], turns


    def _room(self, kept: tuple[int, ...], most: int) -> list[Array]:
        """Arrays for what is kept of some turns: at least so many, if there are some already."""
        with contextlib.suppress(IndexError):
            known = self.free.pop()
            if [x.dtype for x in known] == [self.of[k].numpy for k in kept]:
                return known
        return [np.empty((most, self.width), self.of[k].numpy) for k in kept]


def _truth(x: Array, d: dtypes.dtype) -> Array:
    found: Array = (dtypes.decoded(x, d) if d.arithmetic is not d else x).astype(bool)
    return found


def _found_again(values: Sequence[Sym]) -> tuple[list[Sym], list[Sym]]:
    """What a turn computes of the slots that the turn before has computed of its results, or that stays; and the turn,
    with that as further slots.

    A condition on what the next turn begins with is an example: `while f(x) > 0: x = x + f(x)`.
    """
    nodes = list(walk(values))
    there, turn = {*nodes}, dict(enumerate(values))
    again: dict[Sym, Sym] = {}
    for n in reversed(nodes):  # the largest first
        inside = any(n in below for below in map(_below, again))
        if len(again) < _MOST_AGAIN and n.args and n.op != "cast" and not inside:
            (later,) = substitute([n], turn)
            if later in there:
                again[n] = later
    slots = {n: Sym.operand(len(values) + j, n.dtype) for j, n in enumerate(again)}
    return list(again), rewrite([*values, *again.values()], slots.get)


def _below(n: Sym) -> set[Sym]:
    return {*walk([n])}


_MOST_AGAIN = 4


def _moved(values: Sequence[Sym], by: int) -> list[Sym]:
    """The same over operands that are numbered from `by`."""
    return rewrite(values, lambda n: Sym.operand(n.value + by, n.dtype) if n.op == "operand" else None)


class _Words:
    """Whole numbers, or where arrays are, that native code reads and writes."""

    def __init__(self, words: Sequence[int]) -> None:
        self.array = np.array(words, np.int64)
        self._as_parameter_ = ctypes.c_void_p(address_of(self.array))

    def __getitem__(self, k: int) -> int:
        return int(self.array[k])


def _pointers(arrays: Sequence[Array]) -> _Words:
    return _Words([address_of(x) for x in arrays])


# ---------------------------------------------------------------- all of a graph


class Event(NamedTuple):
    """What the way back needs of some lanes (None: all) that went through a segment."""

    segment: Segment
    source: Node | None
    lanes: Any
    slots: list[Array]  # what it began with
    turns: list[tuple[Any, Turns]] | None  # of a loop


class Programs:
    """The kernels of a graph, made as they are needed; Unseen where not all of its values are numbers."""

    flow: Flow
    inputs: tuple[int, ...]

    def __init__(self, flow: Flow, inputs: Sequence[int]) -> None:
        self.flow, self.inputs = flow, tuple(inputs)
        self._made: dict[int, tuple[Segment, Expressions, Any]] = {}
        self._backs: dict[int, Any] = {}
        self._active: dict[Any, frozenset[int]] = {}
        self._edges = 0  # how many there were when it was found what is active

    def of(self, segment: Segment, source: Node | None) -> tuple[Expressions, Any]:
        """A segment's expressions, and what computes them."""
        found = self._made.get(id(segment))
        if found is None:
            expressions = Expressions(segment, self.inputs if source is None else source.slots)
            made: Any
            if source is not None and segment.target is source:
                made = Loop(expressions.results, source.edges.get(True) is segment)
            else:
                made = Kernel(expressions.results, [v.dtype for v in expressions.values[:segment.slots]])
            found = self._made[id(segment)] = segment, expressions, made
        return found[1], found[2]

    def returned(self) -> list[dtypes.dtype]:
        assert self.flow.layouts is not None
        return [dtype_of(layout) for layout in self.flow.layouts]

    # ------------------------------------------------------------ the way back

    def edges(self) -> list[tuple[Segment, Node | None]]:
        assert self.flow.start is not None
        return [(self.flow.start, None), *((s, node) for node in self.flow.nodes.values() for s in node.edges.values())]

    def active(self, node: Node | None) -> frozenset[int]:
        """The slots of a node that what is returned depends on; of the function's arguments where it is None."""
        edges = self.edges()
        if self._edges != len(edges):
            self._edges, self._active, self._backs = len(edges), {}, {}
            found: dict[Any, frozenset[int]] = {}
            changed = True
            while changed:
                changed = False
                for segment, source in reversed(edges):
                    expressions, _ = self.of(segment, source)
                    flows = expressions.back(_symbols(segment, expressions, found))
                    now = found.get(source, frozenset()) | {k for k, g in enumerate(flows) if g is not None}
                    if now != found.get(source, frozenset()):
                        found[source], changed = now, True
            self._active = found
        return self._active.get(node, frozenset())

    def back(self, segment: Segment, source: Node | None) -> Any:
        """What takes adjoints from the end of a segment to its beginning: (kernel, slots that it reads)."""
        active = sorted(self.active(source))
        found = self._backs.get(id(segment))
        if found is None:
            expressions, forward = self.of(segment, source)
            seeds = _symbols(segment, expressions, self._active)
            flows = expressions.back(seeds)
            count = segment.slots
            given = [g for g in seeds if g is not None]
            # Adjoints are numbered after the slots: here they come first.
            values = [_or_nothing(flows[k], expressions.values[k].dtype) for k in active]
            read = sorted({n.value for n in walk(values) if n.op == "operand" and n.value < count})
            place = {g.value: k for k, g in enumerate(given)}
            place.update({k: len(given) + i for i, k in enumerate(read)})
            values = rewrite(values, lambda n: Sym.operand(place[n.value], n.dtype) if n.op == "operand" else None)
            kinds = [*(g.dtype for g in given), *(expressions.values[k].dtype for k in read)]
            if isinstance(forward, Loop):
                outs = tuple([v.dtype for v in values])
                region = emitter.Region(tuple(kinds), tuple(values), outs, (False,) * len(outs))
                width = forward.width
                if lanes_together(values) == 1 < width:
                    raise Unseen("its way back is not vectors")
                made: Any = _Kernel(emitter.compile_region(region, f"?{width}<{len(outs)}", (False,) * len(outs)))
            else:
                made = Kernel(values, kinds)
            found = self._backs[id(segment)] = made, tuple(read), any(flows[k] is None for k in active)
        return found[:2]

    def fills(self, segment: Segment) -> bool:
        """Whether nothing comes, of a segment, to some slot to which something comes of another."""
        return bool(self._backs[id(segment)][2])


def _or_nothing(flows: Sym | None, of: dtypes.dtype) -> Sym:
    return Sym.const(_NOTHING, of) if flows is None else flows


def _symbols(segment: Segment, expressions: Expressions, active: Any) -> list[Sym | None]:
    """The adjoints of a segment's results, where there are any."""
    count = segment.slots
    target = segment.target
    return [Sym.operand(count + k, v.dtype) if v.dtype.is_floating_point and (
        target is None or k in active.get(target, ())) else None for k, v in enumerate(expressions.results)]


class Numbers:
    """What `walked` asks, of lanes of numbers; `trail` is for the way back, if there is to be one."""

    programs: Programs
    keeps: bool

    def __init__(self, programs: Programs, keeps: bool) -> None:
        self.programs, self.keeps = programs, keeps
        self.trail: list[Event] = []
        self.count = 0

    def truth(self, x: Array, node: Node) -> Array:
        return _truth(x, dtype_of(node.slots[0]))

    def take(self, slots: Sequence[Array], which: Array) -> list[Array]:
        return [x[which] for x in slots]

    def join(self, parts: Sequence[Sequence[Array]]) -> list[Array]:
        return [np.concatenate(column) for column in zip(*parts)] if len(parts) > 1 else list(parts[0])

    def run(self, segment: Segment, source: Node | None, slots: Sequence[Array], lanes: Array) -> list[Array]:
        _, program = self.programs.of(segment, source)
        turns = None
        if isinstance(program, Loop):
            kept = self.programs.back(segment, source)[1] if self.keeps else None
            found, turns = program(slots, len(lanes), kept)
        else:
            found = program(slots, len(lanes))
        if self.keeps:
            self.trail.append(Event(segment, source, lanes, list(slots), turns))
        return found

    def back(self, cotangents: Sequence[Array], count: int) -> list[Array]:
        """The adjoints of the arguments, from those of what was returned."""
        programs = self.programs
        at: dict[Any, dict[int, Array]] = {None: dict(enumerate(cotangents))}  # by the node where lanes are
        begin: dict[int, Array] = {}
        nothing = False
        for segment, source, lanes, slots, turns in reversed(self.trail):
            made, read = programs.back(segment, source)
            expressions, _ = programs.of(segment, source)
            given = [k for k, g in enumerate(_symbols(segment, expressions, programs._active)) if g is not None]
            seeds = [at[segment.target][k][lanes] for k in given]
            active = sorted(programs.active(source))
            nothing |= programs.fills(segment)
            if turns is None:
                found = made([*seeds, *(slots[k] for k in read)], len(lanes))
            else:
                found = seeds
                for which, left in reversed(turns):
                    some = found if which is None else [x[which] for x in found]
                    into = [x.copy() for x in some]
                    if left.nest[2]:
                        made(_pointers([*into, *some, *left.kept, *left.places]), left.nest)
                    if which is None:
                        found = into
                    else:
                        found = [x.copy() for x in found]
                        for x, y in zip(found, into):
                            x[which] = y
            into_node = begin if source is None else at.setdefault(source, {})
            for k, x in zip(active, found):
                if k not in into_node:
                    into_node[k] = np.empty(count, x.dtype)
                into_node[k][lanes] = x
        for x in begin.values() if nothing else ():
            x += 0.0  # where nothing came to a lane's argument, its gradient is zero and not `_NOTHING`
        return [begin.get(k) for k in range(len(programs.inputs))]  # type: ignore[misc]

    def release(self) -> None:
        """There is no way back from here on: what was kept for it makes room."""
        for event in self.trail:
            for _, left in (event.turns or ())[-1:]:
                if left.kept:
                    _, program = self.programs.of(event.segment, event.source)
                    program.free[:] = [*program.free[:1], left.kept]
        self.trail.clear()


def through(programs: Programs, inputs: Sequence[Array], count: int, explore: Any, keeps: bool
            ) -> tuple[list[Array] | None, Numbers]:
    """What lanes get, and what knows the way back."""
    flow = programs.flow
    while True:
        edges = flow.edges()
        engine = Numbers(programs, keeps and flow.start is not None)
        found = walked(flow, engine, inputs, count, explore)
        if found is None or not keeps or edges == flow.edges():  # ways that were seen since may need more to be kept
            return found, engine


def arrays_of(x: Any) -> Array:
    """The numbers of a tensor, where they lie."""
    return reading.array_of(x.detach())


def tensor_on(x: Array, d: dtypes.dtype) -> Any:
    """A tensor of its own of such numbers."""
    return reading.tensor_from(x, layouts.intern(d, x.shape))
