"""Functions of one sample on batches of them (`vmap`), and whole matrices of derivatives, beside PyTorch."""
from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from benchmarks import arrays, compiled
from benchmarks.harness import Function, Measured, compare, fastest, figure, libraries


@figure("per-sample gradients of an MLP, batch 256", "s", must=0.7, aim=0.4)
def per_sample_gradients() -> Measured:
    def make(T: Any) -> Function:
        T.manual_seed(0)
        net = T.nn.Sequential(T.nn.Linear(64, 128), T.nn.ReLU(), T.nn.Linear(128, 128), T.nn.ReLU(),
                              T.nn.Linear(128, 10))
        parameters = {name: p.detach() for name, p in net.named_parameters()}
        x, y = T.randn(256, 64), T.randint(0, 10, (256,))

        def loss(p: Any, a: Any, b: Any) -> Any:
            return T.nn.functional.cross_entropy(T.func.functional_call(net, p, (a,)), b)

        each = T.vmap(T.func.grad(loss), in_dims=(None, 0, 0))
        # Norms are for comparing: single elements are close to zero.
        return lambda: each(parameters, x, y)["4.weight"].square().sum((1, 2)).sqrt()

    return compare(make)


@figure("Jacobian of a dense network, 200 to 200", "s", must=0.5, aim=0.1)
def dense_jacobian() -> Measured:
    def make(T: Any) -> Function:
        T.manual_seed(0)
        net = T.nn.Sequential(T.nn.Linear(200, 200), T.nn.Tanh(), T.nn.Linear(200, 200))
        x = T.randn(200)
        return lambda: T.autograd.functional.jacobian(net, x, vectorize=True).abs().sum(1)

    return compare(make)


@figure("Hessian of Rosenbrock's function, n = 200", "s", must=0.3, aim=0.1)
def rosenbrock_hessian() -> Measured:
    def make(T: Any) -> Function:
        T.manual_seed(0)
        x = T.randn(200, dtype=T.float64)
        hessian = T.func.hessian(lambda a: (100 * (a[1:] - a[:-1] ** 2) ** 2 + (1 - a[:-1]) ** 2).sum())
        return lambda: hessian(x)

    return compare(make)


@figure("vmap of three operations on vectors of 5, batch 10", "s", must=1.5, aim=1.0)
def small_batch() -> Measured:
    def make(T: Any) -> Function:
        T.manual_seed(0)
        x, f = T.randn(10, 5), T.vmap(lambda a: (a * 2).sin().sum())
        return lambda: f(x)

    return compare(make)


# ---------------------------------------------------------------------------------------- compiled, beside jax.jit


def _built(function: Callable[..., Any], *args: Any) -> Function:
    """A function, compiled, on these arguments, after its captures and with its superinstructions in place."""
    import tapegrad

    made = tapegrad.compile(function)
    for _ in range(4):
        made(*args)
    for variant in (v for variants in made.tapes.values() for v in variants):
        variant.wait()
    return lambda: made(*args)


def _beside_jax(function: Callable[..., Any], args: Any, theirs: Callable[[Any], Any], threads: int = 1) -> Measured:
    """A function compiled ÷ what `theirs` makes of jax, jitted, on the same arguments."""
    import numpy as np

    libraries(threads)
    functions = [_built(function, *args)]
    jax = arrays.jax()
    if jax is not None:
        jitted = jax.jit(theirs(jax))
        given = jax.tree.map(lambda t: jax.numpy.asarray(t.numpy()), args)
        functions.append(lambda: jax.block_until_ready(jitted(*given)))
        for ours, peer in zip(*(jax.tree.leaves(jax.tree.map(np.asarray, f())) for f in functions)):
            np.testing.assert_allclose(ours, peer, rtol=1e-4, atol=1e-6)
    return Measured(*fastest(functions))


@figure("per-sample gradients of an MLP, batch 256, compiled ÷ jax.jit (the peer)", "s", must=1.2, aim=0.8)
def per_sample_gradients_compiled() -> Measured:
    import tapegrad as T

    T.manual_seed(0)
    sizes = (64, 128, 128, 10)
    weights = [(T.randn(m, n) / n ** 0.5, T.zeros(m)) for n, m in itertools.pairwise(sizes)]
    x, y = T.randn(256, 64), T.randint(0, 10, (256,))

    def loss(layers: Any, a: Any, b: Any) -> Any:
        for w, c in layers[:-1]:
            a = T.relu(w @ a + c)
        w, c = layers[-1]
        return T.nn.functional.cross_entropy(w @ a + c, b)

    def theirs(jax: Any) -> Any:
        def loss(layers: Any, a: Any, b: Any) -> Any:
            for w, c in layers[:-1]:
                a = jax.nn.relu(w @ a + c)
            w, c = layers[-1]
            return -jax.nn.log_softmax(w @ a + c)[b]

        return jax.vmap(jax.grad(loss), in_axes=(None, 0, 0))

    return _beside_jax(T.vmap(T.func.grad(loss), in_dims=(None, 0, 0)), (weights, x, y), theirs, arrays.cores())


def _rosenbrock(a: Any) -> Any:
    return (100 * (a[1:] - a[:-1] ** 2) ** 2 + (1 - a[:-1]) ** 2).sum()


@figure("Hessian of Rosenbrock's function, n = 200, compiled ÷ jax.jit (the peer)", "s", must=1.5, aim=0.5)
def rosenbrock_hessian_compiled() -> Measured:
    import tapegrad as T

    T.manual_seed(0)
    return _beside_jax(T.func.hessian(_rosenbrock), (T.randn(200, dtype=T.float64),),
                       lambda jax: jax.hessian(_rosenbrock))


@figure("gradients of 10⁴ Weibull regressions of 200 points, compiled ÷ jax.jit (the peer)", "s", must=1.0, aim=0.5)
def weibull_batch() -> Measured:
    import numpy as np

    import tapegrad as T
    from benchmarks.compiling import _weibull

    example = _weibull()
    covariates, times, seen = example.data()
    starts = 0.1 * np.random.default_rng(0).normal(size=(10_000, 4))
    args = tuple(T.from_numpy(a) for a in (starts, covariates, np.log(times), seen))

    def theirs(jax: Any) -> Any:
        def loss(parameters: Any, covariates: Any, log_times: Any, seen: Any) -> Any:
            z = (log_times - covariates @ parameters[1:]) * jax.numpy.exp(parameters[0])
            return jax.numpy.exp(z).sum() - (seen * (z + parameters[0] - log_times)).sum()

        return jax.vmap(jax.grad(loss), in_axes=(0, None, None, None))

    return _beside_jax(T.vmap(T.func.grad(example.loss), in_dims=(0, None, None, None)), args, theirs, arrays.cores())


@figure("gradients of 10⁴ pendulums of 2,000 steps, each ÷ one compiled replay (the peer)", "s", must=0.35, aim=0.15)
def pendulum_batch() -> Measured:
    import tapegrad as T

    count = 10_000

    def final(theta: Any, omega: Any, gravity: Any) -> Any:
        h = 0.001
        for _ in range(compiled.STEPS):
            theta, omega = theta + h * omega, omega - h * (gravity * theta.sin())
        return theta

    libraries()
    gradient = T.func.grad(final, (0, 1, 2))
    one = _built(gradient, *(T.tensor(v, dtype=T.float64) for v in (0.5, 0.0, 9.81)))
    many = _built(T.vmap(gradient, in_dims=(0, 0, None)), T.linspace(0.1, 1, count, dtype=T.float64),
                  T.zeros(count, dtype=T.float64), T.tensor(9.81, dtype=T.float64))
    together, alone = fastest([many, one])
    return Measured(together / count, alone)


def settled(rate: Any) -> Any:
    """Logistic growth until it has settled, after 11 to 959 turns for the rates of `rates`."""
    x = rate * 0 + 0.02
    while rate * x * (1 - x) > 1e-4:
        x = x + rate * x * (1 - x)
    return x


def rates() -> Any:
    import tapegrad

    return 1 / tapegrad.linspace(1.1, 115, 10_000)


@figure("10⁴ adaptive loops of 10 to 1,000 turns, each its own ÷ vmap(while_loop) of jax (the peer)", "s", must=0.5,
        aim=0.1)
def adaptive_batch() -> Measured:
    import tapegrad as T

    def theirs(jax: Any) -> Any:
        def settled(rate: Any) -> Any:
            return jax.lax.while_loop(lambda x: rate * x * (1 - x) > 1e-4, lambda x: x + rate * x * (1 - x),
                                      rate * 0 + 0.02)

        return jax.vmap(settled)

    return _beside_jax(T.vmap(settled), (rates(),), theirs)


@figure("gradients of 10⁴ adaptive loops of 10 to 1,000 turns ÷ their values, both compiled (the peer)", "s", must=6,
        aim=3)
def adaptive_batch_gradient() -> Measured:
    import tapegrad as T

    libraries()
    given = rates()
    return Measured(*fastest([_built(T.vmap(T.func.grad(settled)), given), _built(T.vmap(settled), given)]))
