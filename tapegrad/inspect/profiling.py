"""Where time goes: a block's kernel calls, from their clocks (`clocks.py`) to a table, JSON, and a trace to look at."""
from __future__ import annotations

import contextlib
import functools
import json
import math
import time
from typing import Any, NamedTuple, TextIO

import numpy as np

import tapegrad
from tapegrad.autograd import calls_through_python
from tapegrad.inspect.clocks import MOST, Clocks, Timed
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import machine
from tapegrad.machine.planning import Plan
from tapegrad.tape.lines import of_word, of_words
from tapegrad.tape.text import aligned, bytes_text, type_text

_PRODUCTS = {"mm": 1, "bmm": 2, "mv": 1, "dot": 0}  # the axis of the first operand that is summed over
_ELSEWHERE = "-"


class Row(NamedTuple):
    """One line of a profile: `kernel` seconds of the machine's work, `total` with what led there since the last call.

    `moved` are the bytes that operands and results have, `flops` what products compute: zero where that is not known.
    """

    name: str
    types: str
    backward: bool
    line: str
    calls: int
    kernel: float
    total: float
    moved: int
    flops: int

    @property
    def bandwidth(self) -> float:
        """Bytes a second."""
        return self.moved / self.kernel if self.kernel else 0.0

    @property
    def speed(self) -> float:
        """Operations on numbers a second."""
        return self.flops / self.kernel if self.kernel else 0.0


class Host(NamedTuple):
    """What one core of this machine can do: bytes and operations a second."""

    bandwidth: float
    speed: float


@functools.cache
def host() -> Host:
    """Measured once: a copy that no cache holds, and a product of float32 matrices."""
    source = np.ones(1 << 23)
    target = np.empty_like(source)
    a = tapegrad.ones(512, 512)
    copy, product = math.inf, math.inf
    before = tapegrad.get_num_threads()
    tapegrad.set_num_threads(1)
    try:
        for _ in range(5):
            start = time.perf_counter()
            target[:] = source
            middle = time.perf_counter()
            a @ a
            copy, product = min(copy, middle - start), min(product, time.perf_counter() - middle)
    finally:
        tapegrad.set_num_threads(before)
    return Host(2 * source.nbytes / copy, 2 * 512 ** 3 / product)


class Profile:
    """What `inspect.profile` gives: a block's kernel calls, once it has ended."""

    _open = False

    def __init__(self, lines: bool = True) -> None:
        self._clocks = Clocks()
        self._with_lines = lines
        self.wall: float = 0.0
        self.kept: int = 0
        self._began = 0

    def __enter__(self) -> Profile:
        if Profile._open:
            raise RuntimeError("a profile is being taken: there is one at a time")
        capturing.refuse("it takes a profile")
        Profile._open = True
        self._exits = contextlib.ExitStack()
        self._exits.callback(setattr, Profile, "_open", False)
        self._exits.callback(tapegrad.set_num_threads, tapegrad.get_num_threads())
        self._exits.enter_context(calls_through_python.compiled_as_written())
        tapegrad.set_num_threads(1)
        self._exits.enter_context(self._clocks.running())
        self._kept_before = int(machine.state["kept_bytes"][0])
        self._began = time.perf_counter_ns()
        return self

    def __exit__(self, *error: object) -> None:
        self.wall = (time.perf_counter_ns() - self._began) / 1e9
        self.kept = int(machine.state["kept_bytes"][0]) - self._kept_before
        self._exits.close()

    # ------------------------------------------------------------ what was found

    def rows(self, by: str = "instruction") -> list[Row]:
        """A row for each instruction (`by="instruction"`), operation (`"opcode"`) or line of source (`"line"`).

        The most time first. Backward, a line is the one that recorded what is differentiated. Raises ValueError for
        anything else, and for lines where they were left out.
        """
        if by not in ("instruction", "opcode", "line"):
            raise ValueError(f'expected by="instruction", "opcode" or "line", got {by!r}')
        if by == "line" and not self._with_lines:
            raise ValueError("the lines were left out: profile(lines=False)")
        calls = self._clocks.calls
        ends = calls["end"].astype("i8")
        kernel = ends - calls["begin"].astype("i8")
        since = np.diff(ends, prepend=self._began)
        keys, names = self._keys(by)
        runs_of = self._runs()
        found = []
        for k in range(len(names)):
            mine = keys == k
            name, types, backward, line = names[k]
            stubs, counts = np.unique(calls["stub"][mine], return_counts=True)
            runs = [(self._clocks.of[s], n) for s, n in zip(stubs.tolist(), counts.tolist())]
            first = [(timed, n) for timed, n in runs if timed.step == 0]
            found.append(Row(name, types, backward, line, round(runs_of[mine].sum().item()),
                             kernel[mine].sum().item() / 1e9, since[mine].sum().item() / 1e9,
                             sum(_moved(timed) * n for timed, n in first),
                             sum(_flops(timed) * n for timed, n in first)))
        if found:  # what came after the last call that was noted
            left = self.wall - (int(ends[-1]) - self._began) / 1e9
            line = _ELSEWHERE if by == "line" else ""
            found.append(Row("(after the last call)", "", False, line, 0, 0.0, left, 0, 0))
        return sorted(found, key=lambda row: -row.total)

    def _runs(self) -> Any:
        """For every call 1 if an instruction's run begins with it, 0 if it goes on with one.

        The programs of an adjoint run in the order of the operands, so one for a later operand of the same plan goes on
        with what the one before did (two instructions of which each needs another operand are taken for one). An
        instruction of very many operands calls its kernel for each.
        """
        stubs = self._clocks.calls["stub"]
        kinds, which = np.unique(stubs, return_inverse=True)
        of = [self._clocks.of[stub] for stub in kinds.tolist()]
        plans = np.array([timed.plan.index for timed in of], "i8")[which]
        operands = np.array([-1 if timed.operand is None else timed.operand for timed in of], "i8")[which]
        share = np.array([1 / len(timed.plan.operands) if len(timed.plan.operands) > rec.MOST else 1.0
                          for timed in of])[which]
        first = np.flatnonzero(np.array([timed.step == 0 for timed in of], bool)[which])
        goes_on = (np.diff(plans[first], prepend=-1) == 0) & (np.diff(operands[first], prepend=-1) > 0)
        goes_on &= np.concatenate([[False], operands[first[:-1]] >= 0]) if len(first) else False
        found = np.zeros(len(stubs))
        begins = first[~goes_on]
        found[begins] = share[begins]
        return found

    def _keys(self, by: str) -> tuple[Any, list[tuple[str, str, bool, str]]]:
        """(for every call the number of its row, what each row is called)"""
        calls = self._clocks.calls
        with_lines = self._with_lines and by != "opcode"
        words, line_of = np.unique(calls["line"] if with_lines else np.zeros(len(calls), "u8"), return_inverse=True)
        lines = [of_word(word) or _ELSEWHERE if with_lines else "" for word in words.tolist()]
        kinds, kind_of = np.unique(calls["stub"], return_inverse=True)
        pairs, which = np.unique(kind_of * len(words) + line_of, return_inverse=True)
        numbers: dict[tuple[str, str, bool, str], int] = {}
        of_pair = []
        for pair in pairs.tolist():
            timed, line = self._clocks.of[kinds[pair // len(words)].item()], lines[pair % len(words)]
            name = ("", "", False, line) if by == "line" else (
                timed.plan.op.name, _types(timed.plan) if by == "instruction" else "", timed.operand is not None, line)
            of_pair.append(numbers.setdefault(name, len(numbers)))
        return np.array(of_pair, "i8")[which], [*numbers]

    def __str__(self) -> str:
        return self.table()

    def table(self, by: str = "instruction", most: int = 30) -> str:
        """The rows as text, beside what this machine can do."""
        rows, can = self.rows(by), host()
        lost = max(self._clocks.count - MOST, 0)
        working = sum(row.kernel for row in rows)
        head = (f"profile of {_seconds(self.wall)}: {_percent(working, self.wall)} of it in {self._clocks.count} "
                f"kernel calls · kept for backward {bytes_text(max(self.kept, 0))} more than before\n"
                f"one core here: {can.bandwidth / 1e9:.3g} GB/s, {can.speed / 1e9:.3g} GFLOP/s")
        if lost:
            head += f"\nthe last {lost} calls are in no row"
        cells = [["total", "share", "kernels", "count", "each", "GB/s", "GFLOP/s", "op", "types", "source"]]
        for row in rows[:most]:
            cells.append([
                _seconds(row.total), _percent(row.total, self.wall), _seconds(row.kernel), str(row.calls),
                _seconds(row.kernel / max(row.calls, 1)), f"{row.bandwidth / 1e9:.3g}",
                f"{row.speed / 1e9:.3g}" if row.flops else "-", f"{'∂' * row.backward}{row.name}" or "-",
                row.types or "-", row.line or "-"])
        kept = [i for i in range(len(cells[0])) if i < 7 or any(row[i] != "-" for row in cells[1:])]
        lines = aligned([[row[i] for i in kept] for row in cells], [2] * (len(kept) - 1), right=0)
        more = [f"… and {len(rows) - most} rows more"] if len(rows) > most else []
        return "\n".join([head, *lines, *more])

    def json(self, by: str = "instruction") -> str:
        """The same as JSON: `wall` and the rows' times in seconds, `host` in bytes and operations a second."""
        return json.dumps({
            "wall": self.wall, "calls": self._clocks.count, "kept": self.kept, "host": host()._asdict(),
            "rows": [{**row._asdict(), "bandwidth": row.bandwidth, "speed": row.speed} for row in self.rows(by)],
        }, ensure_ascii=False)

    def trace(self, file: str | TextIO) -> None:
        """Write the calls one by one, as the trace-event format has it (https://ui.perfetto.dev opens it)."""
        calls = self._clocks.calls
        lines = of_words(calls["line"]) if self._with_lines else [""] * len(calls)
        events: list[dict[str, Any]] = [
            {"name": "thread_name", "ph": "M", "pid": 1, "tid": tid, "args": {"name": name}}
            for tid, name in ((1, "forward"), (2, "backward"))]
        for (begin, end, stub, _), line in zip(calls.tolist(), lines):
            timed = self._clocks.of[stub]
            backward = timed.operand is not None
            events.append({
                "name": timed.plan.op.name, "cat": "backward" if backward else "forward", "ph": "X", "pid": 1,
                "tid": 1 + backward, "ts": (begin - self._began) / 1e3, "dur": (end - begin) / 1e3,
                "args": {"types": _types(timed.plan), "step": timed.step, **({"source": line} if line else {})}})
        written = json.dumps({"traceEvents": events, "displayTimeUnit": "ns"}, ensure_ascii=False)
        if isinstance(file, str):
            with open(file, "w", encoding="utf-8") as to:
                to.write(written)
        else:
            file.write(written)


def _types(plan: Plan) -> str:
    return f"{' '.join(type_text(o) for o in plan.operands)} → {type_text(plan.out)}"


def _moved(timed: Timed) -> int:
    """The bytes of what a run of an instruction reads and writes; backward, of its part for one operand."""
    plan = timed.plan
    if timed.operand is None:
        return sum(o.nbytes for o in plan.operands) + plan.out.nbytes
    if plan.op.moves_nothing:  # the gradient is added to a part of another
        return 3 * plan.out.nbytes
    read = plan.keeps[timed.operand] if plan.keeps else frozenset()
    return plan.out.nbytes + plan.operands[timed.operand].nbytes + sum(
        (plan.operands[j] if j < len(plan.operands) else plan.out).nbytes for j in read)


def _flops(timed: Timed) -> int:
    """What a product multiplies and adds; its adjoint, for each operand as much."""
    plan = timed.plan
    axis = _PRODUCTS.get(plan.op.name)
    return 2 * plan.out.numel * plan.operands[0].shape[axis] if axis is not None else 0


def _seconds(t: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if t * scale >= 1:
            return f"{t * scale:.3g} {unit}"
    return f"{t * 1e9:.3g} ns"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"
