"""What captures of one function have taught about the next: which numbers vary, which lists grow, what may move.

A capture is made under assumptions; one that cannot be kept may show which of them to give up.
"""
from __future__ import annotations

from collections.abc import Sequence, Set
from typing import TYPE_CHECKING, Any

from tapegrad.compiler.guards.contents import by_value
from tapegrad.compiler.guards.reachable import Held, Reach
from tapegrad.compiler.pytrees import Numbers, flatten
from tapegrad.compiler.refusals import ByName, Grows, Refused, Replaces, Still, Strict, Varies, Within

if TYPE_CHECKING:
    from tapegrad.compiler.before_call import Before
    from tapegrad.compiler.numbers.places import Place
    from tapegrad.compiler.numbers.substitution import Substitution

MOST_BEFORE = 4  # captures that one is compared with
MOST_REPLACED = 64  # tensors


class Assumptions:
    """What is assumed of the calls of one function."""

    # The numbers that vary, of those it is passed and of those it reads; and those that are not followed.
    varying: frozenset[int] = frozenset()
    varying_reached: frozenset[int] = frozenset()
    never: frozenset[int] = frozenset()
    never_reached: frozenset[int] = frozenset()
    loose: bool = True  # views that are passed may begin anywhere
    growing: frozenset[Held] = frozenset()  # where lists are that it appends to, and does not look at
    moves: bool = True  # parts of tensors may begin where a number says
    by_name: bool = True  # it matters which tensors the gradients are that it finds on leaves
    infers: bool = False  # it enters inference mode, also where that is the mode already, and is captured elsewhere
    replaced: Sequence[Place] = ()  # where tensors are that it replaces
    # Attributes that code reads, and somebody may hang on an argument; None for any.
    reads: Set[str] | None = frozenset()
    asks_which: bool = False  # whether it asks which object something is
    # Numbers that it takes out of tensors may be found when the program has run; None: not known yet.
    defers: bool | None = None

    def __init__(self) -> None:
        # numbers where parts of tensors begin, as which they are conditions
        self.stays: set[tuple[int, int]] = set()
        self._set_up = False
        # The gradients that captures found on leaves, both by identity, as long as these were the same.
        self.lent: dict[int, int] | None = {}
        # what the captures before were given, and read, the last first: each may find other flags than the one before
        self._before: list[tuple[Any, Any, list[Any], Reach]] = []

    def learn(self, why: Refused) -> bool:
        """Assume something else from now on; whether there is anything else to assume."""
        match why:
            case Strict():
                known, self.loose = not self.loose, False
            case ByName():
                known, self.by_name, self.lent = self.by_name, True, None
            case Still():
                known, self.moves = not self.moves, False
            case Varies():
                known = not self.follow(frozenset(), why.places)
            case Grows():
                known = not self.grow(why.held)
            case Within():
                known, self.infers = False, True
            case Replaces():
                known = not self.replace(why)
            case _:
                known = True
        return not known

    @property
    def follows(self) -> bool:
        """Whether any numbers are followed."""
        return bool(self.varying or self.varying_reached)

    def finds_varying(self, key: Any, reach: Reach, args: Any, kwargs: Any) -> bool:
        """Whether some numbers are found to vary: nothing else is another than at a capture before."""
        every = Numbers()
        shape = key[0] and flatten((args, kwargs), [], varying=every)
        earlier, self._before = self._before, [(shape, key[1:], every.found, reach), *self._before[:MOST_BEFORE - 1]]
        if reach.tells:
            varied = self.follows
            self.varying = self.varying_reached = frozenset()
            return varied
        for before in earlier:
            reached = reach.varied(before[3]) if before[:2] == (shape, key[1:]) else None
            if reached is not None:
                passed = [k for k, (a, b) in enumerate(zip(before[2], every.found)) if a == a and b == b and (
                    by_value(a) != by_value(b))]
                return self.follow(frozenset(passed), frozenset(reached))
        return False

    def lends_others(self, before: Before) -> bool:
        """Whether it is found that gradients are other tensors than at a capture before: from now on any will do."""
        known = self.lent
        if known is None or not self.by_name:
            return False
        self.by_name = all(known.get(leaf, found) == found for leaf, found in before.lent.items())
        known.update(before.lent)
        return not self.by_name

    def follow(self, passed: frozenset[int], reached: frozenset[int]) -> bool:
        """Follow numbers from now on; whether there are any that are not followed yet, and may be."""
        passed, reached = passed - self.never - self.varying, reached - self.never_reached - self.varying_reached
        self.varying |= passed
        self.varying_reached |= reached
        return bool(passed or reached)

    def grow(self, held: frozenset[Held]) -> bool:
        """Append to lists at these places without a look from now on; whether there are any more."""
        more = not held <= self.growing
        self.growing |= held
        self.varying_reached = self.never_reached = frozenset()  # places are numbered anew
        return more

    def replace(self, why: Replaces) -> bool:
        """Take tensors from there, from now on; whether that may be done.

        Where the first call found nothing, it set things up, perhaps, and the next ones leave them.
        """
        sets_up, self._set_up = why.begins and not self._set_up, True
        if not sets_up and len(why.places) <= MOST_REPLACED:
            self.replaced = why.places
            self._before = []  # which holds what was there
        return sets_up or len(why.places) <= MOST_REPLACED

    def pin(self, passed: frozenset[int], reached: frozenset[int]) -> None:
        """Follow numbers no more: what a call does depends on which they are."""
        self.never, self.never_reached = self.never | passed, self.never_reached | reached
        self.varying, self.varying_reached = self.varying - passed, self.varying_reached - reached

    def met(self, substitution: Substitution | None, asked: bool) -> None:
        """A capture was kept, which followed numbers, perhaps, and asked a tensor for its one number, perhaps."""
        if substitution is not None:
            self.pin(*substitution.pinned())
        if asked and (self.defers is None or substitution is not None):
            self.defers = substitution is None or substitution.reads()
