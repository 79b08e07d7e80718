"""A team of threads that share the pieces of one job, and kernels cut into such pieces.

The threads are the machine's own and know nothing of Python. Numba's would do, but importing numba takes longer than
all of start-up, and its default layer allows one caller at a time. Who finds the team at work (another Python thread's
backward) does the job alone.
"""
from __future__ import annotations

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.native.glue import *

_NEXT, _DONE, _SLEEPERS, _BUSY, _HANDLE, _MUTEX, _CONDITION = (np.uint64(rec.offset_of(rec.TEAM, f)) for f in (
    "next", "done", "sleepers", "busy", "handle", "mutex", "condition"))
_CLOSED, _SHIFT = np.uint64(rec.CLOSED), np.uint64(32)
# 40 to 70 us, as long as it takes to wake a thread on a core that went to sleep: a kernel that follows, with some
# Python in between, finds its threads awake, and who waits for a last piece does not sleep through its end.
_SPINS = np.uint64(1 << 18)
_EACH = np.uint64(4)
_MOST_CORES, _SIX, _WITHIN = np.uint64(1024), np.uint64(6), np.uint64(63)
_STORE, _ADD, _PARTIAL = (np.uint64(i) for i in (rec.LATE_STORE, rec.LATE_ADD, rec.LATE_PARTIAL))

pthread_create: Callee = external("pthread_create", i32, u64, u64, u64, u64)
mutex_lock: Callee = external("pthread_mutex_lock", i32, u64)
mutex_unlock: Callee = external("pthread_mutex_unlock", i32, u64)
condition_wait: Callee = external("pthread_cond_wait", i32, u64, u64)
condition_broadcast: Callee = external("pthread_cond_broadcast", i32, u64)
usleep: Callee = external("usleep", i32, u32)
_call_system: Callee = indirect(i32, u64, u64, u64, u64)
call_task: Callee = indirect(i32, u64, u64, u64, u64)
NO_LIMIT = np.uint64(1 << 32)


@native
def take_pieces(team, number):
    """Do pieces of the job under way until none is left; `number` is the thread's."""
    while True:
        now = load_atomic(team + _NEXT)
        t = team_at(team)
        task = t.task
        argument = t.argument
        if now & _CLOSED >= t.count or number >= t.limit:
            return
        if exchange_if(team + _NEXT, now, now + U1):
            call_task(task, argument, now & _CLOSED, number, U0)
            add_atomic(team + _DONE, U1)


@native
def keep_apart(team, usual, chosen):
    """Leave the core of the thread that woke this one, which is about to work itself.

    Linux puts who is woken there as soon as the other cores are busy, if only with threads that spin: those of OpenMP
    do after a parallel loop, and a team of two then worked one after the other for seconds (an LSTM's step in 1.7 ms,
    and in 1.0 ms apart). `usual` are the cores that this thread may run on, `chosen` those that it has left itself: as
    many but one, and still when it is woken next, for a thread that only moves now waits for its turn.
    """
    t = team_at(team)
    if t.find_core == U0 or t.set_cores == U0 or t.find_cores == U0:
        return
    core = np.uint64(_call_system(t.find_core, U0, U0, U0, U0))
    if core != t.core or core >= _MOST_CORES:
        return
    found = stack_words(16)
    if _call_system(t.find_cores, U0, _MOST_CORES >> U3, found, U0) != 0:
        return
    for i in range(_MOST_CORES >> _SIX):
        if words(found)[i] != words(chosen)[i]:  # somebody else's choice
            for j in range(_MOST_CORES >> _SIX):
                words(usual)[j] = words(found)[j]
    left = U0
    for i in range(_MOST_CORES >> _SIX):
        words(chosen)[i] = words(usual)[i]
        if i == core >> _SIX:
            words(chosen)[i] &= ~(U1 << (core & _WITHIN))
        left |= words(chosen)[i]
    if left != U0:
        _call_system(t.set_cores, U0, _MOST_CORES >> U3, chosen, U0)


@export(u64(u64))
def worker(number):
    """What a thread of the team does, for good: wait for a job, first awake, then asleep."""
    team = machine().team
    seen = ~U0  # the job that it was made for may be there before it
    usual = stack_words(16)
    chosen = stack_words(16)
    for i in range(_MOST_CORES >> _SIX):
        words(chosen)[i] = U0
    while True:
        spins = U0
        while load_atomic(team + _NEXT) >> _SHIFT == seen:
            spins += U1
            if spins > _SPINS:
                mutex_lock(team + _MUTEX)
                add_atomic(team + _SLEEPERS, U1)
                while load_atomic(team + _NEXT) >> _SHIFT == seen:
                    condition_wait(team + _CONDITION, team + _MUTEX)
                add_atomic(team + _SLEEPERS, ~U0)
                mutex_unlock(team + _MUTEX)
                keep_apart(team, usual, chosen)
        seen = load_atomic(team + _NEXT) >> _SHIFT
        if number < machine().threads:
            take_pieces(team, number)
    return U0


@native
def alone(task, argument, count):
    for i in range(count):
        call_task(task, argument, i, U0, U0)


@native
def share(task, argument, count, limit):
    """Call `task(argument, i, thread)` for i below `count`, on at most `limit` threads; returns when all are done."""
    m = machine()
    team = m.team
    if m.threads < U2 or count < U2 or exchange(team + _BUSY, U1) != U0:
        alone(task, argument, count)
        return
    t = team_at(team)
    while t.workers + U1 < m.threads:
        if pthread_create(team + _HANDLE, U0, m.worker, t.workers + U1) != 0:
            break
        t.workers += U1
    t.job += U1
    exchange(team + _NEXT, (t.job << _SHIFT) | _CLOSED)
    t.task = task
    t.argument = argument
    t.count = count
    t.limit = limit
    exchange(team + _DONE, U0)
    t.job += U1
    # The first piece is the caller's own: who goes on with what it left, as a layer's backward does, finds that in its
    # own core's cache (an LSTM's step back, 8 x 64: up to 0.5 us more of 11 where it is in another's).
    exchange(team + _NEXT, (t.job << _SHIFT) | U1)
    if load_atomic(team + _SLEEPERS) != U0:
        if t.find_core != U0:
            t.core = np.uint64(_call_system(t.find_core, U0, U0, U0, U0))
        # Who is about to sleep has looked before the lock is had, and sleeps by then. Those who wake get it at once:
        # woken under it they go to sleep once more (10 to 20 us until the first piece, 3 to 6 so).
        mutex_lock(team + _MUTEX)
        mutex_unlock(team + _MUTEX)
        condition_broadcast(team + _CONDITION)
    call_task(task, argument, U0, U0, U0)
    add_atomic(team + _DONE, U1)
    take_pieces(team, U0)
    spins = U0
    while load_atomic(team + _DONE) != count:
        spins += U1
        if spins > _SPINS:  # a thread of ours waits for a processor that others have
            usleep(np.uint32(20))
    exchange(team + _BUSY, U0)


@native
def is_awake():
    """Whether all threads wait for a job, and none sleeps."""
    team = machine().team
    return team_at(team).workers + U1 >= machine().threads and load_atomic(team + _SLEEPERS) == U0 and (
        load_atomic(team + _BUSY) == U0)


@export(i32(u64, u64, u64, u64))
def piece(job, number, thread, unused):
    """One piece of a kernel's loops; `job` is [kernel, nest, pointers, count, axis, pieces, status, partials, unit]."""
    j = words(job)
    nest = words(j[U1])
    count = j[3]
    axis = j[4]
    loops = nest[U0] + nest[U1]
    own = stack_words(80)
    pointers = stack_words(32)
    for i in range(U2 + loops + count * loops):
        words(own)[i] = nest[i]
    size = nest[U2 + axis]
    first = size * number // j[5] // j[8] * j[8]
    end = size
    if number + U1 != j[5]:
        end = size * (number + U1) // j[5] // j[8] * j[8]
    words(own)[U2 + axis] = end - first
    for i in range(count):
        words(pointers)[i] = words(j[U2])[i] + first * nest[U2 + loops + i * loops + axis]
    if j[7] != U0:
        words(pointers)[U0] = j[7] + number * np.uint64(8)
    status = call_kernel(j[U0], pointers, own)
    if status:
        j[6] = np.uint64(status)
    return status


@export(i32(u64, u64, u64, u64, u64, u64))
def run_cut(address, store, add, nest, pointers, count):
    """A kernel call on all threads: the kernel `store`, or `add` where that is to be added to what is there."""
    m = machine()
    cut = cuts_at(address)[U0]
    if cut.eager != U0 and not is_awake():
        return call_kernel(add if add != U0 else store, pointers, nest)
    partials = stack_words(64)
    job = stack_words(9)
    j = words(job)
    j[U0] = cut.partial if cut.partial != U0 else add if add != U0 else store
    j[U1] = nest
    j[U2] = pointers
    j[3] = count
    j[4] = cut.axis
    # A thread that is held up takes fewer of many; what is short is as likely as not where the same thread wrote it.
    j[5] = min(cut.pieces, m.threads * (_EACH if cut.eager == U0 else U1))
    j[6] = U0
    j[7] = partials if cut.partial != U0 else U0
    j[8] = cut.unit
    if cut.late & (_PARTIAL if cut.partial != U0 else _ADD if add != U0 else _STORE):
        call_kernel(j[U0], U0, U0)
    share(m.piece, job, j[5], NO_LIMIT)
    if cut.partial != U0:
        own = stack_words(5)  # one reduced loop over the partial results
        words(own)[U0] = U0
        words(own)[U1] = U1
        words(own)[U2] = j[5]
        words(own)[3] = U0
        words(own)[4] = np.uint64(8)
        made = stack_words(2)
        words(made)[U0] = words(pointers)[U0]
        words(made)[U1] = partials
        j[6] |= np.uint64(call_kernel(cut.add if add != U0 else cut.store, made, own))
    return i32(j[6])


call_run_cut: Callee = by_name("tapegrad_run_cut", i32, u64, u64, u64, u64, u64, u64)
