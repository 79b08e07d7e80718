"""How steps of nests use memory: over which loops, and what loops two of them are made up of."""
from __future__ import annotations

from collections.abc import Sequence

from tapegrad.compiler.passes.cuts import Space
from tapegrad.compiler.passes.work import space
from tapegrad.compiler.traced_program import Place
from tapegrad.dtypes import dtype
from tapegrad.named_tuples import NamedTuple

Loops = tuple[tuple[int, int], ...]  # sizes and strides in bytes, outermost first


class Access(NamedTuple):
    """How a step uses a piece of memory: as numbers of what dtype, from where on, and over which loops.

    Loops that join up are one, so that two that go the same way are equal however their steps' loops are split.
    """

    space: Space
    start: int
    of: dtype
    loops: Loops

    def overlaps(self, other: Access) -> bool:
        (start, end), (first, last) = self.extent, other.extent
        return self.space == other.space and start < last and first < end

    @property
    def extent(self) -> tuple[int, int]:
        far = [(n - 1) * s for n, s in self.loops]
        return (self.start + sum(min(f, 0) for f in far),
                self.start + sum(max(f, 0) for f in far) + self.of.itemsize)


def access_of(place: Place, of: dtype, sizes: Sequence[int], strides: Sequence[int]) -> Access:
    loops: list[tuple[int, int]] = []
    for n, s in zip(sizes, strides):
        if n == 1:
            continue
        if loops and loops[-1][1] == n * s:
            n *= loops.pop()[0]
        loops.append((n, s))
    return Access(space(place), place.number if place.kind == "fixed" else place.offset, of, tuple(loops))


def loops_of_both(a: Sequence[int], b: Sequence[int]) -> list[int] | None:
    """The loops of which both are made up; None where they end in different places."""
    found: list[int] = []
    left, right = [n for n in a if n > 1], [n for n in b if n > 1]
    while left and right:
        n, m = left.pop(), right.pop()
        least, most = min(n, m), max(n, m)
        if most % least:
            return None
        found.append(least)
        if most > least:
            (left if n > m else right).append(most // least)
    return None if left or right else found[::-1]


def strides_over(loops: Loops, sizes: Sequence[int]) -> list[int]:
    """The strides of an access over loops that its own are made up of."""
    found, left = [], list(loops)
    for size in reversed(sizes):
        n, s = left.pop()
        found.append(s)
        if n > size:
            left.append((n // size, s * size))
    return found[::-1]
