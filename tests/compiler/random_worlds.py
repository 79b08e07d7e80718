"""Random programs for `compile`, written as source: a module with its state, a function that uses it, six calls.

`random_world.txt` is the module, `random_forms.txt` what the function, and the changes between its calls, are made of:
what stands there in braces is filled in by the method of `World` of that name. Shapes broadcast with each other, so
that most of what is written has a meaning.
"""
from __future__ import annotations

import random
import re
from pathlib import Path

from forms import Filler, read_forms

Call = tuple[list[str], str, str]
HERE = Path(__file__)
FORMS = read_forms(HERE.with_name("random_forms.txt"))
MODULE = HERE.with_name("random_world.txt").read_text()


class World(Filler):
    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.locals: list[str] = []
        self.depth = 0
        self.count = 0

    def choose(self, kind: str) -> str:
        return self.fill(self.rng.choice(FORMS[kind]))

    def _t(self) -> str:
        self.depth += 1
        try:
            known = FORMS["tensor"]
            plain = self.depth > 2 or self.rng.random() < 0.3
            return self.fill(self.rng.choice([f for f in known if "{t}" not in f] if plain else known))
        finally:
            self.depth -= 1

    def _n(self) -> str:
        return self.choose("number") if self.inside else self._number()

    def _number(self) -> str:
        return self.rng.choice(["2.0", "0.5", "1", "2", "-1.0", "1.5", "3"])

    def _f(self) -> str:
        return str(self.rng.choice([0.5, 1.0, -1.0, 2.0, 0.25, -0.5, 1.5, 0.0, 3.0]))

    def _bool(self) -> str:
        return self.rng.choice(["True", "False"])

    def _i(self) -> int:
        return self.rng.choice([0, 1, -1])

    def _i1(self) -> int:
        return self.rng.choice([0, 1])

    def _x(self) -> str:
        return self.rng.choice(self.locals[-3:])

    def _new(self) -> str:
        if self.rng.random() < 0.3 and len(self.locals) > 2:
            return self.rng.choice(self.locals[1:])
        self.count += 1
        self.later.append(f"x{self.count}")
        return f"x{self.count}"

    def _test(self) -> str:
        return self.choose("test")

    def _last(self) -> str:
        return "first(last)"

    def _r(self) -> str:
        return "last"

    # ---- programs

    def body(self) -> list[str]:
        self.inside, self.locals, self.later = True, ["x0"], []
        lines = ["x0 = a * 2"]
        for _ in range(self.rng.randint(1, 6)):
            lines += self.choose("block" if self.rng.random() < 0.3 else "statement").split("\n")
            self.locals += [n for n in self.later if n not in self.locals]
            self.later = []
        defined = [f"{n} = x0" for n in self.locals[1:]]  # a branch may leave undefined what comes later
        lines[1:1] = ["; ".join(defined)] if defined else []
        lines.append("return " + self.choose("return"))
        self.inside = False
        return lines

    def program(self) -> tuple[str, list[Call]]:
        """The module's source, and six calls: what changes before, the call, what is done with its result."""
        rng = self.rng
        body = "\n".join("        " + line for line in self.body())
        a, b = self.value(), self.value()
        after = self.choose("after") if rng.random() < 0.5 else ""
        steady = rng.random() < 0.9  # three calls alike, so that there is a program when things change
        calls = []
        for i in range(6):
            changes = []
            if i >= (3 if steady else 1) or rng.random() < 0.03:
                changes = [self.change(body) for _ in range(rng.choice([0, 1, 1, 1, 2]))]
            if i >= 3 and rng.random() < 0.35:
                a = self.value()
            if i >= 3 and rng.random() < 0.2:
                b = rng.choice([self.value(), "A"])
            more = f", m={self._number()}" if i >= 3 and rng.random() < 0.1 else ""
            made = [f"A = {a}", f"B = {b}"] if i == 0 or rng.random() < 0.8 else []
            if i >= 3 and rng.random() < 0.3:
                after = self.choose("after")
            calls.append((changes + made, f"last = f(A, B{more})", after))
        return MODULE.replace("{body}", body), calls

    def change(self, body: str) -> str:
        """What changes before a call: mostly something that the function may have seen."""
        read = set(re.findall(r"[A-Za-z]\w+", body))
        near = [c for c in FORMS["change"] if read.intersection(re.findall(r"[A-Za-z]\w+", c))]
        return self.fill(self.rng.choice(near if near and self.rng.random() < 0.85 else FORMS["change"]))

    def value(self) -> str:
        return self.choose("value" if self.rng.random() < 0.75 else "unusual value")


def program(seed: int) -> tuple[str, list[Call]]:
    return World(seed).program()
