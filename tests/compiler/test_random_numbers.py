"""Random programs over Python numbers, compiled and as written: results and state are the same to the last bit.

Numbers are passed, read from attributes, dicts, lists and globals, changed by the call and between calls, compared, and
taken out of tensors. `TAPEGRAD_RANDOM_NUMBERS` says how many programs, `TAPEGRAD_RANDOM_SEED` where they start.
"""
from __future__ import annotations

import math
import os
import random
import types
import warnings
from typing import Any

import pytest

import tapegrad as torch

CALLS = 14
MANY, FIRST = int(os.environ.get("TAPEGRAD_RANDOM_NUMBERS", 60)), int(os.environ.get("TAPEGRAD_RANDOM_SEED", 0))
NUMBERS = ["s.a", "s.b", "s.table['k']", "s.several[0]", "s.several[1]", "rate", "count", "G"]
CONSTANTS = ["1", "2", "0.5", "3", "10", "-1", "0.0"]
CHANGED = ["s.a", "s.b", "s.table['k']", "s.several[0]"]
OF_NUMBERS = ["({n} + {n})", "({n} - {n})", "({n} * {n})", "({n} / {n})", "({n} // {n})", "({n} % {n})", "abs({n})",
              "(-{n})", "max({n}, 1)", "min({n}, {n})", "round({n}, 2)", "(1.5 ** min({n}, 5))", "math.floor({n})",
              "math.sqrt(abs({n}))", "int({n})", "float({n})", "x.sum().item()", "s.w.sum().item()", "len(str({n}))"]
OF_TENSORS = ["({t} * {n})", "({n} - {t})", "({t} / ({n} + 100))", "({t} + {n})", "{t}.clamp(max={n})", "({t} * {t})",
              "torch.where({t} > {n}, {t}, {n})", "torch.full((3,), float({n}))", "{t}.add({t}, alpha={n})"]
RETURNED = ["y", "(y, {n})", "{{'y': y, 'n': {n}}}", "{n}", "[y, {n}]", "y.sum().item()"]


class Writer:
    """One program's source, from its seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.made: list[str] = []
        self.depth = 0

    def fill(self, form: str) -> str:
        while "{n}" in form or "{t}" in form:
            kind = "{n}" if "{n}" in form else "{t}"
            form = form.replace(kind, self.number() if kind == "{n}" else self.tensor(), 1)
        return form.replace("{{", "{").replace("}}", "}")

    def number(self) -> str:
        self.depth += 1
        try:
            chance = self.rng.random()
            if self.depth > 3 or chance < 0.4:
                return self.rng.choice(NUMBERS + self.made)
            return self.rng.choice(CONSTANTS) if chance < 0.5 else self.fill(self.rng.choice(OF_NUMBERS))
        finally:
            self.depth -= 1

    def tensor(self) -> str:
        self.depth += 1
        try:
            plain = self.depth > 3 or self.rng.random() < 0.35
            return self.rng.choice(["x", "s.w", "y"]) if plain else self.fill(self.rng.choice(OF_TENSORS))
        finally:
            self.depth -= 1

    def line(self, i: int) -> str:
        chance, choose = self.rng.random(), self.rng.choice
        if chance < 0.3:
            return f"{choose(CHANGED)} {choose(['=', '+=', '*='])} {self.number()}"
        if chance < 0.45:
            text = f"v{i} = {self.number()}"
            self.made.append(f"v{i}")
            return text
        if chance < 0.6:
            return f"if {self.number()} {choose(['<', '>', '==', '!='])} {self.number()}: y = {self.tensor()}"
        return f"s.w.mul_(0.5).add_({self.tensor()}.sum() * 0.01)" if chance < 0.75 else f"y = {self.tensor()}"

    def program(self) -> str:
        lines = [self.line(i) for i in range(self.rng.randint(2, 7))]
        return "\n    ".join(["def f(x, rate, count):", "y = x", *lines,
                              f"return {self.fill(self.rng.choice(RETURNED))}\n"])


def told(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), value.numpy().tobytes()
    if isinstance(value, dict):
        return {k: told(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [told(v) for v in value]
    return type(value), hex(value) if isinstance(value, int) else repr(value)


def run(source: str, seed: int, wrap: Any) -> list[Any]:
    rng = random.Random(seed)
    state = types.SimpleNamespace(a=1.5, b=2, table={"k": 0.25}, several=[5, 0.5], w=torch.ones(3))
    world: dict[str, Any] = {"s": state, "G": 0.5, "math": math, "torch": torch}
    exec(compile(source, __file__, "exec"), world)
    function, data, mode, found = wrap(world["f"]), torch.arange(60.0).reshape(20, 3), rng.randrange(4), []
    for i in range(CALLS):
        try:
            answer = told(function(data[i] if mode & 1 else torch.ones(3) * 2, 0.1 * 0.9 ** i, i if mode & 2 else 7))
        except (ArithmeticError, ValueError, TypeError, RuntimeError) as error:
            answer = type(error), str(error)
        found.append((answer, told(vars(state)), world["G"]))
        world["G"] += 0.5 * (rng.random() < 0.3)
        state.b = rng.choice([3, 4.5, 6]) if rng.random() < 0.2 else state.b
    return found


@pytest.mark.parametrize("first", range(FIRST, FIRST + MANY, 20))
def test_programs(first):
    for seed in range(first, min(first + 20, FIRST + MANY)):
        source = Writer(seed).program()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected, found = run(source, seed, lambda f: f), run(source, seed, torch.compile)
        differ = next((i for i, (a, b) in enumerate(zip(expected, found)) if a != b), None)
        assert differ is None, f"seed {seed}, call {differ}: {found[differ]} for {expected[differ]}\n{source}"
