"""What people see of a compiled function: options, `tapes`, `explain()`, `dump()`, the environment, the disk cache."""
from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import warnings

import pytest

import tapegrad as torch
from tapegrad.compiler import Compiled, compile
from tapegrad.compiler.captured_function import MAX_KEYS


def warm(f, *args):
    for _ in range(6):
        f(*args)
    return f


def test_decorator_forms():
    @compile
    def plain(x):
        return x * 2

    @compile()
    def called(x):
        return x * 2

    @torch.compile(dynamic=True, eager_build=True, passes=["fusion"])
    def with_options(x):
        """Doubles."""
        return x * 2

    for f in (plain, called, with_options, compile(lambda x: x * 2, eager_build=True)):
        assert isinstance(f, Compiled)
        assert warm(f, torch.ones(2))(torch.ones(2)).tolist() == [2, 2] and f.replays
    assert with_options.__name__ == "with_options" and with_options.__doc__ == "Doubles."


def test_methods():
    class Own:
        def __init__(self, rate):
            self.rate = rate

        @compile
        def scaled(self, x):
            return x * self.rate

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an object is no tensor: as an argument it is not watched
        assert [Own(r).scaled(torch.ones(1)).item() for r in (1.0, 2.0, 3.0, 4.0)] == [1, 2, 3, 4]
    bound = compile(Own(2.0).scaled.func.__wrapped__.__get__(Own(5.0)))
    assert warm(bound, torch.ones(1))(torch.ones(1)).item() == 5 and bound.replays


def test_dynamic_goes_on_with_any_number_of_shapes():
    f = compile(lambda x: (x * 2).sum(), dynamic=True)
    for n in [*range(1, MAX_KEYS + 20)] * 2:
        for _ in range(2):
            assert f(torch.ones(n)).item() == 2 * n
    assert f.reason is None and len(f.tapes) <= MAX_KEYS
    assert warm(f, torch.ones(500))(torch.ones(500)).item() == 1000 and f.replays


def test_without_dynamic_it_gives_up_with_a_word_on_the_remedy():
    f = compile(lambda x: (x * 2).sum())
    with pytest.warns(UserWarning, match="dynamic=True"):
        for n in range(MAX_KEYS + 2):
            f(torch.ones(n))


def test_eager_build_waits():
    f = compile(lambda x: sum(x.sin() * k for k in range(100)), eager_build=True)
    while not f.tapes:
        f(torch.ones(3))
    assert f.tape.built and "superinstructions are being built" not in f.explain()


def test_explain():
    w = torch.ones(2, requires_grad=True)

    def f(x):
        noise = torch.rand(2)
        if x.sum() > 0:
            return (w * x + noise).sum()
        return x

    text = warm(compile(f), torch.ones(2)).explain()
    for part in ("3 captures" if "3 captures" in text else "2 captures", "replays", "program 0: f32[2]", "1 tensor",
                 "1 value on the way", "1 random draw", "1 result with a history: 1 input", "superinstructions",
                 "passes: constants, common, dead, placed, stores, extremes, scattered, row_sums, picked, "
                 "weighted, elements, alike, shallow, gathered, rows, lanes, blocks, recomputed, nests, fusion"):
        assert part in text, text


def test_explain_says_why_not():
    f = compile(lambda x: print(x))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        f(torch.ones(1))
    assert re.search(r"runs as it is written: it calls print\(\) \(test_surface.py:[0-9]+\)", f.explain())
    with pytest.raises(RuntimeError, match=r"nothing is compiled yet: it calls print\(\)"):
        f.tape.dump()


def test_dump_shows_superinstructions_and_what_they_are_made_of():
    w = torch.ones(5, requires_grad=True)
    f = warm(compile(lambda x: (w * x).sin() + 3), torch.ones(5))
    text = f.tape.dump()
    assert "sin(w * a0) + 3" in text and "[5]" in text, text
    assert "backward of result 0" in text and "g0" in text, text
    code = f.tape.dump("llvm")
    assert "; step" in code and "define" in code
    with pytest.raises(ValueError, match="'text' and 'llvm'"):
        f.tape.dump("x")


def test_dump_of_a_long_superinstruction_counts():
    text = warm(compile(lambda x: sum((x * k).sin() for k in range(2, 40)), eager_build=True), torch.ones(())
                ).tape.dump()
    assert "made of" in text and "38 sin" in text, text


def test_dump_is_the_same_twice():
    def text():
        w = torch.ones(5)
        return warm(compile(lambda x: (w * x).sin().sum() + x @ w), torch.ones(5)).tape.dump()

    assert text() == text()


def test_passes_are_chosen():
    with pytest.raises(ValueError, match="no pass is called magic; there are constants, common, dead, placed, stores"):
        compile(lambda x: x, passes=["magic"])
    f = warm(compile(lambda x: (x * 2).sin(), passes=[]), torch.ones(3))
    assert len(f.tape.program.steps) == 2
    f = warm(compile(lambda x: (x * 2).sin()), torch.ones(3))
    assert len(f.tape.program.steps) == 1


def child(code, **environment):
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True,
                          env={**os.environ, **environment}).stdout.strip()


def test_switched_off_by_the_environment():
    code = """
        import tapegrad as torch
        f = torch.compile(lambda x: x * 2)
        print([f(torch.ones(1)).item() for _ in range(4)], f.replays, f.reason)
    """
    assert child(code, TAPEGRAD_COMPILE="0") == "[2.0, 2.0, 2.0, 2.0] 0 TAPEGRAD_COMPILE=0"


def test_passes_from_the_environment():
    code = """
        import tapegrad as torch
        f = torch.compile(lambda x: (x * 2).sin())
        for _ in range(4): f(torch.ones(3))
        print(f.tape.passes, len(f.tape.program.steps))
    """
    assert child(code, TAPEGRAD_PASSES="dead") == "('dead',) 2"


def test_a_second_process_compiles_nothing():
    """Its superinstructions come from the disk cache: LLVM is not asked once."""
    code = """
        import tapegrad as torch
        from tapegrad.machine.llvm import jit
        compiled, real = [], jit.compile_ir
        jit.compile_ir = lambda *a, **k: compiled.append(1) or real(*a, **k)
        w = torch.ones(3, requires_grad=True)
        def f(x):
            for k in range(7):
                x = (x * 1.2345 + k).sin() * w
            return x.sum()
        f = torch.compile(f, eager_build=True)
        for _ in range(6):
            y = f(torch.ones(3))
        y.backward()
        print(f.replays > 0, len(compiled))
    """
    child(code)
    assert child(code) == "True 0"


def test_what_is_kept_from_being_compiled():
    """A function that is not to be compiled runs each time, and so does what calls it."""
    seen = []

    @torch.compiler.disable(reason="it looks")
    def look(x):
        seen.append(x.sum().item())
        return x * 2

    @torch.compile
    def f(x):
        return look(x + 1).exp()

    for k in range(6):
        f(torch.full((2,), float(k)))
    assert seen == [2.0, 4.0, 6.0, 8.0, 10.0, 12.0] and f.replays == 0
    layer = torch.nn.Linear(2, 2)
    assert torch.compiler.disable(layer) is layer and layer(torch.ones(1, 2)).shape == (1, 2)
    with pytest.raises(AssertionError, match="callable"):
        torch.compiler.disable(3)
    assert not torch.compiler.is_compiling() and torch.compiler.allow_in_graph(look) is look
