"""Optimisation inside of what is optimised: GradBench's saddle and particle, in our own words, in all four nestings.

Both are descended with a step that is doubled after ten that went well, and halved after one that did not. A nesting
names the mode of the outer gradient, then that of the inner one: r is backward, f forward.
"""
from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from benchmarks.harness import Measured, fastest, figure

Gradient = Callable[[Callable[[Any], Any]], Callable[[Any], Any]]
NESTINGS = "rr", "ff", "fr", "rf"


def gradient(T: Any, mode: str) -> Gradient:
    made: Gradient = T.func.grad if mode == "r" else T.func.jacfwd
    return made


def length(x: Any) -> Any:
    return (x * x).sum().sqrt()


def argmin(f: Callable[[Any], Any], x: Any, gradient: Gradient) -> Any:
    """Where a function is least, by descent from `x`."""
    slope = gradient(f)
    fx, gx, rate, going_well = f(x), slope(x), 1e-5, 0
    while length(gx) > 1e-5:
        if going_well == 10:
            rate, going_well = 2 * rate, 0
        there = x - rate * gx
        if length(x - there) <= 1e-5:
            break
        value = f(there)
        if value < fx:
            x, fx, gx, going_well = there, value, slope(there), going_well + 1
        else:
            rate, going_well = rate / 2, 0
    return x


def argmax(f: Callable[[Any], Any], x: Any, gradient: Gradient) -> Any:
    return argmin(lambda y: -f(y), x, gradient)


def saddle(T: Any, outer: str = "r", inner: str = "r", start: Any = None) -> Any:
    """The saddle of a quadratic form: the least of what is greatest."""
    start = T.ones(2, dtype=T.float64) if start is None else start
    outside, inside = gradient(T, outer), gradient(T, inner)

    def greatest(p: Any) -> Any:
        def height(q: Any) -> Any:
            return (p * p).sum() - (q * q).sum()

        return height(argmax(height, start, inside))

    p = argmin(greatest, start, outside)
    return T.cat((p, argmax(lambda q: (p * p).sum() - (q * q).sum(), start, inside)))


def particle(T: Any, outer: str = "r", inner: str = "r", start: Any = None) -> Any:
    """Where a charge has to be for a particle that it repels to come down at zero."""
    outside, inside = gradient(T, outer), gradient(T, inner)
    fixed = T.tensor([10.0, 0.0], dtype=T.float64)

    def misses_by(w: Any) -> Any:
        moved = T.stack((T.tensor(10.0, dtype=T.float64), 10 - w[0]))
        force = inside(lambda x: 1 / length(x - moved) + 1 / length(x - fixed))
        x, v, dt = T.tensor([0.0, 8.0], dtype=T.float64), T.tensor([0.75, 0.0], dtype=T.float64), 0.1
        while True:
            there = x + dt * v
            if there[1] <= 0:
                break
            x, v = there, v - dt * force(x)
        end = x - x[1] / v[1] * v
        return end[0] * end[0]

    return argmin(misses_by, T.zeros(1, dtype=T.float64) if start is None else start, outside)


PROGRAMS: dict[str, Callable[..., Any]] = {"saddle": saddle, "particle": particle}
STARTS: dict[str, Callable[[Any], Any]] = {
    "saddle": lambda T: T.ones(2, dtype=T.float64), "particle": lambda T: T.zeros(1, dtype=T.float64)}


def _once(name: str, nesting: str) -> Callable[[], Measured]:
    def measure() -> Measured:
        import tapegrad

        start = time.process_time()
        PROGRAMS[name](tapegrad, *nesting)
        return Measured(time.process_time() - start)

    measure.__name__ = f"{name}_{nesting}"
    return measure


@functools.cache
def _whole(name: str, nesting: str) -> tuple[Callable[[], Any], float]:
    """A whole run as one compiled program, of where it starts, and the processor time until it was built."""
    import tapegrad

    start = STARTS[name](tapegrad)
    made = tapegrad.compile(functools.partial(PROGRAMS[name], tapegrad, *nesting))
    begun = time.process_time()
    for _ in range(2):
        made(start)
    made.tape.wait()
    seconds = time.process_time() - begun
    expected, before = PROGRAMS[name](tapegrad, *nesting, start), made.replays
    assert made(start).tolist() == expected.tolist() and made.replays == before + 1
    return functools.partial(made, start), seconds


def _compiled(name: str, nesting: str, built: bool) -> Callable[[], Measured]:
    def measure() -> Measured:
        replay, seconds = _whole(name, nesting)
        return Measured(seconds if built else fastest([replay])[0])

    measure.__name__ = f"{name}_{nesting}_{'built' if built else 'replayed'}"
    return measure


for _name in PROGRAMS:
    for _nesting in NESTINGS:
        _bounds = {"must": 5e-3, "aim": 5e-4} if _nesting[0] == "r" else {"must": 20e-3, "aim": 2e-3}
        figure(f"{_name}, {_nesting}, compiled whole: one replay", "s", by="value", **_bounds)(
            _compiled(_name, _nesting, built=False))
        figure(f"{_name}, {_nesting}, compiled whole: until built, processor time", "s", must=60, aim=10, by="value")(
            _compiled(_name, _nesting, built=True))
        figure(f"{_name}, {_nesting}: one run", "s", must=5, aim=1, by="value")(_once(_name, _nesting))
