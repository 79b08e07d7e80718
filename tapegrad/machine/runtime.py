"""The machine, running: its tables, and its native functions.

It loads its object code and one trampoline an operation, maps the tables, and makes `TensorBase`, a CPython type whose
operators are those trampolines. The tables never move: their address space is reserved once and pages are touched as a
table grows, so that a sweep without the GIL reads on while another thread records.
"""
from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from tapegrad import dtypes
from tapegrad.machine import records as rec
from tapegrad.machine.llvm import jit
from tapegrad.machine.startup import (
    MAX_LAYOUTS,
    MAX_PLANS,
    METH_FASTCALL,
    METH_KEYWORDS,
    METH_NOARGS,
    METH_O,
    Slots,
    address_of,
    bytes_from,
    frames,
    map_pages,
    object_code,
    python_objects,
    reserve,
    reserve_tables,
    trampolines,
)

try:
    from numpy._core._multiarray_umath import _ARRAY_API
except ImportError:  # before NumPy 2
    from numpy.core._multiarray_umath import _ARRAY_API  # type: ignore[no-redef]

MAX_ROWS = 1 << 28
_OF_MACHINE = (rec.INSTRUCTION, rec.BUFFER, *map(np.dtype, ("u4", "u4", "u8")))
_OF_WORKSPACE = tuple(map(np.dtype, ("u8", "u1", "u4", "u4", "u4")))
MAX_THREADS = 1 << 26  # from the first to the last that lives
MIN_ROWS = 1 << 16
LONGEST_ENTRY = 1 << 16  # of one instruction in the pool
TABLE_SLOTS = 1 << 21
RECIPE_SLOTS = 1 << 18
_GENERATION, _COLLECTED = "generation", "collected"  # what `gc.callbacks` are told
_ENTRY_POINTS = (
    "run_plan", "run_inplace", "make_view", "record_plan", "adopt", "tensor_of", "rebind", "wrapped", "fresh_row",
    "adopt_block", "put_grad", "record_view", "fill_from", "replay", "launch", "settle_on_row", "pin", "unpin",
    "attach_to", "attach_node", "record_call", "collecting", "update", "write_places", "write_classes", "filled",
    "replay_recorded", "gather_tensor", "gradients", "slope", "reaches_beyond", "kept_of", "accompany",
)
_ENTRY_POINTS_ONE = ("empty", "unwrap", "set_recording", "set_inference", "is_recording", "is_recording_wanted",
                     "is_inferring", "disown", "steal", "item", "freshen",
                     "leaf_on", "borrowed", "part", "count_kept", "attached_to", "let_go_node", "node_content",
                     "array_of", "content_of", "companion_of")


def refuse_others() -> None:
    """ImportError where native code would not find things as it takes them to be."""
    if sys.implementation.name != "cpython" or "t" in getattr(sys, "abiflags", ""):
        raise ImportError("tapegrad's tensors are objects of CPython with the GIL, which this Python is not")
    if sys.maxsize < 1 << 32 or sys.byteorder != "little":
        raise ImportError("tapegrad runs on little-endian systems of 64 bits")


def _rows_that_fit() -> int:
    """How many rows the tables get, at most a quarter of the address space there is: values and kernels need some, too.

    Under strict overcommit, or a limit such as batch systems set, a smaller tape is better than none.
    """
    rows, each = MAX_ROWS, sum(dtype.itemsize for dtype in (*_OF_MACHINE, *_OF_WORKSPACE))
    while rows > MIN_ROWS:
        try:
            map_pages(4 * rows * each).close()
            break
        except OSError:
            rows //= 2
    return rows


def _slot(table: np.ndarray[Any, Any], start: int, key: int = 0) -> int:
    """Where a table of pairs has this key, or room for it, from a place on."""
    mask = len(table) // 2 - 1
    while table[2 * (start & mask)] not in (0, key):
        start += 1
    return 2 * (start & mask)


def _numpys_functions() -> tuple[int, int, int]:
    """PyArray_Type, PyArray_NewFromDescr and PyArray_SetBaseObject, by their places in the table of NumPy's C API."""
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = (ctypes.c_size_t * 283).from_address(get(_ARRAY_API, None))
    return table[2], table[94], table[282]


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
    CompiledBase: Any
    tensor_type: Any  # the facade's class, once there is one
    functions: dict[int, Any]
    places: np.ndarray[Any, Any]
    moments: np.ndarray[Any, Any]
    n_recipes: int
    n_methods: int
    n_aliases: int
    descriptors: np.ndarray[Any, Any]

    def __init__(self, operations: Sequence[Slots]) -> None:
        refuse_others()
        jit.keep(self)
        last = max(o.opcode for o in operations)
        if last >= rec.PLAN_OF_COPIED:
            raise ImportError(f"{last} operations: the table of plans tells {rec.PLAN_OF_COPIED - 1} apart")
        self.lock: threading.RLock = jit.BUILDING
        text, names = trampolines.text_of(operations)
        objects, code = object_code.found(text)
        natives = [f"tapegrad_{n}" for n in (
            *_ENTRY_POINTS, *_ENTRY_POINTS_ONE, *trampolines.C_ONLY, "dealloc", "traverse", "clear", "setattro",
            "get_grad", "set_grad", "set_requires_grad", "backward_method", "get_is_leaf",
            "get_requires_grad", "get_dict", "hash_of", "node_traverse", "node_clear", "node_dealloc", "new_object",
            "invoke", "invoke_method", "invoke_inplace", "invoke_inplace_method", "invoke_alias",
            "invoke_alias_method",
            "operator", "unary_operator", "inplace", "worker", "piece", "block", "recall", "recall_method",
            "numpy_method", "item_method", "float_method", "bool_method", "call_compiled", "call_vector", "line_now",
            "program_step", "module_attribute", "module_call",
        )]
        symbols = jit.load_object("machine", objects, [*natives, "tapegrad_machine"], imports=())
        for name in natives:
            jit.define_symbol(name, symbols[name])
        table = jit.load_object("trampolines", code, ["trampolines"], imports=natives)["trampolines"]
        symbols.update(zip(names, self.memory(table, "u8", len(names)).tolist()))
        self._map_memory(symbols["tapegrad_machine"])
        self.symbols = symbols
        self.TensorBase = python_objects.make_tensor_type(symbols, operations)
        self.state["base_type"] = id(self.TensorBase)
        self.CompiledBase = python_objects.make_compiled_type(symbols)
        self._node_type = python_objects.make_node_type(symbols)
        self.state["node_type"] = id(self._node_type)
        for name in ("worker", "piece", "block", "call_vector"):
            self.state[name] = symbols[f"tapegrad_{name}"]

        class Calls:
            pass

        self.call = Calls()
        for name in _ENTRY_POINTS:
            setattr(self.call, name, python_objects.function(name, symbols[f"tapegrad_{name}"], METH_FASTCALL))
        for name in _ENTRY_POINTS_ONE:
            setattr(self.call, name, python_objects.function(name, symbols[f"tapegrad_{name}"], METH_O))
        for name in trampolines.C_ONLY:
            setattr(self.call, name, python_objects.function(name, symbols[f"box_{name}"], METH_FASTCALL))
        self.functions = {
            o.opcode: python_objects.function(o.name, symbols[f"function_{o.opcode}"], METH_FASTCALL | METH_KEYWORDS,
                                               o.doc)
            for o in operations
        }
        self.pinned: _Pinning = _Pinning(self.call)
        gc.callbacks.append(self.call.collecting)
        self.workspaces: dict[int, Workspace] = {}  # all there are, by address
        self._idle: list[Workspace] = []
        self._lends = True
        self._nests: dict[tuple[int, ...], np.ndarray[Any, Any]] = {}
        self.nests: WeakValueDictionary[int, np.ndarray[Any, Any]] = WeakValueDictionary()  # of plans, by address
        self.hollow: WeakValueDictionary[int, Any] = WeakValueDictionary()  # those of them that do nothing to something
        self.give_back(self.workspace())
        self.keepers: dict[int, Any] = {}  # foreign memory's owners, by row
        self._release_external = self.keepers.pop
        self.state["release_external"] = id(self._release_external)

    def _map_memory(self, address: int) -> None:
        self.state = state = self.memory(address, rec.MACHINE, 1)
        self._as_written = state["as_written"]
        self._rows = rows = _rows_that_fit()
        self.instructions, self.buffers, self.pool, self.places, self.moments = reserve_tables(rows, _OF_MACHINE)
        self.plans = reserve(rec.PLAN, MAX_PLANS)
        self.layouts = reserve(rec.LAYOUT, MAX_LAYOUTS)
        self.table = reserve("u8", 2 * TABLE_SLOTS)
        self.arena: np.ndarray[Any, Any] = np.zeros(rec.ARENA_WORDS, "u8")
        self.aside: np.ndarray[Any, Any] = reserve("u8", 2 * rec.MAX_ASIDE)
        self.recipes: np.ndarray[Any, Any] = reserve("u8", 2 * RECIPE_SLOTS)
        self.scaling: np.ndarray[Any, Any] = np.zeros(rec.SCALING_SLOTS, "u8")
        self.n_recipes = self.n_methods = self.n_aliases = 0
        self.geometries: np.ndarray[Any, Any] = reserve("u8", MAX_LAYOUTS)
        self.descriptors = np.array([id(d.numpy) for d in sorted(dtypes.ALL, key=lambda d: d.id)], "u8")
        self.functions_table: np.ndarray[Any, Any] = np.zeros(rec.TABLED, "u8")
        self.literals: np.ndarray[Any, Any] = np.zeros(len(rec.LITERALS), "u4")
        self._graveyard: list[Any] = []
        for name in ("instructions", "buffers", "plans", "layouts", "pool", "places", "moments", "table", "arena",
                     "aside", "literals", "recipes", "scaling", "geometries", "descriptors"):
            state[name] = address_of(getattr(self, name))
        state["functions"] = address_of(self.functions_table)
        state["array_type"], state["new_array"], state["set_base"] = _numpys_functions()
        state["n_buffers"] = 1  # row 0 means "none"
        state["max_instructions"], state["max_buffers"] = len(self.instructions), len(self.buffers)
        state["recipe_mask"] = RECIPE_SLOTS - 1
        state["max_pool"] = len(self.pool) - min(LONGEST_ENTRY, len(self.pool) // 2)
        state["table_mask"] = TABLE_SLOTS - 1
        state["sweep_at"], state["sweep_bytes"] = rec.SWEEP_AT, 64 << 20
        state["attach_at"], state["large_at"] = 64, 64 << 20
        state["graveyard"], state["generation"] = id(self._graveyard), id(_GENERATION)
        state["collected"] = id(_COLLECTED)
        self._note_lines(rows)
        self.new_team()
        self.unrecorded: np.ndarray[Any, Any] = reserve("u1", MAX_THREADS)
        state["unrecorded"], state["unrecorded_mask"] = address_of(self.unrecorded), MAX_THREADS - 1

    def _note_lines(self, rows: int) -> None:
        """Have a word noted for each instruction, of where the program was; none where frames are not known."""
        self.code: list[CodeType] = []
        self.lines: np.ndarray[Any, Any] = np.zeros(0, "u8")
        found = frames.found()
        if found is None:
            return
        state = self.state
        self.lines, self._codes = reserve("u8", rows), reserve("u8", 2 * rec.CODE_SLOTS)
        package = os.path.dirname(os.path.dirname(self._note_lines.__code__.co_filename))
        # Files of this package are no program's, but for the demonstration; CPython's own code between frames is not.
        self._file_names = "co_filename", package + os.sep, os.path.join(package, "demo.py"), "<shim>"
        for name, text in zip(("filename", "hidden_files", "shown_file", "shim"), self._file_names):
            state[name] = id(text)
        state["code_list"], state["codes"] = id(self.code), address_of(self._codes)
        state["frame_at"], state["frame_code"], state["frame_previous"] = found.frame, found.code, found.previous
        state["frame_by_way"], state["frame_further"] = found.further is not None, found.further or 0
        state["frame_place"] = found.place
        state["place_bits"], state["code_counts"] = (0xFFFFFFFF, 0) if found.counts else (rec.NEVER, rec.NEVER)
        state["lines"] = address_of(self.lines)

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
        jit.keep(block)
        team = -(-address_of(block) // 64) * 64
        for field, make in (("mutex", "pthread_mutex_init"), ("condition", "pthread_cond_init")):  # on macOS not zeros
            getattr(ctypes.pythonapi, make)(ctypes.c_void_p(team + rec.offset_of(rec.TEAM, field)), None)
        for field, name in (("find_core", "sched_getcpu"), ("find_cores", "sched_getaffinity"),
                            ("set_cores", "sched_setaffinity")):
            function = getattr(ctypes.pythonapi, name, None)
            address = 0 if function is None else ctypes.cast(function, ctypes.c_void_p).value
            self.memory(team + rec.offset_of(rec.TEAM, field), "u8", 1)[0] = address
        self.state["team"] = team

    @staticmethod
    def memory(address: int, dtype: np.dtype[Any] | str, count: int) -> np.ndarray[Any, Any]:
        """An array over native memory; the caller sees to it that the memory outlives it."""
        return np.frombuffer(bytes_from(address), dtype, count)

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
        jit.keep(function)
        self.functions_table[opcode] = id(function)

    def alias(self, name: str, opcode: int, function: Callable[..., Any], doc: str = "", kind: type | None = None,
              inplace: bool = False) -> Any:
        """An operation under another name, with the Python function of that; a method of `kind`, if any."""
        number, self.n_aliases = self.n_aliases, self.n_aliases + 1
        self.set_function(rec.ALIASED + number, function)
        self.functions_table[rec.ALIASED + rec.MAX_ALIASED + number] = opcode | rec.WRITES_FIRST * inplace
        flags = METH_FASTCALL | METH_KEYWORDS
        if kind is None:
            return python_objects.function(name, self.symbols[f"alias_{number}"], flags, doc)
        return python_objects.method(kind, name, self.symbols[f"alias_method_{number}"], flags, doc)

    def set_hook(self, name: str, function: Callable[..., Any]) -> None:
        jit.keep(function)
        self.state[name] = id(function)

    def native_modules(self, kind: type, hooked: dict[int, bool]) -> python_objects.ModuleSlots:
        """Let a class of modules be read and called natively, unless anything is `hooked` for all of them."""
        names = np.array([id(name) for name in map(sys.intern, rec.MODULE_NAMES)], "u8")
        jit.keep(names, rec.MODULE_NAMES, kind, hooked)
        found = python_objects.ModuleSlots(
            kind, self.symbols["tapegrad_module_attribute"], self.symbols["tapegrad_module_call"])
        self.state["module_names"], self.state["module_hooked"] = address_of(names), id(hooked)
        self.state["module_attribute"], self.state["module_call"] = found.usual
        return found

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
            at = _slot(table, slot, key)
            table[at + 1], table[at] = plan, key  # the key last: it makes the entry seen
        return True

    def forget_ways(self) -> None:
        """Empty the tables by which native code finds plans and recipes."""
        for table in (self.table, self.recipes):
            used = np.flatnonzero(table[::2])
            table[2 * used] = 0
            table[2 * used + 1] = 0
        self.n_recipes = 0

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
            at = _slot(table, h >> 16)
            table[at + 1], table[at] = recipe, h

    def leave_out_factors(self, function: Callable[..., Any]) -> None:
        """Of this function's calls the keys are without the factor: it does the same for all of them."""
        slot = id(function) >> 4 & (rec.SCALING_SLOTS - 1)
        while self.scaling[slot]:
            slot = (slot + 1) & (rec.SCALING_SLOTS - 1)
        self.scaling[slot] = id(function)

    def remembered(self, name: str, function: Callable[..., Any], text: str = "") -> Any:
        """A built-in function that calls a Python one, or does without it what that did for like arguments."""
        return python_objects.function(name, self.symbols["tapegrad_recall"], METH_FASTCALL | METH_KEYWORDS,
                                       text or function.__doc__ or "", of=function)

    def remembered_method(self, name: str, function: Callable[..., Any], kind: type) -> Any:
        """The same as a method of a class."""
        number = self.n_methods
        self.n_methods += 1
        jit.keep(function)
        self.functions_table[trampolines.RECALLED + number] = id(function)
        return python_objects.method(kind, name, self.symbols[f"recalled_{number}"], METH_FASTCALL | METH_KEYWORDS,
                                     function.__doc__ or "")

    def numpy_method(self, function: Callable[..., Any], kind: type) -> Any:
        """`numpy` as a method of a class: a Python function, which is asked where there is something to decide."""
        self.set_hook("numpy", function)
        return python_objects.method(kind, "numpy", self.symbols["tapegrad_numpy_method"],
                                     METH_FASTCALL | METH_KEYWORDS, function.__doc__ or "")

    def number_method(self, name: str, function: Callable[..., Any], kind: type) -> Any:
        """The same of methods that look at the one element of a tensor: `item`, `__float__` and `__bool__`."""
        plain = name.strip("_")
        self.set_hook(plain, function)
        return python_objects.method(kind, name, self.symbols[f"tapegrad_{plain}_method"], METH_NOARGS,
                                     f"{name}($self, /)\n--\n\n{function.__doc__ or ''}")

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

    def reclaim(self) -> None:
        """Drop what is dead on the tape, unless a block holds compaction off: its instructions are a range."""
        if int(self.state["sweep_at"][0]) != rec.NEVER:
            self.call.reclaim()

    def keep_as_written(self, wanted: bool) -> None:
        """Whether calls of compiled functions ask Python."""
        self._as_written[0] = wanted

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

    adjoints: np.ndarray[Any, Any]
    marks: np.ndarray[Any, Any]
    reached: np.ndarray[Any, Any]
    leaves: np.ndarray[Any, Any]
    asked: np.ndarray[Any, Any]
    address: int
    arena_at: int

    def __init__(self, rows: int) -> None:
        self.adjoints, self.marks, self.reached, self.leaves, self.asked = reserve_tables(rows, _OF_WORKSPACE)
        self.arena: np.ndarray[Any, Any] = np.zeros(rec.ARENA_WORDS, "u8")
        self.record: np.ndarray[Any, Any] = np.zeros(1, rec.WORKSPACE)
        self.arrived: dict[int, dict[int, Any]] = {}  # at a node's several outputs: by its row, and by their numbers
        self.left: dict[int, tuple[Any, ...]] = {}  # what composed nodes were given, by their rows, until their end
        self.ending: dict[Any, Any] = {}  # the same where they are of several tensors, by what hooks keep for them
        self.callbacks: list[Any] = []  # the custom functions that ran
        self.queued: list[Callable[[], Any]] = []  # what is to be called when the sweep is done
        self.number = 0  # of the sweep
        self.captured: dict[int, Any] = {}  # gradients asked for, by row, as they were before hooks
        self.narrowed = False  # to the ways to some inputs
        self._pairs = np.zeros((64, 2), "u8")
        self._pairs_at = address_of(self._pairs)
        for name in ("adjoints", "marks", "reached", "leaves", "arena", "asked"):
            self.record[name] = address_of(getattr(self, name))
        # An address takes NumPy 2 us to tell, a tenth of a small sweep.
        self.address, self.arena_at, self._asked_at = map(address_of, (self.record, self.arena, self.asked))

    def pairs(self, count: int) -> tuple[np.ndarray[Any, Any], int]:
        """Room for pairs of words that native code writes, and its address."""
        if count > len(self._pairs):
            self._pairs = np.zeros((2 * count, 2), "u8")
            self._pairs_at = address_of(self._pairs)
        return self._pairs, self._pairs_at

    def ask(self, roots: Sequence[int], ends: Sequence[int]) -> tuple[int, int]:
        """Leave the rows that a sweep goes from and to where native code reads them: the two addresses."""
        self.asked[:len(roots) + len(ends)] = [*roots, *ends]
        return self._asked_at, self._asked_at + 4 * len(roots)
