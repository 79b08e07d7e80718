"""Kernels with a clock: while a profile is taken, what a plan's steps call is a stub that times its kernel.

Native code pays nothing for that: it calls the address that a step has, and a step has its kernel's own again when the
profile ends. A stub stands for one kernel for good, so that a sweep of another thread that still calls it does no harm;
the next profile takes it for that kernel again.
"""
from __future__ import annotations

import contextlib
import ctypes
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.live import machine, planner
from tapegrad.machine.llvm import jit
from tapegrad.machine.planning import Plan

Words = np.ndarray[Any, Any]
RECORD = np.dtype([("begin", "u8"), ("end", "u8"), ("stub", "u8"), ("line", "u8")])  # `line`: see `tape.lines`
MOST = 1 << 22  # calls that are noted; those after them are counted
_STUBS = 64  # in one piece of code
_SIZE = 8


def _source(first: int) -> str:
    """Stubs from number `first` on; without a nest a kernel only sees that it is there."""
    stubs = "".join(
        f"define internal i32 @stub.{i}(ptr %pointers, ptr %nest) nounwind {{\n"
        f"  %kernel = load ptr, ptr getelementptr (i8, ptr @tapegrad_kernels, i64 {i * _SIZE})\n"
        f"  %status = tail call i32 @timed(ptr %kernel, ptr %pointers, ptr %nest, i64 {first + i})\n"
        "  ret i32 %status\n}\n" for i in range(_STUBS))
    return (
        f"@tapegrad_kernels = global [{_STUBS} x ptr] zeroinitializer\n"
        f"@tapegrad_stubs = constant [{_STUBS} x ptr] [{', '.join(f'ptr @stub.{i}' for i in range(_STUBS))}]\n"
        "@tapegrad_notes = global ptr null\n"  # [how many, how many there is room for, where]
        "declare i32 @clock_gettime(i32, ptr)\n"
        "declare i64 @tapegrad_line_now()\n"
        "define internal i64 @now() alwaysinline nounwind {\n"
        "  %at = alloca [2 x i64]\n"
        f"  call i32 @clock_gettime(i32 {time.CLOCK_MONOTONIC}, ptr %at)\n"
        "  %whole = load i64, ptr %at\n"
        "  %second = getelementptr i64, ptr %at, i64 1\n"
        "  %part = load i64, ptr %second\n"
        "  %scaled = mul i64 %whole, 1000000000\n"
        "  %sum = add i64 %scaled, %part\n"
        "  ret i64 %sum\n}\n"
        "define internal i32 @timed(ptr %kernel, ptr %pointers, ptr %nest, i64 %stub) noinline nounwind {\n"
        "  %notes = load ptr, ptr @tapegrad_notes\n"
        "  %asked = icmp eq ptr %nest, null\n"
        "  br i1 %asked, label %plain, label %clocked\n"
        "plain:\n"
        "  %same = tail call i32 %kernel(ptr %pointers, ptr %nest)\n"
        "  ret i32 %same\n"
        "clocked:\n"
        "  %begin = call i64 @now()\n"
        "  %status = call i32 %kernel(ptr %pointers, ptr %nest)\n"
        "  %end = call i64 @now()\n"
        "  %k = atomicrmw add ptr %notes, i64 1 monotonic\n"
        "  %room.at = getelementptr i64, ptr %notes, i64 1\n"
        "  %room = load i64, ptr %room.at\n"
        "  %fits = icmp ult i64 %k, %room\n"
        "  br i1 %fits, label %note, label %done\n"
        "note:\n"
        "  %records.at = getelementptr i64, ptr %notes, i64 2\n"
        "  %records = load ptr, ptr %records.at\n"
        f"  %to = getelementptr [{RECORD.itemsize} x i8], ptr %records, i64 %k\n"
        "  store i64 %begin, ptr %to\n"
        "  %to.end = getelementptr i64, ptr %to, i64 1\n"
        "  store i64 %end, ptr %to.end\n"
        "  %to.stub = getelementptr i64, ptr %to, i64 2\n"
        "  store i64 %stub, ptr %to.stub\n"
        "  %line = call i64 @tapegrad_line_now()\n"
        "  %to.line = getelementptr i64, ptr %to, i64 3\n"
        "  store i64 %line, ptr %to.line\n"
        "  br label %done\n"
        "done:\n"
        "  ret i32 %status\n}\n" + stubs)


class Timed(NamedTuple):
    """What a stub stands for: step number `step` of a plan; backward, of the program for one of its operands."""

    plan: Plan
    operand: int | None
    step: int


_notes = np.zeros(3, "u8")
_idle: dict[int, list[tuple[int, int]]] = {}  # by kernel, (address, number) of stubs that stand for it
_fresh: list[tuple[int, int, int]] = []  # (address, number, where its kernel goes) of stubs that stand for none
_made = 0


def _stub_for(kernel: int) -> tuple[int, int]:
    global _made
    if _idle.get(kernel):
        return _idle[kernel].pop()
    if not _fresh:
        found = jit.load_object("clocks", jit.compile_ir(_source(_made), 1),
                                ("tapegrad_stubs", "tapegrad_kernels", "tapegrad_notes"), ["tapegrad_line_now"])
        ctypes.c_size_t.from_address(found["tapegrad_notes"]).value = _notes.ctypes.data
        addresses = np.ctypeslib.as_array((ctypes.c_size_t * _STUBS).from_address(found["tapegrad_stubs"])).tolist()
        _fresh.extend((addresses[i], _made + i, found["tapegrad_kernels"] + i * _SIZE) for i in range(_STUBS))
        _made += _STUBS
    address, number, slot = _fresh.pop()
    ctypes.c_size_t.from_address(slot).value = kernel
    return address, number


class Clocks:
    """The steps of every plan, there now or made meanwhile, with clocks; `of` says what each stub's number means."""

    def __init__(self) -> None:
        self.of: dict[int, Timed] = {}
        self._changed: list[tuple[Any, str, int, int, int]] = []  # (a step, field, kernel, stub, its number)
        self._stubs: set[int] = set()
        self._records: Words = np.zeros(MOST, RECORD)  # touched as it fills
        self._ended: int | None = None
        self._noted: Any = slice(None)

    @property
    def count(self) -> int:
        """How many calls there were so far; none that came after the end."""
        return int(_notes[0]) if self._ended is None else self._ended

    @property
    def calls(self) -> Words:
        """Those that were noted, in the order in which they ended."""
        return self._records[:min(self.count, MOST)][self._noted]

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        with jit.BUILDING:
            _notes[:] = 0, MOST, self._records.ctypes.data
            for plan in filter(None, [*planner.all]):
                self._put_in(plan)
            planner.on_steps = self._put_in
        try:
            yield
        finally:
            with jit.BUILDING:
                self._ended = int(_notes[0])
                planner.on_steps = None
                for step, field, kernel, stub, number in self._changed:
                    step[field] = kernel
                    _idle.setdefault(kernel, []).append((stub, number))
                self._changed.clear()
                _notes[1] = 0  # of one who comes late nothing is noted
                calls = self.calls  # another thread may be at one, or still call a stub of a profile before this
                noted = (calls["end"] > 0) & np.isin(calls["stub"], [*self.of])
                if not noted.all():
                    self._noted = noted

    def _put_in(self, plan: Plan) -> None:
        """Clocks for the steps of a plan, and of its adjoint if there is one."""
        native = machine.plans[plan.index]
        self._steps(plan, None, int(native["forward"]), int(native["n_forward"]))
        if plan.built:
            count = 1 if len(plan.operands) > rec.MOST else len(plan.operands)
            for j, program in enumerate(machine.memory(int(native["adjoints"]), rec.PROGRAM, count)):
                self._steps(plan, j, int(program["steps"]), int(program["n_steps"]))

    def _steps(self, plan: Plan, operand: int | None, address: int, count: int) -> None:
        if not count:
            return
        for i, step in enumerate(machine.memory(address, rec.STEP, count)):
            for field in ("store", "add"):
                kernel = int(step[field])
                if kernel and kernel not in self._stubs:
                    stub, number = _stub_for(kernel)
                    step[field] = stub
                    self._stubs.add(stub)
                    self._changed.append((step, field, kernel, stub, number))
                    self.of[number] = Timed(plan, operand, i)
