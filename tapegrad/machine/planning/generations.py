"""Tables whose entries are forgotten when nothing refers to them: a program may have ever new shapes.

Layouts and plans are named by numbers, on the tape and in native tables, and by references from Python. To know when
one was last used would cost each operation something. So there are two generations. When the young one is full, native
tables that lead to entries are emptied, which sends every look-up through Python once, the old generation is forgotten
as far as nothing refers to it, and the young one becomes the old. Whatever is asked for again is young again.

Before its number is given to another, an entry was thus not asked for during a whole generation: that a thread, or a
native call under way, still has the number in its hands is out of the question.
"""
from __future__ import annotations

import sys
from collections.abc import Hashable
from operator import attrgetter
from typing import Any, Generic, TypeVar

import numpy as np

from tapegrad import errors

T = TypeVar("T")
YOUNG = 1 << 12  # entries: a plan takes 4 kB


def _references(table: dict[Any, Any]) -> list[int]:
    """How many references there are to each value."""
    return [sys.getrefcount(value) for value in table.values()]


def _alone() -> int:
    """How many there are to what only a table and the list of all refer to."""
    value = object()
    everything, table = [value], {0: value}
    del value
    return _references(table)[0] * len(everything)


class Generations(Generic[T]):
    """Entries by key, of which each has its number in `field`; `all` are those in use, by number."""

    def __init__(self, field: str, most: int) -> None:
        self.most = most
        self.all: list[T | None] = []
        self.young: dict[Hashable, T] = {}
        self.limit: int = YOUNG
        self._old: dict[Hashable, T] = {}
        self._free: list[int] = []
        self._number = attrgetter(field)
        self._revived = 0

    def again(self, key: Hashable) -> T | None:
        """An entry, young again if it was old."""
        found = self.young.get(key)
        if found is None and key in self._old:
            found = self.young[key] = self._old.pop(key)
            self._revived += 1
        return found

    def number(self) -> int:
        """A number for a new entry."""
        if self._free:
            return self._free.pop()
        if len(self.all) >= self.most:
            raise errors.OutOfMemoryError(errors.IN_USE.format(self.most))
        self.all.append(None)
        return len(self.all) - 1

    def is_full(self) -> bool:
        return len(self.young) >= self.limit

    def turn(self, named: np.ndarray[Any, Any]) -> list[int]:
        """Let the young be old, and forget the old that nothing refers to but (`named`) numbers; theirs are free."""
        old, number = self._old, self._number
        gone = [key for key, count in zip(list(old), _references(old))
                if count <= _ALONE and not named[number(old[key])]]
        numbers = [number(old.pop(key)) for key in gone]
        for i in numbers:
            self.all[i] = None
        self._free += numbers
        self.limit = max(YOUNG, 2 * self._revived)
        self._revived = 0
        old.update(self.young)
        self.young.clear()
        return numbers


_ALONE = _alone()
