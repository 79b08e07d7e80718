"""Reclaiming: one walk up the tape marks what live tensors reach, one walk down compacts the rest away."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native.arena import libc_free
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.source_lines import call_forget_codes
from tapegrad.machine.native.tape import call_bury, free_row, let_go, pool_entry, release_kept

_PLAN_MASK = np.uint32(rec.PLAN_MASK)
_NAMED = np.uint32(rec.NAMED)
_RECORDED, _IMMORTAL = np.uint32(rec.RECORDED), np.uint32(rec.IMMORTAL)
_FREE, _MARKED, _OWNS = np.uint32(rec.FREE), np.uint32(rec.MARKED), np.uint32(rec.OWNS)
_ATTACHED, _LENT = np.uint32(rec.ATTACHED), np.uint32(rec.LENT)
_POOLED, _HEADER = np.uint16(rec.POOLED), np.uint64(rec.POOL_HEADER)
_CALLBACK = np.uint16(rec.CALLBACK)
call_drop_node: Callee = by_name("tapegrad_drop_node", types.int32, types.uint64)
_MANY_CODES = np.uint64(1024)
_NEVER = np.uint64(rec.NEVER)

_realloc = external("realloc", u64, u64, u64)


@inlined
def mark_row(index):
    rows = buffers()
    rows[index].flags |= _MARKED
    owner = rows[rows[index].owner]
    if not owner.flags & _FREE:
        owner.flags |= _OWNS


@native
def hold_visited():
    """Mark what the sweeps under way visit, and note it by rows, which do not move, in place of instructions."""
    code = instructions()
    at = machine().workspaces
    while at != U0:
        w = workspace_at(at)
        if w.active != U0:
            reached = halves(w.reached)
            for i in range(w.n_reached):
                reached[i] = code[reached[i]].out
                mark_row(reached[i])
            for i in range(w.n_leaves):
                mark_row(halves(w.leaves)[i])
            w.culprit = np.uint64(code[w.culprit].out)
        at = w.next


@native
def find_visited():
    """Tell the sweeps under way where their instructions are after they have moved."""
    rows = buffers()
    at = machine().workspaces
    while at != U0:
        w = workspace_at(at)
        if w.active != U0:
            reached = halves(w.reached)
            for i in range(w.n_reached):
                reached[i] = rows[reached[i]].producer - N1
            if rows[w.culprit].producer != N0:
                w.culprit = np.uint64(rows[w.culprit].producer - N1)
        at = w.next


@native
def sweep_rows():
    """Free the rows nothing names, and list the free ones anew: low ones come first, and the table ends early.

    A row that is named for its bytes alone, by an alias, loses what belongs to it: no sweep comes there any more, and
    that may be what holds the alias, such as a custom function that saved its own result.
    """
    m = machine()
    rows = buffers()
    m.free_buffer = U0
    i = m.n_buffers
    while i > U1:
        i -= U1
        row = rows[i]
        if row.flags & _ATTACHED and row.tensor == U0 and not row.flags & _MARKED:
            call_bury(i)
        if row.flags & _FREE:
            row.owner = np.uint32(m.free_buffer)
            m.free_buffer = i
        elif row.flags & (_MARKED | _OWNS):
            row.flags &= ~(_MARKED | _OWNS)
        elif row.flags & _RECORDED and not row.flags & _IMMORTAL:
            if row.tensor == U0 and row.refs == N0:
                free_row(np.uint32(i))
            else:
                row.flags &= ~(_RECORDED | _NAMED)
        if row.flags & _FREE and i + U1 == m.n_buffers:
            m.free_buffer = np.uint64(row.owner)
            m.n_buffers = i


@native
def shift_moments(earlier, n):
    """Count moments in the instructions that are left: of n, so many that were before each.

    Where there was no memory for that, all that are left count as earlier.
    """
    m = machine()
    rows = buffers()
    lent = U0
    for i in range(U1, m.n_buffers):
        if rows[i].flags & _LENT:
            lent = U1
            for j in range(U2 * i, U2 * i + U2):
                moment = min(np.uint64(halves(m.moments)[j]), n)
                if moment != U0:
                    halves(m.moments)[j] = halves(earlier)[moment] if earlier != U0 else np.uint32(m.n_instructions)
    m.lent = lent


@inlined
def let_go_of(t):
    """What an instruction keeps is read no more."""
    if plans()[instructions()[t].plan & _PLAN_MASK].flags & _CALLBACK:
        call_drop_node(t)
    else:
        release_kept(t)


@export(types.int32(types.uint64))
def abandon(row):
    """The end of a history dies: let go at once what that keeps, and what the instructions before it keep.

    Those where all that came later is dead as well. It may lead to a compiled function that nobody else has, and that
    to a model; were it done for every loss, a compiled step would take 30 ns more. Each is gone through once; whatever
    else is dead is found when the tape is reclaimed. Not where somebody may be on the way to the row.
    """
    m = machine()
    if m.pins | m.trace | m.reclaiming | m.paths or m.sweep_at == _NEVER:
        return np.int32(0)
    at = m.workspaces
    while at != U0:
        if workspace_at(at).active != U0:
            return np.int32(0)
        at = workspace_at(at).next
    t = np.uint64(buffers()[row].producer)
    first = t - U1
    if t == m.n_instructions:
        first = min(m.abandoned, first)
        m.abandoned = t
    while t > first:
        t -= U1
        out = instructions()[t].out
        made = np.uint64(buffers()[out].producer) == t + U1
        if made and buffers()[out].tensor != U0 and np.uint64(out) != row:
            break
        let_go_of(t)
        if made and buffers()[out].flags & _ATTACHED:
            call_bury(np.uint64(out))
    return np.int32(0)


@export(types.uint64())
def reclaim():
    """Drop the instructions no live tensor can reach, and the rows nothing names; returns the instructions left.

    One reverse walk marks (record order is a topological order), one forward walk compacts. It is put off while
    somebody records several instructions of which the later ones are to hold the earlier, and until sweeps without the
    GIL have paused.
    """
    m = machine()
    if m.pins != U0 or m.reclaiming != U0:
        return m.n_instructions
    if m.replays != U0:
        m.halt = U1
        return m.n_instructions
    m.reclaiming = U1
    hold_visited()
    rows = buffers()
    code = instructions()
    p = pool()
    n = m.n_instructions
    t = n
    while t > U0:
        t -= U1
        row = code[t]
        out = rows[row.out]
        # A row that was rebound to a later instruction (history rewritten in place) leaves this one behind.
        if (out.tensor != U0 or out.flags & _MARKED) and np.uint64(out.producer) == t + U1:
            out.flags |= _MARKED
            if plans()[row.plan & _PLAN_MASK].flags & _POOLED:
                entry = pool_entry(row)
                for j in range(np.uint64(p[entry])):
                    mark_row(p[entry + _HEADER + j])
            else:
                mark_row(row.a)
                if row.b != N0:
                    mark_row(row.b)
        else:
            let_go_of(t)
            if np.uint64(out.producer) == t + U1:
                out.producer = N0
            row.out = N0
    left = U0
    pool_end = U0
    t = U0
    earlier = _realloc(U0, (n + U1) * np.uint64(4)) if m.lent != U0 else U0
    while t < n:
        if earlier != U0:
            halves(earlier)[t] = np.uint32(left)
        if t == m.trace_start:
            m.trace_start = left
        row = code[t]
        if row.out != N0:
            if plans()[row.plan & _PLAN_MASK].flags & _POOLED:
                entry = pool_entry(row)
                size = _HEADER + np.uint64(2) * np.uint64(p[entry])
                for j in range(size):
                    p[pool_end + j] = p[entry + j]
                row.a = np.uint32(pool_end & np.uint64(0xFFFFFFFF))
                row.b = np.uint32(pool_end >> np.uint64(32))
                pool_end += size
            rows[row.out].producer = np.uint32(left + U1)
            if left != t:
                kept = code[left]
                kept.plan = row.plan
                kept.out = row.out
                kept.a = row.a
                kept.b = row.b
                kept.va = row.va
                kept.vb = row.vb
                if m.lines != U0:
                    words(m.lines)[left] = words(m.lines)[t]
            left += U1
        t += U1
    if m.trace_start >= n:
        m.trace_start = left
    m.n_instructions = left
    m.abandoned = m.orphans = U0
    m.n_pool = pool_end
    m.guarded = min(m.guarded, U1)
    find_visited()
    sweep_rows()
    if m.lent != U0:
        if earlier != U0:
            halves(earlier)[n] = np.uint32(left)
        shift_moments(earlier, n)
        libc_free(earlier)
    m.sweeps += U1
    if m.sweep_at != _NEVER:
        m.sweep_at = min(left * np.uint64(2) + m.n_buffers // np.uint64(4) + np.uint64(rec.SWEEP_AT),
                         m.max_instructions - np.uint64(2))  # a full tape is one to reclaim
    m.attach_at = m.n_attached + (left + m.n_buffers) // np.uint64(64) + np.uint64(64)
    m.reclaiming = U0
    if left == U0 and m.n_codes - m.n_forgotten > _MANY_CODES:
        call_forget_codes(U0)
    let_go()
    # Of what is left once Python has let go:
    if m.sweep_bytes != _NEVER:
        m.sweep_bytes = m.kept_bytes * np.uint64(2) + np.uint64(64 << 20)
    m.large_at = m.large_live * np.uint64(2) + np.uint64(64 << 20)
    return left
