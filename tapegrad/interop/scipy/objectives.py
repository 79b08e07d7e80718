"""Objectives for `scipy.optimize`: values, gradients and Hessian products of a function of one tensor, as NumPy arrays.

The function is compiled together with its derivative, so that an evaluation is one replay. SciPy is not imported.
"""
from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

import tapegrad
from tapegrad.autograd import modes
from tapegrad.compiler import Compiled

__all__ = ["Evaluation", "dense_jac", "evaluated", "hess", "hessp", "jac", "sparse_jac", "value_and_grad"]

Array = np.ndarray[Any, Any]
Objective = Callable[..., Any]  # of a tensor, and of whatever `args=` adds; returns a scalar tensor


class Evaluation:
    """A compiled step on a point that is a tensor of its own: NumPy writes it, the program reads it."""

    def __init__(self, make: Callable[..., Objective], function: Objective, count: int) -> None:
        self._make, self._function, self._count = make, function, count
        self._at: dict[tuple[int, ...], tuple[list[Array], Objective]] = {}
        self._lock = threading.RLock()  # one thread has the point
        self.step: Any = None  # the compiled function, for `explain()`

    def __call__(self, *given: Any) -> Any:
        vectors, args = given[:self._count], given[self._count:]
        shape = np.shape(vectors[0])
        with self._lock:
            if shape not in self._at:
                points = [tapegrad.zeros(shape, dtype=tapegrad.float64) for _ in vectors]
                memory = [p.numpy() for p in points]
                points[0].requires_grad_()
                self._at[shape] = memory, Compiled(self._make(self._function, *points))
            memory, self.step = self._at[shape]
            for place, vector in zip(memory, vectors):
                place[...] = vector
            with modes.enable_grad():
                return self.step(*[tapegrad.from_numpy(a) if isinstance(a, np.ndarray) else a for a in args])


def number(value: Any, what: str = "objective") -> Any:
    """What a function gives that is to give one number, without axes."""
    if not isinstance(value, tapegrad.Tensor):
        raise TypeError(f"the {what} must return one number as a tensor, not a {type(value).__name__}")
    if value.numel() != 1:
        raise ValueError(f"the {what} must return one number, not a tensor of shape {tuple(value.shape)}")
    return value.reshape(())


def _both(function: Objective, x: Any) -> Objective:
    def step(*args: Any) -> Any:
        value = number(function(x, *args))
        (gradient,) = tapegrad.autograd.grad(value, (x,))
        return value.detach(), gradient

    return step


def _product(function: Objective, x: Any, v: Any) -> Objective:
    def step(*args: Any) -> Any:
        (gradient,) = tapegrad.autograd.grad(number(function(x, *args)), (x,), create_graph=True)
        if not gradient.requires_grad:  # linear
            return gradient * 0
        (found,) = tapegrad.autograd.grad((gradient * v).sum(), (x,), allow_unused=True)
        return gradient.detach() * 0 if found is None else found

    return step


def value_and_grad(function: Objective) -> Callable[..., tuple[float, Array]]:
    """The value and the gradient of a function of a float64 tensor, as `minimize(…, jac=True)` wants them.

    >>> import tapegrad as torch
    >>> f = value_and_grad(lambda x: ((x - 3) ** 2).sum())
    >>> f(np.array([1.0, 2.0]))
    (5.0, array([-4., -2.]))

    With SciPy: `scipy.optimize.minimize(value_and_grad(loss), x0, args=(data,), jac=True, method="BFGS")`. Arguments
    after the point may be tensors, NumPy arrays and numbers. The returned function's `step.explain()` says how it runs
    (`f.evaluation.step`).
    """
    evaluation = Evaluation(_both, function, 1)

    def evaluate(x: Array, *args: Any) -> tuple[float, Array]:
        value, gradient = evaluation(x, *args)
        return value.item(), gradient.numpy()

    evaluate.evaluation = evaluation  # type: ignore[attr-defined]
    return evaluate


def jac(function: Objective) -> Callable[..., Array]:
    """The gradient alone, for `minimize(jac=…)` next to another objective.

    >>> jac(lambda x: (x ** 3).sum())(np.array([1.0, 2.0]))
    array([ 3., 12.])
    """
    both = value_and_grad(function)
    return lambda x, *args: both(x, *args)[1]


def hessp(function: Objective) -> Callable[..., Array]:
    """The product of the Hessian with a vector, for `minimize(hessp=…)` (Newton-CG, trust-ncg, trust-krylov).

    >>> hessp(lambda x: (x ** 3).sum())(np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([  6., 120.])
    """
    evaluation = Evaluation(_product, function, 2)
    return lambda x, v, *args: evaluation(x, v, *args).numpy()


def evaluated(function: Objective) -> Callable[..., Array]:
    """The values of a function of a vector, an array of one axis.

    >>> evaluated(lambda x: x[1:] * x[:-1])(np.array([1.0, 2.0, 3.0]))
    array([2., 6.])
    """
    evaluation = Evaluation(_values, function, 1)
    return lambda x, *args: evaluation(x, *args).numpy()


def dense_jac(function: Objective) -> Callable[..., Array]:
    """The Jacobian of a function of a vector as an array of two axes, for `least_squares`, `root` and constraints.

    >>> dense_jac(lambda x: x[1:] * x[:-1])(np.array([1.0, 2.0, 3.0]))
    array([[2., 1., 0.],
           [0., 3., 2.]])
    """
    # One sweep for all rows, which is native as it is: captured, its basis would be a tensor from nowhere.
    found = _of_arrays(tapegrad.func.jacrev(lambda x, *args: _vector(function(x, *args))))
    return lambda x, *args: found(x, *args).detach().numpy()


def _vector(value: Any) -> Any:
    if not isinstance(value, tapegrad.Tensor):
        raise TypeError(f"the function must return a tensor, not a {type(value).__name__}")
    if value.ndim > 1:
        raise ValueError(f"the function must return a vector, not a tensor of shape {tuple(value.shape)}")
    return value.reshape(-1)


def _values(function: Objective, x: Any) -> Objective:
    return lambda *args: _vector(function(x.detach(), *args))


def sparse_jac(function: Objective) -> Callable[..., Any]:
    """The Jacobian of a function of a vector as a sparse matrix, for `least_squares(jac=…)` and implicit solvers.

    >>> J = sparse_jac(lambda x: x[1:] * x[:-1])
    >>> J(np.array([1.0, 2.0, 3.0])).toarray()
    array([[2., 1., 0.],
           [0., 3., 2.]])

    As `tapegrad.sparse.jacobian`, of arrays.
    """
    return _of_arrays(tapegrad.sparse.jacobian(function))


def hess(function: Objective) -> Callable[..., Any]:
    """The Hessian of an objective as a sparse matrix, for `minimize(hess=…, method="trust-constr")`.

    >>> hess(lambda x: (x ** 3).sum())(np.array([1.0, 2.0])).toarray()
    array([[ 6.,  0.],
           [ 0., 12.]])

    As `tapegrad.sparse.hessian`, of arrays.
    """
    return _of_arrays(tapegrad.sparse.hessian(function))


def _of_arrays(derivative: Callable[..., Any]) -> Callable[..., Any]:
    def evaluate(x: Array, *args: Any) -> Any:
        return derivative(tapegrad.tensor(np.asarray(x, float)), *[
            tapegrad.from_numpy(a) if isinstance(a, np.ndarray) else a for a in args])

    return evaluate
