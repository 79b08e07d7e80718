"""From LLVM text to object code, and from object code to an address.

`jit` compiles and loads (start there), `cache` keeps object code on disk, `late_binding` puts compiling off until a
kernel is called.
"""
from __future__ import annotations

from tapegrad.machine.llvm import cache, jit, late_binding

__all__ = ["cache", "jit", "late_binding"]
