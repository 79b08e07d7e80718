"""How figures are measured.

Both libraries run in one process, turn by turn, many short repetitions each, and the fastest repetition counts: what a
shared machine adds to a timing is never negative. Whole programs and resident memory are measured in processes of their
own. Everything runs on one thread, but for figures that say how many.
"""
from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

Function = Callable[[], Any]


@dataclass(frozen=True)
class Measured:
    """A figure's outcome; `peer` is None where PyTorch is missing or has nothing to compare."""

    tapegrad: float
    peer: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.tapegrad / self.peer if self.peer else None


@dataclass(frozen=True)
class Figure:
    """One row of the table: what is measured, in which unit, and the bounds its ratio (or its value) is held to."""

    name: str
    title: str
    unit: str
    measure: Callable[[], Measured]
    must: float
    aim: float
    by: str  # "ratio" or "value"

    def judged(self, found: Measured) -> float | None:
        return found.ratio if self.by == "ratio" else found.tapegrad


FIGURES: dict[str, Figure] = {}


def figure(title: str, unit: str, *, must: float, aim: float, by: str = "ratio"
           ) -> Callable[[Callable[[], Measured]], Callable[[], Measured]]:
    """Register a function as the figure of that name."""

    def register(measure: Callable[[], Measured]) -> Callable[[], Measured]:
        FIGURES[measure.__name__] = Figure(measure.__name__, title, unit, measure, must, aim, by)
        return measure

    return register


def libraries(threads: int = 1) -> list[Any]:
    """The modules to compare: tapegrad, then PyTorch where it is installed, each told how many threads to use."""
    import tapegrad

    tapegrad.set_num_threads(threads)
    try:
        import torch
    except ImportError:
        return [tapegrad]
    torch.set_num_threads(threads)
    return [tapegrad, torch]


def names() -> list[str]:
    return [library.__name__ for library in libraries()]


def compare(make: Callable[[Any], Function], *, per: int = 1, seconds: float = 4.0, threads: int = 1) -> Measured:
    """Time `make(library)()` for each library, turn by turn; seconds a repetition, divided by `per`.

    What the functions return (a tensor) must agree, or there is nothing to compare.
    """
    import numpy as np  # here, for it reads ONE_THREAD when it is imported

    functions = [make(library) for library in libraries(threads)]
    ours, *theirs = [np.asarray(f().tolist()) for f in functions]
    for answer in theirs:
        np.testing.assert_allclose(ours, answer, rtol=1e-4)
    return Measured(*(t / per for t in fastest(functions, seconds)))


def fastest(functions: list[Function], seconds: float = 4.0, at_least: int = 7) -> list[float]:
    """The fastest repetition of each function, over at least `seconds` of turns."""
    best = [float("inf")] * len(functions)
    for f in functions:  # compilers and caches
        f()
        f()
    gc.collect()
    gc.disable()
    try:
        end = time.perf_counter() + seconds
        turns = 0
        while turns < at_least or time.perf_counter() < end:
            for i, f in enumerate(functions):
                start = time.perf_counter()
                f()
                best[i] = min(best[i], time.perf_counter() - start)
            turns += 1
    finally:
        gc.enable()
    return best


_PRELUDE = """
import json, os, time
import {library} as torch
if "{library}" == "torch":
    torch.set_num_threads(1)
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
"""


def child(code: str, library: str) -> Any:
    """Run `code` in a process of its own with the library as `torch`; returns what it left in `answer`."""
    program = _PRELUDE.format(library=library) + textwrap.dedent(code) + "\nprint(json.dumps(answer))\n"
    done = subprocess.run([sys.executable, "-c", program], env={**os.environ, **ONE_THREAD}, stdout=subprocess.PIPE,
                          text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def children(code: str, repetitions: int = 1) -> Measured:
    """`child` for each library, turn by turn; the least answers count."""
    answers = [[child(code, name) for name in names()] for _ in range(repetitions)]
    return Measured(*map(min, zip(*answers)))


def program_seconds(code: str, **environment: str) -> float:
    """The wall-clock time of a whole Python process that runs `code`."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env={**os.environ, **ONE_THREAD, **environment},
                   stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start
