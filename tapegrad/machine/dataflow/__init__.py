"""Values of a long trace: which scalar was computed from which, worked out by native code in one walk over its steps.

`trace_values` is what the compiler calls, with `Rows` that it makes of a trace (`loading`); `values` has numba write
it, and is imported only where what is shipped of it does not fit.
"""
from __future__ import annotations

from tapegrad.machine.dataflow.loading import (
    ADD,
    ADD_WHOLE,
    ANY,
    CALL,
    COPY,
    KERNEL,
    LITERAL,
    LOAD,
    WORD,
    ZERO,
    Kernels,
    Rows,
    Values,
    trace_values,
)

__all__ = ["ADD", "ADD_WHOLE", "ANY", "CALL", "COPY", "KERNEL", "LITERAL", "LOAD", "WORD", "ZERO", "Kernels", "Rows",
           "Values", "trace_values"]
