"""Results that require grad: the backward of a call, captured right after it, becomes programs of their own.

While the graph of a captured call is still there, its backward is run, with gradients of arguments and of reached
tensors as its results. Several results may be asked for alone or together, may be computed from each other, and have
hooks; so the graph is taken apart into segments, each of which runs as a whole or not at all. What a backward reads of
the forward's blocks is kept, and passed from one program to the other in one piece of memory: exactly what eager
recording would have kept, so that a value written to in the meantime is refused exactly where PyTorch refuses it.
(Recomputing the forward instead would need no such memory, and would be wrong for every value that was written to
since.)

What no program covers (`create_graph`) runs the function once more, as it is written, on the same arguments:
`unfolding`.
"""
from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

from tapegrad import dtypes, errors
from tapegrad.autograd import engine, marking
from tapegrad.compiler.guards.reachable import Reach, Unreadable
from tapegrad.compiler.refusals import Refused
from tapegrad.compiler.rehearsal import LaterReads, Rehearsal, custom_functions
from tapegrad.compiler.superinstructions import constant_blocks
from tapegrad.compiler.traced_program import Block, Place, Step, does, moved, targets
from tapegrad.dispatch import layout_of
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import buffers, call, layouts, machine
from tapegrad.machine.planning import Layout
from tapegrad.named_tuples import NamedTuple
from tapegrad.tape import hooks, reading

_ALIGN = 64


class Segment(NamedTuple):
    """A part of a call's graph that runs in reverse as a whole: all that leads to the same results. One node.

    So, whichever results a backward begins with, all of the segment's `outputs` have a gradient or none has. Outputs
    and `inputs` are numbers of values: the inputs of the call, its results, then what only leads from one segment to
    another. `keeping` are the inputs (bits) that an operation leads to which keeps something, for each that does: after
    a backward through one of them there is no other. Of a segment that is `gone` the call freed the graph itself.

    The rest is its captured backward, the `part` of the trace after the call's own that it is: with which seeds, and
    what came of them for each input.
    """

    roots: tuple[int, ...]  # the results that it leads to
    outputs: tuple[int, ...]
    inputs: tuple[int, ...]
    keeping: tuple[int, ...] = ()
    gone: bool = False
    part: int = 0
    seeds: tuple[Any, ...] = ()
    gradients: tuple[Any, ...] = ()
    seed_layouts: tuple[Layout, ...] = ()
    steps: tuple[Step, ...] = ()
    seed_blocks: tuple[int, ...] = ()
    blocks: tuple[int, ...] = ()
    layouts: tuple[Layout, ...] = ()

    def resolved(self, steps: Sequence[Step], starts: dict[int, int]) -> Segment:
        """With the steps that did it, and blocks in place of tensors."""
        def block(t: Any) -> int:
            found = starts.get(int(buffers[t._buffer]["address"]))
            if found is None:
                raise Refused("a gradient lies in memory that the call did not take")
            return found

        if any(s.kind == rec.GUARD for s in steps) or any(
                p.kind != "own" for s in steps if s.kind != rec.CONSTANT for p in targets(s)):
            raise Refused("the backward of its result looks at values, or writes to memory that others see")
        return self._replace(seeds=(), gradients=(), steps=tuple(steps), seed_blocks=(*map(block, self.seeds),),
                             blocks=(*map(block, self.gradients),),
                             layouts=tuple(map(layout_of, self.gradients)))

    def did(self) -> tuple[Any, ...]:
        """Something to compare."""
        return *self._replace(part=0, steps=()), *map(does, self.steps)

    def refuses(self, now: int, done: Iterable[int]) -> bool:
        """Whether a backward to some inputs is a second one, after those that were done."""
        return self.gone or any(k & now and k & before for before in done for k in self.keeping)

    def is_used_up(self, done: Collection[int]) -> bool:
        """Whether no backward may ask for anything that was kept."""
        if len(done) == 1:  # one sweep through all of it, as most are
            (before,) = done
            return bool(self.keeping) and (before == (1 << len(self.inputs)) - 1 or all(
                k & before for k in self.keeping)) and 0 not in self.keeping
        return bool(self.keeping) and all(any(k & before for before in done) for k in self.keeping)


class Traced(NamedTuple):
    """The backwards of one captured call: its segments, each after those that it goes on into.

    `inputs` are the tensors that they lead to, the first of the values; after those and the results come `hidden` ones,
    of these layouts.
    """

    segments: tuple[Segment, ...] = ()
    inputs: tuple[Any, ...] = ()
    hidden: tuple[Layout, ...] = ()
    later: LaterReads | None = None  # what custom functions read in their backwards


class _Outline:
    """What is found of a segment on the way through the tape, from its beginning."""

    def __init__(self) -> None:
        self.outputs: dict[int, None] = {}
        self.inputs: dict[int, int] = {}
        self.met: list[tuple[int, int]] = []  # where each of them is first used: minus the instruction, the operand
        self.leads: dict[int, int] = {}  # by row: to which inputs
        self.keeping: set[int] = set()

    def input(self, value: int, t: int, operand: int) -> int:
        """The bit of an input."""
        if value not in self.inputs:
            self.inputs[value] = len(self.inputs)
            self.met.append((-t, operand))
        return 1 << self.inputs[value]

    def done(self, roots: Sequence[int]) -> Segment:
        """The inputs in the order in which their gradients are complete in a backward: hooks run in that order."""
        values, order = [*self.inputs], sorted(range(len(self.inputs)), key=self.met.__getitem__)
        return Segment(tuple(roots), tuple(self.outputs), tuple([values[k] for k in order]),
                       tuple(sorted({_chosen(bits, order) for bits in self.keeping})))


def outline(roots: Sequence[Any], inputs: Sequence[Any]) -> tuple[list[Segment], list[int]]:
    """The segments of the graph that leads from some results (None for one to be left out) to some inputs; and the rows
    of all values. Instructions are named by their numbers: nothing may move meanwhile."""
    reaching: dict[int, int] = {}
    for i, root in enumerate(roots):
        for t in engine.visited(root, inputs) if root is not None else ():
            reaching[t] = reaching.get(t, 0) | 1 << i
    _join_outputs(reaching)
    rows = [0 if x is None else x._buffer for x in (*inputs, *roots)]
    numbers = {row: n for n, row in enumerate(rows)}
    ends = {*rows[:len(inputs)]}
    made: dict[int, int] = {}
    found: dict[int, _Outline] = {}
    for t in sorted(reaching):
        segment = found.setdefault(reaching[t], _Outline())
        out, _, operands, needs, _ = reading.instruction(t)
        leads = 0
        for j, row in enumerate(operands):
            if not needs >> j & 1 or not (row in ends or row in made):
                continue
            if row not in ends and made[row] == reaching[t]:
                leads |= segment.leads[row]
                continue
            if row not in numbers:
                numbers[row] = len(rows)
                rows.append(row)
            if row not in ends:
                found[made[row]].outputs[numbers[row]] = None
            leads |= segment.input(numbers[row], t, j)
        made[out], segment.leads[out] = reaching[t], leads
        if out in numbers:
            segment.outputs[numbers[out]] = None
        if marking.keeps(t):
            segment.keeping.add(leads)
    order = sorted(found.items(), key=lambda item: (-item[0].bit_count(), item[0]))
    return [s.done([i for i in range(len(roots)) if which >> i & 1]) for which, s in order], rows


def _chosen(bits: int, order: Sequence[int]) -> int:
    """The bits of these numbers, in their order."""
    return sum(1 << n for n, k in enumerate(order) if bits >> k & 1)


def leading(unseen: list[int], ends: set[int]) -> set[int]:
    """Which of some rows others are computed from, with a gradient."""
    seen = set()
    while unseen:
        row = unseen.pop()
        t = None if row in seen or row in ends else reading.instruction_of(row)
        seen.add(row)
        if t is not None:
            rows, needs = reading.operands_of(t)
            unseen += [r for j, r in enumerate(rows) if needs >> j & 1]
    return ends & seen


def _join_outputs(reaching: dict[int, int]) -> None:
    """Outputs of one custom function are in one segment: which of them have a gradient is the function's affair, and
    that none is zero."""
    for t in sorted(reaching):
        if reading.plan_of(t).op.name == "_output":
            (node,), _ = reading.operands_of(t)
            made = reading.instruction_of(node)
            assert made is not None
            if reaching[t] != reaching[made]:
                kept = hooks.find(node)
                if kept is None or not kept.callback.materialize_grads:
                    capturing.refuse("a custom function would get no gradient for one of its outputs")
                reaching[t] = reaching[made]


def trace_backward(roots: Sequence[Any], views: Sequence[Any], inputs: Sequence[Any], reach: Reach,
                   given: Sequence[Any], stop: Callable[[str], None]) -> Traced:
    """Run the backwards of a call that is being captured, of a function that can read what is in `reach`.

    Of some results it returns `views`. `given` are the containers that it was passed; `stop` is told if the call turns
    out to be none to be repeated.
    """
    if any(int(buffers["flags"][r._buffer]) & (rec.HOOKED | rec.RETAINS) for r in (*roots, *views)):
        capturing.refuse("a result has hooks, or retains its gradient")
        return Traced()
    left = [*roots]
    with machine.pinned():
        contexts, found = _looked_through(left, inputs, reach)
    if capturing.is_refused():
        return Traced()
    later = None
    if contexts:
        try:
            later = LaterReads(reach, contexts, given)
        except Unreadable as why:
            capturing.refuse(str(why))
            return Traced()
        later.watch(contexts, stop)
    return _numbered(found, roots, left, inputs)._replace(later=later)


def _looked_through(roots: list[Any], inputs: Sequence[Any], reach: Reach
                    ) -> tuple[Sequence[Any], tuple[list[Segment], list[int]]]:
    """Custom functions on the way, and the backwards; of the roots those whose graph is freed become None."""
    for i, root in enumerate(roots):
        try:
            if not engine.visited(root, inputs):
                capturing.refuse("the gradient of a result goes to tensors made inside")
        except RuntimeError as error:
            if not _is_second(error):
                return (), ([], [])
            roots[i] = None
    if capturing.is_refused():
        return (), ([], [])
    contexts = custom_functions([r for r in roots if r is not None], inputs)
    return contexts, _rehearsed(roots, inputs, reach, contexts)


def _is_second(error: Exception) -> bool:
    if str(error) == errors.SECOND_BACKWARD:
        return True
    capturing.refuse(f"the backward of its result fails: {error}")
    return False


def _rehearsed(roots: list[Any], inputs: Sequence[Any], reach: Reach, contexts: Sequence[Any]
               ) -> tuple[list[Segment], list[int]]:
    """The backward of each segment, with whatever code of the program changes put back."""
    rehearsal = None
    if contexts:
        try:
            rehearsal = Rehearsal(reach, contexts)
        except Unreadable as why:
            capturing.refuse(str(why))
            return [], []
    parts, found = itertools.count(), None
    try:
        while found is None:
            found = _run(roots, inputs, parts)
    finally:
        if rehearsal is not None and rehearsal.put_back():
            capturing.refuse("the backward of a custom function changes what lasts, or draws random numbers")
    return found


def _run(roots: list[Any], inputs: Sequence[Any], parts: Iterator[int]) -> tuple[list[Segment], list[int]] | None:
    """The backward of each segment; None where one found its graph freed, so that its results are left out."""
    segments, rows = outline(roots, inputs)
    done = []
    for segment in segments:
        capturing.cut()
        outputs, ends = ([call.tensor_of(rows[v], machine.tensor_type) for v in values]
                         for values in (segment.outputs, segment.inputs))
        seeds = [call.empty(layouts.adjoint(layout_of(o)).id) for o in outputs]
        for seed in seeds:
            seed._memory()[...] = dtypes.encoded(1, seed.dtype)
        try:
            gradients = engine.run(outputs, seeds, True, False, ends, accumulate=False, allow_unused=True, partial=True)
        except Exception as error:  # the code of a custom function may raise any
            if not _is_second(error):
                return [], rows
            for i in segment.roots:
                roots[i] = None
            next(parts)
            return None
        assert gradients is not None
        done.append(segment._replace(part=next(parts), seeds=tuple(seeds), gradients=tuple(gradients),
                                     seed_layouts=tuple(map(layout_of, seeds))))
    return done, rows


def _freed(root: Any, inputs: Sequence[Any]) -> tuple[int, ...]:
    """The inputs that a graph led to which was freed: a backward to them is refused."""
    read: set[int] = set()
    with machine.pinned():
        read.update(*[reading.operands_of(t)[0] for t in engine.visited(root, inputs, checked=False)])
    return tuple([n for n, x in enumerate(inputs) if x._buffer in read])


def _numbered(found: tuple[list[Segment], list[int]], roots: Sequence[Any], left: Sequence[Any], inputs: Sequence[Any]
              ) -> Traced:
    """Without the inputs that no gradient goes to; `left` are the roots but those whose graph was freed."""
    segments, rows = found
    first = len(inputs)
    segments = [_only(s, first) for s in segments]
    for i, root in enumerate(roots):
        if left[i] is None:
            segments.append(Segment((i,), (first + i,), _freed(root, inputs), gone=True))
    used = sorted({v for s in segments for v in s.inputs if v < first})
    numbers = {v: n for n, v in enumerate([*used, *range(first, len(rows))])}
    segments = [s._replace(outputs=tuple([numbers[v] for v in s.outputs]), inputs=tuple([numbers[v] for v in s.inputs]))
                for s in segments]
    hidden = [layouts.all[int(buffers["layout"][row])] for row in rows[first + len(roots):]]
    return Traced(tuple(segments), tuple([inputs[v] for v in used]), tuple(hidden))


def _only(segment: Segment, first: int) -> Segment:
    """A segment with those of its inputs that got a gradient."""
    there = [k for k, g in enumerate(segment.gradients) if g is not None]
    if len(there) == len(segment.inputs):
        return segment
    if any(v >= first for k, v in enumerate(segment.inputs) if k not in there):
        capturing.refuse("no gradient goes to what one of its results was computed from")
    keeping = {_chosen(bits, there) for bits in segment.keeping}
    return segment._replace(inputs=tuple([segment.inputs[k] for k in there]), keeping=tuple(sorted(keeping)),
                            gradients=tuple([segment.gradients[k] for k in there]))


class Divided(NamedTuple):
    """The steps of a call and of its backwards as programs of their own.

    A backward's arguments are those of the call, then what the call `saved` for it, its results, and the seeds.
    """

    steps: list[Step]
    blocks: list[Block]
    saved: int  # the number of the block that the forward leaves to the backwards
    backwards: list[list[Step]]


def divide(steps: Sequence[Step], blocks: Sequence[Block], results: Sequence[int], segments: Sequence[Segment],
           arguments: int) -> Divided:
    """Put the blocks that a backward reads into one, and make it an argument there."""
    constants = constant_blocks(steps, set(results))
    written = {p.number for s in steps for p in s.places if p.kind == "own"}
    read = sorted({p.number for s in segments for t in s.steps for p in t.places if p.kind == "own"} & written
                  - set(results) - set(constants))
    offsets: dict[int, int] = {}
    size = 0
    for number in read:
        offsets[number] = size
        nbytes = max(blocks[number].nbytes, 1)
        size += nbytes + (-nbytes % (_ALIGN if nbytes > 8 else 8))
    saved = len(blocks)

    def kept(p: Place) -> Place:
        return p.at("own", saved, offsets[p.number]) if p.kind == "own" and p.number in offsets else p

    backwards = []
    for segment in segments:
        position = {number: arguments + 1 + i for i, number in enumerate(results)}
        position |= {number: arguments + 1 + len(results) + i for i, number in enumerate(segment.seed_blocks)}

        def passed(p: Place, position: dict[int, int] = position) -> Place:
            if p.kind != "own":
                return p
            if p.number in offsets:
                return p.at("argument", arguments, offsets[p.number])
            return p.at("argument", position[p.number]) if p.number in position else p

        used = {p.number for t in segment.steps for p in t.places if p.kind == "own"} & set(constants)
        again = [s for s in steps if s.kind == rec.CONSTANT and s.places[0].number in used]
        body = [moved(t, passed) for t in segment.steps]
        if any(p.kind != "own" or p.number in used for t in body for p in targets(t)):
            raise Refused("the backward of its result writes to what the forward kept")
        backwards.append([*again, *body])
    return Divided([moved(s, kept) for s in steps], [*blocks, Block(0, size)], saved, backwards)
