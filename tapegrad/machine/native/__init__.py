"""The machine's inner code, written in and compiled by numba.

Nothing here is imported while the disk cache holds its object code. `build.py` makes that object code; `glue.py` is
what numba lacks (records at raw addresses, CPython's C functions); the rest reads as ordinary Python over integers.
"""
