"""Results that require grad: the backward of a call, captured right after it, becomes a program of its own.

While the graph of a captured call is still there, its backward is run once for each way the results may be seeded (all
of them, or one), with gradients of arguments and of reached tensors as its results. What a backward reads of the
forward's blocks is kept, and passed from one program to the other in one piece of memory: exactly what eager recording
would have kept, so that a value written to in the meantime is refused exactly where PyTorch refuses it. (Recomputing
the forward instead would need no such memory, and would be wrong for every value that was written to since.)

What no program covers (`create_graph`, some of several results) runs the function once more, as it is written, on the
same arguments: `Pullback.again`.
"""
from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tapegrad import errors
from tapegrad.autograd import engine
from tapegrad.compiler.capture import Block, Place, Refused, Step, owner_of, target
from tapegrad.compiler.fusion import constant_blocks
from tapegrad.machine import records as rec
from tapegrad.machine.instance import layouts, machine
from tapegrad.machine.learning import capturing

call, buffers = machine.call, machine.buffers
MAX_SEPARATE = 8  # results that get a backward of their own each
MAX_GONE = 30
_ALIGN = 64


class Seeding(NamedTuple):
    """One captured backward, the `part` of the trace after the call's own that it is.

    It says which roots had a gradient, where those lay, and what came of it for each input.
    """

    part: int
    roots: tuple[int, ...]
    seeds: tuple[Any, ...]
    gradients: tuple[Any, ...]
    steps: tuple[Step, ...] = ()
    seed_blocks: tuple[int, ...] = ()
    blocks: tuple[int | None, ...] = ()
    layouts: tuple[int, ...] = ()

    def resolved(self, steps: Sequence[Step], starts: dict[int, int]) -> Seeding:
        """With the steps that did it, and blocks in place of tensors."""
        def block(t: Any) -> int | None:
            if t is None:
                return None
            found = starts.get(int(buffers[t._buffer]["address"]))
            if found is None:
                raise Refused("a gradient lies in memory that the call did not take")
            return found

        targets = [target(s) for s in steps if s.kind != rec.CONSTANT]
        if any(s.kind == rec.GUARD for s in steps) or any(p and p.kind != "own" for p in targets):
            raise Refused("the backward of its result looks at values, or writes to memory that others see")
        return Seeding(self.part, self.roots, (), (), tuple(steps), tuple(block(s) for s in self.seeds),  # type: ignore[misc]
                       tuple(block(g) for g in self.gradients),
                       tuple(g._layout for g in self.gradients if g is not None))

    def did(self) -> tuple[Any, ...]:
        return self.roots, self.steps, self.seed_blocks, self.blocks, self.layouts


class Way(NamedTuple):
    """From some roots to some inputs: a backward, or an operation by all those that lead through it. Sets are bits."""

    roots: int
    inputs: int

    def meets(self, other: Way) -> bool:
        return bool(self.roots & other.roots and self.inputs & other.inputs)


class Traced(NamedTuple):
    """The backwards of one captured call, and when PyTorch refuses one.

    `gone` are the roots (bits) whose graph the call freed itself, `keeping` the operations that keep something: after a
    backward through one of them there is no other that leads through it.
    """

    seedings: list[Seeding]
    gone: int = 0
    keeping: tuple[Way, ...] = ()

    def refuses(self, now: Way, done: Iterable[Way]) -> bool:
        """Whether a backward is a second one, after those that were done."""
        if now.roots & self.gone:
            return True
        for before in done:
            for way in self.keeping:
                if way.meets(now) and way.meets(before):
                    return True
        return False

    def is_used_up(self, done: Iterable[Way]) -> bool:
        """Whether nothing that was kept has a use any more."""
        roots = self.gone
        for way in self.keeping:
            if not any(way.meets(before) for before in done):
                return False
            roots |= way.roots
        return not any(bits(s.roots) & ~roots for s in self.seedings)

    def inputs(self, count: int) -> list[int]:
        """The numbers of the inputs, of so many, that the node leads to.

        A graph that was freed does not say. What leads there is refused, wherever it asks to go: a few will do.
        """
        found = [j for j in range(count) if any(s.gradients[j] is not None for s in self.seedings)]
        return found if found or not self.gone else [*range(min(count, MAX_GONE))]

    def only(self, inputs: Sequence[int]) -> Traced:
        """The same with the gradients of these inputs alone."""
        ways = {Way(way.roots, bits(tuple([k for k, j in enumerate(inputs) if way.inputs >> j & 1])))
                for way in self.keeping}
        return self._replace(keeping=tuple(sorted(ways)), seedings=[
            s._replace(gradients=tuple([s.gradients[j] for j in inputs])) for s in self.seedings])


def trace_backward(roots: Sequence[Any], inputs: Sequence[Any]) -> Traced:
    """Run the backwards of a call that is being captured."""
    subsets = [tuple(range(len(roots)))]
    if 1 < len(roots) <= MAX_SEPARATE:
        subsets += [(i,) for i in range(len(roots))]
    if any(int(buffers["flags"][r._buffer]) & (rec.HOOKED | rec.RETAINS) for r in roots):
        capturing.refuse("a result has hooks, or retains its gradient")
    found, gone = [], 0
    for part, subset in enumerate(subsets):
        capturing.cut()
        seeds = []
        for i in subset:
            seed = call.empty(layouts.adjoint(layouts.all[roots[i]._layout]).id)
            seed._memory()[...] = 1
            seeds.append(seed)
        try:
            gradients = engine.run([roots[i] for i in subset], seeds, True, False, list(inputs), accumulate=False,
                                   allow_unused=True, partial=True)
        except RuntimeError as error:
            if str(error) != errors.SECOND_BACKWARD:
                capturing.refuse(f"the backward of its result fails: {error}")
                return Traced([])
            if len(subset) == 1 or len(subsets) == 1:
                gone |= bits(subset)
            continue
        assert gradients is not None
        found.append(Seeding(part, subset, tuple(seeds), tuple(gradients)))
    if not gone and all(g is None for s in found for g in s.gradients):
        capturing.refuse("the gradient of a result goes to tensors made inside")
    return Traced(found, gone, _keeping([(i, r) for i, r in enumerate(roots) if not gone >> i & 1], inputs))


@functools.cache
def bits(numbers: tuple[int, ...]) -> int:
    return sum(1 << i for i in numbers)


def _keeping(roots: Sequence[tuple[int, Any]], inputs: Sequence[Any]) -> tuple[Way, ...]:
    found: dict[int, Way] = {}
    with machine.pinned():  # instructions are told apart by their numbers
        for i, root in roots:
            keeping, rows = engine.visited(root, inputs)
            for t, leads in keeping.items():
                found[t] = Way(1 << i | (found[t].roots if t in found else 0), leads)
            if any(r._buffer in rows for j, r in roots if j != i):  # whose hooks would see a part of the gradient only
                capturing.refuse("one result that requires grad is computed from another")
    return tuple(sorted({*found.values()}))


class Divided(NamedTuple):
    """The steps of a call and of its backwards as programs of their own.

    A backward's arguments are those of the call, then what the call `saved` for it, its results, and the seeds.
    """

    steps: list[Step]
    blocks: list[Block]
    saved: int  # the number of the block that the forward leaves to the backwards
    backwards: list[list[Step]]


def divide(steps: Sequence[Step], blocks: Sequence[Block], results: Sequence[int], seedings: Sequence[Seeding],
           arguments: int) -> Divided:
    """Put the blocks that a backward reads into one, and make it an argument there."""
    constants = constant_blocks(steps, set(results))
    written = {p.number for s in steps for p in s.places if p.kind == "own"}
    read = sorted({p.number for s in seedings for t in s.steps for p in t.places if p.kind == "own"} & written
                  - set(results) - set(constants))
    offsets: dict[int, int] = {}
    size = 0
    for number in read:
        offsets[number] = size
        nbytes = max(blocks[number].nbytes, 1)
        size += nbytes + (-nbytes % (_ALIGN if nbytes > 8 else 8))
    saved = len(blocks)

    def moved(step: Step) -> Step:
        return step._replace(places=tuple([
            Place("own", saved, offsets[p.number] + p.offset) if p.kind == "own" and p.number in offsets else p
            for p in step.places]))

    backwards = []
    for seeding in seedings:
        position = {number: arguments + 1 + i for i, number in enumerate(results)}
        position |= {number: arguments + 1 + len(results) + i for i, number in enumerate(seeding.seed_blocks)}

        def passed(p: Place, position: dict[int, int] = position) -> Place:
            if p.kind != "own":
                return p
            if p.number in offsets:
                return Place("argument", arguments, offsets[p.number] + p.offset)
            return Place("argument", position[p.number], p.offset) if p.number in position else p

        used = {p.number for t in seeding.steps for p in t.places if p.kind == "own"} & set(constants)
        again = [s for s in steps if s.kind == rec.CONSTANT and s.places[0].number in used]
        body = [t._replace(places=tuple([passed(p) for p in t.places])) for t in seeding.steps]
        if any(p and (p.kind != "own" or p.number in used) for p in map(target, body)):
            raise Refused("the backward of its result writes to what the forward kept")
        backwards.append([*again, *body])
    return Divided([moved(s) for s in steps], [*blocks, Block(0, size)], saved, backwards)


def storage_of(tensor: Any) -> int:
    return int(buffers[owner_of(tensor)]["address"])
