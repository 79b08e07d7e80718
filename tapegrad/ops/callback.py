"""Nodes of the graph that Python computes: a custom function, and its outputs where it has several.

They are never run forwards; their adjoint is a callback that the engine attends to (see `autograd.function`).
"""
from __future__ import annotations

from tapegrad.ops.declaration import callback

callback("_function", lambda *xs, name, dtype, shape, strides: None)
callback("_output", lambda node, *, name, index, count, dtype, shape, strides: None)
