"""The text of a kernel that does straight-line code of scalars turn after turn: a loop that was found in a program.

Its nest is [turns, a stride for each operand]. Its pattern is `@`, a letter an operand (m moves, 0 stays where it is, w
moves and is an output that no other operand overlaps), and after a colon which outputs come back: `2>0` has operand 2
read in the next turn what output 0 wrote in this one, so that it stays in a register. After another colon is which
operands lie beside others in each turn: `3=1+16` has operand 3 lie 16 bytes after operand 1, so that a turn's values
take one pointer. Outputs that stay are stored when all is done, inputs that stay are loaded before it. Others are
stored when a turn has loaded all it reads, or, if no operand overlaps them, as soon as they are there: to hold 40
values until then, and a pointer for each, took twice the time.
"""
from __future__ import annotations

from tapegrad.machine.kernels.loop_writer import Scope
from tapegrad.machine.kernels.lowering import register_type
from tapegrad.machine.kernels.region_writer import Region
from tapegrad.machine.kernels.straight_writer import StraightWriter


class TurnsWriter(StraightWriter):
    at: list[str]
    letters: str
    back: dict[int, int]
    beside: dict[int, tuple[int, int]]

    def __init__(self, region: Region, pattern: str, accumulate: tuple[bool, ...]) -> None:
        super().__init__(region, pattern, accumulate)
        self.letters, pairs, related = (pattern[1:] + "::").split(":")[:3]
        if len(self.letters) != len(self.dtypes) or any(accumulate):
            raise ValueError(f"pattern {pattern!r} does not describe {len(self.dtypes)} operands")
        self.back = {int(k): int(j) for pair in filter(None, pairs.split(",")) for k, j in [pair.split(">")]}
        self.beside = {int(k): (int(j), int(by)) for one in filter(None, related.split(","))
                       for k, _, where in [one.partition("=")] for j, by in [where.split("+")]}

    def write(self) -> None:
        outputs, count = len(self.region.outputs), len(self.dtypes)
        self.label("entry")
        starts = [self.let(f"load ptr, ptr {self.element('%pointers', k, 'ptr')}") for k in range(count)]
        turns = self.let("load i64, ptr %nest")
        walking = [k for k in range(count) if self.letters[k] != "0" and k not in self.back and k not in self.beside]
        strides = {k: self.let(f"load i64, ptr {self.element('%nest', 1 + k)}") for k in walking}
        scope: Scope = {}
        begin: dict[int, str] = {}
        for n in self.needed(self.values):
            k = outputs + n.value if n.op == "operand" else -1
            if k in self.back:
                begin[k] = self.load(starts[k], self.dtypes[k])
                scope[n] = f"%back{k}"
            elif k >= 0 and self.letters[k] == "0":
                scope[n] = self.load(starts[k], self.dtypes[k])
        self.jump("turn")
        phis = len(self.lines)
        self.at = [f"%walk{k}" if k in strides else start for k, start in enumerate(starts)]
        for k, (j, by) in self.beside.items():
            self.at[k] = self.let(f"getelementptr i8, ptr %walk{j}, i64 {by}")
        for j, value in enumerate(self.values):
            self.compute([value], scope, lambda k: self.load(self.at[k], self.dtypes[k]))
            if self.letters[j] == "w":
                self.store(self.at[j], scope[value], self.dtypes[j])
        self.store_all([j for j in range(outputs) if self.letters[j] == "m"], scope, {})
        for k, stride in strides.items():
            self.line(f"%walk{k}.next = getelementptr i8, ptr %walk{k}, i64 {stride}")
        self.line("%left.next = sub i64 %left, 1")
        self.line("%more = icmp ne i64 %left.next, 0")
        self.line("br i1 %more, label %turn, label %end")
        self.lines[phis:phis] = [
            f"  %left = phi i64 [{turns}, %entry], [%left.next, %turn]",
            *(f"  %walk{k} = phi ptr [{starts[k]}, %entry], [%walk{k}.next, %turn]" for k in strides),
            *(f"  %back{k} = phi {register_type(self.dtypes[k])} [{x}, %entry], "
              f"[{scope[self.values[self.back[k]]]}, %turn]" for k, x in begin.items())]
        self.label("end")
        self.store_all([j for j in range(outputs) if self.letters[j] == "0"], scope, {})

