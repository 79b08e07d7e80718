"""What the Python of a facade function could see of a call's arguments, as a sequence of words.

Of a tensor that is its layout and whether it requires grad; of a number, a string, None, a dtype, a tuple or a list its
value. Two calls with equal keys do the same, as long as that Python looks at no element: so the key finds what an
earlier call did (`recipes`). The words parse in one way only, so that different arguments have different keys.

Of a plain index the number itself is left out of the key, for there are many: it is a *start*, by which views move.
So is the factor of a function that treats all factors alike (`scaling`): a rate that is another at each step.
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.objects import flags_of
from tapegrad.machine.native.operands import LITERAL_HIGH, LITERAL_LOW, is_tensor
from tapegrad.machine.native.thread_modes import inferring, recording

TENSOR, AGAIN, INT, FLOAT, TEXT, TUPLE, LIST, SLICE, INDEX, RANGE, VALUE, MANY = (np.uint64(i) for i in (
    rec.KEY_TENSOR, rec.KEY_AGAIN, rec.KEY_INT, rec.KEY_FLOAT, rec.KEY_TEXT, rec.KEY_TUPLE, rec.KEY_LIST, rec.KEY_SLICE,
    rec.KEY_INDEX, rec.KEY_RANGE, rec.KEY_VALUE, rec.KEY_MANY))
GIVEN, TENSORS, STARTS, WORDS = (
    np.uint64(i) for i in (rec.KEY_GIVEN, rec.KEY_TENSORS, rec.KEY_STARTS, rec.KEY_WORDS))
MAX_TENSORS, MAX_STARTS, MAX_WORDS, MOST = (
    np.uint64(i) for i in (rec.MAX_RECIPE_TENSORS, rec.MAX_RECIPE_STARTS, rec.MAX_KEY, rec.MANY))
_REQUIRES_GRAD, _VIEW = np.uint32(rec.REQUIRES_GRAD), np.uint32(rec.IS_VIEW)
_GRAD_BIT = np.uint64(1 << 40)
_IS_LIST, _IS_TUPLE = np.uint64(1 << 25), np.uint64(1 << 26)
_TP_FLAGS = np.uint64(168)
U8, U24 = np.uint64(8), np.uint64(24)
FIRST_FLOAT = np.uint32(6)
MOST_FACTOR = np.float64(rec.MOST_FACTOR)
SCALING_MASK = np.uint64(rec.SCALING_SLOTS - 1)


@inlined
def hashed_function(function):
    return (function >> np.uint64(4)) & SCALING_MASK


@inlined
def put(key, word):
    k = words(key)
    n = k[U0]
    if n < MAX_WORDS:
        k[WORDS + n] = word
        k[U0] = n + U1
    else:
        k[U3] = U1


@native
def put_tensor(key, obj):
    k = words(key)
    n = k[U1]
    for j in range(n):
        if k[TENSORS + j] == obj:
            put(key, AGAIN | j)
            return
    if n >= MAX_TENSORS:
        k[U3] = U1
        return
    k[TENSORS + n] = obj
    k[U1] = n + U1
    t = tensor_at(obj)
    flags = buffers()[t.buffer].flags
    if flags & _VIEW and t.base != U0:
        flags |= flags_of(t.base)
    put(key, TENSOR | np.uint64(t.layout) | (_GRAD_BIT if flags & _REQUIRES_GRAD else U0))


@native
def put_leaf(key, obj):
    """A tensor, a number, a string, or one of the objects that there is only one of."""
    kind = py.type_of(obj)
    if is_tensor(obj):
        put_tensor(key, obj)
    elif kind == py.long_type():
        value = py.long_as(obj)
        if value == -1 and py.error_occurred() != U0:
            py.error_clear()
            words(key)[U3] = U1
        put(key, INT)
        put(key, np.uint64(value))
    elif obj == py.none() or kind == py.bool_type() or kind == machine().dtype_type or obj == py.ellipsis():
        put(key, obj)
    elif kind == py.float_type():
        box = stack_words(1)
        doubles(box)[U0] = py.float_as_double(obj)
        put(key, FLOAT)
        put(key, words(box)[U0])
    elif kind == py.text_type():
        put(key, TEXT)
        put(key, np.uint64(py.hash_of(obj)))
    else:
        words(key)[U3] = U1


@native
def put_item(key, obj):
    """A leaf, or a slice of leaves."""
    if py.type_of(obj) == py.slice_type():
        put(key, SLICE)
        put_leaf(key, words(obj)[U2])
        put_leaf(key, words(obj)[U3])
        put_leaf(key, words(obj)[np.uint64(4)])
    else:
        put_leaf(key, obj)


@inlined
def sequence_of(obj):
    """(TUPLE, LIST or 0, the address of the items, how many)"""
    flags = words(py.type_of(obj) + _TP_FLAGS)[U0]
    if flags & _IS_TUPLE:
        return TUPLE, obj + U24, words(obj)[U2]
    if flags & _IS_LIST:
        return LIST, words(obj)[U3], words(obj)[U2]
    return U0, U0, U0


@native
def put_inner(key, obj):
    """An item, or a sequence of items."""
    kind, items, count = sequence_of(obj)
    if kind == U0:
        put_item(key, obj)
        return
    put(key, kind | count)
    for j in range(count):
        if words(key)[U3] == U0:
            put_item(key, words(items)[j])


@native
def lie_alike(items, count):
    """Whether all items are tensors of one layout."""
    for j in range(count):
        obj = words(items)[j]
        if not is_tensor(obj) or tensor_at(obj).layout != tensor_at(words(items)[U0]).layout:
            return False
    return True


@native
def put_argument(key, obj):
    """An item, or a sequence of items and of sequences of them."""
    kind, items, count = sequence_of(obj)
    if kind == U0:
        put_item(key, obj)
        return
    if count > MOST and words(key)[GIVEN] == U0 and lie_alike(items, count):
        put(key, MANY | count)
        put(key, kind | np.uint64(tensor_at(words(items)[U0]).layout))
        words(key)[GIVEN] = obj
        return
    put(key, kind | count)
    for j in range(count):
        if words(key)[U3] == U0:
            put_inner(key, words(items)[j])


@native
def put_start(key, value):
    k = words(key)
    n = k[U2]
    if n < MAX_STARTS:
        signed_words(key)[STARTS + n] = value
        k[U2] = n + U1
    else:
        k[U3] = U1


@native
def is_small(obj):
    """Whether an object is an int that fits a word."""
    if py.type_of(obj) != py.long_type():
        return False
    if py.long_as(obj) == -1 and py.error_occurred() != U0:
        py.error_clear()
        return False
    return True


@native
def bound(obj, size, otherwise):
    """Where a slice begins or ends on an axis of that size; -1 for what is neither None nor a small int."""
    if obj == py.none():
        return otherwise
    if not is_small(obj):
        return -1
    value = py.long_as(obj)
    if value < 0:
        return max(value + size, 0)
    return min(value, size)


@native
def put_place(key, obj, size):
    """An index on an axis of that size, which may be unknown: of an int that it is one, of a slice how long it is."""
    if is_small(obj):
        put(key, INDEX)
        put_start(key, py.long_as(obj))
        return
    if size >= 0 and py.type_of(obj) == py.slice_type() and words(obj)[np.uint64(4)] == py.none():
        start, end = bound(words(obj)[U2], size, 0), bound(words(obj)[U3], size, size)
        if start >= 0 and end >= 0:
            put(key, RANGE)
            put(key, np.uint64(max(end - start, 0)))
            put_start(key, start)
            return
    put_inner(key, obj)


@inlined
def size_of(geometry, axis):
    """The size of an axis, -1 where that is not known."""
    if geometry == U0 or axis < 0 or axis >= signed_words(geometry)[U0]:
        return -1
    return signed_words(geometry)[U1 + np.uint64(axis)]


@native
def geometry_of(x):
    """Where the shape of a tensor's layout is, which Python tells when one is first asked for; 0 for no tensor."""
    if not is_tensor(x):
        return U0
    at = machine().geometries + np.uint64(tensor_at(x).layout) * U8
    if words(at)[U0] == U0:
        argument = stack_words(1)
        words(argument)[U0] = x
        told = py.vectorcall(machine().tell_geometry, argument, U1, U0)
        if told == U0:
            py.error_clear()
            return U0
        py.decref(told)
    return words(at)[U0]


@native
def axes_from(items, first, count):
    """How many axes the items of an index take, from one of them on."""
    found = 0
    for j in range(first, count):
        if words(items)[j] != py.none():
            found += 1
    return found


@native
def put_index(key, x, obj):
    """What stands between the brackets of x[…]."""
    kind, items, count = sequence_of(obj)
    if kind == TUPLE:
        geometry = geometry_of(x)
        put(key, kind | count)
        axis = np.int64(0)
        for j in range(count):
            item = words(items)[j]
            if words(key)[U3] == U0:
                put_place(key, item, size_of(geometry, axis))
            if item == py.ellipsis() and geometry != U0:
                axis = signed_words(geometry)[U0] - axes_from(items, np.uint64(j) + U1, count)
            elif is_small(item) or py.type_of(item) == py.slice_type():
                axis += 1
            elif item != py.none():
                geometry = U0  # what other items do to the axes is Python's to say
    elif kind == U0:
        put_place(key, obj, size_of(geometry_of(x), 0) if py.type_of(obj) == py.slice_type() else -1)
    else:
        put_argument(key, obj)


@native
def put_value(key, obj):
    """What is assigned to x[…]: of a number that no rule specialises on its kind, for there are many of them too."""
    k = words(key)
    if py.type_of(obj) == py.float_type():
        put(key, VALUE | U1)
        k[GIVEN] = obj
    elif is_small(obj) and not LITERAL_LOW <= py.long_as(obj) <= LITERAL_HIGH:
        put(key, VALUE | U2)
        k[GIVEN] = obj
    else:
        put_argument(key, obj)


@native
def is_scaling(function):
    """Whether a function is one of those that do the same for all factors (`Machine.leave_out_factors`)."""
    table = words(machine().scaling)
    slot = hashed_function(function)
    while True:
        found = table[slot]
        if found == function:
            return True
        if found == U0:
            return False
        slot = (slot + U1) & SCALING_MASK


@native
def is_factor(key, obj):
    """Whether a number can be left out of a key: any dtype has it, no code asks for it, and a fraction is no error."""
    k = words(key)
    if k[GIVEN] != U0 or k[U1] == U0 or py.type_of(obj) != py.float_type():
        return False
    value = py.float_as_double(obj)
    if not (-MOST_FACTOR < value and value < MOST_FACTOR) or value == np.float64(np.int64(value)):
        return False
    return layouts()[tensor_at(k[TENSORS]).layout].dtype >= FIRST_FLOAT


@native
def put_factor(key, function, obj):
    """An argument, which is left out if it is the factor of a function that treats all of them alike."""
    if is_factor(key, obj) and is_scaling(function):
        put(key, VALUE | U1)
        words(key)[GIVEN] = obj
    else:
        put_argument(key, obj)


@native
def gather_key(key, function, arguments, count, keywords, whole):
    """The key of a call, unless `whole` without its factor; False when only Python can tell what it is about."""
    k = words(key)
    k[U0] = U0
    k[U1] = U0
    k[U2] = U0
    k[U3] = U0
    k[GIVEN] = U0
    m = machine()
    put(key, function)
    modes = (U1 if recording() else U0) | (m.default_dtype << U1) | (U1 << U2 if inferring() else U0)
    put(key, (count << U8) | modes)
    assigning = function == m.assigning
    indexing = assigning or function == m.indexing
    for j in range(count):
        if k[U3] != U0:
            return False
        if indexing and j == U1:
            put_index(key, words(arguments)[U0], words(arguments)[j])
        elif assigning and j == U2:
            put_value(key, words(arguments)[j])
        elif whole:
            put_argument(key, words(arguments)[j])
        else:
            put_factor(key, function, words(arguments)[j])
    if keywords != U0:
        for j in range(words(keywords)[U2]):
            if k[U3] != U0:
                return False
            put(key, np.uint64(py.hash_of(words(keywords + U24)[j])))
            if whole:
                put_argument(key, words(arguments)[count + j])
            else:
                put_factor(key, function, words(arguments)[count + j])
    return k[U3] == U0


@native
def hash_key(key):
    k = words(key)
    h = k[U0]
    for j in range(k[U0]):
        h = (h ^ k[WORDS + j]) * np.uint64(0x9E3779B97F4A7C15)
        h ^= h >> np.uint64(29)
    return h | U1
