"""Compiled functions for others to call: one program as one native function, without Python and without the GIL.

`selection.py` takes a program that was captured and says why it cannot be one; `program_text.py` writes its steps as
LLVM text that needs no memory but the caller's, `entries.py` the ways in from C, Numba and SciPy, which `interface.py`
describes; `native.py` has the object that is handed out. It imports Numba and SciPy, so it is loaded when asked for.
"""
