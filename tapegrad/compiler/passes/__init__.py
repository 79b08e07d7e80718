"""The optimiser. Each pass is a function from a program to a program that does the same, in a file of its own.

They run in the order of `PASSES`: those that `compile(passes=…)` or TAPEGRAD_PASSES (names and commas) chooses,
by default all of them. They all work on captured steps, so that any of them can be left out.
"""
from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from tapegrad.compiler.passes.alike import alike
from tapegrad.compiler.passes.blocks import blocks, lowered
from tapegrad.compiler.passes.common import common
from tapegrad.compiler.passes.constants import constants
from tapegrad.compiler.passes.dead import dead
from tapegrad.compiler.passes.elements import elements
from tapegrad.compiler.passes.extremes import extremes
from tapegrad.compiler.passes.fusion import fusion
from tapegrad.compiler.passes.gathered import gathered
from tapegrad.compiler.passes.lanes import lanes
from tapegrad.compiler.passes.loops import loops
from tapegrad.compiler.passes.nests import nests
from tapegrad.compiler.passes.picked import picked
from tapegrad.compiler.passes.placed import placed
from tapegrad.compiler.passes.products import products
from tapegrad.compiler.passes.recomputed import recomputed
from tapegrad.compiler.passes.row_sums import row_sums
from tapegrad.compiler.passes.rows import rows
from tapegrad.compiler.passes.scattered import scattered
from tapegrad.compiler.passes.shallow import shallow
from tapegrad.compiler.passes.stores import stores
from tapegrad.compiler.passes.weighted import weighted
from tapegrad.compiler.passes.work import Work
from tapegrad.machine.llvm import late_binding

PASSES: dict[str, Callable[[Work], Any]] = {
    "constants": constants, "common": common, "dead": dead, "placed": placed, "stores": stores,
    "extremes": extremes, "scattered": scattered, "row_sums": row_sums, "picked": picked,
    "weighted": weighted, "elements": elements, "alike": alike, "shallow": shallow,
    "gathered": gathered,
    "rows": rows, "lanes": lanes, "blocks": blocks, "recomputed": recomputed, "nests": nests, "fusion": fusion,
    "loops": loops, "products": products,
}

def chosen(names: Iterable[str] | None) -> tuple[str, ...]:
    """The passes of these names, or of the environment's, else all of them, in their order.

    ValueError for a name that is none.

    >>> chosen(["fusion", "dead"])
    ('dead', 'fusion')
    """
    if names is None:
        given = os.environ.get("TAPEGRAD_PASSES")
        if given is None:
            return tuple(PASSES)
        names = filter(None, given.split(","))
    wanted = {n.strip() for n in names}
    if unknown := wanted - set(PASSES):
        raise ValueError(f"no pass is called {', '.join(sorted(unknown))}; there are {', '.join(PASSES)}")
    return tuple(name for name in PASSES if name in wanted)


def optimise(work: Work, names: Iterable[str]) -> Work:
    """The program after these passes, whose kernels are compiled when they are bound: passes replace each other's."""
    late_binding.want(1)
    try:
        for name in names:
            work = PASSES[name](work)
        return lowered(work)
    finally:
        late_binding.want(-1)
