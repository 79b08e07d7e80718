"""The machine, running: its memory, its native functions, and the native tensor type.

`start` maps the tables, loads the machine's object code (from the disk cache, or built by numba on the first run ever),
emits one trampoline an operation, and makes `TensorBase`, a CPython type whose operators are those trampolines.

The tables never move. Their address space is reserved once and pages are touched as a table grows, so that a sweep
without the GIL reads on while another thread records.
"""
from __future__ import annotations

import ctypes
import gc
import itertools
import mmap
import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.llvm import jit
from tapegrad.machine.startup import object_code

MAX_ROWS = 1 << 28
_OF_MACHINE: tuple[np.dtype[Any], ...] = (rec.INSTRUCTION, rec.BUFFER, np.dtype("u4"), np.dtype("u4"))
_OF_WORKSPACE = tuple(map(np.dtype, ("u8", "u1", "u4", "u4", "u4")))
MAX_PLANS = 1 << 20
MAX_LAYOUTS = 1 << 22
MAX_THREADS = 1 << 26  # from the first to the last that lives
MIN_ROWS = 1 << 16
LONGEST_ENTRY = 1 << 16  # of one instruction in the pool
TABLE_SLOTS = 1 << 21
RECIPE_SLOTS = 1 << 18
RECALLED, MAX_RECALLED = 4096, 512  # methods with recipes: where their Python functions are in the table, and how many
_MAP_NORESERVE = 0x4000 if sys.platform.startswith("linux") else 0
_reserved: list[Any] = []
_GENERATION = "generation"


def _map(nbytes: int) -> mmap.mmap:
    return mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE)


def reserve(dtype: np.dtype[Any] | str, count: int) -> np.ndarray[Any, Any]:
    """A zeroed array of which only the pages that are written take memory."""
    dtype = np.dtype(dtype)
    try:
        block = _map(dtype.itemsize * count)
    except OSError:
        raise MemoryError(f"no address space for {dtype.itemsize * count} bytes") from None
    _reserved.append(block)
    return np.frombuffer(block, dtype, count)


def reserve_tables(rows: int, dtypes: Sequence[np.dtype[Any]]) -> list[np.ndarray[Any, Any]]:
    return [reserve(dtype, rows) for dtype in dtypes]


def _rows_that_fit() -> int:
    """How many rows the tables get, at most a quarter of the address space there is: values and kernels need some, too.

    Under strict overcommit, or a limit such as batch systems set, a smaller tape is better than none.
    """
    rows, each = MAX_ROWS, sum(dtype.itemsize for dtype in (*_OF_MACHINE, *_OF_WORKSPACE))
    while rows > MIN_ROWS:
        try:
            _map(4 * rows * each).close()
            break
        except OSError:
            rows //= 2
    return rows


def address_of(array: np.ndarray[Any, Any]) -> int:
    return int(array.__array_interface__["data"][0])


class Slots(NamedTuple):
    """What an operation's trampolines are called with: its opcode, method name, and operator slots."""

    opcode: int
    name: str
    methods: Sequence[str]
    operators: Sequence[str]
    doc: str
    inplace: bool = False


# Slot numbers of CPython's stable ABI (typeslots.h).
_SLOT = {
    "nb_absolute": 6, "nb_add": 7, "nb_and": 8, "nb_floor_divide": 12, "nb_inplace_add": 14, "nb_inplace_and": 15,
    "nb_inplace_floor_divide": 16, "nb_inplace_multiply": 18, "nb_inplace_or": 19, "nb_inplace_power": 20,
    "nb_inplace_remainder": 21, "nb_inplace_subtract": 23, "nb_inplace_true_divide": 24, "nb_inplace_xor": 25,
    "nb_invert": 27, "nb_multiply": 29, "nb_negative": 30, "nb_or": 31, "nb_power": 33, "nb_remainder": 34,
    "nb_subtract": 36, "nb_true_divide": 37, "nb_xor": 38, "nb_matrix_multiply": 75, "nb_lshift": 28, "nb_rshift": 35,
    "nb_inplace_lshift": 17, "nb_inplace_rshift": 22,
    "tp_clear": 51, "tp_dealloc": 52, "tp_hash": 59, "tp_methods": 64, "tp_richcompare": 67,
    "tp_setattro": 69, "tp_traverse": 71, "tp_members": 72, "tp_getset": 73,
}
_COMPARISONS = ("lt", "le", "eq", "ne", "gt", "ge")  # in the order of Py_LT … Py_GE
_ENTRY_POINTS = (
    "run_plan", "run_inplace", "make_view", "record_plan", "adopt", "tensor_of", "rebind", "wrapped", "fresh_row",
    "adopt_block", "put_grad", "record_view", "fill_from", "replay", "launch", "settle_on_row", "pin", "unpin",
    "attach_to", "collecting", "update",
)
_ENTRY_POINTS_ONE = ("empty", "unwrap", "set_recording", "is_recording", "disown", "steal", "item", "freshen",
                     "borrowed", "part", "count_kept", "attached_to")
_C_ONLY = {
    "allocate": "u(uu)", "release": "i(uuu)", "reclaim": "u()", "mark": "u(uuuu)", "narrow": "i(uuu)", "check": "u(u)",
    "check_again": "u(uu)", "last_uses": "u(uu)",
    "replay_unlocked": "u(uu)", "finish": "i(uu)", "take_gradient": "u(uI)", "settle": "u(u)",
    "replay_forward": "u(uuu)",
    "end_at": "i(uuu)", "stop_below": "i(uuu)", "let_reuse": "i(uu)", "carry_out": "i(uu)", "unit_seed": "u(uI)",
}
_LLVM = {"u": "i64", "i": "i32", "I": "i32"}


def _boxed(name: str, kind: str) -> str:
    """A METH_FASTCALL function of integers around a native one: ints in, an int out."""
    result, arguments = kind[0], kind[2:-1]
    lines = [f"define internal ptr @box_{name}(ptr %self, ptr %args, i64 %n) nounwind {{"]
    passed = []
    for i, a in enumerate(arguments):
        lines += [
            f"  %p{i} = getelementptr ptr, ptr %args, i64 {i}",
            f"  %o{i} = load ptr, ptr %p{i}",
            f"  %l{i} = call i64 @PyLong_AsUnsignedLongLong(ptr %o{i})",
        ]
        if _LLVM[a] == "i32":
            lines.append(f"  %t{i} = trunc i64 %l{i} to i32")
            passed.append(f"i32 %t{i}")
        else:
            passed.append(f"i64 %l{i}")
    lines.append(f"  %r = call {_LLVM[result]} @tapegrad_{name}({', '.join(passed)})")
    if _LLVM[result] == "i32":
        lines.append("  %w = zext i32 %r to i64")
    value = "%w" if _LLVM[result] == "i32" else "%r"
    lines += [f"  %b = call ptr @PyLong_FromUnsignedLongLong(i64 {value})", "  ret ptr %b", "}"]
    declared = ", ".join(_LLVM[a] for a in arguments)
    return f"declare {_LLVM[result]} @tapegrad_{name}({declared})\n" + "\n".join(lines) + "\n"


_PREAMBLE = """
declare i64 @PyLong_AsUnsignedLongLong(ptr)
declare ptr @PyLong_FromUnsignedLongLong(i64)
declare i64 @tapegrad_invoke(i32, i64, i64, i64)
declare i64 @tapegrad_invoke_method(i32, i64, i64, i64, i64)
declare i64 @tapegrad_invoke_inplace(i32, i64, i64, i64)
declare i64 @tapegrad_invoke_inplace_method(i32, i64, i64, i64, i64)
declare i64 @tapegrad_recall_method(i64, i64, i64, i64, i64)
declare i64 @tapegrad_operator(i32, i64, i64)
declare i64 @tapegrad_unary_operator(i32, i64)
declare i64 @tapegrad_inplace(i32, i64, i64)
declare void @Py_IncRef(ptr)
@_Py_NoneStruct = external global i8
@_Py_NotImplementedStruct = external global i8
"""
# pow() hands over a third operand, None unless there is one.
_POWER = """define internal i64 @nb_power(i64 %a, i64 %b, i64 %mod) nounwind {{
  %none = ptrtoint ptr @_Py_NoneStruct to i64
  %plain = icmp eq i64 %mod, %none
  br i1 %plain, label %power, label %refuse
power:
  %r = tail call i64 @tapegrad_operator(i32 {opcode}, i64 %a, i64 %b)
  ret i64 %r
refuse:
  call void @Py_IncRef(ptr @_Py_NotImplementedStruct)
  %no = ptrtoint ptr @_Py_NotImplementedStruct to i64
  ret i64 %no
}}
"""


def _trampolines(operations: Sequence[Slots]) -> tuple[str, list[str]]:
    """The functions CPython calls, an opcode each; they differ in nothing but that number."""
    out = [_PREAMBLE]
    names = []
    compare: dict[str, int] = {}

    def define(name: str, signature: str, body: str) -> None:
        out.append(f"define internal i64 @{name}({signature}) nounwind {{\n"
                   f"  %r = tail call i64 {body}\n  ret i64 %r\n}}\n")
        names.append(name)

    for o in operations:
        invoke = "invoke_inplace" if o.inplace else "invoke"
        define(f"function_{o.opcode}", "i64 %m, i64 %args, i64 %n, i64 %kw",
               f"@tapegrad_{invoke}(i32 {o.opcode}, i64 %args, i64 %n, i64 %kw)")
        if o.methods:
            define(f"method_{o.opcode}", "i64 %self, i64 %args, i64 %n, i64 %kw",
                   f"@tapegrad_{invoke}_method(i32 {o.opcode}, i64 %self, i64 %args, i64 %n, i64 %kw)")
        for slot in o.operators:
            if slot in _COMPARISONS:
                compare[slot] = o.opcode
            elif slot.startswith("nb_inplace"):
                extra = ", i64 %mod" if slot == "nb_inplace_power" else ""
                define(slot, f"i64 %a, i64 %b{extra}", f"@tapegrad_inplace(i32 {o.opcode}, i64 %a, i64 %b)")
            elif slot in ("nb_absolute", "nb_invert", "nb_negative"):
                define(slot, "i64 %a", f"@tapegrad_unary_operator(i32 {o.opcode}, i64 %a)")
            elif slot == "nb_power":
                out.append(_POWER.format(opcode=o.opcode))
                names.append(slot)
            else:
                define(slot, "i64 %a, i64 %b", f"@tapegrad_operator(i32 {o.opcode}, i64 %a, i64 %b)")
    if compare:
        codes = ", ".join(f"i32 {compare[c]}" for c in _COMPARISONS)
        out.append(f"@comparisons = internal constant [6 x i32] [{codes}]\n")
        out.append("define internal i64 @tp_richcompare(i64 %a, i64 %b, i32 %op) nounwind {\n"
                   "  %p = getelementptr [6 x i32], ptr @comparisons, i32 0, i32 %op\n"
                   "  %code = load i32, ptr %p\n"
                   "  %r = tail call i64 @tapegrad_operator(i32 %code, i64 %a, i64 %b)\n  ret i64 %r\n}\n")
        names.append("tp_richcompare")
    for k in range(MAX_RECALLED):
        define(f"recalled_{k}", "i64 %self, i64 %args, i64 %n, i64 %kw",
               f"@tapegrad_recall_method(i64 {RECALLED + k}, i64 %self, i64 %args, i64 %n, i64 %kw)")
    for name, kind in _C_ONLY.items():
        out.append(_boxed(name, kind))
        names.append(f"box_{name}")
    # One table, for a symbol takes as long to look up as all its entries to read.
    out.append(f"@trampolines = constant [{len(names)} x ptr] [{', '.join(f'ptr @{name}' for name in names)}]\n")
    return "".join(out), names


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


_DEFAULT, _BASE, _COLLECTED = 1 << 18, 1 << 10, 1 << 14  # Py_TPFLAGS_DEFAULT's version-tag bit, BASETYPE, HAVE_GC
_METH_FASTCALL, _METH_KEYWORDS, _METH_O = 0x80, 0x02, 0x08
_T_OBJECT, _T_UINT, _T_PYSSIZET, _READONLY = 6, 11, 19, 1
BACKWARD = """backward(gradient=None, retain_graph=None, create_graph=False, inputs=None)

Accumulate gradients into the leaves this tensor depends on (`torch.Tensor.backward`).

>>> import tapegrad
>>> x = tapegrad.tensor(3.0, requires_grad=True)
>>> (x * x).backward(); x.grad
tensor(6.)

`gradient` is needed unless the tensor has one element. Raises RuntimeError for a tensor without history, for a second
backward through what the first one freed, and for operands modified in place since.
"""
_kept: list[Any] = []  # C structures CPython points into for good


def _function(name: str, address: int, flags: int, doc: str = "") -> Any:
    definition = _MethodDef(name.encode(), address, flags, doc.encode() or None)
    _kept.append(definition)
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    return new(ctypes.addressof(definition), None, None)


def _type_from(spec: _Spec) -> type:
    make = ctypes.pythonapi.PyType_FromSpec
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p]
    return make(ctypes.addressof(spec))


def _make_node_type(symbols: dict[str, int]) -> type:
    """What stands for a row while the collector looks (see `native.gc_cycles`)."""
    table = (_Slot * 4)(*(_Slot(_SLOT[f"tp_{s}"], symbols[f"tapegrad_node_{s}"])
                          for s in ("traverse", "clear", "dealloc")), _Slot(0, None))
    spec = _Spec(b"tapegrad.Row", rec.NODE.itemsize, 0, _DEFAULT | _COLLECTED, ctypes.addressof(table))
    _kept.extend([table, spec])
    return _type_from(spec)


def _make_type(symbols: dict[str, int], operations: Sequence[Slots]) -> type:
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
        _GetSet(b"__dict__", symbols["tapegrad_get_dict"], None, None, None),
        _GetSet(None, None, None, None, None),
    )
    listed = [(m, o) for o in operations for m in o.methods]
    methods = (_MethodDef * (len(listed) + 2))(*(
        _MethodDef(m.encode(), symbols[f"method_{o.opcode}"], _METH_FASTCALL | _METH_KEYWORDS, o.doc.encode() or None)
        for m, o in listed
    ), _MethodDef(b"backward", symbols["tapegrad_backward_method"], _METH_FASTCALL | _METH_KEYWORDS, BACKWARD.encode()))
    slots = [
        (_SLOT["tp_dealloc"], symbols["tapegrad_dealloc"]), (_SLOT["tp_traverse"], symbols["tapegrad_traverse"]),
        (_SLOT["tp_clear"], symbols["tapegrad_clear"]), (_SLOT["tp_hash"], symbols["tapegrad_hash_of"]),
        (_SLOT["tp_setattro"], symbols["tapegrad_setattro"]),
        (_SLOT["tp_members"], ctypes.addressof(members)), (_SLOT["tp_getset"], ctypes.addressof(getset)),
        (_SLOT["tp_methods"], ctypes.addressof(methods)),
    ]
    operators = [s for o in operations for s in o.operators if s not in _COMPARISONS]
    slots += [(_SLOT[s], symbols[s]) for s in operators]
    if "tp_richcompare" in symbols:
        slots.append((_SLOT["tp_richcompare"], symbols["tp_richcompare"]))
    table = (_Slot * (len(slots) + 1))(*(_Slot(*s) for s in slots))
    spec = _Spec(b"tapegrad.TensorBase", rec.TENSOR.itemsize, 0, _DEFAULT | _BASE | _COLLECTED,
                 ctypes.addressof(table))
    _kept.extend([members, getset, methods, table, spec])
    return _type_from(spec)


class Machine:
    """The running machine: NumPy views of its tables, and its native functions as Python callables.

    `instructions`, `buffers`, `plans`, `layouts`, `pool` are the tables of `records`; `state` is its MACHINE record.
    """

    instructions: np.ndarray[Any, Any]
    buffers: np.ndarray[Any, Any]
    plans: np.ndarray[Any, Any]
    layouts: np.ndarray[Any, Any]
    pool: np.ndarray[Any, Any]
    table: np.ndarray[Any, Any]
    state: Any
    call: Any
    TensorBase: Any
    tensor_type: Any  # the facade's class, once there is one
    functions: dict[int, Any]

    def __init__(self, operations: Sequence[Slots]) -> None:
        self.lock = jit.BUILDING
        text, trampolines = _trampolines(operations)
        objects, code = object_code.found(text)
        natives = [f"tapegrad_{n}" for n in (
            *_ENTRY_POINTS, *_ENTRY_POINTS_ONE, *_C_ONLY, "dealloc", "traverse", "clear", "setattro", "get_grad",
            "set_grad", "set_requires_grad", "backward_method", "get_is_leaf", "get_requires_grad", "get_dict",
            "hash_of", "node_traverse", "node_clear", "node_dealloc", "new_object", "invoke", "invoke_method",
            "invoke_inplace", "invoke_inplace_method",
            "operator", "unary_operator", "inplace", "worker", "piece", "block", "recall", "recall_method",
        )]
        symbols = jit.load_object("machine", objects, [*natives, "tapegrad_machine"], imports=())
        for name in natives:
            jit.define_symbol(name, symbols[name])
        table = jit.load_object("trampolines", code, ["trampolines"], imports=natives)["trampolines"]
        symbols.update(zip(trampolines, self.memory(table, "u8", len(trampolines)).tolist()))
        self._map_memory(symbols["tapegrad_machine"])
        self.symbols = symbols
        self.TensorBase = _make_type(symbols, operations)
        self.state["base_type"] = id(self.TensorBase)
        self._node_type = _make_node_type(symbols)
        self.state["node_type"] = id(self._node_type)
        for name in ("worker", "piece", "block"):
            self.state[name] = symbols[f"tapegrad_{name}"]

        class Calls:
            pass

        self.call = Calls()
        for name in _ENTRY_POINTS:
            setattr(self.call, name, _function(name, symbols[f"tapegrad_{name}"], _METH_FASTCALL))
        for name in _ENTRY_POINTS_ONE:
            setattr(self.call, name, _function(name, symbols[f"tapegrad_{name}"], _METH_O))
        for name in _C_ONLY:
            setattr(self.call, name, _function(name, symbols[f"box_{name}"], _METH_FASTCALL))
        self.functions = {
            o.opcode: _function(o.name, symbols[f"function_{o.opcode}"], _METH_FASTCALL | _METH_KEYWORDS, o.doc)
            for o in operations
        }
        self.pinned = _Pinning(self.call)
        gc.callbacks.append(self.call.collecting)
        self.workspaces: dict[int, Workspace] = {}  # all there are, by address
        self._idle: list[Workspace] = []
        self._lends = True
        self._nests: dict[tuple[int, ...], np.ndarray[Any, Any]] = {}
        self.give_back(self.workspace())
        self.keepers: dict[int, Any] = {}  # foreign memory's owners, by row
        self._release_external = self.keepers.pop
        self.state["release_external"] = id(self._release_external)

    def _map_memory(self, address: int) -> None:
        raw: Any = (ctypes.c_char * rec.MACHINE.itemsize).from_address(address)
        self.state = state = np.frombuffer(raw, rec.MACHINE, 1)
        self._rows = rows = _rows_that_fit()
        self.instructions, self.buffers, self.pool, self.places = reserve_tables(rows, _OF_MACHINE)
        self.plans = reserve(rec.PLAN, MAX_PLANS)
        self.layouts = reserve(rec.LAYOUT, MAX_LAYOUTS)
        self.table = reserve("u8", 2 * TABLE_SLOTS)
        self.arena = np.zeros(rec.ARENA_WORDS, "u8")
        self.aside = reserve("u8", 2 * rec.MAX_ASIDE)
        self.recipes = reserve("u8", 2 * RECIPE_SLOTS)
        self.n_recipes = self.n_methods = 0
        self.functions_table = np.zeros(RECALLED + MAX_RECALLED, "u8")
        self.literals = np.zeros(len(rec.LITERALS), "u4")
        self._graveyard: list[Any] = []
        for name in ("instructions", "buffers", "plans", "layouts", "pool", "places", "table", "arena", "aside",
                     "literals", "recipes"):
            state[name] = address_of(getattr(self, name))
        state["functions"] = address_of(self.functions_table)
        state["n_buffers"] = 1  # row 0 means "none"
        state["max_instructions"], state["max_buffers"] = len(self.instructions), len(self.buffers)
        state["recipe_mask"] = RECIPE_SLOTS - 1
        state["max_pool"] = len(self.pool) - min(LONGEST_ENTRY, len(self.pool) // 2)
        state["table_mask"] = TABLE_SLOTS - 1
        state["sweep_at"], state["sweep_bytes"] = 8192, 64 << 20
        state["attach_at"], state["large_at"] = 64, 64 << 20
        state["graveyard"], state["generation"] = id(self._graveyard), id(_GENERATION)
        self.new_team()
        self.unrecorded = reserve("u1", MAX_THREADS)
        state["unrecorded"], state["unrecorded_mask"] = address_of(self.unrecorded), MAX_THREADS - 1

    def survive_forks(self) -> None:
        """See to it that a forked child, which has one thread of its parent's, waits for none of the others."""
        os.register_at_fork(before=self.lock.acquire, after_in_parent=self.lock.release,
                            after_in_child=self._go_on_alone)

    def _go_on_alone(self) -> None:
        """What other threads were about is left as it is: their sweeps' scratch, half-written, is not used again."""
        self.new_team()
        state, me = self.state, threading.get_ident()
        for name in ("replays", "pins", "halt", "lock"):
            state[name] = 0
        if state["trace_thread"][0] != me:
            state["trace"] = state["postponing"] = 0
        for workspace in self.workspaces.values():
            if workspace.record["thread"][0] != me:
                workspace.record["active"] = 0
        self.lock.release()

    def new_team(self) -> None:
        """A team without threads yet: at the start, and in a forked child."""
        block = np.zeros(rec.TEAM.itemsize + 64, "u1")
        _kept.append(block)
        self.state["team"] = -(-address_of(block) // 64) * 64

    @staticmethod
    def memory(address: int, dtype: np.dtype[Any] | str, count: int) -> np.ndarray[Any, Any]:
        """An array over native memory; the caller sees to it that the memory outlives it."""
        raw: Any = (ctypes.c_char * max(np.dtype(dtype).itemsize * count, 1)).from_address(address)
        return np.frombuffer(raw, dtype, count)

    def keep_nest(self, words: Sequence[int]) -> int:
        """The address of a loop nest that stays for good, one for equal words."""
        found = self._nests.get(tuple(words))
        if found is None:
            found = self._nests[tuple(words)] = np.array(words, "i8")
        return address_of(found)

    def literal_values(self, row: int) -> np.ndarray[Any, Any]:
        return self.memory(int(self.buffers[row]["address"]), "i8", 1)

    def set_function(self, opcode: int, function: Callable[..., Any]) -> None:
        """The Python function an operation's calls fall back on; at `opcode + OPERATORS` that of its operator."""
        _kept.append(function)
        self.functions_table[opcode] = id(function)

    def set_hook(self, name: str, function: Callable[..., Any]) -> None:
        _kept.append(function)
        self.state[name] = id(function)

    def insert_plan(self, opcode: int, layouts: Sequence[int], plan: int) -> bool:
        """Teach the native way in which plan an operation on these layouts has; False where there is no room for it."""
        if len(layouts) > 3 or max(layouts) >= 1 << 18:
            return False
        key = opcode << 54 | int(self.state["default_dtype"][0]) << 63
        for j, layout in enumerate(layouts):
            key |= layout << (36 - 18 * j)
        slot = ((key * 0x9E3779B97F4A7C15 & (1 << 64) - 1) >> 20) & (TABLE_SLOTS - 1)
        table = self.table
        with jit.BUILDING:
            for probe in itertools.count(slot):
                at = 2 * (probe & (TABLE_SLOTS - 1))
                if table[at] in (0, key):
                    table[at + 1], table[at] = plan, key  # the key last: it makes the entry seen
                    return True
        return False

    def insert_recipe(self, key: np.ndarray[Any, Any], recipe: int) -> None:
        """Leave the address of a recipe where native code finds it by its key."""
        h = len(key)
        for word in key.tolist():
            h = (h ^ word) * 0x9E3779B97F4A7C15 & (1 << 64) - 1
            h ^= h >> 29
        h |= 1
        table = self.recipes
        with jit.BUILDING:
            if self.n_recipes >= RECIPE_SLOTS // 2:
                return
            self.n_recipes += 1
            for probe in itertools.count(h >> 16):
                at = 2 * (probe & (RECIPE_SLOTS - 1))
                if table[at] == 0:
                    table[at + 1], table[at] = recipe, h
                    return

    def remembered(self, name: str, function: Callable[..., Any]) -> Any:
        """A built-in function that calls a Python one, or does without it what that did for like arguments."""
        definition = _MethodDef(name.encode(), self.symbols["tapegrad_recall"],
                                _METH_FASTCALL | _METH_KEYWORDS, (function.__doc__ or "").encode() or None)
        _kept.extend([definition, function])
        new = ctypes.pythonapi.PyCFunction_NewEx
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
        return new(ctypes.addressof(definition), function, None)

    def remembered_method(self, name: str, function: Callable[..., Any], kind: type) -> Any:
        """The same as a method of a class."""
        number = self.n_methods
        self.n_methods += 1
        self.functions_table[RECALLED + number] = id(function)
        definition = _MethodDef(name.encode(), self.symbols[f"recalled_{number}"],
                                _METH_FASTCALL | _METH_KEYWORDS, (function.__doc__ or "").encode() or None)
        _kept.extend([definition, function])
        new = ctypes.pythonapi.PyDescr_NewMethod
        new.restype, new.argtypes = ctypes.py_object, [ctypes.py_object, ctypes.c_void_p]
        return new(kind, ctypes.addressof(definition))

    def workspace(self) -> Workspace:
        """A sweep's scratch, from the pool or new; hand it back with `give_back`."""
        with self.lock:
            if self._idle:
                return self._idle.pop()
            new = Workspace(self._rows)
            new.record["next"] = self.state["workspaces"]
            self.state["workspaces"] = new.address
            self.workspaces[new.address] = new
            return new

    def withdraw(self) -> None:
        """Take back the workspace that native code has at hand, so that it leaves every backward to Python."""
        with self.lock:
            self._lends = False
            if self.state["workspace"][0]:
                self._idle.append(self.workspaces[int(self.state["workspace"][0])])
                self.state["workspace"] = 0

    def lend(self) -> None:
        """Let native code have one again."""
        self._lends = True
        self.give_back(self.workspace())

    def keep_as_written(self, step: int) -> None:
        """One reason more, or (-1) less, for calls of compiled functions to ask Python."""
        with self.lock:
            self.state["as_written"] = int(self.state["as_written"][0]) + step

    def give_back(self, workspace: Workspace) -> None:
        """Return a workspace; one is kept at hand for native code, which takes it for a backward without arguments."""
        with self.lock:
            if self._lends and not self.state["workspace"][0]:
                self.state["workspace"] = workspace.address
            else:
                self._idle.append(workspace)


class _Pinning:
    """For one who records several instructions: those before are not reclaimed while rows have no tensor yet.

    `with` calls native functions alone, between which and the block no interrupt can come.
    """

    def __init__(self, call: Any) -> None:
        self._block = type("pinned", (), {"__enter__": call.pin, "__exit__": call.unpin})()

    def __call__(self) -> Any:
        return self._block


class Workspace:
    """One reverse sweep's scratch memory; see `records.WORKSPACE`."""

    def __init__(self, rows: int) -> None:
        self.adjoints, self.marks, self.reached, self.leaves, self.asked = reserve_tables(rows, _OF_WORKSPACE)
        self.arena = np.zeros(rec.ARENA_WORDS, "u8")
        self.record = np.zeros(1, rec.WORKSPACE)
        self.pending: dict[int, list[Any]] = {}  # gradients of a custom function's outputs, by the row of its node
        self.callbacks: list[Any] = []  # the custom functions that ran
        self.number = 0  # of the sweep
        self.captured: dict[int, Any] = {}  # gradients asked for, by row, as they were before hooks
        self.narrowed = False  # to the ways to some inputs
        for name in ("adjoints", "marks", "reached", "leaves", "arena"):
            self.record[name] = address_of(getattr(self, name))
        # An address takes NumPy 2 us to tell, a tenth of a small sweep.
        self.address, self.arena_at, self._asked_at = map(address_of, (self.record, self.arena, self.asked))

    def ask(self, roots: Sequence[int], ends: Sequence[int]) -> tuple[int, int]:
        """Leave the rows that a sweep goes from and to where native code reads them: the two addresses."""
        self.asked[:len(roots) + len(ends)] = [*roots, *ends]
        return self._asked_at, self._asked_at + 4 * len(roots)
