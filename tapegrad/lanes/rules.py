"""What `dispatch` asks while a `vmap` is under way: results, writes and views of tensors that stand for batches."""
from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

from tapegrad import dispatch, errors
from tapegrad.autograd import calls_through_python
from tapegrad.autograd.blocks import Block
from tapegrad.lanes import kinds, one_by_one, sweeps
from tapegrad.lanes.batched import (
    Again,
    Batched,
    Level,
    aligned,
    batched,
    become,
    left,
    level,
    levels_of,
    like,
    sizes,
    spread,
    thread,
    under,
)
from tapegrad.machine.planning import Attributes
from tapegrad.ops.declaration import Operation
from tapegrad.signatures import argument_parser

_lock = threading.Lock()
_open: set[Level | Again] = set()  # of all threads
recorder: Any = None  # what is told of each operation on lanes of its thread (`branching.flow`)


def opened(level: Level | Again) -> None:
    """A level of this thread; while any is open, every call asks here."""
    thread.opened.add(level)
    _open.add(level)
    _settle()


def ended(level: Level | Again) -> None:
    """A level that is not opened again."""
    level.over = True
    _close(level)


def _close(level: Level | Again) -> None:
    thread.opened.discard(level)
    _open.discard(level)
    _settle()


def _settle() -> None:
    with _lock:
        if _open and dispatch.lanes is None:
            dispatch.lanes, argument_parser.per_lane = Rules, one_by_one.call_of
            calls_through_python.hold(Rules)
        elif not _open and dispatch.lanes is not None:
            calls_through_python.drop(Rules)
            dispatch.lanes = argument_parser.per_lane = None  # last, so that who is interrupted does it again


class closed(Block):
    """While a thread has to do with values alone, none of which stands for a batch."""

    __slots__ = ()

    def _entry(self) -> list[Level | Again]:
        return [*thread.opened]

    def _begin(self, entry: list[Level | Again]) -> None:
        for one in entry:
            _close(one)

    def _end(self, entry: list[Level | Again]) -> None:
        for one in entry:
            if not one.over:
                opened(one)


class Rules:
    """None, or False, where no operand has lanes."""

    spread: Any = staticmethod(spread)
    under: Any = staticmethod(under)
    level: Any = staticmethod(level)
    left: Any = staticmethod(left)
    swept: Any = staticmethod(sweeps.swept)
    closed: Any = staticmethod(closed)
    rule: Any = staticmethod(sweeps.rule)
    batched: Any = staticmethod(batched)
    levels_of: Any = staticmethod(levels_of)
    aligned: Any = staticmethod(aligned)

    @staticmethod
    def applied(cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A custom function."""
        from tapegrad.lanes import custom_functions

        return custom_functions.applied(cls, args, kwargs)

    @staticmethod
    def here() -> bool:
        """Whether this thread is in a `vmap`, and not `closed`: others may be, too."""
        return bool(thread.levels and thread.opened)

    @staticmethod
    def has(*given: Any) -> bool:
        """Whether any of some values is a tensor with lanes."""
        return any(type(x) is Batched for x in given)

    @staticmethod
    def result(op: Operation, given: Sequence[Any], attributes: Attributes) -> Any:
        """An operation out of place."""
        levels = levels_of(given)
        if not levels:
            return None
        made = batched(kinds.result(op, given, attributes, levels), levels)
        if recorder is not None and recorder.thread == threading.get_ident():
            recorder.did(op, given, attributes, made)
        return made

    @staticmethod
    def like(x: Any, made: Any) -> Any:
        """What was made for one sample, for each lane of a tensor."""
        found = like(x, made)
        if recorder is not None and found is not made and recorder.thread == threading.get_ident():
            recorder.made(found, made)
        return found

    @staticmethod
    def written(op: Operation, given: Sequence[Any], attributes: Attributes) -> bool:
        """An operation in place; whether it was done."""
        levels = levels_of(given)
        if not levels:
            return False
        target = given[0]
        if type(target) is not Batched or target._levels != levels:
            raise RuntimeError(errors.LANES_IN_PLACE)
        kinds.write(op, given, attributes, levels)
        if recorder is not None and recorder.thread == threading.get_ident():
            recorder.did(op, given, attributes, target, writes=True)
        return True

    @staticmethod
    def viewed(op: Operation, x: Any, attributes: Attributes, record: bool) -> Any:
        """A view."""
        if type(x) is not Batched:
            return None
        levels_of((x,))
        value, given = kinds.seen(op, x, attributes)
        made = batched(dispatch.apply_view(op, value, given, record), x._levels)
        if recorder is not None and recorder.thread == threading.get_ident():
            recorder.did(op, (x,), attributes, made)
        return made

    @staticmethod
    def turned(x: Any, seen: Any) -> Any:
        """A tensor has come to stand for a view of itself."""
        return become(x, seen)

    each: Any = staticmethod(one_by_one.each)

    @staticmethod
    def drawn(draw: Callable[[tuple[int, ...]], Any], shape: tuple[int, ...], together: bool) -> Any:
        """What `draw` draws of a shape: once for all lanes, or anew for each, these `together` if they may be."""
        levels = _drawing()
        if not levels:
            return draw(shape)
        if together:
            return batched(draw((*sizes(levels), *shape)), levels)
        return batched(one_by_one.piled([draw(shape) for _ in range(math.prod(sizes(levels)) or 1)], levels), levels)

    @staticmethod
    def check_drawn(target: Any) -> None:
        """RuntimeError for what all lanes have in common, and each would write other numbers to."""
        if not set(_drawing()) <= set(levels_of((target,))):
            raise RuntimeError(errors.LANES_RANDOM)

    @staticmethod
    def check_same(*parameters: Any) -> None:
        """RuntimeError for numbers that are the same for all lanes, with parameters that are not."""
        _drawing()
        for n in levels_of(parameters):
            if thread.levels[n - 1].randomness == "same":
                raise RuntimeError(errors.LANES_SAME)

    @staticmethod
    def room(made: Any, x: Any) -> Any:
        """What was made for one sample, for each lane that draws, or that `x` has."""
        levels = tuple(sorted({*_drawing(), *levels_of((x,))}))
        return batched(aligned(made, levels, full=True).clone(), levels) if levels else made


def _drawing() -> tuple[int, ...]:
    """The levels whose lanes draw numbers of their own; RuntimeError where random functions are refused."""
    for each in reversed(thread.levels):
        if each.randomness == "error":
            raise RuntimeError(errors.RANDOM_IN_BATCH)
    return tuple(each.number for each in thread.levels if each.randomness == "different")


__all__ = ["Rules", "ended", "opened"]
