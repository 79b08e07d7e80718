"""Instructions read in bulk are those that are read one by one."""
from __future__ import annotations

import numpy as np
import pytest

import tapegrad
from tapegrad.tape import Tape, reading
from tapegrad.tape.derived import Derived
from tapegrad.tape.taking import Columns, leading_to
from tapegrad.tape.words import distinct, reached, tuples


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


def _two_chains(turns):
    """What one chain leads to, beside instructions of another that it does not read, one apart and many in a row."""
    w = tapegrad.ones(2, requires_grad=True)
    a, b = w, w
    for _ in range(turns):
        a, b = a * w, b + w
    for _ in range(turns):
        b = b * 2
    return w, a, (a * w).sum()


PROGRAMS = {"mixed": _mixed, "short": lambda: _chain(3), "long": lambda: _chain(1000),
            "beside": lambda: _two_chains(8), "far beside": lambda: _two_chains(200)}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
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


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_in_words_as_parsed(program):
    tape = Tape.of(program()[2])
    again = Tape.parse(tape.dump())
    assert again == tape
    a, b = tape.flat(), again.flat()
    for words in ("begins", "operands", "results"):
        assert getattr(a, words).tolist() == getattr(b, words).tolist()
    assert [a.plans[i].op for i in a.which] == [b.plans[i].op for i in b.which] == tape.operations


def test_reached_as_followed():
    chance = np.random.default_rng(0)
    for n in (1, 2, 30, 400):
        for density in (0.01, 0.5, 1.5, 4):
            ends = np.sort(chance.integers(0, n, (int(n * density), 2)), 1)
            ends = ends[ends[:, 0] < ends[:, 1]]
            sources, targets = ends[np.argsort(ends[:, 0], kind="stable")].T
            start = chance.random(n) < 0.1
            wanted = start.copy()
            for source, target in zip(sources, targets):
                wanted[target] |= wanted[source]
            assert reached(start, sources, targets).tolist() == wanted.tolist()


def test_distinct_and_tuples_of_nothing():
    for numbers in ([], [0], [5, 1 << 40, 5]):
        found, which = distinct(np.array(numbers, "i8"))
        assert found[which].tolist() == numbers and found.tolist() == sorted({*numbers})
    for n in (0, 2):
        assert tuples(np.zeros(0, "i8"), np.zeros(n + 1, "i8")) == [()] * n


@pytest.mark.parametrize("program", [_mixed, lambda: _chain(20), lambda: _two_chains(9)], ids=["mixed", "chain", "two"])
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
