"""Kernels that are no elementwise loop: reads and writes at indices, scans, sorting, LAPACK, Python as a kernel.

`loading` gives their addresses: start there. `indexed` and `lapack_calls` write LLVM text; `scans`, `sorting` and
`factorisations` have numba write it, and are imported only where what is shipped of them does not fit.
"""
from __future__ import annotations

from tapegrad.machine.kernels.structural.abreast_writer import ALIKE, Abreast
from tapegrad.machine.kernels.structural.abreast_writer import BLOCK as COLUMNS_ABREAST
from tapegrad.machine.kernels.structural.abreast_writer import computed as rows_computed
from tapegrad.machine.kernels.structural.abreast_writer import rows as rows_at_once
from tapegrad.machine.kernels.structural.gathering import COLUMNS, ROWS, STAGED, Gathering
from tapegrad.machine.kernels.structural.indexed import (
    FAILED,
    OFFENDING,
    READ,
    check_nest,
    nonzero_nest,
    walk_nest,
)
from tapegrad.machine.kernels.structural.lapack_calls import ROUTINES, STATUS, pointers
from tapegrad.machine.kernels.structural.loading import (
    abreast,
    array_function,
    called,
    effects,
    fails,
    gathered,
    gatherings,
    in_range,
    indexed,
    is_indexed,
    lapack,
    lapack_call,
    moved,
    packed,
    positions,
    recurrence,
    rows_abreast,
    scan,
    searched,
    turned,
    turns,
    weighted,
    weighted_sums,
)
from tapegrad.machine.kernels.structural.turn_words import (
    BUT_LAST,
    HEAD,
    MOST_POINTERS,
    MOST_WORDS,
    NO_ROWS,
    SCRATCH,
)

__all__ = [
    "ALIKE", "BUT_LAST", "COLUMNS", "COLUMNS_ABREAST", "FAILED", "HEAD", "MOST_POINTERS", "MOST_WORDS", "NO_ROWS",
    "OFFENDING", "READ", "ROUTINES", "ROWS", "SCRATCH", "STAGED", "STATUS", "Abreast", "Gathering", "abreast",
    "array_function", "called", "check_nest", "effects", "fails", "gathered", "gatherings", "in_range",
    "indexed", "is_indexed", "lapack", "lapack_call", "moved", "nonzero_nest", "packed", "pointers", "positions",
    "recurrence", "rows_abreast", "rows_at_once", "rows_computed", "scan", "searched", "turned", "turns", "walk_nest",
    "weighted", "weighted_sums",
]
