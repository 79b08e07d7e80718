"""The steps of a capture as a table, and its rows as steps: a long trace has a million of them."""
from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tapegrad.compiler.traced_program import Place, Step, uses
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import machine
from tapegrad.named_tuples import NamedTuple

_KINDS = ("own", "argument", "fixed")
OWN, ARGUMENT, FIXED = range(len(_KINDS))


class Nest(int):
    """The address of a plan's loop nest, which is there for as long as this is."""

    words: Any


def _nest(address: int) -> int:
    words = machine.nests.get(address)
    if words is None:  # kept for good
        return address
    found = Nest(address)
    found.words = words
    return found


class Table(NamedTuple):
    """The steps of a capture, a row each, in columns that are as narrow as they can be.

    `kernels` are the addresses of its kernels, `kernel` is the one of a row that calls any; `b` is its event's, of a
    word that varies minus one minus which. Its pointers are the first `count` places of its row: each in the block, the
    argument or the owner row that `space` and `number` say, `offset` bytes from where that begins. `nbytes` are those
    that a word has, `part` is the part of the capture, `line` the word of the line that called its kernel. In the body
    of a loop places go on by `stride` bytes a turn.
    """

    kernels: list[int]
    kind: Any
    kernel: Any
    b: Any
    part: Any
    nbytes: Any
    count: Any
    space: Any
    number: Any
    offset: Any
    line: Any
    stride: Any = None

    @property
    def used(self) -> Any:
        """Which places of the rows are any."""
        return np.arange(self.space.shape[1]) < self.count[:, None]

    @property
    def own(self) -> Any:
        """Which places lie in blocks of the capture."""
        return self.used & (self.space == OWN)

    def rows(self, which: Any) -> Table:
        return Table(self.kernels, *[None if column is None else column[which] for column in self[1:]])

    def pieces(self) -> Iterator[tuple[int, Table]]:
        """The rows, many at once and each piece with the number of its first: what is computed of one stays small."""
        for first in range(0, len(self.kind), capturing.AT_ONCE):
            yield first, self.rows(slice(first, first + capturing.AT_ONCE))

    def of_kernels(self, fact: Callable[[int], Any], otherwise: Any) -> Any:
        """A fact about its kernel, by the row; `otherwise` for what calls none."""
        facts = np.array([*map(fact, self.kernels), otherwise])
        return facts[np.where(self.kind == rec.KERNEL, self.kernel, len(self.kernels))]


class Steps:
    """Rows of a table as steps."""

    contents: list[bytes]

    def __init__(self, contents: list[bytes]) -> None:
        self.contents = contents
        self.nests: dict[int, int] = {}

    def __call__(self, table: Table) -> list[Step]:
        found = []
        fixed = table.space == FIXED
        begins = np.where(fixed, machine.buffers["address"][np.where(fixed, table.number, 0)], 0)
        strides = itertools.repeat(itertools.repeat(0)) if table.stride is None else table.stride.tolist()
        columns = (c.tolist() for c in (table.count, table.kind, table.kernel, table.b, table.nbytes, table.space,
                                        table.number, table.offset, begins))
        lines = [(line,) if line else () for line in table.line.tolist()]
        for line, count, kind, kernel, b, nbytes, *where in zip(lines, *columns, strides):
            places = tuple([Place(_KINDS[s], n, o, by) if s != FIXED else Place(_KINDS[s], start + o, n, by)
                            for _, s, n, o, start, by in zip(range(count), *where)])
            if kind == rec.KERNEL:
                nest = self.nests.get(b)
                if nest is None:
                    nest = self.nests[b] = _nest(b)
                found.append(Step(kind, table.kernels[kernel], nest, places, b"", line))
            elif kind == rec.ZEROED:
                found.append(Step(kind, 0, b, places, b""))
            elif kind == rec.DRAWN:
                found.append(Step(kind, b - (b >> 63 << 64), 0, places, b""))
            elif kind == rec.WORD:
                found.append(Step(rec.CONSTANT, 0, 0, places, word(b, nbytes)))
            else:
                found.append(Step(kind, 0, 0, places, self.contents[b]))
        return found


def word(number: int, nbytes: int) -> bytes:
    """What a WORD event wrote into a block."""
    return number.to_bytes(8, "little")[:nbytes]


def written(table: Table) -> Any:
    """Which places of the rows may be written."""
    most = table.space.shape[1]

    def outputs(address: int) -> int:
        found = uses(rec.KERNEL, address)[0]
        return most if found is None else found

    count = table.of_kernels(outputs, most)
    count[table.kind == rec.GUARD] = 0
    return table.used & (np.arange(most) < count[:, None])
