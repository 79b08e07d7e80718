"""Compiled functions: captured once, replayed with no Python between the kernels, never silently wrong.

`function.py` decides what a call does; `state.py` looks at the Python values a function may read; `capture.py` turns a
trace into a program; `program.py` lays the program out in memory and runs it.
"""
from tapegrad.compiler.function import Compiled, compile

__all__ = ["Compiled", "compile"]
