"""The steps of a capture as a table, and its rows as steps: a long trace has a million of them."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tapegrad.compiler.traced_program import Place, Step, uses
from tapegrad.machine import records as rec
from tapegrad.machine.live import machine

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
    """The steps of a capture, a row each: `kind`, `a` and `b` of its event, the `part` of the capture it belongs to.

    Its pointers are the first places of its row that are `used`: of a kind, number, offset and stride each, as in
    `Place`. `event` is its number among the events, `size` that of the block it writes, where it writes to one first.
    """

    event: Any
    kind: Any
    a: Any
    b: Any
    part: Any
    used: Any
    space: Any
    number: Any
    offset: Any
    stride: Any
    size: Any

    def rows(self, which: Any) -> Table:
        return Table(*[column[which] for column in self])


class Steps:
    """Rows of a table as steps."""

    contents: list[bytes]
    varying: Mapping[int, int]

    def __init__(self, contents: list[bytes], varying: Mapping[int, int]) -> None:
        self.contents, self.varying = contents, varying
        self.nests: dict[int, int] = {}

    def __call__(self, table: Table) -> list[Step]:
        found = []
        counts = table.used.sum(1).tolist()
        columns = (c.tolist() for c in (table.event, table.kind, table.a, table.b, table.size, table.space,
                                        table.number, table.offset, table.stride))
        for count, event, kind, a, b, size, *where in zip(counts, *columns):
            places = tuple([Place(_KINDS[s], n, o, by) for _, s, n, o, by in zip(range(count), *where)])
            if kind == rec.KERNEL:
                nest = self.nests.get(b)
                if nest is None:
                    nest = self.nests[b] = _nest(b)
                found.append(Step(kind, a, nest, places, b""))
            elif event in self.varying:
                found.append(Step(rec.DRAWN, -1 - self.varying[event], 0, places, b""))
            elif kind == rec.ZEROED:
                found.append(Step(kind, 0, b, places, b""))
            elif kind == rec.DRAWN:
                found.append(Step(kind, b, 0, places, b""))
            elif kind == rec.WORD:
                found.append(Step(rec.CONSTANT, 0, 0, places, word(b, size)))
            else:
                found.append(Step(kind, 0, 0, places, self.contents[b]))
        return found


def word(number: int, nbytes: int) -> bytes:
    """What a WORD event wrote into a block."""
    return number.to_bytes(8, "little")[:nbytes]


def written(table: Table) -> Any:
    """Which places of the rows may be written."""
    most = table.used.shape[1]
    count = np.full(len(table.kind), most)
    count[table.kind == rec.GUARD] = 0
    kernels = np.flatnonzero(table.kind == rec.KERNEL)
    addresses = table.a[kernels]
    for address in {*addresses.tolist()}:
        outputs = uses(rec.KERNEL, address)[0]
        count[kernels[addresses == address]] = most if outputs is None else outputs
    return table.used & (np.arange(most) < count[:, None])
