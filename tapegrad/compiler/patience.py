"""How often a function is captured in vain before it runs as it is written."""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tapegrad.compiler.captured_call import Captured
from tapegrad.compiler.variant import Variant

MOST_PROGRAMS = 16  # for one kind of arguments
MOST_UNLIKE = 8  # captures of which none is like one before
MOST_FOLLOWED = MOST_PROGRAMS  # the same where numbers are followed: an epoch, say, of so many minibatches
MOST_READING = 3  # captures that differ in values alone that Python took out of tensors, and used
MOST_STILL = 3  # captures that take the same part of a tensor as one before, where that might move
MOST_CHANGING = 4  # captures of which each changed what others read; the first calls may set things up
MOST_UNFOLDED = 16  # second derivatives, of so many calls, if there is one for every fourth

SELDOM_MET = ("its programs are seldom met again: a tensor that it reads by name, perhaps, is in other memory each "
              "time")
READS_ON = ("what it does depends on a number that it takes out of a tensor, which is another each time: leave it a "
            "tensor (detach(), not item())")
UNFOLDED = ("its gradients are differentiated in their turn, for which it runs once more each time: compile the "
            "function that takes both")


class Patience:
    """What speaks against going on with one function; `unlike` counts captures in a row that were like none before."""

    def __init__(self) -> None:
        self.unlike: dict[Any, int] = {}
        self._unfolded = self._reading = self._changing = 0
        self._still: Counter[tuple[int, int]] = Counter()
        self._reads_on = False  # whether it depends on fractions that it takes out of tensors

    def is_over(self, key: Any, programs: Sequence[Variant], follows: bool) -> bool:
        """Whether calls of a kind do something else again and again; it `follows` numbers, perhaps."""
        return len(programs) >= MOST_PROGRAMS or (
            self.unlike.get(key, 0) >= (MOST_FOLLOWED if follows else MOST_UNLIKE))

    def met(self, key: Any) -> None:
        """A capture was like one before."""
        self.unlike[key] = 0

    def was_unlike(self, key: Any) -> None:
        """A capture was like none before, or has failed."""
        self.unlike[key] = self.unlike.get(key, 0) + 1

    def ends_reading(self, captured: Captured, before: Sequence[Captured], reads_on: bool) -> bool:
        """Whether enough captures were the one before, but for what Python took out of tensors and went on with."""
        self._reads_on |= reads_on
        if self._reads_on and before and before[-1].looks_at_others(captured):
            self._reading += 1
        return self._reading >= MOST_READING

    def staying(self, captured: Captured, before: Sequence[Captured]) -> set[tuple[int, int]]:
        """The numbers where parts of tensors began as in enough captures before that did the same."""
        self._still.update(at for other in before if captured.does_as(other) for at in captured.stay(other))
        return {at for at, count in self._still.items() if count >= MOST_STILL}

    def ends_changing(self, replays: int) -> bool:
        """Whether, with one more, so many captures changed what others read that nothing comes of more of them.

        Some may: a cache fills, a flag is raised once in a while.
        """
        self._changing += 1
        return self._changing >= MOST_CHANGING and MOST_CHANGING * self._changing >= replays

    def ends_unfolding(self, replays: int) -> bool:
        """Whether, with one more, second derivatives had it run once more so often that it is faster as written."""
        self._unfolded += 1
        return min(self._unfolded, replays) >= MOST_UNFOLDED and 4 * self._unfolded >= replays


def are_idle(programs: Sequence[Variant]) -> bool:
    """Whether there are as many programs as may be, and most never ran."""
    return len(programs) >= MOST_PROGRAMS and 2 * sum(not v.runs for v in programs) >= MOST_PROGRAMS
