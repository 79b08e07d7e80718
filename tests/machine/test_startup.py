"""Starting: which hosts there can be, for which processor, and what a waiting user is told."""
from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tapegrad.machine import runtime
from tapegrad.machine.llvm import jit, waiting

ROOT = str(Path(__file__).parents[2])
PROGRAM = """
import tapegrad as torch
from tapegrad.machine.llvm import jit
from tapegrad.machine.kernels.lowering import vector_bytes
x = torch.linspace(0, 1, 64, dtype=torch.float64).reshape(8, 8).requires_grad_()
y = (x @ x).tanh().sum() + x.exp().logsumexp(1).sum() + x.sort(0).values.cumsum(1).sum()
wide = torch.linspace(-1, 1, 30 * 16 * 32, dtype=torch.float64).reshape(30, 16, 32)
for kind in (torch.nn.LSTM, torch.nn.GRU, torch.nn.RNN):
    torch.manual_seed(0)
    y = y + (kind(32, 32, dtype=torch.float64)(wide * x[0, 1])[0] ** 2).sum()
y = y + torch.bmm(wide, wide.mT).sin().sum() * x[1, 1]
y.backward()
print(*jit.host()[1:], vector_bytes(), repr(y.item()), repr(x.grad.sum().item()), sep="|")
"""


def results(**environment: str) -> list[str]:
    path = os.pathsep.join([ROOT, os.environ.get("PYTHONPATH", "")])
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": path, **environment})
    assert done.stderr == ""
    return done.stdout.strip().split("|")


def test_a_processor_of_which_nothing_is_known():
    """No vectors but those that every processor of its kind has, and the same results."""
    name, features, lanes, *values = results(TAPEGRAD_PROCESSOR="generic")
    assert (name, features) == ("generic", "") and lanes.startswith("(16,")
    assert [float(v) for v in values] == pytest.approx([float(v) for v in results()[3:]], rel=1e-12)


@pytest.mark.parametrize("what, value, words", [
    ("abiflags", "t", "with the GIL"), ("byteorder", "big", "little-endian"), ("maxsize", 2 ** 31 - 1, "64 bits"),
])
def test_hosts_that_would_crash_are_refused(monkeypatch, what, value, words):
    runtime.refuse_others()
    monkeypatch.setattr(sys, what, value, raising=False)
    with pytest.raises(ImportError, match=words):
        runtime.refuse_others()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream, after, takes, said", [
    (Terminal(), 0, 0, "tapegrad: compiling\n"), (Terminal(), 0.05, 0.3, "tapegrad: compiling\n"),
    (Terminal(), 9, 0, ""), (io.StringIO(), 0, 0, ""),
], ids=["at once", "late", "done before", "no terminal"])
def test_who_waits_at_a_terminal_is_told(monkeypatch, stream, after, takes, said):
    monkeypatch.setattr(sys, "stderr", stream)
    with waiting.announced("compiling", after):
        time.sleep(takes)
    assert stream.getvalue() == said


@pytest.mark.parametrize("stream", [None, Terminal()], ids=["none", "closed"])
def test_without_a_stream_nothing_is_said(monkeypatch, stream):
    if stream is not None:
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    with waiting.announced("compiling", 0):
        pass


def test_text_is_compiled_for_the_host():
    """Whatever target a text names, or none."""
    text = 'target triple = "other"\ndefine i32 @seven() {\n  ret i32 7\n}\n'
    assert jit.load_object("seven", jit.compile_ir(text, 1), ["seven"])["seven"]
