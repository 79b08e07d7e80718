"""Tensors that a function reads and replaces: `self.h = h.detach()`, `state["h"] = h`, a buffer, a global.

Such a function is one of its arguments and of what stands at those places, with what it leaves there among its results.
That is compiled as any other is; a call takes the tensors from their places before it, and puts others there after it.

By which way a tensor came there (a property, `__setattr__`) does not matter: a capture has shown that nothing else of
what the function reads is another, and before a replay nothing is. Places are variables, and items of dicts and lists:
attributes in slots are none.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tapegrad.compiler.guards.contents import MISSING, Transparent, is_replaceable
from tapegrad.compiler.numbers.places import Place
from tapegrad.tensor import Tensor

MOST_MOVED = 8  # times that they stand elsewhere
MOVING = "the tensors that it replaces are somewhere else each time"


class WithReplaced(Transparent):
    """A function of its arguments and of what stands at `places`, where that is; it gives its result, if that is more
    than None, and what it leaves there."""

    __slots__ = ("__code__", "__name__", "__wrapped__", "places")

    def __init__(self, function: Any, places: Sequence[Place]) -> None:
        self.__wrapped__: Any = function
        self.places: tuple[Place, ...] = tuple(places)
        self.__name__: str = getattr(function, "__name__", type(function).__name__)
        self.__code__: Any = getattr(function, "__code__", None)  # which messages name

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        result = self.__wrapped__(*args[:len(args) - len(self.places)], **kwargs)
        left = tuple([place.found() for place in self.places])
        return left if result is None else (result, *left)  # tensors alone have the shortest native way

    def again(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """The same with what is passed at the places, where afterwards is what was there before."""
        found = [place.found() for place in self.places]
        try:
            for place, value in zip(self.places, args[len(args) - len(self.places):]):
                place.put(value)
            return self(*args, **kwargs)
        finally:
            for place, value in zip(self.places, found):
                place.put(value)


def again(function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """What a function gives that is run once more, to leave no trace."""
    return (function.again if isinstance(function, WithReplaced) else function)(*args, **kwargs)


class Replacing:
    """How calls of a compiled function are done that replaces tensors; `functions` has the compiled `WithReplaced`."""

    # None before it is known that it replaces any. What it is for is not held here: there is to be no cycle.
    call: Callable[[Sequence[Any], dict[str, Any]], Any] | None

    def __init__(self) -> None:
        self.functions: list[Any] = []
        self.call = None
        self._moved = 0

    @property
    def is_over(self) -> bool:
        """Whether calls are to be done in yet another way: these are not the places, or nothing comes of it."""
        (function,) = self.functions
        return function.reason is not None or bool(function._assumed.replaced)

    def begin(self, compiled: Any) -> None:
        """Do calls by way of another function, or by none any more: then the compiled one runs as it is written."""
        known = self.functions[0] if self.functions else compiled
        self._moved += 1
        if known.reason is None and self._moved > MOST_MOVED:
            known._stop(MOVING)
        if known.reason is not None:
            compiled.reason, self.call = known.reason, None
            return
        made = type(compiled)(WithReplaced(compiled.__wrapped__, known._assumed.replaced), *compiled.options)
        made.__name__ = getattr(compiled, "__name__", "function")
        self.functions, self.call = [made], _way(made)
        compiled._last = None  # which holds what was replaced


def _way(function: Any) -> Callable[[Sequence[Any], dict[str, Any]], Any]:
    """What calls a compiled `WithReplaced` for the function in it.

    It is written out: in loops it took 1.5 us, of a call that takes 0.3.
    """
    places = function.__wrapped__.places
    names: dict[str, Any] = {"function": function, "plain": function.__wrapped__.__wrapped__, "Tensor": Tensor,
                             "is_replaceable": is_replaceable, "MISSING": MISSING}
    at = [place.written(j, names) for j, place in enumerate(places)]
    had, now = ("".join(f"{name}{j}, " for j in range(len(at))) for name in "an")
    text = ["def call(args, kwargs):", " try:", f"  {had}= {', '.join(at)},", " except (LookupError, ValueError):",
            "  return plain(*args, **kwargs)"]
    text += [f" if type(a{j}) is not Tensor and not is_replaceable(a{j}): return plain(*args, **kwargs)"
             for j in range(len(at))]
    text += [f" left = function(*args, {had}**kwargs) if kwargs else function(*args, {had})",
             f" if len(left) == {len(at)}: result, ({now}) = None, left", f" else: result, {now}= left"]
    # Where there is another already, or nothing, the function ran as it is written.
    text += [f" if n{j} is not a{j} and n{j} is not MISSING and {one} is a{j}: {one} = n{j}"
             for j, one in enumerate(at)]
    exec("\n".join([*text, " return result"]), names)
    found: Callable[[Sequence[Any], dict[str, Any]], Any] = names.pop("call")  # no cycle
    return found
