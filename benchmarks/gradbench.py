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


def checkpointed(share: int | None) -> tuple[Any, Any]:
    """The pendulum of 10⁵ operations with all kept, and in a share of that memory, both ready."""
    import tapegrad

    step = pendulum(10 ** 5)
    whole = compiled.warm(step)
    memory = None if share is None else whole.tape.program.size // share
    made = tapegrad.compile(step, checkpoint="auto", memory=memory)
    for _ in range(4):
        made()
    return whole, made


@figure("pendulum of 10⁵ scalar operations, in 1/16 of the memory: gradient ÷ with all kept", "s", must=4, aim=2.5)
def checkpointed_16th() -> Measured:
    whole, made = checkpointed(16)
    return Measured(*fastest([made, whole]))


@figure("the same in 1/256", "s", must=6, aim=3.5)
def checkpointed_256th() -> Measured:
    whole, made = checkpointed(256)
    return Measured(*fastest([made, whole]))


@figure("the same, each turn computed twice: memory ÷ with all kept", "B", must=1 / 16, aim=1 / 64)
def checkpointed_memory() -> Measured:
    whole, made = checkpointed(None)
    return Measured(made.tape.program.size, whole.tape.program.size)


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


def llsq_data(size: int) -> Values:
    return [np.random.default_rng(0).uniform(-1, 1, 128), np.linspace(-1, 1, size)]


def llsq(torch: Any, x: Any, t: Any) -> Any:
    """The sign of t by a polynomial, least squares."""
    return 0.5 * ((t.sign() - torch.vander(t, len(x), increasing=True) @ x) ** 2).sum()


def kmeans_data(clusters: int, size: int) -> Values:
    rng = np.random.default_rng(0)
    return [rng.uniform(-1, 1, (n, 10)) for n in (clusters, size)]


def kmeans(torch: Any, centroids: Any, points: Any) -> Any:
    """Squared distances to the nearest centroids."""
    distances = (points ** 2).sum(1)[:, None] - 2 * points @ centroids.T + (centroids ** 2).sum(1)
    return distances.min(1).values.sum()


def gmm_data(width: int, clusters: int, size: int = 1000) -> Values:
    rng = np.random.default_rng(0)
    shapes = (clusters,), (clusters, width), (clusters, width * (width + 1) // 2), (size, width)
    return [rng.normal(size=s) for s in shapes]


def gmm(torch: Any, alphas: Any, means: Any, factors: Any, points: Any) -> Any:
    """A mixture's log-likelihood by triangular factors of its inverse covariances, with a prior on these."""
    clusters, width = means.shape
    logs, below = factors[:, :width], factors[:, width:]
    lower = torch.zeros(clusters, width, width, dtype=torch.float64)
    rows, columns = torch.tril_indices(width, width, -1)
    lower[:, rows, columns] = below
    apart = points - means[:, None]
    y = apart * logs.exp()[:, None] + apart @ lower.mT
    terms = (alphas + logs.sum(1))[:, None] - 0.5 * (y ** 2).sum(-1)
    prior = 0.5 * ((2 * logs).exp().sum() + (below ** 2).sum())
    return terms.logsumexp(0).sum() - len(points) * alphas.logsumexp(0) + prior


def ba_data(cameras: int, points: int, size: int) -> Values:
    rng = np.random.default_rng(0)
    which = np.stack([rng.integers(0, n, size) for n in (cameras, points)], 1)
    return [rng.uniform(0.5, 1, (cameras, 11)), rng.uniform([-1, -1, 4], [1, 1, 6], (points, 3)),
            rng.uniform(0, 1, size), rng.uniform(-1, 1, (size, 2)), which]


def projected(torch: Any, camera: Any, point: Any, weight: Any, seen: Any) -> Any:
    """How far points are from where a camera saw them: an operand and a row for each number."""
    turn, (f, x0, y0, k1, k2) = camera[:3], camera[6:]
    square = (turn ** 2).sum(0)
    angle, apart = square.sqrt(), point - camera[3:6]
    c, s = angle.cos(), angle.sin() / angle
    x, y, z = apart * c + torch.linalg.cross(turn, apart, dim=0) * s + turn * ((turn * apart).sum(0) * (1 - c) / square)
    x, y = x / z, y / z
    far = x * x + y * y
    bent = (1 + k1 * far + k2 * far * far) * f
    return weight * (x * bent + x0 - seen[0]), weight * (y * bent + y0 - seen[1])


def ba(torch: Any, cameras: Any, points: Any, weights: Any, seen: Any, which: Any) -> Any:
    """The errors of all observations, and the derivatives of each by its camera, point and weight: those of a sum."""
    camera, point = cameras[which[:, 0]].T.contiguous(), points[which[:, 1]].T.contiguous()
    inputs = [t.requires_grad_() for t in (camera, point, weights.clone())]
    errors = projected(torch, camera, point, inputs[2], seen.T)
    found = [torch.autograd.grad(e.sum(), inputs, retain_graph=True) for e in errors]
    return sum(e.detach().sum() for e in errors), found


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
    """One of them on these arrays: pointers, then the lengths of the last array's axes and of the first one's."""
    library = _primals()
    if library is None:
        return None
    function = library[name]
    function.restype = ctypes.c_double
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in data]
    lengths = [ctypes.c_long(n) for n in (*data[-1].shape, *data[0].shape)]
    return lambda keep=data: function(*pointers, *lengths)  # type: ignore[misc]


def against_primal(loss: Callable[..., Any], data: Values, wanted: int = 1, form: str = "") -> Measured:
    """A gradient and the value in C++, of which there may be another `form`."""
    import tapegrad

    tapegrad.set_num_threads(1)
    ours = compiled.warm(gradient(tapegrad, loss, data, wanted))
    theirs = primal(loss.__name__ + form, data)
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


@figure("least squares by a polynomial of 128 terms at 1,024 points, gradient ÷ its value in C++ (the peer)", "s",
        must=0.44, aim=0.4)
def llsq_1024_primal() -> Measured:
    return against_primal(llsq, llsq_data(1024))


@figure("the same ÷ its value in C++ that calls pow for each term (the peer), as GradBench's own does", "s",
        must=0.44, aim=0.4)
def llsq_1024_powers_primal() -> Measured:
    return against_primal(llsq, llsq_data(1024), form="_powers")


@figure("k-means, 100 centroids, 1,000 points of 10 numbers, gradient ÷ its value in C++ (the peer)", "s",
        must=0.47, aim=0.4)
def kmeans_1000_primal() -> Measured:
    return against_primal(kmeans, kmeans_data(100, 1000))


@figure("Gaussian mixture, 25 components, 1,000 points of 10 numbers, gradient ÷ its value in C++ (the peer)", "s",
        must=0.54, aim=0.5)
def gmm_10_25_primal() -> Measured:
    return against_primal(gmm, gmm_data(10, 25), 3)


@figure("the same ÷ its value in C++ that adds up columns (the peer), as GradBench's own does", "s",
        must=0.54, aim=0.5)
def gmm_10_25_columns_primal() -> Measured:
    return against_primal(gmm, gmm_data(10, 25), 3, form="_columns")


@figure("bundle adjustment, 49 cameras, 31,843 observations: Jacobian ÷ its value in C++ (the peer)", "s",
        must=20, aim=8)
def ba_1_primal() -> Measured:
    import tapegrad

    tapegrad.set_num_threads(1)
    data = ba_data(49, 7776, 31_843)
    tensors = [tapegrad.from_numpy(a) for a in data]
    ours = compiled.warm(lambda: ba(tapegrad, *tensors))
    theirs = primal("ba", data)
    if theirs is None:
        return Measured(*fastest([ours]))
    np.testing.assert_allclose(ours()[0].item(), theirs(), rtol=1e-8)
    return Measured(*fastest([ours, theirs]))
