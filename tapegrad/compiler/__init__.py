"""Compiled functions: captured once, replayed with no Python between the kernels, never silently wrong.

Start with `compiled_function.py`, which decides what a call does. `guards/` looks at the Python values a function may
read; `captured_call.py` and `traced_program.py` turn a trace into steps over blocks of memory, `captured_backward.py`
and `backward_node.py` do so for the backward of results; `passes/` makes them fewer; `variant.py` has one captured
behaviour with its conditions, `program.py` its native records, `native_calls.py` the native way through a call.
"""
from tapegrad.compiler.compiled_function import Compiled, compile

__all__ = ["Compiled", "compile"]
