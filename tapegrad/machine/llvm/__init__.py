"""From LLVM text to object code, and from object code to an address.

`jit` compiles and loads (start there), `cache` keeps object code on disk, `shipped` finds text that came with the
package, `late_binding` puts compiling off until a kernel is called, `waiting` says what takes long;
`numba_functions`, loaded with Numba, writes other ways into what that compiled.
"""
from __future__ import annotations

from tapegrad.machine.llvm import cache, jit, late_binding, shipped, waiting
from tapegrad.machine.llvm.shipped import Jitted

__all__ = ["Jitted", "cache", "jit", "late_binding", "shipped", "waiting"]
