"""Two tapes side by side."""
from __future__ import annotations

import time

import pytest

import tapegrad as torch
from tapegrad.__main__ import main
from tapegrad.tape import Tape


def network(layers, activation=torch.tanh, size=3):
    x, w, b = torch.ones(5, size), torch.ones(size, size, requires_grad=True), torch.ones(size, requires_grad=True)
    h = x
    for _ in range(layers):
        h = activation(h @ w + b)
    return Tape.of(h.sum())


def test_the_same():
    found = network(2).diff(network(2))
    assert not found and str(found) == "the tapes are the same"


def test_one_layer_more():
    found = network(5).diff(network(6))
    assert found and sum(a is None for a, b in found.pairs) == 3 and not any(b is None for a, b in found.pairs)


def test_another_activation():
    found = network(2).diff(network(2, torch.relu))
    assert str(found).splitlines() == [
        "7 instructions, 7 in the other",
        "  0  %3  f32[5,3]  mm    %0 %1",
        "  1  %4  f32[5,3]  add   %3 %2~",
        "- 2  %5  f32[5,3]  tanh  %4",
        "+ 2  %5  f32[5,3]  relu  %4",
        "  3  %6  f32[5,3]  mm    %5 %1",
        "  4  %7  f32[5,3]  add   %6 %2~",
        "- 5  %8  f32[5,3]  tanh  %7",
        "+ 5  %8  f32[5,3]  relu  %7",
        "  6  %9  f32[]     sum   %8 dim=(0,1)",
    ]


def test_another_operand():
    x, y = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    found = Tape.of((x * y).sum(), names={"x": x, "y": y}).diff(Tape.of((x * x).sum(), names={"x": x}))
    assert found.rewired == {0} and [(a, b) for a, b in found.inputs] == [(1, None)]


def test_other_types():
    assert network(1).diff(network(1, size=4)).inputs


def test_files(tmp_path, capsys):
    first, second = tmp_path / "a.tape", tmp_path / "b.txt"
    network(2).save(first)
    second.write_text(str(network(2, torch.relu)))
    with pytest.raises(SystemExit) as stopped:
        main(["diff", str(first), str(second)])
    assert stopped.value.code == 1 and "+ 2  %5  f32[5,3]  relu  %4" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        main(["diff", str(first), str(first)])
    assert stopped.value.code == 0
    capsys.readouterr()
    main(["replay", str(first)])
    assert capsys.readouterr().out == f"{network(2).replay()!r}\n" == "tensor(14.9899)\n"
    second.write_text("no tape")
    with pytest.raises(SystemExit) as stopped:
        main(["dump", str(second)])
    assert stopped.value.code == 2 and "is no tape" in capsys.readouterr().err


@pytest.mark.parametrize("change", [lambda h: h, lambda h: h.exp() * 2])
def test_long_loops_are_compared_in_no_more_than_a_while(change):
    def chain(first, last, turns=20_000):
        h = first(torch.ones(1, requires_grad=True))
        for _ in range(turns):
            h = (h * 1.01).tanh()
        return Tape.of(last(h))

    before = time.perf_counter()
    plain = chain(lambda h: h, lambda h: h)
    assert not plain.diff(chain(lambda h: h, lambda h: h))
    diff = plain.diff(chain(change, lambda h: h.sin()))
    assert diff and sum(a is None for a, _ in diff.pairs) >= 1
    assert time.perf_counter() - before < 60
