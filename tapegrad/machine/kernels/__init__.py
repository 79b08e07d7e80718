"""Where the LLVM text of kernels is written. All have one signature, which `emitter` explains: start there.

`emitter` makes kernels of rules: elements mapped, rows reduced (`kernel_writer`, then `region_writer`, `loop_writer`
and `instruction_writer`, after `lowering`), `packed_writer` of graphs of numbers. `loop_nests` makes what they are
called with; `series` has functions of numbers that they share. Matrix products are in `products/`; what is no loop over
elements (indices, LAPACK, scans, sorting) in `structural/`.
"""
from __future__ import annotations

from tapegrad.machine.kernels import emitter, loop_helpers, loop_nests, packed_writer, series
from tapegrad.machine.kernels.gather_writer import SLOT
from tapegrad.machine.kernels.lowering import accumulator, calls_functions, costs_much, vector_bytes
from tapegrad.machine.kernels.while_writer import lanes_together

__all__ = ["SLOT", "accumulator", "calls_functions", "costs_much", "emitter", "lanes_together", "loop_helpers",
           "loop_nests", "packed_writer", "series", "vector_bytes"]
