"""Walks: every value and every contribution, against replays and against `autograd.grad` of the whole."""
from __future__ import annotations

import sys
from pathlib import Path

import pytest

import tapegrad as torch
from tapegrad.inspect.walk import Walk
from tapegrad.tape import Tape

sys.path.insert(0, str(Path(__file__).parents[1] / "tape"))
from tape_programs import PROGRAMS, random_program

TAPES = [*PROGRAMS.values(), *(lambda seed=seed: random_program(seed) for seed in range(40))]


def as_tuple(results):
    return results if isinstance(results, tuple) else (results,)


@pytest.mark.parametrize("make", TAPES)
def test_a_walk_is_a_replay_and_its_gradients(make):
    tape = make()
    walk = Walk(tape).backward()
    inputs = [tape.values[b].detach().requires_grad_(b in tape.requires) for b in tape.inputs]
    results = as_tuple(tape.replay(*inputs))
    for found, b in zip(results, tape.outputs):
        assert torch.equal(found.detach(), walk.values[b])
    wanted = {b: x for b, x in zip(tape.inputs, inputs) if x.requires_grad}
    roots = [r for r in results if r.requires_grad]
    if not roots:
        return
    seeds = [torch.ones_like(r) for r in roots]
    gradients = torch.autograd.grad(roots, list(wanted.values()), seeds, allow_unused=True)
    for b, gradient in zip(wanted, gradients):
        if gradient is None:
            assert walk.adjoints[b] is None
        else:
            torch.testing.assert_close(walk.adjoints[b], gradient)
    for b in tape.inputs:  # what is looked at is left as it is
        assert torch.equal(tape.values[b], inputs[tape.inputs.index(b)].detach())


@pytest.mark.parametrize("make", TAPES)
def test_one_sweep_says_what_instructions_one_by_one_do(make, monkeypatch):
    tape = make()
    swept = Walk(tape).backward()
    monkeypatch.setattr(Walk, "_in_one_sweep", lambda *_: False)
    one_by_one = Walk(tape).backward()
    for found, wanted in zip(swept.adjoints, one_by_one.adjoints):
        assert (found is None) == (wanted is None)
        if found is not None:
            torch.testing.assert_close(found, wanted, equal_nan=True)
    for found, wanted in zip(swept.contributions, one_by_one.contributions):
        assert [b for b, _ in found] == [b for b, _ in wanted]
        for (_, part), (_, same) in zip(found, wanted):
            torch.testing.assert_close(part, same, equal_nan=True)


def test_contributions_add_up_to_adjoints():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp()
    walk = Walk(Tape.of((y * y + y).sum())).backward()
    for b, adjoint in enumerate(walk.adjoints):
        parts = [part for told in walk.contributions for of, part in told if of == b]
        if parts:
            torch.testing.assert_close(sum(parts[1:], parts[0]), adjoint)


def test_writes_leave_earlier_values():
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    h = x * 2
    h[1:] += 1
    h.mul_(x)
    walk = Walk(Tape.of(h.sum()))
    held = [v.tolist() for v in walk.values if v.shape == (3,)]
    assert list(map(list, dict.fromkeys(map(tuple, held)))) == [[1, 2, 3], [2, 4, 6], [2, 5, 7], [2, 10, 21]]


def test_a_seed():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    assert Walk(Tape.of(x * x)).backward(torch.tensor([1.0, 10.0])).adjoints[0].tolist() == [2, 40]


def test_what_python_code_gave_is_not_known():
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = torch.ones(2, requires_grad=True)
    walk = Walk(Tape.of(Double.apply(x).exp())).backward()
    assert walk.values[1:] == [None, None] and walk.adjoints[:2] == [None, None] and walk.unknown == {0, 1}
