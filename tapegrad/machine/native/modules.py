"""Modules of `nn` as CPython meets them: attributes that are parameters, buffers or modules, and calls without hooks.

CPython looks for such an attribute where there is none, makes an AttributeError, and has the class's `__getattr__` find
it (530 ns of the 2,000 that a linear layer of 4 x 8 took, each). What is none of these goes CPython's usual way, to
the Python of `Module`.
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.glue import *

_PARTS, _HOOKS, _FORWARD = (np.uint64(i) for i in (rec.MODULE_PARTS, rec.MODULE_HOOKS, rec.MODULE_FORWARD))
_usual_attribute: Callee = indirect(u64, u64, u64)
_usual_call: Callee = indirect(u64, u64, u64, u64)


@native
def held_in(held, names, name):
    """An attribute where a module keeps it, or 0: a borrowed reference."""
    found = py.dict_find(held, name)
    for i in range(_PARTS):
        if found == U0:
            part = py.dict_find(held, words(names)[i])
            if part != U0 and py.type_of(part) == py.dict_type():
                found = py.dict_find(part, name)
    return found


@export(u64(u64, u64))
def module_attribute(self, name):
    """`module.name`, of a class that has Module's own ways with attributes."""
    m = machine()
    if py.type_lookup(py.type_of(self), name) == U0 and py.type_of(name) == py.text_type():
        held = py.generic_get_dict(self, U0)
        if held != U0:
            found = held_in(held, m.module_names, name)
            if found != U0:
                py.incref(found)
            py.decref(held)
            if found != U0:
                return found
        py.error_clear()
    return _usual_attribute(m.module_attribute, self, name)


@native
def is_hooked(self):
    """Whether more than its forward is to be run when a module is called, for all that its dict says."""
    m = machine()
    held = py.generic_get_dict(self, U0)
    if held == U0:
        py.error_clear()
        return True
    found = py.dict_size(m.module_hooked) != 0
    for i in range(_PARTS, _HOOKS):
        found = found or py.dict_find(held, words(m.module_names)[i]) != U0
    py.decref(held)
    return found


@export(u64(u64, u64, u64))
def module_call(self, arguments, keywords):
    """`module(…)`, of a class that has Module's own way with calls."""
    m = machine()
    if is_hooked(self):
        return _usual_call(m.module_call, self, arguments, keywords)
    forward = py.get_attribute(self, words(m.module_names)[_FORWARD])
    if forward == U0:
        return U0
    result = py.call(forward, arguments, keywords)
    py.decref(forward)
    return result
