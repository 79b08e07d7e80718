"""Tensors as CPython objects: made on a row, visited by the collector, deallocated."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.arena import allocate, call_release
from tapegrad.machine.native.companions import call_forsake
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.tape import drop_tensor, make_row

_TYPE_BASICSIZE = np.uint64(32)
_ACCOMPANIED, _BORROWED = np.uint32(rec.ACCOMPANIED), np.uint32(rec.BORROWED)
_RECORDED, _NAMED = np.uint32(rec.RECORDED), np.uint32(rec.NAMED)
call_abandon: Callee = by_name("tapegrad_abandon", i32, u64)


@native
def call_python(function, first, second, count):
    """Call a Python function with one or two objects."""
    arguments = stack_words(2)
    words(arguments)[U0] = first
    words(arguments)[U1] = second
    return py.vectorcall(function, arguments, count, U0)


@export(u64(u64, u32))
def new_object(kind, row_index):
    """A tensor object of type `kind` on a row; untracked by the collector until it has something to traverse."""
    obj = py.gc_new(kind)
    if obj == U0:
        return obj
    size = words(kind + _TYPE_BASICSIZE)[U0]
    fields = words(obj)
    for i in range(U2, size >> U3):
        fields[i] = U0
    t = tensor_at(obj)
    row = buffers()[row_index]
    t.buffer = row_index
    t.layout = row.layout
    row.tensor = obj
    buffers()[row.owner].refs += N1
    return obj


@export(u64(u64))
def raise_out_of_memory(nbytes):
    """Let Python raise for so many bytes that are not there, or (0) for a tape that is full."""
    boxed = py.long_from(np.int64(nbytes))
    result = call_python(machine().out_of_memory, boxed, U0, U1)
    py.decref(boxed)
    return result


out_of_memory: Callee = by_name("tapegrad_raise_out_of_memory", u64, u64)


@native
def new_tensor(layout):
    """A tensor with storage of its own, not initialised."""
    m = machine()
    address = allocate(m.arena, layouts()[layout].nbytes)
    if address == U0:
        return out_of_memory(layouts()[layout].nbytes)
    row = make_row(layout, N0, address)
    if row == N0:
        call_release(m.arena, address, layouts()[layout].nbytes)
        return out_of_memory(U0)
    return new_object(m.tensor_type, row)


@export(i32(u64))
def last_of(obj):
    """What goes with a tensor that has a companion, or is the end of a history."""
    row = buffers()[tensor_at(obj).buffer]
    if row.flags & _ACCOMPANIED:
        call_forsake(obj)
    is_end = row.flags & (_RECORDED | _NAMED | _BORROWED) == _RECORDED and row.producer != N0
    if is_end and machine().orphans != U0:
        call_abandon(np.uint64(tensor_at(obj).buffer))
    return np.int32(0)


call_last_of: Callee = by_name("tapegrad_last_of", i32, u64)


@export(i32(u64))
def dealloc(obj):
    """tp_dealloc."""
    kind = py.type_of(obj)
    py.gc_untrack(obj)
    t = tensor_at(obj)
    if t.weakrefs != U0:
        py.clear_weakrefs(obj)
    grad = t.grad
    attributes = t.dict
    base = t.base
    if t.buffer != N0:
        known = flags_of(obj) & (_RECORDED | _NAMED | _ACCOMPANIED)
        if known != N0 and known != _RECORDED | _NAMED:
            call_last_of(obj)
        drop_tensor(t.buffer)
    if grad != U0:
        py.decref(grad)
    if attributes != U0:
        py.decref(attributes)
    if base != U0:
        py.decref(base)
    py.gc_delete(obj)
    py.decref(kind)
    return np.int32(0)


@inlined
def path_of(row):
    """What stands, while Python's collector looks, for the objects that a row leads to (see `native.gc_cycles`)."""
    m = machine()
    path = U0
    if row < m.n_paths:
        path = words(m.paths)[row]
    return path if path > U1 else U0


@export(i32(u64, u64, u64))
def traverse(obj, visit, arg):
    """tp_traverse."""
    t = tensor_at(obj)
    path = path_of(t.buffer)
    if path != U0 and buffers()[t.buffer].tensor == obj:
        status = call_visit(visit, path, arg)
        if status:
            return status
    if t.grad != U0:
        status = call_visit(visit, t.grad, arg)
        if status:
            return status
    if t.dict != U0:
        status = call_visit(visit, t.dict, arg)
        if status:
            return status
    if t.base != U0:
        status = call_visit(visit, t.base, arg)
        if status:
            return status
    return call_visit(visit, py.type_of(obj), arg)


@export(i32(u64))
def clear(obj):
    """tp_clear."""
    t = tensor_at(obj)
    grad = t.grad
    attributes = t.dict
    t.grad = U0
    t.dict = U0
    if grad != U0:
        py.decref(grad)
    if attributes != U0:
        py.decref(attributes)
    return np.int32(0)


@inlined
def flags_of(obj):
    return buffers()[tensor_at(obj).buffer].flags


@inlined
def boolean(condition):
    result = py.true() if condition else py.false()
    py.incref(result)
    return result
