"""Every recorded instruction knows the line that recorded it: the program's innermost, whatever ran in between."""
from __future__ import annotations

import _thread
import functools
import operator
import subprocess
import sys
import threading
import time

import pytest

import tapegrad as torch
from tapegrad.machine.live import machine
from tapegrad.machine.startup import frames
from tapegrad.tape import Tape, lines, live

HERE = __file__.rpartition("/")[2]
KNOWN = sys.version_info[:2] in frames._KNOWN


def line_of(result) -> int:
    """The line that recorded a result, in this file."""
    file, _, number = Tape.of(result, lines=True).sources[-1].rpartition(":")
    assert file == HERE
    return int(number)


def here() -> int:
    """The line of the caller."""
    return sys._getframe(1).f_lineno


@pytest.fixture
def x():
    return torch.ones(4, requires_grad=True)


def _called(x):
    return x * 3, here()


def _generated(x):
    yield x * 3, here()


class _Layer(torch.nn.Module):
    def forward(self, x):
        return x * 3, here()


async def _awaited(x):
    return x * 3, here()


def _sent(x):
    with pytest.raises(StopIteration) as stopped:
        _awaited(x).send(None)
    return stopped.value.value


def _in_thread(x):
    found = []
    thread = threading.Thread(target=lambda: found.append((x * 3, here())))
    thread.start()
    thread.join()
    return found[0]


WAYS = {
    "operator": lambda x: (x * 3, here()),
    "method": lambda x: (x.mul(3), here()),
    "function": lambda x: (torch.sin(x), here()),
    "view": lambda x: (x[1:], here()),
    "learnt": lambda x: (x.softmax(0), here()),
    "in place": lambda x: ((x * 1).add_(1), here()),
    "composed": lambda x: (torch.nn.functional.mse_loss(x, torch.zeros(4)), here()),
    "a layer of the library": lambda x: (torch.nn.Linear(4, 2)(x), here()),
    "a layer of the program": lambda x: _Layer()(x),
    "through the library": lambda x: torch.nn.Sequential(_Layer())(x),
    "map": lambda x: (next(map(torch.sin, [x])), here()),
    "reduce": lambda x: (functools.reduce(operator.mul, [x, x, x]), here()),
    "called back": lambda x: functools.reduce(lambda y, z: (y * z, here()), [x, x]),
    "sorted by": lambda x: (lambda found: (sorted([1], key=lambda _: found.append((x * 3, here()))), found[0])[1])([]),
    "a function": _called,
    "a generator": lambda x: next(_generated(x)),
    "a coroutine": _sent,
    "a thread": _in_thread,
    "vmap": lambda x: (torch.vmap(lambda y: y * 3)(x), here()),
    "a compiled function": lambda x: (torch.compile(lambda y: y.sin() * 3)(x), here()),
    "a checkpoint": lambda x: (torch.utils.checkpoint.checkpoint(torch.sin, x, use_reentrant=False), here()),
    "made by exec": lambda x: (exec("y = x * 3", {"x": x}, found := {}), found["y"], here())[1:],
}
NOWHERE = {"made by exec"}


@pytest.mark.skipif(not KNOWN, reason="frames of this version of CPython are not known")
@pytest.mark.parametrize("way", WAYS)
def test_the_line_is_that_of_the_program(way, x):
    for _ in range(3):  # by Python the first time, then by what was learnt
        result, line = WAYS[way](x)
        if way in NOWHERE:
            assert Tape.of(result, lines=True).sources == [""]
        else:
            assert line_of(result) == line


@pytest.mark.skipif(not KNOWN, reason="frames of this version of CPython are not known")
def test_an_expression_over_several_lines(x):
    y = (x
         * 3
         + x.sin()
         )
    first = here() - 4
    told = [int(line.rpartition(":")[2]) for line in Tape.of(y, lines=True).sources]
    assert sorted(told) in ([first, first, first + 2], [first, first + 1, first + 2])  # until 3.10: of the operand


@pytest.mark.skipif(not KNOWN, reason="frames of this version of CPython are not known")
def test_lines_move_with_their_instructions(x):
    y, line = x * 3, here()
    for _ in range(3 * machine.state["sweep_at"].item()):
        y = y + 1
        kept = y if _ == 10 else locals().get("kept")
    del y
    machine.call.reclaim()
    told = Tape.of(kept, lines=True).sources
    assert told[0] == f"{HERE}:{line}" and set(told[1:]) == {f"{HERE}:{line + 2}"}


@pytest.mark.skipif(not KNOWN, reason="frames of this version of CPython are not known")
def test_backward_of_backward_is_the_line_that_asked(x):
    (g,), line = torch.autograd.grad((x ** 3).sum(), x, create_graph=True), here()
    assert Tape.of(g, lines=True).sources[-1] == f"{HERE}:{line}"


THREADS = {"operator": lambda x: (operator.mul, (x, x)), "method": lambda x: (x.mul, (x,)),
           "function": lambda x: (functools.partial(torch.exp, x), ())}


@pytest.mark.parametrize("name", THREADS)
def test_a_thread_of_no_python_has_no_line(name, x):
    """What C calls in a thread of its own runs without a frame."""
    begin = int(machine.state["n_instructions"][0])
    function, operands = THREADS[name](x)
    _thread.start_new_thread(function, operands)
    deadline = time.monotonic() + 20
    while int(machine.state["n_instructions"][0]) == begin and time.monotonic() < deadline:
        time.sleep(0.001)
    assert int(machine.state["n_instructions"][0]) > begin


@pytest.mark.skipif(not KNOWN, reason="frames of this version of CPython are not known")
def test_code_that_is_made_as_a_program_runs_is_let_go(tmp_path):
    """A program may make code without end: whenever its tape is empty, what it made is let go.

    In a process of its own: some graph that another test left would keep the tape from being so.
    """
    script = tmp_path / "makes_code.py"
    script.write_text("""if True:
        import tapegrad as torch
        from tapegrad.machine.live import machine
        from tapegrad.tape import Tape

        x = torch.ones(4, requires_grad=True)
        for i in range(20_000):
            eval(f"x * {i}", {"x": x})
        assert len(machine.code) < 10_000
        assert Tape.of(x * 2, lines=True).sources == ["makes_code.py:10"]
    """, "utf-8")
    subprocess.run([sys.executable, str(script)], check=True)


def test_without_frames_there_are_no_lines(x, monkeypatch):
    monkeypatch.setattr(machine, "lines", machine.lines[:0])
    assert Tape.of(x * 3, lines=True).sources == [""]


@pytest.mark.skipif(not KNOWN, reason="frames of this version of CPython are not known")
def test_frames_are_where_they_are_said_to_be():
    assert frames.found() == frames._KNOWN[sys.version_info[:2]]
    assert len(machine.lines)


@pytest.mark.parametrize("wrong", [
    frames.Frames(16, None, 0, 8, 56), frames.Frames(56, 8, 24, 48, 56), frames.Frames(56, 8, 32, 40, 56),
    frames.Frames(56, 8, 32, 48, 48),
])
def test_frames_that_are_elsewhere_are_not_read(wrong, monkeypatch):
    monkeypatch.setitem(frames._KNOWN, sys.version_info[:2], wrong)
    if sys.version_info[:2] == (3, 11):
        assert frames.found() is None


def test_an_unknown_version_has_none(monkeypatch):
    monkeypatch.setattr(frames, "_KNOWN", {})
    assert frames.found() is None


@pytest.mark.parametrize(("file", "line", "text"), [
    ("/home/a/train.py", 14, "train.py:14"), ("train.py", 1, "train.py:1"), ("<stdin>", 1, ""), ("<string>", 3, ""),
    ("<ipython-input-12-0a1b2c>", 3, "In[12]:3"), ("<python-input-7>", 1, "In[7]:1"), ("a.py", None, ""),
    ("/home/é/\udcff é.py", 2, "\\udcff é.py:2"), ("a\n\x01.py", 1, "a\\n\\x01.py:1"),
])
def test_how_a_line_is_called(file, line, text):
    assert lines.shown(file, line) == text


# ---------------------------------------------------------------- what lines keep


def _kept_by_line():
    return {share.name: share.kept for share in live(by="line").shares}


def test_what_each_line_keeps(tape):
    x = torch.ones(1000, requires_grad=True)
    y, first = x.exp(), here()
    z, second = (y * y).sum(), here()
    w, third = y.tanh() + z, here()
    kept = _kept_by_line()
    assert [kept[f"{HERE}:{line}"] for line in (first, second, third)] == [4000, 4000, 4000]
    assert live(by="line").kept == live().kept == 8000  # of `y`, which all keep, and of its tanh
    w.sum().backward()
    assert not any(_kept_by_line().values())


def test_a_compiled_call_is_a_line_too(tape):
    x = torch.ones(1000, requires_grad=True)
    function = torch.compile(lambda x: (x * x).tanh().sum())
    for _ in range(3):
        y, line = function(x), here()
    assert 8000 <= _kept_by_line()[f"{HERE}:{line}"] < 8100  # rounded up, as blocks of memory are
    del y


def test_very_many_operands_keep_nothing(tape):
    x = torch.ones(10, requires_grad=True)
    y = torch.cat([x] * 40) * 2
    assert sum(_kept_by_line().values()) <= 8  # the number 2
    del y


def test_by_something_else():
    with pytest.raises(ValueError, match='by="opcode" or "line"'):
        live(by="module")
