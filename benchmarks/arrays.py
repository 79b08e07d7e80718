"""Compiled functions of large arrays, value and gradient, against jax.jit; both use every core."""
from __future__ import annotations

import itertools
import os
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.compiled import warm
from benchmarks.harness import Function, Measured, fastest, figure, libraries

MILLION = 1_000_000


def jax() -> Any:
    """jax in double precision, or None where it is not installed."""
    try:
        import jax
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    return jax


def vocabulary(jax: Any) -> Any:
    """What the losses below are written in, from jax."""
    return types.SimpleNamespace(exp=jax.numpy.exp, log=jax.numpy.log, sqrt=jax.numpy.sqrt,
                                 logsumexp=jax.scipy.special.logsumexp)


Arrays = list[np.ndarray[Any, Any]]


def ours(loss: Callable[..., Any], arrays: Arrays, wanted: int) -> tuple[Function, list[Any]]:
    """A step that leaves the gradients by the first `wanted` of some arrays, to be compiled; and the tensors."""
    import tapegrad

    tensors = [tapegrad.from_numpy(a.copy()) for a in arrays]
    for t in tensors[:wanted]:
        t.requires_grad_()

    def step() -> None:
        for t in tensors[:wanted]:
            t.grad = None
        loss(tapegrad, *tensors).backward()

    return step, tensors


def theirs(peer: Any, loss: Callable[..., Any], arrays: Arrays, wanted: int) -> Function:
    """The same by jax.jit, which returns value and gradients."""
    words = vocabulary(peer)
    compiled = peer.jit(peer.value_and_grad(lambda *a: loss(words, *a), argnums=tuple(range(wanted))))
    held = [peer.numpy.asarray(a) for a in arrays]
    return lambda: peer.block_until_ready(compiled(*held))


def against_jax(loss: Callable[..., Any], arrays: Arrays, wanted: int, at_least: int = 7) -> Measured:
    """Value and gradient by the first `wanted` of some arrays; `loss(m, *arrays)` is written for either library `m`."""
    import tapegrad

    tapegrad.set_num_threads(cores())
    step, tensors = ours(loss, arrays, wanted)
    functions: list[Function] = [warm(step)]
    peer = jax()
    if peer is not None:
        run = theirs(peer, loss, arrays, wanted)
        for t, g in zip(tensors, run()[1]):
            np.testing.assert_allclose(t.grad.numpy(), np.asarray(g), rtol=1e-4, atol=1e-6)
        functions.append(run)
    return Measured(*fastest(functions, at_least=at_least))


def robust(m: Any, w: Any, x: Any, y: Any) -> Any:
    """A pseudo-Huber loss of a product."""
    r = x * w - y
    return (m.sqrt(r * r + 1) - 1).sum()


def robust_arrays() -> Arrays:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(10 * MILLION) for _ in range(3)]


@figure("pseudo-Huber loss of 10⁷ float64 elements, value and gradient ÷ jax.jit", "s", must=1, aim=0.7)
def loss_1e7() -> Measured:
    return against_jax(robust, robust_arrays(), 1)


def bandwidth(threads: int, nbytes: int = 80 * MILLION) -> float:
    """Bytes a second that this machine reads and writes, as large copies on several threads show."""
    from concurrent.futures import ThreadPoolExecutor

    source, target = np.ones(nbytes // 8), np.zeros(nbytes // 8)
    parts = list(zip(np.array_split(target, threads), np.array_split(source, threads)))
    with ThreadPoolExecutor(threads) as pool:
        (seconds,) = fastest([lambda: list(pool.map(lambda p: np.copyto(*p), parts))], seconds=2.0)
    return 2 * nbytes / seconds


@figure("the same ÷ the time that reading w, x, y and writing the gradient takes at the machine's bandwidth", "s",
        must=1 / 0.6, aim=1 / 0.85)
def loss_1e7_bandwidth() -> Measured:
    found = against_jax(robust, robust_arrays(), 1)
    return Measured(found.tapegrad, 4 * 80 * MILLION / bandwidth(cores()))


def logsumexp(m: Any, x: Any) -> Any:
    return m.logsumexp(x, 0)


def a_million() -> Arrays:
    return [np.random.default_rng(0).standard_normal(MILLION)]


@figure("logsumexp of 10⁶ float64 elements, value and gradient ÷ jax.jit", "s", must=1, aim=0.6)
def logsumexp_1e6() -> Measured:
    return against_jax(logsumexp, a_million(), 1)


def mixture(m: Any, means: Any, scales: Any, weights: Any, x: Any) -> Any:
    """The negative log-likelihood of a mixture of Gaussians with diagonal covariances."""
    z = (x[:, None, :] - means) * m.exp(-scales)
    logs = -0.5 * (z * z).sum(-1) - scales.sum(-1) + weights
    top = m.exp(weights).sum()
    return -(m.logsumexp(logs, 1) - m.log(top)).sum()


def mixture_arrays() -> Arrays:
    rng = np.random.default_rng(0)
    return [rng.standard_normal((3, 5)), 0.1 * rng.standard_normal((3, 5)), rng.standard_normal(3),
            rng.standard_normal((10_000, 5))]


@figure("Gaussian mixture, 3 components, 10⁴ points of 5 dimensions, gradient ÷ jax.jit", "s", must=1, aim=0.5)
def gaussian_mixture() -> Measured:
    return against_jax(mixture, mixture_arrays(), 3)


def perceptron(torch: Any) -> Function:
    """One SGD step of a perceptron, 784-256-256-10, on a batch of 64: forward, backward, update."""
    torch.manual_seed(0)
    sizes = (784, 256, 256, 10)
    layers = [((torch.randn(m, n) / m ** 0.5).requires_grad_(), torch.zeros(n).requires_grad_())
              for m, n in itertools.pairwise(sizes)]
    x, y = torch.randn(64, 784), torch.randint(0, 10, (64,))
    cross_entropy = torch.nn.functional.cross_entropy

    def step() -> Any:
        h = x
        for w, b in layers[:-1]:
            h = torch.relu(h @ w + b)
        w, b = layers[-1]
        loss = cross_entropy(h @ w + b, y)
        loss.backward()
        with torch.no_grad():
            for w, b in layers:
                w -= 0.01 * w.grad
                b -= 0.01 * b.grad
                w.grad = None
                b.grad = None

    return step


def perceptron_jax(jax: Any) -> Function:
    numpy = jax.numpy
    sizes = (784, 256, 256, 10)
    rng = np.random.default_rng(0)
    layers = [(numpy.asarray(rng.standard_normal((m, n), dtype=np.float32) / np.float32(m ** 0.5)),
               numpy.zeros(n, dtype=numpy.float32)) for m, n in itertools.pairwise(sizes)]
    x = numpy.asarray(rng.standard_normal((64, 784), dtype=np.float32))
    y = numpy.asarray(rng.integers(0, 10, 64))

    def loss(layers: Any) -> Any:
        h = x
        for w, b in layers[:-1]:
            h = jax.nn.relu(h @ w + b)
        w, b = layers[-1]
        return -jax.nn.log_softmax(h @ w + b)[numpy.arange(64), y].mean()

    @jax.jit
    def step(layers: Any) -> Any:
        gradients = jax.grad(loss)(layers)
        return jax.tree.map(lambda p, g: p - 0.01 * g, layers, gradients)

    held = [layers]

    def run() -> None:
        held[0] = jax.block_until_ready(step(held[0]))

    return run


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


@figure("perceptron 784-256-256-10, batch 64, float32, a whole SGD step ÷ PyTorch eager", "s", must=0.7, aim=0.4)
def perceptron_torch() -> Measured:
    ours, *theirs = libraries()  # on one thread each: in one process their teams would spin in each other's way
    return Measured(*fastest([warm(perceptron(ours)), *(perceptron(t) for t in theirs)]))


@figure("the same ÷ jax.jit", "s", must=1, aim=0.8)
def perceptron_against_jax() -> Measured:
    ours = libraries()[0]
    ours.set_num_threads(cores())
    peer = jax()
    return Measured(*fastest([warm(perceptron(ours)), *([perceptron_jax(peer)] if peer else [])]))
