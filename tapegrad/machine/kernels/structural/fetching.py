"""Rows on their way to a cache before a kernel reads them, or writes them, emitted.

What goes through a sequence backwards, some rows of many values at a time, reads no more than a few cache lines on end,
which processors do not see coming. Where others use the last-level cache too, a step back in an LSTM (8 x 64) waits
five times as long for its operands as it computes, and all of a training step takes 10-14 % less time when told ahead.
They come into the second-level cache: until they are used, a product with all of a layer's weights has gone through the
first (1 % of the step less).

The nest is [how many pointers, how many rows, (bytes of a row, bytes from a row to the next) for each pointer].
"""
from __future__ import annotations

from tapegrad.machine.kernels.structural.indexed import Loops

_LINE = 64  # bytes


class _Fetch(Loops):
    """The text of the kernel."""

    def text(self, writes: bool) -> str:
        self.label("entry")
        count, rows = self.word("%nest", 0), self.word("%nest", 1)
        with self.loop("0", count, 1, ("%pointers", 8), (self.element("%nest", 2), 16)) as (_, at, words):
            row, apart = self.word(words, 0), self.word(words, 1)
            first = self.let(f"load ptr, ptr {at}")
            with self.loop("0", rows, 1, (first, apart)) as (_, start), self.loop("0", row, _LINE, (start, _LINE)) as (
                    _, line):
                self.line(f"call void @llvm.prefetch.p0(ptr {line}, i32 {int(writes)}, i32 2, i32 1)")
        self.line("ret i32 0")
        self.declarations["declare void @llvm.prefetch.p0(ptr, i32, i32, i32)"] = None
        return self.module()


def fetch_text(writes: bool) -> str:
    """The text of the kernel that fetches rows ahead: addresses may lie outside of what there is."""
    return _Fetch().text(writes)
