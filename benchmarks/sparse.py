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


def beside_value(kind: str, function: Callable[..., Any], n: int) -> Measured:
    T = libraries()[0]
    T.manual_seed(0)
    x = T.randn(n, dtype=T.float64)
    derivative = getattr(T.sparse, kind)(lambda a: function(T, a))
    return Measured(*fastest([lambda: derivative(x), lambda: function(T, x)]))


@figure("sparse Jacobian of 10⁴ functions of three neighbours ÷ their values (the peer)", "s", must=12, aim=5)
def sparse_1e4() -> Measured:
    return beside_value("jacobian", tridiagonal, 10 ** 4)


@figure("the same, 10⁶", "s", must=12, aim=5)
def sparse_1e6() -> Measured:
    return beside_value("jacobian", tridiagonal, 10 ** 6)


@figure("sparse Hessian of a field of 100 × 100 ÷ its value (the peer)", "s", must=12, aim=5)
def sparse_field() -> Measured:
    return beside_value("hessian", random_field, 10 ** 4)
