"""The walk itself, in jitted code.

Every cell of memory has a current value; a call makes new values of its operands' current ones. Equal calls on equal
values are one value, and so is what is copied. Sums into what began as zero lose their zeros: no such sum is ever -0,
for x + y is that only where both are, and so 0 + x, added to it, is as good as x, and 0 as good as nothing. A gradient
of parts is such a sum: of rows that are zero but for one element.
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine.dataflow import loading
from tapegrad.machine.native.build import module_text
from tapegrad.machine.native.glue import halves, i32, native, octets, u64, words

U0, U1, U2, U3 = (np.uint64(i) for i in range(4))
H0, H1 = np.uint32(0), np.uint32(1)
_ZERO, _LITERAL = np.uint8(loading.ZERO), np.uint8(loading.LITERAL)
_COPY, _ADD, _ADD_WHOLE = np.uint8(loading.COPY), np.uint8(loading.ADD), np.uint8(loading.ADD_WHOLE)
_WORD, _LOAD, _KERNEL = (np.uint32(i) for i in (loading.WORD, loading.LOAD, loading.KERNEL))
_MIX, _SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)
_ZERO_VALUE = np.uint32(0)
_POSITIVE = np.uint8(1)  # a value that is never -0


@native
def found_or_made(p, n, mask, width, kind, arity):
    """The value of this kind whose operands lie where those of value n would: an earlier one, or n, now made."""
    table, kinds, operands = halves(p[U2]), halves(p[U3]), halves(p[U3 + U1])
    at = n * width
    h = np.uint64(kind) + U1
    for j in range(arity):
        h = (h + np.uint64(operands[at + j])) * _MIX
        h = h ^ (h >> _SHIFT)
    h = h & mask
    while table[h]:
        v = np.uint64(table[h]) - U1
        same = kinds[v] == kind
        for j in range(arity):
            same &= operands[v * width + j] == operands[at + j]
        if same:
            return v
        h = (h + U1) & mask
    table[h] = np.uint32(n + U1)
    kinds[n] = kind
    return n


@native
def put_in_wave(p, v, width, kind, arity):
    """The first wave in which a value can be computed."""
    kinds, operands, waves = halves(p[U3]), halves(p[U3 + U1]), halves(p[U3 + U2])
    wave = H0
    for j in range(arity):
        a = np.uint64(operands[v * width + j])
        needs = waves[a] + (H1 if kinds[a] > kind else H0)
        wave = max(wave, needs)
    waves[v] = wave


@native
def values(pointers, nest):
    # One array after the other, as `loading.trace_values` has them.
    q = words(pointers)
    acts, row_kernels, counts, firsts = octets(q[0]), halves(q[1]), halves(q[2]), halves(q[3])
    literals, cells, steps = words(q[4]), halves(q[5]), halves(q[6])
    rules, arities, adds = octets(q[7]), octets(q[8]), octets(q[9])
    outside, current = octets(q[10]), halves(q[11])
    p = words(pointers + np.uint64(80))  # so that p[2] is the table, and p[3] on are kinds, operands, waves
    kinds, operands, raw, flags, needed = halves(q[13]), halves(q[14]), halves(q[16]), octets(q[17]), octets(q[18])
    into, stored, totals = halves(q[19]), halves(q[20]), words(q[21])
    n_rows, n_cells, mask, width = words(nest)[0], words(nest)[1], words(nest)[2], words(nest)[3]

    kinds[U0] = _WORD
    operands[U0] = operands[U1] = H0
    flags[U0] = _POSITIVE
    raw[U0] = H0
    n = found_or_made(p, U0, mask, width, _WORD, U2) + U1
    for r in range(n_rows):
        act, first, count = acts[r], np.uint64(firsts[r]), np.uint64(counts[r])
        out, out_step = np.uint64(cells[first]), np.uint64(steps[first])
        if act == _ZERO:
            for i in range(count):
                current[out + i] = H1
            continue
        if act == _LITERAL:
            operands[n * width] = np.uint32(literals[r] & np.uint64(0xFFFFFFFF))
            operands[n * width + U1] = np.uint32(literals[r] >> np.uint64(32))
            v = found_or_made(p, n, mask, width, _WORD, U2)
            if v == n:
                raw[n] = np.uint32(n)
                n += U1
            current[out] = np.uint32(v + U1)
            continue
        k = np.uint64(row_kernels[r])
        rule, arity, added = rules[k], np.uint64(arities[k]), np.uint64(adds[k])
        kind = np.uint32(k) + _KERNEL
        for i in range(count):

            for j in range(arity):
                place = first + j + (U1 - added)
                cell = np.uint64(cells[place]) + i * np.uint64(steps[place])
                if not current[cell]:
                    if not outside[cell]:
                        return np.int32(1)
                    kinds[n] = _LOAD  # where the operands of the call would have begun: they move on
                    for back in range(j):
                        operands[(n + U1) * width + back] = operands[n * width + back]
                    operands[n * width] = np.uint32(cell)
                    raw[n] = np.uint32(n)
                    current[cell] = np.uint32(n + U1)
                    n += U1
                operands[n * width + j] = current[cell] - H1
            at = n * width
            v = n
            made = False
            if rule == _COPY:
                v = np.uint64(operands[at])
            elif rule >= _ADD:
                there, new = operands[at], operands[at + U1]
                whole = rule == _ADD_WHOLE
                positive = flags[there] | flags[new]
                if new == _ZERO_VALUE and (whole or flags[there]):
                    v = np.uint64(there)
                elif there == _ZERO_VALUE and (whole or flags[new]):
                    v = np.uint64(new)
                else:
                    if not whole and there != _ZERO_VALUE and flags[there]:
                        operands[at + U1] = raw[new]
                    made = True
                    v = found_or_made(p, n, mask, width, kind, arity)
                    if v == n:
                        flags[n] = positive
                        raw[n] = new if there == _ZERO_VALUE else np.uint32(n)
            else:
                made = True
                v = found_or_made(p, n, mask, width, kind, arity)
                if v == n:
                    raw[n] = np.uint32(n)
            if made and v == n:
                put_in_wave(p, n, width, kind, arity)
                n += U1
            current[out + i * out_step] = np.uint32(v + U1)
    m = U0
    for cell in range(n_cells):
        if outside[cell] and current[cell]:
            v = np.uint64(current[cell] - H1)
            if kinds[v] == _LOAD and np.uint64(operands[v * width]) == cell:
                continue
            into[m] = np.uint32(cell)
            stored[m] = np.uint32(v)
            needed[v] = np.uint8(1)
            m += U1
    v = n
    while v:
        v -= U1
        if needed[v] and kinds[v] >= _KERNEL:
            for j in range(np.uint64(arities[np.uint64(kinds[v] - _KERNEL)])):
                needed[np.uint64(operands[v * width + j])] = np.uint8(1)
    totals[U0] = n
    totals[U1] = m
    return np.int32(0)


def text() -> str:
    """The LLVM text of the walk."""
    return module_text([("values", i32(u64, u64), values)])
