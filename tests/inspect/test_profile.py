"""`profile`: what ran is counted and timed, forward and backward, and nothing is left behind."""
from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

import tapegrad
from tapegrad.inspect import clocks, profile
from tapegrad.machine import records as rec
from tapegrad.machine.live import machine, planner


def _step(a, turns=3):
    for _ in range(turns):
        (a @ a).tanh().sum().backward()


def _counts(found, by="opcode"):
    return {(row.name, row.backward): row.calls for row in found.rows(by) if row.calls}


def test_every_call_is_counted():
    a = tapegrad.ones(8, 8, requires_grad=True)
    for _ in range(2):  # plans that are made meanwhile, and plans that are there
        with profile() as found:
            _step(a)
        assert {**_counts(found), **dict.fromkeys((("mm", False), ("tanh", False), ("sum", False), ("mm", True),
                                                   ("tanh", True)), 3)} == _counts(found)


def test_an_adjoint_counts_once():
    """Whichever of the operands it is for."""
    a, b = tapegrad.ones(3, 3), tapegrad.ones(3, 3, requires_grad=True)
    with profile() as found:
        (a @ b).sum().backward()
        (b @ a).sum().backward()
        (b @ b).sum().backward()
    assert _counts(found)[("mm", True)] == 3


def test_very_many_operands_are_one_run():
    x = tapegrad.ones(2, requires_grad=True)
    with profile() as found:
        for _ in range(2):
            tapegrad.cat([x] * 100).sum().backward()
    assert _counts(found)[("cat", False)] == 2


def test_times_are_the_walls():
    a = tapegrad.ones(300, 300, requires_grad=True)
    _step(a)
    with profile() as found:
        _step(a, 20)
    rows = found.rows()
    assert sum(row.total for row in rows) == pytest.approx(found.wall, rel=1e-3)
    assert all(0 < row.kernel <= row.total for row in rows if row.calls)
    assert sum(row.calls == 0 for row in rows) == 1  # what came after the last of them
    product = next(row for row in rows if row.name == "mm" and not row.backward)
    assert product.flops == 20 * 2 * 300 ** 3 and product.moved == 20 * 3 * 300 * 300 * 4
    assert product.speed > 0 and product.bandwidth > 0
    assert product.types == "f32[300,300] f32[300,300] → f32[300,300]"


def test_results_are_the_same():
    x = tapegrad.linspace(0.1, 2, 50, requires_grad=True)

    def grads():
        (g,) = tapegrad.autograd.grad((x.log() * x.sort()[0]).cumsum(0).softmax(0).var(), [x])
        return g.tolist()

    before = grads()
    with profile():
        inside = grads()
    assert inside == before == grads()


def test_nothing_is_left():
    a = tapegrad.ones(4, 4, requires_grad=True)
    with profile() as found:
        _step(a)
    stubs = {stub for idle in clocks._idle.values() for stub, _ in idle}
    count = found._clocks.count
    for plan in planner.all:
        if plan is not None and (n := int(machine.plans[plan.index]["n_forward"])):
            steps = machine.memory(int(machine.plans[plan.index]["forward"]), rec.STEP, n)
            assert not stubs & {*steps["store"].tolist(), *steps["add"].tolist()}
    _step(a)
    assert found._clocks.count == count and planner.on_steps is None
    made = clocks._made
    with profile():
        _step(a)
    assert clocks._made == made, "stubs are used again"


def test_compiled_functions_run_as_written():
    compiled = tapegrad.compile(lambda x: (x * 2).exp().sum())
    x = tapegrad.ones(5, requires_grad=True)
    for _ in range(3):
        compiled(x).backward()
    with profile() as found:
        compiled(x).backward()
    assert _counts(found)[("exp", False)] == 1
    assert compiled(x).item() == pytest.approx(5 * 7.389056, rel=1e-5)


def test_lines():
    x = tapegrad.ones(1000, requires_grad=True)
    with profile(lines=True) as found:
        for _ in range(5):
            y = x.exp()
            y.sum().backward()
    line = test_lines.__code__.co_firstlineno + 4
    rows = {row.line: row for row in found.rows("line")}
    assert rows[f"test_profile.py:{line}"].calls == 10  # forward and backward
    lines_of = {(row.name, row.backward): row.line for row in found.rows("instruction")}
    for name, at in (("exp", line), ("sum", line + 1)):
        assert lines_of[name, False] == lines_of[name, True] == f"test_profile.py:{at}"
    assert f"test_profile.py:{line}" in found.table()


def test_json_and_trace(tmp_path):
    a = tapegrad.ones(4, 4, requires_grad=True)
    with profile() as found:
        _step(a)
    told = json.loads(found.json("opcode"))
    assert told["wall"] == found.wall and {row["name"] for row in told["rows"]} >= {"mm", "tanh", "sum"}
    assert set(told["host"]) == {"bandwidth", "speed"}
    found.trace(str(tmp_path / "trace.json"))
    to = io.StringIO()
    found.trace(to)
    assert (tmp_path / "trace.json").read_text("utf-8") == to.getvalue()
    events = [e for e in json.loads(to.getvalue())["traceEvents"] if e["ph"] == "X"]
    assert len(events) == told["calls"]
    ends = [e["ts"] + e["dur"] for e in events]
    assert ends == sorted(ends) and events[0]["ts"] >= 0 and ends[-1] <= found.wall * 1e6
    assert {e["tid"] for e in events} == {1, 2}


def test_what_is_refused():
    with profile() as found, pytest.raises(RuntimeError, match="one at a time"), profile():
        pass
    assert found.rows() == [] and "0 kernel calls" in str(found)
    with pytest.raises(ValueError, match="instruction"):
        found.rows("module")
    with profile(lines=False) as found:
        tapegrad.ones(2).sin()
    with pytest.raises(ValueError, match=r"profile\(lines=False\)"):
        found.rows("line")
    assert {row.line for row in found.rows()} == {""}


def test_it_ends_where_the_block_fails():
    before = tapegrad.get_num_threads()
    with pytest.raises(ZeroDivisionError), profile():
        raise ZeroDivisionError
    assert planner.on_steps is None and tapegrad.get_num_threads() == before
    with profile():
        pass


def test_more_calls_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(clocks, "MOST", 10)
    monkeypatch.setattr("tapegrad.inspect.profiling.MOST", 10)
    x = tapegrad.ones(3)
    with profile() as found:
        for _ in range(25):
            x = x * 2
    assert len(found._clocks.calls) == 10 and "the last 15 calls are in no row" in str(found)


def test_a_profile_stays_what_it_was():
    a = tapegrad.ones(8, 8, requires_grad=True)
    with profile(lines=True) as short:
        _step(a, 1)
    before = short.rows("line")
    counts, calls = _counts(short), short._clocks.count
    with profile():
        _step(a, 50)
    assert (_counts(short), short._clocks.count, short.rows("line")) == (counts, calls, before)


def test_calls_of_others_stubs_are_no_calls_of_its_own():
    """A thread may still be in a sweep that calls the stub of a profile before."""
    a = tapegrad.ones(8, 8, requires_grad=True)
    _step(a, 1)
    with profile(lines=True) as found:
        _step(a, 1)
        notes = clocks._notes
        found._clocks._records[int(notes[0])] = 1, 2, 1 << 40, 0  # a stub that it has not put in
        notes[0] += 2  # and a call that did not end
        _step(a, 1)
    assert _counts(found)[("mm", False)] == 2
    assert sum(row.calls for row in found.rows("line")) == sum(row.calls for row in found.rows("opcode"))
    json.loads(found.json())


def test_the_command(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("import torch\nx = torch.ones(9, requires_grad=True)\nfor _ in range(4):\n"
                      "    x.exp().sum().backward()\n")
    run = subprocess.run([sys.executable, "-m", "tapegrad", "profile", "--by", "line", "--json", "--trace",
                          str(tmp_path / "t.json"), str(script)], capture_output=True, text=True, check=True)
    rows = json.loads(run.stdout)["rows"]
    assert [row["line"] for row in rows if row["calls"] >= 12] == ["train.py:4"]
    assert json.loads((tmp_path / "t.json").read_text("utf-8"))["traceEvents"]
