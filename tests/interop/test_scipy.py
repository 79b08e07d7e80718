"""`interop.scipy`: objectives as `scipy.optimize` wants them, replayed after the first calls."""
from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import optimize

import tapegrad as torch
from tapegrad.interop.scipy import hess, hessp, jac, sparse_jac, value_and_grad


def rosenbrock(x, scale=100.0):
    return (scale * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B", "CG", "TNC"])
def test_minimize(method):
    objective = value_and_grad(rosenbrock)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = optimize.minimize(objective, np.array([1.3, 0.7, 0.8]), jac=True, method=method)
    np.testing.assert_allclose(found.x, 1, atol=2e-3)
    assert objective.evaluation.step.replays > 5


@pytest.mark.parametrize("method", ["Newton-CG", "trust-ncg", "trust-krylov"])
def test_hessian_products(method):
    start = np.array([1.3, 0.7, 0.8])
    found = optimize.minimize(lambda x: optimize.rosen(x), start, jac=jac(rosenbrock), hessp=hessp(rosenbrock),
                              method=method)
    np.testing.assert_allclose(found.x, 1, atol=1e-4)


def test_against_scipy_s_own_derivatives():
    rng = np.random.default_rng(0)
    both, product = value_and_grad(rosenbrock), hessp(rosenbrock)
    for _ in range(6):
        x, v = rng.normal(size=(2, 4))
        value, gradient = both(x)
        assert isinstance(value, float) and isinstance(gradient, np.ndarray)
        np.testing.assert_allclose(value, optimize.rosen(x))
        np.testing.assert_allclose(gradient, optimize.rosen_der(x))
        np.testing.assert_allclose(product(x, v), optimize.rosen_hess_prod(x, v))


def test_results_are_not_overwritten_by_the_next_call():
    both = value_and_grad(lambda x: (x * x).sum())
    gradients = [both(np.full(2, float(i)))[1] for i in range(6)]
    assert [g.tolist() for g in gradients] == [[2 * i, 2 * i] for i in range(6)]


def test_further_arguments():
    def loss(x, data, power, shift):
        return ((x - data).abs() ** power).sum() + shift.sum()

    both = value_and_grad(loss)
    for power in (2, 3):
        for i in range(4):
            data = np.array([1.0, i])
            value, gradient = both(np.zeros(2), data, power, torch.ones(2))
            assert value == 1 + i ** power + 2
            np.testing.assert_allclose(gradient, -power * data ** (power - 1))


def test_points_of_another_size():
    both = value_and_grad(lambda x: (x * x).sum())
    for n in (2, 3, 2, 3, 2, 3, 2, 3):
        assert both(np.ones(n))[0] == n


def test_closure_data_and_grad_mode():
    data = torch.tensor([1.0, 2.0], dtype=torch.float64)
    both = value_and_grad(lambda x: ((x - data) ** 2).sum())
    with torch.no_grad():
        assert [both(np.zeros(2))[0] for _ in range(4)] == [5] * 4
    data.fill_(0)
    assert both(np.ones(2))[0] == 2


def test_linear_objectives_have_no_curvature():
    assert hessp(lambda x: x.sum())(np.ones(2), np.ones(2)).tolist() == [0, 0]


def test_the_objective_is_one_number():
    with pytest.raises(ValueError, match=r"one number, not a tensor of shape \(2,\)"):
        value_and_grad(lambda x: x * 2)(np.ones(2))


def test_sparse_derivatives():
    def residuals(x):
        return torch.cat((10 * (x[1:] - x[:-1] ** 2), 1 - x))

    found = optimize.least_squares(lambda x: residuals(torch.tensor(x)).numpy(), np.full(40, 0.5),
                                   jac=sparse_jac(residuals), method="trf")
    np.testing.assert_allclose(found.x, 1, 1e-6)

    def loss(x):
        return (residuals(x) ** 2).sum()

    found = optimize.minimize(value_and_grad(loss), np.full(10, 0.5), jac=True,
                              hess=hess(loss), method="trust-constr", options={"maxiter": 200})
    np.testing.assert_allclose(found.x, 1, 1e-3)
