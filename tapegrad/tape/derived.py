"""What follows from a tape's instructions, for all of them at once and in columns."""
from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from operator import attrgetter

import numpy as np

from tapegrad.machine.planning import KEEPS_RESULT, Plan
from tapegrad.tape.instructions import Instructions
from tapegrad.tape.words import Words, distinct, reached


class Derived:
    """What backward needs and keeps, who reads what, and where buffers lie.

    >>> import tapegrad as torch
    >>> from tapegrad.tape import Tape
    >>> x = torch.ones(3, requires_grad=True)
    >>> of = Derived(Tape.of((x * x.tanh()).sum()))
    >>> of.needs.tolist(), of.kept(1), of.uses.tolist(), of.memory
    ([True, True, True, True], [0, 1], [2, 1, 1, 1], (28, 24))

    `operands` has those of all instructions, one after the other; those of t from `begins[t]` on. `needs` says of each
    whether a gradient flows on to it. `which[t]` is the number of an instruction's plan among `plans`.
    """

    begins: Words
    operands: Words
    results: Words
    plans: list[Plan]
    which: Words

    def __init__(self, tape: Instructions) -> None:
        self._tape = tape
        self.begins, self.operands, self.results, self.plans, self.which = tape.flat()

    @cached_property
    def counts(self) -> Words:
        """How many operands each instruction has."""
        return np.diff(self.begins)

    @cached_property
    def readers(self) -> Words:
        """For each of the operands, the instruction that it is one of."""
        return np.repeat(np.arange(len(self.results)), self.counts)

    @cached_property
    def needs(self) -> Words:
        tape = self._tape
        required = np.zeros(len(tape.layouts) + len(tape.constants), bool)  # numbers count from the end, and need none
        required[list(tape.requires)] = True
        differentiable = np.array([bool(plan.keeps) for plan in self.plans], bool)[self.which][self.readers]
        tracked = reached(required, self.operands[differentiable], self.results[self.readers[differentiable]])
        return tracked[self.operands]

    def needed(self, t: int) -> list[bool]:
        """Which operands of an instruction a gradient flows on to."""
        found: list[bool] = self.needs[self.begins[t]:self.begins[t + 1]].tolist()
        return found

    @cached_property
    def uses(self) -> Words:
        """How often each buffer is read, the tape's own results counted."""
        read = np.concatenate([self.operands, np.array(self._tape.outputs, "i8")])
        return np.bincount(read[read >= 0], minlength=len(self._tape.layouts))

    @cached_property
    def owners(self) -> list[int]:
        """For every buffer the one whose memory it lies in: itself, or what it is a view or an in-place result of."""
        tape = self._tape
        owner = list(range(len(tape.layouts)))
        moving = np.array([plan.op.kind in ("rebase", "view") or plan.op.inplace_of is not None
                           for plan in self.plans], bool)[self.which]
        for t in np.flatnonzero(moving).tolist():
            owner[tape.results[t]] = owner[tape.operands[t][tape.operations[t].kind == "rebase"]]
        return owner

    # ------------------------------------------------------------ what is kept for backward

    @cached_property
    def _patterns(self) -> tuple[Words, list[tuple[Words, list[int]]]]:
        """(for every instruction the number of its kind, for every kind its instructions and what their adjoints read)

        Instructions are of one kind whose plan is the same, and which of their operands need a gradient.
        """
        kind = self.which
        reading = np.array([any(plan.keeps) for plan in self.plans], bool)[self.which]  # none of very many operands is
        for j in range(int(self.counts[reading].max(initial=0))):
            having = np.flatnonzero(reading & (self.counts > j))
            needed = np.zeros(len(kind), "i8")
            needed[having] = self.needs[self.begins[having] + j]
            if needed.any():
                kind = distinct(2 * kind + needed)[1]
        order = np.argsort(kind, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(kind[order])) + 1) if len(kind) else []
        found = []
        for group in groups:
            t = int(group[0])
            keeps = self.plans[self.which[t]].keeps
            read = set().union(*(keeps[j] for j, yes in enumerate(self.needed(t)) if yes)) if keeps else ()
            found.append((group, sorted(read)))
        return kind, found

    def kept(self, t: int) -> list[int]:
        """The buffers that an instruction's adjoint reads again."""
        kind, patterns = self._patterns
        operands, result = self._tape.operands[t], self._tape.results[t]
        read = [result if j == KEEPS_RESULT else operands[j] for j in patterns[kind[t]][1]]
        return sorted({b for b in read if b >= 0})

    def _kept_columns(self) -> Iterator[Words]:
        for group, read in self._patterns[1]:
            for j in read:
                yield self.results[group] if j == KEEPS_RESULT else self.operands[self.begins[group] + j]

    @cached_property
    def memory(self) -> tuple[int, int]:
        """(the most bytes that results take at once while the tape runs, bytes kept for backward)."""
        tape = self._tape
        owner = np.array(self.owners, "i8")
        nbytes = np.fromiter(map(attrgetter("nbytes"), tape.layouts), "i8", len(tape.layouts))
        kept = np.zeros(len(owner), bool)
        for buffers in self._kept_columns():
            kept[owner[buffers[buffers >= 0]]] = True
        stays = kept.copy()
        stays[owner[list(tape.outputs)]] = True
        stays[list(tape.inputs)] = True
        last = np.full(len(owner), -1)
        known = self.operands >= 0
        last[owner[self.operands[known]]] = self.readers[known]  # of several the last is what stays
        lie = owner[self.results]
        last[lie] = np.maximum(last[lie], np.arange(len(lie)))
        made = np.where(lie == self.results, nbytes[self.results], 0)
        dying = (last >= 0) & ~stays
        freed = np.bincount(last[dying], nbytes[dying], len(lie)).astype("i8")
        taken = np.cumsum(made) - np.cumsum(freed) + freed
        return int(taken.max(initial=0)), int(nbytes[kept].sum())
