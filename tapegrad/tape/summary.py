"""What the machine holds at this moment, for finding out where memory goes."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tapegrad.machine import records as rec
from tapegrad.machine.live import machine, planner
from tapegrad.machine.planning import KEEPS_RESULT
from tapegrad.tape.text import aligned, bytes_text


class OperationShare(NamedTuple):
    """One operation's part of the live tape: `kept` are the bytes its instructions keep, shared ones counted again."""

    name: str
    instructions: int
    kept: int


class Summary(NamedTuple):
    """The live tape in numbers; printed, a table."""

    instructions: int
    rows: int
    kept: int
    sweeps: int
    operations: tuple[OperationShare, ...]

    def __str__(self) -> str:
        head = (f"live tape  {self.instructions} ins · {self.rows} rows · kept for backward {bytes_text(self.kept)} · "
                f"{self.sweeps} compaction{'s' * (self.sweeps != 1)}")
        table = [["op", "ins", "keeps"], *([o.name, str(o.instructions), bytes_text(o.kept)] for o in self.operations)]
        return "\n".join([head, *aligned(table, (2, 2))] if self.operations else [head])


def live(reclaim: bool = True) -> Summary:
    """What is on the machine's tape, by operation, the largest first.

    >>> import gc, tapegrad as torch
    >>> _ = gc.collect()  # of what is left of other examples
    >>> before = live().instructions
    >>> x = torch.ones(1000, requires_grad=True)
    >>> y = (x * x).tanh()
    >>> live().instructions - before
    2

    `reclaim` drops first what no tensor can reach any more, which the machine else does now and then by itself.
    """
    if reclaim and int(machine.state["sweep_at"][0]) != rec.NEVER:  # a `record` block holds compaction off
        machine.call.reclaim()
    n = int(machine.state["n_instructions"][0])
    code = machine.instructions[:n]
    shares: dict[str, list[int]] = {}
    kinds, counts = np.unique(code["plan"], return_counts=True)
    for kind, count in zip(kinds.tolist(), counts.tolist()):
        plan = planner.all[kind & rec.PLAN_MASK]
        assert plan is not None
        needs = kind >> rec.PLAN_BITS & 3
        if machine.plans[plan.index]["flags"] & rec.POOLED:  # which operands need a gradient is in the pool: count all
            needs = (1 << len(plan.operands)) - 1
        read = set() if kind & rec.RELEASED or not plan.keeps else set().union(
            *(plan.keeps[j] for j in range(len(plan.operands)) if needs >> j & 1))
        kept = sum((plan.out if j == KEEPS_RESULT else plan.operands[j]).nbytes for j in read)
        share = shares.setdefault(plan.op.name, [0, 0])
        share[0] += count
        share[1] += kept * count
    rows = machine.buffers["flags"][1:int(machine.state["n_buffers"][0])]
    used = int(np.count_nonzero(rows & (rec.FREE | rec.IMMORTAL) == 0))
    operations = sorted((OperationShare(name, *share) for name, share in shares.items()),
                        key=lambda o: (-o.kept, -o.instructions, o.name))
    return Summary(n, used, int(machine.state["kept_bytes"][0]), int(machine.state["sweeps"][0]), tuple(operations))
