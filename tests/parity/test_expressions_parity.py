"""Expressions beside PyTorch, those of `expressions.txt`: values, dtypes, shapes, `requires_grad`, or the refusal.

Before the last `;;` of a line there are statements. `gg(f, *xs)` is what f gives, its first derivatives under
`create_graph`, and the second ones.
"""
from __future__ import annotations

import math
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tapegrad

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")


class NI(int):
    pass


class NF(float):
    pass


def twice(t: Any) -> Any:
    def gg(f: Any, *xs: Any) -> Any:
        y = f(*xs)
        total = y.sum() if isinstance(y, t.Tensor) else sum(part.sum() for part in y)
        first = t.autograd.grad(total, xs, create_graph=True, allow_unused=True)
        weighed = sum((g * (t.arange(g.numel(), dtype=g.dtype).reshape(g.shape) + 1)).sum()
                      for g in first if g is not None and g.requires_grad)
        second = t.autograd.grad(weighed, xs, allow_unused=True) if isinstance(weighed, t.Tensor) else None
        return y, first, second
    return gg


def names(t: Any) -> dict[str, Any]:
    def leaf(data: Any, requires_grad: bool = True, dtype: Any = None) -> Any:
        return t.tensor(data, dtype=dtype, requires_grad=requires_grad)

    return {
        "T": t, "F": t.nn.functional, "np": np, "math": math, "Fraction": Fraction, "NI": NI, "NF": NF, "t": leaf,
        "gg": twice(t), "refused": refused, "nan": math.nan, "inf": math.inf, "a": leaf([1.5, 2.5, 0.5]),
        "b": leaf([0.5, -1.0, 2.0]),
        "m": leaf([[2.0, 0.5], [0.5, 3.0]], dtype=t.float64), "w": leaf([[1.0, 0.3], [-0.5, 2.0]], dtype=t.float64),
        "v": leaf([1.0, 2.0, 3.0], False), "i": leaf([3, 1, 2], False), "s": leaf(2.0),
        "e": t.ones(0, requires_grad=True),
    }


def refused(function: Any) -> str:
    try:
        function()
    except RuntimeError as error:
        return type(error).__name__
    return "allowed"


def plain(value: Any, t: Any) -> Any:
    if isinstance(value, t.Tensor):
        return str(value.dtype).split(".")[-1], tuple(value.shape), value.requires_grad, value.detach().tolist()
    if isinstance(value, (list, tuple)):
        return [plain(v, t) for v in value]
    return str(value) if isinstance(value, t.dtype) else value


def outcome(line: str, t: Any) -> Any:
    env = names(t)
    *before, last = line.split(";; ")
    try:
        for statement in before:
            exec(statement, env)
        return plain(eval(last, env), t)
    except Exception as error:
        name = type(error).__name__.lstrip("_")
        return "raised", "RuntimeError" if name == "OutOfMemoryError" else name


def same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= 1e-5 * max(1e-3, abs(a), abs(b))
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


SECTIONS = re.split(r"^# (.*)\n", Path(__file__).with_name("expressions.txt").read_text(), flags=re.MULTILINE)[1:]


@pytest.mark.parametrize("name", SECTIONS[::2])
def test_expressions(name):
    lines = SECTIONS[SECTIONS.index(name) + 1].strip().split("\n")
    outcomes = [(line, outcome(line, tapegrad), outcome(line, torch)) for line in lines]
    assert [(line, *found) for line, *found in outcomes if not same(*found)] == []
