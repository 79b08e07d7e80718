"""Functions of one sample on batches of them (`vmap`), and whole matrices of derivatives, beside PyTorch."""
from __future__ import annotations

from typing import Any

from benchmarks.harness import Function, Measured, compare, figure


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
