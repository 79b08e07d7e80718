"""The attributes of a tensor that are native: `grad`, `requires_grad`, `is_leaf`, and the dict of the rest."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.arena import trace
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.objects import boolean, call_python, flags_of
from tapegrad.machine.native.operands import freshen_history

_GRADIENT = np.uint32(rec.GRADIENT)
_REQUIRES_GRAD, _RETAINS, _VIEW = (
    np.uint32(i) for i in (rec.REQUIRES_GRAD, rec.RETAINS, rec.IS_VIEW)
)


@export(u64(u64, u64))
def get_grad(obj, closure):
    """`grad`; where there is none, Python says whether that deserves a warning."""
    if machine().trace != U0:
        trace(_GRADIENT, obj, U0)
    grad = tensor_at(obj).grad
    if grad == U0:
        row = buffers()[tensor_at(obj).buffer]
        if row.producer != N0 and not row.flags & _RETAINS:
            return call_python(machine().absent_grad, obj, U0, U1)
        grad = py.none()
    py.incref(grad)
    return grad


@export(i32(u64, u64, u64))
def set_grad(obj, value, closure):
    """`grad = …`: Python looks at shapes and dtypes, then calls `put_grad`."""
    if machine().trace != U0:
        trace(_GRADIENT, obj, U1)
    if value == U0 or value == py.none():
        old = tensor_at(obj).grad
        tensor_at(obj).grad = U0
        if old != U0:
            py.decref(old)
        return np.int32(0)
    result = call_python(machine().assign_grad, obj, value, U2)
    if result == U0:
        return np.int32(-1)
    py.decref(result)
    return np.int32(0)


@export(u64(u64, u64, u64))
def put_grad(self, arguments, count):
    """put_grad(tensor, gradient): unchecked."""
    obj = words(arguments)[U0]
    value = words(arguments)[U1]
    old = tensor_at(obj).grad
    py.incref(value)
    tensor_at(obj).grad = value
    py.track(obj)
    if old != U0:
        py.decref(old)
    py.incref(py.none())
    return py.none()


@export(i32(u64, u64, u64))
def set_requires_grad(obj, value, closure):
    result = call_python(machine().assign_requires_grad, obj, py.false() if value == U0 else value, U2)
    if result == U0:
        return np.int32(-1)
    py.decref(result)
    return np.int32(0)


@export(i32(u64, u64, u64))
def setattro(obj, name, value):
    """tp_setattro: the collector learns of an object when it may come to hold others."""
    py.track(obj)
    return py.generic_setattr(obj, name, value)


@export(u64(u64))
def hash_of(obj):
    """tp_hash: `hash(t) == id(t)`."""
    return obj


@export(u64(u64, u64))
def get_dict(obj, closure):
    py.track(obj)
    return py.generic_get_dict(obj, closure)


@inlined
def requires_grad(obj):
    """A view requires grad as soon as its base does, whether its own history has been brought up to that or not."""
    base = tensor_at(obj).base
    flags = flags_of(obj)
    if base != U0 and flags & _VIEW:
        flags |= flags_of(base)
    return flags & _REQUIRES_GRAD


@export(u64(u64, u64))
def get_requires_grad(obj, closure):
    return boolean(requires_grad(obj))


@export(u64(u64, u64))
def get_is_leaf(obj, closure):
    if not freshen_history(obj):
        return U0
    return boolean(buffers()[tensor_at(obj).buffer].producer == N0)
