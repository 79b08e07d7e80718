"""Memory: what the tape takes, and that it does not leak."""
from __future__ import annotations

from benchmarks.harness import Measured, children, figure


@figure("resident memory a recorded scalar operation takes", "B", must=200, aim=64, by="value")
def bytes_per_operation() -> Measured:
    """Growth of the process over a chain whose intermediates only the tape still reaches: rows, values, everything."""
    return children("""
        x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
        w = torch.tensor(0.9, dtype=torch.float64, requires_grad=True)
        y = x
        def record(rounds):
            global y
            for _ in range(rounds):
                y = y * w
                y = y + x
                y = torch.sin(y)
        record(10_000)
        before = resident()
        record(100_000)
        answer = (resident() - before) / 300_000
    """)


@figure("10^6 iterations that never call backward: growth after 10^4", "B", must=50e6, aim=1e6, by="value")
def never_backward() -> Measured:
    return children("""
        x = torch.ones(3, requires_grad=True)
        def record(iterations):
            for _ in range(iterations):
                loss = ((x * 2 - 1) ** 2).sum()
        record(10_000)
        before = resident()
        record(990_000)
        answer = resident() - before
    """)


@figure("10^6 chained operations, then backward", "s", must=60.0, aim=3.0, by="value")
def deep_chain() -> Measured:
    return children("""
        x = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
        start = time.perf_counter()
        y = x
        for _ in range(1_000_000):
            y = y * 1.000001
        y.backward()
        answer = time.perf_counter() - start
        assert abs(x.grad.item() - 2.718280) < 1e-5, x.grad
    """, repetitions=3)
