"""What people read: golden dumps and adjoints, `record` with its source lines, the live summary."""
from __future__ import annotations

import re
import sys

import pytest
from tape_programs import GOLDEN, PROGRAMS, golden_text, ramp

import tapegrad as torch
from tapegrad.tape import Tape, TapeError, live, record


@pytest.mark.parametrize("name", PROGRAMS)
def test_golden(name: str) -> None:
    assert golden_text(PROGRAMS[name]()) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_every_golden_file_has_its_program() -> None:
    assert {p.stem for p in GOLDEN.glob("*.txt")} == set(PROGRAMS)


def test_no_addresses_and_deterministic() -> None:
    one, other = PROGRAMS["mlp"](), PROGRAMS["mlp"]()
    assert str(one) == str(other) and one == other
    assert "0x" not in str(one) and not re.search(r"\d{7}", str(one))


def test_numbers_that_backward_does_not_need_are_on_the_tape() -> None:
    x = ramp(2)
    y = x + 123.25
    del x
    assert "add  %0 123.25" in str(Tape.of(y))


def test_names_come_from_the_caller_or_as_given() -> None:
    weight, bias = ramp(2), ramp(2)
    total = (weight + bias).sum()
    assert Tape.of(total).name == "total"
    assert Tape.of(total).names == {0: "weight", 1: "bias"}
    assert Tape.of(total, name="n", names=[("a b", weight)]).names == {0: "a b"}
    assert 'f32[2]  "a\\u0020b" ∂' in str(Tape.of(total, names={"a b": weight}))


def test_inputs_cut_the_walk() -> None:
    x = ramp(2)
    h = x.exp()
    y = h * x
    tape = Tape.of(y, inputs=[h])
    assert [op.name for op in tape.operations] == ["mul"]
    assert tape.inputs == (0, 1) and tape.requires == {0, 1} and tape.names == {0: "h", 1: "x"}


def test_of_refuses_what_is_no_tensor() -> None:
    with pytest.raises(TypeError, match=r"Tape\.of: expected tensors, got float"):
        Tape.of(1.0)


def test_a_tape_outlives_backward_and_its_tensors() -> None:
    x = ramp(3)
    y = (x * x).sum()
    tape = Tape.of(y)
    y.backward()
    del x, y
    live()
    assert "mul  %0 %0" in str(tape) and tape.replay().item() > 0


def double(x: torch.Tensor) -> torch.Tensor:
    return x * 2


def test_record_names_the_lines() -> None:
    x = ramp(3)
    first = sys._getframe().f_lineno + 2
    with record("block") as tape:
        y = double(x) + double(x)
        z = (
            y.exp()
            .sum()
        )
        z.backward()
    inner = double.__code__.co_firstlineno + 1
    assert tape.name == "block" and len(tape) == 5
    assert tape.sources == [f"test_dump.py:{n}" for n in (inner, inner, first, first + 2, first + 3)]
    assert tape.outputs == (5,) and str(tape).count("test_dump.py") == 5
    assert torch.equal(x.grad, torch.ones_like(x.grad) * x.grad)


def test_record_without_lines_leaves_tracing_alone() -> None:
    tracer = sys.gettrace()
    with record(lines=False) as tape:
        assert sys.gettrace() is tracer
        y = ramp(3) * 2
    assert [op.name for op in tape.operations] == ["clone", "mul"][-len(tape):] and not any(tape.sources)
    assert sys.gettrace() is tracer
    del y


def test_record_puts_tracing_back_after_an_error() -> None:
    tracer = sys.gettrace()
    with pytest.raises(ZeroDivisionError), record() as tape:
        y = ramp(2) + 1
        1 / 0  # noqa: B018
    assert sys.gettrace() is tracer and len(tape) >= 1
    del y


def test_record_holds_compaction_off() -> None:
    x = ramp(1)
    with record(lines=False) as tape:
        for _ in range(20_000):
            x * 2
        live()
    assert len(tape) == 20_000
    assert live().instructions < 20_000


def test_record_says_when_the_tape_was_compacted() -> None:
    from tapegrad.machine.live import machine

    x = ramp(1)
    with pytest.raises(TapeError, match="compacted while the block ran"), record(lines=False):
        y = x * 2
        machine.call.reclaim()
    del y


def test_live_counts_by_operation() -> None:
    before = {o.name: o for o in live().shares}
    x = ramp(1000)
    y = x.sigmoid() * x
    after = live()
    kept = {o.name: o.kept - (before[o.name].kept if o.name in before else 0) for o in after.shares}
    assert kept["sigmoid"] == 4000 and kept["mul"] == 8000
    assert str(after).splitlines()[0].startswith(f"live tape  {after.instructions} ins · ")
    del y


def test_a_long_tape_is_no_deep_one() -> None:
    x = ramp(1)
    y = x
    for _ in range(30_000):
        y = y * 1.5
    tape = Tape.of(y)
    assert len(tape) == 30_000 and len(str(tape).splitlines()) == 30_005
