"""Long loops of Python, compiled: until built, and again; our own forms of some of GradBench's evaluations.

The gradient is set against PyTorch's eager mode, and against the value alone in C++ (`gradbench.cpp`), where a compiler
is found.
"""
from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import compiled
from benchmarks.harness import Function, Measured, child, fastest, figure, libraries

Values = list[np.ndarray[Any, Any]]


def until_built(function: Function) -> float:
    """Seconds from the first call to the last superinstruction."""
    import tapegrad

    made = tapegrad.compile(function)
    start = time.perf_counter()
    while not made.tapes:
        made()
    next(iter(made.tapes.values()))[0].wait()
    return time.perf_counter() - start


def pendulum(operations: int) -> Function:
    """The pendulum of `compiled`, of so many scalar operations."""
    import tapegrad

    return compiled.pendulum(tapegrad, operations // 5)


@figure("pendulum of 10⁴ scalar operations: until built", "s", must=0.25, aim=0.05, by="value")
def loop_1e4() -> Measured:
    return Measured(min(until_built(pendulum(10 ** 4)) for _ in range(3)))


@figure("the same, 10⁵", "s", must=2, aim=0.3, by="value")
def loop_1e5() -> Measured:
    return Measured(min(until_built(pendulum(10 ** 5)) for _ in range(2)))


@figure("the same, 10⁶", "s", must=20, aim=3, by="value")
def loop_1e6() -> Measured:
    return Measured(until_built(pendulum(10 ** 6)))


@figure("the same, 10⁶: peak memory ÷ as written (the peer)", "B", must=3, aim=1.5)
def loop_1e6_memory() -> Measured:
    code = """
    import resource
    from benchmarks.gradbench import pendulum, until_built
    {}(pendulum(10 ** 6))
    answer = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    """
    return Measured(*(child(code.format(how), "tapegrad") for how in ("until_built", "(lambda f: f())")))


# ---------------------------------------------------------------------------------------------------------- evaluations


def lstm_data(steps: int) -> Values:
    rng = np.random.default_rng(0)
    return [rng.uniform(-1, 1, s) for s in ((4, 56), (3, 14), (4, 14), (steps, 14))]


def lstm(torch: Any, main: Any, extra: Any, state: Any, sequence: Any) -> Any:
    """Two layers of 14: the sequence's log-likelihood, with `cat` and slices, step by step."""
    states = [state[i] for i in range(4)]
    total, x = 0.0, sequence[0]
    for t in range(1, len(sequence)):
        h = x * extra[0]
        for layer in (0, 2):
            gates = torch.cat((h, states[layer], h, states[layer])) * main[layer] + main[layer + 1]
            forget, new, out = (torch.sigmoid(gates[14 * i:14 * i + 14]) for i in range(3))
            states[layer + 1] = states[layer + 1] * forget + new * torch.tanh(gates[42:])
            h = states[layer] = out * torch.tanh(states[layer + 1])
        y = h * extra[1] + extra[2]
        x = sequence[t]
        total = total + (x * (y - torch.log(torch.exp(y).sum() + 2))).sum()
    return -total / (14 * (len(sequence) - 1))


def det_data(size: int) -> Values:
    return [np.random.default_rng(0).uniform(-1, 1, (size, size))]


def det(torch: Any, matrix: Any) -> Any:
    """Minors along the rows, by recursion."""
    def minor(row: int, columns: tuple[int, ...]) -> Any:
        if len(columns) == 1:
            return matrix[row][columns[0]]
        total = 0.0
        for k, c in enumerate(columns):
            term = matrix[row][c] * minor(row + 1, columns[:k] + columns[k + 1:])
            total = total - term if k % 2 else total + term
        return total

    return minor(0, tuple(range(len(matrix))))


def ode_data(size: int) -> Values:
    return [np.random.default_rng(seed).uniform(0.05, 0.1 + seed, size) for seed in (0, 1)]


def ode(torch: Any, start: Any, rates: Any) -> Any:
    """The last variable of a chain, each driven by the one before it, after 100 Runge-Kutta steps."""
    def slope(u: Any) -> Any:
        return torch.cat((rates[:1], rates[1:] * u[:-1]))

    u, h = start, 0.01
    for _ in range(100):
        first = slope(u)
        second = slope(u + h / 2 * first)
        third = slope(u + h / 2 * second)
        u = u + h / 6 * (first + 2 * second + 2 * third + slope(u + h * third))
    return u[-1]


def lse_data(size: int) -> Values:
    return [np.random.default_rng(0).uniform(-1, 1, size)]


def lse(torch: Any, x: Any) -> Any:
    return torch.logsumexp(x, 0)


def gradient(torch: Any, loss: Callable[..., Any], data: Iterable[np.ndarray[Any, Any]], wanted: int = 1) -> Function:
    """The loss of some arrays, and the gradients of the first ones, which it leaves on them."""
    tensors = [torch.from_numpy(a.copy()) for a in data]
    for t in tensors[:wanted]:
        t.requires_grad_()

    def run() -> Any:
        for t in tensors[:wanted]:
            t.grad = None
        value = loss(torch, *tensors)
        value.backward()
        return value.detach()

    return run


@functools.cache
def _primals() -> Any:
    """The values alone, in C++; None where there is no compiler."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        return None
    library = Path(tempfile.mkdtemp()) / "primals.so"
    source = Path(__file__).with_name("gradbench.cpp")
    subprocess.run([compiler, "-O3", "-march=native", "-shared", "-fPIC", "-o", library, source], check=True)
    return ctypes.CDLL(str(library))


def primal(name: str, data: Values) -> Callable[[], float] | None:
    """One of them on these arrays: pointers, then the length of the last array's first axis."""
    library = _primals()
    if library is None:
        return None
    function = library[name]
    function.restype = ctypes.c_double
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in data]
    length = ctypes.c_long(len(data[-1]))
    return lambda keep=data: function(*pointers, length)  # type: ignore[misc]


def against_primal(loss: Callable[..., Any], data: Values, wanted: int = 1) -> Measured:
    import tapegrad

    tapegrad.set_num_threads(1)
    ours = compiled.warm(gradient(tapegrad, loss, data, wanted))
    theirs = primal(loss.__name__, data)
    if theirs is None:
        return Measured(*fastest([ours]))
    np.testing.assert_allclose(ours().item(), theirs(), rtol=1e-8)
    return Measured(*fastest([ours, theirs]))


def built(loss: Callable[..., Any], data: Values, wanted: int = 1) -> Measured:
    import tapegrad

    return Measured(min(until_built(gradient(tapegrad, loss, data, wanted)) for _ in range(2)))


@figure("LSTM of 2 × 14 with cat and slices, 1,024 steps: until built", "s", must=1.5, aim=0.3, by="value")
def lstm_1024_built() -> Measured:
    return built(lstm, lstm_data(1024), 2)


@figure("the same, 4,096 steps", "s", must=6, aim=1, by="value")
def lstm_4096_built() -> Measured:
    return built(lstm, lstm_data(4096), 2)


@figure("the same, 1,024 steps, gradient ÷ PyTorch eager", "s", must=0.008, aim=0.003)
def lstm_1024() -> Measured:
    ours, *theirs = libraries()
    functions = [gradient(t, lstm, lstm_data(1024), 2) for t in (ours, *theirs)]
    return Measured(*fastest([compiled.warm(functions[0]), *functions[1:]], at_least=3))


@figure("the same ÷ its value in C++ (the peer)", "s", must=0.9, aim=0.5)
def lstm_1024_primal() -> Measured:
    return against_primal(lstm, lstm_data(1024), 2)


@figure("determinant by minors, 7 × 7: until built", "s", must=0.6, aim=0.2, by="value")
def det_7_built() -> Measured:
    return built(det, det_data(7))


@figure("the same, gradient ÷ its value in C++ (the peer)", "s", must=0.33, aim=0.3)
def det_7_primal() -> Measured:
    return against_primal(det, det_data(7))


@figure("chain of 4 variables, 100 Runge-Kutta steps, gradient ÷ its value in C++ (the peer)", "s", must=3, aim=2)
def ode_4_primal() -> Measured:
    return against_primal(ode, ode_data(4), 2)


@figure("the same with 1,000 variables", "s", must=4, aim=2.5)
def ode_1000_primal() -> Measured:
    return against_primal(ode, ode_data(1000), 2)


@figure("logsumexp of 80,000, gradient ÷ its value in C++ (the peer)", "s", must=0.29, aim=0.25)
def lse_80000_primal() -> Measured:
    return against_primal(lse, lse_data(80_000))
