"""Every kind of change that a condition of a compiled function sees, and those for which nothing is compiled.

The kinds stand in `conditions.txt`, a few lines each: what there is, what a function of `x` returns, and what changes
then, which must make a difference. Each is run twice, as written and compiled, before and after the change, and must
answer alike. Those of the first part are compiled; those of the second run as written, with a warning that says why.
"""
from __future__ import annotations

import importlib
import pathlib
import re
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tapegrad as torch
from tapegrad import nn
from tapegrad.compiler import compile
from tapegrad.compiler.guards import trusted_values
from tapegrad.machine.learning import capturing
from tapegrad.nn.modules._layer import Layer
from tapegrad.nn.modules.module import everywhere

MODULES = ("abc", "array", "builtins", "collections", "contextlib", "contextvars", "copy", "ctypes", "dataclasses",
           "datetime", "enum", "functools", "itertools", "math", "numbers", "operator", "os", "random", "sys",
           "threading", "time", "types", "typing", "weakref")
IMPORT_INSIDE = """
def import_inside(v):
    import inside
    return v * inside.k
"""


def rows(text: str) -> dict[str, dict[str, str]]:
    """The kinds of a part of the table, by name: `setup`, `f(x)`, `then`, and `warns` in the second part."""
    found = {}
    for block in re.split(r"^\[", text, flags=re.MULTILINE)[1:]:
        name, lines = block.split("]\n", 1)
        row = {"setup": ""}
        for line in lines.splitlines():
            word, _, rest = line.partition(" ")
            if word in ("f(x)", "then", "warns"):
                row[word] = rest.removeprefix("= ")
            elif not line.startswith("#"):
                row["setup"] += line + "\n"
        found[name] = row
    return found


SEEN, REFUSED = map(rows, (pathlib.Path(__file__).parent / "conditions.txt").read_text().split("# ==== refused\n"))


def module(name: str, **members: Any) -> types.ModuleType:
    """A module of the program, as an import would make it."""
    made = types.ModuleType(name)
    made.__file__ = __file__
    vars(made).update(members)
    return made


def run(row: dict[str, str], wrap: Callable[[Any], Any]) -> tuple[list[Any], list[Any], Any]:
    """What a row's function answers before and after its change; whatever that changes is put back."""
    names: Any = vars(module("rows", **{name: importlib.import_module(name) for name in MODULES}))
    names.update(torch=torch, np=np, module=module, x=torch.tensor([1.0, 2.0]))
    errors, depth, threads, options = np.geterr(), sys.getrecursionlimit(), torch.get_num_threads(), (
        torch.get_printoptions())
    with pytest.MonkeyPatch.context() as patches:
        names["patch"] = patches.setattr
        for one in (module("inside", k=2.0), module("rows")):
            patches.setitem(sys.modules, one.__name__, one)
        patches.setitem(sys.modules, "nowhere_at_all", None)
        del sys.modules["nowhere_at_all"]
        try:
            exec(f"{IMPORT_INSIDE}\n{row['setup']}\ndef f(x): return {row['f(x)']}", names)
            function = wrap(names["f"])
            before = list(answers(function, names))
            exec(row["then"], names)
            after = list(answers(function, names))
        finally:
            np.seterr(**errors)
            sys.setrecursionlimit(depth)
            torch.set_num_threads(threads)
            torch.set_printoptions(**options)
            torch.set_grad_enabled(True)
            torch.set_default_dtype(torch.float32)
            torch.use_deterministic_algorithms(False)
            torch.set_autocast_enabled("cpu", False)
            for held in (everywhere.forward, everywhere.buffer, everywhere.any):
                held.clear()
            if "mine" in vars(torch.Tensor):
                del torch.Tensor.mine
    return before, after, function


def answers(function: Any, names: dict[str, Any]) -> Iterator[Any]:
    for _ in range(4):
        result = function(names["x"])
        yield str(result.dtype), result.tolist()


def compare(row: dict[str, str]) -> Any:
    before, after, _ = run(row, lambda f: f)
    assert before != after, "the change makes no difference"
    first, second, compiled = run(row, compile)
    assert first == before, compiled.explain()
    assert second == after, compiled.explain()
    return compiled


@pytest.mark.parametrize("kind", SEEN)
def test_a_change_is_seen(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = compare(SEEN[kind])
    assert compiled.replays, compiled.explain()


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_seen_is_not_compiled(kind):
    with pytest.warns(UserWarning, match="runs as it is written: .*" + REFUSED[kind]["warns"]):
        compiled = compare(REFUSED[kind])
    assert not compiled.replays, compiled.explain()


def test_a_call_that_leaves_what_cannot_be_watched():
    held = []

    @compile
    def f(x, k):
        if k > 2:
            held.append(iter([k]))
        return x * len(held)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert [f(torch.ones(1), k).item() for k in (0, 1, 2, 3, 4, 1)] == [0, 0, 0, 1, 2, 2]


def test_layers_whose_code_is_generated_are_the_librarys(monkeypatch):
    """And what a program puts in its place is not."""
    layers: list[Any] = [
        c for c in (getattr(nn, name) for name in dir(nn)) if isinstance(c, type) and issubclass(c, Layer)]
    assert len(layers) > 50
    for cls in layers:
        assert not trusted_values.patched(cls)
        assert capturing.is_library(cls.forward.__code__.co_filename)
    layer, x = nn.Tanh(), torch.ones(2)
    f = compile(lambda x: layer(x))
    for _ in range(4):
        f(x)
    assert f.replays
    monkeypatch.setattr(nn.Tanh, "forward", lambda self, input: input * 3)
    assert trusted_values.patched(nn.Tanh) == ["forward"] and f(x).tolist() == [3, 3]
    monkeypatch.undo()
    assert f(x).tolist() == x.tanh().tolist()
