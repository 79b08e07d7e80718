"""What a replayed call leaves behind: gradients on leaves, and its result, out of memory that it took anew."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.compiled_node import record_nodes
from tapegrad.machine.native.compiled_program import ITEMS
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.objects import new_object, out_of_memory
from tapegrad.machine.native.tape import drop_storage, make_row

_results, _left, _versions = records(rec.OUTPUT), records(rec.GRADIENT_LEFT), records(rec.TIMES_WRITTEN)
_FRESH, _ARGUMENT, _HELD = np.uint64(rec.OF_FRESH), np.uint64(rec.OF_ARGUMENT), np.uint64(rec.OF_HELD)
_INFERENCE, _OF_INFERENCE = np.uint64(rec.OF_INFERENCE), np.uint32(rec.INFERENCE)
_ONE, _CONSTANT, _NOTHING = (np.uint64(i) for i in (rec.ONE_RESULT, rec.CONSTANT_RESULT, rec.NO_GRADIENT))
_tuple_new = external("PyTuple_New", u64, u64)


@native
def result_at(replay, number, objects, fresh):
    """One tensor of a result, with a reference of its own."""
    wanted = _results(replay.results)[number]
    if wanted.kind == _ARGUMENT:
        obj = words(objects)[wanted.which]
    elif wanted.kind == _HELD:
        obj = wanted.which
    else:
        obj = words(fresh)[wanted.which]
        owner = tensor_at(obj).buffer
        if wanted.kind >= _INFERENCE:
            buffers()[owner].flags |= _OF_INFERENCE
        if wanted.kind != _FRESH and wanted.kind != _INFERENCE:  # a view of it
            row = make_row(np.uint32(wanted.layout), owner, buffers()[owner].address + wanted.offset)
            if row == N0:
                return out_of_memory(U0)
            return new_object(machine().tensor_type, row)
    py.incref(obj)
    return obj


@native
def results_of(replay, objects, fresh):
    """The result: one tensor, a tuple of tensors, or True where it is always the same; 0 where there is no memory."""
    if replay.form == _CONSTANT:
        py.incref(py.true())
        return py.true()
    if replay.form == _ONE:
        return result_at(replay, U0, objects, fresh)
    found = _tuple_new(replay.n_results)
    if found == U0:
        return U0
    for i in range(replay.n_results):
        one = result_at(replay, np.uint64(i), objects, fresh)
        if one == U0:
            py.decref(found)  # which holds nothing at the places that are left
            return U0
        words(found + ITEMS)[i] = one
    return found


@native
def put_gradient(leaf, gradient):
    """Let a leaf have this gradient, or none."""
    t = tensor_at(leaf)
    old = t.grad
    t.grad = gradient
    if gradient != U0:
        py.incref(gradient)
        py.track(leaf)
    if old != U0:
        py.decref(old)


@native
def record_result(replay, objects, found, fresh, saved, extra):
    """Give a result its history; False with a Python error set."""
    one = stack_words(1)
    words(one)[U0] = found
    results = one if replay.form == _ONE else found + ITEMS
    return record_nodes(replay.nodes, objects, results, fresh, saved, extra if extra != py.none() else U0)


@native
def leave(replay, objects, fresh, n_fresh, saved, extra):
    """Put gradients on leaves, and give the result, once a program has run; `fresh` and `saved` are used up."""
    versions = _versions(replay.versions)
    for i in range(replay.n_versions):
        obj = words(fresh)[versions[i].number]
        buffers()[tensor_at(obj).buffer].version = np.uint32(versions[i].version)
    found = results_of(replay, objects, fresh)
    if found != U0:
        left = _left(replay.left)
        for i in range(replay.n_left):
            number = left[i].number
            put_gradient(left[i].leaf, U0 if number == _NOTHING else words(fresh)[number])
    if found != U0 and replay.nodes != U0:
        if not record_result(replay, objects, found, fresh, saved, extra):
            py.decref(found)
            found = U0
        else:
            saved = N0
    if saved != N0:
        drop_storage(saved)
    for i in range(n_fresh):
        py.decref(words(fresh)[i])
    return found
