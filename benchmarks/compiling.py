"""Compile time: how much longer calls take until all is compiled, against jax.jit, with nothing cached."""
from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks import arrays, compiled
from benchmarks.harness import Function, Measured, figure

ROUNDS = 3
LIMIT = 300  # seconds for the programs that jax.jit unrolls; a program that takes longer counts as that long


Ours = Callable[[], tuple[Function, list[Any]]]  # makes a step, and the tensors that it leaves gradients on
Theirs = Callable[[Any], Function]


def of_loss(loss: Callable[..., Any], data: Callable[[], arrays.Arrays], wanted: int) -> tuple[Ours, Theirs]:
    """A loss written for either library, value and gradient: our step and jax's."""
    return lambda: arrays.ours(loss, data(), wanted), lambda jax: arrays.theirs(jax, loss, data(), wanted)


def ours(make: Callable[[Any], Function]) -> Ours:
    def made() -> tuple[Function, list[Any]]:
        import tapegrad

        return make(tapegrad), []

    return made


def epoch_jax(jax: Any) -> Function:
    rng = np.random.default_rng(0)
    xs = jax.numpy.asarray(rng.standard_normal(120, dtype=np.float32))
    ys = 2 * xs + 3

    def loss(parameters: Any) -> Any:
        b, w = parameters
        return ((ys - (b + w * xs)) ** 2).mean()

    @jax.jit
    def step(parameters: Any) -> Any:
        return jax.tree.map(lambda p, g: p - 0.1 * g, parameters, jax.grad(loss)(parameters))

    start = [jax.numpy.asarray(rng.standard_normal(1, dtype=np.float32)) for _ in range(2)]
    return lambda: jax.block_until_ready(step(start))


def _weibull() -> Any:
    import runpy
    from pathlib import Path
    from types import SimpleNamespace

    return SimpleNamespace(**runpy.run_path(str(Path(__file__).parent.parent / "examples" / "weibull.py")))


def weibull() -> tuple[Function, list[Any]]:
    import tapegrad

    example = _weibull()
    loss, (covariates, times, seen) = example.loss, example.data()
    args = [tapegrad.from_numpy(a) for a in (covariates, np.log(times), seen)]
    parameters = tapegrad.zeros(4, dtype=tapegrad.float64, requires_grad=True)

    def step() -> None:
        parameters.grad = None
        loss(parameters, *args).backward()

    return step, [parameters]


def weibull_jax(jax: Any) -> Function:
    covariates, times, seen = _weibull().data()

    @jax.jit
    @jax.value_and_grad
    def loss(parameters: Any, covariates: Any, log_times: Any, seen: Any) -> Any:
        z = (log_times - covariates @ parameters[1:]) * jax.numpy.exp(parameters[0])
        return jax.numpy.exp(z).sum() - (seen * (z + parameters[0] - log_times)).sum()

    args = [jax.numpy.asarray(a) for a in (np.zeros(4), covariates, np.log(times), seen)]
    return lambda: jax.block_until_ready(loss(*args))


def pendulum_jax(jax: Any) -> Function:
    @jax.jit
    def gradient(*start: Any) -> Any:
        def final(theta: Any, omega: Any, gravity: Any) -> Any:
            h = 0.001
            for _ in range(compiled.STEPS):
                theta, omega = theta + h * omega, omega - h * (gravity * jax.numpy.sin(theta))
            return theta

        return jax.grad(final, argnums=(0, 1, 2))(*start)

    return lambda: jax.block_until_ready(gradient(0.5, 0.0, 9.81))


def diagonal_lstm_jax(jax: Any, layers: int = 2, width: int = 14, steps: int = 1024) -> Function:
    rng = np.random.default_rng(0)
    weights = jax.numpy.asarray(rng.random((layers, 8, width)))
    inputs = [jax.numpy.asarray(rng.random(width)) for _ in range(steps)]
    sigmoid, tanh = jax.nn.sigmoid, jax.numpy.tanh

    def loss(weights: Any) -> Any:
        state = [(jax.numpy.zeros(width), jax.numpy.zeros(width))] * layers
        total = jax.numpy.zeros(width)
        for x in inputs:
            following = []
            for (h, c), (wi, ui, wf, uf, wo, uo, wg, ug) in zip(state, weights):
                i, f = sigmoid(wi * x + ui * h), sigmoid(wf * x + uf * h)
                o, g = sigmoid(wo * x + uo * h), tanh(wg * x + ug * h)
                c = f * c + i * g
                h = x = o * tanh(c)
                following.append((h, c))
            state = following
            total = total + x
        return total.sum()

    gradient = jax.jit(jax.grad(loss))
    return lambda: jax.block_until_ready(gradient(weights))


SHORT = {
    "loss": of_loss(arrays.robust, arrays.robust_arrays, 1),
    "logsumexp": of_loss(arrays.logsumexp, arrays.a_million, 1),
    "mixture": of_loss(arrays.mixture, arrays.mixture_arrays, 3),
    "perceptron": (ours(arrays.perceptron), arrays.perceptron_jax),
    "epoch": (ours(compiled.epoch), epoch_jax),
    "weibull": (weibull, weibull_jax),
}
LONG = {
    "pendulum": (ours(compiled.pendulum), pendulum_jax),
    "lstm": (ours(compiled.diagonal_lstm), diagonal_lstm_jax),
}


def seconds_to_compile(name: str, library: str) -> float:
    """How much longer the calls until all is compiled take than such calls take when it is.

    All results are kept: a first call's lie in memory that the process never had, and so do those of the others.
    """
    make, make_jax = {**SHORT, **LONG}[name]
    kept, times = [], []
    gc.collect()  # of what the imports left; by chance it fell into one of the programs, 40 ms
    if library == "jax":
        run = make_jax(arrays.jax())
        start = time.perf_counter()
        kept.append(run())
        taken, calls = time.perf_counter() - start, 1
    else:
        import tapegrad

        step, tensors = make()
        start, calls = time.perf_counter(), 0
        function = tapegrad.compile(step)

        def run() -> Any:
            function()
            return [t.grad for t in tensors]

        while not function.tapes:
            kept.append(run())
            calls += 1
        function.tape.wait()
        taken = time.perf_counter() - start
    for _ in range(8):
        start = time.perf_counter()
        kept.append(run())
        times.append(time.perf_counter() - start)
    return taken - calls * min(times)


_PROGRAM = """
import json, sys
from benchmarks import arrays, compiling
library, *names = sys.argv[1:]
if library == "tapegrad":
    import tapegrad
    tapegrad.set_num_threads(arrays.cores())
for name in names:
    print(json.dumps([name, compiling.seconds_to_compile(name, library)]), flush=True)
"""


def _once(library: str, names: list[str], environment: dict[str, str]) -> Iterator[tuple[str, float]]:
    """What a library takes for some programs in a process of its own, one after the other."""
    try:
        done = subprocess.run([sys.executable, "-c", _PROGRAM, library, *names], env=environment, check=True,
                              stdout=subprocess.PIPE, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        yield names[0], float(LIMIT)
        return
    for line in done.stdout.splitlines():
        if line.startswith("["):
            yield tuple(json.loads(line))


def measured() -> dict[str, dict[str, float]]:
    """Seconds by library and program: medians of some rounds, each with nothing cached; one round of the long ones.

    A difference of two times is no least time: a round in which the machine was slow only later would win.
    """
    found: dict[str, dict[str, list[float]]] = {}
    for turn in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "TAPEGRAD_CACHE_DIR": folder}
            # The machine itself is built once, when tapegrad is first used, and is a figure of its own.
            subprocess.run([sys.executable, "-c", "import tapegrad"], env=environment, check=True)
            for library in ("tapegrad", *(["jax"] if arrays.jax() else [])):
                for names in ([*SHORT], *([name] for name in LONG if turn == 0)):
                    for name, seconds in _once(library, names, environment):
                        found.setdefault(library, {}).setdefault(name, []).append(seconds)
    return {library: {name: statistics.median(times) for name, times in programs.items()}
            for library, programs in found.items()}


@figure("compile time of these (the worst ratio) ÷ jax.jit's, nothing cached", "s", must=0.3, aim=0.05)
def compile_time() -> Measured:
    found = measured()
    ours, theirs = found["tapegrad"], found.get("jax")
    if theirs is None:
        return Measured(max(ours.values()))
    for name in ours:
        at_least = "at least " if theirs[name] == LIMIT else ""
        print(f"{name:<12} {ours[name] * 1e3:8.1f} ms, {at_least}{theirs[name] * 1e3:8.1f} ms: "
              f"{ours[name] / theirs[name]:.3f}")
    worst = max(ours, key=lambda name: ours[name] / theirs[name])
    return Measured(ours[worst], theirs[worst])
