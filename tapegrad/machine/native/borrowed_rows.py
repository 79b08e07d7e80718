"""Rows on the bytes of another, whose writes are counted apart, and rows that come to lie elsewhere (`x.data`)."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.tape import FAILED, drop_storage, kept_mask, new_row, pool_entry, pooled_kept, version_of

_PLAN_MASK, _RELEASED = np.uint32(rec.PLAN_MASK), np.uint32(rec.RELEASED)
_EXTERNAL, _FREE = np.uint32(rec.EXTERNAL), np.uint32(rec.FREE)
_SHARED, _BORROWED, _INFERENCE, _LENT = (
    np.uint32(i) for i in (rec.SHARED, rec.BORROWED, rec.INFERENCE, rec.LENT))
_POOLED, _VIEW, _INPLACE = (np.uint16(i) for i in (rec.POOLED, rec.VIEW, rec.INPLACE))
_KEEPS_OUT, _HEADER = np.uint8(rec.KEEPS_OUT), np.uint64(rec.POOL_HEADER)


@native
def borrow(owner):
    """A new owner row on the bytes of another, 0 where there is no room: writes to it are counted apart."""
    rows = buffers()
    lender = rows[owner].producer if rows[owner].flags & _BORROWED else owner
    index = new_row(rows[lender].layout, N0, rows[lender].address)
    if index != FAILED:
        row = rows[index]
        row.flags = _BORROWED | _LENT | rows[lender].flags & _INFERENCE
        row.producer = lender
        moments = words(machine().moments)
        moments[index] = U0
        if not rows[lender].flags & _LENT:
            rows[lender].flags |= _LENT
            moments[lender] = U0
        rows[lender].refs += N1
        machine().lent = U1
    return index


@native
def hand_over(index):
    """Let a new row own the storage that a row owns, so that this one can lie elsewhere; the new owner, or 0."""
    rows = buffers()
    row = rows[index]
    heir = new_row(row.layout, N0, row.address)
    if heir == FAILED:
        return heir
    others = row.flags & _SHARED or row.refs > N1
    owned = _EXTERNAL | _SHARED | _LENT
    words(machine().moments)[heir] = words(machine().moments)[index]
    rows[heir].version = row.version
    rows[heir].refs = row.refs
    rows[heir].flags = row.flags & (owned | _INFERENCE)
    row.flags &= ~owned
    row.owner = heir
    row.refs = N0
    if others:
        for i in range(machine().n_buffers):
            other = rows[i]
            if not other.flags & _FREE:
                if other.owner == index:
                    other.owner = heir
                if other.flags & _BORROWED and other.producer == index:
                    other.producer = heir
    return heir


@native
def times_kept(index):
    """How often instructions keep the value of a row for backward.

    What a write in place made was a new row: nothing before that keeps it.
    """
    m = machine()
    code = instructions()
    p = pool()
    found = N0
    start = np.uint64(buffers()[index].producer)
    if start == U0 or buffers()[index].flags & _BORROWED or not (
            plans()[code[start - U1].plan & _PLAN_MASK].flags & _INPLACE):
        start = U1
    for t in range(start - U1, m.n_instructions):
        row = code[t]
        plan_row = plans()[row.plan & _PLAN_MASK]
        if row.plan & _RELEASED or plan_row.flags & _VIEW:
            continue
        if plan_row.flags & _POOLED:
            entry = pool_entry(row)
            kept = pooled_kept(plan_row, p[entry + U1])
            for j in range(np.uint64(p[entry]) if kept != N0 else U0):
                if (kept >> np.uint32(j)) & N1 and p[entry + _HEADER + j] == index:
                    found += N1
            if kept >> np.uint32(31) and row.out == index:
                found += N1
        else:
            mask = kept_mask(plan_row, row.plan)
            if mask & np.uint8(1) and row.a == index:
                found += N1
            if mask & np.uint8(2) and row.b == index:
                found += N1
            if mask & _KEEPS_OUT and row.out == index:
                found += N1
    return found


@native
def kept_row(owner, start):
    """What an instruction from `start` on keeps of the bytes of an owner as they are now: its row and, above 32 bits,
    that instruction, the first one; 0 where there is nothing.

    The latest instructions come first: what is older than the last recorded write kept other bytes. Loops that write to
    one tensor would look at all of the tape in each turn.
    """
    m = machine()
    rows = buffers()
    code = instructions()
    p = pool()
    first = U0
    t = m.n_instructions
    while t > start:
        t -= U1
        row = code[t]
        plan_row = plans()[row.plan & _PLAN_MASK]
        if row.plan & _RELEASED or plan_row.flags & _VIEW:
            continue
        found = N0
        target = row.a
        if plan_row.flags & _POOLED:
            entry = pool_entry(row)
            count = np.uint64(p[entry])
            target = p[entry + _HEADER]
            kept = pooled_kept(plan_row, p[entry + U1])
            for j in range(count if kept != N0 else U0):
                operand = p[entry + _HEADER + j]
                if ((kept >> np.uint32(j)) & N1 and rows[operand].owner == owner
                        and p[entry + _HEADER + count + j] == version_of(operand)):
                    found = operand
            if kept >> np.uint32(31) and rows[row.out].owner == owner and p[entry + U2] == version_of(row.out):
                found = row.out
        else:
            mask = kept_mask(plan_row, row.plan)
            if mask & np.uint8(1) and rows[row.a].owner == owner and row.va == version_of(row.a):
                found = row.a
            if mask & np.uint8(2) and rows[row.b].owner == owner and row.vb == version_of(row.b):
                found = row.b
            if mask & _KEEPS_OUT and rows[row.out].owner == owner and version_of(row.out) == N0:
                found = row.out
        if found != N0:
            first = t << np.uint64(32) | np.uint64(found)
        if plan_row.flags & _INPLACE and rows[target].owner == owner:
            break
    return first


@native
def settle_on(index, owner, address, layout):
    """Let a row lie elsewhere, as long as it had its place: what kept it for backward keeps what it is there.

    `owner` is a row that nothing refers to yet; it goes on with the count of writes.
    """
    m = machine()
    rows = buffers()
    row = rows[index]
    old = row.owner
    kept = times_kept(index) if rows[old].refs > N1 else N0
    rows[owner].version = rows[old].version
    rows[owner].refs = kept + N1
    more = layouts()[rows[owner].layout].nbytes - layouts()[rows[old].layout].nbytes
    m.kept_bytes += np.uint64(kept) * more
    halves(m.moments)[np.uint64(owner) * U2 + U1] = np.uint32(m.n_instructions)
    row.owner = owner
    row.address = address
    row.layout = layout
    rows[old].refs -= kept
    drop_storage(old)
