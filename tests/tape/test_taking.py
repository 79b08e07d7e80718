"""Instructions read in bulk are those that are read one by one."""
from __future__ import annotations

import numpy as np
import pytest

import tapegrad
from tapegrad.tape import Tape, reading
from tapegrad.tape.derived import Derived
from tapegrad.tape.taking import Columns, leading_to


def _mixed():
    """Pooled instructions, views, numbers of each type, a write in place, very many operands."""
    x = tapegrad.arange(6.0).requires_grad_()
    parts = [x[i] * (i + 0.5) for i in range(6)]
    y = tapegrad.stack(parts) + True
    z = tapegrad.where(y > 2, y, x * 3)
    z = z.clone()
    z[1:3] *= 2
    return x, parts[2], (tapegrad.cat([z] * 50).reshape(50, 6).t() @ tapegrad.ones(50)).sum() + z.var()


def _chain(n):
    w = tapegrad.ones(2, requires_grad=True)
    h = w
    for _ in range(n):
        h = h * w + 0.5
    return w, h, h.sum()


@pytest.mark.parametrize("program", [_mixed, lambda: _chain(3), lambda: _chain(1000)], ids=["mixed", "short", "long"])
@pytest.mark.parametrize("stopped", [False, True], ids=["to the leaves", "to an input"])
def test_as_one_by_one(program, stopped):
    _, middle, result = program()
    inputs = [middle._buffer] if stopped else []
    found, stack, seen = set(), [result._buffer], set(inputs)
    while stack:
        row = stack.pop()
        t = None if row in seen else reading.instruction_of(row)
        seen.add(row)
        if t is not None:
            found.add(t)
            stack += reading.instruction(t)[2]
    indices = leading_to([result._buffer], inputs)
    assert indices.tolist() == sorted(found)
    read = Columns.of(indices)
    for i, t in enumerate(indices.tolist()):
        out, plan, operands, _, shift = reading.instruction(t)
        assert (read.out[i], read.plans[read.which[i]]) == (out, plan)
        assert read.operands[read.begins[i]:read.begins[i + 1]].tolist() == operands
        if plan.op.moves_nothing:
            assert read.shifts[i] == shift


@pytest.mark.parametrize("program", [_mixed, lambda: _chain(20)], ids=["mixed", "chain"])
def test_derived_as_by_definition(program):
    tape = Tape.of(program()[2])
    of = Derived(tape)
    tracked = set(tape.requires)
    for t, (operands, result) in enumerate(zip(tape.operands, tape.results)):
        needed = [b in tracked for b in operands]
        assert of.needed(t) == needed
        if any(needed) and tape.plan(t).keeps:
            tracked.add(result)
        kept = {p for j, yes in enumerate(needed) if yes and tape.plan(t).keeps for p in tape.plan(t).keeps[j]}
        assert of.kept(t) == sorted({b for p in kept if (b := (*operands, result)[p]) >= 0})
    everything = [b for operands in tape.operands for b in operands] + [*tape.outputs]
    assert of.uses.tolist() == [everything.count(b) for b in range(len(tape.layouts))]


def test_of_nothing():
    x = tapegrad.ones(2, requires_grad=True)
    tape = Tape.of(x)
    assert (len(tape), tape.inputs, tape.outputs, Derived(tape).memory) == (0, (0,), (0,), (0, 0))
    assert leading_to([], []).tolist() == []


def test_numbers_are_one_where_they_are_written_alike():
    x = tapegrad.ones(2, requires_grad=True)
    tape = Tape.of(((x * 1 + 1.0) * True + 1.0 + float("nan") - float("nan")).sum())
    assert list(map(repr, tape.constants)) == ["1", "1.0", "True", "nan"]
    assert np.isnan(tape.constants[3])
