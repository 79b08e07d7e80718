"""What native code takes for granted of CPython's objects holds for the Python that runs here.

Objects are read word by word where a call would cost more than the rest; everything else goes through functions, which
must be there. A new version of Python is tried by these first.
"""
from __future__ import annotations

import ctypes
import re
from pathlib import Path

import pytest

import tapegrad
from tapegrad.machine.native import __path__ as rooms

WORD = 8
VECTORCALL_OFFSET = 56  # in a type: where its objects keep the function that calls them
NATIVE = "".join(path.read_text(encoding="utf-8") for path in sorted(Path(rooms[0]).glob("*.py")))


def word(address: int, index: int = 0) -> int:
    return ctypes.c_uint64.from_address(address + WORD * index).value


@pytest.mark.parametrize("value", [None, True, 3, 2.5, "text", (1,), [1], {1: 2}, slice(1), len, lambda: 0, object()],
                         ids=lambda value: type(value).__name__)
def test_the_second_word_is_the_type(value):
    assert word(id(value), 1) == id(type(value))


@pytest.mark.parametrize("count", [0, 1, 3, 40])
def test_a_tuple_is_its_size_and_its_items(count):
    items = tuple(object() for _ in range(count))
    assert word(id(items), 2) == count
    assert [word(id(items), 3 + j) for j in range(count)] == [*map(id, items)]


@pytest.mark.parametrize("count", [0, 1, 3, 40])
def test_a_list_is_its_size_and_where_its_items_are(count):
    items = [object() for _ in range(count)]
    assert word(id(items), 2) == count
    assert [word(word(id(items), 3), j) for j in range(count)] == [*map(id, items)]


def test_a_slice_is_its_start_stop_and_step():
    parts = object(), object(), object()
    whole = slice(*parts)
    assert [word(id(whole), 2 + j) for j in range(3)] == [*map(id, parts)]


@pytest.mark.parametrize("count", [0, 1, 9])
def test_a_dict_says_how_many_keys_it_has(count):
    keys = dict.fromkeys(range(count))
    assert word(id(keys), 2) == count


@pytest.mark.parametrize("function", [len, lambda x: len(x), tapegrad.numel], ids=["built in", "Python's", "native"])
def test_functions_are_called_through_a_slot_that_their_type_names(function):
    arguments = (ctypes.py_object * 1)(tapegrad.ones(3))
    slot = word(id(function) + word(id(type(function)) + VECTORCALL_OFFSET))
    takes = ctypes.py_object, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p
    call = ctypes.PYFUNCTYPE(ctypes.py_object, *takes)(slot)
    assert call(function, ctypes.addressof(arguments), 1, None) == 3
    assert f"_TP_VECTORCALL_OFFSET = np.uint64({VECTORCALL_OFFSET})" in NATIVE


@pytest.mark.parametrize("name", sorted({*re.findall(r'(?:external|symbol)\("(_?Py\w+)"', NATIVE)}))
def test_what_is_called_is_there(name):
    assert ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
