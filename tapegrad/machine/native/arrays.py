"""Elements: NumPy's arrays on the memory of tensors, and functions that read or write each element themselves."""
from __future__ import annotations

import numpy as np

from tapegrad.dtypes import bfloat16, float32, float64, int16, int32, int64
from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.arena import allocate, release
from tapegrad.machine.native.attributes import requires_grad
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.objects import new_object, new_tensor, out_of_memory
from tapegrad.machine.native.python_entry import integer, memmove
from tapegrad.machine.native.tape import make_row

_new_array = indirect(u64, u64, u64, i32, u64, u64, u64, i32, u64)  # PyArray_NewFromDescr
_set_base = indirect(i32, u64, u64)  # PyArray_SetBaseObject, which keeps the reference it is given
_I16, _I32, _I64, _F32, _F64 = (np.uint32(d.id) for d in (int16, int32, int64, float32, float64))
_BFLOAT16 = np.uint32(bfloat16.id)  # which NumPy has not
_WRITEABLE = np.int32(0x400)
_MUCH, _LARGEST, _EXACT = np.uint64(rec.LARGE), np.float64(np.finfo(np.float32).max), np.int64(1 << 53)
memset: Callee = external("memset", u64, u64, i32, u64)


@native
def array_on(obj):
    """An array on a tensor's memory, of a layout whose geometry is known; holding an alias of it, it keeps that memory.
    """
    m = machine()
    geometry = words(m.geometries)[tensor_at(obj).layout]
    row = buffers()[tensor_at(obj).buffer]
    address = row.address
    index = make_row(row.layout, row.owner, address)
    if index == N0:
        return out_of_memory(U0)
    alias = new_object(m.tensor_type, index)
    if alias == U0:
        return U0
    descriptor = words(m.descriptors)[layouts()[tensor_at(obj).layout].dtype]
    py.incref(descriptor)
    axes = words(geometry)[U0]
    sizes = geometry + np.uint64(8)
    array = _new_array(m.new_array, m.array_type, descriptor, np.int32(axes), sizes, sizes + axes * np.uint64(8),
                       address, _WRITEABLE, U0)
    if array == U0:
        py.decref(alias)
    elif _set_base(m.set_base, array, alias):
        py.decref(array)
        return U0
    return array


@export(u64(u64, u64))
def array_of(self, obj):
    """array_of(tensor) -> NumPy's array on its memory, or None where the geometry of its layout is not known."""
    if words(machine().geometries)[tensor_at(obj).layout] == U0:
        py.incref(py.none())
        return py.none()
    return array_on(obj)


@export(u64(u64, u64, u64, u64))
def numpy_method(self, arguments, count, keywords):
    """`Tensor.numpy`: Python's, but where that has nothing to decide."""
    m = machine()
    if count == U0 and keywords == U0 and m.trace == U0 and not requires_grad(self) and \
            words(m.geometries)[tensor_at(self).layout] != U0 and \
            layouts()[tensor_at(self).layout].dtype != _BFLOAT16:
        return array_on(self)
    total = count + U1
    if keywords != U0:
        total += words(keywords)[U2]
    block = allocate(m.arena, total * np.uint64(8))
    words(block)[U0] = self
    for j in range(total - U1):
        words(block)[j + U1] = words(arguments)[j]
    result = py.vectorcall(m.numpy, block, count + U1, keywords)
    release(m.arena, block, total * np.uint64(8))
    return result


@inlined
def content(array):
    """Where the elements of an array are: their address follows its head."""
    return words(array)[U2]


@export(u64(u64, u64))
def content_of(self, array):
    """content_of(array) -> the address of NumPy's elements, which Python takes a microsecond to tell."""
    return py.long_from(np.int64(content(array)))


@export(u64(u64, u64, u64))
def write_places(self, arguments, count):
    """write_places(array, out, n, step, apart, *sizes): the places of n elements in a contiguous array of bytes.

    They are those that are not zero. To the int64 array `out`; from one element to the next it is `step` bytes, and
    `apart` from one axis to the next.
    """
    given = words(arguments)
    x, place = content(given[U0]), content(given[U1])
    left, step, apart = integer(arguments, U2), integer(arguments, U3), integer(arguments, np.uint64(4))
    axes = count - np.uint64(5)
    last = axes - U1
    sizes, at = words(stack_words(64)), words(stack_words(64))
    rows = U1
    for d in range(axes):
        sizes[d] = integer(arguments, d + np.uint64(5))
        at[d] = U0
        if d < last:
            rows *= sizes[d]
    length = sizes[last]
    for _ in range(rows):
        if left == U0:
            break
        first = place
        j = U0
        while j < length and left != U0:  # written whatever is there, and kept where it is not zero
            words(place + last * apart)[U0] = j
            found = np.uint64(octets(x)[j] != np.uint8(0))
            place += found * step
            left -= found
            j += U1
        x += length
        for d in range(last):
            to = first
            while to < place:
                words(to + d * apart)[U0] = at[d]
                to += step
        d = last
        while d != U0:
            d -= U1
            at[d] += U1
            if at[d] < sizes[d]:
                break
            at[d] = U0
    py.incref(py.none())
    return py.none()


@export(u64(u64, u64, u64))
def write_classes(self, arguments, count):
    """write_classes(labels, out, n, classes) -> 0: in each row of the int64 array `out`, a one where int64 labels say.

    1 where one of the n labels is negative, else 2 where there is no such class, with nothing written.
    """
    given = words(arguments)
    labels, to = signed_words(content(given[U0])), content(given[U1])
    n, classes = integer(arguments, U2), integer(arguments, U3)
    least, most = np.int64(0), np.int64(-1)
    for i in range(n):
        least = min(least, labels[i])
        most = max(most, labels[i])
    status = np.int64(1) if least < 0 else np.int64(2) if most >= np.int64(classes) else np.int64(0)
    if status == 0:
        memset(to, np.int32(0), n * classes * np.uint64(8))
        for i in range(n):
            words(to)[np.uint64(labels[i])] = U1
            to += classes * np.uint64(8)
    return py.long_from(status)


@export(u64(u64, u64, u64))
def filled(self, arguments, count):
    """filled(layout, number) -> tensor of one number that its dtype has.

    None where that is left to kernels: for much memory, while calls are captured, and where the number would be rounded
    in a way of its own.
    """
    layout = np.uint32(integer(arguments, U0))
    obj = words(arguments)[U1]
    nbytes, kind = layouts()[layout].nbytes, layouts()[layout].dtype
    of = py.type_of(obj)
    whole, real, known = np.int64(0), 0.0, machine().trace == U0 and nbytes <= _MUCH
    if of == py.float_type():
        real = py.float_as_double(obj)
        known = known and (kind == _F64 or (kind == _F32 and (abs(real) <= _LARGEST or abs(real) == np.inf or
                                                              real != real)))
    elif of == py.long_type() or of == py.bool_type():
        whole = py.long_as(obj)
        if whole == -1 and py.error_occurred() != U0:
            py.error_clear()
            known = False
        real = np.float64(whole)
        known = known and (kind <= _I64 or (kind <= _F64 and -_EXACT <= whole <= _EXACT))
    else:
        known = False
    if not known:
        py.incref(py.none())
        return py.none()
    made = new_tensor(layout)
    if made != U0:
        fill(buffers()[tensor_at(made).buffer].address, nbytes, kind, whole, real)
    return made


@native
def fill(to, nbytes, kind, whole, real):
    """Write one element, and then twice as much each time: the C library copies in vectors."""
    done = U1
    if nbytes == U0:
        return
    if kind == _F64:
        doubles(to)[U0] = real
        done = np.uint64(8)
    elif kind == _F32:
        floats(to)[U0] = np.float32(real)
        done = np.uint64(4)
    elif kind == _I64:
        signed_words(to)[U0] = whole
        done = np.uint64(8)
    elif kind == _I32:
        halves(to)[U0] = np.uint32(whole)
        done = np.uint64(4)
    elif kind == _I16:
        quarters(to)[U0] = np.uint16(whole)
        done = U2
    else:
        octets(to)[U0] = np.uint8(whole)
    while done < nbytes:
        more = min(done, nbytes - done)
        memmove(to + done, to, more)
        done += more
