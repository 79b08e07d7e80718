"""What the machine holds at this moment, for finding out where memory goes."""
from __future__ import annotations

from typing import Any

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.learning import capturing
from tapegrad.machine.live import buffers, instructions, machine
from tapegrad.machine.planning import KEEPS_RESULT
from tapegrad.named_tuples import NamedTuple
from tapegrad.tape.lines import of_words
from tapegrad.tape.taking import Columns
from tapegrad.tape.text import aligned, bytes_text

Words = np.ndarray[Any, Any]
_NOWHERE = "-"


class Share(NamedTuple):
    """One operation's or line's part of the live tape: how many instructions, and the bytes that these keep."""

    name: str
    instructions: int
    kept: int


class Summary(NamedTuple):
    """The live tape in numbers; printed, a table."""

    instructions: int
    rows: int
    kept: int
    sweeps: int
    by: str
    shares: tuple[Share, ...]

    def __str__(self) -> str:
        head = (f"live tape  {self.instructions} ins · {self.rows} rows · kept for backward {bytes_text(self.kept)} · "
                f"{self.sweeps} compaction{'s' * (self.sweeps != 1)}")
        table = [["line" if self.by == "line" else "op", "ins", "keeps"],
                 *([s.name, str(s.instructions), bytes_text(s.kept)] for s in self.shares)]
        return "\n".join([head, *aligned(table, (2, 2))] if self.shares else [head])


def live(reclaim: bool = True, *, by: str = "opcode") -> Summary:
    """What is on the machine's tape, by operation or (`by="line"`) by the line of source that recorded it.

    >>> import gc, tapegrad as torch
    >>> _ = gc.collect()  # of what is left of other examples
    >>> before = live()
    >>> x = torch.ones(1000, requires_grad=True)
    >>> y = (x * x).tanh()
    >>> after = live()
    >>> after.instructions - before.instructions, after.kept - before.kept
    (2, 8000)
    >>> print(live(by="line"))
    live tape  ... ins · ... rows · kept for backward ...
    line ...

    What keeps the most comes first; what several keep is counted for each of them, and once in the sum. `reclaim` drops
    first what no tensor can reach any more, which the machine else does now and then by itself. What custom functions
    save is Python's and not counted. Raises ValueError for another `by`.
    """
    if by not in ("opcode", "line"):
        raise ValueError(f'expected by="opcode" or "line", got {by!r}')
    capturing.refuse("it looks at the machine's tape")
    if reclaim:
        machine.reclaim()
    n = int(machine.state["n_instructions"][0])
    read = Columns.of(np.arange(n))
    if by == "opcode":
        names = [plan.op.name for plan in read.plans]
        key = read.which
    else:
        words, key = np.unique(machine.lines[:n] if len(machine.lines) else np.zeros(n, "u8"), return_inverse=True)
        names = [line or _NOWHERE for line in of_words(words)]
    kinds, of_name = np.unique(np.array(names, object), return_inverse=True)
    key = of_name[key] if n else key
    holders, things, sizes = _kept(read, n)
    _, first = np.unique(np.stack([key[holders], things]), axis=1, return_index=True)
    kept = np.bincount(key[holders[first]], sizes[first], len(kinds)).astype("i8")
    counts = np.bincount(key, minlength=len(kinds))
    shares = sorted((Share(*share) for share in zip(kinds.tolist(), counts.tolist(), kept.tolist())),
                    key=lambda s: (-s.kept, -s.instructions, s.name))
    flags = buffers["flags"][1:int(machine.state["n_buffers"][0])]
    used = int(np.count_nonzero(flags & (rec.FREE | rec.IMMORTAL) == 0))
    whole = int(sizes[np.unique(things, return_index=True)[1]].sum())
    return Summary(n, used, whole, int(machine.state["sweeps"][0]), by, tuple(shares))


def _kept(read: Columns, n: int) -> tuple[Words, Words, Words]:
    """(instructions, what each keeps, of how many bytes): an owner, or below zero the call of a compiled function."""
    code = instructions[:n]
    pooled = np.array([plan.pooled for plan in read.plans], bool)[read.which] if n else np.zeros(0, bool)
    needs = (code["plan"] >> rec.PLAN_BITS & 3).astype("i8")
    entries = code["a"][pooled].astype("i8") | code["b"][pooled].astype("i8") << 32
    needs[pooled] = machine.pool[entries + 1]
    holding = code["plan"] & rec.RELEASED == 0
    holders, rows = [np.zeros(0, "i8")], [np.zeros(0, "i8")]
    for number, plan in enumerate(read.plans):
        for j, reads in enumerate(plan.keeps if len(plan.operands) <= rec.MOST else ()):
            mine = np.flatnonzero(holding & (read.which == number) & (needs >> j & 1 != 0))
            for r in reads:
                holders.append(mine)
                rows.append(read.out[mine] if r == KEEPS_RESULT else read.operands[read.begins[mine] + r])
    owners = buffers["owner"][np.concatenate(rows)].astype("i8")
    sizes = machine.layouts["nbytes"][buffers["layout"][owners]].astype("i8")
    callbacks = np.array([plan.op.kind == "callback" for plan in read.plans], bool)[read.which] if n else pooled
    words = (code["va"].astype("u8") | code["vb"].astype("u8") << np.uint64(32)) & np.uint64((1 << rec.AT_BITS) - 1)
    called = np.flatnonzero(holding & callbacks & (words != 0))
    calls = words[called].astype("i8")
    of_calls = [int(machine.memory(at, rec.CALL, 1)["nbytes"][0]) for at in calls.tolist()]
    return (np.concatenate([*holders, called]), np.concatenate([owners, -calls]),
            np.concatenate([sizes, np.array(of_calls, "i8")]))
