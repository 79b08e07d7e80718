"""A captured call whose varying numbers are stand-ins: put in their places before it, taken out again after it."""
from __future__ import annotations

import math
import types
from collections.abc import Collection, Sequence
from typing import Any

from tapegrad.compiler.guards.contents import is_record
from tapegrad.compiler.guards.reachable import Reach, Unreadable
from tapegrad.compiler.numbers.formula import Formula, Value
from tapegrad.compiler.numbers.places import PLAIN, Place, places_of
from tapegrad.compiler.numbers.survivors import give_numbers, release
from tapegrad.compiler.pytrees import Numbers, flatten
from tapegrad.compiler.refusals import Refused, Varies
from tapegrad.machine.learning import capturing, following


class Substitution:
    """The numbers of one call that vary: first those it is passed (`numbers`, which are `which` of all), then those it
    reads. `args` and `kwargs` are what it is called with instead. It may take other parts of what is `movable`.
    """

    args: list[Any]
    kwargs: dict[str, Any]

    def __init__(self, reach: Reach, args: Sequence[Any], kwargs: dict[str, Any], which: Sequence[int],
                 numbers: Sequence[Any], movable: dict[int, set[int]],
                 stays: Collection[tuple[int, int]] = ()) -> None:
        self.args, self.kwargs = list(args), dict(kwargs)
        self.passed: int = len(numbers)
        self._which = list(which)[:self.passed]
        self.reach: Reach = reach
        given = places_of(self.args, self.kwargs) if numbers else []
        self.places: list[Place | None] = [*(given[k] for k in self._which), *reach.varying_places()]
        self.values: list[Any] = [*numbers, *(place.get() for place in reach.varying_places())]
        self.graph: following.Graph = following.Graph(len(self.values))
        self.graph.movable, self.graph.stays = movable, stays
        self._functions: list[tuple[Any, str, Any]] = []  # of `math`, under whatever name the function has them
        self._writes: list[tuple[int, Value]] = []
        self._refusal = ""
        self._left: frozenset[int] | None = None  # the numbers of those places, if there are any
        self._returned: list[Any] = []  # the tuples, lists and dicts in the result

    def begin(self) -> None:
        following.active = self.graph
        trace = capturing.mine()
        assert trace is not None
        trace.on_refusal = self.end
        for number, (place, value) in enumerate(zip(self.places, self.values)):
            stand_in = self.graph.stand_in(number, value)
            if place is None:  # in a tuple, say
                self.graph.expect(number, value)
            else:
                place.put(stand_in)
        for where, name, value in [*self.reach.names, *((vars(math), n, f) for n, f in following.FUNCTIONS.items())]:
            stand_in = following.STAND_INS.get(id(value))
            if stand_in is not None and type(where) is dict and where.get(name) is value:
                self._functions.append((where, name, value))
                where[name] = stand_in

    def end(self, result: Any = None) -> None:
        """Everything is as it would be without: the numbers that the call left are plain ones, but for its result's.
        """
        following.active = None
        self.graph.is_open = False
        self.graph.computed.clear()
        for where, name, value in self._functions:
            if where.get(name) is following.STAND_INS[id(value)]:
                where[name] = value
        for number, place in enumerate(self.places):
            now = None if place is None else place.get()
            if place is None or now is None:
                self._refusal = self._refusal if place is None else "it deletes a number that it reads"
            elif now is self.graph.stand_ins.get(number):  # an interrupt came before there was one
                place.put(self.values[number])
            elif type(now) in following.KINDS or type(now) in PLAIN:
                left = (now._number, None) if type(now) in following.KINDS else (None, now)
                self._writes.append((number, left))
                place.put(left[1] if left[0] is None else now._value)
                if number < self.passed:
                    self._refusal = "it changes a list or dict that it is passed"
            else:
                self._refusal = "it changes Python values that it reads"
        for log in self.reach.logs.values():
            give_numbers(log)
        unchanged = self.reach.unchanged()
        if not unchanged:
            self._look_for_others()
        now = None  # one more reference, and all objects of the process would be asked who holds it
        self._returned = []
        try:
            flatten(result, [], self._returned, varying=Numbers(frozenset()), records=is_record)
            self._returned = [vars(c) if is_record(type(c)) or type(c) is types.SimpleNamespace else c
                              for c in self._returned]
        except Refused:
            self._returned = []
        known = () if unchanged else (
            *(w.value for w in self.reach.watched), *(owner for owner, _, _ in self.reach.names),
            *(cell for cell, _ in self.reach.cells))
        release(self.graph.stand_ins, known, result, self._returned)

    def _look_for_others(self) -> None:
        """Whether the call left numbers that it followed where it reads others, which are no less others if they are
        equal: it would leave another one the next time.
        """
        try:
            if self.reach.again().stand_ins:
                self._left = frozenset(
                    k for k, place in enumerate(self.reach.places)
                    if k not in self.reach.varying and type(place.get()) in following.KINDS)
        except Unreadable:  # as is found where that is checked
            pass

    def check(self) -> None:
        """Refused for a call that left numbers where it reads others that are not followed."""
        if self._left is not None:
            raise Varies("it changes Python values that it reads", self._left)

    def plainly(self, result: Any) -> Any:
        """A result, with the numbers themselves."""
        for container in self._returned:
            give_numbers(container)
        return result._value if type(result) in following.KINDS else result

    def reads(self) -> bool:
        """Whether the program need not know all the numbers that were taken out of tensors."""
        return not all(read.pinned for read in self.graph.reads.values())

    def is_fit(self) -> bool:
        """Whether the numbers can be followed: NaN cannot, for whether it is itself depends on which object it is."""
        return all(type(v) in PLAIN and v == v and (type(v) is float or -following.FAR < v < following.FAR)
                   for v in self.values)

    def pinned(self) -> tuple[frozenset[int], frozenset[int]]:
        """Which of the numbers passed, and read, the call depends on as they are."""
        found = self.graph.pinned
        reached = sorted(self.reach.varying)
        return (frozenset(k for i, k in enumerate(self._which) if i in found),
                frozenset(reached[i - self.passed] for i in found if i >= self.passed))

    def formula(self, outputs: Sequence[Any]) -> Formula:
        """What the call made of the numbers; `outputs` are the stand-ins among its results."""
        if self._refusal:
            raise Refused(self._refusal)
        if any(s._graph is not self.graph for s in outputs):
            raise Refused("it returns a number of another call")
        return Formula(self.graph, [type(v) for v in self.values], self._writes, [(s._number, None) for s in outputs])
