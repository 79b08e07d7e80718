"""The jitted kernels of running reductions, and the LLVM text of all that are jitted (`text`).

Nests are int64 words, strides count bytes. The kernels turn an odometer over all axes but the last.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from tapegrad.machine.kernels.structural import factorisations, loops, sorting
from tapegrad.machine.kernels.structural.elements import NUMPY, view_of
from tapegrad.machine.native.build import module_text
from tapegrad.machine.native.glue import i32, native, signed_words, stack_words, u64, words

U0, U1, U2 = (np.uint64(i) for i in range(3))


def _wide(of: str) -> Any:
    return np.float64 if of.startswith("f") else np.int64


def scan(mode: str, of: str) -> Any:
    """A running reduction along the last axis. Pointers: out, x. Nest: [rank, sizes…, out strides…, x strides…].

    "sum" and "prod" keep double (or int64) accumulators; "logsumexp" the maximum so far and a scaled sum; "argmax"
    and "argmin" write the int64 position of the extreme so far, the last of equal ones, and stay at the first NaN.
    """
    at = view_of(of)
    places = mode.startswith("arg")
    out_at = view_of("i64") if places else at
    wide, element = _wide(of), getattr(np, np.dtype(NUMPY[of]).name)
    largest = mode == "argmax"

    if mode in ("sum", "prod"):
        product = mode == "prod"

        @native
        def row(out, out_step, x, x_step, turns):
            total = wide(1) if product else wide(0)
            for j in range(turns):
                v = wide(at(np.uint64(np.int64(x) + j * x_step))[U0])
                total = total * v if product else total + v
                out_at(np.uint64(np.int64(out) + j * out_step))[U0] = element(total)
    elif mode == "logsumexp":
        @native
        def row(out, out_step, x, x_step, turns):
            top = -np.inf
            total = 0.0
            for j in range(turns):
                v = np.float64(at(np.uint64(np.int64(x) + j * x_step))[U0])
                if v != v or top != top:
                    top = np.nan
                elif v <= top:
                    if v != -np.inf and top != np.inf:
                        total += np.exp(v - top)
                else:
                    total = 1.0 if top == -np.inf or v == np.inf else total * np.exp(top - v) + 1.0
                    top = v
                result = top + np.log(total) if top == top and top != -np.inf and top != np.inf else top
                out_at(np.uint64(np.int64(out) + j * out_step))[U0] = element(result)
    else:
        @native
        def row(out, out_step, x, x_step, turns):
            best = at(x)[U0]
            place = np.int64(0)
            for j in range(turns):
                v = at(np.uint64(np.int64(x) + j * x_step))[U0]
                if best == best and (v != v or (v >= best if largest else v <= best)):
                    best = v
                    place = np.int64(j)
                elif v != v:
                    place = np.int64(j)
                out_at(np.uint64(np.int64(out) + j * out_step))[U0] = place

    return _along_rows(row, 1)


def recurrence(mode: str, of: str) -> Any:
    """y[i] = a[i] + b[i] y[i - 1] along the last axis, with b[i - 1] where "lagged".

    Pointers: out, a, b. Nest: as that of `scan`, with b's strides last.
    """
    at = view_of(of)
    wide, element = _wide(of), getattr(np, np.dtype(NUMPY[of]).name)
    lagged = mode == "lagged"

    @native
    def row(out, out_step, a, a_step, b, b_step, turns):
        total = wide(0)
        for j in range(turns):
            of_b = j - 1 if lagged and j > 0 else j
            factor = wide(at(np.uint64(np.int64(b) + of_b * b_step))[U0])
            total = wide(at(np.uint64(np.int64(a) + j * a_step))[U0]) + (factor * total if j > 0 else wide(0))
            at(np.uint64(np.int64(out) + j * out_step))[U0] = element(total)

    return _along_rows(row, 2)


def _along_rows(row: Any, inputs: int) -> Any:
    """The kernel that calls `row(out, step, x, step, …, turns)` for every row along the last axis."""
    two = inputs == 2

    def kernel(pointers, nest):
        n = signed_words(nest)
        rank = np.uint64(n[U0])
        sizes, outs, xs = U1, U1 + rank, U1 + rank + rank
        ys = xs + rank if two else xs
        out, x = words(pointers)[U0], words(pointers)[U1]
        y = words(pointers)[U2] if two else x
        counters = signed_words(stack_words(64))
        for d in range(rank):
            if n[sizes + d] == 0:
                return np.int32(0)
            counters[d] = np.int64(0)
        last = rank - U1
        while True:
            if two:
                row(out, n[outs + last], x, n[xs + last], y, n[ys + last], n[sizes + last])
            else:
                row(out, n[outs + last], x, n[xs + last], n[sizes + last])
            d = last
            while True:
                if d == U0:
                    return np.int32(0)
                d -= U1
                counters[d] += 1
                out = np.uint64(np.int64(out) + n[outs + d])
                x = np.uint64(np.int64(x) + n[xs + d])
                y = np.uint64(np.int64(y) + n[ys + d])
                if counters[d] < n[sizes + d]:
                    break
                counters[d] = np.int64(0)
                out = np.uint64(np.int64(out) - n[sizes + d] * n[outs + d])
                x = np.uint64(np.int64(x) - n[sizes + d] * n[xs + d])
                y = np.uint64(np.int64(y) - n[sizes + d] * n[ys + d])

    return kernel


_FAMILIES = {"scan": scan, "recurrence": recurrence, "positions": sorting.positions, "searched": sorting.searched,
             **factorisations.FAMILIES, **loops.FAMILIES}


def text(family: str, mode: str, of: str) -> str:
    """The LLVM text of one kernel under the name `kernel`."""
    return module_text([("kernel", i32(u64, u64), native(_FAMILIES[family](mode, of)))])

