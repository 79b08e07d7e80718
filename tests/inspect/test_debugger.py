"""The debugger: both ways through a tape and its adjoint, from Python and at the prompt."""
from __future__ import annotations

import io
import re

import pytest

import tapegrad as torch
from tapegrad.inspect.debugger import Debugger, Prompt
from tapegrad.tape import Tape, record


def network():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    w = torch.tensor([0.5, -1.0], requires_grad=True)
    h = (x * w).exp()
    return x, w, (h * x + h).sum()


def debugger():
    x, w, loss = network()
    return Debugger(Tape.of(loss, names={"x": x, "w": w})), x, w, loss


def values(d):
    found = [d.value(b) for b in range(len(d.tape.layouts))]
    return [None if value is None else value.tolist() for value in found]


def test_every_step_there_and_back():
    d, x, w, loss = debugger()
    seen = []
    while d.at < len(d.steps):
        seen.append((d.at, values(d)))
        d.next()
    assert d.value(d.tape.outputs[0]).item() == loss.item()
    loss.backward()
    assert torch.equal(d.adjoint("x"), x.grad) and torch.equal(d.adjoint("w"), w.grad)
    for step, held in reversed(seen):
        assert d.back() == step and values(d) == held
    assert d.back() == 0 and d.adjoint("x") is None


def test_stops():
    d, *_ = debugger()
    names = [op.name for op in d.tape.operations]
    assert d.until("exp") == names.index("exp")
    first = d.until("backward")
    assert d.steps[first] == (len(names) - 1, True)
    d.go(0)
    d.stop_at("%0")  # only its adjoint changes
    d.stop_at("exp")
    assert d.steps[d.resume()] == (names.index("exp"), False)
    assert d.steps[d.resume()][1]
    assert d.resume(-1) == names.index("exp") and d.until(lambda d: d.at == 0, -1) == 0
    with pytest.raises(ValueError, match="expected an operation"):
        d.until("a b c")
    with pytest.raises(ValueError, match="no such buffer"):
        d.value("%99")


def test_a_nan_is_stopped_at():
    x = torch.tensor([0.0, 1.0], requires_grad=True)
    d = Debugger(Tape.of((x * 2).sqrt().sum()))
    assert d.steps[d.until("nan")] == (1, True)


def test_lines():
    x = torch.ones(2, requires_grad=True)
    with record() as tape:
        y = x * 2
        y = y.exp()
        y.sum()
    d = Debugger(tape)
    d.until(tape.sources[1])
    assert d.at == 1


def test_the_largest_contribution_comes_first():
    d, *_ = debugger()
    d.go(len(d.steps))
    parts = d.contributions("x")
    assert len(parts) == 2
    sizes = [float(part.abs().max()) for _, part in parts]
    assert sizes == sorted(sizes, reverse=True)
    assert d.readers("x") == [t for t, operands in enumerate(d.tape.operands) if 0 in operands]


def test_the_prompt():
    x, w, loss = network()
    said = io.StringIO()
    commands = ["until exp", "p %2", "", "break backward", "c", "who x", "rewind", "back", "readers x", "print zzz",
                "nonsense", "list", "help", "q", ""]
    Prompt(Debugger(Tape.of(loss, names={"x": x, "w": w})), io.StringIO("\n".join(commands)), said).cmdloop()
    shown = said.getvalue()
    assert "→ 0" in shown and re.search(r"→ +1  %3 = exp", shown) and re.search(r"→ ∂4  sum", shown)
    assert "tensor([ 0.5000, -2.0000])" in shown and "no such buffer" in shown and "no such command: nonsense" in shown
