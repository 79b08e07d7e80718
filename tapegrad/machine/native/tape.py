"""The tape itself: rows of values, rows of instructions, and what they hold alive (`reclaiming` drops the rest)."""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native import cpython as py
from tapegrad.machine.native.arena import carry_out, reclaim_soon, release
from tapegrad.machine.native.glue import *
from tapegrad.machine.native.source_lines import note_line
from tapegrad.machine.native.thread_modes import inferring

_PLAN_MASK, _RELEASED = np.uint32(rec.PLAN_MASK), np.uint32(rec.RELEASED)
_NEEDS_A, _NEEDS_B = np.uint32(rec.NEEDS_A), np.uint32(rec.NEEDS_B)
_RECORDED, _EXTERNAL, _IMMORTAL = np.uint32(rec.RECORDED), np.uint32(rec.EXTERNAL), np.uint32(rec.IMMORTAL)
_REQUIRES_GRAD, _FREE = np.uint32(rec.REQUIRES_GRAD), np.uint32(rec.FREE)
_WRAPPED, _ATTACHED = np.uint32(rec.WRAPPED), np.uint32(rec.ATTACHED)
_POOLED, _VIEW, _INPLACE, _ALIKE = (np.uint16(i) for i in (rec.POOLED, rec.VIEW, rec.INPLACE, rec.ALIKE))
_CALLBACK = np.uint16(rec.CALLBACK)
_MOST = np.uint64(rec.MOST)
_SHARED, _BORROWED, _LENT = (np.uint32(i) for i in (rec.SHARED, rec.BORROWED, rec.LENT))
_KEEPS_OUT = np.uint8(rec.KEEPS_OUT)
_HEADER = np.uint64(rec.POOL_HEADER)
_NAMED = np.uint32(rec.NAMED)
_QUEUED, _INFERENCE = np.uint32(rec.QUEUED), np.uint32(rec.INFERENCE)
_ATTACHMENT = np.uint64(rec.ATTACHMENT.itemsize)
_EVER = np.int64(1 << 62)
_MARGIN = np.uint64(1 << 12)
FAILED = np.uint32(0)

_realloc = external("realloc", u64, u64, u64)


@native
def new_row(layout, owner, address):
    """A fresh buffer row; with `owner` 0 it owns its storage."""
    m = machine()
    rows = buffers()
    index = m.free_buffer
    if index != U0:
        m.free_buffer = np.uint64(rows[index].owner)
    else:
        index = m.n_buffers
        if index + _MARGIN >= m.max_buffers:
            reclaim_soon()
            if index >= m.max_buffers:
                return FAILED
        m.n_buffers = index + U1
    row = rows[index]
    row.address = address
    row.tensor = U0
    row.layout = layout
    row.owner = np.uint32(index) if owner == N0 else owner
    if owner != N0:
        rows[owner].flags |= _SHARED
        row.flags = rows[owner].flags & _INFERENCE
    else:
        row.flags = _INFERENCE if inferring() else N0
    row.version = N0
    row.refs = N0
    row.producer = N0
    return np.uint32(index)


@native
def attach(index, obj):
    """Let a Python object belong to a row, until that is freed; False when memory is out."""
    m = machine()
    n = m.n_attached
    if n == m.max_attached:
        room = max(n * np.uint64(2), np.uint64(64))
        block = _realloc(m.attachments, room * _ATTACHMENT)
        if block == U0:
            return False
        m.attachments = block
        m.max_attached = room
    entry = attachments_at(m.attachments)[n]
    entry.object = obj
    entry.row = np.uint64(index)
    py.incref(obj)
    halves(m.places)[index] = np.uint32(n + U1)
    buffers()[index].flags |= _ATTACHED
    m.n_attached = n + U1
    if m.n_attached > m.attach_at:
        reclaim_soon()  # nobody knows how much they hold
    return True


@native
def attached(index):
    """The object that belongs to a row, or 0: a borrowed reference."""
    if not buffers()[index].flags & _ATTACHED:
        return U0
    m = machine()
    return attachments_at(m.attachments)[np.uint64(halves(m.places)[index]) - U1].object


@native
def detach(index):
    """Take a row's object from it; the reference is the caller's."""
    m = machine()
    places = halves(m.places)
    entries = attachments_at(m.attachments)
    place = places[index]
    obj = entries[np.uint64(place) - U1].object
    last = entries[m.n_attached - U1]
    entries[np.uint64(place) - U1].object = last.object
    entries[np.uint64(place) - U1].row = last.row
    places[last.row] = place
    places[index] = N0
    m.n_attached -= U1
    buffers()[index].flags &= ~_ATTACHED
    return obj


@export(types.int32(u64))
def bury(index):
    """Leave a row's object to `let_go`: it may own tensors, and the tables are not whole."""
    m = machine()
    obj = detach(index)
    py.list_append(m.graveyard, obj)
    py.decref(obj)
    m.let_go = U1
    return np.int32(0)


call_bury: Callee = by_name("tapegrad_bury", types.int32, u64)


@native
def free_row(index):
    m = machine()
    row = buffers()[index]
    if row.flags & _ATTACHED:
        call_bury(np.uint64(index))
    if row.flags & _WRAPPED and row.address != U0:
        release(m.arena, row.address, layouts()[row.layout].nbytes)
    row.flags = _FREE
    row.producer = N0
    row.tensor = U0
    row.owner = np.uint32(m.free_buffer)
    m.free_buffer = np.uint64(index)


@export(types.int32())
def carry_away():
    """`let_go` where there is something: foreign memory, or what Python kept for freed rows."""
    m = machine()
    rows = buffers()
    m.let_go = U0
    while m.foreign != U0:
        index = m.foreign
        row = rows[index]
        m.foreign = np.uint64(row.refs & ~_QUEUED)
        carry_out(U0, U0)  # what is put off may read it
        py.call_with_index(m.release_external, index)
        row.refs = N0
        row.flags &= ~_EXTERNAL
        if row.tensor == U0 and (row.flags & _RECORDED) == N0:
            free_row(np.uint32(index))
    py.list_set_slice(m.graveyard, np.int64(0), _EVER, U0)
    return np.int32(0)


call_carry_away: Callee = by_name("tapegrad_carry_away", types.int32)


@inlined
def let_go():
    """Let what is done with go, now that the tables are whole.

    That may own tensors, and while it runs other threads may.
    """
    if machine().let_go != U0:
        call_carry_away()


@export(types.int32(u64))
def hand_back(index):
    """The last reference to bytes is gone that are not the arena's: they are Python's, or another row's."""
    m = machine()
    row = buffers()[index]
    address = row.address
    row.address = U0
    if row.flags & _BORROWED:
        lender = row.producer
        row.producer = N0
        row.flags &= ~_BORROWED
        if row.tensor == U0 and (row.flags & _RECORDED) == N0:
            free_row(np.uint32(index))
        drop_storage(lender)
    elif address != U0:
        row.refs = np.uint32(m.foreign) | _QUEUED
        m.foreign = index
        m.let_go = U1
    elif row.tensor == U0 and (row.flags & _RECORDED) == N0:
        free_row(np.uint32(index))
    return np.int32(0)


call_hand_back: Callee = by_name("tapegrad_hand_back", types.int32, u64)


@native
def drop_storage(index):
    """One reference less on an owner's storage; the last one frees the bytes, and the row if nothing names it.

    Borrowed bytes are given back to their owner, which is one reference less on that. A recorded number stays with its
    row, whether backward needs it or not: without it the tape could not be read.
    """
    row = buffers()[index]
    row.refs -= N1
    recorded_number = row.flags & _WRAPPED and row.flags & _RECORDED
    if recorded_number or row.refs != N0 or row.flags & _IMMORTAL:
        return
    if row.flags & (_BORROWED | _EXTERNAL):
        call_hand_back(np.uint64(index))
        return
    if row.address != U0:
        release(machine().arena, row.address, layouts()[row.layout].nbytes)
        row.address = U0
    if row.tensor == U0 and (row.flags & _RECORDED) == N0:
        free_row(index)


@native
def drop_tensor(index):
    """The tensor object of a row died."""
    row = buffers()[index]
    row.tensor = U0
    owner = row.owner
    recorded = row.flags & _RECORDED
    if recorded != N0 and owner != index:
        buffers()[owner].flags |= _RECORDED  # the tape names the row, and that names its owner
    drop_storage(owner)
    if owner != index and recorded == N0:
        free_row(index)
    let_go()


@inlined
def keep(index):
    """An instruction keeps a value's storage for backward."""
    m = machine()
    rows = buffers()
    owner = rows[rows[index].owner]
    owner.refs += N1
    m.kept_bytes += layouts()[owner.layout].nbytes


@inlined
def unkeep(index):
    m = machine()
    rows = buffers()
    owner = rows[index].owner
    m.kept_bytes -= layouts()[rows[owner].layout].nbytes
    drop_storage(owner)


@inlined
def version_of(index):
    rows = buffers()
    return rows[rows[index].owner].version


@native
def note_write(owner, counted):
    """The bytes of an owner are written, of which several count writes, or the one that did is gone by now."""
    m = machine()
    rows = buffers()
    borrows = rows[owner].flags & _BORROWED != N0
    place = np.uint64(rows[owner].producer) if borrows else np.uint64(owner)
    if not rows[place].flags & _LENT:
        rows[place].flags |= _LENT
        words(m.moments)[place] = U0
        m.lent = U1
    halves(m.moments)[place * U2 + (U1 if borrows or not counted else U0)] = np.uint32(m.n_instructions)


@inlined
def count_writes(owner, times):
    """What an owner row has was written so many times; 0 of one that counted apart, and is gone."""
    row = buffers()[owner]
    row.version += times
    if row.flags & _LENT or times == N0:
        note_write(owner, times != N0)


@inlined
def kept_mask(plan_row, needs):
    """What a one- or two-operand instruction reads again in backward, given which operands need a gradient."""
    kept = np.uint8(0)
    if needs & _NEEDS_A:
        kept |= plan_row.kept_a
    if needs & _NEEDS_B:
        kept |= plan_row.kept_b
    return kept


@native
def record(plan, out, a, b, needs, shift):
    """Append an instruction of at most two operands (b is 0 for one); `needs` holds NEEDS_A and NEEDS_B."""
    m = machine()
    n = m.n_instructions
    rows = buffers()
    plan_row = plans()[plan]
    row = instructions()[n]
    row.plan = plan | needs
    row.out = out
    row.a = a
    row.b = b
    kept = kept_mask(plan_row, needs)
    if plan_row.flags & _VIEW:
        row.va = np.uint32(shift & np.uint64(0xFFFFFFFF))
        row.vb = np.uint32(shift >> np.uint64(32))
    else:
        if kept & np.uint8(1):
            keep(a)
        row.va = version_of(a)
        if kept & np.uint8(2):
            keep(b)
        row.vb = version_of(b)  # of row 0, where there is no operand
        if kept & _KEEPS_OUT:
            keep(out)
    rows[a].flags |= _RECORDED | _NAMED
    if b != N0:
        rows[b].flags |= _RECORDED | _NAMED
    result = rows[out]
    result.flags |= _RECORDED | _REQUIRES_GRAD
    result.producer = np.uint32(n + U1)
    note_line(n)
    m.n_instructions = n + U1


@native
def pooled_kept(plan_row, needs):
    """The kept mask of a POOLED plan: bit j for operand j, bit 31 for the result; `plan.kept` lists one per operand."""
    masks = halves(plan_row.kept)
    kept = N0
    if plan_row.flags & _ALIKE:
        return kept
    for j in range(np.uint64(plan_row.arity)):
        if (needs >> np.uint32(j)) & N1:
            kept |= masks[j]
    return kept


@native
def record_pooled(plan, out, operands, count, needs):
    """Append an instruction whose operand list (u4 rows at address `operands`) lives in the pool."""
    m = machine()
    n = m.n_instructions
    rows = buffers()
    entry = m.n_pool
    p = pool()
    source = halves(operands)
    plan_row = plans()[plan]
    kept = pooled_kept(plan_row, needs)
    p[entry] = np.uint32(count)
    p[entry + U1] = needs
    p[entry + np.uint64(2)] = version_of(out)
    for j in range(count):
        operand = source[j]
        p[entry + _HEADER + j] = operand
        # An in-place operation read its operand before it wrote: what is kept of the old value is stale at once.
        written = plan_row.flags & _INPLACE and rows[operand].owner == rows[out].owner
        version = version_of(operand) - (N1 if written else N0)
        if count > _MOST:
            version = version << N1 | (N1 if rows[operand].flags & _REQUIRES_GRAD else N0)
        p[entry + _HEADER + count + j] = version
        rows[operand].flags |= _RECORDED | _NAMED
        if kept != N0 and (kept >> np.uint32(j)) & N1:
            keep(operand)
    if kept >> np.uint32(31):
        keep(out)
    m.n_pool = entry + _HEADER + np.uint64(2) * count
    row = instructions()[n]
    row.plan = plan
    row.out = out
    row.a = np.uint32(entry & np.uint64(0xFFFFFFFF))
    row.b = np.uint32(entry >> np.uint64(32))
    row.va = N0
    row.vb = N0
    result = rows[out]
    result.flags |= _RECORDED | _REQUIRES_GRAD
    result.producer = np.uint32(n + U1)
    note_line(n)
    m.n_instructions = n + U1


@inlined
def pool_entry(row):
    return np.uint64(row.a) | (np.uint64(row.b) << np.uint64(32))


call_release_node: Callee = by_name("tapegrad_release_node", types.int32, u64)


@native
def release_kept(t):
    """Free what an instruction kept for backward; PyTorch's rule that only then a second backward is refused."""
    row = instructions()[t]
    if row.plan & _RELEASED:
        return
    plan_row = plans()[row.plan & _PLAN_MASK]
    if plan_row.flags & _CALLBACK:
        call_release_node(t)
    elif plan_row.flags & _POOLED:
        entry = pool_entry(row)
        p = pool()
        count = np.uint64(p[entry])
        kept = pooled_kept(plan_row, p[entry + U1])
        for j in range(count if kept != N0 else U0):
            if (kept >> np.uint32(j)) & N1:
                unkeep(p[entry + _HEADER + j])
        if kept >> np.uint32(31):
            unkeep(row.out)
        if kept:
            row.plan |= _RELEASED
    elif not plan_row.flags & _VIEW:
        mask = kept_mask(plan_row, row.plan)
        if mask:
            if mask & np.uint8(1):
                unkeep(row.a)
            if mask & np.uint8(2):
                unkeep(row.b)
            if mask & _KEEPS_OUT:
                unkeep(row.out)
            row.plan |= _RELEASED


call_reclaim: Callee = by_name("tapegrad_reclaim", types.uint64)


@inlined
def has_rows():
    m = machine()
    return m.free_buffer != U0 or m.n_buffers < m.max_buffers


@inlined
def has_room():
    m = machine()
    return m.n_instructions + U1 < m.max_instructions and m.n_pool < m.max_pool


@inlined
def make_room():
    """Reclaim when the tape or what it keeps has doubled since last time; False when the tape is truly full."""
    m = machine()
    if m.n_instructions < m.sweep_at and m.kept_bytes <= m.sweep_bytes and has_room():
        return True
    call_reclaim()
    return has_room()


@native
def make_row(layout, owner, address):
    """A fresh row as `new_row` gives it, after a reclaiming where there is none left."""
    row = new_row(layout, owner, address)
    if row == FAILED:
        row = call_last_row(layout, owner, address)
    return row


@export(types.uint32(types.uint32, types.uint32, u64))
def last_row(layout, owner, address):
    call_reclaim()
    return new_row(layout, owner, address)


call_last_row: Callee = by_name("tapegrad_last_row", types.uint32, types.uint32, types.uint32, u64)
