"""Superinstructions: runs of kernel calls over the same loop become one kernel, values passing in registers.

A step's kernel is known by its region, so a run is fused by substitution: each operand that an earlier step of the run
wrote is replaced by what was written there. Temporaries that nobody reads afterwards are not stored at all, equal
expressions are one node, and the emitter compiles the result like any other region. Rounding is untouched: every value
is cast as its store and load would have cast it. Sums and other reductions of a whole loop join its run, at whose end
they are written; who reads them begins another. Constants meet in a run that were operands of several steps, and are
computed with here, for LLVM generates code from the text as it stands.

Runs of scalars are cut into chunks of CHUNK steps: an unrolled loop then repeats a few distinct chunks, each compiled
once, where one huge function would take LLVM quadratic time.
"""
from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from tapegrad import dtypes
from tapegrad.compiler.traced_program import LONG, Item, Place, Step, space, writes
from tapegrad.dtypes import dtype
from tapegrad.machine import records as rec
from tapegrad.machine.kernels import emitter
from tapegrad.machine.live import layouts, machine
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.scalar import scalar
from tapegrad.ops.symbols import Sym, compacted, rewrite, substitute, walk

CHUNK = 240  # a multiple of most loops' steps per iteration, so that chunks repeat
MAX_STREAMS = 24  # arrays one loop goes through; more would thrash the load and store units
MAX_REDUCED = 4   # reductions in one loop, each of which keeps up to four vectors in registers


class Loop(NamedTuple):
    """The iteration space of a step that can be fused: how many elements, and each operand's letter.

    `region` is what the step computes in it. One that `reduces` writes a single element, at the loop's end.
    """

    elements: int
    letters: str
    region: emitter.Region
    reduces: bool


class Access(NamedTuple):
    """A place as a step uses it: which memory (`space`), from byte to byte, as one element or as many, and of what
    dtype: `x.view(dtype)` is the same bytes as other numbers.

    In a loop it is `stride` bytes further on each turn.
    """

    space: tuple[str, int]
    start: int
    end: int
    letter: str
    of: dtype
    stride: int = 0

    def overlaps(self, other: Access, turns: int) -> bool:
        """Whether they have a byte in common, in some turn; of those that move apart, in any two turns."""
        if self.space != other.space:
            return False
        if self.stride == other.stride:
            return self.start < other.end and other.start < self.end
        (start, end), (first, last) = self.extent(turns), other.extent(turns)
        return start < last and first < end

    def extent(self, turns: int) -> tuple[int, int]:
        """From which byte to which it goes in all turns together."""
        far = (turns - 1) * self.stride
        return self.start + min(far, 0), self.end + max(far, 0)


@functools.lru_cache(maxsize=1 << 12)
def _fusible(address: int, nest: int) -> tuple[Loop, tuple[dtype, ...]] | None:
    """The iteration space and the operands' dtypes of a kernel call that can be fused."""
    kernel = emitter.kernels.get(address)
    loop = None if kernel is None else _loop(kernel, nest)
    if loop is None:
        return None
    return loop, (loop.region.outputs[0], *loop.region.inputs)


def _loop(kernel: emitter.Kernel, nest: int) -> Loop | None:
    """The step's iteration space, if it is one element or one contiguous loop."""
    region, pattern, _ = kernel
    reductions = [n for n in walk(region.values) if n.op == "reduce"]
    kinds = {n.op for n in walk(region.values)}
    if "index" in kinds or any(n.value.startswith("arg") for n in reductions):
        return None
    if pattern == "1":
        plain = not any(region.per_row) and not reductions and "count" not in kinds
        return Loop(1, "c" * (len(region.outputs) + len(region.inputs)), region, False) if plain else None
    if set(pattern) - set("c0"):
        return None
    kept, reduced, elements = map(int, machine.memory(nest, "i8", 3))
    if kept + reduced != 1:
        return None
    if "count" in kinds:
        region = region._replace(values=tuple(rewrite(
            region.values, lambda n: Sym.const(elements if reduced else 1, n.dtype) if n.op == "count" else None)))
    if all(region.per_row) and reduced:
        one = len(region.outputs) == 1 and elements < LONG and len(reductions) <= 1
        return Loop(elements, pattern, region, True) if one else None
    if any(region.per_row) or reductions or pattern[0] != "c":
        return None
    return Loop(elements, pattern, region, False)


def contiguous_bytes(step: Step) -> int:
    """How many bytes a step writes one after the other, from its first place on; 0 where that is not known."""
    found = _fusible(step.a, step.b) if step.kind == rec.KERNEL else None
    if found is None or found[0].letters[0] != "c":
        return 0
    return found[0].elements * found[1][0].itemsize


def access(place: Place, of: dtype, letter: str, count: int) -> Access:
    fixed = place.kind == "fixed"
    start, memory = (place.number, place.offset) if fixed else (place.offset, place.number)
    return Access((place.kind, memory), start, start + of.itemsize * (count if letter == "c" else 1), letter, of,
                  place.stride)


class _Run:
    """Steps being fused: what each place holds, as an expression over what it held before the run."""

    def __init__(self, loop: Loop, constants: dict[int, bytes], turns: int = 1) -> None:
        self.turns = turns
        self.count, self.scalar = loop.elements, loop.elements == 1 and set(loop.letters) == {"c"}
        self.reduced: set[Access] = set()  # where reductions are to be written
        self.values: dict[Access, Sym] = {}  # what the places that were written hold now
        self.inputs: dict[Access, tuple[Place, Sym]] = {}
        self.outputs: dict[Access, tuple[Place, Sym]] = {}
        self.constants = constants
        self.seen: dict[tuple[str, int], set[Access]] = {}  # by memory
        self.length = 0
        self._lines: dict[int, None] = {}
        self.waiting: list[tuple[Step, Loop, Sequence[Access]]] = []  # steps of scalars, see `template`

    def accepts(self, accesses: Sequence[Access], loop: Loop) -> bool:
        """Whether a step may join: same loop, and no access that overlaps another without being the same."""
        if loop.elements != self.count or self.length >= (CHUNK if self.scalar else CHUNK // 4):
            return False
        if not self.scalar and len({*self.values, *self.inputs, *accesses}) > MAX_STREAMS:
            return False
        if not self.reduced.isdisjoint(accesses) or len(self.reduced) + loop.reduces > MAX_REDUCED:
            return False
        return not any(
            a != m and a.overlaps(m, self.turns) for a in accesses for m in self.seen.get(a.space, ())
        )

    def join(self, step: Step, loop: Loop, accesses: Sequence[Access]) -> None:
        """Take a step in; what it computes is worked out at once in a loop, and only if need be among scalars."""
        for access in accesses:
            self.seen.setdefault(access.space, set()).add(access)
        self.length += 1
        self._lines.update(dict.fromkeys(step.lines))
        self.waiting.append((step, loop, accesses))
        if loop.reduces:
            self.reduced.add(accesses[0])
        if not self.scalar:
            self.work()

    @property
    def lines(self) -> tuple[int, ...]:
        return tuple(self._lines)

    def work(self) -> None:
        for step, loop, accesses in self.waiting:
            self._add(loop.region, emitter.kernels[step.a].accumulate[0], step.places, accesses)
        self.waiting = []

    def signature(self, alive: Callable[[Place], bool]) -> tuple[Any, dict[Access, int], list[Place]]:
        """Something equal for runs that become the same kernel, and the places in the order they are numbered in it.

        An unrolled loop is the same chunk over other places, again and again.
        """
        numbers: dict[Access, int] = {}
        places: list[Place] = []
        steps = []
        for step, _, accesses in self.waiting:
            operands: list[Any] = []
            for place, access in zip(step.places, accesses):
                content = self._constant(place)
                if content is not None and len(content) == access.end - access.start:
                    operands.append(content)
                    continue
                if access not in numbers:
                    numbers[access] = len(places)
                    places.append(place)
                operands.append(numbers[access])
            steps.append((step.a, *operands))
        return (tuple(steps), tuple([alive(p) for p in places])), numbers, places

    def _add(self, region: emitter.Region, accumulate: bool, places: Sequence[Place], accesses: Sequence[Access]
             ) -> None:
        operands = [self._read(a, p, d) for a, p, d in zip(accesses[1:], places[1:], region.inputs)]
        (value,) = substitute(region.values, dict(enumerate(operands)))
        target = accesses[0]
        if accumulate:
            value = scalar.add(self._read(target, places[0], region.outputs[0]), value).cast(region.outputs[0])
        self.values[target] = value
        self.outputs[target] = (places[0], value)

    def _constant(self, place: Place) -> bytes | None:
        return constant_at(place, self.constants)

    def _read(self, access: Access, place: Place, dtype: dtype) -> Sym:
        found = self.values.get(access)
        if found is not None:
            return found
        if access not in self.inputs:
            content = self._constant(place)
            if content is not None and len(content) == dtype.itemsize:
                return Sym.const(dtypes.number_in(content, dtype), dtype)
            self.inputs[access] = (place, Sym.operand(len(self.inputs), dtype))
        return self.inputs[access][1]


def constant_blocks(steps: Sequence[Item], results: set[int]) -> dict[int, bytes]:
    """The blocks that hold one constant throughout, with its bytes."""
    found: dict[int, bytes] = {}
    others: set[int] = set(results)
    for step in steps:
        for place in writes(step):
            if place.kind != "own":
                continue
            if isinstance(step, Step) and step.kind == rec.CONSTANT and place.number not in found and place.offset == 0:
                found[place.number] = step.content
            else:
                others.add(place.number)
    return {number: content for number, content in found.items() if number not in others}


def constant_at(place: Place, constants: dict[int, bytes]) -> bytes | None:
    """What a place always holds: one of these blocks, or a small whole number."""
    if place.kind == "fixed" and machine.buffers["flags"].item(place.offset) & rec.IMMORTAL:
        layout = layouts[machine.buffers["layout"].item(place.offset)]
        return machine.memory(place.number, "u1", layout.nbytes).tobytes()
    return constants.get(place.number) if place.kind == "own" and place.offset == place.stride == 0 else None


Known = dict[Any, tuple[int, int, list[int]]]  # superinstructions of scalars that were made, by signature


def fuse(steps: Sequence[Step], results: set[int], constants: dict[int, bytes] | None = None, reduced: bool = True,
         turns: int = 1, known: Known | None = None) -> list[Step]:
    """The same program with runs of compatible steps as single kernels; `results` are blocks that are read later.

    `reduced` lets reductions join them. Steps of a loop are done in `turns`. What is `known` need not be made again.
    """
    last_read: dict[int, int] = {}
    for t, step in enumerate(steps):
        reads = step.places[1:] if step.kind == rec.KERNEL else step.places
        kernel = emitter.kernels.get(step.a) if step.kind == rec.KERNEL else None
        if kernel is None or kernel.accumulate[0]:
            reads = step.places
        for place in reads:
            if place.kind == "own":
                last_read[place.number] = t
    if constants is None:
        constants = constant_blocks(steps, results)
    # What is written once and only read lies ready before the program starts, and breaks no run in two.
    hoisted = [s for s in steps if s.kind == rec.CONSTANT and s.places[0].number in constants]
    fused: list[Step] = list(hoisted)
    pending: list[Step] = []
    known = {} if known is None else known
    run: _Run | None = None

    def close(now: int) -> None:
        nonlocal run
        if run is not None and len(pending) > 1:
            fused.append(_superinstruction(run, now, last_read, results, known))
        else:
            fused.extend(pending)
        pending.clear()
        run = None

    for t, step in enumerate(steps):
        if step.kind == rec.CONSTANT and step.places[0].number in constants:
            continue
        found = _fusible(step.a, step.b) if step.kind == rec.KERNEL else None
        if step.kind == rec.ZEROED and run is not None and space(step.places[0]) not in run.seen:
            fused.append(step)  # before the run, which does not use it, and goes on
            continue
        if found is None or (found[0].reduces and not reduced):
            close(t)
            fused.append(step)
            continue
        loop, kinds = found
        accesses = [access(p, of, c, loop.elements) for p, of, c in zip(step.places, kinds, loop.letters)]
        if run is not None and not run.accepts(accesses, loop):
            close(t)
        if run is None:
            run = _Run(loop, constants, turns)
        run.join(step, loop, accesses)
        pending.append(step)
    close(len(steps))
    return fused


def _superinstruction(run: _Run, now: int, last_read: dict[int, int], results: set[int], known: Known) -> Step:
    def alive(place: Place) -> bool:
        return place.kind != "own" or place.number in results or last_read.get(place.number, -1) >= now

    signature, placed, where = run.signature(alive)
    if run.scalar and signature in known:
        kernel, nest, order = known[signature]
        return Step(rec.KERNEL, kernel, nest, tuple([where[n] for n in order]), b"", run.lines)
    run.work()
    kept = [(access, place, value) for access, (place, value) in run.outputs.items() if alive(place)]
    if not kept:
        kept = [(a, p, v) for a, (p, v) in list(run.outputs.items())[-1:]]
    values = [v for _, _, v in kept]
    used, compact = compacted(values)
    inputs = list(run.inputs.items())
    region = emitter.Region(
        tuple(inputs[u][1][1].dtype for u in used), tuple(compact), tuple(v.dtype for v in values),
        tuple(access in run.reduced for access, _, _ in kept),
    )
    letters = [a.letter for a, _, _ in kept] + [inputs[u][0].letter for u in used]
    places = [p for _, p, _ in kept] + [inputs[u][1][0] for u in used]
    nest = one_loop(run.count, [d.itemsize for d in (*region.outputs, *region.inputs)], letters, any(region.per_row))
    pattern = "1" if run.scalar else "".join(letters)
    kernel = emitter.compile_region(region, pattern, (False,) * len(values))
    if run.scalar:
        known[signature] = kernel, nest, [placed[a] for a in (*(a for a, _, _ in kept), *(inputs[u][0] for u in used))]
    return Step(rec.KERNEL, kernel, nest, tuple(places), b"", run.lines)


def one_loop(count: int, itemsizes: Sequence[int], letters: Sequence[str], reduced: bool = False) -> int:
    """The address of a one-loop nest, kept for good: programs come and go, kernels and nests stay."""
    return machine.keep_nest([not reduced, reduced, count, *(i if c == "c" else 0 for i, c in zip(itemsizes, letters))])
