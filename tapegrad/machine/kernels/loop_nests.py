"""From shapes and strides to the loop nest a kernel runs: axes in memory order, merged where they join up."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tapegrad.named_tuples import NamedTuple


class Nest(NamedTuple):
    """`words` is what the kernel reads (see `emitter`); `pattern` says what its innermost loop looks like."""

    words: np.ndarray
    pattern: str


def merge(sizes: list[int], strides: list[list[int]]) -> tuple[list[int], list[list[int]]]:
    """Join neighbouring axes that are one axis in every operand."""
    out_sizes: list[int] = []
    out_strides: list[list[int]] = [[] for _ in strides]
    for d, n in enumerate(sizes):
        if out_sizes and all(o[-1] == s[d] * n for o, s in zip(out_strides, strides)):
            out_sizes[-1] *= n
            for o, s in zip(out_strides, strides):
                o[-1] = s[d]
        else:
            out_sizes.append(n)
            for o, s in zip(out_strides, strides):
                o.append(s[d])
    return out_sizes, out_strides


def build(shape: Sequence[int], strides: Sequence[Sequence[int]], itemsizes: Sequence[int],
          reduced: Sequence[int] = (), rows: bool = False, ordered: bool = False) -> Nest:
    """The nest over `shape` for operands with these byte strides (outputs first), `reduced` axes making up the row.

    `rows` says that the kernel works row by row even where no axis is left in the row.
    `ordered` keeps the row's own order of elements (argmax counts positions).
    """
    axes = [d for d, n in enumerate(shape) if n != 1]
    row = [d for d in axes if d in reduced]
    kept = [d for d in axes if d not in reduced]
    # The output's order decides, then the inputs': writes are dearer than reads.
    kept.sort(key=lambda d: tuple(-abs(s[d]) for s in strides))
    if not ordered:
        row.sort(key=lambda d: tuple(-abs(s[d]) for s in strides[::-1]))
    kept_sizes, kept_strides = merge([shape[d] for d in kept], [[s[d] for d in kept] for s in strides])
    row_sizes, row_strides = merge([shape[d] for d in row], [[s[d] for d in row] for s in strides])
    if rows and kept_sizes and not row_sizes:
        row_sizes, row_strides = [1], [[0] for _ in strides]
    words = [len(kept_sizes), len(row_sizes), *kept_sizes, *row_sizes]
    for k, r in zip(kept_strides, row_strides):
        words += [*k, *r]
    if not kept_sizes and not row_sizes:
        pattern = "1"
    else:
        def letters(of: list[list[int]]) -> str:
            return "".join("0" if s[-1] == 0 else "c" if s[-1] == i else "s" for s, i in zip(of, itemsizes))

        inner = row_strides if row_sizes else kept_strides
        pattern = letters(inner)
        if row_sizes and kept_sizes and "c" not in pattern[1:]:
            columns = letters(kept_strides)
            if "c" in columns[1:] and "s" not in columns and kept_sizes[-1] >= 4:
                pattern = "|" + columns
    return Nest(np.array(words, "i8"), pattern)
