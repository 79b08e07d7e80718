"""A part of the live tape read in bulk: of 10^6 instructions columns are read, not one after the other."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tapegrad import shapes
from tapegrad.machine import records as rec
from tapegrad.machine.live import buffers, instructions, layouts, machine, planner
from tapegrad.machine.planning import Layout, Plan
from tapegrad.named_tuples import NamedTuple
from tapegrad.ops.declaration import Operation
from tapegrad.tape import reading
from tapegrad.tape.derived import Derived
from tapegrad.tape.instructions import Code, Flat, Instructions
from tapegrad.tape.notation import Number, canonical
from tapegrad.tape.words import Words, beginnings, distinct, picked, reached, tuples, within

_LEAST, _MOST = 64, 1 << 16  # instructions that are looked at in one go, more each time
MOST_COMPARED = 1 << 24


class Columns(NamedTuple):
    """Some instructions: `plans[which[t]]` makes row `out[t]` of the rows `operands[begins[t]:begins[t + 1]]`.

    `shifts` are what `reading.shift_of` says.
    """

    plans: list[Plan]
    which: Words
    out: Words
    operands: Words
    begins: Words
    shifts: Words

    @classmethod
    def of(cls, indices: Words) -> Columns:
        """Of the instructions with these indices."""
        code = instructions[indices]
        numbers, which = distinct((code["plan"] & rec.PLAN_MASK).astype("i8"))
        plans = [planner.all[i] for i in numbers.tolist()]
        a, b = code["a"].astype("i8"), code["b"].astype("i8")
        shifts = code["va"].astype("i8") | code["vb"].astype("i8") << 32
        pooled = np.flatnonzero(np.array([plan.pooled for plan in plans], bool)[which])
        entries = a[pooled] | b[pooled] << 32
        b[pooled] = shifts[pooled] = 0
        counts = 1 + (b != 0)
        counts[pooled] = machine.pool[entries]
        begins = beginnings(counts)
        operands = np.empty(int(begins[-1]), "i8")
        second = np.flatnonzero(b)
        operands[begins[second] + 1] = b[second]
        filled = np.flatnonzero(counts)  # of none there is no place; the pool's come over what this writes
        operands[begins[filled]] = a[filled]
        spread = within(counts[pooled])
        operands[np.repeat(begins[pooled], counts[pooled]) + spread] = machine.pool[
            np.repeat(entries + rec.POOL_HEADER, counts[pooled]) + spread]
        return cls(plans, which, code["out"].astype("i8"), operands, begins, shifts)


def leading_to(rows: Sequence[int], inputs: Sequence[int]) -> Words:
    """The instructions that rows depend on, as they were recorded; from the inputs on.

    What an instruction reads was made before it, so one look at each, from the latest down, is enough.
    """
    made_by = [buffers["producer"].item(row) - 1 for row in rows if row not in inputs]
    end = max(made_by, default=-1) + 1
    wanted = np.zeros(end + 1, bool)  # the one too many stands for what no instruction made, number -1
    wanted[made_by] = True
    size = _LEAST
    while wanted[:end].any():
        end -= int(wanted[:end][::-1].argmax())
        begin = max(end - size, 0)
        size = min(2 * size, _MOST)
        read = Columns.of(np.arange(begin, end))
        makers = buffers["producer"][read.operands].astype("i8") - 1
        if inputs:
            makers[np.isin(read.operands, inputs)] = -1
        readers = np.repeat(np.arange(end - begin), np.diff(read.begins))
        inside = np.flatnonzero(makers >= begin)[::-1]
        found = reached(wanted[begin:end], readers[inside], makers[inside] - begin)
        wanted[begin:end] = found
        wanted[makers[found[readers]]] = True
        end = begin
    return np.flatnonzero(wanted[:-1])


class Taken(NamedTuple):
    """What `Instructions` holds, with the rows of the inputs, whose buffers come before the results', and of all.

    `written` are buffers of which the program saw other values than there are, or than a replay gives.
    """

    inputs: list[int]
    layouts: list[Layout]
    code: Code
    flat: Flat
    constants: list[Number]
    outputs: list[int]
    rows: Words
    written: set[int]


def taken(indices: Words, inputs: Sequence[int], outputs: Sequence[int] | None) -> Taken:
    """Instructions of the live tape, numbered anew; without `outputs` these are what no instruction reads."""
    read = Columns.of(indices)
    if outputs is None:
        outputs = read.out[~np.isin(read.out, read.operands)].tolist()
    size = 1 + max((int(rows.max()) for rows in (read.out, read.operands, np.array([*inputs, *outputs])) if len(rows)),
                   default=0)
    made = np.zeros(size, bool)
    made[read.out] = True
    of_row = np.zeros(size, "i8")  # the number of a row's buffer plus one, or that of its constant, below zero
    found = _in_order(read.operands[~made[read.operands]])
    found = found[~np.isin(found, list(inputs))] if inputs else found
    numeric = (buffers["flags"][found] & (rec.WRAPPED | rec.IMMORTAL)) != 0
    constants = _numbered(found[numeric], of_row)
    given = [*dict.fromkeys([*inputs, *found[~numeric].tolist(), *(r for r in outputs if not made[r])])]
    of_row[given] = np.arange(1, len(given) + 1)
    of_row[read.out] = np.arange(len(given) + 1, len(given) + len(indices) + 1)

    attributes = picked([canonical(plan.op, plan.asked) for plan in read.plans], read.which)
    moving = np.array([plan.op.moves_nothing for plan in read.plans], bool)[read.which]
    for t in np.flatnonzero(moving).tolist():
        plan = read.plans[read.which[t]]
        attributes[t] = canonical(plan.op, reading.with_start(plan, int(read.shifts[t])))
    numbers = of_row[read.operands]
    operands = np.where(numbers > 0, numbers - 1, numbers)
    results = np.arange(len(given), len(given) + len(indices))
    rows = np.concatenate([np.array(given, "i8"), read.out])
    ids, lie = distinct(buffers["layout"][rows].astype("i8"))
    return Taken(
        given, picked([layouts[i] for i in ids.tolist()], lie),
        Code(picked([plan.op for plan in read.plans], read.which), tuples(operands, read.begins), attributes,
             results.tolist()),
        Flat(read.begins, operands, results, read.plans, read.which), constants, (of_row[list(outputs)] - 1).tolist(),
        rows, written_since(read, indices, rows, [*given, *outputs]),
    )


READ_NOTHING = ("copy_", "fill_", "zero_")  # of what they write to


def entangled(tape: Instructions, rows: Words) -> set[int]:
    """Inputs of which the program saw other values than a replay would: what shares their memory is written to.

    `rows` are those of the tape's buffers. On a tape each input has memory of its own; `x.detach()` has that of `x`. It
    is well where it is only read, after the last write: then it has the values that were read.
    """
    of = Derived(tape)
    if not any(plan.op.inplace_of is not None for plan in of.plans):
        return set()
    owner, held = np.array(of.owners, "i8"), buffers["owner"][rows]
    lies = np.where(buffers["flags"][held] & rec.BORROWED, buffers["producer"][held], held).astype("i8")
    places, owners = np.unique(np.unique(lies * len(owner) + owner) // len(owner), return_counts=True)
    shared = np.isin(lies, places[owners > 1])
    if not shared.any():
        return set()
    born: dict[tuple[int, int], int] = {(int(lies[b]), b): -1 for b in tape.inputs}
    read: dict[tuple[int, int], dict[int, tuple[int, int]]] = {}  # by place and owner: when each was, first and last
    written: dict[int, list[int]] = {}
    told: dict[int, int] = {}  # by what a view was written to, the base that learns of it
    looked_at = shared[of.results]
    looked_at[of.readers[(of.operands >= 0) & shared[of.operands]]] = True

    def reads(b: int, t: int) -> None:
        if b >= 0 and shared[b]:
            times = read.setdefault((int(lies[b]), int(owner[b])), {})
            times[b] = times.get(b, (t, t))[0], t

    for t in np.flatnonzero(looked_at).tolist():
        op, result = tape.operations[t], tape.results[t]
        if not op.moves_nothing:
            for b in tape.operands[t][op.name in READ_NOTHING:]:
                reads(b, t)
        elif op.kind == "rebase":
            told[tape.operands[t][0]] = int(owner[result])
        if op.inplace_of is not None:
            written.setdefault(int(lies[result]), []).append(t)
        born.setdefault((int(lies[result]), int(owner[result])), t)
    for b in tape.outputs:
        reads(b, len(tape))
    begin = buffers["address"][rows].astype("i8")
    end = begin + [shapes.extent(found.shape, found.strides) * found.dtype.itemsize for found in tape.layouts]
    heirs = np.full(len(owner), -1)
    heirs[[*told]] = [*told.values()]
    writes = {place: np.array(times, "i8") for place, times in written.items()}
    inputs = {*tape.inputs}
    entangled_at: set[int] = set()
    for (place, own), times in read.items():
        if place not in writes or place in entangled_at:
            continue
        made = of.results[writes[place]]
        its_own = (owner[made] == own) | (heirs[made] == own)
        others = writes[place][~its_own & (writes[place] > born[place, own])]
        if not len(others):
            continue
        seen, targets = np.array([*times], "i8"), of.results[others]
        first, last = np.array([*times.values()], "i8").T[:, :, None]
        read_only = own in inputs and not its_own.any()
        missed = others >= first if read_only else others <= last
        if missed.size <= MOST_COMPARED:  # of more, all is taken to overlap
            missed &= (begin[seen, None] < end[targets]) & (begin[targets] < end[seen, None])
        if missed.any():
            entangled_at.add(place)
    return {b for b in tape.inputs if lies[b] in entangled_at}


def written_since(read: Columns, indices: Words, rows: Words, shown: Sequence[int]) -> set[int]:
    """Buffers, of these rows, that hold other values than the tape read, or left, there: the program wrote to them.

    `read` are the instructions with these `indices`; `shown` rows count as they are now. From one look to the next a
    storage was written as often as the instructions here write to it, or something else wrote; of what its owner does
    not count (`x.data`) there are moments.
    """
    counts, code = np.diff(read.begins), instructions[indices]
    readers = np.repeat(np.arange(len(indices)), counts)
    views, writes, python = (np.array([is_so(plan.op) for plan in read.plans], bool)[read.which] for is_so in (
        lambda op: op.moves_nothing, _writes, lambda op: op.kind == "callback"))
    owner, flags = buffers["owner"], buffers["flags"]
    slots, outs = owner[read.operands].astype("i8"), owner[read.out].astype("i8")

    is_number = flags[read.operands] & (rec.WRAPPED | rec.IMMORTAL) != 0
    looks = np.flatnonzero(~((views | python)[readers] | is_number))
    seen = _versions(code, read, looks, readers)
    step = len(indices) + 1
    times = np.sort(outs[writes] * step + np.flatnonzero(writes))  # by owner, when it was written here

    def written(owners: Words, until: Words | int) -> Words:
        return np.searchsorted(times, owners * step + until) - np.searchsorted(times, owners * step)

    base = seen - written(slots[looks], readers[looks])
    born = outs[~views & ~writes]
    first = np.full(int(max((int(x.max()) for x in (slots, outs) if len(x)), default=0)) + 1, -1)
    first[slots[looks]] = base
    first[born] = 0
    now = owner[list(shown)].astype("i8")
    now = now[now < len(first)]
    found = [slots[looks][first[slots[looks]] != base],
             now[(first[now] >= 0) & (first[now] != buffers["version"][now].astype("i8") - written(now, step))]]

    if machine.state["lent"][0]:
        moments = machine.moments.view("u4").reshape(-1, 2)
        at, owners = np.concatenate([readers, np.arange(len(outs))]), np.concatenate([slots, outs])
        elements = np.concatenate([~views[readers], ~views])
        lent = np.flatnonzero(flags[owners] & rec.LENT)
        at, owners, elements = indices[at[lent]], owners[lent], elements[lent]
        borrows = flags[owners] & rec.BORROWED != 0
        places = np.where(borrows, buffers["producer"][owners], owners)
        by_others = np.where(borrows, moments[places].max(1), moments[places, 1])
        gone = (elements & (by_others > at)) | (borrows & (moments[owners, 1] > at))
        found.append(owners[gone])
    stale = np.unique(np.concatenate(found))
    if not len(stale):
        return set()
    owners, n = owner[rows], len(rows) - len(outs)  # what lies in an input's storage has its values
    return {*np.flatnonzero(np.isin(owners[:n], stale)).tolist(),
            *(n + np.flatnonzero(np.isin(outs, stale) & ~np.isin(outs, owners[:n]))).tolist()}


def _writes(op: Operation) -> bool:
    """Whether the machine counts a write where an instruction is recorded."""
    return op.inplace_of is not None or (op.kind == "view" and op.name.endswith("_"))


def _versions(code: Any, read: Columns, looks: Words, readers: Words) -> Words:
    """How often what was looked at had been written, by the instructions that looked."""
    number, place = readers[looks], looks - read.begins[readers[looks]]
    found = np.where(place == 0, code["va"][number], code["vb"][number]).astype("i8")
    pooled = np.array([plan.pooled for plan in read.plans], bool)[read.which][number]
    number, place = number[pooled], place[pooled]
    entries = code["a"][number].astype("i8") | code["b"][number].astype("i8") << 32
    count = machine.pool[entries].astype("i8")
    versions = machine.pool[entries + rec.POOL_HEADER + count + place].astype("i8")
    found[pooled] = np.where(count > rec.MOST, versions >> 1, versions)
    return found


def _in_order(rows: Words) -> Words:
    """Each row once, in the order in which they come first."""
    found, first = np.unique(rows, return_index=True)
    return found[np.argsort(first)]


def _numbered(rows: Words, of_row: Words) -> list[Number]:
    """The distinct Python numbers that rows hold, in order; `of_row` is told which each is."""
    lie, addresses = buffers["layout"][rows], buffers["address"][rows]
    kinds = np.empty(len(rows), "i8")
    seen: list[tuple[int, Number]] = []  # of each kind, the first place and the number
    for layout in np.unique(lie).tolist():
        places = np.flatnonzero(lie == layout)
        numpy = layouts[layout].dtype.numpy
        least = int(addresses[places].min())
        at = (addresses[places] - np.uint64(least)) // np.uint64(numpy.itemsize)
        held = machine.memory(least, numpy, int(at.max()) + 1)[at]
        _, first, which = np.unique(held.view(f"u{numpy.itemsize}"), return_index=True, return_inverse=True)
        kinds[places] = len(seen) + which
        seen += zip(places[first].tolist(), held[first].tolist())
    known: dict[str, int] = {}
    number_of = np.empty(len(seen), "i8")
    constants: list[Number] = []
    for k in sorted(range(len(seen)), key=lambda k: seen[k][0]):
        number = known.setdefault(repr(seen[k][1]), len(known))
        if number == len(constants):
            constants.append(seen[k][1])
        number_of[k] = ~number
    of_row[rows] = number_of[kinds]
    return constants
