"""SciPy's solvers with derivatives filled in: they find what SciPy finds, with fewer evaluations."""
from __future__ import annotations

import sys
import types
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from scipy import integrate, optimize

import tapegrad as torch
from tapegrad.interop import scipy as solvers

f64 = torch.float64
START = np.array([1.3, 0.7, 0.8, 1.9])


def rosenbrock(x: torch.Tensor) -> torch.Tensor:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


METHODS = ["BFGS", "CG", "L-BFGS-B", "TNC", "SLSQP", "Newton-CG", "trust-ncg", "trust-krylov", "trust-constr",
           "dogleg", "trust-exact", "Nelder-Mead", None]


@pytest.mark.parametrize("method", METHODS)
def test_minimize(method: str | None) -> None:
    start = START if method != "dogleg" else np.full(4, 1.05)  # which wants a convex beginning
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "delta_grad|.*singular", UserWarning)
        found = solvers.minimize(rosenbrock, start, method=method)
    np.testing.assert_allclose(found.x, 1, atol=5e-3)


def test_arguments_bounds_and_another_jacobian() -> None:
    def loss(x: torch.Tensor, data: torch.Tensor, scale: float) -> torch.Tensor:
        return (scale * (x - data) ** 2).sum()

    data = np.array([1.0, 2.0])
    found = solvers.minimize(loss, [0.0, 0.0], (data, 2.0), "L-BFGS-B", bounds=[(0, None), (0, 1.5)])
    np.testing.assert_allclose(found.x, [1, 1.5])
    seen: list[Any] = []
    solvers.minimize(loss, torch.zeros(2), (data, 2.0), jac=lambda x, d, s: seen.append(x) or 2 * s * (x - d))
    assert seen
    with pytest.raises(ValueError, match="one number"):
        solvers.minimize(lambda x: x, np.zeros(2))
    with pytest.raises(ValueError, match="must have one axis"):
        solvers.minimize(lambda x: x.sum(), np.zeros((2, 2)))


@pytest.mark.parametrize("method", ["SLSQP", "trust-constr"])
def test_constraints(method: str) -> None:
    def circle(x: torch.Tensor) -> torch.Tensor:
        return 1 - (x * x).sum()

    constraint: Any = {"type": "ineq", "fun": circle}
    if method == "trust-constr":
        constraint = optimize.NonlinearConstraint(circle, 0, np.inf)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = solvers.minimize(lambda x: -x.sum(), np.zeros(2), method=method, constraints=constraint)
    np.testing.assert_allclose(found.x, np.sqrt(0.5), atol=1e-3)


@pytest.mark.parametrize("sparse", [False, True])
def test_least_squares(sparse: bool) -> None:
    def residuals(x: torch.Tensor) -> torch.Tensor:
        return torch.cat((10 * (x[1:] - x[:-1] ** 2), 1 - x))

    found = solvers.least_squares(residuals, np.full(12, 0.5), sparse=sparse)
    np.testing.assert_allclose(found.x, 1, 1e-6)
    with pytest.raises(ValueError, match=r"must return a vector, not a tensor of shape \(2, 2\)"):
        solvers.least_squares(lambda x: x.expand(2, 2), np.zeros(2))


def test_root() -> None:
    def equations(x: torch.Tensor) -> torch.Tensor:
        return torch.stack((x[0] + 0.5 * (x[0] - x[1]) ** 3 - 1, 0.5 * (x[1] - x[0]) ** 3 + x[1]))

    for method in ("hybr", "lm", "df-sane"):
        found = solvers.root(equations, [0.0, 0.0], method=method)
        np.testing.assert_allclose(found.x, [0.8411639, 0.1588361], atol=1e-3, err_msg=method)
    assert solvers.root(equations, [0.0, 0.0]).njev >= 1
    with pytest.raises(ValueError, match="2 unknowns wants as many equations, not 1"):
        solvers.root(lambda x: x.sum(), np.zeros(2))


def test_root_scalar() -> None:
    for options in ({"x0": 1.0}, {"x0": 1.0, "method": "halley"}, {"bracket": (0.0, 2.0)}, {"x0": 1.0, "x1": 2.0}):
        assert solvers.root_scalar(lambda x, a: x ** 3 - a, (5.0,), **options).root == pytest.approx(5 ** (1 / 3))
    with pytest.raises(ValueError, match="one number"):
        solvers.root_scalar(lambda x: torch.stack((x, x)), bracket=(0, 1))


@pytest.mark.parametrize("method", ["RK45", "DOP853", "Radau", "BDF", "LSODA"])
def test_solve_ivp(method: str) -> None:
    def van_der_pol(t: torch.Tensor, y: torch.Tensor, mu: float) -> torch.Tensor:
        return torch.stack((y[1], mu * (1 - y[0] ** 2) * y[1] - y[0] + 0 * t))

    found = solvers.solve_ivp(van_der_pol, (0, 3), [2.0, 0.0], method, args=(3.0,), rtol=1e-7, atol=1e-9)
    from scipy import integrate

    wanted = integrate.solve_ivp(lambda t, y: [y[1], 3 * (1 - y[0] ** 2) * y[1] - y[0]], (0, 3), [2.0, 0.0], method,
                                 rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found.y[:, -1], wanted.y[:, -1], rtol=1e-4)
    with pytest.raises(ValueError, match="as many, not 1"):
        solvers.solve_ivp(lambda t, y: y.sum(), (0, 1), np.zeros(2), method)


def test_quad() -> None:
    assert solvers.quad(lambda x: torch.exp(-x * x), -np.inf, np.inf)[0] == pytest.approx(np.sqrt(np.pi))
    assert solvers.quad(lambda x, a, b: a * x + b, 0, 1, (2.0, 1.0))[0] == pytest.approx(2)
    assert solvers.quad(lambda x: x if x > 0 else -2 * x, -1, 1, limit=80)[0] == pytest.approx(1.5)  # a branch
    with pytest.raises(ValueError, match="one number"):
        solvers.quad(lambda x: torch.stack((x, x)), 0, 1)


def test_approx_fprime() -> None:
    x = np.array([0.5, 2.0])
    np.testing.assert_allclose(solvers.approx_fprime(x, lambda x: (x ** 3).sum()), 3 * x * x, rtol=1e-14)
    np.testing.assert_allclose(solvers.approx_fprime(x, lambda x, a: a * x ** 2, 1e-8, 3.0), np.diag(6 * x))


def test_differential_evolution() -> None:
    def rastrigin(x: torch.Tensor, a: float) -> torch.Tensor:
        return (x * x - a * torch.cos(2 * np.pi * x)).sum() + a * len(x)

    found = solvers.differential_evolution(rastrigin, [(-4, 4)] * 2, (10.0,), seed=1, maxiter=200)
    assert found.fun == pytest.approx(0, abs=1e-9)
    with pytest.raises(ValueError, match="one number"):
        solvers.differential_evolution(lambda x: x, [(-1, 1)] * 2)


def test_progress(monkeypatch: Any) -> None:
    counted: list[str] = []
    bar = types.SimpleNamespace(update=lambda: counted.append("one"), close=lambda: counted.append("closed"))
    monkeypatch.setitem(sys.modules, "tqdm", types.SimpleNamespace(tqdm=lambda **_: bar))
    points: list[Any] = []
    found = solvers.minimize(rosenbrock, START, progress=True, callback=lambda xk: points.append(xk))
    assert counted == ["one"] * found.nit + ["closed"] and len(points) == found.nit
    monkeypatch.setitem(sys.modules, "tqdm", None)  # not installed
    solvers.minimize(rosenbrock, START, progress=True, method="SLSQP")


def test_evaluations_are_replays() -> None:
    both = solvers.value_and_grad(rosenbrock)
    for _ in range(6):
        both(START)
    assert both.evaluation.step.replays >= 3  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jacobian = solvers.dense_jac(lambda x: x[1:] * x[:-1])
        for _ in range(6):
            found = jacobian(START)
    assert found.shape == (3, 4)


@pytest.mark.parametrize("call", [
    lambda: solvers.minimize(lambda x: (x * x).sum(), np.ones(2), zzz=1),
    lambda: solvers.least_squares(lambda x: x - 1, np.ones(2), zzz=1),
    lambda: solvers.root(lambda x: x - 1, np.ones(2), zzz=1),
    lambda: solvers.root_scalar(lambda x: x - 1, bracket=[0, 3], zzz=1),
    lambda: solvers.quad(lambda x: x, 0, 1, zzz=1),
    lambda: solvers.solve_ivp(lambda t, y: -y, (0, 1), np.ones(1), zzz=1),
    lambda: solvers.differential_evolution(lambda x: (x * x).sum(), [(-1, 1)], zzz=1),
])
def test_keywords_that_scipy_does_not_know_it_refuses(call):
    with pytest.raises(TypeError, match="unexpected keyword argument 'zzz'"):
        call()


@pytest.mark.parametrize("returned", [1.0, None, np.float64(3)], ids=str)
@pytest.mark.parametrize("call", [
    lambda f: solvers.minimize(f, np.ones(2)),
    lambda f: solvers.minimize(f, np.ones(2), method="Nelder-Mead"),
    lambda f: solvers.minimize(f, np.ones(2), method="trust-exact"),
    lambda f: solvers.root_scalar(f, bracket=[0, 3]),
    lambda f: solvers.quad(f, 0, 1),
    lambda f: solvers.differential_evolution(f, [(-1, 1)]),
    lambda f: solvers.least_squares(f, np.ones(2)),
])
def test_what_is_no_tensor_is_named(call: Any, returned: Any) -> None:
    with pytest.raises(TypeError, match=rf"must return .*tensor, not a {type(returned).__name__}"):
        call(lambda x: returned)


def test_threads_share_an_objective() -> None:
    """Each call has a point of its own, however threads take turns."""
    objective = solvers.value_and_grad(lambda x: (x * x).sum())
    points = [np.array([k, 1.0]) for k in range(500)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            found = [*pool.map(objective, points)]
    finally:
        sys.setswitchinterval(before)
    assert [v for v, _ in found] == [k * k + 1.0 for k in range(500)]


def test_methods_that_are_classes_get_jacobians(monkeypatch: Any) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(integrate, "solve_ivp", lambda *args, **options: given.update(options))
    solvers.solve_ivp(lambda t, y: -50 * y, (0, 1), np.ones(1), integrate.Radau)
    assert given["jac"](0.0, np.ones(1)).tolist() == [[-50]]
