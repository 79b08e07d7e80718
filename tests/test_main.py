"""`python -m tapegrad`: demo, dump, info."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tapegrad import __main__

ROOT = Path(__file__).parent.parent

SCRIPT = """\
import sys
import torch
from torch import Tensor
import torch.autograd
x = torch.ones(3, requires_grad=True)
assert isinstance(x, Tensor)
for i in range(3):
    loss = (x * float(sys.argv[1])).sum()
    loss.backward()
print("grad", x.grad.tolist())
(g,) = torch.autograd.grad([(x * x).sum()], [x])
(x ** 2).mean().backward()
"""

DUMPED = """\
grad [15.0, 15.0, 15.0]

backward ran 5 times, on 3 tapes that differ

3 times:
tape "loss"  2 ins · 3 bufs · 16 B · kept for backward 0 B
in   %0  f32[3]  x ∂
ip   out  type    op   operands     keeps  uses  grad_fn       source
 0   %1   f32[3]  mul  %0 5.0       -      1     MulBackward0  train.py:8
 1   %2   f32[]   sum  %1 dim=(0,)  -      1     SumBackward0  train.py:8
out  %2
∂ requires grad · ~ broadcast · keeps = read again by backward

tape "tape"  2 ins · 3 bufs · 16 B · kept for backward 12 B
in   %0  f32[3]  x ∂
ip   out  type    op   operands     keeps  uses  grad_fn       source
 0   %1   f32[3]  mul  %0 %0        %0     1     MulBackward0  train.py:11
 1   %2   f32[]   sum  %1 dim=(0,)  -      1     SumBackward0  train.py:11
out  %2
∂ requires grad · ~ broadcast · keeps = read again by backward

tape "tape"  2 ins · 3 bufs · 16 B · kept for backward 12 B
in   %0  f32[3]  x ∂
ip   out  type    op    operands     keeps  uses  grad_fn        source
 0   %1   f32[3]  pow   %0 2         %0     1     PowBackward0   train.py:12
 1   %2   f32[]   mean  %1 dim=(0,)  -      1     MeanBackward0  train.py:12
out  %2
∂ requires grad · ~ broadcast · keeps = read again by backward
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "train.py"
    file.write_text(SCRIPT)
    return file


def test_dump(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    modules = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "torch"}
    argv, tracer = sys.argv[:], sys.gettrace()
    __main__.main(["dump", str(script), "5"])
    assert capsys.readouterr().out == DUMPED
    assert {name: module for name, module in sys.modules.items() if name.split(".")[0] == "torch"} == modules
    assert sys.argv == argv and sys.gettrace() is tracer


def test_dump_without_lines_with_adjoints(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    __main__.main(["dump", "--no-lines", "--adjoint", "--most", "1", str(script), "5"])
    printed = capsys.readouterr().out
    assert "train.py" not in printed and "… and 2 more (--most)" in printed
    assert "seed ∂%2 = 1\n 1  sum  ∂%1 += expand(∂%2, [3])\n 0  mul  ∂%0 += ∂%1 * 5\n" in printed


THREADED = """\
import threading, torch
x = torch.ones(2, requires_grad=True)
y = x * 2
def hook(g):
    if threading.current_thread() is threading.main_thread():
        other = threading.Thread(target=lambda: (torch.ones(2, requires_grad=True) * 3).sum().backward())
        other.start()
        other.join()
y.register_hook(hook)
y.sum().backward()
"""


def test_dump_sees_what_other_threads_do_meanwhile(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script.write_text(THREADED)
    __main__.main(["dump", "--no-lines", str(script)])
    assert "backward ran 2 times, on 2 tapes" in capsys.readouterr().out


def test_dump_reports_when_the_script_fails(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script.write_text(SCRIPT + "raise KeyError('gone')\n")
    with pytest.raises(KeyError, match="gone"):
        __main__.main(["dump", str(script), "5"])
    assert "backward ran 5 times" in capsys.readouterr().out


def test_dump_of_a_script_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        __main__.main(["dump", "nosuch.py"])
    assert stopped.value.code == 2
    assert "no such file: nosuch.py" in capsys.readouterr().err


def test_info(capsys: pytest.CaptureFixture[str]) -> None:
    __main__.main(["info"])
    printed = capsys.readouterr().out
    for name in ("tapegrad", "python", "numpy", "numba", "llvmlite", "scipy", "processor", "threads", "kernel cache"):
        assert f"\n{name} " in f"\n{printed}"


def test_demo_and_the_example_print_the_same() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def output(*command: str) -> str:
        return subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True, cwd=ROOT,
                              env=environment).stdout

    def plain(text: str) -> list[str]:
        return [line.split(" object at ")[0] for line in text.splitlines()]

    demo, example = plain(output("-m", "tapegrad", "demo")), plain(output("examples/autograd_tutorial.py"))
    assert demo[:len(example)] == example
    assert any(line.startswith('tape "loss"  5 ins') for line in demo)
    assert demo[-1].startswith("An epoch takes ")
