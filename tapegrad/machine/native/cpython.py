"""CPython's C functions as jitted code calls them: objects are addresses, and counting references is the caller's."""
from __future__ import annotations

import numpy as np

from tapegrad.machine.native.glue import *

U0, U1 = np.uint64(0), np.uint64(1)
_f64 = types.float64

incref: Callee = external("Py_IncRef", types.int32, u64)
decref: Callee = external("Py_DecRef", types.int32, u64)
float_as_double: Callee = external("PyFloat_AsDouble", _f64, u64)
float_from: Callee = external("PyFloat_FromDouble", u64, _f64)
long_from: Callee = external("PyLong_FromLongLong", u64, i64)
long_as: Callee = external("PyLong_AsLongLong", i64, u64)
error_occurred: Callee = external("PyErr_Occurred", u64)
error_clear: Callee = external("PyErr_Clear", i32)
error_fetch: Callee = external("PyErr_Fetch", i32, u64, u64, u64)
error_restore: Callee = external("PyErr_Restore", i32, u64, u64, u64)
gc_new: Callee = external("_PyObject_GC_New", u64, u64)
gc_delete: Callee = external("PyObject_GC_Del", i32, u64)
gc_track: Callee = external("PyObject_GC_Track", i32, u64)
gc_untrack: Callee = external("PyObject_GC_UnTrack", i32, u64)
gc_is_tracked: Callee = external("PyObject_GC_IsTracked", i32, u64)
generic_setattr: Callee = external("PyObject_GenericSetAttr", i32, u64, u64, u64)
generic_get_dict: Callee = external("PyObject_GenericGetDict", u64, u64, u64)
clear_weakrefs: Callee = external("PyObject_ClearWeakRefs", i32, u64)
is_subtype: Callee = external("PyType_IsSubtype", i32, u64, u64)
_call_slot = indirect(u64, u64, u64, u64, u64)
_TP_VECTORCALL_OFFSET = np.uint64(56)
list_new: Callee = external("PyList_New", u64, i64)
list_append: Callee = external("PyList_Append", i32, u64, u64)
list_set_slice: Callee = external("PyList_SetSlice", i32, u64, i64, i64, u64)
dict_get: Callee = external("PyDict_GetItem", u64, u64, u64)
dict_find: Callee = external("PyDict_GetItemWithError", u64, u64, u64)
dict_size: Callee = external("PyDict_Size", i64, u64)
dict_type: Callee = symbol("PyDict_Type")
type_lookup: Callee = external("_PyType_Lookup", u64, u64, u64)
call: Callee = external("PyObject_Call", u64, u64, u64, u64)
text_length: Callee = external("PyUnicode_GetLength", i64, u64)
no_memory: Callee = external("PyErr_NoMemory", u64)
thread_state: Callee = external("PyThreadState_Get", u64)
thread_id: Callee = external("PyThreadState_GetID", u64, u64)
save_thread: Callee = external("PyEval_SaveThread", u64)
restore_thread: Callee = external("PyEval_RestoreThread", i32, u64)
holds_gil: Callee = external("PyGILState_Check", i32)

float_type: Callee = symbol("PyFloat_Type")
long_type: Callee = symbol("PyLong_Type")
bool_type: Callee = symbol("PyBool_Type")
none: Callee = symbol("_Py_NoneStruct")
true: Callee = symbol("_Py_TrueStruct")
false: Callee = symbol("_Py_FalseStruct")
not_implemented: Callee = symbol("_Py_NotImplementedStruct")
text_type: Callee = symbol("PyUnicode_Type")
slice_type: Callee = symbol("PySlice_Type")
ellipsis: Callee = symbol("_Py_EllipsisObject")
hash_of: Callee = external("PyObject_Hash", i64, u64)
tuple_new: Callee = external("PyTuple_New", u64, i64)
type_alloc: Callee = external("PyType_GenericAlloc", u64, u64, i64)
tuple_type: Callee = symbol("PyTuple_Type")
code_type: Callee = symbol("PyCode_Type")
get_attribute: Callee = external("PyObject_GetAttr", u64, u64, u64)
tail_match: Callee = external("PyUnicode_Tailmatch", i64, u64, u64, i64, i64, i32)


@native
def type_of(o):
    return words(o)[U1]


@native
def vectorcall(function, arguments, count, keywords):
    """Call a Python or built-in function through its vectorcall slot (`PyObject_Vectorcall` is no symbol in 3.10)."""
    slot = function + words(type_of(function) + _TP_VECTORCALL_OFFSET)[U0]
    return _call_slot(words(slot)[U0], function, arguments, count, keywords)


@native
def track(o):
    if not gc_is_tracked(o):
        gc_track(o)


@native
def call_with_index(function, index):
    """Call a Python function with one integer and drop its result."""
    call_in_destructor(function, U0, index)


@native
def call_in_destructor(function, obj, index):
    """Call a Python function with an integer, and an object before it unless that is 0; nothing is raised.

    An exception on its way through the caller is put aside, for a destructor may run while one is.
    """
    arguments, error = stack_words(2), stack_words(3)
    e = words(error)
    error_fetch(error, error + np.uint64(8), error + np.uint64(16))
    boxed = long_from(np.int64(index))
    count = U1 if obj == U0 else np.uint64(2)
    words(arguments)[U0] = obj
    words(arguments)[count - U1] = boxed
    result = vectorcall(function, arguments, count, U0)
    decref(boxed)
    if result != U0:
        decref(result)
    else:
        error_clear()
    error_restore(e[U0], e[U1], e[np.uint64(2)])
