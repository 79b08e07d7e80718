"""Planted NaNs: the first cause is named, with the operation, the pass and the line."""
from __future__ import annotations

import inspect as lines_of
import subprocess
import sys
from pathlib import Path

import pytest

import tapegrad as torch
from tapegrad.tape import Tape, TapeError, record
from tapegrad.utils.checkpoint import checkpoint

ROOT = Path(__file__).parents[2]
inf = float("inf")
PLANTED = []


def plant(operation, values, backward=False):
    """A function of a leaf; the line that ends with `# here` makes the first value that is not finite."""
    def take(function):
        PLANTED.append((function, operation, values, backward))
        return function
    return take


@plant("sqrt", [0.0, 4.0], backward=True)
def behind_where(x):
    root = x.sqrt()  # here
    return torch.where(x > 0, root, torch.zeros(2)).sum()


@plant("sqrt", [0.0, 4.0], backward=True)
def root_of_zero(x):
    y = x * 2
    return y.sqrt().sum()  # here


@plant("log", [200.0, 0.0])
def log_of_zero(x):
    p = x.softmax(0)
    logs = p.log()  # here
    return -(torch.tensor([0.0, 1.0]) * logs).sum()


@plant("log", [1.0, -1.0])
def log_of_less(x):
    return (x * 2).log().mean()  # here


@plant("exp", [1.0, 100.0])
def overflow(x):
    e = x.exp()  # here
    return (e / e.sum()).log().sum()


@plant("div", [1.0, 2.0])
def nothing_to_average(x):
    kept = x[x > 5]
    return kept.sum() * 3 / torch.tensor(float(len(kept)))  # here


@plant("div", [1.0, 2.0])
def zero_by_zero(x):
    centred = x - x
    return (centred / centred.abs().max()).sum()  # here


@plant("sub", [1.0, 2.0])
def infinity_less_infinity(x):
    y = x * torch.tensor([inf, 1.0])
    return (y - y).sum()  # here


@plant("mul", [1.0, 2.0])
def a_mask_that_multiplies(x):
    scores = x.masked_fill(torch.tensor([True, False]), -inf)
    return (scores * torch.tensor([0.0, 1.0])).sum()  # here


@plant("pow", [-1.0, 2.0])
def power_of_less(x):
    return ((x * 1.5) ** 0.3).sum()  # here


@plant("pow", [0.0, 2.0], backward=True)
def power_at_zero(x):
    return ((x * 1.5) ** 0.3).sum()  # here


@plant("acos", [1.0, 0.5], backward=True)
def angle_of_the_same(x):
    cosine = x * 1
    return cosine.acos().sum()  # here


@plant("softmax", [1.0, 2.0])
def all_masked(x):
    scores = x.masked_fill(torch.tensor([True, True]), -inf)
    return scores.softmax(0).sum()  # here


@plant("std", [1.0])
def deviation_of_one(x):
    return (x * 2).std()  # here


@plant("mm", [1e30, 1e30])
def product_overflows(x):
    y = x[None]
    return torch.mm(y, y.t()).sum()  # here


@plant("reciprocal", [0.0, 1.0])
def one_by_zero(x):
    return (x * x).reciprocal().sum()  # here


@plant("rsqrt", [0.0, 0.0])
def normalised_by_zero(x):
    length = (x * x).sum()
    return (x * length.rsqrt()).sum()  # here


@plant("log1p", [-1.0, 1.0])
def log1p_of_minus_one(x):
    return x.log1p().sum()  # here


@plant("exp", [1.0, 2.0])
def in_a_loop(x):
    for _ in range(4):
        x = x.exp()  # here
    return (x - x).sum()


@plant("log", [0.0, 1.0])
def entropy_of_the_certain(x):
    p = x * 1
    return torch.where(p > 0, p * p.log(), p).sum()  # here


@plant("div", [0.0, 2.0])
def ratio_behind_where(x):
    ratio = x.sin() / x  # here
    return torch.where(x == 0, torch.ones(2), ratio).sum()


@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("function, operation, values, backward", PLANTED, ids=[p[0].__name__ for p in PLANTED])
def test_the_first_cause_is_named(function, operation, values, backward, compiled):
    x = torch.tensor(values, requires_grad=True)
    called = torch.compile(function) if compiled else function
    for _ in range(4 * compiled):
        called(x)
    report = torch.why_nan(called, x)
    assert report is not None
    assert report.backward == backward
    assert report.tape.operations[report.instruction].name == operation
    source, first = lines_of.getsourcelines(function)
    here = first + next(i for i, line in enumerate(source) if line.rstrip().endswith("# here"))
    assert report.line == f"test_why_nan.py:{here}"
    assert report.cure
    assert operation in str(report) and report.line in str(report)


def test_nothing_to_report():
    x = torch.ones(3, requires_grad=True)
    assert torch.why_nan((x * 2).log().sum()) is None
    assert torch.why_nan(lambda: (x * 2).log().sum()) is None
    masked = x.masked_fill(torch.tensor([True, False, False]), -inf).softmax(0)
    assert torch.why_nan(masked[1]) is None  # an infinity that a mask put there


def test_an_input_that_is_not_finite():
    w = torch.tensor([1.0, float("nan")], requires_grad=True)
    report = torch.why_nan((w * 2).sum())
    assert report.instruction is None and str(report) == "input %0 (w) holds 1, 1 nan: it was not finite to begin with"


def test_values_that_are_gone():
    def loss():
        x = torch.ones(3)
        w = torch.ones(3, requires_grad=True)
        return (w + x).sum()

    with pytest.raises(TapeError, match=r"nothing found, but the values of input %\d.* are gone"):
        torch.why_nan(loss())
    assert torch.why_nan(loss) is None


def test_python_code_between():
    class Half(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x / 2

        @staticmethod
        def backward(ctx, g):
            return g / 2

    x = torch.ones(3, requires_grad=True)
    with pytest.raises(TapeError, match="made by Half, which is Python code"):
        torch.why_nan(Half.apply(x).sum())


def again(x, reentrant):
    return checkpoint(lambda v: (v - v).log().sum(), x, use_reentrant=reentrant)


def on_cpu(x, _):
    with torch.autograd.graph.save_on_cpu():
        return (x - x).log().sum()


@pytest.mark.parametrize("function, reentrant", [(again, True), (again, False), (on_cpu, None)])
def test_what_is_kept_otherwise_is_looked_into(function, reentrant):
    x = torch.ones(2, requires_grad=True)
    report = torch.why_nan(function, x, reentrant)
    assert report.tape.operations[report.instruction].name == "log" and report.line.startswith("test_why_nan.py:")
    result = function(x * 1, reentrant)  # as ever afterwards
    assert any(op.kind == "callback" for op in Tape.of(result).operations)


def test_lines_of_a_recorded_block():
    x = torch.zeros(2, requires_grad=True)
    with record() as tape:
        loss = x.log().sum()
    assert torch.why_nan(tape).line.startswith("test_why_nan.py:")
    assert loss.isinf()


def test_the_way_goes_on_to_the_result():
    x = torch.tensor([100.0, 1.0], requires_grad=True)
    report = torch.why_nan((x.exp() - x.exp() * 2).sum())
    names = [report.tape.operations[t].name for t in report.way]
    assert names[0] == "exp" and "sub" in names and "what it went through" in str(report)


def test_forward_is_checked_where_it_is_asked_for():
    x = torch.tensor([-1.0], requires_grad=True)
    with torch.autograd.set_detect_anomaly(True, check_forward=True):
        with pytest.raises(RuntimeError, match=r"'Log' returned nan values in the forward pass, at test_why_nan"):
            x.log()
        assert x.exp().item() > 0
    assert x.log().isnan()


SCRIPT = """\
import torch
w = torch.tensor([2.0, 1.0], requires_grad=True)
for step in range(5):
    x = w - torch.arange(2) * 1.0
    loss = (x.log() * 1.0).sum()
    loss.backward()
    with torch.no_grad():
        w -= w.grad
    w.grad = None
print("not reached")
"""


def test_scripts(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, "-m", "tapegrad", "why-nan", str(script)], capture_output=True, text=True,
                          cwd=ROOT)
    assert done.returncode == 1 and "not reached" not in done.stdout
    assert done.stdout.startswith("-inf first in the forward pass, at ip 1, log, train.py:5"), done.stdout + done.stderr
    script.write_text("import torch\nprint(torch.ones(1, requires_grad=True).sum().backward())")
    done = subprocess.run([sys.executable, "-m", "tapegrad", "why-nan", str(script)], capture_output=True, text=True,
                          cwd=ROOT)
    assert done.returncode == 0 and done.stdout == "None\nevery value is finite\n"


@pytest.mark.parametrize("other", [0.0, torch.zeros_like, torch.zeros(3)], ids=["number", "function", "tensor"])
def test_safe_where(other):
    x = torch.tensor([0.0, 1.0, 4.0], dtype=torch.float64, requires_grad=True)
    y = torch.inspect.safe_where(x > 0, torch.sqrt, other, x)
    assert y.tolist() == [0, 1, 2]
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    assert g.tolist() == [0, 0.5, 0.25]
    (second,) = torch.autograd.grad(g.sum(), x)
    assert second.tolist() == [0, -0.25, -0.03125]


def test_safe_where_of_two_functions():
    x = torch.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    torch.inspect.safe_where(x > 0, torch.log, lambda v: v.exp(), x).sum().backward()
    torch.testing.assert_close(x.grad, torch.tensor([-1.0, 0.0, 0.5]).where(x.detach() > 0, x.detach().exp()))
