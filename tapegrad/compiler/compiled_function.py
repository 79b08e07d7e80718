"""`compile`: what a call of a compiled function does.

Every call first looks for a program whose conditions hold. Where there is none the function runs as it is written, and
is captured while it does. Two captures in a row that did the same become a program; a function that cannot be captured,
or never does the same twice, goes on running as written, with one warning that says why.
"""
from __future__ import annotations

import copy
import functools
import gc
import os
import sys
import warnings
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from tapegrad import dispatch, dtypes
from tapegrad.autograd import anomaly, calls_through_python, saved_tensors
from tapegrad.compiler import patience
from tapegrad.compiler import traced_program as cap
from tapegrad.compiler.assumptions import Assumptions
from tapegrad.compiler.bound_arguments import Bound, by_place
from tapegrad.compiler.captured_backward import Traced, trace_backward
from tapegrad.compiler.captured_call import Before, Captured
from tapegrad.compiler.guards import memory_words, trusted_values
from tapegrad.compiler.guards.contents import Transparent, attributes
from tapegrad.compiler.guards.reachable import Reach, Unreadable
from tapegrad.compiler.native_calls import Quick, way_of
from tapegrad.compiler.numbers.substitution import Substitution
from tapegrad.compiler.passes import chosen, optimise
from tapegrad.compiler.passes.work import Work
from tapegrad.compiler.program import Program
from tapegrad.compiler.pytrees import (
    Numbers,
    OfInference,
    flatten,
    is_loose,
    kind_of,
    kinds_in,
    sharing,
    with_gradients,
)
from tapegrad.compiler.refusals import Changes, Refused
from tapegrad.compiler.variant import Variant
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import call, machine
from tapegrad.machine.llvm import late_binding
from tapegrad.machine.startup import call_by_vector
from tapegrad.tensor import Tensor

MAX_KEYS = 64
MAX_WAYS = patience.MOST_PROGRAMS
IN_VAIN = 6  # captures with no replay, after which there is a warning
# What shows where in its base a view begins.
_OF_BASES = {"as_strided", "as_strided_", "as_strided_scatter", "data", "resize_", "set_", "storage", "storage_offset"}
_is_recording = call.is_recording


if TYPE_CHECKING:
    class CompiledBase:
        """Calls, which are native: of what is not, they ask `Compiled.called`."""

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
else:
    CompiledBase = machine.CompiledBase


class Compiled(Transparent, CompiledBase):
    """A function whose calls are replayed where that is safe; see `compile`.

    `captures`, `replays` and `fallbacks` count what happened; `explain()` says it in words.
    """

    __slots__ = ("__dict__", "__weakref__", "_native_ways")  # the last is where `records.COMPILED_FUNCTION` says
    _native_ways: tuple[Any, ...]
    dynamic: bool
    eager_build: bool
    passes: tuple[str, ...]
    checkpoint: str | None
    memory: int | None
    fallbacks: int

    def __init__(self, function: Callable[..., Any], dynamic: bool = False, eager_build: bool = False,
                 passes: Iterable[str] | None = None, checkpoint: str | None = None, memory: int | None = None
                 ) -> None:
        # What an object holds is its own: a copy would show what it was.
        functools.update_wrapper(self, function, updated=("__dict__",) if hasattr(function, "__name__") else ())
        self.__wrapped__ = function
        self.dynamic, self.eager_build, self.passes = dynamic, eager_build, chosen(passes)
        self.checkpoint, self.memory = checkpoint, memory
        self.grouped: Any = None  # what does calls of a `vmap` whose lanes go different ways (`lanes.branching`)
        self._kept_whole = False  # whether it was said that nothing is checkpointed
        self.tapes: dict[Any, list[Variant]] = {}
        # The same, those that ran, the last first: of one whose parameters were replaced all is looked at, each time.
        self._ran: dict[Any, list[Variant]] = {}
        self._pending: dict[Any, list[Captured]] = {}
        self._patience = patience.Patience()
        self._captures = self.fallbacks = 0
        self.reason: str | None = None
        self.value: Compiled | None = None  # of what this is the value and the gradient
        self._transformed: dict[Any, Compiled] = {}
        self._last: tuple[Any, Reach, int] | None = None  # capture: its key, what it read, the replays before it
        self._in_vain = 0  # captures, one after the other
        self.differed: str = ""
        # The native ways through the programs that ran last. Those before which little Python comes are tried by native
        # code, before it asks `called`: it has one object to read, for threads and the collector may come between.
        self._ways: tuple[Quick, ...] = ()
        self._native_ways = ()
        # attributes that code reads, and somebody may hang on an argument; None for any
        self._reads: set[str] | None = set()
        self._identity = False  # whether it asks which object something is
        self._assumed = Assumptions()
        self._bound = Bound()
        if os.environ.get("TAPEGRAD_COMPILE", "1") == "0":
            self.reason = "TAPEGRAD_COMPILE=0"

    def __del__(self) -> None:
        """Let what it refers to go at once: the model, perhaps, which dead calls on the tape refer to as well."""
        variants = [v for several in getattr(self, "tapes", {}).values() for v in several]
        recorded = any(v.recorder is not None for v in variants)
        for variant in variants:
            variant.let_go()
        if recorded:
            machine.reclaim()
            machine.state["orphans"] = 1

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def _of(self, wrapped: Any) -> Compiled:
        if wrapped is self.__wrapped__:
            return self
        return Compiled(wrapped, *self.options)

    @property
    def options(self) -> tuple[Any, ...]:
        """What `compile` was told beside the function, to have another compiled alike."""
        return self.dynamic, self.eager_build, self.passes, self.checkpoint, self.memory

    def __copy__(self) -> Compiled:
        return self._of(copy.copy(self.__wrapped__))

    def __deepcopy__(self, memo: Any) -> Compiled:
        """A plain function is its own copy; a module or a method has one, of which nothing is compiled yet."""
        return self._of(copy.deepcopy(self.__wrapped__, memo))

    def __reduce__(self) -> Any:
        """A plain function is found again by its name, where this has taken its place."""
        wrapped = self.__wrapped__
        if isinstance(wrapped, FunctionType):
            return wrapped.__qualname__
        return Compiled, (wrapped, *self.options)

    def called(self, args: Any, kwargs: dict[str, Any] | None, tried: Quick | None, found: Any, computed: Any) -> Any:
        """What a call does if it is not all native: one of the ways `tried` may have `found` something, or broken off.

        What was `computed` of its numbers is what it is to leave behind.
        """
        if kwargs and (placed := by_place(self.__wrapped__, args, kwargs)) is not None:
            return self(*placed)
        broken: tuple[Variant, ...] = ()
        if tried is not None:
            if found is not False:
                return tried.finish(args, found, (), computed)
            self.fallbacks += 1
            broken = (tried.variant,)
        try:
            return self._called(args, kwargs or {}, broken)
        except RuntimeError as why:  # of a vmap that looks at values: it says what to do, if this is that vmap
            if self.reason is not None or not hasattr(why, "grouped"):
                raise
            self.grouped = self.grouped or why.grouped(self.__wrapped__)
            if self.grouped is None:
                raise
        return self._by_groups(args, kwargs or {})

    def _by_groups(self, args: Any, kwargs: dict[str, Any]) -> Any:
        """A call of a `vmap` whose lanes go different ways: no one program does that."""
        capturing.refuse("lanes of a vmap are grouped by values")
        return self.grouped(args, kwargs)

    def _called(self, args: Any, kwargs: dict[str, Any], broken: tuple[Variant, ...]) -> Any:
        if self._bound.forms and (bound := self._bound.known(args, kwargs)):
            return bound[0]
        for way in () if kwargs else self._ways:
            if way.natively:
                continue
            found = way.call(args)
            if found is False:
                self.fallbacks += 1
                broken = (*broken, way.variant)
            elif found is not None:
                return found[0]
        if self.grouped is not None and not self.tapes and self.reason is None and (
                dispatch.lanes_here() is None):
            return self._by_groups(args, kwargs)
        if (self.reason is not None or capturing.mine() is not None or anomaly.enabled
                or saved_tensors.current() is not None or dispatch.tangents is not None
                or dispatch.lanes is not None or calls_through_python.thread.as_written):
            return self.__wrapped__(*args, **kwargs)
        try:
            key, leaves, containers, numbers = self._sorted(args, kwargs)
        except OfInference:
            return self.__wrapped__(*args, **kwargs)
        except (Refused, TypeError) as why:
            bound = self._bound.call(self, args, kwargs)
            return bound[0] if bound else self._give_up(str(why), args, kwargs)
        ran = self._ran.get(key, [])
        for variant in [*ran, *(v for v in self.tapes.get(key, ()) if v not in ran)]:
            if variant not in broken and variant.holds():
                status, result = variant.replay(leaves, containers, numbers)
                for renew in (variant.renewed_again, variant.renewed):
                    if status == rec.UNMET and renew():
                        status, result = variant.replay(leaves, containers, numbers)
                if status == rec.PASSED:
                    if ran[:1] != [variant]:
                        self._ran[key] = [variant, *(v for v in ran if v is not variant)]
                    self._remember(way_of(variant, key))
                    return result
                self.fallbacks += status == rec.BROKEN
        claim = capturing.Claim()
        try:
            if claim.taken():
                return self._capture(key, leaves, containers, numbers, args, kwargs)
        finally:
            try:
                claim.give_up()
            finally:  # an interrupt came before it began
                claim.give_up()
        return self.__wrapped__(*args, **kwargs)  # another thread captures a call

    def _remember(self, way: Quick | None) -> None:
        """Try this native way from now on, after those of other programs; not one of a program that was rebuilt since.
        """
        ways = [w for w in self._ways if w.is_current() and w is not way]
        if way is not None and way.is_current():
            ways.append(way)
        self._set_ways(tuple(ways[-MAX_WAYS:]))

    def _set_ways(self, ways: tuple[Quick, ...] = ()) -> None:
        self._ways = ways
        self._native_ways = tuple([x for way in ways if way.natively for x in (way, way.packed, way.compute)])

    def _sorted(self, args: Any, kwargs: Any) -> tuple[Any, list[Any], list[Any], list[Any]]:
        """The arguments as a key, which says all that a program depends on; tensors, containers, numbers that vary.

        Refused or TypeError for what cannot be a key.
        """
        leaves: list[Any] = []
        containers: list[Any] = []
        varying = Numbers(self._assumed.varying)
        if not kwargs and not any(type(a) is not Tensor for a in args):
            leaves, structure = list(args), None
        else:
            structure = flatten((args, kwargs), leaves, containers, self._identity, varying)
        kinds = tuple([kind_of(t, self._assumed.loose) for t in leaves])
        shared = self._aliases(leaves, kinds)
        if shared is not None and any(map(is_loose, kinds)):
            kinds = tuple(map(kind_of, leaves))
        key = (structure, kinds, shared, _is_recording(None), dtypes.default_dtype())
        hash(key)
        return key, leaves, containers, varying.found

    def _aliases(self, leaves: list[Any], kinds: tuple[Any, ...]) -> Any:
        """Which arguments are the same tensor or share memory; Refused for one with an attribute that code may read."""
        for tensor in leaves:
            if memory_words.has_attributes(tensor):
                for name in attributes(tensor):
                    if self._reads is None or name in self._reads:
                        raise Refused(f"an argument has an attribute of its own, {name}")
        if len(leaves) < 2 and not any(type(k) is tuple for k in kinds):
            return None
        owners = sharing([cap.owner_of(t) for t in with_gradients(leaves)])
        return owners and (owners, sharing([*map(id, leaves)]))

    # ------------------------------------------------------------ capture

    def _capture(self, key: Any, leaves: list[Any], containers: list[Any], numbers: list[Any], args: Any, kwargs: Any
                 ) -> Any:
        if trusted_values.builtins_are_patched():  # for as long as that lasts
            return self.__wrapped__(*args, **kwargs)
        if patience.are_idle(self.tapes.get(key, ())):
            return self._give_up(patience.SELDOM_MET, args, kwargs)
        assumed = self._assumed
        if assumed.follows and self._keeps_changing(key):
            assumed.pin(assumed.varying, assumed.varying_reached)  # what is made of them varies too
            key, leaves, containers, numbers = self._sorted(args, kwargs)
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
            identity, ordered = self._identity, sorted(kinds - {Tensor}, key=lambda kind: kind.__qualname__)
            reach = Reach(self.__wrapped__, ordered, assumed.varying_reached, assumed.growing)
            if assumed.finds_varying(key, reach, args, kwargs):
                key, leaves, containers, numbers = self._sorted(args, kwargs)
                reach = Reach(self.__wrapped__, ordered, assumed.varying_reached, assumed.growing)
            self._reads, self._identity = None if reach.any_attribute else reach.reads, reach.identity
            self._aliases(leaves, key[1])
            if any(map(is_loose, key[1])) and (reach.any_attribute or not _OF_BASES.isdisjoint(reach.reads) or (
                    {*map(cap.owner_of, leaves)} & {*map(cap.owner_of, reach.tensors.values())})):
                assumed.loose = False
                key, leaves, containers, numbers = self._sorted(args, kwargs)
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

    def _keeps_changing(self, key: Any) -> bool:
        """Whether calls like this one do something else again and again."""
        return self._patience.is_over(key, self.tapes.get(key, ()), self._assumed.follows)

    def _captured(self, key: Any, before: Before, args: Any, kwargs: Any, substitution: Substitution | None) -> Any:
        """Make the call, and keep what it does: as something to compare, or as a program."""
        reach, structure = before.reach, key[0]
        traced = Traced()
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
                roots, views = ([], []) if trace.refusals or trace.failed else _roots(whole, before)
                if roots:
                    inputs = [*(t for t in before.tensors if t.requires_grad), *views]
                    traced = trace_backward(roots, inputs, reach, before.containers, self._stop)
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
                                [log for log, _ in appended])
        except Refused as why:
            if self._assumed.learn(why):
                self._in_vain = 0
            elif not isinstance(why, Changes) or self._captures > 1:  # a first call may set things up
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
        pending = self._pending.setdefault(key, [])
        self._note(key, reach, any(captured.looks_at_others(p) and not captured.computes(p) for p in pending[-1:]))
        self._assumed.met(substitution, trace.asked)
        if not any(p.same(captured) for p in pending):
            self._patience.was_unlike(key)
            self._assumed.stays |= self._patience.staying(captured, pending)
            if self._patience.ends_reading(captured, pending, substitution is not None and substitution.graph.goes_on):
                self._stop(patience.READS_ON)
            pending.append(captured)
            return result
        self._patience.met(key)
        pending[:] = [p for p in pending if not p.same(captured)]
        try:
            arguments = len(before.arguments) + len(captured.parts)
            variant = Variant(self.__wrapped__, reach, captured, arguments, structure, self.eager_build, self.passes,
                              self._leave_ways, self._was_unfolded, self.checkpoint is not None, self.memory)
        except Refused as why:
            self._stop(str(why))
            return result
        if variant.kept_whole and not self._kept_whole:
            self._kept_whole = True
            self._warn(f"is not checkpointed: {variant.kept_whole}")
        several = self.tapes.setdefault(key, [])
        several.insert(0 if captured.formula else len(several), variant)  # first those for any number
        return result

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

    def _leave_ways(self) -> None:
        """Look for them anew: there is another program, or none."""
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

    @property
    def captures(self) -> int:
        return self._captures + sum(f.captures for f in self._bound.functions)

    @property
    def replays(self) -> int:
        return sum(v.runs for variants in list(self.tapes.values()) for v in variants) + sum(
            f.replays for f in self._bound.functions)

    @property
    def tape(self) -> Variant:
        """The program that ran most; RuntimeError where there is none yet."""
        variants = [v for several in list(self.tapes.values()) for v in several]
        if not variants:
            raise RuntimeError("nothing is compiled yet: " + (self.reason or "two calls must have done the same"))
        return max(variants, key=lambda v: v.runs)

    def transformed(self, transform: Callable[..., Callable[..., Any]], *args: Any, **kwargs: Any) -> Compiled:
        """What a transform (`vmap`, `func.grad`) makes of this function, compiled; the same for the same arguments."""
        key: Any = (transform, args, *kwargs.items(), repr(args))  # for 0 is equal to False
        try:
            known = self._transformed.get(key)
        except TypeError:  # a dict or a list among them
            key = known = None
        if known is None:
            known = Compiled(transform(self.__wrapped__, *args, **kwargs), *self.options)
            if key is not None:
                self._transformed[key] = known
        return known

    @functools.cached_property
    def grad(self) -> Compiled:
        """The value and the gradient as a compiled function: `value, gradients = f.grad(*args)`.

        >>> import tapegrad
        >>> f = tapegrad.compile(lambda x, y: (x * y).sum())
        >>> f.grad(tapegrad.tensor([1.0, 2.0]), tapegrad.tensor([3.0, 4.0]))
        (tensor(11.), (tensor([3., 4.]), tensor([1., 2.])))

        There is a gradient for each tensor of floating-point numbers that is passed. RuntimeError where the function
        gives anything but one number.
        """
        from tapegrad.compiler.native_functions.gradient import value_and_gradient

        return value_and_gradient(self)

    @property
    def native(self) -> Any:
        """The program that ran most as native code for C, Numba and SciPy, without Python or the GIL.

        >>> import tapegrad
        >>> f = tapegrad.compile(lambda x: (x * x).sum())
        >>> x = tapegrad.ones(3, dtype=tapegrad.float64)
        >>> _ = f(x), f(x)
        >>> f.native
        <native function int32_t function(const double *x, double *value, void *workspace)>
        >>> f.native.run([1.0, 2.0, 3.0]), f.grad.native.run([1.0, 2.0, 3.0])
        (14.0, (14.0, array([2., 4., 6.])))

        Python values that it reads are in it as they were; tensors that it reads by name are read where they lie.
        RuntimeError, with the reason, for what cannot be native: random draws, Python that is called, gradients left
        on tensors.
        """
        from tapegrad.compiler.native_functions.native import native_of

        return native_of(self)

    def export(self, path: Any, name: str | None = None) -> Any:
        """Write the program that ran most as an object file with a C header (see `native`); the header's path."""
        return self.native.export(path, name)

    def explain(self) -> str:
        """What was captured, replayed and not, and why, in a few lines."""
        from tapegrad.compiler.explanation import explain

        return explain(self)

    def _repr_html_(self) -> str:
        """The same, for notebooks."""
        from html import escape

        return f"<pre>{escape(self.explain())}</pre>"

    def _forget(self) -> None:
        """Drop what is known of the kind of arguments that was met first."""
        key = next(iter(self._pending))
        for known in (self._pending, self.tapes, self._ran, self._patience.unlike):
            known.pop(key, None)
        self._set_ways()


machine.set_hook("call_compiled", Compiled.called)
call_by_vector(Compiled)


def _outside() -> int:
    """How far above the caller's caller the code is that called this library: where a warning is shown."""
    frame, level = sys._getframe(2), 2
    while frame.f_back is not None and capturing.is_library(frame.f_code.co_filename):
        frame, level = frame.f_back, level + 1
    return level


def _roots(result: Any, before: Before) -> tuple[list[Any], list[Any]]:
    """The tensors of a result that need a history of their own, and the views of what was there before, which have one.
    """
    leaves: list[Any] = []
    flatten(result, leaves, varying=Numbers(frozenset()))
    given = {*map(id, before.arguments), *map(id, before.held)}
    roots = [t for t in {id(t): t for t in leaves}.values() if t.requires_grad and id(t) not in given]
    outside = {*before.owners, *before.known}
    views = [t for t in roots if t._is_view() and cap.owner_of(t) in outside]
    roots = [t for t in roots if not any(t is v for v in views)]
    if any(t.is_leaf for t in roots):
        capturing.refuse("it returns a new leaf that requires grad")
    return roots, views
