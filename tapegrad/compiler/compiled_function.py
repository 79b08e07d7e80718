"""`compile`: what a call of a compiled function does.

Every call first looks for a program whose conditions hold. Where there is none the function runs as it is written, and
is captured while it does (`captured_function`): until what it does is known, or it is known that it cannot be.
"""
from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any

from tapegrad import dispatch
from tapegrad.autograd import anomaly, calls_through_python, saved_tensors
from tapegrad.compiler import patience
from tapegrad.compiler.argument_keys import sort_arguments
from tapegrad.compiler.bound_arguments import Bound, by_place
from tapegrad.compiler.captured_function import CapturedFunction
from tapegrad.compiler.native_calls import Quick, way_of
from tapegrad.compiler.pytrees import OfInference
from tapegrad.compiler.refusals import Refused
from tapegrad.compiler.replaced_tensors import Replacing
from tapegrad.compiler.variant import Variant
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import machine
from tapegrad.machine.startup import call_by_vector

MAX_WAYS = patience.MOST_PROGRAMS


class Compiled(CapturedFunction):
    """A function whose calls are replayed where that is safe; see `compile`.

    `captures`, `replays` and `fallbacks` count what happened; `explain()` says it in words.
    """

    __slots__ = ()
    fallbacks: int

    def __init__(self, function: Callable[..., Any], *options: Any, **named: Any) -> None:
        super().__init__(function, *options, **named)
        self.fallbacks = 0
        self._bound = Bound()
        self._replacing = Replacing()
        self.grouped: Any = None  # what does calls of a `vmap` whose lanes go different ways (`lanes.branching`)
        self.value: Compiled | None = None  # of what this is the value and the gradient
        self._transformed: dict[Any, Compiled] = {}

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
        if (replaced := self._replacing).call is not None:
            if replaced.is_over:
                replaced.begin(self)
            return self.__wrapped__(*args, **kwargs or {}) if replaced.call is None else (
                replaced.call(args, kwargs or {}))
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
        if self._assumed.replaced and self.reason is None:
            self._replacing.begin(self)
            return self.called(args, kwargs, None, None, None)
        if self.grouped is not None and not self.tapes and self.reason is None and (
                dispatch.lanes_here() is None):
            return self._by_groups(args, kwargs)
        if (self.reason is not None or capturing.mine() is not None or anomaly.enabled
                or saved_tensors.current() is not None or dispatch.tangents is not None
                or dispatch.lanes is not None or calls_through_python.thread.as_written):
            return self.__wrapped__(*args, **kwargs)
        try:
            key, leaves, containers, numbers = sort_arguments(self._assumed, args, kwargs)
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

    @property
    def others(self) -> list[Compiled]:
        """The compiled functions that do calls of this one which pass objects, or replace tensors."""
        return [*self._bound.functions, *self._replacing.functions]

    @property
    def captures(self) -> int:
        return super().captures + sum(f.captures for f in self.others)

    @property
    def replays(self) -> int:
        return super().replays + sum(f.replays for f in self.others)

    @property
    def tape(self) -> Variant:
        """The program that ran most; RuntimeError where there is none yet."""
        functions = self, *self._replacing.functions
        variants = [v for f in functions for several in list(f.tapes.values()) for v in several]
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


machine.set_hook("call_compiled", Compiled.called)
call_by_vector(Compiled)

