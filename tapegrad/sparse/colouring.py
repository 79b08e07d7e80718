"""Colours of rows, or of rows and columns at once, so that sums over those of one colour tell their parts apart.

Greedy, in the order of numbers (Curtis, Powell and Reid 1974; star colouring: Gebremedhin, Manne and Pothen, "What
color is your Jacobian?", algorithm 4.1). Large patterns are coloured by the same functions through numba.
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
MANY = 1 << 18  # steps from which numba's second of compiling is worth it


def _apart(rows: Array, row_starts: Array, columns: Array, column_starts: Array, colours: Array, taken: Array) -> None:
    """No two rows of a colour share a column."""
    for i in range(len(row_starts) - 1):
        for a in range(row_starts[i], row_starts[i + 1]):
            column = rows[a]
            for b in range(column_starts[column], column_starts[column + 1]):
                if columns[b] < i:
                    taken[colours[columns[b]]] = i
        colour = 0
        while taken[colour] == i:
            colour += 1
        colours[i] = colour


def _star(near: Array, starts: Array, colours: Array, taken: Array) -> None:
    """Neighbours differ, and no path of four has two colours; colours are -1 before."""
    for v in range(len(starts) - 1):
        for a in range(starts[v], starts[v + 1]):
            w = near[a]
            if w == v:
                continue
            if colours[w] >= 0:
                taken[colours[w]] = v
            for b in range(starts[w], starts[w + 1]):
                x = near[b]
                if colours[x] < 0 or taken[colours[x]] == v or x == w:  # v itself has none yet
                    continue
                if colours[w] < 0:
                    taken[colours[x]] = v
                    continue
                for c in range(starts[x], starts[x + 1]):
                    y = near[c]
                    if y != w and y != x and colours[y] == colours[w]:
                        taken[colours[x]] = v
                        break
        colour = 0
        while taken[colour] == v:
            colour += 1
        colours[v] = colour


@functools.cache
def _compiled(function: Callable[..., None]) -> Callable[..., None]:
    import numba

    made: Callable[..., None] = numba.njit(function)
    return made


def _run(function: Callable[..., None], steps: int, *arrays: Array) -> Array:
    *given, colours, taken = arrays
    if steps >= MANY:
        _compiled(function)(*given, colours, taken)
    else:
        lists = [a.tolist() for a in (*given, colours, taken)]
        function(*lists)
        colours = np.array(lists[-2], np.int64)
    return colours


def rows_apart(pattern: Any) -> Array:
    """Colours of the rows of a pattern (CSR) that let each row be told from the sum of all of its colour."""
    n = pattern.shape[0]
    columns = pattern.tocsc()
    heights = np.diff(columns.indptr).astype(np.int64)
    if n and heights.max(initial=0) == n:  # a column that all rows share
        return np.arange(n)
    return _run(_apart, int((heights ** 2).sum()), pattern.indices, pattern.indptr, columns.indices, columns.indptr,
                np.zeros(n, np.int64), np.full(n + 1, -1, np.int64))


def star(pattern: Any) -> Array:
    """Colours of the rows and columns of a symmetric pattern, from which `symmetric_places` reads."""
    n = pattern.shape[0]
    degrees = np.diff(pattern.indptr).astype(np.int64)
    if pattern.nnz == n * n:
        return np.arange(n)
    return _run(_star, int((pattern @ degrees).sum()), pattern.indices, pattern.indptr, np.full(n, -1, np.int64),
                np.full(n + 1, -1, np.int64))


def symmetric_places(pattern: Any, colours: Array) -> Array:
    """For each entry of a symmetric pattern its place in the sums (colour by element), flat.

    Entry (i, j) is the sum of j's colour at i where that has no other entry in row i, else that of i's colour at j.
    """
    n, count = pattern.shape[0], int(colours.max(initial=-1)) + 1
    i, j = np.repeat(np.arange(n), np.diff(pattern.indptr)), pattern.indices.astype(np.int64)
    met = np.bincount(i * count + colours[j], minlength=n * count)
    alone = met[i * count + colours[j]] == 1
    if not (alone | (met[j * count + colours[i]] == 1)).all():
        raise RuntimeError("sparse: these colours do not tell all entries apart")
    return np.where(alone, colours[j] * n + i, colours[i] * n + j)
