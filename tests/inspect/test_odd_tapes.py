"""Tapes of odd kinds, odd programs, odd moments: what is said of them is true, and the program goes on as it was."""
from __future__ import annotations

import collections
import dataclasses
import io
import math
import threading
import types

import pytest

import tapegrad as torch
from tapegrad import dispatch
from tapegrad.__main__ import main
from tapegrad.autograd import anomaly
from tapegrad.inspect.walk import Walk
from tapegrad.tape import Tape, TapeError


class Five(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 5

    @staticmethod
    def backward(ctx, g):
        return g * 5


def of(*values):
    return torch.tensor(values, requires_grad=True)


# ---------------------------------------------------------------- what is known, and what is not


def test_a_custom_function_in_the_middle_is_shown_and_what_lies_before_it_is_not_known():
    x = of(1.0, 2.0)
    loss = (Five.apply(x * x) * 3).sum()
    to = io.StringIO()
    torch.inspect.dump(loss, adjoint=True, values=True, grads=True, file=to)
    assert "∂%1 += FiveBackward(∂%2)" in to.getvalue()
    assert "grad ?" in to.getvalue().splitlines()[1]
    assert "FiveBackward" in torch.inspect.to_html(loss)
    walk = Walk(Tape.of(loss)).backward()
    assert walk.unknown == {0, 1} and walk.adjoints[0] is None and walk.adjoints[2].tolist() == [3, 3]


def test_an_adjoint_of_which_a_part_is_not_known_is_not_told_as_a_whole():
    x = of(1.0, 2.0)
    walk = Walk(Tape.of((x * 2).sum(), Five.apply(x).sum())).backward()
    assert walk.adjoints[0] is None and 0 in walk.unknown
    assert torch.inspect.debug(walk.tape, prompt=False).adjoint("%0") is None


def test_what_has_no_derivative_is_looked_at_all_the_same():
    x = of(1.0, 5.0)
    y = (x // 2 * x).sum()
    to = io.StringIO()
    torch.inspect.dump(y, adjoint=True, values=True, grads=True, file=to)
    assert "floor_divide  (no derivative)" in to.getvalue() and "grad ?" in to.getvalue().splitlines()[1]
    assert "no derivative" in torch.inspect.to_html(y) and "no derivative" in torch.inspect.to_svg(y)
    walk = Walk(Tape.of(y)).backward()
    assert walk.unknown == {0} and walk.adjoints[1].tolist() == [1, 5]
    assert torch.inspect.debug(y, prompt=False).go(9) == len(walk.tape) + 2
    with pytest.raises(TapeError, match=r"nothing found, but instruction 0 \(floor_divide\) has no derivative"):
        torch.inspect.why_nan(y)
    assert first((x * 0 // 2).log().sum()) == ("log", False)


def test_values_that_no_rule_reads_are_not_missed():
    x = of(1.0, 2.0)
    walk = Walk(Tape.of((x * 2 + torch.ones(2)).sum())).backward()
    (b,) = walk.tape.requires
    assert walk.values[-1] is None and walk.adjoints[b].tolist() == [2, 2]


def test_a_write_over_what_its_slope_reads_is_looked_at_though_backward_refuses_it():
    x = of(1.0, 2.0)
    y = (x * 2).relu_().mul_(x).sum()
    walk = Walk(Tape.of(y)).backward()
    assert walk.adjoints[0].tolist() == [4, 8]
    assert torch.inspect.why_nan(y) is None


def test_a_result_that_is_given_twice_counts_twice():
    y = of(1.0, 2.0).sin()
    tape = Tape.of(y, y)
    debugger = torch.inspect.debug(tape, prompt=False)
    debugger.go(len(tape) + 1)
    assert debugger.adjoint(tape.outputs[0]).tolist() == [2, 2]


# ---------------------------------------------------------------- the first cause


def first(y):
    report = torch.inspect.why_nan(y)
    return report and (report.tape.operations[report.instruction].name, report.backward)


def test_a_nan_that_is_masked_is_no_cause():
    masked = torch.tensor([1.0, math.nan])
    x = of(0.0, 1.0)
    assert torch.inspect.why_nan((torch.where(masked.isnan(), x, masked) * 3).sum()) is None
    assert first((torch.where(masked.isnan(), x, masked) * 3).sum() + (x - 2).sqrt().sum()) == ("sqrt", False)


def test_an_infinity_that_was_cured_is_no_cause_of_a_later_nan():
    x = of(0.0, 1.0)
    assert first((x.log().clamp(min=-5) - 10).sqrt().sum()) == ("sqrt", False)


def test_the_element_that_is_nan_is_followed_not_its_neighbours():
    x = of(0.0, 2.0)
    report = torch.inspect.why_nan((x.log() - 5).pow(-0.25))  # -inf gives 0, a number below zero nan
    assert (report.tape.operations[report.instruction].name, report.position) == ("pow", (1,))


def test_gradients_whose_sum_overflows():
    x = torch.tensor([1e-3], dtype=torch.float16, requires_grad=True)
    report = torch.inspect.why_nan(((x * 60000) + (x * 60000)).sum())
    assert report.summed and report.backward and report.what == "inf"
    assert "makes it inf" in str(report) and "what others added is 60000" in str(report)


# ---------------------------------------------------------------- in any mode, thread, transform


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, lambda: torch.autograd.set_detect_anomaly(True),
                                  lambda: torch.autograd.set_detect_anomaly(True, check_forward=True)])
def test_questions_are_answered_in_any_mode(mode):
    x = of(0.0, 4.0)
    y = (x.sqrt() * 0).sum()
    with mode():
        assert first(y) == ("sqrt", True)
        assert Walk(Tape.of(y)).backward().adjoints[1].tolist() == [0, 0]
        assert "nan" in torch.inspect.to_html(y)
        before = anomaly.enabled, anomaly.check_forward, torch.is_grad_enabled()
        torch.inspect.error_budget(y)
        assert before == (anomaly.enabled, anomaly.check_forward, torch.is_grad_enabled())


def test_threads_that_ask_at_the_same_time_leave_no_mode_on():
    lines = []

    def ask():
        for _ in range(5):
            lines.append(torch.inspect.why_nan(lambda x: (x - x).log().sum(), of(1.0)).line)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(lines) == 20 and all(line.startswith("test_odd_tapes.py") for line in lines)
    assert not anomaly.enabled and dispatch.witness is None


def test_under_vmap_it_is_the_batch_that_is_seen():
    x = torch.tensor([[1.0, -1.0], [2.0, 3.0]], requires_grad=True)
    found = []

    def each(row):
        y = row.log()
        found.append((first(y), Tape.of(y).names))
        return y

    torch.func.vmap(each)(x)
    assert found == [(("log", False), {0: "row"})]


# ---------------------------------------------------------------- what functions take and return


@dataclasses.dataclass
class Result:
    loss: object


@pytest.mark.parametrize("packed", [lambda y: y, lambda y: [y], lambda y: {"loss": y}, Result,
                                    lambda y: types.SimpleNamespace(loss={"a": (y,)})])
def test_whatever_a_function_packs_its_results_in(packed):
    def function(x, *, what=1.0, function=1.0):
        return packed((x * 0).log() * what * function)

    report = torch.inspect.why_nan(function, of(1.0), what=2.0, function=3.0)
    assert report.tape.operations[report.instruction].name == "log" and report.line


@pytest.mark.parametrize("result", [None, 3.0, [], {}, "loss"])
def test_a_function_that_returns_no_tensors_is_no_finite_one(result):
    with pytest.raises(TypeError, match="returns tensors"):
        torch.inspect.why_nan(lambda x: result, of(1.0))


def test_nothing_given_is_an_error():
    for function in (torch.inspect.dump, torch.inspect.to_html, torch.inspect.to_dot):
        with pytest.raises(TypeError, match="got nothing"):
            function()


# ---------------------------------------------------------------- names


class Proxy:
    @property
    def __dict__(self):
        raise RuntimeError("unbound")


class Key(str):
    def _ran(self, *others):
        raise RuntimeError("a key ran")

    __format__ = __str__ = __eq__ = startswith = _ran
    __hash__ = str.__hash__


class Scope(collections.UserDict):
    def items(self):
        raise RuntimeError("a scope ran")


def names(tape):
    return sorted(tape.names.values())


def test_nothing_of_the_program_runs_for_a_name():
    w = of(1.0)
    proxy, keys = Proxy(), {Key("k"): of(2.0)}
    assert names(Tape.of((w * next(iter(keys.values()))).sum())) == ["w"]
    del proxy
    scope = Scope()
    exec("v = torch.ones(2, requires_grad=True); tape = Tape.of((v * 2).sum())", {"torch": torch, "Tape": Tape}, scope)
    assert names(scope["tape"]) == []
    scope = {"torch": torch, "Tape": Tape, 3: 4, None: 1}
    exec("v = torch.ones(2, requires_grad=True); tape = Tape.of((v * 2).sum())", scope)
    assert names(scope["tape"]) == ["v"]


class Slotted:
    __slots__ = ("unset", "w")


class Pair(collections.namedtuple("Pair", "w b")):
    pass


def test_slots_and_named_tuples_are_seen():
    slotted, pair = Slotted(), Pair(of(1.0), of(2.0))
    slotted.w = of(3.0)
    assert names(Tape.of((slotted.w * pair.w * pair.b).sum())) == ["pair.b", "pair.w", "slotted.w"]


def test_a_data_set_beside_a_model_does_not_hide_its_names():
    data = [{"sample": [i]} for i in range(50_000)], list(range(300_000))
    net = torch.nn.Sequential(torch.nn.Linear(1, 1))
    assert names(Tape.of(net(torch.ones(1)).sum())) == ["net.0.bias", "net.0.weight"]
    del data


# ---------------------------------------------------------------- commands


@pytest.mark.parametrize("command", ["why-nan", "html", "debug"])
def test_a_script_without_a_backward_is_not_called_finite(command, tmp_path, capsys):
    script = tmp_path / "idle.py"
    script.write_text("import torch\nx = torch.zeros(1).log() * 0\n")
    with pytest.raises(SystemExit) as left:
        main([command, str(script)])
    assert left.value.code == 2 and "never calls backward" in capsys.readouterr().err


def test_what_cannot_be_seen_of_a_script_is_said(tmp_path, capsys):
    script = tmp_path / "custom.py"
    script.write_text("import torch\nclass F(torch.autograd.Function):\n    @staticmethod\n"
                      "    def forward(ctx, x): return x * 1\n    @staticmethod\n    def backward(ctx, g): return g\n"
                      "F.apply(torch.ones(1, requires_grad=True)).sum().backward()\n")
    with pytest.raises(SystemExit) as left:
        main(["why-nan", str(script)])
    told = capsys.readouterr().out
    assert left.value.code == 0 and told.startswith("every value that can be seen is finite") and "made by F" in told


FAILING = "import torch\n(torch.ones(2, requires_grad=True) * 2).exp().sum().backward()\nraise ValueError('boom')\n"


@pytest.mark.parametrize("command, told", [
    ("dump", "backward ran 1 time"), ("profile", "exp"), ("why-nan", "every value is finite"), ("html", "fail.html"),
    ("debug", "→  0  %1 = mul")])
@pytest.mark.parametrize("ending, error", [("raise ValueError('boom')", ValueError), ("exit(3)", SystemExit)])
def test_a_script_that_fails_is_told_of_up_to_there(command, told, ending, error, tmp_path, capsys, monkeypatch):
    script = tmp_path / "fail.py"
    script.write_text(FAILING.replace("raise ValueError('boom')", ending))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO("q\n"))
    with pytest.raises(error):
        main([command, str(script)])
    assert told in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_nan_in_one_of_several_threads_is_told(tmp_path, capsys):
    script = tmp_path / "threads.py"
    script.write_text("import threading, torch\ndef run(k):\n    for _ in range(5):\n"
                      "        (torch.full((2,), k, requires_grad=True).sqrt() * k).sum().backward()\n"
                      "threads = [threading.Thread(target=run, args=(float(k),)) for k in range(3)]\n"
                      "for t in threads: t.start()\nfor t in threads: t.join()\n")
    with pytest.raises(SystemExit) as left:
        main(["why-nan", str(script)])
    told = capsys.readouterr()
    assert left.value.code == 1 and told.out.startswith("nan first in the backward pass") and not told.err


def test_options_after_a_tape_are_not_passed_over(tmp_path, capsys):
    Tape.of(of(1.0) * 2).save(tmp_path / "a.tape")
    with pytest.raises(SystemExit):
        main(["html", str(tmp_path / "a.tape"), "--output", "b.html"])
    assert "unrecognized arguments: --output b.html" in capsys.readouterr().err


def test_a_stream_that_lacks_the_signs():
    to = io.TextIOWrapper(io.BytesIO(), "ascii")
    torch.inspect.dump(of(1.0) * 2, file=to)
    to.flush()
    assert b"1 ins \\xb7 2 bufs" in to.buffer.getvalue()
