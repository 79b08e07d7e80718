"""Random numbers, 64 × 100 float32 where they are fractions, beside PyTorch: the same bits."""
from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from benchmarks.harness import Function, Measured, fastest, figure, libraries

CALLS: dict[str, Callable[..., Any]] = {
    "rand": lambda T, x: T.rand(64, 100),
    "randn": lambda T, x: T.randn(64, 100),
    "randint": lambda T, x: T.randint(0, 10, (64, 100)),
    "randperm": lambda T, x: T.randperm(6400),
    "randn float64": lambda T, x: T.randn(64, 100, dtype=T.float64),
    "bernoulli": lambda T, x: T.bernoulli(x),
    "multinomial": lambda T, x: T.multinomial(x, 10),
    "poisson": lambda T, x: T.poisson(x),
    **{name: (lambda T, x, _f=name: getattr(x, _f)()) for name in (
        "uniform_", "normal_", "bernoulli_", "exponential_", "cauchy_", "log_normal_", "random_")},
}


def case(call: Callable[..., Any], torch: Any) -> Function:
    x = torch.full((64, 100), 0.5)

    return lambda: call(torch, x)


@figure("random numbers, the worst of 64 × 100", "s", must=1.5, aim=1)
def drawing() -> Measured:
    found = {name: fastest([case(call, torch) for torch in libraries()], 0.2) for name, call in CALLS.items()}
    for name, times in found.items():
        print(f"{name:24}" + "".join(f"{t * 1e6:10.1f} µs" for t in times), file=sys.stderr)
    return Measured(*max(found.values(), key=lambda times: times[0] / times[-1]))
