"""One call, captured: what it did to memory and what it left behind, in a form that compares equal for equal calls."""
from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tapegrad.compiler import trace_analysis
from tapegrad.compiler import traced_program as cap
from tapegrad.compiler.before_call import Before, hung
from tapegrad.compiler.captured_backward import Segment, Traced
from tapegrad.compiler.guards.contents import by_value, is_record
from tapegrad.compiler.guards.growing_lists import Log
from tapegrad.compiler.guards.memory_words import WATCHED
from tapegrad.compiler.guards.reachable import Reach
from tapegrad.compiler.index_checks import checks_first
from tapegrad.compiler.numbers.formula import Formula
from tapegrad.compiler.numbers.substitution import Substitution
from tapegrad.compiler.passes.work import Work
from tapegrad.compiler.pytrees import Numbers, Structure, flatten
from tapegrad.compiler.refusals import ByName, Refused, Still, Strict, Within
from tapegrad.compiler.traced_program import Block, Place, Step, does
from tapegrad.compiler.waves import is_wave
from tapegrad.compiler.written_parts import apart, put_back
from tapegrad.dispatch import layout_of
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.learning import parts as moving_parts
from tapegrad.machine.live import buffers, call, layouts, machine
from tapegrad.machine.planning import Layout, Plan
from tapegrad.named_tuples import NamedTuple
from tapegrad.tape.history import KIND_OF_VIEW
from tapegrad.tape.reading import instruction_of, operands_of, plan_of, shift_of

MOST_LOOKED_AT = 1 << 24  # bytes of which it is found out which results have them
AT_ONCE = 64  # programs of more steps get their superinstructions in the background


class Link(NamedTuple):
    """One step from a tensor to a view of it: how that lies, in bytes from it, and what is recorded, if anything."""

    layout: Layout
    offset: int
    plan: Plan | None = None
    shift: int = 0


class Output(NamedTuple):
    """Where a tensor of the result comes from.

    `kind` is argument (`which` of them), held (the tensor itself), fresh (`which` block of the program, whole), part (a
    view of such a block), view (of an argument or a held tensor), seen (a view of output number `which`), or alias (on
    the memory of an argument or a held tensor, without history).
    `layout` and `offset` say how a part or an alias lies, `links` how to come from there to a view, and `flags` what
    kind of view that is, or that what is fresh was made in inference mode, by a call that came from outside of it.
    """

    kind: str
    which: Any
    layout: Layout | None = None
    offset: int = 0
    links: tuple[Link, ...] = ()
    flags: int = 0


class Result(NamedTuple):
    """In the place of an input of the graph: the result `which` of the call, a view that has a history of its own."""

    which: int


class Left(NamedTuple):
    """A gradient the call put on a leaf, or took away."""

    leaf: Any  # the tensor, or the number of the argument
    number: int | None  # of the block it lies in


class Captured:
    """What a call did: `steps`, the blocks they take, and what came of them; `backward` where results have a history.

    `result_blocks` leave the program, in tensors of `fresh_layouts`; `outputs` are the result's tensors, `returned`
    which of them stands where in `structure`; `roots` are the outputs that require grad. With `logs` the result is a
    tuple of the call's and of what it appends to these lists, one by one. What is `switched`, and which tensors are
    `requiring` grad or no longer, it sets at its end.
    """

    reach: Reach
    content: tuple[Any, ...]
    steps: list[Step]
    blocks: list[Block]
    argument_versions: list[tuple[int, int]]
    fresh_versions: list[tuple[int, int]]
    flags: list[tuple[Any, int]]

    def __init__(self, before: Before, trace: capturing.Trace, events: Any, result: Any, traced: Traced,
                 roots: Sequence[Any], substitution: Substitution | None = None, roll: bool = False,
                 earlier: Iterable[trace_analysis.Analysed] = (), of_large: bool = False,
                 logs: Sequence[Log] = (), seen: Sequence[Any] = ()) -> None:
        self.logs: list[Log] = list(logs)
        self._seen = list(seen)  # results that are views of others
        self.switched: list[tuple[dict[Any, Any], Any, Any]] = before.switched
        self.requiring: list[tuple[Any, bool]] = before.requiring
        if trace.refusals:
            raise Refused(trace.refusals[0])
        if trace.infers and call.is_inferring(None):
            raise Within("it enters inference mode twice")
        if trace.infers and any(t.grad is not None and t.grad.is_inference() for t, _ in before.gradients):
            raise Refused("it leaves a gradient of inference mode")
        if (events["kind"] == rec.OUTSIDE).any():
            raise Refused("its backward goes on into what was computed before the call")
        self.reach, self.content = before.reach, before.reach.content  # which names objects by address: they are held
        looks = cap.first_looks(events)  # the tensors whose `.grad` must be what it was, and what that is
        before.look({t for t, looked in looks.items() if looked})
        # leaves whose gradients are the last arguments, with how these lie
        lies = {id(t): layout_of(had) for t, had in before.gradients if had is not None}
        self.found: list[tuple[Any, Layout]] = [(t, lies[id(t)]) for t in before.found]
        if self.found and any(not s.gone for s in traced.segments):
            raise ByName("a backward of its result may read them")
        by_place = {id(t) for t in before.found}
        self.looked: list[tuple[Any, Any]] = [(t, had) for t, had in before.gradients
                                              if looks.get(id(t)) and id(t) in before.reach.tensors
                                              and id(t) not in by_place]
        if any(id(t) in looks for t in before.tensors if not t.is_leaf):
            raise Refused("it looks at or sets the gradient of a tensor that is no leaf")
        self.draws: list[capturing.Draw] = trace.draws
        # what Python takes out of tensors when the program has run
        reads = [read.copy for read in substitution.graph.reads.values()
                 if not read.pinned] if substitution else []
        self.parts: list[moving_parts.Part] = substitution.graph.parts if substitution else []
        self.analysed: trace_analysis.Analysed
        self.analysed, self.blocks, used = trace_analysis.analyse(
            trace, events, before.storages, before.owners, before.known,
            _left(before, result, traced.segments, reads), substitution.graph.tags if substitution else {},
            before.loose, [(p.row, p.first, p.end) for p in self.parts], roll, earlier, of_large)
        self.steps, *parts = self.analysed.parts
        first, moving = len(before.arguments), {p.row for p in self.parts}
        if written := moving & {row for row, _, _ in self._others_written(before, len(self.steps))}:
            if any(p.kind == "argument" and first <= p.number < first + len(self.parts)
                   and self.parts[p.number - first].row in written for steps in parts for s in steps for p in s.places):
                raise Still("a backward of its result reads a part of a tensor that it writes to")
            self.steps = apart(self.steps, self.blocks, self.parts, first, written,
                               lambda row: self._whole(before, row))
        self.loose: frozenset[int] = frozenset(before.loose)
        # the arguments of its program, parts too, that begin where they do and not where their storages do
        self.placed: frozenset[int] = self.loose | {len(before.arguments) + k for k in range(len(self.parts))}
        if self.loose and any(p.kind == "argument" and p.number in self.loose
                              for steps in (self.steps, *parts) for s in steps
                              if s.kind != rec.GUARD for p in cap.targets(s)):
            raise Strict("it writes to an argument that is a view")
        self.steps = checks_first(self.steps)
        self.fixed: list[int] = sorted(used & before.known)
        self.numbers: dict[int, int] = {row: i for i, row in reversed([*enumerate(before.owners)])}
        # of each part, where one would be that begins at 0: from an argument's beginning, by number, or an address (-1)
        self.origins: list[tuple[int, int]] = [self._origin(before, p) for p in self.parts]
        # arguments that lie in memory the function reaches by name: they must do so again
        self.expected: dict[int, int] = {i: row for i, row in enumerate(before.owners) if row in before.known}
        self.known: frozenset[int] = frozenset(before.known)
        self.reached: list[bool] = [id(t) in before.reach.tensors for t in before.leaves]
        # what each argument is: a tensor that it reaches by name, or the first argument that is the same tensor
        self.same_as: list[Any] = [t if r else next(i for i, other in enumerate(before.leaves) if other is t)
                                   for t, r in zip(before.leaves, self.reached)]
        self._starts = {b.address: i for i, b in enumerate(self.blocks) if b.address}
        self.result_blocks: list[int] = []
        self.fresh_layouts: list[Layout] = []
        self._fresh_versions: list[int] = []
        self.gradients: list[Left] = [g for leaf, had in before.gradients
                                      for g in self._left(before, leaf, had, looks.get(id(leaf)) is False)]
        self._outputs(before, result, substitution)
        if not trace.switched.isdisjoint(map(id, before.tensors)) and (
                roots or any(o.kind in ("view", "alias") for o in self.outputs)):
            raise Refused("it sets which tensors require grad, and returns what was made of them before or after")
        # which results have the numbers that Python takes out of them
        self.reads: list[int] = [self._block_of(read, "a number") for read in reads]
        self.roots: list[int] = [next(i for i, t in enumerate(self._tensors) if t is r) for r in roots]
        self.inputs: list[Any] = [self._source(before, t) for t in traced.inputs]
        self.numbers_of_inputs: dict[int, int] = {n: j for j, n in enumerate(self.inputs) if type(n) is int}
        if roots and len({id(t) for t in self._tensors}) > 1:
            own = [t for i, t in enumerate(self._tensors) if self.outputs[i].kind in ("fresh", "part")]
            if not _are_apart(own):
                raise Refused("results that require grad share memory")
        self.traced: Traced = traced._replace(inputs=(), segments=tuple([
            s if s.gone else s.resolved(parts[s.part], self._starts) for s in traced.segments]))
        changed = {row: int(buffers[row]["version"]) - version for row, version in before.versions.items()
                   if int(buffers[row]["version"]) != version}
        for row, _, _ in self._others_written(before, len(self.steps)):
            if row in before.versions:
                changed.setdefault(row, 0)  # written by another name, which does not count (`x.data.mul_(2)`)
        self.versions: list[tuple[int, int]] = sorted((r, n) for r, n in changed.items() if r in before.known)
        if any(r not in self.numbers and r not in before.known for r in changed):
            raise ByName("a gradient was written to that it never looked at")
        self.argument_versions = sorted((self.numbers[r], n) for r, n in changed.items() if r not in before.known)
        if any(number in self.loose for number, _ in self.argument_versions):
            raise Strict("it writes to an argument that is a view")
        # how often the call wrote to what it hands out: `_version` tells
        self.fresh_versions = [(i, version) for i, version in enumerate(self._fresh_versions) if version]
        self.flags = sorted((t._buffer, int(buffers[t._buffer]["flags"]) & WATCHED) for t in before.tensors
                            if id(t) in before.reach.tensors)
        self.undo: list[tuple[Place, int]] = self._undo(before)
        self.work: Work | None = None  # the optimised steps, once there is need of them
        del self._tensors

    @staticmethod
    def _whole(before: Before, row: int) -> Place:
        """Where a storage of others begins."""
        return Place("argument", before.owners.index(row), 0) if row in before.owners and row not in before.known else (
            Place("fixed", cap.addresses.item(row), row))

    def _origin(self, before: Before, part: moving_parts.Part) -> tuple[int, int]:
        at = part.first - part.start * part.unit
        if part.row in before.known:
            return -1, at
        number = self.numbers[part.row]
        return number, at - before.starts(())[number]

    def _left(self, before: Before, leaf: Any, had: Any, put: bool) -> list[Left]:
        """What the call did to a gradient: where it `put` one without a look, any other would be gone as well."""
        now = leaf.grad
        if now is had and not put:
            return []
        number = None if now is None else self._block_of(now, "a gradient")
        if now is not None and cap.owner_of(now) != now._buffer:
            raise Refused("a gradient is a view")
        if now is not None and hung(now):
            raise Refused("it hangs an attribute on a gradient")
        held = id(leaf) in before.reach.tensors
        return [Left(leaf if held else self._place(before.leaves, leaf), number)]

    @staticmethod
    def _place(several: Sequence[Any], one: Any) -> int:
        return next(i for i, t in enumerate(several) if t is one)

    def _source(self, before: Before, tensor: Any) -> Any:
        """A tensor that the graph begins with: itself, the number of the argument, or a view among the results."""
        if id(tensor) in before.reach.tensors:
            return tensor
        given = next((i for i, t in enumerate(before.leaves) if t is tensor), None)
        return Result(self._place(self._tensors, tensor)) if given is None else given

    def _block_of(self, tensor: Any, what: str) -> int:
        """The number among the result blocks of the one that a tensor of the call's own lies in."""
        owner = cap.owner_of(tensor)
        block = self._starts.get(int(buffers[owner]["address"]))
        if block is None:
            raise Refused(f"{what} lies in memory that the call did not take")
        if block not in self.result_blocks:
            self.result_blocks.append(block)
            self.fresh_layouts.append(layouts.all[int(buffers[owner]["layout"])])
            self._fresh_versions.append(int(buffers[owner]["version"]))
        return self.result_blocks.index(block)

    def _outputs(self, before: Before, result: Any, substitution: Substitution | None) -> None:
        leaves: list[Any] = []
        containers = [*before.containers]
        followed = Numbers(frozenset())
        self.structure: Structure = flatten(result, leaves, containers, varying=followed, records=is_record)
        self.formula: Formula | None = substitution.formula(followed.found) if substitution else None
        if not before.watched.isdisjoint(map(id, containers[len(before.containers):])):
            raise Refused("it returns a tuple, list or dict that it reads")
        self._tensors = list({id(t): t for t in leaves}.values())
        self.returned: list[int] = [self._place(self._tensors, t) for t in leaves]
        # Results that nobody is handed, for there are views of them alone: each as the base of which one.
        self.bases: list[int] = []
        for t in self._seen:
            if not any(t._base is other for other in self._tensors):
                self.bases.append(self._place(self._tensors, t))
                self._tensors.append(t._base)
        outputs = [self._output(before, t) for t in self._tensors]
        taken = [o.which for o in outputs if o.kind in ("fresh", "part")] + [g.number for g in self.gradients]
        for o, t in zip(outputs, self._tensors):
            if o.kind == "part" and o.flags & rec.IS_VIEW and taken.count(o.which) > 1 and (
                    t._base is not None and t._base._buffer != cap.owner_of(t)):
                raise Refused("it returns a view of what it detached, and more of that memory")
        # A view of a whole block that nothing else is left of may as well be its owner.
        self.outputs: list[Output] = [
            Output("fresh", o.which, flags=o.flags & rec.INFERENCE) if o.kind == "part" and not o.offset
            and taken.count(o.which) == 1 and not o.flags & KIND_OF_VIEW & ~rec.IS_VIEW
            and o.layout is self.fresh_layouts[o.which] else o for o in outputs]

    def _output(self, before: Before, tensor: Any) -> Output:
        for i, a in enumerate(before.arguments):
            if a is tensor:
                return Output("argument", i)
        if any(t is tensor for t in before.held):
            return Output("held", tensor)
        if type(tensor) is not machine.tensor_type and type(tensor) not in machine.TensorBase.__subclasses__():
            raise Refused(f"it returns a {type(tensor).__name__}")
        if hung(tensor):
            raise Refused("it hangs an attribute on a tensor that it returns")
        if any(t is tensor for t in self._seen):
            links = links_between(tensor, tensor._base)
            return Output("seen", self._place(self._tensors, tensor._base), None, 0, tuple(links or ()),
                          int(buffers["flags"][tensor._buffer]) & KIND_OF_VIEW)
        owner = cap.owner_of(tensor)
        offset = cap.addresses.item(tensor._buffer) - cap.addresses.item(owner)
        if owner in before.known or owner in self.numbers:
            if any(p.row == owner for p in self.parts):
                raise Still("it returns a part of a tensor")
            if self.numbers.get(owner) in self.loose:
                raise Strict("it returns a view of an argument that is a view")
            return self._view(before, tensor, owner)
        number = self._block_of(tensor, "a result")
        flags = 0 if call.is_inferring(None) else int(buffers["flags"][owner]) & rec.INFERENCE
        if owner == tensor._buffer:
            return Output("fresh", number, flags=flags)
        if not tensor.requires_grad:  # one with a history is an output of a node, whoever has the rest of the memory
            # Under `no_grad` it would be a view, and calls of both are one program.
            flags |= rec.IS_VIEW | rec.NO_GRAD_VIEW if call.is_inferring(None) else (
                int(buffers["flags"][tensor._buffer]) & KIND_OF_VIEW)
        return Output("part", number, layout_of(tensor), offset, flags=flags)

    def _view(self, before: Before, tensor: Any, owner: int) -> Output:
        """A result in the memory of an argument or a held tensor."""
        given = [t for t in (*before.leaves, *before.tensors, *before.arguments, *before.held)
                 if cap.owner_of(t) == owner]
        base, start = tensor._base, cap.addresses.item(tensor._buffer)
        rows = {t._buffer: t for t in given}
        links: list[Link] = []
        kind, source = "view", given[0]
        row = tensor._buffer
        while tensor.requires_grad and row not in rows:
            step = _link(row)
            if step is None:
                raise Refused("a result that requires grad lies in an argument's memory")
            link, row = step
            links.insert(0, link)
            if row not in rows and any(x._buffer == row for x in self._tensors):
                raise Refused("one result that requires grad is computed from another")
        if links:
            source = rows[row]
        elif any(base is (t if t._base is None else t._base) for t in given):
            source = next(t for t in given if base is (t if t._base is None else t._base))
            links = [Link(layout_of(tensor), start - cap.addresses.item(source._buffer))]
        else:
            first = tensor if base is None else base
            if first.requires_grad:
                raise Refused("a result is a view of a leaf made inside")
            kind = "alias"
            links = [] if base is None else [Link(layout_of(tensor), start - cap.addresses.item(base._buffer))]
        which = source if any(t is source for t in before.held) else self._place(before.arguments, source)
        flags = int(buffers["flags"][tensor._buffer]) & KIND_OF_VIEW
        if kind == "view":
            return Output(kind, which, None, 0, tuple(links), flags)
        return Output(kind, which, layout_of(first), cap.addresses.item(first._buffer) - cap.addresses.item(owner),
                      tuple(links), flags)

    def _undo(self, before: Before) -> list[tuple[Place, int]]:
        """What is written of others' storages before the last step that may break off, and how many bytes."""
        ends = [t for t, s in enumerate(self.steps) if cap.may_break_off(s)]
        found: dict[Place, int] = {}
        for _, place, nbytes in self._others_written(before, ends[-1] if ends else 0):
            found[place] = max(nbytes, found.get(place, 0))
        return list(found.items())

    def _others_written(self, before: Before, end: int) -> Iterator[tuple[int, Place, int]]:
        """What of others' storages steps before one write to: (owner row, where that begins, how many bytes)."""
        for step in self.steps[:end]:
            if self.parts and (nbytes := put_back(step)):
                yield self._part(before, step.places[0]).row, step.places[0], nbytes
                continue
            for place in cap.targets(step) if step.kind in (rec.KERNEL, rec.ZEROED, rec.LOOP) else ():
                part = None if place.kind == "own" else self._part(before, place)
                if part is not None:
                    yield part.row, place._replace(offset=0, stride=0), part.end - part.first
                elif place.kind != "own":
                    row = place.offset if place.kind == "fixed" else before.owners[place.number]
                    yield row, self._whole(before, row), layouts[int(buffers[row]["layout"])].nbytes

    def _part(self, before: Before, place: Place) -> Any:
        """The part that moves in which a place lies, or None."""
        number = place.number - len(before.owners) if place.kind == "argument" else -1
        return self.parts[number] if number >= 0 else None

    def _did(self) -> tuple[Any, ...]:
        return (
            [*map(does, self.steps)], [b.nbytes for b in self.blocks], self.structure, self.returned, self.roots,
            [_identified(o) for o in self.outputs], [_identified(g) for g in self.gradients],
            [id(t) for t, _ in self.looked], [(id(t), layout) for t, layout in self.found],
            [t if type(t) in (int, Result) else id(t) for t in self.inputs], self.traced.hidden,
            self.versions, self.argument_versions, self.flags, self.reached, self.fixed, self.expected,
            self.fresh_layouts, self.fresh_versions, self.content, [d.key() for d in self.draws],
            [s.did() for s in self.traced.segments], self.formula and self.formula.key(), self.reads,
            self.origins, [*map(id, self.logs)],
            [(id(held), key, by_value(value)) for held, key, value in self.switched],
            [(id(tensor), value) for tensor, value in self.requiring],
        )

    def same(self, other: Captured) -> bool:
        """Whether two calls did the same: only then may one stand for the next."""
        return self.does_as(other) and not self.stay(other)

    def does_as(self, other: Captured) -> bool:
        """The same, wherever the parts begin that it takes of tensors."""
        return self._did() == other._did()

    def stay(self, other: Captured) -> list[tuple[int, int]]:
        """The numbers of the parts that begin where they did in another call: what else lies there may be no part."""
        return [(a.number, a.start) for a, b in zip(self.parts, other.parts) if a.start == b.start]

    def computes(self, other: Captured) -> bool:
        """Whether another call's steps are these, whatever must hold for it."""
        return self.result_blocks == other.result_blocks and len(self.steps) == len(other.steps) and all(
            does(a) == does(b) for a, b in zip(self.steps, other.steps)) and (
            [b.nbytes for b in self.blocks] == [b.nbytes for b in other.blocks])

    def looks_at_others(self, other: Captured) -> bool:
        """Whether another call's steps are these, but for values that it looks at, and numbers made of them."""
        return len(self.steps) == len(other.steps) and all(
            a.kind == b.kind and a.kind in (rec.GUARD, rec.WORD, rec.CONSTANT)
            for a, b in zip(self.steps, other.steps) if does(a) != does(b))

    @property
    def recorded(self) -> list[int]:
        """The outputs that a call's history is told: what is returned, and what that are views of."""
        return [*self.returned, *range(len(self.outputs) - len(self.bases), len(self.outputs))]

    @property
    def sets(self) -> bool:
        """Whether a replay ends with attributes that Python sets."""
        return bool(self.switched or self.requiring)

    @property
    def draws_first(self) -> bool:
        """Whether a replay begins with numbers that Python works out."""
        return bool(self.draws or self.formula)

    @property
    def short(self) -> bool:
        """Whether it is optimised at once; longer programs are in the background."""
        return len(self.steps) <= AT_ONCE and not any(s.kind == rec.LOOP or is_wave(s) for s in self.steps)

    def outlived(self, events: Any) -> bool:
        """Whether memory that the call took, and computes something for, is still in use, besides its results'."""
        returned = set(capturing.addresses(events, events["kind"] == rec.GIVEN_BACK).tolist())
        written = {p.number for s in self.steps if s.kind in (rec.KERNEL, rec.ZEROED) for p in cap.writes(s)
                   if p.kind == "own"}
        return any(self.blocks[b].address not in returned for b in written.difference(self.result_blocks))

    def given(self, found: Any) -> Any:
        """The result of a call, of a tuple of that and what it appends to lists, which is done."""
        for held, key, value in self.switched:
            held[key] = value
        for tensor, requires in self.requiring:
            tensor.requires_grad_(requires)
        if not self.logs:
            return found
        result, *items = found
        for log, item in zip(self.logs, items):
            log.append(item)
        return result

    @property
    def pure(self) -> bool:
        """Whether running the function once more would leave no trace, but for what it appends to `logs`."""
        return not (self.versions or self.argument_versions or self.gradients or self.sets or (
            self.formula and self.formula.writes))


def _link(row: int) -> tuple[Link, int] | None:
    """How a recorded view comes of another row, and which; None for what is none."""
    t = instruction_of(row)
    if t is None or not machine.plans["flags"][plan_of(t).index] & rec.VIEW:
        return None
    (viewed, *_), _ = operands_of(t)
    return Link(layouts.all[int(buffers[row]["layout"])], cap.addresses.item(row) - cap.addresses.item(viewed),
                plan_of(t), shift_of(t)), viewed


def links_between(view: Any, base: Any) -> list[Link] | None:
    """How a tensor comes of its base, whose history is its own up to there; None where it is another by now."""
    row = view._buffer
    if is_stale(view) or cap.owner_of(base) != base._buffer:
        return None
    links: list[Link] = []
    while row != base._buffer:
        step = _link(row)
        if step is None:
            return None
        link, row = step
        links.insert(0, link)
    return links


def leads_back(view: Any, base: Any, others: Collection[int]) -> bool:
    """Whether a tensor comes of its base by views alone, none of which is one of these others (rows)."""
    if links_between(view, base) is None:
        return False
    row = view._buffer
    while row != base._buffer:
        if row != view._buffer and row in others:
            return False
        (row, *_), _ = operands_of(instruction_of(row))  # type: ignore[arg-type]
    return True


def is_stale(view: Any) -> bool:
    """Whether the history of a view is another by now: somebody wrote to its base."""
    return bool(buffers["version"][view._buffer] != buffers["version"][cap.owner_of(view)])


def is_restricted(tensor: Any) -> bool:
    """Whether a tensor is a view that may not be written to, for how it came about."""
    return bool(int(buffers["flags"][tensor._buffer]) & KIND_OF_VIEW & ~rec.IS_VIEW)


def _are_apart(tensors: Sequence[Any]) -> bool:
    """Whether tensors have no element in common, nor one twice: then a write to one is none to others, even if they are
    parts of one. Parts that may not be written to, as those of `chunk`, do not count: an output of a node may be."""
    owners = [*map(cap.owner_of, tensors)]
    for owner in {o for o in owners if owners.count(o) > 1}:
        nbytes, start = layouts.all[int(buffers[owner]["layout"])].nbytes, cap.addresses.item(owner)
        if nbytes > MOST_LOOKED_AT:
            return False
        taken = np.zeros(nbytes, bool)
        for t in (t for t, o in zip(tensors, owners) if o == owner):
            item = t.element_size()
            seen = np.lib.stride_tricks.as_strided(
                taken[cap.addresses.item(t._buffer) - start:], (*t.shape, item), (*(s * item for s in t.stride()), 1))
            kind = int(buffers["flags"][t._buffer]) & KIND_OF_VIEW & ~rec.IS_VIEW if t.requires_grad else 0
            if kind or any(s == 0 and n > 1 for s, n in zip(t.stride(), t.shape)) or seen.any():
                return False
            seen[...] = True
    return True


def _left(before: Before, result: Any, segments: Sequence[Segment], reads: Sequence[Any]) -> set[int]:
    """The addresses of all that a call leaves behind for others, and of what is `read` after it."""
    tensors: list[Any] = [*(t.grad for t, _ in before.gradients), *reads]
    flatten(result, tensors, varying=Numbers(frozenset()), records=is_record)
    for segment in segments:
        tensors += (*segment.seeds, *segment.gradients)
    return {cap.addresses.item(cap.owner_of(t)) for t in tensors if t is not None}


def _identified(fields: tuple[Any, ...]) -> list[Any]:
    """Fields to compare, tensors among them by identity."""
    return [id(f) if isinstance(f, machine.TensorBase) else f for f in fields]
