"""Functions, methods and types of CPython made of native ones, `TensorBase` first of all."""
from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

from tapegrad.documents.texts import TEXTS
from tapegrad.machine import records as rec
from tapegrad.machine.llvm import jit
from tapegrad.machine.startup.trampolines import COMPARISONS, Slots

# Slot numbers of CPython's stable ABI (typeslots.h).
_SLOT = {
    "nb_absolute": 6, "nb_add": 7, "nb_and": 8, "nb_floor_divide": 12, "nb_inplace_add": 14, "nb_inplace_and": 15,
    "nb_inplace_floor_divide": 16, "nb_inplace_multiply": 18, "nb_inplace_or": 19, "nb_inplace_power": 20,
    "nb_inplace_remainder": 21, "nb_inplace_subtract": 23, "nb_inplace_true_divide": 24, "nb_inplace_xor": 25,
    "nb_invert": 27, "nb_multiply": 29, "nb_negative": 30, "nb_or": 31, "nb_power": 33, "nb_remainder": 34,
    "nb_subtract": 36, "nb_true_divide": 37, "nb_xor": 38, "nb_matrix_multiply": 75, "nb_lshift": 28, "nb_rshift": 35,
    "nb_inplace_lshift": 17, "nb_inplace_rshift": 22,
    "tp_call": 50, "tp_clear": 51, "tp_dealloc": 52, "tp_hash": 59, "tp_methods": 64, "tp_richcompare": 67,
    "tp_setattro": 69, "tp_traverse": 71, "tp_members": 72, "tp_getset": 73,
}


class _MethodDef(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("meth", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p))


class _GetSet(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("get", ctypes.c_void_p), ("set", ctypes.c_void_p),
                ("doc", ctypes.c_char_p), ("closure", ctypes.c_void_p))


class _Member(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("type", ctypes.c_int), ("offset", ctypes.c_ssize_t),
                ("flags", ctypes.c_int), ("doc", ctypes.c_char_p))


class _Slot(ctypes.Structure):
    _fields_ = (("slot", ctypes.c_int), ("pfunc", ctypes.c_void_p))


class _Spec(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("basicsize", ctypes.c_int), ("itemsize", ctypes.c_int),
                ("flags", ctypes.c_uint), ("slots", ctypes.c_void_p))


_SET_DICT = ctypes.cast(ctypes.pythonapi.PyObject_GenericSetDict, ctypes.c_void_p).value
_DEFAULT, _BASE, _COLLECTED = 1 << 18, 1 << 10, 1 << 14  # Py_TPFLAGS_DEFAULT's version-tag bit, BASETYPE, HAVE_GC
_VECTORCALL, _TP_FLAGS = 1 << 11, 168  # HAVE_VECTORCALL; where a type has its flags
_TP_CALL, _TP_GETATTRO = 128, 144  # and where these slots
METH_FASTCALL, METH_KEYWORDS, METH_NOARGS, METH_O = 0x80, 0x02, 0x04, 0x08
_T_OBJECT, _T_UINT, _T_PYSSIZET, _READONLY = 6, 11, 19, 1
BACKWARD = """backward($self, /, gradient=None, retain_graph=None, create_graph=False, inputs=None)
--

Accumulate gradients into the leaves this tensor depends on (`torch.Tensor.backward`).

>>> import tapegrad
>>> x = tapegrad.tensor(3.0, requires_grad=True)
>>> (x * x).backward(); x.grad
tensor(6.)

`gradient` is needed unless the tensor has one element. Raises RuntimeError for a tensor without history, for a second
backward through what the first one freed, and for operands modified in place since.
"""


def function(name: str, address: int, flags: int, doc: str = "", of: Any = None) -> Any:
    """A built-in function; `of`, if any, is what its code gets as `self`."""
    definition = _defined(name, address, flags, doc, of)
    new = ctypes.pythonapi.PyCFunction_NewEx
    bound = ctypes.c_void_p if of is None else ctypes.py_object
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, bound, ctypes.c_void_p]
    return new(ctypes.addressof(definition), of, None)


def method(kind: type, name: str, address: int, flags: int, doc: str = "") -> Any:
    """A method of a class."""
    definition = _defined(name, address, flags, doc)
    new = ctypes.pythonapi.PyDescr_NewMethod
    new.restype, new.argtypes = ctypes.py_object, [ctypes.py_object, ctypes.c_void_p]
    return new(kind, ctypes.addressof(definition))


def _defined(name: str, address: int, flags: int, doc: str, *held: Any) -> _MethodDef:
    definition = _MethodDef(name.encode(), address, flags, doc.encode() or None)
    jit.keep(definition, *held)
    return definition


def _type_from(spec: _Spec) -> type:
    make = ctypes.pythonapi.PyType_FromSpec
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p]
    return make(ctypes.addressof(spec))


def make_node_type(symbols: dict[str, int]) -> type:
    """What stands for a row while the collector looks (see `native.gc_cycles`)."""
    table = (_Slot * 4)(*(_Slot(_SLOT[f"tp_{s}"], symbols[f"tapegrad_node_{s}"])
                          for s in ("traverse", "clear", "dealloc")), _Slot(0, None))
    spec = _Spec(b"tapegrad.Row", rec.NODE.itemsize, 0, _DEFAULT | _COLLECTED, ctypes.addressof(table))
    jit.keep(table, spec)
    return _type_from(spec)


def make_compiled_type(symbols: dict[str, int]) -> type:
    """What a compiled function's class is made of: calls are native."""
    at = {name: rec.COMPILED_FUNCTION.fields[name][1] for name in rec.COMPILED_FUNCTION.names}  # type: ignore
    members = (_Member * 2)(_Member(b"__vectorcalloffset__", _T_PYSSIZET, at["vectorcall"], _READONLY, None),
                            _Member(None, 0, 0, 0, None))
    table = (_Slot * 3)(_Slot(_SLOT["tp_call"], symbols["tapegrad_call_compiled"]),
                        _Slot(_SLOT["tp_members"], ctypes.addressof(members)), _Slot(0, None))
    spec = _Spec(b"tapegrad.CompiledBase", at["ways"], 0, _DEFAULT | _BASE | _VECTORCALL, ctypes.addressof(table))
    jit.keep(members, table, spec)
    return _type_from(spec)


def call_by_vector(kind: type) -> None:
    """Let a class be called as its base is, which it inherits only from CPython 3.12 on."""
    flags = ctypes.c_ulong.from_address(id(kind) + _TP_FLAGS)
    flags.value |= _VECTORCALL


class ModuleSlots:
    """A class of modules, and what those inherit from it that have its own ways: native attributes and calls."""

    kind: type
    attribute: int
    call: int

    def __init__(self, kind: type, attribute: int, call: int) -> None:
        self.kind, self.attribute, self.call = kind, attribute, call
        self.usual: tuple[int, int] = (_slot_at(kind, _TP_GETATTRO).value or 0, _slot_at(kind, _TP_CALL).value or 0)
        self.fill(kind)

    def fill(self, kind: Any) -> None:
        """Let a class be read and called natively, as far as it does so in the way of the first.

        CPython sets these slots anew, for a class and those below it, where somebody writes `__getattr__`,
        `__getattribute__` or `__call__` into one.
        """
        ours: Any = self.kind
        if kind.__getattr__ is ours.__getattr__ and kind.__getattribute__ is object.__getattribute__:
            _slot_at(kind, _TP_GETATTRO).value = self.attribute
        if kind.__call__ is ours.__call__:
            _slot_at(kind, _TP_CALL).value = self.call


def _slot_at(kind: type, offset: int) -> ctypes.c_void_p:
    return ctypes.c_void_p.from_address(id(kind) + offset)


def make_tensor_type(symbols: dict[str, int], operations: Sequence[Slots]) -> type:
    """`TensorBase`: fields as in `records.TENSOR`, slots and methods from the trampolines."""
    at = {name: rec.TENSOR.fields[name][1] for name in rec.TENSOR.names or ()}  # type: ignore[index]
    members = (_Member * 6)(
        _Member(b"__dictoffset__", _T_PYSSIZET, at["dict"], _READONLY, None),
        _Member(b"__weaklistoffset__", _T_PYSSIZET, at["weakrefs"], _READONLY, None),
        _Member(b"_buffer", _T_UINT, at["buffer"], _READONLY, None),
        _Member(b"_layout", _T_UINT, at["layout"], _READONLY, None),
        _Member(b"_base", _T_OBJECT, at["base"], _READONLY, b"The tensor this one is a view of, or None."),
        _Member(None, 0, 0, 0, None),
    )
    getset = (_GetSet * 5)(
        _GetSet(b"grad", symbols["tapegrad_get_grad"], symbols["tapegrad_set_grad"],
                b"What `backward` gathered here (`torch.Tensor.grad`).", None),
        _GetSet(b"is_leaf", symbols["tapegrad_get_is_leaf"], None, b"Whether no recorded operation made it.", None),
        _GetSet(b"requires_grad", symbols["tapegrad_get_requires_grad"], symbols["tapegrad_set_requires_grad"],
                b"Whether operations on it are recorded (`torch.Tensor.requires_grad`).", None),
        _GetSet(b"__dict__", symbols["tapegrad_get_dict"], _SET_DICT, None, None),
        _GetSet(None, None, None, None, None),
    )
    listed = [(m, o) for o in operations for m in o.methods]
    methods = (_MethodDef * (len(listed) + 2))(*(
        _MethodDef(m.encode(), symbols[f"method_{o.opcode}"], METH_FASTCALL | METH_KEYWORDS,
                   TEXTS.get(f"Tensor.{m}", "").encode() or None)
        for m, o in listed
    ), _MethodDef(b"backward", symbols["tapegrad_backward_method"], METH_FASTCALL | METH_KEYWORDS, BACKWARD.encode()))
    slots = [
        (_SLOT["tp_dealloc"], symbols["tapegrad_dealloc"]), (_SLOT["tp_traverse"], symbols["tapegrad_traverse"]),
        (_SLOT["tp_clear"], symbols["tapegrad_clear"]), (_SLOT["tp_hash"], symbols["tapegrad_hash_of"]),
        (_SLOT["tp_setattro"], symbols["tapegrad_setattro"]),
        (_SLOT["tp_members"], ctypes.addressof(members)), (_SLOT["tp_getset"], ctypes.addressof(getset)),
        (_SLOT["tp_methods"], ctypes.addressof(methods)),
    ]
    operators = [s for o in operations for s in o.operators if s not in COMPARISONS]
    slots += [(_SLOT[s], symbols[s]) for s in operators]
    if "tp_richcompare" in symbols:
        slots.append((_SLOT["tp_richcompare"], symbols["tp_richcompare"]))
    table = (_Slot * (len(slots) + 1))(*(_Slot(*s) for s in slots))
    spec = _Spec(b"tapegrad.TensorBase", rec.TENSOR.itemsize, 0, _DEFAULT | _BASE | _COLLECTED,
                 ctypes.addressof(table))
    jit.keep(members, getset, methods, table, spec)
    return _type_from(spec)
