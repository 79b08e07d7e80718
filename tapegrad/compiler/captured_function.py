"""What becomes of a call that no program holds for: it is made as the function is written, and captured.

Two captures that did the same become a program. What else they show is kept for the next (`assumptions`), until it is
plain that there need be no more of them (`patience`): from then on the function runs as it is written.
"""
from __future__ import annotations

import functools
import gc
import os
import sys
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from tapegrad.compiler import patience
from tapegrad.compiler.argument_keys import aliases, sort_arguments
from tapegrad.compiler.assumptions import Assumptions
from tapegrad.compiler.before_call import Before
from tapegrad.compiler.captured_backward import Traced, leading, trace_backward
from tapegrad.compiler.captured_call import Captured, is_restricted, is_stale, leads_back
from tapegrad.compiler.guards import trusted_values
from tapegrad.compiler.guards.contents import Transparent, is_record
from tapegrad.compiler.guards.reachable import Reach, Unreadable
from tapegrad.compiler.native_calls import Quick
from tapegrad.compiler.numbers.substitution import Substitution
from tapegrad.compiler.passes import chosen, optimise
from tapegrad.compiler.passes.work import Work
from tapegrad.compiler.program import Program
from tapegrad.compiler.pytrees import Numbers, flatten, is_loose, kinds_in
from tapegrad.compiler.refusals import Changes, Refused
from tapegrad.compiler.traced_program import owner_of
from tapegrad.compiler.variant import Variant
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import call, machine
from tapegrad.machine.llvm import late_binding
from tapegrad.tensor import Tensor

MAX_KEYS = 64
IN_VAIN = 6  # captures with no replay, after which there is a warning
# What shows where in its base a view begins.
_OF_BASES = {"as_strided", "as_strided_", "as_strided_scatter", "data", "resize_", "set_", "storage", "storage_offset"}

if TYPE_CHECKING:
    class CompiledBase:
        """Calls, which are native: of what is not, they ask `Compiled.called`."""

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
else:
    CompiledBase = machine.CompiledBase


class CapturedFunction(Transparent, CompiledBase):
    """A function, the programs of it that there are by now, and how there come to be more."""

    __slots__ = ("__dict__", "__weakref__", "_native_ways")  # the last is where `records.COMPILED_FUNCTION` says
    _native_ways: tuple[Any, ...]
    dynamic: bool
    eager_build: bool
    passes: tuple[str, ...]
    checkpoint: str | None
    memory: int | None

    def __init__(self, function: Callable[..., Any], dynamic: bool = False, eager_build: bool = False,
                 passes: Iterable[str] | None = None, checkpoint: str | None = None, memory: int | None = None
                 ) -> None:
        # What an object holds is its own: a copy would show what it was.
        functools.update_wrapper(self, function, updated=("__dict__",) if hasattr(function, "__name__") else ())
        self.__wrapped__ = function
        self.dynamic, self.eager_build, self.passes = dynamic, eager_build, chosen(passes)
        self.checkpoint, self.memory = checkpoint, memory
        self.reason: str | None = "TAPEGRAD_COMPILE=0" if os.environ.get("TAPEGRAD_COMPILE", "1") == "0" else None
        self.tapes: dict[Any, list[Variant]] = {}
        # The same, those that ran, the last first: of one whose parameters were replaced all is looked at, each time.
        self._ran: dict[Any, list[Variant]] = {}
        # The native ways through the programs that ran last. Those before which little Python comes are tried by native
        # code, before it asks `called`: it has one object to read, for threads and the collector may come between.
        self._ways: tuple[Quick, ...] = ()
        self._native_ways = ()
        self._pending: dict[Any, list[Captured]] = {}
        self._assumed = Assumptions()
        self._patience = patience.Patience()
        self._captures = 0
        self._last: tuple[Any, Reach, int] | None = None  # capture: its key, what it read, the replays before it
        self._in_vain = 0  # captures, one after the other
        self.differed: str = ""
        self._kept_whole = False  # whether it was said that nothing is checkpointed

    @property
    def options(self) -> tuple[Any, ...]:
        """What `compile` was told beside the function, to have another compiled alike."""
        return self.dynamic, self.eager_build, self.passes, self.checkpoint, self.memory

    @property
    def captures(self) -> int:
        """How many calls were captured."""
        return self._captures

    @property
    def replays(self) -> int:
        """How many calls were runs of a program."""
        return sum(v.runs for variants in list(self.tapes.values()) for v in variants)

    def _set_ways(self, ways: tuple[Quick, ...] = ()) -> None:
        self._ways = ways
        self._native_ways = tuple([x for way in ways if way.natively for x in (way, way.packed, way.compute)])

    def _leave_ways(self) -> None:
        """Look for them anew: there is another program, or none."""
        self._set_ways()

    # ------------------------------------------------------------ a call

    def _capture(self, key: Any, leaves: list[Any], containers: list[Any], numbers: list[Any], args: Any, kwargs: Any
                 ) -> Any:
        """Make a call, and capture it where that may come to something."""
        if trusted_values.builtins_are_patched() or (  # for as long as that lasts
                self._assumed.infers and call.is_inferring(None)):
            return self.__wrapped__(*args, **kwargs)
        if patience.are_idle(self.tapes.get(key, ())):
            return self._give_up(patience.SELDOM_MET, args, kwargs)
        assumed = self._assumed
        if assumed.follows and self._keeps_changing(key):
            assumed.pin(assumed.varying, assumed.varying_reached)  # what is made of them varies too
            key, leaves, containers, numbers = sort_arguments(assumed, args, kwargs)
        if len(self._pending) >= MAX_KEYS and key not in self._pending:
            if not self.dynamic:
                return self._give_up(
                    f"its arguments keep changing ({self.differed}; dynamic=True allows for that)", args, kwargs)
            self._forget()
        if self._keeps_changing(key):
            return self._give_up(
                f"its calls keep doing something else ({self.differed or 'what they did'})", args, kwargs)
        try:
            kinds = {type(t) for t in leaves} | kinds_in(key[0])
            identity, ordered = assumed.asks_which, sorted(kinds - {Tensor}, key=lambda kind: kind.__qualname__)
            reach = Reach(self.__wrapped__, ordered, assumed.varying_reached, assumed.growing)
            if assumed.finds_varying(key, reach, args, kwargs):
                key, leaves, containers, numbers = sort_arguments(assumed, args, kwargs)
                reach = Reach(self.__wrapped__, ordered, assumed.varying_reached, assumed.growing)
            assumed.reads, assumed.asks_which = None if reach.any_attribute else reach.reads, reach.identity
            aliases(assumed, leaves, key[1])
            if any(map(is_loose, key[1])) and (reach.any_attribute or not _OF_BASES.isdisjoint(reach.reads) or (
                    {*map(owner_of, leaves)} & {*map(owner_of, reach.tensors.values())})):
                assumed.loose = False
                key, leaves, containers, numbers = sort_arguments(assumed, args, kwargs)
            if not reach.logs.keys().isdisjoint(map(id, containers)):  # what it reads of one is what it appended
                return self.__wrapped__(*args, **kwargs)
            before = Before(reach, leaves, key[0], containers, identity, assumed.varying, key[1], assumed.by_name)
            if assumed.lends_others(before):
                before = Before(reach, leaves, key[0], containers, identity, assumed.varying, key[1], assumed.by_name)
        except (Unreadable, Refused) as why:
            return self._give_up(str(why), args, kwargs)
        if not all(log.is_known for log in before.logs):
            if not self.tapes:
                return self._give_up("it appends to a deque that is full, what others have as well", args, kwargs)
            return self.__wrapped__(*args, **kwargs)
        if not numbers and not reach.varying_places() and not (assumed.defers and not reach.tells):
            return self._captured(key, before, args, kwargs, None)
        moves = assumed.moves and not reach.any_attribute and _OF_BASES.isdisjoint(reach.reads)
        substitution = Substitution(reach, args, kwargs, sorted(assumed.varying), numbers,
                                    before.movable() if moves else {}, assumed.stays)
        if not substitution.is_fit():
            return self.__wrapped__(*args, **kwargs)
        result = None
        try:
            result = self._captured(key, before, args, kwargs, substitution)
            return substitution.plainly(result)
        except BaseException:  # an interrupt: what the call appended to lists is there
            substitution.plainly(result)
            raise

    def _captured(self, key: Any, before: Before, args: Any, kwargs: Any, substitution: Substitution | None) -> Any:
        """Make the call, and keep what it does."""
        reach, traced = before.reach, Traced()
        captured: Captured | None = None
        result: Any = None
        whole: Any = None  # the result, or a tuple of that and what is appended to lists
        in_arrays = any(isinstance(w.value, np.ndarray) for w in reach.watched)
        collecting, events = gc.isenabled(), None
        trace = capturing.begin()
        try:
            try:
                if in_arrays:
                    capturing.carry_out()  # whose memory may be a tensor's: what is put off would not show there
                if substitution is None:
                    result = self.__wrapped__(*args, **kwargs)
                else:
                    substitution.begin()
                    result = self.__wrapped__(*substitution.args, **substitution.kwargs)
                self._captures += 1
                appended = before.appended()
                whole = (result, *(item for _, item in appended)) if appended else result
                roots, views, seen = ([], [], []) if trace.refusals or trace.failed else _roots(whole, before)
                if roots:
                    inputs = [*(t for t in before.tensors if t.requires_grad), *views]
                    traced = trace_backward(roots, seen, inputs, reach, before.containers, self._stop)
            finally:
                try:
                    if substitution is not None:
                        substitution.end(whole)
                except BaseException:  # an interrupt: nothing else may be left in place of a number
                    if substitution is not None:
                        substitution.end(whole)
                    raise
                finally:
                    events = capturing.end()
            if trace.failed:  # and the error was caught: no step of a program would show whether the next call's is
                self._patience.was_unlike(key)
                self._in_vain = 0  # an optimiser's first step, perhaps: those before it were of another kind
                return result
            if len(events) > capturing.MANY:
                capturing.settle(trace, events)
            gc.disable()  # a long trace makes 10^5 tuples, none of them garbage: collections took half the time
            before.check((args, kwargs))
            if substitution is not None:
                substitution.check()
            captured = Captured(before, trace, events, whole, traced, roots, substitution, "loops" in self.passes,
                                [p.analysed for p in self._pending.get(key, ())], self.checkpoint is not None,
                                [log for log, _ in appended], seen)
        except Refused as why:
            if self._assumed.learn(why):
                self._in_vain = 0
            elif not isinstance(why, Changes) or self._patience.ends_changing(self.replays):
                self._stop(str(why))
            return result
        finally:
            try:
                if trace.put_off and events is not None:
                    self._carry_out(key, before, captured, events)
                    trace.put_off = False
            finally:
                if collecting:
                    gc.enable()
                if events is not None:
                    capturing.release(trace, events)
        self._keep(key, before, captured, substitution, trace.asked)
        return result

    def _carry_out(self, key: Any, before: Before, captured: Captured | None, events: Any) -> None:
        """Make the kernel calls that the capture put off: as the program they become, if nothing else of them is left.

        Captures that differ in what must hold for them are one program.
        """
        if captured is None or not captured.short or captured.draws_first or captured.outlived(events):
            capturing.carry_out(events)
            return
        try:
            captured.work = next((p.work for p in self._pending.get(key, ()) if p.work and p.computes(captured)), None)
            if captured.work is None:
                captured.work = optimise(Work(list(captured.steps), captured.blocks, set(captured.result_blocks)),
                                         self.passes)
            program = Program(captured.work.steps, captured.work.blocks, captured.result_blocks, (), [], ())
        except BaseException:  # an interrupt: what the call did is done, for tensors are there that it made
            capturing.carry_out(events)
            raise
        if program.launch(before.starts(captured.parts),
                          [captured.blocks[b].address for b in captured.result_blocks]) != rec.PASSED:
            failure = late_binding.failure.pop() if late_binding.failure else None
            if isinstance(failure, KeyboardInterrupt):  # while a kernel was compiled; nothing is left of the launch
                capturing.carry_out(events)
                raise failure
            raise RuntimeError("a captured call failed") from failure

    # ------------------------------------------------------------ what it shows

    def _keep(self, key: Any, before: Before, captured: Captured, substitution: Substitution | None, asked: bool
              ) -> None:
        """Keep what a call did, which may have `asked` a tensor for its number: to compare with, or as a program."""
        pending, reach = self._pending.setdefault(key, []), before.reach
        self._note(key, reach, any(captured.looks_at_others(p) and not captured.computes(p) for p in pending[-1:]))
        self._assumed.met(substitution, asked)
        if not any(p.same(captured) for p in pending):
            self._patience.was_unlike(key)
            self._assumed.stays |= self._patience.staying(captured, pending)
            if self._patience.ends_reading(captured, pending, substitution is not None and substitution.graph.goes_on):
                self._stop(patience.READS_ON)
            pending.append(captured)
            return
        self._patience.met(key)
        pending[:] = [p for p in pending if not p.same(captured)]
        try:
            arguments = len(before.arguments) + len(captured.parts)
            variant = Variant(self.__wrapped__, reach, captured, arguments, key[0], self.eager_build, self.passes,
                              self._leave_ways, self._was_unfolded, self.checkpoint is not None, self.memory)
        except Refused as why:
            self._stop(str(why))
            return
        if variant.kept_whole and not self._kept_whole:
            self._kept_whole = True
            self._warn(f"is not checkpointed: {variant.kept_whole}")
        several = self.tapes.setdefault(key, [])
        several.insert(0 if captured.formula else len(several), variant)  # first those for any number

    def _note(self, key: Any, reach: Reach, only_looked: bool) -> None:
        """Say so where one call after the other is captured, and none replayed.

        The last may be one as that before that `only_looked` at other values.
        """
        last, self._last = self._last, (key, reach, self.replays)
        if last is None or last[2] != self.replays:
            self._in_vain, self.differed = 1, ""
            return
        self._in_vain += 1
        from tapegrad.compiler.explanation import what_differed

        self.differed = what_differed(self.__wrapped__, last[:2], (key, reach), only_looked)
        if self._in_vain == IN_VAIN:
            self._warn(f"was captured {IN_VAIN} times and never replayed, for each call is another: {self.differed}")

    def _keeps_changing(self, key: Any) -> bool:
        """Whether calls like this one do something else again and again."""
        return self._patience.is_over(key, self.tapes.get(key, ()), self._assumed.follows)

    def _forget(self) -> None:
        """Drop what is known of the kind of arguments that was met first."""
        key = next(iter(self._pending))
        for known in (self._pending, self.tapes, self._ran, self._patience.unlike):
            known.pop(key, None)
        self._set_ways()

    def _was_unfolded(self) -> None:
        """A second derivative had the function run once more: where that is the rule, it is faster as written."""
        if self._patience.ends_unfolding(self.replays) and not self.reason:
            self._stop(patience.UNFOLDED)

    def _stop(self, why: str) -> None:
        self._last = None
        self._set_ways()
        self.reason = why
        self._warn(f"runs as it is written: {why}")

    def _warn(self, what: str) -> None:
        code = getattr(self.__wrapped__, "__code__", None)
        where = f" ({os.path.basename(code.co_filename)}:{code.co_firstlineno})" if code else ""
        warnings.warn(f"{getattr(self, '__name__', 'function')}{where} {what}", stacklevel=_outside())

    def _give_up(self, why: str, args: Any, kwargs: Any) -> Any:
        self._stop(why)
        return self.__wrapped__(*args, **kwargs)


def _roots(result: Any, before: Before) -> tuple[list[Any], list[Any], list[Any]]:
    """The tensors of a result that need a history of their own, and the views that have one: of what was there before,
    and of the first.

    Those are of the call's own memory, and left to be views where it shows: PyTorch may refuse to write to them, or
    there is more in that memory. What they are views of is a result too then, which nobody is handed, perhaps.
    """
    leaves: list[Any] = []
    flatten(result, leaves, varying=Numbers(frozenset()), records=is_record)
    given = {*map(id, before.arguments), *map(id, before.held)}
    several = [*{id(t): t for t in leaves}.values()]
    roots = [t for t in several if t.requires_grad and id(t) not in given]
    if any(is_restricted(t) and is_stale(t) for t in roots):  # to ask for its history is an error
        capturing.refuse("it returns a view that may not be written to, and was")
        return [], [], []
    outside = {*before.owners, *before.known}
    views = [t for t in roots if t._is_view() and owner_of(t) in outside]
    roots = [t for t in roots if not any(t is v for v in views)]
    if any(t.is_leaf for t in roots):
        capturing.refuse("it returns a new leaf that requires grad")
    owners = [*map(owner_of, several)]
    seen = [t for t in roots if t._is_view() and (owners.count(owner_of(t)) > 1 or is_restricted(t))]
    rows = [t._buffer for t in several]
    seen = [t for t in seen if leads_back(t, t._base, rows)]
    if seen:  # what others are computed from is no view beside: hooks on it are told what comes through them
        between = leading([t._buffer for t in roots if not any(t is s for s in seen)], {t._buffer for t in seen})
        seen = [t for t in seen if t._buffer not in between]
    if any(is_restricted(t) and not any(t is s for s in seen) for t in roots):
        capturing.refuse("it returns a view that may not be written to, as those of chunk")
    roots = [t for t in roots if not any(t is s for s in seen)]
    roots += [b for b in {id(t._base): t._base for t in seen}.values() if not any(b is t for t in roots)]
    return roots, views, seen


def _outside() -> int:
    """How far above the caller's caller the code is that called this library: where a warning is shown."""
    frame, level = sys._getframe(2), 2
    while frame.f_back is not None and capturing.is_library(frame.f_code.co_filename):
        frame, level = frame.f_back, level + 1
    return level
