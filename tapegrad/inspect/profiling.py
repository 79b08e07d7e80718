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
from tapegrad.compiler.step_costs import cost_of
from tapegrad.inspect.clocks import MOST, Clocks, Timed, TimedStep
from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import machine
from tapegrad.machine.planning import Plan
from tapegrad.tape.lines import of_word, of_words
from tapegrad.tape.text import aligned, bytes_text, type_text

_PRODUCTS = {"mm": 1, "bmm": 2, "mv": 1, "dot": 0}  # the axis of the first operand that is summed over
_ELSEWHERE = "-"
_MEMORY = "(memory)"


class Row(NamedTuple):
    """One line of a profile: `kernel` seconds of the machine's work, `total` with what led there since the last call.

    `moved` are the bytes that operands and results have, `flops` what products compute, and what the superinstructions
    of compiled programs do: zero where that is not known. `blocks` of memory were taken for it, of `taken` bytes.
    `program` is the function that a compiled step belongs to, and its number there.
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
    blocks: int = 0
    taken: int = 0
    program: str = ""

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
        kinds = _Kinds(self._clocks)
        keys, names = self._keys(by, kinds)
        runs_of = self._runs(kinds)
        taken = self._taken(keys, names, by)
        found = []
        for k, name in enumerate(names):
            mine = keys == k
            which, counts = np.unique(kinds.which[mine], return_counts=True)
            first = [(kinds.all[i], n) for i, n in zip(which.tolist(), counts.tolist()) if kinds.all[i].begins]
            found.append(Row(*name[:4], round(runs_of[mine].sum().item()),
                             kernel[mine].sum().item() / 1e9, since[mine].sum().item() / 1e9,
                             sum(kind.moved * n for kind, n in first), sum(kind.flops * n for kind, n in first),
                             int(taken[k, 0]), int(taken[k, 1]), name.program))
        if found:  # what came after the last call that was noted
            left = self.wall - (int(ends[-1] if len(ends) else self._began) - self._began) / 1e9
            line = _ELSEWHERE if by == "line" else ""
            found.append(Row("(after the last call)", "", False, line, 0, 0.0, left, 0, 0))
        return sorted(found, key=lambda row: -row.total)

    @property
    def taken(self) -> int:
        """The bytes of all blocks of memory that were taken."""
        return int(self._clocks.blocks["nbytes"].sum())

    def _runs(self, kinds: _Kinds) -> Any:
        """For every call 1 if an instruction's run begins with it, 0 if it goes on with one.

        The programs of an adjoint run in the order of the operands, so one for a later operand of the same plan goes on
        with what the one before did (two instructions of which each needs another operand are taken for one). An
        instruction of very many operands calls its kernel for each. A step of a compiled program is a run of its own.
        """
        of, which = kinds.all, kinds.which
        plans = np.array([kind.plan for kind in of], "i8")[which]
        operands = np.array([kind.operand for kind in of], "i8")[which]
        share = np.array([kind.share for kind in of])[which]
        first = np.flatnonzero(np.array([kind.begins for kind in of], bool)[which])
        goes_on = (np.diff(plans[first], prepend=-1) == 0) & (np.diff(operands[first], prepend=-1) > 0)
        goes_on &= np.concatenate([[False], operands[first[:-1]] >= 0]) if len(first) else False
        found = np.zeros(len(which))
        begins = first[~goes_on]
        found[begins] = share[begins]
        return found

    def _keys(self, by: str, kinds: _Kinds) -> tuple[Any, list[_Name]]:
        """(for every call the number of its row, what each row is called)"""
        calls = self._clocks.calls
        with_lines = self._with_lines and by != "opcode"
        words, line_of = np.unique(calls["line"] if with_lines else np.zeros(len(calls), "u8"), return_inverse=True)
        lines = [of_word(word) or _ELSEWHERE if with_lines else "" for word in words.tolist()]
        pairs, which = np.unique(kinds.which * len(words) + line_of, return_inverse=True)
        numbers: dict[_Name, int] = {}
        of_pair = []
        for pair in pairs.tolist():
            kind, line = kinds.all[pair // len(words)], lines[pair % len(words)]
            if with_lines and kind.lines is not None:
                line = _several(kind.lines)
            name = _Name("", "", False, line, "") if by == "line" else (
                _Name(kind.name, kind.types, kind.backward, line, kind.program) if by == "instruction" else
                _Name(kind.name, "", kind.backward, "", ""))
            of_pair.append(numbers.setdefault(name, len(numbers)))
        return np.array(of_pair, "i8")[which], [*numbers]

    def _taken(self, keys: Any, names: list[_Name], by: str) -> Any:
        """For each row how many blocks of memory were taken, and the bytes of these.

        They count to the call that came next where their line is that call's, and where there are no lines: a result's
        memory is taken before it is computed. Others have rows of their own, which are added to `names`.
        """
        calls, blocks = self._clocks.calls, self._clocks.blocks
        before = np.minimum(blocks["before"].astype("i8"), max(len(calls) - 1, 0))
        rows = keys[before] if len(calls) else np.full(len(blocks), -1)
        if by != "opcode" and self._with_lines:
            line = calls["line"][before] if len(calls) else np.zeros(len(blocks), "u8")
            apart = (blocks["before"] >= len(calls)) | (blocks["line"] != line)
            numbers = {name: k for k, name in enumerate(names)}
            for word in np.unique(blocks["line"][apart]).tolist():
                name = _Name("" if by == "line" else _MEMORY, "", False, of_word(word) or _ELSEWHERE, "")
                if name not in numbers:
                    numbers[name] = len(names)
                    names.append(name)
                rows[apart & (blocks["line"] == word)] = numbers[name]
        elif (blocks["before"] >= len(calls)).any():
            rows[blocks["before"] >= len(calls)] = len(names)
            names.append(_Name(_MEMORY, "", False, "", ""))
        found = np.zeros((len(names), 2), "i8")
        np.add.at(found, rows, np.stack([np.ones(len(blocks), "i8"), blocks["nbytes"].astype("i8")], 1))
        return found

    def __str__(self) -> str:
        return self.table()

    def table(self, by: str = "instruction", most: int = 30) -> str:
        """The rows as text, beside what this machine can do."""
        rows, can = self.rows(by), host()
        lost = max(self._clocks.count - MOST, 0)
        working = sum(row.kernel for row in rows)
        head = (f"profile of {_seconds(self.wall)}: {_percent(working, self.wall)} of it in {self._clocks.count} "
                f"kernel calls · {self._clocks.block_count} blocks of memory taken, {bytes_text(self.taken)} · "
                f"kept for backward {bytes_text(max(self.kept, 0))} more than before\n"
                f"one core here: {can.bandwidth / 1e9:.3g} GB/s, {can.speed / 1e9:.3g} GFLOP/s")
        if lost:
            head += f"\nthe last {lost} calls are in no row"
        cells = [["total", "share", "kernels", "count", "each", "GB/s", "GFLOP/s", "blocks", "taken", "op", "types",
                  "program", "source"]]
        for row in rows[:most]:
            cells.append([
                _seconds(row.total), _percent(row.total, self.wall), _seconds(row.kernel), str(row.calls),
                _seconds(row.kernel / max(row.calls, 1)), f"{row.bandwidth / 1e9:.3g}",
                f"{row.speed / 1e9:.3g}" if row.flops else "-", str(row.blocks or "-"),
                bytes_text(row.taken) if row.blocks else "-", f"{'∂' * row.backward}{row.name}" or "-",
                row.types or "-", row.program or "-", row.line or "-"])
        kept = [i for i in range(len(cells[0])) if i < 7 or any(row[i] != "-" for row in cells[1:])]
        lines = aligned([[row[i] for i in kept] for row in cells], [2] * (len(kept) - 1), right=0)
        more = [f"… and {len(rows) - most} rows more"] if len(rows) > most else []
        return "\n".join([head, *lines, *more])

    def json(self, by: str = "instruction") -> str:
        """The same as JSON: `wall` and the rows' times in seconds, `host` in bytes and operations a second."""
        return json.dumps({
            "wall": self.wall, "calls": self._clocks.count, "blocks": self._clocks.block_count, "taken": self.taken,
            "kept": self.kept, "host": host()._asdict(),
            "rows": [{**row._asdict(), "bandwidth": row.bandwidth, "speed": row.speed} for row in self.rows(by)],
        }, ensure_ascii=False)

    def trace(self, file: str | TextIO) -> None:
        """Write the calls one by one, as the trace-event format has it (https://ui.perfetto.dev opens it)."""
        calls = self._clocks.calls
        lines = of_words(calls["line"]) if self._with_lines else [""] * len(calls)
        events: list[dict[str, Any]] = [
            {"name": "thread_name", "ph": "M", "pid": 1, "tid": tid, "args": {"name": name}}
            for tid, name in ((1, "forward"), (2, "backward"))]
        kinds = _Kinds(self._clocks)
        for (begin, end, _, _), which, line in zip(calls.tolist(), kinds.which.tolist(), lines):
            kind = kinds.all[which]
            source = line if kind.lines is None or not self._with_lines else _several(kind.lines)
            events.append({
                "name": kind.name, "cat": "backward" if kind.backward else "forward", "ph": "X", "pid": 1,
                "tid": 1 + kind.backward, "ts": (begin - self._began) / 1e3, "dur": (end - begin) / 1e3,
                "args": {"types": kind.types, "step": kind.step, **({"source": source} if source else {}),
                         **({"program": kind.program, "called from": line} if kind.program else {})}})
        written = json.dumps({"traceEvents": events, "displayTimeUnit": "ns"}, ensure_ascii=False)
        if isinstance(file, str):
            with open(file, "w", encoding="utf-8") as to:
                to.write(written)
        else:
            file.write(written)


class _Name(NamedTuple):
    """What a row is called."""

    name: str
    types: str
    backward: bool
    line: str
    program: str


class _Kind(NamedTuple):
    """What calls of one number have in common: a plan's step, forward or for an operand (else -1), or a program's.

    `begins` says that it is the first of its instruction, to which bytes and operations count, `share` how much of a
    run of that it is. A program's step has `lines`, where a plan's has that of the call.
    """

    name: str
    types: str
    backward: bool
    program: str
    lines: tuple[int, ...] | None
    step: int
    plan: int
    operand: int
    share: float
    moved: int
    flops: int

    @property
    def begins(self) -> bool:
        return self.step == 0 or self.lines is not None


class _Kinds:
    """`all` kinds of a profile's calls, and `which` of them each call is."""

    def __init__(self, clocks: Clocks) -> None:
        numbers, self.which = np.unique(clocks.calls["stub"], return_inverse=True)
        self.all: list[_Kind] = [_kind(clocks.what(number), -2 - i) for i, number in enumerate(numbers.tolist())]


def _kind(what: Timed | TimedStep, alone: int) -> _Kind:
    if isinstance(what, TimedStep):
        cost = cost_of(what.item)
        program = f"{what.function}[{what.step}]" if what.step >= 0 else what.function
        return _Kind(cost.name, cost.over, what.backward, program, cost.lines, what.step, alone, -1, 1.0, cost.moved,
                     cost.flops)
    plan, many = what.plan, len(what.plan.operands)
    return _Kind(plan.op.name, _types(plan), what.operand is not None, "", None, what.step, plan.index,
                 -1 if what.operand is None else what.operand, 1 / many if many > rec.MOST else 1.0, _moved(what),
                 _flops(what))


def _several(words: tuple[int, ...]) -> str:
    """Lines as one text: `train.py:4,7`."""
    files: dict[str, list[str]] = {}
    for line in filter(None, map(of_word, words)):
        file, _, number = line.rpartition(":")
        files.setdefault(file, []).append(number)
    return " ".join(f"{file}:{','.join(sorted({*found}, key=int))}" for file, found in files.items()) or _ELSEWHERE


def _types(plan: Plan) -> str:
    return f"{' '.join(type_text(o) for o in plan.operands)} → {type_text(plan.out)}"


def _moved(timed: Timed) -> int:
    """The bytes of what a run of an instruction reads and writes; backward, of its part for one operand."""
    plan = timed.plan
    if timed.operand is None:
        return sum(o.nbytes for o in plan.operands) + plan.out.nbytes
    if plan.op.moves_nothing:  # the gradient is added to a part of another
        return 3 * plan.out.nbytes
    whose = [timed.operand] if timed.operand < len(plan.operands) else [j for j, kept in enumerate(plan.keeps) if kept]
    read = frozenset[int]().union(*(plan.keeps[j] for j in whose if plan.keeps))
    return plan.out.nbytes + sum(plan.operands[j].nbytes for j in whose) + sum(
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
