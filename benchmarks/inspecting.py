"""Looking inside: what it takes to show a long tape."""
from __future__ import annotations

import io
import time
from typing import Any

from benchmarks.harness import Measured, figure


def chain(turns: int) -> Any:
    """A loop of three instructions a turn."""
    import tapegrad

    w = tapegrad.tensor(0.5, requires_grad=True)
    h = w
    for _ in range(turns):
        h = tapegrad.sin(h * w) + 0.1
    return h


@figure("`dump` of 10^6 instructions, loops folded", "s", must=5.0, aim=1.0, by="value")
def dump_1e6() -> Measured:
    import tapegrad

    result = chain(333_333)
    start = time.perf_counter()
    tapegrad.dump(result, file=io.StringIO())
    return Measured(time.perf_counter() - start)


@figure("a tape of 10^5 instructions as a page", "B", must=15e6, aim=5e6, by="value")
def page_1e5() -> Measured:
    import tapegrad

    return Measured(float(len(tapegrad.inspect.to_html(chain(33_333), values=False).encode())))


@figure("the same with values and gradients", "s", must=30.0, aim=5.0, by="value")
def page_1e5_values() -> Measured:
    import tapegrad

    result = chain(33_333)
    start = time.perf_counter()
    tapegrad.inspect.to_html(result)
    return Measured(time.perf_counter() - start)


@figure("`why_nan` of 10^5 instructions, none found", "s", must=15.0, aim=3.0, by="value")
def why_nan_1e5() -> Measured:
    import tapegrad

    result = chain(33_333)
    start = time.perf_counter()
    assert tapegrad.inspect.why_nan(result) is None
    return Measured(time.perf_counter() - start)


@figure("a chain of 1 element, lines of source kept / not", "s", must=1.05, aim=1.0)
def lines_chain() -> Measured:
    """The side without has the table of lines taken away, which only a measurement may do."""
    import tapegrad
    from tapegrad.machine.live import machine

    def turn() -> float:
        w = tapegrad.tensor(0.5, requires_grad=True)
        h = w
        start = time.perf_counter()
        for _ in range(20_000):
            h = h * w
        taken = time.perf_counter() - start
        del h
        machine.call.reclaim()
        return taken

    table = int(machine.state["lines"][0])
    times: dict[int, list[float]] = {0: [], table: []}
    try:
        for i in range(60):
            for at in (0, table) if i % 2 else (table, 0):
                machine.state["lines"] = at
                times[at].append(turn())
    finally:
        machine.state["lines"] = table
    return Measured(min(times[table]), min(times[0]))


@figure("a chain of 1 element in a `profile` / without", "s", must=2.0, aim=1.3)
def profile_chain() -> Measured:
    import tapegrad
    from tapegrad.machine.live import machine

    def turn() -> float:
        w = tapegrad.tensor(0.5, requires_grad=True)
        h = w
        start = time.perf_counter()
        for _ in range(20_000):
            h = h * w
        taken = time.perf_counter() - start
        del h
        machine.call.reclaim()
        return taken

    off, on = [turn()], []
    for _ in range(25):
        off.append(turn())
        with tapegrad.inspect.profile():
            on.append(turn())
    return Measured(min(on), min(off))


@figure("a compiled function of 1 element in a `profile` / without", "s", must=2.0, aim=1.5)
def profile_compiled() -> Measured:
    import tapegrad

    x = tapegrad.tensor(0.5)
    step = tapegrad.compile(lambda x: (x * 3).sin() + 1)

    def turn() -> float:
        start = time.perf_counter()
        for _ in range(20_000):
            step(x)
        return time.perf_counter() - start

    off, on = [turn(), turn()], []
    for _ in range(9):
        off.append(turn())
        with tapegrad.inspect.profile():
            on.append(turn())
    return Measured(min(on), min(off))


@figure("the sum of a `profile`'s times / the wall", "s", must=1.15, aim=1.05)
def profile_sum() -> Measured:
    import tapegrad

    with tapegrad.inspect.profile() as found:
        chain(20_000).backward()
    told = sum(row.total for row in found.rows())
    return Measured(max(told, found.wall), min(told, found.wall))
