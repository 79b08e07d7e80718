"""What a replayed call leaves behind: gradients on leaves, and its result, out of memory that it took anew."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.compiled_node import record_nodes
from tapegrad.machine.native.compiled_program import ITEMS
from tapegrad.machine.native.execution import view_of
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.objects import new_object, out_of_memory
from tapegrad.machine.native.tape import drop_storage, make_row

_results, _left, _versions = records(rec.OUTPUT), records(rec.GRADIENT_LEFT), records(rec.TIMES_WRITTEN)
_links = records(rec.RESULT_LINK)
_FRESH, _ARGUMENT, _HELD, _RESULT = (
    np.uint64(i) for i in (rec.OF_FRESH, rec.OF_ARGUMENT, rec.OF_HELD, rec.OF_RESULT))
_INFERENCE, _IS_VIEW, _KIND_OF_VIEW = (np.uint32(i) for i in (rec.INFERENCE, rec.IS_VIEW, rec.KIND_OF_VIEW))
_LINK, _RECORDED = np.uint64(rec.LINK), np.uint64(rec.LINK | 1)
_ONE, _CONSTANT, _NOTHING = (np.uint64(i) for i in (rec.ONE_RESULT, rec.CONSTANT_RESULT, rec.NO_GRADIENT))
_tuple_new = external("PyTuple_New", u64, u64)


@native
def linked_view(viewed, wanted, flags):
    """A view of a tensor of the call's own, as differentiation has to see it where it is written to."""
    found = view_of(N0, viewed, np.uint32(wanted.layout), wanted.offset, U0, _LINK)
    if found != U0 and tensor_at(found).base != U0:  # in inference mode it has none
        row = buffers()[tensor_at(found).buffer]
        row.flags = row.flags & ~_KIND_OF_VIEW | flags & _KIND_OF_VIEW
    return found


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
        flags, owner = np.uint32(wanted.flags), tensor_at(obj).buffer
        buffers()[owner].flags |= flags & _INFERENCE
        if flags & _IS_VIEW:
            return linked_view(obj, wanted, flags)
        if wanted.kind != _FRESH:  # in its memory
            row = make_row(np.uint32(wanted.layout), owner, buffers()[owner].address + wanted.offset)
            if row == N0:
                return out_of_memory(U0)
            return new_object(machine().tensor_type, row)
    py.incref(obj)
    return obj


@native
def results_of(replay, objects, fresh):
    """The result: one tensor, a tuple of tensors, or True where it is always the same; 0 where there is no memory.

    A tuple without those that are views of others, where there are any (see `with_views`).
    """
    if replay.form == _CONSTANT:
        py.incref(py.true())
        return py.true()
    if replay.form == _ONE and replay.n_links == U0:
        return result_at(replay, U0, objects, fresh)
    found = _tuple_new(replay.n_results)
    if found == U0:
        return U0
    for i in range(replay.n_results):
        if _results(replay.results)[i].kind == _RESULT:
            continue
        one = result_at(replay, np.uint64(i), objects, fresh)
        if one == U0:
            py.decref(found)  # which holds nothing at the places that are left
            return U0
        words(found + ITEMS)[i] = one
    return found


@native
def view_by_links(replay, wanted, found):
    """A view of a result, as it was recorded."""
    at = words(found + ITEMS)[wanted.which]
    py.incref(at)
    for i in range(wanted.offset):
        link = _links(replay.links)[wanted.layout + i]
        seen = view_of(np.uint32(link.plan), at, np.uint32(link.layout), link.offset, link.shift, _RECORDED)
        py.decref(at)
        if seen == U0:
            return U0
        at = seen
    row = buffers()[tensor_at(at).buffer]
    row.flags = row.flags & ~_KIND_OF_VIEW | np.uint32(wanted.flags) & _KIND_OF_VIEW
    return at


@native
def with_views(replay, found):
    """The result of a tuple that lacks views of others in it, which have their history by now; uses that up."""
    for i in range(replay.n_results):
        wanted = _results(replay.results)[i]
        if wanted.kind == _RESULT:
            seen = view_by_links(replay, wanted, found)
            if seen == U0:
                py.decref(found)
                return U0
            words(found + ITEMS)[i] = seen
    if replay.n_hidden == U0:
        return found
    given = words(found + ITEMS)[U0]
    if replay.form == _ONE:
        py.incref(given)
    else:
        given = _tuple_new(replay.n_results - replay.n_hidden)
        for i in range(replay.n_results - replay.n_hidden if given != U0 else U0):
            one = words(found + ITEMS)[i]
            py.incref(one)
            words(given + ITEMS)[i] = one
    py.decref(found)
    return given


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
    results = one if replay.form == _ONE and replay.n_links == U0 else found + ITEMS
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
    if found != U0 and replay.n_links != U0:
        found = with_views(replay, found)
    if saved != N0:
        drop_storage(saved)
    for i in range(n_fresh):
        py.decref(words(fresh)[i])
    return found
