"""Tensors taken apart and put together piece by piece: plain loop programs, forward and backward, beside PyTorch."""
from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from benchmarks.harness import Function, Measured, fastest, figure, libraries

Program = Callable[..., Any]

# x has 100 rows of 8, u has 100 elements, v has 8; what they return is summed and differentiated.
PROGRAMS: dict[str, Program] = {}


def program(f: Program) -> Program:
    PROGRAMS[f.__name__] = f
    return f


@program
def assign_row(T: Any, x: Any, u: Any, v: Any) -> Any:
    s = T.zeros(3, 8, dtype=T.float64)
    s[1] = v
    return s


@program
def assign_elements(T: Any, x: Any, u: Any, v: Any) -> Any:
    s = T.zeros(3, 3, dtype=T.float64)
    s[0, 1] = v[0]
    s[1, 0] = v[1]
    return s


@program
def assign_loop(T: Any, x: Any, u: Any, v: Any) -> Any:
    s = T.zeros(100, dtype=T.float64)
    for i in range(100):
        s[i] = u[i] * 2
    return s


@program
def assign_rows(T: Any, x: Any, u: Any, v: Any) -> Any:
    s = T.zeros(100, 8, dtype=T.float64)
    for i in range(100):
        s[i] = x[i] * v
    return s


@program
def assign_slice(T: Any, x: Any, u: Any, v: Any) -> Any:
    s = x * 2
    s[1:3] = v
    return s


@program
def assign_number(T: Any, x: Any, u: Any, v: Any) -> Any:
    s = x * 2
    s[1, 2] = 3.0
    return s


@program
def assign_mask(T: Any, x: Any, u: Any, v: Any) -> Any:
    s = x * 2
    s[x.detach() > 0] = 0.5
    return s


@program
def assign_places(T: Any, x: Any, u: Any, v: Any) -> Any:
    s = x * 2
    s[[1, 3]] = v
    return s


@program
def add_to_column(T: Any, x: Any, u: Any, v: Any) -> Any:
    s = x * 2
    s[:, 0] += u
    return s


@program
def add_to_rows(T: Any, x: Any, u: Any, v: Any) -> Any:
    s = x * 2
    for i in range(1, 20):
        s[i] += s[i - 1]
    return s


@program
def scale_view(T: Any, x: Any, u: Any, v: Any) -> Any:
    s = x * 2
    s[2].mul_(v).add_(1.0)
    return s


@program
def add_in_place(T: Any, x: Any, u: Any, v: Any) -> Any:
    s = x * 2
    s += v
    return s


@program
def loop_over_rows(T: Any, x: Any, u: Any, v: Any) -> Any:
    total = T.zeros(8, dtype=T.float64)
    for i in range(100):
        total = total + x[i] * v
    return total


@program
def iterate_rows(T: Any, x: Any, u: Any, v: Any) -> Any:
    total = T.zeros(8, dtype=T.float64)
    for row in x:
        total = total + row * v
    return total


@program
def chunks(T: Any, x: Any, u: Any, v: Any) -> Any:
    total = T.zeros(2, 8, dtype=T.float64)
    for part in x.chunk(50):
        total = total + part * v
    return total


def _joined(name: str, n: int) -> None:
    def f(T: Any, x: Any, u: Any, v: Any) -> Any:
        return getattr(T, name)([v] * n)

    f.__name__ = f"{name}_{n}"
    program(f)


def _appended(name: str, n: int) -> None:
    def f(T: Any, x: Any, u: Any, v: Any) -> Any:
        found, h = [], v
        for _ in range(n):
            h = h * 0.5
            found.append(h)
        return getattr(T, name)(found)

    f.__name__ = f"appended_{name}_{n}"
    program(f)


for _n in (10, 32, 100, 1000):
    for _name in ("stack", "cat"):
        _joined(_name, _n)
for _name in ("stack", "cat"):
    _appended(_name, 200)


def first_order(f: Program, torch: Any, given: list[Any]) -> Function:
    def run() -> None:
        for leaf in given:
            leaf.grad = None
        f(torch, *given).sum().backward()

    return run


def second_order(f: Program, torch: Any, given: list[Any]) -> Function:
    """A gradient penalty: the gradient's gradient."""

    def run() -> None:
        for leaf in given:
            leaf.grad = None
        found = torch.autograd.grad(f(torch, *given).square().sum(), given, create_graph=True, allow_unused=True)
        sum((g * g).sum() for g in found if g is not None).backward()

    return run


def inputs(torch: Any) -> list[Any]:
    import numpy as np

    random = np.random.default_rng(0)
    return [torch.tensor(random.standard_normal(n)).requires_grad_() for n in ((100, 8), (100,), (8,))]


def measured(order: Callable[..., Function], seconds: float = 0.3, only: str = "") -> dict[str, list[float]]:
    both = [(torch, inputs(torch)) for torch in libraries()]
    return {name: fastest([order(f, torch, given) for torch, given in both], seconds)
            for name, f in PROGRAMS.items() if only in name}


def _worst(order: Callable[..., Function]) -> Measured:
    found = measured(order)
    for name, times in found.items():
        print(f"{name:24}" + "".join(f"{t * 1e6:10.1f} µs" for t in times)
              + (f"{times[0] / times[1]:8.3f}" if len(times) > 1 else ""), file=sys.stderr)
    return Measured(*max(found.values(), key=lambda times: times[0] / times[-1]))


@figure("the worst of programs that work piece by piece, forward + backward", "s", must=0.5, aim=0.2)
def pieces() -> Measured:
    return _worst(first_order)


@figure("the same with double backward", "s", must=1.5, aim=0.5)
def pieces_twice() -> Measured:
    return _worst(second_order)
