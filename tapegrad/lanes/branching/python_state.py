"""The state of a Python program where it looks at a value: two looks in the same state go on in the same way.

That is where each frame is, what its local variables and the stack of its expressions hold, and what that leads to.
Tensors that are batches are left open: they are the `slots` of the state, numbered as they are met, and what goes on
from there is a function of them. Of all else the value counts, if the type is one whose values are fully seen here; any
other object is itself if it was there before the call (what it may hold is watched by `Reach`), and else is like
nothing, so that a state with it in is met once only.
"""
from __future__ import annotations

import ctypes
import dis
import functools
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from tapegrad import dtypes
from tapegrad.lanes.batched import Batched
from tapegrad.machine.live import buffers, machine
from tapegrad.tape import reading

TensorBase: Any = machine.TensorBase
_PLAIN = (int, bool, str, bytes, type(None), type(...), types.CodeType, dtypes.dtype)
_ITERATED: tuple[Any, ...] = (range(0), range(1 << 70), [], ())
_ITERATORS = {type(iter(x)) for x in _ITERATED}
_COMPOSED = (enumerate, zip, reversed)
_MOST = 10_000  # objects that one state is looked through for


class Unlike:
    """What no other object is like."""


class State:
    """One state under way: `slots` are the tensors that are open, `key` is equal for states that go on alike."""

    def __init__(self, older: Callable[[Any], bool], viewed: Callable[[Any], bool]) -> None:
        self.older = older  # whether an object was there before the call
        self.viewed = viewed  # whether a tensor's memory may be another's
        self.slots: list[Any] = []
        self._numbers: dict[int, int] = {}  # of objects that may be changed, in the order they are met
        self._slot_of: dict[int, int] = {}
        self._met = 0
        self._kept: list[Any] = []  # so that no object is another's meanwhile
        self.kept: list[Any] = []  # nor later, of those that a key knows by where they are
        self.key: Any = ()

    def read(self, frame: types.FrameType, stop: types.CodeType) -> None:
        """Take in all frames from this one, which looks, to that of a code which is not part of the program."""
        told = []
        at: types.FrameType | None = frame
        while at is not None and at.f_code is not stop:
            told.append((at.f_code, at.f_lasti, self._made(dict(at.f_locals)), self._stack(at, at is frame)))
            at = at.f_back
        self.key = (*self.key, *told)

    def _stack(self, frame: types.FrameType, looks: bool) -> Any:
        """The values of expressions that are not finished, of what looks with those that the look is about.

        A frame that C code stands above has more state than is seen: that of a function which calls back.
        """
        before, called = depths(frame.f_code)
        depth = called.get(frame.f_lasti)
        if depth is None and looks:
            depth = before.get(frame.f_lasti)
        if depth is None:
            return Unlike()
        if _LOCALS is None:
            jumps = looks and depth == 1 and "JUMP_IF" in dis.opname[frame.f_code.co_code[frame.f_lasti]]
            return () if jumps or depth == 0 else Unlike()
        code = frame.f_code
        places = code.co_nlocals + len({*code.co_cellvars} - {*code.co_varnames}) + len(code.co_freevars)
        start = ctypes.c_uint64.from_address(id(frame) + _FRAME).value + _LOCALS + 8 * places
        found = []
        for k in range(depth):
            word = ctypes.c_uint64.from_address(start + 8 * k).value
            found.append(self.of(ctypes.cast(word, ctypes.py_object).value) if word else None)
        return tuple(found)

    def slot(self, x: Any) -> Any:
        """The number of an open tensor, with what the program sees of it beside its elements."""
        if id(x) not in self._slot_of:
            self._slot_of[id(x)] = len(self.slots)
            self.slots.append(x)
        return "slot", self._slot_of[id(x)], x._layout, x._levels, x.requires_grad, self.viewed(x)

    def _made(self, x: Any) -> Any:
        """What stands for an object that was made to be looked at."""
        self._kept.append(x)
        return self.of(x)

    def of(self, x: Any) -> Any:
        """What stands for an object in a state's key."""
        kind = type(x)
        if kind is Batched:
            return self.slot(x)
        if kind in _PLAIN:
            return kind, x
        if kind is float or kind is complex:
            return kind, repr(x)
        self._met += 1
        if id(x) in self._numbers:
            return "again", self._numbers[id(x)]
        self._numbers[id(x)] = len(self._numbers)
        if self._met > _MOST:
            return Unlike()
        if kind in (tuple, list):
            return kind, tuple([self.of(y) for y in x])
        if kind is dict:
            return kind, tuple([(self.of(k), self.of(v)) for k, v in x.items()])
        if kind in _ITERATORS or kind in _COMPOSED:
            return kind, self._made(x.__reduce__()[1:])
        if kind is range or kind is slice:
            return kind, repr(x)
        if kind is types.CellType:
            try:
                return kind, self.of(x.cell_contents)
            except ValueError:
                return kind, "empty"
        if kind is types.FunctionType and not self.older(x):
            return kind, x.__code__, self._made((x.__closure__, x.__defaults__, x.__kwdefaults__, x.__dict__))
        if kind is types.MethodType or kind is types.BuiltinMethodType:
            return kind, x.__name__, self.of(x.__self__)
        if isinstance(x, TensorBase):
            return self._tensor(x)
        if kind in (type, types.ModuleType, types.BuiltinFunctionType, types.WrapperDescriptorType,
                    types.MethodDescriptorType) or self.older(x):
            self.kept.append(x)
            return "itself", id(x)
        return Unlike()

    def _tensor(self, x: Any) -> Any:
        """A tensor that all lanes have in common: made in the call it counts by its elements, while only read."""
        owner = int(buffers["owner"][x._buffer])
        version = int(buffers["version"][owner])
        if self.older(x):
            self.kept.append(x)
            return "itself", id(x), version
        if version or owner != x._buffer or x.nbytes > _MOST or type(x) is not machine.tensor_type or x.requires_grad:
            return Unlike()
        return "tensor", x._layout, np.ascontiguousarray(reading.array_of(x)).tobytes()


@functools.lru_cache(256)
def depths(code: types.CodeType) -> tuple[dict[int, int], dict[int, int]]:
    """How many values are on the stack before each instruction that plain control flow leads to, and while it calls a
    function of Python's, which CPython 3.11 tells by a place behind the instruction.
    """
    found: dict[int, int] = {}
    called: dict[int, int] = {}
    instructions = list(dis.get_instructions(code))
    following = {one.offset: (one, after) for one, after in zip(instructions, [*instructions[1:], None])}
    waiting = [(instructions[0].offset, 0)]
    while waiting:
        offset, depth = waiting.pop()
        if offset in found:
            if found[offset] != depth:  # which no compiler of Python's writes
                return {}, {}
            continue
        found[offset] = depth
        one, after = following[offset]
        argument = one.arg if one.opcode >= dis.HAVE_ARGUMENT else None
        if one.opcode in dis.hasjrel or one.opcode in dis.hasjabs:
            waiting.append((one.argval, depth + dis.stack_effect(one.opcode, argument, jump=True)))
        if after is not None and one.opname not in _ENDS:
            left = depth + dis.stack_effect(one.opcode, argument, jump=False)
            waiting.append((after.offset, left))
            if one.opname == "CALL":
                called.update(dict.fromkeys(range(offset + 2, after.offset, 2), left - 1))
    return found, called


_ENDS = {"RETURN_VALUE", "RAISE_VARARGS", "RERAISE", "JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT",
         "JUMP_ABSOLUTE", "RETURN_CONST"}
_FRAME = 24  # where the object of a frame says which frame it is


def _locals() -> int | None:
    """Where in a frame its variables begin, of a CPython where the stack behind them is looked at; found in this one.
    """
    if sys.version_info[:2] != (3, 11):  # where an iterator is on the stack, states are then unlike
        return None
    mark = object()
    frame = sys._getframe()
    at = ctypes.c_uint64.from_address(id(frame) + _FRAME).value
    del frame
    return 72 if ctypes.c_uint64.from_address(at + 72).value == id(mark) else None


_LOCALS = _locals()
