"""The machine's inner code, written in and compiled by numba.

Nothing here is imported where what is shipped of it fits: LLVM text for any machine, which `build.py` makes. `glue.py`
is what numba lacks (records at raw addresses, CPython's C functions); the rest reads as ordinary Python over integers.
"""
