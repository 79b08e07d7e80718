"""The text of a kernel that maps rows of columns without frames: steps call it turn by turn, with few elements.

Its pattern is that of the same kernel with frames, and after a colon, for each operand, which pointer it takes and how
many times as many elements after it it lies as the nest's last word says (`cc:0+0,0+1`): a kernel of 14 operands has
registers for 11 pointers, and moved them about for each vector. The nest has the strides of pointers.
"""
from __future__ import annotations

from tapegrad.machine.kernels.kernel_writer import KernelWriter
from tapegrad.machine.kernels.lowering import memory_type
from tapegrad.machine.kernels.region_writer import Region


class FlatWriter(KernelWriter):
    at: list[str]
    stride: dict[int, str]
    lies: list[tuple[int, int]]  # of each operand: by which pointer, and how many times `%apart` elements after it

    def __init__(self, region: Region, pattern: str, accumulate: tuple[bool, ...]) -> None:
        letters, _, beside = pattern.partition(":")
        super().__init__(region, letters, accumulate)
        self.lies = [(int(pointer), int(times)) for pointer, times in (one.split("+") for one in beside.split(","))]
        if self.by_row or len(self.lies) != len(self.dtypes):
            raise ValueError(f"pattern {pattern!r} does not describe {len(self.dtypes)} operands of a map")

    def write(self) -> None:
        count = 1 + max(pointer for pointer, _ in self.lies)
        self.label("entry")
        rows = self.let(f"load i64, ptr {self.element('%nest', 2)}")
        self.stride = {}
        self.line(f"%n = load i64, ptr {self.element('%nest', 3)}")
        starts = [self.let(f"load ptr, ptr {self.element('%pointers', k, 'ptr')}") for k in range(count)]
        steps = [self.let(f"load i64, ptr {self.element('%nest', 4 + 2 * k)}") for k in range(count)]
        for k, letter in enumerate(self.pattern):
            if letter == "s":
                self.stride[k] = self.let(f"load i64, ptr {self.element('%nest', 5 + 2 * self.lies[k][0])}")
        apart = self.let(f"load i64, ptr {self.element('%nest', 4 + 2 * count)}")
        for times in sorted({times for _, times in self.lies if times}):
            self.line(f"%apart.{times} = mul nsw i64 {apart}, {times}")
        some = [self.let(f"icmp sgt i64 {size}, 0") for size in (rows, "%n")]
        self.line(f"br i1 {self.let(f'and i1 {some[0]}, {some[1]}')}, label %begin, label %end")
        self.label("begin")
        begin = len(self.lines)
        self.jump("row")
        phis = len(self.lines)
        self.at = [f"%walk{pointer}" for pointer, _ in self.lies]
        self.final_pass(range(len(self.values)), {})
        for k, step in enumerate(steps):
            self.line(f"%walk{k}.next = getelementptr i8, ptr %walk{k}, i64 {step}")
        self.line("%left.next = sub i64 %left, 1")
        self.line("%more = icmp ne i64 %left.next, 0")
        after = self.block
        self.line("br i1 %more, label %row, label %end")
        self.lines[phis:phis] = [
            f"  %left = phi i64 [{rows}, %begin], [%left.next, %{after}]",
            *(f"  %walk{k} = phi ptr [{start}, %begin], [%walk{k}.next, %{after}]" for k, start in enumerate(starts))]
        self.lines[begin:begin] = self.beginning
        self.label("end")

    def address(self, k: int, base: str, i: str) -> str:
        times = self.lies[k][1]
        if self.pattern[k] != "c" or not times:
            return super().address(k, base, i)
        return self.element(base, self.let(f"add nsw i64 {i}, %apart.{times}"), memory_type(self.dtypes[k]))
