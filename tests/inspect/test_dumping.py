"""Dumps with values, gradients, folded loops, colour and JSON."""
from __future__ import annotations

import io
import itertools
import json
import re

import pytest

import tapegrad as torch
from tapegrad.inspect import dumping, folding
from tapegrad.tape import Tape


def chain(turns):
    w = torch.tensor([0.5, 1.0], requires_grad=True)
    h = w
    for _ in range(turns):
        h = (h * w).tanh()
    return h.sum()


def text(*what, **options):
    to = io.StringIO()
    torch.dump(*what, file=to, **options)
    return to.getvalue()


def test_loops_are_folded_both_ways():
    shown = text(chain(100), adjoint=True)
    assert "× 100 ⟨ip 0–1 … 198–199⟩" in shown and "× 100 ⟨ip 199–198 … 1–0⟩" in shown
    assert len(shown.splitlines()) < 20
    assert len(text(chain(100), fold=False).splitlines()) > 200


@pytest.mark.parametrize("values, grads", [(True, False), (False, True), (True, True)])
def test_columns_are_passed_over_when_parsed(values, grads):
    tape = Tape.of(chain(3))
    assert Tape.parse(text(tape, values=values, grads=grads, fold=False)) == tape


def test_values_and_gradients():
    x = torch.tensor([0.0, 4.0], requires_grad=True)
    lines = text(x.sqrt().sum(), values=True, grads=True).splitlines()
    assert lines[1].endswith("· value 0..4 mean 2 █▁▁▁▁▁▁█  · grad 0.25, 1 inf")
    assert re.split("  +", lines[3])[-2:] == ["0..2 mean 1 █▁▁▁▁▁▁█", "1"]


def test_json():
    tape = Tape.of(chain(2), name="chain")
    found = json.loads(text(tape, json=True, values=True, adjoint=True))
    assert found["tape"] == "chain" and len(found["instructions"]) == len(tape) == 5
    assert found["instructions"][0]["op"] == "mul" and found["instructions"][0]["operands"] == [{"buffer": 0}] * 2
    assert found["inputs"][0]["requires_grad"] and found["inputs"][0]["value"].startswith("0.5..1")
    assert found["adjoint"][0].startswith("seed")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_colour_is_for_terminals(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    painted = Terminal()
    torch.dump(chain(2), file=painted)
    assert "\x1b[" in painted.getvalue() and "\x1b[" not in text(chain(2))
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Terminal()
    torch.dump(chain(2), file=plain)
    assert "\x1b[" not in plain.getvalue()
    assert dumping.painted("  1 nan") == "  \x1b[1;31m1 nan\x1b[0m"


def test_what_is_no_tensor():
    with pytest.raises(TypeError, match="expected tensors, got int"):
        torch.dump(3)


def nest():
    w = torch.ones(3, 3, requires_grad=True)
    h = torch.zeros(3)
    for row in w:
        for _ in range(10):
            h = (row + h).tanh()
        h = h * 2
    return h


def rows():
    x, w = torch.ones(50, 3, requires_grad=True), torch.ones(3)
    h = torch.zeros(3)
    for i in range(50):
        h = (x[i] + h * w).tanh()
    return h


@pytest.mark.parametrize("make, most", [(nest, 25), (rows, 12), (lambda: chain(1000), 5)])
def test_what_is_folded_can_be_unfolded(make, most):
    """Each turn of a run is the first one, its whole numbers moved on by a constant step."""
    tape = Tape.of(make())
    kinds, words, places = folding._read(tape)
    found = folding.runs(tape)
    end = 0
    for run in found:
        assert run.start >= end and run.turns >= 3
        end = run.end
        turns = [words[places[run.start + i * run.length]:places[run.start + (i + 1) * run.length]]
                 for i in range(run.turns)]
        steps = {tuple(b - a) for a, b in itertools.pairwise(turns)}
        assert len(steps) == 1
        for i in range(run.turns):
            first = run.start + i * run.length
            assert (kinds[first:first + run.length] == kinds[run.start:run.start + run.length]).all()
    assert len(tape) - sum(run.length * (run.turns - 1) for run in found) <= most
