"""Whole programs: from `python` to the first gradient."""
from __future__ import annotations

import tempfile

from benchmarks.harness import Measured, figure, names, program_seconds

FIRST_GRADIENT = """
import {library} as torch
x = torch.tensor([1.0, 2.0], requires_grad=True)
(x * x).sum().backward()
assert x.grad.tolist() == [2.0, 4.0]
"""


@figure("import to first gradient, whole process", "s", must=0.18, aim=0.12)
def first_gradient() -> Measured:
    programs = [FIRST_GRADIENT.format(library=name) for name in names()]
    turns = [[program_seconds(p) for p in programs] for _ in range(9)]
    return Measured(*map(min, zip(*turns)))


@figure("first gradient ever, empty kernel cache, whole process", "s", must=4.0, aim=1.0, by="value")
def first_gradient_ever() -> Measured:
    turns = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            turns.append(program_seconds(FIRST_GRADIENT.format(library="tapegrad"), TAPEGRAD_CACHE_DIR=folder))
    return Measured(min(turns))
