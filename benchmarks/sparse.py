"""Sparse derivatives beside the functions that they are of: once prepared, a call ÷ the value alone (the peer)."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.harness import Measured, fastest, figure, libraries


def tridiagonal(T: Any, x: Any) -> Any:
    """Each element with both of its neighbours."""
    p = T.nn.functional.pad(x, (1, 1))
    return p[2:] * p[:-2] - 2 * x.sin() + x ** 2


def random_field(T: Any, x: Any) -> Any:
    """The log-likelihood of a field whose points depend on those beside, above and below."""
    a = x.reshape(100, 100)
    return -((1 - a[1:] * a[:-1].tanh()).exp().sum() + (a[:, 1:] - a[:, :-1]).cos().sum() + (a ** 4).sum())


def derivative_of(kind: str, function: Callable[..., Any], n: int, compiles: bool) -> tuple[Any, Callable[[], Any]]:
    """A point, and the sparse derivative there of a function that may be compiled."""
    T = libraries()[0]
    T.manual_seed(0)
    x = T.randn(n, dtype=T.float64)
    made = getattr(T.sparse, kind)((T.compile if compiles else lambda f: f)(lambda a: function(T, a)))
    for _ in range(5):
        made(x)
    for known in made._known:
        for variants in known.compiled.tapes.values() if compiles else ():
            variants[-1].wait()
    return x, lambda: made(x)


def beside_value(kind: str, function: Callable[..., Any], n: int, compiles: bool = False) -> Measured:
    T, (x, derivative) = libraries()[0], derivative_of(kind, function, n, compiles)
    return Measured(*fastest([derivative, lambda: function(T, x)]))


def field_in_casadi(x: Any) -> Callable[[], Any] | None:
    """The Hessian of the field as CasADi's virtual machine evaluates it, from one buffer to another; with its entries.

    Of the C code that it generates, one function of 400,000 statements, gcc made nothing in 25 minutes of a shared
    machine.
    """
    try:
        import casadi
    except ImportError:
        return None
    import numpy as np

    symbols = casadi.SX.sym("x", x.numel())
    a = casadi.reshape(symbols, 100, 100).T
    parts = casadi.exp(1 - a[1:, :] * casadi.tanh(a[:-1, :])), casadi.cos(a[:, 1:] - a[:, :-1]), a ** 4
    made = casadi.Function("hessian", [symbols], [casadi.hessian(-sum(casadi.sum(casadi.vec(p)) for p in parts),
                                                                 symbols)[0]])
    found: Any = made.buffer()
    buffer, evaluate = found
    point: Any = x.numpy().copy()
    entries: Any = np.zeros(made.nnz_out(0))
    buffer.set_arg(0, memoryview(point))
    buffer.set_res(0, memoryview(entries))

    def run(kept: Any = (made, buffer, point)) -> Any:
        evaluate()
        return entries

    return run


@figure("sparse Jacobian of 10⁴ functions of three neighbours ÷ their values (the peer)", "s", must=12, aim=5)
def sparse_1e4() -> Measured:
    return beside_value("jacobian", tridiagonal, 10 ** 4)


@figure("the same of a compiled function", "s", must=12, aim=5)
def sparse_1e4_compiled() -> Measured:
    return beside_value("jacobian", tridiagonal, 10 ** 4, True)


@figure("the same, 10⁶", "s", must=12, aim=5)
def sparse_1e6() -> Measured:
    return beside_value("jacobian", tridiagonal, 10 ** 6)


@figure("the same of a compiled function", "s", must=12, aim=5)
def sparse_1e6_compiled() -> Measured:
    return beside_value("jacobian", tridiagonal, 10 ** 6, True)


@figure("sparse Hessian of a field of 100 × 100 ÷ its value (the peer)", "s", must=12, aim=5)
def sparse_field() -> Measured:
    return beside_value("hessian", random_field, 10 ** 4)


def beside_casadi(compiles: bool) -> Measured:
    import numpy as np

    x, derivative = derivative_of("hessian", random_field, 10 ** 4, compiles)
    theirs = field_in_casadi(x)
    if theirs is None:
        return Measured(*fastest([derivative]))
    np.testing.assert_allclose(np.sort(derivative().data), np.sort(theirs()), rtol=1e-8, atol=1e-10)
    return Measured(*fastest([derivative, theirs]))


@figure("the same ÷ CasADi's virtual machine (the peer)", "s", must=1.5, aim=0.5)
def sparse_field_casadi() -> Measured:
    return beside_casadi(False)


@figure("the same of a compiled function", "s", must=1.5, aim=0.5)
def sparse_field_compiled_casadi() -> Measured:
    return beside_casadi(True)
