"""Kernels with a clock: while a profile is taken, what a plan's steps call is a stub that times its kernel.

Native code pays nothing for that: it calls the address that a step has, and a step has its kernel's own again when the
profile ends. A stub stands for one kernel for good, so that a sweep of another thread that still calls it does no harm;
the next profile takes it for that kernel again.

A compiled program has other steps meanwhile, each of which has one of its own run, and times that: a whole loop, all
blocks of a group, a check. So one stub does for all of them. Blocks of memory are noted as a capture notes them.
"""
from __future__ import annotations

import bisect
import contextlib
import ctypes
import functools
import platform
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tapegrad.compiler import program
from tapegrad.compiler.program import Program
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import machine, planner
from tapegrad.machine.llvm import jit
from tapegrad.machine.planning import Plan
from tapegrad.machine.startup import address_of

Words = np.ndarray[Any, Any]
RECORD = np.dtype([("begin", "u8"), ("end", "u8"), ("stub", "u8"), ("line", "u8")])  # `line`: see `tape.lines`
MOST = 1 << 22  # calls, and blocks of memory, that are noted; those after them are counted
_STEPS = 1 << 40  # numbers from here on are those of programs' steps
_STUBS = 64  # in one piece of code
_SIZE = 8


def _counts_evenly() -> bool:
    """Whether the processor has a counter that runs on at one rate, whatever it does, and that programs may read."""
    try:
        with open("/proc/cpuinfo") as f:
            return platform.machine() == "x86_64" and {"constant_tsc", "nonstop_tsc"} <= {*f.read().split()}
    except OSError:
        return False


# Two looks at the system's clock cost 100 ns, as much as a short operation; at the counter, a quarter of that.
_COUNTER = (
    "declare i64 @llvm.readcyclecounter()\n"
    "define internal i64 @now() alwaysinline nounwind {\n"
    "  %now = call i64 @llvm.readcyclecounter()\n"
    "  ret i64 %now\n}\n")
_CLOCK = (
    "declare i32 @clock_gettime(i32, ptr)\n"
    "define internal i64 @now() alwaysinline nounwind {\n"
    "  %at = alloca [2 x i64]\n"
    f"  call i32 @clock_gettime(i32 {time.CLOCK_MONOTONIC}, ptr %at)\n"
    "  %whole = load i64, ptr %at\n"
    "  %second = getelementptr i64, ptr %at, i64 1\n"
    "  %part = load i64, ptr %second\n"
    "  %scaled = mul i64 %whole, 1000000000\n"
    "  %sum = add i64 %scaled, %part\n"
    "  ret i64 %sum\n}\n")


@functools.cache
def _code() -> bytes:
    """Object code of stubs, loaded as often as there are not enough: compiled each time they took 2 ms for each kernel
    of the process."""
    return jit.compile_ir(_source(), 1)


def _source() -> str:
    """Stubs, numbered from what is stored with them; without a nest a kernel only sees that it is there."""
    stubs = "".join(
        f"define internal i32 @stub.{i}(ptr %pointers, ptr %nest) nounwind {{\n"
        f"  %kernel = load ptr, ptr getelementptr (i8, ptr @tapegrad_kernels, i64 {i * _SIZE})\n"
        "  %first = load i64, ptr @tapegrad_first\n"
        f"  %number = add i64 %first, {i}\n"
        "  %status = tail call i32 @timed(ptr %kernel, ptr %pointers, ptr %nest, i64 %number)\n"
        "  ret i32 %status\n}\n" for i in range(_STUBS))
    return (
        "@tapegrad_first = global i64 0\n"
        f"@tapegrad_kernels = global [{_STUBS} x ptr] zeroinitializer\n"
        f"@tapegrad_stubs = constant [{_STUBS} x ptr] [{', '.join(f'ptr @stub.{i}' for i in range(_STUBS))}]\n"
        "@tapegrad_notes = global ptr null\n"  # [how many, how many there is room for, where]
        "declare i64 @tapegrad_line_now()\n"
        "define i64 @tapegrad_ticks() nounwind {\n"
        "  %now = call i64 @now()\n"
        "  ret i64 %now\n}\n"
        f"{_COUNTER if _counts_evenly() else _CLOCK}"
        "declare i32 @tapegrad_program_step(ptr, ptr)\n"
        "define i32 @tapegrad_timed_step(ptr %step, ptr %number) nounwind {\n"
        "  %begin = call i64 @now()\n"
        "  %status = call i32 @tapegrad_program_step(ptr %step, ptr null)\n"
        "  %end = call i64 @now()\n"
        "  %stub = ptrtoint ptr %number to i64\n"
        "  %line = call i64 @tapegrad_line_now()\n"
        "  call void @note(i64 %begin, i64 %end, i64 %stub, i64 %line)\n"
        "  ret i32 %status\n}\n"
        "define internal i32 @timed(ptr %kernel, ptr %pointers, ptr %nest, i64 %stub) noinline nounwind {\n"
        "  %asked = icmp eq ptr %nest, null\n"
        "  br i1 %asked, label %plain, label %clocked\n"
        "plain:\n"
        "  %same = tail call i32 %kernel(ptr %pointers, ptr %nest)\n"
        "  ret i32 %same\n"
        "clocked:\n"
        "  %begin = call i64 @now()\n"
        "  %status = call i32 %kernel(ptr %pointers, ptr %nest)\n"
        "  %end = call i64 @now()\n"
        "  %line = call i64 @tapegrad_line_now()\n"
        "  call void @note(i64 %begin, i64 %end, i64 %stub, i64 %line)\n"
        "  ret i32 %status\n}\n"
        "define internal void @note(i64 %begin, i64 %end, i64 %stub, i64 %line) noinline nounwind {\n"
        "  %notes = load ptr, ptr @tapegrad_notes\n"
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
        "  %to.line = getelementptr i64, ptr %to, i64 3\n"
        "  store i64 %line, ptr %to.line\n"
        "  br label %done\n"
        "done:\n"
        "  ret void\n}\n" + stubs)


class Timed(NamedTuple):
    """What a stub stands for: step number `step` of a plan; backward, of the program for one of its operands."""

    plan: Plan
    operand: int | None
    step: int


class TimedStep(NamedTuple):
    """A step of a program of a compiled function, or of its `backward`: see `Program.items`."""

    function: str
    backward: bool
    step: int
    item: Any


_notes = np.zeros(3, "u8")
_taken = np.zeros(3, "u8")  # the same for blocks of memory
_idle: dict[int, list[tuple[int, int]]] = {}  # by kernel, (address, number) of stubs that stand for it
_fresh: list[tuple[int, int, int]] = []  # (address, number, where its kernel goes) of stubs that stand for none
_made = 0
_timer = 0  # the address of what times a program's step
_ticks: Any = None  # what it and stubs read
_last_step = _STEPS  # the number of the next


def _make_stubs() -> None:
    global _made, _timer, _ticks
    found = jit.load_object("clocks", _code(), [f"tapegrad_{name}" for name in (
        "first", "stubs", "kernels", "notes", "timed_step", "ticks")],
                            ["tapegrad_line_now", "tapegrad_program_step"])
    ctypes.c_size_t.from_address(found["tapegrad_notes"]).value = _notes.ctypes.data
    ctypes.c_size_t.from_address(found["tapegrad_first"]).value = _made
    addresses = np.ctypeslib.as_array((ctypes.c_size_t * _STUBS).from_address(found["tapegrad_stubs"])).tolist()
    _fresh.extend((addresses[i], _made + i, found["tapegrad_kernels"] + i * _SIZE) for i in range(_STUBS))
    _made += _STUBS
    _timer = _timer or found["tapegrad_timed_step"]
    _ticks = _ticks or ctypes.PYFUNCTYPE(ctypes.c_uint64)(found["tapegrad_ticks"])


def _stub_for(kernel: int) -> tuple[int, int]:
    if _idle.get(kernel):
        return _idle[kernel].pop()
    if not _fresh:
        _make_stubs()
    address, number, slot = _fresh.pop()
    ctypes.c_size_t.from_address(slot).value = kernel
    return address, number


def _now() -> tuple[int, int]:
    """What the counter says, and the time at which it does: of several looks the one that was held up least."""
    looks = [(time.perf_counter_ns(), _ticks(), time.perf_counter_ns()) for _ in range(10)]
    before, ticks, after = min(looks, key=lambda look: look[2] - look[0])
    return ticks, (before + after) // 2


def _in_nanoseconds(calls: Words, began: tuple[int, int], ended: tuple[int, int]) -> None:
    """Make times of what the counter said."""
    rate = (ended[1] - began[1]) / max(ended[0] - began[0], 1)
    for field in ("begin", "end"):
        there = calls[field] > 0
        since = calls[field][there].astype("i8") - began[0]
        calls[field][there] = began[1] + (since * rate).astype("i8")


class Clocks:
    """The steps of every plan and program, there now or made meanwhile, with clocks; `of` says what numbers mean."""

    def __init__(self) -> None:
        self.of: dict[int, Timed] = {}  # by the stub
        self._running: list[Program] = []
        # The number of a program's first step, whose it is, whether it is a backward's, and what its steps do.
        self._programs: list[tuple[int, str, bool, list[tuple[int, Any]]]] = []
        self._changed: list[tuple[Any, str, int, int, int]] = []  # (a step, field, kernel, stub, its number)
        self._stubs: dict[int, int] = {}  # the kernels that they stand for
        self._records: Words = np.zeros(MOST, RECORD)  # touched as it fills
        self._blocks: Words = np.zeros(MOST, rec.BLOCK_TAKEN)
        self._blocks_ended: int | None = None
        self._ended: int | None = None
        self._noted: Any = slice(None)

    @property
    def count(self) -> int:
        """How many calls there were so far; none that came after the end."""
        return int(_notes[0]) if self._ended is None else self._ended

    @property
    def calls(self) -> Words:
        """Those that were noted, in the order in which they ended; times are nanoseconds of `time.perf_counter_ns`."""
        return self._records[:min(self.count, MOST)][self._noted]

    @property
    def block_count(self) -> int:
        """How many blocks of memory were taken."""
        return int(_taken[0]) if self._blocks_ended is None else self._blocks_ended

    @property
    def blocks(self) -> Words:
        """Those that were noted: the bytes, the line, and which of `calls` came next."""
        found = self._blocks[:min(self.block_count, MOST)]
        if not isinstance(self._noted, slice):
            found = found.copy()
            found["before"] = np.searchsorted(np.flatnonzero(self._noted), found["before"])
        return found

    def what(self, number: int) -> Timed | TimedStep:
        """What a call's number stands for."""
        if number < _STEPS:
            return self.of[number]
        first, function, backward, items = self._programs[
            bisect.bisect_right(self._programs, number, key=lambda program: program[0]) - 1]
        return TimedStep(function, backward, *items[number - first])

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        with jit.BUILDING:
            if not _timer:
                _make_stubs()
            self._first_step = _last_step
            _notes[:] = 0, MOST, self._records.ctypes.data
            _taken[:] = 0, MOST, self._blocks.ctypes.data
            for plan in filter(None, [*planner.all]):
                self._put_in(plan)
            for one in [*program.programs]:
                self._put_in_program(one)
            planner.on_steps, program.on_made = self._put_in, self._put_in_program
            capturing.restore_kernels = self._restore_kernels
            machine.state["taken"], machine.state["timed"] = address_of(_taken), address_of(_notes)
            machine.state["watching"] |= rec.PROFILE
            began = _now()
        try:
            yield
        finally:
            with jit.BUILDING:
                machine.state["watching"] &= ~np.uint64(rec.PROFILE)
                self._ended, self._blocks_ended = int(_notes[0]), int(_taken[0])
                planner.on_steps = program.on_made = None
                capturing.restore_kernels = capturing.no_clocks
                for one in self._running:
                    one.run_plainly()
                self._running.clear()
                for step, field, kernel, stub, number in self._changed:
                    step[field] = kernel
                    _idle.setdefault(kernel, []).append((stub, number))
                self._changed.clear()
                _notes[1] = 0  # of one who comes late nothing is noted
                calls = self.calls  # another thread may be at one, or still call a stub of a profile before this
                _in_nanoseconds(calls, began, _now())
                ours = np.isin(calls["stub"], [*self.of]) | (calls["stub"] >= self._first_step)
                noted = (calls["end"] > 0) & ours
                if not noted.all():
                    self._noted = noted

    def _put_in(self, plan: Plan) -> None:
        """Clocks for the steps of a plan, and of its adjoint if there is one."""
        native = machine.plans[plan.index]
        self._steps(plan, None, int(native["forward"]), int(native["n_forward"]))
        if plan.built:
            count = 1 if len(plan.operands) > rec.MOST else len(plan.operands)
            count += plan.op.joint is not None  # of all operands, as if it were of one more
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
                    self._stubs[stub] = kernel
                    self._changed.append((step, field, kernel, stub, number))
                    self.of[number] = Timed(plan, operand, i)

    def _put_in_program(self, of: Program) -> None:
        global _last_step
        if len(of.steps):
            self._running.append(of)
            self._programs.append((_last_step, of.function, of.backward, of.items))
            of.run_through(_timer, _last_step)
            _last_step += len(of.steps)

    def _restore_kernels(self, events: Any) -> None:
        """In what a capture noted, kernels in place of their stubs: a program outlives the profile."""
        called = np.flatnonzero(events["kind"] == rec.KERNEL)
        addresses = capturing.addresses(events, called)
        stubs = np.array(sorted(self._stubs), "u8")
        at = np.minimum(np.searchsorted(stubs, addresses), max(len(stubs) - 1, 0))
        found = np.flatnonzero(stubs[at] == addresses) if len(stubs) else at[:0]
        kernels = np.array([self._stubs[stub] for stub in stubs.tolist()], "u8")[at[found]]
        events["low"][called[found]], events["high"][called[found]] = kernels & 0xFFFFFFFF, kernels >> np.uint64(32)
