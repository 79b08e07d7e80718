"""The text of a kernel that does straight-line code of scalars at places that a table holds: the scalars of a wave.

Its nest is [0, 0, turns], its last pointer that of the table: for each turn so many bytes from an operand's pointer to
its element, as 32-bit words, in the order of the operands. Its pattern is `~` and a letter an operand: i for one that
the table places, m for one that moves on by a word of 64 bits, which the table says nothing of. Turns are done one
after the other, and each sees what those before it have written.
"""
from __future__ import annotations

from tapegrad.machine.kernels.loop_writer import Scope
from tapegrad.machine.kernels.region_writer import Region
from tapegrad.machine.kernels.straight_writer import StraightWriter

SLOT = 8  # bytes that an operand moves on by


class GatherWriter(StraightWriter):
    letters: str

    def __init__(self, region: Region, pattern: str, accumulate: tuple[bool, ...]) -> None:
        super().__init__(region, pattern, accumulate)
        self.letters = pattern[1:]
        if len(self.letters) != len(self.dtypes) or any(accumulate) or len(region.outputs) != 1:
            raise ValueError(f"pattern {pattern!r} does not describe {len(self.dtypes)} operands")

    def write(self) -> None:
        count = len(self.dtypes)
        self.label("entry")
        starts = [self.let(f"load ptr, ptr {self.element('%pointers', k, 'ptr')}") for k in range(count + 1)]
        turns = self.let(f"load i64, ptr {self.element('%nest', 2)}")
        self.jump("turn")
        phis = len(self.lines)
        at: list[str] = []
        placed = 0
        for k, letter in enumerate(self.letters):
            if letter == "m":
                offset = self.let(f"mul i64 %turn.i, {SLOT}")
            else:
                word = self.let(f"load i32, ptr {self.element('%words', placed, 'i32')}, align 4")
                offset = self.let(f"zext i32 {word} to i64")
                placed += 1
            at.append(self.element(starts[k], offset, "i8"))
        self.at = at
        scope: Scope = {}
        self.compute(self.values, scope, lambda k: self.load(at[k], self.dtypes[k]))
        self.store_all([0], scope, {})
        self.line(f"%words.next = getelementptr i32, ptr %words, i64 {placed}")
        self.line("%turn.next = add i64 %turn.i, 1")
        self.line(f"%more = icmp ne i64 %turn.next, {turns}")
        self.line("br i1 %more, label %turn, label %end")
        self.lines[phis:phis] = [
            "  %turn.i = phi i64 [0, %entry], [%turn.next, %turn]",
            f"  %words = phi ptr [{starts[count]}, %entry], [%words.next, %turn]"]
        self.label("end")
