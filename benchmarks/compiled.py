"""Compiled functions: replays against PyTorch's eager mode and against loops written by hand in Numba."""
from __future__ import annotations

import itertools
import math
import time
from typing import Any

from benchmarks.harness import Function, Measured, fastest, figure, libraries

STEPS = 2000


def epoch(torch: Any) -> Function:
    """One step of the tutorial's regression, whole: forward, backward, update, gradients back to zero."""
    torch.manual_seed(42)
    b, w = torch.randn(1, requires_grad=True), torch.randn(1, requires_grad=True)
    xs = torch.randn(120)
    ys = 2 * xs + 3
    rate = 0.1

    def step() -> None:
        error = ys - (b + w * xs)
        loss = (error ** 2).mean()
        loss.backward()
        with torch.no_grad():
            b.sub_(rate * b.grad)
            w.sub_(rate * w.grad)
        b.grad.zero_()
        w.grad.zero_()

    return step


def warm(function: Any, calls: int = 8, passes: Any = None) -> Any:
    """A compiled function after its captures, superinstructions in place."""
    import tapegrad

    compiled = tapegrad.compile(function, passes=passes)
    for _ in range(calls):
        compiled()
    (variants,) = list(compiled.tapes.values())[-1:]
    variants[-1].wait()
    return compiled


@figure("tutorial's regression, a whole step compiled ÷ PyTorch eager", "s", must=1 / 50, aim=1 / 300)
def compiled_epoch() -> Measured:
    ours, *theirs = libraries()
    functions = [warm(epoch(ours)), *(epoch(t) for t in theirs)]
    repeated: list[Function] = [lambda f=f: [f() for _ in range(100)] for f in functions]  # type: ignore[misc]
    return Measured(*(t / 100 for t in fastest(repeated)))


def epoch_by_hand() -> Function:
    """The same step written by hand in Numba."""
    import numba
    import numpy as np

    def loop(parameters, xs, ys, rate):  # type: ignore[no-untyped-def]
        b, w = parameters
        db = dw = np.float32(0)
        for i in range(xs.size):
            error = ys[i] - (b + w * xs[i])
            db -= 2 * error
            dw -= 2 * error * xs[i]
        parameters[0] -= rate * db / xs.size
        parameters[1] -= rate * dw / xs.size

    rng = np.random.default_rng(0)
    xs = rng.standard_normal(120, dtype=np.float32)
    compiled = numba.njit(loop)
    parameters, ys, rate = np.zeros(2, np.float32), 2 * xs + 3, np.float32(0.1)
    return lambda: compiled(parameters, xs, ys, rate)


@figure("the same ÷ the step written by hand in Numba (the peer)", "s", must=10, aim=3)
def compiled_epoch_again() -> Measured:
    functions = [warm(epoch(libraries()[0])), epoch_by_hand()]
    repeated: list[Function] = [lambda f=f: [f() for _ in range(100)] for f in functions]  # type: ignore[misc]
    return Measured(*(t / 100 for t in fastest(repeated)))


def pendulum(torch: Any, steps: int = STEPS) -> Function:
    """Euler steps of a pendulum in a plain Python loop, five scalar operations each; the gradient of three inputs."""
    theta0, omega0, gravity = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.5, 0.0, 9.81))
    h = 0.001

    def run() -> None:
        theta0.grad = omega0.grad = gravity.grad = None
        theta, omega = theta0, omega0
        for _ in range(steps):
            theta, omega = theta + h * omega, omega - h * (gravity * theta.sin())
        theta.backward()

    return run


@figure("pendulum, 2,000 steps in a Python loop: time to the first gradient", "s", must=0.3, aim=0.05, by="value")
def pendulum_first() -> Measured:
    found = []
    for torch in libraries():
        run = pendulum(torch)
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return Measured(*found)


@figure("the same: until its superinstructions are in place", "s", must=2, aim=0.3, by="value")
def pendulum_built() -> Measured:
    import tapegrad

    compiled = tapegrad.compile(pendulum(tapegrad))
    start = time.perf_counter()
    while not compiled.tapes:
        compiled()
    next(iter(compiled.tapes.values()))[0].wait()
    return Measured(time.perf_counter() - start)


def pendulum_by_hand() -> Function:
    """The same forward and adjoint loops, written by hand in Numba."""
    import numba
    import numpy as np

    def loops(theta, omega, gravity, h, thetas):  # type: ignore[no-untyped-def]
        for i in range(thetas.size):
            thetas[i] = theta
            theta, omega = theta + h * omega, omega - h * (gravity * math.sin(theta))
        a, b, g = 1.0, 0.0, 0.0
        for i in range(thetas.size - 1, -1, -1):
            g -= b * h * math.sin(thetas[i])
            a, b = a - b * h * gravity * math.cos(thetas[i]), b + a * h
        return a, b, g

    compiled, thetas = numba.njit(loops), np.zeros(STEPS)
    return lambda: compiled(0.5, 0.0, 9.81, 0.001, thetas)


@figure("the same, each further gradient ÷ loops written by hand in Numba (the peer)", "s", must=2, aim=1)
def pendulum_again() -> Measured:
    import tapegrad

    return Measured(*fastest([warm(pendulum(tapegrad)), pendulum_by_hand()]))


def diagonal_lstm(torch: Any, layers: int = 2, width: int = 14, steps: int = 1024) -> Function:
    """An LSTM whose gates are elementwise, in a plain Python loop: loss and the gradient of all its weights."""
    torch.manual_seed(0)
    weights = [[torch.rand(width, dtype=torch.float64).requires_grad_() for _ in range(8)] for _ in range(layers)]
    inputs = [torch.rand(width, dtype=torch.float64) for _ in range(steps)]

    def run() -> None:
        for layer in weights:
            for w in layer:
                w.grad = None
        state = [(torch.zeros(width, dtype=torch.float64), torch.zeros(width, dtype=torch.float64))] * layers
        total = torch.zeros(width, dtype=torch.float64)
        for x in inputs:
            following = []
            for (h, c), (wi, ui, wf, uf, wo, uo, wg, ug) in zip(state, weights):
                i, f = torch.sigmoid(wi * x + ui * h), torch.sigmoid(wf * x + uf * h)
                o, g = torch.sigmoid(wo * x + uo * h), torch.tanh(wg * x + ug * h)
                c = f * c + i * g
                h = x = o * torch.tanh(c)
                following.append((h, c))
            state = following
            total = total + x
        total.sum().backward()

    return run


@figure("diagonal LSTM, 2 layers of 14, 1,024 steps, loss and gradients ÷ PyTorch eager", "s", must=0.02, aim=0.003)
def lstm() -> Measured:
    ours, *theirs = libraries()
    return Measured(*fastest([warm(diagonal_lstm(ours)), *(diagonal_lstm(t) for t in theirs)], at_least=3))


@figure("Weibull regression, 200 points, 4 parameters, BFGS warm ÷ with finite differences (the peer)", "s", must=0.8,
        aim=0.5)
def weibull() -> Measured:
    import runpy
    from pathlib import Path

    import numpy as np

    import tapegrad

    run = runpy.run_path(str(Path(__file__).parent.parent / "examples" / "weibull.py"))
    covariates, times, seen = run["data"]()
    args = tuple(tapegrad.from_numpy(a) for a in (covariates, np.log(times), seen))
    gradients, values = run["value_and_grad"](run["loss"]), run["value_alone"](run["loss"])
    return Measured(*fastest([lambda: run["fit"](gradients, np.zeros(4), args, jac=True),
                              lambda: run["fit"](values, np.zeros(4), args)]))


@figure("overhead of calling a compiled function of one scalar operation", "s", must=5e-6, aim=1e-6, by="value")
def call_overhead() -> Measured:
    import tapegrad

    compiled = tapegrad.compile(lambda x: x * 2)
    x = tapegrad.tensor(1.0)
    for _ in range(8):
        compiled(x)
    (seconds,) = fastest([lambda: [compiled(x) for _ in range(1000)]], seconds=1.0)
    return Measured(seconds / 1000)


def layered(torch: Any, depth: int, width: int = 16) -> Function:
    """A whole step of a network whose layers are objects in a list, with momentum."""
    torch.manual_seed(0)

    class Layer:
        def __init__(self, inputs: int, outputs: int) -> None:
            self.weight = (torch.randn(inputs, outputs) * 0.3).requires_grad_()
            self.bias = torch.zeros(outputs, requires_grad=True)

        def __call__(self, x: Any) -> Any:
            return x @ self.weight + self.bias

    class Network:
        def __init__(self) -> None:
            sizes = [8, *[width] * (depth - 1), 1]
            self.layers = [Layer(n, m) for n, m in itertools.pairwise(sizes)]
            self.parameters = [p for layer in self.layers for p in (layer.weight, layer.bias)]
            self.momenta, self.rate = [torch.zeros_like(p) for p in self.parameters], 0.01

        def step(self, x: Any, y: Any) -> Any:
            for p in self.parameters:
                p.grad = None
            h = x
            for layer in self.layers[:-1]:
                h = torch.tanh(layer(h))
            loss = ((self.layers[-1](h) - y) ** 2).mean()
            loss.backward()
            with torch.no_grad():
                for p, m in zip(self.parameters, self.momenta):
                    m.mul_(0.9).add_(p.grad)
                    p.sub_(self.rate * m)
            return loss

    network, x, y = Network(), torch.randn(32, 8), torch.randn(32, 1)

    def run() -> Any:
        return network.step(x, y)

    return run


@figure("a step of 5 layers that are objects in a list, compiled ÷ as written (the peer)", "s", must=1.0, aim=0.4)
def objects_5() -> Measured:
    ours, *_ = libraries()
    return Measured(*fastest([warm(layered(ours, 5)), layered(ours, 5)]))


@figure("the same with 20 layers, compiled ÷ as written (the peer)", "s", must=1.0, aim=0.4)
def objects_20() -> Measured:
    ours, *_ = libraries()
    return Measured(*fastest([warm(layered(ours, 20)), layered(ours, 20)]))
