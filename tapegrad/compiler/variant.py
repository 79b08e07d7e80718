"""One captured behaviour: what must hold for it, and the programs that repeat it."""
from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from weakref import WeakMethod

import numpy as np

from tapegrad import dtypes
from tapegrad.autograd import modes
from tapegrad.compiler import traced_program as cap
from tapegrad.compiler.backward_node import Recorder
from tapegrad.compiler.backward_program import Backward, Reads
from tapegrad.compiler.before_call import apart
from tapegrad.compiler.captured_backward import Divided, Segment, divide
from tapegrad.compiler.captured_call import Captured, Link, Output, Result
from tapegrad.compiler.guards import memory_words
from tapegrad.compiler.guards.reachable import Reach, Unreadable
from tapegrad.compiler.passes import optimise
from tapegrad.compiler.passes.work import Work
from tapegrad.compiler.program import Program
from tapegrad.compiler.pytrees import is_fixed, overlapping, unflatten, with_gradients
from tapegrad.dispatch import layout_of
from tapegrad.machine import records as rec
from tapegrad.machine.live import buffers, call, layouts
from tapegrad.machine.startup import address_of
from tapegrad.tape import history
from tapegrad.tensor import Tensor


class Variant:
    """One captured behaviour: what must hold for it, and the program that repeats it."""

    function: Callable[..., Any]
    reach: Reach
    captured: Captured
    structure: Any
    program: Program
    passes: Sequence[str]
    checkpoint: bool
    memory: int | None

    def __init__(self, function: Callable[..., Any], reach: Reach, captured: Captured, arguments: int,
                 structure: Any, eager_build: bool, passes: Sequence[str], on_built: Callable[[], None],
                 on_unfolded: Callable[[], None], checkpoint: bool = False, memory: int | None = None) -> None:
        self.function, self.reach, self.captured, self.structure = function, reach, captured, structure
        self.default: dtypes.dtype = dtypes.default_dtype()
        self.counter: np.ndarray[Any, Any] = np.zeros(1, "u8")  # of runs; native code counts too
        self.made: float = time.perf_counter()
        self.built: bool = False
        self.native_way: Any = False  # of `native_calls`: not looked for yet
        self.recorder: Recorder | None = None
        # what a call returns that hands out no tensor
        self.fixed: bool = not (captured.outputs or captured.logs or captured.sets) and is_fixed(captured.structure)
        self.constant: Any = unflatten(captured.structure, iter(())) if self.fixed else None
        # Conditions name objects by address, so they are held; what `reach` holds changes with `refresh`.
        self.held: list[Any] = [*reach.tensors.values(), *(had for _, had in captured.looked if had is not None)]
        self.arguments = arguments
        # how many are passed, and the gradients of these; those that it finds come after them, then parts of tensors
        self.given: int = arguments - len(captured.found) - len(captured.parts)
        self.owners_reached: np.ndarray[Any, Any] = np.array([cap.owner_of(t) for t in reach.tensors.values()], "i8")
        self.owners: list[int] = [cap.owner_of(t) for t in self.held]
        self._divided: Divided | None = None
        self._bare: dict[tuple[int, int], Backward | None] = {}
        # the containers that had changed, or counted a change, when that was last looked for, and where their words are
        self._changing: list[tuple[Any, int, int]] = []
        lies = [*captured.fresh_layouts]
        self.results: list[int] = list(captured.result_blocks)
        self.steps: list[cap.Step] = captured.steps
        self.segments: list[Segment] = [s for s in captured.traced.segments if not s.gone]
        if self.segments:
            self._divided = divide(captured.steps, captured.blocks, captured.result_blocks, self.segments, arguments)
            self.steps = self._divided.steps
        nbytes = self._divided.blocks[-1].nbytes if self._divided else 0
        self.saves: bool = nbytes > 0  # whether a block of what backwards read is the last of those that a call takes
        if self._divided and self.saves:
            self.results.append(self._divided.saved)
            lies.append(layouts.intern(dtypes.uint8, (nbytes,)))
        self.layouts: list[int] = [layout.id for layout in lies]
        self._lies = [*lies, *map(layout_of, self.held)]  # native code has their numbers
        self.backwards: list[Backward] = []
        self.reads: Reads = self._read()
        self.passes, self.checkpoint, self.memory = passes, checkpoint, memory
        self.run_again: tuple[str, ...] = ()  # a line for each loop that is checkpointed
        self.kept_whole: str = ""  # why none is
        at_once = eager_build or captured.short or checkpoint  # what is kept before that is all there is
        self._make(self._conditions(), passes if at_once else ())
        self.silent: bool = not (self.layouts or captured.gradients or captured.argument_versions or captured.draws)
        self.plain: bool = len(captured.outputs) == 1 and captured.outputs[0].kind == "fresh" and (
            captured.structure is Tensor and not (
                captured.outputs[0].flags or captured.gradients or captured.fresh_versions or captured.reads
                or captured.sets))
        self.seconds: float = time.perf_counter() - self.made
        self.built = at_once
        # Of the compiled function, which goes at once where nobody holds it: no cycle leads back to that.
        self._on_built, self._on_unfolded = WeakMethod(on_built), WeakMethod(on_unfolded)
        self._builder = None if at_once else threading.Thread(target=self._fuse, daemon=True)
        if self._builder:
            self._builder.start()

    def on_unfolded(self) -> None:
        """A second run of the function took the place of its node."""
        if (told := self._on_unfolded()) is not None:
            told()

    def let_go(self) -> None:
        """Nobody calls this any more: leave what leads back here, for no collector need come for the rest."""
        self.native_way = self.recorder = None

    def wait(self) -> None:
        """Return when the superinstructions are in place."""
        if self._builder:
            self._builder.join()

    def dump(self, form: str = "text") -> str:
        """The optimised program, one line a step; "llvm" gives the code of its kernels."""
        from tapegrad.compiler.listing import dump

        return dump(self, form)

    def _fuse(self) -> None:
        """Build the superinstructions; the interpreter replays the plain steps until they are there."""
        start = time.perf_counter()
        self._make(self.program.conditions, self.passes)  # the same array: `refresh` writes to it
        self.seconds += time.perf_counter() - start
        self.built = True
        if (told := self._on_built()) is not None:
            told()

    def _make(self, conditions: Any, passes: Sequence[str]) -> None:
        captured, divided = self.captured, self._divided
        blocks = divided.blocks if divided else captured.blocks
        work = captured.work if divided is None and passes else None
        work = work or optimise(Work(list(self.steps), blocks, set(self.results)), passes)
        if self.checkpoint:
            work = self._checkpointed(work)
        program = Program(work.steps, work.blocks, self.results, captured.undo, conditions, captured.versions,
                          reuse=bool(passes), function=self._called)
        self.works: list[Work] = [work]
        backwards = []
        for segment, steps in zip(self.segments, divided.backwards if divided else ()):
            work = optimise(Work(steps, blocks, set(segment.blocks)), passes)
            self.works.append(work)
            backwards.append(self._backward(work, segment.blocks, segment, self.reads.places_of(self._read_by(steps))))
        self.recorder, self.backwards, self.program, self.native_way = None, backwards, program, False

    @property
    def _called(self) -> str:
        return getattr(self.function, "__qualname__", type(self.function).__qualname__).rpartition(".")[2]

    def _checkpointed(self, work: Work) -> Work:
        from tapegrad.compiler.checkpointing.rewriting import checkpointed

        if self.segments:
            self.kept_whole = "the backward of its result is outside of it"
            return work
        work, self.run_again, self.kept_whole = checkpointed(work, self.memory)
        return work

    def _backward(self, work: Work, blocks: Sequence[int], segment: Segment, reads: Sequence[int]) -> Backward:
        number = {block: i for i, block in enumerate(dict.fromkeys(blocks))}  # one may be the gradient of several
        fresh = dict(zip(segment.blocks, segment.layouts))
        program = Program(work.steps, work.blocks, list(number), [], [], [], function=self._called, backward=True)
        return Backward(program, [number[b] for b in blocks],
                        [fresh[b] for b in number], segment.seed_layouts, reads, self.arguments + 1,
                        len(self.captured.result_blocks))

    def bare(self, number: int, wanted: int) -> Backward | None:
        """The backward of a segment to some inputs alone, if it reads nothing but the gradients that it begins with."""
        if (number, wanted) not in self._bare:
            assert self._divided is not None
            segment = self.segments[number]
            blocks = [b for k, b in enumerate(segment.blocks) if wanted >> k & 1]
            alive = set(blocks)
            steps: list[cap.Step] = []
            for step in reversed(self._divided.backwards[number]):
                if not alive.isdisjoint(p.number for p in cap.targets(step) if p.kind == "own"):
                    steps.insert(0, step)
                    alive.update(p.number for p in step.places if p.kind == "own")
            first = self.arguments + 1 + len(self.captured.result_blocks)
            self._bare[number, wanted] = None if any(
                p.kind != "own" and (p.kind != "argument" or p.number < first) for s in steps for p in s.places
            ) else self._backward(Work(steps, self._divided.blocks, set(blocks)), blocks, segment, ())
        return self._bare[number, wanted]

    def _read(self) -> Reads:
        return self._read_by([s for steps in (self._divided.backwards if self._divided else ()) for s in steps])

    def _read_by(self, steps: Sequence[cap.Step]) -> Reads:
        places = {p for s in steps for p in s.places}
        rows = {p.offset for p in places if p.kind == "fixed"}
        first = self.arguments + 1
        numbers = {p.number for p in places if p.kind == "argument"}
        return Reads(
            tuple(sorted(n for n in numbers if n < self.arguments)),
            tuple(t for t in self.held if cap.owner_of(t) in rows),
            tuple(sorted(n - first for n in numbers if first <= n < first + len(self.captured.result_blocks))),
        )

    # ------------------------------------------------------------ conditions

    def _conditions(self) -> list[tuple[int, int, int]]:
        """Words of memory that show, without Python, that what the function reaches is what it was."""
        self._gradients = [word for looked in self.captured.looked for word in memory_words.gradient(*looked)]
        found = self._gradients[:]
        requiring = {id(tensor): now for tensor, now in self.captured.requiring}
        for tensor in self.reach.tensors.values():
            found += memory_words.storage(tensor, not requiring[id(tensor)] if id(tensor) in requiring else None)
        self._state = len(found)  # those that stay what they are
        self._containers = self.reach.words_of_containers()
        return found + self.reach.conditions() + self._containers

    def gradients_are_as_they_were(self) -> bool:
        return memory_words.hold(self._gradients)

    def holds(self) -> bool:
        """Whether globals and containers are what they were; the program itself looks at cells and tensors."""
        # Those that were others the last time are looked at first: to look at all that is reached takes 100 us.
        return not any(w.differs() for w, _, _ in self._changing) and (
            self.reach.unchanged(memory=False) or self.refresh())

    def renewed(self) -> bool:
        """Whether cells hold other objects than they did, of equal values; or a dict counted changes that are none."""
        if not self.reach.unchanged(memory=False) or not memory_words.hold(self.reach.conditions()):
            return self.refresh()
        # One by one: `eval()` and `train()` between two calls count in each module, and what else is reached, a model
        # and its optimiser, is ten times as much. All of it was looked at: 250 us, of a step that takes 5.
        at, self._changing = 0, []
        for watched, count in self.reach.with_words:
            if not memory_words.hold(self._containers[at:at + count]):
                self._changing.append((watched, at, count))
            at += count
        found = bool(self._changing) and (self.renewed_again() or self.refresh())
        if len(self._changing) == len(self.reach.with_words):  # as the first time, where a call changes some itself
            self._changing = []
        return found

    def renewed_again(self) -> bool:
        """The same, if no others count changes than the last time: the program looks at the rest."""
        first = self._state + len(self.reach.conditions())
        for watched, at, count in self._changing:
            words = watched.words()
            if words is None or len(words) != count or not watched.unchanged():  # in this order: threads may write
                return False
            self._containers[at:at + count] = words
            for i, word in enumerate(words, first + at):
                self.program.conditions[i] = word
        return bool(self._changing)

    def refresh(self) -> bool:
        """Equal values in other objects (a number computed anew) are as good: from now on those are looked for."""
        # A model in training, and this is for evaluation: all that is reached was looked at to see that, 300 us.
        if any(watched.differs() for watched in self.reach.watched):
            return False
        try:
            reach = self.reach.again()
        except Unreadable:
            return False
        if reach.content != self.captured.content or not self._expect(reach):
            return False
        self.reach, self.native_way = reach, False
        return True

    def _expect(self, reach: Reach) -> bool:
        """Compare with this from now on, if there is as much to compare."""
        containers = reach.words_of_containers()
        wanted = reach.conditions() + containers
        if self._state + len(wanted) != len(self.program.conditions):
            return False
        self._containers, self._changing = containers, []
        for i, condition in enumerate(wanted):
            self.program.conditions[self._state + i] = condition
        return True

    # ------------------------------------------------------------ replay

    def replay(self, leaves: Sequence[Any], containers: Sequence[Any] = (), passed: Sequence[Any] = ()
               ) -> tuple[int, Any]:
        """Run the program on these arguments, in these containers: its status, and the result where it passed.

        `passed` are the numbers among the arguments that vary.
        """
        captured, program = self.captured, self.program
        if containers and self.reach.identity:
            given = {*map(id, containers)}
            if any(id(w.value) in given for w in self.reach.watched):
                return rec.BROKEN, None
        if containers and not self.reach.logs.keys().isdisjoint(map(id, containers)):
            return rec.BROKEN, None
        arguments = leaves if len(leaves) == self.given else with_gradients(leaves)
        if captured.found:
            found = [(t, t.grad) for t, layout in captured.found if t.grad is not None and layout_of(t.grad) is layout]
            if len(found) < len(captured.found) or len(apart(found, arguments)) < len(found):
                return rec.UNMET, None
            arguments = [*arguments, *(g for _, g in found)]
        owners = [cap.owner_of(a) for a in arguments]
        if overlapping((*owners, *self.owners)):
            return rec.BROKEN, None
        if captured.known:
            for i, owner in enumerate(owners):
                if captured.expected.get(i) != (owner if owner in captured.known else None):
                    return rec.BROKEN, None
            if captured.expected and captured.reached != [id(t) in self.reach.tensors for t in leaves]:
                return rec.BROKEN, None
        numbers: Sequence[Any] = passed
        computed: Any = (b"",)
        if captured.formula is not None:
            numbers = [*passed, *(place.get() for place in self.reach.varying_places())]
            computed = captured.formula(numbers)
            if computed is None:
                return rec.UNMET, None
        fresh = [call.empty(layout) for layout in self.layouts]
        states, drawn = self._draw(program, computed[0]) if captured.draws_first else ((), ())
        starts = cap.starts(arguments, owners, captured.loose)
        starts += self.parts_of(starts, computed)
        status = program.launch(starts, [cap.addresses.item(f._buffer) for f in fresh],
                                [n for values in drawn for n in (address_of(values), values.nbytes)])
        if status != rec.PASSED:
            for stream, state in states:
                stream.back_to(state)
            return status, None
        self.counter[0] += 1
        for number, times in captured.argument_versions:
            history.count_writes(owners[number], times)
        returned: Sequence[Any] = ()
        if captured.formula:
            reads = [fresh[i] for i in captured.reads]
            returned = self.leave(computed, reads, self.reach.varying_places(), len(passed))
        return status, self.finish(leaves, arguments, fresh, [s for _, s in states], containers, numbers, returned,
                                   starts[len(arguments):])

    def parts_of(self, starts: Sequence[int], computed: tuple[Any, ...]) -> list[int]:
        """Where the parts of tensors begin that the program takes, where its arguments do at `starts`."""
        captured = self.captured
        words = np.frombuffer(computed[0], "i8")[-len(captured.parts):].tolist() if captured.parts else []
        return [(0 if number < 0 else starts[number]) + at + word * part.unit
                for (number, at), word, part in zip(captured.origins, words, captured.parts)]

    @property
    def runs(self) -> int:
        return int(self.counter[0])

    def leave(self, computed: tuple[Any, ...], reads: Iterable[Any], places: Sequence[Any], passed: int
              ) -> Sequence[Any]:
        """Write the numbers that a run that passed leaves behind; returns those that it returns.

        `reads` are the tensors that it takes numbers out of.
        """
        written, returned = self.captured.formula.after(  # type: ignore[union-attr]
            computed, [call.item(tensor) for tensor in reads])
        for number, value in zip(self.captured.formula.places, written):  # type: ignore[union-attr]
            places[number - passed].put(value)
        return returned

    def finish(self, leaves: Sequence[Any], arguments: Sequence[Any], fresh: Sequence[Any], states: Sequence[Any] = (),
               containers: Iterable[Any] = (), numbers: Sequence[Any] = (), returned: Sequence[Any] = (),
               parts: Sequence[int] = ()) -> Any:
        """What is left to do when the program has run: gradients, results and their history.

        `numbers` are those that vary, `returned` what becomes of them among the results; at `parts` those of tensors
        begin that it took.
        """
        captured = self.captured
        if self.plain and not captured.roots:
            return fresh[0]
        if self.silent and self.fixed:
            return self.constant
        for number, version in captured.fresh_versions:
            buffers["version"][fresh[number]._buffer] = version
        for left in captured.gradients:
            leaf = leaves[left.leaf] if type(left.leaf) is int else left.leaf
            if left.number is None:
                leaf.grad = None
            else:
                call.put_grad(leaf, fresh[left.number])
        outputs = [None if o.kind == "seen" else self._output(o, arguments, fresh) for o in captured.outputs]
        if captured.roots:
            self._record(leaves, [*arguments, *self._views(arguments, parts)], fresh, outputs, states, numbers)
        outputs = [self._linked(outputs[o.which], o.links, o.flags) if o.kind == "seen" else found
                   for o, found in zip(captured.outputs, outputs)]
        found = unflatten(captured.structure, iter([outputs[i] for i in captured.returned]), containers, returned)
        return captured.given(found)

    def _draw(self, program: Program, words: bytes) -> tuple[list[tuple[Any, Any]], list[np.ndarray[Any, Any]]]:
        """Draw the call's random numbers, in the order of the call; the streams' states before, and the numbers.

        With `words`, the numbers that vary, where the program wants them.
        """
        draws = self.captured.draws
        streams = {id(d.stream): d.stream for d in draws}
        states = [(s, s.mark()) for s in streams.values()]
        drawn = []
        varying = np.frombuffer(words, "u8")
        for number, used in program.draws:
            if number < 0:
                drawn.append(varying[-1 - number:][:1])
                continue
            draw = draws[number]
            values = draw.run(words)
            if used:
                drawn.append(np.ascontiguousarray(values))
        return states, drawn

    def _output(self, output: Output, arguments: Sequence[Any], fresh: Sequence[Any]) -> Any:
        kind, which, layout, offset, links, flags = output
        if kind == "fresh" or kind == "part":
            buffers["flags"][fresh[which]._buffer] |= flags & rec.INFERENCE
        if kind == "fresh":
            return fresh[which]
        if kind == "part":
            assert layout is not None
            if flags & rec.IS_VIEW:
                made = call.make_view(0, fresh[which], layout.id, offset, 0, rec.LINK)
                if buffers["flags"][made._buffer] & rec.IS_VIEW:  # in inference mode it is none
                    self._be(made, flags)
                return made
            owner = fresh[which]._buffer
            return call.adopt(layout.id, cap.addresses.item(owner) + offset, owner, Tensor)
        found = arguments[which] if type(which) is int else which
        if kind == "alias":
            assert layout is not None
            owner = cap.owner_of(found)
            found = call.adopt(layout.id, cap.addresses.item(owner) + offset, owner, Tensor)
        return self._linked(found, links, flags) if links else found

    def _linked(self, found: Any, links: Sequence[Link], flags: int) -> Any:
        """A view of a tensor, of this kind, by way of others."""
        with modes.set_grad_enabled(links[0].plan is not None):
            for link in links:
                plan, mode = (0, rec.LINK) if link.plan is None else (link.plan.index, rec.LINK | 1)
                found = call.make_view(plan, found, link.layout.id, link.offset, link.shift, mode)
        self._be(found, flags)
        return found

    @staticmethod
    def _be(view: Any, flags: int) -> None:
        """Let a view be of this kind."""
        kept = int(buffers["flags"][view._buffer]) & ~history.KIND_OF_VIEW
        buffers["flags"][view._buffer] = kept | flags & history.KIND_OF_VIEW

    def _views(self, arguments: Sequence[Any], parts: Sequence[int]) -> list[Any]:
        """The parts of tensors that a call took, for backwards to read: views of these, and as old as they are."""
        captured = self.captured
        return [call.adopt(layouts.intern(part.of, ((part.end - part.first) // part.of.itemsize,)).id, at,
                           part.row if number < 0 else cap.owner_of(arguments[number]), Tensor)
                for part, (number, _), at in zip(captured.parts, captured.origins, parts)] if self.segments else []

    def _record(self, leaves: Sequence[Any], arguments: Sequence[Any], fresh: Sequence[Any], outputs: list[Any],
                states: Sequence[Any], numbers: Sequence[Any]) -> None:
        """Give the results that require grad their history: one node."""
        recorder = self.recorder
        if recorder is None or recorder.backwards is not self.backwards:  # which another thread builds
            captured = self.captured
            inputs = [leaves[i] if type(i) is int else outputs[i.which] if type(i) is Result else i
                      for i in captured.inputs]
            recorder = Recorder(self, leaves, [*inputs, *(outputs[i] for i in captured.roots)])
            self.recorder = recorder
        recorder.record(leaves, arguments, outputs, fresh, states, numbers)
