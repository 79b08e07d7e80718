"""`profile`: what ran is counted and timed, forward and backward, and nothing is left behind."""
from __future__ import annotations

import gc
import io
import json
import subprocess
import sys

import pytest

import tapegrad
from tapegrad.compiler import program
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


def test_an_adjoint_of_all_operands_counts_once():
    module, x = tapegrad.nn.GRU(3, 4), tapegrad.ones(5, 2, 3, requires_grad=True)
    with profile() as found:
        for _ in range(2):
            module(x)[0].sum().backward()
    (row,) = (row for row in found.rows("opcode") if row.backward and row.name == "_recurrent_shown")
    assert row.calls == 2 and row.kernel > 0 and row.moved > 4 * x.numel()


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
    assert [row.name for row in rows if row.total and not row.calls] == ["(after the last call)"]
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


W = tapegrad.linspace(0.1, 1, 200 * 200).reshape(200, 200).requires_grad_()


def _layer(x):
    h = x @ W
    h = h.tanh() * 2
    return (h + 1).sum()


def _compiled(function=_layer, calls=4, shape=(200, 200)):
    compiled = tapegrad.compile(function, eager_build=True)
    x = tapegrad.ones(shape)
    for _ in range(calls):
        compiled(x).backward()
    return compiled, x


def test_steps_of_compiled_programs():
    compiled, x = _compiled()
    before = compiled.replays
    with profile() as found:
        for _ in range(3):
            result = compiled(x)
            result.backward()
    assert compiled.replays == before + 3
    rows = [row for row in found.rows() if row.program]
    assert {row.program.partition("[")[0] for row in rows} == {"_layer"} and all(row.calls == 3 for row in rows)
    (product,) = [row for row in rows if row.name.endswith("mm") and not row.backward]
    assert product.flops == 3 * 2 * 200 ** 3 and product.moved == 3 * 3 * 4 * 200 * 200
    first = _layer.__code__.co_firstlineno
    assert product.line == f"test_profile.py:{first + 1}"
    (body,) = [row for row in rows if "tanh" in row.name]
    assert body.line == f"test_profile.py:{first + 2},{first + 3}" and body.flops >= 3 * 3 * 200 * 200
    assert any("mm" in row.name and row.backward and row.line == product.line for row in rows)
    events = io.StringIO()
    found.trace(events)
    calls = [e for e in json.loads(events.getvalue())["traceEvents"] if e["args"].get("program")]
    assert len(calls) == 3 * len(rows) and {e["args"]["source"] for e in calls} >= {product.line, body.line}
    here = test_steps_of_compiled_programs.__code__.co_firstlineno
    assert {e["args"]["called from"] for e in calls if e["cat"] == "forward"} == {f"test_profile.py:{here + 5}"}
    assert "_layer[0]" in str(found) and product.line in found.table("line")
    assert sum(row.total for row in found.rows()) == pytest.approx(found.wall, rel=1e-3)


def _walk(x):
    for _ in range(300):
        x = x - 0.01 * (x * 0.5)
    return x.sum() + W[0, 0]


@pytest.mark.parametrize(("function", "shape", "name"), [
    (_walk, (), "loop"),  # one found again
    (lambda x: x[x[:, 0].argsort()].cumsum(0).sum() * W[0, 0], (9, 3), "scan"),  # kernels that no rule wrote
    (lambda x: W[0, 0] * (x if x.sum() > 0 else -x).sum(), (3,), "check"),  # a value that Python looked at
])
def test_results_of_compiled_programs_are_the_same(function, shape, name):
    compiled, x = _compiled(function, shape=shape)
    compiled.tape.wait()
    before = compiled(x).item()
    with profile() as found:
        inside = compiled(x)
        inside.backward()
    assert inside.item() == before == compiled(x).item()
    steps = [row.name for row in found.rows() if row.program]
    assert steps and (name == "loop" or any(name in step for step in steps))


def test_a_program_that_breaks_off_takes_back_what_it_wrote():
    held, total = tapegrad.zeros(3), tapegrad.zeros(1)

    @tapegrad.compile
    def step(x):
        held.add_(1)
        total.add_(x.sum())
        return held * 2 if (x.sum() > 0) else held * 3

    x = tapegrad.ones(3)
    for _ in range(4):
        step(x)
    with profile() as found:
        fallen = step.fallbacks
        assert step(-x).tolist() == [15, 15, 15] and step.fallbacks == fallen + 1
        assert step(x).tolist() == [12, 12, 12]
    assert total.item() == 12 and {row.name for row in found.rows()} >= {"check", "keep"}


def test_what_is_captured_meanwhile_outlives_the_profile():
    function = lambda x: (x * 3).sin().sum() * W.sum()
    with profile() as found:
        compiled, x = _compiled(function, shape=(50,))
        assert compiled.replays >= 2
    assert any(row.program for row in found.rows())
    assert all(len(p.steps) == 0 or p._record["steps"][0] == p._record["undo"][0] for p in program.programs)
    count = found._clocks.count
    compiled(x).backward()
    assert found._clocks.count == count and "Python" not in compiled.tape.dump()
    W.grad = None


def test_programs_are_let_go_of():
    compiled, x = _compiled(shape=(200, 200))
    with profile() as found:
        compiled(x)
    before = len(program.programs)
    del compiled
    machine.call.reclaim()  # the tape's rows hold programs as well
    gc.collect()
    assert len(program.programs) < before and any(row.program for row in found.rows())


def test_blocks_of_memory():
    x = tapegrad.ones(1000, requires_grad=True)

    def run():
        for _ in range(5):
            y = x.exp()
            (y * 2).sum().backward()
            tapegrad.empty(500)

    run()
    with profile() as found:
        run()
    first = run.__code__.co_firstlineno
    rows = {row.line: row for row in found.rows("line")}
    assert (rows[f"test_profile.py:{first + 2}"].blocks, rows[f"test_profile.py:{first + 4}"].blocks) >= (5, 5)
    assert rows[f"test_profile.py:{first + 4}"].taken == 5 * 2000
    exp = next(row for row in found.rows() if row.name == "exp" and not row.backward)
    assert (exp.blocks, exp.taken) == (5, 5 * 4000)
    for by in ("line", "opcode", "instruction"):
        assert sum(row.blocks for row in found.rows(by)) == found._clocks.block_count
        assert sum(row.taken for row in found.rows(by)) == found.taken
    told = json.loads(found.json())
    assert (told["blocks"], told["taken"]) == (found._clocks.block_count, found.taken)
    compiled, y = _compiled()
    with profile() as found:
        compiled(y)
    step = next(row for row in found.rows() if row.program)
    assert step.blocks >= 1 and step.taken >= 200 * 200 * 4
    assert not int(machine.state["watching"][0])


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
